"""From what a user calls a trigger to a trigger, and the words for what cannot be one."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from apscheduler_lite._host_zone import warn_of_naive
from apscheduler_lite._options import as_trigger, refuse_unknown
from apscheduler_lite._plugins import names, plugin
from apscheduler_lite._text import did_you_mean, one_of, shorten, to_text
from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.triggers.base import BaseTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import tzinfo
    from typing import Any

__all__ = ["bound_trigger", "check_place_of_args", "check_place_of_jobstore"]

_OF_DATE = ("run_date", "timezone")
"""The arguments of the trigger that is meant when none is named."""

_WITH_FIELDS = ("interval", "cron", "calendarinterval")
"""The triggers that are probably meant when arguments without a trigger are given."""


def bound_trigger(
    given: Any,
    arguments: dict[str, Any],
    timezone: tzinfo,
    now: int,
    call: str,
    others: Collection[str],
    *,
    is_hosts: bool,
) -> BaseTrigger:
    """
    Return a trigger in the scheduler's zone.

    Args:
        given: a trigger, the alias of one, or None for once, at once.
        arguments: what stands beside the alias.
        timezone: the scheduler's zone.
        now: the present instant.
        call: the method that the user called, for messages.
        others: the names of its other parameters, for messages.
        is_hosts: whether the scheduler's zone is the host's because nobody chose one.

    Raises:
        TypeError, ValueError, LookupError: no trigger can be made of it.
    """
    if isinstance(given, BaseTrigger):
        if arguments:
            raise _beside_finished(given, arguments, call, others)
        bound = given.bind(timezone, from_instant(now, UTC))
        return bound if is_hosts else bound.rebind(timezone, is_hosts=False)
    if given is None:
        if arguments:
            _check_not_forgotten(arguments)
        alias = "date"
    elif isinstance(given, (str, bytes)):
        alias = to_text(given, "trigger")
    else:
        raise TypeError(
            f"trigger must be a trigger instance or the name of one, not {shorten(given)}{_alias_hint(given)}"
        )
    settled = _constructed(alias, arguments, timezone, call, others, is_hosts=is_hosts).settle(timezone, now)
    return settled if is_hosts else settled.rebind(timezone, is_hosts=False)


def _constructed(
    alias: str, arguments: dict[str, Any], timezone: tzinfo, call: str, others: Collection[str], *, is_hosts: bool
) -> BaseTrigger:
    cls, takes_timezone = _trigger_class(alias)
    try:
        if not takes_timezone or "timezone" in arguments:
            return as_trigger(cls(**arguments))
        for name, value in arguments.items():
            warn_of_naive(value, timezone, name)
        made = as_trigger(cls(timezone=timezone, **arguments))
    except TypeError as exc:
        raise _explained(exc, alias, cls, arguments, call, others) from None
    if is_hosts:
        made.follow_host()
    return made


@cache
def _trigger_class(alias: str) -> tuple[Any, bool]:
    """Return the class of triggers that an alias stands for, and whether its constructor takes a time zone."""
    try:
        cls = plugin("trigger", alias)
    except LookupError:
        from apscheduler_lite.triggers.cron.expressions import is_line

        if not is_line(alias):
            raise
        raise LookupError(
            f"no trigger by the name {alias!r} was found; a crontab line makes a trigger by"
            f" CronTrigger.from_crontab({alias!r})"
        ) from None
    code = getattr(cls.__init__, "__code__", None)
    return cls, code is not None and "timezone" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


# -- what was meant ------------------------------------------------------------------------------------------------


def check_place_of_args(args: Any, trigger: Any) -> None:
    """
    Refuse, as ``args``, what was meant for the trigger that stands before it.

    Raises:
        TypeError: saying how an argument of the trigger is given.
    """
    if hasattr(args, "__iter__") and not isinstance(args, (str, bytes)) and not (args and isinstance(args, dict)):
        return
    hint = ""
    if isinstance(trigger, (str, bytes)):
        hint = (
            f"; after the trigger come the arguments of the function, those of the trigger"
            f" {to_text(trigger, 'trigger')!r} go by name"
        )
        hint += f": write run_date={args!r}" if trigger == "date" and isinstance(args, str) else _argument_hint(args)
    raise TypeError(f"args must be a list or tuple of positional arguments, not {shorten(args)}{hint}")


def check_place_of_jobstore(jobstore: Any, stores: Collection[str]) -> None:
    """
    Refuse, as the ``jobstore`` of `reschedule_job`, what was meant as its trigger.

    Raises:
        TypeError: saying how the trigger is given.
    """
    if isinstance(jobstore, BaseTrigger):
        written = f"{type(jobstore).__name__}(...)"
    elif isinstance(jobstore, str) and jobstore not in stores and jobstore in names("trigger"):
        written = repr(jobstore)
    else:
        return
    raise TypeError(
        f"the second argument of reschedule_job is jobstore, and {shorten(jobstore)} is a trigger: write"
        f" trigger={written}"
    )


def _beside_finished(
    trigger: BaseTrigger, arguments: Mapping[str, Any], call: str, others: Collection[str]
) -> TypeError:
    for name in arguments:
        hint = did_you_mean(name, others)
        if hint:
            return TypeError(f"unknown argument of {call} {name!r}{hint}")
    return TypeError(
        f"the trigger is a finished object, {shorten(trigger)}, which takes no arguments beside it:"
        f" {', '.join(arguments)}"
    )


def _check_not_forgotten(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of another trigger than the one that is meant when none is named."""
    from inspect import signature

    for name in arguments:
        if name in _OF_DATE:
            continue
        owners = [alias for alias in _WITH_FIELDS if name in signature(plugin("trigger", alias)).parameters]
        if owners:
            raise TypeError(
                f"no trigger was named; {name} is an argument of {one_of(owners)}: write trigger={owners[0]!r}"
            )


def _alias_hint(given: Any) -> str:
    """Return how to write what was given in place of a trigger, as far as that can be told."""
    if isinstance(given, type) and issubclass(given, BaseTrigger):
        return f"; that is a class: make an instance of it, {given.__name__}(...)"
    if isinstance(given, date):
        return f"; for one run at that time write trigger='date'{_argument_hint(given, ', ')}"
    if isinstance(given, (int, float, timedelta)):
        return f"; for runs at that distance write trigger='interval'{_argument_hint(given, ', ')}"
    return ""


def _argument_hint(value: Any, before: str = ": write ") -> str:
    """Return a value as the argument of a trigger that it probably is."""
    from apscheduler_lite.triggers.cron.expressions import is_line

    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)):
        return f"{before}seconds={int(value) if value == int(value) else value}"
    if isinstance(value, dict):
        return before + ", ".join(f"{name}={shorten(each)}" for name, each in value.items())
    if isinstance(value, str) and is_line(value):
        return f"{before}trigger=CronTrigger.from_crontab({value!r})"
    return f"{before}run_date={shorten(value)}" if isinstance(value, date) else ""


def _explained(
    error: TypeError, alias: str, cls: Any, arguments: Mapping[str, Any], call: str, others: Collection[str]
) -> TypeError:
    """Return a trigger constructor's error in the user's words: which argument is unknown, or missing."""
    from inspect import Parameter, signature

    parameters = signature(cls).parameters.values()
    named = [each for each in parameters if each.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]
    if not any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
        known = {*(each.name for each in named), *others}
        try:
            refuse_unknown(arguments, known, f"argument of {call} or {cls.__name__}")
        except TypeError as exc:
            return exc
    missing = [each.name for each in named if each.default is Parameter.empty and each.name not in arguments]
    if missing:
        return TypeError(
            f"the trigger {alias!r} needs {' and '.join(missing)}: give it by name, {missing[0]}=..., or pass a"
            f" finished {cls.__name__}(...)"
        )
    return error
