"""How a scheduler opens and closes its executors and stores."""

from __future__ import annotations

from apscheduler_lite._interrupts import ends_program

from ._equipment import Equipment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.executors.base import BaseExecutor
    from apscheduler_lite.job import Job
    from apscheduler_lite.jobstores.base import BaseJobStore
    from apscheduler_lite.runs import Run

__all__ = ["Opening"]


class Opening(Equipment):
    """A scheduler whose equipment can be opened and closed."""

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._runs: set[Run] = set()  # handed to an executor and not yet told of
        self._unclosed: dict[str, BaseJobStore] = {}  # stores that wait for the end of the last run
        self._is_closing = False

    def _open(self) -> list[tuple[str, Job]]:
        """Start executors and stores and add the pending jobs; undo it all when one of them fails."""
        if "default" not in self._executors:
            self.add_executor(self._create_default_executor(), "default")
        if "default" not in self._catalog.stores:
            self.add_jobstore(self._create_default_jobstore(), "default")
        for alias in self._catalog.pending:
            self._catalog.store(alias)
        begun: list[BaseExecutor | BaseJobStore] = []
        try:
            self._start_each(self._executors, begun)
            begun.extend(self._kept_open())
            self._start_each(self._catalog.stores, begun)
            added: list[tuple[str, Job]] = []
            for alias, store in list(self._catalog.stores.items()):
                self._open_store(alias, store)
                added.extend((alias, job) for job in self._add_pending(alias))
        except BaseException:
            self._catalog.end_use()
            for each in reversed(begun):
                self._guarded(f"shutting down {each!r}", each.shutdown)
            raise
        return added

    def _kept_open(self) -> list[BaseJobStore]:
        """Return the stores that have not been closed since the last start, because runs of it are in progress."""
        with self._lock:
            self._changed.wait_for(lambda: not self._is_closing)
            kept, self._unclosed = list(self._unclosed.values()), {}
        return [store for store in kept if store in self._catalog.stores.values()]

    def _start_each(self, by_alias: dict[str, Any], begun: list[BaseExecutor | BaseJobStore]) -> None:
        """Start executors or stores, those included that one of them adds while it is started."""
        while True:
            waiting = [(alias, each) for alias, each in by_alias.items() if each not in begun]
            if not waiting:
                return
            for alias, each in waiting:
                each.start(self, alias)
                begun.append(each)

    def _open_store(self, alias: str, store: BaseJobStore) -> None:
        if alias in self._catalog.to_be_emptied:
            with store.guard:
                store.remove_all_jobs()
            self._catalog.to_be_emptied.discard(alias)
        self._catalog.begin_use(alias, store)

    def _add_pending(self, alias: str) -> list[Job]:
        """Add the jobs that waited for a store; they wait on when it does not take them."""
        waiting = self._catalog.take_pending(alias)
        if not waiting:
            return []
        try:
            return self._catalog.add(waiting, alias, self.clock.now())
        except BaseException:
            self._catalog.put_back([(alias, waiting)])
            raise

    def _shut(self, *, wait: bool) -> None:
        for alias, executor in list(self._executors.items()):
            self._guarded(f'shutting down executor "{alias}"', executor.shutdown, wait)
        self._catalog.end_use()
        with self._lock:
            self._unclosed = dict(self._catalog.stores)
        self._close_stores()

    def _close_stores(self) -> None:
        """Close the stores of a stopped scheduler once they have been told of the end of its last run."""
        with self._lock:
            if self._runs or self._is_closing or not self._unclosed:
                return
            self._is_closing = True
        for alias, store in self._unclosed.items():
            self._guarded(f'shutting down job store "{alias}"', store.shutdown)
            store.detach()
        with self._lock:
            self._unclosed, self._is_closing = {}, False
            self._changed.notify_all()

    def _guarded(self, what: str, call: Any, *args: Any) -> None:
        try:
            call(*args)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception("Error %s", what)
