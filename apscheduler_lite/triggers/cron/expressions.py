"""
The language of `CronTrigger`'s keyword form: from texts to sets.

Every field is a comma-separated list of ``*``, ``*/n``, ``a``, ``a/n`` (from a to the end), ``a-b`` and ``a-b/n``.
Months and weekdays have names; weekdays count from 0 for Monday. The day field also knows ``last``, ``2nd tue`` and
``last fri``. Capitals do not matter. The other dialects are in `crontab`.

What is compiled once is kept and shared: an application has many jobs but few expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from operator import index
from typing import NamedTuple, NoReturn

from apscheduler_lite._text import did_you_mean, shorten, to_text

from .days import ALL_DAYS, FIRST_YEAR, LAST_IN_MONTH, DayRule, days_of
from .fields import FIELD_NAMES, MAX_VALUES, MIN_VALUES, MONTHS, WEEKDAYS, fields_of
from .search import Plan

__all__ = ["MAX_LENGTH", "Expression", "Span", "compile_fields", "field_text", "is_line", "meant_name", "value_set"]

#: The greatest length, in characters, of a field and of a whole expression.
MAX_LENGTH = 1000

_ORDINALS = {"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4, "last": LAST_IN_MONTH}
_PART = re.compile(r"(?:\*|(?P<first>[0-9]+|[a-z]+)(?:-(?P<last>[0-9]+|[a-z]+))?)(?:/(?P<step>[0-9]+))?", re.ASCII)
_LINE = re.compile(r"@[a-z]+|[0-9*?,/-]+(?:\s+(?:[0-9*?]|[a-z]{3}\b|L)\S*){4,6}", re.ASCII | re.IGNORECASE)
_NAMES = {
    "month": dict(zip(MONTHS, range(1, 13), strict=True)),
    "day_of_week": dict(zip(WEEKDAYS, range(7), strict=True)),
}


class Expression(NamedTuple):
    """A compiled expression and what it was made from."""

    dialect: str
    text: str  # empty in the keyword form, which has its fields instead
    given: tuple[str | None, ...]  # the texts of the fields in the order of FIELD_NAMES, None where one was not given
    plan: Plan


class Span(NamedTuple):
    """The values that a part of a field allows: from first to last by step."""

    first: int
    last: int
    step: int


def field_text(name: str, value: object) -> str:
    """
    Return the text of a field that was given as text or as a whole number.

    Raises:
        TypeError: it is neither.
        ValueError: it is too long.
    """
    if isinstance(value, (str, bytes)):
        text = to_text(value, name)
    else:
        try:
            if isinstance(value, bool):
                raise TypeError
            text = str(index(value))  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(
                f"{name} must be text like '1,5' or '*/2', or a whole number, not {type(value).__name__}:"
                f" {shorten(value)}"
            ) from None
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{name} is longer than {MAX_LENGTH} characters: {shorten(text)}")
    return text


@lru_cache(maxsize=1024)
def compile_fields(texts: tuple[str | None, ...]) -> Expression:
    """
    Return the expression of the keyword form, given the text of each field in the order of `FIELD_NAMES`, or None.

    Fields that are not given mean ``*``; after the last one that is given, they take their lowest value.

    Raises:
        ValueError: no field is given, or one cannot be read, or they match no date at all.
    """
    if not any(text is not None for text in texts):
        raise ValueError(f"a cron trigger needs at least one of the fields {', '.join(FIELD_NAMES)}")
    given = tuple(None if text is None else _normal(text) for text in texts)
    for name, text in zip(FIELD_NAMES, given, strict=True):
        if text == "":
            raise ValueError(f"{name} must not be empty; write '*' for every value, or leave it out")
    if given[0] is not None and is_line(given[0]):  # the first positional argument
        raise ValueError(f"year: cannot read {given[0]!r}{hint_on_line(given[0])}")
    year, month, day, week, day_of_week, hour, minute, second = (field.text for field in fields_of(given))
    days, from_end, day_nth = _day_set(day)
    calendar = days_of(
        DayRule(
            years=value_set("year", year) >> FIRST_YEAR,
            months=value_set("month", month),
            days=days,
            from_end=from_end,
            day_nth=day_nth,
            weekdays=value_set("day_of_week", day_of_week),
            weeks=value_set("week", week),
        )
    )
    plan = Plan(
        value_set("second", second),
        value_set("minute", minute),
        value_set("hour", hour),
        calendar,
        repeats="*" in minute or "*" in hour,  # which can only begin a part
    )
    if calendar.is_impossible():
        words = ", ".join(f"{name}={text!r}" for name, text in zip(FIELD_NAMES, given, strict=True) if text is not None)
        raise ValueError(f"no date matches {words}: the trigger would never fire")
    return Expression("", "", given, plan)


@lru_cache(maxsize=2048)
def value_set(name: str, text: str) -> int:
    """
    Return the set of a field's values as bits.

    Raises:
        ValueError: the text cannot be read, or a value is out of the field's bounds.
    """
    mask = 0
    for part in text.split(","):
        mask |= _span_set(_span(name, part, text))
    return mask


def _normal(text: str) -> str:
    """Return the text in small letters, with single blanks, and none around commas."""
    return ",".join(" ".join(part.split()) for part in text.lower().split(","))


def _span_set(span: Span) -> int:
    if span.step == 1:
        return (2 << span.last) - (1 << span.first)
    mask = 0
    for value in range(span.first, span.last + 1, span.step):
        mask |= 1 << value
    return mask


def _span(name: str, part: str, text: str) -> Span:
    match = _PART.fullmatch(part)
    if match is None:
        _refuse(name, part, text)
    lowest, highest = MIN_VALUES[name], MAX_VALUES[name]
    first_text, last_text, step_text = match.groups()
    first = lowest if first_text is None else _value(name, first_text, text)
    if last_text is not None:
        if first_text.isdigit() != last_text.isdigit():
            raise ValueError(f"{name}: {part!r} goes from a name to a number, or the other way; write both alike")
        last = _value(name, last_text, text)
        if first > last:
            raise ValueError(
                f"{name}: {part!r} ends before it begins; write {first_text}-{highest},{lowest}-{last_text}"
            )
    else:
        last = highest if first_text is None or step_text is not None else first
    if step_text is None:
        return Span(first, last, 1)
    step = int(step_text)
    if step == 0:
        raise ValueError(f"{name}: the step in {part!r} must be at least 1")
    if step > last - first:
        raise ValueError(f"{name}: the step in {part!r} is longer than the range, which is {last - first}")
    return Span(first, last, step)


def _value(name: str, word: str, text: str) -> int:
    lowest, highest = MIN_VALUES[name], MAX_VALUES[name]
    names = _NAMES.get(name, {})
    if not word.isdigit():
        if word not in names:
            _refuse(name, word, text)
        return names[word]
    value = int(word)
    if not lowest <= value <= highest:
        hint = ""
        if name == "day_of_week" and value == 7:
            hint = " (Monday is 0, Sunday is 6)"
        raise ValueError(f"{name}: {word} is out of range in {shorten(text)}; it goes from {lowest} to {highest}{hint}")
    return value


def _day_set(text: str) -> tuple[int, int, int]:
    """Return the days of the month, the days counted from its end, and the nth weekdays of the day field."""
    if text == "*":
        return ALL_DAYS, 0, 0
    days = from_end = nth = 0
    for part in text.split(","):
        ordinal, _, weekday = part.partition(" ")
        if part == "last":
            from_end |= 1
        elif ordinal in _ORDINALS and weekday:
            if weekday not in WEEKDAYS:
                raise ValueError(
                    f"day: {weekday!r} in {shorten(part)} is no weekday; use one of {', '.join(WEEKDAYS)}"
                    f"{meant_name(weekday, WEEKDAYS)}"
                )
            nth |= 1 << 7 * _ORDINALS[ordinal] + WEEKDAYS.index(weekday)
        else:
            days |= _span_set(_span("day", part, text))
    return days, from_end, nth


def _refuse(name: str, part: str, text: str) -> NoReturn:
    lowest, highest = MIN_VALUES[name], MAX_VALUES[name]
    allowed = [f"numbers from {lowest} to {highest}"]
    choices: list[str] = list(_NAMES.get(name, ()))
    if name == "day":
        allowed.append("'last', '1st mon' to '5th sun' and 'last mon'")
        choices = [*_ORDINALS, *(f"{ordinal} {weekday}" for ordinal in _ORDINALS for weekday in WEEKDAYS)]
    elif choices:
        allowed.append(f"names ({', '.join(choices)})")
    raise ValueError(
        f"{name}: cannot read {shorten(part)} in {shorten(text)}; allowed are *, {', '.join(allowed)}, ranges a-b,"
        f" steps */n and a-b/n, and lists of these{hint_on_line(text) or meant_name(part, choices)}"
    )


def meant_name(word: str, names: Iterable[str]) -> str:
    """Return a hint at the name that was meant; months and weekdays are known by their first three letters."""
    known = {name.lower(): name for name in names}
    short = word[:3].lower()
    return did_you_mean(short if short in known else word, known.values())


def hint_on_line(text: str) -> str:
    """Return a hint at ``from_crontab`` for text that is a whole crontab line rather than a field, else nothing."""
    return f"; a whole crontab line is read by CronTrigger.from_crontab({text!r})" if is_line(text) else ""


def is_line(text: str) -> bool:
    """Return whether the text looks like a crontab line: five to seven fields, or a macro."""
    return _LINE.fullmatch(text.strip()) is not None
