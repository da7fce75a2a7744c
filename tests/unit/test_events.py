"""Facts about events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apscheduler_lite import events
from apscheduler_lite.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_FAULT,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_REMOVED,
    EVENT_JOBSTORE_ADDED,
    EVENT_SCHEDULER_STARTED,
    FaultEvent,
    JobEvent,
    JobExecutionEvent,
    JobSubmissionEvent,
    SchedulerEvent,
)

CODES = {name: value for name, value in vars(events).items() if name.startswith("EVENT_")}
WHEN = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_each_code_is_a_bit_of_its_own():
    """So that codes can be joined by | to a mask."""
    single = {name: code for name, code in CODES.items() if name not in ("EVENT_ALL", "EVENT_SCHEDULER_START")}

    assert all(code.bit_count() == 1 for code in single.values())
    assert len(set(single.values())) == len(single)


def test_the_mask_of_all_holds_every_code():
    """And nothing else."""
    joined = 0
    for code in CODES.values():
        joined |= code

    assert joined == events.EVENT_ALL


def test_all_names_are_exported():
    """A star import brings every code and class."""
    assert set(CODES) < set(events.__all__)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (SchedulerEvent(EVENT_SCHEDULER_STARTED), "<SchedulerEvent EVENT_SCHEDULER_STARTED>"),
        (SchedulerEvent(EVENT_JOBSTORE_ADDED, "disk"), "<SchedulerEvent EVENT_JOBSTORE_ADDED alias='disk'>"),
        (SchedulerEvent(2**30), "<SchedulerEvent 1073741824>"),
        (JobEvent(EVENT_JOB_REMOVED, "a", "disk"), "<JobEvent EVENT_JOB_REMOVED job_id='a' jobstore='disk'>"),
        (
            JobSubmissionEvent(EVENT_JOB_MAX_INSTANCES, "a", "disk", [WHEN]),
            f"<JobSubmissionEvent EVENT_JOB_MAX_INSTANCES job_id='a' jobstore='disk' scheduled_run_times=[{WHEN!r}]>",
        ),
        (
            JobExecutionEvent(EVENT_JOB_ERROR, "a", "disk", WHEN, exception=ValueError("no")),
            (
                f"<JobExecutionEvent EVENT_JOB_ERROR job_id='a' jobstore='disk' scheduled_run_time={WHEN!r}"
                " exception=ValueError('no')>"
            ),
        ),
        (
            FaultEvent(EVENT_JOB_FAULT, OSError("gone"), alias="x", job_id="a", jobstore="disk", retry_in=0.5),
            "<FaultEvent EVENT_JOB_FAULT alias='x' job_id='a' jobstore='disk' exception=OSError('gone') retry_in=0.5>",
        ),
    ],
    ids=["scheduler", "store", "unknown code", "job", "submission", "execution", "fault"],
)
def test_an_event_prints_what_it_knows(event, text):
    """The name of its code, and those of its facts that are known."""
    assert repr(event) == text


def test_events_take_the_arguments_of_version_3_by_position():
    """Code, job id, store, time, result, exception, traceback."""
    event = JobExecutionEvent(EVENT_JOB_ERROR, "a", "disk", WHEN, 1, None, "trace")

    assert (event.code, event.job_id, event.jobstore, event.scheduled_run_time) == (EVENT_JOB_ERROR, "a", "disk", WHEN)
    assert (event.retval, event.exception, event.traceback) == (1, None, "trace")
    assert (event.job, event.run, event.alias) == (None, None, None)
