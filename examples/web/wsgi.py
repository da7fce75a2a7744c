"""
A WSGI application with a scheduler in each worker process, all on one database.

    cd examples/web && gunicorn --workers 4 wsgi

Each run of the job ``tick`` is made by one of the four. A request orders a job: ``curl localhost:8000/Ada``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jobs import greet, store, tick

from apscheduler_lite import BackgroundScheduler

# Started by the hooks of gunicorn.conf.py, in each worker: a scheduler that is started before the fork stays behind.
scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store()})
scheduler.add_job(tick, "interval", seconds=1, id="tick", replace_existing=True)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Order a greeting of whoever the path names."""
    name = environ["PATH_INFO"].strip("/") or "you"
    scheduler.add_job(greet, args=[name])
    start_response("202 Accepted", [("Content-Type", "text/plain")])
    return [b"ordered\n"]
