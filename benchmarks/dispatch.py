"""
Dispatch.

From a job that is due to its function's first line, with a pool of 10 threads and functions that only take notes. Every
measurement has a process of its own.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from statistics import median
from typing import Any

from benchmarks.measuring import Row, by_turns, in_process_of_its_own, percentile
from benchmarks.subjects import BOTH, OURS, THEIRS, scheduler_of

BURST = 1_000
SECONDS = 5
LONG = timedelta(days=1)
KINDS: dict[str, dict[str, Any]] = {"interval": {"days": 2}, "date": {}, "cron": {"hour": 3, "minute": 30}}


def rows() -> Iterator[Row]:
    """Yield the rows."""
    yield from burst_rows()
    yield from growth_rows()
    for rate in (5_000, 20_000):
        yield from sustained_rows(rate)
    yield from latency_rows()
    ours, theirs = by_turns(*(alone(idle, package) for package in BOTH), rounds=3)
    yield Row(what="idle with 10,000 jobs: CPU per second", unit="ms", ours=ours * 1000, theirs=theirs * 1000)


def alone(function: Callable[..., Any], *arguments: object) -> Callable[[], float]:
    """Return what measures in a process of its own."""
    return lambda: float(in_process_of_its_own(function, *arguments))


def burst_rows() -> Iterator[Row]:
    """Yield the rows of a burst of due jobs, by what they are scheduled by."""
    for kind in KINDS:
        results: dict[str, list[list[float]]] = {package: [] for package in BOTH}
        for round_ in range(7):
            for package in BOTH if round_ % 2 else reversed(BOTH):
                results[package].append(in_process_of_its_own(burst, package, kind, 0))
        (wall, cpu), (their_wall, their_cpu) = (
            [median(values) for values in zip(*results[package], strict=True)] for package in BOTH
        )
        what = f"burst of 1,000 due no-op jobs, {kind}"
        yield Row(what=what, unit="runs/s", ours=BURST / wall, theirs=BURST / their_wall, at_least=10)
        what = "the same: CPU per run"
        yield Row(what=what, unit="µs", ours=cpu / BURST * 1e6, theirs=their_cpu / BURST * 1e6, at_most=0.12)


def growth_rows() -> Iterator[Row]:
    """Yield the rows of what a fire costs beside many stored jobs."""
    sizes = {OURS: (1_000, 10_000, 100_000, 1_000_000), THEIRS: (1_000, 10_000, 100_000)}
    costs: dict[str, dict[int, float]] = {OURS: {}, THEIRS: {}}
    for package, numbers in sizes.items():
        for stored in numbers:
            rounds = 5 if stored < 1_000_000 else 3
            costs[package][stored] = median(
                in_process_of_its_own(burst, package, "interval", stored)[1] / BURST * 1e6 for _ in range(rounds)
            )
    for stored, ours in costs[OURS].items():
        what = f"CPU per fire beside {stored:,} stored jobs"
        at_most = 0.1 if stored == 100_000 else None
        yield Row(what=what, unit="µs", ours=ours, theirs=costs[THEIRS].get(stored), at_most=at_most)
    what = "the exponent of that growth, 10³ to 10⁶ (the peer: to 10⁵)"
    yield Row(what=what, unit="", ours=exponent(costs[OURS]), at_most=0.1)
    yield Row(what=what, unit="", ours=exponent(costs[THEIRS]), peer="APScheduler 3, for comparison")


def exponent(costs: dict[int, float]) -> float:
    """Return b where the cost grows as the b-th power of the number of jobs, by least squares."""
    points = [(math.log(stored), math.log(cost)) for stored, cost in costs.items()]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return float(sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points))


def sustained_rows(rate: int) -> Iterator[Row]:
    """Yield the rows of a steady load."""
    ours, theirs = (in_process_of_its_own(sustained, package, rate) for package in BOTH)
    what = f"{rate:,} fires/s for {SECONDS} s: share of the fires that ran"
    yield Row(what=what, unit="", ours=ours["ran"], theirs=theirs["ran"], at_least=1)
    what = "the same: CPU per run"
    yield Row(what=what, unit="µs", ours=ours["cpu"] * 1e6, theirs=theirs["cpu"] * 1e6, at_most=0.55)
    what = "the same: lateness of 99 %"
    at_most = 0.05 if rate == 20_000 else None
    yield Row(what=what, unit="ms", ours=ours["p99"] * 1e3, theirs=theirs["p99"] * 1e3, at_most=at_most)


def latency_rows() -> Iterator[Row]:
    """Yield the rows of a single job."""
    ours, theirs = by_turns(*(alone(wake_up, package) for package in BOTH))
    what = "lateness of a date job in an idle scheduler"
    yield Row(what=what, unit="µs", ours=ours * 1e6, theirs=theirs * 1e6, at_most=0.7)
    ours, theirs = by_turns(*(alone(run_now, package) for package in BOTH))
    what = "`add_job` without a trigger, until the function runs"
    yield Row(what=what, unit="µs", ours=ours * 1e6, theirs=theirs * 1e6, at_most=0.5)


# -- what runs in a process of its own ---------------------------------------------------------------------------------


def nothing() -> None:
    """Do nothing."""


def burst(package: str, kind: str, stored: int) -> list[float]:
    """Return wall and CPU seconds of 1,000 runs that are due at once, beside so many jobs that are not."""
    done = threading.Event()
    left = iter(range(BURST - 1, -1, -1))

    def work() -> None:
        if not next(left):
            done.set()

    scheduler = scheduler_of(package)
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
