"""
What we put into the Dask scheduler: it keeps our tasks, and lets none begin twice.

Left to itself, Dask does two things that a scheduler of jobs must not accept. It forgets the tasks of a client that has
gone; ours are kept for the scheduler that takes them over. And it runs a task again when its worker was lost, also when
only the finished result was lost with it; a job may only be run again when it says so (``on_crash="rerun"``).
"""

from __future__ import annotations

from distributed import SchedulerPlugin

from apscheduler_lite.executors._border import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from distributed.scheduler import Scheduler

__all__ = ["KEEPER", "LEFT", "NOTE", "Guard"]

NOTE = "apscheduler_lite"
"""The annotation by which our tasks are known; its value is the job's ``on_crash``."""

LEFT = "the worker that had it left the cluster"

KEEPER = "apscheduler_lite"
"""The client, which is none, in whose name the Dask scheduler keeps our tasks."""


class Guard(SchedulerPlugin):
    """Watch over the tasks that bear our annotation."""

    name = "apscheduler_lite"
    idempotent = True
    scheduler: Scheduler

    async def start(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        scheduler.client_desires_keys([], KEEPER)  # so that it is known when somebody releases a key in its name

    def update_graph(self, scheduler: Scheduler, *, keys: Iterable[Any], **facts: Any) -> None:
        ours = [key for key in keys if NOTE in (scheduler.tasks[key].annotations or ())]
        if ours:
            scheduler.client_desires_keys(ours, KEEPER)

    def transition(self, key: Any, start: Any, finish: Any, *args: Any, **facts: Any) -> None:
        task = self.scheduler.tasks.get(key)
        if task is None or not task.annotations or task.annotations.get(NOTE) != "skip":
            return
        if finish == "processing":
            # It is with a worker, and may begin in any moment: the death of that worker is the last it may cause.
            task.suspicious = self.scheduler.allowed_failures
        elif finish == "memory":
            # It has ended: without a way to compute it again, a result that is lost is lost.
            task.run_spec = None
        elif start == "processing" and finish == "released" and task.run_spec is not None:
            # Its worker left in good order, perhaps in the midst of it. Whoever is sent it now must not run it; and
            # whoever waits for it hears of that.
            task.run_spec = type(task.run_spec)(key, cut)  # type: ignore[call-arg]
            self.scheduler.loop.add_callback(self._cancel, key)

    def _cancel(self, key: Any) -> None:
        self.scheduler.stimulus_cancel([key], client=KEEPER, force=True, reason=LEFT, msg="")
