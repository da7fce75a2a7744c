"""`health()`: what it says of a scheduler that is well, and of one that is not."""

from __future__ import annotations

import json

from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from tests.stepping import SteppingScheduler


class FragileStore(MemoryJobStore):
    is_broken = False

    def claim_due(self, now, capacity):
        if self.is_broken:
            raise OSError("no route to host")
        return super().claim_due(now, capacity)


class TwoWorkers(DebugExecutor):
    def capacity(self):
        return 2


def test_a_scheduler_that_runs_is_well():
    """It says when it last looked, and what load it has."""
    scheduler = SteppingScheduler(executors={"default": TwoWorkers()})
    seen = []
    scheduler.add_job(lambda: seen.append(scheduler.health()), "interval", seconds=10)
    scheduler.start()
    scheduler.step(10)

    health = scheduler.health()
    assert (health.ok, health.state, health.problems, health.lateness) == (True, "running", (), 0)
    assert health.last_tick.timestamp() * 1e6 == scheduler.begin + 10e6
    assert health.last_error is health.last_error_at is None
    assert [(each.alias, each.running, each.free) for each in seen[0].executors] == [("default", 1, 2)]
    assert json.loads(json.dumps(health.as_dict()))["ok"] is True
    scheduler.shutdown()


def test_a_stopped_scheduler_is_not_well_and_a_paused_one_is():
    """Nobody stops one to have it run."""
    scheduler = SteppingScheduler()
    assert scheduler.health().problems == ("the scheduler is not running",)
    scheduler.start(paused=True)

    assert (scheduler.health().ok, scheduler.health().state) == (True, "paused")
    scheduler.shutdown()
    assert not scheduler.health().ok


def test_a_store_that_fails_is_a_problem_until_it_is_back():
    """With what it raised, and how often."""
    store = FragileStore()
    scheduler = SteppingScheduler(jobstores={"default": store})
    scheduler.start()
    store.is_broken = True
    scheduler.step(1)
    scheduler.step(100)

    health = scheduler.health()
    assert health.problems == ("job store 'default' has failed 2 times in a row: OSError: no route to host",)
    assert [(each.ok, each.failures, each.error) for each in health.stores] == [(False, 2, "OSError: no route to host")]
    assert health.last_error == "OSError: no route to host"
    assert health.as_dict()["last_error_at"] == health.last_error_at.isoformat()

    store.is_broken = False
    scheduler.step(100)
    assert scheduler.health().ok
    assert scheduler.health().last_error == "OSError: no route to host"
    scheduler.shutdown()


def test_a_loop_that_is_late_is_a_problem():
    """Whether the next pass does not come, or the present one does not end."""
    seen = []
    scheduler = SteppingScheduler()

    def take_long():
        scheduler.clock._now += 30_000_000
        seen.append(scheduler.health())

    scheduler.start()
    scheduler.add_job(take_long, "interval", seconds=10)
    scheduler.step()
    scheduler.clock._now += 40_000_000
    assert scheduler.health().problems == ("the loop is late by 30 s",)

    scheduler.step()

    assert seen[0].problems == ("the loop is late by 30 s",)
    scheduler.shutdown()
