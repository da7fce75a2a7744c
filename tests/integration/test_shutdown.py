"""shutdown(): from anywhere, at any time, as often as anybody likes; and start() works again after it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor as FuturesPool
from datetime import timedelta
from io import StringIO
from threading import Barrier, Event, Thread

import pytest

from apscheduler_lite import BackgroundScheduler, BlockingScheduler
from apscheduler_lite.events import (
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler_lite.executors.pool import BasePoolExecutor
from tests.faults.foreign_stores import CopyStore, LiveStore
from tests.recording import note, times_of
from tests.running import KINDS, in_thread, make, one_after_another, running
from tests.waiting import stays_false, wait_until


async def until(condition):
    """Let the loop go on until the condition holds."""
    await asyncio.to_thread(wait_until, condition)


@pytest.mark.parametrize("store", [None, CopyStore, LiveStore], ids=["memory", "copies", "live"])
@pytest.mark.parametrize("kind", KINDS)
def test_shutdown_waits_for_running_jobs_that_use_the_api(kind, store):
    """A running job may add, change, list and remove jobs while shutdown waits for it."""
    began, go_on = Event(), Event()
    done: list = []

    def use_the_api():
        began.set()
        go_on.wait(10)
        job = scheduler.add_job(note, "interval", ["x"], hours=1)
        job.pause()
        scheduler.resume_job(job.id)
        scheduler.reschedule_job(job.id, trigger="interval", minutes=7)
        scheduler.get_jobs()
        scheduler.print_jobs(out=StringIO())
        scheduler.remove_job(job.id)
        done.append(True)

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store(), "kept")
        scheduler.add_job(use_the_api)

    with running(kind, prepare) as scheduler:
        wait_until(began.is_set)
        ended = Event()
        Thread(target=one_after_another(scheduler.shutdown, ended.set), daemon=True).start()
        wait_until(lambda: not scheduler.running)
        is_waiting = not ended.is_set()
        go_on.set()
        wait_until(ended.is_set, what="end of shutdown")

    assert is_waiting
    assert done == [True]


def shut_down_in_thread(scheduler):
    """Shut down, as a plain function."""
    scheduler.shutdown(wait=True)


async def shut_down_in_coroutine(scheduler):
    """Shut down, as a coroutine function."""
    answer = scheduler.shutdown(wait=True)
    if answer is not None:
        await answer


EXECUTORS = {
    "threads": lambda: "threadpool",
    "debug": lambda: "debug",
    "futures": lambda: BasePoolExecutor(FuturesPool(4)),
}


@pytest.mark.parametrize("function", [shut_down_in_thread, shut_down_in_coroutine])
@pytest.mark.parametrize("executor", list(EXECUTORS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_may_shut_its_scheduler_down(kind, executor, function, caplog):
    """shutdown(wait=True) inside a job waits for all others, returns, and lets the job itself come to its end."""
    other_began, outcomes = Event(), []

    def other():
        other_began.set()
        return stays_false(lambda: len(outcomes) > 1, 0.1)

    def prepare(scheduler):
        scheduler.add_executor(EXECUTORS[executor](), "tested")
        scheduler.add_listener(
            lambda event: outcomes.append((event.job_id, event.code)), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR
        )

    with running(kind, prepare) as scheduler:
        scheduler.add_job(other, id="other")
        wait_until(other_began.is_set)
        scheduler.add_job(function, args=[scheduler], id="stopping", executor="tested")
        wait_until(lambda: len(outcomes) == 2, what="end of both jobs")
        wait_until(lambda: scheduler._phase == "stopped", what="end of shutdown")
        is_running = scheduler.running

    assert not is_running
    assert outcomes == [("other", EVENT_JOB_EXECUTED), ("stopping", EVENT_JOB_EXECUTED)]
    assert "Error" not in caplog.text


@pytest.mark.parametrize("function", [shut_down_in_thread, shut_down_in_coroutine])
@pytest.mark.parametrize("kind", KINDS)
def test_several_jobs_may_shut_the_scheduler_down_at_once(kind, function):
    """Jobs that call shutdown(wait=True) at the same moment do not wait for each other for ever."""
    number = 4
    barrier = Barrier(number)
    outcomes: list = []

    def stop():
        barrier.wait(10)
        scheduler.shutdown(wait=True)

    async def stop_in_coroutine():
        answer = scheduler.shutdown(wait=True)
        if answer is not None:
            await answer

    job = stop if function is shut_down_in_thread else stop_in_coroutine
    with running(kind) as scheduler:
        scheduler.add_listener(lambda event: outcomes.append(event.exception), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        scheduler.add_jobs([{"func": job} for _ in range(number)])
        wait_until(lambda: scheduler._phase == "stopped", what="end of shutdown")
        wait_until(lambda: len(outcomes) == number, what="end of the jobs")

    assert outcomes == [None] * number


@pytest.mark.parametrize("kind", KINDS)
def test_a_listener_of_the_shutdown_may_shut_down(kind):
    """It is over then, and the call returns; those of other events are in the suite for schedulers."""
    called: list = []
    returned: list = []

    def listen(event):
        called.append(event.code)
        scheduler.shutdown(wait=True)
        returned.append(True)

    with running(kind) as scheduler:
        scheduler.add_listener(listen, EVENT_SCHEDULER_SHUTDOWN)
        in_thread(scheduler.shutdown)
        wait_until(lambda: returned, what="return of the call")

    assert called == [EVENT_SCHEDULER_SHUTDOWN]


@pytest.mark.parametrize("code", [EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED, EVENT_JOB_ADDED, EVENT_SCHEDULER_STARTED])
@pytest.mark.parametrize("kind", ["background", "blocking"])
def test_a_coroutine_listener_may_shut_down_on_another_thread(kind, code):
    """The thread that it hands shutdown(wait=True) to does not wait for the one that awaits the listener."""
    heard: list = []

    async def listen(event):
        heard.append(event.code)
        await asyncio.to_thread(scheduler.shutdown)
        heard.append("shut down")

    scheduler = make(kind)
    scheduler.add_listener(listen, code)
    scheduler.add_job(note, args=["coroutine listener stops"])
    Thread(target=scheduler.start, daemon=True).start()
    wait_until(lambda: len(heard) == 2, what="return of shutdown")
    wait_until(lambda: scheduler._phase == "stopped", what="end of shutdown")

    assert heard == [code, "shut down"]


@pytest.mark.parametrize("kind", KINDS)
def test_shutdown_waits_no_longer_than_its_timeout(kind, caplog):
    """With a timeout, shutdown returns after it although a job still runs, and says so; the scheduler is stopped."""
    began, go_on = Event(), Event()

    def hangs():
        began.set()
        go_on.wait(20)

    with running(kind) as scheduler:
        scheduler.add_job(hangs)
        wait_until(began.is_set)
        scheduler.shutdown(wait=True, timeout=0.1)
        phase = scheduler._phase
        go_on.set()

    assert phase == "stopped"
    assert "1 run still in progress" in caplog.text


@pytest.mark.parametrize("where", ["trigger", "store", "listener"])
def test_the_timeout_holds_while_a_strangers_code_holds_up_the_loop(where):
    """A store, trigger or listener that hangs in the loop does not keep shutdown from returning after its timeout."""
    from apscheduler_lite.triggers.base import BaseTrigger

    entered, release = Event(), Event()

    def hang(*_):
        entered.set()
        release.wait(20)

    class Hangs(BaseTrigger):
        def get_next_fire_time(self, previous_fire_time, now):
            if previous_fire_time is not None:
                hang()
            return now + timedelta(milliseconds=10)

    class HangingStore(LiveStore):
        def get_due_jobs(self, now):
            hang()
            return []

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    if where == "trigger":
        scheduler.add_job(note, Hangs(), ["hang"])
    elif where == "store":
        scheduler.add_jobstore(HangingStore(), "hanging")
    else:
        scheduler.add_listener(hang, EVENT_JOB_SUBMITTED)
        scheduler.add_job(note, args=["hang"])
    try:
        wait_until(entered.is_set)
        in_thread(lambda: scheduler.shutdown(wait=True, timeout=0.2), timeout=5)
        is_running = scheduler.running
    finally:
        release.set()
    wait_until(lambda: not any(thread.name == "APScheduler" for thread in _threads_of(scheduler)), what="end of loop")

    assert not is_running


def _threads_of(scheduler):
    from threading import enumerate as all_threads

    return [thread for thread in all_threads() if getattr(thread, "_target", None) == scheduler._main_loop]


@pytest.mark.parametrize("kind", KINDS)
def test_a_scheduler_runs_jobs_again_after_each_restart(kind):
    """start() after shutdown() runs jobs, time and again; the jobs in memory are kept."""
    scheduler = make(kind)
    key = f"restarted {kind}"
    scheduler.add_job(note, "interval", [key], seconds=0.02, id="kept")

    async def live():
        seen = len(times_of(key))
        scheduler.start()
        await until(lambda: len(times_of(key)) >= seen + 2)
        await scheduler.shutdown()

    for _ in range(4):
        seen = len(times_of(key))
        if kind == "asyncio":
            in_thread(asyncio.run, live())
        else:
            thread = Thread(target=scheduler.start, daemon=True)
            thread.start()
            wait_until(lambda seen=seen: len(times_of(key)) >= seen + 2, what="two runs")
            in_thread(scheduler.shutdown)
            thread.join(5)
            assert not thread.is_alive()
    times = times_of(key)

    assert len(times) == len(set(times)) >= 8
    assert scheduler.get_jobs() != [] or kind


@pytest.mark.parametrize("where", ["job", "listener"])
def test_a_job_or_a_listener_may_restart_the_scheduler(where):
    """shutdown() and start() one after the other inside a job or a listener leave one loop, which runs and stops."""
    scheduler = BackgroundScheduler(timezone="UTC")
    key = f"restart in {where}"
    restarted: list = []

    def restart(*_):
        if not restarted:
            restarted.append(True)
            scheduler.shutdown(wait=True)
            scheduler.start()

    scheduler.start()
    scheduler.add_job(note, "interval", [key], seconds=0.02)
    if where == "job":
        scheduler.add_job(restart)
    else:
        scheduler.add_listener(restart, EVENT_JOB_SUBMITTED)
    wait_until(lambda: restarted)
    seen = len(times_of(key))
    wait_until(lambda: len(times_of(key)) > seen + 3, what="runs after the restart")
    wait_until(lambda: len(_threads_of(scheduler)) == 1, what="one loop")
    in_thread(scheduler.shutdown)
    wait_until(lambda: not _threads_of(scheduler), what="end of the loop")
    times = times_of(key)

    assert len(times) == len(set(times))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_consumed_that_is_not_run_when_shutdown_comes_in_between(kind):
    """Of jobs that are due at the moment of shutdown each has run or is still there; after the next start all have."""
    number = 300
    scheduler = make(kind)
    key = f"in between {kind}"
    scheduler.add_executor("threadpool", "two", max_workers=2)

    def prepare():
        scheduler.add_jobs(
            [{"func": note, "trigger": "date", "args": [f"{key} {n}"], "executor": "two"} for n in range(number)]
        )

    def ran():
        return [len(times_of(f"{key} {n}")) for n in range(number)]

    async def live(condition):
        scheduler.start()
        if not sum(ran()) and not scheduler.get_jobs():
            prepare()
        await until(condition)
        await scheduler.shutdown()

    def run(condition):
        thread = Thread(target=scheduler.start, daemon=True)
        thread.start()
        wait_until(lambda: scheduler.running)
        if not sum(ran()) and not scheduler.get_jobs():
            prepare()
        wait_until(condition)
        in_thread(scheduler.shutdown)
        thread.join(5)

    for condition in (lambda: sum(ran()) > 5, lambda: sum(ran()) == number):
        if kind == "asyncio":
            in_thread(asyncio.run, live(condition))
        else:
            run(condition)

    assert ran() == [1] * number


def test_a_blocking_scheduler_returns_from_start_after_the_last_run():
    """BlockingScheduler.start() returns when shutdown(wait=True) has waited for the runs in progress."""
    scheduler = BlockingScheduler(timezone="UTC")
    ended: list = []

    def last():
        Thread(target=scheduler.shutdown, daemon=True).start()
        wait_until(lambda: not scheduler.running)
        stays_false(lambda: False, 0.1)
        ended.append(True)

    scheduler.add_job(last)
    in_thread(scheduler.start)

    assert ended == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_shutdown_waits_for_what_the_first_has_left(kind):
    """shutdown(wait=True) on a scheduler that was stopped without waiting returns when its runs have ended."""
    began, go_on = Event(), Event()
    ended: list = []

    def job():
        began.set()
        go_on.wait(15)
        ended.append(True)

    with running(kind) as scheduler:
        scheduler.add_job(job)
        began.wait(15)
        scheduler.shutdown(wait=False)
        waiter = Thread(target=scheduler.shutdown, daemon=True)
        waiter.start()
        still_waiting = stays_false(lambda: not waiter.is_alive(), 0.1)
        go_on.set()
        waiter.join(15)

    assert still_waiting
    assert not waiter.is_alive()
    assert ended == [True]


def test_a_shutdown_does_not_wait_again_for_what_a_timeout_has_given_up():
    """Runs that a bounded shutdown has given up hold up neither the next shutdown nor the end of the program."""
    began, go_on = Event(), Event()
    scheduler = BackgroundScheduler(timezone="UTC")

    def job():
        began.set()
        go_on.wait(15)

    scheduler.start()
    scheduler.add_job(job)
    began.wait(15)
    scheduler.shutdown(timeout=0.05)
    in_thread(scheduler.shutdown, timeout=5)
    scheduler._end_with_interpreter()
    go_on.set()

    assert not scheduler.running
