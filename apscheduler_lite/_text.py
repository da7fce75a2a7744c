"""
Text on its way in and out: values that may arrive as bytes, and the words of error messages.

It knows no scheduler, no job and no trigger: only strings.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "one_of", "shorten", "to_text"]


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
    """Return ``"; did you mean 'x'?"`` for the nearest choice, or an empty string when nothing is near."""
    from difflib import get_close_matches  # here, because it costs an import of 5 ms that only an error needs

    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(str(value).lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""


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
