"""
The suite that every job store passes.

Subclass `JobStoreContract` in a test module, say how to make a store, and let pytest (or any runner that knows
``setup_method``) run the inherited tests::

    class TestShelveJobStore(JobStoreContract):
        def make_store(self):
            return ShelveJobStore(tempfile.mktemp())

        def dispose_of(self, store):
            os.remove(store.path)
"""

from __future__ import annotations

from ._store_beside import BesideTheSchedule
from ._store_catching_up import CatchingUp
from ._store_claiming import Claiming
from ._store_history import Remembering
from ._store_keeping import Keeping
from ._store_overlap import Overlap
from ._store_returning import Returning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.jobstores.base import BaseJobStore

__all__ = ["JobStoreContract"]


class JobStoreContract(Keeping, Claiming, Overlap, Returning, Remembering, BesideTheSchedule, CatchingUp):
    """
    What holds for every job store.

    A subclass must override `make_store`. It may override `dispose_of`, and set:

    Attributes:
        limits_claims: whether `claim_due` hands out no more runs than the executors can start at once. Only a store
            that no other process can see may say False.
        is_case_sensitive: whether ids that differ in case only are different ids.
        locks_while_deciding: whether nobody can claim a job while the store asks `settle` what becomes of it.

    Each test gets a new store, started for a scheduler that does not run itself: the test calls the store as a
    scheduler would. To pass, a store must

    * keep every attribute of a job, ids of any text up to 191 characters, and next run times to the microsecond;
    * return jobs in the order of their next run times, those without one last;
    * change and add all or nothing, also when several threads call it at the same time;
    * in a claim advance a job first and hand out its run then, each fire time once;
    * keep what it cannot hand out, and tell of it;
    * make up after a downtime for what the job says, and tell of the rest;
    * remember runs: those in progress, and how the latest ones ended;
    * make runs beside the schedule: further attempts at those that failed, and runs that were asked for.

    A store that implements the eight abstract methods of `BaseJobStore` and leaves the rest as it is gets the last
    five for nothing.
    """

    def make_store(self) -> BaseJobStore:
        """Return a new, empty store that has not been started; called once for each test."""
        raise NotImplementedError(f"{type(self).__name__} must say how to make a store: override make_store()")

    def dispose_of(self, store: BaseJobStore) -> None:
        """Remove what the store has left behind, such as its file; called after each test, when it is shut down."""
