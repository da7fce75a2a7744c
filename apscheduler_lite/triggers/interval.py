"""A beat of elapsed time."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from math import inf

from apscheduler_lite._clock import system_instant
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import (
    LAST_INSTANT,
    MICROSECONDS,
    UTC,
    from_instant,
    local_instant,
    read_datetime,
    to_instant,
    to_timezone,
)
from apscheduler_lite._transitions import local_clock

from .base import BaseTrigger
from .exact import STATE_VERSION, check_state, time_text, to_jitter
from .zoned import ZonedTrigger, choose_zone, local_names, warn_of_other_zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .clock_notes import ClockChangeNote

__all__ = ["IntervalTrigger"]

_MICROSECOND = timedelta(0, 0, 1)


class IntervalTrigger(ZonedTrigger):
    """
    Fire at the start and then again and again after the same elapsed time.

    The fire times are ``start_date`` plus whole multiples of the interval, counted in microseconds of elapsed time:
    clock changes neither stretch nor shift them, and so "every 24 hours" is not "every day at noon".

    Args:
        weeks, days, hours, minutes, seconds: the interval is their sum.
        start_date: the first fire time; by default one interval from now.
        end_date: no fire is later.
        timezone: the zone of dates that bear no offset, and of the answers; by default the scheduler's.
        jitter: delay each fire by a random time of up to so many seconds.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: the interval is not longer than zero, or ``end_date`` is earlier than ``start_date``.
    """

    # Ten thousand jobs have one each, so only what cannot be computed is kept. _open is what bind() has to settle:
    # None, or (the naive start date or None, the naive end date or None, whether the zone is left open). _beat is some
    # fire time that was answered, or infinity.
    __slots__ = ("_beat", "_end", "_implicit_start", "_length", "_open", "_start", "jitter", "timezone")

    _beat: float

    def __init__(
        self,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        start_date: date | str | bytes | None = None,
        end_date: date | str | bytes | None = None,
        timezone: tzinfo | str | bytes | None = None,
        jitter: float | None = None,
    ) -> None:
        self._length = _length(weeks, days, hours, minutes, seconds)
        start = None if start_date is None else read_datetime(start_date, "start_date")
        end = None if end_date is None else read_datetime(end_date, "end_date")
        zone, zone_is_open = choose_zone(timezone, start_date, end_date)
        self.timezone: tzinfo = zone
        self._follows_host = zone_is_open
        self._local = () if start is end is None else local_names(start_date=start, end_date=end)
        self.jitter = to_jitter(jitter)
        self._implicit_start = start is None
        self._open: tuple[datetime | None, datetime | None, bool] | None = None
        if start is None or zone_is_open:
            self._open = (_if_naive(start), _if_naive(end), zone_is_open)
        self._end = LAST_INSTANT if end is None else local_instant(end, zone)
        self._beat = inf
        if start is None:
            self._start = system_instant() + self._length
        else:
            self._start = local_instant(start, zone)
            self._check_order()

    @property
    def interval(self) -> timedelta:
        """The time from one fire to the next."""
        return timedelta(0, 0, self._length)

    @property
    def interval_length(self) -> float:
        """The time from one fire to the next, in seconds."""
        return self._length / MICROSECONDS

    @property
    def start_date(self) -> datetime:
        """The first fire time."""
        return from_instant(self._start, self.timezone)

    @property
    def end_date(self) -> datetime | None:
        """The time that no fire passes, or None."""
        return None if self._end == LAST_INSTANT else from_instant(self._end, self.timezone)

    @property
    def end_instant(self) -> int:
        """The instant that no fire time and no jitter may pass."""
        return self._end

    @property
    def keeps_beat(self) -> bool:
        """Whether its fires follow elapsed time: always."""
        return True

    def under_way(self, now: int) -> Self:
        """Return this trigger; where its start was left open and is still to come, a copy that has started already."""
        if not self._implicit_start or self._start <= now:
            return self
        earlier = self._copy()
        earlier._start -= -(-(self._start - now) // self._length) * self._length
        return earlier

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next exact fire time."""
        if previous == self._beat and previous <= now:
            # An optimisation for what is asked after each run: from a fire, the next one is one step, no division.
            found: int = previous + self._length
        else:
            begin = now if previous is None or now < previous else previous + 1
            start = self._start
            found = start if begin <= start else begin + (start - begin) % self._length
        if found > self._end:
            return None
        self._beat = found
        return found

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest exact fire time that is later than ``after`` and not later than ``now``."""
        last = min(now, self._end)
        if last < self._start:
            return None
        found = last - (last - self._start) % self._length
        return found if found > after else None

    def own_previous(self, previous: int) -> int | None:
        """Return the argument: whose fire it was makes no difference."""
        return previous

    @property
    def grid(self) -> tuple[int, int]:
        """The start and the interval."""
        return self._start, self._length

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with the scheduler's zone and time for what its user left open."""
        return self if self._open is None else self._copy().settle(timezone, to_instant(now))

    def settle(self, timezone: tzinfo, now: int) -> Self:
        """Take the scheduler's zone and time for what the user left open, in place."""
        if self._open is None:
            return self
        start, end, zone_is_open = self._open
        self._open = None
        self._beat = inf
        if zone_is_open:
            before, self.timezone = self.timezone, timezone
            for name, naive in (("end_date", end), ("start_date", start)):
                if naive is not None:
                    warn_of_other_zone(f"{name} {naive.isoformat(' ')}", before, timezone, from_instant(now, UTC))
            if start is not None:
                self._start = local_instant(start, timezone)
            if end is not None:
                self._end = local_instant(end, timezone)
        if self._implicit_start:
            self._start = now + self._length
        else:
            self._check_order()
        return self

    def _move(self, timezone: tzinfo) -> None:
        self._start = self._moved_bound("start_date", self._start, timezone)
        self._beat = inf
        self._end = self._moved_bound("end_date", self._end, timezone)
        self.timezone = timezone

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one has the same beat, or both started it from the moment of their creation."""
        return (
            type(self) is type(other)
            and (self._length, self._end, self.timezone, self.jitter)
            == (other._length, other._end, other.timezone, other.jitter)
            and (self._start == other._start or (self._implicit_start and other._implicit_start))
        )

    def describe(self) -> str:
        """Return when the trigger fires, in English words."""
        from .wording import duration_words, limit_words

        words = [f"every {duration_words(self._length)}", *limit_words(self.start_date, self.end_date, self.jitter)]
        if not local_clock(self.timezone).is_fixed:
            words.append("clock changes leave the beat alone: it counts elapsed time")
        return "; ".join(words)

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        from .clock_notes import shift_notes

        first, last = max(first, self._start), min(last, self._end)
        return shift_notes(local_clock(self.timezone), first, last, self.first_instant, self._length)

    def __str__(self) -> str:
        return f"interval[{self.interval}]"

    def __repr__(self) -> str:
        parts = [f"interval={self.interval!r}", f"start_date='{time_text(self.start_date)}'"]
        if self.end_date is not None:
            parts.append(f"end_date='{time_text(self.end_date)}'")
        if self.jitter is not None:
            parts.append(f"jitter={self.jitter}")
        return f"<{type(self).__name__} ({', '.join(parts)}, timezone='{self.timezone}')>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "timezone": self.timezone,
            "start_date": from_instant(self._start, UTC),  # in UTC, because old pickle protocols lose the fold
            "end_date": None if self._end == LAST_INSTANT else from_instant(self._end, UTC),
            "interval": self.interval,
            "jitter": self.jitter,
            "implicit_start": self._implicit_start,
            "open": self._open,
            **self._zone_state(),
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        zone = to_timezone(state["timezone"])
        end = state.get("end_date")
        self.timezone = zone
        self._length = state["interval"] // _MICROSECOND
        self._start = local_instant(read_datetime(state["start_date"], "start_date"), zone)
        self._end = LAST_INSTANT if end is None else local_instant(read_datetime(end, "end_date"), zone)
        self.jitter = state.get("jitter")
        self._beat = inf
        self._implicit_start = state.get("implicit_start", False)
        self._open = state.get("open")
        self._restore_zone_state(state)

    def _check_order(self) -> None:
        if self._end < self._start:
            raise ValueError(f"end_date {self.end_date} is earlier than start_date {self.start_date}")


def _length(weeks: float, days: float, hours: float, minutes: float, seconds: float) -> int:
    """Return the sum in microseconds."""
    try:
        whole = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
        length = whole * MICROSECONDS
        if type(length) is not int:
            length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds) // _MICROSECOND
    except (TypeError, ValueError, OverflowError) as exc:
        raise _explained(exc, weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds) from None
    if length <= 0:
        raise ValueError(
            "the interval must be longer than zero; give it at least one of weeks, days, hours, minutes and seconds"
            f" (they add up to {length / MICROSECONDS:g} seconds)"
        )
    if length > timedelta.max // _MICROSECOND:
        raise ValueError(f"the interval is too long: {whole:g} seconds")
    return length


def _explained(exc: Exception, **units: object) -> Exception:
    """Return the error of a sum as one that names the unit."""
    for name, value in units.items():
        if not isinstance(value, (int, float)):
            return TypeError(f"{name} must be a number, not {type(value).__name__}: {shorten(value)}")
    given = ", ".join(f"{name}={shorten(value)}" for name, value in units.items() if value)
    return ValueError(f"no interval can be made of {given}: {exc}")


def _if_naive(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment.tzinfo is None else None
