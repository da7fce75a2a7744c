"""Whatever text names a zone, a time, a rule or an exclusion: an answer or a ValueError, and soon."""

from __future__ import annotations

from datetime import datetime, tzinfo
from time import process_time
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler_lite._timezones import to_datetime, to_timezone
from apscheduler_lite.triggers.excluding import ExcludingTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger
from apscheduler_lite.triggers.rrule import RRuleTrigger

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, 9, tzinfo=BERLIN)

anything = st.text(max_size=200)


def pieces(*texts: str) -> st.SearchStrategy[str]:
    """Return texts made of likely pieces."""
    return st.lists(st.sampled_from(texts), max_size=40).map(lambda parts: "".join(parts)[:200])


moments = pieces(*"0123456789-: TZW.+", "2026-", "01-05", " 10:00", "24:00", "+05:30", "Z", "60", "-W53-7")
zones = pieces("Europe/", "Berlin", "UTC", "..", "/", "Etc/GMT+1", "\0", "posix/", "right/", "-", ".", "zone.tab", "é")
rules = pieces(
    *("FREQ=", "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY", ";", ";", ";", ",", ",", "-"),
    *("INTERVAL=", "COUNT=", "UNTIL=", "BYDAY=", "BYMONTH=", "BYMONTHDAY=", "BYYEARDAY=", "BYWEEKNO=", "BYSETPOS="),
    *("BYHOUR=", "BYMINUTE=", "BYSECOND=", "WKST=", "MO", "SU", "1", "2", "29", "31", "53", "366", "999999999"),
    *("DTSTART:", "RRULE:", "EXDATE:", "RDATE;TZID=Europe/Berlin:", "\n", "20260105T090000", "Z", "20260229"),
)


def is_answered(function, *arguments, **options):
    """Return whether there is an answer, having checked that anything else is a ValueError within two seconds."""
    begin = process_time()
    try:
        answer = function(*arguments, **options)
    except ValueError:
        answer = None
    assert process_time() - begin < 2

    return answer


@given(anything | moments)
def test_any_time(text):
    """What is read is aware."""
    moment = is_answered(to_datetime, text, BERLIN, "run_date")

    assert moment is None or moment.utcoffset() is not None


@given(anything | zones)
def test_any_zone(text):
    """What is found tells an offset."""
    zone = is_answered(to_timezone, text)

    assert zone is None or isinstance(zone, tzinfo)


@given(
    anything | st.builds("FREQ={};{}".format, st.sampled_from(["DAILY", "SECONDLY", "YEARLY", "WEEKLY"]), rules) | rules
)
@settings(max_examples=300)
def test_any_rule(text):
    """A rule that is accepted fires, or has ended."""
    trigger = is_answered(RRuleTrigger, text, start_date=None if "DTSTART" in text else START, timezone=BERLIN)

    if trigger is not None:
        fires = is_answered(trigger.next_fire_times, 3, after=START)
        assert fires == sorted(set(fires))


@given(anything | pieces("mon", "day", "sat", "ur", "2026-", "12-25", " ", "T10:00"))
def test_any_exclusion(text):
    """Text is a weekday or a date."""
    is_answered(ExcludingTrigger, IntervalTrigger(hours=1, start_date=START), text)
