"""
Executors on pools of workers: threads, processes, and any pool of `concurrent.futures`.

A coroutine function is not special here: what a job's function returns is awaited when it is awaitable, on one loop
    thread per
executor.
"""

from __future__ import annotations

from threading import get_ident

from apscheduler_lite._deadlines import Deadlines
from apscheduler_lite._loops import LoopThread
from apscheduler_lite._options import as_arguments, as_count, as_name, as_positive_integer, refuse_unknown
from apscheduler_lite._running import execute, is_coroutine_function, may_begin, portable
from apscheduler_lite._text import did_you_mean, one_of, shorten
from apscheduler_lite.errors import JobCancelledError, MaxInstancesReachedError
from apscheduler_lite.runs import _current

from ._limits import TimeLimits, abandon
from ._run_executor import RunExecutor
from ._threads import WorkerThreads
from .base import copy_outcome, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.runs import Run

    from ._threads import Worker

__all__ = ["BasePoolExecutor", "MaxInstancesReachedError", "ProcessPoolExecutor", "ThreadPoolExecutor"]


class _WorkersExecutor(RunExecutor):
    """What the thread pool and the process pool share: threads that take runs, as many as there are workers."""

    def __init__(
        self, max_workers: int, pool_kwargs: Mapping[str, Any] | None, prefetch: Any, known: Sequence[str]
    ) -> None:
        super().__init__()
        self.max_workers = as_positive_integer(max_workers, "max_workers", ValueError)
        self.prefetch = as_count(prefetch, "prefetch")
        if pool_kwargs is not None and not hasattr(pool_kwargs, "keys"):
            raise TypeError(f"pool_kwargs must be a dict, not {shorten(pool_kwargs)}")
        self._pool_kwargs = dict(pool_kwargs or {})
        refuse_unknown(self._pool_kwargs, known, f"pool_kwargs option of {type(self).__name__}")
        _check_pool_options(**self._pool_kwargs)
        self._pool: WorkerThreads | None = None

    keeps_timeout = True

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        name = self._pool_kwargs.get("thread_name_prefix") or f"apscheduler_lite.{alias}"
        self._pool = WorkerThreads(self.max_workers, self._make_worker, name, self._make_common())

    def _make_common(self) -> Callable[[], None] | None:
        """Make what the workers share, and return what is to be called when the last of them has ended."""
        return None

    def _make_worker(self) -> Worker:
        raise NotImplementedError

    def capacity(self) -> int | None:
        return self._pool.free() + self.prefetch if self._pool is not None else 0

    def _begin(self, run: Run) -> None:
        if self._pool is None:
            raise RuntimeError(f"this {type(self).__name__} has not been started; add it to a running scheduler")
        self._pool.submit(run)

    def shutdown(self, wait: bool = True) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait, _current.get())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (max_workers={self.max_workers})>"


def _check_pool_options(
    thread_name_prefix: Any = "",
    initializer: Any = None,
    initargs: Any = (),
    mp_context: Any = None,
    max_tasks_per_child: Any = None,
) -> None:
    """Refuse wrong options of a pool now, and not when its first worker is started."""
    if thread_name_prefix:
        as_name(thread_name_prefix, "thread_name_prefix")
    if initializer is not None and not callable(initializer):
        raise TypeError(f"initializer must be callable, not {shorten(initializer)}")
    as_arguments(initargs, "initargs")
    if max_tasks_per_child is not None:
        as_positive_integer(max_tasks_per_child, "max_tasks_per_child", ValueError)
    if isinstance(mp_context, str):
        from multiprocessing import get_all_start_methods

        methods = get_all_start_methods()
        if mp_context not in methods:
            near = did_you_mean(mp_context, methods)
            raise ValueError(f"mp_context must be one of {one_of(methods)}, not {mp_context!r}{near}")
    elif mp_context is not None and not callable(getattr(mp_context, "Process", None)):
        raise TypeError(
            f"mp_context must be the name of a start method or a context of multiprocessing, not {shorten(mp_context)}"
        )


class ThreadPoolExecutor(_WorkersExecutor):
    """
    Run jobs on a pool of threads; coroutine functions on one event loop beside them.

    At its time limit a coroutine is cancelled. A thread cannot be stopped: the run is given up and another thread takes
    the place of the one that it occupies.

    Plugin alias: ``threadpool``.

    Args:
        max_workers: how many runs may be in progress at the same time.
        pool_kwargs: ``thread_name_prefix``, ``initializer`` and ``initargs``, as
            `concurrent.futures.ThreadPoolExecutor` takes them.
        prefetch: how many runs of persistent stores may be claimed beyond the free workers. More is faster; after a
            crash that many runs may be reported as interrupted that had not begun.
    """

    def __init__(
        self, max_workers: int = 10, pool_kwargs: Mapping[str, Any] | None = None, *, prefetch: int = 0
    ) -> None:
        super().__init__(max_workers, pool_kwargs, prefetch, ("thread_name_prefix", "initializer", "initargs"))

    def _make_common(self) -> Callable[[], None]:
        # New ones each time: those of the last time may still be busy, or may have stayed in the parent process.
        self._loop_thread = loop_thread = LoopThread("apscheduler_lite.loop")
        self._limits = limits = TimeLimits(self, self._stop, self._give_up)

        def close() -> None:
            limits.close()
            loop_thread.close()

        return close

    def _make_worker(self) -> Worker:
        return _ThreadWorker(self)

    def _give_up(self, run: Run) -> None:
        if self._pool is not None:
            abandon(self, self._pool, run)

    def _stop(self, run: Run, why: BaseException) -> bool:
        """Cancel what a run awaits; return whether there is anything, or will be in a moment."""
        return self._loop_thread.cancel(run, why) or self.can_cancel(run.func)

    def can_cancel(self, func: Any) -> bool:
        """Return whether it is a coroutine function: a thread cannot be stopped."""
        return is_coroutine_function(func)

    def cancel(self, run: Run, why: BaseException | None = None) -> bool:
        if self._pool is None or run.outcome is not None or not self.can_cancel(run.func):
            return False
        self._loop_thread.cancel(run, why or JobCancelledError("it was cancelled"))
        return True


class _ThreadWorker:
    """Run jobs on this thread."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._clock: Clock = executor._clock
        self._await = executor._loop_thread.run
        self._failed: BaseException | None = None
        self.report = executor._run_ended
        initializer = executor._pool_kwargs.get("initializer")
        if initializer is not None:
            try:
                initializer(*executor._pool_kwargs.get("initargs", ()))
            except BaseException as exc:
                executor._logger.exception("the initializer of a worker thread raised an exception")
                self._failed = exc

    def run(self, run: Run) -> None:
        executor = self._executor
        if self._failed is not None:
            fail(run, RuntimeError(f"the initializer of the worker thread raised {self._failed!r}"), self._clock)
        else:
            execute(run, self._clock, executor._logger, self._await, executor._limits)

    def close(self) -> None:
        """Nothing is held."""


class ProcessPoolExecutor(_WorkersExecutor):
    """
    Run jobs on a pool of worker processes.

    The function must have an importable name; arguments, results and exceptions travel as pickles. A worker that dies
    fails the run that it had, and only that one; another takes its place. A run whose time is over, or that is
    cancelled, is ended by killing its process.

    Plugin alias: ``processpool``.

    Args:
        max_workers: how many processes there may be.
        pool_kwargs: ``mp_context`` (a start method or a context of `multiprocessing`), ``initializer``, ``initargs``
            and ``max_tasks_per_child``, as `concurrent.futures.ProcessPoolExecutor` takes them.
        prefetch: as for `ThreadPoolExecutor`.
    """

    def __init__(
        self, max_workers: int = 10, pool_kwargs: Mapping[str, Any] | None = None, *, prefetch: int = 0
    ) -> None:
        super().__init__(
            max_workers, pool_kwargs, prefetch, ("mp_context", "initializer", "initargs", "max_tasks_per_child")
        )

    def start(self, scheduler: Any, alias: str) -> None:
        # `multiprocessing` is imported now, not by the first run: it kills its processes at the end of the program, and
        # a scheduler takes care to end before what was there when it was started.
        from . import _processes  # noqa: F401

        super().start(scheduler, alias)

    def _make_common(self) -> Callable[[], None]:
        self._deadlines = Deadlines(self._clock, f"{self._logger.name}.limits")
        return self._deadlines.close

    def _make_worker(self) -> Worker:
        from ._processes import ProcessWorker

        return ProcessWorker(self._clock, self._logger, self._run_ended, self._deadlines, **self._pool_kwargs)

    def can_cancel(self, func: Any) -> bool:
        """Return True: a process can be killed."""
        return True

    def cancel(self, run: Run, why: BaseException | None = None) -> bool:
        if self._pool is None or run.outcome is not None:
            return False
        run.stopped_by = why = why or JobCancelledError("it was cancelled")  # which a worker that begins it sees
        worker = self._pool.worker_of(run)
        if worker is not None:
            worker.stop(run, why)
        return True


class BasePoolExecutor(RunExecutor):
    """
    Run jobs on a pool of `concurrent.futures`: an object with ``submit`` and ``shutdown``.

    Args:
        pool: the pool. It is shut down with the scheduler, and cannot be started again. On a pool of processes a run
            of a shared store is begun also when this process was frozen while the run waited in the pool's own queue,
            and another has taken it over since; `ProcessPoolExecutor` asks right before it begins.
    """

    def __init__(self, pool: Executor) -> None:
        super().__init__()
        if not callable(getattr(pool, "submit", None)) or not callable(getattr(pool, "shutdown", None)):
            raise TypeError(
                f"pool must have the methods submit and shutdown, as concurrent.futures.Executor; not {shorten(pool)}"
            )
        self._pool = pool
        self._telling: set[int] = set()  # threads of the pool that tell of a run's end at this moment

    def _begin(self, run: Run) -> None:
        self._check_started()
        # Asked now, since the pool's workers may be other processes, which cannot ask.
        if not may_begin(run, self._clock, self._logger):
            self._run_ended(run)
            return

        def report(future: Future[Run]) -> None:
            try:
                copy_outcome(future.result(), run)
            except BaseException as exc:  # the worker died, the run could not travel, or the pool was told to drop it
                fail(run, exc, self._clock)
            self._telling.add(get_ident())
            try:
                self._run_ended(run)
            finally:
                self._telling.discard(get_ident())

        self._pool.submit(execute_and_return, run).add_done_callback(report)

    def shutdown(self, wait: bool = True) -> None:
        # On one of the pool's own threads, which would have to wait for itself, it does not wait.
        is_inside = get_ident() in self._telling or _current.get() is not None
        self._pool.shutdown(wait and not is_inside)


def execute_and_return(run: Run) -> Run:
    """Run a job on a worker, which may be another process, and return the run with its outcome."""
    execute(run)
    if run.exception is not None and run.has_travelled:
        run.exception = portable(run.exception)
    return run
