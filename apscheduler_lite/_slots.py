"""A job's present slot, the fire time that it waits for: read it, set it, put it back."""

from __future__ import annotations

from contextlib import contextmanager

from ._planning import Slot, first_slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from typing import Any

    from .job import Job
    from .runs import Run

__all__ = ["is_to_be_set_back", "restored_on_error", "set_slot", "slot_of", "slots_in_zone", "slots_of"]


def slot_of(job: Job) -> Slot:
    """Return a scheduled job's present slot."""
    due = job._next
    if due is None:
        raise ValueError(f"job {job.id!r} is not scheduled")
    return Slot(due if job._fire_time is None else job._fire_time, due)


def set_slot(job: Job, slot: Slot | None) -> None:
    """Make the slot, or none, the job's present one."""
    if slot is None:
        job._next = job._fire_time = None
    else:
        job._next = slot.due
        job._fire_time = None if slot.fire_time == slot.due else slot.fire_time


def slots_of(slot: Slot | None) -> dict[str, int | None]:
    """Return what a slot makes of a job's attributes."""
    if slot is None:
        return {"_next": None, "_fire_time": None}
    return {"_next": slot.due, "_fire_time": None if slot.fire_time == slot.due else slot.fire_time}


def slots_in_zone(job: Job, zone: tzinfo, now: int) -> dict[str, Any]:
    """
    Return what a new zone of the host makes of a job's attributes: nothing where somebody chose the job's zone.

    Its next run time is that of its trigger in the new zone. Two stay: one that has come already, since that run is
    due, and one that the trigger had not yielded, since the user gave it.
    """
    trigger = job.trigger.rebind(zone)
    if trigger is job.trigger:
        return {}
    slots: dict[str, Any] = {"trigger": trigger}
    if job._next is None or job._next <= now:
        return slots
    fire_time = slot_of(job).fire_time
    if job.trigger.first_instant(fire_time) != fire_time:
        return slots
    slot = first_slot(trigger, now)
    if slot is None or slot.fire_time != fire_time:  # else it keeps its jitter
        slots.update(slots_of(slot))
    return slots


@contextmanager
def restored_on_error(job: Job) -> Iterator[None]:
    """Put the job back as it was when the block raises: a store may have handed out the very object that it keeps."""
    before = job._copy()
    try:
        yield
    except BaseException:
        job._follow(before)
        raise


def is_to_be_set_back(present: Job, run: Run) -> bool:
    """
    Return whether a job is to become due again for a run that no executor took.

    Not when its user has paused it or given it another trigger since, and not when an earlier run is due again
    already: the later one follows from that.
    """
    if present._next is None:
        return not present.paused
    return run.due < present._next and run.job is not None and present.trigger.is_same_schedule(run.job.trigger)
