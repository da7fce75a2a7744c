"""Facts about DateTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.combining import OrTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
WHEN = datetime(2026, 1, 5, 10, tzinfo=BERLIN)


def test_it_fires_once():
    """At its date, also when that is past, and never after it."""
    trigger = DateTrigger("2026-01-05 10:00:00", BERLIN)

    assert trigger.get_next_fire_time(None, WHEN - timedelta(days=1)) == WHEN
    assert trigger.get_next_fire_time(None, WHEN + timedelta(days=1)) == WHEN
    assert trigger.get_next_fire_time(WHEN, WHEN) is None
    assert trigger.get_next_fire_time(WHEN, WHEN - timedelta(days=1)) is None


def test_latest_instant_is_the_date_once_it_is_reached():
    """None before it, and none when it was taken already."""
    trigger = DateTrigger(WHEN)
    instant = to_instant(WHEN)

    assert trigger.latest_instant(instant - 1, instant) == instant
    assert trigger.latest_instant(instant, instant + 1) is None
    assert trigger.latest_instant(0, instant - 1) is None


def test_it_can_be_asked_like_any_other():
    """For the next fire times and those of a period."""
    trigger = DateTrigger(WHEN)

    assert trigger.next_fire_times(3, after=WHEN - timedelta(seconds=1)) == [WHEN]
    assert trigger.next_fire_times(3, after=WHEN) == []
    assert list(trigger.between(WHEN, WHEN)) == [WHEN]


def test_a_time_within_a_gap_becomes_one_that_exists():
    """02:30 on the day of spring-forward is the instant that Python reads: 03:30."""
    fire = DateTrigger("2026-03-29 02:30", BERLIN).get_next_fire_time(None, WHEN)

    assert fire is not None
    assert fire.isoformat() == "2026-03-29T03:30:00+02:00"


@pytest.mark.parametrize(("fold", "offset"), [(0, 2), (1, 1)])
def test_fold_chooses_the_reading_of_a_repeated_time(fold, offset):
    """The first by default."""
    fire = DateTrigger(datetime(2026, 10, 25, 2, 30, fold=fold), BERLIN).run_date

    assert fire.utcoffset() == timedelta(hours=offset)
    assert fire.fold == fold


def test_an_aware_date_keeps_its_zone():
    """The parameter timezone is for dates that bear no offset."""
    assert DateTrigger(WHEN, TOKYO).run_date.tzinfo is BERLIN


def test_a_date_is_its_midnight():
    """As in APScheduler 3."""
    assert DateTrigger(date(2026, 1, 5), BERLIN).run_date == datetime(2026, 1, 5, tzinfo=BERLIN)


def test_bind_makes_an_implicit_date_now():
    """A trigger made to fire at once takes the time of the scheduler that it is added to."""
    now = datetime(2031, 1, 1, tzinfo=UTC)

    bound = DateTrigger().bind(TOKYO, now)
    assert bound.run_date == now
    assert bound.run_date.tzinfo is TOKYO
    assert bound.bind(BERLIN, now + timedelta(days=1)) is bound


def test_bind_reads_a_naive_date_again_in_the_schedulers_zone():
    """And warns where the host's local time differs."""
    trigger = DateTrigger("2026-01-05 10:00")
    zone = TOKYO if trigger.timezone.utcoffset(datetime(2026, 1, 1)) != timedelta(hours=9) else BERLIN

    with pytest.warns(SchedulerWarning, match="run_date 2026-01-05 10:00:00 names no time zone"):
        bound = trigger.bind(zone, datetime(2026, 1, 1, tzinfo=UTC))
    assert bound.run_date == datetime(2026, 1, 5, 10, tzinfo=zone)


def test_an_implicit_date_keeps_an_explicit_zone():
    """Only the time is the scheduler's."""
    now = datetime(2031, 1, 1, tzinfo=UTC)

    trigger = DateTrigger(timezone=BERLIN).settle(TOKYO, to_instant(now))
    assert trigger.run_date == now
    assert trigger.timezone is BERLIN
    assert trigger.settle(TOKYO, 0).run_date == now


def test_bind_leaves_what_the_user_gave():
    """An aware date and an explicit zone leave nothing open."""
    for trigger in (DateTrigger(WHEN), DateTrigger("2026-01-05", BERLIN), DateTrigger("2026-01-05T00:00+02:00")):
        assert trigger.bind(TOKYO, datetime(2026, 1, 1, tzinfo=UTC)) is trigger


def test_same_schedule_is_the_same_instant():
    """Or both were made to fire at once."""
    assert DateTrigger(WHEN).is_same_schedule(DateTrigger(WHEN.astimezone(TOKYO)))
    assert not DateTrigger(WHEN).is_same_schedule(DateTrigger(WHEN + timedelta(seconds=1)))
    assert DateTrigger().is_same_schedule(DateTrigger())


def test_repr_and_str_have_the_form_of_apscheduler_3():
    """To the second, with the zone's abbreviation."""
    assert repr(DateTrigger(WHEN)) == "<DateTrigger (run_date='2026-01-05 10:00:00 CET')>"
    assert str(DateTrigger(WHEN)) == "date[2026-01-05 10:00:00 CET]"


def test_states_restore():
    """Ours through pickle, also unbound, and that of APScheduler 3."""
    for trigger in (DateTrigger(WHEN), DateTrigger(), DateTrigger("2026-01-05 10:00")):
        restored = pickle.loads(pickle.dumps(trigger, 2))
        assert restored.__getstate__() == trigger.__getstate__()
    old = DateTrigger.__new__(DateTrigger)
    old.__setstate__({"version": 1, "run_date": WHEN})
    assert repr(old) == repr(DateTrigger(WHEN))


@pytest.mark.parametrize(("value", "error"), [("soon", ValueError), (5, TypeError), ("2026-02-30", ValueError)])
def test_wrong_dates_are_refused(value, error):
    """The message names the parameter."""
    with pytest.raises(error, match="run_date"):
        DateTrigger(value)


def test_a_fire_before_the_run_date_was_the_one_fire():
    """Asked with any previous fire time, as for a job that was run by hand, the trigger has no other."""
    trigger = DateTrigger(datetime(2031, 5, 4, 12, tzinfo=UTC))
    before = datetime(2031, 5, 4, 11, tzinfo=UTC)

    assert trigger.get_next_fire_time(before, before) is None


def test_its_date_is_told_when_asked_what_comes():
    """From any time before it on, and no longer after it."""
    when = datetime(2031, 5, 4, 12, tzinfo=UTC)
    trigger = DateTrigger(when)

    assert trigger.next_fire_times(2, after=when - timedelta(days=9)) == [when]
    assert list(trigger.between(when, when)) == [when]
    assert trigger.next_fire_times(2, after=when) == []


def test_a_date_combined_with_a_beat_fires_although_the_beat_fired_before():
    """In a combination, the other trigger's fires are not taken for this one's."""
    noon = datetime(2031, 5, 4, 12, tzinfo=UTC)
    both = OrTrigger([IntervalTrigger(hours=7, start_date=datetime(2031, 5, 4, tzinfo=UTC)), DateTrigger(noon)])

    assert [fire.hour for fire in both.next_fire_times(4, after=datetime(2031, 5, 3, tzinfo=UTC))] == [0, 7, 12, 14]
