"""Facts about references to objects."""

from __future__ import annotations

import json
import sys
import types
from functools import partial, wraps
from os import path as os_path
from queue import Queue

import pytest

from apscheduler_lite._references import check_arguments, name_of, reference_to, resolve


def plain(first, second=2, *rest, keyword=None, **others):
    """Do nothing."""


def strict(first, second):
    """Do nothing."""


def keyword_only(*, needed):
    """Do nothing."""


@wraps(strict)
def wrapped(*args):
    """Do nothing."""


class Outer:
    class Inner:
        """A class within a class."""

        def method(self, value):
            """Do nothing."""

        @classmethod
        def of_class(cls):
            """Do nothing."""

        @staticmethod
        def static():
            """Do nothing."""

    def __call__(self, value):
        """Do nothing."""


class InheritsFromElsewhere(json.JSONEncoder):
    """Its methods are defined in another module."""


class Unsigned:
    """An object that is called, and does not tell with what."""

    __signature__ = "nonsense"

    def __call__(self):
        """Do nothing."""


MODULE = __name__


NAMED = [
    (plain, f"{MODULE}:plain"),
    (Outer, f"{MODULE}:Outer"),
    (Outer.Inner, f"{MODULE}:Outer.Inner"),
    (Outer.Inner.method, f"{MODULE}:Outer.Inner.method"),
    (Outer.Inner.of_class, f"{MODULE}:Outer.Inner.of_class"),
    (Outer.Inner.static, f"{MODULE}:Outer.Inner.static"),
    (Outer.Inner().method, f"{MODULE}:Outer.Inner.method"),
    (InheritsFromElsewhere().encode, f"{MODULE}:InheritsFromElsewhere.encode"),
    (InheritsFromElsewhere.encode, "json.encoder:JSONEncoder.encode"),
    (print, "builtins:print"),
    (len, "builtins:len"),
    (json.dumps, "json:dumps"),
]


@pytest.mark.parametrize(("obj", "reference"), NAMED, ids=[f"{n} {row[1]}" for n, row in enumerate(NAMED)])
def test_what_has_a_name_has_a_reference(obj, reference):
    """By which it is found again."""
    assert reference_to(obj) == reference
    found = resolve(reference)
    assert getattr(found, "__func__", found) == getattr(obj, "__func__", obj)


def nested():
    """Return a function that only this one knows."""

    def inner():
        """Do nothing."""

    return inner


def replaced():
    """Do nothing."""


original = replaced
replaced = plain  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (partial(plain, 1), "partial has no name to be found by; pass its arguments as args= and kwargs="),
        (lambda: None, "a lambda has no name"),
        (nested(), r"nested\.<locals>\.inner is defined inside a function"),
        (Outer(), "has no module and name to be found by"),
        (original, "means another object by now"),
        (5, "has no module and name to be found by"),
    ],
    ids=["partial", "lambda", "nested", "instance", "replaced", "number"],
)
def test_what_has_no_name_is_told(obj, message):
    """With what to do about it."""
    with pytest.raises(ValueError, match=message):
        reference_to(obj)


def test_what_is_not_found_under_its_own_name_is_told():
    """A function that says it lives where it does not."""

    def stray():
        """Do nothing."""

    stray.__qualname__ = "nowhere"
    with pytest.raises(ValueError, match=r"cannot be found under its own name 'tests.unit.test_references:nowhere'"):
        reference_to(stray)


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("json.dumps", ValueError, "func must be of the form 'module:function', not 'json.dumps'"),
        (":dumps", ValueError, "of the form"),
        ("json:", ValueError, "of the form"),
        ("", ValueError, "of the form"),
        ("jsn:dumps", LookupError, "func 'jsn:dumps': could not import module 'jsn'"),
        (".json:dumps", LookupError, "could not import module '.json'"),
        ("json:dump_s", LookupError, "has no attribute 'dump_s'; did you mean 'dumps'"),
        ("json:dumps.nothing", LookupError, "has no attribute 'nothing'"),
        (5, TypeError, "func must be a string, not int: 5"),
        (b"json:\xff", ValueError, "not UTF-8"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(reference, error, message):
    """With the parameter, the reference, the part that is wrong and the nearest name."""
    with pytest.raises(error, match=message):
        resolve(reference, "func")


def test_a_reference_may_be_bytes():
    """As old databases hand over."""
    assert resolve(b"json:dumps") is json.dumps


def test_a_module_that_fails_to_import_is_told_as_one_that_cannot_be_found(tmp_path, monkeypatch):
    """Whatever its import raises."""
    tmp_path.joinpath("broken_module_of_the_tests.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(LookupError, match=r"could not import module 'broken_module_of_the_tests'.*division by zero"):
        resolve("broken_module_of_the_tests:function", "func")


def test_a_module_that_is_still_being_imported_is_waited_for():
    """Its attributes may not be there yet."""
    module = types.ModuleType("half_imported_of_the_tests")
    module.__spec__ = types.SimpleNamespace(_initializing=True, name="half_imported_of_the_tests")
    module.found = 5
    sys.modules[module.__name__] = module
    try:
        assert resolve("half_imported_of_the_tests:found") == 5
    finally:
        del sys.modules[module.__name__]


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (plain, "plain"),
        (Outer.Inner().method, "Outer.Inner.method"),
        (Outer.Inner.of_class, "Outer.Inner.of_class"),
        (partial(partial(plain, 1), 2), "plain"),
        (Outer(), "Outer"),
        (Outer.Inner, "Outer.Inner"),
        (print, "print"),
        (Queue().put, "Queue.put"),
        (os_path.join, "join"),
    ],
)
def test_callables_have_names_for_people(func, name):
    """Also those without a name of their own."""
    assert name_of(func) == name


def test_what_cannot_be_called_has_no_name():
    """It is no function."""
    with pytest.raises(TypeError, match="func must be callable, not int: 5"):
        name_of(5)


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        (plain, (1,), None),
        (plain, (1, 2, 3, 4), {}),
        (plain, (), {"first": 1, "keyword": 2, "other": 3}),
        (strict, (1, 2), None),
        (strict, (1,), {"second": 2}),
        (keyword_only, (), {"needed": 1}),
        (wrapped, (1, 2), None),
        (Outer(), (1,), None),
        (Outer.Inner().method, (1,), None),
        (partial(strict, 1), (2,), None),
        (print, (1, 2), {"sep": ""}),
        (dict, (), {"any": 1}),
        (Unsigned(), (1, 2, 3), {"any": 1}),
    ],
)
def test_arguments_that_fit_are_accepted(func, args, kwargs):
    """Of functions, methods, classes, objects, and what does not tell its signature."""
    check_arguments(func, args, kwargs)


@pytest.mark.parametrize(
    ("func", "args", "kwargs", "message"),
    [
        (strict, (1,), None, r"args/kwargs do not fit strict\(first, second\): missing a required argument: 'second'"),
        (strict, (1, 2, 3), None, "too many positional arguments"),
        (strict, (1,), {"secnd": 2}, "did you mean 'second'"),
        (strict, (1,), {"first": 2, "second": 3}, "multiple values for argument 'first'"),
        (keyword_only, (), None, "missing a required.*'needed'"),
        (keyword_only, (1,), None, "too many positional arguments"),
        (wrapped, (1,), None, "missing a required argument: 'second'"),
        (Outer(), (), None, r"do not fit Outer\(value\)"),
        (Outer.Inner().method, (), None, r"do not fit Outer.Inner.method\(value\)"),
        (partial(strict, 1), (2, 3), None, "too many positional arguments"),
        (lambda: None, (1,), None, "too many positional arguments"),
    ],
)
def test_arguments_that_do_not_fit_are_told(func, args, kwargs, message):
    """With the function, its parameters, what is wrong and what was given."""
    with pytest.raises(ValueError, match=message):
        check_arguments(func, args, kwargs)
