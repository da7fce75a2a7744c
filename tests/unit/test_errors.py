"""Facts about errors."""

from __future__ import annotations

import pickle

import pytest

from apscheduler_lite import errors
from apscheduler_lite.errors import (
    ConflictingIdError,
    JobLookupError,
    MaxInstancesReachedError,
    RemoteError,
    SchedulerAlreadyRunningError,
    SchedulerNotRunningError,
    SchedulerWarning,
    TransientJobError,
    WorkerDiedError,
)


class FullJob:
    id = "full"
    max_instances = 3


ERRORS = [
    (SchedulerAlreadyRunningError(), Exception, "the scheduler is already running"),
    (SchedulerNotRunningError(), Exception, "the scheduler is not running; call start() first"),
    (
        MaxInstancesReachedError(FullJob()),
        Exception,
        "job 'full' already runs its maximum number of instances (3)",
    ),
    (JobLookupError("täglich"), KeyError, "no job by the id of täglich was found"),
    (
        ConflictingIdError("täglich"),
        KeyError,
        "a job with the id täglich exists already; pass replace_existing=True to replace it, or choose another id",
    ),
    (
        TransientJobError("a"),
        ValueError,
        (
            "job a cannot be kept outside this process, in a persistent store or an exported file: its function has no"
            " importable name. Define it at the top level of a module, or give it as text: 'module:function'"
        ),
    ),
    (WorkerDiedError("killed"), Exception, "killed"),
    (RemoteError("no pickle"), Exception, "no pickle"),
]


@pytest.mark.parametrize(("error", "base", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_says_what_is_wrong_and_what_to_do(error, base, text):
    """In a sentence; and ``except`` clauses written for version 3 catch it."""
    assert isinstance(error, base)
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, *_ in ERRORS], ids=lambda error: type(error).__name__)
def test_an_error_travels_between_processes(error):
    """A job in a worker process may raise it, and its message arrives as it was."""
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.args == error.args


def test_the_warning_can_be_told_from_others():
    """It is a UserWarning, which is shown, and a class of its own."""
    assert issubclass(SchedulerWarning, UserWarning)


def test_every_error_is_exported():
    """And drawn in the tree at the top of the module."""
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and not name.startswith("_")}

    assert defined == set(errors.__all__) - {"warn"}
    assert all(name in (errors.__doc__ or "") for name in defined)
