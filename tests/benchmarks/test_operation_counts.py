"""
Speed cannot be lost unseen: how many operations the common paths take.

Counts do not depend on the machine, so they are checked with every change. A bound that must be raised is a decision:
the change that raises it says what it buys.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from math import ceil, log2
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._planning import Slot, plan
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.job import Job
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.schedulers.background import BackgroundScheduler
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.benchmarks.counting import Counted, calls_of_all_threads, lines_of, statements_of, steps_of
from tests.databases import place
from tests.waiting import wait_until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = 1_767_225_600_000_000


def work() -> None:
    """Do nothing."""


@pytest.fixture
def scheduler():
    """A paused scheduler with jobs in memory."""
    made = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(4)})
    made.start(paused=True)
    yield made
    made.shutdown()


# -- triggers ----------------------------------------------------------------------------------------------------------

STEPS = {
    "* * * * *": 30,
    "*/15 9-17 * * 1-5": 30,
    "0 0 1 * *": 40,
    "0 0 L * *": 40,
    "0 0 * * 5#3": 40,
    "0 0 29 2 *": 90,
}


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Berlin")], ids=["utc", "berlin"])
@pytest.mark.parametrize(("line", "bound"), STEPS.items())
def test_a_cron_search_takes_few_steps(line, bound, zone):
    """A search steps over no minutes or days without a match, so it takes about the same for every expression."""
    trigger = CronTrigger.from_crontab(line, zone)
    first = trigger.get_next_fire_time(None, NOW)
    trigger.get_next_fire_time(first, first)  # the calendar of these months is made now

    assert lines_of(lambda: trigger.get_next_fire_time(first, first)) <= bound


def test_an_interval_is_reckoned():
    """The next fire time of a beat that began long ago is found without counting the beats in between."""
    trigger = IntervalTrigger(seconds=1, start_date=NOW - timedelta(days=9999), timezone=UTC)

    assert lines_of(lambda: trigger.next_instant(None, INSTANT)) <= 7


def test_a_backlog_is_not_enumerated_where_it_coalesces():
    """Thirty days of missed fire times of a one-second beat are passed over by a handful of questions."""
    trigger = IntervalTrigger(seconds=1, start_date=NOW - timedelta(days=30), timezone=UTC)
    job = Job(None, func=work, trigger=trigger)
    first = INSTANT - 30 * 86_400_000_000

    made = plan(trigger, Slot(first, first), INSTANT, job._options)

    assert [slot.fire_time for slot in made.runs] == [INSTANT]
    assert lines_of(lambda: plan(trigger, Slot(first, first), INSTANT, job._options)) <= 72


# -- the memory store --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [100, 10_000])
def test_adding_to_the_heap_compares_as_often_as_it_is_high(stored):
    """A job finds its place among n others by at most log₂ n comparisons."""
    store = MemoryJobStore()
    for number in range(stored):
        store.add_job(job_at(number * 7919 % stored))
    Counted.comparisons = 0

    store.add_job(job_at(-1))

    assert 0 < Counted.comparisons <= ceil(log2(stored)) + 1


def job_at(moment: int) -> Job:
    """Return a job that is due at that moment, whose comparisons are counted."""
    job = Job(None, str(moment), func=work, trigger=IntervalTrigger(seconds=1, timezone=UTC))
    job._next = Counted(moment)
    return job


CALLS = {
    "add_job": (lambda scheduler, id: scheduler.add_job(work, "interval", hours=1, id=id), 227),
    "modify_job": (lambda scheduler, id: scheduler.modify_job(id, name="other"), 80),
    "reschedule_job": (lambda scheduler, id: scheduler.reschedule_job(id, trigger="interval", hours=2), 168),
    "get_job": (lambda scheduler, id: scheduler.get_job(id), 15),
    "remove_job": (lambda scheduler, id: scheduler.remove_job(id), 55),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_takes_few_steps_however_many_jobs_there_are(scheduler, name):
    """A call beside a thousand jobs executes as many lines as one beside ten, and few of them."""
    call, bound = CALLS[name]
    counts = []
    for number in range(1_000):
        if name != "add_job":
            scheduler.add_job(work, "interval", hours=1, id=str(number))
        if number in (10, 999):
            counts.append(lines_of(lambda id=str(number): call(scheduler, id)))
        else:
            call(scheduler, str(number))

    assert counts[0] == counts[1] <= bound


def test_a_job_is_small(scheduler):
    """A job in memory takes about half a kilobyte, its trigger and its place on the heap included."""
    scheduler.add_job(work, "interval", seconds=3600)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1_000):
            scheduler.add_job(work, "interval", seconds=3600 + number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (after - before) / 1_000 < 640


# -- dispatch ----------------------------------------------------------------------------------------------------------


def test_a_dispatched_run_takes_few_calls():
    """From its claim to its recorded end a run passes through a bounded number of the library's functions."""
    few, many = calls_of_burst(50), calls_of_burst(250)

    assert (many - few) / 200 <= 42.5  # a wake-up more or less among 200 runs


def calls_of_burst(runs: int) -> int:
    """Return how many functions of the library are called in all threads while so many due jobs are run."""
    done: list[int] = []
    with calls_of_all_threads() as calls:
        scheduler = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(1)})
        scheduler.start(paused=True)
        for number in range(runs):
            scheduler.add_job(done.append, "interval", args=[number], weeks=1, next_run_time=NOW)
        before = len(calls)
        scheduler.resume()
        wait_until(lambda: len(done) == runs)
        scheduler.shutdown()
        return len(calls) - before


# -- SQL ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shared():
    """Tables of SQLite."""
    with place("sqlite") as made:
        yield made


@pytest.fixture
def stored(shared):
    """A paused scheduler on an SQL store, whose engine's statements can be counted."""
    made = BackgroundScheduler(timezone="UTC", jobstores={"default": shared.store(poll_interval=3600)})
    made.start(paused=True)
    yield made
    made.shutdown()


def engine_of(scheduler):
    """Return the engine of the scheduler's store."""
    return scheduler._catalog.stores["default"]._database.engine


@pytest.mark.parametrize("count", [10, 200])
def test_adding_many_jobs_takes_as_many_statements_as_adding_few(stored, count):
    """`add_jobs` sends its rows together."""
    with statements_of(engine_of(stored)) as statements:
        stored.add_jobs([{"func": work, "trigger": "interval", "hours": 1} for _ in range(count)])

    assert len(statements) <= 4


def test_adding_a_job_takes_two_statements_at_most(stored):
    """The transaction, and the row; nobody asks first whether the id is free."""
    with statements_of(engine_of(stored)) as statements:
        stored.add_job(work, "interval", hours=1)

    assert len(statements) <= 2


@pytest.mark.parametrize("count", [10, 100])
def test_a_claim_takes_as_many_statements_for_many_jobs_as_for_few(stored, count):
    """Due jobs are read, moved on and noted as runs together, whatever their number."""
    stored.add_jobs([{"func": work, "trigger": "interval", "weeks": 1, "next_run_time": NOW} for _ in range(count)])
    store = stored._catalog.stores["default"]
    with statements_of(engine_of(stored)) as statements:
        claim = store.claim_due(stored.clock.now(), {"default": count})

    assert len(claim.runs) == count
    assert len(statements) <= 8
    for run in claim.runs:
        run.outcome = "executed"
    store.record_outcomes(claim.runs)


def test_a_look_at_nothing_due_takes_one_statement(stored):
    """An idle scheduler asks its table one question."""
    stored.add_job(work, "interval", weeks=1)
    store = stored._catalog.stores["default"]
    store.claim_due(stored.clock.now(), {"default": 10})
    with statements_of(engine_of(stored)) as statements:
        store.claim_due(stored.clock.now(), {"default": 10})

    assert len(statements) <= 1


def test_a_claim_does_not_read_the_history(stored, shared):
    """Beside ten thousand records of runs that have ended, a claim and its record take as many steps as beside none."""
    store = stored._catalog.stores["default"]
    stored.add_jobs([{"func": work, "trigger": "interval", "weeks": 1, "next_run_time": NOW} for _ in range(30)])
    steps_of_a_claim(store, stored)  # what is prepared once

    few = steps_of_a_claim(store, stored)
    shared.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO {runs}"
        " (id, job_id, executor, fire_time, due, attempt, rerun, claimed, started, finished, outcome)"
        " SELECT 'r' || i, jobs.id, 'default', i, i, 1, 0, i, i, i, 'executed' FROM n CROSS JOIN"
        " (SELECT id FROM {jobs} LIMIT 1) AS jobs"
    )
    many = steps_of_a_claim(store, stored)

    assert 0 < many <= 1.2 * few


def steps_of_a_claim(store, scheduler) -> int:
    """Return the steps of SQLite from a claim of ten jobs until the ends of their runs are written."""
    with steps_of(engine_of(scheduler)) as steps:
        claim = store.claim_due(scheduler.clock.now(), {"default": 10})
        for run in claim.runs:
            run.outcome = "executed"
        store.record_outcomes(claim.runs)
        store._keeper.flush()
    assert len(claim.runs) == 10
    return steps[0]


# -- import ------------------------------------------------------------------------------------------------------------

NOT_NEEDED = {
    "asyncio", "concurrent.futures", "dataclasses", "email", "enum", "importlib.metadata", "inspect", "json", "logging",
    "multiprocessing", "pickle", "pytz", "random", "re", "signal", "six", "socket", "sqlalchemy", "subprocess",
    "traceback", "typing", "tzlocal", "zoneinfo",
}  # fmt: skip


def test_importing_the_scheduler_imports_nothing_that_it_may_never_need():
    """What only some programs use is imported when they use it."""
    imported = modules_after("from apscheduler_lite.schedulers.background import BackgroundScheduler")

    assert not imported & NOT_NEEDED
    assert len({name for name in imported if name.startswith("apscheduler_lite")}) <= 57


def test_importing_the_package_alone_imports_none_of_its_modules():
    """The main names are loaded when they are asked for."""
    imported = modules_after("import apscheduler_lite")

    assert {name for name in imported if name.startswith("apscheduler_lite")} == {"apscheduler_lite"}


def modules_after(statement: str) -> set[str]:
    """Return what a fresh interpreter has imported by the statement, measured without the coverage measurement."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return set(done.stdout.split())
