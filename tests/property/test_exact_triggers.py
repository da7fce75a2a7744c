"""
Interval, calendar interval, combined and excluding triggers against brute force.

The oracles share no code with the triggers: they count a beat step by step, find the readings of a wall time by looking
at the clock every few minutes, and combine sets. Most questions are asked around the clock changes of many zones.

    TRIGGER_CASES=20000 pytest -n auto tests/property/test_exact_triggers.py    # ten times as many
"""

from __future__ import annotations

import os
import pickle
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger, OrTrigger
from apscheduler_lite.triggers.cron import CronTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.excluding import DaysOf, ExcludingTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

CASES = int(os.environ.get("TRIGGER_CASES", "2000"))
SECOND = 1_000_000
MINUTE = timedelta(minutes=1)
GAPS, FOLDS = ("skip", "after", "shift"), ("first", "last", "both")

# A clock change of each, as the last minute before it in UTC.
CHANGES = {
    "berlin-spring": ("Europe/Berlin", datetime(2026, 3, 29, 0, 59)),
    "berlin-autumn": ("Europe/Berlin", datetime(2026, 10, 25, 0, 59)),
    "new-york-spring": ("America/New_York", datetime(2026, 3, 8, 6, 59)),
    "lord-howe-autumn": ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 59)),
    "lord-howe-spring": ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 29)),
    "troll-spring": ("Antarctica/Troll", datetime(2026, 3, 29, 0, 59)),
    "troll-autumn": ("Antarctica/Troll", datetime(2026, 10, 25, 0, 59)),
    "sao-paulo-midnight-gap": ("America/Sao_Paulo", datetime(2018, 11, 4, 2, 59)),
    "sao-paulo-midnight-fold": ("America/Sao_Paulo", datetime(2019, 2, 17, 1, 59)),
    "havana-midnight-gap": ("America/Havana", datetime(2026, 3, 8, 4, 59)),
    "st-johns-one-past-midnight": ("America/St_Johns", datetime(2008, 11, 2, 2, 30)),
    "apia-skipped-day": ("Pacific/Apia", datetime(2011, 12, 30, 9, 59)),
    "kwajalein-skipped-day": ("Pacific/Kwajalein", datetime(1993, 8, 21, 11, 59)),
    "dublin": ("Europe/Dublin", datetime(2026, 3, 29, 0, 59)),
    "kathmandu-quarter-hour": ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 29)),
    "no-change": ("UTC", datetime(2026, 3, 1)),
}
ZONES = [pytest.param(name, when.replace(tzinfo=UTC), id=key) for key, (name, when) in CHANGES.items()]


def instant_of(moment):
    """Return the instant of an aware datetime."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


# -- interval ------------------------------------------------------------------------------------------------------


def test_an_interval_equals_counting():
    """The next and the latest, from any previous and any now, with and without an end."""
    random = Random(1)
    for _ in range(CASES):
        start, length = random.randint(-50, 50), random.randint(1, 30)
        end = random.choice([None, start + random.randint(0, 200)])
        trigger = IntervalTrigger(
            seconds=length * 1e-6 if random.random() < 0.5 else length / SECOND,
            start_date=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=start),
            end_date=None if end is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=end),
        )
        zero = instant_of(datetime(2026, 1, 1, tzinfo=UTC))
        fires, fire = [], start
        while fire < 400 and (end is None or fire <= end):
            fires.append(fire)
            fire += length
        now = random.randint(-80, 250)
        previous = random.choice([None, random.randint(-80, 250)])
        begin = now if previous is None or now < previous else previous + 1

        expected = next((fire for fire in fires if fire >= begin), None)
        found = trigger.next_instant(None if previous is None else previous + zero, now + zero)
        assert found == (None if expected is None else expected + zero)
        after = random.randint(-80, 250)
        expected = max((fire for fire in fires if after < fire <= now), default=None)
        found = trigger.latest_instant(after + zero, now + zero)
        assert found == (None if expected is None else expected + zero)


# -- calendar interval ---------------------------------------------------------------------------------------------


@cache
def readings_around(zone_name, day):
    """Return an instant and what the clock reads then, minute by minute within two days of a date."""
    zone = ZoneInfo(zone_name)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    moments = [noon + count * MINUTE for count in range(-48 * 60, 48 * 60)]
    return [(instant_of(moment), moment.astimezone(zone).replace(tzinfo=None, fold=0)) for moment in moments]


def fires_on(zone_name, day, time_of_day, gap, fold):
    """Return the instants at which a wall time fires, by looking at the clock."""
    wall = datetime.combine(day, datetime.min.time()) + time_of_day
    readings = readings_around(zone_name, day)
    found = [instant for instant, reading in readings if reading == wall]
    if found:
        return found if fold == "both" else [found[0 if fold == "first" else -1]]
    if gap == "skip" or not any(reading.date() == day for _, reading in readings):
        return []
    after = next(instant for instant, reading in readings if reading > wall)
    if gap == "after":
        return [after]
    before = next(reading for instant, reading in readings if instant == after - 60 * SECOND)
    return [after + (wall - before - MINUTE) // timedelta(microseconds=1)]


def dates_from(start, years, months, days, *, clamp):
    """Yield dates as the documentation tells: the months first, then the days."""
    current, count = start, 0
    while current.year < 2100:
        yield current
        if days or not clamp:
            year, month = current.year, current.month
            while True:
                year, month = year + years + (month - 1 + months) // 12, (month - 1 + months) % 12 + 1
                length = monthrange(year, month)[1]
                if clamp or current.day <= length:
                    break
            current = date(year, month, min(current.day, length)) + timedelta(days)
        else:
            count += 1
            year, month = divmod(start.year * 12 + start.month - 1 + count * (12 * years + months), 12)
            current = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


@pytest.mark.parametrize(("zone_name", "change"), ZONES)
def test_a_calendar_interval_equals_looking_at_the_clock(zone_name, change):
    """Around clock changes, with every policy, on grids of days, of months and of both."""
    random = Random(zone_name)
    zone = ZoneInfo(zone_name)
    local = change.astimezone(zone)
    for _ in range(CASES // 80):
        gap, fold, clamp = random.choice(GAPS), random.choice(FOLDS), random.random() < 0.5
        years, months, days = random.choice(
            [(0, 0, 1), (0, 0, 3), (0, 1, 0), (0, 1, 1), (1, 0, 0), (0, 2, 5), (0, 0, 2)]
        )
        near = random.choice([0, 23, 1, 2, 3, random.randint(0, 23)])
        time_of_day = timedelta(hours=(local.hour + near) % 24, minutes=random.randint(0, 59))
        start = local.date() - timedelta(random.choice([0, 1, 2, 3, 30, 31, 59, 365, 400]))
        end = random.choice([None, local.date() + timedelta(random.randint(-1, 2))])
        if end is not None and end < start:
            end = None
        trigger = CalendarIntervalTrigger(
            years=years,
            months=months,
            days=days,
            hour=time_of_day.seconds // 3600,
            minute=time_of_day.seconds // 60 % 60,
            start_date=start,
            end_date=end,
            timezone=zone,
            dst_gap=gap,
            dst_fold=fold,
            end_of_month="clamp" if clamp else "skip",
        )
        low, high = local.date() - timedelta(4), local.date() + timedelta(4)
        fires = [
            fire
            for day in dates_from(start, years, months, days, clamp=clamp)
            if low <= day <= high and (end is None or day <= end)
            for fire in fires_on(zone_name, day, time_of_day, gap, fold)
        ]
        assert fires == sorted(set(fires))
        middle = instant_of(change)
        for _ in range(8):
            now = middle + random.randint(-2 * 86_400, 2 * 86_400) * SECOND
            previous = random.choice([None, now, now - random.randint(0, 3600) * SECOND, *fires])
            begin = now if previous is None or now < previous else previous + 1
            expected = next((fire for fire in fires if fire >= begin), None)
            found = trigger.next_instant(previous, now)
            if expected is None:
                assert found is None or found > middle + 2 * 86_400 * SECOND
            else:
                assert found == expected
            after = random.choice([now - 86_400 * SECOND, *fires])
            found = trigger.latest_instant(after, now)
            assert found == max((fire for fire in fires if after < fire <= now), default=None)


# -- combined ------------------------------------------------------------------------------------------------------


def any_child(random, zone, local):
    """Return a trigger that fires around a moment."""
    kind = random.choice(["interval", "interval", "cron", "cron", "calendar", "date"])
    start = local.replace(tzinfo=None) - timedelta(days=random.choice([1, 3, 40]), minutes=random.randint(0, 90))
    end = random.choice([None, None, start + timedelta(days=random.choice([2, 4, 41]))])
    if kind == "interval":
        minutes = random.choice([10, 15, 20, 30, 45, 60, 90, 120, 300])
        start = start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)
        return IntervalTrigger(minutes=minutes, start_date=start, end_date=end, timezone=zone)
    if kind == "cron":
        hour = random.choice(["*", "*/2", "0", "1,2", "2", str(local.hour), "0-3"])
        minute = random.choice(["0", "*/15", "30", "0,20,40", "*/5"])
        return CronTrigger(hour=hour, minute=minute, timezone=zone, end_date=end)
    if kind == "calendar":
        hour = random.choice([0, 1, 2, 3, local.hour])
        options = {"hour": hour, "minute": random.choice([0, 15, 30]), "dst_gap": random.choice(GAPS)}
        return CalendarIntervalTrigger(days=random.choice([1, 2]), start_date=start.date(), timezone=zone, **options)
    return DateTrigger(local.replace(tzinfo=None, second=0) + timedelta(hours=random.randint(-9, 9)), zone)


def fires_between(trigger, low, high):
    """Return the fires of a single trigger within a window that begins away from the clock change."""
    found, fire = [], trigger.first_instant(low)
    while fire is not None and fire <= high:
        found.append(fire)
        fire = trigger.next_instant(fire, fire)
    return found


def is_in_fold(zone, instant):
    """Whether the clock reads a time, then, that it has read before or will read again."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(zone)
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def ask_around(random, trigger, fires, low, middle, zone):
    """Compare a trigger with the list of its fires within a window, from many starting points."""
    end = middle + 2 * 86_400 * SECOND
    chain = fires_between(trigger, low, end)
    assert chain == [fire for fire in fires if fire <= end]
    for _ in range(6):
        now = middle + random.randint(-36 * 60, 36 * 60) * 60 * SECOND
        found = trigger.latest_instant(low - 1, now)
        assert found == max((fire for fire in fires if fire <= now), default=None)
        previous = random.choice(fires or [low])
        found = trigger.next_instant(previous, max(now, previous))
        assert found == next((fire for fire in fires if fire > previous), found if found is None or found > end else -1)
        if not is_in_fold(zone, now):
            found = trigger.first_instant(now)
            assert found == next((fire for fire in fires if fire >= now), found if found is None or found > end else -1)


@pytest.mark.filterwarnings("ignore:.*is taken as ended")
@pytest.mark.parametrize(("zone_name", "change"), ZONES)
def test_combinations_equal_sets(zone_name, change, monkeypatch):
    """Union, intersection and difference of what the triggers fire alone."""
    monkeypatch.setattr("apscheduler_lite.triggers.combining._MAX_LEAPS", 500)
    monkeypatch.setattr("apscheduler_lite.triggers.excluding._MAX_STEPS", 2_000)
    random = Random(zone_name)
    zone = ZoneInfo(zone_name)
    local = change.astimezone(zone)
    middle = instant_of(change)
    low, high = middle - 2 * 86_400 * SECOND, middle + 3 * 86_400 * SECOND
    for _ in range(CASES // 400):
        children = [any_child(random, zone, local) for _ in range(random.randint(1, 3))]
        sets = [set(fires_between(child, low, high)) for child in children]
        ask_around(random, OrTrigger(children), sorted(set.union(*sets)), low, middle, zone)
        ask_around(random, AndTrigger(children), sorted(set.intersection(*sets)), low, middle, zone)
        first, *others = children
        less = sorted(sets[0].difference(*sets[1:]))
        ask_around(random, ExcludingTrigger(first, others), less, low, middle, zone)
        nested = OrTrigger([AndTrigger(children[:2]), ExcludingTrigger(children[-1], children[0])])
        expected = sorted((sets[0] & sets[min(1, len(sets) - 1)]) | (sets[-1] - sets[0]))
        ask_around(random, nested, expected, low, middle, zone)


@pytest.mark.filterwarnings("ignore:.*is taken as ended")
@pytest.mark.parametrize(("zone_name", "change"), ZONES)
def test_excluded_days_equal_a_filter(zone_name, change, monkeypatch):
    """Dates, weekdays, functions and the days of another trigger, by the local date of each fire."""
    monkeypatch.setattr("apscheduler_lite.triggers.excluding._MAX_STEPS", 2_000)
    random = Random(zone_name)
    zone = ZoneInfo(zone_name)
    local = change.astimezone(zone)
    middle = instant_of(change)
    low, high = middle - 2 * 86_400 * SECOND, middle + 3 * 86_400 * SECOND
    for _ in range(CASES // 400):
        child = any_child(random, zone, local)
        day = local.date() + timedelta(random.randint(-1, 1))
        weekday = random.choice(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
        other = CalendarIntervalTrigger(days=2, hour=12, start_date=day, timezone=zone)
        exclude = random.sample([day, weekday, DaysOf(other), is_early], random.randint(1, 3))
        days_of_other = {moment_of(fire, zone).date() for fire in fires_between(other, low, high + 86_400 * SECOND)}
        fires = [
            fire
            for fire in fires_between(child, low, high)
            if not any(
                (one == day and moment_of(fire, zone).date() == day)
                or (one == weekday and f"{moment_of(fire, zone):%a}".lower() == weekday)
                or (isinstance(one, DaysOf) and moment_of(fire, zone).date() in days_of_other)
                or (one is is_early and is_early(moment_of(fire, zone)))
                for one in exclude
            )
        ]
        ask_around(random, ExcludingTrigger(child, exclude), fires, low, middle, zone)


def is_early(moment):
    """Tell whether it is before noon."""
    return moment.hour < 12


def moment_of(instant, zone):
    """Return the local time of an instant."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(zone)


# -- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone_name", "change"), ZONES)
def test_jittered_fires_stay_in_their_slots(zone_name, change):
    """They increase, each lies between its exact fire and the next, none is lost and none passes the end."""
    random = Random(zone_name)
    zone = ZoneInfo(zone_name)
    local = change.astimezone(zone)
    start = change - timedelta(days=1)
    for jitter in (0.5, 30, 7200, 200_000):
        children = [any_child(random, zone, local) for _ in range(2)]
        for child in children:
            if not isinstance(child, DateTrigger):
                child.jitter = jitter
        for trigger in (
            *children,
            OrTrigger(children),
            OrTrigger(children, jitter),
            ExcludingTrigger(children[0], "mon"),
        ):
            # A date takes any previous fire for its own.
            fire = trigger.get_next_fire_time(None if isinstance(trigger, DateTrigger) else start, start)
            for exact in fires_between(trigger, instant_of(start) + 1, instant_of(start) + 2 * 86_400 * SECOND)[:60]:
                following = trigger.next_instant(exact, exact)
                moved = instant_of(fire)

                assert exact <= moved <= exact + jitter * SECOND
                assert following is None or moved < following
                assert moved <= trigger.end_instant
                fire = trigger.get_next_fire_time(fire, fire)


@pytest.mark.parametrize(("zone_name", "change"), ZONES)
def test_answers_exist_and_survive_a_pickle(zone_name, change):
    """Zone, fold and offset are those of the instant; asking changes nothing."""
    random = Random(zone_name)
    zone = ZoneInfo(zone_name)
    local = change.astimezone(zone)
    for _ in range(CASES // 400):
        children = [any_child(random, zone, local) for _ in range(2)]
        for trigger in (*children, OrTrigger(children), ExcludingTrigger(children[0], "mon")):
            before = pickle.dumps(trigger)
            now = change + timedelta(minutes=random.randint(-180, 180))
            fire = trigger.get_next_fire_time(None, now)

            assert pickle.loads(before).get_next_fire_time(None, now) == fire
            assert pickle.dumps(trigger) == before
            if fire is not None:
                back = fire.astimezone(UTC).astimezone(zone)
                assert fire.tzinfo is zone
                assert (fire.replace(tzinfo=None), fire.fold) == (back.replace(tzinfo=None), back.fold)
