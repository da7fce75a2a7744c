"""
The runs that are with Dask, from one start of an executor to the end of the last of them.

Each run has a task whose key holds the job's id, the scheduled time and the run's id. So a run is found again by its
key: after the connection was lost, and by another scheduler that takes it over when this one has died.
"""

from __future__ import annotations

from asyncio import sleep
from threading import Condition, Event, Thread, current_thread

from distributed import KilledWorker
from distributed.client import FutureCancelledError

from apscheduler_lite._deadlines import Deadlines
from apscheduler_lite._locks import make_lock
from apscheduler_lite._running import describe_exception, may_begin, note_stopped
from apscheduler_lite.errors import RemoteError
from apscheduler_lite.executors._border import LOST, perform_message, take_answer, tell_of_begin, tell_of_loss
from apscheduler_lite.executors._threads import WorkerThreads
from apscheduler_lite.executors.base import fail
from apscheduler_lite.runs import Outcome, _current

from .guard import LEFT
from .stops import Stops
from .tasks import explained, is_connections_fault, key_of, message_of, on_crash_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from distributed import Future

    from apscheduler_lite.executors.dask import DaskExecutor
    from apscheduler_lite.runs import Run

    from .connection import Connection

__all__ = ["Session"]

LOOK_EVERY = 1.0
"""Seconds between two looks at the connection and at the size of the cluster."""
LONGEST_PAUSE = 10.0
"""Seconds between two tries to connect, at the most."""
FIRST_WAIT = 10.0
"""Seconds that a run which is handed over waits for the first connection."""

GONE = "interrupted: Dask does not know the run any more"


class Session:
    """The runs of one start; a thread looks after the connection, another one tells of the ends."""

    def __init__(self, executor: DaskExecutor, connection: Connection, name: str) -> None:
        self._executor = executor
        self._connection = connection
        self._lock = make_lock()
        self._changed = Condition(self._lock)
        self._bell = Event()
        self._in_progress: dict[str, Run] = {}
        self._unattached: list[Run] = []  # runs whose tasks are to be found again
        self._unfinished = 0
        self._threads = 0  # how many tasks the cluster can run at the same time
        self._is_closed = False
        self._why_not: BaseException | None = None  # there is no connection
        self._keeper: Thread | None = None
        self._name = name
        self._stops = Stops(connection, Deadlines(executor._clock, f"{name}.limits"), self._bell)
        self._ended: list[tuple[Run, Future[Any]]] = []  # tasks whose answers are to be fetched
        self._tellers = WorkerThreads(1, lambda: _Teller(self), f"{name}.teller")

    # -- capacity ----------------------------------------------------------------------------------------------

    def free(self) -> int:
        """Return how many more runs may be handed over; none before there is a connection, which this begins."""
        self._begin()
        if not self._connection.is_ready:
            return 0
        executor = self._executor
        limit = self._threads if executor.max_workers is None else executor.max_workers
        return max(0, limit + executor.prefetch - self._unfinished)

    # -- runs --------------------------------------------------------------------------------------------------

    def submit(self, run: Run) -> None:
        """
        Hand a run to Dask.

        Raises:
            RuntimeError: the executor has been shut down.
            ConnectionError: there is no connection to the Dask scheduler.
        """
        executor = self._executor
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this DaskExecutor has been shut down")
        self._wait_for_connection()
        with self._lock:
            self._unfinished += 1
        if not may_begin(run, executor._clock, executor._logger):
            self._tellers.submit((run, None))
            return
        try:
            self._send(run)
        except RemoteError as exc:
            self._tellers.submit((run, exc))
        except BaseException:
            with self._lock:
                self._unfinished -= 1
            raise

    def _send(self, run: Run) -> None:
        executor = self._executor
        message = message_of(run)
        key = key_of(run)
        tell_of_begin(run, executor._logger, executor._clock)
        self._in_progress[key] = run
        run.started = executor._clock.now()
        self._stops.begin(run)
        try:
            future = self._connection.submit(perform_message, message, key, on_crash_of(run), executor.resources)
            self._connection.call_soon(self._collect, run, future)
        except BaseException:
            self._in_progress.pop(key, None)
            self._stops.end(run)
            raise

    def cancel(self, run: Run, why: BaseException) -> bool:
        """Have a run stopped, wherever it is; return whether it is in progress here."""
        with self._lock:
            if self._in_progress.get(key_of(run)) is not run:
                return False
            run.stopped_by = why  # whatever comes back
        self._stops.cancel(run, why)
        return True

    def attach(self, run: Run) -> None:
        """Take over a run that another scheduler had handed to Dask."""
        with self._lock:
            self._unfinished += 1
            self._in_progress[key_of(run)] = run
            self._unattached.append(run)
        self._begin()
        self._bell.set()

    async def _collect(self, run: Run, future: Future[Any]) -> None:
        """Wait for a task on the client's loop, and fetch its answer together with those that come at the same time."""
        await self._connection.end_of(future)
        self._ended.append((run, future))
        if len(self._ended) == 1:
            await sleep(0)
            ended, self._ended = self._ended, []
            await self._fetch(ended)

    async def _fetch(self, ended: list[tuple[Run, Future[Any]]]) -> None:
        answers = await self._connection.results([future for _, future in ended])
        for (run, future), answer in zip(ended, answers, strict=True):
            if answer is None:
                self._connection.call_soon(self._fetch_alone, run, future)
            else:
                self._take(run, future, answer)

    async def _fetch_alone(self, run: Run, future: Future[Any]) -> None:
        self._take(run, future, await self._connection.result(future))

    def _take(self, run: Run, future: Future[Any], answer: Any) -> None:
        if is_connections_fault(answer):
            self._find_again(run)
        else:
            self._connection.forget(key_of(run), future)
            self._tellers.submit((run, answer))

    def _find_again(self, run: Run) -> None:
        with self._lock:
            self._unattached.append(run)
        self._bell.set()

    def tell(self, run: Run, answer: bytes | BaseException | None) -> None:
        """Write down how a run ended, and tell of it."""
        executor = self._executor
        with self._lock:
            self._in_progress.pop(key_of(run), None)  # from here on, nobody cancels it
        self._stops.end(run)
        if run.stopped_by is not None:
            note_stopped(run, executor._clock, executor._logger)
            answer = None
        if isinstance(answer, bytes):
            try:
                take_answer(answer, run, executor._logger)
            except RemoteError as exc:
                answer = exc
        if isinstance(answer, (KilledWorker, FutureCancelledError)):
            is_gone = isinstance(answer, FutureCancelledError) and answer.reason != LEFT
            self._note_loss(run, GONE if is_gone else LOST)
        elif isinstance(answer, BaseException):
            executor._logger.error("Error running job %s: %s", run.job or run.job_id, describe_exception(answer))
            fail(run, explained(answer), executor._clock)
        if run.finished is None:
            run.finished = executor._clock.now()
        with self._lock:
            self._unfinished -= 1
        try:
            executor._run_ended(run)
        finally:
            with self._lock:
                self._changed.notify_all()
                if self._is_closed:
                    self._bell.set()

    def _note_loss(self, run: Run, reason: str) -> None:
        run.outcome, run.reason = Outcome.INTERRUPTED, reason
        tell_of_loss(run, self._executor._logger)

    # -- the connection ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Start to look after the connection."""
        with self._lock:
            if self._keeper is None and not self._is_closed:
                self._keeper = Thread(target=self._keep, name=self._name, daemon=True)
                self._keeper.start()

    def _wait_for_connection(self) -> None:
        if self._connection.is_ready:
            return
        self._begin()
        with self._lock:
            self._changed.wait_for(lambda: self._connection.is_ready or self._why_not, FIRST_WAIT)
            if not self._connection.is_ready:
                raise ConnectionError(f"there is no connection to the Dask scheduler: {self._why_not}")

    def _keep(self) -> None:
        pause = 0.1
        while not self._is_over():
            if self._look():
                pause = 0.1
                self._bell.wait(LOOK_EVERY)
            else:
                self._bell.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            self._bell.clear()
        self._stops.close()
        self._connection.close()
        self._tellers.shutdown(wait=False)

    def _is_over(self) -> bool:
        with self._lock:
            return self._is_closed and not self._unfinished

    def _look(self) -> bool:
        """See to the connection, the size of the cluster and the runs to be found; return whether all is well."""
        connection = self._connection
        try:
            was_ready = connection.is_ready
            if not was_ready:
                connection.open()
            self._stops.look()
            threads = connection.threads(self._executor.resources)
            self._find_tasks()
        except Exception as exc:
            if self._why_not is None:
                self._executor._logger.warning(
                    "There is no connection to the Dask scheduler (%s); it is tried again, and what is due waits",
                    describe_exception(exc),
                    extra={"action": "dask_unreachable"},
                )
            self._note(0, exc)
            return False
        has_grown = threads > self._threads or not was_ready
        self._note(threads, None)
        if has_grown:
            self._executor._wake()
        return True

    def _note(self, threads: int, why_not: BaseException | None) -> None:
        with self._lock:
            self._threads, self._why_not = threads, why_not
            self._changed.notify_all()

    def _find_tasks(self) -> None:
        """Wait again for the tasks of runs that were taken over, or whose connection was lost."""
        with self._lock:
            runs, self._unattached = self._unattached, []
        try:
            known = self._connection.known([key_of(run) for run in runs]) if runs else set()
            while runs:
                run = runs[-1]
                if key_of(run) in known:
                    self._connection.call_soon(self._collect, run, self._connection.find(key_of(run)))
                else:
                    self._lose(run)
                runs.pop()
        finally:
            with self._lock:
                self._unattached += runs

    def _lose(self, run: Run) -> None:
        """Give up a run that Dask does not know any more, or run it again where its job says so."""
        if on_crash_of(run) == "rerun":
            run.attempt += 1
            self._send(run)
        else:
            self._tellers.submit((run, FutureCancelledError(key_of(run), GONE)))

    # -- the end -----------------------------------------------------------------------------------------------

    def shutdown(self, wait: bool) -> None:
        """Take nothing more; return when the runs have ended, if it is to wait and is not called by one of them."""
        with self._lock:
            self._is_closed = True
            keeper = self._keeper
        self._bell.set()
        if not wait or _current.get() is not None or self._tellers.is_own(current_thread()):
            return
        with self._lock:
            self._changed.wait_for(lambda: not self._unfinished)
        if keeper is not None:
            keeper.join()


class _Teller:
    """Tell of the ends of runs, on a thread of their own: listeners may take long, and may call the executor."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, item: tuple[Run, Any]) -> None:
        self._session.tell(*item)

    def report(self, item: Any) -> None:
        """All has been told."""

    def close(self) -> None:
        """Nothing is held."""
