"""
What the scheduler asks of a trigger.

A trigger of your own subclasses ``BaseTrigger`` and overrides ``get_next_fire_time``, as with APScheduler 3; the
rest follows from it. The scheduler itself counts in instants (microseconds since 1970 in UTC) and asks
``next_instant``, ``latest_instant`` and ``delay``; the triggers of this library answer these by arithmetic, see
``exact.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import islice, takewhile
from operator import index

from apscheduler_lite._clock import system_now
from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import (
    FIRST_INSTANT,
    LAST_INSTANT,
    MICROSECONDS,
    UTC,
    from_instant,
    to_datetime,
    to_instant,
)

TYPE_CHECKING = False  # the name is enough for type checkers, and importing typing costs milliseconds
if TYPE_CHECKING:
    from typing import Self

    from .clock_notes import ClockChangeNote

__all__ = ["BaseTrigger"]

# How many fire times latest_instant tries, one by one, before it is content with the last that it found.
_MAX_STEPS = 100_000


class BaseTrigger(ABC):
    """Base class of all triggers."""

    __slots__ = ()

    @abstractmethod
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """
        Return the next fire time, an aware datetime, or None when there is none any more.

        Args:
            previous_fire_time: what this method returned last, or None for the first time.
            now: the current time.
        """

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """
        Return the next fire time as an instant, without jitter; None when there is none any more.

        The search begins at ``now`` when ``previous`` is None or the clock was set back before it, otherwise just
        after ``previous``.

        Raises:
            TypeError: the answer of ``get_next_fire_time`` is no datetime.
            ValueError: it is naive, at an end of the calendar, or not later than the previous one.
        """
        zone = self.zone or local_timezone()
        answer = self.get_next_fire_time(
            None if previous is None else from_instant(previous, zone), from_instant(now, zone)
        )
        if answer is None:
            return None
        where = f"{type(self).__name__}.get_next_fire_time returned {shorten(answer)}"
        if not isinstance(answer, datetime):
            raise TypeError(f"{where}; it must return a datetime with a time zone, or None")
        if answer.utcoffset() is None:
            raise ValueError(f"{where}, which has no time zone; it must return a datetime with one, or None")
        instant = to_instant(answer)
        if not FIRST_INSTANT <= instant <= LAST_INSTANT:
            raise ValueError(f"{where}, which has no local time in some zones; answer None when there is no fire time")
        if previous is not None and instant <= previous <= now:
            raise ValueError(
                f"{where}, which is not later than the previous fire time {from_instant(previous, zone).isoformat()}"
            )
        return instant

    def first_instant(self, begin: int) -> int | None:
        """
        Return the first fire time that is not earlier than ``begin``, or None.

        It asks as for the first time, and then, where the answer is older, for the ones after it, 100,000 at most.
        """
        found = self.next_instant(None, begin)
        for _ in range(_MAX_STEPS):
            if found is None or found >= begin:
                return found
            found = self.next_instant(found, begin)
        return None

    def latest_instant(self, after: int, now: int) -> int | None:
        """
        Return the latest fire time that is later than ``after`` and not later than ``now``, or None.

        This asks for one fire time after the other, and stops after 100,000 of them with the last that it saw.
        """
        latest = None
        found = self.next_instant(after, now)
        for _ in range(_MAX_STEPS):
            if found is None or found > now:
                break
            latest = found
            found = self.next_instant(found, now)
        return latest

    def own_previous(self, previous: int) -> int | None:
        """
        Return what to hand ``next_instant`` as previous when the last fire time was perhaps another trigger's.

        Triggers that are combined see each other's fire times; one that must know its own looks for it here. None means
        that there was none.
        """
        return previous

    def delay(self, instant: int) -> int:
        """Return the microseconds of jitter to add to that fire time: here none."""
        return 0

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """
        Return this trigger with the scheduler's zone and time for what its user left open.

        The scheduler calls it when the trigger is added. It returns the trigger itself when nothing was left open,
        otherwise a copy.
        """
        return self

    def settle(self, timezone: tzinfo, now: int) -> Self:
        """
        Return what `bind` returns, for a trigger that nobody else holds yet: it may be changed in place.

        An optimisation for triggers that a scheduler makes itself; the time is an instant.
        """
        return self.bind(timezone, from_instant(now, UTC))

    @property
    def follows_host(self) -> bool:
        """Whether its zone is the host's because nobody chose one."""
        return False

    def follow_host(self) -> None:
        """Take note that the zone it was made with is the host's, chosen by nobody."""

    def rebind(self, timezone: tzinfo, *, is_hosts: bool = True) -> Self:
        """
        Return this trigger in another zone if nobody chose its own, otherwise the trigger itself.

        The scheduler calls it when the host has got another zone, and in order to have its own count as chosen.

        Args:
            timezone: the zone.
            is_hosts: whether that one is the host's too, to be left again with the next change of it.
        """
        return self

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """
        Return whether the other trigger is configured like this one.

        A start that both took from the moment of their creation counts as equal. With ``replace_existing=True`` a job
        whose trigger is the same keeps its next run time.
        """
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        try:
            return bool(self.__getstate__() == other.__getstate__())
        except Exception:  # attributes of a stranger, which may compare as they like
            return False

    @property
    def keeps_beat(self) -> bool:
        """
        Whether its fires follow elapsed time rather than the time of day.

        When the clock is set back, a beat goes on at once, while a time of day is waited for as long as before.
        """
        return False

    def under_way(self, now: int) -> Self:
        """
        Return this trigger, or a copy that has begun by that instant where the beginning was left to the library.

        The scheduler calls it when the clock was set back behind the beginning of a schedule, which goes on then.
        """
        return self

    @property
    def zone(self) -> tzinfo | None:
        """The zone of the answers, or None when it depends on the question."""
        zone = getattr(self, "timezone", None)
        return zone if isinstance(zone, tzinfo) else None

    def next_fire_times(self, n: int, after: datetime | None = None) -> list[datetime]:
        """
        Return the next ``n`` fire times, without jitter; fewer when the trigger ends before.

        Args:
            n: how many.
            after: the first one is later than this; by default the current time.

        Raises:
            ValueError: ``n`` is negative.
        """
        count = index(n)
        if count < 0:
            raise ValueError(f"n must not be negative: {n}")
        zone = self.zone or local_timezone()
        begin = to_instant(system_now() if after is None else to_datetime(after, zone, "after")) + 1
        return [from_instant(instant, zone) for instant in islice(self._instants(begin), count)]

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """
        Yield the fire times from ``start`` to ``end``, both included, without jitter.

        Raises:
            ValueError: ``end`` is earlier than ``start``.
        """
        zone = self.zone or local_timezone()
        first, last = self._range(start, end)
        found = takewhile(lambda instant: instant <= last, self._instants(first))
        return (from_instant(instant, zone) for instant in found)

    def describe(self) -> str:
        """Return what the trigger does, in English words."""
        return str(self)

    def clock_change_notes(self, start: datetime, end: datetime) -> list[ClockChangeNote]:
        """
        Return which fire times are affected by which clock change from ``start`` to ``end``, and how.

        About a trigger of your own nothing is known, unless it overrides this.

        Raises:
            ValueError: ``end`` is earlier than ``start``.
        """
        return self._notes(*self._range(start, end))

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        """Return the notes on the changes from one instant to another."""
        return []

    def _range(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Return the instants of two moments that the user gave."""
        zone = self.zone or local_timezone()
        first, last = (to_instant(to_datetime(x, zone, name)) for x, name in ((start, "start"), (end, "end")))
        if last < first:
            raise ValueError(f"end {end} is earlier than start {start}")
        return first, last

    def _copy(self) -> Self:
        """Return a copy, made much faster than by ``copy.copy``, which would go through the pickled state."""
        copied = object.__new__(type(self))
        for cls in type(self).__mro__:
            for name in getattr(cls, "__slots__", ()):
                if hasattr(self, name):
                    setattr(copied, name, getattr(self, name))
        if hasattr(self, "__dict__"):  # of a subclass without slots
            copied.__dict__.update(self.__dict__)
        return copied

    def _instants(self, begin: int) -> Iterator[int]:
        """Yield the fire times from an instant on."""
        found = self.first_instant(begin)
        while found is not None:
            yield found
            found = self.next_instant(found, found)

    def _apply_jitter(self, next_fire_time: datetime | None, jitter: float | None, now: datetime) -> datetime | None:
        """
        Return the fire time plus a random delay of up to ``jitter`` seconds.

        For triggers written for APScheduler 3, which call it at the end of ``get_next_fire_time``.
        """
        if next_fire_time is None or not jitter:
            return next_fire_time
        from random import random  # here, because its import costs milliseconds

        return next_fire_time + timedelta(0, 0, int(random() * jitter * MICROSECONDS))
