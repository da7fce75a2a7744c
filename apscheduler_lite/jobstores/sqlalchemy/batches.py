"""
When enough runs have ended for the next claim, so that the claims of a burst do not shrink.

A transaction costs about the same for one run as for ten. So the scheduler is woken when as many runs have ended as the
last claim has brought. Runs may also end while a claim is made. Of longer runs those count: their workers are not kept
waiting. Of short ones the next claim takes them on top, so that claims grow until they fill the workers.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from apscheduler_lite.runs import Run

__all__ = ["Batches"]

SHORT = 1_000
"""Microseconds of a run that is not worth a claim by itself."""


class Batches:
    """What one scheduler's claims of one store bring."""

    def __init__(self) -> None:
        self._brought = 0  # how many runs the last claim has brought
        self._ended_before = 0  # how many of the outcomes that wait are of runs that had ended by then
        self._are_short = True

    def begin(self, brought: int, waiting: int) -> None:
        """Take note of what a claim has brought, and how many outcomes wait to be written at this moment."""
        if brought:
            self._brought, self._ended_before = brought, waiting

    def take(self, ended: Iterable[Run]) -> None:
        """Take note that all outcomes that waited are being written."""
        self._ended_before = 0
        lengths = [run.finished - run.started for run in ended if run.started is not None and run.finished is not None]
        if lengths:
            self._are_short = max(lengths) < SHORT

    def is_full(self, waiting: int) -> bool:
        """Return whether it is worth a claim that so many outcomes wait."""
        return waiting - (self._ended_before if self._are_short else 0) >= self._brought
