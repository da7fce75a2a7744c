"""
What can be read of a document without running any code.

Claims restore jobs within their transactions, where nothing may be imported and no code of the application may run: it
could take its time, use the store itself, or wait for a lock that somebody holds who waits for this transaction.
Whatever does not stand ready is refused here; it is restored outside.
"""

from __future__ import annotations

import sys
import zoneinfo  # noqa: F401 - to read a time zone would import it
from inspect import getattr_static
from types import BuiltinFunctionType, FunctionType, ModuleType

from apscheduler_lite._references import is_being_imported
from apscheduler_lite.serializers import read_state
from apscheduler_lite.serializers.codec import Codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["function", "loads"]

_codec = Codec(allow_pickle=False, runs_nothing=True)


def loads(text: str, before: Callable[[Any], object]) -> dict[str, Any]:
    """
    Return the state that a document of a `JSONSerializer` holds; `before` is called with the function's reference.

    Raises:
        ValueError, LookupError: a part of it does not stand ready.
    """
    if '"pickle"' in text:
        raise ValueError("it may hold a pickle")
    return read_state(_codec, text, before)


def function(reference: str) -> Any:
    """
    Return the function that a reference names.

    Raises:
        LookupError: its module has not been imported, or finding it could run code.
    """
    module_name, _, path = reference.partition(":")
    module = sys.modules.get(module_name)
    # Of any other type are modules that are loaded when somebody asks them for something.
    if type(module) is not ModuleType or is_being_imported(module):
        raise LookupError(f"the module of {reference!r} is not loaded")
    owner: Any = None
    found: Any = module
    for name in path.split("."):
        if found is not module and type(found) is not type:
            raise LookupError(f"{reference!r} is not found by the way of modules and plain classes")
        owner, found = found, getattr_static(found, name, None)
    if isinstance(found, (staticmethod, classmethod)):
        return getattr(owner, name)
    if type(found) not in (FunctionType, BuiltinFunctionType, type):
        raise LookupError(f"{reference!r} is no plain function")
    return found
