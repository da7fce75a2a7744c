"""
The life of a scheduler: stopped, starting, started, stopping, stopped.

Any thread may turn it at any time, also from inside a turn: a job, a listener or a signal handler that runs in the
very thread that is in `start`, `shutdown` or a pass. Whoever is inside never waits for itself. A shutdown that comes
from within a start or a pass is noted and made at their end, so that what the pass has claimed still gets to its
executors.
"""

from __future__ import annotations

from threading import Thread

from apscheduler_lite._clock import Alarm, SystemClock
from apscheduler_lite._locks import holds_lock
from apscheduler_lite._options import check_waiting
from apscheduler_lite._running import acting_thread
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

from ._opening import Opening
from ._process import check_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.job import Job
    from apscheduler_lite.runs import Run

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "Life"]

STATE_STOPPED = 0
STATE_RUNNING = 1
STATE_PAUSED = 2

LOOK_EVERY = 0.1
"""Seconds between two looks for what is not announced by anybody."""

_real = SystemClock()  # for the bound of a wait on real threads, whatever clock the scheduler lives by


class Bound:
    """How long to wait at the longest: a number of seconds from its making on, or for ever."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else _real.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """Return the seconds that are left, None for ever."""
        return None if self._end is None else max(0.0, self._end - _real.monotonic())

    def at_most(self, seconds: float | None) -> float | None:
        """Return the seconds that are left, or the given ones if they are less."""
        left = self.left
        return seconds if left is None else left if seconds is None else min(left, seconds)


class Life(Opening):
    """A scheduler that can be started and stopped, and that keeps the runs which are in progress."""

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._state = STATE_STOPPED
        self._phase = "stopped"  # → "starting" → "started" → "stopping" → "stopped"
        self._turner: int | None = None  # the thread that is in start() or shutdown()
        self._stop_asked: tuple[bool, Bound] | None = None  # a shutdown that is to be made by the present start or pass
        self._is_leaving = False  # from shutdown until its listeners have heard of it
        self._idle_since: int | None = None  # when it was paused or shut down, until the next pass
        self._epoch = 0  # how often it has been started
        self._given_up: set[Run] = set()  # those that a shutdown has not waited for to the end
        self._is_draining = False
        self._ticking: int | None = None  # the thread that is in a pass
        self._in_hand: Run | None = None  # the run that the pass is handing to its executor

    # -- state -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> int:
        """Return ``STATE_STOPPED``, ``STATE_RUNNING`` or ``STATE_PAUSED``."""
        return self._state

    @property
    def running(self) -> bool:
        """Return whether the scheduler has been started, paused or not, and not been shut down."""
        return self._state != STATE_STOPPED

    def _is_ending(self) -> bool:
        """Return whether a shutdown goes on, or has been called and begins on its thread in a moment."""
        return self._phase == "stopping" or (self._phase == "started" and self._state == STATE_STOPPED)

    def _set_phase(self, phase: str) -> None:
        with self._lock:
            self._phase = phase
            self._turner = None
            self._changed.notify_all()

    def _is_started(self) -> bool:
        """Return whether it is started, once a start that another thread is making has come to its end."""
        with self._lock:
            self._changed.wait_for(lambda: self._phase != "starting" or self._turner == acting_thread())
            return self._phase == "started"

    # -- start -------------------------------------------------------------------------------------------------

    def start(self, paused: bool = False) -> None:
        """
        Start the executors and the stores, add the pending jobs, and begin to run what is due.

        Args:
            paused: start without running anything until `resume` is called.

        Raises:
            SchedulerAlreadyRunningError: it is running.
            KeyError: a pending job names a store that does not exist.
        """
        self._begin(paused)

    def _begin(self, paused: bool) -> Alarm:
        """Do what `start` says; return the alarm of this start, by which its loop knows whether it is still wanted."""
        check_environment()
        self._finish_stop()
        with self._lock:
            if self._phase != "stopped":
                raise SchedulerAlreadyRunningError
            self._phase = "starting"
            self._turner = acting_thread()
            self._stop_asked = None
            self._is_draining = False
            self._alarm = alarm = Alarm()  # a new one: the loop of the last start may still sleep on the old one
        try:
            added = self._open()
        except BaseException:
            self._set_phase("stopped")
            raise
        self.clock.attach(self)
        with self._lock:
            self._state = STATE_PAUSED if paused else STATE_RUNNING
            self._epoch += 1
            self._set_phase("started")
            asked = self._take_stop()
        try:
            self._tell_of_start(added)
        except BaseException:  # Ctrl-C
            self.shutdown(wait=False)
            raise
        if asked is not None:
            self.shutdown(asked[0], asked[1].left)
        elif not paused:
            self.wakeup()
        return alarm

    def _finish_stop(self) -> None:
        """Let a shutdown come to its end: by waiting for it, or at once when the present pass was to make it."""
        held = holds_lock()
        with self._lock:
            if not self._is_ending():
                return
            asked = self._take_stop() if self._ticking == acting_thread() == self._turner else None
            if asked is None and not self._is_inside() and not held:
                self._changed.wait_for(lambda: not self._is_ending())
        if asked is not None:
            self._stop(*asked)
            self._ticking = None  # what this pass has claimed already it still hands over

    def _tell_of_start(self, added: list[tuple[str, Job]]) -> None:
        for alias, job in added:
            self._tell_of_job(EVENT_JOB_ADDED, job, alias)
        self._logger.info("Scheduler started", extra={"action": "scheduler_started"})
        self._dispatch_event(SchedulerEvent(EVENT_SCHEDULER_STARTED))

    # -- pause -------------------------------------------------------------------------------------------------

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
            if self._phase != "started" or self._is_ending():
                raise SchedulerNotRunningError
            if self._state != before:
                return False
            self._state = after
            self._idle_since = self.clock.now() if after == STATE_PAUSED else self._idle_since
        self._logger.info(message)
        self._dispatch_event(SchedulerEvent(code))
        return True

    # -- shutdown ----------------------------------------------------------------------------------------------

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> Any:
        """
        Stop: claim nothing more, let the runs in progress end, close executors and stores.

        It may be called from a job or a listener, which is then not waited for, from a signal handler, and more than
        once: one that waits, after one that did not, waits for the runs that are left, save those that a timeout has
        given up. `start` works again after it; jobs in a memory store are kept.

        Args:
            wait: return only when the runs in progress have ended and deferred listeners have heard all events.
            timeout: seconds to wait at the longest; None for any time.

        Raises:
            SchedulerNotRunningError: it has never been started.
            TypeError, ValueError: an argument is wrong; it goes on.
        """
        check_waiting(wait, timeout)
        bound = Bound(timeout)
        if holds_lock():
            self._shut_down_after_step(wait, bound)
            return
        self._shut_down_and_hear_out(wait, bound)

    def _shut_down_after_step(self, wait: bool, bound: Bound) -> None:
        """
        Shut down on another thread, since this one must come to the end of the step that a signal has interrupted.

        Whoever is waited for may need the lock that the step holds.
        """
        with self._lock:
            self._refuse_unstarted()
            if self._phase == "started":  # said now, so that nothing is claimed from here on
                self._state = STATE_STOPPED
                self._is_leaving = True
        self._alarm.ring()
        Thread(
            target=Life._shut_down_and_hear_out, args=(self, wait, bound), name="APScheduler shutdown", daemon=True
        ).start()

    def _shut_down_and_hear_out(self, wait: bool, bound: Bound) -> None:
        self._shut_down(wait, bound)
        if wait and not self._is_inside():
            self._hear_out(bound)

    def _shut_down(self, wait: bool, bound: Bound) -> None:
        with self._lock:
            if self._phase == "starting" and (
                self._turner == acting_thread()
                or not self._changed.wait_for(lambda: self._phase != "starting", bound.left)
            ):
                self._stop_asked = (wait, bound)
                return
            self._refuse_unstarted()
            if self._phase != "started":
                if wait and not self._is_inside():
                    self._changed.wait_for(lambda: self._phase != "stopping", bound.left)
                    self._wait_for_rest(bound)
                return
            self._phase = "stopping"
            self._turner = acting_thread()
            self._state = STATE_STOPPED
            self._is_draining = self._is_leaving = True
            in_pass = self._ticking == acting_thread()
            self._stop_asked = (wait, bound) if in_pass else None
        self._alarm.ring()
        if not in_pass:
            self._stop(wait, bound)
        elif wait:
            self._drain(bound)

    def _refuse_unstarted(self) -> None:
        if self._phase == "stopped" and not self._epoch:
            raise SchedulerNotRunningError

    def _wait_for_rest(self, bound: Bound) -> None:
        """Wait for the runs that a shutdown has left to themselves, but those that it has waited for long enough."""
        with self._lock:
            self._is_draining = True  # until the next start
            while self._phase == "stopped" and not self._runs <= self._given_up and bound.left != 0:
                self._changed.wait(bound.at_most(self._look_every))
                self._give_up_lost_runs()
            self._changed.wait_for(lambda: self._phase != "stopped" or not self._unclosed or self._runs, bound.left)

    def _take_stop(self) -> tuple[bool, Bound] | None:
        asked, self._stop_asked = self._stop_asked, None
        return asked

    def _stop(self, wait: bool, bound: Bound) -> None:
        self._stop_asked = None
        drained = False
        try:
            self._wait_for_pass(bound)
            drained = wait and self._drain(bound)
        finally:  # also when Ctrl-C has ended the wait
            self._close(drained)

    def _wait_for_pass(self, bound: Bound) -> None:
        """Wait until no other thread is in a pass, so that nothing is claimed after this."""
        with self._lock:
            if not self._changed.wait_for(lambda: self._ticking in (None, acting_thread()), bound.left):
                self._logger.warning("Scheduler shut down while its loop was held up by a store, trigger or listener")
                self._ticking = None  # it claims nothing more when it comes back

    def _drain(self, bound: Bound) -> bool:
        """Wait for the runs in progress, but those that this call is part of; return whether they have ended."""
        with self._lock:
            # Looked at again and again: a coroutine may have been handed to the thread of this call meanwhile.
            while not self._runs <= (own := self._own_runs()):
                if bound.left == 0:
                    self._given_up = self._runs - own
                    break
                self._changed.wait(bound.at_most(LOOK_EVERY if own else self._look_every))
                self._give_up_lost_runs()
            else:
                return True
        self._logger.warning(
            "Scheduler shut down after %s s with %s still in progress",
            bound.seconds,
            counted(len(self._given_up), "run"),
        )
        return False

    _look_every: float | None = None
    """Seconds between two looks for runs that cannot end any more; None where every run ends."""

    def _give_up_lost_runs(self) -> None:
        """Report the runs that cannot end any more, where there can be such runs."""

    def _close(self, drained: bool) -> None:
        # From inside a run its executor cannot be waited for; all else has been.
        self._shut(wait=drained and not self._own_runs())
        self.clock.detach(self)
        with self._lock:
            self._is_draining, self._idle_since = False, self.clock.now()
            self._set_phase("stopped")
        self._logger.info("Scheduler has been shut down", extra={"action": "scheduler_shutdown"})
        try:
            self._tell(SchedulerEvent(EVENT_SCHEDULER_SHUTDOWN))
        finally:
            with self._lock:
                self._is_leaving = False
                self._changed.notify_all()

    def _is_inside(self) -> bool:
        """Return whether the calling thread is in a turn, a pass or a run, which must not be waited for."""
        me = acting_thread()
        return me in (self._turner, self._ticking) or bool(self._own_runs())

    def _own_runs(self) -> set[Run]:
        """Return the runs that the calling thread is in: it calls or awaits them, tells of them, hands them over."""
        current, me = _current.get(), acting_thread()
        in_hand = self._in_hand if self._ticking == me else None
        # Copied first, by one step in C: runs come and go meanwhile.
        return {run for run in self._runs.copy() if run is current or run is in_hand or run.held_by == me}

    def _is_busy(self) -> bool:
        """Return whether a pass, a run or a deferred listener goes on, for a clock that waits until nothing does."""
        is_turning = self._ticking is not None or self._phase in ("starting", "stopping")
        return is_turning or bool(self._runs) or not self._listeners.is_quiet()

    def _refuse_to_block(self) -> None:
        """Raise when the calling thread is one that this scheduler needs in order to go on."""
        if _current.get() is not None or acting_thread() in (self._ticking, self._turner):
            raise RuntimeError("a job or a listener cannot wait for its own scheduler; call this from the test itself")
