"""A job: a callable with its arguments, a trigger and options; it knows no scheduler, but a `JobHost`."""

from __future__ import annotations

import os
from datetime import timezone
from operator import attrgetter

from ._job_changes import as_function, decided
from ._job_state import restore, state_of
from ._options import DEFAULT_OPTIONS, as_arguments, as_keyword_arguments, as_name, as_trigger
from ._references import check_arguments, name_of, reference_to
from ._timezones import from_instant, to_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo
    from typing import Any, Protocol

    from ._options import JobOptions
    from .records import RunRecord
    from .retry import Retry
    from .triggers.base import BaseTrigger

    class JobHost(Protocol):
        """What a job asks of its scheduler."""

        timezone: tzinfo

        def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job: ...
        def reschedule_job(
            self, job_id: str, jobstore: str | None = None, trigger: Any = None, **trigger_args: Any
        ) -> Job: ...
        def pause_job(self, job_id: str, jobstore: str | None = None) -> Job: ...
        def resume_job(self, job_id: str, jobstore: str | None = None) -> Job | None: ...
        def remove_job(self, job_id: str, jobstore: str | None = None) -> None: ...
        def run_job(self, job_id: str, jobstore: str | None = None) -> str: ...
        def _last_run(self, job_id: str, alias: str | None) -> RunRecord | None: ...


__all__ = ["Job", "new_job_id"]

_EMPTY: tuple[Any, ...] = ()


def new_job_id() -> str:
    """Return a random id of 32 hexadecimal digits."""
    return os.urandom(16).hex()


def _option(name: str) -> Any:
    """Return a property for one of the job's options; the docstring of `Job` says what it means."""
    return property(attrgetter(f"_options.{name}"))


class Job:
    """
    A callable with its arguments, its trigger and its options, as a job store holds it.

    Schedulers make jobs (`add_job`); their attributes are to be read, and are changed by `modify`, `reschedule`,
    `pause` and `resume`.

    Attributes:
        id: the job's id, unique in its store.
        name: what people call it.
        func: the callable.
        args: its positional arguments, a tuple.
        kwargs: its keyword arguments, a dict.
        trigger: when it runs.
        executor: alias of the executor that runs it.
        misfire_grace_time: seconds that a run may start late; None for any lateness.
        coalesce: whether several due runs become one.
        max_instances: how many of its runs may be in progress at the same time.
        on_crash: what becomes of a run whose process died: ``"skip"`` records it, ``"rerun"`` runs it again.
        on_overlap: what becomes of a run that comes due while `max_instances` are in progress: ``"skip"`` drops it,
            ``"queue"`` lets one wait, ``"cancel_previous"`` cancels the oldest.
        timeout: seconds that a run may last; None for any time.
        retry: when a run that failed is tried again, a `Retry`; None for never.
        catch_up: what is made up for after downtime: ``"latest"``, ``"all"`` or ``"none"``; None: `coalesce` decides.
        max_catch_up: how many fire times ``"all"`` makes up for at the most.
        next_run_time: the earliest fire time not yet claimed, as an aware datetime; None when the job is paused,
            pending or finished.
        paused: whether it is paused.
    """

    # Ten thousand jobs are common, so a job is small: options are shared values, times are ints, and what can be
    # derived (func_ref, the aware next run time) is not kept.
    __slots__ = (
        "__weakref__",
        "_fire_time",
        "_func_ref",
        "_jobstore_alias",
        "_kwargs",
        "_next",
        "_options",
        "_revision",
        "_scheduler",
        "args",
        "func",
        "id",
        "name",
        "paused",
        "trigger",
    )

    id: str
    name: str
    func: Callable[..., Any]
    args: tuple[Any, ...]
    trigger: BaseTrigger
    paused: bool
    executor: str = _option("executor")
    misfire_grace_time: float | None = _option("misfire_grace_time")
    coalesce: bool = _option("coalesce")
    max_instances: int = _option("max_instances")
    on_crash: str = _option("on_crash")
    on_overlap: str = _option("on_overlap")
    timeout: float | None = _option("timeout")
    retry: Retry | None = _option("retry")
    catch_up: str | None = _option("catch_up")
    max_catch_up: int = _option("max_catch_up")
    _func_ref: str | None
    _kwargs: dict[str, Any] | None
    _options: JobOptions
    _next: int | None
    _fire_time: int | None
    _revision: int
    _scheduler: Any
    _jobstore_alias: str | None

    def __init__(self, scheduler: Any, id: str | None = None, **kwargs: Any) -> None:
        if "func" not in kwargs or "trigger" not in kwargs:
            raise TypeError("a job needs a func and a trigger")
        func, trigger = kwargs.pop("func"), as_trigger(kwargs.pop("trigger"))
        args, given, name = (kwargs.pop(each, None) for each in ("args", "kwargs", "name"))
        self._begin(scheduler, id, func, trigger, args, given, name, DEFAULT_OPTIONS)
        self._assign(self._decide(kwargs))

    @classmethod
    def _of(
        cls,
        scheduler: Any,
        id: str | None,
        func: Any,
        trigger: BaseTrigger,
        args: Any,
        kwargs: Any,
        name: str | None,
        options: JobOptions,
    ) -> Job:
        """Return a new job: the short way for `add_job`, which may be called ten thousand times in a row."""
        job = cls.__new__(cls)
        job._begin(scheduler, id, func, trigger, args, kwargs, name, options)
        return job

    def _begin(
        self,
        scheduler: Any,
        id: str | None,
        func: Any,
        trigger: BaseTrigger,
        args: Any,
        kwargs: Any,
        name: str | None,
        options: JobOptions,
    ) -> None:
        self._scheduler = scheduler
        self._jobstore_alias = None
        self.id = new_job_id() if id is None else as_name(id, "id")
        self.func, self._func_ref = as_function(func)
        self.args = _EMPTY if args is None else as_arguments(args)
        self._kwargs = None if kwargs is None else as_keyword_arguments(kwargs)
        check_arguments(self.func, self.args, self._kwargs)
        self.name = name_of(self.func) if name is None else as_name(name, "name")
        self.trigger = trigger
        self._options = options
        self._next = self._fire_time = None
        self._revision = 0
        self.paused = False

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments; a change of the dict does not change the job."""
        return dict(self._kwargs) if self._kwargs else {}

    @property
    def func_ref(self) -> str | None:
        """Return the reference of the function, ``"module:qualname"``; None when it has none."""
        if self._func_ref is not None:
            return self._func_ref
        try:
            return reference_to(self.func)
        except ValueError:
            return None

    @property
    def zone(self) -> tzinfo:
        """Return the zone in which the job's times are given: its trigger's, or else its scheduler's."""
        try:
            zone = self.trigger.zone
        except Exception:  # a stranger's; the job must not be lost for what only says how its times are shown
            zone = None
        if zone is None:
            zone = getattr(self._scheduler, "timezone", None)
        return zone or timezone.utc

    @property
    def next_run_time(self) -> datetime | None:
        """Return the earliest fire time not yet claimed; None when the job is paused, pending or finished."""
        return None if self._next is None else from_instant(self._next, self.zone)

    @next_run_time.setter
    def next_run_time(self, moment: datetime | None) -> None:
        # For job stores written for APScheduler 3, which set it on a job that they restore.
        self._next = None if moment is None else to_instant(moment)

    @property
    def pending(self) -> bool:
        """Return whether the job still waits for its scheduler to start before it goes into a store."""
        return self._jobstore_alias is None

    @property
    def last_run(self) -> RunRecord | None:
        """Return the record of the run that ended last, such as to see how; None when its store knows none."""
        return self._host()._last_run(self.id, self._jobstore_alias)

    # -- what a user does with it --------------------------------------------------------------------------------

    def modify(self, **changes: Any) -> Job:
        """
        Change some of the job's attributes.

        Takes the same names and raises the same errors as `BaseScheduler.modify_job`.
        """
        return self._follow(self._host().modify_job(self.id, self._jobstore_alias, **changes))

    def reschedule(self, trigger: Any, **trigger_args: Any) -> Job:
        """Give the job another trigger and compute its next run time from it; a paused job stays paused."""
        return self._follow(self._host().reschedule_job(self.id, self._jobstore_alias, trigger, **trigger_args))

    def pause(self) -> Job:
        """Stop the job from running until `resume` is called."""
        return self._follow(self._host().pause_job(self.id, self._jobstore_alias))

    def resume(self) -> Job:
        """Let a paused job run again, from its next fire time on; a job whose schedule is over meanwhile is removed."""
        resumed = self._host().resume_job(self.id, self._jobstore_alias)
        return self if resumed is None else self._follow(resumed)

    def run_now(self) -> str:
        """Run the job once, at once, beside its schedule, as `BaseScheduler.run_job` does; return the run's id."""
        return self._host().run_job(self.id, self._jobstore_alias)

    def remove(self) -> None:
        """Remove the job from its store, or from its scheduler's pending ones."""
        self._host().remove_job(self.id, self._jobstore_alias)

    def _host(self) -> JobHost:
        if self._scheduler is None:
            raise RuntimeError(f"job {self.id!r} belongs to no scheduler; take it from one with get_job()")
        host: JobHost = self._scheduler
        return host

    def _follow(self, changed: Job) -> Job:
        """Take over what a change made of the job, where the store holds another object for it."""
        if changed is not self:
            for slot in _COPIED:
                setattr(self, slot, getattr(changed, slot))
        return self

    # -- what services do with it --------------------------------------------------------------------------------

    def _modify(self, **changes: Any) -> None:
        """Validate the changes and apply them, all or none (APScheduler 3's name, for stores written for it)."""
        self._assign(self._decide(changes))

    def _decide(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the changes make of the job's slots; the job itself stays as it is."""
        return decided(self, changes)

    def _assign(self, slots: Mapping[str, Any]) -> None:
        for slot, value in slots.items():
            setattr(self, slot, value)

    def _copy(self, cls: type[Job] | None = None) -> Job:
        """Return another job object with the same values; of that class, by default of its own."""
        other: Job = Job.__new__(cls or type(self))
        # Written out, since each claim of an SQL store makes a copy: a loop over the slots takes four times as long.
        other.id, other.name = self.id, self.name
        other.func, other.args, other._kwargs = self.func, self.args, self._kwargs
        other.trigger, other._options, other.paused = self.trigger, self._options, self.paused
        other._next, other._fire_time, other._revision = self._next, self._fire_time, self._revision
        other._scheduler, other._jobstore_alias = self._scheduler, self._jobstore_alias
        other._func_ref = self._func_ref
        return other

    def _get_run_times(self, now: datetime) -> list[datetime]:
        """Return the fire times that are due, oldest first (APScheduler 3's name; bounded to 10,000)."""
        until = to_instant(now)
        times: list[datetime] = []
        fire = self._next
        while fire is not None and fire <= until and len(times) < 10_000:
            times.append(from_instant(fire, self.zone))
            fire = self.trigger.next_instant(fire, until)
        return times

    # -- what stores and people see ------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """
        Return the job as a dict that a store can keep: APScheduler 3's keys, and ours beside them.

        Raises:
            TransientJobError: its function has no importable name.
        """
        return state_of(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """
        Restore a job from such a dict; APScheduler 3's, which knows no ``paused``, included.

        Raises:
            ValueError: it was written by a later version.
            LookupError: its function cannot be found.
        """
        restore(self, state)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Job) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (id={self.id} name={self.name})>"

    def __str__(self) -> str:
        if self.pending:
            status = "pending"
        elif self._next is None:
            status = "paused" if self.paused else "finished"
        else:
            moment = from_instant(self._next, self.zone)
            status = f"next run at: {moment:%Y-%m-%d %H:%M:%S} {moment.tzname()}"
        return f"{self.name} (trigger: {self.trigger}, {status})"


_COPIED = tuple(slot for slot in Job.__slots__ if slot not in ("__weakref__", "_scheduler", "id"))
