"""
Claiming and taking back by the eight methods of version 3, for stores that have no better way.

The methods are called under the store's `guard`, one at a time; triggers are asked outside it.
"""

from __future__ import annotations

from functools import partial

from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._planning import Slot, plan
from apscheduler_lite._slots import is_to_be_set_back, restored_on_error, set_slot, slot_of
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.runs import Run

from ._claim import Claim, JobFault, UnknownExecutorError
from ._open import claim_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job

    from ._bookkeeping import Bookkeeping
    from .base import BaseJobStore, Capacity

__all__ = ["claim_due", "release"]


def claim_due(store: BaseJobStore, books: Bookkeeping, now: int, capacity: Capacity) -> Claim:
    """Claim what is due, as `BaseJobStore.claim_due` says."""
    claim = Claim()
    left = dict(capacity)
    _claim_beside(store, books, now, left, claim)
    with store.guard:
        due = [job for job in store.get_due_jobs(from_instant(now, UTC)) if job._next is not None]
    waiting = bool(books.retries)
    for job in due:
        if books.is_deferred(job.id, now):
            waiting = True
            continue
        try:
            waiting = _claim_job(store, books, job, now, claim, left) or waiting
        except BaseException as exc:
            if ends_program(exc):
                raise
            claim.faults.append(JobFault(job, job.id, exc, books.defer(job.id, now)))
            waiting = True
    books.waiting = waiting or claim.is_short
    try:
        claim.next_due = _next_due(store, books, now, waiting)
    except BaseException as exc:  # the runs have been claimed: they must get to their executors all the same
        claim.failure = exc
    return claim


def _claim_beside(store: BaseJobStore, books: Bookkeeping, now: int, left: dict[str, int | None], claim: Claim) -> None:
    """Claim what is beside the schedules, after another try to take back what no executor took."""
    if books.owed:
        _take_back_owed(store, books, now, claim)
    if books.open.count:
        claim_open(books, partial(_look_up, store), now, left, claim)


def _claim_job(
    store: BaseJobStore, books: Bookkeeping, job: Job, now: int, claim: Claim, left: dict[str, int | None]
) -> bool:
    """Claim what is due of one job; return whether it waits for a slot or a worker."""
    if job.executor not in left:
        raise UnknownExecutorError(job.executor, list(left))
    slot = slot_of(job)
    claim.superseded += books.superseded(job, slot.due)
    free = left[job.executor]
    if free is not None and free <= 0:
        claim.is_short = True
        return True
    made = plan(job.trigger, slot, now, job._options, books.running(job.id), books.backlog.get(job.id), books.up_since)
    if made.waits:
        if made.backlog is not None:
            books.backlog[job.id] = made.backlog
        return True
    _commit(store, books, job, slot, made, now, claim, left)
    return False


def _commit(
    store: BaseJobStore,
    books: Bookkeeping,
    job: Job,
    slot: Slot,
    made: Plan,
    now: int,
    claim: Claim,
    left: dict[str, int | None],
) -> None:
    zone = job.zone  # asked before anything is changed, since it may raise
    free = left[job.executor]
    if free is not None and len(made.runs) > free:
        made.cut(free, now)
        claim.is_short = True
    with store.guard:
        present = store.lookup_job(job.id)
        if present is None or present._next != slot.due:
            return  # changed or removed while it was being planned: whoever did that decides when it runs next
        with restored_on_error(present):
            set_slot(present, made.next)
            if made.next is None:
                store.remove_job(job.id)
            else:
                store.update_job(present)
    if made.next is None:
        claim.finished.append(present)
    if free is not None:
        left[job.executor] = free - len(made.runs)
    claim.skip(present, made, store._alias or "", zone, now, books.ongoing(job.id))
    started = [Run.of(present, store._alias or "", each.fire_time, each.due, zone) for each in made.runs]
    for run in started:
        run.is_last = made.next is None
    books.tell_downtime(started)
    books.begin(job.id, started, made.backlog)
    claim.runs.extend(started)
    if made.skipped or made.missed:
        books.drop(present, made, zone, store._alias or "", now, claim)


def _next_due(store: BaseJobStore, books: Bookkeeping, now: int, waiting: bool) -> int | None:
    """Return when to claim again; what waits for a slot is woken by the run that frees it, not by the clock."""
    with store.guard:
        if not waiting:
            moment = store.get_next_run_time()
            later = [] if moment is None else [to_instant(moment)]
        else:
            later = [job._next for job in store.get_all_jobs() if job._next is not None and job._next > now]
    later += (each for each in (books.next_retry(now), books.open.next_at()) if each is not None)
    return min(later, default=None)


def _look_up(store: BaseJobStore, job_id: str) -> Job | None:
    with store.guard:
        return store.lookup_job(job_id)


def release(store: BaseJobStore, books: Bookkeeping, run: Run, now: int) -> float | None:
    """Take back a run that no executor took, as `BaseJobStore.release` says."""
    books.end([run])
    seconds = books.defer(run.job_id, now)
    if run.is_extra:
        with books.lock:
            books.open.add(run, now + round(seconds * 1_000_000))
        return seconds
    books.owed[run.job_id] = run  # of several the earliest, after which the others come again by themselves
    _take_back(store, books, run)
    return seconds


def _take_back(store: BaseJobStore, books: Bookkeeping, run: Run) -> None:
    slot = Slot(run.fire_time, run.due)
    with store.guard:
        present = store.lookup_job(run.job_id)
        if present is not None:
            if is_to_be_set_back(present, run):
                with restored_on_error(present):
                    set_slot(present, slot)
                    store.update_job(present)
        elif run.is_last and run.job is not None:
            job = run.job._copy()
            set_slot(job, slot)
            store.add_job(job)
    books.owed.pop(run.job_id, None)


def _take_back_owed(store: BaseJobStore, books: Bookkeeping, now: int, claim: Claim) -> None:
    """Try again to take back the runs that the store refused when their executors had refused them."""
    for job_id, run in list(books.owed.items()):
        if not books.is_deferred(job_id, now):
            try:
                _take_back(store, books, run)
            except BaseException as exc:
                if ends_program(exc):
                    raise
                claim.faults.append(JobFault(run.job, job_id, exc, books.defer(job_id, now)))
