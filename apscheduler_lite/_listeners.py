"""
Who hears which event.

Listeners are called one at a time, by whoever has an event to tell, with no lock held. One that raises is logged and
the others are still called; one that takes longer than a second is named in the log; one that is a coroutine function
is awaited. A deferred listener gets its events through a mailbox, on a thread of its own.
"""

from __future__ import annotations

from ._interrupts import ends_program
from ._locks import make_lock
from ._options import as_bool, as_positive_integer
from ._references import name_of
from ._running import run_awaitable
from ._text import shorten
from .events import EVENT_ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ._clock import Clock
    from ._mailbox import Mailbox
    from .events import SchedulerEvent

    Listener = Callable[[Any], Any]

__all__ = ["Listeners"]

SLOW_SECONDS = 1.0


class Listeners:
    """The listeners of one scheduler, in the order in which they were added."""

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        self.logger = logger
        self.clock = clock
        self.mask = 0  # all codes that anybody listens to, so that an event nobody wants need not be made
        self._lock = make_lock()  # for changing them
        # Each with its mask and, where it is deferred, its mailbox.
        self._listeners: tuple[tuple[Listener, int, Mailbox | None], ...] = ()
        self.run_awaitable: Callable[[Awaitable[Any], object], None] = run_awaitable
        self.run_deferred_awaitable: Callable[[Awaitable[Any], object], None] = run_awaitable  # to its end

    def add(self, listener: Listener, mask: int = EVENT_ALL, *, deferred: bool = False) -> None:
        """Add a listener for the codes in the mask."""
        if not callable(listener):
            raise TypeError(f"callback must be callable, not {shorten(listener)}")
        if as_positive_integer(mask, "mask") & ~EVENT_ALL:
            raise ValueError(f"mask {mask} holds codes that no event has; combine EVENT_… constants with |")
        mailbox: Mailbox | None = None
        if as_bool(deferred, "deferred"):
            from ._mailbox import Mailbox  # here, because deferred listeners are rare

            mailbox = Mailbox(*self._connections(listener))
        with self._lock:
            # A new tuple each time: whoever is delivering at this moment goes on with the old one, without a lock.
            self._listeners = (*self._listeners, (listener, mask, mailbox))
            self.mask |= mask

    def take_over(self, other: Listeners) -> None:
        """Take over the listeners of another collection, with the events that wait for them."""
        self._listeners, self.mask = other._listeners, other.mask
        for listener, _, mailbox in self._listeners:
            if mailbox is not None:
                mailbox.deliver, mailbox.on_many = self._connections(listener)

    def remove(self, listener: Listener) -> None:
        """Remove a listener everywhere it was added; one that was not is ignored."""
        # Compared before the lock is taken: how a stranger's object compares is a stranger's code.
        gone = [each for each in self._listeners if each[0] == listener]
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if not any(each is other for other in gone))
            mask = 0
            for _, wanted, _ in self._listeners:
                mask |= wanted
            self.mask = mask
        for _, _, mailbox in gone:
            if mailbox is not None:
                mailbox.discard()

    def deliver(self, event: SchedulerEvent) -> None:
        """Call everyone who listens to the event's code."""
        for listener, mask, mailbox in self._listeners:
            if event.code & mask:
                if mailbox is None:
                    self._call(listener, event)
                else:
                    mailbox.put(event)

    # -- deferred ----------------------------------------------------------------------------------------------

    @property
    def _mailboxes(self) -> list[Mailbox]:
        return [mailbox for _, _, mailbox in self._listeners if mailbox is not None]

    def is_quiet(self) -> bool:
        """Return whether every deferred event has been delivered."""
        return all(mailbox.is_empty for mailbox in self._mailboxes)

    def drain(self, seconds_left: Callable[[], float | None]) -> None:
        """
        Wait until every deferred event has been delivered; not from within such a delivery.

        Args:
            seconds_left: tells how long to wait at the longest, None for ever.
        """
        mailboxes = self._mailboxes
        if mailboxes:
            from ._mailbox import is_mailbox_thread

            if is_mailbox_thread():
                return
        for mailbox in mailboxes:
            mailbox.drain(seconds_left())

    def begin_in_child(self) -> None:
        """Let go, in a forked child, of what belongs to the parent."""
        self._lock = make_lock()
        for mailbox in self._mailboxes:
            mailbox.begin_in_child()

    def _connections(self, listener: Listener) -> tuple[Callable[[Any], None], Callable[[int], None]]:
        """Return what delivers an event to a deferred listener, and what tells that very many wait for it."""

        def deliver(event: Any) -> None:
            self._call_guarded(listener, event, self.run_deferred_awaitable)

        def tell_of_many(count: int) -> None:
            self.logger.warning(
                "%d events wait for the deferred listener %s, which is slower than they come",
                count,
                _named(listener),
                extra={"action": "listener_behind"},
            )

        return deliver, tell_of_many

    # -- calling -----------------------------------------------------------------------------------------------

    def _call(self, listener: Listener, event: SchedulerEvent) -> None:
        began = self.clock.monotonic()
        self._call_guarded(listener, event, self.run_awaitable)
        took = self.clock.monotonic() - began
        if took > SLOW_SECONDS:
            self.logger.warning(
                "listener %s took %.1f s for %r; what is due meanwhile waits for it (unless added with deferred=True)",
                _named(listener),
                took,
                event,
                extra={"action": "listener_slow"},
            )

    def _call_guarded(
        self, listener: Listener, event: SchedulerEvent, run_awaitable: Callable[[Awaitable[Any], object], None]
    ) -> None:
        try:
            answer = listener(event)
            if answer is not None and hasattr(type(answer), "__await__"):
                run_awaitable(answer, listener)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self.logger.exception(
                "Error notifying listener %s of %r", _named(listener), event, extra={"action": "listener_failed"}
            )


def _named(listener: Listener) -> str:
    try:
        return name_of(listener)
    except TypeError:
        return shorten(listener)
