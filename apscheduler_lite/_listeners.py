"""
Who hears which event.

Listeners are called one at a time, by whoever has an event to tell, with no lock held. One that raises is logged and
the others are still called; one that takes longer than a second is named in the log; one that is a coroutine function
is awaited.
"""

from __future__ import annotations

import logging

from ._interrupts import ends_program
from ._locks import make_lock
from ._options import as_positive_integer
from ._references import name_of
from ._running import run_awaitable
from ._text import shorten
from .events import EVENT_ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ._clock import Clock
    from .events import SchedulerEvent

    Listener = Callable[[Any], Any]

__all__ = ["Listeners"]

SLOW_SECONDS = 1.0


class Listeners:
    """The listeners of one scheduler, in the order in which they were added."""

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        self.logger = logger
        self.clock = clock
        self.mask = 0  # all codes that anybody listens to, so that an event nobody wants need not be made
        self._lock = make_lock()  # for changing them
        self._listeners: tuple[tuple[Listener, int], ...] = ()
        self.run_awaitable: Callable[[Awaitable[Any], object], None] = run_awaitable

    def add(self, listener: Listener, mask: int = EVENT_ALL) -> None:
        """Add a listener for the codes in the mask."""
        if not callable(listener):
            raise TypeError(f"callback must be callable, not {shorten(listener)}")
        if as_positive_integer(mask, "mask") & ~EVENT_ALL:
            raise ValueError(f"mask {mask} holds codes that no event has; combine EVENT_… constants with |")
        with self._lock:
            # A new tuple each time: whoever is delivering at this moment goes on with the old one, without a lock.
            self._listeners = (*self._listeners, (listener, mask))
            self.mask |= mask

    def take_over(self, other: Listeners) -> None:
        """Take over the listeners of another collection."""
        self._listeners, self.mask = other._listeners, other.mask

    def remove(self, listener: Listener) -> None:
        """Remove a listener everywhere it was added; one that was not is ignored."""
        # Compared before the lock is taken: how a stranger's object compares is a stranger's code.
        gone = [each for each in self._listeners if each[0] == listener]
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if not any(each is other for other in gone))
            mask = 0
            for _, wanted in self._listeners:
                mask |= wanted
            self.mask = mask

    def deliver(self, event: SchedulerEvent) -> None:
        """Call everyone who listens to the event's code."""
        for listener, mask in self._listeners:
            if event.code & mask:
                self._call(listener, event)

    def _call(self, listener: Listener, event: SchedulerEvent) -> None:
        began = self.clock.monotonic()
        try:
            answer = listener(event)
            if answer is not None and hasattr(type(answer), "__await__"):
                self.run_awaitable(answer, listener)
        except BaseException as exc:
            if ends_program(exc):
                raise
            self.logger.exception(
                "Error notifying listener %s of %r", _named(listener), event, extra={"action": "listener_failed"}
            )
        took = self.clock.monotonic() - began
        if took > SLOW_SECONDS:
            self.logger.warning(
                "listener %s took %.1f s for %r; what is due meanwhile waits for it",
                _named(listener),
                took,
                event,
                extra={"action": "listener_slow"},
            )


def _named(listener: Listener) -> str:
    try:
        return name_of(listener)
    except TypeError:
        return shorten(listener)
