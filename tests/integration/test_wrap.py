"""The scheduler's ``wrap=``: given in every way, on every executor, and refused where it cannot be."""

from __future__ import annotations

import contextvars
from concurrent.futures import ProcessPoolExecutor as StandardPool
from contextlib import contextmanager, nullcontext

import pytest

from apscheduler_lite import BackgroundScheduler, current_run
from apscheduler_lite.errors import RemoteError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import BasePoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.testing import ManualClock

inside = contextvars.ContextVar("inside", default="nothing")


@contextmanager
def within(run):
    """Say in a variable which run it is."""
    token = inside.set(run.key)
    try:
        yield
    finally:
        inside.reset(token)


def look_around():
    """Return the variable."""
    return inside.get()


def look():
    """Return the variable and the run's key, which shall be the same."""
    return inside.get(), current_run().key


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(1),
    "debug": DebugExecutor,
    "standard-processes": lambda: BasePoolExecutor(StandardPool(1)),
}


def ended(func, **options):
    """Run the function once as a job of a scheduler with those options, and return the event of its end."""
    events = []
    clock = ManualClock()
    scheduler = BackgroundScheduler(timezone="UTC", clock=clock, **options)
    scheduler.add_listener(events.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(func, id="job")
    scheduler.start()
    clock.settle()
    scheduler.shutdown()
    (event,) = events
    return event


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
def test_every_executor_applies_it(executor):
    """With the run as the scheduler knows it."""
    event = ended(look, wrap=within, executors={"default": executor()})

    assert event.exception is None
    assert event.retval == (event.run.key, event.run.key)


def test_it_may_be_given_as_text_in_a_flat_dict():
    """As a configuration file holds it."""
    event = ended(look, gconfig={"apscheduler.wrap": f"{__name__}:within"})

    assert event.retval == (event.run.key, event.run.key)


def test_without_it_nothing_is_around():
    """`configure` without it takes it away again."""
    scheduler = BackgroundScheduler(wrap=within)
    scheduler.configure()
    assert scheduler._wrap is None


@pytest.mark.parametrize("wrap", [3, "nowhere:to_be_found", {}], ids=["number", "reference", "dict"])
def test_what_cannot_be_called_is_refused(wrap):
    """At the constructor, by the parameter's name."""
    with pytest.raises((TypeError, LookupError), match="wrap"):
        BackgroundScheduler(wrap=wrap)


def test_one_that_cannot_travel_is_blamed():
    """A process pool says that it is the wrap, and not the job, which cannot be sent."""
    event = ended(look, wrap=lambda run: nullcontext(), executors={"default": ProcessPoolExecutor(1)})

    assert isinstance(event.exception, RemoteError)
    assert "wrap" in str(event.exception)
    assert "top level of a module" in str(event.exception)


def test_the_variables_of_the_caller_of_add_job_are_not_captured():
    """Whatever they are, and wherever the job runs."""
    inside.set("the caller's")
    try:
        for executor in EXECUTORS.values():
            assert ended(look_around, executors={"default": executor()}).retval == "nothing"
    finally:
        inside.set("nothing")
