"""Facts about warnings: they point at the line of the user's that they are about."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pytest
import pytz

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.combining import AndTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LMT = datetime(2026, 1, 1, tzinfo=pytz.timezone("Europe/Berlin"))


def _ask_for_what_never_comes():
    beats = [IntervalTrigger(seconds=2, start_date=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)) for second in (0, 1)]
    AndTrigger(beats).get_next_fire_time(None, NOW)


def _add(*args, **options):
    BackgroundScheduler(timezone="UTC").add_job(print, *args, **options)


def _add_finished():
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start(paused=True)
    try:
        scheduler.add_job(print, "interval", seconds=1, start_date="2020-01-01", end_date="2020-01-02")
    finally:
        scheduler.shutdown()


CALLS = {
    "date": lambda: DateTrigger(LMT),
    "interval": lambda: IntervalTrigger(seconds=1, start_date=LMT),
    "by-name": lambda: _add("date", run_date=LMT),
    "next-run-time": lambda: _add(next_run_time=LMT),
    "finished": _add_finished,
    "and": _ask_for_what_never_comes,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_warning_points_at_the_first_line_outside_the_library(call):
    """However deep below the call the reason was found."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()

    assert [(each.category, each.filename) for each in caught] == [(SchedulerWarning, __file__)]
