"""Planning is held against a walk through every fire time and every moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler_lite._options import DEFAULT_OPTIONS
from apscheduler_lite._planning import Slot, first_slot, plan
from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.beat import Beat

BEGIN = 1_924_992_000_000_000
POLICIES = ("skip", "queue", "cancel_previous")
OPTIONS = st.fixed_dictionaries(
    {
        "misfire_grace_time": st.none() | st.integers(1, 60).map(lambda grace: grace / 1e6),
        "coalesce": st.booleans(),
        "max_instances": st.integers(1, 4),
        "on_overlap": st.sampled_from(POLICIES),
    }
).map(DEFAULT_OPTIONS.replaced)


@st.composite
def beats(draw):
    """Return a beat with or without an end, whose jitter keeps each fire time in its own slot."""
    every = draw(st.integers(2, 12))
    end = draw(st.none() | st.integers(every, every * 15))
    fires = range(every, every * 40, every)
    delays = draw(st.dictionaries(st.sampled_from(fires), st.integers(0, every - 1), max_size=20))
    return Beat(every, end, delays)


def all_fires(beat):
    """Return every fire time and when it is due, by counting."""
    end = 10**3 if beat.end is None else beat.end
    return [(fire, fire + beat.delay(fire)) for fire in range(beat.every, end + 1, beat.every)]


@settings(max_examples=1_000)
@given(beats(), OPTIONS, st.integers(0, 150), st.integers(0, 3), st.integers(0, 60))
def test_a_plan_is_what_a_walk_through_all_fire_times_finds(beat, options, now, running, position):
    """Runs, skipped and missed ones, the next one; each rule said once more, by enumeration."""
    fires = all_fires(beat)
    position = min(position, len(fires) - 1)
    fire, due = fires[position]
    now = max(now, due)
    due_fires = [each for each in fires[position:] if each[1] <= now]
    later = [each for each in fires[position:] if each[1] > now]

    made = plan(beat, Slot(fire, due), now, options, running)
    told = [[(slot.fire_time, slot.due) for slot in slots or ()] for slots in (made.runs, made.skipped, made.missed)]
    following = None if made.next is None else (made.next.fire_time, made.next.due)

    free = options.max_instances - running
    if free <= 0:
        if options.on_overlap != "skip":
            assert told == [[], [], []]
            assert made.waits
            assert following == (fire, due)
            assert made.backlog == (None if options.coalesce else fire)
        elif later:
            dropped = due_fires[-1:] if options.coalesce else due_fires
            assert [slot.fire_time for slot in made.skipped] == [fire for fire, _ in dropped]
            assert made.runs == []
            assert following == later[0]
        else:
            assert told == [[], [], []]
            assert made.waits
            assert following == (fire, due)
    elif options.coalesce:
        assert [slot.fire_time for slot in made.runs] == [due_fires[-1][0]]
        assert told[1:] == [[], []]
        assert following == (later[0] if later else None)
    else:
        fresh = [each for each in due_fires if options.grace is None or each[1] >= now - options.grace]
        taken = fresh[:free]
        left = fires[fires.index(taken[-1]) + 1 :] if taken else [each for each in fires[position:] if each[1] > now]
        old = [each for each in due_fires if each not in fresh and (not left or each[0] < left[0][0])]
        assert told == [taken, [], old]
        assert following == (left[0] if left else None)
        assert (made.backlog is not None) == bool(left and left[0][1] <= now)


@settings(max_examples=300)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("coalesce", [True, False])
@given(st.data(), beats(), st.integers(1, 3), st.booleans())
def test_claim_after_claim_no_fire_time_is_lost_or_doubled(coalesce, policy, data, beat, max_instances, can_overlap):
    """Whatever the moments at which one looks: each fire time is run, skipped, coalesced or missed, once, in order."""
    options = DEFAULT_OPTIONS.replaced({"coalesce": coalesce, "max_instances": max_instances, "on_overlap": policy})
    slot = first_slot(beat, 0)
    now, running, backlog = 0, 0, None
    accounted: list[tuple[str, int]] = []
    for _ in range(12):
        now += data.draw(st.integers(0, 40))
        if slot is None:
            break
        if slot.due > now:
            continue
        made = plan(beat, slot, now, options, running, backlog)
        accounted += [("run", each.fire_time) for each in made.runs]
        accounted += [("skipped", each.fire_time) for each in made.skipped or ()]
        running = min(running + len(made.runs), max_instances) if can_overlap and data.draw(st.booleans()) else 0
        slot, backlog = made.next, made.backlog

    times = [time for _, time in accounted]
    assert times == sorted(set(times))
    if not coalesce:
        assert times == [fire for fire, _ in all_fires(beat)][: len(times)]


@given(beats(), st.integers(0, 150), st.integers(1, 4), st.integers(0, 20), st.sampled_from(POLICIES[1:]))
def test_of_what_came_due_behind_a_waiting_run_only_the_last_of_the_schedule_is_kept(
    beat, now, max_instances, length, policy
):
    """Without coalescing; the rest is skipped, each fire time by itself. What waits gets its runs first, in order."""
    fires = all_fires(beat)
    fire, due = fires[0]
    now = max(now, due)
    backlog = fires[min(length, len(fires) - 1)][0]
    options = DEFAULT_OPTIONS.replaced({"coalesce": False, "max_instances": max_instances, "on_overlap": policy})

    made = plan(beat, Slot(fire, due), now, options, 0, backlog)

    due_fires = [fire for fire, due in fires if due <= now]
    waiting = [fire for fire in due_fires if fire <= backlog]
    behind = [fire for fire in due_fires if fire > backlog]
    assert [slot.fire_time for slot in made.runs] == waiting[:max_instances]
    if len(waiting) > max_instances:
        assert (made.next.fire_time, made.skipped, made.backlog) == (waiting[max_instances], None, backlog)
        return
    kept = behind.pop() if behind and len(due_fires) == len(fires) else None
    assert [slot.fire_time for slot in made.skipped or ()] == behind
    assert made.backlog == kept
    following = kept or next((fire for fire, due in fires if due > now), None)
    assert following == (None if made.next is None else made.next.fire_time)


@given(
    st.integers(1, 10**9),
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**7),
    st.integers(0, 50),
    st.booleans(),
    st.integers(1, 5),
)
def test_an_interval_trigger_is_planned_like_a_beat(length, start, period, instances, coalesce, end_after):
    """The real trigger, in microseconds, gives what counting gives."""
    trigger = IntervalTrigger(
        seconds=length / 1e6,
        start_date=from_instant(start, UTC),
        end_date=from_instant(start + length * (instances + end_after), UTC),
    )
    now = start + length * instances + period % length
    options = DEFAULT_OPTIONS.replaced({"coalesce": coalesce, "max_instances": 100})

    made = plan(trigger, Slot(start, start), now, options)

    expected = [start + length * instances] if coalesce else [start + length * each for each in range(instances + 1)]
    assert [slot.due for slot in made.runs] == expected
    assert made.next.fire_time == start + length * (instances + 1)


@given(
    period=st.integers(1, 50),
    due=st.integers(0, 500),
    late=st.integers(0, 5_000),
    most=st.integers(1, 30),
    up_since=st.none() | st.integers(0, 6_000),
    how=st.sampled_from(["latest", "all", "none"]),
    coalesce=st.booleans(),
)
def test_catching_up_drops_no_fire_time_in_silence(period, due, late, most, up_since, how, coalesce):
    """What was due is run, stands in a record, or was coalesced; bounds hold; no run is older than a record."""
    trigger = IntervalTrigger(seconds=period, start_date=from_instant(BEGIN, UTC))
    first = BEGIN + -(-due // period) * period * 1_000_000
    now = first + late * 1_000_000
    up = None if up_since is None else min(now, BEGIN + up_since * 1_000_000)
    chosen = {"catch_up": how, "max_catch_up": most, "coalesce": coalesce, "max_instances": 10_000}
    made = plan(trigger, Slot(first, first), now, DEFAULT_OPTIONS.replaced(chosen), up_since=up)

    fire_times = list(range(first, now + 1, period * 1_000_000))
    told = {
        each
        for slot in made.missed or ()
        for each in fire_times
        if (slot.since or slot.fire_time) <= each <= slot.fire_time
    }
    runs = [slot.fire_time for slot in made.runs]
    assert not told & set(runs)
    if how == "latest":
        assert (runs, told) == (fire_times[-1:], set())
    elif how == "all":
        assert runs == fire_times[-most:]
        assert told == set(fire_times[:-most])
    else:
        passed = {each for each in fire_times if up is not None and each < up and first < up}
        left = [each for each in fire_times if each not in passed]
        assert told == passed
        assert runs == (left[-1:] if coalesce else left)
    assert len(made.missed or ()) <= 1
    assert made.next.fire_time == fire_times[-1] + period * 1_000_000
