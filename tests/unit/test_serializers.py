"""Documents: what is written is read again, in words where there are words, and nothing is imported on the way."""

from __future__ import annotations

import enum
import json
import pickle
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytz

from apscheduler_lite.serializers import JSONSerializer
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger, OrTrigger
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Sealed:
    """A class that JSON knows nothing of."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Sealed) and self.value == other.value

    __hash__ = None


class Text(str):
    __slots__ = ()


class EveryHour(BaseTrigger):
    """A trigger that no plugin table knows."""

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) + timedelta(hours=1)


PLAIN = [
    None, True, False, 0, -1, 2**70, 1.5, float("inf"), "", "text", "ä\x00\U0001f600", [], [1, [2]], {},
    {"a": {"b": 1}},
    {1: "one", (2, 3): "pair"}, {"$": "a key like a tag"}, (), (1, (2,)), {1, 2}, frozenset({"a"}), b"\x00\xff",
    date(2026, 1, 5), time(1, 2, 3, 4), time(2, fold=1, tzinfo=timezone.utc), timedelta(days=-1, microseconds=1),
    datetime(2026, 1, 5, 10), datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    datetime(2026, 1, 5, tzinfo=timezone.utc), datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=1), "CET")), BERLIN, timezone.utc,
    UUID(int=7), Decimal("1.10"), Colour.RED, Size.BIG, Access.READ | Access.WRITE,
]  # fmt: skip


def through(value, **options):
    """Return what comes out of a document that the value was put into, and the document."""
    serializer = JSONSerializer(**options)
    text = serializer.dumps({"id": "job", "func": "math:sqrt", "args": value})
    return serializer.loads(text)["args"], text


@pytest.mark.parametrize("value", PLAIN, ids=[f"{type(value).__name__} {n}" for n, value in enumerate(PLAIN)])
def test_what_is_common_needs_no_pickle(value):
    """JSON's own types, times, zones, UUIDs, decimals, bytes, tuples, sets and members of an Enum stand in words."""
    found, text = through(value, allow_pickle=False)

    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)
    assert "pickle" not in text


def test_nan_is_kept():
    """JSON has no word for it."""
    found, _ = through(float("nan"), allow_pickle=False)

    assert found != found  # noqa: PLR0124 - what nan is


@pytest.mark.parametrize(
    "value", [Sealed(1), Text("a"), PurePosixPath("a"), 1j, range(3)], ids=lambda value: type(value).__name__
)
def test_anything_else_is_pickled(value):
    """A pickle stands where JSON has no word, subclasses of its types included."""
    found, text = through(value)

    assert found == value
    assert type(found) is type(value)
    assert json.loads(text)["args"]["$"] == "pickle"


@pytest.mark.parametrize("value", [Sealed(1), [{"deep": Sealed(1)}]], ids=["alone", "deep inside"])
def test_pickles_can_be_forbidden(value):
    """`allow_pickle=False` refuses them when they are written, naming the value and what to do."""
    with pytest.raises(ValueError, match=r"args of job 'job' cannot be stored: .*Sealed.*allow_pickle"):
        through(value, allow_pickle=False)


def test_no_pickle_is_loaded_where_that_is_forbidden(monkeypatch):
    """`allow_pickle=False` refuses a pickle that somebody else has written, without looking into it."""
    _, text = through(Sealed(1))
    monkeypatch.setattr(pickle, "loads", pytest.fail)

    with pytest.raises(ValueError, match="pickle"):
        JSONSerializer(allow_pickle=False).loads(text)


def test_a_zone_of_pytz_is_written_by_name():
    """It comes back as the zone that the library uses, with the same offset."""
    moment = pytz.timezone("Europe/Berlin").localize(datetime(2026, 7, 1))

    found, text = through(moment, allow_pickle=False)

    assert found == moment
    assert '"zone": "Europe/Berlin"' in text


TRIGGERS = [
    DateTrigger("2026-01-05 10:00", timezone="Europe/Berlin"),
    IntervalTrigger(minutes=5, start_date="2026-01-05", end_date="2027-01-01", timezone="Europe/Berlin", jitter=3),
    CronTrigger(hour="*/2", day_of_week="mon-fri", timezone="Europe/Berlin"),
    CronTrigger.from_crontab("0 0 * * 0", timezone="UTC"),
    CalendarIntervalTrigger(months=1, hour=8, start_date="2026-01-05", timezone="Europe/Berlin"),
    AndTrigger([CronTrigger(day=1, timezone="UTC"), CronTrigger(day_of_week="mon", timezone="UTC")]),
    OrTrigger([IntervalTrigger(hours=1, start_date="2026-01-05", timezone="UTC"), CronTrigger(hour=3, timezone="UTC")]),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_triggers_are_written_in_words(trigger):
    """They fire as before, and need no pickle."""
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)

    found, text = through(trigger, allow_pickle=False)

    assert found.is_same_schedule(trigger)
    assert found.next_fire_times(20, now) == trigger.next_fire_times(20, now)
    assert "apscheduler_lite" not in text


def test_a_trigger_that_no_plugin_table_knows_is_pickled():
    """A trigger of the application's own is kept all the same; forbidding pickles refuses it."""
    found, _ = through(EveryHour())

    assert isinstance(found, EveryHour)
    with pytest.raises(ValueError, match="EveryHour"):
        through(EveryHour(), allow_pickle=False)


def test_equal_values_make_equal_documents():
    """The order in which a set was filled leaves no trace: an unchanged job is recognised as such."""
    _, first = through({"a", "b", "c", "d"})
    _, second = through({"d", "c", "b", "a"})

    assert first == second


def test_a_value_that_contains_itself_is_refused():
    """The message says so, instead of a recursion that nobody understands."""
    value: list = []
    value.append(value)

    with pytest.raises(ValueError, match="args of job 'job' cannot be stored: it contains itself"):
        through(value)


def test_what_cannot_be_pickled_is_refused_by_name():
    """The error names the job's part and the value."""
    with pytest.raises(ValueError, match=r"args of job 'job' cannot be stored: .*lambda"):
        through(lambda: None)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[]", "no JSON object"),
        ("{", "Expecting property name"),
        ('{"func": "a:b", "args": {"$": "unknown", "value": 1}}', "unknown tag"),
        ('{"func": "a:b", "args": {"$": ["list"]}}', "unknown tag"),
        ('{"func": "a:b", "args": {"$": "enum", "class": "json:JSONDecoder", "name": "x"}}', "no Enum"),
        ('{"func": "a:b", "args": {"$": "enum", "class": "http:HTTPStatus", "name": "X"}}', "no member"),
        (
            '{"func": "a:b", "args": {"$": "trigger", "class": "os:system", "value": {}}}',
            "none of this library's triggers",
        ),
        ('{"func": "a:b", "args": {"$": "trigger", "type": "datte", "value": {}}}', "no trigger"),
        (
            '{"func": "a:b", "args": {"$": "trigger", "class": "apscheduler_lite.triggers.base:datetime", "value": 1}}',
            "no trigger class",
        ),
    ],
)
def test_a_document_of_somebody_else_is_refused(document, message):
    """Whatever stands in it, the answer is an error that says what is wrong."""
    import http  # noqa: F401 - so that its Enum is loaded

    with pytest.raises((ValueError, LookupError), match=message):
        JSONSerializer().loads(document)


@pytest.mark.parametrize("tag", ["enum", "trigger"])
def test_reading_imports_nothing_that_the_document_names(tag):
    """A module that nobody has imported stays so: importing what data names is running code that data chose."""
    sys.modules.pop("this", None)
    document = json.dumps({"func": "a:b", "args": {"$": tag, "class": "this:s", "name": "x", "value": {}}})

    with pytest.raises(ValueError, match="this"):
        JSONSerializer().loads(document)
    assert "this" not in sys.modules
