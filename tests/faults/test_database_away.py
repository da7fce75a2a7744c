"""A database that is stopped for a while: schedulers wait for it, and nothing is lost or run twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from tempfile import TemporaryDirectory

import pytest

from apscheduler_lite import BackgroundScheduler, current_run
from apscheduler_lite.errors import StoreUnavailableError
from apscheduler_lite.events import EVENT_JOBSTORE_FAULT
from tests.databases import Place, private_postgres, url_of
from tests.faults.fleet import seconds
from tests.waiting import stays_false, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

BEGUN: list[tuple[str, int]] = []


def note() -> None:
    """Note the fire time."""
    run = current_run()
    BEGUN.append((run.job_id, run.due))


@pytest.fixture(scope="module")
def server():
    """Start a PostgreSQL that the tests may stop."""
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as directory:
        made = private_postgres(directory)
        yield made
        made.cleanup()


@pytest.fixture
def store(server):
    """Make a store on it."""
    made = Place("postgresql", url_of(server), "away").store(heartbeat_interval=0.5, dead_after=60)
    yield made
    made.shutdown()


@pytest.fixture
def scheduler(store):
    """Start a scheduler on that store."""
    made = BackgroundScheduler(timezone="UTC", jobstores={"default": store}, jobstore_retry_interval=1)
    made.start()
    yield made
    made.shutdown()


def test_what_came_due_while_the_database_was_away_is_run_once_it_is_back(server, scheduler):
    """The scheduler survives, calls say what is wrong, and every fire time is run once, late."""
    BEGUN.clear()
    away = seconds(3, 10)
    faults: list = []
    scheduler.add_listener(faults.append, EVENT_JOBSTORE_FAULT)
    begin = datetime.now(timezone.utc) + timedelta(seconds=1)  # noqa: TID251
    end = begin + timedelta(seconds=away + 2.4)
    for number in range(5):
        scheduler.add_job(
            note, "interval", seconds=0.5, start_date=begin, end_date=end, id=f"job {number}", coalesce=False,
            max_instances=100,
        )  # fmt: skip
    count = 5 * (int((away + 2.4) / 0.5) + 1)

    wait_until(lambda: len(BEGUN) >= 10, what="first runs")
    server.stop()
    stays_false(lambda: False, away / 2)
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        scheduler.get_jobs()
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        scheduler.add_job(note, id="not added")
    stays_false(lambda: False, away / 2)
    server.start()
    wait_until(lambda: len(BEGUN) >= count, 30, "all runs")
    wait_until(lambda: len(scheduler.get_runs(limit=1000, outcome="executed")) == count, 10, "all outcomes")

    assert scheduler.running
    assert faults
    assert set(Counter(BEGUN).values()) == {1}
    assert len(BEGUN) == count


def test_a_scheduler_that_is_not_running_keeps_jobs_until_the_database_is_there(server, caplog):
    """A program that adds its jobs while the database is away starts nevertheless when that is back."""
    BEGUN.clear()
    store = Place("postgresql", url_of(server), "early").store()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    server.stop()

    job = scheduler.add_job(note, id="early")

    assert job.pending
    assert "cannot be reached" in caplog.text
    server.start()
    scheduler.start()
    wait_until(lambda: BEGUN, what="the run")
    scheduler.shutdown()
    assert [job_id for job_id, _ in BEGUN] == ["early"]
