"""
Run Python functions later, on a schedule, inside your own process.

The main names are loaded when they are first used (PEP 562), so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import EVENT_ALL as EVENT_ALL
    from .job import Job as Job
    from .jobstores.memory import MemoryJobStore as MemoryJobStore
    from .jobstores.sqlalchemy import SQLAlchemyJobStore as SQLAlchemyJobStore
    from .retry import Retry as Retry
    from .runs import Run as Run
    from .runs import current_run as current_run
    from .schedulers.asyncio import AsyncIOScheduler as AsyncIOScheduler
    from .schedulers.background import BackgroundScheduler as BackgroundScheduler
    from .schedulers.blocking import BlockingScheduler as BlockingScheduler

_HOMES = {
    "AndTrigger": "triggers.combining",
    "AsyncIOScheduler": "schedulers.asyncio",
    "BackgroundScheduler": "schedulers.background",
    "BlockingScheduler": "schedulers.blocking",
    "CalendarIntervalTrigger": "triggers.calendarinterval",
    "ConflictingIdError": "errors",
    "CronTrigger": "triggers.cron",
    "DateTrigger": "triggers.date",
    "EVENT_ALL": "events",
    "IntervalTrigger": "triggers.interval",
    "Job": "job",
    "JobLookupError": "errors",
    "MemoryJobStore": "jobstores.memory",
    "OrTrigger": "triggers.combining",
    "ProcessPoolExecutor": "executors.pool",
    "Retry": "retry",
    "Run": "runs",
    "SQLAlchemyJobStore": "jobstores.sqlalchemy",
    "ThreadPoolExecutor": "executors.pool",
    "current_run": "runs",
}
_VERSIONS = ("__version__", "release", "version", "version_info")

__all__ = [*_HOMES, *_VERSIONS]  # noqa: PLE0604 - strings all


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        value: Any = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _VERSIONS:
        from importlib.metadata import version as version_of

        release = version_of("apscheduler-lite")
        numbers = tuple(int(part) if part.isdigit() else part for part in release.split("."))
        value = numbers if name == "version_info" else release
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
