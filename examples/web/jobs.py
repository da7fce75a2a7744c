"""The jobs of the two web applications beside this file, and where they are kept."""

from __future__ import annotations

import os
from pathlib import Path

from apscheduler_lite import SQLAlchemyJobStore, current_run

DATABASE = os.environ.get("JOBS_DATABASE", "sqlite:///web.db")
LOG = Path(os.environ.get("JOBS_LOG", "web.log"))


def store() -> SQLAlchemyJobStore:
    """Return the store of one process; all processes have the same database."""
    return SQLAlchemyJobStore(DATABASE)


def tick() -> None:
    """Run now and then, in whichever process is the first to claim it."""
    _log("tick")


def greet(name: str) -> None:
    """Do the work that a request has ordered."""
    _log(f"hello {name}")


def _log(text: str) -> None:
    with LOG.open("a") as log:
        log.write(f"{current_run().key}\t{os.getpid()}\t{text}\n")
