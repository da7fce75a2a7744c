"""
When a run that failed is tried again: a value, and the arithmetic on it.

A retry is a run of its own, at its own time. It never moves the schedule of its job.
"""

from __future__ import annotations

import builtins

from ._text import did_you_mean, one_of, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["Retry", "names_of"]


class Retry:
    """
    Say how often, when and after which exceptions a run that failed is tried again.

    The pause before attempt 2 is `delay` seconds; each further one is `backoff` times as long as the one before it, up
    to `max_delay`. A random share of up to `jitter` seconds is added to each.

    Args:
        max_attempts: how many attempts there may be, the first one included.
        delay: seconds between the end of the first attempt and the second one.
        backoff: by what the pause is multiplied for each further attempt; 1 or more.
        max_delay: seconds that a pause lasts at the longest, without the jitter.
        jitter: seconds of random delay that are added at the most, so that many failed runs do not return at once.
        on: the exceptions after which there is another attempt: a class or several, subclasses included. They are kept
            by name, so that a stored job imports nothing to know them; and may be given by it: ``"module:Class"``, of a
            builtin one the name alone, several in one text with commas between them.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: a number is out of range, or a name can be none of an exception.
    """

    __slots__ = ("backoff", "delay", "jitter", "max_attempts", "max_delay", "on")

    max_attempts: int
    delay: float
    backoff: float
    max_delay: float
    jitter: float
    on: tuple[str, ...]

    def __init__(
        self,
        max_attempts: int = 3,
        delay: float = 10,
        backoff: float = 2,
        max_delay: float = 3600,
        jitter: float = 0,
        on: type[BaseException] | str | Iterable[type[BaseException] | str] = (Exception,),
    ) -> None:
        if isinstance(max_attempts, bool) or not isinstance(max_attempts, int):
            raise TypeError(f"max_attempts must be an integer of at least 1, not {shorten(max_attempts)}")
        if max_attempts < 1:
            raise ValueError(f"max_attempts must be an integer of at least 1, not {max_attempts}")
        given = on.split(",") if isinstance(on, str) else (on,) if isinstance(on, type) else on
        if not hasattr(given, "__iter__"):
            raise TypeError(f"on must be a class of exceptions or several, not {shorten(on)}")
        names = tuple(map(_name_of, given))
        if not names:
            raise ValueError("on must name a class of exceptions at least; without retry= there is no other attempt")
        values = {
            "max_attempts": max_attempts,
            "delay": _as_number(delay, "delay", 0),
            "backoff": _as_number(backoff, "backoff", 1),
            "max_delay": _as_number(max_delay, "max_delay", 0),
            "jitter": _as_number(jitter, "jitter", 0),
            "on": names,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, given: object, parameter: str = "retry") -> Retry | None:
        """
        Return what was given as a `Retry`: one, a dict of its arguments (as a configuration file holds it), or None.

        A configuration file may hold nothing but text: the numbers in a dict may be that, and ``none`` is None.

        Raises:
            TypeError: it is none of these, or an argument is unknown.
            ValueError: an argument is out of range.
        """
        if given is None or isinstance(given, Retry):
            return given
        if isinstance(given, str) and given.strip().lower() in ("none", "null", ""):
            return None
        if not hasattr(given, "keys"):
            raise TypeError(f"{parameter} must be a Retry, a dict of its arguments, or None, not {shorten(given)}")
        arguments: Mapping[str, Any] = given  # type: ignore[assignment]
        for name in arguments:
            if name not in cls.__slots__:
                raise TypeError(
                    f"unknown argument of {parameter} {name!r}{did_you_mean(name, cls.__slots__)} (known:"
                    f" {one_of(cls.__slots__)})"
                )
        return cls(**{name: value if name == "on" else _read(value) for name, value in arguments.items()})

    def follows(self, attempt: int, exc: BaseException) -> bool:
        """Return whether there is another attempt after that one (1 for the first) has raised the exception."""
        return attempt < self.max_attempts and not set(names_of(exc)).isdisjoint(self.on)

    def pause(self, attempt: int, chance: float = 0.0) -> float:
        """Return the seconds between that attempt's end and the next one; `chance`, from 0 to 1, is the jitter's."""
        try:
            pause = self.delay * self.backoff ** (attempt - 1)
        except OverflowError:
            pause = self.max_delay
        return float(min(pause, self.max_delay)) + self.jitter * chance

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Retry) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Retry cannot be changed, since jobs share it: make another one with {name}={value!r}")

    def __repr__(self) -> str:
        return (
            f"Retry(max_attempts={self.max_attempts}, delay={self.delay:g}, backoff={self.backoff:g},"
            f" max_delay={self.max_delay:g}, jitter={self.jitter:g}, on={self.on!r})"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return its arguments, with the exceptions by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take arguments over, checked again: they may come from a stored document."""
        self.__init__(**state)  # type: ignore[misc]


def names_of(exc: BaseException) -> tuple[str, ...]:
    """Return the names of an exception's class and its bases; of one that could not travel, those of the original."""
    names: tuple[str, ...] = getattr(exc, "original_names", ())
    return names or tuple(map(_full_name, type(exc).__mro__))


def _read(value: Any) -> Any:
    """Return the number that a text holds; anything else as it is."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def _as_number(value: Any, name: str, least: int) -> float:
    if hasattr(value, "total_seconds"):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of at least {least}, not {shorten(value)}")
    if not least <= value < float("inf"):
        raise ValueError(f"{name} must be a number of at least {least}, not {shorten(value)}")
    return value


def _name_of(cls: Any) -> str:
    """Return the name by which a class of exceptions is kept: ``"module:qualname"``; that of a builtin alone."""
    if isinstance(cls, str) and cls:
        return _checked_name(cls.strip())
    if not _is_exception(cls):
        raise TypeError(f"on must hold classes of exceptions, not {shorten(cls)}")
    return _full_name(cls)


def _checked_name(name: str) -> str:
    """Return the name by which the exception is compared; of a builtin one with two names, that is the first."""
    if ":" in name:
        return name
    cls: Any = getattr(builtins, name, None)
    if _is_exception(cls):
        return _full_name(cls)
    module, dot, qualname = name.rpartition(".")
    if dot:
        hint = f"; did you mean '{module}:{qualname}'?"
    else:
        builtin = vars(builtins).items()
        hint = did_you_mean(name, [each for each, kind in builtin if _is_exception(kind)])
    raise ValueError(f"on must name exceptions as 'module:Class', or builtin ones as 'OSError', not {name!r}{hint}")


def _is_exception(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, BaseException)


def _full_name(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}:{cls.__qualname__}"
