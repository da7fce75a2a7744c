"""
A run: one fire time of one job, handed to an executor; and how it ended.

`current_run` tells a job's function which run it is in.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from itertools import count

from ._timezones import UTC, from_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from datetime import datetime, tzinfo
    from logging import LoggerAdapter
    from typing import Any, Protocol

    from .job import Job

    Around = AbstractContextManager[Any] | AbstractAsyncContextManager[Any]
    Wrap = Callable[["Run"], Around]

    class Ending(Protocol):
        """Who says how a run ends that has a time limit: the run itself, or the limit."""

        def settle(self) -> bool:
            """Return whether the run itself may say it."""

    class Lease(Protocol):
        """What a store that other processes share says about a claimed run, right before it begins."""

        def is_fresh(self) -> bool:
            """Return whether nobody can have taken the run away yet; asked for every run, so it must cost nothing."""

        def confirm(self, run: Run) -> bool:
            """Return whether the run is still this process's; may ask a database."""

        def end(self, run: Run) -> None:
            """Take note of how the run ended."""


__all__ = ["Outcome", "Run", "current_run"]


class Outcome:
    """How a run ended. Plain strings, so that a record of them can be read in a database."""

    EXECUTED = "executed"
    ERROR = "error"
    MISSED = "missed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed out"


OUTCOMES = tuple(value for name, value in vars(Outcome).items() if name.isupper())
"""All of them."""

_numbers = count(1)
_process = os.urandom(6).hex()


def _begin_new_process() -> None:
    """Give a forked child run ids of its own."""
    global _process  # noqa: PLW0603 - a fact of the process
    _process = os.urandom(6).hex()


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_begin_new_process)


class Run:
    """
    One fire time of one job, on its way through an executor.

    It carries its own copy of the function and the arguments: a job that is changed later does not change the runs that
    are waiting for a worker.

    Attributes:
        job_id: id of the job.
        jobstore: alias of the job's store.
        executor: alias of the executor that runs it.
        job: the job as it was when the run was claimed; None where the run has crossed a process border.
        attempt: 1 for the first try.
        next_attempt: after a failure, the instant of the next attempt, in microseconds; None when there is none.
        key: job id and scheduled time as one text, the same for every attempt.
        scheduled_run_time: when it was due, as an aware datetime.
        logger: a logger whose lines bear these facts.
        outcome: how it ended, one of the strings of `Outcome`; None while it has not ended.
        reason: a sentence on why it was not run, or None.
        retval: what the function returned.
        exception: what the function raised.
        traceback: that exception's traceback as text.
    """

    # Defaults stand on the class: a run sets only what it has, which keeps its creation short.
    attempt: int = 1
    next_attempt: int | None = None
    outcome: str | None = None
    reason: str | None = None
    retval: Any = None
    exception: BaseException | None = None
    traceback: str | None = None
    started: int | None = None  # instants, in microseconds
    finished: int | None = None
    job: Job | None = None
    job_name: str | None = None  # what a record of the run knows beside it
    host: str | None = None
    pid: int | None = None
    timeout: float | None = None  # seconds that it may last
    ending: Ending | None = None  # while it goes on with a time limit
    stopped_by: BaseException | None = None  # why it was told to stop, whatever it makes of that
    has_travelled: bool = False  # this is a copy that has crossed a process border
    ready: int | None = None  # when a later attempt was to begin; None: when the run was due
    down: tuple[int, int] | None = None  # the downtime in which it came due
    is_extra: bool = False  # it was not claimed from the schedule, and giving it back does not touch that
    is_newest: bool = True  # whether no later run of its job was claimed together with it
    store: Any = None  # the store that claimed it, which its end is told even when it has left the scheduler
    lease: Lease | None = None  # the store's word that the run is still this process's to begin
    wrap: Wrap | None = None  # the scheduler's, which makes the context that the function is called in
    _logger: LoggerAdapter[Any] | None = None
    held_by: int | None = None  # the thread that it needs to end: the one that awaits it, then the one that tells of it
    is_last: bool = False  # its job has left the store with it, since the schedule was over
    _id: str | None = None  # set when it is asked for, has crossed a process border, or had waited

    def __init__(
        self,
        job: Job | None,
        job_id: str,
        jobstore: str,
        executor: str,
        fire_time: int,
        due: int,
        zone: tzinfo | None,
        grace: int | None,
        func: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
    ) -> None:
        self.job = job
        self.number = next(_numbers)
        self.job_id = job_id
        self.jobstore = jobstore
        self.executor = executor
        self.fire_time = fire_time
        self.due = due
        self.zone = zone
        self.grace = grace
        self.func = func
        self.args = args
        self.kwargs = kwargs

    @classmethod
    def of(cls, job: Job, jobstore: str, fire_time: int, due: int, zone: tzinfo | None = None) -> Run:
        """Return a run of the job as it is at this moment; its zone may be given, since asking is a stranger's code."""
        options = job._options
        run = cls(
            job,
            job.id,
            jobstore,
            options.executor,
            fire_time,
            due,
            zone or job.zone,
            options.grace,
            job.func,
            job.args,
            job._kwargs,
        )
        if options.timeout is not None:
            run.timeout = options.timeout
        return run

    @classmethod
    def recorded(cls, id: str, job_id: str, jobstore: str, executor: str, fire_time: int, due: int) -> Run:
        """Return a run that a store has kept a record of; it has no function any more."""
        run = cls(None, job_id, jobstore, executor, fire_time, due, None, None, _no_function, (), None)
        run._id = id
        return run

    @staticmethod
    def new_id() -> str:
        """Return a run id that no other run has."""
        return id_of(next(_numbers))

    @property
    def id(self) -> str:
        """Return the run's id, unique over all processes."""
        if self._id is None:
            self._id = id_of(self.number)
        return self._id

    def following(self) -> Run:
        """Return the next attempt at this run, as it waits."""
        facts = (self.fire_time, self.due, self.zone, self.grace, self.func, self.args, self.kwargs)
        run = Run(self.job, self.job_id, self.jobstore, self.executor, *facts)
        run.attempt, run.is_last, run.is_extra = self.attempt + 1, self.is_last, True
        return run

    def snapshot(self) -> Job | None:
        """Return a copy of the job as it is now, for an event: the job itself goes on changing."""
        return None if self.job is None else self.job._copy()

    @property
    def key(self) -> str:
        """Return job id and scheduled time as one text: the same for every attempt at this run, in every process."""
        return f"{self.job_id}@{from_instant(self.due, UTC).isoformat()}"

    @property
    def logger(self) -> LoggerAdapter[Any]:
        """
        Return a logger whose lines tell of this run.

        It is a `logging.LoggerAdapter` of the logger ``apscheduler_lite.runs``. Each record bears the attributes
        ``job_id``, ``run_id``, ``scheduled_run_time``, ``attempt``, ``jobstore`` and ``run_key``, beside those that a
        call gives as ``extra``. It works on worker processes too, as far as logging is configured there.
        """
        if self._logger is None:
            self._logger = _logger_of(self)
        return self._logger

    @property
    def scheduled_run_time(self) -> datetime:
        """Return when the run was due, jitter included, as an aware datetime in the job's zone."""
        return from_instant(self.due, self.zone or UTC)

    @property
    def next_attempt_at(self) -> datetime | None:
        """Return when the next attempt begins, after a failure; None when there is none."""
        return None if self.next_attempt is None else from_instant(self.next_attempt, self.zone or UTC)

    @property
    def started_at(self) -> datetime | None:
        """Return when the function was called, or None."""
        return None if self.started is None else from_instant(self.started, self.zone or UTC)

    @property
    def finished_at(self) -> datetime | None:
        """Return when the run ended, or None."""
        return None if self.finished is None else from_instant(self.finished, self.zone or UTC)

    def __repr__(self) -> str:
        return f"<Run {self.id} of job {self.job_id!r} due {self.scheduled_run_time.isoformat()}: {self.outcome}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return the facts that may cross a process border: not the job, which belongs to its scheduler."""
        state = self.__dict__.copy()
        state["job"] = state["lease"] = state["store"] = None
        state["_id"] = self.id
        state["has_travelled"] = True
        for name in ("_logger", "ending"):
            state.pop(name, None)
        return state


def _logger_of(run: Run) -> LoggerAdapter[Any]:
    from logging import LoggerAdapter, getLogger

    class RunLogger(LoggerAdapter):  # type: ignore[type-arg]
        """Adds the run's facts to what a call gives, which the library's own adapter drops before Python 3.13."""

        def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
            kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
            return msg, kwargs

    facts = {
        "job_id": run.job_id,
        "run_id": run.id,
        "scheduled_run_time": run.scheduled_run_time,
        "attempt": run.attempt,
        "jobstore": run.jobstore,
        "run_key": run.key,
    }
    return RunLogger(getLogger("apscheduler_lite.runs"), facts)


def id_of(number: int | str) -> str:
    """Return the id of the run of that number in this process; an id that was given stays as it is."""
    return number if isinstance(number, str) else f"{_process}-{number:x}"


def exception_name(exc: BaseException) -> str:
    """Return the name of an exception's class; of one that could not travel, that of the original."""
    names: tuple[str, ...] = getattr(exc, "original_names", ())
    return names[0].rpartition(":")[2].rpartition(".")[2] if names else type(exc).__name__


def _no_function() -> None:
    raise RuntimeError("a record of a run cannot be run")


_current: ContextVar[Run | None] = ContextVar("apscheduler_lite_current_run", default=None)


def current_run() -> Run:
    """
    Return the run that the calling code is part of.

    It works in a job's function and in what that calls, on threads, processes and event loops alike.

    Raises:
        LookupError: the caller is not part of a run.
    """
    run = _current.get()
    if run is None:
        raise LookupError("current_run() was called outside a job's run")
    return run
