"""The part of the suite for schedulers that is about failures: of jobs, listeners, triggers, stores and executors."""

from __future__ import annotations

from threading import Event

from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.events import (
    EVENT_ALL,
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_FAULT,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    EVENT_JOBSTORE_FAULT,
    EVENT_SCHEDULER_SHUTDOWN,
)

from ._scheduler_bench import FailingExecutor, FailingStore, FailingTrigger, SchedulerBench
from .checks import raises, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Faults"]


class Faults(SchedulerBench):
    """Nothing that a stranger's code raises ends the loop, and nobody else notices."""

    # -- listeners ---------------------------------------------------------------------------------------------

    def test_a_listener_that_raises_harms_nobody(self) -> None:
        """The other listeners hear the event all the same."""

        def fail(_: object) -> None:
            raise ValueError("the listener has failed")

        self.scheduler.remove_listener(self.events.append)
        self.scheduler.add_listener(fail)
        self.scheduler.add_listener(self.events.append)
        self.add_sound_job()
        self.begin(self.scheduler)

        self.assert_goes_on()
        assert self.codes().count(EVENT_JOB_EXECUTED) == 5

    def test_a_listener_cannot_end_the_program(self) -> None:
        """SystemExit is a failure of the listener, where it is called on a thread of the scheduler's."""

        def leave(_: object) -> None:
            raise SystemExit(1)

        self.scheduler.add_listener(leave, EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED)
        self.add_sound_job()
        self.begin(self.scheduler)

        self.assert_goes_on()
        self.assert_goes_on()

    def test_a_coroutine_may_listen(self) -> None:
        """It is awaited; what it raises harms nobody."""
        heard: list[int] = []

        async def listen(event: Any) -> None:
            heard.append(event.code)
            raise ValueError("the listener has failed")

        self.scheduler.add_listener(listen, EVENT_JOB_EXECUTED)
        self.add_sound_job()
        self.begin(self.scheduler)

        self.assert_goes_on()
        until(lambda: len(heard) == 5, "the listener to hear of five runs")

    # -- jobs --------------------------------------------------------------------------------------------------

    def test_a_job_that_raises_harms_nobody(self) -> None:
        """Whatever it raises; it is told of and runs again at its next time."""
        for name, exception in (("error", ValueError("the job has failed")), ("exit", SystemExit(2))):
            self.scheduler.add_job(_raise, "interval", args=[exception], seconds=1, id=name)
            self.scheduler.add_job(_raise_later, "interval", args=[exception], seconds=1, id=f"{name} later")
        self.add_sound_job()
        self.begin(self.scheduler)

        self.assert_goes_on()
        self.flush()
        told = [event.job_id for event in self.events if event.code == EVENT_JOB_ERROR]
        assert sorted(told) == sorted(["error", "exit", "error later", "exit later"] * 5)

    def test_a_job_may_change_itself(self) -> None:
        """Pause, change, reschedule or remove the very job that is running."""
        self.add_sound_job()
        changes = {
            "paused": lambda: self.scheduler.pause_job("paused"),
            "removed": lambda: self.scheduler.remove_job("removed"),
            "moved": lambda: self.scheduler.reschedule_job("moved", trigger="interval", seconds=3),
            "changed": lambda: self.scheduler.modify_job("changed", name="other"),
        }

        def change(name: str) -> None:
            self.note(name)
            changes[name]()

        for name in changes:
            self.scheduler.add_job(change, "interval", args=[name], seconds=1, id=name)
        self.begin(self.scheduler)
        self.assert_goes_on()

        assert self.times("paused") == self.times("removed") == [1]
        assert self.times("moved") == [1, 4]
        assert self.times("changed") == [1, 2, 3, 4, 5]

    # -- triggers ----------------------------------------------------------------------------------------------

    def test_a_trigger_that_raises_stops_its_own_job_only(self) -> None:
        """The job is told of, kept, and runs again when its trigger works."""
        self.add_failing_trigger(ZeroDivisionError("the trigger has failed"))

    def test_a_trigger_that_answers_nonsense_stops_its_own_job_only(self) -> None:
        """A naive time, no time at all, or one that is not after the last."""
        self.add_failing_trigger(from_instant(self.clock.now(), UTC).replace(tzinfo=None))
        self.add_failing_trigger("tomorrow")
        self.add_failing_trigger(from_instant(0, UTC))

    def add_failing_trigger(self, answer: Any) -> None:
        """Check what becomes of a job whose trigger goes wrong for a while."""
        name = f"of {answer!r}"
        trigger = FailingTrigger()
        self.add_sound_job(f"beside {name}")
        self.scheduler.add_job(self.note, trigger, args=[name], id=name)
        if not self.scheduler.running:
            self.begin(self.scheduler)
        self.assert_goes_on(f"beside {name}")
        ran = len(self.times(name))
        assert ran >= 4
        trigger.answer = answer
        self.assert_goes_on(f"beside {name}", 10)

        assert len(self.times(name)) <= ran + 1
        assert self.faults(EVENT_JOB_FAULT)
        assert self.scheduler.get_job(name) is not None
        trigger.answer = None
        self.assert_goes_on(f"beside {name}", 70)
        assert len(self.times(name)) > ran + 5

    # -- stores ------------------------------------------------------------------------------------------------

    def test_a_store_that_raises_harms_no_other(self) -> None:
        """It is told of and tried again; the jobs of other stores run on time, its own when it works."""
        self.check_failing_store("claim_due", EVENT_JOBSTORE_FAULT)

    def test_a_store_that_cannot_take_an_outcome_down_harms_no_other(self) -> None:
        """The outcome is told all the same."""
        self.check_failing_store("record_outcomes", EVENT_JOBSTORE_FAULT)
        assert self.codes().count(EVENT_JOB_EXECUTED) >= 20

    def check_failing_store(self, method: str, code: int) -> None:
        """Check what becomes of two stores of which one goes wrong for a while."""
        store = FailingStore()
        self.scheduler.add_jobstore(store, "failing")
        self.scheduler.add_job(self.note, "interval", seconds=1, jobstore="failing", id="job")
        self.add_sound_job()
        self.begin(self.scheduler)
        self.assert_goes_on()
        store.failing = method

        self.assert_goes_on()
        assert self.faults(code)
        store.failing = ""
        self.assert_goes_on("sound", 15)
        ran = len(self.times())
        self.clock.advance(5)
        assert len(self.times()) == ran + 5

    def test_a_store_that_does_not_start_stops_the_start(self) -> None:
        """`start` raises what the store raised, nothing is lost, and it can be started when the store works."""
        store = FailingStore()
        store.failing = "start"
        self.scheduler.add_jobstore(store, "failing")
        self.scheduler.add_job(self.note, "interval", seconds=1, jobstore="failing")
        self.add_sound_job()

        with raises(OSError, match="start of the store"):
            self.begin(self.scheduler)
        assert not self.scheduler.running
        store.failing = ""
        self.begin(self.scheduler)
        self.assert_goes_on()
        assert len(self.times()) == 5

    def test_a_store_that_does_not_shut_down_stops_no_shutdown(self) -> None:
        """The scheduler is shut down all the same."""
        store = FailingStore()
        self.scheduler.add_jobstore(store, "failing")
        self.begin(self.scheduler)
        store.failing = "shutdown"

        self.scheduler.shutdown()

        assert not self.scheduler.running
        assert self.codes()[-1] == EVENT_SCHEDULER_SHUTDOWN

    # -- executors ---------------------------------------------------------------------------------------------

    def test_a_run_that_no_executor_takes_is_tried_again(self) -> None:
        """It is late and not lost; the jobs of other executors are on time."""
        executor = FailingExecutor()
        executor.failing = "submit_run"
        self.scheduler.add_executor(executor, "failing")
        self.scheduler.add_job(self.note, "date", run_date=self.clock.time, executor="failing")
        self.scheduler.add_job(self.note, "interval", args=["often"], seconds=1, executor="failing")
        self.add_sound_job()
        self.begin(self.scheduler)

        self.assert_goes_on()
        assert self.faults(EVENT_JOB_FAULT)
        assert self.times() == self.times("often") == []
        executor.failing = ""
        self.assert_goes_on("sound", 70)
        assert self.times() == [0]
        assert len(self.times("often")) > 5

    def test_an_executor_that_cannot_tell_its_capacity_harms_no_other(self) -> None:
        """Its own jobs wait."""
        executor = FailingExecutor()
        self.scheduler.add_executor(executor, "failing")
        self.scheduler.add_job(self.note, "interval", seconds=1, executor="failing")
        self.add_sound_job()
        self.begin(self.scheduler)
        self.assert_goes_on()
        executor.failing = "capacity"

        self.assert_goes_on()
        executor.failing = ""
        self.assert_goes_on()
        assert len(self.times()) >= 10

    def test_an_executor_that_does_not_start_stops_the_start(self) -> None:
        """`start` raises what it raised, and can be repeated."""
        executor = FailingExecutor()
        executor.failing = "start"
        self.scheduler.add_executor(executor, "failing")
        self.add_sound_job()

        with raises(OSError, match="start of the executor"):
            self.begin(self.scheduler)
        executor.failing = ""
        self.begin(self.scheduler)
        self.assert_goes_on()

    def test_an_executor_that_does_not_shut_down_stops_no_shutdown(self) -> None:
        """The scheduler is shut down all the same."""
        executor = FailingExecutor()
        self.scheduler.add_executor(executor, "failing")
        self.begin(self.scheduler)
        executor.failing = "shutdown"

        self.scheduler.shutdown()

        assert not self.scheduler.running

    def test_a_job_waits_for_an_executor_that_is_not_there(self) -> None:
        """It is told of and kept, and runs when there is one."""
        self.add_sound_job()
        self.scheduler.add_job(self.note, executor="later")
        self.begin(self.scheduler)
        self.assert_goes_on()

        assert self.times() == []
        assert "later" in self.faults(EVENT_JOB_FAULT)[0]
        self.scheduler.add_executor("debug", "later")
        self.clock.settle()
        assert self.times() == [0]

    # -- events ------------------------------------------------------------------------------------------------

    def test_the_events_of_a_run_come_in_order(self) -> None:
        """SUBMITTED, then one outcome; however the run ends."""
        self.add_sound_job()
        self.scheduler.add_job(self.note_later, "interval", seconds=1)
        self.scheduler.add_job(_raise, "interval", args=[ValueError()], seconds=1)
        self.begin(self.scheduler)
        self.assert_goes_on()

        self.assert_in_order()
        codes = self.codes()
        assert codes.count(EVENT_JOB_SUBMITTED) == 15
        assert codes.count(EVENT_JOB_EXECUTED) == 10
        assert codes.count(EVENT_JOB_ERROR) == 5

    def test_what_is_not_run_is_told(self) -> None:
        """An overlap, and what is too late."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold, "interval", seconds=1, id="long")
        self.clock.advance(2, wait_for_runs=False)
        self.clock.advance(0, wait_for_runs=False)
        self.gate.set()
        self.scheduler.add_job(
            self.note,
            "date",
            run_date=from_instant(self.clock.now() - 60_000_000, UTC),
            misfire_grace_time=5,
            id="late",
        )
        self.clock.settle()
        self.flush()

        told = [(event.code, event.job_id) for event in self.events if hasattr(event, "job_id")]
        assert (EVENT_JOB_MAX_INSTANCES, "long") in told
        assert (EVENT_JOB_MISSED, "late") in told
        assert self.times() == []

    def test_the_events_of_a_call_are_told_before_it_returns(self) -> None:
        """Whoever adds, changes or removes a job can rely on it."""
        self.begin(self.scheduler)
        heard: list[int] = []
        self.scheduler.add_listener(lambda event: heard.append(event.code), EVENT_ALL & ~EVENT_JOB_SUBMITTED)
        job = self.scheduler.add_job(self.note, "interval", hours=1, id="job")
        assert heard[-1:] == [EVENT_JOB_ADDED]
        job.modify(name="other")
        assert heard[-1:] == [EVENT_JOB_MODIFIED]
        job.remove()
        assert heard[-1:] == [EVENT_JOB_REMOVED]

    def test_listeners_may_call_everything(self) -> None:
        """No lock is held while they are called."""
        done = Event()

        def listen(event: Any) -> None:
            if event.code == EVENT_JOB_EXECUTED:
                self.scheduler.add_job(self.note, "interval", hours=1, id="of the listener", replace_existing=True)
                self.scheduler.modify_job("of the listener", name="other")
                self.scheduler.pause_job("of the listener")
                self.scheduler.get_jobs()
                self.scheduler.remove_job("of the listener")
                done.set()

        self.scheduler.add_listener(listen)
        self.add_sound_job()
        self.begin(self.scheduler)
        self.assert_goes_on()

        assert done.wait(10)


def _raise(exception: BaseException) -> None:
    raise exception


async def _raise_later(exception: BaseException) -> None:
    raise exception
