"""Where a claim restores jobs that others have added: in its transaction, or only between two attempts at it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from types import ModuleType

import pytest

from apscheduler_lite import _plugins
from apscheduler_lite.jobstores.sqlalchemy.databases import Database
from apscheduler_lite.serializers import JSONSerializer
from tests.benchmarks.counting import statements_of
from tests.integration.jobs import note

DUE = datetime(2020, 1, 1, tzinfo=timezone.utc)
IN_TRANSACTION: list[bool] = []
SEEN: list[bool] = []


def look() -> str:
    """Note whether a transaction is going on."""
    SEEN.append(bool(IN_TRANSACTION))
    return "looked"


class Looking:
    """What calls that when its pickle is read."""

    def __reduce__(self):
        return look, ()


@pytest.fixture(autouse=True)
def watched(monkeypatch):
    """Note in which moments a transaction is going on."""
    SEEN.clear()
    transaction = Database._transaction

    @contextmanager
    def noted(database):
        with transaction(database) as connection:
            IN_TRANSACTION.append(True)
            try:
                yield connection
            finally:
                IN_TRANSACTION.clear()

    monkeypatch.setattr(Database, "_transaction", noted)


def claimed(shared, schedulers, count=1, **options):
    """Return what a scheduler on the tables claims that has not seen their jobs, and the statements that it takes."""
    store = shared.store(**options)
    scheduler = schedulers(store)
    scheduler.start(paused=True)
    with statements_of(store._database.engine) as statements:
        claim = store.claim_due(scheduler.clock.now(), {"default": count})
    for run in claim.runs:
        run.outcome = "executed"
    store.record_outcomes(claim.runs)
    return claim, statements


def test_jobs_of_functions_that_are_at_hand_take_one_attempt(shared, schedulers):
    """Between two, another process could claim them, and each attempt would find others that are not restored yet."""
    adding = schedulers(shared.store())
    adding.start(paused=True)
    adding.add_jobs(
        [{"func": note, "trigger": "interval", "weeks": 1, "args": [n], "next_run_time": DUE} for n in range(10)]
    )

    claim, statements = claimed(shared, schedulers, count=10)

    assert sorted(run.args for run in claim.runs) == [(n,) for n in range(10)]
    assert sum("revision" in each and "ORDER BY" in each for each in statements) == 1


def test_a_pickle_is_read_outside_the_transaction(shared, schedulers):
    """It runs code of the application."""
    schedulers(shared.store()).add_job(note, "date", [Looking()], run_date=DUE)

    claim, _ = claimed(shared, schedulers)

    assert [run.args for run in claim.runs] == [("looked",)]
    assert SEEN == [False]


def test_a_name_that_a_module_makes_when_asked_is_asked_for_outside_the_transaction(shared, schedulers, monkeypatch):
    """It may import another module for that."""
    module = ModuleType("made_when_asked")

    def make(name):
        look()
        if name == "note":
            return note
        raise AttributeError(name)

    module.__getattr__ = make  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "made_when_asked", module)
    schedulers(shared.store()).add_job("made_when_asked:note", "date", run_date=DUE)
    SEEN.clear()

    claim, _ = claimed(shared, schedulers)

    assert [run.func for run in claim.runs] == [note]
    assert set(SEEN) == {False}


def test_a_module_that_is_being_imported_is_waited_for_outside_the_transaction(shared, schedulers, monkeypatch):
    """Whoever imports it may be adding a job."""
    schedulers(shared.store()).add_job(note, "date", run_date=DUE)
    monkeypatch.setattr(sys.modules[note.__module__].__spec__, "_initializing", True, raising=False)

    claim, statements = claimed(shared, schedulers)

    assert [run.func for run in claim.runs] == [note]
    assert sum("revision" in each and "ORDER BY" in each for each in statements) == 2


class Proxy:
    """What is asked for its attributes by code."""

    def __getattr__(self, name):
        look()
        return note


class Described:
    """A descriptor."""

    def __get__(self, instance, owner=None):
        look()
        return note


class Holder:
    """What holds one, and plain methods."""

    run = Described()

    @staticmethod
    def static(*args):
        note(*args)

    @classmethod
    def of_class(cls, *args):
        note(*args)


PROXY = Proxy()
HERE = __name__


@pytest.mark.parametrize("path", ["PROXY.run", "Holder.run"])
def test_an_attribute_that_code_finds_is_asked_for_outside_the_transaction(shared, schedulers, path):
    """A proxy, a descriptor."""
    before = schedulers(shared.store()).add_job(note, "date", run_date=DUE).func_ref
    shared.execute(
        "UPDATE {jobs} SET document = replace(document, :before, :after)", before=before, after=f"{HERE}:{path}"
    )
    SEEN.clear()

    claim, _ = claimed(shared, schedulers)

    assert [run.func for run in claim.runs] == [note]
    assert set(SEEN) == {False}


@pytest.mark.parametrize("path", ["Holder.static", "Holder.of_class"])
def test_methods_of_plain_classes_are_at_hand(shared, schedulers, path):
    """Finding them runs no code."""
    schedulers(shared.store()).add_job(f"{HERE}:{path}", "date", run_date=DUE)

    claim, statements = claimed(shared, schedulers)

    assert len(claim.runs) == 1
    assert sum("revision" in each and "ORDER BY" in each for each in statements) == 1


class Loud(Enum):
    """An Enum that runs code when one of its members is put into a set."""

    ONE = 1

    def __hash__(self):
        look()
        return 1


def test_members_of_enums_are_read_outside_the_transaction(shared, schedulers):
    """An Enum may have methods of its own."""
    schedulers(shared.store()).add_job(note, "date", [{Loud.ONE}], run_date=DUE)
    SEEN.clear()

    claim, _ = claimed(shared, schedulers)

    assert [run.args for run in claim.runs] == [({Loud.ONE},)]
    assert SEEN[0] is False


def test_a_trigger_whose_module_is_not_loaded_is_read_outside_the_transaction(shared, schedulers, monkeypatch):
    """The main thread may be importing it, and wait in a signal handler for this transaction."""
    schedulers(shared.store()).add_job(note, "calendarinterval", days=1, next_run_time=DUE)
    monkeypatch.delitem(_plugins._found, ("trigger", "calendarinterval"))
    find = _plugins._find
    monkeypatch.setattr(_plugins, "_find", lambda *key: (look(), find(*key))[1])

    claim, _ = claimed(shared, schedulers)

    assert len(claim.runs) == 1
    assert SEEN == [False]


class Doubling(JSONSerializer):
    """A serializer that makes something else of what it reads."""

    def loads(self, text, before=None):
        look()
        state = super().loads(text, before)
        return {**state, "args": [each * 2 for each in state["args"]]}


def test_a_serializer_of_ones_own_reads_outside_the_transaction(shared, schedulers):
    """And it is asked, also where it is derived from the library's."""
    schedulers(shared.store()).add_job(note, "date", [21], run_date=DUE)

    claim, _ = claimed(shared, schedulers, serializer=Doubling())

    assert [run.args for run in claim.runs] == [(42,)]
    assert SEEN == [False]
