"""
The executor on anybody's pool: whatever has the interface of `concurrent.futures`.

loky, Parsl, executorlib, mpi4py and the standard library's own pools are asked for no more than ``submit`` and
``shutdown``. What crosses a border to their workers, and what comes back, is the business of `_border`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError
from threading import Condition, get_ident

from apscheduler_lite._locks import make_lock
from apscheduler_lite._options import as_count, as_positive_integer
from apscheduler_lite._references import check_arguments, name_of, resolve
from apscheduler_lite._running import describe_exception, may_begin
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import RemoteError, WorkerDiedError
from apscheduler_lite.runs import _current

from ._border import Errand, perform, take_answer
from ._run_executor import RunExecutor
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["FuturesExecutor"]


class FuturesExecutor(RunExecutor):
    """
    Run jobs on any pool that has the interface of `concurrent.futures.Executor`.

    Plugin alias: ``futures``.

    A pool that is given stays its owner's: it is not shut down with the scheduler. One that is made by a factory is
    shut down with it, made anew by the next start, and replaced at once when it breaks, as process pools do when a
    worker dies. The runs that were in a pool that breaks end with `WorkerDiedError`; those that wait for a worker get
    the new pool.

    Where the workers are other processes, the function, its arguments and its result must be picklable, as for
    `ProcessPoolExecutor`; a function without an importable name travels where the pool's own pickler can hold it.

    Args:
        executor: the pool; or what makes one: a callable, or the name of one (``"loky:get_reusable_executor"``).
        max_workers: how many runs the pool can have in progress at the same time. It is handed on to a factory that
            has a parameter of that name, and need not be given where the pool tells it.
        prefetch: how many runs may be handed over beyond that, so that no worker waits for its next run. After a crash
            that many may be reported as interrupted that had not begun.
        kwargs: further arguments of the factory.

    Raises:
        TypeError, ValueError, LookupError: an argument is wrong, or the number of workers is neither given nor told
            by the pool.
    """

    def __init__(
        self,
        executor: Executor | Callable[..., Executor] | str,
        max_workers: int | None = None,
        *,
        prefetch: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.max_workers = None if max_workers is None else as_positive_integer(max_workers, "max_workers", ValueError)
        self.prefetch = as_count(prefetch, "prefetch")
        self._factory: Callable[..., Executor] | None = None
        self._given: Executor | None = None
        if _is_pool(executor):
            self._given = executor  # type: ignore[assignment]
            if kwargs:
                raise TypeError(
                    f"executor is a finished pool, so it takes no further arguments: {', '.join(kwargs)}; give what"
                    " makes one instead, such as its class"
                )
            self._limit_of(self._given)
        else:
            self._factory = self._as_factory(executor, kwargs)
        self._kwargs = kwargs
        self._session: _Session | None = None

    def _as_factory(self, executor: Any, kwargs: dict[str, Any]) -> Callable[..., Executor]:
        factory: Any = resolve(executor, "executor") if isinstance(executor, (str, bytes)) else executor
        if not callable(factory):
            raise TypeError(
                "executor must have the methods submit and shutdown, as concurrent.futures.Executor, or be a callable"
                f" or a reference 'module:factory' that makes such a pool; not {shorten(executor)}"
            )
        if self.max_workers is not None and _takes(factory, "max_workers"):
            kwargs["max_workers"] = self.max_workers
        check_arguments(factory, (), kwargs)
        return factory  # type: ignore[no-any-return]

    def _limit_of(self, pool: Any) -> int:
        """Return how many runs a pool can have in progress."""
        told = getattr(pool, "_max_workers", None)  # the name in the standard library, and in loky
        limit = self.max_workers or (told if isinstance(told, int) else None)
        if limit is None:
            raise ValueError(f"{shorten(pool)} does not tell how many runs it can have in progress: give max_workers=")
        return limit

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        pool = self._make_pool() if self._given is None else self._given
        self._session = _Session(self, pool, self._limit_of(pool))

    def _make_pool(self) -> Executor:
        factory: Any = self._factory
        pool = factory(**self._kwargs)
        if not _is_pool(pool):
            raise TypeError(
                f"{name_of(factory)} must make a pool with the methods submit and shutdown, not {shorten(pool)}"
            )
        return pool  # type: ignore[no-any-return]

    def capacity(self) -> int | None:
        return self._session.free() if self._session is not None else 0

    def _begin(self, run: Run) -> None:
        if self._session is None:
            raise RuntimeError(f"this {type(self).__name__} has not been started; add it to a running scheduler")
        self._session.submit(run)

    def shutdown(self, wait: bool = True) -> None:
        if self._session is not None:
            self._session.shutdown(wait)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} ({shorten(self._given or self._factory)}, max_workers={self.max_workers})>"


class _Session:
    """The runs from one start of an executor to its shutdown, or longer when that does not wait; and their pool."""

    def __init__(self, executor: FuturesExecutor, pool: Executor, limit: int) -> None:
        self._executor = executor
        self._pool = pool
        self._limit = limit
        self._most = limit + executor.prefetch  # runs that are in the pool at the same time
        self._lock = make_lock()
        self._changed = Condition(self._lock)
        self._waiting: deque[Run] = deque()
        self._in_pool = 0
        self._unfinished = 0
        self._telling: set[int] = set()  # threads of the pool that tell of a run's end at this moment
        self._is_closed = False
        self._owns_pool = executor._factory is not None

    def free(self) -> int:
        """Return how many more runs may be handed over."""
        return max(0, self._most - self._in_pool - len(self._waiting))

    def submit(self, run: Run) -> None:
        """
        Hand a run to the pool, or keep it until there is room.

        Raises:
            RuntimeError: the executor has been shut down.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this FuturesExecutor has been shut down")
            self._unfinished += 1
            if self._in_pool >= self._most:
                self._waiting.append(run)
                return
            self._in_pool += 1
        try:
            self._hand_over(run)
        except BaseException:
            with self._lock:
                self._in_pool -= 1
                self._unfinished -= 1
                self._changed.notify_all()
            raise

    def _hand_over(self, run: Run) -> None:
        executor = self._executor
        if not may_begin(run, executor._clock, executor._logger):
            self._leave()
            self._tell(run)
            return
        errand = Errand(run, executor._clock, executor._logger)
        pool = self._pool
        try:
            future = pool.submit(perform, errand)
        except BrokenExecutor:
            future = self._replace(pool).submit(perform, errand)
        future.add_done_callback(lambda ended: self._end(run, ended))

    def _replace(self, broken: Executor) -> Executor:
        """Return the pool that has taken the place of one that is broken."""
        executor = self._executor
        if not self._owns_pool:
            raise RuntimeError(
                "the pool is broken and cannot be replaced, since it was given as an object; give what makes it"
                " instead, such as its class or 'module:factory'"
            )
        with self._lock:
            if self._pool is broken:
                executor._logger.warning("The pool %s is broken and is replaced", shorten(broken))
                self._pool = executor._make_pool()
                broken.shutdown(wait=False)
            return self._pool

    def _end(self, run: Run, future: Future[bytes | None]) -> None:
        executor = self._executor
        try:
            answer = future.result()
            if answer is not None:
                take_answer(answer, run, executor._logger)
        except BaseException as exc:
            executor._logger.error("Error running job %s: %s", run.job or run.job_id, describe_exception(exc))  # noqa: TRY400 - told in full by the event
            fail(run, _explained(exc), executor._clock)
        # The worker is free before anybody hears of the end.
        self._leave()
        self._tell(run)

    def _leave(self) -> None:
        """Take note that a run has left the pool, and hand over the next one."""
        with self._lock:
            self._in_pool -= 1
            if not self._waiting:
                return
            following = self._waiting.popleft()
            self._in_pool += 1
        try:
            self._hand_over(following)
        except BaseException as exc:
            with self._lock:
                self._in_pool -= 1
            self._tell(fail(following, exc, self._executor._clock))

    def _tell(self, run: Run) -> None:
        me = get_ident()
        is_first = me not in self._telling
        self._telling.add(me)
        try:
            self._executor._run_ended(run)
        finally:
            if is_first:
                self._telling.discard(me)
            with self._lock:
                self._unfinished -= 1
                is_last = self._is_closed and not self._unfinished
                self._changed.notify_all()
            if is_last:
                self._close_pool()

    def shutdown(self, wait: bool) -> None:
        """Take nothing more; return when the runs have ended, if it is to wait and is not called by one of them."""
        is_inside = get_ident() in self._telling or _current.get() is not None
        with self._lock:
            self._is_closed = True
            if wait and not is_inside:
                self._changed.wait_for(lambda: not self._unfinished)
            is_over = not self._unfinished
        if is_over:
            self._close_pool()

    def _close_pool(self) -> None:
        if self._owns_pool:
            # A thread of the pool, which may be what this is called on, cannot wait for itself.
            self._pool.shutdown(wait=False)


def _explained(exc: BaseException) -> BaseException:
    """Return an error that says what happened to a run whose worker has not answered."""
    if isinstance(exc, BrokenExecutor):
        return WorkerDiedError(f"a worker of the pool died: {describe_exception(exc)}")
    if isinstance(exc, (RemoteError, CancelledError)):
        return exc
    return RemoteError(f"the run could not travel to a worker and back: {describe_exception(exc)}")


def _is_pool(executor: Any) -> bool:
    return (
        not isinstance(executor, (type, str, bytes))
        and callable(getattr(executor, "submit", None))
        and callable(getattr(executor, "shutdown", None))
    )


def _takes(factory: Callable[..., Any], parameter: str) -> bool:
    """Return whether a callable has a parameter of that name, or takes any."""
    from inspect import Parameter, signature

    try:
        parameters = signature(factory).parameters
    except (TypeError, ValueError):
        return True
    return parameter in parameters or any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
