"""A trigger of bare integers, to decide about: no zones, no dates, jitter as it is told."""

from __future__ import annotations

__all__ = ["Beat"]


class Beat:
    """
    Fire at the multiples of a number, from its first one on.

    Args:
        every: the number.
        end: the last instant at which it may fire.
        delays: the jitter of fire times that have some.
    """

    def __init__(self, every: int, end: int | None = None, delays: dict[int, int] | None = None) -> None:
        self.every = self.start = every
        self.end = end
        self.delays = delays or {}
        self.asked = 0

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the first multiple from now on, or after the previous one."""
        self.asked += 1
        begin = now if previous is None or now < previous else previous + 1
        found = max(self.start, -(-begin // self.every) * self.every)
        return None if self.end is not None and found > self.end else found

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the last multiple up to now that comes after the other time."""
        self.asked += 1
        last = now if self.end is None else min(now, self.end)
        found = last // self.every * self.every
        return found if found > after and found >= self.start else None

    def delay(self, instant: int) -> int:
        """Return that fire time's jitter."""
        return self.delays.get(instant, 0)
