"""Further attempts outlive the process that made the ones before."""

from __future__ import annotations

from itertools import pairwise

import pytest

from apscheduler_lite import BackgroundScheduler, Retry
from tests.databases import FAMILIES, place
from tests.faults.fleet import Fleet, stumble
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(params=FAMILIES)
def shared(request):
    """Give a place on one of the databases."""
    with place(request.param) as made:
        yield made


def test_the_next_process_makes_the_remaining_attempts_at_their_times(shared, tmp_path):
    """A process is killed between attempts; each attempt is made once, none before its pause has passed."""
    retry = Retry(max_attempts=4, delay=1, backoff=1)
    store = shared.store()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    scheduler.add_jobs(
        [
            {"func": stumble, "id": "once", "retry": retry},
            {
                "func": stumble,
                "trigger": "interval",
                "hours": 1,
                "id": "daily",
                "retry": retry,
                "run_immediately": True,
            },
        ]
    )
    due = scheduler.get_job("daily").next_run_time
    waiting = "SELECT COUNT(*) FROM {runs} WHERE open_at IS NOT NULL AND attempt = 2"

    with Fleet(shared, tmp_path) as fleet:
        process = fleet.start()
        wait_until(lambda: shared.execute(waiting)[0][0] == 2, 60, "the second attempts to wait")
        process.kill()
        process.wait()
        fleet.start()
        ended = "SELECT COUNT(*) FROM {runs} WHERE finished IS NOT NULL"
        wait_until(lambda: shared.execute(ended)[0][0] == 8, 60, "all attempts")
        fleet.stop()
        notes, records = fleet.notes(), fleet.records()

    assert scheduler.get_job("daily").next_run_time == due
    store.shutdown()
    for job_id in ("once", "daily"):
        attempts = sorted((row for row in records if row.job_id == job_id), key=lambda row: row.attempt)
        assert [(row.attempt, row.outcome) for row in attempts] == [(number, "error") for number in (1, 2, 3, 4)]
        assert len({row.due for row in attempts}) == 1
        for before, after in pairwise(attempts):
            assert after.started >= before.finished + 1_000_000
        begun = [note for note in notes if note.job_id == job_id]
        assert sorted(note.attempt for note in begun) == [1, 2, 3, 4]
        assert len({note.pid for note in begun}) == 2
    assert shared.execute("SELECT id FROM {jobs}") == [("daily",)]
