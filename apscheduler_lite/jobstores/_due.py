"""A due job, and what is to become of it, between the two locked steps of a claim."""

from __future__ import annotations

from apscheduler_lite._planning import Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo

    from apscheduler_lite._options import JobOptions
    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job
    from apscheduler_lite.triggers.base import BaseTrigger

__all__ = ["DueJob"]


class DueJob:
    """A due job as it stood when it was taken off the heap, and what was planned for it."""

    __slots__ = ("backlog", "fault", "job", "options", "plan", "running", "slot", "trigger", "zone")

    plan: Plan | None
    fault: BaseException | None
    zone: tzinfo

    def __init__(self, job: Job, due: int, running: int, backlog: int | None) -> None:
        self.job = job
        self.slot = Slot(due if job._fire_time is None else job._fire_time, due)
        self.trigger: BaseTrigger = job.trigger
        self.options: JobOptions = job._options
        self.running = running
        self.backlog = backlog
        self.plan = None
        self.fault = None

    def is_still(self, job: Job | None) -> bool:
        """Return whether that job is this one, unchanged in what the plan was made from."""
        return (
            job is self.job
            and job._next == self.slot.due
            and job.trigger is self.trigger
            and job._options is self.options
        )
