"""
A lean pool of threads.

`concurrent.futures` makes a Future with a Condition for every call and wakes a thread for every submission. Here a
worker takes item after item from one C-implemented queue and sleeps only when that is empty; the end of an item is
told by the item itself. That makes a burst of short runs several times cheaper (`benchmarks/`).
"""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from queue import SimpleQueue
from threading import Event, Thread, current_thread

from apscheduler_lite._guarded_logger import logger_named
from apscheduler_lite._locks import make_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Worker(Protocol):
        """What one thread of the pool does with the items; made, used and closed on that thread."""

        def run(self, item: Any) -> None: ...
        def report(self, item: Any) -> None: ...
        def close(self) -> None: ...


__all__ = ["WorkerThreads"]

_logger = logger_named("apscheduler_lite.executors")


class WorkerThreads:
    """
    Run items on up to `max_workers` threads, which are started as they are needed and kept.

    The threads are daemons: the scheduler drains them when the interpreter exits.
    """

    def __init__(
        self, max_workers: int, make_worker: Callable[[], Worker], name: str, on_end: Callable[[], None] | None = None
    ) -> None:
        self.max_workers = max_workers
        self._make_worker = make_worker
        self._name = name
        self._on_end = on_end  # called by the last thread
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._lock = make_lock()  # a signal handler may interrupt the thread that holds it and shut the pool down
        self._threads: list[_WorkerThread] = []
        self._numbers = count()
        self._alive = 0
        self._unfinished = 0
        self._is_closed = False

    def submit(self, item: Any) -> None:
        """
        Queue an item.

        Raises:
            RuntimeError: the pool is closed, or it has no thread and none can be started.
        """
        # All of it under the lock: an item that came into the queue after a shutdown would never be taken out.
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"the worker threads of {self._name} have been shut down")
            if self._unfinished >= len(self._threads) < self.max_workers:
                self._start_thread()
            self._unfinished += 1
            self._queue.put(item)

    def _start_thread(self) -> None:
        thread = _WorkerThread(target=self._work, name=f"{self._name}_{next(self._numbers)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._threads:
                raise
            return  # the threads that there are will come to it
        self._threads.append(thread)
        self._alive += 1

    def free(self) -> int:
        """Return how many more items would be begun at once."""
        return max(0, self.max_workers - self._unfinished)

    def is_own(self, thread: Thread) -> bool:
        """Return whether a thread is one of the pool's."""
        return thread in self._threads

    def _work(self) -> None:
        take = self._queue.get
        thread: Any = current_thread()
        thread.worker = worker = self._make_worker()
        try:
            while True:
                item = take()
                if item is None:
                    return
                thread.item = item
                self._do(worker.run, item)
                # The worker is free before anybody hears of the end, so that whoever hears of it finds a free worker.
                with self._lock:
                    if thread.is_abandoned:
                        return
                    self._unfinished -= 1
                self._do(worker.report, item)
                # A waiting thread must not keep the last run's result alive.
                del item
                thread.item = None
        finally:
            worker.close()
            with self._lock:
                if not thread.is_abandoned:
                    self._alive -= 1
                is_last = not self._alive and self._is_closed and not thread.is_abandoned
            if is_last and self._on_end is not None:
                self._on_end()
            thread.left.set()

    @staticmethod
    def _do(step: Callable[[Any], None], item: Any) -> None:
        """Call one of a worker's methods, which should not raise; if it does, the thread stays for the next item."""
        try:
            step(item)
        except BaseException:  # also SystemExit: it would end this thread, and nothing else
            with suppress(Exception):
                _logger.exception("Error in a worker thread; it goes on with its next run")

    def worker_of(self, item: Any) -> Any:
        """Return the worker that is at work on the item, or None."""
        return next((thread.worker for thread in self._threads.copy() if thread.item is item), None)

    def abandon(self, item: Any) -> Thread | None:
        """
        Leave the thread that is at work on the item to itself, and have another one take its place.

        Returns:
            the thread, or None when none is at work on the item.
        """
        with self._lock:
            thread = next((each for each in self._threads if each.item is item), None)
            if thread is None:
                return None
            thread.is_abandoned = True
            self._threads.remove(thread)
            self._alive -= 1
            self._unfinished -= 1
            if self._is_closed or len(self._threads) < self._unfinished:
                self._start_thread()
        thread.left.set()
        return thread

    def shutdown(self, wait: bool = True, caller: Any = None) -> None:
        """
        Take nothing more, work off what is queued, end the threads; idempotent.

        Args:
            wait: return only when the threads have ended.
            caller: the item that this call is part of; its thread is not waited for.
        """
        is_left = False
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                for _ in self._threads:
                    self._queue.put(None)
                is_left = not self._alive and bool(next(self._numbers))  # all that it had have been abandoned
        if is_left and self._on_end is not None:
            self._on_end()
        # Asked again after each: a thread that is abandoned meanwhile is not waited for, but the one in its place is.
        while wait and (thread := self._one_to_wait_for(caller)) is not None:
            thread.left.wait()
            if not thread.is_abandoned:
                thread.join()

    def _one_to_wait_for(self, caller: Any) -> _WorkerThread | None:
        for thread in self._threads.copy():
            is_callers = thread is current_thread() or (caller is not None and thread.item is caller)
            if thread.is_alive() and not is_callers:
                return thread
        return None


class _WorkerThread(Thread):
    item: Any = None  # what it works on
    worker: Any = None
    is_abandoned = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.left = Event()  # set when it has ended, or has been abandoned
