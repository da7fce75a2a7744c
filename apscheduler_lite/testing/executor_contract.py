"""
The suite that every executor passes.

Subclass `ExecutorContract` in a test module, say how to make an executor, and let pytest (or any runner that knows
``setup_method``) run the inherited tests::

    class TestMyExecutor(ExecutorContract):
        workers = 4

        def make_executor(self, cls=None):
            return (cls or MyExecutor)(max_workers=4)
"""

from __future__ import annotations

import asyncio

from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.errors import MaxInstancesReachedError
from apscheduler_lite.runs import Outcome, Run

from . import _executor_bench as jobs
from ._executor_bench import Recorder
from ._executor_context import Context
from ._executor_limits import Limits
from .checks import raises, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ExecutorContract"]


class ExecutorContract(Context, Limits):
    """
    What holds for every executor.

    A subclass must override `make_executor`. It may override `make_scheduler`, for an executor that asks more of its
    scheduler, and set:

    Attributes:
        workers: how many runs are in progress at the same time, None for any number.
        runs_elsewhere: whether jobs run in other processes, so that functions, arguments, results and exceptions
            must travel.
        carries_functions: whether functions without an importable name travel there, too.
        runs_at_once: whether `submit_run` returns only when the run has ended.
        restarts: whether it can be started again after a shutdown.
        has_loop: whether all coroutines run on one event loop; if not, each has one of its own.

    To pass, an executor must report every run that it has accepted, once, with its outcome, whatever the job does; and
    raise where it does not accept one.
    """

    def make_executor(self, cls: Any = None) -> Any:
        """
        Return a new executor, which has not been started.

        Args:
            cls: make one of this class, a subclass of the one that is tested; None: of that one.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how to make an executor: override make_executor()")

    def make_scheduler(self) -> Recorder:
        """Return what the executor is started with; it notes the runs that it is told of."""
        return Recorder()

    # -- outcomes ----------------------------------------------------------------------------------------------

    def test_a_function_is_called(self) -> None:
        """With the job's arguments; the run bears what it returned, and when."""
        run = self.outcome(jobs.add, 1, kwargs={"second": 2})

        assert (run.outcome, run.retval, run.exception) == (Outcome.EXECUTED, 3, None)
        assert run.started is not None
        assert run.finished is not None
        assert run.due <= run.started <= run.finished

    def test_what_a_function_raises_is_reported(self) -> None:
        """With the traceback as text, and a sentence."""
        run = self.outcome(jobs.fail, "the reason")

        assert run.outcome == Outcome.ERROR
        assert isinstance(run.exception, ValueError)
        assert run.exception.args == ("the reason",)
        assert run.traceback is not None
        assert "in fail" in run.traceback
        assert run.reason == "error: ValueError: the reason"

    def test_exceptions_of_any_shape_are_reported(self) -> None:
        """One that cannot be made anew from its arguments is told of all the same."""
        run = self.outcome(jobs.fail_oddly)

        assert run.outcome == Outcome.ERROR
        assert run.exception is not None
        assert "very odd" in str(run.exception)
        assert self.runs_elsewhere or type(run.exception) is jobs.OddError

    def test_exceptions_that_fail_themselves_are_reported(self) -> None:
        """One whose message cannot be read and which no pickle can hold, too."""
        run = self.outcome(jobs.fail_mutely)

        assert run.outcome == Outcome.ERROR
        assert run.exception is not None
        assert "MuteError" in (run.reason or "")

    def test_a_job_cannot_end_the_program(self) -> None:
        """SystemExit is an error of that run, and the next one works."""
        assert self.outcome(jobs.leave).outcome == Outcome.ERROR
        self.submit(jobs.add, 1)

        assert self.wait_for(2)[1].retval == 1

    def test_what_comes_too_late_is_missed(self) -> None:
        """The grace time is judged when the run would start; the function is not called then."""
        run = self.outcome(jobs.hold, "never", late=60, misfire_grace_time=1)

        assert run.outcome == Outcome.MISSED
        assert run.started is None
        assert "late" in (run.reason or "")

    def test_what_is_late_within_its_grace_time_is_run(self) -> None:
        """And so is what has no grace time, however late it is."""
        assert self.outcome(jobs.add, 1, late=60, misfire_grace_time=3600).outcome == Outcome.EXECUTED
        self.submit(jobs.add, 1, late=10_000_000)

        assert self.wait_for(2)[1].outcome == Outcome.EXECUTED

    def test_what_cannot_travel_is_reported(self) -> None:
        """A function without a name, an argument or a result that no pickle holds: an error of that run at most."""
        event = jobs.hand_out_lock()
        for func, args in ((lambda: 1, ()), (jobs.add, (event, 1)), (jobs.hand_out_lock, ())):
            self.submit(func, *args)
        self.submit(jobs.add, 1)

        ended = self.wait_for(4)
        lost = 1 if not self.runs_elsewhere else 2 if self.carries_functions else 3
        by_reason = sorted(run.outcome or "" for run in ended)
        assert by_reason == ["error"] * lost + ["executed"] * (4 - lost)

    def test_a_run_keeps_its_arguments(self) -> None:
        """What becomes of the job after the hand-over changes no run."""
        job = self.new_job(jobs.add, 1)
        run = Run.of(job, "default", self.scheduler.clock.now(), self.scheduler.clock.now())
        job._modify(args=[5])
        self.executor.submit_run(run)

        assert self.wait_for(1)[0].retval == 1

    # -- coroutines --------------------------------------------------------------------------------------------

    def test_coroutine_functions_are_awaited(self) -> None:
        """And objects that are called like them, partials of them, and what plain functions return."""
        for func, args in (
            (jobs.add_later, (1, 2)),
            (jobs.Adder(), (1, 2)),
            (jobs.add_two_later, (1,)),
            (jobs.hand_out_coroutine, (1, 2)),
        ):
            self.submit(func, *args)

        assert [run.retval for run in self.wait_for(4)] == [3, 3, 3, 3]

    def test_what_a_coroutine_raises_is_reported(self) -> None:
        """As that of a function."""
        run = self.outcome(jobs.fail_later, "later")

        assert run.outcome == Outcome.ERROR
        assert isinstance(run.exception, ValueError)
        assert "in fail_later" in (run.traceback or "")

    def test_coroutines_share_one_event_loop(self) -> None:
        """So that what belongs to a loop, such as a pool of connections, can be kept from one run to the next."""
        if not self.has_loop:
            return
        jobs.loops.clear()
        for number in range(3):
            self.submit(jobs.note_loop)
            self.wait_for(number + 1)

        assert len(jobs.loops) == 3
        assert len(set(jobs.loops)) == 1
        jobs.loops.clear()

    def test_a_cancellation_is_an_outcome(self) -> None:
        """The run that is cancelled fails with it, and the next one goes well."""
        run = self.outcome(jobs.cancel_itself)

        assert run.outcome == Outcome.ERROR
        assert isinstance(run.exception, asyncio.CancelledError)
        self.submit(jobs.add_later, 1, 2)
        assert self.wait_for(2)[1].retval == 3

    def test_a_run_knows_itself(self) -> None:
        """`current_run` answers in a function and in a coroutine."""
        expected = []
        for func in (jobs.facts_of_run, jobs.facts_of_run_later):
            run = self.submit(func, id=func.__name__)
            expected.append((func.__name__, run.scheduled_run_time.isoformat()))

        assert sorted(run.retval for run in self.wait_for(2)) == expected

    # -- many --------------------------------------------------------------------------------------------------

    def test_every_run_is_reported_once(self) -> None:
        """However many there are, and however they end."""
        functions = [jobs.add, jobs.add_later, jobs.fail_oddly, jobs.leave]
        submitted = [self.submit(functions[n % 4], *((n,) if n % 4 < 2 else ()), id=f"job {n}") for n in range(60)]

        ended = self.wait_for(60)
        self.executor.shutdown()
        assert len(ended) == 60
        assert set(ended) == set(submitted)

    def test_as_many_run_at_the_same_time_as_there_are_workers(self) -> None:
        """The others wait, and are run when one is free."""
        if self.runs_at_once or self.workers is None:
            return
        runs = [self.submit(jobs.hold, self.gate) for _ in range(self.workers + 1)]
        assert self.executor.capacity() in (0, None)
        assert self.scheduler.ended == []
        self.open_gate()

        self.wait_for(len(runs))
        assert {run.retval for run in runs} == {"held"}
        assert self.executor.capacity() in (self.workers, None)

    def test_whoever_hears_of_an_end_finds_a_free_worker(self) -> None:
        """The worker is free before its run is reported."""
        free: list[int | None] = []
        self.scheduler.on_end = lambda _: free.append(self.executor.capacity())
        self.outcome(jobs.add, 1)

        assert free[0] in (self.workers, None)

    # -- life --------------------------------------------------------------------------------------------------

    def test_a_shutdown_waits_for_the_runs(self) -> None:
        """When it returns, all that was accepted has been reported."""
        runs = [self.submit(jobs.add, number) for number in range(20)]

        self.executor.shutdown(wait=True)

        assert sorted(run.retval for run in self.scheduler.ended) == list(range(20))
        assert set(self.scheduler.ended) == set(runs)

    def test_a_shutdown_need_not_wait(self) -> None:
        """Then it returns at once, and what was accepted is still run and reported."""
        if self.runs_at_once:
            return
        runs = [self.submit(jobs.hold, self.gate), self.submit(jobs.hold_later, self.gate)]

        self.executor.shutdown(wait=False)

        assert self.scheduler.ended == []
        self.open_gate()
        assert set(self.wait_for(2)) == set(runs)
        assert {run.retval for run in runs} == {"held"}

    def test_a_shutdown_may_be_repeated(self) -> None:
        """It may also come before the start."""
        self.make_executor().shutdown()
        self.executor.shutdown()
        self.executor.shutdown(wait=False)
        self.executor.shutdown(wait=True)

    def test_a_listener_may_shut_it_down(self) -> None:
        """The end of a run is told on a worker; a shutdown there waits for the other workers only."""
        done: list[bool] = []

        def shut_down(_: Run) -> None:
            self.executor.shutdown(wait=True)
            done.append(True)

        self.scheduler.on_end = shut_down
        self.submit(jobs.add, 1)

        until(lambda: done, "the shutdown to return")

    def test_nothing_disappears_after_a_shutdown(self) -> None:
        """A run that comes too late is refused by an exception, or run."""
        self.executor.shutdown()
        for func in (jobs.add, jobs.add_later):
            ended = len(self.scheduler.ended)
            try:
                self.submit(func, 1)
            except Exception:
                assert len(self.scheduler.ended) == ended
            else:
                self.wait_for(ended + 1)

    def test_it_starts_again(self) -> None:
        """After a shutdown that waited, and after one that did not, it runs jobs as before."""
        if not self.restarts:
            return
        for number, wait in enumerate((True, False)):
            self.executor.shutdown(wait)
            self.executor.start(self.scheduler, "default")
            self.submit(jobs.add, 1)
            self.submit(jobs.add_later, 1)
            assert self.wait_for(2 * number + 2)[-1].outcome == Outcome.EXECUTED

    def test_it_takes_nothing_before_its_start(self) -> None:
        """A run is refused, and so is version 3's job."""
        executor = self.make_executor()
        run = self.new_run(jobs.add, 1)

        with raises(RuntimeError, match="start"):
            executor.submit_job(self.new_job(jobs.add, 1), [run.scheduled_run_time])
        if not self.runs_at_once:
            with raises(RuntimeError, match="start"):
                executor.submit_run(run)

    # -- as version 3 ------------------------------------------------------------------------------------------

    def test_a_job_may_be_submitted_as_in_version_3(self) -> None:
        """`submit_job` runs it once for each of the times."""
        now = self.scheduler.clock.now()
        times = [from_instant(now - second * 1_000_000, UTC) for second in (2, 1, 0)]

        self.executor.submit_job(self.new_job(jobs.add, 1, max_instances=3), times)

        assert sorted(run.scheduled_run_time for run in self.wait_for(3)) == times
        assert {run.retval for run in self.scheduler.ended} == {1}

    def test_instances_are_limited_as_in_version_3(self) -> None:
        """`submit_job` refuses one more than the job allows, until one has ended."""
        if self.runs_at_once:
            return
        job = self.new_job(jobs.hold, self.gate, max_instances=1)
        now = from_instant(self.scheduler.clock.now(), UTC)
        self.executor.submit_job(job, [now])

        with raises(MaxInstancesReachedError, match="job"):
            self.executor.submit_job(job, [now])
        self.open_gate()
        self.wait_for(1)
        self.executor.submit_job(job, [now])
        assert len(self.wait_for(2)) == 2

    def test_a_subclass_may_wrap_every_job_as_in_version_3(self) -> None:
        """An override of `_do_submit_job` is called for each run, and what it hands on is what is run."""
        tested = type(self.executor)
        handed: list[str] = []

        class Wrapping(tested):  # type: ignore[misc, valid-type]
            def _do_submit_job(self, job: Any, run_times: Any) -> None:
                handed.append(job.id)
                job.args = (10, 1)
                super()._do_submit_job(job, run_times)

        self.executor.shutdown()
        self.executor = self.make_executor(Wrapping)
        self.executor.start(self.scheduler, "default")
        run = self.submit(jobs.add, 1)

        assert self.wait_for(1) == [run]
        assert run.retval == 11
        assert handed == ["job"]
        assert run.job is not None
        assert run.job.args == (1,)

    def test_a_subclass_that_refuses_is_heard(self) -> None:
        """What an override of `_do_submit_job` raises is raised; runs in progress are reported as before."""
        tested = type(self.executor)

        class Refusing(tested):  # type: ignore[misc, valid-type]
            def _do_submit_job(self, job: Any, run_times: Any) -> None:
                if job.args == ("refuse me",):
                    raise ZeroDivisionError("refused")
                super()._do_submit_job(job, run_times)

        self.executor.shutdown()
        self.executor = self.make_executor(Refusing)
        self.executor.start(self.scheduler, "default")
        first = self.submit(jobs.add, 1, max_instances=2)
        with raises(ZeroDivisionError, match="refused"):
            self.submit(jobs.add, "refuse me", max_instances=2)

        assert self.wait_for(1) == [first]
