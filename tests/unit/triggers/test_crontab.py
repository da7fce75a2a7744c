"""The dialects that fit on one line."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime

import pytest

from apscheduler_lite.triggers.cron import CronTrigger

START = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)


def fires(line: str, dialect: str = "crontab", n: int = 3) -> list[str]:
    """Return the next fire times after the start of 2026 as text."""
    trigger = CronTrigger.from_crontab(line, UTC, dialect=dialect)  # type: ignore[arg-type]
    return [f"{moment:%m-%d %H:%M:%S}".removesuffix(":00") for moment in trigger.next_fire_times(n, START)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/15 * * * *", ["01-01 00:00", "01-01 00:15", "01-01 00:30"]),
        ("30 */6 * * *", ["01-01 00:30", "01-01 06:30", "01-01 12:30"]),
        ("* * * * * *", ["01-01 00:00", "01-01 00:00:01", "01-01 00:00:02"]),
        ("0 0 * * 0", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * 7", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * sun", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * 5-7", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
        ("0 0 * * fri-mon", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
        ("0 0 * * 6-1", ["01-03 00:00", "01-04 00:00", "01-05 00:00"]),
        ("0 22-1 * * *", ["01-01 00:00", "01-01 01:00", "01-01 22:00"]),
        ("0 0 1 11-2 *", ["01-01 00:00", "02-01 00:00", "11-01 00:00"]),
        ("5/20 * * * *", ["01-01 00:05", "01-01 00:25", "01-01 00:45"]),
        ("*/90 * * * *", ["01-01 00:00", "01-01 01:00", "01-01 02:00"]),
        ("0 0 1 * 1", ["01-01 00:00", "01-05 00:00", "01-12 00:00"]),
        ("0 0 13 * fri", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
        ("0 0 */2 * mon", ["01-05 00:00", "01-19 00:00", "02-09 00:00"]),
        ("0 0 1 * */2", ["01-01 00:00", "02-01 00:00", "03-01 00:00"]),
        ("0 0 1-7 * ?", ["01-01 00:00", "01-02 00:00", "01-03 00:00"]),
        ("0 0 L * *", ["01-31 00:00", "02-28 00:00", "03-31 00:00"]),
        ("0 0 L-3 * *", ["01-28 00:00", "02-25 00:00", "03-28 00:00"]),
        ("0 0 LW * *", ["01-30 00:00", "02-27 00:00", "03-31 00:00"]),
        ("0 0 15W * *", ["01-15 00:00", "02-16 00:00", "03-16 00:00"]),
        ("0 0 1W * *", ["01-01 00:00", "02-02 00:00", "03-02 00:00"]),
        ("0 0 * * fri#3", ["01-16 00:00", "02-20 00:00", "03-20 00:00"]),
        ("0 0 * * 5L", ["01-30 00:00", "02-27 00:00", "03-27 00:00"]),
        ("@daily", ["01-01 00:00", "01-02 00:00", "01-03 00:00"]),
        ("@Weekly", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("@hourly", ["01-01 00:00", "01-01 01:00", "01-01 02:00"]),
        ("  @yearly ", ["01-01 00:00", "01-01 00:00", "01-01 00:00"]),
    ],
)
def test_crontab_lines_mean_what_cron_takes_them_for(line: str, expected: list[str]) -> None:
    """Sunday is 0 and 7, ranges wrap, two restricted day fields mean either, and the extras of later crons work."""
    assert fires(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 0 12 ? * 1", ["01-04 12:00", "01-11 12:00", "01-18 12:00"]),
        ("0 0 12 ? * L", ["01-03 12:00", "01-10 12:00", "01-17 12:00"]),
        ("0 15 10 ? * 6L", ["01-30 10:15", "02-27 10:15", "03-27 10:15"]),
        ("0 15 10 ? * MON#2 2027", ["01-11 10:15", "02-08 10:15", "03-08 10:15"]),
        ("0 0 0 LW * ?", ["01-30 00:00", "02-27 00:00", "03-31 00:00"]),
        ("0 0/5 14 * * ?", ["01-01 14:00", "01-01 14:05", "01-01 14:10"]),
        ("*/20 0 0 1 * ? 2026-2030/2", ["01-01 00:00", "01-01 00:00:20", "01-01 00:00:40"]),
    ],
)
def test_quartz_lines_mean_what_quartz_takes_them_for(line: str, expected: list[str]) -> None:
    """Seconds come first, weekdays count from 1 for Sunday, a year may come last."""
    assert fires(line, "quartz") == expected


def test_the_dialect_of_apscheduler_3_counts_from_monday_and_wants_both_days() -> None:
    """It is the keyword form on one line, and looks like it."""
    trigger = CronTrigger.from_crontab("0 0 1-7 * 0", UTC, dialect="apscheduler")

    assert fires("0 0 1-7 * 0", "apscheduler") == ["01-05 00:00", "02-02 00:00", "03-02 00:00"]
    assert str(trigger) == "cron[month='*', day='1-7', day_of_week='0', hour='0', minute='0']"


@pytest.mark.parametrize(
    ("line", "dialect", "message"),
    [
        ("* * * *", "crontab", "5 (minute hour day month day_of_week) or 6 (second minute hour day month day_of_week)"),
        ("", "crontab", "fields, not 0: ''"),
        ("60 * * * *", "crontab", "minute: 60 is out of range in '60'; it goes from 0 to 59"),
        ("0 24 * * *", "crontab", "(in the crontab expression '0 24 * * *')"),
        ("0 0 * * 8", "crontab", "it goes from 0 to 7 (Sunday is 0)"),
        ("0 0 * * monday", "crontab", "did you mean 'MON'?"),
        ("0 0 * xyz *", "crontab", "month: cannot read 'XYZ'"),
        ("0 0 1st * *", "crontab", "numbers from 1 to 31, ?, L, L-n, LW, nW, ranges a-b"),
        ("0 0 * * 1#6", "crontab", "day_of_week: cannot read '1#6'"),
        ("0 0 L-31 * *", "crontab", "L-n goes to L-30"),
        ("0 0 32W * *", "crontab", "nW goes from 1W to 31W"),
        ("0 0 30 2 *", "crontab", "no date matches month '2', day '30': the trigger would never fire"),
        ("*/0 * * * *", "crontab", "the step in '*/0' must be at least 1"),
        ("@reboot", "crontab", "the macro '@reboot' does not mean a time"),
        ("@dayly", "crontab", "did you mean '@daily'?"),
        ("0 " * 600, "crontab", "may have 1000 characters, this one has 1200"),
        ("* * * * *", "quartz", "6 (second minute hour day month day_of_week) or 7"),
        ("0 0 12 1 * 2", "quartz", "day '1' and day_of_week '2' are both restricted; one of them must be '?'"),
        ("0 0 12 ? * 8", "quartz", "it goes from 1 to 7 (Sunday is 1)"),
        ("0 0 12 1 * ? 2027-2026", "quartz", "year: '2027-2026' ends before it begins"),
        ("0 0 * * 7", "apscheduler", "(Monday is 0, Sunday is 6)"),
        ("0 0 0 * * *", "apscheduler", "for seconds use dialect='crontab' or 'quartz'"),
        (
            "* * * * *",
            "crontb",
            "dialect must be one of 'apscheduler', 'crontab', 'quartz', not 'crontb'; did you mean",
        ),
    ],
)
def test_a_wrong_line_is_told_by_its_field(line: str, dialect: str, message: str) -> None:
    """The error names the field, the text, what is allowed, and the whole line."""
    with pytest.raises(ValueError, match=re.escape(message)):
        CronTrigger.from_crontab(line, UTC, dialect=dialect)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 5, ["* * * * *"]])
def test_a_line_that_is_no_text_is_refused(value: object) -> None:
    """Text may come as bytes, but not as anything else."""
    with pytest.raises(TypeError, match="expr must be a string"):
        CronTrigger.from_crontab(value)  # type: ignore[arg-type]


def test_a_line_may_be_bytes() -> None:
    """Configuration files hand them over."""
    assert CronTrigger.from_crontab(b"0 5 * * *", UTC) == CronTrigger.from_crontab("0 5 * * *", UTC)


def test_a_line_shows_as_it_was_written() -> None:
    """In capitals and with single blanks, together with its dialect."""
    trigger = CronTrigger.from_crontab("0  9 * * mon-fri", UTC, jitter=2, dst_gap="skip", end_date="2030-01-01")

    assert str(trigger) == "cron['0 9 * * MON-FRI']"
    assert repr(trigger) == (
        "<CronTrigger ('0 9 * * MON-FRI', dialect='crontab', end_date='2030-01-01 00:00:00 UTC', jitter=2,"
        " dst_gap='skip', timezone='UTC')>"
    )
    assert {field.name: str(field) for field in trigger.fields if not field.is_default} == {
        "month": "*",
        "day": "*",
        "day_of_week": "MON-FRI",
        "hour": "9",
        "minute": "0",
    }


@pytest.mark.parametrize(("line", "dialect"), [("0 0 L * 5#2", "crontab"), ("0 0 0 ? * 6L 2030", "quartz")])
def test_a_line_survives_pickling(line: str, dialect: str) -> None:
    """The dialect is part of the state."""
    trigger = CronTrigger.from_crontab(line, "Europe/Berlin", dialect=dialect, jitter=1.5)  # type: ignore[arg-type]
    restored = pickle.loads(pickle.dumps(trigger))

    assert restored == trigger
    assert restored.next_fire_times(5, START) == trigger.next_fire_times(5, START)


def test_a_star_in_hours_or_minutes_makes_a_beat() -> None:
    """A macro for every hour keeps its beat across a clock change; a daily one fires once."""
    hourly = CronTrigger.from_crontab("@hourly", "Europe/Berlin")
    daily = CronTrigger.from_crontab("0 2 * * *", "Europe/Berlin")
    before = datetime.fromisoformat("2026-10-25T01:30+02:00")

    assert [m.isoformat() for m in hourly.next_fire_times(3, before)] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]
    assert [m.isoformat() for m in daily.next_fire_times(2, before)] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-26T02:00:00+01:00",
    ]
    assert hourly.keeps_beat
    assert not daily.keeps_beat
