"""The history of the store in memory: how much of it is kept, and what it costs in memory."""

import pytest

from apscheduler_lite import Job
from apscheduler_lite.jobstores._history import GONE_JOBS, KEPT_IN_ALL, History
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.runs import Run
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.stepping import SteppingScheduler

JOB = Job(None, func=print, trigger=IntervalTrigger(seconds=1))


def ended(job_id, number=0):
    """Return a run that has ended."""
    job = JOB._copy()
    job.id = job_id
    run = Run.of(job, "default", number, number)
    run.outcome = "executed"
    return run


def times(history, job_id):
    """Return when those runs of a job were due that are remembered."""
    return [record.due for record in history.find("default", job_id, None, None)]


def test_the_latest_runs_of_each_job_are_kept():
    """As many as the store was told."""
    history = History(3, {"often", "seldom"})
    for number in range(10):
        history.add(ended("often", number))
    history.add(ended("seldom"))

    assert times(history, "often") == [7, 8, 9]
    assert times(history, "seldom") == [0]


def test_nothing_is_kept_where_nothing_is_wanted():
    """`keep_runs=0`."""
    history = History(0)
    history.add(ended("job"))

    assert len(history) == 0


def test_jobs_that_are_gone_leave_a_bounded_number_of_records():
    """Of ten thousand jobs that ran once, those of the latest are kept; those of a job that goes on all the time."""
    history = History(5, {"stays"})
    for number in range(10_000):
        history.add(ended(f"job {number}"))
        if number % 100 == 0:
            history.add(ended("stays", number))

    assert len(history) <= GONE_JOBS + 5
    assert times(history, "job 9999") == [0]
    assert times(history, "stays") == [9500, 9600, 9700, 9800, 9900]


def test_a_job_that_there_is_keeps_its_runs_whatever_becomes_of_those_of_others():
    """Also when runs that are not made are the first on record of a thousand other jobs."""
    scheduler = SteppingScheduler()
    scheduler.start()
    hourly = [{"func": int, "trigger": "interval", "hours": 1, "id": f"hourly {number}"} for number in range(GONE_JOBS)]
    scheduler.add_jobs(hourly)
    scheduler.step(3_600)
    scheduler.add_job(int, "interval", seconds=10, misfire_grace_time=1, id="late")

    scheduler.step(15)

    assert scheduler.get_job("late").last_run.outcome == "missed"
    assert {scheduler.get_job(given["id"]).last_run.outcome for given in hourly} == {"executed"}
    scheduler.shutdown()


def test_all_jobs_share_a_bound_but_each_keeps_its_last_run():
    """With many jobs each keeps fewer."""
    jobs = [f"job {number}" for number in range(5_000)]
    history = History(20, set(jobs))
    for number in range(10):
        for job_id in jobs:
            history.add(ended(job_id, number))

    assert len(history) == KEPT_IN_ALL
    assert times(history, "job 4999") == [6, 7, 8, 9]


WRONG = [(-1, ValueError), ("many", ValueError), (1.5, TypeError), (None, TypeError)]


@pytest.mark.parametrize(("given", "kind"), WRONG)
def test_the_number_is_checked(given, kind):
    """At the call."""
    with pytest.raises(kind, match="keep_runs must be"):
        MemoryJobStore(keep_runs=given)


def test_a_job_knows_its_last_run():
    """And the scheduler the runs of all jobs."""
    scheduler = SteppingScheduler()
    scheduler.start()
    job = scheduler.add_job(divmod, "interval", seconds=10, args=(1, 0), id="job")
    assert job.last_run is None

    scheduler.step(10)

    assert job.last_run == scheduler.get_runs("job")[0]
    assert (job.last_run.outcome, job.last_run.exception_type) == ("error", "ZeroDivisionError")
    assert scheduler.get_runs(outcome="executed") == []
    scheduler.shutdown()


def test_what_has_run_is_told_after_the_end_too():
    """A program that is over reports what it has done; the store in memory is still there."""
    scheduler = SteppingScheduler()
    scheduler.start()
    job = scheduler.add_job(divmod, "interval", seconds=10, args=(3, 2), id="job")
    scheduler.step(10)
    scheduler.shutdown()

    assert [run.outcome for run in scheduler.get_runs("job")] == ["executed"]
    assert job.last_run == scheduler.get_runs()[0]


def test_a_limit_below_one_is_refused():
    """As a wrong value, not as a wrong type."""
    with pytest.raises(ValueError, match="limit must be a positive integer, not 0"):
        SteppingScheduler().get_runs(limit=0)


def test_an_outcome_that_does_not_exist_is_refused():
    """With the nearest one."""
    scheduler = SteppingScheduler()
    with pytest.raises(ValueError, match=r"outcome must be .* not 'eror'.*did you mean 'error'"):
        scheduler.get_runs(outcome="eror")
