"""Say more about a refutation than that it happened: what should have come, and which mistake it looks like."""

import re
import traceback
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from claims.engine.contract import Asked, Call, OnTrial
from claims.engine.declare import Filling, Function
from claims.engine.evaluation import Handle, arrays, copied
from claims.engine.trials import Trial

_EXPLANATION = re.compile(r"\n +\+ .*|\n\s*$", re.DOTALL)


def difference(error: BaseException) -> str:
    """Return what a failed `assert` says, on one line; where pytest has not made it speak, what it asserts."""
    message = _EXPLANATION.sub("", str(error)).strip().removeprefix("assert ")
    if not message:
        message = (traceback.extract_tb(error.__traceback__)[-1].line or "").removeprefix("assert ")
    return " ".join(message.split())


def behaves_like(trial: Trial, implementations: Mapping[str, OnTrial]) -> str:
    """Return the known mistake that gives the same answers as what is on trial, "" if none does."""
    return next((m.id for m in trial.claim.mistakes if agreeing(m, implementations) > 0), "")


def agreeing(filling: Filling, implementations: Mapping[str, OnTrial]) -> int:
    """Return how many of the calls of its slot a filling answers as the implementations did, −1 if one differs.

    A backward pass is given the cache of its own author's forward pass.
    """
    functions = filling.functions
    caches: dict[Handle, Any] = {}
    compared = 0
    for name in sorted(functions, key=lambda name: name.endswith("_backward")):
        suspect = implementations.get(name)
        calls = (
            []
            if suspect is None
            else [c for c in (*suspect.kept, suspect.last) if c and (c.error or c.result is not None)]
        )
        for call in calls:
            if any(isinstance(value, Handle) and value not in caches for value in call.arguments):
                continue  # the forward pass that made this cache was not kept
            try:
                if not _answers_alike(functions[name], call, caches, filling.within):
                    return -1
            except Exception:  # noqa: BLE001 - a mistake that crashes here is not the one
                return -1
            compared += name == filling.slot
    return compared


def _answers_alike(function: Function, call: Call, caches: dict[Handle, Any], bound: float) -> bool:
    """Return whether a function answers a call as it was answered, and keep the caches that it returns."""
    arguments = tuple(value.again() if isinstance(value, Asked) else copied(value) for value in call.arguments)
    options = copied(call.options)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = function(*(caches[v] if isinstance(v, Handle) else v for v in arguments), **options)
        except Exception as error:  # noqa: BLE001 - raising is an answer, and must be the same one
            return type(error).__name__ == type(call.error).__name__
    if call.error:
        return False
    results, came = _results(theirs), _results(call.result)
    if len(results) != len(came):
        return False
    caches.update((handle, result) for handle, result in zip(came, results, strict=True) if isinstance(handle, Handle))
    given = [array for value in call.arguments for array in arrays(value) if array.dtype.kind == "f"]
    return all(isinstance(a, Handle) or _alike(a, b, given, bound) for a, b in zip(came, results, strict=True))


def _results(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _alike(a: Any, b: Any, given: Sequence[np.ndarray[Any, Any]], bound: float) -> bool:
    first, second = [np.asarray(x) for x in _leaves(a)], [np.asarray(x) for x in _leaves(b)]
    if [x.shape for x in first] != [x.shape for x in second]:
        return False
    return all(
        _close(x, y, [z for z in given if z.shape == x.shape], bound) for x, y in zip(first, second, strict=True)
    )


def _close(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], given: Sequence[np.ndarray[Any, Any]], bound: float
) -> bool:
    if "O" in (x.dtype.kind, y.dtype.kind) or "U" in (x.dtype.kind, y.dtype.kind):  # None, or a word
        return bool(np.all(x == y))
    with np.errstate(all="ignore"):
        # A sum with an input that all but cancels it is off by roundings of that input.
        size = np.max([np.abs(z) for z in (x, y, *given)], axis=0)
        near = np.abs(np.subtract(x, y, dtype=float)) <= max(bound, _roundings(x), _roundings(y)) * size
    # An infinity is near itself alone, though the bound is infinite as well.
    return bool(np.all((x == y) | (np.isnan(x) & np.isnan(y)) | (near & np.isfinite(x) & np.isfinite(y))))


def _roundings(x: np.ndarray[Any, Any]) -> float:
    """Return what sixteen roundings come to in numbers narrower than float64, 0 in others."""
    return 16 * float(np.finfo(x.dtype).eps) if x.dtype.kind == "f" and x.dtype.itemsize < 8 else 0.0


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.items())
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, tuple | list) else [value]


def smaller(found: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    """Return whether a counterexample has fewer numbers than the declared one, or as many and fewer that are not 0."""
    return _size(found) < _size(declared)


def _size(drawn: Mapping[str, Any]) -> tuple[int, int]:
    numbers = [
        np.asarray(array, dtype=float)
        for value in drawn.values()
        for array in (list(arrays(value)) or [value])
        if np.asarray(array).dtype.kind in "biuf"
    ]
    return sum(x.size for x in numbers), sum(int(np.count_nonzero(x)) for x in numbers)
