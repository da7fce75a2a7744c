"""
Text on its way in and out: values that may arrive as bytes, and the words of error messages.

It knows no scheduler, no job and no trigger: only strings.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["clock_text", "counted", "did_you_mean", "duration_text", "one_of", "shorten", "to_text", "typo_of"]

_LONGEST_WORD = 60
"""The greatest length of what can be a misspelt name."""

_SYNONYMS = {
    "dow": "day_of_week",
    "job_id": "id",
    "store": "jobstore",
    "tz": "timezone",
    "weekday": "day_of_week",
    "weekdays": "day_of_week",
    "zone": "timezone",
}
"""What people write for a parameter that is called otherwise here."""


def to_text(value: str | bytes, parameter: str) -> str:
    """
    Return the value as ``str``; bytes, which configuration files and old databases hand over, are read as UTF-8.

    Raises:
        TypeError: it is neither.
        ValueError: the bytes are not UTF-8.
    """
    if type(value) is str:
        return value
    from six import ensure_str  # here, because bytes are rare and the import is not free

    try:
        return ensure_str(value)
    except UnicodeDecodeError:
        raise ValueError(f"{parameter} must be text; these bytes are not UTF-8: {shorten(value)}") from None
    except TypeError:
        raise TypeError(f"{parameter} must be a string, not {type(value).__name__}: {shorten(value)}") from None


def did_you_mean(value: object, choices: Iterable[str]) -> str:
    """
    Return ``"; did you mean 'x'?"`` for the choice that was meant, or an empty string.

    A wrong guess is worse than none, so only these count: a slip of a letter or two, the beginning or the better part
    of exactly one choice, and a few other names of the same thing.
    """
    choices = list(choices)
    word = str(value).lower()
    meant = typo_of(word, choices) or _SYNONYMS.get(word)
    if meant not in choices:
        found = [choice for choice in choices if _is_part_of(word, choice.lower())]
        meant = found[0] if len(found) == 1 else None
    return "" if meant is None else f"; did you mean {meant!r}?"


def typo_of(value: str, choices: Iterable[str]) -> str | None:
    """
    Return the one choice that the value is a misspelling of, or None.

    Short words may have one slip (a letter missing, too much, wrong, or two in the wrong order), longer ones two.
    Capitals do not matter; digits are never taken for slips.
    """
    word = value.lower()
    if len(word) > _LONGEST_WORD:
        return None
    ranked = []
    for choice in sorted(choices):
        other = choice.lower()
        limit = 1 if max(len(word), len(other)) <= 4 else 2
        if abs(len(word) - len(other)) <= limit and _digits(word) == _digits(other):
            slips = _slips(word, other)
            if slips <= limit and slips < len(other) - 1:
                ranked.append((slips, word[:1] != other[:1], choice))
    ranked.sort()
    if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
        return None  # nothing is near, or two are equally near
    return ranked[0][2]


def _is_part_of(word: str, choice: str) -> bool:
    if len(word) < 3:
        return False
    return choice.startswith(word) or (f"_{word}_" in f"_{choice}_" and 5 * len(word) >= 2 * len(choice))


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def _slips(one: str, other: str) -> int:
    """Return how many letters must be changed, added, dropped or swapped with the next to turn one into the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]


def one_of(choices: Iterable[str]) -> str:
    """Return the choices as a sorted, quoted list for a message."""
    return ", ".join(repr(choice) for choice in sorted(choices))


def shorten(value: object, limit: int = 80) -> str:
    """Return the value's repr, cut in the middle where it is longer than the limit."""
    try:
        text = repr(value)
    except Exception as exc:  # a stranger's __repr__ must not hide the error that is being explained
        text = f"<{type(value).__name__} whose repr raised {type(exc).__name__}>"
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def counted(number: int, noun: str) -> str:
    """Return the number with the noun: ``"1 job"``, ``"2 jobs"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock_text(moment: datetime, now: datetime) -> str:
    """Return a time of day, with its seconds if it has some, and with its date if that is not today's."""
    text = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return text if moment.date() == now.date() else f"{moment:%Y-%m-%d} {text}"


def duration_text(seconds: float) -> str:
    """Return a length of time as people read it: ``"2.5 s"``, ``"04:00:00"``, ``"1 d 04:00:00"``."""
    if abs(seconds) < 60:
        return f"{round(seconds, 3):g} s"
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{rest:02}"
    return f"{sign}{days} d {clock}" if days else f"{sign}{clock}"
