"""
"module:qualname" ↔ object.

A stored job names its function by such a reference. Finding it again imports the module and follows the attributes,
nothing else.
"""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType

from ._text import did_you_mean, shorten, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["check_arguments", "is_being_imported", "name_of", "reference_to", "resolve"]


def reference_to(obj: object) -> str:
    """
    Return the reference under which the object can be found again: ``"module:qualname"``.

    Raises:
        ValueError: it has none: a lambda, a nested function, a partial, or a name that now means something else.
    """
    if isinstance(obj, partial):
        raise ValueError("a functools.partial has no name to be found by; pass its arguments as args= and kwargs=")
    # A method is found through the class of its object, which may have inherited it from another module's.
    module = getattr(_owner_class(obj) or obj, "__module__", None)
    name = _qualified_name(obj)
    if not module or not name:
        raise ValueError(f"{shorten(obj)} has no module and name to be found by")
    if "<lambda>" in name:
        raise ValueError("a lambda has no name to be found by; define a function at the top level of a module")
    if "<locals>" in name:
        raise ValueError(
            f"{name} is defined inside a function and cannot be found by name; define it at the top level of a module"
        )
    reference = f"{module}:{name}"
    try:
        found = resolve(reference, waits=False)  # who has the object need not wait for its module
    except (LookupError, ImportError) as exc:
        raise ValueError(f"{shorten(obj)} cannot be found under its own name {reference!r}: {exc}") from exc
    # Methods are made anew at each look-up, so they are compared by what they wrap.
    if getattr(found, "__func__", found) is not getattr(obj, "__func__", obj) and found != obj:
        raise ValueError(f"the name {reference!r} means another object by now, so {shorten(obj)} cannot be stored")
    return reference


def _owner_class(obj: object) -> type | None:
    """Return the class through which a method is called, None for anything else."""
    if not isinstance(obj, MethodType):
        return None
    owner = obj.__self__
    return owner if isinstance(owner, type) else type(owner)


def _qualified_name(obj: object) -> str:
    cls = _owner_class(obj)
    if cls is not None:
        return f"{cls.__qualname__}.{obj.__name__}"  # type: ignore[attr-defined]
    return str(getattr(obj, "__qualname__", None) or getattr(obj, "__name__", ""))


def resolve(reference: str | bytes, parameter: str = "reference", *, waits: bool = True) -> Any:
    """
    Return the object that a reference names; import its module if need be.

    Args:
        reference: the reference.
        parameter: what the messages call it.
        waits: whether to wait for a module that another thread is importing, and that may not have the name yet.

    Raises:
        ValueError: the text is not of the form ``"module:qualname"``.
        LookupError: the module cannot be imported or has no such attribute.
    """
    text = to_text(reference, parameter)
    module_name, colon, path = text.partition(":")
    if not colon or not module_name or not path:
        raise ValueError(f"{parameter} must be of the form 'module:function', not {text!r}")
    module = sys.modules.get(module_name)
    if module is None or (waits and is_being_imported(module)):
        from importlib import import_module

        try:
            module = import_module(module_name)
        except Exception as exc:  # a module may raise anything while it is imported
            raise LookupError(f"{parameter} {text!r}: could not import module {module_name!r}: {exc}") from exc
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, (choice for choice in dir(found) if not choice.startswith("_")))
            raise LookupError(f"{parameter} {text!r}: {found!r} has no attribute {name!r}{hint}") from None
    return found


def is_being_imported(module: object) -> bool:
    """Return whether a module's code has not come to its end yet."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def name_of(func: object) -> str:
    """Return a callable's name for people: a function's name, a method's with its class, a class's for an instance."""
    if isinstance(func, (FunctionType, type)):
        return func.__qualname__
    if isinstance(func, MethodType):
        return _qualified_name(func)
    if isinstance(func, partial):
        return name_of(func.func)
    name = getattr(func, "__name__", None)
    if isinstance(name, str):
        return name
    if callable(func):
        return type(func).__name__
    raise TypeError(f"func must be callable, not {type(func).__name__}: {shorten(func)}")


def check_arguments(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> None:
    """
    Check that the function can be called with these arguments.

    A callable that does not tell its signature, as some built in C do not, is taken at its word.

    Raises:
        ValueError: it cannot; the message says which argument is missing, unknown or too much.
    """
    if type(func) is FunctionType and not kwargs and not hasattr(func, "__wrapped__"):
        # An optimisation for the common job, a plain function with positional arguments: its code object tells what
        # inspect.signature would take ten times as long to find out.
        code = func.__code__
        given = len(args)
        required = code.co_argcount - len(func.__defaults__ or ())
        if required <= given and (given <= code.co_argcount or code.co_flags & 0x04) and not code.co_kwonlyargcount:
            return
    from inspect import signature

    try:
        parameters = signature(func)
    except (ValueError, TypeError):
        return
    try:
        parameters.bind(*args, **(kwargs or {}))
    except TypeError as exc:
        named = name_of(func)
        hint = ""
        for name in kwargs or {}:
            if name not in parameters.parameters:
                hint = did_you_mean(name, parameters.parameters)
                break
        raise ValueError(
            f"args/kwargs do not fit {named}{parameters}: {exc} (args={shorten(tuple(args))},"
            f" kwargs={shorten(kwargs or {})})"
            f"{hint}"
        ) from None
