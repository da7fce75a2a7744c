"""How often a store goes to its database, and connections that were lost in between."""

from __future__ import annotations

from datetime import datetime, timezone
from threading import Event, Thread, Timer
from typing import Any

import pytest

from apscheduler_lite import Retry
from apscheduler_lite._clock import Clock
from apscheduler_lite.errors import ConflictingIdError, StoreUnavailableError
from apscheduler_lite.jobstores.sqlalchemy import databases, early, keeper
from tests.benchmarks.counting import statements_of
from tests.integration.jobs import CALLS, note
from tests.waiting import wait_until

DUE = datetime(2020, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def store(postgres):
    """A store on PostgreSQL that looks at its table only when it is told to."""
    return postgres.store(poll_interval=3600)


@pytest.fixture
def paused(store, schedulers):
    """A paused scheduler on that store."""
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    return scheduler


@pytest.fixture
def claimed(paused, store, monkeypatch):
    """Four runs that were claimed of ten due jobs; the keeper does not write how they end."""
    monkeypatch.setattr(store._keeper, "_is_taken_along", lambda: True)
    paused.add_jobs([{"func": note, "trigger": "interval", "weeks": 1, "next_run_time": DUE} for _ in range(10)])
    return store.claim_due(paused.clock.now(), {"default": 4}).runs


def end(store, runs, seconds=0.0):
    """Record that runs have ended after so many seconds; return whether that is worth a claim."""
    for run in runs:
        run.outcome, run.started = "executed", 0
        run.finished = round(seconds * 1_000_000)
    return store.record_outcomes(runs)


def test_adding_a_job_is_one_statement_of_postgresql(paused, store):
    """The row and the notice to the others travel together, and are a transaction by themselves."""
    paused.add_job(note, "interval", hours=1)
    with statements_of(store._database.engine) as statements:
        paused.add_job(note, "interval", hours=1)

    assert len(statements) == 1
    assert "INSERT" in statements[0]
    assert "pg_notify" in statements[0]


def test_a_claim_writes_all_it_has_to_write_by_one_statement_of_postgresql(paused, store, claimed):
    """The ends of runs, the next run times and the new runs."""
    end(store, claimed)
    with statements_of(store._database.engine) as statements:
        claim = store.claim_due(paused.clock.now(), {"default": 3})

    writing = [each for each in statements if "UPDATE" in each and "FOR UPDATE" not in each]
    assert len(claim.runs) == 3
    assert len(writing) == 1
    end(store, claim.runs)


@pytest.fixture
def sleepy(monkeypatch):
    """Let schedulers look at the clock only when they are woken."""
    monkeypatch.setattr(Clock, "longest_sleep", None)


@pytest.mark.usefixtures("sleepy")
def test_others_hear_of_a_job_that_was_added(postgres, schedulers):
    """They would not look by themselves."""
    schedulers(postgres.store(poll_interval=3600)).start()
    other = schedulers(postgres.store())
    other.start(paused=True)

    other.add_job(note, args=["heard"])

    wait_until(lambda: CALLS == [("heard",)])


@pytest.mark.usefixtures("sleepy")
def test_others_hear_of_jobs_again_when_their_connections_were_lost(postgres, schedulers):
    """All of them at once: the first that turns out to be lost tells of the others."""
    store = postgres.store(poll_interval=3600)
    schedulers(store).start()
    other = schedulers(postgres.store())
    other.start(paused=True)
    other.add_job(note, args=["first"])
    wait_until(lambda: CALLS == [("first",)])
    cut_off(postgres, store)
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = :listen", listen=listen(store)
    )

    other.add_job(note, args=["second"])

    wait_until(lambda: CALLS == [("first",), ("second",)])


def listen(store) -> str:
    """Return the statement by which a store hears of changes."""
    return f'LISTEN "{store._notices.channel}"'


def test_a_taken_id_is_told_by_the_insertion(paused):
    """And the job that has it stays as it is."""
    paused.add_job(note, "interval", hours=1, id="job", name="first")

    with pytest.raises(ConflictingIdError):
        paused.add_job(note, "interval", hours=2, id="job")

    assert paused.get_job("job").name == "first"


def test_a_connection_that_was_lost_since_is_replaced(shared, schedulers, monkeypatch):
    """A server that was restarted while nothing happened is no reason for a call to fail."""
    monkeypatch.setattr(databases, "IDLE", 0.0)
    store = shared.store()
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.add_job(note, "interval", hours=1, id="before")
    cut_off(shared, store)

    scheduler.add_job(note, "interval", hours=1, id="after")
    cut_off(shared, store)
    scheduler.modify_job("before", name="changed")
    cut_off(shared, store)

    assert {job.id: job.name for job in scheduler.get_jobs()} == {"before": "changed", "after": "note"}


def cut_off(shared, store) -> None:
    """End the idle connections of a store, as a server does that is restarted."""
    connections = [store._database.engine.connect() for _ in range(store._database.engine.pool.checkedin())]
    for connection in connections:
        driver = connection.connection.driver_connection
        if shared.family == "postgresql":
            shared.execute(f"SELECT pg_terminate_backend({driver.info.backend_pid})")
        elif shared.family == "mariadb":
            shared.execute(f"KILL {driver.thread_id()}")
        connection.close()


def test_a_connection_that_is_lost_while_a_job_is_added_leaves_that_open(postgres, paused, store, monkeypatch):
    """It may have been added, and run by another process since: adding it again would run it twice."""
    monkeypatch.setattr(databases, "IDLE", float("inf"))  # it is not found out before
    paused.add_job(note, "interval", hours=1, id="before")
    cut_off(postgres, store)

    with pytest.raises(StoreUnavailableError) as caught:
        paused.add_job(note, "interval", hours=1, id="job")

    assert caught.value.is_open
    assert [job.id for job in paused.get_jobs()] == ["before"]


def test_a_claim_brings_as_many_runs_as_the_one_before(store, claimed):
    """The scheduler is woken when as many have ended, so that the claims of a burst do not shrink."""
    assert [end(store, [run]) for run in claimed] == [False, False, False, True]


def test_a_shutdown_does_not_wait_for_outcomes_that_may_still_come(shared, schedulers, monkeypatch):
    """The keeper, which gathers the ends of runs for a moment, is hurried."""
    monkeypatch.setattr(keeper, "GATHER", 3600.0)
    store = shared.store()
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.add_job(note)
    (run,) = store.claim_due(scheduler.clock.now(), {"default": 1}).runs
    run.outcome = "executed"
    wait_until(lambda: not store._keeper._bell.is_rung)
    store.record_outcomes([run])
    wait_until(lambda: not store._keeper._bell.is_rung)  # now it gathers

    ended = Thread(target=scheduler.shutdown)
    ended.start()

    wait_until(lambda: not ended.is_alive())
    assert [row.outcome for row in shared.execute("SELECT outcome FROM {runs}")] == ["executed"]


@pytest.mark.parametrize(("seconds", "expected"), [(0.0001, [False, True]), (1, [True, True])], ids=["short", "long"])
def test_runs_that_ended_during_a_claim_wait_for_the_short_ones_that_it_brought(
    paused, store, claimed, monkeypatch, seconds, expected
):
    """Or a burst would stay at half of the workers; those that longer runs have freed are not kept waiting."""
    end(store, claimed[:2], seconds)
    attempted = store._claims.attempted
    monkeypatch.setattr(
        store._claims, "attempted", lambda *args: (end(store, claimed[2:], seconds), attempted(*args))[1]
    )

    second = store.claim_due(paused.clock.now(), {"default": 2})

    assert [end(store, [run], seconds) for run in second.runs] == expected


def test_a_claim_that_takes_outcomes_along_ends_the_wait_for_it(paused, store, monkeypatch):
    """The keeper looks after those that have come since right away, and not when it has slept enough."""
    monkeypatch.setattr(keeper, "GATHER", 0.0)
    monkeypatch.setattr(keeper, "LINGER", 3600.0)
    paused.add_jobs([{"func": note, "trigger": "interval", "weeks": 1, "next_run_time": DUE} for _ in range(4)])
    claim = store.claim_due(paused.clock.now(), {"default": 4})
    for run in claim.runs:
        run.outcome = "executed"
    woken: list[bool] = []
    monkeypatch.setattr(store._keeper, "_wakeup", lambda: woken.append(True))
    store.record_outcomes(claim.runs[:1])
    wait_until(lambda: woken)
    store.claim_due(paused.clock.now(), {})

    store.record_outcomes(claim.runs[1:])

    wait_until(lambda: len(woken) > 1)
    monkeypatch.setattr(keeper, "LINGER", 0.0)
    store.claim_due(paused.clock.now(), {})


def test_the_next_attempt_is_opened_once_however_often_an_end_is_written(shared, schedulers):
    """When the answer to the first commit is lost, the end is written again."""
    store = shared.store(poll_interval=3600)
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.add_job(note, retry=Retry(3, delay=3600))
    (run,) = store.claim_due(scheduler.clock.now(), {"default": 1}).runs
    run.outcome, run.next_attempt = "error", scheduler.clock.now() + 3_600_000_000

    for _ in range(2):
        store._database.write(store._records.end, [run], scheduler.clock.now())
    store._keeper.forget(run)

    assert sorted(shared.execute("SELECT attempt, outcome FROM {runs}"), key=str) == [(1, "error"), (2, None)]


def test_a_connection_that_is_in_use_while_the_store_closes_is_closed_by_its_user(shared):
    """The pool that it goes back to is not there any more."""
    store = shared.store()
    database = store._database
    database.read(lambda connection: None)
    drivers: list[Any] = []
    is_held, goes_on = Event(), Event()

    def hold(connection):
        drivers.append(connection.connection.driver_connection)
        is_held.set()
        goes_on.wait(15)

    user = Thread(target=lambda: database.read(hold))
    user.start()
    is_held.wait(15)
    database.close()
    goes_on.set()
    user.join(15)

    assert is_closed(drivers[0])


def is_closed(driver) -> bool:
    """Return whether a connection of some driver cannot be used any more."""
    try:
        driver.cursor().execute("SELECT 1")
    except Exception:
        return True
    return False


def test_a_signal_handler_may_write_what_waits_while_the_timer_for_it_is_set(shared, schedulers, monkeypatch):
    """The timer finds nothing to be written then."""
    store = shared.store()
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    scheduler.shutdown()

    class Interrupted(Timer):
        """A timer whose start a signal handler interrupts, which writes what waits."""

        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "daemon":
                store._early.flush()

        def start(self):
            store._early.flush()
            super().start()

    monkeypatch.setattr(early, "Timer", Interrupted)

    for number in range(3):
        scheduler.add_job(note, "interval", hours=1, id=str(number))

    assert sorted(job.id for job in store.get_all_jobs()) == ["0", "1", "2"]
