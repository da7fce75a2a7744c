"""
How a row is measured: ours and the peer by turns, medians of several rounds, told as a ratio.

Taking turns spreads what else the machine is doing over both sides; the median drops the rounds that it hit hardest.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One line of the results.

    Attributes:
        what: what is measured, for a reader who does not know the script.
        unit: of both values, such as ``µs`` or ``runs/s``.
        ours: our value.
        theirs: the peer's; None where the row stands on its own.
        peer: the peer's name and, where it matters, version.
        at_most: the budget as an upper bound of ours / theirs (of ours, on its own): for costs.
        at_least: the budget as a lower bound of ours / theirs (of ours, on its own): for rates.
        floor: the least that plain Python must do for the same work, measured in the same run; None where that is
            nothing.
    """

    what: str
    unit: str
    ours: float
    theirs: float | None = None
    peer: str = "APScheduler 3"
    at_most: float | None = None
    at_least: float | None = None
    floor: float | None = None

    @property
    def above_floor(self) -> float | None:
        """Return how many times the cost of the floor ours is, also where both are told as rates."""
        if self.floor is None:
            return None
        return self.floor / self.ours if self.unit.endswith("/s") else self.ours / self.floor

    @property
    def ratio(self) -> float:
        """Return ours as a multiple of theirs; ours where there is no peer."""
        return self.ours if self.theirs is None else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Tell whether the row keeps its budget; None where it has none."""
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return None if self.at_least is None else self.ratio >= self.at_least


def speedup(
    what: str,
    ours: float,
    theirs: float,
    *,
    peer: str = "APScheduler 3",
    at_least: float | None = None,
    count: int = 1,
    floor: float | None = None,
) -> Row:
    """Return the row for durations in seconds of `count` operations each, told as rates."""
    least = None if floor is None else count / floor
    return Row(
        what=what, unit="/s", ours=count / ours, theirs=count / theirs, peer=peer, at_least=at_least, floor=least
    )


def by_turns(*subjects: Callable[[], float], rounds: int = 7) -> list[float]:
    """Call the subjects by turns, each of which returns what it measured, and return the median for each."""
    values: list[list[float]] = [[] for _ in subjects]
    for number in range(rounds):
        order = list(enumerate(subjects))
        for index, subject in order if number % 2 == 0 else reversed(order):
            gc.collect()
            values[index].append(subject())
    return [median(each) for each in values]


def timed(action: Callable[[], object], repeat: int = 1) -> Callable[[], float]:
    """Return a subject that measures how long one call of the action takes, in seconds."""

    def measure() -> float:
        gc.disable()
        try:
            begin = time.perf_counter()
            for _ in range(repeat):
                action()
            return (time.perf_counter() - begin) / repeat
        finally:
            gc.enable()

    return measure


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def in_process_of_its_own(
    function: Callable[..., Any], *arguments: object, timeout: float = 300, path: str | None = None
) -> Any:
    """Call a function of a module, with arguments that have a literal form, in a fresh interpreter."""
    call = f"{function.__name__}({', '.join(map(repr, arguments))})"
    code = f"import json; from {function.__module__} import {function.__name__}; print(json.dumps({call}))"
    return in_fresh_process(code, timeout=timeout, path=path)


def in_fresh_process(code: str, *, timeout: float = 300, path: str | None = None) -> Any:
    """
    Run the code in an interpreter that has imported nothing yet; return the JSON on the last line it printed.

    Packages in the directory `path` come before all others.

    It may keep byte code, as an installed package has it: where Python is told not to, it would compile ours in every
    round, and the peers', which pip compiled, in none.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if path is not None:
        environment["PYTHONPATH"] = path
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"a measured program failed:\n{code}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
