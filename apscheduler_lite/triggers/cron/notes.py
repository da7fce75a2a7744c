"""Which fire times of a cron expression a clock change affects, and how."""

from __future__ import annotations

from apscheduler_lite._transitions import LocalClock
from apscheduler_lite.triggers.clock_notes import MOST_TIMES, ClockChangeNote, fold_outcome, gap_outcome, note

from .fires import Policy, fires_of, walls_between
from .search import Plan

__all__ = ["clock_change_notes"]


def clock_change_notes(plan: Plan, policy: Policy, clock: LocalClock, start: int, end: int) -> list[ClockChangeNote]:
    """Return the notes on the changes after the instant ``start`` and before ``end``, in their order."""
    notes: list[ClockChangeNote] = []
    change = clock.next_change(start, end)
    while change is not None:
        walls = walls_between(plan, change.low, change.high, MOST_TIMES + 1)
        if walls:
            fires = fires_of(plan, policy, change, walls[:MOST_TIMES])
            fold = "both" if plan.repeats else policy.fold
            outcome = gap_outcome(fires, policy.gap, len(walls)) if change.is_gap else fold_outcome(fold, len(walls))
            notes.append(note(change, walls, fires, clock.zone, outcome))
        change = clock.next_change(change.at, end)
    return notes
