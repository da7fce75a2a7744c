"""
Job stores as their authors wrote them for APScheduler 3: the eight methods and nothing else.

`CopyStore` returns a new copy of a job each time, as stores that keep pickles in a database do. `LiveStore` returns the
stored objects themselves, as stores in memory do. `failing` makes a class of either whose methods raise at will.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from apscheduler_lite import Job
from apscheduler_lite.errors import ConflictingIdError, JobLookupError
from apscheduler_lite.jobstores.base import BaseJobStore

__all__ = ["METHODS", "CopyStore", "LiveStore", "StoreDown", "always", "every_third", "failing", "once"]

METHODS = [
    "lookup_job",
    "get_due_jobs",
    "get_next_run_time",
    "get_all_jobs",
    "add_job",
    "update_job",
    "remove_job",
    "remove_all_jobs",
]


class CopyStore(BaseJobStore):
    """Keep pickles, and unpickle them at each question."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, tuple[datetime | None, bytes]] = {}

    def lookup_job(self, job_id: str) -> Job | None:
        row = self.rows.get(job_id)
        return None if row is None else self._restored(row[1])

    def get_due_jobs(self, now: datetime) -> list[Job]:
        return [job for job in self.get_all_jobs() if job.next_run_time is not None and job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        return min((moment for moment, _ in self.rows.values() if moment is not None), default=None)

    def get_all_jobs(self) -> list[Job]:
        jobs = [self._restored(data) for _, data in list(self.rows.values())]
        jobs.sort(key=lambda job: (job.next_run_time is None, job.next_run_time))
        return jobs

    def add_job(self, job: Job) -> None:
        if job.id in self.rows:
            raise ConflictingIdError(job.id)
        self._write(job)

    def update_job(self, job: Job) -> None:
        if job.id not in self.rows:
            raise JobLookupError(job.id)
        self._write(job)

    def remove_job(self, job_id: str) -> None:
        if job_id not in self.rows:
            raise JobLookupError(job_id)
        del self.rows[job_id]

    def remove_all_jobs(self) -> None:
        self.rows.clear()

    def _write(self, job: Job) -> None:
        self.rows[job.id] = (job.next_run_time, pickle.dumps(job.__getstate__()))

    def _restored(self, data: bytes) -> Job:
        job: Job = Job.__new__(Job)
        job.__setstate__(pickle.loads(data))
        job._scheduler = self._scheduler
        job._jobstore_alias = self._alias
        return job


class LiveStore(BaseJobStore):
    """Keep the job objects themselves, and hand them out."""

    persistent = False

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}

    def lookup_job(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        return [job for job in self.get_all_jobs() if job.next_run_time is not None and job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        return min((job.next_run_time for job in self.jobs.values() if job.next_run_time is not None), default=None)

    def get_all_jobs(self) -> list[Job]:
        return sorted(self.jobs.values(), key=lambda job: (job.next_run_time is None, job.next_run_time))

    def add_job(self, job: Job) -> None:
        if job.id in self.jobs:
            raise ConflictingIdError(job.id)
        self.jobs[job.id] = job

    def update_job(self, job: Job) -> None:
        if job.id not in self.jobs:
            raise JobLookupError(job.id)
        self.jobs[job.id] = job

    def remove_job(self, job_id: str) -> None:
        if job_id not in self.jobs:
            raise JobLookupError(job_id)
        del self.jobs[job_id]

    def remove_all_jobs(self) -> None:
        self.jobs.clear()


class StoreDown(Exception):
    """What a failing store raises."""


def once(number: int) -> bool:
    """Fail at the first call."""
    return number == 1


def always(number: int) -> bool:
    """Fail at every call."""
    return number > 0


def every_third(number: int) -> bool:
    """Fail at the first, the fourth, the seventh… call."""
    return number % 3 == 1


def failing(base: type[Any], method: str, fails: Callable[[int], bool], *, afterwards: bool = False) -> Any:
    """
    Return a store of the class whose method raises StoreDown at the calls that `fails` chooses by their number.

    It begins to do so when its attribute ``armed`` is set. With `afterwards` the method does its work and then raises,
    as when the connection breaks after the commit.
    """
    genuine = getattr(base, method)

    class Failing(base):  # type: ignore[misc]
        armed = False
        calls: ClassVar[Counter[str]] = Counter()

    def method_that_fails(self: Any, *args: Any) -> Any:
        answer = genuine(self, *args) if afterwards else None
        if self.armed:
            self.calls[method] += 1
            if fails(self.calls[method]):
                raise StoreDown(f"{method}, call {self.calls[method]}")
        return answer if afterwards else genuine(self, *args)

    setattr(Failing, method, method_that_fails)
    Failing.__name__ = f"Failing{base.__name__}"
    store = Failing()
    store.calls = Counter()
    return store
