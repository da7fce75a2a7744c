"""The store's options, its tables, and what it says when something is wrong with them."""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import chain

import pytest

from apscheduler_lite import BackgroundScheduler
from tests.integration.jobs import note

pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore, schema
from apscheduler_lite.jobstores.sqlalchemy.claims import Claims
from apscheduler_lite.jobstores.sqlalchemy.runs import Records

DIALECTS = [postgresql, mysql, sqlite_dialect, oracle, mssql]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.__name__.rpartition(".")[2])
def test_the_tables_compile_on_five_databases(dialect):
    """PostgreSQL, MySQL, SQLite, Oracle and SQL Server; so do the statements of claims and runs."""
    tables = schema.Tables("jobs", None, None)
    compiler = dialect.dialect()

    for table in tables.all:
        assert f"CREATE TABLE {table.name}" in str(CreateTable(table).compile(dialect=compiler))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=compiler))
    records = Records(tables, None, True)  # type: ignore[arg-type]
    claims = Claims(tables, None, None, records)  # type: ignore[arg-type]
    parts = [claims, claims._beside, claims.ongoing, records]
    together = claims._end_advance_insert
    bulks = [bulk.plain for bulk in together._parts]
    if compiler.name == "postgresql":
        bulks = [together._join(together._parts), together._join(together._parts[:2])]
    statements = [
        *bulks,
        *chain(*(vars(part).values() for part in parts)),
        claims._look(2, True),
        claims._look(1, False),
    ]
    compiled = [each.compile(dialect=compiler) for each in statements if hasattr(each, "compile")]
    assert len(compiled) >= 12


WRONG = [
    ({}, "needs either a url or an engine"),
    ({"url": "sqlite://", "engine": "sqlite://"}, "needs either a url or an engine, not both"),
    ({"url": "sqlite://", "tablename": ""}, "tablename must be a nonempty string"),
    ({"url": "sqlite://", "poll_interval": 0}, "poll_interval must be None or a positive number"),
    ({"url": "sqlite://", "dead_after": 10}, r"dead_after \(10 s\) must be at least three times heartbeat_interval"),
    ({"url": "sqlite://", "keep_runs": -1}, "keep_runs must be None or a positive number"),
    ({"url": "sqlite://", "keep_runs": True}, "keep_runs must be None or a positive number"),
    ({"url": "sqlite://", "serializer": "json"}, "serializer must have the methods dumps and loads"),
    ({"url": "sqlite://", "allow_pickle": "perhaps"}, "allow_pickle must be true or false"),
    ({"url": "sqlite://", "allowed_functions": "myapp:*"}, "allowed_functions must be a list of patterns"),
    ({"url": "sqlite://", "allowed_functions": ["myapp"]}, "must be of the form 'module:function', not 'myapp'"),
    ({"url": "sqlite://", "signing_key": ""}, "signing_key must not be empty"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[str(options) for options, _ in WRONG])
def test_a_wrong_option_is_told_by_name(options, message):
    """With the value and what would do, when the store is made."""
    with pytest.raises((TypeError, ValueError), match=message):
        SQLAlchemyJobStore(**options)


def test_the_store_is_made_by_its_alias(sqlite):
    """In a configuration, text values included."""
    scheduler = BackgroundScheduler(
        {
            "apscheduler.jobstores.default.type": "sqlalchemy",
            "apscheduler.jobstores.default.url": sqlite.url,
            "apscheduler.jobstores.default.poll_interval": "0.5",
            "apscheduler.jobstores.default.allow_pickle": "false",
        },
        timezone="UTC",
    )

    scheduler.add_job(note, id="job")

    assert [job.id for job in scheduler.get_jobs()] == ["job"]
    assert scheduler._catalog.stores["default"].poll_interval == 0.5


def test_ages_may_be_timedeltas(sqlite):
    """Wherever seconds are asked for."""
    store = sqlite.store(
        keep_runs=timedelta(hours=1), dead_after=timedelta(minutes=1), poll_interval=timedelta(seconds=2)
    )

    assert (store._keep_runs, store._dead_after, store.poll_interval) == (3600, 60, 2)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("postgresql+psycopg://localhost/x", "psycopg", "postgres"),
        ("mysql+pymysql://localhost/x", "pymysql", "mysql"),
        ("postgresql://localhost/x", "psycopg", "postgres"),
        ("mariadb://localhost/x", "pymysql", "mysql"),
    ],
)
def test_a_missing_driver_is_told_with_its_extra(url, module, extra, monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ImportError, match=rf"pip install 'apscheduler-lite\[{extra}\]'"):
        SQLAlchemyJobStore(url)


def test_a_missing_itsdangerous_is_told_with_its_extra(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "itsdangerous", None)

    with pytest.raises(ImportError, match=r"pip install 'apscheduler-lite\[signing\]'"):
        SQLAlchemyJobStore("sqlite://", signing_key="key")


def test_a_table_of_version_3_is_left_alone(sqlite):
    """The error names the command that copies it."""
    sqlite.execute(
        "CREATE TABLE {jobs} (id VARCHAR(191) PRIMARY KEY, next_run_time FLOAT(25), job_state BLOB NOT NULL)"
    )

    with pytest.raises(ValueError, match=r"jobs of APScheduler 3.*apscheduler-lite migrate-from"):
        BackgroundScheduler(jobstores={"default": sqlite.store()}).start()
    assert sqlite.execute("SELECT * FROM {jobs}") == []


def test_a_table_of_somebody_else_is_left_alone(sqlite):
    """The error says so."""
    sqlite.execute("CREATE TABLE {jobs} (id INTEGER)")

    with pytest.raises(ValueError, match="was not made by this library"):
        BackgroundScheduler(jobstores={"default": sqlite.store()}).start()


def test_tables_of_a_later_version_are_left_alone(shared, schedulers):
    """The error says which versions are known."""
    schedulers(shared.store()).add_job(note)
    shared.execute("UPDATE {meta} SET value = '99'")

    with pytest.raises(ValueError, match="have version 99; this version of apscheduler_lite knows up to 1"):
        schedulers(shared.store()).start()


def test_tables_of_an_earlier_version_are_upgraded_once(shared, schedulers, monkeypatch):
    """By whoever comes first; its jobs stay."""
    schedulers(shared.store()).add_job(note, id="job")
    steps = []
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(schema, "UPGRADES", {1: lambda connection, tables: steps.append(tables.name)})

    made = [schedulers(shared.store()) for _ in range(3)]

    assert [[job.id for job in scheduler.get_jobs()] for scheduler in made] == [["job"]] * 3
    assert steps == [shared.tablename]
    assert shared.execute("SELECT value FROM {meta} WHERE name = 'version'") == [("2",)]


def test_a_misspelt_database_is_told_with_the_nearest_one():
    """As hosts do that name PostgreSQL by half; the password is not shown."""
    with pytest.raises(ValueError, match="no database 'postgres'; did you mean 'postgresql'") as caught:
        SQLAlchemyJobStore("postgres://user:secret@localhost/jobs")
    assert "secret" not in str(caught.value)


def test_sqlite_is_set_up_for_several_processes(sqlite, schedulers):
    """Readers do not wait for writers, a commit is on the disk when it returns, writers wait for each other."""
    store = sqlite.store()
    schedulers(store).start(paused=True)

    with store._database.engine.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()

    assert settings == ["wal", 2]
    assert patience >= 10_000


def test_the_engine_may_be_the_applications(sqlite, schedulers):
    """It is used as it is, and not closed with the store."""
    engine = sqlalchemy.create_engine(sqlite.url)
    store = SQLAlchemyJobStore(engine=engine, tablename=sqlite.tablename)
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.add_job(note, id="job")
    scheduler.shutdown()

    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT 1")).all() == [(1,)]
    assert sqlite.execute("SELECT id FROM {jobs}") == [("job",)]
    engine.dispose()


def test_the_tables_may_belong_to_the_applications_metadata(sqlite, schedulers):
    """So that its migrations know them; two stores may share it."""
    metadata = sqlalchemy.MetaData()
    for _ in range(2):
        store = SQLAlchemyJobStore(sqlite.url, tablename=sqlite.tablename, metadata=metadata)
        schedulers(store).start(paused=True)

    assert set(metadata.tables) == {
        sqlite.tablename, *(f"{sqlite.tablename}_{suffix}" for suffix in ("runs", "schedulers", "meta")),
    }  # fmt: skip


def test_a_schema_is_used(postgres):
    """All four tables lie in it."""
    name = f"s_{postgres.tablename}"
    postgres.execute(f"CREATE SCHEMA {name}")
    try:
        store = postgres.store(tableschema=name)
        scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
        scheduler.start(paused=True)
        scheduler.add_job(note, id="job")
        scheduler.shutdown()

        found = postgres.execute(f"SELECT id FROM {name}.{{jobs}}")  # noqa: S608 - a name of our own
        assert found == [("job",)]
    finally:
        postgres.execute(f"DROP SCHEMA {name} CASCADE")


def test_the_password_is_not_shown():
    """In reprs, which get into logs."""
    pytest.importorskip("psycopg")

    assert "secret" not in repr(SQLAlchemyJobStore("postgresql+psycopg://me:secret@localhost/x"))


def test_its_jobs_outlive_the_process():
    """So that the end of a program does not call them lost, and a method's object is known to be copied."""
    assert SQLAlchemyJobStore.persistent


def test_there_may_be_no_end_to_the_limit_of_records():
    """A database has one, of which the caller need not know."""
    with BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore("sqlite://")}) as scheduler:
        assert scheduler.get_runs(limit=10**30) == []
