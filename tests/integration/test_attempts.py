"""A run on an engine's worker, told to stop in the moments in which that is easily missed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from apscheduler_lite import BackgroundScheduler, current_run
from apscheduler_lite._clock import SystemClock
from apscheduler_lite.errors import JobCancelledError, JobTimeoutError
from apscheduler_lite.executors import _attempt
from apscheduler_lite.executors._attempt import Attempt, runs_here, stop_runs
from apscheduler_lite.runs import Outcome, Run

WHY = JobCancelledError("to make room")


@pytest.fixture(autouse=True)
def nothing_refused():
    """Begin and end without runs that must not begin."""
    _attempt._refused.clear()
    yield
    _attempt._refused.clear()


def attempt_at(func, **options):
    """Return a run of a new job, and the attempt at it."""
    job = BackgroundScheduler(timezone="UTC").add_job(func, id="job", **options)
    clock = SystemClock()
    run = Run.of(job, "default", clock.now(), clock.now())
    return run, Attempt(run, clock, logging.getLogger("tests"))


def test_a_run_that_arrives_after_it_was_stopped_is_not_begun():
    """It was on its way to the worker when all workers were told."""
    called = []
    run, attempt = attempt_at(lambda: called.append(1))

    assert stop_runs({run.id: WHY}) == []
    attempt.make()
    assert (run.outcome, run.reason) == (Outcome.INTERRUPTED, "interrupted: to make room")
    assert called == []
    assert _attempt._refused == {}


def test_a_time_limit_refuses_no_run():
    """One that has not begun has all of its time before it."""
    run, attempt = attempt_at(lambda: "done")

    assert stop_runs({run.id: JobTimeoutError(1)}) == []
    attempt.make()
    assert run.retval == "done"


def stop_and_wait():
    """Be stopped in a moment in which there is nothing yet to be cancelled, and wait then."""
    this = current_run().id
    assert stop_runs({this: WHY}) == [this]
    return asyncio.sleep(600)


def test_a_run_that_is_stopped_before_it_awaits_is_cancelled_there():
    """There was no task yet when it was told."""
    run, attempt = attempt_at(stop_and_wait)
    attempt.make()

    assert run.outcome == Outcome.INTERRUPTED


def look_who_is_here():
    """Return which of two runs, this one and another, the worker has begun."""
    return runs_here([current_run().id, "another"])


def test_a_worker_knows_its_runs_while_they_go_on():
    """And no longer."""
    run, attempt = attempt_at(look_who_is_here)
    attempt.make()

    assert run.retval == [run.id]
    assert runs_here([run.id]) == []


def test_a_worker_remembers_a_bounded_number_of_refused_runs(monkeypatch):
    """The oldest are forgotten: they were dropped by the engine long ago."""
    monkeypatch.setattr(_attempt, "MOST_REFUSED", 2)
    stop_runs({"first": WHY, "second": WHY, "third": WHY})

    assert list(_attempt._refused) == ["second", "third"]


def test_a_run_without_end_has_an_endless_limit():
    """A limit that is longer than any lock can be waited for is none."""
    run, attempt = attempt_at(lambda: "done", timeout=1e12)
    attempt.make()

    assert run.retval == "done"
