"""
The jobs of one scheduler: stores by alias, and the jobs that wait for the scheduler to start.

It finds, adds, changes and removes, and returns facts; whom to tell of them is the scheduler's affair. Its own lock
is held for dict operations only: stores, which may be slow or a stranger's, are called without it.
"""

from __future__ import annotations

from contextlib import suppress

from ._locks import make_lock
from ._new_jobs import NewJob, by_different_ids, is_finished, schedule
from ._planning import first_slot
from ._slots import set_slot, slot_of, slots_of
from ._text import did_you_mean, one_of
from .errors import ConflictingIdError, JobLookupError, StoreUnavailableError, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .job import Job
    from .jobstores.base import BaseJobStore, Decide

__all__ = ["Catalog"]


class Catalog:
    """All jobs of a scheduler."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self.lock = make_lock()
        self.stores: dict[str, BaseJobStore] = {}
        # The started stores with their aliases. A new tuple at each change, so that it can be read without the lock.
        self.open: tuple[tuple[str, BaseJobStore], ...] = ()
        self.pending: dict[str, dict[str, NewJob]] = {}  # alias → id → job that waits for its store
        self.to_be_emptied: set[str] = set()  # aliases of stores whose jobs were removed before they were open

    # -- stores ------------------------------------------------------------------------------------------------

    def store(self, alias: str) -> BaseJobStore:
        """Return the store of that alias, or raise KeyError with the nearest one."""
        try:
            return self.stores[alias]
        except KeyError:
            known = list(self.stores)
            raise KeyError(
                f"No such job store: {alias}{did_you_mean(alias, known)} (there are: {one_of(known)})"
            ) from None

    def begin_use(self, alias: str, store: BaseJobStore) -> None:
        """Use a store that has been started."""
        with self.lock:
            self.open = (*self.open, (alias, store))

    def end_use(self, alias: str | None = None) -> None:
        """Use a store, or all, no longer."""
        with self.lock:
            self.open = tuple(each for each in self.open if alias is not None and each[0] != alias)

    def _opened(self, alias: str) -> BaseJobStore | None:
        for name, store in self.open:
            if name == alias:
                return store
        return None

    @property
    def usable(self) -> tuple[tuple[str, BaseJobStore], ...]:
        """Return the stores that can be asked: those that have been started, and those that work without."""
        if len(self.open) == len(self.stores):
            return self.open
        early = ((alias, self._early(alias)) for alias in self.stores if self._opened(alias) is None)
        return (*self.open, *((alias, store) for alias, store in early if store is not None))

    def _early(self, alias: str) -> BaseJobStore | None:
        """Return a store that has not been started, but can be used all the same."""
        store = self.stores.get(alias)
        if store is None or not store.works_before_start:
            return None
        if store._scheduler is not self._host or store._alias != alias:
            store.attach(self._host, alias)
        return store

    # -- finding -----------------------------------------------------------------------------------------------

    def find(self, job_id: str, alias: str | None) -> tuple[Job, str, NewJob | None]:
        """Return what `lookup` returns, or raise JobLookupError."""
        found = self.lookup(job_id, alias)
        if found is None:
            raise JobLookupError(job_id)
        return found

    def lookup(self, job_id: str, alias: str | None) -> tuple[Job, str, NewJob | None] | None:
        """Return a job, the alias of its store, and its entry when it is still pending; None when it is nowhere."""
        if self.pending:
            with self.lock:
                for name, waiting in list(self.pending.items()):
                    if job_id in waiting and (alias is None or alias == name):
                        return waiting[job_id].job, name, waiting[job_id]
        for name, store in self.usable:
            if alias is None or alias == name:
                # `called` and `is_finished` in line: every call about a job comes through here.
                job = store.lookup_job(job_id) if store.is_thread_safe else called(store, store.lookup_job, job_id)
                if job is not None and (job._next is not None or job.paused):
                    return job, name, None
        return None

    def jobs(self, alias: str | None, pending: bool | None = None) -> list[Job]:
        """Return all jobs, or those of one store; only the pending or only the stored ones, when `pending` says so."""
        found: list[Job] = []
        if pending is not False:
            with self.lock:
                for name, waiting in list(self.pending.items()):
                    if alias in (None, name):
                        found.extend([each.job for each in list(waiting.values())])
        if pending is not True:
            for name, store in self.usable:
                if alias in (None, name):
                    found.extend(self.jobs_of(store))
        return found

    @staticmethod
    def jobs_of(store: BaseJobStore) -> list[Job]:
        """Return the jobs of one store."""
        stored: list[Job] = called(store, store.get_all_jobs)
        return [job for job in stored if not is_finished(job)] if store.persistent else stored

    # -- adding ------------------------------------------------------------------------------------------------

    def add(self, new: list[NewJob], alias: str, now: int) -> list[Job]:
        """
        Add jobs to one store, all or none, and return those that were stored (the others are pending).

        Raises:
            ConflictingIdError: an id is taken and its job is not to be replaced.
        """
        store = self._opened(alias)
        if store is not None:
            return self._add_stored(new, alias, store, now)
        self._refuse_kept(new, alias)
        with self.lock:
            store, early = self._opened(alias), self._early(alias)
            if store is None and early is None:
                self._add_pending(new, alias)
        if store is not None:
            return self._add_stored(new, alias, store, now)
        return [] if early is None else self._add_early(new, alias, early, now)

    def _refuse_kept(self, new: list[NewJob], alias: str) -> None:
        """Refuse ids that a closed store has kept since the last start, where it can tell."""
        store = self.stores.get(alias)
        if store is not None and store.answers_while_closed:
            for each in new:
                if not each.replace and store.lookup_job(each.job.id) is not None:
                    raise ConflictingIdError(each.job.id)

    def _add_early(self, new: list[NewJob], alias: str, store: BaseJobStore, now: int) -> list[Job]:
        """Add jobs to a store that works without its scheduler; they are pending while its database is away."""
        try:
            return self._add_stored(new, alias, store, now)
        except StoreUnavailableError as exc:
            if exc.is_open:
                raise
            self._host._logger.warning(
                'Job store "%s" cannot be reached; %d jobs wait for the scheduler to start (%s)', alias, len(new), exc
            )
            with self.lock:
                for each in new:
                    if not each.is_timed:
                        set_slot(each.job, None)
                self._add_pending(new, alias)
            return []

    def _add_pending(self, new: list[NewJob], alias: str) -> None:
        waiting = self.pending.setdefault(alias, {})
        by_id = by_different_ids(new)
        for job_id, each in by_id.items():
            if job_id in waiting and not each.replace:
                raise ConflictingIdError(job_id)
        waiting.update(by_id)

    def open_run(self, job_id: str, alias: str | None, now: int, run_id: str) -> None:
        """
        Let a run of a job be claimed beside its schedule; one of a pending job when its store has got it.

        Raises:
            JobLookupError: there is no such job.
        """
        while True:
            job, name, entry = self.find(job_id, alias)
            if entry is None:
                self.stores[name].open_runs([(job, run_id)], now)
                return
            with self.lock:
                if self.pending.get(name, {}).get(job_id) is entry:
                    entry.run_ids.append(run_id)
                    return

    def _add_stored(self, new: list[NewJob], alias: str, store: BaseJobStore, now: int) -> list[Job]:
        stored = self._store_all(new, alias, store, now)
        asked = [each for each in new if each.run_ids and not is_finished(each.job)]
        if asked:
            store.open_runs([(each.job, run_id) for each in asked for run_id in each.run_ids], now)
            for each in asked:
                each.run_ids = []
        return stored

    def _store_all(self, new: list[NewJob], alias: str, store: BaseJobStore, now: int) -> list[Job]:
        if len(new) == 1 and not new[0].replace:
            return self._add_one(new[0], alias, store, now)
        by_id = by_different_ids(new)

        def settle(job: Job, before: Job | None) -> bool:
            schedule(by_id[job.id], now, before)
            return not is_finished(job)

        for each in new:
            each.job._jobstore_alias = alias
        try:
            store.add_jobs([each.job for each in new], settle)
        except BaseException:
            for each in new:
                each.job._jobstore_alias = None
            raise
        for each in new:
            if is_finished(each.job):
                self._warn_of_finished(each.job)
        return [each.job for each in new]

    def _add_one(self, new: NewJob, alias: str, store: BaseJobStore, now: int) -> list[Job]:
        """Add one job that replaces none: the common case, without the bookkeeping of the general one."""
        job = new.job
        schedule(new, now)
        if is_finished(job):
            if called(store, store.lookup_job, job.id) is not None:
                raise ConflictingIdError(job.id)
            job._jobstore_alias = alias
            self._warn_of_finished(job)
            return [job]
        job._jobstore_alias = alias
        try:
            called(store, store.add_job, job)
        except BaseException:
            job._jobstore_alias = None
            raise
        return [job]

    @staticmethod
    def _warn_of_finished(job: Job) -> None:
        warn(
            f"job {job.id!r} ({job.name}) will never run: its trigger {job.trigger} has no fire time from now on; it"
            " was not stored"
        )

    def take_pending(self, alias: str) -> list[NewJob]:
        """Return the jobs that wait for that store, and stop keeping them."""
        with self.lock:
            return list(self.pending.pop(alias, {}).values())

    def put_back(self, taken: list[tuple[str, list[NewJob]]]) -> None:
        """Keep jobs as pending again, since the start that they were taken for has failed."""
        for alias, new in taken:
            for each in new:
                each.job._jobstore_alias = None
                self.pending.setdefault(alias, {})[each.job.id] = each

    # -- changing and removing ---------------------------------------------------------------------------------

    def change(self, job_id: str, alias: str | None, decide: Decide) -> tuple[Job, str]:
        """
        Change a job by what `decide` makes of it; return it and its store's alias.

        Raises:
            JobLookupError: there is no such job.
        """
        while True:
            job, name, entry = self.find(job_id, alias)
            if entry is None:
                return self.stores[name].change_job(job_id, decide), name
            slots = decide(job)
            with self.lock:
                if self.pending.get(name, {}).get(job_id) is not entry:
                    continue  # its store has got it meanwhile, or it was replaced
                job._assign(slots)
                if "_next" in slots:  # one that has been resumed, say, has no time any more: its trigger is asked
                    entry.is_timed = job._next is not None or job.paused
            return job, name

    def remove(self, job_id: str, alias: str | None) -> tuple[Job | None, str]:
        """Remove a job; return it (None when it cannot be read) and its store's alias, or raise JobLookupError."""
        found = self.lookup(job_id, alias)
        if found is None:
            return None, self._remove_unreadable(job_id, alias)
        job, name, entry = found
        if entry is not None:
            with self.lock:
                if self.pending.get(name, {}).pop(job_id, None) is None:
                    raise JobLookupError(job_id)
        else:
            store = self.stores[name]
            called(store, store.remove_job, job_id)
        return job, name

    def discard(self, job: Job, alias: str) -> bool:
        """Remove a job whose schedule is over from its store; return whether it was still there."""
        store = self._opened(alias)
        try:
            if store is not None:
                called(store, store.remove_job, job.id)
        except JobLookupError:
            return False
        return store is not None

    def _remove_unreadable(self, job_id: str, alias: str | None) -> str:
        """Remove a job that its store has but cannot restore; return the store's alias, or raise JobLookupError."""
        for name, store in self.usable:
            if alias in (None, name):
                with suppress(JobLookupError):
                    called(store, store.remove_job, job_id)
                    return name
        raise JobLookupError(job_id)

    def remove_all(self, alias: str | None) -> Iterator[str]:
        """
        Remove all jobs of one store or of all; yield the aliases.

        A store that is not open yet is emptied when it is opened, before anything is added to it.
        """
        with self.lock:
            for name in list(self.pending):
                if alias in (None, name):
                    del self.pending[name]
            usable = self.usable
            closed = self.stores.keys() - {name for name, _ in usable}
            self.to_be_emptied.update(name for name in closed if alias in (None, name))
        for name, store in usable:
            if alias in (None, name):
                called(store, store.remove_all_jobs)
                yield name

    # -- what the process and the clock do to them -------------------------------------------------------------

    def shorten_waits(self, store: BaseJobStore, now: int, unset: int) -> list[tuple[Job, Exception]]:
        """
        Let the jobs of a store go on after the clock was set back.

        A beat goes on at once. A job for a time of day waits as long as it would have waited, and then for the next
        such time: so it neither runs a second time when the clock shows that time again, nor stands still for a year
        when the clock had been a year ahead. A next run time that the user has given is waited for.

        Args:
            store: the store.
            now: the present instant.
            unset: what the clock would show if it had not been set back.

        Returns:
            the jobs that could not be helped, with the reason.
        """
        failed: list[tuple[Job, Exception]] = []
        for job in store.later_jobs(now):
            try:
                self._shorten_wait(job, store, now, unset)
            except JobLookupError:
                continue  # it has gone meanwhile
            except Exception as exc:
                failed.append((job, exc))
        store.retry_all()
        return failed

    @staticmethod
    def _shorten_wait(job: Job, store: BaseJobStore, now: int, unset: int) -> None:
        if job._next is None:
            return
        fire_time, natural = slot_of(job).fire_time, job.trigger.first_instant(unset)
        if job.trigger.first_instant(fire_time) != fire_time or (natural is not None and fire_time > natural):
            return  # it was none of the trigger's: the user has given it
        begin = now if job.trigger.keeps_beat else now + max(0, fire_time - unset)
        trigger = job.trigger.under_way(begin)
        slot = first_slot(trigger, begin)
        if slot is not None and slot.due < job._next:
            store.change_job(job.id, lambda _: {"trigger": trigger, **slots_of(slot)})

    def begin_in_child(self) -> None:
        """Let go, in a forked child, of what belongs to the parent."""
        self.lock = make_lock()
        self.open = ()
        for store in self.stores.values():
            store.after_fork()


def called(store: BaseJobStore, method: Any, *args: Any) -> Any:
    """Call a method of a store, one caller at a time where the store needs that."""
    if store.is_thread_safe:
        return method(*args)
    with store.guard:
        return method(*args)
