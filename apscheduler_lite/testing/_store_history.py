"""The part of the suite for stores that is about records: which runs a store remembers, and what of them."""

from __future__ import annotations

import os

from apscheduler_lite.runs import Outcome

from ._store_bench import StoreBench
from .checks import until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.records import RunRecord

__all__ = ["Remembering"]


class Remembering(StoreBench):
    """A store keeps a record of each run, from its claim on."""

    def ended(self, count: int = 1, **criteria: Any) -> list[RunRecord]:
        """Return the records of ended runs, once there are so many: a store may take them down in a moment."""

        def found() -> list[RunRecord] | None:
            records = [each for each in self.store.get_runs(**criteria) if each.outcome is not None]
            return records if len(records) >= count else None

        return until(found, f"{count} records of ended runs")

    def test_a_run_in_progress_has_a_record(self) -> None:
        """It says whose it is and who runs it; not how it ended."""
        self.add("job", at=5, every=60, name="A name")
        (run,) = self.claim(5).runs

        (record,) = self.store.get_runs()

        assert (record.id, record.job_id, record.job_name) == (run.id, "job", "A name")
        assert (record.jobstore, record.executor, record.attempt) == ("default", "default", 1)
        assert record.scheduled_run_time == self.moment(5)
        assert (record.state, record.outcome, record.finished_at, record.waits_until) == ("running", None, None, None)
        assert record.pid == os.getpid()
        assert record.host

    def test_an_ended_run_has_a_record(self) -> None:
        """It says when it ran, and how that ended."""
        self.add("job", at=5, every=60, name="A name")
        (run,) = self.claim(5).runs
        self.clock.advance(2)
        self.finish(run)

        (record,) = self.ended()

        assert (record.id, record.job_id, record.job_name) == (run.id, "job", "A name")
        assert record.state == record.outcome == Outcome.EXECUTED
        assert (record.started_at, record.finished_at, record.duration) == (self.moment(7), self.moment(7), 0)
        assert record.reason is record.exception_type is record.exception_message is record.traceback is None
        assert record.pid == os.getpid()
        assert record.host

    def test_a_failed_run_has_a_record_with_its_exception(self) -> None:
        """Its type, the begin of its message and the end of its traceback; the exception itself is not kept."""
        self.add("job")
        (run,) = self.claim().runs
        run.exception, run.traceback = ValueError("three: is odd"), "much\n" * 10_000 + "the end"
        run.reason = "error: ValueError: three: is odd" + " and much more" * 10_000
        run.outcome, run.started, run.finished = Outcome.ERROR, run.due, run.due + 1_500_000
        self.store.record_outcomes([run])

        (record,) = self.ended()

        assert record.exception_type == "ValueError"
        assert record.exception_message is not None
        assert record.exception_message.startswith("three: is odd")
        assert len(record.reason or "") <= 10_001
        assert (record.outcome, record.duration) == ("error", 1.5)
        assert record.traceback is not None
        assert record.traceback.endswith("the end")
        assert len(record.traceback) <= 10_001
        assert record.as_dict()["started_at"] == self.moment(0).isoformat()

    def test_skipped_and_missed_runs_have_records(self) -> None:
        """Each with a sentence that says why, which the claim tells as well, for events and the log."""
        self.add("overlapping", at=0, every=60)
        self.add("late", at=0, every=60, coalesce=False, misfire_grace_time=90, max_instances=5)
        self.claim(0)

        claim = self.claim(160)

        (skipped,) = self.ended(outcome="skipped")
        (missed,) = self.ended(outcome="missed")
        assert (skipped.job_id, skipped.scheduled_run_time) == ("overlapping", self.moment(120))
        assert (skipped.started_at, skipped.finished_at) == (None, self.moment(160))
        assert skipped.reason is not None
        assert skipped.reason.startswith("skipped: ")
        assert (missed.job_id, missed.scheduled_run_time) == ("late", self.moment(60))
        assert missed.reason == "missed: 100 s late, grace time 90 s"
        told = [slot.run for _, slot in (*claim.skipped, *claim.missed)]
        assert [(run.outcome, run.reason) for run in told if run is not None] == [
            (record.outcome, record.reason) for record in (skipped, missed)
        ]

    def test_the_latest_come_first(self) -> None:
        """By when they were due; as many as are wanted, of one job, with one outcome, or from a time on."""
        self.add("one", at=0, every=60)
        self.add("two", at=30, every=60)
        for at in (0, 30, 60, 90):
            self.finish(*self.claim_soon(at).runs)
        self.ended(4)

        def found(**criteria: Any) -> list[float]:
            return [self.seconds(each.due) for each in self.store.get_runs(**criteria)]

        assert found() == [90, 60, 30, 0]
        assert found(limit=2) == [90, 60]
        assert found(job_id="one") == [60, 0]
        assert found(since=self.begin + 60_000_000) == [90, 60]
        assert found(outcome="error") == []

    def test_records_survive_their_job(self) -> None:
        """One that ran once is gone when it has run; what it did is still known."""
        self.add("once")
        self.add("removed", every=60)
        self.finish(*self.claim().runs)
        self.store.remove_job("removed")

        assert {record.job_id for record in self.ended(2)} == {"once", "removed"}

    def test_the_last_run_of_a_job(self) -> None:
        """It is the one that ended last, whatever is in progress."""
        self.add("job", at=0, every=60, max_instances=2)
        self.add("new", at=1_000)
        assert self.store.last_run("job") is None
        self.finish(*self.claim(0).runs)
        self.ended()
        self.claim(60)

        last = self.store.last_run("job")

        assert last is not None
        assert (last.due, last.outcome) == (self.begin, "executed")
        assert self.store.last_run("new") is None
