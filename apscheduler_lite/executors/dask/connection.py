"""
The connection to a Dask scheduler: made when it is needed, made again when it is lost.

A connection counts only once our guard is in the Dask scheduler at its other end. After the network was away that may
be another one than before, so the two are looked at together.
"""

from __future__ import annotations

from asyncio import CancelledError, wait_for
from contextlib import suppress

import dask
from distributed import Client, Future

from apscheduler_lite.executors._attempt import runs_here, stop_runs

from .guard import KEEPER, NOTE, Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["Connection"]

CONNECT_TIMEOUT = 5.0
"""Seconds for one try to connect."""
ASK_TIMEOUT = 5.0
"""Seconds for which the workers' answers are waited for."""
FETCH_TIMEOUT = 10.0
"""Seconds for which results that came together are fetched together."""


class Connection:
    """
    A client of a Dask scheduler, from its first connecting to its closing.

    Args:
        target: the address of the Dask scheduler, a cluster, or a client, which is used as it is and left open.
        options: further arguments of a client that is made here.
    """

    def __init__(self, target: Any, options: Mapping[str, Any]) -> None:
        self._target = target
        self._options = options
        self._is_ours = not isinstance(target, Client)
        self._client: Any = None
        self._guarded: object = None  # the stream to the Dask scheduler that has our guard

    @property
    def is_ready(self) -> bool:
        """Return whether it is connected to a Dask scheduler that has our guard."""
        client = self._client
        return client is not None and client.status == "running" and client.scheduler_comm is self._guarded

    def open(self) -> None:
        """
        Connect, and see to it that the guard is there.

        Raises:
            OSError, and others: that is not possible now.
        """
        if self._client is not None and self._client.status == "closed" and self._is_ours:
            self._drop()
        if self._client is None:
            self._client = self._make_client() if self._is_ours else self._target
        client = self._client
        stream = client.scheduler_comm
        if client.status != "running" or stream is None:
            raise OSError(f"the client is {client.status}")
        client.register_plugin(Guard())
        self._guarded = stream

    def _make_client(self) -> Any:
        options = {"timeout": CONNECT_TIMEOUT, "name": "apscheduler_lite", **self._options}
        return Client(self._target, set_as_default=False, **options)  # type: ignore[no-untyped-call]

    def threads(self, resources: Mapping[str, float]) -> int:
        """Return how many tasks that need these resources the cluster can have in progress at the same time."""
        client = self._connected()
        if not resources:
            return int(client.scheduler_info(n_workers=0)["total_threads"])
        workers = client.scheduler_info()["workers"].values()
        return sum(
            min([each["nthreads"], *(int(each["resources"].get(name, 0) // need) for name, need in resources.items())])
            for each in workers
        )

    def submit(
        self, function: Callable[[bytes], Any], message: bytes, key: str, on_crash: str, resources: Mapping[str, float]
    ) -> Any:
        """Have a worker call the function with the message; the task is kept until `forget` is called."""
        with dask.annotate(**{NOTE: on_crash}):  # type: ignore[attr-defined]
            return self._connected().submit(function, message, key=key, pure=False, resources=dict(resources) or None)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return those of the keys that the Dask scheduler knows a task of."""
        client = self._connected()
        states = client.sync(client.scheduler.get_task_status, keys=list(keys))
        return {key for key, state in states.items() if state is not None}

    def find(self, key: str) -> Future[Any]:
        """Return the future of a task that the Dask scheduler knows."""
        client = self._connected()
        future: Future[Any] = Future(key, client)
        client._send_to_scheduler({"op": "client-desires-keys", "keys": [key], "client": client.id})
        client._send_to_scheduler({"op": "report-key", "key": key})  # should it be forgotten in this moment
        return future

    def places(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Return on which workers runs are that have begun."""
        return self._ask_workers(runs_here, list(run_ids))

    def stop(self, reasons: Mapping[str, BaseException]) -> dict[str, str]:
        """Tell all workers to stop runs, or not to begin them; return on which workers those are that have begun."""
        return self._ask_workers(stop_runs, dict(reasons))

    def _ask_workers(self, question: Callable[[Any], list[str]], about: Any) -> dict[str, str]:
        try:
            answers = self._connected().run(question, about, on_error="ignore", callback_timeout=ASK_TIMEOUT)
        except TimeoutError:  # a worker hangs; nobody can tell what goes on there
            return {}
        return {run_id: worker for worker, run_ids in answers.items() for run_id in run_ids}

    def cancel(self, keys: Sequence[str]) -> None:
        """Have Dask drop tasks that have not begun."""
        client = self._connected()
        client.cancel([Future(key, client) for key in keys], force=True)

    def forget(self, key: str, future: Any) -> None:
        """Let the Dask scheduler forget a task that has ended."""
        client = self._client
        if future is not None:
            future.release()
        if client is not None and client.status == "running":
            with suppress(Exception):  # the connection may have broken in this moment; it is a few bytes that stay
                client._send_to_scheduler({"op": "client-releases-keys", "keys": [key], "client": KEEPER})

    def call_soon(self, coroutine: Callable[..., Any], *args: Any) -> None:
        """Run a coroutine function on the client's loop."""
        self._connected().loop.add_callback(coroutine, *args)

    async def end_of(self, future: Future[Any]) -> None:
        """Wait on the client's loop until a task has ended, is gone, or the connection is lost."""
        await future._state.wait()  # type: ignore[union-attr]

    async def results(self, futures: Sequence[Future[Any]]) -> list[Any]:
        """Return the results of tasks that have ended, by one call for all; None for those that have none at once."""
        finished = {future.key: future for future in futures if future.status == "finished"}
        found: dict[Any, Any] = {}
        if finished:
            # Of a task whose result is lost, and which is therefore computed again, the others must not wait.
            with suppress(Exception, CancelledError):
                found = await wait_for(
                    self._connected().gather(finished, errors="skip", asynchronous=True), FETCH_TIMEOUT
                )
        return [found.get(future.key) for future in futures]

    async def result(self, future: Future[Any]) -> Any:
        """Return the result of one task, or the exception that says why there is none."""
        try:
            return await self._connected().gather(future, asynchronous=True)
        except BaseException as exc:
            return exc

    def close(self) -> None:
        """Close the client, if it was made here."""
        if self._is_ours:
            self._drop()

    def _drop(self) -> None:
        client, self._client, self._guarded = self._client, None, None
        if client is not None:
            client.close(CONNECT_TIMEOUT)

    def _connected(self) -> Any:
        if self._client is None:
            raise ConnectionError("there is no connection to the Dask scheduler")
        return self._client
