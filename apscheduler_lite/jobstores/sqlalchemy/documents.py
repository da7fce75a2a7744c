"""
Rows ↔ jobs.

What a row says of a job's definition is its `document`; when it runs next stands in columns beside it. Jobs that were
restored are kept by (id, revision), so that a job that runs every second is parsed once, and not at each run. The first
revision of a job is the time at which it was added: one that was removed and added anew is not taken for its
predecessor.

A row that cannot be restored here (its module is missing, its document is broken, nobody whom we know signed it) is
left as it is: logged once for each revision, skipped, and tried again after a pause.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from types import FunctionType

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._job_state import lasting_state_of
from apscheduler_lite._job_state import restore as restore_state
from apscheduler_lite._references import resolve
from apscheduler_lite.errors import UnreadableJobError
from apscheduler_lite.job import Job
from apscheduler_lite.serializers import JSONSerializer

from . import at_hand
from .schema import ID_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from apscheduler_lite.serializers.signing import Signer

    class Serializer(Protocol):
        """What turns a job's state into text and back."""

        def dumps(self, state: dict[str, Any]) -> str: ...
        def loads(self, text: str) -> dict[str, Any]: ...


__all__ = ["Documents"]

CACHED = 10_000
"""How many restored jobs are kept, at the most: memory must not grow with the table."""

_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))
_clock = SystemClock()


class Documents:
    """How one store writes jobs into rows and reads them back."""

    def __init__(self, serializer: Serializer, signer: Signer | None, allowed: Sequence[str] | None) -> None:
        self.serializer = serializer
        self.signer = signer
        self.allowed = None if allowed is None else tuple(allowed)
        self.owner: tuple[Any, str | None] = (None, None)  # the scheduler and the alias that restored jobs belong to
        # Without a lock, which a signal handler would meet: each step below is one of C.
        self._restored: OrderedDict[str, tuple[int, Job]] = OrderedDict()
        self._told: dict[str, int] = {}  # id → revision of rows that were logged as unreadable

    # -- writing -----------------------------------------------------------------------------------------------

    def row_of(self, job: Job, definition: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Return the columns of a job.

        Args:
            job: the job.
            definition: what `definition_of` has returned for it, if it was asked before.

        Raises:
            TransientJobError: its function has no importable name.
            ValueError: a part of it cannot be stored, or its function may not be.
        """
        return {
            "id": job.id,
            **self.times_of(job),
            "paused": int(job.paused),
            **(definition or self.definition_of(job)),
            "revision": _clock.now(),
        }

    def remember(self, job: Job, revision: int) -> None:
        """
        Take note that a job stands in the database as it is, so that this process need not read it.

        Only of plain ones: an argument that the application can change is kept as it was when it was written.
        """
        if all(type(each) in _PLAIN for each in job.args) and not job._kwargs and type(job.func) is FunctionType:
            self._keep(job._copy(), revision)

    def _keep(self, job: Job, revision: int) -> None:
        self._restored.pop(job.id, None)
        self._restored[job.id] = (revision, job)
        if len(self._restored) > CACHED:
            self._restored.popitem(last=False)

    def definition_of(self, job: Job) -> dict[str, Any]:
        """Return the columns that a change of the job's definition rewrites."""
        for parameter, name in (("id", job.id), ("executor", job.executor)):
            if len(name) > ID_LENGTH:
                raise ValueError(f"{parameter} must have at most {ID_LENGTH} characters in this store, not {len(name)}")
        state = lasting_state_of(job)
        self._check_allowed(state["func"])
        document = self.serializer.dumps(state)
        signature = None if self.signer is None else self.signer.sign(job.id, document)
        return {"executor": job.executor, "document": document, "signature": signature}

    @staticmethod
    def times_of(job: Job) -> dict[str, Any]:
        """Return the columns that say when the job runs next."""
        return {"next_run_time": job._next, "fire_time": job._fire_time, "backlog": None}

    # -- reading -----------------------------------------------------------------------------------------------

    def cached(self, job_id: str, revision: int) -> Job | None:
        """Return the job as it was restored before, without its times."""
        found = self._restored.get(job_id)
        return found[1] if found is not None and found[0] == revision else None

    def at_hand(self, row: Any) -> Job | None:
        """
        Return the job of a row, without its times, if it is cached or can be read without running any code.

        It may be asked within a transaction.
        """
        job = self.cached(row.id, row.revision)
        if job is None and type(self.serializer) is JSONSerializer:
            try:
                job = self._read(row, at_hand.loads, at_hand.function)
            except UnreadableJobError:
                return None  # `restore` finds out what it lacks
            self._keep(job, row.revision)
        return job

    def restore(self, row: Any, successor: Job | None = None) -> Job:
        """
        Return a job of its own from a row with all columns.

        Args:
            row: the row.
            successor: the job that is about to take the row's place. The row's own function, which nobody will call, is
                not looked for then: while a module with a decorated function is being imported, that has no name yet,
                and to wait for the module would be to wait for ourselves. Such a row is asked for its schedule.

        Raises:
            UnreadableJobError: that is not possible here.
        """
        job = self.cached(row.id, row.revision)
        if job is None:
            if successor is None:
                job = self._read(row, self._loads, partial(resolve, parameter="func"))
                self._keep(job, row.revision)
            else:
                job = self._read(row, self._loads, lambda _: successor.func, is_leaving=True)
        return self.with_times(job, row)

    def with_times(self, job: Job, row: Any) -> Job:
        """Return a copy of a restored job that has the times of the row."""
        copy = job._copy()
        copy._scheduler, copy._jobstore_alias = self.owner
        copy._next, copy._fire_time, copy._revision = row.next_run_time, row.fire_time, row.revision
        copy.paused = bool(row.paused)
        return copy

    def readable(self, rows: Iterable[Any], logger: logging.Logger) -> list[Job]:
        """Return the jobs of those rows that can be restored here."""
        jobs = []
        for row in rows:
            try:
                jobs.append(self.restore(row))
            except UnreadableJobError as exc:
                self.tell_once(row, exc, logger)
        return jobs

    def stand_in(self, row: Any) -> Job:
        """Return a job that says no more than that there is one with this id."""
        job: Job = Job.__new__(Job)
        job.id = row.id
        job._scheduler, job._jobstore_alias = self.owner
        job._next = job._fire_time = None
        job.paused = False
        return job

    def tell_once(self, row: Any, exc: UnreadableJobError, logger: logging.Logger) -> bool:
        """Log that a row cannot be restored, unless that has been said of this revision."""
        if self._told.get(row.id) == row.revision:
            return False
        self._told[row.id] = row.revision
        logger.error("%s", exc, extra={"action": "job_unreadable", "job_id": row.id})
        return True

    def forget(self) -> None:
        """Read everything anew."""
        self._restored.clear()
        self._told.clear()

    def _read(
        self, row: Any, loads: Callable[..., dict[str, Any]], find: Callable[[str], Any], *, is_leaving: bool = False
    ) -> Job:
        """Return the job of a row, with what reads its document and what finds its function."""

        def function(reference: Any) -> Callable[..., Any]:
            self._check_allowed(reference)
            found: Callable[..., Any] = find(reference)
            return found

        try:
            if self.signer is not None:
                self.signer.check(row.id, row.document, row.signature)
            state = loads(row.document, function)
            if state.get("id") != row.id:
                raise ValueError(f"its document is that of job {state.get('id')!r}")
            state["next_run_time"], state["paused"] = None, False
            job: Job = Job.__new__(Job)
            restore_state(job, state, function(state["func"]))
            if not is_leaving:
                self._check_origin(state["func"], job.func)
        except Exception as exc:
            # A module that raises while it is imported may raise anything, and a document may hold anything.
            raise UnreadableJobError(row.id, exc) from exc
        return job

    def _loads(self, document: str, function: Callable[[Any], object]) -> dict[str, Any]:
        if isinstance(self.serializer, JSONSerializer):
            # The function is imported before its arguments are read: members of Enums ask for a module that is loaded.
            return self.serializer.loads(document, function)
        return self.serializer.loads(document)

    # -- which functions ---------------------------------------------------------------------------------------

    def _check_allowed(self, reference: str) -> None:
        if self.allowed is not None and not _matches(reference, self.allowed):
            raise ValueError(
                f"its function {reference!r} is not among the allowed_functions of this store:"
                f" {', '.join(self.allowed)}"
            )

    def _check_origin(self, reference: str, func: Any) -> None:
        """Refuse what an allowed module has merely imported: ``myapp.jobs:os.system`` and the like."""
        if self.allowed is None:
            return
        module, _, path = reference.partition(":")
        for end in range(1, path.count(".") + 1):
            step = ".".join(path.split(".")[:end])
            if not isinstance(resolve(f"{module}:{step}"), type):
                raise ValueError(f"its function {reference!r} is reached through {step!r}, which is no class")
        home, name = getattr(func, "__module__", None), getattr(func, "__qualname__", None)
        if home is not None and home != module and not _matches(f"{home}:{name}", self.allowed):
            raise ValueError(
                f"its function {reference!r} is really '{home}:{name}', which is not among the allowed_functions of"
                f" this store: {', '.join(self.allowed)}"
            )


def _matches(reference: str, patterns: Iterable[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(reference, pattern) for pattern in patterns)
