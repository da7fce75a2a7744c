"""The executor on foreign pools passes the suite for executors, whatever the pool."""

from __future__ import annotations

import concurrent.futures
from multiprocessing import get_context

import pytest

from apscheduler_lite.executors.futures import FuturesExecutor
from apscheduler_lite.testing.executor_contract import ExecutorContract


class TestOnThreads(ExecutorContract):
    """A pool of threads that is given, and stays open."""

    has_loop = False

    def make_executor(self, cls=None):
        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        return (cls or FuturesExecutor)(self.pool)

    def teardown_method(self):
        super().teardown_method()
        self.pool.shutdown()


class TestOnProcesses(ExecutorContract):
    """A pool of processes that a factory makes."""

    has_loop = False

    runs_elsewhere = True

    def make_executor(self, cls=None):
        return (cls or FuturesExecutor)(
            "concurrent.futures:ProcessPoolExecutor", max_workers=2, mp_context=get_context("fork")
        )


class TestOnLoky(ExecutorContract):
    """loky's processes, which its users share within a process; its pickler holds functions without a name."""

    runs_elsewhere = True
    carries_functions = True
    has_loop = False

    def make_executor(self, cls=None):
        pytest.importorskip("loky", reason="loky is not installed")
        return (cls or FuturesExecutor)("loky:get_reusable_executor", max_workers=2)
