"""
The executor on a Dask cluster: runs as tasks on the workers of any number of machines.

The scheduler stays the brain: Dask is told what to run when it is due, and nothing of jobs, triggers and stores.
"""

from __future__ import annotations

try:
    from distributed import Client
except ImportError as exc:
    raise ImportError("DaskExecutor needs Dask: pip install 'apscheduler-lite[dask]'") from exc

from apscheduler_lite._options import as_count, as_name, as_positive_integer
from apscheduler_lite._running import is_coroutine_function
from apscheduler_lite._text import shorten
from apscheduler_lite.errors import JobCancelledError
from apscheduler_lite.executors._run_executor import RunExecutor

from .connection import Connection
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from apscheduler_lite.runs import Run

__all__ = ["DaskExecutor"]


class DaskExecutor(RunExecutor):
    """
    Run jobs on a Dask cluster.

    Plugin alias: ``dask``.

    It connects when the scheduler makes its first pass, and again whenever the connection is lost; without one, what is
    due waits. A client that is given is used, and left open; of an address or a cluster it makes a client of its own.

    Each run is one task, whose key begins with the job's id and the scheduled time. The function goes by its reference,
    so workers must be able to import it (one of the main script goes by value); arguments and results are pickled.

    A run whose worker is lost is interrupted, and Dask does not run it again unless its job has ``on_crash="rerun"``.
    Workers keep time limits, by their own clocks: a coroutine is cancelled, a function is left to itself on a thread of
    its own. Coroutine functions can be cancelled.

    When this process dies while runs go on, the scheduler that finds that out takes them over, if it has an executor by
    the same alias on the same cluster; their results are not lost.

    Args:
        address: address of the Dask scheduler (``"tcp://…"``), a client, or a cluster such as a ``LocalCluster``.
        resources: what a run takes of the workers' resources, such as ``{"GPU": 1}``.
        max_workers: how many runs may be in progress at the same time; by default as many as the cluster has threads
            (with the resources).
        prefetch: how many runs may be handed over beyond that, so that no worker waits for its next run.
        client_options: further arguments of the client that it makes, such as ``security``.

    Raises:
        ImportError: Dask is not installed; the message says how to install it.
        TypeError, ValueError: an argument is wrong.
    """

    adopts = True
    keeps_timeout = True

    def __init__(
        self,
        address: Any,
        resources: Mapping[str, float] | None = None,
        *,
        max_workers: int | None = None,
        prefetch: int = 0,
        client_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._target = _as_target(address)
        self.resources = _as_resources(resources)
        self.max_workers = None if max_workers is None else as_positive_integer(max_workers, "max_workers", ValueError)
        self.prefetch = as_count(prefetch, "prefetch")
        if client_options is not None and not hasattr(client_options, "keys"):
            raise TypeError(f"client_options must be a dict, not {shorten(client_options)}")
        if client_options and isinstance(self._target, Client):
            raise TypeError("address is a finished client, so it takes no client_options")
        self._client_options = dict(client_options or {})
        self._session: Session | None = None

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        connection = Connection(self._target, self._client_options)
        self._session = Session(self, connection, f"apscheduler_lite.{alias}.dask")

    def capacity(self) -> int | None:
        return self._session.free() if self._session is not None else 0

    def _begin(self, run: Run) -> None:
        self._started().submit(run)

    def adopt(self, run: Run) -> bool:
        """Wait for a run that another scheduler has handed to Dask; it ends as interrupted if Dask does not know it."""
        self._started().attach(run)
        return True

    def can_cancel(self, func: Any) -> bool:
        """Return whether it is a coroutine function: a thread of a worker cannot be stopped."""
        return is_coroutine_function(func)

    def cancel(self, run: Run, why: BaseException | None = None) -> bool:
        if self._session is None or not self.can_cancel(run.func):
            return False
        return self._session.cancel(run, why or JobCancelledError("it was cancelled"))

    def shutdown(self, wait: bool = True) -> None:
        if self._session is not None:
            self._session.shutdown(wait)

    def _started(self) -> Session:
        if self._session is None:
            raise RuntimeError(f"this {type(self).__name__} has not been started; add it to a running scheduler")
        return self._session

    def _wake(self) -> None:
        """Have the scheduler look for what is due, since there is room for it now."""
        wakeup = getattr(self._scheduler, "wakeup", None)
        if wakeup is not None:
            wakeup()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} ({shorten(self._target)})>"


def _as_target(address: Any) -> Any:
    if isinstance(address, (str, bytes)):
        return as_name(address, "address")
    if isinstance(address, Client):
        if address.asynchronous:
            raise TypeError("address is an asynchronous client; give a synchronous one, or the address itself")
        return address
    if hasattr(address, "scheduler_address"):
        return address
    raise TypeError(
        "address must be the address of a Dask scheduler ('tcp://host:8786'), a distributed.Client or a cluster such"
        f" as distributed.LocalCluster, not {shorten(address)}"
    )


def _as_resources(resources: Any) -> dict[str, float]:
    if resources is None:
        return {}
    if not hasattr(resources, "items"):
        raise TypeError(f"resources must be a dict such as {{'GPU': 1}}, not {shorten(resources)}")
    for name, need in resources.items():
        if isinstance(need, bool) or not isinstance(need, (int, float)) or need <= 0:
            raise ValueError(f"resources[{name!r}] must be a positive number, not {shorten(need)}")
    return dict(resources)
