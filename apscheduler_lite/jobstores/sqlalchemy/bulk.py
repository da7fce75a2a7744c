"""
One statement for many rows.

The drivers send the rows of an ``executemany`` one by one, which on PostgreSQL costs more than all the rest of a claim.
It gets them as one JSON value instead, and makes rows of it (``jsonb_to_recordset``). SQLite's driver is quick with
many rows, but what SQLAlchemy does with each of them takes longer than that: it gets them as tuples, in the right
order.
"""

from __future__ import annotations

import json
from operator import itemgetter

from sqlalchemy import Text, bindparam, cast, column, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection, Table
    from sqlalchemy.sql import ColumnElement

__all__ = ["BulkInsert", "BulkUpdate", "Together"]


def _rows_of_json(table: Table, names: Mapping[str, str], parameter: str) -> Any:
    """Return what stands for the rows in a FROM clause; the names of their values map to columns of the same types."""
    typed = (column(name, table.c[of].type) for name, of in names.items())
    rows = func.jsonb_to_recordset(cast(bindparam(parameter, type_=Text), JSONB))
    return rows.table_valued(*typed, name=parameter).render_derived(with_types=True)


class _Bulk:
    """What both have in common."""

    plain: Any
    of_json: Any
    parameter: str  # which the JSON is called

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for all rows."""
        if connection.dialect.name == "postgresql":
            connection.execute(self.of_json, {self.parameter: json.dumps(rows)})
        elif connection.dialect.paramstyle == "qmark":
            self._execute_with_tuples(connection, rows)
        else:
            connection.execute(self.plain, rows)

    _text: str | None = None
    _order: Any = None

    def _execute_with_tuples(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._text is None:
            compiled: Any = self.plain.compile(dialect=connection.dialect, column_keys=list(rows[0]))
            self._order = itemgetter(*compiled.positiontup)
            self._text = compiled.string
        connection.exec_driver_sql(self._text, [self._order(row) for row in rows])


class BulkInsert(_Bulk):
    """Insert rows that all have the same columns."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.parameter = f"new_{table.name}"
        self.plain = insert(table)
        rows = _rows_of_json(table, {name: name for name in names}, self.parameter)
        self.of_json = insert(table).from_select(list(names), select(*rows.c))


class BulkUpdate(_Bulk):
    """
    Update rows by their id.

    Each bears it as ``b_id``; a new value of a column is called ``b_`` and the column's name.

    Args:
        table: the table.
        names: the columns to set.
        where: a further condition.
    """

    def __init__(self, table: Table, names: Sequence[str], where: ColumnElement[bool] | None = None) -> None:
        self.parameter = f"changed_{table.name}"
        self.plain = update(table).where(table.c.id == bindparam("b_id"))
        rows = _rows_of_json(table, {"b_id": "id", **{f"b_{name}": name for name in names}}, self.parameter)
        self.of_json = update(table).where(table.c.id == rows.c.b_id)
        self.plain = self.plain.values({name: bindparam(f"b_{name}") for name in names})
        self.of_json = self.of_json.values({name: rows.c[f"b_{name}"] for name in names})
        if where is not None:
            self.plain, self.of_json = self.plain.where(where), self.of_json.where(where)


class Together:
    """
    Several of them, which touch no row twice, in one go.

    On PostgreSQL they are one statement: the way of a statement there and back costs more than what it does.
    """

    def __init__(self, *parts: _Bulk) -> None:
        self._parts = parts
        self._joined: dict[tuple[_Bulk, ...], Any] = {}

    def execute(self, connection: Connection, *rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute each part that has rows for them; the rows stand in the order of the parts."""
        wanted = {part: each for part, each in zip(self._parts, rows, strict=True) if each}
        if len(wanted) > 1 and connection.dialect.name == "postgresql":
            values = {part.parameter: json.dumps(each) for part, each in wanted.items()}
            connection.execute(self._join(tuple(wanted)), values)
        else:
            for part, each in wanted.items():
                part.execute(connection, each)

    def _join(self, parts: tuple[_Bulk, ...]) -> Any:
        if parts not in self._joined:
            *others, last = parts
            statement = last.of_json
            for other in others:
                done = other.of_json.returning(other.of_json.table.c.id)
                statement = statement.add_cte(done.cte(f"done_{other.parameter}"))
            self._joined[parts] = statement
        return self._joined[parts]
