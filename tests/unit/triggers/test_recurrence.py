"""Facts about RRuleTrigger and the rules of RFC 5545."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.combining import AndTrigger
from apscheduler_lite.triggers.recurrence import parse_rule
from apscheduler_lite.triggers.rrule import RRuleTrigger

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(1997, 9, 2, 9)  # the start of most examples in the RFC, a Tuesday
EPOCH = datetime(1970, 1, 1)


def times(text, count=6, start=START):
    """Return the first times of a rule as text without seconds."""
    rule = parse_rule(text, start)
    return [f"{EPOCH + timedelta(seconds=wall):%Y-%m-%d %H:%M}" for wall in islice(rule.rising(rule.start), count)]


def days(text, count=6, start=START):
    """Return the first dates of a rule."""
    return [time[:10] for time in times(text, count, start)]


def at(text, **options):
    """Return a trigger in Berlin that starts in 2026."""
    return RRuleTrigger(text, **{"start_date": "2026-01-05 09:00", "timezone": BERLIN, **options})


def shown(trigger, count=4):
    """Return the first fires of a trigger."""
    return [fire.isoformat()[:16] for fire in trigger.next_fire_times(count, after=datetime(2026, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=YEARLY", ["1997-09-02", "1998-09-02", "1999-09-02"]),
        ("FREQ=YEARLY;BYMONTH=1", ["1998-01-02", "1999-01-02", "2000-01-02"]),
        ("FREQ=YEARLY;BYDAY=20MO", ["1998-05-18", "1999-05-17", "2000-05-15"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", ["1998-05-11", "1999-05-17", "2000-05-15"]),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", ["1998-03-05", "1998-03-12", "1998-03-19"]),
        ("FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,-1", ["1997-12-31", "2000-01-01", "2000-04-09"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", ["1997-11-04", "1998-11-03", "1999-11-02"]),
        ("FREQ=MONTHLY;BYDAY=1FR", ["1997-09-05", "1997-10-03", "1997-11-07"]),
        ("FREQ=MONTHLY;BYDAY=-2MO", ["1997-09-22", "1997-10-20", "1997-11-17"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", ["1997-09-28", "1997-10-29", "1997-11-28"]),
        ("FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12", ["1997-09-10", "1997-09-11", "1997-09-12", "1999-03-10"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", ["1998-02-13", "1998-03-13", "1998-11-13"]),
        ("FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3", ["1997-09-04", "1997-10-07", "1997-11-06"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", ["1997-09-29", "1997-10-30", "1997-11-27"]),
        ("FREQ=WEEKLY", ["1997-09-02", "1997-09-09", "1997-09-16"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH", ["1997-09-02", "1997-09-04", "1997-09-16"]),
        ("FREQ=DAILY;INTERVAL=10", ["1997-09-02", "1997-09-12", "1997-09-22"]),
        ("FREQ=DAILY;BYMONTH=1", ["1998-01-01", "1998-01-02", "1998-01-03"]),
        ("FREQ=YEARLY;INTERVAL=500", ["1997-09-02", "2497-09-02", "2997-09-02"]),
    ],
)
def test_the_dates_of_a_rule(text, expected):
    """Most are examples of the RFC itself."""
    assert days(text, len(expected)) == expected


@pytest.mark.parametrize(
    ("week_start", "expected"), [("MO", ["05", "10", "19", "24"]), ("SU", ["05", "17", "19", "31"])]
)
def test_the_week_start_makes_a_difference(week_start, expected):
    """Every other week from Tuesday to Sunday: the example of the RFC."""
    text = f"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST={week_start}"

    assert [day[-2:] for day in days(text, 4, datetime(1997, 8, 5, 9))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=HOURLY;INTERVAL=3", ["09:00", "12:00", "15:00"]),
        ("FREQ=MINUTELY;INTERVAL=90", ["09:00", "10:30", "12:00"]),
        ("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40", ["09:00", "09:20", "09:40", "10:00"]),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9", ["09:00", "09:20", "09:40", "09:00"]),
        ("FREQ=HOURLY;BYMINUTE=5,10,15;BYSETPOS=-1", ["09:15", "10:15", "11:15"]),
        ("FREQ=MINUTELY;BYSECOND=30,59;BYSETPOS=1;BYMINUTE=7", ["09:07", "10:07", "11:07"]),
        ("FREQ=SECONDLY;INTERVAL=3600;BYSECOND=0", ["09:00", "10:00", "11:00"]),
        ("FREQ=SECONDLY;INTERVAL=20;BYSECOND=40;BYMINUTE=3,4", ["09:03", "09:04", "10:03"]),
        ("FREQ=HOURLY;INTERVAL=36;BYHOUR=21", ["21:00", "21:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=2;BYHOUR=6,18;BYSETPOS=-1", ["18:00", "18:00"]),
    ],
)
def test_the_times_of_a_rule(text, expected):
    """What the rule does not say is taken from the start."""
    assert [time[11:] for time in times(text, len(expected))] == expected


@pytest.mark.parametrize("number", [1, 20, 52, 53, -1, -53])
def test_weeks_are_iso_weeks_when_they_start_on_monday(number):
    """Over forty years, also where the week belongs to another year than its days."""
    rule = parse_rule(f"FREQ=YEARLY;BYWEEKNO={number}", datetime(2000, 1, 1))
    day, expected = datetime(2000, 1, 1), []
    while day.year < 2040:
        year, week, _ = day.isocalendar()
        last = datetime(year, 12, 28).isocalendar()[1]
        if number in (week, week - last - 1):
            expected.append(day)
        day += timedelta(1)

    found = [EPOCH + timedelta(seconds=wall) for wall in islice(rule.rising(rule.start), len(expected))]
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYDAY=-1SU,53MO",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYHOUR=1,2",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU",
        "FREQ=DAILY;INTERVAL=4",
        "FREQ=HOURLY;INTERVAL=5;BYMINUTE=3,9",
        "FREQ=MINUTELY;INTERVAL=7;BYHOUR=3,21",
        "FREQ=SECONDLY;INTERVAL=7201",
        "FREQ=SECONDLY;BYHOUR=9,11;BYMINUTE=0,59",
    ],
)
def test_falling_is_rising_backwards(text):
    """And both begin in the middle as well as at the start."""
    rule = parse_rule(text, START)
    found = list(islice(rule.rising(rule.start), 40))

    assert list(rule.falling(found[-1])) == found[::-1]
    assert list(rule.falling(found[20] - 1)) == found[19::-1]
    assert next(rule.rising(found[19] + 1)) == found[20]
    assert list(rule.falling(rule.start - 1)) == []


def test_a_search_without_end_ends():
    """Four hundred years without a match are enough, in both directions."""
    rule = parse_rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", datetime(1, 1, 1))

    assert next(rule.rising(rule.start), None) is None
    assert next(rule.falling(0), None) is None
    assert not rule.is_possible()


def test_a_line_and_a_whole_calendar_are_read():
    """Names in any case, folded lines, TZID, Z, and dates alone."""
    text = (
        "dtstart;tzid=Europe/Berlin:20260105T090000\r\n"
        "RRULE:freq=daily;\r\n count=5\r\n"
        "EXDATE;TZID=Europe/Berlin:20260106T090000,20260107T090000\r\n"
        "EXDATE:20260108T080000Z\r\n"
        "RDATE;VALUE=DATE:20260301\r\n"
    )

    assert shown(RRuleTrigger(text), 9) == ["2026-01-05T09:00", "2026-01-09T09:00", "2026-03-01T00:00"]
    assert RRuleTrigger(text).timezone is BERLIN
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    assert shown(RRuleTrigger(f"\n{indented}\n    "), 9) == shown(RRuleTrigger(text), 9)
    assert shown(RRuleTrigger(b"RRULE:FREQ=DAILY", start_date="2026-01-05", timezone=UTC), 1) == ["2026-01-05T00:00"]


def test_several_rules_are_a_union():
    """With dates of their own."""
    text = "RRULE:FREQ=WEEKLY;BYDAY=MO\nRRULE:FREQ=MONTHLY;BYMONTHDAY=6\nRDATE:20260107T120000"

    assert [time[8:13] for time in shown(at(text), 5)] == ["05T09", "06T09", "07T12", "12T09", "19T09"]
    trigger = at(text)
    now = to_instant(datetime(2026, 1, 11, tzinfo=BERLIN))
    assert trigger.latest_instant(0, now) == to_instant(datetime(2026, 1, 7, 12, tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260107T090000", "07"), ("20260107T085959", "06"), ("20260107T080000Z", "07"), ("20260107", "07")],
)
def test_until_is_included(until, last):
    """A local time, a time in UTC, or a whole day."""
    fires = shown(at(f"FREQ=DAILY;UNTIL={until}"), 9)

    assert fires[-1][8:10] == last


def test_what_a_gap_swallows_is_neither_fired_nor_counted():
    """The fold fires at its first reading."""
    spring = at("FREQ=DAILY;COUNT=3", start_date="2026-03-28 02:30")
    autumn = at("FREQ=DAILY;COUNT=2", start_date="2026-10-25 02:30")

    assert [time[8:] for time in shown(spring, 9)] == ["28T02:30", "30T02:30", "31T02:30"]
    assert [fire.isoformat()[8:] for fire in autumn.next_fire_times(9, datetime(2026, 9, 1, tzinfo=UTC))] == [
        "25T02:30:00+02:00",
        "26T02:30:00+01:00",
    ]


def test_the_second_pass_of_a_fold_is_not_asked_again():
    """Nor does the latest fire forget what was read in the first pass only."""
    trigger = at("FREQ=DAILY;BYMINUTE=30", start_date="2026-10-01 02:30")
    first = to_instant(datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN))
    second = first + 3600 * 10**6

    assert trigger.next_instant(None, first + 1) == first + 25 * 3600 * 10**6
    assert trigger.latest_instant(0, second - 1) == first
    assert trigger.latest_instant(first, second) is None


def test_limits_hold():
    """start_date is the start of the rule, end_date the end of everything."""
    trigger = at("FREQ=DAILY", end_date="2026-01-06 09:00")

    assert shown(trigger, 9) == ["2026-01-05T09:00", "2026-01-06T09:00"]
    assert trigger.next_instant(None, to_instant(datetime(2026, 2, 1, tzinfo=UTC))) is None
    assert trigger.latest_instant(0, 10**16) == to_instant(datetime(2026, 1, 6, 9, tzinfo=BERLIN))
    assert trigger.latest_instant(0, 10**9) is None
    assert trigger.end_date == datetime(2026, 1, 6, 9, tzinfo=BERLIN)


def test_the_calendar_ends():
    """After the year 9999 there is nothing."""
    trigger = at("FREQ=YEARLY;INTERVAL=3000")

    assert [fire[:4] for fire in shown(trigger, 9)] == ["2026", "5026", "8026"]
    assert len(shown(at("FREQ=MONTHLY", start_date="9999-10-01"), 9)) == 3


def test_it_combines_with_others():
    """Its fires are whole seconds of local time."""
    both = AndTrigger([at("FREQ=DAILY;BYHOUR=9,10"), at("FREQ=WEEKLY;BYDAY=TU")])

    assert both.grid == (0, 1_000_000)
    assert shown(both, 2) == ["2026-01-06T09:00", "2026-01-13T09:00"]


def test_the_start_is_the_schedulers_now_when_it_is_left_open():
    """And so is the zone."""
    trigger = RRuleTrigger("FREQ=HOURLY")
    now = datetime(2031, 5, 1, 7, 30, 15, 5, tzinfo=UTC)

    bound = trigger.bind(TOKYO, now)
    assert bound.start_date == now.replace(microsecond=0)
    assert bound.timezone is TOKYO
    assert bound.bind(BERLIN, now) is bound
    assert bound.is_same_schedule(trigger.bind(TOKYO, now + timedelta(days=1)))
    assert at("FREQ=DAILY").bind(TOKYO, now).timezone is BERLIN


def test_a_naive_start_is_read_in_the_schedulers_zone():
    """With a warning where the host differs."""
    trigger = RRuleTrigger("FREQ=DAILY", start_date="2026-01-05 09:00")
    zone = TOKYO if trigger.timezone.utcoffset(datetime(2026, 1, 1)) != timedelta(hours=9) else BERLIN

    with pytest.warns(SchedulerWarning, match="the start 2026-01-05 09:00:00 .* names no time zone"):
        bound = trigger.bind(zone, datetime(2026, 1, 1, tzinfo=UTC))
    assert bound.start_date == datetime(2026, 1, 5, 9, tzinfo=zone)


def test_its_texts():
    """As those of the other triggers."""
    trigger = at("RRULE:FREQ=DAILY\nEXDATE:20260106T090000", end_date="2026-02-01", jitter=3)

    assert str(trigger) == "rrule[RRULE:FREQ=DAILY EXDATE:20260106T090000]"
    assert repr(trigger) == (
        "<RRuleTrigger (rule='RRULE:FREQ=DAILY\\nEXDATE:20260106T090000', start_date='2026-01-05 09:00:00 CET',"
        " end_date='2026-02-01 00:00:00 CET', jitter=3, timezone='Europe/Berlin')>"
    )
    assert "clock change" not in at("FREQ=DAILY", timezone=UTC).describe()
    assert trigger.describe().split("; ") == [
        "by the rule RRULE:FREQ=DAILY EXDATE:20260106T090000, Europe/Berlin time",
        "from 2026-01-05 09:00:00 CET on",
        "until 2026-02-01 00:00:00 CET",
        "each delayed by a random time of up to 3 seconds",
        "a time that a clock change skips does not fire, one that it repeats fires the first time only",
    ]


def test_a_pickle_restores_the_same_trigger():
    """Its fires too."""
    trigger = at("FREQ=DAILY;COUNT=3\nRDATE:20260301T000000", end_date="2027-01-01", jitter=1)

    restored = pickle.loads(pickle.dumps(trigger))
    assert repr(restored) == repr(trigger)
    assert shown(restored, 9) == shown(trigger, 9)
    assert restored.is_same_schedule(trigger)
    assert not restored.is_same_schedule(at("FREQ=DAILY;COUNT=4"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither an RRULE nor an RDATE"),
        ("DTSTART:20260101T000000", "neither an RRULE nor an RDATE"),
        ("DAILY", "'DAILY' is not of the form NAME=VALUE"),
        ("INTERVAL=2", "FREQ is missing"),
        ("FREQ=DALY", "FREQ must be one of .* did you mean 'DAILY'"),
        ("FREQ=DAILY;INTERVALL=2", "unknown part 'INTERVALL'; did you mean 'INTERVAL'"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be 1 or more, not '0'"),
        ("FREQ=DAILY;INTERVAL=x", "INTERVAL must be a whole number, not 'X'"),
        ("FREQ=DAILY;COUNT=1000000", "COUNT must be at most 10000"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "COUNT and UNTIL exclude"),
        ("FREQ=DAILY;UNTIL=tomorrow", "a time must be like 20260105T090000, not 'TOMORROW'"),
        ("FREQ=DAILY;UNTIL=20260230", "rule: day is out of range"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR must be from 0 to 23, not 24"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY must be from -31 to 31, without 0, not 0"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY must be weekdays like MO, 2TU or -1FR, not '0MO'"),
        ("FREQ=MONTHLY;BYDAY=XX", "BYDAY must be weekdays"),
        ("FREQ=WEEKLY;WKST=MON", "WKST must be one of"),
        ("FREQ=DAILY;BYDAY=1MO", "BYDAY takes no numbers with FREQ=DAILY"),
        ("FREQ=YEARLY;BYDAY=1MO;BYWEEKNO=1", "BYDAY takes no numbers beside BYWEEKNO"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO needs FREQ=YEARLY, not MONTHLY"),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY cannot be combined"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY cannot be combined"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another BY part"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "would never fire"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=8", "would never fire"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2", "would never fire"),
        ("SUMMARY:x", "unknown line 'SUMMARY:x'"),
        ("DTSTART:20260101,20260102\nRRULE:FREQ=DAILY", "DTSTART must be given once"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "either start_date or a DTSTART"),
        ("RDATE;TZID=Nowhere:20260101T000000", "TZID: no time zone is named"),
        ("RDATE;RANGE=x:20260101T000000", "unknown parameter 'RANGE=x'"),
        ("FREQ=DAILY;" + "BYHOUR=1;" * 2000, "longer than 10000 characters"),
    ],
)
def test_wrong_rules_are_told(text, words):
    """With the part, what it was and what is allowed."""
    with pytest.raises(ValueError, match=words):
        at(text)


def test_wrong_arguments_are_told():
    """As with the other triggers."""
    with pytest.raises(TypeError, match="rule must be a string, not int"):
        at(5)
    with pytest.raises(ValueError, match=r"end_date .* is earlier than the start"):
        at("FREQ=DAILY", end_date="2025-01-01")
