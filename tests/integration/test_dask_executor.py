"""The Dask executor on a cluster in this process: its arguments, its connection, its guard."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from apscheduler_lite import BackgroundScheduler, _plugins
from apscheduler_lite.errors import RemoteError
from apscheduler_lite.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_INTERRUPTED
from apscheduler_lite.runs import Outcome, Run
from apscheduler_lite.testing._executor_bench import Recorder, add, hold
from tests.waiting import wait_until

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

from apscheduler_lite.executors.dask import DaskExecutor  # noqa: E402 - it needs Dask
from apscheduler_lite.executors.dask.tasks import key_of  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster whose one worker is threads of this process; it has one piece of a resource."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", resources={"GPU": 1}
    ) as made:
        yield made


@pytest.fixture
def client(cluster):
    """Connect to it."""
    with distributed.Client(cluster, set_as_default=False) as made:
        yield made


@pytest.fixture
def start(cluster):
    """Give what starts executors on the cluster, and shuts them down in the end."""
    started = []

    def start_one(target=cluster, **options):
        executor = DaskExecutor(target, **options)
        executor.start(Recorder(), "default")
        started.append(executor)
        return executor

    yield start_one
    for executor in started:
        executor.shutdown()


def run_of(executor, func, *args, **options):
    """Return a new run of a new job."""
    scheduler = BackgroundScheduler(timezone="UTC")
    job = scheduler.add_job(func, args=args, id="job", **options)
    now = executor._clock.now()
    return Run.of(job, "default", now, now)


def ended(executor, count=1):
    """Wait for the end of so many runs, and return them."""
    wait_until(lambda: len(executor._scheduler.ended) >= count, 30, "the end of the runs")
    return executor._scheduler.ended


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"address": 8786}, TypeError, "address must be the address of a Dask scheduler"),
        ({"address": ""}, TypeError, "address"),
        ({"address": "tcp://host:1", "resources": "GPU"}, TypeError, "resources must be a dict"),
        ({"address": "tcp://host:1", "resources": {"GPU": 0}}, ValueError, r"resources\['GPU'\] must be a positive"),
        ({"address": "tcp://host:1", "max_workers": 0}, ValueError, "max_workers"),
        ({"address": "tcp://host:1", "prefetch": -1}, ValueError, "prefetch"),
        ({"address": "tcp://host:1", "client_options": 3}, TypeError, "client_options must be a dict"),
    ],
)
def test_wrong_arguments_are_told_when_the_executor_is_made(arguments, error, message):
    """By parameter and value."""
    with pytest.raises(error, match=message):
        DaskExecutor(**arguments)


def test_a_dict_configures_it(cluster):
    """By its alias, and with what a configuration file writes."""
    scheduler = BackgroundScheduler(
        executors={"default": {"type": "dask", "address": cluster.scheduler_address, "prefetch": "3"}}
    )
    executor = scheduler._executors["default"]

    assert isinstance(executor, DaskExecutor)
    assert executor.prefetch == 3


def test_without_dask_the_extra_is_named(monkeypatch):
    """The error says what to install, whether the class is imported or named by its alias."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(_plugins._found, ("executor", "dask"), raising=False)
    for name in [each for each in sys.modules if each.startswith("apscheduler_lite.executors.dask")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ImportError, match=r"pip install 'apscheduler-lite\[dask\]'"):
        import_module("apscheduler_lite.executors.dask")
    with pytest.raises(LookupError, match=r"pip install 'apscheduler-lite\[dask\]'"):
        BackgroundScheduler(executors={"default": {"type": "dask", "address": "tcp://host:1"}})


def test_it_starts_without_a_cluster(caplog):
    """It connects when a pass asks for its workers; while it cannot, what is due waits, and the log says so once."""
    told = []
    scheduler = BackgroundScheduler(
        timezone="UTC", executors={"default": DaskExecutor("tcp://127.0.0.1:9", client_options={"timeout": 0.2})}
    )
    scheduler.add_listener(told.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_INTERRUPTED)
    scheduler.add_job(add, args=[1], id="job")
    scheduler.start()
    try:
        wait_until(lambda: "There is no connection to the Dask scheduler" in caplog.text, what="a line in the log")

        # It is taken now and then, to be handed over, and given back since that fails.
        wait_until(lambda: scheduler.get_job("job") is not None, what="return of the job")
        assert told == []
    finally:
        scheduler.shutdown()


def test_a_run_that_is_handed_over_without_a_cluster_is_refused():
    """So that it stays due."""
    executor = DaskExecutor("tcp://127.0.0.1:9", client_options={"timeout": 0.2})
    executor.start(Recorder(), "default")

    with pytest.raises(ConnectionError, match="no connection to the Dask scheduler"):
        executor.submit_run(run_of(executor, add, 1))
    executor.shutdown()


def test_its_capacity_is_that_of_the_cluster(start):
    """Its threads, those with the resources, or what is given; and the prefetch beyond that."""
    capacities = {"threads": {}, "resource": {"resources": {"GPU": 1}}, "given": {"max_workers": 5, "prefetch": 2}}
    executors = {name: start(**options) for name, options in capacities.items()}

    wait_until(lambda: all(each.capacity() for each in executors.values()), what="the connections")
    assert {name: each.capacity() for name, each in executors.items()} == {"threads": 2, "resource": 1, "given": 7}


def test_a_run_uses_the_resources(start):
    """What the cluster has not is not run, and not claimed either."""
    executor = start(resources={"GPU": 1})
    executor.submit_run(run_of(executor, add, 1))

    assert ended(executor)[0].retval == 1
    lacking = start(resources={"TPU": 1})
    lacking._session._wait_for_connection()
    assert lacking.capacity() == 0


def test_the_key_tells_job_and_time(start, cluster, client, tmp_path):
    """People find a run on Dask's dashboard by them."""
    executor = start(client)
    run = run_of(executor, hold, str(tmp_path / "gate"))
    executor.submit_run(run)

    wait_until(lambda: key_of(run) in cluster.scheduler.tasks, what="the task")
    assert key_of(run).startswith(f"job@{run.scheduled_run_time.isoformat()}/")
    (tmp_path / "gate").touch()
    ended(executor)
    wait_until(lambda: key_of(run) not in cluster.scheduler.tasks, what="Dask to forget the task")


def test_equal_runs_are_all_run(start):
    """Dask makes one of equal calls, unless it is told not to."""
    executor = start()
    for _ in range(3):
        executor.submit_run(run_of(executor, add, 1, 1))

    assert [run.retval for run in ended(executor, 3)] == [2, 2, 2]


def test_a_client_that_was_given_stays_open(client):
    """And one that was made here is closed."""
    executor = DaskExecutor(client)
    executor.start(Recorder(), "default")
    executor.submit_run(run_of(executor, add, 1))
    ended(executor)
    executor.shutdown()

    assert client.submit(add, 1, 2).result() == 3


def test_a_run_is_adopted_by_its_key(start, cluster, client, tmp_path):
    """Another executor on the same cluster takes it over, whether it still goes on or has ended meanwhile."""
    gate = tmp_path / "gate"
    first = start(client)
    runs = [run_of(first, hold, str(gate)), run_of(first, add, 1, 1)]
    for run in runs:
        first.submit_run(run)
    wait_until(lambda: ended(first) == [runs[1]], what="the end of the shorter one")
    second = start()

    copies = [Run.recorded(run.id, run.job_id, "default", "default", run.fire_time, run.due) for run in runs]
    for run in copies:
        assert second.adopt(run)
    wait_until(lambda: copies[1] in second._scheduler.ended, what="the end of the forgotten one")
    task = cluster.scheduler.tasks[key_of(runs[0])]
    wait_until(lambda: len(task.who_wants) == 3, what="the second to wait for the other one")
    gate.touch()

    ended(second, 2)
    assert (copies[0].outcome, copies[0].retval) == (Outcome.EXECUTED, "held")
    assert copies[1].outcome == Outcome.INTERRUPTED
    assert copies[1].reason == "interrupted: Dask does not know the run any more"


def test_a_run_that_dask_does_not_know_is_run_again_where_its_job_says_so(start):
    """It was lost on its way, or with Dask's own scheduler."""
    executor = start()
    run = run_of(executor, add, 1, 1, on_crash="rerun")
    executor.adopt(run)

    assert ended(executor) == [run]
    assert (run.outcome, run.retval, run.attempt) == (Outcome.EXECUTED, 2, 2)


def test_what_the_cluster_does_with_our_tasks_is_guarded(start, cluster, client, tmp_path):
    """A task of a run that may not be repeated has nothing to be repeated by as soon as it has ended."""
    executor = start(client)
    runs = {name: run_of(executor, hold, str(tmp_path / "gate"), on_crash=name) for name in ("skip", "rerun")}
    for run in runs.values():
        executor.submit_run(run)
    tasks = cluster.scheduler.tasks
    wait_until(lambda: all(key_of(run) in tasks for run in runs.values()), what="the tasks")
    mine = {name: tasks[key_of(run)] for name, run in runs.items()}
    wait_until(lambda: {task.state for task in mine.values()} == {"processing"}, what="their begin")

    assert mine["skip"].suspicious == cluster.scheduler.allowed_failures
    assert mine["rerun"].suspicious == 0
    (tmp_path / "gate").touch()
    ended(executor, 2)
    assert mine["skip"].run_spec is None
    assert mine["rerun"].run_spec is not None


def test_what_cannot_travel_is_an_error_that_names_it(start):
    """The scheduler's wrap among it."""
    executor = start()
    run = run_of(executor, add, 1)
    run.wrap = lambda run: None
    executor.submit_run(run)

    assert isinstance(ended(executor)[0].exception, RemoteError)
    assert "wrap" in run.reason
