"""Names for the rows of tables of values."""

from __future__ import annotations

__all__ = ["shown"]


def shown(value: object) -> str:
    """Return a function's or class's name, and any other value's beginning, as Python writes it."""
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else repr(value)[:60]
