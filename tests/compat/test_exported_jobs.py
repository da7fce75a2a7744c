"""
Files that APScheduler 3.11 exported can be imported, without that library.

``exported_3_11.json`` was written by its `export_jobs`; the cron fields in it are pickles of its own classes.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.base import BaseTrigger

FILE = Path(__file__).with_name("exported_3_11.json")
TRIGGERS = {
    "interval": ("interval", {"seconds": 7, "jitter": 3}),
    "cron": ("cron", {"hour": "*/2", "day": "last sun", "minute": "5-50/15"}),
    "last": ("cron", {"day": "last", "month": "jan-mar,dec"}),
    "weekdays": (
        "cron",
        {
            "day_of_week": "mon-fri",
            "day": "2nd wed,3rd fri",
            "hour": "8-18",
            "second": "1,2",
            "start_date": "2026-01-01",
            "end_date": "2040-01-01",
        },
    ),
    "date": ("date", {"run_date": "2031-01-01"}),
}


@pytest.fixture
def scheduler():
    """A paused scheduler in the zone in which the jobs were exported."""
    made = BackgroundScheduler(
        timezone="Europe/Berlin", clock=ManualClock(datetime(2026, 11, 24, 8, tzinfo=timezone.utc))
    )
    made.start(paused=True)
    yield made
    made.shutdown()


@pytest.mark.parametrize("job_id", TRIGGERS)
def test_an_exported_job_has_the_trigger_that_it_had(scheduler, job_id):
    """It fires when a trigger does that is made here with the arguments that the exported one was made with there."""
    scheduler.import_jobs(FILE)
    trigger, arguments = TRIGGERS[job_id]
    imported = scheduler.get_job(job_id).trigger
    made = scheduler.add_job("time:sleep", trigger, args=[0], **arguments).trigger

    assert type(imported) is type(made)
    if job_id == "interval":
        assert (imported.interval, imported.jitter) == (made.interval, made.jitter)
    else:
        assert imported.next_fire_times(20, datetime(2026, 12, 1, tzinfo=timezone.utc)) == made.next_fire_times(
            20, datetime(2026, 12, 1, tzinfo=timezone.utc)
        )


def test_all_that_was_exported_is_imported_without_that_library(scheduler):
    """Next run times and pauses are kept, and APScheduler need not be there."""
    scheduler.import_jobs(FILE)

    assert "apscheduler" not in sys.modules
    assert [job.id for job in scheduler.get_jobs()] == [
        "or", "cron", "weekdays", "last", "date", "calendar", "interval",
    ]  # fmt: skip
    assert scheduler.get_job("interval").paused
    assert scheduler.get_job("cron").next_run_time.isoformat() == "2026-11-29T00:05:00+01:00"


class EveryFew(BaseTrigger):
    """A trigger as one writes it: no methods about its state."""

    def __init__(self, seconds):
        self.seconds = seconds

    def get_next_fire_time(self, previous_fire_time, now):
        return now


def test_a_trigger_of_a_strangers_class_needs_no_method_for_its_state(scheduler):
    """Its attributes are restored as pickle would do it."""
    document = json.loads(FILE.read_text())
    state = next(job for job in document["jobs"] if job["id"] == "date")
    state["trigger"] = {"__apscheduler_class__": f"{__name__}:EveryFew", "__apscheduler_state__": {"seconds": 5}}
    scheduler.import_jobs(StringIO(json.dumps({**document, "jobs": [state]})))

    assert scheduler.get_job("date").trigger.seconds == 5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        pytest.param(lambda job: job.pop("func"), ValueError, "job 'date'.*no 'func'", id="no-function"),
        pytest.param(lambda job: job.clear(), ValueError, "job number 1.*no 'id'", id="empty"),
        pytest.param(lambda job: job.update(func="nowhere:f"), LookupError, "job 'date'.*nowhere", id="lost-function"),
        pytest.param(lambda job: job.update(version=9), ValueError, "'date'.*version 9", id="later-version"),
        pytest.param(
            lambda job: job.update(args=[{"__apscheduler_pickle__": "gAWV"}]), ValueError, "job 'date'", id="cut-pickle"
        ),
    ],
)
def test_a_job_that_cannot_be_restored_is_named(scheduler, change, error, message):
    """One error says which job of the file it is and why; nothing is imported then."""
    document = json.loads(FILE.read_text())
    document["jobs"] = [job for job in document["jobs"] if job["id"] == "date"]
    change(document["jobs"][0])
    with pytest.raises(error, match=message):
        scheduler.import_jobs(StringIO(json.dumps(document)))

    assert scheduler.get_jobs() == []
