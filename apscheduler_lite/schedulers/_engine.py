"""
The engine below the façade: one pass, and the end of a run. Its start and stop are in `_life`.

What it promises (and `tests/` show):

* The lock is held for dict and flag operations only. Stores, executors, triggers, listeners and jobs are called
  without it, so any call is allowed from any of them, also while `shutdown` waits.
* `_process_jobs` raises nothing. Whatever goes wrong is logged, told by an event, and tried again.
* Nothing is consumed that is not run: once a shutdown has begun no pass claims anything, and what was claimed is run
  to its end.
"""

from __future__ import annotations

from contextlib import suppress
from threading import get_ident

from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._text import duration_text
from apscheduler_lite.events import (
    EVENT_JOB_ERROR,
    EVENT_JOBSTORE_FAULT,
    EVENT_SCHEDULER_FAULT,
    FaultEvent,
)
from apscheduler_lite.executors.base import OUTCOME_EVENTS, event_of
from apscheduler_lite.runs import _current

from ._equipment import Equipment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from apscheduler_lite.runs import Run

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "Engine"]

STATE_STOPPED = 0
STATE_RUNNING = 1
STATE_PAUSED = 2

STEP = 1.0
"""Seconds by which wall and monotonic clock must part before that is called a step."""


class Engine(Equipment):
    """What a scheduler does while it runs."""

    def _begin_stopped(self) -> None:
        self._state = STATE_STOPPED
        self._phase = "stopped"  # → "starting" → "started" → "stopping" → "stopped"
        self._stop_after_pass: Callable[[], None] | None = None  # a shutdown that was called for in a pass
        self._runs: set[Run] = set()  # handed to an executor and not yet told of
        self._starting: int | None = None  # the thread that is in start()
        self._ticking: int | None = None  # the thread that is in a pass
        self._wake_at: float = float("inf")  # the instant at which the next pass begins by itself
        self._drift: float | None = None  # wall minus monotonic clock at the last pass

    # -- one pass ----------------------------------------------------------------------------------------------

    def _process_jobs(self) -> float | None:
        """
        Run what is due and return the seconds after which to call it again; None when only `wakeup` ends the wait.

        It raises nothing but what ends the program.
        """
        with self._lock:
            if self._phase != "started" or self._state != STATE_RUNNING or self._ticking is not None:
                return None
            self._ticking = get_ident()
            # While this is infinite, whoever adds a job rings: the pass may have passed that job's store already.
            self._wake_at = float("inf")
        longest = self.clock.longest_sleep
        seconds: float | None = 1.0  # after a failure
        try:
            self._watch_clock()
            due_in = self._ticker.tick(self._catalog.open, dict(self._executors))
            seconds = longest if due_in is None else due_in if longest is None else min(due_in, longest)
        except BaseException as exc:
            if ends_program(exc):
                raise
            with suppress(Exception):  # a logging handler that raises must not end the loop either
                self._logger.exception("Error in the scheduler's loop; it goes on", extra={"action": "loop_failed"})
            with suppress(Exception):
                self._tell(FaultEvent(EVENT_SCHEDULER_FAULT, exc, retry_in=seconds))
        finally:
            with self._lock:
                self._ticking = None
                stop, self._stop_after_pass = self._stop_after_pass, None
                if self._phase != "started":
                    self._changed.notify_all()
            if stop is not None:
                stop()
        self._wake_at = float("inf") if seconds is None else self.clock.now() + seconds * 1e6
        return seconds

    def _is_busy(self) -> bool:
        """Return whether a pass or a run is going on, for a clock that waits until nothing is."""
        return self._ticking is not None or bool(self._runs) or self._phase in ("starting", "stopping")

    def _refuse_to_block(self) -> None:
        """Raise when the calling thread is one that this scheduler needs in order to go on."""
        if _current.get() is not None or get_ident() in (self._ticking, self._starting):
            raise RuntimeError("a job or a listener cannot wait for its own scheduler; call this from the test itself")

    def _watch_clock(self) -> None:
        """Notice when the wall clock was set, or the machine slept, since the last pass."""
        drift = self.clock.now() / 1e6 - self.clock.monotonic()
        before, self._drift = self._drift, drift
        if before is None or abs(drift - before) < STEP:
            return
        step = drift - before
        self._logger.warning(
            "The clock was set %s by %s, or the machine was suspended; what is due is run once",
            "forward" if step > 0 else "back",
            duration_text(round(abs(step), 1)),
            extra={"action": "clock_step"},
        )
        if step < 0:
            self._catalog.shorten_waits(self.clock.now())

    # -- runs --------------------------------------------------------------------------------------------------

    def _run_begins(self, run: Run) -> None:
        self._runs.add(run)

    def _run_is_off(self, run: Run) -> None:
        self._runs.discard(run)

    def _run_ended(self, run: Run) -> None:
        """Take note of a run's end: record it, tell of it, look for what waited for it. Raises nothing."""
        run.told_by = get_ident()
        freed = False
        store = self._catalog.stores.get(run.jobstore)
        if store is not None:
            try:
                freed = store.record_outcomes((run,))
            except BaseException as exc:
                if ends_program(exc):
                    raise
                self._logger.exception('Error recording the end of %r in job store "%s"', run, run.jobstore)
                self._tell(FaultEvent(EVENT_JOBSTORE_FAULT, exc, alias=run.jobstore, job_id=run.job_id, job=run.job))
        if self._listeners.mask & OUTCOME_EVENTS.get(run.outcome or "", EVENT_JOB_ERROR):
            self._tell(event_of(run))
        self._runs.discard(run)
        if freed:
            self.wakeup()
        if self._phase != "started":  # somebody may be waiting for the last of them
            with self._lock:
                self._changed.notify_all()
