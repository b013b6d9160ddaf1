"""The line `Shapes:` in a slot's docstring: what it takes and returns, read by people and by the contract.

    Shapes: W1 (D, K), b1 (K,), W2 (K, C), b2 (C,) -> (D, C), (C,)

Before the arrow stand the leading arguments, by name; after it the results.  Each is a shape or
one of the words below.  A name in a shape stands for one size wherever it occurs, `*S` for any
number of axes, `D + H` for a sum; a dtype may stand before it, as in `bool (H,)`.  Results are
new arrays; `(*S) or x` says of one that it may be the argument x itself, where that is the answer.
"""

import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np

from claims.engine.evaluation import Foreign, Returned

# An opaque value is handed on, never opened: a cache, a generator, a list or dict of arrays.
OPAQUE = {"cache", "callable", "dict", "list", "rng", "value"}
SCALARS: dict[str, Any] = {"float": numbers.Real, "int": numbers.Integral, "bool": (bool, np.bool_)}
KINDS = {"float": "f", "int": "iu", "bool": "b"}
_TERM = re.compile(
    r"\s*(?:(?P<name>\w+)\s+)?(?:(?P<word>\w+)\s*)?(?P<shape>\([^()]*\))?(?:\s+or\s+(?P<itself>\w+))?\s*(?:,|$)"
)

Sizes: TypeAlias = dict[str, int | tuple[int, ...]]


@dataclass(frozen=True)
class Term:
    """One argument or result: `word` is a dtype or an opaque kind, `axes` is None for a scalar.

    `itself` names the argument that a result may be, as the same object.
    """

    name: str
    word: str
    axes: tuple[str, ...] | None
    itself: str = ""

    @property
    def is_array(self) -> bool:
        """Whether this is an array, which a scalar written `float` is not."""
        return self.axes is not None

    def __str__(self) -> str:
        if self.axes is None:
            return self.word
        dtype = "" if self.word == "float" else f"{self.word} "
        comma = "," if len(self.axes) == 1 and not self.axes[0].startswith("*") else ""
        return f"{dtype}({', '.join(self.axes)}{comma})"


@dataclass(frozen=True)
class Shapes:
    """What a slot takes and returns."""

    takes: tuple[Term, ...]
    returns: tuple[Term, ...]

    @cached_property
    def returned(self) -> Returned:
        """How many results there are, and which of them are caches."""
        return Returned(len(self.returns), tuple(i for i, term in enumerate(self.returns) if term.word == "cache"))

    @classmethod
    def of(cls, docstring: str | None) -> "Shapes":
        """Read the line `Shapes:`; raise ValueError, saying why, if it is missing or malformed."""
        found = re.search(r"^\s*Shapes: (.*?)(?:\n\s*\n|\Z)", docstring or "", re.DOTALL | re.MULTILINE)
        if not found:
            raise ValueError("it has no line 'Shapes:'")
        left, arrow, right = " ".join(found[1].split()).partition("->")
        if not arrow:
            raise ValueError("its line 'Shapes:' has no arrow ->")
        stated = cls(tuple(_terms(left, named=True)), tuple(_terms(right.rstrip(" ."), named=False)))
        names = {"", *(term.name for term in stated.takes)}
        if strangers := [term.itself for term in (*stated.takes, *stated.returns) if term.itself not in names]:
            raise ValueError(f"its line 'Shapes:' cannot be read at 'or {strangers[0]}': there is no such argument")
        return stated

    def sizes(self, arguments: Sequence[Any]) -> Sizes | None:
        """Return what each name stands for in these arguments, None if they do not fit together."""
        sizes: Sizes = {}
        for term, argument in zip(self.takes, arguments, strict=False):
            if term.axes is not None and not _fit(term.axes, np.shape(argument), sizes):
                return None
        return sizes

    def breach(self, result: Any, sizes: Sizes | None, floats: np.dtype[Any]) -> str:
        """Return how a result differs from what is stated, "" if it does not.

        `sizes` None says that the arguments were not legal: then only the number and kind of the
        results count.  `floats` is the dtype that every array of floats must have.
        """
        results = (result,) if len(self.returns) == 1 else result
        if len(self.returns) > 1 and not (isinstance(result, tuple) and len(result) == len(self.returns)):
            return (
                f"it returned {_kind(result)}, not a tuple of {len(self.returns)}: {', '.join(map(str, self.returns))}"
            )
        known = None if sizes is None else dict(sizes)  # a size that only the results show must agree among them
        for term, value in zip(self.returns, results, strict=True):
            if reason := _unlike(term, value, known, floats):
                return reason
        return ""


def _terms(text: str, *, named: bool) -> list[Term]:
    terms, at = [], 0
    while at < len(text.rstrip()):
        found = _TERM.match(text, at)
        if not found or found.end() == at:
            raise ValueError(f"its line 'Shapes:' cannot be read at {text[at:].strip()!r}")
        at = found.end()
        words = [word for word in (found["name"], found["word"]) if word]
        name = words.pop(0) if named and words else ""
        word = words.pop() if words else "float"
        if word not in OPAQUE | SCALARS.keys() or words or (named and (found["itself"] or not name)):
            raise ValueError(f"its line 'Shapes:' cannot be read at {found[0].strip(' ,')!r}")
        axes = (
            None
            if found["shape"] is None
            else tuple(axis.strip() for axis in found["shape"][1:-1].split(",") if axis.strip())
        )
        terms.append(Term(name, word, axes, found["itself"] or ""))
    return terms


@cache
def _summands(axis: str) -> tuple[int | str, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"\s*\+\s*", axis))


def _size(axis: str, sizes: Sizes) -> int | None:
    """Return the size that an axis such as `D`, `3` or `D + H` stands for, None if not all of it is known."""
    total = 0
    for part in _summands(axis):
        size = part if isinstance(part, int) else sizes.get(part)
        if not isinstance(size, int):
            return None
        total += size
    return total


def _fit(axes: Sequence[str], shape: tuple[int, ...], sizes: Sizes) -> bool:
    """Return whether a shape agrees with the axes, and note in `sizes` what it says about new names."""
    starred = [i for i, axis in enumerate(axes) if axis.startswith("*")]
    if starred:
        i = starred[0]
        rest = len(shape) - (len(axes) - 1)
        if rest < 0 or sizes.setdefault(axes[i], shape[i : i + rest]) != shape[i : i + rest]:
            return False
        axes, shape = [*axes[:i], *axes[i + 1 :]], shape[:i] + shape[i + rest :]
    if len(axes) != len(shape):
        return False
    for axis, size in zip(axes, shape, strict=True):
        known = _size(axis, sizes)
        if known is None and axis.isidentifier():
            sizes[axis] = size
        elif known is not None and known != size:
            return False
    return True


def _unlike(term: Term, value: Any, sizes: Sizes | None, floats: np.dtype[Any]) -> str:
    if term.axes is None:
        kind = SCALARS.get(term.word)
        scalar = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
        return f"it returned {_kind(value)}, not a {term.word}" if kind and not isinstance(scalar, kind) else ""
    if not isinstance(value, np.ndarray | np.generic):
        if isinstance(value, numbers.Real) and (sizes is None or _fit(term.axes, (), dict(sizes))):
            return ""
        return f"it returned {_kind(value)}, not an array {term}"
    if sizes is not None and not _fit(term.axes, value.shape, sizes):
        return f"it returned shape {value.shape}, not {term} with {_legend(term, sizes)}"
    if value.dtype.kind not in KINDS[term.word] or (term.word == "float" and value.dtype != floats):
        return f"it returned {value.dtype}, not {floats if term.word == 'float' else term.word}"
    return ""


def _legend(term: Term, sizes: Sizes) -> str:
    names = dict.fromkeys(name for axis in term.axes or () for name in re.findall(r"\*?[A-Za-z]\w*", axis))
    return ", ".join(f"{name} = {sizes[name]}" for name in names if name in sizes) or "these arguments"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None:
        return "nothing"
    if isinstance(value, Foreign):
        return f"a {value.kind}"
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"
