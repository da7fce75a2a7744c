"""The part of the suite for stores that is about claiming: which runs a claim hands out, and what it leaves."""

from __future__ import annotations

from ._store_bench import FragileTrigger, StoreBench, work
from .checks import in_threads

__all__ = ["Claiming"]


class Claiming(StoreBench):
    """A claim takes what is due, each fire time once, and loses nothing."""

    # -- what is taken -----------------------------------------------------------------------------------------

    def test_a_due_job_is_claimed(self) -> None:
        """The run bears what its executor needs."""
        self.add("job", at=5, every=60, args=(1,), kwargs={"two": 3}, misfire_grace_time=30)

        (run,) = self.claim(5).runs

        assert (run.job_id, run.jobstore, run.executor) == ("job", "default", "default")
        assert (run.func, tuple(run.args), run.kwargs) == (work, (1,), {"two": 3})
        assert run.fire_time == run.due == self.begin + 5_000_000
        assert run.scheduled_run_time == self.moment(5)
        assert run.grace == 30_000_000
        assert run.outcome is None

    def test_a_claim_advances_the_job(self) -> None:
        """When it returns, the next run time is the one after: what was claimed cannot be claimed again."""
        self.add(at=5, every=60)

        self.claim(5)

        assert self.next_of("job") == 65
        assert self.claim().runs == []

    def test_what_is_not_due_is_left(self) -> None:
        """And the claim tells when the first of it will be."""
        self.add("later", at=20)
        self.add("sooner", at=10)

        claim = self.claim(9)

        assert claim.runs == []
        assert claim.next_due == self.begin + 10_000_000
        assert self.ids() == ["sooner", "later"]

    def test_an_empty_claim_of_an_empty_store(self) -> None:
        """Nothing is due, and nothing will be until somebody adds a job."""
        claim = self.claim()

        assert not any((claim.runs, claim.skipped, claim.missed, claim.finished, claim.faults))
        assert claim.next_due is None

    def test_the_next_due_time_is_that_after_the_claim(self) -> None:
        """It counts what the claim has left behind."""
        self.add("often", at=10, every=60)
        self.add("paused", next_run_time=None)

        assert self.claim(10).next_due == self.begin + 70_000_000

    def test_the_earliest_comes_first(self) -> None:
        """Runs are handed out in the order in which they were due."""
        self.add("third", at=30)
        self.add("first", at=10)
        self.add("second", at=20)

        assert self.times(self.claim(30).runs) == [("first", 10), ("second", 20), ("third", 30)]

    def test_many_due_jobs_are_claimed_at_once(self) -> None:
        """Each once."""
        self.add_all(self.new_job(f"job {number}", at=number % 7) for number in range(100))

        runs = self.claim(10).runs

        assert sorted(run.job_id for run in runs) == sorted(f"job {number}" for number in range(100))
        assert self.claim().runs == []

    def test_claims_at_the_same_time_share_the_runs(self) -> None:
        """Each run is claimed by exactly one of them."""
        self.add_all(self.new_job(f"job {number}", every=60) for number in range(40))
        now = self.clock.now()

        claims = in_threads(4, lambda _: self.store.claim_due(now, {"default": None}))

        claimed = [run.job_id for claim in claims for run in claim.runs]
        claimed += [run.job_id for run in self.claim().runs]  # what they left to each other
        assert sorted(claimed) == sorted(f"job {number}" for number in range(40))

    def test_a_run_keeps_what_the_job_was(self) -> None:
        """A change of the job changes no run that has been claimed."""
        self.add(every=60, args=("before",), name="before")
        (run,) = self.claim().runs

        self.store.change_job("job", lambda job: job._decide({"args": ["after"], "name": "after"}))

        assert tuple(run.args) == ("before",)
        assert run.job is not None
        assert run.job.args == ("before",)
        assert run.job.name == "before"
        assert self.found("job").args == ("after",)

    def test_a_time_in_the_past_is_due(self) -> None:
        """A next run time that lies behind is late, not lost."""
        self.add(at=2000, next_run_time=self.moment(-1000))

        assert self.times(self.claim().runs) == [("job", -1000)]

    def test_a_paused_job_is_not_claimed(self) -> None:
        """Before its change to paused it would have been."""
        self.add(at=10, every=60)
        self.store.change_job("job", lambda job: job._decide({"next_run_time": None}))

        assert self.claim(100).runs == []
        assert self.ids() == ["job"]

    def test_a_finished_job_leaves(self) -> None:
        """With the claim of its last run it is no longer among the jobs; the claim says so."""
        self.add(at=10, every=10, until=20)

        first = self.claim(10)
        assert first.finished == []
        assert self.ids() == ["job"]
        self.finish(*first.runs)
        claim = self.claim_soon(20)
        assert [job.id for job in claim.finished] == ["job"]
        assert self.ids() == []
        self.finish(*claim.runs)
        assert self.store.lookup_job("job") is None

    # -- capacity ----------------------------------------------------------------------------------------------

    def test_what_nobody_can_start_stays_due(self) -> None:
        """A store that others may share leaves to them what this scheduler's executors have no worker for."""
        self.add_all(self.new_job(f"job {number}", at=number) for number in range(5))

        first = self.claim(10, default=2).runs
        if not self.limits_claims:
            assert len(first) == 5
            return
        assert self.times(first) == [("job 0", 0), ("job 1", 1)]
        assert self.ids() == ["job 2", "job 3", "job 4"]
        assert self.claim(default=0).runs == []
        assert self.times(self.claim(default=9).runs) == [("job 2", 2), ("job 3", 3), ("job 4", 4)]

    def test_each_executor_has_its_own_capacity(self) -> None:
        """One that is full does not hold up the others."""
        self.add("of the full one", at=1)
        self.add("of the free one", at=2, executor="free")

        claimed = [run.job_id for run in self.claim(10, default=0, free=1).runs]
        assert "of the free one" in claimed
        assert len(claimed) == (1 if self.limits_claims else 2)

    def test_a_backlog_that_exceeds_the_capacity_stays_due(self) -> None:
        """The fire times of one job that find no worker are claimed later, each once."""
        self.add(every=10, until=40, coalesce=False, max_instances=10)

        times = self.times(self.claim(45, default=2).runs)
        for _ in range(3):
            times += self.times(self.claim(default=2).runs)
        assert times == [("job", 0), ("job", 10), ("job", 20), ("job", 30), ("job", 40)]

    def test_a_job_with_an_unknown_executor_is_kept(self) -> None:
        """It is told of, held up alone, and claimed as soon as there is such an executor."""
        self.add("waiting", executor="gpu")
        self.add("ready", at=1)

        claim = self.claim(1)
        assert self.times(claim.runs) == [("ready", 1)]
        assert [fault.job_id for fault in claim.faults] in (["waiting"], [])
        for fault in claim.faults:
            assert "gpu" in str(fault.exception)
            assert fault.retry_in > 0
        assert self.ids() == ["waiting"]
        self.store.retry_all()
        assert self.times(self.claim(2, default=None, gpu=None).runs) == [("waiting", 0)]

    # -- several fire times at once ----------------------------------------------------------------------------

    def test_coalescing_keeps_the_latest(self) -> None:
        """Of the fire times that are due only the last is run."""
        self.add(every=10)

        assert self.times(self.claim(45).runs) == [("job", 40)]
        assert self.next_of("job") == 50

    def test_coalescing_counts_and_does_not_walk(self) -> None:
        """Years of a job that fires each second are one run, at once."""
        self.add(every=1)

        assert self.times(self.claim(100_000_000).runs) == [("job", 100_000_000)]

    def test_without_coalescing_each_fire_time_is_run(self) -> None:
        """As many at once as may be in progress."""
        self.add(every=10, coalesce=False, max_instances=10)

        assert self.times(self.claim(35).runs) == [("job", 0), ("job", 10), ("job", 20), ("job", 30)]
        assert self.next_of("job") == 40

    def test_a_backlog_waits_for_its_turn(self) -> None:
        """What was due already and exceeds `max_instances` is run when there is room; none of it is skipped."""
        self.add(every=10, until=40, coalesce=False, max_instances=2)

        first = self.claim(45)
        assert self.times(first.runs) == [("job", 0), ("job", 10)]
        waiting = self.claim()
        assert not any((waiting.runs, waiting.skipped))
        self.finish(*first.runs)
        second = self.claim_soon()
        assert self.times(second.runs) == [("job", 20), ("job", 30)]
        self.finish(*second.runs)
        assert self.times(self.claim_soon().runs) == [("job", 40)]
        assert self.ids() == []

    def test_what_is_older_than_the_grace_time_is_missed(self) -> None:
        """It is told of, and not run; the rest is."""
        self.add(every=10, coalesce=False, max_instances=10, misfire_grace_time=12)

        claim = self.claim(45)

        assert self.times(claim.runs) == [("job", 40)]
        assert [self.seconds(slot.due) for _, slot in claim.missed] == [0, 10, 20, 30]

    # -- triggers that fail ------------------------------------------------------------------------------------

    def test_a_trigger_that_raises_stops_its_own_job_only(self) -> None:
        """The others are claimed; the job is kept and tried again after a pause, and recovers."""
        self.add("broken", trigger=FragileTrigger())
        self.add("sound", at=10, every=10)
        FragileTrigger.is_broken = True

        claim = self.claim(10)
        assert self.times(claim.runs) == [("sound", 10)]
        assert [(fault.job_id, type(fault.exception)) for fault in claim.faults] == [("broken", ZeroDivisionError)]
        assert claim.next_due is not None
        assert claim.next_due > self.clock.now()
        assert sorted(self.ids()) == ["broken", "sound"]
        FragileTrigger.is_broken = False
        assert ("broken", 10) in self.times(self.claim(20 - 0.001).runs)

    def test_the_pauses_of_a_failing_job_grow(self) -> None:
        """A broken trigger is not asked again and again; others that fail do not lengthen its pause."""
        self.add("broken", trigger=FragileTrigger())
        FragileTrigger.is_broken = True

        pauses = [self.claim(10).faults[0].retry_in]
        assert self.claim().faults == []
        for _ in range(4):
            pauses.append(self.claim(self.seconds(self.clock.now()) + pauses[-1]).faults[0].retry_in)
        assert pauses == sorted(pauses)
        assert pauses[0] < pauses[-1]

    def test_a_pause_ends_when_the_store_is_told(self) -> None:
        """`retry_all`, since what made the jobs fail may have gone."""
        self.add("broken", trigger=FragileTrigger())
        FragileTrigger.is_broken = True
        self.claim(10)
        FragileTrigger.is_broken = False

        assert self.claim().runs == []
        self.store.retry_all()
        assert self.times(self.claim().runs) == [("broken", 10)]
