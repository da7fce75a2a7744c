"""Listeners are strangers: whatever they do, jobs run, events come in order, and the log names who failed."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from threading import Barrier, Event, Thread, get_ident
from threading import enumerate as all_threads

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
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler_lite.testing import ManualClock
from tests.recording import note, times_of
from tests.running import KINDS, running
from tests.waiting import stays_false, wait_until


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


# -- deferred ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_waits_for_a_deferred_listener(kind):
    """While it hangs, jobs run and end, calls return, and other listeners hear of it all."""
    release, heard, deferred = Event(), [], []
    clock = ManualClock()
    key = f"beside a deferred listener {kind}"

    def listen(event):
        release.wait(20)
        deferred.append((event.code, event.job_id))

    with running(kind, clock=clock) as scheduler:
        scheduler.add_listener(listen, EVENT_JOB_ADDED | EVENT_JOB_EXECUTED, deferred=True)
        scheduler.add_listener(heard.append, EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", [key], seconds=1, id="job")
        for second in range(1, 6):
            clock.advance(1, wait_for_runs=False)
            wait_until(lambda second=second: len(heard) == second)
        before = list(deferred)
        release.set()
        wait_until(lambda: len(deferred) == 6)

    assert before == []
    assert len(times_of(key)) == 5
    assert deferred == [(EVENT_JOB_ADDED, "job"), *[(EVENT_JOB_EXECUTED, "job")] * 5]


@pytest.mark.parametrize("kind", ["background", "asyncio"])
def test_a_shutdown_waits_until_deferred_listeners_have_heard_all(kind):
    """In order, the event of the shutdown itself last; a clock of a test waits for them as well."""
    clock = ManualClock()
    heard: list = []
    before = set(all_threads())

    def listen(event):
        stays_false(lambda: False, 0.005)
        heard.append(event.code)

    with running(kind, clock=clock) as scheduler:
        scheduler.add_listener(listen, EVENT_JOB_EXECUTED | EVENT_SCHEDULER_SHUTDOWN, deferred=True)
        scheduler.add_job(note, "interval", ["heard out"], seconds=1)
        clock.advance(20)
        if kind == "background":  # on an event loop, a run's event may still be on its way there
            assert len(heard) == 20
        scheduler.shutdown()

        assert heard == [EVENT_JOB_EXECUTED] * 20 + [EVENT_SCHEDULER_SHUTDOWN]
        left = {thread.name for thread in {*all_threads()} - before}
        assert "apscheduler_lite.listener" not in left


def test_a_shutdown_that_does_not_wait_does_not_wait_for_deferred_listeners():
    """Nor does one whose time is up; the next one waits."""
    release, heard = Event(), []
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    scheduler.add_listener(lambda event: release.wait(20) and heard.append(event.code), deferred=True)
    scheduler.start()
    scheduler.shutdown(wait=False)
    scheduler.shutdown(timeout=0.05)
    before = list(heard)
    release.set()
    scheduler.shutdown()

    assert before == []
    assert heard[-1] == EVENT_SCHEDULER_SHUTDOWN


def test_deferred_listeners_may_call_everything():
    """Also a shutdown, which waits for the runs and not for them; also two of them at once."""
    both = Barrier(2)
    stopped: list = []
    clock = ManualClock()
    scheduler = BackgroundScheduler(timezone="UTC", clock=clock)

    def stop(event):
        both.wait(15)
        scheduler.add_job(note, "interval", ["of a deferred listener"], hours=1, id="new", replace_existing=True)
        scheduler.get_jobs()
        scheduler.shutdown()
        stopped.append(scheduler.running)

    for _ in range(2):
        scheduler.add_listener(partial(stop), EVENT_JOB_EXECUTED, deferred=True)
    scheduler.start()
    scheduler.add_job(note, args=["one"])
    wait_until(lambda: len(stopped) == 2)

    assert stopped == [False, False]


def test_a_deferred_listener_that_raises_is_named_and_hears_the_next_event(caplog):
    """Whatever it raises, and as a coroutine function too; a slow one is not blamed."""
    clock = ManualClock()

    def raising_listener(event):
        clock._monotonic += 5_000_000
        raise SystemExit(1)

    async def raising_coroutine(event):
        raise ValueError("x")

    scheduler = BackgroundScheduler(timezone="UTC", clock=clock)
    for listener in (raising_listener, raising_coroutine):
        scheduler.add_listener(listener, EVENT_JOB_ADDED, deferred=True)
    scheduler.start()
    for _ in range(2):
        scheduler.add_job(note, "interval", ["raising deferred"], hours=1)
    scheduler.shutdown()
    named = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    assert sum("raising_listener" in message for message in named) == 2
    assert sum("raising_coroutine" in message for message in named) == 2
    assert not any("took" in message for message in named)


def test_a_removed_deferred_listener_hears_no_more():
    """Not even what waited for it; but its call in progress ends."""
    entered, release, heard = Event(), Event(), []
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())

    def listen(event):
        entered.set()
        release.wait(20)
        heard.append(event.job_id)

    scheduler.add_listener(listen, EVENT_JOB_ADDED, deferred=True)
    scheduler.start()
    for number in range(5):
        scheduler.add_job(note, "interval", ["removed deferred"], hours=1, id=str(number))
    assert entered.wait(15)
    scheduler.remove_listener(listen)
    release.set()
    scheduler.shutdown()
    wait_until(lambda: heard)

    assert heard == ["0"]


def test_very_many_waiting_events_are_told(caplog):
    """None is dropped; the log says at a thousand that the listener does not keep up."""
    release, heard = Event(), []
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    scheduler.add_listener(lambda event: release.wait(20) and heard.append(event), EVENT_JOB_ADDED, deferred=True)
    scheduler.start(paused=True)
    scheduler.add_jobs([{"func": note, "args": ["many"]} for _ in range(1_200)])
    told = [record.getMessage() for record in caplog.records if "events wait" in record.getMessage()]
    release.set()
    scheduler.shutdown()

    assert len(told) == 1
    assert "events wait for the deferred listener" in told[0]
    assert len(heard) == 1_200


def test_deferred_listeners_go_on_after_a_restart_and_a_new_configuration():
    """In order, with what waited for them."""
    heard: list = []
    scheduler = BackgroundScheduler(timezone="UTC", clock=ManualClock())
    codes = EVENT_SCHEDULER_STARTED | EVENT_SCHEDULER_SHUTDOWN
    scheduler.add_listener(lambda event: heard.append(event.code), codes, deferred=True)
    for _ in range(3):
        scheduler.start()
        scheduler.shutdown()
        scheduler.configure(timezone="UTC", clock=ManualClock())

    assert heard == [EVENT_SCHEDULER_STARTED, EVENT_SCHEDULER_SHUTDOWN] * 3
