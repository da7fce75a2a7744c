"""
Cron.

26 schedules, 13 in UTC and in Berlin each: seconds, minutes, hours, days, weekdays, months, the nth and the last
weekday, the last day, ISO weeks, 29 February. Each library gives a chain of fire times, each from the one before: ours
and APScheduler by `get_next_fire_time(previous, previous)`, the others by their iterators. A mean is the geometric mean
over the schedules that the peer can express. The least row is the schedule at which we are least ahead. Parsing goes
from text and zone to an object. All times are the processor's. croniter-rs, written in Rust, knows no zones: it answers
naive datetimes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from importlib import import_module
from itertools import count
from math import exp, log
from time import process_time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from apscheduler_lite._timezones import MICROSECONDS
from apscheduler_lite.triggers.cron import CronTrigger
from benchmarks import floors
from benchmarks.measuring import Row, by_turns, speedup

ZONES = (UTC, ZoneInfo("Europe/Berlin"))
PURE_PYTHON = ("cronsim", "croniter", "APScheduler 3", "cron-converter", "crontab")


class Schedule(NamedTuple):
    """A schedule in the keyword language and in crontab's, which may lack words for it; how many fires to ask."""

    fields: dict[str, str]
    line: str | None
    steps: int = 300


SCHEDULES = (
    Schedule({"second": "*/10"}, "*/10 * * * * *"),
    Schedule({"minute": "*"}, "* * * * *"),
    Schedule({"minute": "*/15"}, "*/15 * * * *"),
    Schedule({"hour": "9-17/2", "day_of_week": "mon,wed,fri"}, "0 9-17/2 * * 1,3,5"),
    Schedule({"hour": "2", "minute": "30"}, "30 2 * * *"),
    Schedule({"day_of_week": "mon-fri", "hour": "9"}, "0 9 * * 1-5"),
    Schedule({"day": "1"}, "0 0 1 * *", 100),
    Schedule({"day": "2nd mon"}, "0 0 * * 1#2", 100),
    Schedule({"day": "last fri", "hour": "17"}, "0 17 * * 5L", 100),
    Schedule({"day": "last"}, "0 0 L * *", 100),
    Schedule({"month": "1-12/3", "day": "15", "hour": "6"}, "0 6 15 */3 *", 60),
    Schedule({"week": "*/2", "day_of_week": "mon", "hour": "8"}, None, 100),
    Schedule({"month": "2", "day": "29"}, "0 0 29 2 *", 20),
)

Chain = Callable[[int], None]


def rows() -> Iterator[Row]:
    """Yield the rows."""
    times = measure()
    ours = times["ours"]
    floor = least_chain()
    for peer, budget in (("cronsim", 15), ("croniter", None), ("APScheduler 3", 25), ("croniter-rs", 0.35)):
        yield mean_row(f"next fire, mean of {len(times[peer])} schedules", ours, times[peer], peer, budget, floor)
    for peer in ("cron-converter", "crontab"):
        if peer in times:
            yield mean_row(f"next fire, mean of {len(times[peer])} schedules", ours, times[peer], peer, None, floor)
    least = min(
        (times[peer][key] / ours[key], peer, key) for peer in PURE_PYTHON if peer in times for key in times[peer]
    )
    _, peer, key = least
    what = f"next fire, least row: {key}"
    yield speedup(what, ours[key], times[peer][key], peer=peer, at_least=1.5, floor=floor)
    yield from parse_rows()


def least_chain() -> float:
    """Return the seconds per fire time of what only ever adds the same number of seconds."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    chain = trigger_chain(floors.Beat(0, 900 * MICROSECONDS), start)
    return by_turns(partial(seconds_per_step, chain, 10_000))[0]


def mean_row(
    what: str,
    ours: dict[str, float],
    theirs: dict[str, float],
    peer: str,
    budget: float | None,
    floor: float | None = None,
) -> Row:
    """Return the row of the geometric means over the schedules of the peer."""
    our_mean, their_mean = mean(ours[key] for key in theirs), mean(theirs.values())
    return speedup(what, our_mean, their_mean, peer=peer, at_least=budget, floor=floor)


def mean(values: Any) -> float:
    """Return the geometric mean."""
    logarithms = [log(value) for value in values]
    return exp(sum(logarithms) / len(logarithms))


def measure() -> dict[str, dict[str, float]]:
    """Return the seconds per fire time of each library for each schedule that it knows."""
    times: dict[str, dict[str, float]] = {}
    for zone in ZONES:
        start = datetime(2026, 1, 1, tzinfo=zone)
        for schedule in SCHEDULES:
            chains = dict(chains_of(schedule, zone, start))
            subjects = [partial(seconds_per_step, chain, schedule.steps) for chain in chains.values()]
            key = f"`{schedule.line or ' '.join(f'{name}={text}' for name, text in schedule.fields.items())}` {zone}"
            for name, seconds in zip(chains, by_turns(*subjects, rounds=7), strict=True):
                times.setdefault(name, {})[key] = seconds
    return times


def seconds_per_step(chain: Chain, steps: int) -> float:
    """Measure one chain of fire times."""
    begin = process_time()
    chain(steps)
    return (process_time() - begin) / steps


def chains_of(schedule: Schedule, zone: tzinfo, start: datetime) -> Iterator[tuple[str, Chain]]:
    """Yield what runs through a number of fire times, for each library that is here and knows the schedule."""
    from apscheduler.triggers.cron import CronTrigger as Peer

    yield "ours", trigger_chain(CronTrigger(**schedule.fields, timezone=zone), start)  # type: ignore[arg-type]
    yield "APScheduler 3", trigger_chain(Peer(**schedule.fields, timezone=zone), start)
    if schedule.line is None:
        return
    for name, make in ITERATORS.items():
        try:
            following = make(schedule.line, start)
            first = following()
        except Exception:  # noqa: S112 - not installed, or no words for this schedule
            continue
        expected = CronTrigger.from_crontab(schedule.line, zone).next_fire_times(1, start)[0]
        if first is None or first.replace(tzinfo=zone) == expected:
            yield name, partial(iterator_chain, make, schedule.line, start)


def trigger_chain(trigger: Any, start: datetime) -> Chain:
    """Return a chain of a trigger of ours or of APScheduler."""

    def chain(steps: int) -> None:
        following, moment = trigger.get_next_fire_time, start
        for _ in range(steps):
            moment = following(moment, moment)

    return chain


def iterator_chain(make: Callable[[str, datetime], Callable[[], Any]], line: str, start: datetime, steps: int) -> None:
    """Run through the fire times of an iterator."""
    following = make(line, start)
    for _ in range(steps):
        following()


def cronsim(line: str, start: datetime) -> Callable[[], Any]:
    """Return the iteration of cronsim."""
    from cronsim import CronSim

    return partial(next, CronSim(line, start))


def croniter(module: str, line: str, start: datetime) -> Callable[[], Any]:
    """Return the iteration of croniter or of its copy in Rust."""
    iterator = import_module(module).croniter(seconds_last(line), start)
    return partial(iterator.get_next, datetime)


def seconds_last(line: str) -> str:
    """Return the line in croniter's order and spelling."""
    fields = line.split()
    fields = fields if len(fields) == 5 else [*fields[1:], fields[0]]
    fields[4] = "L5" if fields[4] == "5L" else fields[4]
    return " ".join(fields)


def cron_converter(line: str, start: datetime) -> Callable[[], Any]:
    """Return the iteration of cron-converter."""
    from cron_converter import Cron

    return Cron(line).schedule(start).next  # type: ignore[no-any-return]


def crontab(line: str, start: datetime) -> Callable[[], Any]:
    """Return the iteration of crontab, which tells how many seconds are left."""
    from crontab import CronTab

    tab = CronTab(line if len(line.split()) == 5 else f"{line} *")
    moment = [start]

    def following() -> None:
        moment[0] = tab.next(now=moment[0], return_datetime=True, default_utc=True)

    return following


ITERATORS: dict[str, Callable[[str, datetime], Callable[[], Any]]] = {
    "cronsim": cronsim,
    "croniter": partial(croniter, "croniter"),
    "croniter-rs": partial(croniter, "croniter_rs"),
    "cron-converter": cron_converter,
    "crontab": crontab,
}


def parse_rows() -> Iterator[Row]:
    """Yield the rows for making a trigger of a line."""
    from cronsim import CronSim

    start = datetime(2026, 1, 1, tzinfo=UTC)
    batch = 2000
    for what, lines, budget in (
        ("parse, expressions that were never seen before", distinct_lines(), 1.2),
        ("parse, one expression again and again", repeated_lines(), 5),
    ):

        def read(make: Callable[[str], object], source: Iterator[str]) -> float:
            texts = [next(source) for _ in range(batch)]
            begin = process_time()
            for text in texts:
                make(text)
            return process_time() - begin

        ours, theirs, floor = by_turns(
            partial(read, partial(CronTrigger.from_crontab, timezone=UTC), lines),
            partial(read, lambda text: CronSim(text, start), lines),
            partial(read, partial(floors.numbers_of, known={}), lines),
            rounds=9,
        )
        yield speedup(what, ours, theirs, peer="cronsim", at_least=budget, count=batch, floor=floor)


def distinct_lines() -> Iterator[str]:
    """Yield lines none of which comes twice, of the kinds that people write."""
    for number in count():
        minute, hour, day = number % 60, number // 60 % 24, number // 1440 % 28 + 1
        lines = (
            f"{minute} {hour} {day} * *",
            f"{minute},{(minute + 7) % 60} {hour}-23 * {day % 12 + 1} 1-5",
            f"{minute}-59/5 */{hour % 11 + 1} {day} {day % 12 + 1} *",
            f"{minute} {hour} * * {day % 7}",
        )
        yield lines[number % 4]


def repeated_lines() -> Iterator[str]:
    """Yield the same line for ever."""
    while True:
        yield "*/15 9-17 * * 1-5"
