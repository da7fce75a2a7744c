"""Whatever text a parser is given, it answers with a trigger or with a ValueError, and soon."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler_lite.triggers.cron import CronTrigger

NOW = datetime(2026, 11, 24, tzinfo=UTC)

anything = st.text(max_size=200)
#: Text that looks like an expression.
similar = st.lists(
    st.sampled_from(
        [
            *"0123456789*/-,#?LW ",
            "  ",
            "\t",
            "*/",
            "1-",
            "mon",
            "SUN",
            "jan",
            "last",
            "last fri",
            "2nd ",
            "LW",
            "@daily",
        ]
    ),
    max_size=40,
).map("".join)
lines = st.lists(similar, min_size=4, max_size=8).map(lambda words: " ".join(words)[:200])


def answer(make: object, *arguments: object, **options: object) -> None:
    """Make a trigger, if that can be done, and use it."""
    begin = process_time()
    trigger = None
    with suppress(ValueError):
        trigger = make(*arguments, **options)  # type: ignore[operator]
    if trigger is not None:
        found = trigger.get_next_fire_time(None, NOW)
        assert found is None or found >= NOW
        assert trigger.describe()
        assert repr(trigger)
    assert process_time() - begin < 1


@settings(max_examples=300, deadline=None)
@given(anything | similar | lines, st.sampled_from(["crontab", "quartz", "apscheduler"]))
def test_any_line_is_a_trigger_or_a_value_error(text: str, dialect: str) -> None:
    """No other exception, no endless search."""
    answer(CronTrigger.from_crontab, text, UTC, dialect=dialect)


@settings(max_examples=300, deadline=None)
@given(anything | similar, st.sampled_from(CronTrigger.FIELD_NAMES))
def test_any_field_is_a_trigger_or_a_value_error(text: str, name: str) -> None:
    """The same for each of the keywords."""
    answer(CronTrigger, **{name: text}, timezone=UTC)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(CronTrigger.FIELD_NAMES), similar, min_size=2))
def test_any_fields_together_are_a_trigger_or_a_value_error(fields: dict[str, str]) -> None:
    """The same for several at once."""
    answer(CronTrigger, **fields, timezone=UTC)
