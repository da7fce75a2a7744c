"""
The scheduler for programs that live on an asyncio event loop.

The passes are made on a thread, as those of the background scheduler, so that a slow store never holds up the loop.
What the user sees happens on the loop: coroutine jobs, and the events of the runs.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from contextvars import ContextVar, copy_context
from threading import Event, Thread

from apscheduler_lite._interrupts import ends_program
from apscheduler_lite._options import check_waiting
from apscheduler_lite._references import name_of, resolve
from apscheduler_lite._running import run_awaitable
from apscheduler_lite._text import shorten

from ._life import LOOK_EVERY, STATE_STOPPED, Bound
from ._on_thread import OnThread
from .base import BaseScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Coroutine, Generator
    from typing import Any, Self

    from apscheduler_lite.events import SchedulerEvent
    from apscheduler_lite.executors.base import BaseExecutor

__all__ = ["AsyncIOScheduler"]


HEARD_WITHIN = 1.0
"""Seconds for which a shutdown on another thread waits until the loop has called the listeners."""


_listening: ContextVar[object] = ContextVar("listening", default=None)
"""The task that awaits what a listener returned, in everything that is done there."""


class _Done:
    """What `shutdown` returns when there is nothing to wait for: awaiting it goes on at once."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class AsyncIOScheduler(OnThread):
    """
    Run jobs on an asyncio event loop: coroutine functions on the loop itself, plain functions on threads beside it.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords. Beside the general ones: ``event_loop``, the loop to use; by default the one
            that is running when `start` is called.
    """

    _own_options = ("event_loop",)
    _eventloop: AbstractEventLoop | None = None
    _given_loop: AbstractEventLoop | None = None

    def _configure(self, config: dict[str, Any]) -> None:
        loop = config.pop("event_loop", None)
        if isinstance(loop, (str, bytes)):
            loop = resolve(loop, "event_loop")
        if loop is not None and not callable(getattr(loop, "call_soon_threadsafe", None)):
            raise TypeError(f"event_loop must be an asyncio event loop, not {shorten(loop)}")
        BaseScheduler._configure(self, config)
        self._given_loop = loop
        self._listeners.run_awaitable = self._run_awaitable
        self._listeners.run_deferred_awaitable = self._run_deferred_awaitable

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler_lite.executors.asyncio import AsyncIOExecutor

        return AsyncIOExecutor()

    def start(self, paused: bool = False) -> None:
        """
        Start on the running event loop, or on the one given as ``event_loop``, which may start to run later.

        Raises:
            RuntimeError: no loop is running and none was given; or a shutdown that nobody has awaited waits for runs
                on this very loop.
            SchedulerAlreadyRunningError: it is running.
        """
        if self._is_on_loop():
            self._let_shutdown_end()
        if self._phase == "stopped":
            self._eventloop = self._given_loop or self._running_loop()
        super().start(paused)

    def _let_shutdown_end(self) -> None:
        """Wait, for a moment, for a shutdown that goes on; not for ever, since it may be waiting for this loop."""
        with self._lock:
            if self._is_inside() or self._changed.wait_for(lambda: not self._is_ending(), HEARD_WITHIN):
                return
        raise RuntimeError(
            "the scheduler is still shutting down, and waits for runs on this event loop: write  await"
            " scheduler.shutdown()  before start()"
        )

    @staticmethod
    def _running_loop() -> AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "AsyncIOScheduler.start() found no running event loop: call it inside a coroutine (async def main():"
                " scheduler.start()),"
                " or pass the loop that you will run as event_loop="
            ) from None

    # -- shutdown ----------------------------------------------------------------------------------------------

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> Awaitable[None]:
        """
        Stop: claim nothing more, let the runs in progress end, close executors and stores.

        On the loop, await what this returns to wait for the runs in progress; without ``await`` they end by and by
        while the loop runs. Elsewhere the call itself waits.

        Args:
            wait: let the runs in progress end first.
            timeout: seconds to wait for them at the longest; None for any time.

        Raises:
            SchedulerNotRunningError: it has never been started.
            TypeError, ValueError: an argument is wrong; it goes on.
        """
        check_waiting(wait, timeout)
        loop = self._eventloop
        # One that itself waits for a shutdown is waited for by nobody: two of them would wait for each other.
        self._listening.discard(_listening.get())
        is_over = self._phase == "stopped" and not (wait and (self._runs or self._listening or self._is_busy()))
        if loop is None or is_over or not self._is_on_loop():
            super().shutdown(wait, timeout)
            if loop is not None and not wait:
                self._is_heard(loop, Bound(HEARD_WITHIN))
            return _Done()
        with self._lock:
            # Said now, so that nothing is claimed from here on; the waiting is done on a thread, for the loop must go
            # on.
            if self._phase == "started":
                self._state = STATE_STOPPED
        self._alarm.ring()
        return self._shut_down_beside(loop, wait, timeout)

    def _shut_down_beside(self, loop: AbstractEventLoop, wait: bool, timeout: float | None) -> Awaitable[None]:
        """Shut down on a thread of its own, since the loop's may all be waiting for something that waits for this."""
        ended: asyncio.Future[None] = loop.create_future()

        def end(exc: BaseException | None) -> None:
            if ended.cancelled():
                return
            if exc is None:
                ended.set_result(None)
            else:
                ended.set_exception(exc)

        def stop() -> None:
            caught: BaseException | None = None
            try:
                BaseScheduler.shutdown(self, wait, timeout)
            except BaseException as exc:
                caught = exc
            with suppress(RuntimeError):  # nobody waits any more: the loop is closed
                loop.call_soon_threadsafe(end, caught)

        # In this context, so that a job which calls this is known there as the run not to wait for.
        Thread(target=copy_context().run, args=(stop,), name="APScheduler shutdown", daemon=True).start()
        return ended

    _look_every = LOOK_EVERY

    def _give_up_lost_runs(self) -> None:
        """Report the runs whose loop has stopped under them: they cannot end any more."""
        loop = self._eventloop
        if loop is not None and not loop.is_running():
            from apscheduler_lite.executors.asyncio import AsyncIOExecutor

            for executor in list(self._executors.values()):
                if isinstance(executor, AsyncIOExecutor):
                    executor.give_up()

    async def __aenter__(self) -> Self:
        """Start."""
        if not self.running:
            self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Shut down, and wait for the runs in progress."""
        await self.shutdown()

    # -- a loop that is no more --------------------------------------------------------------------------------

    def _process_jobs(self) -> float | None:
        loop = self._eventloop
        if loop is not None and loop.is_closed() and self._phase == "started":
            self._logger.error(
                "The event loop of this scheduler has been closed, so it stops; await scheduler.shutdown() before that",
                extra={"action": "loop_closed"},
            )
            super().shutdown(wait=False)
            return None
        return super()._process_jobs()

    # -- events ------------------------------------------------------------------------------------------------

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._eventloop
        except RuntimeError:
            return False

    def _refuse_to_block(self) -> None:
        super()._refuse_to_block()
        if self._is_on_loop():
            raise RuntimeError(
                "the event loop cannot wait for its own scheduler: write  await clock.advance_async(...)"
            )

    def _tell(self, event: SchedulerEvent) -> None:
        """Deliver an event of the loop or of a run on the event loop, in order."""
        loop = self._eventloop
        if loop is None or loop.is_closed() or self._is_on_loop() or (self._is_leaving and not loop.is_running()):
            self._dispatch_event(event)
            return
        try:
            loop.call_soon_threadsafe(self._dispatch_event, event)
        except RuntimeError:  # closed in this very moment
            self._dispatch_event(event)

    def _hear_out(self, bound: Bound) -> None:
        """Wait until the listeners have heard all events: those the loop calls or awaits, and the deferred ones."""
        loop = self._eventloop
        if self._is_on_loop():
            return  # it would have to wait for itself
        if loop is not None and self._is_heard(loop, bound) and self._listening:
            with suppress(RuntimeError):  # closed in this very moment
                self._wait_on_loop(loop, self._finish_listening(), bound)
        if _listening.get() is None:  # or it may be one of the deferred ones that calls this
            super()._hear_out(bound)

    def _is_heard(self, loop: AbstractEventLoop, bound: Bound) -> bool:
        """Wait, for a moment, until the loop has told the listeners all events; return whether it has."""
        if not loop.is_running() or self._is_on_loop():
            return False
        heard = Event()
        with suppress(RuntimeError):  # closed in this very moment
            loop.call_soon_threadsafe(heard.set)
            # No longer than that, since the loop may be waiting for this very thread.
            return heard.wait(bound.at_most(HEARD_WITHIN))
        return False

    async def _finish_listening(self) -> None:
        """Await what listeners do on the loop."""
        while self._listening:  # from which those go that begin to wait for a shutdown
            await asyncio.wait(self._listening.copy(), timeout=LOOK_EVERY)

    @staticmethod
    def _wait_on_loop(loop: AbstractEventLoop, coroutine: Coroutine[Any, Any, None], bound: Bound | None) -> None:
        """Await it on the loop and block this thread meanwhile; no longer than the loop runs."""
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:
            coroutine.close()
            raise
        while loop.is_running() and (bound is None or bound.left != 0):
            done, _ = wait_for_futures([future], LOOK_EVERY if bound is None else bound.at_most(LOOK_EVERY))
            if done:
                return
        future.cancel()

    def _run_awaitable(self, awaitable: Awaitable[Any], listener: object) -> None:
        """Have the loop await what a listener returned."""
        loop = self._eventloop
        if loop is None or not loop.is_running():
            run_awaitable(awaitable, listener)
        elif self._is_on_loop():
            self._listen(awaitable, listener, loop)
        else:
            loop.call_soon_threadsafe(self._listen, awaitable, listener, loop)

    def _listen(self, awaitable: Awaitable[Any], listener: object, loop: AbstractEventLoop) -> None:
        task = loop.create_task(self._heard(awaitable, listener))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def _heard(self, awaitable: Awaitable[Any], listener: object) -> None:
        _listening.set(asyncio.current_task())
        try:
            await awaitable
        except asyncio.CancelledError:
            raise
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._logger.exception("Error in listener %s", name_of(listener))

    def _run_deferred_awaitable(self, awaitable: Awaitable[Any], listener: object) -> None:
        """Have the loop await what a deferred listener returned, and wait for it on the listener's thread."""
        loop = self._eventloop
        if loop is None or not loop.is_running():
            run_awaitable(awaitable, listener)
        else:
            self._wait_on_loop(loop, self._heard(awaitable, listener), None)

    def _begin_stopped(self) -> None:
        super()._begin_stopped()
        self._listening: set[Any] = set()  # tasks that await what listeners returned
