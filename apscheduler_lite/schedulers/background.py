"""The scheduler that works beside the program, on a thread of its own."""

from __future__ import annotations

from threading import Thread, current_thread

from apscheduler_lite._options import as_bool

from .base import BaseScheduler
from .blocking import BlockingScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BackgroundScheduler"]


class BackgroundScheduler(BlockingScheduler):
    """
    Run jobs in the background; `start` returns at once.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords. Beside the general ones: ``daemon=False`` keeps the program alive until the
            scheduler is shut down.
    """

    _thread: Thread | None = None
    _daemon = True

    def _configure(self, config: dict[str, Any]) -> None:
        daemon = as_bool(config.pop("daemon", True), "daemon")
        BaseScheduler._configure(self, config)
        self._daemon = daemon

    def start(self, paused: bool = False) -> None:
        """
        Start, and go on with the program.

        Raises:
            SchedulerAlreadyRunningError: it is running.
        """
        BaseScheduler.start(self, paused)
        self._thread = Thread(target=self._main_loop, name="APScheduler", daemon=self._daemon)
        self._thread.start()

    def _wait_for_pass(self) -> None:
        super()._wait_for_pass()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not current_thread():
            thread.join()
