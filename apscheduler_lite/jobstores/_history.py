"""
The latest runs of each job, in memory.

It stands on the path of every run, so an ended run costs a tuple and an append: records are made of the tuples when
somebody asks for them. A tuple holds texts and numbers only: no result, no arguments, no exception with its frames.

It is bounded three times: so many runs of each job; so many in all, which the jobs share, but of each job the last; and
of the jobs that are gone the latest ones only.
"""

from __future__ import annotations

import os

from apscheduler_lite.runs import exception_name, id_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from typing import Any

    from apscheduler_lite.records import RunRecord
    from apscheduler_lite.runs import Run

__all__ = ["KEPT_IN_ALL", "KEPT_OF_EACH", "History", "begin_of", "end_of", "record_of"]

KEPT_OF_EACH = 20
KEPT_IN_ALL = 20_000
GONE_JOBS = 1_000
"""Of how many jobs that are gone the runs are kept; or a quarter of the number of the others, if that is more."""

LONGEST_TEXT = 10_000
"""Characters of a reason or a traceback that are kept."""


class History:
    """
    How the latest runs of each job ended.

    Args:
        keep: how many runs of each job; 0 keeps none.
        living: the ids of the jobs that there are, whenever it is looked at; none where that would cost too much to
            know, and every job is taken for one that is gone.
    """

    __slots__ = ("_keep", "_living", "_longest", "_pid", "_rings", "_room")

    def __init__(self, keep: int = KEPT_OF_EACH, living: Container[str] = ()) -> None:
        self._living = living
        self._keep = self._longest = keep
        self._room = GONE_JOBS  # at how many jobs those are looked for that are gone
        self._rings: dict[str, list[tuple[Any, ...]]] = {}
        self._pid = os.getpid()

    def add(self, run: Run) -> None:
        """Keep how a run ended, which bears its outcome."""
        if not self._keep:
            return
        job, exception = run.job, run.exception
        facts = (
            run._id or run.number,
            None if job is None else job.name,
            run.executor,
            run.fire_time,
            run.due,
            run.attempt,
            run.outcome,
            run.reason if exception is None else begin_of(run.reason),
            run.started,
            run.finished,
            None if exception is None else exception_name(exception),
            None if exception is None else end_of(run.traceback),
            run.zone,
        )
        ring = self._rings.get(run.job_id)
        if ring is None:
            self._begin(run.job_id, facts)
            return
        ring.append(facts)
        if len(ring) > self._longest:
            del ring[: len(ring) - self._longest]

    def _begin(self, job_id: str, facts: tuple[Any, ...]) -> None:
        rings, living = self._rings, self._living
        if len(rings) >= self._room:
            gone = [each for each in rings if each not in living]
            for each in gone[: -GONE_JOBS // 2]:
                del rings[each]
            self._room = max(GONE_JOBS, len(rings) + GONE_JOBS // 2, len(rings) * 5 // 4)
        rings[job_id] = [facts]
        self._longest = min(self._keep, max(1, KEPT_IN_ALL // len(rings)))

    def find(self, jobstore: str, job_id: str | None, outcome: str | None, since: int | None) -> Iterator[RunRecord]:
        """Yield the records of ended runs that `BaseJobStore.get_runs` asks for, in no order."""
        from apscheduler_lite.records import RunRecord

        host = _host()
        rings: Iterable[str] = list(self._rings) if job_id is None else (job_id,)
        for each in rings:
            for facts in self._rings.get(each, ()):
                if (outcome is None or facts[6] == outcome) and (since is None or facts[4] >= since):
                    number, name, executor, fire_time, due, attempt, ended, reason, *more, zone = facts
                    started, finished, exception, traceback = more
                    yield RunRecord(
                        id_of(number), each, name, jobstore, executor, fire_time, due, attempt, ended, reason, None,
                        started, finished, exception, traceback, host, self._pid, zone,
                    )  # fmt: skip

    def __len__(self) -> int:
        return sum(map(len, self._rings.values()))


def record_of(run: Run, open_at: int | None = None) -> RunRecord:
    """Return the record of a run that is in progress in this process, or that waits."""
    from apscheduler_lite.records import RunRecord

    is_here = open_at is None
    return RunRecord(
        run.id,
        run.job_id,
        None if run.job is None else run.job.name,
        run.jobstore,
        run.executor,
        run.fire_time,
        run.due,
        run.attempt,
        open_at=open_at,
        started=run.started,
        host=_host() if is_here else None,
        pid=os.getpid() if is_here else None,
        zone=run.zone,
    )


def begin_of(text: str | None) -> str | None:
    """Return as much of a reason as is kept: it begins with what went wrong."""
    return text if text is None or len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def end_of(text: str | None) -> str | None:
    """Return as much of a traceback as is kept: it ends with where that was."""
    return text if text is None or len(text) <= LONGEST_TEXT else f"…{text[-LONGEST_TEXT:]}"


def _host() -> str:
    import socket  # here, because its import costs milliseconds

    return socket.gethostname()
