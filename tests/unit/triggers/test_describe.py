"""What triggers say about themselves and about clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger, OrTrigger
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.excluding import DaysOf, ExcludingTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger
from apscheduler_lite.triggers.rrule import RRuleTrigger
from apscheduler_lite.triggers.wording import FOLD_WORDS, GAP_WORDS, duration_words

BERLIN = ZoneInfo("Europe/Berlin")
BEAT = "clock changes leave the beat alone: it counts elapsed time"
SKIPPED = "a time that a clock change skips does not fire, one that it repeats fires the first time only"


def every(**options):
    """Return an interval trigger."""
    return IntervalTrigger(**{"start_date": "2026-01-05", "timezone": BERLIN, **options})


def calendar(**options):
    """Return a calendar interval trigger at 02:30."""
    return CalendarIntervalTrigger(
        **{"start_date": "2026-01-01", "hour": 2, "minute": 30, "timezone": BERLIN, **options}
    )


def notes(trigger):
    """Return the notes of a trigger on the year 2026."""
    return trigger.clock_change_notes("2026-01-01", "2027-01-01")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=1), "second"),
        (timedelta(minutes=1), "minute"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=9, minutes=90), "9 days, 1 hour and 30 minutes"),
        (timedelta(weeks=1), "7 days"),
        (timedelta(microseconds=1), "1e-06 seconds"),
        (timedelta(minutes=2, microseconds=250_000), "2 minutes and 0.25 seconds"),
        (timedelta(seconds=1, microseconds=1), "1.000001 seconds"),
    ],
)
def test_lengths_in_words(length, words):
    """One alone needs no number."""
    assert duration_words(length // timedelta(microseconds=1)) == words


@pytest.mark.parametrize(
    ("trigger", "parts"),
    [
        (DateTrigger("2026-01-05 10:00", BERLIN), ["once, at 2026-01-05 10:00:00 CET"]),
        (every(hours=2), ["every 2 hours", "from 2026-01-05 00:00:00 CET on", BEAT]),
        (
            every(minutes=1, end_date="2026-07-01", jitter=1.5, timezone="UTC"),
            [
                "every minute",
                "from 2026-01-05 00:00:00 UTC on",
                "until 2026-07-01 00:00:00 UTC",
                "each delayed by a random time of up to 1.5 seconds",
            ],
        ),
        (calendar(days=1), ["every day at 02:30, Europe/Berlin time", "from 2026-01-01 on", SKIPPED]),
        (
            calendar(years=1, months=2, weeks=3, days=4, second=5, end_date="2030-01-01", timezone="UTC", jitter=9),
            [
                "every 1 year, 2 months, 3 weeks and 4 days at 02:30:05, UTC time",
                "from 2026-01-01 on",
                "until 2030-01-01",
                "each delayed by a random time of up to 9 seconds",
            ],
        ),
        (
            calendar(months=1, start_date="2026-01-31", dst_gap="after", dst_fold="both"),
            [
                "every month at 02:30, Europe/Berlin time",
                "from 2026-01-31 on",
                "not in months that lack the day",
                f"{GAP_WORDS['after']}, {FOLD_WORDS['both']}",
            ],
        ),
        (
            calendar(months=1, start_date="2026-01-31", end_of_month="clamp", timezone="UTC"),
            ["every month at 02:30, UTC time", "from 2026-01-31 on", "the last day of months that lack the day"],
        ),
        (
            OrTrigger([DateTrigger("2026-01-05", BERLIN), every(hours=1, timezone="UTC")], jitter=2),
            [
                "(once, at 2026-01-05 00:00:00 CET) or (every hour",
                "from 2026-01-05 00:00:00 UTC on)",
                "each delayed by a random time of up to 2 seconds",
            ],
        ),
        (
            ExcludingTrigger(
                every(hours=1, timezone="UTC"),
                [
                    "sat",
                    date(2026, 12, 25),
                    DateTrigger("2026-02-01", UTC),
                    DaysOf(DateTrigger("2026-03-01", UTC)),
                    all,
                ],
            ),
            [
                "(every hour",
                (
                    "from 2026-01-05 00:00:00 UTC on) except on Saturdays, on 2026-12-25,"
                    " (once, at 2026-02-01 00:00:00 UTC), the days of (once, at 2026-03-01 00:00:00 UTC)"
                    " and when all() says so"
                ),
            ],
        ),
        (
            ExcludingTrigger(every(hours=1, timezone="UTC"), []),
            ["(every hour", "from 2026-01-05 00:00:00 UTC on)"],
        ),
    ],
    ids=["date", "interval", "limits", "daily", "mixed", "skip", "clamp", "or", "except", "nothing"],
)
def test_descriptions(trigger, parts):
    """Exact English, with limits, jitter, zone and clock changes."""
    assert trigger.describe() == "; ".join(parts)


def test_a_calendar_interval_notes_its_own_dates_only():
    """Of the two changes of a year, those on whose date it fires."""
    daily = notes(calendar(days=1))
    weekly = notes(calendar(weeks=1, start_date="2026-03-29", dst_gap="shift"))

    assert [str(note) for note in daily] == [
        "2026-03-29: 02:30 does not exist, because the clock goes forward from 02:00 to 03:00: no fire",
        "2026-10-25: 02:30 occurs twice, because the clock goes back from 03:00 to 02:00: one fire, the first time",
    ]
    assert [note.kind for note in daily] == ["gap", "fold"]
    assert [len(note.fires) for note in daily] == [0, 1]
    assert weekly[0].text.endswith("one fire, as much later as the clock went forward")
    assert weekly[0].fires == (datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN),)
    assert notes(calendar(weeks=1, start_date="2026-03-30")) == []
    assert len(notes(calendar(days=1, end_date="2026-06-01"))) == 1
    assert len(notes(calendar(days=1, start_date="2026-06-01"))) == 1


def test_the_policies_are_told():
    """After the gap; both times, the last time."""
    after = notes(calendar(days=1, dst_gap="after", dst_fold="both"))
    last = notes(calendar(days=1, dst_fold="last"))

    assert after[0].text.endswith("one fire, right after the change")
    assert after[1].text.endswith("two fires, one each time")
    assert last[1].text.endswith("one fire, the last time")


def test_an_interval_notes_that_its_fires_move_on_the_clock():
    """Only where the change is no multiple of the interval, and while it fires."""
    moved = notes(every(hours=2))

    assert str(moved[0]) == (
        "2026-03-29: fires keep their distance in elapsed time while the clock goes forward by 1:00:00, so that from"
        " 2026-03-29 03:00:00 on they are that much later by the clock"
    )
    assert moved[1].text.endswith("from 2026-10-25 02:00:00 on they are that much earlier by the clock")
    assert [note.wall_times for note in moved] == [(), ()]
    assert notes(every(minutes=30)) == []
    assert len(notes(every(hours=2, end_date="2026-06-01"))) == 1
    assert len(notes(every(hours=2, start_date="2026-06-01"))) == 1
    assert notes(every(hours=2, timezone="UTC")) == []


def test_a_date_notes_a_repeated_time():
    """First or last."""
    first = notes(DateTrigger("2026-10-25 02:30", BERLIN))
    last = notes(DateTrigger(datetime(2026, 10, 25, 2, 30, fold=1), BERLIN))

    assert first[0].text.endswith("one fire, the first time")
    assert last[0].text.endswith("one fire, the last time")
    assert notes(DateTrigger("2026-10-25 04:30", BERLIN)) == []


def test_a_rule_notes_what_it_loses():
    """More than ten times are not told one by one."""
    hourly = RRuleTrigger("FREQ=MINUTELY;INTERVAL=2", start_date="2026-01-05", timezone=BERLIN)
    ended = RRuleTrigger("FREQ=DAILY;COUNT=3", start_date="2026-01-05 02:30", timezone=BERLIN)
    added = RRuleTrigger("RDATE:20261025T023000", start_date="2026-01-05", timezone=BERLIN)

    gap, fold = notes(hourly)
    assert "02:16, 02:18, … do not exist" in gap.text
    assert gap.text.endswith("no fire")
    assert fold.text.endswith("they fire the first time only")
    assert not fold.is_complete
    assert notes(ended) == []
    assert notes(added)[0].text.endswith("one fire, the first time")


def test_combinations_note_what_their_triggers_do():
    """In order of time."""
    both = OrTrigger([calendar(days=1), every(hours=2)])

    assert [note.at.month for note in notes(both)] == [3, 3, 10, 10]
    assert len(notes(ExcludingTrigger(calendar(days=1), "mon"))) == 2


def test_what_keeps_the_beat():
    """Elapsed time does, the time of day does not."""
    beat, clock = every(hours=1), CronTrigger(hour=3, timezone=BERLIN)

    assert beat.keeps_beat
    assert not clock.keeps_beat
    assert OrTrigger([beat, beat]).keeps_beat
    assert not AndTrigger([beat, clock]).keeps_beat
    assert ExcludingTrigger(beat, "mon").keeps_beat
