"""Programs that are not measured: coverage holds a lock of its own, which a signal handler or a fork may meet."""

from __future__ import annotations

import os

__all__ = ["uncovered"]


def uncovered() -> dict[str, str]:
    """Return the environment of this process without what has programs measured that it starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_CORE_"))}
