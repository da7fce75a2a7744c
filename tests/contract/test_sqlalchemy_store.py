"""The contract of job stores, on each database."""

from __future__ import annotations

import pytest

from apscheduler_lite.testing import JobStoreContract
from tests.databases import FAMILIES, Place, kept_place


@pytest.mark.parametrize("family", FAMILIES)
class TestSQLAlchemyJobStore(JobStoreContract):
    locks_while_deciding = True
    test_it_works_in_a_forked_process = None  # a fork that is none leaves its thread behind; integration has a real one

    @pytest.fixture(autouse=True)
    def _place(self, family):
        with kept_place(family) as self.place:
            super().setup_method()
            yield
            super().teardown_method()

    place: Place

    def setup_method(self):
        """Wait for the fixture, which knows the database."""

    def teardown_method(self):
        """The fixture does it."""

    def make_store(self):
        return self.place.store()
