"""
The engine below the façade: state, life cycle, one pass, the end of a run.

What it promises (and `tests/` show):

* The lock is held for dict and flag operations only. Stores, executors, triggers, listeners and jobs are called
  without it, so any call is allowed from any of them, also while `shutdown` waits.
* `_process_jobs` raises nothing. Whatever goes wrong is logged, told by an event, and tried again.
* Nothing is consumed that is not run: once a shutdown has begun no pass claims anything, and what was claimed is run
  to its end.
"""

from __future__ import annotations

from threading import Condition, RLock, get_ident

from apscheduler_lite._clock import Alarm
from apscheduler_lite.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler_lite.events import (
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOBSTORE_FAULT,
    EVENT_SCHEDULER_FAULT,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
    FaultEvent,
    SchedulerEvent,
)
from apscheduler_lite.executors.base import OUTCOME_EVENTS, event_of
from apscheduler_lite.runs import _current

from ._equipment import Equipment
from ._process import check_environment, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite._catalog import NewJob
    from apscheduler_lite.executors.base import BaseExecutor
    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import BaseJobStore
    from apscheduler_lite.runs import Run

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "Engine"]

STATE_STOPPED = 0
STATE_RUNNING = 1
STATE_PAUSED = 2

STEP = 1.0
"""Seconds by which wall and monotonic clock must part before that is called a step."""


class Engine(Equipment):
    """A scheduler without the calls that are about jobs."""

    def _begin_stopped(self) -> None:
        self._state = STATE_STOPPED
        self._phase = "stopped"  # → "starting" → "started" → "stopping" → "stopped"
        self._has_been_started = False
        self._is_draining = False
        self._runs: set[Run] = set()  # handed to an executor and not yet told of
        self._ticking: int | None = None  # the thread that is in a pass
        self._wake_at: float = float("inf")  # the instant at which the next pass begins by itself
        self._drift: float | None = None  # wall minus monotonic clock at the last pass

    # -- state -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> int:
        """Return ``STATE_STOPPED``, ``STATE_RUNNING`` or ``STATE_PAUSED``."""
        return self._state

    @property
    def running(self) -> bool:
        """Return whether the scheduler has been started, paused or not, and not been shut down."""
        return self._state != STATE_STOPPED

    def start(self, paused: bool = False) -> None:
        """
        Start the executors and the stores, add the pending jobs, and begin to run what is due.

        Args:
            paused: start without running anything until `resume` is called.

        Raises:
            SchedulerAlreadyRunningError: it is running.
            KeyError: a pending job names a store that does not exist.
        """
        check_environment()
        with self._lock:
            if self._phase != "stopped":
                raise SchedulerAlreadyRunningError
            self._phase = "starting"
        try:
            added = self._open()
        except BaseException:
            self._set_phase("stopped")
            raise
        watch(self)
        with self._lock:
            self._state = STATE_PAUSED if paused else STATE_RUNNING
            self._drift = None
            self._has_been_started = True
            self._set_phase("started")
        self.clock.attach(self)
        for alias, job in added:
            self._tell_of_job(EVENT_JOB_ADDED, job, alias)
        self._logger.info("Scheduler started", extra={"action": "scheduler_started"})
        self._dispatch_event(SchedulerEvent(EVENT_SCHEDULER_STARTED))
        if not paused:
            self.wakeup()

    def _open(self) -> list[tuple[str, Job]]:
        """Start executors and stores and add the pending jobs; undo it all when one of them fails."""
        if "default" not in self._executors:
            self.add_executor(self._create_default_executor(), "default")
        if "default" not in self._catalog.stores:
            self.add_jobstore(self._create_default_jobstore(), "default")
        for alias in self._catalog.pending:
            self._catalog.store(alias)
        begun: list[BaseExecutor | BaseJobStore] = []
        pending: list[tuple[str, list[NewJob]]] = []
        try:
            for alias, executor in list(self._executors.items()):
                executor.start(self, alias)
                begun.append(executor)
            added: list[tuple[str, Job]] = []
            for alias, store in list(self._catalog.stores.items()):
                store.start(self, alias)
                begun.append(store)
                self._open_store(alias, store)
                waiting = self._catalog.take_pending(alias)
                pending.append((alias, waiting))
                if waiting:
                    added.extend((alias, job) for job in self._catalog.add(waiting, alias, self.clock.now()))
        except BaseException:
            self._catalog.end_use()
            self._catalog.put_back(pending)
            for each in reversed(begun):
                each.shutdown()
            raise
        return added

    def _open_store(self, alias: str, store: BaseJobStore) -> None:
        if alias in self._catalog.to_be_emptied:
            with store.guard:
                store.remove_all_jobs()
            self._catalog.to_be_emptied.discard(alias)
        self._catalog.begin_use(alias, store)

    def pause(self) -> None:
        """
        Stop running jobs until `resume` is called; runs in progress go on.

        Raises:
            SchedulerNotRunningError: it is not running.
        """
        self._switch(STATE_RUNNING, STATE_PAUSED, EVENT_SCHEDULER_PAUSED, "Paused scheduler job processing")

    def resume(self) -> None:
        """
        Run jobs again after `pause`; what came due meanwhile is run now.

        Raises:
            SchedulerNotRunningError: it is not running.
        """
        if self._switch(STATE_PAUSED, STATE_RUNNING, EVENT_SCHEDULER_RESUMED, "Resumed scheduler job processing"):
            self.wakeup()

    def _switch(self, before: int, after: int, code: int, message: str) -> bool:
        with self._lock:
            if self._phase != "started":
                raise SchedulerNotRunningError
            if self._state != before:
                return False
            self._state = after
        self._logger.info(message)
        self._dispatch_event(SchedulerEvent(code))
        return True

    def _set_phase(self, phase: str) -> None:
        with self._lock:
            self._phase = phase
            self._changed.notify_all()

    # -- shutdown ----------------------------------------------------------------------------------------------

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> Any:
        """
        Stop: claim nothing more, let the runs in progress end, close executors and stores.

        It may be called from a job or a listener, which is then not waited for, from a signal handler, and more than
        once. `start` works again after it; jobs in a memory store are kept.

        Args:
            wait: return only when the runs in progress have ended.
            timeout: seconds to wait at the longest; None for any time.

        Raises:
            SchedulerNotRunningError: it has never been started.
        """
        with self._lock:
            if self._phase == "stopped":
                if not self._has_been_started:
                    raise SchedulerNotRunningError
                return
            inside = self._ticking == get_ident() or bool(self._own_runs())
            if self._phase == "starting" and not inside:
                self._changed.wait_for(lambda: self._phase != "starting", timeout)
            if self._phase == "stopping":
                if wait and not inside:
                    self._changed.wait_for(lambda: self._phase != "stopping", timeout)
                return
            self._phase = "stopping"
            self._state = STATE_STOPPED
            self._is_draining = True
        self._alarm.ring()
        self._stop(wait, timeout)

    def _stop(self, wait: bool, timeout: float | None) -> None:
        self._wait_for_pass()
        drained = self._drain(timeout) if wait else False
        for alias, executor in list(self._executors.items()):
            self._guarded(f'shutting down executor "{alias}"', executor.shutdown, drained)
        self._catalog.end_use()
        for alias, store in list(self._catalog.stores.items()):
            self._guarded(f'shutting down job store "{alias}"', store.shutdown)
        with self._lock:
            self._is_draining = False
            self._set_phase("stopped")
        self.clock.detach(self)
        self._logger.info("Scheduler has been shut down", extra={"action": "scheduler_shutdown"})
        self._dispatch_event(SchedulerEvent(EVENT_SCHEDULER_SHUTDOWN))

    def _wait_for_pass(self) -> None:
        """Wait until no other thread is in a pass, so that nothing is claimed after this."""
        with self._lock:
            self._changed.wait_for(lambda: self._ticking in (None, get_ident()))

    def _drain(self, timeout: float | None) -> bool:
        """Wait for the runs in progress, but those that this call is part of; return whether they have ended."""
        with self._lock:
            own = self._own_runs()
            ended = self._changed.wait_for(lambda: self._runs <= own, timeout)
        if not ended:
            self._logger.warning(
                "Scheduler shut down after %s s with %d runs still in progress", timeout, len(self._runs - own)
            )
        return ended

    def _own_runs(self) -> set[Run]:
        """Return the runs that the calling thread is in, as their function or as a listener of their end."""
        current, thread = _current.get(), get_ident()
        return {run for run in self._runs if run is current or run.told_by == thread}

    def _guarded(self, what: str, call: Any, *args: Any) -> None:
        try:
            call(*args)
        except Exception:
            self._logger.exception("Error %s", what)

    def _end_with_interpreter(self) -> None:
        """Stop in good order when the interpreter exits, and say so when jobs were still scheduled."""
        if self._phase != "started":
            return
        # Jobs that outlive the process are no loss: they run when it, or another one, is there again.
        memory = [store for _, store in self._catalog.open if not store.persistent]
        scheduled = sum(job._next is not None for store in memory for job in self._catalog.jobs_of(store))
        if scheduled:
            self._logger.warning(
                "The program ends while %d jobs are still scheduled; they will not run. Keep the main thread alive, or"
                " use a"
                " BlockingScheduler",
                scheduled,
                extra={"action": "interpreter_exit"},
            )
        self.shutdown(wait=True)

    def _begin_in_child(self) -> None:
        """Be stopped in a forked child: the threads, the claims and the locks belong to the parent."""
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._alarm = Alarm()
        was_running = self._phase != "stopped"
        self._phase, self._state, self._ticking = "stopped", STATE_STOPPED, None
        self._is_draining = False
        self._runs = set()
        self._catalog.begin_in_child()
        if was_running:
            self._logger.info(
                "This scheduler is stopped in the forked process; it goes on in its parent", extra={"action": "forked"}
            )

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
        except Exception as exc:
            self._logger.exception("Error in the scheduler's loop; it goes on", extra={"action": "loop_failed"})
            self._tell(FaultEvent(EVENT_SCHEDULER_FAULT, exc, retry_in=seconds))
        finally:
            with self._lock:
                self._ticking = None
                if self._phase != "started":
                    self._changed.notify_all()
        self._wake_at = float("inf") if seconds is None else self.clock.now() + seconds * 1e6
        return seconds

    def _is_busy(self) -> bool:
        """Return whether a pass or a run is going on, for a clock that waits until nothing is."""
        return self._ticking is not None or bool(self._runs) or self._phase in ("starting", "stopping")

    def _refuse_to_block(self) -> None:
        """Raise when the calling thread is one that this scheduler needs in order to go on."""
        if _current.get() is not None or self._ticking == get_ident():
            raise RuntimeError("a job or a listener cannot wait for its own scheduler; call this from the test itself")

    def _watch_clock(self) -> None:
        """Notice when the wall clock was set, or the machine slept, since the last pass."""
        drift = self.clock.now() / 1e6 - self.clock.monotonic()
        before, self._drift = self._drift, drift
        if before is None or abs(drift - before) < STEP:
            return
        step = drift - before
        self._logger.warning(
            "The clock was set %s by %.1f s, or the machine was suspended; what is due is run once",
            "forward" if step > 0 else "back",
            abs(step),
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
            except Exception as exc:
                self._logger.exception('Error recording the end of %r in job store "%s"', run, run.jobstore)
                self._tell(FaultEvent(EVENT_JOBSTORE_FAULT, exc, alias=run.jobstore, job_id=run.job_id, job=run.job))
        elif run.lease is not None:  # its store was removed while it ran
            run.lease.end(run)
        if self._listeners.mask & OUTCOME_EVENTS.get(run.outcome or "", EVENT_JOB_ERROR):
            self._tell(event_of(run))
        self._runs.discard(run)
        if freed:
            self.wakeup()
        if self._is_draining:
            with self._lock:
                self._changed.notify_all()
