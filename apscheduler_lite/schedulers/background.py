"""The scheduler that works beside the program, on a thread of its own."""

from __future__ import annotations

from apscheduler_lite._options import as_bool

from ._on_thread import OnThread
from .base import BaseScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BackgroundScheduler"]


class BackgroundScheduler(OnThread):
    """
    Run jobs in the background; `start` returns at once.

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
