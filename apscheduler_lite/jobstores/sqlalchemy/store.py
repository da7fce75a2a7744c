"""The store: what a scheduler asks of it, put together from the rooms beside this one."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from threading import Lock

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._options import as_bool, as_name, as_number
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.errors import ConflictingIdError, JobLookupError, StoreUnavailableError, UnreadableJobError
from apscheduler_lite.jobstores._bookkeeping import Bookkeeping
from apscheduler_lite.jobstores.base import BaseJobStore, Claim
from apscheduler_lite.serializers import JSONSerializer

from .claims import Claims, Work
from .databases import Database
from .documents import Documents
from .keeper import Keeper
from .runs import Records
from .schema import Tables, prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, MetaData
    from sqlalchemy.engine import URL, Engine

    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import Capacity, Decide, Settle
    from apscheduler_lite.runs import Run

    from .documents import Serializer

__all__ = ["SQLAlchemyJobStore"]

_NO_GUARD: AbstractContextManager[Any] = nullcontext()
_TIMES = ("_next", "_fire_time")
CHUNK = 500
"""How many ids one statement names."""
STRAYS_EVERY = 30.0
"""Seconds between two looks for jobs whose executor this scheduler does not have."""


class SQLAlchemyJobStore(BaseJobStore):
    """
    Keep jobs in a database, which any number of processes may share: each run is run by exactly one of them.

    PostgreSQL, MySQL and MariaDB, SQLite; others that SQLAlchemy knows, with more conflicts between processes.

    Plugin alias: ``sqlalchemy``.

    Args:
        url: url of the database, as `sqlalchemy.create_engine` takes it.
        engine: an engine, instead of a url; its settings are yours.
        tablename: name of the table of jobs, and beginning of the names of the three others.
        metadata: the `sqlalchemy.MetaData` that the tables shall belong to.
        pickle_protocol: the protocol of embedded pickles; the highest by default.
        tableschema: the schema of the tables.
        engine_options: further arguments of `create_engine`.
        serializer: what turns jobs into documents and back: an object with ``dumps`` and ``loads``; by default a
            `JSONSerializer`.
        allow_pickle: whether arguments that JSON cannot hold may be embedded as pickles. False refuses them when they are
            added, and when they are read.
        signing_key: a key, or several, with which documents are signed; the first signs, all are accepted. A row that was
            not signed with one of them is not run.
        allowed_functions: patterns such as ``"myapp.jobs:*"``; a job whose function matches none is not run.
        poll_interval: seconds after which changes by other processes are noticed at the latest.
        heartbeat_interval: seconds between two signs of life.
        dead_after: seconds of silence after which this process may be taken for dead and its runs for interrupted.
        keep_runs: seconds (or a timedelta) for which records of runs are kept; None for ever, 0 keeps none.

    Raises:
        ImportError: the driver of the database is not installed; the message says how to install it.
        ValueError, TypeError: an argument is wrong.
    """

    works_before_start = True
    is_thread_safe = True

    def __init__(
        self,
        url: str | URL | None = None,
        engine: Engine | None = None,
        tablename: str = "apscheduler_lite_jobs",
        metadata: MetaData | None = None,
        pickle_protocol: int | None = None,
        tableschema: str | None = None,
        engine_options: Mapping[str, Any] | None = None,
        *,
        serializer: Serializer | None = None,
        allow_pickle: bool = True,
        signing_key: str | bytes | Iterable[str | bytes] | None = None,
        allowed_functions: Iterable[str] | None = None,
        poll_interval: float | timedelta | None = 1.0,
        heartbeat_interval: float | timedelta = 5.0,
        dead_after: float | timedelta = 30.0,
        keep_runs: float | timedelta | None = timedelta(days=7),
    ) -> None:
        if (url is None) == (engine is None):
            raise ValueError("SQLAlchemyJobStore needs either a url or an engine" + (", not both" if url else ""))
        self.poll_interval = as_number(poll_interval, "poll_interval", or_none=True)
        self._heartbeat_interval = as_number(heartbeat_interval, "heartbeat_interval") or 5.0
        self._dead_after = as_number(dead_after, "dead_after") or 30.0
        if self._dead_after < 3 * self._heartbeat_interval:
            raise ValueError(
                f"dead_after ({self._dead_after:g} s) must be at least three times heartbeat_interval"
                f" ({self._heartbeat_interval:g} s), or a process that is merely slow is taken for dead"
            )
        self._keep_runs = _as_age(keep_runs)
        self._tables = Tables(as_name(tablename, "tablename"), tableschema, metadata)
        self._documents = Documents(
            _serializer(serializer, as_bool(allow_pickle, "allow_pickle"), pickle_protocol),
            _signer(signing_key),
            _patterns(allowed_functions),
        )
        self._database = Database(url, engine, engine_options)
        self._books_of_ours = Bookkeeping()
        keeps = self._keep_runs != 0
        self._records = Records(self._tables, self._documents, keeps)
        self._claims = Claims(self._tables, self._documents, self._books_of_ours, keeps)
        self._keeper: Keeper | None = None
        self._preparing = Lock()
        self._is_prepared = False
        self._has_more = False
        self._has_open = True
        self._look_at = 0.0
        self._strays_at = 0.0
        self._known_executors: frozenset[str] = frozenset()

    # -- life --------------------------------------------------------------------------------------------------

    def attach(self, scheduler: Any, alias: str) -> None:
        super().attach(scheduler, alias)
        self._documents.owner = (scheduler, alias)
        self._claims.logger = self._logger

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        self._prepare()
        keeper = Keeper(
            self._database,
            self._tables,
            self._records,
            clock=scheduler.clock,
            logger=self._logger,
            alias=alias,
            wakeup=scheduler.wakeup,
            heartbeat_interval=self._heartbeat_interval,
            dead_after=self._dead_after,
            keep_runs=self._keep_runs,
        )
        keeper.start()
        self._has_more, self._has_open, self._strays_at = False, True, 0.0
        self._keeper = keeper

    def shutdown(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            self._database.close()
        else:
            keeper.close(self._database.close)

    def after_fork(self) -> None:
        super().after_fork()
        self._keeper = None
        self._preparing = Lock()
        self._database.after_fork()

    @property
    def guard(self) -> AbstractContextManager[Any]:
        return _NO_GUARD

    def _prepare(self) -> None:
        """Make sure that there are tables, at the first use."""
        if self._is_prepared:
            return
        with self._preparing:
            if not self._is_prepared:
                prepare(self._database, self._tables)
                self._is_prepared = True

    def _now(self) -> int:
        return (getattr(self._scheduler, "clock", None) or SystemClock()).now()

    # -- looking -----------------------------------------------------------------------------------------------

    @property
    def _visible(self) -> Any:
        """Return the condition for jobs that are there for people: those whose schedule is over are not, though a run goes on."""
        jobs = self._tables.jobs.c
        return jobs.next_run_time.is_not(None) | (jobs.paused != 0)

    def lookup_job(self, job_id: str) -> Job | None:
        self._prepare()
        jobs = self._tables.jobs
        found = self._restored(select(jobs).where(jobs.c.id == job_id, self._visible))
        return found[0] if found else None

    def get_due_jobs(self, now: datetime) -> list[Job]:
        self._prepare()
        jobs = self._tables.jobs
        return self._restored(
            select(jobs).where(jobs.c.next_run_time <= to_instant(now)).order_by(jobs.c.next_run_time, jobs.c.id)
        )

    def get_next_run_time(self) -> datetime | None:
        self._prepare()
        earliest = self._database.read(self._earliest_of_all)
        return None if earliest is None else from_instant(earliest, UTC)

    def _earliest_of_all(self, connection: Connection) -> int | None:
        executors = self._claims.executors(connection)
        return self._claims.earliest(connection, executors)[0] if executors else None

    def get_all_jobs(self) -> list[Job]:
        self._prepare()
        jobs = self._tables.jobs
        found = self._restored(select(jobs).where(self._visible))
        return sorted(found, key=lambda job: (job._next is None, job._next or 0, job.id))

    def _restored(self, statement: Any) -> list[Job]:
        rows = self._database.read(lambda connection: connection.execute(statement).all())
        return self._documents.readable(rows, self._logger)

    # -- changing ----------------------------------------------------------------------------------------------

    def check_job(self, job: Job) -> None:
        """Refuse nothing: adding a job finds out, before anything is changed."""

    def add_job(self, job: Job) -> None:
        def settle(_: Job, before: Job | None) -> bool:
            if before is not None:
                raise ConflictingIdError(job.id)
            return True

        self.add_jobs([job], settle)

    def add_jobs(self, jobs: Sequence[Job], settle: Settle) -> None:
        self._prepare()
        for attempt in (1, 2, 3, 4, 5):
            try:
                self._database.write(self._put, jobs, settle)
            except IntegrityError:
                # Another process has added or changed one of them since we looked; now it is there to be seen.
                if attempt == 5:
                    raise
            else:
                return

    def _put(self, connection: Connection, jobs: Sequence[Job], settle: Settle) -> None:
        table = self._tables.jobs
        present = self._rows_for_change(connection, [job.id for job in jobs])
        new = []
        for job in jobs:
            row = present.get(job.id)
            # A row whose schedule is over is there for its last run only.
            is_visible = row is not None and (row.next_run_time is not None or row.paused)
            is_wanted = settle(job, self._present_job(row) if is_visible else None)
            if row is not None:
                if is_wanted:
                    self._replace(connection, row, self._documents.row_of(job))
                elif is_visible:
                    connection.execute(delete(table).where(table.c.id == job.id))
            elif is_wanted:
                new.append(self._documents.row_of(job))
        if new:
            connection.execute(table.insert(), new)
        self._tell_others(connection)

    def _rows_for_change(self, connection: Connection, ids: list[str]) -> dict[str, Any]:
        """Return the rows with those ids, locked where the database has locks on rows."""
        table = self._tables.jobs
        found: dict[str, Any] = {}
        for begin in range(0, len(ids), CHUNK):
            statement = select(table).where(table.c.id.in_(ids[begin : begin + CHUNK])).with_for_update()
            found.update((row.id, row) for row in connection.execute(statement))
        return found

    def _present_job(self, row: Any) -> Job:
        """Return the job of a row, or one with nothing but its id where it cannot be restored; it can still be replaced."""
        try:
            return self._documents.restore(row)
        except UnreadableJobError as exc:
            self._documents.tell_once(row, exc, self._logger)
            return self._documents.stand_in(row)

    def _replace(self, connection: Connection, row: Any, values: dict[str, Any]) -> None:
        """Write a row anew, unless it says the same already."""
        table = self._tables.jobs
        changed = {name: value for name, value in values.items() if name != "revision" and getattr(row, name) != value}
        if not changed or changed.keys() == {"backlog"}:
            return
        # Unchanged times are left alone, so that a claim in between is not undone.
        statement = (
            update(table)
            .where(table.c.id == row.id, table.c.revision == row.revision)
            .values(revision=row.revision + 1, **changed)
        )
        if connection.execute(statement).rowcount != 1:
            raise IntegrityError("the row was changed meanwhile", None, LookupError(row.id))

    def update_job(self, job: Job) -> None:
        self._prepare()
        self._database.write(self._update, job)

    def _update(self, connection: Connection, job: Job) -> None:
        row = self._rows_for_change(connection, [job.id]).get(job.id)
        if row is None or (row.next_run_time is None and not row.paused):
            raise JobLookupError(job.id)
        self._replace(connection, row, self._documents.row_of(job))
        self._tell_others(connection)

    def change_job(self, job_id: str, decide: Decide) -> Job:
        self._prepare()
        while True:
            job = self.lookup_job(job_id)
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
        table = self._tables.jobs
        values: dict[str, Any] = {"revision": job._revision + 1}
        if any(name in slots for name in _TIMES):
            values.update(self._documents.times_of(changed))
        if "paused" in slots:
            values["paused"] = int(changed.paused)
        if any(name not in (*_TIMES, "paused") for name in slots):
            values.update(self._documents.definition_of(changed))
        statement = update(table).where(table.c.id == job.id, table.c.revision == job._revision).values(**values)
        if connection.execute(statement).rowcount != 1:
            return False
        self._tell_others(connection)
        return True

    def remove_job(self, job_id: str) -> None:
        self._prepare()
        table = self._tables.jobs
        statement = delete(table).where(table.c.id == job_id, self._visible)
        if self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise JobLookupError(job_id)

    def remove_all_jobs(self) -> None:
        self._prepare()
        statement = delete(self._tables.jobs)
        self._database.write(lambda connection: connection.execute(statement))

    def _tell_others(self, connection: Connection) -> None:
        """Let the others look at once, where the database can tell them."""

    # -- claiming ----------------------------------------------------------------------------------------------

    def claim_due(self, now: int, capacity: Capacity) -> Claim:
        keeper = self._keeper
        if keeper is None:
            raise RuntimeError(f'job store "{self._alias}" has not been started')
        usable = {alias: free for alias, free in capacity.items() if free is None or free > 0}
        claim = self._claim(now, usable, keeper)
        claim.interrupted = keeper.take_interrupted()
        self._look_for_strays(now, capacity, claim)
        retry = self._books_of_ours.next_retry(now)
        if retry is not None:
            claim.next_due = retry if claim.next_due is None else min(claim.next_due, retry)
        return claim

    def _claim(self, now: int, usable: dict[str, int | None], keeper: Keeper) -> Claim:
        monotonic = SystemClock().monotonic()
        if not usable and not keeper.has_ended_runs():
            return Claim()
        if usable and ((not self._has_more and not keeper.has_ended_runs()) or monotonic >= self._look_at):
            due, open_at = self._database.read(self._claims.earliest, usable)
            self._look_at = monotonic + (self.poll_interval or 1.0)
            self._has_open = open_at is not None and open_at <= now
            self._has_more = due is not None and due <= now
            if not self._has_more and not self._has_open and not keeper.has_ended_runs():
                claim = Claim()
                claim.next_due = min((each for each in (due, open_at) if each is not None), default=None)
                return claim
        return self._take(now, usable, keeper)

    def _take(self, now: int, usable: dict[str, int | None], keeper: Keeper) -> Claim:
        ended = keeper.take_ended()
        try:
            work = self._database.write(self._take_in, now, usable, keeper, ended)
        except BaseException as exc:
            keeper.put_back(ended)
            if not isinstance(exc, StoreUnavailableError) or exc.is_open:
                keeper.commit_is_open()
            raise
        keeper.written(ended)
        keeper.begin(work.claim.runs)
        self._has_more = work.has_more
        return work.claim

    def _take_in(
        self, connection: Connection, now: int, usable: dict[str, int | None], keeper: Keeper, ended: list[Run]
    ) -> Work:
        locks = self._database.skips_locked
        work = Work(
            now,
            usable,
            keeper.member,
            self._alias or "",
            locks=locks,
            compares=not locks and not self._database.is_sqlite,
            keeps=self._keep_runs != 0,
            looks_for_open=self._has_open,
        )
        if ended:
            self._records.end(connection, ended, now)
        if usable:
            self._claims.take(connection, work)
        if work.has_more and any(usable[alias] is None for alias in usable):
            work.claim.next_due = now
        elif work.drained:
            due, open_at = self._claims.earliest(connection, work.drained, after=now)
            work.claim.next_due = min((each for each in (due, open_at) if each is not None), default=None)
        return work

    def _look_for_strays(self, now: int, capacity: Capacity, claim: Claim) -> None:
        """Report due jobs whose executor this scheduler does not have, now and then."""
        known = frozenset(capacity)
        monotonic = SystemClock().monotonic()
        if known == self._known_executors and monotonic < self._strays_at:
            return
        claim.faults.extend(self._database.read(self._claims.strays, now, capacity))
        self._known_executors, self._strays_at = known, monotonic + STRAYS_EVERY

    def record_outcomes(self, runs: Sequence[Run]) -> bool:
        keeper = self._keeper or self._late_keeper
        if keeper is not None:
            keeper.end(runs)
        return True

    _late_keeper: Keeper | None = None

    def release(self, run: Run, now: int) -> None:
        keeper = self._keeper
        seconds = self._books_of_ours.defer(run.job_id, now)
        self._database.write(self._give_back, run, now + round(seconds * 1_000_000))
        self._has_open = True
        if keeper is not None:
            keeper.forget(run)

    def _give_back(self, connection: Connection, run: Run, open_at: int) -> None:
        self._records.give_back(connection, run.id, open_at)

    def retry_all(self) -> None:
        self._books_of_ours.forget()
        self._strays_at = 0.0
        self._documents.forget()

    # -- history -----------------------------------------------------------------------------------------------

    def get_runs(
        self, job_id: str | None = None, outcome: str | None = None, since: int | None = None, limit: int = 100
    ) -> list[Run]:
        self._prepare()
        return self._database.read(self._records.find, self._alias or "", job_id, outcome, since, limit)

    def __repr__(self) -> str:
        url = self._database.engine.url.render_as_string(hide_password=True)
        return f"<{type(self).__name__} (url={url})>"


def _serializer(given: Any, allow_pickle: bool, pickle_protocol: int | None) -> Serializer:
    if given is None:
        return JSONSerializer(allow_pickle=allow_pickle, pickle_protocol=pickle_protocol)
    if not callable(getattr(given, "dumps", None)) or not callable(getattr(given, "loads", None)):
        raise TypeError(f"serializer must have the methods dumps and loads, not {shorten(given)}")
    if not allow_pickle:
        raise ValueError("allow_pickle=False is a setting of the default serializer; a serializer of yours decides itself")
    serializer: Serializer = given
    return serializer


def _signer(keys: Any) -> Any:
    if keys is None:
        return None
    from apscheduler_lite._signing import Signer

    return Signer(keys)


def _patterns(given: Any) -> list[str] | None:
    if given is None:
        return None
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise TypeError(f"allowed_functions must be a list of patterns such as 'myapp.jobs:*', not {shorten(given)}")
    patterns = [as_name(each, "a pattern in allowed_functions") for each in given]
    for pattern in patterns:
        if ":" not in pattern:
            raise ValueError(f"a pattern in allowed_functions must be of the form 'module:function', not {pattern!r}")
    return patterns


def _as_age(given: Any) -> float | None:
    if given in (0, timedelta(0)) and not isinstance(given, bool):
        return 0
    return as_number(given, "keep_runs", or_none=True)
