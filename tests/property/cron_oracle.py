"""
A second opinion on cron: slow, and written from the specification alone.

It shares no code with the engine. It walks over a stretch of time in small steps, writes down what the local clock
shows at each of them, and decides from this list alone which of the wall times fire, and when. Expressions come from a
generator that knows what each piece of text means because it chose the meaning first, so nothing is parsed here.

Everything is in whole seconds; an instant is a number of seconds since 1970 in UTC.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from math import gcd, inf
from random import Random

__all__ = ["Case", "Stretch", "any_expression", "changes_of", "next_fire"]

EPOCH = datetime(1970, 1, 1)
SECOND = timedelta(seconds=1)
MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAY_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
BOUNDS = {
    "year": (1970, 9999),
    "month": (1, 12),
    "day": (1, 31),
    "week": (1, 53),
    "day_of_week": (0, 6),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}


# -- expressions ---------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """An expression: the keyword arguments, and what they mean."""

    given: dict[str, str]
    allowed: dict[str, set[int]]  # per field; for days the plain numbers
    day_specials: list[tuple[int, int]] = field(default_factory=list)  # (n, weekday), n -1: last; (0, 0): last day
    day_is_any: bool = True
    repeats: bool = False

    def matches_date(self, day: date) -> bool:
        """Whether the date is one of the expression's."""
        allowed = self.allowed
        return (
            day.year in allowed["year"]
            and day.month in allowed["month"]
            and day.isocalendar()[1] in allowed["week"]
            and day.weekday() in allowed["day_of_week"]
            and (self.day_is_any or day.day in allowed["day"] or any(_is_nth(day, *s) for s in self.day_specials))
        )

    def matches_time(self, second_of_day: int) -> bool:
        """Whether the time of day is one of the expression's."""
        minutes, second = divmod(second_of_day, 60)
        hour, minute = divmod(minutes, 60)
        return hour in self.allowed["hour"] and minute in self.allowed["minute"] and second in self.allowed["second"]


def _is_nth(day: date, n: int, weekday: int) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    if n == 0:
        return day.day == length
    if day.weekday() != weekday:
        return False
    return day.day + 7 > length if n == -1 else (day.day - 1) // 7 + 1 == n


def any_expression(random: Random, *, seconds: bool = False, near: datetime | None = None) -> Case:
    """
    Return a random expression in the keyword language.

    ``seconds`` lets the second field be anything, otherwise it is 0. ``near`` is a wall time that the expression should
    have something to do with.
    """
    names = list(BOUNDS)
    chosen = [name for name in names if random.random() < {"year": 0.03, "week": 0.05}.get(name, 0.3)]
    if not seconds:
        chosen = [name for name in chosen if name != "second"]
    if "hour" not in chosen and random.random() < 0.6:
        chosen.append("hour")
    if "minute" not in chosen and random.random() < 0.6:
        chosen.append("minute")
    if not chosen:
        chosen = ["minute"]
    if not seconds and "hour" not in chosen and "minute" not in chosen:
        chosen.append("hour")
    case = Case({}, {})
    last = max(names.index(name) for name in chosen)
    stars: dict[str, bool] = {}
    for position, name in enumerate(names):
        low, high = BOUNDS[name]
        if name in chosen:
            text, values, star = _field(random, name, near, case)
            case.given[name] = _with_capitals(random, text)
            case.allowed[name] = values
            stars[name] = star
        elif position > last and name not in ("year", "week", "day_of_week"):
            case.allowed[name] = {low}
            stars[name] = False
            case.day_is_any = False if name == "day" else case.day_is_any
        else:
            case.allowed[name] = set(range(low, high + 1))
            stars[name] = True
    case.repeats = stars["hour"] or stars["minute"]
    return case


def _field(random: Random, name: str, near: datetime | None, case: Case) -> tuple[str, set[int], bool]:
    """Return the text of a field, its values, and whether a part of it begins with a star."""
    low, high = BOUNDS[name]
    texts: list[str] = []
    values: set[int] = set()
    case.day_is_any = case.day_is_any and name != "day"
    for _ in range(1 if random.random() < 0.6 else random.randint(2, 4)):
        if name == "day" and random.random() < 0.25:
            texts.append(_special(random, case))
            continue
        first = _first_value(random, name, near)
        text, found = _part(random, name, first, low, high)
        texts.append(text)
        values |= found
    if name == "day" and "*" in texts:
        case.day_is_any = True
    return ",".join(texts), values, any(text.startswith("*") for text in texts)


def _special(random: Random, case: Case) -> str:
    special = random.choice([(0, 0)] + [(n, w) for n in (1, 2, 3, 4, 5, -1) for w in range(7)])
    case.day_specials.append(special)
    n, weekday = special
    order = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 5: "5th", -1: "last"}
    return "last" if n == 0 else f"{order[n]} {DAY_NAMES[weekday]}"


def _first_value(random: Random, name: str, near: datetime | None) -> int:
    low, high = BOUNDS[name] if name != "year" else (1971, 2060)
    if near is None or random.random() < 0.3:
        return random.randint(low, high)
    value = {
        "year": near.year,
        "month": near.month,
        "day": near.day,
        "week": near.isocalendar()[1],
        "day_of_week": near.weekday(),
        "hour": (near.hour + random.choice([0, 0, 0, 1, -1, 2])) % 24,
        "minute": random.choice([0, near.minute, 30, 59]),
        "second": random.choice([0, 30, 59]),
    }[name]
    return min(max(value, low), high)


def _part(random: Random, name: str, first: int, low: int, high: int) -> tuple[str, set[int]]:
    """Return one part of a list and its values."""
    kind = random.random()
    if kind < 0.5 or first == high:
        return _name(random, name, first), {first}
    if kind < 0.6:
        return "*", set(range(low, high + 1))
    if kind < 0.75:
        step = min(random.choice([1, 2, 3, 5, 15, 20, 30, high - low]), high - low)
        return f"*/{step}", set(range(low, high + 1, step))
    if kind < 0.8:
        step = random.randint(1, min(high - first, 20))
        return f"{first}/{step}", set(range(first, high + 1, step))
    last = random.randint(first, min(high, 2060))
    if kind < 0.9 or first == last:
        return _range(random, name, first, last), set(range(first, last + 1))
    step = random.randint(1, last - first)
    return f"{_range(random, name, first, last)}/{step}", set(range(first, last + 1, step))


def _name(random: Random, name: str, value: int) -> str:
    if name == "month" and random.random() < 0.5:
        return MONTH_NAMES[value - 1]
    if name == "day_of_week" and random.random() < 0.5:
        return DAY_NAMES[value]
    return str(value)


def _range(random: Random, name: str, first: int, last: int) -> str:
    if name == "month" and random.random() < 0.5:
        return f"{MONTH_NAMES[first - 1]}-{MONTH_NAMES[last - 1]}"
    if name == "day_of_week" and random.random() < 0.5:
        return f"{DAY_NAMES[first]}-{DAY_NAMES[last]}"
    return f"{first}-{last}"


def _with_capitals(random: Random, text: str) -> str:
    return text.upper() if random.random() < 0.1 else text


# -- time ----------------------------------------------------------------------------------------------------------


def _offset(zone: tzinfo, instant: int) -> int:
    return datetime.fromtimestamp(instant, zone).utcoffset() // SECOND  # type: ignore[operator]


def changes_of(zone: tzinfo, year: int) -> list[int]:
    """Return the instants of a year at which the zone's offset changes, found by looking once a day."""
    start = int((datetime(year, 1, 1) - EPOCH).total_seconds())
    found = []
    for day in range(start, start + 366 * 86_400, 86_400):
        low, high = day, day + 86_400
        if _offset(zone, low) != _offset(zone, high):
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(zone, middle) == _offset(zone, low):
                    low = middle
                else:
                    high = middle
            found.append(high)
    return found


class Stretch:
    """What the local clock of a zone shows, step by step, between two instants."""

    def __init__(self, zone: tzinfo, start: int, end: int, *, step: int | None = None, margin: int = 36 * 3600) -> None:
        self.zone = zone
        self.margin = margin
        offsets = {_offset(zone, instant) for instant in range(start - 3600, end + 3600, 900)}
        self.step = step or gcd(60, *offsets)
        start -= start % self.step
        self.instants = list(range(start, end, self.step))
        self.walls = [instant + _offset(zone, instant) for instant in self.instants]
        self.readings: dict[int, list[int]] = {}
        for instant, wall in zip(self.instants, self.walls, strict=True):
            self.readings.setdefault(wall, []).append(instant)
        self.doubles = [(wall, instants) for wall, instants in self.readings.items() if len(instants) == 2]
        self.dates = {wall // 86_400 for wall in self.walls}
        low, high = min(self.walls), max(self.walls)
        self.lost = [w for w in range(low, high, self.step) if w not in self.readings and w // 86_400 in self.dates]

    @property
    def safe_to(self) -> int:
        """The instant up to which the stretch knows everything: the margin before its end."""
        return self.instants[-1] - self.margin

    def fires(self, case: Case, gap: str = "after", fold: str = "first") -> list[int]:
        """Return the fire times of an expression."""
        good_dates = {d for d in self.dates if case.matches_date(date(1970, 1, 1) + timedelta(days=d))}
        good_times: dict[int, bool] = {}

        def matches(wall: int) -> bool:
            day, second = divmod(wall, 86_400)
            if day not in good_dates:
                return False
            if second not in good_times:
                good_times[second] = case.matches_time(second)
            return good_times[second]

        fires: set[int] = set()
        if case.repeats:
            return [instant for instant, wall in zip(self.instants, self.walls, strict=True) if matches(wall)]
        for wall, instants in self.readings.items():
            if matches(wall):
                fires.update({"first": instants[:1], "last": instants[-1:], "both": instants}[fold])
        for wall in self.lost:
            if matches(wall) and gap != "skip":
                # the first step at which the clock has passed the lost time, and the step before it
                later = next(n for n, shown in enumerate(self.walls) if shown > wall)
                offset_before = self.walls[later - 1] - self.instants[later - 1]
                fires.add(self.instants[later] if gap == "after" else wall - offset_before)
        return sorted(fires)

    def repeated(self, case: Case) -> list[tuple[int, int]]:
        """Return the first and second readings of the matching wall times that are read twice."""
        pairs = []
        for wall, instants in self.doubles:
            day = date(1970, 1, 1) + timedelta(days=wall // 86_400)
            if case.matches_time(wall % 86_400) and case.matches_date(day):
                pairs.append((instants[0], instants[1]))
        return pairs


def next_fire(
    fires: list[int],
    repeated: list[tuple[int, int]],
    previous: float | None,
    now: float,
    *,
    start: float = -inf,
    jitter: float = 0,
    late: bool = True,
) -> int | None:
    """
    Return the fire time that follows, by the rules for the beginning of a search; None when the list has no more.

    Args:
        fires: the fire times, with start and end date taken into account.
        repeated: see `Stretch.repeated`.
        start: the search never begins before it.
        late: whether the rule for late starts holds (fixed expressions with ``dst_fold="first"``).
    """
    strictly = previous is not None and now >= previous
    begin = previous if strictly else now
    assert begin is not None
    if begin < start:
        begin, strictly = start, False

    def reached(instant: float) -> bool:
        return instant > begin if strictly else instant >= begin

    position = bisect_left(fires, begin)
    while position < len(fires) and not reached(fires[position]):
        position += 1
    found = fires[position] if position < len(fires) else None
    if late:
        for first, second in repeated:
            if reached(first) or not reached(second):
                continue
            if previous is not None and previous >= first and any(f <= previous <= f + jitter for f in fires):
                continue
            if found is None or second < found:
                found = second
    return found
