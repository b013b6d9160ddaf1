"""The contract: what holds for every call of every slot, checked around each call.

Inputs stay as they were, nothing returned shares memory with an input (but a result may be one
where the slot says so), the same input (and generator state) gives the same answer twice, shapes
and dtypes are as the slot states them.
"""

import copy
import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from claims.engine.declare import Function
from claims.engine.slots import Slot
from claims.engine.text import ordinal

# What travels through a call without being compared: it has no value that a repetition could reproduce.
UNREPEATABLE = {"callable"}
_FEW = 20  # calls kept to compare with known mistakes


class Breach(AssertionError):
    """An implementation broke the contract of its slot."""


class Unfillable(Exception):
    """A claim asks for an option that this implementation does not have: it is not judged."""


@dataclass
class Call:
    """One call of an implementation: what went in, as it was before, and what came out."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]
    result: Any = None


@dataclass
class OnTrial:
    """An implementation under its slot's name, whose every call is watched."""

    slot: Slot
    function: Function
    author: str
    always_repeat: bool = False
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
        self._repeatable = not any(term.word in UNREPEATABLE for term in self.slot.shapes.takes)

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
        call = self.last = Call(_frozen(arguments), _frozen(options))
        # Running twice doubles the cost, so after the first calls only every power of two is repeated.
        repeat = self._repeatable and (self.always_repeat or self.calls & (self.calls - 1) == 0)
        again = copy.deepcopy((arguments, options)) if repeat and _has_generator(arguments, options) else None
        result = self._run(call, arguments, options)
        reason = self._changed(call, arguments, options) or self._misstated(arguments, options, result)
        if repeat and not reason:
            second_arguments, second_options = again or (arguments, options)
            if not same(call.result, _frozen(self._run(call, second_arguments, second_options))):
                reason = "it gave two answers to the same input"
        if reason:
            self.broke = Breach(reason)
            raise self.broke
        if len(self.kept) < _FEW:
            self.kept.append(call)
        return result

    def _run(self, call: Call, arguments: Any, options: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("always")
            try:
                result = self.function(*arguments, **options)
            except SystemExit as error:
                self.raised = RuntimeError(f"it called sys.exit({error})")
                raise self.raised from error
            except Exception as error:
                self.raised = error
                raise
        for warning in caught:
            self.noted.setdefault(str(warning.message), call)
        if call.result is None:
            call.result = _frozen(result)
        return result

    def _changed(self, call: Call, arguments: Any, options: Any) -> str:
        """Return which input is not what it was, "" if all are."""
        names = [*self.slot.leading, *(ordinal(i) for i in range(len(self.slot.leading), len(arguments)))]
        before, after = (call.arguments, call.options), (arguments, options)
        for name, was, now in [
            *zip(names, before[0], after[0], strict=False),
            *((name, before[1][name], after[1][name]) for name in options),
        ]:
            if not isinstance(now, np.random.Generator) and not same(was, now):
                return f"it modified its input {name}"
        return ""

    def _misstated(self, arguments: Any, options: Any, result: Any) -> str:
        """Return how a result is not what the slot states, or a view of an input, "" if it is neither."""
        shapes = self.slot.shapes
        sizes = shapes.sizes(arguments)
        if reason := shapes.breach(result, sizes, self._dtype(arguments)):
            return reason
        results = (result,) if len(shapes.returns) == 1 else result
        inputs = [
            (name, array)
            for name, value in [*zip(self.slot.leading, arguments, strict=False), *options.items()]
            for array in arrays(value)
        ]
        for term, value in zip(shapes.returns, results, strict=True):
            if term.word == "cache":  # a cache may keep its inputs: nobody but its own backward pass opens it
                continue
            for array in arrays(value):
                for name, given in inputs:
                    if not (value is given and name == term.itself) and np.shares_memory(array, given):
                        return f"it returned a view of its input {name}"
        return ""

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


def _frozen(value: Any) -> Any:
    """Return a copy of a value that later changes of its arrays cannot reach."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_frozen, value))
    return _same_stream(value) if isinstance(value, np.random.Generator) else value


def _same_stream(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator that draws what this one would: five times cheaper than a deep copy, but it spawns others."""
    kind = type(rng.bit_generator)
    twin = kind(0)
    twin.state = rng.bit_generator.state
    return np.random.Generator(twin)


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield every array in a value, however deep it lies in lists, tuples and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item)


def _has_generator(arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    return any(isinstance(value, np.random.Generator) for value in (*arguments, *options.values()))
