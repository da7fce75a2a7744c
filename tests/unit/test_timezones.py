"""Facts about zones and moments."""

from __future__ import annotations

import pickle
import warnings
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import pytz
import tzlocal

from apscheduler_lite import _timezones
from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._timezones import (
    FIRST_INSTANT,
    LAST_INSTANT,
    from_instant,
    local_instant,
    to_datetime,
    to_instant,
    to_timezone,
)
from apscheduler_lite.errors import SchedulerWarning

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "instant",
    [0, 1, -1, 2**52 - 1, 2**52, 2**52 + 1, 1_790_000_000_123_457, -1_790_000_000_123_457, FIRST_INSTANT, LAST_INSTANT],
)
def test_instants_and_local_times_convert_to_the_microsecond(instant):
    """From the year 1 to 9999."""
    assert to_instant(from_instant(instant, BERLIN)) == instant
    assert from_instant(instant, UTC) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def test_the_second_pass_of_a_fold_has_fold_1():
    """And the offset of its instant."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)

    second = from_instant(to_instant(first) + 3600 * 10**6, BERLIN)
    assert second.fold == 1
    assert second.isoformat() == "2026-10-25T02:30:00+01:00"


def test_a_naive_datetime_has_no_instant():
    """It is a TypeError, as in any arithmetic of naive with aware ones."""
    with pytest.raises(TypeError):
        to_instant(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Europe/Berlin", BERLIN),
        (b"Europe/Berlin", BERLIN),
        ("UTC", UTC),
        ("utc", UTC),
        (BERLIN, BERLIN),
        (timezone(timedelta(hours=2)), timezone(timedelta(hours=2))),
        (pytz.utc, UTC),
        (pytz.timezone("Europe/Berlin"), BERLIN),
        (pytz.timezone("Europe/Berlin").localize(datetime(2026, 7, 1)).tzinfo, BERLIN),
        (pytz.FixedOffset(90), timezone(timedelta(minutes=90))),
    ],
)
def test_what_a_user_calls_a_zone(value, expected):
    """Names, zones of any kind; pytz's are replaced by name."""
    assert to_timezone(value) == expected


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("Europe/Berln", ValueError, "zone: no time zone is named 'Europe/Berln'; did you mean 'Europe/Berlin'"),
        ("berlin", ValueError, "zone: no time zone is named 'berlin'; did you mean 'Europe/Berlin'"),
        ("CEST", ValueError, "zone: no time zone is named 'CEST'$"),
        ("", ValueError, "no time zone is named ''"),
        ("Europe", ValueError, "no time zone"),
        ("../../etc/passwd", ValueError, "no time zone"),
        ("/etc/localtime", ValueError, "no time zone"),
        ("a\0b", ValueError, "no time zone"),
        ("\ud800", ValueError, "no time zone"),
        ("x" * 9999, ValueError, "no time zone"),
        (b"\xff", ValueError, "not UTF-8"),
        (5, TypeError, "zone must be the name of a time zone or a tzinfo, not int: 5"),
        (tzinfo(), ValueError, "tells no UTC offset"),
    ],
)
def test_what_is_no_zone(value, error, words):
    """The message names the parameter and the nearest name."""
    with pytest.raises(error, match=words):
        to_timezone(value, "zone")


def test_a_zone_that_answers_none_is_refused():
    """It would fail later, within a search."""

    class Nowhere(tzinfo):
        def utcoffset(self, moment):
            return None

    with pytest.raises(ValueError, match="tells no UTC offset"):
        to_timezone(Nowhere())


def test_pytz_is_the_database_of_last_resort(monkeypatch):
    """Where the system has no zone data; such zones can be pickled too."""
    monkeypatch.setattr("zoneinfo.ZoneInfo", _Missing)

    zone = to_timezone("Europe/Vienna")
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)
    monkeypatch.undo()
    assert pickle.loads(pickle.dumps(zone)) == ZoneInfo("Europe/Vienna")
    assert _timezones._spare_zone("Nowhere/Town") is None
    monkeypatch.setattr("zoneinfo.ZoneInfo", _Missing)
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    with pytest.raises(ValueError, match="did you mean 'Europe/Vienna'"):
        to_timezone("Europe/Viena")


class _Missing(ZoneInfo):
    """A zoneinfo that finds nothing."""

    def __new__(cls, key):
        raise ZoneInfoNotFoundError(key)


def test_the_local_zone_is_that_of_tzlocal(monkeypatch):
    """Also where tzlocal knows the name but the system has no data for it."""
    assert local_timezone() is tzlocal.get_localzone()

    def no_data():
        raise ZoneInfoNotFoundError

    monkeypatch.setattr(tzlocal, "get_localzone", no_data)
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: "Europe/Berlin")
    assert local_timezone() is BERLIN
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: None)
    with pytest.raises(ZoneInfoNotFoundError):
        local_timezone()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-05", "2026-01-05T00:00:00+01:00"),
        ("2026-1-5", "2026-01-05T00:00:00+01:00"),
        ("2026-01-05 10:00:00", "2026-01-05T10:00:00+01:00"),
        ("2026-01-05T10:00", "2026-01-05T10:00:00+01:00"),
        ("2026-01-05 10:00:00.5", "2026-01-05T10:00:00.500000+01:00"),
        ("2026-1-5 7:3:9.25", "2026-01-05T07:03:09.250000+01:00"),
        ("2026-1-5 7:3:9+0530", "2026-01-05T07:03:09+05:30"),
        ("2026-01-05 10:00:00Z", "2026-01-05T10:00:00+00:00"),
        ("20260105T100000+0530", "2026-01-05T10:00:00+05:30"),
        (b"2026-01-06", "2026-01-06T00:00:00+01:00"),
        (date(2026, 1, 5), "2026-01-05T00:00:00+01:00"),
        (datetime(2026, 7, 5, 1, 2, 3, 4), "2026-07-05T01:02:03.000004+02:00"),
        (datetime(2026, 7, 5, tzinfo=UTC), "2026-07-05T00:00:00+00:00"),
        ("2026-03-29 02:30", "2026-03-29T03:30:00+02:00"),
        ("2026-10-25 02:30", "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1), "2026-10-25T02:30:00+01:00"),
        (datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN), "2026-03-29T03:30:00+02:00"),
    ],
)
def test_what_a_user_calls_a_time(value, expected):
    """ISO 8601, unpadded fields, dates, naive and aware datetimes; the answer exists."""
    assert to_datetime(value, BERLIN, "run_date").isoformat() == expected


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("", ValueError, "run_date must be a date and time"),
        ("tomorrow", ValueError, "run_date must be a date and time like .*, not 'tomorrow'"),
        ("2026-13-01", ValueError, "run_date: month must be in 1..12"),
        ("2026-2-30 1:2:3", ValueError, "run_date: day is out of range"),
        ("2026-1-5 25:00:00", ValueError, "run_date: hour must be"),
        ("2026-1-5 1:00:00+99:00", ValueError, "run_date"),
        ("٢٠٢٦-١-٥", ValueError, "run_date"),
        (b"\xff", ValueError, "run_date must be text"),
        (5, TypeError, "run_date must be a datetime, a date or text in ISO 8601 form, not int: 5"),
        (None, TypeError, "run_date must be"),
    ],
)
def test_what_is_no_time(value, error, words):
    """The message names the parameter and the value."""
    with pytest.raises(error, match=words):
        to_datetime(value, BERLIN, "run_date")


def test_the_ends_of_the_calendar_are_times_too():
    """As an end_date that means "for ever"."""
    west = timezone(timedelta(hours=-5))

    assert to_datetime("9999-12-31 23:59:59", ZoneInfo("America/New_York"), "end_date").year == 9999
    assert to_datetime(datetime.max, west, "end_date").year == 9999
    assert to_datetime(datetime.min, BERLIN, "start_date").year == 1
    assert local_instant(datetime.max, west) == LAST_INSTANT
    assert local_instant(datetime.min, BERLIN) == FIRST_INSTANT


def test_a_localized_time_of_pytz_keeps_its_instant():
    """Both passes of a fold, and the far future, for which pytz has no rules."""
    zone = pytz.timezone("Europe/Berlin")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for wall, is_dst in (
            (datetime(2026, 7, 1, 12), None),
            (datetime(2026, 10, 25, 2, 30), True),
            (datetime(2026, 10, 25, 2, 30), False),
            (datetime(2050, 7, 1, 12), None),
        ):
            moment = zone.localize(wall, is_dst=is_dst)
            read = to_datetime(moment, UTC, "run_date")

            assert to_instant(read) == to_instant(moment)
            assert read.tzinfo is BERLIN


def test_the_lmt_trap_is_mended_with_a_warning():
    """A pytz zone as tzinfo= gives an offset of some odd minutes; the wall time is what was meant."""
    with pytest.warns(SchedulerWarning, match="pytz zone as its tzinfo=") as caught:
        moment = to_datetime(datetime(2026, 7, 1, 12, tzinfo=pytz.timezone("Europe/Berlin")), UTC, "run_date")

    assert moment.isoformat() == "2026-07-01T12:00:00+02:00"
    assert len(caught) == 1


def test_a_datetime_whose_zone_knows_no_offset_is_naive():
    """As Python itself calls it."""

    class Shy(tzinfo):
        def utcoffset(self, moment):
            return None

    assert to_datetime(datetime(2026, 1, 1, tzinfo=Shy()), BERLIN, "run_date").tzinfo is BERLIN
