"""
A thread that makes the transactions of the main thread.

Signal handlers run in the main thread, in the middle of whatever it does. One that used the store while the main thread
holds a lock (of the pool of connections, of a row that it has changed, of SQLite's file) would wait for that lock for
ever, since the only thread that could release it is the one that it has interrupted. So the main thread holds none: it
has its transactions made here and merely waits for them. What it waits for comes to its end also while a handler runs.

For this to hold, a transaction must not need anything that the main thread may hold while it is interrupted: within
one nothing is logged, and no lock is taken that a call of the API holds.

While the main thread imports a module it makes its transactions itself. To pickle an argument whose class is being
defined there, its deputy would wait for the end of the import, and the import for its deputy.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["call"]

LONGEST = 1.0
"""Seconds for which a main thread that was told to end, as by Ctrl-C, still waits for its transaction."""


class Task:
    """A call that the main thread waits for."""

    __slots__ = ("_done", "_error", "_result", "_work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        self._done = allocate_lock()
        self._done.acquire()

    def make(self) -> None:
        """Make the call."""
        try:
            self._result = self._work()
        except BaseException as exc:
            self._error = exc
        self._done.release()

    def outcome(self) -> Any:
        """Wait until the call has been made; return its result or raise its error."""
        try:
            self._done.acquire()
        except BaseException:  # a signal handler has raised it
            self._done.acquire(timeout=LONGEST)
            raise
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del error  # it holds this frame, and need not be held by it


class Deputy:
    """The thread, which is started when it is first needed; a forked child starts one of its own."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task] = SimpleQueue()  # whose put() a signal handler may interrupt and call
        self._thread = Thread(target=self._work, name="apscheduler_lite.deputy", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            self._tasks.get().make()

    def is_alive(self) -> bool:
        """Return whether it still takes tasks."""
        return self._thread.is_alive()

    def outcome(self, work: Callable[[], T]) -> T:
        """Return what the call returns when it is made by the thread."""
        task = Task(work)
        self._tasks.put(task)
        result: T = task.outcome()
        return result


_deputy: Deputy | None = None


def call(work: Callable[[], T]) -> T:
    """Return what the function returns; in the main thread it is called by its deputy."""
    if current_thread() is not main_thread() or _is_importing():
        return work()
    deputy = _living()
    return work() if deputy is None else deputy.outcome(work)


def _is_importing() -> bool:
    """Return whether the calling thread is in the midst of an import."""
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        if caller.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = caller
    return False


def _living() -> Deputy | None:
    """Return the deputy, None where no thread can be started any more: the interpreter ends, and with it signals."""
    global _deputy  # noqa: PLW0603 - there is one main thread
    if _deputy is None or not _deputy.is_alive():
        try:
            _deputy = Deputy()
        except RuntimeError:
            return None
    return _deputy
