"""A started executor, the jobs that the suite for executors has it run, and a scheduler that notes what it is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.job import Job
from apscheduler_lite.runs import Run, current_run
from apscheduler_lite.triggers.date import DateTrigger

from .checks import until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.events import SchedulerEvent
    from apscheduler_lite.executors.base import BaseExecutor

__all__ = ["ExecutorBench", "Recorder"]


# -- jobs: at the top level of a module, so that they can be sent to another process --------------------------------


def add(first: int, second: int = 0) -> int:
    """Return the sum."""
    return first + second


async def add_later(first: int, second: int = 0) -> int:
    """Return the sum, after the loop has done something else."""
    await asyncio.sleep(0)
    return first + second


loops: list[AbstractEventLoop] = []
"""On which loops coroutines have run in this process."""


async def note_loop() -> None:
    """Note the running loop."""
    loops.append(asyncio.get_running_loop())
    await asyncio.sleep(0)


async def cancel_itself() -> None:
    """Be cancelled in the midst of it."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(20)


class Adder:
    """An object whose instances are called and awaited."""

    async def __call__(self, first: int, second: int = 0) -> int:
        """Return the sum."""
        return await add_later(first, second)


def hand_out_coroutine(first: int, second: int = 0) -> Awaitable[int]:
    """Return what has to be awaited for the sum: a plain function that is not what it returns."""
    return add_later(first, second)


add_two_later = partial(add_later, 2)


def fail(message: str = "it went wrong") -> None:
    """Raise an exception that everybody knows."""
    raise ValueError(message)


async def fail_later(message: str = "it went wrong") -> None:
    """Raise it when it is awaited."""
    raise ValueError(message)


class OddError(Exception):
    """An exception that cannot be made anew from its arguments, which is what unpickling does."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class MuteError(Exception):
    """An exception whose message cannot be read, and which cannot be pickled."""

    def __str__(self) -> str:
        raise ZeroDivisionError("no message")

    def __reduce__(self) -> str:
        raise ZeroDivisionError("no pickle")


def fail_oddly() -> None:
    """Raise an exception with two arguments of its own."""
    raise OddError("very", "odd")


def fail_mutely() -> None:
    """Raise an exception that fails in turn."""
    raise MuteError


def leave() -> None:
    """Call for the end of the program, which a job cannot have."""
    raise SystemExit(3)


def facts_of_run() -> tuple[str, str]:
    """Return what the run knows of itself."""
    run = current_run()
    return run.job_id, run.scheduled_run_time.isoformat()


async def facts_of_run_later() -> tuple[str, str]:
    """Return the same, after a pause."""
    await asyncio.sleep(0)
    return facts_of_run()


def all_facts_of_run() -> tuple[Any, ...]:
    """Return what tells a run from every other one, and what its logger adds to each line."""
    run = current_run()
    return run.id, run.job_id, run.scheduled_run_time, run.attempt, run.jobstore, run.key, run.logger.extra


async def all_facts_of_run_later() -> tuple[Any, ...]:
    """Return the same, after a pause."""
    await asyncio.sleep(0)
    return all_facts_of_run()


where: ContextVar[str] = ContextVar("where", default="nowhere")


def whereabouts() -> str:
    """Return in what the function is called."""
    return where.get()


async def whereabouts_later() -> str:
    """Return the same, after a pause."""
    await asyncio.sleep(0)
    return where.get()


def settle(place: str) -> str:
    """Set the variable for good, and return what it was before."""
    before = where.get()
    where.set(place)
    return before


@contextmanager
def inside(run: Run) -> Iterator[None]:
    """Make the whereabouts the run's job; an error on the way out says so."""
    token = where.set(f"inside {run.job_id}")
    try:
        yield
    finally:
        where.reset(token)


@asynccontextmanager
async def inside_later(run: Run) -> AsyncIterator[None]:
    """Take a moment on the event loop on the way in, and on the way out, which may be in another task."""
    await asyncio.sleep(0)
    where.set(f"inside {run.job_id}")
    try:
        yield
    finally:
        await asyncio.sleep(0)


@contextmanager
def closed(run: Run) -> Iterator[None]:
    """Let nobody in."""
    if run.job_id:
        raise PermissionError(f"closed for {run.job_id}")
    yield


@contextmanager
def stuck(run: Run) -> Iterator[None]:
    """Let nobody out."""
    yield
    raise PermissionError(f"stuck with {run.job_id}")


@contextmanager
def forgiving(_: Run) -> Iterator[None]:
    """Swallow what the function raises."""
    with suppress(ValueError):
        yield


def no_wrap(_: Run) -> int:
    """Return what is no context manager."""
    return 3


def hold(gate: str) -> str:
    """Wait until there is a file of that name."""
    pause = Event()
    while not Path(gate).exists():
        pause.wait(0.005)
    return "held"


async def hold_later(gate: str) -> str:
    """Wait in the same way on an event loop."""
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - what is waited for is in another process
        await asyncio.sleep(0.005)
    return "held"


def hand_out_lock() -> Any:
    """Return what no pickle can hold."""
    return Event()


# -- the bench -----------------------------------------------------------------------------------------------------


class Recorder:
    """What an executor asks of a scheduler; it notes what it is told."""

    timezone = UTC
    _eventloop: AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.ended: list[Run] = []
        self.events: list[SchedulerEvent] = []
        self.on_end: Callable[[Run], object] | None = None

    def _run_ended(self, run: Run) -> None:
        self.ended.append(run)
        if self.on_end is not None:
            self.on_end(run)

    def _dispatch_event(self, event: SchedulerEvent) -> None:
        self.events.append(event)


class ExecutorBench:
    """What each test starts with: an executor that serves a scheduler."""

    executor_class: Callable[..., BaseExecutor] | None = None
    workers: int | None = 2
    runs_elsewhere = False
    carries_functions = False
    runs_at_once = False
    restarts = True
    has_loop = True

    def make_executor(self, cls: Any = None) -> Any:
        """Return a new executor of that class, by default the one that is tested."""
        raise NotImplementedError

    def make_scheduler(self) -> Recorder:
        """Return what the executor is started with."""
        return Recorder()

    def setup_method(self) -> None:
        """Start an executor."""
        self._directory = TemporaryDirectory()
        self.gate = str(Path(self._directory.name, "gate"))
        self.scheduler = self.make_scheduler()
        self.executor = self.make_executor()
        self.executor.start(self.scheduler, "default")

    def teardown_method(self) -> None:
        """Shut the executor down."""
        self.open_gate()
        self.executor.shutdown()
        self._directory.cleanup()

    # -- doing -------------------------------------------------------------------------------------------------

    def new_job(self, func: Any, *args: Any, id: str = "job", **attributes: Any) -> Job:
        """Return a job that calls the function."""
        now = from_instant(self.scheduler.clock.now(), UTC)
        job = Job(self.scheduler, id, func=func, args=args, trigger=DateTrigger(now), **attributes)
        job._jobstore_alias = "default"
        return job

    def new_run(self, func: Any, *args: Any, late: float = 0, **attributes: Any) -> Run:
        """Return a run that was due so many seconds ago."""
        due = self.scheduler.clock.now() - round(late * 1_000_000)
        return Run.of(self.new_job(func, *args, **attributes), "default", due, due)

    def submit(self, func: Any, *args: Any, wrap: Any = None, **options: Any) -> Run:
        """Hand a new run to the executor, as a scheduler with that wrap does."""
        run = self.new_run(func, *args, **options)
        if wrap is not None:
            run.wrap = wrap
        self.executor.submit_run(run)
        return run

    def outcome(self, func: Any, *args: Any, **options: Any) -> Run:
        """Hand a new run to the executor, wait for its end, and return it."""
        run = self.submit(func, *args, **options)
        self.wait_for(1)
        assert self.scheduler.ended == [run], "another run was reported than the one that was handed over"
        return run

    def open_gate(self) -> None:
        """Let all the jobs that `hold` end."""
        Path(self.gate).touch()

    def wait_for(self, count: int) -> list[Run]:
        """Wait until so many runs have been reported, and return them."""
        until(lambda: len(self.scheduler.ended) >= count, f"{count} runs to be reported", timeout=30)
        return self.scheduler.ended
