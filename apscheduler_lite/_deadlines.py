"""
What is to happen at a time, on one thread for all of it.

The thread is started by the first deadline and sleeps by the scheduler's clock. A deadline that is removed costs a
mark: the heap drops it when it comes to the top, or when such marks outnumber what is still to come.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from threading import Thread, get_ident

from ._clock import Alarm
from ._guarded_logger import logger_named
from ._locks import make_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._clock import Clock

__all__ = ["Deadline", "Deadlines"]

LONGEST_SLEEP = 3600.0
"""Seconds between two looks at the clock, at the most: no lock can be waited for until the end of time."""

_logger = logger_named("apscheduler_lite.executors")


class Deadline:
    """Something that is to be called at a time, unless it is removed before."""

    __slots__ = ("_at", "_number", "action")

    def __init__(self, at: float, number: int, action: Callable[[], object]) -> None:
        self._at = at
        self._number = number
        self.action: Callable[[], object] | None = action

    def __lt__(self, other: Deadline) -> bool:
        return (self._at, self._number) < (other._at, other._number)

    @property
    def at(self) -> float:
        """Return when, by the monotonic clock."""
        return self._at


class Deadlines:
    """
    The deadlines of one executor.

    Args:
        clock: the scheduler's.
        name: the thread's.
    """

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._alarm = Alarm()
        self._lock = make_lock()
        self._heap: list[Deadline] = []
        self._numbers = count()
        self._pending = 0
        self._thread: Thread | None = None
        self._wakes_at = float("inf")
        self._is_closed = False

    def add(self, seconds: float, action: Callable[[], object]) -> Deadline:
        """Have the action called after so many seconds, on the thread of the deadlines."""
        with self._lock:
            deadline = Deadline(self._clock.monotonic() + seconds, next(self._numbers), action)
            heappush(self._heap, deadline)
            self._pending += 1
            if self._thread is None:
                self._start()
            elif deadline.at < self._wakes_at:
                self._alarm.ring()
        return deadline

    def remove(self, deadline: Deadline) -> None:
        """Forget a deadline; it does nothing more, unless it is doing it just now."""
        with self._lock:
            if deadline.action is None:
                return
            deadline.action = None
            self._pending -= 1
            if len(self._heap) > 2 * self._pending + 64:
                self._heap = [each for each in self._heap if each.action is not None]
                heapify(self._heap)
            if self._is_closed and not self._pending:
                self._alarm.ring()

    def close(self) -> None:
        """End the thread as soon as nothing is to come any more."""
        with self._lock:
            self._is_closed = True
            self._alarm.ring()

    def _start(self) -> None:
        self._wakes_at = float("-inf")  # it looks before it sleeps
        self._thread = Thread(target=self._keep, name=self._name, daemon=True)
        self._clock.attach(self)
        try:
            self._thread.start()
        except BaseException:
            self._thread = None
            self._clock.detach(self)
            raise

    def _keep(self) -> None:
        while True:
            for action in self._take_due():
                try:
                    action()
                except BaseException:
                    _logger.exception("Error at a run's time limit")
            with self._lock:
                if self._is_closed and not self._pending:
                    self._thread = None
                    self._clock.detach(self)
                    return
                self._wakes_at = self._heap[0].at if self._heap else float("inf")
            left = self._wakes_at - self._clock.monotonic()
            self._clock.sleep(self._alarm, None if left == float("inf") else max(0.0, min(left, LONGEST_SLEEP)))

    def _take_due(self) -> list[Callable[[], object]]:
        due = []
        with self._lock:
            now = self._clock.monotonic()
            while self._heap and (self._heap[0].action is None or self._heap[0].at <= now):
                deadline = heappop(self._heap)
                if deadline.action is not None:
                    due.append(deadline.action)
                    deadline.action = None
                    self._pending -= 1
        return due

    # -- what a clock asks of who lives by it ------------------------------------------------------------------

    def _is_busy(self) -> bool:
        return False

    def _refuse_to_block(self) -> None:
        if self._thread is not None and self._thread.ident == get_ident():
            raise RuntimeError("a listener cannot wait for its own scheduler; call this from the test itself")
