"""The wall clock is set: beats go on, times of day and given times are waited for, nobody suffers from another."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from textwrap import dedent

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.databases import place
from tests.faults.foreign_stores import CopyStore, LiveStore, StoreDown
from tests.recording import RUNS, note, times_of
from tests.running import KINDS, running

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


def test_a_pause_between_two_readings_is_no_step():
    """A busy machine may stop the thread between its looks at the wall clock and at the monotonic one."""

    class Busy:
        """Both clocks show the same; two seconds pass after the first look."""

        seconds = 0.0
        looks = 0

        def monotonic(self):
            self.looks += 1
            shown = self.seconds
            self.seconds += 2.0 if self.looks == 1 else 0.0
            return shown

        def now(self):
            return round(self.seconds * 1e6)

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.clock = Busy()

    assert scheduler._read_drift() == 0


# -- an hour, a year -----------------------------------------------------------------------------------------------

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
EVERY_TEN_SECONDS = {
    "interval": {"trigger": "interval", "seconds": 10},
    "cron": {"trigger": "cron", "second": "*/10"},
}


@pytest.fixture(params=["memory", "sqlite"])
def options(request):
    """Give the options of a scheduler with a store in memory, or on SQLite."""
    if request.param == "memory":
        yield {}
        return
    with place("sqlite") as made:
        yield {"jobstores": {"default": made.store(poll_interval=7200)}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("monotonic", [False, True], ids=["standing", "jumping"])
@pytest.mark.parametrize("step", [HOUR, YEAR], ids=["hour", "year"])
def test_after_a_suspension_what_is_due_is_run_once(options, kind, step, monotonic, caplog):
    """Whether the monotonic clock stands still or jumps; then the beats go on, and a time of day is met again."""
    clock = ManualClock(NEW_YEAR)
    RUNS.clear()
    with running(kind, clock=clock, **options) as scheduler:
        for key, arguments in EVERY_TEN_SECONDS.items():
            scheduler.add_job(note, args=[key], id=key, **arguments)
        scheduler.add_job(note, "cron", ["daily"], hour=0, minute=30)
        clock.advance(30)
        before = {key: len(times_of(key)) for key in EVERY_TEN_SECONDS}
        clock.jump(step, monotonic=monotonic)
        after = {key: len(times_of(key)) - before[key] for key in EVERY_TEN_SECONDS}
        clock.advance(60)
        later = {key: len(times_of(key)) - before[key] for key in EVERY_TEN_SECONDS}
        daily = len(times_of("daily"))
        for key in EVERY_TEN_SECONDS:
            scheduler.remove_job(key)
        clock.advance(timedelta(days=2))

    assert after == {"interval": 1, "cron": 1}
    assert later == {"interval": 7, "cron": 7}
    assert daily == 1
    assert len(times_of("daily")) == 3
    assert ("was set forward" in caplog.text) == (not monotonic)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [HOUR, YEAR], ids=["hour", "year"])
def test_no_job_stands_still_when_the_clock_was_set_back(options, kind, step, caplog):
    """Beats go on at once; a daily job runs once a day, neither again at once nor a year later."""
    clock = ManualClock(NEW_YEAR)
    RUNS.clear()
    with running(kind, clock=clock, **options) as scheduler:
        for key, arguments in EVERY_TEN_SECONDS.items():
            scheduler.add_job(note, args=[key], id=key, **arguments)
        scheduler.add_job(note, "cron", ["daily"], hour=0, minute=30)
        scheduler.add_job(note, "calendarinterval", ["calendar"], days=1, minute=30)
        scheduler.add_job(note, "rrule", ["rule"], rule="FREQ=DAILY;BYHOUR=0;BYMINUTE=30;BYSECOND=0")
        clock.advance(timedelta(minutes=31, seconds=5))
        before = {key: len(times_of(key)) for key in EVERY_TEN_SECONDS}
        clock.jump(-step)
        clock.advance(60)
        later = {key: len(times_of(key)) - before[key] for key in EVERY_TEN_SECONDS}
        for key in EVERY_TEN_SECONDS:
            scheduler.remove_job(key)
        clock.advance(timedelta(hours=1))
        soon = [len(times_of(key)) for key in ("daily", "calendar", "rule")]
        clock.advance(timedelta(days=2))

    assert later == {"interval": 6, "cron": 6}
    assert soon == [1, 1, 1]
    assert [len(times_of(key)) for key in ("daily", "calendar", "rule")] == [3, 3, 3]
    assert "was set back" in caplog.text


def test_the_monotonic_clock_of_a_test_never_goes_back():
    """As no monotonic clock does."""
    with pytest.raises(ValueError, match="never goes back"):
        ManualClock().jump(-1, monotonic=True)


# -- for real ------------------------------------------------------------------------------------------------------

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)

PROGRAM = """
    import sys
    from datetime import datetime, timedelta
    from pathlib import Path
    from threading import Semaphore

    from apscheduler_lite import BackgroundScheduler
    from tests.waiting import wait_until

    offset = Path(sys.argv[1])
    beats, given = Semaphore(0), Semaphore(0)
    scheduler = BackgroundScheduler()
    scheduler.start()
    scheduler.add_job(beats.release, "interval", seconds=0.2)

    def year():
        return datetime.now().year

    def beat_goes_on():
        while beats.acquire(blocking=False):
            pass
        for _ in range(3):
            assert beats.acquire(timeout=15)

    began = year()
    beat_goes_on()
    scheduler.add_job(given.release, "date", run_date=datetime.now() + timedelta(hours=1))
    steps = [("+3600", 0), ("+0", 0), ("+366d", 1), ("+0", 0), ("-366d", -1), ("+0", 0)]
    for number, (text, expected) in enumerate(steps):
        offset.write_text(text)
        wait_until(lambda: year() - began == expected, what=f"step to {text}")
        if number == 0:
            assert given.acquire(timeout=15)
        beat_goes_on()
        print(text, flush=True)
    scheduler.shutdown()
"""


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (Debian's package faketime)")
@pytest.mark.slow
def test_a_real_clock_may_be_set(tmp_path):
    """The system's, with libfaketime: an hour and a year forward and back, noticed within seconds each time."""
    offset = tmp_path / "offset"
    offset.write_text("+0")
    program = tmp_path / "program.py"
    program.write_text(dedent(PROGRAM))
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, str(program), str(offset)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["+3600", "+0", "+366d", "+0", "-366d", "+0"]
    assert done.stderr.count("The clock was set forward") == 3
    assert done.stderr.count("The clock was set back") == 3
