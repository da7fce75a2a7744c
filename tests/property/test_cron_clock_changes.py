"""
The cron engine against the oracle, around clock changes.

Every zone of the time zone database takes part. A *case* is one question: an expression, a zone, a policy, a previous
fire time and a current time. CI asks about 27,000. For more, give the number per zone::

    CRON_CASES_PER_ZONE=640 pytest -n auto tests/property/test_cron_clock_changes.py    # about 270,000 cases
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest

from apscheduler_lite.triggers.cron import CronTrigger

from .cron_oracle import EPOCH, Case, Stretch, any_expression, changes_of, next_fire

MICROSECONDS = 1_000_000
CASES_PER_ZONE = int(os.environ.get("CRON_CASES_PER_ZONE", "64"))
CASES_PER_EXPRESSION = 16
GROUPS = 12

SPECIAL = {
    "lord-howe-half-hour": ("Australia/Lord_Howe", 2026),
    "troll-two-hours": ("Antarctica/Troll", 2026),
    "sao-paulo-midnight-gap": ("America/Sao_Paulo", 2018),
    "cairo-midnight-gap": ("Africa/Cairo", 2026),
    "beirut-midnight-gap": ("Asia/Beirut", 2026),
    "havana-midnight-gap": ("America/Havana", 2026),
    "tehran-midnight-gap": ("Asia/Tehran", 2021),
    "asuncion-midnight-gap": ("America/Asuncion", 2023),
    "apia-skipped-day": ("Pacific/Apia", 2011),
    "casablanca-ramadan": ("Africa/Casablanca", 2026),
    "nuuk": ("America/Nuuk", 2024),
    "dublin-negative-dst": ("Europe/Dublin", 2026),
    "monrovia-odd-seconds": ("Africa/Monrovia", 1972),
    "kwajalein-skipped-day": ("Pacific/Kwajalein", 1993),
    "scoresbysund": ("America/Scoresbysund", 2024),
    "berlin": ("Europe/Berlin", 2026),
    "berlin-rules-for-ever": ("Europe/Berlin", 2077),
    "new-york": ("America/New_York", 2026),
    "chatham": ("Pacific/Chatham", 2026),
    "pyongyang-half-hour": ("Asia/Pyongyang", 2018),
    "caracas": ("America/Caracas", 2016),
    "kiritimati-skipped-day": ("Pacific/Kiritimati", 1994),
}

ZONES = sorted(available_timezones())


def answer_of(trigger: CronTrigger, previous: int | None, now: int) -> int | None:
    """Return the answer of the integer interface, having checked that the datetime interface says the same."""
    found = trigger.next_instant(previous, now)
    zone = trigger.timezone
    told = trigger.get_next_fire_time(
        None if previous is None else at(previous).astimezone(zone), at(now).astimezone(zone)
    )
    assert (None if told is None else (told - at(0)) // timedelta(microseconds=1)) == found
    if told is not None:
        back = told.astimezone(UTC).astimezone(zone)
        assert told.tzinfo is zone
        assert (told, told.fold, told.utcoffset()) == (back, back.fold, back.utcoffset())
        assert told.microsecond == 0
    return found


def at(instant: int) -> datetime:
    """Return the moment of an instant in microseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


@dataclass
class Subject:
    """A trigger and what the oracle knows about it."""

    trigger: CronTrigger
    start: float  # seconds, as everything here
    fires: list[int]  # of an expression that has no bounds
    bounded_fires: list[int]
    repeated: list[tuple[int, int]]
    is_late: bool  # whether the rule for late starts holds

    def next_fire(self, previous: int | None, now: int) -> int | None:
        """Return the oracle's answer, in microseconds."""
        found = next_fire(
            self.bounded_fires,
            self.repeated,
            None if previous is None else previous / MICROSECONDS,
            now / MICROSECONDS,
            start=self.start,
            late=self.is_late,
        )
        if found is None or (self.trigger.end_date is not None and at(found * MICROSECONDS) > self.trigger.end_date):
            return None
        return found * MICROSECONDS


def make_subject(case: Case, stretch: Stretch, change: int, random: Random) -> Subject | None:
    """Return a trigger of the expression with a policy and bounds by chance; None when no date can match."""
    gap, fold = random.choice(["after", "after", "shift", "skip"]), random.choice(["first", "first", "last", "both"])
    fires = stretch.fires(case, gap, fold)
    start, end = (
        change + random.randint(low, high) if random.random() < 0.1 else None
        for low, high in ((-7200, 3600), (3600, 10_000))
    )
    bounds = {
        name: at(value * MICROSECONDS)
        for name, value in (("start_date", start), ("end_date", end))
        if value is not None
    }
    try:
        trigger = CronTrigger(**case.given, **bounds, timezone=stretch.zone, dst_gap=gap, dst_fold=fold)  # type: ignore[arg-type]
    except ValueError as exc:
        if "no date matches" not in str(exc) or fires:
            raise
        return None
    within = [f for f in fires if (start is None or f >= start) and (end is None or f <= end)]
    late = not case.repeats and fold == "first"
    first = -inf if start is None else start
    return Subject(trigger, first, fires, within, stretch.repeated(case) if late else [], late)


def check(case: Case, stretch: Stretch, change: int, random: Random, questions: int) -> None:
    """Ask the trigger and the oracle about one expression, many times, and compare."""
    subject = make_subject(case, stretch, change, random)
    if subject is None:
        return
    trigger, safe_to = subject.trigger, stretch.safe_to * MICROSECONDS
    for _ in range(questions):
        previous, now = any_question(random, subject.fires, change)
        if min(now, now if previous is None else previous) < stretch.instants[0] * MICROSECONDS:
            continue
        expected = subject.next_fire(previous, now)
        found = answer_of(trigger, previous, now)
        told = f"{trigger!r}, previous={previous}, now={now}: expected {expected}"
        if expected is None or expected >= safe_to:
            assert found is None or found >= safe_to, told
        else:
            assert found == expected, told
        assert trigger.next_instant(previous, now) == found, told
        check_order(trigger, previous, now, found, told)
        check_latest(trigger, now if previous is None else previous, told, random)


def check_order(trigger: CronTrigger, previous: int | None, now: int, found: int | None, told: str) -> None:
    """Answers are later than what was before, and a later question has no earlier answer."""
    if found is None:
        return
    assert found > previous if previous is not None and previous <= now else found >= now, told
    following = trigger.next_instant(found, found)
    assert following is None or following > found, told
    if previous is None:
        later = trigger.next_instant(None, now + 1800 * MICROSECONDS)
        assert later is None or later >= found, told


def check_latest(trigger: CronTrigger, after: int, told: str, random: Random) -> None:
    """The latest fire time is the last one of the sequence that next_instant tells."""
    until = after + int(random.expovariate(1 / (4 * 3600)) * MICROSECONDS)
    expected = None
    found = trigger.next_instant(after, after)
    for _ in range(300):
        if found is None or found > until:
            break
        expected, found = found, trigger.next_instant(found, found)
        assert found is None or found > expected, told
    else:
        return

    assert trigger.latest_instant(after, until) == expected, (told, after, until)


def any_question(random: Random, fires: list[int], change: int) -> tuple[int | None, int]:
    """Return a previous fire time and a current time near the change."""

    def moment() -> int:
        kind = random.random()
        if kind < 0.3:
            near = [f for f in fires if abs(f - change) < 86_400]
            if near:
                return random.choice(near) * MICROSECONDS
        if kind < 0.5:
            return (change + random.choice([-3600, -1800, -1, 0, 1, 1800, 3600, 7200])) * MICROSECONDS
        if kind < 0.6:
            return change * MICROSECONDS + random.choice([-1, 1])
        return int((change + random.gauss(0, 7200)) * MICROSECONDS)

    now = moment()
    kind = random.random()
    if kind < 0.3:
        return None, now
    if kind < 0.6:
        return now, now
    return moment(), now


def check_zone(zone_name: str, year: int, random: Random, cases: int) -> int:
    """Ask about all the changes of a zone in a year; return the number of changes."""
    zone = ZoneInfo(zone_name)
    changes = changes_of(zone, year)
    for change in changes:
        stretch = Stretch(zone, change - 3 * 86_400, change + 3 * 86_400)
        near = EPOCH + timedelta(seconds=stretch.walls[stretch.instants.index(change - change % stretch.step)])
        for _ in range(max(1, cases // CASES_PER_EXPRESSION)):
            case = any_expression(random, near=near)
            check(case, stretch, change, random, CASES_PER_EXPRESSION)
    return len(changes)


@pytest.mark.parametrize(("zone", "year"), SPECIAL.values(), ids=SPECIAL)
def test_the_engine_agrees_with_the_oracle_at_the_odd_clock_changes_of_history(zone: str, year: int) -> None:
    """Half hours, two hours, midnights, skipped days, negative summer time, odd seconds, rules without end."""
    assert check_zone(zone, year, Random(f"{zone} {year}"), 3 * CASES_PER_ZONE)


@pytest.mark.parametrize(("zone", "year"), list(SPECIAL.values())[::3], ids=list(SPECIAL)[::3])
def test_the_engine_agrees_with_the_oracle_second_by_second(zone: str, year: int) -> None:
    """Expressions with seconds, around a change."""
    random = Random(f"{zone} {year} seconds")
    for change in changes_of(ZoneInfo(zone), year)[:2]:
        stretch = Stretch(ZoneInfo(zone), change - 14_000, change + 14_000, step=1, margin=3600)
        near = EPOCH + timedelta(seconds=change + 1800)
        for _ in range(max(1, CASES_PER_ZONE // 32)):
            case = any_expression(random, seconds=True, near=near)
            check(case, stretch, change, random, CASES_PER_EXPRESSION)


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_engine_agrees_with_the_oracle_in_every_zone(group: int) -> None:
    """Every zone of the database, at the changes of a year since 1970 chosen by chance."""
    random = Random(group)
    for zone_name in ZONES[group::GROUPS]:
        for _ in range(6):
            if check_zone(zone_name, random.randint(1970, 2045), random, CASES_PER_ZONE // 2):
                break
