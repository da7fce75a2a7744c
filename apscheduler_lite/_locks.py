"""
The locks that threads of ours need in order to go on.

They are re-entrant, since a signal handler may interrupt the main thread while it holds one and call in again. What it
must not do then is wait for another thread: that one may be waiting for this very lock. So the thread can be asked
whether it holds any.
"""

from __future__ import annotations

from threading import RLock
from weakref import WeakValueDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["holds_lock", "make_lock"]

_made: WeakValueDictionary[int, Any] = WeakValueDictionary()


def make_lock() -> RLock:
    """Return a new re-entrant lock, which `holds_lock` knows."""
    lock = RLock()
    _made[id(lock)] = lock
    return lock


def holds_lock() -> bool:
    """
    Return whether the calling thread is in the middle of a step that holds one of these locks.

    No job, listener or trigger is called with such a lock held. So whoever finds one held is a signal handler that has
    interrupted the step, or a store that is called by one thread at a time.
    """
    return any(lock is not None and lock._is_owned() for lock in (ref() for ref in _made.valuerefs()))
