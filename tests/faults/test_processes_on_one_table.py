"""
Processes that share a table: each run once, whatever happens to them.

``FAULTS=full`` takes the durations that the promise was made for; the daily suite does the same in a few seconds.
"""

from __future__ import annotations

import random
import signal
from datetime import datetime, timedelta, timezone

import pytest

from apscheduler_lite import BackgroundScheduler
from tests.databases import FAMILIES, place
from tests.faults.fleet import FULL, Fleet, expected, seconds, work
from tests.waiting import stays_false, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(params=FAMILIES)
def shared(request):
    """Give a place on one of the databases."""
    with place(request.param) as made:
        yield made


@pytest.fixture
def sqlite():
    """Give a place on SQLite."""
    with place("sqlite") as made:
        yield made


def soon(delay: float = 2.0) -> datetime:
    """Return a whole second that lies a little ahead, when the processes will be there."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=delay)  # noqa: TID251


def add(made, jobs):
    """Add jobs from a scheduler that is never started."""
    store = made.store()
    BackgroundScheduler(timezone="UTC", jobstores={"default": store}).add_jobs(jobs)
    store.shutdown()


def twenty_a_second(begin, duration, **options):
    """Return the arguments of 20 jobs that fire once a second each, and the fire times that are to be run."""
    jobs = [f"job {number}" for number in range(20)]
    every = {"seconds": 1, "start_date": begin, "end_date": begin + timedelta(seconds=duration - 0.5)}
    # Said in so many words when they are due first: on a busy machine that has come before they have been added.
    common = {"func": work, "trigger": "interval", "coalesce": False, "max_instances": 1000, "next_run_time": begin}
    arguments = [{**common, **every, "id": job, **options} for job in jobs]
    return arguments, expected(jobs, round(begin.timestamp()) * 1_000_000, 1_000_000, int(duration))


def test_each_run_is_run_by_exactly_one_process(shared, tmp_path):
    """Four processes on one table run every fire time of 20 jobs a second, each once."""
    jobs, fire_times = twenty_a_second(soon(), seconds(4, 20), args=[0.02])
    add(shared, jobs)

    with Fleet(shared, tmp_path, workers=5) as fleet:  # too few for one process to run them all at once
        for _ in range(4):
            fleet.start()
        fleet.wait_for(len(fire_times))
        fleet.stop()
        begun = fleet.begun()
        pids = {note.pid for note in fleet.notes()}
        outcomes = [row.outcome for row in fleet.records()]

    assert set(begun) == fire_times
    assert set(begun.values()) == {1}
    assert outcomes == ["executed"] * len(fire_times)
    assert len(pids) > 1


@pytest.mark.parametrize("on_crash", ["skip", "rerun"])
def test_no_run_is_lost_or_doubled_when_processes_are_killed(shared, on_crash, tmp_path):
    """A run that its process's death cut is interrupted, and run again where that is wanted; all others run once."""
    duration = seconds(3, 20)
    jobs, fire_times = twenty_a_second(soon(), duration, args=[0.03], on_crash=on_crash)
    add(shared, jobs)
    chance = random.Random(on_crash)

    with Fleet(shared, tmp_path, workers=5) as fleet:
        living = [fleet.start() for _ in range(4)]
        wait_until(fleet.notes, 60, "a first run")
        for _ in range(int(duration)):
            stays_false(lambda: False, chance.uniform(0.7, 1.3))
            victim = chance.randrange(4)
            living[victim].kill()
            living[victim] = fleet.start()
        ends = "SELECT COUNT(*) FROM {runs} WHERE finished IS NULL"
        due = "SELECT COUNT(*) FROM {jobs} WHERE next_run_time IS NOT NULL"
        wait_until(lambda: shared.execute(due)[0][0] == 0, 60, "the schedules to end")
        wait_until(lambda: shared.execute(ends)[0][0] == 0, 60, "the runs to end")
        fleet.stop()
        records, notes, begun = fleet.records(), fleet.notes(), fleet.begun()

    assert {(row.job_id, row.due) for row in records} == fire_times
    interrupted = [row for row in records if row.outcome == "interrupted"]
    assert {row.outcome for row in records} <= {"executed", "interrupted"}
    assert all(row.reason.startswith("interrupted: its process") for row in interrupted)
    once = {(row.job_id, row.due) for row in records} - {(row.job_id, row.due) for row in interrupted}
    assert all(begun[each] == 1 for each in once)
    assert len({note.run_id for note in notes if note.what == "begin"}) == sum(begun.values())
    if on_crash == "skip":
        assert len(records) == len(fire_times)
        assert max(begun.values()) == 1
    else:
        executed = [row for row in records if row.outcome == "executed"]
        assert {(row.job_id, row.due) for row in executed} == fire_times
        assert len(executed) == len(fire_times)
        assert {row.attempt for row in executed if (row.job_id, row.due) not in once} <= set(range(2, 10))


def test_a_process_that_was_frozen_runs_nothing_that_others_have_run(shared, tmp_path):
    """What it had claimed and not begun was taken over meanwhile; it finds that out before it begins."""
    dead_after = seconds(1.5, 6)
    jobs = [
        {"func": work, "id": f"job {number}", "args": [0.2], "on_crash": "rerun", "next_run_time": soon(0)}
        for number in range(15)
    ]
    add(shared, jobs)

    # The queue of the one to be frozen holds all jobs: one worker, and a prefetch of the rest.
    with Fleet(shared, tmp_path, heartbeat_interval=0.25, dead_after=dead_after) as fleet:
        frozen = fleet.start(max_workers=1, prefetch=20)
        fleet.wait_for(1)
        wait_until(lambda: len(fleet.records()) == 15, what="the claim of all jobs")
        frozen.send_signal(signal.SIGSTOP)
        fleet.start()
        for _ in range(5):
            try:
                fleet.wait_for(15, 20)
                break
            except AssertionError:
                # It was stopped within a transaction, whose locks its database keeps as long as it stands still: let it
                # end that, and stop it again.
                frozen.send_signal(signal.SIGCONT)
                stays_false(lambda: False, 0.05)
                frozen.send_signal(signal.SIGSTOP)
        fleet.wait_for(15)
        stays_false(lambda: False, dead_after)
        frozen.send_signal(signal.SIGCONT)
        stays_false(lambda: False, 2)
        fleet.stop()
        notes, records = fleet.notes(), fleet.records()

    begun = [note for note in notes if note.what == "begin"]
    by_frozen = [note for note in begun if note.pid == frozen.pid]
    assert {note.job_id for note in begun} == {job["id"] for job in jobs}
    cut = {row.job_id for row in records if row.outcome == "interrupted"}
    # The run that it was in when it was frozen is the only one that may have been begun twice.
    doubled = {note.job_id for note in begun if note.attempt == 2} & {note.job_id for note in by_frozen}
    assert len(doubled) <= 1
    assert len(by_frozen) < 15
    assert len(cut) == 15 - (len(by_frozen) - len(doubled))
    assert len(begun) == 15 + len(doubled)


@pytest.mark.parametrize("on_crash", ["skip", "rerun"])
def test_a_process_that_is_killed_again_and_again_loses_no_waiting_run(sqlite, on_crash, tmp_path):
    """A burst of one-shot jobs waits in a SQLite file for ten workers: each is begun once, but for those cut."""
    kills, count = (50, 2_000) if FULL else (5, 250)
    add(
        sqlite, [{"func": work, "id": f"job {number}", "args": [0.01], "on_crash": on_crash} for number in range(count)]
    )
    chance = random.Random(on_crash)

    with Fleet(sqlite, tmp_path) as fleet:
        for _ in range(kills):
            process = fleet.start()
            before = len(fleet.notes())
            wait_until(lambda before=before: len(fleet.notes()) > before or not unfinished(sqlite), 30, fleet.tail())
            stays_false(lambda: False, chance.uniform(0, 0.05))
            process.kill()
            process.wait()
        fleet.start()
        wait_until(lambda: unfinished(sqlite) == 0, 120, "all runs to end")
        fleet.stop()
        records, begun = fleet.records(), fleet.begun()
        left = sqlite.execute("SELECT COUNT(*) FROM {jobs}")[0][0]

    assert left == 0
    assert {row.job_id for row in records} == {f"job {number}" for number in range(count)}
    interrupted = {row.job_id for row in records if row.outcome == "interrupted"}
    executed = {row.job_id for row in records if row.outcome == "executed"}
    times = {job_id: number for (job_id, _), number in begun.items()}
    assert all(times[job_id] == 1 for job_id in executed - interrupted)
    assert interrupted
    if on_crash == "skip":
        assert not executed & interrupted
        assert max(times.values()) == 1
    else:
        assert len(executed) == count
        assert sum(row.outcome == "executed" for row in records) == count


def unfinished(made):
    """Return how many jobs wait and how many runs go on."""
    waiting = made.execute("SELECT COUNT(*) FROM {jobs}")[0][0]
    return waiting + made.execute("SELECT COUNT(*) FROM {runs} WHERE finished IS NULL")[0][0]
