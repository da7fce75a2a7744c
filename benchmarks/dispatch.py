"""
Dispatch.

From a job that is due to its function's first line, with a pool of 10 threads and functions that only take notes. Every
measurement has a process of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from statistics import median
from typing import Any

from benchmarks import floors
from benchmarks.measuring import Row, by_turns, in_process_of_its_own, percentile
from benchmarks.subjects import BOTH, OURS, scheduler_of

BURST = 1_000
SECONDS = 5
LONG = timedelta(days=1)
KINDS: dict[str, dict[str, Any]] = {"interval": {"days": 2}, "date": {}, "cron": {"hour": 3, "minute": 30}}


def rows() -> Iterator[Row]:
    """Yield the rows."""
    yield from burst_rows()
    for rate in (5_000, 20_000):
        yield from sustained_rows(rate)
    yield from latency_rows()
    yield from huey_rows()
    ours, theirs = by_turns(*(alone(idle, package) for package in BOTH), rounds=3)
    yield Row(what="idle with 10,000 jobs: CPU per second", unit="ms", ours=ours * 1000, theirs=theirs * 1000)
    what = "the same: what it is above APScheduler 3's, which is what looking at the clock costs"
    yield Row(what=what, unit="ms", ours=(ours - theirs) * 1000, at_most=0.5)


def alone(function: Callable[..., Any], *arguments: object) -> Callable[[], float]:
    """Return what measures in a process of its own."""
    return lambda: float(in_process_of_its_own(function, *arguments))


def burst_rows() -> Iterator[Row]:
    """Yield the rows of a burst of due jobs, by what they are scheduled by."""
    floor = [in_process_of_its_own(floors.burst, BURST, 0, 10) for _ in range(7)]
    floor_wall, floor_cpu = (median(values) for values in zip(*floor, strict=True))
    for kind in KINDS:
        results: dict[str, list[list[float]]] = {package: [] for package in BOTH}
        for round_ in range(7):
            for package in BOTH if round_ % 2 else reversed(BOTH):
                results[package].append(in_process_of_its_own(burst, package, kind, 0))
        (wall, cpu), (their_wall, their_cpu) = (
            [median(values) for values in zip(*results[package], strict=True)] for package in BOTH
        )
        what = f"burst of 1,000 due no-op jobs, {kind}"
        rates = [BURST / seconds for seconds in (wall, their_wall, floor_wall)]
        yield Row(what=what, unit="runs/s", ours=rates[0], theirs=rates[1], at_least=10, floor=rates[2])
        ours, theirs, least = (seconds / BURST * 1e6 for seconds in (cpu, their_cpu, floor_cpu))
        yield Row(what="the same: CPU per run", unit="µs", ours=ours, theirs=theirs, at_most=0.12, floor=least)


def sustained_rows(rate: int) -> Iterator[Row]:
    """Yield the rows of a steady load."""
    ours, theirs = (in_process_of_its_own(sustained, package, rate) for package in BOTH)
    floor = in_process_of_its_own(floors.sustained, rate, SECONDS, 10)
    what = f"{rate:,} fires/s for {SECONDS} s: share of the fires that ran"
    yield Row(what=what, unit="", ours=ours["ran"], theirs=theirs["ran"], at_least=1)
    what = "the same: CPU per run"
    cpu, their_cpu, least = (each["cpu"] * 1e6 for each in (ours, theirs, floor))
    yield Row(what=what, unit="µs", ours=cpu, theirs=their_cpu, at_most=0.55, floor=least)
    what = "the same: lateness of 99 %"
    at_most = 0.05 if rate == 20_000 else None
    late, their_late, least = (each["p99"] * 1e3 for each in (ours, theirs, floor))
    yield Row(what=what, unit="ms", ours=late, theirs=their_late, at_most=at_most, floor=least)


def latency_rows() -> Iterator[Row]:
    """Yield the rows of a single job."""
    for what, function, least, budget in (
        ("lateness of a date job in an idle scheduler", wake_up, floors.wake_up, 0.7),
        ("`add_job` without a trigger, until the function runs", run_now, floors.run_now, 0.5),
    ):
        ours, theirs, floor = by_turns(*(alone(function, package) for package in BOTH), alone(least))
        yield Row(what=what, unit="µs", ours=ours * 1e6, theirs=theirs * 1e6, at_most=budget, floor=floor * 1e6)


def huey_rows() -> Iterator[Row]:
    """Yield the row beside a task queue: it has no schedule to move on, and no end of a run to note."""
    ours, theirs, floor = by_turns(
        lambda: float(in_process_of_its_own(burst, OURS, "date", 0)[1]),
        alone(huey_burst),
        lambda: float(in_process_of_its_own(floors.burst, BURST, 0, 10)[1]),
        rounds=5,
    )
    what = "1,000 no-op functions called once: CPU per call, beside a task queue in memory"
    ours, theirs, floor = (each / BURST * 1e6 for each in (ours, theirs, floor))
    yield Row(what=what, unit="µs", ours=ours, theirs=theirs, peer="huey", floor=floor)


# -- what runs in a process of its own ---------------------------------------------------------------------------------


def nothing() -> None:
    """Do nothing."""


def burst(package: str, kind: str, stored: int, workers: int = 10) -> list[float]:
    """Return wall and CPU seconds of 1,000 runs that are due at once, beside so many jobs that are not."""
    done = threading.Event()
    left = iter(range(BURST - 1, -1, -1))

    def work() -> None:
        if not next(left):
            done.set()

    scheduler = scheduler_of(package, workers=workers)
    scheduler.start(paused=True)
    now = datetime.now(timezone.utc)
    for number in range(stored):
        scheduler.add_job(nothing, "interval", days=1, start_date=now + LONG + timedelta(milliseconds=number))
    for _ in range(BURST):
        scheduler.add_job(work, kind, next_run_time=now, **KINDS[kind])
    wall, cpu = time.perf_counter(), time.process_time()
    scheduler.resume()
    if not done.wait(60):
        raise TimeoutError("the burst did not end")
    result = [time.perf_counter() - wall, time.process_time() - cpu]
    scheduler.shutdown()
    return result


def huey_burst() -> float:
    """Return the CPU seconds in which huey takes 1,000 calls out of its queue in memory, on 10 threads."""
    from huey import MemoryHuey

    queue = MemoryHuey(results=False)
    done = threading.Event()
    left = iter(range(BURST - 1, -1, -1))

    def work() -> None:
        if not next(left):
            done.set()

    task = queue.task()(work)
    for _ in range(BURST):
        task()
    consumer = queue.create_consumer(workers=10, worker_type="thread", periodic=False)
    cpu = time.process_time()
    consumer.start()
    if not done.wait(60):
        raise TimeoutError("the burst did not end")
    cpu = time.process_time() - cpu
    consumer.stop()
    return cpu


def sustained(package: str, rate: int) -> dict[str, float]:
    """Return the share of fires that ran, CPU per run and the 99th percentile of lateness, of interval jobs of 1 s."""
    lateness: list[float] = []
    start = time.time() + 2 + rate / 5_000

    class Work:
        """One job's function: it knows when its next fire is due."""

        def __init__(self, first: float) -> None:
            self.due = first

        def __call__(self) -> None:
            lateness.append(time.time() - self.due)
            self.due += 1

    scheduler = scheduler_of(package, coalesce=False, max_instances=100)
    scheduler.start(paused=True)
    for number in range(rate):
        first = start + number / rate
        begin = datetime.fromtimestamp(first, timezone.utc)
        end = begin + timedelta(seconds=SECONDS - 0.5)
        scheduler.add_job(Work(first), "interval", seconds=1, start_date=begin, end_date=end)
    cpu = time.process_time()
    scheduler.resume()
    limit = start + SECONDS + 60
    while len(lateness) < rate * SECONDS and time.time() < limit:
        time.sleep(0.05)
    cpu = time.process_time() - cpu
    scheduler.shutdown()
    return {"ran": len(lateness) / (rate * SECONDS), "cpu": cpu / len(lateness), "p99": percentile(lateness, 0.99)}


def wake_up(package: str) -> float:
    """Return the median lateness, in seconds, of a hundred date jobs, one after the other."""
    late: list[float] = []
    done = threading.Event()

    def work(due: float) -> None:
        late.append(time.time() - due)
        done.set()

    scheduler = scheduler_of(package)
    scheduler.start()
    for _ in range(100):
        due = time.time() + 0.02
        done.clear()
        scheduler.add_job(work, "date", run_date=datetime.fromtimestamp(due, timezone.utc), args=[due])
        done.wait(10)
    scheduler.shutdown()
    return float(median(late))


def run_now(package: str) -> float:
    """Return the median time, in seconds, from the call of `add_job` to the function's first line."""
    took: list[float] = []
    done = threading.Event()

    def work(begin: float) -> None:
        took.append(time.perf_counter() - begin)
        done.set()

    scheduler = scheduler_of(package)
    scheduler.start()
    for _ in range(300):
        done.clear()
        scheduler.add_job(work, args=[time.perf_counter()])
        done.wait(10)
    scheduler.shutdown()
    return float(median(took))


def idle(package: str) -> float:
    """Return the CPU seconds per second of a scheduler that holds 10,000 jobs none of which is due."""
    scheduler = scheduler_of(package)
    scheduler.start()
    for _ in range(10_000):
        scheduler.add_job(nothing, "interval", days=1)
    time.sleep(1)
    cpu = time.process_time()
    time.sleep(5)
    used = time.process_time() - cpu
    scheduler.shutdown()
    return used / 5
