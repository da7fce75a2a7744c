"""The web applications of the examples, under the real servers with several worker processes: each run is made once."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
ORDERS = 12
SERVERS = {
    "gunicorn": ["gunicorn", "--workers", "4", "--bind", "unix:{socket}", "wsgi"],
    "gunicorn --preload": ["gunicorn", "--preload", "--workers", "4", "--bind", "unix:{socket}", "wsgi"],
    "uvicorn --workers 4": ["uvicorn", "--workers", "4", "--uds", "{socket}", "asgi:application"],
}


class Connection(HTTPConnection):
    """A connection through a socket in the file system, for which no port is needed."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def status_of(path, name):
    """Request, and return the status; None while nobody listens."""
    with closing(Connection(path)) as connection:
        try:
            connection.request("GET", f"/{name}")
            return connection.getresponse().status
        except OSError:
            return None


@pytest.mark.slow
@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
def test_each_job_runs_once_under_a_server_with_several_processes(command, tmp_path):
    """A scheduler in each of the processes, one SQLite file; requests add jobs; SIGTERM ends it all in good order."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip(command[0])
    database, log, said = tmp_path / "web.db", tmp_path / "web.log", tmp_path / "said"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JOBS_DATABASE": f"sqlite:///{database}",
        "JOBS_LOG": str(log),
    }
    log.touch()

    def ran():
        return [line.split("\t") for line in log.read_text().splitlines()]

    def schedulers():
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT pid FROM apscheduler_lite_jobs_schedulers").fetchall()

    with TemporaryDirectory() as directory, said.open("w") as output:  # a short path: that of a socket is bounded
        address = f"{directory}/socket"
        server = subprocess.Popen(
            [sys.executable, "-m", *(part.format(socket=address) for part in command)],
            cwd=ROOT / "examples" / "web",
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(lambda: status_of(address, "first") == 202, 60, "an answer")
            wait_until(lambda: len(schedulers()) == 4, 60, "four schedulers")
            statuses = [status_of(address, f"guest{number}") for number in range(ORDERS)]
            wait_until(lambda: sum(text == "tick" for *_, text in ran()) >= 3, 60, "ticks")
            wait_until(lambda: len({text for *_, text in ran()}) == ORDERS + 2, 60, "all that was ordered")
            server.send_signal(signal.SIGTERM)
            server.wait(40)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    keys = [key for key, *_ in ran()]
    ordered = sorted(text for *_, text in ran() if text != "tick")
    assert statuses == [202] * ORDERS
    assert len(keys) == len(set(keys))
    assert ordered == sorted(["hello first", *(f"hello guest{number}" for number in range(ORDERS))])
    assert "Traceback" not in said.read_text()
    assert schedulers() == []
    with closing(sqlite3.connect(database)) as connection:
        outcomes = connection.execute("SELECT DISTINCT outcome FROM apscheduler_lite_jobs_runs").fetchall()
    assert outcomes == [("executed",)]
