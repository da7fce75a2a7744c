"""
A reader of the English that `CronTrigger.describe` writes.

It knows nothing of the engine; it turns the words back into sets, so that a test can see whether they are exact.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, time

__all__ = ["Meaning", "read"]

MONTHS = [name for name in calendar.month_name if name]
WEEKDAYS = list(calendar.day_name)
ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": -1}

DateTest = Callable[[date], bool]

_LIST = r"\d+(?: to \d+)?(?:, \d+(?: to \d+)?)*(?: and \d+(?: to \d+)?)?"
_UNITS = {"second": 60, "minute": 60, "hour": 24}
_TIMES = re.compile(r"at (\d\d:\d\d(?::\d\d)?(?:(?:, | and )\d\d:\d\d(?::\d\d)?)*)")


class Meaning:
    """What a description says."""

    def __init__(self) -> None:
        self.times: set[time] | None = None
        self.allowed: dict[str, set[int]] = {"second": {0}, "minute": set(range(60)), "hour": set(range(24))}
        self.date_tests: list[DateTest] = []

    def matches_time(self, hour: int, minute: int, second: int) -> bool:
        """Whether the words allow the time of day."""
        if self.times is not None:
            return time(hour, minute, second) in self.times
        allowed = self.allowed
        return hour in allowed["hour"] and minute in allowed["minute"] and second in allowed["second"]

    def matches_date(self, day: date) -> bool:
        """Whether the words allow the date."""
        return all(test(day) for test in self.date_tests)


def read(text: str) -> Meaning:
    """Return the meaning of the part of a description before the zone."""
    meaning = Meaning()
    rest = _read_times(text, meaning)
    if rest not in ("", " every day"):
        _read_dates(rest.removeprefix(" "), meaning)
    return meaning


def _read_times(text: str, meaning: Meaning) -> str:
    """Read the time of day and return what follows."""
    if match := _TIMES.match(text):
        meaning.times = {time.fromisoformat(word) for word in re.split(", | and ", match[1])}
        return text[match.end() :]
    position, separator, finest = 0, "", True
    for unit, size in _UNITS.items():
        pattern = re.compile(
            rf"{separator}(?:every (?:(?P<step>\d+)\w* )?(?:{unit}s?)|(?:at )?{unit}s? (?P<list>{_LIST}))(?!\w)"
        )
        match = pattern.match(text, position)
        if match is None:
            continue
        if match["list"]:
            meaning.allowed[unit] = _numbers(match["list"])
        else:
            meaning.allowed[unit] = set(range(0, size, int(match["step"] or 1)))
        position, separator, finest = match.end(), " of ", False
    assert not finest, text
    return text[position:]


def _read_dates(text: str, meaning: Meaning) -> None:
    parts = re.split(r",? ?(?=\bin (?:ISO|\d|[A-Z][a-z]))", text)
    for part in parts:
        if not part:
            continue
        if match := re.fullmatch(rf"in ISO weeks? ({_LIST})", part):
            weeks = _numbers(match[1])
            meaning.date_tests.append(lambda day, weeks=weeks: day.isocalendar()[1] in weeks)  # type: ignore[misc]
        elif match := re.fullmatch(rf"in ({_LIST})", part):
            years = _numbers(match[1])
            meaning.date_tests.append(lambda day, years=years: day.year in years)  # type: ignore[misc]
        elif part.startswith("in "):
            months = {number + 1 for number in _names(part[3:], MONTHS)}
            meaning.date_tests.append(lambda day, months=months: day.month in months)  # type: ignore[misc]
        else:
            assert part.startswith("on "), part
            meaning.date_tests.append(_read_days(part[3:]))


def _read_days(text: str) -> DateTest:
    for separator, both in ((" and also on ", any), (" if it falls on ", all)):
        if separator in text:
            first, second = (_read_group(side) for side in text.split(separator))
            return lambda day: both((first(day), second(day)))
    return _read_group(text)


def _read_group(text: str) -> DateTest:
    """Return the test for a list of days, any of which will do."""
    tests = [_read_day(item) for item in re.split(", | and | or ", text.replace(" of the month", ""))]
    return lambda day: any(test(day) for test in tests)


def _read_day(item: str) -> DateTest:
    if match := re.fullmatch(r"(?:days? )?(\d+(?: to \d+)?)", item):
        days = _numbers(match[1])
        return lambda day: day.day in days
    if item == "the last day":
        return lambda day: day.day == _length(day)
    if match := re.fullmatch(r"the (\d+)\w\w last day", item):
        before = int(match[1]) - 1
        return lambda day: day.day == _length(day) - before
    if match := re.fullmatch(r"the working day nearest to day (\d+)", item):
        near = int(match[1])
        return lambda day: near <= _length(day) and day.day == _nearest(day, near)
    if item == "the last working day":
        return lambda day: day.day == max(_working_days(day))
    if match := re.fullmatch(r"the (\w+) ([A-Z]\w+)", item):
        n, weekday = ORDINALS[match[1]], WEEKDAYS.index(match[2])
        return lambda day: day.weekday() == weekday and n in ((day.day - 1) // 7 + 1, -1 if _is_last(day) else 0)
    weekdays = _names(item, WEEKDAYS)
    return lambda day: day.weekday() in weekdays


def _names(text: str, names: list[str]) -> set[int]:
    found: set[int] = set()
    for item in re.split(", | and | or ", text):
        first, _, last = item.partition(" to ")
        found.update(range(names.index(first), names.index(last or first) + 1))
    return found


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for item in re.split(", | and ", text):
        first, _, last = item.partition(" to ")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _is_last(day: date) -> bool:
    return day.day + 7 > _length(day)


def _working_days(day: date) -> list[int]:
    return [n for n in range(1, _length(day) + 1) if date(day.year, day.month, n).weekday() < 5]


def _nearest(day: date, near: int) -> int:
    return min(_working_days(day), key=lambda n: abs(n - near))
