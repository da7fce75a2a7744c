"""Our store in memory, and one as a user of APScheduler 3 may have written it, pass the suite for stores."""

from __future__ import annotations

import pickle

from apscheduler_lite.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing.jobstore_contract import JobStoreContract


class TestMemoryJobStore(JobStoreContract):
    """Jobs of this process need not be left to others, so a claim takes all that is due."""

    limits_claims = False

    def make_store(self):
        return MemoryJobStore()


class ListJobStore(BaseJobStore):
    """The eight methods of version 3 and nothing else, on the very objects that were added."""

    def __init__(self):
        self.kept = []

    def lookup_job(self, job_id):
        return next((job for job in self.kept if job.id == job_id), None)

    def get_due_jobs(self, now):
        return [job for job in self.get_all_jobs() if job.next_run_time is not None and job.next_run_time <= now]

    def get_next_run_time(self):
        return min((job.next_run_time for job in self.kept if job.next_run_time is not None), default=None)

    def get_all_jobs(self):
        self.kept.sort(key=lambda job: job.next_run_time.timestamp() if job.next_run_time else float("inf"))
        return list(self.kept)

    def add_job(self, job):
        if self.lookup_job(job.id) is not None:
            raise ConflictingIdError(job.id)
        job._scheduler, job._jobstore_alias = self._scheduler, self._alias
        self.kept.append(job)

    def update_job(self, job):
        self.remove_job(job.id)
        self.add_job(job)

    def remove_job(self, job_id):
        present = self.lookup_job(job_id)
        if present is None:
            raise JobLookupError(job_id)
        self.kept.remove(present)

    def remove_all_jobs(self):
        self.kept.clear()


class TestStoreOfVersion3(JobStoreContract):
    """What a store of version 3 lacks, `BaseJobStore` adds."""

    def make_store(self):
        return ListJobStore()


class PickleJobStore(ListJobStore):
    """A store that keeps pickles: each look-up makes another object."""

    def __init__(self):
        self.pickles = {}

    @property
    def kept(self):
        return [self.restored(pickled) for pickled in self.pickles.values()]

    def restored(self, pickled):
        job = pickle.loads(pickled)
        job._scheduler, job._jobstore_alias = self._scheduler, self._alias
        return job

    def lookup_job(self, job_id):
        return self.restored(self.pickles[job_id]) if job_id in self.pickles else None

    def get_all_jobs(self):
        return sorted(self.kept, key=lambda job: job.next_run_time.timestamp() if job.next_run_time else float("inf"))

    def add_job(self, job):
        if job.id in self.pickles:
            raise ConflictingIdError(job.id)
        self.pickles[job.id] = pickle.dumps(job)

    def remove_job(self, job_id):
        if self.pickles.pop(job_id, None) is None:
            raise JobLookupError(job_id)

    def remove_all_jobs(self):
        self.pickles.clear()


class TestPicklingStoreOfVersion3(JobStoreContract):
    """As above; but nothing that is done to a job object is seen by the store before it is told."""

    def make_store(self):
        return PickleJobStore()
