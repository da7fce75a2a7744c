"""
What a scheduler is equipped with: options, executors, stores, listeners.

The part of the façade that has nothing to do with time or jobs; `_engine` sets it in motion.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Condition, RLock

from apscheduler_lite._catalog import Catalog
from apscheduler_lite._clock import Alarm
from apscheduler_lite._configuration import build, nested, read
from apscheduler_lite._guarded_logger import guarded
from apscheduler_lite._listeners import Listeners
from apscheduler_lite._locks import make_lock
from apscheduler_lite._options import as_name
from apscheduler_lite._references import name_of
from apscheduler_lite._running import is_coroutine_function
from apscheduler_lite._text import did_you_mean, one_of
from apscheduler_lite._tick import Ticker
from apscheduler_lite.errors import SchedulerAlreadyRunningError
from apscheduler_lite.events import (
    EVENT_ALL,
    EVENT_EXECUTOR_ADDED,
    EVENT_EXECUTOR_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOBSTORE_ADDED,
    EVENT_JOBSTORE_REMOVED,
    FaultEvent,
    JobEvent,
    SchedulerEvent,
)

from ._process import end_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping
    from datetime import tzinfo
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite._options import JobOptions
    from apscheduler_lite.executors.base import BaseExecutor
    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import BaseJobStore
    from apscheduler_lite.runs import Run, Wrap

    from ._life import Bound

__all__ = ["Equipment"]

_INFO = 20  # logging.INFO


class Equipment(ABC):
    """A scheduler's options, executors, stores and listeners."""

    _own_options: tuple[str, ...] = ()  # those that `_configure` of a subclass takes out of the dict

    clock: Clock
    timezone: tzinfo
    _has_hosts_zone: bool
    jobstore_retry_interval: float
    _logger: logging.Logger
    _job_defaults: JobOptions
    _ticker: Ticker
    _phase: str
    _last_fault: tuple[int, BaseException] | None = None
    _wrap: Wrap | None

    def __init__(self, gconfig: Mapping[str, Any] = {}, **options: Any) -> None:
        self._lock = make_lock()
        self._changed = Condition(self._lock)
        self._alarm = Alarm()
        self._catalog = Catalog(self)
        self._executors: dict[str, BaseExecutor] = {}
        self._begin_stopped()
        self.configure(gconfig, **options)

    def _begin_stopped(self) -> None:
        """Set what the engine adds to its first state."""

    @abstractmethod
    def wakeup(self) -> None:
        """Make the scheduler look at once for what is due; called whenever a job may be due earlier than it knew."""

    def _open_store(self, alias: str, store: BaseJobStore) -> None:
        raise NotImplementedError

    def _run_begins(self, run: Run) -> None:
        raise NotImplementedError

    def _run_is_off(self, run: Run) -> None:
        raise NotImplementedError

    def _may_claim(self) -> bool:
        raise NotImplementedError

    def _tell_of_dropped(self, run: Run) -> None:
        raise NotImplementedError

    def _is_started(self) -> bool:
        raise NotImplementedError

    def _tell(self, event: SchedulerEvent) -> None:
        """Deliver an event of the loop or of a run."""
        self._dispatch_event(event)

    def _dispatch_event(self, event: SchedulerEvent) -> None:
        """Deliver an event to the listeners, in this thread."""
        if isinstance(event, FaultEvent):
            self._last_fault = (self.clock.now(), event.exception)
        self._listeners.deliver(event)

    def _tell_of_job(self, code: int, job: Job | None, alias: str, job_id: str = "") -> None:
        """Deliver an event about a job, or an id whose job cannot be read, if anybody listens; log what was added."""
        if code == EVENT_JOB_ADDED and job is not None and self._logger.isEnabledFor(_INFO):
            self._logger.info(
                'Added job "%s" to job store "%s"', job, alias, extra={"action": "job_added", "job_id": job.id}
            )
        if self._listeners.mask & code:
            # The listener gets the job as it is now: the one in a store in memory goes on changing.
            seen = None if job is None else job._copy()
            self._dispatch_event(JobEvent(code, job_id if job is None else job.id, alias, job=seen))

    def add_listener(self, callback: Callable[[Any], Any], mask: int = EVENT_ALL, *, deferred: bool = False) -> None:
        """
        Have a callable called with every event whose code is in the mask.

        It is called with no lock held, in the thread in which the event happened; a coroutine function is awaited.
        One that raises is logged; one that takes over a second is named in the log.

        Args:
            callback: takes one argument, the event.
            mask: ``EVENT_…`` codes joined by ``|``.
            deferred: for a listener that takes long: call it on a thread of its own, one event after the other in the
                order in which they happened, and let nothing wait for it but the end of ``shutdown(wait=True)``. The
                events that wait are held in memory, any number of them; the log tells of a thousand.

        Raises:
            TypeError: the callback is not callable, the mask no integer, or ``deferred`` no truth value.
            ValueError: the mask holds codes that no event has.
        """
        self._listeners.add(callback, mask, deferred=deferred)

    def remove_listener(self, callback: Callable[[Any], Any]) -> None:
        """Remove a listener, as often as it was added, with the events that wait for it; others are ignored."""
        self._listeners.remove(callback)

    def _hear_out(self, bound: Bound) -> None:
        """Wait until the listeners have heard all events, also those that were deferred."""
        self._listeners.drain(lambda: bound.left)

    # -- configuration -----------------------------------------------------------------------------------------

    def configure(self, gconfig: Mapping[str, Any] = {}, prefix: str = "apscheduler.", **options: Any) -> None:
        """
        Set the scheduler's options anew; those not given get their defaults.

        Args:
            gconfig: a dict, flat (``{"apscheduler.timezone": "UTC"}``) or nested.
            prefix: how the keys of that dict begin; others are ignored. Empty or None: all keys are options.
            options: further options, which win over the dict.

        Raises:
            SchedulerAlreadyRunningError: the scheduler is running.
            TypeError: an option is unknown or of the wrong type.
            ValueError: an option's value is not possible.
        """
        with self._lock:
            if self._phase != "stopped":
                raise SchedulerAlreadyRunningError
        self._configure(nested(gconfig, prefix, options, self._own_options))

    def _configure(self, config: dict[str, Any]) -> None:
        """Take over a nested dict of options; a subclass takes its own ones out first (APScheduler 3's name)."""
        settings = read(config, self._own_options, type(self).__name__)
        previous = getattr(self, "_listeners", None)
        self._logger = guarded(settings.logger)
        self.timezone = settings.timezone
        self._has_hosts_zone = settings.has_hosts_zone
        self.clock = settings.clock
        self._wrap = settings.wrap
        self.jobstore_retry_interval = settings.retry_interval
        self._job_defaults = settings.job_defaults
        self._listeners = Listeners(self._logger, self.clock)
        if previous is not None:
            self._listeners.take_over(previous)
        self._ticker = Ticker(self, settings.retry_interval)
        self._executors = {}
        self._catalog.stores = {}
        for alias, executor in settings.executors.items():
            self.add_executor(executor, alias)
        for alias, store in settings.jobstores.items():
            self.add_jobstore(store, alias)

    # -- executors and stores ----------------------------------------------------------------------------------

    def add_executor(self, executor: BaseExecutor | str, alias: str = "default", **executor_opts: Any) -> None:
        """
        Add an executor.

        Args:
            executor: an executor, or the plugin alias of a class of executors.
            alias: the scheduler's name for it.
            executor_opts: arguments for that class.

        Raises:
            ValueError: there is one by that alias, or the scheduler has this one already.
            LookupError: there is no such class.
            TypeError: it is no executor, or an argument is unknown.
        """
        alias = as_name(alias, "alias")
        built: BaseExecutor = build("executor", executor, "executor", executor_opts)
        is_started = self._take_in(built, self._executors, alias, "executor")
        if is_started:
            end_first()
        self._dispatch_event(SchedulerEvent(EVENT_EXECUTOR_ADDED, alias))
        if is_started:
            for _, store in self._catalog.open:
                store.retry_all()  # jobs may have waited for this executor
            self.wakeup()

    def _take_in(self, built: Any, by_alias: dict[str, Any], alias: str, what: str) -> bool:
        """Keep an executor or store under its alias, started if the scheduler is; return whether it is."""
        with self._lock:
            _check_free(built, by_alias, alias, what)
        is_started = self._is_started()
        if is_started:
            built.start(self, alias)
        with self._lock:
            try:
                _check_free(built, by_alias, alias, what)
            except ValueError:  # another thread was faster
                if is_started:
                    built.shutdown()
                raise
            by_alias[alias] = built
        return is_started

    def remove_executor(self, alias: str, shutdown: bool = True) -> None:
        """
        Remove an executor; jobs that name it stay and wait until there is one again.

        Args:
            alias: the scheduler's name for it.
            shutdown: whether to shut it down, which waits for its runs.

        Raises:
            KeyError: there is no such executor.
        """
        with self._lock:
            executor = self._lookup_executor(alias)
            del self._executors[alias]
        if shutdown:
            executor.shutdown()
        self._dispatch_event(SchedulerEvent(EVENT_EXECUTOR_REMOVED, alias))

    def _lookup_executor(self, alias: str) -> BaseExecutor:
        try:
            return self._executors[alias]
        except KeyError:
            known = list(self._executors)
            raise KeyError(
                f"No such executor: {alias}{did_you_mean(alias, known)} (there are: {one_of(known)})"
            ) from None

    @property
    def abandoned_threads(self) -> int:
        """
        Return how many worker threads have been left to themselves since the start.

        Each has run a job for longer than its ``timeout``. It cannot be stopped, and goes on until the job returns, if
        ever; another one has taken its place.
        """
        return sum(executor.abandoned_threads for executor in list(self._executors.values()))

    def _check_changed(self, job: Job, slots: Mapping[str, Any]) -> None:
        """Refuse to make of a job what its executor could not do."""
        changed = job._copy()
        changed._assign(slots)
        self._check_executor(changed)

    def _check_executor(self, job: Job) -> None:
        """
        Refuse a job whose time limit or overlap policy its executor cannot keep, as far as that is known yet.

        Raises:
            ValueError: the message says which executor can.
        """
        cancels = job._options.on_overlap == "cancel_previous"
        if job._options.timeout is None and not cancels:
            return
        executor = self._executors.get(job.executor)
        if executor is None and job.executor == "default":
            executor = self._create_default_executor()
        if executor is None:
            return
        what = f"executor {job.executor!r} ({type(executor).__name__})"
        if job.timeout is not None and not executor.keeps_timeout:
            raise ValueError(
                f"timeout={job.timeout:g} cannot be kept by {what}, which has no way to stop a run or to do without"
                " its worker; use a ThreadPoolExecutor, ProcessPoolExecutor, AsyncIOExecutor or DaskExecutor"
            )
        if cancels and not executor.can_cancel(job.func):
            why = "a thread cannot be stopped; use a coroutine function or a ProcessPoolExecutor"
            if is_coroutine_function(job.func):
                why = "it cannot stop a run; use a ThreadPoolExecutor, ProcessPoolExecutor or AsyncIOExecutor"
            raise ValueError(
                f"on_overlap='cancel_previous' cannot be kept by {what} for {name_of(job.func)}: {why}, or"
                " on_overlap='queue'"
            )

    def add_jobstore(self, jobstore: BaseJobStore | str, alias: str = "default", **jobstore_opts: Any) -> None:
        """
        Add a job store; jobs that waited for it go into it.

        Args:
            jobstore: a store, or the plugin alias of a class of stores.
            alias: the scheduler's name for it.
            jobstore_opts: arguments for that class.

        Raises:
            ValueError: there is one by that alias, or the scheduler has this one already.
            LookupError: there is no such class.
            TypeError: it is no store, or an argument is unknown.
            RuntimeError: the store object serves another scheduler.
        """
        alias = as_name(alias, "alias")
        built: BaseJobStore = build("jobstore", jobstore, "jobstore", jobstore_opts)
        is_started = self._take_in(built, self._catalog.stores, alias, "job store")
        if is_started:
            self._open_store(alias, built)
        self._dispatch_event(SchedulerEvent(EVENT_JOBSTORE_ADDED, alias))
        if is_started:
            waiting = self._catalog.take_pending(alias)
            for job in self._catalog.add(waiting, alias, self.clock.now()) if waiting else ():
                self._tell_of_job(EVENT_JOB_ADDED, job, alias)
            self.wakeup()

    def remove_jobstore(self, alias: str, shutdown: bool = True) -> None:
        """
        Remove a job store from the scheduler; what is in it stays in it.

        Args:
            alias: the scheduler's name for it.
            shutdown: whether to shut it down.

        Raises:
            KeyError: there is no such store.
        """
        with self._lock:
            store = self._catalog.store(alias)
            del self._catalog.stores[alias]
            self._catalog.end_use(alias)
        if shutdown:
            store.shutdown()
        store.detach()
        self._dispatch_event(SchedulerEvent(EVENT_JOBSTORE_REMOVED, alias))

    def _lookup_jobstore(self, alias: str) -> BaseJobStore:
        return self._catalog.store(alias)

    def _create_default_executor(self) -> BaseExecutor:
        """Return the executor that is used when none was configured as ``default``."""
        from apscheduler_lite.executors.pool import ThreadPoolExecutor

        return ThreadPoolExecutor()

    def _create_default_jobstore(self) -> BaseJobStore:
        """Return the store that is used when none was configured as ``default``."""
        from apscheduler_lite.jobstores.memory import MemoryJobStore

        return MemoryJobStore()

    def _create_lock(self) -> Any:
        """Return a re-entrant lock, for executors that ask for one (APScheduler 3's name)."""
        return RLock()


def _check_free(built: Any, by_alias: dict[str, Any], alias: str, what: str) -> None:
    if alias in by_alias:
        raise ValueError(f"the alias {alias!r} is taken by another {what} of this scheduler")
    for taken, each in by_alias.items():
        if each is built:
            raise ValueError(f"this {what} is in this scheduler already, by the alias {taken!r}")
