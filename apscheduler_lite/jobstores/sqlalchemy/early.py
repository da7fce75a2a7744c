"""
Jobs that are added while the scheduler is not running.

They go into the database all the same: a program that never starts its scheduler can add jobs for those that do. One
that is added by itself is written before the call returns. A program that adds many, one after the other, would wait
for the disk at each; so those that follow one another closely are checked at once (id taken, function without a name,
arguments that cannot be stored) and written together: a twentieth of a second later, or before that when the program
does anything else with the store, starts the scheduler, or ends.
"""

from __future__ import annotations

import atexit
from threading import Timer
from weakref import WeakMethod

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._locks import make_lock
from apscheduler_lite.errors import ConflictingIdError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import Settle

    from .jobs import Definition, JobRows

__all__ = ["EarlyJobs"]

CLOSELY = 0.05
"""Seconds between two jobs that are written together, and until they are."""
RETRY = 1.0
"""Seconds until the next try when the database is away."""
AT_ONCE = 5_000
"""How many jobs wait at the most."""

_clock = SystemClock()


class EarlyJobs:
    """The jobs that wait to be written together."""

    def __init__(self, rows: JobRows) -> None:
        self._rows = rows
        self._lock = make_lock()  # held while they are written, too: whoever looks then must see them
        self._waiting: dict[str, tuple[Job, Settle, Definition]] = {}
        self._added_at = float("-inf")
        self._timer: Timer | None = None
        self._is_registered = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, job: Job, settle: Settle) -> None:
        """Write a job, now or in a moment."""
        if not self._waiting and _clock.monotonic() - self._added_at > CLOSELY:
            self._rows.put([job], settle)
        else:
            self._let_wait(job, settle)
        self._added_at = _clock.monotonic()

    def _let_wait(self, job: Job, settle: Settle) -> None:
        # Without the lock: while others are being written, more can be added.
        if job.id in self._waiting:
            self.flush()
        definition = self._rows.check(job, settle)
        waiting = None if definition is None else (job, settle, definition)
        if waiting is None or self._waiting.setdefault(job.id, waiting) is not waiting:
            self.flush()
            self._rows.put([job], settle)
            return
        if len(self._waiting) >= AT_ONCE:
            self.flush()
        elif self._timer is None:
            self._set_timer(CLOSELY)
        if not self._is_registered:
            self._is_registered = True
            _flush_at_exit(WeakMethod(self.flush))

    def _set_timer(self, seconds: float) -> None:
        timer = Timer(seconds, self._flush_in_time)
        timer.daemon = True
        self._timer = timer
        timer.start()  # by its own name: a signal handler may have written what waits, and forgotten the timer

    def _flush_in_time(self) -> None:
        try:
            self.flush()
        except Exception:
            self._rows.logger.exception(
                "Error writing %d jobs; it is tried again", len(self._waiting), extra={"action": "add_failed"}
            )
            self._set_timer(RETRY)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._timer = None
            if not self._waiting:
                return
            waiting = self._waiting.copy()
            try:
                self._rows.put(
                    [job for job, _, _ in waiting.values()],
                    lambda job, before: _settle_again(waiting[job.id][1], job, before),
                    {job_id: definition for job_id, (_, _, definition) in waiting.items()},
                )
            except ConflictingIdError:
                for job, settle, _ in waiting.values():
                    self._put_one(job, settle)
            # No others: a signal handler may have added some meanwhile, or have written these.
            for job_id, written in waiting.items():
                if self._waiting.get(job_id) is written:
                    del self._waiting[job_id]

    def _put_one(self, job: Job, settle: Settle) -> None:
        try:
            self._rows.put([job], settle)
        except ConflictingIdError as exc:
            if self._rows.holds(job):
                return  # written by a signal handler in the middle of this
            self._rows.logger.error(  # noqa: TRY400 - there is nothing in the traceback
                "Job %s was not added: another process was faster (%s)", job.id, exc, extra={"action": "add_failed"}
            )

    def after_fork(self) -> None:
        """Leave what waits to the parent, which will write it."""
        self._lock = make_lock()
        self._waiting = {}
        self._timer = None


def _settle_again(settle: Settle, job: Job, before: Job | None) -> bool:
    """Settle a job as it was when it was added, unless there is one of its id now."""
    return settle(job, before) if before is not None else True


def _flush_at_exit(flush: WeakMethod[Any]) -> None:
    def call() -> None:
        method = flush()
        if method is not None:
            method()

    atexit.register(call)
