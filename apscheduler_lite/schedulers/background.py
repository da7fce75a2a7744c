"""The scheduler that works beside the program, on a thread of its own."""

from __future__ import annotations

from apscheduler_lite._options import as_bool

from ._on_thread import OnThread
from .base import BaseScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["BackgroundScheduler"]


class BackgroundScheduler(OnThread):
    """
    Run jobs in the background; `start` returns at once.

    In a ``with`` statement it is started at the beginning of the block, if it is not running yet, and shut down at its
    end, which waits for the runs in progress.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords. Beside the general ones: ``daemon=False`` keeps the program alive until the
            scheduler is shut down.
    """

    _own_options = ("daemon",)

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
        super().start(paused)

    def __enter__(self) -> Self:
        """Start."""
        if not self.running:
            self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Shut down, and wait for the runs in progress, also for those that a shutdown in the block has left."""
        self.shutdown()
