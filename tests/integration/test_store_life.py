"""Job stores while their scheduler starts and shuts down: slow ones, failing ones, those with a run in progress."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from apscheduler_lite import BackgroundScheduler
from tests.faults.foreign_stores import CopyStore, LiveStore
from tests.recording import note, times_of
from tests.running import in_thread, one_after_another
from tests.waiting import stays_false, wait_until


def in_the_midst_of_start():
    """Return a scheduler that another thread is starting, that thread, and the event that lets it go on."""
    entered, release = Event(), Event()

    class Slow(LiveStore):
        def start(self, scheduler, alias):
            super().start(scheduler, alias)
            entered.set()
            release.wait(10)

    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"slow": Slow()})
    starter = Thread(target=scheduler.start, daemon=True)
    starter.start()
    wait_until(entered.is_set)
    return scheduler, starter, release


def test_shutdown_during_start_waits_for_the_start():
    """shutdown() in another thread while a slow store is being started stops the scheduler right after its start."""
    scheduler, starter, release = in_the_midst_of_start()
    ended = Event()
    Thread(target=one_after_another(scheduler.shutdown, ended.set), daemon=True).start()
    is_waiting = stays_false(ended.is_set, 0.1)
    release.set()
    wait_until(ended.is_set, what="end of shutdown")
    starter.join(5)
    is_running, phase = scheduler.running, scheduler._phase
    scheduler.start()
    scheduler.shutdown()

    assert is_waiting
    assert (is_running, phase) == (False, "stopped")


def test_a_store_that_shuts_the_scheduler_down_while_it_is_started_does_not_block():
    """shutdown() in the thread that is in start() takes effect when the start is over."""

    class Stops(LiveStore):
        def start(self, scheduler, alias):
            super().start(scheduler, alias)
            scheduler.shutdown()

    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": Stops()})
    in_thread(scheduler.start)
    wait_until(lambda: scheduler._phase == "stopped")

    assert not scheduler.running


def test_jobs_added_by_other_threads_during_a_slow_start_are_all_run():
    """add_job, add_executor and add_jobstore in the middle of start() lose nothing."""
    scheduler, starter, release = in_the_midst_of_start()
    adder = Thread(
        target=one_after_another(
            lambda: scheduler.add_job(note, args=["during start"]),
            lambda: scheduler.add_job(note, args=["during start"], jobstore="slow"),
            lambda: scheduler.add_executor("threadpool", "new"),
            lambda: scheduler.add_jobstore("memory", "new"),
            lambda: scheduler.add_job(note, args=["during start"], jobstore="new", executor="new"),
        ),
        daemon=True,
    )
    adder.start()
    stays_false(lambda: not adder.is_alive(), 0.1)
    release.set()
    starter.join(5)
    adder.join(5)
    try:
        wait_until(lambda: len(times_of("during start")) == 3, what="all three jobs")
    finally:
        scheduler.shutdown()


class WatchedStore(LiveStore):
    """A store that notes what it is told, and when."""

    def __init__(self):
        super().__init__()
        self.told: list = []

    def start(self, scheduler, alias):
        """Note the start."""
        super().start(scheduler, alias)
        self.told.append("start")

    def record_outcomes(self, runs):
        """Note the outcomes."""
        self.told.extend(run.outcome for run in runs)
        return super().record_outcomes(runs)

    def shutdown(self):
        """Note the shutdown."""
        self.told.append("shutdown")


@pytest.mark.parametrize("how", ["without waiting", "with a timeout", "from the job"])
def test_a_store_is_closed_after_it_has_been_told_of_the_last_outcome(how):
    """However shutdown leaves a run in progress, its store stays open until it has recorded how the run ended."""
    store = WatchedStore()
    began, go_on = Event(), Event()

    def job():
        began.set()
        if how == "from the job":
            scheduler.shutdown(wait=True)
        go_on.wait(10)

    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(job)
    wait_until(began.is_set)
    if how != "from the job":
        scheduler.shutdown(**({"wait": False} if how == "without waiting" else {"timeout": 0.05}))
    wait_until(lambda: scheduler._phase == "stopped")
    before = list(store.told)
    go_on.set()
    wait_until(lambda: "shutdown" in store.told, what="the store being closed")

    assert before == ["start"]
    assert store.told == ["start", "executed", "shutdown"]


def test_a_store_that_could_not_be_closed_yet_is_not_opened_twice():
    """A restart while a run of the last time is in progress goes on with the open store, which is closed once."""
    store = WatchedStore()
    began, go_on = Event(), Event()

    def job():
        began.set()
        go_on.wait(10)

    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(job)
    wait_until(began.is_set)
    scheduler.shutdown(wait=False)
    scheduler.start()
    go_on.set()
    scheduler.add_job(note, args=["open store"])
    wait_until(lambda: times_of("open store"))
    scheduler.shutdown()

    assert store.told == ["start", "executed", "executed", "shutdown"]


def test_a_store_that_fails_to_open_last_leaves_nothing_stored_twice():
    """When the last store cannot be started, the jobs of the others are added by the next start, once."""

    class Fails(LiveStore):
        starts = 0

        def start(self, scheduler, alias):
            super().start(scheduler, alias)
            self.starts += 1
            if self.starts == 1:
                raise OSError("not yet")

    kept = CopyStore()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": kept, "fails": Fails()})
    scheduler.add_job(note, "interval", ["opened twice"], hours=1, id="kept")
    with pytest.raises(OSError, match="not yet"):
        scheduler.start()
    pending = [job.id for job in scheduler.get_jobs(pending=True)]
    scheduler.start()
    stored = list(kept.rows)
    scheduler.shutdown()

    assert pending == stored == ["kept"]
