"""Waiting for what other threads and processes do: on a condition, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

__all__ = ["stays_false", "wait_until"]


def wait_until(condition: Callable[[], object], timeout: float = 15.0, what: str = "") -> None:
    """
    Return as soon as the condition holds.

    Raises:
        AssertionError: it does not hold after that many seconds.
    """
    if not _holds_within(condition, timeout):
        raise AssertionError(f"not within {timeout:g} s: {what or condition}")


def stays_false(condition: Callable[[], object], seconds: float) -> bool:
    """Return whether the condition does not come to hold within so many seconds."""
    return not _holds_within(condition, seconds)


def _holds_within(condition: Callable[[], object], seconds: float) -> bool:
    pause = Event()
    deadline = time.monotonic() + seconds  # noqa: TID251 - a bound on real time is what this is for
    step = 0.001
    while not condition():
        if time.monotonic() > deadline:  # noqa: TID251
            return bool(condition())
        pause.wait(step)
        step = min(step * 1.5, 0.02)
    return True
