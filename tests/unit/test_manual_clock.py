"""Facts about the clock that a test moves; what it does to running schedulers is in tests/integration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apscheduler_lite._clock import Alarm
from apscheduler_lite.testing import ManualClock

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_it_begins_in_2031():
    """So that a time which was read from the system by mistake shows."""
    assert ManualClock().time == datetime(2031, 1, 1, tzinfo=UTC)
    assert ManualClock(START).time == START


def test_it_stands_still_until_it_is_moved():
    """Both its clocks."""
    clock = ManualClock(START)
    before = (clock.now(), clock.monotonic())

    assert (clock.now(), clock.monotonic()) == before
    clock.advance(90)
    assert clock.time == START + timedelta(seconds=90)
    assert clock.monotonic() == before[1] + 90


@pytest.mark.parametrize("delta", [timedelta(days=1), 86_400, 86_400.0], ids=["timedelta", "int", "float"])
def test_it_is_moved_by_a_timedelta_or_by_seconds(delta):
    """As exactly as microseconds are."""
    clock = ManualClock(START)
    clock.advance(delta)
    clock.advance(timedelta(microseconds=1))
    clock.advance(0.000001)

    assert clock.time == START + timedelta(days=1, microseconds=2)


def test_it_may_be_set_forward_and_back():
    """As an administrator does: the monotonic clock stands still."""
    clock = ManualClock(START)
    clock.jump(timedelta(hours=1))
    clock.jump(-7200)

    assert clock.time == START - timedelta(hours=1)
    assert clock.monotonic() == 0


def test_no_time_may_pass():
    """Then what is due now is done."""
    clock = ManualClock(START)
    clock.advance(0)
    clock.settle()

    assert clock.time == START


def test_a_sleep_of_no_time_ends_at_once():
    """And one whose alarm has been rung."""
    clock, alarm = ManualClock(), Alarm()
    clock.sleep(alarm, 0)
    clock.sleep(alarm, -5)
    alarm.ring()
    clock.sleep(alarm, 60)

    assert not alarm.is_rung


def test_it_prints_its_time():
    """In UTC."""
    assert repr(ManualClock(START)) == "<ManualClock at 2026-11-24T12:00:00+00:00>"


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (datetime(2026, 1, 1), r"start must be a datetime with a time zone, not datetime.datetime\(2026, 1, 1, 0, 0\)"),
        ("2026-01-01", "start must be a datetime with a time zone, not '2026-01-01'"),
        (5, "start must be a datetime with a time zone, not 5"),
        (None, "start must be a datetime with a time zone, not None"),
    ],
    ids=str,
)
def test_a_start_needs_a_zone(start, message):
    """Anything else is told."""
    with pytest.raises(TypeError, match=message):
        ManualClock(start)


WRONG_DELTAS = [
    ("1 day", TypeError, "delta must be a timedelta or a number of seconds, not '1 day'"),
    (None, TypeError, "delta must be a timedelta or a number of seconds, not None"),
    (True, TypeError, "delta must be a timedelta or a number of seconds, not True"),
    (float("nan"), ValueError, "delta must be a finite number of seconds, not nan"),
    (float("inf"), ValueError, "delta must be a finite number of seconds, not inf"),
    (1e300, ValueError, "delta .* beyond what a datetime can hold"),
]


@pytest.mark.parametrize("method", ["advance", "jump"])
@pytest.mark.parametrize(("delta", "error", "message"), WRONG_DELTAS, ids=str)
def test_wrong_deltas_are_told(method, delta, error, message):
    """And time stands still."""
    clock = ManualClock(START)
    with pytest.raises(error, match=message):
        getattr(clock, method)(delta)

    assert clock.time == START
    assert clock.monotonic() == 0


def test_time_does_not_pass_backwards():
    """It may be set back, though; that is another method."""
    clock = ManualClock(START)
    with pytest.raises(ValueError, match=r"time does not pass backwards: -1; use jump\(\) to set the clock back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="time does not pass backwards"):
        clock.advance(timedelta(microseconds=-1))

    assert clock.time == START


@pytest.mark.parametrize("timeout", [0, -1, "soon", None, True], ids=repr)
def test_a_wrong_timeout_is_told(timeout):
    """Before anything is waited for."""
    clock = ManualClock(START)
    for call in (lambda: clock.advance(1, timeout=timeout), lambda: clock.settle(timeout)):
        with pytest.raises(TypeError, match="timeout must be a positive number of seconds"):
            call()

    assert clock.time == START


class Sleeper:
    """A scheduler as the clock sees it."""

    def __init__(self):
        self._alarm = Alarm()
        self._runs = set()
        self.is_inside = False

    def _is_busy(self):
        return bool(self._runs)

    def _refuse_to_block(self):
        if self.is_inside:
            raise RuntimeError("a job cannot wait for its own scheduler")


@pytest.mark.parametrize("call", ["advance", "jump"])
def test_a_job_cannot_move_the_clock(call):
    """It would wait for itself."""
    clock, sleeper = ManualClock(START), Sleeper()
    clock.attach(sleeper)
    sleeper.is_inside = True

    with pytest.raises(RuntimeError, match="cannot wait for its own scheduler"):
        getattr(clock, call)(5)
    assert clock.time == START


def test_a_scheduler_that_is_never_quiet_is_told():
    """With the runs that are still going."""
    clock, sleeper = ManualClock(START), Sleeper()
    clock.attach(sleeper)
    with pytest.raises(TimeoutError, match=r"not quiet after 0.01 s of real time; still running: no run, but a pass"):
        clock.advance(1, timeout=0.01)
    clock._sleeps[sleeper._alarm] = None
    sleeper._runs.add("a run")
    with pytest.raises(TimeoutError, match=r"still running: \['a run'\]"):
        clock.advance(1, timeout=0.01)
    clock.advance(1, wait_for_runs=False)
    sleeper._alarm.ring()
    with pytest.raises(TimeoutError):
        clock.advance(1, wait_for_runs=False, timeout=0.01)
    clock.detach(sleeper)
    clock.advance(1)

    assert clock.time == START + timedelta(seconds=2)
