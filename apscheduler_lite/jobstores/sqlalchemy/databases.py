"""
One engine, and what each database wants to be treated like.

All SQL of the store goes through `Database.read` and `Database.write`, which take a function of a connection. A write
is one transaction; it is tried again where the database says that it met another one (deadlock, serialization failure,
a lost connection), so the function must have no effect but through its connection and its result. It may be called by
another thread (see `deputy`), and must neither log nor take a lock that callers hold.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Condition
from weakref import WeakSet

from apscheduler_lite._clock import Alarm, SystemClock
from apscheduler_lite._locks import make_lock
from apscheduler_lite._text import did_you_mean
from apscheduler_lite.errors import StoreUnavailableError

from . import deputy

try:
    from sqlalchemy import create_engine, event, text
    from sqlalchemy.engine import Engine, make_url
    from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
    from sqlalchemy.pool import StaticPool
except ImportError as exc:
    raise ImportError("SQLAlchemyJobStore needs SQLAlchemy 2: pip install 'apscheduler-lite[sqlalchemy]'") from exc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import Any, Concatenate, ParamSpec, TypeVar

    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["Database", "visited"]

ATTEMPTS = 5
"""How often a transaction is tried that met another one."""

BUSY_TIMEOUT = 60.0
"""Seconds for which a process waits for another one's transaction on the same SQLite file."""

LONGEST_FORK = 5.0
"""Seconds for which a fork waits for the threads that are inside SQLite."""

IDLE = 1.0
"""Seconds after which a connection may have been lost without anybody's noticing."""

_USED_AT = "apscheduler_lite.used_at"
_MET_ANOTHER = {"40001", "40P01", "55P03", 1205, 1213, 1020}  # PostgreSQL's states, MySQL's and MariaDB's numbers
_DRIVERS = {"postgresql": ("psycopg", "psycopg2", "postgres"), "mysql": ("pymysql", "MySQLdb", "mysql")}


class Database:
    """The database of one store."""

    def __init__(self, url: Any, engine: Any, engine_options: Mapping[str, Any] | None) -> None:
        self._is_ours = engine is None
        self.engine: Engine = _engine_from(url, engine_options) if engine is None else engine
        self.family = {"mariadb": "mysql"}.get(self.engine.dialect.name, self.engine.dialect.name)
        self.is_sqlite = self.family == "sqlite"
        # Writers on one SQLite file wait for each other in SQLite by sleeping; within the process a lock is faster. One
        # connection that all threads share, as sqlite:// has, must have one user at a time in any case.
        self._is_shared = self.is_sqlite and isinstance(self.engine.pool, StaticPool)
        self._lock = make_lock()
        self._gate: AbstractContextManager[Any] = Gate() if self.is_sqlite else nullcontext()
        self._reading = self.engine
        self.has_autocommit = self.family == "postgresql"
        if self.has_autocommit:
            # A read is one statement: it needs no transaction around it, which would cost two more round trips.
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writing = self.engine
        if self.family == "mysql" and not self._is_ours:
            self._writing = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._skips_locked: bool | None = None

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns, which only reads; a lost connection is tried again once."""
        return deputy.call(lambda: self._read(work, *args, **kwargs))

    def _read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in (1, 2):
            try:
                with self._gate, self._shared(), self._connected(self._reading) as connection:
                    return work(connection, *args, **kwargs)
            except DBAPIError as exc:
                if attempt == 1 and exc.connection_invalidated:
                    continue
                raise _explained(exc) from exc
        raise AssertionError("not reached")

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns, which is called in a transaction, perhaps more than once."""
        return deputy.call(lambda: self._write(work, *args, **kwargs))

    def _write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            committing = False
            try:
                with self._transaction() as connection:
                    result = work(connection, *args, **kwargs)
                    committing = True
                return result
            except DBAPIError as exc:
                # A connection that was lost during the commit leaves open whether it took place: nothing to try again
                # blindly.
                if attempt < ATTEMPTS and not committing and _may_be_tried_again(exc):
                    self.pause(0.01 * 3**attempt if attempt > 1 else 0.0)
                    continue
                raise _explained(exc, is_open=committing) from exc
        raise AssertionError("not reached")

    def write_alone(self, statement: Any, values: Mapping[str, Any]) -> None:
        """
        Execute a statement that is a transaction by itself, where there is autocommit: one round trip for three.

        Raises:
            StoreUnavailableError: the connection was lost; it is open then whether the statement has taken place.
        """
        deputy.call(lambda: self._write_alone(statement, values))

    def _write_alone(self, statement: Any, values: Mapping[str, Any]) -> None:
        clock = SystemClock()
        for attempt in (1, 2):
            is_sent = False
            try:
                with self._connected(self._reading) as connection:
                    # Once it is sent it may take place, and must not be repeated; so a connection that was lost has to
                    # be found out before.
                    if clock.monotonic() - connection.info.get(_USED_AT, float("-inf")) > IDLE:
                        connection.exec_driver_sql("SELECT 1")
                    is_sent = True
                    connection.execute(statement, values)
                    connection.info[_USED_AT] = clock.monotonic()
            except DBAPIError as exc:
                if attempt == 1 and not is_sent and exc.connection_invalidated:
                    continue
                raise _explained(exc, is_open=is_sent and exc.connection_invalidated) from exc
            return

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        guard: AbstractContextManager[Any] = self._lock if self.is_sqlite else nullcontext()
        with self._gate, guard, self._connected(self._writing) as connection, connection.begin():
            if self.is_sqlite:
                _take_write_lock(connection)
            yield connection

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        pool = self.engine.pool
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            if pool is not self.engine.pool:  # it was closed meanwhile, and closes nothing any more that is given back
                pool.dispose()

    def _shared(self) -> AbstractContextManager[Any]:
        return self._lock if self._is_shared else nullcontext()

    @property
    def skips_locked(self) -> bool:
        """Return whether ``FOR UPDATE SKIP LOCKED`` works; asked after the first connection."""
        if self._skips_locked is None:
            dialect: Any = self.engine.dialect
            version = getattr(dialect, "server_version_info", None) or (0,)
            if self.family == "mysql":
                self._skips_locked = version >= ((10, 6) if getattr(dialect, "is_mariadb", False) else (8, 0, 1))
            else:
                self._skips_locked = self.family in ("postgresql", "oracle")
        return self._skips_locked

    @property
    def compares(self) -> bool:
        """Return whether claims have to compare each row that they advance, for want of locks on rows."""
        return not self.skips_locked and not self.is_sqlite

    @property
    def can_listen(self) -> bool:
        """Return whether the driver is psycopg 3, which hands over notifications."""
        return self.family == "postgresql" and self.engine.dialect.driver == "psycopg"

    def is_reachable(self) -> bool:
        """Return whether the database answers."""
        try:
            self.read(lambda connection: connection.execute(text("SELECT 1")) if self.family != "oracle" else None)
        except Exception:
            return False
        return True

    @staticmethod
    def pause(seconds: float) -> None:
        """Let another transaction end."""
        SystemClock().sleep(Alarm(), seconds)

    def close(self) -> None:
        """Close the connections, if the engine is ours; it opens new ones when it is used again."""
        if self._is_ours and not self._is_shared:
            self.engine.dispose()

    def after_fork(self) -> None:
        """Let go of the parent's connections, which the parent goes on using."""
        self._lock = make_lock()
        if self.is_sqlite:
            self._gate = Gate()
        if not self._is_shared:
            self.engine.dispose(close=False)


class Gate:
    """
    Count the threads that are inside SQLite, so that a fork can wait until there are none.

    SQLite's C code has locks of its own. One that a thread of the parent holds in the moment of a fork is held for ever
    in the child, which would hang at its first use of SQLite.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        _gates.add(self)

    def __enter__(self) -> None:
        """Go in, unless a fork is under way."""
        self._count(1)

    def __exit__(self, *exc_info: object) -> None:
        """Go out."""
        self._count(-1)

    def _count(self, step: int) -> None:
        # Not for ever: a signal handler may have interrupted the fork, and wait for whoever wants to go in here.
        is_held = self._changed.acquire(timeout=LONGEST_FORK)
        self._inside += step
        if is_held:
            self._changed.notify_all()
            self._changed.release()

    def close(self) -> None:
        """Let nobody in any more, and wait until all are out."""
        self._changed.acquire()
        self._changed.wait_for(lambda: self._inside == 0, LONGEST_FORK)

    def open(self) -> None:
        """Let them in again."""
        self._changed.release()


_gates: WeakSet[Gate] = WeakSet()
_closed: list[Gate] = []


def _before_fork() -> None:
    _closed[:] = list(_gates)
    for gate in _closed:
        gate.close()


def _after_fork() -> None:
    for gate in _closed:
        gate.open()
    _closed.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def visited(url: Any) -> Database:
    """
    Return a database that is somebody else's: read as it is, and not set up.

    Raises:
        ImportError: its driver is not installed; the message says how to install it.
        ValueError: it is a file of SQLite that does not exist, and that a connection would make.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise ValueError(f"there is no SQLite file {parsed.database!r}")
    return Database(None, _created(parsed), None)


def _engine_from(url: Any, engine_options: Mapping[str, Any] | None) -> Engine:
    options = dict(engine_options or {})
    parsed = _parsed(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        connect_args = {"timeout": BUSY_TIMEOUT, "check_same_thread": False, **options.pop("connect_args", {})}
        options["connect_args"] = connect_args
        if parsed.database in (None, "", ":memory:") or "mode=memory" in str(parsed):
            options.setdefault("poolclass", StaticPool)
    elif backend in ("mysql", "mariadb"):
        # Without gap locks, which would make adding a job wait for whoever claims.
        options.setdefault("isolation_level", "READ COMMITTED")
        options.setdefault("pool_recycle", 3600)
    engine = _created(parsed, **options)
    if backend == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _created(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, **options)
    except ModuleNotFoundError as exc:
        raise ImportError(_missing(url, exc)) from exc
    except NoSuchModuleError:
        near = did_you_mean(url.drivername, ("postgresql", "postgresql+psycopg", "mysql", "mariadb", "sqlite"))
        raise ValueError(f"SQLAlchemy knows no database {url.drivername!r}{near} (as in the url {url})") from None


def _parsed(url: Any) -> URL:
    try:
        return _with_installed_driver(make_url(url))
    except ArgumentError as exc:
        raise ValueError(f"url is not the url of a database, such as sqlite:///jobs.db: {exc}") from None


def _with_installed_driver(url: URL) -> URL:
    """Return the url with a driver that is installed, where it names none: there may be the older one only."""
    family = "mysql" if url.drivername in ("mysql", "mariadb") else url.drivername
    if family not in _DRIVERS:
        return url
    from importlib.util import find_spec

    newer, older, _ = _DRIVERS[family]
    if find_spec(newer) is None and find_spec(older) is not None:
        return url.set(drivername=f"{url.drivername}+{older.lower()}")
    return url.set(drivername=f"{url.drivername}+{newer}")


def _missing(url: URL, exc: ModuleNotFoundError) -> str:
    for family, (newer, _, extra) in _DRIVERS.items():
        if url.drivername in (f"{family}+{newer}", f"mariadb+{newer}"):
            return f"the database {url.render_as_string()} needs {newer}: pip install 'apscheduler-lite[{extra}]'"
    return f"the driver of {url.render_as_string()} is not installed: {exc}"


def _set_up_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _take_write_lock(connection: Connection) -> None:
    """Begin with the write lock: who reads first and writes then may find that somebody else wrote in between."""
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _may_be_tried_again(exc: DBAPIError) -> bool:
    if exc.connection_invalidated:
        return True
    cause: Any = exc.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if code is None and getattr(cause, "args", None):
        code = cause.args[0]
    return code in _MET_ANOTHER


def _explained(exc: DBAPIError, *, is_open: bool = False) -> Exception:
    """Return the error that says what a database that is away means for the call; any other stays what it is."""
    if not _is_away(exc):
        return exc
    return StoreUnavailableError(exc.orig if exc.orig is not None else exc, is_open=is_open)


def _is_away(exc: DBAPIError) -> bool:
    if exc.connection_invalidated:
        return True
    if not isinstance(exc, (OperationalError, InterfaceError)):
        return False
    cause: Any = exc.orig
    name: str | None = getattr(cause, "sqlite_errorname", None)
    if name is not None:
        return name.startswith(_SQLITE_AWAY)
    number = cause.args[0] if getattr(cause, "args", None) else None
    return not isinstance(number, int) or number >= 2000 or number in _MYSQL_AWAY  # MySQL's numbers


_SQLITE_AWAY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY")
_MYSQL_AWAY = (1040, 1042, 1043, 1053, 1205, 1213)  # too many connections, shutting down, waited for too long
