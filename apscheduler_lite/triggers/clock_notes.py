"""What a trigger has to say about one clock change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Literal, NamedTuple

from apscheduler_lite._timezones import from_instant
from apscheduler_lite._transitions import Change, LocalClock

__all__ = ["MOST_TIMES", "ClockChangeNote", "fold_outcome", "gap_outcome", "note", "notes_on_walls", "shift_notes"]

#: How many times a note tells one by one.
MOST_TIMES = 10

_EPOCH = datetime(1970, 1, 1)


class ClockChangeNote(NamedTuple):
    """
    Which times of a trigger one clock change affects, and how; ``str`` gives it in words.

    Attributes:
        at: the moment of the change, in local time after it.
        kind: ``"gap"`` when the clock goes forward and local times are skipped, ``"fold"`` when it goes back and they
            occur twice.
        wall_times: the local times of the trigger that are skipped or repeated, without zone; the first ten at most.
            Empty for a trigger that counts elapsed time, whose fires are at other local times from the change on.
        is_complete: whether these are all.
        fires: the fire times that become of them.
        text: all of it in words.
    """

    at: datetime
    kind: Literal["gap", "fold"]
    wall_times: tuple[datetime, ...]
    is_complete: bool
    fires: tuple[datetime, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def note(change: Change, walls: list[int], fires: list[int], zone: tzinfo, outcome: str) -> ClockChangeNote:
    """
    Return the note on a change.

    Args:
        change: the change.
        walls: the affected wall times, in microseconds; more than `MOST_TIMES` when there are more.
        fires: the instants of the fires that become of those told.
        zone: the trigger's zone.
        outcome: what becomes of the times, in words that follow after ``: ``.
    """
    told = tuple(_EPOCH + timedelta(0, 0, wall) for wall in walls[:MOST_TIMES])
    is_complete = len(walls) <= MOST_TIMES
    before = _EPOCH + timedelta(0, 0, change.at + change.offset_before)
    after = _EPOCH + timedelta(0, 0, change.at + change.offset_after)
    words = ", ".join(_clock(moment, told[0]) for moment in told) + ("" if is_complete else ", …")
    one = len(walls) == 1
    if change.is_gap:
        what, how = ("does not exist" if one else "do not exist"), "forward"
    else:
        what, how = ("occurs twice" if one else "occur twice"), "back"
    text = (
        f"{told[0].date()}: {words} {what}, because the clock goes {how} from {_clock(before, told[0])} to"
        f" {_clock(after, told[0])}: {outcome}"
    )
    moments = tuple(from_instant(fire, zone) for fire in fires)
    kind: Literal["gap", "fold"] = "gap" if change.is_gap else "fold"
    return ClockChangeNote(from_instant(change.at, zone), kind, told, is_complete, moments, text)


def _clock(moment: datetime, first: datetime) -> str:
    """Return the time of day, with the date where that is not the date of the first."""
    time = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return time if moment.date() == first.date() else f"{moment.date()} {time}"


def notes_on_walls(
    clock: LocalClock,
    start: int,
    end: int,
    walls_between: Callable[[int, int], Iterable[int]],
    fires_of: Callable[[int], Iterable[int]],
    *,
    gap: str = "skip",
    fold: str = "first",
) -> list[ClockChangeNote]:
    """
    Return the notes of a trigger of wall times on the changes from one instant to another.

    Args:
        clock: that of the trigger's zone.
        start: the first instant.
        end: the last one.
        walls_between: the trigger's wall times from one up to another, in microseconds.
        fires_of: the instants at which a wall time fires.
        gap: its policy for times in a gap.
        fold: that for times in a fold.
    """
    notes: list[ClockChangeNote] = []
    change = clock.next_change(start - 1, end + 1)
    while change is not None:
        walls = list(islice(walls_between(change.low, change.high), MOST_TIMES + 1))
        if walls:
            fires = [fire for wall in walls[:MOST_TIMES] for fire in fires_of(wall)]
            outcome = gap_outcome(fires, gap, len(walls)) if change.is_gap else fold_outcome(fold, len(walls))
            notes.append(note(change, walls, fires, clock.zone, outcome))
        change = clock.next_change(change.at, end + 1)
    return notes


def shift_notes(
    clock: LocalClock, start: int, end: int, first_fire: Callable[[int], int | None], length: int
) -> list[ClockChangeNote]:
    """
    Return the notes of a beat of elapsed time: which changes move its fires to other times of the clock.

    A change by a multiple of the beat's length does not.
    """
    notes: list[ClockChangeNote] = []
    change = clock.next_change(start - 1, end + 1)
    while change is not None:
        moved = change.offset_after - change.offset_before
        fire = first_fire(change.at)
        if moved % length and fire is not None and fire <= end:
            at, next_fire = from_instant(change.at, clock.zone), from_instant(fire, clock.zone)
            how, where = ("forward", "later") if moved > 0 else ("back", "earlier")
            text = (
                f"{at.date()}: fires keep their distance in elapsed time while the clock goes {how} by"
                f" {timedelta(0, 0, abs(moved))}, so that from {next_fire:%Y-%m-%d %H:%M:%S} on they are that much"
                f" {where} by the clock"
            )
            kind: Literal["gap", "fold"] = "gap" if change.is_gap else "fold"
            notes.append(ClockChangeNote(at, kind, (), True, (next_fire,), text))
        change = clock.next_change(change.at, end + 1)
    return notes


def gap_outcome(fires: list[int], gap: str, count: int) -> str:
    """Return what becomes of so many times in a gap, in words."""
    if not fires:
        return "no fire"
    if gap == "shift":
        return "one fire, as much later as the clock went forward" if count == 1 else "they fire as much later"
    return "one fire, right after the change"


def fold_outcome(fold: str, count: int) -> str:
    """Return what becomes of so many times in a fold, in words."""
    if fold == "both":
        return "two fires, one each time" if count == 1 else "they fire both times"
    return f"one fire, the {fold} time" if count == 1 else f"they fire the {fold} time only"
