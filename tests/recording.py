"""Jobs with importable names that note when they ran, for stores that keep references and for worker processes."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from apscheduler_lite import current_run

__all__ = ["RUNS", "note", "times_of"]

RUNS: defaultdict[str, list[datetime]] = defaultdict(list)


def note(key: str) -> None:
    """Note the time for which this run was scheduled."""
    RUNS[key].append(current_run().scheduled_run_time)


def times_of(key: str) -> list[datetime]:
    """Return the times for which the runs of that key were scheduled, in the order in which they ran."""
    return list(RUNS[key])
