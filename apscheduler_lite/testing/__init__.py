"""
For tests: a clock that a test moves, and the suites that stores, executors and schedulers must pass.

`ManualClock` is for everybody who schedules something. The contracts are for authors of extensions: subclass one, say
how to make yours, and pytest runs the inherited tests.
"""

from __future__ import annotations

from .clock import ManualClock

__all__ = ["ManualClock"]
