"""Facts about the clock and the alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apscheduler_lite._clock import Alarm, Clock, SystemClock, system_instant, system_now
from apscheduler_lite._timezones import from_instant


def test_an_alarm_that_was_rung_before_ends_the_wait_at_once():
    """A ring is never lost."""
    alarm = Alarm()
    alarm.ring()

    assert alarm.is_rung
    assert alarm.wait() is True
    assert not alarm.is_rung


def test_two_rings_end_one_wait():
    """Whoever wakes up looks at everything anyway."""
    alarm = Alarm()
    alarm.ring()
    alarm.ring()

    assert alarm.wait(0) is True
    assert alarm.wait(0) is False


def test_a_wait_without_a_ring_ends_with_its_time():
    """Zero and less are no time at all."""
    alarm = Alarm()

    assert alarm.wait(0) is False
    assert alarm.wait(-5) is False
    assert alarm.wait(0.001) is False


def test_the_system_clock_shows_the_hosts_time():
    """As an instant, and as the aware datetime that triggers start from."""
    before = datetime.now(UTC)  # noqa: TID251 - what is tested is that this is the time
    shown = [from_instant(SystemClock().now(), UTC), from_instant(system_instant(), UTC), system_now()]
    after = datetime.now(UTC) + timedelta(microseconds=1)  # noqa: TID251

    assert all(before - timedelta(microseconds=1) <= each <= after for each in shown)


def test_the_monotonic_clock_does_not_go_back():
    """It counts seconds."""
    clock = SystemClock()

    assert clock.monotonic() <= clock.monotonic()


def test_the_system_clock_sleeps_until_the_alarm_rings():
    """Or for so many seconds."""
    clock, alarm = SystemClock(), Alarm()
    alarm.ring()
    clock.sleep(alarm, None)
    clock.sleep(alarm, 0.001)

    assert not alarm.is_rung


def test_a_clock_of_ones_own_tells_the_time_and_sleeps():
    """Three methods; what attaches to it need not be noted."""

    class Still(Clock):
        def now(self):
            return 5

        def monotonic(self):
            return 0.0

        def sleep(self, alarm, seconds):
            """Return at once."""

    clock = Still()
    clock.attach(None)
    clock.detach(None)

    assert clock.now() == 5
    assert clock.longest_sleep == 2.0
    with pytest.raises(TypeError, match="abstract"):
        Clock()
