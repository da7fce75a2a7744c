"""Facts about naive datetimes given to a scheduler whose zone is not the host's."""

from __future__ import annotations

import sys
import warnings
from datetime import UTC, datetime, timedelta, timezone

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._timezones import to_timezone
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.date import DateTrigger

NAIVE = datetime(2040, 1, 1, 12)


def elsewhere(hours):
    """Return a zone that is so many hours off the host's at that time."""
    offset = NAIVE.replace(tzinfo=local_timezone()).utcoffset()
    return timezone(offset + timedelta(hours=hours) if offset <= timedelta(0) else offset - timedelta(hours=hours))


def modify(scheduler, moment):
    """Give a job a next run time."""
    scheduler.add_job(print, "interval", hours=1, id="x")
    scheduler.modify_job("x", next_run_time=moment)


CALLS = {
    "object": lambda scheduler, moment: scheduler.add_job(print, DateTrigger(moment)),
    "date": lambda scheduler, moment: scheduler.add_job(print, "date", run_date=moment),
    "no-alias": lambda scheduler, moment: scheduler.add_job(print, run_date=moment),
    "interval": lambda scheduler, moment: scheduler.add_job(print, "interval", hours=1, start_date=moment),
    "cron": lambda scheduler, moment: scheduler.add_job(print, "cron", hour=1, end_date=moment),
    "next-run-time": lambda scheduler, moment: scheduler.add_job(print, "interval", hours=1, next_run_time=moment),
    "modify": modify,
}


def warnings_of(call, zone, moment):
    """Return what a call warns of, and where."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(BackgroundScheduler(timezone=zone), moment)
    return [(each.category, each.filename) for each in caught]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_naive_datetime_object_warns_where_the_host_has_another_time(call):
    """It comes from datetime.now() more often than not."""
    assert warnings_of(call, elsewhere(3), NAIVE) == [(SchedulerWarning, __file__)]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_there_is_no_warning_where_the_host_has_the_same_time(call):
    """Nothing can be mistaken then."""
    assert warnings_of(call, elsewhere(0), NAIVE) == []


@pytest.mark.parametrize("moment", ["2040-01-01 12:00:00", NAIVE.replace(tzinfo=UTC), NAIVE.date()], ids=repr)
@pytest.mark.parametrize("name", ["date", "next-run-time", "modify"])
def test_text_dates_and_aware_times_are_not_warned_of(name, moment):
    """They did not come from the host's clock."""
    assert warnings_of(CALLS[name], elsewhere(3), moment) == []


def test_the_host_is_not_asked_for_its_zone_without_need():
    """Importing tzlocal costs milliseconds."""
    kept = sys.modules.pop("tzlocal", None)
    try:
        scheduler = BackgroundScheduler(timezone=to_timezone("Asia/Tokyo"))
        scheduler.add_job(print, "interval", hours=1, start_date="2040-01-01", next_run_time="2040-01-01 12:00")

        assert "tzlocal" not in sys.modules
    finally:
        if kept is not None:
            sys.modules["tzlocal"] = kept
