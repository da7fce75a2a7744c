"""A signal handler may call the API, whatever the main thread was doing in that moment with the same store."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from itertools import count
from typing import Any

import pytest

from tests.databases import FAMILIES, place
from tests.uncovered import uncovered

CALLS = 60
LONGEST = 20.0
"""Seconds after which a handler that has not been called so often is content with less."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["background", "blocking", "stopped"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_signal_handler_may_use_the_store_that_it_has_interrupted(family, kind):
    """It adds, changes, lists and removes jobs in the middle of the main thread's own calls and claims."""
    with place(family) as made:
        arguments = json.dumps([kind, made.url, made.tablename])
        command = [sys.executable, "-m", "tests.faults.test_signal_handlers", arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=uncovered())
        try:
            printed, said = process.communicate(timeout=100)
        finally:
            process.kill()
            process.wait()
        left = made.execute("SELECT id FROM {jobs} ORDER BY id")
        unended = made.execute("SELECT COUNT(*) FROM {runs} WHERE finished IS NULL")[0][0]

    assert process.returncode == 0, said
    assert printed.split() == ["done"], said
    assert "Traceback" not in said
    assert [row.id for row in left] == ["busy 0", "busy 1", "busy 2", "shared"]
    assert unended == 0


def nothing() -> None:
    """Do nothing."""


class Interruptions:
    """A handler that calls the API at random moments."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._chance = random.Random(1)
        self._numbers = count(1)
        self.calls = 0
        self._end = time.monotonic() + LONGEST  # noqa: TID251 - real time, since slow machines are what it is for

    @property
    def are_over(self) -> bool:
        """Return whether no further signal comes."""
        return self.calls >= CALLS or (self.calls > 0 and time.monotonic() > self._end)  # noqa: TID251

    def begin(self) -> None:
        """Let the first signal come."""
        signal.signal(signal.SIGALRM, self._handle)
        self._arm()

    def _arm(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._chance.uniform(0.0001, 0.004))

    def _handle(self, *_: Any) -> None:
        use(self._scheduler, f"signal {next(self._numbers)}")
        self.calls += 1
        if not self.are_over:
            self._arm()
        elif type(self._scheduler).__name__ == "BlockingScheduler":
            self._scheduler.shutdown()


def use(scheduler: Any, name: str) -> None:
    """Make one call of each kind."""
    scheduler.add_job(nothing, "interval", days=1, id=name)
    scheduler.modify_job(name, name="changed")
    scheduler.modify_job("shared", name=name)
    jobs = {job.id for job in scheduler.get_jobs()}
    if not {name, "shared"} <= jobs:
        raise AssertionError(f"{name!r} or 'shared' is missing among {sorted(jobs)}")
    scheduler.add_job(nothing, "interval", days=1, id=name, replace_existing=True)
    scheduler.remove_job(name)


def main() -> None:
    """Interrupt a scheduler of that kind on that table."""
    import faulthandler

    from apscheduler_lite import BackgroundScheduler, BlockingScheduler
    from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore

    faulthandler.dump_traceback_later(90, exit=True)
    kind, url, tablename = json.loads(sys.argv[1])
    store = SQLAlchemyJobStore(url, tablename=tablename, heartbeat_interval=0.1)
    cls = BlockingScheduler if kind == "blocking" else BackgroundScheduler
    scheduler: Any = cls(timezone="UTC", jobstores={"default": store})
    scheduler.add_job(nothing, "interval", days=1, id="shared")
    for number in range(3):
        scheduler.add_job(nothing, "interval", seconds=0.05, id=f"busy {number}")
    interruptions = Interruptions(scheduler)
    if kind == "blocking":
        interruptions.begin()
        scheduler.start()
    else:
        if kind == "background":
            scheduler.start()
        interruptions.begin()
        for number in count():
            use(scheduler, f"main {number}")
            if interruptions.are_over:
                break
        if kind == "background":
            scheduler.shutdown()
    print("done")


if __name__ == "__main__":
    main()
