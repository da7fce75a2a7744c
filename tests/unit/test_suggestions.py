"""Facts about "did you mean": typing errors are seen, other words are left alone."""

from __future__ import annotations

import pytest

from apscheduler_lite._text import counted, did_you_mean, duration_text

ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "last")
DAYS = [*ORDINALS, *(f"{ordinal} {day}" for ordinal in ORDINALS for day in ("mon", "tue", "wed", "fri"))]
CRON = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second", "start_date", "end_date", "timezone")
INTERVAL = ("weeks", "days", "hours", "minutes", "seconds", "start_date", "end_date", "timezone", "jitter")
SCHEDULER = ("logger", "timezone", "job_defaults", "executors", "jobstores", "clock", "daemon", "event_loop")


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("fry", ("fri", "mon"), "fri"),
        ("thr", ("thu", "tue"), "thu"),
        ("soday", ("sunday", "monday"), "sunday"),
        ("skp", ("skip", "after", "shift"), "skip"),
        ("deamon", SCHEDULER, "daemon"),
        ("eventloop", SCHEDULER, "event_loop"),
        ("loop", SCHEDULER, "event_loop"),
        ("TIMEZONE", SCHEDULER, "timezone"),
        ("minutes", CRON, "minute"),
        ("minute", INTERVAL, "minutes"),
        ("sec", INTERVAL, "seconds"),
        ("weekday", CRON, "day_of_week"),
        ("dayofweek", CRON, "day_of_week"),
        ("tz", CRON, "timezone"),
        ("max_instanses", ("max_instances", "misfire_grace_time"), "max_instances"),
        ("grace_time", ("max_instances", "misfire_grace_time"), "misfire_grace_time"),
        ("3th fri", DAYS, "3rd fri"),
    ],
)
def test_a_slip_of_the_pen_is_seen(word, choices, meant):
    """One letter in short words, two in longer ones, whole words of a name, and names used elsewhere."""
    assert did_you_mean(word, choices) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("word", "choices"),
    [
        ("weekday", ("week", "hour")),
        ("CEST", ("America/New_York", "Europe/Berlin", "UTC")),
        ("third fri", DAYS),
        ("6th mon", DAYS),
        ("timeout", SCHEDULER),
        ("trigger", SCHEDULER),
        ("interval", ("jobstore_retry_interval", "timezone")),
        ("nofunc", ("O_TRUNC", "fsync")),
        ("jn", ("jan", "jun")),
        ("date", ("start_date", "end_date")),
        ("x", ("y", "id")),
        ("", ("a", "day")),
        ("w" * 5000, ("week",)),
    ],
)
def test_no_guess_is_made_for_another_word(word, choices):
    """A wrong guess is worse than none."""
    assert did_you_mean(word, choices) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0004, "0 s"),
        (2.5, "2.5 s"),
        (59.9994, "59.999 s"),
        (90, "00:01:30"),
        (4 * 3600, "04:00:00"),
        (100_800, "1 d 04:00:00"),
        (34_560_000, "400 d 00:00:00"),
        (-90, "-00:01:30"),
    ],
)
def test_a_length_of_time_is_told_in_units_that_people_read(seconds, text):
    """Seconds below a minute, then a clock, then days and a clock."""
    assert duration_text(seconds) == text


def test_one_is_counted_in_the_singular():
    """And everything else in the plural."""
    assert [counted(number, "job") for number in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
