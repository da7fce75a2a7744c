"""
Zones and moments: whatever a user calls a zone or a time becomes a ``tzinfo`` or an aware ``datetime``.

The library counts time in *instants*: whole microseconds since 1970-01-01T00:00Z, as an int. Instants order and
subtract without a thought of zones; they become local times only where a person reads them.

``zoneinfo`` is the engine. Objects of pytz are told by their shape and replaced by the ``zoneinfo`` zone of the same
name, because their local times need a ``normalize`` call that nobody else makes. The copy of the zone database within
pytz serves where the system has none.

The modules behind zones cost milliseconds to import, so each is imported by the first call that needs it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from functools import cache

from apscheduler_lite._text import did_you_mean, shorten, to_text
from apscheduler_lite.errors import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any
    from zoneinfo import ZoneInfo

__all__ = [
    "FIRST_INSTANT",
    "LAST_INSTANT",
    "MICROSECONDS",
    "UTC",
    "database_zone",
    "from_instant",
    "local_instant",
    "localize",
    "read_datetime",
    "to_datetime",
    "to_instant",
    "to_timezone",
]

#: Microseconds in one second.
MICROSECONDS = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The earliest and the latest instant that have a local time in every zone (a day from the ends of the calendar).
FIRST_INSTANT = -62_135_510_400 * MICROSECONDS  # 0001-01-02T00:00Z
LAST_INSTANT = 253_402_214_400 * MICROSECONDS  # 9999-12-31T00:00Z

# Below this (the year 2112) a float of seconds is within a quarter of a microsecond of the truth: rounding finds it.
_EXACT_AS_FLOAT = 2**52

_fromtimestamp = datetime.fromtimestamp


def to_instant(moment: datetime) -> int:
    """
    Return the instant of an aware datetime.

    Raises:
        TypeError: the datetime is naive.
    """
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * MICROSECONDS + since.microseconds


def from_instant(instant: int, zone: tzinfo) -> datetime:
    """
    Return the local time in that zone at an instant: one that exists, with the fold and offset of the instant.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.
    """
    if 0 <= instant < _EXACT_AS_FLOAT:
        return _fromtimestamp(instant / MICROSECONDS, zone)  # twice as fast as the sum below
    return (_EPOCH + timedelta(0, 0, instant)).astimezone(zone)


def to_timezone(value: object, parameter: str = "timezone") -> tzinfo:
    """
    Return the zone that a value names or is.

    Names are keys of the IANA database, such as ``Europe/Berlin``. Zones of pytz are replaced by those of
    ``zoneinfo``; any other ``tzinfo`` is returned as it is.

    Raises:
        TypeError: the value is neither text nor a zone.
        ValueError: no zone has that name.
    """
    if isinstance(value, tzinfo):
        if type(value) is fixed_zone or type(value).__module__ == "zoneinfo":
            return value  # the common ones, which need no look
        if _is_pytz(value):
            return _without_pytz(value)
        _check_offsets(value, parameter)
        return value
    if isinstance(value, (str, bytes)):
        return _named_zone(to_text(value, parameter), parameter)
    raise TypeError(
        f"{parameter} must be the name of a time zone or a tzinfo, not {type(value).__name__}: {shorten(value)}"
    )


def to_datetime(value: object, zone: tzinfo, parameter: str) -> datetime:
    """
    Return the aware datetime that a value means.

    Text is read as ISO 8601, or in the unpadded form ``2026-1-5 7:30:00``. A date is its midnight. What bears no
    offset is local time in the given zone, see ``localize``. An aware datetime keeps its zone.

    Raises:
        TypeError: the value is of another type.
        ValueError: the text is no date.
    """
    return localize(read_datetime(value, parameter), zone)


def read_datetime(value: object, parameter: str) -> datetime:
    """Return the datetime that a value means as ``to_datetime`` does, but naive when the value bears no offset."""
    if isinstance(value, (str, bytes)):
        return _parse(to_text(value, parameter), parameter)
    if isinstance(value, datetime):
        own = value.tzinfo
        if own is None:
            return value
        if _is_pytz(own):
            return _mended(value, own, parameter)
        return value if value.utcoffset() is not None else value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise TypeError(
        f"{parameter} must be a datetime, a date or text in ISO 8601 form, not {type(value).__name__}: {shorten(value)}"
    )


def local_instant(moment: datetime, zone: tzinfo) -> int:
    """Return the instant of ``localize(moment, zone)``, or the nearest that has a local time in every zone."""
    instant = to_instant(moment.replace(tzinfo=zone) if moment.tzinfo is None else moment)
    return min(max(instant, FIRST_INSTANT), LAST_INSTANT)


def localize(moment: datetime, zone: tzinfo) -> datetime:
    """
    Return a naive datetime as local time in the zone; an aware one keeps its own.

    Of a local time that exists twice the first is meant (``fold=1`` chooses the second), and one that a clock change
    skips is moved forward by as much as the clock was: the answer always exists.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    own = moment.tzinfo
    if type(own) is not fixed_zone:
        try:
            return from_instant(to_instant(moment), own)  # type: ignore[arg-type]
        except OverflowError:  # datetime.max in a western zone: as good an end as any
            pass
    return moment


def _named_zone(name: str, parameter: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    zone = database_zone(name)
    if zone is None:
        from zoneinfo import available_timezones

        raise ValueError(
            f"{parameter}: no time zone is named {shorten(name)}"
            f"{_nearest_zone(name, available_timezones() or _pytz_names())}"
        )
    return zone


def _nearest_zone(name: str, known: set[str]) -> str:
    """Return a hint at the zone that was meant: one by place, since an abbreviation is near too many others."""
    places = [zone for zone in known if "/" in zone or len(zone) > 4]
    cities = sorted(zone for zone in places if zone.rpartition("/")[2].lower() == name.lower().replace(" ", "_"))
    return f"; did you mean {cities[0]!r}?" if cities else did_you_mean(name, [*places, "UTC"])


def database_zone(name: str) -> tzinfo | None:
    """Return the zone of that name, or None."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown; not a key at all; a directory
        return _spare_zone(name)


@cache
def _spare_zone(name: str) -> ZoneInfo | None:
    """Return a zone from pytz's copy of the database, the data of last resort."""
    import pytz

    if name not in pytz.all_timezones_set:
        return None
    with pytz.open_resource(name) as data:  # type: ignore[attr-defined]
        return _spare_zone_class().from_file(data, key=name)


@cache
def _spare_zone_class() -> type[ZoneInfo]:
    from zoneinfo import ZoneInfo

    class SpareZone(ZoneInfo):
        """A zone read from a file of pytz, which the standard class would refuse to pickle."""

        def __reduce__(self) -> Any:
            return to_timezone, (self.key,)

    return SpareZone


def _pytz_names() -> set[str]:
    import pytz

    return set(pytz.all_timezones_set)


def _is_pytz(zone: tzinfo) -> bool:
    # By shape: the module itself may be absent, or another version than the one that an old pickle came from.
    return hasattr(zone, "localize") and hasattr(zone, "zone")


def _without_pytz(zone: Any) -> tzinfo:
    if zone.zone is None:  # pytz.FixedOffset
        return fixed_zone(zone.utcoffset(None))
    return _named_zone(to_text(zone.zone, "timezone"), "timezone")


def _mended(moment: datetime, pytz_zone: tzinfo, parameter: str) -> datetime:
    """Return the moment that a datetime with a zone of pytz means."""
    zone = _without_pytz(pytz_zone)
    offset = moment.utcoffset()
    readings = [moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    for reading in readings:
        if reading.utcoffset() == offset:
            return reading
    if not _is_unlocalized(pytz_zone):
        return from_instant(to_instant(moment.replace(tzinfo=fixed_zone(offset or timedelta()))), zone)
    # The zone object itself was passed as tzinfo=, so that the time bears the local mean time of the 19th century,
    # some odd minutes off. The wall time is what was meant.
    warn(
        f"{parameter} {moment.isoformat()} has a pytz zone as its tzinfo=, which gives it the offset of another"
        f" century; it is read as {readings[0].isoformat()}. Use zoneinfo.ZoneInfo({str(zone)!r}), or pytz's"
        " localize()"
    )
    return readings[0]


def _is_unlocalized(pytz_zone: Any) -> bool:
    """Return whether this is the object that ``pytz.timezone(name)`` returns, not one that ``localize`` chose."""
    import pytz

    return pytz.timezone(pytz_zone.zone) is pytz_zone


@cache
def _loose_date() -> re.Pattern[str]:
    """Return the pattern of the loose dates; made when the first one is read, since `re` costs milliseconds."""
    import re

    # The forms with unpadded fields that APScheduler 3 reads beside ISO 8601: "2026-1-5", "2026-1-5 7:30:0.5".
    return re.compile(
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
        r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,6}))?"
        r"(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
        re.ASCII,
    )


def _parse(text: str, parameter: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as exc:
        problem = exc
    match = _loose_date().fullmatch(text)
    if match is None:
        raise ValueError(
            f"{parameter} must be a date and time like '2026-01-05 07:30:00', not {shorten(text)}"
        ) from None
    fields = match.groupdict(default="0")
    fields["fraction"] = fields["fraction"].ljust(6, "0")
    names = ("year", "month", "day", "hour", "minute", "second", "fraction")
    try:
        moment = datetime(*[int(fields[name]) for name in names])  # type: ignore[arg-type]
        return datetime.fromisoformat(moment.isoformat() + (match["offset"] or ""))
    except ValueError as exc:
        problem = exc
    raise ValueError(f"{parameter}: {problem}, in {shorten(text)}")


def _check_offsets(zone: tzinfo, parameter: str) -> None:
    """Refuse a tzinfo that answers no offset, which would fail later, deep in a search."""
    try:
        offset = zone.utcoffset(datetime(2000, 1, 1, tzinfo=zone))
    except Exception as exc:
        raise ValueError(f"{parameter}: {shorten(zone)} tells no UTC offset: it raised {exc!r}") from exc
    if offset is None:
        raise ValueError(f"{parameter}: {shorten(zone)} tells no UTC offset")
