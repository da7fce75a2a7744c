"""
What the triggers of this library share: they are functions from instants to instants.

A subclass says in ``next_instant`` and ``latest_instant`` when it fires exactly, and everything with datetimes, zones
and jitter follows here, once.

Jitter is a delay that is added to an exact fire time, and is cut so that the sum stays before the next exact fire
time and not after the end. So the sums strictly increase, each lies in the slot of its own exact fire time, and the
search that goes on from a sum finds the next slot: nothing drifts and nothing is dropped.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime, tzinfo
from math import isfinite

from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import (
    LAST_INSTANT,
    MICROSECONDS,
    from_instant,
    to_instant,
)

from .base import BaseTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "STATE_VERSION",
    "ExactTrigger",
    "check_state",
    "time_text",
    "to_jitter",
]

#: The version of the states that triggers pickle. 1 and 2 are those of APScheduler 3.
STATE_VERSION = 3

# A zone that crosses the date line westward repeats a whole day (Manila in 1844 the other way, Apia in 1892 so).
_LONGEST_FOLD = 25 * 3600 * MICROSECONDS


class ExactTrigger(BaseTrigger):
    """A trigger that answers in instants."""

    __slots__ = ()

    jitter: float | None
    timezone: tzinfo

    @abstractmethod
    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the next exact fire time."""

    @abstractmethod
    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest exact fire time that is later than ``after`` and not later than ``now``."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """
        Return the next fire time with its jitter, in the trigger's zone, or None when there is none any more.

        Args:
            previous_fire_time: the fire time before, with its jitter, or None for the first time.
            now: the current time.

        Raises:
            TypeError: an argument is no aware datetime.
        """
        try:
            if previous_fire_time is None:
                instant = self.next_instant(None, to_instant(now))
            else:
                previous = current = to_instant(previous_fire_time)
                # An optimization: of a time that is not before the previous one, the instant makes no difference. In
                # one zone the wall times tell which is earlier, unless the clock was put back before the previous one.
                if now is not previous_fire_time and (
                    now.tzinfo is not previous_fire_time.tzinfo or previous_fire_time.fold or now < previous_fire_time
                ):
                    current = to_instant(now)
                instant = self.next_instant(previous, current)
        except (TypeError, AttributeError):
            _check_moments(previous_fire_time, now)
            raise
        if instant is None:
            return None
        return from_instant(instant + self.delay(instant), self.timezone)

    def delay(self, instant: int) -> int:
        """Return a random delay in microseconds to add to that exact fire time: at most the jitter."""
        jitter = self.jitter_at(instant)
        if not jitter:
            return 0
        from random import random  # here, because its import costs milliseconds

        room = min(int(jitter * MICROSECONDS), self.end_instant - instant)
        following = self.next_instant(instant, instant)
        if following is not None:
            room = min(room, following - instant - 1)
        return int(random() * (room + 1))

    def jitter_at(self, instant: int) -> float | None:
        """Return the jitter of that exact fire time, in seconds."""
        return self.jitter

    def first_instant(self, begin: int) -> int | None:
        """Return the first exact fire time that is not earlier than ``begin``, whatever was asked before."""
        previous = self.own_previous(begin - 1)
        return self.next_instant(previous, begin - 1)

    def own_previous(self, previous: int) -> int | None:
        """
        Return this trigger's own fire time at or shortly before ``previous``, which may be another trigger's.

        Only the two passes of a fold make a difference, so looking back over the longest fold is enough; a trigger
        whose answers never depend on the previous fire returns the argument.
        """
        own = self.latest_instant(previous - _LONGEST_FOLD, previous)
        return previous if own is None else own

    @property
    def grid(self) -> tuple[int, int]:
        """
        An arithmetic progression that contains all fire times, as one of its instants and its step.

        The finer it is, the less it tells: a step of one microsecond says nothing.
        """
        return 0, 1

    @property
    def is_arithmetic(self) -> bool:
        """Whether the latest fire time is found at once, not by asking for all before it."""
        return True

    @property
    def end_instant(self) -> int:
        """The instant that no fire time and no jitter may pass."""
        return LAST_INSTANT

    @property
    def zone(self) -> tzinfo:
        """The zone of the answers."""
        return self.timezone

    def _instants(self, begin: int) -> Iterator[int]:
        # As for a scheduler that starts at that time; first_instant would know what it fired before.
        found = self.next_instant(begin - 1, begin - 1)
        while found is not None:
            yield found
            found = self.next_instant(found, found)


def to_jitter(value: float | None) -> float | None:
    """
    Return a valid jitter in seconds, or None.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative or not finite.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"jitter must be a number of seconds or None, not {type(value).__name__}: {shorten(value)}")
    if value < 0 or not isfinite(value):
        raise ValueError(f"jitter must be zero or more seconds: {shorten(value)}")
    return value


def time_text(moment: datetime) -> str:
    """Return the time as reprs and descriptions show it, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")


def check_state(trigger: BaseTrigger, state: Any) -> dict[str, Any]:
    """
    Return a pickled state, if this version of the library can read it.

    Raises:
        ValueError: a later version wrote it.
    """
    version = state.get("version", 1) if isinstance(state, dict) else None
    if not isinstance(version, int) or version > STATE_VERSION:
        raise ValueError(
            f"a pickled {type(trigger).__name__} has a state of version {version}; this version of apscheduler_lite"
            f" reads up to {STATE_VERSION}"
        )
    return dict(state)


def _check_moments(previous_fire_time: object, now: object) -> None:
    for name, value in (("previous_fire_time", previous_fire_time), ("now", now)):
        if name == "previous_fire_time" and value is None:
            continue
        if not isinstance(value, datetime):
            raise TypeError(f"{name} must be a datetime with a time zone, not {type(value).__name__}: {shorten(value)}")
        if value.utcoffset() is None:
            raise TypeError(f"{name} must have a time zone: {value!r}")
