"""
One recurrence rule of RFC 5545 ("FREQ=MONTHLY;BYDAY=-1FR"): its text, and the wall times that it yields.

A rule cuts the calendar into periods (years, months, weeks, days, and within days hours, minutes and seconds), takes
every so many of them, and keeps of each the days and times that pass all of its BY parts. A search looks at the
periods from a wall time on, in either direction, and stops after the 400 years in which the calendar repeats, so that a
rule that never fires ("BYMONTH=2;BYMONTHDAY=30") costs bounded time.

Wall times are in seconds since 1970-01-01T00:00 here; zones are the trigger's business.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from math import gcd

from apscheduler_lite._text import did_you_mean, one_of, shorten

__all__ = ["Rule", "parse_rule"]

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_YEARLY, _MONTHLY, _WEEKLY, _DAILY, _HOURLY, _MINUTELY, _SECONDLY = range(7)
_UNIT = {_HOURLY: 3600, _MINUTELY: 60, _SECONDLY: 1}
_LENGTH = (366, 31, 7, 1, 1, 1, 1)  # days that a period touches at most
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()
_DAY = 86_400
_HORIZON = 146_097  # days in 400 years

_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)

# The smallest and greatest number of each list part; a negative one counts from the end.
_RANGES = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with a start; what its text left out has been taken from the start."""

    start: int  # seconds of wall time
    frequency: int
    interval: int
    count: int | None
    until: str | None
    week_start: int
    months: frozenset[int]
    weeks: frozenset[int]
    year_days: frozenset[int]
    month_days: frozenset[int]
    weekdays: frozenset[tuple[int, int]]  # (0 or which one, weekday)
    hours: frozenset[int]  # hours, minutes and seconds of periods that are so short
    minutes: frozenset[int]
    seconds: frozenset[int]
    times: tuple[int, ...]  # the seconds at which a period fires, of the day or of the shorter period
    positions: tuple[int, ...]

    def rising(self, wall: int) -> Iterator[int]:
        """Yield the wall times from the given one on."""
        wall = max(wall, self.start)
        seen = _date_of(wall).toordinal()
        for number, low, high in self._periods(wall, 1):
            if low - seen > self._horizon():
                return
            for found in self._within(number, low, high, wall, 1):
                if found >= wall:
                    seen = high
                    yield found

    def falling(self, wall: int) -> Iterator[int]:
        """Yield the wall times from the given one back to the start."""
        if wall < self.start:
            return
        seen = _date_of(wall).toordinal()
        for number, low, high in self._periods(wall, -1):
            if seen - high > self._horizon():
                return
            for found in self._within(number, low, high, wall, -1):
                if self.start <= found <= wall:
                    seen = low
                    yield found

    def _horizon(self) -> int:
        """Return for how many days to search when nothing is found."""
        return _HORIZON + _LENGTH[self.frequency] * self.interval

    def _periods(self, wall: int, direction: int) -> Iterator[tuple[int, int, int]]:
        """Yield the periods from that of a wall time on as a number and their first and last days."""
        start, begin = _date_of(self.start), _date_of(wall)
        step = self.interval if self.frequency < _HOURLY else 1
        bounds: Callable[[int], tuple[int, int]]
        if self.frequency == _YEARLY:
            first, number, bounds = start.year, begin.year, _year_bounds
        elif self.frequency == _MONTHLY:
            first, number, bounds = start.year * 12 + start.month - 1, begin.year * 12 + begin.month - 1, _month_bounds
        elif self.frequency == _WEEKLY:
            first, number = ((day.toordinal() - 1 - self.week_start) // 7 for day in (start, begin))
            bounds = self._week_bounds
        else:
            first, number, bounds = start.toordinal(), begin.toordinal(), _day_bounds
        number = first + (number - first) // step * step
        while number >= first:
            low, high = bounds(number)
            if low > _LAST_DAY:
                return
            yield number, low, min(high, _LAST_DAY)
            number += direction * step

    def _week_bounds(self, number: int) -> tuple[int, int]:
        low = number * 7 + 1 + self.week_start
        return low, low + 6

    def _within(self, number: int, low: int, high: int, wall: int, direction: int) -> Iterator[int]:
        """Yield the wall times of a period, or of a day where the periods are shorter."""
        if self.frequency >= _HOURLY:
            return self._within_day(number, wall, direction)
        days = [day for day in range(low, high + 1) if self._matches(day)]
        if self.positions:
            # By arithmetic: a year may have more times than one likes to list.
            count = len(self.times)
            chosen = (divmod(index, count) for index in self._chosen(len(days) * count)[::direction])
            return (_wall_of(days[day]) + self.times[time] for day, time in chosen)
        return (_wall_of(day) + time for day in days[::direction] for time in self.times[::direction])

    def _within_day(self, day: int, wall: int, direction: int) -> Iterator[int]:
        """Yield the wall times of a day, for frequencies that are counted in hours or less."""
        if not self._matches(day):
            return
        midnight, unit, step = _wall_of(day), _UNIT[self.frequency], self._step()
        # By the hour, to pass over hours that do not match; but not where most of them have no period anyway.
        size = 3600 if step < 3600 else _DAY
        for hour in range(midnight, midnight + _DAY, size)[::direction]:
            if size == 3600 and self.hours and hour % _DAY // 3600 not in self.hours:
                continue
            low = max(hour, wall - unit + 1) if direction > 0 else hour
            high = hour + size if direction > 0 else min(hour + size, wall + 1)
            for period in range(low + (self._origin() - low) % step, high, step)[::direction]:
                yield from self._moments(period)[::direction]

    def _step(self) -> int:
        """Return the seconds from one period to the next, where these are hours or shorter."""
        return _UNIT[self.frequency] * self.interval

    def _origin(self) -> int:
        """Return the beginning of the first period, where these are hours or shorter."""
        return self.start - self.start % _UNIT[self.frequency]

    def _moments(self, period: int) -> list[int]:
        """Return the wall times within an hour, a minute or a second."""
        if self.hours and period % _DAY // 3600 not in self.hours:
            return []
        if self.frequency > _HOURLY and self.minutes and period % 3600 // 60 not in self.minutes:
            return []
        if self.frequency == _SECONDLY and self.seconds and period % 60 not in self.seconds:
            return []
        if not self.positions:
            return [period + time for time in self.times]
        return [period + self.times[index] for index in self._chosen(len(self.times))]

    def _chosen(self, count: int) -> list[int]:
        """Return which of so many times the positions choose: the first is 0."""
        indexes = {position - 1 if position > 0 else count + position for position in self.positions}
        return sorted(index for index in indexes if 0 <= index < count)

    def is_possible(self) -> bool:
        """Return whether any time of any day in 400 years matches, whatever COUNT and UNTIL say."""
        if self.frequency >= _HOURLY:
            # The periods of all days together begin at these times of the day.
            spacing = gcd(self._step(), _DAY)
            times = range(self._origin() % spacing, _DAY, spacing)
            if not any(self._moments(time) for time in times):
                return False
        return next(self.rising(self.start), None) is not None

    def _matches(self, ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        if self.months and day.month not in self.months:
            return False
        if self.month_days:
            length = monthrange(day.year, day.month)[1]
            if day.day not in self.month_days and day.day - length - 1 not in self.month_days:
                return False
        if self.year_days:
            number, length = _day_of_year(day)
            if number not in self.year_days and number - length - 1 not in self.year_days:
                return False
        if self.weeks and not self._matches_week(ordinal):
            return False
        return not self.weekdays or self._matches_weekday(day)

    def _matches_weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if (0, weekday) in self.weekdays:
            return True
        if self.frequency == _MONTHLY or self.months:
            number, length = day.day, monthrange(day.year, day.month)[1]
        else:
            number, length = _day_of_year(day)
        from_start, from_end = (number - 1) // 7 + 1, -((length - number) // 7 + 1)
        return (from_start, weekday) in self.weekdays or (from_end, weekday) in self.weekdays

    def _matches_week(self, ordinal: int) -> bool:
        """Whether the week is one of the rule's: week 1 is the first with four days in its year."""
        fourth = ordinal - (ordinal - 1 - self.week_start) % 7 + 3  # the fourth day of the week tells its year
        year = date.fromordinal(min(fourth, _LAST_DAY)).year
        first = date(year, 1, 1).toordinal()
        first += (fourth - first) % 7
        number = (fourth - first) // 7 + 1
        count = (date(year, 12, 31).toordinal() - first) // 7 + 1
        return number in self.weeks or number - count - 1 in self.weeks


def parse_rule(text: str, start: datetime) -> Rule:
    """
    Return the rule that a text like ``FREQ=WEEKLY;BYDAY=MO,TH`` means, with a naive local start.

    Raises:
        ValueError: it cannot be read, or contradicts RFC 5545.
    """
    parts = _split(text)
    frequency = _frequency(parts)
    lists = {name: _numbers(name, parts[name]) for name in _RANGES if name in parts}
    weekdays = _weekdays(parts["BYDAY"]) if "BYDAY" in parts else frozenset()
    _check_combination(frequency, parts, weekdays)
    months, month_days = lists.get("BYMONTH", ()), lists.get("BYMONTHDAY", ())
    if not (weekdays or month_days or "BYYEARDAY" in lists or "BYWEEKNO" in lists):
        if frequency == _YEARLY:
            months = months or (start.month,)
        if frequency <= _MONTHLY:
            month_days = (start.day,)
        if frequency == _WEEKLY:
            weekdays = frozenset({(0, start.weekday())})
    hours = lists.get("BYHOUR", (start.hour,) if frequency < _HOURLY else ())
    minutes = lists.get("BYMINUTE", (start.minute,) if frequency < _MINUTELY else ())
    seconds = lists.get("BYSECOND", (start.second,) if frequency < _SECONDLY else ())
    return Rule(
        start=_wall_of(start.toordinal()) + start.hour * 3600 + start.minute * 60 + start.second,
        frequency=frequency,
        interval=_positive("INTERVAL", parts.get("INTERVAL", "1")),
        count=_positive("COUNT", parts["COUNT"]) if "COUNT" in parts else None,
        until=parts.get("UNTIL"),
        week_start=_WEEKDAYS.index(_weekday("WKST", parts.get("WKST", "MO"))),
        months=frozenset(months),
        weeks=frozenset(lists.get("BYWEEKNO", ())),
        year_days=frozenset(lists.get("BYYEARDAY", ())),
        month_days=frozenset(month_days),
        weekdays=weekdays,
        hours=frozenset(hours),
        minutes=frozenset(minutes),
        seconds=frozenset(seconds),
        times=_times(frequency, hours, minutes, seconds),
        positions=lists.get("BYSETPOS", ()),
    )


def _times(
    frequency: int, hours: tuple[int, ...], minutes: tuple[int, ...], seconds: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the times within a period: of the parts of the time that are shorter than it."""
    found = product(
        hours if frequency < _HOURLY else (0,),
        minutes if frequency < _MINUTELY else (0,),
        seconds if frequency < _SECONDLY else (0,),
    )
    return tuple(sorted({hour * 3600 + minute * 60 + second for hour, minute, second in found}))


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in text.upper().rstrip(";").split(";"):
        name, sign, value = (part.strip() for part in piece.partition("="))
        if not sign or not value:
            raise ValueError(f"rule: {shorten(piece)} is not of the form NAME=VALUE")
        if name not in _PARTS:
            raise ValueError(f"rule: unknown part {shorten(name)}{did_you_mean(name, _PARTS)}")
        if name in parts:
            raise ValueError(f"rule: {name} is given twice")
        parts[name] = value
    return parts


def _frequency(parts: dict[str, str]) -> int:
    value = parts.get("FREQ")
    if value is None:
        raise ValueError(f"rule: FREQ is missing; it is one of {one_of(_FREQUENCIES)}")
    if value not in _FREQUENCIES:
        raise ValueError(
            f"rule: FREQ must be one of {one_of(_FREQUENCIES)}, not {shorten(value)}{did_you_mean(value, _FREQUENCIES)}"
        )
    return _FREQUENCIES.index(value)


def _check_combination(frequency: int, parts: dict[str, str], weekdays: frozenset[tuple[int, int]]) -> None:
    """Refuse what RFC 5545 says must not be combined, and would otherwise be read in different ways."""
    freq = parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("rule: COUNT and UNTIL exclude one another")
    if any(number for number, _ in weekdays):
        if frequency > _MONTHLY:
            raise ValueError(f"rule: BYDAY takes no numbers with FREQ={freq}")
        if "BYWEEKNO" in parts:
            raise ValueError("rule: BYDAY takes no numbers beside BYWEEKNO")
    if "BYWEEKNO" in parts and frequency != _YEARLY:
        raise ValueError(f"rule: BYWEEKNO needs FREQ=YEARLY, not {freq}")
    if "BYYEARDAY" in parts and frequency in (_MONTHLY, _WEEKLY, _DAILY):
        raise ValueError(f"rule: BYYEARDAY cannot be combined with FREQ={freq}")
    if "BYMONTHDAY" in parts and frequency == _WEEKLY:
        raise ValueError("rule: BYMONTHDAY cannot be combined with FREQ=WEEKLY")
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts if name != "BYSETPOS"):
        raise ValueError("rule: BYSETPOS needs another BY part")


def _positive(name: str, text: str) -> int:
    number = _whole(name, text)
    if number < 1:
        raise ValueError(f"rule: {name} must be 1 or more, not {shorten(text)}")
    return number


def _whole(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"rule: {name} must be a whole number, not {shorten(text)}")
    return int(text)


def _numbers(name: str, text: str) -> tuple[int, ...]:
    low, high = _RANGES[name]
    numbers = tuple(_whole(name, piece.strip()) for piece in text.split(","))
    for number in numbers:
        if not low <= number <= high or (number == 0 and low < 0):
            allowed = f"from {low} to {high}" + (", without 0" if low < 0 else "")
            raise ValueError(f"rule: {name} must be {allowed}, not {number}")
    return numbers


def _weekdays(text: str) -> frozenset[tuple[int, int]]:
    found = set()
    for piece in text.split(","):
        match = _WEEKDAY.fullmatch(piece.strip())
        number = int(match[1] or 0) if match else 99
        if match is None or abs(number) > 53 or (match[1] and not number):
            raise ValueError(f"rule: BYDAY must be weekdays like MO, 2TU or -1FR, not {shorten(piece)}")
        found.add((number, _WEEKDAYS.index(match[2])))
    return frozenset(found)


def _weekday(name: str, text: str) -> str:
    if text not in _WEEKDAYS:
        raise ValueError(f"rule: {name} must be one of {one_of(_WEEKDAYS)}, not {shorten(text)}")
    return text


def _date_of(wall: int) -> date:
    return date.fromordinal(min(wall // _DAY + _EPOCH_DAY, _LAST_DAY))


def _wall_of(day: int) -> int:
    return (day - _EPOCH_DAY) * _DAY


def _day_of_year(day: date) -> tuple[int, int]:
    """Return the number of the day in its year, and the days of that year."""
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1, 366 if isleap(day.year) else 365


def _year_bounds(year: int) -> tuple[int, int]:
    if year > date.max.year:
        return _LAST_DAY + 1, _LAST_DAY + 1
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def _month_bounds(number: int) -> tuple[int, int]:
    year, month = divmod(number, 12)
    if year > date.max.year:
        return _LAST_DAY + 1, _LAST_DAY + 1
    low = date(year, month + 1, 1).toordinal()
    return low, low + monthrange(year, month + 1)[1] - 1


def _day_bounds(number: int) -> tuple[int, int]:
    return number, number
