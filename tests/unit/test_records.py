"""`RunRecord`: what is told of a run from the few texts that a store keeps."""

import pytest

from apscheduler_lite.records import RunRecord

SAID = [
    ("error", "error: ValueError: no: such: thing", "ValueError", "no: such: thing"),
    ("error", "error: KeyError", "KeyError", ""),
    ("timed out", "timed out: it lasted longer than 3 s", "JobTimeoutError", "it lasted longer than 3 s"),
    ("interrupted", "interrupted: it was cancelled", "JobCancelledError", "it was cancelled"),
    ("error", "error: its result cannot be sent back", "RemoteError", "its result cannot be sent back"),
    ("error", "error: ValueError: a long message with…", "ValueError", "a long message with…"),
    ("skipped", "skipped: its job was removed", None, None),
]


@pytest.mark.parametrize(("outcome", "reason", "exception", "message"), SAID)
def test_it_tells_what_the_exception_said(outcome, reason, exception, message):
    """Of every run that ended with an exception, also of one that was stopped; and of no other."""
    record = RunRecord("1", "job", None, "default", "default", 0, 0, 1, outcome, reason, exception_type=exception)
    assert record.exception_message == message
