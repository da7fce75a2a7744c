"""Further attempts on every store and executor, and what they cost when jobs fail for ever."""

from __future__ import annotations

import logging
import threading

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, Retry
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.executors.asyncio import AsyncIOExecutor
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.jobstores._history import KEPT_IN_ALL
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore, keeper
from tests.databases import place
from tests.integration.jobs import StubbornError, fail_twice, fail_twice_later
from tests.running import loop_in_thread
from tests.waiting import stays_false, wait_until

EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(1),
    "asyncio": AsyncIOExecutor,
    "debug": DebugExecutor,
}


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mariadb"])
def store(request):
    """Give a store."""
    if request.param == "memory":
        yield MemoryJobStore()
    else:
        with place(request.param) as made:
            yield made.store(poll_interval=0.1)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("func", [fail_twice, fail_twice_later])
def test_a_job_is_tried_again_on_every_store_and_executor(store, executor, func):
    """Also after an exception that cannot travel: it is known by the name of its class."""
    events: list = []
    with loop_in_thread() as loop:
        kind = AsyncIOScheduler if executor == "asyncio" else BackgroundScheduler
        options = {"event_loop": loop} if executor == "asyncio" else {}
        executors = {"default": EXECUTORS[executor]()}
        scheduler = kind(timezone="UTC", jobstores={"default": store}, executors=executors, **options)
        scheduler.add_listener(events.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        scheduler.start()
        retry = Retry(delay=0.1, on=StubbornError)
        scheduler.add_job(func, "interval", hours=1, id="job", retry=retry, run_immediately=True)

        wait_until(lambda: len(events) == 3, 30, "three attempts")
        wait_until(lambda: [each.state for each in scheduler.get_runs("job")] == ["executed", "error", "error"])
        scheduler.shutdown()

    assert [(event.run.attempt, event.will_retry) for event in events] == [(1, True), (2, True), (3, False)]
    assert events[-1].retval == 3


def stumble():
    """Fail."""
    raise ConnectionError("for ever")


@pytest.fixture
def silent():
    """Log nothing of the errors, of which there are many."""
    logger = logging.getLogger("apscheduler_lite")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)


def test_a_thousand_jobs_that_fail_for_ever_stay_within_the_bounds_of_memory(silent):
    """As many attempts wait as there are runs to be tried again; of ended ones a bounded number is kept."""
    store = MemoryJobStore(keep_runs=5)
    scheduler = BackgroundScheduler(
        timezone="UTC", jobstores={"default": store}, executors={"default": DebugExecutor()}
    )
    events: list = []
    scheduler.add_listener(lambda event: events.append(event.run.attempt), EVENT_JOB_ERROR)
    scheduler.start()
    threads = threading.active_count()
    retry = Retry(max_attempts=1_000_000, delay=0.05, backoff=1)
    scheduler.add_jobs(
        [
            {"func": stumble, "trigger": "interval", "hours": 1, "retry": retry, "run_immediately": True}
            for _ in range(1_000)
        ]
    )

    wait_until(lambda: len(events) >= 15_000, 60, "many attempts")
    waiting = [each for each in scheduler.get_runs(limit=100_000) if each.outcome is None]
    kept = len(store._state.history)
    scheduler.shutdown()

    assert max(events) > 5
    assert len(waiting) <= 1_000
    assert 1_000 <= kept <= 5 * 1_000 <= KEPT_IN_ALL
    assert threading.active_count() <= threads


def test_a_thousand_jobs_that_fail_for_ever_stay_within_the_bounds_of_the_table(silent, monkeypatch):
    """A row for each attempt that waits, and those of the age that is kept; the others are pruned."""
    monkeypatch.setattr(keeper, "PRUNE_EVERY", 0.2)
    with place("sqlite") as made:
        store: SQLAlchemyJobStore = made.store(keep_runs=1, heartbeat_interval=0.2, dead_after=10)
        scheduler = BackgroundScheduler(
            timezone="UTC", jobstores={"default": store}, executors={"default": ThreadPoolExecutor(20, prefetch=500)}
        )
        scheduler.start()
        threads = threading.active_count()
        retry = Retry(max_attempts=1_000_000, delay=0.2, backoff=1)
        job = {"func": stumble, "trigger": "interval", "hours": 1, "retry": retry, "run_immediately": True}
        scheduler.add_jobs([job] * 1_000)
        highest = "SELECT COALESCE(MIN(attempt), 0), COUNT(*) FROM {runs} WHERE finished IS NULL"

        wait_until(lambda: made.execute(highest)[0][0] >= 3, 60, "some attempts of each job")
        counts = []
        for _ in range(5):
            stays_false(lambda: False, 0.3)
            counts.append(made.execute(highest)[0][1])
        oldest = "SELECT MAX(finished) - MIN(finished) FROM {runs} WHERE finished IS NOT NULL"
        wait_until(lambda: made.execute(oldest)[0][0] <= 3_000_000, 15, "the old ones to be pruned")
        grown = threading.active_count() - threads
        scheduler.shutdown()

    assert max(counts) <= 1_000
    assert grown <= 20
