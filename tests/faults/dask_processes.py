"""A Dask cluster of processes that can be killed: ``dask scheduler`` and ``dask worker``, as on several machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.waiting import wait_until

__all__ = ["DaskProcesses"]


class DaskProcesses:
    """
    A Dask scheduler and its workers.

    Args:
        directory: where they note runs (see `fleet`) and log.
        workers: how many.
        threads: how many each of them has.
    """

    def __init__(self, directory: Path, workers: int = 2, threads: int = 2) -> None:
        self.directory = directory
        (directory / "notes").mkdir(exist_ok=True)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler: Any = None
        self.address = ""
        self._file = directory / "scheduler.json"
        self._count = workers
        self._threads = threads

    def __enter__(self) -> Self:
        self.start_scheduler()
        for _ in range(self._count):
            self.start_worker()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def start_scheduler(self) -> None:
        """Start the Dask scheduler, at the address that it had before if there was one."""
        port = self.address.rpartition(":")[2] or "0"
        self._file.unlink(missing_ok=True)
        where = ["--host", "127.0.0.1", "--port", port, "--scheduler-file", str(self._file)]
        self.scheduler = self._start("scheduler", *where, "--no-dashboard")
        wait_until(self._is_written, 30, "the Dask scheduler's address")
        self.address = json.loads(self._file.read_text())["address"]

    def _is_written(self) -> bool:
        return self._file.exists() and self._file.read_text().rstrip().endswith("}")

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        size = ["--nthreads", str(self._threads), "--no-nanny", "--no-dashboard"]
        where = ["--host", "127.0.0.1", "--local-directory", str(self.directory)]
        worker = self._start("worker", self.address, *size, *where)
        self.workers.append(worker)
        return worker

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "FLEET_NOTES": str(self.directory / "notes")}
        environment.pop("COVERAGE_PROCESS_START", None)
        with (self.directory / "dask.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "dask", *arguments], env=environment, stdout=log, stderr=log)
