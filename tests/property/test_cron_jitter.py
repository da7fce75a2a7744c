"""Jitter is added to the exact fire times and never fed back, also across clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite.triggers.cron import CronTrigger

from .cron_oracle import EPOCH, any_expression, changes_of

ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "America/Havana", "Pacific/Apia")
STEPS = 40


def chain(trigger: CronTrigger, begin: datetime) -> list[datetime]:
    """Return the fire times from a moment on, in UTC."""
    found = []
    moment = trigger.get_next_fire_time(None, begin)
    while moment is not None and len(found) <= STEPS:
        found.append(moment.astimezone(UTC))
        moment = trigger.get_next_fire_time(moment, moment)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_jittered_fires_stay_in_their_slots(zone: str) -> None:
    """Each exact fire time gives one: within the jitter after it, before the next one, not past the end."""
    random = Random(zone)
    compared = 0
    for change in (change for year in range(2009, 2027) for change in changes_of(ZoneInfo(zone), year)):
        begin = datetime.fromtimestamp(change, UTC) - timedelta(hours=random.randint(2, 30), minutes=7)
        end = begin + timedelta(days=random.randint(2, 300))
        given: dict[str, Any] = {
            **any_expression(random, near=EPOCH + timedelta(seconds=change)).given,
            "timezone": zone,
            "dst_gap": random.choice(["after", "shift", "skip"]),
            "dst_fold": random.choice(["first", "first", "last", "both"]),
            "end_date": end,
        }
        jitter = random.choice([1, 59.5, 900, 3600, 10_000])
        try:
            slots = chain(CronTrigger(**given), begin)
        except ValueError:  # no date
            continue
        fires = chain(CronTrigger(**given, jitter=jitter), begin)
        told = f"{given}, jitter={jitter}, begin={begin}"
        assert len(fires) == len(slots), told
        for fire, slot, following in zip(fires, slots, [*slots[1:], None], strict=False):
            assert slot <= fire <= min(slot + timedelta(seconds=jitter), end), told
            assert following is None or fire < following, told
            compared += 1

    assert compared > 300
