"""Q3.2: dropout in two forms, judged by law: what is kept, how it is scaled, and where the gradient goes."""

import copy
from functools import cache
from itertools import product
from math import exp, lgamma, log

import numpy as np

from claims import claim, convention, legal, myth
from claims.toolbox.comparison import Off, at_most, eps, equal, gamma, raises, unit_roundoff, within
from claims.toolbox.statistics import usual
from claims.toolbox.strategies import (
    case,
    choices,
    dyadic_arrays,
    generators,
    probabilities,
    real_arrays,
    small_integer_arrays,
)

arrays = real_arrays(x="NDK", d_out="NDK")
vectors = small_integer_arrays(x="D")
below_one = choices(0.5, 0.25, 0.75, 0.1, 0.9, 0.0, 1e-9, 0.2, 0.8, 1 / 3, 0.97, 1 - 1e-9)
# Here 1/(1 − p) is a power of two, with which float64 multiplies without rounding.
exact_rates = choices(0.5, 0.75, 0.0, 0.875)
law_rates = choices(0.5, 0.25, 0.75, 0.1, 0.9, 0.2, 0.8)
mask_rates = choices(0.5, 0.25, 0.75, 0.1, 0.9, 1 / 3, 0.001, 0.999)
mask_shapes = choices((8, 32, 32), (2, 4, 32, 32), (128, 64), (8192,))


# Another dropout, whose cache the mistakes below can open


def plain_forward(x, *, p, rng, training=True):
    keep = rng.random(x.shape) >= p if training else np.ones(x.shape, dtype=bool)
    scale = 1 / (1 - p) if training and p < 1 else 1.0
    return np.where(keep, x * scale, 0.0), (keep, scale)


def plain_backward(d_out, cache):
    keep, scale = cache
    return np.where(keep, d_out * scale, 0.0)


def plain_vanilla_forward(x, *, p, rng, training=True):
    if not training:
        return (1 - p) * x, (np.ones(x.shape, dtype=bool), 1 - p)
    keep = rng.random(x.shape) >= p
    return np.where(keep, x, 0.0), (keep, 1.0)


def drop(x, keep, p, training):
    """Return inverted dropout's output for the mask `keep`, and its cache."""
    scale = 1 / (1 - p) if training and p < 1 else 1.0
    keep = np.broadcast_to(keep | (not training), x.shape)
    return np.where(keep, x * scale, 0.0), (keep, scale)


# What the law of the mask is, and how a count is judged


@cache
def tie_probability(n, p):
    """Return the probability that two binomial counts of n entries kept with probability 1 − p are equal."""
    return sum(
        exp(2 * (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(1 - p) + (n - k) * log(p)))
        for k in range(n + 1)
    )


def is_independent(keep, p):
    """Return True if the entries of a mask, of even sizes, look drawn one by one, with probability 1 − p each.

    Counted are the entries kept, of all and of one half along each axis (the even places, and the first
    ones), the pairs that agree (neighbours, and entries half an axis apart, along each axis), and the pairs
    of rows that keep equally many.  Each count is binomial, for disjoint pairs.
    """
    agree = p**2 + (1 - p) ** 2
    counts = [("entries kept", np.count_nonzero(keep), keep.size, 1 - p)]
    for axis, size in enumerate(keep.shape):
        lined = np.moveaxis(keep, axis, 0)
        for apart, places, one, other in (
            ("next to", "at even places", lined[::2], lined[1::2]),
            ("far from", "in the first half", lined[: size // 2], lined[size // 2 :]),
        ):
            counts += [
                (f"entries kept {places} of axis {axis}", np.count_nonzero(one), one.size, 1 - p),
                (
                    f"entries like the one {apart} them on axis {axis}",
                    np.count_nonzero(one == other),
                    one.size,
                    agree,
                ),
            ]
    if keep.ndim > 1:
        rows = keep.sum(axis=-1).ravel()
        ties = np.count_nonzero(rows[::2] == rows[1::2])
        counts.append(
            ("pairs of rows that keep equally many", ties, len(rows) // 2, tie_probability(keep.shape[-1], p))
        )
    return usual(*counts)


def ramp(shape):
    """Return 8192 entries from 1 up in this shape: none is zero, so the output shows the mask."""
    return np.arange(1.0, 8193.0).reshape(shape)


@claim(p=mask_rates, shape=mask_shapes, rng=generators())
def mask_is_iid_bernoulli(dropout_forward, p, shape, rng):
    """In training every entry is kept with probability 1 − p, independently of all others and of their values.

    On 8192 entries in rising order, with one to four axes: the number kept, in all and in one half along each
    axis, the pairs that agree along each axis, and the pairs of rows that keep equally many are binomial.  Each
    of the up to 18 counts refutes a right implementation with probability at most 2 e⁻⁴⁰, by Chernoff's bound:
    all of a thorough run, below 1e-12.
    """
    x = ramp(shape)
    out, _ = dropout_forward(x, p=p, rng=rng)
    assert is_independent(out != 0, p)
    # As in `train_output_is_zero_or_x_over_keep`, at rates that leave next to nothing.
    assert within(out, np.where(out == 0, 0.0, x / (1 - p)), 3 * eps * x / (1 - p))


@mask_is_iid_bernoulli.refutes("dropout_forward")
def keeps_with_probability_p(x, *, p, rng, training=True):
    return drop(x, rng.random(x.shape) < p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_whole_rows(x, *, p, rng, training=True):
    return drop(x, rng.random((*x.shape[:-1], 1)) >= p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def shares_the_mask_over_the_batch(x, *, p, rng, training=True):
    return drop(x, rng.random(x.shape[1:]) >= p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_a_fixed_count_in_each_row(x, *, p, rng, training=True):
    ranks = rng.random(x.shape).argsort(axis=-1).argsort(axis=-1)
    return drop(x, ranks >= round(p * x.shape[-1]), p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_the_smallest_entries(x, *, p, rng, training=True):
    return drop(x, x >= np.quantile(x, p), p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def draws_half_of_the_mask_and_repeats_it(x, *, p, rng, training=True):
    half = rng.random((-(-len(x) // 2), *x.shape[1:])) >= p
    return drop(x, np.concatenate([half, half])[: len(x)], p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_one_side_more_of_a_die_with_ten(x, *, p, rng, training=True):
    return drop(x, rng.integers(10, size=x.shape) > 10 * p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_whole_channels_of_images(x, *, p, rng, training=True):
    kept_together = (*x.shape[:2], 1, 1) if x.ndim == 4 else x.shape
    return drop(x, rng.random(kept_together) >= p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_every_other_entry_more_often(x, *, p, rng, training=True):
    odd = np.arange(x.size).reshape(x.shape) % 2
    return drop(x, rng.random(x.shape) >= p + min(0.1, p, 1 - p) * np.where(odd, 1, -1), p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def knows_whole_percentages_only(x, *, p, rng, training=True):
    return drop(x, rng.integers(100, size=x.shape) >= 100 * p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_where_normal_noise_is_small(x, *, p, rng, training=True):
    return drop(x, rng.standard_normal(x.shape) >= p, p, training)


@mask_is_iid_bernoulli.refutes("dropout_forward")
def drops_nothing(x, *, p, rng, training=True):
    return drop(x, np.ones(x.shape, dtype=bool), p, training)


@claim(p=mask_rates, shape=mask_shapes, rng=generators())
def vanilla_mask_is_iid_bernoulli(vanilla_dropout_forward, p, shape, rng):
    """Vanilla dropout draws its mask by the same law: each entry is kept with probability 1 − p, by itself.

    The counts and their error probabilities are those of `mask_is_iid_bernoulli`.
    """
    out, _ = vanilla_dropout_forward(ramp(shape), p=p, rng=rng)
    assert is_independent(out != 0, p)


@vanilla_mask_is_iid_bernoulli.refutes("vanilla_dropout_forward")
def takes_p_for_the_probability_to_keep(x, *, p, rng, training=True):
    return plain_vanilla_forward(x, p=1 - p, rng=rng, training=training)


@vanilla_mask_is_iid_bernoulli.refutes("vanilla_dropout_forward")
def drops_whole_features(x, *, p, rng, training=True):
    return (x * (rng.random(x.shape[-1:]) >= p) if training else (1 - p) * x), None


@vanilla_mask_is_iid_bernoulli.refutes("vanilla_dropout_forward")
def drops_whole_examples(x, *, p, rng, training=True):
    return (x * (rng.random((len(x), *[1] * (x.ndim - 1))) >= p) if training else (1 - p) * x), None


def is_fresh(forward, p, rng):
    """Return True if nine calls with one generator agree only by chance, and do not all keep equally many."""
    x = np.ones((64, 64))
    masks = np.array([forward(x, p=p, rng=rng)[0] != 0 for _ in range(9)])
    agreeing = np.count_nonzero(masks[:8:2] == masks[1::2])
    kept = masks.sum(axis=(1, 2))
    if np.ptp(kept) == 0:
        return Off(f"every call keeps exactly {kept[0]} of {x.size}")
    return usual(("entries like those of the call before", agreeing, 4 * x.size, p**2 + (1 - p) ** 2))


@claim(p=law_rates, rng=generators())
def kept_count_varies_between_calls(dropout_forward, p, rng):
    """Every call draws a fresh mask, and how many entries it keeps varies: p is a probability, not a share.

    On nine calls of 64 × 64 entries with one generator.  A right implementation keeps equally many in all
    with probability below 1e-13, as no count has one above 0.021, and is refuted by how many entries agree
    between two calls with probability at most 2 e⁻⁴⁰, by Chernoff's bound.
    """
    assert is_fresh(dropout_forward, p, rng)


@kept_count_varies_between_calls.refutes("dropout_forward")
def drops_a_fixed_count(x, *, p, rng, training=True):
    ranks = rng.permutation(x.size).reshape(x.shape)
    return drop(x, ranks >= round(p * x.size), p, training)


@kept_count_varies_between_calls.refutes("dropout_forward")
def seeds_a_generator_of_its_own(x, *, p, rng, training=True):
    return drop(x, np.random.default_rng(0).random(x.shape) >= p, p, training)


@claim(p=law_rates, rng=generators())
def vanilla_kept_count_varies_between_calls(vanilla_dropout_forward, p, rng):
    """Vanilla dropout, too, draws a fresh mask in every call, and keeps now more, now fewer entries.

    As `kept_count_varies_between_calls`, with the same error probabilities.
    """
    assert is_fresh(vanilla_dropout_forward, p, rng)


@vanilla_kept_count_varies_between_calls.refutes("vanilla_dropout_forward")
def draws_the_same_mask_every_time(x, *, p, rng, training=True):
    return plain_vanilla_forward(x, p=p, rng=np.random.default_rng(1), training=training)


@vanilla_kept_count_varies_between_calls.refutes("vanilla_dropout_forward")
def drops_exactly_the_share_p(x, *, p, rng, training=True):
    keep = rng.permutation(x.size).reshape(x.shape) >= round(p * x.size)
    return (x * keep if training else (1 - p) * x), None


# Inverted dropout, forward


@claim(numbers=arrays, p=below_one, dtype=choices(np.float64, np.float32, np.int64), rng=generators())
def train_output_is_zero_or_x_over_keep(dropout_forward, numbers, p, dtype, rng):
    """In training, inverted dropout turns each entry x into 0 or into x/(1 − p), for p < 1.

    float32 stays float32; whole numbers become float64.
    """
    x = numbers.x.astype(dtype)
    out, _ = dropout_forward(x, p=p, rng=rng)
    scaled = x.astype(np.float64) / (1 - p)
    # Three roundings of eps/2 each: of 1/(1 − p), of its product with x, of x/(1 − p) here; twice that is allowed.
    assert within(out, np.where(out == 0, 0.0, scaled), 6 * unit_roundoff(out.dtype) * abs(scaled))


def threes(dtype):
    """Return a witness of 32 threes: with p = ¼ it shows what a dtype does to the factor 4/3."""
    numbers = case(x=np.full((2, 4, 4), 3), d_out=np.zeros((2, 4, 4)))
    return {"numbers": numbers, "p": 0.25, "dtype": dtype, "rng": np.random.default_rng(0)}


def hundreds(p):
    """Return a witness of four hundred ones: at p = 0.97 some of them are kept."""
    numbers = case(x=np.ones((4, 10, 10)), d_out=np.zeros((4, 10, 10)))
    return {"numbers": numbers, "p": p, "dtype": np.float64, "rng": np.random.default_rng(0)}


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def forgets_to_divide_by_keep(x, *, p, rng, training=True):
    return (np.where(rng.random(x.shape) >= p, x * 1.0, 0.0) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward", by=hundreds(0.97))
def divides_by_a_twentieth_at_least(x, *, p, rng, training=True):
    scale = 1 / max(1 - p, 0.05) if training else 1.0
    return np.where((rng.random(x.shape) >= p) | (not training), x * scale, 0.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def divides_by_the_probability_to_drop(x, *, p, rng, training=True):
    return (np.where(rng.random(x.shape) >= p, x / max(p, 1e-12), 0.0) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def multiplies_by_keep(x, *, p, rng, training=True):
    return (np.where(rng.random(x.shape) >= p, x * (1 - p), 0.0) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def divides_by_the_root_of_keep(x, *, p, rng, training=True):
    return (np.where(rng.random(x.shape) >= p, x / (1 - p) ** 0.5, 0.0) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def divides_by_the_share_that_was_kept(x, *, p, rng, training=True):
    keep = rng.random(x.shape) >= p
    return (np.where(keep, x / max(keep.mean(), 1e-12), 0.0) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward", by=threes(np.float32))
def returns_double_precision_always(x, *, p, rng, training=True):
    return (x * ((rng.random(x.shape) >= p) / (1 - p)) if training else x * 1.0), None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward", by=threes(np.int64))
def casts_the_factors_to_the_dtype_of_x(x, *, p, rng, training=True):
    factors = ((rng.random(x.shape) >= p) / (1 - p)).astype(x.dtype)
    return x * factors * 1.0, None


@train_output_is_zero_or_x_over_keep.refutes("dropout_forward")
def puts_noise_where_it_drops(x, *, p, rng, training=True):
    return np.where(rng.random(x.shape) >= p, x / (1 - p), rng.random(x.shape)).astype(x.dtype), None


@claim(numbers=arrays, p=probabilities(), dtype=choices(np.float64, np.float32), rng=generators())
def inverted_eval_is_identity_and_draws_nothing(dropout_forward, numbers, p, dtype, rng):
    """At test, inverted dropout returns x bit for bit, and does not touch the generator."""
    x = -numbers.x.astype(dtype)  # so that some zeros are negative
    before = copy.deepcopy(rng.bit_generator.state)
    out, _ = dropout_forward(x, p=p, rng=rng, training=False)
    assert equal(out, x)
    assert out.tobytes() == x.tobytes()
    assert rng.bit_generator.state == before


@inverted_eval_is_identity_and_draws_nothing.refutes("dropout_forward")
def scales_at_test_too(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng)[0] if training else x * (1 - p), None


@inverted_eval_is_identity_and_draws_nothing.refutes("dropout_forward")
def ignores_that_it_is_a_test(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng)


@inverted_eval_is_identity_and_draws_nothing.refutes("dropout_forward")
def draws_a_mask_at_test_and_does_not_use_it(x, *, p, rng, training=True):
    keep = rng.random(x.shape) >= p
    return drop(x, keep, p, training)


@inverted_eval_is_identity_and_draws_nothing.refutes("dropout_forward")
def divides_at_test(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng)[0] if training else x / max(1 - p, 1e-12), None


@claim(numbers=arrays, rng=generators())
def p0_is_identity_and_p1_is_zeros_without_nan(dropout_forward, dropout_backward, numbers, rng):
    """With p = 0 inverted dropout is the identity; with p = 1 output and gradient are 0, not 0/0."""
    x, d_out = numbers
    for p, factor in ((0.0, 1.0), (1.0, 0.0)):
        out, cache = dropout_forward(x, p=p, rng=rng)
        assert equal(out, factor * x)
        assert equal(dropout_backward(d_out, cache), factor * d_out)


@p0_is_identity_and_p1_is_zeros_without_nan.refutes(
    "dropout_forward", dropout_backward=lambda d_out, cache: d_out * cache
)
def divides_zero_by_zero(x, *, p, rng, training=True):
    factors = (rng.random(x.shape) >= p) / np.float64(1 - p) if training else 1.0
    return x * factors, factors


@p0_is_identity_and_p1_is_zeros_without_nan.refutes("dropout_forward", dropout_backward=plain_backward)
def takes_p_1_for_no_dropout(x, *, p, rng, training=True):
    return plain_forward(x, p=p % 1, rng=rng, training=training)


@p0_is_identity_and_p1_is_zeros_without_nan.refutes("dropout_forward", dropout_backward=plain_backward)
def keeps_one_entry_at_least(x, *, p, rng, training=True):
    keep = rng.random(x.shape) >= p
    keep.flat[0] |= not keep.any()
    return drop(x, keep, p, training)


@claim(rng=generators(), p=choices(1.5, -0.5, 2.0, -1.0, 1 + 1e-9, -1e-9))
def a_rate_outside_0_and_1_is_refused(dropout_forward, rng, p):
    """A p below 0 or above 1 is no probability: inverted dropout raises ValueError, in training and at test."""
    assert raises(ValueError, dropout_forward, np.ones(3), p=p, rng=rng)
    assert raises(ValueError, dropout_forward, np.ones(3), p=p, rng=rng, training=False)


@a_rate_outside_0_and_1_is_refused.refutes("dropout_forward")
def takes_any_number_for_a_probability(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng, training=training)


@a_rate_outside_0_and_1_is_refused.refutes("dropout_forward")
def refuses_only_negative_rates(x, *, p, rng, training=True):
    if p < 0:
        raise ValueError(p)
    return plain_forward(x, p=p, rng=rng, training=training)


@a_rate_outside_0_and_1_is_refused.refutes("dropout_forward")
def looks_at_the_rate_in_training_only(x, *, p, rng, training=True):
    if training and not 0 <= p <= 1:
        raise ValueError(p)
    return plain_forward(x, p=p, rng=rng, training=training)


# Inverted dropout, backward


gradients = dyadic_arrays(x="ND", d_out="ND")
modes = choices("training", "test")


@claim(net=gradients, p=exact_rates, mode=modes, rng=generators())
def backward_is_the_adjoint_with_the_same_mask(dropout_forward, dropout_backward, net, p, mode, rng):
    """The gradient is multiplied by the very factors by which the forward pass multiplied x.

    Entry by entry x · ∂x = ∂out · out, without rounding; where x = 0, too, the factor is 0 or 1/(1 − p).
    After a forward pass at test all factors are 1.  Another forward pass in between changes nothing.
    """
    out, cache = dropout_forward(net.x, p=p, rng=rng, training=mode == "training")
    dropout_forward(net.x, p=p, rng=rng)
    dx = dropout_backward(net.d_out, cache)
    assert equal(net.x * dx, net.d_out * out)
    assert equal(dx, np.where(dx == 0, 0.0, net.d_out / (1 - p)) if mode == "training" else net.d_out)


LAST = []  # what a program remembers that should not


def forward_that_remembers_its_mask(x, *, p, rng, training=True):
    out, cache = plain_forward(x, p=p, rng=rng, training=training)
    LAST[:] = cache
    return out, cache


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=forward_that_remembers_its_mask)
def takes_the_mask_of_the_last_forward_pass(d_out, cache):
    return plain_backward(d_out, LAST)


def forward_that_keeps_the_generator(x, *, p, rng, training=True):
    out, (_, scale) = plain_forward(x, p=p, rng=rng, training=training)
    return out, (copy.deepcopy(rng), p if training else 0.0, scale)


@backward_is_the_adjoint_with_the_same_mask.refutes(
    "dropout_backward", dropout_forward=forward_that_keeps_the_generator
)
def draws_the_mask_again(d_out, cache):
    rng, p, scale = copy.deepcopy(cache)
    return np.where(rng.random(d_out.shape) >= p, d_out * scale, 0.0)


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def forgets_the_scale_in_the_gradient(d_out, cache):
    keep, _ = cache
    return np.where(keep, d_out, 0.0)


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def sends_the_gradient_through_dropped_entries(d_out, cache):
    _, scale = cache
    return d_out * scale


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def passes_the_gradient_on_unchanged(d_out, cache):
    return d_out.copy()


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def undoes_the_scale_in_the_gradient(d_out, cache):
    keep, scale = cache
    return np.where(keep, d_out / scale, 0.0)


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def scales_the_gradient_twice(d_out, cache):
    keep, scale = cache
    return np.where(keep, d_out * scale**2, 0.0)


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=plain_forward)
def sends_the_gradient_where_nothing_was_kept(d_out, cache):
    keep, scale = cache
    return np.where(keep, 0.0, d_out * scale)


def forward_that_always_scales_its_mask(x, *, p, rng, training=True):
    out, (keep, _) = plain_forward(x, p=p, rng=rng, training=training)
    return out, (keep, 1 / (1 - p) if p < 1 else 1.0)


@backward_is_the_adjoint_with_the_same_mask.refutes(
    "dropout_backward", dropout_forward=forward_that_always_scales_its_mask
)
def scales_the_gradient_at_test(d_out, cache):
    return plain_backward(d_out, cache)


def forward_that_keeps_its_output(x, *, p, rng, training=True):
    out, (_, scale) = plain_forward(x, p=p, rng=rng, training=training)
    return out, (out, scale)


@backward_is_the_adjoint_with_the_same_mask.refutes("dropout_backward", dropout_forward=forward_that_keeps_its_output)
def takes_the_output_for_the_mask(d_out, cache):
    out, _ = cache
    return d_out * out


@claim(p=law_rates, rng=generators())
def zero_inputs_get_a_gradient_like_all_others(dropout_forward, dropout_backward, p, rng):
    """Where x = 0 the output hides the mask, yet the gradient passes with probability 1 − p.

    So the mask has to be kept from the forward pass.  On 32 × 32 zeros.  The count of gradients that pass
    refutes a right implementation with probability at most 2 e⁻⁴⁰, by Chernoff's bound.
    """
    x = np.zeros((32, 32))
    _, cache = dropout_forward(x, p=p, rng=rng)
    passed = np.count_nonzero(dropout_backward(x + 1, cache))
    assert usual(("gradients that pass", passed, x.size, 1 - p))


@zero_inputs_get_a_gradient_like_all_others.refutes("dropout_backward", dropout_forward=forward_that_keeps_its_output)
def reads_the_mask_off_the_output(d_out, cache):
    out, scale = cache
    return np.where(out != 0, d_out * scale, 0.0)


zero_inputs_get_a_gradient_like_all_others.refutes("dropout_backward", dropout_forward=plain_forward)(
    passes_the_gradient_on_unchanged
)


# Right implementations that look different


def refuse(p):
    if p < 0 or p > 1:
        raise ValueError(f"{p} is no probability")


def hands_everything_on_at_test(d_out, cache):
    """Return the gradient for a cache of an unscaled mask and p, or for None, which a test leaves behind."""
    if cache is None:
        return d_out
    keep, p = cache
    return d_out * keep / (1 - p) if p < 1 else np.zeros_like(d_out)


@legal("dropout_forward", dropout_backward=hands_everything_on_at_test)
def draws_binomial_counts_of_one(x, *, p, rng, training=True):
    refuse(p)
    if not training:
        return x, None
    keep = rng.binomial(1, 1 - p, size=x.shape).astype(bool)
    return np.where(keep, x / (1 - p if p < 1 else 1), 0.0), (keep, p)


@legal("dropout_forward", dropout_backward=plain_backward)
def chooses_between_two_factors(x, *, p, rng, training=True):
    refuse(p)
    if not training:
        return x.copy(), (True, 1.0)
    keep = rng.choice([False, True], size=x.shape, p=[p, 1 - p])
    return drop(x, keep, p, training)


@legal("dropout_forward", dropout_backward=plain_backward)
def compares_whole_numbers(x, *, p, rng, training=True):
    refuse(p)
    if not training:
        return x.copy(), (True, 1.0)
    keep = rng.integers(2**53, size=x.shape) >= p * 2**53
    return drop(x, keep, p, training)


@legal("vanilla_dropout_forward", vanilla_dropout_backward=plain_backward)
def overwrites_a_copy(x, *, p, rng, training=True):
    if not training:
        return x - p * x, (np.ones(x.shape, dtype=bool), 1 - p)
    out = x.copy()
    dropped = rng.integers(2**53, size=x.shape) < p * 2**53
    out[dropped] = 0.0
    return out, (~dropped, 1.0)


def backward_is_the_same(theirs, d_out, cache):
    return theirs(d_out, cache)


@convention(
    "vanilla_dropout_forward",
    "its p is the probability to keep, where this slot's is the one to drop",
    vanilla_dropout_backward=backward_is_the_same,
)
def called_with_the_probability_to_keep(theirs, x, *, p, rng, training=True):
    return theirs(x, p=1 - p, rng=rng, training=training)


# Vanilla dropout


@claim(numbers=arrays, p=probabilities(), rng=generators())
def vanilla_unscaled_in_training_keep_at_test(vanilla_dropout_forward, numbers, p, rng):
    """Vanilla dropout turns x into 0 or leaves it, in training, and returns (1 − p) x at test, without drawing.

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15(56), 2014.
    """
    x = numbers.x
    out, _ = vanilla_dropout_forward(x, p=p, rng=rng)
    assert equal(out, np.where(out == 0, 0.0, x))
    if p in {0, 1}:
        assert equal(out, (1 - p) * x)
    before = copy.deepcopy(rng.bit_generator.state)
    at_test, _ = vanilla_dropout_forward(x, p=p, rng=rng, training=False)
    # One product; as x − p x it has two roundings, neither larger than that of x: allowed is twice the sum of all.
    assert within(at_test, (1 - p) * x, 3 * eps * abs(x))
    assert rng.bit_generator.state == before


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def scales_in_training(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng, training=training)


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def scales_in_training_and_at_test(x, *, p, rng, training=True):
    return plain_forward(x, p=p, rng=rng)[0] if training else (1 - p) * x, None


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def forgets_to_scale_at_test(x, *, p, rng, training=True):
    return (plain_vanilla_forward(x, p=p, rng=rng)[0] if training else x.copy()), None


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def multiplies_by_the_probability_to_drop_at_test(x, *, p, rng, training=True):
    return (plain_vanilla_forward(x, p=p, rng=rng)[0] if training else p * x), None


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def divides_by_keep_at_test(x, *, p, rng, training=True):
    return (plain_vanilla_forward(x, p=p, rng=rng)[0] if training else x / max(1 - p, 1e-12)), None


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def drops_at_test_too(x, *, p, rng, training=True):
    return plain_vanilla_forward(x, p=p, rng=rng)


@vanilla_unscaled_in_training_keep_at_test.refutes("vanilla_dropout_forward")
def averages_drawn_masks_at_test(x, *, p, rng, training=True):
    if training:
        return plain_vanilla_forward(x, p=p, rng=rng)
    return np.mean([plain_vanilla_forward(x, p=p, rng=rng)[0] for _ in range(20)], axis=0), None


@claim(net=gradients, p=exact_rates, mode=modes, rng=generators())
def vanilla_backward_is_the_adjoint_with_the_same_mask(
    vanilla_dropout_forward, vanilla_dropout_backward, net, p, mode, rng
):
    """Vanilla dropout multiplies the gradient by its mask of 0 and 1, and after a forward pass at test by 1 − p.

    Entry by entry x · ∂x = ∂out · out, without rounding.
    """
    out, cache = vanilla_dropout_forward(net.x, p=p, rng=rng, training=mode == "training")
    vanilla_dropout_forward(net.x, p=p, rng=rng)
    dx = vanilla_dropout_backward(net.d_out, cache)
    assert equal(net.x * dx, net.d_out * out)
    assert equal(dx, np.where(dx == 0, 0.0, net.d_out) if mode == "training" else (1 - p) * net.d_out)


@vanilla_backward_is_the_adjoint_with_the_same_mask.refutes(
    "vanilla_dropout_backward", vanilla_dropout_forward=plain_vanilla_forward
)
def sends_the_whole_gradient_back(d_out, cache):
    return d_out.copy()


@vanilla_backward_is_the_adjoint_with_the_same_mask.refutes(
    "vanilla_dropout_backward", vanilla_dropout_forward=plain_vanilla_forward
)
def forgets_the_factor_of_the_test(d_out, cache):
    keep, _ = cache
    return np.where(keep, d_out, 0.0)


def vanilla_forward_that_keeps_the_rate(x, *, p, rng, training=True):
    out, (keep, _) = plain_vanilla_forward(x, p=p, rng=rng, training=training)
    return out, (keep, 1 - p)


@vanilla_backward_is_the_adjoint_with_the_same_mask.refutes(
    "vanilla_dropout_backward", vanilla_dropout_forward=vanilla_forward_that_keeps_the_rate
)
def scales_the_training_gradient_by_keep(d_out, cache):
    keep, rate = cache
    return np.where(keep, d_out * rate, 0.0)


def vanilla_forward_that_keeps_the_generator(x, *, p, rng, training=True):
    out, (_, scale) = plain_vanilla_forward(x, p=p, rng=rng, training=training)
    return out, (copy.deepcopy(rng), p if training else 0.0, scale)


@vanilla_backward_is_the_adjoint_with_the_same_mask.refutes(
    "vanilla_dropout_backward", vanilla_dropout_forward=vanilla_forward_that_keeps_the_generator
)
def draws_another_mask_for_the_gradient(d_out, cache):
    rng, p, scale = copy.deepcopy(cache)
    return np.where(rng.random(d_out.shape) >= p, d_out * scale, 0.0)


@claim(p=law_rates, rng=generators())
def vanilla_zero_inputs_get_a_gradient_like_all_others(vanilla_dropout_forward, vanilla_dropout_backward, p, rng):
    """In vanilla dropout, too, the gradient passes with probability 1 − p where x = 0 and the output hides the mask.

    As `zero_inputs_get_a_gradient_like_all_others`, with the same error probability.
    """
    x = np.zeros((32, 32))
    _, cache = vanilla_dropout_forward(x, p=p, rng=rng)
    passed = np.count_nonzero(vanilla_dropout_backward(x + 1, cache))
    assert usual(("gradients that pass", passed, x.size, 1 - p))


def vanilla_forward_that_keeps_its_output(x, *, p, rng, training=True):
    out, (_, scale) = plain_vanilla_forward(x, p=p, rng=rng, training=training)
    return out, (out, scale)


@vanilla_zero_inputs_get_a_gradient_like_all_others.refutes(
    "vanilla_dropout_backward", vanilla_dropout_forward=vanilla_forward_that_keeps_its_output
)
def finds_the_mask_where_the_output_is_not_zero(d_out, cache):
    out, scale = cache
    return np.where(out != 0, d_out * scale, 0.0)


# What the masks do on average: all of them are tried, each weighted by its probability


@cache
def masks(n, p):
    """Return all masks (2ⁿ, n) of probability above 0, and these probabilities: dyadic, for a dyadic p."""
    keep = np.array(list(product((0.0, 1.0), repeat=n)))
    weights = np.prod(np.where(keep, 1 - p, p), axis=1)
    return keep[weights > 0], weights[weights > 0]


def factor_of_kept(forward, p, rng):
    """Return the factor of a kept entry, read off ones: for p ≤ 7/8 none of 1000 is kept once in 10⁵⁷ calls."""
    return forward(np.ones(1000), p=p, rng=rng)[0].max()


@claim(numbers=vectors, p=exact_rates, rng=generators())
def expected_output_x_variance_p_over_keep(dropout_forward, dropout_variance, numbers, p, rng):
    """Over the masks, inverted dropout has the mean x, which is its output at test, and the variance x² p/(1 − p).

    All masks are enumerated, without rounding.  Their law is `mask_is_iid_bernoulli`.
    """
    x = numbers.x
    keep, weights = masks(len(x), p)
    out = keep * factor_of_kept(dropout_forward, p, rng) * x
    mean = weights @ out
    assert equal(mean, x)
    assert equal(dropout_forward(x, p=p, rng=rng, training=False)[0], mean)
    assert equal(dropout_variance(x, p=p), weights @ (out - mean) ** 2)


for wrong in (forgets_to_divide_by_keep, divides_by_the_root_of_keep, scales_at_test_too):
    expected_output_x_variance_p_over_keep.refutes("dropout_forward")(wrong)


@expected_output_x_variance_p_over_keep.refutes("dropout_variance")
def takes_the_variance_of_vanilla_dropout(x, *, p):
    return x**2 * p * (1 - p)


@expected_output_x_variance_p_over_keep.refutes("dropout_variance")
def forgets_to_square_the_input(x, *, p):
    return x * p / (1 - p)


@expected_output_x_variance_p_over_keep.refutes("dropout_variance")
def takes_the_second_moment(x, *, p):
    return x**2 / (1 - p)


@expected_output_x_variance_p_over_keep.refutes("dropout_variance")
def takes_the_standard_deviation(x, *, p):
    return abs(x) * (p / (1 - p)) ** 0.5


@legal("dropout_variance")
def subtracts_the_squared_mean(x, *, p):
    return x**2 / (1 - p) - x**2


@claim(numbers=vectors, p=exact_rates, rng=generators())
def vanilla_mean_training_output_is_the_test_output(vanilla_dropout_forward, numbers, p, rng):
    """Over the masks, vanilla dropout has the mean (1 − p) x: the test multiplies by 1 − p for that reason.

    All masks are enumerated, without rounding.  Their law is `vanilla_mask_is_iid_bernoulli`.
    """
    x = numbers.x
    keep, weights = masks(len(x), p)
    mean = weights @ (keep * factor_of_kept(vanilla_dropout_forward, p, rng) * x)
    assert equal(vanilla_dropout_forward(x, p=p, rng=rng, training=False)[0], mean)


for wrong in (
    forgets_to_scale_at_test,
    multiplies_by_the_probability_to_drop_at_test,
    scales_in_training_and_at_test,
    divides_by_keep_at_test,
):
    vanilla_mean_training_output_is_the_test_output.refutes("vanilla_dropout_forward")(wrong)


@claim(unit=small_integer_arrays(x="D", w="D", b=""), p=exact_rates, rng=generators())
def relu_after_dropout_jensen(dropout_forward, unit, p, rng):
    """Behind a linear unit the test gives the mean over the masks; behind its ReLU, that or less.

    Less exactly if the unit's pre-activation is above 0 for one mask and below 0 for another, both of
    probability above 0: Jensen's inequality, on all masks and without rounding.
    """
    x, w, b = unit
    keep, weights = masks(len(x), p)
    z = (keep * factor_of_kept(dropout_forward, p, rng) * x) @ w + b
    at_test = dropout_forward(x, p=p, rng=rng, training=False)[0] @ w + b
    assert equal(weights @ z, at_test)
    gap = weights @ np.maximum(z, 0.0) - np.maximum(at_test, 0.0)
    assert at_most(0.0, gap)
    assert (gap > 0) == (z.min() < 0 < z.max())


for wrong in (forgets_to_divide_by_keep, multiplies_by_keep, scales_at_test_too):
    relu_after_dropout_jensen.refutes("dropout_forward")(wrong)


@claim(layer=small_integer_arrays(x="D", W="DC", b="C"), p=exact_rates, rng=generators())
def single_softmax_layer_is_the_normalised_geometric_mean(dropout_forward, layer, p, rng):
    """Of dropout before one softmax layer, the test output is the normalised geometric mean over all masks.

    The geometric mean of the softmax outputs is e to the mean of the logits, up to a factor common to the
    classes, and the mean of the logits is their value at test.

    Source: Baldi and Sadowski, Understanding Dropout, NIPS 26, 2013.
    """
    x, W, b = layer
    keep, weights = masks(len(x), p)
    logits = (keep * factor_of_kept(dropout_forward, p, rng) * x) @ W + b
    geometric_mean = log_softmax(weights @ log_softmax(logits))
    at_test = log_softmax(dropout_forward(x, p=p, rng=rng, training=False)[0] @ W + b)
    # Sums of at most 16 logarithms, each as large as the logits' range and rounded a few times.
    assert within(geometric_mean, at_test, 16 * eps * (1 + np.ptp(logits)))


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


for wrong in (forgets_to_divide_by_keep, divides_by_the_root_of_keep, scales_at_test_too):
    single_softmax_layer_is_the_normalised_geometric_mean.refutes("dropout_forward")(wrong)


@claim(task=small_integer_arrays(w="D", x="ND", y="N"), p=exact_rates, rng=generators())
def dropout_on_linear_regression_is_ridge(dropout_forward, dropout_penalty, task, p, rng):
    """Inverted dropout on x adds to the expected mean of (x w − y)² exactly p/(1 − p) Σⱼ wⱼ² · mean of xⱼ².

    So least squares on dropped inputs is ridge regression, with a strength per input that is its mean
    square times p/(1 − p).  All masks of each example are enumerated.

    Source: Wager, Wang and Liang, Dropout Training as Adaptive Regularization, NIPS 2013, arXiv 1307.1493.
    """
    w, x, y = task
    keep, weights = masks(len(w), p)
    errors = (keep[:, None, :] * factor_of_kept(dropout_forward, p, rng) * x) @ w - y
    added = np.mean(weights @ errors**2 - (x @ w - y) ** 2)
    # Sums of squares lose at most a rounding per term; here only the mean over the examples rounds.
    assert within(dropout_penalty(w, x, p=p), added, gamma(x.size + 6) * added)


dropout_on_linear_regression_is_ridge.refutes("dropout_forward")(forgets_to_divide_by_keep)


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def multiplies_by_p_alone(w, x, *, p):
    return float(p * np.mean(x**2, axis=0) @ w**2)


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def multiplies_by_p_and_keep(w, x, *, p):
    return float(p * (1 - p) * np.mean(x**2, axis=0) @ w**2)


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def penalises_all_weights_alike(w, x, *, p):
    return float(p / (1 - p) * w @ w)


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def sums_over_the_examples(w, x, *, p):
    return float(p / (1 - p) * np.sum(x**2, axis=0) @ w**2)


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def squares_the_whole_output(w, x, *, p):
    return float(p / (1 - p) * np.mean((x @ w) ** 2))


@dropout_on_linear_regression_is_ridge.refutes("dropout_penalty")
def squares_the_mean_input(w, x, *, p):
    return float(p / (1 - p) * np.mean(x, axis=0) ** 2 @ w**2)


@legal("dropout_penalty")
def adds_the_variances_of_the_terms(w, x, *, p):
    return sum(float(v) ** 2 * p / (1 - p) for v in (x * w).ravel()) / len(x)


@convention("dropout_penalty", "it sums over the examples, where this slot averages")
def divided_by_the_number_of_examples(theirs, w, x, *, p):
    return theirs(w, x, p=p) / len(x)


# The two forms train alike, at different rates


networks = small_integer_arrays(x="ND", W1="DH", W2="HC", b2="C", y="NC")


def step_of_both(vanilla_forward, vanilla_backward, net, p, rng, *, lr, vanilla_lr):
    """Return W₁, W₂/(1 − p), b₂ and test output of the inverted network after a step, and W₁, W₂, b₂ … of the vanilla.

    A linear layer, dropout, a linear layer with a bias; the vanilla network starts with W₂/(1 − p) for W₂, and
    the inverted one gets its mask.  The loss is ½‖out − y‖²; `vanilla_lr` is for W₂ of the vanilla network alone.
    """
    x, W1, W2, b2, y = net
    keep = 1 - p
    V1, V2, c2 = W1, W2 / keep, b2
    h, cache = vanilla_forward(x @ V1, p=p, rng=rng)
    mask = vanilla_backward(np.ones_like(h), cache)
    d_out = h @ V2 + c2 - y
    V1 = V1 - lr * x.T @ vanilla_backward(d_out @ V2.T, cache)
    V2, c2 = V2 - vanilla_lr * h.T @ d_out, c2 - lr * d_out.sum(axis=0)
    a = x @ W1 * mask / keep
    d_out = a @ W2 + b2 - y
    W1 = W1 - lr * x.T @ (d_out @ W2.T * mask / keep)
    W2, b2 = W2 - lr * a.T @ d_out, b2 - lr * d_out.sum(axis=0)
    at_test, _ = vanilla_forward(x @ V1, p=p, rng=rng, training=False)
    return (W1, W2 / keep, b2, x @ W1 @ W2 + b2), (V1, V2, c2, at_test @ V2 + c2)


@claim(net=networks, p=choices(0.5, 0.75, 0.0), rng=generators(), lr=choices(0.5, 1.0, 0.125))
def vanilla_equals_inverted_with_lr_over_keep_squared(
    vanilla_dropout_forward, vanilla_dropout_backward, vanilla_dropout_lr, net, p, rng, lr
):
    """With the same masks, vanilla dropout follows inverted dropout if the weights behind it learn at η/(1 − p)².

    These weights are then W/(1 − p) at every step, and all other parameters, which keep the rate η, are the
    same, the bias behind it included; so are the outputs, in training and at test.  For plain SGD, from any
    start of which this is true, by induction over the steps: one is checked, without rounding, on two linear
    layers with dropout between them.
    """
    inverted, vanilla = step_of_both(
        vanilla_dropout_forward,
        vanilla_dropout_backward,
        net,
        p,
        rng,
        lr=lr,
        vanilla_lr=vanilla_dropout_lr(lr, p=p),
    )
    for ours, theirs in zip(vanilla, inverted, strict=True):
        assert equal(ours, theirs)


@vanilla_equals_inverted_with_lr_over_keep_squared.refutes("vanilla_dropout_lr")
def keeps_the_rate(lr, *, p):
    return lr


@vanilla_equals_inverted_with_lr_over_keep_squared.refutes("vanilla_dropout_lr")
def divides_the_rate_by_keep_once(lr, *, p):
    return lr / (1 - p)


@vanilla_equals_inverted_with_lr_over_keep_squared.refutes("vanilla_dropout_lr")
def multiplies_the_rate_by_keep(lr, *, p):
    return lr * (1 - p)


@vanilla_equals_inverted_with_lr_over_keep_squared.refutes("vanilla_dropout_lr")
def divides_the_rate_by_the_square_of_p(lr, *, p):
    return lr / p**2 if p else lr


@legal("vanilla_dropout_lr")
def divides_the_rate_twice(lr, *, p):
    keep = 1 - p
    return lr / keep / keep


# Often said, but false


@myth(unit=small_integer_arrays(x="D", w="D", b=""), refuted_by={"unit": case(x=[1], w=[1], b=-1)})
def the_test_network_is_the_mean_of_the_thinned_networks(dropout_forward, unit):
    """The network at test gives the mean output of all thinned networks."""
    x, w, b = unit
    keep, weights = masks(len(x), 0.5)
    rng = np.random.default_rng(0)
    mean = weights @ np.maximum((keep * factor_of_kept(dropout_forward, 0.5, rng) * x) @ w + b, 0.0)
    assert equal(np.maximum(dropout_forward(x, p=0.5, rng=rng, training=False)[0] @ w + b, 0.0), mean)


@myth(numbers=vectors, refuted_by={"numbers": case(x=[0])})
def the_mask_can_be_read_off_the_output(dropout_forward, dropout_backward, numbers):
    """The mask need not be cached: it is where the output is not 0."""
    out, cache = dropout_forward(numbers.x, p=0.5, rng=np.random.default_rng(0))
    assert equal(dropout_backward(np.ones_like(out), cache) != 0, out != 0)


@myth(numbers=vectors, refuted_by={"numbers": case(x=[1])})
def setting_entries_to_zero_is_all_there_is(vanilla_dropout_forward, numbers):
    """Dropout sets entries to 0 in training and is switched off at test; nothing needs to be scaled."""
    keep, weights = masks(len(numbers.x), 0.25)
    rng = np.random.default_rng(0)
    mean = weights @ (keep * factor_of_kept(vanilla_dropout_forward, 0.25, rng) * numbers.x)
    assert equal(mean, numbers.x)


@myth(size=choices(1, 2, 3, 4), refuted_by={"size": 1})
def exactly_the_share_p_is_dropped(dropout_forward, size):
    """Dropout with p = ½ sets half of the entries to 0."""
    out, _ = dropout_forward(np.ones(size), p=0.5, rng=np.random.default_rng(0))
    assert np.count_nonzero(out == 0) == 0.5 * size


@myth(numbers=vectors, refuted_by={"numbers": case(x=[1])})
def inverted_dropout_keeps_the_scale_of_its_input(dropout_variance, numbers):
    """Dividing by 1 − p keeps the scale of the activations: their mean and their mean square."""
    assert equal(numbers.x**2 + dropout_variance(numbers.x, p=0.5), numbers.x**2)


@myth(
    net=networks,
    refuted_by={"net": case(x=[[1]], W1=[[1]], W2=[[0]], b2=[0], y=[[1]])},
)
def both_forms_train_alike_at_one_rate(vanilla_dropout_forward, vanilla_dropout_backward, net):
    """Vanilla and inverted dropout are the same algorithm: only the place of the factor differs."""
    rng = np.random.default_rng(0)
    inverted, vanilla = step_of_both(
        vanilla_dropout_forward, vanilla_dropout_backward, net, 0.5, rng, lr=0.5, vanilla_lr=0.5
    )
    assert equal(vanilla[3], inverted[3])
