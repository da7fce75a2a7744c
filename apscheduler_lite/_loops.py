"""Event loops for what has to be awaited on behalf of a thread."""

from __future__ import annotations

from .runs import _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable
    from concurrent.futures import Future
    from typing import Any

    from .runs import Run

__all__ = ["LoopThread", "settled"]


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


def _close(awaitable: Any) -> None:
    """Close a coroutine that will not be awaited, about which the interpreter would complain."""
    if hasattr(awaitable, "close"):
        awaitable.close()


class LoopThread:
    """
    One thread with an event loop, on which the coroutine jobs of an executor run.

    It is started by the first coroutine and costs nothing before that.
    """

    def __init__(self, name: str) -> None:
        from threading import Lock

        self._name = name
        self._lock = Lock()
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
        if isinstance(exc, asyncio.CancelledError):
            raise RuntimeError("the coroutine was cancelled") from exc
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
