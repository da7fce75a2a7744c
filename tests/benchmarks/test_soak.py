"""What `make soak` does for an hour, for a few seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import Ledger, slope

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells a process what it holds open")
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_many_runs_leave_nothing_behind(store):
    """Each fire time has one run; threads and file descriptors stay what they were, and the memory nearly."""
    seconds = os.environ.get("SOAK_SECONDS", "4")
    command = [sys.executable, "-m", "benchmarks.soak", "--seconds", seconds, "--store", store, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=float(seconds) + 60, check=False, cwd=ROOT)
    found = json.loads(done.stdout)

    assert done.stderr == ""
    assert found["runs"] > 100 * found["seconds"]  # it has been at work, however busy the machine
    assert (found["lost"], found["doubled"], found["other_events"]) == (0, 0, 0)
    for held in ("threads", "descriptors"):
        lowest, highest = found[held]
        # A worker thread may begin late on a busy machine; what leaks grows by hundreds in this time.
        assert highest - lowest <= 10, held
    assert found["memory_slope_kib"] * found["seconds"] / 60 < 8 * 1024


def test_a_ledger_tells_what_is_lost_and_what_is_doubled():
    """A fire time without a run counts as soon as a later one has had its own; the order does not matter."""
    ledger = Ledger()
    ledger.begin(10, {"sound": 0, "other": 0})
    for due in (20, 0, 10, 30):
        ledger.note("sound", due, due)
    assert (ledger.runs, ledger.lost, ledger.doubled) == (4, 0, 0)
    for due in (0, 10, 40, 50, 10, 50):
        ledger.note("other", due, due + 2_000_000)

    assert (ledger.runs, ledger.lost, ledger.doubled) == (10, 2, 2)
    assert ledger.late == 2


def test_the_slope_is_that_of_the_nearest_line():
    """Per minute."""
    assert slope([(0, 5), (1, 5), (2, 5)]) == 0
    assert slope([(0, 0), (1, 2), (2, 4), (3, 6)]) == 120
    assert slope([(1, 7)]) == 0
