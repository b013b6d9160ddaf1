"""Q6: how one knows that gradients explode, what clipping does, and what recurrence multiplies."""

import itertools
import math
from fractions import Fraction

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.data import digits
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import (
    case,
    choices,
    dyadic_arrays,
    generators,
    integer_arrays,
    real_arrays,
    small_integer_arrays,
)

three_tensors = {"a": "AB", "b": "C", "c": ""}
dyadic_grads = dyadic_arrays(**three_tensors)
real_grads = real_arrays(**three_tensors)
max_norms = choices(1.0, 0.25, 5.0, 100.0)
scales = choices(1.0, 1e200, 1e-200)


def flat(grads):
    return np.concatenate([np.ravel(g) for g in grads])


def length(grads):
    """Return the norm of all entries, without overflow, to half an ulp or so."""
    return math.hypot(*flat(grads))


def rounding(grads):
    """Return how much a norm of these entries, or what is divided by one, can err, relative to itself."""
    # Each square passes as many sums as there are entries; scaling, root, quotient and product come on top.
    return gamma(sum(np.size(g) for g in grads) + 8)


# The norm of all gradients together


@claim(grads=dyadic_grads)
def the_global_norm_is_that_of_all_entries_together(global_norm, grads):
    """The global norm is the root of the sum of the squares of all entries of all tensors; of none it is 0."""
    total = sum(Fraction(entry) ** 2 for entry in flat(grads).tolist())
    # The sum is a multiple of 1/64 and exact in float64, so only roundings of the norm itself are left.
    assert within(global_norm(list(grads)), math.sqrt(total), rounding(grads) * math.sqrt(total))
    assert global_norm([]) == 0
    assert global_norm([np.zeros_like(g) for g in grads]) == 0


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def sums_the_sizes(grads):
    return float(sum(np.abs(g).sum() for g in grads))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def takes_the_largest_entry(grads):
    return float(max((np.abs(g).max() for g in grads), default=0.0))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def adds_the_norms_of_the_tensors(grads):
    return float(sum(np.linalg.norm(np.ravel(g)) for g in grads))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def forgets_the_root_of_the_norm(grads):
    return float(sum(np.sum(g**2) for g in grads))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def averages_the_squares(grads):
    return math.sqrt(sum(np.mean(g**2) for g in grads))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def takes_the_spectral_norm_of_matrices(grads):
    return math.hypot(*(np.linalg.norm(g, 2) if np.ndim(g) == 2 else np.linalg.norm(np.ravel(g)) for g in grads))


@the_global_norm_is_that_of_all_entries_together.refutes("global_norm")
def measures_the_last_tensor_only(grads):
    return float(np.linalg.norm(np.ravel(grads[-1]))) if grads else 0.0


@legal("global_norm")
def hypot_of_all_entries(grads):
    return math.hypot(*(float(entry) for g in grads for entry in np.ravel(g)))


@legal("global_norm")
def norm_of_the_norms_after_division_by_the_largest(grads):
    largest = max((float(np.abs(g).max(initial=0.0)) for g in grads), default=0.0)
    if largest == 0 or not all(np.isfinite(g).all() for g in grads):
        return float(sum(np.abs(g).sum() for g in grads))
    exponent = math.frexp(largest)[1]
    norms = [np.linalg.norm(np.ldexp(np.ravel(g), -exponent)) for g in grads]
    return math.ldexp(float(np.linalg.norm(norms)), exponent)


@claim(grads=dyadic_grads, power=choices(0, 1000, -1000, 513, -540, 1))
def global_norm_is_exactly_homogeneous(global_norm, grads, power):
    """The norm of 2ᵏg is 2ᵏ times that of g, bit for bit, for k from −1000 to 1000: no square over- or underflows.

    The root of the plain sum of squares is infinite from entries of about 1.3·10¹⁵⁴ on, and 0 below 1.5·10⁻¹⁶².
    """
    scaled = [np.asarray(np.ldexp(g, power)) for g in grads]
    assert equal(global_norm(scaled), np.ldexp(global_norm(list(grads)), power))


@global_norm_is_exactly_homogeneous.refutes("global_norm")
def squares_without_scaling(grads):
    return math.sqrt(sum(float(np.sum(g * g)) for g in grads))


@global_norm_is_exactly_homogeneous.refutes("global_norm")
def adds_eps_under_the_root(grads):
    return math.sqrt(1e-12 + sum(float(np.sum(np.clip(g, -1e150, 1e150) ** 2)) for g in grads))


@global_norm_is_exactly_homogeneous.refutes("global_norm")
def squares_in_single_precision(grads):
    with np.errstate(all="ignore"):
        return float(np.sqrt(sum(np.sum(np.float32(g) ** 2) for g in grads)))


bad_entries = choices(np.nan, np.inf, -np.inf)
entry_places = choices(0, 1, 2)


def spoilt(grads, place, bad):
    """Return the tensors, the last entry of one of them replaced."""
    tensors = [g.copy() for g in grads]
    tensors[place][(-1,) * tensors[place].ndim] = bad
    return tensors


@claim(grads=real_grads, place=entry_places, bad=bad_entries)
def nonfinite_entry_makes_norm_nonfinite(global_norm, grads, place, bad):
    """One NaN or infinity in any gradient makes the global norm NaN or infinite: one number to look at each step."""
    assert not np.isfinite(global_norm(spoilt(grads, place, bad)))


@nonfinite_entry_makes_norm_nonfinite.refutes("global_norm")
def scales_by_what_compares_as_largest(grads):
    largest = 0.0
    for entry in flat(grads):
        largest = max(largest, abs(entry))
    if largest in {0.0, np.inf}:
        return float(largest)
    return float(largest * np.sqrt(np.nansum((flat(grads) / largest) ** 2)))


@nonfinite_entry_makes_norm_nonfinite.refutes("global_norm")
def leaves_nan_out_of_the_sum(grads):
    return float(np.sqrt(np.nansum(flat(grads) ** 2)))


@nonfinite_entry_makes_norm_nonfinite.refutes("global_norm")
def counts_only_finite_entries(grads):
    entries = flat(grads)
    return math.hypot(*entries[np.isfinite(entries)])


@nonfinite_entry_makes_norm_nonfinite.refutes("global_norm")
def replaces_infinity_by_the_largest_float(grads):
    return math.hypot(*np.nan_to_num(flat(grads)) / 16)


@proved()
def fp16_square_overflows_from_256(float16_square_overflows):
    """In float16 x² is infinite if and only if |x| ≥ 256, and 0 if and only if |x| ≤ 2^−12.5, about 1.7·10⁻⁴.

    So a plain sum of squares fails on gradients that are no explosion at all.  All 63,488 finite numbers are tried.
    """
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        square = x * x
    finite = np.isfinite(x)
    assert equal(float16_square_overflows(x[finite]), np.isinf(square[finite]))
    assert equal(square[finite] == 0, abs(x[finite].astype(np.float64)) <= 2**-12.5)
    assert equal(float16_square_overflows(np.array([np.nan, np.inf, -np.inf], np.float16)), [False, True, True])


@fp16_square_overflows_from_256.refutes("float16_square_overflows")
def takes_the_largest_float16_for_the_bound(x):
    return np.abs(x) >= 65504


@fp16_square_overflows_from_256.refutes("float16_square_overflows")
def lets_256_pass(x):
    return np.abs(x) > 256


@fp16_square_overflows_from_256.refutes("float16_square_overflows")
def forgets_negative_numbers(x):
    return x >= 256


@legal("float16_square_overflows")
def squares_in_double_precision(x):
    return np.square(x, dtype=np.float64) >= 65520


# What clipping by the global norm does


@claim(grads=real_grads, scale=scales, max_norm=max_norms)
def clip_bounds_global_norm(clip_by_global_norm, grads, scale, max_norm):
    """After clipping, all gradients together are at most max_norm long, also those with entries of 10²⁰⁰."""
    clipped, _ = clip_by_global_norm([scale * g for g in grads], max_norm=max_norm)
    assert at_most(length(clipped), max_norm * (1 + rounding(grads)))


def clipping(grads, max_norm, *, norm=length, shorten=lambda g, norm, max_norm: g * (max_norm / norm), always=False):
    """Clip, with one thing done otherwise."""
    if max_norm <= 0:
        raise ValueError(max_norm)
    found = float(norm(grads))
    if not np.isfinite(found) or (found <= max_norm and not always):
        return [g.copy() for g in grads], found
    return [np.asarray(shorten(g, found, max_norm)) for g in grads], found


@clip_bounds_global_norm.refutes("clip_by_global_norm")
def clips_each_tensor(grads, *, max_norm):
    return [clipping([g], max_norm)[0][0] for g in grads], length(grads)


@clip_bounds_global_norm.refutes("clip_by_global_norm")
def clips_each_entry(grads, *, max_norm):
    return [np.clip(g, -max_norm, max_norm) for g in grads], length(grads)


@clip_bounds_global_norm.refutes("clip_by_global_norm")
def clips_by_the_largest_entry(grads, *, max_norm):
    return clipping(grads, max_norm, norm=takes_the_largest_entry)


@clip_bounds_global_norm.refutes("clip_by_global_norm")
def takes_an_overflow_for_a_bad_gradient(grads, *, max_norm):
    with np.errstate(all="ignore"):
        return clipping(grads, max_norm, norm=squares_without_scaling)


@clip_bounds_global_norm.refutes("clip_by_global_norm")
def does_not_clip(grads, *, max_norm):
    return [g.copy() for g in grads], length(grads)


@legal("clip_by_global_norm")
def one_factor_at_most_1(grads, *, max_norm):
    if max_norm <= 0:
        raise ValueError("max_norm")
    norm = math.hypot(*(float(entry) for g in grads for entry in np.ravel(g)))
    factor = min(1.0, max_norm / max(norm, max_norm)) if math.isfinite(norm) else 1.0
    return [g * factor if factor < 1 else g.copy() for g in grads], norm


@convention("clip_by_global_norm", "it divides by the norm plus 10⁻⁶, as PyTorch does, where this slot does not")
def divides_by_the_norm_plus_a_millionth(theirs, grads, *, max_norm):
    """What is the convention's answer becomes the slot's; on norms far below 10⁻⁶ the two have nothing in common."""
    clipped, norm = theirs(grads, max_norm=max_norm)
    factor = min(1.0, max_norm / (norm + 1e-6))
    # A quotient and a product in either order: a few ε, and below the normal floats no digit is left.
    if not all(
        within(came, g * factor, 16 * eps * abs(g * factor) + 1e-300) for came, g in zip(clipped, grads, strict=True)
    ):
        return clipped, norm
    return [g * (min(1.0, max_norm / norm) if norm else 1.0) for g in grads], norm


@claim(grads=real_grads, scale=scales, max_norm=max_norms)
def clip_uses_one_factor(clip_by_global_norm, grads, scale, max_norm):
    """Gradients longer than max_norm are all multiplied by max_norm over their norm, which is returned as well.

    So what is left has length max_norm and the direction that it had.
    """
    grads = [np.asarray(scale * g) for g in grads]
    norm = length(grads)
    clipped, found = clip_by_global_norm(grads, max_norm=max_norm)
    assert within(found, norm, rounding(grads) * norm)
    if norm > max_norm * (1 + rounding(grads)):
        for before, after in zip(grads, clipped, strict=True):
            should = before / norm * max_norm
            # The norm, a quotient and a product; 1e-300 is for what underflows to subnormal numbers.
            assert within(after, should, 2 * rounding(grads) * abs(should) + 1e-300)


clip_uses_one_factor.refutes("clip_by_global_norm")(clips_each_tensor)
clip_uses_one_factor.refutes("clip_by_global_norm")(clips_each_entry)
clip_uses_one_factor.refutes("clip_by_global_norm")(takes_an_overflow_for_a_bad_gradient)


@clip_uses_one_factor.refutes("clip_by_global_norm")
def divides_by_the_squared_norm(grads, *, max_norm):
    return clipping(grads, max_norm, shorten=lambda g, norm, c: g / norm / norm * c)


@clip_uses_one_factor.refutes("clip_by_global_norm")
def returns_the_norm_after_clipping(grads, *, max_norm):
    clipped, norm = clipping(grads, max_norm)
    return clipped, min(norm, max_norm)


@clip_uses_one_factor.refutes("clip_by_global_norm")
def drops_gradients_that_are_too_long(grads, *, max_norm):
    return clipping(grads, max_norm, shorten=lambda g, *_: np.zeros_like(g))


@clip_uses_one_factor.refutes("clip_by_global_norm")
def shortens_to_length_1(grads, *, max_norm):
    return clipping(grads, max_norm, shorten=lambda g, norm, _: g / norm)


@clip_uses_one_factor.refutes("clip_by_global_norm")
def leaves_scalars_out(grads, *, max_norm):
    clipped, norm = clipping(grads, max_norm)
    return [before.copy() if before.ndim == 0 else after for before, after in zip(grads, clipped, strict=True)], norm


@claim(grads=real_grads, scale=scales, room=choices(1.0, 2.0, 1e6))
def clip_leaves_small_gradients_bitwise(clip_by_global_norm, grads, scale, room):
    """Gradients no longer than max_norm come back bit for bit, also those that are exactly as long.

    Who divides by norm + 10⁻⁶ instead shortens a gradient that is exactly as long, and longer ones a trifle too
    much: relative to the right one, by less than 10⁻⁶ over the larger of norm and max_norm.
    """
    grads = [np.asarray(scale * g) for g in grads]
    _, norm = clip_by_global_norm(grads, max_norm=1e300)
    if norm > 0:
        clipped, _ = clip_by_global_norm(grads, max_norm=room * norm)
        assert all(map(equal, clipped, grads))


@clip_leaves_small_gradients_bitwise.refutes("clip_by_global_norm")
def always_normalises(grads, *, max_norm):
    return clipping(grads, max_norm, always=length(grads) > 0)


@clip_leaves_small_gradients_bitwise.refutes("clip_by_global_norm")
def adds_a_millionth_to_the_norm(grads, *, max_norm):
    norm = length(grads)
    factor = min(1.0, max_norm / (norm + 1e-6))
    return [g * factor for g in grads], norm


@clip_leaves_small_gradients_bitwise.refutes("clip_by_global_norm")
def clips_by_the_sum_of_the_sizes(grads, *, max_norm):
    return clipping(grads, max_norm, norm=sums_the_sizes)[0], length(grads)


@clip_leaves_small_gradients_bitwise.refutes("clip_by_global_norm")
def bends_smoothly(grads, *, max_norm):
    return clipping(grads, max_norm, always=True, shorten=lambda g, norm, c: g / (1 + norm / c))


@claim(grads=real_grads, place=entry_places, bad=bad_entries)
def nonfinite_gradients_come_back_as_they_are(clip_by_global_norm, grads, place, bad):
    """With a NaN or infinity anywhere, clipping changes nothing and says so: the norm it returns is not finite.

    No factor can repair them: ∞ times 0 is NaN.  The caller skips the step.
    """
    spoilt_grads = spoilt(grads, place, bad)
    clipped, norm = clip_by_global_norm(spoilt_grads, max_norm=1.0)
    assert not np.isfinite(norm)
    assert all(
        np.array_equal(after, before, equal_nan=True) for after, before in zip(clipped, spoilt_grads, strict=True)
    )


@nonfinite_gradients_come_back_as_they_are.refutes("clip_by_global_norm")
def multiplies_whatever_the_norm_is(grads, *, max_norm):
    entries = flat(grads)
    norm = float(np.sqrt(np.sum(entries**2)))
    with np.errstate(all="ignore"):
        factor = min(max_norm / norm, 1.0) if norm else 1.0
        return [np.asarray(g * factor) for g in grads], norm


@nonfinite_gradients_come_back_as_they_are.refutes("clip_by_global_norm")
def puts_zeros_for_what_is_not_finite(grads, *, max_norm):
    finite = [np.where(np.isfinite(g), g, 0.0) for g in grads]
    return clipping(finite, max_norm)


@nonfinite_gradients_come_back_as_they_are.refutes("clip_by_global_norm")
def hides_that_the_norm_is_not_finite(grads, *, max_norm):
    norm = length(grads)
    return clipping(grads, max_norm)[0], norm if math.isfinite(norm) else max_norm


@claim(max_norm=choices(0.0, -1.0))
def clipping_needs_a_positive_length(clip_by_global_norm, max_norm):
    """A length to clip to must be positive: 0 would stop all learning, and a negative one turn the gradient round."""
    assert raises(ValueError, clip_by_global_norm, [np.array([3.0, 4.0])], max_norm=max_norm)


@clipping_needs_a_positive_length.refutes("clip_by_global_norm")
def clips_to_any_length(grads, *, max_norm):
    norm = length(grads)
    return [g * min(1.0, max_norm / norm) for g in grads], norm


@clipping_needs_a_positive_length.refutes("clip_by_global_norm")
def lets_0_pass(grads, *, max_norm):
    if max_norm < 0:
        raise ValueError(max_norm)
    return clips_to_any_length(grads, max_norm=max_norm)


pairs_of_gradients = real_arrays(g="N", other="N")


@claim(at=pairs_of_gradients, max_norm=max_norms)
def clip_is_projection_and_nonexpansive(clip_by_global_norm, at, max_norm):
    """Clipping by norm takes a gradient to the nearest point of the ball of radius max_norm.

    So clipping twice is clipping once, and two gradients come no further apart by it.
    """
    (clipped,), _ = clip_by_global_norm([at.g], max_norm=max_norm)
    (other,), _ = clip_by_global_norm([at.other], max_norm=max_norm)
    # The clipped vectors and their distances are known to a few ε of what they are computed from.
    slack = rounding([at.g]) * (length([at.g]) + length([at.other]))
    assert at_most(length([clipped]), max_norm + slack)
    assert at_most(length([at.g - clipped]), length([at.g - other]) + slack)
    assert at_most(length([clipped - other]), length([at.g - at.other]) + slack)
    (twice,), _ = clip_by_global_norm([clipped], max_norm=max_norm)
    assert within(twice, clipped, slack)


for wrong in (always_normalises, divides_by_the_squared_norm, bends_smoothly):
    clip_is_projection_and_nonexpansive.refutes("clip_by_global_norm")(wrong)
clip_is_projection_and_nonexpansive.refutes(
    "clip_by_global_norm", by={"at": case(g=[4, 3], other=[3, 2]), "max_norm": 5.0}
)(clips_by_the_sum_of_the_sizes)
clip_is_projection_and_nonexpansive.refutes("clip_by_global_norm")(drops_gradients_that_are_too_long)


@claim(grads=real_grads, factor=choices(2.0, 1.0, 3.0, 1e6, 1e200), max_norm=max_norms)
def clip_scale_invariant_above_threshold(clip_by_global_norm, grads, factor, max_norm):
    """What is longer than max_norm is clipped to the same vector however long it is: clip(kg) = clip(g) for k ≥ 1."""
    if length(grads) > max_norm * (1 + rounding(grads)):
        clipped, _ = clip_by_global_norm(list(grads), max_norm=max_norm)
        longer, _ = clip_by_global_norm([factor * g for g in grads], max_norm=max_norm)
        for before, after in zip(clipped, longer, strict=True):
            assert within(after, before, 4 * rounding(grads) * abs(before))


for wrong in (clips_each_entry, does_not_clip, divides_by_the_squared_norm, takes_an_overflow_for_a_bad_gradient):
    clip_scale_invariant_above_threshold.refutes("clip_by_global_norm")(wrong)


@claim(run=real_arrays(w="N", gradients="TN"), scale=choices(1.0, 1e100), max_norm=max_norms)
def clipped_sgd_travel_bound(clip_by_global_norm, run, scale, max_norm):
    """T clipped steps of rate η move the weights by at most η T max_norm, whatever the gradients."""
    lr, w = 0.5, run.w
    for g in run.gradients:
        (clipped,), _ = clip_by_global_norm([scale * g], max_norm=max_norm)
        w = w - lr * clipped
    steps = len(run.gradients)
    # Each step rounds the weights, which stay below 1000 + ηT·max_norm, and the norm of what it subtracts.
    slack = rounding([w]) * steps * (length([run.w]) + 2 * lr * steps * max_norm)
    assert at_most(length([w - run.w]), lr * max_norm * steps + slack)


clipped_sgd_travel_bound.refutes("clip_by_global_norm")(does_not_clip)
clipped_sgd_travel_bound.refutes("clip_by_global_norm")(clips_each_entry)
clipped_sgd_travel_bound.refutes("clip_by_global_norm")(clips_by_the_largest_entry)


# Clipping by value


@claim(grads=real_grads, clip_value=max_norms, special=choices(1.0, np.inf, -np.inf, np.nan))
def clip_by_value_moves_each_entry_into_the_interval(clip_by_value, grads, clip_value, special):
    """Clipping by value cuts each entry at ±clip_value by itself; infinities are cut as well, and NaN stays."""
    grads = spoilt(grads, 1, special)
    clipped = clip_by_value(grads, clip_value=clip_value)
    assert len(clipped) == len(grads)
    for before, after in zip(grads, clipped, strict=True):
        should = np.where(abs(before) > clip_value, np.copysign(clip_value, before), before)
        assert np.array_equal(after, should, equal_nan=True)


@clip_by_value_moves_each_entry_into_the_interval.refutes("clip_by_value")
def cuts_only_from_above(grads, *, clip_value):
    return [np.minimum(g, clip_value) for g in grads]


@clip_by_value_moves_each_entry_into_the_interval.refutes("clip_by_value")
def sets_large_entries_to_0(grads, *, clip_value):
    return [np.where(abs(g) > clip_value, 0.0, g) for g in grads]


@clip_by_value_moves_each_entry_into_the_interval.refutes("clip_by_value")
def shortens_to_the_norm(grads, *, clip_value):
    return clipping(grads, clip_value)[0]


@clip_by_value_moves_each_entry_into_the_interval.refutes("clip_by_value")
def squashes_by_tanh(grads, *, clip_value):
    return [clip_value * np.tanh(g / clip_value) for g in grads]


@clip_by_value_moves_each_entry_into_the_interval.refutes("clip_by_value")
def repairs_nan(grads, *, clip_value):
    return [np.clip(np.where(np.isnan(g), 0.0, g), -clip_value, clip_value) for g in grads]


@legal("clip_by_value")
def where_it_is_too_large(grads, *, clip_value):
    return [np.where(g > clip_value, clip_value, np.where(g < -clip_value, -clip_value, g)) for g in grads]


@claim(at=real_arrays(largest=8, g="N"), clip_value=max_norms)
def value_clip_cosine_lower_bound(clip_by_value, value_clip_cosine_bound, at, clip_value):
    """Clipping g by value to u leaves a cosine of at least min(1, c/‖u‖) ≥ 1/√n, tight if an entry is cut.

    g = u + s, where s has the signs of u and is 0 but where |u| = c; so g·u = ‖u‖² + c‖s‖₁ ≥ ‖u‖² + c‖s‖, and
    ‖g‖ ≤ ‖u‖ + ‖s‖.  A mean of ‖u‖ and c, weighted by ‖u‖ and ‖s‖, is at least the smaller one.  It is approached
    where one of the cut entries of g is huge, and is 1/√n if all are cut.
    """
    (clipped,) = clip_by_value([at.g], clip_value=clip_value)
    bound = value_clip_cosine_bound(clipped, clip_value=clip_value)
    n = len(at.g)
    assert at_most(1 / math.sqrt(n), bound * (1 + rounding([at.g])))
    if not np.any(at.g):
        assert bound == 1
        return
    # Both norms, the inner product, a quotient: all terms are positive, so nothing cancels.
    assert at_most(bound, cosine(at.g, clipped) * (1 + 2 * rounding([at.g])))
    cut = np.flatnonzero(abs(at.g) >= clip_value)
    if cut.size:
        huge = clipped.copy()
        huge[cut[0]] *= 2.0**40
        assert equal(clip_by_value([huge], clip_value=clip_value)[0], clipped)
        # The rest of g adds ‖u‖/(2⁴⁰c) to the cosine at most, which is √n 2⁻⁴⁰; twice that leaves room for rounding.
        assert within(cosine(huge, clipped), bound, 2 * math.sqrt(n) * 2.0**-40)


def cosine(first, second):
    return float(np.sum(first / length([first]) * (second / length([second]))))


@value_clip_cosine_lower_bound.refutes("value_clip_cosine_bound")
def takes_the_direction_for_kept(clipped, *, clip_value):
    return 1.0


@value_clip_cosine_lower_bound.refutes("value_clip_cosine_bound")
def gives_the_bound_for_all_vectors(clipped, *, clip_value):
    return 1 / math.sqrt(len(clipped))


@value_clip_cosine_lower_bound.refutes("value_clip_cosine_bound")
def bounds_it_by_a_half(clipped, *, clip_value):
    return max(0.5, clip_value / max(clip_value, length([clipped])))


@value_clip_cosine_lower_bound.refutes("value_clip_cosine_bound")
def squares_the_bound(clipped, *, clip_value):
    return (clip_value / max(clip_value, length([clipped]))) ** 2


value_clip_cosine_lower_bound.refutes("clip_by_value")(sets_large_entries_to_0)
value_clip_cosine_lower_bound.refutes("clip_by_value")(squashes_by_tanh)


@legal("value_clip_cosine_bound")
def smaller_of_1_and_the_quotient(clipped, *, clip_value):
    norm = math.sqrt(sum(float(entry) ** 2 for entry in clipped))
    return 1.0 if norm <= clip_value else clip_value / norm


# When to clip: on the true gradient of the whole batch


@claim(grads=real_grads, scale=choices(1.0, 1024.0, 0.125, 65536.0, 1000.0), max_norm=max_norms)
def unscale_then_clip(unscale_and_clip, clip_by_global_norm, grads, scale, max_norm):
    """Gradients of a scaled loss are unscaled before they are clipped: the result does not depend on the scale."""
    should, norm = clip_by_global_norm(list(grads), max_norm=max_norm)
    came, found = unscale_and_clip([scale * g for g in grads], scale=scale, max_norm=max_norm)
    # Scaling and unscaling round twice, unless the scale is a power of two; the norm and the clipping as well.
    slack = 2 * rounding(grads) + 4 * eps
    assert within(found, norm, slack * norm)
    for after, expected in zip(came, should, strict=True):
        assert within(after, expected, 2 * slack * abs(expected) + 1e-300)


@unscale_then_clip.refutes("unscale_and_clip")
def clips_then_unscales(grads, *, scale, max_norm):
    clipped, norm = clipping(grads, max_norm)
    return [g / scale for g in clipped], norm / scale


@unscale_then_clip.refutes("unscale_and_clip")
def rounds_the_scale_to_a_power_of_two(grads, *, scale, max_norm):
    return clipping([g / 2.0 ** round(math.log2(scale)) for g in grads], max_norm)


@unscale_then_clip.refutes("unscale_and_clip")
def forgets_to_unscale(grads, *, scale, max_norm):
    return clipping(grads, max_norm)


@unscale_then_clip.refutes("unscale_and_clip")
def multiplies_by_the_scale(grads, *, scale, max_norm):
    return clipping([g * scale for g in grads], max_norm)


@unscale_then_clip.refutes("unscale_and_clip")
def returns_the_scaled_norm(grads, *, scale, max_norm):
    return clipping([g / scale for g in grads], max_norm)[0], length(grads)


@legal("unscale_and_clip")
def scales_the_threshold_instead(grads, *, scale, max_norm):
    clipped, norm = clipping(grads, max_norm * scale)
    return [g / scale for g in clipped], norm / scale


@claim(micro=dyadic_arrays(a="KAB", b="KC", largest=6), max_norm=max_norms)
def average_then_clip(average_and_clip, micro, max_norm):
    """Gradients of micro-batches are averaged first and clipped once; so they give the step of the whole batch."""
    came, norm = average_and_clip([list(grads) for grads in zip(micro.a, micro.b, strict=True)], max_norm=max_norm)
    mean = [np.sum(g, axis=0) / len(g) for g in micro]
    should, expected_norm = clipping(mean, max_norm)
    # Sums of eighths are exact; a mean rounds once, and norm and clipping as ever.
    assert within(norm, expected_norm, 2 * rounding(mean) * expected_norm)
    for after, expected in zip(came, should, strict=True):
        assert within(after, expected, 4 * rounding(mean) * abs(expected))
    assert raises(ValueError, average_and_clip, [], max_norm=max_norm)


def micro_means(micro_grads):
    if not micro_grads:
        raise ValueError("no micro-batch")
    return [np.mean(g, axis=0) for g in zip(*micro_grads, strict=True)]


@average_then_clip.refutes("average_and_clip")
def clips_each_micro_batch(micro_grads, *, max_norm):
    norm = length(micro_means(micro_grads))
    return micro_means([clipping(grads, max_norm)[0] for grads in micro_grads]), norm


@average_then_clip.refutes("average_and_clip")
def clips_the_sum(micro_grads, *, max_norm):
    return clipping([len(micro_grads) * g for g in micro_means(micro_grads)], max_norm)


@average_then_clip.refutes("average_and_clip")
def clips_the_sum_then_divides(micro_grads, *, max_norm):
    means = micro_means(micro_grads)
    clipped, norm = clipping([len(micro_grads) * g for g in means], max_norm)
    return [g / len(micro_grads) for g in clipped], norm / len(micro_grads)


@average_then_clip.refutes("average_and_clip")
def keeps_the_last_micro_batch(micro_grads, *, max_norm):
    micro_means(micro_grads)
    return clipping([g.copy() for g in micro_grads[-1]], max_norm)


@average_then_clip.refutes("average_and_clip")
def gives_nothing_for_nothing(micro_grads, *, max_norm):
    return clipping(micro_means(micro_grads), max_norm) if micro_grads else ([], 0.0)


@legal("average_and_clip")
def sums_as_it_goes_and_clips_to_k_times_the_length(micro_grads, *, max_norm):
    if not micro_grads:
        raise ValueError("no micro-batch")
    total = [np.zeros_like(g) for g in micro_grads[0]]
    for grads in micro_grads:
        total = [so_far + g for so_far, g in zip(total, grads, strict=True)]
    count = len(micro_grads)
    clipped, norm = clipping(total, max_norm * count)
    return [g / count for g in clipped], norm / count


# How one knows


def norms_along(d_out, gains):
    """Return the norms of an error on its way back through layers that turn it and multiply it by these gains."""
    errors = [d_out]
    for gain in reversed(gains):
        errors.insert(0, -gain * np.roll(errors[0], 1))
    return np.array([np.sqrt(np.sum(error**2)) for error in errors])


@claim(net=integer_arrays(largest=6, d_out="H", powers="L"), limit=choices(8.0, 1.0, 1024.0, None))
def the_verdict_is_that_of_the_product_of_gains(diagnose_gradients, net, limit):
    """If layer l multiplies the error's length by a gain, the verdict depends on the product of the gains alone.

    Above the limit it is exploding, below 1/limit vanishing, at both limits and between healthy; 1000 unless said
    otherwise.  Exactly: the gains are powers of two.  An error of 0 is healthy: it has nothing to lose.
    """
    gains = 2.0 ** np.clip(net.powers, -3, 3)
    norms = norms_along(net.d_out, gains)
    verdict = diagnose_gradients(norms) if limit is None else diagnose_gradients(norms, limit=limit)
    product, limit = np.prod(gains), 1000.0 if limit is None else limit
    if product > limit and norms.any():
        assert verdict == "exploding"
    elif product < 1 / limit and norms.any():
        assert verdict == "vanishing"
    else:
        assert verdict == "healthy"


def words_for(ratio, limit):
    if not np.isfinite(ratio) or ratio > limit:
        return "exploding"
    return "vanishing" if ratio < 1 / limit else "healthy"


def quotient(over, under):
    return over / under if under else float(over > 0) * np.inf if over else 1.0


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def reads_the_norms_from_the_output_on(norms, *, limit=1000.0):
    return words_for(quotient(norms[-1], norms[0]), limit)


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def compares_neighbours_only(norms, *, limit=1000.0):
    ratios = [quotient(a, b) for a, b in itertools.pairwise(norms)]
    return words_for(max(ratios, key=lambda r: abs(np.log(r)) if 0 < r < np.inf else np.inf, default=1.0), limit)


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def takes_the_mean_gain_for_the_product(norms, *, limit=1000.0):
    return words_for(quotient(norms[0], norms[-1]) ** (1 / max(len(norms) - 1, 1)), limit)


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def compares_the_largest_with_the_smallest(norms, *, limit=1000.0):
    return words_for(quotient(norms.max(), norms.min()), limit)


@the_verdict_is_that_of_the_product_of_gains.refutes(
    "diagnose_gradients", by={"net": case(d_out=[1], powers=[3]), "limit": 8.0}
)
def calls_the_limit_an_explosion(norms, *, limit=1000.0):
    ratio = quotient(norms[0], norms[-1])
    return "exploding" if ratio >= limit > 1 else words_for(ratio, limit)


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def knows_no_vanishing(norms, *, limit=1000.0):
    return "exploding" if norms[0] > limit * norms[-1] else "healthy"


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def compares_squares(norms, *, limit=1000.0):
    return words_for(quotient(norms[0] ** 2, norms[-1] ** 2), limit)


@the_verdict_is_that_of_the_product_of_gains.refutes("diagnose_gradients")
def looks_at_the_first_norm_alone(norms, *, limit=1000.0):
    return words_for(norms[0] if norms.any() else 1.0, limit)


@legal("diagnose_gradients")
def adds_up_logarithms(norms, *, limit=1000.0):
    if not np.isfinite(norms).all():
        return "exploding"
    if 0 in {norms[0], norms[-1]}:
        return "exploding" if norms[0] else "vanishing" if norms[-1] else "healthy"
    (first, e1), (last, e2) = map(math.frexp, (float(norms[0]), float(norms[-1])))
    bits = math.log2(first / last) + (e1 - e2)
    return "exploding" if bits > math.log2(limit) else "vanishing" if bits < -math.log2(limit) else "healthy"


@claim(net=real_arrays(largest=6, norms="L"), power=choices(0, 900, -900, 30, -30))
def the_verdict_knows_no_units(diagnose_gradients, net, power):
    """Multiplying the loss by any number, as a sum over examples does, leaves the verdict as it was.

    So no threshold on the norm itself can stand for it.  The factors are 2^900 to 2^−900.
    """
    norms = abs(net.norms)
    assert diagnose_gradients(np.ldexp(norms, power)) == diagnose_gradients(norms)


@the_verdict_knows_no_units.refutes("diagnose_gradients")
def adds_a_small_number_to_both(norms, *, limit=1000.0):
    return words_for((norms[0] + 1e-8) / (norms[-1] + 1e-8), limit)


@the_verdict_knows_no_units.refutes("diagnose_gradients")
def compares_the_largest_norm_with_the_limit(norms, *, limit=1000.0):
    return words_for(norms.max(), limit)


the_verdict_knows_no_units.refutes("diagnose_gradients")(compares_squares)
the_verdict_knows_no_units.refutes("diagnose_gradients")(looks_at_the_first_norm_alone)


@claim(net=real_arrays(largest=6, norms="L"), bad=bad_entries, place=choices(0, -1, 2))
def what_is_not_finite_has_exploded(diagnose_gradients, net, bad, place):
    """One NaN or infinity among the norms is an explosion, wherever it stands."""
    norms = abs(net.norms)
    norms[place % len(norms)] = abs(bad)
    assert diagnose_gradients(norms) == "exploding"


@what_is_not_finite_has_exploded.refutes("diagnose_gradients")
def lets_nan_pass_all_comparisons(norms, *, limit=1000.0):
    if norms[0] > limit * norms[-1]:
        return "exploding"
    return "vanishing" if limit * norms[0] < norms[-1] else "healthy"


@what_is_not_finite_has_exploded.refutes("diagnose_gradients")
def asks_for_infinity_and_forgets_nan(norms, *, limit=1000.0):
    return "exploding" if np.isinf(norms).any() else lets_nan_pass_all_comparisons(norms, limit=limit)


jacobians = small_integer_arrays(J1="HH", J2="HH", J3="HH", d_out="H")


@claim(net=jacobians, gain=choices(1.0, 4.0, 0.0625, 0.25))
def the_verdict_is_right_beyond_the_singular_values(diagnose_gradients, net, gain):
    """If the products of the layers' extreme singular values lie beyond a limit, so is the verdict, for every error.

    A Jacobian multiplies an error's length by something between its smallest and its largest singular value.  If
    the product of the smallest is above the limit, every error explodes; if that of the largest is below 1/limit,
    every error vanishes; if both lie between, none does either.
    """
    limit, errors = 8.0, [net.d_out]
    layers = [gain * J for J in net[:3]]
    for J in reversed(layers):
        errors.insert(0, errors[0] @ J.T)
    values = np.array([np.linalg.svd(J, compute_uv=False) for J in layers])
    # A margin far above the rounding of singular values; what lies in it is not judged.
    least, most = values.min(axis=1).prod() * (1 - 1e-9), values.max(axis=1).prod() * (1 + 1e-9)
    verdict = diagnose_gradients(np.array([length([error]) for error in errors]), limit=limit)
    if not net.d_out.any():
        assert verdict == "healthy"
    elif least > limit:
        assert verdict == "exploding"
    elif most < 1 / limit:
        assert verdict == "vanishing"
    elif least >= 1 / limit and most <= limit:
        assert verdict == "healthy"


for wrong in (reads_the_norms_from_the_output_on, knows_no_vanishing, looks_at_the_first_norm_alone):
    the_verdict_is_right_beyond_the_singular_values.refutes("diagnose_gradients")(wrong)


def relu_errors(x, weights, d_out):
    """Return the gradients of a bias-free ReLU net, and its output.

    First those with respect to the layers' inputs and the output, then the weights.  The last layer has no ReLU.
    """
    inputs = [x]
    for W in weights[:-1]:
        inputs.append(np.maximum(inputs[-1] @ W, 0.0))
    errors, d_weights = [d_out], []
    for W, a in zip(reversed(weights), reversed(inputs), strict=True):
        d_weights.insert(0, a.T @ d_out)
        errors.insert(0, d_out @ W.T)
        d_out = errors[0] * (a > 0)
    return errors, d_weights, inputs[-1] @ weights[-1]


def norms_of(arrays):
    return np.array([length([array]) for array in arrays])


equal_gains = integer_arrays(largest=6, x="H", d_out="H", layers="L")


@claim(net=equal_gains, gain=choices(8.0, 2.0, 0.125, 1.0))
def weight_gradients_of_equal_gains_are_equally_long(diagnose_gradients, net, gain):
    """Where errors grow by the gain a per layer on their way back, all weight gradients can be equally long.

    A ReLU chain of L layers aI with positive inputs: the weight gradient of each layer is a^(L−1) times the outer
    product of x and the output's error, for one layer back the error is a times longer, the input a times shorter.
    So the ratios of weight gradients say healthy whatever a is; the errors' verdict is that on a^L.
    """
    x, d_out = abs(net.x[None]) + 1, net.d_out[None]
    depth = len(net.layers)
    errors, d_weights, _ = relu_errors(x, [gain * np.eye(x.size)] * depth, d_out)
    assert all(equal(dW, gain ** (depth - 1) * x.T @ d_out) for dW in d_weights)
    assert diagnose_gradients(norms_of(d_weights)) == "healthy"
    if d_out.any():
        should = "exploding" if gain**depth > 1000 else "vanishing" if gain**depth < 0.001 else "healthy"
        assert diagnose_gradients(norms_of(errors)) == should


weight_gradients_of_equal_gains_are_equally_long.refutes("diagnose_gradients")(reads_the_norms_from_the_output_on)
weight_gradients_of_equal_gains_are_equally_long.refutes("diagnose_gradients")(takes_the_mean_gain_for_the_product)
weight_gradients_of_equal_gains_are_equally_long.refutes("diagnose_gradients")(compares_the_largest_norm_with_the_limit)


relu_nets = small_integer_arrays(x="ND", W1="DH", W2="HK", W3="KC", d_out="NC")


@claim(net=relu_nets, power=choices(6, -6, 0, 11))
def rescaled_relu_layers_keep_the_function_and_the_verdict(diagnose_gradients, net, power):
    """W₁ times c and W₂ divided by c leave a bias-free ReLU net's function as it is, and the monitor's verdict.

    They divide the first weight gradient by c, multiply the second one by c and the hidden error between them by
    1/c: any ratio of weight gradients fits the same function.  At the network's two ends nothing changes, and the
    verdict looks at no others.  With biases, c multiplies the first bias, too.
    """
    c = 2.0**power
    errors, d_weights, out = relu_errors(net.x, [net.W1, net.W2, net.W3], net.d_out)
    moved, moved_weights, same_out = relu_errors(net.x, [c * net.W1, net.W2 / c, net.W3], net.d_out)
    assert equal(same_out, out)
    assert equal(moved[0], errors[0])
    assert equal(moved[1], errors[1] / c)
    assert equal(moved_weights[0], d_weights[0] / c)
    assert equal(moved_weights[1], d_weights[1] * c)
    assert diagnose_gradients(norms_of(moved)) == diagnose_gradients(norms_of(errors))


for wrong in (compares_neighbours_only, compares_the_largest_with_the_smallest):
    rescaled_relu_layers_keep_the_function_and_the_verdict.refutes("diagnose_gradients")(wrong)


# A recurrent network, forwards and backwards


rnn_inputs = real_arrays(largest=3, x="BTD", h0="BH", Wx="DH", Wh="HH", b="H")


@claim(net=rnn_inputs, steps=choices(3, 0))
def each_state_follows_from_the_last_by_the_same_cell(rnn_forward, net, steps):
    """h_t = tanh(x_t Wx + h_{t−1} Wh + b) at each step, with the same Wx, Wh and b; h_0 is given."""
    x, h0, Wx, Wh, b = net
    x = x[:, :steps]
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    before = np.concatenate([h0[:, None], h], axis=1)[:, :-1]
    size = abs(x) @ abs(Wx) + abs(before) @ abs(Wh) + abs(b)
    # tanh has slope at most 1, and errs by a few ε of its value itself.
    assert within(h, np.tanh(x @ Wx + before @ Wh + b), 2 * gamma(len(Wx) + len(Wh) + 2) * size + 4 * eps)


def rnn_by(cell):
    def forward(x, h0, Wx, Wh, b):
        states = [h0]
        for t in range(x.shape[1]):
            states.append(cell(x[:, t], states, Wx, Wh, b))
        h = np.stack(states, axis=1)
        return h[:, 1:].copy(), (x, h, Wx, Wh)

    return forward


textbook_rnn = rnn_by(lambda x, states, Wx, Wh, b: np.tanh(x @ Wx + states[-1] @ Wh + b))


def walk_back_in_time(
    d_out,
    cache,
    *,
    truncate=None,
    slope=lambda h, t: 1 - h[:, t + 1] ** 2,
    carried=lambda d_z, Wh: d_z @ Wh.T,
    shown=lambda d_z: d_z,
    previous=lambda h: h[:, :-1],
    average=1,
):
    """Go back through time, with one thing done otherwise."""
    x, h, Wx, Wh = cache
    steps = d_out.shape[1]
    first = 0 if truncate is None else max(0, steps - truncate)
    d_z, carry = np.zeros_like(d_out), np.zeros_like(h[:, 0])
    for t in range(steps - 1, first - 1, -1):
        d_z[:, t] = (d_out[:, t] + carry) * slope(h, t)
        carry = carried(d_z[:, t], Wh)
    dh0 = np.zeros_like(carry) if first else carry
    seen = shown(d_z) / average
    dWx, dWh = np.einsum("btd,bth->dh", x, seen), np.einsum("btk,bth->kh", previous(h), seen)
    return d_z @ Wx.T, dh0, dWx, dWh, seen.sum(axis=(0, 1))


def one_step_at_a_time(d_out, cache, *, truncate=None):
    x, h, Wx, Wh = cache
    gradients = [np.zeros_like(x), np.zeros_like(h[:, 0]), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))]
    carry, left = np.zeros_like(h[:, 0]), math.inf if truncate is None else truncate
    for t in range(x.shape[1])[::-1]:
        d_z = (d_out[:, t] + carry) * (1 - h[:, t + 1]) * (1 + h[:, t + 1])
        gradients[0][:, t] = d_z @ Wx.T
        gradients[2] += x[:, t].T @ d_z
        gradients[3] += h[:, t].T @ d_z
        gradients[4] += d_z.sum(axis=0)
        carry, left = d_z @ Wh.T, left - 1
        if left == 0:
            break
    if left > 0 or t == 0:
        gradients[1] = carry
    return tuple(gradients)


@legal("rnn_forward", rnn_backward=one_step_at_a_time)
def inputs_projected_at_once(x, h0, Wx, Wh, b):
    projected = np.einsum("btd,dh->bth", x, Wx) + b
    h = np.empty((x.shape[0], x.shape[1] + 1, len(b)))
    h[:, 0] = h0
    for t in range(x.shape[1]):
        e = np.exp(-2 * np.abs(z := projected[:, t] + h[:, t] @ Wh))
        h[:, t + 1] = np.copysign((1 - e) / (1 + e), z)
    return h[:, 1:].copy(), (x, h, Wx, Wh)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def starts_from_zero_whatever_h0_is(x, h0, Wx, Wh, b):
    return textbook_rnn(x, np.zeros_like(h0), Wx, Wh, b)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def always_looks_at_h0(x, h0, Wx, Wh, b):
    return rnn_by(lambda x, states, Wx, Wh, b: np.tanh(x @ Wx + states[0] @ Wh + b))(x, h0, Wx, Wh, b)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def transposes_the_recurrent_weights(x, h0, Wx, Wh, b):
    return rnn_by(lambda x, states, Wx, Wh, b: np.tanh(x @ Wx + states[-1] @ Wh.T + b))(x, h0, Wx, Wh, b)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def forgets_the_bias_of_the_cell(x, h0, Wx, Wh, b):
    return textbook_rnn(x, h0, Wx, Wh, 0 * b)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def squashes_by_the_sigmoid(x, h0, Wx, Wh, b):
    return rnn_by(lambda x, states, Wx, Wh, b: 0.5 + 0.5 * np.tanh((x @ Wx + states[-1] @ Wh + b) / 2))(
        x, h0, Wx, Wh, b
    )


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def takes_tanh_by_plain_exponentials(x, h0, Wx, Wh, b):
    def cell(x, states, Wx, Wh, b):
        with np.errstate(all="ignore"):
            e = np.exp(2 * (x @ Wx + states[-1] @ Wh + b))
            return (e - 1) / (e + 1)

    return rnn_by(cell)(x, h0, Wx, Wh, b)


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def shows_the_states_before_each_step(x, h0, Wx, Wh, b):
    h, cache = textbook_rnn(x, h0, Wx, Wh, b)
    return np.concatenate([h0[:, None], h], axis=1)[:, :-1].copy(), cache


@each_state_follows_from_the_last_by_the_same_cell.refutes("rnn_forward")
def reads_the_inputs_backwards(x, h0, Wx, Wh, b):
    return textbook_rnn(x[:, ::-1], h0, Wx, Wh, b)


at_rest = small_integer_arrays(d_out="BTH", Wx="DH", Wh="HH")


@claim(net=at_rest)
def at_rest_the_gradient_meets_the_same_matrix_at_each_step(rnn_forward, rnn_backward, net):
    """Around the state 0 a gradient is multiplied by the same Whᵀ once per step, so by its T-th power over T steps.

    With x = 0, h0 = 0 and b = 0 all states are 0 and tanh has slope 1: dh0 = Σ_t d_t (Whᵀ)ᵗ exactly, on whole
    numbers, and each x_t gets what arrives at h_t times Wxᵀ.
    """
    d_out, Wx, Wh = net
    batch, steps, width = d_out.shape
    x, b = np.zeros((batch, steps, len(Wx))), np.zeros(width)
    _, cache = rnn_forward(x, np.zeros((batch, width)), Wx, Wh, b)
    dx, dh0, dWx, dWh, db = rnn_backward(d_out, cache)
    powers = [np.linalg.matrix_power(Wh.T, t) for t in range(steps + 1)]
    assert equal(dh0, sum(d_out[:, t] @ powers[t + 1] for t in range(steps)))
    arriving = np.stack([sum(d_out[:, s] @ powers[s - t] for s in range(t, steps)) for t in range(steps)], axis=1)
    assert equal(dx, arriving @ Wx.T)
    assert equal(db, arriving.sum(axis=(0, 1)))
    assert not dWx.any()
    assert not dWh.any()


@at_rest_the_gradient_meets_the_same_matrix_at_each_step.refutes("rnn_backward", rnn_forward=textbook_rnn)
def carries_nothing_back(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, carried=lambda d_z, _: 0 * d_z)


@at_rest_the_gradient_meets_the_same_matrix_at_each_step.refutes("rnn_backward", rnn_forward=textbook_rnn)
def carries_back_without_transposing(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, carried=lambda d_z, Wh: d_z @ Wh)


@at_rest_the_gradient_meets_the_same_matrix_at_each_step.refutes("rnn_backward", rnn_forward=textbook_rnn)
def goes_through_one_step_only(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=1)


@at_rest_the_gradient_meets_the_same_matrix_at_each_step.refutes("rnn_backward", rnn_forward=textbook_rnn)
def averages_over_time(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, average=max(d_out.shape[1], 1))


@at_rest_the_gradient_meets_the_same_matrix_at_each_step.refutes("rnn_backward", rnn_forward=textbook_rnn)
def averages_over_the_sequences(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, average=len(d_out))


eigenvectors = integer_arrays(Wh="HH", Wx="DH")


@claim(net=eigenvectors, eigenvalue=choices(2.0, 0.5, 1.0, -1.0, -2.0, 0.0), steps=choices(1, 2, 10, 50))
def along_an_eigenvector_the_gradient_changes_by_a_power(rnn_forward, rnn_backward, net, eigenvalue, steps):
    """At the state 0, T steps multiply a gradient along an eigenvector of Wh by λ^T, exponentially unless |λ| = 1.

    λ = 2 makes it 10¹⁵ times longer in 50 steps, λ = ½ as many times shorter, whatever else Wh does.
    """
    Wh, Wx = net
    Wh = Wh.copy()
    Wh[:, 0] = 0.0
    Wh[0, 0] = eigenvalue
    x, h0, b = np.zeros((1, steps, len(Wx))), np.zeros((1, len(Wh))), np.zeros(len(Wh))
    d_out = np.zeros((1, steps, len(Wh)))
    d_out[0, -1, 0] = 1.0
    dh0 = rnn_backward(d_out, rnn_forward(x, h0, Wx, Wh, b)[1])[1]
    assert equal(dh0[0], eigenvalue**steps * np.eye(len(Wh))[0])


for wrong in (carries_nothing_back, goes_through_one_step_only):
    along_an_eigenvector_the_gradient_changes_by_a_power.refutes("rnn_backward", rnn_forward=textbook_rnn)(wrong)
along_an_eigenvector_the_gradient_changes_by_a_power.refutes("rnn_backward", rnn_forward=textbook_rnn)(
    carries_back_without_transposing
)

moving_nets = dyadic_arrays(
    largest=3,
    x="BTD",
    h0="BH",
    Wx="DH",
    Wh="HH",
    b="H",
    step_x="BTD",
    step_h0="BH",
    step_Wx="DH",
    step_Wh="HH",
    step_b="H",
    d_out="BTH",
)


@claim(net=moving_nets)
def bptt_is_the_adjoint_of_moving_along(rnn_forward, rnn_backward, net):
    """The gradients of all five inputs are those of the chain rule over all steps: ⟨d_out, ḣ⟩ = Σ ⟨gradient, step⟩.

    ḣ is how the states move when x, h0, Wx, Wh and b move along any direction: ḣ_t = (1 − h_t²) ⊙ ż_t with
    ż_t = ẋ_t Wx + x_t Ẇx + ḣ_{t−1} Wh + h_{t−1} Ẇh + ḃ.  So the weights' gradients are sums over time, and what
    arrives at h_{t−1} is its own gradient plus (…) Whᵀ.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, arXiv 1211.5063.
    """
    x, h0, Wx, Wh, b = (each / 4 for each in net[:5])  # where tanh is not flat
    directions, d_out = net[5:10], net.d_out
    h, cache = rnn_forward(x, h0, Wx, Wh, b)
    gradients = rnn_backward(d_out, cache)
    moved, size = directions[1], abs(directions[1])
    before, left, terms = h0, 0.0, 0.0
    for t in range(x.shape[1]):
        inputs = (directions[0][:, t] @ Wx, x[:, t] @ directions[2], moved @ Wh, before @ directions[3])
        moved = (1 - h[:, t] ** 2) * (sum(inputs) + directions[4])
        size = (
            abs(directions[0][:, t]) @ abs(Wx)
            + abs(x[:, t]) @ abs(directions[2])
            + size @ abs(Wh)
            + abs(before) @ abs(directions[3])
            + abs(directions[4])
        )
        before = h[:, t]
        left += np.sum(d_out[:, t] * moved)
        terms += np.sum(abs(d_out[:, t]) * size)
    right = sum(np.sum(gradient * step) for gradient, step in zip(gradients, directions, strict=True))
    # A path through the net passes, per step, a product and sum of D + 2H terms and a slope known to 4ε; then a sum.
    roundings = x.shape[1] * (2 * len(Wx) + 2 * len(Wh) + 12) + d_out.size
    assert within(left, right, 2 * gamma(roundings) * terms)


for wrong in (carries_nothing_back, carries_back_without_transposing, averages_over_time, averages_over_the_sequences):
    bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)(wrong)


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def forgets_the_slope_of_tanh(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, slope=lambda *_: 1.0)


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def takes_the_slope_at_the_state_before(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, slope=lambda h, t: 1 - h[:, t] ** 2)


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def takes_the_slope_of_the_sigmoid_cell(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, slope=lambda h, t: h[:, t + 1] * (1 - h[:, t + 1]))


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def gives_weights_the_last_step_only(d_out, cache, *, truncate=None):
    def last(d_z):
        return np.concatenate([np.zeros_like(d_z[:, :-1]), d_z[:, -1:]], axis=1)

    return walk_back_in_time(d_out, cache, truncate=truncate, shown=last)


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def pairs_errors_with_the_state_after(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate, previous=lambda h: h[:, 1:])


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def gives_h0_no_gradient(d_out, cache, *, truncate=None):
    dx, dh0, *others = walk_back_in_time(d_out, cache, truncate=truncate)
    return dx, np.zeros_like(dh0), *others


@bptt_is_the_adjoint_of_moving_along.refutes("rnn_backward", rnn_forward=textbook_rnn)
def starts_from_the_last_step_alone(d_out, cache, *, truncate=None):
    only_last = np.zeros_like(d_out)
    only_last[:, -1:] = d_out[:, -1:]
    return walk_back_in_time(only_last, cache, truncate=truncate)


truncated_nets = dyadic_arrays(x="BTD", h0="BH", Wx="DH", Wh="HH", b="H", d_last="BH")


@claim(net=truncated_nets, window=choices(1, 2, 3, 4))
def truncated_bptt_is_exact_inside_and_zero_outside(rnn_forward, rnn_backward, net, window):
    """Truncated to k steps, a gradient at h_T is the full one inside them and exactly 0 before, also at h0 if k < T.

    It is full backpropagation through the last k steps from h_{T−k}, taken as a constant; the weights miss the
    contributions of all earlier steps.  For k ≥ T nothing changes.
    """
    x, h0, Wx, Wh, b = (each / 4 for each in net[:5])
    batch, steps, _ = x.shape
    h, cache = rnn_forward(x, h0, Wx, Wh, b)
    d_out = np.zeros_like(h)
    d_out[:, -1] = net.d_last
    came = rnn_backward(d_out, cache, truncate=window)
    start = max(0, steps - window)
    full = rnn_backward(d_out, cache)
    state = h[:, start - 1].copy() if start else h0
    inside = rnn_backward(d_out[:, start:].copy(), rnn_forward(x[:, start:].copy(), state, Wx, Wh, b)[1])
    assert not came[0][:, :start].any()
    assert equal(came[1], np.zeros_like(h0) if start else full[1])
    # The errors are the same numbers; sums over fewer steps may be taken in another order.
    size = sum(np.abs(each).max(initial=1.0) for each in inside) * max(1, abs(x).max(), abs(h0).max())
    slack = gamma(batch * steps + 4 * len(Wh) + 8) * size * batch * steps
    assert within(came[0][:, start:], full[0][:, start:], slack)
    assert all(within(each, expected, slack) for each, expected in zip(came[2:], inside[2:], strict=True))


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def goes_one_step_too_far(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=truncate and truncate + 1)


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def stops_one_step_too_early(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache, truncate=None if truncate is None else truncate - 1)


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def does_not_truncate(d_out, cache, *, truncate=None):
    return walk_back_in_time(d_out, cache)


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def truncates_the_inputs_but_not_h0(d_out, cache, *, truncate=None):
    dx, _, *others = walk_back_in_time(d_out, cache, truncate=truncate)
    return dx, walk_back_in_time(d_out, cache)[1], *others


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def counts_the_window_from_the_start(d_out, cache, *, truncate=None):
    steps = d_out.shape[1]
    return walk_back_in_time(d_out, cache, truncate=truncate and max(1, steps - truncate))


@truncated_bptt_is_exact_inside_and_zero_outside.refutes("rnn_backward", rnn_forward=textbook_rnn)
def truncates_inputs_but_not_weights(d_out, cache, *, truncate=None):
    dx, dh0, *_ = walk_back_in_time(d_out, cache, truncate=truncate)
    return dx, dh0, *walk_back_in_time(d_out, cache)[2:]


# How fast gradients can grow or shrink


@claim(net=real_arrays(x="BTD", h0="BH", Wx="DH", Wh="HH", b="H", d_last="BH"), shrink=choices(1.0, 0.125))
def tanh_rnn_gradient_bound(rnn_forward, rnn_backward, rnn_gradient_bound, net, shrink):
    """In a tanh RNN ‖∂L/∂h_0‖ ≤ ‖Wh‖₂^T ‖∂L/∂h_T‖, where ‖Wh‖₂ is the largest singular value: below 1 it vanishes.

    Each step multiplies by a slope of at most 1 and by Whᵀ.  So ‖Wh‖₂ > 1 is necessary for an explosion; it is not
    sufficient, for the slopes may be small.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, arXiv 1211.5063.
    """
    x, h0, Wx, Wh, b, d_last = net
    Wh = shrink * Wh
    h, cache = rnn_forward(x, h0, Wx, Wh, b)
    d_out = np.zeros_like(h)
    d_out[:, -1] = d_last
    dh0 = rnn_backward(d_out, cache)[1]
    bound = rnn_gradient_bound(Wh, steps=x.shape[1])
    # Each step rounds sums of H products and a singular value; 1e-300 is for what underflows.
    slack = 1 + 8 * gamma(x.shape[1] * (len(Wh) + 8)) * len(Wh)
    assert at_most(np.linalg.norm(dh0, axis=1), bound * np.linalg.norm(d_last, axis=1) * slack + 1e-300)


@claim(net=small_integer_arrays(Wh="HH"), steps=choices(1, 2, 3, 0, 6), max_slope=choices(1.0, 0.25))
def matrix_power_norm_at_least_spectral_radius_power(rnn_gradient_bound, net, steps, max_slope):
    """ρ(W)ᵀ ≤ ‖Wᵀ‖₂ ≤ ‖W‖₂^T, so a linear RNN explodes if ρ > 1; and the powers go to 0 if and only if ρ < 1.

    ρ is the largest |eigenvalue|, T the exponent; W is triangular here, so that its eigenvalues stand on the
    diagonal.  For a diagonal W both bounds are met.
    """
    W = np.triu(net.Wh)
    radius = float(abs(np.diag(W)).max())
    power = np.linalg.norm(np.linalg.matrix_power(W, steps), 2)
    # Singular values are known to a few ε of the largest one, and a power of them to T times that.
    slack = 1 + 16 * len(W) * (steps + 1) * eps
    bound = rnn_gradient_bound(W, steps=steps, max_slope=max_slope)
    assert at_most(radius**steps, power * slack)
    assert at_most(max_slope**steps * power, bound * slack)
    met = rnn_gradient_bound(np.diag(np.diag(W)), steps=steps, max_slope=max_slope)
    assert within(met, (max_slope * radius) ** steps, (slack - 1) * met)
    below_1 = W / (2 * radius + 1)
    assert np.linalg.norm(np.linalg.matrix_power(below_1, 2**14)) < 1e-300
    if steps == 1:
        assert equal(rnn_gradient_bound(W, steps=steps), rnn_gradient_bound(W, steps=steps, max_slope=1.0))


def resting(Wh, d_last):
    """Return a case of one step at rest, with two units."""
    return case(x=[[[0]]], h0=[[0, 0]], Wx=[[0, 0]], Wh=Wh, b=[0, 0], d_last=[d_last])


nilpotent, all_ones = resting([[0, 1], [0, 0]], [0, 1]), resting([[1, 1], [1, 1]], [1, 1])


@tanh_rnn_gradient_bound.refutes("rnn_gradient_bound", by={"net": nilpotent, "shrink": 1.0})
@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def takes_the_spectral_radius(Wh, *, steps, max_slope=1.0):
    return float((max_slope * abs(np.linalg.eigvals(Wh)).max()) ** steps)


@tanh_rnn_gradient_bound.refutes("rnn_gradient_bound", by={"net": all_ones, "shrink": 1.0})
@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def takes_the_largest_weight_of_the_matrix(Wh, *, steps, max_slope=1.0):
    return float((max_slope * abs(Wh).max()) ** steps)


@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def multiplies_by_the_number_of_steps(Wh, *, steps, max_slope=1.0):
    return float(max_slope * np.linalg.norm(Wh, 2) * steps)


@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def takes_the_frobenius_norm(Wh, *, steps, max_slope=1.0):
    return float((max_slope * np.linalg.norm(Wh)) ** steps)


@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def counts_one_step_less(Wh, *, steps, max_slope=1.0):
    return float((max_slope * np.linalg.norm(Wh, 2)) ** max(steps - 1, 0))


@matrix_power_norm_at_least_spectral_radius_power.refutes("rnn_gradient_bound")
def takes_the_slope_once(Wh, *, steps, max_slope=1.0):
    return float(max_slope * np.linalg.norm(Wh, 2) ** steps)


@legal("rnn_gradient_bound")
def root_of_the_largest_eigenvalue(Wh, *, steps, max_slope=1.0):
    scale = max(float(abs(Wh).max()), 1e-300)
    squared = np.linalg.eigvalsh((Wh / scale).T @ (Wh / scale)).max()
    return math.prod([float(max_slope * scale * np.sqrt(squared))] * steps)


@claim(net=real_arrays(z="T", w=""))
def a_sigmoid_unit_loses_at_least_three_quarters(sigmoid_grad, rnn_gradient_bound, net):
    """A recurrent sigmoid unit multiplies its gradient by |w|/4 at most at each step: below |w| = 4 it vanishes.

    The factor is w σ′(z), and the bound (|w|/4)ᵀ is met where all z are 0.
    """
    w, steps = float(net.w), len(net.z)
    bound = rnn_gradient_bound(np.array([[w]]), steps=steps, max_slope=0.25)
    # Each slope errs by a few ε, and so does each product.
    assert at_most(abs(np.prod(w * sigmoid_grad(net.z))), bound * (1 + 8 * steps * eps))
    assert within(abs(np.prod(w * sigmoid_grad(0 * net.z))), bound, 8 * steps * eps * bound)


@a_sigmoid_unit_loses_at_least_three_quarters.refutes("rnn_gradient_bound")
def takes_a_slope_of_a_fifth(Wh, *, steps, max_slope=1.0):
    return float((min(max_slope, 0.2) * np.linalg.norm(Wh, 2)) ** steps)


a_sigmoid_unit_loses_at_least_three_quarters.refutes("rnn_gradient_bound")(takes_the_slope_once)


@proved()
def tied_weights_multiply_log_gain_variance_by_depth(log_gain_variance):
    """The log of a product of L independent gains of log-variance σ² has variance Lσ², of one gain L times L²σ².

    So its spread grows like √L across different layers, where gains above and below 1 make up for each other, and
    like L across the steps of an RNN.  All outcomes of a two-point law are enumerated, in fractions.
    """
    for low, high in ((Fraction(-1), Fraction(1)), (Fraction(-1, 2), Fraction(3, 4)), (Fraction(1), Fraction(1))):
        variance = float(((high - low) / 2) ** 2)  # of dyadic gains, so exact
        for depth in range(6):
            independent = [sum(gains, Fraction(0)) for gains in itertools.product((low, high), repeat=depth)]
            tied = [depth * low, depth * high]
            assert log_gain_variance(variance, depth=depth, tied=False) == spread(independent)
            assert log_gain_variance(variance, depth=depth, tied=True) == spread(tied)


def spread(values):
    mean = Fraction(sum(values), len(values))
    return sum((value - mean) ** 2 for value in values) / len(values)


@tied_weights_multiply_log_gain_variance_by_depth.refutes("log_gain_variance")
def takes_them_for_equal(variance, *, depth, tied):
    return variance * depth


@tied_weights_multiply_log_gain_variance_by_depth.refutes("log_gain_variance")
def squares_the_depth_for_independent_gains(variance, *, depth, tied):
    return variance * depth**2


@tied_weights_multiply_log_gain_variance_by_depth.refutes("log_gain_variance")
def swaps_tied_and_independent(variance, *, depth, tied):
    return variance * (depth if tied else depth**2)


@legal("log_gain_variance")
def variance_of_each_times_pairs(variance, *, depth, tied):
    return variance * sum(1 for i in range(depth) for j in range(depth) if tied or i == j)


# Remedies inside the recurrence


@claim(rng=generators(), n=choices(2, 1, 3, 8, 20), steps=choices(1, 10, 100))
def orthogonal_recurrence_preserves_norm(orthogonal_init, rng, n, steps):
    """An orthogonal Wh keeps the length of a gradient over any number of steps, as long as the slopes are 1.

    And with it that of a state; each call draws a matrix of its own.

    Source: Arjovsky, Shah and Bengio, Unitary Evolution Recurrent Neural Networks, ICML 2016, arXiv 1511.06464.
    """
    Q = orthogonal_init(n, rng=rng)
    # Householder's QR is orthogonal to a small multiple of n ε.
    assert within(Q.T @ Q, np.eye(n), 8 * n * eps)
    if n > 1:
        assert not np.array_equal(orthogonal_init(n, rng=rng), Q)
    g = np.arange(1.0, n + 1)
    carried = np.linalg.matrix_power(Q.T, steps).T @ g
    # Each of the T steps may change the length by as much as Q misses orthogonality, and rounds.
    assert within(length([carried]), length([g]), 8 * (steps + 1) * n * eps * length([g]))


@orthogonal_recurrence_preserves_norm.refutes("orthogonal_init")
def normalises_the_columns(n, *, rng):
    W = rng.standard_normal((n, n))
    return W / np.linalg.norm(W, axis=0)


@orthogonal_recurrence_preserves_norm.refutes("orthogonal_init")
def scales_by_the_root_of_n(n, *, rng):
    return rng.standard_normal((n, n)) / np.sqrt(n)


@orthogonal_recurrence_preserves_norm.refutes("orthogonal_init")
def shrinks_a_little(n, *, rng):
    return 0.999 * np.linalg.qr(rng.standard_normal((n, n)))[0]


@orthogonal_recurrence_preserves_norm.refutes("orthogonal_init")
def always_takes_the_identity(n, *, rng):
    return np.eye(n)


@orthogonal_recurrence_preserves_norm.refutes("orthogonal_init")
def sets_the_spectral_radius_to_1(n, *, rng):
    W = rng.standard_normal((n, n))
    return W / abs(np.linalg.eigvals(W)).max()


@legal("orthogonal_init")
def polar_factor_of_a_gaussian_matrix(n, *, rng):
    U, _, Vt = np.linalg.svd(rng.standard_normal((n, n)))
    return U @ Vt


@legal("orthogonal_init")
def product_of_reflections(n, *, rng):
    Q = np.eye(n)
    for _ in range(n):
        v = rng.standard_normal(n)
        Q = Q - np.outer(Q @ v, v) * (2 / (v @ v))
    return Q


@claim(cell=dyadic_arrays(gates="TH", added="TH", start="H", step="H"))
def lstm_cell_path_is_product_of_forget_gates(cell_state_gradient, cell):
    """With gates and candidates given, ∂c_T/∂c_0 is the product of the forget gates: exactly 1 only if all are open.

    c_t = f_t ⊙ c_{t−1} + u_t is affine in c_0, so a step of any length moves c_T by the product times the step.  The
    gates are eighths from 0 to 1, and nothing rounds.

    Source: Gers, Schmidhuber and Cummins, Learning to Forget, Neural Computation 12(10):2451–2471, 2000.
    """
    gates = np.abs(cell.gates) / 4
    c, moved = cell.start, cell.start + cell.step
    for f, u in zip(gates, cell.added, strict=True):
        c, moved = f * c + u, f * moved + u
    product = cell_state_gradient(gates)
    assert equal(product * cell.step, moved - c)
    assert equal(product == 1, (gates == 1).all(axis=0))
    assert equal(cell_state_gradient(gates[:0]), np.ones(gates.shape[1]))


@lstm_cell_path_is_product_of_forget_gates.refutes("cell_state_gradient")
def takes_the_last_gate(forget_gates):
    return forget_gates[-1].copy() if len(forget_gates) else np.ones(forget_gates.shape[1])


@lstm_cell_path_is_product_of_forget_gates.refutes("cell_state_gradient")
def averages_the_gates(forget_gates):
    return forget_gates.mean(axis=0) if len(forget_gates) else np.ones(forget_gates.shape[1])


@lstm_cell_path_is_product_of_forget_gates.refutes("cell_state_gradient")
def takes_the_carousel_for_always_open(forget_gates):
    return np.ones(forget_gates.shape[1])


@lstm_cell_path_is_product_of_forget_gates.refutes("cell_state_gradient")
def forgets_the_first_gate(forget_gates):
    return forget_gates[1:].prod(axis=0)


@lstm_cell_path_is_product_of_forget_gates.refutes("cell_state_gradient")
def counts_what_is_forgotten(forget_gates):
    return (1 - forget_gates).prod(axis=0)


@legal("cell_state_gradient")
def gate_after_gate(forget_gates):
    gradient = np.ones(forget_gates.shape[1])
    for f in forget_gates[::-1]:
        gradient = gradient * f
    return gradient


@proved()
def a_forget_bias_sets_the_time_scale(chrono_forget_bias):
    """A forget bias of ln(T − 1) opens the gate to 1 − 1/T: after T steps less than 1/e is left, after T − 1 more.

    (1 − 1/T)ᵀ < 1/e < (1 − 1/T)^(T−1) for every T > 1, since ln(1 − 1/T) lies between −1/(T − 1) and −1/T.
    Checked at eight T from 2 to 10⁶; a time scale below 2 would mean a gate that is more than half closed.

    Source: Tallec and Ollivier, Can recurrent neural networks warp time?, ICLR 2018, arXiv 1804.11188.
    """
    for T in (2, 3, 4, 10, 100, 784, 10**4, 10**6):
        gate = 1 / (1 + math.exp(-chrono_forget_bias(T)))
        # Two roundings of the sigmoid and one of the logarithm, which counts by its size.
        assert within(gate, 1 - 1 / T, 4 * eps + eps * math.log(T) / T)
        # The gate to the T-th power errs by T times as much; the two powers stand 1/(2eT) to either side of 1/e.
        assert gate**T < math.exp(-1) < gate ** (T - 1)
    assert chrono_forget_bias(2) == 0
    assert raises(ValueError, chrono_forget_bias, 1.5)


@a_forget_bias_sets_the_time_scale.refutes("chrono_forget_bias")
def takes_the_logarithm_of_the_time_scale(time_scale):
    if time_scale < 2:
        raise ValueError(time_scale)
    return math.log(time_scale)


@a_forget_bias_sets_the_time_scale.refutes("chrono_forget_bias")
def always_takes_a_bias_of_1(time_scale):
    if time_scale < 2:
        raise ValueError(time_scale)
    return float(time_scale != 2)


@a_forget_bias_sets_the_time_scale.refutes("chrono_forget_bias")
def closes_the_gate_instead(time_scale):
    if time_scale < 2:
        raise ValueError(time_scale)
    return -math.log(time_scale - 1)


@a_forget_bias_sets_the_time_scale.refutes("chrono_forget_bias")
def accepts_any_time_scale_above_1(time_scale):
    return math.log(time_scale - 1)


@legal("chrono_forget_bias")
def logit_of_the_gate(time_scale):
    if not time_scale >= 2:
        raise ValueError(time_scale)
    return math.log1p(-1 / time_scale) - math.log(1 / time_scale)


# Measured on digits


@measured(seeds=40, false_hold=false_hold(31, 40), false_alarm=false_alarm(31, 40, calibrated=990, runs=1000))
def the_gain_decides_over_64_steps(rnn_forward, rnn_backward, orthogonal_init, seeds):
    """Through 64 steps over digits a tanh RNN's gradient vanishes at gain 0.6 and explodes at 2.

    32 units, Wh with entries of standard deviation gain/√32 or a random orthogonal matrix, 32 digits as sequences of
    64 pixels: ‖∂L/∂h_0‖ over ‖∂L/∂h_64‖ is below 1/10,000 at gain 0.6, above 10 at gain 2, and between 1/100 and
    0.95 if orthogonal.  31 of 40 seeds must succeed.

    In 1000 calibration runs 990 did.  The logarithms to base 10 lay between −18 and −5 at gain 0.6 (median −13.1),
    between −1.4 and −0.2 for orthogonal matrices (−0.7), and between −1.9 and 6.9 at gain 2 (5.2): in 10 runs
    saturated units won.
    """
    x, _ = digits()
    found = []

    def holds(seed):
        streams = lab.streams(seed, "rows", "inputs", "recurrent", "orthogonal", "error")
        rows = streams["rows"].choice(len(x), 32, replace=False)
        Wx, d_last = 0.1 * streams["inputs"].standard_normal((1, 32)), streams["error"].standard_normal((32, 32))
        noise = streams["recurrent"].standard_normal((32, 32)) / np.sqrt(32)
        ratios = []
        for Wh in (0.6 * noise, orthogonal_init(32, rng=streams["orthogonal"]), 2 * noise):
            h, cache = rnn_forward(x[rows][:, :, None], np.zeros((32, 32)), Wx, Wh, np.zeros(32))
            d_out = np.zeros_like(h)
            d_out[:, -1] = d_last
            ratios.append(length([rnn_backward(d_out, cache)[1]]) / length([d_last]))
        found.append(ratios)
        small, orthogonal, large = ratios
        return small < 1e-4 and 0.01 < orthogonal < 0.95 and large > 10

    assert at_least(31, 40, ((seed, holds(seed)) for seed in seeds))
    small, orthogonal, large = np.median(found, axis=0).tolist()
    return {"lost": -math.log10(small), "orthogonal": orthogonal, "gained": math.log10(large)}


the_gain_decides_over_64_steps.refutes("rnn_backward", rnn_forward=textbook_rnn)(carries_nothing_back)
the_gain_decides_over_64_steps.refutes("rnn_backward", rnn_forward=textbook_rnn)(forgets_the_slope_of_tanh)
the_gain_decides_over_64_steps.refutes("orthogonal_init")(scales_by_the_root_of_n)


# Often said, but false


@myth(at=small_integer_arrays(g="N"), bad=choices(1.0, np.inf, np.nan), refuted_by={"at": case(g=[0]), "bad": np.inf})
def clipping_repairs_infinite_gradients(clip_by_global_norm, at, bad):
    """After clipping by norm all gradients are finite, also those that were not."""
    assert all(np.isfinite(g).all() for g in clip_by_global_norm(spoilt([at.g], 0, bad), max_norm=1.0)[0])


@myth(at=dyadic_arrays(g="N"), refuted_by={"at": case(g=[0.125, 0.5])})
def clipping_by_value_keeps_the_direction(clip_by_value, at):
    """Clipping by value shortens a gradient and leaves its direction as it was."""
    (clipped,) = clip_by_value([at.g], clip_value=0.25)
    assert equal(np.outer(clipped, at.g), np.outer(at.g, clipped))


@myth(net=small_integer_arrays(a="A", b="B"), refuted_by={"net": case(a=[1], b=[1])})
def clipping_each_tensor_is_clipping_all(clip_by_global_norm, net):
    """Clipping each layer's gradient by itself is as good as clipping all together: the result is as long."""
    each = [clip_by_global_norm([g], max_norm=1.0)[0][0] for g in net]
    # Far above rounding, far below what one unit makes.
    assert length(each) <= 1 + 1e-9


@myth(net=small_integer_arrays(micro="K"), refuted_by={"net": case(micro=[0, 2])})
def the_mean_of_clipped_gradients_is_the_clipped_mean(average_and_clip, clip_by_global_norm, net):
    """Whether one clips each micro-batch's gradient or their mean makes no difference."""
    each = [clip_by_global_norm([np.array(g)], max_norm=1.0)[0][0] for g in net.micro]
    (clipped_mean,), _ = average_and_clip([[np.array(g)] for g in net.micro], max_norm=1.0)
    # Far above rounding, far below 1/4.
    assert within(np.mean(each), clipped_mean, 1e-9)


depths = choices(1, 2, 10, 100)


def stack_of(w, depth, x, forward, backward):
    """Return the gradients of a stack of equal layers of one unit each: at the input, and of the first weight."""
    _, cache = forward(np.array([[x]]), [np.array([[w]])] * depth, [np.zeros(1)] * depth)
    d_x, d_weights, _ = backward(np.ones((1, 1)), cache)
    return abs(d_x.item()), abs(d_weights[0].item())


@myth(
    w=choices(1.0, 2.0, 0.5),
    depth=depths,
    x=choices(1.0, 0.01),
    refuted_by={"w": 2.0, "depth": 100, "x": 0.01},
)
def scaling_the_inputs_prevents_explosion(linear_stack_forward, linear_stack_backward, w, depth, x):
    """Gradients do not explode if the inputs are scaled to be small."""
    assert stack_of(w, depth, x, linear_stack_forward, linear_stack_backward)[0] < 1000


@myth(
    w=choices(1.0, 2.0, 0.5),
    depth=depths,
    strength=choices(0.1, 0.001),
    refuted_by={"w": 2.0, "depth": 100, "strength": 0.1},
)
def a_penalty_on_weights_prevents_explosion(linear_stack_forward, linear_stack_backward, w, depth, strength):
    """With an L2 penalty on the weights, gradients do not explode: the penalty's gradient makes up for them."""
    assert stack_of(w, depth, 1.0, linear_stack_forward, linear_stack_backward)[1] + strength * w < 1000


@myth(x=choices(1.0, -1.0), refuted_by={"x": -1.0})
def networks_take_no_negative_inputs(linear_stack_forward, x):
    """A network does not accept negative inputs: it sees them as 0."""
    W, b = [np.ones((1, 1))], [np.zeros(1)]
    assert equal(
        linear_stack_forward(np.array([[x]]), W, b)[0], linear_stack_forward(np.array([[max(x, 0.0)]]), W, b)[0]
    )


@myth(gain=choices(1.0, 0.5, 2.0), depth=depths, refuted_by={"gain": 2.0, "depth": 10})
def weight_gradients_show_the_explosion(diagnose_gradients, gain, depth):
    """If gradients explode, those of the first layer's weights are far longer than those of the last layer's."""
    errors, d_weights, _ = relu_errors(np.ones((1, 1)), [np.array([[gain]])] * depth, np.ones((1, 1)))
    assert diagnose_gradients(norms_of(errors)) != "exploding" or diagnose_gradients(norms_of(d_weights)) == "exploding"


@myth(net=dyadic_arrays(Wh="HH"), refuted_by={"net": case(Wh=[[0, 2], [0, 0]])})
def below_spectral_radius_1_gradients_only_shrink(rnn_forward, rnn_backward, net):
    """If all eigenvalues of Wh are below 1 in size, each step back makes the gradient of an RNN shorter."""
    Wh, n = np.triu(net.Wh), len(net.Wh)
    _, cache = rnn_forward(np.zeros((n, 1, 1)), np.zeros((n, n)), np.zeros((1, n)), Wh, np.zeros(n))
    dh0 = rnn_backward(np.eye(n)[:, None], cache)[1]
    assert abs(np.diag(Wh)).max() >= 1 or at_most(np.linalg.norm(dh0, axis=1), 1.0)


@myth(
    w=choices(1.0, 0.5, 1.5, 2.0),
    start=choices(0.0, 1.0),
    steps=choices(1, 10, 100),
    refuted_by={"w": 1.5, "start": 1.0, "steps": 100},
)
def a_recurrent_weight_above_1_explodes(rnn_forward, rnn_backward, w, start, steps):
    """If the recurrent weight is above 1, the gradient of an RNN does not vanish."""
    x, b = np.zeros((1, steps, 1)), np.zeros(1)
    _, cache = rnn_forward(x, np.array([[start]]), np.ones((1, 1)), np.array([[w]]), b)
    d_out = np.zeros((1, steps, 1))
    d_out[0, -1] = 1.0
    assert w <= 1 or rnn_backward(d_out, cache)[1].item() > 1e-30


@myth(
    window=choices(1, 2),
    steps=choices(1, 2, 3),
    net=small_integer_arrays(Wh="HH", d_last="H"),
    refuted_by={"window": 1, "steps": 2, "net": case(Wh=[[1]], d_last=[1])},
)
def truncation_prevents_vanishing(rnn_forward, rnn_backward, window, steps, net):
    """Truncated backpropagation keeps gradients over long times from vanishing."""
    n = len(net.Wh)
    _, cache = rnn_forward(np.zeros((1, steps, 1)), np.zeros((1, n)), np.zeros((1, n)), net.Wh, np.zeros(n))
    d_out = np.zeros((1, steps, n))
    d_out[0, -1] = net.d_last
    truncated, full = rnn_backward(d_out, cache, truncate=window)[1], rnn_backward(d_out, cache)[1]
    assert truncated.any() or not full.any()


@myth(gate=choices(1.0, 0.5, 0.9), steps=choices(1, 10, 100), refuted_by={"gate": 0.5, "steps": 10})
def lstm_gradients_cannot_vanish(cell_state_gradient, gate, steps):
    """The gradient along an LSTM's cells cannot vanish."""
    assert cell_state_gradient(np.full((steps, 1), gate)).item() > 1e-3


@myth(weight=choices(0.0, 1.0, 4.0), steps=choices(1, 2, 3), refuted_by={"weight": 4.0, "steps": 1})
def lstm_gradients_cannot_explode(cell_state_gradient, weight, steps):
    """The gradient of an LSTM cannot explode: ∂c_T/∂c_0 is the product of its forget gates, none above 1.

    One unit with gates f = σ(1), i = ½, o = σ(5) and the candidate tanh(weight · h), from c = 0.01.
    """
    f, i, o = 1 / (1 + math.exp(-1)), 0.5, 1 / (1 + math.exp(-5))
    c, gradient = 0.01, 1.0
    for _ in range(steps):
        h = o * math.tanh(c)
        candidate = math.tanh(weight * h)
        gradient *= f + i * (1 - candidate**2) * weight * o * (1 - math.tanh(c) ** 2)
        c = f * c + i * candidate
    assert gradient <= cell_state_gradient(np.full((steps, 1), f)).item() * (1 + 1e-9)
