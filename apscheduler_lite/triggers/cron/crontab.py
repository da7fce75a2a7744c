"""
The one-line dialects: crontab(5) as Vixie's and Debian's cron read it, Quartz, and APScheduler 3's reading.

``crontab``: minute, hour, day of month, month, day of week, with seconds first where there are six fields. Weekdays
count from 0 for Sunday, 7 is Sunday too. Ranges may wrap around (``22-6``, ``fri-mon``). Where both day fields are
restricted, a day that matches either will do; a field that begins with ``*`` is not restricted. Macros: ``@daily`` and
the like.

``quartz``: seconds first, and a year may come last. Weekdays count from 1 for Sunday. One of the day fields is ``?``.

Both know ``L``, ``L-n``, ``LW`` and ``nW`` as days of the month, and ``n#k`` and ``nL`` as days of the week.

``apscheduler``: five fields in crontab's order, each in the language of `expressions`; day and weekday must both match.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, NoReturn

from apscheduler_lite._text import did_you_mean, one_of, shorten

from .days import (
    ALL_DAYS,
    ALL_MONTHS,
    ALL_WEEKDAYS,
    ALL_YEARS,
    FIRST_YEAR,
    LAST_IN_MONTH,
    LAST_YEAR,
    DayRule,
    Days,
    days_of,
)
from .expressions import MAX_LENGTH, Expression, compile_fields, meant_name
from .fields import FIELD_NAMES, MONTHS, WEEKDAYS
from .search import Plan

__all__ = ["DIALECTS", "MACROS", "compile_expression"]

DIALECTS = ("crontab", "quartz", "apscheduler")

#: The names of crontab(5) for whole expressions.
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_FIVE = ("minute", "hour", "day", "month", "day_of_week")
_ORDERS: dict[str, dict[int, tuple[str, ...]]] = {
    "crontab": {5: _FIVE, 6: ("second", *_FIVE)},
    "quartz": {6: ("second", *_FIVE), 7: ("second", *_FIVE, "year")},
    "apscheduler": {5: _FIVE},
}

_SUNDAY_FIRST = ("SUN", *(name.upper() for name in WEEKDAYS[:6]))


class _Range(NamedTuple):
    """What the numbers of a field may be. ``size`` is the number of values, after which they begin again."""

    lowest: int
    highest: int
    size: int
    names: dict[str, int]


_RANGES = {
    "second": _Range(0, 59, 60, {}),
    "minute": _Range(0, 59, 60, {}),
    "hour": _Range(0, 23, 24, {}),
    "day": _Range(1, 31, 31, {}),
    "month": _Range(1, 12, 12, {name.upper(): number for number, name in enumerate(MONTHS, 1)}),
    "year": _Range(FIRST_YEAR, LAST_YEAR, 0, {}),  # years do not begin again
}
_WEEKDAYS = {
    "crontab": _Range(0, 7, 7, {name: number for number, name in enumerate(_SUNDAY_FIRST)}),
    "quartz": _Range(1, 7, 7, {name: number for number, name in enumerate(_SUNDAY_FIRST, 1)}),
}

_PART = re.compile(r"(?:\*|([0-9]+|[A-Z]{3})(?:-([0-9]+|[A-Z]{3}))?)(?:/([0-9]+))?", re.ASCII)
_FROM_END = re.compile(r"L(?:-([0-9]+))?", re.ASCII)
_NEAREST = re.compile(r"([0-9]+)W", re.ASCII)
_NTH = re.compile(r"([0-9]|[A-Z]{3})(?:#([1-5])|(L))", re.ASCII)


@lru_cache(maxsize=1024)
def compile_expression(text: str, dialect: str) -> Expression:
    """
    Return the compiled form of a line in one of the `DIALECTS`.

    Raises:
        ValueError: the dialect is unknown, or the line cannot be read, or it matches no date at all.
    """
    if dialect not in DIALECTS:
        raise ValueError(
            f"dialect must be one of {one_of(DIALECTS)}, not {shorten(dialect)}{did_you_mean(dialect, DIALECTS)}"
        )
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a cron expression may have {MAX_LENGTH} characters, this one has {len(text)}")
    words = text.upper().split()
    if dialect == "crontab" and text.lstrip().startswith("@"):
        words = _macro(" ".join(words)).split()
    names = _ORDERS[dialect].get(len(words))
    if names is None:
        raise ValueError(_wrong_count(text, dialect, len(words)))
    given = dict(zip(names, words, strict=True))
    try:
        if dialect == "apscheduler":
            return compile_fields(tuple(map(given.get, FIELD_NAMES)))
        second, minute, hour = given.get("second", "0"), given["minute"], given["hour"]
        plan = Plan(
            _value_set("second", second),
            _value_set("minute", minute),
            _value_set("hour", hour),
            _days(given.get("year"), given["month"], given["day"], given["day_of_week"], dialect),
            repeats="*" in minute or "*" in hour,  # which can only begin a part
        )
    except ValueError as exc:
        raise ValueError(f"{exc} (in the {dialect} expression {shorten(text)})") from None
    return Expression(dialect, " ".join(words), tuple(map(given.get, FIELD_NAMES)), plan)


@lru_cache(maxsize=1024)
def _days(year: str | None, month: str, day: str, weekday: str, dialect: str) -> Days:
    """Return the calendar of the fields of the date."""
    day_is_open, weekday_is_open = day[0] in "*?", weekday[0] in "*?"
    if dialect == "quartz" and not day_is_open and not weekday_is_open:
        raise ValueError(f"day {day!r} and day_of_week {weekday!r} are both restricted; one of them must be '?'")
    days = _day_set(day)
    weekdays, weekday_nth = _weekday_set(weekday, dialect)
    calendar = days_of(
        DayRule(
            years=ALL_YEARS if year is None else _value_set("year", year) >> FIRST_YEAR,
            months=_value_set("month", month),
            days=days.days,
            from_end=days.from_end,
            nearest=days.nearest,
            last_workday=days.last_workday,
            weekdays=weekdays,
            weekday_nth=weekday_nth,
            either=not day_is_open and not weekday_is_open,
        )
    )
    if calendar.is_impossible():
        fields = {"year": year, "month": month, "day": day, "day_of_week": weekday}
        words = ", ".join(f"{name} {text!r}" for name, text in fields.items() if text not in (None, "*", "?"))
        raise ValueError(f"no date matches {words}: the trigger would never fire")
    return calendar


def _macro(text: str) -> str:
    name = text.lower()
    expression = MACROS.get(name)
    if expression is None:
        what = "does not mean a time, so no trigger can be made of it" if name == "@reboot" else "is unknown"
        raise ValueError(
            f"the macro {shorten(name)} {what}; use one of {', '.join(MACROS)}{did_you_mean(name, MACROS)}"
        )
    return expression


def _wrong_count(text: str, dialect: str, count: int) -> str:
    orders = " or ".join(f"{number} ({' '.join(names)})" for number, names in _ORDERS[dialect].items())
    hint = "; for seconds use dialect='crontab' or 'quartz'" if dialect == "apscheduler" and count == 6 else ""
    return f"an expression in the {dialect} dialect has {orders} fields, not {count}: {shorten(text)}{hint}"


class _DaySet(NamedTuple):
    days: int
    from_end: int = 0
    nearest: int = 0
    last_workday: bool = False


@lru_cache(maxsize=1024)
def _value_set(name: str, text: str) -> int:
    """Return the values of a field without specials, as bits."""
    if text == "*":
        return ALL_YEARS << FIRST_YEAR if name == "year" else ALL_MONTHS if name == "month" else _all(_RANGES[name])
    mask = 0
    for part in text.split(","):
        mask |= _part_set(name, part, text, _RANGES[name])
    return mask


@lru_cache(maxsize=1024)
def _day_set(text: str) -> _DaySet:
    if text in ("*", "?"):
        return _DaySet(ALL_DAYS)
    days = from_end = nearest = 0
    last_workday = False
    for part in text.split(","):
        if match := _FROM_END.fullmatch(part):
            before = int(match[1] or 0)
            if before > 30:
                _refuse("day", part, text, "L-n goes to L-30")
            from_end |= 1 << before
        elif part == "LW":
            last_workday = True
        elif match := _NEAREST.fullmatch(part):
            day = int(match[1])
            if not 1 <= day <= 31:
                _refuse("day", part, text, "nW goes from 1W to 31W")
            nearest |= 1 << day
        else:
            days |= _part_set("day", part, text, _RANGES["day"])
    return _DaySet(days, from_end, nearest, last_workday)


@lru_cache(maxsize=1024)
def _weekday_set(text: str, dialect: str) -> tuple[int, int]:
    """Return the weekdays, and the nth and last ones, with Monday as bit 0."""
    if text in ("*", "?"):
        return ALL_WEEKDAYS, 0
    numbers = _WEEKDAYS[dialect]
    shift = 6 if dialect == "crontab" else 5  # from Sunday = 0, or 1, to Monday = 0
    weekdays = nth = 0
    for part in text.split(","):
        if match := _NTH.fullmatch(part):
            day = (_value("day_of_week", match[1], text, numbers) + shift) % 7
            nth |= 1 << 7 * (LAST_IN_MONTH if match[3] else int(match[2]) - 1) + day
        elif part == "L" and dialect == "quartz":
            weekdays |= 1 << WEEKDAYS.index("sat")  # the last day of Quartz's week
        else:
            found = _part_set("day_of_week", part, text, numbers)
            for number in range(8):
                if found >> number & 1:
                    weekdays |= 1 << (number + shift) % 7
    return weekdays, nth


def _part_set(name: str, part: str, text: str, numbers: _Range) -> int:
    match = _PART.fullmatch(part)
    if match is None:
        _refuse(name, part, text, _allowed(name, numbers), tuple(numbers.names))
    first_text, last_text, step_text = match.groups()
    step = 1 if step_text is None else int(step_text)
    if step == 0:
        raise ValueError(f"{name}: the step in {part!r} must be at least 1")
    if first_text is None:
        first, last = numbers.lowest, numbers.highest
    else:
        first = last = _value(name, first_text, text, numbers)
        if last_text is not None:
            last = _value(name, last_text, text, numbers)
        elif step_text is not None:
            last = numbers.highest
    if last < first:
        if not numbers.size:
            raise ValueError(f"{name}: {part!r} ends before it begins")
        last += numbers.size
    if step == 1 and last <= numbers.highest:
        return (2 << last) - (1 << first)
    mask = 0
    for value in range(first, last + 1, step):
        mask |= 1 << (value if value <= numbers.highest else value - numbers.size)
    return mask


def _value(name: str, word: str, text: str, numbers: _Range) -> int:
    if not word.isdigit():
        value = numbers.names.get(word)
        if value is None:
            _refuse(name, word, text, _allowed(name, numbers), tuple(numbers.names))
        return value
    value = int(word)
    if not numbers.lowest <= value <= numbers.highest:
        sunday = f" (Sunday is {numbers.names['SUN']})" if name == "day_of_week" else ""
        raise ValueError(
            f"{name}: {word} is out of range in {shorten(text)}; it goes from {numbers.lowest} to"
            f" {numbers.highest}{sunday}"
        )
    return value


def _all(numbers: _Range) -> int:
    return (2 << numbers.highest) - (1 << numbers.lowest)


def _allowed(name: str, numbers: _Range) -> str:
    words = [f"allowed are *, numbers from {numbers.lowest} to {numbers.highest}"]
    if numbers.names:
        words.append(f"names ({', '.join(numbers.names)})")
    if name == "day":
        words.append("?, L, L-n, LW, nW")
    elif name == "day_of_week":
        words.append("?, n#k, nL")
    return ", ".join([*words, "ranges a-b", "steps */n and a-b/n, and lists of these"])


def _refuse(name: str, part: str, text: str, allowed: str, names: tuple[str, ...] = ()) -> NoReturn:
    raise ValueError(f"{name}: cannot read {shorten(part)} in {shorten(text)}; {allowed}{meant_name(part, names)}")
