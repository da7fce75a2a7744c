"""A run that others have taken over, since its process was frozen, is not begun on any executor."""

from __future__ import annotations

import concurrent.futures
import multiprocessing

import pytest

pytest.importorskip("sqlalchemy")

from apscheduler_lite.events import EVENT_JOB_EXECUTED, EVENT_JOB_INTERRUPTED
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import BasePoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.jobstores.sqlalchemy.liveness import Lease
from tests.integration.jobs import note
from tests.waiting import wait_until

SPAWN = multiprocessing.get_context("spawn")
EXECUTORS = {
    "debug": DebugExecutor,
    "threads": lambda: ThreadPoolExecutor(1),
    "processes": lambda: ProcessPoolExecutor(1),
    "foreign-threads": lambda: BasePoolExecutor(concurrent.futures.ThreadPoolExecutor(1)),
    "foreign-processes": lambda: BasePoolExecutor(concurrent.futures.ProcessPoolExecutor(1, SPAWN)),
}


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
@pytest.mark.parametrize("is_ours", [True, False], ids=["confirmed", "taken-over"])
def test_a_stale_run_is_asked_about_before_it_begins(sqlite, schedulers, monkeypatch, executor, is_ours):
    """It runs when the database says that it is still this process's, and is interrupted when not."""
    asked: list[str] = []
    monkeypatch.setattr(Lease, "is_fresh", lambda lease: False)
    monkeypatch.setattr(Lease, "confirm", lambda lease, run: asked.append(run.job_id) or is_ours)
    told: list[int] = []
    scheduler = schedulers(sqlite.store(), executors={"default": executor()})
    scheduler.add_listener(lambda event: told.append(event.code), EVENT_JOB_EXECUTED | EVENT_JOB_INTERRUPTED)
    scheduler.start()
    scheduler.add_job(note, id="stale")
    wait_until(lambda: told)
    scheduler.shutdown()

    assert told == [EVENT_JOB_EXECUTED if is_ours else EVENT_JOB_INTERRUPTED]
    assert set(asked) == {"stale"}
    outcome = "executed" if is_ours else "interrupted"
    assert [row.outcome for row in sqlite.execute("SELECT outcome FROM {runs}")] == [outcome]
