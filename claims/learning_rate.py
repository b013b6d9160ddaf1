"""Q13: the curve that each learning rate draws, what "too high" means, and what a warmup is good for."""

import math
from fractions import Fraction
from itertools import product

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, within
from claims.toolbox.data import digits
from claims.toolbox.exact import nearest
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, real_arrays, small_integer_arrays

bowls = small_integer_arrays(w="D", h="D")
dyadic_rates = choices(0.5, 1.0, 0.25, 2.0, 0.125)
shares = choices(0.25, 0.5, 0.75, 0.9375, 1.0, 1.0625, 1.5, 2.0)  # of the largest stable rate
powers = choices(2.0, 0.5, 4.0, 0.125)


# Mistakes of the gradient step, which many claims refute


def adds_the_gradient(w, g, *, lr):
    return w + lr * g


def halves_the_step(w, g, *, lr):
    return w - lr * g / 2


def squares_the_rate(w, g, *, lr):
    return w - lr**2 * g


def takes_only_the_sign(w, g, *, lr):
    return w - lr * np.sign(g)


def normalises_the_gradient(w, g, *, lr):
    return w - lr * g / (np.linalg.norm(g) or 1.0)


def steps_twice(w, g, *, lr):
    return w - 2 * lr * g


# The curve on a quadratic


@claim(start=bowls, lr=dyadic_rates, steps=choices(2, 0, 1, 5))
def each_rate_draws_its_curve_on_a_quadratic(quadratic_losses, sgd_step, start, lr, steps):
    """On ½Σhᵢwᵢ² the loss after t steps is ½Σhᵢ(1 − ηhᵢ)²ᵗwᵢ², for any rate and any signs of the hᵢ."""
    w, h = start
    losses = quadratic_losses(w, h, lr=lr, steps=steps)
    assert losses.shape == (steps + 1,)
    for loss in losses:
        # Descent is exact here; a power takes at most 2 roundings a factor, the rest a few for each weight.
        assert within(loss, h @ w**2 / 2, gamma(4 * steps + 16) * (abs(h) @ w**2) / 2)
        w = sgd_step(w, h * w, lr=lr)


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def forgets_that_the_loss_is_a_square(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum(curvatures * w**2 * (1 - lr * curvatures) ** t, axis=1) / 2


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def leaves_the_curvature_out_of_the_loss(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum((w * (1 - lr * curvatures) ** t) ** 2, axis=1) / 2


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def averages_over_the_weights(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.mean(curvatures * (w * (1 - lr * curvatures) ** t) ** 2, axis=1) / 2


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def leaves_out_the_loss_at_the_start(w, curvatures, *, lr, steps):
    t = np.arange(1, steps + 2)[:, np.newaxis]
    return np.sum(curvatures * (w * (1 - lr * curvatures) ** t) ** 2, axis=1) / 2


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def lets_infinitely_small_steps_flow(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum(curvatures * (w * np.exp(-lr * curvatures * t)) ** 2, axis=1) / 2


@each_rate_draws_its_curve_on_a_quadratic.refutes("quadratic_losses")
def shrinks_the_rate_at_every_step(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum(curvatures * (w / (1 + lr * curvatures) ** t) ** 2, axis=1) / 2


@legal("quadratic_losses")
def runs_the_descent(w, curvatures, *, lr, steps):
    losses = [np.vdot(w, curvatures * w) / 2]
    for _ in range(steps):
        w = w - lr * (curvatures * w)
        losses.append(np.vdot(w, curvatures * w) / 2)
    return np.array(losses)


for wrong in (adds_the_gradient, halves_the_step, squares_the_rate, takes_only_the_sign, normalises_the_gradient):
    each_rate_draws_its_curve_on_a_quadratic.refutes("sgd_step")(wrong)


@claim(start=bowls, share=shares)
def the_curve_falls_for_good_only_below_2_over_h(quadratic_losses, max_stable_lr, start, share):
    """On ½Σhᵢwᵢ² with all hᵢ > 0 the loss falls at every step, towards 0, for any rate below 2/max hᵢ.

    At that rate the part of the loss in the steepest directions stays for ever, beyond it that part
    grows, and at last the loss exceeds any bound, unless it starts with nothing in these directions.
    """
    w, h = start.w, 2.0**start.h
    losses = quadratic_losses(w, h, lr=share * max_stable_lr(h), steps=40)
    steepest = h == h.max()
    stuck = h[steepest] @ w[steepest] ** 2 / 2
    if share < 1:
        assert np.all((losses[1:] < losses[:-1]) | (losses[:-1] == 0))
    elif share == 1:
        assert at_most(stuck, losses)
        assert np.all(losses[1:] <= losses[:-1])
    elif stuck:
        # The least growth is 1.125² a step: over 40 steps more than 10⁴, and the start is at most 28 times what grows.
        assert losses[-1] > 100 * losses[0]


@the_curve_falls_for_good_only_below_2_over_h.refutes("max_stable_lr")
def takes_the_smallest_curvature(curvature):
    return 2 / float(np.min(curvature))


@the_curve_falls_for_good_only_below_2_over_h.refutes("max_stable_lr")
def takes_1_over_the_curvature(curvature):
    return 1 / float(np.max(curvature))


@the_curve_falls_for_good_only_below_2_over_h.refutes("max_stable_lr")
def takes_the_mean_curvature(curvature):
    return 2 / float(np.mean(curvature))


the_curve_falls_for_good_only_below_2_over_h.refutes("quadratic_losses")(forgets_that_the_loss_is_a_square)
the_curve_falls_for_good_only_below_2_over_h.refutes("quadratic_losses")(lets_infinitely_small_steps_flow)
the_curve_falls_for_good_only_below_2_over_h.refutes("quadratic_losses")(shrinks_the_rate_at_every_step)


@claim(start=bowls, lr=dyadic_rates)
def on_a_quadratic_no_curve_turns_up_and_down(quadratic_losses, start, lr):
    """On ½Σhᵢwᵢ² with all hᵢ ≥ 0 the loss is convex in the steps: it may turn upwards once, and never down again.

    Each term has the form c·qᵗ with c, q ≥ 0, and such a term is convex in t.  The weights may swing
    from side to side all the while.  A loss that goes up and down says that the gradient is noisy or
    that the curvature changes along the way.
    """
    losses = quadratic_losses(start.w, abs(start.h), lr=lr, steps=8)
    # Three neighbours are known to a few roundings of each of their powers; relative to the largest of them.
    slack = 4 * gamma(4 * 8 + 16) * np.maximum(losses[:-2], losses[2:])
    assert at_most(2 * losses[1:-1], losses[:-2] + losses[2:] + slack)


on_a_quadratic_no_curve_turns_up_and_down.refutes("quadratic_losses")(forgets_that_the_loss_is_a_square)


@on_a_quadratic_no_curve_turns_up_and_down.refutes("quadratic_losses")
def adds_the_swing_to_the_loss(w, curvatures, *, lr, steps):
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum(curvatures * w**2 * (1 + (1 - lr * curvatures) ** t), axis=1) / 2


@claim(start=small_integer_arrays(w="D", h=""), share=choices(0.25, 0.75, 0.0625, 0.9375, 0.5, 1.125))
def overshooting_draws_the_curve_of_creeping(quadratic_losses, max_stable_lr, sgd_step, start, share):
    """On ½h‖w‖² the rates η and 2/h − η draw the same loss curve: one creeps, the other overshoots.

    The factor of the weights is 1 − ηh for one and −(1 − ηh) for the other: below 1/h they keep
    their signs, above they change them at every step.  So a loss that falls slowly does not say by
    itself whether the rate is too low or too high.
    """
    w, h = start.w, 2.0**start.h
    limit = max_stable_lr(h)
    curvatures = np.full(len(w), h)
    low, high = (quadratic_losses(w, curvatures, lr=s * limit, steps=6) for s in (share, 1 - share))
    # The same powers, but for a sign; each takes a few roundings.
    assert within(high, low, 2 * gamma(40) * low)
    below, above = (sgd_step(w, h * w, lr=s * limit) for s in (share, 1 - share))
    assert equal(above, -below)
    assert equal(np.sign(below), np.sign(0.5 - share) * np.sign(w))


overshooting_draws_the_curve_of_creeping.refutes("max_stable_lr")(takes_1_over_the_curvature)
overshooting_draws_the_curve_of_creeping.refutes("quadratic_losses")(forgets_that_the_loss_is_a_square)
overshooting_draws_the_curve_of_creeping.refutes("quadratic_losses")(lets_infinitely_small_steps_flow)
overshooting_draws_the_curve_of_creeping.refutes("quadratic_losses")(shrinks_the_rate_at_every_step)

for wrong in (adds_the_gradient, halves_the_step, takes_only_the_sign, steps_twice):
    overshooting_draws_the_curve_of_creeping.refutes("sgd_step")(wrong)


@claim(scale=powers, condition=choices(3, 1, 7, 15), away=choices(0.5, 0.75, 1.0625, 1.25, 2.0))
def the_best_constant_rate_is_close_to_the_limit(quadratic_losses, max_stable_lr, scale, condition, away):
    """For curvatures from h to κh the best constant rate is κ/(κ + 1) of the largest stable one.

    It is 2/(h + κh).  Best is meant for the worst start: the weights then shrink by (κ − 1)/(κ + 1)
    at each step, in the flattest and in the steepest direction alike, and with any other rate more
    slowly in one of them.

    Source: Polyak, Introduction to Optimization, 1987.
    """
    h = scale * np.array([1.0, (1 + condition) / 2, condition])
    best = condition / (condition + 1) * max_stable_lr(h)
    # The rate is one rounding off 2/(h + κh), which is a power of two; the losses take some 30 roundings more.
    assert within(best, 2 / (h[0] + h[-1]), eps * best)

    def worst(lr):
        return max(quadratic_losses(w, h, lr=lr, steps=3)[-1] / quadratic_losses(w, h, lr=lr, steps=0)[0] for w in axes)

    axes = np.eye(len(h))
    assert within(worst(best), ((condition - 1) / (condition + 1)) ** 6, gamma(64))
    assert worst(away * best) > worst(best) + 2 * gamma(64)


the_best_constant_rate_is_close_to_the_limit.refutes("max_stable_lr")(takes_1_over_the_curvature)
the_best_constant_rate_is_close_to_the_limit.refutes("max_stable_lr")(takes_the_smallest_curvature)
the_best_constant_rate_is_close_to_the_limit.refutes("max_stable_lr")(takes_the_mean_curvature)
the_best_constant_rate_is_close_to_the_limit.refutes("quadratic_losses")(forgets_that_the_loss_is_a_square)
the_best_constant_rate_is_close_to_the_limit.refutes("quadratic_losses")(shrinks_the_rate_at_every_step)


# How long it takes

products = (0.5, 1.5, 1.0, 0.25, 1.75, 0.0, 2.0, 3.0, 1e-9, 2 - 2.0**-20, 1 + 2.0**-20, 1e-3, 0.999)
factors = choices(0.5, 0.1, 1e-3, 1e-9, 0.999, 1 - 1e-9)


def exact_steps(x, factor):
    """Return ln(factor)/ln|1 − x| for 0 < |1 − x| < 1."""
    return nearest(lambda x, factor: factor.ln() / abs(1 - x).ln(), x, factor)


@claim(x=choices(*products), curvature=choices(1.0, 2.0, 0.125, 1024.0), factor=factors)
def steps_follow_from_rate_times_curvature(steps_to_reach, x, curvature, factor):
    """To shrink |w| on ½hw² to a share f of what it was, descent takes ln f/ln|1 − ηh| steps.

    The number is real, and 0 at ηh = 1, where the first step passes any f.  It is infinite unless
    0 < ηh < 2.  It is accurate for ηh = 10⁻⁹ as well, where 1 − ηh has lost half its digits.
    """
    steps = steps_to_reach(curvature, lr=x / curvature, factor=factor)
    if not 0 < x < 2:
        assert steps == math.inf
    elif x == 1:
        assert steps == 0
    else:
        # Two logarithms of one unit in the last place each, a division and the rounding of the expected value.
        expected = exact_steps(x, factor)
        assert within(steps, expected, 4 * eps * expected)


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def takes_the_flow_for_the_steps(curvature, *, lr, factor):
    return -math.log(factor) / (lr * curvature) if lr * curvature > 0 else math.inf


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def takes_the_loss_for_the_weight(curvature, *, lr, factor):
    distance = min(lr * curvature, 2 - lr * curvature)
    if distance <= 0 or distance == 1:
        return 0.0 if distance == 1 else math.inf
    return math.log(factor) / (2 * math.log1p(-distance))


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def knows_no_overshooting(curvature, *, lr, factor):
    x = lr * curvature
    return math.log(factor) / math.log1p(-x) if 0 < x < 1 else (0.0 if x == 1 else math.inf)


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def rounds_1_minus_a_tiny_number(curvature, *, lr, factor):
    shrinks = abs(1 - lr * curvature)
    if shrinks == 0 or shrinks >= 1:
        return math.inf if shrinks else 0.0
    return math.log(factor) / math.log(shrinks)


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def lets_divergence_count_backwards(curvature, *, lr, factor):
    x = lr * curvature
    if x in (0, 1, 2):
        return 0.0 if x == 1 else math.inf
    return math.log(factor) / (math.log1p(-x) if x < 1 else math.log1p(x - 2) if x < 2 else math.log(x - 1))


@steps_follow_from_rate_times_curvature.refutes("steps_to_reach")
def forgets_the_curvature(curvature, *, lr, factor):
    return math.log(factor) / math.log1p(-lr) if 0 < lr < 1 else math.inf


@legal("steps_to_reach")
def tells_four_ranges_apart(curvature, *, lr, factor):
    x = lr * curvature
    if x == 1:
        return 0.0
    if x <= 0 or x >= 2:
        return np.inf
    shrinks = np.log1p(-x) if x < 0.5 else np.log1p(x - 2) if x > 1.5 else np.log(abs(1 - x))
    return float(np.log(factor) / shrinks)


@claim(x=choices(0.5, 0.9, 0.1, 0.99, 1e-3, 1e-9), curvature=choices(1.0, 100.0, 0.01), factor=factors)
def halving_the_rate_at_least_doubles_the_steps(steps_to_reach, x, curvature, factor):
    """For ηh < 1, half the rate takes at least 2 and at most 2/(1 − ηh) times as many steps.

    Because −ln(1 − x) lies between x and x/(1 − x).
    """
    ratio = steps_to_reach(curvature, lr=x / curvature / 2, factor=factor) / steps_to_reach(
        curvature, lr=x / curvature, factor=factor
    )
    # ηh is two roundings off x, which the logarithm multiplies by at most 1/(1 − x); four logarithms, three divisions.
    slack = 8 * eps * ratio / (1 - x)
    assert at_most(2, ratio + slack)
    assert at_most(ratio, 2 / (1 - x) + slack)


halving_the_rate_at_least_doubles_the_steps.refutes("steps_to_reach")(forgets_the_curvature)


@halving_the_rate_at_least_doubles_the_steps.refutes("steps_to_reach")
def grows_with_the_rate(curvature, *, lr, factor):
    return -math.log(factor) * lr * curvature


@halving_the_rate_at_least_doubles_the_steps.refutes("steps_to_reach")
def grows_with_the_root_of_the_steps(curvature, *, lr, factor):
    return -math.log(factor) / math.sqrt(lr * curvature)


# The three regimes above the acceptable rate


@claim(pair=choices((0.125, 0.5), (0.25, 0.5), (0.125, 0.25), (0.5, 1.0)), noise=choices(1, 2, 0), w=choices(16, -32))
def noise_makes_the_higher_rate_faster_first_and_worse_last(sgd_step, pair, noise, w):
    """With a noisy gradient the higher of two rates is ahead at first and settles on a higher error.

    On ½hw² with gradients hw ± σ and ηh ≤ 1, E w² after t steps is F + (1 − ηh)²ᵗ(w₀² − F), with the floor
    F = ησ²/(h(2 − ηh)).  A higher η shrinks the bracket faster and raises F, so from a start far
    above both floors the two curves cross, if σ > 0.  All 2ᵗ sequences of signs are run through; h = 1.
    """
    signs = np.array(list(product([1.0, -1.0], repeat=4))).T
    floors = []
    curves = []
    for lr in pair:
        at = np.full(signs.shape[1], float(w))
        means = [float(w) ** 2]
        for sign in signs:
            at = sgd_step(at, at + noise * sign, lr=lr)
            means.append(np.mean(at**2))
        floor = Fraction(lr) * noise**2 / (2 - Fraction(lr))
        expected = [floor + (1 - Fraction(lr)) ** (2 * t) * (w**2 - floor) for t in range(len(means))]
        assert [Fraction(mean) for mean in means] == expected
        floors.append(floor)
        curves.append(means)
    assert curves[1][1] < curves[0][1]
    assert floors[1] > floors[0] or noise == 0


for wrong in (adds_the_gradient, halves_the_step, squares_the_rate, takes_only_the_sign, steps_twice):
    noise_makes_the_higher_rate_faster_first_and_worse_last.refutes("sgd_step")(wrong)


@claim(start=small_integer_arrays(w="D"), lr=choices(3.0, 1.0, 4.0, 2.5, 0.5, 1.5))
def too_high_a_rate_can_end_on_a_plateau(sgd_step, sqrt_loss_plateau, start, lr):
    """On √(1 + w²) descent diverges at no rate: below η = 2 it converges, above it the loss settles on η/2.

    There w jumps between ±√(η²/4 − 1) for ever.  This is so from every start whose path does not hit 0
    exactly.  At every step |w| comes closer to that value, or to 0 if η ≤ 2.  The curvature is at
    most 1, and 2 the bound below which a loss of such curvature is sure to fall; but the slope
    stays below 1, so no step is longer than η.
    """
    w = np.where(start.w == 0, 1.0, start.w)
    end = math.sqrt(max(0.0, lr**2 / 4 - 1))
    for _ in range(32):
        before, w = w, sgd_step(w, w / np.sqrt(1 + w**2), lr=lr)
        # Each step computes a root, two quotients and a difference, of numbers below 8.
        assert at_most(abs(abs(w) - end), abs(abs(before) - end) + 64 * eps)
    # At these rates the distance at least halves at every step, but for the first few.
    assert within(np.sqrt(1 + w**2), np.full(len(w), sqrt_loss_plateau(lr)), 2.0**-22 * lr)


@too_high_a_rate_can_end_on_a_plateau.refutes("sqrt_loss_plateau")
def knows_no_rate_that_is_too_high(lr):
    return 1.0


@too_high_a_rate_can_end_on_a_plateau.refutes("sqrt_loss_plateau")
def takes_the_jump_for_the_loss(lr):
    return max(1.0, lr)


@too_high_a_rate_can_end_on_a_plateau.refutes("sqrt_loss_plateau")
def takes_the_weight_for_the_loss(lr):
    return math.sqrt(max(1.0, lr**2 / 4 - 1))


@too_high_a_rate_can_end_on_a_plateau.refutes("sqrt_loss_plateau")
def lets_it_diverge(lr):
    return 1.0 if lr <= 2 else math.inf


@too_high_a_rate_can_end_on_a_plateau.refutes("sqrt_loss_plateau")
def lets_low_rates_fall_below_the_minimum(lr):
    return lr / 2


@legal("sqrt_loss_plateau")
def finds_the_plateau_by_the_cycle(lr):
    return math.sqrt(1 + max(0.0, (lr / 2 - 1) * (lr / 2 + 1)))


for wrong in (adds_the_gradient, halves_the_step, takes_only_the_sign, steps_twice):
    too_high_a_rate_can_end_on_a_plateau.refutes("sgd_step")(wrong)


# What the number means


@claim(start=bowls, lr=dyadic_rates, units=powers, loss_units=powers)
def the_rate_has_units(quadratic_losses, max_stable_lr, sgd_step, start, lr, units, loss_units):
    """With weights c times and a loss a times as large in numbers, the rate c²η/a draws the same curve.

    So a rate is measured in squared units of the weight per unit of the loss, as 2/h is, and is high or
    low only beside a curvature.  The number ηh has no unit.
    """
    w, h = start.w, 2.0**start.h
    c, a = units, loss_units
    assert equal(max_stable_lr(a * h / c**2), c**2 / a * max_stable_lr(h))
    assert equal(
        quadratic_losses(c * w, a * h / c**2, lr=c**2 / a * lr, steps=3), a * quadratic_losses(w, h, lr=lr, steps=3)
    )
    assert equal(sgd_step(c * w, a / c * start.h, lr=c**2 / a * lr), c * sgd_step(w, start.h, lr=lr))


for wrong in (squares_the_rate, takes_only_the_sign, normalises_the_gradient):
    the_rate_has_units.refutes("sgd_step")(wrong)

the_rate_has_units.refutes("quadratic_losses")(leaves_the_curvature_out_of_the_loss)


@the_rate_has_units.refutes("max_stable_lr")
def is_the_same_number_everywhere(curvature):
    return 1.0


@the_rate_has_units.refutes("max_stable_lr")
def divides_by_the_root_of_the_curvature(curvature):
    return 2 / math.sqrt(float(np.max(curvature)))


# Measured on digits


def mean_loss(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]))


def some_digits(rng, count):
    x, y = digits()
    chosen = rng.permutation(len(x))[:count]
    return x[chosen] - x[chosen].mean(axis=0), y[chosen]


def loss_curve(sgd_step, seed, lr, epochs):
    """Return the training loss of a network with 32 hidden ReLUs on 640 digits, at the start and after each epoch."""
    draw = lab.streams(seed, "data", "layers", "batches")
    x, y = some_digits(draw["data"], 640)
    weights, biases = lab.draw_layers([64, 32, 10], draw["layers"], gain=2.0)
    arrays = [*weights, *biases]
    ends = np.cumsum([array.size for array in arrays])[:-1]
    parameters = np.concatenate([array.ravel() for array in arrays])

    def layers():
        shaped = [part.reshape(a.shape) for part, a in zip(np.split(parameters, ends), arrays, strict=True)]
        return shaped[:2], shaped[2:]

    losses = [mean_loss(lab.relu_forward(x, *layers())[0], y)]
    for _ in range(epochs):
        for batch in draw["batches"].permutation(len(x)).reshape(-1, 32):
            logits, cache = lab.relu_forward(x[batch], *layers())
            _, d_weights, d_biases = lab.relu_backward(lab.cross_entropy_gradient(logits, y[batch]), cache)
            g = np.concatenate([each.ravel() for each in (*d_weights, *d_biases)])
            parameters = sgd_step(parameters, g, lr=lr)
        losses.append(mean_loss(lab.relu_forward(x, *layers())[0], y))
    return np.array(losses)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def digits_draw_the_curves_of_three_rates(sgd_step, seeds):
    """On digits, η = 0.01 falls steadily and hardly, 0.3 falls to a low loss, and 30 rises.

    A network with 32 hidden ReLUs, mini-batches of 32, plain SGD on 640 images, five epochs: with
    0.01 the training loss falls in every epoch and stays above 1.4, with 0.3 it ends below 0.4, and
    with 30 above its start.  24 of 30 seeds must succeed.

    Calibration: 1000 of 1000 runs succeeded.  The losses ended at 1.96 to 2.35, at 0.19 to 0.30, and at 1.6 to
    16.5 times their start.
    """
    ends = []

    def holds(seed):
        low, acceptable, high = (loss_curve(sgd_step, seed, lr, 5) for lr in (0.01, 0.3, 30.0))
        ends.append((low[0], low[-1], acceptable[-1], high[-1]))
        return bool((np.diff(low) < 0).all() and low[-1] > 1.4 and acceptable[-1] < 0.4 and high[-1] > high[0])

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    start, low, acceptable, high = np.mean(ends, axis=0)
    return {"start": start, "low": low, "acceptable": acceptable, "high": high}


digits_draw_the_curves_of_three_rates.refutes("sgd_step")(takes_only_the_sign)
digits_draw_the_curves_of_three_rates.refutes("sgd_step")(adds_the_gradient)


@digits_draw_the_curves_of_three_rates.refutes("sgd_step")
def forgets_the_rate_in_the_step(w, g, *, lr):
    return w - g


def softmax_run(sgd_step, max_stable_lr, seed):
    """Return the losses of 60 full-batch steps at 1000 times the guaranteed rate, and the training error at the end."""
    x, y = some_digits(np.random.default_rng(seed), 300)
    smoothness = np.linalg.eigvalsh(x.T @ x / len(x))[-1] / 2
    lr = 1000 * max_stable_lr(smoothness)
    w, losses = np.zeros((x.shape[1], 10)), []
    for _ in range(60):
        logits = x @ w
        losses.append(mean_loss(logits, y))
        w = sgd_step(w, x.T @ lab.cross_entropy_gradient(logits, y), lr=lr)
    return losses, mean_loss(x @ w, y), 1 - lab.accuracy(x @ w, y)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def a_thousand_times_the_guaranteed_rate_still_converges(sgd_step, max_stable_lr, seeds):
    """On 300 digits, softmax regression at 1000 times 2/L first rises far above its start and then fits them all.

    L = ½ max eigenvalue of xᵀx/N bounds the curvature of the loss (Böhning), so below 2/L the loss would
    fall at every step.  Full batch, weights from 0, 60 steps: the loss exceeds twice its start, ln 10, ends
    below 0.001, and no digit is misclassified.  24 of 30 seeds, each with digits of its own, must succeed.

    Calibration: 1000 of 1000 runs succeeded.  The loss rose to 17.6 to 61, and ended below 0.0000015.

    Source: Böhning, Multinomial logistic regression algorithm, Ann. Inst. Statist. Math. 44(1), 1992.
    """
    seen = []

    def holds(seed):
        losses, end, errors = softmax_run(sgd_step, max_stable_lr, seed)
        seen.append(max(losses))
        return max(losses) > 2 * math.log(10) and end < 0.001 and errors == 0

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    return {"peak": np.mean(seen)}


a_thousand_times_the_guaranteed_rate_still_converges.refutes("sgd_step")(normalises_the_gradient)
a_thousand_times_the_guaranteed_rate_still_converges.refutes("sgd_step")(adds_the_gradient)


# Warmup


@claim(rate=choices(0.5, 1.0, 0.1, 3.0, 1e-3), warmup_steps=choices(4, 0, 1, 2, 3, 10, 300))
def warmup_rises_in_equal_steps_to_the_rate_and_stays(warmup_lr, rate, warmup_steps):
    """A linear warmup over T steps uses η/T first, then 2η/T, and so on to η at update T, and η ever after.

    So no update is wasted at rate 0, and the rate never exceeds η.  T = 0 is no warmup.
    """
    for step in (0, 1, 2, warmup_steps // 2, warmup_steps - 1, warmup_steps, warmup_steps + 1, 10 * warmup_steps + 7):
        if step >= 0:
            expected = Fraction(rate) * min(Fraction(1), Fraction(step + 1, max(warmup_steps, 1)))
            # A quotient, a product and the rounding of the expected value.
            assert within(warmup_lr(step, lr=rate, warmup_steps=warmup_steps), float(expected), 2 * eps * rate)


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def wastes_an_update_at_rate_0(step, *, lr, warmup_steps):
    return lr * min(1.0, step / max(warmup_steps, 1))


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def reaches_the_rate_one_update_late(step, *, lr, warmup_steps):
    return lr * min(1.0, (step + 1) / (warmup_steps + 1))


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def goes_on_rising(step, *, lr, warmup_steps):
    return lr * (step + 1) / max(warmup_steps, 1)


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def starts_anew_after_the_warmup(step, *, lr, warmup_steps):
    return lr * (step % max(warmup_steps, 1) + 1) / max(warmup_steps, 1)


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def counts_in_whole_parts(step, *, lr, warmup_steps):
    return lr * min(1, (step + 1) // max(warmup_steps, 1))


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def rises_as_a_square(step, *, lr, warmup_steps):
    return lr * min(1.0, (step + 1) / max(warmup_steps, 1)) ** 2


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def forgets_the_rate_itself(step, *, lr, warmup_steps):
    return min(1.0, (step + 1) / max(warmup_steps, 1))


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def never_trains_without_a_warmup(step, *, lr, warmup_steps):
    return lr * min(1.0, (step + 1) / warmup_steps) if warmup_steps else 0.0


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def falls_where_it_should_rise(step, *, lr, warmup_steps):
    return lr * max(1.0, (max(warmup_steps, 1) - step) / max(warmup_steps, 1))


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def never_warms_up(step, *, lr, warmup_steps):
    return lr


@warmup_rises_in_equal_steps_to_the_rate_and_stays.refutes("warmup_lr")
def warms_up_ten_times_too_fast(step, *, lr, warmup_steps):
    return lr * min(1.0, 10 * (step + 1) / max(warmup_steps, 1))


@legal("warmup_lr")
def holds_after_the_ramp(step, *, lr, warmup_steps):
    if step >= warmup_steps:
        return lr
    return lr - (warmup_steps - step - 1) * (lr / warmup_steps)


@claim(d_model=choices(4, 1, 64, 512, 3), warmup_steps=choices(1, 4, 10, 100, 4000), times=choices(1, 4, 9, 100))
def noam_peaks_at_the_end_of_its_warmup(noam_lr, d_model, warmup_steps, times):
    """The Transformer's rate rises linearly over T updates to 1/√(dT), and then falls as 1/√t.

    So it halves until update 4T.  There is no other rate to set: d, the width of the model, scales it.

    Source: Vaswani et al., Attention Is All You Need, NIPS 2017, arXiv 1706.03762.
    """
    peak = 1 / math.sqrt(d_model * warmup_steps)
    # Three powers with real exponents of one unit in the last place each, and as many roundings again.
    slack = 8 * eps * peak
    for share in (1, warmup_steps // 2 or 1, warmup_steps):
        risen = noam_lr(share - 1, d_model=d_model, warmup_steps=warmup_steps)
        assert within(risen, peak * share / warmup_steps, slack)
    fallen = noam_lr(times * warmup_steps - 1, d_model=d_model, warmup_steps=warmup_steps)
    assert within(fallen, peak / math.sqrt(times), slack)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def falls_as_one_over_the_step(step, *, d_model, warmup_steps):
    t = step + 1
    return d_model**-0.5 * min(warmup_steps**0.5 / t, t * warmup_steps**-1.5)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def grows_with_the_width(step, *, d_model, warmup_steps):
    t = step + 1
    return d_model**0.5 * min(t**-0.5, t * warmup_steps**-1.5)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def takes_the_larger_branch(step, *, d_model, warmup_steps):
    t = step + 1
    return d_model**-0.5 * max(t**-0.5, t * warmup_steps**-1.5)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def counts_updates_from_0(step, *, d_model, warmup_steps):
    return d_model**-0.5 * min(max(step, 1) ** -0.5, step * warmup_steps**-1.5)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def jumps_at_the_end_of_the_warmup(step, *, d_model, warmup_steps):
    t = step + 1
    return d_model**-0.5 * min(t**-0.5, t * warmup_steps**-1.0)


@noam_peaks_at_the_end_of_its_warmup.refutes("noam_lr")
def has_no_warmup_at_all(step, *, d_model, warmup_steps):
    return (d_model * (step + 1)) ** -0.5


@legal("noam_lr")
def scales_the_peak(step, *, d_model, warmup_steps):
    done = (step + 1) / warmup_steps
    return min(done, 1 / math.sqrt(done)) / math.sqrt(d_model * warmup_steps)


@claim(start=small_integer_arrays(w="D"), lr=choices(1.0, 0.5, 2.0, 0.25), longer=choices(0, 3))
def warmup_saves_descent_where_the_curvature_falls(sgd_step, warmup_lr, start, lr, longer):
    """On ¼w⁴ a constant rate diverges if ηw₀² > 2, and a warmup of T ≥ ηw₀² steps makes it converge.

    A step multiplies w by 1 − ηw²: the curvature 3w² is high far out and falls on the way in.  Let a_t
    = η_t w_t², so a₁ = ηw₀²/T ≤ 1.  Then a_{t+1} = (η_{t+1}/η_t) a_t(1 − a_t)² ≤ 2 · 4/27, as the rate at
    most doubles and a(1 − a)² ≤ 4/27 on [0, 1].  So a_t ≤ 8/27 from the second step on; the weight keeps
    its sign, and 1/w² grows by 2η_t at least.  Two steps after the warmup are looked at here.
    """
    w = start.w
    constant = sgd_step(w, w**3, lr=lr)
    assert equal(np.sign(abs(constant) - abs(w)), np.sign(lr * w**2 - 2) * (w != 0))
    warmup_steps = math.ceil(lr * np.max(w**2)) + longer
    for step in range(warmup_steps + 2):
        rate = warmup_lr(step, lr=lr, warmup_steps=warmup_steps)
        a = rate * w**2
        # A handful of roundings of numbers up to 1.
        assert at_most(a, (8 / 27 if step else 1) + 8 * eps)
        w, before = sgd_step(w, w**3, lr=rate), w
        assert at_most(-w * before, 8 * eps * before**2)
        assert at_most(w**2 * (1 + 2 * a), before**2 * (1 + 8 * eps))


for wrong in (never_warms_up, warms_up_ten_times_too_fast, falls_where_it_should_rise):
    warmup_saves_descent_where_the_curvature_falls.refutes("warmup_lr")(wrong)

for wrong in (adds_the_gradient, takes_only_the_sign, steps_twice):
    warmup_saves_descent_where_the_curvature_falls.refutes("sgd_step")(wrong)


@claim(product=choices(0.5, 1.0, 0.25, 0.125, 2.25, 3.0, 8.0), warmup_steps=choices(4, 2, 1, 8), w=choices(1.0, -2.0))
def warmup_gains_nothing_on_a_quadratic(sgd_step, warmup_lr, product, warmup_steps, w):
    """On ½hw² warmup never brings w closer in as many steps if ηh ≤ 1, and does not stop divergence if ηh > 2.

    Its smaller steps only lose time, and behind it the rate is too high as before.  In between it can
    help: with ηh = 1.5 and T = 3 the second step has η₂h = 1 and lands on the minimum.
    """
    warm, constant = np.array([w]), np.array([w])
    for step in range(10):
        rate = warmup_lr(step, lr=product, warmup_steps=warmup_steps)
        warm, before = sgd_step(warm, warm, lr=rate), warm
        constant = sgd_step(constant, constant, lr=product)
        if product <= 1:
            assert at_most(abs(constant), abs(warm))
        elif step + 1 >= warmup_steps:
            assert np.all((abs(warm) > abs(before)) | (before == 0))
    lucky = np.ones(1)
    for step in range(2):
        lucky = sgd_step(lucky, lucky, lr=warmup_lr(step, lr=1.5, warmup_steps=3))
    # 1.5 · ⅔ is 1 up to a rounding.
    assert within(lucky, np.zeros(1), 2 * eps)


for wrong in (goes_on_rising, starts_anew_after_the_warmup, never_warms_up, wastes_an_update_at_rate_0):
    warmup_gains_nothing_on_a_quadratic.refutes("warmup_lr")(wrong)

for wrong in (adds_the_gradient, takes_only_the_sign):
    warmup_gains_nothing_on_a_quadratic.refutes("sgd_step")(wrong)


# Adam's first steps

decays = choices((0.5, 0.75), (0.9, 0.999), (0.0, 0.5), (0.5, 0.0), (0.9, 0.99), (0.0, 0.0))


@claim(gradients=real_arrays(g="TD"), betas=decays, scale=choices(1.0, 1e-6, 1e6), tiny=choices(0.0, 1e-8, 1.0))
def bias_correction_is_a_schedule(bias_correction_factor, gradients, betas, scale, tiny):
    """Adam with bias correction is Adam without, at the rate η√(1 − β₂ᵗ)/(1 − β₁ᵗ) and with ε√(1 − β₂ᵗ) for ε.

    Adam divides the averages m and v of g and g² by 1 − β₁ᵗ and 1 − β₂ᵗ, as both start at 0.
    """
    beta1, beta2 = betas
    m = v = np.zeros(gradients.g.shape[1])
    for t, g in enumerate(scale * gradients.g, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        divisor = np.sqrt(v / (1 - beta2**t)) + tiny
        corrected = np.divide(m / (1 - beta1**t), divisor, where=divisor > 0, out=np.zeros_like(m))
        divisor = np.sqrt(v) + tiny * math.sqrt(1 - beta2**t)
        plain = np.divide(m, divisor, where=divisor > 0, out=np.zeros_like(m))
        # A power of 4 factors at most errs by 4 roundings, which 1 − βᵗ turns into so many of itself; then 8 more.
        slack = gamma(8) / min(1 - beta1**t, 1 - beta2**t) + gamma(16)
        assert within(bias_correction_factor(t, betas=betas) * plain, corrected, slack * abs(corrected))


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def corrects_nothing(t, *, betas=(0.9, 0.999)):
    return 1.0


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def forgets_the_root(t, *, betas=(0.9, 0.999)):
    return (1 - betas[1] ** t) / (1 - betas[0] ** t)


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def corrects_only_the_squares(t, *, betas=(0.9, 0.999)):
    return math.sqrt(1 - betas[1] ** t)


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def corrects_only_the_mean(t, *, betas=(0.9, 0.999)):
    return 1 / (1 - betas[0] ** t)


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def swaps_the_betas(t, *, betas=(0.9, 0.999)):
    return math.sqrt(1 - betas[0] ** t) / (1 - betas[1] ** t)


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def divides_where_it_should_multiply(t, *, betas=(0.9, 0.999)):
    return (1 - betas[0] ** t) / math.sqrt(1 - betas[1] ** t)


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def is_one_step_ahead(t, *, betas=(0.9, 0.999)):
    return math.sqrt(1 - betas[1] ** (t + 1)) / (1 - betas[0] ** (t + 1))


@bias_correction_is_a_schedule.refutes("bias_correction_factor")
def forgets_the_power(t, *, betas=(0.9, 0.999)):
    return math.sqrt(1 - betas[1]) / (1 - betas[0])


@legal("bias_correction_factor")
def sums_the_weights_of_the_averages(t, *, betas=(0.9, 0.999)):
    of_m, of_v = ((1 - beta) * sum(beta**age for age in range(t)) for beta in betas)
    return math.sqrt(of_v) / of_m


@proved()
def without_bias_correction_adam_starts_with_larger_steps(bias_correction_factor):
    """At β = (0.9, 0.999) bias correction cuts the steps, to 0.316 of η first, to 0.152 at t = 12, and less later.

    The factor is 0.309 at t = 100, 0.795 at 1000 and 0.991 at 4000, and grows from 12 on.  Without it
    a constant gradient would be followed with steps of 3.16 η at first and of 6.57 η at the twelfth:
    the reverse of a warmup.
    """
    factor = {t: bias_correction_factor(t) for t in (*range(1, 200), 1000, 4000)}
    assert {t: round(factor[t], 3) for t in (1, 12, 100, 1000, 4000)} == {
        1: 0.316,
        12: 0.152,
        100: 0.309,
        1000: 0.795,
        4000: 0.991,
    }
    rates = list(factor.values())
    assert np.all(np.diff(rates[:12]) < 0)
    assert np.all(np.diff(rates[11:]) > 0)
    assert (round(1 / factor[1], 2), round(1 / factor[12], 2)) == (3.16, 6.57)


for wrong in (corrects_nothing, forgets_the_root, swaps_the_betas, is_one_step_ahead, forgets_the_power):
    without_bias_correction_adam_starts_with_larger_steps.refutes("bias_correction_factor")(wrong)


@without_bias_correction_adam_starts_with_larger_steps.refutes("bias_correction_factor")
def has_other_defaults(t, *, betas=(0.9, 0.99)):
    return math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)


def first_adam_step(bias_correction_factor, g, lr, betas):
    """Return the first move of Adam with ε = 0: its averages start at 0."""
    m, v = (1 - betas[0]) * g, (1 - betas[1]) * g**2
    return -lr * bias_correction_factor(1, betas=betas) * m / np.sqrt(v)


@claim(numbers=real_arrays(g="D"), betas=decays, lr=choices(1.0, 0.1, 1e-3))
def adam_starts_with_a_full_step_whatever_the_gradient(bias_correction_factor, numbers, betas, lr):
    """The first step of Adam has size η in every weight, however small its gradient is, unless it is 0.

    Its direction is the sign of one gradient; ε = 0 here.
    """
    g = np.where(numbers.g == 0, 1.0, numbers.g)
    # Some ten roundings of the averages, the factor and the product.
    assert within(first_adam_step(bias_correction_factor, g, lr, betas), -lr * np.sign(g), gamma(24) * lr)


for wrong in (corrects_nothing, forgets_the_root, corrects_only_the_squares, corrects_only_the_mean, is_one_step_ahead):
    adam_starts_with_a_full_step_whatever_the_gradient.refutes("bias_correction_factor")(wrong)


@proved()
def adam_may_start_uphill_on_average(bias_correction_factor):
    """Where the gradient is −1 twice in three times and 3 once, Adam's first step goes uphill on average.

    The mean gradient is ⅓, so SGD moves by −η/3 on average.  Adam sees one sign: it moves by η twice,
    by −η once, on average by +η/3.  Nothing is drawn, the three cases are enumerated.
    """
    g = np.array([-1.0, -1.0, 3.0])
    # Roundings of the factor, and of a mean of three.
    assert within(np.mean(first_adam_step(bias_correction_factor, g, 1.0, (0.9, 0.999))), 1 / 3, gamma(32))


adam_may_start_uphill_on_average.refutes("bias_correction_factor")(corrects_nothing)
adam_may_start_uphill_on_average.refutes("bias_correction_factor")(forgets_the_root)


def mean_power_of_chi(power, samples):
    """Return E rᵏ for the length r of `samples` draws of N(0, 1), by the trapezoidal rule in ln r.

    In ln r the integrand and all its derivatives vanish at both ends, so the rule errs by rounding only.
    """
    s = np.arange(-40, 5, 1 / 64)
    density = samples * s - np.exp(2 * s) / 2
    top = density.max()
    return np.sum(np.exp(density + power * s - top)) / np.sum(np.exp(density - top))


@claim(samples=choices(3, 4, 5, 10, 50, 100, 3.5, 1000, 2, 1, 0.5))
def few_gradients_make_the_adaptive_rate_vary_widely(adaptive_lr_variance, samples):
    """From ρ gradients of N(0, 1), 1/√(mean of their squares) has a finite variance if and only if ρ > 2.

    It is ρ/(ρ − 2) − ½ρ (Γ(½(ρ − 1))/Γ(½ρ))²: 1.09 for ρ = 3, 0.25 for 5, 0.076 for 10, 0.011 for 50, and
    the reason of Liu et al. for warming Adam up.  Expected are integrals over the length of ρ draws.

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020, arXiv 1908.03265.
    """
    variance = adaptive_lr_variance(samples)
    if samples <= 2:
        assert variance == math.inf
        return
    expected = samples * (mean_power_of_chi(-2, samples) - mean_power_of_chi(-1, samples) ** 2)
    # Two numbers near ρ/(ρ − 2) are subtracted; their exponents are of size ρ ln ρ, and rounded as such.
    assert within(variance, expected, 16 * eps * samples * math.log(samples) * samples / (samples - 2))
    assert variance < adaptive_lr_variance(samples - 0.5)


@few_gradients_make_the_adaptive_rate_vary_widely.refutes("adaptive_lr_variance")
def forgets_to_subtract_the_squared_mean(samples):
    return samples / (samples - 2) if samples > 2 else math.inf


@few_gradients_make_the_adaptive_rate_vary_widely.refutes("adaptive_lr_variance")
def is_finite_from_one_sample_on(samples):
    if samples <= 1:
        return math.inf
    inverse_root = math.exp(math.lgamma((samples - 1) / 2) - math.lgamma(samples / 2)) * math.sqrt(samples / 2)
    return samples / (samples - 2) - inverse_root**2 if samples != 2 else 1e9


@few_gradients_make_the_adaptive_rate_vary_widely.refutes("adaptive_lr_variance")
def miscopies_the_beta_function(samples):
    if samples <= 2:
        return math.inf
    beta = math.exp(math.lgamma(samples / 2) + math.lgamma((samples - 1) / 2) - math.lgamma(samples - 0.5))
    return samples / (samples - 2) - samples * 2 ** (2 * samples - 5) / math.pi * beta**2


@few_gradients_make_the_adaptive_rate_vary_widely.refutes("adaptive_lr_variance")
def keeps_the_first_order_only(samples):
    return 1 / (2 * samples) if samples > 2 else math.inf


@few_gradients_make_the_adaptive_rate_vary_widely.refutes("adaptive_lr_variance")
def takes_the_deviation_for_the_variance(samples):
    if samples <= 2:
        return math.inf
    inverse_root = math.exp(math.lgamma((samples - 1) / 2) - math.lgamma(samples / 2)) * math.sqrt(samples / 2)
    return math.sqrt(max(samples / (samples - 2) - inverse_root**2, 0.0))


@legal("adaptive_lr_variance")
def by_the_beta_function(samples):
    if samples <= 2:
        return math.inf
    half = (samples - 1) / 2
    log_beta = 2 * math.lgamma(half) - math.lgamma(2 * half)
    return samples / (samples - 2) - math.exp(
        math.log(samples / math.pi) + (2 * samples - 5) * math.log(2) + 2 * log_beta
    )


# Often said, but false


@myth(start=small_integer_arrays(w="D"), refuted_by={"start": case(w=[2, 1])})
def a_rate_that_is_too_high_shows_at_the_first_step(quadratic_losses, start):
    """If the first step lowers the loss, the learning rate is not too high."""
    h = np.ones(len(start.w))
    h[-1] = 2.5
    losses = quadratic_losses(start.w, h, lr=1.0, steps=40)
    assert losses[1] >= losses[0] or losses[-1] <= losses[0]


@myth(rates=choices(2.0, 4.0, 1.0, 0.5), refuted_by={"rates": 4.0})
def a_rate_that_is_too_high_sends_the_loss_to_infinity(sqrt_loss_plateau, rates):
    """Where a learning rate is too high to converge, the loss goes to infinity."""
    assert sqrt_loss_plateau(rates) in (1.0, math.inf)


@myth(w=choices(0.0, 1.0, -1.0, 2.0), refuted_by={"w": 0.0})
def above_2_over_l_the_loss_rises(sgd_step, max_stable_lr, w):
    """Above η = 2/L, where the curvature is at most L, a step raises the loss.

    The logistic loss of one example, ln(1 + e⁻ʷ), has L = ¼.
    """
    w = np.array([w])
    new = sgd_step(w, -1 / (1 + np.exp(w)), lr=1.25 * max_stable_lr(0.25))
    assert np.log1p(np.exp(-new)) > np.log1p(np.exp(-w))


@myth(curvature=choices(1.0, 10.0, 100.0, 1000.0), refuted_by={"curvature": 1000.0})
def a_hundredth_is_a_low_rate(max_stable_lr, curvature):
    """A learning rate of 0.01 is low."""
    assert max_stable_lr(curvature) > 0.01


@myth(start=small_integer_arrays(w="D"), refuted_by={"start": case(w=[0, 1])})
def the_best_rate_does_not_overshoot(sgd_step, start):
    """At the best constant learning rate no weight overshoots its minimum."""
    w, h = start.w, 2.0 * np.arange(len(start.w)) + 1
    assert np.all(w * sgd_step(w, h * w, lr=2 / (h.min() + h.max())) >= 0)


@myth(task=small_integer_arrays(largest=6, x="N"), refuted_by={"task": case(x=[1, 1, -3])})
def when_the_loss_falls_so_does_the_training_error(sgd_step, task):
    """When a step lowers the training loss, it does not raise the share of misclassified examples.

    Logistic regression with one weight, which starts at 1; the sign of the label is in x, so that xw > 0 is right.
    """
    x, w = task.x, 1.0
    g = -np.mean(x / (1 + np.exp(x * w)))
    new = sgd_step(w, g, lr=2.0)
    losses = [np.mean(np.log1p(np.exp(-x * each))) for each in (w, new)]
    errors = [np.mean(x * each <= 0) for each in (w, new)]
    assert losses[1] >= losses[0] or errors[1] <= errors[0]


@myth(w=choices(1.0, 2.0, 0.5, -1.0), refuted_by={"w": 2.0})
def warmup_is_only_for_adam(sgd_step, warmup_lr, w):
    """Warmup is for Adam and its averages; plain gradient descent has no use for it."""
    constant = warm = np.array([w])
    for step in range(5):
        constant = sgd_step(constant, constant**3, lr=1.0)
        warm = sgd_step(warm, warm**3, lr=warmup_lr(step, lr=1.0, warmup_steps=5))
    assert at_most(abs(constant), max(abs(warm[0]), abs(w)))


@myth(product=choices(0.5, 1.0, 0.25), warmup_steps=choices(0, 1, 2, 4), refuted_by={"product": 0.5, "warmup_steps": 2})
def warmup_never_hurts(sgd_step, warmup_lr, product, warmup_steps):
    """Warmup costs nothing: after it descent is at least as close as it would have been."""
    constant = warm = np.ones(1)
    for step in range(max(warmup_steps, 1)):
        constant = sgd_step(constant, constant, lr=product)
        warm = sgd_step(warm, warm, lr=warmup_lr(step, lr=product, warmup_steps=warmup_steps))
    assert at_most(abs(warm), abs(constant))


@myth(beta=choices(0.0, 0.75, 0.9, 0.999), refuted_by={"beta": 0.75})
def the_first_average_of_squares_is_the_squared_gradient(bias_correction_factor, beta):
    """RMSProp starts with steps of size η, because its average of squares starts as g².

    It starts as (1 − β)g², so the first step has size η/√(1 − β), unless it is corrected.
    """
    assert bias_correction_factor(1, betas=(0.0, beta)) == 1.0


@convention("warmup_lr", "it starts at 0, which wastes the first update, where this slot starts at lr/warmup_steps")
def called_one_step_later(theirs, step, *, lr, warmup_steps):
    return theirs(step + 1, lr=lr, warmup_steps=warmup_steps)
