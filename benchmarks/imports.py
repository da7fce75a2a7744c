"""
Import and start.

What a program pays before its first job: a fresh interpreter per round; memory is told less that of an interpreter that
imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks import floors
from benchmarks.measuring import Row, by_turns, in_fresh_process

PROGRAM = """
import time
begin = time.perf_counter()
{statements}
seconds = time.perf_counter() - begin
import json
# Not by resource.getrusage: what that tells includes the process that started this one.
status = open("/proc/self/status").read()
print(json.dumps([seconds, int(status.partition("VmRSS:")[2].split()[0])]))
"""
IMPORT = "from {package}.schedulers.background import BackgroundScheduler"
USE = (
    IMPORT
    + """
scheduler = BackgroundScheduler(timezone="UTC")
scheduler.start()
scheduler.add_job(print, "interval", hours=1)
scheduler.shutdown()
"""
)


def rows() -> Iterator[Row]:
    """Yield the rows."""
    ours, theirs, bare, floor = by_turns(
        seconds_of(IMPORT, "apscheduler_lite"),
        seconds_of(IMPORT, "apscheduler"),
        seconds_of("import apscheduler_lite"),
        seconds_of(floors.IMPORT),
        rounds=21,
    )
    what = "import of the background scheduler"
    yield Row(what=what, unit="ms", ours=ours * 1000, theirs=theirs * 1000, at_most=0.22, floor=floor * 1000)
    yield Row(what="`import apscheduler_lite` alone", unit="ms", ours=bare * 1000)

    nothing, ours, theirs, floor = by_turns(
        memory_of("pass"),
        memory_of(IMPORT, "apscheduler_lite"),
        memory_of(IMPORT, "apscheduler"),
        memory_of(floors.IMPORT),
        rounds=7,
    )
    what = "memory after that import (resident set)"
    yield Row(what=what, unit="kB", ours=ours - nothing, theirs=theirs - nothing, at_most=0.2, floor=floor - nothing)

    ours, theirs, floor = by_turns(
        seconds_of(USE, "apscheduler_lite"), seconds_of(USE, "apscheduler"), seconds_of(floors.USE), rounds=11
    )
    what = "import, start, add an interval job, shut down"
    yield Row(what=what, unit="ms", ours=ours * 1000, theirs=theirs * 1000, at_most=0.5, floor=floor * 1000)


def seconds_of(statements: str, package: str = "") -> Callable[[], float]:
    """Return what measures how long the statements take in a fresh interpreter."""
    return lambda: float(in_fresh_process(program(statements, package))[0])


def memory_of(statements: str, package: str = "") -> Callable[[], float]:
    """Return what measures the memory of a fresh interpreter after the statements, in kB."""
    return lambda: float(in_fresh_process(program(statements, package))[1])


def program(statements: str, package: str) -> str:
    """Return the program that measures the statements."""
    return PROGRAM.format(statements=statements.format(package=package))
