"""The part of the suite for stores that is about jobs which come due while they run as often as they may."""

from __future__ import annotations

from ._store_bench import StoreBench

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.jobstores.base import Claim
    from apscheduler_lite.runs import Run

__all__ = ["Overlap"]


class Overlap(StoreBench):
    """What overlaps is skipped with its reason, waits for the slot, or takes it; nothing is dropped in silence."""

    def start(self, *runs: Run) -> None:
        """Let a worker begin the runs, in the present moment."""
        for run in runs:
            run.started = self.clock.now()

    def skipped(self, claim: Claim) -> list[tuple[float, str | None]]:
        """Return what a claim has skipped, and why."""
        return [(self.seconds(slot.due), None if slot.run is None else slot.run.reason) for _, slot in claim.skipped]

    # -- skip --------------------------------------------------------------------------------------------------

    def test_what_overlaps_is_skipped(self) -> None:
        """A job that runs as often as it may is passed to its next fire time; the claim says so."""
        self.add(every=10)
        self.claim(0)

        claim = self.claim(10)

        assert claim.runs == []
        assert [(job.id, self.seconds(slot.due)) for job, slot in claim.skipped] == [("job", 10)]
        assert self.next_of("job") == 20

    def test_instances_are_counted_up_to_the_limit(self) -> None:
        """As many runs as `max_instances` may be in progress."""
        self.add(every=10, max_instances=2)

        assert len(self.claim(0).runs) == 1
        assert len(self.claim(10).runs) == 1
        assert self.claim(20).runs == []
        assert self.next_of("job") == 30

    def test_the_last_run_waits_for_the_slot(self) -> None:
        """A run after which there is none is not skipped."""
        self.add(every=10, until=10)
        (first,) = self.claim(0).runs

        waiting = self.claim(10)
        assert not any((waiting.runs, waiting.skipped, waiting.finished))
        assert self.ids() == ["job"]
        self.finish(first)
        assert self.times(self.claim_soon().runs) == [("job", 10)]
        assert self.ids() == []

    def test_a_one_shot_that_replaces_a_running_one_waits(self) -> None:
        """The replaced job's run counts, and the new one's is not dropped."""
        self.add()
        (first,) = self.claim().runs
        self.add(at=5, args=("second",))

        assert self.claim(5).runs == []
        self.finish(first)
        assert [tuple(run.args) for run in self.claim_soon().runs] == [("second",)]

    def test_a_skip_says_which_run_is_still_going(self) -> None:
        """And since when; on the claim, and in the history of a store that has one."""
        self.add(at=300, every=372)
        self.start(*self.claim(300).runs)

        claim = self.claim(672)

        reason = "skipped: run of 00:05 still going after 372 s (max_instances=1)"
        assert self.skipped(claim) == [(672, reason)]
        (_, slot) = claim.skipped[0]
        for recorded in self.store.get_runs("job", "skipped"):
            assert slot.run is not None
            assert (recorded.id, recorded.reason, recorded.due) == (slot.run.id, reason, slot.due)

    def test_a_skip_names_the_oldest_of_several_runs(self) -> None:
        """With the date where that is another day."""
        self.add(at=86_340, every=90.5, max_instances=2)
        self.start(*self.claim(86_340).runs)
        self.start(*self.claim(86_430.5).runs)

        assert self.skipped(self.claim(86_521)) == [
            (86_521, "skipped: run of 2031-01-01 23:59 still going after 181 s (max_instances=2)")
        ]

    # -- queue -------------------------------------------------------------------------------------------------

    def test_one_run_waits_in_the_queue(self) -> None:
        """It is claimed when the slot is free, for the latest fire time of those that have passed."""
        self.add(every=10, on_overlap="queue")
        (first,) = self.claim(0).runs

        for moment in (10, 20, 34):
            waiting = self.claim(moment)
            assert not any((waiting.runs, waiting.skipped, waiting.superseded))
        self.finish(first)
        assert self.times(self.claim_soon().runs) == [("job", 30)]
        assert self.next_of("job") == 40

    def test_without_coalescing_the_first_waits_and_the_others_are_skipped(self) -> None:
        """One run waits at the most."""
        self.add(every=10, coalesce=False, on_overlap="queue")
        (first,) = self.claim(0).runs
        assert self.claim(10).runs == []
        assert self.claim(20).runs == []

        self.finish(first)
        claim = self.claim_soon(35)

        assert self.times(claim.runs) == [("job", 10)]
        reason = 'skipped: run of 00:00:10 waited already (on_overlap="queue")'
        assert self.skipped(claim) == [(20, reason), (30, reason)]
        assert self.next_of("job") == 40

    def test_the_last_run_waits_behind_the_queue(self) -> None:
        """A run after which there is none is not skipped."""
        self.add_all([self.new_job(every=10, until=30, coalesce=False, on_overlap="queue")])
        (first,) = self.claim(0).runs
        assert self.claim(10).runs == []

        self.finish(first)
        claim = self.claim_soon(35)
        assert self.times(claim.runs) == [("job", 10)]
        assert [seconds for seconds, _ in self.skipped(claim)] == [20]
        self.finish(*claim.runs)
        assert self.times(self.claim_soon().runs) == [("job", 30)]

    def test_a_backlog_is_no_overlap(self) -> None:
        """What was due before the job began to run gets its runs, one after the other, whatever the policy."""
        for policy in ("queue", "cancel_previous"):
            self.add(policy, every=10, until=40, coalesce=False, on_overlap=policy)

        claim = self.claim(25)
        for due in (10, 20):
            self.start(*claim.runs)
            again = self.claim()
            assert not any((again.runs, again.skipped, again.superseded))
            self.finish(*claim.runs)
            claim = self.claim_soon()
            assert {seconds for _, seconds in self.times(claim.runs)} == {due}

    # -- cancel_previous ---------------------------------------------------------------------------------------

    def test_the_run_in_progress_is_to_make_room(self) -> None:
        """The claim names it; the new one is claimed when it has ended. No worker need be free for that."""
        self.add(every=10, on_overlap="cancel_previous")
        (first,) = self.claim(0).runs
        self.start(first)

        claim = self.claim(10, default=0)
        assert (claim.runs, claim.superseded) == ([], [first])
        self.finish(first)
        assert self.times(self.claim_soon().runs) == [("job", 10)]
        assert self.claim().superseded == []

    def test_the_oldest_of_several_runs_makes_room(self) -> None:
        """The others go on."""
        self.add(every=10, max_instances=2, on_overlap="cancel_previous")
        runs = [*self.claim(0).runs]
        self.start(*runs)
        later = self.claim(10)
        assert later.superseded == []
        self.start(*later.runs)

        assert self.claim(20).superseded == runs

    def test_nothing_makes_room_with_another_policy(self) -> None:
        """Neither with the default nor with a queue."""
        for policy in ("skip", "queue"):
            self.add(policy, every=10, on_overlap=policy)
        self.start(*self.claim(0).runs)

        assert self.claim(10).superseded == []
