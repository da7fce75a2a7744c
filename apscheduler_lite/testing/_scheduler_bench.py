"""A scheduler, a clock that the test moves, and the jobs, triggers, stores and executors that the suite gives it."""

from __future__ import annotations

import asyncio
import logging
from threading import Event, Lock, Thread

from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.events import EVENT_JOB_SUBMITTED
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.runs import current_run
from apscheduler_lite.triggers.base import BaseTrigger

from .checks import until
from .clock import ManualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["FailingExecutor", "FailingStore", "FailingTrigger", "SchedulerBench"]


class FailingTrigger(BaseTrigger):
    """A trigger as a stranger may write it: every second; while `answer` is set, it gives or raises that."""

    answer: Any = None

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next whole second."""
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer  # type: ignore[no-any-return]
        begin = now if previous_fire_time is None else previous_fire_time
        return from_instant((int(begin.timestamp()) + 1) * 1_000_000, UTC)


class FailingStore(MemoryJobStore):
    """A store that raises where `failing` names the method."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = ""

    def _may_fail(self, method: str) -> None:
        if self.failing == method:
            raise OSError(f"{method} of the store has failed")

    def start(self, scheduler: Any, alias: str) -> None:
        """Fail, or start."""
        self._may_fail("start")
        super().start(scheduler, alias)

    def shutdown(self) -> None:
        """Fail, or shut down."""
        self._may_fail("shutdown")
        super().shutdown()

    def claim_due(self, now: int, capacity: Any) -> Any:
        """Fail, or claim."""
        self._may_fail("claim_due")
        return super().claim_due(now, capacity)

    def record_outcomes(self, runs: Any) -> bool:
        """Fail, or record."""
        freed = super().record_outcomes(runs)
        self._may_fail("record_outcomes")
        return freed

    def release(self, run: Run, now: int) -> None:
        """Fail, or release."""
        self._may_fail("release")
        super().release(run, now)


class FailingExecutor(DebugExecutor):
    """An executor that raises where `failing` names the method."""

    failing = ""

    def _may_fail(self, method: str) -> None:
        if self.failing == method:
            raise OSError(f"{method} of the executor has failed")

    def start(self, scheduler: Any, alias: str) -> None:
        """Fail, or start."""
        self._may_fail("start")
        super().start(scheduler, alias)

    def shutdown(self, wait: bool = True) -> None:
        """Fail, or shut down."""
        self._may_fail("shutdown")
        super().shutdown(wait)

    def submit_run(self, run: Run) -> None:
        """Fail, or run."""
        self._may_fail("submit_run")
        super().submit_run(run)

    def capacity(self) -> int | None:
        """Fail, or tell the capacity."""
        self._may_fail("capacity")
        return super().capacity()


class SchedulerBench:
    """What each test starts with: a scheduler that has not been started, and its clock."""

    start_blocks = False

    def make_scheduler(self, **options: Any) -> Any:
        """Return a new scheduler with those options."""
        raise NotImplementedError

    def begin(self, scheduler: Any, *, paused: bool = False) -> None:
        """Start the scheduler and return when it is running."""
        if not self.start_blocks:
            scheduler.start(paused=paused)
            return
        failures: list[BaseException] = []

        def start() -> None:
            try:
                scheduler.start(paused=paused)
            except BaseException as exc:  # it is raised below, or nobody asks
                failures.append(exc)

        thread = Thread(target=start, daemon=True)
        thread.start()
        until(lambda: scheduler.running or not thread.is_alive(), "the scheduler to start")
        if failures:
            raise failures[0]

    def flush(self) -> None:
        """Wait until the events of what has happened have been delivered."""

    def setup_method(self) -> None:
        """Make a scheduler; listen to it."""
        logging.getLogger("apscheduler_lite").setLevel(logging.CRITICAL)  # the suite makes things fail on purpose
        self.clock = ManualClock()
        self.gate = Event()
        self.ran: list[tuple[str, float]] = []
        self.events: list[Any] = []
        self._lock = Lock()
        self.scheduler = self.new_scheduler()
        self.scheduler.add_listener(self.events.append)
        self._began = self.clock.now()

    def teardown_method(self) -> None:
        """Shut the scheduler down."""
        self.gate.set()
        if self.scheduler.running:
            self.scheduler.shutdown()
        logging.getLogger("apscheduler_lite").setLevel(logging.NOTSET)

    def new_scheduler(self, **options: Any) -> Any:
        """Return a new scheduler that lives by the test's clock."""
        return self.make_scheduler(clock=self.clock, timezone="UTC", **options)

    # -- jobs --------------------------------------------------------------------------------------------------

    def note(self, name: str = "job") -> None:
        """Note that a job of that name has run, and for when."""
        due = (current_run().due - self._began) / 1_000_000
        with self._lock:
            self.ran.append((name, due))

    async def note_later(self, name: str = "coroutine") -> None:
        """Note it, after the loop has done something else."""
        await asyncio.sleep(0)
        self.note(name)

    def hold(self, name: str = "held") -> None:
        """Wait until the gate is opened, and note it then."""
        assert self.gate.wait(20)
        self.note(name)

    async def hold_later(self, name: str = "held coroutine") -> None:
        """Wait in the same way on an event loop."""
        while not self.gate.is_set():  # noqa: ASYNC110 - a thread opens it
            await asyncio.sleep(0.002)
        self.note(name)

    def add_sound_job(self, name: str = "sound") -> None:
        """Add a job that runs each second, beside which others fail."""
        self.scheduler.add_job(self.note, "interval", args=[name], seconds=1, id=name)

    # -- looking -----------------------------------------------------------------------------------------------

    def times(self, name: str = "job") -> list[float]:
        """Return for when the job of that name has run, in seconds after the test's begin."""
        with self._lock:
            return [due for ran, due in self.ran if ran == name]

    def codes(self) -> list[int]:
        """Return the codes of the events so far."""
        self.flush()
        return [event.code for event in self.events]

    def faults(self, code: int) -> list[str]:
        """Return the messages of the events of that code."""
        self.flush()
        return [str(event.exception) for event in self.events if event.code == code]

    def assert_goes_on(self, name: str = "sound", seconds: int = 5) -> None:
        """Let time pass, and check that the scheduler runs the sound job each second."""
        before = self.times(name)
        self.clock.advance(seconds)
        now = (self.clock.now() - self._began) / 1_000_000

        assert self.scheduler.running
        after = self.times(name)[len(before) :]
        assert after == [now - seconds + each for each in range(1, seconds + 1)]

    def assert_in_order(self) -> None:
        """Check that of each run SUBMITTED was told first, and then one outcome."""
        self.flush()
        told: dict[str, list[int]] = {}
        for event in self.events:
            if getattr(event, "run", None) is not None:
                told.setdefault(event.run.id, []).append(event.code)
        for codes in told.values():
            assert codes[0] == EVENT_JOB_SUBMITTED
            assert len(codes) <= 2
