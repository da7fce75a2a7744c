"""The wall clock is set: beats go on, times of day and given times are waited for, nobody suffers from another."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.faults.foreign_stores import CopyStore, LiveStore, StoreDown
from tests.recording import note, times_of

NEW_YEAR = datetime(2031, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def scheduler():
    """A started scheduler whose clock stands at the beginning of 2031; shut down in the end."""
    made = BackgroundScheduler(timezone="UTC", clock=ManualClock(NEW_YEAR))
    made.start()
    yield made
    made.shutdown()


@pytest.mark.parametrize("given", [timedelta(days=9), timedelta(minutes=17)], ids=["far", "between-two-beats"])
def test_a_given_time_is_waited_for_when_the_clock_is_set_back(scheduler, given):
    """A next run time that the user gave is not shortened: it was no beat of the trigger's."""
    job = scheduler.add_job(note, "interval", ["given"], hours=1, id="job", next_run_time=NEW_YEAR + given)
    scheduler.clock.settle()
    scheduler.clock.jump(-5)
    scheduler.clock.advance(10)

    assert job.next_run_time == NEW_YEAR + given


@pytest.mark.parametrize("back", [5, 3600, 86_400 * 3], ids=["seconds", "an-hour", "days"])
def test_a_beat_goes_on_when_the_clock_is_set_back(scheduler, back):
    """A job of every ten seconds runs within ten seconds of the step, and so on."""
    key = f"beat {back}"
    scheduler.add_job(note, "interval", [key], seconds=10, start_date="2020-01-01")
    scheduler.clock.advance(60)
    scheduler.clock.jump(-back)
    before = len(times_of(key))
    scheduler.clock.advance(60)

    assert len(times_of(key)) - before >= 6


class FailingBeat(IntervalTrigger):
    """A beat that raises where `failing` is set, when it is asked as for the first time."""

    failing = False

    def first_instant(self, begin):
        if FailingBeat.failing:
            raise StoreDown("the trigger has failed")
        return super().first_instant(begin)


@pytest.mark.parametrize("base", [MemoryJobStore, CopyStore, LiveStore])
def test_a_store_or_a_trigger_that_fails_when_the_clock_is_set_back_harms_no_other(base):
    """The other jobs go on at once, and those of the store when it works again."""

    class Failing(base):
        failing = False

        def get_all_jobs(self):
            if self.failing:
                raise StoreDown("away")
            return super().get_all_jobs()

    key = f"harmed {base.__name__}"
    clock, store = ManualClock(NEW_YEAR), Failing()
    scheduler = BackgroundScheduler(timezone="UTC", clock=clock, jobstores={"a": store})
    scheduler.start()
    every = {"seconds": 10, "start_date": "2020-01-01", "timezone": "UTC"}
    scheduler.add_job(note, FailingBeat(**every), [f"{key} trigger"])
    scheduler.add_job(note, "interval", [f"{key} other"], **every)
    scheduler.add_job(note, "interval", [f"{key} own"], jobstore="a", **every)
    clock.advance(30)
    store.failing = FailingBeat.failing = True
    clock.jump(-3600)
    clock.advance(60)
    store.failing = FailingBeat.failing = False
    clock.advance(60)
    scheduler.shutdown()

    assert len(times_of(f"{key} other")) >= 3 + 12
    assert len(times_of(f"{key} own")) >= 3 + 5
