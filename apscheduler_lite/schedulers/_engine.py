"""
The engine below the façade: one pass, and the end of a run.

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
from apscheduler_lite._planning import first_slot
from apscheduler_lite._slots import slots_of
from apscheduler_lite._text import duration_text
from apscheduler_lite.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_FAULT,
    EVENT_JOBSTORE_FAULT,
    EVENT_SCHEDULER_FAULT,
    FaultEvent,
)
from apscheduler_lite.executors.base import OUTCOME_EVENTS, event_of
from apscheduler_lite.runs import Outcome

from ._life import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED
from ._process_life import ProcessLife

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from apscheduler_lite._planning import Slot
    from apscheduler_lite.job import Job
    from apscheduler_lite.runs import Run
    from apscheduler_lite.triggers.base import BaseTrigger

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "Engine"]

STEP = 1.0
"""Seconds by which wall and monotonic clock must part before that is called a step."""


def _draw() -> float:
    """Return a random number from 0 to 1."""
    from random import random  # here, because its import costs milliseconds

    return random()


class Engine(ProcessLife):
    """A scheduler without the calls that are about jobs."""

    _draw: Callable[[], float] = staticmethod(_draw)
    """What the jitter of further attempts is drawn by."""

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._wake_at: float = float("inf")  # the instant at which the next pass begins by itself
        self._ticked_at: int | None = None  # when the last pass began
        self._drift: float | None = None  # wall minus monotonic clock at the last pass
        self._drift_epoch = 0  # the start in which that was
        # Stores whose jobs have not been told yet that the clock was set back → what it would show otherwise.
        self._behind: dict[str, int] = {}

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
        self._ticked_at = self.clock.now()
        seconds: float | None = 1.0  # after a failure
        try:
            self._watch_clock()
            if self._idle_since is not None:
                since, self._idle_since = self._idle_since, None
                self._note_downtime(since)
            if self._behind:
                self._shorten_waits()
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
            self._end_pass()
        if seconds is None:
            return None
        now = self.clock.now()
        beat = self.clock.shortest_beat
        if seconds < beat:  # so many come due that it is worth while to claim several at once
            seconds = max(seconds, min(beat, beat - (now - self._ticked_at) / 1e6))
        self._wake_at = now + seconds * 1e6
        return seconds

    def _end_pass(self) -> None:
        """Make room for the next pass, or make the shutdown that was asked for from within this one."""
        me = get_ident()
        asked = None
        with self._lock:
            if self._ticking == me:
                self._ticking = self._in_hand = None
            if self._phase != "started":
                asked = self._stop_asked if self._turner == me else None
                self._changed.notify_all()
        if asked is not None:
            self._stop(*asked)

    def _may_claim(self) -> bool:
        """Return whether the pass may go on: no shutdown has begun, and none has given this pass up."""
        return self._phase == "started" and self._ticking == get_ident()

    def _watch_clock(self) -> None:
        """Notice when the wall clock was set, or the machine slept, since the last pass."""
        drift = self._read_drift()
        before, self._drift = self._drift, drift
        epoch, self._drift_epoch = self._drift_epoch, self._epoch
        if before is None or epoch != self._epoch or abs(drift - before) < STEP:
            return
        step = drift - before
        self._logger.warning(
            "The clock was set %s by %s, or the machine was suspended; what is due is run now, once where it coalesces",
            "forward" if step > 0 else "back",
            duration_text(round(abs(step), 1)),
            extra={"action": "clock_step"},
        )
        if step > 0:
            self._note_downtime(self.clock.now() - round(step * 1e6))
        if step < 0:
            # With some room, for what the clocks may have parted before without its being called a step.
            unset = self.clock.now() + round((STEP - step) * 1e6)
            self._behind.update((alias, unset) for alias, _ in self._catalog.open)

    def _read_drift(self) -> float:
        """Return wall minus monotonic clock, both read in one moment."""
        begin, now = self.clock.monotonic(), self.clock.now()
        for _ in range(5):  # a busy machine may have paused this thread between the two
            if self.clock.monotonic() - begin < STEP / 10:
                break
            begin, now = self.clock.monotonic(), self.clock.now()
        return now / 1e6 - begin

    def _note_downtime(self, begin: int) -> None:
        """Tell the stores that nothing was run from that instant until now."""
        for alias, store in self._catalog.open:
            self._guarded(f'telling job store "{alias}" of a downtime', store.note_downtime, begin, self.clock.now())

    def _shorten_waits(self) -> None:
        """Let the stores' jobs go on with their beat after the clock was set back; try again where that fails."""
        for alias, store in self._catalog.open:
            if alias not in self._behind:
                continue
            try:
                failed = self._catalog.shorten_waits(store, self.clock.now(), self._behind[alias])
            except BaseException as exc:
                if ends_program(exc):
                    raise
                self._logger.exception('Error reading job store "%s" after the clock was set back', alias)
                self._tell(FaultEvent(EVENT_JOBSTORE_FAULT, exc, alias=alias, jobstore=alias))
                continue
            self._behind.pop(alias, None)
            for job, reason in failed:
                self._logger.error('Job "%s" waits for its old time after the clock was set back', job, exc_info=reason)
                self._tell(FaultEvent(EVENT_JOB_FAULT, reason, job_id=job.id, jobstore=alias, job=job))

    # -- runs --------------------------------------------------------------------------------------------------

    def _run_begins(self, run: Run) -> None:
        self._in_hand = run
        self._runs.add(run)

    def _run_is_off(self, run: Run) -> None:
        self._runs.discard(run)

    def _adopts(self, alias: str) -> bool:
        """Return whether the executor by that alias may still have runs of a scheduler that is dead."""
        executor = self._executors.get(alias)
        return executor is not None and executor.adopts

    def _adopt(self, run: Run) -> bool:
        """Have a run of a scheduler that is dead taken over by its executor; return whether it was."""
        executor = self._executors.get(run.executor)
        run.wrap = self._wrap  # it may have to be run again
        self._runs.add(run)  # before it is taken over, for it may end in that moment
        try:
            if executor is not None and executor.adopt(run):
                return True
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception('Executor "%s" could not take over %r', run.executor, run)
        self._runs.discard(run)
        return False

    def _run_ended(self, run: Run) -> None:
        """Take note of a run's end: record it, tell of it, look for what waited for it. Raises nothing."""
        run.held_by = get_ident()
        freed = False
        try:
            if run.outcome != Outcome.EXECUTED:
                self._decide_next_attempt(run)
            freed = self._record(run) or run.next_attempt is not None
            if self._listeners.mask & OUTCOME_EVENTS.get(run.outcome or "", EVENT_JOB_ERROR):
                self._tell(event_of(run))
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception("Error telling of the end of a run of job %s", run.job_id)
        finally:
            self._runs.discard(run)
            if freed or self._ticker.is_worker_awaited(run.jobstore):
                self.wakeup()
            if self._is_draining:
                with self._lock:
                    self._changed.notify_all()
            if self._unclosed:
                self._close_stores()

    def _decide_next_attempt(self, run: Run) -> None:
        """Set when a run that failed is tried again, if it is."""
        retry = None if run.job is None else run.job._options.retry
        if retry is None or run.outcome not in (Outcome.ERROR, Outcome.TIMED_OUT):
            return
        if retry.follows(run.attempt, run.exception or TimeoutError()):
            pause = retry.pause(run.attempt, self._draw() if retry.jitter else 0.0)
            run.next_attempt = (run.finished or self.clock.now()) + round(pause * 1_000_000)
            self._logger.info(
                'Attempt %d of job "%s" has failed; the next one is in %s',
                run.attempt,
                run.job_id,
                duration_text(pause),
                extra={"action": "run_retried", "job_id": run.job_id},
            )

    def _rescheduled(self, job: Job, trigger: BaseTrigger, now: int) -> dict[str, int | None]:
        """Return what another trigger makes of a job's next run time: nothing while it is paused."""
        return {} if job.paused else slots_of(self._first_slot(job, trigger, now))

    def _first_slot(self, job: Job, trigger: BaseTrigger, now: int) -> Slot | None:
        """Return the slot at which the job begins anew with the trigger, beyond those for which it runs just now."""
        if job.pending:  # its trigger is asked when the scheduler starts
            return None
        own = (run for run in self._runs.copy() if run.job_id == job.id and run.jobstore == job._jobstore_alias)
        made = (run.fire_time for run in own if run.job is not None and run.job.trigger.is_same_schedule(trigger))
        return first_slot(trigger, now, max(made, default=None))

    def _record(self, run: Run) -> bool:
        # Its own store, which may have left this scheduler, or given way to another one by that alias.
        store = run.store or self._catalog.stores.get(run.jobstore)
        if store is None:
            return False
        try:
            return store.record_outcomes((run,)) and store is self._catalog.stores.get(run.jobstore)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception('Error recording the end of %r in job store "%s"', run, run.jobstore)
            self._tell(FaultEvent(EVENT_JOBSTORE_FAULT, exc, alias=run.jobstore, job_id=run.job_id, job=run.job))
            return False
