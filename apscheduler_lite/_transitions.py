"""
The clock changes of a time zone: which instants read which wall time.

An instant is an int, microseconds since 1970-01-01T00:00Z. A wall time is an int too: the microseconds from
1970-01-01T00:00 to what a local clock shows. The difference is the zone's offset, which is constant over a `Period`.

A ``tzinfo`` does not tell its changes, it only answers questions. So they are found by asking: every third day of a
chunk of some 400 days, and by halving where two answers differ. In the time zone database no two changes are less
than 3.9 days apart, since 1970 none less than 6.9. A chunk is searched when it is first needed and then kept; any
object with the ``tzinfo`` methods will do, and rules that go on for ever, as they do after 2037, need nothing special.

This module knows no trigger and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import NamedTuple

from apscheduler_lite._timezones import FIRST_INSTANT, LAST_INSTANT

__all__ = ["Change", "LocalClock", "Period", "local_clock"]

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_CHUNK_BITS = 45  # 2 ** 45 µs are 407 days
_STEP = 3 * _DAY
_MARGIN = 3 * _DAY  # more than any clock ever jumped, so that a chunk knows the changes that reach into it
_KEPT_CHUNKS = 1024
_KEPT_CLOCKS = 1024


class Period:
    """
    A stretch of time over which the offset is constant.

    ``start`` and ``end`` are instants (the end exclusive), ``offset`` is in microseconds. ``offset_before`` and
    ``offset_after`` are the offsets on the other sides of start and end; where one equals ``offset``, the period
    is merely cut there, and nothing happens to the clock.

    Between ``steady_start`` and ``steady_end`` every reading of the local clock is unique, and no time lost in the gap
    before the period would have been read here: whoever stays inside can treat the offset as fixed.
    """

    __slots__ = ("end", "offset", "offset_after", "offset_before", "start", "steady_end", "steady_start")

    def __init__(self, start: int, end: int, offset: int, offset_before: int, offset_after: int) -> None:
        self.start = start
        self.end = end
        self.offset = offset
        self.offset_before = offset_before
        self.offset_after = offset_after
        self.steady_start = start + abs(offset - offset_before)
        self.steady_end = end - max(0, offset - offset_after)

    def __repr__(self) -> str:
        return f"Period({self.start}, {self.end}, {self.offset}, {self.offset_before}, {self.offset_after})"


class Change(NamedTuple):
    """
    One clock change: at the instant ``at`` the offset goes from ``offset_before`` to ``offset_after`` (microseconds).

    The wall times from `low` up to `high` are lost when it is a gap and read twice when it is a fold.
    """

    at: int
    offset_before: int
    offset_after: int

    @property
    def is_gap(self) -> bool:
        """Whether the clock goes forward, so that wall times are lost."""
        return self.offset_after > self.offset_before

    @property
    def low(self) -> int:
        """The first wall time that is lost or repeated."""
        return self.at + min(self.offset_before, self.offset_after)

    @property
    def high(self) -> int:
        """The end, exclusive, of the wall times that are lost or repeated."""
        return self.at + max(self.offset_before, self.offset_after)


class LocalClock:
    """
    A clock on the wall of a zone: converts between instants and readings, and knows when it is put on or back.

    Get one from `local_clock`, which keeps it with all that it has found out.
    """

    __slots__ = ("_chunks", "_fixed", "_knows_fold", "_steady_by_year", "steady", "zone")

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._knows_fold = type(zone).__module__ == "zoneinfo" or isinstance(zone, timezone)
        self._chunks: dict[int, tuple[Period, ...]] = {}
        self.steady = self._aware(0), self._aware(0)
        self._steady_by_year: dict[int, list[tuple[datetime, datetime]]] = {}
        self._fixed: Period | None = None
        if _is_fixed(zone):
            offset = self._offset_at(0)
            self._fixed = Period(FIRST_INSTANT, LAST_INSTANT + 1, offset, offset, offset)

    @property
    def is_fixed(self) -> bool:
        """Whether the zone is known to have no clock changes; one of a stranger's class is not."""
        return self._fixed is not None

    def period_at(self, instant: int) -> Period:
        """
        Return the period that holds the instant.

        Periods may be cut where nothing changes, and neighbours may then overlap; `Period` tells how to see that.
        """
        if self._fixed is not None:
            return self._fixed
        number = instant >> _CHUNK_BITS
        periods = self._chunks.get(number) or self._explore(number)
        for period in periods:
            if instant < period.end:
                return period
        return periods[-1]

    def offset_at(self, instant: int) -> int:
        """Return the offset at the instant, in microseconds."""
        return self.period_at(instant).offset

    def readings(self, wall: int) -> tuple[int, ...]:
        """Return the instants at which the clock reads the wall time: one; two in a fold; none in a gap."""
        found: list[int] = []
        for period in self._periods_around(wall):
            instant = wall - period.offset
            if period.start <= instant < period.end and instant not in found:
                found.append(instant)
        return tuple(found)

    def first_at_or_after(self, wall: int) -> int:
        """
        Return the first instant at which the clock reads the wall time or a later one.

        That is the first reading in a fold, and the end of the gap for a wall time that is lost in one.
        """
        readings = self.readings(wall)
        if readings:
            return readings[0]
        for period in self._periods_around(wall):
            if wall < period.start + period.offset:
                return period.start
        raise OverflowError("the wall time is outside the years 1 to 9999")

    def next_change(self, instant: int, before: int = LAST_INSTANT) -> Change | None:
        """Return the first change after the instant and before the bound, or None."""
        before = min(before, LAST_INSTANT)
        while instant < before:
            period = self.period_at(instant)
            if period.end >= before:
                return None
            if period.offset_after != period.offset:
                return Change(period.end, period.offset, period.offset_after)
            instant = period.end
        return None

    def last_change(self, instant: int, after: int = FIRST_INSTANT) -> Change | None:
        """Return the last change at or before the instant and after the bound, or None."""
        after = max(after, FIRST_INSTANT)
        while instant > after:
            period = self.period_at(instant)
            if period.start <= after:
                return None
            if period.offset_before != period.offset:
                return Change(period.start, period.offset_before, period.offset)
            instant = period.start - 1
        return None

    def steady_around(self, local: datetime) -> tuple[datetime, datetime]:
        """
        Return the steady part (see `Period`) that holds a local time of the zone, as wall times, the end exclusive.

        They are marked with the zone, so that they compare with other times of the same ``tzinfo`` object by what the
        clock shows. That is fast, and inside a steady part it is also right. A time that is in no steady part gets a
        part that does not hold it. The last answer is kept in ``steady``.
        """
        year = local.year
        for steady in self._steady_by_year.get(year) or self._steady_in(year):
            if steady[0] <= local < steady[1]:
                self.steady = steady
                return steady
        return self._aware(0), self._aware(0)

    def _steady_in(self, year: int) -> list[tuple[datetime, datetime]]:
        """Return the steady parts that reach into the year."""
        instant = max(FIRST_INSTANT, (datetime(year, 1, 1) - _EPOCH) // _MICROSECOND - _DAY)
        last = min(LAST_INSTANT, instant + 368 * _DAY)
        found: list[tuple[datetime, datetime]] = []
        while instant < last:
            period = self.period_at(instant)
            low, high = period.steady_start + period.offset, period.steady_end + period.offset
            if low < high:
                found.append((self._aware(low), self._aware(high)))
            instant = period.end
        if len(self._steady_by_year) >= _KEPT_CHUNKS:
            self._steady_by_year.clear()
        self._steady_by_year[year] = found
        return found

    def _aware(self, wall: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=wall)).replace(tzinfo=self.zone)

    def _periods_around(self, wall: int) -> Iterator[Period]:
        """Yield the periods in which the wall time can be read, a day and more on either side."""
        instant = max(FIRST_INSTANT, wall - _MARGIN // 2)
        while instant <= min(wall + _MARGIN // 2, LAST_INSTANT):
            period = self.period_at(instant)
            yield period
            instant = period.end

    def _explore(self, number: int) -> tuple[Period, ...]:
        low = max(FIRST_INSTANT, (number << _CHUNK_BITS) - _MARGIN)
        high = min(LAST_INSTANT + 1, (number + 1 << _CHUNK_BITS) + _MARGIN)
        changes: list[Change] = []
        instant, offset = low, self._offset_at(low)
        while instant < high:
            ahead = min(instant + _STEP, high)
            while self._offset_at(ahead) != offset:
                change = self._find_change(instant, ahead, offset)
                changes.append(change)
                instant, offset = change.at, change.offset_after
            instant = ahead
        periods = _periods_between(low, high, changes, offset)
        # Only what lies in the chunk is asked for; a piece of the margin before a change is not the chunk's business.
        start = number << _CHUNK_BITS
        periods = tuple(period for period in periods if period.end > start)
        if len(self._chunks) >= _KEPT_CHUNKS:
            self._chunks.clear()
        self._chunks[number] = periods
        return periods

    def _find_change(self, low: int, high: int, offset: int) -> Change:
        """Return a change from the given offset, which holds at ``low`` and no longer at ``high``."""
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset_at(middle) == offset:
                low = middle
            else:
                high = middle
        return Change(high, offset, self._offset_at(high))

    def _offset_at(self, instant: int) -> int:
        local = (_EPOCH_UTC + timedelta(microseconds=instant)).astimezone(self.zone)
        if self._knows_fold:
            return local.utcoffset() // _MICROSECOND  # type: ignore[operator]
        # A class of a stranger that knows no fold reads the right time, but takes the second reading's offset
        # for the first's. The difference of the readings is right.
        return (local.replace(tzinfo=None, fold=0) - _EPOCH) // _MICROSECOND - instant


def _periods_between(low: int, high: int, changes: list[Change], offset: int) -> tuple[Period, ...]:
    if not changes:
        return (Period(low, high, offset, offset, offset),)
    first, last = changes[0], changes[-1]
    bounds = [Change(low, first.offset_before, first.offset_before), *changes]
    bounds.append(Change(high, last.offset_after, last.offset_after))
    return tuple(
        Period(left.at, right.at, left.offset_after, left.offset_before, right.offset_after)
        for left, right in pairwise(bounds)
    )


def _is_fixed(zone: tzinfo) -> bool:
    """Whether the zone is known to have one offset for ever; answered for the standard library's classes only."""
    if isinstance(zone, timezone):
        return True
    return type(zone).__module__ == "zoneinfo" and zone.utcoffset(None) is not None


# By identity, with the zone kept alive in the clock: not every tzinfo class can be hashed.
_clocks: dict[int, LocalClock] = {}


def local_clock(zone: tzinfo) -> LocalClock:
    """Return the clock of the zone; the same one for the same object, so that what it found out is kept."""
    clock = _clocks.get(id(zone))
    if clock is None:
        if len(_clocks) >= _KEPT_CLOCKS:
            _clocks.clear()
        clock = _clocks[id(zone)] = LocalClock(zone)
    return clock
