"""
What a started store does beside the scheduler's passes, on a thread of its own.

It renews the store's row among the schedulers, looks after those who do not any more, writes down how runs ended where
no claim has done that on its way, and prunes the history. Nothing that it meets ends it.
"""

from __future__ import annotations

from collections import deque
from threading import Thread

from apscheduler_lite._clock import Alarm, SystemClock
from apscheduler_lite._locks import make_lock

from .aftermath import Aftermath
from .batches import Batches
from .liveness import Lease, Member, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    from apscheduler_lite._clock import Clock
    from apscheduler_lite.runs import Run

    from .databases import Database
    from .runs import Records
    from .schema import Tables

__all__ = ["Keeper"]

GATHER = 0.002
"""Seconds for which the first outcomes wait for others, before the scheduler is woken to write them and to claim."""
LINGER = 0.03
"""Seconds that an outcome waits for the next claim to take it along."""
RETRY = 1.0
"""Seconds between two tries to write outcomes when the database is away."""
LAST_TRIES = 5.0
"""Seconds for which a store that is shut down goes on trying."""
PRUNE_EVERY = 60.0
RECONCILE_FOR = 120.0
"""Seconds for which a commit that broke off may still take place, and be noticed."""

_clock = SystemClock()


class Keeper:
    """The life of a store from its start to its shutdown."""

    def __init__(
        self,
        database: Database,
        tables: Tables,
        records: Records,
        *,
        clock: Clock,
        logger: logging.Logger,
        alias: str,
        wakeup: Callable[[], object],
        adopts: Callable[[str], bool],
        adopt: Callable[[Run], bool],
        heartbeat_interval: float,
        dead_after: float,
        keep_runs: float | None,
    ) -> None:
        self._database = database
        self._tables = tables
        self._records = records
        self._aftermath = Aftermath(tables, records)
        self._now = clock.now
        self._logger = logger
        self._alias = alias
        self._wakeup = wakeup
        self._adopts = adopts  # whether the executor by an alias may still have runs of a scheduler that is dead
        self._adopt = adopt  # has a run taken over by its executor; returns whether it was
        self._interval = heartbeat_interval
        self._dead_after = dead_after
        self._keep_runs = keep_runs
        # A signal handler may interrupt the thread that holds it, and close the store.
        self._flushing = make_lock()
        self._bell = Alarm()
        self._hurry = Alarm()  # rung when there is nothing to be waited for any more
        self._is_closing = False
        self._ended: deque[Run] = deque()
        self._interrupted: deque[Run] = deque()
        self._takes = 0  # how often outcomes were taken to be written
        self._is_writing = False  # whether that is under way
        self._batches = Batches()
        self.active: dict[str, Run] = {}  # claimed here and not known to have ended
        self._watch = Watch(database, tables, heartbeat_interval)
        self._prune_at = _clock.monotonic() + min(PRUNE_EVERY, heartbeat_interval)
        self._reconcile_until = 0.0
        self._is_failing = False
        self._thread: Thread | None = None
        self.member, self.lease = self._new_member()

    def _new_member(self) -> tuple[Member, Lease]:
        member = Member(self._database, self._tables, self._dead_after, self._interval)
        return member, Lease(member, self.confirm, self.end)

    # -- life --------------------------------------------------------------------------------------------------

    down: tuple[int, int] | None = None
    """The time without any scheduler on the tables that has ended with the start of this one."""

    def start(self) -> None:
        """Join, settle what dead processes of this machine have left, and go on with it on the thread."""
        now = self._now()
        self.down = self._watch.downtime(now)
        self.member.join(now)
        self._look_after_others()
        self._thread = Thread(target=self._keep, name=f"apscheduler_lite.{self._alias}.keeper", daemon=True)
        self._thread.start()

    def close(self, closed: Callable[[], object]) -> None:
        """Write the outcomes and leave; with runs in progress, stay until they have ended. Call `closed` at the end."""
        self._closed = closed
        self._is_closing = True
        self._hurry.ring()
        self.flush()
        if _clock.monotonic() < self._reconcile_until:
            self._guarded(self.reconcile)
        self._bell.ring()
        if self._thread is not None and not self._goes_on():
            self._thread.join()

    def abandon(self) -> None:
        """End, whatever goes on: the row stays, so that the others find the runs in progress interrupted."""
        self._is_abandoned = self._goes_on()
        self.active.clear()
        self._bell.ring()
        if self._thread is not None:
            self._thread.join(LAST_TRIES)

    _is_abandoned = False

    def _goes_on(self) -> bool:
        """Return whether there are runs that have not ended."""
        return bool(self.active.keys() - {run.id for run in self._ended.copy()})

    _closed: Callable[[], object] | None = None

    def _keep(self) -> None:
        beat_at = _clock.monotonic() + self._interval
        while not self._is_closing or self._ended or self._goes_on():
            self._bell.wait(max(0.0, min(beat_at - _clock.monotonic(), RETRY if self._ended else self._interval)))
            is_written = not self._ended or self._is_writing or self._is_taken_along() or self.flush()
            if not is_written and self._is_closing and not self._try_last():
                break
            if _clock.monotonic() >= beat_at:
                self._guarded(self._beat)
                beat_at = _clock.monotonic() + self._interval
        self._leave()

    def _is_taken_along(self) -> bool:
        """Give the next claim of the scheduler a chance to write the outcomes on its way; return whether one has."""
        takes = self._takes
        self._linger(GATHER)
        if self._ended and takes == self._takes:
            self._wakeup()
            self._linger(LINGER)
        return takes != self._takes

    def _linger(self, seconds: float) -> None:
        self._hurry.wait(0)  # an old ring
        if not self._is_closing:
            self._hurry.wait(seconds)

    def _try_last(self) -> bool:
        """Go on trying to write outcomes for a while; return whether that worked."""
        until = _clock.monotonic() + LAST_TRIES
        while _clock.monotonic() < until:
            self._database.pause(0.25)
            if self.flush():
                return True
        self._logger.error(
            'The outcomes of %d runs could not be written to job store "%s"; they will be found as interrupted',
            len(self._ended),
            self._alias,
            extra={"action": "outcomes_lost"},
        )
        return False

    def _leave(self) -> None:
        # Runs whose outcome is not written must be found by the others, so the row stays where there are any.
        if not self._ended and not self._is_abandoned:
            self._guarded(lambda: self.member.leave(self._now()))
        if self._closed is not None:
            self._closed()

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            if not self._is_failing:
                self._logger.exception(
                    'Error keeping job store "%s" alive; it is tried again',
                    self._alias,
                    extra={"action": "keep_failed"},
                )
            self._is_failing = True
        else:
            self._is_failing = False

    # -- runs in progress --------------------------------------------------------------------------------------

    def begin(self, runs: Sequence[Run]) -> None:
        """Take note of runs that were claimed."""
        lease = self.lease
        for run in runs:
            run.lease = lease
            self.active[run.id] = run
        self._batches.begin(len(runs), len(self._ended))

    def end(self, runs: Sequence[Run]) -> None:
        """Take note of how runs ended, to be written soon."""
        self._ended.extend(runs)
        if not self._bell.is_rung:
            self._bell.ring()

    def is_worth_a_claim(self) -> bool:
        """Return whether enough runs have ended for a claim; fewer are looked at in a moment, by the keeper."""
        return self._batches.is_full(len(self._ended))

    def forget(self, run: Run) -> None:
        """Take note that a run was given back."""
        self.active.pop(run.id, None)

    def has_ended_runs(self) -> bool:
        """Return whether there are outcomes to be written."""
        return bool(self._ended)

    def take_ended(self) -> list[Run]:
        """Return the outcomes to be written; `written` or `put_back` must follow."""
        self._flushing.acquire()
        self._is_writing = True
        self._takes += 1
        self._hurry.ring()
        ended = _drained(self._ended)
        self._batches.take(ended)
        return ended

    def written(self, ended: Sequence[Run]) -> None:
        """Take note that the outcomes are in the database."""
        self._is_writing = False
        self._flushing.release()
        for run in ended:
            self.active.pop(run.id, None)
        if self._is_closing or self._ended:  # others have ended meanwhile
            self._bell.ring()

    def put_back(self, ended: list[Run], *, rings: bool = True) -> None:
        """Keep outcomes that could not be written; `rings` tells whether the keeper shall try to."""
        self._ended.extendleft(reversed(ended))
        self._is_writing = False
        self._flushing.release()
        if rings:
            self._bell.ring()

    def flush(self) -> bool:
        """Write the outcomes that no claim has taken along; return whether there are none left."""
        ended = self.take_ended()  # this waits for whoever is writing some just now
        try:
            if ended:
                self._database.write(self._records.end, ended, self._now())
        except Exception:
            self.put_back(ended, rings=False)
            if not self._is_failing:
                self._logger.exception(
                    'Error writing the outcomes of %d runs to job store "%s"; it is tried again',
                    len(ended),
                    self._alias,
                    extra={"action": "flush_failed"},
                )
            self._is_failing = True
            return False
        self.written(ended)
        return True

    # -- others ------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        now = self._now()
        if not self.member.beat(now):
            self._logger.warning(
                'Job store "%s": this process was silent for so long that others took it for dead; what it had claimed'
                " and not begun is not its own any more",
                self._alias,
                extra={"action": "taken_for_dead"},
            )
            self.member, self.lease = self._new_member()
            self.member.join(now)
        self._look_after_others()
        if _clock.monotonic() < self._reconcile_until:
            self.reconcile()
        if self._keep_runs is not None and _clock.monotonic() >= self._prune_at:
            self._prune_at = _clock.monotonic() + PRUNE_EVERY
            self._prune(now - round(self._keep_runs * 1_000_000))

    def _prune(self, before: int) -> None:
        while self._database.write(self._records.prune, before) >= 1_000 and not self._is_closing:
            self._database.pause(0.05)

    @property
    def is_alone(self) -> bool:
        """Return whether no other scheduler was on the tables at the last look."""
        return self._watch.is_alone

    def _look_after_others(self) -> None:
        found: list[Run] = []
        for row in self._watch.dead(self.member.id):
            settled = self._database.write(
                self._aftermath.settle, row, self.member, self._adopts, self._now(), self._alias
            )
            if settled is None:
                continue
            settled = self._aftermath.with_jobs(settled)
            self._logger.warning(
                'Job store "%s": the scheduler of pid %s on %s is dead; %d runs of it were interrupted, %d are taken'
                " over",
                self._alias,
                row.pid,
                row.host,
                len(settled.interrupted),
                len(settled.taken_over),
                extra={"action": "scheduler_dead"},
            )
            found += settled.interrupted
            found += self._hand_on(settled.taken_over)
        if found:
            self._interrupted.extend(found)
            self._wakeup()

    def _hand_on(self, runs: list[Run]) -> list[Run]:
        """Have runs that may go on in an engine taken over by their executor; return those that it has not taken."""
        self.begin(runs)
        left = [run.id for run in runs if not self._adopt(run)]
        if not left:
            return []
        reason = "interrupted: its process ended, and its executor did not take it over"
        settled = self._database.write(self._aftermath.interrupt, left, reason, self._now(), self._alias)
        for run_id in left:
            self.active.pop(run_id, None)
        return self._aftermath.with_jobs(settled).interrupted

    def take_interrupted(self) -> list[Run]:
        """Return the runs that were found to be interrupted since the last call."""
        return _drained(self._interrupted) if self._interrupted else []

    def confirm(self, run: Run, member: Member) -> bool:
        """Return whether a run that this process claimed long ago is still its to begin."""
        while True:
            try:
                return member.owns(run.id, self._now())
            except Exception:
                self._guarded(lambda: self._logger.warning("The owner of %r cannot be asked for; waiting", run))
                self._database.pause(RETRY)
                if self._is_closing:
                    return False

    def commit_is_open(self) -> None:
        """Take note that a claim broke off during its commit: it may turn out to have taken place."""
        self._reconcile_until = _clock.monotonic() + RECONCILE_FOR

    def reconcile(self) -> None:
        """Give back runs that are ours in the database and that we know nothing of."""
        count = self._database.write(self._records.reopen_unknown, self.member.id, list(self.active), self._now())
        if count:
            self._wakeup()


def _drained(queue: deque[Run]) -> list[Run]:
    """Return what is in the queue, which others fill and empty in the same moment."""
    found: list[Run] = []
    try:
        while queue:
            found.append(queue.popleft())
    except IndexError:  # a signal handler has taken the last one
        return found
    return found
