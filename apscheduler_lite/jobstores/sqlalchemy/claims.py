"""
The claim: one transaction that advances what is due and writes its runs.

    lock some due rows  →  plan each  →  advance them, insert their runs, end those that have ended  →  commit

Whoever commits owns the runs. Rows that another process has locked are being claimed by it and are passed over (``FOR
UPDATE SKIP LOCKED``); SQLite has one writer at a time anyway. Other databases advance each row by comparing it with
what was read: who comes second finds it changed.

A job that this process has not restored yet is restored within the transaction where that runs no code (`at_hand`),
else between two attempts at it: importing a module of the application may take its time, and may add jobs itself.

No more is taken than can be started at once, executor by executor: what stays due can be taken by every other process,
and is not lost by a crash.
"""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, func, select

from apscheduler_lite._planning import Slot, plan
from apscheduler_lite._reasons import reason_of_missed
from apscheduler_lite.errors import UnreadableJobError
from apscheduler_lite.jobstores._claim import Claim, JobFault, UnknownExecutorError
from apscheduler_lite.runs import Outcome, Run

from .beside import Beside
from .bulk import BulkInsert, BulkUpdate, Together
from .ongoing import Ongoing
from .runs import new_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores._bookkeeping import Bookkeeping

    from .documents import Documents
    from .liveness import Member
    from .runs import Records
    from .schema import Tables

    Earliest = tuple[int | None, int | None]
    Restored = dict[tuple[str, int], Job | None]  # by id and revision; None where that was not possible

__all__ = ["Claims", "UnrestoredRows", "Work"]

BATCH = 1_000
"""How many rows one transaction takes of an executor that sets no limit."""

RESTING_LISTED = 10_000
"""How many jobs that rest after a fault are named to the database, so that it passes them over."""

STRAYS_TOLD = 100
"""How many jobs of an executor that this scheduler does not have are told of one by one."""


class Claims:
    """The claims of one store."""

    def __init__(self, tables: Tables, documents: Documents, books: Bookkeeping, records: Records) -> None:
        self._tables = tables
        self._records = records
        self._beside = Beside(tables, records, self)
        self._documents = documents
        self._books = books
        self._unreadable: dict[str, int] = {}  # id → revision of rows whose fault has been told of
        self._strays: set[str] = set()  # ids of jobs whose missing executor has been told of
        self._looks: dict[int, Any] = {}
        jobs = tables.jobs.c
        self._due = (
            select(jobs.id, jobs.next_run_time, jobs.fire_time, jobs.backlog, jobs.revision, jobs.paused)
            .where(jobs.executor == bindparam("executor"), jobs.next_run_time <= bindparam("now"))
            .order_by(jobs.next_run_time)
            .limit(bindparam("limit", type_=Integer))
        )
        self._due_but_resting = self._due.where(jobs.id.not_in(bindparam("resting", expanding=True)))
        self.documents_of = select(tables.jobs).where(jobs.id.in_(bindparam("ids", expanding=True)))
        self.ongoing = Ongoing(tables)
        advance = BulkUpdate(tables.jobs, ("next_run_time", "fire_time", "backlog"))
        self._advance_if_same = advance.plain.where(
            jobs.next_run_time == bindparam("b_due"), jobs.revision == bindparam("b_revision")
        )
        insert_runs = BulkInsert(tables.runs, [each.name for each in tables.runs.columns])
        self._end_advance_insert = Together(records.ending, advance, insert_runs)

    # -- looking -----------------------------------------------------------------------------------------------

    def earliest(self, connection: Connection, executors: Iterable[str], after: int | None = None) -> Earliest:
        """Return when the first job of these executors is due, and the first open run, by one look at the indexes."""
        names = list(executors)
        values: dict[str, Any] = {f"e{number}": name for number, name in enumerate(names)}
        if after is not None:
            values["after"] = after
        *due, open_at = connection.execute(self._look(len(names), after is not None), values).one()
        return min((instant for instant in due if instant is not None), default=None), open_at

    def _look(self, count: int, is_bounded: bool) -> Any:
        key = -1 - count if is_bounded else count
        if key not in self._looks:
            jobs, runs = self._tables.jobs.c, self._tables.runs.c
            parts = []
            for number in range(count):
                part = select(func.min(jobs.next_run_time)).where(jobs.executor == bindparam(f"e{number}"))
                parts.append(part.where(jobs.next_run_time > bindparam("after")) if is_bounded else part)
            # The condition is that of the index.
            is_open = runs.open_at > bindparam("after") if is_bounded else runs.open_at.is_not(None)
            parts.append(select(func.min(runs.open_at)).where(is_open))
            self._looks[key] = select(*(part.scalar_subquery().label(f"m{n}") for n, part in enumerate(parts)))
        return self._looks[key]

    def earliest_of_all(self, connection: Connection) -> int | None:
        """Return when the first job of all is due."""
        names = self.executors(connection)
        return self.earliest(connection, names)[0] if names else None

    def executors(self, connection: Connection) -> list[str]:
        """Return the executors that jobs name: a jump along the index for each, however many jobs there are."""
        jobs = self._tables.jobs.c
        found: list[str] = []
        last: str | None = connection.execute(select(func.min(jobs.executor))).scalar()
        while last is not None and len(found) < 1_000:
            found.append(last)
            last = connection.execute(select(func.min(jobs.executor)).where(jobs.executor > last)).scalar()
        return found

    def strays(self, connection: Connection, now: int, known: Mapping[str, int | None]) -> list[Any]:
        """Return the rows of due jobs that name an executor which this scheduler does not have, each job once."""
        jobs = self._tables.jobs.c
        rows: list[Any] = []
        for alias in self.executors(connection):
            if alias not in known:
                statement = select(self._tables.jobs).where(jobs.executor == alias, jobs.next_run_time <= now)
                rows += connection.execute(statement.order_by(jobs.next_run_time).limit(STRAYS_TOLD))
        return [row for row in rows if row.id not in self._strays]

    def stray_faults(self, rows: list[Any], known: Iterable[str]) -> Iterator[JobFault]:
        """Yield what is to be told of such jobs."""
        for row in rows:
            self._strays.add(row.id)
            job = next(iter(self._documents.readable([row], self.logger)), None)
            yield JobFault(job, row.id, UnknownExecutorError(row.executor, list(known)), 60.0)

    logger: Any = None

    # -- taking ------------------------------------------------------------------------------------------------

    def take(self, connection: Connection, work: Work) -> None:
        """Claim what is due and can be started, and write down what has ended."""
        work.down = self._books.down
        self._records.open_following(connection, work.ended)  # they may be taken at once
        for alias, free in work.capacity.items():
            left = BATCH if free is None else free
            left -= self._beside.take(connection, alias, left, work)
            seen = set(self.resting(work.now))
            while left > 0:
                rows = self._due_rows(connection, alias, left, seen, work)
                seen.update(row.id for row in rows)
                is_all = len(rows) < left
                left -= self._take_due(connection, rows, left, work)
                if is_all:
                    work.drained.append(alias)
                    break
            else:
                work.has_more = True
        work.write(connection, self)

    def resting(self, now: int) -> list[str]:
        """Return the ids of the jobs that rest after a fault."""
        if not self._books.retries:
            return []
        with self._books.lock:
            resting = [job_id for job_id in list(self._books.retries) if self._books.is_deferred(job_id, now)]
        return resting[:RESTING_LISTED]

    def _due_rows(self, connection: Connection, alias: str, limit: int, seen: set[str], work: Work) -> list[Any]:
        statement = self._due_but_resting if seen else self._due
        if work.locks:
            statement = statement.with_for_update(skip_locked=True)
        values: dict[str, Any] = {"executor": alias, "now": work.now, "limit": limit}
        if seen:
            values["resting"] = list(seen)
        return list(connection.execute(statement, values).all())

    def _take_due(self, connection: Connection, rows: list[Any], left: int, work: Work) -> int:
        """Plan the rows; return how many runs were claimed."""
        if not rows:
            return 0
        jobs = self._jobs_of(connection, rows, work)
        active = self.ongoing.of(connection, [row.id for row in rows], work.ended_ids)
        taken = 0
        for row in (each for each in rows if each.id in jobs):
            job, ongoing = jobs[row.id], active.get(row.id, [])
            slot = Slot(row.next_run_time if row.fire_time is None else row.fire_time, row.next_run_time)
            try:
                made = plan(job.trigger, slot, work.now, job._options, len(ongoing), row.backlog, self._books.up_since)
            except Exception as exc:
                work.claim.faults.append(JobFault(job, row.id, exc, self._books.defer(row.id, work.now)))
                continue
            self._books.failures.pop(row.id, None)
            if made.waits:
                if made.backlog != row.backlog:
                    self._advance_row(connection, row, made, work)
                continue
            if len(made.runs) > left - taken:
                keep = left - taken
                if keep == 0 and not made.missed:
                    continue
                made.cut(keep, work.now)
            if self._advance_row(connection, row, made, work):
                taken += len(made.runs)
                work.add(job, made, ongoing)
        return taken

    def _advance_row(self, connection: Connection, row: Any, made: Plan, work: Work) -> bool:
        following = made.next
        values = {
            "b_id": row.id,
            "b_next_run_time": None if following is None else following.due,
            "b_fire_time": None if following is None or following.fire_time == following.due else following.fire_time,
            "b_backlog": made.backlog,
        }
        if work.compares:
            values |= {"b_due": row.next_run_time, "b_revision": row.revision}
            return connection.execute(self._advance_if_same, values).rowcount == 1
        work.advanced.append(values)
        return True

    def _jobs_of(self, connection: Connection, rows: list[Any], work: Work) -> dict[str, Job]:
        """Return the jobs of rows; of those that cannot be restored, or were changed meanwhile, none."""
        jobs: dict[str, Job] = {}
        missing: dict[str, Any] = {}
        for row in rows:
            job = self._documents.cached(row.id, row.revision)
            if job is None:
                missing[row.id] = row
            else:
                jobs[row.id] = self._documents.with_times(job, row)
        if missing:
            full_rows = connection.execute(self.documents_of, {"ids": list(missing)}).all()
            full_rows = [full for full in full_rows if full.revision == missing[full.id].revision]
            self.expect_restored(full_rows, work)
            for full in full_rows:
                job = self.restored(full, work)
                if job is not None:
                    jobs[full.id] = job
        return jobs

    def expect_restored(self, rows: Iterable[Any], work: Work) -> None:
        """Raise `UnrestoredRows`, which ends the transaction, if some rows have yet to be restored."""
        unrestored = [row for row in rows if not self._is_met(row, work)]
        if unrestored:
            raise UnrestoredRows(unrestored, work.claim.faults)

    def _is_met(self, row: Any, work: Work) -> bool:
        key = row.id, row.revision
        if key not in work.restored and (job := self._documents.at_hand(row)) is not None:
            work.restored[key] = job
        return key in work.restored

    def restored(self, row: Any, work: Work) -> Job | None:
        """Return the job of a row that was expected to be restored, None when it cannot be."""
        job = work.restored.get((row.id, row.revision))
        return None if job is None else self._documents.with_times(job, row)

    def attempted(self, attempt: Callable[[Restored], Work], now: int) -> Work:
        """Return what an attempt at the claim has done, after the jobs that it turns out to need were restored."""
        restored: Restored = {}
        faults: list[JobFault] = []
        while True:
            try:
                work = attempt(restored)
            except UnrestoredRows as exc:
                faults += exc.faults + self._restore(exc.rows, restored, now)
            else:
                work.claim.faults[:0] = faults
                return work

    def _restore(self, rows: Iterable[Any], restored: Restored, now: int) -> list[JobFault]:
        """Restore jobs, outside of any transaction; let those rest that cannot be restored here, and tell of them."""
        faults = []
        for row in rows:
            try:
                restored[row.id, row.revision] = self._documents.restore(row)
            except UnreadableJobError as exc:
                restored[row.id, row.revision] = None
                seconds = self._books.defer(row.id, now)
                if self._unreadable.get(row.id) != row.revision:
                    self._unreadable[row.id] = row.revision
                    faults.append(JobFault(None, row.id, exc, seconds))
        return faults

    def write_rows(self, connection: Connection, work: Work) -> None:
        """Write what was decided, and what has ended: by one statement or three, however many rows there are."""
        outcomes = self._records.outcomes(work.ended, work.now)
        self._end_advance_insert.execute(connection, outcomes, work.advanced, work.rows)
        self._records.clear(connection, work.ended)
        begun = {run.job_id for run in work.claim.runs}
        over = [job.id for job in work.claim.finished if job.id not in begun]
        if over:  # no run of theirs will end, and take them along
            self._records.drop_finished_jobs(connection, over)


class UnrestoredRows(Exception):
    """
    Rows that have to be restored before the claim is attempted again.

    Args:
        rows: the rows, with all columns.
        faults: what the attempt has found to be told of.
    """

    def __init__(self, rows: list[Any], faults: list[JobFault]) -> None:
        super().__init__(rows, faults)
        self.rows = rows
        self.faults = faults


class Work:
    """One attempt at a claim, and what it has decided so far."""

    def __init__(
        self,
        now: int,
        capacity: Mapping[str, int | None],
        member: Member,
        alias: str,
        *,
        locks: bool,
        compares: bool,
        keeps: bool,
        looks_for_open: bool,
        restored: Restored,
        ended: Sequence[Run],
    ) -> None:
        self.now = now
        self.capacity = capacity
        self.member = member
        self.alias = alias
        self.locks = locks
        self.compares = compares
        self.keeps = keeps
        self.looks_for_open = looks_for_open
        self.restored = restored
        self.ended = ended  # runs whose end is written by the way
        self.ended_ids = {run.id for run in ended}
        self.claim = Claim()
        self.advanced: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.has_more = False  # whether more may be due than could be taken
        self.down: tuple[int, int] | None = None  # the last downtime
        self.drained: list[str] = []  # executors of which nothing that is due was left

    def ownership(self, run_id: str) -> dict[str, Any]:
        """Return what makes an open run this member's."""
        member = self.member
        return {
            "b_id": run_id,
            "b_scheduler": member.id,
            "b_host": member.host,
            "b_pid": member.pid,
            "b_claimed": self.now,
        }

    def add(self, job: Job, made: Plan, ongoing: Sequence[Any]) -> None:
        """Take note of a job's plan; `ongoing` are the rows of its runs in progress."""
        claim = self.claim
        following = made.next
        job._next = None if following is None else following.due
        job._fire_time = None if following is None or following.fire_time == following.due else following.fire_time
        for slot in made.runs:
            run = Run.of(job, self.alias, slot.fire_time, slot.due)
            run.is_newest = slot is made.runs[-1]
            if self.down is not None and self.down[0] <= run.due < self.down[1]:
                run.down = self.down
            claim.runs.append(run)
            self.rows.append(new_row(run, self.member, self.now))
        if following is None:
            claim.finished.append(job)
        if made.skipped:
            claim.skip(
                job, made, self.alias, job.zone, self.now, (ongoing[0].due, ongoing[0].claimed) if ongoing else None
            )
        for slot in made.missed or ():
            claim.missed.append((job, slot))
            run = slot.run = Run.of(job, self.alias, slot.fire_time, slot.due)
            run.outcome, run.finished = Outcome.MISSED, self.now
            run.reason = reason_of_missed(slot, job._options, self.now, self.down, job.zone)
        if self.keeps:
            dropped = [slot.run for slot in (*(made.skipped or ()), *(made.missed or ())) if slot.run is not None]
            self.rows += [new_row(run, None, self.now) for run in dropped]

    def write(self, connection: Connection, claims: Claims) -> None:
        """Write it all."""
        claims.write_rows(connection, self)
