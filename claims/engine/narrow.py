"""A subject in a narrower precision: its functions see float32 where a claim hands them float64.

The claim sees float64 again, so nothing in it changes but its bounds, which are stated in the `eps`
of the run's precision.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from claims.engine.contract import Unfillable, same
from claims.engine.declare import Function
from claims.engine.evaluation import Evaluation, Here, Returned
from claims.engine.subjects import Subject

_WIDE = np.dtype(np.float64)


def narrowed(subject: Subject, dtype: np.dtype[Any]) -> Subject:
    """Return the subject as it is in a narrower precision, under a name of its own."""
    place = _Narrow(dtype)
    functions: dict[str, Function] = {}
    for name, function in subject.functions.items():
        # A function of its own, since the subject in float64 must not find a place on its function.
        functions[name] = functools.wraps(function)(functools.partial(function))
        vars(functions[name])["place"] = place
    return Subject(f"{subject.name}@{dtype}", functions)


class _Narrow:
    """Evaluates in this process, on arguments rounded to a narrower precision."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._here = Here()

    def call(
        self, function: Function, arguments: Sequence[Any], options: Mapping[str, Any], returned: Returned
    ) -> Evaluation:
        """Evaluate a function; raise Unfillable where an argument is beyond the range of the precision."""
        given, named = _mapped(list(arguments), self._lowered), _mapped(dict(options), self._lowered)
        evaluation = self._here.call(function, given, named, returned)
        wide = [*arguments, *options.values()]
        narrow = [*given, *named.values()]
        evaluation.inputs = [
            was if same(before, now) and not isinstance(now, np.random.Generator) else now
            for was, before, now in zip(wide, narrow, evaluation.inputs, strict=True)
        ]
        if not same(wide, narrow):
            evaluation.result = _mapped(evaluation.result, self._raised)
        return evaluation

    def forget(self) -> None:
        """Forget the caches of the case that has ended."""
        self._here.forget()

    def _lowered(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if array.dtype != _WIDE:
            return array
        with np.errstate(all="ignore"):
            low = array.astype(self._dtype)
        # Where a tiny entry among others becomes 0, the others speak; where all do, nothing is left to judge.
        if np.any(np.isinf(low) & np.isfinite(array)) or (np.any(array) and not np.any(low)):
            raise Unfillable(f"its numbers are beyond the range of {self._dtype}")
        return low

    def _raised(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return array.astype(_WIDE) if array.dtype == self._dtype else array


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with every array in it changed."""
    if isinstance(value, np.ndarray | np.floating):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return type(value)(_mapped(item, change) for item in value) if type(value) in (list, tuple) else value
