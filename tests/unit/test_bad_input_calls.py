"""
Facts about wrong arguments of every public call: told at the call, with parameter and value, and nothing has changed.

One table for each class. Where APScheduler 3.11 raises for the same value, the type of the exception is its type (seen
by running it), save the differences that the design names.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import re
from datetime import date

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler
from apscheduler_lite.errors import (
    ConflictingIdError,
    JobLookupError,
    MaxInstancesReachedError,
    SchedulerAlreadyRunningError,
    SchedulerNotRunningError,
)
from apscheduler_lite.executors.asyncio import AsyncIOExecutor
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import BasePoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler_lite.job import Job
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.ids import shown
from tests.stepping import SteppingScheduler

HOURLY = IntervalTrigger(hours=1, timezone="UTC")


def work(first=None, second=None):
    """Do nothing."""


def make_scheduler(is_running=True):
    """Return a scheduler with a job, an executor and a store beside the default ones."""
    scheduler = SteppingScheduler(job_defaults={"max_instances": 2})
    scheduler.add_executor("debug", "quick")
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(work, "interval", hours=1, id="job", args=[1])
    scheduler.add_job(work, "interval", hours=1, id="paused", next_run_time=None, jobstore="other")
    if is_running:
        scheduler.start()
    return scheduler


def state_of(scheduler):
    """Return all that a call could have changed."""
    jobs = [
        (
            *(
                job.id,
                job._jobstore_alias,
                job.name,
                job.func,
                job.args,
                job.kwargs,
                job.trigger,
                job._next,
                job.paused,
            ),
            *(job.executor, job.misfire_grace_time, job.coalesce, job.max_instances),
        )
        for job in scheduler.get_jobs()
    ]
    equipment = (dict(scheduler._executors), dict(scheduler._catalog.stores), scheduler._listeners._listeners)
    return jobs, equipment, scheduler.state, scheduler.timezone, scheduler._job_defaults, scheduler.clock


def add(**given):
    """Return a call of add_job."""
    return lambda scheduler: scheduler.add_job(**{"func": work, **given})


def each(method, *args, **kwargs):
    """Return a call of a method."""
    return lambda scheduler: getattr(scheduler, method)(*args, **kwargs)


def load(text):
    """Return a call of import_jobs with a file that holds the text."""
    return lambda scheduler: scheduler.import_jobs(io.StringIO(text))


NAME = "must be a nonempty string, not"

CALLS = [
    # -- add_job
    (add(func=5), TypeError, r"func must be a callable or a textual reference to one \('module:function'\), not 5"),
    (add(func=None), TypeError, "func must be a callable .*, not None"),
    (add(func="work"), ValueError, "func must be of the form 'module:function', not 'work'"),
    (add(func="nowhere:work"), LookupError, "func 'nowhere:work': could not import module 'nowhere'"),
    (
        add(func=f"{__name__}:wrk"),
        LookupError,
        f"func '{__name__}:wrk': .* has no attribute 'wrk'; did you mean 'work'",
    ),
    (add(func="sys:path"), TypeError, "func 'sys:path' names .*, which is not callable"),
    (add(trigger="intervall"), LookupError, "no trigger by the name 'intervall' was found; did you mean 'interval'"),
    (add(trigger=""), (LookupError, TypeError), "trigger"),
    (add(trigger=5), TypeError, "trigger must be a trigger instance or the name of one, not 5"),
    (add(trigger=IntervalTrigger), TypeError, "trigger .*IntervalTrigger"),
    (add(trigger=b"\xff"), ValueError, "trigger must be text; these bytes are not UTF-8"),
    (
        add(trigger="interval", hour=1),
        TypeError,
        "unknown argument of add_job or IntervalTrigger 'hour'; did you mean 'hours'",
    ),
    (add(trigger="interval", seconds=0), ValueError, "the interval must be longer than zero"),
    (add(trigger="interval", seconds="x"), TypeError, "seconds must be a number, not str: 'x'"),
    (add(trigger="interval", seconds=1, timezone="Mars/Base"), ValueError, "timezone.*'Mars/Base'"),
    (add(trigger="cron", hour=25), ValueError, "hour.*25"),
    (add(trigger="date", run_date="soon"), ValueError, "run_date must be a date and time like .*, not 'soon'"),
    (add(trigger=HOURLY, hours=1), TypeError, "trigger is a finished object.*hours"),
    (add(max_instance=1), TypeError, "'?max_instance'?.*did you mean 'max_instances'"),
    (add(args=5), TypeError, "args must be a list or tuple of positional arguments, not 5"),
    (add(args="text"), TypeError, "args must be a list or tuple of positional arguments, not 'text'"),
    (add(args=[1, 2, 3]), ValueError, r"args/kwargs do not fit work\(first=None, second=None\): too many positional"),
    (add(kwargs=5), TypeError, "kwargs must be a dict of keyword arguments, not 5"),
    (add(kwargs=[1]), TypeError, r"kwargs must be a dict of keyword arguments, not \[1\]"),
    (add(kwargs={1: 2}), TypeError, r"kwargs must be a dict of keyword arguments, not \{1: 2\}"),
    (add(kwargs={"frist": 1}), ValueError, "unexpected keyword argument 'frist'.*did you mean 'first'"),
    (add(id=5), TypeError, f"id {NAME} 5"),
    (add(id=""), TypeError, f"id {NAME} ''"),
    (add(id=b"\xff"), ValueError, "id must be text; these bytes are not UTF-8"),
    (add(id="job"), ConflictingIdError, "a job with the id job exists already; pass replace_existing=True"),
    (add(name=5), TypeError, f"name {NAME} 5"),
    (add(name=""), TypeError, f"name {NAME} ''"),
    (add(misfire_grace_time=0), TypeError, "misfire_grace_time must be None or a positive number of seconds .*, not 0"),
    (add(misfire_grace_time=-1.5), TypeError, "misfire_grace_time must be None or a positive number .*, not -1.5"),
    (add(misfire_grace_time="long"), TypeError, "misfire_grace_time must be None or a positive number .*, not 'long'"),
    (add(coalesce="perhaps"), ValueError, "coalesce must be true or false .*, not 'perhaps'"),
    (add(coalesce=None), TypeError, "coalesce must be True or False, not None"),
    (add(max_instances=0), TypeError, "max_instances must be a positive integer, not 0"),
    (add(max_instances=1.5), TypeError, "max_instances must be a positive integer, not 1.5"),
    (add(max_instances=None), TypeError, "max_instances must be a positive integer, not None"),
    (add(next_run_time=5), TypeError, "next_run_time must be a datetime, a date or text .*, not int: 5"),
    (add(next_run_time="soon"), ValueError, "next_run_time must be a date and time like .*, not 'soon'"),
    (add(jobstore="othr"), KeyError, "No such job store: othr; did you mean 'other'"),
    (add(jobstore=5), TypeError, f"jobstore {NAME} 5"),
    (add(jobstore=None), TypeError, f"jobstore {NAME} None"),
    (add(executor=5), TypeError, f"executor {NAME} 5"),
    (add(executor=""), TypeError, f"executor {NAME} ''"),
    (add(replace_existing="perhaps"), ValueError, "replace_existing must be true or false .*, not 'perhaps'"),
    (add(replace_existing=None), TypeError, "replace_existing must be True or False, not None"),
    # -- add_jobs
    (each("add_jobs", 5), TypeError, "jobs must be a list of dicts.*, not 5"),
    (each("add_jobs", {"func": work}), TypeError, "jobs must be a list of dicts.*not {'func'"),
    (each("add_jobs", [5]), TypeError, r"jobs\[0\] must be a dict of add_job arguments, not 5"),
    (each("add_jobs", [{}]), TypeError, "a job needs a func"),
    (each("add_jobs", [{"fnc": work}]), TypeError, "unknown argument of add_job 'fnc'; did you mean 'func'"),
    (each("add_jobs", [{"func": work}, {"func": work, "max_instance": 1}]), TypeError, "max_instance"),
    (each("add_jobs", [{"func": work}, {"func": work, "id": "job"}]), ConflictingIdError, "job"),
    (each("add_jobs", [{"func": work}], jobstore="nope"), KeyError, "No such job store: nope"),
    (each("add_jobs", [{"func": work}], jobstore=5), TypeError, f"jobstore {NAME} 5"),
    (
        each("add_jobs", [{"func": work}, {"func": work, "jobstore": "other"}]),
        ValueError,
        r"the jobs of one add_jobs call must go to one store, not to \['default', 'other'\]",
    ),
    # -- scheduled_job
    (each("scheduled_job", None), TypeError, "scheduled_job needs a trigger: write @scheduler.scheduled_job"),
    (each("scheduled_job", work), TypeError, "scheduled_job needs a trigger"),
    (lambda scheduler: scheduler.scheduled_job("interval", hours=1)(5), TypeError, "func must be a callable"),
    (lambda scheduler: scheduler.scheduled_job("intervall")(work), LookupError, "did you mean 'interval'"),
    (lambda scheduler: scheduler.scheduled_job("interval", hour=1)(work), TypeError, "did you mean 'hours'"),
    # -- modify_job and its like
    (each("modify_job", "nope", name="x"), JobLookupError, "no job by the id of nope was found"),
    (each("modify_job", 5, name="x"), TypeError, f"job_id {NAME} 5"),
    (each("modify_job", "job", "nope", name="x"), JobLookupError, "id of job was found: No such job store: nope"),
    (each("modify_job", "job", "other", name="x"), JobLookupError, "no job by the id of job was found"),
    (each("modify_job", "job", 5, name="x"), TypeError, f"jobstore {NAME} 5"),
    (each("modify_job", "job", id="x"), ValueError, "the id of a job may not be changed"),
    (
        each("modify_job", "job", nam="x"),
        (TypeError, AttributeError),
        "unknown attribute of a job 'nam'; did you mean 'name'",
    ),
    (each("modify_job", "job", name=5), TypeError, f"name {NAME} 5"),
    (each("modify_job", "job", func=5), TypeError, "func must be a callable"),
    (each("modify_job", "job", args=[1, 2, 3]), ValueError, "args/kwargs do not fit work"),
    (each("modify_job", "job", name="x", max_instances=0), TypeError, "max_instances must be a positive integer"),
    (each("modify_job", "job", name="x", trigger="intervall"), LookupError, "did you mean 'interval'"),
    (
        each("modify_job", "job", trigger="interval", hour=1),
        TypeError,
        "unknown argument.*'hour'; did you mean 'hours'",
    ),
    (each("modify_job", "job", trigger=5), TypeError, "trigger must be a trigger instance or the name of one, not 5"),
    (each("modify_job", "job", next_run_time=5), TypeError, "next_run_time must be a datetime"),
    (each("modify_job", "job", executor=5), TypeError, f"executor {NAME} 5"),
    (each("reschedule_job", "nope", trigger="interval", hours=1), JobLookupError, "no job by the id of nope"),
    (each("reschedule_job", 5, trigger="interval", hours=1), TypeError, f"job_id {NAME} 5"),
    (each("reschedule_job", "job", "nope", HOURLY), JobLookupError, "No such job store: nope"),
    (each("reschedule_job", "job", trigger="intervall"), LookupError, "did you mean 'interval'"),
    (each("reschedule_job", "job", trigger="interval", hour=1), TypeError, "did you mean 'hours'"),
    (each("pause_job", "nope"), JobLookupError, "no job by the id of nope was found"),
    (each("pause_job", None), TypeError, f"job_id {NAME} None"),
    (each("pause_job", "job", "nope"), JobLookupError, "No such job store: nope"),
    (each("resume_job", "nope"), JobLookupError, "no job by the id of nope was found"),
    (each("resume_job", b"\xff"), ValueError, "job_id must be text"),
    (each("resume_job", "paused", "nope"), JobLookupError, "No such job store: nope"),
    # -- looking and removing
    (each("get_job", 5), TypeError, f"job_id {NAME} 5"),
    (each("get_job", "job", "nope"), KeyError, r"No such job store: nope \(there are: 'default', 'other'\)"),
    (each("get_job", "job", 5), TypeError, f"jobstore {NAME} 5"),
    (each("get_jobs", "nope"), KeyError, "No such job store: nope"),
    (each("get_jobs", 5), TypeError, f"jobstore {NAME} 5"),
    (each("get_jobs", pending="perhaps"), (TypeError, ValueError), "pending must be"),
    (each("print_jobs", "nope"), KeyError, "No such job store: nope"),
    (each("print_jobs", out=5), TypeError, "out must be an open text file, not 5"),
    (each("remove_job", "nope"), JobLookupError, "no job by the id of nope was found"),
    (each("remove_job", 5), TypeError, f"job_id {NAME} 5"),
    (each("remove_job", "job", "nope"), JobLookupError, "No such job store: nope"),
    (each("remove_job", "job", "other"), JobLookupError, "no job by the id of job was found"),
    (each("remove_all_jobs", "nope"), KeyError, "No such job store: nope"),
    (each("remove_all_jobs", 5), TypeError, f"jobstore {NAME} 5"),
    # -- files
    (each("export_jobs", 5), TypeError, "outfile must be an open text file or the path of one, not 5"),
    (each("export_jobs", "/nowhere/at/all.json"), FileNotFoundError, "/nowhere/at/all.json"),
    (each("export_jobs", io.StringIO(), "nope"), KeyError, "No such job store: nope"),
    (each("import_jobs", 5), TypeError, "infile must be an open text file or the path of one, not 5"),
    (each("import_jobs", "/nowhere/at/all.json"), FileNotFoundError, "/nowhere/at/all.json"),
    (load("no json"), ValueError, "this is not a file of exported jobs"),
    (load("[]"), ValueError, "this is not a file of exported jobs"),
    (load('{"jobs": []}'), ValueError, "version None"),
    (load('{"version": 99, "jobs": []}'), ValueError, "version 99"),
    (load('{"version": 1, "jobs": [5]}'), ValueError, "not a file of exported jobs|job"),
    (load('{"version": 1, "jobs": [{"id": "x"}]}'), ValueError, "x"),
    (each("import_jobs", __file__, "nope"), (KeyError, ValueError), "No such job store: nope|not a file of exported"),
    # -- executors and stores
    (each("add_executor", 5, "x"), TypeError, "executor must be an executor instance"),
    (each("add_executor", DebugExecutor, "x"), TypeError, "executor must be an executor instance"),
    (each("add_executor", concurrent.futures.ThreadPoolExecutor(), "x"), TypeError, "executor must be an executor"),
    (each("add_executor", MemoryJobStore(), "x"), TypeError, "executor must be an executor instance"),
    (each("add_executor", "debugg", "x"), LookupError, "did you mean 'debug'"),
    (each("add_executor", "debug", "quick"), ValueError, "the alias 'quick' is taken by another executor"),
    (each("add_executor", "debug", 5), TypeError, f"alias {NAME} 5"),
    (each("add_executor", "debug", ""), TypeError, f"alias {NAME} ''"),
    (each("add_executor", "threadpool", "x", max_worker=1), TypeError, "did you mean 'max_workers'"),
    (each("add_executor", "threadpool", "x", max_workers=0), ValueError, "max_workers must be a positive integer"),
    (each("remove_executor", "quik"), KeyError, "No such executor: quik; did you mean 'quick'"),
    (each("remove_executor", 5), (KeyError, TypeError), "5"),
    (each("add_jobstore", 5, "x"), TypeError, "jobstore must be a job store instance"),
    (each("add_jobstore", MemoryJobStore, "x"), TypeError, "jobstore must be a job store instance"),
    (each("add_jobstore", DebugExecutor(), "x"), TypeError, "jobstore must be a job store instance"),
    (each("add_jobstore", "memry", "x"), LookupError, "did you mean 'memory'"),
    (each("add_jobstore", "memory", "other"), ValueError, "the alias 'other' is taken by another job store"),
    (each("add_jobstore", "memory", None), TypeError, f"alias {NAME} None"),
    (each("add_jobstore", "memory", "x", url="y"), TypeError, "unknown option of MemoryJobStore in jobstore 'url'"),
    (each("remove_jobstore", "othr"), KeyError, "No such job store: othr; did you mean 'other'"),
    (each("remove_jobstore", 5), (KeyError, TypeError), "5"),
    # -- listeners
    (each("add_listener", 5), TypeError, "callback must be callable, not 5"),
    (each("add_listener", work, "all"), TypeError, "mask must be a positive integer, not 'all'"),
    (each("add_listener", work, 0), TypeError, "mask must be a positive integer, not 0"),
    (each("add_listener", work, 2**40), ValueError, "mask 1099511627776 holds codes that no event has"),
    # -- life
    (each("start"), SchedulerAlreadyRunningError, "the scheduler is already running"),
    (each("configure", timezone="UTC"), SchedulerAlreadyRunningError, "the scheduler is already running"),
    (each("shutdown", wait="perhaps"), TypeError, "wait must be True or False, not 'perhaps'"),
    (each("shutdown", timeout="soon"), TypeError, "timeout must be None or a number of seconds, not 'soon'"),
    (each("shutdown", timeout=-1), ValueError, "timeout must be zero or more seconds, .*, not -1"),
]


@pytest.mark.parametrize(
    ("call", "kind", "message"), CALLS, ids=[f"{number} {row[2]}"[:60] for number, row in enumerate(CALLS)]
)
def test_a_wrong_call_of_a_running_scheduler_is_told_and_changes_nothing(call, kind, message):
    """Jobs, executors, stores, listeners and options are as they were."""
    scheduler = make_scheduler()
    before = state_of(scheduler)

    with pytest.raises(kind, match=message):
        call(scheduler)
    assert state_of(scheduler) == before


NOT_BEFORE_THE_START = re.compile("No such job store|already running|wait must|timeout must")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [row for row in CALLS if not NOT_BEFORE_THE_START.search(row[2])],
    ids=[f"{number} {row[2]}"[:60] for number, row in enumerate(CALLS) if not NOT_BEFORE_THE_START.search(row[2])],
)
def test_a_wrong_call_before_the_start_is_told_and_changes_nothing(call, kind, message):
    """The same as after it."""
    scheduler = make_scheduler(is_running=False)
    before = state_of(scheduler)

    with pytest.raises(kind, match=message):
        call(scheduler)
    assert state_of(scheduler) == before


@pytest.mark.parametrize("call", ["pause", "resume", "shutdown"])
def test_what_needs_a_running_scheduler_says_so(call):
    """Before it has ever been started."""
    scheduler = make_scheduler(is_running=False)
    with pytest.raises(SchedulerNotRunningError, match=r"the scheduler is not running; call start\(\) first"):
        getattr(scheduler, call)()

    assert scheduler.state == 0


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"timezone": "Mars/Base"}, ValueError, "timezone.*'Mars/Base'"),
        ({"timezon": "UTC"}, TypeError, "did you mean 'timezone'"),
        ({"jobstore_retry_interval": "often"}, ValueError, "jobstore_retry_interval must be a positive number"),
        ({"jobstore_retry_interval": 0}, ValueError, "jobstore_retry_interval must be a positive number .*, not 0"),
        (
            {"jobstore_retry_interval": None},
            TypeError,
            "jobstore_retry_interval must be a positive number .*, not None",
        ),
        ({"executors": {"x": 5}}, TypeError, r"executors\['x'\] must be an executor instance"),
        ({"job_defaults": {"coalesce": "perhaps"}}, ValueError, r"job_defaults\.coalesce must be true or false"),
    ],
    ids=shown,
)
def test_a_wrong_configuration_is_told_and_changes_nothing(options, kind, message):
    """Neither with `configure` nor in the constructor."""
    scheduler = make_scheduler(is_running=False)
    before = state_of(scheduler)

    with pytest.raises(kind, match=message):
        scheduler.configure(**options)
    assert state_of(scheduler) == before
    with pytest.raises(kind, match=message):
        BackgroundScheduler(**options)


@pytest.mark.parametrize(
    ("cls", "options", "kind", "message"),
    [
        (BackgroundScheduler, {"daemon": "perhaps"}, ValueError, "daemon must be true or false .*, not 'perhaps'"),
        (BackgroundScheduler, {"daemon": None}, TypeError, "daemon must be True or False, not None"),
        (BlockingScheduler, {"handle_signals": 5}, TypeError, "handle_signals must be True or False, not 5"),
        (BlockingScheduler, {"shutdown_timeout": -1}, TypeError, "shutdown_timeout must be .*, not -1"),
        (AsyncIOScheduler, {"event_loop": 5}, TypeError, "event_loop must be an asyncio event loop, not 5"),
        (AsyncIOScheduler, {"event_loop": "nowhere:loop"}, LookupError, "event_loop 'nowhere:loop': could not import"),
        (AsyncIOScheduler, {"event_loop": asyncio}, TypeError, "event_loop must be an asyncio event loop, not <module"),
    ],
    ids=shown,
)
def test_wrong_options_of_one_class_of_schedulers_are_told(cls, options, kind, message):
    """By that class."""
    with pytest.raises(kind, match=message):
        cls(**options)


def test_an_asyncio_scheduler_needs_a_loop():
    """It is told where to find one."""
    with pytest.raises(RuntimeError, match=r"found no running event loop: call it inside a coroutine.*event_loop="):
        AsyncIOScheduler().start()


# -- jobs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda job: job.modify(id="x"), ValueError, "the id of a job may not be changed"),
        (lambda job: job.modify(nam="x"), AttributeError, "did you mean 'name'"),
        (lambda job: job.modify(name="x", args=5), TypeError, "args must be a list or tuple"),
        (lambda job: job.reschedule("intervall"), LookupError, "did you mean 'interval'"),
        (lambda job: job.reschedule(5), TypeError, "trigger must be a trigger instance or the name of one, not 5"),
        (lambda job: job.reschedule("interval", hour=5), TypeError, "did you mean 'hours'"),
    ],
    ids=["id", "misspelt", "args", "trigger", "number", "argument"],
)
def test_a_wrong_call_of_a_job_is_told_and_changes_nothing(call, kind, message, is_running):
    """As that of its scheduler."""
    scheduler = make_scheduler(is_running)
    before = state_of(scheduler)

    with pytest.raises(kind, match=message):
        call(scheduler.get_job("job"))
    assert state_of(scheduler) == before


@pytest.mark.parametrize("call", ["modify", "pause", "resume", "remove"])
def test_a_job_that_is_gone_says_so(call):
    """Whoever still has it is told."""
    scheduler = make_scheduler()
    job = scheduler.get_job("job")
    job.remove()

    with pytest.raises(JobLookupError, match="no job by the id of job was found"):
        getattr(job, call)()


# -- executors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "args", "kind", "message"),
    [
        (ThreadPoolExecutor, {"max_workers": 0}, ValueError, "max_workers must be a positive integer, not 0"),
        (ThreadPoolExecutor, {"max_workers": "x"}, ValueError, "max_workers must be a positive integer, not 'x'"),
        (ThreadPoolExecutor, {"max_workers": None}, TypeError, "max_workers must be a positive integer, not None"),
        (ThreadPoolExecutor, {"prefetch": -1}, ValueError, "prefetch must be an integer of at least 0, not -1"),
        (ThreadPoolExecutor, {"prefetch": True}, TypeError, "prefetch must be an integer of at least 0, not True"),
        (ThreadPoolExecutor, {"pool_kwargs": 5}, TypeError, "pool_kwargs must be a dict, not 5"),
        (
            ThreadPoolExecutor,
            {"pool_kwargs": {"thread_name": "x"}},
            TypeError,
            "unknown pool_kwargs option of ThreadPoolExecutor 'thread_name'; did you mean 'thread_name_prefix'",
        ),
        (
            ThreadPoolExecutor,
            {"pool_kwargs": {"thread_name_prefix": 5}},
            TypeError,
            "thread_name_prefix must be a nonempty string, not 5",
        ),
        (ThreadPoolExecutor, {"pool_kwargs": {"initializer": 5}}, TypeError, "initializer must be callable, not 5"),
        (ThreadPoolExecutor, {"pool_kwargs": {"initargs": 5}}, TypeError, "initargs must be a list or tuple.*, not 5"),
        (ProcessPoolExecutor, {"max_workers": -3}, ValueError, "max_workers must be a positive integer, not -3"),
        (
            ProcessPoolExecutor,
            {"pool_kwargs": {"mp_context": "spwan"}},
            ValueError,
            "mp_context must be one of 'fork', 'forkserver', 'spawn', not 'spwan'; did you mean 'spawn'",
        ),
        (
            ProcessPoolExecutor,
            {"pool_kwargs": {"mp_context": 5}},
            TypeError,
            "mp_context must be the name of a start method or a context of multiprocessing, not 5",
        ),
        (
            ProcessPoolExecutor,
            {"pool_kwargs": {"max_tasks_per_child": 0}},
            ValueError,
            "max_tasks_per_child must be a positive integer, not 0",
        ),
        (ProcessPoolExecutor, {"pool_kwargs": {"thread_name_prefix": "x"}}, TypeError, "unknown pool_kwargs option"),
        (AsyncIOExecutor, {"max_workers": 0}, ValueError, "max_workers must be a positive integer, not 0"),
        (BasePoolExecutor, {"pool": 5}, TypeError, "pool must have the methods submit and shutdown.*not 5"),
    ],
    ids=shown,
)
def test_wrong_arguments_of_an_executor_are_told(cls, args, kind, message):
    """By its constructor, not by its first run."""
    with pytest.raises(kind, match=message):
        cls(**args)


def test_an_executor_of_the_event_loop_needs_its_scheduler():
    """It is told which executor runs coroutines elsewhere."""
    with pytest.raises(RuntimeError, match=r"AsyncIOExecutor needs the event loop of an AsyncIOScheduler.*ThreadPool"):
        AsyncIOExecutor().start(make_scheduler(), "x")


@pytest.mark.parametrize("executor", [DebugExecutor(), ThreadPoolExecutor(1), AsyncIOExecutor()], ids=repr)
def test_an_executor_that_was_not_started_says_so(executor):
    """And takes nothing."""
    job = Job(make_scheduler(), "x", func=work, trigger=HOURLY)
    with pytest.raises(RuntimeError, match=f"this {type(executor).__name__} has not been started"):
        executor.submit_job(job, [date(2031, 1, 1)])


def test_too_many_instances_are_told():
    """As in version 3."""
    assert "'job'" in str(MaxInstancesReachedError(make_scheduler().get_job("job")))


# -- stores --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda store, job: store.add_job(job), ConflictingIdError, "a job with the id job exists already"),
        (lambda store, job: store.remove_job("nope"), JobLookupError, "no job by the id of nope was found"),
        (lambda store, job: store.change_job("nope", lambda _: {}), JobLookupError, "no job by the id of nope"),
        (lambda store, job: store.update_job(Job(None, "nope", func=work, trigger=HOURLY)), JobLookupError, "nope"),
        (lambda store, job: store.start(make_scheduler(), "x"), RuntimeError, "already serves another scheduler"),
    ],
    ids=["add", "remove", "change", "update", "start"],
)
def test_a_wrong_call_of_a_store_is_told_and_changes_nothing(call, kind, message):
    """Stores are called by schedulers, and by their authors' tests."""
    scheduler = make_scheduler()
    store = scheduler._lookup_jobstore("default")
    before = state_of(scheduler)

    with pytest.raises(kind, match=message):
        call(store, scheduler.get_job("job"))
    assert state_of(scheduler) == before
