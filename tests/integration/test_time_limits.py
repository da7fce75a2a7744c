"""Runs that last longer than they may: what becomes of them, of their workers, and of impossible wishes."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent import futures
from threading import Event
from threading import enumerate as all_threads

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import JobTimeoutError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.executors import _limits
from apscheduler_lite.executors.base import BaseExecutor
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import BasePoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.runs import Outcome
from apscheduler_lite.testing import ManualClock
from tests.running import running
from tests.waiting import wait_until


class Foreign(BaseExecutor):
    """An executor as written for version 3."""

    def _do_submit_job(self, job, run_times):
        raise NotImplementedError


@pytest.fixture
def gate():
    """Return what the jobs wait for; it is open when the test is over."""
    made = Event()
    yield made
    made.set()


@pytest.fixture
def patience(monkeypatch):
    """Let what has been cancelled have little time to end."""
    monkeypatch.setattr(_limits, "PATIENCE", 0.05)


def hang():
    """Return when the process is killed, or long after the test."""
    time.sleep(600)  # noqa: TID251 - a job that hangs


def own_pid():
    """Return which worker process this is."""
    return os.getpid()


async def swallow(gate, began):
    """Go on although it is cancelled."""
    began.set()
    while not gate.is_set():
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            continue


async def block(gate, began):
    """Hold up the whole loop."""
    began.set()
    gate.wait(20)


def ended(scheduler):
    """Return the list into which the scheduler's outcomes come."""
    events = []
    scheduler.add_listener(events.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    return events


def run_out(scheduler, clock, func, *args, **options):
    """Let the time of a run of that function run out and return the event of its end."""
    events = ended(scheduler)
    scheduler.add_job(func, args=args, timeout=5, **options)
    clock.advance(0, wait_for_runs=False)
    wait_until(lambda: any(run.started for run in scheduler._runs) or events, what="begin of the run")

    def is_over():
        clock.advance(5, wait_for_runs=False)
        return events

    wait_until(is_over, what="end of the run")
    return events[0]


def test_the_thread_is_named_and_counted(gate, caplog):
    """The log says which thread is left to itself, with what, and where in it it hangs."""
    clock = ManualClock()
    with running("background", clock=clock) as scheduler:
        assert scheduler.abandoned_threads == 0
        event = run_out(scheduler, clock, gate.wait, 20, id="hung")

        assert scheduler.abandoned_threads == 1
        assert event.run.outcome == Outcome.TIMED_OUT
        assert isinstance(event.exception, JobTimeoutError)
        assert event.exception.seconds == 5
        assert "threading.py" in event.traceback
        assert "_running.py" not in event.traceback
        (line,) = [each for each in caplog.records if getattr(each, "action", "") == "thread_abandoned"]
        assert 'Thread "apscheduler_lite.default_0" cannot be stopped' in line.getMessage()
        run_out(scheduler, clock, gate.wait, 20, id="hung too")
        assert scheduler.abandoned_threads == 2
        gate.set()
        wait_until(lambda: "after it had been given up" in caplog.text)


@pytest.mark.parametrize("kind", ["background", "asyncio"])
@pytest.mark.parametrize("func", [swallow, block], ids=["swallows", "blocks"])
def test_a_coroutine_that_does_not_end_when_cancelled_is_given_up(kind, func, gate, patience, caplog):
    """It may swallow the cancellation, or never hear of it since it blocks its loop: the slot is freed in any case."""
    clock = ManualClock()
    with running(kind, clock=clock) as scheduler:
        events, began = ended(scheduler), Event()
        scheduler.add_job(func, args=[gate, began], timeout=5, id="job")
        clock.advance(0, wait_for_runs=False)
        assert began.wait(15)
        clock.advance(5, wait_for_runs=False)
        wait_until(lambda: not scheduler._runs)
        gate.set()
        wait_until(lambda: events)
        wait_until(lambda: "after it had been given up" in caplog.text)

        assert events[0].run.outcome == Outcome.TIMED_OUT
        assert len(events) == 1


def test_the_worker_process_alone_is_killed():
    """The other worker is the same as before, and the pool goes on with a new one."""
    clock = ManualClock()
    with running(
        "background", clock=clock, executors={"default": ProcessPoolExecutor(1), "other": ProcessPoolExecutor(1)}
    ) as scheduler:
        events = ended(scheduler)

        def pid_of(executor):
            before = len(events)
            scheduler.add_job(own_pid, executor=executor)
            clock.settle()
            wait_until(lambda: len(events) > before)
            return events[-1].retval

        first, other = pid_of("default"), pid_of("other")
        assert pid_of("default") == first
        event = run_out(scheduler, clock, hang)
        assert event.run.outcome == Outcome.TIMED_OUT
        assert pid_of("default") != first
        assert pid_of("other") == other
        assert scheduler.abandoned_threads == 0


def test_without_limits_there_is_no_watch():
    """The thread that watches is started by the first run that has one."""

    def watches():
        return [thread.name for thread in all_threads() if thread.name.endswith(".limits")]

    wait_until(lambda: not watches(), what="end of those of other tests")
    with running("background") as scheduler:
        events = ended(scheduler)
        scheduler.add_job(own_pid)
        wait_until(lambda: events)
        assert watches() == []
        scheduler.add_job(own_pid, timeout=60)
        wait_until(lambda: len(events) == 2)
        assert watches() == ["apscheduler_lite.executors.default.limits"]
    wait_until(lambda: not watches(), what="end of the watch with the scheduler")


def test_a_shutdown_ends_with_the_time_limit(gate):
    """`shutdown(wait=True)` waits for a hung run as long as it may last."""
    with running("background") as scheduler:
        scheduler.add_job(gate.wait, args=[20], timeout=0.2, id="hung")
        wait_until(lambda: scheduler._runs)
        scheduler.shutdown()
        assert scheduler.abandoned_threads == 1


def test_the_schedule_goes_on_while_a_run_hangs(gate):
    """The slot of `max_instances` is free again: of a job that hangs each time, each run is given up in turn."""
    clock = ManualClock()
    with running("background", clock=clock) as scheduler:
        events = ended(scheduler)
        scheduler.add_job(gate.wait, "interval", args=[20], seconds=10, timeout=5)
        clock.advance(5)
        for number in range(3):
            clock.advance(5, wait_for_runs=False)
            wait_until(lambda: any(run.ending for run in scheduler._runs))
            clock.advance(5, wait_for_runs=False)
            wait_until(lambda number=number: len(events) == number + 1)
        assert {event.run.outcome for event in events} == {Outcome.TIMED_OUT}
        assert scheduler.abandoned_threads == 3


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", [DebugExecutor, Foreign], ids=["debug", "version-3"])
@pytest.mark.parametrize("option", [{"timeout": 5}, {"on_overlap": "cancel_previous"}], ids=["timeout", "cancel"])
def test_an_executor_that_cannot_refuses_at_the_call(executor, option):
    """By the name of the option, of the executor and of one that can; nothing is added or changed."""
    scheduler = BackgroundScheduler(executors={"default": executor(), "threads": ThreadPoolExecutor()})
    job = scheduler.add_job(hang, "interval", hours=1, id="job")
    (name,) = option

    with pytest.raises(ValueError, match=rf"{name}=.*'default' \({executor.__name__}\).*ProcessPoolExecutor"):
        scheduler.add_job(hang, **option)
    with pytest.raises(ValueError, match=name):
        scheduler.modify_job("job", **option)
    assert [(each.id, each.timeout, each.on_overlap) for each in scheduler.get_jobs()] == [(job.id, None, "skip")]


def test_an_executor_that_cannot_cancel_a_coroutine_says_which_one_can():
    """It does not ask for the coroutine function that it was given."""
    scheduler = BackgroundScheduler(executors={"default": DebugExecutor()})

    with pytest.raises(ValueError, match=r"it cannot stop a run; use a ThreadPoolExecutor, .* AsyncIOExecutor"):
        scheduler.add_job(swallow, "interval", args=[None, None], hours=1, on_overlap="cancel_previous")


def test_a_thread_cannot_be_cancelled_but_a_coroutine_can():
    """On the default executor, which need not have been made yet; a change of the function is looked at as well."""
    scheduler = BackgroundScheduler(executors={"processes": ProcessPoolExecutor()})
    scheduler.add_job(swallow, "interval", args=[None, None], hours=1, on_overlap="cancel_previous", id="coroutine")
    scheduler.add_job(hang, "interval", hours=1, on_overlap="cancel_previous", id="process", executor="processes")

    with pytest.raises(ValueError, match="a thread cannot be stopped; use a coroutine function"):
        scheduler.add_job(hang, "interval", hours=1, on_overlap="cancel_previous")
    with pytest.raises(ValueError, match="a thread cannot be stopped"):
        scheduler.modify_job("process", executor="default")
    with pytest.raises(ValueError, match="a thread cannot be stopped"):
        scheduler.modify_job("coroutine", func=hang, args=[])
    assert len(scheduler.get_jobs()) == 2


def test_a_job_of_another_process_is_run_without_its_limit_where_that_cannot_be_kept(sqlite, caplog):
    """The log says so, once: it is better run than lost."""
    adding = BackgroundScheduler(jobstores={"default": sqlite.store()}, timezone="UTC")
    adding.add_job(own_pid, "interval", seconds=0.05, timeout=5, id="job")
    adding.add_job(own_pid, "interval", seconds=0.05, id="other")

    pool = BasePoolExecutor(futures.ThreadPoolExecutor(1))
    with running("background", jobstores={"default": sqlite.store()}, executors={"default": pool}) as scheduler:
        events = ended(scheduler)
        wait_until(lambda: len([event for event in events if event.job_id == "job"]) >= 3)

    told = [record.getMessage() for record in caplog.records if getattr(record, "action", "") == "timeout_ignored"]
    assert len(told) == 1
    assert "time limit of 5 s" in told[0]
    assert {event.code for event in events} == {EVENT_JOB_EXECUTED}
