"""The toolbox compares, draws and computes as it says: a bug here would be a bug in every claim."""

import subprocess
import sys
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import seed as seeded

from claims.engine.profiles import PROFILES, search
from claims.engine.reading import load
from claims.toolbox import data, exact, laboratory, statistics, strategies
from claims.toolbox.comparison import Off, at_most, conditioned, eps, gamma, product_bound, raises, within
from claims.toolbox.statistics import at_least

nan, inf = np.nan, np.inf


@pytest.mark.parametrize(
    ("actual", "expected", "bound", "told"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0, None),
        ([1.0, 2.5], [1.0, 2.0], 0.5, None),
        ([0.0, inf], [-0.0, inf], 0.0, None),
        ([], [], 0.0, None),
        (1.0, 1, 0.0, None),
        ([1.0, 2.0], [1.0, 2.5], 0.0, "at [1]: 2.0 should be 2.5"),
        ([[1.0, 3.0]], [[1.2, 3.1]], [[1.0, 0.01]], "at [0, 1]: 3.0 should be 3.1, off by 0.1 where 0.01 is allowed"),
        ([nan, 9.0], [0.0, 0.0], 1.0, "at [0]: nan should be 0.0, off by nan where 1 is allowed"),
        (nan, nan, inf, "nan should be nan, off by nan where inf is allowed"),
        ([inf], [-inf], 1.0, "at [0]: inf should be -inf, off by inf where 1 is allowed"),
        ([1.0, 2.0], [1.0], 5.0, "shape (2,) should be (1,)"),
        ([[1.0]], [1.0], 5.0, "shape (1, 1) should be (1,)"),
        ([True], [False], 0.0, "at [0]: True should be False"),
    ],
)
def test_within_names_the_worst_entry(actual, expected, bound, told):
    """Under a failed assert stands what came, what should have, and where; nothing warns on the way."""
    found = within(np.asarray(actual), np.asarray(expected), bound)

    assert (found is True) if told is None else (not found and repr(found) == told)


def test_at_most_names_the_one_furthest_above():
    """An upper bound says by which entry it is broken; NaN breaks every bound."""
    assert at_most([1.0, 2.0], 2.0) is True
    assert repr(at_most([1.0, 3.0, 2.5], 2.0)) == "at [1]: 3.0 should be at most 2.0"
    assert repr(at_most(nan, 2.0)) == "nan should be at most 2.0"


def test_raises_lets_other_exceptions_pass():
    """A claim about a ValueError is not satisfied by a TypeError."""
    assert raises(ValueError, int, "x") is True
    assert repr(raises(ValueError, int, "3")) == "3 came where ValueError should be raised"
    with pytest.raises(TypeError):
        raises(ValueError, int, [])


@pytest.mark.parametrize("n", [1, 7, 64])
def test_gamma_bounds_the_error_of_a_sum(n):
    """The bound holds on 2000 random sums of products, and is neither loose by thousands nor nearly broken."""
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal((2, 2000, n))
    ratio = np.zeros(2000)
    for i, (row, other) in enumerate(zip(a, b, strict=True)):
        exactly = sum(Fraction(x) * Fraction(y) for x, y in zip(row, other, strict=True))
        error = abs(Fraction(float((row * other).sum())) - exactly)
        ratio[i] = float(error) / (gamma(n) * (abs(row) * abs(other)).sum())

    assert 1e-3 < ratio.max() <= 1.0
    assert gamma(1) == eps / 2 / (1 - eps / 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_bound_of_a_product_holds_and_bites(dtype):
    """In either precision the bound holds on 500 products, comes close, and an error of four bounds breaks it."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(500):
        a, b = rng.standard_normal((3, 5)).astype(dtype), rng.standard_normal((5, 2)).astype(dtype)
        exactly = (exact.fractions(a) @ exact.fractions(b)).astype(float)
        bound = product_bound(a, b)
        assert within((a @ b).astype(float), exactly, bound)
        assert not within((a @ b).astype(float) + 4 * bound, exactly, bound)
        worst = max(worst, float(np.max(np.abs((a @ b).astype(float) - exactly) / bound)))

    assert 1e-2 < worst <= 1.0
    assert gamma(5, np.float32) == pytest.approx(gamma(5) * 2**29, rel=1e-5)


def test_a_conditioned_bound_propagates_the_error():
    """The root of a sum is known as well as the sum allows, and no better than its own rounding."""
    rng = np.random.default_rng(2)
    worst = 0.0
    for a, b in rng.uniform(1, 2, (2000, 2)):
        computed = np.sqrt(a * a + b * b)
        square = Fraction(a) ** 2 + Fraction(b) ** 2
        # √square to 40 digits: the integer root of square · 10⁸⁰.
        root = isqrt(int(square * 10**80)) / Fraction(10**40)
        bound = conditioned(0.5 / computed, gamma(2) * float(square), computed)
        error = float(abs(Fraction(float(computed)) - root))
        worst = max(worst, error / float(bound))
        assert not within(computed + 4 * bound, float(root), bound)

    assert 1e-2 < worst <= 1.0


def test_rank_is_exact_where_floats_guess():
    """A determinant that rounds to zero does not make a matrix singular, and one that rounds to 1e-17 no basis."""
    assert exact.rank([[1, 0], [0, 2.0**-60]]) == 2
    assert exact.rank([[0.1, 0.3], [1, 3]]) == 2  # 0.3 is not 3 · 0.1 in binary
    assert exact.rank([[1, 2], [2, 4]]) == 1
    assert exact.rank(np.zeros((3, 2))) == 0
    assert exact.rank(np.zeros((0, 2))) == 0
    rng = np.random.default_rng(0)
    for k in range(5):
        assert exact.rank(rng.integers(-9, 10, (4, k)) @ rng.integers(-9, 10, (k, 5))) == k


def test_fractions_are_the_floats_themselves():
    """0.1 in float64 is not one tenth, and a proof must not pretend so."""
    assert exact.fractions([[0.5, 0.1]])[0, 0] == Fraction(1, 2)
    assert exact.fractions([[0.5, 0.1]])[0, 1] == Fraction(0.1) != Fraction(1, 10)


def test_at_least_stops_when_it_is_settled():
    """Twenty-four successes of thirty are known after twenty-four; so are seven failures after seven."""
    seen = []

    def outcomes(good):
        for seed in range(30):
            seen.append(seed)
            yield seed, good(seed)

    assert at_least(24, 30, outcomes(lambda _: True)) is True
    assert len(seen) == 24
    seen.clear()
    found = at_least(24, 30, outcomes(lambda seed: seed == 2 or Off("too low")))
    assert repr(found) == "1 of 8 seeds, where 24 of 30 should; not seed 7: too low"


def test_the_false_alarms_of_a_run_add_up_to_one_in_a_million():
    """With every measured claim redrawn, a thorough run still fails for no reason less than once in a million."""
    measured = [claim for claim in load().claims.values() if claim.kind == "measured"]

    assert sum(claim.false_alarm for claim in measured) <= 1e-6
    assert all(claim.false_hold <= 1e-3 for claim in measured)


def test_the_probabilities_are_scipys():
    """The two probabilities that a measured claim states are the exact ones."""
    stats = pytest.importorskip("scipy.stats")

    for k, n, p in [(24, 30, 0.5), (0, 5, 0.3), (6, 5, 0.3), (5, 5, 0.3), (31, 40, 0.9661)]:
        assert statistics.upper_tail(k, n, p) == pytest.approx(stats.binom.sf(k - 1, n, p), rel=1e-10)
    assert statistics.false_hold(24, 30) == pytest.approx(stats.binom.sf(23, 30, 0.5), rel=1e-12)
    for wins, runs in [(1000, 1000), (200, 200), (195, 200), (40, 50)]:
        assert statistics.lower_bound(wins, runs) == pytest.approx(
            stats.beta.ppf(0.001, wins, runs - wins + 1), rel=1e-9
        )
    low = stats.beta.ppf(0.001, 200, 1)
    assert statistics.false_alarm(31, 40, calibrated=200, runs=200) == pytest.approx(
        stats.binom.cdf(30, 40, low), rel=1e-6
    )
    assert statistics.sign_test(9, 1) == pytest.approx(stats.binomtest(9, 10, alternative="greater").pvalue)
    assert statistics.sign_test(9, 1, ties=2) > statistics.sign_test(9, 1)


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
        "from tests.test_toolbox import drawn, LAYERS; from claims.toolbox import strategies\n"
        "print([c.W.tolist() for c in drawn(strategies.integer_arrays(**LAYERS), 60, seed=5)])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code.format(extra=extra)], capture_output=True, text=True, check=True
        ).stdout
        for extra in ("pass", "import claims.command.catalogue, tests.test_runs, tests.test_layout")
    ]

    assert said[0] == said[1]
    assert said[0].count("[[") > 50


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


def test_digits_are_real_and_cannot_be_changed():
    """A measured claim that scaled its data in place would spoil those of all others."""
    x, y = data.digits()

    assert (x.shape, x.min(), x.max(), sorted(set(y))) == ((1797, 64), 0.0, 1.0, list(range(10)))
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1


def test_the_other_tables_are_what_they_say():
    """What a measured claim says about its data is so."""
    wine, cancer, text = data.wine(), data.breast_cancer(), data.english()

    assert (wine.x.shape, np.bincount(wine.y).tolist()) == ((178, 13), [59, 71, 48])
    assert (cancer.x.shape, np.bincount(cancer.y).tolist()) == ((569, 30), [212, 357])
    assert (text.min(), text.max(), len(text) > 100_000) == (0, 47, True)
    counts = np.bincount(text)[:47]
    assert (np.diff(counts) <= 0).all()


def test_standardising_measures_the_training_data_alone():
    """Validation data that helped to scale would leak into training; a constant pixel must not divide by 0."""
    x = data.digits().x
    train, other = data.standardised(x[:1000], x[1000:])
    constant = x[:1000].std(axis=0) == 0

    assert np.abs(train.mean(axis=0)).max() < 1e-12
    assert np.abs(train[:, ~constant].std(axis=0) - 1).max() < 1e-12
    assert constant.any()
    assert np.isfinite(other).all()
    assert (other == (x[1000:] - x[:1000].mean(axis=0)) / np.where(constant, 1, x[:1000].std(axis=0))).all()


def draw_one(seed):
    """An experiment: a number that depends on the seed alone."""
    return float(laboratory.streams(seed, "noise")["noise"].random())


def test_streams_have_names_and_repeats_have_an_order():
    """More draws for one purpose, or more processes, change no result."""
    alone, beside = laboratory.streams(1, "order"), laboratory.streams(1, "mask", "order")
    beside["mask"].random(100)

    assert alone["order"].random() == beside["order"].random() != laboratory.streams(2, "order")["order"].random()
    assert laboratory.repeat(draw_one, range(6)) == laboratory.repeat(draw_one, range(6), workers=2)


def test_the_laboratory_trains_by_the_right_gradient():
    """A wrong gradient in the laboratory would measure something else than it says."""
    rng = np.random.default_rng(0)
    layers, x, y = laboratory.draw_layers([3, 4, 2], rng), rng.standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])

    def loss(weights, biases):
        logits = laboratory.relu_forward(x, weights, biases)[0]
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(5), y]))

    logits, cache = laboratory.relu_forward(x, *layers)
    _, d_weights, d_biases = laboratory.relu_backward(laboratory.cross_entropy_gradient(logits, y), cache)
    for group, gradients in enumerate((d_weights, d_biases)):
        for k, gradient in enumerate(gradients):
            for at in np.ndindex(gradient.shape):
                step = 1e-6
                up, down = (tuple([array.copy() for array in part] for part in layers) for _ in range(2))
                up[group][k][at] += step
                down[group][k][at] -= step
                # A central difference errs by the rounding of the loss over the step, and by its square.
                assert abs((loss(*up) - loss(*down)) / (2 * step) - gradient[at]) < 1e-8
    trained = laboratory.train(
        layers,
        x,
        y,
        laboratory.relu_forward,
        laboratory.relu_backward,
        rng,
        epochs=200,
        batch_size=5,
        lr=0.1,
        momentum=0.9,
    )
    assert loss(*trained) < 0.1 * loss(*layers)
    assert laboratory.accuracy(laboratory.relu_forward(x, *trained)[0], y) == 1.0
