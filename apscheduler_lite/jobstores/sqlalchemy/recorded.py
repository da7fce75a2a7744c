"""The part of the store that is about runs as rows: records of them, and runs beside the schedule."""

from __future__ import annotations

from apscheduler_lite.jobstores.base import BaseJobStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores._bookkeeping import Bookkeeping
    from apscheduler_lite.records import RunRecord
    from apscheduler_lite.runs import Run

    from .databases import Database
    from .keeper import Keeper
    from .notices import Notices
    from .runs import Records

__all__ = ["RecordedRuns"]


class RecordedRuns(BaseJobStore):
    """A store whose runs are rows."""

    _database: Database
    _keeper: Keeper | None
    _notices: Notices
    _records: Records
    _own_books: Bookkeeping
    _has_open: bool

    def _ready(self) -> Any:
        raise NotImplementedError

    def open_runs(self, wanted: Sequence[tuple[Job, str]], now: int) -> None:
        self._ready()
        self._database.write(self._open_runs, wanted, now)
        self._has_open = True

    def _open_runs(self, connection: Connection, wanted: Sequence[tuple[Job, str]], now: int) -> None:
        self._records.open(connection, wanted, now)
        self._notices.send(connection)

    def drop_runs(self, job_id: str | None, now: int) -> list[Run]:
        self._ready()
        return self._database.write(self._records.drop_open, job_id, now, self._alias or "")

    def get_runs(
        self, job_id: str | None = None, outcome: str | None = None, since: int | None = None, limit: int = 100
    ) -> list[RunRecord]:
        self._ready()
        return self._database.read(self._records.find, self._alias or "", job_id, outcome, since, limit)

    def last_run(self, job_id: str) -> RunRecord | None:
        self._ready()
        return self._database.read(self._records.last, self._alias or "", job_id)

    def note_downtime(self, begin: int, end: int) -> None:
        # While others ran the jobs it was none.
        if self._keeper is not None and self._keeper.is_alone:
            self._own_books.down = (begin, end)
