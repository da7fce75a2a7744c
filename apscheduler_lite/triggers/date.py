"""A single moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from apscheduler_lite._clock import system_instant
from apscheduler_lite._timezones import UTC, from_instant, local_instant, read_datetime, to_instant, to_timezone
from apscheduler_lite._transitions import local_clock

from .base import BaseTrigger
from .exact import STATE_VERSION, check_state, time_text
from .zoned import ZonedTrigger, choose_zone, local_names, warn_of_other_zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .clock_notes import ClockChangeNote

__all__ = ["DateTrigger"]


class DateTrigger(ZonedTrigger):
    """
    Fire once, at a given time.

    A time in the past still fires, as soon as it can; the job's grace time decides whether that is too late.

    Args:
        run_date: when; by default at once.
        timezone: the zone of a ``run_date`` that bears no offset; by default the scheduler's.
    """

    # _open is what bind() has to settle: None, or (the naive run date or None, whether the zone is left open).
    __slots__ = ("_implicit_date", "_instant", "_open", "timezone")

    jitter = None

    def __init__(
        self, run_date: date | str | bytes | None = None, timezone: tzinfo | str | bytes | None = None
    ) -> None:
        given = None if run_date is None else read_datetime(run_date, "run_date")
        zone, zone_is_open = choose_zone(timezone)
        self._implicit_date = given is None
        self._local = local_names(run_date=given)
        self._follows_host = zone_is_open and (given is None or given.tzinfo is None)
        self._open: tuple[datetime | None, bool] | None = None
        if given is None:
            self._open = (None, zone_is_open)
            self._instant = system_instant()
            self.timezone: tzinfo = zone
            return
        if given.tzinfo is not None:
            zone = to_timezone(given.tzinfo)
        elif zone_is_open:
            self._open = (given, True)
        self.timezone = zone
        self._instant = local_instant(given, zone)

    @property
    def run_date(self) -> datetime:
        """The time of the one fire."""
        return from_instant(self._instant, self.timezone)

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """
        Return the run date, even when it is past, unless there has been a fire.

        A job that was run by hand before its date (``next_run_time=…``) has had its one run.
        """
        return self._instant if previous is None else None

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the run date if it lies between the two."""
        return self._instant if after < self._instant <= now else None

    def _instants(self, begin: int) -> Iterator[int]:
        if begin <= self._instant:
            yield self._instant

    def own_previous(self, previous: int) -> int | None:
        """Return None before the run date: a fire until then was another trigger's."""
        return None if previous < self._instant else previous

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with the scheduler's zone and time for what its user left open."""
        return self if self._open is None else self._copy().settle(timezone, to_instant(now))

    def settle(self, timezone: tzinfo, now: int) -> Self:
        """Take the scheduler's zone and time for what the user left open, in place."""
        if self._open is None:
            return self
        naive, zone_is_open = self._open
        self._open = None
        before = self.timezone
        if zone_is_open:
            self.timezone = timezone
        if naive is None:
            self._instant = now
        else:
            warn_of_other_zone(f"run_date {naive.isoformat(' ')}", before, timezone, from_instant(now, UTC))
            self._instant = local_instant(naive, timezone)
        return self

    def follow_host(self) -> None:
        """Take note that the zone it was made with is the host's, unless it is that of the run date."""
        if self._implicit_date or self._local:
            super().follow_host()

    def _move(self, timezone: tzinfo) -> None:
        self._instant = self._moved_bound("run_date", self._instant, timezone)
        self.timezone = timezone

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one fires at the same time, or both were made to fire at once."""
        return type(self) is type(other) and (
            self._instant == other._instant or (self._implicit_date and other._implicit_date)
        )

    def describe(self) -> str:
        """Return what the trigger does, in English words."""
        return f"once, at {time_text(self.run_date)}"

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        from .clock_notes import notes_on_walls

        clock = local_clock(self.timezone)
        wall = self._instant + clock.offset_at(self._instant)

        def walls_between(low: int, high: int) -> list[int]:
            return [wall] if low <= wall < high else []

        fold = "last" if self.run_date.fold else "first"
        return notes_on_walls(clock, first, last, walls_between, lambda _: (self._instant,), fold=fold)

    def __str__(self) -> str:
        return f"date[{time_text(self.run_date)}]"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (run_date='{time_text(self.run_date)}')>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "run_date": from_instant(self._instant, UTC),  # in UTC, because old pickle protocols lose the fold
            "timezone": self.timezone,
            "implicit_date": self._implicit_date,
            "open": self._open,
            **self._zone_state(),
        }

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        run_date = read_datetime(state["run_date"], "run_date")
        self._instant = to_instant(run_date)
        self.timezone = to_timezone(state.get("timezone") or run_date.tzinfo)
        self._implicit_date = state.get("implicit_date", False)
        self._open = state.get("open")
        self._restore_zone_state(state)
