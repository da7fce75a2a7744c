"""
Runs on a Dask cluster whose workers and schedulers are killed: none is lost, none is doubled.

``FAULTS=full`` makes as many runs as the promise was made for; the daily suite does the same with fewer.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from apscheduler_lite import BackgroundScheduler, current_run
from tests.databases import place
from tests.faults.dask_processes import DaskProcesses
from tests.faults.fleet import FULL, Fleet, note, work
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

RUNS = 2_000 if FULL else 200


@pytest.fixture
def sqlite():
    """Give a place on SQLite."""
    with place("sqlite") as made:
        yield made


@pytest.fixture
def cluster(tmp_path):
    """Start a Dask scheduler and two workers with two threads each."""
    with DaskProcesses(tmp_path) as made:
        yield made


def work_until(gate):
    """Note the begin of the run, wait until there is a file of that name, and note its end."""
    note("begin", current_run())
    wait_until(Path(gate).exists, 60, "the gate")
    note("end", current_run())


def add(made, jobs):
    """Add jobs from a scheduler that is never started."""
    store = made.store()
    BackgroundScheduler(timezone="UTC", jobstores={"default": store}).add_jobs(jobs)
    store.shutdown()


def one_shots(count, **options):
    """Return the arguments of so many jobs that are due now, once."""
    return [{"func": work, "args": [0.005], "id": f"job {number}", **options} for number in range(count)]


def unfinished(made):
    """Return how many jobs wait and how many runs go on."""
    waiting = made.execute("SELECT COUNT(*) FROM {jobs}")[0][0]
    return waiting + made.execute("SELECT COUNT(*) FROM {runs} WHERE finished IS NULL")[0][0]


def check(fleet, count, on_crash):
    """Hold the records and the notes of one-shot jobs against the promise, and return the outcomes."""
    records = fleet.records()
    begun = Counter(note.job_id for note in fleet.notes() if note.what == "begin")
    outcomes = Counter(row.outcome for row in records)
    assert {row.job_id for row in records} == {f"job {number}" for number in range(count)}
    assert len(records) == count
    assert set(outcomes) <= {"executed", "interrupted"}
    assert all(begun[row.job_id] >= 1 for row in records if row.outcome == "executed")
    assert on_crash == "rerun" or max(begun.values()) == 1
    return outcomes


@pytest.mark.parametrize("on_crash", ["skip", "rerun"])
def test_no_run_is_lost_or_doubled_when_a_worker_is_killed(sqlite, cluster, on_crash, tmp_path):
    """What the dead worker had is interrupted, and Dask does not repeat it unless the job says so."""
    add(sqlite, one_shots(RUNS, on_crash=on_crash))

    with Fleet(sqlite, tmp_path, executor={"type": "dask", "address": cluster.address, "prefetch": 4}) as fleet:
        fleet.start()
        fleet.wait_for(RUNS // 2)
        cluster.workers[0].kill()
        wait_until(lambda: unfinished(sqlite) == 0, 120, f"all runs to end; log: {fleet.tail()}")
        fleet.stop()
        outcomes = check(fleet, RUNS, on_crash)

    # As many as were with the worker, and none where they are run again.
    assert outcomes["interrupted"] <= (8 if on_crash == "skip" else 0)


def test_a_worker_of_a_local_cluster_is_killed(sqlite, tmp_path, monkeypatch):
    """As before, with the cluster that Dask makes on one machine, which replaces its dead worker."""
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv("FLEET_NOTES", str(tmp_path / "notes"))
    add(sqlite, one_shots(RUNS))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0") as local,
        Fleet(sqlite, tmp_path, executor={"type": "dask", "address": local.scheduler_address}) as fleet,
    ):
        fleet.start()
        fleet.wait_for(RUNS // 2)
        os.kill(next(iter(local.workers.values())).pid, signal.SIGKILL)
        wait_until(lambda: unfinished(sqlite) == 0, 120, f"all runs to end; log: {fleet.tail()}")
        fleet.stop()
        outcomes = check(fleet, RUNS, "skip")

    assert outcomes["interrupted"] <= 4


def test_a_worker_that_leaves_in_good_order_doubles_nothing(sqlite, cluster, tmp_path):
    """Dask moves the tasks of a worker that is retired; what it has begun is not begun a second time."""
    gate = tmp_path / "gate"
    add(sqlite, [{"func": work_until, "args": [str(gate)], "id": f"job {number}"} for number in range(4)])

    with (
        Fleet(sqlite, tmp_path, executor={"type": "dask", "address": cluster.address}) as fleet,
        distributed.Client(cluster.address, set_as_default=False) as client,
    ):
        fleet.start()
        fleet.wait_for(4)
        address = next(iter(client.scheduler_info()["workers"]))
        client.retire_workers([address], close_workers=True)
        ended = "SELECT COUNT(*) FROM {runs} WHERE outcome = 'interrupted'"
        wait_until(lambda: sqlite.execute(ended)[0][0] == 2, 30, f"two cut runs; log: {fleet.tail()}")
        gate.touch()
        wait_until(lambda: unfinished(sqlite) == 0, 60, "all runs to end")
        fleet.stop()
        outcomes = check(fleet, 4, "skip")

    assert outcomes == {"executed": 2, "interrupted": 2}


def test_the_runs_of_a_dead_scheduler_are_adopted(sqlite, cluster, tmp_path):
    """They went on in Dask meanwhile: the next scheduler finds them by their keys, and their outcomes are known."""
    gate = tmp_path / "gate"
    add(sqlite, [{"func": work_until, "args": [str(gate)], "id": f"job {number}"} for number in range(4)])
    add(sqlite, [{"func": work, "id": f"job {number}"} for number in range(4, 8)])

    with Fleet(sqlite, tmp_path, executor={"type": "dask", "address": cluster.address, "max_workers": 4}) as fleet:
        first = fleet.start()
        wait_until(lambda: len(fleet.notes()) == 4, 30, f"four runs in progress; log: {fleet.tail()}")
        first.kill()
        first.wait()
        second = fleet.start()
        wait_until(lambda: {row.pid for row in fleet.records()} == {second.pid}, 30, f"adoption; {fleet.tail()}")
        gate.touch()
        wait_until(lambda: unfinished(sqlite) == 0, 60, f"all runs to end; log: {fleet.tail()}")
        fleet.stop()
        outcomes = check(fleet, 8, "skip")
        begun = fleet.begun()

    assert outcomes == {"executed": 8}
    assert set(begun.values()) == {1}


@pytest.mark.parametrize("on_crash", ["skip", "rerun"] if FULL else ["skip"])
def test_a_scheduler_is_killed_again_and_again(sqlite, cluster, on_crash, tmp_path):
    """Each time the next one goes on with all that was in progress."""
    count, kills = (RUNS, 5) if FULL else (RUNS, 2)
    add(sqlite, one_shots(count, on_crash=on_crash))

    with Fleet(sqlite, tmp_path, executor={"type": "dask", "address": cluster.address, "prefetch": 4}) as fleet:
        for number in range(1, kills + 1):
            process = fleet.start()
            fleet.wait_for(count * number // (kills + 1))
            process.kill()
            process.wait()
        fleet.start()
        wait_until(lambda: unfinished(sqlite) == 0, 120, f"all runs to end; log: {fleet.tail()}")
        fleet.stop()
        outcomes = check(fleet, count, on_crash)

    # What was claimed in the moment of the kill, and had not reached Dask.
    assert outcomes["interrupted"] <= (8 * kills if on_crash == "skip" else 0)


def test_four_schedulers_on_one_table_run_each_run_once(cluster, tmp_path):
    """With one PostgreSQL before them and one Dask cluster behind them."""
    seconds = 20 if FULL else 3
    with place("postgresql") as shared:
        begin = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=4)  # noqa: TID251
        end = begin + timedelta(seconds=seconds - 0.5)
        every = {"func": work, "trigger": "interval", "seconds": 1, "start_date": begin, "end_date": end}
        add(shared, [{**every, "coalesce": False, "max_instances": 9, "id": f"job {number}"} for number in range(20)])
        with Fleet(shared, tmp_path, executor={"type": "dask", "address": cluster.address}) as fleet:
            for _ in range(4):
                fleet.start()
            wait_until(lambda: unfinished(shared) == 0, 90, f"all runs to end; log: {fleet.tail()}")
            fleet.stop()
            begun, records = fleet.begun(), fleet.records()

    assert len(begun) == 20 * seconds
    assert set(begun.values()) == {1}
    assert Counter(row.outcome for row in records) == {"executed": 20 * seconds}
    assert len({row.pid for row in records}) > 1


@pytest.mark.parametrize("on_crash", ["skip", "rerun"] if FULL else ["rerun"])
def test_the_dask_scheduler_is_killed(sqlite, cluster, on_crash, tmp_path):
    """What it had is interrupted or run again; what is due waits until there is a cluster again."""
    add(sqlite, one_shots(RUNS // 3, on_crash=on_crash))

    with Fleet(sqlite, tmp_path, executor={"type": "dask", "address": cluster.address}) as fleet:
        fleet.start()
        fleet.wait_for(RUNS // 6)
        cluster.scheduler.kill()
        for worker in cluster.workers:
            worker.kill()
        cluster.scheduler.wait()
        cluster.start_scheduler()
        cluster.start_worker()
        wait_until(lambda: unfinished(sqlite) == 0, 90, f"all runs to end; log: {fleet.tail()}")
        fleet.stop()
        outcomes = check(fleet, RUNS // 3, on_crash)

    assert outcomes["interrupted"] <= (4 if on_crash == "skip" else 0)
