"""Have executors stop runs where they can; where they cannot, say so once instead of in every pass."""

from __future__ import annotations

from weakref import WeakSet

from ._interrupts import ends_program
from .errors import JobCancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from typing import Protocol

    from .executors.base import BaseExecutor
    from .runs import Run

    class StoppingHost(Protocol):
        """What is asked of the scheduler."""

        _logger: logging.Logger


__all__ = ["Stopping"]

TOLD = 10_000
"""How many jobs are remembered as told of."""


class Stopping:
    """What a scheduler asks of its executors about runs in progress."""

    def __init__(self, host: StoppingHost) -> None:
        self._host = host
        self._unlimited: set[tuple[str, str]] = set()  # jobs and executors of which the log has told
        self._unstoppable: WeakSet[Run] = WeakSet()

    def check_limit(self, run: Run, executor: BaseExecutor) -> None:
        """Say of a job, which another process may have added, that its time limit is not kept here."""
        if executor.keeps_timeout or (run.job_id, run.executor) in self._unlimited:
            return
        if len(self._unlimited) >= TOLD:
            self._unlimited.clear()
        self._unlimited.add((run.job_id, run.executor))
        self._host._logger.warning(
            'Job "%s" has a time limit of %g s, which executor "%s" (%s) cannot keep: it may run longer',
            run.job,
            run.timeout,
            run.executor,
            type(executor).__name__,
            extra={"action": "timeout_ignored", "job_id": run.job_id},
        )

    def cancel(self, run: Run, executors: Mapping[str, BaseExecutor]) -> None:
        """Tell a run to stop, since the next one of its job waits for it."""
        if run.stopped_by is not None or run in self._unstoppable:
            return
        why = JobCancelledError('it was cancelled, since the next run came due (on_overlap="cancel_previous")')
        try:
            is_told = run.executor in executors and executors[run.executor].cancel(run, why)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self._host._logger.exception("Error cancelling %r", run)
            is_told = False
        if not is_told and run.outcome is None:
            self._unstoppable.add(run)
            self._host._logger.warning(
                'Run of job "%s" at %s cannot be cancelled by executor "%s"; the next one waits until it has ended',
                run.job or run.job_id,
                run.scheduled_run_time,
                run.executor,
                extra={"action": "cancel_failed", "job_id": run.job_id},
            )
