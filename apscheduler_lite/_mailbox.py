"""
Events that wait for one listener, and the thread on which it is called with them, in order.

For listeners that take long: whoever has an event to tell puts it here and goes on at once.
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread, current_thread

from ._locks import make_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import SchedulerEvent

__all__ = ["Mailbox", "is_mailbox_thread"]

IDLE_SECONDS = 1.0
"""Seconds for which the thread waits for another event before it ends; the next one starts it anew."""

MANY = 1_000
"""Waiting events of which the log tells; and again at ten times as many."""


class Mailbox:
    """
    The events for one listener.

    It holds any number of them, since none may be lost: a listener that is slower than what it listens to, for ever,
    takes ever more memory. `on_many` is called when there are very many.
    """

    def __init__(self, deliver: Callable[[SchedulerEvent], object], on_many: Callable[[int], object]) -> None:
        self.deliver = deliver  # called with each event on the thread; it raises nothing
        self.on_many = on_many
        self.begin_in_child()

    def begin_in_child(self) -> None:
        """Hold nothing; in a forked child: the thread, the lock and the events belong to the parent."""
        self._changed = Condition(make_lock())  # a signal handler may have something to tell
        self._events: deque[SchedulerEvent] = deque()
        self._thread: Thread | None = None
        self._told_at = MANY
        self._drains = 0

    @property
    def is_empty(self) -> bool:
        """Return whether every event has been delivered."""
        return self._thread is None or (not self._events and not self._is_delivering)

    _is_delivering = False

    def put(self, event: SchedulerEvent) -> None:
        """Have the listener called with an event, after those that wait already."""
        with self._changed:
            self._events.append(event)
            if self._thread is None:
                self._thread = _MailboxThread(target=self._work, name="apscheduler_lite.listener", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # there can be no more threads: tried again with the next event
                    self._thread = None
            self._changed.notify_all()
            count = len(self._events)
            is_many = count >= self._told_at
            if is_many:
                self._told_at *= 10
        if is_many:
            self.on_many(count)

    def discard(self) -> None:
        """Forget the events that wait."""
        with self._changed:
            self._events.clear()

    def drain(self, seconds: float | None) -> None:
        """Wait until all events have been delivered and the thread has ended, for so many seconds at the longest."""
        with self._changed:
            self._drains += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._thread is None, seconds)
            finally:
                self._drains -= 1

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_delivering = False
                self._changed.wait_for(lambda: self._events or self._drains, IDLE_SECONDS)
                if not self._events:
                    self._thread = None
                    self._told_at = MANY
                    self._changed.notify_all()
                    return
                event = self._events.popleft()
                self._is_delivering = True
            self.deliver(event)
            del event  # a waiting thread must not keep alive what it bears


class _MailboxThread(Thread):
    """The thread of a mailbox."""


def is_mailbox_thread() -> bool:
    """Return whether the calling thread is one on which a listener is called with events that waited."""
    return isinstance(current_thread(), _MailboxThread)
