"""What changes make of a job: each value checked, and nothing changed before all are right. Pure."""

from __future__ import annotations

from datetime import timezone

from ._host_zone import warn_of_naive
from ._options import (
    MODIFIABLE,
    as_arguments,
    as_keyword_arguments,
    as_name,
    as_trigger,
    refuse_unknown,
    validated,
)
from ._references import check_arguments, name_of, resolve
from ._text import shorten, to_text
from ._timezones import FIRST_INSTANT, LAST_INSTANT, to_datetime, to_instant
from .errors import UnknownAttributeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .job import Job

__all__ = ["as_function", "decided"]


def decided(job: Job, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the changes make of the job's slots; the job itself stays as it is."""
    if "id" in changes:
        raise ValueError("the id of a job may not be changed; add the job anew under the other id")
    refuse_unknown(changes, MODIFIABLE, "attribute of a job", UnknownAttributeError)
    slots: dict[str, Any] = {}
    if "func" in changes:
        slots["func"], slots["_func_ref"] = as_function(changes["func"])
    if "args" in changes or "kwargs" in changes or "func" in changes:
        func = slots.get("func", job.func)
        args = as_arguments(changes["args"]) if "args" in changes else job.args
        kwargs = as_keyword_arguments(changes["kwargs"]) if "kwargs" in changes else job._kwargs
        check_arguments(func, args, kwargs)
        slots["args"], slots["_kwargs"] = args, kwargs
    if changes.get("name") is not None:
        slots["name"] = as_name(changes["name"], "name")
    elif "name" in changes:
        slots["name"] = name_of(slots.get("func", job.func))
    if "trigger" in changes:
        slots["trigger"] = as_trigger(changes["trigger"])
    if "next_run_time" in changes:
        slots.update(_decided_next(job, changes["next_run_time"]))
    options = validated(changes)
    if options:
        slots["_options"] = job._options.replaced(options)
    return slots


def _decided_next(job: Job, moment: Any) -> dict[str, Any]:
    if moment is None:
        return {"_next": None, "_fire_time": None, "paused": True}
    zone = getattr(job._scheduler, "timezone", None) or timezone.utc
    warn_of_naive(moment, zone, "next_run_time")
    instant = to_instant(to_datetime(moment, zone, "next_run_time"))
    if not FIRST_INSTANT <= instant <= LAST_INSTANT:
        raise ValueError(f"next_run_time must lie between 0001-01-02 and 9999-12-31, not at {shorten(moment)}")
    return {"_next": instant, "_fire_time": None, "paused": False}


def as_function(func: Any) -> tuple[Any, str | None]:
    """Return the callable, and its reference where it was given as one."""
    if isinstance(func, (str, bytes)):
        reference = to_text(func, "func")
        func = resolve(reference, "func")
        if not callable(func):
            raise TypeError(f"func {reference!r} names {shorten(func)}, which is not callable")
        return func, reference
    if not callable(func):
        raise TypeError(
            f"func must be a callable or a textual reference to one ('module:function'), not {shorten(func)}"
        )
    return func, None
