"""The executor for debugging: every run happens at once, in the thread that hands it over."""

from __future__ import annotations

from apscheduler_lite._loops import LoopHere
from apscheduler_lite._running import execute

from ._run_executor import RunExecutor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["DebugExecutor"]


class DebugExecutor(RunExecutor):
    """
    Run jobs in the scheduler's own thread, one after the other.

    While a job runs, the scheduler does nothing else. Coroutine functions run in the same thread, on one event loop of
    the executor's.

    Plugin alias: ``debug``.
    """

    _loop: LoopHere | None = None

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        self._loop = LoopHere()

    def shutdown(self, wait: bool = True) -> None:
        """Close the event loop, when the run in progress has ended if there is one."""
        if self._loop is not None:
            self._loop.close()

    def capacity(self) -> int | None:
        """Return 1: while a job runs, the next one may as well stay with others."""
        return 1

    def _begin(self, run: Run) -> None:
        execute(run, self._clock, self._logger, None if self._loop is None else self._loop.run)
        self._run_ended(run)
        if isinstance(run.exception, KeyboardInterrupt):
            raise run.exception  # Ctrl-C was meant for the program, not for the job that happened to run
