"""What holds for worker processes beyond the suite for executors: their death, their start, their number."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apscheduler_lite._timezones import UTC, from_instant
from apscheduler_lite.errors import RemoteError, WorkerDiedError
from apscheduler_lite.executors.pool import ProcessPoolExecutor
from apscheduler_lite.job import Job
from apscheduler_lite.runs import Run
from apscheduler_lite.testing._executor_bench import Recorder, hand_out_lock
from apscheduler_lite.triggers.date import DateTrigger
from tests.waiting import wait_until

METHODS = [method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]
greeting = "nothing"


def greet(text):
    """Set what a worker says: an initializer."""
    global greeting  # noqa: PLW0603 - of that process
    greeting = text


def fail_to_begin():
    """Raise: an initializer that does not work."""
    raise ValueError("no beginning")


def say():
    """Return what was set, and the pid."""
    return greeting, os.getpid()


def outlive_the_parent():
    """Kill the scheduler's process, and return when it is gone."""
    parent = multiprocessing.parent_process()
    os.kill(parent.pid, signal.SIGKILL)
    parent.join(20)


def add(first, second):
    """Return the sum."""
    return first + second


def leave(code):
    """End the process without an answer."""
    os._exit(code)


def be_killed():
    """Be killed by the system, say for its memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash():
    """Read where nothing may be read."""
    import ctypes
    import faulthandler

    faulthandler.disable()  # the test run has switched it on, and it would tell of this as of a fault
    ctypes.string_at(0)


class Unusual(BaseException):
    """Is no Exception, and cannot be made anew from its arguments."""

    def __init__(self, first, *, second):
        super().__init__(f"{first} and {second}")


def fail_unusually():
    """Raise it."""
    raise Unusual("this", second="that")


def leave_softly():
    """End the process, if nobody minds."""
    sys.exit(5)


def have_a_child():
    """Start a process, and return how it ended."""
    child = multiprocessing.get_context("fork").Process(target=os._exit, args=(7,))
    child.start()
    child.join()
    return child.exitcode


def fail():
    """Raise."""
    raise ValueError("it went wrong")


class Unreadable:
    """Can be pickled and not be restored."""

    def __reduce__(self):
        return int, ("no number",)


def hand_out_unreadable():
    """Return it."""
    return Unreadable()


class Bench:
    """A started executor."""

    def __init__(self, workers=1, **options):
        self.scheduler = Recorder()
        self.executor = ProcessPoolExecutor(workers, options or {"mp_context": "fork"})
        self.executor.start(self.scheduler, "default")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.executor.shutdown()

    def submit(self, func, *args):
        """Hand a run over."""
        now = self.scheduler.clock.now()
        job = Job(self.scheduler, "job", func=func, args=args, trigger=DateTrigger(from_instant(now, UTC)))
        run = Run.of(job, "default", now, now)
        self.executor.submit_run(run)
        return run

    def result(self, func, *args):
        """Hand a run over and wait for its end."""
        run = self.submit(func, *args)
        wait_until(lambda: run in self.scheduler.ended, 30)
        return run


@pytest.mark.parametrize("method", METHODS)
def test_workers_are_started_by_any_method(method):
    """Given by name or as a context; they keep what their initializer has set, and are kept."""
    with Bench(mp_context=multiprocessing.get_context(method), initializer=greet, initargs=["hello"]) as bench:
        first, second = bench.result(say), bench.result(say)

    assert first.retval == second.retval
    assert first.retval[0] == "hello"
    assert first.retval[1] != os.getpid()


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_that_has_nothing_to_do_stays(method):
    """Whoever its parent process is."""
    with Bench(mp_context=method) as bench:
        pid = bench.result(say).retval[1]
        process = bench.executor._pool._threads[0]
        process.join(0.3)  # nothing happens for a while

        assert bench.result(say).retval[1] == pid


@pytest.mark.parametrize(
    ("func", "args", "how"),
    [
        (leave, [3], "ended with exit code 3"),
        (be_killed, [], "was killed by signal 9"),
        (crash, [], "was killed by signal 11"),
    ],
    ids=["exit", "kill", "crash"],
)
def test_a_worker_that_dies_fails_its_own_run_and_no_other(func, args, how):
    """Its place is taken at once."""
    with Bench(2, mp_context="fork") as bench:
        runs = [bench.submit(add, number, 1) for number in range(5)]
        dead = bench.submit(func, *args)
        runs += [bench.submit(add, number, 1) for number in range(5, 10)]
        wait_until(lambda: len(bench.scheduler.ended) == 11, 30)

    assert [run.retval for run in runs] == list(range(1, 11))
    assert isinstance(dead.exception, WorkerDiedError)
    assert "the worker process (pid " in str(dead.exception)
    assert how in str(dead.exception)
    assert (dead.outcome, dead.retval) == ("error", None)


def test_an_initializer_that_fails_is_an_error_of_the_runs():
    """With what it raised."""
    with Bench(mp_context="fork", initializer=fail_to_begin) as bench:
        runs = [bench.result(say), bench.result(say)]

    for run in runs:
        assert isinstance(run.exception, RemoteError)
        assert "the initializer of the worker process raised an exception: ValueError: no beginning" in str(
            run.exception
        )


def test_a_worker_that_dies_before_it_is_ready_is_told():
    """With the usual reason, where a worker imports the main script again."""
    with Bench(mp_context="spawn", initializer=leave, initargs=[1]) as bench:
        run = bench.result(say)

    assert "ended with exit code 1 before it was ready" in str(run.exception)
    assert "if __name__ == '__main__':" in str(run.exception)


def test_a_worker_that_dies_before_it_is_ready_is_told_without_a_guess():
    """A forked one imports nothing again."""
    with Bench(mp_context="fork", initializer=leave, initargs=[1]) as bench:
        run = bench.result(say)

    assert str(run.exception).endswith("ended with exit code 1 before it was ready")


def test_a_worker_is_replaced_after_so_many_runs():
    """Where its memory should be given back, for example."""
    with Bench(mp_context="fork", max_tasks_per_child=2) as bench:
        pids = [bench.result(say).retval[1] for _ in range(5)]

    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


@pytest.mark.parametrize(
    ("func", "args", "message"),
    [
        (lambda: 1, [], "the run cannot be sent to a worker: <lambda> with args"),
        (add, [sys._getframe(), 1], "the run cannot be sent to a worker: add with args"),
        (add, [Unreadable(), 1], "the run could not be unpickled on the worker: ValueError"),
        (hand_out_lock, [], "the job ran, but its result .* cannot be sent back from the worker"),
        (
            hand_out_unreadable,
            [],
            "its result cannot be unpickled in the scheduler's process: .*invalid literal",
        ),
    ],
    ids=["function", "argument", "unreadable argument", "result", "unreadable result"],
)
def test_what_cannot_travel_is_told(func, args, message):
    """What it was, and on which way; the next run works."""
    with Bench() as bench:
        run = bench.result(func, *args)
        following = bench.result(add, 1, 2)

    assert run.outcome == "error"
    assert re.search(message, str(run.exception))
    assert following.retval == 3


@pytest.mark.parametrize(
    ("func", "message"),
    [(fail_unusually, "Unusual: this and that"), (leave_softly, "SystemExit: 5")],
    ids=["unusual", "exit"],
)
def test_whatever_a_job_raises_its_worker_stays(func, message):
    """Also what is no Exception, or was meant to end the process."""
    with Bench() as bench:
        before = bench.result(say).retval
        run = bench.result(func)
        after = bench.result(say).retval

    assert run.outcome == "error"
    assert message in run.reason
    assert isinstance(run.exception, BaseException)
    assert before == after


@pytest.mark.parametrize("method", METHODS)
def test_a_job_may_start_processes_of_its_own(method):
    """Its worker ends with the program, and need not be the last of its line for that."""
    with Bench(mp_context=method) as bench:
        assert bench.result(have_a_child).retval == 7


UNGUARDED = """
import os, sys
from threading import Event
from apscheduler_lite import BackgroundScheduler, ProcessPoolExecutor
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED

ended = Event()
scheduler = BackgroundScheduler(
    timezone="UTC", executors={"default": ProcessPoolExecutor(1, {"mp_context": sys.argv[1]})}
)
scheduler.add_listener(lambda event: (print(event.exception, flush=True), ended.set()), EVENT_JOB_ERROR)
scheduler.start()
scheduler.add_job(os.getpid)
ended.wait(30)
"""


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fork"])
def test_a_main_script_without_a_guard_is_explained(method, tmp_path):
    """A worker that imports it starts no second scheduler, and the run tells what to write."""
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, script, method], capture_output=True, text=True, timeout=60, env=environment, check=False
    )

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "before it was ready" in done.stdout
    assert "if __name__ == '__main__':" in done.stdout
    assert "a scheduler is being started while a worker process imports the main script" in done.stderr


def test_what_happens_in_a_worker_is_logged_here(caplog):
    """The worker's own log records would get lost."""
    with caplog.at_level(logging.INFO, logger="apscheduler_lite.executors.default"), Bench() as bench:
        bench.result(add, 1, 2)
        bench.result(fail)

    actions = [(record.action, record.job_id) for record in caplog.records]
    assert actions == [("run_started", "job"), ("run_executed", "job"), ("run_started", "job"), ("run_failed", "job")]
    assert "ValueError: it went wrong" in caplog.records[-1].message
    assert "in fail" in caplog.records[-1].message


ORPHAN = """
import os, sys
from tests.contract.test_worker_processes import Bench, say
if __name__ == "__main__":
    bench = Bench(mp_context=sys.argv[1])
    print(bench.result(say).retval[1], flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_ends_with_its_parent(method, tmp_path):
    """Also when that is killed and can say nothing."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, script, method], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    pid = int(done.stdout)

    wait_until(lambda: not is_alive(pid), 10, f"end of the worker process {pid}: {done.stderr}")


BEREFT = """
import sys
from tests.contract.test_worker_processes import Bench, outlive_the_parent
if __name__ == "__main__":
    Bench(mp_context=sys.argv[1]).result(outlive_the_parent)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_whose_parent_has_gone_keeps_its_answer_to_itself(method, tmp_path):
    """There is nobody to take it, and nothing is wrong with the worker."""
    script = tmp_path / "bereft.py"
    script.write_text(BEREFT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, script, method], capture_output=True, text=True, timeout=60, env=environment, check=False
    )

    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    assert "Traceback" not in done.stderr


def is_alive(pid):
    """Return whether there is such a process that is not only waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
