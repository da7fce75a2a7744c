"""What cron triggers say about themselves in English."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apscheduler_lite.triggers.cron import CronTrigger

# line: our words, and those of cron-descriptor for the same line
SAMPLE = {
    "* * * * *": ("every minute", "Every minute"),
    "*/15 * * * *": ("every 15 minutes", "Every 15 minutes"),
    "*/10 * * * * *": ("every 10 seconds", "Every 10 seconds"),
    "30 2 * * *": ("at 02:30 every day", "At 02:30"),
    "0 9 * * 1-5": ("at 09:00 on Monday to Friday", "At 09:00, Monday through Friday"),
    "0 9,17 * * *": ("at 09:00 and 17:00 every day", "At 09:00 and 17:00"),
    "5 * * * *": ("at minute 5 of every hour", "At 5 minutes past the hour"),
    "0 0 1 * *": ("at 00:00 on day 1 of the month", "At 00:00, on day 1 of the month"),
    "0 0 1,15 * *": ("at 00:00 on days 1 and 15 of the month", "At 00:00, on day 1 and 15 of the month"),
    "0 0 1 * 1": (
        "at 00:00 on day 1 of the month and also on Monday",
        "At 00:00, on day 1 of the month, or on Monday",
    ),
    "0 0 L * *": ("at 00:00 on the last day of the month", "At 00:00, on the last day of the month"),
    "0 12 15W * *": (
        "at 12:00 on the working day nearest to day 15 of the month",
        "At 12:00, on the weekday nearest day 15 of the month",
    ),
    "0 0 * * 1#2": ("at 00:00 on the 2nd Monday of the month", "At 00:00, on the second Monday of the month"),
    "0 17 * * 5L": ("at 17:00 on the last Friday of the month", "At 17:00, on the last Friday of the month"),
    "0 6 * 1-3,12 *": (
        "at 06:00 in January to March and December",
        "At 06:00, only in January through March and December",
    ),
    "*/5 9-17 * * *": ("every 5 minutes of hours 9 to 17", "Every 5 minutes, between 09:00 and 17:59"),
}


@pytest.mark.parametrize("line", SAMPLE)
def test_a_line_is_told_in_words(line: str) -> None:
    """The words are exact."""
    assert CronTrigger.from_crontab(line, UTC).describe() == f"{SAMPLE[line][0]}, UTC time"


@pytest.mark.parametrize("line", SAMPLE)
def test_the_words_agree_with_those_of_cron_descriptor(line: str) -> None:
    """Where that is right; both columns of the sample say the same."""
    descriptor = pytest.importorskip("cron_descriptor", reason="a development dependency")
    options = descriptor.Options()
    options.use_24hour_time_format = True

    assert descriptor.get_description(line, options) == SAMPLE[line][1]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"week": "1-10", "day_of_week": "mon"}, "at 00:00 on Monday, in ISO weeks 1 to 10"),
        ({"day": "13", "day_of_week": "fri"}, "at 00:00 on day 13 of the month if it falls on Friday"),
        ({"day": "last,2nd tue"}, "at 00:00 on the last day and the 2nd Tuesday of the month"),
        (
            {"year": "2026-2028,2030", "month": "feb"},
            "at 00:00 on day 1 of the month, in February, in 2026 to 2028 and 2030",
        ),
        ({"hour": "*/3"}, "at minute 0 of every 3rd hour"),
        ({"second": "30"}, "at second 30 of every minute"),
        ({"second": "*/2", "minute": "1-3"}, "every 2 seconds of minutes 1 to 3 of every hour"),
        ({"hour": "6", "second": "1,2"}, "at seconds 1 and 2 of every minute of hour 6"),
        ({"minute": "7", "hour": "*/2"}, "at minute 7 of every 2nd hour"),
    ],
)
def test_fields_are_told_in_words(fields: dict[str, str], words: str) -> None:
    """Weeks, years, steps and days that must meet."""
    assert CronTrigger(**fields, timezone=UTC).describe() == f"{words}, UTC time"  # type: ignore[arg-type]


def test_zone_bounds_jitter_and_policy_are_told() -> None:
    """Everything that has an influence on the fire times is in the description."""
    trigger = CronTrigger(
        hour=2, minute=30, timezone="Europe/Berlin", start_date="2026-01-01", end_date="2027-01-01", jitter=5
    )

    assert trigger.describe() == (
        "at 02:30 every day, Europe/Berlin time; from 2026-01-01 00:00:00 CET on; until 2027-01-01 00:00:00 CET;"
        " each delayed by a random time of up to 5 seconds; a time that a clock change skips fires right after the"
        " change, one that it repeats fires the first time only"
    )


def test_a_beat_is_told_to_be_left_alone() -> None:
    """Repeating expressions follow the other rule."""
    words = CronTrigger(minute="*/15", timezone="Europe/Berlin").describe()

    assert words == (
        "every 15 minutes, Europe/Berlin time; clock changes leave the beat alone: times that they skip do not fire,"
        " times that they repeat fire twice"
    )


@pytest.mark.parametrize(
    ("options", "gap", "fold"),
    [
        (
            {},
            ("one fire, right after the change", ["03:00+02:00"]),
            ("one fire, the first time", ["02:30+02:00"]),
        ),
        (
            {"dst_gap": "shift", "dst_fold": "last"},
            ("one fire, as much later as the clock went forward", ["03:30+02:00"]),
            ("one fire, the last time", ["02:30+01:00"]),
        ),
        (
            {"dst_gap": "skip", "dst_fold": "both"},
            ("no fire", []),
            ("two fires, one each time", ["02:30+02:00", "02:30+01:00"]),
        ),
    ],
)
def test_a_note_tells_what_becomes_of_a_time(
    options: dict[str, str], gap: tuple[str, list[str]], fold: tuple[str, list[str]]
) -> None:
    """The change, the affected times, the fires that become of them, and all of it in words."""
    trigger = CronTrigger(hour=2, minute=30, timezone="Europe/Berlin", **options)  # type: ignore[arg-type]
    spring, autumn = trigger.clock_change_notes(datetime(2026, 1, 1), datetime(2027, 1, 1))

    assert str(spring) == (
        f"2026-03-29: 02:30 does not exist, because the clock goes forward from 02:00 to 03:00: {gap[0]}"
    )
    assert (spring.kind, spring.wall_times, spring.is_complete) == ("gap", (datetime(2026, 3, 29, 2, 30),), True)
    assert [f"{fire:%H:%M}{fire.isoformat()[-6:]}" for fire in spring.fires] == gap[1]
    assert str(autumn) == f"2026-10-25: 02:30 occurs twice, because the clock goes back from 03:00 to 02:00: {fold[0]}"
    assert autumn.kind == "fold"
    assert [f"{fire:%H:%M}{fire.isoformat()[-6:]}" for fire in autumn.fires] == fold[1]
    assert spring.at.isoformat() == "2026-03-29T03:00:00+02:00"


def test_notes_tell_ten_times_and_that_there_are_more() -> None:
    """A job of every minute does not flood the reader."""
    spring, autumn = CronTrigger(minute="*", timezone="Europe/Berlin").clock_change_notes(
        datetime(2026, 1, 1), datetime(2027, 1, 1)
    )

    assert len(spring.wall_times) == 10
    assert not spring.is_complete
    assert str(spring).endswith(
        "02:08, 02:09, … do not exist, because the clock goes forward from 02:00 to 03:00: no fire"
    )
    assert str(autumn).endswith("they fire both times")


def test_a_time_on_a_skipped_date_does_not_fire() -> None:
    """The note names the date to which the clock went."""
    (note,) = CronTrigger(hour=12, timezone="Pacific/Apia").clock_change_notes(
        datetime(2011, 12, 1), datetime(2012, 1, 1)
    )

    assert str(note) == (
        "2011-12-30: 12:00 does not exist, because the clock goes forward from 00:00 to 2011-12-31 00:00: no fire"
    )


def test_there_are_no_notes_where_nothing_is_affected() -> None:
    """A job at noon, a zone without changes, a time outside of the trigger's own."""
    year = datetime(2026, 1, 1), datetime(2027, 1, 1)

    assert CronTrigger(hour=12, timezone="Europe/Berlin").clock_change_notes(*year) == []
    assert CronTrigger(minute=0, timezone=UTC).clock_change_notes(*year) == []
    assert CronTrigger(hour=2, timezone="Europe/Berlin", end_date="2026-01-05").clock_change_notes(*year) == []
    with pytest.raises(ValueError, match="is earlier than start"):
        CronTrigger(hour=2, timezone="Europe/Berlin").clock_change_notes(*reversed(year))
