"""
The border between the scheduler's process and its workers, be they processes of its own or an engine's.

Out goes a message, or to an engine an `Errand` that holds one: the function's reference, the arguments and the facts of
the run; never the job, the store or the scheduler. Back comes an answer: how the run ended, as bytes. Both are pickled
here, by hand, so that what cannot travel becomes an error of that run with a sentence that says what it was, and breaks
no worker.

An engine whose workers are threads of this process has no border: there the errand stays what it is, and the run takes
its outcome at once.
"""

from __future__ import annotations

import logging
import pickle

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._references import name_of
from apscheduler_lite._running import describe_exception, execute, portable
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import RemoteError
from apscheduler_lite.runs import Outcome

from .base import OUTCOME_FACTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.runs import Run

__all__ = [
    "LARGE",
    "LOST",
    "Errand",
    "cut",
    "execute_message",
    "message_of",
    "perform",
    "perform_message",
    "take_answer",
    "tell_of_begin",
    "tell_of_loss",
]

LARGE = 100_000
"""Bytes of an answer from which on the log states its size: results are meant to be small."""

LOST = "interrupted: the worker that had the run was lost"
"""The reason of a run that ended so."""

_silent = logging.Logger("apscheduler_lite.executors.worker", logging.CRITICAL + 1)  # noqa: LOG001 - nobody shall find it


class Errand:
    """A run on its way to a worker."""

    def __init__(self, run: Run, clock: Clock, logger: logging.Logger) -> None:
        self.run: Run | None = run
        self.clock = clock
        self.logger = logger
        self.message = b""  # what has travelled
        self.func: Callable[..., Any] | None = None  # the function, where only the engine's own pickler can hold it

    @property
    def has_travelled(self) -> bool:
        """Return whether this is a copy that has crossed the border."""
        return self.run is None

    def __reduce__(self) -> tuple[Any, ...]:
        assert self.run is not None  # noqa: S101 - it travels once
        return (_arrived, packed(self.run))

    def open(self) -> Run:
        """
        Return the run, on the far side as on this one.

        Raises:
            RemoteError: it holds what is not to be had here, such as a module that is not installed.
        """
        if self.run is not None:
            return self.run
        run = _run_of(self.message)
        if self.func is not None:
            run.func = self.func
        return run


def _arrived(message: bytes, func: Callable[..., Any] | None) -> Errand:
    errand = Errand.__new__(Errand)
    errand.run, errand.message, errand.func = None, message, func
    errand.clock, errand.logger = SystemClock(), _silent
    return errand


def _run_of(message: bytes) -> Run:
    try:
        run: Run = pickle.loads(message)  # noqa: S301 - from our own scheduler
    except Exception as exc:
        hint = ""
        if "__main__" in str(exc):
            hint = ". Workers do not know the main script: move the function into a module that they can import"
        raise RemoteError(f"the run could not be unpickled on the worker: {describe_exception(exc)}{hint}") from exc
    return run


def message_of(run: Run) -> bytes:
    """
    Return a run as bytes.

    Raises:
        RemoteError: the function, an argument or the scheduler's wrap cannot be pickled.
    """
    try:
        return pickle.dumps(run)
    except Exception as exc:
        raise RemoteError(_why_not(run, exc)) from exc


def packed(run: Run) -> tuple[bytes, Callable[..., Any] | None]:
    """
    Return a run as bytes, and beside them its function where that has no importable name.

    Such a function (a lambda, one of the main script) is left to the pickler of the engine, which may be able to hold
    it by value.

    Raises:
        RemoteError: an argument cannot be pickled.
    """
    if getattr(run.func, "__module__", None) != "__main__":
        try:
            return pickle.dumps(run), None
        except Exception as exc:
            if _can_be_pickled(run.func):
                raise RemoteError(_why_not(run, exc)) from exc
    bare = run.__getstate__()
    bare["func"] = None
    hollow = object.__new__(type(run))
    hollow.__dict__.update(bare)
    try:
        return pickle.dumps(hollow), run.func
    except Exception as exc:
        raise RemoteError(_why_not(run, exc)) from exc


def _can_be_pickled(func: object) -> bool:
    try:
        pickle.dumps(func)
    except Exception:
        return False
    return True


def _why_not(run: Run, exc: Exception) -> str:
    if run.wrap is not None and not _can_be_pickled(run.wrap):
        return (
            f"the scheduler's wrap {shorten(run.wrap)} cannot be sent to a worker: define it at the top level of a"
            " module, or give it as text: 'module:function'"
        )
    return (
        f"the run cannot be sent to a worker: {name_of(run.func)} with args {shorten(run.args)} and kwargs"
        f" {shorten(run.kwargs or {})} cannot be pickled: {describe_exception(exc)}"
    )


# -- on the worker -------------------------------------------------------------------------------------------------


def execute_message(message: bytes) -> bytes:
    """Run the job of a message and return the answer, on a worker that is killed where a run must stop."""
    try:
        run = _run_of(message)
    except RemoteError as exc:
        return _bad_news(str(exc))
    execute(run, logger=_silent)
    return _answer(run)


def perform(errand: Errand) -> bytes | None:
    """Run the job on a worker; return the answer where it has to travel, else None: the run bears its outcome then."""
    from ._attempt import Attempt  # here, since it brings asyncio along, which a worker process may never need

    try:
        run = errand.open()
    except RemoteError as exc:
        return _bad_news(str(exc))
    if not errand.has_travelled:
        execute(run, errand.clock, errand.logger)
        return None
    left = Attempt(run, errand.clock, errand.logger).make()
    return _answer(run) if left is None else _facts(left)


def perform_message(message: bytes) -> bytes | None:
    """Run the job of an errand that an engine carries as bytes: what `packed` returned, pickled."""
    return perform(_arrived(*pickle.loads(message)))  # noqa: S301 - from our own scheduler


def cut() -> bytes:
    """Return the answer that stands for a run whose worker was lost."""
    return _facts({"outcome": Outcome.INTERRUPTED, "reason": LOST})


def _facts(facts: Mapping[str, Any]) -> bytes:
    return pickle.dumps([facts.get(name) for name in OUTCOME_FACTS])


def _answer(run: Run) -> bytes:
    if run.exception is not None:
        run.exception = portable(run.exception)
    try:
        return pickle.dumps([getattr(run, name) for name in OUTCOME_FACTS])
    except Exception as exc:
        return _bad_news(
            f"the job ran, but its result {shorten(run.retval)} cannot be sent back from the worker:"
            f" {describe_exception(exc)}",
            run.started,
            run.finished,
        )


def _bad_news(reason: str, started: int | None = None, finished: int | None = None) -> bytes:
    facts = {
        "outcome": Outcome.ERROR,
        "reason": f"error: {reason}",
        "exception": RemoteError(reason),
        "started": started,
        "finished": finished,
    }
    return _facts(facts)


# -- back home -----------------------------------------------------------------------------------------------------


def take_answer(answer: bytes, run: Run, logger: logging.Logger, large: float = LARGE) -> None:
    """
    Write down on a run how it ended, and log it: the worker has logged nothing, for the scheduler's log is here.

    Args:
        answer: what came back.
        run: the run.
        logger: the executor's.
        large: bytes from which on the log states the size.

    Raises:
        RemoteError: the answer holds what is not to be had here.
    """
    try:
        facts = pickle.loads(answer)  # noqa: S301 - from our own worker
    except Exception as exc:
        raise RemoteError(
            f"the job ran, but its result cannot be unpickled in the scheduler's process: {describe_exception(exc)}"
        ) from exc
    for name, value in zip(OUTCOME_FACTS, facts, strict=True):
        setattr(run, name, value)
    if len(answer) >= large:
        logger.warning(
            'The result of job "%s" that came back from the worker is %s bytes; keep it where it was made, and return'
            " a reference to it",
            run.job or run.job_id,
            f"{len(answer):,}",
            extra={"action": "result_large", "job_id": run.job_id},
        )
    _tell_of_end(run, logger)


def tell_of_begin(run: Run, logger: logging.Logger, clock: Clock) -> None:
    """Log that a run is handed to a worker, unless it is too late for it to begin."""
    if logger.isEnabledFor(logging.INFO) and (run.grace is None or clock.now() - run.due <= run.grace):
        logger.info(
            'Running job "%s" (scheduled at %s)',
            run.job or run.job_id,
            run.scheduled_run_time,
            extra={"action": "run_started", "job_id": run.job_id},
        )


def _tell_of_end(run: Run, logger: logging.Logger) -> None:
    job = run.job or run.job_id
    if run.outcome == Outcome.EXECUTED:
        logger.info('Job "%s" executed successfully', job, extra={"action": "run_executed", "job_id": run.job_id})
    elif run.outcome == Outcome.MISSED:
        logger.warning(
            'Run time of job "%s" was %s', job, run.reason, extra={"action": "run_missed", "job_id": run.job_id}
        )
    elif run.outcome == Outcome.INTERRUPTED:
        tell_of_loss(run, logger)
    elif run.outcome == Outcome.TIMED_OUT:
        logger.error(
            'Job "%s" was stopped: %s\n%s',
            job,
            run.exception,
            run.traceback or "",
            extra={"action": "run_timed_out", "job_id": run.job_id},
        )
    elif run.outcome == Outcome.ERROR:
        logger.error(
            'Job "%s" raised an exception on a worker: %s\n%s',
            job,
            run.reason,
            run.traceback or "",
            extra={"action": "run_failed", "job_id": run.job_id},
        )


def tell_of_loss(run: Run, logger: logging.Logger) -> None:
    """Log that a run was interrupted."""
    logger.warning(
        'Run of job "%s" at %s was cut: %s',
        run.job or run.job_id,
        run.scheduled_run_time,
        run.reason,
        extra={"action": "run_interrupted", "job_id": run.job_id},
    )
