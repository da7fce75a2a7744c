"""
Run one job: once for functions that return, once for those that are awaited.

An executor calls `execute` on a worker (a thread, a process, the scheduler's own thread) or awaits `execute_async` on
a loop. Both judge the grace time, make the run known to `current_run`, call the function and write down on the run
how it ended. They raise nothing but what ends the whole program.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar, copy_context
from threading import get_ident

from ._clock import SystemClock
from ._guarded_logger import logger_named
from ._interrupts import ends_program
from ._loops import run_on_new_loop
from ._reasons import missed
from ._references import name_of
from ._text import duration_text
from ._wrapping import await_function, call_wrapped, is_coroutine_function
from .errors import JobTimeoutError, RemoteError
from .retry import names_of
from .runs import Outcome, _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from ._clock import Clock
    from .runs import Run

    class Limits(Protocol):
        """Who is told when a run with a time limit begins and ends."""

        def begin(self, run: Run) -> None: ...
        def end(self, run: Run) -> None: ...


__all__ = [
    "acting_thread",
    "describe_exception",
    "execute",
    "execute_async",
    "is_coroutine_function",
    "may_begin",
    "note_stopped",
    "portable",
    "run_awaitable",
]

_logger = logger_named("apscheduler_lite.executors")
_system = SystemClock()
_INFO, _WARNING, _ERROR = 20, 30, 40  # as in logging
_OURS = (__name__, call_wrapped.__module__)


def execute(
    run: Run,
    clock: Clock = _system,
    logger: logging.Logger = _logger,
    run_awaitable: Callable[[Awaitable[Any]], Any] | None = None,
    limits: Limits | None = None,
) -> None:
    """
    Run a job's function in this thread.

    What the function returns is awaited when it is awaitable, by `run_awaitable` or else on a loop of its own.
    """
    if run.lease is not None and not may_begin(run, clock, logger):
        return
    if not _begins(run, clock, logger):
        return
    limited = None if run.timeout is None else limits
    if limited is not None:
        limited.begin(run)
    # In a context of its own: what the job sets in context variables is not there for the next one on this thread.
    copy_context().run(_call, run, clock, logger, run_awaitable)
    if limited is not None:
        limited.end(run)


def _call(
    run: Run, clock: Clock, logger: logging.Logger, run_awaitable: Callable[[Awaitable[Any]], Any] | None
) -> None:
    _current.set(run)
    try:
        if run.wrap is not None:
            retval = call_wrapped(run, run_awaitable)
        else:
            retval = run.func(*run.args, **run.kwargs) if run.kwargs else run.func(*run.args)
            if retval is not None and hasattr(type(retval), "__await__"):
                retval = (run_awaitable or run_on_new_loop)(retval)
    except BaseException as exc:
        _fail(run, clock, logger, exc)
    else:
        _succeed(run, clock, logger, retval)


async def execute_async(
    run: Run, clock: Clock = _system, logger: logging.Logger = _logger, limits: Limits | None = None
) -> None:
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
    limited = None if run.timeout is None else limits
    if limited is not None:
        limited.begin(run)
    try:
        retval = await await_function(run)
    except BaseException as exc:
        _fail(run, clock, logger, exc)
        if type(exc).__name__ == "CancelledError":
            raise
    else:
        _succeed(run, clock, logger, retval)
    finally:
        _current.reset(token)
        if limited is not None:
            limited.end(run)


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
    if run.stopped_by is not None:
        note_stopped(run, clock, logger)
        return False
    now = clock.now()
    if run.grace is not None and _is_missed(run, now, run.grace, logger):
        return False
    run.started = now
    if logger.isEnabledFor(_INFO):
        _say(
            logger,
            _INFO,
            'Running job "%s" (scheduled at %s)',
            run.job or run.job_id,
            run.scheduled_run_time,
            extra={"action": "run_started", "job_id": run.job_id},
        )
    return True


def _is_missed(run: Run, now: int, grace: int, logger: logging.Logger) -> bool:
    """Return whether a run is later than its grace time allows; if so, note that."""
    late = now - (run.due if run.ready is None else run.ready)
    if late <= grace:
        return False
    run.outcome = Outcome.MISSED
    run.reason = missed(late, grace, run.down, run.zone)
    run.finished = now
    _say(
        logger,
        _WARNING,
        'Run time of job "%s" was missed by %s (misfire_grace_time=%g)',
        run.job or run.job_id,
        duration_text(late / 1e6),
        grace / 1e6,
        extra={"action": "run_missed", "job_id": run.job_id},
    )
    return True


def _succeed(run: Run, clock: Clock, logger: logging.Logger, retval: Any) -> None:
    if run.ending is not None and not run.ending.settle():
        _tell_too_late(run, logger, "returned")
        return
    if run.stopped_by is not None:
        note_stopped(run, clock, logger)
        return
    run.retval = retval
    run.outcome = Outcome.EXECUTED
    run.finished = clock.now()
    if logger.isEnabledFor(_INFO):
        _say(
            logger,
            _INFO,
            'Job "%s" executed successfully',
            run.job or run.job_id,
            extra={"action": "run_executed", "job_id": run.job_id},
        )


def _fail(run: Run, clock: Clock, logger: logging.Logger, exc: BaseException) -> None:
    import traceback  # here, because its import costs milliseconds

    tb = exc.__traceback__
    while tb is not None and tb.tb_frame.f_globals.get("__name__") in _OURS:  # without our own frames
        tb = tb.tb_next
    if run.ending is not None and not run.ending.settle():
        _tell_too_late(run, logger, f"raised {describe_exception(exc)}")
        return
    if run.stopped_by is not None:
        note_stopped(run, clock, logger, "".join(traceback.format_tb(tb)))
        return
    run.exception = exc
    run.traceback = "".join(traceback.format_tb(tb))
    run.outcome = Outcome.ERROR
    run.reason = f"error: {describe_exception(exc)}"
    run.finished = clock.now()
    _say(
        logger,
        _ERROR,
        'Job "%s" raised an exception',
        run.job or run.job_id,
        exc_info=(type(exc), exc, tb),
        extra={"action": "run_failed", "job_id": run.job_id},
    )
    # The exception lives on in the event; the locals of the job's frames, which may be large, need not.
    traceback.clear_frames(tb)


def note_stopped(run: Run, clock: Clock, logger: logging.Logger, where: str | None = None) -> None:
    """Write down on the run, and in the log, that it was told to stop, and where it was then."""
    exc = run.stopped_by
    timed_out = isinstance(exc, JobTimeoutError)
    run.exception = exc
    run.traceback = where
    run.outcome = Outcome.TIMED_OUT if timed_out else Outcome.INTERRUPTED
    run.reason = f"{run.outcome}: {exc}"
    run.finished = clock.now()
    _say(
        logger,
        _ERROR if timed_out else _WARNING,
        'Job "%s" was stopped: %s%s',
        run.job or run.job_id,
        exc,
        f"\n{where}" if where else "",
        extra={"action": "run_timed_out" if timed_out else "run_cancelled", "job_id": run.job_id},
    )


def _tell_too_late(run: Run, logger: logging.Logger, how: str) -> None:
    _say(
        logger,
        _WARNING,
        'Job "%s" %s after it had been given up; that is dropped',
        run.job or run.job_id,
        how,
        extra={"action": "run_too_late", "job_id": run.job_id},
    )


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


_awaiting: ContextVar[int | None] = ContextVar("apscheduler_lite_awaiting", default=None)


def acting_thread() -> int:
    """Return the thread that calls this, or the one that awaits the listener which the caller is part of."""
    return _awaiting.get() or get_ident()


def run_awaitable(awaitable: Awaitable[Any], what: object) -> None:
    """Await it on a loop of its own and log what it raises: for listeners, whose results nobody takes."""
    try:
        if not _is_in_coroutine():
            # Known to whatever it hands over to other threads, which must not wait for this one then.
            token = _awaiting.set(acting_thread())
            try:
                run_on_new_loop(awaitable)
            finally:
                _awaiting.reset(token)
            return
        from threading import Thread

        # A thread can run one loop at a time, and this one runs its own already.
        context = copy_context()
        context.run(_awaiting.set, acting_thread())
        thread = Thread(target=context.run, args=(run_awaitable, awaitable, what), name="apscheduler_lite.listener")
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
