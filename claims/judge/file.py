"""The functions that running a file defines; it imports nothing that the child should not hold."""

import inspect
import sys
import types
from collections.abc import Callable
from typing import Any


def defined(source: str, shown: str) -> tuple[dict[str, Callable[..., Any]], dict[str, str]]:
    """Run a file and return its public functions, and by name the modules that its other public names come from.

    Raises whatever the file raises.
    """
    module = types.ModuleType("learner")
    module.__file__ = shown
    sys.modules["learner"] = module  # dataclasses look their module up
    exec(compile(source, shown, "exec", dont_inherit=True), vars(module))  # noqa: S102 - that is what it is for
    public = {name: value for name, value in vars(module).items() if not name.startswith("_") and callable(value)}
    own: dict[str, Callable[..., Any]] = {
        name: f for name, f in public.items() if inspect.isfunction(f) and f.__module__ == module.__name__
    }
    return own, {name: str(getattr(value, "__module__", None)) for name, value in public.items() if name not in own}
