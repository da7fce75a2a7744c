"""Facts about runs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.job import Job
from apscheduler_lite.runs import Outcome, Run, _current, current_run
from apscheduler_lite.triggers.interval import IntervalTrigger

WHEN = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
DUE = to_instant(WHEN)


def work(*args, **kwargs):
    """Return the arguments."""
    return args, kwargs


def make_run(**attributes):
    """Return a run of a job with those attributes, half a second later than its fire time."""
    trigger = IntervalTrigger(hours=1, timezone="Europe/Vienna")
    job = Job(None, "täglich", func=work, trigger=trigger, **attributes)
    return Run.of(job, "disk", DUE, DUE + 500_000)


def test_a_run_takes_what_it_needs_from_its_job():
    """Function, arguments, executor, grace time, zone; none of them changes with the job."""
    run = make_run(args=[1], kwargs={"two": 2}, executor="gpu", misfire_grace_time=1.5)

    assert (run.job_id, run.jobstore, run.executor) == ("täglich", "disk", "gpu")
    assert (run.func, run.args, run.kwargs, run.grace) == (work, (1,), {"two": 2}, 1_500_000)
    assert (run.fire_time, run.due) == (DUE, DUE + 500_000)
    assert (run.attempt, run.outcome, run.is_last) == (1, None, False)


def test_its_times_are_in_the_zone_of_its_job():
    """The scheduled one with the jitter; those of start and end when they are known."""
    run = make_run()
    assert run.scheduled_run_time == WHEN + timedelta(seconds=0.5)
    assert run.scheduled_run_time.tzinfo == ZoneInfo("Europe/Vienna")
    assert run.started_at is None
    assert run.finished_at is None
    run.started, run.finished = DUE + 1_000_000, DUE + 2_000_000

    assert run.started_at == WHEN + timedelta(seconds=1)
    assert run.finished_at == WHEN + timedelta(seconds=2)
    assert run.finished_at.tzinfo == ZoneInfo("Europe/Vienna")


def test_without_a_zone_its_times_are_in_utc():
    """A job that knows no zone has runs in UTC."""
    run = Run(None, "a", "disk", "default", DUE, DUE, None, None, work, (), None)
    run.started = run.finished = DUE

    assert run.scheduled_run_time.tzinfo is run.started_at.tzinfo is run.finished_at.tzinfo is UTC


def test_every_run_has_an_id_of_its_own():
    """Two runs of one fire time have different ids and the same key."""
    first, second = make_run(), make_run()

    assert first.id != second.id
    assert first.key == second.key == "täglich@2031-01-02T03:04:05.500000+00:00"


def test_a_run_travels_without_its_job():
    """Across a process border it keeps its id and its facts; the job stays with its scheduler."""
    run = make_run(args=[1])
    run.outcome = Outcome.EXECUTED

    arrived = pickle.loads(pickle.dumps(run))

    assert arrived.id == run.id
    assert arrived.has_travelled
    assert not run.has_travelled
    assert arrived.job is None
    assert run.job is not None
    assert (arrived.func, arrived.args, arrived.outcome) == (work, (1,), "executed")
    assert pickle.loads(pickle.dumps(arrived)).id == run.id


def test_a_run_prints_what_it_is():
    """Its id, its job, when it was due, how it ended."""
    run = make_run()

    assert repr(run) == f"<Run {run.id} of job 'täglich' due 2031-01-02T04:04:05.500000+01:00: None>"


def test_outside_a_run_there_is_no_current_one():
    """And the caller is told."""
    with pytest.raises(LookupError, match=r"current_run\(\) was called outside a job's run"):
        current_run()


def test_inside_a_run_it_is_the_current_one():
    """Until it has ended."""
    run = make_run()
    token = _current.set(run)
    inside = current_run()
    _current.reset(token)

    assert inside is run
    with pytest.raises(LookupError):
        current_run()
