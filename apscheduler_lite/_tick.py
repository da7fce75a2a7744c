"""
One pass of the scheduler, and all the I/O of it.

    for each store:  claim_due(now, capacity)  →  runs          the policy is _planning's, the transaction the store's
    for each run:    SUBMITTED event, executor.submit_run
    then:            the seconds until the next pass

Everything called here is a stranger's (stores, executors, listeners) and may raise: each call has its own guard, says
what happened by a log line and an event, and is tried again later; the rest of the pass goes on. No lock is held
anywhere in this file. Only one thread ticks at a time.
"""

from __future__ import annotations

from ._interrupts import ends_program
from ._planning import backoff
from ._stopping import Stopping
from ._text import duration_text
from ._timezones import from_instant
from .events import (
    EVENT_JOB_FAULT,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    EVENT_JOBSTORE_FAULT,
    FaultEvent,
    JobEvent,
    JobExecutionEvent,
    JobSubmissionEvent,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo
    from typing import Protocol

    from ._clock import Clock
    from ._listeners import Listeners
    from ._planning import Slot
    from .events import SchedulerEvent
    from .executors.base import BaseExecutor
    from .job import Job
    from .jobstores.base import BaseJobStore, Claim, JobFault
    from .runs import Run, Wrap

    class TickHost(Protocol):
        """What a tick asks of its scheduler."""

        clock: Clock
        timezone: tzinfo
        _logger: logging.Logger
        _listeners: Listeners
        _wrap: Wrap | None

        def _tell(self, event: SchedulerEvent) -> None: ...
        def _run_begins(self, run: Run) -> None: ...
        def _run_is_off(self, run: Run) -> None: ...
        def _may_claim(self) -> bool: ...
        def _tell_of_dropped(self, run: Run) -> None: ...


__all__ = ["Ticker"]

_DEBUG = 10  # logging.DEBUG


class Ticker:
    """The passes of one scheduler, and what it remembers of the stores that failed."""

    def __init__(self, host: TickHost, retry_interval: float) -> None:
        self._host = host
        self._retry_interval = retry_interval
        self._failures: dict[str, int] = {}
        self._raised: dict[str, BaseException] = {}  # by store, what it raised the last time
        self.free: dict[str, int | None] = {}  # how many more runs each executor could start at the last look
        # By the monotonic clock: a wall clock that is set back must not lengthen it.
        self._retry_at: dict[str, float] = {}
        self._short: set[str] = set()  # stores that may have left something due for want of a free worker
        self._handed: Run | None = None  # the last run that was given to its executor
        self._next_due: int | None = None  # the earliest of what the stores know, in this pass
        self._announced: int | None = -1  # the wake-up that the log has been told of; -1: none
        self._silent: set[str] = set()  # executors that do not tell their capacity
        self._stopping = Stopping(host)

    def tick(self, stores: Sequence[tuple[str, BaseJobStore]], executors: Mapping[str, BaseExecutor]) -> float | None:
        """Claim and hand over what is due; return the seconds until the next pass, None for no limit."""
        waits: list[float] = []
        is_told = self._host._logger.isEnabledFor(_DEBUG)
        if is_told:
            self._tell_of_looking()
        self._next_due = None
        for alias, store in stores:
            if not self._host._may_claim():
                break
            seconds = self._tick_store(alias, store, executors)
            if seconds is not None:
                waits.append(seconds)
        if is_told:
            self._tell_of_wakeup()
        return min(waits, default=None)

    def _tell_of_looking(self) -> None:
        # Between two jobs the scheduler looks at the clock every other second; that is not worth a line.
        if self._announced is not None and self._host.clock.now() >= self._announced:
            self._host._logger.debug("Looking for due jobs")
            self._announced = -1

    def _tell_of_wakeup(self) -> None:
        if self._next_due == self._announced:
            return
        self._announced = self._next_due
        if self._next_due is None:
            self._host._logger.debug("No job is waiting to run; the next wake-up is when one is added or changed")
            return
        self._host._logger.debug(
            "The next wake-up is due at %s (in %s)",
            from_instant(self._next_due, self._host.timezone),
            duration_text(max(0.0, (self._next_due - self._host.clock.now()) / 1e6)),
        )

    def _tick_store(self, alias: str, store: BaseJobStore, executors: Mapping[str, BaseExecutor]) -> float | None:
        now = self._host.clock.now()
        retry_at = self._retry_at.get(alias)
        if retry_at is not None:
            seconds = retry_at - self._host.clock.monotonic()
            if seconds > 0:
                return seconds
        # Until the claim says otherwise: a worker may become free right after it was counted.
        self._short.add(alias)
        try:
            self.free = {name: self._capacity(name, each) for name, each in executors.items()}
            claim = store.claim_due(now, self.free)
        except BaseException as exc:
            if ends_program(exc):
                raise
            return self._store_failed(alias, exc)
        if retry_at is not None:
            self._retry_at.pop(alias, None)
            if claim.failure is None:
                self._failures.pop(alias, None)
                self._raised.pop(alias, None)
        self._note(alias, claim)
        for run in claim.superseded:
            self._stopping.cancel(run, executors)
        again_in = self._submit_all(claim, store, executors)
        if claim.is_short and any(self._has_room_after(run, executors) for run in claim.runs):
            again_in = 0.0
        self._report(alias, claim)
        if claim.failure is not None:
            return self._store_failed(alias, claim.failure)
        waits = [each for each in (self._seconds_until(store, claim.next_due), again_in) if each is not None]
        return min(waits, default=None)

    def failure(self, alias: str) -> tuple[int, BaseException | None]:
        """Return how often in a row a store has failed, and what it raised; 0 and None when it can be used."""
        return self._failures.get(alias, 0), self._raised.get(alias)

    def _note(self, alias: str, claim: Claim) -> None:
        if claim.next_due is not None and (self._next_due is None or claim.next_due < self._next_due):
            self._next_due = claim.next_due
        if not claim.is_short:
            self._short.discard(alias)

    def is_worker_awaited(self, alias: str) -> bool:
        """Return whether another store than this one may have something due that waits for a free worker."""
        short = self._short
        return bool(short) and (len(short) > 1 or alias not in short)

    @staticmethod
    def _has_room_after(run: Run, executors: Mapping[str, BaseExecutor]) -> bool:
        executor = executors.get(run.executor)
        return executor is not None and executor.runs_some_beside

    def _capacity(self, alias: str, executor: BaseExecutor) -> int | None:
        try:
            capacity = executor.capacity()
        except BaseException as exc:
            if ends_program(exc):
                raise
            if alias not in self._silent:  # said once, for it is asked in every pass
                self._silent.add(alias)
                self._host._logger.exception('Error asking executor "%s" for its free workers', alias)
            return None
        self._silent.discard(alias)
        return capacity

    def _seconds_until(self, store: BaseJobStore, next_due: int | None) -> float | None:
        if next_due is None:
            return store.poll_interval
        seconds = max(0.0, (next_due - self._host.clock.now()) / 1e6)
        return seconds if store.poll_interval is None else min(seconds, store.poll_interval)

    def _submit_all(self, claim: Claim, store: BaseJobStore, executors: Mapping[str, BaseExecutor]) -> float | None:
        """
        Hand the runs to their executors; give back those that are refused, and return when to look for them again.

        Once a run of a job has been refused, the later ones of that job are not tried: they come after it.
        """
        refused: dict[str, tuple[list[Run], BaseException]] = {}
        position = 0
        try:
            for position, run in enumerate(claim.runs):  # noqa: B007 - where it stood when it was interrupted
                run.store = store
                if refused and run.job_id in refused:
                    refused[run.job_id][0].append(run)
                    continue
                try:
                    self._submit(run, executors)
                except BaseException as exc:
                    if ends_program(exc):
                        raise
                    refused[run.job_id] = ([run], exc)
        except BaseException:  # Ctrl-C: what has not been handed over is due again when the scheduler is started again
            left = [run for runs, _ in refused.values() for run in runs]
            left += [run for run in claim.runs[position:] if run is not self._handed and run not in left]
            for run in reversed(left):
                self._release(run, store)
            raise
        finally:
            self._handed = None
        if not refused:
            return None
        claim.finished = [job for job in claim.finished if job.id not in refused]
        return min(self._give_back(runs, store, exc) for runs, exc in refused.values())

    def _submit(self, run: Run, executors: Mapping[str, BaseExecutor]) -> None:
        host = self._host
        if host._wrap is not None:
            run.wrap = host._wrap
        if host._listeners.mask & EVENT_JOB_SUBMITTED:
            host._tell(
                JobSubmissionEvent(
                    EVENT_JOB_SUBMITTED, run.job_id, run.jobstore, [run.scheduled_run_time], job=run.snapshot(), run=run
                )
            )
        executor = executors[run.executor]
        if run.timeout is not None:
            self._stopping.check_limit(run, executor)
        host._run_begins(run)
        self._handed = run
        try:
            executor.submit_run(run)
        except BaseException:
            host._run_is_off(run)
            raise

    def _give_back(self, runs: list[Run], store: BaseJobStore, exc: BaseException) -> float:
        """Let the store make runs of a job due again that its executor did not take; return the seconds until then."""
        seconds: float | None = None
        for run in reversed(runs):
            seconds = self._release(run, store)
        run = runs[0]
        self._host._logger.error(
            'Error submitting job "%s" to executor "%s"; it stays due and is tried again',
            run.job,
            run.executor,
            exc_info=exc,
            extra={"action": "submit_failed", "job_id": run.job_id},
        )
        self._host._tell(
            FaultEvent(
                EVENT_JOB_FAULT,
                exc,
                alias=run.executor,
                job_id=run.job_id,
                jobstore=run.jobstore,
                job=run.job,
                retry_in=seconds,
                run=run,
            )
        )
        return self._retry_interval if seconds is None else seconds

    def _release(self, run: Run, store: BaseJobStore) -> float | None:
        try:
            return store.release(run, self._host.clock.now())
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._store_failed(run.jobstore, exc)
            return None

    def _store_failed(self, alias: str, exc: BaseException) -> float:
        self._failures[alias] = failures = self._failures.get(alias, 0) + 1
        self._raised[alias] = exc
        seconds = backoff(failures, self._retry_interval)
        self._retry_at[alias] = self._host.clock.monotonic() + seconds
        self._host._logger.error(
            'Error getting due jobs from job store "%s"; it is tried again in %g s',
            alias,
            seconds,
            exc_info=exc,
            extra={"action": "store_failed"},
        )
        self._host._tell(FaultEvent(EVENT_JOBSTORE_FAULT, exc, alias=alias, jobstore=alias, retry_in=seconds))
        return seconds

    # -- telling what the claim found --------------------------------------------------------------------------

    def _report(self, alias: str, claim: Claim) -> None:
        if claim.faults:
            for fault in claim.faults:
                self._report_fault(alias, fault)
        for run in claim.interrupted:
            self._report_interrupted(run)
        for run in claim.dropped:
            self._host._tell_of_dropped(run)
        for job, slot in claim.skipped:
            self._report_skipped(alias, job, slot)
        for job, slot in claim.missed:
            self._report_missed(alias, job, slot)
        if claim.finished and self._host._listeners.mask & EVENT_JOB_REMOVED:
            for job in claim.finished:
                self._host._tell(JobEvent(EVENT_JOB_REMOVED, job.id, alias, job=job))

    def _report_fault(self, alias: str, fault: JobFault) -> None:
        self._host._logger.error(
            'Job "%s" of job store "%s" could not be scheduled; it is kept and tried again in %g s',
            fault.job or fault.job_id,
            alias,
            fault.retry_in,
            exc_info=fault.exception,
            extra={"action": "job_fault", "job_id": fault.job_id},
        )
        self._host._tell(
            FaultEvent(
                EVENT_JOB_FAULT,
                fault.exception,
                job_id=fault.job_id,
                jobstore=alias,
                job=fault.job,
                retry_in=fault.retry_in,
            )
        )

    def _report_interrupted(self, run: Run) -> None:
        self._host._logger.warning(
            'Run of job "%s" at %s was cut: %s',
            run.job or run.job_id,
            run.scheduled_run_time,
            run.reason,
            extra={"action": "run_interrupted", "job_id": run.job_id},
        )
        self._host._tell(
            JobExecutionEvent(
                EVENT_JOB_INTERRUPTED, run.job_id, run.jobstore, run.scheduled_run_time, job=run.job, run=run
            )
        )

    @staticmethod
    def _moments(job: Job, slot: Slot, moment: datetime) -> str:
        """Return for the log when a fire time was, or when all those were that it stands for."""
        if slot.since is None:
            return str(moment)
        return f"{moment} (and at all fire times since {from_instant(slot.since, job.zone)}, of which no more is told)"

    def _report_skipped(self, alias: str, job: Job, slot: Slot) -> None:
        moment = from_instant(slot.due, job.zone)
        reason = slot.run.reason if slot.run is not None else f"skipped (max_instances={job.max_instances})"
        self._host._logger.warning(
            'Execution of job "%s" at %s %s',
            job,
            self._moments(job, slot, moment),
            reason,
            extra={"action": "run_skipped", "job_id": job.id},
        )
        self._host._tell(JobSubmissionEvent(EVENT_JOB_MAX_INSTANCES, job.id, alias, [moment], job=job, run=slot.run))

    def _report_missed(self, alias: str, job: Job, slot: Slot) -> None:
        moment = from_instant(slot.due, job.zone)
        reason = slot.run.reason if slot.run is not None else f"missed (misfire_grace_time={job.misfire_grace_time})"
        self._host._logger.warning(
            'Run time %s of job "%s" was %s',
            self._moments(job, slot, moment),
            job,
            reason,
            extra={"action": "run_missed", "job_id": job.id},
        )
        self._host._tell(JobExecutionEvent(EVENT_JOB_MISSED, job.id, alias, moment, job=job, run=slot.run))
