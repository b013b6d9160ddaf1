"""Judge one trial: try the claim on its implementations and say what came of it."""

import inspect
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis.errors import Flaky, HypothesisException

from claims.engine import text
from claims.engine.contract import Breach, Call, OnTrial, Unfillable
from claims.engine.declare import ROOT, SEEDS, Claim
from claims.engine.diagnosis import behaves_like, difference, smaller
from claims.engine.profiles import CONTRACT_CASES, MISTAKE_CASES, PROFILES, Profile, search, seed_of, seeds_of
from claims.engine.trials import Trial

Outcome = Literal["held", "refuted", "not judged", "error"]
# What an optional library is called where it is imported, and the extra that brings it.
EXTRAS = {
    "sympy": "proofs",
    "z3": "proofs",
    "sklearn": "measured",
    "scipy": "measured",
    "matplotlib": "figures",
    "torch": "torch",
}


class _Settled(BaseException):
    """Ends a search at once: Hypothesis would replay the case, but a mistake needs to fail only once."""


@dataclass
class Verdict:
    """What came of a trial; plain data, so that it can travel between processes and into the evidence."""

    outcome: Outcome
    reason: str = ""
    cases: int = 0
    seconds: float = 0.0
    counterexample: str = ""
    call: str = ""
    came: str = ""
    should: str = ""
    behaves_like: str = ""
    breach: str = ""  # the contract that was broken
    warnings: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    results: dict[str, float] = field(default_factory=dict)  # what a measured claim returned, for the prose

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it."""
        return asdict(self)


@dataclass
class _Attempt:
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
        self.cases += self.error is None  # what is tried while shrinking is not counted
        try:
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
            if self.settle:
                raise _Settled from error
            raise

    def raised_by(self, error: BaseException | None) -> OnTrial | None:
        """Return the implementation that an exception comes from, None if it is the claim's own."""
        return next(
            (each for each in self.implementations.values() if error is not None and each.raised is error), None
        )


def judge(trial: Trial, profile: Profile = PROFILES["default"], seed: int = 0, *, redraw: bool = False) -> Verdict:
    """Return the verdict on one trial.

    `seed` decides which cases are tried, together with the trial's id.  A measured claim runs on
    fixed seeds of its own unless `redraw` says that they come from `seed`, too.
    """
    start = time.perf_counter()
    verdict = _judge(trial, profile, seed, redraw=redraw)
    verdict.seconds = time.perf_counter() - start
    return verdict


def _judge(trial: Trial, profile: Profile, seed: int, *, redraw: bool) -> Verdict:
    if trial.missing:
        return Verdict("not judged", trial.missing)
    if trial.claim.kind == "measured" and not profile.measured:
        return Verdict("not judged", "measured claims need the default profile")
    item_seed = seed_of(seed, trial.id)
    implementations = {
        name: OnTrial(trial.slots[name], function, trial.authors[name], always_repeat=trial.is_contract)
        for name, function in trial.functions.items()
    }
    seeds = seeds_of(trial.claim.seeds, item_seed if redraw or profile.fresh else None)
    minimal = trial.role == "search" and profile.minimal
    attempt = _Attempt(trial.claim, implementations, trial.must_fail and not minimal, seeds)
    if trial.witness is not None and trial.role != "search":
        _try(attempt, lambda: attempt.case(**trial.witness or {}))
        if attempt.error is None:
            name = "counterexample" if trial.role == "myth" else "witness"
            return Verdict(
                "error" if trial.role == "mistake" else "held",
                f"its {name} {text.show(dict(trial.witness))} refutes nothing",
            )
    if attempt.error is None and trial.role != "myth":
        _try(attempt, lambda: _search(attempt, trial, profile, item_seed, shrink=not attempt.settle))
    verdict = _verdict(trial, attempt)
    if trial.is_contract and not implementations[trial.slot].calls and verdict.outcome == "held":
        verdict = Verdict("not judged", f"no case that was tried calls {trial.slot}")
    if minimal and verdict.outcome == "refuted" and trial.witness is not None and smaller(attempt.drawn, trial.witness):
        verdict = Verdict("error", f"search finds something smaller: {verdict.counterexample}", attempt.cases)
    verdict.calls = {name: implementation.calls for name, implementation in implementations.items()}
    verdict.warnings = [
        f"{message} at {text.arguments(_named(each, call))}"
        for each in implementations.values()
        for message, call in each.noted.items()
    ]
    return verdict


def _search(attempt: _Attempt, trial: Trial, profile: Profile, seed: int, *, shrink: bool) -> None:
    cases = MISTAKE_CASES if trial.must_fail else profile.variant_cases if trial.role == "legal" else profile.cases
    run = as_test(trial.claim, attempt.case)
    if trial.claim.drawn:
        run = search(CONTRACT_CASES if trial.is_contract else cases, shrink=shrink)(seeded(seed)(run))
    run()


def as_test(claim: Claim, case: Any) -> Any:
    """Return a function without parameters that calls `case` with what the claim draws, as `@given` makes it."""

    def test(**drawn: Any) -> None:
        __tracebackhide__ = True
        case(**drawn)

    test.__name__ = test.__qualname__ = claim.id
    test.__doc__ = claim.statement
    test.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in claim.drawn]
    )
    return given(**claim.drawn)(test) if claim.drawn else test


def _try(attempt: _Attempt, run: Any) -> None:
    """Run, and leave in `attempt.error` what ended it."""
    try:
        run()
    except (_Settled, Flaky):  # a flaky failure is a failure: the same input must give the same answer
        pass
    except Exception as error:  # noqa: BLE001 - whatever a claim or an implementation raises becomes a verdict
        attempt.error = error if attempt.error is None else attempt.error


def _verdict(trial: Trial, attempt: _Attempt) -> Verdict:
    error, guilty = attempt.error, attempt.raised_by(attempt.error)
    if error is None:
        if attempt.crashes:
            return Verdict(
                "held", f"it only crashes, in {attempt.crashes} of {text.count(attempt.cases, 'case')}", attempt.cases
            )
        return Verdict("held", cases=attempt.cases, results=attempt.results)
    if isinstance(error, Unfillable):
        return Verdict("not judged", str(error))
    if (
        isinstance(error, ModuleNotFoundError)
        and guilty is None
        and (extra := EXTRAS.get((error.name or "").split(".")[0]))
    ):
        return Verdict("not judged", f"{error.name} is not installed; pip install 'executable-answers[{extra}]'")
    if guilty is None and not isinstance(error, AssertionError):
        return Verdict(
            "error", _own_error(trial, error), attempt.cases, counterexample=text.arguments(dict(attempt.drawn))
        )
    verdict = Verdict("refuted", cases=attempt.cases, counterexample=text.arguments(dict(attempt.drawn)))
    if guilty is None:
        guilty = next((each for each, call in attempt.calls if call is not None and each.slot.name == trial.slot), None)
    shown = [(each, call) for each, call in attempt.calls if guilty is None or each is guilty] or attempt.calls
    verdict.call = "; ".join(f"{each!r}({text.arguments(_named(each, call))})" for each, call in shown)
    if attempt.raised_by(error):
        verdict.reason = verdict.came = f"raised {' '.join(f'{type(error).__name__}: {error}'.split())[:200]}"
    elif isinstance(error, Breach):
        broken = next((each for each, call in attempt.calls if each.broke is error), None)
        verdict.breach = f"{broken.slot.name}_is_pure" if broken else trial.claim.id
        verdict.reason = verdict.came = str(error)
    else:
        verdict.came = ", ".join(text.show(call.result) for _, call in shown)
        verdict.should = verdict.reason = difference(error)
    if trial.role == "subject" and not verdict.breach:
        verdict.behaves_like = behaves_like(trial, attempt.implementations)
    return verdict


def _named(implementation: OnTrial, call: Call) -> dict[str, Any]:
    names = [
        *implementation.slot.leading,
        *map(text.ordinal, range(len(implementation.slot.leading), len(call.arguments))),
    ]
    return dict(zip(names, call.arguments, strict=False)) | call.options


def _own_error(trial: Trial, error: BaseException) -> str:
    file = trial.claim.where.file
    return f"{file}:{text.line_of(error, ROOT / file)}: {text.describe(error)}"
