"""
Loggers.

One is guarded: its handlers and filters, which are anybody's, cannot stop whoever has something to say. One is looked
up when it is first used: to import `logging` takes as long as half of this library.
"""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["guarded", "logger_named"]

_SAYING = frozenset(("critical", "debug", "error", "exception", "info", "log", "warning"))


def guarded(logger: Any) -> Any:
    """Return what behaves as the logger, but raises nothing when it is told something."""
    return logger if isinstance(logger, _Guarded) else _Guarded(logger)


def logger_named(name: str) -> Any:
    """Return what behaves as the logger of that name."""
    return _Named(name)


class _Named:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks every attribute of an abstract class whether it is abstract
            raise AttributeError(name)
        import logging

        return getattr(logging.getLogger(self._name), name)


class _Guarded:
    def __init__(self, logger: Any) -> None:
        import logging

        self._logger = logger
        self._knows_stack = isinstance(logger, (logging.Logger, logging.LoggerAdapter))

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Return whether the logger takes lines of that level; a stranger's may have no word for that, and gets all."""
        try:
            return bool(self._logger.isEnabledFor(level))
        except AttributeError:
            return True

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._logger, name)
        if name not in _SAYING:
            return value

        def say(*args: Any, **options: Any) -> None:
            if self._knows_stack:  # the line is the caller's, not this one's
                options["stacklevel"] = options.get("stacklevel", 1) + 1
            with suppress(Exception):
                value(*args, **options)

        return say
