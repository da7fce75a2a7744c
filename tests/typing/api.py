"""
What users write, as a type checker sees it. mypy reads this file with the rest (`make check`); nothing runs it.

A wrong ``assert_type`` is an error, and so is a needless ``type: ignore``: where users are to be warned, they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import assert_type
from zoneinfo import ZoneInfo

from apscheduler_lite import (
    AsyncIOScheduler,
    BackgroundScheduler,
    BlockingScheduler,
    CronTrigger,
    IntervalTrigger,
    Job,
    MemoryJobStore,
    OrTrigger,
    Run,
    ThreadPoolExecutor,
    current_run,
)
from apscheduler_lite.events import EVENT_JOB_ERROR, JobExecutionEvent, SchedulerEvent
from apscheduler_lite.triggers.base import BaseTrigger


def work(number: int, *, name: str = "") -> str:
    """Do what jobs do."""
    return name * number


async def fetch() -> bytes:
    """Be a coroutine function."""
    return b""


def schedulers() -> None:
    """Make schedulers and change them."""
    scheduler = BackgroundScheduler(
        {"apscheduler.timezone": "UTC"},
        jobstores={"default": MemoryJobStore()},
        executors={"default": {"type": "debug"}},
    )
    assert_type(scheduler, BackgroundScheduler)
    scheduler.configure(job_defaults={"coalesce": False})
    scheduler.add_executor(ThreadPoolExecutor(5), "other")
    scheduler.add_executor("threadpool", "more", max_workers=3)
    scheduler.start(paused=True)
    assert_type(scheduler.running, bool)
    assert_type(scheduler.state, int)
    scheduler.shutdown(wait=False)
    BlockingScheduler(timezone=ZoneInfo("Europe/Vienna")).start()
    scheduler.start("yes")  # type: ignore[arg-type]


async def on_a_loop() -> None:
    """Shut down on an event loop."""
    scheduler = AsyncIOScheduler()
    scheduler.start()
    await scheduler.shutdown()


def jobs(scheduler: BackgroundScheduler) -> None:
    """Add, find and change jobs."""
    job = scheduler.add_job(work, "interval", seconds=5, args=[1], kwargs={"name": "a"}, id="job", max_instances=2)
    assert_type(job, Job)
    assert_type(job.next_run_time, datetime | None)
    assert_type(job.modify(name="other"), Job)
    assert_type(scheduler.get_job("job"), Job | None)
    assert_type(scheduler.get_jobs(), list[Job])
    scheduler.add_job(fetch, CronTrigger(hour="*/2"), misfire_grace_time=timedelta(minutes=1))
    scheduler.add_job("module:function", OrTrigger([IntervalTrigger(hours=1), CronTrigger(minute=5)]))
    scheduler.reschedule_job("job", trigger="cron", minute=30)
    scheduler.add_job(5)  # type: ignore[arg-type]

    @scheduler.scheduled_job("interval", minutes=1)
    def decorated(count: int = 1) -> int:
        return count

    assert_type(decorated(2), int)
    decorated("two")  # type: ignore[arg-type]


def triggers(now: datetime, zone: tzinfo) -> None:
    """Ask triggers."""
    trigger: BaseTrigger = CronTrigger.from_crontab("0 3 * * *", timezone=zone)
    assert_type(trigger.get_next_fire_time(None, now), datetime | None)


class EveryFullHour(BaseTrigger):
    """A trigger as version 3 wanted it."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next full hour."""
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def listeners(scheduler: BackgroundScheduler) -> None:
    """Listen."""

    def on_any(event: SchedulerEvent) -> None:
        if isinstance(event, JobExecutionEvent):
            assert_type(event.scheduled_run_time, datetime)
            assert_type(event.exception, BaseException | None)

    def on_error(event: JobExecutionEvent) -> None:
        print(event.traceback)

    scheduler.add_listener(on_any)
    scheduler.add_listener(on_error, EVENT_JOB_ERROR)


def runs() -> None:
    """Ask which run this is."""
    run = current_run()
    assert_type(run, Run)
    assert_type(run.scheduled_run_time, datetime)
