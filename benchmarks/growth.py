"""
Growth.

What one run costs, in the processor's time, as a scheduler grows in one direction: jobs stored in memory, jobs stored
in SQLite, processes on one table (of PostgreSQL where ``TEST_POSTGRES_URL`` names one), threads of the executor. Each
curve is fitted by a power, cost = a · size ^ exponent: 0 is flat, 1 is proportional. The curves are drawn into the
manual (`docs/explanation/`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import floors
from benchmarks.dispatch import BURST, burst
from benchmarks.drawing import Curve, chart
from benchmarks.measuring import Row, in_process_of_its_own
from benchmarks.sql_store import Place, claim_of_a_hundred
from benchmarks.subjects import OURS, THEIRS

PICTURES = Path(__file__).parents[1] / "docs" / "explanation"
STORED = (100, 1_000, 10_000, 100_000, 1_000_000)
PROCESSES = (1, 2, 4, 8)
WORKERS = (1, 4, 16, 64, 256)
JOBS_OF_EACH = 2_000


def rows() -> Iterator[Row]:
    """Yield the rows, and draw the curves."""
    yield from memory_rows()
    yield from sql_rows()
    yield from process_rows()
    yield from worker_rows()


def memory_rows() -> Iterator[Row]:
    """Yield the rows of jobs in memory."""
    ours, theirs, floor = Curve("apscheduler_lite"), Curve("APScheduler 3"), Curve("floor")
    for stored in STORED:
        rounds = {100_000: 3, 1_000_000: 1}.get(stored, 5)  # to add a million takes its time
        ours.points[stored] = cost(burst, OURS, "interval", stored, rounds=rounds)
        floor.points[stored] = cost(floors.burst, BURST, stored, 10, rounds=rounds)
        if stored <= 100_000:  # to add a million takes minutes
            theirs.points[stored] = cost(burst, THEIRS, "interval", stored, rounds=rounds)
    for stored, each in ours.points.items():
        yield Row(
            what=f"CPU per fire beside {stored:,} jobs in memory", unit="µs", ours=each,
            theirs=theirs.points.get(stored), at_most=0.1 if stored == 100_000 else None, floor=floor.points[stored],
        )  # fmt: skip
    since_thousand = Curve("", {size: each for size, each in ours.points.items() if size >= 1_000})
    what = "the exponent of that growth, 10³ to 10⁶"
    yield Row(what=what, unit="", ours=since_thousand.exponent, at_most=0.1)
    yield Row(what="APScheduler 3's, 10² to 10⁵", unit="", ours=theirs.exponent)
    draw("growth-memory", "CPU per fire beside stored jobs, in memory", "jobs", [ours, theirs, floor])


def cost(function: Any, *arguments: object, rounds: int) -> float:
    """Return the median processor time of a run, in microseconds."""
    return float(median(in_process_of_its_own(function, *arguments)[1] for _ in range(rounds)) / BURST * 1e6)


def sql_rows() -> Iterator[Row]:
    """Yield the row of jobs in SQLite."""
    curve = Curve("apscheduler_lite")
    for size in STORED[1:]:
        curve.points[size] = in_process_of_its_own(claim_of_a_hundred, "SQLite", size, timeout=900)["seconds"] * 1e4
    what = "a run claimed, with 99 others, from a table of SQLite: exponent of the time, 10³ to 10⁶ rows"
    yield Row(what=what, unit="", ours=curve.exponent, at_most=0.1)
    draw("growth-sql", "Time to claim one of 100 due jobs, SQLite", "rows", [curve])


def process_rows() -> Iterator[Row]:
    """Yield the rows of processes that share one table."""
    for name in ("SQLite", "PostgreSQL"):
        if name == "PostgreSQL" and not os.environ.get("TEST_POSTGRES_URL"):
            continue
        curve = Curve("apscheduler_lite")
        for processes in PROCESSES:
            curve.points[processes] = shared_cost(name, processes)
        what = f"CPU per run, 1 to 8 processes on one table of {name}: exponent"
        yield Row(what=what, unit="", ours=curve.exponent)
        what = f"the same: one process {number(curve.points[1])} µs, eight"
        yield Row(what=what, unit="µs", ours=curve.points[8])
        draw(f"growth-processes-{name.lower()}", f"CPU per run, {name}", "processes", [curve])


def worker_rows() -> Iterator[Row]:
    """Yield the rows of the executor's size."""
    ours, theirs, floor = Curve("apscheduler_lite"), Curve("APScheduler 3"), Curve("floor")
    for workers in WORKERS:
        ours.points[workers] = cost(burst, OURS, "interval", 0, workers, rounds=5)
        theirs.points[workers] = cost(burst, THEIRS, "interval", 0, workers, rounds=5)
        floor.points[workers] = cost(floors.burst, BURST, 0, workers, rounds=5)
    what = "CPU per run of a burst, 1 to 256 threads: exponent"
    yield Row(what=what, unit="", ours=ours.exponent)
    yield Row(what="APScheduler 3's", unit="", ours=theirs.exponent)
    draw("growth-workers", "CPU per run of a burst of 1,000", "threads", [ours, theirs, floor])


def number(value: float) -> str:
    """Return three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw(name: str, title: str, unit: str, curves: list[Curve]) -> None:
    """Draw the curves, each named with its exponent."""
    named = [Curve(f"{curve.name}: exponent {curve.exponent:.2f}", curve.points) for curve in curves]
    (PICTURES / f"{name}.svg").write_text(chart(title, unit, "µs", named), encoding="utf-8")


# -- what runs in processes of their own -------------------------------------------------------------------------------


def work() -> None:
    """Do nothing."""


def shared_cost(name: str, processes: int) -> float:
    """Return the processor time per run, in microseconds, of schedulers on one table with 2,000 due jobs for each."""
    jobs = JOBS_OF_EACH * processes
    with Place(name) as place:
        prepared = place.scheduler(OURS)
        prepared.start(paused=True)
        due = datetime(2020, 1, 1, tzinfo=timezone.utc)
        prepared.add_jobs(
            [{"func": work, "trigger": "interval", "weeks": 999, "next_run_time": due} for _ in range(jobs)]
        )
        prepared.shutdown()
        code = f"from benchmarks.growth import take_part; take_part({place.url!r}, {place.table!r})"
        command = [sys.executable, "-c", code]
        started = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        for each in started:
            each.stdout.readline()  # type: ignore[union-attr]  # until it is ready
        for each in started:
            each.stdin.write("go\n")  # type: ignore[union-attr]
            each.stdin.flush()  # type: ignore[union-attr]
        parts = [json.loads(each.communicate(timeout=300)[0].splitlines()[-1]) for each in started]
    ran = sum(part["ran"] for part in parts)
    if ran != jobs:
        raise AssertionError(f"{ran} of {jobs} runs were made")
    return float(sum(part["cpu"] for part in parts) / ran * 1e6)


def take_part(url: str, table: str) -> None:
    """Run what is due in the table until nothing is; print how many that were, and the processor time that it took."""
    from apscheduler_lite.events import EVENT_JOB_EXECUTED

    place = Place.of(url, table)
    scheduler = place.scheduler(OURS)
    ran: list[object] = []
    scheduler.add_listener(ran.append, EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    store = scheduler._catalog.stores["default"]
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    scheduler.resume()
    while (due := store.get_next_run_time()) is not None and due < datetime.now(timezone.utc):
        time.sleep(0.05)
    scheduler.shutdown()
    print(json.dumps({"ran": len(ran), "cpu": time.process_time() - cpu}))
