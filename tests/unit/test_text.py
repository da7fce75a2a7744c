"""Facts about text on its way in and out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apscheduler_lite._text import clock_text, did_you_mean, one_of, shorten, to_text


class Unprintable:
    def __repr__(self):
        raise ZeroDivisionError


class Str(str):
    __slots__ = ()


@pytest.mark.parametrize("value", ["täglich", "täglich".encode(), Str("täglich")], ids=["str", "bytes", "subclass"])
def test_bytes_are_read_as_utf8(value):
    """Text is text already."""
    assert to_text(value, "id") == "täglich"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (b"t\xe4glich", ValueError, r"^id must be text; these bytes are not UTF-8: b't\\xe4glich'$"),
        (5, TypeError, "^id must be a string, not int: 5$"),
        (None, TypeError, "^id must be a string, not NoneType: None$"),
    ],
)
def test_what_is_no_text_is_told(value, error, message):
    """With the parameter's name and the value."""
    with pytest.raises(error, match=message):
        to_text(value, "id")


def test_the_nearest_choice_is_suggested():
    """Whatever its case; nothing when nothing is near."""
    assert did_you_mean("Intervall", ["interval", "cron"]) == "; did you mean 'interval'?"
    assert did_you_mean("MAX_INSTANCE", ["max_instances", "coalesce"]) == "; did you mean 'max_instances'?"
    assert did_you_mean("xyz", ["interval", "cron"]) == ""
    assert did_you_mean("xyz", []) == ""


def test_choices_are_listed_in_order():
    """Each in quotes."""
    assert one_of(["b", "a"]) == "'a', 'b'"
    assert one_of([]) == ""


def test_long_values_are_cut_in_the_middle():
    """Their beginning and end say most."""
    text = shorten("x" * 50 + "y" * 50, 21)

    assert text == "'xxxxxxxxx…yyyyyyyyy'"
    assert shorten("short") == "'short'"
    assert len(shorten("x" * 1000)) <= 80


def test_a_value_that_cannot_be_printed_is_named_by_its_type():
    """Its own failure must not hide the error that is being explained."""
    assert shorten(Unprintable()) == "<Unprintable whose repr raised ZeroDivisionError>"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2031, 1, 2, 9, 5, tzinfo=UTC), "09:05"),
        (datetime(2031, 1, 2, 9, 5, 7, 500_000, tzinfo=UTC), "09:05:07"),
        (datetime(2031, 1, 1, 23, 59, tzinfo=UTC), "2031-01-01 23:59"),
    ],
    ids=["full-minute", "seconds", "another-day"],
)
def test_a_time_of_day_is_as_short_as_it_can_be(moment, expected):
    """Seconds and date stand only where they say something."""
    assert clock_text(moment, datetime(2031, 1, 2, 10, tzinfo=UTC)) == expected
