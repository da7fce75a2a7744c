"""
From wall times to fire times: the policy for clock changes.

Let W be the wall times, in whole seconds, that match an expression. Away from clock changes each of them is one
instant, and the trigger need not ask here. Near one it depends on the kind of expression:

- A *repeating* one, with a ``*`` in the hours or minutes, fires whenever the clock reads a time in W, and only then:
  what a gap swallows is not made up for, and both passes of a fold fire. So the beat is kept.
- A *fixed* one fires once for every time in W whose date exists: at the first instant at which the clock reads it or
  later. That is the first reading in a fold and the end of the gap for times that a gap swallows. `Policy` has the
  alternatives.

A search walks over the `Period`s of the zone and asks for each which fire times belong to it: those read in it,
and those that the gap at its start swallowed. Both directions do the same, mirrored.

All instants and wall times are in microseconds, as in `_transitions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from apscheduler_lite._text import did_you_mean, one_of, shorten
from apscheduler_lite._timezones import LAST_INSTANT
from apscheduler_lite._transitions import Change, LocalClock, Period

from .search import Plan, last_wall, next_wall

__all__ = [
    "EARLIEST",
    "Policy",
    "choose_policy",
    "fires_of",
    "last_fire",
    "last_repeated",
    "next_fire",
    "next_repeated",
    "walls_between",
]

_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_NEAR = 2 * _DAY  # how far from a wall time the search begins to look at clock changes
_CALENDAR = 146_097 * _DAY  # 400 years, after which the calendar repeats

#: No expression matches earlier: years count from 1970.
EARLIEST = -2 * _DAY


class Policy(NamedTuple):
    """What becomes of the times of fixed expressions that a clock change takes away or repeats."""

    gap: str  # one of GAPS
    fold: str  # one of FOLDS


GAPS = ("after", "shift", "skip")
FOLDS = ("first", "last", "both")
_DEFAULT_POLICY = Policy("after", "first")


def choose_policy(dst_gap: object, dst_fold: object) -> Policy:
    """
    Return the policy of two arguments.

    Raises:
        ValueError: one of them is none of the choices.
    """
    if dst_gap == "after" and dst_fold == "first":
        return _DEFAULT_POLICY
    for name, value, choices in (("dst_gap", dst_gap, GAPS), ("dst_fold", dst_fold, FOLDS)):
        if value not in choices:
            raise ValueError(
                f"{name} must be one of {one_of(choices)}, not {shorten(value)}{did_you_mean(value, choices)}"
            )
    return Policy(str(dst_gap), str(dst_fold))


def next_fire(plan: Plan, policy: Policy, clock: LocalClock, begin: int, period: Period) -> int | None:
    """Return the first fire time from an instant on, given the period that holds the instant."""
    if period.steady_start <= begin < period.steady_end:
        # An optimization for the common case: both ends of the way are steady, and what lies between concerns no time
        # in W. This is _next(), without the call.
        local = _EPOCH + timedelta(0, 0, begin + period.offset + _SECOND - 1)
        next_local = next_wall(plan, local, local.second, None)
        if next_local is None:
            return None
        wall = _wall(next_local)
        found = wall - period.offset
        if found < period.steady_end:
            return found
        period = clock.period_at(found)
        found = wall - period.offset
        if period.steady_start <= found < period.steady_end:
            return found
    return _walk_to_next(plan, policy, clock, begin)


def _walk_to_next(plan: Plan, policy: Policy, clock: LocalClock, begin: int) -> int | None:
    limit = LAST_INSTANT
    while begin <= limit:
        period = clock.period_at(begin)
        found = _first_in(plan, policy, period, begin)
        if found is not None:
            return found
        end = period.end
        if period.steady_start <= begin < period.steady_end:
            wall = _next(plan, begin + period.offset)
            if wall is None:
                return None
            # All the clock changes before that wall time concern no time in W, so they can be jumped over.
            end = max(end, wall - period.offset - _NEAR)
        if limit == LAST_INSTANT:  # the first match was lost; if they all are, four centuries of it are enough
            limit = min(LAST_INSTANT - 1, end + _CALENDAR)
        begin = end
    return None


def last_fire(plan: Plan, policy: Policy, clock: LocalClock, end: int, after: int) -> int | None:
    """Return the last fire time up to the instant ``end`` that is later than ``after``."""
    after = max(after, EARLIEST)
    while end > after:
        period = clock.period_at(end)
        found = _last_in(plan, policy, period, end)
        if found is not None:
            return found if found > after else None
        previous = period.start - 1
        if period.steady_start <= end < period.steady_end:
            wall = _last(plan, end + period.offset)
            if wall is None:
                return None
            previous = min(previous, wall - period.offset + _NEAR)
        end = previous
    return None


def next_repeated(plan: Plan, policy: Policy, clock: LocalClock, begin: int) -> int | None:
    """
    Return the first second reading from an instant on of a wall time in W whose first reading was before that instant.

    That is the fire of a fixed trigger that was too late for the first reading; None where the policy takes no first
    readings.
    """
    if plan.repeats or policy.fold != "first":
        return None
    fold = _fold_around(clock, begin)
    if fold is None:
        return None
    low, high, offset = fold
    wall = _next(plan, low)
    return wall - offset if wall is not None and wall < high else None


def last_repeated(plan: Plan, clock: LocalClock, begin: int, end: int) -> int | None:
    """Return the last instant up to ``end`` of those of which `next_repeated` returns the first."""
    fold = _fold_around(clock, begin)
    if fold is None:
        return None
    low, high, offset = fold
    wall = _last(plan, min(high - 1, end + offset))
    return wall - offset if wall is not None and wall >= low else None


def walls_between(plan: Plan, low: int, high: int, most: int) -> list[int]:
    """Return the wall times in W from ``low`` up to ``high``, so many at most."""
    walls: list[int] = []
    wall = _next(plan, low)
    while wall is not None and wall < high and len(walls) < most:
        walls.append(wall)
        wall = _next(plan, wall + 1)
    return walls


def fires_of(plan: Plan, policy: Policy, change: Change, walls: list[int]) -> list[int]:
    """Return the fire times that become of wall times in W that a clock change swallows or repeats."""
    before, after = change.offset_before, change.offset_after
    if not change.is_gap:
        passes = {"first": (before,), "last": (after,), "both": (before, after)}
        return [wall - offset for offset in passes["both" if plan.repeats else policy.fold] for wall in walls]
    if plan.repeats or policy.gap == "skip":
        return []
    lost = tuple(_lost(Period(change.at, change.at, after, before, after)))
    walls = [wall for wall in walls if any(low <= wall < high for low, high in lost)]
    return [change.at] if policy.gap == "after" and walls else [wall - before for wall in walls]


def _first_in(plan: Plan, policy: Policy, period: Period, begin: int) -> int | None:
    """Return the first fire time from ``begin`` on that belongs to the period."""
    offset = period.offset
    low, high = max(begin, period.start) + offset, period.end + offset
    if plan.repeats:
        wall = _next(plan, low)
        return wall - offset if wall is not None and wall < high else None
    low, high = _owned(policy, period, low, high)
    wall = _next(plan, low)
    found = wall - offset if wall is not None and wall < high else None
    if policy.gap == "after" and begin <= period.start:
        if _has_lost(plan, period):
            return period.start
    elif policy.gap == "shift":
        for first, beyond in _lost(period):
            wall = _next(plan, max(first, begin + period.offset_before))
            if wall is not None and wall < beyond:
                shifted = wall - period.offset_before
                return shifted if found is None else min(found, shifted)
    return found


def _last_in(plan: Plan, policy: Policy, period: Period, end: int) -> int | None:
    """Return the last fire time up to ``end`` that belongs to the period."""
    offset = period.offset
    low, high = period.start + offset, min(end, period.end - 1) + offset
    if plan.repeats:
        wall = _last(plan, high)
        return wall - offset if wall is not None and wall >= low else None
    low, beyond = _owned(policy, period, low, high + 1)
    wall = _last(plan, beyond - 1)
    found = wall - offset if wall is not None and wall >= low else None
    if policy.gap == "after" and found is None:
        if _has_lost(plan, period):
            return period.start
    elif policy.gap == "shift":
        for first, beyond in reversed(tuple(_lost(period))):
            wall = _last(plan, min(beyond - 1, end + period.offset_before))
            if wall is not None and wall >= first:
                shifted = wall - period.offset_before
                return shifted if found is None else max(found, shifted)
    return found


def _owned(policy: Policy, period: Period, low: int, high: int) -> tuple[int, int]:
    """Return the part of the wall times from ``low`` to ``high`` whose reading in this period counts."""
    if policy.fold == "first":
        return max(low, period.start + period.offset_before), high
    if policy.fold == "last":
        return low, min(high, period.end + period.offset_after)
    return low, high


def _lost(period: Period) -> Iterator[tuple[int, int]]:
    """Yield what the gap at the period's start swallowed of the wall times, but no date that it swallowed whole."""
    low, high = period.start + period.offset_before, period.start + period.offset
    if low >= high:
        return
    whole_from, whole_to = -(-low // _DAY) * _DAY, high // _DAY * _DAY
    if whole_to <= whole_from:
        yield low, high
    else:
        if low < whole_from:
            yield low, whole_from
        if whole_to < high:
            yield whole_to, high


def _has_lost(plan: Plan, period: Period) -> bool:
    return any((wall := _next(plan, first)) is not None and wall < beyond for first, beyond in _lost(period))


def _fold_around(clock: LocalClock, begin: int) -> tuple[int, int, int] | None:
    """
    Return the wall times read first before an instant and again from it on, and the offset of the second reading.

    None when there are none.
    """
    period = clock.period_at(begin)
    if period.offset_before > period.offset and begin < period.steady_start:
        at, first, second = period.start, period.offset_before, period.offset
    elif period.offset_after < period.offset and begin > period.steady_end:
        at, first, second = period.end, period.offset, period.offset_after
    else:
        return None
    return max(at, begin) + second, min(at, begin) + first, second


def _next(plan: Plan, wall: int) -> int | None:
    """Return the first wall time in W from the given one on."""
    local = _EPOCH + timedelta(0, 0, wall + _SECOND - 1)
    found = next_wall(plan, local, local.second, None)
    return None if found is None else _wall(found)


def _last(plan: Plan, wall: int) -> int | None:
    """Return the last wall time in W up to the given one."""
    local = _EPOCH + timedelta(0, 0, wall)
    found = last_wall(plan, local, None)
    return None if found is None else _wall(found)


def _wall(local: datetime) -> int:
    days = local.toordinal() - _EPOCH_ORDINAL
    return (days * 86_400 + local.hour * 3600 + local.minute * 60 + local.second) * _SECOND
