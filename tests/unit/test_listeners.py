"""Facts about who hears which event."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from apscheduler_lite._listeners import Listeners
from apscheduler_lite.events import (
    EVENT_ALL,
    EVENT_JOB_ADDED,
    EVENT_JOB_REMOVED,
    EVENT_SCHEDULER_PAUSED,
    JobEvent,
    SchedulerEvent,
)
from apscheduler_lite.testing import ManualClock

ADDED = JobEvent(EVENT_JOB_ADDED, "job", "default")
REMOVED = JobEvent(EVENT_JOB_REMOVED, "job", "default")


@pytest.fixture
def listeners():
    """Return a collection of listeners."""
    return Listeners(logging.getLogger("tests.listeners"), ManualClock())


class Hearer:
    """A listener that is called."""

    def __init__(self):
        self.heard = []

    def __call__(self, event):
        self.heard.append(event)

    def hear(self, event):
        """Listen as a method."""
        self.heard.append(event)


def test_a_listener_hears_the_codes_of_its_mask(listeners):
    """All of them when it has none."""
    some, everything = [], []
    listeners.add(some.append, EVENT_JOB_ADDED | EVENT_SCHEDULER_PAUSED)
    listeners.add(everything.append)
    for event in (ADDED, REMOVED, SchedulerEvent(EVENT_SCHEDULER_PAUSED)):
        listeners.deliver(event)

    assert [event.code for event in some] == [EVENT_JOB_ADDED, EVENT_SCHEDULER_PAUSED]
    assert len(everything) == 3


def test_listeners_are_called_in_the_order_in_which_they_were_added(listeners):
    """One after the other."""
    heard = []
    for name in ("first", "second", "third"):
        listeners.add(partial(lambda name, _: heard.append(name), name))
    listeners.deliver(ADDED)

    assert heard == ["first", "second", "third"]


def test_the_mask_of_all_says_what_anybody_wants(listeners):
    """An event that nobody wants need not be made."""
    first, second = Hearer(), Hearer()
    assert listeners.mask == 0
    listeners.add(first, EVENT_JOB_ADDED)
    listeners.add(second, EVENT_JOB_REMOVED)
    assert listeners.mask == EVENT_JOB_ADDED | EVENT_JOB_REMOVED
    listeners.remove(first)
    assert listeners.mask == EVENT_JOB_REMOVED
    listeners.remove(second)

    assert listeners.mask == 0


def test_a_listener_is_removed_as_often_as_it_was_added(listeners):
    """A method counts as itself each time; one that was not added is ignored."""
    hearer = Hearer()
    listeners.add(hearer.hear, EVENT_JOB_ADDED)
    listeners.add(hearer.hear, EVENT_JOB_REMOVED)
    listeners.remove(print)
    listeners.remove(hearer.hear)
    listeners.deliver(ADDED)
    listeners.deliver(REMOVED)

    assert hearer.heard == []


def test_a_listener_may_add_and_remove_listeners(listeners):
    """Who is being called at this moment goes on with those that there were."""
    heard = []

    def change(event):
        listeners.remove(change)
        listeners.add(heard.append)

    listeners.add(change)
    listeners.deliver(ADDED)
    assert heard == []
    listeners.deliver(REMOVED)

    assert heard == [REMOVED]


def test_a_listener_that_raises_is_logged_and_the_others_are_called(listeners, caplog):
    """With its name and the event."""
    hearer = Hearer()

    def fail(event):
        raise ValueError("the listener has failed")

    listeners.add(fail)
    listeners.add(hearer)
    listeners.deliver(ADDED)

    assert hearer.heard == [ADDED]
    (record,) = caplog.records
    assert "Error notifying listener" in record.message
    assert "fail" in record.message
    assert "EVENT_JOB_ADDED" in record.message
    assert record.action == "listener_failed"
    assert "the listener has failed" in str(record.exc_info[1])


def test_a_slow_listener_is_named(listeners, caplog):
    """All that is due waits for it."""
    clock = listeners.clock

    class Slow(Hearer):
        def __call__(self, event):
            clock._monotonic += 2_500_000

    class Quick(Hearer):
        def __call__(self, event):
            clock._monotonic += 900_000

    listeners.add(Slow())
    listeners.add(Quick())
    listeners.deliver(ADDED)

    (record,) = caplog.records
    assert record.message.startswith("listener Slow took 2.5 s for <JobEvent EVENT_JOB_ADDED")
    assert record.action == "listener_slow"


def test_a_coroutine_is_awaited(listeners, caplog):
    """What it raises is logged."""
    heard = []

    async def listen(event):
        heard.append(event)

    async def fail(event):
        raise ValueError("the coroutine has failed")

    listeners.add(listen)
    listeners.add(fail)
    listeners.deliver(ADDED)

    assert heard == [ADDED]
    (record,) = caplog.records
    assert "the coroutine has failed" in str(record.exc_info[1])


def test_a_scheduler_may_await_in_its_own_way(listeners):
    """On its event loop, for example."""
    awaited = []

    async def listen(event):
        """Hear it."""

    def await_it(awaitable, listener):
        awaitable.close()
        awaited.append(listener)

    listeners.run_awaitable = await_it
    listeners.add(listen)
    listeners.deliver(ADDED)

    assert awaited == [listen]


def test_listeners_move_on_when_a_scheduler_is_configured_anew(listeners):
    """With their masks."""
    hearer = Hearer()
    listeners.add(hearer, EVENT_JOB_ADDED)
    other = Listeners(listeners.logger, listeners.clock)
    other.take_over(listeners)
    other.deliver(ADDED)
    other.deliver(REMOVED)

    assert hearer.heard == [ADDED]
    assert other.mask == EVENT_JOB_ADDED


def test_whether_a_listener_is_deferred_is_a_bool(listeners):
    """And nothing that only looks like one."""
    with pytest.raises(ValueError, match=r"deferred must be true or false .* not 'perhaps'"):
        listeners.add(print, deferred="perhaps")
    with pytest.raises(TypeError, match="deferred must be"):
        listeners.add(print, deferred=None)
    assert listeners.mask == 0


@pytest.mark.parametrize(
    ("callback", "mask", "error", "message"),
    [
        (5, EVENT_ALL, TypeError, "callback must be callable, not 5"),
        (None, EVENT_ALL, TypeError, "callback must be callable, not None"),
        (print, 0, TypeError, "mask must be a positive integer, not 0"),
        (print, -1, TypeError, "mask must be a positive integer, not -1"),
        (print, "all", TypeError, "mask must be a positive integer, not 'all'"),
        (print, None, TypeError, "mask must be a positive integer, not None"),
        (print, 1.0, TypeError, "mask must be a positive integer, not 1.0"),
        (print, EVENT_ALL + 1, ValueError, f"mask {EVENT_ALL + 1} holds codes that no event has; combine"),
    ],
)
def test_wrong_listeners_are_told(listeners, callback, mask, error, message):
    """And not added."""
    with pytest.raises(error, match=message):
        listeners.add(callback, mask)
    assert listeners.mask == 0
