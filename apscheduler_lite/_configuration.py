"""
From a dict to the options of a scheduler.

Two forms are read, alone or mixed, as APScheduler 3 reads them: flat keys with a prefix and dots, all values text, as
    they stand in an
ini file (``{"apscheduler.executors.default.max_workers": "20"}``), and nested dicts (``{"executors": {"default":
{…}}}``) whose values may also be finished objects. What is in none of them has its default; what is not an option is
refused with the nearest name.
"""

from __future__ import annotations

from ._clock import Clock, SystemClock
from ._host_zone import local_timezone
from ._options import DEFAULT_OPTIONS, JOB_OPTIONS, as_name, as_number, refuse_unknown, validated
from ._plugins import class_of, plugin
from ._references import resolve
from ._text import one_of, shorten, typo_of
from ._timezones import to_timezone
from .executors.base import BaseExecutor
from .jobstores.base import BaseJobStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from datetime import tzinfo
    from typing import Any

    from ._options import JobOptions
    from .runs import Wrap

__all__ = ["Settings", "build", "nested", "read"]

_WRAP_POOL = "; wrap a pool of concurrent.futures: apscheduler_lite.executors.pool.BasePoolExecutor(pool)"
_BASES = {"executor": (BaseExecutor, "an executor"), "jobstore": (BaseJobStore, "a job store")}
_GENERAL = ("logger", "timezone", "jobstore_retry_interval", "job_defaults", "executors", "jobstores", "clock", "wrap")


class Settings:
    """
    The options of a scheduler, checked.

    Attributes:
        logger: where the scheduler logs.
        timezone: the zone of triggers and times that name none.
        has_hosts_zone: whether that is the host's because none was given.
        retry_interval: seconds between two tries of a store that fails, at the longest.
        job_defaults: the options that jobs have when `add_job` names none.
        executors: executor objects by alias.
        jobstores: store objects by alias.
        clock: the scheduler's clock.
        wrap: what makes the context in which each run's function is called; None for none.
    """

    logger: logging.Logger
    timezone: tzinfo
    has_hosts_zone: bool
    retry_interval: float
    job_defaults: JobOptions
    executors: dict[str, Any]
    jobstores: dict[str, Any]
    clock: Clock
    wrap: Wrap | None


def nested(
    gconfig: Mapping[str, Any], prefix: str | None, options: Mapping[str, Any], own: tuple[str, ...] = ()
) -> dict[str, Any]:
    """
    Return one nested dict from a dict, whose keys may be flat and bear a prefix, and from keywords, which win.

    Args:
        gconfig: the dict. Keys that are no options, with or without the prefix, belong to other programs.
        prefix: how its keys begin; empty or None: all its keys are options.
        options: the keywords.
        own: further options that this class of scheduler knows.

    Raises:
        TypeError: a key is nearly an option, or none of them is one, so that all would be ignored.
    """
    if not hasattr(gconfig, "items"):
        raise TypeError(f"gconfig must be a dict of options, not {shorten(gconfig)}")
    known = (*_GENERAL, *own)
    flat: dict[str, Any] = {}
    strangers = []
    for key, value in gconfig.items():
        name = as_name(key, "a key of gconfig")
        if not prefix or name.partition(".")[0] in known:
            flat[name] = value
        elif name.startswith(prefix):
            flat[name[len(prefix) :]] = value
        elif name + "." == prefix and hasattr(value, "items"):
            flat.update(value)
        else:
            _refuse_near_miss(name, prefix, known)
            strangers.append(name)
    if prefix and strangers and len(strangers) == len(gconfig):
        raise TypeError(
            f"gconfig holds no option: none of its keys ({one_of(strangers)}) begins with {prefix!r} or is one of"
            f" {one_of(known)}"
        )
    flat.update(options)
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        _plant(tree, name.split("."), value)
    return tree


def _refuse_near_miss(name: str, prefix: str, known: tuple[str, ...]) -> None:
    """Refuse a key that would be ignored but was meant as an option: the option or the prefix is misspelt."""
    head, dot, rest = name.partition(".")
    meant = typo_of(head, known) if head != "loggers" else None  # which is a key of logging.config.dictConfig
    if meant is None and dot:
        meant = typo_of(head, [prefix.rstrip(".")])
    if meant is not None:
        raise TypeError(f"unknown option {name!r} in gconfig; did you mean {meant + dot + rest!r}?")


def _plant(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise ValueError(f"option {'.'.join(path)!r} conflicts with {name!r}, which is already {shorten(below)}")
        tree = below
    present = tree.get(path[-1])
    if isinstance(present, dict) and isinstance(value, dict):
        for name, below in value.items():
            _plant(present, [name], below)
    else:
        tree[path[-1]] = dict(value) if isinstance(value, dict) else value


def read(config: Mapping[str, Any], own: tuple[str, ...], scheduler: str) -> Settings:
    """
    Return the settings that a nested dict describes.

    Args:
        config: the dict.
        own: the names of further options, which this class of scheduler has read already.
        scheduler: the name of the class, for messages.
    """
    refuse_unknown(config, (*_GENERAL, *own), f"option of {scheduler}")
    settings = Settings()
    settings.logger = _logger(config.get("logger"))
    zone = config.get("timezone")
    settings.has_hosts_zone = zone is None
    settings.timezone = local_timezone() if zone is None else to_timezone(zone, "timezone")
    settings.retry_interval = (
        as_number(config.get("jobstore_retry_interval", 10), "jobstore_retry_interval", bad_value=ValueError) or 10.0
    )
    settings.job_defaults = _job_defaults(config.get("job_defaults", {}))
    settings.clock = _clock(config.get("clock"))
    settings.wrap = _wrap(config.get("wrap"))
    settings.executors = _built("executor", config.get("executors", {}))
    settings.jobstores = _built("jobstore", config.get("jobstores", {}))
    return settings


def _logger(given: Any) -> logging.Logger:
    import logging  # here, because its import costs milliseconds

    if given is None:
        return logging.getLogger("apscheduler_lite.scheduler")
    if isinstance(given, (str, bytes)):
        return logging.getLogger(as_name(given, "logger"))
    if not callable(getattr(given, "exception", None)):
        raise TypeError(f"logger must be a logger or the name of one, not {shorten(given)}")
    return given  # type: ignore[no-any-return]


def _job_defaults(given: Any) -> JobOptions:
    if not hasattr(given, "items"):
        raise TypeError(f"job_defaults must be a dict of job options, not {shorten(given)}")
    refuse_unknown(given, [name for name in JOB_OPTIONS if name != "executor"], "option in job_defaults")
    return DEFAULT_OPTIONS.replaced(validated(given, "job_defaults."))


def _clock(given: Any) -> Clock:
    if given is None:
        return SystemClock()
    if isinstance(given, (str, bytes)):
        given = resolve(given, "clock")
        given = given() if isinstance(given, type) else given
    if not isinstance(given, Clock):
        raise TypeError(f"clock must be a Clock, such as apscheduler_lite.testing.ManualClock(), not {shorten(given)}")
    return given


def _wrap(given: Any) -> Wrap | None:
    if isinstance(given, (str, bytes)):
        given = resolve(given, "wrap")
    if given is not None and not callable(given):
        raise TypeError(
            "wrap must be callable, or a reference to it as text ('module:function'): it takes a run and returns a"
            f" context manager; not {shorten(given)}"
        )
    return given  # type: ignore[no-any-return]


def _built(kind: str, given: Any) -> dict[str, Any]:
    if not hasattr(given, "items"):
        raise TypeError(f"{kind}s must be a dict of alias → {kind}, not {shorten(given)}")
    return {
        as_name(alias, f"an alias in {kind}s"): build(kind, value, f"{kind}s[{alias!r}]")
        for alias, value in given.items()
    }


def build(kind: str, given: Any, parameter: str, options: Mapping[str, Any] | None = None) -> Any:
    """
    Return an executor or store from an object, an alias with options, or a dict with ``type`` or ``class``.

    Raises:
        TypeError: it is none of these, or an option is unknown.
        LookupError: there is no such alias or class.
    """
    if isinstance(given, _BASES[kind][0]):
        if options:
            raise TypeError(f"{parameter} is a finished object, so it takes no further options: {', '.join(options)}")
        return given
    if hasattr(given, "items"):
        return _from_dict(kind, {**given, **(options or {})}, parameter)
    if isinstance(given, (str, bytes)):
        return _make(kind, plugin(kind, as_name(given, parameter)), options or {}, parameter)
    raise _not_built(kind, given, parameter)


def _from_dict(kind: str, options: dict[str, Any], parameter: str) -> Any:
    alias, reference = options.pop("type", None), options.pop("class", None)
    if (alias is None) == (reference is None):
        raise ValueError(
            f"{parameter} must have either 'type' (an alias) or 'class' ('module:Class'), not {shorten(options)}"
        )
    cls = (
        plugin(kind, as_name(alias, f"{parameter}['type']"))
        if alias is not None
        else class_of(kind, reference, f"{parameter}['class']")
    )
    return _make(kind, cls, options, parameter)


def _not_built(kind: str, given: Any, parameter: str) -> TypeError:
    """Return the error for what is no executor or store, which names what would do."""
    base, word = _BASES[kind]
    hint = ""
    if isinstance(given, type):
        hint = f"; that is a class: make an instance of it, {given.__name__}(...)" if issubclass(given, base) else ""
    elif type(given).__module__.startswith("apscheduler."):
        hint = f"; that one is of APScheduler 3: import it from apscheduler_lite{type(given).__module__[11:]}"
    elif kind == "executor" and callable(getattr(given, "submit", None)):
        hint = _WRAP_POOL
    return TypeError(
        f"{parameter} must be {word} instance (of a subclass of {base.__name__}), the name of one, or a dict with its"
        f" options, not {shorten(given)}{hint}"
    )


def _make(kind: str, cls: Any, options: Mapping[str, Any], parameter: str) -> Any:
    from inspect import Parameter, signature

    base, word = _BASES[kind]
    if not isinstance(cls, type) or not issubclass(cls, base):
        hint = _WRAP_POOL if kind == "executor" and callable(getattr(cls, "submit", None)) else ""
        raise TypeError(f"{parameter} names {shorten(cls)}, which is not the class of {word} (a {base.__name__}){hint}")
    parameters = signature(cls).parameters
    if not any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
        refuse_unknown(options, parameters, f"option of {cls.__name__} in {parameter}")
    return cls(**options)
