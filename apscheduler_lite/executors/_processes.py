"""
Worker processes, one for each worker thread of the pool.

The thread sends a run down a pipe and waits for its outcome or for the death of the process, whichever comes first.
So a process that exits, crashes or is killed fails its own run and nobody else's, and the next run finds a new
process.

What crosses the border: the run with the function's reference and the arguments there, its outcome back. Both are
    pickled here,
by hand, so that what cannot be pickled becomes an error of that run with a sentence that says what it was.
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
from contextlib import suppress
from multiprocessing.connection import wait
from threading import Lock, get_ident

from apscheduler_lite._locks import make_lock
from apscheduler_lite._references import name_of
from apscheduler_lite._running import describe_exception, execute, may_begin, note_stopped, portable
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import JobTimeoutError, RemoteError, WorkerDiedError
from apscheduler_lite.runs import Outcome

from .base import OUTCOME_FACTS, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
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

_silent = logging.Logger("apscheduler_lite.executors.worker", logging.CRITICAL + 1)  # noqa: LOG001 - nobody shall find it


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
        try:
            message = pickle.dumps(run)
        except Exception as exc:
            self._blame_wrap(run)
            raise RemoteError(
                f"the job cannot be sent to a worker process: {name_of(run.func)} with args {shorten(run.args)} and"
                " kwargs"
                f" {shorten(run.kwargs or {})} cannot be pickled: {describe_exception(exc)}"
            ) from exc
        pipe = self._ready_pipe()
        self._log_begin(run)
        answer = pickle.loads(self._ask(pipe, run, message))  # noqa: S301 - from our own worker
        for name, value in zip(OUTCOME_FACTS, answer, strict=True):
            setattr(run, name, value)
        self._log(run)
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

    @staticmethod
    def _blame_wrap(run: Run) -> None:
        """Raise when it is the scheduler's wrap that cannot be sent to a process."""
        try:
            pickle.dumps(run.wrap)
        except Exception as exc:
            raise RemoteError(
                f"the scheduler's wrap {shorten(run.wrap)} cannot be sent to a worker process: define it at the top"
                f" level of a module, or give it as text: 'module:function' ({describe_exception(exc)})"
            ) from exc

    # The worker process itself logs nothing of its runs: only here is the scheduler's log, and the executor's alias.

    def _log_begin(self, run: Run) -> None:
        if self._logger.isEnabledFor(logging.INFO) and (run.grace is None or self._clock.now() - run.due <= run.grace):
            self._logger.info(
                'Running job "%s" (scheduled at %s)',
                run.job or run.job_id,
                run.scheduled_run_time,
                extra={"action": "run_started", "job_id": run.job_id},
            )

    def _log(self, run: Run) -> None:
        if run.outcome == Outcome.EXECUTED:
            self._logger.info(
                'Job "%s" executed successfully',
                run.job or run.job_id,
                extra={"action": "run_executed", "job_id": run.job_id},
            )
        elif run.outcome == Outcome.MISSED:
            self._logger.warning(
                'Run time of job "%s" was %s',
                run.job or run.job_id,
                run.reason,
                extra={"action": "run_missed", "job_id": run.job_id},
            )
        elif run.outcome == Outcome.ERROR:
            self._logger.error(
                'Job "%s" raised an exception in a worker process: %s\n%s',
                run.job or run.job_id,
                run.reason,
                run.traceback or "",
                extra={"action": "run_failed", "job_id": run.job_id},
            )

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
        pipe.send_bytes(_answer(message))


def _answer(message: bytes) -> bytes:
    """Run the job that a message holds and return its outcome as a message."""
    try:
        run: Run = pickle.loads(message)  # noqa: S301 - from our own parent
    except Exception as exc:
        reason = f"the job could not be unpickled in the worker process: {describe_exception(exc)}"
        return pickle.dumps((Outcome.ERROR, f"error: {reason}", None, RemoteError(reason), None, None, None))
    execute(run, logger=_silent)
    if run.exception is not None:
        run.exception = portable(run.exception)
    values = [getattr(run, name) for name in OUTCOME_FACTS]
    try:
        return pickle.dumps(values)
    except Exception as exc:
        reason = (
            f"the job ran, but its result {shorten(run.retval)} cannot be sent back from the worker process:"
            f" {describe_exception(exc)}"
        )
        return pickle.dumps(
            (Outcome.ERROR, f"error: {reason}", None, RemoteError(reason), None, run.started, run.finished)
        )
