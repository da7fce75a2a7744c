"""Jobs that wait for the start: what is done to them before it holds after it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from io import StringIO

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import ConflictingIdError
from apscheduler_lite.testing import ManualClock
from tests.faults.foreign_stores import LiveStore
from tests.recording import note

SOON = datetime(2031, 7, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def scheduler():
    """A scheduler whose clock stands at the first of July 2031; shut down in the end."""
    made = BackgroundScheduler(timezone="UTC", clock=ManualClock(SOON))
    yield made
    if made.running:
        made.shutdown()


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(lambda job: job.pause().resume(), id="resumed"),
        pytest.param(lambda job: job.pause().resume().reschedule("interval", minutes=1), id="rescheduled"),
    ],
)
def test_a_pending_job_that_may_run_is_scheduled_at_the_start(scheduler, between):
    """What is resumed or rescheduled before the start gets its next run time from its trigger at the start."""
    job = scheduler.add_job(note, "interval", ["pending"], minutes=1, id="job")
    between(job)
    scheduler.start(paused=True)

    assert scheduler.get_job("job").next_run_time == SOON + MINUTE


def test_a_pending_job_with_a_time_of_its_own_loses_it_with_its_trigger(scheduler):
    """A next run time that was given is given up when another trigger is, before the start as after it."""
    job = scheduler.add_job(note, "interval", ["pending"], hours=5, id="job", next_run_time=SOON + 7 * MINUTE)
    job.reschedule("interval", minutes=2)
    scheduler.start(paused=True)

    assert scheduler.get_job("job").next_run_time == SOON + 2 * MINUTE


def test_a_pending_job_that_was_paused_stays_paused(scheduler):
    """A pause outlives a new trigger and the start."""
    scheduler.add_job(note, "interval", ["pending"], hours=5, id="job").pause().reschedule("interval", minutes=2)
    scheduler.start(paused=True)

    assert scheduler.get_job("job").paused
    assert scheduler.get_job("job").next_run_time is None


def test_pending_jobs_can_be_exported_and_imported(scheduler):
    """A job that had no next run time when it was exported, being pending, gets one from its trigger."""
    scheduler.add_job(note, "interval", ["pending"], minutes=3, id="job")
    scheduler.add_job(note, "interval", ["pending"], minutes=3, id="paused", next_run_time=None)
    text = StringIO()
    scheduler.export_jobs(text)
    scheduler.remove_all_jobs()
    text.seek(0)
    scheduler.import_jobs(text)
    scheduler.start(paused=True)

    assert scheduler.get_job("job").next_run_time == SOON + 3 * MINUTE
    assert scheduler.get_job("paused").paused


def test_an_id_that_a_closed_store_has_kept_is_refused_at_once(scheduler):
    """A store in memory keeps its jobs between two starts: a job with an id of them is refused when it is added."""
    scheduler.start(paused=True)
    scheduler.add_job(note, "interval", ["first"], minutes=1, id="job")
    scheduler.shutdown()
    with pytest.raises(ConflictingIdError):
        scheduler.add_job(note, "interval", ["second"], minutes=1, id="job")
    scheduler.add_job(note, "interval", ["third"], minutes=1, id="job", replace_existing=True)
    scheduler.start(paused=True)

    assert scheduler.get_job("job").args == ("third",)


@pytest.mark.parametrize("started", [False, True], ids=["before-start", "after-start"])
def test_one_call_cannot_add_two_jobs_of_one_id(scheduler, started):
    """Which of the two should replace the other nobody can say, whether the scheduler is running or not."""
    if started:
        scheduler.start(paused=True)
    twice = [{"func": note, "args": ["twice"], "id": "job"}] * 2
    with pytest.raises(ConflictingIdError):
        scheduler.add_jobs(twice, replace_existing=True)

    assert scheduler.get_jobs() == []


def test_a_decorated_job_that_was_refused_does_not_count(scheduler):
    """The derived id of the first job that is made is the function's reference, however many tries came before it."""
    with pytest.raises(TypeError):
        scheduler.scheduled_job("interval", minuets=1)(time.asctime)
    scheduler.scheduled_job("interval", minutes=1)(time.asctime)
    scheduler.scheduled_job("interval", minutes=1)(time.asctime)

    assert [job.id for job in scheduler.get_jobs()] == ["time:asctime", "time:asctime#2"]


class RefusingStore(LiveStore):
    """A store that refuses a job once."""

    refuses = True

    def add_job(self, job):
        if self.refuses:
            self.refuses = False
            raise OSError("full")
        super().add_job(job)


def test_a_start_that_failed_at_the_last_store_can_be_repeated(scheduler):
    """What the first store has taken already is no obstacle to the next start."""
    scheduler.add_jobstore("memory", "first")
    scheduler.add_jobstore(RefusingStore(), "last")
    scheduler.add_job(note, "interval", ["pending"], minutes=1, id="in first", jobstore="first")
    scheduler.add_job(note, "interval", ["pending"], minutes=1, id="in last", jobstore="last")
    with pytest.raises(OSError, match="full"):
        scheduler.start(paused=True)
    scheduler.start(paused=True)

    assert {job.id for job in scheduler.get_jobs()} == {"in first", "in last"}


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("end", [datetime.max, datetime.min], ids=["max", "min"])
def test_a_time_at_the_end_of_the_calendar_is_refused(zone, end):
    """A next run time that has no local time in some zone is refused by the call, with all else as it was."""
    scheduler = BackgroundScheduler(timezone=zone, clock=ManualClock(SOON))
    scheduler.start(paused=True)
    job = scheduler.add_job(note, "interval", hours=1, args=["end"], id="job", start_date=SOON)
    moment = end.replace(tzinfo=scheduler.timezone)
    with pytest.raises(ValueError, match=r"next_run_time.*9999-12-31"):
        scheduler.add_job(note, "interval", hours=1, args=["end"], next_run_time=moment, start_date=SOON)
    with pytest.raises(ValueError, match=r"next_run_time.*9999-12-31"):
        job.modify(next_run_time=moment)
    out = StringIO()
    scheduler.print_jobs(out=out)
    scheduler.shutdown()

    assert job.next_run_time == SOON
    assert "next run at: 2031-0" in out.getvalue()
