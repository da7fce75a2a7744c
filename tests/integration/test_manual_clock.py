"""What a clock that a test moves does to running schedulers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, current_run
from apscheduler_lite.events import EVENT_JOB_EXECUTED
from apscheduler_lite.testing import ManualClock
from tests.running import KINDS, running
from tests.waiting import wait_until

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_year_of_a_daily_job_runs_365_times(kind):
    """Each at its own time, at 3 o'clock of that day."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    times: list[datetime] = []
    with running(kind, clock=clock, timezone="Europe/Berlin") as scheduler:
        scheduler.add_job(lambda: times.append(clock.time), "cron", hour=3, id="backup")
        clock.advance(365 * DAY)

    local = [moment.astimezone(ZoneInfo("Europe/Berlin")) for moment in times]
    assert len(local) == len({moment.date() for moment in local}) == 365
    assert {moment.hour for moment in local} == {3}


def test_jobs_run_at_their_own_times_and_in_order():
    """Time goes from one due job to the next, also for jobs that jobs add."""
    clock = ManualClock()
    seen: list[tuple[str, float]] = []
    begin = clock.time

    def note(name):
        seen.append((name, (clock.time - begin).total_seconds()))
        if name == "slow" and len(seen) < 4:
            scheduler.add_job(note, "date", args=["added"], run_date=clock.time + timedelta(seconds=1))

    with running("background", clock=clock) as scheduler:
        scheduler.add_job(note, "interval", args=["slow"], seconds=10)
        scheduler.add_job(note, "interval", args=["quick"], seconds=4)
        clock.advance(20)

    assert sorted(seen[:5]) == sorted([("quick", 4), ("quick", 8), ("slow", 10), ("added", 11), ("quick", 12)])
    assert [second for _, second in seen] == sorted(second for _, second in seen)
    assert clock.time == begin + timedelta(seconds=20)


def test_several_schedulers_live_by_one_clock():
    """All of them are quiet before time goes on."""
    clock = ManualClock()
    order: list[tuple[str, int]] = []
    with running("background", clock=clock) as first, running("blocking", clock=clock) as second:
        first.add_job(lambda: order.append(("first", clock.now())), "interval", seconds=2)
        second.add_job(lambda: order.append(("second", clock.now())), "interval", seconds=3)
        clock.advance(12)

    assert len(order) == 6 + 4
    assert [now for _, now in order] == sorted(now for _, now in order)


def test_a_job_that_is_still_running_need_not_be_waited_for():
    """So that overlaps can be tested."""
    clock = ManualClock()
    gate, ran = asyncio.Event(), []

    async def hold():
        ran.append(current_run().scheduled_run_time)
        await gate.wait()

    async def main():
        scheduler = AsyncIOScheduler(clock=clock, timezone="UTC")
        scheduler.start()
        scheduler.add_job(hold, "interval", seconds=1, id="held")
        await clock.advance_async(3, wait_for_runs=False)
        with pytest.raises(TimeoutError, match=r"still running: .*'held'"):
            await clock.advance_async(1, timeout=0.05)
        gate.set()
        await clock.advance_async(2)
        await scheduler.shutdown()

    asyncio.run(main())

    assert len(ran) == 3


def test_the_event_loop_cannot_wait_for_its_own_scheduler():
    """It is told which call can."""

    async def main():
        clock = ManualClock()
        async with AsyncIOScheduler(clock=clock, timezone="UTC"):
            for call in (clock.settle, lambda: clock.jump(1), lambda: clock.advance(1)):
                with pytest.raises(RuntimeError, match=r"await clock\.advance_async"):
                    call()

    asyncio.run(main())


def test_neither_can_a_job_or_a_listener():
    """They are told too."""
    clock = ManualClock()
    failures: list[BaseException] = []

    def move(*_):
        try:
            clock.advance(1)
        except RuntimeError as exc:
            failures.append(exc)

    with running("background", clock=clock) as scheduler:
        scheduler.add_listener(move, 2**15)
        scheduler.add_job(move)
        clock.settle()

    assert len(failures) == 2
    assert "cannot wait for its own scheduler" in str(failures[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_clock_that_is_set_forward_runs_what_it_has_passed_once(kind):
    """And the beat goes on from there."""
    clock = ManualClock()
    times: list[float] = []
    begin = clock.time
    with running(kind, clock=clock) as scheduler:
        scheduler.add_job(lambda: times.append((clock.time - begin).total_seconds()), "interval", minutes=1)
        clock.advance(2 * MINUTE)
        clock.jump(timedelta(hours=1))
        clock.advance(2 * MINUTE)

    assert times == [60, 120, 3720, 3780, 3840]


@pytest.mark.parametrize("kind", KINDS)
def test_a_clock_that_is_set_back_stalls_no_beat(kind):
    """An interval goes on at once; a time of day is waited for, and is not run a second time."""
    clock = ManualClock(datetime(2031, 1, 1, 12, tzinfo=UTC))
    beats, daily = [], []
    with running(kind, clock=clock) as scheduler:
        scheduler.add_job(lambda: beats.append(clock.time), "interval", minutes=1)
        scheduler.add_job(lambda: daily.append(clock.time), "cron", hour=12, minute=30)
        clock.advance(31 * MINUTE)
        clock.jump(timedelta(hours=-1))
        clock.advance(5 * MINUTE)
        before = (len(beats), len(daily))
        clock.advance(DAY)  # and it is 12:30 of the same day once more, and not yet that of the next

    assert before == (31 + 6, 1)  # one of the beats is at the very time to which the clock was set
    assert len(daily) == 1


def test_a_trigger_that_fails_after_the_clock_was_set_back_holds_up_nobody_else():
    """The others go on with their beat; the fault is told."""
    from apscheduler_lite.events import EVENT_JOB_FAULT, EVENT_JOBSTORE_FAULT
    from apscheduler_lite.jobstores.memory import MemoryJobStore
    from apscheduler_lite.triggers.interval import IntervalTrigger

    class Fragile(IntervalTrigger):
        is_broken = False

        def next_instant(self, previous, now):
            if type(self).is_broken:
                raise ZeroDivisionError("the trigger is broken")
            return super().next_instant(previous, now)

    class Unreadable(MemoryJobStore):
        is_broken = False

        def get_all_jobs(self):
            if self.is_broken:
                raise OSError("the store is away")
            return super().get_all_jobs()

    clock, beats, faults = ManualClock(), [], []
    with running("background", clock=clock) as scheduler:
        scheduler.add_listener(faults.append, EVENT_JOB_FAULT | EVENT_JOBSTORE_FAULT)
        store = Unreadable()
        scheduler.add_jobstore(store, "unreadable")
        scheduler.add_job(print, Fragile(minutes=1), id="broken")
        scheduler.add_job(lambda: beats.append("sound"), "interval", minutes=1)
        scheduler.add_job(lambda: beats.append("of the store"), "interval", minutes=1, jobstore="unreadable")
        clock.advance(2 * MINUTE)
        Fragile.is_broken = store.is_broken = True
        clock.jump(timedelta(hours=-1))
        clock.advance(timedelta(seconds=1))
        store.is_broken = False
        clock.advance(5 * MINUTE)
        Fragile.is_broken = False

    assert beats.count("sound") == 2 + 6
    assert beats.count("of the store") >= 2 + 4
    assert {type(event.exception) for event in faults} == {ZeroDivisionError, OSError}


def test_a_background_scheduler_without_jobs_lets_time_pass():
    """Nothing is due, so nothing is waited for."""
    clock = ManualClock()
    scheduler = BackgroundScheduler(clock=clock, timezone="UTC")
    scheduler.start()
    clock.advance(1000 * DAY)
    scheduler.shutdown()
    clock.advance(1000 * DAY)

    assert clock.time == datetime(2031, 1, 1, tzinfo=UTC) + 2000 * DAY


@pytest.mark.parametrize("how", ["resume", "reschedule"])
@pytest.mark.parametrize(("kind", "where"), [*((kind, "job") for kind in KINDS), ("background", "listener")])
def test_a_run_that_begins_its_schedule_anew_is_not_made_twice(kind, how, where):
    """While the clock stands still, the fire time of the run is not before now; the next one is later all the same."""
    clock = ManualClock()
    ran: list = []

    def begin_anew():
        if how == "resume":
            scheduler.pause_job("job")
            scheduler.resume_job("job")
        else:
            scheduler.reschedule_job("job", trigger="cron", second="*/10")

    def job():
        ran.append(clock.time.second)
        if where == "job":
            begin_anew()

    with running(kind, clock=clock) as scheduler:
        if where == "listener":
            scheduler.add_listener(lambda _: begin_anew(), EVENT_JOB_EXECUTED)
        scheduler.add_job(job, "cron", second="*/10", id="job")
        clock.advance(30)

    assert ran == [0, 10, 20, 30]


class Beating(ManualClock):
    """A clock by which a scheduler looks for due jobs once a millisecond at the most, as by the host's clock."""

    shortest_beat = 0.001


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_due_in_one_beat_is_claimed_by_one_pass(kind):
    """Twenty jobs in a millisecond take two passes, and begin a millisecond late at the most."""
    clock = Beating()
    first = clock.time + timedelta(seconds=1)
    late: list[timedelta] = []
    with running(kind, clock=clock) as scheduler:
        for number in range(20):
            due = first + number * timedelta(microseconds=50)
            scheduler.add_job(lambda due=due: late.append(clock.time - due), "date", run_date=due)
        claims: list[int] = []
        store = scheduler._catalog.stores["default"]
        claim_due = store.claim_due

        def counted(now, capacity):
            claim = claim_due(now, capacity)
            claims.extend([len(claim.runs)] if claim.runs else [])
            return claim

        store.claim_due = counted
        clock.advance(2)

    assert len(late) == 20
    assert sum(claims) == 20
    assert len(claims) <= 4  # the pool has ten workers
    assert max(late) <= timedelta(milliseconds=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_is_due_when_it_is_added_does_not_wait_for_the_beat(kind):
    """It is looked for at once."""
    clock = Beating()
    done: list[str] = []
    with running(kind, clock=clock) as scheduler:
        first = clock.time + timedelta(seconds=1)
        scheduler.add_job(done.append, "date", args=["first"], run_date=first)
        scheduler.add_job(done.append, "date", args=["third"], run_date=first + timedelta(microseconds=300))
        clock.advance(1)
        scheduler.add_job(done.append, args=["second"])
        wait_until(lambda: done == ["first", "second"])
