"""Whether a scheduler is well: a value for health checks, made of what its last pass has seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

__all__ = ["ExecutorHealth", "Health", "StoreHealth"]


@dataclass(frozen=True, slots=True)
class ExecutorHealth:
    """
    The load of one executor.

    Attributes:
        alias: the scheduler's name for it.
        running: how many runs it has.
        free: how many more it could start at once, at the last pass; None when it does not say.
    """

    alias: str
    running: int
    free: int | None


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """
    Whether one job store could be used at the last pass.

    Attributes:
        alias: the scheduler's name for it.
        ok: whether it could be claimed.
        failures: how often in a row it could not.
        error: what it raised then, or None.
    """

    alias: str
    ok: bool
    failures: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """
    How a scheduler is.

    Attributes:
        state: ``"running"``, ``"paused"`` or ``"stopped"``.
        last_tick: when its last pass began, or None.
        lateness: seconds by which its loop is late: for how long a pass takes already, or the next one is overdue.
        executors: the load of each executor.
        stores: whether each job store can be used.
        last_error: what a store, trigger, executor or the loop itself raised last, or None.
        last_error_at: when that was.
        problems: a sentence for each thing that is not as it should be.
    """

    state: str
    last_tick: datetime | None
    lateness: float
    executors: tuple[ExecutorHealth, ...]
    stores: tuple[StoreHealth, ...]
    last_error: str | None
    last_error_at: datetime | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Return whether there is no problem. A scheduler that was paused is well; one that is stopped is not."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it, the times as text in ISO format."""
        facts = asdict(self)
        for name in ("last_tick", "last_error_at"):
            facts[name] = facts[name] and facts[name].isoformat()
        return {"ok": self.ok, **facts}
