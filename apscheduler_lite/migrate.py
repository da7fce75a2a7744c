"""Moving from APScheduler 3: copy the jobs of its SQLAlchemy store into one of this library."""

from __future__ import annotations

from .errors import ConflictingIdError
from .job import Job
from .serializers.version3 import load_pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .jobstores.base import BaseJobStore

__all__ = ["Migration", "migrate_from"]


class Migration:
    """
    What became of the jobs of an old table.

    Attributes:
        copied: ids of those that are in the new store now.
        present: ids of those that were not copied, since the new store has jobs with these ids.
        failed: id and error of those that could not be restored or stored.
    """

    def __init__(self) -> None:
        self.copied: list[str] = []
        self.present: list[str] = []
        self.failed: list[tuple[str, Exception]] = []


def migrate_from(
    url: Any,
    store: BaseJobStore | None,
    *,
    tablename: str = "apscheduler_jobs",
    tableschema: str | None = None,
    replace: bool = False,
) -> Migration:
    """
    Copy the jobs of a table of APScheduler 3 into a store, and leave the table as it is.

    It may be repeated: what has been copied before is present then. The jobs keep their next run times and pauses. They
    are pickles, which may run any code as they are read: copy only a table that you trust.

    Args:
        url: url of the old table's database.
        store: where to copy the jobs to; None only tries whether they can be restored here.
        tablename: name of the old table.
        tableschema: its schema.
        replace: replace the jobs of the new store that have the same ids.

    Returns:
        what became of each job.

    Raises:
        ValueError: there is no such table, or it is not one of APScheduler 3.
        ImportError: the driver of the database is not installed.
    """
    from .jobstores.sqlalchemy.version3 import OldTable

    migration = Migration()
    old = OldTable(url, tablename, tableschema)
    try:
        if store is not None:
            store.get_next_run_time()  # which makes its tables, or says why not, before anything is unpickled
        for page in old.pages():
            jobs = _restored(page, migration)
            if store is None:
                migration.copied += [job.id for job in jobs]
            else:
                _copy(jobs, store, replace, migration)
    finally:
        old.close()
    return migration


def _restored(page: Iterable[tuple[str, bytes]], migration: Migration) -> list[Job]:
    jobs = []
    for job_id, pickled in page:
        try:
            job: Job = Job.__new__(Job)
            job.__setstate__(load_pickle(pickled))
            if job.id != job_id:
                raise ValueError(f"its pickle is that of job {job.id!r}")
        except Exception as exc:  # what the pickle of a stranger raises
            migration.failed.append((job_id, exc))
        else:
            jobs.append(job)
    return jobs


def _copy(jobs: list[Job], store: BaseJobStore, replace: bool, migration: Migration) -> None:
    """Copy jobs in one transaction, or one by one where some of them cannot be copied."""

    def settle(job: Job, before: Job | None) -> bool:
        if before is not None and not replace:
            raise ConflictingIdError(job.id)
        return True

    try:
        store.add_jobs(jobs, settle)
    except (ConflictingIdError, ValueError, LookupError, TypeError):
        for job in jobs:
            try:
                store.add_jobs([job], settle)
            except ConflictingIdError:
                migration.present.append(job.id)
            except (ValueError, LookupError, TypeError) as exc:
                migration.failed.append((job.id, exc))
            else:
                migration.copied.append(job.id)
    else:
        migration.copied += [job.id for job in jobs]
