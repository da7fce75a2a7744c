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

__all__ = ["BulkInsert", "BulkUpdate"]


def _rows_of_json(table: Table, names: Mapping[str, str]) -> Any:
    """Return what stands for the rows in a FROM clause; the names of their values map to columns of the same types."""
    typed = (column(name, table.c[of].type) for name, of in names.items())
    rows = func.jsonb_to_recordset(cast(bindparam("rows", type_=Text), JSONB))
    return rows.table_valued(*typed, name="r").render_derived(with_types=True)


class _Bulk:
    """What both have in common."""

    plain: Any
    of_json: Any

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute it for all rows; return how many it has found."""
        if connection.dialect.name == "postgresql":
            return int(connection.execute(self.of_json, {"rows": json.dumps(rows)}).rowcount)
        if connection.dialect.paramstyle == "qmark":
            return self._execute_with_tuples(connection, rows)
        return int(connection.execute(self.plain, rows).rowcount)

    _text: str | None = None
    _order: Any = None

    def _execute_with_tuples(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        if self._text is None:
            compiled: Any = self.plain.compile(dialect=connection.dialect, column_keys=list(rows[0]))
            self._order = itemgetter(*compiled.positiontup)
            self._text = compiled.string
        return int(connection.exec_driver_sql(self._text, [self._order(row) for row in rows]).rowcount)


class BulkInsert(_Bulk):
    """Insert rows that all have the same columns."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.plain = insert(table)
        rows = _rows_of_json(table, {name: name for name in names})
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
        self.plain = update(table).where(table.c.id == bindparam("b_id"))
        rows = _rows_of_json(table, {"b_id": "id", **{f"b_{name}": name for name in names}})
        self.of_json = update(table).where(table.c.id == rows.c.b_id)
        self.plain = self.plain.values({name: bindparam(f"b_{name}") for name in names})
        self.of_json = self.of_json.values({name: rows.c[f"b_{name}"] for name in names})
        if where is not None:
            self.plain, self.of_json = self.plain.where(where), self.of_json.where(where)
