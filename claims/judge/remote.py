"""What the child tells of, as the judge can use it: functions, views, exceptions."""

import builtins
import inspect
from collections.abc import Sequence
from typing import Any

from claims.engine.contract import Place
from claims.engine.evaluation import View
from claims.judge.wire import Garbled


class Remote:
    """A function of a file that lies in the child; it is called through its place only."""

    def __init__(self, name: str, parameters: Sequence[tuple[str, int, bool]], place: Place) -> None:
        self.__name__ = name
        self.place = place
        kinds = list(inspect._ParameterKind)  # noqa: SLF001 - the public names are its members
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter(p, kinds[kind], default=None if has_default else inspect.Parameter.empty)
                for p, kind, has_default in parameters
            ]
        )

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Refuse: what comes from outside is looked at before anybody uses it."""
        raise TypeError(f"{self.__name__} lies in another process: evaluate it through its place")


def view(told: Any) -> View:
    """Return which result shares memory with which argument; raise Garbled if nothing of the kind was told."""
    match told:
        case (int(result), (int() | str()) as argument, bool(is_itself)):
            return View(result, argument, is_itself)
    raise Garbled("a view of nothing")


def raised(known: Any, name: Any, message: Any, line: Any) -> Exception:
    """Return an exception like the one that was raised: of a class of that name, below Python's own."""
    kind = getattr(builtins, str(known), None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    try:
        error: Exception = (kind if kind.__name__ == name else type(str(name), (kind,), {}))(str(message))
    except TypeError:  # a few of Python's own take more than a message
        error = RuntimeError(str(message))
    vars(error)["line"] = line
    return error
