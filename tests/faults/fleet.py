"""
Processes that share one table, and what they note of the runs that they make.

Each run is noted twice, as it begins and as it ends, by a line appended to a file of its process's own: what was
written is kept when the process is killed in the next moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from apscheduler_lite import current_run
from tests.databases import Place
from tests.waiting import wait_until

__all__ = ["FULL", "Fleet", "Note", "note", "seconds", "stumble", "work"]

FULL = os.environ.get("FAULTS") == "full"
"""Whether the tests take the time that the issue asks for (``FAULTS=full``), rather than that of the daily suite."""


def seconds(daily: float, full: float) -> float:
    """Return how long a test of faults goes on."""
    return full if FULL else daily


class Note(NamedTuple):
    """One line of a process's notes."""

    what: str  # "begin" or "end"
    job_id: str
    due: int
    attempt: int
    run_id: str
    pid: int


def work(duration: float = 0.0) -> None:
    """Note that the run has begun, take a while, note that it has ended."""
    run = current_run()
    note("begin", run)
    if duration:
        time.sleep(duration)  # noqa: TID251 - what a job does
    note("end", run)


def stumble() -> None:
    """Note that the run has begun, and fail."""
    note("begin", current_run())
    raise ConnectionError(f"attempt {current_run().attempt}")


def note(what: str, run: Any) -> None:
    """Append a line to this process's notes."""
    line = Note(what, run.job_id, run.due, run.attempt, run.id, os.getpid())
    descriptor = os.open(f"{os.environ['FLEET_NOTES']}/{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)


class Fleet:
    """Processes with a scheduler each, all on the same place."""

    def __init__(
        self,
        place: Place,
        directory: Path,
        *,
        workers: int = 10,
        prefetch: int = 0,
        executor: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.place = place
        self.notes_directory = directory / "notes"
        self.notes_directory.mkdir(exist_ok=True)
        self.log = directory / "log"
        self.settings: dict[str, Any] = {
            "url": place.url,
            "tablename": place.tablename,
            "executor": executor or {"type": "threadpool", "max_workers": workers, "prefetch": prefetch},
            "options": {"heartbeat_interval": 0.5, "dead_after": 10, **options},
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Begin with no process."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def start(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start one more process, whose executor may have other options."""
        environment = {**os.environ, "FLEET_NOTES": str(self.notes_directory)}
        environment.pop("COVERAGE_PROCESS_START", None)
        settings = {**self.settings, "executor": {**self.settings["executor"], **changes}}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.fleet", json.dumps(settings)],
                env=environment,
                stderr=log,
                stdout=log,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Let those that live end in good order."""
        living = [process for process in self.processes if process.poll() is None]
        for process in living:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in living:
            process.wait(30)

    def notes(self) -> list[Note]:
        """Return what all processes have noted so far."""
        notes = []
        for path in self.notes_directory.iterdir():
            # Without what a process may be writing in this moment.
            lines = path.read_text().splitlines(keepends=True)
            notes += [Note(*json.loads(line)) for line in lines if line.endswith("\n")]
        return notes

    def begun(self) -> Counter[tuple[str, int]]:
        """Return how often each fire time of each job was begun."""
        return Counter((note.job_id, note.due) for note in self.notes() if note.what == "begin")

    def wait_for(self, count: int, timeout: float = 60.0) -> None:
        """Wait until so many fire times have been begun."""
        wait_until(lambda: len(self.begun()) >= count, timeout, f"{count} fire times; log: {self.tail()}")

    def tail(self) -> str:
        """Return the end of what the processes logged."""
        return self.log.read_text()[-2000:] if self.log.exists() else ""

    def records(self) -> list[Any]:
        """Return the rows of the runs."""
        return self.place.execute("SELECT * FROM {runs} ORDER BY due, attempt")


def expected(jobs: Iterable[str], first: int, period: int, count: int) -> set[tuple[str, int]]:
    """Return the fire times of jobs that all have the same beat."""
    return {(job, first + number * period) for job in jobs for number in range(count)}


def main() -> None:
    """Run one process of a fleet until it gets a signal."""
    import logging

    from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler_lite.schedulers.blocking import BlockingScheduler

    settings = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {os.getpid()} %(message)s")
    store = SQLAlchemyJobStore(settings["url"], tablename=settings["tablename"], **settings["options"])
    scheduler = BlockingScheduler(
        timezone="UTC",
        jobstores={"default": store},
        executors={"default": settings["executor"]},
        handle_signals=True,
    )
    scheduler.start()


if __name__ == "__main__":
    main()
