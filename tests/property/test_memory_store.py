"""
The memory store does what a dict and a naive planner do, whatever the order of calls.

The model keeps each job as a list of its fire times, and decides by walking through that. Times are whole seconds after
the begin of the test.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apscheduler_lite._planning import backoff, first_slot
from apscheduler_lite._slots import set_slot
from apscheduler_lite._timezones import UTC, from_instant, to_instant
from apscheduler_lite.errors import ConflictingIdError, JobLookupError
from apscheduler_lite.job import Job
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.runs import Outcome
from apscheduler_lite.triggers.interval import IntervalTrigger
from tests.stepping import SteppingScheduler

IDS = st.sampled_from(["a", "b", "c", "ä"])
BEGIN = to_instant(SteppingScheduler().clock.time)  # type: ignore[attr-defined]
SHAPES = st.fixed_dictionaries(
    {
        "start": st.integers(0, 30),
        "every": st.integers(1, 9),
        "count": st.none() | st.integers(1, 6),
        "coalesce": st.booleans(),
        "max_instances": st.integers(1, 3),
        "grace": st.none() | st.integers(1, 15),
    }
)


def moment(second):
    """Return the time so many seconds after the begin."""
    return from_instant(BEGIN + second * 1_000_000, UTC)


def second(instant):
    """Return an instant as seconds after the begin."""
    return (instant - BEGIN) / 1_000_000


class Model:
    """A job as a list of fire times."""

    def __init__(self, shape, now):
        self.shape = shape
        self.coalesce, self.max_instances, self.grace = shape["coalesce"], shape["max_instances"], shape["grace"]
        horizon = 2_000 if shape["count"] is None else shape["count"]
        self.fires = [shape["start"] + each * shape["every"] for each in range(horizon)]
        self.paused = False
        self.name = "work"
        self.next = next((fire for fire in self.fires if fire >= now), None)

    def after(self, fire):
        """Return the fire times from the present one on, which may have been set to any time."""
        return [fire, *(each for each in self.fires if each > fire)]


def work():
    """Do nothing."""


class MemoryStoreMachine(RuleBasedStateMachine):
    """Calls of the store, each with what the model expects of it."""

    def __init__(self):
        super().__init__()
        self.scheduler = SteppingScheduler()
        self.store = MemoryJobStore()
        self.store.start(self.scheduler, "default")
        self.now = 0
        self.model: dict[str, Model] = {}
        self.running: dict[str, list] = {}
        self.backlog: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.rests: dict[str, float] = {}  # until when a job that was released is left alone

    # -- what the tests of the rules need ------------------------------------------------------------------------

    def new_job(self, job_id, shape):
        """Return a job of that shape."""
        count = shape["count"]
        end = None if count is None else moment(shape["start"] + (count - 1) * shape["every"])
        trigger = IntervalTrigger(seconds=shape["every"], start_date=moment(shape["start"]), end_date=end, timezone=UTC)
        job = Job(
            self.scheduler,
            job_id,
            func=work,
            trigger=trigger,
            coalesce=shape["coalesce"],
            max_instances=shape["max_instances"],
            misfire_grace_time=shape["grace"],
        )
        set_slot(job, first_slot(trigger, self.instant))
        return job

    @property
    def instant(self):
        """Return the present as the store counts it."""
        return BEGIN + self.now * 1_000_000

    def forget(self, job_id):
        """Forget what a job has left behind when it is removed."""
        for kept in (self.backlog, self.failures, self.rests):
            kept.pop(job_id, None)

    # -- a dict ----------------------------------------------------------------------------------------------------

    @rule(job_id=IDS, shape=SHAPES)
    def add(self, job_id, shape):
        """An id is taken once; a schedule that is over is not added."""
        model = Model(shape, self.now)
        if model.next is None:
            return
        try:
            self.store.add_job(self.new_job(job_id, shape))
        except ConflictingIdError:
            assert job_id in self.model
        else:
            assert job_id not in self.model
            self.model[job_id] = model

    @rule(job_id=IDS, shape=SHAPES)
    def replace(self, job_id, shape):
        """Another job takes the id, and with it the runs in progress."""
        model = Model(shape, self.now)
        seen = []

        def settle(_, before):
            seen.append(None if before is None else before.id)
            return model.next is not None

        self.store.add_jobs([self.new_job(job_id, shape)], settle)

        assert seen == [job_id if job_id in self.model else None]
        if model.next is not None:
            self.model[job_id] = model
            self.rests.pop(job_id, None)
        elif self.model.pop(job_id, None) is not None:
            self.forget(job_id)

    @rule(job_id=IDS, shape=SHAPES)
    def update(self, job_id, shape):
        """A job that is there is exchanged."""
        model = Model(shape, self.now)
        if model.next is None:
            return
        try:
            self.store.update_job(self.new_job(job_id, shape))
        except JobLookupError:
            assert job_id not in self.model
        else:
            assert job_id in self.model
            self.model[job_id] = model
            self.rests.pop(job_id, None)

    def change(self, job_id, decide, in_model):
        """Change a job, if it is there, and the model with it."""
        try:
            self.store.change_job(job_id, decide)
        except JobLookupError:
            assert job_id not in self.model
        else:
            in_model(self.model[job_id])

    @rule(job_id=IDS, name=st.sampled_from(["x", "y"]))
    def rename(self, job_id, name):
        """A change that has nothing to do with time."""
        self.change(job_id, lambda job: job._decide({"name": name}), lambda model: setattr(model, "name", name))

    @rule(job_id=IDS)
    def pause(self, job_id):
        """No next run time, until it is given one."""

        def in_model(model):
            model.next, model.paused = None, True
            self.rests.pop(job_id, None)

        self.change(job_id, lambda job: job._decide({"next_run_time": None}), in_model)

    @rule(job_id=IDS, delta=st.integers(-10, 20))
    def set_time(self, job_id, delta):
        """Any next run time, also one in the past, or not of the trigger's."""
        when = max(0, self.now + delta)

        def in_model(model):
            model.next, model.paused = when, False
            self.rests.pop(job_id, None)

        self.change(job_id, lambda job: job._decide({"next_run_time": moment(when)}), in_model)

    @rule(job_id=IDS, instances=st.integers(1, 3))
    def allow(self, job_id, instances):
        """More or fewer instances."""

        def in_model(model):
            model.max_instances = instances
            self.rests.pop(job_id, None)

        self.change(job_id, lambda job: job._decide({"max_instances": instances}), in_model)

    @rule(job_id=IDS)
    def remove(self, job_id):
        """Once."""
        try:
            self.store.remove_job(job_id)
        except JobLookupError:
            assert job_id not in self.model
        else:
            del self.model[job_id]
            self.forget(job_id)

    @precondition(lambda self: len(self.model) > 2)
    @rule()
    def remove_all(self):
        """Runs in progress are still counted."""
        self.store.remove_all_jobs()
        for kept in (self.model, self.backlog, self.failures, self.rests):
            kept.clear()

    @rule()
    def look_again(self):
        """Rests are over when the store is told so."""
        self.store.retry_all()
        self.failures.clear()
        self.rests.clear()

    # -- claims ----------------------------------------------------------------------------------------------------

    @rule(seconds=st.integers(0, 12))
    def claim(self, seconds):
        """What is due is decided as the naive planner does; nothing else is touched."""
        self.now += seconds
        expected_runs, expected_skipped, expected_missed, finished = [], [], [], []
        for job_id, model in list(self.model.items()):
            if model.next is None or max(model.next, self.rests.get(job_id, 0)) > self.now:
                continue
            self.rests.pop(job_id, None)
            decision = decide_naively(model, self.now, len(self.running.get(job_id, [])), self.backlog.get(job_id))
            if decision is None:
                continue
            runs, skipped, missed, model.next, backlog = decision
            expected_runs += [(job_id, fire) for fire in runs]
            expected_skipped += [(job_id, fire) for fire in skipped]
            expected_missed += [(job_id, fire) for fire in missed]
            if backlog:
                self.backlog[job_id] = self.now
            else:
                self.backlog.pop(job_id, None)
            if model.next is None:
                finished.append(job_id)
                del self.model[job_id]
                self.forget(job_id)

        claim = self.store.claim_due(self.instant, {"default": None})

        assert sorted((run.job_id, second(run.due)) for run in claim.runs) == sorted(expected_runs)
        assert sorted((job.id, second(slot.due)) for job, slot in claim.skipped) == sorted(expected_skipped)
        assert sorted((job.id, second(slot.due)) for job, slot in claim.missed) == sorted(expected_missed)
        assert sorted(job.id for job in claim.finished) == sorted(finished)
        assert claim.faults == []
        for run in claim.runs:
            self.running.setdefault(run.job_id, []).append(run)
        waits = {i: max(m.next, self.rests.get(i, 0)) for i, m in self.model.items() if m.next is not None}
        if any(waits[i] <= self.now for i in self.backlog if i in waits):  # to be looked at once more, and at once
            assert claim.next_due is None or second(claim.next_due) <= self.now or self.is_next(claim, waits)
        else:
            assert self.is_next(claim, waits)

    def is_next(self, claim, waits):
        """Return whether the claim names the earliest time that is still to come; what waits for a slot has none."""
        later = [each for each in waits.values() if each > self.now]
        return (None if claim.next_due is None else second(claim.next_due)) == min(later, default=None)

    @precondition(lambda self: any(self.running.values()))
    @rule(data=st.data())
    def finish(self, data):
        """A run ends, whatever has become of its job."""
        run = self.take(data)
        run.outcome = Outcome.EXECUTED
        self.store.record_outcomes([run])
        self.failures.pop(run.job_id, None)

    @precondition(lambda self: any(self.running.values()))
    @rule(data=st.data())
    def release(self, data):
        """A run was not taken: its job is due again after a rest, unless something has become of it."""
        run = self.take(data)
        model = self.model.get(run.job_id)
        seconds = self.store.release(run, self.instant)
        job = self.store.lookup_job(run.job_id)
        if model is None:
            assert (job is not None) == run.is_last
            if not run.is_last:
                return
            model = self.model[run.job_id] = Model(shape_of(run.job), 0)
            model.name = run.job.name
        elif model.paused or second(run.due) >= model.next or not run.job.trigger.is_same_schedule(job.trigger):
            assert seconds is None
            return
        model.next = second(run.due)
        if self.rests.get(run.job_id, 0) <= self.now:
            self.failures[run.job_id] = self.failures.get(run.job_id, 0) + 1
            self.rests[run.job_id] = self.now + backoff(self.failures[run.job_id], 60)
        assert seconds == self.rests[run.job_id] - self.now

    def take(self, data):
        """Take one of the runs in progress."""
        runs = [run for each in self.running.values() for run in each]
        run = data.draw(st.sampled_from(sorted(runs, key=lambda run: run.number)))
        self.running[run.job_id].remove(run)
        return run

    # -- what is always so -----------------------------------------------------------------------------------------

    @invariant()
    def the_store_is_what_the_model_is(self):
        """Each job, in order."""
        listed = self.store.get_all_jobs()
        times = [job._next for job in listed]
        assert times == sorted(times, key=lambda due: (due is None, due or 0))
        found = {job.id: (None if job._next is None else second(job._next), job.paused, job.name) for job in listed}
        assert found == {job_id: (model.next, model.paused, model.name) for job_id, model in self.model.items()}
        assert all(self.store.lookup_job(job.id) is job for job in listed)

    @invariant()
    def the_earliest_time_is_the_model_s(self):
        """And so are the due jobs."""
        scheduled = {job_id: model.next for job_id, model in self.model.items() if model.next is not None}
        earliest = self.store.get_next_run_time()
        assert (None if earliest is None else second(to_instant(earliest))) == min(scheduled.values(), default=None)
        due = {job.id for job in self.store.get_due_jobs(moment(self.now))}
        assert due == {job_id for job_id, when in scheduled.items() if when <= self.now}

    @invariant()
    def the_heap_is_bounded(self):
        """What jobs leave behind is swept."""
        assert len(self.store._heap) <= 2 * len(self.store._jobs) + 64 + 4


def decide_naively(model, now, running, backlog):
    """Return runs, skipped and missed ones, the next time and whether a backlog is left; None when it has to wait."""
    fires = model.after(model.next)
    due = [fire for fire in fires if fire <= now]
    later = [fire for fire in fires if fire > now]
    free = model.max_instances - running
    if free <= 0:
        if (backlog is not None and model.next <= backlog) or not later:
            return None
        return [], due[-1:] if model.coalesce else due, [], later[0], False
    if model.coalesce:
        return due[-1:], [], [], (later or [None])[0], False
    runs, missed = [], []
    while due and len(runs) < free:
        fire = due.pop(0)
        (runs if model.grace is None or fire >= now - model.grace else missed).append(fire)
    left = due + later
    return runs, [], missed, (left or [None])[0], bool(due)


def shape_of(job):
    """Return the shape of a job that has come back."""
    trigger = job.trigger
    start, every = round(second(trigger._start)), round(trigger.interval_length)
    end = trigger.end_date
    return {
        "start": start,
        "every": every,
        "count": None if end is None else round(second(to_instant(end)) - start) // every + 1,
        "coalesce": job.coalesce,
        "max_instances": job.max_instances,
        "grace": job.misfire_grace_time,
    }


TestMemoryStoreAgainstDict = MemoryStoreMachine.TestCase
TestMemoryStoreAgainstDict.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
