"""
The port through which a scheduler keeps its jobs.

A store that was written for APScheduler 3 implements the eight abstract methods and works unchanged: `BaseJobStore`
builds what this library needs beyond them (claiming, changing, giving back) on top of those eight. A store that can do
better overrides that part too, as the memory and SQL stores do.

Who calls what: the scheduler calls a store from any thread and holds no lock of its own meanwhile. The eight methods
are called under the store's `guard`, one at a time, since stores of version 3 expect that; triggers are asked outside
it.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._planning import Slot, plan
from apscheduler_lite._slots import is_to_be_set_back, restored_on_error, set_slot, slot_of
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.errors import ConflictingIdError, JobLookupError, TransientJobError
from apscheduler_lite.runs import Run

from ._adding import add_all
from ._bookkeeping import Bookkeeping
from ._claim import Claim, JobFault, UnknownExecutorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Any

    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job

    Decide = Callable[[Job], Mapping[str, Any]]
    Settle = Callable[[Job, "Job | None"], bool]
    Capacity = Mapping[str, "int | None"]

__all__ = ["BaseJobStore", "Claim", "ConflictingIdError", "JobFault", "JobLookupError", "TransientJobError"]


class BaseJobStore(ABC):
    """
    Keep jobs and hand out those that are due.

    Subclasses implement the eight abstract methods. They may raise anything: a store that fails is reported and tried
    again, and the other stores of the scheduler do not notice.
    """

    _scheduler: Any = None
    _alias: str | None = None
    _logger = logging.getLogger("apscheduler_lite.jobstores")
    __bookkeeping: Bookkeeping | None = None

    persistent = False
    """
    Whether jobs outlive the process; then a function without an importable name is refused when its job is added.
    A store written for version 3 does not say; it refuses such a job itself, when it is handed over.
    """

    is_thread_safe = False
    """Whether any thread may call it at any time; if not, it is called by one at a time, under its `guard`."""

    works_before_start = False
    """Whether it can be used while its scheduler is not running, by anything but `claim_due`."""

    answers_while_closed = False
    """Whether `lookup_job` answers at once also before `start` and after `shutdown`, as that of a dict does."""

    poll_interval: float | None = None
    """Seconds after which the store is looked at even when nothing is due, since others may change it. None: never."""

    # -- life --------------------------------------------------------------------------------------------------

    def attach(self, scheduler: Any, alias: str) -> None:
        """
        Belong to a scheduler from now on; no more than that.

        Raises:
            RuntimeError: the store object already serves another scheduler.
        """
        if self._scheduler is not None and self._scheduler is not scheduler:
            raise RuntimeError(
                f"this {type(self).__name__} object already serves another scheduler; give each scheduler a store"
                " object of its own (they may point at the same database)"
            )
        self._scheduler = scheduler
        self._alias = alias
        self._logger = logging.getLogger(f"apscheduler_lite.jobstores.{alias}")

    def detach(self) -> None:
        """Belong to no scheduler any more, and let another one have the store; called after `shutdown`."""
        self._scheduler = None

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready, when the scheduler starts or when the store is added to a running one."""
        self.attach(scheduler, alias)

    def shutdown(self) -> None:
        """Free what the store holds, when its scheduler shuts down or the store is removed."""

    @property
    def guard(self) -> AbstractContextManager[Any]:
        """Return the lock that serialises calls of the eight methods below."""
        return self._books.lock

    # -- the eight that a subclass implements ------------------------------------------------------------------

    @abstractmethod
    def lookup_job(self, job_id: str) -> Job | None:
        """Return the job with the id, or None; the job belongs to this store's scheduler and bears its alias."""

    @abstractmethod
    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is not after the moment, earliest first."""

    @abstractmethod
    def get_next_run_time(self) -> datetime | None:
        """Return the earliest next run time of all jobs, or None."""

    @abstractmethod
    def get_all_jobs(self) -> list[Job]:
        """Return all jobs, earliest next run time first and those without one last."""

    @abstractmethod
    def add_job(self, job: Job) -> None:
        """
        Add a job.

        Raises:
            ConflictingIdError: there is one with its id.
        """

    @abstractmethod
    def update_job(self, job: Job) -> None:
        """
        Replace the job that has the same id.

        Raises:
            JobLookupError: there is none.
        """

    @abstractmethod
    def remove_job(self, job_id: str) -> None:
        """
        Remove a job.

        Raises:
            JobLookupError: there is none with the id.
        """

    @abstractmethod
    def remove_all_jobs(self) -> None:
        """Remove every job."""

    # -- what the scheduler calls beyond them ------------------------------------------------------------------

    def check_job(self, job: Job) -> None:
        """
        Refuse a job that the store could not keep, before anything is changed.

        Raises:
            TransientJobError: the store outlives the process, and the job's function has no importable name.
        """
        if self.persistent:
            job.__getstate__()

    def add_jobs(self, jobs: Sequence[Job], settle: Settle) -> None:
        """
        Add many jobs, all or none.

        Args:
            jobs: the jobs, with different ids.
            settle: called with each job and the one of the same id that is stored, or None. It sets the job's next run
                time, and returns whether the job is to be stored (its schedule may be over; one that it was to replace
                is removed then). It may be called again when the stored job was changed in between.

        Raises:
            ConflictingIdError: by `settle`, when a stored job is not to be replaced.
        """
        while True:
            with self.guard:
                before = [self.lookup_job(job.id) for job in jobs]
                seen = [None if each is None else each._next for each in before]
            wanted = [settle(job, each) for job, each in zip(jobs, before, strict=True)]
            with self.guard:
                present = [self.lookup_job(job.id) for job in jobs]
                if [None if each is None else each._next for each in present] == seen:
                    add_all(self, jobs, present, wanted)
                    return

    def change_job(self, job_id: str, decide: Decide) -> Job:
        """
        Change a job by what `decide` makes of its present state, and return it.

        `decide` is called with the job and returns the slots to set; it may be called again when the job was changed
        by someone else in between.

        Raises:
            JobLookupError: there is no such job.
        """
        books = self._books
        while True:
            with self.guard:
                job, changes = self.lookup_job(job_id), books.changes
            if job is None:
                raise JobLookupError(job_id)
            slots = decide(job)
            with self.guard:
                if books.changes != changes:
                    continue  # somebody changed a job meanwhile, and it may have been this one: decide again
                job = self.lookup_job(job_id)
                if job is None:
                    raise JobLookupError(job_id)
                books.keep_snapshot(job)
                with restored_on_error(job):
                    job._assign(slots)
                    self.update_job(job)
                books.changes += 1
            books.retries.pop(job_id, None)
            return job

    def claim_due(self, now: int, capacity: Capacity) -> Claim:
        """
        Take what is due: advance the jobs' next run times first, then hand the runs over.

        Args:
            now: the present instant.
            capacity: how many more runs each executor alias can start now; None for any number.
        """
        books = self._books
        claim = Claim()
        left = dict(capacity)
        if books.owed:
            self._take_back_owed(now, claim)
        with self.guard:
            due = [job for job in self.get_due_jobs(from_instant(now, UTC)) if job._next is not None]
        waiting = bool(books.retries)
        for job in due:
            if books.is_deferred(job.id, now):
                waiting = True
                continue
            try:
                waiting = self._claim_job(job, now, claim, left) or waiting
            except BaseException as exc:
                if ends_program(exc):
                    raise
                claim.faults.append(JobFault(job, job.id, exc, books.defer(job.id, now)))
                waiting = True
        books.waiting = waiting
        try:
            claim.next_due = self._next_due(now, waiting)
        except BaseException as exc:  # the runs have been claimed: they must get to their executors all the same
            claim.failure = exc
        return claim

    def _claim_job(self, job: Job, now: int, claim: Claim, left: dict[str, int | None]) -> bool:
        """Claim what is due of one job; return whether it waits for a slot or a worker."""
        books = self._books
        if job.executor not in left:
            raise UnknownExecutorError(job.executor, list(left))
        slot = slot_of(job)
        claim.superseded += books.superseded(job, slot.due)
        free = left[job.executor]
        if free is not None and free <= 0:
            claim.is_short = True
            return True
        made = plan(job.trigger, slot, now, job._options, books.running(job.id), books.backlog.get(job.id))
        if made.waits:
            if made.backlog is not None:
                books.backlog[job.id] = made.backlog
            return True
        self._commit(job, slot, made, now, claim, left)
        return False

    def _commit(self, job: Job, slot: Slot, made: Plan, now: int, claim: Claim, left: dict[str, int | None]) -> None:
        zone = job.zone  # asked before anything is changed, since it may raise
        free = left[job.executor]
        if free is not None and len(made.runs) > free:
            made.cut(free, now)
            claim.is_short = True
        with self.guard:
            present = self.lookup_job(job.id)
            if present is None or present._next != slot.due:
                return  # changed or removed while it was being planned: whoever did that decides when it runs next
            with restored_on_error(present):
                set_slot(present, made.next)
                if made.next is None:
                    self.remove_job(job.id)
                else:
                    self.update_job(present)
        if made.next is None:
            claim.finished.append(present)
        if free is not None:
            left[job.executor] = free - len(made.runs)
        claim.skip(present, made, self._alias or "", zone, now, self._books.ongoing(job.id))
        started = [Run.of(present, self._alias or "", each.fire_time, each.due, zone) for each in made.runs]
        for run in started:
            run.is_last = made.next is None
        self._books.begin(job.id, started, made.backlog)
        claim.runs.extend(started)
        claim.missed.extend((present, each) for each in made.missed or ())

    def _next_due(self, now: int, waiting: bool) -> int | None:
        """Return when to claim again; what waits for a slot is woken by the run that frees it, not by the clock."""
        with self.guard:
            if not waiting:
                moment = self.get_next_run_time()
                return None if moment is None else to_instant(moment)
            later = [job._next for job in self.get_all_jobs() if job._next is not None and job._next > now]
        retry = self._books.next_retry(now)
        if retry is not None:
            later.append(retry)
        return min(later, default=None)

    def record_outcomes(self, runs: Sequence[Run]) -> bool:
        """Take note of how runs ended; return whether a job that waits for a slot can now be claimed."""
        return self._books.end(runs)

    def release(self, run: Run, now: int) -> float | None:
        """
        Take back a run that could not be handed to its executor: its job becomes due again, after a pause.

        A job that was removed, paused or given another trigger meanwhile stays as it is. What this raises is reported,
        and the store is expected to try again by itself.

        Returns:
            the seconds of the pause, or None when something else ends it.
        """
        books = self._books
        books.end([run])
        seconds = books.defer(run.job_id, now)
        books.owed[run.job_id] = run  # of several the earliest, after which the others come again by themselves
        self._take_back(run)
        return seconds

    def _take_back(self, run: Run) -> None:
        slot = Slot(run.fire_time, run.due)
        with self.guard:
            present = self.lookup_job(run.job_id)
            if present is not None:
                if is_to_be_set_back(present, run):
                    with restored_on_error(present):
                        set_slot(present, slot)
                        self.update_job(present)
            elif run.is_last and run.job is not None:
                job = run.job._copy()
                set_slot(job, slot)
                self.add_job(job)
        self._books.owed.pop(run.job_id, None)

    def _take_back_owed(self, now: int, claim: Claim) -> None:
        """Try again to take back the runs that the store refused when their executors had refused them."""
        books = self._books
        for job_id, run in list(books.owed.items()):
            if not books.is_deferred(job_id, now):
                try:
                    self._take_back(run)
                except BaseException as exc:
                    if ends_program(exc):
                        raise
                    claim.faults.append(JobFault(run.job, job_id, exc, books.defer(job_id, now)))

    def get_runs(
        self, job_id: str | None = None, outcome: str | None = None, since: int | None = None, limit: int = 100
    ) -> list[Run]:
        """
        Return runs, the latest due first: of one job, with one outcome, due at an instant or later, so many at most.

        A store that keeps no record of runs knows those in progress.
        """
        return self._books.in_progress(job_id, outcome, since, limit)

    def later_jobs(self, instant: int) -> Iterable[Job]:
        """Return the jobs whose next run time is later than an instant; a store of many yields them bit by bit."""
        with self.guard:
            return [job for job in self.get_all_jobs() if job._next is not None and job._next > instant]

    def retry_all(self) -> None:
        """Forget the pauses that faults have imposed on jobs: what caused them may have gone."""
        self._books.forget()

    def after_fork(self) -> None:
        """Let go, in a forked child, of locks and of what belongs to the parent."""
        self.__bookkeeping = None

    # -- for subclasses ----------------------------------------------------------------------------------------

    @property
    def _books(self) -> Bookkeeping:
        # Made at first use: a subclass written for version 3 need not call our __init__.
        if self.__bookkeeping is None:
            self.__bookkeeping = Bookkeeping()
        return self.__bookkeeping

    def _fix_paused_jobs_sorting(self, jobs: list[Job]) -> None:
        """Move the jobs without a next run time from the front of the list to its end (APScheduler 3's name)."""
        jobs.sort(key=lambda job: job._next is None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
