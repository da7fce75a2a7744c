"""The part of the suite for stores that is about what comes back: outcomes, runs that no executor took, changes."""

from __future__ import annotations

from ._store_bench import StoreBench

__all__ = ["Returning"]


class Returning(StoreBench):
    """A run that ends frees its slot; a run that could not begin is due again; what a user removed stays removed."""

    # -- outcomes ----------------------------------------------------------------------------------------------

    def test_a_run_that_ends_frees_its_slot(self) -> None:
        """The job can run again."""
        self.add(every=10)
        self.finish(*self.claim(0).runs)

        assert self.times(self.claim_soon(10).runs) == [("job", 10)]

    def test_the_end_of_a_run_tells_whether_a_job_waits_for_it(self) -> None:
        """Then the scheduler looks at once, and not only at the next fire time."""
        self.add(every=10, until=10)
        (run,) = self.claim(0).runs
        self.claim(10)

        assert self.finish(run)

    def test_an_end_is_recorded_once(self) -> None:
        """Told twice, it does not free the slot of another run."""
        self.add(every=10)
        (first,) = self.claim(0).runs
        self.finish(first)
        self.claim_soon(10)

        self.finish(first)

        assert self.claim(20).runs == []

    def test_the_end_of_a_run_whose_job_is_gone_is_no_error(self) -> None:
        """It was removed, or finished, while it ran."""
        self.add("removed", every=10)
        self.add("finished")
        runs = self.claim(0).runs
        self.store.remove_job("removed")

        self.finish(*runs)

        assert self.ids() == []

    def test_a_job_that_was_removed_while_it_ran_stays_removed(self) -> None:
        """Neither the end of the run nor the next claim brings it back."""
        self.add(every=10)
        runs = self.claim(0).runs
        self.store.remove_job("job")
        self.finish(*runs)

        assert self.claim(20).runs == []
        assert self.store.lookup_job("job") is None

    # -- runs that no executor took ----------------------------------------------------------------------------

    def test_a_released_run_is_due_again(self) -> None:
        """After a short pause it is claimed anew."""
        self.add(every=60)
        (run,) = self.claim(0).runs

        self.store.release(run, self.clock.now())

        assert self.claim().runs == []
        assert self.times(self.claim(5).runs) == [("job", 0)]

    def test_a_released_last_run_is_due_again(self) -> None:
        """The job had left with the claim, and is back."""
        self.add(args=("kept",))
        (run,) = self.claim(0).runs

        self.store.release(run, self.clock.now())

        assert self.ids() == ["job"]
        (again,) = self.claim(5).runs
        assert self.times([again]) == [("job", 0)]
        assert tuple(again.args) == ("kept",)
        assert self.ids() == []

    def test_released_runs_of_a_backlog_are_due_again_in_order(self) -> None:
        """None of them is lost, and none comes twice."""
        self.add(every=10, until=30, coalesce=False, max_instances=10)
        runs = self.claim(30).runs

        for run in runs[1:]:
            self.store.release(run, self.clock.now())

        assert self.times(self.claim(40).runs) == [("job", 10), ("job", 20), ("job", 30)]

    def test_a_released_run_frees_its_slot(self) -> None:
        """It counts as an instance no more."""
        self.add(every=60, max_instances=1)
        (run,) = self.claim(0).runs

        self.store.release(run, self.clock.now())
        self.finish(*self.claim(5).runs)

        assert self.times(self.claim_soon(60).runs) == [("job", 60)]

    def test_a_release_does_not_bring_back_a_removed_job(self) -> None:
        """What a user has removed stays removed."""
        self.add(every=60)
        (run,) = self.claim(0).runs
        self.store.remove_job("job")

        self.store.release(run, self.clock.now())

        assert self.ids() == []
        assert self.claim(100).runs == []
        self.add(at=100)
        assert self.times(self.claim().runs) == [("job", 100)]

    def test_a_release_does_not_end_a_pause(self) -> None:
        """A job that was paused meanwhile stays paused."""
        self.add(every=60)
        (run,) = self.claim(0).runs
        self.store.change_job("job", lambda job: job._decide({"next_run_time": None}))

        self.store.release(run, self.clock.now())

        assert self.found("job").paused
        assert self.claim(100).runs == []

    def test_a_release_keeps_a_new_schedule(self) -> None:
        """A job that was given another trigger meanwhile follows that one."""
        self.add(every=60)
        (run,) = self.claim(0).runs
        self.store.update_job(self.new_job(at=30, every=30))

        self.store.release(run, self.clock.now())

        assert self.next_of("job") == 30

    # -- changes between -----------------------------------------------------------------------------------------

    def test_a_job_may_be_rescheduled_while_it_waits_for_a_slot(self) -> None:
        """It is claimed at its new time, once there is room."""
        self.add(every=10, until=10)
        (first,) = self.claim(0).runs
        self.claim(10)

        self.store.change_job("job", lambda job: job._decide({"next_run_time": self.moment(50)}))
        self.finish(first)

        assert self.claim(20).runs == []
        assert self.times(self.claim_soon(50).runs) == [("job", 50)]

    def test_a_job_may_be_removed_while_it_waits_for_a_slot(self) -> None:
        """The end of the run that it waited for brings nothing back."""
        self.add(every=10, until=10)
        (first,) = self.claim(0).runs
        self.claim(10)

        self.store.remove_job("job")
        self.finish(first)

        assert self.claim(20).runs == []
        assert self.ids() == []

    def test_a_failing_job_may_be_removed(self) -> None:
        """Nothing of its pauses is left to a job that is added under its id."""
        self.add(executor="gpu")
        self.claim(0)
        self.store.remove_job("job")
        self.add(at=1)

        assert self.times(self.claim(1).runs) == [("job", 1)]

    def test_a_pending_pause_gives_way_to_a_change(self) -> None:
        """Whoever changes a job that could not be scheduled wants it tried at once."""
        self.add(executor="gpu")
        self.claim(0)

        self.store.change_job("job", lambda job: job._decide({"executor": "default"}))

        assert self.times(self.claim(0.001).runs) == [("job", 0)]

    def test_an_added_slot_is_used_at_once(self) -> None:
        """A job that waits for a slot is claimed when it is allowed more of them."""
        self.add(every=10, until=10)
        self.claim(0)
        self.claim(10)

        self.store.change_job("job", lambda job: job._decide({"max_instances": 2}))

        assert self.times(self.claim_soon().runs) == [("job", 10)]
