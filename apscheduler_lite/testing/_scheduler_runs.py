"""The part of the suite for schedulers that is about single runs: what is around them, and what bounds them."""

from __future__ import annotations

from contextlib import contextmanager

from apscheduler_lite.errors import JobTimeoutError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_INTERRUPTED, EVENT_JOB_MAX_INSTANCES
from apscheduler_lite.runs import Outcome

from ._scheduler_bench import SchedulerBench
from .checks import raises, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["Runs"]


class Runs(SchedulerBench):
    """A run knows itself, ends in time, and gives way as its job says."""

    def begin_held(self, func: Callable[..., Any], **options: Any) -> None:
        """Start the scheduler with a job that is due in ten seconds, each ten seconds, and let its first run begin."""
        self.begin(self.scheduler)
        self.scheduler.add_job(func, "interval", seconds=10, id="held", **options)
        self.clock.advance(10, wait_for_runs=False)
        until(lambda: any(run.started for run in list(self.scheduler._runs)), "the run to begin")

    def events_of(self, code: int) -> list[Any]:
        """Return the events of that code so far."""
        self.flush()
        return [event for event in self.events if event.code == code]

    def test_its_wrap_is_around_every_run(self) -> None:
        """Of plain functions and of coroutine functions."""
        around: list[tuple[str, str]] = []

        @contextmanager
        def wrap(run: Run) -> Iterator[None]:
            around.append(("in", run.job_id))
            yield
            around.append(("out", run.job_id))

        scheduler = self.new_scheduler(wrap=wrap)
        self.begin(scheduler)
        for number, func in enumerate((self.note, self.note_later)):
            scheduler.add_job(func, id=str(number))
            self.clock.settle()
        scheduler.shutdown()

        assert around == [(step, job_id) for job_id in "01" for step in ("in", "out")]
        assert len(self.ran) == 2

    def test_a_hung_run_times_out_and_the_schedule_goes_on(self) -> None:
        """A function that is left to itself, and a coroutine that is cancelled."""
        for number, func in enumerate((self.hold, self.hold_later)):
            if number:
                self.scheduler.remove_job("held")
                self.scheduler.add_job(func, "interval", seconds=10, id="held", timeout=5)
                self.clock.advance(10, wait_for_runs=False)
                until(lambda: any(run.started for run in list(self.scheduler._runs)), "the run to begin")
            else:
                self.begin_held(func, timeout=5)
            self.clock.advance(5, wait_for_runs=False)
            until(lambda number=number: len(self.events_of(EVENT_JOB_ERROR)) > number, "the run to time out")  # type: ignore[misc]
            event = self.events_of(EVENT_JOB_ERROR)[number]
            assert isinstance(event.exception, JobTimeoutError)
            assert event.run.outcome == Outcome.TIMED_OUT
        assert self.scheduler.abandoned_threads == 1
        assert self.events_of(EVENT_JOB_MAX_INSTANCES) == []
        self.assert_in_order()

    def test_a_skip_says_which_run_is_still_going(self) -> None:
        """On the event, with the run that it would have been."""
        self.begin_held(self.hold)
        self.clock.advance(10, wait_for_runs=False)
        (event,) = until(lambda: self.events_of(EVENT_JOB_MAX_INSTANCES), "the skip")

        assert event.run.outcome == Outcome.SKIPPED
        assert event.run.reason == "skipped: run of 00:00:10 still going after 10 s (max_instances=1)"

    def test_a_queued_run_starts_when_the_slot_is_free(self) -> None:
        """Without time passing, and for the latest fire time."""
        self.begin_held(self.hold, on_overlap="queue", args=["held"])
        self.clock.advance(25, wait_for_runs=False)
        assert self.times("held") == []
        self.gate.set()
        self.clock.settle()

        assert self.times("held") == [10, 30]
        assert self.events_of(EVENT_JOB_MAX_INSTANCES) == []

    def test_the_next_run_cancels_the_one_in_progress(self) -> None:
        """Of a coroutine; a job whose runs cannot be cancelled is refused."""
        self.begin_held(self.hold_later, on_overlap="cancel_previous", args=["held"])
        self.clock.advance(10, wait_for_runs=False)
        (event,) = until(lambda: self.events_of(EVENT_JOB_INTERRUPTED), "the run to be cancelled")
        self.gate.set()
        self.clock.settle()

        assert event.run.outcome == Outcome.INTERRUPTED
        assert self.times("held") == [20]
        with raises(ValueError, match="on_overlap='cancel_previous' cannot be kept"):
            self.scheduler.add_job(self.hold, on_overlap="cancel_previous")
