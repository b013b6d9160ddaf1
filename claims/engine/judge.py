"""Judge one trial: try the claim on its implementations and say what came of it."""

import inspect
import time
from typing import Any

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis.errors import Flaky

from claims.engine import text
from claims.engine.attempt import Attempt, Settled
from claims.engine.contract import FEW, OnTrial
from claims.engine.declare import Claim
from claims.engine.diagnosis import smaller
from claims.engine.evaluation import Here, copied
from claims.engine.profiles import CONTRACT_CASES, MISTAKE_CASES, PROFILES, Profile, search, seed_of, seeds_of
from claims.engine.trials import Trial
from claims.engine.verdict import Verdict, named, verdict_on


def judge(trial: Trial, profile: Profile = PROFILES["default"], seed: int = 0, *, redraw: bool = False) -> Verdict:
    """Return the verdict on one trial.

    `seed` decides which cases are tried, together with the trial's id.  A measured claim runs on
    fixed seeds of its own unless `redraw` says that they come from `seed`, too.
    """
    start = time.perf_counter()
    verdict = _judge(trial, profile, seed, redraw=redraw)
    verdict.seconds = time.perf_counter() - start
    return verdict


def watched(trial: Trial, *, keep: int = FEW) -> dict[str, OnTrial]:
    """Return the implementations of a trial, ready to be called as a claim calls them; each keeps so many calls."""
    here = Here()
    return {
        name: OnTrial(
            trial.slots[name],
            function,
            trial.authors[name],
            getattr(function, "place", here),
            always_repeat=trial.is_contract,
            keep=keep,
        )
        for name, function in trial.functions.items()
    }


def _judge(trial: Trial, profile: Profile, seed: int, *, redraw: bool) -> Verdict:
    if reason := _left_out(trial, profile):
        return Verdict("not judged", reason)
    item_seed = seed_of(seed, trial.id)
    implementations = watched(trial)
    seeds = seeds_of(trial.claim.seeds, item_seed if redraw or profile.fresh else None)
    minimal = trial.role == "search" and profile.minimal
    attempt = Attempt(trial.claim, implementations, trial.must_fail and not minimal, seeds)
    if trial.witness is not None and trial.role != "search":
        _try(attempt, lambda: attempt.case(**copied(trial.witness or {})))
        if attempt.error is None:
            name = "counterexample" if trial.role == "myth" else "witness"
            return Verdict(
                "error" if trial.role == "mistake" else "held",
                f"its {name} {text.show(dict(trial.witness))} refutes nothing",
            )
    if trial.role == "subject":  # what refutes a known mistake may refute an unknown one
        for drawn in [mistake.witness for mistake in trial.claim.mistakes if mistake.witness is not None]:
            _try(attempt, lambda drawn=drawn: attempt.case(**copied(drawn)))
    if (attempt.error is None and trial.role != "myth") or trial.role == "subject":  # search finds a smaller input
        _try(attempt, lambda: _search(attempt, trial, profile, item_seed, shrink=not attempt.settle))
    verdict = verdict_on(trial, attempt)
    if trial.is_contract and not implementations[trial.slot].calls and verdict.outcome == "held":
        verdict = Verdict("not judged", f"no case that was tried calls {trial.slot}")
    if minimal and verdict.outcome == "refuted" and trial.witness is not None and smaller(attempt.drawn, trial.witness):
        verdict = Verdict("error", f"search finds something smaller: {verdict.counterexample}", attempt.cases)
    verdict.calls = {name: implementation.calls for name, implementation in implementations.items()}
    verdict.warnings = [
        f"{message} at {text.arguments(named(each, call))}"
        for each in implementations.values()
        for message, call in each.noted.items()
    ]
    return verdict


def _left_out(trial: Trial, profile: Profile) -> str:
    """Return why a trial is not judged, "" if it is."""
    if trial.claim.kind == "measured" and not profile.measured:
        return trial.missing or "measured claims need the default profile"
    if trial.claim.kind == "measured" and trial.role == "legal" and not profile.measured_variants:
        return "variants of measured claims need the thorough profile"
    return trial.missing


def _search(attempt: Attempt, trial: Trial, profile: Profile, seed: int, *, shrink: bool) -> None:
    run = as_test(trial.claim, attempt.case)
    if trial.claim.drawn:
        run = search(_cases(trial, profile), shrink=shrink)(seeded(seed)(run))
    run()


def _cases(trial: Trial, profile: Profile) -> int:
    if trial.must_fail:  # also of a contract: its exercise may mean most of its calls to be refused
        return MISTAKE_CASES
    if trial.is_contract:
        return CONTRACT_CASES
    return profile.variant_cases if trial.role == "legal" else profile.cases


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


def _try(attempt: Attempt, run: Any) -> None:
    """Run, and leave in `attempt.error` what ended it."""
    try:
        run()
    except (Settled, Flaky):  # a flaky failure is a failure: the same input must give the same answer
        pass
    except Exception as error:  # noqa: BLE001 - whatever a claim or an implementation raises becomes a verdict
        attempt.error = error if attempt.error is None else attempt.error
