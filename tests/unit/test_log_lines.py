"""Facts about the log: what a scheduler says of its passes and its jobs, in words that people read."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler
from apscheduler_lite._listeners import Listeners
from apscheduler_lite._running import execute
from apscheduler_lite._tick import Ticker
from apscheduler_lite._timezones import to_instant
from apscheduler_lite.job import Job
from apscheduler_lite.jobstores._claim import Claim
from apscheduler_lite.runs import Run
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.date import DateTrigger

START = datetime(2031, 1, 1, tzinfo=UTC)


class Host:
    """A scheduler as a ticker sees it."""

    def __init__(self):
        self.clock, self.timezone = ManualClock(START), UTC
        self._logger = logging.getLogger("test.ticker")
        self._listeners = Listeners(self._logger, self.clock)

    def _may_claim(self):
        return True


class Store:
    """A store that wants to be asked again at a certain time."""

    poll_interval = None

    def __init__(self, next_due):
        self.next_due = next_due

    def claim_due(self, now, capacity):
        claim = Claim()
        claim.next_due = None if self.next_due is None else to_instant(self.next_due)
        return claim


def lines_of(caplog):
    """Return what has been logged since the last call."""
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


def test_a_pass_says_when_the_next_one_is_due(caplog):
    """With the time and the length of the wait, and only when that is news."""
    caplog.set_level(logging.DEBUG, "test.ticker")
    host, store = Host(), Store(START + timedelta(hours=28))
    ticker = Ticker(host, 10)

    def pass_by():
        ticker.tick([("default", store)], {})
        return lines_of(caplog)

    assert pass_by() == [
        "Looking for due jobs",
        "The next wake-up is due at 2031-01-02 04:00:00+00:00 (in 1 d 04:00:00)",
    ]
    assert pass_by() == []
    store.next_due = START + timedelta(seconds=2.5)
    assert pass_by() == ["The next wake-up is due at 2031-01-01 00:00:02.500000+00:00 (in 2.5 s)"]
    host.clock.advance(timedelta(seconds=3))
    store.next_due = None
    assert pass_by() == [
        "Looking for due jobs",
        "No job is waiting to run; the next wake-up is when one is added or changed",
    ]
    assert pass_by() == []


def test_a_pass_says_nothing_where_nobody_reads_it(caplog):
    """The lines are for debugging."""
    caplog.set_level(logging.INFO, "test.ticker")

    Ticker(Host(), 10).tick([("default", Store(START))], {})
    assert lines_of(caplog) == []


def test_lateness_is_told_in_units_that_people_read(caplog):
    """In the log and in the reason of the run."""
    job = Job(None, func=print, trigger=DateTrigger(START), misfire_grace_time=60)
    due = to_instant(START)
    run = Run.of(job, "default", due, due)

    execute(run, ManualClock(START + timedelta(days=400)), logging.getLogger("test.executor"))
    assert [line for line in lines_of(caplog) if "was missed by 400 d 00:00:00" in line]
    assert run.reason.startswith("missed: 400 d")


def test_jobs_that_are_added_are_logged(caplog):
    """When they go into their store."""
    caplog.set_level(logging.INFO)
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(print, "date", run_date="2040-01-01", id="early")
    assert lines_of(caplog) == []
    scheduler.start(paused=True)
    try:
        assert (
            'Added job "print (trigger: date[2040-01-01 00:00:00 UTC], next run at: 2040-01-01 00:00:00 UTC)" to job'
            in (lines_of(caplog)[0])
        )
        scheduler.add_job(print, "date", run_date="2041-01-01", id="late")
        assert lines_of(caplog)[0].endswith('to job store "default"')
    finally:
        scheduler.shutdown()


@pytest.mark.parametrize(("jobs", "words"), [(1, "1 job is still scheduled"), (2, "2 jobs are still scheduled")])
def test_the_jobs_that_a_program_leaves_behind_are_counted_in_good_english(caplog, jobs, words):
    """One is in the singular."""
    scheduler = BackgroundScheduler(timezone="UTC")
    for _ in range(jobs):
        scheduler.add_job(print, "date", run_date="2040-01-01")
    scheduler.start(paused=True)

    scheduler._end_with_interpreter()
    assert any(words in line for line in lines_of(caplog))


@pytest.mark.parametrize("cls", [AsyncIOScheduler, BackgroundScheduler, BlockingScheduler])
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"wait": "yes"}, TypeError, "wait must be True or False, not 'yes'"),
        ({"wait": None}, TypeError, "wait must be True or False, not None"),
        ({"timeout": -1}, ValueError, "timeout must be zero or more seconds"),
        ({"timeout": "5"}, TypeError, "timeout must be None or a number of seconds, not '5'"),
        ({"timeout": float("nan")}, ValueError, "timeout must be zero or more"),
        ({"timeout": float("inf")}, ValueError, "timeout must be zero or more"),
    ],
    ids=str,
)
def test_how_a_shutdown_waits_is_checked_before_anything_is_stopped(cls, options, error, words):
    """Also on a scheduler that has never been started."""
    with pytest.raises(error, match=words):
        cls().shutdown(**options)
