"""How jobs come into a scheduler: `add_job`, `add_jobs`, `@scheduled_job`."""

from __future__ import annotations

from itertools import repeat
from operator import is_
from types import FunctionType

from apscheduler_lite._new_jobs import NewJob, is_finished
from apscheduler_lite._options import JOB_OPTIONS, as_bool, as_name, refuse_unknown, undefined, validated
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import warn
from apscheduler_lite.events import EVENT_JOB_ADDED
from apscheduler_lite.job import Job
from apscheduler_lite.triggers.base import BaseTrigger

from ._engine import STATE_RUNNING, Engine
from ._triggers import bound_trigger, check_place_of_args

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any, TypeVar

    from apscheduler_lite._options import JobOptions

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["Intake"]

_ADD_JOB_ARGUMENTS = (
    "func", "trigger", "args", "kwargs", "id", "name", "misfire_grace_time", "coalesce", "max_instances",
    "next_run_time", "jobstore", "executor", "replace_existing", "on_crash", "on_overlap", "timeout", "retry",
    "catch_up", "max_catch_up", "run_immediately",
)  # fmt: skip
_OPTIONS = tuple(name for name in JOB_OPTIONS if name != "executor")


class Intake(Engine):
    """A scheduler to which jobs can be added."""

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
        *,
        on_crash: Any = undefined,
        on_overlap: Any = undefined,
        timeout: Any = undefined,
        retry: Any = undefined,
        catch_up: Any = undefined,
        max_catch_up: Any = undefined,
        run_immediately: bool = False,
        **trigger_args: Any,
    ) -> Job:
        """
        Add a job, and wake the scheduler when it is running.

        Before `start` the job is pending; its store gets it when the scheduler starts.

        Args:
            func: what to call, or a reference to it: ``"module:function"``.
            trigger: when to call it: a trigger, or the alias of one with its arguments in `trigger_args`. None: once,
                at once.
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
            replace_existing: take the place of a job with the same id. With an unchanged trigger its next run time
                and its pause are kept.
            on_crash: what becomes of a run that was in progress when its process died, in a store that outlives it:
                ``"skip"`` (the default) records it as interrupted, ``"rerun"`` runs it again as well, up to ten times
                in all.
            on_overlap: what becomes of a run that comes due while `max_instances` are in progress: ``"skip"`` (the
                default) drops it, ``"queue"`` lets one wait for the slot, ``"cancel_previous"`` cancels the oldest
                one where its executor can.
            timeout: seconds that a run may last; None for any time.
            retry: a `Retry`, which says when a run that failed is tried again; None for never.
            catch_up: what is made up for when fire times have passed unrun: ``"latest"`` one of them, ``"all"`` (up to
                `max_catch_up`), ``"none"``; None (the default): as `coalesce` says.
            max_catch_up: how many fire times ``"all"`` makes up for at the most.
            run_immediately: run it once at once as well, beside its schedule, which stays as it is.
            trigger_args: arguments of the trigger.

        Returns:
            the job.

        Raises:
            ConflictingIdError: there is a job with that id.
            TransientJobError: the store is persistent and the function has no importable name.
            TypeError, ValueError, LookupError: an argument is wrong; the message says which and what would do.
        """
        options = {
            "misfire_grace_time": misfire_grace_time,
            "coalesce": coalesce,
            "max_instances": max_instances,
            "on_crash": on_crash,
            "on_overlap": on_overlap,
            "timeout": timeout,
            "retry": retry,
            "catch_up": catch_up,
            "max_catch_up": max_catch_up,
        }
        new = self._new_job(
            func, trigger, args, kwargs, id, name, options, next_run_time, executor, replace_existing, trigger_args
        )
        new.run_at_once(run_immediately)
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
        if hasattr(jobs, "keys") or not hasattr(jobs, "__iter__"):
            raise TypeError(f"jobs must be a list of dicts of add_job arguments, not {shorten(jobs)}")
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
        options = {name: given.pop(name, undefined) for name in _OPTIONS}
        next_run_time = given.pop("next_run_time", undefined)
        first = [given.pop(name, None) for name in ("func", "trigger", "args", "kwargs", "id", "name")]
        executor, replace = given.pop("executor", "default"), given.pop("replace_existing")
        func, trigger, args, kwargs, id, name = first
        at_once = given.pop("run_immediately", False)
        new = self._new_job(func, trigger, args, kwargs, id, name, options, next_run_time, executor, replace, given)
        new.run_at_once(at_once)
        return new

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
        *,
        on_crash: Any = undefined,
        on_overlap: Any = undefined,
        timeout: Any = undefined,
        retry: Any = undefined,
        catch_up: Any = undefined,
        max_catch_up: Any = undefined,
        run_immediately: bool = False,
        **trigger_args: Any,
    ) -> Callable[[Function], Function]:
        """
        Return a decorator that adds the function as a job, and leaves it as it is.

        The arguments are those of `add_job`. A job of the same id is replaced. Without an id, it is derived from the
        function's reference (``"module:function"``, with ``#2`` behind it for the second job of the same function),
        so that a restart finds the job again.
        """
        if not isinstance(trigger, (BaseTrigger, str, bytes)):
            raise TypeError("scheduled_job needs a trigger: write @scheduler.scheduled_job('interval', minutes=5)")

        options = {
            "misfire_grace_time": misfire_grace_time,
            "coalesce": coalesce,
            "max_instances": max_instances,
            "on_crash": on_crash,
            "on_overlap": on_overlap,
            "timeout": timeout,
            "retry": retry,
            "catch_up": catch_up,
            "max_catch_up": max_catch_up,
        }

        def decorate(func: Function) -> Function:
            reference = _reference_of(func)
            job_id = self._derived_id(reference) if id is None and reference is not None else id
            given = dict(trigger_args)
            new = self._new_job(
                func, trigger, args, kwargs, job_id, name, options, next_run_time, executor, True, given
            )
            new.run_at_once(run_immediately)
            if reference is not None and isinstance(func, FunctionType):
                # Its name will mean it as soon as this has returned it, but does not yet.
                new.job._func_ref = reference
            self._add([new], jobstore)
            if id is None and reference is not None:  # counted now, since only jobs count that have been made
                with self._lock:
                    self._derived[reference] = self._derived.get(reference, 0) + 1
            return func

        return decorate

    def _derived_id(self, reference: str) -> str:
        number = self._derived.get(reference, 0) + 1
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
        options: dict[str, Any],
        next_run_time: Any,
        executor: Any,
        replace: Any,
        trigger_args: dict[str, Any],
    ) -> NewJob:
        if args is not None:
            check_place_of_args(args, trigger)
        made = self._create_trigger(trigger, trigger_args)
        job = Job._of(self, id, func, made, args, kwargs, name, self._options_of(executor, options))
        if next_run_time is not undefined:
            job._assign(job._decide({"next_run_time": next_run_time}))
        return NewJob(job, as_bool(replace, "replace_existing"), next_run_time is not undefined)

    def _options_of(self, executor: Any, options: dict[str, Any]) -> JobOptions:
        has_executor = executor != self._job_defaults.executor
        if not has_executor and all(map(is_, options.values(), repeat(undefined))):
            return self._job_defaults  # the common case: nothing is given
        given = {name: value for name, value in options.items() if value is not undefined}
        if has_executor:
            given["executor"] = executor
        return self._job_defaults.replaced(validated(given))

    def _create_trigger(
        self,
        trigger: Any,
        trigger_args: dict[str, Any],
        call: str = "add_job",
        others: Collection[str] = _ADD_JOB_ARGUMENTS,
    ) -> BaseTrigger:
        """Return a trigger bound to the scheduler's zone and time (APScheduler 3's name)."""
        return bound_trigger(
            trigger, trigger_args, self.timezone, self.clock.now(), call, others, is_hosts=self._has_hosts_zone
        )

    def _add(self, new: list[NewJob], alias: str) -> None:
        as_name(alias, "jobstore")
        self._say_if_copy()
        wake = False
        for each in new:
            self._check_executor(each.job)
            wake = wake or bool(each.run_ids)
        self._check_before_adding(new, alias)
        stored = self._catalog.add(new, alias, self.clock.now())
        for job in stored:
            if is_finished(job):
                continue
            wake = wake or (job._next is not None and job._next < self._wake_at)
            self._tell_of_job(EVENT_JOB_ADDED, job, alias)
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
                store.check_job(each.job)
                self._warn_of_copy(each.job)
        if self.running:
            for each in new:
                if each.job._options.executor not in self._executors:
                    warn(
                        f"job {each.job.id!r} names the executor {each.job.executor!r}, which this scheduler does not"
                        f" have (it has: {', '.join(self._executors)}); the job is kept, and waits for one"
                    )

    def _warn_of_copy(self, job: Job) -> None:
        owner = getattr(job.func, "__self__", None)
        if owner is not None and hasattr(job.func, "__func__") and not isinstance(owner, type):
            warn(
                f"job {job.id!r} calls a method of {shorten(owner)}; the store keeps a copy of that object, and the job"
                " will run on the copy"
            )


def _reference_of(func: Any) -> str | None:
    """Return what a derived id begins with; None for a lambda or a nested function, which nobody finds again."""
    module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", "<")
    return f"{module}:{name}" if module and "<" not in name else None
