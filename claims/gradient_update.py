"""Q2: what one gradient step is, what it guarantees, what it depends on, and where it is lost to rounding."""

import numpy as np

from claims import claim, legal, myth, proved
from claims.toolbox import precision
from claims.toolbox.comparison import at_most, eps, equal, raises, within
from claims.toolbox.exact import fractions
from claims.toolbox.strategies import case, choices, dyadic_arrays, integer_arrays, real_arrays, small_integer_arrays

any_rates = choices(0.5, 1.0, 0.1, 0.0, 10.0, 3.0, 1e-3, 0.3, 1e-9)
dyadic_rates = choices(0.5, 1.0, 0.25, 2.0, 0.125)
steps = integer_arrays(w="A", g="A")


# The step


@claim(step=real_arrays(w="AB", g="AB"), lr=any_rates, axes=choices(2, 1, 0))
def update_is_w_minus_lr_times_gradient(sgd_step, step, lr, axes):
    """One step gives w − ηg in every coordinate, up to rounding, for arrays of any shape.

    With η = 0 it gives a copy of w.  Expected are exact fractions, rounded once.
    """
    w, g = (np.array(each[(0,) * (2 - axes)]) for each in step)
    exact = fractions(w) - fractions(np.array(lr)) * fractions(g)
    expected = np.array(exact, dtype=np.float64)
    # The product, the difference and the expected value are rounded once each, by ε/2 of their size; twice that.
    assert within(sgd_step(w, g, lr=lr), expected, 2 * eps * (abs(lr * g) + abs(expected)))


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def adds_the_gradient(w, g, *, lr):
    return w + lr * g


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def forgets_the_rate(w, g, *, lr):
    return w - g


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def divides_by_the_rate(w, g, *, lr):
    return w - g / lr


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def squares_the_rate(w, g, *, lr):
    return w - lr**2 * g


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def halves_the_step(w, g, *, lr):
    return w - lr * g / 2


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def returns_the_move_alone(w, g, *, lr):
    return -lr * g


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def swaps_weights_and_gradient(w, g, *, lr):
    return g - lr * w


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def shrinks_the_weights_too(w, g, *, lr):
    return w - lr * (g + w)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def normalises_the_gradient(w, g, *, lr):
    norm = np.linalg.norm(g)
    return w - lr * g / (norm or 1.0)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def takes_only_the_sign(w, g, *, lr):
    return w - lr * np.sign(g)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def takes_the_size_of_the_gradient(w, g, *, lr):
    return w - lr * abs(g)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def clips_each_coordinate_at_1(w, g, *, lr):
    return w - lr * np.clip(g, -1.0, 1.0)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def divides_by_the_number_of_weights(w, g, *, lr):
    return w - lr * g / max(g.size, 1)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def moves_all_weights_by_the_mean_gradient(w, g, *, lr):
    return w - lr * np.mean(g)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def scales_the_weights_by_the_gradient(w, g, *, lr):
    return w * (1 - lr * g)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def keeps_the_gradient_in_single_precision(w, g, *, lr):
    return w - lr * g.astype(np.float32).astype(np.float64)


@update_is_w_minus_lr_times_gradient.refutes("sgd_step")
def skips_moves_below_a_millionth(w, g, *, lr):
    return np.where(abs(lr * g) < 1e-6, w, w - lr * g)


@legal("sgd_step")
def adds_the_negative(w, g, *, lr):
    return w + (-lr) * g


@legal("sgd_step")
def is_a_product_with_1_and_minus_lr(w, g, *, lr):
    return np.stack([w, g], axis=-1) @ np.array([1.0, -lr], dtype=w.dtype)


@claim(step=integer_arrays(w="A", g="A", other="A"), lr=dyadic_rates)
def step_minimises_linear_model_plus_proximity(sgd_step, step, lr):
    """The step is the one minimiser of gᵀΔ + ‖Δ‖²/(2η): the linear model of the loss and a price for distance.

    Call this q(Δ).  For every other move Δ, q(Δ) − q(step) is exactly ‖Δ − step‖²/(2η).  For a move
    as long as the step this says gᵀΔ − gᵀstep = ‖Δ − step‖²/(2η): none goes further down the linear
    model, and this is all that "steepest" means.
    """
    w, g, other = step
    taken = sgd_step(w, g, lr=lr) - w

    def q(move):
        return g @ move + move @ move / (2 * lr)

    assert equal(q(other) - q(taken), (other - taken) @ (other - taken) / (2 * lr))


for wrong in (adds_the_gradient, forgets_the_rate, squares_the_rate, halves_the_step, takes_only_the_sign):
    step_minimises_linear_model_plus_proximity.refutes("sgd_step")(wrong)


@claim(step=steps, lr=dyadic_rates)
def a_coordinate_stays_exactly_where_its_gradient_is_zero(sgd_step, step, lr):
    """Rounding aside, a step with η > 0 leaves those weights alone whose gradient is 0, and no others.

    So descent rests at stationary points: minima, but also saddles and maxima.
    """
    w, g = step
    assert equal(sgd_step(w, g, lr=lr) == w, g == 0)


for wrong in (shrinks_the_weights_too, moves_all_weights_by_the_mean_gradient, scales_the_weights_by_the_gradient):
    a_coordinate_stays_exactly_where_its_gradient_is_zero.refutes("sgd_step")(wrong)


@a_coordinate_stays_exactly_where_its_gradient_is_zero.refutes("sgd_step")
def divides_zero_by_its_norm(w, g, *, lr):
    with np.errstate(invalid="ignore"):
        return w - lr * g / np.linalg.norm(g)


# Several parameters


def product_gradient(params):
    return {"a": params["b"].copy(), "b": params["a"].copy()}


@claim(params=integer_arrays(a="N", b="N"), lr=dyadic_rates)
def all_parameters_move_simultaneously(simultaneous_step, params, lr):
    """On f(a, b) = ab one step turns a + b into (1 − η)(a + b) and a − b into (1 + η)(a − b).

    Both gradients, b for a and a for b, are those at the old point.  If b saw the new a, the plane of
    (a, b) would keep its area, for any η; moving at once multiplies it by 1 − η².
    """
    a, b = params
    new = simultaneous_step({"a": a, "b": b}, product_gradient, lr=lr)
    assert equal(new["a"] + new["b"], (1 - lr) * (a + b))
    assert equal(new["a"] - new["b"], (1 + lr) * (a - b))


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def moves_one_after_the_other(params, gradient, *, lr):
    new = dict(params)
    for name in params:
        new[name] = new[name] - lr * gradient(new)[name]
    return new


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def moves_the_last_one_first(params, gradient, *, lr):
    return moves_one_after_the_other(dict(reversed(params.items())), gradient, lr=lr)


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def adds_the_gradients(params, gradient, *, lr):
    g = gradient(params)
    return {name: w + lr * g[name] for name, w in params.items()}


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def moves_only_the_first(params, gradient, *, lr):
    first = next(iter(params), None)
    return {name: w - lr * gradient(params)[name] * (name == first) for name, w in params.items()}


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def forgets_the_common_rate(params, gradient, *, lr):
    g = gradient(params)
    return {name: w - g[name] for name, w in params.items()}


@all_parameters_move_simultaneously.refutes("simultaneous_step")
def takes_the_gradient_behind_the_step(params, gradient, *, lr):
    g = gradient(params)
    g = gradient({name: w - lr * g[name] for name, w in params.items()})
    return {name: w - lr * g[name] for name, w in params.items()}


@legal("simultaneous_step")
def collects_all_moves_first(params, gradient, *, lr):
    moves = [(name, -lr * each) for name, each in gradient(params).items()]
    new = {name: w.copy() for name, w in params.items()}
    for name, move in moves:
        new[name] = new[name] + move
    return new


layer = small_integer_arrays(x="ND", W="DC", b="C", y="NC")


@claim(net=layer, names=choices(("W", "b"), ("b", "W"), ("x", "W", "b"), ("b",), ()), lr=dyadic_rates)
def a_dict_of_parameters_moves_as_one_vector(simultaneous_step, sgd_step, net, names, lr):
    """A step on a dict is the step on all its entries in one vector, with the same keys in the same order.

    The loss is ½‖xW + b − y‖², in x as well; parameters that are not in the dict are constants.  The gradient may
    list its keys in another order.  Without parameters, nothing happens.
    """
    params = {name: getattr(net, name) for name in names}

    def gradient(at):
        x, W = at.get("x", net.x), at.get("W", net.W)
        d_out = x @ W + at.get("b", net.b) - net.y
        of = {"b": d_out.sum(axis=0), "W": x.T @ d_out, "x": d_out @ W.T}
        return {name: of[name] for name in sorted(names)}

    def flat(arrays):
        return np.concatenate([np.zeros(0), *(arrays[name].ravel() for name in names)])

    new = simultaneous_step(params, gradient, lr=lr)
    assert list(new) == list(params)
    assert {name: w.shape for name, w in new.items()} == {name: w.shape for name, w in params.items()}
    assert equal(flat(new), sgd_step(flat(params), flat(gradient(params)), lr=lr))


a_dict_of_parameters_moves_as_one_vector.refutes("simultaneous_step")(moves_one_after_the_other)
a_dict_of_parameters_moves_as_one_vector.refutes("simultaneous_step")(adds_the_gradients)


@a_dict_of_parameters_moves_as_one_vector.refutes("simultaneous_step")
def sorts_the_keys(params, gradient, *, lr):
    g = gradient(params)
    return {name: params[name] - lr * g[name] for name in sorted(params)}


@a_dict_of_parameters_moves_as_one_vector.refutes("simultaneous_step")
def pairs_by_position(params, gradient, *, lr):
    g = gradient(params)
    return {name: w - lr * each for (name, w), each in zip(params.items(), g.values(), strict=True)}


@a_dict_of_parameters_moves_as_one_vector.refutes("simultaneous_step")
def normalises_all_gradients_together(params, gradient, *, lr):
    g = gradient(params)
    norm = np.sqrt(sum(np.sum(each**2) for each in g.values())) or 1.0
    return {name: w - lr * g[name] / norm for name, w in params.items()}


@claim(params=integer_arrays(a="N", b="NC"), lr=dyadic_rates)
def the_gradient_is_taken_once_at_the_old_point(simultaneous_step, params, lr):
    """The gradient is asked for once, with the old parameters, and that one answer moves them all.

    Here it is another one at each call, as it is when every call draws another mini-batch.
    """
    old = params._asdict()
    asked = []

    def gradient(at):
        asked.append({name: w.copy() for name, w in at.items()})
        return {name: w + len(asked) for name, w in at.items()}

    new = simultaneous_step(old, gradient, lr=lr)
    assert len(asked) == 1
    for name, w in old.items():
        assert equal(asked[0][name], w)
        assert equal(new[name], w - lr * (w + 1))


the_gradient_is_taken_once_at_the_old_point.refutes("simultaneous_step")(moves_one_after_the_other)
the_gradient_is_taken_once_at_the_old_point.refutes("simultaneous_step")(takes_the_gradient_behind_the_step)


@the_gradient_is_taken_once_at_the_old_point.refutes("simultaneous_step")
def asks_again_for_each_parameter(params, gradient, *, lr):
    return {name: w - lr * gradient(params)[name] for name, w in params.items()}


# On a quadratic


@claim(start=small_integer_arrays(w="D", h="D"), lr=dyadic_rates, count=choices(1, 2, 3, 5))
def quadratic_closed_form(sgd_step, start, lr, count):
    """On ½Σhᵢwᵢ², after t steps each wᵢ is (1 − ηhᵢ)ᵗ times what it was, whatever the signs of the hᵢ."""
    w, h = start
    for _ in range(count):
        w = sgd_step(w, h * w, lr=lr)
    assert equal(w, (1 - lr * h) ** count * start.w)


for wrong in (adds_the_gradient, forgets_the_rate, squares_the_rate, normalises_the_gradient, takes_only_the_sign):
    quadratic_closed_form.refutes("sgd_step")(wrong)


curvatures = small_integer_arrays(h="D")
shares = choices(0.5, 1.0, 2.0, 0.25, 1.5, 0.9375, 1.0625, 0.0625)


@claim(exponents=curvatures, share=shares)
def quadratic_converges_iff_lr_below_2_over_curvature(sgd_step, max_stable_lr, exponents, share):
    """On ½Σhᵢwᵢ² with all hᵢ > 0 the step converges from every start if and only if 0 < η < 2/max hᵢ.

    Each wᵢ is multiplied by 1 − ηhᵢ, step after step, and |1 − ηhᵢ| < 1 is 0 < ηhᵢ < 2.  At the
    threshold itself the weights with the largest hᵢ keep their size for ever; above it they grow from
    any start but 0.  The hᵢ are powers of two here, so that nothing is rounded.
    """
    h = 2.0**exponents.h
    w = np.ones_like(h)
    for _ in range(4):
        before, w = w, sgd_step(w, h * w, lr=share * max_stable_lr(h))
    largest = h == h.max()
    if share < 1:
        assert np.all((abs(w) < abs(before)) | (before == 0))
    elif share == 1:
        assert equal(abs(w[largest]), np.ones(largest.sum()))
        assert np.all(abs(w[~largest]) < 1)
    else:
        assert np.all(abs(w[largest]) > abs(before[largest]))


for wrong in (adds_the_gradient, forgets_the_rate, halves_the_step, normalises_the_gradient, takes_only_the_sign):
    quadratic_converges_iff_lr_below_2_over_curvature.refutes("sgd_step")(wrong)


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def takes_1_over_the_curvature(curvature):
    return 1 / float(np.max(curvature))


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def takes_the_smallest_curvature(curvature):
    return 2 / float(np.min(curvature))


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def takes_the_mean_curvature(curvature):
    return 2 / float(np.mean(curvature))


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def takes_the_sum_of_the_curvatures(curvature):
    return 2 / float(np.sum(curvature))


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def takes_the_rate_that_converges_fastest(curvature):
    return 2 / float(np.max(curvature) + np.min(curvature))


@quadratic_converges_iff_lr_below_2_over_curvature.refutes("max_stable_lr")
def multiplies_by_the_curvature(curvature):
    return 2 * float(np.max(curvature))


@legal("max_stable_lr")
def asks_each_direction_for_its_limit(curvature):
    limits = []
    for h in np.ravel(curvature).tolist():
        if h < 0:
            raise ValueError(f"curvature {h} is negative")
        limits.append(2 / h if h else np.inf)
    return min(limits)


@claim(
    exponents=curvatures,
    flat=choices(1, 0, 2),
    negative=choices(-1.0, -0.125, -1e-9, -8.0),
    size=choices(1.0, 2.0**-40),
)
def a_flat_direction_limits_no_rate(max_stable_lr, exponents, flat, negative, size):
    """Directions with h = 0 do not limit the rate, a negative h leaves no rate that is stable.

    A weight with h = 0 stays where it is, at any rate.  One with h < 0 is multiplied by 1 − ηh > 1.
    The curvature may be a number or an array; without any there is no answer.
    """
    h = size * 2.0**exponents.h
    assert max_stable_lr(0.0) == max_stable_lr(np.zeros(flat + 1)) == np.inf
    assert max_stable_lr(float(h[0])) == 2 / h[0]
    assert max_stable_lr(np.concatenate([np.zeros(flat), h])) == 2 / h.max()
    assert raises(ValueError, max_stable_lr, negative)
    assert raises(ValueError, max_stable_lr, np.append(h, negative))
    assert raises(ValueError, max_stable_lr, np.zeros(0))


def limit_of(pick):
    def limit(curvature):
        if np.size(curvature) == 0:
            raise ValueError("no curvature")
        return 2 / h if (h := float(pick(np.asarray(curvature)))) else np.inf

    return limit


@a_flat_direction_limits_no_rate.refutes("max_stable_lr")
def overlooks_negative_curvature(curvature):
    return limit_of(np.max)(curvature)


@a_flat_direction_limits_no_rate.refutes("max_stable_lr")
def takes_the_size_of_negative_curvature(curvature):
    return limit_of(lambda h: abs(h).max())(curvature)


def refusing_negative(limit):
    def guarded(curvature):
        if np.size(curvature) == 0 or np.min(curvature) < 0:
            raise ValueError("no stable rate")
        return limit(curvature)

    return guarded


@a_flat_direction_limits_no_rate.refutes("max_stable_lr")
def lets_no_rate_pass_a_flat_direction(curvature):
    return refusing_negative(lambda h: 2 / float(np.max(h)) if np.min(h) > 0 else 0.0)(curvature)


@a_flat_direction_limits_no_rate.refutes("max_stable_lr")
def lets_a_flat_direction_allow_every_rate(curvature):
    return refusing_negative(lambda h: 2 / float(np.max(h)) if np.min(h) > 0 else np.inf)(curvature)


@a_flat_direction_limits_no_rate.refutes("max_stable_lr")
def keeps_the_divisor_away_from_zero(curvature):
    return refusing_negative(lambda h: 2 / (float(np.max(h)) + 1e-12))(curvature)


@claim(start=integer_arrays(w="D", h=""), share=shares)
def half_the_largest_stable_rate_arrives_and_more_overshoots(sgd_step, max_stable_lr, start, share):
    """At a share s of the largest stable rate, ½h‖w‖² sends w to (1 − 2s) w: to the minimum for s = ½.

    Below ½ the weights keep their signs, above they change sign at every step; up to s < 1 the loss
    falls all the same, at s = 1 it stays, beyond it rises.
    """
    w, h = start.w, 2.0 ** (start.h % 7 - 3)
    new = sgd_step(w, h * w, lr=share * max_stable_lr(h))
    assert equal(new, (1 - 2 * share) * w)
    assert equal(np.sign(new), np.sign(0.5 - share) * np.sign(w))
    assert np.sign(new @ new - w @ w) == (np.sign(share - 1) if w.any() else 0)


for wrong in (adds_the_gradient, squares_the_rate, halves_the_step, takes_only_the_sign, clips_each_coordinate_at_1):
    half_the_largest_stable_rate_arrives_and_more_overshoots.refutes("sgd_step")(wrong)

half_the_largest_stable_rate_arrives_and_more_overshoots.refutes("max_stable_lr")(takes_1_over_the_curvature)


# How far the loss falls


@claim(net=small_integer_arrays(A="DK", w="D"), lr=choices(0.5, 0.125, 1.0, 0.0625, 2.0, 2.0**-6))
def a_step_lowers_a_quadratic_by_a_known_amount(sgd_step, guaranteed_decrease, net, lr):
    """On ½wᵀHw a step lowers the loss by η‖g‖² − ½η²gᵀHg, which is at least η (1 − ηL/2) ‖g‖² for L ≥ max hᵢ.

    So it falls whenever g ≠ 0 and 0 < η < 2/max hᵢ.  H = AAᵀ is any such matrix of whole numbers, and
    its trace is taken for L.  With H = L·1 the two are equal.
    """
    w, H = net.w, net.A @ net.A.T
    L = np.trace(H)

    def decrease(H):
        g = H @ w
        new = sgd_step(w, g, lr=lr)
        assert equal(w @ H @ w / 2 - new @ H @ new / 2, lr * g @ g - lr**2 / 2 * g @ H @ g)
        return lr * g @ g - lr**2 / 2 * g @ H @ g, guaranteed_decrease(g, lr=lr, smoothness=float(L))

    exact, least = decrease(H)
    assert at_most(least, exact)
    exact, least = decrease(L * np.eye(len(w)))
    assert equal(least, exact)


for wrong in (adds_the_gradient, forgets_the_rate, halves_the_step, takes_only_the_sign):
    a_step_lowers_a_quadratic_by_a_known_amount.refutes("sgd_step")(wrong)


@a_step_lowers_a_quadratic_by_a_known_amount.refutes("guaranteed_decrease")
def promises_the_linear_model(g, *, lr, smoothness):
    return float(lr * np.sum(g**2))


@a_step_lowers_a_quadratic_by_a_known_amount.refutes("guaranteed_decrease")
def forgets_the_half(g, *, lr, smoothness):
    return float(lr * (1 - lr * smoothness) * np.sum(g**2))


@a_step_lowers_a_quadratic_by_a_known_amount.refutes("guaranteed_decrease")
def forgets_to_square_the_norm(g, *, lr, smoothness):
    return float(lr * (1 - lr * smoothness / 2) * np.linalg.norm(g))


@a_step_lowers_a_quadratic_by_a_known_amount.refutes("guaranteed_decrease")
def averages_over_the_weights(g, *, lr, smoothness):
    return float(lr * (1 - lr * smoothness / 2) * np.mean(g**2))


@a_step_lowers_a_quadratic_by_a_known_amount.refutes("guaranteed_decrease")
def promises_nothing_at_large_rates(g, *, lr, smoothness):
    return max(float(lr * (1 - lr * smoothness / 2) * np.sum(g**2)), 0.0)


@legal("guaranteed_decrease")
def subtracts_the_curvature_term(g, *, lr, smoothness):
    move = lr * g
    return float(np.vdot(g, move) - smoothness / 2 * np.vdot(move, move))


def huber(w):
    return np.where(abs(w) <= 1, w**2 / 2, abs(w) - 0.5)


def bowl(w):
    return np.sum(huber(w)), np.clip(w, -1, 1)


def bowl_and_hill(w):
    return np.sum(huber(w) - huber(w - 2)), np.clip(w, -1, 1) - np.clip(w - 2, -1, 1)


@claim(start=dyadic_arrays(w="D"), loss=choices(bowl, bowl_and_hill), lr=choices(0.5, 1.0, 2.0, 4.0, 0.125))
def a_smooth_loss_falls_at_least_as_guaranteed(sgd_step, guaranteed_decrease, start, loss, lr):
    """If the gradient changes at most L times as much as w, the loss falls by at least η (1 − ηL/2) ‖g‖².

    L-smooth is the word for it; convex the loss need not be.  From w to w − ηg the slope along −g is
    ‖g‖ at first, and falls by at most L per unit of length; integrate.  Tried with L = 1 on a sum of
    Huber losses, and on one with a hill beside each bowl, where all arithmetic is exact.

    Source: Nesterov, Introductory Lectures on Convex Optimization: A Basic Course, 2004.
    """
    value, g = loss(start.w)
    new_value, _ = loss(sgd_step(start.w, g, lr=lr))
    assert at_most(guaranteed_decrease(g, lr=lr, smoothness=1.0), value - new_value)


for wrong in (adds_the_gradient, returns_the_move_alone, swaps_weights_and_gradient):
    a_smooth_loss_falls_at_least_as_guaranteed.refutes("sgd_step")(wrong)

a_smooth_loss_falls_at_least_as_guaranteed.refutes("guaranteed_decrease")(promises_the_linear_model)
a_smooth_loss_falls_at_least_as_guaranteed.refutes(
    "guaranteed_decrease", by={"start": case(w=[1]), "loss": bowl, "lr": 4.0}
)(promises_nothing_at_large_rates)


@claim(gradient=integer_arrays(g="D"), lr=dyadic_rates, L=choices(1.0, 2.0, 0.5, 8.0))
def the_guarantee_is_best_at_rate_1_over_l(guaranteed_decrease, gradient, lr, L):
    """The guaranteed decrease is largest, ‖g‖²/(2L), at η = 1/L; another rate loses ½L (η − 1/L)² ‖g‖² of it."""
    g = gradient.g
    best = guaranteed_decrease(g, lr=1 / L, smoothness=L)
    assert equal(best, g @ g / (2 * L))
    assert equal(best - guaranteed_decrease(g, lr=lr, smoothness=L), L / 2 * (lr - 1 / L) ** 2 * (g @ g))


the_guarantee_is_best_at_rate_1_over_l.refutes("guaranteed_decrease")(promises_the_linear_model)
the_guarantee_is_best_at_rate_1_over_l.refutes("guaranteed_decrease")(forgets_the_half)
the_guarantee_is_best_at_rate_1_over_l.refutes("guaranteed_decrease")(forgets_to_square_the_norm)


@the_guarantee_is_best_at_rate_1_over_l.refutes("guaranteed_decrease")
def divides_by_the_smoothness(g, *, lr, smoothness):
    return float(lr * (1 - lr / smoothness / 2) * np.sum(g**2))


# What the step depends on

powers = choices(2.0, 0.5, 4.0, 0.125)


@claim(step=steps, lr=dyadic_rates, c=powers)
def rescaling_weights_by_c_rescales_the_rate_by_c2(sgd_step, step, lr, c):
    """Where w is written as cφ, a step on φ with rate η moves w as a step on w with rate c²η does.

    The gradient with respect to φ is cg, and the move of φ counts c times in w.  Other units of a
    weight are another rate for it.
    """
    w, g = step
    assert equal(c * sgd_step(w / c, c * g, lr=lr), sgd_step(w, g, lr=c**2 * lr))


@claim(step=steps, lr=dyadic_rates, c=powers)
def scaling_the_loss_scales_the_rate(sgd_step, step, lr, c):
    """Multiplying the loss by c does what multiplying the rate by c does.

    So a sum over N examples with rate η is their mean with rate Nη.  Steps along the normalised
    gradient, or its sign, do not see the scale of the loss.
    """
    w, g = step
    assert equal(sgd_step(w, c * g, lr=lr), sgd_step(w, g, lr=c * lr))


for scaling in (rescaling_weights_by_c_rescales_the_rate_by_c2, scaling_the_loss_scales_the_rate):
    for wrong in (squares_the_rate, normalises_the_gradient, takes_only_the_sign, clips_each_coordinate_at_1):
        scaling.refutes("sgd_step")(wrong)

rescaling_weights_by_c_rescales_the_rate_by_c2.refutes("sgd_step")(forgets_the_rate)
scaling_the_loss_scales_the_rate.refutes("sgd_step")(forgets_the_rate)


@claim(step=steps, lr=dyadic_rates, signs=choices((1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, -1), (-1, 1, 1, -1)))
def rotating_the_coordinates_rotates_the_step(sgd_step, step, lr, signs):
    """If the coordinates are rotated, w to Qw and so the gradient to Qg, the step is rotated with them.

    Q is orthogonal, as the gradient in the new coordinates is Q⁻ᵀg.  It mixes four weights with
    coefficients ±½ here, so that all is exact; fewer weights are repeated.
    """
    w, g = (np.resize(each, 4) for each in step)
    a, b, c, d = signs
    Q = np.array([[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]]) / 2
    assert equal(sgd_step(Q @ w, Q @ g, lr=lr), Q @ sgd_step(w, g, lr=lr))


for wrong in (takes_only_the_sign, takes_the_size_of_the_gradient, clips_each_coordinate_at_1):
    rotating_the_coordinates_rotates_the_step.refutes("sgd_step")(wrong)


@rotating_the_coordinates_rotates_the_step.refutes("sgd_step")
def divides_by_the_largest_coordinate(w, g, *, lr):
    return w - lr * g / (abs(g).max() or 1.0)


@rotating_the_coordinates_rotates_the_step.refutes("sgd_step")
def adds_a_constant_to_the_gradient(w, g, *, lr):
    return w - lr * (g + 1)


# Where rounding loses it

formats = choices(precision.dtype.type, np.float32, np.float16)
some_weights = choices(1.0, 1.5, -1.0, 3.0, 0.1, 100.0, -0.7, 1000.0, 1 / 3)


@claim(
    start=some_weights, half_gaps=choices(0.5, 1.0, 2.0, 0.998046875, 1.001953125, 3.0), up=choices(1, -1), kind=formats
)
def fp_step_lost_below_half_a_gap(sgd_step, start, half_gaps, up, kind):
    """A step shorter than half the gap from w to the next float in its direction is lost; a longer one is not.

    A step of exactly half the gap is lost if w's last bit is 0.  The gap is one unit in the last
    place of w, and half as large where |w| is a power of two and shrinks.  This is rounding to the
    nearest, as IEEE 754 has it, in any of its formats; η and g are such that ηg is not rounded.
    """
    w = np.array([start], dtype=kind)
    gap = abs(np.nextafter(w, kind(up * np.inf)) - w)
    move = kind(half_gaps / 2) * gap
    even = int.from_bytes(w.tobytes()[:1]) % 2 == 0
    lost = bool(sgd_step(w, kind(-up * 4) * move, lr=0.25) == w)
    assert lost == (half_gaps < 1 or (half_gaps == 1 and even))


@fp_step_lost_below_half_a_gap.refutes("sgd_step")
def ignores_moves_below_machine_epsilon(w, g, *, lr):
    return np.where(abs(lr * g) < eps, w, w - lr * g)


@fp_step_lost_below_half_a_gap.refutes("sgd_step")
def moves_to_the_next_float_at_least(w, g, *, lr):
    new = w - lr * g
    return np.where((new == w) & (g != 0), np.nextafter(w, -np.sign(g) * w.dtype.type(np.inf)), new)


@fp_step_lost_below_half_a_gap.refutes("sgd_step")
def stores_single_precision(w, g, *, lr):
    return (w - lr * g).astype(np.float32).astype(w.dtype)


@fp_step_lost_below_half_a_gap.refutes("sgd_step")
def drops_moves_below_a_whole_gap(w, g, *, lr):
    return np.where(abs(lr * g) < np.spacing(abs(w)), w, w - lr * g)


@proved()
def a_master_copy_keeps_what_half_precision_loses(sgd_step):
    """From w = 1, a thousand steps of 2⁻¹³ move a float16 not at all, and a float32 by their sum.

    Below 1 the floats of 16 bits lie 2⁻¹¹ apart, so each step is a quarter of the gap.  The master
    copy of mixed-precision training is this float32.  The claim runs all the steps.

    Source: Micikevicius et al., Mixed Precision Training, ICLR 2018, arXiv 1710.03740.
    """
    for kind, arrived in ((np.float16, 1.0), (np.float32, 1 - 1000 * 2.0**-13)):
        w, g = np.ones(1, dtype=kind), np.full(1, 2.0**-10, dtype=kind)
        for _ in range(1000):
            w = sgd_step(w, g, lr=0.125)
        assert equal(w, np.array([arrived], dtype=kind))


@a_master_copy_keeps_what_half_precision_loses.refutes("sgd_step")
def stores_half_precision(w, g, *, lr):
    return (w - lr * g).astype(np.float16).astype(w.dtype)


a_master_copy_keeps_what_half_precision_loses.refutes("sgd_step")(moves_to_the_next_float_at_least)


# Often said, but false


@myth(w=choices(0.0, 1.0, -1.0, 2.0), lr=choices(0.5, 1.0, 3.0), refuted_by={"w": 1.0, "lr": 3.0})
def every_step_lowers_the_loss(sgd_step, w, lr):
    """Every gradient step lowers the loss, or leaves it, since it goes downhill."""
    w = np.array([w])
    new = sgd_step(w, w, lr=lr)
    assert at_most(new @ new / 2, w @ w / 2)


@myth(zeros=choices(0, 1, 2, 4, 8, 16), refuted_by={"zeros": 16})
def a_step_stands_still_only_at_gradient_zero(sgd_step, zeros):
    """In a computer, too, a step changes the weight unless its gradient is exactly 0."""
    assert sgd_step(np.array([1.0]), np.array([10.0**-zeros]), lr=0.1)[0] != 1.0


@myth(start=small_integer_arrays(w="D"), refuted_by={"start": case(w=[1, 1])})
def the_negative_gradient_points_at_the_minimum(sgd_step, start):
    """The negative gradient points at the minimum, so only the length of the step can be wrong.

    On a quadratic it does so just where w minus the minimum is an eigenvector of the Hessian.
    """
    w = start.w
    move = sgd_step(w, np.arange(1.0, len(w) + 1) * w, lr=0.5) - w  # the minimum of ½(w₁² + 2w₂² + …) is 0
    assert equal(np.outer(move, w), np.outer(w, move))


@myth(w=choices(1.0, 0.0, -1.0, 2.0), refuted_by={"w": 0.0})
def where_descent_rests_is_a_minimum(sgd_step, w):
    """Where the gradient is 0 and descent rests, there is a minimum."""
    rests = sgd_step(np.array([w]), np.array([3 * w**2]), lr=0.5)[0] == w  # the loss is w³
    assert not rests or (w - 0.5) ** 3 >= w**3 <= (w + 0.5) ** 3


@myth(start=small_integer_arrays(w="D"), refuted_by={"start": case(w=[1, 0])})
def a_rate_above_the_limit_diverges_from_every_start(sgd_step, start):
    """Above 2/h, with the largest h, descent diverges wherever it starts, unless at the minimum."""
    w, h = start.w, np.ones(len(start.w))
    h[-1] = 8
    for _ in range(4):
        w = sgd_step(w, h * w, lr=0.5)
    assert w @ w > start.w @ start.w or not start.w.any()


@myth(step=small_integer_arrays(w="D", g="D"), refuted_by={"step": case(w=[0], g=[1])})
def the_step_does_not_depend_on_units(sgd_step, step):
    """It makes no difference in which units the weights are measured."""
    w, g = step
    assert equal(2 * sgd_step(w / 2, 2 * g, lr=0.5), sgd_step(w, g, lr=0.5))


@myth(params=small_integer_arrays(a="N", b="N"), refuted_by={"params": case(a=[0], b=[1])})
def one_after_the_other_is_the_same(simultaneous_step, params):
    """It makes no difference whether the parameters move at once or one after the other."""
    at_once = simultaneous_step(params._asdict(), product_gradient, lr=0.5)
    in_turn = moves_one_after_the_other(params._asdict(), product_gradient, lr=0.5)
    assert equal(at_once["b"], in_turn["b"])
