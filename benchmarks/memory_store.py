"""
Memory store with 10,000 jobs.

Calls of a running scheduler that holds 10,000 interval jobs, none of which is due; operations per second.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator

import schedule

from benchmarks import floors
from benchmarks.measuring import Row, by_turns, in_process_of_its_own, speedup
from benchmarks.subjects import BOTH, OURS, THEIRS, scheduler_of

JOBS = 10_000
STEPS = {
    "add_job": 5,
    "modify_job": 5,
    "reschedule_job": 3.5,
    "remove_job": 3.5,
    "get_job": 1.2,
    "get_jobs": 1,
}


def rows() -> Iterator[Row]:
    """Yield the rows."""
    measured = [Steps(OURS), Steps(THEIRS), FloorSteps("floor")]
    for round_ in range(7):
        for steps in measured if round_ % 2 else reversed(measured):
            steps.run()
    for step, budget in STEPS.items():
        ours, theirs, floor = (steps.median(step) for steps in measured)
        count = 1 if step == "get_jobs" else JOBS
        what = "all jobs by `get_jobs`" if step == "get_jobs" else f"`{step}`"
        yield speedup(what, ours, theirs, count=count, at_least=budget, floor=floor)

    floor = measured[-1].median("add_job")
    ours, theirs = by_turns(add_with_ours, add_with_schedule)
    what = "`add_job` beside `every(…).do(…)`"
    yield speedup(what, ours, theirs, count=JOBS, peer="schedule", at_least=1, floor=floor)

    ours, theirs = (float(in_process_of_its_own(bytes_per_job, package)) for package in BOTH)
    floor = float(in_process_of_its_own(floors.bytes_per_job, JOBS))
    yield Row(what="memory per job", unit="B", ours=ours, theirs=theirs, at_most=0.85, floor=floor)


def work() -> None:
    """Do nothing, as the jobs of this page."""


class Steps:
    """The durations of the steps of one library, over the rounds."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.durations: dict[str, list[float]] = {step: [] for step in STEPS}

    def median(self, step: str) -> float:
        """Return the median duration of the step for all jobs, in seconds."""
        return sorted(self.durations[step])[len(self.durations[step]) // 2]

    def run(self) -> None:
        """Go through the life of 10,000 jobs once."""
        scheduler = scheduler_of(self.package)
        scheduler.start()
        # Neither in the order of their run times nor against it.
        ids = [str(number * 7919 % JOBS) for number in range(JOBS)]
        add, modify, reschedule = scheduler.add_job, scheduler.modify_job, scheduler.reschedule_job
        get, remove = scheduler.get_job, scheduler.remove_job
        self.time("add_job", lambda: [add(work, "interval", seconds=3600 + int(id), id=id) for id in ids])
        self.time("modify_job", lambda: [modify(id, name="other") for id in ids])
        self.time("get_job", lambda: [get(id) for id in ids])
        self.time("get_jobs", scheduler.get_jobs)
        self.time("reschedule_job", lambda: [reschedule(id, trigger="interval", seconds=7200) for id in ids])
        self.time("remove_job", lambda: [remove(id) for id in ids])
        scheduler.shutdown()

    def time(self, step: str, action: Callable[[], object]) -> None:
        """Take the time of one step."""
        begin = time.perf_counter()
        action()
        self.durations[step].append(time.perf_counter() - begin)


class FloorSteps(Steps):
    """The same steps with nothing but a dict and a heap."""

    def run(self) -> None:
        """Go through the life of 10,000 jobs once."""
        table, now = floors.Table(), time.time_ns() // 1000
        ids = [str(number * 7919 % JOBS) for number in range(JOBS)]
        add, modify, reschedule = table.add_job, table.modify_job, table.reschedule_job
        get, remove = table.get_job, table.remove_job
        self.time("add_job", lambda: [add(work, 3600 + int(id), id, now) for id in ids])
        self.time("modify_job", lambda: [modify(id, name="other") for id in ids])
        self.time("get_job", lambda: [get(id) for id in ids])
        self.time("get_jobs", table.get_jobs)
        self.time("reschedule_job", lambda: [reschedule(id, 7200, now) for id in ids])
        self.time("remove_job", lambda: [remove(id) for id in ids])


def add_with_ours() -> float:
    """Return how long it takes to add the jobs."""
    scheduler = scheduler_of(OURS)
    scheduler.start()
    begin = time.perf_counter()
    for number in range(JOBS):
        scheduler.add_job(work, "interval", seconds=3600 + number)
    duration = time.perf_counter() - begin
    scheduler.shutdown()
    return duration


def add_with_schedule() -> float:
    """Return how long it takes `schedule` to add as many."""
    scheduler = schedule.Scheduler()
    begin = time.perf_counter()
    for number in range(JOBS):
        scheduler.every(3600 + number).seconds.do(work)
    return time.perf_counter() - begin


def bytes_per_job(package: str) -> float:
    """Return the memory that Python allocated for each of 10,000 jobs."""
    scheduler = scheduler_of(package)
    scheduler.start()
    scheduler.add_job(work, "interval", seconds=3600)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(JOBS):
        scheduler.add_job(work, "interval", seconds=3600 + number)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    scheduler.shutdown()
    return (after - before) / JOBS
