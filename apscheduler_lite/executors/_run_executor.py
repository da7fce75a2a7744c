"""What the executors of this library share: they take runs, and let a subclass written for version 3 take jobs."""

from __future__ import annotations

from .base import BaseExecutor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apscheduler_lite.job import Job
    from apscheduler_lite.runs import Run

__all__ = ["RunExecutor"]


class RunExecutor(BaseExecutor):
    """
    An executor that takes runs; a subclass implements `_begin`.

    A user's subclass that overrides `_do_submit_job`, as one does to wrap every job, gets jobs instead, and hands them
    back to the `_do_submit_job` here.
    """

    def submit_run(self, run: Run) -> None:
        if self._hands_over_jobs:
            super().submit_run(run)
        else:
            self._begin(run)

    def _do_submit_job(self, job: Job, run_times: Sequence[datetime]) -> None:
        for run in self._handed_over(job, run_times):
            self._begin(run)

    def _begin(self, run: Run) -> None:
        """Hand a run to a worker, or raise when that is not possible."""
        raise NotImplementedError
