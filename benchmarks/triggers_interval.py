"""
Interval.

A beat of 7 seconds, in UTC and in Berlin. The engine counts in whole microseconds: that is what a scheduler asks, of
both libraries the one thing that it asks for each fire. In datetimes each fire time is asked from the one before, as a
program would. A backlog is what a job has missed while its program was down: ours finds the latest by arithmetic.
Making a trigger is with and without a start. All times are the processor's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler_lite._timezones import MICROSECONDS, to_instant
from apscheduler_lite.triggers.interval import IntervalTrigger
from benchmarks import floors
from benchmarks.measuring import Row, by_turns, speedup

STEPS = 20_000
BERLIN = ZoneInfo("Europe/Berlin")


def rows() -> Iterator[Row]:
    """Yield the rows."""
    from apscheduler.triggers.interval import IntervalTrigger as Peer

    for zone, name in ((UTC, "UTC"), (BERLIN, "Berlin")):
        start = datetime(2026, 1, 1, tzinfo=zone)
        ours, theirs = (cls(seconds=7, start_date=start, timezone=zone) for cls in (IntervalTrigger, Peer))
        least = floors.Beat(to_instant(start), 7 * MICROSECONDS)
        engine, chain, peer, engine_floor, chain_floor = by_turns(
            per_step(engine_chain, ours, start),
            per_step(chain_of, ours, start),
            per_step(chain_of, theirs, start),
            per_step(engine_chain, least, start),
            per_step(chain_of, least, start),
        )
        yield speedup(f"next fire, {name}: the engine", engine, peer, at_least=10, floor=engine_floor)
        yield speedup(f"next fire, {name}: datetimes", chain, peer, floor=chain_floor)
    start = datetime(2026, 1, 1, tzinfo=BERLIN)
    now = start + timedelta(days=1)
    ours, theirs = (cls(seconds=7, start_date=start, timezone=BERLIN) for cls in (IntervalTrigger, Peer))
    least = floors.Beat(to_instant(start), 7 * MICROSECONDS)
    latest, enumerated, floor = by_turns(
        per_step(latest_of_backlog, ours, start, now, steps=1000),
        per_step(walk_backlog, theirs, now, steps=1),
        per_step(latest_of_backlog, least, start, now, steps=1000),
        rounds=5,
    )
    yield speedup("the latest of a day's backlog of a 7 s beat", latest, enumerated, floor=floor)
    for what, options in (("without a start", {}), ("with a start", {"start_date": start})):
        made, peer, floor = by_turns(
            *(per_step(make, cls, options, steps=5000) for cls in (IntervalTrigger, Peer)),
            per_step(make_least, steps=5000),
        )
        yield speedup(f"make a trigger {what}", made, peer, floor=floor)


def per_step(action: Callable[..., None], *arguments: Any, steps: int = STEPS) -> Callable[[], float]:
    """Return what measures the seconds for one of so many steps."""

    def measure() -> float:
        begin = process_time()
        action(*arguments, steps)
        return (process_time() - begin) / steps

    return measure


def chain_of(trigger: Any, start: datetime, steps: int) -> None:
    """Ask for one fire time after the other."""
    following, moment = trigger.get_next_fire_time, start
    for _ in range(steps):
        moment = following(moment, moment)


def engine_chain(trigger: Any, start: datetime, steps: int) -> None:
    """Ask for one instant after the other."""
    following = trigger.next_instant
    moment = to_instant(start)
    for _ in range(steps):
        moment = following(moment, moment)


def latest_of_backlog(trigger: Any, start: datetime, now: datetime, steps: int) -> None:
    """Ask for the latest fire time."""
    after, end = to_instant(start), to_instant(now)
    for _ in range(steps):
        trigger.latest_instant(after, end)


def walk_backlog(trigger: Any, now: datetime, steps: int) -> None:
    """Walk from the start to now."""
    for _ in range(steps):
        fire = trigger.start_date
        while fire <= now:
            fire = trigger.get_next_fire_time(fire, now)


def make_least(steps: int) -> None:
    """Make the least of triggers."""
    for _ in range(steps):
        floors.Beat(0, 7 * MICROSECONDS)


def make(cls: Any, options: dict[str, Any], steps: int) -> None:
    """Make triggers."""
    for _ in range(steps):
        cls(seconds=7, timezone=BERLIN, **options)
