"""Recurrence rules against python-dateutil, which reads the same RFC on its own."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from itertools import islice, takewhile
from random import Random

import pytest

from apscheduler_lite.triggers.recurrence import parse_rule

dateutil_rrule = pytest.importorskip("dateutil.rrule", reason="python-dateutil is the second opinion")

CASES = int(os.environ.get("RULE_CASES", "4000"))
EPOCH = datetime(1970, 1, 1)
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
TWENTY_YEARS = timedelta(days=7305)


def any_rule(random):
    """Return the text of a random rule that the RFC allows and that fires more than once in a blue moon."""
    frequency = random.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"])
    parts = [f"FREQ={frequency}"]

    def add(chance, name, low, high, *, negative=False, most=3):
        if random.random() < chance:
            numbers = {random.randint(low, high) for _ in range(random.randint(1, most))}
            signed = [-number if negative and random.random() < 0.3 else number for number in numbers]
            parts.append(f"{name}={','.join(map(str, signed))}")

    add(0.4, "INTERVAL", 1, 12, most=1)
    if frequency != "WEEKLY":  # of its first week, dateutil's BYSETPOS sees only what is not before the start
        add(0.2, "BYMONTHDAY", 1, 28, negative=True)
    add(0.2, "BYMONTH", 1, 12)
    if frequency == "YEARLY":
        add(0.2, "BYYEARDAY", 1, 365, negative=True, most=8)
    if random.random() < 0.4:
        days = random.sample(WEEKDAYS, random.randint(1, 4))
        if frequency in ("YEARLY", "MONTHLY") and random.random() < 0.5:
            days = [f"{random.choice([1, 2, 3, 4, -1, -2])}{day}" for day in days]
        parts.append(f"BYDAY={','.join(days)}")
    if random.random() < 0.3:
        parts.append(f"WKST={random.choice(WEEKDAYS)}")
    if "HOURLY" not in parts[0]:
        add(0.3, "BYHOUR", 0, 23)
    add(0.3, "BYMINUTE", 0, 59, most=4)
    if frequency != "WEEKLY" and any(part.startswith("BY") for part in parts):
        add(0.2, "BYSETPOS", 1, 3, negative=True, most=2)
    return ";".join(parts)


@pytest.mark.parametrize("seed", range(10))
def test_rules_equal_those_of_dateutil(seed):
    """The first times within twenty years, forward and backward."""
    random = Random(seed)
    for _ in range(CASES // 10):
        text = any_rule(random)
        start = datetime(
            2000 + random.randint(0, 28), random.randint(1, 12), random.randint(1, 28), random.randint(0, 23), 7
        )
        rule = parse_rule(text, start)
        if not rule.is_possible():
            continue  # dateutil would search to the year 9999
        until = start + TWENTY_YEARS
        found = [EPOCH + timedelta(seconds=wall) for wall in islice(rule.rising(rule.start), 20)]
        found = list(takewhile(lambda moment, until=until: moment <= until, found))

        expected = (
            dateutil_rrule.rrulestr(text, dtstart=start).xafter(start, count=len(found), inc=True) if found else []
        )
        assert found == list(expected), text
        if found:
            last = (found[-1] - EPOCH) // timedelta(seconds=1)
            assert [EPOCH + timedelta(seconds=wall) for wall in rule.falling(last)] == found[::-1]
