"""
The runs' rows: what is in progress, what waits to be taken, and what has been.

A row is written when a run is claimed (`finished` is NULL) and completed when it has ended. It survives its job, and is
pruned by age. A run that waits for a process to take it, such as one that is run again after a crash, bears `open_at`.
"""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select

from apscheduler_lite._reasons import REMOVED
from apscheduler_lite._slots import is_to_be_set_back
from apscheduler_lite._timezones import UTC
from apscheduler_lite.jobstores._history import begin_of, end_of
from apscheduler_lite.records import RunRecord
from apscheduler_lite.runs import Outcome, Run, exception_name

from .bulk import BulkUpdate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.job import Job

    from .documents import Documents
    from .liveness import Member
    from .schema import Tables

__all__ = ["Records", "new_row"]

PRUNED_AT_ONCE = 1_000
RECENT = 100
"""How many runs of a job, the latest due ones, are looked at for the one that ended last."""


def new_row(run: Run, member: Member | None, now: int) -> dict[str, Any]:
    """Return the row of a run that is claimed by a member, or has been dropped (it bears its outcome then)."""
    job = run.job
    return {
        "id": run.id,
        "job_id": run.job_id,
        "job_name": None if job is None else _storable(begin_of(job.name)),
        "executor": run.executor,
        "scheduler": None if member is None else member.id,
        "host": None if member is None else member.host,
        "pid": None if member is None else member.pid,
        "fire_time": run.fire_time,
        "due": run.due,
        "attempt": run.attempt,
        "rerun": int(job is not None and job._options.on_crash == "rerun"),
        "open_at": None,
        "claimed": now,
        "started": None,
        "finished": run.finished,
        "outcome": run.outcome,
        "reason": _storable(begin_of(run.reason)),
        "exception": None,
        "traceback": None,
    }


def _storable(text: str | None) -> str | None:
    """Return a text that every database takes: without NUL and without half a character."""
    return text if text is None or text.isprintable() else text.replace("\0", "�").encode("utf-8", "replace").decode()


class Records:
    """The statements on the runs of one store."""

    def __init__(self, tables: Tables, documents: Documents, keeps: bool) -> None:
        self._tables = tables
        self.documents = documents
        self.keeps = keeps  # whether there is a history at all
        runs = tables.runs.c
        jobs = tables.jobs
        names = ("started", "finished", "outcome", "reason", "exception", "traceback")
        # By the outcome, which no index knows, and not by `finished`: PostgreSQL would read all that is in progress.
        self.ending = BulkUpdate(tables.runs, names, runs.outcome.is_(None))
        self._drop = tables.runs.delete().where(runs.id.in_(bindparam("ids", expanding=True)))
        # A finished job stays until its last run has ended, for that may have to be run again.
        self._drop_jobs = jobs.delete().where(
            jobs.c.id.in_(bindparam("ids", expanding=True)),
            jobs.c.next_run_time.is_(None),
            jobs.c.paused == 0,
            ~exists().where(runs.job_id == jobs.c.id, runs.finished.is_(None)),
        )

    # -- what is in progress -----------------------------------------------------------------------------------

    def end(self, connection: Connection, ended: Sequence[Run], now: int) -> None:
        """Write how runs ended, as far as they are still in progress for the others."""
        self.open_following(connection, ended)
        if self.keeps:
            self.ending.execute(connection, self.outcomes(ended, now))
        self.clear(connection, ended)

    def open_following(self, connection: Connection, ended: Sequence[Run]) -> None:
        """
        Let any process take the next attempts at runs that have failed.

        Only of those that are still in progress for the others: where they were settled as interrupted, or their end
        has been written by a commit that broke off, that has been done.
        """
        failed = {run.id: run for run in ended if run.next_attempt is not None}
        if not failed:
            return
        runs = self._tables.runs
        statement = select(runs.c.id).where(runs.c.id.in_(list(failed)), runs.c.outcome.is_(None))
        following = [self._following(failed[run_id]) for (run_id,) in connection.execute(statement).all()]
        if following:
            connection.execute(runs.insert(), following)

    def outcomes(self, ended: Sequence[Run], now: int) -> list[dict[str, Any]]:
        """Return what `ending` writes of runs that have ended: nothing where there is no history."""
        return [self._outcome(run, now) for run in ended] if self.keeps else []

    def clear(self, connection: Connection, ended: Sequence[Run]) -> None:
        """Delete what is of no use any more after the end of runs: they themselves, or jobs of which they were last."""
        if not self.keeps and ended:
            connection.execute(self._drop, {"ids": [run.id for run in ended]})
        last = {
            run.job_id
            for run in ended
            if run.job is None or run.job._next is None or run.job._options.max_instances > 1
        }
        if last:
            self.drop_finished_jobs(connection, last)

    @staticmethod
    def _outcome(run: Run, now: int) -> dict[str, Any]:
        return {
            "b_id": run.id,
            "b_started": run.started,
            "b_finished": run.finished or now,
            "b_outcome": run.outcome or Outcome.ERROR,
            "b_reason": _storable(begin_of(run.reason)),
            "b_exception": None if run.exception is None else exception_name(run.exception),
            "b_traceback": _storable(end_of(run.traceback)),
        }

    @staticmethod
    def _following(run: Run) -> dict[str, Any]:
        """Return the row of the next attempt at a run, which any process may take when its time has come."""
        return {**new_row(run.following(), None, 0), "claimed": None, "open_at": run.next_attempt}

    def open(self, connection: Connection, wanted: Sequence[tuple[Job, str]], now: int) -> None:
        """Let any process take runs of jobs beside their schedules."""
        rows = [
            {**new_row(Run.of(job, "", now, now, UTC), None, 0), "id": run_id, "claimed": None, "open_at": now}
            for job, run_id in wanted
        ]
        connection.execute(self._tables.runs.insert(), rows)

    def drop_open(self, connection: Connection, job_id: str | None, now: int, alias: str) -> list[Run]:
        """Record as skipped the runs that wait of a job that was removed, or of all; return them."""
        runs = self._tables.runs
        statement = select(runs).where(runs.c.open_at.is_not(None)).with_for_update()
        if job_id is not None:
            statement = statement.where(runs.c.job_id == job_id)
        rows = connection.execute(statement).all()
        return [self.drop_orphan(connection, row, now, alias) for row in rows]

    def drop_orphan(self, connection: Connection, row: Any, now: int, alias: str) -> Run:
        """Record as skipped a run whose job was removed; return it."""
        runs = self._tables.runs
        if self.keeps:
            ended = {"open_at": None, "finished": now, "outcome": Outcome.SKIPPED, "reason": REMOVED}
            connection.execute(runs.update().where(runs.c.id == row.id).values(**ended))
        else:
            connection.execute(self._drop, {"ids": [row.id]})
        run = self.recorded(row, alias)
        run.outcome, run.reason, run.finished = Outcome.SKIPPED, REMOVED, now
        return run

    def drop_finished_jobs(self, connection: Connection, job_ids: Iterable[str]) -> None:
        """Delete those of the jobs whose schedule is over and whose last run has ended."""
        connection.execute(self._drop_jobs, {"ids": list(job_ids)})

    def release(self, connection: Connection, run: Run, now: int, open_at: int) -> None:
        """
        Let go of a run that could not be handed to its executor: its job becomes due again, or else the run waits.

        A job that was removed, paused or given another trigger since stays as it is; the run is recorded as skipped.
        """
        jobs, runs = self._tables.jobs, self._tables.runs
        row = connection.execute(select(jobs).where(jobs.c.id == run.job_id).with_for_update()).first()
        if row is not None and run.is_extra:
            self.give_back(connection, run.id, open_at)
        elif row is None or not self._is_as_before(row, run):
            reason = "skipped: no executor took it, and its job was removed, paused or rescheduled before the next try"
            connection.execute(
                runs.update().where(runs.c.id == run.id).values(finished=now, outcome=Outcome.SKIPPED, reason=reason)
            )
        elif run.is_newest:
            connection.execute(
                jobs.update()
                .where(jobs.c.id == run.job_id)
                .values(next_run_time=run.due, fire_time=None if run.fire_time == run.due else run.fire_time)
            )
            connection.execute(self._drop, {"ids": [run.id]})
        else:
            self.give_back(connection, run.id, open_at)

    def _is_as_before(self, row: Any, run: Run) -> bool:
        """Return whether a row still has the schedule that a run of it was claimed from."""
        if run.job is None or row.paused:
            return False
        if row.revision == run.job._revision:
            return True
        try:
            return is_to_be_set_back(self.documents.restore(row), run)
        except LookupError:
            return False

    def give_back(self, connection: Connection, run_id: str, open_at: int) -> None:
        """Let any process take a run that was claimed but has not begun."""
        runs = self._tables.runs
        connection.execute(
            runs.update()
            .where(runs.c.id == run_id, runs.c.finished.is_(None))
            .values(scheduler=None, host=None, pid=None, open_at=open_at)
        )

    def reopen_unknown(self, connection: Connection, member_id: str, known: Iterable[str], now: int) -> int:
        """Let any process take what a member has claimed without its knowing: the commit broke off, yet took place."""
        runs = self._tables.runs
        statement = select(runs.c.id).where(runs.c.scheduler == member_id, runs.c.finished.is_(None))
        unknown = [found for (found,) in connection.execute(statement) if found not in set(known)]
        for run_id in unknown:
            self.give_back(connection, run_id, now)
        return len(unknown)

    # -- history -----------------------------------------------------------------------------------------------

    def find(
        self, connection: Connection, alias: str, job_id: str | None, outcome: str | None, since: int | None, limit: int
    ) -> list[RunRecord]:
        """Return records of runs, the latest due first."""
        runs = self._tables.runs
        statement = select(runs).order_by(runs.c.due.desc(), runs.c.attempt.desc(), runs.c.claimed.desc()).limit(limit)
        if job_id is not None:
            statement = statement.where(runs.c.job_id == job_id)
        if outcome is not None:
            statement = statement.where(runs.c.outcome == outcome)
        if since is not None:
            statement = statement.where(runs.c.due >= since)
        return [self._record(row, alias) for row in connection.execute(statement)]

    def last(self, connection: Connection, alias: str, job_id: str) -> RunRecord | None:
        """Return the record of the run of a job that ended last, or None."""
        runs = self._tables.runs
        # Among those that were due last: there is an index for that, and not for the end.
        recent = select(runs.c.id, runs.c.finished).where(runs.c.job_id == job_id, runs.c.finished.is_not(None))
        last = recent.order_by(runs.c.due.desc()).limit(RECENT).subquery()
        statement = select(runs).join(last, runs.c.id == last.c.id).order_by(last.c.finished.desc()).limit(1)
        row = connection.execute(statement).first()
        return None if row is None else self._record(row, alias)

    def _record(self, row: Any, alias: str) -> RunRecord:
        scheduler, _ = self.documents.owner
        return RunRecord(
            row.id,
            row.job_id,
            row.job_name,
            alias,
            row.executor,
            row.fire_time,
            row.due,
            row.attempt,
            row.outcome,
            row.reason,
            row.open_at,
            row.started,
            row.finished,
            row.exception,
            row.traceback,
            row.host,
            row.pid,
            getattr(scheduler, "timezone", None),
        )

    @staticmethod
    def recorded(row: Any, alias: str) -> Run:
        """Return the run that a row tells of."""
        run = Run.recorded(row.id, row.job_id, alias, row.executor, row.fire_time, row.due)
        run.attempt, run.outcome, run.reason = row.attempt, row.outcome, row.reason
        run.started, run.finished, run.traceback = row.started, row.finished, row.traceback
        run.job_name, run.host, run.pid = row.job_name, row.host, row.pid
        return run

    def prune(self, connection: Connection, before: int) -> int:
        """Delete some runs that ended before the instant; return how many: fewer than a batch are the last."""
        runs = self._tables.runs
        statement = select(runs.c.id).where(runs.c.finished < before).limit(PRUNED_AT_ONCE)
        ids = list(connection.execute(statement).scalars())
        if ids:
            connection.execute(self._drop, {"ids": ids})
        return len(ids)
