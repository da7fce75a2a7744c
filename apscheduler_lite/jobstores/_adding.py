"""Add many jobs by the methods that add one, all or none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from apscheduler_lite.job import Job

    from .base import BaseJobStore

__all__ = ["add_all"]


def add_all(store: BaseJobStore, jobs: Sequence[Job], present: Sequence[Job | None], wanted: Sequence[bool]) -> None:
    """
    Store the wanted jobs in place of those that are present; undo it all when one of them is refused.

    A job that is not wanted is not stored, and the one that it was to replace is removed.
    """
    done: list[tuple[Job, Job | None]] = []
    try:
        for job, before, is_wanted in zip(jobs, present, wanted, strict=True):
            if is_wanted:
                if before is None:
                    store.add_job(job)
                else:
                    store.update_job(job)
                done.append((job, before))
        for before, is_wanted in zip(present, wanted, strict=True):
            if before is not None and not is_wanted:
                store.remove_job(before.id)
    except BaseException:
        for job, before in reversed(done):
            if before is None:
                store.remove_job(job.id)
            else:
                store.update_job(before)
        raise
