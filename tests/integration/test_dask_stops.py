"""When runs on Dask are stopped from the scheduler's side, on workers that are made up."""

from __future__ import annotations

from threading import Event

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite._deadlines import Deadlines
from apscheduler_lite.errors import JobCancelledError, JobTimeoutError
from apscheduler_lite.runs import Run
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.testing._executor_bench import add
from tests.waiting import wait_until

pytest.importorskip("distributed", reason="distributed is not installed")

from apscheduler_lite.executors.dask.stops import Stops
from apscheduler_lite.executors.dask.tasks import key_of

LIMIT = 60


class Workers:
    """Workers that know where runs are, and note what they are told."""

    def __init__(self):
        self.runs = {}
        self.stopped = []
        self.dropped = []
        self.is_away = False

    def places(self, run_ids):
        """Return where the runs are."""
        return {run_id: self.runs[run_id] for run_id in run_ids if run_id in self.runs}

    def stop(self, reasons):
        """Note who is to be stopped, and why."""
        if self.is_away:
            raise OSError("nobody is there")
        self.stopped += [(run_id, type(why)) for run_id, why in reasons.items()]
        return self.places(reasons)

    def cancel(self, keys):
        """Note what is to be dropped."""
        self.dropped += keys


class Bench:
    """The stops of a session, by a clock that the test moves."""

    def __init__(self):
        self.clock = ManualClock()
        self.workers = Workers()
        self.bell = Event()
        self.stops = Stops(self.workers, Deadlines(self.clock, "limits"), self.bell)

    def begin(self, **options):
        """Hand over a run."""
        job = BackgroundScheduler(timezone="UTC").add_job(add, args=[1], id="job", **options)
        run = Run.of(job, "default", self.clock.now(), self.clock.now())
        self.stops.begin(run)
        return run

    def let_limit_pass(self):
        """Let a time limit pass, and look what is to be done."""
        self.bell.clear()
        self.clock.advance(LIMIT, wait_for_runs=False)
        wait_until(self.bell.is_set, what="the bell")
        self.stops.look()


@pytest.fixture
def bench():
    """Give a bench, and end its thread."""
    made = Bench()
    yield made
    made.stops.close()


def test_a_run_that_waits_in_the_queue_has_its_time_before_it(bench):
    """It is stopped only when it was seen on the same worker one whole limit before."""
    run = bench.begin(timeout=LIMIT)
    bench.let_limit_pass()
    bench.workers.runs[run.id] = "first"
    bench.let_limit_pass()
    assert bench.workers.stopped == []

    bench.workers.runs[run.id] = "second"  # the first one died, and Dask has it run again
    bench.let_limit_pass()
    assert bench.workers.stopped == []

    bench.let_limit_pass()
    assert bench.workers.stopped == [(run.id, JobTimeoutError)]
    assert bench.workers.dropped == []
    bench.stops.end(run)


def test_a_run_that_has_ended_has_no_limit(bench):
    """Also when its time was over just before."""
    run = bench.begin(timeout=LIMIT)
    bench.workers.runs[run.id] = "first"
    bench.let_limit_pass()
    bench.clock.advance(LIMIT, wait_for_runs=False)
    bench.stops.end(run)
    bench.stops.look()

    assert bench.workers.stopped == []


def test_what_no_worker_has_begun_is_dropped_by_dask(bench):
    """After all workers have been told not to begin it."""
    begun, waiting = bench.begin(), bench.begin()
    bench.workers.runs[begun.id] = "first"
    for run in (begun, waiting):
        bench.stops.cancel(run, JobCancelledError("to make room"))
    assert bench.bell.is_set()
    bench.stops.look()
    bench.stops.look()

    assert bench.workers.stopped == [(run.id, JobCancelledError) for run in (begun, waiting)]
    assert bench.workers.dropped == [key_of(waiting)]


def test_a_call_to_stop_survives_a_lost_connection(bench):
    """It is made again when there is one."""
    run = bench.begin()
    bench.stops.cancel(run, JobCancelledError("to make room"))
    bench.workers.is_away = True
    with pytest.raises(OSError, match="nobody is there"):
        bench.stops.look()
    bench.workers.is_away = False
    bench.stops.look()

    assert bench.workers.stopped == [(run.id, JobCancelledError)]
