"""
Pickles that APScheduler 3 made, read without APScheduler.

A file that it exported holds the fields of a cron trigger as pickles of its own classes. Stand-ins take their place;
the ``str()`` of one is the text of the field, which is all that `CronTrigger` asks of it.
"""

from __future__ import annotations

import io
import pickle

from apscheduler_lite._references import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["load_pickle"]

_FIELDS = "apscheduler.triggers.cron.fields"
_EXPRESSIONS = "apscheduler.triggers.cron.expressions"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "last")


class Field:
    """A field of a cron trigger: its name, and what it says."""

    name: str
    is_default: bool
    expressions: list[Expression]

    def __str__(self) -> str:
        return ",".join(map(str, self.expressions))


class Expression:
    """One part of a field: every value, or a range of them; perhaps in steps."""

    step: int | None = None
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        if self.first is None:
            text = "*"
        elif self.last is None or self.last == self.first:
            text = self._name(self.first)
        else:
            text = f"{self._name(self.first)}-{self._name(self.last)}"
        return f"{text}/{self.step}" if self.step else text

    @staticmethod
    def _name(value: int) -> str:
        return str(value)


class WeekdayRange(Expression):
    """A range of weekdays, by name: what number a weekday has depends on who counts."""

    @staticmethod
    def _name(value: int) -> str:
        return _WEEKDAYS[value]


class WeekdayPosition(Expression):
    """Such as the second Friday of the month."""

    option_num: int
    weekday: int

    def __str__(self) -> str:
        return f"{_ORDINALS[self.option_num]} {_WEEKDAYS[self.weekday]}"


class LastDay(Expression):
    """The last day of the month."""

    def __str__(self) -> str:
        return "last"


_STAND_INS: dict[tuple[str, str], type] = {
    **{
        (_FIELDS, name): Field for name in ("BaseField", "MonthField", "DayOfMonthField", "WeekField", "DayOfWeekField")
    },
    **{(_EXPRESSIONS, name): Expression for name in ("AllExpression", "RangeExpression", "MonthRangeExpression")},
    (_EXPRESSIONS, "WeekdayRangeExpression"): WeekdayRange,
    (_EXPRESSIONS, "WeekdayPositionExpression"): WeekdayPosition,
    (_EXPRESSIONS, "LastDayOfMonthExpression"): LastDay,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is not None:
            return stand_in
        if module.startswith("apscheduler."):  # the same class of ours
            return resolve(f"{module.replace('apscheduler.', 'apscheduler_lite.', 1)}:{name}", "a class")
        return super().find_class(module, name)


def load_pickle(data: bytes) -> Any:
    """Return what a pickle holds; it may run code, so whoever calls this trusts who made it."""
    return _Unpickler(io.BytesIO(data)).load()
