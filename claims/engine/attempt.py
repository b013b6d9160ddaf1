"""One claim tried on one set of implementations, case by case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis.errors import HypothesisException

from claims.engine.contract import Breach, Call, OnTrial
from claims.engine.declare import SEEDS, Claim
from claims.engine.evaluation import Ended


class Settled(BaseException):
    """Ends a search at once: Hypothesis would replay the case, but a mistake needs to fail only once."""


@dataclass
class Attempt:
    """A claim tried case by case; the last failing case is the smallest once Hypothesis has shrunk it."""

    claim: Claim
    implementations: Mapping[str, OnTrial]
    settle: bool  # stop at the first case that refutes, and set crashes aside
    seeds: list[int]
    cases: int = 0
    crashes: int = 0
    error: BaseException | None = None
    drawn: Mapping[str, Any] = field(default_factory=dict)
    calls: list[tuple[OnTrial, Call]] = field(default_factory=list)
    results: dict[str, float] = field(default_factory=dict)

    def case(self, **drawn: Any) -> None:
        __tracebackhide__ = True
        for implementation in self.implementations.values():
            implementation.last = None
        for place in {id(each.place): each.place for each in self.implementations.values()}.values():
            place.forget()
        self.cases += self.error is None  # what is tried while shrinking is not counted
        try:
            # What is not finite in a claim came from an implementation, and is judged, not warned of.
            with np.errstate(all="ignore"):
                found = self.claim.body(
                    **self.implementations, **drawn, **({SEEDS: self.seeds} if self.claim.seeds else {})
                )
            self.results = {name: float(value) for name, value in (found or {}).items()}
        except HypothesisException:
            raise
        except Exception as error:
            if self.settle and self.raised_by(error):
                self.crashes += 1
                return
            # A breach explains every wrong value that comes after it, and not the other way round.
            if isinstance(error, Breach) or not isinstance(self.error, Breach):
                self.error, self.drawn = error, drawn
                self.calls = [(each, each.last) for each in self.implementations.values() if each.last]
            if self.settle or isinstance(error, Ended):
                raise Settled from error
            raise

    def raised_by(self, error: BaseException | None) -> OnTrial | None:
        """Return the implementation that an exception comes from, None if it is the claim's own."""
        return next(
            (each for each in self.implementations.values() if error is not None and each.raised is error), None
        )
