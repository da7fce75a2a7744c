"""Which exceptions, raised by a stranger's code, are meant for the program rather than for whoever called that code."""

from __future__ import annotations

from threading import current_thread, main_thread

__all__ = ["ends_program"]


def ends_program(exc: BaseException) -> bool:
    """
    Return whether an exception must go on to the top of the program.

    That is Ctrl-C or ``sys.exit()`` in the main thread, where signal handlers run. On any other thread nothing would
    end but that thread, and nobody would notice; there these two are errors like all others.
    """
    return isinstance(exc, (KeyboardInterrupt, SystemExit)) and current_thread() is main_thread()
