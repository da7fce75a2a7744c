"""
The least that plain Python must do for the work of a row.

Each is written as short as the work allows, with no regard to errors, options, events or a second thread that might
ask: what it costs, no scheduler written in Python can undercut. The distance from it is the price of all the rest.
"""

from __future__ import annotations

import threading
import time
import tracemalloc
from datetime import datetime, timedelta
from heapq import heappop, heappush
from queue import SimpleQueue
from statistics import median
from typing import Any

from benchmarks.measuring import percentile

DAY = 86_400_000_000

IMPORT = "import datetime, heapq, os, queue, threading"
"""What a scheduler on a thread cannot do without."""

USE = (
    IMPORT
    + """
done = threading.Event()
thread = threading.Thread(target=done.wait)
thread.start()
heap = [(1, print)]
done.set()
thread.join()
"""
)


class Entry:
    """A job as small as can be: what to call, when next, at which beat."""

    __slots__ = ("args", "beat", "func", "id", "name", "next")

    def __init__(self, id: str, func: Any, beat: int, next: int) -> None:
        self.id = id
        self.name = "job"
        self.func = func
        self.args = ()
        self.beat = beat
        self.next = next


class Table:
    """Jobs by id, and a heap of when they are due."""

    def __init__(self) -> None:
        self.jobs: dict[str, Entry] = {}
        self.heap: list[tuple[int, str]] = []

    def add_job(self, func: Any, beat: int, id: str, now: int) -> Entry:
        """Store a job."""
        self.jobs[id] = entry = Entry(id, func, beat, now + beat)
        heappush(self.heap, (entry.next, id))
        return entry

    def modify_job(self, id: str, name: str) -> Entry:
        """Change an attribute."""
        entry = self.jobs[id]
        entry.name = name
        return entry

    def reschedule_job(self, id: str, beat: int, now: int) -> Entry:
        """Give it another beat."""
        entry = self.jobs[id]
        entry.beat, entry.next = beat, now + beat
        heappush(self.heap, (entry.next, id))
        return entry

    def remove_job(self, id: str) -> None:
        """Forget it; the heap finds out by itself."""
        del self.jobs[id]

    def get_job(self, id: str) -> Entry | None:
        """Return it."""
        return self.jobs.get(id)

    def get_jobs(self) -> list[Entry]:
        """Return all, by their next run time."""
        return sorted(self.jobs.values(), key=lambda entry: entry.next)


def bytes_per_job(jobs: int) -> float:
    """Return the memory of one job in a table."""
    table = Table()
    table.add_job(print, 1, "0", 0)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(jobs):
        table.add_job(print, 3_600_000_000 + number, f"{number:032x}", DAY)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / jobs


class Beat:
    """An interval trigger that can do one thing."""

    __slots__ = ("length", "start", "step")

    def __init__(self, start: int, length: int) -> None:
        self.start = start
        self.length = length
        self.step = timedelta(microseconds=length)

    def next_instant(self, previous: int, now: int) -> int:
        """Return the next instant of the beat."""
        return previous + self.length

    def get_next_fire_time(self, previous: datetime, now: datetime) -> datetime:
        """Return the next time of the beat."""
        return previous + self.step

    def latest_instant(self, after: int, until: int) -> int:
        """Return the latest instant of the beat until then."""
        return until - (until - self.start) % self.length


def numbers_of(line: str, known: dict[str, object]) -> object:
    """Return the numbers that stand in a line of crontab, field by field, or what is known of it."""
    if line not in known:
        known[line] = [
            [int(part) for part in field.replace("*", "0").replace("-", ",").replace("/", ",").split(",")]
            for field in line.split()
        ]
    return known[line]


class Pool:
    """Ten threads that call what they find in a queue."""

    def __init__(self, workers: int) -> None:
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(workers)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        """Call one after the other."""
        take = self.queue.get
        while (item := take()) is not None:
            item()

    def close(self) -> None:
        """End the threads."""
        for _ in self.threads:
            self.queue.put(None)
        for thread in self.threads:
            thread.join()


# -- what runs in a process of its own ---------------------------------------------------------------------------------


def burst(runs: int, stored: int, workers: int) -> list[float]:
    """Return wall and CPU seconds of so many due jobs on a heap beside so many others: popped, pushed back, called."""
    done = threading.Event()
    left = iter(range(runs - 1, -1, -1))

    def work() -> None:
        if not next(left):
            done.set()

    pool, now = Pool(workers), time.time_ns() // 1000
    heap = [(now + 2 * DAY + number, f"{number:032x}", work) for number in range(stored)]
    heap = sorted([*heap, *((now, f"due {number:028x}", work) for number in range(runs))])
    wall, cpu = time.perf_counter(), time.process_time()
    while heap[0][0] <= now:
        due, id, func = heappop(heap)
        heappush(heap, (due + DAY, id, func))
        pool.queue.put(func)
    done.wait()
    result = [time.perf_counter() - wall, time.process_time() - cpu]
    pool.close()
    return result


def sustained(rate: int, seconds: int, workers: int) -> dict[str, float]:
    """Return CPU per run and the 99th percentile of lateness of a steady load."""
    lateness: list[float] = []
    start = time.time() + 0.5

    class Work:
        def __init__(self, first: float) -> None:
            self.due = first

        def __call__(self) -> None:
            lateness.append(time.time() - self.due)
            self.due += 1

    heap = [(start + number / rate, number, Work(start + number / rate)) for number in range(rate)]
    pool, cpu = Pool(workers), time.process_time()
    while heap:
        due, number, work = heap[0]
        wait = due - time.time()
        if wait > 0:
            time.sleep(wait)
            continue
        heappop(heap)
        if due + 1 < start + seconds:
            heappush(heap, (due + 1, number, work))
        pool.queue.put(work)
    pool.close()
    return {"cpu": (time.process_time() - cpu) / len(lateness), "p99": percentile(lateness, 0.99)}


def wake_up() -> float:
    """Return the median lateness of a thread that sleeps until a time and then calls a function on another thread."""
    late: list[float] = []
    done = threading.Event()
    bell = threading.Condition()
    due = [0.0]

    def work() -> None:
        late.append(time.time() - due[0])
        done.set()

    pool = Pool(10)

    def tick() -> None:
        while True:
            with bell:
                bell.wait_for(lambda: due[0])
                if due[0] < 0:
                    return
                while (left := due[0] - time.time()) > 0:
                    bell.wait(left)
            pool.queue.put(work)
            done.wait()
            done.clear()
            due[0] = 0.0
            told.set()

    told = threading.Event()
    thread = threading.Thread(target=tick)
    thread.start()
    for _ in range(100):
        told.clear()
        with bell:
            due[0] = time.time() + 0.02
            bell.notify()
        told.wait(10)
    with bell:
        due[0] = -1.0
        bell.notify()
    thread.join()
    pool.close()
    return float(median(late))


def run_now() -> float:
    """Return the median time from handing a function to a pool until its first line."""
    took: list[float] = []
    done = threading.Event()
    pool = Pool(10)
    for _ in range(300):
        done.clear()
        begin = time.perf_counter()

        def work(begin: float = begin) -> None:
            took.append(time.perf_counter() - begin)
            done.set()

        pool.queue.put(work)
        done.wait(10)
    pool.close()
    return float(median(took))
