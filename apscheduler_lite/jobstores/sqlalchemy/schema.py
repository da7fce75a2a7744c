"""
The tables, and how they come to be.

    …           the jobs: definition (`document`), and beside it what changes at each run
    …_runs      runs in progress, runs that wait to be taken, and the history
    …_schedulers  the processes that are alive
    …_meta      the version of these tables

All times are microseconds since 1970 in UTC. The types are such that the statements compile on PostgreSQL, MySQL and
MariaDB, SQLite, Oracle and SQL Server.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Unicode,
    UnicodeText,
    inspect,
    text,
)
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.exc import DBAPIError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Connection

    from .databases import Database

__all__ = ["ID_LENGTH", "VERSION", "Tables", "prepare"]

VERSION = 1
"""The version of the tables that this library writes."""

LEFT = "left"
"""The name under which it stands in ``_meta`` when a scheduler has left."""

ID_LENGTH = 191
"""Characters of an id: what MySQL can index in four-byte characters."""

CONDITIONAL = ("sqlite", "postgresql")
"""The databases whose indexes may have conditions."""

ATTEMPTS = 10
"""How often a process tries to create the tables while others do the same."""

UPGRADES: dict[int, Callable[[Connection, Tables], None]] = {}
"""Version → what makes its tables into those of the next one. Only additions: older processes may still run."""


def _name(length: int = ID_LENGTH) -> Any:
    # Ids are compared exactly, as Python compares strings, and not as people of some country would.
    return (
        Unicode(length)
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
        .with_variant(mssql.NVARCHAR(length, collation="Latin1_General_BIN2"), "mssql")
    )


def _text() -> Any:
    return UnicodeText().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


class Tables:
    """The four tables of one store."""

    def __init__(self, tablename: str, schema: str | None, metadata: MetaData | None) -> None:
        self.name = tablename
        self.schema = schema
        self.metadata = MetaData() if metadata is None else metadata
        self.jobs = self._table(
            "",
            Column("id", _name(), primary_key=True),
            Column("next_run_time", BigInteger),  # when it is due; NULL: paused or finished
            Column("fire_time", BigInteger),  # the fire time without jitter, where that is another
            Column("backlog", BigInteger),  # up to when fire times were due already that got no run yet
            Column("executor", _name(), nullable=False),
            Column("paused", SmallInteger, nullable=False),
            Column("document", _text(), nullable=False),
            Column("signature", String(255)),
            Column("revision", BigInteger, nullable=False),
            indexes={"due": Keys("executor", "next_run_time")},
        )
        self.runs = self._table(
            "_runs",
            Column("id", String(48), primary_key=True),
            Column("job_id", _name(), nullable=False),
            Column("job_name", _text()),
            Column("executor", _name(), nullable=False),
            Column("scheduler", String(32)),  # whose it is; NULL: nobody's yet
            Column("host", Unicode(255)),
            Column("pid", Integer),
            Column("fire_time", BigInteger, nullable=False),
            Column("due", BigInteger, nullable=False),
            Column("attempt", Integer, nullable=False),
            Column("rerun", SmallInteger, nullable=False),  # whether it is run again when its process dies
            Column("open_at", BigInteger),  # from when on a process may take it; NULL: it has been taken
            Column("claimed", BigInteger),
            Column("started", BigInteger),
            Column("finished", BigInteger),  # NULL: in progress
            Column("outcome", String(16)),
            Column("reason", _text()),
            Column("exception", _text()),
            Column("traceback", _text()),
            # A run is written twice, and to note it in an index costs about as much as the row; so each holds no more
            # than what is looked up in it.
            indexes={
                "active": Keys("finished", "job_id", where="finished IS NULL"),
                # Where indexes cannot have conditions, `active` holds all runs and serves here, too.
                "ended": Keys("finished", where="finished IS NOT NULL", only_where=True),
                "history": Keys("job_id", "due"),
                "open": Keys("open_at", where="open_at IS NOT NULL"),
            },
        )
        self.schedulers = self._table(
            "_schedulers",
            Column("id", String(32), primary_key=True),
            Column("host", Unicode(255)),
            Column("pid", Integer),
            Column("machine", String(255)),  # what tells whether a pid can be looked up from here
            Column("process", String(64)),  # what tells whether the pid is still the same process
            Column("beat", BigInteger, nullable=False),  # grows while it lives
            Column("dead_after", BigInteger, nullable=False),  # microseconds that it may be silent
            Column("seen", BigInteger),  # the last beat by its own wall clock, for people
        )
        self.meta = self._table("_meta", Column("name", String(32), primary_key=True), Column("value", String(255)))
        self.all = (self.jobs, self.runs, self.schedulers, self.meta)

    def _table(self, suffix: str, *columns: Column[Any], indexes: dict[str, Keys] | None = None) -> Table:
        name = self.name + suffix
        present = self.metadata.tables.get(name if self.schema is None else f"{self.schema}.{name}")
        if present is not None:  # a second store on the metadata of the application
            return present
        table = Table(name, self.metadata, *columns, schema=self.schema)
        for purpose, keys in (indexes or {}).items():
            keys.index(f"ix_{name}_{purpose}", table)
        return table


class Keys:
    """
    What an index of a table holds.

    Args:
        names: the columns.
        where: the rows, on databases whose indexes can have conditions; all rows on the others.
        only_where: whether there is no such index on the others.
    """

    def __init__(self, *names: str, where: str | None = None, only_where: bool = False) -> None:
        self._names = names
        self._where = where
        self._only_where = only_where

    def index(self, name: str, table: Table) -> None:
        """Give the table the index."""
        where = None if self._where is None else text(self._where)
        columns = (table.c[each] for each in self._names)
        index = Index(name, *columns, sqlite_where=where, postgresql_where=where)
        if self._only_where:
            index.ddl_if(callable_=lambda *_, dialect, **__: dialect.name in CONDITIONAL)


def prepare(database: Database, tables: Tables) -> None:
    """
    Create or upgrade the tables; any number of processes may do so at once.

    Raises:
        ValueError: a table of that name is somebody else's, or was made by a later version of this library.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if database.read(_version, tables) != VERSION:
                database.write(_create, tables)
        except DBAPIError:
            # Somebody else created the same table in the same moment. Which error that is differs with every database.
            if attempt == ATTEMPTS or not database.is_reachable():
                raise
            database.pause(0.02 * attempt)
        else:
            return


def _version(connection: Connection, tables: Tables) -> int | None:
    """Return the version of the tables, None when there are none; raise when they are not ours."""
    inspector = inspect(connection)
    if not inspector.has_table(tables.jobs.name, schema=tables.schema):
        return None
    columns = {column["name"].lower() for column in inspector.get_columns(tables.jobs.name, schema=tables.schema)}
    if "document" not in columns:
        full = f"{tables.schema}.{tables.name}" if tables.schema else tables.name
        if {"id", "next_run_time", "job_state"} <= columns:
            raise ValueError(
                f"table {full!r} holds jobs of APScheduler 3. Choose another tablename and copy them into it with"
                f"  apscheduler-lite migrate-from --from-url URL --from-table {tables.name} --to-table OTHER  (the old"
                " table stays as it is)"
            )
        raise ValueError(f"table {full!r} was not made by this library; choose another tablename")
    if not inspector.has_table(tables.meta.name, schema=tables.schema):
        return None
    found = connection.execute(tables.meta.select().where(tables.meta.c.name == "version")).first()
    if found is None:
        return None
    version = int(found.value)
    if version > VERSION:
        raise ValueError(
            f"the tables {tables.name!r} have version {version}; this version of apscheduler_lite knows up to"
            f" {VERSION}. Upgrade it"
        )
    return version


def _create(connection: Connection, tables: Tables) -> None:
    if connection.dialect.name == "postgresql":  # one after the other, rather than into each other's errors
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x61706C7465})
    version = _version(connection, tables)
    tables.metadata.create_all(connection, tables=list(tables.all), checkfirst=True)
    if version is None:
        version = VERSION
        connection.execute(tables.meta.insert(), {"name": "version", "value": str(VERSION)})
        connection.execute(tables.meta.insert(), {"name": LEFT, "value": None})
    while version < VERSION:
        UPGRADES[version](connection, tables)
        version += 1
        connection.execute(tables.meta.update().where(tables.meta.c.name == "version").values(value=str(version)))
