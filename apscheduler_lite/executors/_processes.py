"""
Worker processes, one for each worker thread of the pool.

The thread sends a run down a pipe and waits for its outcome or for the death of the process, whichever comes first.
So a process that exits, crashes or is killed fails its own run and nobody else's, and the next run finds a new
process.
"""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from math import inf
from multiprocessing.connection import wait
from threading import Lock, get_ident

from apscheduler_lite._locks import make_lock
from apscheduler_lite._running import describe_exception, may_begin, note_stopped
from apscheduler_lite.errors import JobTimeoutError, RemoteError, WorkerDiedError

from ._border import execute_message, message_of, take_answer, tell_of_begin
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess
    from typing import Any

    from apscheduler_lite._clock import Clock
    from apscheduler_lite._deadlines import Deadlines
    from apscheduler_lite.runs import Run

__all__ = ["ProcessWorker", "begin_in_child"]

_READY = b"ready"
_STOP = b""


class _Start:
    """
    Held while a process is started, and by whom.

    A fork in between would hand the new pipe's far end to a sibling, which would keep it open after the process has
    died.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._starter: int | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        self._starter = get_ident()

    def __exit__(self, *_: object) -> None:
        self._starter = None
        self._lock.release()

    def is_made_here(self) -> bool:
        return self._starter == get_ident()


_start = _Start()


def begin_in_child() -> bool:
    """
    Let go, in a process just forked, of what another thread of the parent held; return whether it is a worker process.

    A worker is forked by the very thread that starts it.
    """
    global _start  # noqa: PLW0603 - a fact of the process
    is_worker = _start.is_made_here()
    _start = _Start()
    return is_worker


class ProcessWorker:
    """Run jobs in a process of its own, on behalf of one worker thread."""

    def __init__(
        self,
        clock: Clock,
        logger: logging.Logger,
        report: Callable[[Run], None],
        deadlines: Deadlines,
        mp_context: BaseContext | str | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Sequence[Any] = (),
        max_tasks_per_child: int | None = None,
    ) -> None:
        self._clock = clock
        self._logger = logger
        self.report = report
        self._deadlines = deadlines
        self._stopping = make_lock()
        self._sent: Run | None = None  # the run that the process is at work on
        self._context: Any = (
            multiprocessing.get_context(mp_context) if mp_context is None or isinstance(mp_context, str) else mp_context
        )
        self._initializer = initializer
        self._initargs = tuple(initargs)
        self._limit = None if max_tasks_per_child is None else int(max_tasks_per_child)
        self._process: BaseProcess | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._tasks = 0

    def run(self, run: Run) -> None:
        try:
            if run.stopped_by is not None:
                note_stopped(run, self._clock, self._logger)
            elif may_begin(run, self._clock, self._logger):
                self._run(run)
        except Exception as exc:
            if run.stopped_by is not None and not isinstance(exc, RemoteError):
                self._discard()
                note_stopped(run, self._clock, self._logger)
                return
            if not isinstance(exc, (RemoteError, WorkerDiedError)):
                self._discard()  # the pipe may hold half a message
            self._logger.error("Error running job %s: %s", run.job or run.job_id, exc)  # noqa: TRY400 - told in full by the event
            fail(run, exc, self._clock)

    def _run(self, run: Run) -> None:
        message = message_of(run)
        pipe = self._ready_pipe()
        tell_of_begin(run, self._logger, self._clock)
        take_answer(self._ask(pipe, run, message), run, self._logger, inf)
        self._tasks += 1
        if self._limit is not None and self._tasks >= self._limit:
            self.close()

    def _ask(self, pipe: Connection[Any, Any], run: Run, message: bytes) -> bytes:
        """Have the process run the job and return its answer, unless the run is stopped before that."""
        with self._stopping:
            if run.stopped_by is not None:
                raise run.stopped_by
            self._sent = run
        run.started = self._clock.now()
        deadline = None
        if run.timeout is not None:
            limit = JobTimeoutError(run.timeout)
            deadline = self._deadlines.add(run.timeout, lambda: self.stop(run, limit))
        try:
            pipe.send_bytes(message)
            answer = self._receive(pipe)
        finally:
            with self._stopping:
                self._sent = None
            if deadline is not None:
                self._deadlines.remove(deadline)
        if run.stopped_by is not None:
            raise run.stopped_by
        return answer

    def stop(self, run: Run, why: BaseException) -> bool:
        """Kill the process if it is at work on the run; return whether it was."""
        with self._stopping:
            process = self._process
            if self._sent is not run or process is None:
                return False
            run.stopped_by = why
            with suppress(ValueError):  # it has died in this moment
                process.kill()
            return True

    def _ready_pipe(self) -> Connection[Any, Any]:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self._discard()
        with _start:
            near: Connection[Any, Any]
            near, far = self._context.Pipe()
            self._process = self._context.Process(
                target=_serve, args=(far, near, self._initializer, self._initargs), daemon=True
            )
            self._pipe = near
            try:
                self._process.start()
            except BaseException:
                self._process = None
                near.close()
                self._pipe = None
                raise
            finally:
                far.close()
        self._tasks = 0
        try:
            said = self._receive(near)
        except WorkerDiedError as exc:
            raise WorkerDiedError(f"{exc} before it was ready{self._why_not_ready()}") from None
        if said != _READY:
            self._discard()
            raise RemoteError(f"the initializer of the worker process raised an exception: {said.decode()}")
        return near

    def _why_not_ready(self) -> str:
        method = self._context.get_start_method()
        if method == "fork":
            return ""
        return (
            f". With the start method {method!r} a worker process imports the main script again: a script that starts"
            " its scheduler"
            " at the top level starts it there too. Put that code under  if __name__ == '__main__':"
        )

    def _receive(self, pipe: Connection) -> bytes:
        """Return the next message, or raise WorkerDiedError when the process has ended without one."""
        process = self._process
        if process is None:
            raise WorkerDiedError("the worker process is gone")
        # The sentinel tells of most deaths at once; where a descendant keeps its pipe open, is_alive() does within a
        # second.
        while not wait([pipe, process.sentinel], 1.0) and process.is_alive():
            continue
        with suppress(EOFError, OSError):  # the end of the pipe: it died, and its exit code says how
            if pipe.poll():
                return pipe.recv_bytes()
        process.join(5)
        code = process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        died = WorkerDiedError(f"the worker process (pid {process.pid}) {how}")
        self._discard()
        raise died

    def _discard(self) -> None:
        """Let go of the process, whatever it does."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            if process.is_alive():
                process.kill()
            process.join()
            with suppress(ValueError):  # reaped in this moment by `multiprocessing`, at the end of the program
                process.close()

    def close(self) -> None:
        """End the process in good order."""
        if self._pipe is not None:
            with suppress(OSError):
                # Said in words: closing the pipe is not seen where a sibling has inherited our end of it.
                self._pipe.send_bytes(_STOP)
        if self._process is not None:
            self._process.join(5)
        self._discard()


def _serve(pipe: Connection, parents_end: Connection, initializer: Any, initargs: Sequence[Any]) -> None:
    """Run jobs until the parent closes the pipe or is gone: what a worker process does."""
    import signal

    parents_end.close()  # inherited by fork, or sent along: only the parent may hold it, or its end is never seen
    # Ctrl-C goes to the whole process group; the parent decides what happens to the runs in progress.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Handlers that a fork has brought along are the parent's: they would wake its event loop, and keep this process
    # from being ended.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    # `daemon` made the parent end this process with itself; a job may have processes of its own all the same.
    multiprocessing.current_process().daemon = False
    if initializer is not None:
        try:
            initializer(*initargs)
        except Exception as exc:
            pipe.send_bytes(describe_exception(exc).encode())
            return
    pipe.send_bytes(_READY)
    # Not by the parent's pid: the parent of a process that a fork server has started is the fork server.
    parent: Any = multiprocessing.parent_process()
    while pipe in wait([pipe, parent.sentinel]):
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if message == _STOP:
            return
        answer = execute_message(message)
        try:
            pipe.send_bytes(answer)
        except OSError:  # the parent is gone, or wants no answer any more
            return
