"""Evaluate an implementation apart from whoever judges it: what goes in is a copy, what comes out is told.

The same function evaluates in this process and in the isolated child of `claims.judge`, so that
the two roads give the same verdicts.  What a claim hands over cannot be reached by the
implementation, and a cache never reaches the claim: it stays here, under a number.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, NamedTuple

import numpy as np

from claims.engine.declare import Function
from claims.toolbox.disguises import OneBuffer

# Bound before any implementation runs, which may replace what NumPy calls by these names.
_shares_memory = np.shares_memory


@dataclass(frozen=True, slots=True)
class Handle:
    """Stands for a cache: its author's own, which a claim passes on and never opens."""

    number: int

    def __repr__(self) -> str:
        return "…"


class Foreign:
    """Stands for a value that does not travel, such as an object of a class of the implementation."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


class Ended(RuntimeError):
    """An implementation ended its process, or outlasted its time: what happens then cannot be tried again and again."""


class StaleCache(Exception):
    """A cache of an earlier case was passed: claims keep none."""


class Caches:
    """Keeps the caches of one case under numbers that no later case uses again, from `first` on."""

    def __init__(self, first: int = 0) -> None:
        self._first = first
        self._kept: list[Any] = []

    def keep(self, value: Any) -> Handle:
        self._kept.append(value)
        return Handle(self._first + len(self._kept) - 1)

    def find(self, handle: Handle) -> Any:
        """Return what a handle stands for; raise StaleCache if that is forgotten."""
        place = handle.number - self._first
        if not 0 <= place < len(self._kept):
            raise StaleCache(f"the cache number {handle.number} is not of this case")
        return self._kept[place]

    def forget(self) -> None:
        self._first += len(self._kept)
        self._kept.clear()


class Returned(NamedTuple):
    """How many results a slot returns, and at which places among them caches."""

    number: int = 1
    caches: tuple[int, ...] = ()


@dataclass(frozen=True)
class View:
    """A result, by its place, that shares memory with an argument, by its place or name."""

    result: int
    argument: int | str
    is_itself: bool


@dataclass
class Evaluation:
    """What came of one call: the inputs in order as they are now, the result, and what was seen on the way."""

    inputs: Sequence[Any]
    result: Any = None
    views: Sequence[View] = ()
    warnings: Sequence[str] = ()
    error: Exception | None = None


def evaluate(
    function: Function,
    arguments: Sequence[Any],
    options: Mapping[str, Any],
    caches: Caches,
    returned: Returned,
) -> Evaluation:
    """Call a function and tell what came of it; the arguments are the function's own to spoil.

    What is a cache among its results is kept in `caches`.
    """
    opened = [caches.find(value) if isinstance(value, Handle) else value for value in arguments]
    evaluation = Evaluation([*arguments, *options.values()])
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            result = function(*opened, **options)
            if isinstance(result, GeneratorType):  # it runs now, on these inputs, or it would run unwatched
                result = list(result)
        except SystemExit as error:
            evaluation.error = RuntimeError(f"it called sys.exit({error})")
        except Exception as error:  # noqa: BLE001 - whatever it raises is told
            evaluation.error = error
    evaluation.warnings = [str(warning.message) for warning in caught]
    if evaluation.error is None:
        every = (result,) if returned.number == 1 else result
        if returned.number > 1 and not (isinstance(result, tuple) and len(result) == returned.number):
            every = ()
        seen = {place: value for place, value in enumerate(every) if place not in returned.caches}
        evaluation.views = list(_views(seen, arguments, options))
        if returned.caches and every:
            every = tuple(caches.keep(v) if place in returned.caches else v for place, v in enumerate(every))
            result = every[0] if returned.number == 1 else every
        evaluation.result = result
    return evaluation


def _views(results: Mapping[int, Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Iterator[View]:
    names: list[int | str] = [*range(len(arguments)), *options]
    values = zip(names, [*arguments, *options.values()], strict=True)
    inputs = [(name, value, array) for name, value in values for array in arrays(value)]
    for place, value in results.items():
        for array in arrays(value):
            for name, whole, given in inputs:
                if _shares_memory(array, given):
                    yield View(place, name, value is whole)


class Here:
    """Evaluates in this process."""

    def __init__(self) -> None:
        self._caches = Caches()

    def call(
        self, function: Function, arguments: Sequence[Any], options: Mapping[str, Any], returned: Returned
    ) -> Evaluation:
        """Evaluate a function on copies of its arguments."""
        given, named = copied(arguments), copied(options)
        return evaluate(function, given, named, self._caches, returned)

    def forget(self) -> None:
        """Forget the caches of the case that has ended."""
        self._caches.forget()


def copied(value: Any) -> Any:
    """Return a value whose arrays and generators are others, but equal."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(copied, value))
    if isinstance(value, OneBuffer):  # each call reads it from the beginning
        return OneBuffer(value.batches)
    return same_stream(value) if isinstance(value, np.random.Generator) else value


def same_stream(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator that draws, and spawns, what this one would: five times cheaper than a deep copy."""
    bits = rng.bit_generator
    source = bits.seed_seq
    twin = type(bits)(_again(source) if isinstance(source, np.random.SeedSequence) else 0)
    twin.state = bits.state
    return np.random.Generator(twin)


def _again(source: np.random.SeedSequence) -> np.random.SeedSequence:
    return np.random.SeedSequence(
        source.entropy,
        spawn_key=source.spawn_key,
        pool_size=source.pool_size,
        n_children_spawned=source.n_children_spawned,
    )


def catch_up(rng: np.random.Generator, twin: np.random.Generator) -> None:
    """Bring a generator to where its twin is now."""
    rng.bit_generator.state = twin.bit_generator.state
    ahead, behind = twin.bit_generator.seed_seq, rng.bit_generator.seed_seq
    if isinstance(ahead, np.random.SeedSequence) and isinstance(behind, np.random.SeedSequence):
        behind.spawn(ahead.n_children_spawned - behind.n_children_spawned)


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
