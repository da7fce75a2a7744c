"""
An ASGI application with a scheduler on the event loop of each worker process, all on one database.

    cd examples/web && uvicorn --workers 4 asgi:application

A framework such as Starlette or FastAPI writes the lifespan as a context manager; this is what is below it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from jobs import greet, store, tick

from apscheduler_lite import AsyncIOScheduler

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": store()})
scheduler.add_job(tick, "interval", seconds=1, id="tick", replace_existing=True)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Live as long as the server, and order a greeting of whoever the path of a request names."""
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "http":
        scheduler.add_job(greet, args=[scope["path"].strip("/") or "you"])
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ordered\n"})


async def live(receive: Receive, send: Send) -> None:
    """Start the scheduler with the server, and let the runs in progress end with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            scheduler.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await scheduler.shutdown(timeout=20)
            await send({"type": "lifespan.shutdown.complete"})
            return
