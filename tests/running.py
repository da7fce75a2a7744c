"""Schedulers of every kind, started as their users start them, for tests that hold for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler
from apscheduler_lite.schedulers.base import BaseScheduler

from .waiting import wait_until

__all__ = ["KINDS", "in_thread", "loop_in_thread", "make", "one_after_another", "running"]

KINDS = ["background", "blocking", "asyncio"]
_CLASSES: dict[str, type[BaseScheduler]] = {
    "asyncio": AsyncIOScheduler,
    "background": BackgroundScheduler,
    "blocking": BlockingScheduler,
}


def make(kind: str, **options: Any) -> BaseScheduler:
    """Return a scheduler of that kind in UTC, not yet started."""
    return _CLASSES[kind](**{"timezone": "UTC", **options})


@contextmanager
def running(kind: str, prepare: Callable[[Any], object] | None = None, **options: Any) -> Iterator[Any]:
    """
    Run a scheduler of that kind for the length of the block.

    Args:
        kind: one of `KINDS`.
        prepare: called with the scheduler before it is started.
        options: what the scheduler is configured with.
    """
    scheduler = make(kind, **options)
    if prepare is not None:
        prepare(scheduler)
    with _started(kind, scheduler):
        try:
            yield scheduler
        finally:
            scheduler.shutdown(wait=False)


@contextmanager
def _started(kind: str, scheduler: Any) -> Iterator[None]:
    if kind == "blocking":
        thread = Thread(target=scheduler.start, daemon=True)
        thread.start()
        wait_until(lambda: scheduler.running, what="start of the scheduler")
        yield
        thread.join(15)
        assert not thread.is_alive(), "BlockingScheduler.start() has not returned"
    elif kind == "asyncio":
        with loop_in_thread() as loop:

            async def start() -> None:
                scheduler.start()

            asyncio.run_coroutine_threadsafe(start(), loop).result(15)
            yield
    else:
        scheduler.start()
        yield


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop on a thread for the length of the block."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(15)
        loop.close()


def one_after_another(*calls: Callable[[], object]) -> Callable[[], None]:
    """Return a function that makes the calls, for a thread."""

    def make_them() -> None:
        for call in calls:
            call()

    return make_them


def in_thread(function: Callable[..., Any], *args: Any, timeout: float = 15) -> Any:
    """Call it on a thread and return what it returns; fail when it takes too long, as a deadlock does."""
    answers: list[tuple[Any, BaseException | None]] = []

    def call() -> None:
        try:
            answers.append((function(*args), None))
        except BaseException as exc:
            answers.append((None, exc))

    Thread(target=call, daemon=True).start()
    wait_until(lambda: answers, timeout, f"return of {function}")
    answer, exc = answers[0]
    if exc is not None:
        raise exc
    return answer
