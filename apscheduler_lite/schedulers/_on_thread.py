"""A scheduler whose loop has a thread of its own."""

from __future__ import annotations

from threading import Thread, current_thread

from .blocking import BlockingScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._life import Bound

__all__ = ["OnThread"]


class OnThread(BlockingScheduler):
    """Run the loop on a thread beside the program."""

    _thread: Thread | None = None
    _daemon = True

    def start(self, paused: bool = False) -> None:
        alarm = self._begin(paused)
        thread = Thread(target=self._main_loop, args=(alarm,), name="APScheduler", daemon=self._daemon)
        with self._lock:
            # A listener of the start may have shut it down, and may even have started it again.
            if self._alarm is not alarm or self._phase != "started":
                return
            try:
                # Under the lock, so that a signal handler that comes in between knows: it must not wait for a thread
                # that is only just being started.
                thread.start()
            except RuntimeError as exc:  # there can be no more threads
                failure = exc
            else:
                self._thread = thread
                return
        self.shutdown(wait=False)
        raise failure

    def _wait_for_pass(self, bound: Bound) -> None:
        super()._wait_for_pass(bound)
        thread, self._thread = self._thread, None
        if thread is not None and thread is not current_thread() and thread.ident is not None:
            thread.join(bound.left)
