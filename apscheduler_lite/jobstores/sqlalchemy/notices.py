"""
Notices between the processes of one PostgreSQL database.

Whoever changes a job says so in the same transaction (NOTIFY), and whoever runs jobs listens on a connection of its
own. A notice wakes the scheduler some milliseconds after the commit; one that gets lost, or that the driver cannot hand
over, costs no more than the wait for the next poll.
"""

from __future__ import annotations

import hashlib
from threading import Thread

from sqlalchemy import func, select

from apscheduler_lite._clock import Alarm

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Connection

    from .databases import Database
    from .schema import Tables

__all__ = ["Listener", "Notices"]

PATIENCE = 5.0
"""Seconds that the listener waits in one go; it looks then whether it is to end."""
LONGEST_PAUSE = 30.0


class Notices:
    """The channel of one store's tables."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self.database = database
        name = hashlib.sha256(f"{tables.schema}.{tables.name}".encode()).hexdigest()[:24]
        self.channel = f"apscheduler_lite_{name}"
        self._send = select(func.pg_notify(self.channel, ""))

    def send(self, connection: Connection) -> None:
        """Wake the others when this transaction is committed."""
        if self.database.family == "postgresql":
            connection.execute(self._send)

    def sent_with(self, change: Any) -> Any:
        """Return a statement of PostgreSQL that makes a change, which returns something, and wakes the others."""
        return select(func.pg_notify(self.channel, "")).select_from(change.cte("changed"))


class Listener:
    """A thread that waits for notices."""

    def __init__(self, notices: Notices, wakeup: Callable[[], object], logger: logging.Logger, alias: str) -> None:
        self._notices = notices
        self._wakeup = wakeup
        self._logger = logger
        self._is_closing = False
        self._bell = Alarm()
        self._thread = Thread(target=self._listen, name=f"apscheduler_lite.{alias}.listener", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        pause = 0.5
        while not self._is_closing:
            try:
                self._listen_on_one_connection()
                pause = 0.5
            except Exception as exc:
                self._logger.info("Listening for changes broke off: %s", exc, extra={"action": "listen_failed"})
                pause = min(2 * pause, LONGEST_PAUSE)
            self._bell.wait(pause)

    def _listen_on_one_connection(self) -> None:
        engine = self._notices.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # By SQLAlchemy, which lets go of all connections when this one turns out to be lost.
            connection.exec_driver_sql(f'LISTEN "{self._notices.channel}"')
            driver: Any = connection.connection.driver_connection
            connection.detach()  # it is not the pool's any more: it must not be counted as one of those
            self._wakeup()  # what was said before we listened
            while not self._is_closing:
                for _ in driver.notifies(timeout=PATIENCE, stop_after=1):
                    self._wakeup()

    def close(self) -> None:
        """End, by a notice to ourselves."""
        self._is_closing = True
        self._bell.ring()
        try:
            self._notices.database.write(self._notices.send)
        except Exception:  # then it ends when its patience does
            return
        self._thread.join(2)
