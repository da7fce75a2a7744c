"""A signal handler may call the API, whatever step of the library it has interrupted in the main thread."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Self

import pytest

from apscheduler_lite import BackgroundScheduler, BlockingScheduler, ProcessPoolExecutor
from apscheduler_lite.errors import JobLookupError, SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.testing import ManualClock
from tests.uncovered import uncovered
from tests.waiting import wait_until

EVERY = 0.0003
"""Seconds between two signals."""
STORM = 1.5
"""Seconds for which they come."""


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["threadpool", "processpool"])
@pytest.mark.parametrize("kind", ["background", "blocking"])
def test_any_call_may_come_from_a_signal_handler(kind, pool):
    """It adds, changes and removes jobs, pauses, resumes and shuts down; nothing blocks, each job added runs once."""
    command = [sys.executable, "-X", "faulthandler", "-m", __name__, kind, pool]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=uncovered())
    try:
        printed, said = process.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # the fault handler says where it hangs
        pytest.fail(f"it hangs: {process.communicate(timeout=10)[1]}")
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0, said
    facts = json.loads(printed)
    assert facts["failures"] == []
    assert facts["calls"] > 100
    assert facts["ran"] == facts["added"]


@pytest.mark.parametrize("wait", [True, False])
def test_a_shutdown_in_the_middle_of_a_step_returns_and_is_made_after_it(wait):
    """The run that it waits for may need the lock that the interrupted step holds."""
    began, go_on, ended = Event(), Event(), Event()

    def job():
        began.set()
        go_on.wait(10)
        ended.set()

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    scheduler.add_job(job)
    wait_until(began.is_set)
    returned: list = []

    def interrupted_step():
        with scheduler._lookup_jobstore("default")._lock:
            scheduler.shutdown(wait=wait)
            returned.append((scheduler.running, ended.is_set()))
            go_on.set()

    Thread(target=interrupted_step, daemon=True).start()
    wait_until(lambda: returned, what="return of shutdown")
    wait_until(lambda: scheduler._phase == "stopped", what="end of the shutdown")

    assert returned == [(False, False)]
    assert ended.wait(5)


def test_a_shutdown_in_the_middle_of_a_step_tells_that_there_was_no_start():
    """As at any other time."""
    scheduler = BackgroundScheduler(timezone="UTC")

    with scheduler._lock, pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()


def test_a_job_added_while_the_heap_is_rebuilt_is_run():
    """As by a signal handler that interrupts the rebuilding, which goes through all jobs."""
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    scheduler.start()
    ran: list[str] = []
    store = scheduler._lookup_jobstore("default")
    scheduler.add_job(ran.append, "interval", hours=1, args=["kept"])

    class Interrupted(set):
        def __contains__(self, job_id: object) -> bool:
            if not ran:
                ran.append("interrupted")
                scheduler.add_job(ran.append, "interval", minutes=1, args=["late"])
            return super().__contains__(job_id)

    store._waiting = Interrupted()
    store._sweep()
    scheduler.clock.advance(60)
    scheduler.shutdown()

    assert ran == ["interrupted", "late"]


# -- what the program of the first test does ------------------------------------------------------------------------


def give_back(number: int) -> int:
    """Be a job."""
    return number


class Storm:
    """A handler that makes one random call at each signal, and signals that come all the time."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.random = random.Random(7)
        self.calls = self.stops = self._depth = 0
        self.added: list[int] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        signal.signal(signal.SIGALRM, self.handle)
        signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def handle(self, *_: object) -> None:
        """Make a call, if not too many are interrupted already."""
        if self._depth > 3:
            return
        self._depth += 1
        self.calls += 1
        self.make(self.random.choice([self.add, self.add, self.change, self.come_and_go, self.pause, self.stop]))
        self._depth -= 1

    def make(self, call: Callable[[], object]) -> None:
        """Make a call, which may find the scheduler stopped, and the jobs in its memory closed with it."""
        try:
            with suppress(JobLookupError, SchedulerAlreadyRunningError, SchedulerNotRunningError):
                call()
        except Exception as exc:
            self.failures.append(repr(exc))

    def add(self) -> None:
        """Add a job that is to run once."""
        number = self.calls
        self.scheduler.add_job(give_back, args=[number])
        self.added.append(number)

    def change(self) -> None:
        """Change a job."""
        self.scheduler.modify_job("kept", name=f"after {self.calls} calls")
        self.scheduler.reschedule_job("kept", trigger="interval", minutes=self.random.randrange(1, 9))

    def come_and_go(self) -> None:
        """Add and remove a job, with all that may come in between."""
        job = self.scheduler.add_job(give_back, "interval", hours=1, args=[0])
        job.pause()
        job.resume()
        self.scheduler.get_jobs()
        job.remove()

    def pause(self) -> None:
        """Pause and resume."""
        self.scheduler.pause()
        self.scheduler.resume()

    def stop(self) -> None:
        """Shut down, now and then."""
        if self.random.random() < 0.1:
            self.scheduler.shutdown(wait=self.random.random() < 0.5)
            self.stops += 1


def main(kind: str, pool: str) -> None:
    """Let the storm pass over the scheduler, run what is left, and print what there was."""
    executor = {"default": ProcessPoolExecutor(2, {"mp_context": "fork"})} if pool == "processpool" else {}
    made: type[BackgroundScheduler | BlockingScheduler]
    made = {"background": BackgroundScheduler, "blocking": BlockingScheduler}[kind]
    scheduler = made(timezone="UTC", executors=executor)
    ran: list[int] = []
    scheduler.add_listener(lambda event: ran.append(event.retval), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(give_back, "interval", hours=1, args=[0], id="kept")
    scheduler.add_job(give_back, args=[0]).remove()  # the modules of its trigger are imported once, by whoever is first
    until = time.monotonic() + STORM  # noqa: TID251 - for so long the storm lasts
    with Storm(scheduler) as storm:
        while time.monotonic() < until:  # noqa: TID251
            storm.make(scheduler.start)
            stops = storm.stops
            while kind == "background" and storm.stops == stops and time.monotonic() < until:  # noqa: TID251
                storm.make(storm.come_and_go)
    with suppress(SchedulerNotRunningError):
        scheduler.shutdown()
    if kind == "blocking":
        Thread(target=scheduler.start, daemon=True).start()
    else:
        scheduler.start()
    with suppress(AssertionError):
        wait_until(lambda: len(ran) >= len(storm.added))
    scheduler.shutdown()
    facts = {"failures": storm.failures, "calls": storm.calls, "added": sorted(storm.added), "ran": sorted(ran)}
    print(json.dumps(facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
