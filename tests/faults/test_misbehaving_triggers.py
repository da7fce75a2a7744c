"""A trigger that raises, answers nonsense or blocks: its own job waits, the others go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from apscheduler_lite.events import EVENT_JOB_FAULT
from apscheduler_lite.testing import ManualClock
from apscheduler_lite.triggers.base import BaseTrigger
from tests.faults.foreign_stores import CopyStore, LiveStore
from tests.recording import note, times_of
from tests.running import KINDS, running
from tests.waiting import wait_until


class EverySecond(BaseTrigger):
    """A trigger as people wrote them for APScheduler 3, which can be made to misbehave after its first fire."""

    misbehaves = False

    def get_next_fire_time(self, previous_fire_time, now):
        if previous_fire_time is not None and type(self).misbehaves:
            return self.misbehave(previous_fire_time, now)
        if previous_fire_time is None:
            return now.replace(microsecond=0) + timedelta(seconds=1)
        return max(previous_fire_time, now.replace(microsecond=0)) + timedelta(seconds=1)

    def misbehave(self, previous_fire_time, now):
        raise NotImplementedError

    def __getstate__(self):
        return {}

    def __setstate__(self, state):
        pass


class Raises(EverySecond):
    def misbehave(self, previous_fire_time, now):
        raise ZeroDivisionError("a trigger's own fault")


class AnswersNaively(EverySecond):
    def misbehave(self, previous_fire_time, now):
        return datetime(2031, 1, 2)


class AnswersWithText(EverySecond):
    def misbehave(self, previous_fire_time, now):
        return "tomorrow"


class AnswersWithTheSame(EverySecond):
    def misbehave(self, previous_fire_time, now):
        return previous_fire_time


class AnswersWithThePast(EverySecond):
    def misbehave(self, previous_fire_time, now):
        return previous_fire_time - timedelta(days=400)


MISBEHAVING = [Raises, AnswersNaively, AnswersWithText, AnswersWithTheSame, AnswersWithThePast]


@pytest.fixture(params=[None, CopyStore, LiveStore], ids=["memory", "copies", "live"])
def store(request):
    """A job store of each make; None is the default one."""
    return request.param and request.param()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cls", MISBEHAVING)
def test_a_bad_trigger_stops_its_own_job_only(kind, cls, store):
    """What a trigger raises or wrongly answers is told by an event; its job is kept, and runs when it is well."""
    clock = ManualClock()
    key = f"{kind} {cls.__name__} {type(store).__name__}"
    faults: list = []

    def prepare(scheduler):
        if store:
            scheduler.add_jobstore(store, "default")
        scheduler.add_listener(faults.append, EVENT_JOB_FAULT)
        scheduler.add_job(note, cls(), [f"{key} bad"], id="bad")
        scheduler.add_job(note, "interval", [f"{key} beside"], seconds=1)

    cls.misbehaves = False
    with running(kind, prepare, clock=clock) as scheduler:
        clock.advance(10)
        cls.misbehaves = True
        clock.advance(60)
        ran, kept = len(times_of(f"{key} bad")), scheduler.get_job("bad")
        cls.misbehaves = False
        clock.advance(120)
        is_running = scheduler.running
    bad = times_of(f"{key} bad")

    assert is_running
    assert len(times_of(f"{key} beside")) == 190
    assert kept is not None
    assert {event.job_id for event in faults} == {"bad"}
    assert all(event.retry_in >= 0.5 for event in faults)
    assert ran == 10
    assert len(bad) == len(set(bad)) >= 60
    assert bad == sorted(bad)


def test_a_bad_first_answer_is_told_at_the_call_that_added_the_job():
    """add_job raises what the trigger raised for its first fire time, and nothing is stored."""

    class NeverWell(BaseTrigger):
        def get_next_fire_time(self, previous_fire_time, now):
            raise ZeroDivisionError("from the start")

    with running("background", clock=ManualClock()) as scheduler:
        with pytest.raises(ZeroDivisionError):
            scheduler.add_job(note, NeverWell(), ["never"])
        jobs = scheduler.get_jobs()

    assert jobs == []


@pytest.fixture(params=[None, LiveStore], ids=["memory", "live"])
def store_of_objects(request):
    """A store that keeps the very objects, so that a trigger of a local class can be used."""
    return request.param and request.param()


@pytest.mark.parametrize("kind", KINDS)
def test_while_a_trigger_blocks_every_call_of_the_api_goes_through(kind, store_of_objects):
    """A trigger that hangs holds up the loop, but no lock: jobs can be added, listed, changed and removed meanwhile."""
    entered, release = Event(), Event()

    class Blocks(EverySecond):
        def misbehave(self, previous_fire_time, now):
            entered.set()
            release.wait(20)
            return now + timedelta(days=1)

    def prepare(scheduler):
        if store_of_objects:
            scheduler.add_jobstore(store_of_objects, "default")
        scheduler.add_job(note, Blocks(), ["blocks"], id="blocks")
        scheduler.add_job(note, "interval", ["blocks"], hours=1, id="other")

    Blocks.misbehaves = True
    done: list = []

    def use_the_api(scheduler):
        scheduler.add_job(note, "interval", ["blocks"], hours=1, id="new")
        scheduler.modify_job("other", name="changed")
        scheduler.pause_job("blocks")
        scheduler.resume_job("other")
        scheduler.get_jobs()
        scheduler.remove_job("new")
        scheduler.add_listener(print)
        scheduler.remove_listener(print)
        scheduler.pause()
        scheduler.resume()
        done.append(True)

    with running(kind, prepare) as scheduler:
        wait_until(entered.is_set, what="the trigger being asked")
        caller = Thread(target=use_the_api, args=(scheduler,), daemon=True)
        caller.start()
        caller.join(5)
        try:
            assert done
        finally:
            release.set()


def test_removing_a_job_while_its_trigger_is_asked_keeps_it_removed(store_of_objects):
    """A job that is removed between its reading and its claim does not run, and does not come back."""

    class RemovedMeanwhile(EverySecond):
        def get_next_fire_time(self, previous_fire_time, now):
            if previous_fire_time is not None and remove:
                remove.pop()()
            return super().get_next_fire_time(previous_fire_time, now)

    remove: list = []
    clock = ManualClock()
    key = f"removed meanwhile {type(store_of_objects).__name__}"

    def prepare(scheduler):
        if store_of_objects:
            scheduler.add_jobstore(store_of_objects, "default")
        scheduler.add_job(note, RemovedMeanwhile(), [key], id="gone")
        scheduler.add_job(note, "interval", [f"{key} beside"], seconds=1)

    with running("background", prepare, clock=clock) as scheduler:
        remove.append(lambda: scheduler.remove_job("gone"))
        clock.advance(5)
        is_running, jobs = scheduler.running, scheduler.get_jobs()

    assert is_running
    assert [job.id for job in jobs if job.id == "gone"] == []
    assert times_of(key) == []
    assert len(times_of(f"{key} beside")) == 5


def test_rescheduling_a_job_while_its_trigger_is_asked_wins():
    """A job that is changed between its reading and its claim runs as the change says, not as was planned before."""

    class ChangedMeanwhile(EverySecond):
        def get_next_fire_time(self, previous_fire_time, now):
            if previous_fire_time is not None and change:
                change.pop()()
            return super().get_next_fire_time(previous_fire_time, now)

    change: list = []
    clock = ManualClock()
    later = clock.time + timedelta(seconds=30)

    def prepare(scheduler):
        scheduler.add_job(note, ChangedMeanwhile(), ["changed meanwhile"], id="changed")

    with running("background", prepare, clock=clock) as scheduler:
        change.append(lambda: scheduler.modify_job("changed", next_run_time=later))
        clock.advance(29)
        before = times_of("changed meanwhile")
        clock.advance(3)

    assert before == []
    assert times_of("changed meanwhile") == [later, later + timedelta(seconds=1), later + timedelta(seconds=2)]


def test_an_old_trigger_whose_first_fire_is_past_starts_from_now_on():
    """A trigger whose first answer lies in the past does not fire for what is gone."""

    class SinceLongAgo(BaseTrigger):
        def get_next_fire_time(self, previous_fire_time, now):
            start = datetime(2020, 1, 1, tzinfo=UTC)
            if previous_fire_time is None:
                return start
            return previous_fire_time + timedelta(days=1)

    clock = ManualClock()
    with running("background", clock=clock) as scheduler:
        job = scheduler.add_job(note, SinceLongAgo(), ["long ago"])
        first = job.next_run_time
        clock.advance(timedelta(days=3, hours=1))

    assert first >= datetime(2031, 1, 1, tzinfo=UTC)
    assert len(times_of("long ago")) in (3, 4)
