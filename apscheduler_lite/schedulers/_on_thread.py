"""What the schedulers share that make their passes on a thread of their own."""

from __future__ import annotations

from threading import Event, Thread, current_thread

from .base import BaseScheduler
from .blocking import BlockingScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from apscheduler_lite._clock import Alarm

__all__ = ["OnThread"]


class OnThread(BlockingScheduler):
    """A scheduler whose `start` returns at once, since its passes are made on a thread."""

    _daemon = True
    _thread: Thread | None = None
    _may_begin: Event | None = None

    def start(self, paused: bool = False) -> None:
        """
        Start, and go on with the program.

        Raises:
            SchedulerAlreadyRunningError: it is running.
        """
        BaseScheduler.start(self, paused)

    def _make_loop(self) -> Callable[[], object]:
        may_begin = Event()
        thread = Thread(target=self._begin_when, args=(may_begin, self._alarm), name="APScheduler", daemon=self._daemon)
        thread.start()
        self._thread, self._may_begin = thread, may_begin
        return may_begin.set

    def _begin_when(self, may_begin: Event, alarm: Alarm) -> None:
        may_begin.wait()
        self._main_loop(alarm)

    def _end_loop(self) -> None:
        super()._end_loop()
        thread, self._thread = self._thread, None
        if self._may_begin is not None:
            self._may_begin.set()
        if thread is not None and thread is not current_thread():
            thread.join()
