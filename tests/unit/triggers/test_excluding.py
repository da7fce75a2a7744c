"""Facts about ExcludingTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger, OrTrigger
from apscheduler_lite.triggers.excluding import DaysOf, ExcludingTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 1, 5, tzinfo=BERLIN)  # a Monday


def daily(hour=9, **options):
    """Return a trigger that fires every day."""
    return CalendarIntervalTrigger(days=1, hour=hour, start_date="2026-01-01", timezone=BERLIN, **options)


def days(trigger, count=4):
    """Return the days of the month of the first fires from START on."""
    return [fire.day for fire in trigger.next_fire_times(count, after=START)]


def is_odd(moment):
    """Tell whether the day is odd."""
    return moment.day % 2 == 1


class Daily(BaseTrigger):
    """A trigger written for APScheduler 3."""

    def get_next_fire_time(self, previous_fire_time, now):
        """Return the next of the days at midnight."""
        begin = now if previous_fire_time is None else previous_fire_time + timedelta(microseconds=1)
        return START + timedelta(days=-((START - begin) // timedelta(days=1)))


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (date(2026, 1, 6), [5, 7, 8, 9]),
        ("2026-1-6", [5, 7, 8, 9]),
        ("tue", [5, 7, 8, 9]),
        (b"Tuesday", [5, 7, 8, 9]),
        (["sat", "sunday"], [5, 6, 7, 8, 9, 12]),
        (is_odd, [6, 8, 10, 12]),
        (daily(), []),
        (daily(hour=10), [5, 6, 7, 8]),
        (DaysOf(CalendarIntervalTrigger(weeks=1, start_date="2026-01-06", timezone=BERLIN)), [5, 7, 8, 9]),
        ({date(2026, 1, 5): "a holiday", date(2026, 1, 7): "another"}, [6, 8, 9, 10]),
        ([], [5, 6, 7, 8]),
    ],
    ids=["date", "text", "weekday", "bytes", "week-end", "function", "itself", "other", "days", "mapping", "nothing"],
)
@pytest.mark.filterwarnings("ignore:.*is taken as ended")
def test_what_is_excluded_does_not_fire(exclude, expected):
    """Dates, weekdays, functions, other triggers and their days."""
    assert days(ExcludingTrigger(daily(), exclude), len(expected) or 1) == expected


def test_days_are_jumped_over_in_one_step():
    """A beat of one second is not counted through the week-end."""
    trigger = ExcludingTrigger(IntervalTrigger(seconds=1, start_date=START), ["sat", "sun"])
    friday = datetime(2026, 1, 9, 23, 59, 59, tzinfo=BERLIN)
    monday = datetime(2026, 1, 12, tzinfo=BERLIN)

    assert trigger.get_next_fire_time(friday, friday) == monday
    assert trigger.latest_instant(0, to_instant(monday) - 1) == to_instant(friday)


def test_the_search_is_bounded():
    """A trigger minus itself is empty, and says so."""
    beat = IntervalTrigger(seconds=1, start_date=START)

    with pytest.warns(SchedulerWarning, match="100000 of its fire times in a row are excluded"):
        assert ExcludingTrigger(beat, beat).get_next_fire_time(None, START) is None
    assert ExcludingTrigger(beat, lambda moment: True).latest_instant(0, to_instant(START) + 10**12) is None


def test_days_are_local():
    """Of the trigger's zone."""
    trigger = ExcludingTrigger(daily(hour=0), "mon")

    assert trigger.get_next_fire_time(None, START) == START + timedelta(days=1)


def test_a_day_that_is_shown_twice_is_excluded_twice():
    """In St. John's the clock went from 00:01 on the 2nd back to 23:01 on the 1st."""
    zone = ZoneInfo("America/St_Johns")
    beat = IntervalTrigger(minutes=1, start_date=datetime(2008, 11, 1, 23, 58, tzinfo=zone))
    trigger = ExcludingTrigger(beat, date(2008, 11, 1))
    second_pass = to_instant(datetime(2008, 11, 1, 23, 30, fold=1, tzinfo=zone))
    lone = to_instant(datetime(2008, 11, 2, tzinfo=zone))

    assert trigger.next_instant(None, second_pass - 3600 * 10**6) == lone
    assert trigger.next_instant(lone, lone) == lone + 60 * 60 * 10**6
    assert trigger.latest_instant(0, second_pass) == lone


def test_it_combines_with_others():
    """The grid and the previous fire are those of the trigger within."""
    thinned = ExcludingTrigger(daily(), "tue")

    assert days(OrTrigger([thinned, daily(hour=8)]), 4) == [5, 5, 6, 7]
    assert days(AndTrigger([thinned, daily()]), 3) == [5, 7, 8]


def test_a_trigger_of_others_can_be_thinned_out():
    """Its fire times are asked for one after the other."""
    trigger = ExcludingTrigger(Daily(), lambda moment: moment.astimezone(BERLIN).day == 6)

    assert trigger.next_instant(to_instant(START), to_instant(START)) == to_instant(START + timedelta(days=2))
    assert trigger.latest_instant(to_instant(START) - 1, to_instant(START) + 86_400 * 10**6) == to_instant(START)


def test_jitter_is_that_of_the_trigger_within_or_its_own():
    """A delay never reaches the next fire time."""
    within = ExcludingTrigger(daily(jitter=60), "tue")
    own = ExcludingTrigger(daily(), "tue", jitter=10)
    exact = START + timedelta(hours=9)

    assert 20 < max((within.get_next_fire_time(None, START) - exact).total_seconds() for _ in range(200)) <= 60
    assert 3 < max((own.get_next_fire_time(None, START) - exact).total_seconds() for _ in range(200)) <= 10


def test_bind_reaches_every_trigger_within():
    """The one that is thinned out, the excluded ones and those whose days are."""
    trigger = ExcludingTrigger(
        IntervalTrigger(hours=1), [CalendarIntervalTrigger(days=1), DaysOf(CalendarIntervalTrigger(years=1)), "mon"]
    )
    now = datetime(2031, 1, 1, tzinfo=UTC)

    bound = trigger.bind(TOKYO, now)
    assert bound.timezone is TOKYO
    assert bound.exclude[0].timezone is TOKYO
    assert bound.exclude[1].trigger.timezone is TOKYO
    assert bound.bind(BERLIN, now) is bound


def test_same_schedule_compares_all_that_is_within():
    """The trigger and each exclusion."""

    def build(*exclude):
        return ExcludingTrigger(daily(), exclude)

    assert build("mon", DaysOf(daily()), daily(), is_odd).is_same_schedule(
        build("mon", DaysOf(daily()), daily(), is_odd)
    )
    assert not build("mon").is_same_schedule(build("tue"))
    assert not build("mon").is_same_schedule(build("mon", "tue"))
    assert not build("mon").is_same_schedule(daily())


def test_a_pickle_restores_the_same_trigger():
    """With all kinds of exclusions."""
    trigger = ExcludingTrigger(daily(), ["mon", date(2026, 1, 6), DaysOf(daily()), daily(hour=1), is_odd], jitter=3)

    assert repr(pickle.loads(pickle.dumps(trigger))) == repr(trigger)


def test_its_texts_name_what_is_excluded():
    """In str briefly, in repr exactly."""
    trigger = ExcludingTrigger(IntervalTrigger(hours=1, start_date=START), ["mon", date(2026, 1, 6), is_odd], jitter=2)

    assert str(trigger) == "interval[1:00:00] except monday, 2026-01-06, is_odd"
    christmas = ExcludingTrigger(trigger.base, DaysOf(IntervalTrigger(days=365, start_date=START)))
    assert str(christmas) == "interval[1:00:00] except days of interval[365 days, 0:00:00]"
    assert repr(trigger).endswith(f"exclude=['monday', datetime.date(2026, 1, 6), {is_odd!r}], jitter=2)>")


@pytest.mark.parametrize(
    ("exclude", "error", "words"),
    [
        ("soday", ValueError, "did you mean 'sunday'"),
        ("2026-02-30", ValueError, "exclude"),
        ("2026-01-01 10:00", ValueError, "whole days"),
        (START, TypeError, "whole days; for a single time use DateTrigger"),
        (5, TypeError, "exclude must be a date"),
        ([None], TypeError, "contains None"),
        (["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ValueError, "all seven weekdays"),
    ],
)
def test_wrong_exclusions_are_named(exclude, error, words):
    """The message says what can be excluded."""
    with pytest.raises(error, match=words):
        ExcludingTrigger(daily(), exclude)


def test_wrong_triggers_are_named():
    """Both where a trigger is thinned out and where its days are excluded."""
    with pytest.raises(TypeError, match="base must be a trigger, not str"):
        ExcludingTrigger("cron", "mon")
    with pytest.raises(TypeError, match="trigger must be a trigger, not str"):
        DaysOf("cron")
