"""Q19: what Adagrad does to a weight that rarely has a gradient, what that is worth, and what it costs."""

import math
from functools import cache, partial

import numpy as np

from claims import claim, convention, legal, measured, myth
from claims.toolbox.comparison import at_most, eps, equal, within
from claims.toolbox.data import english
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, real_arrays, small_integer_arrays

rates = choices(0.5, 1.0, 0.1, 3.0, 1e-3)
safeties = choices(0.0, 1e-10, 0.5, 1e-3)
runs = integer_arrays(largest=6, w="A", g="TA")


def after(step, gradients, *, lr=1.0, safety=0.0, w=None):
    """Return the weights and the state behind a run of gradients, both from zeros if not said otherwise."""
    w, state = np.zeros(gradients.shape[1:]) if w is None else w, np.zeros(gradients.shape[1:])
    for g in gradients:
        w, state = step(w, g, state, lr=lr, eps=safety)
    return w, state


# The step


@claim(at=real_arrays(w="AB", g="AB", past="AB"), lr=rates, safety=safeties, axes=choices(2, 1, 0))
def adagrad_divides_by_the_root_of_each_weights_own_sum(adagrad_step, at, lr, safety, axes):
    """Adagrad adds g² to each weight's own sum s, then moves the weight by −ηg/(√s + ε), where 0/0 counts as 0.

    For arrays of any shape.  The new g² is in the sum before the division, and ε is outside the root:
    conventions that have it inside, or start the sum at 0.1 as TensorFlow does, give other numbers.

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, JMLR 12, 2011.
    """
    w, g, past = (np.array(each[(0,) * (2 - axes)]) for each in at)
    past = abs(past)
    new, total = adagrad_step(w, g, past, lr=lr, eps=safety)
    root = np.sqrt(past + g * g) + safety
    move = np.where(root > 0, lr * g / np.where(root > 0, root, 1.0), 0.0)
    # A square and a sum are rounded once each, here and there.
    assert within(total, past + g * g, 2 * eps * (past + g * g))
    # Root, sum, quotient and product are rounded by ε/2 each, here and there, the difference relative to itself.
    assert within(new, w - move, 8 * eps * abs(move) + 2 * eps * abs(w - move))


def stepping(root, total=lambda g, s: s + g * g, move=lambda g, root: g / root):
    """Return a step that is Adagrad's but for its root, its sum or its move; 0/0 := 0 as there."""

    def step(w, g, sum_squares, lr, eps):
        denominator = root(g, sum_squares, eps)
        with np.errstate(all="ignore"):
            return w - lr * np.where(g == 0, 0.0, move(g, denominator)), total(g, sum_squares)

    return step


def own_root(g, s, eps):
    return np.sqrt(s + g * g) + eps


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def climbs(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(own_root, move=lambda g, root: -g / root)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def forgets_the_root(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: s + g * g + eps)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def divides_by_the_old_sum(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda _g, s, eps: np.where(s > 0, np.sqrt(s), 1.0) + eps)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def sums_over_all_weights(w, g, sum_squares, *, lr, eps=1e-10):
    step = stepping(lambda g, s, eps: np.sqrt(s + np.sum(g * g)) + eps, lambda g, s: s + np.sum(g * g))
    return step(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def averages_over_all_weights(w, g, sum_squares, *, lr, eps=1e-10):
    step = stepping(lambda g, s, eps: np.sqrt(s + np.mean(g * g)) + eps, lambda g, s: s + np.mean(g * g))
    return step(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def divides_by_the_variance_over_the_weights(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: np.sqrt(s + np.var(g)) + eps)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def sums_absolute_values(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: s + abs(g) + eps, lambda g, s: s + abs(g))(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def puts_eps_inside_the_root(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: np.sqrt(s + g * g + eps))(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def starts_the_sum_at_a_tenth(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: np.sqrt(0.1 + s + g * g) + eps)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def returns_the_sum_that_came(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(own_root, lambda _g, s: s.copy())(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def returns_the_root_for_the_sum(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(own_root, lambda g, s: np.sqrt(s + g * g))(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def sees_only_the_latest_gradient(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, _s, eps: abs(g) + eps, lambda g, _s: g * g)(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def forgets_a_tenth_of_the_sum(w, g, sum_squares, *, lr, eps=1e-10):
    step = stepping(
        lambda g, s, eps: np.sqrt(0.9 * s + 0.1 * g * g) + eps, lambda g, s: np.asarray(0.9 * s + 0.1 * g * g)
    )
    return step(w, g, sum_squares, lr, eps)


@adagrad_divides_by_the_root_of_each_weights_own_sum.refutes("adagrad_step")
def keeps_the_sum_in_single_precision(w, g, sum_squares, *, lr, eps=1e-10):
    step = stepping(own_root, lambda g, s: (s + g * g).astype(np.float32).astype(w.dtype))
    return step(w, g, sum_squares, lr, eps)


@legal("adagrad_step")
def takes_one_weight_after_the_other(w, g, sum_squares, *, lr, eps=1e-10):
    new, total = (
        np.zeros_like(w, dtype=np.result_type(w, 0.0)),
        np.zeros_like(sum_squares, dtype=np.result_type(w, 0.0)),
    )
    for i in np.ndindex(w.shape):
        slope = float(g[i])
        root = math.hypot(math.sqrt(sum_squares[i]), slope) + eps
        new[i] = w[i] - (lr / root * slope if root > 1e-290 else lr * (slope / root) if root else 0.0)
        total[i] = sum_squares[i] + slope * slope
    return new, total


@legal("adagrad_step")
def measures_both_sides_by_the_longer(w, g, sum_squares, *, lr, eps=1e-10):
    past, size = np.sqrt(sum_squares), abs(g) * 1.0
    longer = np.maximum(past, size)
    unit = np.where(longer > 0, longer, 1)
    root = longer * np.sqrt((past / unit) ** 2 + (size / unit) ** 2)
    step = (g / np.where(root + eps > 0, root + eps, 1)) * lr
    return w - step, size * size + sum_squares


@claim(g=choices(1e-10, 1e-8, 3e-9, 1e-6))
def adaptive_steps_have_these_usual_options(adagrad_step, sparse_adagrad_step, rmsprop_step, g):
    """If not told otherwise, Adagrad adds ε = 1e-10 to its root, RMSProp 1e-8, and it keeps α = 0.99 of its average."""
    none, small = np.zeros(2), np.full(2, g)
    # A square, an average, a root, a sum and a quotient are rounded a few times.
    step = np.full(2, -0.5 * g / (g + 1e-10))
    places = {"indices": np.array([0, 1])}
    assert within(adagrad_step(none, small, none, lr=0.5)[0], step, 16 * eps)
    assert within(sparse_adagrad_step(none, small, none, lr=0.5, **places)[0], step, 16 * eps)
    assert within(rmsprop_step(none, small, none, lr=0.5)[0], np.full(2, -0.5 * g / (0.1 * g + 1e-8)), 160 * eps)


@adaptive_steps_have_these_usual_options.refutes("adagrad_step")
def takes_rmsprops_eps(w, g, sum_squares, *, lr, eps=1e-8):
    return stepping(own_root)(w, g, sum_squares, lr, eps)


@adaptive_steps_have_these_usual_options.refutes("sparse_adagrad_step")
def takes_rmsprops_eps_at_the_indices(w, values, sum_squares, *, indices, lr, eps=1e-8):
    w, sum_squares = w.copy(), sum_squares.copy()
    w[indices], sum_squares[indices] = stepping(own_root)(w[indices], values, sum_squares[indices], lr, eps)
    return w, sum_squares


@adaptive_steps_have_these_usual_options.refutes("rmsprop_step")
def forgets_a_tenth_each_time(w, g, v, *, lr, alpha=0.9, eps=1e-8):
    v = alpha * v + (1 - alpha) * g * g
    return w - lr * g / (np.sqrt(v) + eps), v


@claim(
    at=small_integer_arrays(w="A", g="A", past="A"),
    kind=choices(np.int64, np.float32),
    lr=choices(0.5, 1.0, 3.0),
)
def whole_numbers_count_as_floats_in_adaptive_steps(adagrad_step, sparse_adagrad_step, rmsprop_step, at, kind, lr):
    """Whole numbers give what the same floats give, and single precision gives the same to single precision."""
    w, g, past = at.w, at.g, abs(at.past)
    places = {"indices": np.arange(len(w))}
    for step, options in ((adagrad_step, {}), (sparse_adagrad_step, places), (rmsprop_step, {})):
        wide = step(w, g, past, lr=lr, **options)
        # State begins as zeros that are floats, so only what is given can be whole numbers.
        state = past if kind is np.int64 else past.astype(kind)
        narrow = step(w.astype(kind), g.astype(kind), state, lr=lr, **options)
        # A few roundings of numbers that are, like 10 times the step, 30 at most.
        bound = 300 * (eps if kind is np.int64 else 2.0**-23)
        assert within(narrow[0], wide[0], bound)
        assert within(narrow[1], wide[1], bound)


@whole_numbers_count_as_floats_in_adaptive_steps.refutes("adagrad_step")
def cuts_the_step_to_the_weights_type(w, g, sum_squares, *, lr, eps=1e-10):
    new, total = takes_one_weight_after_the_other(w, g, sum_squares, lr=lr, eps=eps)
    return new.astype(w.dtype).astype(new.dtype), total


@whole_numbers_count_as_floats_in_adaptive_steps.refutes("sparse_adagrad_step")
def writes_into_a_copy_of_whole_numbers(w, values, sum_squares, *, indices, lr, eps=1e-10):
    moved, grown = takes_one_weight_after_the_other(w[indices], values, sum_squares[indices], lr=lr, eps=eps)
    w, sum_squares = w.copy(), sum_squares.copy()
    w[indices], sum_squares[indices] = moved, grown
    return w.astype(moved.dtype), sum_squares.astype(moved.dtype)


@whole_numbers_count_as_floats_in_adaptive_steps.refutes("rmsprop_step")
def averages_in_the_gradients_type(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    averaged = (alpha * v + (1 - alpha) * g * g).astype(g.dtype)
    w, v = (w * 1.0, averaged * 1.0)
    return averaging(lambda _g, _v, _alpha, eps: np.sqrt(averaged) + eps, lambda _g, _, _alpha: v)(
        w, g, v, lr, alpha, eps
    )


@claim(at=integer_arrays(w="A", g="A", past="A"), scale=choices(1.0, 1e147, 1e-300, 1e-9), lr=rates)
def an_adagrad_step_is_never_longer_than_the_rate(adagrad_step, at, scale, lr):
    """An Adagrad step moves each weight against its gradient, by η at most, whatever the gradients were.

    For √s is at least |g|.  With ε = 0 and gradients from 1e-300 to 1e150, zeros among them.
    """
    g, past = scale * at.g, (scale * at.past) ** 2
    move, _ = adagrad_step(np.zeros_like(g), g, past, lr=lr, eps=0.0)
    # Root, quotient and product are rounded once each.
    assert at_most(abs(move), lr * (1 + 4 * eps))
    assert at_most(move * np.sign(g), 0.0)


for wrong in (climbs, forgets_the_root, divides_by_the_old_sum, forgets_a_tenth_of_the_sum):
    an_adagrad_step_is_never_longer_than_the_rate.refutes("adagrad_step")(wrong)


@an_adagrad_step_is_never_longer_than_the_rate.refutes("adagrad_step")
def divides_zero_by_zero(w, g, sum_squares, *, lr, eps=1e-10):
    total = sum_squares + g * g
    with np.errstate(all="ignore"):
        return w - lr * g / (np.sqrt(total) + eps), total


@claim(size=choices(1.0, 1e-300, 1e-200, 5e-324, 1.6e-162, 1e-150, 1e-9, 1e150), sign=choices(1.0, -1.0), lr=rates)
def adagrads_first_step_is_as_long_as_the_rate(adagrad_step, size, sign, lr):
    """With ε = 0 the first gradient moves a weight by η if it is of size 10⁻¹⁵⁰ to 10¹⁵⁰, and by at most 2η if smaller.

    The square of a smaller one is rounded to a subnormal float, or to 0, and 0/0 counts as 0.
    """
    w, _ = adagrad_step(np.zeros(1), np.array([sign * size]), np.zeros(1), lr=lr, eps=0.0)
    assert at_most(abs(w), 2 * lr)
    if size >= 1e-150:
        # Square, root, quotient and product are rounded once each.
        assert within(w, np.array([-sign * lr]), 4 * eps * lr)


adagrads_first_step_is_as_long_as_the_rate.refutes("adagrad_step")(divides_zero_by_zero)


@adagrads_first_step_is_as_long_as_the_rate.refutes("adagrad_step")
def works_in_single_precision_inside(w, g, sum_squares, *, lr, eps=1e-10):
    with np.errstate(all="ignore"):
        total = sum_squares + g.astype(np.float32) ** 2
        root = np.sqrt(total.astype(np.float32)) + np.float32(eps)
        return w - lr * np.divide(g, root, out=np.zeros(w.shape), where=root > 0), total


@adagrads_first_step_is_as_long_as_the_rate.refutes("adagrad_step")
def is_never_without_an_eps(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(own_root)(w, g, sum_squares, lr, max(eps, 1e-10))


# A weight's own history


@claim(run=runs, safety=safeties, lr=rates)
def adagrad_sees_a_weights_own_nonzero_gradients_only(adagrad_step, run, safety, lr):
    """What Adagrad does to a weight depends on its own non-zero gradients, not on silent steps or other weights.

    Silent steps may stand anywhere, in any number: each weight ends where it ends when it is trained
    alone on its non-zero gradients.
    """
    w, _ = after(adagrad_step, run.g, lr=lr, safety=safety, w=run.w)
    # In NumPy the two agree bit for bit; elsewhere each step may be rounded in another way.
    allowed = 6 * eps * len(run.g) * (abs(run.w) + len(run.g) * lr)
    for i, gradients in enumerate(run.g.T):
        alone, _ = after(
            adagrad_step, gradients[gradients != 0][:, None], lr=lr, safety=safety, w=run.w[i : i + 1].copy()
        )
        assert within(w[i : i + 1], alone, allowed[i])


silence = {"run": case(w=[0], g=[[1], [0], [1]]), "safety": 0.0, "lr": 0.5}

for wrong in (sums_over_all_weights, averages_over_all_weights):
    adagrad_sees_a_weights_own_nonzero_gradients_only.refutes("adagrad_step")(wrong)

adagrad_sees_a_weights_own_nonzero_gradients_only.refutes("adagrad_step", by=silence)(forgets_a_tenth_of_the_sum)


@adagrad_sees_a_weights_own_nonzero_gradients_only.refutes("adagrad_step", by=silence)
def lowers_the_rate_with_time(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda _g, s, eps: np.sqrt(s + 1) + eps, lambda _g, s: s + 1)(w, g, sum_squares, lr, eps)


@adagrad_sees_a_weights_own_nonzero_gradients_only.refutes("adagrad_step", by=silence)
def keeps_a_velocity(w, g, sum_squares, *, lr, eps=1e-10):
    velocity = 0.9 * sum_squares + g
    return w - lr * velocity, velocity


@adagrad_sees_a_weights_own_nonzero_gradients_only.refutes("adagrad_step")
def shrinks_the_weights_as_well(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(own_root)(w * (1 - 0.01 * lr), g, sum_squares, lr, eps)


sizes = choices(1.0, -1e-3, 1e3, -1e-9, 1e149, -1e-149)


@claim(step=choices(2, 1, 4, 9, 25), frequent=sizes, rare=sizes, lr=rates)
def a_rare_weight_takes_its_first_step_in_full(adagrad_step, step, frequent, rare, lr):
    """At step t the first gradient of one weight moves it by η, the t-th equal one of another by η/√t.

    Whatever the gradients' sizes, for ε = 0.
    """
    gradients = np.full((step, 2), [frequent, 0.0])
    _, past = after(adagrad_step, gradients[:-1], lr=lr)
    move, _ = adagrad_step(np.zeros(2), np.array([frequent, rare]), past, lr=lr, eps=0.0)
    # The sum of t squares is known to t roundings, its root to half of that.
    assert within(move, -lr * np.sign([frequent, rare]) / [math.sqrt(step), 1.0], (step + 4) * eps * lr)


for wrong in (
    climbs,
    forgets_the_root,
    sums_over_all_weights,
    forgets_a_tenth_of_the_sum,
    lowers_the_rate_with_time,
    starts_the_sum_at_a_tenth,
    sees_only_the_latest_gradient,
):
    a_rare_weight_takes_its_first_step_in_full.refutes("adagrad_step")(wrong)


@a_rare_weight_takes_its_first_step_in_full.refutes("adagrad_step")
def leaves_the_rate_alone(w, g, sum_squares, *, lr, eps=1e-10):
    return w - lr * g, sum_squares + g * g


@claim(run=runs, scale=choices(1e3, 1e-3, 7.0, 1e100, 1e-100), lr=rates)
def adagrad_ignores_the_scale_of_each_weights_gradients(adagrad_step, run, scale, lr):
    """With ε = 0, multiplying all gradients of a weight by a c > 0 changes no step, with another c for each weight.

    It is no invariance under units of the feature: in other units the weights have other sizes, and the
    steps have not.
    """
    scales = scale ** (np.arange(len(run.w)) % 3 - 1.0)
    plain, _ = after(adagrad_step, run.g, lr=lr)
    scaled, _ = after(adagrad_step, scales * run.g, lr=lr)
    # Each of T steps, at most η long, is known to T + 6 roundings on either side.
    assert within(scaled, plain, len(run.g) * (len(run.g) + 6) * eps * lr)


for wrong in (
    forgets_the_root,
    starts_the_sum_at_a_tenth,
    is_never_without_an_eps,
    leaves_the_rate_alone,
    sums_over_all_weights,
):
    adagrad_ignores_the_scale_of_each_weights_gradients.refutes("adagrad_step")(wrong)


@adagrad_ignores_the_scale_of_each_weights_gradients.refutes("adagrad_step")
def takes_the_cube_root(w, g, sum_squares, *, lr, eps=1e-10):
    return stepping(lambda g, s, eps: np.cbrt(s + g * g) + eps)(w, g, sum_squares, lr, eps)


# Sparse gradients


@claim(at=real_arrays(w="A", g="A", past="A"), order=choices(1, -1, 0), lr=rates, safety=safeties)
def lazy_adagrad_equals_dense_adagrad(sparse_adagrad_step, adagrad_step, at, order, lr, safety):
    """Stepping only weights whose gradient is not 0 is the dense step: the others keep weight and sum bit for bit.

    The indices may come in any order; there may be none, and some of a gradient that is 0.
    """
    w, g, past = at.w, at.g, abs(at.past)
    indices = np.flatnonzero(g)[::order] if order else np.arange(len(g))
    lazy = sparse_adagrad_step(w, g[indices], past, indices=indices, lr=lr, eps=safety)
    dense = adagrad_step(w, g, past, lr=lr, eps=safety)
    assert equal(lazy[0][g == 0], w[g == 0])
    assert equal(lazy[1][g == 0], past[g == 0])
    # In NumPy all agree bit for bit; elsewhere the step, η at most, and the new sum may be rounded in another way.
    assert within(lazy[0], dense[0], (6 * eps * lr + eps * abs(w)) * (g != 0))
    assert within(lazy[1], dense[1], 2 * eps * dense[1] * (g != 0))


def lazily(w, values, sum_squares, indices, lr, eps):
    """Return new weights and sums, with only the given ones moved."""
    moved, grown = takes_one_weight_after_the_other(w[indices], values, sum_squares[indices], lr=lr, eps=eps)
    w, sum_squares = w.copy(), sum_squares.copy()
    w[indices], sum_squares[indices] = moved, grown
    return w, sum_squares


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def leaves_the_sums_as_they_were(w, values, sum_squares, *, indices, lr, eps=1e-10):
    return lazily(w, values, sum_squares, indices, lr, eps)[0], sum_squares.copy()


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def moves_the_first_weights(w, values, sum_squares, *, indices, lr, eps=1e-10):
    return lazily(w, values, sum_squares, np.arange(len(values)), lr, eps)


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def sorts_the_indices_without_the_values(w, values, sum_squares, *, indices, lr, eps=1e-10):
    return lazily(w, values, sum_squares, np.sort(indices), lr, eps)


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def lets_all_sums_fade(w, values, sum_squares, *, indices, lr, eps=1e-10):
    return lazily(w, values, 0.99 * sum_squares, indices, lr, eps)


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def decays_all_weights(w, values, sum_squares, *, indices, lr, eps=1e-10):
    return lazily(w * (1 - 0.01 * lr), values, sum_squares, indices, lr, eps)


@lazy_adagrad_equals_dense_adagrad.refutes("sparse_adagrad_step")
def shares_one_sum_among_those_that_move(w, values, sum_squares, *, indices, lr, eps=1e-10):
    total = sum_squares.copy()
    total[indices] += np.sum(values**2)
    new = w.copy()
    new[indices] -= lr * values / (np.sqrt(total[indices]) + eps)
    return new, total


@legal("sparse_adagrad_step")
def spreads_the_values_and_steps_densely(w, values, sum_squares, *, indices, lr, eps=1e-10):
    g = np.zeros(len(w), dtype=np.result_type(w, 0.0))
    g[indices] = values
    return measures_both_sides_by_the_longer(w, g, sum_squares, lr=lr, eps=eps)


# What it is worth


@claim(
    run=real_arrays(largest=24, g="TA"),
    against=choices("what is drawn", "the sign of w"),
    diameter=choices(1.0, 2.0, 1e-3, 1e3),
)
def adagrads_regret_is_below_its_bound(adagrad_step, adagrad_regret_bound, run, against, diameter):
    """On losses g·w in a box of side D, with η = D/√2, Adagrad's regret is at most √2 D Σᵢ‖g₁,…,g_T of weight i‖.

    The regret is what its weights lose more than the best fixed ones, whatever the gradients are, even
    chosen against the weights.  It holds for each weight alone.  ε = 0, and after each step weights
    outside the box are put onto its border.  Convex losses are covered: f(w) − f(u) ≤ g·(w − u).

    Per weight: (w′ − u)² ≤ (w − ηg/√s − u)², so 2g(w − u) ≤ √s ((w − u)² − (w′ − u)²)/η + ηg²/√s.  Summed,
    the first part is at most D²√s/η and the second 2η√s, for Σ g²/√s ≤ 2√s; and D²/(2η) + η = √2 D.

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, JMLR 12, 2011; McMahan and Streeter, Adaptive Bound Optimization for Online Convex
    Optimization, COLT 2010.
    """
    w, past = np.zeros(run.g.shape[1]), np.zeros(run.g.shape[1])
    suffered, total, gradients = np.zeros_like(w), np.zeros_like(w), []
    for drawn in run.g:
        g = drawn if against == "what is drawn" else abs(drawn) * np.where(w < 0, -1.0, 1.0)
        suffered, total, gradients = suffered + g * w, total + g, [*gradients, g]
        w, past = adagrad_step(w, g, past, lr=diameter / math.sqrt(2), eps=0.0)
        w = np.clip(w, -diameter / 2, diameter / 2)
    gradients = np.array(gradients)
    regret = suffered + diameter / 2 * abs(total)  # the best fixed weight is the corner against Σg
    # Sums of at most 24 terms, each at most half the bound.
    slack = 1 + 80 * eps
    for i, column in enumerate(gradients.T):
        assert at_most(regret[i], slack * adagrad_regret_bound(column[:, None], diameter=diameter))
    expected = math.sqrt(2) * diameter * sum(math.hypot(*column) for column in gradients.T)
    assert within(adagrad_regret_bound(gradients, diameter=diameter), expected, 80 * eps * expected)
    assert adagrad_regret_bound(gradients[:0], diameter=diameter) == 0


adversary = {"run": case(g=np.full((24, 1), 1000.0)), "against": "the sign of w", "diameter": 1.0}

for wrong in (climbs, leaves_the_rate_alone, forgets_a_tenth_of_the_sum):
    adagrads_regret_is_below_its_bound.refutes("adagrad_step", by=adversary)(wrong)

adagrads_regret_is_below_its_bound.refutes("adagrad_step", by={**adversary, "run": case(g=np.full((24, 1), 1e-3))})(
    forgets_the_root
)


@adagrads_regret_is_below_its_bound.refutes("adagrad_regret_bound")
def takes_one_norm_of_all_gradients(gradients, *, diameter):
    return float(np.sqrt(2) * diameter * np.linalg.norm(gradients))


@adagrads_regret_is_below_its_bound.refutes("adagrad_regret_bound")
def sums_the_norms_of_the_steps(gradients, *, diameter):
    return float(np.sqrt(2) * diameter * np.sum(np.linalg.norm(gradients, axis=1)))


@adagrads_regret_is_below_its_bound.refutes("adagrad_regret_bound")
def forgets_the_root_of_two(gradients, *, diameter):
    return float(diameter * np.sum(np.linalg.norm(gradients, axis=0)))


@adagrads_regret_is_below_its_bound.refutes("adagrad_regret_bound")
def squares_the_diameter(gradients, *, diameter):
    return float(np.sqrt(2) * diameter**2 * np.sum(np.linalg.norm(gradients, axis=0)))


@adagrads_regret_is_below_its_bound.refutes("adagrad_regret_bound")
def bounds_by_the_number_of_steps(gradients, *, diameter):
    return float(np.sqrt(2 * len(gradients)) * diameter * gradients.shape[1])


@legal("adagrad_regret_bound")
def grows_each_norm_gradient_by_gradient(gradients, *, diameter):
    norms = np.zeros(gradients.shape[1])
    for g in gradients:
        norms = np.hypot(norms, g)
    return float(diameter * math.sqrt(2.0) * norms.sum())


@claim(run=real_arrays(largest=24, g="T"), lr=rates)
def adagrads_steps_sum_to_at_most_twice_the_norm(adagrad_step, run, lr):
    """Along any gradients of a weight Σ g²/√s, which is Σ g·(w − w′)/η, lies between √s and 2√s with the last s.

    At least, for each s is at most the last.  At most, for g² = s − s₋, where s₋ is the sum before, and
    (s − s₋)/√s ≤ 2(√s − √s₋).  For ε = 0.
    """
    past, spent = np.zeros(1), 0.0
    for g in run.g:
        move, past = adagrad_step(np.zeros(1), np.array([g]), past, lr=lr, eps=0.0)
        spent = spent - g * move.item() / lr
    norm = math.hypot(*run.g)
    # Each of the 24 terms at most, all positive, is known to 24 + 6 roundings, and their sum to 24 more.
    slack = 1 + 60 * eps
    assert norm <= slack * spent
    assert spent <= slack * 2 * norm


for wrong in (climbs, forgets_the_root, leaves_the_rate_alone, forgets_a_tenth_of_the_sum, lowers_the_rate_with_time):
    adagrads_steps_sum_to_at_most_twice_the_norm.refutes("adagrad_step")(wrong)

adagrads_steps_sum_to_at_most_twice_the_norm.refutes("adagrad_step", by={"run": case(g=[0.1]), "lr": 0.5})(
    starts_the_sum_at_a_tenth
)


@claim(run=real_arrays(largest=8, g="TA"), pattern=choices("one weight", "equal norms", "any"))
def one_rate_for_all_weights_costs_up_to_root_d(adagrad_regret_bound, run, pattern):
    """One common Adagrad rate has a regret bound between 1 and √d times that of a rate for each of d weights.

    The common rate divides by the norm of all gradients; on the box, whose diameter is √d D, its
    bound is √2 √d D √(Σᵢ‖g of weight i‖²).  By Cauchy and Schwarz the ratio is 1 just where all weights have gradients
    of equal norm, and it is √d where only one weight has any: the more uneven, the more is gained.
    """
    weights = run.g.shape[1]
    g = {"one weight": run.g * (np.arange(weights) == 0), "equal norms": np.repeat(run.g[:, :1], weights, axis=1)}
    g = g.get(pattern, run.g)
    own = adagrad_regret_bound(g, diameter=1.0)
    common = math.sqrt(2 * weights) * math.hypot(*g.ravel())
    # Norms of at most 64 numbers, each rounded at most so often.
    slack = 70 * eps * common
    assert at_most(own, common + slack)
    assert at_most(common, math.sqrt(weights) * (own + slack))
    if pattern == "equal norms":
        assert within(own, common, slack)
    elif pattern == "one weight":
        assert within(own * math.sqrt(weights), common, slack * math.sqrt(weights))


for wrong in (takes_one_norm_of_all_gradients, sums_the_norms_of_the_steps, bounds_by_the_number_of_steps):
    one_rate_for_all_weights_costs_up_to_root_d.refutes("adagrad_regret_bound")(wrong)


# What it costs


@claim(count=choices(2, 1, 5, 20, 40), g=sizes, lr=rates)
def adagrad_slows_but_never_stops(adagrad_step, count, g, lr):
    """With a constant gradient Adagrad's t-th step is η/√t, and T steps go between 2η(√(T + 1) − 1) and 2η√T far.

    So the rate goes to 0, and yet there is no place that it could not reach.  For g ≠ 0 and ε = 0.
    """
    w, past = np.zeros(1), np.zeros(1)
    for t in range(1, count + 1):
        before, (w, past) = w, adagrad_step(w, np.array([g]), past, lr=lr, eps=0.0)
        # The sum of t squares is known to t roundings, its root to half of that; w, at most 2η√t, to one more a step.
        assert within(before - w, np.array([np.sign(g) * lr / math.sqrt(t)]), (t + 6 + 4 * t**0.5) * eps * lr)
    travel, slack = abs(w[0]), 1 + (count + 6) * eps
    assert 2 * lr * (math.sqrt(count + 1) - 1) <= slack * travel
    assert travel <= slack * 2 * lr * math.sqrt(count)


for wrong in (forgets_the_root, divides_by_the_old_sum, sees_only_the_latest_gradient, forgets_a_tenth_of_the_sum):
    adagrad_slows_but_never_stops.refutes("adagrad_step")(wrong)


@claim(spike=choices(3.0, 1.0, 10.0, -100.0, 1e3), later=choices(1, 2, 5, 20), lr=rates)
def a_large_gradient_damps_adagrad_for_ever(adagrad_step, spike, later, lr):
    """After one gradient G, the k-th later gradient of size 1 moves the weight by η/√(G² + k) only.

    Without G it would be η/√k: G² gradients later the step is still shorter by a factor of √2.
    """
    _, past = after(adagrad_step, np.array([spike, *[1.0] * (later - 1)])[:, None], lr=lr)
    move, total = adagrad_step(np.zeros(1), np.ones(1), past, lr=lr, eps=0.0)
    assert equal(total, np.array([spike**2 + later]))
    # The sum is a whole number; root, quotient and product are rounded, here and there.
    assert within(move, np.array([-lr / math.sqrt(spike**2 + later)]), 4 * eps * lr / math.sqrt(spike**2 + later))


for wrong in (sees_only_the_latest_gradient, forgets_a_tenth_of_the_sum, sums_absolute_values, divides_by_the_old_sum):
    a_large_gradient_damps_adagrad_for_ever.refutes("adagrad_step")(wrong)


# RMSProp, which forgets


alphas = choices(0.9, 0.5, 0.99)


@claim(at=real_arrays(w="AB", g="AB", past="AB"), lr=rates, alpha=choices(0.9, 0.5, 0.99, 0.9999), safety=safeties)
def rmsprop_averages_what_adagrad_adds(rmsprop_step, at, lr, alpha, safety):
    """RMSProp moves a weight by −ηg/(√v + ε), where v ← αv + (1 − α)g² averages what Adagrad sums; 0/0 counts as 0.

    There is no correction of the average for its start at 0.
    """
    w, g, past = at.w, at.g, abs(at.past)
    new, average = rmsprop_step(w, g, past, lr=lr, alpha=alpha, eps=safety)
    v = alpha * past + (1 - alpha) * (g * g)
    root = np.sqrt(v) + safety
    move = np.where(root > 0, lr * g / np.where(root > 0, root, 1.0), 0.0)
    # A square, 1 − α, two products and their sum are rounded by ε/2 each, here and there.
    assert within(average, v, 6 * eps * v)
    # Half of that under the root; root, sum, quotient and product, here and there, and the difference.
    assert within(new, w - move, 8 * eps * abs(move) + 2 * eps * abs(w - move))


def averaging(root, average=lambda g, v, alpha: alpha * v + (1 - alpha) * g * g):
    """Return a step that is RMSProp's but for its root or its average; 0/0 := 0 as there."""

    def step(w, g, v, lr, alpha, eps):
        v = average(g, v, alpha)
        with np.errstate(all="ignore"):
            return w - lr * np.where(g == 0, 0.0, g / root(g, v, alpha, eps)), v

    return step


def root_of_average(_, v, alpha, eps):
    return np.sqrt(v) + eps


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def sums_as_adagrad_does(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(root_of_average, lambda g, v, _alpha: v + g * g)(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def adds_the_whole_square(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(root_of_average, lambda g, v, alpha: alpha * v + g * g)(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def swaps_the_old_and_the_new(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(root_of_average, lambda g, v, alpha: (1 - alpha) * v + alpha * g * g)(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def averages_the_gradient_itself(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    step = averaging(lambda _, v, _alpha, eps: abs(v) + eps, lambda g, v, alpha: alpha * v + (1 - alpha) * g)
    return step(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def forgets_the_root_of_the_average(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(lambda _, v, _alpha, eps: v + eps)(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def puts_eps_under_rmsprops_root(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(lambda _, v, _alpha, eps: np.sqrt(v + eps))(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def corrects_rmsprops_average_for_its_start(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    return averaging(lambda _, v, alpha, eps: np.sqrt(v / (1 - alpha)) + eps)(w, g, v, lr, alpha, eps)


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def divides_zero_by_zero_in_rmsprop(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    v = alpha * v + (1 - alpha) * g * g
    with np.errstate(all="ignore"):
        return w - lr * g / (np.sqrt(v) + eps), v


@rmsprop_averages_what_adagrad_adds.refutes("rmsprop_step")
def averages_over_the_weights(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    step = averaging(root_of_average, lambda g, v, alpha: alpha * v + (1 - alpha) * np.mean(g * g))
    return step(w, g, v, lr, alpha, eps)


@legal("rmsprop_step")
def divides_by_the_length_of_two_parts(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    rest = 1 - alpha
    root = np.hypot(np.sqrt(alpha * v), math.sqrt(rest) * g) + eps
    inverse = np.divide(lr, root, out=np.zeros_like(root), where=root != 0)
    return w - inverse * g, g * g * rest + v * alpha


@rmsprop_averages_what_adagrad_adds.refutes(
    "rmsprop_step", by={"at": case(w=[[0]], g=[[1]], past=[[0]]), "lr": 1.0, "alpha": 0.9999, "safety": 0.0}
)
def leaps_no_further_than_ten_rates(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    v = alpha * v + (1 - alpha) * g * g
    root = np.sqrt(v) + eps
    move = np.divide(g, root, out=np.zeros_like(root), where=root > 0)
    return w - lr * np.clip(move, -10.0001, 10.0001), v


@claim(warm=choices(3, 1, 0, 30), silent=choices(2, 0, 1, 8, 40), alpha=alphas, lr=rates)
def rmsprop_leaps_after_silence(rmsprop_step, adagrad_step, warm, silent, alpha, lr):
    """After n gradients of size 1 and k silent steps, RMSProp's next such step is η/√(1 − α + α^(k+1)(1 − αⁿ)) long.

    The longer the silence, the longer the step, up to η/√(1 − α), ten times η at α = 0.99.  Adagrad's
    is η/√(n + 1), however long the silence.  For ε = 0.
    """
    history = np.array([1.0] * warm + [0.0] * silent)[:, None]

    def next_move(step):
        _, past = after(step, history, lr=lr)
        return step(np.zeros(1), np.ones(1), past, lr=lr, eps=0.0)[0]

    length = lr / math.sqrt(1 - alpha + alpha ** (silent + 1) * (1 - alpha**warm))
    leap = next_move(partial(rmsprop_step, alpha=alpha))
    # The average is known to three roundings a step, its root to half of that.
    assert within(leap, np.array([-length]), 2 * (warm + silent + 5) * eps * length)
    assert at_most(abs(leap), lr / math.sqrt(1 - alpha) * (1 + 8 * eps))
    # The sum is a whole number; root, quotient and product are rounded, here and there.
    assert within(next_move(adagrad_step), np.array([-lr / math.sqrt(warm + 1)]), 4 * eps * lr)


for wrong in (sums_as_adagrad_does, adds_the_whole_square, forgets_the_root_of_the_average):
    rmsprop_leaps_after_silence.refutes("rmsprop_step")(wrong)

rmsprop_leaps_after_silence.refutes("adagrad_step")(forgets_a_tenth_of_the_sum)


# Measured on English


SYMBOLS, LENGTH = 28, 1000


@cache
def excerpts(seeds):
    """Return (excerpt, step, 3) features, (excerpt, step) next characters, and how many features an excerpt has.

    The features are the last character, the last two and the last three, one-hot each.
    """
    text = english(SYMBOLS)
    starts = [np.random.default_rng(seed).integers(len(text) - LENGTH - 3) for seed in seeds]
    chars = np.array([text[start : start + LENGTH + 3] for start in starts])
    digits = np.triu(np.outer(SYMBOLS ** np.arange(3), np.ones(3, np.int64)))
    grams = np.stack([chars[:, 2:-1], chars[:, 1:-2], chars[:, :-3]], axis=-1) @ digits
    features = np.empty(grams.shape, np.int64)
    for own in range(len(seeds)):
        _, places = np.unique(grams[own] + SYMBOLS**3 * np.arange(3), return_inverse=True)
        features[own] = places.reshape(-1, 3)
    return features, chars[:, 3:], int(features.max()) + 1


def next_character_losses(step, seeds, rates):
    """Return the mean loss (rate, excerpt) of a softmax regression that predicts each character, then learns it."""
    features, following, number = excerpts(seeds)
    own, rates = np.arange(len(seeds)), np.reshape(rates, (-1, 1, 1, 1))
    w = np.zeros((len(rates), len(seeds), number, SYMBOLS))
    past, loss = np.zeros_like(w), 0.0
    for t in range(LENGTH):
        seen = (slice(None), own[:, None], features[:, t])
        logits = w[seen].sum(axis=2)
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        loss = loss - np.log(p[:, own, following[:, t]])
        p[:, own, following[:, t]] -= 1
        w[seen], past[seen] = step(w[seen], np.repeat(p[:, :, None], 3, axis=2), past[seen], rates, t + 1)
    return loss / LENGTH


@cache
def best_sgd_losses(seeds):
    """Return the losses (excerpt,) of SGD at the best of five rates: with η/√t, and with constant η."""
    falling = next_character_losses(lambda w, g, s, lr, t: (w - lr / math.sqrt(t) * g, s), seeds, (4, 6, 8, 11, 16))
    constant = next_character_losses(lambda w, g, s, lr, t: (w - lr * g, s), seeds, (0.5, 0.65, 0.8, 1.0, 1.2))  # noqa: ARG005
    return falling.min(axis=0), constant.min(axis=0)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1020, runs=1020))
def adagrad_beats_a_common_falling_rate_on_english(adagrad_step, seeds):
    """On English text Adagrad at η = ½ predicts the next character better than SGD at η/√t with the best η.

    A softmax regression on the last one, two and three characters, one-hot, most of which are rare,
    reads 1,000 characters of Python's help topics once and is scored on each character before it learns
    from it.  SGD's η is the best of five for each excerpt, chosen afterwards; Adagrad's is fixed.
    24 of 30 excerpts, one for each seed, must succeed.

    In 1020 calibration runs all succeeded: Adagrad's loss was 0.83 to 0.994 of SGD's, 0.944 on the
    median.  Against SGD at the best constant rate, chosen afterwards as well, nothing is claimed: there
    the ratio was 0.87 to 1.06, 0.996 on the median.
    """
    seeds = tuple(seeds)

    def step(w, g, past, lr, _):
        return adagrad_step(w, g, past, lr=lr.item())

    falling, constant = best_sgd_losses(seeds)
    (adaptive,) = next_character_losses(step, seeds, [0.5])
    assert at_least(24, 30, zip(seeds, adaptive < falling, strict=True))
    return {"adagrad": adaptive.mean(), "falling": falling.mean(), "constant": constant.mean()}


adagrad_beats_a_common_falling_rate_on_english.refutes("adagrad_step")(sums_over_all_weights)
adagrad_beats_a_common_falling_rate_on_english.refutes("adagrad_step")(climbs)
adagrad_beats_a_common_falling_rate_on_english.refutes("adagrad_step")(lowers_the_rate_with_time)


# Often said, but false


@myth(at=small_integer_arrays(w="A", g="A"), refuted_by={"at": case(w=[0], g=[0])})
def adagrad_moves_weights_whose_gradient_is_zero(adagrad_step, at):
    """Adagrad gives features whose gradient is 0 an update, too."""
    new, _ = adagrad_step(at.w, at.g, np.zeros_like(at.w), lr=0.5)
    assert np.all(new != at.w)


@myth(at=small_integer_arrays(g="A"), refuted_by={"at": case(g=[1, 0])})
def adagrad_sums_over_different_weights(adagrad_step, at):
    """Adagrad accumulates squared gradients over the weights: what one weight gets, slows all of them alike."""
    _, past = adagrad_step(np.zeros_like(at.g), at.g, np.zeros_like(at.g), lr=0.5)
    move, _ = adagrad_step(np.zeros_like(at.g), np.ones_like(at.g), past, lr=0.5)
    assert equal(move, np.full_like(move, move[0]))


@myth(count=choices(1, 2, 4, 8), refuted_by={"count": 2})
def adagrad_divides_by_the_variance(adagrad_step, count):
    """Adagrad divides by the spread of the gradients, so a gradient that is always the same is not slowed."""
    _, past = after(adagrad_step, np.ones((count - 1, 1)))
    move, _ = adagrad_step(np.zeros(1), np.ones(1), past, lr=0.5, eps=0.0)
    assert equal(move, np.array([-0.5]))


@myth(silent=choices(1, 2, 4), refuted_by={"silent": 1})
def adagrad_raises_the_rate_of_a_silent_weight(adagrad_step, silent):
    """While a weight has no gradient, Adagrad raises its rate."""
    _, before = after(adagrad_step, np.ones((1, 1)))
    _, behind = after(adagrad_step, np.concatenate([np.ones((1, 1)), np.zeros((silent, 1))]))
    steps = [adagrad_step(np.zeros(1), np.ones(1), past, lr=0.5)[0] for past in (before, behind)]
    assert abs(steps[1]) > abs(steps[0])


@myth(at=small_integer_arrays(g="T"), refuted_by={"at": case(g=[1, 0, 1])})
def every_adaptive_method_may_skip_zero_gradients(rmsprop_step, at):
    """Every adaptive method may skip a weight while its gradient is 0, RMSProp, say."""
    ends = []
    for gradients in (at.g, at.g[at.g != 0]):
        w, v = np.zeros(1), np.zeros(1)
        for g in gradients:
            w, v = rmsprop_step(w, np.array([g]), v, lr=0.5, alpha=0.5)
        ends.append(w)
    assert equal(ends[0], ends[1])


def with_eps_inside(step, w, g, state, root, eps):
    """Return what `step`, whose eps is under the root, gives where that makes the root r + ε of this root r."""
    # (r + ε)² − r² = ε (ε + 2r) differs from one entry to the next, so each has a call of its own.
    entries = zip(*(np.reshape(each, (-1, 1)) for each in (w, g, state, root)), strict=True)
    moved = [step(*entry, eps=eps * (eps + 2 * float(r[0]))) for *entry, r in entries]
    return tuple(np.concatenate(part).reshape(np.shape(w)) for part in zip(*moved, strict=True))


@convention("adagrad_step", "its ε is inside the root, where this slot adds it outside")
def called_with_adagrads_eps_squared(theirs, w, g, sum_squares, *, lr, eps=1e-10):
    root = np.sqrt(sum_squares + g * g)
    return with_eps_inside(partial(theirs, lr=lr), w, g, sum_squares, root, eps)


@convention("rmsprop_step", "its ε is inside the root, where this slot adds it outside")
def called_with_rmsprops_eps_squared(theirs, w, g, v, *, lr, alpha=0.99, eps=1e-8):
    root = np.sqrt(alpha * v + (1 - alpha) * g * g)
    return with_eps_inside(partial(theirs, lr=lr, alpha=alpha), w, g, v, root, eps)
