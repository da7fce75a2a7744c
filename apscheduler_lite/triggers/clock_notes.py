"""What a trigger has to say about one clock change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from apscheduler_lite._timezones import from_instant
from apscheduler_lite._transitions import Change

__all__ = ["MOST_TIMES", "ClockChangeNote", "note"]

#: How many times a note tells one by one.
MOST_TIMES = 10

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class ClockChangeNote:
    """
    Which times of a trigger one clock change affects, and how; ``str`` gives it in words.

    Attributes:
        at: the moment of the change, in local time after it.
        kind: ``"gap"`` when the clock goes forward and local times are skipped, ``"fold"`` when it goes back and they
            occur twice.
        wall_times: the local times of the trigger that are skipped or repeated, without zone; the first ten at most.
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
