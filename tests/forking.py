"""Forking the test process, whose child does something and ends."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from .waiting import wait_until

__all__ = ["can_fork", "exit_code_of_child"]


def can_fork(test: Any) -> Any:
    """Mark a test that forks."""
    test = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")(test)
    return pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")(test)


def exit_code_of_child(function: Callable[[], object]) -> int | None:
    """Call the function in a forked child and return that one's exit code; None when it hangs."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    ended: list[int] = []

    def has_ended() -> list[int]:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            ended.append(os.waitstatus_to_exitcode(status))
        return ended

    try:
        wait_until(has_ended, 10)
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None
    return ended[0]
