"""Facts about the log of jobs that run in worker processes."""

from __future__ import annotations

import logging
import multiprocessing
import os

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.executors.pool import ProcessPoolExecutor
from tests.waiting import wait_until


def fail_at_once():
    """Fail."""
    raise RuntimeError("this job always fails")


@pytest.fixture
def log(tmp_path):
    """A file to which this process and its forked children log."""
    path = tmp_path / "log"
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(process)d %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("apscheduler_lite")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield path
    logger.setLevel(before)
    logger.removeHandler(handler)
    handler.close()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_job_that_fails_in_a_worker_process_is_logged_once(log):
    """By the scheduler's own process, under the executor's alias; and the worker does not tell that it was forked."""
    executor = ProcessPoolExecutor(1, {"mp_context": "fork"})
    scheduler = BackgroundScheduler(timezone="UTC", executors={"default": executor})
    scheduler.start()
    scheduler.add_job(fail_at_once)
    scheduler.add_job(os.getpid)
    wait_until(lambda: "RuntimeError" in log.read_text() and "successfully" in log.read_text())
    scheduler.shutdown()

    text = log.read_text()
    errors = [line for line in text.splitlines() if " ERROR " in line]
    assert [line.split()[0] for line in errors] == [str(os.getpid())]
    assert "apscheduler_lite.executors.default" in errors[0]
    assert {line.split()[0] for line in text.splitlines() if " INFO " in line} == {str(os.getpid())}
    assert text.count('RuntimeError("this job always fails")') == 1
    assert "forked" not in text


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_scheduler_that_is_forked_by_the_program_says_that_it_is_stopped_there(log):
    """It is news to whoever wonders why nothing runs in the child."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert "stopped in the forked process" in log.read_text()
    finally:
        scheduler.shutdown()
