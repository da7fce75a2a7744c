"""
The cron engine far from clock changes: dates of many years, all dialects, and the English words for them.

Dates are walked through one by one; everything is in UTC.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Protocol

import pytest

from apscheduler_lite._timezones import from_instant, to_instant
from apscheduler_lite.triggers.cron import CronTrigger

from .cron_oracle import Case, any_expression
from .crontab_oracle import Line, any_line
from .english import read

DAYS_AHEAD = 1500
CASES = int(os.environ.get("CRON_CASES_PER_SEED", "80"))


class Words(Protocol):
    """What both kinds of expression of the oracles know."""

    def matches_date(self, day: date) -> bool:
        """Whether the date matches."""


def times_of(hours: set[int], minutes: set[int], seconds: set[int]) -> Callable[[time], Iterator[time]]:
    """Return what yields the times of day from a given one on."""

    def times(begin: time) -> Iterator[time]:
        for hour in sorted(hours):
            for minute in sorted(minutes):
                if (hour, minute) < (begin.hour, begin.minute):
                    continue
                yield from (t for second in sorted(seconds) if (t := time(hour, minute, second)) >= begin)

    return times


def walk(words: Words, times: Callable[[time], Iterator[time]], begin: datetime) -> Iterator[datetime | None]:
    """Yield the matching moments from a moment on; None when the walk has come to its end."""
    for ahead in range(DAYS_AHEAD):
        day = begin.date() + timedelta(days=ahead)
        if words.matches_date(day):
            first = begin.time() if ahead == 0 else time()
            yield from (datetime.combine(day, moment, UTC) for moment in times(first))
    yield None


def compare(trigger: CronTrigger, expected: Iterator[datetime | None], begin: datetime, steps: int) -> None:
    """The trigger fires at the expected moments, and tells the latest of them backwards."""
    after = to_instant(begin) - 1
    previous: datetime | None = begin - timedelta(microseconds=1)
    seen = []
    for _ in range(steps):
        found = trigger.get_next_fire_time(previous, previous)  # type: ignore[arg-type]
        wanted = next(expected)
        if wanted is None:
            assert found is None or found >= begin + timedelta(days=DAYS_AHEAD - 1), repr(trigger)
            break
        assert found == wanted, repr(trigger)
        assert trigger.latest_instant(after, to_instant(found) + 10**6 - 1) == to_instant(found), repr(trigger)
        seen.append(found)
        previous = found
    if len(seen) > 1:
        assert trigger.latest_instant(after, to_instant(seen[-1]) - 1) == to_instant(seen[-2]), repr(trigger)


def is_really_impossible(words: Words) -> bool:
    """Whether no date of 400 years matches."""
    return not any(words.matches_date(date(1999, 12, 31) + timedelta(days=n)) for n in range(146_500))


def check_words(text: str, words: Words, times: Callable[[time], Iterator[time]], random: Random) -> None:
    """The English words mean the expression."""
    meaning = read(text.removesuffix(", UTC time"))
    for _ in range(300):
        day = date(1970, 1, 1) + timedelta(days=random.randrange(40_000))
        assert meaning.matches_date(day) == words.matches_date(day), (text, day)
    for _ in range(60):
        moment = time(random.randrange(24), random.randrange(60), random.choice([0, 0, random.randrange(60)]))
        wanted = next(times(moment), None) == moment
        assert meaning.matches_time(moment.hour, moment.minute, moment.second) == wanted, (text, moment)
    first = next(times(time()))
    assert meaning.matches_time(first.hour, first.minute, first.second), (text, first)


def any_begin(random: Random) -> datetime:
    """Return a moment of some year, in a time zone of its own."""
    return datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(80 * 365 * 86_400))


@pytest.mark.parametrize("seed", range(8))
def test_the_keyword_form_agrees_with_a_walk_through_the_calendar(seed: int) -> None:
    """Next and latest fire times, and the words, for random expressions and starts."""
    random = Random(seed)
    for _ in range(CASES):
        begin = any_begin(random)
        case: Case = any_expression(random, seconds=True, near=begin.replace(tzinfo=None))
        try:
            trigger = CronTrigger(**case.given, timezone=UTC)  # type: ignore[arg-type]
        except ValueError:
            assert is_really_impossible(case)
            continue
        times = times_of(case.allowed["hour"], case.allowed["minute"], case.allowed["second"])
        compare(trigger, walk(case, times, begin), begin, 6)
        check_words(trigger.describe(), case, times, random)


@pytest.mark.parametrize("dialect", ["crontab", "quartz"])
@pytest.mark.parametrize("seed", range(5))
def test_the_line_dialects_agree_with_a_walk_through_the_calendar(seed: int, dialect: str) -> None:
    """The same for lines, with their wrap-around ranges, L, W, # and either-or of days and weekdays."""
    random = Random(f"{seed} {dialect}")
    for _ in range(CASES):
        begin = any_begin(random)
        line: Line = any_line(random, dialect)
        try:
            trigger = CronTrigger.from_crontab(line.text, UTC, dialect=dialect)  # type: ignore[arg-type]
        except ValueError:
            assert is_really_impossible(line), line.text
            continue
        times = times_of(line.hour, line.minute, line.second)
        compare(trigger, walk(line, times, begin), begin, 6)
        check_words(trigger.describe(), line, times, random)


def test_the_crontab_dialect_agrees_with_cronsim() -> None:
    """A reader of crontabs that follows Debian's cron says the same in UTC."""
    cronsim = pytest.importorskip("cronsim", reason="a development dependency")
    random = Random(3)
    compared = 0
    for _ in range(600):
        line = any_line(random, plain=True)
        try:
            theirs = cronsim.CronSim(line.text, begin := any_begin(random))
        except cronsim.CronSimError:
            continue
        trigger = CronTrigger.from_crontab(line.text, UTC)
        found = from_instant(to_instant(begin), UTC)
        for expected in (next(theirs, None) for _ in range(5)):
            found = trigger.get_next_fire_time(found, found)  # type: ignore[assignment]
            if expected is None:  # cronsim gives up after 50 years
                break
            assert found == expected, line.text
            compared += 1

    assert compared > 2000
