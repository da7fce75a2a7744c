"""Every module stands on its own, and the library is light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.rooms import MODULES

RUNTIME = {"apscheduler_lite", "pytz", "six", "tzlocal"}
# What a test run itself may bring along into its child processes.
MEASURING = {"coverage", "pytest_cov"}


def run_in_fresh_interpreter(code: str) -> str:
    """Run the code as a program of its own and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_on_its_own(module: str) -> None:
    """No module needs another to have been imported before it."""
    run_in_fresh_interpreter(f"import {module}")


@pytest.mark.parametrize(
    "statement",
    [
        "import apscheduler_lite",
        "from apscheduler_lite.schedulers.background import BackgroundScheduler",
        "from apscheduler_lite.schedulers.blocking import BlockingScheduler",
        "from apscheduler_lite.schedulers.asyncio import AsyncIOScheduler",
    ],
)
def test_the_schedulers_need_nothing_but_the_standard_library_and_the_three_dependencies(statement: str) -> None:
    """An extra that happens to be installed is not imported by those who did not ask for it."""
    report = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    imported = {name.partition(".")[0] for name in run_in_fresh_interpreter(report).split()}
    foreign = imported - set(sys.stdlib_module_names) - RUNTIME - MEASURING

    assert foreign == set()


def test_importing_the_package_loads_none_of_its_rooms() -> None:
    """The main names are loaded when they are asked for, so that the bare import costs next to nothing."""
    report = (
        "import sys, apscheduler_lite; print([name for name in sys.modules if name.startswith('apscheduler_lite.')])"
    )

    assert run_in_fresh_interpreter(report).strip() == "[]"
