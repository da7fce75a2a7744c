"""
What happened: event codes, masks and the objects that listeners are handed.

Pure data. An event is delivered after every lock has been released, and the events of one run come in order:
``EVENT_JOB_SUBMITTED`` first, then its outcome.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from .job import Job
    from .runs import Run

__all__ = [
    "EVENT_ALL",
    "EVENT_ALL_JOBS_REMOVED",
    "EVENT_EXECUTOR_ADDED",
    "EVENT_EXECUTOR_REMOVED",
    "EVENT_JOBSTORE_ADDED",
    "EVENT_JOBSTORE_FAULT",
    "EVENT_JOBSTORE_REMOVED",
    "EVENT_JOB_ADDED",
    "EVENT_JOB_ERROR",
    "EVENT_JOB_EXECUTED",
    "EVENT_JOB_FAULT",
    "EVENT_JOB_INTERRUPTED",
    "EVENT_JOB_MAX_INSTANCES",
    "EVENT_JOB_MISSED",
    "EVENT_JOB_MODIFIED",
    "EVENT_JOB_REMOVED",
    "EVENT_JOB_SUBMITTED",
    "EVENT_SCHEDULER_FAULT",
    "EVENT_SCHEDULER_PAUSED",
    "EVENT_SCHEDULER_RESUMED",
    "EVENT_SCHEDULER_SHUTDOWN",
    "EVENT_SCHEDULER_START",
    "EVENT_SCHEDULER_STARTED",
    "FaultEvent",
    "JobEvent",
    "JobExecutionEvent",
    "JobSubmissionEvent",
    "SchedulerEvent",
]

EVENT_SCHEDULER_STARTED = EVENT_SCHEDULER_START = 2**0
EVENT_SCHEDULER_SHUTDOWN = 2**1
EVENT_SCHEDULER_PAUSED = 2**2
EVENT_SCHEDULER_RESUMED = 2**3
EVENT_EXECUTOR_ADDED = 2**4
EVENT_EXECUTOR_REMOVED = 2**5
EVENT_JOBSTORE_ADDED = 2**6
EVENT_JOBSTORE_REMOVED = 2**7
EVENT_ALL_JOBS_REMOVED = 2**8
EVENT_JOB_ADDED = 2**9
EVENT_JOB_REMOVED = 2**10
EVENT_JOB_MODIFIED = 2**11
EVENT_JOB_EXECUTED = 2**12
EVENT_JOB_ERROR = 2**13
EVENT_JOB_MISSED = 2**14
EVENT_JOB_SUBMITTED = 2**15
EVENT_JOB_MAX_INSTANCES = 2**16
# Beyond APScheduler 3:
EVENT_JOB_INTERRUPTED = 2**17  # the process that ran it died
EVENT_JOB_FAULT = 2**18  # the job could not be scheduled or handed over this time; it is kept and tried again
EVENT_JOBSTORE_FAULT = 2**19  # a store raised; it is tried again
EVENT_SCHEDULER_FAULT = 2**20  # the loop itself met an exception and went on
EVENT_ALL = 2**21 - 1

_OTHER_NAMES = ("EVENT_ALL", "EVENT_SCHEDULER_START")  # of codes that have a better one
_NAMES = {
    code: name for name, code in list(globals().items()) if name.startswith("EVENT_") and name not in _OTHER_NAMES
}


class SchedulerEvent:
    """
    Something that happened to the scheduler itself.

    Attributes:
        code: the event's code, one of the ``EVENT_…`` constants.
        alias: alias of the executor or job store that it is about, if any.
    """

    _shown: tuple[str, ...] = ("alias",)

    def __init__(self, code: int, alias: str | None = None) -> None:
        self.code = code
        self.alias = alias

    def __repr__(self) -> str:
        facts = ((name, getattr(self, name)) for name in self._shown)
        shown = "".join(f" {name}={value!r}" for name, value in facts if value is not None)
        return f"<{type(self).__name__} {_NAMES.get(self.code, self.code)}{shown}>"


class JobEvent(SchedulerEvent):
    """
    Something that happened to a job.

    Attributes:
        job_id: the job's id.
        jobstore: alias of the job's store.
        job: the job as it was at that moment; kept even when it has left its store since. None when it is not known.
    """

    _shown: tuple[str, ...] = ("job_id", "jobstore")

    def __init__(self, code: int, job_id: str, jobstore: str, *, job: Job | None = None) -> None:
        super().__init__(code)
        self.job_id = job_id
        self.jobstore = jobstore
        self.job = job


class JobSubmissionEvent(JobEvent):
    """
    Runs of a job were handed to its executor, or were skipped because too many instances were running.

    Attributes:
        scheduled_run_times: when they were due, as aware datetimes.
    """

    _shown = ("job_id", "jobstore", "scheduled_run_times")

    def __init__(
        self,
        code: int,
        job_id: str,
        jobstore: str,
        scheduled_run_times: list[datetime],
        *,
        job: Job | None = None,
        run: Run | None = None,
    ) -> None:
        super().__init__(code, job_id, jobstore, job=job)
        self.scheduled_run_times = scheduled_run_times
        self.run = run


class JobExecutionEvent(JobEvent):
    """
    A run of a job has ended.

    Attributes:
        scheduled_run_time: when it was due, as an aware datetime.
        retval: what the function returned.
        exception: what it raised, or None.
        traceback: the formatted traceback of that exception, or None.
        run: the run with its facts (run id, started, finished, outcome, reason).
        next_attempt_at: when the run that failed is tried again, as an aware datetime; None when it is not.
    """

    _shown = ("job_id", "jobstore", "scheduled_run_time", "exception")

    def __init__(
        self,
        code: int,
        job_id: str,
        jobstore: str,
        scheduled_run_time: datetime,
        retval: Any = None,
        exception: BaseException | None = None,
        traceback: str | None = None,
        *,
        job: Job | None = None,
        run: Run | None = None,
    ) -> None:
        super().__init__(code, job_id, jobstore, job=job)
        self.scheduled_run_time = scheduled_run_time
        self.retval = retval
        self.exception = exception
        self.traceback = traceback
        self.run = run
        self.next_attempt_at = None if run is None or run.next_attempt is None else run.next_attempt_at

    @property
    def will_retry(self) -> bool:
        """Return whether the run that failed is tried again."""
        return self.next_attempt_at is not None


class FaultEvent(SchedulerEvent):
    """
    Something that ours is built on raised; nothing was lost, and it will be tried again.

    Attributes:
        alias: alias of the store or executor concerned, if any.
        job_id: id of the job concerned, if any.
        jobstore: alias of that job's store.
        job: that job.
        run: the run that no executor took; its SUBMITTED event has no other outcome. The next try is another run.
        exception: what was raised.
        retry_in: seconds until the next try, or None when that depends on something else.
    """

    _shown = ("alias", "job_id", "jobstore", "exception", "retry_in")

    def __init__(
        self,
        code: int,
        exception: BaseException,
        *,
        alias: str | None = None,
        job_id: str | None = None,
        jobstore: str | None = None,
        job: Job | None = None,
        retry_in: float | None = None,
        run: Run | None = None,
    ) -> None:
        super().__init__(code, alias)
        self.job_id = job_id
        self.jobstore = jobstore
        self.job = job
        self.run = run
        self.exception = exception
        self.retry_in = retry_in
