"""The verdict on a trial: what came of it, in words for people and in data for the evidence."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from claims.engine import text
from claims.engine.attempt import Attempt
from claims.engine.contract import Breach, Call, OnTrial, Unfillable
from claims.engine.declare import ROOT
from claims.engine.diagnosis import behaves_like, difference
from claims.engine.evaluation import Ended, arrays
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
    raised: str = ""  # by what name the implementation raised an exception
    ended: bool = False  # whether the implementation ended its process, or was ended
    warnings: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    results: dict[str, float] = field(default_factory=dict)  # what a measured claim returned, for the prose

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it."""
        return asdict(self)


def verdict_on(trial: Trial, attempt: Attempt) -> Verdict:
    """Return the verdict that follows from how an attempt ended."""
    error, crashes = attempt.error, attempt.crashes
    if error is None:
        reason = f"it only crashes, in {crashes} of {text.count(attempt.cases, 'case')}" if crashes else ""
        return Verdict("held", reason, attempt.cases, results=attempt.results)
    if isinstance(error, Unfillable):
        return Verdict("not judged", str(error))
    guilty = _guilty(attempt, error)
    if guilty is None and isinstance(error, ModuleNotFoundError) and (extra := EXTRAS.get(_package(error))):
        return Verdict("not judged", f"{error.name} is not installed; pip install 'executable-answers[{extra}]'")
    if guilty is None and not isinstance(error, AssertionError):
        where = text.arguments(dict(attempt.drawn))
        return Verdict("error", _own_error(trial, error), attempt.cases, counterexample=where)
    return _refutation(trial, attempt, error, guilty)


def _guilty(attempt: Attempt, error: BaseException) -> OnTrial | None:
    """Return the implementation that an error is due to: it raised it, broke its contract, or gave NaN."""
    if guilty := attempt.raised_by(error):
        return guilty
    if isinstance(error, AssertionError):
        return next((each for each, _ in attempt.calls if each.broke is error), None)
    return next((each for each, call in attempt.calls if not _finite(call.result)), None)


def _refutation(trial: Trial, attempt: Attempt, error: BaseException, guilty: OnTrial | None) -> Verdict:
    verdict = Verdict("refuted", cases=attempt.cases, counterexample=text.arguments(dict(attempt.drawn)))
    shown = [(each, call) for each, call in attempt.calls if each is (guilty or each)]
    if guilty is None:  # no call is wrong by itself: show those of the slot that is not the reference's, else all
        shown = [(each, call) for each, call in shown if each.slot.name == trial.slot] or shown
    verdict.call = "; ".join(f"{each!r}({text.arguments(named(each, call))})" for each, call in shown)
    if guilty is None:
        verdict.came = ", ".join(text.show(_visible(each, call.result)) for each, call in shown)
        verdict.should = verdict.reason = difference(error)
    elif isinstance(error, Breach):
        verdict.breach = f"{guilty.slot.name}_is_pure"
        verdict.reason = verdict.came = str(error)
    elif error is guilty.raised:
        verdict.raised, verdict.ended = type(error).__name__, isinstance(error, Ended)
        verdict.reason = verdict.came = str(error) if verdict.ended else _exception(error)
    else:
        verdict.reason = verdict.came = "numbers that are not finite"
    if trial.role == "subject" and not verdict.breach:
        verdict.behaves_like = behaves_like(trial, attempt.implementations)
    return verdict


def _exception(error: BaseException) -> str:
    line = getattr(error, "line", 0)  # of the learner's file, where it was isolated
    return f"raised {text.describe(error)[:200]}{f' in line {line}' if line else ''}"


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").split(".")[0]


def named(implementation: OnTrial, call: Call) -> dict[str, Any]:
    """Return the arguments of a call by name."""
    slot, given = implementation.slot, len(call.arguments)
    names = [*slot.leading, *map(text.ordinal, range(len(slot.leading), given))]
    return dict(zip(names, call.arguments, strict=False)) | call.options


def _visible(implementation: OnTrial, result: Any) -> Any:
    """Return a result without its cache."""
    terms = implementation.slot.shapes.returns
    if len(terms) == 1 or not isinstance(result, tuple) or len(result) != len(terms):
        return result
    seen = tuple(value for term, value in zip(terms, result, strict=True) if term.word != "cache")
    return seen[0] if len(seen) == 1 else seen


def _finite(result: Any) -> bool:
    return all(np.isfinite(array).all() for array in arrays(result) if array.dtype.kind == "f")


def _own_error(trial: Trial, error: BaseException) -> str:
    file = trial.claim.where.file
    return f"{file}:{text.line_of(error, ROOT / file)}: {text.describe(error)}"
