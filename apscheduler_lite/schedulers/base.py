"""The façade: everything that people do with jobs, on top of the engine."""

from __future__ import annotations

import sys

from .._catalog import NewJob, is_finished, slots_of
from .._options import JobOptions, as_bool, as_name, refuse_unknown, undefined, validated
from .._planning import first_slot
from .._plugins import plugin
from .._references import reference_to
from .._text import shorten, to_text
from .._timezones import UTC, from_instant
from ..errors import SchedulerWarning
from ..events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    JobEvent,
    SchedulerEvent,
)
from ..job import _MODIFIABLE, Job, as_trigger
from ..triggers.base import BaseTrigger
from ._engine import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED, Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TextIO

    from .._planning import Slot

__all__ = ["STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "BaseScheduler"]

_ADD_JOB_ARGUMENTS = (
    "func", "trigger", "args", "kwargs", "id", "name", "misfire_grace_time", "coalesce", "max_instances",
    "next_run_time", "jobstore", "executor", "replace_existing",
)  # fmt: skip


class BaseScheduler(Engine):
    """
    Base class of all schedulers.

    A subclass decides how to sleep between two calls of `_process_jobs`, which returns the seconds: it overrides `start`, `shutdown` and
    `wakeup`, and calls the methods of this class from them.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords, which win over the dict.
    """

    def __getstate__(self) -> None:
        raise TypeError(
            "schedulers cannot be pickled; a job must not hold its scheduler in its arguments. Keep the scheduler in a module and have the"
            " job import it from there"
        )

    # -- adding ------------------------------------------------------------------------------------------------

    def add_job(
        self,
        func: Callable[..., Any] | str,
        trigger: BaseTrigger | str | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: Any = undefined,
        coalesce: Any = undefined,
        max_instances: Any = undefined,
        next_run_time: Any = undefined,
        jobstore: str = "default",
        executor: str = "default",
        replace_existing: bool = False,
        **trigger_args: Any,
    ) -> Job:
        """
        Add a job, and wake the scheduler when it is running.

        Before `start` the job is pending; its store gets it when the scheduler starts.

        Args:
            func: what to call, or a reference to it: ``"module:function"``.
            trigger: when to call it: a trigger, or the alias of one with its arguments in `trigger_args`. None: once, at once.
            args: positional arguments.
            kwargs: keyword arguments.
            id: the job's id; a random one by default.
            name: a name for people; the function's by default.
            misfire_grace_time: seconds that a run may start late; None for any lateness.
            coalesce: whether several due runs become one.
            max_instances: how many of its runs may be in progress at the same time.
            next_run_time: when to run first, instead of what the trigger says; None adds the job paused.
            jobstore: alias of the store.
            executor: alias of the executor.
            replace_existing: take the place of a job with the same id. With an unchanged trigger its next run time and its pause are kept.
            trigger_args: arguments of the trigger.

        Returns:
            the job.

        Raises:
            ConflictingIdError: there is a job with that id.
            TransientJobError: the store is persistent and the function has no importable name.
            TypeError, ValueError, LookupError: an argument is wrong; the message says which and what would do.
        """
        options = (misfire_grace_time, coalesce, max_instances)
        new = self._new_job(
            func, trigger, args, kwargs, id, name, options, next_run_time, executor, replace_existing, trigger_args
        )
        self._add([new], jobstore)
        return new.job

    def add_jobs(
        self, jobs: Iterable[Mapping[str, Any]], jobstore: str = "default", replace_existing: bool = False
    ) -> list[Job]:
        """
        Add many jobs in one step, all or none.

        Args:
            jobs: the arguments of `add_job`, one dict for each job.
            jobstore: alias of the store for those that name none; they must all go to the same one.
            replace_existing: for those that do not say.

        Returns:
            the jobs, in the same order.

        Raises:
            the same as `add_job`, with the position of the wrong one; nothing has been added then.
        """
        new: list[NewJob] = []
        aliases: set[str] = set()
        for position, arguments in enumerate(jobs):
            if not hasattr(arguments, "keys"):
                raise TypeError(f"jobs[{position}] must be a dict of add_job arguments, not {shorten(arguments)}")
            given = {"replace_existing": replace_existing, **arguments}
            aliases.add(given.pop("jobstore", jobstore))
            try:
                new.append(self._new_job_from(given))
            except (TypeError, ValueError, LookupError) as exc:
                exc.add_note(f"in jobs[{position}] of add_jobs")
                raise
        if len(aliases) > 1:
            raise ValueError(f"the jobs of one add_jobs call must go to one store, not to {sorted(aliases)}")
        if new:
            self._add(new, aliases.pop())
        return [each.job for each in new]

    def _new_job_from(self, given: dict[str, Any]) -> NewJob:
        if "func" not in given:
            refuse_unknown(given, _ADD_JOB_ARGUMENTS, "argument of add_job")
            raise TypeError("a job needs a func")
        options = tuple(given.pop(name, undefined) for name in ("misfire_grace_time", "coalesce", "max_instances"))
        next_run_time = given.pop("next_run_time", undefined)
        first = [given.pop(name, None) for name in ("func", "trigger", "args", "kwargs", "id", "name")]
        executor, replace = given.pop("executor", "default"), given.pop("replace_existing")
        return self._new_job(*first, options, next_run_time, executor, replace, given)

    def scheduled_job(
        self,
        trigger: BaseTrigger | str,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: Any = undefined,
        coalesce: Any = undefined,
        max_instances: Any = undefined,
        next_run_time: Any = undefined,
        jobstore: str = "default",
        executor: str = "default",
        **trigger_args: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        Return a decorator that adds the function as a job, and leaves it as it is.

        The arguments are those of `add_job`. A job of the same id is replaced. Without an id, it is derived from the function's reference
        (``"module:function"``, with ``#2`` behind it for the second job of the same function), so that a restart finds the job again.
        """
        if callable(trigger) and not isinstance(trigger, (BaseTrigger, str)):
            raise TypeError("scheduled_job needs a trigger: write @scheduler.scheduled_job('interval', minutes=5)")

        def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
            self.add_job(
                func,
                trigger,
                args,
                kwargs,
                self._derived_id(func) if id is None else id,
                name,
                misfire_grace_time,
                coalesce,
                max_instances,
                next_run_time,
                jobstore,
                executor,
                True,
                **trigger_args,
            )
            return func

        return decorate

    def _derived_id(self, func: Any) -> str | None:
        module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", "<")
        if not module or "<" in name:  # a lambda or a nested function has no name to be found again by
            return None
        reference = f"{module}:{name}"
        with self._lock:
            self._derived[reference] = number = self._derived.get(reference, 0) + 1
        return reference if number == 1 else f"{reference}#{number}"

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._derived: dict[str, int] = {}  # how many jobs @scheduled_job has made of each function

    def _new_job(
        self,
        func: Any,
        trigger: Any,
        args: Any,
        kwargs: Any,
        id: Any,
        name: Any,
        options: tuple[Any, ...],
        next_run_time: Any,
        executor: Any,
        replace: Any,
        trigger_args: dict[str, Any],
    ) -> NewJob:
        given: dict[str, Any] = {"func": func, "trigger": self._create_trigger(trigger, trigger_args)}
        if args is not None:
            given["args"] = args
        if kwargs is not None:
            given["kwargs"] = kwargs
        if name is not None:
            given["name"] = name
        if next_run_time is not undefined:
            given["next_run_time"] = next_run_time
        job = Job(self, id, **given)
        job._options = self._options_of(executor, *options)
        return NewJob(job, as_bool(replace, "replace_existing"), next_run_time is not undefined)

    def _options_of(self, executor: Any, misfire_grace_time: Any, coalesce: Any, max_instances: Any) -> JobOptions:
        given: dict[str, Any] = {}
        if executor != self._job_defaults.executor:
            given["executor"] = executor
        if misfire_grace_time is not undefined:
            given["misfire_grace_time"] = misfire_grace_time
        if coalesce is not undefined:
            given["coalesce"] = coalesce
        if max_instances is not undefined:
            given["max_instances"] = max_instances
        return self._job_defaults.replaced(validated(given)) if given else self._job_defaults

    def _create_trigger(self, trigger: Any, trigger_args: dict[str, Any]) -> BaseTrigger:
        """Return a trigger bound to the scheduler's zone and time (APScheduler 3's name)."""
        if isinstance(trigger, BaseTrigger):
            if trigger_args:
                refuse_unknown(trigger_args, _ADD_JOB_ARGUMENTS, "argument")
                raise TypeError(f"a finished trigger takes no arguments, but {', '.join(trigger_args)} was given beside it")
            return trigger.bind(self.timezone, from_instant(self.clock.now(), UTC))
        if trigger is None:
            trigger = "date"
        elif not isinstance(trigger, (str, bytes)):
            raise TypeError(f"trigger must be a trigger instance or the name of one, not {shorten(trigger)}")
        cls = plugin("trigger", to_text(trigger, "trigger"))
        if "timezone" not in trigger_args and _takes_timezone(cls):
            trigger_args = {**trigger_args, "timezone": self.timezone}
        try:
            made = cls(**trigger_args)
        except TypeError as exc:
            raise _explained(exc, cls, trigger_args) from None
        return as_trigger(made).bind(self.timezone, from_instant(self.clock.now(), UTC))

    def _add(self, new: list[NewJob], alias: str) -> None:
        as_name(alias, "jobstore")
        self._check_before_adding(new, alias)
        stored = self._catalog.add(new, alias, self.clock.now())
        wake = False
        for job in stored:
            if is_finished(job):
                continue
            wake = wake or (job._next is not None and job._next < self._wake_at)
            self._dispatch_event(JobEvent(EVENT_JOB_ADDED, job.id, alias, job=job))
        if wake and self._state == STATE_RUNNING:
            self.wakeup()

    def _check_before_adding(self, new: list[NewJob], alias: str) -> None:
        store = self._catalog.stores.get(alias)
        if store is None:
            if self.running:
                self._catalog.store(alias)
            return
        if store.persistent:
            for each in new:
                each.job.__getstate__()
                if getattr(each.job.func, "__func__", None) and not isinstance(each.job.func.__self__, type):  # type: ignore[attr-defined]
                    self._warn(
                        f"job {each.job.id!r} calls a method of {shorten(each.job.func.__self__)}; the store keeps a copy of that object,"  # type: ignore[attr-defined]
                        " and the job will run on the copy"
                    )
        if self.running:
            for each in new:
                if each.job.executor not in self._executors:
                    self._warn(
                        f"job {each.job.id!r} names the executor {each.job.executor!r}, which this scheduler does not have (it has:"
                        f" {', '.join(self._executors)}); the job is kept, and waits for one"
                    )

    @staticmethod
    def _warn(message: str) -> None:
        import warnings

        from .._catalog import _stack_level

        warnings.warn(message, SchedulerWarning, stacklevel=_stack_level())

    # -- changing ----------------------------------------------------------------------------------------------

    def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """
        Change some attributes of a job.

        Args:
            job_id: the job's id.
            jobstore: alias of its store; None: wherever it is.
            changes: new values by attribute: func, args, kwargs, name, trigger, next_run_time, executor, misfire_grace_time, coalesce,
                max_instances. A trigger may be given by its alias, with its arguments beside it. With a new trigger, the next run time is
                computed from it, unless it is given too; a paused job stays paused. ``next_run_time=None`` pauses the job.

        Returns:
            the changed job.

        Raises:
            JobLookupError: there is no such job.
            TypeError, ValueError, LookupError: a change is wrong; nothing has been changed then.
        """
        if "trigger" in changes:
            trigger_args = {name: changes.pop(name) for name in list(changes) if name not in (*_MODIFIABLE, "id")}
            changes["trigger"] = self._create_trigger(changes["trigger"], trigger_args)
        now = self.clock.now()

        def decide(job: Job) -> dict[str, Any]:
            slots = job._decide(changes)
            if "trigger" in changes and "next_run_time" not in changes and not job.paused and not job.pending:
                slots.update(slots_of(first_slot(slots["trigger"], now)))
            return slots

        return self._change(job_id, jobstore, decide)

    def reschedule_job(
        self, job_id: str, jobstore: str | None = None, trigger: BaseTrigger | str | None = None, **trigger_args: Any
    ) -> Job:
        """
        Give a job another trigger and compute its next run time from it; a paused job stays paused.

        The arguments are those of `add_job`.

        Raises:
            JobLookupError: there is no such job.
        """
        return self.modify_job(job_id, jobstore, trigger=self._create_trigger(trigger, trigger_args))

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
            slot: Slot | None = first_slot(job.trigger, now)
            return {"paused": False, **slots_of(None if job.pending else slot)}

        job = self._change(job_id, jobstore, decide)
        return None if is_finished(job) and not job.pending else job

    def _change(self, job_id: str, jobstore: str | None, decide: Callable[[Job], dict[str, Any]]) -> Job:
        as_name(job_id, "job_id")
        self._check_alias(jobstore)
        job, alias = self._catalog.change(job_id, jobstore, decide)
        self._dispatch_event(JobEvent(EVENT_JOB_MODIFIED, job.id, alias, job=job))
        if is_finished(job) and not job.pending:
            self._warn(f"job {job.id!r} ({job.name}) will not run any more: {job.trigger} has no fire time from now on; it is removed")
            self.remove_job(job.id, alias)
        elif job._next is not None and job._next < self._wake_at and self._state == STATE_RUNNING:
            self.wakeup()
        return job

    # -- looking -----------------------------------------------------------------------------------------------

    def get_jobs(self, jobstore: str | None = None, pending: bool | None = None) -> list[Job]:
        """
        Return the jobs of one store, or of all.

        Args:
            jobstore: alias of the store; None: all.
            pending: only the pending jobs (True) or only the stored ones (False).
        """
        self._check_alias(jobstore)
        return self._catalog.jobs(jobstore, pending)

    def get_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """
        Return a job, or None when there is none with that id.

        Args:
            job_id: the job's id.
            jobstore: alias of its store; None: wherever it is.
        """
        as_name(job_id, "job_id")
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
        self._check_alias(jobstore)
        lines: list[str] = []
        if not self.running:
            jobs = self._catalog.jobs(jobstore, pending=True)
            lines = ["Pending jobs:", *(f"    {job}" for job in jobs)] if jobs else ["Pending jobs:", "    No pending jobs"]
        else:
            for alias, _ in sorted(self._catalog.open_stores()):
                if jobstore in (None, alias):
                    jobs = self._catalog.jobs(alias, pending=False)
                    lines += [f"Jobstore {alias}:", *(f"    {job}" for job in jobs)]
                    if not jobs:
                        lines.append("    No scheduled jobs")
        print(*lines, sep="\n", file=out or sys.stdout)  # noqa: T201 - what it is for

    def _check_alias(self, alias: str | None) -> None:
        if alias is not None and as_name(alias, "jobstore") not in self._catalog.pending and self.running:
            self._catalog.store(alias)

    # -- removing ----------------------------------------------------------------------------------------------

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """
        Remove a job, so that it does not run any more; runs in progress go on.

        Raises:
            JobLookupError: there is no such job.
        """
        as_name(job_id, "job_id")
        self._check_alias(jobstore)
        job, alias = self._catalog.remove(job_id, jobstore)
        self._dispatch_event(JobEvent(EVENT_JOB_REMOVED, job_id, alias, job=job))
        self._logger.info("Removed job %s", job_id)

    def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """
        Remove all jobs of one store, or of all; before `start`, those that are stored already too.

        Args:
            jobstore: alias of the store; None: all.
        """
        self._check_alias(jobstore)
        for _ in self._catalog.remove_all(jobstore):
            pass
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
        from ..serializers import dump_jobs

        text = dump_jobs(self.get_jobs(jobstore))
        if hasattr(outfile, "write"):
            outfile.write(text)
        else:
            with open(outfile, "w", encoding="utf-8") as file:
                file.write(text)

    def import_jobs(self, infile: Any, jobstore: str = "default") -> None:
        """
        Add the jobs that `export_jobs` of this library or of APScheduler 3 wrote, all or none.

        The file may hold pickles: import only what you trust. Next run times and pauses are kept; jobs with the same ids are replaced.

        Args:
            infile: an open text file, or the path of one.
            jobstore: alias of the store that they go to.

        Raises:
            ValueError: the file holds no exported jobs.
            LookupError: a job's function cannot be found.
        """
        from ..serializers import load_jobs

        if hasattr(infile, "read"):
            text = infile.read()
        else:
            with open(infile, encoding="utf-8") as file:
                text = file.read()
        new = []
        for job in load_jobs(text):
            job._scheduler = self
            new.append(NewJob(job, replace=True, is_timed=True))
        if new:
            self._add(new, jobstore)


def _takes_timezone(cls: Any) -> bool:
    code = getattr(cls.__init__, "__code__", None)
    return code is not None and "timezone" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _explained(error: TypeError, cls: Any, arguments: Mapping[str, Any]) -> TypeError:
    """Return the error of a trigger's constructor; where an argument is unknown, one that names the nearest known one."""
    from inspect import signature

    known = [name for name in signature(cls).parameters if name not in ("args", "kwargs")]
    try:
        refuse_unknown(arguments, known, f"argument of {cls.__name__} or add_job")
    except TypeError as exc:
        return exc
    return error
