"""
Alias → class: what ``"interval"``, ``"memory"`` or ``"threadpool"`` stands for.

The library's own aliases stand in a table, so that they need no package metadata (PyInstaller and Nuitka builds have
none). Other packages add theirs as entry points in the groups ``apscheduler_lite.triggers``,
``apscheduler_lite.jobstores`` and ``apscheduler_lite.executors``.
"""

from __future__ import annotations

from ._references import resolve
from ._text import did_you_mean, one_of, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["alias_of", "class_of", "loaded_built_in", "names", "plugin"]

_BUILT_IN = {
    "trigger": {
        "and": "apscheduler_lite.triggers.combining:AndTrigger",
        "calendarinterval": "apscheduler_lite.triggers.calendarinterval:CalendarIntervalTrigger",
        "cron": "apscheduler_lite.triggers.cron:CronTrigger",
        "date": "apscheduler_lite.triggers.date:DateTrigger",
        "excluding": "apscheduler_lite.triggers.excluding:ExcludingTrigger",
        "interval": "apscheduler_lite.triggers.interval:IntervalTrigger",
        "or": "apscheduler_lite.triggers.combining:OrTrigger",
        "rrule": "apscheduler_lite.triggers.rrule:RRuleTrigger",
    },
    "jobstore": {
        "memory": "apscheduler_lite.jobstores.memory:MemoryJobStore",
        "sqlalchemy": "apscheduler_lite.jobstores.sqlalchemy:SQLAlchemyJobStore",
    },
    "executor": {
        "asyncio": "apscheduler_lite.executors.asyncio:AsyncIOExecutor",
        "dask": "apscheduler_lite.executors.dask:DaskExecutor",
        "debug": "apscheduler_lite.executors.debug:DebugExecutor",
        "futures": "apscheduler_lite.executors.futures:FuturesExecutor",
        "processpool": "apscheduler_lite.executors.pool:ProcessPoolExecutor",
        "threadpool": "apscheduler_lite.executors.pool:ThreadPoolExecutor",
    },
}
_WORDS = {"trigger": "trigger", "jobstore": "job store", "executor": "executor"}

# What APScheduler 3 has and this library has not.
_NOT_HERE: dict[str, frozenset[str]] = {
    "trigger": frozenset(),
    "jobstore": frozenset(("etcd", "mongodb", "redis", "rethinkdb", "zookeeper")),
    "executor": frozenset(("gevent", "qt", "tornado", "twisted")),
}

_found: dict[tuple[str, str], Any] = {}
_aliases: dict[tuple[str, type], str | None] = {}


def plugin(kind: str, alias: str) -> Any:
    """
    Return the class that an alias stands for.

    Args:
        kind: ``"trigger"``, ``"jobstore"`` or ``"executor"``.
        alias: the alias.

    Raises:
        LookupError: there is no such alias; the message names the nearest one.
    """
    key = (kind, alias)
    if key not in _found:
        _found[key] = _find(kind, alias)
    return _found[key]


def loaded_built_in(kind: str, alias: str) -> Any:
    """
    Return the class of one of the library's own aliases that has been asked for before, so that nothing is imported.

    Raises:
        LookupError: it has not, or is no such alias.
    """
    if alias not in _BUILT_IN[kind] or (kind, alias) not in _found:
        raise LookupError(f"the {_WORDS[kind]} {alias!r} has not been loaded")
    return _found[kind, alias]


def _find(kind: str, alias: str) -> Any:
    reference = _BUILT_IN[kind].get(alias)
    if reference is not None:
        return resolve(reference)
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=f"apscheduler_lite.{kind}s", name=alias):
        return entry_point.load()
    known = names(kind)
    if alias in _NOT_HERE[kind]:
        raise LookupError(
            f"the {_WORDS[kind]} {alias!r} of APScheduler 3 is not part of this library (known: {one_of(known)})"
        )
    raise LookupError(
        f"no {_WORDS[kind]} by the name {alias!r} was found{did_you_mean(alias, known)} (known: {one_of(known)})"
    )


def alias_of(kind: str, cls: type) -> str | None:
    """Return the alias of a class, None when it has none."""
    key = (kind, cls)
    if key not in _aliases:
        reference = f"{cls.__module__}:{cls.__qualname__}"
        _aliases[key] = next((alias for alias, known in _BUILT_IN[kind].items() if known == reference), None)
        if _aliases[key] is None and not cls.__module__.startswith("apscheduler_lite."):
            from importlib.metadata import entry_points

            found = (each.name for each in entry_points(group=f"apscheduler_lite.{kind}s") if each.value == reference)
            _aliases[key] = next(found, None)
    return _aliases[key]


def class_of(kind: str, reference: Any, parameter: str) -> Any:
    """
    Return the class that a reference ``"module:Class"`` names.

    Raises:
        LookupError: there is none; of one of APScheduler 3, the message names that of this library.
    """
    text = to_text(reference, parameter)
    if text.startswith("apscheduler."):
        here = "apscheduler_lite" + text.removeprefix("apscheduler")
        try:
            resolve(here)
        except (LookupError, ValueError):
            hint = f"it is not part of this library (known: {one_of(names(kind))})"
        else:
            hint = f"write {here!r}"
        raise LookupError(f"{parameter} {text!r} names a class of APScheduler 3; {hint}")
    return resolve(text, parameter)


def names(kind: str) -> list[str]:
    """Return all aliases of a kind, built in and installed."""
    from importlib.metadata import entry_points

    return sorted({*_BUILT_IN[kind], *entry_points(group=f"apscheduler_lite.{kind}s").names})
