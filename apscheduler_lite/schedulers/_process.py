"""
What the process does to its schedulers: it ends, it forks, it is somebody's child.

At the end of the interpreter every running scheduler is shut down in good order. In a forked child every scheduler is
stopped: its threads stayed in the parent, and so did its claims.
"""

from __future__ import annotations

import atexit
import os
import sys
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._life import Life

__all__ = ["check_environment", "watch"]

_schedulers: WeakSet[Life] = WeakSet()


def watch(scheduler: Life) -> None:
    """Take care of the scheduler when the process ends or forks."""
    _schedulers.add(scheduler)


def _end() -> None:
    for scheduler in list(_schedulers):
        scheduler._end_with_interpreter()


def _begin_child() -> None:
    workers = sys.modules.get("apscheduler_lite.executors._processes")  # no process pool, no workers
    is_worker = workers is not None and workers.is_starting()
    for scheduler in list(_schedulers):
        scheduler._begin_in_child(is_worker=is_worker)


atexit.register(_end)
if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_begin_child)


def check_environment() -> None:
    """
    Refuse to start where the scheduler could not work.

    Raises:
        RuntimeError: the program is being imported by a worker process as its main script, or uWSGI has disabled
            threads.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is not None and getattr(process.current_process(), "_inheriting", False):
        raise RuntimeError(
            "a scheduler is being started while a worker process imports the main script. With the start method"
            " 'spawn' or"
            " 'forkserver' each worker process imports that script again, so a script that starts its scheduler at the"
            " top level starts"
            " it there too. Put that code under  if __name__ == '__main__':"
        )
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and not getattr(uwsgi, "has_threads", True):
        raise RuntimeError(
            "uWSGI has disabled threads, without which the scheduler cannot run; start it with --enable-threads"
        )
