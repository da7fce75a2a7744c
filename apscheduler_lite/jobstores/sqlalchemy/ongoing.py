"""What is in progress, in all processes of the table, and which of it is to make room for the next run of its job."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from apscheduler_lite._planning import is_superseded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.runs import Run

    from .schema import Tables

__all__ = ["Ongoing"]


class Ongoing:
    """The runs in progress of one store's tables."""

    def __init__(self, tables: Tables) -> None:
        jobs, runs = tables.jobs.c, tables.runs.c
        ids: Any = bindparam("ids", expanding=True)
        # Reckoned with, or SQLite would look `open_at IS NULL` up in an index of what waits: the whole history.
        self._rows = select(runs.id, runs.job_id, runs.due, runs.claimed).where(
            runs.finished.is_(None), (runs.open_at + 0).is_(None), runs.job_id.in_(ids)
        )
        self._due = select(jobs.id, jobs.next_run_time).where(jobs.id.in_(ids), jobs.next_run_time <= bindparam("now"))

    def of(self, connection: Connection, job_ids: list[str], ended: Container[str] = ()) -> dict[str, list[Any]]:
        """Return the rows of the runs in progress by job, the oldest first, but for those known to have ended."""
        # Asked after the rows were locked: whoever claimed them before has committed its runs by now.
        found: dict[str, list[Any]] = {}
        rows = [row for row in connection.execute(self._rows, {"ids": job_ids}) if row.id not in ended]
        # Put in order here: there are few, and a database would sort them beside its index.
        for row in sorted(rows, key=lambda row: row.claimed or 0):
            found.setdefault(row.job_id, []).append(row)
        return found

    def superseded(self, connection: Connection, runs: Iterable[Run], now: int) -> list[Run]:
        """Return those of our runs that are to make room, since their job is due again and has no slot free."""
        own = {run.id: run for run in runs}
        ids = list({run.job_id for run in own.values()})
        due = {row.id: row.next_run_time for row in connection.execute(self._due, {"ids": ids, "now": now})}
        found: list[Run] = []
        if not due:
            return found
        for job_id, rows in self.of(connection, list(due)).items():
            run = own.get(rows[0].id)  # the oldest one, which may be another process's
            if run is not None and run.job is not None and len(rows) >= run.job.max_instances:
                found += [run] if is_superseded(run, run.job._options, due[job_id]) else []
        return found
