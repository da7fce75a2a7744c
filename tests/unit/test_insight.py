"""The read model: what it shows of jobs and runs, and what it calls attention to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from apscheduler_lite import Retry
from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.insight import Insight
from apscheduler_lite.runs import current_run
from tests.stepping import SteppingScheduler


def stumble_twice():
    """Fail in the first two attempts."""
    if current_run().attempt < 3:
        raise ConnectionError("nobody there")


@pytest.fixture
def scheduler():
    """Give a scheduler that has been started."""
    made = SteppingScheduler()
    made.start()
    yield made
    made.shutdown()


def moment(scheduler, seconds):
    """Return the time so many seconds after the begin."""
    return from_instant(scheduler.begin + seconds * 1_000_000, UTC)


def test_jobs_are_shown_in_the_order_in_which_they_run(scheduler):
    """With their state, and how they ended last."""
    scheduler.add_job(len, "interval", args=["x"], minutes=5, id="later", name="Later")
    scheduler.add_job(divmod, "interval", args=[1, 0], minutes=1, id="sooner", retry=Retry(delay=30))
    scheduler.add_job(print, "cron", hour=3, id="paused", next_run_time=None)
    scheduler.step(60)

    sooner, later, paused = Insight(scheduler).jobs()

    assert (later.id, later.name, later.state, later.function) == ("later", "Later", "scheduled", "builtins:len")
    assert later.next_run_time == moment(scheduler, 300)
    assert later.last_run is None
    assert (paused.id, paused.state, paused.next_run_time) == ("paused", "paused", None)
    assert paused.schedule == "at 03:00 every day, UTC time"
    assert (sooner.waiting, sooner.last_run.outcome) == (1, "error")


def test_upcoming_runs_are_those_of_all_jobs_in_order(scheduler):
    """Between two times, both included, with the attempts that wait; none of paused jobs."""
    scheduler.add_job(print, "interval", seconds=40, id="forty")
    scheduler.add_job(divmod, "interval", args=[1, 0], minutes=1, id="sixty", retry=Retry(delay=15))
    scheduler.add_job(print, "interval", seconds=1, id="paused", next_run_time=None)
    scheduler.step(40)
    scheduler.step(20)

    fires = Insight(scheduler).upcoming(moment(scheduler, 61), moment(scheduler, 160))

    shown = [(fire.job_id, (fire.time - moment(scheduler, 0)).seconds, fire.attempt) for fire in fires]
    assert shown == [
        ("sixty", 75, 2), ("forty", 80, 1), ("forty", 120, 1), ("sixty", 120, 1), ("forty", 160, 1),
    ]  # fmt: skip
    assert len(Insight(scheduler).upcoming(moment(scheduler, 0), moment(scheduler, 10**6), limit=7)) == 7
    with pytest.raises(ValueError, match="end must not be before begin"):
        Insight(scheduler).upcoming(moment(scheduler, 1), moment(scheduler, 0))


def test_statistics_count_what_became_of_runs(scheduler):
    """By outcome; attempts are counted, and do not count as late."""
    scheduler.add_job(stumble_twice, "interval", minutes=5, id="job", retry=Retry(delay=10, backoff=1))
    scheduler.add_job(print, "interval", minutes=5, id="other")
    for seconds in (302, 10, 10):
        scheduler.step(seconds)

    insight = Insight(scheduler)
    found = insight.statistics(job_id="job")

    assert (found.count, found.outcomes, found.retries) == (3, {"executed": 1, "error": 2}, 2)
    assert found.success == pytest.approx(1 / 3)
    assert (found.mean_lateness, found.longest_lateness, found.mean_duration) == (2, 2, 0)
    assert insight.statistics().count == 4
    assert insight.statistics_by_job()["other"].success == 1
    assert insight.statistics(since=moment(scheduler, 301)).count == 0
    assert insight.statistics(since=moment(scheduler, 301)).success is None


def test_attention_is_called_to_what_is_wrong(scheduler):
    """Jobs that fail, that are overdue, that have no executor; not to those that are well."""
    scheduler.add_job(divmod, "interval", args=[1, 0], minutes=1, id="failing", retry=Retry(max_attempts=2, delay=30))
    scheduler.add_job(print, "interval", minutes=1, id="well")
    with pytest.warns(UserWarning, match="executor 'gone'"):
        scheduler.add_job(print, "interval", minutes=1, id="stray", executor="gone")
    scheduler.step(60)
    insight = Insight(scheduler)

    notices = {notice.job_id: (notice.kind, notice.message) for notice in insight.attention()}
    assert notices["failing"][0] == "failing"
    assert notices["failing"][1].startswith("the last run of job 'failing' failed: error: ZeroDivisionError: ")
    assert notices["failing"][1].endswith("; another attempt waits")
    assert notices["stray"][0] == "executor"
    assert "well" not in notices

    scheduler.step(30)
    assert "the last 2 runs of job 'failing' failed" in str(insight.attention())
    scheduler.clock._now += 600_000_000
    kinds = {(notice.kind, notice.job_id) for notice in insight.attention()}
    assert {("overdue", "well"), ("health", None)} <= kinds


def test_it_is_all_of_plain_values(scheduler):
    """For whoever shows it."""
    scheduler.add_job(stumble_twice, "interval", minutes=5, retry=Retry(delay=10))
    scheduler.step(300)

    shown = json.loads(json.dumps(Insight(scheduler).overview(timedelta(hours=1))))

    assert shown["health"]["ok"] is True
    assert len(shown["upcoming"]) == 13
    assert shown["jobs"][0]["last_run"]["outcome"] == "error"
    assert shown["attention"][0]["kind"] == "failing"
    assert shown["statistics"]["outcomes"] == {"error": 1}
