"""The fields of a cron trigger: their names, bounds and default values."""

from __future__ import annotations

from typing import NamedTuple

from .days import FIRST_YEAR, LAST_YEAR

__all__ = ["DEFAULT_VALUES", "FIELD_NAMES", "MAX_VALUES", "MIN_VALUES", "MONTHS", "WEEKDAYS", "CronField", "fields_of"]

FIELD_NAMES = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")

MIN_VALUES = {
    "year": FIRST_YEAR,
    "month": 1,
    "day": 1,
    "week": 1,
    "day_of_week": 0,
    "hour": 0,
    "minute": 0,
    "second": 0,
}
MAX_VALUES = {
    "year": LAST_YEAR,
    "month": 12,
    "day": 31,
    "week": 53,
    "day_of_week": 6,
    "hour": 23,
    "minute": 59,
    "second": 59,
}
DEFAULT_VALUES = {
    "year": "*",
    "month": "1",
    "day": "1",
    "week": "*",
    "day_of_week": "*",
    "hour": "0",
    "minute": "0",
    "second": "0",
}

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CronField(NamedTuple):
    """One field of a trigger: its name, its expression (which ``str`` returns) and whether that is the default."""

    name: str
    text: str
    is_default: bool

    def __str__(self) -> str:
        return self.text


def fields_of(given: tuple[str | None, ...]) -> list[CronField]:
    """
    Return the fields, given their texts in the order of `FIELD_NAMES`, None where one was not given.

    Such a field means ``*``, or its lowest value when it stands after all that were given.
    """
    last = max((position for position, text in enumerate(given) if text is not None), default=-1)
    return [
        CronField(name, text or (DEFAULT_VALUES[name] if position > last else "*"), text is None)
        for position, (name, text) in enumerate(zip(FIELD_NAMES, given, strict=True))
    ]
