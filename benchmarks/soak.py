"""
A soak: many runs for a long time, and what they leave behind.

    python -m benchmarks.soak --seconds 3600 --store sqlite

Half a thousand runs a second, of functions and of coroutines, each fire time one run. Each second the memory, the
threads and the file descriptors of the process are counted. In the end no fire time may be without its run or have two,
and the three counts must lie as they lay before: the slope of the line through them, after the first quarter, is told.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apscheduler_lite import BackgroundScheduler, current_run
from apscheduler_lite.events import EVENT_ALL, EVENT_JOB_ADDED, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED

JOBS = 50
STORES = ("memory", "sqlite")
_EXPECTED = EVENT_JOB_EXECUTED | EVENT_JOB_SUBMITTED | EVENT_JOB_ADDED


class Ledger:
    """Which fire times of each job have had their run: the last one up to which all have, and those beyond it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin(1)

    def begin(self, step: int, first: Mapping[str, int] = {}) -> None:
        """Begin with empty pages, for jobs with these first fire times, and others every so many microseconds."""
        self.step = step
        self.runs = self.doubled = 0
        self.late = 0.0
        self._done = {job_id: due - step for job_id, due in first.items()}
        self._beyond: dict[str, set[int]] = {job_id: set() for job_id in first}

    def note(self, job_id: str, due: int, started: int) -> None:
        """Note a run."""
        with self._lock:
            self.runs += 1
            self.late = max(self.late, (started - due) / 1e6)
            done, beyond = self._done[job_id], self._beyond[job_id]
            if due <= done or due in beyond:
                self.doubled += 1
                return
            beyond.add(due)
            while done + self.step in beyond:
                done += self.step
                beyond.remove(done)
            self._done[job_id] = done

    @property
    def lost(self) -> int:
        """Return how many fire times have had no run although a later one has."""
        return sum(
            (max(beyond) - self._done[job_id]) // self.step - len(beyond)
            for job_id, beyond in self._beyond.items()
            if beyond
        )


_ledger = Ledger()


def plain() -> None:
    """Run as a function."""
    run = current_run()
    _ledger.note(run.job_id, run.due, run.started or run.due)


async def coroutine() -> None:
    """Run as a coroutine."""
    plain()


@dataclass
class Found:
    """What a soak has found; the slopes are per minute."""

    store: str
    seconds: float
    runs: int
    lost: int
    doubled: int
    other_events: int
    latest: float
    memory_kib: int
    memory_slope_kib: float
    threads: tuple[int, int]
    threads_slope: float
    descriptors: tuple[int, int]
    descriptors_slope: float

    @property
    def is_sound(self) -> bool:
        """Return whether each fire time had one run, and threads and file descriptors stayed what they were."""
        return not (self.lost or self.doubled or self.other_events) and all(
            abs(slope) < 1 for slope in (self.threads_slope, self.descriptors_slope)
        )

    def __str__(self) -> str:
        return (
            f"{self.store}: {self.runs} runs in {self.seconds:.0f} s ({self.runs / self.seconds:.0f}/s),"
            f" {self.lost} lost, {self.doubled} doubled, {self.other_events} faults,"
            f" at most {self.latest * 1000:.0f} ms late;"
            f" memory {self.memory_kib / 1024:.1f} MiB, {self.memory_slope_kib:+.0f} KiB/min;"
            f" threads {self.threads[0]}-{self.threads[1]}, {self.threads_slope:+.2f}/min;"
            f" file descriptors {self.descriptors[0]}-{self.descriptors[1]}, {self.descriptors_slope:+.2f}/min"
        )


def soak(store: str, seconds: float, rate: int) -> Found:
    """Run that many jobs a second for so many seconds and return what was found."""
    step = JOBS * 1_000_000 // rate
    others: list[int] = []
    with TemporaryDirectory() as directory:
        scheduler = BackgroundScheduler(
            timezone="UTC",
            jobstores={"default": _store(store, directory)},
            executors={"default": {"type": "threadpool", "max_workers": 20}},
            job_defaults={"coalesce": False, "max_instances": 1_000},
        )
        scheduler.add_listener(lambda event: others.append(event.code), EVENT_ALL & ~_EXPECTED & ~0xFF)
        scheduler.start(paused=True)
        functions = [coroutine if number % 5 == 0 else plain for number in range(JOBS)]
        jobs = scheduler.add_jobs(
            {"func": each, "trigger": "interval", "seconds": step / 1e6, "id": str(number)}
            for number, each in enumerate(functions)
        )
        first = {job.id: job.next_run_time for job in jobs}
        _ledger.begin(step, {job_id: round(due.timestamp() * 1_000_000) for job_id, due in first.items() if due})
        began = time.monotonic()
        scheduler.resume()
        samples = list(_samples(began, seconds))
        took = time.monotonic() - began
        scheduler.shutdown()
    kept = samples[len(samples) // 4 :]
    return Found(
        store,
        took,
        _ledger.runs,
        _ledger.lost,
        _ledger.doubled,
        len(others),
        _ledger.late,
        kept[-1][1],
        slope([(at, memory) for at, memory, _, _ in kept]),
        _range([threads for _, _, threads, _ in kept]),
        slope([(at, threads) for at, _, threads, _ in kept]),
        _range([descriptors for _, _, _, descriptors in kept]),
        slope([(at, descriptors) for at, _, _, descriptors in kept]),
    )


def _store(store: str, directory: str) -> Any:
    if store == "memory":
        return {"type": "memory"}
    return {"type": "sqlalchemy", "url": f"sqlite:///{directory}/soak.db", "keep_runs": 10}


def _samples(began: float, seconds: float) -> Any:
    pause = threading.Event()
    while (passed := time.monotonic() - began) < seconds:
        pause.wait(min(1.0, seconds / 20))
        yield passed, _memory_kib(), threading.active_count(), sum(1 for _ in Path("/proc/self/fd").iterdir())


def _memory_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _range(values: list[int]) -> tuple[int, int]:
    return min(values), max(values)


def slope(points: list[tuple[float, int]]) -> float:
    """Return the slope per minute of the straight line that lies nearest to the points."""
    mean_at = sum(at for at, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    return 60 * sum((at - mean_at) * (value - mean) for at, value in points) / spread if spread else 0.0


def main() -> int:
    """Soak each store in turn and print what was found; return 1 when something was lost or piles up."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=500, help="runs per second")
    parser.add_argument("--store", choices=STORES, action="append", help="both when none is given")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    is_sound = True
    for store in given.store or STORES:
        found = soak(store, given.seconds, given.rate)
        is_sound = is_sound and found.is_sound
        print(json.dumps(asdict(found)) if given.json else found, flush=True)
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
