"""What a store hands over when it is claimed: runs to start, and facts to tell."""

from __future__ import annotations

from apscheduler_lite._text import clock_text, did_you_mean, one_of
from apscheduler_lite._timezones import from_instant
from apscheduler_lite.runs import Outcome, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from apscheduler_lite._planning import Plan, Slot
    from apscheduler_lite.job import Job

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
        skipped: (job, slot) pairs dropped because too many instances were running; the slots bear a `run` that says so.
        superseded: runs in progress that are to be cancelled, since the next one of their job waits for them.
        missed: (job, slot) pairs dropped because they were older than the grace time, or were not to be made up for;
            the slots bear a `run` too.
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
        "superseded",
    )

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.skipped: list[tuple[Job, Slot]] = []
        self.missed: list[tuple[Job, Slot]] = []
        self.superseded: list[Run] = []
        self.finished: list[Job] = []
        self.interrupted: list[Run] = []
        self.dropped: list[Run] = []
        self.faults: list[JobFault] = []
        self.next_due: int | None = None
        self.is_short = False
        self.failure: BaseException | None = None

    def skip(
        self, job: Job, made: Plan, alias: str, zone: tzinfo, now: int, ongoing: tuple[int, int | None] | None
    ) -> None:
        """
        Take note of what a plan skips, and give each slot the run that it would have been, with the reason.

        Args:
            job: the job.
            made: its plan.
            alias: the store's.
            zone: the job's zone, since asking for it is a stranger's code.
            now: the present instant.
            ongoing: when the oldest run in progress was due and when it began (None: it waits for a worker).
        """
        if not made.skipped:
            return
        reason = _reason(job, made, zone, now, ongoing)
        for slot in made.skipped:
            run = slot.run = Run.of(job, alias, slot.fire_time, slot.due, zone)
            run.outcome, run.reason, run.finished = Outcome.SKIPPED, reason, now
            self.skipped.append((job, slot))


def _reason(job: Job, made: Plan, zone: tzinfo, now: int, ongoing: tuple[int, int | None] | None) -> str:
    present = from_instant(now, zone)
    if made.runs:
        first = clock_text(from_instant(made.runs[0].due, zone), present)
        return f'skipped: run of {first} waited already (on_overlap="{job.on_overlap}")'
    if ongoing is None:
        return f"skipped: as many runs are in progress as may be (max_instances={job.max_instances})"
    due, began = ongoing
    what = "still going" if began is not None else "still waiting for a worker"
    seconds = max(0.0, (now - (due if began is None else began)) / 1e6)
    length = f"{round(seconds, 1 if seconds < 10 else 0):g} s"
    return (
        f"skipped: run of {clock_text(from_instant(due, zone), present)} {what} after {length}"
        f" (max_instances={job.max_instances})"
    )


class UnknownExecutorError(LookupError):
    """A job names an executor that this scheduler does not have."""

    def __init__(self, alias: str, known: Sequence[str]) -> None:
        super().__init__(
            f"this scheduler has no executor {alias!r}{did_you_mean(alias, known)} (it has: {one_of(known)}); the job"
            " is kept,"
            f" and runs as soon as some scheduler on its store has one"
        )
