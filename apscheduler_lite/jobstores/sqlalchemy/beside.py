"""
Runs beside the schedule: later attempts, runs that somebody asked for, runs that were given back.

Each has a row that bears from when on it may be taken (`open_at`); whichever process takes it first makes it. It counts
against `max_instances` of its job from then on, and waits while that are in progress. Later attempts wait for the end
of a pause of their job, too.
"""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, exists, select

from apscheduler_lite.runs import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.job import Job

    from .claims import Claims, Work
    from .runs import Records
    from .schema import Tables

__all__ = ["Beside"]


class Beside:
    """The claim of runs beside the schedule, in one store."""

    def __init__(self, tables: Tables, records: Records, claims: Claims) -> None:
        self._records = records
        self._claims = claims
        jobs, runs = tables.jobs.c, tables.runs.c
        is_paused = exists().where(jobs.id == runs.job_id, jobs.paused != 0)
        self._open = (
            select(tables.runs)
            .where(runs.executor == bindparam("executor"), runs.open_at <= bindparam("now"))
            .where(runs.job_id.not_in(bindparam("passed", expanding=True)))
            .where((runs.attempt == 1) | ~is_paused)  # one that was asked for is made all the same
            .order_by(runs.open_at)
            .limit(bindparam("limit", type_=Integer))
        )
        self._is_there = select(jobs.id).where(jobs.id == bindparam("id"))
        self._take = (
            tables.runs.update()
            .where(runs.id == bindparam("b_id"), runs.open_at.is_not(None))
            .values(
                open_at=None,
                scheduler=bindparam("b_scheduler"),
                host=bindparam("b_host"),
                pid=bindparam("b_pid"),
                claimed=bindparam("b_claimed"),
            )
        )

    def take(self, connection: Connection, alias: str, left: int, work: Work) -> int:
        """Take runs that wait for a process: later attempts, runs that were asked for; return how many."""
        taken = 0
        passed = set(self._claims.resting(work.now))
        while work.looks_for_open and taken < left:
            statement = self._open.with_for_update(skip_locked=True) if work.locks else self._open
            limit = left - taken
            values = {"executor": alias, "now": work.now, "limit": limit, "passed": list(passed)}
            rows = connection.execute(statement, values).all()
            free = self._free_slots(connection, {row.job_id for row in rows}, work)
            for row in rows:
                taken += self._take_one_open(connection, row, free, work)
            passed.update(row.job_id for row in rows)  # of one job those that were due first, in one claim
            if len(rows) < limit:
                break
        return taken

    def _free_slots(self, connection: Connection, job_ids: set[str], work: Work) -> dict[str, tuple[Job | None, int]]:
        """Return those of the jobs that nobody has locked, and how many runs they may begin."""
        if not job_ids:
            return {}
        # Locked like due ones, so that no other claim starts runs of them at the same time.
        statement = (
            self._claims.documents_of.with_for_update(skip_locked=True) if work.locks else self._claims.documents_of
        )
        rows = connection.execute(statement, {"ids": list(job_ids)}).all()
        self._claims.expect_restored(rows, work)
        active = self._claims.ongoing.of(connection, [row.id for row in rows], work.ended_ids)
        free: dict[str, tuple[Job | None, int]] = {}
        for row in rows:
            job = self._claims.restored(row, work)
            free[row.id] = (job, 0 if job is None else job.max_instances - len(active.get(row.id, ())))
        return free

    def _take_one_open(
        self, connection: Connection, row: Any, free: dict[str, tuple[Job | None, int]], work: Work
    ) -> int:
        if row.job_id not in free:
            if connection.execute(self._is_there, {"id": row.job_id}).first() is None:
                work.claim.dropped.append(self._records.drop_orphan(connection, row, work.now, work.alias))
            return 0
        job, slots = free[row.job_id]
        if job is None or slots <= 0 or not connection.execute(self._take, work.ownership(row.id)).rowcount:
            return 0
        free[row.job_id] = (job, slots - 1)
        run = Run.of(job, work.alias, row.fire_time, row.due)
        run._id, run.attempt, run.is_extra = row.id, row.attempt, True
        if run.attempt > 1:
            run.ready = row.open_at
        elif row.claimed is None:  # nobody has had it before: it was asked for, and is made however late
            run.grace = None
        work.claim.runs.append(run)
        return 1
