"""The façade: everything that people do with jobs, on top of the engine."""

from __future__ import annotations

import sys

from apscheduler_lite._host_zone import reload_local_timezone
from apscheduler_lite._new_jobs import NewJob
from apscheduler_lite._options import MODIFIABLE, as_bool, as_name
from apscheduler_lite._slots import slots_in_zone, slots_of
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import JobLookupError, warn
from apscheduler_lite.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    SchedulerEvent,
)
from apscheduler_lite.triggers.base import BaseTrigger

from ._engine import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED
from ._health import Healthy
from ._triggers import check_place_of_jobstore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from pathlib import Path
    from typing import Any, TextIO

    from apscheduler_lite.job import Job

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "BaseScheduler"]

_INFO = 20  # logging.INFO


class BaseScheduler(Healthy):
    """
    Base class of all schedulers.

    A subclass decides how to sleep between two calls of `_process_jobs`, which returns the seconds: it overrides
    `start`, `shutdown` and `wakeup`, and calls the methods of this class from them.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords, which win over the dict.
    """

    def __getstate__(self) -> None:
        raise TypeError(
            "schedulers cannot be pickled; a job must not hold its scheduler in its arguments. Keep the scheduler in a"
            " module and have the"
            " job import it from there"
        )

    # -- changing ----------------------------------------------------------------------------------------------

    def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """
        Change some attributes of a job.

        Args:
            job_id: the job's id.
            jobstore: alias of its store; None: wherever it is.
            changes: new values by attribute: func, args, kwargs, name, trigger, next_run_time, options of `add_job`. A
                trigger may be given by its alias, its arguments beside it. With a new trigger, the next run time is
                computed from it, unless it is given too; a paused job stays paused. ``next_run_time=None`` pauses it.

        Returns:
            the changed job.

        Raises:
            JobLookupError: there is no such job.
            TypeError, ValueError, LookupError: a change is wrong; nothing has been changed then.
        """
        if "trigger" in changes:
            trigger_args = {name: changes.pop(name) for name in list(changes) if name not in (*MODIFIABLE, "id")}
            changes["trigger"] = self._create_trigger(changes["trigger"], trigger_args, "modify_job", MODIFIABLE)
        if "trigger" not in changes or "next_run_time" in changes:
            return self._change(job_id, jobstore, lambda job: job._decide(changes))[0]
        now = self.clock.now()
        return self._change(
            job_id, jobstore, lambda job: {**job._decide(changes), **self._rescheduled(job, changes["trigger"], now)}
        )[0]

    def reschedule_job(
        self, job_id: str, jobstore: str | None = None, trigger: BaseTrigger | str | None = None, **trigger_args: Any
    ) -> Job:
        """
        Give a job another trigger and compute its next run time from it; a paused job stays paused.

        The arguments are those of `add_job`.

        Raises:
            JobLookupError: there is no such job.
        """
        if trigger is None and jobstore is not None:
            check_place_of_jobstore(jobstore, {*self._catalog.stores, *self._catalog.pending})
        made = self._create_trigger(trigger, trigger_args, "reschedule_job", ("job_id", "jobstore", "trigger"))
        now = self.clock.now()
        return self._change(job_id, jobstore, lambda job: {"trigger": made, **self._rescheduled(job, made, now)})[0]

    def pause_job(self, job_id: str, jobstore: str | None = None) -> Job:
        """
        Stop a job from running until it is resumed.

        Raises:
            JobLookupError: there is no such job.
        """
        return self.modify_job(job_id, jobstore, next_run_time=None)

    def resume_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """
        Let a paused job run again, from its next fire time on.

        Returns:
            the job; None when its schedule is over meanwhile, and it has been removed.

        Raises:
            JobLookupError: there is no such job.
        """
        now = self.clock.now()

        def decide(job: Job) -> dict[str, Any]:
            if not job.paused:
                return {}
            return {"paused": False, **slots_of(self._first_slot(job, job.trigger, now))}

        job, is_over = self._change(job_id, jobstore, decide)
        if self._state == STATE_RUNNING:
            self.wakeup()  # further attempts may have waited for this
        return None if is_over else job

    def _change(self, job_id: str, jobstore: str | None, decide: Callable[[Job], dict[str, Any]]) -> tuple[Job, bool]:
        """Change a job by what `decide` makes of it; return it, and whether the change has ended its schedule."""
        self._check_address(job_id, jobstore)
        is_over = False

        def decide_and_note(job: Job) -> dict[str, Any]:
            # Noted here: the job may run for the last time, and be finished by that, before the change has returned.
            nonlocal is_over
            slots = decide(job)
            if "_options" in slots or "func" in slots:
                self._check_changed(job, slots)
            is_over = slots.get("_next", 0) is None and not job.pending and not slots.get("paused", job.paused)
            return slots

        job, alias = self._catalog.change(job_id, jobstore, decide_and_note)
        self._tell_of_job(EVENT_JOB_MODIFIED, job, alias)
        if is_over:
            warn(
                f"job {job.id!r} ({job.name}) will not run any more: {job.trigger} has no fire time from now on; it is"
                " removed"
            )
            if self._catalog.discard(job, alias):
                self._tell_of_job(EVENT_JOB_REMOVED, job, alias)
        elif job._next is not None and job._next < self._wake_at and self._state == STATE_RUNNING:
            self.wakeup()
        return job, is_over

    def reload_timezone(self) -> tzinfo:
        """
        Read the host's time zone again, and let everything follow that left its own open.

        Call it when the zone of the host has been changed while the program runs; nothing else tells the scheduler. It
        takes the new zone, and so do the triggers of its jobs, in all its stores, that were given none: a time of day
        stays that time of day, and the next run times are computed anew. A run that is due already stays due, a next
        run time that you gave stays where it is, and a trigger with a zone of its own is left alone. A scheduler that
        was given a ``timezone`` does not depend on the host's: nothing happens then.

        Returns:
            the scheduler's zone from now on.

        Raises:
            LookupError: the host's zone is unknown; nothing has been changed then.
            ExceptionGroup: some stores or jobs have failed; the others follow. It may be called again.
        """
        if not self._has_hosts_zone:
            return self.timezone
        self.timezone = zone = reload_local_timezone()
        failures: list[Exception] = []
        for alias in dict.fromkeys([*self._catalog.pending, *(alias for alias, _ in self._catalog.usable)]):
            try:
                jobs = self._catalog.jobs(alias)
            except Exception as exc:
                failures.append(exc)
                continue
            failures.extend(self._move_to_zone(jobs, alias, zone))
        self._logger.info("The host's time zone is %s", zone, extra={"action": "timezone_reloaded"})
        if failures:
            raise ExceptionGroup(f"some jobs have not followed the host's time zone to {zone}", failures)
        return zone

    def _move_to_zone(self, jobs: list[Job], alias: str, zone: tzinfo) -> list[Exception]:
        """Let the jobs of a store follow to the host's new zone; return what kept some of them from it."""
        failures: list[Exception] = []
        for job in jobs:
            try:
                if slots_in_zone(job, zone, self.clock.now()):
                    self._change(job.id, alias, lambda job: slots_in_zone(job, zone, self.clock.now()))
            except JobLookupError:
                continue  # it has gone meanwhile
            except Exception as exc:
                exc.add_note(f"about job {job.id!r} of store {alias!r}")
                failures.append(exc)
        return failures

    # -- looking -----------------------------------------------------------------------------------------------

    def get_jobs(self, jobstore: str | None = None, pending: bool | None = None) -> list[Job]:
        """
        Return the jobs of one store, or of all.

        Args:
            jobstore: alias of the store; None: all.
            pending: only the pending jobs (True) or only the stored ones (False).
        """
        self._check_alias(jobstore)
        return self._catalog.jobs(jobstore, None if pending is None else as_bool(pending, "pending"))

    def get_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """
        Return a job, or None when there is none with that id.

        Args:
            job_id: the job's id.
            jobstore: alias of its store; None: wherever it is.
        """
        as_name(job_id, "job_id")
        if jobstore is not None:
            self._check_alias(jobstore)
        found = self._catalog.lookup(job_id, jobstore)
        return None if found is None else found[0]

    def print_jobs(self, jobstore: str | None = None, out: TextIO | None = None) -> None:
        """
        Print the jobs, store by store.

        Args:
            jobstore: alias of the store; None: all.
            out: where to; standard output by default.
        """
        if out is not None and not callable(getattr(out, "write", None)):
            raise TypeError(f"out must be an open text file, not {shorten(out)}")
        self._check_alias(jobstore)
        lines: list[str] = []
        if not self.running:
            jobs = self._catalog.jobs(jobstore, pending=True)
            lines = ["Pending jobs:", *([f"    {job}" for job in jobs] or ["    No pending jobs"])]
        for alias in sorted(alias for alias, _ in self._catalog.usable):
            if jobstore in (None, alias):
                jobs = self._catalog.jobs(alias, pending=False)
                lines += [f"Jobstore {alias}:", *([f"    {job}" for job in jobs] or ["    No scheduled jobs"])]
        print(*lines, sep="\n", file=out or sys.stdout)

    # -- removing ----------------------------------------------------------------------------------------------

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """
        Remove a job, so that it does not run any more; runs in progress go on.

        Further attempts at runs that failed are not made, and told of by ``EVENT_JOB_MISSED``.

        Raises:
            JobLookupError: there is no such job.
        """
        self._check_address(job_id, jobstore)
        try:
            job, alias = self._catalog.remove(job_id, jobstore)
        except JobLookupError:
            # One whose schedule is over is not there any more, but further attempts at its last run may be.
            if not self._drop_runs(job_id, jobstore):
                raise
            return
        self._tell_of_job(EVENT_JOB_REMOVED, job, alias, job_id)
        self._drop_runs(job_id, alias)
        if self._logger.isEnabledFor(_INFO):
            self._logger.info("Removed job %s", job_id)

    def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """
        Remove all jobs of one store, or of all; before `start`, those that are stored already too.

        Args:
            jobstore: alias of the store; None: all.
        """
        self._check_alias(jobstore)
        for alias in self._catalog.remove_all(jobstore):
            self._drop_runs(None, alias)
        self._dispatch_event(SchedulerEvent(EVENT_ALL_JOBS_REMOVED, jobstore))

    # -- files -------------------------------------------------------------------------------------------------

    def export_jobs(self, outfile: Any, jobstore: str | None = None) -> None:
        """
        Write the jobs to a file as JSON, for `import_jobs`.

        Args:
            outfile: an open text file, or the path of one.
            jobstore: alias of the store; None: all.

        Raises:
            TransientJobError: a job's function has no importable name; nothing has been written then.
        """
        from apscheduler_lite.serializers import dump_jobs

        path = _path_of(outfile, "outfile", "write")
        text = dump_jobs(self.get_jobs(jobstore))
        if path is None:
            outfile.write(text)
        else:
            path.write_text(text, encoding="utf-8")

    def import_jobs(self, infile: Any, jobstore: str = "default") -> None:
        """
        Add the jobs that `export_jobs` of this library or of APScheduler 3 wrote, all or none.

        The file may hold pickles: import only what you trust. Next run times and pauses are kept; jobs with the same
            ids are replaced.

        Args:
            infile: an open text file, or the path of one.
            jobstore: alias of the store that they go to.

        Raises:
            ValueError: the file holds no exported jobs.
            TypeError: it is neither a file nor a path.
            LookupError: a job's function cannot be found.
        """
        from apscheduler_lite.serializers import load_jobs

        path = _path_of(infile, "infile", "read")
        text = infile.read() if path is None else path.read_text(encoding="utf-8")
        new = []
        for job in load_jobs(text):
            job._scheduler = self
            # One that was pending when it was exported has neither a time nor a pause: its trigger is asked.
            new.append(NewJob(job, replace=True, is_timed=job._next is not None or job.paused))
        if new:
            self._add(new, jobstore)


def _path_of(file: Any, parameter: str, method: str) -> Path | None:
    """Return the path that was given for a file, None for an open one."""
    if callable(getattr(file, method, None)):
        return None
    from pathlib import Path

    try:
        return Path(file)
    except TypeError:
        raise TypeError(f"{parameter} must be an open text file or the path of one, not {shorten(file)}") from None
