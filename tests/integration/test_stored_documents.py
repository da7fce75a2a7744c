"""Rows that cannot be run: kept, reported, left alone; the others run. And rows that somebody else has written."""

from __future__ import annotations

import builtins
import json
import pickle
import sys
from base64 import b64encode

import pytest

from apscheduler_lite.events import EVENT_JOB_FAULT
from apscheduler_lite.serializers import JSONSerializer
from tests.integration.jobs import CALLS, Account, note
from tests.waiting import stays_false, wait_until


class Attack:
    """What runs code when its pickle is read."""

    def __reduce__(self):
        return (CALLS.append, (("attacked",),))


def changed(document, **changes):
    """Return a document with some of its entries changed."""
    return json.dumps({**json.loads(document), **changes})


def embedded(value):
    """Return a value as an embedded pickle."""
    return {"$": "pickle", "value": b64encode(pickle.dumps(value)).decode()}


BROKEN = {
    "no JSON": lambda _: "{broken",
    "no object": lambda _: "[]",
    "empty": lambda _: "{}",
    "of a later version": lambda document: changed(document, version=99),
    "a module that is missing": lambda document: changed(document, func="no_such_module:work"),
    "a function that is missing": lambda document: changed(document, func="tests.integration.jobs:no_such_function"),
    "no function": lambda document: changed(document, func=None),
    "another job's": lambda document: changed(document, id="another"),
    "an unknown tag": lambda document: changed(document, args={"$": "unknown"}),
    "an unknown trigger": lambda document: changed(document, trigger={"$": "trigger", "type": "x", "value": {}}),
    "no trigger": lambda document: changed(document, trigger=None),
    "a broken pickle": lambda document: changed(document, args={"$": "pickle", "value": "AAAA"}),
    "an option that is not possible": lambda document: changed(document, max_instances=-1),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_row_that_cannot_be_restored_is_kept_and_reported(sqlite, schedulers, how, caplog):
    """It is not run, not deleted, told of once; the other jobs run, and it runs when it has been mended."""
    faults: list = []
    scheduler = schedulers(sqlite.store(poll_interval=0.05))
    scheduler.add_listener(faults.append, EVENT_JOB_FAULT)
    scheduler.add_job(note, args=["broken"], id="broken")
    scheduler.add_job(note, args=["other"], id="other")
    assert len(scheduler.get_jobs()) == 2
    (document,) = sqlite.execute("SELECT document FROM {jobs} WHERE id = 'broken'")[0]
    sqlite.execute("UPDATE {jobs} SET document = :new, revision = 2 WHERE id = 'broken'", new=BROKEN[how](document))

    scheduler.start()
    wait_until(lambda: CALLS == [("other",)])
    wait_until(lambda: faults)
    stays_false(lambda: False, 0.7)

    assert [job.id for job in scheduler.get_jobs()] == []
    assert scheduler.get_job("broken") is None
    assert sqlite.execute("SELECT id FROM {jobs}") == [("broken",)]
    assert [fault.job_id for fault in faults] == ["broken"]
    assert "stays as it is" in str(faults[0].exception)
    assert faults[0].retry_in > 0
    sqlite.execute("UPDATE {jobs} SET document = :new, revision = 3 WHERE id = 'broken'", new=document)
    wait_until(lambda: CALLS == [("other",), ("broken",)], 10)


def test_a_row_that_cannot_be_restored_can_be_replaced_and_removed(shared, schedulers):
    """Its id is taken all the same; nobody replaces it by accident."""
    scheduler = schedulers(shared.store())
    scheduler.start(paused=True)
    for name in ("first", "second"):
        scheduler.add_job(note, id=name)
    shared.execute("UPDATE {jobs} SET document = '?', revision = 2")

    with pytest.raises(KeyError, match="first"):
        scheduler.add_job(note, id="first")
    scheduler.add_job(note, id="first", args=["new"], replace_existing=True)
    scheduler.remove_job("second")

    assert [(job.id, job.args) for job in scheduler.get_jobs()] == [("first", ("new",))]
    assert len(shared.execute("SELECT id FROM {jobs}")) == 1


def test_many_rows_that_cannot_be_restored_hold_up_nobody(sqlite, schedulers):
    """However many lie in front, what can be run is run."""
    scheduler = schedulers(sqlite.store(poll_interval=0.05))
    scheduler.add_jobs([{"func": note, "id": f"broken {number}"} for number in range(300)])
    sqlite.execute("UPDATE {jobs} SET document = '?', next_run_time = 1, revision = 2")
    scheduler.add_job(note, args=["other"])

    scheduler.start()

    wait_until(lambda: CALLS == [("other",)])
    assert sqlite.execute("SELECT COUNT(*) FROM {jobs}")[0][0] >= 300


def test_a_pickle_in_a_row_is_not_read_where_pickles_are_forbidden(sqlite, schedulers, monkeypatch):
    """`allow_pickle=False`: nothing reaches `pickle.loads`, wherever in the document the pickle stands."""
    scheduler = schedulers(sqlite.store(allow_pickle=False, poll_interval=0.05))
    (template,) = [scheduler.add_job(note, args=["other"], id="template")]
    assert template.id == "template"
    document = sqlite.execute("SELECT document FROM {jobs}")[0][0]
    for number, (name, value) in enumerate(
        {
            "args": embedded((Attack(),)),
            "kwargs": {"deep": [embedded(Attack())]},
            "trigger": embedded(Attack()),
            "func": embedded(Attack()),
            "id": embedded(Attack()),
            "name": {"$": "tuple", "value": [embedded(Attack())]},
        }.items()
    ):
        sqlite.execute(
            "INSERT INTO {jobs} (id, next_run_time, executor, paused, document, revision)"
            " VALUES (:id, 1, 'default', 0, :document, 1)",
            id=f"attack {number}",
            document=changed(document, **{"id": f"attack {number}", name: value}),
        )
    monkeypatch.setattr(pickle, "loads", pytest.fail)

    scheduler.start()
    wait_until(lambda: CALLS == [("other",)])
    stays_false(lambda: len(CALLS) > 1, 0.3)

    assert CALLS == [("other",)]
    assert len(sqlite.execute("SELECT id FROM {jobs}")) == 6


def test_arguments_that_need_a_pickle_are_refused_where_pickles_are_forbidden(sqlite, schedulers):
    """At the call, naming the argument; with pickles allowed they are kept."""
    with pytest.raises(ValueError, match=r"Account.*allow_pickle"):
        schedulers(sqlite.store(allow_pickle=False)).add_job(note, args=[Account(1)])

    schedulers(sqlite.store()).add_job(note, args=[Account(1)], id="job")
    (job,) = schedulers(sqlite.store()).get_jobs()
    assert job.args[0].number == 1


@pytest.mark.parametrize("how", ["unsigned", "of another key", "changed", "of another job"])
def test_nothing_of_a_document_is_interpreted_before_its_signature_is_checked(sqlite, schedulers, how, monkeypatch):
    """A row that somebody else has written is quarantined: not parsed, not imported, not run."""
    pytest.importorskip("itsdangerous")
    writer = schedulers(sqlite.store(signing_key={"unsigned": None, "of another key": "other"}.get(how, "key")))
    writer.add_job(note, args=["forged"], id="forged")
    if how == "changed":
        sqlite.execute("UPDATE {jobs} SET document = document || ' '")
    elif how == "of another job":
        sqlite.execute("UPDATE {jobs} SET id = 'moved'")
    faults: list = []
    scheduler = schedulers(sqlite.store(signing_key=["key"], poll_interval=0.05))
    scheduler.add_listener(faults.append, EVENT_JOB_FAULT)
    monkeypatch.setattr(JSONSerializer, "loads", pytest.fail)
    monkeypatch.setattr(pickle, "loads", pytest.fail)

    scheduler.start()
    wait_until(lambda: faults)

    assert "sign" in str(faults[0].exception)
    assert not CALLS
    assert len(sqlite.execute("SELECT id FROM {jobs}")) == 1


def test_signed_jobs_are_run(sqlite, schedulers):
    """By everybody who has the key that signed them, also when it is not the first any more."""
    pytest.importorskip("itsdangerous")
    schedulers(sqlite.store(signing_key="old")).add_job(note, args=["signed"])

    schedulers(sqlite.store(signing_key=["new", "old"])).start()

    wait_until(lambda: CALLS == [("signed",)])


ALLOWED = ["tests.integration.jobs:*"]


@pytest.mark.parametrize(
    "reference",
    [
        "os:system",
        "tests.integration.jobs:os.system",
        "tests.integration.jobs:system",
        "tests.integration.jobs:current_run",
        "tests.integration.jobsx:note",
    ],
)
def test_a_stored_reference_is_bounded(sqlite, schedulers, reference):
    """`allowed_functions` refuses what matches no pattern, and what an allowed module has merely imported."""
    schedulers(sqlite.store()).add_job(note, args=["true"], id="job")
    document = sqlite.execute("SELECT document FROM {jobs}")[0][0]
    sqlite.execute("UPDATE {jobs} SET document = :new", new=changed(document, func=reference, args=["true"]))
    faults: list = []
    scheduler = schedulers(sqlite.store(allowed_functions=ALLOWED, poll_interval=0.05))
    scheduler.add_listener(faults.append, EVENT_JOB_FAULT)

    scheduler.start()
    wait_until(lambda: faults)

    assert "allowed_functions" in str(faults[0].exception) or "no class" in str(faults[0].exception)


def test_a_module_out_of_bounds_is_not_imported(sqlite, schedulers):
    """The bounds are looked at before anything is imported."""
    schedulers(sqlite.store()).add_job(note, id="job")
    document = sqlite.execute("SELECT document FROM {jobs}")[0][0]
    sqlite.execute("UPDATE {jobs} SET document = :new", new=changed(document, func="this:s"))
    sys.modules.pop("this", None)
    faults: list = []
    scheduler = schedulers(sqlite.store(allowed_functions=ALLOWED))
    scheduler.add_listener(faults.append, EVENT_JOB_FAULT)

    scheduler.start()
    wait_until(lambda: faults)

    assert "this" not in sys.modules


def test_functions_within_the_bounds_are_run_and_others_refused(sqlite, schedulers):
    """Methods of classes are within them too; others are refused by name when they are added."""
    scheduler = schedulers(sqlite.store(allowed_functions=ALLOWED))
    scheduler.add_job(note, args=["function"])
    scheduler.add_job(Account.pay, args=["method"])
    with pytest.raises(ValueError, match="'builtins:print' is not among the allowed_functions"):
        scheduler.add_job(builtins.print)

    scheduler.start()

    wait_until(lambda: sorted(CALLS) == [("function",), ("method",)])


def test_a_serializer_of_ones_own_is_used(sqlite, schedulers):
    """An object with `dumps` and `loads`."""

    class Reversed(JSONSerializer):
        def dumps(self, state):
            return super().dumps(state)[::-1]

        def loads(self, text, before=None):
            return super().loads(text[::-1], before)

    schedulers(sqlite.store(serializer=Reversed())).add_job(note, args=["ran"])

    schedulers(sqlite.store(serializer=Reversed())).start()

    assert sqlite.execute("SELECT document FROM {jobs}")[0][0].startswith("}")
    wait_until(lambda: CALLS == [("ran",)])
