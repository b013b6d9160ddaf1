"""Strategies reach what breaks code, shrink to the smallest, and draw the same cases from the same seed."""

import ast
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import seed as seeded

from claims.engine.declare import ROOT
from claims.engine.profiles import PROFILES, search
from claims.toolbox import strategies


def drawn(strategy, cases=400, seed=0):
    """Return so many cases of a strategy."""
    found = []

    def keep(case):
        found.append(case)

    search(cases, shrink=False)(seeded(seed)(given(case=strategy)(keep)))()
    return found


LAYERS = {"x": "ND", "W": "DK", "b": "K"}


ARRAYS = [
    strategies.integer_arrays,
    strategies.small_integer_arrays,
    strategies.dyadic_arrays,
    strategies.real_arrays,
    strategies.logit_arrays,
]


@pytest.mark.parametrize("draw", ARRAYS)
def test_strategies_reach_what_breaks_code(draw):
    """Size 1, equal and unequal sizes, constant columns, zeros: what a person forgets to try occurs often."""
    found = drawn(draw(**LAYERS))
    shapes = [(*case.x.shape, len(case.b)) for case in found]

    assert all(case.x.shape[1] == len(case.W) and case.W.shape[1] == len(case.b) for case in found)
    assert sum(len(set(shape)) == 1 for shape in shapes) >= 40  # a transposition is no error of shape
    assert sum(len(set(shape)) == 3 for shape in shapes) >= 40
    assert sum(shape[0] == 1 for shape in shapes) >= 40
    assert {size for shape in shapes for size in shape} == {1, 2, 3, 4}
    assert sum(not case.W.any() for case in found) >= 20
    assert sum(bool(case.x.any() and len(case.x) > 1 and (case.x == case.x[0]).all()) for case in found) >= 20
    assert sum(bool(case.W.any() and (case.W == 0).any()) for case in found) >= 40


def test_strategies_reach_large_and_small_numbers():
    """Overflow needs ±1000, cancellation 1e-9; whole numbers stay exact in products of four matrices."""
    whole = np.concatenate([case.x.ravel() for case in drawn(strategies.integer_arrays(x="ND"))])
    real = np.concatenate([case.x.ravel() for case in drawn(strategies.real_arrays(x="ND"))])
    small = np.concatenate([case.x.ravel() for case in drawn(strategies.small_integer_arrays(x="ND"))])

    assert {1000.0, -1000.0} <= set(whole)
    assert (whole == np.rint(whole)).all()
    assert abs(whole).max() ** 4 * 4**3 < 2**53
    assert {1000.0, -1000.0, 1e-9, -1e-9, 0.5} <= set(real)
    assert set(small) == {float(i) for i in range(-3, 4)}


def test_large_arrays_are_filled_and_shrink():
    """An array of 64 numbers is no longer all coded, and still both varied and small when it has to be."""
    found = drawn(strategies.real_arrays(largest=64, x="N"))
    long = [case.x for case in found if len(case.x) == 64]

    assert {len(case.x) for case in found} >= {1, 64}
    assert sum(len(set(x[40:])) > 10 for x in long) >= 3
    last = []

    def test(case):
        last[:] = [case.x]
        assert len(case.x) < 40 or not (case.x[39:] > 1.5).any()

    with pytest.raises(AssertionError):
        search(500, shrink=True)(seeded(0)(given(case=strategies.real_arrays(largest=64, x="N"))(test)))()

    assert 40 <= len(last[0]) <= 48  # the numbers behind the first 32 are scattered together, not one by one


def test_dyadics_are_exact_and_not_whole():
    """Eighths show what whole numbers hide, and float64 adds and multiplies them without rounding."""
    values = np.concatenate([case.x.ravel() for case in drawn(strategies.dyadic_arrays(x="ND"))])

    assert (values * 8 == np.rint(values * 8)).all()
    assert (values != np.rint(values)).mean() > 0.2
    assert abs(values).max() == 4


def test_logits_reach_every_threshold_of_the_exponential():
    """Saturation, overflow and underflow occur in a few hundred cases."""
    values = np.concatenate([case.x.ravel() for case in drawn(strategies.logit_arrays(x="ND"))])

    for low, high in [
        (709.79, 1001),
        (-1001, -745.14),
        (-745.13, -708.4),
        (36.8, 40),
        (19.1, 33),
        (1e-301, 1e-9),
        (-1e-9, -1e-301),
    ]:
        assert ((values >= low) & (values <= high)).any(), (low, high)
    assert 5e-324 in values


def test_probabilities_reach_0_and_1():
    """The ends of the interval are where 0/0 and log 0 happen."""
    found = drawn(strategies.probabilities(), 200)

    assert {0.0, 1.0, 0.5, 1e-9} <= set(found)
    assert all(0 <= p <= 1 for p in found)


def test_generators_are_fresh_and_differ():
    """A case that is tried again draws the same numbers again; another draws others."""
    first, second = (drawn(strategies.generators(), 50, seed=3) for _ in range(2))

    assert [rng.random() for rng in first] == [rng.random() for rng in second]
    assert len({rng.random() for rng in first}) > 40


def test_a_case_shrinks_to_the_smallest():
    """A counterexample is as small as one drawn element by element: here a single number."""
    last = []

    def test(case):
        last[:] = [case]
        assert not (case.W > 1.5).any()

    with pytest.raises(AssertionError):
        search(300, shrink=True)(seeded(0)(given(case=strategies.integer_arrays(**LAYERS))(test)))()

    assert [array.tolist() for array in last[0]] == [[[0.0]], [[2.0]], [0.0]]


def test_a_seed_draws_the_same_cases_whatever_is_loaded():
    """A replay must show the same case, though Hypothesis learns constants from the modules around it."""
    code = (
        "import sys; sys.path.insert(0, '.'); {extra}\n"
        "from tests.test_strategies import drawn, LAYERS; from claims.toolbox import strategies\n"
        "print([c.W.tolist() for c in drawn(strategies.integer_arrays(**LAYERS), 60, seed=5)])\n"
        "print(drawn(strategies.choices(*range(256)), 200, seed=5))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code.format(extra=extra)], capture_output=True, text=True, check=True
        ).stdout
        for extra in ("pass", "import claims.command.catalogue, claims.judge.wire, tests.test_runs, tests.test_judge")
    ]

    assert said[0] == said[1]
    assert said[0].count("[[") > 50


def test_no_byte_string_of_ours_is_as_long_as_one_that_is_drawn():
    """Hypothesis would mix it in where the module that holds it happens to be loaded."""
    longest = max(
        len(node.value)
        for folder in ("answers", "claims", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes)
    )

    assert 0 < longest < strategies.LONGER


def test_choices_reach_every_option_and_prefer_the_first():
    """A drawn rate or depth takes every value, and shrinks to the first."""
    found = drawn(strategies.choices("first", "second", "third"), 200)

    assert set(found) == {"first", "second", "third"}
    assert found[0] == "first"  # Hypothesis begins with the simplest case


def test_profiles_do_not_depend_on_ci():
    """Hypothesis takes another profile on CI; a claim is judged alike there."""
    settings.register_profile("as on ci", settings.get_profile("ci"), max_examples=3)
    here = search(77, shrink=True)
    before = settings.default
    settings.load_profile("as on ci")
    try:
        there = search(77, shrink=True)
    finally:
        settings.register_profile("as before", before)
        settings.load_profile("as before")

    assert repr(here) == repr(there)
    assert (here.max_examples, here.derandomize, here.database, here.deadline) == (77, False, None, None)
    assert PROFILES["thorough"].cases == 10 * PROFILES["default"].cases
