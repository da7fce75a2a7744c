"""Facts about what becomes of a due job: the rules of the module's header, one table for each."""

from __future__ import annotations

import pytest

from apscheduler_lite._options import DEFAULT_OPTIONS
from apscheduler_lite._planning import LISTED, Plan, Slot, backoff, first_slot, is_superseded, plan
from apscheduler_lite.runs import Run
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.date import DateTrigger
from tests.beat import Beat


def decide(beat, slot, now, *, coalesce=True, max_instances=1, grace=None, running=0, backlog=None, on_overlap="skip"):
    """Return what becomes of a job with that trigger."""
    seconds = None if grace is None else grace / 1e6
    options = DEFAULT_OPTIONS.replaced(
        {
            "misfire_grace_time": seconds,
            "coalesce": coalesce,
            "max_instances": max_instances,
            "on_overlap": on_overlap,
        }
    )
    return plan(beat, Slot(slot, slot + beat.delay(slot)), now, options, running, backlog)


def told(made: Plan):
    """Return a plan as fire times, leaving out what is empty."""
    facts = {
        "runs": [slot.fire_time for slot in made.runs],
        "next": None if made.next is None else made.next.fire_time,
        "skipped": [slot.fire_time for slot in made.skipped or ()],
        "missed": [slot.fire_time for slot in made.missed or ()],
        "waits": made.waits,
        "backlog": made.backlog,
    }
    return {name: value for name, value in facts.items() if value or name in ("runs", "next")}


@pytest.mark.parametrize(
    ("slot", "now", "end", "expected"),
    [
        pytest.param(10, 10, None, {"runs": [10], "next": 20}, id="on time"),
        pytest.param(10, 19, None, {"runs": [10], "next": 20}, id="late within the period"),
        pytest.param(10, 20, None, {"runs": [20], "next": 30}, id="late by a period"),
        pytest.param(10, 47, None, {"runs": [40], "next": 50}, id="late by many"),
        pytest.param(10, 10, 10, {"runs": [10], "next": None}, id="the last one"),
        pytest.param(10, 99, 30, {"runs": [30], "next": None}, id="late beyond the end"),
        pytest.param(10, 25, 30, {"runs": [20], "next": 30}, id="the end is still to come"),
    ],
)
def test_coalescing_runs_the_latest_fire_time(slot, now, end, expected):
    """One run for all that are due; the next is the one after now."""
    assert told(decide(Beat(10, end), slot, now)) == expected


def test_coalescing_asks_the_trigger_directly():
    """However far behind a job is, its fire times are not enumerated."""
    beat = Beat(1)

    made = decide(beat, 0, 10**12)

    assert told(made) == {"runs": [10**12], "next": 10**12 + 1}
    assert beat.asked <= 3


def test_coalescing_ignores_the_grace_time():
    """The latest fire time is judged when its run starts, not here."""
    assert told(decide(Beat(10), 10, 19, grace=1)) == {"runs": [10], "next": 20}


@pytest.mark.parametrize(
    ("slot", "now", "end", "free", "expected"),
    [
        pytest.param(10, 10, None, 5, {"runs": [10], "next": 20}, id="one"),
        pytest.param(10, 35, None, 5, {"runs": [10, 20, 30], "next": 40}, id="all"),
        pytest.param(10, 30, None, 3, {"runs": [10, 20, 30], "next": 40}, id="just as many as are free"),
        pytest.param(10, 35, None, 2, {"runs": [10, 20], "next": 30, "backlog": 35}, id="more than are free"),
        pytest.param(10, 99, 20, 5, {"runs": [10, 20], "next": None}, id="to the end"),
        pytest.param(10, 99, 20, 1, {"runs": [10], "next": 20, "backlog": 99}, id="the end waits"),
        pytest.param(10, 20, 20, 2, {"runs": [10, 20], "next": None}, id="the end and no more"),
    ],
)
def test_without_coalescing_each_fire_time_has_a_run(slot, now, end, free, expected):
    """As many as are free; the rest is the backlog."""
    assert told(decide(Beat(10, end), slot, now, coalesce=False, max_instances=free)) == expected


def test_without_coalescing_runs_in_progress_take_up_room():
    """Of three instances one is running."""
    made = decide(Beat(10), 10, 45, coalesce=False, max_instances=3, running=1)

    assert told(made) == {"runs": [10, 20], "next": 30, "backlog": 45}


@pytest.mark.parametrize(
    ("now", "grace", "expected"),
    [
        pytest.param(45, 5, {"runs": [40], "next": 50, "missed": [10, 20, 30]}, id="just in time"),
        pytest.param(46, 5, {"runs": [], "next": 50, "missed": [10, 20, 30, 40]}, id="too late"),
        pytest.param(45, 25, {"runs": [20, 30, 40], "next": 50, "missed": [10]}, id="some"),
        pytest.param(45, 1000, {"runs": [10, 20, 30, 40], "next": 50}, id="none"),
    ],
)
def test_without_coalescing_what_is_older_than_the_grace_time_is_missed(now, grace, expected):
    """The missed ones are told one by one."""
    assert told(decide(Beat(10), 10, now, coalesce=False, max_instances=9, grace=grace)) == expected


def test_the_missed_do_not_take_up_room():
    """They are not run, so they need no instance."""
    made = decide(Beat(10), 10, 55, coalesce=False, max_instances=1, grace=10)

    assert told(made) == {"runs": [50], "next": 60, "missed": [10, 20, 30, 40]}


def test_a_schedule_may_end_with_what_is_missed():
    """Then nothing is run any more."""
    assert told(decide(Beat(10, 20), 10, 99, coalesce=False, grace=1)) == {"runs": [], "next": None, "missed": [10, 20]}


def test_a_long_list_of_missed_times_is_cut():
    """After a thousand of them the rest is passed over in one step; the last one told says since when."""
    beat = Beat(1)

    made = decide(beat, 1, 1_000_000, coalesce=False, max_instances=9, grace=3)

    assert told(made)["runs"] == [999_997, 999_998, 999_999, 1_000_000]
    assert told(made)["missed"] == [*range(1, LISTED + 1), 999_996]
    assert made.missed[-1].since == LISTED + 1
    assert beat.asked < 2 * LISTED


def test_without_coalescing_each_overlapping_fire_time_is_skipped():
    """Each is told by itself, oldest first; with coalescing they are one, the latest."""
    apart = decide(Beat(10), 10, 45, coalesce=False, running=1)
    together = decide(Beat(10), 10, 45, coalesce=True, running=1)

    assert told(apart) == {"runs": [], "next": 50, "skipped": [10, 20, 30, 40]}
    assert told(together) == {"runs": [], "next": 50, "skipped": [40]}


@pytest.mark.parametrize("policy", ["queue", "cancel_previous"])
@pytest.mark.parametrize("end", [None, 10], ids=["goes on", "last"])
def test_one_run_waits_for_the_slot(policy, end):
    """With coalescing it is the latest when the slot is free; without, the first one, which is a backlog of one."""
    together = decide(Beat(10, end), 10, 45, running=1, on_overlap=policy)
    apart = decide(Beat(10, end), 10, 45, coalesce=False, running=1, on_overlap=policy)

    assert told(together) == {"runs": [], "next": 10, "waits": True}
    assert told(apart) == {"runs": [], "next": 10, "waits": True, "backlog": 10}


@pytest.mark.parametrize("policy", ["queue", "cancel_previous"])
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(None, {"runs": [10], "skipped": [20, 30, 40], "next": 50}, id="goes on"),
        pytest.param(40, {"runs": [10], "skipped": [20, 30], "next": 40, "backlog": 40}, id="the last one waits"),
        pytest.param(20, {"runs": [10], "next": 20, "backlog": 20}, id="only the last one"),
        pytest.param(10, {"runs": [10], "next": None}, id="over"),
    ],
)
def test_what_came_due_behind_the_waiting_run_is_skipped(policy, end, expected):
    """Without coalescing, when the slot has become free."""
    assert told(decide(Beat(10, end), 10, 45, coalesce=False, backlog=10, on_overlap=policy)) == expected


def test_a_plan_can_be_cut_to_the_free_workers():
    """What is left stays due as a backlog; of what was to be skipped behind it, nothing is decided yet."""
    late = decide(Beat(10), 10, 45, coalesce=False, max_instances=9)
    late.cut(1, 45)
    queued = decide(Beat(10), 10, 45, coalesce=False, max_instances=9, backlog=20, on_overlap="queue")
    assert told(queued) == {"runs": [10, 20], "skipped": [30, 40], "next": 50}
    queued.cut(1, 45)

    assert told(late) == {"runs": [10], "next": 20, "backlog": 45}
    assert told(queued) == {"runs": [10], "next": 20, "backlog": 20}


@pytest.mark.parametrize(
    ("policy", "started", "due", "expected"),
    [
        ("cancel_previous", 10, 20, True),
        ("cancel_previous", None, 20, True),
        ("cancel_previous", 25, 20, False),
        ("queue", 10, 20, False),
        ("skip", 10, 20, False),
    ],
    ids=["came due meanwhile", "has not begun", "was due before", "queue", "skip"],
)
def test_a_run_is_superseded_by_one_that_came_due_while_it_went_on(policy, started, due, expected):
    """Not by a backlog that was there when it began."""
    run = Run.recorded("id", "job", "default", "default", 0, 0)
    run.started = started

    assert is_superseded(run, DEFAULT_OPTIONS.replaced({"on_overlap": policy}), due) is expected


def test_a_long_list_of_skipped_times_is_cut():
    """After a thousand of them the rest is passed over in one step; the last one told says since when."""
    beat = Beat(1)

    made = decide(beat, 1, 1_000_000, coalesce=False, running=1)

    assert told(made)["skipped"] == [*range(1, LISTED + 1), 1_000_000]
    assert made.skipped[-1].since == LISTED + 1
    assert beat.asked < 2 * LISTED


def test_the_cut_passes_over_nothing_when_there_is_nothing():
    """The thousand and first missed time is the last one."""
    made = decide(Beat(10), 10, 10_010 + 5, coalesce=False, max_instances=9, grace=1)

    assert told(made)["missed"] == list(range(10, 10_011, 10))
    assert told(made)["next"] == 10_020


@pytest.mark.parametrize("coalesce", [True, False])
@pytest.mark.parametrize(
    ("slot", "now", "end", "backlog", "expected"),
    [
        pytest.param(10, 10, None, None, {"runs": [], "next": 20, "skipped": [10]}, id="skipped"),
        pytest.param(10, 10, 10, None, {"runs": [], "next": 10, "waits": True}, id="the last one waits"),
        pytest.param(10, 99, 30, None, {"runs": [], "next": 10, "waits": True}, id="so do the last ones"),
        pytest.param(10, 45, None, 10, {"runs": [], "next": 10, "waits": True, "backlog": 10}, id="backlog waits"),
        pytest.param(10, 45, None, 99, {"runs": [], "next": 10, "waits": True, "backlog": 99}, id="all of it"),
        pytest.param(20, 29, None, 19, {"runs": [], "next": 30, "skipped": [20]}, id="the backlog is over"),
    ],
)
def test_what_overlaps_is_skipped_or_waits(coalesce, slot, now, end, backlog, expected):
    """It waits when nothing would come after it, or when it was due already at the last claim."""
    made = decide(Beat(10, end), slot, now, coalesce=coalesce, running=1, backlog=backlog)

    assert told(made) == expected


def test_more_may_run_than_is_allowed_by_now():
    """When `max_instances` was lowered meanwhile, that is an overlap too."""
    assert told(decide(Beat(10), 10, 10, max_instances=1, running=3)) == {"runs": [], "next": 20, "skipped": [10]}


@pytest.mark.parametrize(
    ("delays", "slot", "now", "runs", "following"),
    [
        pytest.param({20: 5}, 10, 10, [(10, 10)], (20, 25), id="the next one is delayed"),
        pytest.param({10: 5}, 10, 15, [(10, 15)], (20, 20), id="this one was delayed"),
        pytest.param({20: 5}, 10, 22, [(10, 10)], (20, 25), id="the latest is not due yet"),
        pytest.param({20: 5}, 10, 25, [(20, 25)], (30, 30), id="the latest is due"),
        pytest.param({40: 9}, 10, 45, [(30, 30)], (40, 49), id="the one before the latest"),
        pytest.param({50: 3}, 10, 45, [(40, 40)], (50, 53), id="behind, and the next is delayed"),
    ],
)
def test_jitter_delays_a_fire_time_and_drops_none(delays, slot, now, runs, following):
    """With coalescing: the latest whose jittered time has come is run, the one after it is next."""
    made = decide(Beat(10, delays=delays), slot, now)

    assert [(each.fire_time, each.due) for each in made.runs] == runs
    assert (made.next.fire_time, made.next.due) == following


def test_jitter_delays_each_of_many_runs():
    """Without coalescing they keep their order, and what is not due yet is next."""
    beat = Beat(10, delays={10: 3, 20: 9, 30: 4})

    made = decide(beat, 10, 32, coalesce=False, max_instances=9)

    assert [(each.fire_time, each.due) for each in made.runs] == [(10, 13), (20, 29)]
    assert (made.next.fire_time, made.next.due) == (30, 34)
    assert made.backlog is None


# -- where a schedule begins ---------------------------------------------------------------------------------------


class Counted(Beat):
    """A beat that answers with its start, however long ago that was, as a calendar interval does."""

    def next_instant(self, previous, now):
        return self.start if previous is None else super().next_instant(previous, now)


@pytest.mark.parametrize(
    ("beat", "now", "expected"),
    [
        pytest.param(Beat(10), 5, 10, id="the next one"),
        pytest.param(Beat(10), 10, 10, id="now"),
        pytest.param(Beat(10, 20), 21, None, id="it is over"),
        pytest.param(Counted(10), 35, 40, id="a start in the past"),
        pytest.param(Counted(10), 40, 40, id="a start in the past, and now"),
        pytest.param(Counted(10, 30), 35, None, id="over, with a start in the past"),
        pytest.param(DateTrigger("1970-01-01T00:00:00.000050+00:00"), 70, 50, id="a single time is late, not lost"),
        pytest.param(DateTrigger("1970-01-01T00:00:00.000090+00:00"), 70, 90, id="a single time to come"),
    ],
)
def test_a_schedule_begins_now(beat, now, expected):
    """Not in the past, except for a single time."""
    slot = first_slot(beat, now)

    assert (None if slot is None else slot.fire_time) == expected


def test_a_schedule_begins_with_jitter():
    """Its first fire time is delayed as all others."""
    slot = first_slot(Beat(10, delays={10: 4}), 5)

    assert slot == Slot(10, 14)


# -- values --------------------------------------------------------------------------------------------------------


def test_slots_are_compared_by_what_they_say():
    """And printed."""
    assert Slot(1, 2) == Slot(1, 2)
    assert Slot(1, 2) != Slot(1, 3)
    assert Slot(1, 2) != (1, 2)
    assert repr(Slot(1, 2)) == "Slot(1, 2)"


def test_pauses_double_up_to_a_limit():
    """Half a second first; the count of failures may be any."""
    assert [backoff(failures, 10) for failures in (1, 2, 3, 4, 5, 6, 10_000)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_job_begins_anew_after_the_fire_time_that_is_being_run():
    """Fire times strictly increase, also when the trigger is asked again while a run of it goes on."""
    trigger = CronTrigger(minute="*", timezone="UTC")

    assert first_slot(trigger, 0) == Slot(0, 0)
    assert first_slot(trigger, 0, made=0) == Slot(60_000_000, 60_000_000)
    assert first_slot(trigger, 90_000_000, made=0) == Slot(120_000_000, 120_000_000)
