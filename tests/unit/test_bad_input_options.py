"""Facts about wrong options of a scheduler: each is told at the call, with what was meant."""

from __future__ import annotations

import concurrent.futures
import re

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore


@pytest.mark.parametrize(
    ("cls", "options", "meant"),
    [
        (BackgroundScheduler, {"deamon": True}, "daemon"),
        (BlockingScheduler, {"handle_signal": True}, "handle_signals"),
        (AsyncIOScheduler, {"eventloop": None}, "event_loop"),
        (AsyncIOScheduler, {"loop": None}, "event_loop"),
        (BackgroundScheduler, {"time_zone": "UTC"}, "timezone"),
        (BackgroundScheduler, {"tz": "UTC"}, "timezone"),
    ],
)
def test_a_misspelt_option_is_told_with_the_one_that_was_meant(cls, options, meant):
    """The options that only this class of scheduler has included."""
    with pytest.raises(TypeError, match=f"did you mean '{meant}'.*known: .*'{meant}'"):
        cls(**options)


def test_an_option_that_is_near_to_none_is_told_without_a_guess():
    """Trigger is not logger."""
    with pytest.raises(TypeError, match=r"unknown option of BackgroundScheduler 'trigger' \(known"):
        BackgroundScheduler(trigger="cron")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"timezon": "UTC"}, "'timezon' in gconfig; did you mean 'timezone'"),
        ({"APSCHEDULER.timezone": "UTC"}, "did you mean 'apscheduler.timezone'"),
        ({"apschduler.timezone": "UTC"}, "did you mean 'apscheduler.timezone'"),
        ({"apscheduler.timezone": "UTC", "executor.default.type": "threadpool"}, "mean 'executors.default.type'"),
        ({"deamon": True}, "did you mean 'daemon'"),
        ({"apscheduler.timezon": "UTC"}, "did you mean 'timezone'"),
        ({"debug": True, "db.url": "x"}, r"none of its keys \('db.url', 'debug'\) begins with 'apscheduler.'"),
    ],
)
def test_a_dict_of_options_is_not_silently_ignored(config, words):
    """A key that nearly is an option, or a dict without any, is an error."""
    with pytest.raises(TypeError, match=words):
        BackgroundScheduler(config)


def test_a_dict_may_be_shared_with_other_programs():
    """Keys that are no options, and near to none, are theirs."""
    scheduler = BackgroundScheduler(
        {"apscheduler.timezone": "Asia/Tokyo", "sqlalchemy.url": "x", "debug": True, "loggers": {}, "daemon": False}
    )

    assert str(scheduler.timezone) == "Asia/Tokyo"
    assert scheduler._daemon is False


@pytest.mark.parametrize("config", [{}, {"apscheduler": {}}, {"job_defaults.coalesce": "no"}])
def test_a_dict_may_be_empty_nested_or_flat(config):
    """In each form of the keys, with and without prefix."""
    assert BackgroundScheduler(config).state == 0


POOL = concurrent.futures.ThreadPoolExecutor(1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (POOL, r"executors\['default'\] must be an executor .*BasePoolExecutor\(pool\)"),
        ({"class": "concurrent.futures:ThreadPoolExecutor", "max_workers": 1}, "BasePoolExecutor"),
        (ThreadPoolExecutor, r"make an instance of it, ThreadPoolExecutor\(\.\.\.\)"),
        (MemoryJobStore(), "must be an executor"),
        (5, "must be an executor"),
    ],
    ids=["pool", "class-of-pool", "class", "store", "number"],
)
def test_what_is_no_executor_is_refused_where_it_is_given(given, words):
    """Not when the scheduler starts."""
    with pytest.raises(TypeError, match=words):
        BackgroundScheduler(executors={"default": given})
    if not isinstance(given, dict):
        with pytest.raises(TypeError, match=words.replace(r"executors\['default'\]", "executor")):
            BackgroundScheduler().add_executor(given)


@pytest.mark.parametrize("given", [{}.keys(), ThreadPoolExecutor(1), MemoryJobStore], ids=str)
def test_what_is_no_store_is_refused_where_it_is_given(given):
    """Not when the scheduler starts."""
    with pytest.raises(TypeError, match="must be a job store"):
        BackgroundScheduler().add_jobstore(given)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"executors": {"default": {"class": "apscheduler.executors.pool:ThreadPoolExecutor"}}},
            "names a class of APScheduler 3; write 'apscheduler_lite.executors.pool:ThreadPoolExecutor'",
        ),
        (
            {"jobstores": {"default": {"class": "apscheduler.jobstores.mongodb:MongoDBJobStore"}}},
            "names a class of APScheduler 3; it is not part of this library (known: 'memory'",
        ),
        ({"jobstores": {"default": "redis"}}, "the job store 'redis' of APScheduler 3 is not part of this library"),
        ({"executors": {"default": {"type": "gevent"}}}, "the executor 'gevent' of APScheduler 3 is not part of"),
    ],
)
def test_what_apscheduler_3_has_is_told_with_its_place_here(options, words):
    """Or that it has none."""
    with pytest.raises(LookupError, match=re.escape(words)):
        BackgroundScheduler(**options)
