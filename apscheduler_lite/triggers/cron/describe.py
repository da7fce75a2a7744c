"""
What an expression means, in English words that are exact: from sets to a sentence.

The words are made from the compiled sets, not from the text, so they tell what will happen and not what was meant.
Every phrase stands for one set of values; ``every 3rd hour`` is 0, 3, 6 and so on to 21, counted from midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from apscheduler_lite.triggers.wording import FOLD_WORDS, GAP_WORDS

from .days import (
    ALL_DAYS,
    ALL_MONTHS,
    ALL_WEEKDAYS,
    ALL_WEEKS,
    ALL_YEARS,
    FIRST_YEAR,
    DayRule,
    bits,
)
from .fires import Policy
from .search import Plan

__all__ = ["clock_change_words", "describe"]

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "last")
_MOST_TIMES = 6  # that are told one by one


def describe(plan: Plan) -> str:
    """Return when the expression fires, without zone."""
    dates = _date_words(plan.days.rule)
    times, are_single = _time_words(plan)
    if dates:
        return f"{times} {dates}"
    return f"{times} every day" if are_single else times


def clock_change_words(plan: Plan, policy: Policy) -> str:
    """Return what clock changes do to the fire times."""
    if plan.repeats:
        return "clock changes leave the beat alone: times that they skip do not fire, times that they repeat fire twice"
    return f"{GAP_WORDS[policy.gap]}, {FOLD_WORDS[policy.fold]}"


def _time_words(plan: Plan) -> tuple[str, bool]:
    """Return the words for the time of day, and whether they are single times."""
    seconds, minutes, hours = (list(bits(mask)) for mask in (plan.seconds, plan.minutes, plan.hours))
    if len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES:
        times = [(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
        tail = seconds != [0]
        return "at " + _join(f"{h:02}:{m:02}:{s:02}" if tail else f"{h:02}:{m:02}" for h, m, s in times), True
    parts = [("second", seconds, 60), ("minute", minutes, 60), ("hour", hours, 24)]
    if seconds == [0]:
        del parts[0]
    while len(parts) > 1 and len(parts[-1][1]) == parts[-1][2] and _step(*parts[-2][1:]) is not None:
        parts.pop()  # "every minute of every hour" is "every minute"
    first, *others = parts
    return " of ".join([_leading(*first), *(_trailing(*part) for part in others)]), False


def _step(values: Sequence[int], size: int) -> int | None:
    """Return n when the values are every nth one of the whole circle, counted from 0."""
    count = len(values)
    if count < 2 or size % count or list(values) != list(range(0, size, size // count)):
        return None
    return size // count


def _leading(unit: str, values: Sequence[int], size: int) -> str:
    step = _step(values, size)
    if step is not None:
        return f"every {unit}" if step == 1 else f"every {step} {unit}s"
    return f"at {_numbers(unit, values)}"


def _trailing(unit: str, values: Sequence[int], size: int) -> str:
    step = _step(values, size)
    if step is not None:
        return f"every {unit}" if step == 1 else f"every {_ordinal(step)} {unit}"
    return _numbers(unit, values)


def _numbers(unit: str, values: Sequence[int]) -> str:
    return f"{unit} {values[0]}" if len(values) == 1 else f"{unit}s {_join(_runs(values))}"


def _date_words(rule: DayRule) -> str:
    days, weekdays = _day_words(rule), _weekday_words(rule, "and")
    if rule.either and not (days and weekdays):
        days = weekdays = ""  # any day will do, and so it need not match the other one
    words: list[str] = []
    if days and weekdays:
        if rule.either:
            words.append(f"on {days} and also on {weekdays}")
        else:
            words.append(f"on {days} if it falls on {_weekday_words(rule, 'or')}")
    elif days or weekdays:
        words.append(f"on {days or weekdays}")
    if rule.weeks != ALL_WEEKS:
        words.append(f"in ISO {_numbers('week', list(bits(rule.weeks)))}")
    if rule.months != ALL_MONTHS:
        words.append("in " + _join(_runs(list(bits(rule.months)), lambda month: _MONTHS[month - 1])))
    if rule.years != ALL_YEARS:
        words.append("in " + _join(_runs([FIRST_YEAR + bit for bit in bits(rule.years)])))
    return ", ".join(words)


def _day_words(rule: DayRule) -> str:
    """Return the words for the days of the month; none when they are not restricted."""
    if rule.days == ALL_DAYS:
        return ""
    words = [_numbers("day", list(bits(rule.days)))] if rule.days else []
    words += ["the last day" if n == 0 else f"the {_ordinal(n + 1)} last day" for n in bits(rule.from_end)]
    words += [f"the working day nearest to day {day}" for day in bits(rule.nearest)]
    if rule.last_workday:
        words.append("the last working day")
    words += _nth_words(rule.day_nth)
    return f"{_join(words)} of the month"


def _weekday_words(rule: DayRule, conjunction: str) -> str:
    """Return the words for the days of the week; none when they are not restricted."""
    if rule.weekdays == ALL_WEEKDAYS:
        return ""
    words = _runs(list(bits(rule.weekdays)), lambda weekday: _WEEKDAYS[weekday])
    return _join([*words, *(f"{nth} of the month" for nth in _nth_words(rule.weekday_nth))], conjunction)


def _nth_words(mask: int) -> list[str]:
    return [f"the {_ORDINALS[bit // 7]} {_WEEKDAYS[bit % 7]}" for bit in bits(mask)]


def _runs(values: Sequence[int], name: Callable[[int], str] = str) -> list[str]:
    """Return the values by name, three and more in a row as ``a to b``."""
    words: list[str] = []
    position = 0
    while position < len(values):
        end = position
        while end + 1 < len(values) and values[end + 1] == values[end] + 1:
            end += 1
        if end - position >= 2:
            words.append(f"{name(values[position])} to {name(values[end])}")
        else:
            words.extend(name(value) for value in values[position : end + 1])
        position = end + 1
    return words


def _join(words: Iterable[str], conjunction: str = "and") -> str:
    *front, last = words
    return f"{', '.join(front)} {conjunction} {last}" if front else last


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
