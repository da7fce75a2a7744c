"""Why a run was not made: the sentences that records, events and log lines bear. Pure."""

from __future__ import annotations

from ._text import duration_text
from ._timezones import UTC, from_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo

    from ._options import JobOptions
    from ._planning import Slot

__all__ = ["REMOVED", "missed", "passed_while_down", "reason_of_missed"]

REMOVED = "skipped: its job was removed"


def missed(late: int, grace: int, down: tuple[int, int] | None = None, zone: tzinfo | None = None) -> str:
    """Return why a run is missed that is later (in microseconds) than its grace time."""
    return f"missed: {_span(late)} late, grace time {_span(grace)}{_downtime(down, zone)}"


def reason_of_missed(
    slot: Slot, options: JobOptions, now: int, down: tuple[int, int] | None, zone: tzinfo | None
) -> str:
    """Return why the fire times that a dropped slot stands for are missed."""
    if down is not None and not down[0] <= slot.due < down[1]:
        down = None
    if options.grace is not None and now - slot.due > options.grace:
        return missed(now - slot.due, options.grace, down, zone) + _others(slot.since, zone)
    return passed_while_down(now - slot.due, down, zone, slot.since)


def passed_while_down(late: int, down: tuple[int, int] | None, zone: tzinfo | None, since: int | None = None) -> str:
    """Return why a fire time is not made up for, which may stand for all from `since` on."""
    return f"missed: {_span(late)} late, which is not made up for{_downtime(down, zone)}{_others(since, zone)}"


def _span(microseconds: int) -> str:
    seconds = microseconds / 1e6
    if seconds < 120:
        return f"{round(seconds, 3):g} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else duration_text(seconds)


def _downtime(down: tuple[int, int] | None, zone: tzinfo | None) -> str:
    if down is None:
        return ""
    begin, end = (from_instant(each, zone or UTC).replace(microsecond=0) for each in down)
    return f"; the process was down from {begin} to {end}"


def _others(since: int | None, zone: tzinfo | None) -> str:
    return "" if since is None else f"; so were all fire times since {from_instant(since, zone or UTC)}"
