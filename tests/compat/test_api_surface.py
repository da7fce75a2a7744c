"""
Programs written for APScheduler 3.11 find every name where it was.

``api_3_11.json`` holds its surface, taken by ``snapshot.py``. Ours may have more: further names, parameters that have
defaults and stand behind those of 3.x, or are keyword-only. Whatever else differs is in the table below, with its
reason.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from tests.compat.snapshot import NO_DEFAULT, describe_default, instance_attributes

SURFACE: dict[str, Any] = json.loads(Path(__file__).with_name("api_3_11.json").read_text())

# path → why it is not as in 3.x. An entry whose difference is gone fails the suite, so that the table stays true.
DIFFERENCES: dict[str, str] = {
    "events.EVENT_ALL": "there are more events; the mask still means all of them",
    "executors.pool.ProcessPoolExecutor.__bases__": "a lean pool of our own; BasePoolExecutor is there for other pools",
    "executors.pool.ThreadPoolExecutor.__bases__": "a lean pool of our own; BasePoolExecutor is there for other pools",
    "schedulers.asyncio.run_in_event_loop": "how a call gets onto the loop is no API, and has no page in 3.x's manual",
    "schedulers.background.BackgroundScheduler.shutdown": "names the parameters that 3.x's passes on unread",
    "schedulers.background.BackgroundScheduler.start": "names the parameters that 3.x's passes on unread",
    "triggers.cron.CronTrigger.__dict__": "FIELDS_MAP names classes that read fields; ours are read otherwise",
    "schedulers.blocking.BlockingScheduler.start": "names the parameters that 3.x's passes on unread",
}

SPECIAL = ("__abstractmethods__", "__bases__", "__dict__")

MEMBERS = [
    (module, kind, name)
    for module, described in SURFACE.items()
    for kind in ("constants", "functions", "classes")
    for name in described[kind]
]
CLASSES = [(module, name) for module, kind, name in MEMBERS if kind == "classes"]
METHODS = [
    (module, cls, method)
    for module, cls in CLASSES
    for method in [*SURFACE[module]["classes"][cls]["methods"], "__init__"]
    if method != "__init__" or "init" in SURFACE[module]["classes"][cls]
]


def ours(module: str, *names: str) -> Any:
    """Return our object at the place of 3.x's."""
    value: Any = importlib.import_module(f"apscheduler_lite.{module}")
    for name in names:
        value = getattr(value, name)
    return value


def expect(path: str, difference: str) -> None:
    """Fail when there is a difference that the table does not give a reason for, or none where it gives one."""
    if path in DIFFERENCES:
        assert difference, f"{path} is as in 3.x now: take it out of DIFFERENCES"
    else:
        assert not difference, f"{path}: {difference}"


def difference_of_parameters(function: Any, theirs: list[list[str]]) -> str:
    """Say what a call that 3.x accepts would meet here; an empty string when it is accepted with the same meaning."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in {"self", "cls"}]
    by_name = {parameter.name: parameter for parameter in parameters}
    by_kind = {parameter.kind.description for parameter in parameters}
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    expected = [name for name, kind, _ in theirs if kind == "positional or keyword"]
    if positional[: len(expected)] != expected:
        return f"parameters are ({', '.join(positional)}), in 3.x ({', '.join(expected)})"
    for name, kind, default in theirs:
        if kind.startswith("variadic"):
            if kind not in by_kind:
                return f"no {kind} parameter"
        elif name not in by_name:
            return f"no parameter {name!r}"
        elif default not in {NO_DEFAULT, "131071"} and default != default_of(by_name[name]):
            return f"{name}={describe_default(by_name[name])}, in 3.x {default}"
    known = {name for name, _, _ in theirs}
    required = [
        p.name for p in parameters if p.default is p.empty and "VAR_" not in p.kind.name and p.name not in known
    ]
    return f"new parameters without a default: {', '.join(required)}" if required else ""


def default_of(parameter: inspect.Parameter) -> str:
    """Return the default as the snapshot tells it: what was not given is the object `undefined` in both."""
    return describe_default(parameter).replace("<Undefined>", "<_Undefined>")


@pytest.mark.parametrize(("module", "kind", "name"), MEMBERS, ids=lambda value: value)
def test_every_name_is_where_it_was(module: str, kind: str, name: str) -> None:
    """An import line of 3.x works with the package's name exchanged; numbers keep their values."""
    if f"{module}.{name}" in DIFFERENCES and kind != "constants":
        return
    value = ours(module, name)

    theirs = SURFACE[module]["constants"].get(name)
    if isinstance(theirs, int | str) and not str(theirs).startswith("<"):
        expect(f"{module}.{name}", "" if value == theirs else f"is {value!r}, in 3.x {theirs!r}")


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, k, n in MEMBERS if k == "functions"])
def test_functions_take_the_same_arguments(module: str, name: str) -> None:
    """A call of a function that 3.x accepts is accepted."""
    theirs = SURFACE[module]["functions"][name]
    function = getattr(importlib.import_module(f"apscheduler_lite.{module}"), name, None)

    expect(f"{module}.{name}", difference_of_parameters(function, theirs) if function else "is missing")


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_classes_keep_their_bases(module: str, name: str) -> None:
    """``isinstance`` and ``except`` clauses written for 3.x mean the same."""
    cls = ours(module, name)
    bases = {base.__name__ for base in cls.__mro__}
    missing = [base for base in SURFACE[module]["classes"][name]["bases"] if base not in bases]

    expect(f"{module}.{name}.__bases__", f"is no {missing[0]}" if missing else "")


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_classes_ask_no_more_of_those_who_subclass_them(module: str, name: str) -> None:
    """A store, executor, trigger or scheduler written for 3.x can still be instantiated."""
    theirs = set(SURFACE[module]["classes"][name]["abstract"])
    more = set(getattr(ours(module, name), "__abstractmethods__", ())) - theirs

    expect(f"{module}.{name}.__abstractmethods__", f"also demands {', '.join(sorted(more))}" if more else "")


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_classes_keep_their_attributes(module: str, name: str) -> None:
    """What could be read of an object can be read."""
    described = SURFACE[module]["classes"][name]
    cls = ours(module, name)
    missing = [attribute for attribute in described["attributes"] if not hasattr(cls, attribute)]
    if "instance" in described:
        missing += [attribute for attribute in described["instance"] if attribute not in instance_attributes(cls)]

    expect(f"{module}.{name}.__dict__", f"no attribute {', '.join(missing)}" if missing else "")


@pytest.mark.parametrize(("module", "name", "method"), METHODS)
def test_methods_take_the_same_arguments(module: str, name: str, method: str) -> None:
    """A call of a method that 3.x accepts is accepted."""
    described = SURFACE[module]["classes"][name]
    theirs = described["init"] if method == "__init__" else described["methods"][method]
    function = getattr(ours(module, name), method, None)

    expect(f"{module}.{name}.{method}", difference_of_parameters(function, theirs) if function else "is missing")


def test_the_table_of_differences_names_what_exists_in_3_x() -> None:
    """Each path of the table is one of the snapshot, so that a misspelt entry cannot hide."""
    known = {f"{module}.{name}" for module, _, name in MEMBERS}
    known |= {f"{module}.{name}.{method}" for module, name, method in METHODS}
    known |= {f"{module}.{name}.{extra}" for module, name in CLASSES for extra in SPECIAL}

    assert DIFFERENCES.keys() <= known
