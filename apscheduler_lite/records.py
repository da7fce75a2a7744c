"""The record of a run: what is known of one that waits, is in progress or has ended. A value."""

from __future__ import annotations

from dataclasses import dataclass

from ._timezones import UTC, from_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from typing import Any

__all__ = ["RunRecord"]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """
    What a job store knows of one run.

    Attributes:
        id: the run's id.
        job_id: id of its job, which may have been removed since.
        job_name: what that was called.
        jobstore: alias of the store that keeps the record.
        executor: alias of the executor that was to run it.
        fire_time: its fire time without jitter; the instants of a record are in microseconds since 1970 in UTC.
        due: when it was due, jitter included.
        attempt: 1 for the first try.
        outcome: how it ended, one of the strings of `Outcome`; None while it has not ended.
        reason: a sentence on why it was not run or did not succeed, or None.
        open_at: from when on it may begin, while it waits: a later attempt, or a run that somebody asked for.
        started: when the function was called.
        finished: when the run ended.
        exception_type: the name of the class of what the function raised.
        traceback: its traceback as text, of a long one the end.
        host: the name of the host that ran it.
        pid: the id of the process there.
        zone: the zone in which the datetimes are given.
    """

    id: str
    job_id: str
    job_name: str | None
    jobstore: str
    executor: str
    fire_time: int
    due: int
    attempt: int = 1
    outcome: str | None = None
    reason: str | None = None
    open_at: int | None = None
    started: int | None = None
    finished: int | None = None
    exception_type: str | None = None
    traceback: str | None = None
    host: str | None = None
    pid: int | None = None
    zone: tzinfo | None = None

    @property
    def state(self) -> str:
        """Return the outcome; ``"waiting"`` or ``"running"`` while there is none."""
        return self.outcome or ("running" if self.open_at is None else "waiting")

    @property
    def scheduled_run_time(self) -> datetime:
        """Return when it was due; that of a later attempt is the time of the first one."""
        return self._shown(self.due)

    @property
    def waits_until(self) -> datetime | None:
        """Return from when on it may begin, while it waits; else None."""
        return None if self.open_at is None else self._shown(self.open_at)

    @property
    def started_at(self) -> datetime | None:
        """Return when the function was called, or None."""
        return None if self.started is None else self._shown(self.started)

    @property
    def finished_at(self) -> datetime | None:
        """Return when the run ended, or None."""
        return None if self.finished is None else self._shown(self.finished)

    @property
    def duration(self) -> float | None:
        """Return the seconds from the function's call to its end; None when it was not called or has not ended."""
        return None if self.started is None or self.finished is None else (self.finished - self.started) / 1e6

    @property
    def exception_message(self) -> str | None:
        """Return what the exception said; None when the function raised none."""
        if self.exception_type is None or self.reason is None:
            return None
        told = self.reason.removeprefix(f"{self.outcome}: ")
        return "" if told == self.exception_type else told.removeprefix(f"{self.exception_type}: ")

    def as_dict(self) -> dict[str, Any]:
        """Return its facts as JSON can hold them, the times as text in ISO format."""
        moments = {
            "scheduled_run_time": self.scheduled_run_time,
            "waits_until": self.waits_until,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }
        names = ("id", "job_id", "job_name", "jobstore", "executor", "attempt", "state", "outcome", "reason")
        more = ("duration", "exception_type", "exception_message", "traceback", "host", "pid")
        return {
            **{name: getattr(self, name) for name in names},
            **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
            **{name: getattr(self, name) for name in more},
        }

    def _shown(self, instant: int) -> datetime:
        return from_instant(instant, self.zone or UTC)
