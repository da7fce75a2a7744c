"""
The one place that reads the time or sleeps.

Everything below a scheduler takes time as an argument; a scheduler takes a `Clock`. A linter ban keeps
``datetime.now``, ``time.time``, ``time.monotonic`` and ``time.sleep`` out of every other file.
"""

from __future__ import annotations

import time
from _thread import allocate_lock
from abc import ABC, abstractmethod
from datetime import datetime, timezone

__all__ = ["Alarm", "Clock", "SystemClock", "system_instant", "system_now"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Sleeper(Protocol):
        """Who lives by a clock: a scheduler, as the clock sees it."""

        _alarm: Alarm

        def _is_busy(self) -> bool: ...
        def _refuse_to_block(self) -> None: ...


_UTC = timezone.utc


def system_now() -> datetime:
    """Return the host's time in UTC, for a trigger that is built outside a scheduler and needs a start."""
    return datetime.now(_UTC)


def system_instant() -> int:
    """Return the host's time in microseconds since 1970-01-01 00:00 UTC."""
    return time.time_ns() // 1000


class Alarm:
    """
    Wake one sleeper, now or at its next sleep.

    A ring is never lost: rung while nobody waits, it ends the next wait at once; rung twice, it ends one wait. Any
    thread may ring it, and a signal handler.
    """

    __slots__ = ("_lock", "is_rung")

    def __init__(self) -> None:
        self.is_rung = False  # from a ring until the sleeper has taken note of it
        # A bare lock held by nobody in particular: acquire() is the wait, release() the ring. It wakes the sleeper with
        # one system call, where a Condition or an Event takes three locks.
        self._lock = allocate_lock()
        self._lock.acquire()

    def ring(self) -> None:
        """End the current wait, or the next one when nobody waits."""
        self.is_rung = True
        try:
            self._lock.release()
        except RuntimeError:
            return  # it has been rung already and nobody has woken up yet: one ring is enough

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep until the alarm rings or the seconds (None: for ever) have passed; return whether it rang."""
        rang = self._lock.acquire(timeout=-1 if seconds is None else max(0.0, seconds))
        if rang:
            self.is_rung = False
        return rang


class Clock(ABC):
    """
    The time as a scheduler sees it.

    Pass an instance as ``clock=`` to a scheduler. The library has two: the system's, and
    `apscheduler_lite.testing.ManualClock`, which stands still until a test moves it.
    """

    longest_sleep: float | None = 2.0
    """
    Seconds to sleep at the longest, None for no limit.

    A system's wall clock may be set, and a machine may be suspended, without anybody being woken: looking at it every
    other second is how that is noticed.
    """

    shortest_beat: float = 0.0005
    """
    Seconds from one pass to the next at the least, as long as nobody asks for it earlier.

    Where thousands of jobs come due each second, a pass then claims several, which costs a fraction for each. They
    begin later by that much at the most. One that is due when it is added, or that waits for a worker, is not held up.
    """

    @abstractmethod
    def now(self) -> int:
        """Return the wall clock's time in microseconds since 1970-01-01 00:00 UTC."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return seconds from an arbitrary start, which no adjustment of the wall clock moves."""

    @abstractmethod
    def sleep(self, alarm: Alarm, seconds: float | None) -> None:
        """Sleep for the seconds (None: without end) or until the alarm rings, whichever comes first."""

    def attach(self, sleeper: Sleeper) -> None:
        """Take note of a scheduler that starts to live by this clock."""

    def detach(self, sleeper: Sleeper) -> None:
        """Take note that the scheduler has stopped."""


class SystemClock(Clock):
    """The host's clocks."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, alarm: Alarm, seconds: float | None) -> None:
        alarm.wait(seconds)
