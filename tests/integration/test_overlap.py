"""What comes due while its job is still running: skipped with a reason, queued, or cancelling the run in progress."""

from __future__ import annotations

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import JobCancelledError
from apscheduler_lite.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_MAX_INSTANCES,
)
from apscheduler_lite.executors.base import BaseExecutor
from apscheduler_lite.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.jobstores.base import BaseJobStore
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.runs import Outcome
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.testing._executor_bench import hold, hold_later
from tests.databases import place
from tests.running import running
from tests.waiting import wait_until


class ListStore(BaseJobStore):
    """A store as written for version 3: the eight methods, and nothing else."""

    def __init__(self):
        self.jobs = {}

    def lookup_job(self, job_id):
        return self.jobs.get(job_id)

    def get_due_jobs(self, now):
        return [job for job in self.get_all_jobs() if job.next_run_time and job.next_run_time <= now]

    def get_next_run_time(self):
        return min((job.next_run_time for job in self.jobs.values() if job.next_run_time), default=None)

    def get_all_jobs(self):
        return sorted(self.jobs.values(), key=lambda job: (job.next_run_time is None, job.next_run_time))

    def add_job(self, job):
        self.jobs[job.id] = job

    def update_job(self, job):
        self.jobs[job.id] = job

    def remove_job(self, job_id):
        del self.jobs[job_id]

    def remove_all_jobs(self):
        self.jobs.clear()


@pytest.fixture(params=["memory", "version-3", "sqlite", "postgresql"])
def store(request):
    """Return a store of each kind."""
    if request.param == "memory":
        yield MemoryJobStore()
    elif request.param == "version-3":
        yield ListStore()
    else:
        with place(request.param) as made:
            yield made.store(poll_interval=0.05)


def recorder(scheduler):
    """Return the list into which the events of runs come."""
    events = []
    mask = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_INTERRUPTED | EVENT_JOB_MAX_INSTANCES
    scheduler.add_listener(events.append, mask)
    return events


def begun(scheduler, count=1):
    """Return whether so many runs are at work."""
    return sum(run.started is not None for run in list(scheduler._runs)) >= count


def of(events, code):
    """Return the events of that code."""
    return [event for event in events if event.code == code]


def test_a_skip_tells_the_log_the_listeners_and_the_history_one_reason(store, tmp_path, caplog):
    """Which run is still going, and since when."""
    clock, gate = ManualClock(), tmp_path / "gate"
    with running("background", clock=clock, jobstores={"default": store}) as scheduler:
        events = recorder(scheduler)
        scheduler.add_job(hold, "interval", args=[str(gate)], seconds=72, id="job")
        clock.advance(72, wait_for_runs=False)
        wait_until(lambda: begun(scheduler))
        clock.advance(72, wait_for_runs=False)
        wait_until(lambda: events)
        (event,) = of(events, EVENT_JOB_MAX_INSTANCES)

        reason = "skipped: run of 00:01:12 still going after 72 s (max_instances=1)"
        assert event.run.reason == reason
        assert event.run.outcome == Outcome.SKIPPED
        assert f"at 2031-01-01 00:02:24+00:00 {reason}" in caplog.text
        for record in scheduler.get_runs(outcome="skipped"):
            assert (record.id, record.reason) == (event.run.id, reason)
        gate.touch()


def test_a_skip_knows_the_runs_of_other_processes(sqlite, tmp_path):
    """The run that is in the way may be anywhere; here in another scheduler."""
    clock, gate = ManualClock(), tmp_path / "gate"
    options = {"clock": clock, "executors": {"default": ThreadPoolExecutor(1)}}
    first = BackgroundScheduler(timezone="UTC", jobstores={"default": sqlite.store()}, **options)
    first.start()
    first.add_job(hold, "interval", args=[str(gate)], seconds=60, id="job")
    clock.advance(60, wait_for_runs=False)
    wait_until(lambda: begun(first))
    options = {"clock": clock, "executors": {"default": ThreadPoolExecutor(1)}}
    with running("background", jobstores={"default": sqlite.store()}, **options) as second:
        events = recorder(second)
        clock.advance(60, wait_for_runs=False)
        wait_until(lambda: events)
        assert events[0].run.reason == "skipped: run of 00:01 still going after 60 s (max_instances=1)"
        gate.touch()
    first.shutdown()


@pytest.mark.parametrize("kind", ["background", "asyncio"])
@pytest.mark.parametrize("func", [hold, hold_later], ids=["function", "coroutine"])
def test_one_run_waits_for_the_slot_and_starts_when_it_is_free(kind, func, store, tmp_path):
    """For the latest of the fire times that have passed."""
    clock, gate = ManualClock(), tmp_path / "gate"
    with running(kind, clock=clock, jobstores={"default": store}) as scheduler:
        events = recorder(scheduler)
        scheduler.add_job(func, "interval", args=[str(gate)], seconds=10, id="job", on_overlap="queue")
        clock.advance(10, wait_for_runs=False)
        wait_until(lambda: begun(scheduler))
        clock.advance(25, wait_for_runs=False)
        gate.touch()

        def both_have_ended():
            clock.advance(0, wait_for_runs=False)
            return len(events) >= 2

        wait_until(both_have_ended)
        assert [event.code for event in events] == [EVENT_JOB_EXECUTED] * 2
        seconds = [event.scheduled_run_time.timestamp() % 60 for event in events]
        assert seconds == [10, 30]


CANCELLING = {
    "coroutine-on-a-thread-pool": ("background", hold_later, lambda: ThreadPoolExecutor(2)),
    "coroutine-on-a-full-pool": ("background", hold_later, lambda: ThreadPoolExecutor(1)),
    "coroutine-on-the-loop": ("asyncio", hold_later, None),
    "process": ("background", hold, lambda: ProcessPoolExecutor(2)),
    "the-only-process": ("background", hold, lambda: ProcessPoolExecutor(1)),
}


@pytest.mark.parametrize(("kind", "func", "executor"), CANCELLING.values(), ids=CANCELLING)
def test_the_next_run_cancels_the_one_in_progress(kind, func, executor, store, tmp_path):
    """Which ends as interrupted, with the reason; the next one takes the slot and is made to its end."""
    clock, gate = ManualClock(), tmp_path / "gate"
    executors = {} if executor is None else {"default": executor()}
    with running(kind, clock=clock, jobstores={"default": store}, executors=executors) as scheduler:
        events = recorder(scheduler)
        scheduler.add_job(func, "interval", args=[str(gate)], seconds=10, id="job", on_overlap="cancel_previous")
        clock.advance(10, wait_for_runs=False)
        wait_until(lambda: begun(scheduler))

        def advance_until(condition):
            def holds():
                clock.advance(0.05, wait_for_runs=False)
                return condition()

            wait_until(holds)

        clock.advance(10, wait_for_runs=False)
        advance_until(lambda: len(events) == 1)
        advance_until(lambda: begun(scheduler))
        gate.touch()
        advance_until(lambda: len(events) >= 2)

        first, second = events[:2]
        assert (first.code, second.code) == (EVENT_JOB_INTERRUPTED, EVENT_JOB_EXECUTED)
        assert isinstance(first.exception, JobCancelledError)
        assert first.run.outcome == Outcome.INTERRUPTED
        reason = 'interrupted: it was cancelled, since the next run came due (on_overlap="cancel_previous")'
        assert first.run.reason == reason
        assert second.scheduled_run_time.timestamp() - first.scheduled_run_time.timestamp() == 10


class Unable(BaseExecutor):
    """An executor that says it can cancel, and cannot."""

    def can_cancel(self, func):
        return True

    def submit_run(self, run):
        run.started = run.due
        self.run = run

    def cancel(self, run, why=None):
        raise ZeroDivisionError("cannot")


def test_where_a_run_cannot_be_cancelled_the_next_one_waits(caplog):
    """The log says so once, whatever the executor raises."""
    clock, executor = ManualClock(), Unable()
    with running(
        "background", clock=clock, executors={"default": executor}, jobstores={"default": ListStore()}
    ) as scheduler:
        events = recorder(scheduler)
        scheduler.add_job(hold, "interval", args=[""], seconds=10, id="job", on_overlap="cancel_previous")
        for _ in range(5):
            clock.advance(10, wait_for_runs=False)
        told = [record for record in caplog.records if getattr(record, "action", "") == "cancel_failed"]
        assert len(told) == 1
        assert events == []
        first, first.outcome = executor.run, Outcome.EXECUTED
        executor._run_ended(first)
        clock.advance(0, wait_for_runs=False)
        assert executor.run is not first
        assert executor.run.due - first.due == 40_000_000
        executor.run.outcome = Outcome.EXECUTED
        executor._run_ended(executor.run)
