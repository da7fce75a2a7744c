"""The thread that waits for deadlines: by the scheduler's clock, and only where there are some."""

from __future__ import annotations

from threading import enumerate as all_threads

import pytest

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._deadlines import Deadlines
from apscheduler_lite.testing import ManualClock
from tests.waiting import wait_until

NAME = "deadlines under test"


@pytest.fixture
def clock():
    """Return a clock that the test moves."""
    return ManualClock()


@pytest.fixture
def deadlines(clock):
    """Return deadlines that live by it."""
    made = Deadlines(clock, NAME)
    yield made
    made.close()


def is_kept():
    """Return whether the thread is there."""
    return any(thread.name == NAME for thread in all_threads())


def test_each_action_happens_at_its_time(clock, deadlines):
    """In the order of the times, whatever the order in which they were added."""
    done = []
    for seconds in (30, 10, 20, 10.5):
        deadlines.add(seconds, lambda seconds=seconds: done.append((seconds, clock.monotonic())))

    clock.advance(20)
    assert done == [(10, 10.0), (10.5, 10.5), (20, 20.0)]
    clock.advance(20)
    assert done[3:] == [(30, 30.0)]


def test_what_is_removed_does_not_happen(clock, deadlines):
    """Once, twice, or when it has happened already: removing it is no error."""
    done = []
    kept, removed = deadlines.add(5, lambda: done.append("kept")), deadlines.add(5, lambda: done.append("removed"))
    for _ in range(2):
        deadlines.remove(removed)
    clock.advance(10)
    deadlines.remove(kept)

    assert done == ["kept"]


def test_an_action_that_raises_stops_nothing(clock, deadlines, caplog):
    """It is logged, and the next one happens."""
    done = []
    deadlines.add(1, lambda: 1 / 0)
    deadlines.add(2, lambda: done.append("next"))
    clock.advance(3)

    assert done == ["next"]
    assert "ZeroDivisionError" in caplog.text


def test_removed_ones_are_swept(clock, deadlines):
    """A thousand runs a second with an hour each must not leave millions of marks behind."""
    for _ in range(10_000):
        deadlines.remove(deadlines.add(3600, lambda: None))

    assert len(deadlines._heap) <= 65


def test_there_is_a_thread_only_where_something_is_to_come(clock, deadlines):
    """From the first deadline to the last one after the end was asked for."""
    wait_until(lambda: not is_kept(), what="end of the threads of other tests")
    waited_for = deadlines.add(5, lambda: None)
    assert is_kept()
    deadlines.close()
    clock.advance(1)
    assert is_kept()
    deadlines.remove(waited_for)
    wait_until(lambda: not is_kept())


def test_no_wait_is_too_long_for_the_system(deadlines):
    """A limit of a million years is as good as none."""
    far = Deadlines(SystemClock(), NAME)
    deadline = far.add(3e13, lambda: None)
    done = []
    far.add(0.01, lambda: done.append("soon"))
    wait_until(lambda: done)
    far.remove(deadline)
    far.close()
    wait_until(lambda: not is_kept())


def test_the_clock_cannot_be_moved_from_an_action(clock, deadlines):
    """It would wait for itself."""
    told = []

    def move():
        try:
            clock.advance(1)
        except RuntimeError as exc:
            told.append(str(exc))

    deadlines.add(1, move)
    clock.advance(2)
    assert len(told) == 1
