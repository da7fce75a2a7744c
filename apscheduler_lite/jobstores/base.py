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

from abc import ABC, abstractmethod

from apscheduler_lite._guarded_logger import logger_named
from apscheduler_lite._reasons import REMOVED
from apscheduler_lite._slots import restored_on_error
from apscheduler_lite.errors import ConflictingIdError, JobLookupError, TransientJobError
from apscheduler_lite.runs import Outcome, Run

from ._adding import add_all
from ._bookkeeping import Bookkeeping
from ._claim import Claim, JobFault
from ._plain_claim import claim_due, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Any

    from apscheduler_lite.job import Job
    from apscheduler_lite.records import RunRecord

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
    _logger: logging.Logger = logger_named("apscheduler_lite.jobstores")
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
    """
    Whether `lookup_job`, `get_runs` and `last_run` answer at once also before `start` and after `shutdown`, as a dict
    does.
    """

    records_at_once = False
    """
    Whether `record_outcomes` returns at once, as one does that only takes note. If not, it is never called on an event
    loop, which it would hold up; that costs a change of threads.
    """

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
        import logging

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
            if books.open.count:
                with books.lock:
                    books.open.free(job_id)  # they may have waited for the end of a pause
            return job

    def claim_due(self, now: int, capacity: Capacity) -> Claim:
        """
        Take what is due: advance the jobs' next run times first, then hand the runs over.

        Args:
            now: the present instant.
            capacity: how many more runs each executor alias can start now; None for any number.
        """
        return claim_due(self, self._books, now, capacity)

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
        return release(self, self._books, run, now)

    def note_downtime(self, begin: int, end: int) -> None:
        """Take note that nobody ran the store's jobs between two instants; called at the end of it."""
        self._books.down = (begin, end)

    def open_runs(self, wanted: Sequence[tuple[Job, str]], now: int) -> None:
        """
        Let runs be claimed from now on that are none of their jobs' schedules, and leave those as they are.

        Args:
            wanted: the jobs, with the ids of the runs.
            now: the present instant.
        """
        books = self._books
        for job, run_id in wanted:
            run = Run.of(job, self._alias or "", now, now)
            run._id, run.is_extra = run_id, True
            with books.lock:
                books.open.add(run, now)

    def drop_runs(self, job_id: str | None, now: int) -> list[Run]:
        """
        Drop the runs of a job, or of all, that wait beside the schedule: called when jobs have been removed.

        Returns:
            these runs, with outcome and reason; they are on record as skipped.
        """
        books = self._books
        if not books.open.count:
            return []
        with books.lock:
            return [books.keep(run, Outcome.SKIPPED, REMOVED, now) for run in books.open.drop(job_id)]

    def get_runs(
        self, job_id: str | None = None, outcome: str | None = None, since: int | None = None, limit: int = 100
    ) -> list[RunRecord]:
        """
        Return records of runs, the latest due first: those in progress, and as many of the ended ones as are kept.

        Args:
            job_id: only runs of this job.
            outcome: only runs that ended so.
            since: only runs that were due at this instant or later.
            limit: how many at the most.
        """
        return self._books.find(self._alias or "", job_id, outcome, since, limit)

    def last_run(self, job_id: str) -> RunRecord | None:
        """Return the record of the run of a job that ended last, or None."""
        ended = (record for record in self.get_runs(job_id) if record.finished is not None)
        return max(ended, key=lambda record: record.finished or 0, default=None)

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
