"""The part of the suite for executors that is about runs which do not end by themselves."""

from __future__ import annotations

from apscheduler_lite.errors import JobCancelledError, JobTimeoutError
from apscheduler_lite.runs import Outcome

from . import _executor_bench as jobs
from ._executor_bench import ExecutorBench
from .checks import until
from .clock import ManualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["Limits"]

LIMIT = 60.0
HELD = (jobs.hold, jobs.hold_later)


class Limits(ExecutorBench):
    """Who keeps time limits and cancels runs does so for the run alone; who does not says so."""

    clock: ManualClock

    def live_by_manual_clock(self) -> None:
        """Start an executor anew, by a clock that the test moves."""
        self.executor.shutdown()
        self.clock = self.scheduler.clock = ManualClock()
        self.executor = self.make_executor()
        self.executor.start(self.scheduler, "default")

    def wait_until_begun(self, run: Run) -> None:
        """Wait until a worker is at work on the run."""
        until(lambda: run.started is not None, "the run to begin")

    def let_time_run_out(self, count: int) -> None:
        """Let time pass until so many runs have been reported: one may have begun after the first step."""

        def is_reported() -> bool:
            self.clock.advance(LIMIT, wait_for_runs=False)
            return len(self.scheduler.ended) >= count

        until(is_reported, f"{count} runs to be reported")

    def run_out(self, func: Any) -> Run:
        """Let the time of a run of that function run out, and return it."""
        run = self.submit(func, self.gate, timeout=LIMIT, max_instances=9)
        self.wait_until_begun(run)
        self.let_time_run_out(len(self.scheduler.ended) + 1)
        assert self.scheduler.ended[-1] is run
        return run

    # -- time limits -------------------------------------------------------------------------------------------

    def test_a_run_that_takes_too_long_times_out(self) -> None:
        """It is reported with that outcome and a TimeoutError, while its job would still go on."""
        if not self.executor.keeps_timeout:
            return
        self.live_by_manual_clock()
        for func in HELD:
            run = self.run_out(func)
            assert run.outcome == Outcome.TIMED_OUT
            assert isinstance(run.exception, JobTimeoutError)
            assert isinstance(run.exception, TimeoutError)
            assert run.reason == "timed out: it lasted longer than its time limit of 60 s"
            assert run.started is not None
            assert run.finished is not None
            assert run.finished >= run.started

    def test_a_run_within_its_time_is_as_any_other(self) -> None:
        """Its result is what counts, and time that passes afterwards is nothing to it."""
        if not self.executor.keeps_timeout:
            return
        self.live_by_manual_clock()
        for number, func in enumerate((jobs.add, jobs.add_later)):
            run = self.submit(func, 2, timeout=LIMIT)
            self.wait_for(number + 1)
            self.clock.advance(2 * LIMIT, wait_for_runs=False)
            assert (run.outcome, run.retval) == (Outcome.EXECUTED, 2)
        assert len(self.scheduler.ended) == 2

    def test_a_failure_within_its_time_is_as_any_other(self) -> None:
        """Its exception is what counts."""
        if not self.executor.keeps_timeout:
            return
        run = self.outcome(jobs.fail, timeout=LIMIT)

        assert run.outcome == Outcome.ERROR
        assert isinstance(run.exception, ValueError)

    def test_the_pool_keeps_its_size(self) -> None:
        """As many runs as before are in progress at the same time when some have timed out."""
        if not self.executor.keeps_timeout or self.workers is None:
            return
        self.live_by_manual_clock()
        for _ in range(self.workers + 1):
            self.run_out(jobs.hold)

        assert self.executor.capacity() == self.workers
        runs = [self.submit(jobs.hold, self.gate, max_instances=9) for _ in range(self.workers)]
        for run in runs:
            self.wait_until_begun(run)
        assert self.executor.capacity() == 0
        self.open_gate()
        ended = self.wait_for(2 * self.workers + 1)
        assert [run.retval for run in runs] == ["held"] * self.workers
        assert len(ended) == 2 * self.workers + 1

    def test_what_comes_too_late_is_dropped(self) -> None:
        """A run is reported once, and its outcome stays what it was."""
        if not self.executor.keeps_timeout:
            return
        self.live_by_manual_clock()
        late = self.run_out(jobs.hold)
        self.open_gate()
        for number in range(4):
            run = self.submit(jobs.add, number)
            self.wait_for(number + 2)
            assert run.retval == number
        assert (late.outcome, late.retval) == (Outcome.TIMED_OUT, None)
        assert self.scheduler.ended.count(late) == 1

    def test_a_shutdown_waits_for_no_run_whose_time_is_over(self) -> None:
        """Neither before it nor during it."""
        if not self.executor.keeps_timeout or not self.restarts:
            return
        self.live_by_manual_clock()
        self.run_out(jobs.hold)

        self.executor.shutdown(wait=True)

    # -- cancelling --------------------------------------------------------------------------------------------

    def test_a_run_is_cancelled_where_that_is_possible(self) -> None:
        """It is reported as interrupted, with the reason; elsewhere it goes on as if nothing had been said."""
        if self.runs_at_once:
            return
        for func in HELD:
            run = self.submit(func, self.gate, max_instances=9)
            self.wait_until_begun(run) if self.executor.can_cancel(func) else None
            before = len(self.scheduler.ended)
            is_told = self.executor.cancel(run, JobCancelledError("to make room"))
            assert is_told == self.executor.can_cancel(func)
            if is_told:
                self.wait_for(before + 1)
                assert (run.outcome, run.reason) == (Outcome.INTERRUPTED, "interrupted: to make room")
                assert isinstance(run.exception, JobCancelledError)
        self.open_gate()
        runs = self.wait_for(2)
        assert all(run.outcome == Outcome.INTERRUPTED or run.retval == "held" for run in runs)

    def test_the_others_go_on_when_one_is_cancelled(self) -> None:
        """And the next one finds a worker."""
        if self.runs_at_once or not self.executor.can_cancel(jobs.hold_later) or self.workers == 1:
            return
        cancelled, other = (self.submit(jobs.hold_later, self.gate, max_instances=9) for _ in range(2))
        for run in (cancelled, other):
            self.wait_until_begun(run)
        assert self.executor.cancel(cancelled)
        self.wait_for(1)
        self.submit(jobs.add, 1)
        self.wait_for(2)
        self.open_gate()
        self.wait_for(3)

        assert cancelled.outcome == Outcome.INTERRUPTED
        assert other.retval == "held"

    def test_a_run_is_cancelled_before_it_has_begun(self) -> None:
        """Its function is not called."""
        if self.runs_at_once or not self.executor.can_cancel(jobs.hold_later) or self.workers is None:
            return
        held = [self.submit(jobs.hold, self.gate, max_instances=9) for _ in range(self.workers)]
        for run in held:
            self.wait_until_begun(run)
        waiting = self.submit(jobs.hold_later, self.gate, max_instances=9)
        assert self.executor.cancel(waiting)
        self.open_gate()
        self.wait_for(self.workers + 1)

        assert waiting.outcome == Outcome.INTERRUPTED
        assert {run.retval for run in held} == {"held"}

    def test_a_run_that_has_ended_is_not_cancelled(self) -> None:
        """Its outcome stays what it was."""
        run = self.outcome(jobs.add_later, 1)

        assert not self.executor.cancel(run)
        assert (run.outcome, run.retval) == (Outcome.EXECUTED, 1)
