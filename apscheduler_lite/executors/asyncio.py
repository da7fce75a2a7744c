"""The executor of `AsyncIOScheduler`: coroutines on its event loop, plain functions on threads beside it."""

from __future__ import annotations

import asyncio

from apscheduler_lite._loops import settled
from apscheduler_lite._options import as_positive_integer
from apscheduler_lite._running import execute, execute_async, is_coroutine_function, note_stopped
from apscheduler_lite.errors import JobCancelledError
from apscheduler_lite.runs import _current

from ._limits import TimeLimits, abandon
from ._run_executor import RunExecutor
from ._threads import WorkerThreads
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable
    from concurrent.futures import Future
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["AsyncIOExecutor"]


class AsyncIOExecutor(RunExecutor):
    """
    Run coroutine functions on the scheduler's event loop and plain functions on a pool of threads.

    Async callables, partials and wrappers of coroutine functions count as such, and an awaitable that a plain
    function returns is awaited on the loop.

    Plugin alias: ``asyncio``.

    Of what is due in a persistent store, no more is claimed at a time than threads are free, since a claimed run must
    start at once. Coroutines occupy none, so any number of them may run; but while every thread is busy they wait with
    the others. Give an alias of its own to an executor for plain functions that take long.

    Args:
        max_workers: how many plain functions may run at the same time.
    """

    runs_some_beside = True
    keeps_timeout = True

    def __init__(self, max_workers: int = 10) -> None:
        super().__init__()
        self.max_workers = as_positive_integer(max_workers, "max_workers", ValueError)
        self._loop: AbstractEventLoop | None = None
        self._threads: WorkerThreads | None = None
        self._reporters: WorkerThreads | None = None
        self._on_loop: dict[Run, Task[Any] | None] = {}  # runs that go on on the loop, None before their first step
        self._awaited: dict[Future[Any], Run | None] = {}  # what plain functions returned, and wait for

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        self._loop = getattr(scheduler, "_eventloop", None)
        if self._loop is None:
            raise RuntimeError(
                f"AsyncIOExecutor needs the event loop of an AsyncIOScheduler, and {type(scheduler).__name__} has"
                " none; on it, use a"
                " ThreadPoolExecutor: it runs coroutine functions as well"
            )
        self._limits = TimeLimits(self, self._stop, self._give_up)
        # A store that may take its time to record an outcome must not do so on the loop.
        self._reporters = WorkerThreads(1, lambda: _Reporter(self), f"apscheduler_lite.{alias}.reports")
        self._threads = WorkerThreads(self.max_workers, lambda: _LoopAwareWorker(self), f"apscheduler_lite.{alias}")

    def capacity(self) -> int | None:
        return self._threads.free() if self._threads is not None else 0

    def _begin(self, run: Run) -> None:
        loop, threads = self._loop, self._threads
        if loop is None or threads is None:
            raise RuntimeError(f"this {type(self).__name__} has not been started; add it to a running scheduler")
        if not is_coroutine_function(run.func):
            threads.submit(run)
            return
        self._on_loop[run] = None
        try:
            loop.call_soon_threadsafe(self._begin_task, run)
        except BaseException:
            del self._on_loop[run]
            raise

    def _begin_task(self, run: Run) -> None:
        if run in self._on_loop:
            work = execute_async(run, self._clock, self._logger, self._limits)
            self._on_loop[run] = task = asyncio.ensure_future(work)
            task.add_done_callback(lambda ended: self._task_ended(ended, run))

    def _task_ended(self, task: Task[Any], run: Run) -> None:
        if not task.cancelled():
            task.exception()  # taken note of: the run bears it
        if self._on_loop.pop(run, None) is None:
            return  # it has been given up
        if run.outcome is None and run.stopped_by is not None:
            note_stopped(run, self._clock, self._logger)
        elif run.outcome is None:  # cancelled before its first step
            fail(run, asyncio.CancelledError("the task was cancelled before it began"), self._clock)
        if self._reporters is not None and not getattr(run.store, "records_at_once", True):
            try:
                self._reporters.submit(run)
                return
            except RuntimeError:  # a shutdown did not wait for this run: nobody else is left to report it
                self._logger.debug("the end of %r is recorded on the event loop", run)
        self._run_ended(run)

    def give_up(self) -> None:
        """Report the runs on a loop that has stopped and will not end them any more."""
        for future in list(self._awaited):
            future.cancel()
        for run, task in list(self._on_loop.items()):
            del self._on_loop[run]
            if task is not None:
                task.cancel()  # should the loop run once more
            fail(run, RuntimeError("the event loop stopped before the run had ended"), self._clock)
            self._run_ended(run)

    # -- stopping runs -----------------------------------------------------------------------------------------

    def can_cancel(self, func: Any) -> bool:
        """Return whether it is a coroutine function: a thread cannot be stopped."""
        return is_coroutine_function(func)

    def cancel(self, run: Run, why: BaseException | None = None) -> bool:
        return run in self._on_loop and self._stop(run, why or JobCancelledError("it was cancelled"))

    def _stop(self, run: Run, why: BaseException) -> bool:
        """Cancel what of a run is on the loop; return whether there is anything."""
        run.stopped_by = why
        if run in self._on_loop and self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel_task, run)
            return True
        # One at the most: a thread waits for one thing at a time.
        return any(future.cancel() for future, waiting in list(self._awaited.items()) if waiting is run)

    def _cancel_task(self, run: Run) -> None:
        task = self._on_loop.get(run)
        if task is not None:
            task.cancel()

    def _give_up(self, run: Run) -> None:
        """Report a run that goes on although its time is over."""
        if self._on_loop.pop(run, None) is not None:
            note_stopped(run, self._clock, self._logger)
            self._run_ended(run)
        elif self._threads is not None:
            abandon(self, self._threads, run)

    def _await(self, awaitable: Awaitable[Any]) -> Any:
        """Await on the loop what a plain function returned on a thread; block that thread meanwhile."""
        loop = self._loop
        if loop is None:
            raise RuntimeError("this AsyncIOExecutor has been shut down")
        future = asyncio.run_coroutine_threadsafe(settled(awaitable), loop)
        self._awaited[future] = run = _current.get()
        if run is not None and run.stopped_by is not None:  # meanwhile
            future.cancel()
        try:
            retval, exc = future.result()
        finally:
            self._awaited.pop(future, None)
        if exc is not None:
            raise exc
        return retval

    def shutdown(self, wait: bool = True) -> None:
        """
        Stop taking runs.

        The tasks on the loop go on: the loop belongs to the application, and whoever wants to wait for them awaits
        `AsyncIOScheduler.shutdown`.
        """
        for threads in (self._threads, self._reporters):
            if threads is not None:
                threads.shutdown(wait and not self._is_on_loop())
        if self._threads is not None:
            self._limits.close()

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False


class _LoopAwareWorker:
    """Run plain functions on this thread."""

    def __init__(self, executor: AsyncIOExecutor) -> None:
        self._executor = executor

    def run(self, run: Run) -> None:
        executor = self._executor
        execute(run, executor._clock, executor._logger, executor._await, executor._limits)

    def report(self, run: Run) -> None:
        self._executor._run_ended(run)

    def close(self) -> None:
        """Nothing is held."""


class _Reporter:
    """Report the ends of runs that were on the loop."""

    def __init__(self, executor: AsyncIOExecutor) -> None:
        self._executor = executor

    def run(self, run: Run) -> None:
        self._executor._run_ended(run)

    def report(self, run: Run) -> None:
        """Do no more."""

    def close(self) -> None:
        """Nothing is held."""
