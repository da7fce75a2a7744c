"""A started store, and what the tests of the suite for stores do with it."""

from __future__ import annotations

from apscheduler_lite._options import undefined
from apscheduler_lite._planning import first_slot
from apscheduler_lite._slots import set_slot
from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.job import Job
from apscheduler_lite.runs import Outcome
from apscheduler_lite.schedulers.background import BackgroundScheduler
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

from .checks import until
from .clock import ManualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from apscheduler_lite.jobstores.base import BaseJobStore, Claim
    from apscheduler_lite.runs import Run

__all__ = ["FragileTrigger", "StoreBench", "work"]


def work(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments: the function of the suite's jobs, at the top level of a module so that it can be stored."""
    return args, kwargs


class FragileTrigger(BaseTrigger):
    """A trigger as a stranger may write it: every ten seconds, and while `is_broken` is set it raises."""

    is_broken = False

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next multiple of ten seconds."""
        if type(self).is_broken:
            raise ZeroDivisionError("the trigger is broken")
        begin = now if previous_fire_time is None else previous_fire_time
        seconds = int(begin.timestamp()) // 10 * 10 + 10
        return from_instant(seconds * 1_000_000, UTC)


class StoreBench:
    """What each test starts with: an empty store that serves a scheduler, and a clock that the test moves."""

    limits_claims = True
    is_case_sensitive = True
    locks_while_deciding = False

    clock: ManualClock
    scheduler: BackgroundScheduler
    store: BaseJobStore

    def make_store(self) -> BaseJobStore:
        """Return a new, empty store that has not been started."""
        raise NotImplementedError

    def dispose_of(self, store: BaseJobStore) -> None:
        """Remove what the store has left behind, after it has been shut down."""

    def setup_method(self) -> None:
        """Start a store."""
        FragileTrigger.is_broken = False
        self.clock = ManualClock()
        self.begin = self.clock.now()
        self.scheduler = BackgroundScheduler(clock=self.clock, timezone="UTC")
        self.store = self.make_store()
        self.store.start(self.scheduler, "default")

    def teardown_method(self) -> None:
        """Shut the store down."""
        self.store.shutdown()
        self.dispose_of(self.store)

    # -- making ------------------------------------------------------------------------------------------------

    def moment(self, seconds: float) -> datetime:
        """Return the time so many seconds after the test's begin."""
        return from_instant(self.begin + round(seconds * 1_000_000), UTC)

    def new_job(
        self,
        id: str = "job",
        at: float = 0,
        every: float | None = None,
        until: float | None = None,
        trigger: BaseTrigger | None = None,
        next_run_time: Any = undefined,
        **attributes: Any,
    ) -> Job:
        """Return a job that is due `at` seconds after the test's begin, and `every` so many seconds from then on."""
        if trigger is None and every is None:
            trigger = DateTrigger(self.moment(at))
        elif trigger is None:
            end = None if until is None else self.moment(until)
            trigger = IntervalTrigger(seconds=every or 0, start_date=self.moment(at), end_date=end, timezone=UTC)
        job = Job(self.scheduler, id, **{"func": work, "trigger": trigger, **attributes})
        if next_run_time is undefined:
            set_slot(job, first_slot(job.trigger, self.begin))
        else:
            job._modify(next_run_time=next_run_time)
        return job

    def add(self, id: str = "job", at: float = 0, every: float | None = None, **attributes: Any) -> Job:
        """Add a new job to the store and return it."""
        job = self.new_job(id, at, every, **attributes)
        self.store.add_job(job)
        job._jobstore_alias = "default"
        return job

    def add_all(self, jobs: Iterable[Job]) -> None:
        """Add jobs to the store in one step."""
        self.store.add_jobs(list(jobs), lambda *_: True)

    # -- doing -------------------------------------------------------------------------------------------------

    def claim(self, at: float | None = None, **capacity: int | None) -> Claim:
        """Let time pass until `at`, and claim what is due then; without a capacity the executor takes any number."""
        if at is not None:
            self.clock.advance(at - self.seconds(self.clock.now()))
        return self.store.claim_due(self.clock.now(), capacity or {"default": None})

    def finish(self, *runs: Run) -> bool:
        """Record that the runs have ended."""
        for run in runs:
            run.outcome = Outcome.EXECUTED
            run.started = run.finished = self.clock.now()
        return self.store.record_outcomes(runs)

    def claim_soon(self, at: float | None = None) -> Claim:
        """Claim until there is a run: a store may take outcomes down some moments after it was told of them."""
        first = self.claim(at)
        return first if first.runs else until(self._claim_if_due, "a run to be claimed")

    def _claim_if_due(self) -> Claim | None:
        claim = self.claim()
        return claim if claim.runs else None

    # -- looking -----------------------------------------------------------------------------------------------

    def seconds(self, instant: int) -> float:
        """Return an instant as seconds after the test's begin."""
        return (instant - self.begin) / 1_000_000

    def times(self, runs: list[Run]) -> list[tuple[str, float]]:
        """Return job ids and scheduled times of runs."""
        return [(run.job_id, self.seconds(run.due)) for run in runs]

    def jobs(self) -> list[Job]:
        """Return the store's jobs but those that only wait for their last run to end."""
        return [job for job in self.store.get_all_jobs() if job.next_run_time is not None or job.paused]

    def ids(self) -> list[str]:
        """Return the ids of these jobs."""
        return [job.id for job in self.jobs()]

    def found(self, id: str) -> Job:
        """Return the job, which must be there."""
        job = self.store.lookup_job(id)
        assert job is not None, f"job {id!r} is not in the store"
        return job

    def next_of(self, id: str) -> float | None:
        """Return the next run time of a job, in seconds after the test's begin."""
        due = self.found(id)._next
        return None if due is None else self.seconds(due)
