"""A scheduler in a forked process: a stopped copy with free locks, while the one in the parent goes on."""

from __future__ import annotations

import os
from threading import Event, Thread

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.events import EVENT_JOB_EXECUTED
from apscheduler_lite.schedulers.base import STATE_STOPPED
from tests.forking import can_fork, exit_code_of_child
from tests.running import KINDS, running
from tests.waiting import wait_until


class Holder:
    """A thread of the parent that holds a lock at the moment of the fork."""

    def __init__(self, lock):
        self.lock, self.held, self.done = lock, Event(), Event()
        self.thread = Thread(target=self.hold)

    def hold(self):
        with self.lock:
            self.held.set()
            self.done.wait(20)

    def __enter__(self):
        self.thread.start()
        self.held.wait(20)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def run_one_job(scheduler):
    """Start the scheduler, see a job run, shut down."""
    ran = Event()
    scheduler.add_listener(lambda event: event.job_id == "in the child" and ran.set(), EVENT_JOB_EXECUTED)
    scheduler.add_job(os.getpid, id="in the child")
    scheduler.start()
    assert ran.wait(8)
    scheduler.get_jobs()
    scheduler.shutdown()


@can_fork
@pytest.mark.parametrize("kind", KINDS)
def test_a_forked_scheduler_is_stopped_and_the_parent_goes_on(kind):
    """Its threads stayed in the parent; so nothing runs twice."""
    ran: list = []

    def look():
        assert not scheduler.running
        assert scheduler.state == STATE_STOPPED

    with running(kind) as scheduler:
        scheduler.add_job(ran.append, "interval", args=[os.getpid()], seconds=0.05)
        wait_until(lambda: ran)
        code = exit_code_of_child(look)
        seen = len(ran)
        wait_until(lambda: len(ran) > seen + 2, what="runs after the fork")
        is_running = scheduler.running

    assert code == 0
    assert is_running


@can_fork
@pytest.mark.parametrize("held", ["scheduler", "catalog", "store", "bookkeeping", "listeners", "executor", "workers"])
def test_a_lock_that_was_held_at_the_fork_is_free_in_the_child(held):
    """Whichever another thread of the parent held: the copy can be started there, and runs jobs."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    try:
        store, executor = scheduler._lookup_jobstore("default"), scheduler._lookup_executor("default")
        lock = {
            "scheduler": scheduler._lock,
            "catalog": scheduler._catalog.lock,
            "store": store._lock,
            "bookkeeping": store._state.lock,
            "listeners": scheduler._listeners._lock,
            "executor": executor._lock,
            "workers": executor._pool._lock,
        }[held]
        with Holder(lock):
            code = exit_code_of_child(lambda: run_one_job(scheduler))
    finally:
        scheduler.shutdown()

    assert code == 0


@can_fork
def test_a_child_that_is_forked_by_a_job_is_no_part_of_its_run():
    """The copy is not waiting for a run that goes on in the parent only."""
    codes: list = []
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    try:
        scheduler.add_job(lambda: codes.append(exit_code_of_child(lambda: run_one_job(scheduler))))
        wait_until(lambda: codes, 20)
    finally:
        scheduler.shutdown()

    assert codes == [0]
