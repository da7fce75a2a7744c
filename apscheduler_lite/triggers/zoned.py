"""
Triggers with a zone of their own, which was given or left open.

A zone that was left open is the scheduler's. Where that is the host's, the trigger goes along when the host gets
another zone (`rebind`): a time of day stays that time of day, and a date that was given as a local time is read anew.
What was given as an instant, such as an aware start, stays where it is.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._timezones import from_instant, local_instant, to_timezone
from apscheduler_lite.errors import warn

from .exact import ExactTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["ZonedTrigger", "choose_zone", "local_names", "warn_of_other_zone"]


class ZonedTrigger(ExactTrigger):
    """A trigger that bears a zone, and knows whether its user chose it."""

    # _local are the names of the dates that were given as local times.
    __slots__ = ("_follows_host", "_local")

    _follows_host: bool
    _local: tuple[str, ...]

    @property
    def follows_host(self) -> bool:
        """Whether its zone is the host's because nobody chose one."""
        return self._follows_host

    def follow_host(self) -> None:
        """Take note that the zone it was made with is the host's, chosen by nobody."""
        self._follows_host = True

    def rebind(self, timezone: tzinfo, *, is_hosts: bool = True) -> Self:
        """Return this trigger in another zone, if nobody chose its own."""
        if not self._follows_host or (is_hosts and timezone == self.timezone):
            return self
        moved = self._copy()
        moved._follows_host = is_hosts
        if timezone != self.timezone:
            moved._move(timezone)
        return moved

    def _move(self, timezone: tzinfo) -> None:
        """Take another zone, in place."""
        raise NotImplementedError

    def _as_given(self, name: str, moment: datetime | None) -> datetime | None:
        """Return one of its dates as it was given: naive where that was a local time."""
        return moment.replace(tzinfo=None) if moment is not None and name in self._local else moment

    def _moved_bound(self, name: str, instant: int, timezone: tzinfo) -> int:
        """Return where the instant of one of its dates lies in another zone."""
        if name not in self._local:
            return instant
        return local_instant(from_instant(instant, self.timezone).replace(tzinfo=None), timezone)

    def _zone_state(self) -> dict[str, Any]:
        """Return what the trigger's state says of whose choice its zone was; nothing where it was the user's."""
        return {"follows_host": True, "local": list(self._local)} if self._follows_host else {}

    def _restore_zone_state(self, state: dict[str, Any]) -> None:
        self._follows_host = state.get("follows_host", False)
        self._local = tuple(state.get("local", ()))


def choose_zone(timezone: object, *moments: object) -> tuple[tzinfo, bool]:
    """
    Return the zone of a trigger, and whether it was left to the scheduler to choose.

    It is the given one, else that of the first aware datetime among the moments, else for the time being the host's.
    """
    if timezone is not None:
        return to_timezone(timezone), False
    for moment in moments:
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return to_timezone(moment.tzinfo), False
    return local_timezone(), True


def local_names(**moments: datetime | None) -> tuple[str, ...]:
    """Return the names of those moments that are naive, and so are local times."""
    return tuple(name for name, moment in moments.items() if moment is not None and moment.tzinfo is None)


def warn_of_other_zone(what: str, host: tzinfo, zone: tzinfo, now: datetime) -> None:
    """Warn that times which named no zone are read in the scheduler's, where that differs from the host's now."""
    if now.astimezone(host).utcoffset() != now.astimezone(zone).utcoffset():
        warn(
            f"{what} names no time zone; it is read in the scheduler's zone {zone}, not in this host's {host}. Give"
            " the trigger timezone=... to choose"
        )
