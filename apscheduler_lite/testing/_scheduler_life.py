"""The part of the suite for schedulers that is about their life: start, pause, resume, shutdown, from anywhere."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from threading import Event, Thread

from apscheduler_lite.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler_lite.events import (
    EVENT_JOB_ADDED,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler_lite.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

from ._scheduler_bench import SchedulerBench
from .checks import in_threads, raises, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Life"]


class Life(SchedulerBench):
    """A scheduler tolerates being started and stopped in every order, from every thread, and loses nothing."""

    # -- in order ----------------------------------------------------------------------------------------------

    def test_it_runs_jobs_between_start_and_shutdown(self) -> None:
        """Plain functions and coroutine functions, each fire time once."""
        self.scheduler.add_job(self.note, "interval", args=["before"], seconds=2)
        self.begin(self.scheduler)
        self.scheduler.add_job(self.note, "interval", args=["after"], seconds=3)
        self.scheduler.add_job(self.note_later, "interval", seconds=3)
        self.clock.advance(7)
        self.scheduler.shutdown()

        assert self.times("before") == [2, 4, 6]
        assert self.times("after") == [3, 6]
        assert self.times("coroutine") == [3, 6]
        self.clock.advance(10)
        assert len(self.ran) == 7

    def test_it_tells_its_state(self) -> None:
        """Stopped, running, paused, running, stopped; with an event for each change."""
        states = [(self.scheduler.state, self.scheduler.running)]
        self.begin(self.scheduler)
        for change in (lambda: None, self.scheduler.pause, self.scheduler.resume, self.scheduler.shutdown):
            change()
            states.append((self.scheduler.state, self.scheduler.running))

        assert states == [
            (STATE_STOPPED, False),
            (STATE_RUNNING, True),
            (STATE_PAUSED, True),
            (STATE_RUNNING, True),
            (STATE_STOPPED, False),
        ]
        told = [code for code in self.codes() if code in (1, 2, 4, 8)]
        assert told == [
            EVENT_SCHEDULER_STARTED,
            EVENT_SCHEDULER_PAUSED,
            EVENT_SCHEDULER_RESUMED,
            EVENT_SCHEDULER_SHUTDOWN,
        ]

    def test_a_second_start_is_an_error(self) -> None:
        """And changes nothing."""
        self.add_sound_job()
        self.begin(self.scheduler)

        with raises(SchedulerAlreadyRunningError, match="already running"):
            self.scheduler.start()
        with raises(SchedulerAlreadyRunningError, match="already running"):
            self.scheduler.configure(timezone="UTC")
        self.assert_goes_on()

    def test_what_needs_a_running_scheduler_says_so(self) -> None:
        """Before the start and after the end; a second shutdown is no error."""
        for call in (self.scheduler.pause, self.scheduler.resume, self.scheduler.shutdown):
            with raises(SchedulerNotRunningError, match="not running"):
                call()
        self.begin(self.scheduler)
        self.scheduler.shutdown()
        for call in (self.scheduler.pause, self.scheduler.resume):
            with raises(SchedulerNotRunningError, match="not running"):
                call()
        self.scheduler.shutdown()
        self.scheduler.shutdown(wait=False)
        assert self.codes().count(EVENT_SCHEDULER_SHUTDOWN) == 1

    def test_it_starts_again(self) -> None:
        """As often as one likes; what came due in between is run late, once, and not lost."""
        self.add_sound_job()
        for _ in range(4):
            self.begin(self.scheduler)
            self.clock.settle()
            self.assert_goes_on()
            self.scheduler.shutdown()
            self.clock.advance(10)

        assert self.times("sound")[4:7] == [5, 15, 16]

    def test_a_start_may_be_paused(self) -> None:
        """Nothing runs until `resume`; then what has come due does."""
        self.add_sound_job()
        self.begin(self.scheduler, paused=True)
        self.clock.advance(5)

        assert self.scheduler.state == STATE_PAUSED
        assert self.ran == []
        self.scheduler.resume()
        self.clock.settle()
        assert self.times("sound") == [5]
        self.assert_goes_on()

    def test_a_pause_holds_what_comes_due(self) -> None:
        """Twice paused is paused; twice resumed is resumed."""
        self.add_sound_job()
        self.begin(self.scheduler)
        self.scheduler.pause()
        self.scheduler.pause()
        self.clock.advance(5)
        assert self.ran == []

        self.scheduler.resume()
        self.scheduler.resume()
        self.clock.settle()
        assert self.times("sound") == [5]
        self.assert_goes_on()

    def test_it_may_be_woken_at_any_time(self) -> None:
        """`wakeup` makes it look, and does no harm when there is nothing to see."""
        self.add_sound_job()
        self.begin(self.scheduler)
        for _ in range(5):
            self.scheduler.wakeup()
        self.assert_goes_on()
        self.scheduler.pause()
        self.scheduler.wakeup()
        self.clock.settle()
        assert len(self.ran) == 5

    def test_a_start_that_fails_can_be_repeated(self) -> None:
        """A pending job that names a store which is not there is told of, and is still pending."""
        self.scheduler.add_job(self.note, "interval", seconds=1, jobstore="missing")
        self.add_sound_job()

        with raises(KeyError, match="missing"):
            self.begin(self.scheduler)
        assert not self.scheduler.running
        assert len(self.scheduler.get_jobs(pending=True)) == 2
        self.scheduler.add_jobstore("memory", "missing")
        self.begin(self.scheduler)
        self.assert_goes_on()
        assert len(self.times()) == 5

    # -- the end -----------------------------------------------------------------------------------------------

    def test_a_shutdown_waits_for_the_runs_in_progress(self) -> None:
        """Of functions and of coroutines; their ends are told before it returns, and its own event comes last."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold)
        self.scheduler.add_job(self.hold_later)
        self.clock.advance(0, wait_for_runs=False)
        until(lambda: self.codes().count(EVENT_JOB_SUBMITTED) == 2, "the jobs to be handed over")
        opener = self.open_gate_when_stopping()

        self.scheduler.shutdown(wait=True)

        opener.join()
        assert sorted(name for name, _ in self.ran) == ["held", "held coroutine"]
        codes = self.codes()
        assert codes.count(EVENT_JOB_EXECUTED) == 2
        assert codes[-1] == EVENT_SCHEDULER_SHUTDOWN

    def test_a_shutdown_need_not_wait(self) -> None:
        """Then the runs in progress go on, and their ends are told."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold)
        self.clock.advance(0, wait_for_runs=False)

        self.scheduler.shutdown(wait=False)

        assert not self.scheduler.running
        assert self.ran == []
        self.gate.set()
        until(lambda: EVENT_JOB_EXECUTED in self.codes(), "the end to be told")

    def test_a_shutdown_may_be_bounded(self) -> None:
        """It gives up waiting after so many seconds."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold)
        self.clock.advance(0, wait_for_runs=False)

        self.scheduler.shutdown(timeout=0.02)

        assert self.ran == []
        assert not self.scheduler.running

    def test_nothing_is_claimed_after_a_shutdown_has_begun(self) -> None:
        """A job that comes due while a shutdown waits is run after the next start."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold)
        self.scheduler.add_job(self.note, "date", run_date=self.clock.time.replace(second=5))
        self.clock.advance(0, wait_for_runs=False)
        waiting = Thread(target=self.scheduler.shutdown)
        waiting.start()
        until(lambda: not self.scheduler.running, "the shutdown to begin")
        self.clock._move(10_000_000)
        self.scheduler.wakeup()
        self.gate.set()
        waiting.join(20)

        assert self.times() == []
        self.begin(self.scheduler)
        self.clock.settle()
        assert self.times() == [5]

    def test_a_job_may_shut_it_down(self) -> None:
        """The run that does is not waited for; others are."""
        for function in (self.shut_down, self.shut_down_later):
            self.ran.clear()
            self.gate.clear()
            self.scheduler.add_job(self.hold, id="held", replace_existing=True)
            self.scheduler.add_job(function, "interval", seconds=1, id="ends", replace_existing=True)
            self.begin(self.scheduler)
            self.clock.advance(0, wait_for_runs=False)
            self.clock._move(1_000_000)
            self.scheduler.wakeup()
            until(lambda: not self.scheduler.running, "the job to begin its shutdown")
            self.gate.set()
            self.scheduler.shutdown()

            until(lambda: len(self.ran) == 2, "both jobs to end")
            assert not self.scheduler.running

    def open_gate_when_stopping(self) -> Thread:
        """Let the jobs end that wait, once a shutdown has begun."""

        def wait_and_open() -> None:
            until(lambda: not self.scheduler.running)
            self.gate.set()

        thread = Thread(target=wait_and_open)
        thread.start()
        return thread

    def shut_down(self) -> None:
        """Shut the scheduler down from one of its jobs."""
        self.scheduler.shutdown(wait=True)
        self.note("ended")

    async def shut_down_later(self) -> None:
        """Do the same from a coroutine, which does not await what it gets."""
        self.scheduler.shutdown(wait=True)
        self.note("ended")

    def test_a_listener_may_shut_it_down(self) -> None:
        """Whatever the event; and no run is lost by that."""
        for code in (EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED, EVENT_SCHEDULER_STARTED, EVENT_JOB_ADDED):
            done = Event()
            scheduler = self.new_scheduler()
            scheduler.add_listener(lambda _, s=scheduler, d=done: (s.shutdown(), d.set()), code)
            ended = Event()
            scheduler.add_listener(lambda _, e=ended: e.set(), EVENT_SCHEDULER_SHUTDOWN)
            if code != EVENT_JOB_ADDED:
                scheduler.add_job(self.note, args=[f"first {code}"])
                scheduler.add_job(self.note, args=[f"second {code}"])
            self.begin(scheduler)
            if code == EVENT_JOB_ADDED:
                scheduler.add_job(self.note, args=["late"])

            assert done.wait(20)
            assert ended.wait(20)
            assert not scheduler.running
            scheduler.remove_listener(self.events.append)

    def test_many_may_shut_it_down_at_the_same_time(self) -> None:
        """Each of them returns when it is done."""
        self.begin(self.scheduler)
        self.scheduler.add_job(self.hold)
        self.clock.advance(0, wait_for_runs=False)

        def end(number: int) -> bool:
            if number == 0:
                until(lambda: not self.scheduler.running)
                self.gate.set()
            else:
                self.scheduler.shutdown()
            return bool(self.scheduler.running)

        assert in_threads(5, end) == [False] * 5
        assert self.codes().count(EVENT_SCHEDULER_SHUTDOWN) == 1

    def test_jobs_may_call_everything_while_a_shutdown_waits(self) -> None:
        """The calls are answered, and the shutdown ends when the job does."""
        self.scheduler.add_job(self.note, "interval", seconds=60, id="other")
        self.begin(self.scheduler)
        self.scheduler.add_job(self.call_everything, id="calls")
        self.clock.advance(0, wait_for_runs=False)
        opener = self.open_gate_when_stopping()

        self.scheduler.shutdown(wait=True)

        opener.join()
        assert [name for name, _ in self.ran] == ["called"]

    def call_everything(self) -> None:
        """Call the API of a scheduler that is shutting down."""
        assert self.gate.wait(20)
        scheduler = self.scheduler
        scheduler.get_jobs()
        scheduler.modify_job("other", name="another name")
        scheduler.pause_job("other")
        scheduler.resume_job("other")
        scheduler.reschedule_job("other", trigger="interval", seconds=30)
        scheduler.add_job(self.note, "interval", seconds=60, id="new")
        assert scheduler.get_job("other").name == "another name"
        scheduler.remove_job("other")
        scheduler.add_listener(print, EVENT_JOB_ADDED)
        scheduler.remove_listener(print)
        scheduler.wakeup()
        scheduler.print_jobs(out=_Nowhere())
        self.note("called")

    # -- in disorder -------------------------------------------------------------------------------------------

    def test_it_stands_any_order_of_calls_from_many_threads(self) -> None:
        """Whatever happens, each call returns or raises what it may, and the scheduler can be used afterwards."""
        self.add_sound_job()
        calls: list[Callable[[], Any]] = [
            lambda: self.begin(self.scheduler),
            lambda: self.begin(self.scheduler, paused=True),
            self.scheduler.pause,
            self.scheduler.resume,
            self.scheduler.shutdown,
            lambda: self.scheduler.shutdown(wait=False),
            self.scheduler.wakeup,
            lambda: self.scheduler.add_job(self.note, args=["stress"]),
            self.scheduler.get_jobs,
        ]

        def call(number: int) -> None:
            random = Random(number)
            for _ in range(25):
                with suppress(SchedulerAlreadyRunningError, SchedulerNotRunningError):
                    random.choice(calls)()

        in_threads(4, call)
        with suppress(SchedulerNotRunningError):
            self.scheduler.shutdown()
        self.begin(self.scheduler)
        self.clock.settle()
        self.assert_goes_on()
        until(lambda: not self.scheduler.get_jobs(pending=True))
        self.assert_in_order()


class _Nowhere:
    """A file that takes everything."""

    def write(self, text: str) -> int:
        """Take the text."""
        return len(text)

    def flush(self) -> None:
        """Have nothing to flush."""
