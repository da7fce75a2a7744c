"""Our executors, and some as users of APScheduler 3 may have written them, pass the suite for executors."""

from __future__ import annotations

import asyncio
import concurrent.futures
from threading import Thread, current_thread

from apscheduler_lite.executors.asyncio import AsyncIOExecutor
from apscheduler_lite.executors.base import BaseExecutor, run_coroutine_job, run_job
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import BasePoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.testing.executor_contract import ExecutorContract


class TestThreadPoolExecutor(ExecutorContract):
    """Threads of this process."""

    def make_executor(self, cls=None):
        return (cls or ThreadPoolExecutor)(2)


class TestProcessPoolExecutor(ExecutorContract):
    """Processes, forked: the fastest to start."""

    runs_elsewhere = True
    has_loop = False

    def make_executor(self, cls=None):
        return (cls or ProcessPoolExecutor)(2, {"mp_context": "fork"})


class TestDebugExecutor(ExecutorContract):
    """The thread that hands the run over."""

    workers = 1
    runs_at_once = True

    def make_executor(self, cls=None):
        return (cls or DebugExecutor)()


class TestAsyncIOExecutor(ExecutorContract):
    """An event loop and threads beside it."""

    def setup_method(self):
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        super().setup_method()

    def teardown_method(self):
        super().teardown_method()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def make_scheduler(self):
        recorder = super().make_scheduler()
        recorder._eventloop = self.loop
        return recorder

    def make_executor(self, cls=None):
        return (cls or AsyncIOExecutor)(2)


class TestPoolOfTheStandardLibrary(ExecutorContract):
    """A pool that the user has made."""

    workers = None
    restarts = False
    has_loop = False

    def make_executor(self, cls=None):
        return (cls or BasePoolExecutor)(concurrent.futures.ThreadPoolExecutor(2))


class TestProcessPoolOfTheStandardLibrary(ExecutorContract):
    """The same with processes."""

    workers = None
    restarts = False
    runs_elsewhere = True
    has_loop = False

    def make_executor(self, cls=None):
        return (cls or BasePoolExecutor)(concurrent.futures.ProcessPoolExecutor(2, max_tasks_per_child=None))


class ThreadsOfVersion3(BaseExecutor):
    """An executor written against version 3's documentation, and nothing else."""

    def start(self, scheduler, alias):
        super().start(scheduler, alias)
        self.threads = []

    def shutdown(self, wait=True):
        for thread in getattr(self, "threads", ()) if wait else ():
            if thread is not current_thread():
                thread.join()

    def _do_submit_job(self, job, run_times):
        def work():
            try:
                if asyncio.iscoroutinefunction(job.func):
                    events = asyncio.run(
                        run_coroutine_job(job, job._jobstore_alias, run_times, self._logger.name),
                    )
                else:
                    events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
            except BaseException as exc:
                self._run_job_error(job.id, exc, exc.__traceback__)
            else:
                self._run_job_success(job.id, events)

        thread = Thread(target=work)
        self.threads.append(thread)
        thread.start()


class TestExecutorOfVersion3(ExecutorContract):
    """What an executor of version 3 lacks, `BaseExecutor` adds."""

    workers = None
    has_loop = False

    def make_executor(self, cls=None):
        return (cls or ThreadsOfVersion3)()
