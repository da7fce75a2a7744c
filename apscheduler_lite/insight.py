"""
One read model of a scheduler, for command lines, dashboards, metrics and tests alike.

`Insight` asks a scheduler for its jobs and runs; what becomes of them are pure functions on what it got. All that it
returns are values with an ``as_dict()`` that JSON can hold. It changes nothing and knows no framework.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from ._options import as_positive_integer
from ._timezones import from_instant, to_datetime, to_instant
from .runs import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from .health import Health
    from .job import Job
    from .records import RunRecord
    from .schedulers.base import BaseScheduler

__all__ = ["Fire", "Insight", "JobView", "Notice", "Statistics", "attention_of", "fires_between", "statistics_of"]

FAILURES = (Outcome.ERROR, Outcome.TIMED_OUT, Outcome.INTERRUPTED)
OVERDUE = timedelta(minutes=1)
"""How late a job may be before that needs attention."""
SKIPS = 3
"""How many runs in a row may be skipped before that needs attention."""
_SECOND = 1_000_000


class _Value:
    """What all values here have in common."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Return its facts as JSON can hold them, the times as text in ISO format."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.as_dict() if hasattr(value, "as_dict") else value


@dataclass(frozen=True, slots=True)
class JobView(_Value):
    """
    A job, as people look at it.

    Attributes:
        id: its id.
        name: what it is called.
        jobstore: alias of its store; None while it is pending.
        executor: alias of its executor.
        function: the reference of its function, or None.
        trigger: the trigger as text.
        schedule: what the trigger does, in words.
        state: ``"pending"``, ``"paused"``, ``"running"`` or ``"scheduled"``.
        next_run_time: when it runs next, or None.
        running: how many of its runs are in progress.
        waiting: how many runs wait beside its schedule, such as further attempts.
        last_run: the record of the run that ended last, among those that were looked at; or None.
    """

    id: str
    name: str
    jobstore: str | None
    executor: str
    function: str | None
    trigger: str
    schedule: str
    state: str
    next_run_time: datetime | None
    running: int
    waiting: int
    last_run: RunRecord | None


@dataclass(frozen=True, slots=True)
class Fire(_Value):
    """
    A run that is to come.

    Attributes:
        time: when.
        job_id: of which job.
        job_name: what that is called.
        jobstore: alias of its store.
        attempt: 1 for a fire time of the schedule; more for a further attempt that waits.
    """

    time: datetime
    job_id: str
    job_name: str | None
    jobstore: str | None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Statistics(_Value):
    """
    What became of a number of runs.

    Attributes:
        count: how many have ended.
        outcomes: how many ended in which way.
        retries: how many of them were further attempts.
        success: the share that was executed, of those that were begun; None when none was.
        mean_duration: seconds from call to end, on average; None when none was begun.
        longest_duration: of these the longest.
        mean_lateness: seconds from due to call, on average, further attempts left out.
        longest_lateness: of these the longest.
    """

    count: int
    outcomes: dict[str, int]
    retries: int
    success: float | None
    mean_duration: float | None
    longest_duration: float | None
    mean_lateness: float | None
    longest_lateness: float | None


@dataclass(frozen=True, slots=True)
class Notice(_Value):
    """
    Something that needs attention.

    Attributes:
        kind: ``"health"``, ``"failing"``, ``"overdue"``, ``"skipping"`` or ``"executor"``.
        message: what, in a sentence.
        job_id: of which job, or None.
        since: from when on, or None.
    """

    kind: str
    message: str
    job_id: str | None = None
    since: datetime | None = None


class Insight:
    """
    What can be seen of a scheduler.

    Args:
        scheduler: the scheduler, which need not run where its stores can be used without.
        recent: how many records of runs are looked at, at the most, for last runs, statistics and attention.
    """

    def __init__(self, scheduler: BaseScheduler, recent: int = 10_000) -> None:
        self._scheduler = scheduler
        self._recent = as_positive_integer(recent, "recent", ValueError)

    def jobs(self, jobstore: str | None = None) -> list[JobView]:
        """Return the jobs of one store or of all, in the order in which they run next."""
        by_job = _by_job(self._scheduler.get_runs(limit=self._recent, jobstore=jobstore))
        jobs = self._scheduler.get_jobs(jobstore)
        views = [_view(job, by_job.get((job._jobstore_alias, job.id), [])) for job in jobs]
        return sorted(views, key=lambda view: (view.next_run_time is None, view.next_run_time or 0, view.id))

    def runs(
        self,
        job_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        jobstore: str | None = None,
    ) -> list[RunRecord]:
        """Return records of runs, as `BaseScheduler.get_runs` does."""
        return self._scheduler.get_runs(job_id, outcome, since, limit, jobstore)

    def upcoming(self, begin: datetime, end: datetime, limit: int = 1_000, jobstore: str | None = None) -> list[Fire]:
        """
        Return the runs that are to come between two times, both included, the earliest first; so many at the most.

        They are the fire times of jobs that are neither paused nor pending, and the attempts that wait.

        Raises:
            ValueError: the end is before the begin.
        """
        zone = self._scheduler.timezone
        first, last = (to_instant(to_datetime(moment, zone, name)) for moment, name in ((begin, "begin"), (end, "end")))
        if last < first:
            raise ValueError(f"end must not be before begin ({begin}), not {end}")
        fires = fires_between(self._scheduler.get_jobs(jobstore, pending=False), first, last)
        waiting = self._waiting(first, last, jobstore)
        found = merge(fires, waiting, key=lambda fire: fire.time)
        return list(islice(found, as_positive_integer(limit, "limit", ValueError)))

    def _waiting(self, first: int, last: int, jobstore: str | None) -> list[Fire]:
        found = [
            Fire(each.waits_until, each.job_id, each.job_name, each.jobstore, each.attempt)
            for each in self._scheduler.get_runs(limit=self._recent, jobstore=jobstore)
            if each.outcome is None and each.waits_until is not None and first <= to_instant(each.waits_until) <= last
        ]
        return sorted(found, key=lambda fire: fire.time)

    def statistics(self, since: datetime | None = None, job_id: str | None = None) -> Statistics:
        """Return what became of the runs of one job or of all, those that were due since a time or all on record."""
        return statistics_of(self._scheduler.get_runs(job_id, since=since, limit=self._recent))

    def statistics_by_job(self, since: datetime | None = None) -> dict[str, Statistics]:
        """Return the same for each job that has runs on record, by its id."""
        records = self._scheduler.get_runs(since=since, limit=self._recent)
        grouped: dict[str, list[RunRecord]] = {}
        for record in records:
            grouped.setdefault(record.job_id, []).append(record)
        return {job_id: statistics_of(found) for job_id, found in grouped.items()}

    def attention(self) -> list[Notice]:
        """Return what needs somebody's attention: what is wrong with the scheduler first, then with its jobs."""
        scheduler = self._scheduler
        jobs = scheduler.get_jobs(pending=False)
        records = scheduler.get_runs(limit=self._recent)
        executors = set(scheduler._executors) if scheduler.running else None
        return attention_of(jobs, records, scheduler.health(), scheduler.clock.now(), executors)

    def overview(self, ahead: timedelta = timedelta(days=1)) -> dict[str, Any]:
        """Return all of it as one dict that JSON can hold: for a dashboard's first page."""
        now = from_instant(self._scheduler.clock.now(), self._scheduler.timezone)
        return {
            "time": now.isoformat(),
            "health": self._scheduler.health().as_dict(),
            "attention": [notice.as_dict() for notice in self.attention()],
            "jobs": [view.as_dict() for view in self.jobs()],
            "upcoming": [fire.as_dict() for fire in self.upcoming(now, now + ahead, limit=100)],
            "statistics": self.statistics().as_dict(),
        }


# -- pure ----------------------------------------------------------------------------------------------------------


def fires_between(jobs: Iterable[Job], first: int, last: int) -> Iterator[Fire]:
    """Yield the fire times of the jobs between two instants, the earliest first; nothing is computed ahead."""
    return merge(*(_fires_of(job, first, last) for job in jobs), key=lambda fire: fire.time)


def _fires_of(job: Job, first: int, last: int) -> Iterator[Fire]:
    instant = job._next
    if instant is not None and instant < first:  # what is overdue is of the present
        instant = job.trigger.next_instant(first - 1, first)
    while instant is not None and instant <= last:
        yield Fire(from_instant(instant, job.zone), job.id, job.name, job._jobstore_alias)
        fire_time = job._fire_time if instant == job._next and job._fire_time is not None else instant
        instant = job.trigger.next_instant(fire_time, max(first, fire_time))


def statistics_of(records: Iterable[RunRecord]) -> Statistics:
    """Return what became of the runs that have ended."""
    ended = [record for record in records if record.outcome is not None]
    durations = [record.duration for record in ended if record.duration is not None]
    begun = [record for record in ended if record.started is not None]
    lateness = [(record.started - record.due) / _SECOND for record in begun if record.started and record.attempt == 1]
    executed = sum(record.outcome == Outcome.EXECUTED for record in ended)
    return Statistics(
        count=len(ended),
        outcomes=dict(Counter(record.outcome for record in ended if record.outcome is not None)),
        retries=sum(record.attempt > 1 for record in ended),
        success=executed / len(begun) if begun else None,
        mean_duration=sum(durations) / len(durations) if durations else None,
        longest_duration=max(durations, default=None),
        mean_lateness=sum(lateness) / len(lateness) if lateness else None,
        longest_lateness=max(lateness, default=None),
    )


def attention_of(
    jobs: Sequence[Job], records: Sequence[RunRecord], health: Health, now: int, executors: set[str] | None = None
) -> list[Notice]:
    """
    Return what needs attention.

    Args:
        jobs: the stored jobs.
        records: records of runs, the latest first.
        health: how the scheduler is.
        now: the present instant.
        executors: the aliases of the executors that there are; None when that is not known.
    """
    notices = [Notice("health", problem) for problem in health.problems]
    by_job = _by_job(records)
    by_id = {(job._jobstore_alias, job.id): job for job in jobs}
    for key, found in by_job.items():
        notices += _notices_of_runs(key[1], found)
    for job in by_id.values():
        if executors is not None and job.executor not in executors:
            message = f"there is no executor {job.executor!r} here for job {job.id!r}"
            notices.append(Notice("executor", message, job.id))
        elif job._next is not None and (late := now - job._next) > OVERDUE.total_seconds() * _SECOND:
            message = f"job {job.id!r} is overdue by {late // _SECOND} s"
            notices.append(Notice("overdue", message, job.id, job.next_run_time))
    return notices


def _notices_of_runs(job_id: str, records: Sequence[RunRecord]) -> Iterator[Notice]:
    """Yield what the runs of one job, the latest first, ask attention for."""
    ended = [record for record in records if record.outcome is not None]
    failed = _first_of(ended, FAILURES)
    if failed:
        waits = any(record.state == "waiting" for record in records)
        last = failed[0]
        message = (
            f"the last {len(failed)} runs of job {job_id!r} failed"
            if len(failed) > 1
            else (f"the last run of job {job_id!r} failed")
        )
        message += f": {last.reason or last.outcome}" + ("; another attempt waits" if waits else "")
        yield Notice("failing", message, job_id, failed[-1].scheduled_run_time)
    skipped = _first_of(ended, (Outcome.SKIPPED, Outcome.MISSED))
    if len(skipped) >= SKIPS:
        message = f"the last {len(skipped)} runs of job {job_id!r} were not made: {skipped[0].reason}"
        yield Notice("skipping", message, job_id, skipped[-1].scheduled_run_time)


def _first_of(records: Sequence[RunRecord], outcomes: tuple[str, ...]) -> list[RunRecord]:
    """Return the records before the first one that has none of these outcomes."""
    found = []
    for record in records:
        if record.outcome not in outcomes:
            break
        found.append(record)
    return found


def _by_job(records: Iterable[RunRecord]) -> dict[tuple[str | None, str], list[RunRecord]]:
    grouped: dict[tuple[str | None, str], list[RunRecord]] = {}
    for record in records:
        grouped.setdefault((record.jobstore, record.job_id), []).append(record)
    return grouped


def _view(job: Job, records: Sequence[RunRecord]) -> JobView:
    running = sum(record.state == "running" for record in records)
    ended = (record for record in records if record.finished is not None)
    state = "pending" if job.pending else "paused" if job.paused else "running" if running else "scheduled"
    return JobView(
        id=job.id,
        name=job.name,
        jobstore=job._jobstore_alias,
        executor=job.executor,
        function=job.func_ref,
        trigger=str(job.trigger),
        schedule=job.trigger.describe(),
        state=state,
        next_run_time=job.next_run_time,
        running=running,
        waiting=sum(record.state == "waiting" for record in records),
        last_run=max(ended, key=lambda record: record.finished or 0, default=None),
    )
