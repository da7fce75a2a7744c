"""Extensions that import from APScheduler 3's ``apscheduler.util`` find the same functions doing the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite import util

BERLIN = ZoneInfo("Europe/Berlin")


class Machine:
    """Something with callables of all kinds."""

    def run(self) -> None: ...

    @classmethod
    def make(cls) -> None: ...

    @staticmethod
    def check() -> None: ...

    def __call__(self) -> None: ...


async def coroutine() -> None:
    """Be a coroutine function."""


def function(a: int, b: int = 1) -> None:
    """Be a function."""


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("  7", 7), (5, 5), (None, None)], ids=repr)
def test_asint_reads_what_configuration_files_hold(text, value):
    """Text becomes an integer; None stays None."""
    assert util.asint(text) == value


@pytest.mark.parametrize("text", [" True", "yes", "on", "y", "t", "1", True, 5], ids=repr)
def test_asbool_reads_true(text):
    """What configuration files write for true is true."""
    assert util.asbool(text) is True


@pytest.mark.parametrize("text", ["FALSE", "no", "off", "n", "f", "0", False, None], ids=repr)
def test_asbool_reads_false(text):
    """What configuration files write for false is false, and so is None."""
    assert util.asbool(text) is False


def test_asbool_refuses_other_words():
    """A word that is neither is an error that repeats it."""
    with pytest.raises(ValueError, match="maybe"):
        util.asbool("maybe")


@pytest.mark.parametrize(("text", "value"), [("2026-01-05", date(2026, 1, 5)), (None, None)])
def test_asdate_reads_iso_dates(text, value):
    """Text becomes a date; anything else stays as it is."""
    assert util.asdate(text) == value


@pytest.mark.parametrize(("zone", "value"), [("Europe/Berlin", BERLIN), (UTC, UTC), (BERLIN, BERLIN), (None, None)])
def test_astimezone_takes_names_and_zones(zone, value):
    """A name becomes a zone; zones and None stay as they are."""
    assert util.astimezone(zone) == value


def test_astimezone_refuses_what_is_no_zone():
    """The wrong type is named."""
    with pytest.raises(TypeError, match="int"):
        util.astimezone(5)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (None, None),
        (date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=BERLIN)),
        (datetime(2026, 1, 5, 10), datetime(2026, 1, 5, 10, tzinfo=BERLIN)),
        (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=BERLIN)),
        ("2026-1-5 3:04:05", datetime(2026, 1, 5, 3, 4, 5, tzinfo=BERLIN)),
    ],
)
def test_convert_to_datetime_takes_dates_and_texts(given, value):
    """What has no zone is read in the one given."""
    assert util.convert_to_datetime(given, BERLIN, "run_date") == value


def test_convert_to_datetime_takes_the_name_of_a_zone():
    """The zone may be given by its name."""
    assert util.convert_to_datetime(datetime(2026, 1, 5), "Europe/Berlin", "run_date") == datetime(
        2026, 1, 5, tzinfo=BERLIN
    )


@pytest.mark.parametrize(
    ("given", "zone", "error"),
    [("rubbish", BERLIN, ValueError), (5, BERLIN, TypeError), (datetime(2026, 1, 5), None, ValueError)],
)
def test_convert_to_datetime_names_the_argument_in_its_errors(given, zone, error):
    """The message says which argument was wrong."""
    with pytest.raises(error, match="run_date"):
        util.convert_to_datetime(given, zone, "run_date")


def test_timestamps_and_datetimes_are_each_other_s_inverse():
    """Seconds since 1970 keep their fraction; None stays None."""
    moment = datetime(2026, 1, 5, 9, 0, 0, 500000, tzinfo=UTC)

    assert util.datetime_to_utc_timestamp(moment) == 1767603600.5
    assert util.utc_timestamp_to_datetime(1767603600.5) == moment
    assert util.datetime_to_utc_timestamp(None) is None
    assert util.utc_timestamp_to_datetime(None) is None


def test_datetime_ceil_rounds_up_to_the_second():
    """A whole second stays."""
    assert util.datetime_ceil(datetime(2026, 1, 5, 10, 0, 0, 1)) == datetime(2026, 1, 5, 10, 0, 1)
    assert util.datetime_ceil(datetime(2026, 1, 5, 10)) == datetime(2026, 1, 5, 10)


def test_datetime_utc_add_adds_elapsed_time():
    """Two hours across the spring gap are three by the clock."""
    before = datetime(2026, 3, 29, 1, tzinfo=BERLIN)

    assert util.datetime_utc_add(before, timedelta(hours=2)).replace(tzinfo=None) == datetime(2026, 3, 29, 4)


def test_representations_are_short():
    """Datetimes with the zone's abbreviation, zones by their key."""
    assert util.datetime_repr(datetime(2026, 1, 5, 10, tzinfo=BERLIN)) == "2026-01-05 10:00:00 CET"
    assert util.datetime_repr(None) == "None"
    assert util.timezone_repr(BERLIN) == "Europe/Berlin"
    assert util.timedelta_seconds(timedelta(minutes=1.5)) == 90


@pytest.mark.parametrize(
    ("callable_", "name"),
    [
        (len, "len"),
        (function, "function"),
        (Machine.run, "Machine.run"),
        (Machine().run, "Machine.run"),
        (Machine.make, "Machine.make"),
        (Machine.check, "Machine.check"),
        (Machine, "Machine"),
        (Machine(), "Machine"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_get_callable_name_is_the_qualified_name(callable_, name):
    """A method is told with its class; an object that can be called, by its class."""
    assert util.get_callable_name(callable_) == name


def test_get_callable_name_refuses_what_cannot_be_called():
    """The value is part of the message."""
    with pytest.raises(TypeError, match="5"):
        util.get_callable_name(5)


@pytest.mark.parametrize(
    ("obj", "reference"),
    [
        (len, "builtins:len"),
        (Machine, "tests.compat.test_util:Machine"),
        (Machine.run, "tests.compat.test_util:Machine.run"),
        (function, "tests.compat.test_util:function"),
    ],
)
def test_references_lead_back_to_their_objects(obj, reference):
    """A reference is the module's and the qualified name."""
    assert util.obj_to_ref(obj) == reference
    assert util.ref_to_obj(reference) is obj
    assert util.maybe_ref(reference) is obj


@pytest.mark.parametrize("obj", [lambda: None, partial(len)])
def test_what_has_no_name_has_no_reference(obj):
    """Lambdas and partials cannot be found again."""
    with pytest.raises(ValueError):
        util.obj_to_ref(obj)


@pytest.mark.parametrize(
    ("reference", "error"),
    [("datetime:nope", LookupError), ("no_module:x", LookupError), ("len", ValueError), (5, TypeError)],
)
def test_a_wrong_reference_is_an_error(reference, error):
    """Not found, not of the right form, no text: three different errors, as in 3.x."""
    with pytest.raises(error):
        util.ref_to_obj(reference)


def test_maybe_ref_leaves_objects_alone():
    """What is no text is taken for the object itself."""
    assert util.maybe_ref(5) == 5


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([], {}), ([1], {"c": 1}), ([1, 2, 3], {}), ([1], {"a": 1})],
    ids=["less", "other", "more", "twice"],
)
def test_check_callable_args_refuses_what_cannot_be_called(args, kwargs):
    """Missing, unknown, too many and doubled arguments are told before the call."""
    with pytest.raises(ValueError):
        util.check_callable_args(function, args, kwargs)


def test_check_callable_args_accepts_what_fits():
    """Defaults need not be given."""
    util.check_callable_args(function, [1], {})
    util.check_callable_args(function, [], {"a": 1, "b": 2})


def test_iscoroutinefunction_partial_looks_through_partials():
    """A partial of a coroutine function makes coroutines as well."""
    assert util.iscoroutinefunction_partial(partial(coroutine))
    assert not util.iscoroutinefunction_partial(partial(function))


def test_normalize_and_localize_answer_existing_times():
    """2:30 does not exist on that day in Berlin; it is 3:30."""
    existing = datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)

    assert util.normalize(datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN)) == existing
    assert util.localize(datetime(2026, 3, 29, 2, 30), BERLIN) == existing


def test_undefined_is_false_and_tells_itself():
    """The mark of an argument that was not given."""
    assert not util.undefined
    assert repr(util.undefined) == "<undefined>"
