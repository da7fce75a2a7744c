"""
From sets to wall times: the next and the last one that an expression matches.

A `Plan` holds the sets of seconds, minutes and hours and the calendar of days. Beside each set of times stands its
table of successors: ``next_minute[m]`` is the first matching minute from ``m`` on, or 60. So a search looks up a
handful of small numbers and steps over nothing but years without a match: one second to the next costs about as much
as one month to another.

This module knows no zone: it reads and returns what a local clock shows. `fires` makes instants of that.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from .days import LAST_YEAR, Days

__all__ = ["Plan", "last_wall", "next_wall"]


class Plan:
    """
    A compiled expression.

    Sets are ints whose bit n says whether n matches. ``repeats`` tells the two kinds of expression apart: whether the
    hours or the minutes were written with a ``*``, so that the job is meant to keep a beat. Plans are shared between
    triggers and never change, save that the calendar fills with what was asked for.
    """

    __slots__ = (
        "days",
        "first_hour",
        "first_minute",
        "first_second",
        "hours",
        "minutes",
        "next_hour",
        "next_minute",
        "next_second",
        "repeats",
        "seconds",
    )

    def __init__(self, seconds: int, minutes: int, hours: int, days: Days, *, repeats: bool) -> None:
        self.seconds = seconds
        self.minutes = minutes
        self.hours = hours
        self.days = days
        self.repeats = repeats
        self.next_second = _successors(seconds, 60)
        self.next_minute = _successors(minutes, 60)
        self.next_hour = _successors(hours, 24)
        self.first_second = self.next_second[0]
        self.first_minute = self.next_minute[0]
        self.first_hour = self.next_hour[0]


@lru_cache(maxsize=512)
def _successors(mask: int, size: int) -> bytes:
    """Return for each number from 0 to ``size + 1`` the first one in the set from there on; ``size`` when none is."""
    table = bytearray([size]) * (size + 2)
    found = size
    for number in range(size - 1, -1, -1):
        if mask >> number & 1:
            found = number
        table[number] = found
    return bytes(table)


def next_wall(plan: Plan, wall: datetime, second: int, zone: tzinfo | None) -> datetime | None:
    """
    Return the first matching wall time from the given one on, marked with the zone; None when there is none.

    ``second`` replaces that of the given time. It may be 60, for a search that begins after a second has begun.
    """
    year, month, day, hour, minute = wall.year, wall.month, wall.day, wall.hour, wall.minute
    days = plan.days
    table = days.tables.get(year) or days.table(year)
    mask = table[month] >> day
    if mask & 1:
        next_hour = plan.next_hour
        if next_hour[hour] == hour:
            next_minute = plan.next_minute
            if next_minute[minute] == minute:
                second = plan.next_second[second]
                if second < 60:
                    return datetime(year, month, day, hour, minute, second, 0, zone)
            minute = next_minute[minute + 1]
            if minute < 60:
                return datetime(year, month, day, hour, minute, plan.first_second, 0, zone)
        hour = next_hour[hour + 1]
        if hour < 24:
            return datetime(year, month, day, hour, plan.first_minute, plan.first_second, 0, zone)
    mask >>= 1
    if mask:
        day += (mask & -mask).bit_length()
    else:
        months = table[0] >> month + 1
        while not months:
            following = days.next_year(year)
            if following is None:
                return None
            year, month = following, -1
            table = days.tables.get(year) or days.table(year)
            months = table[0]
        month += (months & -months).bit_length()
        mask = table[month]
        day = (mask & -mask).bit_length() - 1
    return datetime(year, month, day, plan.first_hour, plan.first_minute, plan.first_second, 0, zone)


def last_wall(plan: Plan, wall: datetime, zone: tzinfo | None) -> datetime | None:
    """Return the last matching wall time up to the given one, marked with the zone; None when there is none."""
    year, month, day, hour, minute, second = wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second
    days = plan.days
    table = days.table(year) if year <= LAST_YEAR else (0,) * 13
    if table[month] >> day & 1:
        if plan.hours >> hour & 1:
            if plan.minutes >> minute & 1:
                found = plan.seconds & (2 << second) - 1
                if found:
                    return datetime(year, month, day, hour, minute, found.bit_length() - 1, 0, zone)
            found = plan.minutes & (1 << minute) - 1
            if found:
                minute = found.bit_length() - 1
                return datetime(year, month, day, hour, minute, plan.seconds.bit_length() - 1, 0, zone)
        found = plan.hours & (1 << hour) - 1
        if found:
            hour = found.bit_length() - 1
            return _last_of_hour(plan, year, month, day, hour, zone)
    mask = table[month] & (1 << day) - 1
    if not mask:
        months = table[0] & (1 << month) - 1
        while not months:
            previous = days.last_year(year)
            if previous is None:
                return None
            year = previous
            table = days.table(year)
            months = table[0]
        month = months.bit_length() - 1
        mask = table[month]
    return _last_of_hour(plan, year, month, mask.bit_length() - 1, plan.hours.bit_length() - 1, zone)


def _last_of_hour(plan: Plan, year: int, month: int, day: int, hour: int, zone: tzinfo | None) -> datetime:
    minute, second = plan.minutes.bit_length() - 1, plan.seconds.bit_length() - 1
    return datetime(year, month, day, hour, minute, second, 0, zone)
