"""
The jobs of APScheduler 3.11's SQLAlchemy store can be copied into ours, by the command and by the function.

``stored_3_11.json`` holds the rows that APScheduler 3.11.3 wrote into SQLite for jobs of each kind.
"""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from base64 import b64decode
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import pytest

pytest.importorskip("sqlalchemy")

from apscheduler_lite import BackgroundScheduler, SQLAlchemyJobStore
from apscheduler_lite.cli import main
from apscheduler_lite.migrate import migrate_from

ROWS = json.loads(Path(__file__).with_name("stored_3_11.json").read_text())["rows"]
IDS = {row["id"] for row in ROWS}


@contextmanager
def connected(path):
    """Give a connection to a SQLite file, committed and closed in the end."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


class OldFile:
    """A SQLite file with a table of APScheduler 3 in it."""

    def __init__(self, path):
        self.path = path
        self.url = f"sqlite:///{path}"
        with connected(path) as connection:
            connection.execute(
                "CREATE TABLE apscheduler_jobs (id VARCHAR(191) NOT NULL PRIMARY KEY, next_run_time FLOAT,"
                " job_state BLOB NOT NULL)"
            )
        for row in ROWS:
            self.insert(row["id"], b64decode(row["job_state"]), row["next_run_time"])

    def insert(self, job_id, pickled, next_run_time=None):
        """Add a row."""
        with connected(self.path) as connection:
            connection.execute("INSERT INTO apscheduler_jobs VALUES (?, ?, ?)", (job_id, next_run_time, pickled))

    def rows(self):
        """Return the rows."""
        with connected(self.path) as connection:
            return connection.execute("SELECT * FROM apscheduler_jobs ORDER BY id").fetchall()


@pytest.fixture
def old(tmp_path):
    """An old table with jobs of each kind."""
    return OldFile(tmp_path / "old.db")


@pytest.fixture
def jobs_at():
    """Return the jobs of a new store, by id; it is closed in the end."""
    stores = []

    def look(url, **options):
        stores.append(SQLAlchemyJobStore(url, **options))
        scheduler = BackgroundScheduler(timezone="Europe/Berlin", jobstores={"default": stores[-1]})
        return {job.id: job for job in scheduler.get_jobs()}

    yield look
    for store in stores:
        store.shutdown()


def test_every_kind_of_job_is_copied_with_its_time(old, jobs_at, capsys):
    """Triggers, arguments, options, next run times and pauses are those that they had."""
    before = old.rows()

    assert main(["migrate-from", "--from-url", old.url]) == 0
    assert capsys.readouterr().out == f"{len(ROWS)} jobs copied, 0 already there, 0 not copied\n"
    jobs = jobs_at(old.url)
    assert jobs.keys() == IDS
    for row in ROWS:
        job = jobs[row["id"]]
        if row["next_run_time"] is None:
            assert job.paused
        else:
            assert job.next_run_time.timestamp() == pytest.approx(row["next_run_time"])
            assert not job.paused
    arguments = jobs["arguments"]
    assert arguments.name == "with arguments"
    assert arguments.args == ([("a", 1)],)
    assert arguments.kwargs == {
        "when": datetime(2040, 1, 1, tzinfo=timezone.utc),
        "key": UUID(int=5),
        "raw": b"\x00",
        "nested": {"x": (1, 2)},
    }
    interval = jobs["interval"]
    assert (interval.executor, interval.max_instances, interval.coalesce) == ("slow", 3, True)
    assert interval.misfire_grace_time is None
    assert {job_id: str(job.trigger) for job_id, job in jobs.items() if job_id in ("cron", "interval")} == {
        "cron": "cron[day_of_week='mon-fri', hour='8']",
        "interval": "interval[1 day, 12:00:00]",
    }
    assert old.rows() == before


def test_a_copied_job_goes_on_as_a_new_one_would(old, jobs_at):
    """The triggers fire when those do that are made here with the same arguments."""
    main(["migrate-from", "--from-url", old.url])
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    many = {"day": "2nd wed,last", "minute": "5-50/15", "second": "1,2", "start_date": "2040-01-01"}
    made = scheduler.add_job("time:sleep", "cron", args=[0], **many).trigger
    copied = jobs_at(old.url)["cron of many parts"].trigger

    assert copied.jitter == 3
    begin, end = (datetime(2040, month, 1, tzinfo=timezone.utc) for month in (1, 4))
    assert list(copied.between(begin, end)) == list(made.between(begin, end))


def test_it_can_be_repeated(old, jobs_at, capsys):
    """What is there already stays as it is, unless it is to be replaced."""
    main(["migrate-from", "--from-url", old.url])
    store = SQLAlchemyJobStore(old.url)
    BackgroundScheduler(timezone="UTC", jobstores={"default": store}).modify_job("cron", name="changed since")
    store.shutdown()
    capsys.readouterr()

    assert main(["migrate-from", "--from-url", old.url]) == 0
    told = capsys.readouterr().out
    assert "already there: cron\n" in told
    assert told.endswith(f"0 jobs copied, {len(ROWS)} already there, 0 not copied\n")
    assert jobs_at(old.url)["cron"].name == "changed since"
    assert main(["migrate-from", "--from-url", old.url, "--replace"]) == 0
    assert jobs_at(old.url)["cron"].name == "sleep"


def test_jobs_that_cannot_be_read_are_told_and_the_others_copied(old, jobs_at, capsys):
    """A broken pickle, a function that is not here, a pickle of another job: each with its reason."""
    state = {"version": 1, "trigger": None, "executor": "default", "args": (), "kwargs": {}, "name": "lost"}
    old.insert("broken", b"no pickle")
    old.insert("lost", pickle.dumps({**state, "id": "lost", "func": "no_such_module:function"}))
    old.insert("strange", b64decode(ROWS[0]["job_state"]))

    assert main(["migrate-from", "--from-url", old.url]) == 1
    printed, said = capsys.readouterr()
    assert printed == f"{len(ROWS)} jobs copied, 0 already there, 3 not copied\n"
    assert "not copied: broken: UnpicklingError" in said
    assert "no_such_module" in said
    assert f"not copied: strange: ValueError: its pickle is that of job {ROWS[0]['id']!r}" in said
    assert jobs_at(old.url).keys() == IDS
    assert {row[0] for row in old.rows()} == IDS | {"broken", "lost", "strange"}


def test_a_dry_run_writes_nothing(old, capsys):
    """It tells what could be copied; no table is made."""
    assert main(["migrate-from", "--from-url", old.url, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"{len(ROWS)} jobs could be copied")
    with connected(old.path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        journal = connection.execute("PRAGMA journal_mode").fetchall()
    assert tables == [("apscheduler_jobs",)]
    assert journal == [("delete",)]


def test_another_database_table_and_key_can_be_named(old, jobs_at, tmp_path, monkeypatch):
    """The jobs go where they are to go, and are signed there."""
    monkeypatch.setenv("NEW_KEY", "a key")
    url = f"sqlite:///{tmp_path / 'new.db'}"
    where = ["--to-url", url, "--to-table", "other", "--signing-key-in", "NEW_KEY"]

    assert main(["migrate-from", "--from-url", old.url, *where]) == 0
    assert jobs_at(url, tablename="other", signing_key="a key").keys() == IDS
    assert jobs_at(url, tablename="other", signing_key="another key") == {}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from-url", "sqlite:////no/such/file.db"], "there is no SQLite file '/no/such/file.db'"),
        (["--from-table", "no_such_table"], "there is no table 'no_such_table'"),
        (["--from-table", "others"], "the table 'others' was not made by APScheduler 3"),
        (["--to-table", "apscheduler_jobs"], "holds jobs of APScheduler 3"),
        (["--signing-key-in", "NO_SUCH_VARIABLE"], "'NO_SUCH_VARIABLE' holds no signing key"),
        (["--from-url", "nonsense://"], "nonsense"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_done_is_told_and_nothing_is_done(old, capsys, arguments, reason):
    """The exit code is 2."""
    with connected(old.path) as connection:
        connection.execute("CREATE TABLE others (id INTEGER)")
    before = old.rows()

    assert main(["migrate-from", "--from-url", old.url, *arguments]) == 2
    assert reason in capsys.readouterr().err
    assert old.rows() == before


def test_a_store_with_other_settings_is_given_to_the_function(old, jobs_at, tmp_path):
    """Jobs that it refuses are told of; here those whose arguments only a pickle could hold."""
    old.insert("object", pickle.dumps({**pickled_state(), "args": (Path("/"),)}))
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path / 'new.db'}", allow_pickle=False)
    done = migrate_from(old.url, store)
    store.shutdown()

    assert set(done.copied) == IDS
    assert [job_id for job_id, _ in done.failed] == ["object"]
    assert "allow_pickle is False" in str(done.failed[0][1])


def pickled_state():
    """Return the state of a job as this library pickles it, which has the keys of version 3."""
    scheduler = BackgroundScheduler(timezone="UTC")
    return scheduler.add_job("builtins:print", "interval", days=1, id="object").__getstate__()


def test_the_command_finds_functions_in_the_present_directory(old, tmp_path):
    """It is run in the directory of the program, as an installed script and as a module."""
    (tmp_path / "program.py").write_text("def work():\n    pass\n")
    old.insert("own", pickle.dumps({**pickled_state(), "id": "own", "func": "program:work", "args": ()}))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "apscheduler_lite", "migrate-from", "--from-url", old.url]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{len(ROWS) + 1} jobs copied")
