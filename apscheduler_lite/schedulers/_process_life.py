"""
What the process does to one scheduler: it ends with the interpreter, and is stopped in a forked child.

`_process` says when; here is what happens then.
"""

from __future__ import annotations

from threading import Condition

from apscheduler_lite._clock import Alarm
from apscheduler_lite._locks import make_lock

from ._life import STATE_STOPPED, Bound, Life
from ._process import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.job import Job

__all__ = ["ProcessLife"]


class ProcessLife(Life):
    """A scheduler that the process takes care of, from its first start on."""

    def _open(self) -> list[tuple[str, Job]]:
        added = super()._open()
        watch(self)
        return added

    def _end_with_interpreter(self) -> None:
        """Stop in good order when the interpreter exits, and say so when jobs were still scheduled."""
        if self._phase == "started":
            self._guarded("looking for scheduled jobs", self._warn_of_scheduled)
            self._guarded("shutting down", self.shutdown)
        # A shutdown that did not wait, or that a job has called, has left runs: they come to their end as well.
        with self._lock:
            self._is_draining = True
            while self._phase == "stopping" or not self._runs <= self._given_up or (self._unclosed and not self._runs):
                self._changed.wait(self._look_every)
                self._give_up_lost_runs()
        self._hear_out(Bound(None))

    def _warn_of_scheduled(self) -> None:
        # Jobs that outlive the process are no loss: they run when it, or another one, is there again.
        memory = [store for _, store in self._catalog.open if not store.persistent]
        scheduled = sum(job._next is not None for store in memory for job in self._catalog.jobs_of(store))
        if scheduled:
            self._logger.warning(
                "The program ends while %s still scheduled, and will not run. Keep the main thread alive, or use a"
                " BlockingScheduler",
                "1 job is" if scheduled == 1 else f"{scheduled} jobs are",
                extra={"action": "interpreter_exit"},
            )

    def _begin_in_child(self, *, is_worker: bool = False) -> None:
        """Be stopped in a forked child: the threads, the claims and the locks belong to the parent."""
        self._lock = make_lock()
        self._changed = Condition(self._lock)
        self._alarm = Alarm()
        was_running = self._phase != "stopped"
        self._phase, self._state, self._ticking, self._turner = "stopped", STATE_STOPPED, None, None
        self._stop_asked = self._in_hand = None
        self._is_draining = self._is_leaving = False
        self._runs, self._given_up = set(), set()
        self._unclosed, self._is_closing = {}, False
        self._catalog.begin_in_child()
        self._listeners.begin_in_child()
        self._is_silent_copy = was_running and not is_worker  # of a worker process nobody expects that it schedules

    _is_silent_copy = False
    """Whether it is the stopped copy of a running scheduler, in a forked process, and has not said so yet."""

    def _say_if_copy(self) -> None:
        """
        Say that the scheduler is stopped in this process, to whoever begins to use it here.

        Not right after the fork: another thread may have been writing a log record then, and whatever its handler holds
        is held for ever in the child.
        """
        if self._is_silent_copy:
            self._is_silent_copy = False
            self._logger.info(
                "This scheduler is stopped in the forked process; it goes on in its parent", extra={"action": "forked"}
            )
