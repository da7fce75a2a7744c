"""The one place that reads the time."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["system_now"]


def system_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
