"""
From one process to many machines.

A thousand calls of a function that does nothing, by an engine alone and through a scheduler with a memory store in
front of it: a ratio of 1 would mean that the scheduler costs nothing. (Dask's own scheduler runs in the calling process
here.) Then what one PostgreSQL carries: 4,000 jobs that
are due in the same second, claimed, run and recorded by several processes with ten threads each, or by one with two
stores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from importlib import import_module
from itertools import count
from multiprocessing import get_context
from statistics import median
from time import perf_counter, process_time
from typing import Any

from apscheduler_lite import BackgroundScheduler, BlockingScheduler, SQLAlchemyJobStore
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from benchmarks.measuring import Row, in_process_of_its_own

CALLS = 1_000
JOBS = 4_000
WORKERS = 2
ENGINES = ("processes", "loky", "Dask")
NAMES = {"processes": "`concurrent.futures` processes", "loky": "loky", "Dask": "Dask"}


def rows() -> Iterator[Row]:
    """Yield the rows."""
    for engine in ENGINES:
        results: dict[Any, list[list[float]]] = {alone: [], through_us: []}
        for number in range(5):
            for subject in results if number % 2 else reversed(results):
                results[subject].append(in_process_of_its_own(subject, engine))
        (ours, our_cpu), (theirs, their_cpu) = (
            [median(values) for values in zip(*results[subject], strict=True)] for subject in (through_us, alone)
        )
        peer = f"{NAMES[engine]} alone"
        what = f"{NAMES[engine]}, {WORKERS} workers: {CALLS:,} no-op calls"
        yield Row(what=what, unit="runs/s", ours=CALLS / ours, theirs=CALLS / theirs, peer=peer)
        what = "the same: CPU of the calling process per run"
        yield Row(what=what, unit="µs", ours=our_cpu / CALLS * 1e6, theirs=their_cpu / CALLS * 1e6, peer=peer)
    if os.environ.get("TEST_POSTGRES_URL"):
        for processes, stores in ((1, 1), (2, 1), (4, 1), (1, 2)):
            seconds = median(shared(processes, stores) for _ in range(3))
            what = f"PostgreSQL: {counted(processes, 'scheduler')} on {counted(stores, 'table')}, `prefetch=100`"
            yield Row(what=what, unit="runs/s", ours=JOBS / seconds)


def counted(number: int, word: str) -> str:
    """Return a number of things, in words."""
    return f"{number} {word}{'' if number == 1 else 's'}"


# -- the engines -------------------------------------------------------------------------------------------------------


def nothing() -> None:
    """Do nothing."""


class Engine:
    """One of the engines, with its workers started."""

    def __init__(self, name: str) -> None:
        self.executor: dict[str, Any]
        self._submit: Callable[[], Any]
        self._wait: Callable[[list[Any]], Any]
        self._close: Callable[[], Any]
        if name == "Dask":
            distributed: Any = import_module("distributed")
            self._cluster = distributed.LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0")
            self._client = distributed.Client(self._cluster)
            self._close = self._cluster.close
            self._submit = lambda: self._client.submit(nothing, pure=False)
            self._wait = self._client.gather
            self.executor = {"type": "dask", "address": self._client, "prefetch": 100}
        else:
            if name == "loky":
                pool: Any = import_module("loky").get_reusable_executor(max_workers=WORKERS)
            else:
                pool = ProcessPoolExecutor(WORKERS, mp_context=get_context("fork"))
            self._close = pool.shutdown
            self._submit = lambda: pool.submit(nothing)
            self._wait = lambda futures: [future.result() for future in futures]
            self.executor = {"type": "futures", "executor": pool, "prefetch": 100}
        self.call(WORKERS)

    def call(self, number: int) -> None:
        """Have the function called so often, and wait for the results."""
        self._wait([self._submit() for _ in range(number)])

    def close(self) -> None:
        """End the workers."""
        self._close()


def alone(name: str) -> list[float]:
    """Return the seconds, and those of CPU, that an engine takes for the calls."""
    engine = Engine(name)
    begin, cpu = perf_counter(), process_time()
    engine.call(CALLS)
    result = [perf_counter() - begin, process_time() - cpu]
    engine.close()
    return result


def through_us(name: str) -> list[float]:
    """Return the same of as many due jobs through a scheduler."""
    engine = Engine(name)
    done = threading.Event()
    left = count(CALLS - 1, -1)
    scheduler = BackgroundScheduler(timezone="UTC", executors={"default": engine.executor})

    def note(event: JobExecutionEvent) -> None:
        if event.code != EVENT_JOB_EXECUTED or not next(left):
            done.set()

    scheduler.add_listener(note, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start(paused=True)
    executor = scheduler._executors["default"]
    while not executor.capacity():
        done.wait(0.05)
    scheduler.add_jobs([{"func": nothing} for _ in range(CALLS)])
    begin, cpu = perf_counter(), process_time()
    scheduler.resume()
    if not done.wait(120):
        raise TimeoutError("the runs did not end")
    result = [perf_counter() - begin, process_time() - cpu]
    scheduler.shutdown()
    engine.close()
    return result


# -- schedulers on one database ----------------------------------------------------------------------------------------


def shared(processes: int, stores: int) -> float:
    """Return the seconds from the jobs' common due time to the end of the last run."""
    from sqlalchemy import create_engine, text

    url = os.environ["TEST_POSTGRES_URL"]
    tables = [f"bench_{os.urandom(4).hex()}" for _ in range(stores)]
    due = datetime.now(timezone.utc) + timedelta(seconds=8)
    adding = BackgroundScheduler(jobstores={name: SQLAlchemyJobStore(url, tablename=name) for name in tables})
    for table in tables:
        job = {"func": "benchmarks.engines:nothing", "trigger": "date", "run_date": due, "jobstore": table}
        adding.add_jobs([dict(job) for _ in range(JOBS // stores)])
    command = [sys.executable, "-m", "benchmarks.engines", json.dumps({"url": url, "tables": tables})]
    running = [subprocess.Popen(command) for _ in range(processes)]
    engine = create_engine(url)
    try:
        while True:
            threading.Event().wait(0.5)
            with engine.connect() as connection:
                counts = [
                    connection.execute(text(f"SELECT COUNT(finished), MAX(finished) FROM {table}_runs")).one()
                    for table in tables
                ]
            if sum(row[0] for row in counts) == JOBS:
                return float(max(row[1] for row in counts) / 1e6 - due.timestamp())
            if datetime.now(timezone.utc) > due + timedelta(seconds=120):
                raise TimeoutError("the runs did not end")
    finally:
        for process in running:
            process.terminate()
            process.wait()
        with engine.begin() as connection:
            for table in tables:
                connection.execute(text(f"DROP TABLE {table}, {table}_runs, {table}_schedulers, {table}_meta"))
        engine.dispose()


def main() -> None:
    """Run one of the processes, until it gets a signal."""
    settings = json.loads(sys.argv[1])
    BlockingScheduler(
        timezone="UTC",
        jobstores={name: SQLAlchemyJobStore(settings["url"], tablename=name) for name in settings["tables"]},
        executors={"default": {"type": "threadpool", "max_workers": 10, "prefetch": 100}},
        handle_signals=True,
    ).start()


if __name__ == "__main__":
    main()
