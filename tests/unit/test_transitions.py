"""The clock changes of zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import FIRST_INSTANT, LAST_INSTANT, to_instant
from apscheduler_lite._transitions import Change, LocalClock, Period, local_clock

HOUR = 3_600_000_000
BERLIN = ZoneInfo("Europe/Berlin")
SPRING = to_instant(datetime(2026, 3, 29, 1, tzinfo=UTC))
AUTUMN = to_instant(datetime(2026, 10, 25, 1, tzinfo=UTC))


def wall(*fields: int) -> int:
    """Return a wall time in microseconds."""
    return (datetime(*fields) - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # type: ignore[arg-type, misc]


class OldStyle(tzinfo):
    """A zone as people wrote them before there was a fold: an hour more from May to October."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=1) + self.dst(dt)

    def dst(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=1 if dt is not None and 5 <= dt.month < 11 else 0)

    def tzname(self, dt: datetime | None) -> str:
        return "OLD"


def test_the_changes_of_a_year_are_found_in_both_directions() -> None:
    """A change knows its instant and the offsets on both sides."""
    clock = local_clock(BERLIN)
    start, end = to_instant(datetime(2026, 1, 1, tzinfo=UTC)), to_instant(datetime(2027, 1, 1, tzinfo=UTC))
    spring, autumn = Change(SPRING, HOUR, 2 * HOUR), Change(AUTUMN, 2 * HOUR, HOUR)

    assert clock.next_change(start) == spring
    assert clock.next_change(SPRING) == autumn
    assert clock.next_change(AUTUMN, end) is None
    assert clock.last_change(end) == autumn
    assert clock.last_change(AUTUMN) == autumn
    assert clock.last_change(AUTUMN - 1) == spring
    assert clock.last_change(SPRING - 1, start) is None
    assert spring.is_gap
    assert not autumn.is_gap
    assert (spring.low, spring.high) == (wall(2026, 3, 29, 2), wall(2026, 3, 29, 3))
    assert (autumn.low, autumn.high) == (wall(2026, 10, 25, 2), wall(2026, 10, 25, 3))


def test_rules_without_end_are_known_for_ever() -> None:
    """After 2037 the database has rules instead of a list."""
    change = local_clock(BERLIN).next_change(to_instant(datetime(2500, 7, 1, tzinfo=UTC)))

    assert change is not None
    assert change.at == to_instant(datetime(2500, 10, 31, 1, tzinfo=UTC))


def test_a_wall_time_is_read_once_twice_or_never() -> None:
    """In a fold there are two readings, in a gap there is none, and the end of the gap comes first after it."""
    clock = local_clock(BERLIN)

    assert clock.readings(wall(2026, 7, 1, 12)) == (to_instant(datetime(2026, 7, 1, 10, tzinfo=UTC)),)
    assert clock.readings(wall(2026, 3, 29, 2, 30)) == ()
    assert clock.readings(wall(2026, 3, 29, 3)) == (SPRING,)
    assert clock.readings(wall(2026, 10, 25, 2, 30)) == (AUTUMN - HOUR // 2, AUTUMN + HOUR // 2)
    assert clock.first_at_or_after(wall(2026, 3, 29, 2, 30)) == SPRING
    assert clock.first_at_or_after(wall(2026, 10, 25, 2, 30)) == AUTUMN - HOUR // 2
    assert clock.offset_at(SPRING - 1) == HOUR
    assert clock.offset_at(SPRING) == 2 * HOUR


def test_a_skipped_day_is_a_gap_of_a_day() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    clock = local_clock(ZoneInfo("Pacific/Apia"))

    assert clock.readings(wall(2011, 12, 30, 12)) == ()
    assert clock.first_at_or_after(wall(2011, 12, 30, 12)) == to_instant(datetime(2011, 12, 30, 10, tzinfo=UTC))


def test_offsets_may_have_odd_seconds() -> None:
    """Liberia was 44 minutes and 30 seconds behind until 1972."""
    clock = local_clock(ZoneInfo("Africa/Monrovia"))
    change = clock.next_change(to_instant(datetime(1972, 1, 1, tzinfo=UTC)))

    assert change == Change(to_instant(datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC)), -2_670_000_000, 0)


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=45)), ZoneInfo("UTC"), ZoneInfo("Etc/GMT-3")]
)
def test_a_fixed_zone_is_one_period(zone: tzinfo) -> None:
    """Nothing is searched where nothing can change."""
    clock = local_clock(zone)

    assert clock.is_fixed
    assert clock.next_change(FIRST_INSTANT) is None
    assert clock.last_change(LAST_INSTANT) is None
    assert clock.period_at(0) is clock.period_at(LAST_INSTANT)


def test_a_zone_class_that_knows_no_fold_will_do() -> None:
    """Only its methods are asked, and its second readings, whose offset it tells wrongly, are right nevertheless."""
    clock = local_clock(OldStyle())
    changes = []
    change = clock.next_change(to_instant(datetime(2026, 1, 1, tzinfo=UTC)))
    while change is not None and len(changes) < 3:
        changes.append((change.at, change.offset_after))
        change = clock.next_change(change.at)

    assert not clock.is_fixed
    assert changes[0] == (to_instant(datetime(2026, 4, 30, 23, tzinfo=UTC)), 2 * HOUR)
    assert changes[1][1] == HOUR
    assert changes[2] == (to_instant(datetime(2027, 4, 30, 23, tzinfo=UTC)), 2 * HOUR)


def test_the_clock_of_a_zone_is_kept() -> None:
    """What it found out serves all triggers of the zone."""
    assert local_clock(BERLIN) is local_clock(ZoneInfo("Europe/Berlin"))


def test_the_ends_of_the_calendar_are_in_a_period() -> None:
    """The first and the last instant can be asked about."""
    clock = LocalClock(ZoneInfo("Asia/Tokyo"))

    assert clock.period_at(FIRST_INSTANT).start == FIRST_INSTANT
    assert clock.period_at(LAST_INSTANT).end == LAST_INSTANT + 1
    assert clock.next_change(LAST_INSTANT - 1) is None
    assert clock.readings(wall(9999, 12, 31)) == (LAST_INSTANT - 9 * HOUR,)
    with pytest.raises(OverflowError):
        LocalClock(ZoneInfo("America/New_York")).first_at_or_after(wall(9999, 12, 31, 23))


def test_steady_parts_leave_out_what_a_change_touches() -> None:
    """Inside a steady part every reading is unique, and no lost time would have been read there."""
    clock = LocalClock(BERLIN)

    def is_steady(*fields: int) -> bool:
        moment = datetime(*fields, tzinfo=BERLIN)  # type: ignore[arg-type, misc]
        low, high = clock.steady_around(moment)
        return low <= moment < high

    assert is_steady(2026, 3, 29, 1, 59)
    assert not is_steady(2026, 3, 29, 2, 30)
    assert not is_steady(2026, 3, 29, 3, 59)
    assert is_steady(2026, 3, 29, 4)
    assert is_steady(2026, 10, 25, 1, 59)
    assert not is_steady(2026, 10, 25, 2)
    assert not is_steady(2026, 10, 25, 2, 59)
    assert is_steady(2026, 10, 25, 3)


def test_a_period_tells_where_it_is_merely_cut() -> None:
    """Where the offset on the other side is the same, nothing happens to the clock."""
    cut = Period(0, 10, HOUR, HOUR, HOUR)

    assert (cut.steady_start, cut.steady_end) == (0, 10)
    assert repr(cut) == f"Period(0, 10, {HOUR}, {HOUR}, {HOUR})"
