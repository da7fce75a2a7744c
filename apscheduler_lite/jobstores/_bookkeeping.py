"""What one process knows of the jobs of a store: running instances, how runs ended, pauses after faults, backlogs."""

from __future__ import annotations

from apscheduler_lite._locks import make_lock
from apscheduler_lite._planning import backoff, is_superseded
from apscheduler_lite._reasons import reason_of_missed
from apscheduler_lite.runs import Outcome, Run

from ._history import KEPT_OF_EACH, History, record_of
from ._open import OpenRuns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import tzinfo

    from apscheduler_lite._planning import Plan
    from apscheduler_lite.job import Job
    from apscheduler_lite.records import RunRecord

    from ._claim import Claim

__all__ = ["Bookkeeping"]

RETRY_LONGEST = 60.0
"""Seconds between two tries of a job that cannot be scheduled, at the longest."""


class Bookkeeping:
    """What one process knows of the jobs of a store that cannot keep it itself."""

    __slots__ = (
        "backlog", "changes", "down", "failures", "history", "instances", "lock", "open", "owed", "retries", "waiting",
    )  # fmt: skip

    def __init__(self, keep_runs: int = KEPT_OF_EACH, living: Container[str] = ()) -> None:
        self.lock = make_lock()
        self.history = History(keep_runs, living)
        self.open = OpenRuns()
        self.changes = 0  # how many changes of jobs there have been
        self.instances: dict[str, list[Run]] = {}
        self.backlog: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.retries: dict[str, int] = {}
        self.owed: dict[str, Run] = {}  # by job: a run that neither its executor nor the store has taken
        self.down: tuple[int, int] | None = None  # the last downtime
        self.waiting = False  # whether the last claim left something due for want of a slot or a worker

    def running(self, job_id: str) -> int:
        return len(self.instances.get(job_id, ()))

    def ongoing(self, job_id: str) -> tuple[int, int | None] | None:
        """Return when the oldest run in progress of a job was due and when it began; None when there is none."""
        runs = self.instances.get(job_id)
        return (runs[0].due, runs[0].started) if runs else None

    def superseded(self, job: Job, due: int) -> list[Run]:
        """Return the run in progress that is to make room for one that is due, if there is one."""
        runs = self.instances.get(job.id, [])
        is_full = len(runs) >= job._options.max_instances
        return runs[:1] if is_full and is_superseded(runs[0], job._options, due) else []

    def find(
        self, alias: str, job_id: str | None, outcome: str | None, since: int | None, limit: int
    ) -> list[RunRecord]:
        """Return what `BaseJobStore.get_runs` asks for, the latest due first."""
        with self.lock:
            found = list(self.history.find(alias, job_id, outcome, since))
            if outcome is None:
                active = [run for runs in list(self.instances.values()) for run in runs if job_id in (None, run.job_id)]
                waiting = [each for each in self.open.find(job_id) if since is None or each.due >= since]
                found += [record_of(run) for run in active if since is None or run.due >= since] + waiting
        return sorted(found, key=lambda record: (record.due, record.attempt), reverse=True)[:limit]

    def drop(self, job: Job, made: Plan, zone: tzinfo, alias: str, now: int, claim: Claim) -> None:
        """Take note of the fire times that a plan drops."""
        for slot in made.skipped or ():
            if slot.run is not None:
                self.history.add(slot.run)
        for slot in made.missed or ():
            claim.missed.append((job, slot))
            reason = reason_of_missed(slot, job._options, now, self.down, zone)
            slot.run = self.keep(Run.of(job, alias, slot.fire_time, slot.due, zone), Outcome.MISSED, reason, now)

    @property
    def up_since(self) -> int | None:
        """Return the end of the last downtime."""
        return None if self.down is None else self.down[1]

    def tell_downtime(self, runs: Sequence[Run]) -> None:
        """Let those of the runs that came due in the last downtime know of it, for the reason if they are missed."""
        if self.down is not None:
            for run in runs:
                if self.down[0] <= run.due < self.down[1]:
                    run.down = self.down

    def keep(self, run: Run, outcome: str, reason: str, now: int) -> Run:
        """Keep a record of a run that is not made, and return the run."""
        run.outcome, run.reason, run.finished = outcome, reason, now
        self.history.add(run)
        return run

    def begin(self, job_id: str, runs: list[Run], backlog: int | None) -> None:
        with self.lock:
            if runs:
                self.instances.setdefault(job_id, []).extend(runs)
            if backlog is None:
                self.backlog.pop(job_id, None)
            else:
                self.backlog[job_id] = backlog

    def follow(self, run: Run) -> bool:
        """Let the next attempt at an ended run wait for its time; return whether runs have waited for its end."""
        if run.next_attempt is not None:
            self.open.add(run.following(), run.next_attempt)
        return self.open.free(run.job_id)

    def end(self, runs: Sequence[Run]) -> bool:
        freed = self.waiting
        with self.lock:
            for run in runs:
                running = self.instances.get(run.job_id)
                if running is not None and run in running:
                    running.remove(run)
                    if not running:
                        del self.instances[run.job_id]
                if run.outcome is not None:
                    self.history.add(run)
                    if self.failures:
                        self.failures.pop(run.job_id, None)
                if run.next_attempt is not None or self.open.count:
                    freed = self.follow(run) or freed
        return freed

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
