"""The part of the suite for executors that is about what a run knows, and what is around it."""

from __future__ import annotations

from apscheduler_lite.runs import Outcome

from . import _executor_bench as jobs
from ._executor_bench import ExecutorBench

__all__ = ["Context"]


class Context(ExecutorBench):
    """A job knows its run; the scheduler's ``wrap`` is around each run; no run sees another one's variables."""

    def test_a_job_knows_all_of_its_run(self) -> None:
        """The ids and times are those that the scheduler knows; its logger adds them to each line."""
        for number, func in enumerate((jobs.all_facts_of_run, jobs.all_facts_of_run_later)):
            run = self.submit(func, late=5)
            self.wait_for(number + 1)

            assert run.exception is None
            facts = (run.id, "job", run.scheduled_run_time, 1, "default", run.key)
            names = ("run_id", "job_id", "scheduled_run_time", "attempt", "jobstore", "run_key")
            assert run.retval == (*facts, dict(zip(names, facts, strict=True)))

    def test_each_run_is_wrapped(self) -> None:
        """Plain functions and coroutine functions, in a context manager of either kind."""
        expected = 0
        for wrap in (jobs.inside, jobs.inside_later):
            for func in (jobs.whereabouts, jobs.whereabouts_later):
                run = self.submit(func, wrap=wrap)
                expected += 1
                self.wait_for(expected)
                assert run.outcome == Outcome.EXECUTED, run.exception
                # What an asynchronous context manager sets is seen by what is awaited in the same task.
                if wrap is jobs.inside or func is jobs.whereabouts_later:
                    assert run.retval == "inside job"

    def test_an_error_of_the_wrap_is_the_runs(self) -> None:
        """On the way in, when the function is not called; and on the way out."""
        expected = 0
        for wrap, message in ((jobs.closed, "closed for job"), (jobs.stuck, "stuck with job")):
            for func in (jobs.add, jobs.add_later):
                run = self.submit(func, 1, wrap=wrap)
                expected += 1
                self.wait_for(expected)
                assert run.outcome == Outcome.ERROR
                assert isinstance(run.exception, PermissionError)
                assert str(run.exception) == message

    def test_a_wrap_may_swallow_what_the_function_raises(self) -> None:
        """The run is executed then, without a result."""
        run = self.outcome(jobs.fail, wrap=jobs.forgiving)

        assert (run.outcome, run.retval, run.exception) == (Outcome.EXECUTED, None, None)

    def test_a_wrap_that_makes_no_context_manager_is_explained(self) -> None:
        """As an error of the run."""
        run = self.outcome(jobs.add, 1, wrap=jobs.no_wrap)

        assert isinstance(run.exception, TypeError)
        assert "wrap must return a context manager" in str(run.exception)

    def test_what_a_run_sets_is_its_own(self) -> None:
        """A context variable that a job has set is as before for the next one on the same worker."""
        for number in range(4):
            run = self.submit(jobs.settle, f"place {number}")
            self.wait_for(number + 1)
            assert run.retval == "nowhere"
