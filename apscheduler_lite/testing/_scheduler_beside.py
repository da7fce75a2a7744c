"""The part of the suite for schedulers that is about runs beside the schedule: further attempts, and runs asked for."""

from __future__ import annotations

from apscheduler_lite.errors import JobLookupError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler_lite.retry import Retry
from apscheduler_lite.runs import current_run

from ._scheduler_bench import SchedulerBench
from .checks import until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BesideTheSchedule"]


class BesideTheSchedule(SchedulerBench):
    """Runs that failed are tried again at their times; a run can be asked for; the schedule does not notice."""

    def fail_until(self, attempt: int) -> None:
        """Note the run; fail before that attempt."""
        run = current_run()
        self.ran.append((f"attempt {run.attempt}", (self.clock.now() - self._began) / 1e6))
        if run.attempt < attempt:
            raise ConnectionError(f"attempt {run.attempt}")

    async def fail_until_later(self, attempt: int) -> None:
        """Do the same as a coroutine."""
        self.fail_until(attempt)

    def told(self, code: int) -> list[Any]:
        """Return the events of that code."""
        self.flush()
        return [event for event in self.events if event.code == code]

    # -- further attempts --------------------------------------------------------------------------------------

    def check_attempts(self, func: Any) -> None:
        """Check the attempts of a job that fails twice."""
        retry = Retry(max_attempts=5, delay=10, backoff=2)
        self.scheduler.add_job(func, "interval", args=[3], minutes=5, id="job", retry=retry)
        self.begin(self.scheduler)

        self.clock.advance(599)

        assert self.ran == [("attempt 1", 300), ("attempt 2", 310), ("attempt 3", 330)]
        assert self.scheduler.get_job("job").next_run_time.timestamp() * 1e6 == self._began + 600e6
        first, second = self.told(EVENT_JOB_ERROR)
        assert first.will_retry
        assert first.next_attempt_at.timestamp() * 1e6 == self._began + 310e6
        assert second.will_retry
        assert second.next_attempt_at.timestamp() * 1e6 == self._began + 330e6
        (executed,) = self.told(EVENT_JOB_EXECUTED)
        assert (executed.run.attempt, executed.will_retry) == (3, False)
        assert [each.attempt for each in self.scheduler.get_runs("job")] == [3, 2, 1]
        self.assert_in_order()

    def test_a_run_that_failed_is_tried_again(self) -> None:
        """At its own times, until it succeeds; the events say when."""
        self.check_attempts(self.fail_until)

    def test_a_coroutine_that_failed_is_tried_again(self) -> None:
        """In the same way."""
        self.check_attempts(self.fail_until_later)

    def test_the_last_attempt_says_so(self) -> None:
        """After `max_attempts` a run has failed for good."""
        retry = {"max_attempts": 2, "delay": 1}
        self.scheduler.add_job(self.fail_until, "interval", args=[9], minutes=5, retry=retry)
        self.begin(self.scheduler)

        self.clock.advance(400)

        assert [event.will_retry for event in self.told(EVENT_JOB_ERROR)] == [True, False]

    def test_only_the_named_exceptions_are_worth_another_attempt(self) -> None:
        """Of others, and of success, there is none."""
        self.scheduler.add_job(self.fail_until, "interval", args=[2], minutes=5, retry=Retry(on=(OSError,), delay=1))
        self.scheduler.add_job(self.note, "interval", args=["sound"], minutes=5, retry=Retry(delay=1))
        self.scheduler.add_job(divmod, "interval", args=[1, 0], minutes=5, retry=Retry(on=(OSError,), delay=1))
        self.begin(self.scheduler)

        self.clock.advance(400)

        assert sorted(self.ran) == [("attempt 1", 300), ("attempt 2", 301), ("sound", 300)]
        assert sorted(event.will_retry for event in self.told(EVENT_JOB_ERROR)) == [False, True]

    def test_a_job_that_runs_once_is_tried_again(self) -> None:
        """It has left the schedule, and is remembered until the last attempt."""
        self.scheduler.add_job(self.fail_until, args=[2], id="once", retry=Retry(delay=10))
        self.begin(self.scheduler)

        self.clock.advance(20)

        assert [name for name, _ in self.ran] == ["attempt 1", "attempt 2"]

    def test_retries_can_be_the_default_of_all_jobs(self) -> None:
        """`job_defaults` hold one; a job's own one wins."""
        self.scheduler = self.new_scheduler(job_defaults={"retry": {"delay": 1, "max_attempts": 2}})
        self.scheduler.add_listener(self.events.append)
        self.scheduler.add_job(divmod, "interval", args=[1, 0], minutes=5)
        self.scheduler.add_job(divmod, "interval", args=[1, 0], minutes=5, retry=None)
        self.begin(self.scheduler)

        self.clock.advance(310)

        assert len(self.told(EVENT_JOB_ERROR)) == 3

    def test_the_jitter_of_attempts_is_drawn(self) -> None:
        """From 0 to 1, times `jitter` seconds."""
        self.scheduler._draw = lambda: 0.5
        self.scheduler.add_job(self.fail_until, "interval", args=[2], minutes=5, retry=Retry(delay=10, jitter=4))
        self.begin(self.scheduler)

        self.clock.advance(400)

        assert self.ran == [("attempt 1", 300), ("attempt 2", 312)]

    def test_attempts_are_not_missed_for_the_time_that_they_waited(self) -> None:
        """The grace time of a further attempt counts from that attempt's own time."""
        options = {"retry": Retry(delay=100), "misfire_grace_time": 5}
        self.scheduler.add_job(self.fail_until, "interval", args=[2], minutes=5, **options)
        self.begin(self.scheduler)

        self.clock.advance(420)

        assert self.ran == [("attempt 1", 300), ("attempt 2", 400)]

    def test_a_removed_job_drops_its_attempts(self) -> None:
        """That is told."""
        self.scheduler.add_job(self.fail_until, "interval", args=[9], minutes=5, id="job", retry=Retry(delay=60))
        self.scheduler.add_job(self.fail_until, args=[9], id="once", retry=Retry(delay=600))
        self.begin(self.scheduler)
        self.clock.advance(310)

        self.scheduler.remove_job("job")
        self.scheduler.remove_job("once")

        told = [(event.job_id, event.run.outcome, event.run.attempt) for event in self.told(EVENT_JOB_MISSED)]
        assert told == [("job", "skipped", 2), ("once", "skipped", 2)]
        self.clock.advance(600)
        assert len(self.ran) == 2
        try:
            self.scheduler.remove_job("once")
        except JobLookupError:
            return
        raise AssertionError("there is nothing left to be removed")

    # -- runs that were asked for ------------------------------------------------------------------------------

    def test_a_run_can_be_asked_for(self) -> None:
        """It is made at once, and its id is known; the next run time stays as it is."""
        job = self.scheduler.add_job(self.note, "interval", minutes=5, id="job")
        self.begin(self.scheduler)
        self.clock.advance(60)
        before = self.scheduler.get_job("job").next_run_time

        ids = [self.scheduler.run_job("job")]
        self.clock.advance(1)
        ids.append(job.run_now())
        self.clock.advance(1)

        assert self.times() == [60, 61]
        assert [event.run.id for event in self.told(EVENT_JOB_EXECUTED)] == ids
        assert self.scheduler.get_job("job").next_run_time == before
        assert job.last_run.id == ids[1]

    def test_a_paused_job_can_be_run(self) -> None:
        """And stays paused; a paused scheduler makes it when it is resumed."""
        self.scheduler.add_job(self.note, "interval", minutes=5, id="job", next_run_time=None)
        self.begin(self.scheduler)
        self.scheduler.pause()

        self.scheduler.run_job("job")
        assert [each.state for each in self.scheduler.get_runs()] == ["waiting"]
        self.scheduler.resume()
        self.clock.advance(1)

        assert self.times() == [0]
        assert self.scheduler.get_job("job").paused

    def test_a_run_that_is_asked_for_waits_for_the_slot(self) -> None:
        """`max_instances` holds for it too."""
        self.scheduler.add_job(self.hold, "interval", minutes=5, id="job")
        self.begin(self.scheduler)
        self.clock.advance(300, wait_for_runs=False)
        until(lambda: any(each.started for each in self.scheduler.get_runs()), "the run to begin")

        self.scheduler.run_job("job")
        self.clock.advance(1, wait_for_runs=False)
        assert self.times("held") == []
        self.gate.set()
        until(lambda: len(self.times("held")) == 2, "both runs")

        assert self.times("held") == [300, 300]

    def test_a_job_can_be_run_as_it_is_added(self) -> None:
        """Before the start as well; the schedule stays as it is."""
        self.scheduler.add_job(self.note, "interval", ["early"], minutes=5, run_immediately=True)
        asked = self.scheduler.add_job(self.note, "interval", ["asked"], minutes=5)
        self.scheduler.run_job(asked.id)
        self.begin(self.scheduler)
        self.clock.advance(1)
        self.scheduler.add_jobs(
            [{"func": self.note, "trigger": "interval", "args": ["late"], "minutes": 5, "run_immediately": True}]
        )
        self.clock.advance(400)

        assert self.times("early") == [0, 300]
        assert self.times("asked") == [0, 300]
        assert self.times("late") == [1, 301]

    def test_a_job_that_is_not_there_cannot_be_run(self) -> None:
        """The call says so."""
        try:
            self.scheduler.run_job("nowhere")
        except JobLookupError:
            return
        raise AssertionError("there is no such job")

    # -- after downtime ----------------------------------------------------------------------------------------

    def check_catch_up(self, stop: Any, go_on: Any, **options: Any) -> list[float]:
        """Return for when a job is run that runs each minute, after ten minutes in which nothing ran."""
        self.scheduler.add_job(self.note, "interval", minutes=1, id="job", max_instances=99, **options)
        self.begin(self.scheduler)
        self.clock.advance(61)
        stop()
        self.clock.advance(600)
        go_on()
        self.clock.advance(61)
        return self.times()

    def test_after_a_stop_the_latest_run_is_made_up_for(self) -> None:
        """Once."""
        times = self.check_catch_up(self.scheduler.shutdown, lambda: self.begin(self.scheduler), catch_up="latest")
        assert times == [60, 660, 720]

    def test_after_a_stop_nothing_is_made_up_for_where_that_is_wanted(self) -> None:
        """It is told as missed."""
        times = self.check_catch_up(self.scheduler.shutdown, lambda: self.begin(self.scheduler), catch_up="none")
        assert times == [60, 720]
        assert len(self.told(EVENT_JOB_MISSED)) == 1

    def test_after_a_pause_as_many_are_made_up_for_as_may_be(self) -> None:
        """The latest ones."""
        times = self.check_catch_up(self.scheduler.pause, self.scheduler.resume, catch_up="all", max_catch_up=3)
        assert sorted(times) == [60, 540, 600, 660, 720]
        assert len(self.told(EVENT_JOB_MISSED)) == 1

    def test_a_pause_of_the_scheduler_is_a_downtime(self) -> None:
        """So is a stop."""
        times = self.check_catch_up(self.scheduler.pause, self.scheduler.resume, catch_up="none")
        assert times == [60, 720]
