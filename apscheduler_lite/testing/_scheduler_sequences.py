"""The part of the suite for schedulers that is about sequences: its calls in every order, from everywhere."""

from __future__ import annotations

from itertools import product
from random import Random
from threading import Event, Thread

from apscheduler_lite.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler_lite.events import EVENT_JOB_SUBMITTED
from apscheduler_lite.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

from ._scheduler_bench import SchedulerBench
from .checks import until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Sequences"]

CALLS = ("start", "start paused", "pause", "resume", "shutdown", "shutdown at once")
STATES = {"new": STATE_STOPPED, "stopped": STATE_STOPPED, "running": STATE_RUNNING, "paused": STATE_PAUSED}


def after(state: str, call: str) -> tuple[str, type[Exception] | None]:
    """Return the state of a scheduler after a call, and what the call raises."""
    is_off = state in ("new", "stopped")
    if call.startswith("start"):
        started = "paused" if call == "start paused" else "running"
        return (started, None) if is_off else (state, SchedulerAlreadyRunningError)
    if call.startswith("shutdown"):
        return (state, SchedulerNotRunningError) if state == "new" else ("stopped", None)
    if is_off:
        return state, SchedulerNotRunningError
    return "paused" if call == "pause" else "running", None


class Sequences(SchedulerBench):
    """Whatever was called before, and wherever, each call does what it says and no job is lost."""

    def test_every_order_of_calls_leads_where_it_should(self) -> None:
        """All sequences of four calls, each on a new scheduler: its state, and what is raised."""
        for sequence in product(CALLS, repeat=4):
            scheduler, state = self.new_scheduler(), "new"
            for call in sequence:
                state = self.call_and_check(scheduler, state, call, lambda do: do(), sequence)
            self.end(scheduler)

    def test_500_random_sequences_from_everywhere_lose_nothing(self) -> None:
        """Each call comes from another thread, a job, a coroutine or a listener; jobs that are added run once each."""
        for seed in range(500):
            random = Random(seed)
            scheduler, state = self.new_scheduler(), "new"
            self.ran.clear()
            sequence = [
                (random.choice(CALLS), random.choice(("here", "thread", "job", "coroutine", "listener")))
                for _ in range(random.randint(3, 6))
            ]
            for number, (call, place) in enumerate(sequence):
                scheduler.add_job(self.note, args=[f"job {number}"])
                state = self.call_and_check(scheduler, state, call, self.place(scheduler, state, place), sequence)
            self.check_nothing_is_lost(scheduler, state, len(sequence), f"seed {seed}: {sequence}")
            self.end(scheduler)

    # -- calling -----------------------------------------------------------------------------------------------

    def call_and_check(
        self, scheduler: Any, state: str, call: str, place: Callable[[Callable[[], None]], None], sequence: object
    ) -> str:
        """Make a call at a place, check what it raises and where it leads, and return the new state."""
        expected, error = after(state, call)
        raised: list[BaseException] = []

        def do() -> None:
            try:
                self.make_call(scheduler, state, call)
            except BaseException as exc:  # compared below
                raised.append(exc)

        place(do)
        assert [type(exc) for exc in raised] == ([] if error is None else [error]), (sequence, call, raised)
        assert scheduler.state == STATES[expected], (sequence, call)
        return expected

    def make_call(self, scheduler: Any, state: str, call: str) -> None:
        """Make one of the calls."""
        if call.startswith("start"):
            is_paused = call == "start paused"
            if STATES[state] == STATE_STOPPED:
                self.begin(scheduler, paused=is_paused)
            else:
                scheduler.start(paused=is_paused)  # it raises, and so neither blocks nor needs a certain thread
        elif call.startswith("shutdown"):
            scheduler.shutdown(wait=call == "shutdown")
        else:
            getattr(scheduler, call)()

    def place(self, scheduler: Any, state: str, place: str) -> Callable[[Callable[[], None]], None]:
        """Return what makes a call at a place; jobs and listeners are there only while the scheduler runs."""
        if place == "here":
            return lambda do: do()
        if place == "thread" or state != "running":
            return self.on_a_thread
        if place == "listener":
            return lambda do: self.in_a_listener(scheduler, do)
        return lambda do: self.in_a_job(scheduler, do, is_coroutine=place == "coroutine")

    def on_a_thread(self, do: Callable[[], None]) -> None:
        """Make a call on another thread."""
        thread = Thread(target=do)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()

    def in_a_job(self, scheduler: Any, do: Callable[[], None], *, is_coroutine: bool) -> None:
        """Make a call from a job of the scheduler."""
        done = Event()

        def function() -> None:
            do()
            done.set()

        async def coroutine() -> None:
            function()

        scheduler.add_job(coroutine if is_coroutine else function)
        assert done.wait(20)

    def in_a_listener(self, scheduler: Any, do: Callable[[], None]) -> None:
        """Make a call from a listener, in the middle of a pass."""
        done = Event()

        def listen(_: object) -> None:
            scheduler.remove_listener(listen)
            do()
            done.set()

        scheduler.add_listener(listen, EVENT_JOB_SUBMITTED)
        scheduler.add_job(self.note, args=["heard of"])
        assert done.wait(20)

    # -- the end -----------------------------------------------------------------------------------------------

    def check_nothing_is_lost(self, scheduler: Any, state: str, count: int, what: str) -> None:
        """Let the scheduler run what is left, and check that each of the jobs has run once."""
        if state == "paused":
            scheduler.resume()
        elif state != "running":
            self.begin(scheduler)
        names = sorted(f"job {number}" for number in range(count))

        def all_ran() -> bool:
            return sorted(name for name, _ in list(self.ran) if name != "heard of") == names

        until(all_ran, f"each job to run once; {what}: {self.ran}")
        assert scheduler.state == STATE_RUNNING, what

    def end(self, scheduler: Any) -> None:
        """Shut a scheduler down, if it runs."""
        if scheduler.running:
            scheduler.shutdown()
