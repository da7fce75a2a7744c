"""What people do with runs: look at them, and ask for one now."""

from __future__ import annotations

from apscheduler_lite._options import as_choice, as_name, as_positive_integer
from apscheduler_lite._timezones import to_datetime, to_instant
from apscheduler_lite.errors import JobLookupError
from apscheduler_lite.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler_lite.runs import OUTCOMES, Run

from ._engine import STATE_RUNNING
from ._intake import Intake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from apscheduler_lite.jobstores.base import BaseJobStore
    from apscheduler_lite.records import RunRecord

__all__ = ["Runs"]

MOST = 2**31 - 1
"""How many records are asked for at the most: no database takes any number."""


class Runs(Intake):
    """A scheduler whose runs can be asked for."""

    def run_job(self, job_id: str, jobstore: str | None = None) -> str:
        """
        Run a job once, at once, beside its schedule; a paused one too.

        The schedule stays as it is. While as many runs of the job are in progress as may be, or no worker is free, or
        the scheduler is paused or not running yet, the run waits, for longer than the job's grace time if need be. On a
        store that several processes share, any of them makes it.

        Args:
            job_id: the job's id.
            jobstore: alias of its store; None: wherever it is.

        Returns:
            the id of the run, by which `get_runs` and events know it.

        Raises:
            JobLookupError: there is no such job.
        """
        self._check_address(job_id, jobstore)
        run_id = Run.new_id()
        self._catalog.open_run(job_id, jobstore, self.clock.now(), run_id)
        if self._state == STATE_RUNNING:
            self.wakeup()
        return run_id

    def get_runs(
        self,
        job_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        jobstore: str | None = None,
    ) -> list[RunRecord]:
        """
        Return records of runs, the latest due first: of those that wait, are in progress, or have ended.

        A store in memory keeps the latest ones of each job (``keep_runs``), one in a database those of the last days.
        Both tell of them after `shutdown` too.

        Args:
            job_id: only runs of this job, which may have been removed since.
            outcome: only runs that ended so, one of the strings of `Outcome`.
            since: only runs that were due at this time or later.
            limit: how many at the most.
            jobstore: alias of the store; None: all.

        Raises:
            ValueError: there is no such outcome, or the limit is below 1.
            TypeError, ValueError, KeyError: another argument is wrong.
        """
        if job_id is not None:
            as_name(job_id, "job_id")
        if outcome is not None:
            outcome = as_choice(outcome, "outcome", OUTCOMES)
        self._check_alias(jobstore)
        limit = min(as_positive_integer(limit, "limit", ValueError), MOST)
        first = None if since is None else to_instant(to_datetime(since, self.timezone, "since"))
        found: list[RunRecord] = []
        for alias, store in self._remembering():
            if jobstore in (None, alias):
                found.extend(store.get_runs(job_id, outcome, first, limit))
        found.sort(key=lambda run: (run.due, run.attempt), reverse=True)
        return found[:limit]

    def _remembering(self) -> Iterable[tuple[str, BaseJobStore]]:
        """Return the stores that can be asked for runs: the usable ones, and those that answer while closed."""
        usable = self._catalog.usable
        if len(usable) == len(self._catalog.stores):
            return usable
        closed = {alias: store for alias, store in list(self._catalog.stores.items()) if store.answers_while_closed}
        return {**closed, **dict(usable)}.items()

    def _last_run(self, job_id: str, alias: str | None) -> RunRecord | None:
        for name, store in self._remembering():
            if alias == name:
                return store.last_run(job_id)
        return None

    def _drop_runs(self, job_id: str | None, alias: str | None) -> bool:
        """Drop the runs that wait of a job that was removed, or of all, and tell of them; return whether there are."""
        dropped: list[Run] = []
        for name, store in self._catalog.usable:
            if alias in (None, name):
                dropped += store.drop_runs(job_id, self.clock.now())
        for run in dropped:
            self._tell_of_dropped(run)
        return bool(dropped)

    def _tell_of_dropped(self, run: Run) -> None:
        """Tell of a run outside the schedule that is not made."""
        self._logger.warning(
            'Attempt %d of job "%s" is not made: %s',
            run.attempt,
            run.job or run.job_id,
            run.reason,
            extra={"action": "run_dropped", "job_id": run.job_id},
        )
        moment = run.scheduled_run_time
        self._tell(JobExecutionEvent(EVENT_JOB_MISSED, run.job_id, run.jobstore, moment, job=run.job, run=run))

    def _check_alias(self, alias: str | None) -> None:
        if alias is not None and as_name(alias, "jobstore") not in self._catalog.pending and self.running:
            self._catalog.store(alias)

    def _check_address(self, job_id: str, alias: str | None) -> None:
        """Check where a job is said to be; there is none in a store that is not there."""
        as_name(job_id, "job_id")
        if alias is None:
            return
        try:
            self._check_alias(alias)
        except KeyError as exc:
            raise JobLookupError(job_id, exc.args[0]) from None
