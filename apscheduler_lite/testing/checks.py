"""What the contract suites wait and check with; made of the standard library, so that any test runner can run them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from threading import Barrier, Event, Thread

from apscheduler_lite._clock import SystemClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["Caught", "in_threads", "raises", "until"]

_clock = SystemClock()


class Caught:
    """What `raises` has caught; `exception` is set when the block has ended."""

    exception: BaseException


@contextmanager
def raises(*expected: type[BaseException], match: str = "") -> Iterator[Caught]:
    """
    Fail unless the block raises one of the exceptions.

    Args:
        expected: the classes that will do.
        match: a regular expression to be found in the exception's text.

    Raises:
        AssertionError: the block raised nothing, or the text is another one.
    """
    caught = Caught()
    try:
        yield caught
    except expected as exc:
        caught.exception = exc
    else:
        names = " or ".join(each.__name__ for each in expected)
        raise AssertionError(f"{names} was not raised")
    text = str(caught.exception)
    assert re.search(match, text), f"{match!r} is not in {text!r}"


def until(condition: Callable[[], T | None], what: str = "", *, timeout: float = 10.0) -> T:
    """
    Wait until the condition is true, and return what it returned.

    Args:
        condition: it is asked again and again.
        what: what is waited for, for the message.
        timeout: seconds to wait at the longest.

    Raises:
        AssertionError: it has not become true.
    """
    pause = Event()
    end = _clock.monotonic() + timeout
    while not (value := condition()):
        assert _clock.monotonic() < end, f"not within {timeout:g} s: {what or condition}"
        pause.wait(0.002)
    return value


def in_threads(count: int, function: Callable[[int], T], *, timeout: float = 30.0) -> list[T]:
    """
    Call the function with 0, 1, 2… at the same time, each on a thread of its own, and return what the calls returned.

    Args:
        count: how many threads.
        function: what to call; what it raises is raised here.
        timeout: seconds to wait for the threads at the longest.

    Raises:
        AssertionError: one of them has not ended.
    """
    together = Barrier(count)
    results: dict[int, T] = {}
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            together.wait(timeout)
            results[number] = function(number)
        except BaseException as exc:  # it is raised below
            failures.append(exc)

    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
        assert not thread.is_alive(), f"a thread has not ended within {timeout:g} s: a deadlock?"
    if failures:
        raise failures[0]
    return [results[number] for number in range(count)]
