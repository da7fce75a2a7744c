"""
SQL stores.

One SQLite file, and a PostgreSQL where ``TEST_POSTGRES_URL`` names one; both libraries with their own settings, which
are WAL and `synchronous=FULL` for our SQLite, and SQLite's defaults for APScheduler 3. Every measurement has a process
and tables of its own. The floor is the database's driver on our tables, without threads, functions to call, or anything
but the statements: as many runs in one transaction as there are workers.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from importlib import import_module
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks.driver import Driver
from benchmarks.measuring import Row, by_turns, in_process_of_its_own
from benchmarks.subjects import BOTH, OURS, THEIRS

JOBS = 1_000
ONE_BY_ONE = 200
PASSES = 300
SIZES = (1_000, 1_000_000)
BUDGETS = {"SQLite": {"burst": 8, "wide": 20, "many": 30}, "PostgreSQL": {"burst": 8, "wide": 20, "many": 7}}


def rows() -> Iterator[Row]:
    """Yield the rows."""
    for name in ("SQLite", "PostgreSQL"):
        if name == "SQLite" or os.environ.get("TEST_POSTGRES_URL"):
            yield from rows_of(name)


def rows_of(name: str) -> Iterator[Row]:
    """Yield the rows of one database."""
    budgets = BUDGETS[name]
    theirs = median(in_process_of_its_own(burst, name, THEIRS, 10) for _ in range(3))
    for what, workers, prefetch, budget in (
        ("10 workers", 10, 0, budgets["burst"]),
        ("10 workers, `prefetch=100`", 10, 100, budgets["wide"]),
        ("100 workers", 100, 0, budgets["wide"]),
    ):
        ours = median(in_process_of_its_own(burst, name, OURS, workers, prefetch) for _ in range(5))
        floor = median(in_process_of_its_own(floor_of_claims, name, workers + prefetch) for _ in range(3))
        yield rate(f"{name}: 1,000 due jobs claimed, run and recorded; {what}", ours, theirs, budget, floor)
    theirs = median(in_process_of_its_own(add_before_start, name, THEIRS) for _ in range(3))
    floor = median(in_process_of_its_own(floor_of_additions, name, JOBS, True) for _ in range(3))
    for what, function in (("before `start`", add_before_start), ("in one `add_jobs`", add_at_once)):
        ours = median(in_process_of_its_own(function, name, OURS) for _ in range(3))
        yield rate(f"{name}: 1,000 jobs added {what}", ours, theirs, budgets["many"], floor)
    ours, theirs, floor = by_turns(
        *(alone(add_one_by_one, name, package) for package in BOTH),
        alone(floor_of_additions, name, ONE_BY_ONE, False),
        rounds=3,
    )
    yield rate(f"{name}: `add_job` on a running scheduler", ours, theirs, 1, floor * JOBS / ONE_BY_ONE)
    ours, theirs, floor = by_turns(
        *(alone(nothing_due, name, package) for package in BOTH), alone(floor_of_a_look, name), rounds=3
    )
    yield Row(
        what=f"{name}: a look when nothing is due", unit="µs", ours=ours * 1e6, theirs=theirs * 1e6, at_most=0.5,
        floor=floor * 1e6,
    )  # fmt: skip
    yield from size_rows(name)


def rate(what: str, ours: float, theirs: float, budget: float, floor: float) -> Row:
    """Return the row for durations of a thousand operations each."""
    return Row(what=what, unit="/s", ours=JOBS / ours, theirs=JOBS / theirs, at_least=budget, floor=JOBS / floor)


def alone(function: Callable[..., Any], *arguments: object) -> Callable[[], float]:
    """Return a subject that runs in a fresh process."""
    return lambda: float(in_process_of_its_own(function, *arguments))


def size_rows(name: str) -> Iterator[Row]:
    """Yield how a claim of 100 due jobs takes longer, and the process grows, with the size of the table."""
    small, large = (in_process_of_its_own(claim_of_a_hundred, name, size, timeout=900) for size in SIZES)
    yield Row(
        what=f"{name}: a claim of 100 due jobs among {SIZES[1]:,} rows, beside the same among {SIZES[0]:,}",
        unit="ms", ours=large["seconds"] * 1e3, theirs=small["seconds"] * 1e3, peer="ours, small table", at_most=1.5,
    )  # fmt: skip
    yield Row(
        what=f"{name}: memory of the process, the same",
        unit="MB", ours=large["memory"], theirs=small["memory"], peer="ours, small table", at_most=1.2,
    )  # fmt: skip


# -- what runs in a process of its own ---------------------------------------------------------------------------------

_ran = count(1)
_done = threading.Event()


def work() -> None:
    """Count to a thousand."""
    if next(_ran) == JOBS:
        _done.set()


def nothing() -> None:
    """Do nothing."""


class Place:
    """Tables that are dropped in the end."""

    def __init__(self, name: str) -> None:
        self._directory = tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"))
        file = Path(self._directory.name) / "jobs.db"
        self.url = f"sqlite:///{file}" if name == "SQLite" else os.environ["TEST_POSTGRES_URL"]
        self.table = f"bench_{os.urandom(4).hex()}"

    @classmethod
    def of(cls, url: str, table: str) -> Place:
        """Return the place of tables that another process has made and will drop."""
        place = cls.__new__(cls)
        place.url, place.table = url, table
        return place

    def store(self, package: str, **options: Any) -> Any:
        """Return a store of that library on the tables."""
        store = import_module(f"{package}.jobstores.sqlalchemy").SQLAlchemyJobStore
        return store(self.url, tablename=self.table, **options)

    def scheduler(self, package: str, workers: int = 10, prefetch: int = 0, **options: Any) -> Any:
        """Return a background scheduler with that store."""
        pool = import_module(f"{package}.executors.pool").ThreadPoolExecutor
        return import_module(f"{package}.schedulers.background").BackgroundScheduler(
            timezone="UTC",
            jobstores={"default": self.store(package, **options)},
            executors={"default": pool(workers, **({"prefetch": prefetch} if prefetch else {}))},
            job_defaults={"misfire_grace_time": None},
        )

    def prepare(self, jobs: Iterable[dict[str, Any]]) -> None:
        """Make our tables, with these jobs in them."""
        scheduler = self.scheduler(OURS)
        scheduler.start(paused=True)
        scheduler.add_jobs(jobs)
        scheduler.shutdown()

    def __enter__(self) -> Self:
        """Begin without tables."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Drop them."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.url)
        with engine.begin() as connection:
            for suffix in ("_runs", "_schedulers", "_meta", ""):
                connection.execute(text(f"DROP TABLE IF EXISTS {self.table}{suffix}"))
        engine.dispose()
        self._directory.cleanup()


def burst(name: str, package: str, workers: int, prefetch: int = 0) -> float:
    """Return the seconds from `resume` until a thousand due jobs have run and all is written."""
    with Place(name) as place:
        scheduler = place.scheduler(package, workers, prefetch)
        now = datetime.now(timezone.utc)
        for _ in range(JOBS):
            scheduler.add_job(work, "interval", days=1, next_run_time=now)
        scheduler.start(paused=True)
        begin = time.perf_counter()
        scheduler.resume()
        if not _done.wait(200):
            raise TimeoutError("the burst did not end")
        scheduler.shutdown()
        return time.perf_counter() - begin


def add_before_start(name: str, package: str) -> float:
    """Return the seconds until a thousand jobs that are added before the start are stored."""
    with Place(name) as place:
        prepared = place.scheduler(package)
        prepared.start(paused=True)  # so that the tables are there
        prepared.shutdown()
        scheduler = place.scheduler(package)
        begin = time.perf_counter()
        for _ in range(JOBS):
            scheduler.add_job(nothing, "interval", days=1)
        scheduler.start(paused=True)
        took = time.perf_counter() - begin
        scheduler.shutdown()
        return took


def add_at_once(name: str, package: str) -> float:
    """Return the seconds of one `add_jobs` with a thousand jobs."""
    with Place(name) as place:
        scheduler = place.scheduler(package)
        scheduler.start(paused=True)
        begin = time.perf_counter()
        scheduler.add_jobs([{"func": nothing, "trigger": "interval", "days": 1} for _ in range(JOBS)])
        took = time.perf_counter() - begin
        scheduler.shutdown()
        return took


def add_one_by_one(name: str, package: str) -> float:
    """Return the seconds of a thousand calls of `add_job`, reckoned from fewer."""
    with Place(name) as place:
        scheduler = place.scheduler(package)
        scheduler.start(paused=True)
        begin = time.perf_counter()
        for _ in range(ONE_BY_ONE):
            scheduler.add_job(nothing, "interval", days=1)
        took = time.perf_counter() - begin
        scheduler.shutdown()
        return took * JOBS / ONE_BY_ONE


def nothing_due(name: str, package: str) -> float:
    """Return the seconds of one pass of the scheduler that finds nothing due."""
    with Place(name) as place:
        scheduler = place.scheduler(package)
        scheduler.start(paused=True)
        for _ in range(10):
            scheduler.add_job(nothing, "interval", days=1)
        scheduler.shutdown()
        scheduler = import_module(f"{package}.schedulers.blocking").BlockingScheduler(
            timezone="UTC", jobstores={"default": place.store(package)}
        )
        thread = threading.Thread(target=scheduler.start, kwargs={"paused": True}, daemon=True)
        thread.start()
        while not scheduler.running:
            time.sleep(0.01)
        time.sleep(0.5)
        scheduler._main_loop = lambda: None
        took = []
        look: Any
        if package == OURS:
            store = scheduler._catalog.stores["default"]
            look = lambda: store.claim_due(scheduler.clock.now(), {"default": 10})  # noqa: E731
        else:
            store = scheduler._jobstores["default"]
            look = lambda: (store.get_due_jobs(datetime.now(timezone.utc)), store.get_next_run_time())  # noqa: E731
        for _ in range(PASSES):
            begin = time.perf_counter()
            look()
            took.append(time.perf_counter() - begin)
        scheduler.shutdown()
        return float(median(took))


def floor_of_claims(name: str, batch: int) -> float:
    """Return the seconds in which the driver alone claims and records a thousand runs, so many at once."""
    with Place(name) as place:
        now = datetime.now(timezone.utc)
        place.prepare({"func": nothing, "trigger": "interval", "days": 1, "next_run_time": now} for _ in range(JOBS))
        with Driver(place.url, place.table) as driver:
            return driver.claims(batch)


def floor_of_additions(name: str, jobs: int, together: bool) -> float:
    """Return the seconds in which the driver alone inserts jobs."""
    with Place(name) as place:
        place.prepare([])
        with Driver(place.url, place.table) as driver:
            return driver.additions(jobs, together)


def floor_of_a_look(name: str) -> float:
    """Return the seconds in which the driver alone finds that nothing is due."""
    with Place(name) as place:
        place.prepare({"func": nothing, "trigger": "interval", "days": 1} for _ in range(10))
        with Driver(place.url, place.table) as driver:
            return driver.look(PASSES)


def claim_of_a_hundred(name: str, size: int) -> dict[str, float]:
    """Return the median seconds of a claim of 100 due jobs among so many rows, and the megabytes of the process."""
    import resource

    with Place(name) as place:
        scheduler = place.scheduler(OURS)
        scheduler.start(paused=True)
        scheduler.add_job(nothing, "interval", days=1, id="template")
        store = scheduler._catalog.stores["default"]
        fill(store, size)
        took = []
        for number in range(20):
            due = scheduler.clock.now() + number
            make_due(store, number, due)
            begin = time.perf_counter()
            claim = store.claim_due(due, {"default": 100})
            took.append(time.perf_counter() - begin)
            if len(claim.runs) != 100:
                raise AssertionError(f"{len(claim.runs)} runs were claimed")
            for run in claim.runs:
                run.outcome = "executed"
            store.record_outcomes(claim.runs)
            store._keeper.flush()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        scheduler.shutdown()
        return {"seconds": median(took), "memory": memory}


def fill(store: Any, size: int) -> None:
    """Copy the one row so many times, in the database itself."""
    from sqlalchemy import text

    table = store._tables.jobs.name
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {size - 1}) SELECT i FROM n"
        if store._database.is_sqlite
        else f"SELECT i FROM generate_series(0, {size - 1}) AS s(i)"
    )
    store._database.write(
        lambda connection: connection.execute(
            text(
                f"INSERT INTO {table} (id, next_run_time, executor, paused, document, revision)"
                f" SELECT 'job ' || i, next_run_time + i, executor, paused,"
                f' replace(document, \'"id": "template"\', \'"id": "job \' || i || \'"\'), revision'
                f" FROM {table} CROSS JOIN ({numbers}) AS numbers WHERE id = 'template'"
            )
        )
    )
    if not store._database.is_sqlite:
        with store._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM ANALYZE {table}"))


def make_due(store: Any, number: int, due: int) -> None:
    """Make a hundred jobs due, other ones each time."""
    from sqlalchemy import bindparam

    jobs = store._tables.jobs
    ids = [f"job {index * 10 + number % 10}" for index in range(100)]
    statement = jobs.update().where(jobs.c.id.in_(bindparam("ids", expanding=True))).values(next_run_time=due)
    store._database.write(lambda connection: connection.execute(statement, {"ids": ids}) and None)


if __name__ == "__main__":
    for each in rows():
        print(each)
