"""A job store that raises: the loop goes on, the others do not notice, nothing is lost and nothing runs twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apscheduler_lite.events import EVENT_JOB_FAULT, EVENT_JOBSTORE_FAULT
from apscheduler_lite.testing import ManualClock
from tests.faults.foreign_stores import METHODS, CopyStore, LiveStore, StoreDown, always, every_third, failing, once
from tests.recording import note, times_of
from tests.running import KINDS, running

MINUTE = timedelta(minutes=1)


def run_beside_a_failing_store(kind, store, key):
    """Let a minute pass for a job each second in memory, and one each two seconds in the failing store."""
    clock = ManualClock()
    events: list = []

    def prepare(scheduler):
        scheduler.add_jobstore(store, "failing")
        scheduler.add_listener(events.append, EVENT_JOB_FAULT | EVENT_JOBSTORE_FAULT)
        scheduler.add_job(note, "interval", [f"{key} memory"], seconds=1)
        scheduler.add_job(note, "interval", [f"{key} failing"], seconds=2, jobstore="failing", id="failing")

    with running(kind, prepare, clock=clock, jobstore_retry_interval=2) as scheduler:
        store.armed = True
        clock.advance(MINUTE)
        store.armed = False
        clock.advance(2 * MINUTE)  # the pauses have grown while it failed: up to a minute
        is_running = scheduler.running
    return is_running, events, times_of(f"{key} memory"), times_of(f"{key} failing")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails", [once, always, every_third])
@pytest.mark.parametrize("base", [CopyStore, LiveStore])
@pytest.mark.parametrize("method", METHODS)
def test_a_store_that_raises_stops_nobody_but_itself(kind, method, base, fails):
    """Whatever a store raises, the loop goes on, other stores are on time, and its own jobs run again when it works."""
    key = f"{kind} {method} {base.__name__} {fails.__name__}"

    is_running, events, beside, own = run_beside_a_failing_store(kind, failing(base, method, fails), key)

    assert is_running
    assert len(beside) == 180
    assert len(own) == len(set(own)) > 30
    assert own == sorted(own)
    assert all(isinstance(event.exception, StoreDown) and event.retry_in > 0 for event in events)
    if method in ("get_due_jobs", "update_job", "lookup_job", "get_next_run_time"):
        assert events


@pytest.mark.parametrize("base", [CopyStore, LiveStore])
@pytest.mark.parametrize("method", ["update_job", "remove_job", "lookup_job", "get_due_jobs", "get_next_run_time"])
def test_a_run_is_late_rather_than_lost_when_its_claim_fails(method, base):
    """A claim that the store refuses is made again: the same fire time runs, once."""
    clock = ManualClock()
    store = failing(base, method, once)
    key = f"late {method} {base.__name__}"
    due = clock.time + timedelta(seconds=10)

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_job(note, "date", [f"{key} date"], run_date=due)
        scheduler.add_job(note, "interval", [f"{key} interval"], hours=1, start_date=due)

    with running("background", prepare, clock=clock):
        clock.advance(1)
        store.armed = True
        clock.advance(MINUTE)

    assert times_of(f"{key} date") == [due]
    assert times_of(f"{key} interval") == [due]


@pytest.mark.parametrize("base", [CopyStore, LiveStore])
@pytest.mark.parametrize("method", ["update_job", "remove_job"])
def test_nothing_runs_twice_when_a_store_raises_after_it_has_written(method, base):
    """A store that commits and then raises may cost a run, which is reported, but never doubles one."""
    clock = ManualClock()
    store = failing(base, method, every_third, afterwards=True)
    key = f"after {method} {base.__name__}"
    events: list = []

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_listener(events.append, EVENT_JOB_FAULT | EVENT_JOBSTORE_FAULT)
        for number in range(4):
            scheduler.add_job(note, "date", [f"{key} date {number}"], run_date=clock.time + timedelta(seconds=5))
            scheduler.add_job(note, "interval", [f"{key} interval {number}"], seconds=3)

    with running("background", prepare, clock=clock) as scheduler:
        store.armed = True
        clock.advance(MINUTE)
        is_running = scheduler.running
    dates = [times_of(f"{key} date {number}") for number in range(4)]
    intervals = [times_of(f"{key} interval {number}") for number in range(4)]

    assert is_running
    assert events
    assert all(len(times) <= 1 for times in dates)
    assert all(len(times) == len(set(times)) for times in intervals)
    assert all(times for times in intervals)


def test_the_pauses_of_a_failing_store_grow_up_to_the_limit_and_end_with_its_recovery():
    """A store that goes on failing is asked less and less often, at least every `jobstore_retry_interval` seconds."""
    clock = ManualClock()
    store = failing(CopyStore, "get_due_jobs", always)
    pauses: list = []

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_listener(lambda event: pauses.append(event.retry_in), EVENT_JOBSTORE_FAULT)
        scheduler.add_job(note, "interval", ["pauses"], seconds=1)

    with running("background", prepare, clock=clock, jobstore_retry_interval=7):
        store.armed = True
        clock.advance(MINUTE)
        store.armed = False
        failed, ran_before = len(pauses), len(times_of("pauses"))
        clock.advance(MINUTE)

    assert pauses[:5] == [0.5, 1.0, 2.0, 4.0, 7.0]
    assert set(pauses[5:]) == {7.0}
    assert len(pauses) == failed
    assert len(times_of("pauses")) - ran_before >= 53


@pytest.mark.parametrize("base", [CopyStore, LiveStore])
@pytest.mark.parametrize("method", ["add_job", "update_job", "remove_job", "remove_all_jobs", "get_all_jobs"])
def test_a_call_on_a_failing_store_raises_and_changes_nothing(method, base):
    """Whoever calls the API hears of the store's exception, and the jobs are as they were."""
    clock = ManualClock()
    store = failing(base, method, once)

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_job(note, "interval", ["call"], minutes=5, id="there", name="old")

    calls = {
        "add_job": lambda scheduler: scheduler.add_job(note, "interval", ["call"], minutes=1, id="new"),
        "update_job": lambda scheduler: scheduler.modify_job("there", name="new", max_instances=3),
        "remove_job": lambda scheduler: scheduler.remove_job("there"),
        "remove_all_jobs": lambda scheduler: scheduler.remove_all_jobs(),
        "get_all_jobs": lambda scheduler: scheduler.get_jobs(),
    }
    with running("background", prepare, clock=clock) as scheduler:
        clock.settle()
        store.armed = True
        with pytest.raises(StoreDown):
            calls[method](scheduler)
        jobs = scheduler.get_jobs()

    assert [(job.id, job.name, job.max_instances) for job in jobs] == [("there", "old", 1)]


@pytest.mark.parametrize("base", [CopyStore, LiveStore])
def test_all_or_none_of_many_jobs_is_added_when_the_store_raises_in_between(base):
    """add_jobs that fails at its third job takes the first two back, and puts replaced ones as they were."""
    store = failing(base, "add_job", lambda number: number == 3)

    def prepare(scheduler):
        scheduler.add_jobstore(store, "default")
        scheduler.add_job(note, "interval", ["many"], minutes=5, id="old", name="first")

    many = [{"func": note, "trigger": "interval", "args": ["many"], "minutes": 1, "id": f"new {n}"} for n in range(4)]
    many.insert(1, {**many[0], "id": "old", "name": "second", "replace_existing": True})
    with running("background", prepare, clock=ManualClock()) as scheduler:
        store.armed = True
        with pytest.raises(StoreDown):
            scheduler.add_jobs(many)
        jobs = scheduler.get_jobs()

    assert [(job.id, job.name, str(job.trigger)) for job in jobs] == [("old", "first", "interval[0:05:00]")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_that_fails_can_be_repeated(kind):
    """When a store raises while it is started, start() raises, nothing runs, and the pending jobs wait for the next."""
    from tests.running import make

    class Closed(CopyStore):
        starts = 0

        def start(self, scheduler, alias):
            self.starts += 1
            super().start(scheduler, alias)
            if self.starts == 1:
                raise StoreDown("not yet")

    clock = ManualClock()
    store = Closed()
    key = f"repeated start {kind}"

    def prepare(scheduler):
        scheduler.add_jobstore(store, "second")
        scheduler.add_job(note, "interval", [f"{key} memory"], seconds=1)
        scheduler.add_job(note, "interval", [f"{key} second"], seconds=1, jobstore="second")
        if kind != "asyncio":
            with pytest.raises(StoreDown):
                scheduler.start()
            assert not scheduler.running
            assert len(scheduler.get_jobs()) == 2
        else:
            store.starts = 1

    assert make(kind).state == 0
    with running(kind, prepare, clock=clock) as scheduler:
        clock.advance(5)
        stored = len(scheduler.get_jobs("second", pending=False))

    assert stored == 1
    assert len(times_of(f"{key} memory")) == len(times_of(f"{key} second")) == 5
