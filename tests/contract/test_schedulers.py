"""Our schedulers pass the suite for schedulers."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler
from apscheduler_lite.testing.scheduler_contract import SchedulerContract


class TestBackgroundScheduler(SchedulerContract):
    """Beside the program."""

    def make_scheduler(self, **options):
        return BackgroundScheduler(**options)


class TestBlockingScheduler(SchedulerContract):
    """All that the program does; here on a thread of its own."""

    start_blocks = True

    def make_scheduler(self, **options):
        return BlockingScheduler(**options)


class TestAsyncIOScheduler(SchedulerContract):
    """On an event loop, which runs on a thread of its own."""

    def new_event_loop(self):
        return asyncio.new_event_loop()

    def make_scheduler(self, **options):
        return AsyncIOScheduler(**options)

    def begin(self, scheduler, *, paused=False):
        async def start():
            scheduler.start(paused=paused)

        asyncio.run_coroutine_threadsafe(start(), self.loop).result(20)

    def flush(self):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(20)

    def setup_method(self):
        self.loop = self.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        super().setup_method()

    def teardown_method(self):
        super().teardown_method()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


class TestAsyncIOSchedulerOnUvloop(TestAsyncIOScheduler):
    """On one of uvloop's."""

    def new_event_loop(self):
        return pytest.importorskip("uvloop").new_event_loop()
