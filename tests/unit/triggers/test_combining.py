"""Facts about AndTrigger and OrTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger, OrTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 1, 5, tzinfo=BERLIN)


def every(seconds, shift=0, **options):
    """Return an interval trigger on a grid that is shifted from the start."""
    start = START + timedelta(seconds=shift)
    return IntervalTrigger(seconds=seconds, start_date=start, timezone=BERLIN, **options)


def offsets(fires):
    """Return the fire times as seconds from the start."""
    return [(fire - START).total_seconds() for fire in fires]


class EveryTenSeconds(BaseTrigger):
    """A trigger written for APScheduler 3: only get_next_fire_time."""

    def get_next_fire_time(self, previous_fire_time, now):
        """Return the first multiple of ten seconds that is due."""
        begin = now if previous_fire_time is None else previous_fire_time + timedelta(microseconds=1)
        since = (begin - START) / timedelta(seconds=10)
        return START + timedelta(seconds=10) * -int(-since // 1)


def test_or_is_the_union():
    """In order, and once where both fire."""
    trigger = OrTrigger([every(4), every(6, shift=4)])

    assert offsets(trigger.between(START, START + timedelta(seconds=16))) == [0, 4, 8, 10, 12, 16]


def test_or_leaves_the_grid_of_an_interval_alone():
    """A fire of the other trigger in between does not shift the interval, as it did in APScheduler 3."""
    trigger = OrTrigger([every(10), DateTrigger(START + timedelta(seconds=13))])

    assert offsets(trigger.next_fire_times(4, after=START)) == [10, 13, 20, 30]


def test_and_is_the_intersection():
    """Of two beats, the beat of their least common multiple."""
    trigger = AndTrigger([every(4), every(6, shift=2)])

    assert offsets(trigger.next_fire_times(3, after=START)) == [8, 20, 32]
    assert trigger.latest_instant(0, to_instant(START) + 19_999_999) == to_instant(START) + 8_000_000


def test_and_of_beats_that_meet_after_centuries_is_computed():
    """Not searched: 86,399 seconds and 1.000001 seconds meet once in 2,737 years."""
    trigger = AndTrigger([every(86_399), every(1.000001)])

    assert [fire.year for fire in trigger.next_fire_times(2, after=START)] == [4763, 7501]


def test_and_of_beats_that_never_meet_is_told_at_once():
    """An interval from an odd microsecond never meets a whole second."""
    interval = IntervalTrigger(hours=2, start_date=START + timedelta(microseconds=7))
    trigger = AndTrigger([interval, CalendarIntervalTrigger(days=1, timezone=BERLIN)])

    with pytest.warns(SchedulerWarning, match="never meet"):
        assert trigger.get_next_fire_time(None, START) is None
    assert trigger.latest_instant(0, to_instant(START)) is None


def test_and_stops_searching_after_a_bound():
    """Every 25 hours from a second past midnight is never at midnight; the search ends, with a warning."""
    trigger = AndTrigger(
        [every(90_000, shift=1), CalendarIntervalTrigger(days=1, start_date="2026-01-01", timezone=BERLIN)]
    )

    with pytest.warns(SchedulerWarning, match="in 20000 leaps"):
        assert trigger.get_next_fire_time(None, START) is None


def test_the_latest_common_fire_is_searched_within_the_bound_too(monkeypatch):
    """And is None when there is none."""
    monkeypatch.setattr("apscheduler_lite.triggers.combining._MAX_LEAPS", 50)
    daily = CalendarIntervalTrigger(days=1, start_date="2026-01-01", timezone=BERLIN)
    trigger = AndTrigger([every(90_000, shift=1), daily])

    assert trigger.latest_instant(0, to_instant(START + timedelta(days=999))) is None
    assert trigger.latest_instant(0, to_instant(START + timedelta(days=9))) is None


def test_the_grids_of_combinations_contain_their_fires():
    """The union's is as coarse as may be, the intersection's computed."""
    assert OrTrigger([every(6), every(10, shift=4)]).grid == (to_instant(START), 2_000_000)
    offset, step = AndTrigger([every(6), every(10, shift=4)]).grid
    assert (offset - to_instant(START)) % step == 24_000_000
    assert step == 30_000_000
    assert AndTrigger([every(2), every(2, shift=1)]).grid == (0, 1)


def test_and_ends_with_the_first_of_its_triggers():
    """Each child keeps its own start and end."""
    trigger = AndTrigger([every(2, end_date=START + timedelta(seconds=14)), every(3, shift=6)])

    assert offsets(trigger.next_fire_times(9, after=START - timedelta(days=1))) == [6, 12]


def test_or_ends_with_the_last_of_its_triggers():
    """Each child keeps its own start and end."""
    trigger = OrTrigger([every(2, end_date=START + timedelta(seconds=3)), DateTrigger(START + timedelta(seconds=9))])

    assert offsets(trigger.next_fire_times(9, after=START - timedelta(days=1))) == [0, 2, 9]


def test_they_nest():
    """A combination is a trigger."""
    trigger = AndTrigger([OrTrigger([every(4), every(6)]), every(3)])

    assert offsets(trigger.next_fire_times(4, after=START)) == [6, 12, 18, 24]


def test_a_past_date_still_fires_first():
    """Now and then every hour: a DateTrigger of the moment before is not lost."""
    trigger = OrTrigger([DateTrigger(START), every(3600, shift=3600)])

    assert trigger.next_instant(None, to_instant(START) + 5) == to_instant(START)


def test_triggers_of_others_can_be_combined():
    """Their fire times are asked for one after the other."""
    both = AndTrigger([EveryTenSeconds(), every(4)])
    any_ = OrTrigger([EveryTenSeconds(), every(4)])

    assert offsets(both.next_fire_times(3, after=START)) == [20, 40, 60]
    assert offsets(any_.next_fire_times(4, after=START)) == [4, 8, 10, 12]
    assert both.latest_instant(to_instant(START), to_instant(START) + 59_000_000) == to_instant(START) + 40_000_000


def test_the_answers_are_in_the_zone_of_the_first_child_that_has_one():
    """A child without a zone has no say."""
    trigger = OrTrigger([EveryTenSeconds(), every(4), DateTrigger(START.astimezone(TOKYO))])

    fire = trigger.get_next_fire_time(None, START)
    assert fire is not None
    assert fire.tzinfo is BERLIN


def test_jitter_stays_in_the_slot():
    """By default it is that of the child that fires; the trigger's own takes its place."""
    by_child = OrTrigger([every(10, jitter=3), every(10, shift=5)])
    own = OrTrigger([every(10, jitter=3), every(10, shift=5)], jitter=99)

    first = offsets(by_child.get_next_fire_time(None, START) for _ in range(200))
    second = offsets(by_child.get_next_fire_time(START, START) for _ in range(20))
    assert min(first) >= 0
    assert 1 < max(first) <= 3
    assert set(second) == {5}
    wide = offsets(own.get_next_fire_time(None, START) for _ in range(200))
    assert 3 < max(wide) < 5


def test_bind_binds_the_children():
    """An implicit start within is one interval from the scheduler's now."""
    trigger = OrTrigger([IntervalTrigger(hours=1), DateTrigger(START)])
    now = datetime(2031, 1, 1, tzinfo=UTC)

    bound = trigger.bind(TOKYO, now)
    assert bound.next_fire_times(2, after=now - timedelta(days=9))[0] == now + timedelta(hours=1)
    assert bound.bind(BERLIN, now) is bound
    assert bound.triggers[1] is trigger.triggers[1]
    assert trigger.triggers[0] is not bound.triggers[0]


def test_same_schedule_compares_the_children():
    """Pairwise, with their starts left open."""
    one = OrTrigger([IntervalTrigger(hours=1, timezone=BERLIN), every(5)])
    same = OrTrigger([IntervalTrigger(hours=1, timezone=BERLIN), every(5)])

    assert one.is_same_schedule(same)
    assert not one.is_same_schedule(AndTrigger(one.triggers))
    assert not one.is_same_schedule(OrTrigger(one.triggers, jitter=1))
    assert not one.is_same_schedule(OrTrigger(one.triggers[:1]))
    assert not one.is_same_schedule(OrTrigger([every(5), every(6)]))


def test_repr_and_str_have_the_form_of_apscheduler_3():
    """The children in brackets."""
    trigger = AndTrigger([DateTrigger(START), every(60)], jitter=3)

    assert str(trigger) == "and[date[2026-01-05 00:00:00 CET], interval[0:01:00]]"
    assert repr(trigger) == f"<AndTrigger([{trigger.triggers[0]!r}, {trigger.triggers[1]!r}], jitter=3)>"
    assert repr(OrTrigger([DateTrigger(START)])) == "<OrTrigger([<DateTrigger (run_date='2026-01-05 00:00:00 CET')>])>"


def test_states_restore():
    """Ours through pickle, and that of APScheduler 3, where children are class names with states."""
    trigger = OrTrigger([every(5), DateTrigger(START)], jitter=2)

    assert repr(pickle.loads(pickle.dumps(trigger))) == repr(trigger)
    old = OrTrigger.__new__(OrTrigger)
    child = {"version": 1, "run_date": START}
    old.__setstate__({"version": 1, "triggers": [("apscheduler.triggers.date:DateTrigger", child)], "jitter": None})
    assert repr(old) == repr(OrTrigger([DateTrigger(START)]))


@pytest.mark.parametrize(
    "reference", ["os:system", "nowhere.to_be_found:Trigger", "apscheduler.triggers.date:datetime"]
)
def test_a_state_cannot_name_a_class_that_is_no_trigger(reference):
    """Nothing is imported because the data says so."""
    with pytest.raises(ValueError, match="no trigger class"):
        OrTrigger.__new__(OrTrigger).__setstate__({"version": 1, "triggers": [(reference, {})]})


@pytest.mark.parametrize(
    ("triggers", "error", "words"),
    [([], ValueError, "must not be empty"), (None, TypeError, "list of triggers"), (["x"], TypeError, "contains 'x'")],
)
def test_wrong_arguments_are_named(triggers, error, words):
    """The message shows what was given."""
    with pytest.raises(error, match=words):
        AndTrigger(triggers)
