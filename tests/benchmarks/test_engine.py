"""What the engine costs, on a synthetic book of the size that the whole one will have.

    uv run pytest tests/benchmarks --benchmark-only

Figures, not tests: nothing here passes or fails by the clock.
"""

import time

import pytest
from hypothesis import seed as seeded

from claims.engine.judge import as_test, judge
from claims.engine.profiles import MISTAKE_CASES, PROFILES, Profile, search, seed_of
from claims.engine.subjects import REFERENCE, Subject
from claims.engine.trials import trials
from tests.projects import book_of

CLAIMS = 350
HEAD = """
from claims import claim
from claims.toolbox.comparison import equal
from claims.toolbox.strategies import integer_arrays

layers = integer_arrays(x="ND", W="DK", b="K")
"""
SLOT = '''
def layer_{i}(x, W, b):
    """Return x W + b.

    Shapes: x (N, D), W (D, K), b (K,) -> (N, K)
    """
    return x @ W + b
'''
CLAIM = '''
@claim(layer=layers)
def layer_{i}_adds_its_bias(layer_{i}, layer):
    """Layer {i} adds its bias."""
    x, W, b = layer
    assert equal(layer_{i}(x, W, b) - b, x @ W)

@layer_{i}_adds_its_bias.refutes("layer_{i}")
def forgets_the_bias(x, W, b):
    return x @ W

@layer_{i}_adds_its_bias.refutes("layer_{i}")
def adds_the_bias_twice(x, W, b):
    return x @ W + 2 * b

@layer_{i}_adds_its_bias.refutes("layer_{i}")
def takes_sizes_for_inputs(x, W, b):
    return abs(x) @ W + b
'''


def sources(claims):
    """Return answers, claims and prose of a page with so many claims of three mistakes each."""
    prose = "# Q1 [E] Twice?\n\n" + "\n".join(f"[It adds][layer_{i}_adds_its_bias]." for i in range(claims)) + "\n"
    return (
        "".join(SLOT.format(i=i) for i in range(claims)),
        HEAD + "".join(CLAIM.format(i=i) for i in range(claims)),
        prose,
    )


def synthetic(claims):
    """Return the trials of such a page, without those of the contracts."""
    book = book_of(*sources(claims))
    assert book.faults == []
    reference = Subject(REFERENCE, {slot.name: slot.reference for slot in book.slots.values()})
    return [trial for trial in trials(book, [reference]) if not trial.is_contract]


def bare(trial, cases):
    """Try a claim as Hypothesis alone would: no contract, no verdict."""
    test = as_test(trial.claim, lambda **drawn: trial.claim.body(**trial.functions, **drawn))
    try:
        search(MISTAKE_CASES if trial.must_fail else cases, shrink=False)(seeded(seed_of(0, trial.id))(test))()
    except AssertionError:
        return


@pytest.mark.benchmark(group="overhead")
def test_judging_against_hypothesis_alone(benchmark):
    """350 claims and 1050 mistakes: the whole against the same cases under Hypothesis alone."""
    found = synthetic(CLAIMS)
    profile = PROFILES["default"]
    for trial in found[:4]:
        judge(trial), bare(trial, profile.cases)
    alone = judged = 0.0
    for trial in found:  # in turns, so that a change of the machine's load meets both alike
        start = time.process_time()
        bare(trial, profile.cases)
        alone -= start - time.process_time()
        start = time.process_time()
        judge(trial, profile)
        judged -= start - time.process_time()
    benchmark.extra_info.update(hypothesis_alone=alone, judged=judged, overhead=judged / alone - 1)
    benchmark.pedantic(lambda: [judge(trial, profile) for trial in found[:40]], rounds=3)


@pytest.mark.benchmark(group="claims")
@pytest.mark.parametrize("claims", [25, 100, 350])
def test_cost_by_claims(benchmark, claims):
    """Ten times the claims, ten times the time."""
    found = synthetic(claims)

    assert all(judge(trial).outcome == ("refuted" if trial.must_fail else "held") for trial in found)
    benchmark.pedantic(lambda: [judge(trial) for trial in found], rounds=1)


@pytest.mark.benchmark(group="cases")
@pytest.mark.parametrize("cases", [25, 100, 1000, 4000])
def test_cost_by_cases(benchmark, cases):
    """Ten times the cases, ten times the time."""
    (trial,) = (trial for trial in synthetic(1) if trial.role == "subject")
    profile = Profile(
        "default", cases, measured=True, fresh=False, variant_cases=25, measured_variants=False, minimal=False
    )

    assert judge(trial, profile).cases == cases
    benchmark.pedantic(lambda: judge(trial, profile), rounds=3)


@pytest.mark.benchmark(group="collection")
@pytest.mark.parametrize("claims", [1, 350])
def test_collection(benchmark, project, claims):
    """What 350 claims add to a run that collects one."""
    answers, claimed, prose = sources(claims)
    project.page(answers=answers, claims=claimed, prose=prose)
    done = benchmark.pedantic(lambda: project.pytest("--collect-only", "claims"), rounds=3, warmup_rounds=1)

    assert f"layer_{claims - 1}_adds_its_bias[not-forgets_the_bias]" in done.stdout
