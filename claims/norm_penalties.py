"""Q15: what the squared and the unsquared norm do to weights, and when they do the same."""

from math import exp, hypot
from statistics import NormalDist

import numpy as np

from claims import claim, convention, legal, myth
from claims.toolbox.comparison import at_most, eps, equal, gamma, within
from claims.toolbox.strategies import case, choices, real_arrays, small_integer_arrays

strengths = choices(0.5, 1.0, 2.0, 0.25)  # powers of two, with which float64 multiplies exactly
any_strengths = choices(1.0, 0.5, 0.0, 0.3, 2.0, 3.0, 100.0, 1e-9)
precisions = choices(np.float64, np.float32, np.int64)
blocks = real_arrays(a="D", b="K")
turned = small_integer_arrays(w="D", u="D")


def length(w):
    """Return ‖w‖, without the overflow, the underflow and most of the rounding of a root of a sum of squares."""
    return hypot(*np.ravel(w).tolist())


# The gradients


@claim(at=real_arrays(w="DK", step="DK"), strength=strengths, dtype=precisions)
def squared_l2_gradient_is_linear(squared_l2_penalty, at, strength, dtype):
    """The gradient of (λ/2)‖w‖² is λw at every w, and a step s raises the penalty by λw·s + (λ/2)‖s‖².

    So the curvature is λ in every direction, at 0 as elsewhere, and a convex loss becomes strongly convex.
    The gradient is exact, in float32 as well; a sum may round.
    """
    w, step = at
    assert equal(squared_l2_penalty(w.astype(dtype), strength=strength)[1], strength * w.astype(dtype))
    penalty, dw = squared_l2_penalty(w, strength=strength)
    moved, _ = squared_l2_penalty(w + step, strength=strength)
    at_zero, _ = squared_l2_penalty(np.zeros_like(w), strength=strength)
    # The three penalties and w·s together add up to at most 2λ(‖w‖² + ‖s‖²), in n terms with a few roundings each.
    slack = gamma(w.size + 6) * 2 * strength * (np.sum(w**2) + np.sum(step**2))
    assert within(moved - penalty, np.sum(dw * step) + strength / 2 * np.sum(step**2), slack)
    assert at_zero == 0


@squared_l2_gradient_is_linear.refutes(
    "squared_l2_penalty", by={"at": case(w=[1e-9], step=[0]), "strength": 1.0, "dtype": np.float64}
)
def takes_a_small_weight_for_none(w, *, strength):
    return float(strength / 2 * np.sum(w**2)), strength * np.where(abs(w) < 1e-8, 0 * w, w)


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def forgets_the_half(w, *, strength):
    return float(strength * np.sum(w**2)), 2 * strength * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def forgets_the_half_in_the_value_only(w, *, strength):
    return float(strength * np.sum(w**2)), strength * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def forgets_the_two_of_the_derivative(w, *, strength):
    return float(strength / 2 * np.sum(w**2)), strength / 2 * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def forgets_to_square(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w / (np.linalg.norm(w) or 1.0)


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def forgets_the_strength_in_the_gradient(w, *, strength):
    return float(strength / 2 * np.sum(w**2)), 1.0 * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def squares_the_sum(w, *, strength):
    return float(strength / 2 * np.sum(w) ** 2), strength * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def takes_the_spectral_norm_of_a_matrix(w, *, strength):
    return float(strength / 2 * np.linalg.norm(w, 2) ** 2), strength * w


@squared_l2_gradient_is_linear.refutes("squared_l2_penalty")
def is_not_zero_at_zero(w, *, strength):
    return float(strength / 2 * np.sum(w**2) + strength), strength * w


@legal("squared_l2_penalty")
def squares_the_frobenius_norm(w, *, strength):
    return strength / 2 * np.linalg.norm(w) ** 2, w * strength


@legal("squared_l2_penalty")
def multiplies_the_flat_vector_by_itself(w, *, strength):
    flat = np.ravel(w)
    return float(strength * (flat @ flat) / 2), np.multiply(strength, w)


@convention("squared_l2_penalty", "it has no ½, where this slot is (λ/2)‖w‖²")
def called_with_half_the_strength(theirs, w, *, strength):
    return theirs(w, strength=strength / 2)


@claim(at=real_arrays(w="DK"), strength=strengths, dtype=precisions)
def l2_norm_gradient_has_constant_length(l2_norm_penalty, at, strength, dtype):
    """For w ≠ 0 the gradient of λ‖w‖ is λw/‖w‖, of length λ however small w is; at 0 it must not be NaN.

    At 0 there is no gradient; any vector of length ≤ λ may stand for it, 0 among them.
    """
    w = at.w.astype(dtype)
    penalty, dw = l2_norm_penalty(w, strength=strength)
    norm = length(w)
    # A root of a sum of n squares, a product and a quotient round n/2 + 3 times in a row.
    bound = gamma(w.size + 6, dw.dtype)
    assert within(penalty, strength * norm, bound * strength * norm)
    if norm:
        assert within(dw.astype(np.float64), strength * w / np.float64(norm), bound * strength * abs(w) / norm)
    assert at_most(length(dw), strength * (1 + bound))


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def takes_the_gradient_of_the_square(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def pulls_every_weight_alike(w, *, strength):
    return float(strength * np.sum(abs(w))), strength * np.sign(w)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def forgets_that_the_two_cancels_in_the_root(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w / (2 * np.linalg.norm(w) or 1.0)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def divides_by_the_squared_norm(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w / (np.sum(w**2) or 1.0)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def divides_zero_by_the_norm_of_zero(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w / np.linalg.norm(w)


tiny = {"at": case(w=[[1e-9]]), "strength": 1.0, "dtype": np.float64}


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty", by=tiny)
def adds_an_eps_to_the_norm(w, *, strength):
    return float(strength * np.linalg.norm(w)), strength * w / (np.linalg.norm(w) + 1e-8)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty", by=tiny)
def adds_an_eps_under_the_root(w, *, strength):
    norm = np.sqrt(np.sum(w**2) + 1e-12)
    return float(strength * norm), strength * w / norm


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def takes_the_norm_of_each_row(w, *, strength):
    norms = np.linalg.norm(w, axis=-1, keepdims=True)
    return float(strength * norms.sum()), strength * w / np.where(norms > 0, norms, 1.0)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def is_the_largest_singular_value(w, *, strength):
    return float(strength * np.linalg.norm(w, 2)), strength * w / (np.linalg.norm(w, 2) or 1.0)


@l2_norm_gradient_has_constant_length.refutes(
    "l2_norm_penalty", by={"at": case(w=[[0, 0]]), "strength": 1.0, "dtype": np.float64}
)
def pulls_every_weight_at_zero(w, *, strength):
    norm = np.linalg.norm(w)
    return float(strength * norm), strength * w / norm if norm else np.full_like(w, strength)


@l2_norm_gradient_has_constant_length.refutes("l2_norm_penalty")
def pushes_away_from_zero(w, *, strength):
    return float(strength * np.linalg.norm(w)), -strength * w / (np.linalg.norm(w) or 1.0)


@legal("l2_norm_penalty")
def leans_on_one_weight_at_zero(w, *, strength):
    flat = np.ravel(w) * 1.0
    norm = np.sqrt(flat @ flat)
    if norm == 0:
        flat[-1] = -strength
        return 0.0, flat.reshape(w.shape)
    return float(norm * strength), w * (strength / norm)


@legal("l2_norm_penalty")
def scales_by_the_largest_weight(w, *, strength):
    largest = np.max(abs(w))
    scaled = w / (largest or 1.0)
    root = np.sqrt(np.sum(scaled * scaled))
    return float(strength * (largest * root)), strength * scaled / (root or 1.0)


@claim(at=small_integer_arrays(a="DK", v="DK"), strength=choices(1.0, 2.0, 3.0, 4.0, 6.0, 5.0))
def vectors_up_to_length_lambda_are_the_subgradients_at_zero(l2_norm_penalty, at, strength):
    """At 0 the slope of λ‖w‖ jumps: a is a subgradient there if and only if ‖a‖ ≤ λ.

    That is, λ‖v‖ ≥ a·v for every v if ‖a‖ ≤ λ, by Cauchy and Schwarz; else v = a breaks it, for a·a > λ‖a‖.
    In one dimension the slope jumps by 2λ.
    """
    a, v = at
    squared = np.sum(a * a)
    # The norm of whole numbers rounds at most n/2 + 2 times, products of them not at all.
    room = 1 + gamma(a.size + 4)
    if squared <= strength**2:
        for tried in (v, a):
            assert at_most(np.sum(a * tried), l2_norm_penalty(tried, strength=strength)[0] * room)
    else:
        assert at_most(l2_norm_penalty(a, strength=strength)[0], squared * (1 - eps))


@vectors_up_to_length_lambda_are_the_subgradients_at_zero.refutes("l2_norm_penalty")
def adds_the_sizes_of_the_weights(w, *, strength):
    return float(strength * np.sum(abs(w))), strength * np.sign(w)


@vectors_up_to_length_lambda_are_the_subgradients_at_zero.refutes("l2_norm_penalty")
def takes_the_largest_weight_for_the_norm(w, *, strength):
    return float(strength * np.max(abs(w))), strength * w / (np.max(abs(w)) or 1.0)


@vectors_up_to_length_lambda_are_the_subgradients_at_zero.refutes("l2_norm_penalty")
def squares_the_norm(w, *, strength):
    return float(strength * np.sum(w**2)), 2 * strength * w


vectors_up_to_length_lambda_are_the_subgradients_at_zero.refutes(
    "l2_norm_penalty", by={"at": case(a=[[2, 0], [0, 2]], v=[[0, 0], [0, 0]]), "strength": 3.0}
)(is_the_largest_singular_value)


@claim(at=real_arrays(w="DK"), strength=strengths)
def squared_l2_pulls_harder_iff_the_norm_exceeds_1(squared_l2_penalty, l2_norm_penalty, at, strength):
    """At the same λ > 0 the square pulls harder than the norm if ‖w‖ > 1, and more gently if ‖w‖ < 1.

    Its pull is λ‖w‖, the other's λ.  It also costs more only if ‖w‖ > 2, for (λ/2)‖w‖² against λ‖w‖.
    """
    norm = length(at.w)
    (squared, square_pulls), (unsquared, norm_pulls) = (
        penalty(at.w, strength=strength) for penalty in (squared_l2_penalty, l2_norm_penalty)
    )
    # What is within rounding of a tie is left aside.
    rounding = 2 * gamma(at.w.size + 8)
    if norm and abs(norm - 1) > rounding:
        assert (length(square_pulls) > length(norm_pulls)) == (norm > 1)
    if norm and abs(norm - 2) > 2 * rounding:
        assert (squared > unsquared) == (norm > 2)


@squared_l2_pulls_harder_iff_the_norm_exceeds_1.refutes("squared_l2_penalty")
def penalises_twice_as_much(w, *, strength):
    return float(strength * np.sum(w**2)), 2 * strength * w


@squared_l2_pulls_harder_iff_the_norm_exceeds_1.refutes("squared_l2_penalty")
def divides_by_the_number_of_weights(w, *, strength):
    return float(strength / 2 * np.mean(w**2)), strength * w / w.size


squared_l2_pulls_harder_iff_the_norm_exceeds_1.refutes("l2_norm_penalty")(pulls_every_weight_alike)
squared_l2_pulls_harder_iff_the_norm_exceeds_1.refutes("l2_norm_penalty")(forgets_that_the_two_cancels_in_the_root)


# One weight at a time, or all at once


@claim(at=blocks, strength=strengths)
def squared_l2_is_separable(squared_l2_penalty, at, strength):
    """The square is a sum over weights: the penalty of [a, b] is that of a plus that of b, and so is its gradient.

    The pull on a weight needs no other weight: layers on several machines need not hear of each other.
    """
    (first, da), (second, db), (both, dw) = (
        squared_l2_penalty(w, strength=strength) for w in (at.a, at.b, np.concatenate(at))
    )
    # Each side is a sum of the same n terms, each of which rounds n + 3 times at most.
    assert within(both, first + second, 2 * gamma(len(dw) + 3) * (first + second))
    assert equal(dw, np.concatenate([da, db]))


squared_l2_is_separable.refutes("squared_l2_penalty")(forgets_to_square)
squared_l2_is_separable.refutes("squared_l2_penalty")(squares_the_sum)
squared_l2_is_separable.refutes("squared_l2_penalty")(divides_by_the_number_of_weights)


@squared_l2_is_separable.refutes("squared_l2_penalty")
def spares_the_last_weight_as_a_bias(w, *, strength):
    spared = np.append(np.ravel(w)[:-1], 0.0).reshape(w.shape)
    return float(strength / 2 * np.sum(spared**2)), strength * spared


@claim(at=blocks, strength=strengths)
def l2_norm_couples_all_weights(l2_norm_penalty, at, strength):
    """The unsquared norm of [a, b] pulls at a with λa/√(‖a‖² + ‖b‖²): the larger b is, the less.

    So no weight's pull is known before all weights are; and λ‖[a, b]‖ is √(P(a)² + P(b)²), not P(a) + P(b).
    """
    (first, da), (second, _), (both, dw) = (
        l2_norm_penalty(w, strength=strength) for w in (at.a, at.b, np.concatenate(at))
    )
    # Three norms of n numbers at most, and a product on either side: 3(n/2 + 3) roundings, rounded up.
    bound = gamma(2 * len(dw) + 12)
    assert within(both, hypot(first, second), bound * hypot(first, second))
    assert within(dw[: len(da)] * both, da * first, bound * abs(da) * first)


@l2_norm_couples_all_weights.refutes("l2_norm_penalty")
def penalises_each_weight_by_itself(w, *, strength):
    return float(strength * np.sum(abs(w))), strength * np.sign(w)


@l2_norm_couples_all_weights.refutes("l2_norm_penalty")
def divides_by_the_root_of_the_number_of_weights(w, *, strength):
    norm = np.linalg.norm(w) * w.size**0.5
    return float(strength * np.linalg.norm(w) / w.size**0.5), strength * w / (norm or 1.0)


l2_norm_couples_all_weights.refutes("l2_norm_penalty")(takes_the_gradient_of_the_square)
l2_norm_couples_all_weights.refutes("l2_norm_penalty")(divides_by_the_squared_norm)


@claim(at=turned, strength=strengths)
def both_norm_penalties_are_rotation_invariant(squared_l2_penalty, l2_norm_penalty, at, strength):
    """Rotating or reflecting w changes neither penalty, and turns the gradients along: no weight is special.

    Tried with H = ‖u‖² I − 2uuᵀ, which is ‖u‖² times a reflection, and has whole numbers only.
    """
    w, u = at
    scale = np.sum(u * u)
    H = scale * np.eye(len(w)) - 2 * np.outer(u, u)
    (squared, dw), (image, image_dw) = (squared_l2_penalty(v, strength=strength) for v in (w, H @ w))
    # H w is exact, so only the sums of n squares on either side round.
    assert within(image, scale**2 * squared, 2 * gamma(len(w) + 4) * scale**2 * squared)
    assert equal(image_dw, H @ dw)
    (norm, dw), (image, image_dw) = (l2_norm_penalty(v, strength=strength) for v in (w, H @ w))
    assert within(image, scale * norm, 2 * gamma(len(w) + 4) * scale * norm)
    if np.any(H @ w):
        # The gradients round n/2 + 3 times, their product with H n times more.
        assert within(scale * image_dw, H @ dw, 2 * gamma(2 * len(w) + 4) * (abs(H) @ abs(dw) + scale * strength))


both_norm_penalties_are_rotation_invariant.refutes("l2_norm_penalty")(penalises_each_weight_by_itself)
both_norm_penalties_are_rotation_invariant.refutes("l2_norm_penalty")(takes_the_largest_weight_for_the_norm)
both_norm_penalties_are_rotation_invariant.refutes("squared_l2_penalty")(squares_the_sum)
both_norm_penalties_are_rotation_invariant.refutes("squared_l2_penalty")(spares_the_last_weight_as_a_bias)


@claim(at=small_integer_arrays(w="DK", v="DK"), deviation=choices(1.0, 2.0, 0.5))
def squared_l2_is_a_gaussian_prior(squared_l2_penalty, at, deviation):
    """With λ = 1/σ² the square is −log of a normal prior N(0, σ²) of independent weights, up to a constant.

    So P(w) − P(v) is the logarithm of how much more likely v is than w, a priori.
    """
    w, v = at
    (squared, _), (other, _) = (squared_l2_penalty(each, strength=deviation**-2) for each in at)
    prior = NormalDist(0, deviation)
    likelier = np.prod([prior.pdf(b) / prior.pdf(a) for a, b in zip(w.flat, v.flat, strict=True)])
    # An exponential errs by as much of its value as its exponent errs absolutely; each density has a few roundings.
    bound = 8 * gamma(w.size + 8) * (1 + squared + other)
    assert within(likelier * exp(other - squared), 1.0, bound)


squared_l2_is_a_gaussian_prior.refutes("squared_l2_penalty")(penalises_twice_as_much)
squared_l2_is_a_gaussian_prior.refutes("squared_l2_penalty")(forgets_to_square)
squared_l2_is_a_gaussian_prior.refutes("squared_l2_penalty")(divides_by_the_number_of_weights)


@squared_l2_is_a_gaussian_prior.refutes("squared_l2_penalty")
def squares_the_strength(w, *, strength):
    return float(strength**2 / 2 * np.sum(w**2)), strength**2 * w


# Near zero


@claim(at=small_integer_arrays(w="D", u="D"), strength=strengths, step=choices(2.0**-10, 1.0, 2.0**-20))
def l2_norm_curves_across_but_not_along(l2_norm_penalty, at, strength, step):
    """The unsquared norm has curvature λ/‖w‖ across w, unbounded near 0, and none along w.

    Across: for v at a right angle to w the slopes along v, at w ± tv, differ by exactly
    2λt‖v‖²/√(‖w‖² + t²‖v‖²); divided by 2t‖v‖² that tends to λ/‖w‖ with t.  Along: the gradient at
    cw, c > 0, is that at w.  Here v = (w·w)u − (u·w)w, of whole numbers.
    """
    w, u = at
    v = np.sum(w * w) * u - np.sum(u * w) * w
    if not np.any(w):
        return
    _, dw = l2_norm_penalty(w, strength=strength)
    # A gradient has length λ, and its n/2 + 3 roundings are relative to its entries.
    rounding = 2 * gamma(len(w) + 8) * strength
    for factor in (0.5, 3.0):
        assert within(l2_norm_penalty(factor * w, strength=strength)[1], dw, rounding)
    ahead, behind = (l2_norm_penalty(w + t * v, strength=strength)[1] for t in (step, -step))
    slopes = np.sum(ahead * v) - np.sum(behind * v)
    wanted = 2 * strength * step * np.sum(v * v) / hypot(length(w), step * length(v))
    # w ± tv is exact; what rounds is the gradients, the larger where w is not small against tv.
    assert within(slopes, wanted, 2 * rounding * np.sum(abs(v)))


l2_norm_curves_across_but_not_along.refutes("l2_norm_penalty")(takes_the_gradient_of_the_square)
l2_norm_curves_across_but_not_along.refutes("l2_norm_penalty")(penalises_each_weight_by_itself)
l2_norm_curves_across_but_not_along.refutes("l2_norm_penalty")(divides_by_the_squared_norm)
l2_norm_curves_across_but_not_along.refutes("l2_norm_penalty")(forgets_that_the_two_cancels_in_the_root)


starts = choices(*(sign * odd / 8 for odd in range(1, 24, 2) for sign in (1, -1)))


@claim(start=starts, lr=choices(0.5, 1.0, 0.25), strength=choices(1.0, 2.0))
def l2_norm_gd_chatters(l2_norm_penalty, start, lr, strength):
    """Descent on λ|w| alone ends in jumps from u to u − ηλ sign(u) and back, unless w₀ is a multiple of ηλ.

    Every step has length ηλ, so it comes no closer to 0 than the multiples of ηλ came to w₀.  The
    same happens along the line of w₀ in any dimension, for the gradient lies on it.  Only a rate that
    falls, or a proximal step, lets it settle.
    """
    pace = lr * strength
    w, wanted, visited = np.array([start]), start, []
    steps = int(abs(start) // pace) + 5
    for _ in range(steps):
        _, dw = l2_norm_penalty(w, strength=strength)
        w = w - lr * dw
        wanted -= np.sign(wanted) * pace  # exact: all are multiples of 1/8, and never 0
        visited.append(wanted)
        # In each step the gradient may round three times, and so may product and difference.
        assert within(w, np.array([wanted]), 8 * eps * steps * (abs(start) + pace))
    assert visited[-1] == visited[-3] != visited[-2]
    assert abs(visited[-1]) + abs(visited[-2]) == pace


l2_norm_gd_chatters.refutes("l2_norm_penalty")(takes_the_gradient_of_the_square)
l2_norm_gd_chatters.refutes("l2_norm_penalty")(forgets_that_the_two_cancels_in_the_root)
l2_norm_gd_chatters.refutes("l2_norm_penalty")(pushes_away_from_zero)


@l2_norm_gd_chatters.refutes("l2_norm_penalty")
def fades_below_one(w, *, strength):
    norm = np.linalg.norm(w)
    return float(strength * norm), strength * w / max(norm, 1.0)


@claim(at=small_integer_arrays(w="DK"), lr=choices(0.5, 1.0, 0.25, 2.0), strength=choices(0.5, 1.0, 0.75))
def squared_l2_gd_shrinks_geometrically(squared_l2_penalty, at, lr, strength):
    """Descent on (λ/2)‖w‖² alone multiplies all weights by 1 − ηλ in every step, and shrinks them for 0 < ηλ < 2.

    Its steps get shorter with w, so it settles at a constant rate; but it reaches 0 only if ηλ = 1.
    Exactly: the numbers are dyadic, and six steps of them do not round.
    """
    w = at.w
    for t in range(1, 7):
        w = w - lr * squared_l2_penalty(w, strength=strength)[1]
        assert equal(w, (1 - lr * strength) ** t * at.w)
        if lr * strength < 2 and np.any(at.w):
            assert np.sum(abs(w)) < np.sum(abs(at.w))


squared_l2_gd_shrinks_geometrically.refutes("squared_l2_penalty")(forgets_to_square)
squared_l2_gd_shrinks_geometrically.refutes("squared_l2_penalty")(penalises_twice_as_much)
squared_l2_gd_shrinks_geometrically.refutes("squared_l2_penalty")(forgets_the_strength_in_the_gradient)


# What the penalties make of a loss


tasks = small_integer_arrays(x="ND", y="N", v="D")


@claim(task=tasks, strength=choices(1.0, 2.0, 3.0, 5.0, 10.0))
def l2_norm_zeroes_all_weights_iff_it_outpulls_the_loss(l2_norm_penalty, squared_l2_penalty, task, strength):
    """For a convex loss f, w = 0 minimises f + λ‖w‖ iff ‖∇f(0)‖ ≤ λ, and f + (λ/2)‖w‖² only if ∇f(0) = 0.

    If ‖∇f(0)‖ ≤ λ, then f(v) − f(0) ≥ ∇f(0)·v ≥ −λ‖v‖.  Else a short step along −∇f(0) gains; for
    the square any ∇f(0) ≠ 0 outpulls it near 0.  Here f is ½‖xw − y‖².
    """
    x, y, v = task
    g = -x.T @ y  # ∇f(0), of whole numbers
    norm, bend = length(g), np.sum((x @ g) ** 2)

    def change(penalty, v):
        """Return f(v) + P(v) − f(0), and how far rounding can have moved it."""
        terms = np.sum(g * v), np.sum((x @ v) ** 2) / 2, penalty(v, strength=strength)[0]
        return sum(terms), gamma(32) * (np.sum(abs(g * v)) + terms[1] + abs(terms[2]))

    # At most 4 examples of 4 weights: no sum here rounds more than 32 times in a row.
    if np.sum(g * g) <= strength**2:
        for tried in (v, -g, -g / 64):
            gain, rounding = change(l2_norm_penalty, tried)
            assert at_most(-gain, rounding)
    else:
        gain, rounding = change(l2_norm_penalty, -g * norm * (norm - strength) / bend)
        assert gain < -rounding
    if np.any(g):
        step = np.sum(g * g) / (bend + strength * np.sum(g * g))
        gain, rounding = change(squared_l2_penalty, -step * g)
        assert gain < -rounding


l2_norm_zeroes_all_weights_iff_it_outpulls_the_loss.refutes("l2_norm_penalty")(penalises_each_weight_by_itself)
l2_norm_zeroes_all_weights_iff_it_outpulls_the_loss.refutes(
    "l2_norm_penalty", by={"task": case(x=[[1, 1, 1]], y=[1], v=[0, 0, 0]), "strength": 2.0}
)(takes_the_largest_weight_for_the_norm)
l2_norm_zeroes_all_weights_iff_it_outpulls_the_loss.refutes("l2_norm_penalty")(squares_the_norm)
l2_norm_zeroes_all_weights_iff_it_outpulls_the_loss.refutes("squared_l2_penalty")(forgets_to_square)


proximal = real_arrays(w="DK", v="DK")


@claim(at=proximal, strength=any_strengths, dtype=precisions)
def squared_l2_prox_shrinks_all_weights_alike(squared_l2_prox, at, strength, dtype):
    """The minimiser of ½‖u − w‖² + (λ/2)‖u‖² is w/(1 + λ): all weights shrink by one factor, and none to 0.

    There u − w + λu = 0, and the function is strictly convex.
    """
    w = at.w.astype(dtype)
    u = squared_l2_prox(w, strength=strength)
    # A sum, a quotient, or what comes to the same, relative to w: 1 − λ/(1 + λ) cancels.
    assert within(u.astype(np.float64), w / np.float64(1 + strength), gamma(5, u.dtype) * abs(w))
    assert equal(u != 0, w != 0)


squared_prox = squared_l2_prox_shrinks_all_weights_alike.refutes("squared_l2_prox")


@squared_prox
def takes_a_gradient_step_for_the_minimiser(w, *, strength):
    return (1 - strength) * w


@squared_prox
def forgets_the_half_in_the_minimiser(w, *, strength):
    return w / (1 + 2 * strength)


@squared_prox
def shrinks_all_weights_by_a_threshold(w, *, strength):
    return np.sign(w) * np.maximum(abs(w) - strength, 0)


@squared_prox
def divides_by_the_strength_alone(w, *, strength):
    return w / max(strength, 1.0)


@squared_prox
def rounds_whole_numbers_down(w, *, strength):
    return (w / (1 + strength)).astype(w.dtype)


@squared_prox
def shrinks_by_an_exponential(w, *, strength):
    return w * np.exp(-strength)


@legal("squared_l2_prox")
def weighs_the_weights_against_zero(w, *, strength):
    return (w * 1.0 + strength * np.zeros_like(w)) / (strength + 1.0)


@claim(at=proximal, strength=any_strengths, dtype=precisions)
def l2_norm_prox_shortens_without_turning(l2_norm_prox, at, strength, dtype):
    """The minimiser u of ½‖u − w‖² + λ‖u‖ is w shortened by λ, max(0, 1 − λ/‖w‖) w, in the same direction.

    Tried against other points v as well: u is the minimiser iff λ‖v‖ − λ‖u‖ ≥ (w − u)·(v − u) for every v.

    Source: Parikh and Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014.
    """
    w = at.w.astype(dtype)
    u = l2_norm_prox(w, strength=strength)
    # Norm and quotient round n/2 + 3 times, and the difference from 1 is at most 1: relative to w, not to u.
    bound = gamma(w.size + 8, u.dtype)
    u, w, v, norm = u.astype(np.float64), w.astype(np.float64), at.v, length(w)
    assert within(u, w * max(0.0, 1 - strength / norm) if norm else w, bound * abs(w))
    for tried in (v, 0 * u, w, 2 * u):
        scale = (length(w) + length(u)) * (length(tried) + length(u)) + strength * (length(tried) + length(u))
        assert at_most(np.sum((w - u) * (tried - u)), strength * (length(tried) - length(u)) + 2 * bound * scale)


norm_prox = l2_norm_prox_shortens_without_turning.refutes("l2_norm_prox")


@norm_prox
def thresholds_every_weight_by_itself(w, *, strength):
    return np.sign(w) * np.maximum(abs(w) - strength, 0)


@norm_prox
def shoots_past_zero(w, *, strength):
    return w * (1 - strength / (np.linalg.norm(w) or 1.0))


@norm_prox
def shrinks_as_the_square_does(w, *, strength):
    return w / (1 + strength)


@norm_prox
def divides_zero_by_zero_at_zero(w, *, strength):
    norm = np.linalg.norm(w)
    return w * np.maximum(0, 1 - strength / norm).astype(w.dtype)


@norm_prox
def shortens_by_half_the_strength(w, *, strength):
    norm = np.linalg.norm(w)
    return w * (1 - strength / 2 / norm if norm > strength / 2 else 0.0)


@norm_prox
def divides_the_strength_by_the_squared_norm(w, *, strength):
    squared = np.sum(w**2)
    return w * (1 - strength / squared if squared > strength else 0.0)


@norm_prox
def keeps_what_is_longer_as_it_is(w, *, strength):
    return w * (1.0 if np.linalg.norm(w) > strength else 0.0)


@norm_prox
def projects_onto_the_ball(w, *, strength):
    norm = np.linalg.norm(w)
    return w * (strength / norm if norm > strength else 1.0)


@norm_prox
def shortens_row_by_row(w, *, strength):
    norms = np.linalg.norm(w, axis=-1, keepdims=True)
    return w * np.maximum(0, 1 - strength / np.where(norms > 0, norms, 1.0)).astype(w.dtype)


@legal("l2_norm_prox")
def leaves_what_projects_onto_the_ball(w, *, strength):
    flat = np.ravel(w)
    outside = max(float(np.sqrt(flat @ flat)), strength)
    return w - w * (strength / outside if outside > 0 else 0.0)


@claim(at=small_integer_arrays(w="DK"), strength=choices(1.0, 2.0, 3.0, 4.0, 5.0))
def l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda(l2_norm_prox, squared_l2_prox, at, strength):
    """The unsquared penalty gives exactly 0 iff ‖w‖ ≤ λ, and keeps every non-zero weight otherwise.

    The square gives 0 only for w = 0.  On whole numbers ‖w‖² is compared with λ² exactly; where they
    are equal, rounding may leave a trace of w.
    """
    squared = np.sum(at.w**2)
    u = l2_norm_prox(at.w, strength=strength)
    if squared == strength**2:
        assert within(u, np.zeros_like(u), gamma(at.w.size + 4) * abs(at.w))
    else:
        assert equal(u != 0, (at.w != 0) & (squared > strength**2))
    assert equal(squared_l2_prox(at.w, strength=strength) != 0, at.w != 0)


@l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("l2_norm_prox")
def compares_the_largest_weight(w, *, strength):
    norm = np.linalg.norm(w)
    return w * (abs(1 - strength / norm) if np.max(abs(w)) > strength else 0.0)


@l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("l2_norm_prox")
def compares_the_squared_norm(w, *, strength):
    squared = np.sum(w**2)
    return w * (1 - strength / squared if squared > strength else 0.0)


@l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("l2_norm_prox")
def compares_the_sum_of_sizes(w, *, strength):
    total = np.sum(abs(w))
    return w * (1 - strength / total if total > strength else 0.0)


l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("l2_norm_prox")(thresholds_every_weight_by_itself)
l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("l2_norm_prox")(shrinks_as_the_square_does)
l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("squared_l2_prox")(shrinks_all_weights_by_a_threshold)


@l2_norm_prox_is_zero_iff_the_norm_is_at_most_lambda.refutes("squared_l2_prox")
def thresholds_the_whole_vector(w, *, strength):
    norm = np.linalg.norm(w)
    return w * (1 - strength / norm if norm > strength else 0.0)


@claim(at=small_integer_arrays(w="DK", v="DK"), strength=choices(1.5, 2.5, 0.5, 3.5))
def a_norm_for_each_group_drops_whole_groups(l2_norm_prox, at, strength):
    """The minimiser of ½‖u − w‖² + λ Σ‖groups of u‖ drops groups of ‖w‖ ≤ λ whole, and no weight of the others.

    Here the groups are rows, the weights from one input each; columns would be the weights into one
    unit.  This is the group lasso, with orthogonal features.

    Source: Yuan and Lin, Model selection and estimation in regression with grouped variables, J. R. Statist. Soc. B
    68(1), 2006.
    """
    w, v = at
    u = np.array([l2_norm_prox(row, strength=strength) for row in w])
    kept = np.sum(w**2, axis=1) > strength**2  # no norm of whole numbers is a half
    assert equal(u != 0, (w != 0) & kept[:, None])

    def cost(u):
        return np.sum((u - w) ** 2) / 2 + strength * sum(map(length, u))

    # Costs of n numbers below 10, each of a few roundings; the minimiser itself errs in second order only.
    assert at_most(cost(u), cost(v) + gamma(w.size + 12) * (cost(u) + cost(v) + np.sum(w**2)))


@a_norm_for_each_group_drops_whole_groups.refutes("l2_norm_prox")
def drops_single_weights(w, *, strength):
    return np.sign(w) * np.maximum(abs(w) - strength, 0)


@a_norm_for_each_group_drops_whole_groups.refutes("l2_norm_prox")
def drops_nothing(w, *, strength):
    return w / (1 + strength)


@a_norm_for_each_group_drops_whole_groups.refutes("l2_norm_prox")
def drops_where_the_largest_weight_is_small(w, *, strength):
    return w * (1 - strength / np.linalg.norm(w) if np.max(abs(w)) > strength else 0.0)


# When the two are the same


@claim(at=small_integer_arrays(x="ND", w="D", v="D"), strength=strengths)
def same_regularization_path(equivalent_norm_strength, l2_norm_penalty, squared_l2_penalty, at, strength):
    """For a convex loss f, a minimiser w ≠ 0 of f + (λ/2)‖w‖² minimises f + λ′‖w‖, too, with λ′ = λ‖w‖.

    Both penalties pull at w with λw, so ∇f(w) = −λw makes either sum stationary, and both are convex.
    Here f(w) = ½‖xw‖² − c·w, with the c that makes a drawn w of whole numbers the minimiser.
    """
    x, w, v = at
    if not np.any(w):
        return
    c = x.T @ (x @ w) + strength * w
    equivalent = equivalent_norm_strength(w, strength=strength)
    (least, pull), (other, _) = (l2_norm_penalty(u, strength=equivalent) for u in (w, v))
    # Two norms that round n/2 + 2 times each, two products and a quotient.
    rounding = gamma(2 * len(w) + 8)
    assert within(pull, squared_l2_penalty(w, strength=strength)[1], rounding * strength * abs(w))
    loss, loss_there = (np.sum((x @ u) ** 2) / 2 - np.sum(c * u) for u in (w, v))  # exact
    assert at_most(loss + least, loss_there + other + 2 * rounding * (abs(loss) + abs(loss_there) + least + other))


same_path = same_regularization_path.refutes("equivalent_norm_strength")


@same_path
def keeps_the_strength(w, *, strength):
    return strength


@same_path
def multiplies_by_the_squared_norm(w, *, strength):
    return float(strength * np.sum(w**2))


@same_path
def divides_the_strength_by_the_norm(w, *, strength):
    return float(strength / (np.linalg.norm(w) or 1.0))


@same_path
def equates_the_penalties_instead_of_their_pulls(w, *, strength):
    return float(strength / 2 * np.linalg.norm(w))


@same_path
def multiplies_by_the_sum_of_sizes(w, *, strength):
    return float(strength * np.sum(abs(w)))


same_regularization_path.refutes("l2_norm_penalty")(penalises_each_weight_by_itself)
same_regularization_path.refutes("squared_l2_penalty")(penalises_twice_as_much)


@legal("equivalent_norm_strength")
def measures_the_pull_of_the_square(w, *, strength):
    return float(np.sqrt(np.sum(np.square(np.multiply(strength, w)))))


@claim(at=real_arrays(w="D", v="D"), strength=strengths)
def every_unsquared_solution_is_a_squared_one(
    equivalent_norm_strength, l2_norm_penalty, squared_l2_penalty, at, strength
):
    """For any loss, convex or not, a minimiser w ≠ 0 of f + λ′‖w‖ minimises f + (λ/2)‖w‖² with λ = λ′/‖w‖.

    The squared penalty lies above the unsquared one, shifted to touch it at w: (λ/2)‖v‖² − (λ/2)‖w‖²
    ≥ λ′‖v‖ − λ′‖w‖ for every v, because (‖v‖ − ‖w‖)² ≥ 0.  Whoever wants a point v under the square
    wants it the more without.  The converse is false unless f is convex: see `same_regularization_path`.
    """
    w, v = at
    if not np.any(w):
        return
    equivalent = equivalent_norm_strength(w, strength=strength)
    (here, _), (there, _) = (squared_l2_penalty(u, strength=strength) for u in (w, v))
    (norm_here, _), (norm_there, _) = (l2_norm_penalty(u, strength=equivalent) for u in (w, v))
    # Each penalty rounds n + 5 times at most.
    slack = gamma(len(w) + 6) * (here + there + norm_here + norm_there)
    assert at_most(norm_there - norm_here, there - here + slack)


for wrong in (keeps_the_strength, divides_the_strength_by_the_norm, equates_the_penalties_instead_of_their_pulls):
    every_unsquared_solution_is_a_squared_one.refutes("equivalent_norm_strength")(wrong)
every_unsquared_solution_is_a_squared_one.refutes("squared_l2_penalty")(penalises_twice_as_much)


# Often said, but false


vectors = small_integer_arrays(w="D")


@myth(at=vectors, strength=choices(1.5), refuted_by={"at": case(w=[1]), "strength": 1.5})
def squared_and_unsquared_l2_have_the_same_optimum(squared_l2_prox, l2_norm_prox, at, strength):
    """The root is monotone, so squared and unsquared L2 have the same optimum."""
    assert within(
        squared_l2_prox(at.w, strength=strength), l2_norm_prox(at.w, strength=strength), 1e-9 * (1 + abs(at.w))
    )


@myth(at=small_integer_arrays(w="D", v="D"), refuted_by={"at": case(w=[1], v=[2])})
def one_factor_converts_the_strengths(equivalent_norm_strength, at):
    """The two penalties are the same but for a constant factor of λ, whatever the data."""
    first, second = (equivalent_norm_strength(w, strength=1.0) for w in at)
    assert not first or not second or abs(first - second) <= 1e-9 * first


@myth(at=small_integer_arrays(drop=""), refuted_by={"at": case(drop=3)})
def convex_or_not_the_solutions_are_the_same(equivalent_norm_strength, l2_norm_penalty, squared_l2_penalty, at):
    """With λ′ = λ‖w‖ the unsquared norm has the minimiser w of the square, convex loss or not.

    Here w = 0 and w = 1 alone are possible, and the loss is drop/4 at 0 and 0 at 1.
    """

    def best(penalty, strength):
        costs = [at.drop / 4, penalty(np.ones(1), strength=strength)[0]]
        return int(costs[1] < costs[0] - 1e-9)

    if best(squared_l2_penalty, 1.0) == 1:
        assert best(l2_norm_penalty, equivalent_norm_strength(np.ones(1), strength=1.0)) == 1


@myth(at=vectors, refuted_by={"at": case(w=[1, 1])})
def unsquared_l2_makes_weights_sparse(l2_norm_prox, at):
    """The unsquared norm sets the small ones among the weights to 0, as L1 does."""
    u = l2_norm_prox(at.w, strength=1.0)
    assert not np.any(u[abs(at.w) <= 1])


@myth(at=vectors, refuted_by={"at": case(w=[0])})
def the_formula_of_the_norms_gradient_is_safe(l2_norm_penalty, at):
    """The gradient of the unsquared norm can be computed as w divided by the root of the sum of squares."""
    with np.errstate(invalid="ignore"):
        formula = at.w / np.sqrt(np.sum(at.w**2))
    assert within(formula, l2_norm_penalty(at.w, strength=1.0)[1], 1e-9)


@myth(at=real_arrays(w="D"), refuted_by={"at": case(w=[0.5])})
def squaring_always_penalises_more(squared_l2_penalty, l2_norm_penalty, at):
    """At the same λ the square pulls harder than the norm, because it is a square."""
    (_, square_pulls), (_, norm_pulls) = (
        penalty(at.w, strength=1.0) for penalty in (squared_l2_penalty, l2_norm_penalty)
    )
    assert at_most(length(norm_pulls), length(square_pulls) + 1e-9) if np.any(at.w) else True
