"""Runs on Dask that are stopped: by their time limit, or because somebody cancels them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import JobCancelledError, JobTimeoutError
from apscheduler_lite.events import EVENT_JOB_EXECUTED, EVENT_JOB_INTERRUPTED
from apscheduler_lite.executors import _attempt
from apscheduler_lite.runs import Outcome, Run
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.testing._executor_bench import Recorder, hold
from tests.running import running
from tests.waiting import wait_until

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

from apscheduler_lite.executors.dask import DaskExecutor  # noqa: E402 - it needs Dask

called = []
"""What the functions below have noted: the workers are threads of this process."""


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster whose one worker is two threads of this process."""
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as made:
        yield made


@pytest.fixture
def gate(tmp_path):
    """Return the name of the file that held runs wait for; it is there when the test is over."""
    called.clear()
    yield str(tmp_path / "gate")
    (tmp_path / "gate").touch()


@pytest.fixture
def executor(cluster, gate):
    """Start an executor by a clock that nobody moves: what happens in time, happens by the worker's clock."""
    scheduler = Recorder()
    scheduler.clock = ManualClock()
    made = DaskExecutor(cluster)
    made.start(scheduler, "default")
    yield made
    Path(gate).touch()
    made.shutdown()


def submit(executor, func, *args, **options):
    """Hand a new run of a new job to the executor."""
    job = BackgroundScheduler(timezone="UTC").add_job(func, args=args, id="job", **options)
    now = executor._clock.now()
    run = Run.of(job, "default", now, now)
    executor.submit_run(run)
    return run


def end_of(executor, run):
    """Wait for the run to be reported, and return it."""
    wait_until(lambda: run in executor._scheduler.ended, 30, "the end of the run")
    return run


def note_call():
    """Note that the function was called."""
    called.append("called")


async def note_call_later():
    """Note that the function was called."""
    note_call()


async def clean_up():
    """Hang, and clean up when that is over."""
    called.append("begun")
    try:
        await asyncio.sleep(600)
    finally:
        await asyncio.sleep(0)
        called.append("cleaned up")


async def hang_first():
    """Hang when it is called for the first time."""
    await (clean_up() if not called else note_begin())


async def note_begin():
    """Note that the function has begun."""
    called.append("begun")


async def swallow(gate):
    """Go on although it is cancelled."""
    while True:
        try:
            return await asyncio.to_thread(hold, gate)
        except asyncio.CancelledError:
            called.append("swallowed")


def address_of_worker():
    """Return where this runs, as Dask tells its tasks."""
    return distributed.get_worker().address


def test_a_function_is_left_to_itself_at_its_time_limit(executor, gate):
    """The worker has its thread back, and the report shows where the function hangs."""
    run = end_of(executor, submit(executor, hold, gate, timeout=0.2))

    assert run.outcome == Outcome.TIMED_OUT
    assert isinstance(run.exception, JobTimeoutError)
    assert "in hold" in run.traceback


def test_a_coroutine_cleans_up_at_its_time_limit(executor):
    """It is cancelled, and reported when it has ended."""
    run = end_of(executor, submit(executor, clean_up, timeout=0.2))

    assert run.outcome == Outcome.TIMED_OUT
    assert called == ["begun", "cleaned up"]


def test_a_coroutine_that_swallows_its_end_is_given_up(executor, gate, monkeypatch):
    """After a while, as a function is."""
    monkeypatch.setattr(_attempt, "PATIENCE", 0.05)
    run = end_of(executor, submit(executor, swallow, gate, timeout=0.2))

    assert run.outcome == Outcome.TIMED_OUT
    assert called == ["swallowed"]


def test_a_function_with_a_time_limit_finds_its_worker(executor, cluster):
    """Dask's own functions work in it as in any other."""
    run = end_of(executor, submit(executor, address_of_worker, timeout=60))

    assert run.retval in cluster.scheduler.workers


def test_a_coroutine_cleans_up_when_it_is_cancelled(executor):
    """It is reported as interrupted when it has ended, and once."""
    run = submit(executor, clean_up)
    wait_until(lambda: called == ["begun"], what="the run to begin")

    assert executor.cancel(run, JobCancelledError("to make room"))
    end_of(executor, run)
    assert (run.outcome, run.reason) == (Outcome.INTERRUPTED, "interrupted: to make room")
    assert called == ["begun", "cleaned up"]
    assert not executor.cancel(run)
    assert executor._scheduler.ended == [run]


def test_a_run_in_dasks_queue_is_cancelled_at_once(executor, gate):
    """It is reported before there is a worker for it, and its function is not called."""
    held = [submit(executor, hold, gate) for _ in range(2)]
    run = submit(executor, note_call_later)

    assert executor.cancel(run)
    end_of(executor, run)
    assert executor._scheduler.ended == [run]
    Path(gate).touch()
    for each in held:
        assert end_of(executor, each).retval == "held"
    assert called == []


def test_a_plain_function_is_not_cancelled(executor, gate):
    """Its thread cannot be stopped, and the call says so."""
    run = submit(executor, hold, gate)

    assert not executor.cancel(run)
    Path(gate).touch()
    assert end_of(executor, run).retval == "held"


def test_the_next_run_of_a_job_takes_the_place_of_one_that_hangs(cluster, gate):
    """Where the job says ``on_overlap="cancel_previous"``."""
    told = []
    clock = ManualClock()
    with running("background", clock=clock, executors={"default": DaskExecutor(cluster)}) as scheduler:
        scheduler.add_listener(told.append, EVENT_JOB_EXECUTED | EVENT_JOB_INTERRUPTED)
        scheduler.add_job(hang_first, "interval", seconds=10, id="job", on_overlap="cancel_previous")

        def comes_to(count):
            clock.advance(0, wait_for_runs=False)  # the executor says by itself when it is connected
            return len(called) >= count

        clock.advance(10, wait_for_runs=False)
        wait_until(lambda: comes_to(1), 30, "the first run to begin")
        clock.advance(10, wait_for_runs=False)
        wait_until(lambda: comes_to(3) and len(told) == 2, 30, "both to end")

    assert [event.code for event in told] == [EVENT_JOB_INTERRUPTED, EVENT_JOB_EXECUTED]
    assert called == ["begun", "cleaned up", "begun"]
