"""Jobs in a database: kept, shared, changed by several, run once."""

from __future__ import annotations

import asyncio
import importlib
import os
import sqlite3
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from threading import Lock, Thread
from types import SimpleNamespace

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, SQLAlchemyJobStore
from apscheduler_lite.errors import ConflictingIdError, JobLookupError, TransientJobError
from apscheduler_lite.events import EVENT_JOB_ADDED, EVENT_JOB_MAX_INSTANCES
from apscheduler_lite.jobstores.sqlalchemy import aftermath
from tests.integration.jobs import CALLS, GATE, Colour, fail, note, slow
from tests.waiting import stays_false, wait_until

LATER = datetime(2040, 1, 1, tzinfo=timezone.utc)


# -- life ----------------------------------------------------------------------------------------------------------


def test_jobs_are_there_after_a_restart(shared, schedulers):
    """What one scheduler has added, the next one has, with all its attributes."""
    first = schedulers(shared.store())
    first.start()
    added = first.add_job(
        note, "cron", [1, Colour.RED], {"kept": True}, "job", "A name", 30, False, 2, hour=3, on_crash="rerun",
    )  # fmt: skip
    first.shutdown()

    second = schedulers(shared.store())
    second.start()
    found = second.get_job("job")

    for name in ("id", "name", "func", "args", "kwargs", "misfire_grace_time", "coalesce", "max_instances", "on_crash"):
        assert getattr(found, name) == getattr(added, name)
    assert found.next_run_time == added.next_run_time
    assert found.trigger.is_same_schedule(added.trigger)


def test_what_came_due_in_between_is_run_late(shared, schedulers):
    """A one-shot job that was due while nobody was there is run at the next start."""
    schedulers(shared.store()).add_job(note, "date", ["late"], run_date="2020-01-01")

    schedulers(shared.store()).start()

    wait_until(lambda: CALLS == [("late",)])


def test_a_scheduler_can_be_started_again(shared, schedulers):
    """After a shutdown, and any number of times."""
    scheduler = schedulers(shared.store())
    for number in range(3):
        scheduler.start()
        scheduler.add_job(note, args=[number])
        wait_until(lambda number=number: (number,) in CALLS)
        scheduler.shutdown()

    assert shared.execute("SELECT COUNT(*) FROM {schedulers}") == [(0,)]
    assert {row.outcome for row in shared.execute("SELECT outcome FROM {runs}")} == {"executed"}


def test_the_row_of_a_finished_job_goes_with_its_last_run(shared, schedulers):
    """It has left `get_jobs` when it was claimed, and its id is free; its row stays until the run has ended."""
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(slow, id="job")
    wait_until(lambda: CALLS)

    assert scheduler.get_jobs() == []
    assert scheduler.get_job("job") is None
    assert [row.id for row in shared.execute("SELECT id FROM {jobs}")] == ["job"]
    with pytest.raises(JobLookupError):
        scheduler.remove_job("job")
    GATE.set()
    wait_until(lambda: not shared.execute("SELECT id FROM {jobs}"))


def test_an_id_is_free_when_the_last_run_was_claimed(shared, schedulers):
    """A one-shot job that replaces one whose run is still going on waits for that, and is run then."""
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(slow, id="job", args=["first"])
    wait_until(lambda: CALLS)

    scheduler.add_job(note, id="job", args=["second"])

    assert stays_false(lambda: len(CALLS) > 1, 0.3)
    GATE.set()
    wait_until(lambda: CALLS == [("first",), ("second",)])
    wait_until(lambda: not shared.execute("SELECT id FROM {jobs}"))


def test_outcomes_are_written_when_the_scheduler_is_idle_or_paused(shared, schedulers):
    """Nobody has to wait for the next run to see how the last one ended."""
    scheduler = schedulers(shared.store(poll_interval=60))
    scheduler.start()
    scheduler.add_job(slow)
    wait_until(lambda: CALLS)
    scheduler.pause()
    GATE.set()

    wait_until(lambda: [run.outcome for run in scheduler.get_runs()] == ["executed"], 2)


def test_a_run_that_outlives_its_scheduler_is_recorded(shared, schedulers):
    """`shutdown(wait=False)` leaves runs going on; the process counts as alive until they have ended."""
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(slow)
    wait_until(lambda: CALLS)

    scheduler.shutdown(wait=False)

    assert len(shared.execute("SELECT id FROM {schedulers}")) == 1
    GATE.set()
    wait_until(lambda: not shared.execute("SELECT id FROM {schedulers}"))
    assert [row.outcome for row in shared.execute("SELECT outcome FROM {runs}")] == ["executed"]


def test_a_database_in_memory_works(schedulers):
    """``sqlite://`` is one database for all threads of the process."""
    scheduler = schedulers(SQLAlchemyJobStore("sqlite://"))
    scheduler.start()
    scheduler.add_job(note, args=["ran"])

    wait_until(lambda: CALLS == [("ran",)])
    wait_until(lambda: [run.outcome for run in scheduler.get_runs()] == ["executed"])


def test_a_store_object_serves_one_scheduler(sqlite, schedulers):
    """A second scheduler with the same object is told; the database may be shared."""
    store = sqlite.store()
    schedulers(store).start()

    with pytest.raises(RuntimeError, match="already serves another scheduler"):
        BackgroundScheduler(jobstores={"default": store}).start()


# -- before the start ----------------------------------------------------------------------------------------------


def test_a_job_that_is_added_before_the_start_is_in_the_database(shared, schedulers):
    """The call returns when everybody can see it; the job is not pending."""
    events: list = []
    scheduler = schedulers(shared.store())
    scheduler.add_listener(events.append, EVENT_JOB_ADDED)

    job = scheduler.add_job(note, "date", run_date=LATER, id="job")

    assert [row.id for row in shared.execute("SELECT id FROM {jobs}")] == ["job"]
    assert not job.pending
    assert job.next_run_time == LATER
    assert [event.job_id for event in events] == ["job"]


def test_jobs_that_are_added_one_after_the_other_are_written_together(shared, schedulers):
    """They are all there at once for their own scheduler, and in a moment for the others."""
    scheduler = schedulers(shared.store())
    for number in range(50):
        scheduler.add_job(note, "date", run_date=LATER, id=f"job {number}")

    assert len(scheduler.get_jobs()) == 50
    assert len(shared.execute("SELECT id FROM {jobs}")) == 50


def test_jobs_that_wait_to_be_written_are_written_in_time(shared, schedulers):
    """Without any further call: a program that adds jobs and goes on with other things need do nothing."""
    scheduler = schedulers(shared.store())
    for number in range(3):
        scheduler.add_job(note, "date", run_date=LATER, id=f"job {number}")

    wait_until(lambda: len(shared.execute("SELECT id FROM {jobs}")) == 3, 3)


@pytest.mark.parametrize("in_between", [0, 1, 2], ids=["alone", "second", "third"])
def test_a_taken_id_is_told_at_once(shared, schedulers, in_between):
    """Whether the other job is in the database or waits to be written, and however fast the calls follow."""
    schedulers(shared.store()).add_job(note, "date", run_date=LATER, id="taken")
    scheduler = schedulers(shared.store())
    for number in range(in_between):
        scheduler.add_job(note, "date", run_date=LATER, id=f"job {number}")

    with pytest.raises(ConflictingIdError, match="taken"):
        scheduler.add_job(note, "date", run_date=LATER, id="taken")
    if in_between:
        with pytest.raises(ConflictingIdError, match="job 0"):
            scheduler.add_job(note, "date", run_date=LATER, id="job 0")
    assert len(scheduler.get_jobs()) == 1 + in_between


def test_a_job_that_cannot_be_stored_is_told_at_once(sqlite, schedulers):
    """And nothing is left of it."""
    scheduler = schedulers(sqlite.store())
    with pytest.raises(TransientJobError):
        scheduler.add_job(lambda: None, id="job")
    with pytest.raises(ValueError, match="args of job 'job' cannot be stored"):
        scheduler.add_job(note, args=[Lock()], id="job")
    with pytest.raises(ValueError, match="id must have at most 191 characters"):
        scheduler.add_job(note, id="x" * 192)

    assert scheduler.get_jobs() == []


def test_a_scheduler_that_is_not_running_changes_jobs_of_those_that_are(shared, schedulers):
    """It can look, change, pause, resume, reschedule and remove; the running one notices."""
    running = schedulers(shared.store(poll_interval=0.1))
    running.start()
    running.add_job(note, "date", run_date=LATER, id="job", args=["before"])
    running.add_job(note, "date", run_date=LATER, id="other")
    other = schedulers(shared.store())

    other.modify_job("job", args=["after"])
    other.pause_job("job")
    assert running.get_job("job").paused
    other.resume_job("job")
    other.reschedule_job("job", trigger="date", run_date="2020-01-01")
    other.remove_job("other")

    wait_until(lambda: CALLS == [("after",)], 3)
    assert running.get_jobs() == []


MODULE = """
from tests.integration.jobs import note
from tests.integration.scheduling import scheduler

@scheduler.scheduled_job("interval", hours=1, next_run_time="2020-01-01")
def work():
    note("decorated")
"""


def test_a_decorated_function_is_stored_before_its_name_is_bound(shared, schedulers, tmp_path, monkeypatch):
    """`@scheduled_job` in a module that is being imported, as most are; another process runs it."""
    (tmp_path / "decorated.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        sys.modules, "tests.integration.scheduling", SimpleNamespace(scheduler=schedulers(shared.store()))
    )
    importlib.import_module("decorated")

    schedulers(shared.store()).start()

    assert [row.id for row in shared.execute("SELECT id FROM {jobs}")] == ["decorated:work"]
    wait_until(lambda: CALLS == [("decorated",)])
    sys.modules.pop("decorated")


def test_a_decorated_function_keeps_its_schedule_over_restarts(shared, schedulers, tmp_path, monkeypatch, caplog):
    """When the decorator adds the job anew, the function that the stored one names has not got its name yet."""
    (tmp_path / "decorated_hourly.py").write_text(MODULE.replace(', next_run_time="2020-01-01"', ""))
    monkeypatch.syspath_prepend(tmp_path)
    kept = []

    for _start in range(2):
        place = SimpleNamespace(scheduler=schedulers(shared.store()))
        monkeypatch.setitem(sys.modules, "tests.integration.scheduling", place)
        importlib.import_module("decorated_hourly")
        sys.modules.pop("decorated_hourly")
        kept.append([(row.id, row.next_run_time) for row in shared.execute("SELECT id, next_run_time FROM {jobs}")])

    assert kept[0] == kept[1]
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_job_whose_function_was_renamed_keeps_its_schedule_when_it_is_replaced(shared, schedulers, caplog):
    """Of the job that is replaced only the schedule is wanted."""
    first = schedulers(shared.store()).add_job(note, "interval", hours=1, id="renamed").next_run_time
    shared.execute("UPDATE {jobs} SET document = REPLACE(document, 'jobs:note', 'jobs:old'), revision = revision + 1")

    job = schedulers(shared.store()).add_job(note, "interval", hours=1, id="renamed", replace_existing=True)

    assert job.next_run_time == first
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_module_may_add_its_functions_while_it_is_imported(shared, schedulers, tmp_path, monkeypatch):
    """The thread that makes the main thread's transactions does not wait for the import, which waits for it."""
    added = "def work(): pass\nscheduler.add_job(work, 'interval', hours=1, id='own', replace_existing=True)\n"
    (tmp_path / "adds_its_own.py").write_text("from tests.integration.scheduling import scheduler\n" + added)
    monkeypatch.syspath_prepend(tmp_path)
    place = SimpleNamespace(scheduler=schedulers(shared.store()))
    monkeypatch.setitem(sys.modules, "tests.integration.scheduling", place)

    importlib.import_module("adds_its_own")
    sys.modules.pop("adds_its_own")

    assert [row.id for row in shared.execute("SELECT id FROM {jobs}")] == ["own"]


def test_a_module_may_add_jobs_with_its_own_objects_while_it_is_imported(shared, schedulers, tmp_path, monkeypatch):
    """Objects whose class is being defined are pickled by the thread that imports, since any other waits for it."""
    added = (
        "class Settings: pass\ndef work(settings): pass\n"
        "for _ in range(2):\n"
        "    scheduler.add_job(work, 'interval', args=[Settings()], hours=1, id='own', replace_existing=True)\n"
    )
    (tmp_path / "adds_its_objects.py").write_text("from tests.integration.scheduling import scheduler\n" + added)
    monkeypatch.syspath_prepend(tmp_path)
    place = SimpleNamespace(scheduler=schedulers(shared.store()))
    monkeypatch.setitem(sys.modules, "tests.integration.scheduling", place)

    module = importlib.import_module("adds_its_objects")

    (job,) = place.scheduler.get_jobs()
    sys.modules.pop("adds_its_objects")
    assert type(job.args[0]) is module.Settings


def test_a_claim_may_import_a_module_that_adds_jobs_itself(shared, schedulers, tmp_path, monkeypatch):
    """The function is found between two attempts at the transaction, which would keep the other one waiting."""
    (tmp_path / "decorated_late.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    place = SimpleNamespace(scheduler=schedulers(shared.store()))
    monkeypatch.setitem(sys.modules, "tests.integration.scheduling", place)
    importlib.import_module("decorated_late")
    sys.modules.pop("decorated_late")
    place.scheduler = schedulers(shared.store())

    place.scheduler.start()

    wait_until(lambda: CALLS == [("decorated",)])
    sys.modules.pop("decorated_late")


def test_all_jobs_are_removed_before_the_start(shared, schedulers):
    """Those in the database too."""
    schedulers(shared.store()).add_job(note, "date", run_date=LATER)
    scheduler = schedulers(shared.store())

    scheduler.remove_all_jobs()

    assert shared.execute("SELECT id FROM {jobs}") == []


def test_a_job_of_another_process_is_run_soon(shared, schedulers):
    """At the next poll; on PostgreSQL at once, since it is told."""
    running = schedulers(shared.store(poll_interval=30 if shared.family == "postgresql" else 0.2))
    running.start()
    stays_false(lambda: False, 0.3)

    schedulers(shared.store()).add_job(note, args=["now"])

    wait_until(lambda: CALLS == [("now",)], 2)


# -- several at once -----------------------------------------------------------------------------------------------


def test_many_schedulers_may_start_at_once_on_an_empty_database(shared, schedulers):
    """The tables are made once, and nobody fails."""
    made = [schedulers(shared.store()) for _ in range(6)]
    threads = [Thread(target=scheduler.start) for scheduler in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert all(scheduler.running for scheduler in made)
    assert shared.execute("SELECT value FROM {meta} WHERE name = 'version'") == [("1",)]
    assert len(shared.execute("SELECT id FROM {schedulers}")) == 6


def test_max_instances_counts_the_runs_of_all_processes(shared, schedulers):
    """A job that runs in one process is not begun by another one while it may not."""
    events: list = []
    made = [schedulers(shared.store(poll_interval=0.1)) for _ in range(2)]
    for scheduler in made:
        scheduler.add_listener(events.append, EVENT_JOB_MAX_INSTANCES)
        scheduler.start()
    made[0].add_job(slow, "interval", seconds=0.2, id="job", max_instances=1)

    wait_until(lambda: len(events) >= 3, 5)

    assert len(CALLS) == 1
    skipped = made[0].get_runs(outcome="skipped")
    assert len(skipped) >= 3
    assert "(max_instances=1)" in skipped[0].reason


def test_the_same_jobs_added_by_every_process_keep_their_schedule(shared, schedulers):
    """`replace_existing=True` at each start neither restarts the interval nor runs anything twice."""
    stores = [shared.store() for _ in range(3)]
    runs, rows = [], []
    for store in stores:
        scheduler = schedulers(store)
        job = scheduler.add_job(note, "interval", hours=1, id="job", replace_existing=True)
        runs.append(job.next_run_time)
        rows.append(shared.execute("SELECT * FROM {jobs}"))

    assert len(set(runs)) == 1
    assert rows[0] == rows[1] == rows[2]


def test_a_job_that_was_added_anew_by_another_process_is_not_taken_for_its_predecessor(shared, schedulers):
    """Restored jobs are kept, but not beyond a change, a removal and another job of the same id."""
    first, second = schedulers(shared.store()), schedulers(shared.store())
    first.add_job(note, "date", ["first"], run_date=LATER, id="job")
    assert first.get_job("job").args == ("first",)
    second.remove_job("job")

    second.add_job(note, "date", ["second"], run_date=LATER, id="job")

    assert first.get_job("job").args == ("second",)


def test_a_job_is_what_it_was_when_it_was_added(shared, schedulers):
    """An argument that is changed later changes no stored job, in the process that has added it either."""
    scheduler = schedulers(shared.store())
    argument = ["before"]
    scheduler.add_job(note, args=[argument])
    argument[0] = "after"

    scheduler.start()

    wait_until(lambda: CALLS == [(["before"],)])


def test_no_change_is_lost_when_several_change_a_job(shared, schedulers):
    """Each is decided on what the one before has made."""
    made = [schedulers(shared.store()) for _ in range(3)]
    made[0].add_job(note, "date", run_date=LATER, id="job", args=[0])

    def count(scheduler):
        store = scheduler._catalog.stores["default"]
        for _ in range(10):
            store.change_job("job", lambda job: job._decide({"args": [job.args[0] + 1]}))

    threads = [Thread(target=count, args=[scheduler]) for scheduler in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert made[0].get_job("job").args == (30,)


def test_a_database_without_locks_on_rows_compares(shared, schedulers, monkeypatch):
    """Where rows cannot be locked, a claim advances each by comparing it with what it has read: each run once."""
    from apscheduler_lite.jobstores.sqlalchemy.databases import Database

    monkeypatch.setattr(Database, "skips_locked", property(lambda _: False))
    monkeypatch.setattr(Database, "compares", property(lambda _: True))
    made = [schedulers(shared.store(poll_interval=0.05)) for _ in range(3)]
    for scheduler in made:
        scheduler.start()
    made[0].add_jobs([{"func": note, "args": [number]} for number in range(200)])

    wait_until(lambda: len(CALLS) >= 200)
    stays_false(lambda: len(CALLS) > 200, 0.3)

    assert sorted(CALLS) == [(number,) for number in range(200)]


# -- history -------------------------------------------------------------------------------------------------------


def test_runs_are_recorded(shared, schedulers):
    """What was run, when, where, and how it ended; also of jobs that are gone."""
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(fail, id="job", name="A name")
    wait_until(lambda: scheduler.get_runs(outcome="error"))
    (run,) = scheduler.get_runs(job_id="job")

    assert (run.job_id, run.job_name, run.jobstore, run.executor, run.attempt) == (
        "job", "A name", "default", "default", 1,
    )  # fmt: skip
    assert run.reason == "error: ZeroDivisionError: as it was told to"
    assert "raise ZeroDivisionError" in run.traceback
    assert run.due <= run.started <= run.finished
    assert run.pid == os.getpid()
    assert scheduler.get_runs(job_id="another") == scheduler.get_runs(outcome="executed") == []
    assert scheduler.get_runs(since=LATER) == []


def test_old_runs_are_pruned(shared, schedulers):
    """In the background, by age."""
    scheduler = schedulers(shared.store(keep_runs=1, heartbeat_interval=0.2, dead_after=5))
    scheduler.start()
    scheduler.add_job(note)
    wait_until(lambda: scheduler.get_runs(outcome="executed"))
    old = int((time.time() - 10) * 1e6)  # noqa: TID251
    shared.execute("UPDATE {runs} SET finished = :old", old=old)
    scheduler._catalog.stores["default"]._keeper._prune_at = 0

    wait_until(lambda: not scheduler.get_runs())


def test_no_history_is_kept_where_none_is_wanted(shared, schedulers):
    """`keep_runs=0` deletes a run's row when it ends."""
    scheduler = schedulers(shared.store(keep_runs=0))
    scheduler.start()
    scheduler.add_job(note)
    wait_until(lambda: CALLS)

    wait_until(lambda: not shared.execute("SELECT id FROM {runs}"))
    assert scheduler.get_runs() == []


# -- the loop ------------------------------------------------------------------------------------------------------


def test_a_slow_database_does_not_hold_up_the_event_loop(sqlite):
    """AsyncIOScheduler asks the store on a thread: the loop goes on while a claim takes its time."""
    store = sqlite.store()
    claim_due = store.claim_due

    def slow_claim(*args):
        time.sleep(0.3)  # noqa: TID251 - a slow database
        return claim_due(*args)

    store.claim_due = slow_claim
    gaps = []

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": store})
        scheduler.start()
        await asyncio.to_thread(scheduler.add_job, note, args=["ran"])
        begin = asyncio.get_running_loop().time()
        before = begin
        while not CALLS and before < begin + 10:
            await asyncio.sleep(0.005)
            now = asyncio.get_running_loop().time()
            gaps.append(now - before)
            before = now
        await scheduler.shutdown()

    CALLS.clear()
    asyncio.run(main())

    assert CALLS == [("ran",)]
    assert max(gaps) < 0.2


def test_a_forked_child_leaves_the_parents_connections_alone(shared, schedulers):
    """The child can use the store on connections of its own; the parent goes on as before."""
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(note, "date", run_date=LATER, id="of the parent")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert not scheduler.running
            scheduler.add_job(note, "date", run_date=LATER, id="of the child")
            code = 0 if len(scheduler.get_jobs()) == 2 else 2
        finally:
            os._exit(code)

    assert os.waitpid(child, 0)[1] == 0
    assert len(scheduler.get_jobs()) == 2
    scheduler.add_job(note, args=["after the fork"])
    wait_until(lambda: CALLS == [("after the fork",)])


def test_a_forked_child_has_connections_of_its_own_before_the_start(postgres, schedulers):
    """As where a web server adds jobs, then forks its workers, and these start their schedulers."""
    store = postgres.store()
    scheduler = schedulers(store)
    scheduler.add_job(note, "date", run_date=LATER, id="first")
    scheduler.add_job(note, "date", run_date=LATER, id="waits to be written")

    def connection():
        return store._database.read(lambda opened: opened.exec_driver_sql("SELECT pg_backend_pid()").scalar())

    parents = connection()
    scheduler.add_job(note, "date", run_date=LATER, id="waits too")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            scheduler.add_job(note, "date", run_date=LATER, id="of the child")
            code = 0 if connection() != parents and "of the child" in {job.id for job in scheduler.get_jobs()} else 2
        finally:
            os._exit(code)

    assert os.waitpid(child, 0)[1] == 0
    assert {job.id for job in scheduler.get_jobs()} == {"first", "waits to be written", "waits too", "of the child"}
    assert connection() == parents


def test_a_commit_that_broke_off_is_found_out(shared, schedulers):
    """Runs whose claim was committed although the connection broke are given back, and run once."""
    store = shared.store(heartbeat_interval=0.2, dead_after=5)
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.add_job(note, args=["once"])
    # As it is when the answer to COMMIT is lost: the claim has taken place, and nobody here knows of it.
    claim = store.claim_due(scheduler.clock.now(), {"default": 1})
    for run in claim.runs:
        store._keeper.forget(run)
    store._keeper.commit_is_open()
    scheduler.resume()

    wait_until(lambda: CALLS == [("once",)])
    assert stays_false(lambda: len(CALLS) > 1, 0.3)


def test_a_run_whose_process_dies_each_time_is_given_up(shared, schedulers, monkeypatch):
    """With `on_crash="rerun"` it is begun as often as may be, and not for ever; its record says why no more."""
    monkeypatch.setattr(aftermath, "ATTEMPTS", 3)
    attempts, told = [], []
    for number in range(5):
        store = shared.store()
        scheduler = schedulers(store)
        if not number:
            scheduler.add_job(note, on_crash="rerun", id="deadly")
        scheduler.start(paused=True)
        claim = store.claim_due(scheduler.clock.now(), {"default": 1})
        attempts += [run.attempt for run in claim.runs]
        told += [run.reason for run in claim.interrupted]
        store.shutdown()
        store.shutdown()  # it is not waited for what has been claimed
        shared.execute("UPDATE {schedulers} SET process = 'another one with its pid'")

    assert attempts == [1, 2, 3]
    reasons = [row.reason for row in shared.execute("SELECT * FROM {runs} ORDER BY attempt")]
    assert reasons == told
    assert ["3 in all" in reason for reason in reasons] == [False, False, True]
    assert all(reason.startswith("interrupted: its process") for reason in reasons)
    assert shared.execute("SELECT id FROM {jobs}") == []


def test_what_a_dead_process_leaves_is_restored_outside_the_transaction(sqlite, schedulers, monkeypatch):
    """To restore a job imports a module, which may add jobs itself, or take its time while others wait for the file."""
    first, second = sqlite.store(), sqlite.store()
    scheduler = schedulers(first)
    scheduler.add_job(note, id="cut")
    scheduler.start(paused=True)
    assert first.claim_due(scheduler.clock.now(), {"default": 1}).runs
    first.shutdown()
    first.shutdown()
    sqlite.execute("UPDATE {schedulers} SET process = 'another one with its pid'")
    restore = second._documents.restore

    def restore_while_another_writes(row, *args):
        with closing(sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # raises where the file is locked
        return restore(row, *args)

    monkeypatch.setattr(second._documents, "restore", restore_while_another_writes)
    successor = schedulers(second)
    successor.start(paused=True)

    (run,) = second.claim_due(successor.clock.now(), {"default": 1}).interrupted
    assert run.job.id == "cut"


def test_interrupted_time_is_not_silence():
    """A process that was frozen itself has not watched the others meanwhile, and takes none of them for dead."""
    from apscheduler_lite.jobstores.sqlalchemy.liveness import Watch

    watch = Watch.__new__(Watch)
    watch._longest_gap = 1.0

    assert watch.counted(100.0) == 1.0
    assert watch.counted(0.4) == 0.4


def test_a_year_passes_between_two_polls(sqlite, schedulers):
    """The first look finds a job whatever its time."""
    scheduler = schedulers(sqlite.store())
    scheduler.start()
    scheduler.add_job(note, "date", run_date=datetime.now(timezone.utc) + timedelta(days=365))  # noqa: TID251

    assert stays_false(lambda: CALLS, 0.2)
