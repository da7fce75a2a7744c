"""What becomes of the runs of a process that is dead: interrupted, run again, or taken over by another one."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import select

from apscheduler_lite.runs import Outcome, Run

from .liveness import bury

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.job import Job

    from .liveness import Member
    from .runs import Records
    from .schema import Tables

__all__ = ["ATTEMPTS", "Aftermath", "Settled"]

ATTEMPTS = 10
"""How often a run is begun at the most whose process dies each time: it may be what kills them."""


def _given_up(reason: str) -> str:
    return f"{reason}; so did the others, {ATTEMPTS} in all, that had begun it, and it is not run again"


class Settled(NamedTuple):
    """What has become of the runs of a process that is dead, and the rows of their jobs, not yet restored."""

    interrupted: list[Run]
    taken_over: list[Run]
    jobs: dict[str, Any]


def _of_job(record: Run, job: Job) -> Run:
    """Return the run that a record tells of as a run of its job, which can be made."""
    run = Run.of(job, record.jobstore, record.fire_time, record.due)
    run._id, run.attempt, run.executor = record.id, record.attempt, record.executor
    return run


class Aftermath:
    """The statements on the runs of dead processes."""

    def __init__(self, tables: Tables, records: Records) -> None:
        self._tables = tables
        self._records = records

    def settle(
        self, connection: Connection, dead: Any, member: Member, adopts: Callable[[str], bool], now: int, alias: str
    ) -> Settled | None:
        """
        Settle the runs of a process that is dead; return them, or None when another process was faster.

        Those that may go on in an engine, by what `adopts` says of their executor, become the member's. The others
        become interrupted; those that are to be run again get a row of their own that any process may take, until they
        have been begun as often as may be.
        """
        if not bury(connection, self._tables, dead):
            return None
        runs = self._tables.runs
        rows = connection.execute(
            select(runs).where(runs.c.finished.is_(None), runs.c.scheduler == dead.id).order_by(runs.c.due)
        ).all()
        cut = [row for row in rows if not adopts(row.executor)]
        reason = f"interrupted: its process (pid {dead.pid} on {dead.host}) ended or was silent for too long"
        left = [row for row in rows if row not in cut]
        stored = self._job_rows(connection, rows)
        self._take_over(connection, left, member)
        interrupted = self._interrupt(connection, cut, stored, reason, now, alias)
        return Settled(interrupted, [self._records.recorded(row, alias) for row in left], stored)

    def interrupt(self, connection: Connection, run_ids: Iterable[str], reason: str, now: int, alias: str) -> Settled:
        """Settle runs in progress that no one will end any more, and return them."""
        runs = self._tables.runs
        rows = connection.execute(select(runs).where(runs.c.finished.is_(None), runs.c.id.in_(run_ids))).all()
        stored = self._job_rows(connection, rows)
        return Settled(self._interrupt(connection, rows, stored, reason, now, alias), [], stored)

    def with_jobs(self, settled: Settled) -> Settled:
        """
        Give settled runs their jobs, where these can be restored.

        Not within the transaction: to restore a job imports a module, which may take its time, and may add jobs itself.
        """
        jobs: dict[str, Any] = {}
        for row in settled.jobs.values():
            with suppress(LookupError):
                jobs[row.id] = self._records.documents.restore(row)
        for run in settled.interrupted:
            run.job = jobs.get(run.job_id)
        taken = [_of_job(run, jobs[run.job_id]) if run.job_id in jobs else run for run in settled.taken_over]
        return settled._replace(taken_over=taken)

    def _take_over(self, connection: Connection, rows: Sequence[Any], member: Member) -> None:
        """Make the runs of rows a member's own."""
        if rows:
            runs = self._tables.runs
            connection.execute(
                runs.update()
                .where(runs.c.id.in_([row.id for row in rows]))
                .values(scheduler=member.id, host=member.host, pid=member.pid)
            )

    def _interrupt(
        self,
        connection: Connection,
        rows: Sequence[Any],
        stored: Collection[str],
        reason: str,
        now: int,
        alias: str,
    ) -> list[Run]:
        if not rows:
            return []
        runs = self._tables.runs
        ids = [row.id for row in rows]
        connection.execute(
            runs.update().where(runs.c.id.in_(ids)).values(finished=now, outcome=Outcome.INTERRUPTED, reason=reason)
        )
        given_up = [row.id for row in rows if row.rerun and row.attempt >= ATTEMPTS]
        if given_up:
            connection.execute(runs.update().where(runs.c.id.in_(given_up)).values(reason=_given_up(reason)))
        again = [
            self._next_attempt(row, now)
            for row in rows
            if row.rerun and row.job_id in stored and row.attempt < ATTEMPTS
        ]
        if again:
            connection.execute(runs.insert(), again)
        self._records.drop_finished_jobs(connection, {row.job_id for row in rows})
        if not self._records.keeps:
            connection.execute(runs.delete().where(runs.c.id.in_(ids)))
        interrupted = []
        for row in rows:
            run = self._records.recorded(row, alias)
            run.outcome, run.finished = Outcome.INTERRUPTED, now
            run.reason = _given_up(reason) if row.id in given_up else reason
            interrupted.append(run)
        return interrupted

    def _job_rows(self, connection: Connection, rows: Sequence[Any]) -> dict[str, Any]:
        """Return the rows of the jobs of which these are runs, by their ids."""
        jobs = self._tables.jobs
        ids = {row.job_id for row in rows}
        return {row.id: row for row in connection.execute(select(jobs).where(jobs.c.id.in_(ids)))} if ids else {}

    @staticmethod
    def _next_attempt(row: Any, now: int) -> dict[str, Any]:
        again = dict(row._mapping)
        again.update(
            id=Run.new_id(), attempt=row.attempt + 1, open_at=now, scheduler=None, host=None, pid=None, claimed=None
        )
        return again
