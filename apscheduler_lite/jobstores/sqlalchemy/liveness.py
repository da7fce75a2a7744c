"""
Which processes are alive.

Each scheduler has a row in ``…_schedulers`` whose `beat` grows. Whoever sees the beat of another one unchanged for as
long as that one said it would never be silent takes it for dead. Silence is counted by the watcher's own monotonic
clock, and only as far as it was watching: clocks of hosts are never compared, and a watcher that was frozen itself, or
cut off from the database, has seen nothing.

A process that ended on this very machine is found out at once: its pid is gone, or belongs to a process that began at
another time.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from sqlalchemy import bindparam, select

from apscheduler_lite._clock import SystemClock

from .schema import LEFT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from apscheduler_lite.runs import Run

    from .databases import Database
    from .schema import Tables

__all__ = ["Lease", "Member", "Watch", "host_name"]

_clock = SystemClock()


def host_name() -> str:
    """Return the name of this host."""
    return socket.gethostname()[:255]


def machine() -> str | None:
    """Return what two processes have in common that see each other's pids; None where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def process_mark(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid; None when there is no such process."""
    try:
        # The name of the program, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # The state and, as the 22nd field of the whole line, when it was started. A zombie runs nothing any more.
    return None if fields[0] in "ZX" else fields[19]


class Member:
    """
    One scheduler among those that share the tables: its row, and how long that has been unchanged.

    A scheduler that learns that it was taken for dead becomes a new member; what it had claimed as the old one is not
    its own any more.
    """

    def __init__(self, database: Database, tables: Tables, dead_after: float, margin: float) -> None:
        self.id = os.urandom(16).hex()
        self.host = host_name()
        self.pid = os.getpid()
        self.is_dead = False
        self._database = database
        self._table = tables.schedulers
        self._runs = tables.runs
        self._meta = tables.meta
        self._dead_after = dead_after
        self._fresh_for = dead_after - margin
        self._beaten_at = float("-inf")
        columns = self._table.c
        self._beat = (
            self._table.update().where(columns.id == self.id).values(beat=columns.beat + 1, seen=bindparam("now"))
        )

    def join(self, now: int) -> None:
        """Write the row."""
        begun = _clock.monotonic()
        row = {
            "id": self.id,
            "host": self.host,
            "pid": self.pid,
            "machine": machine(),
            "process": process_mark(self.pid),
            "beat": 1,
            "dead_after": round(self._dead_after * 1_000_000),
            "seen": now,
        }
        self._database.write(lambda connection: connection.execute(self._table.insert(), row))
        self._beaten_at = begun

    def beat(self, now: int) -> bool:
        """Say that it is alive; return whether the others still think so."""
        # The time before the call: the others saw the change after it at the earliest.
        begun = _clock.monotonic()
        if self._database.write(lambda connection: connection.execute(self._beat, {"now": now}).rowcount) == 0:
            self.is_dead = True
            return False
        self._beaten_at = begun
        return True

    def leave(self, now: int) -> None:
        """Delete the row, and take down when that was."""
        self._database.write(self._leave, now)

    def _leave(self, connection: Connection, now: int) -> None:
        connection.execute(self._table.delete().where(self._table.c.id == self.id))
        connection.execute(self._meta.update().where(self._meta.c.name == LEFT).values(value=str(now)))

    def is_fresh(self) -> bool:
        """Return whether nobody can have taken it for dead yet."""
        return not self.is_dead and _clock.monotonic() - self._beaten_at < self._fresh_for

    def owns(self, run_id: str, now: int) -> bool:
        """Return whether a run that was claimed as this member may still begin: asks the database."""
        if not self.is_dead:
            self.beat(now)
        statement = select(self._runs.c.scheduler).where(self._runs.c.id == run_id, self._runs.c.finished.is_(None))
        return self._database.read(lambda connection: connection.execute(statement).scalar()) == self.id


class Lease:
    """A member's word on the runs that it has claimed."""

    __slots__ = ("_confirm", "_end", "member")

    def __init__(
        self, member: Member, confirm: Callable[[Run, Member], bool], end: Callable[[Sequence[Run]], None]
    ) -> None:
        self.member = member
        self._confirm = confirm
        self._end = end

    def is_fresh(self) -> bool:
        """Return whether nobody can have taken this process for dead."""
        return self.member.is_fresh()

    def confirm(self, run: Run) -> bool:
        """Ask the database whether the run is still ours to begin."""
        return self._confirm(run, self.member)

    def end(self, run: Run) -> None:
        """Take note of how the run ended."""
        self._end((run,))


class Watch:
    """What one process has seen of the others."""

    def __init__(self, database: Database, tables: Tables, interval: float) -> None:
        self._database = database
        self._table = tables.schedulers
        self._meta = tables.meta
        self._longest_gap = 2 * interval
        self._looked_at: float | None = None
        self.is_alone = False
        self._machine = machine()
        self._silence: dict[str, tuple[int, float]] = {}  # id → (beat, seconds without a new one)

    def dead(self, own: str) -> list[Any]:
        """Return the rows of those that are dead, after one look at all."""
        now = _clock.monotonic()
        rows = self._database.read(lambda connection: connection.execute(select(self._table)).all())
        gap = 0.0 if self._looked_at is None else self.counted(now - self._looked_at)
        self._looked_at = now
        self.is_alone = all(row.id == own for row in rows)
        before, self._silence = self._silence, {}
        dead = []
        for row in rows:
            if row.id == own:
                continue
            beat, seconds = before.get(row.id, (None, 0.0))
            seconds = seconds + gap if beat == row.beat else 0.0
            self._silence[row.id] = (row.beat, seconds)
            if seconds * 1_000_000 >= row.dead_after or self._has_ended(row):
                dead.append(row)
        return dead

    def counted(self, seconds: float) -> float:
        """Return how many of the seconds between two looks count as watched."""
        return min(seconds, self._longest_gap)

    def downtime(self, now: int) -> tuple[int, int] | None:
        """
        Return since when none of them has been alive, and now; None when one is, or may be, or there has been none.

        For that, what they have told of their last sign of life is compared with the clock of this host.
        """
        rows, left = self._database.read(self._signs)
        if any(now - (row.seen or now) < row.dead_after and not self._has_ended(row) for row in rows):
            return None
        signs = [row.seen for row in rows] + ([int(left)] if left else [])
        begin = max(signs, default=now)
        return (begin, now) if begin < now else None

    def _signs(self, connection: Connection) -> tuple[Any, Any]:
        left = connection.execute(select(self._meta.c.value).where(self._meta.c.name == LEFT)).scalar()
        return connection.execute(select(self._table)).all(), left

    def _has_ended(self, row: Any) -> bool:
        """Return whether it was a process of this machine that is gone."""
        if self._machine is None or row.machine != self._machine or row.process is None:
            return False
        return bool(process_mark(row.pid) != row.process)


def bury(connection: Connection, tables: Tables, row: Any) -> bool:
    """Delete a dead one's row; return whether it was this call that did: it alone then settles its runs."""
    columns = tables.schedulers.c
    found = connection.execute(tables.schedulers.delete().where(columns.id == row.id, columns.beat == row.beat))
    return found.rowcount == 1
