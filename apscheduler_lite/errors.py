"""
Every exception and warning of the library.

    Exception
    ├── SchedulerAlreadyRunningError   start() on a running scheduler
    ├── SchedulerNotRunningError       a call that needs a running scheduler
    ├── MaxInstancesReachedError       an executor refuses one more instance of a job
    ├── WorkerDiedError                the worker process that ran a job ended without an answer
    ├── StoreUnavailableError          the database of a job store cannot be reached
    ├── JobCancelledError              a run was cancelled, since the next one of its job took its place
    ├── OSError
    │   └── TimeoutError
    │       └── JobTimeoutError        a run lasted longer than its time limit
    ├── RemoteError                    a job, its result or its exception could not travel between processes
    ├── KeyError
    │   ├── JobLookupError             no job with that id
    │   └── ConflictingIdError         a job with that id exists already
    ├── AttributeError, TypeError
    │   └── UnknownAttributeError      a job has nothing by that name to be modified
    ├── ValueError
    │   └── TransientJobError          the job cannot be stored: its function has no importable name
    ├── LookupError
    │   └── UnreadableJobError         a stored job cannot be restored here; it stays stored
    └── UserWarning
        └── SchedulerWarning           accepted, but probably not what was meant

The built-in bases are those of APScheduler 3, so that existing ``except`` clauses keep working; each class can
also be imported from its home there. Wrong arguments raise plain ``TypeError`` and ``ValueError``.
"""

from __future__ import annotations

import copyreg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ConflictingIdError",
    "JobCancelledError",
    "JobLookupError",
    "JobTimeoutError",
    "MaxInstancesReachedError",
    "RemoteError",
    "SchedulerAlreadyRunningError",
    "SchedulerNotRunningError",
    "SchedulerWarning",
    "StoreUnavailableError",
    "TransientJobError",
    "UnknownAttributeError",
    "UnreadableJobError",
    "WorkerDiedError",
    "warn",
]


class SchedulerAlreadyRunningError(Exception):
    """Raised by ``start()`` and ``configure()`` when the scheduler is already running."""

    def __str__(self) -> str:
        return "the scheduler is already running"


class SchedulerNotRunningError(Exception):
    """Raised by a call that needs a running scheduler, such as ``pause()``, when it is not running."""

    def __str__(self) -> str:
        return "the scheduler is not running; call start() first"


class _BuiltFromFacts(Exception):
    """An error that builds its sentence of facts, and is pickled with the sentence."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class, as exceptions are restored else: it would take the sentence for the fact.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__ or None  # type: ignore[attr-defined]


class MaxInstancesReachedError(_BuiltFromFacts):
    """Raised by an executor that already runs as many instances of a job as the job allows."""

    def __init__(self, job: object) -> None:
        super().__init__(
            f"job {getattr(job, 'id', job)!r} already runs its maximum number of instances"
            f" ({getattr(job, 'max_instances', '?')})"
        )


class WorkerDiedError(Exception):
    """Reported for a run whose worker process ended without an answer: killed, crashed, or exited."""


class RemoteError(Exception):
    """
    Reported for a run that could not travel: its function, arguments, result or exception cannot be pickled.

    Attributes:
        original_names: where it stands for an exception, the names of that one's class and of its bases.
    """

    original_names: tuple[str, ...] = ()


class JobTimeoutError(_BuiltFromFacts, TimeoutError):
    """
    Reported for a run that lasted longer than the ``timeout`` of its job.

    Attributes:
        seconds: the time limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"it lasted longer than its time limit of {seconds:g} s")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.seconds,)  # what an OSError is made of is its class's own affair


class JobCancelledError(Exception):
    """Reported for a run that was cancelled while it was in progress."""


class StoreUnavailableError(_BuiltFromFacts):
    """
    Raised by a call that needs a job store's database when that cannot be reached, or breaks off.

    Attributes:
        is_open: whether the change may have been made all the same, since the connection broke while it was committed.
    """

    def __init__(self, cause: object, *, is_open: bool = False) -> None:
        self.is_open = is_open
        result = (
            "the connection broke while the change was being committed, so it may have been made or not; look first"
            if is_open
            else "nothing has been changed; try again later"
        )
        super().__init__(f"the job store's database cannot be used: {str(cause).strip()} ({result})")


class UnreadableJobError(_BuiltFromFacts, LookupError):
    """Reported for a stored job that is kept but cannot be restored here, such as for want of its module."""

    def __init__(self, job_id: object, cause: object) -> None:
        super().__init__(f"job {job_id!s} cannot be restored from its row, which stays as it is: {cause}")


class _KeyErrorWithMessage(_BuiltFromFacts, KeyError):
    """A KeyError that prints its sentence, where the built-in one prints the sentence's repr."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class JobLookupError(_KeyErrorWithMessage):
    """Raised when no job has the given id in the store or stores that were searched."""

    def __init__(self, job_id: object, reason: str = "") -> None:
        super().__init__(f"no job by the id of {job_id!s} was found{reason and ': '}{reason}")


class ConflictingIdError(_KeyErrorWithMessage):
    """Raised when a job is added whose id another job of the same store bears."""

    def __init__(self, job_id: object) -> None:
        super().__init__(
            f"a job with the id {job_id!s} exists already; pass replace_existing=True to replace it,"
            " or choose another id"
        )


class UnknownAttributeError(AttributeError, TypeError):
    """Raised when a job is to be changed in what it does not have; an AttributeError as in APScheduler 3, too."""


class TransientJobError(_BuiltFromFacts, ValueError):
    """Raised when a job is to be stored or exported but its function cannot be found again by name."""

    def __init__(self, job_id: object) -> None:
        super().__init__(
            f"job {job_id!s} cannot be kept outside this process, in a persistent store or an exported file: its"
            " function has no importable name. Define it at the top level of a module, or give it as text:"
            " 'module:function'"
        )


class SchedulerWarning(UserWarning):
    """
    Issued for input that is accepted but probably not what was meant.

    A class of its own, so that ``warnings.filterwarnings("error", category=SchedulerWarning)`` turns exactly these
    into errors.
    """


def warn(message: str) -> None:
    """
    Issue a `SchedulerWarning` that points at the user's line.

    That is the innermost line outside the library: the call that the warning is about, however deep below it the
    reason was found.
    """
    import sys
    import warnings

    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_globals):
        frame = frame.f_back
        level += 1
    warnings.warn(message, SchedulerWarning, stacklevel=level)


def _is_ours(module: dict[str, object]) -> bool:
    name = str(module.get("__name__", ""))
    return name == "apscheduler_lite" or name.startswith("apscheduler_lite.")
