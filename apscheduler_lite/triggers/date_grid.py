"""
The dates of "every so many months and days": a grid that begins at a start date.

Dates are ordinals, as ``date.toordinal()`` counts them. Pure numbers of days and pure numbers of months are
arithmetic. Where both are given, each date depends on the one before it (add the months, then the days), so the grid
is walked from its start; that is at most one step for each month since then.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from itertools import takewhile

from apscheduler_lite._timezones import FIRST_INSTANT, LAST_INSTANT, MICROSECONDS
from apscheduler_lite._transitions import LocalClock

__all__ = ["DateGrid", "day_of_wall", "local_day", "midnight_wall"]

_DAY = 86_400 * MICROSECONDS
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LAST_MONTH = 9999 * 12 + 11
_LAST_DAY = date.max.toordinal()


class DateGrid:
    """
    A start date and all that follow from it.

    A month that lacks the day (31 April) is passed over, or with ``clamp`` its last day is taken. In a grid of whole
    months the day stays that of the start: from 31 January, clamped, come 28 February and 31 March.
    """

    __slots__ = ("_clamp", "_days", "_months", "_start")

    def __init__(self, start: date, months: int, days: int, *, clamp: bool) -> None:
        self._start = start
        self._months = months
        self._days = days
        self._clamp = clamp

    def at_or_after(self, day: int) -> Iterator[int]:
        """Yield the dates from that day on."""
        if not self._months:
            start = self._start.toordinal()
            first = start + max(0, -((start - day) // self._days)) * self._days
            return iter(range(first, _LAST_DAY + 1, self._days))
        found = self._walk() if self._days else self._whole_months(self._steps_to(day), 1)
        return (ordinal for ordinal in found if ordinal >= day)

    def at_or_before(self, day: int) -> Iterator[int]:
        """Yield the dates from that day back to the start."""
        start = self._start.toordinal()
        if day < start:
            return iter(())
        if not self._months:
            return iter(range(day - (day - start) % self._days, start - 1, -self._days))
        if self._days:
            return reversed(list(takewhile(lambda ordinal: ordinal <= day, self._walk())))
        return (ordinal for ordinal in self._whole_months(self._steps_to(day), -1) if ordinal <= day)

    def _steps_to(self, day: int) -> int:
        """Return how many whole steps of months lead from the start into the month of that day, or 0."""
        if day <= self._start.toordinal():
            return 0
        reached = date.fromordinal(min(day, _LAST_DAY))
        return ((reached.year - self._start.year) * 12 + reached.month - self._start.month) // self._months

    def _whole_months(self, step: int, direction: int) -> Iterator[int]:
        first = self._start.year * 12 + self._start.month - 1
        month = first + step * self._months
        while first <= month <= _LAST_MONTH:
            ordinal = self._in_month(month, self._start.day)
            if ordinal is not None:
                yield ordinal
            month += direction * self._months

    def _walk(self) -> Iterator[int]:
        current = self._start
        while True:
            yield current.toordinal()
            month = current.year * 12 + current.month - 1
            ordinal = None
            while ordinal is None:
                month += self._months
                if month > _LAST_MONTH:
                    return
                ordinal = self._in_month(month, current.day)
            if ordinal + self._days > _LAST_DAY:
                return
            current = date.fromordinal(ordinal + self._days)

    def _in_month(self, month: int, day: int) -> int | None:
        """Return that day of a month, counted from the year 0, or None when the month lacks it."""
        year, index = divmod(month, 12)
        last = monthrange(year, index + 1)[1]
        if day > last and not self._clamp:
            return None
        return date(year, index + 1, min(day, last)).toordinal()


def midnight_wall(day: int) -> int:
    """Return the midnight of a date as a wall time: microseconds since that of 1970-01-01."""
    return (day - _EPOCH_DAY) * _DAY


def day_of_wall(wall: int) -> int:
    """Return the date of a wall time."""
    return _EPOCH_DAY + wall // _DAY


def local_day(clock: LocalClock, instant: int) -> int:
    """Return the date that the clock shows at an instant."""
    instant = min(max(instant, FIRST_INSTANT), LAST_INSTANT)
    return day_of_wall(instant + clock.offset_at(instant))
