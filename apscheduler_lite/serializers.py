"""
Job ↔ document: JSON that a person can read.

JSON's own types stand for themselves; those that people often pass to jobs (dates, times, UUIDs, decimals, bytes,
tuples, sets) and triggers are tagged objects, ``{"$": "date", "value": "2026-11-24"}``. Any other argument is
embedded as a pickle.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from ._references import resolve
from ._text import shorten
from ._timezones import to_timezone
from .job import Job
from .triggers.base import BaseTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["decode", "dump_jobs", "encode", "load_jobs"]

VERSION = 1
_TAG = "$"


def dump_jobs(jobs: Iterable[Job]) -> str:
    """Return the jobs as a JSON text."""
    document = {"apscheduler_lite": VERSION, "jobs": [encode(job.__getstate__()) for job in jobs]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def load_jobs(text: str | bytes) -> list[Job]:
    """
    Return the jobs that a JSON text holds; one written by APScheduler 3 is read too.

    Raises:
        ValueError: it holds no exported jobs, or was written by a later version.
        LookupError: a job's function cannot be found.
    """
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise ValueError(f"this is not a file of exported jobs: {exc}") from None
    if not isinstance(document, dict) or not isinstance(document.get("jobs"), list):
        raise ValueError('this is not a file of exported jobs: it has no list "jobs"')
    version = document.get("apscheduler_lite", document.get("version"))
    if version != VERSION:
        raise ValueError(f"the file was exported in version {version!r}; this library reads version {VERSION}")
    jobs = []
    for state in document["jobs"]:
        job: Job = Job.__new__(Job)
        job.__setstate__(decode(state))
        jobs.append(job)
    return jobs


def encode(value: Any) -> Any:
    """Return a value as what JSON can hold."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encode(each) for each in value]
    if type(value) is dict and all(type(key) is str for key in value) and _TAG not in value:
        return {key: encode(each) for key, each in value.items()}
    for tag, (cls, write, _) in _TYPES.items():
        if type(value) is cls:
            return {_TAG: tag, "value": write(value)}
    if isinstance(value, BaseTrigger):
        cls = type(value)
        return {_TAG: "trigger", "class": f"{cls.__module__}:{cls.__qualname__}", "value": encode(value.__getstate__())}
    if isinstance(value, tzinfo) and (getattr(value, "key", None) or value is timezone.utc):
        return {_TAG: "zone", "value": str(value)}
    import pickle

    return {_TAG: "pickle", "value": b64encode(pickle.dumps(value)).decode("ascii")}


def decode(value: Any) -> Any:
    """
    Return the value that a JSON value stands for.

    Raises:
        ValueError: it bears an unknown tag.
    """
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "__apscheduler_pickle__" in value:
        return _unpickle(value["__apscheduler_pickle__"])
    if "__apscheduler_class__" in value:
        return _trigger(value["__apscheduler_class__"], value["__apscheduler_state__"])
    if _TAG not in value:
        return {key: decode(each) for key, each in value.items()}
    tag = value[_TAG]
    if tag in _TYPES:
        return _TYPES[tag][2](value["value"])
    if tag == "trigger":
        return _trigger(value["class"], value["value"])
    if tag == "zone":
        return to_timezone(value["value"])
    if tag == "pickle":
        return _unpickle(value["value"])
    raise ValueError(f"unknown tag in a stored job: {shorten(tag)}")


def _unpickle(text: str) -> Any:
    import pickle

    return pickle.loads(b64decode(text))  # noqa: S301 - the documentation of import_jobs says so


def _trigger(reference: str, state: Any) -> BaseTrigger:
    module, _, name = reference.partition(":")
    if module.startswith("apscheduler."):  # exported by APScheduler 3: the same class of ours
        kind = module.removeprefix("apscheduler.triggers.").removeprefix("combining")
        reference = (
            f"apscheduler_lite.triggers.{kind}:{name}" if kind else f"apscheduler_lite.triggers.combining:{name}"
        )
    cls = resolve(reference, "the class of a trigger")
    if not isinstance(cls, type) or not issubclass(cls, BaseTrigger):
        raise ValueError(f"{reference!r} is no trigger class")
    trigger: BaseTrigger = cls.__new__(cls)
    trigger.__setstate__(decode(state))  # type: ignore[attr-defined]
    return trigger


def _microseconds(delta: timedelta) -> int:
    return delta // timedelta(microseconds=1)


_TYPES: dict[str, tuple[type, Any, Any]] = {
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "timedelta": (timedelta, _microseconds, lambda value: timedelta(microseconds=value)),
    "bytes": (bytes, lambda value: b64encode(value).decode("ascii"), b64decode),
    "tuple": (tuple, lambda value: [encode(each) for each in value], lambda value: tuple(map(decode, value))),
    "set": (
        set,
        lambda value: [encode(each) for each in sorted(value, key=repr)],
        lambda value: set(map(decode, value)),
    ),
    "datetime": (
        datetime,
        lambda value: {
            "wall": value.replace(tzinfo=None).isoformat(),
            "fold": value.fold,
            "zone": encode(value.tzinfo),
        },
        lambda value: datetime.fromisoformat(value["wall"]).replace(tzinfo=decode(value["zone"]), fold=value["fold"]),
    ),
}
