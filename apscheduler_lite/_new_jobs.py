"""Jobs on their way into a store: which of them are scheduled by their trigger, which go on from another job."""

from __future__ import annotations

from ._options import as_bool
from ._planning import first_slot
from ._slots import set_slot
from .errors import ConflictingIdError
from .runs import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job
    from .triggers.base import BaseTrigger

__all__ = ["NewJob", "by_different_ids", "is_finished", "schedule"]


class NewJob:
    """
    A job on its way into a store.

    Attributes:
        job: the job.
        replace: whether it takes the place of one with its id.
        is_timed: whether its next run time was given, rather than being left to its trigger.
        run_ids: the ids of the runs that are to be made at once, beside its schedule.
    """

    __slots__ = ("is_timed", "job", "replace", "run_ids")

    def __init__(self, job: Job, replace: bool, is_timed: bool) -> None:
        self.run_ids: list[str] = []
        self.job = job
        self.replace = replace
        self.is_timed = is_timed

    def run_at_once(self, is_wanted: object) -> None:
        """Have the job run once as soon as it is stored, if that is wanted."""
        if is_wanted is not False and as_bool(is_wanted, "run_immediately"):
            self.run_ids.append(Run.new_id())


def by_different_ids(new: list[NewJob]) -> dict[str, NewJob]:
    """Return the jobs by id, or raise ConflictingIdError when two of them have the same."""
    by_id: dict[str, NewJob] = {}
    for each in new:
        if by_id.setdefault(each.job.id, each) is not each:
            raise ConflictingIdError(each.job.id)
    return by_id


def schedule(new: NewJob, now: int, before: Job | None = None) -> None:
    """
    Set the next run time of a job from its trigger, unless it was given or goes on from the job that it replaces.

    Raises:
        ConflictingIdError: there is a job before it, which it is not to replace.
    """
    if before is not None and not new.replace:
        raise ConflictingIdError(new.job.id)
    if not new.is_timed and not (before is not None and keep_schedule(new, before)):
        set_slot(new.job, first_slot(new.job.trigger, now))
        new.job.paused = False


def keep_schedule(new: NewJob, before: Job) -> bool:
    """
    Let a job that replaces another go on with its schedule; return whether it does.

    An unchanged trigger keeps its next run time and its pause, else a program that is restarted more often than the
    interval would never run its job.
    """
    job = new.job
    if is_finished(before) or not before.trigger.is_same_schedule(job.trigger):
        return False
    job.trigger = _with_choice_of_zone(before.trigger, job.trigger)
    job._next, job._fire_time, job.paused = before._next, before._fire_time, before.paused
    return True


def _with_choice_of_zone(kept: BaseTrigger, given: BaseTrigger) -> BaseTrigger:
    """Return a trigger, or the same schedule as another one was given it, when the two differ in who chose the zone."""
    if kept.follows_host == given.follows_host:
        return kept
    if kept.follows_host and kept.zone is not None:
        return kept.rebind(kept.zone, is_hosts=False)
    return given


def is_finished(job: Job) -> bool:
    """Return whether the job's schedule is over: nothing is due any more and it is not paused."""
    return job._next is None and not job.paused
