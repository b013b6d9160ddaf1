"""The typical breaches of the contract, made from any right implementation.

They show that the contract bites on a slot, so that no page has to declare them as mistakes.
"""

import functools
from typing import Any

import numpy as np

from claims.engine.contract import UNREPEATABLE
from claims.engine.declare import Function
from claims.engine.evaluation import arrays
from claims.engine.shapes import OPAQUE
from claims.engine.slots import Slot


def modifies_its_input(reference: Function, slot: Slot) -> Function | None:
    """Return the reference, but adding one to the first argument that is an array."""
    if not any(term.is_array for term in slot.shapes.takes):
        return None

    def wrong(*arguments: Any, **options: Any) -> Any:
        result = reference(*arguments, **options)
        for array in arrays(arguments):
            np.add(array, 1, out=array, casting="unsafe")
        return result

    return wrong


def returns_a_view_of_its_input(reference: Function, slot: Slot) -> Function | None:
    """Return the reference, but answering with memory of an argument in the right shape."""
    if not any(t.is_array for t in slot.shapes.takes) or not any(t.is_array for t in slot.shapes.returns):
        return None

    def wrong(*arguments: Any, **options: Any) -> Any:
        given = next((array for array in arrays(arguments) if array.size), None)

        def view(value: Any) -> Any:
            fits = given is not None and isinstance(value, np.ndarray)
            return np.broadcast_to(given.reshape(-1)[:1], value.shape) if fits and given is not None else value

        return _mapped(view, reference(*arguments, **options))

    return wrong


def remembers_the_last_call(reference: Function, slot: Slot) -> Function | None:
    """Return the reference, but adding the number of earlier calls to its numbers."""
    if all(term.word in OPAQUE for term in slot.shapes.returns):
        return None
    if any(term.word in UNREPEATABLE for term in slot.shapes.takes):  # the contract calls it only once
        return None
    calls = -1

    def later(value: Any) -> Any:
        kind = value.dtype.type if isinstance(value, np.ndarray) else type(value)
        # One more is another number, but not another truth value: that is turned by every call.
        return value ^ kind(calls % 2) if kind in (bool, np.bool_) else value + kind(calls)

    def wrong(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return _mapped(later, reference(*arguments, **options))

    return wrong


def rounds_to_float32(reference: Function, slot: Slot) -> Function | None:
    """Return the reference, but with its arrays of floats in single precision."""
    if not any(term.is_array and term.word == "float" for term in slot.shapes.returns):
        return None

    def rounded(value: Any) -> Any:
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    return lambda *arguments, **options: _mapped(rounded, reference(*arguments, **options))


def adds_an_axis(reference: Function, slot: Slot) -> Function | None:
    """Return the reference, but with one axis too many."""
    if all(term.word in OPAQUE for term in slot.shapes.returns):
        return None
    return lambda *arguments, **options: _mapped(
        lambda value: np.asarray(value)[None].copy(), reference(*arguments, **options)
    )


IMPURITIES = (modifies_its_input, returns_a_view_of_its_input, remembers_the_last_call, rounds_to_float32, adds_an_axis)


def impurities(slot: Slot) -> dict[str, Function]:
    """Return the typical breaches that this slot's results and arguments allow."""
    made = {make.__name__: make(slot.reference, slot) for make in IMPURITIES}
    for name, wrong in made.items():
        if wrong:
            functools.update_wrapper(wrong, slot.reference, assigned=())
            wrong.__name__ = name
    return {name: wrong for name, wrong in made.items() if wrong}


def _mapped(change: Function, result: Any) -> Any:
    """Return a result with the change made to its numbers; what is opaque stays as it is."""

    def mapped(value: Any) -> Any:
        return change(value) if isinstance(value, np.ndarray | np.generic | int | float) else value

    return tuple(map(mapped, result)) if isinstance(result, tuple) else mapped(result)
