"""Which fire times of a cron expression a clock change affects, and how."""

from __future__ import annotations

from apscheduler_lite._transitions import Change, LocalClock
from apscheduler_lite.triggers.clock_notes import MOST_TIMES, ClockChangeNote, note

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
            notes.append(note(change, walls, fires, clock.zone, _outcome(plan, policy, change, walls, fires)))
        change = clock.next_change(change.at, end)
    return notes


def _outcome(plan: Plan, policy: Policy, change: Change, walls: list[int], fires: list[int]) -> str:
    one = len(walls) == 1
    if change.is_gap:
        if not fires:
            return "no fire"
        if policy.gap == "shift":
            return "one fire, as much later as the clock went forward" if one else "they fire as much later"
        return "one fire, right after the change"
    if plan.repeats or policy.fold == "both":
        return "two fires, one each time" if one else "they fire both times"
    return f"one fire, the {policy.fold} time" if one else f"they fire the {policy.fold} time only"
