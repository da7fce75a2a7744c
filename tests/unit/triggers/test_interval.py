"""Facts about IntervalTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._clock import system_now
from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 1, 5, tzinfo=BERLIN)


def every(**options):
    """Return an interval trigger that begins at START."""
    return IntervalTrigger(**{"start_date": START, "timezone": BERLIN, **options})


def test_the_grid_is_the_start_plus_multiples_of_the_interval():
    """Between two grid points the later one is next; a grid point itself is not later than itself."""
    trigger = every(minutes=7)

    assert trigger.get_next_fire_time(None, START + timedelta(minutes=8)) == START + timedelta(minutes=14)
    assert trigger.get_next_fire_time(None, START + timedelta(minutes=14)) == START + timedelta(minutes=14)
    previous = START + timedelta(minutes=14)
    assert trigger.get_next_fire_time(previous, previous) == START + timedelta(minutes=21)


def test_before_the_start_the_start_is_next():
    """Nothing fires earlier than start_date."""
    assert every(hours=1).get_next_fire_time(None, START - timedelta(days=400)) == START


def test_the_default_start_is_one_interval_from_now():
    """Without start_date the first fire is one interval after the trigger was made."""
    before = system_now()
    trigger = IntervalTrigger(hours=1)

    assert timedelta(hours=1) <= trigger.start_date - before < timedelta(hours=1, minutes=1)


def test_nothing_fires_after_the_end():
    """A fire at end_date itself is the last."""
    trigger = every(hours=1, end_date=START + timedelta(hours=2))

    assert trigger.next_fire_times(9, after=START) == [START + timedelta(hours=1), START + timedelta(hours=2)]
    assert trigger.latest_instant(0, to_instant(START) + 10**12) == to_instant(START + timedelta(hours=2))


def test_the_beat_is_elapsed_time_across_clock_changes():
    """Every 24 hours is an hour later by the clock after spring-forward, with the right offset."""
    trigger = every(days=1, start_date="2026-03-28 12:00:00")

    fires = trigger.next_fire_times(2, after=datetime(2026, 3, 28, tzinfo=BERLIN))
    assert [fire.isoformat() for fire in fires] == ["2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00"]


def test_a_clock_set_back_searches_from_now():
    """When now is earlier than the previous fire, the search begins at now and still finds the grid."""
    trigger = every(minutes=10)
    previous = START + timedelta(hours=5)

    assert trigger.get_next_fire_time(previous, START + timedelta(minutes=5)) == START + timedelta(minutes=10)


def test_a_previous_time_between_grid_points_does_not_move_the_grid():
    """The next fire is on the grid, not one interval after the previous."""
    previous = START + timedelta(minutes=13)

    assert every(minutes=10).get_next_fire_time(previous, previous) == START + timedelta(minutes=20)


def test_latest_instant_is_the_last_grid_point_not_after_now():
    """A backlog of any length is answered by one step of arithmetic."""
    trigger = every(seconds=1)
    start = to_instant(START)
    now = start + 10**15 + 999_999

    assert trigger.latest_instant(start, now) == start + 10**15
    assert trigger.latest_instant(start + 10**15, now) is None
    assert trigger.latest_instant(start - 5, start - 1) is None


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "longer than zero"),
        ({"seconds": 0}, ValueError, "longer than zero"),
        ({"minutes": -1}, ValueError, "-60 seconds"),
        ({"seconds": 1e-7}, ValueError, "longer than zero"),
        ({"hours": "3"}, TypeError, "hours must be a number, not str: '3'"),
        ({"days": None}, TypeError, "days must be a number"),
        ({"seconds": float("nan")}, ValueError, "seconds=nan"),
        ({"seconds": float("inf")}, ValueError, "seconds=inf"),
        ({"weeks": 10**12}, ValueError, "too long"),
        ({"seconds": 1, "jitter": -1}, ValueError, "jitter must be zero or more"),
        ({"seconds": 1, "jitter": "2"}, TypeError, "jitter must be a number"),
        ({"seconds": 1, "timezone": "Europe/Berln"}, ValueError, "did you mean 'Europe/Berlin'"),
        ({"seconds": 1, "timezone": 2}, TypeError, "timezone must be"),
        ({"seconds": 1, "start_date": "yesterday"}, ValueError, "start_date must be"),
        ({"seconds": 1, "end_date": 7}, TypeError, "end_date must be"),
        ({"seconds": 1, "start_date": "2026-02-02", "end_date": "2026-02-01"}, ValueError, "earlier than start_date"),
    ],
)
def test_wrong_arguments_are_named(options, error, words):
    """The message names the parameter and the value."""
    with pytest.raises(error, match=words):
        IntervalTrigger(**options)


def test_repr_and_str_have_the_form_of_apscheduler_3():
    """Logs and tests of users that compare them keep working."""
    trigger = every(hours=2, end_date="2026-05-01", jitter=5)

    assert str(trigger) == "interval[2:00:00]"
    assert repr(trigger) == (
        "<IntervalTrigger (interval=datetime.timedelta(seconds=7200), start_date='2026-01-05 00:00:00 CET',"
        " end_date='2026-05-01 00:00:00 CEST', jitter=5, timezone='Europe/Berlin')>"
    )


def test_attributes_are_those_of_apscheduler_3():
    """They are computed when read."""
    trigger = every(minutes=1, seconds=0.5)

    assert trigger.interval == timedelta(seconds=60.5)
    assert trigger.interval_length == 60.5
    assert trigger.start_date == START
    assert trigger.start_date.tzinfo is BERLIN
    assert trigger.end_date is None
    assert trigger.jitter is None
    assert trigger.timezone is BERLIN


def test_bind_gives_an_implicit_start_and_zone_the_schedulers():
    """A trigger that left both open takes them when it is added; the original is not changed."""
    trigger = IntervalTrigger(hours=1)
    now = datetime(2031, 5, 1, tzinfo=UTC)

    bound = trigger.bind(TOKYO, now)
    assert bound is not trigger
    assert bound.timezone is TOKYO
    assert bound.start_date == now + timedelta(hours=1)
    assert bound.bind(BERLIN, now + timedelta(days=1)) is bound
    assert trigger.start_date != bound.start_date


def test_bind_reads_naive_dates_again_in_the_schedulers_zone():
    """A naive start_date without a zone is the scheduler's local time, and a warning says so where the host differs."""
    trigger = IntervalTrigger(hours=1, start_date="2026-01-05 10:00", end_date="2026-01-06 10:00")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    zone = TOKYO if trigger.timezone.utcoffset(datetime(2026, 1, 1)) != timedelta(hours=9) else BERLIN

    with pytest.warns(SchedulerWarning, match="names no time zone"):
        bound = trigger.bind(zone, now)
    assert bound.start_date == datetime(2026, 1, 5, 10, tzinfo=zone)
    assert bound.end_date == datetime(2026, 1, 6, 10, tzinfo=zone)


def test_bind_returns_the_trigger_itself_when_nothing_is_open():
    """An explicit start and zone are the user's."""
    trigger = every(hours=1)

    assert trigger.bind(TOKYO, system_now()) is trigger


def test_settle_changes_the_trigger_itself():
    """For one that the scheduler has just made."""
    trigger = IntervalTrigger(hours=1)
    now = to_instant(datetime(2031, 5, 1, tzinfo=UTC))

    assert trigger.settle(TOKYO, now) is trigger
    assert trigger.start_date == datetime(2031, 5, 1, 1, tzinfo=UTC)
    assert trigger.settle(BERLIN, 0) is trigger
    assert trigger.timezone is TOKYO


def test_an_explicit_zone_keeps_its_dates_when_the_start_is_left_open():
    """Only the start becomes the scheduler's."""
    trigger = IntervalTrigger(hours=1, end_date="2031-06-01", timezone=BERLIN)

    bound = trigger.bind(TOKYO, datetime(2031, 5, 1, tzinfo=UTC))
    assert bound.timezone is BERLIN
    assert bound.end_date == datetime(2031, 6, 1, tzinfo=BERLIN)


def test_an_aware_start_date_names_the_zone():
    """As in APScheduler 3, the zone of an aware start_date is the trigger's."""
    assert IntervalTrigger(hours=1, start_date=START).timezone is BERLIN


def test_same_schedule_ignores_a_start_that_both_left_open():
    """A program that adds the same interval job again at its restart means the same schedule."""
    first = IntervalTrigger(hours=1, timezone=BERLIN).bind(BERLIN, datetime(2026, 1, 1, tzinfo=UTC))
    again = IntervalTrigger(hours=1, timezone=BERLIN).bind(BERLIN, datetime(2026, 1, 2, tzinfo=UTC))

    assert first.is_same_schedule(again)
    assert first.is_same_schedule(pickle.loads(pickle.dumps(again)))
    assert not first.is_same_schedule(IntervalTrigger(hours=2, timezone=BERLIN))
    assert not first.is_same_schedule(every(hours=1))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_restores_the_same_trigger(protocol):
    """With every protocol, also a start on the second pass of a fold, and one that is not bound yet."""
    for trigger in (
        every(hours=2, end_date="2026-05-01", jitter=5),
        every(hours=2, start_date=datetime(2026, 10, 25, 2, 30, fold=1)),
        IntervalTrigger(seconds=3),
    ):
        restored = pickle.loads(pickle.dumps(trigger, protocol))
        assert repr(restored) == repr(trigger)
        assert restored.__getstate__() == trigger.__getstate__()


def test_a_state_of_apscheduler_3_restores():
    """Version 1 and 2 states hold local datetimes and a timedelta."""
    trigger = IntervalTrigger.__new__(IntervalTrigger)
    trigger.__setstate__(
        {"version": 2, "timezone": BERLIN, "start_date": START, "end_date": None, "interval": timedelta(hours=2)}
    )

    assert repr(trigger) == repr(every(hours=2))


def test_a_state_of_a_later_version_is_refused():
    """The message says which versions are readable."""
    with pytest.raises(ValueError, match="version 99"):
        every(hours=1).__setstate__({"version": 99})


def test_jitter_delays_within_the_slot_and_the_end():
    """A delay is at most the jitter, ends before the next exact fire, and passes no end_date."""
    trigger = every(seconds=10, jitter=60, end_date=START + timedelta(seconds=12))
    now = START

    first = [trigger.get_next_fire_time(None, now) for _ in range(300)]
    last = [trigger.get_next_fire_time(START, now) for _ in range(300)]
    assert all(START <= fire < START + timedelta(seconds=10) for fire in first)
    assert all(START + timedelta(seconds=10) <= fire <= START + timedelta(seconds=12) for fire in last)
    assert max(first) - min(first) > timedelta(seconds=5)


def test_asking_with_a_naive_time_is_a_type_error():
    """The message names the argument."""
    with pytest.raises(TypeError, match="now must have a time zone"):
        every(hours=1).get_next_fire_time(None, datetime(2026, 1, 1))
    with pytest.raises(TypeError, match="previous_fire_time must be a datetime"):
        every(hours=1).get_next_fire_time("x", START)


def test_dates_at_the_ends_of_the_calendar_mean_for_ever():
    """They can be shown, and nothing fires after the year 9999."""
    trigger = every(days=1_000_000, start_date="0001-01-01", end_date="9999-12-31 23:59:59")

    assert [fire.year for fire in trigger.between("0001-01-01", "9999-12-31")] == [1, 2738, 5476, 8214]
    assert trigger.start_date.year == 1
    assert every(days=1, start_date="9999-12-31 23:59:59").get_next_fire_time(None, START).year == 9999


def test_a_beat_is_under_way_before_a_start_that_nobody_has_set():
    """When the clock is set back behind it; on the same grid. A start that was set is kept."""
    now = to_instant(datetime(2026, 1, 1, 12, tzinfo=UTC))
    minute = 60_000_000
    implicit = IntervalTrigger(minutes=7).settle(UTC, now)
    explicit = IntervalTrigger(minutes=7, start_date=datetime(2026, 1, 1, 12, tzinfo=UTC))
    earlier = implicit.under_way(now - 60 * minute)

    assert implicit.under_way(now + 7 * minute) is implicit
    assert explicit.under_way(now - 60 * minute) is explicit
    assert implicit.next_instant(None, now - 60 * minute) == now + 7 * minute
    assert earlier.next_instant(None, now - 60 * minute) == now - 56 * minute
    assert earlier.next_instant(now - 56 * minute, now - 56 * minute) == now - 49 * minute
    assert earlier.next_instant(now, now) == implicit.next_instant(now, now)
    assert earlier.is_same_schedule(implicit)
