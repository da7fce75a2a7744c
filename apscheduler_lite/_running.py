"""
Run one job: once for functions that return, once for those that are awaited.

An executor calls `execute` on a worker (a thread, a process, the scheduler's own thread) or awaits `execute_async` on
a loop. Both judge the grace time, make the run known to `current_run`, call the function and write down on the run
how it ended. They raise nothing but what ends the whole program.
"""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress

from ._clock import SystemClock
from ._interrupts import ends_program
from ._reasons import missed
from ._references import name_of
from ._text import duration_text
from .errors import RemoteError
from .retry import names_of
from .runs import Outcome, _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from typing import Any

    from ._clock import Clock
    from .runs import Run

__all__ = [
    "LoopThread",
    "describe_exception",
    "execute",
    "execute_async",
    "is_coroutine_function",
    "may_begin",
    "portable",
    "run_awaitable",
]

_logger = logging.getLogger("apscheduler_lite.executors")
_system = SystemClock()


def execute(
    run: Run,
    clock: Clock = _system,
    logger: logging.Logger = _logger,
    run_awaitable: Callable[[Awaitable[Any]], Any] | None = None,
) -> None:
    """
    Run a job's function in this thread.

    What the function returns is awaited when it is awaitable, by `run_awaitable` or else on a loop of its own.
    """
    if not _begins(run, clock, logger):
        return
    token = _current.set(run)
    try:
        retval = run.func(*run.args, **run.kwargs) if run.kwargs else run.func(*run.args)
        if retval is not None and hasattr(type(retval), "__await__"):
            retval = (run_awaitable or _run_on_new_loop)(retval)
    except BaseException as exc:
        _fail(run, clock, logger, exc)
    else:
        _succeed(run, clock, logger, retval)
    finally:
        _current.reset(token)


async def execute_async(run: Run, clock: Clock = _system, logger: logging.Logger = _logger) -> None:
    """
    Run a job's function on the running loop and await what it returns.

    A cancellation is an outcome of the run (an error) and is then passed on.
    """
    if run.lease is not None and not run.lease.is_fresh():
        import asyncio

        if not await asyncio.to_thread(may_begin, run, clock, logger):
            return
    if not _begins(run, clock, logger):
        return
    token = _current.set(run)
    try:
        retval = run.func(*run.args, **(run.kwargs or {}))
        if hasattr(type(retval), "__await__"):
            retval = await retval
    except BaseException as exc:
        _fail(run, clock, logger, exc)
        if type(exc).__name__ == "CancelledError":
            raise
    else:
        _succeed(run, clock, logger, retval)
    finally:
        _current.reset(token)


def may_begin(run: Run, clock: Clock, logger: logging.Logger) -> bool:
    """
    Return whether a run is still this process's to begin; note that it was interrupted when it is not.

    A process that was frozen may hold runs that others have taken over meanwhile. It may have to ask a database.
    """
    lease = run.lease
    if lease is None or lease.is_fresh() or lease.confirm(run):
        return True
    run.outcome = Outcome.INTERRUPTED
    run.reason = "interrupted: this process was silent for so long that it was taken for dead before the run began"
    run.finished = clock.now()
    logger.warning(
        'Run of job "%s" at %s is not begun: this process was taken for dead meanwhile',
        run.job or run.job_id,
        run.scheduled_run_time,
        extra={"action": "run_interrupted", "job_id": run.job_id},
    )
    return False


def _begins(run: Run, clock: Clock, logger: logging.Logger) -> bool:
    """Note that the run starts; return False when it is too late for that."""
    if run.lease is not None and not may_begin(run, clock, logger):
        return False
    now = clock.now()
    late = now - (run.due if run.ready is None else run.ready)
    if run.grace is not None and late > run.grace:
        grace = run.grace / 1e6
        run.outcome = Outcome.MISSED
        run.reason = missed(late, run.grace)
        run.finished = now
        _say(
            logger,
            logging.WARNING,
            'Run time of job "%s" was missed by %s (misfire_grace_time=%g)',
            run.job or run.job_id,
            duration_text(late / 1e6),
            grace,
            extra={"action": "run_missed", "job_id": run.job_id},
        )
        return False
    run.started = now
    if logger.isEnabledFor(logging.INFO):
        _say(
            logger,
            logging.INFO,
            'Running job "%s" (scheduled at %s)',
            run.job or run.job_id,
            run.scheduled_run_time,
            extra={"action": "run_started", "job_id": run.job_id},
        )
    return True


def _succeed(run: Run, clock: Clock, logger: logging.Logger, retval: Any) -> None:
    run.retval = retval
    run.outcome = Outcome.EXECUTED
    run.finished = clock.now()
    if logger.isEnabledFor(logging.INFO):
        _say(
            logger,
            logging.INFO,
            'Job "%s" executed successfully',
            run.job or run.job_id,
            extra={"action": "run_executed", "job_id": run.job_id},
        )


def _fail(run: Run, clock: Clock, logger: logging.Logger, exc: BaseException) -> None:
    tb = exc.__traceback__.tb_next if exc.__traceback__ is not None else None  # without our own frame
    run.exception = exc
    run.traceback = "".join(traceback.format_tb(tb))
    run.outcome = Outcome.ERROR
    run.reason = f"error: {describe_exception(exc)}"
    run.finished = clock.now()
    _say(
        logger,
        logging.ERROR,
        'Job "%s" raised an exception',
        run.job or run.job_id,
        exc_info=(type(exc), exc, tb),
        extra={"action": "run_failed", "job_id": run.job_id},
    )
    # The exception lives on in the event; the locals of the job's frames, which may be large, need not.
    traceback.clear_frames(tb)


def _say(logger: logging.Logger, level: int, message: str, *args: object, **options: Any) -> None:
    """Log, and let no logging handler or filter that raises decide how a run ends."""
    with suppress(Exception):
        logger.log(level, message, *args, stacklevel=2, **options)


def describe_exception(exc: BaseException) -> str:
    """Return an exception's type and message on one line, even when its ``__str__`` raises."""
    try:
        message = str(exc)
    except Exception as second:
        message = f"(its message raised {type(second).__name__})"
    return f"{type(exc).__name__}: {message}" if message else type(exc).__name__


def portable(exc: BaseException) -> BaseException:
    """Return the exception, or one that tells of it where it cannot be pickled and restored."""
    import pickle

    try:
        if type(pickle.loads(pickle.dumps(exc))) is type(exc):  # noqa: S301 - our own
            return exc
    except Exception as why:
        told = RemoteError(
            f"{describe_exception(exc)} (the exception itself cannot be pickled: {describe_exception(why)})"
        )
    else:
        told = RemoteError(describe_exception(exc))
    told.original_names = names_of(exc)  # by which a Retry knows it
    return told


def is_coroutine_function(func: Any) -> bool:
    """Return whether calling it makes a coroutine; partials, wrappers and objects with an async ``__call__`` too."""
    from inspect import iscoroutinefunction, unwrap

    while hasattr(func, "func") and hasattr(func, "keywords"):  # functools.partial and its like
        func = func.func
    if iscoroutinefunction(func) or iscoroutinefunction(unwrap(func)):
        return True
    # Of an object with an async __call__, the class has the coroutine function.
    return not isinstance(func, type) and iscoroutinefunction(vars(type(func)).get("__call__", None))


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def settled(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """
    Await it and return its result and what it raised.

    A task that raised SystemExit or KeyboardInterrupt would end its whole loop.
    """
    import asyncio

    try:
        return await awaitable, None
    except asyncio.CancelledError:
        raise
    except BaseException as exc:
        return None, exc


def _run_on_new_loop(awaitable: Awaitable[Any]) -> Any:
    import asyncio

    return asyncio.run(_awaited(awaitable))


def run_awaitable(awaitable: Awaitable[Any], what: object) -> None:
    """Await it on a loop of its own and log what it raises: for listeners, whose results nobody takes."""
    try:
        if not _is_in_coroutine():
            _run_on_new_loop(awaitable)
            return
        from threading import Thread

        # A thread can run one loop at a time, and this one runs its own already.
        thread = Thread(target=run_awaitable, args=(awaitable, what), name="apscheduler_lite.listener")
        thread.start()
        thread.join()
    except BaseException as exc:
        if ends_program(exc):
            raise
        _logger.exception("%s raised an exception", name_of(what))


def _is_in_coroutine() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class LoopThread:
    """
    One thread with an event loop, on which the coroutine jobs of an executor run.

    It is started by the first coroutine and costs nothing before that.
    """

    def __init__(self, name: str) -> None:
        from threading import Lock

        self._name = name
        self._lock = Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: Any = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Await it on the loop and return its result; block this thread meanwhile."""
        import asyncio
        from concurrent.futures import Future
        from contextvars import copy_context

        loop = self._running_loop()
        # The task runs in the caller's context, so that current_run() answers in the coroutine too.
        context = copy_context()
        finished: Future[Any] = Future()

        def begin() -> None:
            task = loop.create_task(settled(awaitable), context=context)
            task.add_done_callback(hand_over)

        def hand_over(task: Task[tuple[Any, BaseException | None]]) -> None:
            finished.set_result((None, asyncio.CancelledError()) if task.cancelled() else task.result())

        run = _current.get()
        if run is not None:
            run.held_by = self._thread.ident
        loop.call_soon_threadsafe(begin)
        retval, exc = finished.result()
        if isinstance(exc, asyncio.CancelledError):
            raise RuntimeError("the coroutine was cancelled") from exc
        if exc is not None:
            raise exc
        return retval

    def _running_loop(self) -> AbstractEventLoop:
        import asyncio
        from threading import Thread

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Cancel what still runs and end the thread; it starts again at the next coroutine."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None:
            return
        import asyncio
        from threading import current_thread

        async def cancel_all() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await loop.shutdown_asyncgens()
            loop.stop()

        asyncio.run_coroutine_threadsafe(cancel_all(), loop)
        if thread is not current_thread():
            thread.join()
            loop.close()
