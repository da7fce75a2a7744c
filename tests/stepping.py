"""A scheduler without a thread: a test moves its clock and has it make its passes."""

from __future__ import annotations

from typing import Any

from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.schedulers.base import BaseScheduler
from apscheduler_lite.testing import ManualClock

__all__ = ["SteppingScheduler"]


class SteppingScheduler(BaseScheduler):
    """Runs jobs in `step`, at once, and keeps the events that it told."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"clock": ManualClock(), "timezone": "UTC", **options})
        self.events: list[Any] = []
        self.wakeups = 0
        self.add_listener(self.events.append)
        self.begin = self.clock.now()

    def _create_default_executor(self) -> DebugExecutor:
        return DebugExecutor()

    def wakeup(self) -> None:
        """Note that there may be something to do."""
        self.wakeups += 1

    def step(self, seconds: float = 0) -> float | None:
        """Let time pass and make one pass; return the seconds until the next."""
        clock: Any = self.clock
        clock._now += round(seconds * 1e6)
        clock._monotonic += round(seconds * 1e6)
        return self._process_jobs()

    def told(self, code: int) -> list[Any]:
        """Return the events of that code."""
        return [event for event in self.events if event.code == code]
