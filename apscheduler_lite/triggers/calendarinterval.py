"""The same wall time every so many days, weeks, months or years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, tzinfo
from operator import index
from typing import TYPE_CHECKING, Any, Literal, Self

from apscheduler_lite._clock import system_now
from apscheduler_lite._text import did_you_mean, one_of, shorten
from apscheduler_lite._timezones import (
    FIRST_INSTANT,
    LAST_INSTANT,
    MICROSECONDS,
    UTC,
    from_instant,
    read_datetime,
    to_timezone,
)
from apscheduler_lite._transitions import LocalClock, local_clock

from .base import BaseTrigger
from .date_grid import DateGrid, day_of_wall, local_day, midnight_wall
from .exact import STATE_VERSION, check_state, to_jitter
from .zoned import ZonedTrigger, choose_zone

if TYPE_CHECKING:
    from .clock_notes import ClockChangeNote

__all__ = ["CalendarIntervalTrigger"]

_BEGINNING = from_instant(FIRST_INSTANT, UTC)

_GAP_CHOICES = ("skip", "after", "shift")
_FOLD_CHOICES = ("first", "last", "both")
_END_OF_MONTH_CHOICES = ("skip", "clamp")


class CalendarIntervalTrigger(ZonedTrigger):
    """
    Fire at the same time of day on a start date and then every so many days, weeks, months and years.

    Unlike the interval trigger this one keeps the wall time across clock changes. The months of an interval are added
    first, then the days.

    Asked for the first fire (with no previous one), it answers its start, also when that is past; a job that is added
    with it begins at the first fire that is not past.

    Args:
        years, months, weeks, days: the interval is their sum.
        hour, minute, second: the time of day.
        start_date: the first date; by default today.
        end_date: the last date.
        timezone: the zone of the time; by default the scheduler's.
        jitter: delay each fire by a random time of up to so many seconds.
        dst_gap: what to do on a date on which the time does not exist: ``"skip"`` the date (the grid stays as it is),
            fire right ``"after"`` the gap, or ``"shift"`` the time by what the clock jumped.
        dst_fold: of a time that exists twice take the ``"first"``, the ``"last"`` or ``"both"``.
        end_of_month: in a month that lacks the day of the start date, ``"skip"`` the month or ``"clamp"`` to its
            last day.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: the interval is no longer than zero, a number is out of range or a choice unknown, or ``end_date``
            is earlier than ``start_date``.
    """

    # _open is what bind() has to settle: None, or whether the zone is left open (else it is the start only).
    __slots__ = (
        "_implicit_start",
        "_open",
        "_second",
        "days",
        "dst_fold",
        "dst_gap",
        "end_date",
        "end_of_month",
        "jitter",
        "months",
        "start_date",
        "timezone",
        "weeks",
        "years",
    )

    def __init__(
        self,
        *,
        years: int = 0,
        months: int = 0,
        weeks: int = 0,
        days: int = 0,
        hour: int = 0,
        minute: int = 0,
        second: int = 0,
        start_date: date | str | bytes | None = None,
        end_date: date | str | bytes | None = None,
        timezone: tzinfo | str | bytes | None = None,
        jitter: float | None = None,
        dst_gap: Literal["skip", "after", "shift"] = "skip",
        dst_fold: Literal["first", "last", "both"] = "first",
        end_of_month: Literal["skip", "clamp"] = "skip",
    ) -> None:
        self.years = _whole("years", years)
        self.months = _whole("months", months)
        self.weeks = _whole("weeks", weeks)
        self.days = _whole("days", days)
        if not (years or months or weeks or days):
            raise ValueError("the interval must be at least one day long; give it years, months, weeks or days")
        self._second = (
            _whole("hour", hour, 23) * 3600 + _whole("minute", minute, 59) * 60 + _whole("second", second, 59)
        )
        self.jitter = to_jitter(jitter)
        self.dst_gap = _choice("dst_gap", dst_gap, _GAP_CHOICES)
        self.dst_fold = _choice("dst_fold", dst_fold, _FOLD_CHOICES)
        self.end_of_month = _choice("end_of_month", end_of_month, _END_OF_MONTH_CHOICES)
        zone, zone_is_open = choose_zone(timezone)
        self.timezone: tzinfo = zone
        self._follows_host = zone_is_open
        self._local = ()  # its dates are dates of whatever zone it has
        self._implicit_start = start_date is None
        self._open: bool | None = zone_is_open if start_date is None or zone_is_open else None
        today = system_now().astimezone(zone).date()
        self.start_date: date = today if start_date is None else _to_date(start_date, "start_date", zone)
        self.end_date: date | None = None if end_date is None else _to_date(end_date, "end_date", zone)
        if start_date is not None and self.end_date is not None and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is earlier than start_date {self.start_date}")

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """
        Return the next fire time with its jitter, or None when there is none any more.

        Without a previous one it is the start, also when that is past.
        """
        if previous_fire_time is None:
            now = _BEGINNING
        return super().get_next_fire_time(previous_fire_time, now)

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next exact fire time that is not past."""
        begin = now if previous is None or now < previous else previous + 1
        clock = local_clock(self.timezone)
        # A time moved out of a gap, or the second pass of a fold, may be read a day after its date in the grid.
        for day in self._grid().at_or_after(local_day(clock, begin) - 1):
            if day > self._last_day():
                return None
            for instant in self._instants_of(day, clock):
                if instant >= begin:
                    return instant
        return None

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest exact fire time that is later than ``after`` and not later than ``now``."""
        clock = local_clock(self.timezone)
        first = local_day(clock, after) - 1
        for day in self._grid().at_or_before(min(local_day(clock, now) + 1, self._last_day())):
            if day < first:
                return None
            for instant in reversed(self._instants_of(day, clock)):
                if instant <= now:
                    return instant if instant > after else None
        return None

    def own_previous(self, previous: int) -> int | None:
        """Return the argument: whose fire it was makes no difference."""
        return previous

    @property
    def grid(self) -> tuple[int, int]:
        """Whole seconds of local time."""
        return -local_clock(self.timezone).offset_at(0) % MICROSECONDS, MICROSECONDS

    @property
    def end_instant(self) -> int:
        """The end of the last date, which no jitter may pass."""
        if self.end_date is None:
            return LAST_INSTANT
        midnight = midnight_wall(self.end_date.toordinal() + 1)
        return min(LAST_INSTANT, local_clock(self.timezone).first_at_or_after(midnight) - 1)

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with the scheduler's zone and date for what its user left open."""
        if self._open is None:
            return self
        bound = self._copy()
        bound._open = None
        if self._open:
            bound.timezone = timezone
        if self._implicit_start:
            bound.start_date = now.astimezone(bound.timezone).date()
        return bound

    def under_way(self, now: int) -> Self:
        """Return this trigger; where its start was left open and is still to come, a copy that starts on that day."""
        today = from_instant(now, self.timezone).date()
        if not self._implicit_start or self.start_date <= today:
            return self
        earlier = self._copy()
        earlier.start_date = today
        return earlier

    def _move(self, timezone: tzinfo) -> None:
        self.timezone = timezone

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one has the same configuration, or differs in a start that both left open."""
        if type(self) is not type(other):
            return False
        open_start = self._implicit_start and other._implicit_start
        return self._configuration() == other._configuration() and (open_start or self.start_date == other.start_date)

    def _configuration(self) -> tuple[object, ...]:
        interval = (self.years, self.months, self.weeks, self.days, self._second)
        return (*interval, self.end_date, self.timezone, self.jitter, self.dst_gap, self.dst_fold, self.end_of_month)

    def _grid(self) -> DateGrid:
        return DateGrid(
            self.start_date,
            self.years * 12 + self.months,
            self.weeks * 7 + self.days,
            clamp=self.end_of_month == "clamp",
        )

    def _last_day(self) -> int:
        return (date.max if self.end_date is None else self.end_date).toordinal()

    def _instants_of(self, day: int, clock: LocalClock) -> tuple[int, ...]:
        """Return the fire times of a date of the grid: mostly one."""
        wall = midnight_wall(day) + self._second * MICROSECONDS
        found = clock.readings(wall)
        if found:
            if self.dst_fold == "both":
                return found
            return (found[-1 if self.dst_fold == "last" else 0],)
        if self.dst_gap == "skip":
            return ()
        end_of_gap = clock.first_at_or_after(wall)
        if clock.first_at_or_after(midnight_wall(day)) >= end_of_gap and local_day(clock, end_of_gap) > day:
            return ()  # the zone skipped the whole date, as Apia did in 2011
        if self.dst_gap == "after":
            return (end_of_gap,)
        return (wall - clock.offset_at(end_of_gap - 1),)

    def describe(self) -> str:
        """Return when the trigger fires, in English words."""
        from .wording import FOLD_WORDS, GAP_WORDS, count_words, limit_words

        units = [(getattr(self, f"{unit}s"), unit) for unit in ("year", "month", "week", "day")]
        at = self._time()
        time_of_day = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
        words = [f"every {count_words(units)} at {time_of_day}, {self.timezone} time", f"from {self.start_date} on"]
        if self.end_date is not None:
            words.append(f"until {self.end_date}")
        if (self.years or self.months) and self.start_date.day > 28:
            last = "the last day of months that lack the day" if self.end_of_month == "clamp" else ""
            words.append(last or "not in months that lack the day")
        words += limit_words(None, None, self.jitter)
        if not local_clock(self.timezone).is_fixed:
            words.append(f"{GAP_WORDS[self.dst_gap]}, {FOLD_WORDS[self.dst_fold]}")
        return "; ".join(words)

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        from .clock_notes import notes_on_walls

        clock = local_clock(self.timezone)
        grid, time_of_day = self._grid(), self._second * MICROSECONDS

        def walls_between(low: int, high: int) -> Iterator[int]:
            for day in grid.at_or_after(day_of_wall(low)):
                wall = midnight_wall(day) + time_of_day
                if wall >= high or day > self._last_day():
                    return
                if wall >= low:
                    yield wall

        def fires_of(wall: int) -> tuple[int, ...]:
            return self._instants_of(day_of_wall(wall), clock)

        return notes_on_walls(clock, first, last, walls_between, fires_of, gap=self.dst_gap, fold=self.dst_fold)

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        parts = [f"{name}={value}" for name in ("years", "months", "weeks", "days") if (value := getattr(self, name))]
        parts.append(f"time='{self._time()}'")
        parts.append(f"start_date='{self.start_date}'")
        if self.end_date is not None:
            parts.append(f"end_date='{self.end_date}'")
        parts.append(f"timezone='{self.timezone}'")
        if self.jitter is not None:
            parts.append(f"jitter={self.jitter}")
        defaults = {"dst_gap": "skip", "dst_fold": "first", "end_of_month": "skip"}
        parts += [f"{name}={value!r}" for name, usual in defaults.items() if (value := getattr(self, name)) != usual]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _time(self) -> time:
        return time(self._second // 3600, self._second // 60 % 60, self._second % 60)

    def __getstate__(self) -> dict[str, Any]:
        at = self._time()
        return {
            "version": STATE_VERSION,
            "interval": [self.years, self.months, self.weeks, self.days],
            "time": [at.hour, at.minute, at.second],
            "start_date": self.start_date,
            "end_date": self.end_date,
            "timezone": self.timezone,
            "jitter": self.jitter,
            "dst_gap": self.dst_gap,
            "dst_fold": self.dst_fold,
            "end_of_month": self.end_of_month,
            "implicit_start": self._implicit_start,
            "open": self._open,
            **self._zone_state(),
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        self.timezone = to_timezone(state["timezone"])
        self.years, self.months, self.weeks, self.days = state["interval"]
        hour, minute, second = state["time"]
        self._second = hour * 3600 + minute * 60 + second
        self.start_date = _to_date(state["start_date"], "start_date", self.timezone)
        end = state.get("end_date")
        self.end_date = None if end is None else _to_date(end, "end_date", self.timezone)
        self.jitter = state.get("jitter")
        self.dst_gap = state.get("dst_gap", "skip")
        self.dst_fold = state.get("dst_fold", "first")
        self.end_of_month = state.get("end_of_month", "skip")
        self._implicit_start = state.get("implicit_start", False)
        self._open = state.get("open")
        self._restore_zone_state(state)


def _whole(name: str, value: int, limit: int | None = None) -> int:
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}: {shorten(value)}") from None
    if number < 0 or (limit is not None and number > limit):
        allowed = "zero or more" if limit is None else f"from 0 to {limit}"
        raise ValueError(f"{name} must be {allowed}: {shorten(value)}")
    return number


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{name} must be one of {one_of(choices)}, not {shorten(value)}{did_you_mean(value, choices)}")
    return value


def _to_date(value: object, name: str, zone: tzinfo) -> date:
    """Return the date that a value means: of an aware datetime, its date in the zone."""
    moment = read_datetime(value, name)
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()
