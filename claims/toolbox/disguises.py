"""Inputs that are not what they seem: a name with the hash of another process, batches that are there only once."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray


class SaltedName(str):
    """A name as a process sees it whose strings are hashed with this salt."""

    __slots__ = ("salt",)
    salt: int

    def __new__(cls, text: str, salt: int) -> Self:
        """Return an equal string with another hash."""
        name = super().__new__(cls, text)
        name.salt = salt
        return name

    def __hash__(self) -> int:
        return hash((self.salt, str(self)))


class OneBuffer:
    """Batches of one size, read once and all in one array, as a loader hands them out that has no room for more."""

    def __init__(self, batches: Sequence[NDArray[np.float64]]) -> None:
        self.batches = list(batches)
        self._passing = self._pass()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> NDArray[np.float64]:
        return next(self._passing)

    def __repr__(self) -> str:
        return f"OneBuffer({[batch.tolist() for batch in self.batches]})"

    def _pass(self) -> Iterator[NDArray[np.float64]]:
        buffer = np.empty_like(self.batches[0])
        for batch in self.batches:
            buffer[:] = batch
            yield buffer
