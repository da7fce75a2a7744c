"""Facts about configurations: flat, nested, with a prefix, mixed, and as text from an ini file."""

from __future__ import annotations

import configparser
import logging
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._clock import SystemClock
from apscheduler_lite._configuration import build, nested, read
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.testing import ManualClock

PREFIX = "apscheduler."
CLOCK = ManualClock()
THREADS = "apscheduler_lite.executors.pool:ThreadPoolExecutor"


class GreedyExecutor(DebugExecutor):
    """An executor that takes any options."""

    def __init__(self, **options):
        super().__init__()
        self.options = options


def settings_of(config, *, prefix=PREFIX, own=(), **options):
    """Return what a dict and keywords describe."""
    return read(nested(config, prefix, options), own, "BackgroundScheduler")


# -- forms ---------------------------------------------------------------------------------------------------------


def test_nothing_gives_the_defaults():
    """The host's zone, no stores, no executors: the scheduler adds its own."""
    settings = settings_of({})

    assert settings.logger is logging.getLogger("apscheduler_lite.scheduler")
    assert settings.retry_interval == 10
    assert (settings.executors, settings.jobstores) == ({}, {})
    assert isinstance(settings.clock, SystemClock)
    assert (settings.job_defaults.executor, settings.job_defaults.misfire_grace_time) == ("default", None)


def check(settings):
    """Check what all the forms of the following tests describe."""
    assert settings.timezone == ZoneInfo("Europe/Vienna")
    assert settings.logger.name == "my.log"
    assert settings.retry_interval == 2.5
    assert list(settings.executors) == ["default", "quick"]
    assert settings.executors["default"].max_workers == 20
    assert isinstance(settings.executors["quick"], DebugExecutor)
    assert isinstance(settings.jobstores["default"], MemoryJobStore)
    defaults = settings.job_defaults
    assert (defaults.coalesce, defaults.max_instances, defaults.misfire_grace_time) == (False, 3, 30)


NESTED = {
    "timezone": "Europe/Vienna",
    "logger": "my.log",
    "jobstore_retry_interval": 2.5,
    "executors": {"default": {"class": THREADS, "max_workers": 20}, "quick": {"type": "debug"}},
    "jobstores": {"default": {"type": "memory"}},
    "job_defaults": {"coalesce": False, "max_instances": 3, "misfire_grace_time": 30},
}
FLAT = {
    "apscheduler.timezone": "Europe/Vienna",
    "apscheduler.logger": "my.log",
    "apscheduler.jobstore_retry_interval": "2.5",
    "apscheduler.executors.default.class": THREADS,
    "apscheduler.executors.default.max_workers": "20",
    "apscheduler.executors.quick.type": "debug",
    "apscheduler.jobstores.default.type": "memory",
    "apscheduler.job_defaults.coalesce": "false",
    "apscheduler.job_defaults.max_instances": "3",
    "apscheduler.job_defaults.misfire_grace_time": "30",
}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(FLAT, id="flat"),
        pytest.param({key.removeprefix(PREFIX): value for key, value in FLAT.items()} | NESTED, id="nested"),
        pytest.param({"apscheduler": NESTED}, id="nested below the prefix"),
        pytest.param({f"apscheduler.{key}": value for key, value in NESTED.items()}, id="nested with a prefix"),
        pytest.param({**FLAT, "debug": "true", "other.logger": "x"}, id="beside others' keys"),
        pytest.param({key.encode(): value.encode() for key, value in FLAT.items()}, id="bytes"),
    ],
)
def test_all_forms_describe_the_same(config):
    """Flat keys with text as values, nested dicts with values of any type, and both."""
    check(settings_of(config))


def test_a_prefix_may_be_another_one_or_none():
    """Without a prefix all keys are options."""
    check(settings_of({f"jobs.{key}": value for key, value in NESTED.items()}, prefix="jobs."))
    check(settings_of(NESTED, prefix=""))
    check(settings_of(NESTED, prefix=None))
    check(settings_of({key.removeprefix(PREFIX): value for key, value in FLAT.items()}, prefix=""))


def test_an_ini_file_is_read():
    """Its values are text, and its section may hold the options of others."""
    parser = configparser.ConfigParser()
    parser.read_string("[app]\n" + "\n".join(f"{key} = {value}" for key, value in FLAT.items()) + "\ndebug = yes\n")

    check(settings_of(dict(parser["app"])))


def test_forms_may_be_mixed():
    """A flat key adds to a nested dict."""
    config = {
        "apscheduler.executors": {"default": {"type": "threadpool"}},
        "apscheduler.executors.default.max_workers": "7",
        "apscheduler.job_defaults.max_instances": "2",
    }
    settings = settings_of(config, job_defaults={"coalesce": "no"})

    assert settings.executors["default"].max_workers == 7
    assert (settings.job_defaults.max_instances, settings.job_defaults.coalesce) == (2, False)


def test_keywords_win_over_the_dict():
    """Whoever writes them is nearer."""
    settings = settings_of(FLAT, timezone="Asia/Tokyo", executors={"default": {"max_workers": 4}})

    assert settings.timezone == ZoneInfo("Asia/Tokyo")
    assert settings.executors["default"].max_workers == 4


def test_the_given_dicts_stay_as_they_are():
    """Reading takes nothing out of them."""
    config = {"executors": {"default": {"type": "debug"}}, "job_defaults": {"coalesce": True}}
    settings_of(config)
    settings_of(config)

    assert config == {"executors": {"default": {"type": "debug"}}, "job_defaults": {"coalesce": True}}


def test_finished_objects_are_taken_as_they_are():
    """Executors, stores, loggers, zones, clocks."""
    executor, store, logger = DebugExecutor(), MemoryJobStore(), logging.getLogger("mine")
    settings = settings_of(
        {}, executors={"default": executor}, jobstores={"default": store}, logger=logger, clock=CLOCK, timezone="UTC"
    )

    assert settings.executors == {"default": executor}
    assert settings.jobstores == {"default": store}
    assert (settings.logger, settings.clock) == (logger, CLOCK)


def test_aliases_alone_describe_executors_and_stores():
    """With their defaults."""
    settings = settings_of({}, executors={"default": "threadpool"}, jobstores={"default": "memory"})

    assert isinstance(settings.executors["default"], ThreadPoolExecutor)
    assert isinstance(settings.jobstores["default"], MemoryJobStore)


def test_a_clock_may_be_given_by_reference():
    """To a class or to an object."""
    of_class = settings_of({}, clock="apscheduler_lite.testing:ManualClock").clock
    of_object = settings_of({}, clock=f"{__name__}:CLOCK").clock

    assert isinstance(of_class, ManualClock)
    assert of_object is CLOCK


# -- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"timezon": "UTC"},
            TypeError,
            "unknown option of BackgroundScheduler 'timezon'; did you mean 'timezone'",
        ),
        ({"deamon": True}, TypeError, "did you mean 'daemon'"),
        ({"timezone": "Europe/Viena"}, ValueError, "timezone.*Europe/Viena.*did you mean 'Europe/Vienna'"),
        ({"timezone": 5}, TypeError, "timezone"),
        ({"logger": 5}, TypeError, "logger must be a logger or the name of one, not 5"),
        ({"logger": ""}, TypeError, "logger must be a nonempty string"),
        ({"jobstore_retry_interval": 0}, ValueError, "jobstore_retry_interval must be a positive number"),
        ({"jobstore_retry_interval": "often"}, ValueError, "jobstore_retry_interval must be a positive number"),
        ({"job_defaults": []}, TypeError, r"job_defaults must be a dict of job options, not \[\]"),
        ({"job_defaults": {"max_instance": 1}}, TypeError, "option in job_defaults 'max_instance'; did you mean"),
        ({"job_defaults": {"coalesce": "x"}}, ValueError, r"job_defaults\.coalesce must be true or false"),
        ({"job_defaults": {"max_instances": "0"}}, TypeError, r"job_defaults\.max_instances must be a positive"),
        ({"clock": 5}, TypeError, r"clock must be a Clock, such as .*ManualClock\(\), not 5"),
        ({"clock": "nowhere:Clock"}, LookupError, "clock 'nowhere:Clock': could not import"),
        ({"executors": []}, TypeError, r"executors must be a dict of alias → executor, not \[\]"),
        ({"jobstores": "memory"}, TypeError, "jobstores must be a dict of alias → job ?store, not 'memory'"),
        ({"executors": {5: "debug"}}, TypeError, "an alias in executors must be a nonempty string, not 5"),
        ({"executors": {"": "debug"}}, TypeError, "an alias in executors must be a nonempty string, not ''"),
        (
            {"executors": {"x": 5}},
            TypeError,
            r"executors\['x'\] must be an executor instance.*, the name of one.*not 5",
        ),
        (
            {"jobstores": {"x": 5}},
            TypeError,
            r"jobstores\['x'\] must be a job store instance.*, the name of one.*not 5",
        ),
        ({"executors": {"x": MemoryJobStore()}}, TypeError, r"executors\['x'\] must be an executor instance"),
        ({"jobstores": {"x": DebugExecutor()}}, TypeError, r"jobstores\['x'\] must be a job store instance"),
        ({"executors": {"x": DebugExecutor}}, TypeError, r"executors\['x'\] must be an executor instance.*DebugExec"),
        ({"executors": {"x": "thread"}}, LookupError, "no executor by the name 'thread' was found; did you mean"),
        ({"executors": {"x": {}}}, ValueError, r"executors\['x'\] must have either 'type' .*or 'class'"),
        (
            {"executors": {"x": {"type": "debug", "class": THREADS}}},
            ValueError,
            r"executors\['x'\] must have either 'type'",
        ),
        ({"executors": {"x": {"type": "debugg"}}}, LookupError, "did you mean 'debug'"),
        ({"executors": {"x": {"type": 5}}}, TypeError, r"executors\['x'\]\['type'\] must be a nonempty string"),
        ({"executors": {"x": {"class": "nowhere:X"}}}, LookupError, r"executors\['x'\]\['class'\] 'nowhere:X'"),
        ({"executors": {"x": {"class": "X"}}}, ValueError, r"executors\['x'\]\['class'\] must be of the form"),
        (
            {"executors": {"x": {"class": "sys:path"}}},
            TypeError,
            r"executors\['x'\] names \[.*which is not the class of an executor",
        ),
        (
            {"executors": {"x": {"class": "builtins:dict"}}},
            TypeError,
            r"executors\['x'\] names .*dict.*not the class of an executor",
        ),
        (
            {"executors": {"x": {"type": "threadpool", "max_worker": 3}}},
            TypeError,
            r"unknown option of ThreadPoolExecutor in executors\['x'\] 'max_worker'; did you mean 'max_workers'",
        ),
        (
            {"executors": {"x": {"type": "threadpool", "max_workers": "x"}}},
            ValueError,
            "max_workers must be a positive",
        ),
    ],
    ids=str,
)
def test_wrong_options_are_told(options, error, message):
    """With the place where they stand, the value and the nearest choice."""
    with pytest.raises(error, match=message):
        settings_of({}, own=("daemon",), **options)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (5, TypeError, "gconfig must be a dict of options, not 5"),
        ([("a", 1)], TypeError, "gconfig must be a dict of options"),
        ({5: 1}, TypeError, "a key of gconfig must be a nonempty string, not 5"),
        ({"apscheduler.timezon": "UTC"}, TypeError, "did you mean 'timezone'"),
        ({"apscheduler.": "UTC"}, TypeError, "unknown option of BackgroundScheduler ''"),
        (
            {"apscheduler.executors.default": "debug", "apscheduler.executors.default.max_workers": "3"},
            ValueError,
            "option 'executors.default.max_workers' conflicts with 'default', which is already 'debug'",
        ),
    ],
    ids=str,
)
def test_a_wrong_dict_is_told(config, error, message):
    """With the key that is wrong."""
    with pytest.raises(error, match=message):
        settings_of(config)


def test_options_beside_a_finished_object_are_refused():
    """They would have no effect."""
    with pytest.raises(TypeError, match="executor is a finished object, so it takes no further options: max_workers"):
        build("executor", DebugExecutor(), "executor", {"max_workers": 3})


def test_options_beside_a_dict_add_to_it():
    """As those beside an alias do."""
    assert build("executor", {"type": "threadpool"}, "executor", {"max_workers": 3}).max_workers == 3


def test_a_class_that_takes_any_options_gets_them():
    """Which it knows is its own affair."""
    built = build("executor", {"class": f"{__name__}:GreedyExecutor", "speed": "high"}, "executor")

    assert built.options == {"speed": "high"}
