"""What is due in a persistent store is claimed when a worker is free for it: neither before nor later."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler
from apscheduler_lite.executors.asyncio import AsyncIOExecutor
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.testing import ManualClock
from tests.faults.foreign_stores import CopyStore, LiveStore
from tests.recording import note, times_of
from tests.waiting import wait_until


@pytest.mark.parametrize("store", ["copies", "live", "sqlite"])
def test_a_worker_that_another_stores_run_frees_is_used_at_once(store, tmp_path):
    """A run that waits for a worker starts when one is free, whichever store's run has held it; no clock is needed."""
    key = f"freed {store}"
    if store == "sqlite":
        from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore

        made = SQLAlchemyJobStore(f"sqlite:///{tmp_path / 'jobs.db'}", poll_interval=None)
    else:
        made = {"copies": CopyStore, "live": LiveStore}[store]()
    scheduler = BackgroundScheduler(
        timezone="UTC", clock=ManualClock(), executors={"default": ThreadPoolExecutor(1)}, jobstores={"other": made}
    )
    go_on = Event()
    scheduler.start()
    scheduler.add_job(go_on.wait, args=[15])
    wait_until(lambda: scheduler._runs)
    scheduler.add_job(note, args=[key], jobstore="other")
    go_on.set()
    wait_until(lambda: times_of(key), what="the run in the other store")
    scheduler.shutdown()

    assert len(times_of(key)) == 1


def test_an_asyncio_executor_claims_as_many_plain_jobs_as_it_has_threads():
    """The others stay due in the store, where other processes see them."""
    go_on = Event()

    async def main():
        scheduler = AsyncIOScheduler(
            timezone="UTC", jobstores={"default": CopyStore()}, executors={"default": AsyncIOExecutor(2)}
        )
        scheduler.start(paused=True)
        for number in range(6):
            scheduler.add_job(hold, args=[number], id=str(number))
        held.append(go_on)
        scheduler.resume()
        await asyncio.to_thread(wait_until, lambda: len(scheduler._runs) == 2)
        await asyncio.sleep(0.1)
        left = len(scheduler.get_jobs())
        go_on.set()
        await asyncio.to_thread(wait_until, lambda: not scheduler.get_jobs())
        await scheduler.shutdown()
        return left

    assert asyncio.run(main()) == 4


held: list[Event] = []


def hold(number):
    """Wait for the event."""
    held[0].wait(15)


together: list = []


async def gather_with(count):
    """End when so many have begun."""
    together.append(True)
    while len(together) < count:  # noqa: ASYNC110 - an Event would belong to one loop
        await asyncio.sleep(0.01)


def test_coroutines_need_no_thread():
    """Any number of coroutine jobs of a persistent store may be in progress, however few threads there are."""

    async def main():
        scheduler = AsyncIOScheduler(
            timezone="UTC", jobstores={"default": CopyStore()}, executors={"default": AsyncIOExecutor(2)}
        )
        scheduler.start(paused=True)
        for number in range(9):
            scheduler.add_job(gather_with, args=[9], id=str(number))
        scheduler.resume()
        await asyncio.to_thread(wait_until, lambda: not scheduler.get_jobs() and not scheduler._runs)
        await scheduler.shutdown()

    asyncio.run(main())

    assert len(together) == 9
