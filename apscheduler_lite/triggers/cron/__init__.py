"""
Fire at the times of a calendar: every weekday at 9, every 15 minutes, on the last Friday of a month.

The way from an expression to a fire time has its own module for each step: `expressions` and `crontab` turn texts into
sets, `days` knows which dates match, `search` finds the wall time, `fires` the instant of it across clock changes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from apscheduler_lite._text import to_text
from apscheduler_lite._timezones import (
    LAST_INSTANT,
    MICROSECONDS,
    UTC,
    from_instant,
    localize,
    read_datetime,
    to_instant,
    to_timezone,
)
from apscheduler_lite._transitions import LocalClock, local_clock
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.exact import STATE_VERSION, check_state, time_text, to_jitter
from apscheduler_lite.triggers.zoned import ZonedTrigger, choose_zone, local_names, warn_of_other_zone

from .expressions import Expression, compile_fields, field_text
from .fields import FIELD_NAMES, CronField, fields_of
from .fires import EARLIEST, choose_policy, last_fire, last_repeated, next_fire, next_repeated
from .search import next_wall

if TYPE_CHECKING:
    from apscheduler_lite.triggers.clock_notes import ClockChangeNote

__all__ = ["CronTrigger"]


class CronTrigger(ZonedTrigger):
    """
    Fire whenever the local time matches all the fields.

    Fields that are not given mean ``*``, and after the last one that is given their lowest value: ``hour=5`` fires at
    05:00:00 every day. The language of the fields, and what happens when the clocks change, is described in the
    documentation under "Cron expressions".

    Args:
        year: four digits, 1970 to 9999.
        month: 1 to 12, or ``jan`` to ``dec``.
        day: day of the month, 1 to 31, ``last``, ``2nd tue`` or ``last fri``.
        week: ISO week, 1 to 53.
        day_of_week: 0 to 6 from Monday on, or ``mon`` to ``sun``.
        hour: 0 to 23.
        minute: 0 to 59.
        second: 0 to 59.
        start_date: no fire is earlier.
        end_date: no fire is later.
        timezone: the zone of the fields, of dates that bear no offset, and of the answers; by default the scheduler's.
        jitter: delay each fire by a random time of up to so many seconds.
        dst_gap: what becomes of a time that a clock change skips, unless hour or minute have a ``*``: ``"after"``
            fires right after the change, ``"shift"`` as much later as the clock was put forward, ``"skip"`` not at all.
        dst_fold: which reading of a time that a clock change repeats fires, unless hour or minute have a ``*``:
            ``"first"``, ``"last"`` or ``"both"``.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: no field is given; a field cannot be read; no date can ever match; ``end_date`` is earlier than
            ``start_date``; the zone is unknown.
    """

    # _open is what bind() has to settle: None, or the start and end dates as they were given.
    __slots__ = ("_clock", "_end", "_expression", "_is_bare", "_open", "_policy", "_start", "jitter", "timezone")

    FIELD_NAMES: ClassVar[tuple[str, ...]] = FIELD_NAMES

    def __init__(
        self,
        year: int | str | None = None,
        month: int | str | None = None,
        day: int | str | None = None,
        week: int | str | None = None,
        day_of_week: int | str | None = None,
        hour: int | str | None = None,
        minute: int | str | None = None,
        second: int | str | None = None,
        start_date: date | str | bytes | None = None,
        end_date: date | str | bytes | None = None,
        timezone: tzinfo | str | bytes | None = None,
        jitter: float | None = None,
        *,
        dst_gap: Literal["after", "shift", "skip"] = "after",
        dst_fold: Literal["first", "last", "both"] = "first",
    ) -> None:
        values = (year, month, day, week, day_of_week, hour, minute, second)
        texts = tuple(
            None if value is None else field_text(name, value) for name, value in zip(FIELD_NAMES, values, strict=True)
        )
        self._configure(compile_fields(texts), start_date, end_date, timezone, jitter, dst_gap, dst_fold)

    @classmethod
    def from_crontab(
        cls,
        expr: str | bytes,
        timezone: tzinfo | str | bytes | None = None,
        *,
        dialect: Literal["crontab", "quartz", "apscheduler"] = "crontab",
        start_date: date | str | bytes | None = None,
        end_date: date | str | bytes | None = None,
        jitter: float | None = None,
        dst_gap: Literal["after", "shift", "skip"] = "after",
        dst_fold: Literal["first", "last", "both"] = "first",
    ) -> Self:
        """
        Return the trigger of a cron expression on one line.

        Args:
            expr: five fields, or six with seconds first, or a macro like ``@daily``. Weekday 0 and 7 are Sunday.
            timezone: the zone of the fields, of dates that bear no offset, and of the answers; by default the
                scheduler's.
            dialect: ``"crontab"`` reads the expression as Vixie's and Debian's cron do; ``"quartz"`` as Quartz does,
                with six or seven fields; ``"apscheduler"`` as APScheduler 3 did, with 0 for Monday.
            start_date: no fire is earlier.
            end_date: no fire is later.
            jitter: delay each fire by a random time of up to so many seconds.
            dst_gap: as for the class.
            dst_fold: as for the class.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: the expression cannot be read, or matches no date at all, or another argument is wrong.
        """
        trigger = object.__new__(cls)
        expression = _line_compiler()(to_text(expr, "expr"), dialect)
        trigger._configure(expression, start_date, end_date, timezone, jitter, dst_gap, dst_fold)
        return trigger

    def _configure(
        self,
        expression: Expression,
        start_date: date | str | bytes | None,
        end_date: date | str | bytes | None,
        timezone: tzinfo | str | bytes | None,
        jitter: float | None,
        dst_gap: str,
        dst_fold: str,
    ) -> None:
        self._expression = expression
        self._policy = choose_policy(dst_gap, dst_fold)
        self.jitter = to_jitter(jitter)
        start = None if start_date is None else read_datetime(start_date, "start_date")
        end = None if end_date is None else read_datetime(end_date, "end_date")
        zone, zone_is_open = choose_zone(timezone, start_date, end_date)
        self._open = (start, end) if zone_is_open else None
        self._follows_host = zone_is_open
        self._local = local_names(start_date=start, end_date=end)
        self._place(zone, start, end)

    def _place(self, zone: tzinfo, start: datetime | None, end: datetime | None) -> None:
        """Take the zone, and the bounds in it."""
        self.timezone: tzinfo = zone
        self._clock: LocalClock = local_clock(zone)
        self._start = EARLIEST if start is None else max(EARLIEST, to_instant(localize(start, zone)))
        self._end = LAST_INSTANT if end is None else min(LAST_INSTANT, to_instant(localize(end, zone)))
        if self._end < self._start and start is not None:
            raise ValueError(f"end_date {self.end_date} is earlier than start_date {self.start_date}")
        self._is_bare = self._start == EARLIEST and self._end == LAST_INSTANT and not self.jitter

    @property
    def fields(self) -> list[CronField]:
        """The fields in the order of ``FIELD_NAMES``: each has a ``name``, ``is_default``, and its text as ``str``."""
        return fields_of(self._expression.given)

    @property
    def start_date(self) -> datetime | None:
        """The time that no fire precedes, or None."""
        return None if self._start == EARLIEST else from_instant(self._start, self.timezone)

    @property
    def end_date(self) -> datetime | None:
        """The time that no fire passes, or None."""
        return None if self._end == LAST_INSTANT else from_instant(self._end, self.timezone)

    @property
    def dst_gap(self) -> str:
        """What becomes of times that a clock change skips: ``"after"``, ``"shift"`` or ``"skip"``."""
        return self._policy.gap

    @property
    def dst_fold(self) -> str:
        """Which reading of repeated times fires: ``"first"``, ``"last"`` or ``"both"``."""
        return self._policy.fold

    @property
    def grid(self) -> tuple[int, int]:
        """Whole seconds of local time."""
        return -self._clock.offset_at(0) % MICROSECONDS, MICROSECONDS

    @property
    def end_instant(self) -> int:
        """The instant that no fire time and no jitter may pass."""
        return self._end

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next fire time with its jitter, in the trigger's zone, or None when there is none any more."""
        # An optimization for the common case: from one fire time in this zone to the next, neither of them near a clock
        # change. There the wall times alone are enough, and there is nothing to convert.
        if self._is_bare and previous_fire_time is not None:
            try:
                zone = self.timezone
                if previous_fire_time.tzinfo is zone and (now is previous_fire_time or now >= previous_fire_time):
                    low, high = self._clock.steady
                    if not low <= previous_fire_time < high:
                        low, high = self._clock.steady_around(previous_fire_time)
                    if low <= previous_fire_time < high:
                        plan = self._expression.plan
                        found = next_wall(plan, previous_fire_time, previous_fire_time.second + 1, zone)
                        if found is None or found < high:
                            return found
                        low, high = self._clock.steady_around(found)
                        if low <= found < high:
                            return found
            except (TypeError, AttributeError):  # no datetimes: the long way has the words for it
                pass
        return super().get_next_fire_time(previous_fire_time, now)

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next exact fire time."""
        begin = max(now if previous is None or now < previous else previous + 1, self._start)
        if begin > self._end:
            return None
        clock, plan = self._clock, self._expression.plan
        period = clock.period_at(begin)
        found = next_fire(plan, self._policy, clock, begin, period)
        if not period.steady_start <= begin < period.steady_end:
            late = next_repeated(plan, self._policy, clock, begin)
            if late is not None and (found is None or late < found) and self._may_fire_late(previous):
                found = late
        return found if found is not None and found <= self._end else None

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest exact fire time that is later than ``after`` and not later than ``now``."""
        plan, clock = self._expression.plan, self._clock
        end = min(now, self._end)
        found = last_fire(plan, self._policy, clock, end, max(after, self._start - 1))
        if found is None:
            begin = max(after + 1, self._start)
            late = next_repeated(plan, self._policy, clock, begin)
            if late is not None and late <= end and self._may_fire_late(after):
                found = last_repeated(plan, clock, begin, end) if self._may_fire_late(late) else late
        return found

    def _may_fire_late(self, previous: int | None) -> bool:
        """
        Return whether, after that previous fire time, second readings may fire whose first reading has passed.

        They may when the trigger was started, or started again, between the two, so that it missed the first: that is,
        when the previous fire time is none of this trigger's.
        """
        if previous is None:
            return True
        earliest = max(previous - int((self.jitter or 0) * MICROSECONDS), self._start)
        last = min(previous, self._end)
        return last_fire(self._expression.plan, self._policy, self._clock, last, earliest - 1) is None

    def own_previous(self, previous: int) -> int | None:
        """Return this trigger's own fire time at or shortly before ``previous``, where that makes a difference."""
        if self._expression.plan.repeats or self._policy.fold != "first":
            return previous
        period = self._clock.period_at(previous)
        if period.steady_start <= previous < period.steady_end:
            return previous  # no fold is near
        return super().own_previous(previous)

    @property
    def keeps_beat(self) -> bool:
        """Whether it fires at a beat rather than at times of day: when hour or minute have a ``*``."""
        return self._expression.plan.repeats

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger in the scheduler's zone, if it was given none."""
        return self if self._open is None else self._copy().settle(timezone, to_instant(now))

    def settle(self, timezone: tzinfo, now: int) -> Self:
        """Take the scheduler's zone, if it was given none, in place."""
        if self._open is not None:
            bounds, self._open = self._open, None
            warn_of_other_zone(str(self), self.timezone, timezone, from_instant(now, UTC))
            self._place(timezone, *bounds)
        return self

    def _move(self, timezone: tzinfo) -> None:
        start, end = self._as_given("start_date", self.start_date), self._as_given("end_date", self.end_date)
        self._place(timezone, start, end)

    def describe(self) -> str:
        """Return when the trigger fires, in exact English words."""
        from apscheduler_lite.triggers.wording import limit_words

        from .describe import clock_change_words, describe

        words = [f"{describe(self._expression.plan)}, {self.timezone} time"]
        words += limit_words(self.start_date, self.end_date, self.jitter)
        if not self._clock.is_fixed:
            words.append(clock_change_words(self._expression.plan, self._policy))
        return "; ".join(words)

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        from .notes import clock_change_notes

        first, last = max(first, self._start), min(last, self._end)
        return clock_change_notes(self._expression.plan, self._policy, self._clock, first - 1, last + 1)

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other trigger is configured like this one."""
        return isinstance(other, CronTrigger) and type(self) is type(other) and self._key() == other._key()

    def __eq__(self, other: object) -> bool:
        return self.is_same_schedule(other) if isinstance(other, CronTrigger) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._expression[:3])

    def __str__(self) -> str:
        return f"cron[{self._expression_text()}]"

    def __repr__(self) -> str:
        parts = [self._expression_text()]
        if self._expression.dialect:
            parts.append(f"dialect={self._expression.dialect!r}")
        if self.start_date is not None:
            parts.append(f"start_date='{time_text(self.start_date)}'")
        if self.end_date is not None:
            parts.append(f"end_date='{time_text(self.end_date)}'")
        if self.jitter is not None:
            parts.append(f"jitter={self.jitter}")
        for name, value, default in (("dst_gap", self.dst_gap, "after"), ("dst_fold", self.dst_fold, "first")):
            if value != default:
                parts.append(f"{name}={value!r}")
        return f"<{type(self).__name__} ({', '.join(parts)}, timezone='{self.timezone}')>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "timezone": self.timezone,
            "start_date": None if self._start == EARLIEST else from_instant(self._start, UTC),
            "end_date": None if self._end == LAST_INSTANT else from_instant(self._end, UTC),
            "dialect": self._expression.dialect,
            "expression": self._expression.text,
            "fields": self._given(),
            "jitter": self.jitter,
            "dst_gap": self.dst_gap,
            "dst_fold": self.dst_fold,
            "open": self._open,
            **self._zone_state(),
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        if state.get("dialect"):
            self._expression = _line_compiler()(state["expression"], state["dialect"])
        else:
            fields = state["fields"]
            if not isinstance(fields, dict):  # of APScheduler 3: objects whose str() is the text
                fields = {field.name: str(field) for field in fields if not field.is_default}
            self._expression = compile_fields(tuple(fields.get(name) for name in FIELD_NAMES))
        self._policy = choose_policy(state.get("dst_gap", "after"), state.get("dst_fold", "first"))
        self.jitter = state.get("jitter")
        self._open = state.get("open")
        self._restore_zone_state(state)
        start, end = state.get("start_date"), state.get("end_date")
        self._place(
            to_timezone(state["timezone"]),
            None if start is None else read_datetime(start, "start_date"),
            None if end is None else read_datetime(end, "end_date"),
        )

    def _expression_text(self) -> str:
        if self._expression.dialect:
            return repr(self._expression.text)
        return ", ".join(f"{name}={text!r}" for name, text in self._given().items())

    def _given(self) -> dict[str, str]:
        """Return the texts of the fields that were given."""
        texts = zip(FIELD_NAMES, self._expression.given, strict=True)
        return {name: text for name, text in texts if text is not None}

    def _key(self) -> tuple[object, ...]:
        return (*self._expression[:3], self.timezone, self._start, self._end, self.jitter, self._policy)


@cache
def _line_compiler() -> Callable[[str, str], Expression]:
    """Return what reads the one-line dialects, which most programs do not need."""
    from .crontab import compile_expression

    return compile_expression
