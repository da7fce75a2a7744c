"""The options of the store, checked."""

from __future__ import annotations

from datetime import timedelta

from apscheduler_lite._options import as_name, as_number
from apscheduler_lite._text import shorten
from apscheduler_lite.serializers import JSONSerializer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from apscheduler_lite.serializers.signing import Signer

    from .documents import Serializer

__all__ = ["as_age", "as_patterns", "as_rhythm", "as_serializer", "as_signer"]


def as_serializer(given: Any, allow_pickle: bool, pickle_protocol: int | None) -> Serializer:
    """Return the given serializer, or the default one with those two settings."""
    if given is None:
        return JSONSerializer(allow_pickle=allow_pickle, pickle_protocol=pickle_protocol)
    if not callable(getattr(given, "dumps", None)) or not callable(getattr(given, "loads", None)):
        raise TypeError(f"serializer must have the methods dumps and loads, not {shorten(given)}")
    if not allow_pickle:
        raise ValueError(
            "allow_pickle=False is a setting of the default serializer; give that one to yours, if it has it"
        )
    serializer: Serializer = given
    return serializer


def as_signer(keys: Any) -> Signer | None:
    """Return what signs with the keys; None when there are none."""
    if keys is None:
        return None
    from apscheduler_lite.serializers.signing import Signer

    return Signer(keys)


def as_patterns(given: Any) -> list[str] | None:
    """Return the patterns of ``allowed_functions``; None allows all."""
    if given is None:
        return None
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise TypeError(f"allowed_functions must be a list of patterns such as 'myapp.jobs:*', not {shorten(given)}")
    patterns = [as_name(each, "a pattern in allowed_functions") for each in given]
    for pattern in patterns:
        if ":" not in pattern:
            raise ValueError(f"a pattern in allowed_functions must be of the form 'module:function', not {pattern!r}")
    return patterns


def as_rhythm(heartbeat_interval: Any, dead_after: Any) -> tuple[float, float]:
    """Return seconds between two signs of life, and of silence until death."""
    interval = as_number(heartbeat_interval, "heartbeat_interval") or 0.0
    silence = as_number(dead_after, "dead_after") or 0.0
    if silence < 3 * interval:
        raise ValueError(
            f"dead_after ({silence:g} s) must be at least three times heartbeat_interval ({interval:g} s), or a process"
            " that is merely slow is taken for dead"
        )
    return interval, silence


def as_age(given: Any) -> float | None:
    """Return the seconds for which records of runs are kept: None for ever, 0 not at all."""
    if not isinstance(given, bool) and given in (0, timedelta(0)):
        return 0
    return as_number(given, "keep_runs", or_none=True)
