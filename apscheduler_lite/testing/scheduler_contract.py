"""
The suite that every scheduler passes.

Subclass `SchedulerContract` in a test module, say how to make a scheduler, and let pytest (or any runner that knows
``setup_method``) run the inherited tests::

    class TestMyScheduler(SchedulerContract):
        def make_scheduler(self, **options):
            return MyScheduler(**options)
"""

from __future__ import annotations

from ._scheduler_beside import BesideTheSchedule
from ._scheduler_faults import Faults
from ._scheduler_life import Life
from ._scheduler_runs import Runs
from ._scheduler_sequences import Sequences
from ._scheduler_version3 import Version3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SchedulerContract"]


class SchedulerContract(Life, Sequences, Faults, Runs, Version3, BesideTheSchedule):
    """
    What holds for every scheduler.

    A subclass must override `make_scheduler`. It may override `begin`, for a scheduler that has to be started in some
    other place than the test's own thread, and `flush`, for one that delivers events somewhere else; and set:

    Attributes:
        start_blocks: whether `start` returns only after `shutdown`; the suite calls it on a thread of its own then.

    To pass, a scheduler must

    * run every fire time of every job once, between `start` and `shutdown`, and lose none by them;
    * stand these and `pause`, `resume` and `wakeup` in any order, from any thread, from jobs and from listeners;
    * outlive whatever jobs, listeners, triggers, stores and executors raise, and tell of it;
    * make further attempts at runs that failed, and runs that were asked for, beside the schedule;
    * tell the events of a run in order, and those of a call before it returns;
    * sleep by its clock (``self.clock.sleep(alarm, seconds)``), since the suite moves a `ManualClock`.
    """

    def make_scheduler(self, **options: Any) -> Any:
        """
        Return a new scheduler, which has not been started.

        Args:
            options: what to pass to its constructor.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how to make a scheduler: override make_scheduler()")
