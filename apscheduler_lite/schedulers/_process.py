"""
What the process does to its schedulers: it ends, it forks, it is somebody's child.

At the end of the interpreter every running scheduler is shut down in good order. In a forked child every scheduler is
stopped: its threads stayed in the parent, and so did its claims.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from weakref import WeakSet

from apscheduler_lite._interrupts import ends_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._process_life import ProcessLife

__all__ = ["check_environment", "end_first", "watch"]

_schedulers: WeakSet[ProcessLife] = WeakSet()


def watch(scheduler: ProcessLife) -> None:
    """Take care of the scheduler when the process ends or forks; to be called when its executors have started."""
    _schedulers.add(scheduler)
    end_first()


def end_first() -> None:
    """
    Have the schedulers end before all that has asked to be called at the end of the interpreter until now.

    That matters for `multiprocessing`, which kills its worker processes there: runs in progress would be cut.
    """
    atexit.unregister(_end)
    atexit.register(_end)  # the last that asked is called first


def _end_first_of_all() -> None:
    """
    Have the schedulers end first also where a job is the first to import `multiprocessing`.

    When the main thread has come to its end, and before anybody is called at the end of the interpreter, `threading`
    calls those that have asked for it: `concurrent.futures` does, there is no public way to.
    """
    register: Any = getattr(threading, "_register_atexit", None)
    if register is not None:
        with suppress(RuntimeError):  # the main thread has come to its end already
            register(end_first)


def _end() -> None:
    for scheduler in list(_schedulers):
        try:
            scheduler._end_with_interpreter()
        except BaseException as exc:
            if ends_program(exc):
                raise
            scheduler._logger.exception("Error at the end of the interpreter; other schedulers end in good order")


def _begin_child() -> None:
    workers = sys.modules.get("apscheduler_lite.executors._processes")  # no process pool, no workers
    is_worker = workers is not None and workers.begin_in_child()
    for scheduler in list(_schedulers):
        scheduler._begin_in_child(is_worker=is_worker)


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_begin_child)


_end_first_of_all()


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
