"""
The zone of this host, which a person can change at any time.

tzlocal finds its name. Where there is none, since ``/etc/localtime`` or ``TZ`` is the copy of a zone's file, the name
is looked for in the zone database: a zone without a name could not be written into a store.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cache

from ._timezones import database_zone, to_timezone
from .errors import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["local_timezone", "reload_local_timezone", "warn_of_naive"]


def local_timezone() -> tzinfo:
    """
    Return the zone of this host, as tzlocal finds it.

    Where that is the copy of a zone's file, which bears no name, it is the zone of the database with the same readings.
    """
    import tzlocal

    try:
        return _of_database(tzlocal.get_localzone())
    except LookupError:  # it knows the name, but the system has no data for it
        name = tzlocal.get_localzone_name()
        if name is None:
            raise
        return to_timezone(name)


def reload_local_timezone() -> tzinfo:
    """
    Return the zone that this host has now, however often it was asked before.

    Raises:
        LookupError: it cannot be found; `local_timezone` answers as before.
    """
    import time

    import tzlocal

    if hasattr(time, "tzset"):
        time.tzset()  # or the C library goes on with the zone that it has read at the start of the program
    try:
        tzlocal.reload_localzone()
    except LookupError:
        from zoneinfo import available_timezones

        name = tzlocal.get_localzone_name()
        if not name or available_timezones():
            raise
        return to_timezone(name)  # the system has no data for any zone
    return local_timezone()


def warn_of_naive(value: object, zone: tzinfo, parameter: str) -> None:
    """
    Warn when a naive datetime object is read in a zone whose clock differs from the host's.

    Such an object comes from ``datetime.now()`` more often than not, and means the host's time. Text does not.
    """
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return
    host = local_timezone()
    if value.replace(tzinfo=host).utcoffset() != value.replace(tzinfo=zone).utcoffset():
        warn(
            f"{parameter} {value.isoformat(' ')} names no time zone; it is read in the scheduler's zone {zone}, not in"
            f" this host's {host}. Give it a tzinfo to choose"
        )


@cache
def _of_database(zone: tzinfo) -> tzinfo:
    """Return the zone of the database that a zone read from a file is a copy of; itself where there is none."""
    from zoneinfo import ZoneInfo, available_timezones

    if not isinstance(zone, ZoneInfo):
        return zone
    named = database_zone(str(zone))  # by the name of its file, if that is one
    if named is zone:
        return named
    # Many zones read alike; those that the database itself prefers come first.
    names = ["UTC", *_preferred_names(), *sorted(available_timezones())]
    same = _first_with_data(names, _host_zone_data())
    candidates = map(database_zone, names if same is None else [same])
    return next((known for known in candidates if known is not None and _reads_like(known, zone)), zone)


def _host_zone_data() -> bytes | None:
    """Return what is in the file from which the host's zone is read, as far as tzlocal gave it no name."""
    import os
    from pathlib import Path

    given = os.environ.get("TZ", "").removeprefix(":")
    for path in (given, "/etc/localtime", "/usr/local/etc/localtime"):
        if path.startswith("/") and Path(path).is_file():
            return Path(path).read_bytes()
    return None


def _first_with_data(names: list[str], data: bytes | None) -> str | None:
    """Return the first of the zones whose file in the system's database is the same."""
    from pathlib import Path
    from zoneinfo import TZPATH

    if data is not None:
        for name in names:
            for directory in TZPATH:
                path = Path(directory, name)
                if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                    return name
    return None


def _reads_like(one: tzinfo, other: tzinfo) -> bool:
    return all(mine == yours for mine, yours in zip(_readings(one), _readings(other), strict=True))


def _readings(zone: tzinfo) -> Iterator[tuple[object, ...]]:
    """Yield what a zone's clock reads every half month since 1970, latest first."""
    for year in range(2037, 1969, -1):
        for month in range(12, 0, -1):
            for day in (15, 1):
                moment = datetime(year, month, day, tzinfo=zone)
                yield moment.utcoffset(), moment.tzname()


def _preferred_names() -> list[str]:
    """Return the names that the database lists, of zones that read alike since 1970 one each."""
    from pathlib import Path
    from zoneinfo import TZPATH

    for directory in TZPATH:
        table = Path(directory, "zone1970.tab")
        if table.is_file():
            lines = table.read_text(encoding="utf-8").splitlines()
            return [line.split("\t")[2] for line in lines if line and not line.startswith("#")]
    return []
