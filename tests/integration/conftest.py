"""A place on each database, and schedulers that are shut down."""

from __future__ import annotations

import pytest

from apscheduler_lite import BackgroundScheduler
from tests.databases import FAMILIES, place
from tests.integration import jobs


@pytest.fixture(params=FAMILIES)
def shared(request):
    """Give a place on one of the databases."""
    with place(request.param) as made:
        yield made


@pytest.fixture
def sqlite():
    """Give a place on SQLite."""
    with place("sqlite") as made:
        yield made


@pytest.fixture
def postgres():
    """Give a place on PostgreSQL."""
    with place("postgresql") as made:
        yield made


@pytest.fixture
def schedulers():
    """Make schedulers that are shut down in the end."""
    made = []

    def make(store, **options):
        scheduler = BackgroundScheduler(**{"timezone": "UTC", "jobstores": {"default": store}, **options})
        made.append((scheduler, store))
        return scheduler

    jobs.CALLS.clear()
    jobs.GATE.clear()
    yield make
    jobs.GATE.set()
    for scheduler, store in made:
        if scheduler.running:
            scheduler.shutdown()
        store.shutdown()
