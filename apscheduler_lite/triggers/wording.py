"""The words in which triggers describe themselves, the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apscheduler_lite._timezones import MICROSECONDS

from .exact import time_text

__all__ = ["FOLD_WORDS", "GAP_WORDS", "count_words", "duration_words", "joined", "limit_words"]

GAP_WORDS = {
    "after": "a time that a clock change skips fires right after the change",
    "shift": "a time that a clock change skips fires as much later as the clock was put forward",
    "skip": "a time that a clock change skips does not fire",
}
FOLD_WORDS = {
    "first": "one that it repeats fires the first time only",
    "last": "one that it repeats fires the last time only",
    "both": "one that it repeats fires both times",
}

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


def limit_words(start: datetime | None, end: datetime | None, jitter: float | None) -> list[str]:
    """Return the words for the limits of a trigger and its jitter: those that it has."""
    words = []
    if start is not None:
        words.append(f"from {time_text(start)} on")
    if end is not None:
        words.append(f"until {time_text(end)}")
    if jitter:
        words.append(f"each delayed by a random time of up to {jitter:g} seconds")
    return words


def duration_words(length: int) -> str:
    """Return a length in microseconds as words: "2 hours and 30 minutes", or just "hour" for one."""
    parts: list[tuple[float, str]] = []
    for unit, seconds in _UNITS:
        count, length = divmod(length, seconds * MICROSECONDS)
        parts.append((count, unit))
    whole, rest = divmod(length, MICROSECONDS)
    parts.append((length / MICROSECONDS if rest else whole, "second"))
    return count_words(parts)


def count_words(parts: Sequence[tuple[float, str]]) -> str:
    """Return counts of units as words, without those that are 0: "2 hours and 1 minute", or just "hour" for one."""
    given = [(count, unit) for count, unit in parts if count]
    if len(given) == 1 and given[0][0] == 1:
        return given[0][1]
    return joined([f"{count!r} {unit}" if count == 1 else f"{count!r} {unit}s" for count, unit in given])


def joined(words: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
