"""
A trigger without some of its fire times: not on holidays, not at week-ends, not while another trigger fires.

Whole days that are left out are jumped over in one step; single fire times one by one, 100,000 at most: then the
answer is that there is none, with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._text import did_you_mean, one_of, shorten, to_text
from apscheduler_lite._timezones import MICROSECONDS, from_instant, read_datetime
from apscheduler_lite._transitions import LocalClock, local_clock
from apscheduler_lite.errors import warn

from .base import BaseTrigger
from .date_grid import midnight_wall
from .exact import STATE_VERSION, ExactTrigger, check_state, to_jitter

if TYPE_CHECKING:
    from .clock_notes import ClockChangeNote

__all__ = ["DaysOf", "ExcludingTrigger", "Exclusion"]

_MAX_STEPS = 100_000
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class DaysOf:
    """
    All the days on which a trigger fires, as something to leave out.

    A yearly trigger alone, as an exclusion, takes away its own instants only, mostly midnights; its days take away
    everything on them, which is what a calendar of holidays means.
    """

    __slots__ = ("trigger",)

    def __init__(self, trigger: BaseTrigger) -> None:
        if not isinstance(trigger, BaseTrigger):
            raise TypeError(f"trigger must be a trigger, not {type(trigger).__name__}: {shorten(trigger)}")
        self.trigger = trigger

    def __repr__(self) -> str:
        return f"DaysOf({self.trigger!r})"


#: What can be left out: a date, the name of a weekday, the text of either, the fire times of a trigger, the days of
#: one, or those times for which a function answers true.
Exclusion: TypeAlias = date | str | bytes | BaseTrigger | DaysOf | Callable[[datetime], object]


class ExcludingTrigger(ExactTrigger):
    """
    Fire whenever a trigger fires, but not at the times that are excluded.

    Days and weekdays are those of the local date of the fire time, in the zone of the trigger.

    Args:
        base: the trigger that is thinned out.
        exclude: what to leave out, one thing or a list of them:
            a date (or its text, ``"2026-12-25"``) is that whole day;
            the name of a weekday (``"sat"``, ``"Sunday"``) is every such day;
            another trigger is its exact fire times, and ``DaysOf(trigger)`` all the days on which it fires;
            a function is called with the fire time, and leaves it out by returning a true value.
        jitter: delay each fire by a random time of up to so many seconds; by default as the trigger does.

    Raises:
        TypeError: the trigger is none, or an exclusion of another kind.
        ValueError: a text is neither a date nor a weekday, or all weekdays are excluded.
    """

    __slots__ = ("base", "exclude", "jitter")

    def __init__(
        self, base: BaseTrigger, exclude: Exclusion | Iterable[Exclusion], jitter: float | None = None
    ) -> None:
        if not isinstance(base, BaseTrigger):
            raise TypeError(f"base must be a trigger, not {type(base).__name__}: {shorten(base)}")
        self.base = base
        self.exclude = tuple(_read(one) for one in _listed(exclude))
        self.jitter = to_jitter(jitter)
        if all(weekday in self.exclude for weekday in _WEEKDAYS):
            raise ValueError("exclude names all seven weekdays, so that nothing would ever fire")

    @property
    def timezone(self) -> tzinfo:  # type: ignore[override]
        """The zone of the trigger that is thinned out."""
        return self.base.zone or local_timezone()

    @property
    def grid(self) -> tuple[int, int]:
        """That of the trigger that is thinned out."""
        return self.base.grid if isinstance(self.base, ExactTrigger) else (0, 1)

    @property
    def is_arithmetic(self) -> bool:
        """Whether the trigger that is thinned out finds its latest fire time at once."""
        return isinstance(self.base, ExactTrigger) and self.base.is_arithmetic

    @property
    def keeps_beat(self) -> bool:
        """Whether the trigger that is thinned out follows elapsed time."""
        return self.base.keeps_beat

    @property
    def end_instant(self) -> int:
        """That of the trigger that is thinned out."""
        return self.base.end_instant if isinstance(self.base, ExactTrigger) else super().end_instant

    def jitter_at(self, instant: int) -> float | None:
        """Return the jitter of that exact fire time: by default that of the trigger that is thinned out."""
        if self.jitter is None and isinstance(self.base, ExactTrigger):
            return self.base.jitter_at(instant)
        return self.jitter

    def own_previous(self, previous: int) -> int | None:
        """Return the previous fire time as the trigger that is thinned out knows it."""
        return self.base.own_previous(previous)

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next fire time that is not excluded."""
        if previous is not None:
            previous = self.base.own_previous(previous)
        found = self.base.next_instant(previous, now)
        zone = self.timezone
        clock = local_clock(zone)
        for _ in range(_MAX_STEPS):
            if found is None:
                return None
            local = from_instant(found, zone)
            if self._leaves_out_day(local.date(), zone):
                found = self.base.first_instant(_stretch(clock, found, local)[1])
            elif self._leaves_out_time(found, local):
                found = self.base.next_instant(found, found)
            else:
                return found
        warn(f"{shorten(self, 400)} is taken as ended: {_MAX_STEPS} of its fire times in a row are excluded")
        return None

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest fire time between the two that is not excluded."""
        if not self.is_arithmetic:
            return super(ExactTrigger, self).latest_instant(after, now)
        zone = self.timezone
        clock = local_clock(zone)
        found = self.base.latest_instant(after, now)
        for _ in range(_MAX_STEPS):
            if found is None:
                break
            local = from_instant(found, zone)
            if self._leaves_out_day(local.date(), zone):
                found = self.base.latest_instant(after, _stretch(clock, found, local)[0] - 1)
            elif self._leaves_out_time(found, local):
                found = self.base.latest_instant(after, found - 1)
            else:
                return found
        return None

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with all the triggers in it bound to the scheduler's zone and time."""
        return self._with_each(lambda trigger: trigger.bind(timezone, now))

    @property
    def follows_host(self) -> bool:
        """Whether the zone of any trigger in it is the host's because nobody chose one."""
        return any(trigger.follows_host for trigger in (self.base, *_triggers_in(self.exclude)))

    def rebind(self, timezone: tzinfo, *, is_hosts: bool = True) -> Self:
        """Return this trigger with those triggers in it in another zone whose own nobody chose."""
        return self._with_each(lambda trigger: trigger.rebind(timezone, is_hosts=is_hosts))

    def _with_each(self, change: Callable[[BaseTrigger], BaseTrigger]) -> Self:
        base = change(self.base)
        exclude = tuple(_changed(one, change) for one in self.exclude)
        if base is self.base and all(a is b for a, b in zip(exclude, self.exclude, strict=True)):
            return self
        copied = self._copy()
        copied.base = base
        copied.exclude = exclude
        return copied

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one thins out the same schedule in the same way."""
        return (
            type(self) is type(other)
            and self.jitter == other.jitter
            and self.base.is_same_schedule(other.base)
            and len(self.exclude) == len(other.exclude)
            and all(_is_same(a, b) for a, b in zip(self.exclude, other.exclude, strict=True))
        )

    def _leaves_out_day(self, day: date, zone: tzinfo) -> bool:
        if day in self.exclude or _WEEKDAYS[day.weekday()] in self.exclude:
            return True
        for one in self.exclude:
            if isinstance(one, DaysOf):
                midnight = local_clock(zone).first_at_or_after(midnight_wall(day.toordinal()))
                first = one.trigger.first_instant(midnight)
                if first is not None and from_instant(first, zone).date() == day:
                    return True
        return False

    def _leaves_out_time(self, instant: int, local: datetime) -> bool:
        for one in self.exclude:
            if isinstance(one, BaseTrigger):
                if one.first_instant(instant) == instant:
                    return True
            elif callable(one) and one(local):
                return True
        return False

    def describe(self) -> str:
        """Return when the trigger fires, in English words."""
        from .wording import joined, limit_words

        words = [f"({self.base.describe()})"]
        if self.exclude:
            words[0] += f" except {joined([_described(one) for one in self.exclude])}"
        return "; ".join([*words, *limit_words(None, None, self.jitter)])

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        return self.base._notes(first, last)

    def __str__(self) -> str:
        return f"{self.base} except {', '.join(_name(one) for one in self.exclude) or 'nothing'}"

    def __repr__(self) -> str:
        jitter = "" if self.jitter is None else f", jitter={self.jitter}"
        return f"<{type(self).__name__}({self.base!r}, exclude={list(self.exclude)!r}{jitter})>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "base": self.base,
            "exclude": [one.trigger if isinstance(one, DaysOf) else one for one in self.exclude],
            "days_of": [isinstance(one, DaysOf) for one in self.exclude],
            "jitter": self.jitter,
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        self.base = state["base"]
        self.jitter = state["jitter"]
        pairs = zip(state["exclude"], state["days_of"], strict=True)
        self.exclude = tuple(DaysOf(one) if is_days else one for one, is_days in pairs)


def _listed(exclude: Exclusion | Iterable[Exclusion]) -> Iterator[Exclusion]:
    if isinstance(exclude, (str, bytes, date, BaseTrigger, DaysOf)) or callable(exclude):
        return iter((exclude,))
    try:
        return iter(exclude)
    except TypeError:
        raise TypeError(f"exclude must be {_KINDS}, or a list of these, not {shorten(exclude)}") from None


_KINDS = "a date, the name of a weekday, a trigger, DaysOf(trigger) or a function"


def _read(one: Any) -> date | str | BaseTrigger | DaysOf | Callable[[datetime], object]:
    """Return an exclusion in its plain form: a date, the full name of a weekday, a trigger, its days, a function."""
    if isinstance(one, (str, bytes)):
        return _read_text(to_text(one, "exclude"))
    if isinstance(one, datetime):
        raise TypeError(f"exclude takes whole days; for a single time use DateTrigger({one.isoformat(' ')!r})")
    if isinstance(one, (date, BaseTrigger, DaysOf)) or callable(one):
        return one  # type: ignore[no-any-return]
    raise TypeError(f"exclude must be {_KINDS}, or a list of these, but it contains {shorten(one)}")


def _read_text(text: str) -> date | str:
    name = text.strip().lower()
    weekdays = [weekday for weekday in _WEEKDAYS if len(name) >= 3 and weekday.startswith(name)]
    if weekdays:
        return weekdays[0]
    if not text[:1].isdigit():
        raise ValueError(
            f"exclude must be a date like '2026-12-25' or a weekday ({one_of(_WEEKDAYS)}), not {shorten(text)}"
            f"{did_you_mean(text, _WEEKDAYS)}"
        )
    moment = read_datetime(text, "exclude")
    if moment != datetime(moment.year, moment.month, moment.day):
        raise ValueError(f"exclude takes whole days; for a single time use DateTrigger({text!r})")
    return moment.date()


def _changed(one: Any, change: Callable[[BaseTrigger], BaseTrigger]) -> Any:
    if isinstance(one, BaseTrigger):
        return change(one)
    if isinstance(one, DaysOf):
        trigger = change(one.trigger)
        return one if trigger is one.trigger else DaysOf(trigger)
    return one


def _triggers_in(exclude: Iterable[Any]) -> Iterator[BaseTrigger]:
    for one in exclude:
        if isinstance(one, DaysOf):
            yield one.trigger
        elif isinstance(one, BaseTrigger):
            yield one


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, BaseTrigger) and isinstance(other, BaseTrigger):
        return one.is_same_schedule(other)
    if isinstance(one, DaysOf) and isinstance(other, DaysOf):
        return one.trigger.is_same_schedule(other.trigger)
    return bool(one == other)


def _described(one: Any) -> str:
    if isinstance(one, BaseTrigger):
        return f"({one.describe()})"
    if isinstance(one, DaysOf):
        return f"the days of ({one.trigger.describe()})"
    if isinstance(one, date):
        return f"on {one}"
    return f"on {one.title()}s" if isinstance(one, str) else f"when {_name(one)}() says so"


def _name(one: Any) -> str:
    if isinstance(one, DaysOf):
        return f"days of {one.trigger}"
    if isinstance(one, (str, date, BaseTrigger)):
        return str(one)
    return str(getattr(one, "__qualname__", None) or shorten(one))


def _stretch(clock: LocalClock, instant: int, local: date) -> tuple[int, int]:
    """
    Return the beginning and the end of the stretch over which the clock shows that date without a break.

    A fold at midnight shows a day twice, with a part of the next in between.
    """
    period = clock.period_at(instant)
    midnight, day = midnight_wall(local.toordinal()) - period.offset, 86_400 * MICROSECONDS
    return max(midnight, period.start), min(midnight + day, period.end)
