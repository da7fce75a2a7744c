"""What a stranger's object does when it is looked at, compared or logged: it stops nobody and holds no lock."""

from __future__ import annotations

import logging
from datetime import timedelta, timezone
from threading import Event, Thread

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.base import BaseTrigger
from tests.faults.foreign_stores import CopyStore
from tests.recording import note, times_of
from tests.waiting import wait_until


class RaisingHandler(logging.Handler):
    """A handler that raises what it should handle."""

    def emit(self, record):
        raise OSError("the disk is full")


@pytest.fixture
def broken_log():
    """A logger all of whose lines raise."""
    logger = logging.getLogger("tests.broken log")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = RaisingHandler()
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_a_logging_handler_that_raises_stops_nothing(broken_log):
    """Scheduler start, runs, pause and shutdown work although every line of the log raises."""
    key = "broken log"
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock(), logger=broken_log)
    scheduler.add_listener(lambda event: 1 / 0)
    scheduler.start()
    scheduler.add_job(note, "interval", [key], seconds=1)
    scheduler.add_job(note, "interval", [key], seconds=1, executor="default", id="removed")
    scheduler.remove_job("removed")
    scheduler.clock.advance(3)
    scheduler.pause()
    scheduler.resume()
    scheduler.clock.advance(3)
    scheduler.shutdown()

    assert not scheduler.running
    assert len(times_of(key)) == 6


def test_log_lines_name_the_line_that_wrote_them(caplog):
    """The guard around the logger does not stand in for its callers."""
    scheduler = BackgroundScheduler(timezone="UTC")
    caplog.set_level(logging.INFO, "apscheduler_lite.scheduler")
    scheduler.start()
    scheduler.shutdown()
    files = {record.filename for record in caplog.records if record.name == "apscheduler_lite.scheduler"}

    assert files
    assert "_guarded_logger.py" not in files


class Curious:
    """A listener that asks another thread about the scheduler when it is compared or shown."""

    def __init__(self, scheduler):
        self.scheduler = scheduler

    def ask(self):
        """Fail when the scheduler cannot be used by others at this moment."""
        answered = Event()

        def ask():
            self.scheduler.add_listener(print)
            self.scheduler.pause()
            self.scheduler.resume()
            answered.set()

        Thread(target=ask, daemon=True).start()
        assert answered.wait(5), "the scheduler's lock is held"

    def __call__(self, event):
        """Hear of an event."""

    def __eq__(self, other):
        self.ask()
        return self is other

    __hash__ = object.__hash__

    def __repr__(self):
        self.ask()
        return "a curious listener"


def test_listeners_are_compared_without_a_lock():
    """How a listener compares, and what it looks like, is a stranger's code."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start(paused=True)
    curious = Curious(scheduler)
    scheduler.add_listener(curious)
    scheduler.remove_listener(curious)
    uncallable = type("Uncallable", (), {"__repr__": Curious.__repr__, "ask": Curious.ask, "scheduler": scheduler})
    with pytest.raises(TypeError, match="curious"):
        scheduler.add_listener(uncallable())
    scheduler.shutdown()

    assert curious not in [listener for listener, *_ in scheduler._listeners._listeners if listener is curious]


class OddZone(BaseTrigger):
    """A trigger whose zone is computed, by code that may fail, or look at the store."""

    look = None

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) + timedelta(seconds=1)

    @property
    def zone(self):
        if self.look is not None:
            self.look()
        return timezone.utc


@pytest.mark.parametrize("store_class", [MemoryJobStore, CopyStore])
def test_a_trigger_whose_zone_fails_loses_no_run(store_class, monkeypatch):
    """Its job is tried again later; other jobs are on time."""
    key = f"odd zone {store_class.__name__}"
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock(), jobstores={"default": store_class()})
    scheduler.start()
    scheduler.add_job(note, OddZone(), [f"{key} odd"], coalesce=False, max_instances=99)
    scheduler.add_job(note, "interval", [f"{key} other"], seconds=1)
    scheduler.clock.advance(2)
    monkeypatch.setattr(OddZone, "look", lambda _: 1 / 0)
    scheduler.clock.advance(10)
    others = len(times_of(f"{key} other"))
    monkeypatch.setattr(OddZone, "look", None)
    scheduler.clock.advance(30)
    scheduler.shutdown()
    odd = times_of(f"{key} odd")

    assert others == 12
    assert len(odd) == len(set(odd)) >= 40


def test_a_triggers_zone_is_asked_without_the_stores_lock(monkeypatch):
    """Another thread may use the store meanwhile."""
    key = "zone and lock"
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    held: list = []

    def look(_):
        answered = Event()
        Thread(target=lambda: (scheduler.get_jobs(), answered.set()), daemon=True).start()
        held.append(not answered.wait(5))

    scheduler.start()
    scheduler.add_job(note, OddZone(), [key])
    monkeypatch.setattr(OddZone, "look", look)
    scheduler.clock.advance(2)
    wait_until(lambda: times_of(key))
    monkeypatch.setattr(OddZone, "look", None)
    scheduler.shutdown()

    assert held
    assert not any(held)
