"""
Runs outside the schedule that wait to be claimed: later attempts, and runs that somebody asked for.

Kept in memory, for stores that cannot keep them themselves. Such a run begins at its own time, or later when its job
runs as often as it may, or when no worker is free; it never touches its job's next run time.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from itertools import count

from apscheduler_lite._reasons import REMOVED
from apscheduler_lite.runs import Outcome, Run

from ._claim import JobFault, UnknownExecutorError
from ._history import record_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from apscheduler_lite.job import Job
    from apscheduler_lite.records import RunRecord

    from ._bookkeeping import Bookkeeping
    from ._claim import Claim

__all__ = ["OpenRun", "OpenRuns", "claim_open"]

_numbers = count()


class OpenRun:
    """
    A run that waits.

    Attributes:
        run: the run as it stands: its job is the present one, or for a finished job the one that it had.
        at: the instant from which on it may begin.
    """

    __slots__ = ("at", "run")

    def __init__(self, run: Run, at: int) -> None:
        self.run = run
        self.at = at

    def taken(self, job: Job, zone: Any) -> Run:
        """Return the run to be started, of the job as it is by now."""
        before = self.run
        run = Run.of(job, before.jobstore, before.fire_time, before.due, zone)
        run._id, run.attempt, run.is_last, run.is_extra = before.id, before.attempt, before.is_last, True
        if run.attempt > 1:
            run.ready = self.at
        else:  # it was asked for, and is made however late
            run.grace = None
        return run


class OpenRuns:
    """
    The runs of one store that wait. Not locked: its owner's lock is held.

    Attributes:
        count: how many there are; asked for with every run and every change of a job, so it must cost nothing.
    """

    __slots__ = ("_blocked", "_heap", "_short", "count")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, OpenRun]] = []
        self._blocked: dict[str, list[OpenRun]] = {}  # by job: those that wait for one of its runs to end, or for it
        self._short: list[OpenRun] = []  # those that no worker was free for
        self.count = 0

    def add(self, run: Run, at: int) -> None:
        """Let a run wait until that instant."""
        heappush(self._heap, (at, next(_numbers), OpenRun(run, at)))
        self.count += 1

    def take(self, now: int) -> list[OpenRun]:
        """Return those whose time has come, but those that are blocked, earliest first; they do not wait any more."""
        due, self._short = self._short, []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap)[2])
        self.count -= len(due)
        return due

    def block(self, each: OpenRun) -> None:
        """Let one wait for its job to be free."""
        self._blocked.setdefault(each.run.job_id, []).append(each)
        self.count += 1

    def free(self, job_id: str) -> bool:
        """Let those go on that wait for that job; return whether there are any."""
        blocked = self._blocked.pop(job_id, ())
        self._short.extend(blocked)
        return bool(blocked)

    def lay_by(self, each: OpenRun) -> None:
        """Let one wait for a free worker: for the next claim, whenever that is."""
        self._short.append(each)
        self.count += 1

    def next_at(self) -> int | None:
        """Return when the first one's time comes."""
        return self._heap[0][0] if self._heap else None

    def drop(self, job_id: str | None) -> list[Run]:
        """Return the runs of a job, or of all; they do not wait any more."""
        dropped = [each.run for each in self._all() if job_id in (None, each.run.job_id)]
        if dropped:
            self.count -= len(dropped)
            self._heap = [entry for entry in self._heap if job_id not in (None, entry[2].run.job_id)]
            heapify(self._heap)
            self._short = [each for each in self._short if job_id not in (None, each.run.job_id)]
            if job_id is None:
                self._blocked.clear()
            else:
                self._blocked.pop(job_id, None)
        return dropped

    def find(self, job_id: str | None) -> Iterator[RunRecord]:
        """Yield their records."""
        for each in self._all():
            if job_id in (None, each.run.job_id):
                yield record_of(each.run, each.at)

    def _all(self) -> list[OpenRun]:
        blocked = [each for runs in self._blocked.values() for each in runs]
        return [entry[2] for entry in self._heap] + blocked + self._short


def claim_open(
    books: Bookkeeping, find: Callable[[str], Job | None], now: int, left: dict[str, int | None], claim: Claim
) -> None:
    """
    Claim the runs outside the schedule whose time has come.

    Args:
        books: what the process knows of the store's jobs.
        find: what finds a job of the store.
        now: the present instant.
        left: how many more runs each executor can start, which is counted down.
        claim: what they are added to.
    """
    with books.lock:
        waiting = deque(books.open.take(now))
    try:
        while waiting:
            each = waiting[0]
            job = find(each.run.job_id) or (each.run.job if each.run.is_last else None)
            zone = None if job is None else job.zone  # a stranger's code: asked without the lock
            with books.lock:
                waiting.popleft()
                _claim_one(books, each, job, zone, now, left, claim)
    finally:
        with books.lock:
            for each in waiting:  # the store failed: they are tried again
                books.open.lay_by(each)


def _claim_one(
    books: Bookkeeping,
    each: OpenRun,
    job: Job | None,
    zone: Any,
    now: int,
    left: dict[str, int | None],
    claim: Claim,
) -> None:
    if job is None:
        claim.dropped.append(books.keep(each.run, Outcome.SKIPPED, REMOVED, now))
        return
    executor = job.executor
    free = left.get(executor)
    if executor not in left:
        fault = UnknownExecutorError(executor, list(left))
        seconds = books.defer(job.id, now)
        claim.faults.append(JobFault(job, job.id, fault, seconds))
        books.open.add(each.run, now + round(seconds * 1_000_000))
    elif (job.paused and each.run.attempt > 1) or books.running(job.id) >= job.max_instances:
        books.open.block(each)
    elif free is not None and free <= 0:
        books.open.lay_by(each)
        claim.is_short = True
    else:
        run = each.taken(job, zone)
        books.instances.setdefault(job.id, []).append(run)
        claim.runs.append(run)
        if free is not None:
            left[executor] = free - 1
