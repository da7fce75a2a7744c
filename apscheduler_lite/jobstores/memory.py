"""
Jobs in memory: a dict by id and a heap of (due, id).

Looking a job up costs O(1); adding, removing, rescheduling and claiming cost O(log n). The heap is lazy: a job that
is removed or rescheduled leaves its old entry behind, which is recognised when it comes to the top (its instant is
not the job's any more) and swept when such entries outnumber the jobs.

The lock is held for dict and heap operations only. A claim takes the due jobs off the heap under the lock, asks their
triggers without it, and writes the plans back under it; a job that was changed or removed in between is left to
whoever did that.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from operator import attrgetter

from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._options import as_count
from apscheduler_lite._planning import Slot, plan
from apscheduler_lite._slots import is_to_be_set_back, set_slot
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.errors import ConflictingIdError, JobLookupError
from apscheduler_lite.runs import Run

from ._bookkeeping import Bookkeeping
from ._claim import Claim, JobFault, UnknownExecutorError
from ._due import DueJob
from ._history import KEPT_OF_EACH
from ._open import claim_open
from .base import BaseJobStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo
    from typing import Any

    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job

    from .base import Capacity, Decide, Settle

__all__ = ["MemoryJobStore"]


class MemoryJobStore(BaseJobStore):
    """
    Keep jobs in the memory of this process; they are gone when it ends.

    The job objects it returns are the stored ones: their ``next_run_time`` moves on as they run.

    Args:
        keep_runs: of how many ended runs of each job a record is kept, at the most; 0 keeps none. All jobs together
            have 20,000, but each its last one; of jobs that are gone, the runs of the latest 1,000 are kept.

    Raises:
        TypeError: it is no integer.
        ValueError: it is negative.
    """

    is_thread_safe = True
    records_at_once = True
    answers_while_closed = True

    def __init__(self, keep_runs: int = KEPT_OF_EACH) -> None:
        self._keep_runs = as_count(keep_runs, "keep_runs")
        self._jobs: dict[str, Job] = {}
        self._state = Bookkeeping(self._keep_runs, self._jobs)
        self._lock = self._state.lock  # a signal handler may call in all the same: what is looped over is a copy
        self._heap: list[tuple[int, str]] = []
        self._waiting: set[str] = set()  # due, but waiting for an instance to end: not on the heap
        self._changes = 0
        self._sorted: tuple[int, list[Job]] = (0, [])  # what get_all_jobs last returned, after how many changes

    # -- life --------------------------------------------------------------------------------------------------

    def attach(self, scheduler: Any, alias: str) -> None:
        super().attach(scheduler, alias)
        with self._lock:
            for job in list(self._jobs.values()):  # they may have been another scheduler's
                job._scheduler, job._jobstore_alias = scheduler, alias

    # -- looking -----------------------------------------------------------------------------------------------

    def lookup_job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        until = to_instant(now)
        return [job for job in self.get_all_jobs() if job._next is not None and job._next <= until]

    def get_next_run_time(self) -> datetime | None:
        with self._lock:
            due = min((job._next for job in list(self._jobs.values()) if job._next is not None), default=None)
        return None if due is None else from_instant(due, UTC)

    def get_all_jobs(self) -> list[Job]:
        with self._lock:
            if self._sorted[0] != self._changes:
                self._sorted = self._changes, _in_order(list(self._jobs.values()))
            return self._sorted[1].copy()

    # -- changing ----------------------------------------------------------------------------------------------

    def add_job(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs:
                raise ConflictingIdError(job.id)
            self._put(job)

    def add_jobs(self, jobs: Sequence[Job], settle: Settle) -> None:
        while True:
            with self._lock:
                seen = [self._seen(job.id) for job in jobs]
            wanted = [settle(job, before) for job, (before, *_) in zip(jobs, seen, strict=True)]
            with self._lock:
                if [self._seen(job.id) for job in jobs] != seen:
                    continue  # changed or claimed in between; settle on what it is now
                for job, (before, *_), is_wanted in zip(jobs, seen, wanted, strict=True):
                    if is_wanted:
                        self._put(job)
                    elif before is not None:
                        del self._jobs[job.id]
                        self._forget(job.id)
                return

    def _seen(self, job_id: str) -> tuple[Job | None, int, int | None]:
        """Return a job and what tells whether it has been changed or claimed since."""
        job = self._jobs.get(job_id)
        return (None, 0, None) if job is None else (job, job._revision, job._next)

    def update_job(self, job: Job) -> None:
        with self._lock:
            if job.id not in self._jobs:
                raise JobLookupError(job.id)
            self._put(job)

    def change_job(self, job_id: str, decide: Decide) -> Job:
        while True:
            job = self._jobs.get(job_id)
            if job is None:
                raise JobLookupError(job_id)
            revision = job._revision
            slots = decide(job)
            with self._lock:
                if self._jobs.get(job_id) is not job or job._revision != revision:
                    continue  # somebody else was faster; decide again on what they made of it
                if self._state.instances:
                    self._state.keep_snapshot(job)
                job._assign(slots)
                job._revision += 1
                if "_next" in slots or "_options" in slots or "trigger" in slots:
                    self._put(job)
            return job

    def remove_job(self, job_id: str) -> None:
        with self._lock:
            if self._jobs.pop(job_id, None) is None:
                raise JobLookupError(job_id)
            self._forget(job_id)

    def remove_all_jobs(self) -> None:
        with self._lock:
            self._jobs.clear()
            self._heap.clear()
            self._waiting.clear()
            self._changes += 1
            self._state.backlog.clear()
            self._state.retries.clear()
            self._state.failures.clear()

    def _put(self, job: Job) -> None:
        """Store the job and put it on the heap where its next run time says."""
        self._jobs[job.id] = job
        self._changes += 1
        self._waiting.discard(job.id)
        self._state.retries.pop(job.id, None)
        if self._state.open.count:
            self._state.open.free(job.id)  # they may have waited for the end of a pause
        if job._next is not None:
            heappush(self._heap, (job._next, job.id))
            if len(self._heap) > 2 * len(self._jobs) + 64:
                self._sweep()

    def _sweep(self) -> None:
        """Rebuild the heap without the entries that jobs have left behind."""
        retries = self._state.retries
        # First the list, then what is in it: a signal handler that adds a job in between must not add to the old one.
        self._heap = heap = []
        heap += [
            (retries.get(job.id, job._next), job.id)
            for job in list(self._jobs.values())
            if job._next is not None and job.id not in self._waiting
        ]
        heapify(heap)

    def _forget(self, job_id: str) -> None:
        self._changes += 1
        self._waiting.discard(job_id)
        state = self._state
        if state.backlog or state.retries or state.failures:
            state.backlog.pop(job_id, None)
            state.retries.pop(job_id, None)
            state.failures.pop(job_id, None)

    # -- claiming ----------------------------------------------------------------------------------------------

    def claim_due(self, now: int, capacity: Capacity) -> Claim:
        # Runs that wait for a worker are in this process anyway, so nothing is gained by leaving them due: all that
        # is due is claimed, whatever the capacity.
        claim = Claim()
        if self._state.open.count:
            claim_open(self._state, self._jobs.get, now, dict.fromkeys(capacity), claim)
        with self._lock:
            due = self._take_due(now)
        if due:
            try:
                for each in due:
                    self._plan(each, now, capacity)
            except BaseException:  # Ctrl-C: everything that was taken goes back
                with self._lock:
                    for each in due:
                        self._put_back(each.job.id)
                raise
        with self._lock:
            for each in due:
                self._settle(each, now, claim)
            claim.next_due = self._peek()
            first = self._state.open.next_at()
        if first is not None and (claim.next_due is None or first < claim.next_due):
            claim.next_due = first
        return claim

    def _take_due(self, now: int) -> list[DueJob]:
        heap, jobs, retries = self._heap, self._jobs, self._state.retries
        instances, backlog = self._state.instances, self._state.backlog
        due: list[DueJob] = []
        while heap and heap[0][0] <= now:
            key, job_id = heappop(heap)
            job = jobs.get(job_id)
            if job is None or job._next is None or key != (retries.get(job_id, job._next) if retries else job._next):
                continue  # left behind by a change
            if retries:
                retries.pop(job_id, None)
            running = len(instances[job_id]) if job_id in instances else 0
            due.append(DueJob(job, job._next, running, backlog.get(job_id) if backlog else None))
        return due

    def _plan(self, due: DueJob, now: int, capacity: Capacity) -> None:
        try:
            if due.options.executor not in capacity:
                raise UnknownExecutorError(due.options.executor, list(capacity))
            due.zone = due.job.zone
            due.plan = plan(due.trigger, due.slot, now, due.options, due.running, due.backlog, self._state.up_since)
        except BaseException as exc:
            if ends_program(exc):
                raise
            due.fault = exc

    def _settle(self, due: DueJob, now: int, claim: Claim) -> None:
        job, made = due.job, due.plan
        job_id = job.id
        if not due.is_still(self._jobs.get(job_id)):
            self._put_back(job_id)  # changed or removed meanwhile: planned anew at once, if it is still due
            return
        if made is None or due.fault is not None:
            seconds = self._state.defer(job_id, now)
            heappush(self._heap, (self._state.retries[job_id], job_id))
            claim.faults.append(JobFault(job, job_id, due.fault or RuntimeError("no plan was made"), seconds))
            return
        if made.waits:
            if made.backlog is not None:
                self._state.backlog[job_id] = made.backlog
            if self._state.running(job_id) >= due.options.max_instances:
                self._waiting.add(job_id)
                claim.superseded += self._state.superseded(job, due.slot.due)
            else:
                heappush(self._heap, (due.slot.due, job_id))  # the slot was freed while it was being planned
            return
        set_slot(job, made.next)
        self._changes += 1
        if made.next is None:
            del self._jobs[job_id]
            self._forget(job_id)
            claim.finished.append(job)
        else:
            heappush(self._heap, (made.next.due, job_id))
        self._hand_out(job, made, due.zone, now, claim)

    def _hand_out(self, job: Job, made: Plan, zone: tzinfo, now: int, claim: Claim) -> None:
        state = self._state
        if made.skipped:
            claim.skip(job, made, self._alias or "", zone, now, state.ongoing(job.id))
        if made.runs:
            started = []
            for slot in made.runs:
                run = Run.of(job, self._alias or "", slot.fire_time, slot.due, zone)
                if made.next is None:
                    run.is_last = True
                started.append(run)
            if state.down is not None:
                state.tell_downtime(started)
            running = state.instances.get(job.id)
            if running is None:
                state.instances[job.id] = started
            else:
                running.extend(started)
            claim.runs.extend(started)
        if made.backlog is not None:
            state.backlog[job.id] = made.backlog
        elif state.backlog:
            state.backlog.pop(job.id, None)
        if made.skipped or made.missed:
            state.drop(job, made, zone, self._alias or "", now, claim)

    def _put_back(self, job_id: str) -> None:
        """Put a job that was taken off the heap back where its present next run time says."""
        job = self._jobs.get(job_id)
        if job is not None and job._next is not None and job_id not in self._waiting:
            heappush(self._heap, (self._state.retries.get(job_id, job._next), job_id))

    def _peek(self) -> int | None:
        """Return when the first job on the heap wants to be claimed."""
        heap, jobs, retries = self._heap, self._jobs, self._state.retries
        while heap:
            key, job_id = heap[0]
            job = jobs.get(job_id)
            if job is not None and key == (retries.get(job_id, job._next) if retries else job._next):
                return key
            heappop(heap)
        return None

    def record_outcomes(self, runs: Sequence[Run]) -> bool:
        freed = False
        with self._lock:
            state = self._state
            for run in runs:
                job_id = run.job_id
                if run.outcome is not None:
                    state.history.add(run)
                if run.next_attempt is not None or state.open.count:
                    freed = state.follow(run) or freed
                running = state.instances.get(job_id)
                if running is None:
                    continue
                if len(running) == 1 and running[0] is run:
                    del state.instances[job_id]
                elif run in running:
                    running.remove(run)
                if state.failures and run.outcome is not None:
                    state.failures.pop(job_id, None)
                if job_id in self._waiting:
                    self._waiting.discard(job_id)
                    self._put_back(job_id)
                    freed = True
        return freed

    def release(self, run: Run, now: int) -> float | None:
        if run.is_extra:
            return super().release(run, now)
        self.record_outcomes([run])
        with self._lock:
            present = self._jobs.get(run.job_id)
            if present is None and run.is_last and run.job is not None:
                present = self._jobs[run.job_id] = run.job  # it had left the store when this run was claimed
            if present is None or not is_to_be_set_back(present, run):
                return None
            set_slot(present, Slot(run.fire_time, run.due))
            self._changes += 1
            seconds = self._state.defer(run.job_id, now)
            heappush(self._heap, (self._state.retries[run.job_id], run.job_id))
        return seconds

    def after_fork(self) -> None:
        self._state = Bookkeeping(self._keep_runs, self._jobs)
        self._lock = self._state.lock
        self._waiting.clear()
        self._sweep()

    @property
    def _books(self) -> Bookkeeping:
        return self._state

    def retry_all(self) -> None:
        with self._lock:
            self._state.failures.clear()
            resting = list(self._state.retries)
            self._state.retries.clear()
            for job_id in resting:
                self._put_back(job_id)


def _in_order(jobs: list[Job]) -> list[Job]:
    """Return the jobs by next run time, those that have none last, else in the order in which they were added."""
    scheduled = [job for job in jobs if job._next is not None]
    scheduled.sort(key=attrgetter("_next"))  # a plain int: half the time of sorting by a tuple
    if len(scheduled) < len(jobs):
        scheduled += [job for job in jobs if job._next is None]
    return scheduled
