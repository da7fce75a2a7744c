"""
APScheduler 4.

Its last published version, 4.0.0a6, is an early one and another program than APScheduler 3: asynchronous, with a thread
that bridges to it. Both do the same by the interface that each gives to a program without an event loop.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.dispatch import BURST, burst
from benchmarks.measuring import Row, by_turns, in_fresh_process, in_process_of_its_own, speedup
from benchmarks.subjects import OURS, scheduler_of

PEER = "APScheduler 4"
PATH = str(Path(sys.prefix) / "apscheduler4")
JOBS = 1_000
IMPORT = """
import json, time
begin = time.perf_counter()
{statement}
print(json.dumps(time.perf_counter() - begin))
"""


def rows() -> Iterator[Row]:
    """Yield the rows."""
    ours, theirs, floor = by_turns(
        lambda: float(in_fresh_process(IMPORT.format(statement="import apscheduler_lite.schedulers.background"))),
        lambda: float(in_fresh_process(IMPORT.format(statement="from apscheduler import Scheduler"), path=PATH)),
        lambda: float(in_fresh_process(IMPORT.format(statement=floors.IMPORT))),
    )
    what = "import of the scheduler"
    yield Row(what=what, unit="ms", ours=ours * 1e3, theirs=theirs * 1e3, peer=PEER, floor=floor * 1e3)
    ours, theirs, floor = by_turns(alone(add), alone(add_to_peer), alone(add_least), rounds=5)
    yield speedup("`add_job` beside `add_schedule`, in memory", ours, theirs, peer=PEER, count=JOBS, floor=floor)
    ours, theirs, floor = by_turns(
        lambda: float(in_process_of_its_own(burst, OURS, "date", 0)[0]),
        alone(burst_of_peer),
        lambda: float(in_process_of_its_own(floors.burst, BURST, 0, 10)[0]),
        rounds=5,
    )
    what = "1,000 no-op jobs that are due at once"
    yield Row(what=what, unit="runs/s", ours=BURST / ours, theirs=BURST / theirs, peer=PEER, floor=BURST / floor)


def alone(function: Callable[..., Any]) -> Callable[[], float]:
    """Return what measures in a process of its own, in which the peer's name means this version."""
    return lambda: float(in_process_of_its_own(function, path=PATH))


# -- what runs in a process of its own ---------------------------------------------------------------------------------


def nothing() -> None:
    """Do nothing."""


def add() -> float:
    """Return how long it takes to add the jobs."""
    scheduler = scheduler_of(OURS)
    scheduler.start()
    begin = time.perf_counter()
    for _ in range(JOBS):
        scheduler.add_job(nothing, "interval", hours=1)
    took = time.perf_counter() - begin
    scheduler.shutdown()
    return took


def add_least() -> float:
    """Return how long it takes with nothing but a dict and a heap."""
    table, begin = floors.Table(), time.perf_counter()
    for number in range(JOBS):
        table.add_job(nothing, 3_600_000_000, f"{number:032x}", number)
    return time.perf_counter() - begin


def add_to_peer() -> float:
    """Return how long it takes the peer."""
    from apscheduler import Scheduler
    from apscheduler.triggers.interval import IntervalTrigger

    with Scheduler() as scheduler:
        begin = time.perf_counter()
        for _ in range(JOBS):
            scheduler.add_schedule(nothing, IntervalTrigger(hours=1))
        return time.perf_counter() - begin


def burst_of_peer() -> float:
    """Return the seconds from the start of the peer until so many due functions have run, ten at a time."""
    from apscheduler import Scheduler
    from apscheduler.triggers.date import DateTrigger

    done = threading.Event()
    left = iter(range(BURST - 1, -1, -1))

    def work() -> None:
        if not next(left):
            done.set()

    now = datetime.now(timezone.utc)
    with Scheduler(max_concurrent_jobs=10) as scheduler:
        scheduler.configure_task("work", func=work, job_executor="threadpool", max_running_jobs=10)
        for _ in range(BURST):
            scheduler.add_schedule("work", DateTrigger(now))
        begin = time.perf_counter()
        scheduler.start_in_background()
        if not done.wait(120):
            raise TimeoutError("the burst did not end")
        took = time.perf_counter() - begin
        scheduler.stop()
        return took
