"""
The options of a job and of a scheduler: validated, defaulted, explained.

Pure: values in, values or an error out. Every error names the option, the value and what would do.
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX
from datetime import timedelta

from ._text import did_you_mean, one_of, shorten, to_text
from .retry import Retry
from .triggers.base import BaseTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ClassVar

__all__ = [
    "JOB_OPTIONS",
    "MODIFIABLE",
    "JobOptions",
    "Undefined",
    "as_arguments",
    "as_bool",
    "as_keyword_arguments",
    "as_name",
    "as_number",
    "as_positive_integer",
    "as_trigger",
    "check_waiting",
    "refuse_unknown",
    "undefined",
]


class Undefined:
    """The type of `undefined`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<undefined>"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "undefined"


undefined = Undefined()
"""An argument that was not given, where None has a meaning of its own."""


class JobOptions:
    """
    How a job is run: an immutable value that all jobs with the same options share.

    Attributes:
        executor: alias of the executor.
        misfire_grace_time: seconds that a run may start late; None for any lateness.
        coalesce: whether several due runs become one.
        max_instances: how many runs may be in progress at the same time.
        on_crash: what becomes of a run whose process died, ``"skip"`` or ``"rerun"``.
        on_overlap: what becomes of a run that comes due while as many are in progress as may be: ``"skip"``,
            ``"queue"`` or ``"cancel_previous"``.
        timeout: seconds that a run may last; None for any time.
        retry: when a run that failed is tried again; None for never.
        catch_up: what is made up for when the job was not run in time: ``"latest"``, ``"all"`` or ``"none"``; None
            when `coalesce` decides.
        max_catch_up: how many fire times are made up for at the most with ``"all"``.
        coalesces: whether several due runs become one, by `catch_up` or else `coalesce`.
        grace: the grace time in microseconds, derived from `misfire_grace_time`.
    """

    __slots__ = (
        "catch_up",
        "coalesce",
        "coalesces",
        "executor",
        "grace",
        "max_catch_up",
        "max_instances",
        "misfire_grace_time",
        "on_crash",
        "on_overlap",
        "retry",
        "timeout",
    )

    _shared: ClassVar[dict[tuple[Any, ...], JobOptions]] = {}

    executor: str
    misfire_grace_time: float | None
    coalesce: bool
    max_instances: int
    on_crash: str
    on_overlap: str
    timeout: float | None
    retry: Retry | None
    catch_up: str | None
    max_catch_up: int
    coalesces: bool
    grace: int | None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> JobOptions:
        """Return the value with these options, all of `JOB_OPTIONS`; the same object for the same options."""
        key = tuple(options[name] for name in JOB_OPTIONS)
        made = cls._shared.get(key)
        if made is None:
            made = cls()
            for name, value in zip(JOB_OPTIONS, key, strict=True):
                setattr(made, name, value)
            made.coalesces = made.catch_up == "latest" or (made.catch_up != "all" and made.coalesce)
            made.grace = None if made.misfire_grace_time is None else round(made.misfire_grace_time * 1_000_000)
            if len(cls._shared) < 1024:  # a program that makes options up at run time must not grow for ever
                cls._shared[key] = made
        return made

    def replaced(self, changes: Mapping[str, Any]) -> JobOptions:
        """Return a value with some options changed; the names and values must be valid ones."""
        return JobOptions.of({name: changes.get(name, getattr(self, name)) for name in JOB_OPTIONS})


def as_name(value: object, parameter: str) -> str:
    """Return a non-empty string."""
    if type(value) is str and value:
        return value
    if not isinstance(value, (str, bytes)) or not value:
        raise TypeError(f"{parameter} must be a nonempty string, not {shorten(value)}")
    return to_text(value, parameter)


def as_bool(value: object, parameter: str) -> bool:
    """Return a truth value; text is read as configuration files write it: true/false, yes/no, on/off, 1/0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, bytes)):
        text = to_text(value, parameter).strip().lower()
        if text in ("true", "yes", "on", "y", "t", "1"):
            return True
        if text in ("false", "no", "off", "n", "f", "0"):
            return False
        raise ValueError(f"{parameter} must be true or false (or yes/no, on/off, 1/0), not {text!r}")
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise TypeError(f"{parameter} must be True or False, not {shorten(value)}")


def as_positive_integer(value: object, parameter: str, bad_value: type[Exception] = TypeError) -> int:
    """
    Return an integer of at least 1; text holding one is accepted, as configuration files write it.

    Raises:
        TypeError: it is neither an integer nor text.
        bad_value: it is one of these and no positive integer. APScheduler 3 raised TypeError for options of jobs.
    """
    if isinstance(value, (str, bytes)):
        text = to_text(value, parameter).strip()
        value = int(text) if text.isdecimal() else text
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        kind = bad_value if isinstance(value, (int, str)) else TypeError
        raise kind(f"{parameter} must be a positive integer, not {shorten(value)}")
    return value


def as_count(value: object, parameter: str) -> int:
    """
    Return an integer of at least 0; text holding one is accepted, as configuration files write it.

    Raises:
        TypeError: it is neither an integer nor text.
        ValueError: it is one of these and no such number.
    """
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        kind = ValueError if isinstance(value, (int, str)) and not isinstance(value, bool) else TypeError
        raise kind(f"{parameter} must be an integer of at least 0, not {shorten(value)}")
    return value


def as_number(
    value: object, parameter: str, *, or_none: bool = False, bad_value: type[Exception] = TypeError
) -> float | None:
    """
    Return a positive number of seconds from a number, a timedelta or a text holding a number.

    Raises:
        TypeError: it is none of these.
        bad_value: it is one of these and no positive number.
    """
    given = value
    if isinstance(value, (str, bytes)):
        text = to_text(value, parameter).strip()
        if or_none and text.lower() in ("none", "null", ""):
            return None
        try:
            value = int(text) if text.isdecimal() else float(text)
        except ValueError:
            value = text
    if value is None and or_none:
        return None
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        choice = "None or a positive number" if or_none else "a positive number"
        kind = bad_value if isinstance(value, (str, int, float)) else TypeError
        raise kind(f"{parameter} must be {choice} of seconds (or a timedelta), not {shorten(given)}")
    return value


def as_choice(value: object, parameter: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices."""
    if isinstance(value, (str, bytes)):
        value = to_text(value, parameter)
        if value in choices:
            return value
        raise ValueError(f"{parameter} must be one of {one_of(choices)}, not {value!r}{did_you_mean(value, choices)}")
    raise TypeError(f"{parameter} must be one of {one_of(choices)}, not {shorten(value)}")


_VALIDATORS: dict[str, Callable[[Any, str], Any]] = {
    "executor": as_name,
    "misfire_grace_time": lambda value, parameter: as_number(value, parameter, or_none=True),
    "coalesce": as_bool,
    "max_instances": as_positive_integer,
    "on_crash": lambda value, parameter: as_choice(value, parameter, ("skip", "rerun")),
    "on_overlap": lambda value, parameter: as_choice(value, parameter, ("skip", "queue", "cancel_previous")),
    "timeout": lambda value, parameter: as_number(value, parameter, or_none=True),
    "retry": Retry.of,
    "catch_up": lambda value, parameter: (
        None if value is None else as_choice(value, parameter, ("latest", "all", "none"))
    ),
    "max_catch_up": as_positive_integer,
}

JOB_OPTIONS = tuple(_VALIDATORS)
"""The names of the options that `JobOptions` holds."""

DEFAULT_OPTIONS = JobOptions.of(
    {
        "executor": "default",
        "misfire_grace_time": None,
        "coalesce": True,
        "max_instances": 1,
        "on_crash": "skip",
        "on_overlap": "skip",
        "timeout": None,
        "retry": None,
        "catch_up": None,
        "max_catch_up": 1_000,
    }
)

MODIFIABLE = frozenset(("func", "args", "kwargs", "name", "trigger", "next_run_time", *JOB_OPTIONS))
"""The names of what may be changed of a job."""


def validated(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return those of the given options that `JobOptions` holds, each checked."""
    checked = {}
    for name, value in options.items():
        validate = _VALIDATORS.get(name)
        if validate is not None:
            checked[name] = validate(value, prefix + name)
    return checked


def refuse_unknown(given: Iterable[str], known: Iterable[str], what: str, kind: type[TypeError] = TypeError) -> None:
    """
    Refuse names that are not known.

    Raises:
        TypeError: of that kind, naming the first unknown one, the nearest known one and all that are known.
    """
    known = frozenset(known)
    for name in given:
        if name not in known:
            raise kind(f"unknown {what} {name!r}{did_you_mean(name, known)} (known: {one_of(known)})")


def check_waiting(wait: object, timeout: object) -> None:
    """Refuse what is no answer to the question whether, and how long, a shutdown waits."""
    if not isinstance(wait, (bool, int)) or wait not in (0, 1):
        raise TypeError(f"wait must be True or False, not {shorten(wait)}")
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be None or a number of seconds, not {shorten(timeout)}")
    if not 0 <= timeout <= TIMEOUT_MAX:
        raise ValueError(f"timeout must be zero or more seconds, {TIMEOUT_MAX:g} at most, not {shorten(timeout)}")


def as_arguments(args: Any, parameter: str = "args") -> tuple[Any, ...]:
    """Return positional arguments as a tuple."""
    if args is None:
        return ()
    if isinstance(args, (str, bytes)) or not hasattr(args, "__iter__"):
        raise TypeError(f"{parameter} must be a list or tuple of positional arguments, not {shorten(args)}")
    return tuple(args)


def as_keyword_arguments(kwargs: Any) -> dict[str, Any] | None:
    """Return keyword arguments as a dict of their own, None for none."""
    if not kwargs and (kwargs is None or isinstance(kwargs, (dict, list, tuple))):
        return None
    if not hasattr(kwargs, "keys") or not all(isinstance(key, str) for key in kwargs):
        raise TypeError(f"kwargs must be a dict of keyword arguments, not {shorten(kwargs)}")
    return dict(kwargs)


def as_trigger(trigger: Any) -> BaseTrigger:
    """Return the trigger, or refuse what is none."""
    if not isinstance(trigger, BaseTrigger):
        raise TypeError(
            f"trigger must be an instance of a trigger class (a subclass of BaseTrigger), not {type(trigger).__name__}:"
            f" {shorten(trigger)}"
        )
    return trigger
