"""The store: what a scheduler asks of it, put together from the rooms beside this one."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from weakref import WeakSet, finalize

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._locks import make_lock
from apscheduler_lite._options import as_bool, as_name, as_number
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.errors import StoreUnavailableError
from apscheduler_lite.jobstores._bookkeeping import Bookkeeping
from apscheduler_lite.jobstores.base import Claim

from .claims import Claims, Work
from .databases import Database
from .documents import Documents
from .early import EarlyJobs
from .jobs import JobRows, refuse_taken
from .keeper import Keeper
from .notices import Listener, Notices
from .options import as_age, as_patterns, as_rhythm, as_serializer, as_signer
from .recorded import RecordedRuns
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

    from .claims import Restored
    from .documents import Serializer

__all__ = ["SQLAlchemyJobStore"]

_NO_GUARD: AbstractContextManager[Any] = nullcontext()
STRAYS_EVERY = 30.0
"""Seconds between two looks for jobs whose executor this scheduler does not have."""


class SQLAlchemyJobStore(RecordedRuns):
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
        allow_pickle: whether arguments that JSON cannot hold may be embedded as pickles. False refuses them when they
            are added, and when they are read.
        signing_key: a key, or several, with which documents are signed; the first signs, all are accepted. A row that
            was not signed with one of them is not run.
        allowed_functions: patterns such as ``"myapp.jobs:*"``; a job whose function matches none is not run.
        poll_interval: seconds after which changes by other processes are noticed at the latest.
        heartbeat_interval: seconds between two signs of life.
        dead_after: seconds of silence after which this process may be taken for dead and its runs for interrupted.
        keep_runs: seconds (or a timedelta) for which records of runs are kept; None for ever, 0 keeps none.

    Raises:
        ImportError: the driver of the database is not installed; the message says how to install it.
        ValueError, TypeError: an argument is wrong.
    """

    persistent = True
    records_at_once = True
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
        self._heartbeat_interval, self._dead_after = as_rhythm(heartbeat_interval, dead_after)
        self._keep_runs = as_age(keep_runs)
        self._tables = Tables(as_name(tablename, "tablename"), tableschema, metadata)
        self._documents = Documents(
            as_serializer(serializer, as_bool(allow_pickle, "allow_pickle"), pickle_protocol),
            as_signer(signing_key),
            as_patterns(allowed_functions),
        )
        self._database = Database(url, engine, engine_options)
        finalize(self, self._database.close)
        _stores.add(self)
        self._notices = Notices(self._database, self._tables)
        self._rows = JobRows(self._database, self._tables, self._documents, self._notices)
        self._early = EarlyJobs(self._rows)
        self._own_books = Bookkeeping()
        keeps = self._keep_runs != 0
        self._records = Records(self._tables, self._documents, keeps)
        self._claims = Claims(self._tables, self._documents, self._own_books, self._records)
        self._keeper: Keeper | None = None
        self._last_keeper: Keeper | None = None  # of the start before, as long as runs of it go on
        self._listener: Listener | None = None
        self._preparing = make_lock()
        self._is_prepared = False
        self._has_more = False
        self._has_open = True
        self._look_at = 0.0
        self._cancellable: list[Run] = []  # runs in progress that give way to the next one of their job
        self._strays_at = 0.0
        self._known_executors: frozenset[str] = frozenset()

    # -- life --------------------------------------------------------------------------------------------------

    def attach(self, scheduler: Any, alias: str) -> None:
        super().attach(scheduler, alias)
        self._documents.owner = (scheduler, alias)
        self._claims.logger = self._rows.logger = self._logger

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        self._ready()
        keeper = Keeper(
            self._database,
            self._tables,
            self._records,
            clock=scheduler.clock,
            logger=self._logger,
            alias=alias,
            wakeup=scheduler.wakeup,
            adopts=scheduler._adopts,
            adopt=scheduler._adopt,
            heartbeat_interval=self._heartbeat_interval,
            dead_after=self._dead_after,
            keep_runs=self._keep_runs,
        )
        keeper.start()
        self._own_books.down = keeper.down
        self._has_more, self._has_open, self._strays_at = False, True, 0.0
        self._keeper = keeper
        if self._database.can_listen:
            self._listener = Listener(self._notices, scheduler.wakeup, self._logger, alias)

    def shutdown(self) -> None:
        """
        Write what is to be written, and free the connections.

        While runs are still in progress, the store stays alive in the eyes of the others, and records how they end;
        called a second time, it leaves them to be found interrupted.
        """
        keeper, self._keeper = self._keeper, None
        self._last_keeper, last = keeper, self._last_keeper
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        try:
            self._early.flush()
        finally:
            if keeper is not None:
                keeper.close(self._database.close)
            else:
                if last is not None:
                    last.abandon()
                self._database.close()

    def after_fork(self) -> None:
        super().after_fork()
        self._keeper = self._last_keeper = self._listener = None
        self._preparing = make_lock()
        self._early.after_fork()
        self._own_books.lock = make_lock()
        self._database.after_fork()

    @property
    def guard(self) -> AbstractContextManager[Any]:
        return _NO_GUARD

    def _ready(self) -> JobRows:
        """Return the rows, with the tables made at the first use and nothing left that waits to be written."""
        if not self._is_prepared:
            with self._preparing:
                if not self._is_prepared:
                    prepare(self._database, self._tables)
                    self._is_prepared = True
        if self._early:
            self._early.flush()
        return self._rows

    # -- jobs --------------------------------------------------------------------------------------------------

    def lookup_job(self, job_id: str) -> Job | None:
        return self._ready().lookup(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        return self._ready().due(to_instant(now))

    def get_next_run_time(self) -> datetime | None:
        self._ready()
        earliest = self._database.read(self._claims.earliest_of_all)
        return None if earliest is None else from_instant(earliest, UTC)

    def get_all_jobs(self) -> list[Job]:
        return self._ready().all()

    def check_job(self, job: Job) -> None:
        """Refuse nothing: adding a job finds out, before anything is changed."""

    def add_job(self, job: Job) -> None:
        if self._keeper is None:
            self.add_jobs([job], refuse_taken)
        else:
            self._ready().insert(job)

    def add_jobs(self, jobs: Sequence[Job], settle: Settle) -> None:
        if self._keeper is None and len(jobs) == 1 and self._is_prepared:
            self._early.add(jobs[0], settle)
        else:
            self._ready().put(jobs, settle)

    def update_job(self, job: Job) -> None:
        self._ready().update(job)

    def change_job(self, job_id: str, decide: Decide) -> Job:
        return self._ready().change(job_id, decide)

    def remove_job(self, job_id: str) -> None:
        self._ready().remove(job_id)

    def remove_all_jobs(self) -> None:
        self._ready().remove_all()

    # -- claiming ----------------------------------------------------------------------------------------------

    def claim_due(self, now: int, capacity: Capacity) -> Claim:
        keeper = self._keeper
        if keeper is None:
            raise RuntimeError(f'job store "{self._alias}" has not been started')
        usable = {alias: free for alias, free in capacity.items() if free is None or free > 0}
        claim = self._claim(now, usable, keeper)
        claim.is_short = self._has_more or len(usable) < len(capacity)
        claim.interrupted = keeper.take_interrupted()
        claim.superseded = self._find_superseded(now, claim)
        self._look_for_strays(now, capacity, claim)
        retry = self._own_books.next_retry(now)
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
            take_in = partial(self._take_in, now=now, usable=usable, keeper=keeper, ended=ended)
            work = self._claims.attempted(lambda restored: self._database.write(take_in, restored=restored), now)
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
        self,
        connection: Connection,
        now: int,
        usable: dict[str, int | None],
        keeper: Keeper,
        ended: list[Run],
        restored: Restored,
    ) -> Work:
        work = Work(
            now,
            usable,
            keeper.member,
            self._alias or "",
            locks=self._database.skips_locked,
            compares=self._database.compares,
            keeps=self._keep_runs != 0,
            looks_for_open=self._has_open,
            restored=restored,
            ended=ended,
        )
        self._claims.take(connection, work)
        if work.has_more and any(usable[alias] is None for alias in usable):
            work.claim.next_due = now
        elif work.drained:
            due, open_at = self._claims.earliest(connection, work.drained, after=now)
            work.claim.next_due = min((each for each in (due, open_at) if each is not None), default=None)
        return work

    def _find_superseded(self, now: int, claim: Claim) -> list[Run]:
        """Return our runs that the next one of their job waits for and cancels; no worker need be free for that."""
        self._cancellable = [run for run in self._cancellable if run.outcome is None]
        found: list[Run] = []
        if self._cancellable:
            found = self._database.read(self._claims.ongoing.superseded, self._cancellable, now)
        self._cancellable += [run for run in claim.runs if run.job and run.job.on_overlap == "cancel_previous"]
        return found

    def _look_for_strays(self, now: int, capacity: Capacity, claim: Claim) -> None:
        """Report due jobs whose executor this scheduler does not have, now and then."""
        known = frozenset(capacity)
        monotonic = SystemClock().monotonic()
        if known == self._known_executors and monotonic < self._strays_at:
            return
        rows = self._database.read(self._claims.strays, now, capacity)
        claim.faults.extend(self._claims.stray_faults(rows, capacity))
        self._known_executors, self._strays_at = known, monotonic + STRAYS_EVERY

    def record_outcomes(self, runs: Sequence[Run]) -> bool:
        # By the lease, which knows the start of this store in which the run was claimed: it may have been another one.
        for run in runs:
            if run.lease is not None:
                run.lease.end(run)
            if run.next_attempt is not None:
                self._has_open = True
        return self._keeper is None or self._keeper.is_worth_a_claim()

    def release(self, run: Run, now: int) -> None:
        seconds = self._own_books.defer(run.job_id, now)
        self._database.write(self._records.release, run, now, now + round(seconds * 1_000_000))
        self._has_open = True
        if self._keeper is not None:
            self._keeper.forget(run)

    def later_jobs(self, instant: int) -> Iterable[Job]:
        return self._ready().later(instant)

    def retry_all(self) -> None:
        self._own_books.forget()
        self._strays_at = 0.0
        self._documents.forget()

    def __repr__(self) -> str:
        url = self._database.engine.url.render_as_string(hide_password=True)
        return f"<{type(self).__name__} (url={url})>"


_stores: WeakSet[SQLAlchemyJobStore] = WeakSet()


def _begin_child() -> None:
    # Of all stores: one whose scheduler was never started may be in use all the same, and have connections.
    for store in list(_stores):
        store.after_fork()


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_begin_child)
