"""
The runs on Dask that are to be stopped: somebody has cancelled them, or their time is over.

A worker that has begun a run stops it, and keeps its time limit by its own clock, from the moment it begins. Time is
looked at here, too, for a worker whose clock is another one than the scheduler's. Here it is not known when a run
begins, so a run is stopped from here only when it was seen on the same worker one whole time limit before.
"""

from __future__ import annotations

from apscheduler_lite._locks import make_lock
from apscheduler_lite.errors import JobTimeoutError

from .tasks import key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Event

    from apscheduler_lite._deadlines import Deadline, Deadlines
    from apscheduler_lite.runs import Run

    from .connection import Connection

__all__ = ["Stops"]


class Stops:
    """
    The runs of one session that are to be stopped.

    Args:
        connection: through which workers are told.
        deadlines: the time limits by the scheduler's clock.
        bell: rung when there is something to do for `look`, which is called on the thread of the connection.
    """

    def __init__(self, connection: Connection, deadlines: Deadlines, bell: Event) -> None:
        self._connection = connection
        self._deadlines = deadlines
        self._bell = bell
        self._lock = make_lock()
        self._limits: dict[Run, Deadline] = {}
        self._seen: dict[Run, str] = {}  # on which worker a run was when its limit was last looked at
        self._cancelled: dict[Run, BaseException] = {}
        self._expired: set[Run] = set()

    def begin(self, run: Run) -> None:
        """Take note that a run is handed to Dask."""
        if run.timeout is not None:
            with self._lock:
                self._limits[run] = self._deadlines.add(run.timeout, lambda: self._expire(run))

    def end(self, run: Run) -> None:
        """Take note that it has ended: there is nothing to be stopped any more."""
        with self._lock:
            deadline = self._limits.pop(run, None)
            self._seen.pop(run, None)
            self._cancelled.pop(run, None)
            self._expired.discard(run)
        if deadline is not None:
            self._deadlines.remove(deadline)

    def cancel(self, run: Run, why: BaseException) -> None:
        """Have a run stopped for that reason."""
        with self._lock:
            self._cancelled[run] = why
        self._bell.set()

    def _expire(self, run: Run) -> None:
        with self._lock:
            if run in self._limits:
                self._expired.add(run)
        self._bell.set()

    def look(self) -> None:
        """
        Tell the workers what they are to stop; of what none has begun, tell Dask.

        Raises:
            OSError, and others: the connection is lost; it is tried again at the next look.
        """
        with self._lock:
            cancelled, expired = dict(self._cancelled), set(self._expired)
        reasons = cancelled | self._over(expired)
        if reasons:
            begun = self._connection.stop({run.id: why for run, why in reasons.items()})
            waiting = [key_of(run) for run in cancelled if run.id not in begun]
            if waiting:
                self._connection.cancel(waiting)
        with self._lock:
            for run in cancelled:
                self._cancelled.pop(run, None)

    def _over(self, expired: set[Run]) -> dict[Run, BaseException]:
        """Return those whose time is over, and why they end; look at all the others again one time limit later."""
        places = self._connection.places([run.id for run in expired]) if expired else {}
        over: dict[Run, BaseException] = {}
        with self._lock:
            for run in expired & self._expired:  # others have ended meanwhile
                self._expired.discard(run)
                place = places.get(run.id)
                if place is not None:
                    if self._seen.get(run) == place:
                        over[run] = JobTimeoutError(run.timeout or 0.0)
                    self._seen[run] = place
                self.begin(run)
        return over

    def close(self) -> None:
        """End the thread of the deadlines, when nothing is to come any more."""
        self._deadlines.close()
