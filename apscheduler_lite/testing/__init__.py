"""
For tests: a clock that a test moves, and the suites that stores, executors and schedulers must pass.

`ManualClock` is for everybody who schedules something. The contracts are for authors of extensions: subclass one, say
how to make yours, and pytest runs the inherited tests. Under pytest,
``pytest.register_assert_rewrite("apscheduler_lite.testing")`` in ``conftest.py`` shows the values of a failed assert.
"""

from __future__ import annotations

from .clock import ManualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .executor_contract import ExecutorContract as ExecutorContract
    from .jobstore_contract import JobStoreContract as JobStoreContract
    from .scheduler_contract import SchedulerContract as SchedulerContract

_HOMES = {
    "ExecutorContract": "executor_contract",
    "JobStoreContract": "jobstore_contract",
    "SchedulerContract": "scheduler_contract",
}

__all__ = ["ExecutorContract", "JobStoreContract", "ManualClock", "SchedulerContract"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
