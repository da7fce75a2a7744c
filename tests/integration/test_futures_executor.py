"""Foreign pools behind a scheduler: what they tell of themselves, what breaks them, whose they are."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import signal
import sys
from multiprocessing import get_context
from types import ModuleType

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import RemoteError, WorkerDiedError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler_lite.executors.futures import FuturesExecutor
from apscheduler_lite.testing._executor_bench import Recorder, add, hold
from tests.waiting import wait_until


def die():
    """End the worker in the middle of its run."""
    os.kill(os.getpid(), signal.SIGKILL)


def make_text(length):
    """Return a result of that size."""
    return "x" * length


class Silent:
    """A pool that does not tell how many workers it has, such as many have been written."""

    def __init__(self, **options):
        self.options = options
        self.threads = concurrent.futures.ThreadPoolExecutor(4)

    def submit(self, *args):
        return self.threads.submit(*args)

    def shutdown(self, wait=True):
        self.threads.shutdown(wait)


class Scheduled:
    """A scheduler whose default executor is the one that is tested."""

    def __init__(self, executor):
        self.ended = []
        self.scheduler = BackgroundScheduler(timezone="UTC", executors={"default": executor})
        self.scheduler.add_listener(self.ended.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)

    def __enter__(self):
        self.scheduler.start()
        return self

    def __exit__(self, *exc_info):
        self.scheduler.shutdown()

    def run(self, func, *args):
        """Run a job and return the event that tells of its end."""
        count = len(self.ended)
        self.scheduler.add_job(func, args=args)
        wait_until(lambda: len(self.ended) > count, 30, "the end of the run")
        return self.ended[count]


FACTORIES = {
    "loky": {"executor": "loky:get_reusable_executor", "max_workers": 2},
    "processes": {
        "executor": "concurrent.futures:ProcessPoolExecutor",
        "max_workers": 2,
        "mp_context": get_context("fork"),
    },
}


@pytest.mark.parametrize("pool", FACTORIES)
def test_a_killed_worker_fails_its_run_and_the_next_run_works(pool):
    """The pool that the death has broken is replaced at once."""
    if pool == "loky":
        pytest.importorskip("loky", reason="loky is not installed")
    with Scheduled({"type": "futures", **FACTORIES[pool]}) as scheduled:
        dead = scheduled.run(die)
        alive = scheduled.run(add, 1, 2)

    assert isinstance(dead.exception, WorkerDiedError)
    assert alive.retval == 3


def test_what_waits_for_a_worker_survives_the_death_of_one(tmp_path):
    """Only the runs that were in the broken pool are lost; those behind them get the new one."""
    executor = FuturesExecutor(concurrent.futures.ProcessPoolExecutor, max_workers=1, mp_context=get_context("fork"))
    with Scheduled(executor) as scheduled:
        gate = tmp_path / "gate"
        for func, args in ((hold, [str(gate)]), (die, []), (add, [1, 1]), (add, [2, 2])):
            scheduled.scheduler.add_job(func, args=args)
        gate.touch()
        wait_until(lambda: len(scheduled.ended) == 4, 30, "the end of four runs")

    assert [event.retval for event in scheduled.ended] == ["held", None, 2, 4]
    assert isinstance(scheduled.ended[1].exception, WorkerDiedError)


def test_a_broken_pool_that_was_given_is_told_of(caplog):
    """It cannot be made anew by us: its runs stay due, and the log says what to give instead."""
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool,
        Scheduled(FuturesExecutor(pool)) as scheduled,
    ):
        scheduled.run(die)
        scheduled.scheduler.add_job(add, args=[1], id="later")
        wait_until(lambda: "give what makes it instead" in caplog.text, what="a line in the log")

        assert scheduled.scheduler.get_job("later") is not None


def test_a_pool_that_was_given_stays_open():
    """Whoever has made it shuts it down."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with Scheduled(FuturesExecutor(pool)) as scheduled:
            assert scheduled.run(add, 1).retval == 1

        assert pool.submit(add, 2).result() == 2


def test_a_large_result_is_stated(caplog):
    """It comes back, and the log says how large it was."""
    caplog.set_level(logging.WARNING)
    with Scheduled({"type": "futures", **FACTORIES["processes"]}) as scheduled:
        assert len(scheduled.run(make_text, 200_000).retval) == 200_000
        assert len(scheduled.run(make_text, 50_000).retval) == 50_000

    (told,) = [record for record in caplog.records if getattr(record, "action", "") == "result_large"]
    assert "200," in told.getMessage()


def test_the_number_of_workers_is_told_or_given():
    """An executor that does not know it could not tell a store how much to claim."""
    with pytest.raises(ValueError, match=r"give max_workers="):
        FuturesExecutor(Silent())
    with pytest.raises(ValueError, match=r"give max_workers="):
        FuturesExecutor(Silent, name="a name").start(Recorder(), "default")

    executor = FuturesExecutor(Silent, max_workers=3, prefetch=2)
    assert executor.capacity() == 0
    executor.start(Recorder(), "default")
    assert executor.capacity() == 5
    assert executor._session._pool.options == {"max_workers": 3}
    executor.shutdown()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"executor": "concurrent.futures:ThreadPoolExecuter"}, LookupError, "did you mean 'ThreadPoolExecutor'"),
        ({"executor": "no colon"}, ValueError, "module:function"),
        ({"executor": 3}, TypeError, "executor must have the methods submit and shutdown"),
        ({"executor": object()}, TypeError, "executor must have the methods submit and shutdown"),
        ({"executor": "concurrent.futures:ThreadPoolExecutor", "wokers": 2}, ValueError, "wokers"),
        ({"executor": "concurrent.futures:ThreadPoolExecutor", "max_workers": 0}, ValueError, "max_workers"),
        ({"executor": "concurrent.futures:ThreadPoolExecutor", "prefetch": -1}, ValueError, "prefetch"),
    ],
)
def test_wrong_arguments_are_told_when_the_executor_is_made(arguments, error, message):
    """By parameter, value and nearest choice."""
    with pytest.raises(error, match=message):
        FuturesExecutor(**arguments)


def test_a_finished_pool_takes_no_further_arguments():
    """They would go nowhere."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool, pytest.raises(TypeError, match="initializer"):
        FuturesExecutor(pool, initializer=print)


def test_a_factory_that_makes_no_pool_is_told_at_the_start():
    """By its name and what it has made."""
    with pytest.raises(TypeError, match="dict must make a pool"):
        FuturesExecutor(dict, 2).start(Recorder(), "default")


def test_a_module_that_the_worker_lacks_is_an_error_of_the_run(monkeypatch):
    """And breaks no worker."""
    module = ModuleType("only_here")
    exec("def work():\n    return 1\n", module.__dict__)  # noqa: S102 - a module that only this process has
    monkeypatch.setitem(sys.modules, "only_here", module)
    with Scheduled({"type": "futures", **FACTORIES["processes"], "mp_context": get_context("spawn")}) as scheduled:
        event = scheduled.run(module.work)
        after = scheduled.run(add, 2)

    assert isinstance(event.exception, RemoteError)
    assert "could not be unpickled on the worker" in str(event.exception)
    assert after.retval == 2
