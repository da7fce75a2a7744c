"""The part of the suite for schedulers that is about extensions written against the manual of APScheduler 3."""

from __future__ import annotations

from datetime import timedelta

from apscheduler_lite.errors import ConflictingIdError, JobLookupError
from apscheduler_lite.executors.base import BaseExecutor, run_job
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.jobstores.base import BaseJobStore
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.triggers.base import BaseTrigger

from ._scheduler_bench import SchedulerBench

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from apscheduler_lite.job import Job

__all__ = ["Version3"]


class EverySecondOfVersion3(BaseTrigger):
    """A trigger that overrides the one method, and adds jitter as version 3's triggers did."""

    def __init__(self, jitter: float | None = None) -> None:
        self.jitter = jitter

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next whole second."""
        begin = previous_fire_time or now
        fire = begin.replace(microsecond=0) + timedelta(seconds=1)
        return self._apply_jitter(fire, self.jitter, now)


class StoreOfVersion3(BaseJobStore):
    """A store that implements the eight abstract methods, on a list."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Job] = []

    def lookup_job(self, job_id: str) -> Job | None:
        """Look through the list."""
        return next((job for job in self.kept if job.id == job_id), None)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Take those from the list that are due."""
        return [job for job in self.kept if job.next_run_time is not None and job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        """Return the first time of the list."""
        return min((job.next_run_time for job in self.kept if job.next_run_time is not None), default=None)

    def get_all_jobs(self) -> list[Job]:
        """Return the list with the paused ones last."""
        jobs = sorted(self.kept, key=lambda job: 0 if job.next_run_time is None else job.next_run_time.timestamp())
        self._fix_paused_jobs_sorting(jobs)
        return jobs

    def add_job(self, job: Job) -> None:
        """Append to the list."""
        if self.lookup_job(job.id) is not None:
            raise ConflictingIdError(job.id)
        self.kept.append(job)

    def update_job(self, job: Job) -> None:
        """Exchange in the list."""
        self.remove_job(job.id)
        self.kept.append(job)

    def remove_job(self, job_id: str) -> None:
        """Take out of the list."""
        job = self.lookup_job(job_id)
        if job is None:
            raise JobLookupError(job_id)
        self.kept.remove(job)

    def remove_all_jobs(self) -> None:
        """Empty the list."""
        self.kept = []

    def shutdown(self) -> None:
        """Empty the list at the end."""
        self.remove_all_jobs()


class ExecutorOfVersion3(BaseExecutor):
    """An executor that implements `_do_submit_job`, and runs at once."""

    def _do_submit_job(self, job: Job, run_times: Any) -> None:
        try:
            events = run_job(job, str(job._jobstore_alias), run_times, self._logger.name)
        except BaseException as exc:
            self._run_job_error(job.id, exc, exc.__traceback__)
        else:
            self._run_job_success(job.id, events)


class Version3(SchedulerBench):
    """What was written for version 3, and uses what its manual tells authors to use, works."""

    def test_a_trigger_of_version_3_works(self) -> None:
        """With jitter as well."""
        self.scheduler.add_job(self.note, EverySecondOfVersion3())
        self.scheduler.add_job(self.note, EverySecondOfVersion3(0.5), args=["jittered"])
        self.begin(self.scheduler)
        self.clock.advance(5)

        assert self.times() == [1, 2, 3, 4, 5]
        assert [int(due) for due in self.times("jittered")] == [1, 2, 3, 4, 5][: len(self.times("jittered"))]
        assert len(self.times("jittered")) >= 4

    def test_a_store_of_version_3_works(self) -> None:
        """Every call that is about jobs, and the runs."""
        store = StoreOfVersion3()
        self.scheduler.add_jobstore(store, "old")
        self.scheduler.add_job(self.note, "interval", seconds=1, id="job", jobstore="old")
        self.begin(self.scheduler)
        self.clock.advance(3)
        assert self.times() == [1, 2, 3]
        self.scheduler.pause_job("job")
        self.clock.advance(2.5)
        assert len(self.ran) == 3
        self.scheduler.resume_job("job").modify(args=["changed"])
        self.clock.advance(2.5)
        assert self.times("changed") == [6, 7, 8]
        self.scheduler.add_job(
            self.note, "interval", ["new"], seconds=2, id="job", jobstore="old", replace_existing=True
        )
        self.clock.advance(2)
        assert self.times("new") == [10]
        self.scheduler.remove_job("job", "old")
        self.scheduler.add_job(self.note, args=["once"], jobstore="old", id="once")
        self.clock.advance(5)
        assert self.times("once") == [10]
        assert store.kept == []

    def test_an_executor_of_version_3_works(self) -> None:
        """What a job returns and raises is told."""
        self.scheduler.add_executor(ExecutorOfVersion3(), "old")
        self.add_sound_job()
        self.scheduler.add_job(self.note, "interval", seconds=1, executor="old")
        self.scheduler.add_job(_divide, "interval", args=[6, 3], seconds=1, executor="old", id="quotient")
        self.scheduler.add_job(_divide, "interval", args=[6, 0], seconds=1, executor="old", id="error")
        self.begin(self.scheduler)
        self.assert_goes_on()

        self.flush()
        ended = [event for event in self.events if hasattr(event, "retval")]
        assert self.times() == [1, 2, 3, 4, 5]
        assert [event.retval for event in ended if event.job_id == "quotient"] == [2] * 5
        assert [type(event.exception) for event in ended if event.job_id == "error"] == [ZeroDivisionError] * 5
        self.assert_in_order()

    def test_a_subclass_of_a_scheduler_may_choose_the_defaults(self) -> None:
        """By `_create_default_executor`, `_create_default_jobstore` and options of its own in `_configure`."""
        base = type(self.scheduler)

        class Own(base):  # type: ignore[misc, valid-type]
            greeting = ""

            def _configure(self, config: dict[str, Any]) -> None:
                self.greeting = config.pop("greeting", "hello")
                super()._configure(config)

            def _create_default_executor(self) -> DebugExecutor:
                return DebugExecutor()

            def _create_default_jobstore(self) -> MemoryJobStore:
                self.own_store = MemoryJobStore()
                return self.own_store

        self.scheduler = Own({"apscheduler.greeting": "good morning"}, clock=self.clock, timezone="UTC")
        self.add_sound_job()
        self.begin(self.scheduler)
        self.assert_goes_on()

        assert self.scheduler.greeting == "good morning"
        assert [job.id for job in self.scheduler.own_store.get_all_jobs()] == ["sound"]
        assert isinstance(self.scheduler._lookup_executor("default"), DebugExecutor)


def _divide(dividend: int, divisor: int) -> float:
    return dividend / divisor
