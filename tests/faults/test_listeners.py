"""Listeners are strangers: whatever they do, jobs run, events come in order, and the log names who failed."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from threading import Event, Thread, get_ident

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.events import (
    EVENT_ALL,
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler_lite.testing import ManualClock
from tests.recording import note, times_of
from tests.running import KINDS, running
from tests.waiting import wait_until


class Cancelled(BaseException):
    """An exception outside Exception, as asyncio's and gevent's cancellations are."""


RAISED = [ValueError("x"), SystemExit(3), Cancelled(), asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raised", RAISED, ids=lambda exc: type(exc).__name__)
def test_no_exception_of_a_listener_ends_the_loop_or_a_worker(kind, raised, caplog):
    """A listener that raises anything at every event is logged; every job runs, and the scheduler shuts down."""
    clock = ManualClock()
    key = f"raising listener {kind} {type(raised).__name__}"

    def listen(event):
        raise raised

    def prepare(scheduler):
        scheduler.add_listener(listen, EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", [f"{key} pool"], seconds=1)
        scheduler.add_executor("debug", "debug")
        scheduler.add_job(note, "interval", [f"{key} debug"], seconds=1, executor="debug")

    with running(kind, prepare, clock=clock) as scheduler:
        clock.advance(20)
        is_running = scheduler.running
        scheduler.remove_listener(listen)
        scheduler.shutdown(wait=True, timeout=10)
        left = len(scheduler._runs)

    assert is_running
    assert left == 0
    assert len(times_of(f"{key} pool")) == len(times_of(f"{key} debug")) == 20
    assert any("listen" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", KINDS)
def test_a_listener_that_blocks_holds_no_lock(kind):
    """While a listener hangs, every call of the API goes through from another thread."""
    entered, release = Event(), Event()

    def listen(event):
        entered.set()
        release.wait(20)

    def prepare(scheduler):
        scheduler.add_listener(listen, EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", ["blocking listener"], seconds=0.05, id="first")

    done = Event()

    def use_the_api(scheduler):
        scheduler.add_job(note, "interval", ["blocking listener"], hours=1, id="second")
        scheduler.modify_job("second", name="other")
        scheduler.reschedule_job("second", trigger="interval", minutes=5)
        scheduler.pause_job("second")
        scheduler.resume_job("second")
        scheduler.get_jobs()
        scheduler.remove_job("second")
        scheduler.remove_all_jobs()
        done.set()

    with running(kind, prepare) as scheduler:
        wait_until(entered.is_set)
        Thread(target=use_the_api, args=(scheduler,), daemon=True).start()
        is_done = done.wait(5)
        release.set()

    assert is_done


@pytest.mark.parametrize("kind", KINDS)
def test_a_listener_may_remove_itself_and_others_while_it_is_called(kind):
    """A listener that removes itself hears one event; the others hear all."""
    clock = ManualClock()
    heard: list = []
    ones: list = []

    with running(kind, clock=clock) as scheduler:

        def once(event):
            ones.append(event.job_id)
            scheduler.remove_listener(once)

        scheduler.add_listener(once, EVENT_JOB_EXECUTED)
        scheduler.add_listener(lambda event: heard.append(event.job_id), EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", ["self-removing"], seconds=1, id="job")
        clock.advance(5)

    assert ones == ["job"]
    assert heard == ["job"] * 5


def test_a_slow_listener_is_named_in_the_log(caplog):
    """A listener that takes over a second is named, with the seconds and the event; others are not."""
    clock = ManualClock()

    def dawdling_listener(event):
        if event.code == EVENT_JOB_ADDED:
            clock._monotonic += 1_700_000

    def prompt_listener(event):
        """Return at once."""

    with running("background", clock=clock) as scheduler:
        scheduler.add_listener(dawdling_listener)
        scheduler.add_listener(prompt_listener)
        scheduler.add_job(note, "interval", ["slow listener"], hours=1, id="some job")
    slow = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    assert len(slow) == 1
    assert "dawdling_listener" in slow[0]
    assert "1.7 s" in slow[0]
    assert "'some job'" in slow[0]


def test_removing_a_listener_removes_it_however_often_it_was_added():
    """One remove_listener undoes all additions of that listener and leaves the others; an unknown one is ignored."""
    heard: list = []
    others: list = []

    class Owner:
        def listen(self, event):
            heard.append(event)

    owner = Owner()
    with running("background", clock=ManualClock()) as scheduler:
        for mask in (EVENT_ALL, EVENT_JOB_ADDED, EVENT_JOB_REMOVED):
            scheduler.add_listener(owner.listen, mask)
        scheduler.add_listener(others.append)
        scheduler.add_job(note, "interval", ["x"], hours=1, id="one")
        before = len(heard)
        scheduler.remove_listener(owner.listen)
        scheduler.remove_listener(print)
        scheduler.remove_job("one")

    assert before == 2
    assert len(heard) == 2
    assert len(others) == 3  # added, removed, shut down


def test_a_listener_hears_only_what_is_in_its_mask():
    """Each listener is told the events of its own mask and no other."""
    clock = ManualClock()
    heard: dict[int, list] = {code: [] for code in (EVENT_JOB_EXECUTED, EVENT_JOB_ERROR, EVENT_JOB_MISSED)}

    def fail():
        raise OSError

    with running("background", clock=clock) as scheduler:
        for code, events in heard.items():
            scheduler.add_listener(lambda event, events=events: events.append(event.job_id), code)
        scheduler.add_job(note, "date", ["mask"], id="works")
        scheduler.add_job(fail, "date", id="fails")
        scheduler.pause()
        scheduler.add_job(note, "date", ["mask"], id="late", misfire_grace_time=1)
        clock.advance(5)
        scheduler.resume()
        clock.settle()

    assert heard == {EVENT_JOB_EXECUTED: ["works"], EVENT_JOB_ERROR: ["fails"], EVENT_JOB_MISSED: ["late"]}


@pytest.mark.parametrize("kind", KINDS)
def test_coroutine_listeners_are_awaited(kind):
    """A coroutine function, an object with an async __call__ and a function returning a coroutine are awaited."""
    clock = ManualClock()
    finished: list = []

    async def listen(event):
        await asyncio.sleep(0.001)
        finished.append("function")

    class Listener:
        async def __call__(self, event):
            await asyncio.sleep(0)
            finished.append("object")

    def plain(event):
        return listen(event)

    with running(kind, clock=clock) as scheduler:
        scheduler.add_listener(listen, EVENT_JOB_EXECUTED)
        scheduler.add_listener(Listener(), EVENT_JOB_EXECUTED)
        scheduler.add_listener(plain, EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "date", ["async listener"])
        clock.settle()
        wait_until(lambda: len(finished) == 3, what="the coroutine listeners")

    assert sorted(finished) == ["function", "function", "object"]


@pytest.mark.parametrize("kind", ["background", "asyncio"])
def test_coroutine_listeners_are_awaited_when_a_coroutine_calls_the_api(kind):
    """A call made on an event loop tells its coroutine listeners as well, whatever the scheduler."""
    finished: list = []

    async def listen(event):
        await asyncio.sleep(0.001)
        finished.append(event.job_id)

    async def main(scheduler):
        scheduler.add_listener(listen, EVENT_JOB_ADDED | EVENT_JOB_REMOVED)
        scheduler.add_job(note, "interval", ["x"], hours=1, id="a")
        scheduler.remove_job("a")

    with running(kind, clock=ManualClock()) as scheduler:
        asyncio.run(main(scheduler))
        wait_until(lambda: len(finished) == 2)

    assert finished == ["a", "a"]


@pytest.mark.parametrize("raised", [OSError("x"), SystemExit(1), Cancelled()], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_coroutine_listener_raises_is_logged(kind, raised, caplog):
    """A coroutine listener that raises is named in the log; jobs run on."""
    clock = ManualClock()
    key = f"coroutine listener raises {kind} {raised!r}"

    async def failing_listener(event):
        await asyncio.sleep(0)
        raise raised

    with running(kind, clock=clock) as scheduler:
        scheduler.add_listener(failing_listener, EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", [key], seconds=1)
        clock.advance(5)
        wait_until(lambda: "failing_listener" in caplog.text)

    assert len(times_of(key)) == 5
    assert any("failing_listener" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", KINDS)
def test_events_of_the_api_are_delivered_before_the_call_returns(kind):
    """EVENT_JOB_ADDED and its like reach the listeners in the calling thread, while the caller waits."""
    heard: list = []

    with running(kind, clock=ManualClock()) as scheduler:
        scheduler.add_listener(lambda event: heard.append((event.code, get_ident())))
        scheduler.add_job(note, "interval", ["x"], hours=1, id="a")
        after_adding = list(heard)
        scheduler.remove_job("a")
        after_removing = list(heard)

    assert after_adding == [(EVENT_JOB_ADDED, get_ident())]
    assert after_removing[1:] == [(EVENT_JOB_REMOVED, get_ident())]


def test_a_listener_may_add_jobs_to_every_event():
    """A listener that calls back into the scheduler at each event neither blocks nor is lost."""
    clock = ManualClock()
    chain: list = []

    with running("background", clock=clock) as scheduler:

        def add_next(event):
            chain.append(event.job_id)
            if len(chain) < 50:
                scheduler.add_job(note, "date", ["chain"], id=f"job {len(chain)}")

        scheduler.add_listener(add_next, EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "date", ["chain"], id="job 0")
        clock.advance(timedelta(seconds=1))
        wait_until(lambda: len(chain) == 50)

    assert chain == [f"job {number}" for number in range(50)]


def test_listeners_are_kept_when_a_scheduler_is_configured_anew():
    """configure() changes options and leaves listeners alone."""
    from apscheduler_lite import BackgroundScheduler

    heard: list = []
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_listener(heard.append, EVENT_SCHEDULER_STARTED)
    scheduler.configure(timezone="Europe/Berlin")
    scheduler.start()
    scheduler.shutdown()

    assert len(heard) == 1


def test_the_job_of_an_event_is_the_job_as_it_was():
    """Events that are kept show each change by itself; a later one does not change what earlier ones show."""
    events: list = []
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    scheduler.add_listener(
        events.append, EVENT_JOB_ADDED | EVENT_JOB_MODIFIED | EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED
    )
    scheduler.start()
    job = scheduler.add_job(note, "interval", ["snapshot"], minutes=1, name="first")
    job.modify(name="second")
    scheduler.clock.advance(60)
    job.modify(name="third")
    scheduler.shutdown()

    assert [event.job.name for event in events] == ["first", "second", "second", "second", "third"]
    assert len({event.job.next_run_time for event in events[:3]}) == 2
