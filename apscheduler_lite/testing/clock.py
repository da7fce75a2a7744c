"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from threading import Condition, Event

from apscheduler_lite._clock import Alarm, Clock, SystemClock
from apscheduler_lite._options import as_number
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import FIRST_INSTANT, LAST_INSTANT, from_instant, to_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite._clock import Sleeper

__all__ = ["ManualClock"]

_START = datetime(2031, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_real = SystemClock()


class ManualClock(Clock):
    """
    Time that a test moves.

    ``clock.advance(timedelta(days=1))`` lets a day pass for every scheduler that was made with ``clock=clock``: it
    goes from one due job to the next, lets each run at its time, and returns when all is quiet. Nothing happens while
    the clock stands still.

    The clock begins in 2031, so that a time that was read from the system by mistake shows.

    Args:
        start: an aware datetime to begin at.
    """

    longest_sleep = None
    shortest_beat = 0.0

    def __init__(self, start: datetime = _START) -> None:
        if getattr(start, "tzinfo", None) is None:
            raise TypeError(f"start must be a datetime with a time zone, not {shorten(start)}")
        self._now = to_instant(start)
        self._monotonic = 0
        self._sleeps: dict[Alarm, int | None] = {}  # who sleeps, and until which monotonic microsecond
        self._sleepers: list[Sleeper] = []
        self._changed = Condition()

    # -- what a scheduler asks ---------------------------------------------------------------------------------

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic / 1_000_000

    def sleep(self, alarm: Alarm, seconds: float | None) -> None:
        with self._changed:
            if seconds is not None and seconds <= 0:
                return
            self._sleeps[alarm] = None if seconds is None else self._monotonic + round(seconds * 1_000_000)
            self._changed.notify_all()
        alarm.wait()
        with self._changed:
            self._sleeps.pop(alarm, None)

    def attach(self, sleeper: Sleeper) -> None:
        with self._changed:
            self._sleepers.append(sleeper)

    def detach(self, sleeper: Sleeper) -> None:
        with self._changed:
            self._sleepers = [each for each in self._sleepers if each is not sleeper]
            self._changed.notify_all()

    # -- what a test does --------------------------------------------------------------------------------------

    @property
    def time(self) -> datetime:
        """Return the time that the clock shows, in UTC."""
        return from_instant(self._now, UTC)

    def advance(self, delta: timedelta | float, *, wait_for_runs: bool = True, timeout: float = 10.0) -> None:
        """
        Let time pass, and with it everything that comes due.

        Args:
            delta: how much, as a timedelta or in seconds.
            wait_for_runs: let every run end before time goes on. With False only the schedulers' passes are waited
                for, for tests of jobs that are still running when the next is due.
            timeout: real seconds to wait for the schedulers to be quiet.

        Raises:
            TimeoutError: they were not; the message says which runs were still going.
            RuntimeError: it was called from a job, or from the event loop of a scheduler.
            ValueError: the delta is negative (`jump` sets a clock back), or leads beyond what a datetime can hold.
            TypeError: the delta or the timeout is of the wrong type.
        """
        step = self._step(delta)
        if step < 0:
            raise ValueError(f"time does not pass backwards: {delta!r}; use jump() to set the clock back")
        as_number(timeout, "timeout")
        self._refuse_to_block()
        target = self._monotonic + step
        while True:
            self._wait_until_quiet(wait_for_runs, timeout)
            with self._changed:
                following = min((until for until in self._sleeps.values() if until is not None), default=None)
                if following is None or following > target:
                    self._move(target - self._monotonic)
                    return
                self._move(max(0, following - self._monotonic))

    async def advance_async(
        self,
        delta: timedelta | float,
        *,
        wait_for_runs: bool = True,
        timeout: float = 10.0,  # noqa: ASYNC109 - of real time, kept by the thread that waits
    ) -> None:
        """Let time pass, as `advance` does, while the event loop goes on: for tests of an `AsyncIOScheduler`."""
        import asyncio
        from functools import partial

        await asyncio.to_thread(partial(self.advance, delta, wait_for_runs=wait_for_runs, timeout=timeout))

    def jump(self, delta: timedelta | float, *, monotonic: bool = False) -> None:
        """
        Set the wall clock forward or back, as an administrator does, and wake the schedulers up.

        The monotonic clock stands still meanwhile, as it does on most systems while the machine is suspended.

        Args:
            delta: by how much.
            monotonic: let the monotonic clock jump as well, as it does on other systems; only forward.

        Raises:
            TimeoutError: the schedulers were not quiet within ten seconds of real time.
            RuntimeError: it was called from a job, or from the event loop of a scheduler.
            ValueError: the monotonic clock would go back.
        """
        step = self._step(delta)
        if monotonic and step < 0:
            raise ValueError(f"delta {shorten(delta)} would set the monotonic clock back, which never goes back")
        self._refuse_to_block()
        with self._changed:
            self._now += step
            self._monotonic += step if monotonic else 0
        for sleeper in list(self._sleepers):
            sleeper._alarm.ring()
        self._wait_until_quiet(True, 10.0)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until the schedulers have done what is due at the present time, without letting time pass."""
        self.advance(0, timeout=timeout)

    def _step(self, delta: timedelta | float) -> int:
        """Return the microseconds of a delta that leads to a time which can be shown."""
        if isinstance(delta, timedelta):
            step = delta // _MICROSECOND
        elif isinstance(delta, bool) or not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a timedelta or a number of seconds, not {shorten(delta)}")
        elif not isfinite(delta):
            raise ValueError(f"delta must be a finite number of seconds, not {delta}")
        else:
            step = round(delta * 1_000_000)
        if not FIRST_INSTANT <= self._now + step <= LAST_INSTANT:
            raise ValueError(
                f"delta {shorten(delta)} leads from {self.time.isoformat()} beyond what a datetime can hold"
            )
        return step

    def _refuse_to_block(self) -> None:
        for sleeper in list(self._sleepers):
            sleeper._refuse_to_block()

    def _move(self, step: int) -> None:
        """Let time pass and wake whoever has slept long enough; they no longer count as asleep from this moment on."""
        self._now += step
        self._monotonic += step
        for alarm, until in list(self._sleeps.items()):
            if until is not None and until <= self._monotonic:
                del self._sleeps[alarm]
                alarm.ring()

    def _wait_until_quiet(self, wait_for_runs: bool, timeout: float) -> None:
        pause = Event()
        begin = _real.monotonic()
        while not self._is_quiet(wait_for_runs):
            waited = _real.monotonic() - begin
            if waited >= timeout:
                raise TimeoutError(self._who_is_busy(timeout))
            # The end of a run is not announced to clocks, so this looks again and again, at first very soon.
            pause.wait(0.0002 if waited < 0.1 else 0.005)

    def _is_quiet(self, wait_for_runs: bool) -> bool:
        with self._changed:
            return all(
                sleeper._alarm in self._sleeps
                and not sleeper._alarm.is_rung
                and not (wait_for_runs and sleeper._is_busy())
                for sleeper in self._sleepers
            )

    def _who_is_busy(self, timeout: float) -> str:
        runs = [run for sleeper in self._sleepers for run in getattr(sleeper, "_runs", ())]
        return (
            f"the schedulers were not quiet after {timeout:g} s of real time; still running:"
            f" {runs or 'no run, but a pass'}."
            " With wait_for_runs=False time goes on without them"
        )

    def __repr__(self) -> str:
        return f"<ManualClock at {self.time.isoformat()}>"
