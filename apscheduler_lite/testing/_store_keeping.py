"""The part of the suite for stores that is about keeping jobs: add, find, change, remove."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from apscheduler_lite.errors import ConflictingIdError, JobLookupError
from apscheduler_lite.schedulers.background import BackgroundScheduler

from ._store_bench import StoreBench
from .checks import in_threads, raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.job import Job

__all__ = ["Keeping"]


class Keeping(StoreBench):
    """A store keeps what it was given, under its id, in order."""

    # -- life --------------------------------------------------------------------------------------------------

    def test_a_new_store_is_empty(self) -> None:
        """It has no job, nothing is due, and nothing will be."""
        assert self.store.get_all_jobs() == []
        assert self.store.get_due_jobs(self.moment(0)) == []
        assert self.store.get_next_run_time() is None
        assert self.store.lookup_job("job") is None

    def test_a_store_object_serves_one_scheduler(self) -> None:
        """Two schedulers on one object would both run its jobs; several objects may share a database."""
        other = BackgroundScheduler(clock=self.clock, timezone="UTC")

        with raises(RuntimeError, match="another scheduler"):
            self.store.start(other, "default")
        self.add()
        assert self.ids() == ["job"]

    def test_jobs_are_still_there_after_a_restart(self) -> None:
        """Shutting a store down frees what it holds open, and no job."""
        self.add(at=10)

        self.store.shutdown()
        self.store.start(self.scheduler, "default")

        assert self.ids() == ["job"]
        assert self.times(self.claim(10).runs) == [("job", 10)]

    def test_it_works_in_a_forked_process(self) -> None:
        """After `after_fork`, which the child calls, it has its jobs and no part in the parent's runs."""
        self.add("once", at=2)
        self.add("often", at=1, every=1)

        self.store.after_fork()
        self.store.start(self.scheduler, "default")  # as the child's scheduler does, which is stopped by the fork

        assert self.ids() == ["often", "once"]
        assert self.times(self.claim(1).runs) == [("often", 1)]

    # -- adding and finding ------------------------------------------------------------------------------------

    def test_a_job_is_found_as_it_was_added(self) -> None:
        """Every attribute is kept."""
        added = self.add(
            args=(1, "two", [3], None),
            kwargs={"four": 5.5, "six": {"seven": True}},
            name="Ein Name",
            executor="other",
            misfire_grace_time=30,
            coalesce=False,
            max_instances=3,
            every=60,
            at=5,
        )

        found = self.found("job")
        for attribute in ("id", "name", "func", "args", "kwargs", "executor", "misfire_grace_time", "coalesce"):
            assert getattr(found, attribute) == getattr(added, attribute), attribute
        assert found.max_instances == 3
        assert found.trigger.is_same_schedule(added.trigger)
        assert found.next_run_time == self.moment(5)
        assert not found.paused

    def test_a_job_belongs_to_its_scheduler_and_store(self) -> None:
        """So that ``job.modify()`` and its like work, however the job was come by."""
        self.add(at=0, every=1)

        claimed = [run.job for run in self.claim().runs]
        looked_up = [self.store.lookup_job("job"), *self.store.get_all_jobs(), *self.store.get_due_jobs(self.moment(9))]
        assert len(looked_up) == 3
        for job in [*looked_up, *claimed]:
            assert job is not None
            assert job._scheduler is self.scheduler
            assert job._jobstore_alias == "default"

    def test_an_id_is_taken_once(self) -> None:
        """A second job by the same id is refused, and the first stays."""
        self.add(args=("first",))

        with raises(ConflictingIdError, match="job"):
            self.add(args=("second",))
        assert self.found("job").args == ("first",)

    def test_ids_are_any_text(self) -> None:
        """Other scripts, blanks, quotes and 191 characters are told apart and found."""
        ids = ["täglich", "毎日", "🕰", "with blank", "it's", 'say "x"', "50%", "a/b\\c", "x" * 191]
        ids += ["Täglich"] if self.is_case_sensitive else []
        for position, id in enumerate(ids):
            self.add(id, at=position)

        assert self.ids() == ids
        for id in ids:
            assert self.found(id).id == id
        self.store.remove_job("毎日")
        assert self.store.lookup_job("毎日") is None

    def test_next_run_times_are_exact(self) -> None:
        """To the microsecond, and aware."""
        self.add(next_run_time=self.moment(1.000001))

        moment = self.found("job").next_run_time
        assert moment == self.moment(1.000001)
        assert moment.utcoffset() == timedelta(0)
        assert self.store.get_next_run_time() == moment

    def test_jobs_come_in_the_order_of_their_next_run_times(self) -> None:
        """The paused ones last."""
        self.add("paused", next_run_time=None)
        self.add("third", at=30)
        self.add("first", at=10)
        self.add("second", at=20)

        assert self.ids() == ["first", "second", "third", "paused"]

    def test_due_jobs_are_those_whose_time_has_come(self) -> None:
        """Up to and with the moment, earliest first, without the paused ones."""
        self.add("paused", next_run_time=None)
        self.add("later", at=20.000001)
        self.add("now", at=20)
        self.add("before", at=10)

        assert [job.id for job in self.store.get_due_jobs(self.moment(20))] == ["before", "now"]
        assert self.store.get_due_jobs(self.moment(9)) == []

    def test_the_next_run_time_is_the_earliest(self) -> None:
        """Of the jobs that are not paused; None when there is none."""
        self.add("paused", next_run_time=None)
        assert self.store.get_next_run_time() is None

        self.add("later", at=20)
        self.add("sooner", at=10)

        assert self.store.get_next_run_time() == self.moment(10)

    def test_a_pause_is_kept(self) -> None:
        """A paused job is not a finished one: it stays, and has no next run time."""
        self.add("paused", next_run_time=None)

        assert self.found("paused").paused
        assert self.found("paused").next_run_time is None
        assert self.claim(1000).runs == []

    # -- many at once ------------------------------------------------------------------------------------------

    def test_many_jobs_are_added_in_one_step(self) -> None:
        """All of them are there, at the next run times that `settle` has set."""
        jobs = [self.new_job(f"job {number}", next_run_time=None) for number in range(20)]

        def settle(job: Job, before: Job | None) -> bool:
            assert before is None
            job._modify(next_run_time=self.moment(float(job.id[4:])))
            return True

        self.store.add_jobs(jobs, settle)

        assert self.ids() == [f"job {number}" for number in range(20)]
        assert len(self.claim(10).runs) == 11

    def test_many_jobs_are_added_all_or_none(self) -> None:
        """One that `settle` refuses, and the store is as it was."""
        self.add("taken", args=("first",))

        def settle(job: Job, before: Job | None) -> bool:
            if before is not None:
                raise ConflictingIdError(job.id)
            return True

        with raises(ConflictingIdError, match="taken"):
            self.store.add_jobs(
                [self.new_job("free"), self.new_job("taken", args=("second",)), self.new_job("more")], settle
            )
        assert self.ids() == ["taken"]
        assert self.found("taken").args == ("first",)

    def test_many_jobs_may_replace_others(self) -> None:
        """`settle` is told of the job that is stored under the id, and the new one takes its place."""
        self.add("old", at=10, args=("first",))
        seen: list[Any] = []

        def settle(job: Job, before: Job | None) -> bool:
            seen.append((job.id, None if before is None else before.args))
            return True

        self.store.add_jobs([self.new_job("old", at=30, args=("second",)), self.new_job("new", at=20)], settle)

        assert seen == [("old", ("first",)), ("new", None)]
        assert self.ids() == ["new", "old"]
        assert self.found("old").args == ("second",)
        assert self.times(self.claim(30).runs) == [("new", 20), ("old", 30)]

    def test_many_jobs_may_leave_some_out(self) -> None:
        """A job that `settle` does not want is not stored, and one that it was to replace is removed."""
        self.add("old", at=10)
        self.add("other", at=20)

        self.store.add_jobs(
            [self.new_job("old", at=30), self.new_job("over"), self.new_job("new", at=40)],
            lambda job, _: job.id == "new",
        )

        assert self.ids() == ["other", "new"]
        assert self.times(self.claim(50).runs) == [("other", 20), ("new", 40)]

    def test_a_claim_between_is_seen_by_those_who_add(self) -> None:
        """When the stored job is claimed while `settle` decides, it decides again on what the claim has left."""
        if self.locks_while_deciding:
            return
        self.add(at=10, every=10)
        before: list[float | None] = []

        def settle(job: Job, present: Job | None) -> bool:
            assert present is not None
            assert present._next is not None
            before.append(self.seconds(present._next))
            if len(before) == 1:
                self.finish(*self.claim(10).runs)
            job._next = present._next
            return True

        self.store.add_jobs([self.new_job(at=10, every=10, args=("new",))], settle)

        assert before in ([10], [10, 20])
        assert self.claim().runs == []
        assert self.next_of("job") == 20
        assert self.found("job").args == ("new",)

    def test_no_job_is_as_good_as_many(self) -> None:
        """An empty list is no error."""
        self.store.add_jobs([], lambda *_: True)

        assert self.ids() == []

    # -- changing ----------------------------------------------------------------------------------------------

    def test_a_job_is_replaced_by_one_with_its_id(self) -> None:
        """`update_job` keeps all of the new one, its place in the order too."""
        self.add("changed", at=10)
        self.add("other", at=20)

        self.store.update_job(self.new_job("changed", at=30, args=("new",), name="another"))

        assert self.ids() == ["other", "changed"]
        assert self.found("changed").args == ("new",)
        assert self.found("changed").name == "another"
        assert self.times(self.claim(25).runs) == [("other", 20)]

    def test_a_job_that_is_not_there_is_not_replaced(self) -> None:
        """`update_job` adds nothing."""
        with raises(JobLookupError, match="job"):
            self.store.update_job(self.new_job())
        assert self.ids() == []

    def test_a_change_is_decided_on_the_present_state(self) -> None:
        """`change_job` hands the job to the caller's function and sets what that returns."""
        self.add(args=("before",), at=10)
        seen: list[Any] = []

        def decide(job: Job) -> dict[str, Any]:
            seen.append(job.args)
            return job._decide({"args": ["after"], "next_run_time": self.moment(20)})

        changed = self.store.change_job("job", decide)

        assert seen == [("before",)]
        assert changed.args == self.found("job").args == ("after",)
        assert self.next_of("job") == 20
        assert self.claim(15).runs == []

    def test_a_change_of_a_job_that_is_not_there_is_an_error(self) -> None:
        """`change_job` asks nobody then."""
        with raises(JobLookupError, match="job"):
            self.store.change_job("job", lambda _: {})

    def test_a_refused_change_changes_nothing(self) -> None:
        """What the deciding function raises is raised, and the job is as it was."""
        self.add(args=("before",), at=10)

        with raises(TypeError):
            self.store.change_job("job", lambda job: job._decide({"args": ["after"], "max_instances": "many"}))
        assert self.found("job").args == ("before",)
        assert self.next_of("job") == 10

    def test_changes_at_the_same_time_are_all_made(self) -> None:
        """Each is decided on what the one before has made: none is lost."""
        self.add(args=(0,), at=10)

        def count(_: int) -> None:
            for _ in range(10):
                self.store.change_job("job", lambda job: job._decide({"args": [job.args[0] + 1]}))

        in_threads(4, count)

        assert self.found("job").args == (40,)

    # -- removing ----------------------------------------------------------------------------------------------

    def test_a_removed_job_is_gone(self) -> None:
        """It is not found, not listed and not claimed; the others are."""
        self.add("gone", at=10)
        self.add("kept", at=20)

        self.store.remove_job("gone")

        assert self.store.lookup_job("gone") is None
        assert self.ids() == ["kept"]
        assert self.store.get_next_run_time() == self.moment(20)
        assert self.times(self.claim(30).runs) == [("kept", 20)]

    def test_a_job_that_is_not_there_is_not_removed(self) -> None:
        """A second removal is an error too."""
        self.add()
        self.store.remove_job("job")

        with raises(JobLookupError, match="job"):
            self.store.remove_job("job")

    def test_an_id_is_free_after_removal(self) -> None:
        """Another job may have it, and nothing of the first one is left."""
        self.add(at=10, args=("first",))
        self.store.remove_job("job")
        self.add(at=20, args=("second",))

        assert self.claim(15).runs == []
        assert [run.args for run in self.claim(20).runs] == [("second",)]

    def test_all_jobs_are_removed(self) -> None:
        """The store is empty, and can be used on."""
        for number in range(5):
            self.add(f"job {number}", at=number)

        self.store.remove_all_jobs()

        assert self.ids() == []
        assert self.store.get_next_run_time() is None
        assert self.claim(10).runs == []
        self.add(at=20)
        assert self.ids() == ["job"]

    def test_only_one_of_many_adds_an_id(self) -> None:
        """When several threads add jobs by one id, one of them does and the others are told."""

        def add(number: int) -> bool:
            try:
                with nullcontext() if self.store.is_thread_safe else self.store.guard:
                    self.store.add_job(self.new_job(args=(number,)))
            except ConflictingIdError:
                return False
            return True

        added = in_threads(6, add)

        assert added.count(True) == 1
        assert self.found("job").args == (added.index(True),)
