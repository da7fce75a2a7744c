"""How often a store goes to its database, and connections that were lost in between."""

from __future__ import annotations

from datetime import datetime, timezone
from threading import Thread

import pytest

from apscheduler_lite.errors import ConflictingIdError, StoreUnavailableError
from apscheduler_lite.jobstores.sqlalchemy import keeper
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


def test_adding_a_job_is_one_statement_of_postgresql(paused, store):
    """The row and the notice to the others travel together, and are a transaction by themselves."""
    paused.add_job(note, "interval", hours=1)
    with statements_of(store._database.engine) as statements:
        paused.add_job(note, "interval", hours=1)

    assert len(statements) == 1
    assert "INSERT" in statements[0]
    assert "pg_notify" in statements[0]


def test_a_claim_writes_all_it_has_to_write_by_one_statement_of_postgresql(paused, store, monkeypatch):
    """The ends of runs, the next run times and the new runs."""
    paused.add_jobs([{"func": note, "trigger": "interval", "weeks": 1, "next_run_time": DUE} for _ in range(8)])
    first = store.claim_due(paused.clock.now(), {"default": 4})
    for run in first.runs:
        run.outcome = "executed"
    monkeypatch.setattr(store._keeper, "_is_taken_along", lambda: True)  # the keeper shall not be faster
    store.record_outcomes(first.runs)
    with statements_of(store._database.engine) as statements:
        second = store.claim_due(paused.clock.now(), {"default": 3})

    writing = [each for each in statements if "UPDATE" in each and "FOR UPDATE" not in each]
    assert len(second.runs) == 3
    assert len(writing) == 1
    for run in second.runs:
        run.outcome = "executed"
    store.record_outcomes(second.runs)


def test_others_hear_of_a_job_that_was_added(postgres, schedulers):
    """Long before they would look by themselves."""
    schedulers(postgres.store(poll_interval=3600)).start()
    other = schedulers(postgres.store())
    other.start(paused=True)

    other.add_job(note, args=["heard"])

    wait_until(lambda: CALLS == [("heard",)])


def test_a_taken_id_is_told_by_the_insertion(paused):
    """And the job that has it stays as it is."""
    paused.add_job(note, "interval", hours=1, id="job", name="first")

    with pytest.raises(ConflictingIdError):
        paused.add_job(note, "interval", hours=2, id="job")

    assert paused.get_job("job").name == "first"


def test_a_connection_that_was_lost_since_is_replaced(shared, schedulers):
    """A server that was restarted while nothing happened is no reason for a call to fail."""
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


@pytest.mark.parametrize("is_written", [True, False], ids=["written", "not written"])
def test_a_job_whose_connection_is_lost_while_it_is_added_is_added_once(paused, store, monkeypatch, is_written):
    """Whether or not the statement had taken place."""
    execute = store._database.write_alone

    def lose(statement, values):
        if is_written:
            execute(statement, values)
        raise StoreUnavailableError("the connection was lost", is_open=True)

    monkeypatch.setattr(store._database, "write_alone", lose)

    paused.add_job(note, "interval", hours=1, id="job")

    assert [job.id for job in paused.get_jobs()] == ["job"]


def test_a_job_that_is_added_under_a_taken_id_while_the_connection_is_lost_is_refused(paused, store, monkeypatch):
    """What is found there is known not to be ours."""
    paused.add_job(note, "interval", hours=1, id="job")

    def lose(statement, values):
        raise StoreUnavailableError("the connection was lost", is_open=True)

    monkeypatch.setattr(store._database, "write_alone", lose)

    with pytest.raises(ConflictingIdError):
        paused.add_job(note, "interval", hours=1, id="job")


def test_whether_a_job_was_added_stays_open_while_the_database_is_away(paused, store, monkeypatch):
    """The error says so."""

    def lose(statement, values):
        raise StoreUnavailableError("the connection was lost", is_open=True)

    def be_away(*_, **__):
        raise StoreUnavailableError("connection refused")

    monkeypatch.setattr(store._database, "write_alone", lose)
    monkeypatch.setattr(store._database, "write", be_away)

    with pytest.raises(StoreUnavailableError) as caught:
        paused.add_job(note, "interval", hours=1)

    assert caught.value.is_open
    monkeypatch.undo()


def test_a_claim_brings_as_many_runs_as_the_one_before(paused, store, monkeypatch):
    """The scheduler is woken when as many have ended, so that the claims of a burst do not shrink."""
    paused.add_jobs([{"func": note, "trigger": "interval", "weeks": 1, "next_run_time": DUE} for _ in range(10)])
    claim = store.claim_due(paused.clock.now(), {"default": 4})
    for run in claim.runs:
        run.outcome = "executed"

    monkeypatch.setattr(store._keeper, "_is_taken_along", lambda: True)  # the keeper shall not be faster

    told = [store.record_outcomes([run]) for run in claim.runs]

    assert told == [False, False, False, True]


def test_a_shutdown_does_not_wait_for_outcomes_that_may_still_come(shared, schedulers, monkeypatch):
    """The keeper, which gathers the ends of runs for a moment, is hurried."""
    monkeypatch.setattr(keeper, "GATHER", 3600.0)
    scheduler = schedulers(shared.store())
    scheduler.start()
    scheduler.add_job(note, args=["done"])
    wait_until(lambda: CALLS == [("done",)])

    ended = Thread(target=scheduler.shutdown)
    ended.start()

    wait_until(lambda: not ended.is_alive())
    assert [row.outcome for row in shared.execute("SELECT outcome FROM {runs}")] == ["executed"]


@pytest.mark.parametrize(("seconds", "expected"), [(0.0001, [False, True]), (1, [True, True])], ids=["short", "long"])
def test_runs_that_ended_during_a_claim_wait_for_the_short_ones_that_it_brought(
    paused, store, monkeypatch, seconds, expected
):
    """Or a burst would stay at half of the workers; those that longer runs have freed are not kept waiting."""
    monkeypatch.setattr(store._keeper, "_is_taken_along", lambda: True)  # the keeper shall not be faster
    paused.add_jobs([{"func": note, "trigger": "interval", "weeks": 1, "next_run_time": DUE} for _ in range(10)])

    def end(run):
        run.started = paused.clock.now()
        run.finished = run.started + round(seconds * 1_000_000)
        run.outcome = "executed"
        return store.record_outcomes([run])

    first = store.claim_due(paused.clock.now(), {"default": 4})
    for run in first.runs[:2]:
        end(run)
    attempted = store._claims.attempted

    def interfere(*args):
        for run in first.runs[2:]:
            end(run)
        return attempted(*args)

    monkeypatch.setattr(store._claims, "attempted", interfere)
    second = store.claim_due(paused.clock.now(), {"default": 2})

    assert [end(run) for run in second.runs] == expected
