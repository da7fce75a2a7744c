"""Facts about the log of jobs that run in worker processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
from threading import Event, Lock, Thread

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.events import EVENT_JOB_EXECUTED
from apscheduler_lite.executors.pool import ProcessPoolExecutor
from tests.forking import can_fork, exit_code_of_child
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


@can_fork
def test_a_scheduler_that_is_forked_by_the_program_says_that_it_is_stopped_there(log):
    """It is news to whoever wonders why the job that is added there does not run; it is said once."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()

    def use():
        assert not scheduler.running
        scheduler.add_job(os.getpid)
        scheduler.add_job(os.getpid)

    try:
        code = exit_code_of_child(use)
    finally:
        scheduler.shutdown()

    assert code == 0
    assert log.read_text().count("stopped in the forked process") == 1


class Slow(logging.Handler):
    """A handler with a lock of its own, which a thread may hold at the moment of a fork."""

    def __init__(self):
        super().__init__()
        self.own = Lock()

    def emit(self, record):
        with self.own:
            pass


@can_fork
def test_a_fork_while_a_log_record_is_being_written_does_not_block_the_child():
    """What the thread that writes it holds is held for ever in the child; the fork itself logs nothing there."""
    handler = Slow()
    logger = logging.getLogger("apscheduler_lite")
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        with handler.own:
            code = exit_code_of_child(lambda: None)
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        scheduler.shutdown()

    assert code == 0


@can_fork
def test_a_child_that_is_forked_while_a_worker_process_is_being_started_can_have_its_own():
    """What the starting thread of the parent holds is not held in the child, which is no worker process itself."""
    from apscheduler_lite.executors import _processes

    began, go_on = Event(), Event()

    def start_slowly():
        with _processes._start:
            began.set()
            go_on.wait(20)

    def work():
        with BackgroundScheduler(timezone="UTC", executors={"default": ProcessPoolExecutor(1)}) as scheduler:
            ended = Event()
            scheduler.add_listener(lambda _: ended.set(), EVENT_JOB_EXECUTED)
            scheduler.add_job(os.getpid)
            assert ended.wait(8)

    starter = Thread(target=start_slowly)
    starter.start()
    began.wait(10)
    try:
        code = exit_code_of_child(work)
    finally:
        go_on.set()
        starter.join()

    assert code == 0
