"""
Describe the public surface of APScheduler 3 by introspection, as JSON.

The suite compares ours with ``api_3_11.json`` and does not need the peer. To make that file anew, run this script with
an interpreter that has APScheduler installed::

    python tests/compat/snapshot.py > tests/compat/api_3_11.json

It imports nothing of ours, so that it runs in such an environment; the tests use its functions to describe ours.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from typing import Any

# Below the package's name. The internals of cron's parser (expressions, fields) are no API: they have no page in the
# manual of APScheduler 3, and ours are built in another way.
MODULES = [
    "events",
    "executors.asyncio",
    "executors.base",
    "executors.debug",
    "executors.pool",
    "job",
    "jobstores.base",
    "jobstores.memory",
    "schedulers",
    "schedulers.asyncio",
    "schedulers.background",
    "schedulers.base",
    "schedulers.blocking",
    "triggers.base",
    "triggers.calendarinterval",
    "triggers.combining",
    "triggers.cron",
    "triggers.date",
    "triggers.interval",
    "util",
]

# The manual tells authors of schedulers, stores, executors and triggers to override or call these.
EXTENSION_POINTS = {
    "_apply_jitter",
    "_configure",
    "_create_default_executor",
    "_create_default_jobstore",
    "_create_lock",
    "_do_submit_job",
    "_fix_paused_jobs_sorting",
    "_run_job_error",
    "_run_job_success",
}

NO_DEFAULT = "(none)"


def describe_module(module: Any, package: str) -> dict[str, Any]:
    """Return the constants, functions and classes that the module defines."""
    constants: dict[str, Any] = {}
    functions: dict[str, Any] = {}
    classes: dict[str, Any] = {}
    for name in sorted(public_names(module)):
        value = getattr(module, name)
        if inspect.isclass(value):
            classes[name] = describe_class(value, package)
        elif inspect.isroutine(value):
            functions[name] = describe_parameters(value)
        elif isinstance(value, int | str):
            constants[name] = value
        elif name in getattr(module, "__all__", ()):
            constants[name] = f"<{type(value).__name__}>"
    return {"constants": constants, "functions": functions, "classes": classes}


def public_names(module: Any) -> list[str]:
    """Return what a star import would bring, less what the module itself imported from elsewhere."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith(("_", "EVENT_"))
        and not (name.startswith("STATE_") and not module.__name__.endswith("schedulers.base"))
        and not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    ]


def describe_class(cls: type, package: str) -> dict[str, Any]:
    """Return the bases of a class, and what it adds to them."""
    methods: dict[str, Any] = {}
    attributes: list[str] = []
    for name in vars(cls):
        if name.startswith("_") and name not in EXTENSION_POINTS:
            continue
        value = inspect.getattr_static(cls, name)
        if callable(value) or isinstance(value, classmethod | staticmethod):
            methods[name] = describe_parameters(getattr(cls, name))
        else:
            attributes.append(name)
    bases = [base for base in cls.__mro__[1:] if base.__module__.partition(".")[0] in {package, "builtins"}]
    described: dict[str, Any] = {
        "bases": [base.__name__ for base in bases if base is not object],
        "abstract": sorted(getattr(cls, "__abstractmethods__", ())),
        "attributes": sorted(attributes),
        "methods": dict(sorted(methods.items())),
    }
    if "__init__" in vars(cls):
        described["init"] = describe_parameters(cls.__init__)  # type: ignore[misc]
    if cls.__name__.endswith("Event"):
        described["instance"] = instance_attributes(cls)
    return described


def instance_attributes(cls: type) -> list[str]:
    """Return what an instance made with a placeholder for each required argument offers."""
    required = [
        parameter
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return sorted(name for name in dir(cls(*[0] * len(required))) if not name.startswith("_"))


def describe_parameters(function: Any) -> list[list[str]]:
    """Return name, kind and default of each parameter, ``self`` excepted."""
    parameters = list(inspect.signature(function).parameters.values())
    return [
        [parameter.name, parameter.kind.description, describe_default(parameter)]
        for parameter in parameters
        if parameter.name not in {"self", "cls"}
    ]


def describe_default(parameter: inspect.Parameter) -> str:
    """Return the default's repr; that of an object without one of its own is its type's name."""
    if parameter.default is parameter.empty:
        return NO_DEFAULT
    text = repr(parameter.default)
    return f"<{type(parameter.default).__name__}>" if text.startswith("<") else text


def snapshot(package: str) -> dict[str, Any]:
    """Return the description of every module in scope."""
    return {name: describe_module(importlib.import_module(f"{package}.{name}"), package) for name in MODULES}


if __name__ == "__main__":
    json.dump(snapshot("apscheduler"), sys.stdout, indent=1)
    print()
