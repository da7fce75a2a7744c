"""AsyncIOScheduler among coroutines: start, shutdown, loops that stop, tasks that are cancelled."""

from __future__ import annotations

import asyncio
import functools
import gc
from threading import Event, Thread, get_ident

import pytest

from apscheduler_lite import AsyncIOScheduler
from apscheduler_lite.errors import SchedulerNotRunningError
from apscheduler_lite.events import (
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_SHUTDOWN,
)
from tests.faults.foreign_stores import LiveStore
from tests.recording import RUNS, note, times_of
from tests.running import loop_in_thread
from tests.waiting import stays_false, wait_until


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def event_loops(request, monkeypatch):
    """Have all event loops be those of the standard library, or uvloop's."""
    RUNS.clear()
    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        for module in (asyncio, asyncio.events):
            monkeypatch.setattr(module, "new_event_loop", uvloop.new_event_loop)


def run(main, timeout=15):
    """Run a coroutine function as a program does, and fail when it hangs."""
    return asyncio.run(asyncio.wait_for(main(), timeout))


def shuts_down(scheduler, seconds=5):
    """Shut it down from a thread, and fail when that takes too long."""
    thread = Thread(target=scheduler.shutdown, daemon=True)
    thread.start()
    wait_until(lambda: not thread.is_alive(), seconds, "return of shutdown")


async def until(condition):
    """Let the loop go on until the condition holds."""
    await asyncio.to_thread(wait_until, condition)


def test_awaiting_shutdown_lets_running_jobs_end():
    """``await scheduler.shutdown()`` returns when coroutine jobs and plain jobs have ended, none cancelled."""
    ended: list = []

    async def coroutine_job():
        await asyncio.sleep(0.1)
        ended.append("coroutine")

    def plain_job():
        stays_false(lambda: False, 0.1)
        ended.append("plain")

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        errors: list = []
        began: list = []
        scheduler.add_listener(errors.append, EVENT_JOB_ERROR)
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.start()
        scheduler.add_job(coroutine_job)
        scheduler.add_job(plain_job)
        await until(lambda: len(began) == 2)
        assert not ended
        await scheduler.shutdown()
        return errors, list(ended), scheduler.running

    errors, at_return, is_running = run(main)

    assert errors == []
    assert sorted(at_return) == ["coroutine", "plain"]
    assert not is_running


def test_a_plain_call_of_shutdown_stops_the_scheduler_while_the_loop_goes_on():
    """Without await, shutdown() returns at once, nothing is run from then on, and running jobs end by and by."""
    ended = Event()

    async def job():
        await asyncio.sleep(0.1)
        ended.set()

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        began: list = []
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.add_job(job)
        await until(lambda: began)
        scheduler.shutdown()
        is_running = scheduler.running
        scheduler.add_job(note, args=["after plain shutdown"])
        was_over = ended.is_set()
        await until(ended.is_set)
        await until(lambda: scheduler._phase == "stopped")
        return is_running, was_over

    assert run(main) == (False, False)
    assert times_of("after plain shutdown") == []


def test_shutdown_without_waiting_neither_waits_nor_cancels():
    """``await scheduler.shutdown(wait=False)`` returns while a coroutine job is running, which ends by itself."""
    go_on = Event()
    ended: list = []

    async def job():
        await until(go_on.is_set)
        ended.append(True)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        began: list = []
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.add_job(job)
        await until(lambda: began)
        await scheduler.shutdown(wait=False)
        at_return = list(ended)
        go_on.set()
        await until(lambda: ended)
        return at_return

    assert run(main) == []
    assert ended == [True]


@pytest.mark.parametrize("awaits", [True, False])
def test_a_coroutine_job_may_shut_the_scheduler_down(awaits):
    """A coroutine job may call shutdown, with or without await: the others end, and so does it."""
    outcomes: list = []

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")

        async def other():
            await asyncio.sleep(0.1)

        async def stop():
            answer = scheduler.shutdown()
            if awaits:
                await answer

        scheduler.start()
        scheduler.add_listener(lambda event: outcomes.append((event.job_id, event.exception)), 2**12 | 2**13)
        scheduler.add_job(other, id="other")
        scheduler.add_job(stop, id="stop")
        await until(lambda: scheduler._phase == "stopped" and len(outcomes) == 2)

    run(main)

    assert sorted(outcomes) == [("other", None), ("stop", None)]


def test_two_coroutine_jobs_and_the_program_may_shut_down_at_once():
    """Several awaits of shutdown(), inside and outside of jobs, all return."""

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        began: list = []
        outcomes: list = []

        async def stop():
            began.append(True)
            await until(lambda: len(began) == 3)
            await scheduler.shutdown()
            outcomes.append(True)

        scheduler.start()
        for _ in range(3):
            scheduler.add_job(stop)
        await until(lambda: len(began) == 3)
        await asyncio.gather(*(scheduler.shutdown() for _ in range(5)))
        await until(lambda: len(outcomes) == 3)
        return scheduler.running

    assert run(main) is False


def test_starting_outside_a_loop_says_what_to_do():
    """start() without a running loop and without event_loop= names both remedies, and can be called again."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(note, args=["outside a loop"])
    with pytest.raises(RuntimeError, match="event_loop") as caught:
        scheduler.start()

    async def main():
        scheduler.start()
        await until(lambda: times_of("outside a loop"))
        await scheduler.shutdown()

    run(main)

    assert "coroutine" in str(caught.value)
    assert len(times_of("outside a loop")) == 1


def test_a_loop_may_be_given_before_it_runs():
    """With event_loop= the scheduler may be started first: what came due meanwhile runs when the loop runs."""
    loop = asyncio.new_event_loop()
    heard: list = []
    ran: list = []

    async def job():
        ran.append(get_ident())

    scheduler = AsyncIOScheduler(event_loop=loop, timezone="UTC")
    scheduler.add_listener(lambda event: heard.append(get_ident()), EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(job)
    scheduler.add_job(note, args=["loop given before"])
    wait_until(lambda: times_of("loop given before"))
    before = list(ran)
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    wait_until(lambda: len(heard) == 2)
    scheduler.shutdown()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()

    assert before == []
    assert ran == [thread.ident]
    assert heard == [thread.ident] * 2


def test_shutdown_returns_when_the_given_loop_never_runs():
    """A coroutine job that can never begin is reported as failed, and shutdown() does not wait for it."""
    loop = asyncio.new_event_loop()
    outcomes: list = []

    async def job():
        raise AssertionError("must not run")

    scheduler = AsyncIOScheduler(event_loop=loop, timezone="UTC")
    scheduler.add_listener(outcomes.append, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(job, id="never begins")
    wait_until(lambda: scheduler._runs)
    shuts_down(scheduler)
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()

    assert [event.job_id for event in outcomes] == ["never begins"]
    assert "event loop" in str(outcomes[0].exception)


def test_shutdown_after_the_loop_has_stopped_returns():
    """loop.run_forever() that is interrupted, then shutdown(): it returns although coroutine jobs are suspended."""
    loop = asyncio.new_event_loop()
    outcomes: list = []
    scheduler = AsyncIOScheduler(event_loop=loop, timezone="UTC")

    async def suspended():
        loop.call_soon(loop.stop)
        await asyncio.sleep(60)

    def returns_a_coroutine():
        return asyncio.sleep(60)

    scheduler.add_listener(lambda event: outcomes.append(event.job_id), EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(returns_a_coroutine, id="on a thread")
    wait_until(lambda: scheduler._runs)
    scheduler.add_job(suspended, id="suspended")
    loop.run_forever()
    shuts_down(scheduler)
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()

    assert sorted(outcomes) == ["on a thread", "suspended"]


def test_a_closed_loop_stops_the_scheduler(caplog):
    """When the program has closed the loop without a shutdown, the scheduler says so in one line and stops."""

    async def job():
        """Never get there."""

    scheduler = AsyncIOScheduler(timezone="UTC")

    async def main():
        scheduler.start()
        scheduler.add_job(job, "interval", seconds=3600, id="job")
        await until(lambda: scheduler._wake_at < float("inf"))  # it sleeps

    asyncio.run(main())
    scheduler.add_job(job)
    wait_until(lambda: not scheduler.running)
    shuts_down(scheduler)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]

    assert [record.exc_info for record in errors] == [None]
    assert "event loop" in errors[0].getMessage()
    assert times_of("closed loop") == []


def test_a_closed_loop_does_not_keep_the_scheduler_from_another_one():
    """A scheduler that has stopped with its loop can be started on the next one, with its jobs."""
    ran: list = []
    scheduler = AsyncIOScheduler(timezone="UTC")

    async def job():
        ran.append(True)

    async def begin():
        scheduler.start()
        scheduler.add_job(job, "interval", seconds=0.05)

    async def go_on():
        scheduler.start()
        await until(lambda: ran)
        await scheduler.shutdown()

    asyncio.run(begin())
    scheduler.wakeup()
    wait_until(lambda: not scheduler.running)
    shuts_down(scheduler)
    del ran[:]
    asyncio.run(go_on())

    assert ran


def test_listeners_hear_of_the_shutdown_on_the_loop_and_last():
    """The event of the shutdown comes on the loop as those of the runs do, after all of them."""
    heard: list = []

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(
            lambda event: heard.append((event.code, asyncio.get_running_loop())),
            EVENT_JOB_EXECUTED | EVENT_SCHEDULER_SHUTDOWN,
        )
        scheduler.start()
        began, go_on = Event(), Event()
        scheduler.add_job(lambda: began.set() or go_on.wait(15))
        await asyncio.to_thread(began.wait, 15)
        stopped = scheduler.shutdown()
        go_on.set()
        wait_until(lambda: scheduler._phase == "stopped")  # the loop is held up meanwhile
        await stopped
        return asyncio.get_running_loop()

    loop = asyncio.run(main())

    assert heard == [(EVENT_JOB_EXECUTED, loop), (EVENT_SCHEDULER_SHUTDOWN, loop)]


def test_cancelling_a_jobs_task_is_an_outcome():
    """A coroutine job whose task is cancelled ends with an error event; the next run of the job is not hindered."""
    outcomes: list = []

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        tasks: list = []

        async def job():
            tasks.append(asyncio.current_task())
            if len(tasks) == 1:
                await asyncio.sleep(60)

        scheduler.add_listener(outcomes.append, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
        scheduler.start()
        scheduler.add_job(job, "interval", seconds=0.05)
        await until(lambda: tasks)
        tasks[0].cancel()
        await until(lambda: len(outcomes) >= 2)
        await scheduler.shutdown()

    run(main)

    assert isinstance(outcomes[0].exception, asyncio.CancelledError)
    assert outcomes[1].exception is None


def test_a_program_that_ends_without_shutdown_cancels_its_coroutine_jobs_once():
    """When asyncio.run() ends, coroutine jobs are cancelled by it: one error event each, and nothing hangs."""
    outcomes: list = []
    scheduler = AsyncIOScheduler(timezone="UTC")

    async def job():
        await asyncio.sleep(60)

    async def main():
        scheduler.add_listener(outcomes.append, EVENT_JOB_ERROR)
        scheduler.start()
        began: list = []
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.add_job(job)
        await until(lambda: began)

    run(main)
    shuts_down(scheduler)

    assert len(outcomes) == 1
    assert isinstance(outcomes[0].exception, asyncio.CancelledError)


def test_a_blocking_store_does_not_hold_up_the_loop():
    """While a store takes its time in the scheduler's passes, the event loop goes on."""
    entered, release = Event(), Event()

    class Slow(LiveStore):
        def get_due_jobs(self, now):
            entered.set()
            release.wait(10)
            return super().get_due_jobs(now)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": Slow()})
        scheduler.start()
        await until(entered.is_set)
        turns = 0
        for _ in range(100):
            await asyncio.sleep(0)
            turns += 1
        still_held_up = not release.is_set()
        release.set()
        await scheduler.shutdown()
        return turns, still_held_up

    assert run(main) == (100, True)


def test_jobs_of_every_asynchronous_form_run_on_the_loop():
    """Coroutine functions, partials, methods, async callables, wrappers and returned awaitables are awaited there."""
    ran: dict = {}

    async def job(form):
        await asyncio.sleep(0)
        ran[form] = get_ident()
        return form

    class Callable:
        async def __call__(self, form):
            await job(form)

        async def method(self, form):
            await job(form)

        @classmethod
        async def class_method(cls, form):
            await job(form)

        @staticmethod
        async def static_method(form):
            await job(form)

    class Inherits(Callable):
        pass

    def undeclared(function):
        def wrapper(*args):
            return function(*args)

        return wrapper

    @functools.wraps(job)
    def wrapped(form):
        return job(form)

    forms = {
        "function": job,
        "partial": functools.partial(job),
        "partial of partial": functools.partial(functools.partial(job)),
        "async callable": Callable(),
        "inherited async callable": Inherits(),
        "method": Callable().method,
        "class method": Callable.class_method,
        "static method": Callable.static_method,
        "partial of method": functools.partial(Callable().method),
        "wraps": wrapped,
        "wrapper": undeclared(job),
    }

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        for form, function in forms.items():
            scheduler.add_job(function, args=[form], id=form)
        await until(lambda: len(ran) == len(forms))
        await scheduler.shutdown()
        return get_ident()

    thread = run(main)

    assert ran == dict.fromkeys(forms, thread)


@pytest.mark.parametrize("raised", [SystemExit(2), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_no_coroutine_job_ends_the_loop(raised):
    """A coroutine job that raises SystemExit or its like ends with an error event; the application's loop goes on."""
    outcomes: list = []

    async def job():
        await asyncio.sleep(0)
        raise raised

    def returns_it():
        return job()

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(outcomes.append, EVENT_JOB_ERROR)
        scheduler.start()
        scheduler.add_job(job)
        scheduler.add_job(returns_it)
        await until(lambda: len(outcomes) == 2)
        await scheduler.shutdown()

    run(main)

    assert [event.exception for event in outcomes] == [raised] * 2


def test_listeners_hear_of_runs_on_the_loop_and_in_order():
    """On the loop's thread, each run's SUBMITTED comes before its outcome, for coroutine jobs and plain ones."""
    events: list = []

    def listen(event):
        events.append((event.run.id, event.code, get_ident()))

    async def coroutine_job():
        """Return at once."""

    def plain_job():
        """Return at once."""

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(
            lambda event: events.append((event.run.id, event.code, get_ident())),
            EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED,
        )
        scheduler.start()
        for _ in range(50):
            scheduler.add_job(coroutine_job)
            scheduler.add_job(plain_job)
        await until(lambda: len(events) == 200)
        await scheduler.shutdown()
        return get_ident()

    thread = run(main)
    codes: dict = {}
    for run_id, code, _ in events:
        codes.setdefault(run_id, []).append(code)

    assert {ident for _, _, ident in events} == {thread}
    assert list(codes.values()) == [[EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED]] * 100


def test_the_outcome_events_have_been_delivered_when_shutdown_has_been_awaited():
    """Whoever awaited shutdown() has the outcome of every run, and hears of the shutdown."""

    async def main():
        heard: list = []
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(heard.append, EVENT_JOB_EXECUTED | EVENT_SCHEDULER_SHUTDOWN)
        scheduler.start()
        scheduler.add_jobs([{"func": asyncio.sleep, "args": [0.01]} for _ in range(20)])
        await until(lambda: scheduler._runs)
        await scheduler.shutdown()
        return [event.code for event in heard]

    codes = run(main)

    assert codes.count(EVENT_JOB_EXECUTED) == 20
    assert EVENT_SCHEDULER_SHUTDOWN in codes


def test_a_scheduler_can_be_started_on_one_loop_after_the_other():
    """The same scheduler works in several asyncio.run() calls, its jobs in memory kept."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    ran: list = []

    async def job():
        ran.append(asyncio.get_running_loop())

    async def main():
        seen = len(ran)
        scheduler.start()
        await until(lambda: len(ran) > seen)
        await scheduler.shutdown()
        return asyncio.get_running_loop()

    scheduler.add_job(job, "interval", seconds=0.02, id="kept")
    loops = [run(main) for _ in range(3)]

    assert list(dict.fromkeys(ran)) == loops


def test_async_with_starts_and_drains():
    """``async with scheduler:`` starts it, and at the end of the block waits for what is running."""
    ended: list = []

    async def job():
        await asyncio.sleep(0.05)
        ended.append(True)

    async def main():
        async with AsyncIOScheduler(timezone="UTC") as scheduler:
            began: list = []
            scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
            scheduler.add_job(job)
            await until(lambda: began)
        return scheduler.running

    assert run(main) is False
    assert ended == [True]


def test_shutdown_before_start_says_so_on_the_loop_too():
    """A scheduler that was never started raises at the call, before anything is awaited."""

    async def main():
        with pytest.raises(SchedulerNotRunningError):
            AsyncIOScheduler(timezone="UTC").shutdown()

    run(main)


def test_an_ended_scheduler_leaves_no_task_and_no_thread():
    """After shutdown the loop has no task of the scheduler and the process no thread of it."""
    from threading import enumerate as all_threads

    async def main():
        before = asyncio.all_tasks()
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        scheduler.add_job(note, args=["leaves nothing"])
        scheduler.add_job(asyncio.sleep, args=[0])
        await until(lambda: times_of("leaves nothing"))
        await scheduler.shutdown()
        return asyncio.all_tasks() - before

    threads = set(all_threads())
    tasks = run(main)
    gc.collect()

    assert tasks == set()
    assert [thread for thread in all_threads() if thread not in threads] == []


def test_shutdown_from_another_thread_waits():
    """Off the loop, shutdown() itself waits for coroutine jobs while the loop runs elsewhere."""
    ended: list = []

    async def job():
        await asyncio.sleep(0.1)
        ended.append(True)

    with loop_in_thread() as loop:
        scheduler = AsyncIOScheduler(event_loop=loop, timezone="UTC")
        began: list = []
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.start()
        scheduler.add_job(job)
        wait_until(lambda: began)
        scheduler.shutdown()
        at_return = list(ended)

    assert at_return == [True]


# -- listeners -----------------------------------------------------------------------------------------------------


def test_a_shutdown_awaits_what_asynchronous_listeners_do():
    """Who writes an outcome somewhere, asynchronously, has done so when ``await scheduler.shutdown()`` returns."""
    written: list = []

    async def write(event):
        await asyncio.sleep(0.1)
        written.append(event.code)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        began: list = []
        scheduler.add_listener(write, EVENT_JOB_EXECUTED | EVENT_SCHEDULER_SHUTDOWN)
        scheduler.add_listener(began.append, EVENT_JOB_SUBMITTED)
        scheduler.start()
        scheduler.add_job(asyncio.sleep, args=[0])
        await until(lambda: began)
        await scheduler.shutdown()
        return list(written)

    assert run(main) == [EVENT_JOB_EXECUTED, EVENT_SCHEDULER_SHUTDOWN]


def test_a_shutdown_on_another_thread_awaits_them_too():
    """The loop goes on meanwhile."""
    written: list = []

    async def write(event):
        await asyncio.sleep(0.1)
        written.append(event.code)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(write, EVENT_SCHEDULER_SHUTDOWN)
        scheduler.start()
        await asyncio.to_thread(scheduler.shutdown)
        return list(written)

    assert run(main) == [EVENT_SCHEDULER_SHUTDOWN]


@pytest.mark.parametrize("deferred", [False, True])
def test_asynchronous_listeners_may_await_a_shutdown(deferred):
    """Several at a time; none waits for another."""
    ended: list = []

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")

        async def stop(event):
            await scheduler.shutdown()
            ended.append(event.job_id)

        scheduler.add_listener(stop, EVENT_JOB_EXECUTED, deferred=deferred)
        scheduler.start()
        scheduler.add_jobs([{"func": asyncio.sleep, "args": [0], "id": str(number)} for number in range(3)])
        await until(lambda: len(ended) == 3)
        await scheduler.shutdown()
        return scheduler.running

    assert run(main) is False


def test_a_deferred_asynchronous_listener_hears_one_event_after_the_other():
    """On the scheduler's loop, in order, each awaited to its end before the next; and a shutdown waits for the last."""
    heard: list = []
    at_once: list = []

    async def listen(event):
        at_once.append(event)
        await asyncio.sleep(0.005)
        heard.append((event.job_id, len(at_once), get_ident()))
        at_once.remove(event)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(listen, EVENT_JOB_ADDED, deferred=True)
        scheduler.start()
        for number in range(20):
            scheduler.add_job(note, "interval", ["deferred"], hours=1, id=str(number))
        await scheduler.shutdown()
        return get_ident()

    thread = run(main)

    assert heard == [(str(number), 1, thread) for number in range(20)]


# -- what may block ------------------------------------------------------------------------------------------------


def test_a_store_that_takes_long_to_record_an_outcome_does_not_hold_up_the_loop():
    """Such a store is not called on the loop; the run ends when it has answered."""
    entered, release = Event(), Event()
    heard: list = []

    class Slow(LiveStore):
        def record_outcomes(self, runs):
            entered.set()
            assert release.wait(10)
            return super().record_outcomes(runs)

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": Slow()})
        scheduler.add_listener(lambda event: heard.append((event.code, get_ident())), EVENT_JOB_EXECUTED)
        scheduler.start()
        scheduler.add_job(asyncio.sleep, args=[0])
        await until(entered.is_set)  # which the loop would not come to
        release.set()
        await scheduler.shutdown()
        return get_ident()

    assert heard == [(EVENT_JOB_EXECUTED, run(main))]


def test_a_frozen_process_asks_beside_the_loop_whether_a_run_is_still_its_own():
    """Before a coroutine begins, whoever has to ask a database for that does so on a thread."""
    asked: list = []

    class Lease:
        def is_fresh(self):
            return False

        def confirm(self, asking):
            asked.append(get_ident())
            return True

        def end(self, ended):
            """Take note of nothing."""

    class Leasing(LiveStore):
        def claim_due(self, now, capacity):
            claim = super().claim_due(now, capacity)
            for claimed in claim.runs:
                claimed.lease = Lease()
            return claim

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": Leasing()})
        scheduler.start()
        scheduler.add_job(asyncio.sleep, args=[0])
        await until(lambda: asked)
        await scheduler.shutdown()
        return get_ident()

    thread = run(main)

    assert len(asked) == 1
    assert thread not in asked


def test_a_start_during_a_shutdown_that_waits_for_the_loop_says_what_to_do():
    """It would hold up the very coroutine that is waited for; after ``await`` it works."""

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        began: list = []

        async def job():
            began.append(True)
            await asyncio.sleep(0.2)

        scheduler.add_job(job)
        await until(lambda: began)
        ended = scheduler.shutdown()
        await until(lambda: scheduler._phase == "stopping")
        with pytest.raises(RuntimeError, match=r"await scheduler\.shutdown\(\)"):
            scheduler.start()
        await ended
        scheduler.start()
        await scheduler.shutdown()
        return scheduler.running

    assert run(main) is False


def test_cancelling_the_wait_for_a_shutdown_is_not_swallowed():
    """``asyncio.timeout`` around it works; the shutdown itself goes on."""

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        go_on = Event()
        began: list = []

        async def job():
            began.append(True)
            await until(go_on.is_set)

        scheduler.add_job(job)
        await until(lambda: began)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await scheduler.shutdown()
        go_on.set()
        await until(lambda: scheduler._phase == "stopped")
        return scheduler.running

    assert run(main) is False


def test_an_async_block_that_is_cancelled_is_left_in_good_order():
    """The cancellation goes on to whoever has cancelled it, and the scheduler has been shut down."""

    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        entered = asyncio.Event()

        async def use():
            async with scheduler:
                entered.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(use())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return scheduler.running

    assert run(main) is False
