"""The schedulers: one façade (`base`) and three ways to sleep between two passes."""

from __future__ import annotations

from apscheduler_lite.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError

__all__ = ["SchedulerAlreadyRunningError", "SchedulerNotRunningError"]
