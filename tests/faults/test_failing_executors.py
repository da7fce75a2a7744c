"""An executor that cannot take a run: the run stays due, is tried again, and is made once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apscheduler_lite.events import EVENT_JOB_EXECUTED, EVENT_JOB_FAULT, EVENT_JOB_REMOVED, EVENT_JOB_SUBMITTED
from apscheduler_lite.executors.base import BaseExecutor, run_job
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.testing import ManualClock
from tests.faults.foreign_stores import CopyStore, LiveStore, failing, once
from tests.recording import note, times_of
from tests.running import KINDS, running


class ForeignExecutor(BaseExecutor):
    """An executor as people wrote them for APScheduler 3; it refuses the calls that `refuses` chooses."""

    def __init__(self, refuses):
        super().__init__()
        self.refuses = refuses
        self.calls = 0

    def _do_submit_job(self, job, run_times):
        self.calls += 1
        if self.refuses(self.calls):
            raise OSError(f"no room, call {self.calls}")
        self._run_job_success(job.id, run_job(job, job._jobstore_alias, run_times, self._logger.name))


class OwnExecutor(ThreadPoolExecutor):
    """One of ours that refuses runs."""

    def __init__(self, refuses):
        super().__init__(2)
        self.refuses = refuses
        self.calls = 0

    def submit_run(self, run):
        self.calls += 1
        if self.refuses(self.calls):
            raise OSError(f"no room, call {self.calls}")
        super().submit_run(run)


@pytest.fixture(params=[None, CopyStore, LiveStore], ids=["memory", "copies", "live"])
def store(request):
    """A job store of each make; None is the default one."""
    return request.param and request.param()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("executor", [ForeignExecutor, OwnExecutor])
def test_a_refused_run_stays_due_and_is_made_once(kind, executor, store):
    """A submit that raises costs nothing: a one-shot and an interval job run for the same fire time, later, once."""
    clock = ManualClock()
    key = f"refused {kind} {executor.__name__} {type(store).__name__}"
    due = clock.time + timedelta(seconds=10)
    faults: list = []

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store, "default")
        scheduler.add_executor(executor(lambda number: number <= 5), "refusing")
        scheduler.add_listener(faults.append, EVENT_JOB_FAULT)
        scheduler.add_job(note, "date", [f"{key} date"], run_date=due, executor="refusing", id="date")
        scheduler.add_job(note, "interval", [f"{key} hourly"], hours=1, start_date=due, executor="refusing")
        scheduler.add_job(note, "interval", [f"{key} beside"], seconds=1)

    with running(kind, prepare, clock=clock) as scheduler:
        clock.advance(60)
        is_running = scheduler.running

    assert is_running
    assert times_of(f"{key} date") == times_of(f"{key} hourly") == [due]
    assert len(times_of(f"{key} beside")) == 60
    assert len(faults) == 5
    assert all(isinstance(event.exception, OSError) for event in faults)
    assert all(event.alias == "refusing" and event.job is not None for event in faults)


@pytest.mark.parametrize("refused", [{1}, {2}, {2, 3}, {2, 4, 6, 8}, {1, 2, 3}], ids=str)
def test_of_several_runs_of_a_job_none_is_lost_or_doubled_when_some_are_refused(refused, store):
    """Without coalescing each fire time runs once and in order, whichever of its hand-overs fail."""
    clock = ManualClock()
    key = f"several {type(store).__name__}"
    first = clock.time + timedelta(seconds=1)
    ran: list = []

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store, "default")
        scheduler.add_executor(ForeignExecutor(lambda number: number in refused), "refusing")
        scheduler.add_listener(lambda event: ran.append(event.scheduled_run_time), EVENT_JOB_EXECUTED)
        scheduler.add_job(
            note, "interval", [key], seconds=1, executor="refusing", coalesce=False, max_instances=10, id="several"
        )

    with running("background", prepare, clock=clock) as scheduler:
        scheduler.pause()
        clock.advance(7)
        scheduler.resume()
        clock.advance(4)

    assert ran == [first + timedelta(seconds=number) for number in range(11)]


@pytest.mark.parametrize("method", ["update_job", "add_job"])
@pytest.mark.parametrize("base", [CopyStore, LiveStore])
def test_a_refused_run_is_kept_even_when_its_store_cannot_take_it_back_at_once(base, method):
    """When neither the executor takes a run nor the store takes it back, both are tried again; it runs once."""
    clock = ManualClock()
    store = failing(base, method, once)
    key = f"not taken back {base.__name__} {method}"
    due = clock.time + timedelta(seconds=10)

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_executor(ForeignExecutor(arm_and_refuse), "refusing")
        scheduler.add_job(note, "date", [f"{key} date"], run_date=due, executor="refusing")
        scheduler.add_job(note, "interval", [f"{key} hourly"], hours=1, start_date=due, executor="refusing")

    def arm_and_refuse(number):
        store.armed = True
        return number <= 2

    with running("background", prepare, clock=clock):
        clock.advance(120)

    assert store.calls[method] >= 1
    assert times_of(f"{key} date") == [due]
    assert times_of(f"{key} hourly") == [due]


def test_a_run_that_an_executor_refuses_is_neither_reported_as_removed_nor_counted_as_running():
    """A one-shot that is still to be run is still there: no removal is told of, and it can be looked up."""
    clock = ManualClock()
    events: list = []

    def prepare(scheduler):
        scheduler.add_executor(ForeignExecutor(lambda number: number <= 3), "default")
        scheduler.add_listener(events.append, EVENT_JOB_REMOVED | EVENT_JOB_FAULT | EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "date", ["refused one-shot"], id="date")

    with running("background", prepare, clock=clock) as scheduler:
        clock.settle()
        present = scheduler.get_job("date")
        clock.advance(60)
        absent = scheduler.get_job("date")
    names = [type(event).__name__ for event in events]

    assert present is not None
    assert absent is None
    assert names[:3] == ["FaultEvent"] * 3
    assert sorted(names[3:]) == ["JobEvent", "JobExecutionEvent"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_of_an_unknown_executor_is_kept_and_run_when_there_is_one(kind, store):
    """A missing executor is reported by events; when it is added, what is due runs at once, late."""
    clock = ManualClock()
    key = f"unknown executor {kind} {type(store).__name__}"
    due = clock.time + timedelta(seconds=5)
    faults: list = []

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store, "default")
        scheduler.add_listener(faults.append, EVENT_JOB_FAULT)
        scheduler.add_job(note, "date", [f"{key} date"], run_date=due, executor="later", id="date")
        scheduler.add_job(note, "interval", [f"{key} beside"], seconds=1)

    with running(kind, prepare, clock=clock) as scheduler:
        clock.advance(timedelta(minutes=10))
        kept = scheduler.get_job("date")
        scheduler.add_executor("debug", "later")
        clock.settle()

    assert kept is not None
    assert faults
    assert all("'later'" in str(event.exception) for event in faults)
    assert times_of(f"{key} date") == [due]
    assert len(times_of(f"{key} beside")) == 600


def test_a_removed_executor_can_be_put_back_and_runs_what_waited(store):
    """Jobs of an executor that was removed wait; the next executor of that name runs each of them."""
    clock = ManualClock()
    key = f"put back {type(store).__name__}"
    submitted: list = []

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store, "default")
        scheduler.add_executor("threadpool", "second", max_workers=1)
        scheduler.add_listener(submitted.append, EVENT_JOB_SUBMITTED)
        scheduler.add_job(note, "interval", [f"{key} interval"], seconds=10, executor="second")
        for number in range(5):
            date = clock.time + timedelta(seconds=15 + number)
            scheduler.add_job(note, "date", [f"{key} date"], run_date=date, executor="second")

    with running("background", prepare, clock=clock) as scheduler:
        clock.advance(12)
        scheduler.remove_executor("second")
        clock.advance(60)
        during = len(times_of(f"{key} interval")), len(times_of(f"{key} date"))
        scheduler.add_executor("threadpool", "second", max_workers=1)
        clock.advance(30)

    assert during == (1, 0)
    assert len(times_of(f"{key} date")) == 5
    assert len(times_of(f"{key} interval")) >= 4
    assert len(submitted) == len(times_of(f"{key} interval")) + 5
