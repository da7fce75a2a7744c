"""Facts about what a trigger of somebody else gets from BaseTrigger."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._clock import system_now
from apscheduler_lite._timezones import to_instant
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, tzinfo=BERLIN)


class Hourly(BaseTrigger):
    """As people write them for APScheduler 3."""

    def __init__(self, timezone=None, last=None):
        self.timezone = timezone
        self.last = last

    def get_next_fire_time(self, previous_fire_time, now):
        """Return the next full hour."""
        begin = now if previous_fire_time is None else previous_fire_time + timedelta(microseconds=1)
        found = (begin + timedelta(hours=1, microseconds=-1)).replace(minute=0, second=0, microsecond=0)
        return None if self.last is not None and found > self.last else found


class Answering(BaseTrigger):
    """A trigger that answers what it is told."""

    def __init__(self, answer):
        self.answer = answer

    def get_next_fire_time(self, previous_fire_time, now):
        """Return the answer."""
        return self.answer


def test_only_get_next_fire_time_is_needed():
    """Everything that a scheduler asks follows from it."""
    trigger = Hourly(BERLIN)
    start = to_instant(START)
    hour = 3600 * 10**6

    assert trigger.next_instant(None, start + 1) == start + hour
    assert trigger.next_instant(start, start) == start + hour
    assert trigger.first_instant(start) == start
    assert trigger.latest_instant(start, start + 3 * hour + 1) == start + 3 * hour
    assert trigger.latest_instant(start, start + hour - 1) is None
    assert trigger.delay(start) == 0
    assert trigger.bind(UTC, START) is trigger
    assert trigger.settle(UTC, start) is trigger
    assert trigger.own_previous(start) == start
    assert not trigger.keeps_beat
    assert trigger.zone is BERLIN
    assert trigger.describe() == str(trigger)
    assert trigger.clock_change_notes(START, START + timedelta(days=365)) == []


def test_it_is_asked_in_its_zone():
    """A trigger that rounds local times needs them local."""
    india = Hourly(ZoneInfo("Asia/Kolkata"))

    assert india.next_fire_times(1, after=START)[0] == datetime(2026, 1, 5, 0, 30, tzinfo=BERLIN)


def test_next_fire_times_are_later_than_after():
    """By default later than now; an ended trigger has fewer."""
    trigger = Hourly(BERLIN, last=START + timedelta(hours=2))

    assert trigger.next_fire_times(5, after=START) == [START + timedelta(hours=1), START + timedelta(hours=2)]
    assert trigger.next_fire_times(5, after="2026-01-05 01:30") == [START + timedelta(hours=2)]
    assert trigger.next_fire_times(0, after=START) == []
    assert Hourly(UTC).next_fire_times(1)[0] > system_now()


def test_between_includes_both_ends():
    """As start_date and end_date do."""
    trigger = Hourly(BERLIN)

    assert list(trigger.between(START, START + timedelta(hours=1))) == [START, START + timedelta(hours=1)]
    assert list(trigger.between("2026-01-05 00:01", "2026-01-05 00:59")) == []


def test_wrong_questions_are_told():
    """At the call, not at the first step of the iteration."""
    with pytest.raises(ValueError, match="n must not be negative: -1"):
        Hourly().next_fire_times(-1)
    with pytest.raises(TypeError, match="'float' object cannot be interpreted"):
        Hourly().next_fire_times(1.5)
    with pytest.raises(TypeError, match="after must be a datetime"):
        Hourly().next_fire_times(1, after=5)
    with pytest.raises(ValueError, match=r"end .* is earlier than start"):
        Hourly().between(START, START - timedelta(1))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (5, TypeError, "Answering.get_next_fire_time returned 5; it must return a datetime"),
        (datetime(2026, 1, 5), ValueError, "which has no time zone"),
        (START, ValueError, "not later than the previous fire time 2026-01-04T23:00:00"),
    ],
)
def test_a_wrong_answer_is_told(answer, error, words):
    """It would otherwise stop a job without a word."""
    with pytest.raises(error, match=words):
        Answering(answer).next_instant(to_instant(START), to_instant(START))


def test_an_earlier_answer_is_right_when_the_clock_was_set_back():
    """The search begins at now again."""
    assert Answering(START).next_instant(to_instant(START), to_instant(START) - 1) == to_instant(START)


def test_an_answer_in_the_past_leads_to_the_first_that_is_not(monkeypatch):
    """first_instant asks on, and gives up where the trigger does not come nearer."""

    class FromTheStart(Hourly):
        def get_next_fire_time(self, previous_fire_time, now):
            return START if previous_fire_time is None else super().get_next_fire_time(previous_fire_time, now)

    day = 86_400 * 10**6
    assert FromTheStart(BERLIN).first_instant(to_instant(START) + day) == to_instant(START) + day
    assert FromTheStart(BERLIN, last=START).first_instant(to_instant(START) + day) is None
    monkeypatch.setattr("apscheduler_lite.triggers.base._MAX_STEPS", 3)
    assert FromTheStart(BERLIN).first_instant(to_instant(START) + day) is None


def test_the_latest_of_very_many_is_a_good_guess(monkeypatch):
    """Asking one by one ends after a number of steps."""
    monkeypatch.setattr("apscheduler_lite.triggers.base._MAX_STEPS", 10)
    start = to_instant(START)

    assert Hourly(UTC).latest_instant(start, start + 10**15) == start + 10 * 3600 * 10**6
    assert Answering(START).first_instant(start) == start


def test_same_schedule_compares_the_attributes():
    """Objects that refuse to be compared are not the same."""

    class Grumpy:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    one = Hourly(BERLIN)
    assert one.is_same_schedule(one)
    assert one.is_same_schedule(Hourly(BERLIN))
    assert not one.is_same_schedule(Hourly(UTC))
    assert not one.is_same_schedule(Answering(START))
    assert not Answering(Grumpy()).is_same_schedule(Answering(Grumpy()))


def test_apply_jitter_is_there_for_triggers_that_call_it():
    """It adds up to so many seconds."""
    trigger = Hourly()

    assert trigger._apply_jitter(None, 5, START) is None
    assert trigger._apply_jitter(START, None, START) == START
    moved = [trigger._apply_jitter(START, 5, START) - START for _ in range(200)]
    assert timedelta(0) <= min(moved) < timedelta(seconds=1)
    assert timedelta(seconds=4) < max(moved) <= timedelta(seconds=5)


def test_subclasses_of_our_triggers_keep_their_attributes():
    """Through bind and pickle, with or without slots."""
    made = Labelled(hours=1)
    made.label = "mine"

    assert made.bind(BERLIN, START).label == "mine"
    assert type(pickle.loads(pickle.dumps(made))) is Labelled


class Labelled(IntervalTrigger):
    """A subclass with an attribute of its own."""


def test_a_trigger_without_get_next_fire_time_cannot_be_made():
    """The one method that every trigger must have."""
    with pytest.raises(TypeError, match="get_next_fire_time"):
        BaseTrigger()
