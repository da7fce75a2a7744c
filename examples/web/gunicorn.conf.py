"""What gunicorn reads when it is started in this directory: the scheduler lives in the workers."""

from __future__ import annotations

from typing import Any


def post_worker_init(worker: Any) -> None:
    """Start the scheduler when the worker has loaded the application."""
    from wsgi import scheduler

    scheduler.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Let the runs in progress end, for less than gunicorn's graceful_timeout of 30 seconds."""
    from wsgi import scheduler

    if scheduler.running:
        scheduler.shutdown(timeout=20)
