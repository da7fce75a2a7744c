"""
The jobs' rows: finding, adding, changing and removing them.

A job whose schedule is over stays in the table until its last run has ended, but is not there for anybody who asks; a
new job may take its id.

Changes compare the row's revision with the one that they were decided on. Who finds another one decides again, so that
no change of another process is overwritten; and a change leaves the next run time alone unless that is what it changes,
so that a claim in between is not undone.
"""

from __future__ import annotations

import logging
import re

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from apscheduler_lite.errors import ConflictingIdError, JobLookupError, UnreadableJobError

from .bulk import BulkInsert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import Decide, Settle

    from .databases import Database
    from .documents import Documents
    from .notices import Notices
    from .schema import Tables

    Definition = Mapping[str, Any]

__all__ = ["JobRows", "refuse_taken"]

ATTEMPTS = 5
"""How often a job is added whose row another process adds or changes in the same moment."""

CHUNK = 500
"""How many ids one statement names, and how many rows a page has."""

_TIMES = ("_next", "_fire_time")
_NONE_CHECKED: Mapping[str, Definition] = {}
_RANDOM = re.compile("[0-9a-f]{32}")


class JobRows:
    """The jobs of one store."""

    logger = logging.getLogger("apscheduler_lite.jobstores")

    def __init__(self, database: Database, tables: Tables, documents: Documents, notices: Notices) -> None:
        self._database = database
        self._table = tables.jobs
        self._documents = documents
        self._tell_others = notices.send
        jobs = tables.jobs.c
        self._is_visible = jobs.next_run_time.is_not(None) | (jobs.paused != 0)
        self._insert_one = tables.jobs.insert()
        given = {column.name: bindparam(f"new_{column.name}", type_=column.type) for column in jobs}
        self._insert_and_tell = notices.sent_with(tables.jobs.insert().values(given).returning(jobs.id))
        self._insert_many = BulkInsert(tables.jobs, [each.name for each in tables.jobs.columns])
        self._by_ids = select(tables.jobs).where(jobs.id.in_(bindparam("ids", expanding=True)))

    # -- looking -----------------------------------------------------------------------------------------------

    def lookup(self, job_id: str) -> Job | None:
        """Return a job, or None when there is none that can be restored."""
        found = self._restored(select(self._table).where(self._table.c.id == job_id, self._is_visible))
        return found[0] if found else None

    def due(self, now: int) -> list[Job]:
        """Return the jobs that are due, earliest first."""
        jobs = self._table.c
        return self._restored(
            select(self._table).where(jobs.next_run_time <= now).order_by(jobs.next_run_time, jobs.id)
        )

    def all(self) -> list[Job]:
        """Return all jobs that can be restored, earliest next run time first and those without one last."""
        found = self._restored(select(self._table).where(self._is_visible))
        return sorted(found, key=lambda job: (job._next is None, job._next or 0, job.id))

    def later(self, instant: int) -> Iterator[Job]:
        """Yield the jobs that are due later than an instant; no more than a few are held at the same time."""
        jobs = self._table.c
        page = select(self._table).where(jobs.next_run_time > instant).order_by(jobs.id).limit(CHUNK)
        statement = page
        while True:
            rows = self._database.read(_fetch, statement)
            yield from self._documents.readable(rows, self.logger)
            if len(rows) < CHUNK:
                return
            statement = page.where(jobs.id > rows[-1].id)

    def _restored(self, statement: Any) -> list[Job]:
        rows = self._database.read(_fetch, statement)
        return self._documents.readable(rows, self.logger)

    # -- adding ------------------------------------------------------------------------------------------------

    def insert(self, job: Job) -> None:
        """Add one job whose id is most probably free: its insertion finds out."""
        row = self._documents.row_of(job)
        try:
            self._insert(row)
        except IntegrityError:
            self.put([job], refuse_taken)
        else:
            self._documents.remember(job, row["revision"])

    def _insert(self, row: dict[str, Any]) -> None:
        if self._database.has_autocommit:
            self._database.write_alone(self._insert_and_tell, {f"new_{name}": each for name, each in row.items()})
        else:
            self._database.write(self._insert_within, row)

    def _insert_within(self, connection: Connection, row: dict[str, Any]) -> None:
        connection.execute(self._insert_one, row)
        self._tell_others(connection)

    def put(self, jobs: Sequence[Job], settle: Settle, checked: Mapping[str, Definition] = _NONE_CHECKED) -> None:
        """
        Add or replace jobs in one transaction, as `BaseJobStore.add_jobs` says.

        Args:
            jobs: the jobs.
            settle: what is asked about each.
            checked: by id, the definitions of those that `check` was called for.
        """
        unreadable: list[tuple[Any, UnreadableJobError]] = []
        # Nobody else has an id that was drawn at random, so nobody is asked for one that looks so.
        ids = [job.id for job in jobs if not _RANDOM.fullmatch(job.id)]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                added = self._database.write(self._put, jobs, settle, checked, ids, unreadable)
            except IntegrityError:
                # Another process has added or changed one of them since we looked; now it is there to be seen.
                if attempt == ATTEMPTS:
                    raise
                ids = [job.id for job in jobs]
            else:
                for job, revision in added:
                    self._documents.remember(job, revision)
                return
            finally:
                self._tell_of(unreadable)

    def check(self, job: Job, settle: Settle) -> Definition | None:
        """Find out what `put` would, and write nothing; return what it will write, None when nothing."""
        row = None if _RANDOM.fullmatch(job.id) else self._row(job.id)
        unreadable: list[tuple[Any, UnreadableJobError]] = []
        is_wanted = settle(job, self._present_job(row, job, unreadable) if _is_there(row) else None)
        self._tell_of(unreadable)
        return self._documents.definition_of(job) if is_wanted else None

    def holds(self, job: Job) -> bool:
        """Return whether the job is stored, as it is."""
        row, wanted = self._row(job.id), self._documents.definition_of(job)
        return row is not None and all(getattr(row, name) == value for name, value in wanted.items())

    def _put(
        self,
        connection: Connection,
        jobs: Sequence[Job],
        settle: Settle,
        checked: Mapping[str, Definition],
        ids: list[str],
        unreadable: list[tuple[Any, UnreadableJobError]],
    ) -> list[tuple[Job, int]]:
        """Add or replace jobs, those with the ids perhaps stored; return those added, with their revisions."""
        present = self._rows(connection, ids, locks=True)
        new: list[dict[str, Any]] = []
        added = []
        for job in jobs:
            row = present.get(job.id)
            is_wanted = settle(job, self._present_job(row, job, unreadable) if _is_there(row) else None)
            if row is None:
                if is_wanted:
                    new.append(self._documents.row_of(job, checked.get(job.id)))
                    added.append((job, new[-1]["revision"]))
            elif is_wanted:
                self._replace(connection, row, self._documents.row_of(job))
            elif _is_there(row):
                connection.execute(delete(self._table).where(self._table.c.id == job.id))
        if new:
            self._insert_many.execute(connection, new)
        self._tell_others(connection)
        return added

    def _row(self, job_id: str) -> Any:
        return self._database.read(self._rows, [job_id]).get(job_id)

    def _rows(self, connection: Connection, ids: list[str], *, locks: bool = False) -> dict[str, Any]:
        """Return the rows with those ids."""
        found: dict[str, Any] = {}
        statement = self._by_ids.with_for_update() if locks else self._by_ids
        for begin in range(0, len(ids), CHUNK):
            rows = connection.execute(statement, {"ids": ids[begin : begin + CHUNK]})
            found.update((row.id, row) for row in rows)
        return found

    def _present_job(self, row: Any, successor: Job, unreadable: list[tuple[Any, UnreadableJobError]]) -> Job:
        """Return the job of a row, or one with nothing but its id where it cannot be restored: it can be replaced."""
        try:
            return self._documents.restore(row, successor)
        except UnreadableJobError as exc:
            unreadable.append((row, exc))
            return self._documents.stand_in(row)

    def _tell_of(self, unreadable: list[tuple[Any, UnreadableJobError]]) -> None:
        for row, exc in unreadable:
            self._documents.tell_once(row, exc, self.logger)

    def _replace(self, connection: Connection, row: Any, values: Mapping[str, Any]) -> None:
        """Write what is different of a row; the same job added at each start costs no write."""
        changed = {name: value for name, value in values.items() if name != "revision" and getattr(row, name) != value}
        if not changed.keys() - {"backlog"}:
            return
        statement = (
            update(self._table)
            .where(self._table.c.id == row.id, self._table.c.revision == row.revision)
            .values(revision=row.revision + 1, **changed)
        )
        if connection.execute(statement).rowcount != 1:
            raise IntegrityError("the row was changed meanwhile", None, LookupError(row.id))

    # -- changing ----------------------------------------------------------------------------------------------

    def update(self, job: Job) -> None:
        """Replace a job."""
        self._database.write(self._update, job)

    def _update(self, connection: Connection, job: Job) -> None:
        row = self._rows(connection, [job.id], locks=True).get(job.id)
        if not _is_there(row):
            raise JobLookupError(job.id)
        self._replace(connection, row, self._documents.row_of(job))
        self._tell_others(connection)

    def change(self, job_id: str, decide: Decide) -> Job:
        """Change a job by what `decide` makes of it, as `BaseJobStore.change_job` says."""
        while True:
            job = self.lookup(job_id)
            if job is None:
                raise JobLookupError(job_id)
            slots = decide(job)
            if not slots:
                return job
            changed = job._copy()
            changed._assign(slots)
            if self._database.write(self._change, job, changed, slots):
                changed._revision = job._revision + 1
                return changed

    def _change(self, connection: Connection, job: Job, changed: Job, slots: Mapping[str, Any]) -> bool:
        """Write a change, if the job is still the one that it was decided on; return whether it is."""
        values: dict[str, Any] = {"revision": job._revision + 1}
        if any(name in slots for name in _TIMES):
            values.update(self._documents.times_of(changed))
        if "paused" in slots:
            values["paused"] = int(changed.paused)
        if any(name not in (*_TIMES, "paused") for name in slots):
            values.update(self._documents.definition_of(changed))
        statement = (
            update(self._table)
            .where(self._table.c.id == job.id, self._table.c.revision == job._revision)
            .values(**values)
        )
        if connection.execute(statement).rowcount != 1:
            return False
        self._tell_others(connection)
        return True

    # -- removing ----------------------------------------------------------------------------------------------

    def remove(self, job_id: str) -> None:
        """Remove a job, whether or not it can be restored."""
        statement = delete(self._table).where(self._table.c.id == job_id, self._is_visible)
        if self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise JobLookupError(job_id)

    def remove_all(self) -> None:
        """Remove every job."""
        self._database.write(lambda connection: connection.execute(delete(self._table)))


def _fetch(connection: Connection, statement: Any) -> Sequence[Any]:
    return connection.execute(statement).all()


def refuse_taken(job: Job, before: Job | None) -> bool:
    """Settle that a job is added only where its id is free."""
    if before is not None:
        raise ConflictingIdError(job.id)
    return True


def _is_there(row: Any) -> bool:
    """Return whether there is a row that people see: one whose schedule is over is there for its last run only."""
    return row is not None and (row.next_run_time is not None or bool(row.paused))
