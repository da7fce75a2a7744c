"""
Job ↔ state: the dict in which a job store keeps a job.

The keys are those of APScheduler 3, so that its states can be read and stores written for it find what they expect;
``paused``, ``fire_time`` and the options that version 3 has not are ours; such an option is written only where it is
not the default.
"""

from __future__ import annotations

from ._options import DEFAULT_OPTIONS, as_trigger, validated
from ._references import resolve
from ._timezones import to_instant
from .errors import TransientJobError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .job import Job

__all__ = ["lasting_state_of", "restore", "state_of"]

VERSION = 1

_OWN_OPTIONS = ("on_overlap", "timeout", "retry", "catch_up", "max_catch_up")


def state_of(job: Job) -> dict[str, Any]:
    """Return the state of a job, or raise TransientJobError when its function has no importable name."""
    state = lasting_state_of(job)
    state["next_run_time"], state["paused"] = job.next_run_time, job.paused
    if job._fire_time is not None:
        state["fire_time"] = job._fire_time
    return state


def lasting_state_of(job: Job) -> dict[str, Any]:
    """Return what of a job's state does not change from run to run, or raise TransientJobError."""
    reference = job.func_ref
    if reference is None:
        raise TransientJobError(job.id)
    owner = getattr(job.func, "__self__", None)
    # A bound method is stored as its plain function with the object as first argument; a class needs no such argument.
    bound = owner is not None and not isinstance(owner, type) and hasattr(job.func, "__func__") and not job._func_ref
    state = {
        "version": VERSION,
        "id": job.id,
        "func": reference,
        "trigger": job.trigger,
        "executor": job.executor,
        "args": (owner, *job.args) if bound else job.args,
        "kwargs": job.kwargs,
        "name": job.name,
        "misfire_grace_time": job.misfire_grace_time,
        "coalesce": job.coalesce,
        "max_instances": job.max_instances,
        "on_crash": job.on_crash,
    }
    for name in _OWN_OPTIONS:
        value = getattr(job._options, name)
        if value != getattr(DEFAULT_OPTIONS, name):
            state[name] = value
    return state


def restore(job: Job, state: dict[str, Any], func: Callable[..., Any] | None = None) -> None:
    """
    Make the job what the state says, with that function or else the one that the state names.

    Raises:
        ValueError: the state is of a later version, or holds what no job can have.
        LookupError: its function cannot be found.
    """
    version = state.get("version", VERSION)
    if version > VERSION:
        raise ValueError(
            f"job {state.get('id')!r} was stored in version {version}; this library reads versions up to {VERSION}"
        )
    moment = state.get("next_run_time")
    job._scheduler = None
    job._jobstore_alias = None
    job.id = state["id"]
    job._func_ref = state["func"]
    job.func = func if func is not None else resolve(state["func"], "func")
    job.trigger = as_trigger(state["trigger"])
    job.args = tuple(state["args"])
    job._kwargs = dict(state["kwargs"]) or None
    job.name = state["name"]
    job._options = DEFAULT_OPTIONS.replaced(validated(state))
    job._next = None if moment is None else to_instant(moment)
    job._fire_time = state.get("fire_time")
    job._revision = 0
    # Version 3 has no pauses, and no next run time at all for a job that waits for the start of its scheduler.
    job.paused = state.get("paused", moment is None and "next_run_time" in state)
