"""The house keeps its plan: floors, sizes, names, one place for each foreign package, a docstring for each name."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
from typing import Any

import pytest

from tests.architecture.rooms import MODULES, PACKAGE, SOURCES, imports_of

LONGEST = 400
LONGER_BY_RIGHT = {"apscheduler_lite.schedulers.base": 450}  # the façade, most of it docstring

# Foreign package → the one room that may import it.
HOMES = {
    "apscheduler": "migrate",
    "dask": "executors.dask",
    "dateutil": "triggers.rrule",
    "distributed": "executors.dask",
    "itsdangerous": "serializers",
    "jinja2": "dashboard",
    "opentelemetry": "integrations",
    "prometheus_client": "integrations",
    "pytz": "_timezones",
    "rich": "cli",
    "six": "_text",
    "sqlalchemy": "jobstores.sqlalchemy",
    "starlette": "dashboard",
    "tzlocal": "_host_zone",
    "uvicorn": "dashboard",
}

# Decisions take the time and the counts as arguments: they read, lock, log and wait for nothing.
PURE = ["triggers", "_planning", "_options", "_transitions", "events", "errors", "_text"]
IMPURE = {"asyncio", "logging", "random", "socket", "sqlite3", "subprocess", "threading", "time"}
# Jitter; and the present, for a trigger that is made outside a scheduler and has to begin somewhere.
ALLOWED_IN_TRIGGERS = {"random", "apscheduler_lite._clock"}


def room(module: str) -> str:
    """Return the module's name below the package."""
    return module.removeprefix("apscheduler_lite").removeprefix(".")


def is_public(module: str) -> bool:
    """Tell whether users import the module: no part of its name has a leading underscore."""
    return not any(part.startswith("_") for part in module.split("."))


def is_below(name: str, home: str) -> bool:
    """Tell whether a dotted name is the home or stands in it."""
    return name == home or name.startswith(f"{home}.")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_enough_to_be_read_at_once(module: str) -> None:
    """A file over 400 lines is a sign that two rooms share a wall."""
    lines = len(SOURCES[module].read_text().splitlines())

    assert lines <= LONGER_BY_RIGHT.get(module, LONGEST)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_what_it_does(module: str) -> None:
    """There is no room for odds and ends; ``util`` holds APScheduler 3's names for old imports and nothing else."""
    vague = {"common", "helpers", "manager", "misc", "tools", "utils"}

    assert not vague & set(re.split(r"[._]", module))


@pytest.mark.parametrize("module", [module for module in MODULES if SOURCES[module].name != "__init__.py"])
def test_a_module_stands_on_a_floor(module: str) -> None:
    """A new module is given its floor in pyproject.toml, or import-linter would not look at it."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    layers = "\n".join(project["tool"]["importlinter"]["contracts"][0]["layers"])
    floors = re.findall(r"[a-z_][a-z_.]*", layers)

    assert any(is_below(room(module), floor) for floor in floors)


@pytest.mark.parametrize("module", MODULES)
def test_a_foreign_package_is_imported_in_one_room(module: str) -> None:
    """Whoever replaces a dependency changes one file."""
    foreign = {name.partition(".")[0] for name in imports_of(module)} - set(sys.stdlib_module_names)
    strangers = {name: HOMES.get(name) for name in foreign - {"apscheduler_lite"}}

    assert all(home is not None and is_below(room(module), home) for home in strangers.values()), strangers


@pytest.mark.parametrize("module", [m for m in MODULES if any(is_below(room(m), home) for home in PURE)])
def test_decisions_are_pure(module: str) -> None:
    """Triggers and plans are functions of their arguments: no clock, no lock, no log, no I/O."""
    allowed = ALLOWED_IN_TRIGGERS if is_below(room(module), "triggers") else set()
    forbidden = (IMPURE | {"apscheduler_lite._clock"}) - allowed

    assert not forbidden & imports_of(module)


@pytest.mark.parametrize("module", [m for m in MODULES if is_public(m)])
def test_every_public_name_is_documented(module: str) -> None:
    """Module, classes, functions and methods say what they are for."""
    undocumented = [] if inspect.getdoc(importlib.import_module(module)) else [module]
    for name, value in public_members(importlib.import_module(module)):
        undocumented += [name] if not value.__doc__ else []
        if inspect.isclass(value):
            undocumented += [f"{name}.{member}" for member in undocumented_members(value)]

    assert undocumented == []


def public_members(module: Any) -> list[tuple[str, Any]]:
    """Return the classes and functions that are defined in the module for others to use."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def undocumented_members(cls: type) -> list[str]:
    """Return the public methods and properties without a docstring of their own or of the method they override."""
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isroutine(value) or isinstance(value, property))
        and not inspect.getdoc(getattr(cls, name))
    ]


@pytest.mark.parametrize("module", [m for m in MODULES if is_public(m) and room(m)])
def test_a_public_module_lists_its_names(module: str) -> None:
    """``__all__`` names what exists; a package that only holds modules has none."""
    imported = importlib.import_module(module)
    listed = list(getattr(imported, "__all__", []))

    assert listed or not public_members(imported), "defines public names, but has no __all__"
    assert all(hasattr(imported, name) for name in listed)
