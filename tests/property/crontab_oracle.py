"""
Lines in the crontab and Quartz dialects, made together with what they mean.

As in `cron_oracle`, the meaning is chosen first and written down second, and dates are tested one by one.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date
from random import Random

__all__ = ["Line", "any_line"]

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
BOUNDS = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12)}


@dataclass
class Line:
    """An expression on one line, and its meaning."""

    text: str = ""
    second: set[int] = field(default_factory=lambda: {0})
    minute: set[int] = field(default_factory=set)
    hour: set[int] = field(default_factory=set)
    month: set[int] = field(default_factory=set)
    day: set[int] = field(default_factory=set)
    weekday: set[int] = field(default_factory=set)  # 0 for Monday
    day_is_open: bool = False
    weekday_is_open: bool = False
    from_end: set[int] = field(default_factory=set)
    nearest: set[int] = field(default_factory=set)  # 0 for the last working day
    nth: set[tuple[int, int]] = field(default_factory=set)  # (n, weekday), n is -1 for the last

    def matches_date(self, day: date) -> bool:
        """Whether the date is one of the expression's."""
        if day.month not in self.month:
            return False
        by_day, by_weekday = self._matches_day(day), self._matches_weekday(day)
        if self.day_is_open or self.weekday_is_open:
            return by_day and by_weekday
        return by_day or by_weekday

    def matches_time(self, hour: int, minute: int, second: int) -> bool:
        """Whether the time of day is one of the expression's."""
        return hour in self.hour and minute in self.minute and second in self.second

    def _matches_day(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if day.day in self.day or length - day.day in self.from_end:
            return True
        working = [n for n in range(1, length + 1) if date(day.year, day.month, n).weekday() < 5]
        targets = [n or length for n in self.nearest if n <= length]
        return any(day.day == min(working, key=lambda n: abs(n - target)) for target in targets)

    def _matches_weekday(self, day: date) -> bool:
        if day.weekday() in self.weekday:
            return True
        is_last = day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return any(
            day.weekday() == weekday and (is_last if n == -1 else (day.day - 1) // 7 + 1 == n)
            for n, weekday in self.nth
        )


def any_line(random: Random, dialect: str = "crontab", *, plain: bool = False) -> Line:
    """
    Return a random line.

    ``plain`` leaves out what not every reader of crontabs knows: ranges that wrap around and the specials with W and
    L-n.
    """
    line = Line()
    texts: dict[str, str] = {}
    for name in ("second", "minute", "hour", "month"):
        if name == "second" and dialect == "crontab" and random.random() < 0.7:
            continue
        parts, values = _list(random, name, *BOUNDS[name], plain=plain)
        texts[name] = parts
        setattr(line, name, values)
    restricted = random.choice(["day", "weekday", "neither", "both" if dialect == "crontab" else "day"])
    texts["day"] = _day(random, line, restricted in ("day", "both"), dialect, plain=plain)
    texts["weekday"] = _weekday(random, line, restricted in ("weekday", "both"), dialect, plain=plain)
    order = ["second", "minute", "hour", "day", "month", "weekday"]
    line.text = " ".join(texts[name] for name in order if name in texts)
    if random.random() < 0.2:
        line.text = line.text.lower()
    return line


def _day(random: Random, line: Line, is_restricted: bool, dialect: str, *, plain: bool) -> str:
    if not is_restricted:
        return _open_day(random, line, dialect, plain=plain)
    texts = []
    for _ in range(random.choice([1, 1, 2, 3])):
        kind = random.random()
        if kind < 0.2:
            line.from_end.add(0)
            texts.append("L")
        elif kind < 0.3 and not plain:
            before = random.randint(1, 30)
            line.from_end.add(before)
            texts.append(f"L-{before}")
        elif kind < 0.45 and not plain:
            day = random.randint(0, 31)
            line.nearest.add(day)
            texts.append(f"{day}W" if day else "LW")
        else:
            text, values = _part(random, "day", 1, 31, star=False, plain=plain)
            line.day |= values
            texts.append(text)
    return ",".join(texts)


def _open_day(random: Random, line: Line, dialect: str, *, plain: bool) -> str:
    line.day_is_open = True
    line.day = set(range(1, 32))
    if dialect == "quartz":
        return "?"
    if random.random() < 0.3:
        step = random.randint(2, 10)
        line.day = set(range(1, 32, step))
        return f"*/{step}"
    return "*" if plain else random.choice(["*", "*", "?"])


def _weekday(random: Random, line: Line, is_restricted: bool, dialect: str, *, plain: bool) -> str:
    if not is_restricted:
        line.weekday_is_open = True
        line.weekday = set(range(7))
        if dialect == "crontab" and random.random() < 0.2:
            step = random.randint(2, 4)
            line.weekday = {(n + 6) % 7 for n in range(0, 8, step)}
            return f"*/{step}"
        return "*"
    texts = []
    for _ in range(random.choice([1, 1, 2])):
        kind = random.random()
        weekday = random.randrange(7)
        if kind < 0.25:
            n = random.randint(1, 5)
            line.nth.add((n, weekday))
            texts.append(f"{_weekday_word(random, weekday, dialect)}#{n}")
        elif kind < 0.4:
            line.nth.add((-1, weekday))
            texts.append(f"{_weekday_number(weekday, dialect)}L")
        elif kind < 0.7:
            line.weekday.add(weekday)
            texts.append(_weekday_word(random, weekday, dialect))
        else:
            first, last = sorted((random.randrange(7), random.randrange(7)))  # Sunday first, as both dialects count
            if not plain and random.random() < 0.5:
                first, last = last, first
            n = first
            while True:
                line.weekday.add((n + 6) % 7)
                if n == last:
                    break
                n = (n + 1) % 7
            texts.append("-".join(_weekday_word(random, (n + 6) % 7, dialect) for n in (first, last)))
    return ",".join(texts)


def _weekday_word(random: Random, weekday: int, dialect: str) -> str:
    return WEEKDAYS[weekday] if random.random() < 0.4 else _weekday_number(weekday, dialect)


def _weekday_number(weekday: int, dialect: str) -> str:
    sunday_first = (weekday + 1) % 7
    return str(sunday_first if dialect == "crontab" else sunday_first + 1)


def _list(random: Random, name: str, low: int, high: int, *, plain: bool) -> tuple[str, set[int]]:
    parts = [_part(random, name, low, high, star=True, plain=plain) for _ in range(random.choice([1, 1, 1, 2, 3]))]
    return ",".join(text for text, _ in parts), set().union(*(values for _, values in parts))


def _part(random: Random, name: str, low: int, high: int, *, star: bool, plain: bool) -> tuple[str, set[int]]:
    kind = random.random()
    if star and kind < 0.2:
        return "*", set(range(low, high + 1))
    if star and kind < 0.4:
        step = random.randint(2, 30)
        return f"*/{step}", set(range(low, high + 1, step))
    first, last = random.randint(low, high), random.randint(low, high)
    if kind < 0.6:
        return _word(random, name, first), {first}
    if kind < 0.7:
        step = random.randint(1, 15)
        return f"{first}/{step}", set(range(first, high + 1, step))
    if plain and last < first:
        first, last = last, first
    step = random.randint(1, 5) if last != first else 1  # some take a-a/n for a/n
    end = last if last >= first else last + high - low + 1
    values = {value if value <= high else value - (high - low + 1) for value in range(first, end + 1, step)}
    text = f"{_word(random, name, first)}-{_word(random, name, last)}"
    return (text if step == 1 else f"{text}/{step}"), values


def _word(random: Random, name: str, value: int) -> str:
    return MONTHS[value - 1] if name == "month" and random.random() < 0.3 else str(value)
