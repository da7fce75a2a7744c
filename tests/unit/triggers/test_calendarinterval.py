"""Facts about CalendarIntervalTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._clock import system_now
from apscheduler_lite._timezones import to_instant
from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.date import DateTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")


def first_fires(trigger, count=6):
    """Return the first fires as text, asked for one after the other as a scheduler does."""
    fires = []
    fire = trigger.get_next_fire_time(None, datetime(1950, 1, 1, tzinfo=UTC))
    while fire is not None and len(fires) < count:
        fires.append(fire)
        fire = trigger.get_next_fire_time(fire, fire)
    return [fire.isoformat()[:16] for fire in fires]


def test_it_keeps_the_time_of_day_across_clock_changes():
    """Every day at noon is at noon, summer and winter."""
    trigger = CalendarIntervalTrigger(days=1, hour=12, start_date="2026-03-28", timezone=BERLIN)

    fires = islice(trigger.between("2026-03-28", "2026-03-30"), 5)
    assert [fire.isoformat() for fire in fires] == ["2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00"]


def test_months_that_lack_the_day_are_skipped():
    """From 31 January, monthly: only the months that have a 31st."""
    trigger = CalendarIntervalTrigger(months=1, start_date="2026-01-31", timezone=BERLIN)

    assert [fire[5:10] for fire in first_fires(trigger)] == ["01-31", "03-31", "05-31", "07-31", "08-31", "10-31"]


def test_clamp_takes_the_last_day_of_a_month_that_lacks_the_day():
    """And goes back to the day of the start in the next month that has it."""
    trigger = CalendarIntervalTrigger(months=1, start_date="2027-12-31", timezone=BERLIN, end_of_month="clamp")

    assert [fire[5:10] for fire in first_fires(trigger)] == ["12-31", "01-31", "02-29", "03-31", "04-30", "05-31"]


def test_leap_days_come_every_four_years():
    """A yearly trigger from 29 February fires in leap years, or clamped every year."""
    yearly = {"years": 1, "start_date": "2096-02-29", "timezone": BERLIN}

    assert [fire[:10] for fire in first_fires(CalendarIntervalTrigger(**yearly), 2)] == ["2096-02-29", "2104-02-29"]
    clamped = first_fires(CalendarIntervalTrigger(**yearly, end_of_month="clamp"), 2)
    assert [fire[:10] for fire in clamped] == ["2096-02-29", "2097-02-28"]


def test_months_are_added_before_days():
    """As in APScheduler 3, date after date."""
    trigger = CalendarIntervalTrigger(months=1, days=1, start_date="2026-01-30", timezone=BERLIN)

    assert [fire[5:10] for fire in first_fires(trigger, 5)] == ["01-30", "03-31", "06-01", "07-02", "08-03"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", ["2026-03-28T02:30", "2026-03-30T02:30"]),
        ("after", ["2026-03-28T02:30", "2026-03-29T03:00", "2026-03-30T02:30"]),
        ("shift", ["2026-03-28T02:30", "2026-03-29T03:30", "2026-03-30T02:30"]),
    ],
)
def test_a_time_within_a_gap(policy, expected):
    """Skipped by default, without shifting the dates that follow."""
    trigger = CalendarIntervalTrigger(
        days=1, hour=2, minute=30, start_date="2026-03-28", end_date="2026-03-30", timezone=BERLIN, dst_gap=policy
    )

    assert first_fires(trigger) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("first", ["+02:00"]), ("last", ["+01:00"]), ("both", ["+02:00", "+01:00"])],
)
def test_a_time_within_a_fold(policy, expected):
    """Its first reading by default."""
    trigger = CalendarIntervalTrigger(
        days=1, hour=2, minute=30, start_date="2026-10-25", end_date="2026-10-25", timezone=BERLIN, dst_fold=policy
    )

    fires = trigger.next_fire_times(5, after=datetime(2026, 10, 25, tzinfo=BERLIN))
    assert [fire.isoformat()[-6:] for fire in fires] == expected


def test_a_midnight_gap_does_not_lose_the_days_after_it():
    """São Paulo's clock went from midnight to 01:00 on 2018-11-04; every third day goes on as before."""
    trigger = CalendarIntervalTrigger(days=3, start_date="2018-11-01", timezone="America/Sao_Paulo")

    assert [fire[5:10] for fire in first_fires(trigger, 3)] == ["11-01", "11-07", "11-10"]


@pytest.mark.parametrize("policy", ["skip", "after", "shift"])
def test_a_date_that_the_zone_skipped_does_not_fire(policy):
    """Apia had no 30 December 2011."""
    trigger = CalendarIntervalTrigger(days=1, hour=9, start_date="2011-12-29", timezone="Pacific/Apia", dst_gap=policy)

    assert [fire[5:10] for fire in first_fires(trigger, 2)] == ["12-29", "12-31"]


def test_asked_for_the_first_time_it_answers_its_start():
    """Also when that is past, as in APScheduler 3; the engine's answer, which jobs use, is not past."""
    trigger = CalendarIntervalTrigger(days=7, start_date="2026-01-01", timezone=BERLIN)
    now = datetime(2026, 6, 1, tzinfo=BERLIN)

    assert trigger.get_next_fire_time(None, now) == datetime(2026, 1, 1, tzinfo=BERLIN)
    assert trigger.next_instant(None, to_instant(now)) == to_instant(datetime(2026, 6, 4, tzinfo=BERLIN))


def test_the_end_date_is_the_last_date():
    """A fire on end_date is a fire; jitter does not pass its midnight."""
    trigger = CalendarIntervalTrigger(
        days=1, hour=23, minute=59, start_date="2026-01-01", end_date="2026-01-02", timezone=BERLIN, jitter=3600
    )
    last = datetime(2026, 1, 2, 23, 59, tzinfo=BERLIN)

    fires = [trigger.get_next_fire_time(last - timedelta(hours=3), last) for _ in range(200)]
    assert all(last <= fire < last + timedelta(minutes=1) for fire in fires)
    assert trigger.get_next_fire_time(last, last) is None


def test_jitter_across_midnight_skips_no_day():
    """The grid goes on from the date of the slot, not from that of the jittered time."""
    trigger = CalendarIntervalTrigger(days=2, hour=23, start_date="2026-01-01", timezone=BERLIN, jitter=7200)
    fire = trigger.get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=BERLIN))
    for count in range(1, 200):
        fire = trigger.get_next_fire_time(fire, fire)

        exact = datetime(2026, 1, 1, 23, tzinfo=BERLIN) + timedelta(days=2 * count)
        assert exact <= fire <= exact + timedelta(hours=2)


def test_latest_instant_finds_the_last_date_not_after_now():
    """For grids of days, of months and of both."""
    now = datetime(2026, 6, 15, tzinfo=BERLIN)
    expected = {"days": (2026, 6, 14), "months": (2026, 6, 1)}
    for unit, when in expected.items():
        trigger = CalendarIntervalTrigger(**{unit: 1}, hour=9, start_date="1999-01-01", timezone=BERLIN)
        assert trigger.latest_instant(0, to_instant(now)) == to_instant(datetime(*when, 9, tzinfo=BERLIN))
        assert trigger.latest_instant(to_instant(now) - 1, to_instant(now)) is None
    mixed = CalendarIntervalTrigger(months=1, days=1, hour=9, start_date="2026-01-30", timezone=BERLIN)
    assert mixed.latest_instant(0, to_instant(now)) == to_instant(datetime(2026, 6, 1, 9, tzinfo=BERLIN))


def test_a_mixed_interval_ends_with_the_calendar():
    """After the year 9999 there is no date, and the trigger has ended."""
    trigger = CalendarIntervalTrigger(years=3000, days=5, start_date="2026-12-31", timezone=UTC)

    assert [fire[:10] for fire in first_fires(trigger)] == ["2026-12-31", "5027-01-05", "8027-01-10"]
    months = CalendarIntervalTrigger(years=5000, start_date="2026-12-31", timezone=UTC)
    assert [fire[:4] for fire in first_fires(months)] == ["2026", "7026"]
    close = CalendarIntervalTrigger(months=1, days=20, start_date="9999-11-15", timezone=UTC)
    assert [fire[:10] for fire in first_fires(close)] == ["9999-11-15"]


def test_the_default_start_is_today_in_the_zone():
    """Bound to a scheduler, it is the scheduler's today in its zone."""
    trigger = CalendarIntervalTrigger(days=3)

    assert abs(trigger.start_date - system_now().date()) <= timedelta(days=1)
    bound = trigger.bind(TOKYO, datetime(2031, 5, 1, 20, tzinfo=UTC))
    assert bound.start_date == date(2031, 5, 2)
    assert bound.timezone is TOKYO
    assert bound.bind(BERLIN, system_now()) is bound
    assert trigger.timezone is not TOKYO


def test_bind_leaves_what_the_user_gave():
    """An explicit start keeps its date; only an implicit zone becomes the scheduler's."""
    explicit = CalendarIntervalTrigger(days=3, start_date="2026-01-01", timezone=BERLIN)
    zone_open = CalendarIntervalTrigger(days=3, start_date="2026-01-01")

    assert explicit.bind(TOKYO, system_now()) is explicit
    assert zone_open.bind(TOKYO, system_now()).timezone is TOKYO
    assert zone_open.bind(TOKYO, system_now()).start_date == date(2026, 1, 1)


def test_same_schedule_ignores_a_start_that_both_left_open():
    """So that a restart does not restart the schedule."""
    first = CalendarIntervalTrigger(days=3, timezone=BERLIN).bind(BERLIN, datetime(2026, 1, 1, tzinfo=UTC))
    again = CalendarIntervalTrigger(days=3, timezone=BERLIN).bind(BERLIN, datetime(2026, 1, 2, tzinfo=UTC))

    assert first.is_same_schedule(again)
    assert not first.is_same_schedule(CalendarIntervalTrigger(days=3, hour=1, timezone=BERLIN))
    assert not first.is_same_schedule(DateTrigger())
    assert not first.is_same_schedule(CalendarIntervalTrigger(days=3, start_date="2026-01-02", timezone=BERLIN))


def test_repr_and_str_have_the_form_of_apscheduler_3():
    """What 3.x does not know is shown where it is not the default."""
    plain = CalendarIntervalTrigger(months=1, hour=2, start_date="2026-01-31", end_date="2027-01-01", timezone=BERLIN)
    ours = CalendarIntervalTrigger(weeks=2, start_date="2026-01-31", timezone=BERLIN, jitter=4, dst_gap="shift")

    text = (
        "CalendarIntervalTrigger(months=1, time='02:00:00', start_date='2026-01-31', end_date='2027-01-01',"
        " timezone='Europe/Berlin')"
    )
    assert repr(plain) == str(plain) == text
    assert repr(ours) == (
        "CalendarIntervalTrigger(weeks=2, time='00:00:00', start_date='2026-01-31', timezone='Europe/Berlin', jitter=4,"
        " dst_gap='shift')"
    )


def test_states_restore():
    """Ours through pickle, and that of APScheduler 3."""
    trigger = CalendarIntervalTrigger(months=1, hour=2, start_date="2026-01-31", timezone=BERLIN, end_of_month="clamp")
    for one in (trigger, CalendarIntervalTrigger(days=1)):
        restored = pickle.loads(pickle.dumps(one))
        assert restored.__getstate__() == one.__getstate__()
    old = CalendarIntervalTrigger.__new__(CalendarIntervalTrigger)
    old.__setstate__(
        {
            "version": 1,
            "interval": [0, 1, 0, 0],
            "time": [2, 0, 0],
            "start_date": date(2026, 1, 31),
            "end_date": None,
            "timezone": BERLIN,
            "jitter": None,
        }
    )
    assert (
        repr(old)
        == "CalendarIntervalTrigger(months=1, time='02:00:00', start_date='2026-01-31', timezone='Europe/Berlin')"
    )


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "at least one day"),
        ({"days": 0}, ValueError, "at least one day"),
        ({"days": -1}, ValueError, "days must be zero or more: -1"),
        ({"days": 1.5}, TypeError, "days must be a whole number, not float: 1.5"),
        ({"months": "1"}, TypeError, "months must be a whole number, not str"),
        ({"days": 1, "hour": 24}, ValueError, "hour must be from 0 to 23: 24"),
        ({"days": 1, "minute": 60}, ValueError, "minute must be from 0 to 59"),
        ({"days": 1, "second": -1}, ValueError, "second must be from 0 to 59"),
        ({"days": 1, "start_date": "x"}, ValueError, "start_date must be"),
        ({"days": 1, "end_date": 5}, TypeError, "end_date must be"),
        ({"days": 1, "start_date": "2026-01-02", "end_date": "2026-01-01"}, ValueError, "earlier than start_date"),
        ({"days": 1, "dst_gap": "skp"}, ValueError, "dst_gap must be one of .* did you mean 'skip'"),
        ({"days": 1, "dst_fold": None}, ValueError, "dst_fold must be one of"),
        ({"days": 1, "end_of_month": "clam"}, ValueError, "did you mean 'clamp'"),
        ({"days": 1, "jitter": float("inf")}, ValueError, "jitter must be"),
        ({"days": 1, "timezone": "Berlin"}, ValueError, "timezone: no time zone is named 'Berlin'"),
    ],
)
def test_wrong_arguments_are_named(options, error, words):
    """The message names the parameter and the value."""
    with pytest.raises(error, match=words):
        CalendarIntervalTrigger(**options)
