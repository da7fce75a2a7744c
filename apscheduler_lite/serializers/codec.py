"""
Values ↔ what JSON can hold.

JSON's own types stand for themselves. Those that people often pass to jobs (dates and times, UUIDs, decimals, bytes,
tuples, sets, members of an Enum) and triggers are tagged objects: ``{"$": "date", "value": "2026-11-24"}``. Any other
value is embedded as a pickle, unless that is forbidden.

Reading imports nothing that the document names but trigger classes of the plugin table. The class of an Enum member
must have been imported by whoever needs it, which is the job's own module.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from math import isfinite

from apscheduler_lite._plugins import alias_of, loaded_built_in, plugin
from apscheduler_lite._references import resolve
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import database_zone, to_timezone
from apscheduler_lite.retry import Retry
from apscheduler_lite.triggers.base import BaseTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Codec"]

_TAG = "$"
_OWN_TRIGGERS = "apscheduler_lite.triggers."
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = frozenset((bool, int, str, type(None)))
_TEXT = frozenset((str,))


class Codec:
    """Values ↔ what JSON can hold."""

    def __init__(
        self,
        *,
        allow_pickle: bool = True,
        pickle_protocol: int | None = None,
        any_trigger: bool = False,
        runs_nothing: bool = False,
    ) -> None:
        self._allow_pickle = allow_pickle
        self._protocol = pickle_protocol
        self._any_trigger = any_trigger  # whether a document may name any class of triggers, as version 3's do
        self._runs_nothing = runs_nothing  # whether it refuses to read what imports modules or runs foreign code

    # -- writing -----------------------------------------------------------------------------------------------

    def encode_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """
        Return the state of a job, or raise an error that names the part of it that cannot be stored.

        Raises:
            ValueError: a part cannot be stored.
        """
        encoded = state.copy()
        for name, value in state.items():
            if type(value) in _PLAIN:
                continue
            try:
                encoded[name] = self.encode(value)
            except (ValueError, TypeError) as exc:
                raise ValueError(f"{name} of job {state.get('id')!r} cannot be stored: {exc}") from exc
            except RecursionError:
                raise ValueError(f"{name} of job {state.get('id')!r} cannot be stored: it contains itself") from None
        return encoded

    def encode(self, value: Any) -> Any:
        """Return a value as what JSON can hold."""
        cls = type(value)
        if cls in _PLAIN:
            return value
        write = _WRITERS.get(cls)
        if write is not None:
            return write(self, value)
        for base, write_instance in _BASES:
            if isinstance(value, base):
                written = write_instance(self, value)
                if written is not None:
                    return written
        if _is_enum(cls):
            return _write_enum(self, value)
        return self._pickled(value)

    def _pickled(self, value: Any) -> dict[str, str]:
        if not self._allow_pickle:
            raise ValueError(
                f"{shorten(value)} is a {type(value).__qualname__}, which only a pickle could hold, and allow_pickle is"
                " False; pass something that JSON can hold, such as an id to look it up by"
            )
        import pickle

        try:
            pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL if self._protocol is None else self._protocol)
        except Exception as exc:
            raise ValueError(f"{shorten(value)} cannot be pickled: {exc}") from exc
        return {_TAG: "pickle", "value": b64encode(pickled).decode("ascii")}

    # -- reading -----------------------------------------------------------------------------------------------

    def decode(self, value: Any) -> Any:
        """
        Return the value that a JSON value stands for.

        Raises:
            ValueError: it bears an unknown tag, or is a pickle although these are forbidden.
        """
        cls = type(value)
        if cls is list:
            return [self.decode(each) for each in value]
        if cls is not dict:
            return value
        if _TAG not in value:
            if "__apscheduler_pickle__" in value:
                return self._unpickled(value["__apscheduler_pickle__"])
            if "__apscheduler_class__" in value:
                return self._trigger(value["__apscheduler_class__"], value["__apscheduler_state__"])
            return {key: self.decode(each) for key, each in value.items()}
        tag = value[_TAG]
        if tag == "pickle":
            return self._unpickled(value["value"])
        if tag == "trigger":
            return self._trigger(value.get("class") or value["type"], value["value"])
        read = _READERS.get(tag) if isinstance(tag, str) else None
        if read is None or (self._runs_nothing and tag in _RUNNING):
            raise ValueError(f"unknown tag in a stored job: {shorten(tag)}")
        return read(self, value)

    def _unpickled(self, text: str) -> Any:
        if not self._allow_pickle:
            raise ValueError("it holds a pickle, and allow_pickle is False")
        if self._any_trigger:
            from .version3 import load_pickle

            return load_pickle(b64decode(text))
        import pickle

        return pickle.loads(b64decode(text))  # noqa: S301 - allowed by whoever made the store

    def _trigger(self, name: str, state: Any) -> BaseTrigger:
        cls = self._trigger_class(name)
        if not isinstance(cls, type) or not issubclass(cls, BaseTrigger):
            raise ValueError(f"{name!r} is no trigger class")
        trigger: BaseTrigger = cls.__new__(cls)
        _restore(trigger, self.decode(state))
        return trigger

    def _trigger_class(self, name: str) -> Any:
        module, colon, path = name.partition(":")
        if self._runs_nothing:
            return loaded_built_in("trigger", name)
        if not colon:
            return plugin("trigger", name)
        if module.startswith("apscheduler.triggers."):  # written by APScheduler 3: the same class of ours
            module = module.replace("apscheduler.", "apscheduler_lite.", 1)
        if not module.startswith(_OWN_TRIGGERS) and not self._any_trigger:
            raise ValueError(f"{name!r} is none of this library's triggers, and no plugin")
        return resolve(f"{module}:{path}", "the class of a trigger")


def _restore(trigger: Any, state: Any) -> None:
    """Give the trigger the state as pickle does: by its own method or, where it has none, attribute by attribute."""
    if hasattr(trigger, "__setstate__"):
        trigger.__setstate__(state)
        return
    for part in state if isinstance(state, tuple) else (state,):  # a tuple: with slots
        for name, value in (part or {}).items():
            setattr(trigger, name, value)


# -- the types that are written in words ---------------------------------------------------------------------------


def _write_list(codec: Codec, value: list[Any]) -> list[Any]:
    return [each if type(each) in _PLAIN else codec.encode(each) for each in value]


def _write_dict(codec: Codec, value: dict[Any, Any]) -> dict[str, Any]:
    if _TAG not in value and _TEXT.issuperset(map(type, value)):
        return {key: each if type(each) in _PLAIN else codec.encode(each) for key, each in value.items()}
    pairs = [[codec.encode(key), codec.encode(each)] for key, each in value.items()]
    return {_TAG: "dict", "value": pairs}


def _write_float(_: Codec, value: float) -> Any:
    return value if isfinite(value) else {_TAG: "float", "value": repr(value)}


def _tagged(tag: str, write: Callable[[Any], Any]) -> Callable[[Codec, Any], Any]:
    return lambda _, value: {_TAG: tag, "value": write(value)}


def _untagged(read: Callable[[Any], Any]) -> Callable[[Codec, Any], Any]:
    return lambda _, value: read(value["value"])


def _write_items(tag: str) -> Callable[[Codec, Any], Any]:
    return lambda codec, value: {_TAG: tag, "value": _write_list(codec, value)}


def _write_set(tag: str) -> Callable[[Codec, Any], Any]:
    # In an order of its own, so that equal sets make equal documents.
    return lambda codec, value: {_TAG: tag, "value": [codec.encode(each) for each in sorted(value, key=repr)]}


def _read_items(cls: Callable[[Any], Any]) -> Callable[[Codec, Any], Any]:
    return lambda codec, value: cls(map(codec.decode, value["value"]))


def _write_datetime(codec: Codec, value: datetime) -> dict[str, Any]:
    if value.tzinfo is None:
        written = {_TAG: "datetime", "value": value.isoformat()}
    else:
        # Without the offset, which the zone tells; cut off because that is quicker than making a naive one first.
        written = {_TAG: "datetime", "value": value.isoformat()[: 26 if value.microsecond else 19]}
        zone = _write_zone(codec, value.tzinfo)
        written["zone"] = zone["value"] if zone is not None and zone[_TAG] == "zone" else codec.encode(value.tzinfo)
    return {**written, "fold": 1} if value.fold else written


def _read_datetime(codec: Codec, value: Any) -> datetime:
    zone = value.get("zone")
    zone = to_timezone(zone) if isinstance(zone, str) else codec.decode(zone)
    return datetime.fromisoformat(value["value"]).replace(tzinfo=zone, fold=value.get("fold", 0))


def _write_time(codec: Codec, value: time) -> dict[str, Any]:
    written = {_TAG: "time", "value": value.replace(tzinfo=None, fold=0).isoformat()}
    if value.tzinfo is not None:
        written["zone"] = codec.encode(value.tzinfo)
    return {**written, "fold": 1} if value.fold else written


def _read_time(codec: Codec, value: Any) -> time:
    moment = time.fromisoformat(value["value"])
    return moment.replace(tzinfo=codec.decode(value.get("zone")), fold=value.get("fold", 0))


def _write_zone(_: Codec, zone: tzinfo) -> dict[str, Any] | None:
    """Return a zone that has a name or a fixed offset as text; None for others, which are pickled."""
    if type(zone) is timezone:
        if zone is timezone.utc:
            return {_TAG: "zone", "value": "UTC"}
        return {_TAG: "offset", "value": zone.utcoffset(None) // timedelta(microseconds=1), "name": zone.tzname(None)}
    key = getattr(zone, "key", None) or getattr(zone, "zone", None)  # of zoneinfo, of pytz
    if not isinstance(key, str):
        return None
    if database_zone(key) is None and key.upper() != "UTC":
        raise ValueError(
            f"the time zone {zone!r} is none of the database, so that nobody could read it again; give the scheduler"
            " or the trigger timezone= with a name such as 'Europe/Berlin'"
        )
    return {_TAG: "zone", "value": key}


def _read_offset(_: Codec, value: Any) -> tzinfo:
    offset = timedelta(microseconds=value["value"])
    plain = timezone(offset)
    return plain if plain.tzname(None) == value["name"] else timezone(offset, value["name"])


def _write_trigger(codec: Codec, trigger: BaseTrigger) -> dict[str, Any] | None:
    """Return a trigger of the plugin table or of this library; None for others, which are pickled."""
    name = _trigger_name(type(trigger))
    return None if name is None else {_TAG: "trigger", **name, "value": codec.encode(trigger.__getstate__())}


@cache
def _trigger_name(cls: type) -> dict[str, str] | None:
    """Return what a document says of the class of a trigger, None where that cannot be read again."""
    alias = alias_of("trigger", cls)
    reference = f"{cls.__module__}:{cls.__qualname__}"
    if (alias is None and not reference.startswith(_OWN_TRIGGERS)) or not hasattr(cls, "__setstate__"):
        return None
    return {"class": reference} if alias is None else {"type": alias}


def _is_enum(cls: type) -> bool:
    enum = sys.modules.get("enum")  # nothing can be a member of an Enum before that is imported
    return enum is not None and issubclass(cls, enum.Enum)


def _write_enum(codec: Codec, value: Any) -> dict[str, Any]:
    cls = type(value)
    reference = f"{cls.__module__}:{cls.__qualname__}"
    try:
        found = _loaded(reference)
    except ValueError:
        return codec._pickled(value)
    if found is not cls:
        return codec._pickled(value)
    if value.name is not None and cls.__members__.get(value.name) is value:
        return {_TAG: "enum", "class": reference, "name": value.name}
    return {_TAG: "enum", "class": reference, "value": codec.encode(value.value)}  # several flags at once


def _read_enum(codec: Codec, value: Any) -> Any:
    cls = _loaded(value["class"])
    if not isinstance(cls, type) or not _is_enum(cls):
        raise ValueError(f"{value['class']!r} is no Enum")
    if "name" not in value:
        return cls(codec.decode(value["value"]))
    try:
        return cls[value["name"]]  # type: ignore[index]
    except KeyError:
        raise ValueError(f"{value['class']!r} has no member {value['name']!r}") from None


def _loaded(reference: str) -> Any:
    """Return what a reference names, if its module has been imported already."""
    module, _, path = reference.partition(":")
    found: Any = sys.modules.get(module)
    if found is None:
        raise ValueError(f"{reference!r} is not loaded; import {module} in the module of the job's function")
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _read_uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


def _read_decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def _write_foreign(_: Codec, value: Any) -> dict[str, Any] | None:
    """Return a UUID or a Decimal; their modules are not imported just to recognise them."""
    cls = type(value)
    if cls.__module__ == "uuid" and cls.__qualname__ == "UUID":
        return {_TAG: "uuid", "value": str(value)}
    if cls.__qualname__ == "Decimal" and cls.__module__ in ("decimal", "_decimal", "_pydecimal"):
        return {_TAG: "decimal", "value": str(value)}
    return None


_WRITERS: dict[type, Callable[[Codec, Any], Any]] = {
    list: _write_list,
    dict: _write_dict,
    float: _write_float,
    date: _tagged("date", date.isoformat),
    timedelta: _tagged("timedelta", lambda value: value // _MICROSECOND),
    bytes: _tagged("bytes", lambda value: b64encode(value).decode("ascii")),
    datetime: _write_datetime,
    time: _write_time,
    tuple: _write_items("tuple"),
    set: _write_set("set"),
    frozenset: _write_set("frozenset"),
    Retry: lambda codec, value: {_TAG: "retry", "value": codec.encode(value.__getstate__())},
}
_BASES: tuple[tuple[type, Callable[[Codec, Any], Any]], ...] = (
    (BaseTrigger, _write_trigger),
    (tzinfo, _write_zone),
    (object, _write_foreign),
)
_READERS: dict[str, Callable[[Codec, Any], Any]] = {
    "dict": lambda codec, value: {codec.decode(key): codec.decode(each) for key, each in value["value"]},
    "float": _untagged(float),
    "date": _untagged(date.fromisoformat),
    "timedelta": _untagged(lambda value: timedelta(microseconds=value)),
    "bytes": _untagged(b64decode),
    "datetime": _read_datetime,
    "time": _read_time,
    "tuple": _read_items(tuple),
    "set": _read_items(set),
    "frozenset": _read_items(frozenset),
    "zone": _untagged(to_timezone),
    "offset": _read_offset,
    "enum": _read_enum,
    "retry": lambda codec, value: Retry.of(codec.decode(value["value"])),
    "uuid": _untagged(_read_uuid),
    "decimal": _untagged(_read_decimal),
}
_RUNNING = frozenset(("decimal", "enum", "uuid"))
"""The tags of what imports a module, or runs code of the application, when it is read."""
