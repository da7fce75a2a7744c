"""
Job ↔ document: JSON that a person can read.

The values are `codec`'s affair, signatures `signing`'s. Reading a document imports nothing that the document names but
the job's function and the trigger classes of the plugin table: a reader that imports what it is told is code execution.
"""

from __future__ import annotations

import json

from apscheduler_lite._text import shorten
from apscheduler_lite.job import Job

from .codec import Codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["JSONSerializer", "dump_jobs", "load_jobs", "read_state"]

VERSION = 1


class JSONSerializer:
    """
    Turn the state of a job into a JSON text and back.

    A serializer of your own has the same two methods.

    Args:
        allow_pickle: whether arguments that JSON cannot hold may be embedded as pickles, and pickles be read. Whoever
            can write to the database can run code in every process that reads pickles from it.
        pickle_protocol: the protocol of those pickles; the highest by default.
    """

    def __init__(self, *, allow_pickle: bool = True, pickle_protocol: int | None = None) -> None:
        self.allow_pickle = allow_pickle
        self._codec = Codec(allow_pickle=allow_pickle, pickle_protocol=pickle_protocol)
        # Whether a value contains itself has been found out by the codec, which makes a tree of its own.
        self._write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode

    def dumps(self, state: dict[str, Any]) -> str:
        """
        Return a job's state as text.

        Raises:
            ValueError: it holds a value that cannot be stored.
        """
        return self._write(self._codec.encode_state(state))

    def loads(self, text: str, before: Callable[[Any], object] | None = None) -> dict[str, Any]:
        """
        Return the state that a text holds.

        Args:
            text: what `dumps` returned.
            before: called with the reference of the job's function before anything else of the text is interpreted.

        Raises:
            ValueError: it is no such text, or holds a pickle although these are forbidden.
        """
        return read_state(self._codec, text, before)


def read_state(codec: Codec, text: str, before: Callable[[Any], object] | None = None) -> dict[str, Any]:
    """
    Return the state of a job that a JSON text holds, as a codec reads it; otherwise as `JSONSerializer.loads`.

    Raises:
        ValueError: it is no such text, or holds what the codec does not read.
    """
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"the document is no JSON object: {shorten(text)}")
    if before is not None:
        before(document.get("func"))
    return {name: codec.decode(value) for name, value in document.items()}


def dump_jobs(jobs: Iterable[Job]) -> str:
    """Return the jobs as a JSON text."""
    codec = Codec()
    document = {"apscheduler_lite": VERSION, "jobs": [codec.encode_state(job.__getstate__()) for job in jobs]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def load_jobs(text: str | bytes) -> list[Job]:
    """
    Return the jobs that a JSON text holds; one written by APScheduler 3 is read too.

    Raises:
        ValueError: it holds no exported jobs, was written by a later version, or a job in it cannot be restored.
        LookupError: a job's function, or the class of its trigger or of an argument, cannot be found.
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
    codec = Codec(any_trigger=True)
    jobs = []
    for position, state in enumerate(document["jobs"]):
        try:
            job: Job = Job.__new__(Job)
            job.__setstate__(codec.decode(state))
        except Exception as exc:
            raise _explained(exc, state, position) from exc
        jobs.append(job)
    return jobs


def _explained(error: Exception, state: Any, position: int) -> Exception:
    """Return what to raise for a job that cannot be restored: an error that says which one, and why."""
    name = repr(state["id"]) if isinstance(state, dict) and "id" in state else f"number {position + 1}"
    if isinstance(error, KeyError):
        return ValueError(f"job {name} of the file has no {error}")
    if isinstance(error, (LookupError, ImportError)):
        return LookupError(f"job {name} of the file: {error}")
    return ValueError(f"job {name} of the file cannot be restored: {error}")
