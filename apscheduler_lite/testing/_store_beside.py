"""The part of the suite for stores that is about runs beside the schedule: later attempts, and runs asked for."""

from __future__ import annotations

from apscheduler_lite.retry import Retry
from apscheduler_lite.runs import Outcome, Run

from ._store_bench import StoreBench
from .checks import until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apscheduler_lite.job import Job

__all__ = ["BesideTheSchedule"]


class BesideTheSchedule(StoreBench):
    """A run beside the schedule is made once, at its own time, and the schedule does not notice it."""

    def fail(self, run: Run, again_at: float) -> None:
        """Record that a run has failed, and is tried again at that time."""
        run.outcome, run.reason = Outcome.ERROR, "error: ValueError"
        run.exception = ValueError()
        run.started = run.finished = self.clock.now()
        run.next_attempt = self.begin + round(again_at * 1_000_000)
        self.store.record_outcomes([run])

    def ask_for(self, job: Job) -> str:
        """Ask for a run of a job; return its id."""
        run_id = Run.new_id()
        self.store.open_runs([(job, run_id)], self.clock.now())
        return run_id

    def waiting(self) -> list[str]:
        """Return the states of the runs that have not ended."""
        return sorted(each.state for each in self.store.get_runs() if each.outcome is None)

    # -- later attempts ----------------------------------------------------------------------------------------

    def test_another_attempt_is_made_at_its_time(self) -> None:
        """It is a run of its own for the same fire time, and moves no next run time."""
        self.add("job", at=0, every=60, retry=Retry())
        (first,) = self.claim(0).runs
        self.fail(first, again_at=10)
        assert self.claim(9).runs == []
        until(lambda: self.waiting() == ["waiting"], "the next attempt to wait")

        (second,) = self.claim_soon(10).runs

        assert (second.attempt, second.due, second.key) == (2, first.due, first.key)
        assert second.id != first.id
        assert self.next_of("job") == 60
        self.finish(second)
        assert self.times(self.claim_soon(60).runs) == [("job", 60)]

    def test_the_store_wants_to_be_claimed_at_that_time(self) -> None:
        """So that the scheduler sleeps until then, and no longer."""
        self.add("job", at=0, every=3600)
        (run,) = self.claim(0).runs
        self.fail(run, again_at=10)
        until(lambda: self.waiting() == ["waiting"], "the next attempt to wait")

        assert self.claim(1).next_due == self.begin + 10_000_000

    def test_each_attempt_is_on_record(self) -> None:
        """Those that have failed, and the one that waits, with the time until which it does."""
        self.add("job", at=0, every=3600)
        (run,) = self.claim(0).runs
        self.fail(run, again_at=10)
        self.fail(self.claim_soon(10).runs[0], again_at=30)
        until(lambda: self.waiting() == ["waiting"], "the next attempt to wait")

        records = self.store.get_runs("job")

        assert [(each.attempt, each.state) for each in records] == [(3, "waiting"), (2, "error"), (1, "error")]
        assert records[0].waits_until == self.moment(30)
        assert {each.scheduled_run_time for each in records} == {self.moment(0)}
        last = self.store.last_run("job")
        assert last is not None
        assert last.attempt == 2

    def test_a_finished_job_makes_its_further_attempts(self) -> None:
        """It has left the schedule, not the store's mind."""
        self.add("once", at=0)
        (run,) = self.claim(0).runs
        self.fail(run, again_at=10)

        (second,) = self.claim_soon(10).runs
        self.fail(second, again_at=20)
        (third,) = self.claim_soon(20).runs
        self.finish(third)

        assert (third.attempt, third.func) == (3, run.func)
        assert self.ids() == []
        assert self.claim(100).runs == []

    def test_an_attempt_waits_for_the_slot(self) -> None:
        """One that waits is no instance; one that is made is."""
        self.add("job", at=0, every=10, max_instances=1)
        (first,) = self.claim(0).runs
        self.fail(first, again_at=15)
        (scheduled,) = self.claim_soon(10).runs
        assert self.claim(15).runs == []
        self.finish(scheduled)

        (second,) = self.claim_soon(16).runs
        assert second.attempt == 2
        assert [(job.id, self.seconds(slot.due)) for job, slot in self.claim(20).skipped] == [("job", 20)]

    def test_attempts_wait_for_the_end_of_a_pause(self) -> None:
        """A job is paused so that it does not run."""
        job = self.add("job", at=0, every=60)
        (run,) = self.claim(0).runs
        self.fail(run, again_at=10)
        self.store.change_job("job", lambda job: job._decide({"next_run_time": None}))
        assert self.claim(20).runs == []
        until(lambda: self.waiting() == ["waiting"], "the next attempt to wait")

        self.store.change_job(job.id, lambda job: job._decide({"next_run_time": self.moment(60)}))

        (second,) = self.claim_soon(30).runs
        assert second.attempt == 2

    def test_the_attempts_of_a_removed_job_are_dropped(self) -> None:
        """They are on record as skipped, with the reason."""
        self.add("job", at=0, every=60)
        self.add("other", at=0, every=3600)
        for run in self.claim(0).runs:
            self.fail(run, again_at=10)
        until(lambda: self.waiting() == ["waiting", "waiting"], "the next attempts to wait")
        self.store.remove_job("job")

        (dropped,) = self.store.drop_runs("job", self.clock.now())

        assert (dropped.job_id, dropped.attempt, dropped.outcome) == ("job", 2, "skipped")
        (record,) = self.store.get_runs(outcome="skipped")
        assert (record.id, record.reason) == (dropped.id, "skipped: its job was removed")
        assert [run.job_id for run in self.claim(10).runs] == ["other"]
        assert self.store.drop_runs(None, self.clock.now()) == []

    def test_an_attempt_whose_job_is_gone_is_dropped_at_its_time(self) -> None:
        """Where nobody has told the store to drop it."""
        self.add("job", at=0, every=60)
        (run,) = self.claim(0).runs
        self.store.remove_job("job")
        self.fail(run, again_at=10)
        until(lambda: self.waiting() == ["waiting"], "the next attempt to wait")

        claim = self.claim(10)

        assert claim.runs == []
        assert [(run.job_id, run.outcome, run.reason) for run in claim.dropped] == [
            ("job", "skipped", "skipped: its job was removed")
        ]
        assert self.waiting() == []

    def test_a_changed_job_makes_its_attempts_as_it_is(self) -> None:
        """An attempt is a run of the job as it stands by then."""
        self.add("job", at=0, every=60, args=("before",))
        (run,) = self.claim(0).runs
        self.fail(run, again_at=10)
        self.store.change_job("job", lambda job: job._decide({"args": ["after"]}))

        (second,) = self.claim_soon(10).runs

        assert tuple(second.args) == ("after",)

    # -- runs that were asked for ------------------------------------------------------------------------------

    def test_a_run_that_is_asked_for_is_made_at_once(self) -> None:
        """With the id that was given for it; the schedule stays as it is."""
        job = self.add("job", at=60, every=60)
        self.claim(5)
        run_id = self.ask_for(job)

        (run,) = self.claim().runs

        assert (run.id, run.attempt, self.seconds(run.due)) == (run_id, 1, 5)
        assert self.next_of("job") == 60
        self.finish(run)
        until(lambda: self.store.last_run("job"), "the record")
        assert self.store.get_runs("job")[0].id == run_id

    def test_a_paused_job_can_be_run(self) -> None:
        """It stays paused."""
        job = self.add("job", every=60, next_run_time=None)
        self.ask_for(job)

        assert len(self.claim().runs) == 1
        assert self.found("job").paused

    def test_a_run_that_is_asked_for_waits_for_the_slot(self) -> None:
        """Each begins when one before it has ended."""
        job = self.add("job", at=0, every=3600)
        (run,) = self.claim(0).runs
        ids = [self.ask_for(job), self.ask_for(job)]
        assert self.claim().runs == []

        made = []
        for _ in ids:
            self.finish(run)
            (run,) = self.claim_soon().runs
            assert self.claim().runs == []
            made.append(run.id)

        assert sorted(made) == sorted(ids)

    def test_a_run_that_is_asked_for_is_made_however_late(self) -> None:
        """The grace time is for what the schedule brings."""
        job = self.add("job", at=0, every=3600, misfire_grace_time=5)
        (first,) = self.claim(0).runs
        self.ask_for(job)
        self.claim(60)
        self.finish(first)

        (run,) = self.claim_soon().runs

        assert (first.grace, run.grace) == (5_000_000, None)

    def test_a_run_beside_the_schedule_is_taken_back(self) -> None:
        """When no executor takes it, it waits and is tried again; the schedule stays as it is."""
        job = self.add("job", at=60, every=60)
        run_id = self.ask_for(job)
        (run,) = self.claim().runs

        self.store.release(run, self.clock.now())

        assert self.claim().runs == []
        assert [each.id for each in self.claim_soon(30).runs] == [run_id]
        assert self.next_of("job") == 60

    def test_runs_beside_the_schedule_need_free_workers(self) -> None:
        """Where claims are limited, they are limited by these too."""
        jobs = [self.add(f"job {number}", at=60, every=60) for number in range(3)]
        for job in jobs:
            self.ask_for(job)

        first = self.claim(default=2).runs
        second = self.claim(default=2).runs

        assert len({run.job_id for run in first + second}) == 3
        assert len(first) == (2 if self.limits_claims else 3)
