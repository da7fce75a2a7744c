"""
Ten seconds of a scheduler at work.

Five jobs (an interval, a cron expression, a one-shot, a coroutine, and one that fails) and a listener that prints
each run as it ends: when it was due, and how late it was. A table sums it up.

    python examples/demo.py [seconds]
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent


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


def main(seconds: float) -> int:
    """Run the five jobs for so many seconds; return 0 when each of them has run."""
    # The failing job is part of the show; its tracebacks need not be.
    logging.getLogger("apscheduler_lite").addHandler(logging.NullHandler())
    log = Log()
    scheduler = BackgroundScheduler()
    scheduler.add_listener(log, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    now = datetime.now().astimezone()
    jobs: list[dict[str, Any]] = [
        {"func": heartbeat, "trigger": "interval", "seconds": 1, "id": "interval"},
        {"func": tick_of_the_clock, "trigger": "cron", "second": "*/2", "id": "cron"},
        {
            "func": reminder,
            "trigger": "date",
            "run_date": now + timedelta(seconds=seconds / 2),
            "args": ["half of the time is over"],
            "id": "one-shot",
        },
        {"func": fetch, "trigger": "interval", "seconds": 2.5, "id": "coroutine"},
        {"func": unreliable, "trigger": "interval", "seconds": 4, "id": "failing"},
    ]
    scheduler.add_jobs(jobs)
    print(f"Five jobs, {seconds:g} seconds.\n")
    scheduler.start()
    scheduler.print_jobs()
    print()
    time.sleep(seconds)
    scheduler.shutdown()

    print(f"\n{'job':<12}{'runs':>6}{'failed':>8}{'latest start':>16}")
    for job_id in [job["id"] for job in jobs]:
        print(f"{job_id:<12}{log.runs[job_id]:>6}{log.errors[job_id]:>8}{log.latest[job_id]:>13.2f} ms")
    print(f"{'all':<12}{sum(log.runs.values()):>6}{sum(log.errors.values()):>8}{max(log.latest.values()):>13.2f} ms")
    missing = {"interval", "cron", "one-shot", "coroutine", "failing"} - set(log.runs)
    if missing:
        print(f"these never ran: {', '.join(sorted(missing))}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
