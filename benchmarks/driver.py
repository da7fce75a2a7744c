"""
The least that SQL takes: a database's driver on our tables, with nothing but the statements.

On PostgreSQL one statement finds what is due, moves it on, writes its runs and ends those before. No scheduler that
reads a job before it decides what becomes of it can do so; it is what all the rest is measured against.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from statistics import median
from typing import Any, Self

from benchmarks.floors import DAY

CLAIM_BY_SQLITE = (
    (
        "SELECT id, next_run_time FROM {jobs} WHERE executor = 'default' AND next_run_time <= ? ORDER BY next_run_time"
        " LIMIT ?"
    ),
    "UPDATE {jobs} SET next_run_time = ? WHERE id = ?",
    (
        "INSERT INTO {jobs}_runs (id, job_id, executor, fire_time, due, attempt, rerun, claimed)"
        " VALUES (?, ?, 'default', ?, ?, 1, 0, ?)"
    ),
    "UPDATE {jobs}_runs SET finished = ?, outcome = 'executed' WHERE id = ?",
)
CLAIM_BY_POSTGRESQL = (
    "WITH due AS (SELECT id FROM {jobs} WHERE executor = 'default' AND next_run_time <= %(now)s ORDER BY next_run_time"
    " LIMIT %(batch)s FOR UPDATE SKIP LOCKED),"
    " ended AS (UPDATE {jobs}_runs SET finished = %(now)s, outcome = 'executed' WHERE id = ANY(%(ended)s)),"
    " advanced AS (UPDATE {jobs} SET next_run_time = next_run_time + %(beat)s FROM due WHERE {jobs}.id = due.id)"
    " INSERT INTO {jobs}_runs (id, job_id, executor, fire_time, due, attempt, rerun, claimed)"
    " SELECT id || %(mark)s, id, 'default', %(now)s, %(now)s, 1, 0, %(now)s FROM due RETURNING id"
)
INSERT_BY_POSTGRESQL = (
    "INSERT INTO {jobs} (id, next_run_time, executor, paused, document, revision)"
    " SELECT id, at, 'default', 0, document, 1"
    " FROM jsonb_to_recordset(%s::jsonb) AS rows(id text, at bigint, document text)"
)
INSERT = (
    "INSERT INTO {jobs} (id, next_run_time, executor, paused, document, revision)"
    " VALUES ({0}, {0}, 'default', 0, {0}, 1)"
)


class Driver:
    """A connection to a database without anything between, and how long what takes there."""

    def __init__(self, url: str, table: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.table = table
        if self.is_sqlite:
            self.connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self.connection.execute("PRAGMA synchronous=FULL")
        else:
            import psycopg

            self.connection = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)

    def claims(self, batch: int) -> float:
        """Return the seconds until all due jobs were claimed, so many at once, and the ends of their runs written."""
        step = self._claim_of_sqlite if self.is_sqlite else self._claim_of_postgresql
        begin = time.perf_counter()
        ended = step(time.time_ns() // 1000, batch, [])
        while ended:
            ended = step(time.time_ns() // 1000, batch, ended)
        return time.perf_counter() - begin

    def _claim_of_sqlite(self, now: int, batch: int, ended: list[str]) -> list[str]:
        due, advance, insert, end = (each.format(jobs=self.table) for each in CLAIM_BY_SQLITE)
        execute, many = self.connection.execute, self.connection.executemany
        execute("BEGIN IMMEDIATE")
        rows = execute(due, (now, batch)).fetchall()
        many(advance, [(at + DAY, id) for id, at in rows])
        many(insert, [(f"{id}-{now:x}", id, at, at, now) for id, at in rows])
        many(end, [(now, id) for id in ended])
        execute("COMMIT")
        return [f"{id}-{now:x}" for id, _ in rows]

    def _claim_of_postgresql(self, now: int, batch: int, ended: list[str]) -> list[str]:
        values = {"now": now, "batch": batch, "ended": ended, "beat": DAY, "mark": f"-{now % 2**40:x}"}
        return [id for (id,) in self.connection.execute(CLAIM_BY_POSTGRESQL.format(jobs=self.table), values).fetchall()]

    def additions(self, jobs: int, together: bool) -> float:
        """Return the seconds in which jobs are inserted, in one transaction or in one for each."""
        statement = INSERT.format("?" if self.is_sqlite else "%s", jobs=self.table)
        begin = time.perf_counter()
        now = time.time_ns() // 1000
        rows = [self._row(now) for _ in range(jobs)]
        if not together:
            for row in rows:
                self.connection.execute(statement, row)
        elif self.is_sqlite:
            self.connection.execute("BEGIN")
            self.connection.executemany(statement, rows)
            self.connection.execute("COMMIT")
        else:
            objects = [{"id": id, "at": at, "document": document} for id, at, document in rows]
            self.connection.execute(INSERT_BY_POSTGRESQL.format(jobs=self.table), (json.dumps(objects),))
        return time.perf_counter() - begin

    def _row(self, now: int) -> tuple[str, int, str]:
        document = {"func": "module:function", "trigger": {"start": now, "interval": DAY}, "args": [], "kwargs": {}}
        return os.urandom(16).hex(), now + DAY, json.dumps(document)

    def look(self, looks: int) -> float:
        """Return the median seconds of the question when the first job is due."""
        statement = f"SELECT min(next_run_time) FROM {self.table} WHERE executor = 'default'"
        took = []
        for _ in range(looks):
            begin = time.perf_counter()
            self.connection.execute(statement).fetchone()
            took.append(time.perf_counter() - begin)
        return float(median(took))

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connection."""
        self.connection.close()
