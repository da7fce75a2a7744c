"""Count what code does, rather than how long it takes: the same on every machine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import apscheduler_lite

__all__ = ["Counted", "calls_of_all_threads", "lines_of", "statements_of", "steps_of"]

PACKAGE = str(Path(apscheduler_lite.__file__).parent)


def lines_of(action: Callable[[], object], within: str = PACKAGE) -> int:
    """Return how many lines of Python the action executes in files whose path begins so, in this thread."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(within):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()  # that of the coverage measurement, which does without these lines
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@contextmanager
def calls_of_all_threads() -> Iterator[list[str]]:
    """Note the names of the library's functions that are called, by this thread and those that it starts."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls.append(frame.f_code.co_qualname)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


@contextmanager
def statements_of(engine: Any) -> Iterator[list[str]]:
    """Note the statements that an engine of SQLAlchemy sends; an executemany is one."""
    from sqlalchemy import event

    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def steps_of(engine: Any) -> Iterator[list[int]]:
    """Count the steps of SQLite's virtual machine for an engine: what a statement reads, it steps over."""
    from sqlalchemy import event

    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    def watch(driver: Any, *_: Any) -> None:
        driver.set_progress_handler(count, 1)

    event.listen(engine, "checkout", watch)
    try:
        yield steps
    finally:
        event.remove(engine, "checkout", watch)
        with engine.connect() as connection:
            connection.connection.driver_connection.set_progress_handler(None, 0)


class Counted(int):
    """An int that counts how often one of its kind is compared."""

    comparisons = 0

    def __lt__(self, other: int) -> bool:
        Counted.comparisons += 1
        return int(self) < int(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(self) == int(other)

    __hash__ = int.__hash__
