"""Facts about jobs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite._timezones import to_instant
from apscheduler_lite.errors import TransientJobError
from apscheduler_lite.job import Job, new_job_id
from apscheduler_lite.triggers.base import BaseTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

WHEN = datetime(2031, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
HOURLY = IntervalTrigger(hours=1, start_date=WHEN, timezone="UTC")


def work(first=1, second=2):
    """Do nothing."""


def other(first):
    """Do nothing."""


class Target:
    """Has methods, and is called when it is false."""

    def method(self, value):
        """Do nothing."""

    def __call__(self):
        """Do nothing."""

    def __bool__(self):
        return False

    def __eq__(self, value):
        return isinstance(value, Target)

    __hash__ = object.__hash__


class Host:
    """A scheduler that notes what it is asked, and has another object for each job."""

    timezone = ZoneInfo("Europe/Vienna")

    def __init__(self, answer=None):
        self.calls = []
        self.answer = answer

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append((name, args, kwargs))
            return self.answer

        return call


class ZonelessTrigger(BaseTrigger):
    """A trigger that does not tell its zone."""

    def get_next_fire_time(self, previous_fire_time, now):
        return None

    def __str__(self):
        return "zoneless"


def make_job(scheduler=None, id="job", **attributes):
    """Return a job."""
    return Job(scheduler, id, **{"func": work, "trigger": HOURLY, **attributes})


# -- what it is ----------------------------------------------------------------------------------------------------


def test_a_job_has_what_it_was_given():
    """Under version 3's names."""
    job = make_job(
        args=[5],
        kwargs={"second": 6},
        name="a name",
        executor="gpu",
        misfire_grace_time=timedelta(seconds=3),
        coalesce=False,
        max_instances=4,
        next_run_time=WHEN,
    )

    assert (job.id, job.name, job.func, job.args, job.kwargs) == ("job", "a name", work, (5,), {"second": 6})
    assert (job.executor, job.misfire_grace_time, job.coalesce, job.max_instances) == ("gpu", 3, False, 4)
    assert (job.trigger, job.next_run_time, job.paused, job.pending) == (HOURLY, WHEN, False, True)
    assert job.func_ref == "tests.unit.test_job:work"


def test_what_it_was_not_given_has_a_default():
    """A random id, the function's name, no arguments."""
    job = make_job(id=None)

    assert len(job.id) == len(new_job_id()) == 32
    assert (job.name, job.args, job.kwargs, job.next_run_time) == ("work", (), {}, None)


def test_a_function_may_be_given_by_reference():
    """The reference is kept, also where the function has another name."""
    job = make_job(func="tests.unit.test_job:work")
    by_bytes = make_job(func=b"tests.unit.test_job:Target.method", args=[1, 2])

    assert (job.func, job.func_ref) == (work, "tests.unit.test_job:work")
    assert by_bytes.func_ref == "tests.unit.test_job:Target.method"


def test_a_function_without_a_name_has_no_reference():
    """It runs all the same, as long as its process does."""
    assert make_job(func=lambda: None).func_ref is None


@pytest.mark.parametrize("missing", ["func", "trigger"])
def test_a_job_needs_a_function_and_a_trigger(missing):
    """The rest has defaults."""
    given = {"func": work, "trigger": HOURLY}
    del given[missing]

    with pytest.raises(TypeError, match="a job needs a func and a trigger"):
        Job(None, "job", **given)


def test_its_times_are_in_the_zone_of_its_trigger_or_else_of_its_scheduler():
    """Or else in UTC."""
    berlin = DateTrigger(WHEN.astimezone(ZoneInfo("Europe/Berlin")))

    assert make_job(Host(), trigger=berlin).zone == ZoneInfo("Europe/Berlin")
    assert make_job(Host(), trigger=ZonelessTrigger()).zone == ZoneInfo("Europe/Vienna")
    assert make_job(None, trigger=ZonelessTrigger()).zone is UTC


def test_a_change_of_its_dicts_changes_no_job():
    """What it hands out is a copy."""
    job = make_job(kwargs={"second": 1})
    job.kwargs["second"] = 2

    assert job.kwargs == {"second": 1}


def test_jobs_are_equal_by_id():
    """And found in sets by it."""
    assert make_job() == make_job(func=other, args=[1])
    assert make_job() != make_job(id="another")
    assert make_job() != "job"
    assert hash(make_job()) == hash(make_job())


def test_a_job_prints_its_state():
    """Pending, next run, paused or finished."""
    job = make_job()
    assert repr(job) == "<Job (id=job name=work)>"
    assert str(job) == "work (trigger: interval[1:00:00], pending)"
    job._jobstore_alias = "default"
    assert str(job) == "work (trigger: interval[1:00:00], finished)"
    job.paused = True
    assert str(job) == "work (trigger: interval[1:00:00], paused)"
    job.next_run_time = WHEN

    assert str(job) == "work (trigger: interval[1:00:00], next run at: 2031-01-02 03:04:05 UTC)"


def test_stores_of_version_3_set_the_next_run_time():
    """An aware datetime or None."""
    job = make_job()
    job.next_run_time = WHEN
    assert job._next == to_instant(WHEN)
    job.next_run_time = None

    assert job.next_run_time is None


def test_due_times_are_listed_as_in_version_3():
    """From the next run time up to a moment."""
    job = make_job(next_run_time=WHEN)

    assert job._get_run_times(WHEN - timedelta(seconds=1)) == []
    assert job._get_run_times(WHEN + timedelta(hours=2)) == [WHEN + timedelta(hours=each) for each in range(3)]
    assert (
        len(
            make_job(trigger=IntervalTrigger(seconds=1), next_run_time=WHEN)._get_run_times(
                datetime.max.replace(tzinfo=UTC)
            )
        )
        == 10_000
    )


# -- what a user does with it --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda job: job.modify(name="x"), ("modify_job", ("job", "disk"), {"name": "x"})),
        (
            lambda job: job.reschedule("interval", hours=2),
            ("reschedule_job", ("job", "disk", "interval"), {"hours": 2}),
        ),
        (lambda job: job.pause(), ("pause_job", ("job", "disk"), {})),
        (lambda job: job.resume(), ("resume_job", ("job", "disk"), {})),
    ],
    ids=["modify", "reschedule", "pause", "resume"],
)
def test_a_job_has_its_scheduler_change_it_and_follows(call, expected):
    """The store may hold another object; this one is as that one afterwards."""
    changed = make_job(name="changed", args=[9])
    host = Host(changed)
    job = make_job(host)
    job._jobstore_alias = "disk"

    assert call(job) is job
    assert host.calls == [expected]
    assert (job.name, job.args) == ("changed", (9,))
    assert job._scheduler is host


def test_a_job_whose_schedule_is_over_stays_as_it_is():
    """`resume` has removed it, and there is nothing to follow."""
    host = Host(None)
    job = make_job(host)

    assert job.resume() is job


def test_a_job_is_removed_by_its_scheduler():
    """From its store."""
    host = Host()
    make_job(host).remove()

    assert host.calls == [("remove_job", ("job", None), {})]


@pytest.mark.parametrize("call", ["modify", "pause", "resume", "remove"])
def test_a_job_without_a_scheduler_says_so(call):
    """One that was unpickled, for example."""
    with pytest.raises(RuntimeError, match=r"job 'job' belongs to no scheduler; take it from one with get_job\(\)"):
        getattr(make_job(), call)()


# -- changes -------------------------------------------------------------------------------------------------------


def test_changes_are_all_made_or_none():
    """A wrong one leaves the job as it was."""
    job = make_job(args=[5], next_run_time=WHEN)

    with pytest.raises(TypeError, match="max_instances"):
        job._modify(args=[6], name="x", next_run_time=None, max_instances=0)
    assert (job.args, job.name, job.next_run_time) == ((5,), "work", WHEN)
    job._modify(args=[6], name="x", next_run_time=None, max_instances=2)
    assert (job.args, job.name, job.next_run_time, job.paused, job.max_instances) == ((6,), "x", None, True, 2)


def test_a_new_function_must_take_the_arguments():
    """The old ones, or those that come with it."""
    job = make_job(args=[5, 6])

    with pytest.raises(ValueError, match="do not fit other"):
        job._modify(func=other)
    job._modify(func=other, args=[7])
    assert (job.func, job.args, job.name) == (other, (7,), "work")
    job._modify(name=None)
    assert job.name == "other"


def test_a_function_may_be_false():
    """An object that is called may also count as false."""
    job = make_job()
    job._modify(func=Target(), name=None)

    assert type(job.func) is Target
    assert job.name == "Target"


def test_keyword_arguments_are_changed_by_themselves():
    """The positional ones stay."""
    job = make_job(args=[5])
    job._modify(kwargs={"second": 1})
    assert (job.args, job.kwargs) == ((5,), {"second": 1})
    job._modify(kwargs={})

    assert job.kwargs == {}


def test_a_naive_next_run_time_is_in_the_scheduler_s_zone():
    """As a text is."""
    job = make_job(Host())
    job._modify(next_run_time="2031-01-02 12:00")

    assert job.next_run_time == datetime(2031, 1, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"id": "x"}, ValueError, "the id of a job may not be changed; add the job anew"),
        ({"max_instance": 1}, TypeError, "unknown attribute of a job 'max_instance'; did you mean 'max_instances'"),
        ({"func": 5}, TypeError, "func must be a callable or a textual reference to one .*, not 5"),
        ({"func": "sys:path"}, TypeError, r"func 'sys:path' names \[.*\], which is not callable"),
        ({"func": "nowhere:x"}, LookupError, "could not import module 'nowhere'"),
        ({"args": 5}, TypeError, "args must be a list or tuple"),
        ({"args": [1, 2, 3]}, ValueError, r"args/kwargs do not fit work\(first=1, second=2\): too many"),
        ({"kwargs": [1]}, TypeError, "kwargs must be a dict"),
        ({"kwargs": {"thrid": 3}}, ValueError, "unexpected keyword argument 'thrid'"),
        ({"name": 5}, TypeError, "name must be a nonempty string, not 5"),
        ({"name": ""}, TypeError, "name must be a nonempty string, not ''"),
        ({"trigger": "interval"}, TypeError, "trigger must be an instance of a trigger class"),
        ({"next_run_time": "soon"}, ValueError, "next_run_time"),
        ({"next_run_time": 5}, TypeError, "next_run_time"),
        ({"executor": 5}, TypeError, "executor must be a nonempty string"),
        ({"misfire_grace_time": -1}, TypeError, "misfire_grace_time must be None or a positive number"),
        ({"coalesce": "maybe"}, ValueError, "coalesce must be true or false"),
        ({"max_instances": 0}, TypeError, "max_instances must be a positive integer"),
    ],
    ids=str,
)
def test_wrong_changes_are_told(changes, error, message):
    """And made neither by `_modify` nor by the constructor."""
    job = make_job(args=[5])
    before = job.__getstate__()

    with pytest.raises(error, match=message):
        job._modify(**changes)
    assert job.__getstate__() == before
    if "id" not in changes:
        with pytest.raises(error, match=message):
            make_job(**changes)


def test_an_id_is_a_text():
    """And not an empty one."""
    for id in ("", 5, b""):
        with pytest.raises(TypeError, match="id must be a nonempty string"):
            make_job(id=id)
    assert make_job(id="täglich".encode()).id == "täglich"


# -- state ---------------------------------------------------------------------------------------------------------


def test_a_job_survives_a_pickle():
    """With everything but its scheduler and store."""
    job = make_job(Host(), args=[5], kwargs={"second": 6}, name="a name", misfire_grace_time=1.5, next_run_time=WHEN)
    job._jobstore_alias = "disk"
    job._fire_time = to_instant(WHEN) - 5

    restored = pickle.loads(pickle.dumps(job))

    states = [each.__getstate__() for each in (restored, job)]
    triggers = [state.pop("trigger") for state in states]
    assert states[0] == states[1]
    assert triggers[0].is_same_schedule(triggers[1])
    assert restored._fire_time == job._fire_time
    assert (restored.func, restored.args, restored.kwargs) == (work, (5,), {"second": 6})
    assert (restored._scheduler, restored._jobstore_alias, restored.pending) == (None, None, True)


def test_a_paused_job_survives_as_paused():
    """And one that is not scheduled yet as that."""
    paused, pending = make_job(next_run_time=None), make_job()

    assert pickle.loads(pickle.dumps(paused)).paused
    assert not pickle.loads(pickle.dumps(pending)).paused


def test_a_state_of_version_3_is_read():
    """It knows no pause: a job without a next run time is paused there."""
    state = {
        "version": 1,
        "id": "old",
        "func": "tests.unit.test_job:work",
        "trigger": HOURLY,
        "executor": "default",
        "args": [5],
        "kwargs": {},
        "name": "old name",
        "misfire_grace_time": 1,
        "coalesce": False,
        "max_instances": 2,
        "next_run_time": WHEN,
    }
    job, paused = Job.__new__(Job), Job.__new__(Job)
    job.__setstate__(state)
    paused.__setstate__({**state, "next_run_time": None})

    assert (job.id, job.func, job.args, job.misfire_grace_time) == ("old", work, (5,), 1)
    assert (job.next_run_time, job.paused) == (WHEN, False)
    assert (paused.next_run_time, paused.paused) == (None, True)


def test_a_state_of_a_later_version_is_refused():
    """By its number, not by what happens to fail."""
    job = make_job()
    state = {**job.__getstate__(), "version": 2}

    with pytest.raises(ValueError, match="job 'job' was stored in version 2; this library reads versions up to 1"):
        Job.__new__(Job).__setstate__(state)


def test_a_function_without_a_name_cannot_be_kept():
    """The job says what to do."""
    with pytest.raises(TransientJobError, match=r"job job cannot be kept outside this process.*module:function"):
        make_job(func=lambda: None).__getstate__()


def test_a_bound_method_is_kept_with_a_copy_of_its_object():
    """As the first argument of the plain function."""
    job = make_job(func=Target().method, args=[5])

    restored = pickle.loads(pickle.dumps(job))

    assert restored.func is Target.method
    assert restored.args == (Target(), 5)
    assert pickle.loads(pickle.dumps(restored)).args == (Target(), 5)


def test_a_copy_has_every_slot():
    """And is another object; a slot that is added must be added to the copy, too."""
    job = Job(None, "job", func=print, trigger=IntervalTrigger(seconds=1))
    for number, slot in enumerate(set(Job.__slots__) - {"__weakref__", "trigger", "_options", "func", "args", "id"}):
        setattr(job, slot, f"value {number}")

    copy = job._copy()

    assert copy is not job
    assert all(getattr(copy, slot) == getattr(job, slot) for slot in Job.__slots__ if slot != "__weakref__")
