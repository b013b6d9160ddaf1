"""The contract: what holds for every call of every slot, checked around each call.

Inputs stay as they were, nothing returned shares memory with an input (but a result may be one
where the slot says so), the same input (and generator state) gives the same answer twice, shapes
and dtypes are as the slot states them.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from claims.engine.declare import Function
from claims.engine.evaluation import Evaluation, Returned, View, arrays, catch_up, copied
from claims.engine.slots import Slot
from claims.engine.text import ordinal

# What travels through a call without being compared: it has no value that a repetition could reproduce.
UNREPEATABLE = {"callable"}
FEW = 20  # calls kept to compare with known mistakes


class Breach(AssertionError):
    """An implementation broke the contract of its slot."""


class Unfillable(Exception):
    """A claim asks for an option that this implementation does not have: it is not judged."""


class Place(Protocol):
    """Where implementations are evaluated: in this process, or in an isolated child."""

    def call(
        self, function: Function, arguments: Sequence[Any], options: Mapping[str, Any], returned: Returned
    ) -> Evaluation:
        """Evaluate a function without letting it reach the arguments themselves."""

    def forget(self) -> None:
        """Forget the caches of the case that has ended."""


class Asked:
    """A callable argument that remembers what it answered: its next answers may be others."""

    def __init__(self, function: Function) -> None:
        self.__name__ = getattr(function, "__name__", "function")
        self._function = function
        self._answers: list[Any] = []

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Answer, and remember it."""
        answer = self._function(*arguments, **options)
        self._answers.append(copied(answer))
        return answer

    def again(self) -> Function:
        """Return a function that gives these answers in turn, whatever it is asked."""
        answers = iter(self._answers)
        return lambda *_, **__: copied(next(answers))


@dataclass
class Call:
    """One call of an implementation: what went in, as it was before, and what came out."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]
    result: Any = None
    error: Exception | None = None


@dataclass
class OnTrial:
    """An implementation under its slot's name, whose every call is watched."""

    slot: Slot
    function: Function
    author: str
    place: Place
    always_repeat: bool = False
    shaped: bool = True  # whether shapes are the slot's: under another convention they may differ
    keep: int = FEW
    calls: int = 0
    kept: list[Call] = field(default_factory=list)
    last: Call | None = None
    raised: BaseException | None = None
    broke: Breach | None = None
    noted: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            parameters = inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            self._options = None
        else:
            anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
            self._options = None if anything else frozenset(parameters)
        shapes = self.slot.shapes
        self._repeatable = not any(term.word in UNREPEATABLE for term in shapes.takes)

    @property
    def __name__(self) -> str:
        return self.slot.name

    def __repr__(self) -> str:
        return f"{self.author}.{self.slot.name}"

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the implementation as the claim does, and raise Breach if that breaks the contract."""
        if self._options is not None and (unknown := options.keys() - self._options):
            raise Unfillable(f"{self!r} has no option {', '.join(sorted(unknown))}")
        self.calls += 1
        if not self._repeatable:
            arguments = tuple(Asked(value) if callable(value) else value for value in arguments)
        call = self.last = Call(copied(arguments), copied(options))
        # Running twice doubles the cost, so after the first calls only every power of two is repeated.
        repeat = self._repeatable and (self.always_repeat or self.calls & (self.calls - 1) == 0)
        evaluation = self._evaluate(call)
        call.result = copied(evaluation.result)
        reason = self._changed(call, evaluation) or self._misstated(call, evaluation)
        if repeat and not reason and not same(call.result, self._evaluate(call).result):
            reason = "it gave two answers to the same input"
        if reason:
            self.broke = Breach(reason)
            raise self.broke
        if len(self.kept) < self.keep:
            self.kept.append(call)
        for given, now in zip((*arguments, *options.values()), evaluation.inputs, strict=True):
            if isinstance(given, np.random.Generator):
                catch_up(given, now)
        return evaluation.result

    def _evaluate(self, call: Call) -> Evaluation:
        evaluation = self.place.call(self.function, call.arguments, call.options, self.slot.shapes.returned)
        for warning in evaluation.warnings:
            self.noted.setdefault(warning, call)
        if evaluation.error is not None:
            self.raised = call.error = evaluation.error
            if len(self.kept) < self.keep:
                self.kept.append(call)
            raise evaluation.error
        return evaluation

    def _changed(self, call: Call, evaluation: Evaluation) -> str:
        """Return which input is not what it was, "" if all are."""
        names = [*map(self._name, range(len(call.arguments))), *call.options]
        changes = zip(names, (*call.arguments, *call.options.values()), evaluation.inputs, strict=True)
        return next((f"it modified its input {name}" for name, was, now in changes if not same(was, now)), "")

    def _misstated(self, call: Call, evaluation: Evaluation) -> str:
        """Return how a result is not what the slot states, or a view of an input, "" if it is neither."""
        shapes = self.slot.shapes
        sizes, floats = shapes.sizes(call.arguments), self._dtype(call.arguments)
        if self.shaped and (reason := shapes.breach(evaluation.result, sizes, floats)):
            return reason
        bad = (view for view in evaluation.views if not self._may_be(view))
        return next((f"it returned a view of its input {self._name(view.argument)}" for view in bad), "")

    def _may_be(self, view: View) -> bool:
        """Return whether the slot says that this result may be the argument itself."""
        return view.is_itself and self.slot.shapes.returns[view.result].itself == self._name(view.argument)

    def _name(self, argument: int | str) -> str:
        if isinstance(argument, str):
            return argument
        leading = self.slot.leading
        return leading[argument] if argument < len(leading) else ordinal(argument)

    def _dtype(self, arguments: Any) -> np.dtype[Any]:
        """Return the dtype that floats must come back in: that of the floats that went in, else float64."""
        found = [array.dtype for value in arguments for array in arrays(value) if array.dtype.kind == "f"]
        return np.result_type(*found) if found else np.dtype(np.float64)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal bit for bit; what is opaque counts as equal to itself."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, int | float | complex | np.generic):
        return type(a) is type(b) and np.array_equal(a, b, equal_nan=True)
    return True
