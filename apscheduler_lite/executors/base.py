"""
The port through which a scheduler has its runs run.

An executor that was written for APScheduler 3 implements `_do_submit_job` and reports by `_run_job_success` or
`_run_job_error`; it works unchanged. The executors of this library implement `submit_run` instead, which hands over
one `Run`, and report by `_run_ended`.

A run handed over is always reported: as executed, failed, missed; also when a worker dies under it.
"""

from __future__ import annotations

from abc import ABC

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._guarded_logger import logger_named
from apscheduler_lite._locks import make_lock
from apscheduler_lite._running import describe_exception, execute, execute_async
from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import MaxInstancesReachedError
from apscheduler_lite.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
)
from apscheduler_lite.job import Job
from apscheduler_lite.runs import Outcome, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any, Protocol

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.events import SchedulerEvent

    class ExecutorHost(Protocol):
        """What an executor asks of its scheduler."""

        clock: Clock

        def _run_ended(self, run: Run) -> None: ...
        def _dispatch_event(self, event: SchedulerEvent) -> None: ...


__all__ = ["BaseExecutor", "MaxInstancesReachedError", "run_coroutine_job", "run_job"]

OUTCOME_EVENTS = {
    Outcome.EXECUTED: EVENT_JOB_EXECUTED,
    Outcome.ERROR: EVENT_JOB_ERROR,
    Outcome.MISSED: EVENT_JOB_MISSED,
    Outcome.INTERRUPTED: EVENT_JOB_INTERRUPTED,
    Outcome.TIMED_OUT: EVENT_JOB_ERROR,
}
OUTCOME_FACTS = ("outcome", "reason", "retval", "exception", "traceback", "started", "finished")
"""The attributes of a run that say how it ended."""

_OUTCOME_OF = {code: outcome for outcome, code in OUTCOME_EVENTS.items() if outcome != Outcome.TIMED_OUT}


class JobOfRun(Job):
    """A job as version 3's executors are handed it, which knows the run that it is handed over for."""

    __slots__ = ("run",)

    run: Run

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "run": self.run}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.run = state["run"]


class BaseExecutor(ABC):  # noqa: B024 - which of two methods is abstract depends on the other
    """
    Run jobs.

    A subclass implements either `submit_run` or `_do_submit_job`. Whatever it does, it must report the end of every
    run that it accepted.
    """

    _scheduler: Any = None
    _lock: Any = None
    _logger: logging.Logger = logger_named("apscheduler_lite.executors")
    _hands_over_jobs = True  # whether the subclass implements version 3's _do_submit_job rather than submit_run

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Whichever of the two the most derived class defines is the one that counts: a subclass of one of our pools
        # that overrides _do_submit_job, as one does to wrap every job, must see its method called.
        for base in cls.__mro__:
            if "submit_run" in vars(base) or "_do_submit_job" in vars(base):
                cls._hands_over_jobs = base is BaseExecutor or "submit_run" not in vars(base)
                break

    def __init__(self) -> None:
        self._in_progress: dict[str, list[Run]] = {}  # handed over as version 3's jobs
        self._counted: dict[str, list[Run]] = {}  # of jobs that came by submit_job, which limits their instances

    # -- life --------------------------------------------------------------------------------------------------

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready, when the scheduler starts or when the executor is added to a running one."""
        import logging

        self._scheduler = scheduler
        self._lock = make_lock()
        self.abandoned_threads = 0
        self._logger = logging.getLogger(f"apscheduler_lite.executors.{alias}")
        if not hasattr(self, "_in_progress"):  # a subclass that does not call our __init__
            self._in_progress = {}
            self._counted = {}

    def shutdown(self, wait: bool = True) -> None:
        """
        Stop.

        Args:
            wait: return only when the runs in progress have ended. It may be called from one of them, which is then
                not waited for.
        """

    runs_some_beside = False
    """Whether some runs, such as coroutines, need no worker, so that more may be claimed than `capacity` said."""

    def capacity(self) -> int | None:
        """Return how many more runs it could start at once: its free workers. None for any number."""
        return None

    adopts = False
    """Whether runs may go on in it after their scheduler has died, so that another one may `adopt` them."""

    def adopt(self, run: Run) -> bool:
        """
        Take over a run that a scheduler which is dead had handed to an executor by the same alias.

        The run is known by its id, its job's id and its scheduled time; its job is None when that was removed
        meanwhile. From here on it is reported as any other: with its outcome, or as interrupted where the engine has
        lost it.

        Returns:
            whether it was taken over. If not, it is interrupted.
        """
        return False

    # -- stopping runs -----------------------------------------------------------------------------------------

    keeps_timeout = False
    """Whether it ends, or gives up, a run that lasts longer than its ``timeout``."""

    abandoned_threads = 0
    """How many of its threads have been left to themselves since the start, with a run whose time was over."""

    def can_cancel(self, func: Any) -> bool:
        """Return whether it could cancel a run of that function."""
        return False

    def cancel(self, run: Run, why: BaseException | None = None) -> bool:
        """
        Tell a run to stop; return whether that is possible.

        It is reported as interrupted when it has ended.

        Args:
            run: the run.
            why: the exception that the run is reported with, by default a `JobCancelledError`.
        """
        return False

    # -- runs --------------------------------------------------------------------------------------------------

    def submit_run(self, run: Run) -> None:
        """
        Take over one run; raise when that is not possible, and the run stays due.

        Must not block for longer than it takes to hand it to a worker.
        """
        self._check_started()
        job = self._job_of(run)
        with self._lock:
            self._in_progress.setdefault(run.job_id, []).append(run)
        try:
            self._do_submit_job(job, [run.scheduled_run_time])
        except BaseException:
            self._drop(self._in_progress, run)
            raise

    def submit_job(self, job: Job, run_times: Sequence[datetime]) -> None:
        """
        Run a job once for each of the given times (APScheduler 3's entrance; the scheduler calls `submit_run`).

        Raises:
            MaxInstancesReachedError: as many of its runs are in progress as the job allows.
        """
        self._check_started()
        alias = job._jobstore_alias or "default"
        runs = [Run.of(job, alias, instant, instant) for instant in map(to_instant, run_times)]
        with self._lock:
            if len(self._counted.get(job.id, ())) >= job.max_instances:
                raise MaxInstancesReachedError(job)
            self._counted.setdefault(job.id, []).extend(runs)
        for position, run in enumerate(runs):
            try:
                self.submit_run(run)
            except BaseException:
                for each in runs[position:]:
                    self._drop(self._counted, each)
                raise

    def _check_started(self) -> None:
        if self._scheduler is None:
            raise RuntimeError(
                f"this {type(self).__name__} has not been started; add it to a running scheduler, or call"
                " start(scheduler, alias)"
            )

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """
        Hand a job over to a worker that calls `run_job` (or `run_coroutine_job`), and report what that returned.

        Override this, or `submit_run`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement submit_run or _do_submit_job")

    def _run_job_success(self, job_id: str, events: Sequence[JobExecutionEvent]) -> None:
        """Report that a worker has run a job, with the events that `run_job` returned."""
        for event in events:
            run = self._take(job_id, to_instant(event.scheduled_run_time))
            if run is None:
                self._scheduler._dispatch_event(event)
            else:
                self._copy_outcome(event, run)
                self._run_ended(run)
        if not events:  # nothing is known but that it has run
            run = self._take(job_id, None)
            if run is not None:
                run.outcome, run.finished = Outcome.EXECUTED, self._clock.now()
                self._run_ended(run)

    def _copy_outcome(self, event: JobExecutionEvent, run: Run) -> None:
        if event.run is not None:
            copy_outcome(event.run, run)
            return
        run.outcome = _OUTCOME_OF.get(event.code, Outcome.ERROR)
        run.retval, run.exception, run.traceback = event.retval, event.exception, event.traceback
        run.finished = self._clock.now()
        if event.exception is not None:
            run.reason = f"error: {describe_exception(event.exception)}"

    def _run_job_error(self, job_id: str, exc: BaseException, traceback: Any = None) -> None:
        """Report that a job could not be run at all: the worker died, or the hand-over failed."""
        self._logger.error("Error running job %s", job_id, exc_info=(type(exc), exc, traceback or exc.__traceback__))
        run = self._take(job_id, None)
        if run is not None:
            self._run_ended(fail(run, exc, self._clock))

    def _run_ended(self, run: Run) -> None:
        """Report how a run ended; the run bears its outcome."""
        if self._counted:
            self._drop(self._counted, run)
        self._scheduler._run_ended(run)

    def _drop(self, kept: dict[str, list[Run]], run: Run) -> None:
        """Keep a run no longer."""
        with self._lock:
            runs = kept.get(run.job_id, [])
            if run in runs:
                runs.remove(run)
            if not runs:
                kept.pop(run.job_id, None)

    def _take(self, job_id: str, due: int | None) -> Run | None:
        """Return the run in progress for that instant, or the oldest one, and forget it."""
        with self._lock:
            runs = self._in_progress.get(job_id, [])
            run = next((run for run in runs if due is None or run.due == due), None)
            if run is not None:
                self._drop(self._in_progress, run)
        return run

    def _handed_over(self, job: Job, run_times: Sequence[datetime]) -> list[Run]:
        """Return the runs that a subclass hands back to our `_do_submit_job`, with the function it may have wrapped."""
        runs = []
        for moment in run_times:
            instant = to_instant(moment)
            run = self._take(job.id, instant)
            if run is None:
                run = Run.of(job, job._jobstore_alias or "default", instant, instant)
            run.func, run.args, run.kwargs = job.func, job.args, job._kwargs
            runs.append(run)
        return runs

    @staticmethod
    def _job_of(run: Run) -> Job:
        """Return the run's job with the function and arguments that the run has kept."""
        if run.job is None:
            raise ValueError(f"{run!r} has no job")
        job = run.job._copy(JobOfRun)
        job.func, job.args, job._kwargs = run.func, tuple(run.args), dict(run.kwargs) if run.kwargs else None
        job.run = run  # type: ignore[attr-defined]
        return job

    @property
    def _clock(self) -> Clock:
        return getattr(self._scheduler, "clock", None) or SystemClock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def fail(run: Run, exc: BaseException, clock: Clock) -> Run:
    """Write down on the run that it failed for a reason outside its function."""
    run.outcome = Outcome.ERROR
    run.exception = exc
    run.reason = f"error: {describe_exception(exc)}"
    run.finished = clock.now()
    return run


def copy_outcome(source: Run, target: Run) -> None:
    """Copy how a run ended from a worker's copy of it."""
    if source is not target:
        for name in OUTCOME_FACTS:
            setattr(target, name, getattr(source, name))


def event_of(run: Run) -> JobExecutionEvent:
    """Return the event that tells how a run ended."""
    return JobExecutionEvent(
        OUTCOME_EVENTS.get(run.outcome or "", EVENT_JOB_ERROR),
        run.job_id,
        run.jobstore,
        run.scheduled_run_time,
        run.retval,
        run.exception,
        run.traceback,
        job=run.snapshot(),
        run=run,
    )


def run_job(job: Job, jobstore_alias: str, run_times: Sequence[datetime], logger_name: str) -> list[JobExecutionEvent]:
    """
    Run a job's function once for each time, and return one event for each.

    For executors written for APScheduler 3; to be called on a worker.
    """
    import logging

    logger = logging.getLogger(logger_name)
    runs = _runs_of(job, jobstore_alias, run_times)
    for run in runs:
        execute(run, logger=logger)
    return [event_of(run) for run in runs]


async def run_coroutine_job(
    job: Job, jobstore_alias: str, run_times: Sequence[datetime], logger_name: str
) -> list[JobExecutionEvent]:
    """
    Await a job's coroutine function once for each time, and return one event for each.

    For executors written for APScheduler 3.
    """
    import logging

    logger = logging.getLogger(logger_name)
    runs = _runs_of(job, jobstore_alias, run_times)
    for run in runs:
        await execute_async(run, logger=logger)
    return [event_of(run) for run in runs]


def _runs_of(job: Job, jobstore_alias: str, run_times: Sequence[datetime]) -> list[Run]:
    instants = [to_instant(each) for each in run_times]
    run = getattr(job, "run", None)
    if run is not None and instants == [run.due] and run.outcome is None:
        # The very run that the scheduler knows, so that current_run() and the scheduler's wrap are as everywhere. What
        # the executor has made of the function and its arguments counts.
        run.func, run.args, run.kwargs = job.func, job.args, job._kwargs
        return [run]
    return [Run.of(job, jobstore_alias, instant, instant) for instant in instants]
