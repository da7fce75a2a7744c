"""The table in which APScheduler 3 keeps jobs, each as a pickle: it is read, and left as it is."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData, Table, Unicode, inspect, select

from .databases import visited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Connection

    OldJob = tuple[str, bytes]

__all__ = ["OldTable"]

PAGE = 500
"""How many jobs are fetched at once."""


class OldTable:
    """
    A table of APScheduler 3.

    Args:
        url: url of its database.
        tablename: its name.
        tableschema: its schema.

    Raises:
        ValueError: there is no such table, or it is not one of APScheduler 3.
    """

    def __init__(self, url: Any, tablename: str, tableschema: str | None) -> None:
        columns = Column("id", Unicode(191), primary_key=True), Column("job_state", LargeBinary)
        self._table = Table(tablename, MetaData(), *columns, schema=tableschema)
        self._database = visited(url)
        try:
            self._database.read(self._check)
        except BaseException:
            self.close()
            raise

    def _check(self, connection: Connection) -> None:
        table, inspector = self._table, inspect(connection)
        if not inspector.has_table(table.name, schema=table.schema):
            raise ValueError(f"there is no table {table.fullname!r} in this database")
        found = {column["name"].lower() for column in inspector.get_columns(table.name, schema=table.schema)}
        if not {"id", "next_run_time", "job_state"} <= found:
            raise ValueError(f"the table {table.fullname!r} was not made by APScheduler 3")

    def pages(self) -> Iterator[list[OldJob]]:
        """Yield the ids and pickles of its jobs, some at a time."""
        columns = self._table.c
        page = select(columns.id, columns.job_state).order_by(columns.id).limit(PAGE)
        rows = self._database.read(_fetch, page)
        while rows:
            yield rows
            rows = self._database.read(_fetch, page.where(columns.id > rows[-1][0]))

    def close(self) -> None:
        """Close the connections."""
        self._database.engine.dispose()


def _fetch(connection: Connection, statement: Any) -> list[OldJob]:
    return [(row.id, bytes(row.job_state)) for row in connection.execute(statement)]
