"""Say more about a refutation than that it happened: what should have come, and which mistake it looks like."""

import copy
import re
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from claims.engine.contract import Call, OnTrial, arrays
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
    for mistake in trial.claim.mistakes:
        suspects = [implementations[name] for name in mistake.functions if name in implementations]
        if len(suspects) == 1 and _agree(suspects[0], mistake.functions[suspects[0].slot.name]):
            return mistake.id
    return ""


def _agree(suspect: OnTrial, mistake: Any) -> bool:
    calls = [call for call in (*suspect.kept, suspect.last) if call is not None and call.result is not None]
    try:
        with np.errstate(all="ignore"):
            return bool(calls) and all(_alike(_repeated(mistake, call), call.result) for call in calls)
    except Exception:  # noqa: BLE001 - a mistake that crashes here is not the one
        return False


def _repeated(function: Any, call: Call) -> Any:
    """Return what a function answers to the same call; a generator must be as it was for the next one, too."""
    arguments, options = copy.deepcopy((call.arguments, call.options))
    return function(*arguments, **options)


def _alike(a: Any, b: Any) -> bool:
    first, second = [np.asarray(x) for x in _leaves(a)], [np.asarray(x) for x in _leaves(b)]
    if [x.shape for x in first] != [x.shape for x in second]:
        return False
    # The same formula written another way: a few roundings apart, not a different answer.
    return all(
        np.all((x == y) | (np.abs(x - y) <= 1e-12 * np.maximum(np.abs(x), np.abs(y))))
        for x, y in zip(first, second, strict=True)
    )


def _leaves(value: Any) -> list[Any]:
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
