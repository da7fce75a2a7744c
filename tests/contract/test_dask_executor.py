"""The executor on Dask passes the suite for executors, on a cluster of processes."""

from __future__ import annotations

import pytest

from apscheduler_lite.testing.executor_contract import ExecutorContract

distributed = pytest.importorskip("distributed", reason="distributed is not installed")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Start a cluster of two processes with one thread each."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made:
        TestOnLocalCluster.cluster = made
        yield


class TestOnLocalCluster(ExecutorContract):
    """Two worker processes; Dask's pickler holds functions without a name."""

    has_loop = False

    runs_elsewhere = True
    carries_functions = True
    cluster = None

    def make_executor(self, cls=None):
        from apscheduler_lite.executors.dask import DaskExecutor

        return (cls or DaskExecutor)(self.cluster)
