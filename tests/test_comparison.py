"""Comparisons say what is wrong, bounds hold and bite, exact arithmetic is exact: a bug here is one in every claim."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from claims.toolbox import exact
from claims.toolbox.comparison import at_most, conditioned, eps, gamma, product_bound, raises, within

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
