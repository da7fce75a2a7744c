"""
Triggers made of triggers: all of them at once, or any of them.

They are set operations on exact fire times: `AndTrigger` is the intersection, `OrTrigger` the union. Each child keeps
its own start and end dates, and its own previous fire, so that it never sees a fire of another child as its own.

The intersection is found by leaping: take the latest of the children's answers, ask all for their first fire time not
before it, and repeat until they agree. Two things keep that short. Every trigger knows an arithmetic progression that
contains its fire times (an interval its start and length, a cron trigger the whole seconds), and the intersection of
those is computed, not searched: where it is empty the triggers never meet, where it is sparse each leap is long. And
the leaps are counted: after 20,000 the answer is that there is none, with a warning. For a daily cron trigger that
is a search over 54 years.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from math import gcd
from typing import TYPE_CHECKING, Any, Self

from apscheduler_lite._host_zone import local_timezone
from apscheduler_lite._text import shorten
from apscheduler_lite._timezones import from_instant
from apscheduler_lite.errors import warn

from .base import BaseTrigger
from .exact import STATE_VERSION, ExactTrigger, check_state, to_jitter

if TYPE_CHECKING:
    from .clock_notes import ClockChangeNote

__all__ = ["AndTrigger", "BaseCombiningTrigger", "OrTrigger"]

_MAX_LEAPS = 20_000


class BaseCombiningTrigger(BaseTrigger):
    """
    What triggers made of triggers have in common; one of your own overrides ``get_next_fire_time``.

    Args:
        triggers: the triggers to combine.
        jitter: delay each fire by a random time of up to so many seconds; by default as much as the children that
            fire at that time.

    Raises:
        TypeError: one of the triggers is none.
        ValueError: there are no triggers.
    """

    __slots__ = ("jitter", "triggers")

    def __init__(self, triggers: Iterable[BaseTrigger], jitter: float | None = None) -> None:
        self.triggers = _checked(triggers)
        self.jitter = to_jitter(jitter)

    @property
    def timezone(self) -> tzinfo:
        """The zone of the answers: that of the first child that has one."""
        zones = (child.zone for child in self.triggers)
        return next((zone for zone in zones if zone is not None), None) or local_timezone()

    @property
    def is_arithmetic(self) -> bool:
        """Whether all children find their latest fire time at once."""
        return all(isinstance(child, ExactTrigger) and child.is_arithmetic for child in self.triggers)

    @property
    def keeps_beat(self) -> bool:
        """Whether all children follow elapsed time."""
        return all(child.keeps_beat for child in self.triggers)

    def jitter_at(self, instant: int) -> float | None:
        """Return the jitter of that exact fire time: the trigger's, or the largest of the children that fire then."""
        if self.jitter is not None:
            return self.jitter
        jitters = [
            jitter
            for child in self.triggers
            if isinstance(child, ExactTrigger)
            and (jitter := child.jitter_at(instant))
            and child.first_instant(instant) == instant
        ]
        return max(jitters, default=None)

    def own_previous(self, previous: int) -> int | None:
        """Return the argument: each child looks for its own."""
        return previous

    def bind(self, timezone: tzinfo, now: datetime) -> Self:
        """Return this trigger with its children bound to the scheduler's zone and time."""
        return self._with_children([child.bind(timezone, now) for child in self.triggers])

    @property
    def follows_host(self) -> bool:
        """Whether the zone of any child is the host's because nobody chose one."""
        return any(child.follows_host for child in self.triggers)

    def rebind(self, timezone: tzinfo, *, is_hosts: bool = True) -> Self:
        """Return this trigger with those children in another zone whose own nobody chose."""
        return self._with_children([child.rebind(timezone, is_hosts=is_hosts) for child in self.triggers])

    def _with_children(self, children: list[BaseTrigger]) -> Self:
        if all(before is after for before, after in zip(self.triggers, children, strict=True)):
            return self
        copied = self._copy()
        copied.triggers = children
        return copied

    def is_same_schedule(self, other: BaseTrigger) -> bool:
        """Return whether the other one combines the same schedules in the same way."""
        return (
            type(self) is type(other)
            and self.jitter == other.jitter
            and len(self.triggers) == len(other.triggers)
            and all(a.is_same_schedule(b) for a, b in zip(self.triggers, other.triggers, strict=True))
        )

    def describe(self) -> str:
        """Return when the trigger fires, in English words: those of its children."""
        from .wording import limit_words

        words = f" {self._word()} ".join(f"({child.describe()})" for child in self.triggers)
        return "; ".join([words, *limit_words(None, None, self.jitter)])

    def _notes(self, first: int, last: int) -> list[ClockChangeNote]:
        notes = [note for child in self.triggers for note in child._notes(first, last)]
        return sorted(notes, key=lambda note: note.at)

    def _word(self) -> str:
        return type(self).__name__.removesuffix("Trigger").lower()

    def _answers(self, previous: int | None, now: int) -> list[int | None]:
        """Return the next fire time of each child."""
        if previous is None:
            return [child.next_instant(None, now) for child in self.triggers]
        return [child.next_instant(child.own_previous(previous), now) for child in self.triggers]

    def __str__(self) -> str:
        return f"{self._word()}[{', '.join(str(child) for child in self.triggers)}]"

    def __repr__(self) -> str:
        jitter = "" if self.jitter is None else f", jitter={self.jitter}"
        return f"<{type(self).__name__}({self.triggers}{jitter})>"

    def __getstate__(self) -> dict[str, Any]:
        return {"version": STATE_VERSION, "triggers": self.triggers, "jitter": self.jitter}

    def __setstate__(self, state: Any) -> None:
        state = check_state(self, state)
        self.jitter = state.get("jitter")
        self.triggers = [_restored(child) for child in state["triggers"]]


class OrTrigger(BaseCombiningTrigger, ExactTrigger):  # type: ignore[override]
    """
    Fire whenever at least one of the triggers fires; once where several do at the same instant.

    It ends when all have ended.
    """

    __slots__ = ()

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the earliest of the children's next fire times."""
        return min((answer for answer in self._answers(previous, now) if answer is not None), default=None)

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest of the children's fire times between the two."""
        answers = (child.latest_instant(after, now) for child in self.triggers)
        return max((answer for answer in answers if answer is not None), default=None)

    @property
    def grid(self) -> tuple[int, int]:
        """The coarsest progression that contains those of all children."""
        grids = _grids(self.triggers)
        offset = grids[0][0]
        return offset, gcd(*(step for _, step in grids), *(other - offset for other, _ in grids))


class AndTrigger(BaseCombiningTrigger, ExactTrigger):  # type: ignore[override]
    """
    Fire whenever all the triggers fire at the same instant.

    It ends as soon as one of them has ended, or when no common fire time is found in 20,000 leaps from one fire time
    to the next (a warning says so).
    """

    __slots__ = ()

    def next_instant(self, previous: int | None, now: int) -> int | None:
        """Return the first fire time that all children have in common."""
        return self._leap_up(self._answers(previous, now))

    def first_instant(self, begin: int) -> int | None:
        """Return the first common fire time that is not earlier than ``begin``."""
        return self._leap_up([child.first_instant(begin) for child in self.triggers])

    def latest_instant(self, after: int, now: int) -> int | None:
        """Return the latest common fire time that is later than ``after`` and not later than ``now``."""
        if not self.is_arithmetic:
            return super(ExactTrigger, self).latest_instant(after, now)
        meeting = self._meeting()
        target: int | None = now
        for _ in range(_MAX_LEAPS):
            if meeting is None or target is None:
                return None
            target -= (target - meeting[0]) % meeting[1]
            answers = [child.latest_instant(after, target) for child in self.triggers]
            lowest = _extreme(min, answers)
            if lowest == target:
                return target
            target = lowest
        return None

    @property
    def grid(self) -> tuple[int, int]:
        """The intersection of the children's."""
        return self._meeting() or (0, 1)

    def _leap_up(self, answers: Sequence[int | None]) -> int | None:
        meeting = self._meeting()
        if meeting is None:
            self._give_up("the fire times of its triggers lie on grids that never meet")
            return None
        offset, step = meeting
        highest = _extreme(max, answers)
        for _ in range(_MAX_LEAPS):
            if highest is None:
                return None
            target = highest + (offset - highest) % step
            if all(answer == target for answer in answers):
                return target
            answers = [
                answer if answer == target else child.first_instant(target)
                for child, answer in zip(self.triggers, answers, strict=True)
            ]
            highest = _extreme(max, answers)
        self._give_up(f"no common fire time was found in {_MAX_LEAPS} leaps up to {_text(highest)}")
        return None

    def _meeting(self) -> tuple[int, int] | None:
        """Return the intersection of the children's progressions, or None when it is empty."""
        meeting: tuple[int, int] | None = (0, 1)
        for grid in _grids(self.triggers):
            meeting = meeting and _intersection(meeting, grid)
        return meeting

    def _give_up(self, why: str) -> None:
        warn(f"{shorten(self, 400)} is taken as ended: {why}")


def _extreme(choose: Callable[[Iterable[int]], int], answers: Sequence[int | None]) -> int | None:
    """Return the greatest or least answer, or None as soon as one child has none."""
    found = [answer for answer in answers if answer is not None]
    return choose(found) if len(found) == len(answers) else None


def _text(instant: int | None) -> str:
    return "" if instant is None else from_instant(instant, UTC).isoformat(" ")


def _grids(triggers: Iterable[BaseTrigger]) -> list[tuple[int, int]]:
    return [child.grid if isinstance(child, ExactTrigger) else (0, 1) for child in triggers]


def _intersection(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int] | None:
    """Return the progression of the instants that two progressions share (the Chinese remainder theorem)."""
    (a, m), (b, n) = one, other
    common = gcd(m, n)
    if (b - a) % common:
        return None
    n //= common
    return a + m * ((b - a) // common * pow(m // common, -1, n) % n), m * n


def _checked(triggers: Iterable[BaseTrigger]) -> list[BaseTrigger]:
    try:
        children = list(triggers)
    except TypeError:
        raise TypeError(f"triggers must be a list of triggers, not {shorten(triggers)}") from None
    if not children:
        raise ValueError("triggers must not be empty: combine at least one trigger")
    for child in children:
        if not isinstance(child, BaseTrigger):
            raise TypeError(f"triggers must be a list of triggers, but it contains {shorten(child)}")
    return children


def _restored(child: Any) -> BaseTrigger:
    """Return a child from a pickled state, where APScheduler 3 kept it as the text ``module:class`` and its state."""
    if isinstance(child, BaseTrigger):
        return child
    reference, state = child
    # The data names a class, so nothing is imported for it but what belongs to this package.
    module_name, _, class_name = str(reference).partition(":")
    if module_name.startswith("apscheduler.triggers."):
        from importlib import import_module

        module = import_module(module_name.replace("apscheduler.", "apscheduler_lite.", 1))
    else:
        module = sys.modules.get(module_name)  # type: ignore[assignment]
    cls = getattr(module, class_name, None)
    if not (isinstance(cls, type) and issubclass(cls, BaseTrigger)):
        raise ValueError(f"no trigger class {shorten(reference)} is loaded; import its module first")
    restored: BaseTrigger = cls.__new__(cls)
    restored.__setstate__(state)  # type: ignore[attr-defined]
    return restored
