"""Functions for the jobs of the integration tests, at the top of a module so that stores can name them."""

from __future__ import annotations

import enum
import os
from threading import Event
from typing import Any

from apscheduler_lite import current_run

__all__ = [
    "CALLS", "GATE", "Account", "Colour", "StubbornError", "fail", "fail_twice", "fail_twice_later", "note", "slow",
    "system",
]  # fmt: skip

CALLS: list[Any] = []
GATE = Event()

system = os.system  # what an allowed module has imported is not its own


class Colour(enum.Enum):
    """An Enum that lives beside the functions."""

    RED = 1


class Account:
    """An object that only a pickle can hold."""

    def __init__(self, number: int) -> None:
        self.number = number

    @staticmethod
    def pay(*args: Any) -> None:
        """Note a call of a static method."""
        CALLS.append(args)


def note(*args: Any, **kwargs: Any) -> None:
    """Note the call."""
    CALLS.append((*args, kwargs) if kwargs else args)


def fail() -> None:
    """Raise."""
    CALLS.append(current_run().attempt)
    raise ZeroDivisionError("as it was told to")


def fail_twice() -> int:
    """Fail in the first two attempts, by an exception that cannot travel; return the number of the attempt."""
    attempt = current_run().attempt
    if attempt < 3:
        raise StubbornError(attempt, "unused")
    return attempt


async def fail_twice_later() -> int:
    """Do the same as a coroutine."""
    return fail_twice()


class StubbornError(ConnectionError):
    """An exception that its pickle cannot restore."""

    def __init__(self, attempt: int, required: str) -> None:
        super().__init__(f"attempt {attempt}")


def slow(*args: Any) -> None:
    """Note the call and wait for the gate to open."""
    CALLS.append(args)
    GATE.wait(30)
