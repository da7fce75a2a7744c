"""
Event loops for coroutines that are run from threads: one for all, not one for each.

What belongs to a loop, such as a pool of connections, can then be kept from one run of a job to the next.
"""

from __future__ import annotations

from ._locks import make_lock
from .runs import _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable
    from concurrent.futures import Future
    from typing import Any

    from .runs import Run

__all__ = ["LoopHere", "LoopThread", "run_on_new_loop", "settled"]


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def settled(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """
    Await it and return its result and what it raised.

    A task that raised SystemExit or KeyboardInterrupt would end its whole loop.
    """
    import asyncio

    try:
        return await awaitable, None
    except asyncio.CancelledError:
        raise
    except BaseException as exc:
        return None, exc


def run_on_new_loop(awaitable: Awaitable[Any]) -> Any:
    """Await it in this thread, on a loop of its own, and return its result."""
    import asyncio

    return asyncio.run(_awaited(awaitable))


def _close(awaitable: Any) -> None:
    """Close a coroutine that will not be awaited, about which the interpreter would complain."""
    if hasattr(awaitable, "close"):
        awaitable.close()


class LoopHere:
    """
    One event loop, which is run in whichever thread has something to await, for one awaitable at a time.

    It is made by the first one. What is to be awaited while it is busy gets a loop of its own.
    """

    def __init__(self) -> None:
        self._lock = make_lock()
        self._runner: Any = None
        self._is_busy = False
        self._is_closed = False

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Await it in this thread and return its result."""
        import asyncio
        from contextvars import copy_context

        with self._lock:
            is_free = not (self._is_busy or self._is_closed)
            self._is_busy = self._is_busy or is_free
        if not is_free:
            return run_on_new_loop(awaitable)
        try:
            self._runner = self._runner or asyncio.Runner()
            # In the caller's context, so that current_run() answers in the coroutine too.
            retval, exc = self._runner.run(settled(awaitable), context=copy_context())
        finally:
            self._end_run()
        if exc is not None:
            raise exc
        return retval

    def _end_run(self) -> None:
        with self._lock:
            self._is_busy = False
            if self._is_closed:
                self.close()

    def close(self) -> None:
        """Close the loop, now or when it is no longer busy."""
        with self._lock:
            self._is_closed = True
            if self._is_busy:
                return
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


class LoopThread:
    """
    One thread with an event loop, on which the coroutine jobs of an executor run.

    It is started by the first coroutine and costs nothing before that.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = make_lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: Any = None
        self._tasks: dict[Run | None, Task[Any] | None] = {}  # of the runs that wait; None before their first step

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Await it on the loop and return its result; block this thread meanwhile."""
        import asyncio
        from concurrent.futures import Future
        from contextvars import copy_context

        run = _current.get()
        loop = self._running_loop()
        self._register(run, awaitable)
        # The task runs in the caller's context, so that current_run() answers in the coroutine too.
        context = copy_context()
        finished: Future[Any] = Future()

        def begin() -> None:
            task = loop.create_task(settled(awaitable), context=context)
            if run is not None:
                self._tasks[run] = task
                if run.stopped_by is not None:
                    task.cancel()
            task.add_done_callback(hand_over)

        def hand_over(task: Task[tuple[Any, BaseException | None]]) -> None:
            self._tasks.pop(run, None)
            if task.cancelled():
                _close(awaitable)  # it may not have had its first step
            finished.set_result((None, asyncio.CancelledError()) if task.cancelled() else task.result())

        loop.call_soon_threadsafe(begin)
        retval, exc = finished.result()
        if exc is not None:
            raise exc
        return retval

    def _register(self, run: Run | None, awaitable: Awaitable[Any]) -> None:
        """Take note that a run waits here; raise when it has been told to stop."""
        if run is None:
            return
        run.held_by = self._thread.ident
        self._tasks[run] = None  # first of all: whoever stops the run sees that it is here, or is seen here
        if run.stopped_by is not None:
            del self._tasks[run]
            _close(awaitable)
            raise RuntimeError("the run was told to stop before this was awaited")

    def cancel(self, run: Run, why: BaseException) -> bool:
        """Tell a run to stop, and cancel what it waits for; return whether it waits for something here."""
        run.stopped_by = why
        loop = self._loop
        if loop is None or run not in self._tasks:
            return False
        loop.call_soon_threadsafe(self._cancel, run)
        return True

    def _cancel(self, run: Run) -> None:
        task = self._tasks.get(run)
        if task is not None:
            task.cancel()

    def _running_loop(self) -> AbstractEventLoop:
        import asyncio
        from threading import Thread

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Cancel what still runs and end the thread; it starts again at the next coroutine."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None:
            return
        import asyncio
        from threading import current_thread

        async def cancel_all() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await loop.shutdown_asyncgens()
            loop.stop()

        asyncio.run_coroutine_threadsafe(cancel_all(), loop)
        if thread is not current_thread():
            thread.join()
            loop.close()
