"""
Call a job's function within what the scheduler's ``wrap=`` makes around each run.

``wrap`` is called with the run and returns a context manager, or an asynchronous one. The function is called between
its entry and its exit, where both happen to the run: what they raise is the run's error, and an exit may swallow what
the function has raised.
"""

from __future__ import annotations

from contextlib import contextmanager

from ._loops import LoopHere
from ._references import name_of
from ._text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Any

    from .runs import Run

    RunAwaitable = Callable[[Awaitable[Any]], Any]

__all__ = ["await_function", "call_wrapped", "is_coroutine_function"]


def call_wrapped(run: Run, run_awaitable: RunAwaitable | None) -> Any:
    """
    Call the function on this thread within what ``run.wrap`` makes, and await what it returns where that is awaitable.

    An asynchronous context manager is entered and left on the loop of `run_awaitable`, or else on one that is made for
    this run. A coroutine function is awaited there in the very task that enters it.
    """
    around = _around(run)
    with _loop(run_awaitable) as await_it:
        if hasattr(type(around), "__enter__"):
            pass
        elif is_coroutine_function(run.func):
            return await_it(_await_within(around, run))
        else:
            around = _FromThread(around, await_it)
        with around:
            retval = run.func(*run.args, **(run.kwargs or {}))
            return await_it(retval) if hasattr(type(retval), "__await__") else retval


async def await_function(run: Run) -> Any:
    """Call the function on the running loop, within what ``run.wrap`` makes if there is one; await what it returns."""
    return await (_called(run) if run.wrap is None else _await_within(_around(run), run))


async def _await_within(around: Any, run: Run) -> Any:
    if not hasattr(type(around), "__aenter__"):
        with around:
            return await _called(run)
    async with around:
        return await _called(run)


async def _called(run: Run) -> Any:
    retval = run.func(*run.args, **(run.kwargs or {}))
    return await retval if hasattr(type(retval), "__await__") else retval


def _around(run: Run) -> Any:
    if run.wrap is None:
        raise ValueError(f"{run!r} has no wrap")
    around = run.wrap(run)
    cls = type(around)
    if not (hasattr(cls, "__enter__") and hasattr(cls, "__exit__")) and not hasattr(cls, "__aenter__"):
        raise TypeError(
            f"wrap must return a context manager, such as a function with @contextlib.contextmanager does;"
            f" {name_of(run.wrap)} returned {shorten(around)}"
        )
    return around


@contextmanager
def _loop(run_awaitable: RunAwaitable | None) -> Iterator[RunAwaitable]:
    """Give what awaits on one and the same loop during the whole run; such a loop is made where it is first needed."""
    if run_awaitable is not None:
        yield run_awaitable
        return
    here = LoopHere()
    try:
        yield here.run
    finally:
        here.close()


class _FromThread:
    """An asynchronous context manager, entered and left on a loop from the thread on which the function runs."""

    def __init__(self, around: AbstractAsyncContextManager[Any], await_it: RunAwaitable) -> None:
        self._around = around
        self._await_it = await_it

    def __enter__(self) -> Any:
        return self._await_it(self._around.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        return self._await_it(self._around.__aexit__(kind, exc, traceback))


def is_coroutine_function(func: Any) -> bool:
    """Return whether calling it makes a coroutine; partials, wrappers and objects with an async ``__call__`` too."""
    from inspect import iscoroutinefunction, unwrap

    while hasattr(func, "func") and hasattr(func, "keywords"):  # functools.partial and its like
        func = func.func
    if iscoroutinefunction(func) or iscoroutinefunction(unwrap(func)):
        return True
    # Of an object with an async __call__, the class has the coroutine function.
    return not isinstance(func, type) and iscoroutinefunction(vars(type(func)).get("__call__", None))
