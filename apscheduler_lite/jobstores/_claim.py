"""What a store hands over when it is claimed: runs to start, and facts to tell."""

from __future__ import annotations

from apscheduler_lite._text import did_you_mean, one_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from apscheduler_lite._planning import Slot
    from apscheduler_lite.job import Job
    from apscheduler_lite.runs import Run

__all__ = ["Claim", "JobFault", "UnknownExecutorError"]


class JobFault:
    """A job that could not be scheduled this time; it stays in the store and is tried again."""

    __slots__ = ("exception", "job", "job_id", "retry_in")

    def __init__(self, job: Job | None, job_id: str, exception: BaseException, retry_in: float) -> None:
        self.job = job
        self.job_id = job_id
        self.exception = exception
        self.retry_in = retry_in


class Claim:
    """
    What one claim found: facts for the scheduler, which owns the runs from here on.

    Attributes:
        runs: runs to be started, earliest first.
        skipped: (job, slot) pairs dropped because too many instances were running.
        missed: (job, slot) pairs dropped because they were older than the grace time.
        finished: jobs that have left the store, since their last run is among `runs`.
        interrupted: runs of processes that are dead, found out since the last claim; their jobs may be None.
        dropped: runs outside the schedule that are not made, with outcome and reason; their jobs may be None.
        faults: jobs that could not be scheduled.
        next_due: the instant at which the store wants to be claimed again; None when nothing is scheduled.
        is_short: whether something may be due that was left for want of a free worker.
        failure: what the store raised after it had handed out `runs`, which count nevertheless; None mostly.
    """

    __slots__ = (
        "dropped",
        "failure",
        "faults",
        "finished",
        "interrupted",
        "is_short",
        "missed",
        "next_due",
        "runs",
        "skipped",
    )

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.skipped: list[tuple[Job, Slot]] = []
        self.missed: list[tuple[Job, Slot]] = []
        self.finished: list[Job] = []
        self.interrupted: list[Run] = []
        self.dropped: list[Run] = []
        self.faults: list[JobFault] = []
        self.next_due: int | None = None
        self.is_short = False
        self.failure: BaseException | None = None


class UnknownExecutorError(LookupError):
    """A job names an executor that this scheduler does not have."""

    def __init__(self, alias: str, known: Sequence[str]) -> None:
        super().__init__(
            f"this scheduler has no executor {alias!r}{did_you_mean(alias, known)} (it has: {one_of(known)}); the job"
            " is kept,"
            f" and runs as soon as some scheduler on its store has one"
        )
