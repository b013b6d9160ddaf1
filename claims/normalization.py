"""Q14: batch norm and layer norm, judged by what they compute, by their gradients, and by what differs at inference."""

from fractions import Fraction
from itertools import product

import numpy as np

from claims import claim, convention, legal, measured, myth
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.data import digits
from claims.toolbox.exact import fractions
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, real_arrays, small_integer_arrays

batches = real_arrays(x="ND", scale="D", shift="D")
passes = real_arrays(x="ND", scale="D", d_out="ND")
grids = integer_arrays(x="ND")
epsilons = choices(1e-5, 0.5, 1e-3, 1.0)
NEARLY_EQUAL = [[1000.0], [1000.001]]  # a difference of mean square and squared mean does not see this variance


# What is computed, from exact means and variances


def standardised(x, epsilon):
    """Return x̂ = (x − m)/√(v + ε) by columns, from exact m and v, how far float64 may be from it, and the root.

    The computed mean errs by γ(n) max|x| at most, x − m by two roundings more: `lost`, relative to the root, and
    twice that is allowed.  A common error of x − m changes the variance by no more, relatively, and the sum of
    squares, its root and the quotient add n + 9 roundings, here and there.
    """
    n, values = len(x), fractions(x)
    centred = values - values.sum(axis=0) / Fraction(n)
    root = np.sqrt(((centred**2).sum(axis=0) / Fraction(n) + epsilon).astype(np.float64))
    normal = centred.astype(np.float64) / root
    lost = gamma(2 * (n + 2)) * abs(x).max(axis=0) / root
    return normal, (1 + abs(normal)) * lost + gamma(n + 9) * abs(normal), root


def affine(normal, bound, scale, shift):
    """Return γx̂ + β, and how far float64 may be from it: the product and the sum are rounded once each."""
    return scale * normal + shift, abs(scale) * bound + gamma(4) * (abs(scale * normal) + abs(shift))


def ones_and_zeros(x):
    """Return the scale and shift that leave a standardised x as it is."""
    return np.ones(x.shape[1]), np.zeros(x.shape[1])


def input_gradient(x, d_normal, epsilon):
    """Return the gradient of Σ d_normal ⊙ x̂ with respect to x, x̂ standardised by columns, and its bound.

    By a complex step: the imaginary part of the sum at x + ih is h times the derivative, without a difference that
    could cancel.  Of its three terms, each at most A² max|d|/√(v + ε) for A = max(|x̂|, 1), the root is known to
    `lost`, x̂ to its own bound, and either side rounds n + 12 times; in all four times that.
    """
    h = 1e-30
    moved = x + h * 1j * np.eye(x.size).reshape(-1, *x.shape)
    centred = moved - moved.mean(axis=1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    gradient = (d_normal * normal).sum(axis=(1, 2)).imag.reshape(x.shape) / h
    normal, bound, root = standardised(x, Fraction(epsilon))
    largest = np.maximum(abs(normal).max(axis=0), 1.0)
    known = largest * (gamma(len(x) + 12) * largest + bound.max(axis=0))
    return gradient, 4 * known * abs(d_normal).max(axis=0) / root * np.ones(x.shape)


def unless_usual(epsilon):
    """Return the option eps, but nothing for 1e-5, which the slots take if they are not told."""
    return {} if epsilon == 1e-5 else {"eps": epsilon}


# Another batch norm and layer norm, whose caches the mistakes below can open


def plain(x, scale, shift, axis, epsilon):
    centred = x - x.mean(axis=axis, keepdims=True)
    root = np.sqrt((centred**2).mean(axis=axis, keepdims=True) + epsilon)
    return scale * centred / root + shift, (centred / root, scale, root)


def plain_batch_norm(x, scale, shift, *, eps=1e-5):
    return plain(x, scale, shift, 0, eps)


def plain_layer_norm(x, scale, shift, *, eps=1e-5):
    return plain(x, scale, shift, 1, eps)


def plain_batch_norm_backward(d_out, cache):
    normal, scale, root = cache
    d_normal = d_out * scale
    dx = d_normal - d_normal.mean(axis=0) - normal * (d_normal * normal).mean(axis=0)
    return dx / root, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


def moments(x, axis=0):
    return x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)


# Forward


@claim(at=batches, eps=epsilons)
def batch_norm_standardises_each_feature(batch_norm_forward, at, eps):
    """In training batch norm is γ (x − m)/√(v + ε) + β, m and v the feature's mean and biased variance.

    m and v are taken over the batch, one pair for each feature; ε stands under the root, 1e-5 if not given.
    Compared with exact m and v.

    Source: Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167.
    """
    x, scale, shift = at
    normal, bound, _ = standardised(x, Fraction(eps))
    out, _ = batch_norm_forward(x, scale, shift, **unless_usual(eps))
    assert within(out, *affine(normal, bound, scale, shift))


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def divides_by_n_minus_1(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x)
    return scale * (x - mean) / np.sqrt(variance * len(x) / max(len(x) - 1, 1) + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def adds_eps_outside_the_root(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x)
    return scale * (x - mean) / (np.sqrt(variance) + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def forgets_eps(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x)
    return scale * (x - mean) / np.sqrt(np.where(variance > 0, variance, 1.0)) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def uses_eps_as_a_floor(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x)
    return scale * (x - mean) / np.sqrt(np.maximum(variance, eps)) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def adds_a_thousandth_if_not_told(x, scale, shift, *, eps=1e-3):
    return plain_batch_norm(x, scale, shift, eps=eps)


@batch_norm_standardises_each_feature.refutes(
    "batch_norm_forward", by={"at": case(x=[[0], [1e-6]], scale=[1], shift=[0]), "eps": 1e-5}
)
def takes_a_small_spread_for_none(x, scale, shift, *, eps=1e-5):
    normal, cache = plain_batch_norm(x, 1.0, 0.0, eps=eps)
    return scale * np.where(x.std(axis=0) > 1e-6, normal, 0.0) + shift, cache


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def ignores_the_eps_it_is_given(x, scale, shift, *, eps=1e-5):
    return plain_batch_norm(x, scale, shift)


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def standardises_each_example(x, scale, shift, *, eps=1e-5):
    return plain_layer_norm(x, scale, shift, eps=eps)


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def takes_one_mean_and_variance_of_everything(x, scale, shift, *, eps=1e-5):
    return scale * (x - x.mean()) / np.sqrt(x.var() + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def forgets_to_subtract_the_mean(x, scale, shift, *, eps=1e-5):
    return scale * x / np.sqrt((x**2).mean(axis=0) + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def divides_by_the_variance(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x)
    return scale * (x - mean) / (variance + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def divides_by_the_mean_absolute_deviation(x, scale, shift, *, eps=1e-5):
    centred = x - x.mean(axis=0)
    return scale * centred / (abs(centred).mean(axis=0) + eps) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def only_centres(x, scale, shift, *, eps=1e-5):
    return scale * (x - x.mean(axis=0)) + shift, None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def scales_the_shift_too(x, scale, shift, *, eps=1e-5):
    return scale * (plain_batch_norm(x, 1.0, 0.0, eps=eps)[0] + shift), None


@batch_norm_standardises_each_feature.refutes("batch_norm_forward")
def forgets_scale_and_shift(x, scale, shift, *, eps=1e-5):
    return plain_batch_norm(x, 1.0, 0.0, eps=eps)


@batch_norm_standardises_each_feature.refutes(
    "batch_norm_forward", by={"at": case(x=NEARLY_EQUAL, scale=[1], shift=[0]), "eps": 1e-5}
)
def subtracts_the_squared_mean_from_the_mean_square(x, scale, shift, *, eps=1e-5):
    mean = x.mean(axis=0)
    variance = np.maximum((x**2).mean(axis=0) - mean**2, 0.0)
    return scale * (x - mean) / np.sqrt(variance + eps) + shift, None


def batch_norm_backward_node_by_node(d_out, cache):
    x, scale, mean, variance, epsilon = cache
    n = len(x)
    d_normal = d_out * scale
    d_variance = -0.5 * (d_normal * (x - mean)).sum(axis=0) * (variance + epsilon) ** -1.5
    d_mean = -d_normal.sum(axis=0) / np.sqrt(variance + epsilon)
    dx = d_normal / np.sqrt(variance + epsilon) + d_variance * 2 * (x - mean) / n + d_mean / n
    return dx, ((x - mean) / np.sqrt(variance + epsilon) * d_out).sum(axis=0), np.add.reduce(d_out)


@legal("batch_norm_forward", batch_norm_backward=batch_norm_backward_node_by_node)
def batch_norm_with_a_cached_graph(x, scale, shift, *, eps=1e-5):
    if not x.shape[0]:
        raise ValueError("no example")
    mean, variance = np.mean(x, axis=0), np.var(x, axis=0)
    return (x - mean) * (scale / np.sqrt(variance + eps)) + shift, (x, scale, mean, variance, eps)


@claim(at=grids, eps=epsilons)
def batch_norm_mean_zero_variance_v_over_v_plus_eps(batch_norm_forward, at, eps):
    """With γ = 1 and β = 0 every feature comes out with mean 0 and biased variance v/(v + ε), which is below 1.

    And with variance 0 if it is constant on the batch, as v is 0 then.
    """
    out, _ = batch_norm_forward(at.x, *ones_and_zeros(at.x), eps=eps)
    normal, bound, _ = standardised(at.x, Fraction(eps))
    variance = at.x.var(axis=0)
    # Sums of n terms, each known to its bound, and their own n roundings; the variance of whole numbers errs as x̂ does.
    slack = bound.max(axis=0) + gamma(4 * len(at.x)) * abs(normal).max(axis=0)
    assert within(out.mean(axis=0), np.zeros(len(slack)), slack)
    assert within((out**2).mean(axis=0), variance / (variance + eps), 4 * slack * abs(normal).max(axis=0))


for mistake in (
    divides_by_n_minus_1,
    adds_eps_outside_the_root,
    forgets_eps,
    standardises_each_example,
    takes_one_mean_and_variance_of_everything,
    forgets_to_subtract_the_mean,
):
    batch_norm_mean_zero_variance_v_over_v_plus_eps.refutes("batch_norm_forward")(mistake)


@claim(at=batches, eps=epsilons)
def layer_norm_standardises_each_example(layer_norm_forward, at, eps):
    """Layer norm is γ (x − m)/√(v + ε) + β, m and v the mean and biased variance of the example's features.

    γ and β still belong to the features: one pair for each, the same for all examples.  With a single feature the
    output is β.  Compared with exact m and v.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv 1607.06450.
    """
    x, scale, shift = at
    normal, bound, _ = standardised(x.T, Fraction(eps))
    out, _ = layer_norm_forward(x, scale, shift, **unless_usual(eps))
    assert within(out, *affine(normal.T, bound.T, scale, shift))
    if x.shape[1] == 1:
        assert equal(out, shift * np.ones(x.shape))


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def standardises_each_feature(x, scale, shift, *, eps=1e-5):
    return plain_batch_norm(x, scale, shift, eps=eps)


layer_norm_standardises_each_example.refutes("layer_norm_forward")(takes_one_mean_and_variance_of_everything)


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def adds_a_trillionth_if_not_told(x, scale, shift, *, eps=1e-12):
    return plain_layer_norm(x, scale, shift, eps=eps)


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def divides_by_d_minus_1(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x, 1)
    return scale * (x - mean) / np.sqrt(variance * x.shape[1] / max(x.shape[1] - 1, 1) + eps) + shift, None


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def adds_eps_to_the_standard_deviation(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x, 1)
    return scale * (x - mean) / (np.sqrt(variance) + eps) + shift, None


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def has_no_eps(x, scale, shift, *, eps=1e-5):
    mean, variance = moments(x, 1)
    return scale * (x - mean) / np.sqrt(np.where(variance > 0, variance, 1.0)) + shift, None


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def divides_by_the_root_mean_square_only(x, scale, shift, *, eps=1e-5):
    return scale * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps) + shift, None


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def divides_by_the_norm(x, scale, shift, *, eps=1e-5):
    centred = x - x.mean(axis=1, keepdims=True)
    return scale * centred / np.sqrt((centred**2).sum(axis=1, keepdims=True) + eps) + shift, None


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def gives_each_example_a_scale_of_its_own(x, scale, shift, *, eps=1e-5):
    rows = np.resize(scale, len(x))[:, None], np.resize(shift, len(x))[:, None]
    return plain_layer_norm(x, *rows, eps=eps)


@layer_norm_standardises_each_example.refutes("layer_norm_forward")
def leaves_scale_and_shift_out(x, scale, shift, *, eps=1e-5):
    return plain_layer_norm(x, 1.0, 0.0, eps=eps)


@layer_norm_standardises_each_example.refutes(
    "layer_norm_forward", by={"at": case(x=np.transpose(NEARLY_EQUAL), scale=[1, 1], shift=[0, 0]), "eps": 1e-5}
)
def takes_the_variance_in_one_pass(x, scale, shift, *, eps=1e-5):
    mean = x.mean(axis=1, keepdims=True)
    variance = np.maximum((x**2).mean(axis=1, keepdims=True) - mean**2, 0.0)
    return scale * (x - mean) / np.sqrt(variance + eps) + shift, None


def layer_norm_backward_by_its_jacobian(d_out, cache):
    normal, root, scale = cache
    d = d_out.shape[1]
    jacobian = (np.eye(d) - 1 / d - normal[:, :, None] * normal[:, None, :] / d) / root[:, None, None]
    dx = (jacobian @ (d_out * scale)[:, :, None])[:, :, 0]
    return dx, np.einsum("nd,nd->d", normal, d_out), np.einsum("nd->d", d_out)


@legal("layer_norm_forward", layer_norm_backward=layer_norm_backward_by_its_jacobian)
def layer_norm_by_a_projection(x, scale, shift, *, eps=1e-5):
    d = x.shape[1]
    centred = x @ (np.eye(d) - np.ones((d, d)) / d)
    root = np.sqrt(np.einsum("nd,nd->n", centred, centred) / d + eps)
    normal = centred / root[:, None]
    return normal * scale + shift, (normal, root, scale)


@claim(at=real_arrays(x="ND"), eps=epsilons)
def layer_norm_is_transposed_batch_norm(layer_norm_forward, batch_norm_forward, at, eps):
    """With γ = 1 and β = 0 layer norm is batch norm of the transposed matrix: LN(x) = BN(xᵀ)ᵀ."""
    x = at.x
    _, bound, _ = standardised(x.T, Fraction(eps))
    by_example, _ = layer_norm_forward(x, *ones_and_zeros(x), eps=eps)
    by_feature, _ = batch_norm_forward(x.T, *ones_and_zeros(x.T), eps=eps)
    # Both may be off by the bound.
    assert within(by_example, by_feature.T, 2 * bound.T)


layer_norm_is_transposed_batch_norm.refutes("layer_norm_forward")(standardises_each_feature)
layer_norm_is_transposed_batch_norm.refutes("layer_norm_forward")(divides_by_d_minus_1)
layer_norm_is_transposed_batch_norm.refutes("layer_norm_forward")(divides_by_the_root_mean_square_only)
layer_norm_is_transposed_batch_norm.refutes("batch_norm_forward")(divides_by_n_minus_1)


# Who depends on whom


@claim(at=passes, eps=epsilons)
def layer_norm_rows_are_independent(layer_norm_forward, layer_norm_backward, at, eps):
    """Layer norm treats every example as if it were alone: its output and gradient depend on no other.

    So there is nothing to store for inference.  A batch gives what its rows give one by one, and the gradients of one
    row's outputs with respect to the other rows are exactly 0.
    """
    x, scale, d_out = at
    out, cache = layer_norm_forward(x, scale, -scale, eps=eps)
    _, bound, _ = standardised(x.T, Fraction(eps))
    allowed = 2 * affine(standardised(x.T, Fraction(eps))[0].T, bound.T, scale, -scale)[1]
    for i in range(len(x)):
        alone, _ = layer_norm_forward(x[i : i + 1], scale, -scale, eps=eps)
        # Two computations of the same row, which may sum in another order.
        assert within(out[i : i + 1], alone, allowed[i : i + 1])
    first = np.zeros(x.shape)
    first[0] = d_out[0]
    dx, _, _ = layer_norm_backward(first, cache)
    assert equal(dx[1:], np.zeros(x[1:].shape))


def layer_norm_backward_of(d_out, cache):
    normal, scale, root = cache
    d_normal = d_out * scale
    dx = d_normal - d_normal.mean(axis=1, keepdims=True) - normal * (d_normal * normal).mean(axis=1, keepdims=True)
    return dx / root, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


@layer_norm_rows_are_independent.refutes("layer_norm_forward", layer_norm_backward=plain_batch_norm_backward)
def is_batch_norm(x, scale, shift, *, eps=1e-5):
    return plain_batch_norm(x, scale, shift, eps=eps)


@layer_norm_rows_are_independent.refutes("layer_norm_forward", layer_norm_backward=layer_norm_backward_of)
def shares_the_variance_over_the_batch(x, scale, shift, *, eps=1e-5):
    centred = x - x.mean(axis=1, keepdims=True)
    root = np.sqrt((centred**2).mean() + eps)
    return scale * centred / root + shift, (centred / root, scale, root)


@layer_norm_rows_are_independent.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)
def takes_the_means_over_the_batch(d_out, cache):
    return plain_batch_norm_backward(d_out, cache)


@claim(at=passes, eps=epsilons)
def batch_norm_couples_its_examples(batch_norm_forward, batch_norm_backward, at, eps):
    """In batch norm examples depend on each other: ∂outᵢ/∂xⱼ = −γ(1 + x̂ᵢx̂ⱼ)/(n√(v + ε)) for i ≠ j.

    For each feature; on its own input it has the derivative γ(n − 1 − x̂ᵢ²)/(n√(v + ε)).
    """
    x, scale, _ = at
    n = len(x)
    _, cache = batch_norm_forward(x, scale, -scale, eps=eps)
    d_out = np.zeros(x.shape)
    d_out[0] = 1.0
    dx, _, _ = batch_norm_backward(d_out, cache)
    normal, _, root = standardised(x, Fraction(eps))
    _, allowed = input_gradient(x, scale * d_out, eps)
    derivative = -scale * (1 + normal * normal[0]) / (n * root)
    derivative[0] = scale * (n - 1 - normal[0] ** 2) / (n * root)
    assert within(dx, derivative, allowed)


@claim(at=passes, eps=epsilons)
def batch_norm_of_one_example_outputs_beta(batch_norm_forward, batch_norm_backward, at, eps):
    """With a batch of one, batch norm in training outputs β whatever x is, and x and γ get no gradient.

    The mean is the example itself, and 0/√ε = 0.
    """
    x, scale, d_out = at
    out, cache = batch_norm_forward(x[:1], scale, 2 * scale, eps=eps)
    dx, d_scale, d_shift = batch_norm_backward(d_out[:1], cache)
    assert equal(out[0], 2 * scale)
    assert equal(dx, np.zeros(dx.shape))
    assert equal(d_scale, np.zeros(d_scale.shape))
    assert equal(d_shift, d_out[0])


@batch_norm_of_one_example_outputs_beta.refutes("batch_norm_forward", batch_norm_backward=layer_norm_backward_of)
def is_layer_norm(x, scale, shift, *, eps=1e-5):
    return plain_layer_norm(x, scale, shift, eps=eps)


@batch_norm_of_one_example_outputs_beta.refutes(
    "batch_norm_forward", batch_norm_backward=lambda d_out, _: (d_out, d_out.sum(axis=0), d_out.sum(axis=0))
)
def passes_a_single_example_through(x, scale, shift, *, eps=1e-5):
    return (x * 1.0, None) if len(x) == 1 else plain_batch_norm(x, scale, shift, eps=eps)


@batch_norm_of_one_example_outputs_beta.refutes("batch_norm_forward", batch_norm_backward=plain_batch_norm_backward)
def divides_zero_by_zero_for_one_example(x, scale, shift, *, eps=1e-5):
    out, (normal, _, root) = plain_batch_norm(x, scale, shift, eps=eps)
    spread = np.sqrt(np.float64(len(x)) / (len(x) - 1)) if len(x) > 1 else np.nan
    return (out - shift) / spread + shift, (normal, scale, root * spread)


@batch_norm_of_one_example_outputs_beta.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def takes_mean_and_variance_for_constants(d_out, cache):
    normal, scale, root = cache
    return d_out * scale / root, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


batch_norm_couples_its_examples.refutes("batch_norm_forward", batch_norm_backward=layer_norm_backward_of)(is_layer_norm)
batch_norm_couples_its_examples.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)(
    takes_mean_and_variance_for_constants
)


@claim(at=integer_arrays(first="D", second="D"), eps=choices(0.0, 1e-5, 0.5))
def batch_norm_of_two_keeps_only_the_sign(batch_norm_forward, at, eps):
    """With a batch of two, batch norm outputs ±h/√(h² + ε) for half the difference h: almost only its sign.

    With γ = 1 and β = 0, and for ε = 0, where the two must differ, ±1: whether they differ by 1 or 1000 is lost.
    """
    x = np.stack([at.first, np.where(at.second == at.first, at.first + 2, at.second)])
    out, _ = batch_norm_forward(x, *ones_and_zeros(x), eps=eps)
    h = (x[0] - x[1]) / 2
    side = h / np.sqrt(h**2 + eps)
    # h and h² are exact; a sum, a root and a quotient are rounded on either side.
    assert within(out, np.stack([side, -side]), 4 * gamma(4))


for mistake in (divides_by_n_minus_1, adds_eps_outside_the_root, standardises_each_example, only_centres):
    batch_norm_of_two_keeps_only_the_sign.refutes("batch_norm_forward")(mistake)


sizes = choices(2, 1, 3, 4, 5, 10, 101)


@claim(at=grids, n=sizes, outlier=choices(1.0, -1.0, 1000.0, 3.0))
def standardised_value_bound(batch_norm_forward, layer_norm_forward, standardized_bound, at, n, outlier):
    """None of n values is more than √(n − 1) standard deviations from the mean; a lone outlier is exactly there.

    So for γ = 1 and β = 0 batch norm gives no value above √(n − 1) in size on a batch of n, layer norm none above
    √(d − 1) with d features, however far out it was.

    Source: Samuelson, How Deviant Can You Be?, J. Amer. Statist. Assoc. 63(324):1522–1525, 1968.
    """
    for norm, count in ((batch_norm_forward, len(at.x)), (layer_norm_forward, at.x.shape[1])):
        out, _ = norm(at.x, *ones_and_zeros(at.x))
        # The bound of a computed x̂ is a few ε of max|x|/√ε with the default ε of 1e-5.
        assert at_most(abs(out), standardized_bound(count) + 32 * eps * abs(at.x).max() / 1e-5**0.5)
    lone = np.zeros((n, 1))
    lone[0] = outlier
    top = standardized_bound(n)
    if n == 1:
        assert equal(top, 0.0)
    else:
        out, _ = batch_norm_forward(lone, np.ones(1), np.zeros(1), eps=0.0)
        # n terms in mean and variance, up to n times as large as the result's last place.
        assert within(out[0, 0], np.sign(outlier) * top, 8 * n * eps)


@standardised_value_bound.refutes("standardized_bound")
def takes_the_root_of_n(n):
    return float(np.sqrt(n)) if n > 1 else 0.0


@standardised_value_bound.refutes("standardized_bound")
def forgets_the_root(n):
    return n - 1.0


@standardised_value_bound.refutes("standardized_bound")
def bounds_with_the_unbiased_deviation(n):
    return (n - 1) / n**0.5


@standardised_value_bound.refutes("standardized_bound")
def allows_three_standard_deviations(n):
    return 3.0 if n > 1 else 0.0


@legal("standardized_bound")
def stands_a_lone_one_among_zeros(n):
    lone = np.zeros(n)
    lone[0] = 1.0
    return float((1 - lone.mean()) / lone.std()) if n > 1 else 0.0


standardised_value_bound.refutes("batch_norm_forward")(divides_by_n_minus_1)
standardised_value_bound.refutes("batch_norm_forward")(only_centres)


# What cancels


moved_grids = integer_arrays(x="ND", factor="D", offset="D")
any_eps = choices(0.0, 0.5, 1e-5)


def moved(at):
    """Return a batch whose features all vary, and a factor other than 0 and an offset for each feature."""
    x = np.vstack([at.x, at.x[:1] + 1])
    return x, np.where(at.factor == 0, 1.0, at.factor), at.offset


@claim(at=moved_grids, eps=any_eps)
def batch_norm_ignores_feature_affine(batch_norm_forward, at, eps):
    """A feature's shift and scale cancel in batch norm up to ε: BN(ax + c; ε) = sign(a) · BN(x; ε/a²).

    For a ≠ 0, feature by feature, and exactly BN(x) for a > 0 and ε = 0.  So the bias and the size of the
    weights of a unit before batch norm do not matter: they are its offset and its factor.
    """
    x, factor, offset = moved(at)
    out, _ = batch_norm_forward(factor * x + offset, *ones_and_zeros(x), eps=eps)
    normal, _, _ = standardised(x, Fraction(eps) / fractions(factor) ** 2)
    _, bound, _ = standardised(factor * x + offset, Fraction(eps))
    assert within(out, np.sign(factor) * normal, bound)


for mistake in (standardises_each_example, forgets_to_subtract_the_mean, divides_by_the_variance, only_centres):
    batch_norm_ignores_feature_affine.refutes("batch_norm_forward")(mistake)


@claim(at=moved_grids, eps=any_eps)
def layer_norm_ignores_example_affine(layer_norm_forward, at, eps):
    """An example's shift and scale cancel in layer norm up to ε: LN(ax + c; ε) = sign(a) · LN(x; ε/a²).

    For a ≠ 0, example by example, and exactly LN(x) for a > 0 and ε = 0.  So of the layer before it cancels a positive
    factor common to all weights and biases, and whatever is added to all the biases, or to all weights from one input.
    """
    x, factor, offset = moved(at)
    out, _ = layer_norm_forward((factor * x + offset).T, *ones_and_zeros(x.T), eps=eps)
    normal, _, _ = standardised(x, Fraction(eps) / fractions(factor) ** 2)
    _, bound, _ = standardised(factor * x + offset, Fraction(eps))
    assert within(out, (np.sign(factor) * normal).T, bound.T)


for mistake in (standardises_each_feature, divides_by_the_root_mean_square_only, adds_eps_to_the_standard_deviation):
    layer_norm_ignores_example_affine.refutes("layer_norm_forward")(mistake)


@claim(at=real_arrays(x="ND", b="D", d_out="ND"), eps=epsilons)
def bias_before_batch_norm_is_redundant(batch_norm_forward, batch_norm_backward, at, eps):
    """A bias before batch norm changes nothing in training, and its gradient is 0.

    The mean takes it away again; β behind does what it would have done.  Up to rounding, in both.
    """
    x, b, d_out = at
    scale, shift = np.ones(len(b)), np.zeros(len(b))
    normal, bound, _ = standardised(x, Fraction(eps))
    out, cache = batch_norm_forward(x + b, scale, shift, eps=eps)
    _, more, root = standardised(x + b, Fraction(eps))
    # x + b is rounded by ε/2 of its size, as x̂ is known anyway.
    rounded = eps_of(x + b) / root * (1 + abs(normal))
    assert within(out, normal, bound + more + 2 * rounded)
    dx, _, _ = batch_norm_backward(d_out, cache)
    _, allowed = input_gradient(x + b, d_out, eps)
    assert within(dx.sum(axis=0), np.zeros(len(b)), allowed.sum(axis=0))


def eps_of(x):
    """Return ε times the largest entry of each column: what one rounding can change."""
    return eps * abs(x).max(axis=0)


@bias_before_batch_norm_is_redundant.refutes("batch_norm_forward", batch_norm_backward=plain_batch_norm_backward)
def leaves_the_mean_in(x, scale, shift, *, eps=1e-5):
    root = np.sqrt(x.var(axis=0) + eps)
    return scale * x / root + shift, (x / root, scale, root)


bias_before_batch_norm_is_redundant.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)(
    takes_mean_and_variance_for_constants
)


@bias_before_batch_norm_is_redundant.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def forgets_that_the_mean_depends_on_x(d_out, cache):
    normal, scale, root = cache
    dx = scale / root * (d_out - normal * (d_out * normal).mean(axis=0))
    return dx, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


# Backward


def parameter_gradients(d_out, normal, bound):
    """Return Σ d_out ⊙ x̂ and Σ d_out over the batch, each with its bound: x̂'s own, and the roundings of the sum."""
    n = len(d_out)
    d_scale, d_shift = (d_out * normal).sum(axis=0), d_out.sum(axis=0)
    known = (abs(d_out) * bound).sum(axis=0) + 2 * gamma(n + 1) * abs(d_out * normal).sum(axis=0)
    return (d_scale, known), (d_shift, 2 * gamma(n) * abs(d_out).sum(axis=0))


@claim(at=passes, eps=epsilons)
def batch_norm_gradient(batch_norm_forward, batch_norm_backward, at, eps):
    """Of batch norm dx = γ/√(v + ε) (δ − mean δ − x̂ · mean(δ ⊙ x̂)), dγ = Σ δ ⊙ x̂ and dβ = Σ δ.

    δ is the gradient with respect to the output; sums and means run over the batch.  The two means are there
    because mean and variance depend on x. Compared with a derivative by complex step.

    Source: Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167.
    """
    x, scale, d_out = at
    _, cache = batch_norm_forward(x, scale, np.zeros(len(scale)), eps=eps)
    batch_norm_forward(1 - 2 * x, 1 - scale, scale, eps=eps)  # a backward pass belongs to the cache it is given
    dx, d_scale, d_shift = batch_norm_backward(d_out, cache)
    normal, bound, _ = standardised(x, Fraction(eps))
    assert within(dx, *input_gradient(x, scale * d_out, eps))
    for came, should in zip((d_scale, d_shift), parameter_gradients(d_out, normal, bound), strict=True):
        assert within(came, *should)


batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)(
    takes_mean_and_variance_for_constants
)
batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)(
    forgets_that_the_mean_depends_on_x
)


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def forgets_that_the_variance_depends_on_x(d_out, cache):
    normal, scale, root = cache
    return scale / root * (d_out - d_out.mean(axis=0)), (d_out * normal).sum(axis=0), d_out.sum(axis=0)


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def forgets_gamma_on_the_way_back(d_out, cache):
    normal, _, root = cache
    return plain_batch_norm_backward(d_out, (normal, 1.0, root))


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def averages_the_parameters_gradients(d_out, cache):
    dx, d_scale, d_shift = plain_batch_norm_backward(d_out, cache)
    return dx, d_scale / len(d_out), d_shift / len(d_out)


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def divides_by_the_root_twice(d_out, cache):
    dx, d_scale, d_shift = plain_batch_norm_backward(d_out, cache)
    return dx / cache[2], d_scale, d_shift


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def sums_where_it_should_average(d_out, cache):
    normal, scale, root = cache
    dx = scale / root * (d_out - d_out.sum(axis=0) - normal * (d_out * normal).sum(axis=0))
    return dx, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


@batch_norm_gradient.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)
def multiplies_the_error_by_the_output(d_out, cache):
    dx, _, d_shift = plain_batch_norm_backward(d_out, cache)
    return dx, (d_out * cache[0] * cache[1]).sum(axis=0), d_shift


@claim(at=passes, eps=epsilons)
def layer_norm_gradient(layer_norm_forward, layer_norm_backward, at, eps):
    """Of layer norm dx = (γδ − mean(γδ) − x̂ · mean(γδ ⊙ x̂))/√(v + ε): γ multiplies δ before the means.

    The means run over the features of the example, between which γ differs; dγ and dβ are sums over the batch, as in
    batch norm.  Compared with a derivative by complex step.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv 1607.06450.
    """
    x, scale, d_out = at
    _, cache = layer_norm_forward(x, scale, np.zeros(len(scale)), eps=eps)
    layer_norm_forward(1 - 2 * x, 1 - scale, scale, eps=eps)  # a backward pass belongs to the cache it is given
    dx, d_scale, d_shift = layer_norm_backward(d_out, cache)
    normal, bound, _ = standardised(x.T, Fraction(eps))
    gradient, allowed = input_gradient(x.T, (scale * d_out).T, eps)
    assert within(dx, gradient.T, allowed.T)
    for came, should in zip((d_scale, d_shift), parameter_gradients(d_out, normal.T, bound.T), strict=True):
        assert within(came, *should)


@layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)
def multiplies_by_gamma_after_the_means(d_out, cache):
    normal, scale, root = cache
    dx, d_scale, d_shift = layer_norm_backward_of(d_out, (normal, 1.0, root))
    return scale * dx, d_scale, d_shift


@layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)
def leaves_gamma_out(d_out, cache):
    return layer_norm_backward_of(d_out, (cache[0], 1.0, cache[2]))


@layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)
def averages_over_the_batch(d_out, cache):
    dx, d_scale, d_shift = layer_norm_backward_of(d_out, cache)
    return dx, d_scale / len(d_out), d_shift / len(d_out)


@layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)
def differentiates_only_the_numerator(d_out, cache):
    normal, scale, root = cache
    d_normal = d_out * scale
    dx = (d_normal - d_normal.mean(axis=1, keepdims=True)) / root
    return dx, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)(
    takes_mean_and_variance_for_constants
)
layer_norm_gradient.refutes("layer_norm_backward", layer_norm_forward=plain_layer_norm)(takes_the_means_over_the_batch)


@claim(at=passes, eps=epsilons)
def batch_norm_gradient_sums(batch_norm_forward, batch_norm_backward, at, eps):
    """Over the batch Σ dx = 0, and Σ dx ⊙ x̂ = γ (Σ δ ⊙ x̂) ε/(v + ε)^{3/2}, which goes to 0 with ε where v > 0.

    The gradient does not point along what cancels in the forward pass: no shift, and up to ε no change of scale.
    """
    x, scale, d_out = at
    _, cache = batch_norm_forward(x, scale, np.zeros(len(scale)), eps=eps)
    dx, _, _ = batch_norm_backward(d_out, cache)
    normal, bound, root = standardised(x, Fraction(eps))
    _, allowed = input_gradient(x, scale * d_out, eps)
    (d_scale, known), _ = parameter_gradients(d_out, normal, bound)
    # Sums of entries that are known to `allowed`, and of products with x̂, which is exact here.
    assert within(dx.sum(axis=0), np.zeros(len(scale)), allowed.sum(axis=0))
    slack = (allowed * (abs(normal) + bound)).sum(axis=0) + abs(scale) * known * eps / root**3
    assert within((dx * normal).sum(axis=0), scale * d_scale * eps / root**3, slack)


for mistake in (
    takes_mean_and_variance_for_constants,
    forgets_that_the_mean_depends_on_x,
    forgets_that_the_variance_depends_on_x,
):
    batch_norm_gradient_sums.refutes("batch_norm_backward", batch_norm_forward=plain_batch_norm)(mistake)


# Inference


stored = real_arrays(x="ND", scale="D", shift="D", mean="D", variance="D")


@claim(at=stored, eps=epsilons)
def batch_norm_at_inference_uses_stored_statistics(batch_norm_eval, at, eps):
    """At inference batch norm is γ (x − μ)/√(σ² + ε) + β, μ and σ² stored, whatever the batch is.

    μ is the stored mean, σ² the stored variance.  An affine map of each entry by itself: no example depends on
    another, one example is as good as many, and of none comes none.  Single precision stays single.
    """
    x, scale, shift, mean, variance = at
    variance = abs(variance)
    out = batch_norm_eval(x, scale, shift, mean, variance, **unless_usual(eps))
    root = np.sqrt(variance + eps)
    # Six roundings on either side: sum, root, difference, product, quotient, sum.
    allowed = gamma(14) * (abs(scale) * (abs(x) + abs(mean)) / root + abs(shift))
    assert within(out, scale * ((x - mean) / root) + shift, allowed)
    # Entries of up to 1000 with differences of 1e-9 are other numbers in single precision: these start from whole ones.
    whole = [np.rint(each) for each in (x, scale, shift, mean, variance)]
    came = batch_norm_eval(*(each.astype(np.float32) for each in whole), eps=eps)
    size = abs(whole[1]) * (abs(whole[0]) + abs(whole[3])) / np.sqrt(whole[4] + eps) + abs(whole[2])
    assert within(came.astype(np.float64), batch_norm_eval(*whole, eps=eps), gamma(14, np.float32) * size)
    assert within(batch_norm_eval(x[:1], scale, shift, mean, variance, eps=eps), out[:1], allowed[:1])
    assert equal(batch_norm_eval(x[:0], scale, shift, mean, variance, eps=eps), x[:0])


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def takes_the_eps_of_keras(x, scale, shift, mean, variance, *, eps=1e-3):
    return scale * (x - mean) / np.sqrt(variance + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def uses_the_statistics_of_the_batch(x, scale, shift, mean, variance, *, eps=1e-5):
    return plain_batch_norm(x, scale, shift, eps=eps)[0]


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def uses_the_mean_of_the_batch(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * (x - x.mean(axis=0)) / np.sqrt(variance + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def uses_the_variance_of_the_batch(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * (x - mean) / np.sqrt(x.var(axis=0) + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def does_nothing_at_inference(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * x + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def takes_the_variance_for_the_deviation(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * (x - mean) / (variance + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def adds_eps_behind_the_root(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * (x - mean) / (np.sqrt(variance) + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def needs_no_eps_at_inference(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * (x - mean) / np.sqrt(np.where(variance > 0, variance, 1.0)) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def forgets_the_stored_mean(x, scale, shift, mean, variance, *, eps=1e-5):
    return scale * x / np.sqrt(variance + eps) + shift


@batch_norm_at_inference_uses_stored_statistics.refutes("batch_norm_eval")
def forgets_scale_and_shift_at_inference(x, scale, shift, mean, variance, *, eps=1e-5):
    return (x - mean) / np.sqrt(variance + eps)


@legal("batch_norm_eval")
def multiplies_and_adds_once(x, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale * (variance + eps) ** -0.5
    return x * factor + (shift - mean * factor)


@claim(at=batches, eps=epsilons)
def inference_with_the_batch_statistics_is_training(batch_norm_eval, batch_norm_forward, at, eps):
    """Inference is the formula of training: with the batch's own mean and biased variance stored, the two agree."""
    x, scale, shift = at
    normal, bound, _ = standardised(x, Fraction(eps))
    trained, _ = batch_norm_forward(x, scale, shift, eps=eps)
    inferred = batch_norm_eval(x, scale, shift, x.mean(axis=0), x.var(axis=0), eps=eps)
    # Either may be off by the bound of the standardised values.
    assert within(inferred, trained, 2 * affine(normal, bound, scale, shift)[1])


inference_with_the_batch_statistics_is_training.refutes("batch_norm_forward")(divides_by_n_minus_1)
inference_with_the_batch_statistics_is_training.refutes("batch_norm_forward")(adds_eps_outside_the_root)
inference_with_the_batch_statistics_is_training.refutes("batch_norm_eval")(adds_eps_behind_the_root)
inference_with_the_batch_statistics_is_training.refutes("batch_norm_eval")(takes_the_variance_for_the_deviation)


running = real_arrays(x="ND", mean="D", variance="D")
momenta = choices(0.1, 0.5, 0.0, 1.0, 0.01, 0.9)


@claim(at=running, momentum=momenta)
def running_statistics_move_towards_the_batch(update_running_stats, at, momentum):
    """A batch moves the stored mean and variance to (1 − m) · old + m · batch, the variance divided by n − 1.

    m is the option `momentum`, the weight of the new batch, 0.1 if not given.  What normalises is the biased
    variance, what is stored the unbiased one.
    """
    x = np.vstack([at.x, at.x[:1] + 1])
    n, old_variance = len(x), abs(at.variance)
    values, weight = fractions(x), Fraction(momentum)
    batch_mean = values.sum(axis=0) / Fraction(n)
    batch_variance = ((values - batch_mean) ** 2).sum(axis=0) / Fraction(n - 1)
    told = {} if momentum == 0.1 else {"momentum": momentum}
    mean, variance = update_running_stats(at.mean, old_variance, x, **told)
    should_mean = (1 - weight) * fractions(at.mean) + weight * batch_mean
    should_variance = (1 - weight) * fractions(old_variance) + weight * batch_variance
    # A mean of n terms, two products, a sum, and 1 − m rounded; twice that.  Through x − mean, which errs by `lost`,
    # the variance errs by twice its root times that.
    top = abs(x).max(axis=0)
    lost = gamma(2 * (n + 2)) * top
    root = np.sqrt(batch_variance.astype(np.float64))
    assert within(mean, should_mean.astype(np.float64), gamma(2 * n + 8) * (abs(at.mean) + momentum * top))
    allowed = gamma(2 * n + 8) * (old_variance + momentum * root**2) + momentum * (4 * root * lost + lost**2)
    assert within(variance, should_variance.astype(np.float64), allowed)


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def stores_the_biased_variance(mean, variance, x, *, momentum=0.1):
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * x.var(axis=0)


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def weighs_the_old_value_with_momentum_as_keras_does(mean, variance, x, *, momentum=0.1):
    keep = momentum
    return keep * mean + (1 - keep) * x.mean(axis=0), keep * variance + (1 - keep) * x.var(axis=0, ddof=1)


@running_statistics_move_towards_the_batch.refutes(
    "update_running_stats", by={"at": case(x=[[100000.1], [100000.2]], mean=[0], variance=[1]), "momentum": 0.5}
)
def subtracts_the_square_of_the_batch_mean(mean, variance, x, *, momentum=0.1):
    batch = ((x**2).mean(axis=0) - x.mean(axis=0) ** 2) * len(x) / (len(x) - 1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * batch


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def moves_by_a_hundredth_if_not_told(mean, variance, x, *, momentum=0.01):
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * x.var(
        axis=0, ddof=1
    )


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def keeps_only_the_last_batch(mean, variance, x, *, momentum=0.1):
    return x.mean(axis=0), x.var(axis=0, ddof=1)


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def never_updates(mean, variance, x, *, momentum=0.1):
    return mean.copy(), variance.copy()


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def adds_without_forgetting(mean, variance, x, *, momentum=0.1):
    return mean + momentum * x.mean(axis=0), variance + momentum * x.var(axis=0, ddof=1)


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def updates_only_the_mean(mean, variance, x, *, momentum=0.1):
    return (1 - momentum) * mean + momentum * x.mean(axis=0), variance.copy()


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def averages_standard_deviations(mean, variance, x, *, momentum=0.1):
    root = (1 - momentum) * np.sqrt(variance) + momentum * x.std(axis=0, ddof=1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), root**2


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def measures_the_variance_around_the_stored_mean(mean, variance, x, *, momentum=0.1):
    batch_variance = ((x - mean) ** 2).sum(axis=0) / (len(x) - 1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * batch_variance


@running_statistics_move_towards_the_batch.refutes("update_running_stats")
def takes_one_variance_for_all_features(mean, variance, x, *, momentum=0.1):
    batch_variance = x.var(ddof=1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * batch_variance


@legal("update_running_stats")
def moves_by_a_share_of_the_difference(mean, variance, x, *, momentum=0.1):
    if x.shape[0] in {0, 1}:
        raise ValueError("too few examples")
    gap = x - sum(x) / len(x)
    return (
        mean * (1 - momentum) + sum(x) / len(x) * momentum,
        variance * (1 - momentum) + momentum * np.einsum("nd,nd->d", gap, gap) / (len(x) - 1),
    )


@claim(at=small_integer_arrays(x="ND", largest=3), n=choices(2, 3))
def stored_statistics_are_unbiased(update_running_stats, at, n):
    """Over all batches of n examples, drawn with replacement, the mean of what is stored is the data's own.

    With m = 1, where the stored values are the batch's: the average of the means is the mean of all data, and with
    n − 1 in the variance, its average is the biased variance of all data.  Every batch is enumerated.
    """
    x = at.x
    drawn = [x[list(batch)] for batch in product(range(len(x)), repeat=n)]
    zeros = np.zeros(x.shape[1])
    found = [update_running_stats(zeros, zeros, batch, momentum=1.0) for batch in drawn]
    mean, variance = (sum(each) / len(drawn) for each in zip(*found, strict=True))
    # Small whole numbers below 16 in square, a few roundings in each batch and one for each of at most 27 batches.
    assert within(mean, x.mean(axis=0), gamma(40) * 3)
    assert within(variance, x.var(axis=0), gamma(40) * 16)


stored_statistics_are_unbiased.refutes("update_running_stats")(stores_the_biased_variance)
stored_statistics_are_unbiased.refutes("update_running_stats")(takes_one_variance_for_all_features)
stored_statistics_are_unbiased.refutes("update_running_stats")(measures_the_variance_around_the_stored_mean)


@claim(at=small_integer_arrays(mean="D", x="ND"), steps=choices(1, 2, 3, 8))
def the_start_fades_geometrically(update_running_stats, at, steps):
    """After t updates the value that running statistics started from still has the weight (1 − m)^t.

    With m = ½ and whole numbers, exactly: starting δ apart, two averages over the same batches end (1 − m)^t δ apart.
    With m = 0.1, the customary value, it takes 22 updates until a tenth is left.
    """
    x = np.vstack([at.x, at.x[:1] + 1])
    x = np.vstack([x, x])[:4]  # 2 or 4 rows, whose means are exact
    low, high = at.mean, at.mean + 1
    spread = np.ones(low.shape)
    low_variance, high_variance = spread, 3 * spread
    for _ in range(steps):
        low, low_variance = update_running_stats(low, low_variance, x, momentum=0.5)
        high, high_variance = update_running_stats(high, high_variance, x, momentum=0.5)
    # The batch's unbiased variance is rounded; all else is exact, with at most 10 + 6 binary places.
    assert equal(high - low, 0.5**steps * spread)
    assert within(high_variance - low_variance, 2 * 0.5**steps * spread, gamma(8) * 64)


the_start_fades_geometrically.refutes("update_running_stats")(keeps_only_the_last_batch)
the_start_fades_geometrically.refutes("update_running_stats")(never_updates)
the_start_fades_geometrically.refutes("update_running_stats")(adds_without_forgetting)
the_start_fades_geometrically.refutes("update_running_stats")(updates_only_the_mean)


@claim(at=batches)
def too_few_examples_are_refused(batch_norm_forward, update_running_stats, at):
    """An empty batch cannot be normalised, and one of fewer than two has no variance to store: ValueError."""
    x, scale, shift = at
    assert raises(ValueError, batch_norm_forward, x[:0], scale, shift)
    for few in (x[:0], x[:1]):
        assert raises(ValueError, update_running_stats, scale, abs(shift), few)


@too_few_examples_are_refused.refutes("batch_norm_forward")
def returns_nothing_for_nothing(x, scale, shift, *, eps=1e-5):
    return x * 1.0, None


@too_few_examples_are_refused.refutes("update_running_stats")
def stores_a_variance_of_zero_for_one_example(mean, variance, x, *, momentum=0.1):
    if len(x) == 0:
        raise ValueError("no example")
    batch_variance = x.var(axis=0) * len(x) / max(len(x) - 1, 1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (1 - momentum) * variance + momentum * batch_variance


# Folding


folds = small_integer_arrays(x="ND", W="DC", b="C", scale="C", shift="C", mean="C", level="C")


@claim(at=folds)
def batch_norm_folds_into_linear(fold_batch_norm, batch_norm_eval, at):
    """At inference batch norm folds into the linear layer before it: W′ = Ws, b′ = (b − μ)s + β, s = γ/√(σ² + ε).

    s multiplies the columns of W, one for each unit.  Exactly: σ² + ε is a power of 4 here, and all else whole numbers.
    """
    x, W, b, scale, shift, mean, level = at
    epsilon = 1 / 64
    variance = 4.0**level - epsilon
    folded_W, folded_b = fold_batch_norm(W, b, scale, shift, mean, variance, eps=epsilon)
    assert equal(x @ folded_W + folded_b, batch_norm_eval(x @ W + b, scale, shift, mean, variance, eps=epsilon))
    assert equal(folded_W, W * (scale / 2.0**level))


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def does_not_scale_the_bias(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / np.sqrt(variance + eps)
    return W * factor, b - mean * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def scales_the_rows(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / np.sqrt(variance + eps)
    return W * np.resize(factor, len(W))[:, None], (b - mean) * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def folds_without_eps(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / np.sqrt(np.where(variance > 0, variance, 1.0))
    return W * factor, (b - mean) * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def folds_eps_outside_the_root(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / (np.sqrt(variance) + eps)
    return W * factor, (b - mean) * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def forgets_the_bias_of_the_layer(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / np.sqrt(variance + eps)
    return W * factor, shift - mean * factor


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def forgets_the_running_mean(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / np.sqrt(variance + eps)
    return W * factor, b * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def divides_by_gamma(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = 1 / (np.where(scale == 0, 1.0, scale) * np.sqrt(variance + eps))
    return W * factor, (b - mean) * factor + shift


@batch_norm_folds_into_linear.refutes("fold_batch_norm")
def folds_the_variance_without_its_root(W, b, scale, shift, mean, variance, *, eps=1e-5):
    factor = scale / (variance + eps)
    return W * factor, (b - mean) * factor + shift


batch_norm_folds_into_linear.refutes("batch_norm_eval")(uses_the_statistics_of_the_batch)
batch_norm_folds_into_linear.refutes("batch_norm_eval")(adds_eps_behind_the_root)


@legal("fold_batch_norm")
def folds_by_a_diagonal_matrix(W, b, scale, shift, mean, variance, *, eps=1e-5):
    diagonal = np.diag(scale * (variance + eps) ** -0.5)
    both = np.vstack([W, b - mean]) @ diagonal
    return both[:-1].copy(), both[-1] + shift


# Measured on digits


def side_by_side(z):
    """Return what all networks give for their batches, (S, B, H), as one batch whose features are all their units."""
    return z.transpose(1, 0, 2).reshape(z.shape[1], -1)


def apart(flat, networks):
    """Return the inverse of `side_by_side`."""
    return flat.reshape(len(flat), networks, -1).transpose(1, 0, 2)


def accuracies(seeds, forward, backward, inference, *, batch_size, steps, lr):
    """Return the test accuracies of 64–16–10 networks with a norm before their ReLUs, one for each seed, by plain SGD.

    All train at once.  `forward(z)` takes pre-activations (S, B, H) and returns them normalised, with a cache;
    `inference(z)` is what the test uses.  γ is 1, which the layer behind can make up for, and β is learned.
    """
    x, y = digits()
    rngs = [np.random.default_rng(seed) for seed in seeds]
    order = np.array([rng.permutation(len(x)) for rng in rngs])
    train, test = order[:, :1200], order[:, 1200:]
    drawn = [lab.draw_layers([64, 16, 10], rng) for rng in rngs]
    W1, W2 = (np.array([weights[i] for weights, _ in drawn]) for i in (0, 1))
    b1, b2 = np.zeros((len(rngs), 1, 16)), np.zeros((len(rngs), 1, 10))
    picks = [each[rng.integers(1200, size=(steps, batch_size))] for each, rng in zip(train, rngs, strict=True)]
    for pick in np.swapaxes(picks, 0, 1):
        normal, cache = forward(x[pick] @ W1)
        active = normal + b1 > 0
        hidden = (normal + b1) * active
        logits = (hidden @ W2 + b2).reshape(-1, 10)
        d_logits = lab.cross_entropy_gradient(logits, y[pick].ravel()).reshape(len(rngs), -1, 10) * len(rngs)
        d_normal = d_logits @ W2.mT * active
        W2, b2 = W2 - lr * hidden.mT @ d_logits, b2 - lr * d_logits.sum(axis=1, keepdims=True)
        W1, b1 = W1 - lr * x[pick].mT @ backward(d_normal, cache), b1 - lr * d_normal.sum(axis=1, keepdims=True)
    logits = np.maximum(inference(x[test] @ W1) + b1, 0) @ W2 + b2
    return np.mean(logits.argmax(axis=2) == y[test], axis=1)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=999, runs=1000))
def batch_norm_falls_behind_at_batch_two(
    batch_norm_forward,
    batch_norm_backward,
    update_running_stats,
    batch_norm_eval,
    layer_norm_forward,
    layer_norm_backward,
    seeds,
):
    """On digits batch norm ends at least 4 points of test accuracy below layer norm at batch size 2, not at 16.

    Networks 64–16–10 with the norm before the ReLU, 1200 images to train and 597 to test, plain SGD: 600 steps at
    batch size 2 with η = 0.05, 200 at 16 with η = 0.1, momentum of the running statistics 0.1.  Same initial weights
    and same batches for both norms.  24 of 30 seeds must succeed at both sizes.  Two causes are not told apart: what
    training sees of a batch of two, and stored statistics that rest on few examples.

    In 1000 calibration runs 999 succeeded: batch norm ended 4.7 to 58 points below layer norm at batch size 2, and from
    2.2 below to 11 above it at 16.  In the other run layer norm, too, came to no more than 52 % at batch size 2.
    """
    seeds = list(seeds)
    ones, zeros = np.ones(16 * len(seeds)), np.zeros(16 * len(seeds))
    of_batch, of_layer = [], []
    for recipe in ({"batch_size": 2, "steps": 600, "lr": 0.05}, {"batch_size": 16, "steps": 200, "lr": 0.1}):
        stored = [zeros, ones]

        def batch_forward(z, stored=stored):
            flat = side_by_side(z)
            stored[:] = update_running_stats(*stored, flat)
            out, cache = batch_norm_forward(flat, ones, zeros)
            return apart(out, len(z)), cache

        def batch_backward(d_normal, cache):
            return apart(batch_norm_backward(side_by_side(d_normal), cache)[0], len(d_normal))

        def batch_inference(z, stored=stored):
            return apart(batch_norm_eval(side_by_side(z), ones, zeros, *stored), len(z))

        def layer_forward(z):
            out, cache = layer_norm_forward(z.reshape(-1, 16), ones[:16], zeros[:16])
            return out.reshape(z.shape), cache

        def layer_backward(d_normal, cache):
            return layer_norm_backward(d_normal.reshape(-1, 16), cache)[0].reshape(d_normal.shape)

        of_batch.append(accuracies(seeds, batch_forward, batch_backward, batch_inference, **recipe))
        of_layer.append(accuracies(seeds, layer_forward, layer_backward, lambda z: layer_forward(z)[0], **recipe))
    behind = np.subtract(of_layer, of_batch)
    holds = (behind[0] >= 0.04) & (behind[1] < 0.04)
    assert at_least(24, 30, zip(seeds, holds.tolist(), strict=True))
    (batch_2, batch_16), (layer_2, layer_16) = np.mean(of_batch, axis=1), np.mean(of_layer, axis=1)
    return {"batch_2": batch_2, "batch_16": batch_16, "layer_2": layer_2, "layer_16": layer_16}


batch_norm_falls_behind_at_batch_two.refutes("update_running_stats")(never_updates)
batch_norm_falls_behind_at_batch_two.refutes("batch_norm_eval")(does_nothing_at_inference)


# Often said, but false


@myth(at=real_arrays(x="ND"), refuted_by={"at": case(x=[[0], [1]])})
def batch_norm_gives_variance_one(batch_norm_forward, at):
    """Batch norm gives every feature that varies on the batch the variance 1."""
    out, _ = batch_norm_forward(at.x, *ones_and_zeros(at.x))
    varying = np.ptp(at.x, axis=0) > 0
    assert within(out.var(axis=0)[varying], np.ones(np.count_nonzero(varying)), 1e-9)


@myth(deviation=choices(1.0, 0.1, 0.01, 1e-3, 1e-5), refuted_by={"deviation": 1e-5})
def eps_may_stand_outside_the_root(batch_norm_forward, deviation):
    """√v + ε is as good as √(v + ε): the results differ by less than one in a hundred."""
    out, _ = batch_norm_forward(np.array([[deviation], [-deviation]]), np.ones(1), np.zeros(1))
    assert within(out[0, 0], deviation / (deviation + 1e-5), 0.01)


@myth(at=real_arrays(x="ND"), refuted_by={"at": case(x=[[0], [1]])})
def the_two_norms_differ_only_in_speed(batch_norm_forward, layer_norm_forward, at):
    """Batch norm and layer norm give the same numbers, and differ only in speed and memory."""
    by_feature, _ = batch_norm_forward(at.x, *ones_and_zeros(at.x))
    by_example, _ = layer_norm_forward(at.x, *ones_and_zeros(at.x))
    assert within(by_feature, by_example, 0.01)


@myth(at=real_arrays(x="ND", b="D"), refuted_by={"at": case(x=[[0, 0]], b=[0, 1])})
def a_bias_before_layer_norm_is_redundant(layer_norm_forward, at):
    """A bias before layer norm is as redundant as before batch norm."""
    without, _ = layer_norm_forward(at.x, *ones_and_zeros(at.x))
    out, _ = layer_norm_forward(at.x + at.b, *ones_and_zeros(at.x))
    assert within(out, without, 0.01)


@myth(at=real_arrays(first="D", second="D"), refuted_by={"at": case(first=[0], second=[1])})
def batch_norm_trains_with_a_batch_of_one(batch_norm_forward, at):
    """Batch norm works with a batch of one: different examples still give different outputs."""
    first, second = (batch_norm_forward(x[None], np.ones(len(x)), np.zeros(len(x)))[0] for x in at)
    assert equal(at.first, at.second) or not equal(first, second)


@myth(at=real_arrays(x="D"), refuted_by={"at": case(x=[0, 1])})
def layer_norm_needs_a_batch(layer_norm_forward, at):
    """Layer norm, too, has nothing to normalise by when there is only one example."""
    out, _ = layer_norm_forward(at.x[None], *ones_and_zeros(at.x[None]))
    assert equal(out, np.zeros(out.shape))


@myth(at=real_arrays(x="D", mates="ND"), refuted_by={"at": case(x=[0], mates=[[1]])})
def an_output_depends_on_its_example_alone(batch_norm_forward, at):
    """In training, too, the output for an example depends on that example alone."""
    alone, _ = batch_norm_forward(at.x[None], *ones_and_zeros(at.x[None]))
    together, _ = batch_norm_forward(np.vstack([at.x, at.mates]), *ones_and_zeros(at.mates))
    assert within(together[:1], alone, 0.01)


@myth(at=real_arrays(x="ND"), refuted_by={"at": case(x=[[1]])})
def batch_norm_does_the_same_at_inference(batch_norm_forward, batch_norm_eval, at):
    """Batch norm does at inference what it does in training."""
    trained, _ = batch_norm_forward(at.x, *ones_and_zeros(at.x))
    still = np.zeros(at.x.shape[1])  # the statistics that were stored: mean 0, variance 1
    assert within(batch_norm_eval(at.x, *ones_and_zeros(at.x), still, still + 1), trained, 0.01)


@convention(
    "update_running_stats", "its momentum keeps the old value, and it stores the biased variance, as Keras does"
)
def called_with_what_momentum_leaves(theirs, running_mean, running_var, x, *, momentum=0.1):
    share = (len(x) - 1) / len(x) if len(x) > 1 else 1.0
    mean, variance = theirs(running_mean, share * running_var, x, momentum=1 - momentum)
    return mean, variance / share


def scaled_back(theirs, d_out, cache):
    inner, factor = cache
    dx, d_scale, d_shift = theirs(d_out, inner)
    return dx, factor * d_scale, d_shift


@convention(
    "batch_norm_forward",
    "its variance is divided by N − 1, where this slot's is divided by N",
    batch_norm_backward=scaled_back,
)
def called_with_a_larger_scale_and_eps(theirs, x, gamma, beta, *, eps=1e-5):
    ratio = len(x) / (len(x) - 1) if len(x) > 1 else 1.0
    out, inner = theirs(x, ratio**0.5 * gamma, beta, eps=ratio * eps)
    return out, (inner, ratio**0.5)


def with_the_gradient_of_the_root(theirs, d_out, cache):
    inner, centred, std, root, gamma = cache
    columns = [theirs(d_out[:, [j]], each) for j, each in enumerate(inner)]
    dx, d_scale, d_shift = (np.concatenate(part, axis=-1) for part in zip(*columns, strict=True))
    # s + ε and √(s² + ε′), equal here, grow with s by 1 and by s/√(s² + ε′).
    slope = np.divide(1, std, out=np.zeros_like(std), where=std > 0) - (std > 0) / root
    return dx + gamma * centred * (centred * d_out).mean(axis=0) / root**2 * slope, d_scale, d_shift


@convention(
    "batch_norm_forward",
    "its ε is added to the standard deviation, where this slot adds it to the variance",
    batch_norm_backward=with_the_gradient_of_the_root,
)
def called_with_the_root_that_eps_makes(theirs, x, gamma, beta, *, eps=1e-5):
    if not len(x):
        return theirs(x, gamma, beta, eps=eps)
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0))
    root = np.sqrt(std**2 + eps)
    calls = [theirs(x[:, [j]], gamma[[j]], beta[[j]], eps=float(eps / (root[j] + std[j]))) for j in range(x.shape[1])]
    return np.concatenate([out for out, _ in calls], axis=1), ([c for _, c in calls], centred, std, root, gamma)
