"""
The time limits of runs on threads and event loops.

A coroutine is cancelled at its time limit. A thread cannot be stopped: its run is given up, which frees the slot and
the worker, and whatever it returns one day is dropped. So is a coroutine that does not end within a while of its
cancellation: it swallows it, or blocks its loop.
"""

from __future__ import annotations

import sys

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._deadlines import Deadlines
from apscheduler_lite._locks import make_lock
from apscheduler_lite._running import note_stopped
from apscheduler_lite.errors import JobTimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from apscheduler_lite._deadlines import Deadline
    from apscheduler_lite.runs import Run

    from ._threads import WorkerThreads
    from .base import BaseExecutor

__all__ = ["TimeLimits", "abandon"]

PATIENCE = 5.0
"""Seconds within which what has been cancelled must end; real ones, whatever clock the scheduler lives by."""


class Ending:
    """Who says how a run ends that has a time limit: whichever of the two is first, the run itself or the limit."""

    __slots__ = ("_lock", "deadline", "is_given_up", "is_settled")

    deadline: Deadline

    def __init__(self) -> None:
        self._lock = make_lock()
        self.is_settled = self.is_given_up = False

    def settle(self) -> bool:
        """Return whether the run itself may say it."""
        with self._lock:
            self.is_settled = not self.is_given_up
            return self.is_settled

    def give_up(self) -> bool:
        """Return whether the limit may say it."""
        with self._lock:
            self.is_given_up = not self.is_settled
            return self.is_given_up


class TimeLimits:
    """
    The time limits of one executor.

    Args:
        executor: the executor.
        cancel: tells a run to stop, for a reason; returns whether that is possible.
        give_up: reports a run that goes on although its time is over.
    """

    def __init__(
        self,
        executor: BaseExecutor,
        cancel: Callable[[Run, BaseException], bool],
        give_up: Callable[[Run], object],
    ) -> None:
        self._deadlines = Deadlines(executor._clock, f"{executor._logger.name}.limits")
        self._patience = Deadlines(SystemClock(), f"{executor._logger.name}.patience")
        self._cancel = cancel
        self._give_up = give_up

    def begin(self, run: Run) -> None:
        """Take note that a run with a time limit begins."""
        run.ending = ending = Ending()
        ending.deadline = self._deadlines.add(run.timeout or 0.0, lambda: self._expire(run, ending))

    def end(self, run: Run) -> None:
        """Take note that it has ended."""
        if isinstance(run.ending, Ending):
            self._deadlines.remove(run.ending.deadline)

    def close(self) -> None:
        """End the threads as soon as no run with a limit goes on."""
        self._deadlines.close()
        self._patience.close()

    def _expire(self, run: Run, ending: Ending) -> None:
        if ending.is_settled:
            return
        why = JobTimeoutError(run.timeout or 0.0)
        if self._cancel(run, why):
            self._patience.add(PATIENCE, lambda: self._run_out(run, ending, why))
        else:
            self._run_out(run, ending, why)

    def _run_out(self, run: Run, ending: Ending, why: BaseException) -> None:
        if ending.give_up():
            run.stopped_by = why
            self._give_up(run)


def abandon(executor: BaseExecutor, threads: WorkerThreads, run: Run) -> None:
    """Report a run that has been given up, and put another thread in the place of the one that it still occupies."""
    thread = threads.abandon(run)
    if thread is None:
        return
    with executor._lock:
        executor.abandoned_threads += 1
    note_stopped(run, executor._clock, executor._logger, _where(thread))
    executor._logger.warning(
        'Thread "%s" cannot be stopped and is left to itself with job "%s"; another one takes its place (threads left'
        " to themselves since the start: %d)",
        thread.name,
        run.job or run.job_id,
        executor.abandoned_threads,
        extra={"action": "thread_abandoned", "job_id": run.job_id},
    )
    executor._run_ended(run)


def _where(thread: Any) -> str | None:
    """Return the calls that the thread is in, as a traceback shows them, without our own."""
    import traceback  # here, because its import costs milliseconds

    frame = sys._current_frames().get(thread.ident)
    if frame is None:
        return None
    stack = traceback.extract_stack(frame)
    ours = [number for number, each in enumerate(stack) if each.filename in _OUR_FILES]
    return "".join(traceback.format_list(stack[ours[-1] + 1 if ours else 0 :]))


_OUR_FILES = {
    module.__file__
    for name, module in list(sys.modules.items())
    if name in ("apscheduler_lite._running", "apscheduler_lite._wrapping")
}
