"""How a scheduler is, by what its last pass has seen: nothing that could block is called."""

from __future__ import annotations

from math import isfinite

from apscheduler_lite._running import describe_exception
from apscheduler_lite._text import counted, duration_text
from apscheduler_lite._timezones import from_instant

from ._engine import STATE_PAUSED, STATE_STOPPED
from ._runs import Runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.health import ExecutorHealth, Health, StoreHealth

__all__ = ["Healthy"]

LATE = 10.0
"""Seconds of lateness of the loop that are called a problem."""


class Healthy(Runs):
    """A scheduler that says how it is."""

    def health(self) -> Health:
        """
        Return how the scheduler is, for a health check: ``health().ok``, or ``health().as_dict()`` for its answer.

        It calls no store and no executor, and so answers at once, also while one of them hangs.
        """
        from apscheduler_lite.health import Health

        state = self._state
        lateness = 0.0 if state in (STATE_STOPPED, STATE_PAUSED) else self._lateness()
        stores = self._stores_health()
        problems = [
            f"job store {each.alias!r} has failed {counted(each.failures, 'time')} in a row: {each.error}"
            for each in stores
            if not each.ok
        ]
        if lateness > LATE:
            problems.insert(0, f"the loop is late by {duration_text(round(lateness, 1))}")
        if state == STATE_STOPPED:
            problems.insert(0, "the scheduler is not running")
        fault = self._last_fault
        return Health(
            state=("stopped", "running", "paused")[state],
            last_tick=None if self._ticked_at is None else from_instant(self._ticked_at, self.timezone),
            lateness=lateness,
            executors=self._executors_health(),
            stores=stores,
            last_error=None if fault is None else describe_exception(fault[1]),
            last_error_at=None if fault is None else from_instant(fault[0], self.timezone),
            problems=tuple(problems),
        )

    def _lateness(self) -> float:
        """Return for how many seconds a pass takes already, or the next one is overdue."""
        now = self.clock.now()
        if self._ticking is not None:
            since = float(self._ticked_at or now)
        else:
            since = self._wake_at if isfinite(self._wake_at) else now
        return max(0.0, (now - since) / 1e6)

    def _executors_health(self) -> tuple[ExecutorHealth, ...]:
        from apscheduler_lite.health import ExecutorHealth

        running: dict[str, int] = {}
        for run in self._runs.copy():
            running[run.executor] = running.get(run.executor, 0) + 1
        free = self._ticker.free
        return tuple(ExecutorHealth(alias, running.get(alias, 0), free.get(alias)) for alias in list(self._executors))

    def _stores_health(self) -> tuple[StoreHealth, ...]:
        from apscheduler_lite.health import StoreHealth

        found = []
        for alias in list(self._catalog.stores):
            failures, exc = self._ticker.failure(alias)
            found.append(StoreHealth(alias, exc is None, failures, None if exc is None else describe_exception(exc)))
        return tuple(found)
