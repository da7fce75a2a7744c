"""What one process knows of the jobs of a store: running instances, pauses after faults, backlogs."""

from __future__ import annotations

from apscheduler_lite._locks import make_lock
from apscheduler_lite._planning import backoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from apscheduler_lite.job import Job
    from apscheduler_lite.runs import Run

__all__ = ["Bookkeeping"]

RETRY_LONGEST = 60.0
"""Seconds between two tries of a job that cannot be scheduled, at the longest."""


class Bookkeeping:
    """What one process knows of the jobs of a store that cannot keep it itself: running instances, pauses, backlogs."""

    __slots__ = ("backlog", "changes", "failures", "instances", "lock", "owed", "retries", "waiting")

    def __init__(self) -> None:
        self.lock = make_lock()
        self.changes = 0  # how many changes of jobs there have been
        self.instances: dict[str, list[Run]] = {}
        self.backlog: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.retries: dict[str, int] = {}
        self.owed: dict[str, Run] = {}  # by job: a run that neither its executor nor the store has taken
        self.waiting = False  # whether the last claim left something due for want of a slot or a worker

    def running(self, job_id: str) -> int:
        return len(self.instances.get(job_id, ()))

    def in_progress(self, job_id: str | None, outcome: str | None, since: int | None, limit: int) -> list[Run]:
        """Return the runs in progress that `BaseJobStore.get_runs` asks for, the latest due first."""
        if outcome is not None:
            return []
        with self.lock:
            found = [run for runs in list(self.instances.values()) for run in runs if job_id in (None, run.job_id)]
        found = [run for run in found if since is None or run.due >= since]
        return sorted(found, key=lambda run: run.due, reverse=True)[:limit]

    def begin(self, job_id: str, runs: list[Run], backlog: int | None) -> None:
        with self.lock:
            if runs:
                self.instances.setdefault(job_id, []).extend(runs)
            if backlog is None:
                self.backlog.pop(job_id, None)
            else:
                self.backlog[job_id] = backlog

    def end(self, runs: Sequence[Run]) -> bool:
        with self.lock:
            for run in runs:
                running = self.instances.get(run.job_id)
                if running is not None and run in running:
                    running.remove(run)
                    if not running:
                        del self.instances[run.job_id]
                if self.failures and run.outcome is not None:
                    self.failures.pop(run.job_id, None)
        return self.waiting

    def keep_snapshot(self, job: Job) -> None:
        """Let the runs in progress keep the job as it is, before it is changed."""
        frozen: Job | None = None
        for run in self.instances.get(job.id, ()):
            if run.job is job:
                frozen = frozen or job._copy()
                run.job = frozen

    def defer(self, job_id: str, now: int) -> float:
        """
        Let the job rest for a while that grows with its failures in a row; return the seconds.

        A row of failures ends with a run that got to its end. A job that rests already rests no longer.
        """
        with self.lock:
            until = self.retries.get(job_id, 0)
            if until > now:
                return (until - now) / 1_000_000
            self.failures[job_id] = failures = self.failures.get(job_id, 0) + 1
            seconds = backoff(failures, RETRY_LONGEST)
            self.retries[job_id] = now + round(seconds * 1_000_000)
        return seconds

    def is_deferred(self, job_id: str, now: int) -> bool:
        until = self.retries.get(job_id)
        if until is None:
            return False
        if until > now:
            return True
        self.retries.pop(job_id, None)
        return False

    def next_retry(self, now: int) -> int | None:
        return min((until for until in list(self.retries.values()) if until > now), default=None)

    def forget(self) -> None:
        # Without the lock: a claim takes it in a transaction, for which a signal handler that interrupts this may wait.
        self.retries.clear()
        self.failures.clear()
