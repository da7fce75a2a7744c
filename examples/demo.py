"""
A scheduler at work, with its jobs in a SQLite file.

First, five jobs (an interval, a cron expression, a one-shot, a coroutine, and one that fails); a listener prints each
run as it ends: when it was due, and how late it was. Then a second start, which finds the jobs and goes on with them.
Then two processes on the same file, which share the runs: each is run once.

    python examples/demo.py [seconds]
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apscheduler_lite import BackgroundScheduler, SQLAlchemyJobStore
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent

SHARED = 3
"""Seconds for which two processes share the jobs."""


def heartbeat() -> str:
    """Say that all is well."""
    return "still here"


def tick_of_the_clock() -> str:
    """Say so at every even second."""
    return "an even second"


def reminder(text: str) -> str:
    """Say it once."""
    return text


async def fetch() -> str:
    """Wait for something."""
    await asyncio.sleep(0.05)
    return "awaited for 50 ms"


def unreliable() -> None:
    """Fail."""
    raise ConnectionError("the other side hung up")


def jobs(seconds: float) -> list[dict[str, Any]]:
    """Return the arguments of the five jobs."""
    half_time = datetime.now().astimezone() + timedelta(seconds=seconds / 2)
    return [
        {"func": heartbeat, "trigger": "interval", "seconds": 1, "id": "interval"},
        {"func": tick_of_the_clock, "trigger": "cron", "second": "*/2", "id": "cron"},
        {
            "func": reminder,
            "trigger": "date",
            "run_date": half_time,
            "args": ["half of the time is over"],
            "id": "one-shot",
        },
        {"func": fetch, "trigger": "interval", "seconds": 2.5, "id": "coroutine"},
        {"func": unreliable, "trigger": "interval", "seconds": 4, "id": "failing"},
    ]


class Log:
    """A listener: prints each run as it ends, and counts."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs: dict[str, int] = defaultdict(int)
        self.errors: dict[str, int] = defaultdict(int)
        self.latest: dict[str, float] = defaultdict(float)

    def __call__(self, event: JobExecutionEvent) -> None:
        run = event.run
        late = 0.0 if run is None or run.started is None else (run.started - run.due) / 1000
        what = event.exception if event.exception is not None else event.retval
        with self.lock:
            self.runs[event.job_id] += 1
            self.errors[event.job_id] += event.exception is not None
            self.latest[event.job_id] = max(self.latest[event.job_id], late)
            due = event.scheduled_run_time.strftime("%H:%M:%S.%f")[:-3]
            mark = "✗" if event.exception is not None else "✓"
            print(f"{mark} {event.job_id:<10} due {due}   {late:6.2f} ms late   {what}", flush=True)

    def summary(self) -> None:
        """Print what was counted."""
        print(f"\n{'job':<12}{'runs':>6}{'failed':>8}{'latest start':>16}")
        for job_id in self.runs:
            print(f"{job_id:<12}{self.runs[job_id]:>6}{self.errors[job_id]:>8}{self.latest[job_id]:>13.2f} ms")
        print(f"{'all':<12}{sum(self.runs.values()):>6}{sum(self.errors.values()):>8}", end="")
        print(f"{max(self.latest.values(), default=0):>13.2f} ms")


def scheduler_on(url: str) -> BackgroundScheduler:
    """Return a scheduler whose jobs lie in that database."""
    return BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(url)})


def run(url: str, seconds: float, log: Log, new: list[dict[str, Any]]) -> None:
    """Start a scheduler, with some jobs more, and stop it after so many seconds."""
    scheduler = scheduler_on(url)
    scheduler.add_listener(log, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    if new:
        scheduler.add_jobs(new)
    scheduler.start()
    scheduler.print_jobs()
    print()
    time.sleep(seconds)
    scheduler.shutdown()


def share(url: str) -> int:
    """Let two processes run what is due; return how many runs were made twice."""
    begin = datetime.now().astimezone()
    command = [sys.executable, __file__, "--worker", url]
    for process in [subprocess.Popen(command) for _ in range(2)]:  # noqa: S603 - this very file
        process.wait()
    runs = scheduler_on(url).get_runs(since=begin, limit=1000)
    times = Counter((run.job_id, run.due) for run in runs)
    processes = Counter(run.pid for run in runs if run.pid is not None)
    shares = " and ".join(f"{count} by process {pid}" for pid, count in sorted(processes.items()))
    doubled = sum(count - 1 for count in times.values())
    print(f"{len(runs)} runs in {SHARED} seconds: {shares}; {doubled} made twice.")
    return doubled


def work(url: str) -> None:
    """Run what is due for some seconds: one of the two processes."""
    scheduler = scheduler_on(url)
    scheduler.start()
    time.sleep(SHARED)
    scheduler.shutdown()


def main(seconds: float) -> int:
    """Show it all; return 0 when each job has run and none twice."""
    log = Log()
    with TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'jobs.db'}"
        print(f"Five jobs in {url}, {seconds:g} seconds.\n")
        run(url, seconds / 2, log, jobs(seconds))
        print("\nStopped, and started again: the jobs are still there, and go on as if nothing had been.\n")
        run(url, seconds / 2, log, [])
        log.summary()
        print(f"\nTwo processes on the same file, {SHARED} seconds.\n")
        doubled = share(url)
    missing = {job["id"] for job in jobs(seconds)} - set(log.runs)
    if missing:
        print(f"these never ran: {', '.join(sorted(missing))}", file=sys.stderr)
    return 1 if missing or doubled else 0


if __name__ == "__main__":
    # The failing job is part of the show; its tracebacks need not be.
    logging.getLogger("apscheduler_lite").addHandler(logging.NullHandler())
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2])
    else:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
