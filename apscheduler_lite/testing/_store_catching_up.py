"""The part of the suite for stores that is about downtime: what is made up for after it."""

from __future__ import annotations

from ._store_bench import StoreBench

__all__ = ["CatchingUp"]


class CatchingUp(StoreBench):
    """After a downtime a job makes up for what its `catch_up` says; each fire time that it does not is told."""

    def wake_at(self, seconds: float) -> None:
        """Let the time pass until then as a downtime."""
        begin = self.clock.now()
        self.clock.advance(seconds)
        self.store.note_downtime(begin, self.clock.now())

    def test_the_latest_is_made_up_for(self) -> None:
        """Whatever `coalesce` says."""
        self.add("job", at=10, every=10, coalesce=False, catch_up="latest", max_instances=9)
        self.wake_at(45)

        assert self.times(self.claim().runs) == [("job", 40)]

    def test_all_are_made_up_for(self) -> None:
        """Whatever `coalesce` says."""
        self.add("job", at=10, every=10, catch_up="all", max_instances=9)
        self.wake_at(45)

        assert self.times(self.claim().runs) == [("job", 10), ("job", 20), ("job", 30), ("job", 40)]

    def test_no_more_are_made_up_for_than_may_be(self) -> None:
        """Those are the latest ones; one record tells of the others."""
        self.add("job", at=10, every=10, catch_up="all", max_catch_up=2, max_instances=9)
        self.wake_at(55)

        claim = self.claim()

        assert self.times(claim.runs) == [("job", 40), ("job", 50)]
        ((_, slot),) = claim.missed
        assert (self.seconds(slot.due), self.seconds(slot.since or 0)) == (30, 10)
        (record,) = self.store.get_runs(outcome="missed")
        assert record.due == slot.due
        assert record.reason is not None
        assert "which is not made up for" in record.reason
        assert record.reason.endswith(f"; so were all fire times since {self.moment(10)}")

    def test_nothing_is_made_up_for(self) -> None:
        """The schedule goes on; one record tells of what was due, and of the downtime."""
        self.add("job", at=10, every=10, catch_up="none")
        self.add("one", at=15, catch_up="none")
        self.wake_at(45)

        claim = self.claim()

        assert claim.runs == []
        assert sorted((job.id, self.seconds(slot.due)) for job, slot in claim.missed) == [("job", 40), ("one", 15)]
        assert [job.id for job in claim.finished] == ["one"]
        assert self.ids() == ["job"]
        assert self.next_of("job") == 50
        (record,) = self.store.get_runs("job")
        assert record.reason is not None
        assert f"the process was down from {self.moment(0)} to {self.moment(45)}" in record.reason

    def test_a_busy_pool_is_no_downtime(self) -> None:
        """What is late for want of a worker, or came due after the downtime, is run."""
        self.add("job", at=10, every=10, catch_up="none")
        self.wake_at(45)
        self.claim()

        assert self.times(self.claim(67).runs) == [("job", 60)]

    def test_a_missed_run_knows_of_the_downtime(self) -> None:
        """So that its record can tell of it, when its grace time has passed."""
        self.add("job", at=10, every=3600, misfire_grace_time=5)
        self.wake_at(45)

        (run,) = self.claim().runs

        assert run.down == (self.begin, self.begin + 45_000_000)
