"""The host's time zone is changed while the program runs, or has no name."""

from __future__ import annotations

import shutil
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import pytest
import tzlocal

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.events import EVENT_JOB_MODIFIED
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import OrTrigger
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.excluding import DaysOf, ExcludingTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger
from apscheduler_lite.triggers.rrule import RRuleTrigger
from tests.databases import FAMILIES, place
from tests.faults.foreign_stores import CopyStore, StoreDown
from tests.recording import note, times_of

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NEW_YEAR = datetime(2031, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def host(monkeypatch):
    """Give a function that sets the host's zone, which is Berlin's at first; it is set back in the end."""

    def move(zone):
        monkeypatch.setenv("TZ", zone)

    move("Europe/Berlin")
    time.tzset()
    tzlocal.reload_localzone()
    yield move
    monkeypatch.undo()
    time.tzset()
    tzlocal.reload_localzone()


@pytest.fixture
def scheduler(host):
    """Give a started scheduler without a zone of its own, at the beginning of 2031; it is shut down in the end."""
    made = BackgroundScheduler(clock=ManualClock(NEW_YEAR))
    made.start()
    yield made
    made.shutdown()


def local(*fields, zone=KOLKATA):
    """Return a time in January 2031, in Kolkata's zone."""
    return datetime(2031, 1, *fields, tzinfo=zone)


@pytest.fixture
def sqlite():
    """Give a place on SQLite."""
    with place("sqlite") as made:
        yield made


# -- who follows ---------------------------------------------------------------------------------------------------

AT_SEVEN = local(1, 7)
FOLLOWING = {
    "cron": (lambda: CronTrigger(hour=7), AT_SEVEN),
    "cron with bounds": (lambda: CronTrigger(hour="*", start_date="2031-01-03 07:00"), local(3, 7)),
    "calendar interval": (lambda: CalendarIntervalTrigger(days=1, hour=7), AT_SEVEN),
    "date": (lambda: DateTrigger("2031-01-04 07:00"), local(4, 7)),
    "interval from a local time on": (lambda: IntervalTrigger(days=1, start_date="2031-01-04 07:00"), local(4, 7)),
    "recurrence rule": (lambda: RRuleTrigger("FREQ=DAILY;BYHOUR=7;BYMINUTE=0;BYSECOND=0"), AT_SEVEN),
    "recurrence rule with a start": (lambda: RRuleTrigger("FREQ=DAILY", start_date="2031-01-04 07:00"), local(4, 7)),
    "one of several": (lambda: OrTrigger([CronTrigger(hour=7), CronTrigger(hour=7, timezone="Asia/Tokyo")]), AT_SEVEN),
    "without holidays": (lambda: ExcludingTrigger(CronTrigger(hour=7), ["2031-01-01"]), local(2, 7)),
    "without the days of another": (
        lambda: ExcludingTrigger(CronTrigger(hour=7), DaysOf(CronTrigger(day=1))),
        local(2, 7),
    ),
}


@pytest.mark.parametrize("name", FOLLOWING)
def test_a_trigger_without_a_zone_follows_the_host(scheduler, host, name):
    """A time of day stays that time of day, and a date that was given as a local time is read in the new zone."""
    make_trigger, expected = FOLLOWING[name]
    trigger = make_trigger()
    job = scheduler.add_job(note, trigger, ["follows"], id="job")
    before = job.next_run_time

    host("Asia/Kolkata")
    assert job.next_run_time == before
    assert scheduler.reload_timezone() == scheduler.timezone == KOLKATA

    assert job.next_run_time == expected
    assert job.next_run_time.tzinfo == KOLKATA
    assert trigger.zone == BERLIN  # the user's own object stays as it was


@pytest.mark.parametrize(
    "arguments",
    [
        {"trigger": "cron", "hour": 7},
        {"trigger": "calendarinterval", "days": 1, "hour": 7},
        {"trigger": "date", "run_date": "2031-01-01 07:00"},
        {"trigger": "interval", "days": 1, "start_date": "2031-01-01 07:00"},
        {"trigger": "rrule", "rule": "FREQ=DAILY;BYHOUR=7;BYMINUTE=0;BYSECOND=0"},
    ],
    ids=lambda arguments: arguments["trigger"],
)
def test_a_trigger_given_by_its_name_follows_too(scheduler, host, arguments):
    """As one that was made without a zone does."""
    job = scheduler.add_job(note, args=["follows"], **arguments)
    host("Asia/Kolkata")
    scheduler.reload_timezone()

    assert job.next_run_time == AT_SEVEN


STAYING = {
    "cron": ({"trigger": CronTrigger(hour=7, timezone="Europe/Berlin")}, local(1, 7, zone=BERLIN)),
    "cron by name": ({"trigger": "cron", "hour": 7, "timezone": "Europe/Berlin"}, local(1, 7, zone=BERLIN)),
    "aware date": ({"trigger": "date", "run_date": local(4, 7, zone=BERLIN)}, local(4, 7, zone=BERLIN)),
    "aware start": (
        {"trigger": "interval", "days": 1, "start_date": local(4, 7, zone=BERLIN)},
        local(4, 7, zone=BERLIN),
    ),
    "zone of an aware start": (
        {"trigger": CronTrigger(hour=7, start_date=local(4, 0, zone=BERLIN))},
        local(4, 7, zone=BERLIN),
    ),
    "elapsed time": ({"trigger": "interval", "hours": 7}, NEW_YEAR + timedelta(hours=7)),
    "combination": ({"trigger": OrTrigger([CronTrigger(hour=7, timezone="UTC")])}, local(1, 7, zone=timezone.utc)),
    "given next run time": ({"trigger": "cron", "hour": 7, "next_run_time": local(9, 9)}, local(9, 9)),
}


@pytest.mark.parametrize("name", STAYING)
def test_what_does_not_depend_on_the_host_stays(scheduler, host, name):
    """A zone that was given, an instant, a length of time, a next run time that the user gave."""
    arguments, expected = STAYING[name]
    job = scheduler.add_job(note, args=["stays"], **arguments)
    assert job.next_run_time == expected

    host("Asia/Kolkata")
    scheduler.reload_timezone()

    assert job.next_run_time == expected


def test_a_scheduler_with_a_zone_of_its_own_stays(host):
    """So do its jobs, also where their triggers were made without one, and when they move to another scheduler."""
    given = BackgroundScheduler(timezone="Europe/Berlin", clock=ManualClock(NEW_YEAR))
    given.start()
    jobs = [given.add_job(note, CronTrigger(hour=7), ["stays"]), given.add_job(note, "cron", ["stays"], hour=7)]
    jobs.append(given.add_job(note, OrTrigger([CronTrigger(hour=7)]), ["stays"]))
    host("Asia/Kolkata")

    assert given.reload_timezone() == given.timezone == BERLIN
    assert {job.next_run_time for job in jobs} == {local(1, 7, zone=BERLIN)}
    assert [job.trigger.follows_host for job in jobs] == [False] * 3
    given.shutdown()


# -- what becomes of the runs --------------------------------------------------------------------------------------


def test_the_jobs_run_at_the_new_times(scheduler, host):
    """At seven in Kolkata, and no more at seven in Berlin; with an event for each job that has followed."""
    heard = []
    scheduler.add_listener(heard.append, EVENT_JOB_MODIFIED)
    scheduler.add_job(note, "cron", ["new times"], hour=7)
    scheduler.add_job(note, "cron", ["old times"], hour=7, timezone="Europe/Berlin")
    host("Asia/Kolkata")
    scheduler.reload_timezone()
    scheduler.reload_timezone()  # a second time changes nothing
    scheduler.clock.advance(timedelta(days=2))

    assert times_of("new times") == [local(1, 7), local(2, 7)]
    assert times_of("old times") == [local(1, 7, zone=BERLIN), local(2, 7, zone=BERLIN)]
    assert len(heard) == 1


def test_a_run_that_is_due_stays_due(scheduler, host):
    """It has not been made yet, so it is late and not lost; the next one is at the new time."""
    job = scheduler.add_job(note, "cron", ["due at the change"], hour=1)  # in Berlin, midnight in UTC
    scheduler.pause()
    scheduler.clock.advance(timedelta(hours=1))
    host("Asia/Kolkata")
    scheduler.reload_timezone()
    scheduler.resume()
    scheduler.clock.settle()

    assert times_of("due at the change") == [NEW_YEAR]
    assert job.next_run_time == local(2, 1)


def test_a_date_that_has_passed_in_the_new_zone_is_run_late(scheduler, host):
    """Seven o'clock has been in Kolkata, and the job has not run: it does so now."""
    scheduler.add_job(note, "date", ["passed"], run_date="2031-01-01 05:00")  # 04:00 in UTC
    host("Asia/Kolkata")  # where it is 05:30
    scheduler.reload_timezone()
    scheduler.clock.settle()

    assert times_of("passed") == [local(1, 5)]


def test_a_paused_and_a_pending_job_follow(host):
    """They stay paused and pending; their time is that of the new zone when they get one."""
    scheduler = BackgroundScheduler(clock=ManualClock(NEW_YEAR))
    pending = scheduler.add_job(note, "cron", ["pending"], hour=7)
    paused = scheduler.add_job(note, "cron", ["paused"], hour=7, next_run_time=None)
    host("Asia/Kolkata")
    scheduler.reload_timezone()
    scheduler.start()
    assert paused.next_run_time is None
    paused.resume()

    assert pending.next_run_time == paused.next_run_time == AT_SEVEN
    scheduler.shutdown()


def test_a_schedule_that_is_over_in_the_new_zone_is_told(scheduler, host):
    """Its job is removed, as one is whose new trigger has no fire time."""
    scheduler.add_job(note, "cron", ["over"], id="over", hour=4, end_date="2031-01-01 05:00")
    host("Asia/Kolkata")
    with pytest.warns(UserWarning, match="will not run any more"):
        scheduler.reload_timezone()

    assert scheduler.get_job("over") is None


def test_a_zone_that_nobody_knows_changes_nothing(scheduler, host):
    """The error says so, and the scheduler goes on in the old zone."""
    job = scheduler.add_job(note, "cron", ["unknown zone"], hour=7)
    host("Nowhere/Town")
    with pytest.raises(LookupError, match="Nowhere/Town"):
        scheduler.reload_timezone()

    assert scheduler.timezone == BERLIN
    assert job.next_run_time == local(1, 7, zone=BERLIN)


def test_a_store_that_fails_is_told_and_can_be_tried_again(scheduler, host):
    """The jobs of the other stores follow at once, its own with the next call."""

    class Failing(CopyStore):
        failing = False

        def get_all_jobs(self):
            if self.failing:
                raise StoreDown("away")
            return super().get_all_jobs()

    store = Failing()
    scheduler.add_jobstore(store, "failing")
    scheduler.add_job(note, "cron", ["failing store"], hour=7, jobstore="failing", id="own")
    other = scheduler.add_job(note, "cron", ["other store"], hour=7)
    store.failing = True
    host("Asia/Kolkata")
    with pytest.raises(ExceptionGroup, match="have not followed") as caught:
        scheduler.reload_timezone()
    store.failing = False
    assert [str(each) for each in caught.value.exceptions] == ["away"]
    assert other.next_run_time == AT_SEVEN
    assert scheduler.get_job("own").next_run_time == local(1, 7, zone=BERLIN)
    scheduler.reload_timezone()

    assert scheduler.get_job("own").next_run_time == AT_SEVEN


# -- stores that outlive the process -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_jobs_in_a_database_follow(family, host):
    """Also after a restart: which zone was left open is kept with the job, and given ones are left alone."""
    with place(family) as shared:
        first = BackgroundScheduler(jobstores={"default": shared.store()}, clock=ManualClock(NEW_YEAR))
        first.start(paused=True)
        first.add_job(note, "cron", ["a"], id="open", hour=7)
        first.add_job(note, OrTrigger([CronTrigger(hour=7)]), ["b"], id="combined")
        first.add_job(note, "date", ["c"], id="date", run_date="2031-01-04 07:00")
        first.add_job(note, "cron", ["d"], id="given", hour=7, timezone="Europe/Berlin")
        first.shutdown()
        host("Asia/Kolkata")
        second = BackgroundScheduler(jobstores={"default": shared.store()}, clock=ManualClock(NEW_YEAR))
        second.start(paused=True)
        second.reload_timezone()
        found = {job.id: job.next_run_time for job in second.get_jobs()}
        second.shutdown()

    assert found == {
        "open": AT_SEVEN,
        "combined": AT_SEVEN,
        "date": local(4, 7),
        "given": local(1, 7, zone=BERLIN),
    }


def test_a_choice_of_zone_that_a_restart_brings_is_kept(scheduler, host):
    """A job that is replaced by one with the same schedule keeps its beat, and has the new one's choice of a zone."""
    for first, second, follows in (
        ({}, {"timezone": "Europe/Berlin"}, False),
        ({"timezone": "Europe/Berlin"}, {}, True),
    ):
        scheduler.add_job(note, "cron", ["choice"], id="job", replace_existing=True, hour=7, **first)
        job = scheduler.add_job(note, "cron", ["choice"], id="job", replace_existing=True, hour=7, **second)

        assert job.trigger.follows_host == follows


# -- a zone without a name -----------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    """Give the path of a copy of Berlin's zone file, as ``/etc/localtime`` may be one."""
    original = next(path for path in (Path(each, "Europe/Berlin") for each in TZPATH) if path.is_file())
    return str(shutil.copy(original, tmp_path / "localtime"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_copied_zone_file_is_known_by_its_name(family, host, copied):
    """Jobs can be stored with it and read again: the database has a zone with the same data."""
    host(copied)
    tzlocal.reload_localzone()
    seen = set()
    with place(family) as shared:
        for _ in range(2):
            scheduler = BackgroundScheduler(jobstores={"default": shared.store()}, clock=ManualClock(NEW_YEAR))
            scheduler.start(paused=True)
            scheduler.add_job(note, "cron", ["copied"], id="job", hour=7, replace_existing=True)
            (job,) = scheduler.get_jobs()
            seen.add((scheduler.timezone, job.next_run_time))
            scheduler.shutdown()

    assert seen == {(BERLIN, local(1, 7, zone=BERLIN))}


def test_a_copy_of_other_data_is_known_by_its_readings(host, copied, monkeypatch):
    """As after an update of the database, which may write the same zone in another form."""
    data = Path(copied).read_bytes()
    Path(copied).write_bytes(data + b"\n")  # what stands behind the last line is not read
    host(copied)

    zone = BackgroundScheduler().reload_timezone()

    assert [datetime(2031, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)] == [
        datetime(2031, month, 1, tzinfo=BERLIN).utcoffset() for month in (1, 7)
    ]
    assert ZoneInfo(zone.key) is zone


def test_a_zone_that_no_database_has_is_refused_by_a_store(sqlite, copied):
    """When the job is added, with what to do; such a row could not be read again. In memory it works."""
    with Path(copied).open("rb") as data:
        zone = ZoneInfo.from_file(data, key="Berlin")
    stores = {"default": sqlite.store(poll_interval=86_400), "memory": {"type": "memory"}}
    scheduler = BackgroundScheduler(timezone=zone, clock=ManualClock(NEW_YEAR), jobstores=stores)
    scheduler.start()
    with pytest.raises(ValueError, match=r"the time zone .*Berlin.* give the scheduler or the trigger timezone="):
        scheduler.add_job(note, "cron", ["refused"], hour=7)
    scheduler.add_job(note, "cron", ["nameless"], hour=7, jobstore="memory")
    scheduler.clock.advance(timedelta(days=1))
    scheduler.shutdown()

    assert times_of("nameless") == [local(1, 7, zone=BERLIN)]
