"""Q4: the shapes of sigmoid, tanh, ReLU and leaky ReLU, their derivatives, and what these do to training."""

from decimal import Decimal
from functools import cache
from math import erf

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.data import digits
from claims.toolbox.exact import nearest
from claims.toolbox.statistics import at_least
from claims.toolbox.strategies import (
    case,
    choices,
    integer_arrays,
    logit_arrays,
    real_arrays,
    small_integer_arrays,
)

points = logit_arrays(x="N")
pairs = logit_arrays(x="N", y="N")
whole = integer_arrays(x="N")
slopes = choices(0.5, 0.01, 0.25, 0.0, 1.0, 2.0, -1.0)
rising_slopes = choices(0.5, 0.01, 0.25, 0.0, 1.0, 2.0)
dyadic_slopes = choices(0.5, 0.25, 0.0, 1.0, 2.0, -1.0)
inverse_powers_of_two = choices(0.5, 0.25, 0.125, 1.0)


def logistic(x):
    return 1 / (1 + (-x).exp())


def logistic_slope(x):
    e = (-abs(x)).exp()
    return e / (1 + e) ** 2


def hyperbolic_tangent(x):
    e = (-2 * abs(x)).exp()
    return ((1 - e) / (1 + e)).copy_sign(x)


# The four graphs


@claim(at=points)
def sigmoid_errs_by_at_most_4_eps(sigmoid, at):
    """The sigmoid is 1/(1 + e⁻ˣ), within 4 ε, for every float: no overflow, 0 at −∞ and 1 at ∞.

    The error is absolute.  Written with tanh, the sigmoid rounds to 0 below −37, where it is e^x: whether
    that is good enough depends on what is done with it.  Compared with 50 digits.
    """
    x = np.append(at.x, [np.inf, -np.inf])
    expected = np.append(nearest(logistic, at.x), [1.0, 0.0])
    # Two exponentials, a sum and a quotient of numbers up to 1, each within ε or so.
    assert within(sigmoid(x), expected, 4 * eps)


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def divides_infinity_by_infinity(x):
    return np.exp(x) / (1 + np.exp(x))


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def forgets_the_minus(x):
    return 1 / (1 + np.exp(x))


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def clips_its_input_at_30(x):
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def takes_the_stable_branch_on_both_sides(x):
    return 1 / (1 + np.exp(-np.abs(x)))


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def is_piecewise_linear(x):
    return np.clip(x / 6 + 0.5, 0, 1)


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def forgets_to_halve_the_input_of_tanh(x):
    return 0.5 * (1 + np.tanh(x))


@sigmoid_errs_by_at_most_4_eps.refutes("sigmoid")
def computes_in_single_precision(x):
    return (1 / (1 + np.exp(-x.astype(np.float32)))).astype(np.float64)


@legal("sigmoid")
def divides_by_one_plus_exp(x):
    return 1 / (1 + np.exp(-x))


@legal("sigmoid")
def by_tanh_of_the_half(x):
    return 0.5 * (1 + np.tanh(x / 2))


@claim(at=points)
def sigmoid_symmetry(sigmoid, at):
    """The graph of the sigmoid is symmetric about (0, ½): σ(−x) = 1 − σ(x)."""
    # 4 ε for either σ, and a rounding of the difference.
    assert within(sigmoid(-at.x), 1 - sigmoid(at.x), 9 * eps)


sigmoid_symmetry.refutes("sigmoid")(takes_the_stable_branch_on_both_sides)


@sigmoid_symmetry.refutes("sigmoid")
def is_centred_elsewhere(x):
    return 1 / (1 + np.exp(1 - x))


@sigmoid_symmetry.refutes("sigmoid")
def takes_the_complementary_log_log(x):
    return -np.expm1(-np.exp(x))


@claim(at=points)
def tanh_errs_by_at_most_4_eps(tanh, at):
    """Tanh is (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ), within 4 ε, for every float: no overflow, −1 at −∞ and 1 at ∞."""
    x = np.append(at.x, [np.inf, -np.inf])
    expected = np.append(nearest(hyperbolic_tangent, at.x), [1.0, -1.0])
    # 2σ(2x) − 1 is legal, and doubles what σ errs by.
    assert within(tanh(x), expected, 4 * eps)


@tanh_errs_by_at_most_4_eps.refutes("tanh")
def divides_two_sums_that_overflow(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


@tanh_errs_by_at_most_4_eps.refutes("tanh")
def forgets_the_sign(x):
    e = np.exp(-2 * np.abs(x))
    return (1 - e) / (1 + e)


@tanh_errs_by_at_most_4_eps.refutes("tanh")
def clips_to_one(x):
    return np.clip(x, -1, 1)


@tanh_errs_by_at_most_4_eps.refutes("tanh")
def forgets_the_two_in_the_exponent(x):
    return 2 / (1 + np.exp(-x)) - 1


@legal("tanh")
def asks_numpy(x):
    return np.tanh(x)


@legal("tanh")
def by_a_sigmoid(x):
    return 2 / (1 + np.exp(-2 * x)) - 1


@claim(at=points)
def tanh_is_2_sigmoid_2x_minus_1(tanh, sigmoid, at):
    """Tanh is a sigmoid, stretched and shifted: tanh(x) = 2σ(2x) − 1."""
    # 4 ε for tanh, twice that for σ, and a rounding of the difference.
    assert within(tanh(at.x), 2 * sigmoid(2 * at.x) - 1, 13 * eps)


tanh_is_2_sigmoid_2x_minus_1.refutes("tanh")(forgets_the_two_in_the_exponent)


@tanh_is_2_sigmoid_2x_minus_1.refutes("tanh")
def forgets_to_shift_down(x):
    return 2 / (1 + np.exp(-2 * x))


@tanh_is_2_sigmoid_2x_minus_1.refutes("sigmoid")
def squares_the_exponential(x):
    return 1 / (1 + np.exp(-2 * x))


@claim(at=real_arrays(x="N"))
def relu_positive_part_identities(relu, at):
    """ReLU is the positive part: relu(x) ≥ 0, relu(x) − relu(−x) = x, and one of relu(x), relu(−x) is 0.

    Exactly, and nothing else has these three properties.  Hence relu(x) + relu(−x) = |x|, and a
    second ReLU changes nothing.
    """
    x = at.x
    up, down = relu(x), relu(-x)
    assert at_most(0.0, up)
    assert equal(up - down, x)
    assert equal(up * down, np.zeros_like(x))
    assert equal(up + down, np.abs(x))
    assert equal(relu(up), up)
    assert relu(np.array(np.inf)) == np.inf


@relu_positive_part_identities.refutes("relu")
def takes_the_size(x):
    return np.abs(x)


@relu_positive_part_identities.refutes("relu")
def is_cut_off_at_6(x):
    return np.clip(x, 0, 6)


@relu_positive_part_identities.refutes("relu")
def is_smooth(x):
    return np.logaddexp(0, x)


@relu_positive_part_identities.refutes("relu")
def leaks(x):
    return np.where(x > 0, x, 0.01 * x)


@relu_positive_part_identities.refutes("relu")
def starts_at_1(x):
    return np.where(x >= 1, x, 0.0)


@relu_positive_part_identities.refutes("relu")
def keeps_the_negative_part(x):
    return np.minimum(x, 0.0)


@relu_positive_part_identities.refutes("relu")
def is_a_step(x):
    return np.heaviside(x, 0.0)


@relu_positive_part_identities.refutes("relu")
def decays_to_minus_1(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


@legal("relu")
def masks_its_input(x):
    return x * (x > 0)


@legal("relu")
def halves_x_and_its_size(x):
    return (x + np.abs(x)) / 2


@claim(at=real_arrays(x="N"), alpha=slopes)
def leaky_decomposition_and_max_form(leaky_relu, relu, at, alpha):
    """Leaky ReLU is relu(x) − α relu(−x): max(x, αx) for α ≤ 1, but min(x, αx) for α ≥ 1.

    To the rounding of one product, for every α; 0.01 if none is given.
    """
    x = at.x
    out = leaky_relu(x, negative_slope=alpha)
    assert within(out, relu(x) - alpha * relu(-x), eps * abs(out))
    assert within(out, np.maximum(x, alpha * x) if alpha <= 1 else np.minimum(x, alpha * x), eps * abs(out))
    assert equal(leaky_relu(x), leaky_relu(x, negative_slope=0.01))


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def takes_the_larger_of_x_and_alpha_x(x, *, negative_slope=0.01):
    return np.maximum(x, negative_slope * x)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def leaks_on_the_positive_side(x, *, negative_slope=0.01):
    return np.where(x > 0, negative_slope * x, x)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def leaks_upward(x, *, negative_slope=0.01):
    return np.where(x > 0, x, -negative_slope * x)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def leaks_a_constant(x, *, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def divides_by_the_slope(x, *, negative_slope=0.01):
    return np.where(x > 0, x, x / negative_slope if negative_slope else 0.0)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def has_another_default(x, *, negative_slope=0.3):
    return np.where(x > 0, x, negative_slope * x)


@leaky_decomposition_and_max_form.refutes("leaky_relu")
def ignores_the_slope_it_is_given(x, *, negative_slope=0.01):
    return np.where(x > 0, x, 0.01 * x)


@legal("leaky_relu")
def masks_the_slope(x, *, negative_slope=0.01):
    return x * np.where(x > 0, x.dtype.type(1), x.dtype.type(negative_slope))


@legal("leaky_relu")
def chooses_between_max_and_min(x, *, negative_slope=0.01):
    return (np.maximum if negative_slope <= 1 else np.minimum)(x, negative_slope * x)


@claim(at=points, alpha=rising_slopes)
def activations_are_monotone(sigmoid, tanh, relu, leaky_relu, at, alpha):
    """None of the four ever falls; for leaky ReLU, as long as α ≥ 0.

    On floats ReLU and leaky ReLU never fall either, sigmoid and tanh by rounding only.
    """
    x = np.sort(np.concatenate([at.x, at.x + 1 / 1024, at.x + 1]))
    # Two values that err by 4 ε each may fall by 8 ε.
    assert at_most(-8 * eps, np.diff(sigmoid(x)))
    assert at_most(-8 * eps, np.diff(tanh(x)))
    assert at_most(0.0, np.diff(relu(x)))
    assert at_most(0.0, np.diff(leaky_relu(x, negative_slope=alpha)))


activations_are_monotone.refutes("sigmoid")(forgets_the_minus)
activations_are_monotone.refutes("tanh")(divides_two_sums_that_overflow)
activations_are_monotone.refutes("leaky_relu")(leaks_upward)


@activations_are_monotone.refutes("relu")
def weighs_x_by_its_sigmoid(x):
    return x * 0.5 * (1 + np.tanh(x / 2))


@claim(at=pairs, alpha=slopes)
def lipschitz_constants(sigmoid, tanh, relu, leaky_relu, at, alpha):
    """The steepest slopes are ¼ for sigmoid, 1 for tanh and ReLU, max(1, |α|) for leaky ReLU.

    No two points on a graph are steeper, and some are as steep: next to 0 for sigmoid and tanh.
    """
    x, y, h = at.x, at.y, 2.0**-10
    run = np.abs(x - y)
    # Each value errs by 4 ε, products and differences by a few ε of what goes into them.
    slack = 8 * eps * (1 + max(1, abs(alpha)) * (np.abs(x) + np.abs(y)))
    steepest = max(1, abs(alpha))
    for f, slope in ((sigmoid, 0.25), (tanh, 1.0), (relu, 1.0)):
        assert at_most(np.abs(f(x) - f(y)), slope * run + slack)
    leaky_rise = np.abs(leaky_relu(x, negative_slope=alpha) - leaky_relu(y, negative_slope=alpha))
    assert at_most(leaky_rise, steepest * run + slack)
    near = np.array([-h, 0.0, h])
    # tanh u ≥ u − u³/3, and σ(h) − σ(−h) = tanh(h/2).
    assert at_most(h / 2 - h**3 / 24 - 8 * eps, np.ptp(sigmoid(near)))
    assert at_most(2 * h - 2 * h**3 / 3 - 8 * eps, np.ptp(tanh(near)))
    assert np.abs(np.diff(relu(near))).max() == h
    assert within(np.abs(np.diff(leaky_relu(near, negative_slope=alpha))).max(), steepest * h, eps)


lipschitz_constants.refutes("sigmoid")(squares_the_exponential)
lipschitz_constants.refutes("tanh")(forgets_the_two_in_the_exponent)
lipschitz_constants.refutes("relu")(starts_at_1)
lipschitz_constants.refutes("leaky_relu")(divides_by_the_slope)


@lipschitz_constants.refutes("sigmoid")
def spreads_the_sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 4))


@claim(at=points)
def exponential_tails(sigmoid, tanh, at):
    """For x ≥ 0, σ(−x) lies between ½e⁻ˣ and e⁻ˣ, and 1 − tanh x between e⁻²ˣ and 2e⁻²ˣ.

    So both come close to their limits exponentially, and tanh the faster.
    """
    x = np.abs(at.x)
    e = np.exp(-x)
    # 4 ε for either function, and a rounding of e and of the difference.
    tail, rest = sigmoid(-x), 1 - tanh(x)
    assert at_most(e / 2 - 5 * eps, tail)
    assert at_most(tail, e + 5 * eps)
    assert at_most(e**2 - 6 * eps, rest)
    assert at_most(rest, 2 * e**2 + 6 * eps)


exponential_tails.refutes("sigmoid")(clips_its_input_at_30)


@exponential_tails.refutes("sigmoid")
def has_algebraic_tails(x):
    return 0.5 * (1 + x / (1 + np.abs(x)))


@exponential_tails.refutes("sigmoid")
def is_the_normal_distribution_function(x):
    return np.array([0.5 * (1 + erf(value * 1.702 / 2**0.5)) for value in x])


@exponential_tails.refutes("tanh")
def is_the_softsign(x):
    return x / (1 + np.abs(x))


exponential_tails.refutes("tanh")(clips_to_one)


# The slopes of the graphs


gaps = choices(1.0, 2.0**-6, 2.0**-12)


@claim(at=points, gap=gaps)
def sigmoid_and_tanh_rise_by_their_derivatives(sigmoid, sigmoid_grad, tanh, tanh_grad, at, gap):
    """On one side of 0, the average slope of σ or tanh between two points lies between the slopes there.

    Both slopes fall away from 0, so that is the mean value theorem, for steps of any length.
    """
    near = np.abs(at.x)
    far = near + gap
    run = far - near
    # A rise is a difference of values that err by 4 ε each; a slope errs by 4 ε, that of tanh by 10 ε.
    slack = eps * (9 + 12 * run)
    for f, slope in ((sigmoid, sigmoid_grad), (tanh, tanh_grad)):
        for sign in (1, -1):
            rise = sign * (f(sign * far) - f(sign * near))
            assert at_most(slope(sign * far) * run, rise + slack)
            assert at_most(rise, slope(sign * near) * run + slack)


@sigmoid_and_tanh_rise_by_their_derivatives.refutes("sigmoid_grad")
def takes_the_output_for_the_input(x):
    return x * (1 - x)


@sigmoid_and_tanh_rise_by_their_derivatives.refutes("sigmoid_grad")
def applies_the_sigmoid_twice(x):
    s = 1 / (1 + np.exp(-1 / (1 + np.exp(-x))))
    return s * (1 - s)


@sigmoid_and_tanh_rise_by_their_derivatives.refutes("tanh_grad")
def takes_the_slope_of_the_sigmoid(x):
    t = np.tanh(x / 2)
    return (1 - t * t) / 4


@sigmoid_and_tanh_rise_by_their_derivatives.refutes("tanh_grad")
def takes_the_output_of_tanh_for_its_input(x):
    return 1 - x**2


@claim(at=points)
def tanh_derivative_is_one_minus_tanh_squared(tanh, tanh_grad, sigmoid_grad, at):
    """The derivative of tanh is 1 − tanh²(x) = 4σ′(2x).

    It lies between 0 and 1.  Compared with 50 digits, within 10 ε: 1 − t² is legal, and doubles what t errs by.
    """
    x = np.append(at.x, at.x / 1024)  # close to 0, too, where series in x are tempting
    g = tanh_grad(x)
    assert within(g, nearest(lambda x: 4 * logistic_slope(2 * x), x), 10 * eps)
    # 10 ε for the derivative; then twice the 4 ε of tanh, or four times the 4 ε of σ′, and a rounding.
    assert within(g, 1 - tanh(x) ** 2, 20 * eps)
    assert within(g, 4 * sigmoid_grad(2 * x), 27 * eps)


tanh_derivative_is_one_minus_tanh_squared.refutes("tanh_grad")(takes_the_output_of_tanh_for_its_input)


@tanh_derivative_is_one_minus_tanh_squared.refutes("tanh_grad")
def takes_the_first_terms_of_the_series_near_0(x):
    return np.where(np.abs(x) < 0.01, 1 - x * x, 1 - np.tanh(x) ** 2)


@tanh_derivative_is_one_minus_tanh_squared.refutes("tanh_grad")
def forgets_to_square_tanh(x):
    return 1 - np.tanh(x)


@tanh_derivative_is_one_minus_tanh_squared.refutes("tanh_grad")
def adds_the_square(x):
    return 1 + np.tanh(x) ** 2


@tanh_derivative_is_one_minus_tanh_squared.refutes("tanh_grad")
def forgets_to_square_cosh(x):
    return 1 / np.cosh(x)


@legal("tanh_grad")
def subtracts_the_square_of_tanh(x):
    t = np.tanh(x)
    return 1 - t * t


@legal("tanh_grad")
def divides_by_cosh_squared(x):
    return 1 / np.cosh(x) ** 2


@claim(at=whole, alpha=dyadic_slopes)
def relu_slope_is_zero_or_one_leaky_never_zero(relu, relu_grad, leaky_relu, leaky_relu_grad, at, alpha):
    """Off 0 the slope of ReLU is 0 or 1, that of leaky ReLU α or 1; at 0 any value between will do.

    Each is what its graph rises by between x and 2x, divided by x, exactly.
    """
    x = np.append(at.x[at.x != 0], [2.0**-30, -(2.0**-30)])
    assert equal(relu_grad(x), np.where(x > 0, 1.0, 0.0))
    assert equal(leaky_relu_grad(x, negative_slope=alpha), np.where(x > 0, 1.0, alpha))
    assert equal(leaky_relu_grad(x), leaky_relu_grad(x, negative_slope=0.01))
    assert equal(relu_grad(x) * x, relu(2 * x) - relu(x))
    rise = leaky_relu(2 * x, negative_slope=alpha) - leaky_relu(x, negative_slope=alpha)
    assert equal(leaky_relu_grad(x, negative_slope=alpha) * x, rise)
    kink = np.zeros(1)
    assert 0 <= relu_grad(kink)[0] <= 1
    assert min(alpha, 1) <= leaky_relu_grad(kink, negative_slope=alpha)[0] <= max(alpha, 1)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("relu_grad")
def takes_the_value_for_the_slope(x):
    return np.maximum(x, 0.0)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("relu_grad")
def takes_the_sign(x):
    return np.sign(x)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("relu_grad")
def steps_up_at_1(x):
    return np.where(x > 1, 1.0, 0.0)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("relu_grad")
def steps_up_a_little_before_0(x):
    return np.where(x > -1e-8, 1.0, 0.0)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("relu_grad")
def is_2_at_the_kink(x):
    return np.heaviside(x, 2.0)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("leaky_relu_grad")
def is_small_only_near_zero(x, *, negative_slope=0.01):
    return np.where((x > 0) | (x < -1), 1.0, negative_slope)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("leaky_relu_grad")
def multiplies_the_slope_by_x(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, negative_slope * x)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("leaky_relu_grad")
def forgets_the_leak(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, 0.0)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("leaky_relu_grad")
def ignores_its_slope(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, 0.01)


@relu_slope_is_zero_or_one_leaky_never_zero.refutes("leaky_relu_grad")
def has_no_slope_at_the_kink(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, np.where(x < 0, negative_slope, -2.0))


@legal("relu_grad")
def is_a_half_at_the_kink(x):
    return (np.sign(x) + 1) / 2


@legal("relu_grad")
def is_1_at_the_kink(x):
    return (x >= 0).astype(float)


@legal("leaky_relu_grad")
def leaks_below_the_kink_only(x, *, negative_slope=0.01):
    return np.where(x < 0, negative_slope, 1.0)


@proved()
def sigmoid_curvature(sigmoid_second_derivative):
    """σ″ = σ′(1 − 2σ): σ is convex left of 0, concave right of it, and bent most at ±ln(2 + √3) ≈ ±1.317.

    There |σ″| = 1/(6√3).  By SymPy: with s = σ(x) the curvature is s(1 − s)(1 − 2s), a cubic whose
    extremes on [0, 1] lie at ½ ± √3/6.  The function on trial is compared with 50 digits at 645
    points, those extremes included.
    """
    x, expected = curvatures()
    # Products of σ, σ′ and 1 − 2σ, which are known to 4 ε, 4 ε and 9 ε and are at most 1, ¼ and 1.
    assert within(sigmoid_second_derivative(x), expected, 8 * eps)
    assert curvature_is_the_cubic()


@cache
def curvatures():
    x = np.array([*np.arange(-320, 321) / 8, np.log(2 + 3**0.5), -np.log(2 + 3**0.5), 1000.0, -1000.0])
    return x, nearest(lambda x: logistic_slope(x) * (1 - 2 * logistic(x)), x)


@cache
def curvature_is_the_cubic():
    import sympy  # noqa: PLC0415

    s, u = sympy.symbols("s u", positive=True)  # u = e⁻ˣ, so that d/dx is −u d/du
    sigma = 1 / (1 + u)
    curvature = -u * sympy.diff(-u * sympy.diff(sigma, u), u)
    cubic = s * (1 - s) * (1 - 2 * s)
    assert sympy.cancel(curvature - cubic.subs(s, sigma)) == 0
    extremes = sorted(sympy.solve(sympy.diff(cubic, s), s))
    assert [sympy.expand(cubic.subs(s, at) ** 2) for at in extremes] == [sympy.Rational(1, 108)] * 2
    root = sympy.sqrt(3)
    for at, odds in zip(extremes, (2 - root, 2 + root), strict=True):  # x = ln(s/(1 − s)) there, and ln(2 − √3) < 0
        assert sympy.expand(odds * (1 - at) - at) == 0
    return sympy.expand((2 + root) * (2 - root)) == 1


@sigmoid_curvature.refutes("sigmoid_second_derivative")
def differentiates_only_once(x):
    s = 0.5 * (1 + np.tanh(x / 2))
    return s * (1 - s)


@sigmoid_curvature.refutes("sigmoid_second_derivative")
def has_the_other_sign(x):
    s = 0.5 * (1 + np.tanh(x / 2))
    return s * (1 - s) * (2 * s - 1)


@sigmoid_curvature.refutes("sigmoid_second_derivative")
def forgets_the_two(x):
    s = 0.5 * (1 + np.tanh(x / 2))
    return s * (1 - s) * (1 - s)


@sigmoid_curvature.refutes("sigmoid_second_derivative")
def applies_the_first_derivative_twice(x):
    s = 0.5 * (1 + np.tanh(x / 2))
    return s * (1 - s) * (1 - s * (1 - s))


@legal("sigmoid_second_derivative")
def bends_by_tanh(x):
    t = np.tanh(x / 2)
    return -t * (1 - t) * (1 + t) / 4


# Types


@claim(at=points, alpha=slopes)
def single_precision_stays_single(sigmoid, tanh, relu, leaky_relu, at, alpha):
    """Given float32, all four return float32, within a few of its ε, and none overflows."""
    x = at.x.astype(np.float32)
    exact, eps32 = x.astype(np.float64), 2.0**-23
    # As in double precision, 4 ε for functions up to 1; ReLU is exact, αx a product and a rounding of α.
    assert within(sigmoid(x), nearest(logistic, exact), 4 * eps32)
    assert within(tanh(x), nearest(hyperbolic_tangent, exact), 4 * eps32)
    assert equal(relu(x), np.maximum(exact, 0))
    expected = np.where(exact > 0, exact, alpha * exact)
    assert within(leaky_relu(x, negative_slope=alpha), expected, 2 * eps32 * np.abs(expected))


single_precision_stays_single.refutes("sigmoid")(divides_infinity_by_infinity)
single_precision_stays_single.refutes("tanh")(divides_two_sums_that_overflow)


@single_precision_stays_single.refutes("relu")
def computes_in_double_precision(x):
    return np.maximum(x.astype(np.float64), 0.0)


@claim(at=logit_arrays(x="NDK"))
def every_entry_has_an_answer_of_its_own(sigmoid, tanh, sigmoid_grad, tanh_grad, at):
    """Sigmoid, tanh and their derivatives work entry by entry, on arrays of any shape and on a single number."""
    x = at.x
    for f in (sigmoid, tanh, sigmoid_grad, tanh_grad):
        all_at_once = f(x)
        # Each of the two answers errs by as much as 10 ε.
        assert within(f(x.ravel()), all_at_once.ravel(), 20 * eps)
        assert within(f(np.array(x[0, 0, 0])), all_at_once[0, 0, 0], 20 * eps)


@every_entry_has_an_answer_of_its_own.refutes("sigmoid")
def shares_one_exponent_along_the_last_axis(x):
    top = np.max(x, axis=-1, keepdims=True) if x.ndim else x
    return np.exp(x - top) / (np.exp(x - top) + np.exp(np.clip(-top, -700, 700)))


@every_entry_has_an_answer_of_its_own.refutes("tanh")
def makes_a_list_of_a_number(x):
    return np.tanh(np.atleast_1d(x))


@every_entry_has_an_answer_of_its_own.refutes("tanh_grad")
def makes_a_list_of_the_slope_at_a_number(x):
    return 1 - np.tanh(np.atleast_1d(x)) ** 2


@every_entry_has_an_answer_of_its_own.refutes("sigmoid_grad")
def averages_the_slope_over_the_batch(x):
    e = np.exp(-np.abs(x))
    return e / (1 + e) ** 2 / (len(x) if x.ndim > 1 else 1)


@claim(at=points, beta=choices(1.0, 0.5, 2.0))
def slopes_stay_in_single_precision(sigmoid_grad, tanh_grad, softplus, at, beta):
    """Given float32, σ′, tanh′ and softplus return float32, too, within a few of its ε."""
    x = at.x.astype(np.float32)
    exact, eps32 = x.astype(np.float64), 2.0**-23
    # As in double precision.
    assert within(sigmoid_grad(x), nearest(logistic_slope, exact), 4 * eps32)
    assert within(tanh_grad(x), nearest(lambda x: 4 * logistic_slope(2 * x), exact), 10 * eps32)
    expected = np.maximum(exact, 0) + np.log1p(np.exp(-beta * np.abs(exact))) / beta
    assert within(softplus(x, beta=beta), expected, 4 * eps32 * (np.abs(exact) + 1 / beta))


@slopes_stay_in_single_precision.refutes("sigmoid_grad")
def squares_what_overflows(x):
    return np.exp(-x) / (1 + np.exp(-x)) ** 2


@slopes_stay_in_single_precision.refutes("tanh_grad")
def widens_to_double_precision(x):
    return 1 - np.tanh(x.astype(np.float64)) ** 2


@slopes_stay_in_single_precision.refutes("softplus")
def adds_a_double_to_single_precision(x, *, beta=1.0):
    return np.maximum(x, np.float64(0)) + np.log1p(np.exp(-np.abs(beta * x))) / beta


@claim(at=whole)
def whole_numbers_are_not_truncated(sigmoid, tanh, sigmoid_grad, tanh_grad, at):
    """Given an array of integers, sigmoid, tanh and their derivatives return floats, not integers."""
    x = at.x.astype(np.int64)
    assert within(sigmoid(x), nearest(logistic, x), 4 * eps)
    assert within(tanh(x), nearest(hyperbolic_tangent, x), 4 * eps)
    assert within(sigmoid_grad(x), nearest(logistic_slope, x), 4 * eps)
    assert within(tanh_grad(x), nearest(lambda x: 4 * logistic_slope(2 * x), x), 10 * eps)


@whole_numbers_are_not_truncated.refutes("sigmoid")
def fills_an_array_like_its_input(x):
    out = np.zeros_like(x)
    out[x >= 0] = 1 / (1 + np.exp(-x[x >= 0]))
    out[x < 0] = np.exp(x[x < 0]) / (1 + np.exp(x[x < 0]))
    return out


@whole_numbers_are_not_truncated.refutes("tanh")
def rounds_to_the_type_of_its_input(x):
    return np.tanh(x).astype(x.dtype)


@whole_numbers_are_not_truncated.refutes("sigmoid_grad")
def rounds_the_slope_to_the_type_of_its_input(x):
    e = np.exp(-np.abs(x))
    return (e / (1 + e) ** 2).astype(x.dtype)


@whole_numbers_are_not_truncated.refutes("tanh_grad")
def rounds_the_slope_of_tanh_to_the_type_of_its_input(x):
    return (1 - np.tanh(x) ** 2).astype(x.dtype)


# For and against each


@claim(chain=integer_arrays(w="N", b="N", x=""))
def sigmoid_chain_gradient_is_at_most_prod_w_over_4(sigmoid_chain_bound, sigmoid, sigmoid_grad, chain):
    """Through sigmoid units in a row the gradient is at most the product of all |w|/4.

    With all pre-activations 0 it is as large as that.  So it shrinks wherever |w| < 4, and at least fourfold
    where |w| ≤ 1.
    """
    n = len(chain.w)
    exact = np.prod(np.abs(chain.w)) / 4.0**n  # whole numbers and a power of two: no rounding
    # A quotient and a product in each of n places.
    assert within(sigmoid_chain_bound(chain.w), exact, gamma(2 * n) * exact)
    assert sigmoid_chain_bound(chain.w[:0]) == 1
    # σ′ errs by 4 ε, that is by 16 ε of its greatest value, and two products in each of n places round.
    slack = gamma(36 * n) * exact
    assert at_most(abs(chain_gradient(sigmoid, sigmoid_grad, chain.w, chain.b, chain.x)), exact + slack)
    at_zero = chain_gradient(sigmoid, sigmoid_grad, chain.w, -chain.w / 2, 0.5)
    assert within(abs(at_zero), exact, slack)


def chain_gradient(activation, slope, weights, biases, a):
    """Return ∂output/∂input of units in a row, each with one weight and one bias."""
    gradient = 1.0
    for w, b in zip(weights, biases, strict=True):
        z = w * a + b
        gradient *= w * slope(z)
        a = activation(z)
    return gradient


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def forgets_the_weights(weights):
    return 0.25 ** len(weights)


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def divides_by_five(weights):
    return float(np.prod(np.abs(weights) / 5))


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def divides_by_four_once(weights):
    return float(np.prod(np.abs(weights)) / 4)


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def forgets_the_absolute_value(weights):
    return float(np.prod(weights / 4))


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def takes_the_largest_slope_for_1(weights):
    return float(np.prod(np.abs(weights)))


@sigmoid_chain_gradient_is_at_most_prod_w_over_4.refutes("sigmoid_chain_bound")
def finds_nothing_in_an_empty_chain(weights):
    return float(np.prod(np.abs(weights) / 4)) if len(weights) else 0.0


@legal("sigmoid_chain_bound")
def multiplies_one_weight_at_a_time(weights):
    bound = 1.0
    for w in weights.tolist():
        bound *= abs(w)
    return bound / 4 ** len(weights)


networks = small_integer_arrays(x="ND", W1="DH", b1="H", W2="HC", b2="C")


@claim(net=networks)
def tanh_net_equals_sigmoid_net(tanh_as_sigmoid_network, tanh, sigmoid, net):
    """Every tanh network equals a sigmoid network of the same size.

    Take 2W₁, 2b₁, 2W₂, and b₂ less the sum of the rows of W₂: that is tanh(z) = 2σ(2z) − 1 in every unit.
    """
    x, W1, b1, W2, b2 = net
    V1, c1, V2, c2 = tanh_as_sigmoid_network(W1, b1, W2, b2)
    size = np.abs(W2).sum(axis=0)
    # 4 ε for tanh and for each of two σ, or 12 ε of |W₂|; the sums, of terms up to 3|W₂| + |b₂|, on either side.
    bound = 12 * eps * size + 2 * gamma(len(W2) + 3) * (3 * size + np.abs(b2))
    actual, expected = sigmoid(x @ V1 + c1) @ V2 + c2, tanh(x @ W1 + b1) @ W2 + b2
    assert within(actual, expected, bound)


@tanh_net_equals_sigmoid_net.refutes("tanh_as_sigmoid_network")
def forgets_to_double_the_output_weights(W1, b1, W2, b2):
    return 2 * W1, 2 * b1, W2.copy(), b2 - W2.sum(axis=0)


@tanh_net_equals_sigmoid_net.refutes("tanh_as_sigmoid_network")
def forgets_to_mend_the_output_bias(W1, b1, W2, b2):
    return 2 * W1, 2 * b1, 2 * W2, b2.copy()


@tanh_net_equals_sigmoid_net.refutes("tanh_as_sigmoid_network")
def forgets_to_double_the_hidden_bias(W1, b1, W2, b2):
    return 2 * W1, b1.copy(), 2 * W2, b2 - W2.sum(axis=0)


@tanh_net_equals_sigmoid_net.refutes("tanh_as_sigmoid_network")
def forgets_to_double_the_first_weights(W1, b1, W2, b2):
    return W1.copy(), 2 * b1, 2 * W2, b2 - W2.sum(axis=0)


@tanh_net_equals_sigmoid_net.refutes("tanh_as_sigmoid_network")
def adds_the_rows_to_the_bias(W1, b1, W2, b2):
    return 2 * W1, 2 * b1, 2 * W2, b2 + W2.sum(axis=0)


@legal("tanh_as_sigmoid_network")
def turns_every_unit_over(W1, b1, W2, b2):
    return -2 * W1, -2 * b1, -2 * W2, b2 + np.ones(len(W2)) @ W2


@claim(at=points, alpha=slopes)
def saturated_units_pass_no_gradient(sigmoid_grad, tanh_grad, relu_grad, at, alpha):
    """The slopes of σ and tanh fall off like e^−|x| and e^−2|x|; that of an active ReLU is 1 at any input.

    σ′ lies between ¼e^−|x| and e^−|x|, tanh′ between e^−2|x| and 4e^−2|x|.
    """
    x = at.x
    e = np.exp(-np.abs(x))
    # 4 ε for σ′, 10 ε for tanh′, and a rounding of e.
    assert at_most(e / 4 - 5 * eps, sigmoid_grad(x))
    assert at_most(sigmoid_grad(x), e + 5 * eps)
    assert at_most(e**2 - 12 * eps, tanh_grad(x))
    assert at_most(tanh_grad(x), 4 * e**2 + 12 * eps)
    assert equal(relu_grad(x[x > 0]), np.ones_like(x[x > 0]))


saturated_units_pass_no_gradient.refutes("sigmoid_grad")(takes_the_output_for_the_input)
saturated_units_pass_no_gradient.refutes("tanh_grad")(takes_the_slope_of_the_sigmoid)
saturated_units_pass_no_gradient.refutes("relu_grad")(takes_the_value_for_the_slope)


@saturated_units_pass_no_gradient.refutes("sigmoid_grad")
def keeps_only_the_first_factor(x):
    return 0.5 * (1 + np.tanh(x / 2))


@saturated_units_pass_no_gradient.refutes("relu_grad")
def fades_like_a_sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


relu_chains = integer_arrays(w="N", b="N", x="")


@claim(chain=relu_chains)
def relu_chain_passes_all_or_nothing(relu, relu_grad, leaky_relu, leaky_relu_grad, chain):
    """Through ReLU units in a row the gradient is 0 or ∏w; through n leaky ones it lies between αⁿ∏|w| and ∏|w|.

    In size; for 0 < α ≤ 1 and pre-activations other than 0, which the biases see to.  Exactly.
    """
    n = len(chain.w)
    biases = chain.b + 4.0 ** -np.arange(1, n + 1)  # finer than all that came before: no sum is 0
    product = np.prod(chain.w)

    def leaky(z):
        return leaky_relu(z, negative_slope=0.5)

    def leaky_slope(z):
        return leaky_relu_grad(z, negative_slope=0.5)

    assert chain_gradient(relu, relu_grad, chain.w, biases, chain.x) in (0, product)
    gradient = chain_gradient(leaky, leaky_slope, chain.w, biases, chain.x)
    assert 0.5**n * abs(product) <= abs(gradient) <= abs(product)


relu_chain_passes_all_or_nothing.refutes("relu_grad")(takes_the_value_for_the_slope)
relu_chain_passes_all_or_nothing.refutes("relu_grad")(takes_the_sign)
relu_chain_passes_all_or_nothing.refutes("leaky_relu_grad")(forgets_the_leak)


@relu_chain_passes_all_or_nothing.refutes("relu_grad")
def is_a_half_when_inactive(x):
    return np.where(x > 0, 1.0, 0.5)


@relu_chain_passes_all_or_nothing.refutes("leaky_relu_grad")
def applies_the_slope_twice(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, negative_slope**2)


@claim(at=integer_arrays(x="I", d="K"))
def positive_inputs_force_one_gradient_sign_per_example(sigmoid, relu, at):
    """For one example, the gradients of a unit's weights share a sign if its inputs are sigmoids or ReLUs.

    Inputs a₁, a₂, … ≥ 0 give the gradients δa₁, δa₂, … with the same δ.  So one step moves all these weights
    up, or all of them down.
    """
    for activation in (sigmoid, relu):
        gradients = np.outer(activation(at.x), at.d)  # (inputs, next units)
        assert at_most(0.0, gradients * at.d)


positive_inputs_force_one_gradient_sign_per_example.refutes("relu")(leaks)


@positive_inputs_force_one_gradient_sign_per_example.refutes("sigmoid")
def is_centred_at_0(x):
    return 0.5 * np.tanh(x / 2)


@claim(at=whole, alpha=dyadic_slopes)
def relu_passes_on_half_the_square(relu, leaky_relu, at, alpha):
    """Over inputs as often z as −z, ReLU passes on half the mean square, leaky ReLU (1 + α²)/2 of it.

    This is what an initialisation that keeps the signal's size has to make up for.  Exactly.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015, arXiv 1502.01852.
    """
    z = np.concatenate([at.x, -at.x])
    assert equal(2 * np.sum(relu(z) ** 2), np.sum(z**2))
    assert equal(2 * np.sum(leaky_relu(z, negative_slope=alpha) ** 2), (1 + alpha**2) * np.sum(z**2))


relu_passes_on_half_the_square.refutes("relu")(takes_the_size)
relu_passes_on_half_the_square.refutes("relu")(is_cut_off_at_6)
relu_passes_on_half_the_square.refutes("leaky_relu")(leaks_a_constant)
relu_passes_on_half_the_square.refutes("leaky_relu")(ignores_the_slope_it_is_given)


@claim(at=whole, alpha=slopes, scale=choices(2.0, 0.5, 0.0, 1024.0))
def relu_and_leaky_are_positively_homogeneous(relu, leaky_relu, at, alpha, scale):
    """ReLU and leaky ReLU have no scale of their own: f(cx) = c f(x) for every c ≥ 0.

    Exactly, for c = 0 and powers of two.
    """
    x = at.x
    assert equal(relu(scale * x), scale * relu(x))
    assert equal(leaky_relu(scale * x, negative_slope=alpha), scale * leaky_relu(x, negative_slope=alpha))


relu_and_leaky_are_positively_homogeneous.refutes("relu")(is_cut_off_at_6)
relu_and_leaky_are_positively_homogeneous.refutes("relu")(is_smooth)
relu_and_leaky_are_positively_homogeneous.refutes("relu")(decays_to_minus_1)
relu_and_leaky_are_positively_homogeneous.refutes("leaky_relu")(leaks_a_constant)


@claim(at=whole, alpha=inverse_powers_of_two)
def leaky_inverse_and_relu_from_two_leaky(leaky_relu, relu, at, alpha):
    """Leaky ReLU loses nothing, for slope 1/α undoes slope α; and two of them make a ReLU.

    (1 − α²) relu(x) = leaky(x) + α leaky(−x).  A ReLU maps all negative inputs to 0.  Exactly, for powers of two.
    """
    x = at.x
    out = leaky_relu(x, negative_slope=alpha)
    assert equal(leaky_relu(out, negative_slope=1 / alpha), x)
    assert equal((1 - alpha**2) * relu(x), out + alpha * leaky_relu(-x, negative_slope=alpha))


leaky_inverse_and_relu_from_two_leaky.refutes("leaky_relu")(takes_the_larger_of_x_and_alpha_x)
leaky_inverse_and_relu_from_two_leaky.refutes("leaky_relu")(leaks_upward)
leaky_inverse_and_relu_from_two_leaky.refutes("relu")(leaks)


# Sigmoid as an output


decisions = logit_arrays(z="N", y="N")


@claim(net=decisions)
def binary_cross_entropy_gradient_is_sigma_minus_y(binary_cross_entropy_with_logits, sigmoid, net):
    """Behind a sigmoid, the gradient of the mean cross-entropy at the logits is (σ(z) − y)/N.

    The targets are the drawn y, cut to [0, 1].
    """
    z, y = net.z, np.clip(net.y, 0, 1)
    _, d_logits = binary_cross_entropy_with_logits(z, y)
    # 4 ε for σ on either side, two differences and quotients.
    assert within(d_logits, (sigmoid(z) - y) / len(z), 11 * eps / len(z))


def losses_by_logaddexp(z, y):
    return np.logaddexp(0, z) - y * z


def sigmoid_by_tanh(z):
    return 0.5 * (1 + np.tanh(z / 2))


@binary_cross_entropy_gradient_is_sigma_minus_y.refutes("binary_cross_entropy_with_logits")
def multiplies_by_the_slope_of_the_sigmoid(logits, y):
    s = sigmoid_by_tanh(logits)
    return float(losses_by_logaddexp(logits, y).mean()), (s - y) * s * (1 - s) / len(y)


@binary_cross_entropy_gradient_is_sigma_minus_y.refutes("binary_cross_entropy_with_logits")
def forgets_to_average_the_gradient(logits, y):
    return float(losses_by_logaddexp(logits, y).mean()), sigmoid_by_tanh(logits) - y


@binary_cross_entropy_gradient_is_sigma_minus_y.refutes("binary_cross_entropy_with_logits")
def turns_the_gradient_around(logits, y):
    return float(losses_by_logaddexp(logits, y).mean()), (y - sigmoid_by_tanh(logits)) / len(y)


@binary_cross_entropy_gradient_is_sigma_minus_y.refutes("binary_cross_entropy_with_logits")
def forgets_the_sigmoid(logits, y):
    return float(losses_by_logaddexp(logits, y).mean()), (logits - y) / len(y)


@legal("binary_cross_entropy_with_logits")
def subtracts_y_times_z(logits, y):
    losses = np.maximum(logits, 0) - y * logits + np.log1p(np.exp(-np.abs(logits)))
    return float(np.sum(losses) / len(y)), (sigmoid_by_tanh(logits) - y) / len(y)


@claim(net=decisions)
def binary_cross_entropy_is_finite(binary_cross_entropy_with_logits, net):
    """Taken from the logits z, cross-entropy −y ln σ − (1 − y) ln(1 − σ) is finite and accurate even at ±1000.

    Its mean over the batch, in nats; the targets are the drawn y, cut to [0, 1].  Compared with 50 digits.
    """
    z, y = net.z, np.clip(net.y, 0, 1)
    loss, _ = binary_cross_entropy_with_logits(z, y)
    expected = nearest(lambda z, y: (1 + z.exp()).ln() - y * z, z, y)
    # Each loss is a sum of terms up to |z| + ln 2, which err by a few ε of that; the sum adds up to 4 of them.
    assert within(loss, expected.mean(), 8 * eps * (1 + np.abs(z).mean()))


@binary_cross_entropy_is_finite.refutes("binary_cross_entropy_with_logits")
def takes_the_logarithm_of_a_rounded_probability(logits, y):
    s = sigmoid_by_tanh(logits)
    return float(-(y * np.log(s) + (1 - y) * np.log(1 - s)).mean()), (s - y) / len(y)


@binary_cross_entropy_is_finite.refutes("binary_cross_entropy_with_logits")
def clips_the_probability(logits, y):
    s = np.clip(sigmoid_by_tanh(logits), 1e-7, 1 - 1e-7)
    return float(-(y * np.log(s) + (1 - y) * np.log(1 - s)).mean()), (s - y) / len(y)


@binary_cross_entropy_is_finite.refutes("binary_cross_entropy_with_logits")
def sums_the_losses(logits, y):
    return float(losses_by_logaddexp(logits, y).sum()), (sigmoid_by_tanh(logits) - y) / len(y)


@binary_cross_entropy_is_finite.refutes("binary_cross_entropy_with_logits")
def forgets_the_negative_class(logits, y):
    return float((y * np.logaddexp(0, -logits)).mean()), (sigmoid_by_tanh(logits) - y) / len(y)


@binary_cross_entropy_is_finite.refutes("binary_cross_entropy_with_logits")
def counts_in_bits(logits, y):
    return float(losses_by_logaddexp(logits, y).mean() / np.log(2)), (sigmoid_by_tanh(logits) - y) / len(y)


@claim(at=logit_arrays(z="N"))
def bce_gradient_never_saturates_mse_does(binary_cross_entropy_with_logits, sigmoid, sigmoid_grad, at):
    """On the wrong side of 0 cross-entropy's gradient is ½ or more, squared error's at most e^−|z|.

    That is, for each example, |σ(z) − y| ≥ ½ against |σ(z) − y| σ′(z) for ½(σ(z) − y)².
    """
    z = at.z
    y = np.where(z < 0, 1.0, 0.0)
    _, d_logits = binary_cross_entropy_with_logits(z, y)
    # 4 ε for σ and for σ′, and a few roundings.
    assert at_most(0.5 - 6 * eps, np.abs(d_logits) * len(z))
    assert at_most(np.abs(sigmoid(z) - y) * sigmoid_grad(z), np.exp(-np.abs(z)) + 6 * eps)


bce_gradient_never_saturates_mse_does.refutes("binary_cross_entropy_with_logits")(
    multiplies_by_the_slope_of_the_sigmoid
)


@bce_gradient_never_saturates_mse_does.refutes("binary_cross_entropy_with_logits")
def takes_no_gradient_where_it_clipped(logits, y):
    s = sigmoid_by_tanh(logits)
    return float(losses_by_logaddexp(logits, y).mean()), np.where(np.abs(logits) > 16, 0.0, s - y) / len(y)


# Measured on digits


@measured(seeds=30, false_hold=7.2e-4, false_alarm=5e-12)
def deep_sigmoid_gradients_vanish(sigmoid, sigmoid_grad, tanh, tanh_grad, relu, relu_grad, seeds):
    """On digits, nine sigmoid layers shrink backpropagated errors over 10,000-fold; tanh and ReLU not tenfold.

    Ten hidden layers of 64 units as drawn, 16 digits: the root mean square of the backpropagated error at the first
    pre-activations over that at the last.  Weights of variance 1/64, and 2/64 for ReLU.  In 1000 calibration runs
    the ratio was 1·10⁻⁶ to 4·10⁻⁶ for sigmoid, 0.22 to 0.51 for tanh and 0.57 to 2.6 for ReLU; held in all.
    24 of 30 seeds must succeed.

    Errors, not the weights' gradients: those of one layer over those of another do not show it, because where
    errors shrink on the way back, activations often shrink just as much on the way forth.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """

    def holds(seed):
        weights, x, y = drawn_network(seed)
        return (
            error_ratio(sigmoid, sigmoid_grad, weights, x, y) < 1e-4
            and 0.1 < error_ratio(tanh, tanh_grad, weights, x, y) < 1
            and 0.1 < error_ratio(relu, relu_grad, [2**0.5 * W for W in weights], x, y) < 10
        )

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))


@cache
def drawn_network(seed):
    """Return the weights of ten hidden layers and an output layer, and 16 standardised digits with their labels."""
    x, y = digits()
    rng = np.random.default_rng(seed)
    weights, _ = lab.draw_layers([64] * 11 + [10], rng)
    rows = rng.choice(len(x), 16, replace=False)
    return weights, ((x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9))[rows], y[rows]


def error_ratio(activation, slope, weights, x, y):
    """Return how large the backpropagated errors are at the first hidden layer, relative to the last."""
    pre_activations, a = [], x
    for W in weights[:-1]:
        pre_activations.append(a @ W)
        a = activation(pre_activations[-1])
    d, sizes = lab.cross_entropy_gradient(a @ weights[-1], y), []
    for W, z in zip(reversed(weights[1:]), reversed(pre_activations), strict=True):
        d = d @ W.T * slope(z)
        sizes.append(np.sqrt(np.mean(d**2)))
    return sizes[-1] / sizes[0]


@deep_sigmoid_gradients_vanish.refutes("sigmoid_grad")
def has_slope_1_at_0(x):
    return 1 - np.tanh(x / 2) ** 2


deep_sigmoid_gradients_vanish.refutes("tanh_grad")(takes_the_slope_of_the_sigmoid)


@deep_sigmoid_gradients_vanish.refutes("relu_grad")
def halves_the_slope(x):
    return np.heaviside(x, 0.0) / 2


# Where ReLU has no derivative


eighths = integer_arrays(x="N").map(lambda drawn: drawn._replace(x=drawn.x / 8))


@claim(at=eighths)
def relu_one_sided_slopes(relu, at):
    """At 0 ReLU has slope 1 to the right and 0 to the left, so no derivative.

    Symmetric steps of any length make it ½, which is neither.  Exactly.
    """
    h = at.x[at.x != 0]
    start = relu(np.zeros_like(h))
    assert equal((relu(h) - start) / h, np.where(h > 0, 1.0, 0.0))
    assert equal((relu(h) - relu(-h)) / (2 * h), np.full_like(h, 0.5))


relu_one_sided_slopes.refutes("relu")(is_smooth)
relu_one_sided_slopes.refutes("relu")(takes_the_size)
relu_one_sided_slopes.refutes("relu")(leaks)
relu_one_sided_slopes.refutes("relu")(starts_at_1)


@proved()
def central_difference_of_relu(relu, relu_grad):
    """Central differences of ReLU are its slope where |x| ≥ h, but (x + h)/2h where |x| < h.

    So a gradient check of a right program is off by up to ½ for every pre-activation nearer to 0 than
    its step.  Between kinks both sides are linear in x and h; here exactly, at all multiples of ⅛ with
    |x| ≤ 3 and 0 < h ≤ 2.
    """
    x, h = np.meshgrid(np.arange(-24, 25) / 8, np.arange(1, 17) / 8)
    central = (relu(x + h) - relu(x - h)) / (2 * h)
    assert equal(central, np.clip((x + h) / (2 * h), 0, 1))
    far = (np.abs(x) >= h) & (x != 0)
    assert equal(central[far], relu_grad(x[far]))


central_difference_of_relu.refutes("relu")(is_smooth)
central_difference_of_relu.refutes("relu_grad")(takes_the_value_for_the_slope)
central_difference_of_relu.refutes("relu_grad")(steps_up_at_1)


@proved()
def subgradients_of_relu(relu):
    """The subgradients of ReLU are 1 for x > 0, 0 for x < 0, and at 0 every number from 0 to 1.

    g is a subgradient at x if relu(y) ≥ relu(x) + g (y − x) for all y: its line stays below the graph.
    ReLU is linear on either side of 0, so y = −8, 0, 8 decide; exactly, for all multiples of ⅛ as g up to 2.
    """
    x, g, y = np.meshgrid(np.arange(-4.0, 5.0), np.arange(-16, 17) / 8, np.array([-8.0, 0.0, 8.0]), indexing="ij")
    below = np.all(relu(y) >= relu(x) + g * (y - x), axis=2)
    x, g = x[:, :, 0], g[:, :, 0]
    assert np.array_equal(below, np.where(x > 0, g == 1, np.where(x < 0, g == 0, (g >= 0) & (g <= 1))))


subgradients_of_relu.refutes("relu")(takes_the_size)
subgradients_of_relu.refutes("relu")(leaks)
subgradients_of_relu.refutes("relu")(is_smooth)


@claim(at=integer_arrays(x="N", y="N"))
def relu_grad_is_a_subgradient(relu, relu_grad, at):
    """What backprop takes for the slope of ReLU is a subgradient: its line stays below the graph.

    Any value from 0 to 1 at 0 will do.  Exactly, on whole numbers.
    """
    x = np.append(at.x, [0.0, 0.0])
    y = np.append(at.y, [-1.0, 1.0])
    assert at_most(relu(x) + relu_grad(x) * (y - x), relu(y))


relu_grad_is_a_subgradient.refutes("relu_grad")(takes_the_value_for_the_slope)
relu_grad_is_a_subgradient.refutes("relu_grad")(takes_the_sign)
relu_grad_is_a_subgradient.refutes("relu_grad")(steps_up_at_1)
relu_grad_is_a_subgradient.refutes("relu_grad")(is_2_at_the_kink)


@proved()
def no_relu_derivative_at_zero_is_right_for_all_programs(relu, relu_grad):
    """No value of ReLU′(0) makes backprop right for all programs of ReLUs that have a derivative.

    relu(x) − relu(−x) and relu(relu(x)) − relu(relu(−x)) are both x, whose slope is 1.
    With s for ReLU′(0) the chain rule says 2s for the first at 0 and 2s² for the second, and 2s = 2s² = 1
    has no solution.  Everywhere else it gives 1 for both, whatever s is.

    Source: Kakade and Lee, Provably Correct Automatic Subdifferentiation for Qualified Programs, NeurIPS 2018.
    """
    x = np.arange(-16, 17) / 8
    assert equal(relu(x) - relu(-x), x)
    assert equal(relu(relu(x)) - relu(relu(-x)), x)
    once = relu_grad(x) + relu_grad(-x)
    twice = relu_grad(relu(x)) * relu_grad(x) + relu_grad(relu(-x)) * relu_grad(-x)
    off_the_kink = x != 0
    assert equal(once[off_the_kink], np.ones(32))
    assert equal(twice[off_the_kink], np.ones(32))
    assert no_number_is_half_and_its_square_is_half()


@cache
def no_number_is_half_and_its_square_is_half():
    import z3  # noqa: PLC0415

    s, solver = z3.Real("s"), z3.Solver()
    solver.add(2 * s == 1, 2 * s * s == 1)
    return solver.check() == z3.unsat


no_relu_derivative_at_zero_is_right_for_all_programs.refutes("relu_grad")(takes_the_value_for_the_slope)
no_relu_derivative_at_zero_is_right_for_all_programs.refutes("relu_grad")(takes_the_sign)
no_relu_derivative_at_zero_is_right_for_all_programs.refutes("relu_grad")(is_a_half_when_inactive)
no_relu_derivative_at_zero_is_right_for_all_programs.refutes("relu")(leaks)


betas = choices(1.0, 0.5, 2.0, 10.0, 0.1)


@claim(at=points, beta=betas)
def softplus_gap(softplus, relu, at, beta):
    """Softplus ln(1 + e^(βx))/β lies above ReLU, by at most ln 2/β, and by exactly that at 0.

    Its distance from ReLU is the same at x and −x: softplus(x) − softplus(−x) = x.
    """
    x = at.x
    up = softplus(x, beta=beta)
    # Terms up to |x| and ln 2/β, a few roundings each.
    slack = 4 * eps * (np.abs(x) + 1 / beta)
    gap = up - relu(x)
    assert at_most(-slack, gap)
    assert at_most(gap, np.log(2) / beta + slack)
    assert within(up - softplus(-x, beta=beta), x, 2 * slack)
    assert within(softplus(np.zeros(1), beta=beta), np.full(1, np.log(2) / beta), 4 * eps / beta)
    assert equal(softplus(x), softplus(x, beta=1.0))


@softplus_gap.refutes("softplus")
def overflows(x, *, beta=1.0):
    return np.log(1 + np.exp(beta * x)) / beta


@softplus_gap.refutes("softplus")
def forgets_to_divide_by_beta(x, *, beta=1.0):
    return np.logaddexp(0, beta * x)


@softplus_gap.refutes("softplus")
def ignores_beta(x, *, beta=1.0):
    return np.logaddexp(0, x)


@softplus_gap.refutes("softplus")
def forgets_the_one_in_the_logarithm(x, *, beta=1.0):
    return x.copy()


@legal("softplus")
def adds_two_exponentials_in_the_logarithm(x, *, beta=1.0):
    return np.logaddexp(0, beta * x) / beta


@claim(at=points, beta=betas)
def softplus_is_accurate(softplus, at, beta):
    """Softplus is ln(1 + e^(βx))/β, within a few ε of |x| + 1/β, wherever e^(βx) overflows as well.

    Compared with 50 digits.  Switching to x above βx = 20, as one library does by default, errs by up to 2·10⁻⁹/β.
    """
    x = at.x
    expected = nearest(lambda x: (1 + (Decimal(beta) * x).exp()).ln() / Decimal(beta), x)
    # Terms up to |x| and ln 2/β, a few roundings each.
    assert within(softplus(x, beta=beta), expected, 4 * eps * (np.abs(x) + 1 / beta))


softplus_is_accurate.refutes("softplus")(overflows)
softplus_is_accurate.refutes("softplus")(ignores_beta)


@softplus_is_accurate.refutes("softplus", by={"at": case(x=[20.5]), "beta": 1.0})
def switches_to_x_above_20(x, *, beta=1.0):
    return np.where(beta * x > 20, x, np.log1p(np.exp(np.minimum(beta * x, 20))) / beta)


@convention(
    "softplus", "it is x itself from βx = 20 on, as in PyTorch, 2·10⁻⁹/β off, where this slot is exact", within=2e-10
)
def is_the_identity_above_20(x, *, beta=1.0):
    return switches_to_x_above_20(np.asarray(x), beta=beta)


@claim(at=points, gap=gaps, beta=betas)
def the_slope_of_softplus_is_the_sigmoid(softplus, sigmoid, at, gap, beta):
    """The derivative of softplus is σ(βx): between two points its average slope lies between the σ's there."""
    x = at.x
    y = x + gap
    run = y - x
    rise = softplus(y, beta=beta) - softplus(x, beta=beta)
    # Softplus errs by 4 ε (|x| + 1/β) at either end, σ by 4 ε, and βx by ε of it, which moves σ by less than ε.
    slack = 8 * eps * (np.abs(x) + gap + 1 / beta) + 6 * eps * run
    assert at_most(sigmoid(beta * x) * run, rise + slack)
    assert at_most(rise, sigmoid(beta * y) * run + slack)


the_slope_of_softplus_is_the_sigmoid.refutes("softplus")(forgets_to_divide_by_beta)
the_slope_of_softplus_is_the_sigmoid.refutes("softplus")(forgets_the_one_in_the_logarithm)
the_slope_of_softplus_is_the_sigmoid.refutes("sigmoid")(squares_the_exponential)
the_slope_of_softplus_is_the_sigmoid.refutes("sigmoid")(is_piecewise_linear)


@claim(at=integer_arrays(x="N", y="N"), alpha=dyadic_slopes)
def leaky_is_convex_iff_slope_at_most_one(leaky_relu, at, alpha):
    """Leaky ReLU is convex if and only if α ≤ 1; for α > 1 it lies above its chord from −1 to 1.

    Midpoint by midpoint, exactly.
    """

    def f(x):
        return leaky_relu(x, negative_slope=alpha)

    if alpha <= 1:
        assert at_most(2 * f((at.x + at.y) / 2), f(at.x) + f(at.y))
    else:
        assert 2 * f(np.zeros(1)) > f(-np.ones(1)) + f(np.ones(1))


leaky_is_convex_iff_slope_at_most_one.refutes("leaky_relu")(takes_the_larger_of_x_and_alpha_x)
leaky_is_convex_iff_slope_at_most_one.refutes("leaky_relu", by={"at": case(x=[1], y=[0]), "alpha": -1.0})(
    leaks_a_constant
)
leaky_is_convex_iff_slope_at_most_one.refutes("leaky_relu")(divides_by_the_slope)


# The sigmoid of a vector


@proved()
def sigmoid_derivative_is_s_times_one_minus_s(sigmoid, sigmoid_grad):
    """The derivative of the sigmoid is s(1 − s), where s = σ(x): at most ¼, which it is at 0.

    By SymPy: the derivative of 1/(1 + e⁻ˣ) less s(1 − s) is 0, and ¼ − s(1 − s) is the square (s − ½)².
    The functions on trial are compared at 647 points: with one another, and with 50 digits.
    """
    x, expected = derivatives()
    s, g = sigmoid(x), sigmoid_grad(x)
    assert within(g, expected, 4 * eps)
    # σ′ within 4 ε; s(1 − s) within the 4 ε of s, times |1 − 2s| ≤ 1, and two roundings.
    assert within(g, s * (1 - s), 9 * eps)
    assert at_most(g, 0.25 + eps)
    assert the_derivative_is_the_product()


@cache
def derivatives():
    x = np.array([*np.arange(-320, 321) / 8, 700.0, -700.0, 1000.0, -1000.0, 1e-9, -1e-9])
    return x, nearest(logistic_slope, x)


@cache
def the_derivative_is_the_product():
    import sympy  # noqa: PLC0415

    x, s = sympy.symbols("x s", real=True)
    sigma = 1 / (1 + sympy.exp(-x))
    difference = sympy.diff(sigma, x) - sigma * (1 - sigma)
    square = sympy.Rational(1, 4) - s * (1 - s) - (s - sympy.Rational(1, 2)) ** 2
    return sympy.cancel(difference.subs(sympy.exp(-x), s)) == 0 and sympy.expand(square) == 0


sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")(takes_the_output_for_the_input)
sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")(applies_the_sigmoid_twice)
sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")(keeps_only_the_first_factor)


@sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")
def keeps_only_the_second_factor(x):
    return 0.5 * (1 - np.tanh(x / 2))


@sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")
def takes_the_derivative_of_tanh(x):
    return 1 - (0.5 * (1 + np.tanh(x / 2))) ** 2


@sigmoid_derivative_is_s_times_one_minus_s.refutes("sigmoid_grad")
def turns_the_second_factor_around(x):
    s = 0.5 * (1 + np.tanh(x / 2))
    return s * (s - 1)


@legal("sigmoid_grad")
def multiplies_s_by_one_minus_s(x):
    s = 1 / (1 + np.exp(-x))
    return s * (1 - s)


@legal("sigmoid_grad")
def divides_an_exponential_by_a_square(x):
    e = np.exp(-np.abs(x))
    return e / (1 + e) ** 2


@claim(at=logit_arrays(x="AB"))
def sigmoid_grad_errs_by_at_most_4_eps(sigmoid_grad, at):
    """σ′ is e⁻ˣ/(1 + e⁻ˣ)², here within 4 ε, for every float: from 0 to ¼, give or take ε.

    The error is absolute: s(1 − s) is legal, though it is 0 from x = 36.8 on, where σ′ is 10⁻¹⁶.
    Compared with 50 digits.
    """
    g = sigmoid_grad(at.x)
    # s(1 − s) errs by what s errs by, times |1 − 2s| ≤ 1, and two roundings.
    assert within(g, nearest(logistic_slope, at.x), 4 * eps)
    assert at_most(0.0, g)
    assert at_most(g, 0.25 + eps)


sigmoid_grad_errs_by_at_most_4_eps.refutes("sigmoid_grad")(takes_the_output_for_the_input)
sigmoid_grad_errs_by_at_most_4_eps.refutes("sigmoid_grad")(turns_the_second_factor_around)


@sigmoid_grad_errs_by_at_most_4_eps.refutes("sigmoid_grad")
def squares_an_overflowing_exponential(x):
    return np.exp(-x) / (1 + np.exp(-x)) ** 2


@sigmoid_grad_errs_by_at_most_4_eps.refutes("sigmoid_grad")
def takes_a_finite_difference(x):
    return (np.tanh((x + 1e-6) / 2) - np.tanh((x - 1e-6) / 2)) / 4e-6


@claim(at=pairs)
def an_output_depends_on_its_own_input_only(sigmoid, at):
    """Applied to a vector the sigmoid works entry by entry: no other entry changes what an entry becomes.

    That is why its Jacobian is diagonal.
    """
    before = sigmoid(at.x)
    for i in range(len(at.x)):
        others_changed = at.y.copy()
        others_changed[i] = at.x[i]
        # Twice 4 ε: a vector's code may round otherwise than a single number's.
        assert within(sigmoid(others_changed)[i], before[i], 8 * eps)


@an_output_depends_on_its_own_input_only.refutes("sigmoid")
def normalises_over_the_vector(x):
    e = np.exp(x - x.max())
    return e / e.sum()


@an_output_depends_on_its_own_input_only.refutes("sigmoid")
def subtracts_the_maximum_first(x):
    e = np.exp(x - x.max())
    return e / (1 + e)


@an_output_depends_on_its_own_input_only.refutes("sigmoid")
def centres_its_input(x):
    return 0.5 * (1 + np.tanh((x - x.mean()) / 2))


@claim(at=points)
def jacobian_is_diagonal(sigmoid_jacobian, at):
    """The Jacobian of σ at a vector x is diag(σ(x) ⊙ (1 − σ(x))), with exact zeros off the diagonal.

    The diagonal is compared with 50 digits; of an empty vector the Jacobian is empty.
    """
    J = sigmoid_jacobian(at.x)
    expected = np.diag(nearest(logistic_slope, at.x))
    # On the diagonal the 4 ε of σ′; elsewhere nothing.
    assert within(J, expected, 4 * eps * np.eye(len(at.x)))
    assert sigmoid_jacobian(np.zeros(0)).shape == (0, 0)


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def takes_the_outer_product(x):
    s = sigmoid_by_tanh(x)
    return np.outer(s, 1 - s)


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def takes_the_jacobian_of_softmax(x):
    p = normalises_over_the_vector(x)
    return np.diag(p) - np.outer(p, p)


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def returns_a_vector(x):
    s = sigmoid_by_tanh(x)
    return s * (1 - s)


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def puts_the_outputs_on_the_diagonal(x):
    return np.diag(sigmoid_by_tanh(x))


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def fills_the_first_column(x):
    s = sigmoid_by_tanh(x)
    out = np.zeros((len(x), len(x)))
    out[:, 0] = s * (1 - s)
    return out


@jacobian_is_diagonal.refutes("sigmoid_jacobian")
def repeats_the_slopes_in_every_row(x):
    s = sigmoid_by_tanh(x)
    return np.tile(s * (1 - s), (len(x), 1))


@legal("sigmoid_jacobian")
def scales_the_identity(x):
    s = sigmoid_by_tanh(x)
    return np.eye(len(x)) * s[:, None] * (1 - s[:, None])


@claim(at=logit_arrays(x="AB", d="AB"))
def vjp_is_elementwise(sigmoid_vjp, sigmoid_jacobian, at):
    """The backward pass of the sigmoid is d_out ⊙ σ′(x), entry by entry: Jᵀ d_out, without the matrix J.

    For x of any shape; J is the Jacobian of its entries in a row.
    """
    d_x = sigmoid_vjp(at.x, at.d)
    by_matrix = sigmoid_jacobian(at.x.ravel()).T @ at.d.ravel()
    # 4 ε for σ′ on either side, and a product each; the zeros of the matrix add nothing.
    assert within(d_x, by_matrix.reshape(at.x.shape), 10 * eps * np.abs(at.d))


@vjp_is_elementwise.refutes("sigmoid_vjp")
def forgets_what_comes_from_above(x, d_out):
    t = np.tanh(x / 2)
    return (1 - t * t) / 4


@vjp_is_elementwise.refutes("sigmoid_vjp")
def sums_what_comes_from_above(x, d_out):
    t = np.tanh(x / 2)
    return d_out.sum() * (1 - t * t) / 4


@vjp_is_elementwise.refutes("sigmoid_vjp")
def multiplies_by_the_output(x, d_out):
    return d_out * sigmoid_by_tanh(x)


@vjp_is_elementwise.refutes("sigmoid_vjp")
def takes_x_for_the_output(x, d_out):
    return d_out * x * (1 - x)


@vjp_is_elementwise.refutes("sigmoid_vjp")
def averages_over_the_rows(x, d_out):
    t = np.tanh(x / 2)
    return d_out * (1 - t * t) / 4 / len(x)


@vjp_is_elementwise.refutes("sigmoid_vjp")
def divides_by_the_slope_instead(x, d_out):
    return d_out * (2 + 2 * np.cosh(x))


@legal("sigmoid_vjp")
def subtracts_the_share_of_the_square(x, d_out):
    s = sigmoid_by_tanh(x)
    return d_out * s - d_out * s * s


@claim(at=points)
def jacobian_is_spd_with_norm_quarter_sech2(sigmoid_jacobian, at):
    """The Jacobian is symmetric and positive definite, and its norm is ¼ sech²(min|xᵢ|/2), so at most ¼.

    On floats positive definite for |xᵢ| ≤ 30; beyond, a slope may round to 0.
    """
    x = np.clip(at.x, -30, 30)
    J = sigmoid_jacobian(x)
    assert equal(J, J.T)
    assert np.linalg.eigvalsh(J).min() > 0
    norm = 0.25 / np.cosh(np.abs(x).min() / 2) ** 2
    # The entries err by 4 ε, so do the singular values of a diagonal matrix; sech² by a few ε of ¼ more.
    assert within(np.linalg.norm(J, 2), norm, 8 * eps)


jacobian_is_spd_with_norm_quarter_sech2.refutes("sigmoid_jacobian")(takes_the_outer_product)
jacobian_is_spd_with_norm_quarter_sech2.refutes("sigmoid_jacobian")(puts_the_outputs_on_the_diagonal)
jacobian_is_spd_with_norm_quarter_sech2.refutes("sigmoid_jacobian")(takes_the_jacobian_of_softmax)


@claim(at=points)
def inverse_function_jacobian(sigmoid_jacobian, sigmoid, at):
    """The inverse of σ is ln(s/(1 − s)), with slope 1/(s(1 − s)): its Jacobian is the inverse matrix.

    On floats for |xᵢ| ≤ 15: beyond, 1 − s is known to few digits.
    """
    x = np.clip(at.x, -15, 15)
    s = sigmoid(x)
    product = sigmoid_jacobian(x) @ np.diag(1 / (s * (1 - s)))
    # J errs by 4 ε and s(1 − s) by 5 ε; both count in units of the slope, which is small where |x| is large.
    assert within(product, np.eye(len(x)), 10 * eps / (s * (1 - s)))


inverse_function_jacobian.refutes("sigmoid_jacobian")(takes_the_outer_product)
inverse_function_jacobian.refutes("sigmoid_jacobian")(puts_the_outputs_on_the_diagonal)
inverse_function_jacobian.refutes("sigmoid")(spreads_the_sigmoid)


# Its relative, softmax


@claim(at=pairs)
def sigmoid_is_two_class_softmax(sigmoid, softmax, at):
    """A softmax of two logits is a sigmoid of their difference: softmax([a, b])₁ = σ(a − b)."""
    both = np.stack([at.x, at.y], axis=-1)
    # A softmax by way of its logarithm rounds |a| and |b| before it exponentiates them.
    bound = eps * (8 + 2 * (np.abs(at.x) + np.abs(at.y)))
    assert within(softmax(both)[:, 0], sigmoid(at.x - at.y), bound)


@sigmoid_is_two_class_softmax.refutes("softmax")
def normalises_over_the_first_axis(logits, *, temperature=1.0):
    e = np.exp((logits - logits.max(axis=0)) / temperature)
    return e / e.sum(axis=0)


@sigmoid_is_two_class_softmax.refutes("softmax")
def applies_a_sigmoid_to_each(logits, *, temperature=1.0):
    return sigmoid_by_tanh(logits / temperature)


@sigmoid_is_two_class_softmax.refutes("softmax")
def forgets_to_subtract_the_maximum(logits, *, temperature=1.0):
    e = np.exp(logits / temperature)
    return e / e.sum(axis=-1, keepdims=True)


sigmoid_is_two_class_softmax.refutes("sigmoid")(squares_the_exponential)


temperatures = choices(1.0, 2.0, 0.5, 10.0, 0.1, 2.0**-10)


@claim(at=logit_arrays(z="NC"), temperature=temperatures)
def softmax_shares_one_by_exponentials(softmax, at, temperature):
    """Softmax shares 1 among the classes in proportion to e^(z/T), along the last axis.

    So its rows add up to 1 and pᵢ = pⱼ e^((zᵢ − zⱼ)/T), which together leave no other choice.
    """
    z = at.z
    p = softmax(z, temperature=temperature)
    classes = z.shape[1]
    # Exponents are differences of logits that were rounded, by ε of their size/T; then a quotient by a sum.
    bound = eps * (classes + 8 + 8 * np.abs(z).max(axis=1, keepdims=True) / temperature)
    assert within(p.sum(axis=1, keepdims=True), np.ones((len(z), 1)), bound)
    top = z.argmax(axis=1)[:, None]
    largest = np.take_along_axis(p, top, axis=1)
    ratio = np.exp((z - np.take_along_axis(z, top, axis=1)) / temperature)
    assert within(p, largest * ratio, bound)
    assert within(softmax(z[:, None], temperature=temperature), p[:, None], bound[:, None])
    assert within(softmax(z[0], temperature=temperature), p[0], bound[0])
    assert equal(softmax(z), softmax(z, temperature=1.0))


softmax_shares_one_by_exponentials.refutes("softmax")(normalises_over_the_first_axis)
softmax_shares_one_by_exponentials.refutes("softmax")(forgets_to_subtract_the_maximum)


@softmax_shares_one_by_exponentials.refutes("softmax")
def normalises_over_the_second_axis_of_three(logits, *, temperature=1.0):
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=min(1, logits.ndim - 1), keepdims=True)


@softmax_shares_one_by_exponentials.refutes("softmax")
def takes_a_low_temperature_for_a_single_winner(logits, *, temperature=1.0):
    if temperature < 0.01:
        return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=-1, keepdims=True)


@softmax_shares_one_by_exponentials.refutes("softmax")
def multiplies_by_the_temperature(logits, *, temperature=1.0):
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)) * temperature)
    return e / e.sum(axis=-1, keepdims=True)


@softmax_shares_one_by_exponentials.refutes("softmax")
def ignores_the_temperature(logits, *, temperature=1.0):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@softmax_shares_one_by_exponentials.refutes("softmax")
def divides_only_the_maximum_by_the_temperature(logits, *, temperature=1.0):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True)) / temperature
    return e / (e.sum(axis=-1, keepdims=True) * temperature)


@softmax_shares_one_by_exponentials.refutes("softmax")
def normalises_the_whole_batch(logits, *, temperature=1.0):
    e = np.exp((logits - logits.max()) / temperature)
    return e / e.sum()


@softmax_shares_one_by_exponentials.refutes("softmax")
def is_all_or_nothing(logits, *, temperature=1.0):
    return (logits == logits.max(axis=-1, keepdims=True)).astype(float)


@legal("softmax")
def exponentiates_its_logarithm(logits, *, temperature=1.0):
    if not temperature > 0:
        raise ValueError(temperature)
    scaled = logits / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled, axis=-1, keepdims=True))


@claim(at=small_integer_arrays(z="N"), rise=choices(1.0, 0.5, 2.0))
def raising_one_logit_lowers_the_other_probabilities(softmax, at, rise):
    """In a softmax, raising logit j by t divides every other probability by 1 + pⱼ(eᵗ − 1).

    A small t takes pᵢpⱼt from each of them: the Jacobian is diag(p) − ppᵀ, with negative entries off the
    diagonal, where the sigmoid's has zeros.
    """
    before = softmax(at.z)
    for j in range(len(at.z)):
        after = softmax(at.z + rise * np.eye(len(at.z))[j])
        expected = before / (1 + before[j] * np.expm1(rise))
        expected[j] *= np.exp(rise)
        # Logits up to 5 in size, and sums of four exponentials: a few ε for either side.
        assert within(after, expected, 32 * eps)


raising_one_logit_lowers_the_other_probabilities.refutes("softmax")(applies_a_sigmoid_to_each)
raising_one_logit_lowers_the_other_probabilities.refutes("softmax")(is_all_or_nothing)


@proved()
def softmax_needs_a_positive_temperature(softmax):
    """A softmax refuses a temperature of 0 or below: it raises ValueError."""
    logits = np.array([1.0, 2.0])
    assert raises(ValueError, softmax, logits, temperature=0.0)
    assert raises(ValueError, softmax, logits, temperature=-1.0)


softmax_needs_a_positive_temperature.refutes("softmax")(ignores_the_temperature)


@softmax_needs_a_positive_temperature.refutes("softmax")
def refuses_only_negative_temperatures(logits, *, temperature=1.0):
    if temperature < 0:
        raise ValueError(temperature)
    return ignores_the_temperature(logits)


# Often said, but false


one_number = logit_arrays(x="")
one_whole_number = integer_arrays(x="")


@myth(at=one_whole_number, alpha=choices(0.5, 2.0), refuted_by={"at": case(x=1), "alpha": 2.0})
def leaky_relu_is_the_larger_of_x_and_alpha_x(leaky_relu, at, alpha):
    """Leaky ReLU is max(x, αx)."""
    assert equal(leaky_relu(at.x, negative_slope=alpha), np.maximum(at.x, alpha * at.x))


@myth(at=one_number, refuted_by={"at": case(x=37)})
def a_sigmoid_stays_below_1(sigmoid, at):
    """A sigmoid comes close to 1 but never reaches it, in a computer either."""
    assert sigmoid(at.x) < 1


@myth(weight=choices(1.0, 2.0, 0.5), refuted_by={"weight": 0.5})
def relu_cures_vanishing_gradients(relu, relu_grad, weight):
    """With ReLU gradients do not vanish: through 20 active units in a row they keep their size."""
    assert abs(chain_gradient(relu, relu_grad, np.full(20, weight), np.zeros(20), 1.0)) >= 1e-3


@myth(bias=choices(1.0, 2.0, -1.0), refuted_by={"bias": -1.0})
def leaky_gradients_cannot_vanish(leaky_relu, leaky_relu_grad, bias):
    """With leaky ReLU gradients cannot vanish: through 3 units of weight 1 they keep their size."""
    assert abs(chain_gradient(leaky_relu, leaky_relu_grad, np.ones(3), np.full(3, bias), 0.0)) >= 1e-3


@myth(at=one_whole_number, refuted_by={"at": case(x=-1)})
def the_slope_of_leaky_relu_is_small_only_near_0(leaky_relu_grad, at):
    """The slope of leaky ReLU is small only near 0."""
    assert abs(at.x) < 1 or leaky_relu_grad(at.x) >= 0.5


@myth(at=one_whole_number, refuted_by={"at": case(x=1)})
def relu_outputs_are_centred(relu, at):
    """Unlike those of the sigmoid, outputs of ReLU are centred at 0: x and −x cancel."""
    assert equal(relu(at.x) + relu(-at.x), 0.0)


@myth(
    at=integer_arrays(x="NI", d="N"),
    refuted_by={"at": case(x=[[1, 0], [0, 1]], d=[1, -1])},
)
def gradients_share_a_sign_over_a_batch(relu, at):
    """Behind ReLU or sigmoid, the gradients of a unit's weights share a sign over a mini-batch, too."""
    gradients = relu(at.x).T @ at.d
    assert at_most(0.0, gradients) or at_most(gradients, 0.0)


@myth(z=choices(1.0, 2.0, -1.0), refuted_by={"z": 1.0})
def tanh_units_compute_what_sigmoid_units_cannot(tanh, sigmoid, tanh_as_sigmoid_network, z):
    """A tanh unit computes what no sigmoid unit with an affine output can."""
    one = np.ones((1, 1))
    W1, b1, W2, b2 = tanh_as_sigmoid_network(one, np.zeros(1), one, np.zeros(1))
    out = sigmoid(z * one @ W1 + b1) @ W2 + b2
    assert not within(out, tanh(z * one), 16 * eps)


@myth(at=one_whole_number, refuted_by={"at": case(x=2)})
def the_slope_of_relu_is_x(relu_grad, at):
    """The derivative of ReLU is x for x ≥ 0, and 0 for x < 0."""
    assert at.x < 0 or at.x == 0 or equal(relu_grad(at.x), at.x)


@myth(
    at=integer_arrays(x="", w="", d=""),
    refuted_by={"at": case(x=1, w=0, d=1)},
)
def the_value_at_the_kink_never_matters(relu_grad, at):
    """Which value one takes for ReLU′(0) never matters."""
    z = at.w * at.x
    gradient = at.d * relu_grad(z) * at.x
    with_1_at_the_kink = at.d * (1.0 if z == 0 else relu_grad(z)) * at.x
    assert equal(gradient, with_1_at_the_kink)


@myth(at=one_whole_number, refuted_by={"at": case(x=0)})
def backprop_returns_the_derivative_where_there_is_one(relu_grad, at):
    """Where a function has a derivative, backprop returns it: 1 for relu(x) − relu(−x), which is x."""
    assert equal(relu_grad(at.x) + relu_grad(-at.x), 1.0)


@myth(at=one_whole_number, refuted_by={"at": case(x=0)})
def a_failed_gradient_check_shows_a_wrong_gradient(relu, relu_grad, at):
    """If a right ReLU and its derivative are checked by central differences, the check passes."""
    h = 2.0**-10
    assert equal((relu(at.x + h) - relu(at.x - h)) / (2 * h), relu_grad(at.x))


@myth(at=whole, refuted_by={"at": case(x=[0, 0])})
def the_jacobian_is_an_outer_product(sigmoid_jacobian, sigmoid, at):
    """The Jacobian of the sigmoid of a vector is σ(x)(1 − σ(x))ᵀ."""
    s = sigmoid(at.x)
    assert within(sigmoid_jacobian(at.x), np.outer(s, 1 - s), 16 * eps)


@myth(at=one_number, refuted_by={"at": case(x=37)})
def s_times_one_minus_s_is_0_only_where_the_derivative_is(sigmoid, sigmoid_grad, at):
    """On floats s(1 − s) is 0 only where σ(x) σ(−x) is, too."""
    s = sigmoid(at.x)
    assert s * (1 - s) > 0 or sigmoid_grad(at.x) == 0
