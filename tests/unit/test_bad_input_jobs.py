"""Facts about wrong arguments of the calls that are about jobs: each is told with what was meant."""

from __future__ import annotations

import math
import os
import re
from datetime import date, datetime, timedelta

import pytest

from apscheduler_lite import BackgroundScheduler
from apscheduler_lite.errors import TransientJobError
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

EVERY_5_S = IntervalTrigger(seconds=5)


def func():
    """Do nothing."""


def scheduler_with_job():
    """Return a scheduler with a job "x"."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(func, "interval", hours=1, id="x")
    return scheduler


ADD = {
    "cron-line-as-args": (("cron", "0 5 * * *"), {}, "write trigger=CronTrigger.from_crontab('0 5 * * *')"),
    "cron-line-as-trigger": (("0 5 * * *",), {}, "a crontab line makes a trigger by CronTrigger.from_crontab('0 5 * *"),
    "macro-as-trigger": (("@daily",), {}, "CronTrigger.from_crontab('@daily')"),
    "number-as-args": (("interval", 5), {}, "args must be a list or tuple of positional arguments, not 5; after the"),
    "number-as-args-hint": (("interval", 5), {}, "those of the trigger 'interval' go by name: write seconds=5"),
    "timedelta-as-args": (("interval", timedelta(minutes=5)), {}, "go by name: write seconds=300"),
    "dict-as-args": (("interval", {"seconds": 5}), {}, "go by name: write seconds=5"),
    "text-as-args-of-date": (("date", "2030-01-01"), {}, "go by name: write run_date='2030-01-01'"),
    "datetime-as-args": (("date", datetime(2030, 1, 1)), {}, "write run_date=datetime.datetime(2030, 1, 1, 0, 0)"),
    "timedelta-as-trigger": ((timedelta(minutes=5),), {}, "write trigger='interval', seconds=300"),
    "datetime-as-trigger": ((datetime(2030, 1, 1),), {}, "write trigger='date', run_date=datetime.datetime(2030,"),
    "date-as-trigger": ((date(2030, 1, 1),), {}, "write trigger='date', run_date=datetime.date(2030, 1, 1)"),
    "class-as-trigger": ((IntervalTrigger,), {}, "make an instance of it, IntervalTrigger(...)"),
    "no-trigger": ((), {"seconds": 3}, "no trigger was named; seconds is an argument of 'interval': write trigger="),
    "no-trigger-cron": ((), {"minute": 3}, "minute is an argument of 'calendarinterval', 'cron'"),
    "beside-finished": ((EVERY_5_S,), {"seconds": 3}, "the trigger is a finished object, <IntervalTrigger"),
    "typo-beside-finished": (
        (EVERY_5_S,),
        {"max_instanses": 3},
        "unknown argument of add_job 'max_instanses'; did you",
    ),
    "and": (("and",), {}, "the trigger 'and' needs triggers: give it by name, triggers=..., or pass a finished AndTri"),
    "rrule": (("rrule",), {}, "the trigger 'rrule' needs rule"),
    "excluding": (("excluding",), {"exclude": "sat"}, "the trigger 'excluding' needs base"),
    "unit": (("interval",), {"minute": 5}, "unknown argument of add_job or IntervalTrigger 'minute'; did you mean 'mi"),
    "weekday": (("cron",), {"weekday": "mon"}, "'weekday'; did you mean 'day_of_week'"),
}


@pytest.mark.parametrize(("args", "options", "words"), ADD.values(), ids=ADD)
def test_a_wrong_trigger_of_a_new_job_is_told_with_the_right_call(args, options, words):
    """In the words of add_job, and nothing is added."""
    scheduler = BackgroundScheduler(timezone="UTC")

    with pytest.raises((TypeError, LookupError), match=re.escape(words)):
        scheduler.add_job(func, *args, **options)
    assert scheduler.get_jobs() == []


def test_the_value_for_the_trigger_is_not_taken_for_an_argument_of_the_function():
    """Also where the function would take one."""
    with pytest.raises(TypeError, match="write seconds=5"):
        BackgroundScheduler().add_job(math.sqrt, "interval", 5)


def test_a_crontab_line_given_to_the_class_is_told_where_it_belongs():
    """Its first parameter is the year."""
    with pytest.raises(ValueError, match=r"year: .* CronTrigger\.from_crontab"):
        CronTrigger("0 5 * * *")


RESCHEDULE = {
    "name": (
        ("cron",),
        {},
        "the second argument of reschedule_job is jobstore, and 'cron' is a trigger: write trigger=",
    ),
    "name-and-fields": (("cron",), {"hour": 1}, "write trigger='cron'"),
    "object": ((EVERY_5_S,), {}, "write trigger=IntervalTrigger(...)"),
    "no-trigger": ((), {"seconds": 3}, "no trigger was named; seconds is an argument of 'interval'"),
    "beside-finished": ((), {"trigger": EVERY_5_S, "seconds": 3}, "the trigger is a finished object"),
    "typo": (
        (),
        {"trigger": "interval", "secnds": 3},
        "unknown argument of reschedule_job or IntervalTrigger 'secnds'",
    ),
}


@pytest.mark.parametrize(("args", "options", "words"), RESCHEDULE.values(), ids=RESCHEDULE)
@pytest.mark.parametrize("is_running", [False, True], ids=["pending", "running"])
def test_a_wrong_new_trigger_is_told_in_the_words_of_reschedule_job(args, options, words, is_running):
    """The messages do not speak of add_job, and the job keeps its trigger."""
    scheduler = scheduler_with_job()
    if is_running:
        scheduler.start(paused=True)
    try:
        with pytest.raises(TypeError, match=re.escape(words)) as caught:
            scheduler.reschedule_job("x", *args, **options)

        assert "add_job" not in str(caught.value)
        assert str(scheduler.get_job("x").trigger) == "interval[1:00:00]"
    finally:
        if is_running:
            scheduler.shutdown()


def test_the_arguments_of_a_changed_trigger_are_told_in_the_words_of_modify_job():
    """It takes the attributes of a job beside them."""
    with pytest.raises(
        TypeError, match="unknown argument of modify_job or IntervalTrigger 'secnds'; did you mean 'seco"
    ):
        scheduler_with_job().modify_job("x", trigger="interval", secnds=3)


def test_jobs_are_printed_to_what_can_be_written_to():
    """Anything else is refused by name."""
    with pytest.raises(TypeError, match="out must be an open text file, not 5"):
        BackgroundScheduler().print_jobs(out=5)


def test_a_job_that_cannot_be_exported_is_not_told_of_as_stored(tmp_path):
    """The message fits stores and files."""
    scheduler = BackgroundScheduler()
    scheduler.add_job(lambda: None, "interval", hours=1, id="x")

    with pytest.raises(TransientJobError, match="in a persistent store or an exported file"):
        scheduler.export_jobs(tmp_path / "jobs.json")


@pytest.mark.parametrize("reference", ["os:nofunc", "os:x"])
def test_a_function_that_is_not_there_is_not_guessed(reference):
    """A constant that shares some letters is not what was meant."""
    with pytest.raises(LookupError, match="has no attribute") as caught:
        BackgroundScheduler().add_job(reference)
    assert "did you mean" not in str(caught.value)


def test_a_misspelt_function_is_guessed():
    """The nearest one of the module."""
    with pytest.raises(LookupError, match="did you mean 'getcwd'"):
        BackgroundScheduler().add_job(f"{os.__name__}:getcdw")
