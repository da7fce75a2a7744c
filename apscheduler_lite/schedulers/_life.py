"""
The life of a scheduler: stopped → starting → started → stopping → stopped.

Start and stop may be called in any order, from any thread, from jobs and from listeners, also at the same time:

* One thread at a time starts or stops; the others wait for it, or are told.
* A stop that is called for within a pass is carried out at the end of the pass: what the pass has claimed is handed
  over before.
* A stop never waits for the run that calls for it. A coroutine that calls for it is not held up at all, since others
  live on its loop.
* The loop belongs to one start. It knows that by its alarm, which each start makes anew; so a loop that is slow to
  end cannot go on when the scheduler is started again.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from functools import partial
from threading import Condition, RLock, Thread, get_ident

from apscheduler_lite._clock import Alarm
from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._options import check_waiting
from apscheduler_lite._text import counted
from apscheduler_lite.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler_lite.events import (
    EVENT_JOB_ADDED,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
    SchedulerEvent,
)
from apscheduler_lite.runs import _current

from ._engine import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED, Engine
from ._process import check_environment, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from apscheduler_lite._catalog import NewJob
    from apscheduler_lite.executors.base import BaseExecutor
    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import BaseJobStore
    from apscheduler_lite.runs import Run

__all__ = ["Life"]


class Life(Engine):
    """A scheduler without the calls that are about jobs."""

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._has_been_started = False

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
            self._starting = get_ident()
            self._alarm = Alarm()
        try:
            begin_passes = self._begin(paused)
            self._dispatch_event(SchedulerEvent(EVENT_SCHEDULER_STARTED))
            begin_passes()
        finally:
            if self._starting == get_ident():  # else somebody else is starting it again by now
                self._starting = None

    def _begin(self, paused: bool) -> Callable[[], object]:
        """Get everything ready; return what is to be called to begin with the passes."""
        try:
            added = self._open()
            try:
                begin_passes = self._make_loop()
            except BaseException:
                self._close(drained=False)
                raise
        except BaseException:
            self._set_phase("stopped")
            raise
        watch(self)
        self.clock.attach(self)
        with self._lock:
            self._state = STATE_PAUSED if paused else STATE_RUNNING
            self._drift = None
            self._has_been_started = True
            self._set_phase("started")
        for alias, job in added:
            self._tell_of_job(EVENT_JOB_ADDED, job, alias)
        self._logger.info("Scheduler started", extra={"action": "scheduler_started"})
        return begin_passes

    def _make_loop(self) -> Callable[[], object]:
        """Make what calls `_process_jobs` again and again; return what sets it going, once STARTED has been told."""
        return self.wakeup

    def _open(self) -> list[tuple[str, Job]]:
        """Start executors and stores and add the pending jobs; undo it all when one of them fails."""
        if "default" not in self._executors:
            self.add_executor(self._create_default_executor(), "default")
        if "default" not in self._catalog.stores:
            self.add_jobstore(self._create_default_jobstore(), "default")
        for alias in list(self._catalog.pending):
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
                self._guarded(f"shutting down {each!r}", each.shutdown)
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
            TypeError, ValueError: an argument is wrong; it goes on.
        """
        check_waiting(wait, timeout)
        self._shut_down(wait, timeout, self._own_runs())

    def _shut_down(self, wait: bool, timeout: float | None, own: set[Run]) -> None:
        inside = self._ticking == get_ident() or bool(own)
        with self._lock:
            if self._phase == "starting" and self._starting != get_ident():
                self._changed.wait_for(lambda: self._phase != "starting", timeout)
            if self._phase == "starting" or not self._has_been_started:
                raise SchedulerNotRunningError
            if self._phase == "stopping" and wait and not inside:
                self._changed.wait_for(lambda: self._phase != "stopping", timeout)
                return
            if self._phase != "started":
                return
            self._phase = "stopping"
            self._state = STATE_STOPPED
            stop = partial(self._stop, wait, timeout, own)
            if self._ticking == get_ident():
                self._stop_after_pass = stop
                return
        self._alarm.ring()
        if own and _is_on_a_loop():
            Thread(target=copy_context().run, args=(stop,), name="APScheduler shutdown").start()
        else:
            stop()

    def _stop(self, wait: bool, timeout: float | None, own: set[Run]) -> None:
        drained = False
        try:
            self._end_loop()
            drained = wait and self._drain(timeout, own)
        finally:  # when Ctrl-C ends the waiting, too
            self._close(drained)
            self.clock.detach(self)
            self._set_phase("stopped")
        self._logger.info("Scheduler has been shut down", extra={"action": "scheduler_shutdown"})
        self._dispatch_event(SchedulerEvent(EVENT_SCHEDULER_SHUTDOWN))

    def _end_loop(self) -> None:
        """Wait until no other thread is in a pass, so that nothing is claimed after this."""
        with self._lock:
            self._changed.wait_for(lambda: self._ticking in (None, get_ident()))

    def _drain(self, timeout: float | None, own: set[Run]) -> bool:
        """Wait for the runs in progress, but those that this call is part of; return whether they have ended."""
        ended = self._wait_for_runs(timeout, own)
        if not ended:
            left = counted(len(self._runs.copy() - own), "run")
            self._logger.warning("Scheduler shut down after %s s with %s still in progress", timeout, left)
        return ended

    def _wait_for_runs(self, timeout: float | None, own: set[Run]) -> bool:
        with self._lock:
            return self._changed.wait_for(lambda: self._runs <= own, timeout)

    def _close(self, drained: bool) -> None:
        for alias, executor in list(self._executors.items()):
            self._guarded(f'shutting down executor "{alias}"', executor.shutdown, drained)
        self._catalog.end_use()
        for alias, store in list(self._catalog.stores.items()):
            self._guarded(f'shutting down job store "{alias}"', store.shutdown)

    def _own_runs(self) -> set[Run]:
        """Return the runs that the calling thread is in, as their function or as a listener of their end."""
        current, thread = _current.get(), get_ident()
        # A copy, since other threads take runs out meanwhile.
        return {run for run in self._runs.copy() if run is current or run.told_by == thread}

    def _guarded(self, what: str, call: Any, *args: Any) -> None:
        try:
            call(*args)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception("Error %s", what)

    def _end_with_interpreter(self) -> None:
        """Stop in good order when the interpreter exits, and say so when jobs were still scheduled."""
        if self._phase != "started":
            self._wait_for_runs(None, set())  # those that a shutdown did not wait for
            return
        scheduled = sum(job._next is not None for job in self._catalog.jobs(None))
        if scheduled:
            self._logger.warning(
                "The program ends while %s still scheduled, and will not run. Keep the main thread alive, or use a"
                " BlockingScheduler",
                "1 job is" if scheduled == 1 else f"{scheduled} jobs are",
                extra={"action": "interpreter_exit"},
            )
        self.shutdown(wait=True)

    def _begin_in_child(self, *, is_worker: bool = False) -> None:
        """Be stopped in a forked child: the threads, the claims and the locks belong to the parent."""
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._alarm = Alarm()
        was_running = self._phase != "stopped"
        self._phase, self._state = "stopped", STATE_STOPPED
        self._starting = self._ticking = self._stop_after_pass = None
        self._runs = set()
        self._catalog.begin_in_child()
        if was_running and not is_worker:  # of a worker process nobody expects that it schedules
            self._logger.info(
                "This scheduler is stopped in the forked process; it goes on in its parent", extra={"action": "forked"}
            )


def _is_on_a_loop() -> bool:
    """Return whether an asyncio event loop is running in this thread."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
