"""A run belongs to the store that it was claimed from, wherever that store has gone meanwhile."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from threading import Event

import pytest

from apscheduler_lite import BackgroundScheduler, BlockingScheduler
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_FAULT, EVENT_JOB_SUBMITTED
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing import ManualClock
from tests.faults.foreign_stores import CopyStore, LiveStore
from tests.recording import note, times_of
from tests.waiting import wait_until


@pytest.mark.parametrize("store_class", [MemoryJobStore, CopyStore, LiveStore])
def test_a_store_hears_of_the_end_of_a_run_after_it_was_removed(store_class):
    """A job whose store was removed while it ran runs again when the store is added again."""
    key = f"removed {store_class.__name__}"
    clock, go_on, store = ManualClock(), Event(), store_class()
    scheduler = BackgroundScheduler(timezone="UTC", clock=clock)
    scheduler.add_jobstore(store, "other")
    scheduler.start()
    scheduler.add_job(hold, "interval", [key], seconds=10, jobstore="other", id="job")
    held[key] = go_on
    clock.advance(10, wait_for_runs=False)
    wait_until(lambda: times_of(key))
    scheduler.remove_jobstore("other")
    go_on.set()
    clock.settle()
    scheduler.add_jobstore(store, "other")
    clock.advance(30)
    scheduler.shutdown()

    assert len(times_of(key)) == 4


held: dict[str, Event] = {}


def hold(key):
    """Note the run, and wait for its event."""
    note(key)
    held[key].wait(15)


@pytest.mark.parametrize("store_class", [MemoryJobStore, CopyStore, LiveStore])
@pytest.mark.parametrize("how", ["shutdown", "removal"])
def test_a_store_can_be_handed_on_to_another_scheduler(store_class, how):
    """A scheduler that was shut down, or that has removed the store, leaves it and its jobs to others."""
    key = f"handed on {store_class.__name__} {how}"
    store = store_class()
    first = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    first.start(paused=True)
    first.add_job(note, "interval", [key], seconds=10, id="job")
    if how == "removal":
        first.remove_jobstore("default")
    else:
        first.shutdown()
    second = BackgroundScheduler(timezone="UTC", jobstores={"kept": store})
    second.start(paused=True)
    job = second.modify_job("job", name="changed")
    second.shutdown()
    if how == "removal":
        first.shutdown()

    assert job.name == "changed"


def test_a_store_in_use_cannot_be_used_by_another_scheduler():
    """Two schedulers at a time would run everything twice."""
    store = MemoryJobStore()
    first = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    first.start(paused=True)
    second = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    with pytest.raises(RuntimeError, match="another scheduler"):
        second.start()
    first.shutdown()

    assert not second.running


@pytest.mark.parametrize("store_class", [MemoryJobStore, LiveStore])
def test_a_run_whose_submission_was_interrupted_is_due_again(store_class):
    """Ctrl-C in a listener of SUBMITTED loses no run: it is made after the next start, and the job goes on."""
    key = f"interrupted {store_class.__name__}"
    interrupts = [KeyboardInterrupt]
    scheduler = BlockingScheduler(timezone="UTC", jobstores={"default": store_class()})

    def listen(event):
        if interrupts:
            raise interrupts.pop()

    scheduler.add_listener(listen, EVENT_JOB_SUBMITTED)
    scheduler.add_job(note, args=[f"{key} once"])
    scheduler.add_job(note, "interval", [f"{key} often"], seconds=0.05)
    with pytest.raises(KeyboardInterrupt):
        scheduler.start()
    ended: list = []
    scheduler.add_listener(
        lambda event: len(times_of(f"{key} often")) > 3 and times_of(f"{key} once") and not ended and end(),
        EVENT_JOB_EXECUTED,
    )

    def end():
        ended.append(True)
        scheduler.shutdown(wait=False)

    scheduler.start()

    assert len(times_of(f"{key} once")) == 1
    assert len(times_of(f"{key} often")) > 3


class Refusing(ThreadPoolExecutor):
    """An executor that refuses two runs."""

    refusals = 2

    def submit_run(self, run):
        if self.refusals:
            self.refusals -= 1
            raise OSError("no worker")
        super().submit_run(run)


def test_each_submission_has_an_outcome():
    """A run that no executor took is told as a fault; the next try is another run with events of its own."""
    events: list = []
    clock = ManualClock()
    scheduler = BackgroundScheduler(timezone="UTC", clock=clock, executors={"default": Refusing()})
    scheduler.add_listener(events.append, EVENT_JOB_SUBMITTED | EVENT_JOB_FAULT | EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(note, args=["refused"])
    clock.advance(timedelta(minutes=2))
    scheduler.shutdown()

    assert [event.code for event in events] == [
        *[EVENT_JOB_SUBMITTED, EVENT_JOB_FAULT] * 2,
        *[EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED],
    ]
    assert [event.run.id for event in events[::2]] == [event.run.id for event in events[1::2]]


class BrokenZone(tzinfo):
    """A time zone that fails when it is told to."""

    is_broken = False

    def utcoffset(self, moment):
        if self.is_broken:
            raise OSError("the zone has failed")
        return timedelta(0)

    def dst(self, moment):
        return timedelta(0)

    def tzname(self, moment):
        return "broken"

    def fromutc(self, moment):
        self.utcoffset(moment)
        return moment


def test_a_run_ends_although_its_end_cannot_be_told():
    """When the event of a run's end cannot be made, the run is over all the same and shutdown returns."""
    zone = BrokenZone()
    began: list = []

    def job():
        began.append(True)
        zone.is_broken = True

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_listener(lambda event: None, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start()
    scheduler.add_job(job, "interval", seconds=0.05, timezone=zone)
    wait_until(lambda: began)
    scheduler.pause()
    wait_until(lambda: not scheduler._runs)
    zone.is_broken = False
    scheduler.shutdown()

    assert not scheduler.running
