"""A run as a task of Dask: its key, what its worker is sent, and what an answer that has not come means."""

from __future__ import annotations

import pickle
from asyncio import CancelledError

from distributed.client import FutureCancelledError
from distributed.protocol.pickle import dumps

from apscheduler_lite._references import name_of
from apscheduler_lite._running import describe_exception
from apscheduler_lite.errors import RemoteError
from apscheduler_lite.executors._border import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.runs import Run

__all__ = ["explained", "is_connections_fault", "key_of", "message_of", "on_crash_of"]


def key_of(run: Run) -> str:
    """
    Return the key of a run's task: job id and scheduled time, as people read them, and the run's id.

    The id keeps apart what two applications on one cluster call by the same names.
    """
    return f"{run.key}/{run.id}"


def on_crash_of(run: Run) -> str:
    """Return what is to become of a run whose worker is lost."""
    return "skip" if run.job is None else run.job._options.on_crash


def message_of(run: Run) -> bytes:
    """
    Return a run as bytes; a function without an importable name, or of the main script, goes by value.

    Raises:
        RemoteError: it cannot be pickled.
    """
    message, func = packed(run)
    if func is None:
        return pickle.dumps((message, None))
    try:
        return bytes(dumps((message, func)))  # type: ignore[no-untyped-call]
    except Exception as exc:
        raise RemoteError(
            f"the run cannot be sent to a worker: {name_of(func)} cannot be pickled: {describe_exception(exc)}"
        ) from exc


def is_connections_fault(answer: object) -> bool:
    """Return whether an answer has not come for reasons that have nothing to do with its run."""
    if isinstance(answer, FutureCancelledError):
        return answer.reason == "scheduler-connection-lost"
    return isinstance(answer, (OSError, CancelledError))  # it broke in the midst of it, or its client was closed


def explained(exc: BaseException) -> BaseException:
    """Return an error that says what happened to a run whose worker has not answered."""
    if isinstance(exc, RemoteError):
        return exc
    return RemoteError(f"the run could not travel to a Dask worker and back: {describe_exception(exc)}")
