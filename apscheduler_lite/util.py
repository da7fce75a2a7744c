"""
The names of APScheduler 3's ``apscheduler.util``, for old imports and for extensions written against them.

Nothing in the library uses this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from inspect import iscoroutinefunction
from typing import Any

from ._options import Undefined, as_bool, undefined
from ._references import check_arguments, name_of, reference_to, resolve
from ._running import is_coroutine_function
from ._timezones import UTC, from_instant, to_datetime, to_instant, to_timezone

__all__ = [
    "UTC",
    "asbool",
    "asdate",
    "asint",
    "astimezone",
    "check_callable_args",
    "convert_to_datetime",
    "datetime_ceil",
    "datetime_repr",
    "datetime_to_utc_timestamp",
    "datetime_utc_add",
    "get_callable_name",
    "iscoroutinefunction",
    "iscoroutinefunction_partial",
    "localize",
    "maybe_ref",
    "normalize",
    "obj_to_ref",
    "ref_to_obj",
    "timedelta_seconds",
    "timezone_repr",
    "undefined",
    "utc_timestamp_to_datetime",
]

_Undefined = Undefined


def asint(text: Any) -> int | None:
    """Return the integer that the value is or spells; None for None."""
    return None if text is None else int(text)


def asbool(obj: Any) -> bool:
    """Return the truth value that the value is or spells: true/false, yes/no, on/off, y/n, t/f, 1/0."""
    return as_bool(obj, "value") if isinstance(obj, (str, bytes)) else bool(obj)


def asdate(obj: Any) -> Any:
    """Return the date that a text such as ``"2026-11-24"`` spells; anything else as it is."""
    return date.fromisoformat(obj) if isinstance(obj, str) else obj


def astimezone(obj: Any) -> tzinfo | None:
    """Return the zone that the value is or names; None for None."""
    return None if obj is None else to_timezone(obj)


def convert_to_datetime(input: Any, tz: Any, arg_name: str) -> datetime | None:
    """
    Return an aware datetime from a datetime, a date or a text; None for None.

    Args:
        input: what to convert.
        tz: the zone of naive values; a zone or the name of one.
        arg_name: what to call it in an error.
    """
    if input is None:
        return None
    if tz is None and not (isinstance(input, datetime) and input.tzinfo is not None):
        raise ValueError(f'the "tz" argument must be given if {arg_name} has no time zone')
    return to_datetime(input, to_timezone(tz) if tz is not None else UTC, arg_name)


def datetime_to_utc_timestamp(timeval: datetime | None) -> float | None:
    """Return seconds since 1970 in UTC; None for None."""
    return None if timeval is None else to_instant(timeval) / 1_000_000


def utc_timestamp_to_datetime(timestamp: float | None) -> datetime | None:
    """Return the aware datetime in UTC for seconds since 1970; None for None."""
    return None if timestamp is None else from_instant(round(timestamp * 1_000_000), UTC)


def timedelta_seconds(delta: timedelta) -> float:
    """Return a timedelta's length in seconds."""
    return delta.total_seconds()


def datetime_ceil(dateval: datetime) -> datetime:
    """Return the datetime rounded up to the whole second."""
    return dateval + timedelta(seconds=1, microseconds=-dateval.microsecond) if dateval.microsecond else dateval


def datetime_utc_add(dateval: datetime, tdelta: timedelta) -> datetime:
    """Return the aware datetime so much elapsed time later, in its own zone."""
    return (dateval.astimezone(UTC) + tdelta).astimezone(dateval.tzinfo)


def datetime_repr(dateval: datetime | None) -> str:
    """Return a datetime as ``2026-11-24 12:00:00 CET``; ``"None"`` for None."""
    return dateval.strftime("%Y-%m-%d %H:%M:%S %Z") if dateval else "None"


def timezone_repr(timezone: tzinfo) -> str:
    """Return a zone's key, or else its repr."""
    return str(getattr(timezone, "key", None) or repr(timezone))


def get_callable_name(func: Callable[..., Any]) -> str:
    """Return a callable's name for people."""
    return name_of(func)


def obj_to_ref(obj: Any) -> str:
    """Return the reference to an object, ``"module:qualname"``, or raise ValueError when it has none."""
    return reference_to(obj)


def ref_to_obj(ref: str) -> Any:
    """Return the object that a reference names; raise LookupError when there is none."""
    if not isinstance(ref, str):
        raise TypeError("References must be strings")
    return resolve(ref)


def maybe_ref(ref: Any) -> Any:
    """Return the object that a text refers to; anything else as it is."""
    return resolve(ref) if isinstance(ref, str) else ref


def check_callable_args(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise ValueError when the callable cannot be called with these arguments."""
    check_arguments(func, args, kwargs)


def iscoroutinefunction_partial(f: Any) -> bool:
    """Return whether calling it, or what a partial wraps, makes a coroutine."""
    return is_coroutine_function(f)


def normalize(dt: datetime) -> datetime:
    """Return the datetime as the existing local time of its instant."""
    return from_instant(to_instant(dt), dt.tzinfo or UTC)


def localize(dt: datetime, tzinfo: tzinfo) -> datetime:
    """Return the naive datetime as a local time of the zone."""
    return to_datetime(dt, tzinfo, "dt")
