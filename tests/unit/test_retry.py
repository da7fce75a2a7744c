"""`Retry`: the arithmetic of further attempts, and what it refuses."""

import pickle

import pytest

from apscheduler_lite import Retry
from apscheduler_lite.serializers import JSONSerializer


class Busy(OSError):
    """An error of an application."""


def test_the_pause_grows_with_each_attempt_up_to_a_limit():
    """`delay`, multiplied by `backoff` for each attempt that has failed, `max_delay` at the most."""
    retry = Retry(max_attempts=9, delay=10, backoff=3, max_delay=100)
    assert [retry.pause(attempt) for attempt in (1, 2, 3, 4)] == [10, 30, 90, 100]
    assert retry.pause(10_000) == 100


def test_jitter_is_added_beyond_the_limit():
    """Runs that failed together come back apart, also when their pause has reached its limit."""
    retry = Retry(delay=10, max_delay=10, jitter=4)
    assert [retry.pause(1, chance) for chance in (0, 0.5, 1)] == [10, 12, 14]


def test_there_is_another_attempt_after_the_named_exceptions_and_their_subclasses_only():
    """`on` names what is worth another attempt."""
    retry = Retry(max_attempts=3, on=(IOError, KeyError))
    assert retry.follows(1, Busy())
    assert retry.follows(2, KeyError())
    assert not retry.follows(3, KeyError())
    assert not retry.follows(1, ValueError())
    assert not Retry().follows(1, SystemExit())


def test_exceptions_are_kept_by_name():
    """A stored job must not make its reader import a module."""
    assert Retry(on=Busy).on == ("tests.unit.test_retry:Busy",)
    assert Retry(on="tests.unit.test_retry:Busy").follows(1, Busy())


def test_a_builtin_exception_with_two_names_is_known_by_both():
    """``IOError`` is ``OSError``: a configuration file that says the one means the other."""
    assert Retry(on="IOError") == Retry(on=OSError)
    assert Retry(on="IOError").follows(1, ConnectionError())


def test_equal_ones_are_equal_also_after_a_journey():
    """It is a value."""
    retry = Retry(4, 1.5, 3, 60, 2, on=(Busy, OSError))
    assert pickle.loads(pickle.dumps(retry)) == retry
    assert JSONSerializer(allow_pickle=False).loads(JSONSerializer(allow_pickle=False).dumps({"retry": retry})) == {
        "retry": retry
    }
    assert len({retry, Retry(4, 1.5, 3, 60, 2, on=(Busy, OSError))}) == 1


def test_it_cannot_be_changed():
    """Jobs with the same options share it."""
    retry = Retry(3)
    with pytest.raises(AttributeError, match="make another one with max_attempts=4"):
        retry.max_attempts = 4
    assert retry == Retry(3)


def test_a_configuration_may_give_it_as_a_dict():
    """`job_defaults` of a file hold no objects."""
    assert Retry.of({"max_attempts": 5, "on": ["OSError"]}) == Retry(5, on=OSError)
    text = {"max_attempts": "5", "delay": "1.5", "backoff": "3", "max_delay": "60", "on": "KeyError, tests.jobs:Busy"}
    assert Retry.of(text) == Retry(5, 1.5, 3, 60, on=("KeyError", "tests.jobs:Busy"))
    assert Retry.of("none") is None
    with pytest.raises(TypeError, match=r"unknown argument of retry 'atempts'.*max_attempts"):
        Retry.of({"atempts": 5})
    with pytest.raises(TypeError, match="retry must be a Retry, a dict of its arguments, or None, not 3"):
        Retry.of(3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_attempts": 0}, ValueError, "max_attempts must be an integer of at least 1, not 0"),
        ({"max_attempts": True}, TypeError, "max_attempts must be an integer"),
        ({"delay": -1}, ValueError, "delay must be a number of at least 0, not -1"),
        ({"delay": "10"}, TypeError, "delay must be a number of at least 0, not '10'"),
        ({"backoff": 0.5}, ValueError, "backoff must be a number of at least 1"),
        ({"max_delay": float("inf")}, ValueError, "max_delay must be a number"),
        ({"jitter": None}, TypeError, "jitter must be a number"),
        ({"on": int}, TypeError, "on must hold classes of exceptions, not .*int"),
        ({"on": ()}, ValueError, "on must name a class"),
        ({"on": "ConectionError"}, ValueError, "builtin ones as 'OSError', not 'ConectionError'.*'ConnectionError'"),
        ({"on": ("OSError", "json.JSONDecodeError")}, ValueError, "did you mean 'json:JSONDecodeError'"),
        ({"on": "print"}, ValueError, "on must name exceptions as 'module:Class'"),
        ({"on": 5}, TypeError, "on must be a class of exceptions or several, not 5"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, error, message):
    """The message names the argument and the value."""
    with pytest.raises(error, match=message):
        Retry(**arguments)
