"""
The days of a cron expression: which days of which months of which years match.

Days of a month are bits of an int, bit 1 for the first to bit 31. A year's twelve masks depend only on how the year
lies in the week: its first weekday, its length, and the number of the week before. There are less than thirty such
kinds of year, so after a while nothing is computed any more, only looked up.

This module knows dates only: no time of day, no zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "ALL_DAYS",
    "ALL_MONTHS",
    "ALL_WEEKDAYS",
    "ALL_WEEKS",
    "ALL_YEARS",
    "FIRST_YEAR",
    "LAST_IN_MONTH",
    "LAST_YEAR",
    "DayRule",
    "Days",
    "bits",
    "days_of",
]

FIRST_YEAR = 1970
LAST_YEAR = 9999
ALL_YEARS = (1 << LAST_YEAR - FIRST_YEAR + 1) - 1  # bit 0 is 1970
ALL_MONTHS = 0b1_1111_1111_1110
ALL_DAYS = (1 << 32) - 2
ALL_WEEKDAYS = 0b111_1111  # bit 0 is Monday
ALL_WEEKS = (1 << 54) - 2

LAST_IN_MONTH = 5  # as the "n" of an nth weekday: 0 is the first, 4 the fifth, 5 the last

# One entry per month; [0] is the set of months that have a matching day at all.
_YearTable = tuple[int, ...]
_EMPTY_YEAR: _YearTable = (0,) * 13
_KEPT_YEARS = 2048


def bits(mask: int) -> Iterator[int]:
    """Yield the numbers of the set bits, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class DayRule(NamedTuple):
    """
    What an expression says about the date, as sets.

    A day matches when its year, month and week are in the sets and the day group and the weekday group both hold, or
    one of the two where ``either`` is set. The day group is the union of ``days``, ``from_end``, ``nearest``,
    ``last_workday`` and ``day_nth``, the weekday group that of ``weekdays`` and ``weekday_nth``.

    Bits: ``years`` from 1970; ``days``, ``nearest`` (the weekday nearest to that day) by day of month; ``from_end``
    by days before the last; ``day_nth`` and ``weekday_nth`` at ``7 * n + weekday`` with n from 0 and `LAST_IN_MONTH`.
    """

    years: int = ALL_YEARS
    months: int = ALL_MONTHS
    days: int = ALL_DAYS
    from_end: int = 0
    nearest: int = 0
    last_workday: bool = False
    day_nth: int = 0
    weekdays: int = ALL_WEEKDAYS
    weekday_nth: int = 0
    weeks: int = ALL_WEEKS
    either: bool = False


@lru_cache(maxsize=512)
def days_of(rule: DayRule) -> Days:
    """Return the calendar of the rule, the same one for all that have the rule."""
    return Days(rule)


class Days:
    """The calendar of a `DayRule`: masks of matching days, worked out when they are first asked for."""

    __slots__ = ("_by_kind", "_is_any_year", "rule", "tables")

    def __init__(self, rule: DayRule) -> None:
        self.rule = rule
        self._is_any_year = rule.years == ALL_YEARS
        self._by_kind: dict[tuple[int, int, int], _YearTable] = {}
        # The tables known so far by year, for a caller in a hurry; table() makes the others.
        self.tables: dict[int, _YearTable] = {}

    def table(self, year: int) -> _YearTable:
        """Return the year's masks: index 1 to 12 for the months, index 0 for the months that have any."""
        table = self.tables.get(year)
        if table is None:
            if len(self.tables) >= _KEPT_YEARS:
                self.tables.clear()
            table = self.tables[year] = self._make(year)
        return table

    def next_year(self, year: int) -> int | None:
        """Return the first year after the given one that the rule allows."""
        if self._is_any_year and FIRST_YEAR <= year < LAST_YEAR:
            return year + 1
        mask = self.rule.years >> max(0, year + 1 - FIRST_YEAR)
        return max(year + 1, FIRST_YEAR) + (mask & -mask).bit_length() - 1 if mask else None

    def last_year(self, year: int) -> int | None:
        """Return the last year before the given one that the rule allows."""
        if year <= FIRST_YEAR:
            return None
        if self._is_any_year and year <= LAST_YEAR:
            return year - 1
        mask = self.rule.years & ((1 << year - FIRST_YEAR) - 1)
        return FIRST_YEAR + mask.bit_length() - 1 if mask else None

    def is_impossible(self) -> bool:
        """Whether no day of any allowed year matches; the calendar repeats after 400 years."""
        seen: set[int] = set()
        for bit in bits(self.rule.years):
            year = FIRST_YEAR + bit
            if year % 400 not in seen:
                seen.add(year % 400)
                if self.table(year)[0]:
                    return False
                if len(seen) == 400:
                    break
        return True

    def _make(self, year: int) -> _YearTable:
        if not FIRST_YEAR <= year <= LAST_YEAR or not self.rule.years >> year - FIRST_YEAR & 1:
            return _EMPTY_YEAR
        kind = (_weekday(year, 1), _length(year, 2), _weeks_in(year - 1))
        table = self._by_kind.get(kind)
        if table is None:
            masks = [self._month(year, month) if self.rule.months >> month & 1 else 0 for month in range(1, 13)]
            if self.rule.weeks != ALL_WEEKS:
                masks = [mask & week for mask, week in zip(masks, self._weeks(year), strict=True)]
            some = sum(1 << month for month, mask in enumerate(masks, 1) if mask)
            table = self._by_kind[kind] = (some, *masks)
        return table

    def _month(self, year: int, month: int) -> int:
        rule = self.rule
        first, length = _weekday(year, month), _length(year, month)
        whole = (2 << length) - 2
        day = rule.days & whole
        if rule.from_end or rule.nearest or rule.last_workday or rule.day_nth:
            day |= _from_end(rule.from_end, length) | _nth(rule.day_nth, first, length)
            day |= _nearest(rule.nearest | (1 << 32 if rule.last_workday else 0), first, length)
        weekday = whole if rule.weekdays == ALL_WEEKDAYS else _on_weekdays(rule.weekdays, first) & whole
        if rule.weekday_nth:
            weekday |= _nth(rule.weekday_nth, first, length)
        return day | weekday if rule.either else day & weekday

    def _weeks(self, year: int) -> list[int]:
        """Return the days of the year's months that lie in the rule's ISO weeks."""
        weeks = self.rule.weeks
        first = _weekday(year, 1)
        monday = (14 if first <= 3 else 21) - first  # of week 1, in days from 1 January, and 14 more to stay positive
        count = _weeks_in(year)
        days = 0b1111111 << monday - 7 if weeks >> _weeks_in(year - 1) & 1 else 0
        for week in bits(weeks & ((2 << count) - 2)):
            days |= 0b1111111 << monday + 7 * (week - 1)
        if weeks >> 1 & 1:
            days |= 0b1111111 << monday + 7 * count
        days >>= 13  # now bit 1 is 1 January
        masks = []
        for month in range(1, 13):
            length = _length(year, month)
            masks.append(days & ((2 << length) - 2))
            days >>= length
        return masks


def _weekday(year: int, month: int) -> int:
    """Return the weekday of the first of the month, 0 for Monday."""
    return date(year, month, 1).weekday()


def _length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _weeks_in(year: int) -> int:
    """Return the number of the year's last ISO week: 53 when a Thursday begins it, or the second day of a leap year."""
    first = _weekday(year, 1)
    return 53 if first == 3 or (first == 2 and _length(year, 2) == 29) else 52


def _on_weekdays(weekdays: int, first: int) -> int:
    """Return the days 1 to 35 on the given weekdays in a month whose first is the weekday ``first``."""
    week = (weekdays >> first | weekdays << 7 - first) & 0b1111111
    return (week | week << 7 | week << 14 | week << 21 | week << 28) << 1


def _from_end(from_end: int, length: int) -> int:
    mask = 0
    for bit in bits(from_end):
        if bit < length:
            mask |= 1 << length - bit
    return mask


def _nth(nth: int, first: int, length: int) -> int:
    mask = 0
    for bit in bits(nth):
        n, weekday = divmod(bit, 7)
        day = 1 + (weekday - first) % 7 + 7 * n
        if n == LAST_IN_MONTH:
            day -= 7 if day - 7 <= length else 14
        if day <= length:
            mask |= 1 << day
    return mask


def _nearest(nearest: int, first: int, length: int) -> int:
    """Return the Monday to Friday nearest to each day, without leaving the month; bit 32 stands for its last day."""
    mask = 0
    for bit in bits(nearest):
        day = length if bit == 32 else bit
        if day > length:
            continue
        weekday = (first + day - 1) % 7
        if weekday == 5:  # a Saturday: the Friday before, or on the first the Monday after
            day += -1 if day > 1 else 2
        elif weekday == 6:  # a Sunday: the Monday after, or on the last day the Friday before
            day += 1 if day < length else -2
        mask |= 1 << day
    return mask
