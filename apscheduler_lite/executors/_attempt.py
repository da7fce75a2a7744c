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
from threading import Event, Thread

from apscheduler_lite._running import execute
from apscheduler_lite.errors import JobTimeoutError
from apscheduler_lite.runs import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Mapping
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.runs import Run

__all__ = ["Attempt", "stop_runs"]

PATIENCE = 5.0
"""Seconds within which a coroutine that is cancelled at its time limit must end."""

_active: dict[str, Attempt] = {}  # by run id, of this process


class Attempt:
    """One run on this worker."""

    def __init__(self, run: Run, clock: Clock, logger: logging.Logger) -> None:
        self._run = run
        self._clock = clock
        self._logger = logger
        self._runner: asyncio.Runner | None = None
        self._loop: AbstractEventLoop | None = None
        self._task: Task[Any] | None = None  # while it awaits something
        self._turn = Event()  # it has ended, or its time is over
        self._has_ended = False
        self._thread: Thread | None = None

    def make(self) -> dict[str, Any] | None:
        """Run the job; return None when it has come to its end, or else how the run ends that is left to itself."""
        _active[self._run.id] = self
        try:
            if self._run.timeout is None:
                self._execute()
                return None
            return self._make_within(self._run.timeout)
        finally:
            _active.pop(self._run.id, None)

    def _make_within(self, seconds: float) -> dict[str, Any] | None:
        self._thread = Thread(target=self._execute, name=f"apscheduler_lite.run.{self._run.job_id}", daemon=True)
        self._thread.start()
        self._turn.wait(seconds)
        if not self._has_ended and self.stop(JobTimeoutError(seconds)):
            self._thread.join(PATIENCE)
        if self._has_ended:
            return None
        why = JobTimeoutError(seconds)
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
            if self._runner is not None:
                self._runner.close()
            self._has_ended = True
            self._turn.set()

    def _await(self, awaitable: Awaitable[Any]) -> Any:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self._awaited(awaitable))

    async def _awaited(self, awaitable: Awaitable[Any]) -> Any:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            if self._run.stopped_by is not None:  # since it began, and before it awaited anything
                await asyncio.sleep(0)
                raise asyncio.CancelledError
            return await awaitable
        finally:
            self._task = None

    def stop(self, why: BaseException) -> bool:
        """Tell it to stop; return whether it awaits something, and can therefore be cancelled."""
        if not isinstance(why, JobTimeoutError) or self._task is not None:
            self._run.stopped_by = why
        loop, task = self._loop, self._task
        if task is not None and loop is not None:
            loop.call_soon_threadsafe(task.cancel)
            return True
        if isinstance(why, JobTimeoutError):
            self._turn.set()
        return False

    def _where(self) -> str | None:
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread is not None else None
        return None if frame is None else "".join(traceback.format_stack(frame))


def stop_runs(reasons: Mapping[str, BaseException]) -> list[str]:
    """Tell those of the runs to stop that are on this worker, each for its reason; return their ids."""
    found = [run_id for run_id in reasons if run_id in _active]
    for run_id in found:
        attempt = _active.get(run_id)
        if attempt is not None:
            attempt.stop(reasons[run_id])
    return found
