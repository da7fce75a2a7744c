"""
Recurrence as calendars write it: RFC 5545 ("RRULE:FREQ=WEEKLY;BYDAY=MO,TH").

The rules themselves are in ``recurrence.py``; here are the lines around them (DTSTART, RDATE, EXDATE), the zone and the
limits. A local time that does not exist is no fire and is not counted, one that exists twice fires at its first
reading: so says the RFC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from apscheduler_lite._clock import system_now
from apscheduler_lite._text import did_you_mean, shorten, to_text
from apscheduler_lite._timezones import (
    FIRST_INSTANT,
    LAST_INSTANT,
    MICROSECONDS,
    UTC,
    from_instant,
    local_instant,
    localize,
    read_datetime,
    to_instant,
    to_timezone,
)
from apscheduler_lite._transitions import LocalClock, local_clock

from .base import BaseTrigger
from .exact import STATE_VERSION, check_state, time_text, to_jitter
from .recurrence import Rule, parse_rule
from .zoned import ZonedTrigger, choose_zone, local_names, warn_of_other_zone

if TYPE_CHECKING:
    from .clock_notes import ClockChangeNote

__all__ = ["RRuleTrigger"]

_MAX_LENGTH = 10_000
_MAX_COUNT = 10_000
_MANY = 100  # wall times in a clock change: more than a note tells, even when some are excluded
_LONGEST_FOLD = 25 * 3600 * MICROSECONDS
_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(0, 1)
_PROPERTIES = ("DTSTART", "RRULE", "RDATE", "EXDATE")

_FOLDED = re.compile(r"\r?\n[ \t]")
_MOMENT = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)


class _Content(NamedTuple):
    """What the text says."""

    start: datetime | None
    rules: list[str]
    added: list[datetime]
    removed: list[datetime]


class RRuleTrigger(ZonedTrigger):
    """
    Fire as an RFC 5545 recurrence rule says.

    The rule is one line, ``FREQ=MONTHLY;BYDAY=-1FR``, or the lines of a calendar: ``DTSTART``, any number of ``RRULE``,
    ``RDATE`` and ``EXDATE``. What a rule does not say, such as the time of day, it takes from the start.

    Args:
        rule: the text.
        start_date: the start, where the text has no ``DTSTART``; by default now.
        end_date: no fire is later.
        timezone: the zone of the local times; by default that of ``DTSTART``, otherwise the scheduler's.
        jitter: delay each fire by a random time of up to so many seconds.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: the text cannot be read, contradicts the RFC, or describes a rule that never fires; or ``end_date``
            is earlier than the start.
    """

    # _open is what bind() has to settle: None, or whether the zone is left open (else it is the start only).
    __slots__ = (
        "_added",
        "_end",
        "_implicit_start",
        "_open",
        "_removed",
        "_rules",
        "_start",
        "jitter",
        "rule",
        "timezone",
    )

    def __init__(
        self,
        rule: str | bytes,
        start_date: date | str | bytes | None = None,
        end_date: date | str | bytes | None = None,
        timezone: tzinfo | str | bytes | None = None,
        jitter: float | None = None,
    ) -> None:
        self.rule = to_text(rule, "rule")
        content = _read(self.rule)
        start = content.start
        if start_date is not None:
            if start is not None:
                raise ValueError("give either start_date or a DTSTART line in the rule, not both")
            start = read_datetime(start_date, "start_date")
        end = None if end_date is None else read_datetime(end_date, "end_date")
        zone, zone_is_open = choose_zone(timezone, start, end)
        self._follows_host = zone_is_open
        self._local = local_names(start_date=start, end_date=end)
        self.jitter = to_jitter(jitter)
        self._implicit_start = start is None
        self._open: bool | None = zone_is_open if start is None or zone_is_open else None
        self._settle(content, zone, start or system_now(), end)

    def _settle(self, content: _Content, zone: tzinfo, start: datetime, end: datetime | None) -> None:
        """Compile the rules for a zone and a start."""
        clock = local_clock(zone)
        self.timezone: tzinfo = zone
        self._start = _local(start, zone).replace(microsecond=0, fold=0)
        self._end = LAST_INSTANT if end is None else min(LAST_INSTANT, local_instant(end, zone))
        if self._end < to_instant(self.start_date) and not self._implicit_start:
            raise ValueError(f"end_date {self.end_date} is earlier than the start {self.start_date}")
        self._rules = tuple(_with_end(parse_rule(text, self._start), clock) for text in content.rules)
        self._added = tuple(sorted({_wall(moment, zone) for moment in content.added}))
        self._removed = frozenset(_wall(moment, zone) for moment in content.removed)

    @property
    def start_date(self) -> datetime:
        """The start of the rules, which is a fire time only if it matches one."""
        return localize(self._start, self.timezone)

    @property
    def end_date(self) -> datetime | None:
        """The time that no fire passes, or None."""
        return None if self._end == LAST_INSTANT else from_instant(self._end, self.timezone)

    @property
    def end_instant(self) -> int:
        """The instant that no fire time and no jitter may pass."""
        return self._end

    @property
    def grid(self) -> tuple[int, int]:
        """Whole seconds of local time."""
        return -local_clock(self.timezone).offset_at(0) % MICROSECONDS, MICROSECONDS

    def own_previous(self, previous: int) -> int | None:
        """Return the argument: whose fire it was makes no difference."""
        return previous

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next exact fire time."""
        begin = now if previous is None or now < previous else previous + 1
        if begin > self._end:
            return None
        clock = local_clock(self.timezone)
        # Whatever the clock read before what it reads now, it read it first before now.
        wall = -(-(begin + clock.offset_at(begin)) // MICROSECONDS)
        walls = [(rule.rising(wall), last) for rule, last in self._rules if last >= begin]
        walls.append(((added for added in self._added if added >= wall), LAST_INSTANT))
        found = [
            instant
            for rising, last in walls
            if (instant := next((i for i in self._instants_of(rising, clock) if i >= begin), None)) is not None
            and instant <= last
        ]
        return min((instant for instant in found if instant <= self._end), default=None)

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest exact fire time that is later than ``after`` and not later than ``now``."""
        clock = local_clock(self.timezone)
        found: list[int] = []
        for rule, last in (*self._rules, (None, LAST_INSTANT)):
            end = min(now, last, self._end)
            # In the second pass of a fold, later wall times have been read before.
            wall = (end + max(clock.offset_at(end), clock.offset_at(end - _LONGEST_FOLD))) // MICROSECONDS
            falling = (
                (added for added in reversed(self._added) if added <= wall) if rule is None else rule.falling(wall)
            )
            instant = next((i for i in self._instants_of(falling, clock) if i <= end), None)
            if instant is not None and instant > after:
                found.append(instant)
        return max(found, default=None)

    def _instants_of(self, walls: Iterator[int], clock: LocalClock) -> Iterator[int]:
        """Yield the first reading of each wall time that exists and is not excluded."""
        for wall in walls:
            if wall not in self._removed:
                yield from clock.readings(wall * MICROSECONDS)[:1]

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with the scheduler's zone and time for what its user left open."""
        if self._open is None:
            return self
        bound = self._copy()
        bound._open = None
        zone = timezone if self._open else self.timezone
        if self._open and not self._implicit_start:
            warn_of_other_zone(f"the start {self._start} of {self}", self.timezone, timezone, now)
        bound._settle(_read(self.rule), zone, now if self._implicit_start else self._start, self.end_date)
        return bound

    def under_way(self, now: int) -> Self:
        """Return this trigger; where its start was left open and is still to come, a copy that starts at that time."""
        if not self._implicit_start or to_instant(self.start_date) <= now:
            return self
        earlier = self._copy()
        earlier._settle(_read(self.rule), self.timezone, from_instant(now, self.timezone), self.end_date)
        return earlier

    def _move(self, timezone: tzinfo) -> None:
        # A start that nobody gave is the wall time at which the trigger was added, and stays that.
        is_wall = self._implicit_start or "start_date" in self._local
        start = self._start if is_wall else self.start_date
        self._settle(_read(self.rule), timezone, start, self._as_given("end_date", self.end_date))

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one has the same rule, or differs in a start that both left open."""
        return (
            type(self) is type(other)
            and (self.rule, self.timezone, self._end, self.jitter)
            == (other.rule, other.timezone, other._end, other.jitter)
            and (self._start == other._start or (self._implicit_start and other._implicit_start))
        )

    def describe(self) -> str:
        """Return when the trigger fires: its rule in the words of RFC 5545, its limits in English."""
        from .wording import FOLD_WORDS, GAP_WORDS, limit_words

        words = [f"by the rule {' '.join(self.rule.split())}, {self.timezone} time"]
        words += limit_words(self.start_date, self.end_date, self.jitter)
        if not local_clock(self.timezone).is_fixed:
            words.append(f"{GAP_WORDS['skip']}, {FOLD_WORDS['first']}")
        return "; ".join(words)

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        from .clock_notes import notes_on_walls

        clock = local_clock(self.timezone)

        def walls_between(low: int, high: int) -> list[int]:
            begin, end = -(-low // MICROSECONDS), -(-high // MICROSECONDS)
            found = {wall for wall in self._added if begin <= wall < end}
            for rule, rule_end in self._rules:
                beyond = min(end, (rule_end + clock.offset_at(rule_end)) // MICROSECONDS + 1)
                rising = takewhile(lambda wall, beyond=beyond: wall < beyond, rule.rising(begin))  # type: ignore[misc]
                found.update(islice(rising, _MANY))
            return [wall * MICROSECONDS for wall in sorted(found - self._removed)]

        def fires_of(wall: int) -> tuple[int, ...]:
            return clock.readings(wall)[:1]

        return notes_on_walls(clock, first, last, walls_between, fires_of)

    def __str__(self) -> str:
        return f"rrule[{' '.join(self.rule.split())}]"

    def __repr__(self) -> str:
        parts = [f"rule={self.rule!r}", f"start_date='{time_text(self.start_date)}'"]
        if self.end_date is not None:
            parts.append(f"end_date='{time_text(self.end_date)}'")
        if self.jitter is not None:
            parts.append(f"jitter={self.jitter}")
        return f"<{type(self).__name__} ({', '.join(parts)}, timezone='{self.timezone}')>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "rule": self.rule,
            "start_date": self._start,
            "end_date": None if self._end == LAST_INSTANT else from_instant(self._end, UTC),
            "timezone": self.timezone,
            "jitter": self.jitter,
            "implicit_start": self._implicit_start,
            "open": self._open,
            **self._zone_state(),
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        self.rule = state["rule"]
        self.jitter = state["jitter"]
        self._implicit_start = state["implicit_start"]
        self._open = state["open"]
        self._restore_zone_state(state)
        self._settle(_read(self.rule), to_timezone(state["timezone"]), state["start_date"], state["end_date"])


def _read(text: str) -> _Content:
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"rule is longer than {_MAX_LENGTH} characters: {shorten(text)}")
    content = _Content(None, [], [], [])
    for line in _FOLDED.sub("", dedent(text)).split("\n"):  # a text in a program may be indented as a whole
        if line.strip():
            content = _with_line(content, line.strip())
    if not content.rules and not content.added:
        raise ValueError(f"rule has neither an RRULE nor an RDATE: {shorten(text)}")
    return content


def _with_line(content: _Content, line: str) -> _Content:
    name, colon, value = line.partition(":")
    name, *parameters = name.split(";") if colon else ("RRULE",)
    name, value = name.upper(), value if colon else line
    if name not in _PROPERTIES:
        raise ValueError(f"rule: unknown line {shorten(line)}{did_you_mean(name, _PROPERTIES)}")
    if name == "RRULE":
        content.rules.append(value)
        return content
    moments = [_moment(piece, parameters) for piece in value.split(",")]
    if name == "DTSTART":
        if content.start is not None or len(moments) != 1:
            raise ValueError("rule: DTSTART must be given once, with one value")
        return content._replace(start=moments[0])
    (content.added if name == "RDATE" else content.removed).extend(moments)
    return content


def _moment(text: str, parameters: list[str]) -> datetime:
    """Return a moment like ``20260105T090000``: aware when it ends in Z or a TZID tells its zone."""
    match = _MOMENT.fullmatch(text.strip().upper())
    if match is None:
        raise ValueError(f"rule: a time must be like 20260105T090000, not {shorten(text)}")
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '000000'}")
    except ValueError as exc:
        raise ValueError(f"rule: {exc}, in {shorten(text)}") from None
    if match[3]:
        return moment.replace(tzinfo=UTC)
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.upper() == "TZID":
            return localize(moment, to_timezone(value.strip('"'), "rule: TZID"))
        if key.upper() != "VALUE":
            raise ValueError(f"rule: unknown parameter {shorten(parameter)}")
    return moment


def _with_end(rule: Rule, clock: LocalClock) -> tuple[Rule, int]:
    """Return the rule and the instant after which it ends."""
    if not rule.is_possible():
        raise ValueError("rule: no time matches all of its parts, so that it would never fire")
    if rule.until is not None:
        until = _moment(rule.until, [])
        if "T" not in rule.until:
            until += timedelta(days=1, microseconds=-1)
        return rule, local_instant(until, clock.zone)
    if rule.count is None:
        return rule, LAST_INSTANT
    if rule.count > _MAX_COUNT:
        raise ValueError(f"rule: COUNT must be at most {_MAX_COUNT}, not {rule.count}; UNTIL has no such limit")
    last = FIRST_INSTANT - 1
    remaining = rule.count
    for wall in rule.rising(rule.start):
        for instant in clock.readings(wall * MICROSECONDS)[:1]:
            last = instant
            remaining -= 1
        if not remaining:
            break
    return rule, last


def _local(moment: datetime, zone: tzinfo) -> datetime:
    """Return the moment as a naive local time of the zone."""
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _wall(moment: datetime, zone: tzinfo) -> int:
    """Return the moment as seconds of wall time."""
    return (_local(moment, zone) - _EPOCH) // _SECOND
