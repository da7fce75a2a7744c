"""A large table costs no more memory than a small one, and no scan: what is asked often, an index answers."""

from __future__ import annotations

import os
import tracemalloc
from statistics import median

import pytest

pytest.importorskip("sqlalchemy")

from sqlalchemy import event

from apscheduler_lite.jobstores.sqlalchemy import jobs
from tests.databases import place
from tests.integration.jobs import note

FULL = os.environ.get("FAULTS") == "full"
LARGE = 1_000_000 if FULL else 30_000

FAMILIES = ["sqlite", "postgresql"]


@pytest.fixture(params=FAMILIES)
def store(request, schedulers):
    """Start a store with one job, from which more can be copied."""
    with place(request.param) as made:
        store = made.store()
        store.place = made
        scheduler = schedulers(store)
        scheduler.start(paused=True)
        scheduler.add_job(note, "interval", days=1, id="template")
        store.scheduler = scheduler
        yield store


def fill(store, begin, end):
    """Copy the one row, in the database itself."""
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT CAST(:begin AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < :end - 1)"
        " SELECT i FROM n"
        if store.place.family == "sqlite"
        else "SELECT i FROM generate_series(CAST(:begin AS INTEGER), CAST(:end AS INTEGER) - 1) AS s(i)"
    )
    store.place.execute(
        "INSERT INTO {jobs} (id, next_run_time, executor, paused, document, revision)"  # noqa: S608 - no data in it
        " SELECT 'job ' || i, next_run_time + i, executor, paused,"
        " replace(document, '\"template\"', '\"job ' || i || '\"'), revision"
        " FROM {jobs} CROSS JOIN (" + numbers + ") AS numbers WHERE id = 'template'",
        begin=begin,
        end=end,
    )
    if store.place.family == "postgresql":
        store._database.engine.dispose()
        with store._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM ANALYZE {store.place.tablename}")


def claim_a_hundred(store, number):
    """Make a hundred jobs due, other ones each time; return the memory that their claim took."""
    now = store.scheduler.clock.now() + number
    ids = ", ".join(f"'job {number * 100 + index}'" for index in range(100))
    store.place.execute(f"UPDATE {{jobs}} SET next_run_time = :now WHERE id IN ({ids})", now=now)  # noqa: S608
    tracemalloc.start()
    claim = store.claim_due(now, {"default": 100})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(claim.runs) == 100
    for run in claim.runs:
        run.outcome = "executed"
    store.record_outcomes(claim.runs)
    store._keeper.flush()
    return peak


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_claim_takes_the_same_from_a_small_and_from_a_large_table(store):
    """A hundred due jobs of a thousand, and of very many (a million with ``FAULTS=full``)."""
    fill(store, 0, 1_000)
    small = [claim_a_hundred(store, number) for number in range(8)]
    fill(store, 1_000, LARGE)
    large = [claim_a_hundred(store, number) for number in range(8)]

    # How long it takes is measured by benchmarks/sql_store.py.
    assert median(large) < 1.5 * median(small) + 100_000


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # which says in so many words whether it scans
def test_what_is_asked_often_is_answered_by_an_index(store):
    """What is due, when the next job is, what is in progress, which of the finished jobs may go."""
    fill(store, 0, 1_000)
    engine = store._database.engine
    asked: list = []

    def listen(connection, cursor, statement, parameters, context, executemany):
        asked.append((statement, parameters[0] if executemany else parameters))

    event.listen(engine, "before_cursor_execute", listen)
    store._has_open = True
    claim_a_hundred(store, 0)
    store._own_books.defer("job 500", store.scheduler.clock.now())
    store._has_open = True
    claim_a_hundred(store, 1)
    event.remove(engine, "before_cursor_execute", listen)

    with engine.connect() as connection:
        plans = {
            (row[3], statement)
            for statement, values in asked
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        }
    assert len(plans) >= 10
    assert not [plan for plan in plans if plan[0].startswith("SCAN") and "CONSTANT ROW" not in plan[0]]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan[0]]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_when_the_clock_is_set_back_jobs_are_looked_at_page_by_page(store, monkeypatch):
    """All those with a beat go on with it, also where there are more than one statement fetches; paused ones stay."""
    monkeypatch.setattr(jobs, "CHUNK", 7)
    fill(store, 0, 50)
    store.place.execute("UPDATE {jobs} SET next_run_time = (SELECT MIN(next_run_time) FROM {jobs})")
    store.scheduler.pause_job("job 3")
    now, day = store.scheduler.clock.now(), 86_400_000_000
    fetched: list = []
    readable = store._documents.readable
    monkeypatch.setattr(
        store._documents, "readable", lambda rows, logger: fetched.append(len(rows)) or readable(rows, logger)
    )
    failed = store.scheduler._catalog.shorten_waits(store, now - 7 * day, now)
    monkeypatch.undo()

    assert failed == []
    assert max(fetched) == 7
    times = {job.id: job._next for job in store.get_all_jobs()}
    assert len(times) == 51
    assert times.pop("job 3") is None
    assert all(instant <= now - 6 * day for instant in times.values())
