"""Facts about the options of jobs and schedulers."""

from __future__ import annotations

import pickle
from datetime import timedelta
from fractions import Fraction

import pytest

from apscheduler_lite import _options
from apscheduler_lite._options import (
    DEFAULT_OPTIONS,
    JOB_OPTIONS,
    MODIFIABLE,
    as_arguments,
    as_bool,
    as_keyword_arguments,
    as_name,
    as_number,
    as_positive_integer,
    as_trigger,
    refuse_unknown,
    undefined,
    validated,
)
from apscheduler_lite.retry import Retry
from apscheduler_lite.triggers.date import DateTrigger
from tests.ids import shown

NAN, INF = float("nan"), float("inf")


class MappingLike:
    """What has keys and items like a dict."""

    def keys(self):
        """Return the keys."""
        return ["a"]

    def __iter__(self):
        return iter(["a"])

    def __getitem__(self, key):
        return 1


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (as_name, "täglich", "täglich"),
        (as_name, "täglich".encode(), "täglich"),
        (as_bool, True, True),
        (as_bool, " Yes ", True),
        (as_bool, b"off", False),
        (as_bool, "1", True),
        (as_bool, "n", False),
        (as_bool, 1, True),
        (as_bool, 0, False),
        (as_positive_integer, 3, 3),
        (as_positive_integer, " 20 ", 20),
        (as_positive_integer, b"5", 5),
        (as_number, 3, 3),
        (as_number, 0.5, 0.5),
        (as_number, "3", 3),
        (as_number, " 0.25 ", 0.25),
        (as_number, b"1e3", 1000.0),
        (as_number, timedelta(minutes=1), 60.0),
    ],
    ids=shown,
)
def test_values_are_read_as_they_are_written(read, value, expected):
    """As Python writes them, and as configuration files do."""
    found = read(value, "it")

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", [None, "none", "", " NULL ", b"None"], ids=shown)
def test_a_number_may_be_none_where_that_has_a_meaning(value):
    """As configuration files write it, too."""
    assert as_number(value, "it", or_none=True) is None


@pytest.mark.parametrize(
    ("read", "value", "error", "message"),
    [
        (as_name, "", TypeError, "^it must be a nonempty string, not ''$"),
        (as_name, 5, TypeError, "^it must be a nonempty string, not 5$"),
        (as_name, None, TypeError, "^it must be a nonempty string, not None$"),
        (as_name, b"\xff", ValueError, "^it must be text; these bytes are not UTF-8"),
        (as_bool, "maybe", ValueError, r"^it must be true or false \(or yes/no, on/off, 1/0\), not 'maybe'$"),
        (as_bool, 2, TypeError, "^it must be True or False, not 2$"),
        (as_bool, None, TypeError, "^it must be True or False, not None$"),
        (as_bool, 1.0, TypeError, "^it must be True or False, not 1.0$"),
        (as_positive_integer, 0, TypeError, "^it must be a positive integer, not 0$"),
        (as_positive_integer, -3, TypeError, "^it must be a positive integer, not -3$"),
        (as_positive_integer, True, TypeError, "^it must be a positive integer, not True$"),
        (as_positive_integer, 2.0, TypeError, "^it must be a positive integer, not 2.0$"),
        (as_positive_integer, "many", TypeError, "^it must be a positive integer, not 'many'$"),
        (as_positive_integer, None, TypeError, "^it must be a positive integer, not None$"),
        (as_number, 0, TypeError, r"^it must be a positive number of seconds \(or a timedelta\), not 0$"),
        (as_number, -1.5, TypeError, "not -1.5$"),
        (as_number, NAN, TypeError, "not nan$"),
        (as_number, INF, TypeError, "not inf$"),
        (as_number, True, TypeError, "not True$"),
        (as_number, None, TypeError, "not None$"),
        (as_number, "soon", TypeError, "not 'soon'$"),
        (as_number, "0", TypeError, "not '0'$"),
        (as_number, Fraction(1, 2), TypeError, r"not Fraction\(1, 2\)$"),
        (as_number, timedelta(0), TypeError, r"not datetime.timedelta\(0\)$"),
        (as_number, timedelta(-1), TypeError, r"not datetime.timedelta\(days=-1\)$"),
        (as_trigger, "interval", TypeError, r"trigger must be an instance of a trigger class.*, not str: 'interval'"),
        (as_trigger, DateTrigger, TypeError, "trigger must be an instance of a trigger class.*, not ABCMeta"),
    ],
    ids=shown,
)
def test_wrong_values_are_told(read, value, error, message):
    """With the name of the option and the value as it was given."""
    with pytest.raises(error, match=message):
        read(value, *([] if read is as_trigger else ["it"]))


def test_that_none_would_do_is_told():
    """Where it would."""
    with pytest.raises(TypeError, match=r"^it must be None or a positive number of seconds"):
        as_number(0, "it", or_none=True)


def test_positional_arguments_become_a_tuple():
    """Whatever holds them."""
    assert as_arguments(None) == ()
    assert as_arguments([1, 2]) == (1, 2)
    assert as_arguments(range(3)) == (0, 1, 2)


@pytest.mark.parametrize("value", ["text", b"text", 5, object()], ids=["str", "bytes", "int", "object"])
def test_positional_arguments_are_a_list(value):
    """A text is none, though it could be taken apart."""
    with pytest.raises(TypeError, match="args must be a list or tuple of positional arguments, not"):
        as_arguments(value)


def test_keyword_arguments_become_a_dict_of_their_own():
    """A change of the given one changes nothing; none is None."""
    given = {"a": 1}
    kept = as_keyword_arguments(given)
    given["a"] = 2

    assert kept == {"a": 1}
    assert as_keyword_arguments(None) is as_keyword_arguments({}) is as_keyword_arguments([]) is None
    assert as_keyword_arguments(MappingLike()) == {"a": 1}


@pytest.mark.parametrize("value", [[("a", 1)], "a", "", 5, 0, {1: 2}, {"a"}], ids=shown)
def test_keyword_arguments_are_a_dict_with_texts_as_keys(value):
    """Anything else is told."""
    with pytest.raises(TypeError, match="kwargs must be a dict of keyword arguments, not"):
        as_keyword_arguments(value)


def test_unknown_names_are_refused():
    """With the nearest known one, and all of them."""
    refuse_unknown(["a"], ["a", "b"], "option")

    with pytest.raises(
        TypeError,
        match=r"^unknown option 'max_instance'; did you mean 'max_instances'\? \(known: 'coalesce', 'max_instances'\)$",
    ):
        refuse_unknown(["coalesce", "max_instance"], ["coalesce", "max_instances"], "option")


# -- the options of a job ------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_design():
    """No grace time: late rather than lost."""
    assert (DEFAULT_OPTIONS.executor, DEFAULT_OPTIONS.misfire_grace_time) == ("default", None)
    assert (DEFAULT_OPTIONS.coalesce, DEFAULT_OPTIONS.max_instances, DEFAULT_OPTIONS.grace) == (True, 1, None)


def test_equal_options_are_one_object():
    """Ten thousand jobs share it."""
    changes = {"misfire_grace_time": 1.5, "coalesce": False, "retry": Retry(5)}
    first = DEFAULT_OPTIONS.replaced(changes)

    assert DEFAULT_OPTIONS.replaced({**changes, "retry": Retry(5)}) is first
    assert first.grace == 1_500_000


def test_options_are_replaced_one_by_one():
    """The others stay."""
    changed = DEFAULT_OPTIONS.replaced({"coalesce": False, "misfire_grace_time": 2})

    assert (changed.coalesce, changed.misfire_grace_time, changed.executor) == (False, 2, "default")
    assert DEFAULT_OPTIONS.coalesce is True


def test_options_that_are_made_up_at_run_time_are_not_kept_for_ever(monkeypatch):
    """Beyond a number they are made anew each time."""
    monkeypatch.setattr(_options.JobOptions, "_shared", dict.fromkeys(range(1024)))

    changes = {"misfire_grace_time": 12345.678}
    assert DEFAULT_OPTIONS.replaced(changes) is not DEFAULT_OPTIONS.replaced(changes)


def test_only_options_are_validated():
    """Other names are left to others."""
    assert validated({"coalesce": "no", "args": 5}) == {"coalesce": False}
    with pytest.raises(TypeError, match=r"^job_defaults\.max_instances must be a positive integer"):
        validated({"max_instances": 0}, "job_defaults.")


def test_what_may_be_modified_holds_all_options():
    """And what a job is."""
    assert set(JOB_OPTIONS) < MODIFIABLE
    assert {"func", "args", "kwargs", "name", "trigger", "next_run_time"} < MODIFIABLE


def test_undefined_is_nothing_but_itself():
    """False, printable, and the same object after a pickle."""
    assert not undefined
    assert repr(undefined) == "<undefined>"
    assert pickle.loads(pickle.dumps(undefined)) is undefined
