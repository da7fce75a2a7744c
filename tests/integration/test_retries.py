"""Further attempts on every store and executor, and what they cost when jobs fail for ever."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, Retry
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.executors.asyncio import AsyncIOExecutor
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.jobstores.sqlalchemy import keeper
from tests.databases import place
from tests.integration.jobs import StubbornError, fail_twice, fail_twice_later
from tests.running import loop_in_thread
from tests.waiting import wait_until

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


@contextmanager
def failing_for_ever(store, executor):
    """Run a thousand jobs that fail, and whose attempts do not come to an end."""
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store}, executors={"default": executor})
    scheduler.start()
    retry = Retry(max_attempts=1_000_000, delay=0.3, backoff=1)
    job = {"func": stumble, "trigger": "interval", "hours": 1, "retry": retry, "run_immediately": True}
    try:
        scheduler.add_jobs([job] * 1_000)
        yield scheduler
    finally:
        scheduler.shutdown()


def test_a_thousand_jobs_that_fail_for_ever_stay_within_the_bounds_of_memory(silent):
    """As many attempts wait as there are runs to be tried again; of ended ones a bounded number is kept."""
    store = MemoryJobStore(keep_runs=2)
    threads = threading.active_count()
    with failing_for_ever(store, DebugExecutor()) as scheduler:
        seen: list[list[int]] = []

        def all_wait() -> bool:  # in the midst of a pass some are on their way
            seen.append(attempts_of(scheduler))
            return len(seen[-1]) >= 1_000 and min(seen[-1]) >= 4

        wait_until(all_wait, 60, "some attempts of each job")
        waiting = seen[-1]
        kept = len(store._state.history)
        grown = threading.active_count() - threads

    assert len(waiting) == 1_000
    assert kept == 2_000
    assert grown <= 1


def attempts_of(scheduler):
    """Return the numbers of the attempts that wait or are made."""
    return [each.attempt for each in scheduler.get_runs(limit=100_000) if each.outcome is None]


def test_a_thousand_jobs_that_fail_for_ever_stay_within_the_bounds_of_the_table(silent, monkeypatch):
    """A row for each attempt that waits, and those of the age that is kept; the others are pruned."""
    monkeypatch.setattr(keeper, "PRUNE_EVERY", 0.2)
    threads = threading.active_count()
    unended = "SELECT COALESCE(MIN(attempt), 0), COUNT(*) FROM {runs} WHERE finished IS NULL"
    pruned = "SELECT MIN(attempt) FROM {runs} WHERE finished IS NOT NULL"
    with place("sqlite") as made:
        store = made.store(keep_runs=1, heartbeat_interval=0.2, dead_after=10)
        with failing_for_ever(store, ThreadPoolExecutor(10, prefetch=500)):
            wait_until(lambda: made.execute(unended)[0][0] >= 3, 60, "some attempts of each job")
            _, count = made.execute(unended)[0]
            wait_until(lambda: made.execute(pruned)[0][0] > 1, 30, "the old ones to be pruned")
            grown = threading.active_count() - threads

    assert count <= 1_000
    assert grown <= 10 + 4  # workers, and those of the scheduler and the store
