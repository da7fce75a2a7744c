"""
A run on a worker of an engine, which can be told to stop from outside.

A coroutine is cancelled. A thread cannot be stopped: a function whose time is over is left to itself, on a thread that
was made for it, and the engine's worker is free for the next run.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import TIMEOUT_MAX, Event, Thread

from apscheduler_lite._loops import LoopHere
from apscheduler_lite._running import execute
from apscheduler_lite.errors import JobTimeoutError
from apscheduler_lite.runs import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Iterable, Mapping
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.runs import Run

__all__ = ["Attempt", "runs_here", "stop_runs"]

PATIENCE = 5.0
"""Seconds within which a coroutine that is cancelled at its time limit must end."""
MOST_REFUSED = 1_000
"""How many runs a worker remembers that it must not begin."""

_active: dict[str, Attempt] = {}  # by run id, of this process
_refused: dict[str, BaseException] = {}  # why runs must not begin in this process, the oldest first


class Attempt:
    """One run on this worker."""

    def __init__(self, run: Run, clock: Clock, logger: logging.Logger) -> None:
        self._run = run
        self._clock = clock
        self._logger = logger
        self._here = LoopHere()
        self._loop: AbstractEventLoop | None = None
        self._task: Task[Any] | None = None  # while it awaits something
        self._turn = Event()  # it has ended, or its time is over
        self._has_ended = False
        self._thread: Thread | None = None

    def make(self) -> dict[str, Any] | None:
        """Run the job; return None when it has come to its end, or else how the run ends that is left to itself."""
        # Whoever stops it refuses it first, and looks whether it is active then: one of the two sees the other.
        _active[self._run.id] = self
        try:
            why = _refused.pop(self._run.id, None)
            if why is not None:
                self._run.stopped_by = why
            if self._run.timeout is None:
                self._execute()
                return None
            return self._make_within(self._run.timeout)
        finally:
            _active.pop(self._run.id, None)

    def _make_within(self, seconds: float) -> dict[str, Any] | None:
        # In the context of the worker's thread, by which functions find what the engine offers them.
        act = partial(copy_context().run, self._execute)
        self._thread = Thread(target=act, name=f"apscheduler_lite.run.{self._run.job_id}", daemon=True)
        self._thread.start()
        self._turn.wait(min(seconds, TIMEOUT_MAX))
        why = JobTimeoutError(seconds)
        if not self._has_ended and self.stop(why):
            self._thread.join(PATIENCE)
        if self._has_ended:
            return None
        return {
            "outcome": Outcome.TIMED_OUT,
            "reason": f"{Outcome.TIMED_OUT}: {why}",
            "exception": why,
            "traceback": self._where(),
            "started": self._run.started,
            "finished": self._clock.now(),
        }

    def _execute(self) -> None:
        try:
            execute(self._run, self._clock, self._logger, self._await)
        finally:
            self._here.close()
            self._has_ended = True
            self._turn.set()

    def _await(self, awaitable: Awaitable[Any]) -> Any:
        return self._here.run(self._awaited(awaitable))

    async def _awaited(self, awaitable: Awaitable[Any]) -> Any:
        task = asyncio.current_task()
        self._loop, self._task = asyncio.get_running_loop(), task
        try:
            if task is not None and self._run.stopped_by is not None:  # before there was anything to cancel
                task.cancel()
            return await awaitable
        finally:
            self._task = None

    def stop(self, why: BaseException) -> bool:
        """Tell it to stop; return whether it awaits something, and can therefore be cancelled."""
        self._run.stopped_by = why  # first of all: what it begins to await from now on is cancelled there
        loop, task = self._loop, self._task
        if task is not None and loop is not None:
            with suppress(RuntimeError):  # the loop was closed in this moment
                loop.call_soon_threadsafe(task.cancel)
            return True
        if isinstance(why, JobTimeoutError):
            self._turn.set()
        return False

    def _where(self) -> str | None:
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread is not None else None
        return None if frame is None else "".join(traceback.format_stack(frame))


def runs_here(run_ids: Iterable[str]) -> list[str]:
    """Return those of the runs that this worker has begun."""
    return [run_id for run_id in run_ids if run_id in _active]


def stop_runs(reasons: Mapping[str, BaseException]) -> list[str]:
    """
    Tell those of the runs to stop that this worker has begun, each for its reason; return their ids.

    It does not begin the others any more, save those whose reason is their time limit.
    """
    found = []
    for run_id, why in reasons.items():
        if not isinstance(why, JobTimeoutError):
            _refuse(run_id, why)
        attempt = _active.get(run_id)
        if attempt is not None:
            _refused.pop(run_id, None)
            attempt.stop(why)
            found.append(run_id)
    return found


def _refuse(run_id: str, why: BaseException) -> None:
    while len(_refused) >= MOST_REFUSED:
        _refused.pop(next(iter(_refused)), None)
    _refused[run_id] = why
