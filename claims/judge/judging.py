"""Judge a file slot by slot: right, wrong, right under another convention, or not judged and why."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from hypothesis import seed as seeded

from claims.engine.book import Book
from claims.engine.contract import OnTrial
from claims.engine.declare import Filling, Function
from claims.engine.diagnosis import agreeing
from claims.engine.evaluation import Here
from claims.engine.judge import as_test, judge, watched
from claims.engine.profiles import PROFILES, Profile, search, seed_of
from claims.engine.slots import Slot, other_half
from claims.engine.subjects import REFERENCE
from claims.engine.trials import Trial, contract_of
from claims.engine.verdict import Verdict

Outcome = Literal["right", "wrong", "not judged"]
_COMPARED = 200  # calls on which a function is compared with the known mistakes and conventions
_EXERCISES = 25  # cases of each claim that make these calls


@dataclass
class Finding:
    """What is known of one function of a file."""

    slot: str
    outcome: Outcome
    reason: str = ""
    convention: str = ""
    claims: int = 0
    cases: int = 0
    trial: Trial | None = None
    verdict: Verdict | None = None
    like: str = ""
    compared: int = 0


@dataclass(frozen=True)
class Examination:
    """The functions of one file, by name, before the book; `others` are the names that it has from other modules."""

    book: Book
    name: str
    functions: Mapping[str, Function]
    others: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = PROFILES["default"]
    seed: int = 0

    def names(self) -> list[str]:
        """Return the names of the file that are slots."""
        return [name for name in (*self.functions, *self.others) if name in self.book.slots]

    def finding(self, name: str) -> Finding:
        """Return what is known of the function that fills a slot."""
        slot = self.book.slots[name]
        if name in self.others:
            return Finding(name, "not judged", f"it is no function of this file, but comes from {self.others[name]}")
        filled = {slot.name: self.functions[slot.name]}
        if (other := other_half(slot.name)) in self.book.slots and other:
            if other not in self.functions:
                return Finding(slot.name, "not judged", f"it needs {other} beside it: the two share a cache")
            filled[other] = self.functions[other]
        if misfit := next((m for name, f in filled.items() if (m := self.book.slots[name].misfit(f))), ""):
            return Finding(slot.name, "not judged", misfit)
        for function in filled.values():
            if place := getattr(function, "place", None):
                place.begin()
        finding = self._judged(slot, filled)
        if finding.verdict and finding.verdict.raised == NotImplementedError.__name__:
            return Finding(name, "not judged", "it is not written yet")
        return finding if finding.outcome != "wrong" else self._diagnosed(finding, slot, filled)

    def _trials(self, slot: Slot, filled: Mapping[str, Function]) -> Iterator[Trial]:
        """Yield the claims on a slot, those on little else first; what the file does not fill, the reference does."""
        ranked = sorted(
            (claim for claim in self.book.claims_on(slot.name) if claim.kind != "measured"),
            key=lambda claim: (len(claim.slots), self.book.page_of[claim.id].stem != slot.stem),
        )
        contract = contract_of(slot, self.book)
        for claim in [*ranked, *([contract] if contract else [])]:
            functions = {name: filled.get(name, self.book.slots[name].reference) for name in claim.slots}
            authors = {name: self.name if name in filled else REFERENCE for name in claim.slots}
            page = self.book.pages[slot.stem]
            yield Trial(claim, page, "subject", self.name, functions, authors, self.book.slots, slot.name)

    def _judged(self, slot: Slot, filled: Mapping[str, Function]) -> Finding:
        finding = Finding(slot.name, "not judged", "no claim that can be judged here speaks of it")
        for trial in self._trials(slot, filled):
            verdict = judge(trial, self.profile, self.seed)
            if verdict.outcome in {"refuted", "error"}:
                return Finding(slot.name, "wrong", verdict.reason, trial=trial, verdict=verdict)
            if verdict.outcome == "held":
                finding = replace(
                    finding,
                    outcome="right",
                    reason="",
                    claims=finding.claims + 1,
                    cases=finding.cases + verdict.cases,
                )
        return finding

    def _diagnosed(self, finding: Finding, slot: Slot, filled: Mapping[str, Function]) -> Finding:
        """Say which convention a wrong function follows, if that makes it right, else which mistake it behaves like."""
        if finding.verdict and finding.verdict.ended:
            return finding
        exercised = list(self._exercised(slot, filled, _EXERCISES, _COMPARED))
        for convention in [c for name in filled for c in self.book.conventions(name)]:
            if explained := self._explained(convention, slot, filled):
                return replace(explained, convention=convention.convention)
        if finding.verdict and finding.verdict.breach:  # its values may be right: no mistake in them explains that
            return finding
        for mistake in self._suspects(finding, slot):
            if compared := _compared(mistake, exercised):
                return replace(finding, like=mistake.id, compared=compared)
        return finding

    def _suspects(self, finding: Finding, slot: Slot) -> list[Filling]:
        """Return the known mistakes of a slot, those of the claim that failed first."""
        failed = [finding.trial.claim] if finding.trial else []
        claims = [*failed, *self.book.claims_on(slot.name)]
        found = [mistake for claim in claims for mistake in claim.mistakes if mistake.slot == slot.name]
        return list({mistake.functions[slot.name]: mistake for mistake in reversed(found)}.values())[::-1]

    def _exercised(
        self, slot: Slot, filled: Mapping[str, Function], cases: int, most: int
    ) -> Iterator[Mapping[str, OnTrial]]:
        """Call the functions on so many cases of each claim, and yield them with the calls they keep."""
        left = most
        for trial in self._trials(slot, filled):
            if left > 0 and not trial.is_contract:
                implementations = watched(trial, keep=min(left, 2 * cases))
                _exercise(trial, implementations, self.seed, cases)
                left -= len(implementations[slot.name].kept)
                yield implementations

    def _explained(
        self,
        convention: Filling,
        slot: Slot,
        filled: Mapping[str, Function],
    ) -> Finding | None:
        """Return the finding on a function that is right once it is read under another convention, else None.

        A convention that translates is put before the function, and all claims must then hold; any
        other is a function of its own, and all calls must be answered alike.
        """
        if not convention.translates:
            exercised = list(self._exercised(slot, filled, self.profile.cases, 1_000_000))  # every call counts here
            impure = any(each.broke for implementations in exercised for each in implementations.values())
            compared = 0 if impure else _compared(convention, exercised)
            return Finding(slot.name, "right", cases=compared) if compared else None
        here = Here()
        theirs = {
            name: OnTrial(self.book.slots[name], f, self.name, getattr(f, "place", here), shaped=False)
            for name, f in filled.items()
        }
        translated = {name: functools.partial(f, theirs[name]) for name, f in convention.functions.items()}
        finding = self._judged(slot, {**theirs, **translated})
        return finding if finding.outcome == "right" else None


def _compared(filling: Filling, exercised: Sequence[Mapping[str, OnTrial]]) -> int:
    """Return on how many calls a filling answers as the file does, 0 if it once does not."""
    counts = [agreeing(filling, implementations) for implementations in exercised]
    return 0 if -1 in counts else sum(counts)


def _exercise(trial: Trial, implementations: Mapping[str, OnTrial], seed: int, cases: int) -> None:
    def case(**drawn: Any) -> None:
        try:
            with np.errstate(all="ignore"):
                trial.claim.body(**implementations, **drawn)
        except Exception:  # noqa: BLE001, S110 - whether the claim holds is known: only the calls count here
            pass

    run = as_test(trial.claim, case)
    if trial.claim.drawn:
        run = search(cases, shrink=False)(seeded(seed_of(seed, trial.id))(run))
    run()
