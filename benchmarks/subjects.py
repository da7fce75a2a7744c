"""The same scheduler of either library: what the scripts measure, by the API that both share."""

from __future__ import annotations

from importlib import import_module
from typing import Any

OURS = "apscheduler_lite"
THEIRS = "apscheduler"
BOTH = (OURS, THEIRS)


def scheduler_of(package: str, *, workers: int = 10, **job_defaults: Any) -> Any:
    """Return a background scheduler with a thread pool that has not been started; runs are never too late."""
    scheduler = import_module(f"{package}.schedulers.background").BackgroundScheduler
    pool = import_module(f"{package}.executors.pool").ThreadPoolExecutor
    return scheduler(
        timezone="UTC",
        executors={"default": pool(workers)},
        job_defaults={"misfire_grace_time": None, **job_defaults},
    )
