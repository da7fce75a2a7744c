"""The scheduler that is all a program does: `start` returns when it is shut down."""

from __future__ import annotations

from threading import current_thread, main_thread
from types import MappingProxyType

from apscheduler_lite._options import as_bool, as_number
from apscheduler_lite.errors import SchedulerAlreadyRunningError

from .base import STATE_STOPPED, BaseScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any

    from apscheduler_lite._clock import Alarm

__all__ = ["BlockingScheduler"]


class BlockingScheduler(BaseScheduler):
    """
    Run jobs; `start` blocks the thread that calls it until `shutdown` is called.

    Args:
        gconfig: options as a dict, see `configure`.
        options: options as keywords. Beside the general ones: ``handle_signals=True`` lets SIGTERM and SIGINT end
            `start` in good order, with the runs in progress brought to their end; a second signal ends the program at
            once, by KeyboardInterrupt. ``shutdown_timeout`` is for how many seconds those runs are waited for at the
            longest; None, the default, for any time.
    """

    _own_options: tuple[str, ...] = ("handle_signals", "shutdown_timeout")
    _handles_signals = False
    _shutdown_timeout: float | None = None

    def _configure(self, config: dict[str, Any]) -> None:
        handles_signals = as_bool(config.pop("handle_signals", False), "handle_signals")
        timeout = as_number(config.pop("shutdown_timeout", None), "shutdown_timeout", or_none=True)
        super()._configure(config)
        self._handles_signals = handles_signals
        self._shutdown_timeout = timeout

    def start(self, paused: bool = False) -> None:
        """
        Start, and run jobs until `shutdown` is called.

        Raises:
            SchedulerAlreadyRunningError: it is running.
        """
        takes_signals = self._take_signals()
        try:
            self._main_loop(self._begin(paused))
            if self._is_signalled:
                self.shutdown(timeout=self._shutdown_timeout)
            with self._lock:
                self._changed.wait_for(lambda: not self._is_leaving)
        except SchedulerAlreadyRunningError:
            raise
        except BaseException:  # Ctrl-C, most often
            if self.running:
                self.shutdown(wait=False)
            raise
        finally:
            if takes_signals:
                self._give_signals_back()

    def _main_loop(self, alarm: Alarm) -> None:
        """Pass, sleep, pass: until the scheduler is shut down, even if somebody has started it again since."""
        while self._is_current(alarm):
            seconds = self._process_jobs()
            if self._is_current(alarm):
                self.clock.sleep(alarm, seconds)

    def _is_current(self, alarm: Alarm) -> bool:
        return self._state != STATE_STOPPED and self._alarm is alarm and not self._is_signalled

    def wakeup(self) -> None:
        """Make the scheduler look at once for what is due."""
        self._alarm.ring()

    # -- signals -----------------------------------------------------------------------------------------------

    _is_signalled = False
    _previous_handlers: Mapping[int, Any] = MappingProxyType({})

    def _take_signals(self) -> bool:
        """Install the handlers, when that is wanted and possible; return whether that has been done."""
        if not self._handles_signals or self._previous_handlers:
            return False
        if current_thread() is not main_thread():
            self._logger.warning("handle_signals has no effect: only the main thread of a program can handle signals")
            return False
        import signal

        self._is_signalled = False
        # Noted before the first of them is installed: a fork may come in between.
        numbers = (signal.SIGTERM, signal.SIGINT)
        self._previous_handlers = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            signal.signal(number, self._on_signal)
        return True

    def _give_signals_back(self) -> None:
        import signal

        for number, handler in self._previous_handlers.items():
            if handler is not None:  # it was installed by other means than Python's
                signal.signal(number, handler)
        self._previous_handlers = MappingProxyType({})

    def _begin_in_child(self, *, is_worker: bool = False) -> None:
        super()._begin_in_child(is_worker=is_worker)
        self._give_signals_back()  # here they would end nothing

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_signalled:
            self._given_up = self._runs.copy()
            raise KeyboardInterrupt
        self._is_signalled = True
        self._alarm.ring()
