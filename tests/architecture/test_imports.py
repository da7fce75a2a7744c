"""Every module stands on its own, and the library is light to import."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import apscheduler_lite

PACKAGE = Path(apscheduler_lite.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(PACKAGE)], "apscheduler_lite.")
    if "__main__" not in module.name
)


def run_in_fresh_interpreter(code: str) -> str:
    """Run the code as a program of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["apscheduler_lite", *MODULES])
def test_a_module_imports_on_its_own(module: str) -> None:
    """No module needs another to have been imported before it."""
    run_in_fresh_interpreter(f"import {module}")
