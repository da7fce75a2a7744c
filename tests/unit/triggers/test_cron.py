"""CronTrigger in its keyword form."""

from __future__ import annotations

import pickle
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import SchedulerWarning
from apscheduler_lite.triggers.cron import CronTrigger

BERLIN = ZoneInfo("Europe/Berlin")


def fires(trigger: CronTrigger, after: str, n: int = 3) -> list[str]:
    """Return the next fire times as text."""
    return [moment.isoformat() for moment in trigger.next_fire_times(n, datetime.fromisoformat(after))]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"hour": "5/3"}, ["2026-01-01T05:00", "2026-01-01T08:00", "2026-01-01T11:00"]),
        ({"month": 5, "hour": 3}, ["2026-05-01T03:00", "2026-05-02T03:00", "2026-05-03T03:00"]),
        ({"day": "last,15"}, ["2026-01-15T00:00", "2026-01-31T00:00", "2026-02-15T00:00"]),
        ({"day": "5th mon"}, ["2026-03-30T00:00", "2026-06-29T00:00", "2026-08-31T00:00"]),
        ({"day": "LAST  Fri"}, ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
        ({"day": "1-7", "day_of_week": "mon"}, ["2026-01-05T00:00", "2026-02-02T00:00", "2026-03-02T00:00"]),
        ({"week": 53}, ["2026-12-28T00:00", "2026-12-29T00:00", "2026-12-30T00:00"]),
        ({"week": 1, "day_of_week": "thu"}, ["2026-01-01T00:00", "2027-01-07T00:00", "2028-01-06T00:00"]),
        ({"year": "2026-2030/2"}, ["2026-01-01T00:00", "2028-01-01T00:00", "2030-01-01T00:00"]),
        ({"month": 2, "day": 29}, ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ({"day_of_week": "mon-fri/2", "hour": 9}, ["2026-01-02T09:00", "2026-01-05T09:00", "2026-01-07T09:00"]),
        ({"month": "JAN-mar/2"}, ["2026-01-01T00:00", "2026-03-01T00:00", "2027-01-01T00:00"]),
        ({"hour": " 5 , 6"}, ["2026-01-01T05:00", "2026-01-01T06:00", "2026-01-02T05:00"]),
        ({"second": "*/20"}, ["2026-01-01T00:00", "2026-01-01T00:00:20", "2026-01-01T00:00:40"]),
    ],
)
def test_fields_mean_what_they_mean_in_apscheduler_3(fields: dict[str, object], expected: list[str]) -> None:
    """The keyword language is that of APScheduler 3.11, checked against it (a step after names is honoured)."""
    trigger = CronTrigger(**fields, timezone=UTC)  # type: ignore[arg-type]

    found = trigger.next_fire_times(3, datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))

    assert found == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in expected]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at least one of the fields year, month, day, week, day_of_week, hour, minute, second"),
        ({"hour": "25"}, "hour: 25 is out of range in '25'; it goes from 0 to 23"),
        ({"hour": -1}, "hour: cannot read '-1'"),
        ({"year": 1969}, "year: 1969 is out of range in '1969'; it goes from 1970 to 9999"),
        ({"day_of_week": 7}, "it goes from 0 to 6 (Monday is 0, Sunday is 6)"),
        ({"month": "janary"}, "month: cannot read 'janary' in 'janary'"),
        ({"month": "janary"}, "did you mean 'jan'?"),
        ({"month": "1-mar"}, "month: '1-mar' goes from a name to a number"),
        ({"day": "2nd tues"}, "day: 'tues' in '2nd tues' is no weekday"),
        ({"day": "6th mon"}, "day: cannot read '6th mon' in '6th mon'"),
        ({"day": "3th fri"}, "did you mean '3rd fri'?"),
        ({"day": "1st friday"}, "did you mean 'fri'?"),
        ({"hour": ""}, "hour must not be empty"),
        ({"minute": "  "}, "minute must not be empty"),
        ({"day_of_week": "", "hour": 5}, "day_of_week must not be empty"),
        ({"year": "0 5 * * *"}, "CronTrigger.from_crontab('0 5 * * *')"),
        ({"year": "0,30 5 * * mon-fri"}, "CronTrigger.from_crontab"),
        ({"year": "@daily"}, "CronTrigger.from_crontab('@daily')"),
        ({"hour": "0 5 * * *"}, "CronTrigger.from_crontab"),
        ({"hour": "5-3"}, "hour: '5-3' ends before it begins; write 5-23,0-3"),
        ({"hour": "*/24"}, "hour: the step in '*/24' is longer than the range, which is 23"),
        ({"hour": "*/0"}, "hour: the step in '*/0' must be at least 1"),
        ({"hour": "5,,6"}, "hour: cannot read '' in '5,,6'"),
        ({"hour": "1" * 1001}, "hour is longer than 1000 characters"),
        ({"month": 2, "day": 30}, "no date matches month='2', day='30': the trigger would never fire"),
        ({"week": 53, "month": 6}, "no date matches month='6', week='53'"),
        ({"year": 2026, "month": 2, "day": 29}, "no date matches"),
        ({"hour": 1, "dst_gap": "skp"}, "dst_gap must be one of 'after', 'shift', 'skip', not 'skp'"),
        ({"hour": 1, "dst_fold": "second"}, "dst_fold must be one of 'both', 'first', 'last', not 'second'"),
        ({"hour": 1, "jitter": -1}, "jitter"),
        ({"hour": 1, "timezone": "Europe/Berln"}, "did you mean 'Europe/Berlin'?"),
        ({"hour": 1, "start_date": "2026-02-01", "end_date": "2026-01-01", "timezone": UTC}, "is earlier than"),
    ],
)
def test_a_wrong_value_is_told_by_name(fields: dict[str, object], message: str) -> None:
    """The error names the field, the text, and what is allowed."""
    with pytest.raises(ValueError, match=re.escape(message)):
        CronTrigger(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [5.0, True, [1, 2], object()])
def test_a_field_of_a_wrong_type_is_refused(value: object) -> None:
    """Fields are text or whole numbers."""
    with pytest.raises(TypeError, match="hour must be text like"):
        CronTrigger(hour=value)  # type: ignore[arg-type]


def test_a_schedule_of_past_years_is_accepted_and_over() -> None:
    """A year that has passed is no mistake of the calendar: such a trigger has no next fire time."""
    trigger = CronTrigger(year=2020, timezone=UTC)

    assert trigger.get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_the_text_of_a_trigger_is_that_of_apscheduler_3() -> None:
    """str, repr and fields look as they do in APScheduler 3; the policies show when they are not the default."""
    trigger = CronTrigger(day="last", hour="8-17/2", start_date="2026-01-01", jitter=3, timezone=BERLIN, dst_gap="skip")

    assert str(trigger) == "cron[day='last', hour='8-17/2']"
    assert repr(trigger) == (
        "<CronTrigger (day='last', hour='8-17/2', start_date='2026-01-01 00:00:00 CET', jitter=3, dst_gap='skip',"
        " timezone='Europe/Berlin')>"
    )
    assert [(field.name, str(field), field.is_default) for field in trigger.fields] == [
        ("year", "*", True),
        ("month", "*", True),
        ("day", "last", False),
        ("week", "*", True),
        ("day_of_week", "*", True),
        ("hour", "8-17/2", False),
        ("minute", "0", True),
        ("second", "0", True),
    ]


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        pytest.param(
            {"hour": 2, "minute": 30},
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
            id="gap-after",
        ),
        pytest.param(
            {"hour": 2, "minute": 30, "dst_gap": "shift"},
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"],
            id="gap-shift",
        ),
        pytest.param(
            {"hour": 2, "minute": 30, "dst_gap": "skip"},
            "2026-03-28T12:00+01:00",
            ["2026-03-30T02:30:00+02:00"],
            id="gap-skip",
        ),
        pytest.param(
            {"hour": "2,3", "minute": "0,20,40"},
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00"],
            id="gap-several-are-one",
        ),
        pytest.param(
            {"minute": "*/20"},
            "2026-03-29T01:30+01:00",
            ["2026-03-29T01:40:00+01:00", "2026-03-29T03:00:00+02:00"],
            id="gap-repeating",
        ),
        pytest.param(
            {"hour": 2, "minute": 30},
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
            id="fold-first",
        ),
        pytest.param(
            {"hour": 2, "minute": 30, "dst_fold": "last"},
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"],
            id="fold-last",
        ),
        pytest.param(
            {"hour": 2, "minute": 30, "dst_fold": "both"},
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"],
            id="fold-both",
        ),
        pytest.param(
            {"hour": 2, "minute": "*/30"},
            "2026-10-25T02:10+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"],
            id="fold-repeating",
        ),
        pytest.param(
            {"hour": 2, "minute": "10,40"},
            "2026-10-25T02:20+02:00",
            ["2026-10-25T02:40:00+02:00", "2026-10-26T02:10:00+01:00"],
            id="late-start-after-a-regular-fire",
        ),
        pytest.param(
            {"hour": 2, "minute": "10,40"},
            "2026-10-25T02:50+02:00",
            ["2026-10-25T02:10:00+01:00", "2026-10-25T02:40:00+01:00", "2026-10-26T02:10:00+01:00"],
            id="late-start-takes-the-second-readings",
        ),
    ],
)
def test_clock_changes_follow_the_policy(fields: dict[str, object], after: str, expected: list[str]) -> None:
    """Fixed times fire once a day, repeating ones keep their beat, and the options choose otherwise."""
    trigger = CronTrigger(**fields, timezone=BERLIN)  # type: ignore[arg-type]

    assert fires(trigger, after, len(expected)) == expected


def test_a_job_just_after_midnight_is_not_lost_in_a_midnight_gap() -> None:
    """Where summer time begins at midnight, a job at 00:30 runs at 01:00 that day."""
    trigger = CronTrigger(hour=0, minute=30, timezone="America/Sao_Paulo")

    assert fires(trigger, "2018-11-03T12:00-03:00", 2) == ["2018-11-04T01:00:00-02:00", "2018-11-05T00:30:00-02:00"]


def test_times_on_a_date_that_a_zone_skipped_do_not_fire() -> None:
    """Samoa had no 30 December 2011."""
    trigger = CronTrigger(hour=12, timezone="Pacific/Apia")

    assert fires(trigger, "2011-12-28T13:00-10:00", 2) == ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"]


def test_a_time_that_only_exists_in_gaps_is_searched_for_in_bounded_time() -> None:
    """A schedule whose every time is lost to clock changes has no next fire time, and that is found out quickly."""
    trigger = CronTrigger(month=3, day="last sun", hour=2, minute=30, year="2026-2090", timezone=BERLIN, dst_gap="skip")

    assert trigger.get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_four_centuries_of_gaps_are_enough() -> None:
    """The same without an end: after 400 years the calendar repeats."""
    trigger = CronTrigger(month=3, day="last sun", hour=2, minute=30, timezone=BERLIN, dst_gap="skip")
    now = to_instant(datetime(2026, 1, 1, tzinfo=UTC))

    assert trigger.next_instant(None, now) is None
    assert trigger.latest_instant(now - 3 * 365 * 86_400_000_000, now) is None


class LeapingZone(tzinfo):
    """A zone whose clock went from 20:00 on 1 May 2026 to 02:00 on 3 May."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=-10 if dt is None or dt.replace(tzinfo=None) < datetime(2026, 5, 3, 2) else 20)

    def dst(self, dt: datetime | None) -> timedelta:
        return timedelta()

    def fromutc(self, dt: datetime) -> datetime:
        before = dt.replace(tzinfo=None) < datetime(2026, 5, 2, 6)
        return dt + timedelta(hours=-10 if before else 20)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [("after", ["03 02:00"]), ("shift", ["03 04:00", "04 07:00"]), ("skip", [])],
)
def test_the_rest_of_a_day_is_lost_differently_from_a_whole_day(gap: str, expected: list[str]) -> None:
    """A gap swallows an evening, all of the next date and the small hours after it: only the date is gone."""
    evening = CronTrigger(day="1,2", hour=22, timezone=LeapingZone(), dst_gap=gap)  # type: ignore[arg-type]
    night = CronTrigger(day="2,3", hour=1, timezone=LeapingZone(), dst_gap=gap)  # type: ignore[arg-type]
    after, end = datetime(2026, 5, 1, 19, tzinfo=LeapingZone()), datetime(2026, 5, 4, 8, tzinfo=LeapingZone())
    found = {moment.strftime("%d %H:%M") for trigger in (evening, night) for moment in trigger.between(after, end)}

    assert found == set(expected)


def test_start_and_end_bound_the_fire_times() -> None:
    """Both bounds belong to the allowed time."""
    trigger = CronTrigger(hour="*", start_date="2026-01-01 10:00", end_date="2026-01-01 11:00", timezone=UTC)

    assert fires(trigger, "2025-12-01T00:00Z") == ["2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00"]


def test_a_clock_that_went_back_does_not_stall_the_trigger() -> None:
    """When now is earlier than the previous fire time, the search begins at now."""
    trigger = CronTrigger(hour="*", timezone=UTC)
    previous, now = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 9, 30, tzinfo=UTC)

    assert trigger.get_next_fire_time(previous, now) == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_jitter_delays_within_the_slot_and_is_not_fed_back() -> None:
    """With a jitter longer than the period every slot still fires, in order."""
    trigger = CronTrigger(minute="*/5", jitter=3600, timezone=UTC)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for _ in range(100):
        moment = trigger.get_next_fire_time(moment, moment)  # type: ignore[assignment]
        found.append(moment)

    first = int(found[0].timestamp()) // 300

    assert [int(moment.timestamp()) // 300 for moment in found] == list(range(first, first + 100))
    assert len({moment.second for moment in found}) > 10


def test_the_latest_fire_time_is_found_without_counting() -> None:
    """Thirty years of a job that fires every second cost one look."""
    trigger = CronTrigger(second="*", timezone=UTC)
    now = int(datetime(2026, 1, 1, 0, 0, 0, 500, tzinfo=UTC).timestamp()) * 1_000_000

    assert trigger.latest_instant(0, now + 500) == now
    assert trigger.latest_instant(now, now + 500) is None


def test_an_implicit_zone_is_the_schedulers() -> None:
    """A trigger that was given no zone takes that of the scheduler, also for its naive dates, and says so."""
    trigger = CronTrigger(hour=5, start_date="2026-01-01 00:00", end_date="2026-06-01 00:00+00:00")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    host = now.astimezone(trigger.timezone).utcoffset()
    zone = next(z for z in (BERLIN, ZoneInfo("Asia/Tokyo")) if now.astimezone(z).utcoffset() != host)
    with pytest.warns(SchedulerWarning, match="names no time zone"):
        bound = trigger.bind(zone, now)

    assert bound is not trigger
    assert bound.timezone is zone
    assert bound.start_date == datetime(2026, 1, 1, tzinfo=zone)
    assert bound.end_date == datetime(2026, 6, 1, tzinfo=UTC)
    assert bound.bind(BERLIN, now) is bound


def test_an_explicit_zone_stays() -> None:
    """Binding changes nothing where the user chose."""
    trigger = CronTrigger(hour=5, timezone=BERLIN)

    assert trigger.bind(ZoneInfo("Asia/Tokyo"), datetime(2026, 1, 1, tzinfo=UTC)) is trigger


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_trigger_gives_the_same_fire_times(protocol: int) -> None:
    """Everything that matters is in the state."""
    trigger = CronTrigger(
        day="last fri",
        hour="2-4",
        start_date="2026-01-01",
        end_date="2030-01-01",
        jitter=0.5,
        timezone=BERLIN,
        dst_gap="shift",
        dst_fold="both",
    )
    restored = pickle.loads(pickle.dumps(trigger, protocol))

    assert restored == trigger
    assert hash(restored) == hash(trigger)
    assert repr(restored) == repr(trigger)
    assert fires(restored, "2026-01-01T00:00Z", 50) == fires(trigger, "2026-01-01T00:00Z", 50)


class OldField:
    """A field as a pickle of APScheduler 3 holds it."""

    def __init__(self, name: str, text: str, is_default: bool) -> None:
        self.name = name
        self.text = text
        self.is_default = is_default

    def __str__(self) -> str:
        return self.text


def test_the_state_of_apscheduler_3_restores() -> None:
    """Its triggers are pickled with field objects, and without what it did not know."""
    restored = object.__new__(CronTrigger)
    restored.__setstate__(
        {
            "version": 2,
            "timezone": BERLIN,
            "start_date": datetime(2026, 1, 1, tzinfo=BERLIN),
            "end_date": None,
            "fields": [
                OldField("year", "*", True),
                OldField("month", "*", True),
                OldField("day", "last", False),
                OldField("week", "*", True),
                OldField("day_of_week", "*", True),
                OldField("hour", "8-17/2", False),
                OldField("minute", "0", True),
                OldField("second", "0", True),
            ],
            "jitter": 3,
        }
    )

    assert restored == CronTrigger(day="last", hour="8-17/2", start_date="2026-01-01", timezone=BERLIN, jitter=3)


# What pickle.dumps(trigger, 4) gave with version 0.1.
OLD_KEYWORDS = (
    "gASVrgEAAAAAAACMHmFwc2NoZWR1bGVyX2xpdGUudHJpZ2dlcnMuY3JvbpSMC0Nyb25UcmlnZ2VylJOUKYGUfZQojAd2ZXJzaW9u"
    "lEsDjAh0aW1lem9uZZSMCGJ1aWx0aW5zlIwHZ2V0YXR0cpSTlIwIem9uZWluZm+UjAhab25lSW5mb5STlIwJX3VucGlja2xllIaU"
    "UpSMDUV1cm9wZS9CZXJsaW6USwGGlFKUjApzdGFydF9kYXRllIwIZGF0ZXRpbWWUjAhkYXRldGltZZSTlEMKB+kMHxcAAAAAAJRo"
    "FIwIdGltZXpvbmWUk5RoFIwJdGltZWRlbHRhlJOUSwBLAEsAh5RSlIWUUpSGlFKUjAhlbmRfZGF0ZZRoFkMKB+0MHxcAAAAAAJRo"
    "H4aUUpSMB2RpYWxlY3SUjACUjApleHByZXNzaW9ulGgnjAZmaWVsZHOUfZQojANkYXmUjAhsYXN0IGZyaZSMBGhvdXKUjAMyLTSU"
    "dYwGaml0dGVylEc/4AAAAAAAAIwHZHN0X2dhcJSMBXNoaWZ0lIwIZHN0X2ZvbGSUjARib3RolIwEb3BlbpROdWIu"
)
OLD_LINE = (
    "gASVcwEAAAAAAACMHmFwc2NoZWR1bGVyX2xpdGUudHJpZ2dlcnMuY3JvbpSMC0Nyb25UcmlnZ2VylJOUKYGUfZQojAd2ZXJzaW9u"
    "lEsDjAh0aW1lem9uZZSMCGJ1aWx0aW5zlIwHZ2V0YXR0cpSTlIwIem9uZWluZm+UjAhab25lSW5mb5STlIwJX3VucGlja2xllIaU"
    "UpSMDUV1cm9wZS9CZXJsaW6USwGGlFKUjApzdGFydF9kYXRllE6MCGVuZF9kYXRllE6MB2RpYWxlY3SUjAdjcm9udGFilIwKZXhw"
    "cmVzc2lvbpSMCzAgMCBMICogNSMylIwGZmllbGRzlH2UKIwFbW9udGiUjAEqlIwDZGF5lIwBTJSMC2RheV9vZl93ZWVrlIwDNSMy"
    "lIwEaG91cpSMATCUjAZtaW51dGWUaCJ1jAZqaXR0ZXKUTowHZHN0X2dhcJSMBWFmdGVylIwIZHN0X2ZvbGSUjAVmaXJzdJSMBG9w"
    "ZW6UTnViLg=="
)
OLD_PICKLES = {
    "keywords": (
        OLD_KEYWORDS,
        CronTrigger(
            day="last fri",
            hour="2-4",
            start_date="2026-01-01",
            end_date="2030-01-01",
            jitter=0.5,
            timezone=BERLIN,
            dst_gap="shift",
            dst_fold="both",
        ),
    ),
    "line": (
        OLD_LINE,
        CronTrigger.from_crontab("0 0 L * 5#2", BERLIN),
    ),
}


@pytest.mark.parametrize(("old", "trigger"), OLD_PICKLES.values(), ids=OLD_PICKLES)
def test_pickles_of_earlier_versions_restore(old: str, trigger: CronTrigger) -> None:
    """Stores are full of them."""
    assert pickle.loads(b64decode(old)) == trigger


def test_a_pickle_of_a_later_version_is_refused() -> None:
    """Guessing would be worse."""
    with pytest.raises(ValueError, match="has a state of version 99"):
        object.__new__(CronTrigger).__setstate__({"version": 99})


def test_triggers_are_equal_when_they_are_configured_alike() -> None:
    """Zone, policy and bounds count; capitals and blanks do not."""
    trigger = CronTrigger(day="LAST  fri", timezone=UTC)

    assert trigger == CronTrigger(day="last fri", timezone=UTC)
    assert trigger != CronTrigger(day="last fri", timezone=BERLIN)
    assert trigger != CronTrigger(day="last fri", timezone=UTC, dst_gap="skip")
    assert trigger != "last fri"


@pytest.mark.parametrize("moment", [None, "2026-01-01", datetime(2026, 1, 1), 5])
def test_a_question_without_an_aware_datetime_is_refused(moment: object) -> None:
    """The error says which argument is wrong."""
    trigger = CronTrigger(hour=5, timezone=UTC)

    with pytest.raises(TypeError, match="now must"):
        trigger.get_next_fire_time(None, moment)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="now must"):
        trigger.get_next_fire_time(datetime(2026, 1, 1, tzinfo=UTC), moment)  # type: ignore[arg-type]
