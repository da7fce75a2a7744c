"""Facts about what people do with jobs: add, look, change, pause, remove, export; without a thread."""

from __future__ import annotations

import io
import warnings
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import from_instant
from apscheduler_lite.errors import ConflictingIdError, JobLookupError, SchedulerWarning, TransientJobError
from apscheduler_lite.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_EXECUTOR_ADDED,
    EVENT_EXECUTOR_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    EVENT_JOBSTORE_ADDED,
    EVENT_JOBSTORE_REMOVED,
)
from apscheduler_lite.executors.debug import DebugExecutor
from apscheduler_lite.job import Job
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.stepping import SteppingScheduler


def work(*args, **kwargs):
    """Return the arguments."""
    return args, kwargs


class PersistentStore(MemoryJobStore):
    """A store that says that its jobs outlive the process."""

    persistent = True


@pytest.fixture
def scheduler():
    """Return a running scheduler."""
    scheduler = SteppingScheduler()
    scheduler.start()
    return scheduler


@pytest.fixture
def stopped():
    """Return a scheduler that has not been started."""
    return SteppingScheduler()


def due(scheduler, job_id="job"):
    """Return when a job is due, in seconds after the test's begin."""
    moment = scheduler.get_job(job_id).next_run_time
    return None if moment is None else (moment - from_instant(scheduler.begin, UTC)).total_seconds()


# -- adding --------------------------------------------------------------------------------------------------------


def test_a_job_without_a_trigger_runs_once_and_at_once(scheduler):
    """And is gone."""
    scheduler.add_job(work, args=[1], id="job")
    assert due(scheduler) == 0
    scheduler.step()

    assert scheduler.told(EVENT_JOB_EXECUTED)[0].retval == ((1,), {})
    assert scheduler.get_jobs() == []


def test_a_trigger_is_given_by_its_alias_with_its_arguments(scheduler):
    """Or finished."""
    scheduler.add_job(work, "interval", minutes=1, id="by alias")
    scheduler.add_job(work, b"interval", minutes=2, id="by bytes")
    scheduler.add_job(work, IntervalTrigger(minutes=3), id="finished")

    assert [(job.id, due(scheduler, job.id)) for job in scheduler.get_jobs()] == [
        ("by alias", 60),
        ("by bytes", 120),
        ("finished", 180),
    ]


def test_times_are_in_the_scheduler_s_zone(stopped):
    """Those of triggers and naive ones."""
    stopped.configure(timezone="Europe/Vienna", clock=stopped.clock)
    with warnings.catch_warnings(action="ignore", category=SchedulerWarning):  # where the host's zone is another
        job = stopped.add_job(work, "interval", hours=1, start_date="2031-01-02 12:00")
        other = stopped.add_job(work, "date", run_date=datetime(2031, 1, 2, 12))

    assert job.trigger.start_date == datetime(2031, 1, 2, 11, tzinfo=UTC)
    assert other.trigger.run_date.tzinfo == ZoneInfo("Europe/Vienna")


def test_a_next_run_time_may_be_given(scheduler):
    """Then the trigger is asked only afterwards; None adds the job paused."""
    soon = from_instant(scheduler.begin, UTC) + timedelta(seconds=5)
    scheduler.add_job(work, "interval", minutes=1, id="job", next_run_time=soon)
    paused = scheduler.add_job(work, "interval", minutes=1, id="paused", next_run_time=None)
    assert due(scheduler) == 5
    scheduler.step(5)

    assert due(scheduler) == 60
    assert paused.paused
    assert [job.id for job in scheduler.get_jobs()] == ["job", "paused"]


def test_a_job_bears_the_defaults_of_its_scheduler(stopped):
    """Those that it is not given."""
    stopped.configure(job_defaults={"coalesce": False, "max_instances": 3, "misfire_grace_time": 60})
    job = stopped.add_job(work, max_instances=2, misfire_grace_time=None)

    assert (job.coalesce, job.max_instances, job.misfire_grace_time, job.executor) == (False, 2, None, "default")


def test_an_added_job_is_told_and_wakes_the_scheduler(scheduler):
    """When it is due before the scheduler would look anyway."""
    scheduler.add_job(work, "interval", minutes=1, id="job")
    scheduler.step()
    woken = scheduler.wakeups
    scheduler.add_job(work, "interval", minutes=2)
    assert scheduler.wakeups == woken
    scheduler.add_job(work, "interval", seconds=2)

    assert scheduler.wakeups == woken + 1
    assert scheduler.told(EVENT_JOB_ADDED)[0].job_id == "job"


def test_an_id_is_taken_once(scheduler, stopped):
    """Before the start as well as after it."""
    for each in (scheduler, stopped):
        first = each.add_job(work, "interval", minutes=1, id="job")
        with pytest.raises(ConflictingIdError, match="job with the id job exists already"):
            each.add_job(work, id="job")
        with pytest.raises(ConflictingIdError):
            each.add_job(work, "date", run_date="2001-01-01", misfire_grace_time=1, id="job")

        assert each.get_jobs() == [first]


def test_an_id_may_be_taken_in_each_store(scheduler):
    """Stores do not know of each other."""
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(work, "interval", minutes=1, id="job", name="first")
    scheduler.add_job(work, "interval", minutes=1, id="job", name="second", jobstore="other")

    assert scheduler.get_job("job", "other").name == "second"
    assert scheduler.get_job("job", "default").name == "first"
    assert len(scheduler.get_jobs()) == 2
    assert [job.name for job in scheduler.get_jobs("other")] == ["second"]


def test_a_job_with_an_unchanged_trigger_goes_on_when_it_is_replaced(scheduler):
    """A restart does not begin its interval anew; a pause stays too."""
    scheduler.add_job(work, "interval", minutes=10, id="job")
    scheduler.add_job(work, "interval", minutes=10, id="paused", next_run_time=None)
    scheduler.step(300)
    for job_id in ("job", "paused"):
        scheduler.add_job(work, "interval", minutes=10, id=job_id, name="new", replace_existing=True)

    assert (due(scheduler), scheduler.get_job("job").name) == (600, "new")
    assert scheduler.get_job("paused").paused


def test_a_job_with_another_trigger_begins_anew_when_it_is_replaced(scheduler):
    """And an explicit time wins over both."""
    scheduler.add_job(work, "interval", minutes=10, id="job")
    scheduler.step(300)
    scheduler.add_job(work, "interval", minutes=20, id="job", replace_existing=True)
    assert due(scheduler) == 1500
    soon = from_instant(scheduler.begin, UTC) + timedelta(seconds=400)
    scheduler.add_job(work, "interval", minutes=20, id="job", replace_existing=True, next_run_time=soon)

    assert due(scheduler) == 400


def test_a_schedule_that_is_over_is_told_and_not_stored(scheduler):
    """The caller's line is warned of it."""
    trigger = IntervalTrigger(seconds=1, start_date="2001-01-01", end_date="2001-01-02", timezone="UTC")
    with pytest.warns(SchedulerWarning, match="job 'job' .* will never run") as caught:
        scheduler.add_job(work, trigger, id="job")

    assert scheduler.get_jobs() == []
    assert caught[0].filename == __file__


def test_an_executor_that_is_not_there_is_told(scheduler):
    """The job is kept and waits for one."""
    with pytest.warns(SchedulerWarning, match=r"names the executor 'gpu', which this scheduler does not have \(it has"):
        scheduler.add_job(work, "interval", minutes=1, executor="gpu", id="job")

    assert scheduler.get_job("job").executor == "gpu"


# -- many at once --------------------------------------------------------------------------------------------------


def test_many_jobs_are_added_in_one_call(scheduler):
    """Each with the arguments of `add_job`."""
    jobs = scheduler.add_jobs(
        [
            {"func": work, "trigger": "interval", "minutes": 1, "id": "first", "args": [1]},
            {"func": work, "trigger": DateTrigger("2040-01-01", "UTC"), "id": "second", "max_instances": 4},
            {"func": f"{__name__}:work", "id": "third", "kwargs": {"a": 1}, "name": "name", "coalesce": False},
        ]
    )

    assert [job.id for job in jobs] == ["first", "second", "third"]
    assert [job.id for job in scheduler.get_jobs()] == ["third", "first", "second"]
    assert (jobs[1].max_instances, jobs[2].name, jobs[2].coalesce) == (4, "name", False)
    assert len(scheduler.told(EVENT_JOB_ADDED)) == 3
    assert scheduler.add_jobs([]) == []


@pytest.mark.parametrize("started", [True, False], ids=["started", "stopped"])
def test_many_jobs_are_added_all_or_none(started):
    """A conflict or a wrong value in one, and none is there."""
    scheduler = SteppingScheduler()
    if started:
        scheduler.start()
    scheduler.add_job(work, "interval", minutes=1, id="taken")
    good = {"func": work, "trigger": "interval", "minutes": 1}

    for wrong in (
        [{**good, "id": "new"}, {**good, "id": "taken"}],
        [{**good, "id": "twice"}, {**good, "id": "twice"}],
    ):
        with pytest.raises(ConflictingIdError):
            scheduler.add_jobs(wrong)
    with pytest.raises(TypeError, match="max_instances") as caught:
        scheduler.add_jobs([good, {**good, "max_instances": 0}])
    assert caught.value.__notes__ == ["in jobs[1] of add_jobs"]
    assert [job.id for job in scheduler.get_jobs()] == ["taken"]


def test_each_of_many_jobs_may_replace_or_not(scheduler):
    """One that may does not let the others."""
    scheduler.add_jobs([{"func": work, "trigger": "interval", "minutes": 1, "id": each} for each in ("a", "b")])
    new = [{"func": work, "trigger": "interval", "minutes": 1, "id": each, "name": "new"} for each in ("a", "b")]

    with pytest.raises(ConflictingIdError, match="b"):
        scheduler.add_jobs([{**new[0], "replace_existing": True}, new[1]])
    assert [job.name for job in scheduler.get_jobs()] == ["work", "work"]
    scheduler.add_jobs(new, replace_existing=True)
    assert [job.name for job in scheduler.get_jobs()] == ["new", "new"]


# -- by decorator --------------------------------------------------------------------------------------------------


def test_a_decorated_function_is_a_job(stopped):
    """And stays what it was; its id is its reference, so that a restart finds the job again."""
    decorated = stopped.scheduled_job("interval", minutes=1)(work)
    stopped.scheduled_job("interval", minutes=2, args=[5], max_instances=2)(work)
    stopped.scheduled_job("interval", minutes=3, id="own")(work)

    assert decorated is work
    assert [job.id for job in stopped.get_jobs()] == [f"{__name__}:work", f"{__name__}:work#2", "own"]
    assert stopped.get_jobs()[1].max_instances == 2


def test_a_decorated_function_replaces_its_job(scheduler):
    """With the trigger unchanged it goes on."""
    for _ in range(2):
        scheduler.scheduled_job("interval", minutes=10, id="job")(work)
        scheduler.step(60)

    assert due(scheduler) == 600


def test_a_decorated_function_without_a_name_gets_a_random_id(stopped):
    """It cannot be found again anyway."""
    stopped.scheduled_job("interval", minutes=1)(lambda: None)

    assert len(stopped.get_jobs()[0].id) == 32


# -- before the start ----------------------------------------------------------------------------------------------


def test_jobs_wait_for_the_start(stopped):
    """They are pending, have no time yet, and are added then."""
    job = stopped.add_job(work, "interval", minutes=1, id="job")
    assert (job.pending, job.next_run_time) == (True, None)
    assert stopped.get_jobs(pending=True) == [job]
    assert stopped.get_jobs(pending=False) == []
    stopped.start()

    assert (job.pending, due(stopped)) == (False, 60)
    assert stopped.get_jobs(pending=True) == []
    assert [event.code for event in stopped.told(EVENT_JOB_ADDED)] == [EVENT_JOB_ADDED]


def test_pending_jobs_can_be_changed_and_removed(stopped):
    """As stored ones."""
    job = stopped.add_job(work, "interval", minutes=1, id="job")
    stopped.add_job(work, "interval", minutes=1, id="gone")
    job.modify(name="new")
    job.reschedule("interval", minutes=5)
    stopped.remove_job("gone")
    with pytest.raises(JobLookupError):
        stopped.remove_job("gone")
    stopped.start()

    assert (stopped.get_job("job").name, due(stopped)) == ("new", 300)
    assert len(stopped.get_jobs()) == 1


def test_a_pending_job_can_be_paused_and_resumed(stopped):
    """Then it begins at the start as if nothing had happened."""
    stopped.add_job(work, "interval", minutes=1, id="paused").pause()
    stopped.add_job(work, "interval", minutes=1, id="job").pause()
    stopped.add_job(work, "interval", minutes=1, id="added paused", next_run_time=None)
    assert stopped.resume_job("job").paused is False
    stopped.resume_job("added paused")
    stopped.start()

    assert scheduled(stopped) == {"job": 60, "added paused": 60, "paused": None}


def scheduled(scheduler):
    """Return when the jobs are due."""
    return {job.id: due(scheduler, job.id) for job in scheduler.get_jobs()}


def test_a_pending_job_with_a_given_time_keeps_it_until_it_is_rescheduled(stopped):
    """A new trigger decides anew, unless a time is given with it."""
    soon = from_instant(stopped.begin, UTC) + timedelta(seconds=5)
    for job_id in ("kept", "anew", "given"):
        stopped.add_job(work, "interval", minutes=1, id=job_id, next_run_time=soon)
    stopped.modify_job("kept", name="new")
    stopped.reschedule_job("anew", trigger="interval", minutes=2)
    stopped.modify_job("given", trigger="interval", minutes=2, next_run_time=soon + timedelta(seconds=1))
    stopped.start()

    assert scheduled(stopped) == {"kept": 5, "given": 6, "anew": 120}


def test_a_paused_pending_job_stays_paused_when_it_is_rescheduled(stopped):
    """As a stored one does."""
    stopped.add_job(work, "interval", minutes=1, id="job", next_run_time=None)
    stopped.reschedule_job("job", trigger="interval", minutes=2)
    stopped.start()

    assert stopped.get_job("job").paused


# -- looking -------------------------------------------------------------------------------------------------------


def test_a_job_is_looked_up_by_its_id(scheduler):
    """None is there when there is none."""
    job = scheduler.add_job(work, "interval", minutes=1, id="job")

    assert scheduler.get_job("job") == scheduler.get_job("job", "default") == job
    assert scheduler.get_job("other") is None


def test_jobs_are_printed_store_by_store(stopped):
    """Before the start those that wait for it."""
    out = io.StringIO()
    stopped.print_jobs(out=out)
    stopped.add_job(work, "interval", minutes=1, name="first")
    stopped.print_jobs(out=out)
    stopped.add_jobstore("memory", "another")
    stopped.start()
    stopped.print_jobs(out=out)
    stopped.print_jobs("another", out=out)

    assert out.getvalue().splitlines() == [
        "Pending jobs:",
        "    No pending jobs",
        "Pending jobs:",
        "    first (trigger: interval[0:01:00], pending)",
        "Jobstore another:",
        "    No scheduled jobs",
        "Jobstore default:",
        "    first (trigger: interval[0:01:00], next run at: 2031-01-01 00:01:00 UTC)",
        "Jobstore another:",
        "    No scheduled jobs",
    ]


def test_jobs_are_printed_to_standard_output(scheduler, capsys):
    """When nothing else is said."""
    scheduler.print_jobs()

    assert capsys.readouterr().out == "Jobstore default:\n    No scheduled jobs\n"


# -- changing ------------------------------------------------------------------------------------------------------


def test_a_job_is_changed_in_place(scheduler):
    """Whoever has it sees it, and an event tells."""
    job = scheduler.add_job(work, "interval", minutes=1, id="job")
    changed = scheduler.modify_job("job", name="new", args=[1])

    assert changed is job
    assert (job.name, job.args, due(scheduler)) == ("new", (1,), 60)
    assert [event.job_id for event in scheduler.told(EVENT_JOB_MODIFIED)] == ["job"]


def test_a_trigger_is_changed_by_its_alias_too(scheduler):
    """The next run time follows from it."""
    scheduler.add_job(work, "interval", minutes=1, id="job")
    scheduler.modify_job("job", trigger="interval", seconds=3)
    assert due(scheduler) == 3
    scheduler.modify_job("job", trigger=IntervalTrigger(seconds=4))
    assert due(scheduler) == 4
    scheduler.reschedule_job("job", None, "interval", seconds=5)

    assert due(scheduler) == 5


def test_rescheduling_without_a_trigger_means_now(scheduler):
    """As adding does."""
    scheduler.add_job(work, "interval", minutes=1, id="job")
    scheduler.reschedule_job("job")

    assert due(scheduler) == 0


def test_a_paused_job_stays_paused_when_it_is_rescheduled(scheduler):
    """Until it is resumed."""
    job = scheduler.add_job(work, "interval", minutes=1, id="job")
    assert job.pause().paused
    job.reschedule("interval", minutes=2)
    assert (job.paused, job.next_run_time) == (True, None)
    scheduler.step(30)
    job.resume()

    assert (job.paused, due(scheduler)) == (False, 120)


def test_resuming_a_running_job_changes_nothing(scheduler):
    """Its next run time stays."""
    soon = from_instant(scheduler.begin, UTC) + timedelta(seconds=5)
    scheduler.add_job(work, "interval", minutes=1, id="job", next_run_time=soon)

    assert scheduler.resume_job("job").next_run_time == soon


def test_a_time_given_to_a_paused_job_resumes_it(scheduler):
    """It runs then, and goes on."""
    job = scheduler.add_job(work, "interval", minutes=1, id="job", next_run_time=None)
    job.modify(next_run_time=from_instant(scheduler.begin, UTC) + timedelta(seconds=7))

    assert (job.paused, due(scheduler)) == (False, 7)


def test_a_job_whose_schedule_is_over_is_removed(scheduler):
    """By a change, or by a pause that has lasted too long; that is told."""
    job = scheduler.add_job(work, "date", run_date=from_instant(scheduler.begin + 60_000_000, UTC), id="job")
    over = scheduler.add_job(
        work, "interval", seconds=1, end_date=from_instant(scheduler.begin + 5_000_000, UTC), id="o"
    )
    over.pause()
    scheduler.step(10)
    with pytest.warns(SchedulerWarning, match="job 'o' .* will not run any more"):
        assert scheduler.resume_job("o") is None
    with pytest.warns(SchedulerWarning, match="job 'job' .* will not run any more"):
        job.reschedule(IntervalTrigger(seconds=1, start_date="2001-01-01", end_date="2001-01-02", timezone="UTC"))

    assert scheduler.get_jobs() == []
    assert [event.job_id for event in scheduler.told(EVENT_JOB_REMOVED)] == ["o", "job"]


def test_a_change_while_the_job_runs_for_the_last_time_is_no_end(scheduler):
    """The change was made, though the job is gone when it returns; nobody is warned."""

    class Racing(MemoryJobStore):
        def change_job(self, job_id, decide):
            job = super().change_job(job_id, decide)
            scheduler.step()
            return job

    scheduler.add_jobstore(Racing(), "racing")
    scheduler.add_job(work, jobstore="racing", id="job")

    assert scheduler.modify_job("job", name="new").name == "new"
    assert scheduler.get_jobs() == []


def test_a_change_wakes_the_scheduler_when_the_job_is_due_earlier(scheduler):
    """And only then."""
    scheduler.add_job(work, "interval", minutes=1, id="job")
    scheduler.step()
    woken = scheduler.wakeups
    scheduler.modify_job("job", name="new")
    scheduler.modify_job("job", trigger="interval", hours=1)
    assert scheduler.wakeups == woken
    scheduler.modify_job("job", trigger="interval", seconds=1)

    assert scheduler.wakeups == woken + 1


# -- removing ------------------------------------------------------------------------------------------------------


def test_jobs_are_removed_one_by_one_or_all(scheduler):
    """From one store or from all."""
    scheduler.add_jobstore("memory", "other")
    for number in range(3):
        scheduler.add_job(work, "interval", minutes=1, id=f"job {number}")
        scheduler.add_job(work, "interval", minutes=1, id=f"other {number}", jobstore="other")
    scheduler.remove_job("job 0")
    scheduler.remove_job("other 0", "other")
    assert len(scheduler.get_jobs()) == 4
    scheduler.remove_all_jobs("other")
    assert [job.id for job in scheduler.get_jobs()] == ["job 1", "job 2"]
    scheduler.remove_all_jobs()

    assert scheduler.get_jobs() == []
    assert [event.alias for event in scheduler.told(EVENT_ALL_JOBS_REMOVED)] == ["other", None]


def test_a_stored_job_is_removed_before_the_start_as_well(stopped):
    """`remove_all_jobs` empties the stores when they are opened, before anything is added."""
    store = MemoryJobStore()
    first = SteppingScheduler()
    store.add_job(Job(first, "old", func=work, trigger=IntervalTrigger(minutes=1), next_run_time="2040-01-01"))
    stopped.add_jobstore(store)
    stopped.add_job(work, "interval", minutes=1, id="too early")
    stopped.remove_all_jobs()
    stopped.add_job(work, "interval", minutes=1, id="new")
    stopped.start()

    assert [job.id for job in stopped.get_jobs()] == ["new"]


# -- executors and stores ------------------------------------------------------------------------------------------


def test_executors_and_stores_come_and_go(scheduler):
    """By alias, with an event for each."""
    scheduler.add_executor("debug", "quick")
    scheduler.add_jobstore("memory", "more")
    scheduler.remove_executor("quick")
    scheduler.remove_jobstore("more", shutdown=False)

    assert [event.alias for event in scheduler.told(EVENT_EXECUTOR_ADDED)] == ["default", "quick"]
    assert [event.alias for event in scheduler.told(EVENT_JOBSTORE_ADDED)] == ["default", "more"]
    assert [event.alias for event in scheduler.told(EVENT_EXECUTOR_REMOVED)] == ["quick"]
    assert [event.alias for event in scheduler.told(EVENT_JOBSTORE_REMOVED)] == ["more"]
    scheduler.add_executor(DebugExecutor(), "quick")


def test_a_removed_store_keeps_its_jobs_and_may_serve_again(scheduler):
    """The same scheduler or another one."""
    store = MemoryJobStore()
    scheduler.add_jobstore(store, "more")
    scheduler.add_job(work, "interval", minutes=1, id="job", jobstore="more")
    scheduler.remove_jobstore("more")
    assert scheduler.get_jobs() == []
    other = SteppingScheduler()
    other.add_jobstore(store, "taken over")
    other.start()

    assert [job.id for job in other.get_jobs()] == ["job"]
    other.get_job("job").modify(name="of the other")
    assert store.lookup_job("job").name == "of the other"


# -- files ---------------------------------------------------------------------------------------------------------


def test_exported_jobs_are_imported_as_they_were(scheduler, tmp_path):
    """Times, pauses, arguments; by path or by file."""
    scheduler.add_job(work, "interval", minutes=1, id="job", args=[datetime(2031, 1, 2, tzinfo=UTC)], name="a näme")
    scheduler.add_job(work, "interval", minutes=1, id="paused", next_run_time=None, coalesce=False)
    scheduler.export_jobs(tmp_path / "jobs.json")
    out = io.StringIO()
    scheduler.export_jobs(out, "default")
    assert out.getvalue() == (tmp_path / "jobs.json").read_text(encoding="utf-8")

    other = SteppingScheduler()
    other.add_job(work, "interval", minutes=1, id="job", name="replaced")
    other.import_jobs(tmp_path / "jobs.json")
    other.start()
    assert scheduled(other) == {"job": 60, "paused": None}
    job = other.get_job("job")
    assert (job.name, job.args) == ("a näme", (datetime(2031, 1, 2, tzinfo=UTC),))
    assert other.get_job("paused").paused
    other.remove_all_jobs()
    other.import_jobs(io.StringIO(out.getvalue()))
    assert scheduled(other) == {"job": 60, "paused": None}


def test_pending_jobs_are_exported_as_pending(stopped):
    """Whoever imports them begins their schedules."""
    stopped.add_job(work, "interval", minutes=1, id="job")
    out = io.StringIO()
    stopped.export_jobs(out)
    other = SteppingScheduler()
    other.start()
    other.import_jobs(io.StringIO(out.getvalue()))

    assert scheduled(other) == {"job": 60}


def test_what_cannot_be_exported_stops_the_export(scheduler, tmp_path):
    """Nothing is written then."""
    scheduler.add_job(lambda: None, "interval", minutes=1)

    with pytest.raises(TransientJobError):
        scheduler.export_jobs(tmp_path / "jobs.json")
    assert not (tmp_path / "jobs.json").exists()


def test_nothing_is_exported_and_imported_as_nothing(scheduler):
    """An empty list is no error."""
    out = io.StringIO()
    scheduler.export_jobs(out)
    scheduler.import_jobs(io.StringIO(out.getvalue()))

    assert scheduler.get_jobs() == []


# -- what outlives the process -------------------------------------------------------------------------------------


def test_a_function_without_a_name_is_refused_by_a_store_that_outlives_the_process(stopped):
    """At the call, also before the start."""
    stopped.add_jobstore(PersistentStore())
    for _ in range(2):
        with pytest.raises(TransientJobError, match="has no importable name"):
            stopped.add_job(lambda: None, "interval", minutes=1)
        if not stopped.running:
            stopped.start()

    assert stopped.get_jobs() == []


def test_a_bound_method_in_such_a_store_runs_on_a_copy(stopped):
    """That is told."""
    stopped.add_jobstore(PersistentStore())
    with pytest.warns(SchedulerWarning, match="the store keeps a copy of that object"):
        stopped.add_job(PersistentStore().get_all_jobs, "interval", minutes=1)
