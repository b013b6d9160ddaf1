"""Q10: what batches of one, of some and of all examples have in common, and where their descents end."""

from fractions import Fraction
from functools import cache
from itertools import combinations, product

import numpy as np

from claims import claim, convention, legal, measured, myth
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, unit_roundoff, within
from claims.toolbox.data import digits
from claims.toolbox.exact import rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, small_integer_arrays

batch_sizes = choices(2, 1, 3, 4)
dyadic_rates = choices(0.5, 1.0, 0.25, 0.125)
tables = integer_arrays(g="ND")
problems = small_integer_arrays(w="D", x="ND", y="N")


@cache
def distinct_batches(n, size):
    """Return every batch of `size` distinct examples of n, one a row."""
    return np.array(list(combinations(range(n), size)))


@cache
def repeated_batches(n, size):
    """Return every sequence of `size` independent draws from n examples, one a row."""
    return np.array(list(product(range(n), repeat=size)))


# One estimate of one gradient


@claim(net=integer_arrays(g="NAC", picks="B"), axes=choices(1, 0, 2))
def a_minibatch_averages_its_examples(minibatch_gradient, net, axes):
    """The gradient of a mini-batch is the mean of its examples' gradients, and those drawn twice count twice.

    For gradients of any shape; an empty batch has none, which is a ValueError.
    """
    g = net.g[(slice(None),) * (axes + 1) + (0,) * (2 - axes)]
    picks = abs(net.picks.astype(int)) % len(g)
    # The sum of whole numbers is exact, so 1/B, B products and their sums at most are rounded.
    bound = gamma(len(picks) + 2) * np.mean(abs(g[picks]), axis=0)
    assert within(minibatch_gradient(g, picks), np.sum(g[picks], axis=0) / len(picks), bound)
    assert equal(minibatch_gradient(g.astype(int), picks), minibatch_gradient(g, picks))
    assert raises(ValueError, minibatch_gradient, g, picks[:0])


def wrongly(slot, make, formulas):
    """Return mistakes by their names: for each formula the filling of the slot that `make` makes of it."""
    made = {name: make(formula) for name, formula in formulas.items()}
    for name, function in made.items():
        function.__name__ = name
    return lambda law, *names: [law.refutes(slot)(made[name]) for name in names or made]


def of_batches(mean):
    def minibatch(per_example_grads, indices):
        if len(indices) == 0:
            raise ValueError
        return mean(per_example_grads, indices)

    return minibatch


averaged_wrongly = wrongly(
    "minibatch_gradient",
    of_batches,
    {
        "sums_the_gradients_of_the_batch": lambda g, i: g[i].sum(axis=0),
        "divides_by_the_size_of_the_data": lambda g, i: g[i].sum(axis=0) / len(g),
        "divides_by_one_less_than_the_batch": lambda g, i: g[i].sum(axis=0) / max(len(i) - 1, 1),
        "counts_an_example_once": lambda g, i: g[np.unique(i)].mean(axis=0),
        "takes_the_first_examples": lambda g, i: g[: len(i)].mean(axis=0),
        "takes_one_example_of_the_batch": lambda g, i: g[i[0]].copy(),
        "averages_over_the_parameters_too": lambda g, i: np.full(g.shape[1:], g[i].mean()),
    },
)
averaged_wrongly(a_minibatch_averages_its_examples)


@a_minibatch_averages_its_examples.refutes("minibatch_gradient")
def takes_an_empty_batch_for_zero(per_example_grads, indices):
    return per_example_grads[indices].sum(axis=0) / max(len(indices), 1)


@legal("minibatch_gradient")
def weighs_every_example_by_its_count(per_example_grads, indices):
    if len(indices) == 0:
        raise ValueError("empty batch")
    share = np.bincount(indices, minlength=len(per_example_grads)) / len(indices)
    return np.tensordot(share, per_example_grads, axes=1)


@claim(net=tables, batch_size=batch_sizes)
def minibatch_gradient_is_unbiased(minibatch_gradient, net, batch_size):
    """The mean of the mini-batch gradient over all possible batches is the full gradient, for every batch size.

    For batches of B distinct examples, all equally likely, and for B independent draws: each
    example is in as many batches as any other.  Both are enumerated, the draws where there are few.
    """
    batch_size = min(batch_size, len(net.g))
    full = np.sum(net.g, axis=0) / len(net.g)
    families = [distinct_batches(len(net.g), batch_size)]
    if len(net.g) ** batch_size <= 16:
        families.append(repeated_batches(len(net.g), batch_size))
    for batches in families:
        mean = np.mean([minibatch_gradient(net.g, batch) for batch in batches], axis=0)
        # A mean of at most 16 means of at most 4 numbers, and one of 4.
        assert within(mean, full, gamma(26) * np.mean(abs(net.g), axis=0))


@minibatch_gradient_is_unbiased.refutes("minibatch_gradient")
def clips_the_gradient_of_the_batch(per_example_grads, indices):
    g = per_example_grads[indices].mean(axis=0)
    return g / max(np.linalg.norm(g), 1.0)


averaged_wrongly(minibatch_gradient_is_unbiased, "sums_the_gradients_of_the_batch", "takes_the_first_examples")


@claim(net=integer_arrays(g="ND", largest=6), batch_size=batch_sizes)
def a_pass_in_batches_weighs_them_by_their_size(minibatch_gradient, net, batch_size):
    """Cut into ⌈N/B⌉ batches, N examples have as full gradient the batches' gradients weighted by their sizes.

    A pass computes N example gradients whatever B is, and makes ⌈N/B⌉ updates of them.  Where B does
    not divide N, the plain mean over batches gives the examples of the last one more weight.
    """
    batches = np.split(np.arange(len(net.g)), range(batch_size, len(net.g), batch_size))
    weighted = sum(len(batch) * minibatch_gradient(net.g, batch) for batch in batches) / len(net.g)
    # A sum of at most 6 products of means of at most 4, divided once.
    assert within(weighted, np.sum(net.g, axis=0) / len(net.g), gamma(16) * np.mean(abs(net.g), axis=0))
    assert len(batches) == -(-len(net.g) // batch_size)


averaged_wrongly(
    a_pass_in_batches_weighs_them_by_their_size, "divides_by_one_less_than_the_batch", "takes_one_example_of_the_batch"
)


@claim(net=integer_arrays(w="D", x="ND", y="N", step="D"))
def least_squares_gradient_is_a_mean_over_examples(least_squares_loss, net):
    """½ mean (xw − y)² has the gradient mean (xw − y)x: half the change from w − e to w + e is its product with e.

    A quadratic has no further term in that difference, however long e is.  Without examples there is
    no mean: ValueError.
    """
    w, x, y, e = net
    loss, dw = least_squares_loss(w, x, y)
    higher, _ = least_squares_loss(w + e, x, y)
    lower, _ = least_squares_loss(w - e, x, y)
    size = np.mean((abs(x) @ (abs(w) + abs(e)) + abs(y)) ** 2) / 2
    # Every intermediate is a whole number until a mean is taken; a product with e sums D terms more.
    bound = gamma(sum(x.shape) + 4) * size
    assert within(loss, np.sum((x @ w - y) ** 2) / (2 * len(y)), bound)
    assert within((higher - lower) / 2, dw @ e, 2 * bound)
    assert raises(ValueError, least_squares_loss, w, x[:0], y[:0])


def of_examples(loss_and_gradient):
    def least_squares(w, x, y):
        if len(y) == 0:
            raise ValueError
        loss, dw = loss_and_gradient(x, x @ w - y)
        return float(loss), dw

    return least_squares


fitted_wrongly = wrongly(
    "least_squares_loss",
    of_examples,
    {
        "sums_over_the_examples": lambda x, r: (r @ r / 2, r @ x),
        "leaves_out_the_half": lambda x, r: (np.mean(r**2), 2 * r @ x / len(x)),
        "averages_the_loss_and_sums_the_gradient": lambda x, r: (np.mean(r**2) / 2, r @ x),
        "keeps_the_two_of_the_square": lambda x, r: (np.mean(r**2) / 2, 2 * r @ x / len(x)),
        "turns_the_residual_round": lambda x, r: (np.mean(r**2) / 2, -r @ x / len(x)),
        "takes_the_size_of_the_residual": lambda x, r: (np.mean(r**2) / 2, abs(r) @ x / len(x)),
        "divides_by_the_number_of_weights": lambda x, r: (np.mean(r**2) / 2, r @ x / x.shape[1]),
        "averages_residuals_and_inputs_apart": lambda x, r: (np.mean(r**2) / 2, r.mean() * x.mean(axis=0)),
        "squares_the_mean_residual": lambda x, r: (np.mean(r) ** 2 / 2, r @ x / len(x)),
        "forgets_the_inputs": lambda x, r: (np.mean(r**2) / 2, np.full(x.shape[1], r.mean())),
    },
)
fitted_wrongly(least_squares_gradient_is_a_mean_over_examples)


@least_squares_gradient_is_a_mean_over_examples.refutes("least_squares_loss")
def has_zero_loss_without_examples(w, x, y):
    r, n = x @ w - y, max(len(y), 1)
    return float(r @ r / (2 * n)), r @ x / n


@legal("least_squares_loss")
def goes_example_by_example(w, x, y):
    if len(y) == 0:
        raise ValueError("no examples")
    loss, dw = 0.0, np.zeros_like(w)
    for row, target in zip(x, y, strict=True):
        residual = float(row @ w - target)
        loss, dw = loss + residual**2 / 2, dw + residual * row
    return loss / len(y), dw / len(y)


@claim(net=integer_arrays(w="D", x="ND", y="N", picks="B"))
def the_batch_gradient_is_the_gradient_of_the_batch_loss(minibatch_gradient, least_squares_loss, net):
    """The mean of the examples' gradients is the gradient of their mean loss: one backward pass gives it.

    So no step needs the gradients one by one.
    """
    w, x, y, picks = net
    picks = abs(picks.astype(int)) % len(y)
    one_by_one = np.array([least_squares_loss(w, x[[n]], y[[n]])[1] for n in range(len(y))])
    _, together = least_squares_loss(w, x[picks], y[picks])
    # Whole numbers until the mean is taken, on either side.
    bound = 2 * gamma(len(picks) + 3) * np.mean(abs(one_by_one[picks]), axis=0)
    assert within(minibatch_gradient(one_by_one, picks), together, bound)


averaged_wrongly(the_batch_gradient_is_the_gradient_of_the_batch_loss, "sums_the_gradients_of_the_batch")
fitted_wrongly(the_batch_gradient_is_the_gradient_of_the_batch_loss, "sums_over_the_examples")


# Its noise


def rounding_of_variances(g, variance):
    """Return how far a computed variance of g may be off: relative roundings, and the square of the mean's own."""
    spread = gamma(6 * g.size + 8) * variance
    return spread + np.sum((len(g) * unit_roundoff() * np.mean(abs(g), axis=0)) ** 2)


offsets = choices(0.0, 1e9)


def spread_of(batches, numbers, offset, axes):
    """Return gradients, and E‖g_B − g‖² over the given batches of them, a fraction of whole numbers."""
    whole = numbers if axes == 2 else numbers[:, 0]
    n, size = len(whole), batches.shape[1]
    apart = n * whole[batches].sum(axis=1) - size * whole.sum(axis=0)
    return whole + offset, int(np.sum(apart**2)) / Fraction(len(batches) * (n * size) ** 2)


@claim(net=tables, batch_size=batch_sizes, axes=choices(2, 1), offset=offsets)
def variance_of_distinct_examples(minibatch_variance, net, batch_size, axes, offset):
    """A batch of B of N examples, all distinct, has the gradient variance σ²/B · (N − B)/(N − 1).

    σ² is the mean of ‖gₙ − g‖² over the examples, and the variance is summed over the coordinates.
    The full batch has none.  Larger batches than N there are not, nor smaller than 1: ValueError.
    A common offset of all gradients changes nothing.

    Source: Cochran, Sampling Techniques, 3rd edition, 1977.
    """
    batch_size = min(batch_size, len(net.g))
    g, variance = spread_of(distinct_batches(len(net.g), batch_size), net.g, offset, axes)
    came = minibatch_variance(g, batch_size=batch_size)
    assert within(came, float(variance), rounding_of_variances(g, float(variance)))
    assert raises(ValueError, minibatch_variance, g, batch_size=len(g) + 1)
    assert raises(ValueError, minibatch_variance, g, batch_size=0)


@claim(net=tables, batch_size=batch_sizes, axes=choices(2, 1), offset=offsets)
def variance_of_independent_draws(minibatch_variance, net, batch_size, axes, offset):
    """B independent draws have the gradient variance σ²/B, also where B exceeds N."""
    g, variance = spread_of(repeated_batches(len(net.g), batch_size), net.g, offset, axes)
    came = minibatch_variance(g, batch_size=batch_size, replacement=True)
    assert within(came, float(variance), rounding_of_variances(g, float(variance)))


def right_factor(n, b, *, replacement=False):
    return (1 if replacement else (n - b) / max(n - 1, 1)) / b


def variances(formula):
    """Return a filling of the slot from a formula for the gradients g, N, B and whether draws may be repeated."""

    def minibatch(per_example_grads, *, batch_size, replacement=False):
        n = len(per_example_grads)
        if batch_size < 1 or (batch_size > n and not replacement):
            raise ValueError
        return float(formula(per_example_grads, n, batch_size, replacement))

    return minibatch


def total(g):
    return np.sum(np.var(g, axis=0))


varied_wrongly = wrongly(
    "minibatch_variance",
    variances,
    {
        "corrects_the_unbiased_variance_once_more": lambda g, n, b, r: (
            total(g) * n / max(n - 1, 1) * right_factor(n, b, replacement=r)
        ),
        "divides_by_the_square_of_the_batch": lambda g, n, b, r: total(g) * right_factor(n, b, replacement=r) / b,
        "gives_the_standard_deviation": lambda g, n, b, r: np.sqrt(total(g) * right_factor(n, b, replacement=r)),
        "averages_the_variance_over_coordinates": lambda g, n, b, r: (
            np.mean(np.var(g, axis=0)) * right_factor(n, b, replacement=r)
        ),
        "pools_all_coordinates": lambda g, n, b, r: np.var(g) * g[0].size * right_factor(n, b, replacement=r),
        "subtracts_the_squared_mean": lambda g, n, b, r: (
            np.sum(np.mean(g**2, axis=0) - np.mean(g, axis=0) ** 2) * right_factor(n, b, replacement=r)
        ),
    },
)
for law in (variance_of_distinct_examples, variance_of_independent_draws):
    varied_wrongly(law)
wrongly(
    "minibatch_variance",
    variances,
    {
        "forgets_that_examples_are_distinct": lambda g, _n, b, _r: total(g) / b,
        "divides_by_n_and_not_n_minus_1": lambda g, n, b, r: total(g) / b * (1 if r else (n - b) / n),
    },
)(variance_of_distinct_examples)


@variance_of_independent_draws.refutes("minibatch_variance")
def takes_draws_for_distinct(per_example_grads, *, batch_size, replacement=False):
    n = len(per_example_grads)
    return float(total(per_example_grads) * right_factor(n, min(batch_size, n)))


@variance_of_distinct_examples.refutes("minibatch_variance")
def takes_any_batch_size(per_example_grads, *, batch_size, replacement=False):
    factor = right_factor(len(per_example_grads), max(batch_size, 1), replacement=replacement)
    return float(total(per_example_grads) * max(factor, 0.0))


@legal("minibatch_variance")
def compares_the_gradients_in_pairs(per_example_grads, *, batch_size, replacement=False):
    n = len(per_example_grads)
    if batch_size < 1 or (not replacement and batch_size > n):
        raise ValueError("no such batch")
    pairs = [np.sum((a - b) ** 2) for a, b in combinations(per_example_grads, 2)]
    if replacement:
        return float(sum(pairs) / (batch_size * n**2))
    unbiased = sum(pairs) / (n * max(n - 1, 1))
    return float(unbiased / batch_size * (1 - batch_size / n))


# What a step gains


@claim(net=problems, batch_size=batch_sizes, lr=choices(0.5, 1.0, 0.25, 0.125))
def expected_loss_after_one_step(expected_next_loss, net, batch_size, lr):
    """On least squares a mini-batch step takes the loss to f − η‖g‖² + ½η²(gᵀHg + tr(HΣ)) on average.

    H is the Hessian of f, g its gradient, Σ the covariance of the batch gradient: the noise costs
    ½η² tr(HΣ), and for g ≠ 0 a step gains on average if and only if η < 2‖g‖²/(gᵀHg + tr(HΣ)).
    The slot's value is compared with the mean over all batches of distinct examples.

    Source: Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM Review 60(2), 2018.
    """
    w, x, y = net
    batch_size = min(batch_size, len(y))
    residual = x @ w - y
    g = residual[:, None] * x
    batches = distinct_batches(len(y), batch_size)
    # B times the residuals behind each batch's step: dyadic numbers, which float64 does not round.
    behind = batch_size * residual - lr * g[batches].sum(axis=1) @ x.T
    expected = np.sum(behind**2) / (2 * len(y) * batch_size**2 * len(batches))
    # No term of either formula exceeds what the largest residuals and gradients of one sign would give.
    size = np.mean((abs(residual) + lr * np.max(abs(g), axis=0) @ abs(x).T) ** 2) / 2
    assert within(expected_next_loss(w, x, y, batch_size=batch_size, lr=lr), expected, gamma(sum(x.shape) + 12) * size)


def next_loss(formula):
    """Return a filling of the slot from f, η‖g‖², ½η²gᵀHg, ½η²tr(HΣ) for distinct examples and for draws, and N."""

    def after_a_step(w, x, y, *, batch_size, lr):
        r = x @ w - y
        g = r[:, None] * x
        slope, half = lr * np.sum(g.mean(axis=0) ** 2), lr**2 / (2 * len(y))
        straight, alone = half * np.sum((x @ g.mean(axis=0)) ** 2), half * total(g @ x.T)
        noise = alone * right_factor(len(y), batch_size)
        return float(formula(np.mean(r**2) / 2, slope, straight, noise, alone / batch_size, len(y)))

    return after_a_step


wrongly(
    "expected_next_loss",
    next_loss,
    {
        "takes_the_loss_behind_the_mean_step": lambda f, slope, bend, _noise, _drawn, _n: f - slope + bend,
        "draws_its_batch_with_replacement": lambda f, slope, bend, _noise, drawn, _n: f - slope + bend + drawn,
        "forgets_the_half_of_the_second_order": lambda f, slope, bend, noise, _d, _n: f - slope + 2 * (bend + noise),
        "stops_at_the_first_order": lambda f, slope, _bend, _noise, _drawn, _n: f - slope,
        "climbs_on_average": lambda f, slope, bend, noise, _drawn, _n: f + slope + bend + noise,
        "expects_the_summed_loss": lambda f, slope, bend, noise, _drawn, n: n * (f - slope + bend + noise),
    },
)(expected_loss_after_one_step)


@legal("expected_next_loss")
def steps_with_every_batch(w, x, y, *, batch_size, lr):
    def loss_behind(batch):
        moved = w - lr * (x[batch] @ w - y[batch]) @ x[batch] / batch_size
        return np.mean((x @ moved - y) ** 2) / 2

    return float(np.mean([loss_behind(list(batch)) for batch in combinations(range(len(y)), batch_size)]))


@claim(net=integer_arrays(w="D", x="ND", spread="N"), lr=dyadic_rates)
def descent_rests_where_sgd_moves_on(sgd_step, least_squares_loss, net, lr):
    """At the minimum of the mean loss descent rests, and SGD moves on unless every example has gradient 0 there.

    For each input there are two targets, `spread` above and below what w predicts: w is a minimum.
    """
    w, x, spread = net
    predicted = x @ w
    both, y = np.vstack([x, x]), np.concatenate([predicted + spread, predicted - spread])
    assert equal(sgd_step(w, least_squares_loss(w, both, y)[1], lr=lr), w)
    for n in range(len(spread)):
        moved = sgd_step(w, least_squares_loss(w, both[[n]], y[[n]])[1], lr=lr)
        assert equal(moved, w + lr * spread[n] * x[n])


fitted_wrongly(descent_rests_where_sgd_moves_on, "takes_the_size_of_the_residual", "keeps_the_two_of_the_square")


@descent_rests_where_sgd_moves_on.refutes("sgd_step")
def climbs_the_gradient(w, g, *, lr):
    return w + lr * g


@descent_rests_where_sgd_moves_on.refutes("sgd_step")
def moves_one_rate_along_the_sign(w, g, *, lr):
    return w - lr * np.sign(g)


# Where it ends


rates = choices(0.5, 1.0, 0.25, 2.0, 2 - 2.0**-20, 0.0)


@claim(curvature=choices(1.0, 2.0, 0.5, 8.0, 2.0**-30), lr=rates, noise=batch_sizes)
def constant_step_noise_floor(stationary_variance, curvature, lr, noise):
    """On ½hw² with gradient noise of variance σ², constant steps settle at the variance v = ησ²/(h(2 − ηh)).

    Each step's noise is independent of what was before, so a step makes v to (1 − ηh)²v + η²σ²; v
    stays where both are equal, and every start ends there if and only if 0 < ηh < 2, for h > 0.
    Outside that range: ValueError.  The mean loss there is ½hv.
    """
    if not 0 < lr * curvature < 2:
        assert raises(ValueError, stationary_variance, curvature, lr=lr, noise_variance=float(noise))
        return
    kept = (1 - Fraction(lr) * Fraction(curvature)) ** 2
    settled = float(Fraction(lr) ** 2 * noise / (1 - kept))
    # ηh and 2 − ηh are exact here, and what is left are products and quotients.
    assert within(stationary_variance(curvature, lr=lr, noise_variance=float(noise)), settled, gamma(6) * settled)


def settling(formula):
    def variance(curvature, *, lr, noise_variance):
        if not 0 < lr * curvature < 2:
            raise ValueError
        return formula(curvature, lr, noise_variance)

    return variance


settled_wrongly = wrongly(
    "stationary_variance",
    settling,
    {
        "settles_as_if_steps_were_tiny": lambda h, lr, s2: lr * s2 / (2 * h),
        "squares_the_rate_in_the_floor": lambda h, lr, s2: lr**2 * s2 / (h * (2 - lr * h)),
        "forgets_the_curvature": lambda h, lr, s2: lr * s2 / (2 - lr * h),
        "gives_the_loss_and_not_the_variance": lambda h, lr, s2: lr * s2 / (2 * (2 - lr * h)),
        "takes_the_deviation_for_the_variance": lambda h, lr, s2: lr * s2**0.5 / (h * (2 - lr * h)),
        "forgets_to_square_what_is_kept": lambda h, lr, s2: lr * s2 / h,
        "cancels_what_is_kept": lambda h, lr, s2: lr**2 * s2 / (1 - (1 - lr * h) ** 2),
    },
)
settled_wrongly(constant_step_noise_floor)


@constant_step_noise_floor.refutes("stationary_variance")
def settles_at_any_rate(curvature, *, lr, noise_variance):
    return lr * noise_variance / (curvature * abs(2 - lr * curvature or eps))


@legal("stationary_variance")
def by_the_share_that_a_step_keeps(curvature, *, lr, noise_variance):
    kept = 1 - lr * curvature
    if not -1 < kept < 1 and not 0 < lr * curvature < 1:
        raise ValueError("it does not settle")
    return lr / curvature * noise_variance / (1 + kept)


noises = small_integer_arrays(w="", s="")


@claim(net=noises, curvature=choices(1.0, 2.0, 0.5, 4.0), lr=dyadic_rates, steps=choices(2, 1, 3, 4, 0))
def sgd_minus_descent_after_t_steps(sgd_step, sgd_excess_loss, net, curvature, lr, steps):
    """After t steps on ½hw² SGD's expected loss is above descent's by ησ²(1 − (1 − ηh)²ᵗ)/(2(2 − ηh)).

    Both start at one point.  Noise of mean 0 moves no mean, so the rest of the loss falls as without
    noise; the excess tends to the floor ησ²/(2(2 − ηh)) if 0 < ηh < 2.  At ηh = 2 the value is that of
    the limit, tη²σ²h/2.  All sequences of noise ±s are enumerated.
    """
    noise = np.array(list(product((-net.s, net.s), repeat=steps))).reshape(2**steps, steps)
    noisy, straight = np.full(len(noise), net.w), net.w
    for n in range(steps):
        noisy = sgd_step(noisy, curvature * noisy + noise[:, n], lr=lr)
        straight = sgd_step(straight, curvature * straight, lr=lr)
    excess = curvature / 2 * (np.mean(noisy**2) - straight**2)
    came = sgd_excess_loss(curvature, lr=lr, noise_variance=float(net.s**2), steps=steps)
    # All is dyadic; but the quotient of the closed form is rounded, and so may be the powers in it.
    assert within(came, excess, gamma(16) * excess)


def excesses(formula):
    """Return a filling of the slot: half of ησ² times what `formula` makes of ηh and t."""
    return lambda curvature, *, lr, noise_variance, steps: lr * noise_variance / 2 * formula(lr * curvature, steps)


exceeded_wrongly = wrongly(
    "sgd_excess_loss",
    excesses,
    {
        "is_at_the_floor_at_once": lambda x, t: 1 / (2 - x) if x < 2 else x * t,
        "forgets_that_losses_are_squares": lambda x, t: x * sum((1 - x) ** s for s in range(t)),
        "adds_up_all_noise_undamped": lambda x, t: x * t,
        "damps_the_last_noise_too": lambda x, t: x * sum((1 - x) ** (2 * s) for s in range(1, t + 1)),
    },
)
exceeded_wrongly(sgd_minus_descent_after_t_steps)


@sgd_minus_descent_after_t_steps.refutes("sgd_step")
def takes_only_half_the_rate(w, g, *, lr):
    return w - lr / 2 * g


@legal("sgd_excess_loss")
def sums_the_geometric_series(curvature, *, lr, noise_variance, steps):
    x = lr * curvature
    if x == 2:
        return float(lr * noise_variance * steps)
    return float(lr * noise_variance * (1 - (1 - x) ** (2 * steps)) / (2 * (2 - x)))


@claim(net=tables, curvature=choices(1.0, 0.5, 0.125), lr=choices(0.5, 1.0, 0.25), batch_size=choices(1, 2, 4))
def the_floor_falls_with_batch_and_rate(minibatch_variance, stationary_variance, net, curvature, lr, batch_size):
    """Doubling a batch of independent draws halves the floor, halving the rate does more, and a full batch has none.

    The floor is proportional to the batch's variance and to η/(2 − ηh).
    """

    def floor(rate, size, **options):
        variance = minibatch_variance(net.g, batch_size=size, **options)
        return stationary_variance(curvature, lr=rate, noise_variance=variance)

    draws = {"replacement": True}
    once, doubled = floor(lr, batch_size, **draws), floor(lr, 2 * batch_size, **draws)
    slower = floor(lr / 2, batch_size, **draws)
    # Each is the same variance, times and over exact numbers; of a full batch, rounding squared may be left.
    assert within(doubled, once / 2, gamma(8) * once)
    assert slower < once / 2 or once == 0
    assert at_most(floor(lr, len(net.g)), 1e-24 * np.sum(net.g**2))


varied_wrongly(the_floor_falls_with_batch_and_rate, "divides_by_the_square_of_the_batch")
settled_wrongly(the_floor_falls_with_batch_and_rate, "settles_as_if_steps_were_tiny")


@claim(net=small_integer_arrays(w="D", solution="D", x="D"), lr=dyadic_rates)
def interpolation_removes_the_floor(sgd_step, least_squares_loss, net, lr):
    """If w* fits an example, its step changes ‖w − w*‖² by exactly −η(2 − η‖x‖²)(x·(w − w*))².

    So if one w* fits all examples, SGD with constant η < 2/‖xₙ‖² for all n comes nearer to it with
    every step whose example is not fitted yet, whatever the order; there is no floor.

    Source: Needell, Srebro and Ward, Stochastic Gradient Descent, Weighted Sampling, and the Randomized
    Kaczmarz algorithm, NIPS 2014, arXiv 1310.5715.
    """
    w, solution, x = net
    _, g = least_squares_loss(w, x[None], np.array([x @ solution]))
    moved = sgd_step(w, g, lr=lr)
    change = np.sum((moved - solution) ** 2) - np.sum((w - solution) ** 2)
    assert equal(change, -lr * (2 - lr * x @ x) * (x @ (w - solution)) ** 2)


for opposite in (climbs_the_gradient, takes_only_half_the_rate):
    interpolation_removes_the_floor.refutes("sgd_step")(opposite)
fitted_wrongly(interpolation_removes_the_floor, "turns_the_residual_round", "keeps_the_two_of_the_square")


@claim(net=integer_arrays(h="D"), share=choices(1.0, 0.5, 0.75, 0.9, 1.1, 1.25, 2.0, 1e-9))
def the_best_constant_rate_is_2_over_the_extremes(best_constant_lr, net, share):
    """Descent on a quadratic is fastest at η = 2/(h_min + h_max), where it shrinks by (κ − 1)/(κ + 1) a step.

    The slowest direction shrinks by max |1 − ηh|, and no other rate makes that less.  κ = h_max/h_min.
    Curvatures must be positive: ValueError.
    """
    h = abs(net.h) + 1
    rate = best_constant_lr(h)
    low, high = np.min(h), np.max(h)
    shrinks = float((Fraction(high) - Fraction(low)) / (Fraction(high) + Fraction(low)))
    # Rate and product are rounded once or twice each, and ηh ≤ 2 at the best rate.
    assert within(np.max(abs(1 - rate * h)), shrinks, 4 * eps)
    assert at_most(shrinks, np.max(abs(1 - share * rate * h)) + 4 * eps * (1 + share))
    assert raises(ValueError, best_constant_lr, np.append(h, 0.0))
    assert raises(ValueError, best_constant_lr, np.append(h, -1.0))
    assert raises(ValueError, best_constant_lr, h[:0])


def rate_of(formula):
    def best(curvatures):
        if np.size(curvatures) == 0 or np.min(curvatures) <= 0:
            raise ValueError
        return float(formula(np.asarray(curvatures)))

    return best


wrongly(
    "best_constant_lr",
    rate_of,
    {
        "divides_1_by_the_largest": lambda h: 1 / h.max(),
        "divides_1_by_the_sum_of_the_extremes": lambda h: 1 / (h.min() + h.max()),
        "divides_1_by_the_mean": lambda h: 1 / h.mean(),
        "divides_1_by_the_geometric_mean": lambda h: 1 / np.sqrt(h.min() * h.max()),
        "takes_the_first_for_the_least": lambda h: 2 / (h[0] + h.max()),
    },
)(the_best_constant_rate_is_2_over_the_extremes)


@legal("best_constant_lr")
def is_the_middle_of_the_two_slowest(curvatures):
    h = np.sort(np.asarray(curvatures, dtype=float))
    if len(h) == 0 or h[0] <= 0:
        raise ValueError("positive curvatures, please")
    return 1 / float(h[0] + (h[-1] - h[0]) / 2)


@claim(net=small_integer_arrays(x="ND", y="N", first="T", second="T"), lr=choices(0.5, 0.25, 0.125))
def steps_from_zero_stay_in_the_span_of_the_data(sgd_step, least_squares_loss, net, lr):
    """From w = 0 every step on least squares adds a combination of inputs, so w never leaves their span.

    Exactly, with batches of two.
    """
    w = np.zeros(net.x.shape[1])
    for pair in zip(net.first, net.second, strict=True):
        batch = abs(np.array(pair, dtype=int)) % len(net.y)
        w = sgd_step(w, least_squares_loss(w, net.x[batch], net.y[batch])[1], lr=lr)
    assert rank(np.vstack([net.x, w])) == rank(net.x)


steps_from_zero_stay_in_the_span_of_the_data.refutes("sgd_step")(moves_one_rate_along_the_sign)
fitted_wrongly(steps_from_zero_stay_in_the_span_of_the_data, "forgets_the_inputs")


@claim(net=small_integer_arrays(x="ND", y="N"))
def descent_from_zero_ends_at_the_least_norm_solution(min_norm_solution, net):
    """Of all w that minimise ‖xw − y‖ only the shortest lies in the span of the inputs: there descent from 0 ends.

    Descent from 0 stays in that span, and converges for 0 < η < 2/h_max.  Of two minimisers in it,
    the difference is in the span and sent to 0 by x, so it is 0; and any other minimiser adds to it
    at a right angle.  For any rank of x.
    """
    w = min_norm_solution(net.x, net.y)
    found = rank(net.x)
    _, values, directions = np.linalg.svd(net.x)
    kappa = values[0] / values[found - 1] if found else 1.0
    # A stable solution is exact for inputs that are off by a few ε; κ times that are its own directions.
    slack = 8 * max(net.x.shape) * eps * kappa
    size = np.linalg.norm(net.x) * np.linalg.norm(w) + np.linalg.norm(net.y)
    assert at_most(np.linalg.norm(net.x.T @ (net.x @ w - net.y)), slack * np.linalg.norm(net.x) * size)
    # Where w is small because much of y/σ cancels, that much is what its error is measured by.
    longest = np.linalg.norm(net.y) / values[found - 1] if found else 0.0
    assert at_most(np.linalg.norm(directions[found:] @ w), slack * (np.linalg.norm(w) + longest))


@descent_from_zero_ends_at_the_least_norm_solution.refutes("min_norm_solution")
def solves_with_few_weights(x, y):
    w, left = np.zeros(x.shape[1]), list(range(x.shape[1]))
    while left and np.linalg.matrix_rank(x[:, left]) < len(left):
        left.pop()
    w[left] = np.linalg.lstsq(x[:, left], y, rcond=None)[0]
    return w


wrongly(
    "min_norm_solution",
    lambda formula: formula,
    {
        "decays_the_weights": lambda x, y: np.linalg.solve(x.T @ x + 1e-3 * np.eye(x.shape[1]), x.T @ y),
        "cuts_off_too_many_directions": lambda x, y: np.linalg.pinv(x, rcond=0.3) @ y,
        "transposes_in_place_of_inverting": lambda x, y: x.T @ y,
    },
)(descent_from_zero_ends_at_the_least_norm_solution)


@descent_from_zero_ends_at_the_least_norm_solution.refutes(
    "min_norm_solution", by={"net": case(x=[[1, 0], [0, 1e-4]], y=[1, 1])}
)
def drops_small_singular_values(x, y):
    return np.linalg.pinv(x, rcond=1e-3) @ y


@legal("min_norm_solution")
def multiplies_by_the_pseudoinverse(x, y):
    return np.linalg.pinv(x, rcond=max(x.shape) * eps) @ y


@legal("min_norm_solution")
def inverts_the_singular_values(x, y):
    U, values, Vt = np.linalg.svd(x, full_matrices=False)
    kept = values > max(x.shape) * eps * values[0]
    return Vt[kept].T @ (U[:, kept].T @ y / values[kept])


# Measured on digits


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def minibatches_beat_full_batches_at_equal_epochs(sgd_step, seeds):
    """On digits, five epochs in batches of 10 end below a third of the best full-batch run's training loss.

    400 digits, a ReLU network of 64, 32 and 10 units, η = 0.1 for the mini-batches; the full batch may
    choose among 0.1, 0.3, 1 and 2.  Both compute as many example gradients; the mini-batches make 200
    updates of them, the full batch 5.  24 of 30 seeds must succeed, and the run stops once that is settled.
    In 1000 calibration runs all did: the full batch's loss was 4.6 times as high at least, 6.9 in the median.
    """
    x, y = digits()
    reached = []

    def trained(seed, batch_size, lr):
        rng = lab.streams(seed, "weights", "order")
        weights = flat(lab.draw_layers((64, 32, 10), rng["weights"], gain=2.0))
        for _ in range(5):
            for batch in rng["order"].permutation(400).reshape(-1, batch_size):
                logits, cache = lab.relu_forward(x[batch], *unrolled(weights))
                _, *gradients = lab.relu_backward(lab.cross_entropy_gradient(logits, y[batch]), cache)
                weights = sgd_step(weights, flat(gradients), lr=lr)
        z, _ = lab.relu_forward(x[:400], *unrolled(weights))
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(400), y[:400]])

    def holds(seed):
        mini, full = trained(seed, 10, 0.1), min(trained(seed, 400, lr) for lr in (0.1, 0.3, 1.0, 2.0))
        reached.append((mini, full))
        return mini < full / 3

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    mini, full = np.mean(reached, axis=0)
    return {"mini": mini, "full": full}


def flat(layers):
    return np.concatenate([part.ravel() for parts in layers for part in parts])


def unrolled(weights):
    """Return the network's weights and biases from one vector of all."""
    W1, W2, b1, b2 = np.split(weights, np.cumsum([64 * 32, 32 * 10, 32]))
    return [W1.reshape(64, 32), W2.reshape(32, 10)], [b1, b2]


@minibatches_beat_full_batches_at_equal_epochs.refutes("sgd_step")
def makes_steps_a_thousand_times_too_short(w, g, *, lr):
    return w - lr / 1000 * g


# Often said, but false


@myth(
    net=small_integer_arrays(w="", x="N", y="N"),
    pick=choices(0, 1, 2, 3),
    refuted_by={"net": case(w=0, x=[1, 1], y=[1, -1]), "pick": 0},
)
def every_sgd_step_lowers_the_loss(sgd_step, least_squares_loss, net, pick):
    """At a small enough rate every step of SGD lowers the training loss."""
    x, n = net.x[:, None], [pick % len(net.y)]
    w = net.w[None]
    moved = sgd_step(w, least_squares_loss(w, x[n], net.y[n])[1], lr=0.125)
    assert least_squares_loss(moved, x, net.y)[0] <= least_squares_loss(w, x, net.y)[0]


@myth(net=integer_arrays(g="N"), batch_size=choices(1, 2, 3), refuted_by={"net": case(g=[0, 0, 1]), "batch_size": 2})
def the_mean_over_batches_is_the_mean_over_examples(minibatch_gradient, net, batch_size):
    """The mean of the mini-batch gradients of an epoch is the full gradient."""
    batches = np.split(np.arange(len(net.g)), range(batch_size, len(net.g), batch_size))
    mean = np.mean([minibatch_gradient(net.g, batch) for batch in batches])
    assert within(mean, net.g.mean(), 1e-9 * np.sum(abs(net.g)))


@myth(net=integer_arrays(g="N"), refuted_by={"net": case(g=[0, 1])})
def a_batch_twice_as_large_has_half_the_noise(minibatch_variance, net):
    """A batch that is twice as large has half the noise, measured by the standard deviation of its gradient."""
    one, two = (np.sqrt(minibatch_variance(net.g, batch_size=b, replacement=True)) for b in (1, 2))
    assert within(two, one / 2, 1e-9 * one)


@myth(start=choices(1.0, 3.0, 0.5, -1.0, -2.0, -0.5), refuted_by={"start": -0.5})
def descent_reaches_the_global_minimum(sgd_step, start):
    """Gradient descent with a small enough rate reaches the global minimum."""
    w = np.array(start)
    for _ in range(200):
        w = sgd_step(w, w * (w + 1) * (w - 2), lr=0.125)
    assert within(w, 2.0, 1e-6)  # w⁴/4 − w³/3 − w² is −8/3 at 2 and −5/12 at −1


@convention("minibatch_gradient", "it sums over the batch, where this slot averages")
def divided_by_the_size_of_the_batch(theirs, per_example_grads, indices):
    return theirs(per_example_grads, indices) / len(indices)


@convention("least_squares_loss", "it has no ½, where this slot is half the mean squared residual")
def halved(theirs, w, x, y):
    loss, dw = theirs(w, x, y)
    return loss / 2, dw / 2


@convention("least_squares_loss", "it sums over the examples, where this slot averages")
def divided_by_the_number_of_residuals(theirs, w, x, y):
    loss, dw = theirs(w, x, y)
    return loss / len(y), dw / len(y)
