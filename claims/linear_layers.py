"""Q22: what two linear layers in a row can do, what they cannot, and how they train."""

from fractions import Fraction
from math import isqrt

import numpy as np

from claims import claim, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, within
from claims.toolbox.data import digits
from claims.toolbox.exact import fractions, rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, real_arrays, small_integer_arrays

shapes = {"x": "ND", "W1": "DK", "b1": "K", "W2": "KC", "b2": "C"}
two_layers = integer_arrays(**shapes)
two_float_layers = real_arrays(**shapes)
factors = integer_arrays(W1="DK", W2="KC", g="DC")
dyadic_rates = choices(0.5, 1.0, 0.25)
small_units = choices(1.0, 2.0**-40)


# Two layers are one


@claim(net=two_layers)
def two_linear_layers_equal_one(collapse_linear, net):
    """Two linear layers in a row are one: (x W₁ + b₁) W₂ + b₂ = x W + b with W = W₁W₂ and b = b₁W₂ + b₂.

    Exactly: all entries are whole numbers, and float64 does not round their sums of products.
    """
    x, W1, b1, W2, b2 = net
    W, b = collapse_linear(W1, b1, W2, b2)
    assert equal(x @ W + b, (x @ W1 + b1) @ W2 + b2)


@two_linear_layers_equal_one.refutes("collapse_linear")
def forgets_the_first_bias(W1, b1, W2, b2):
    return W1 @ W2, b2.copy()


@two_linear_layers_equal_one.refutes("collapse_linear")
def adds_the_biases(W1, b1, W2, b2):
    return W1 @ W2, b1 + b2


@two_linear_layers_equal_one.refutes("collapse_linear")
def sends_the_first_bias_through_the_first_layer(W1, b1, W2, b2):
    return W1 @ W2, b1 @ W1 + b2


@two_linear_layers_equal_one.refutes("collapse_linear")
def multiplies_in_the_wrong_order(W1, b1, W2, b2):
    return W2 @ W1, b1 @ W2 + b2


@two_linear_layers_equal_one.refutes("collapse_linear")
def multiplies_elementwise(W1, b1, W2, b2):
    return W1 * W2, b1 @ W2 + b2


@legal("collapse_linear")
def multiplies_augmented_matrices(W1, b1, W2, b2):
    first = np.block([[W1, np.zeros((len(W1), 1))], [b1, 1.0]])
    both = first @ np.vstack([W2, b2])
    return both[:-1], both[-1]


@claim(net=two_float_layers)
def collapsing_errs_only_by_rounding(collapse_linear, net):
    """On floats the one layer differs from the two by rounding alone.

    The outputs agree within 2γ ((|x||W₁| + |b₁|)|W₂| + |b₂|), γ for D + K + 2 roundings in a row.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, section 3.1.
    """
    x, W1, b1, W2, b2 = net
    W, b = collapse_linear(W1, b1, W2, b2)
    size = (abs(x) @ abs(W1) + abs(b1)) @ abs(W2) + abs(b2)
    # On either side a term passes at most D + K products and sums and two biases before it is output.
    assert within(x @ W + b, (x @ W1 + b1) @ W2 + b2, 2 * gamma(sum(W1.shape) + 2) * size)


@collapsing_errs_only_by_rounding.refutes(
    "collapse_linear", by={"net": case(x=[[1]], W1=[[1e-9]], b1=[0], W2=[[1]], b2=[0])}
)
def sets_small_weights_to_0(W1, b1, W2, b2):
    W = W1 @ W2
    return np.where(abs(W) < 1e-8, 0.0, W), b1 @ W2 + b2


@collapsing_errs_only_by_rounding.refutes("collapse_linear")
def multiplies_in_single_precision(W1, b1, W2, b2):
    W = W1.astype(np.float32) @ W2.astype(np.float32)
    return W.astype(np.float64), b1 @ W2 + b2


gauges = small_integer_arrays(W1="DK", b1="K", W2="KC", b2="C", lower="KK", upper="KK")


@claim(net=gauges)
def hidden_coordinates_are_arbitrary(collapse_linear, net):
    """Any invertible A may stand between the layers: (W₁A, b₁A, A⁻¹W₂, b₂) is the same function as (W₁, b₁, W₂, b₂).

    So a whole GL(K) of weights, K² dimensions of them, computes each function.  A is a product of
    triangular matrices of whole numbers with ones on the diagonal: its inverse has whole numbers, too.
    """
    W1, b1, W2, b2, lower, upper = net
    lower, upper = np.tril(lower, -1) + np.eye(len(W2)), np.triu(upper, 1) + np.eye(len(W2))
    A, inverse = lower @ upper, np.rint(np.linalg.inv(upper)) @ np.rint(np.linalg.inv(lower))
    before, after = collapse_linear(W1, b1, W2, b2), collapse_linear(W1 @ A, b1 @ A, inverse @ W2, b2)
    assert equal(after[0], before[0])
    assert equal(after[1], before[1])


hidden_coordinates_are_arbitrary.refutes("collapse_linear")(adds_the_biases)
hidden_coordinates_are_arbitrary.refutes("collapse_linear")(multiplies_elementwise)


# Any number of layers is one


three_layers = small_integer_arrays(x="ND", W1="DK", b1="K", W2="KL", b2="L", W3="LC", b3="C")


@claim(stack=three_layers, depth=choices(1, 2, 3))
def any_number_of_linear_layers_is_one(linear_stack_forward, collapse_linear, stack, depth):
    """Any number of linear layers in a row is one: fold the first two until one is left."""
    weights, biases = list(stack[1::2][:depth]), list(stack[2::2][:depth])
    W, b = weights[0], biases[0]
    for next_W, next_b in zip(weights[1:], biases[1:], strict=True):
        W, b = collapse_linear(W, b, next_W, next_b)
    out, _ = linear_stack_forward(stack.x, weights, biases)
    assert equal(out, stack.x @ W + b)


@any_number_of_linear_layers_is_one.refutes("linear_stack_forward")
def puts_a_relu_between_the_layers(x, weights, biases):
    return lab.relu_forward(x, weights, biases)


@any_number_of_linear_layers_is_one.refutes("linear_stack_forward")
def adds_all_biases_at_the_end(x, weights, biases):
    for W in weights:
        x = x @ W
    return x + sum(biases), None


def plain_forward(x, weights, biases):
    inputs = [x]
    for W, b in zip(weights, biases, strict=True):
        inputs.append(inputs[-1] @ W + b)
    return inputs.pop(), (inputs, weights)


def walk_back(d_out, cache, *, weight=lambda x, d: x.T @ d, bias=lambda d: d.sum(axis=0), pass_on=lambda d, W: d @ W.T):
    d_weights, d_biases = [], []
    for x, W in zip(*map(reversed, cache), strict=True):
        d_weights, d_biases = [weight(x, d_out), *d_weights], [bias(d_out), *d_biases]
        d_out = pass_on(d_out, W)
    return d_out, d_weights, d_biases


perturbed_layers = small_integer_arrays(
    x="ND",
    W1="DK",
    W2="KL",
    W3="LC",
    b1="K",
    b2="L",
    b3="C",
    d_out="NC",
    step_x="ND",
    step_W1="DK",
    step_W2="KL",
    step_W3="LC",
    step_b1="K",
    step_b2="L",
    step_b3="C",
)


@claim(net=perturbed_layers)
def stack_gradient_is_exact_in_each_layer(linear_stack_forward, linear_stack_backward, net):
    """Moving x, a weight matrix or a bias by E changes ⟨d_out, output⟩ by exactly ⟨its gradient, E⟩.

    The output is affine in each of them alone, so there is no remainder, and on whole numbers no
    rounding: the two sides are equal, for steps of any length.
    """
    start, steps = net[:7], net[8:]
    out, cache = linear_stack_forward(start[0], list(start[1:4]), list(start[4:]))
    d_x, d_weights, d_biases = linear_stack_backward(net.d_out, cache)
    gradients = [d_x, *d_weights, *d_biases]
    assert [g.shape for g in gradients] == [step.shape for step in steps]
    for i, (gradient, step) in enumerate(zip(gradients, steps, strict=True)):
        moved = [*start[:i], start[i] + step, *start[i + 1 :]]
        change = linear_stack_forward(moved[0], moved[1:4], moved[4:])[0] - out
        assert equal(np.sum(gradient * step), np.sum(net.d_out * change))


@stack_gradient_is_exact_in_each_layer.refutes("linear_stack_backward", linear_stack_forward=plain_forward)
def forgets_to_transpose(d_out, cache):
    return walk_back(d_out, cache, pass_on=lambda d, W: d @ W)


@stack_gradient_is_exact_in_each_layer.refutes("linear_stack_backward", linear_stack_forward=plain_forward)
def averages_over_the_batch(d_out, cache):
    return walk_back(d_out, cache, weight=lambda x, d: x.T @ d / len(d), bias=lambda d: d.mean(axis=0))


@stack_gradient_is_exact_in_each_layer.refutes("linear_stack_backward", linear_stack_forward=plain_forward)
def trains_only_the_last_layer(d_out, cache):
    return walk_back(d_out, cache, pass_on=lambda d, W: np.zeros((len(d), len(W))))


@stack_gradient_is_exact_in_each_layer.refutes("linear_stack_backward", linear_stack_forward=plain_forward)
def gives_the_biases_no_gradient(d_out, cache):
    return walk_back(d_out, cache, bias=lambda d: np.zeros(d.shape[1]))


def recursive_backward(d_out, cache):
    if not cache:
        return d_out, [], []
    x, W, rest = cache
    d_hidden, d_weights, d_biases = recursive_backward(d_out, rest)
    return d_hidden @ W.T, [np.einsum("nd,nk->dk", x, d_hidden), *d_weights], [np.ones(len(x)) @ d_hidden, *d_biases]


@legal("linear_stack_forward", linear_stack_backward=recursive_backward)
def is_one_layer_and_the_rest(x, weights, biases):
    if not weights:
        return x, ()
    out, rest = is_one_layer_and_the_rest(x @ weights[0] + biases[0], weights[1:], biases[1:])
    return out, (x, weights[0], rest)


# What a narrow middle cannot do


@claim(net=two_layers)
def rank_is_limited_by_the_width(collapse_linear, net):
    """The rank of W₁W₂ is at most that of either factor, so at most K; and at least rank W₁ + rank W₂ − K.

    Source: Sylvester's inequality; Horn and Johnson, Matrix Analysis, 2nd edition, 2013, section 0.4.5.
    """
    _, W1, b1, W2, b2 = net
    W, _ = collapse_linear(W1, b1, W2, b2)
    first, second = rank(W1), rank(W2)
    assert first + second - len(W2) <= rank(W) <= min(first, second)


@rank_is_limited_by_the_width.refutes("collapse_linear")
def adds_a_skip_connection(W1, b1, W2, b2):
    return W1 @ W2 + np.eye(len(W1), len(b2)), b1 @ W2 + b2


@rank_is_limited_by_the_width.refutes("collapse_linear")
def keeps_only_the_first_hidden_unit(W1, b1, W2, b2):
    return np.outer(W1[:, 0], W2[0]), b1 @ W2 + b2


approximations = small_integer_arrays(W="DC", A="DK")


@claim(net=approximations)
def width_k_represents_exactly_the_ranks_up_to_k(low_rank_error, net):
    """Two layers of inner width K can be W if and only if rank W ≤ K; else they miss it by √(Σ_{i>K} σᵢ²) at least.

    The width is that of a random first factor A.  The best second factor behind it does no better,
    and the K leading singular vectors do as well.

    Source: Eckart and Young, The approximation of one matrix by another of lower rank, Psychometrika 1(3), 1936.
    """
    W, A = net
    error = low_rank_error(W, rank=A.shape[1])
    # Singular values are known to a few ε of the largest one, and so is the norm of any part of them.
    slack = 8 * max(W.shape) * eps * np.linalg.norm(W)
    behind_A = np.linalg.lstsq(A, W, rcond=None)[0]
    _, _, directions = np.linalg.svd(W)
    leading = directions[: A.shape[1]]
    assert at_most(error, np.linalg.norm(W - A @ behind_A) + slack)
    assert within(error, np.linalg.norm(W - W @ leading.T @ leading), slack)
    assert (error <= slack) == (rank(W) <= A.shape[1])


@width_k_represents_exactly_the_ranks_up_to_k.refutes("low_rank_error")
def takes_only_the_largest_value_that_is_dropped(W, *, rank):
    return float(np.append(np.linalg.svd(W, compute_uv=False), np.zeros(rank + 1))[rank])


@width_k_represents_exactly_the_ranks_up_to_k.refutes("low_rank_error")
def adds_the_values_that_are_dropped(W, *, rank):
    return float(np.linalg.svd(W, compute_uv=False)[rank:].sum())


@width_k_represents_exactly_the_ranks_up_to_k.refutes("low_rank_error")
def drops_one_value_too_many(W, *, rank):
    return float(np.linalg.norm(np.linalg.svd(W, compute_uv=False)[rank - 1 :]))


@width_k_represents_exactly_the_ranks_up_to_k.refutes("low_rank_error")
def forgets_the_root(W, *, rank):
    return float(np.sum(np.linalg.svd(W, compute_uv=False)[rank:] ** 2))


@legal("low_rank_error")
def peels_off_one_direction_at_a_time(W, *, rank):
    residual = W.copy()
    for _ in range(min(rank, *W.shape)):
        left, value, right = np.linalg.svd(residual)
        residual = residual - value[0] * np.outer(left[:, 0], right[0])
    return float(np.linalg.norm(residual))


@claim(net=two_layers)
def without_a_last_bias_the_offset_lies_in_the_row_space(collapse_linear, net):
    """With a bias in the first layer only, the offset is b₁W₂, a combination of the rows of W₂.

    When K < C, these K rows do not reach every offset.
    """
    _, W1, b1, W2, b2 = net
    _, b = collapse_linear(W1, b1, W2, np.zeros_like(b2))
    assert rank(np.vstack([W2, b])) == rank(W2)
    if len(W2) < len(b2):
        assert any(rank(np.vstack([W2, unit])) > rank(W2) for unit in np.eye(len(b2)))


without_a_last_bias_the_offset_lies_in_the_row_space.refutes("collapse_linear")(adds_the_biases)


@proved()
def a_bottleneck_saves_weights_below_dc_over_d_plus_c(largest_saving_width):
    """Two layers of inner width K have fewer weights than one, K (D + C) < D C, if and only if K < DC/(D + C).

    Multiply by D + C > 0.  That the formula for the largest such width is right is checked for all
    D, C ≤ 60, by counting weights.
    """
    for inputs in range(1, 61):
        for outputs in range(1, 61):
            saving = [k for k in range(1, inputs * outputs + 1) if k * inputs + k * outputs < inputs * outputs]
            assert largest_saving_width(inputs, outputs) == max(saving, default=0)


@a_bottleneck_saves_weights_below_dc_over_d_plus_c.refutes("largest_saving_width")
def rounds_down_and_forgets_that_equal_is_no_saving(inputs, outputs):
    return inputs * outputs // (inputs + outputs)


@a_bottleneck_saves_weights_below_dc_over_d_plus_c.refutes("largest_saving_width")
def takes_the_narrower_side(inputs, outputs):
    return min(inputs, outputs) - 1


@a_bottleneck_saves_weights_below_dc_over_d_plus_c.refutes("largest_saving_width")
def takes_half_the_narrower_side(inputs, outputs):
    return (min(inputs, outputs) - 1) // 2


# They are one function, but do not train like one


moved_factors = integer_arrays(W1="DK", W2="KC", g="DC", step_W1="DK", step_W2="KC")


@claim(net=moved_factors, lr=dyadic_rates)
def each_factor_gets_the_gradient_through_the_other(factored_sgd_step, net, lr):
    """The chain rule gives the factors the gradients G W₂ᵀ and W₁ᵀG, where G is that of the product W₁W₂.

    Checked without derivatives: the product is linear in each factor, so ⟨G, E W₂⟩ = ⟨∂W₁, E⟩ for
    every E, however long, and likewise for the other.  Whole numbers and dyadic rates do not round.
    """
    W1, W2, g, step_W1, step_W2 = net
    new_W1, new_W2 = factored_sgd_step(W1, W2, g, lr=lr)
    assert equal(np.sum((W1 - new_W1) * step_W1), lr * np.sum(g * (step_W1 @ W2)))
    assert equal(np.sum((W2 - new_W2) * step_W2), lr * np.sum(g * (W1 @ step_W2)))


@each_factor_gets_the_gradient_through_the_other.refutes("factored_sgd_step")
def updates_one_factor_after_the_other(W1, W2, g, *, lr):
    W1 = W1 - lr * g @ W2.T
    return W1, W2 - lr * W1.T @ g


@each_factor_gets_the_gradient_through_the_other.refutes("factored_sgd_step")
def steps_uphill(W1, W2, g, *, lr):
    return W1 + lr * g @ W2.T, W2 + lr * W1.T @ g


@each_factor_gets_the_gradient_through_the_other.refutes("factored_sgd_step")
def gives_both_factors_the_gradient_of_the_product(W1, W2, g, *, lr):
    return W1 - lr * g, W2 - lr * g


@each_factor_gets_the_gradient_through_the_other.refutes("factored_sgd_step")
def forgets_to_transpose_the_other_factor(W1, W2, g, *, lr):
    return W1 - lr * g @ W2, W2 - lr * W1 @ g


@legal("factored_sgd_step")
def differentiates_entry_by_entry(W1, W2, g, *, lr):
    return W1 - lr * np.einsum("dc,kc->dk", g, W2), W2 - lr * np.einsum("dk,dc->kc", W1, g)


@claim(net=factors, lr=dyadic_rates)
def a_step_on_the_factors_is_a_preconditioned_step(factored_sgd_step, net, lr):
    """One step on the factors moves the product W by −η (G W₂ᵀW₂ + W₁W₁ᵀG) + η² G (W₁W₂)ᵀ G, not by −ηG.

    The gradient is multiplied by how large the factors already are, and a term of order η² comes on top.

    Source: Arora, Cohen and Hazan, On the Optimization of Deep Networks, ICML 2018, arXiv 1802.06509.
    """
    W1, W2, g = net
    new_W1, new_W2 = factored_sgd_step(W1, W2, g, lr=lr)
    first_order = g @ W2.T @ W2 + W1 @ W1.T @ g
    assert equal(new_W1 @ new_W2, W1 @ W2 - lr * first_order + lr**2 * g @ (W1 @ W2).T @ g)


a_step_on_the_factors_is_a_preconditioned_step.refutes("factored_sgd_step")(updates_one_factor_after_the_other)


@a_step_on_the_factors_is_a_preconditioned_step.refutes("factored_sgd_step")
def doubles_the_step_because_there_are_two_factors(W1, W2, g, *, lr):
    return W1 - 2 * lr * g @ W2.T, W2 - 2 * lr * W1.T @ g


@claim(net=factors, lr=dyadic_rates)
def balancedness_changes_only_in_second_order(factored_sgd_step, net, lr):
    """A step changes W₁ᵀW₁ − W₂W₂ᵀ by exactly η² (W₂GᵀGW₂ᵀ − W₁ᵀGGᵀW₁).

    There is no term of order η: gradient flow keeps the difference, and gradient descent nearly does.

    Source: Arora, Cohen and Hazan, On the Optimization of Deep Networks, ICML 2018, arXiv 1802.06509.
    """
    W1, W2, g = net
    new_W1, new_W2 = factored_sgd_step(W1, W2, g, lr=lr)
    change = (new_W1.T @ new_W1 - new_W2 @ new_W2.T) - (W1.T @ W1 - W2 @ W2.T)
    assert equal(change, lr**2 * (W2 @ g.T @ g @ W2.T - W1.T @ g @ g.T @ W1))


balancedness_changes_only_in_second_order.refutes("factored_sgd_step")(updates_one_factor_after_the_other)


@balancedness_changes_only_in_second_order.refutes("factored_sgd_step")
def trains_only_the_first_factor(W1, W2, g, *, lr):
    return W1 - lr * g @ W2.T, W2.copy()


tasks = integer_arrays(x="ND", y="NC", hidden="K")


@claim(task=tasks)
def zero_factors_are_a_saddle_that_descent_never_leaves(factored_sgd_step, task):
    """At W₁ = W₂ = 0 both gradients vanish, and wherever the product's gradient G does not, this is a saddle.

    The loss is ½‖x W₁W₂ − y‖² and G = −xᵀy.  With u = t eᵢ and v = −t sign(Gᵢⱼ) eⱼ in one hidden unit
    it changes by −t²|Gᵢⱼ| + ½t⁴‖xᵢ‖², which is negative for small t; with the other sign it grows.

    Source: Baldi and Hornik, Neural networks and principal component analysis, Neural Networks 2(1), 1989.
    """
    x, y, hidden = task
    W1, W2 = np.zeros((x.shape[1], len(hidden))), np.zeros((len(hidden), y.shape[1]))
    g = -x.T @ y
    new_W1, new_W2 = factored_sgd_step(W1, W2, g, lr=0.5)
    assert equal(new_W1, W1)
    assert equal(new_W2, W2)
    for i, j in np.argwhere(g)[:1]:
        t = Fraction(1, isqrt(int(np.sum(x[:, i] ** 2))) + 1)  # then t² ‖xᵢ‖² < 1 ≤ |Gᵢⱼ|
        sign = 1 if g[i, j] > 0 else -1
        assert loss_change(x[:, i], y[:, j], -sign * t * t) < 0 < loss_change(x[:, i], y[:, j], sign * t * t)


def loss_change(inputs, targets, product):
    """Return how ½‖inputs · product − targets‖² differs from ½‖targets‖², exactly."""
    return sum((a * product - b) ** 2 - b**2 for a, b in zip(fractions(inputs), fractions(targets), strict=True)) / 2


zero_factors_are_a_saddle_that_descent_never_leaves.refutes("factored_sgd_step")(
    gives_both_factors_the_gradient_of_the_product
)


@zero_factors_are_a_saddle_that_descent_never_leaves.refutes("factored_sgd_step")
def takes_zero_factors_for_ones(W1, W2, g, *, lr):
    return W1 - lr * g @ np.where(W2 == 0, 1.0, W2).T, W2 - lr * np.where(W1 == 0, 1.0, W1).T @ g


@proved()
def small_factors_wait_on_a_plateau(factored_sgd_step):
    """From w₁ = w₂ = 0.01 descent keeps 90 % of the loss for 30 steps, where one weight is below 1 %.

    The loss is ½(w₁w₂ − 1)², and ½(w − 1)² from w = 0, both with η = 0.1.  After 30 steps more the
    two factors are below 1 %, too.  One run, no chance in it.
    """
    W1 = W2 = np.full((1, 1), 0.01)
    losses = []
    for _ in range(61):
        losses.append((W1 * W2 - 1).item() ** 2 / 2)
        W1, W2 = factored_sgd_step(W1, W2, W1 @ W2 - 1, lr=0.1)
    assert losses[30] > 0.9 * losses[0]
    assert losses[60] < 0.01 * losses[0]
    one_weight = (1 - 0.1) ** (2 * 30)  # the loss of one weight shrinks by (1 − η)² a step
    assert one_weight < 0.01


@small_factors_wait_on_a_plateau.refutes("factored_sgd_step")
def steps_by_the_gradient_of_the_product(W1, W2, g, *, lr):
    return W1 - lr * g, W2 - lr * g


@proved()
def two_factors_make_a_saddle_and_a_curved_valley(factored_curvature):
    """Of ½(w₁w₂ − 1)² the stationary points are a saddle at 0 and a valley of minima at w₁w₂ = 1.

    The curvatures are ±1 at the saddle, and in the valley 0 along it and w₁² + 1/w₁² across.

    One weight has ½(w − 1)²: convex, one minimum, curvature 1.  Two factors have a valley of minima
    whose curvature is 2 at best and grows without bound, so the largest stable rate depends on where one is.

    By SymPy; the formula is compared with the Hessian at dyadic points, where float64 is exact.
    """
    import sympy  # noqa: PLC0415

    first, second = w = sympy.symbols("w1 w2", real=True)
    loss = (first * second - 1) ** 2 / 2
    stationary = sympy.solve([sympy.diff(loss, each) for each in w], w, dict=True)
    assert {first: 0, second: 0} in stationary
    assert all(sympy.simplify(loss.subs(point)) == 0 for point in stationary if point != {first: 0, second: 0})
    hessian = sympy.hessian(loss, w)
    assert set(hessian.subs({first: 0, second: 0}).eigenvals()) == {-1, 1}
    on_the_valley = hessian.subs(second, 1 / first)
    assert {sympy.simplify(value) for value in on_the_valley.eigenvals()} == {
        0,
        sympy.simplify(first**2 + 1 / first**2),
    }
    for power in sorted(range(-8, 9), key=abs):
        for sign in (1, -1):
            curvature = on_the_valley.trace().subs(first, sign * sympy.Integer(2) ** power)
            assert factored_curvature(sign * 2.0**power) == float(curvature)


@two_factors_make_a_saddle_and_a_curved_valley.refutes("factored_curvature")
def takes_the_curvature_of_one_weight(w):
    return 1.0


@two_factors_make_a_saddle_and_a_curved_valley.refutes("factored_curvature")
def forgets_the_other_factor(w):
    return w**2


@two_factors_make_a_saddle_and_a_curved_valley.refutes("factored_curvature")
def adds_the_factors_instead_of_their_squares(w):
    return w + 1 / w


@legal("factored_curvature")
def from_the_fourth_power(w):
    return (w**4 + 1) / w**2


@claim(net=factors, scale=small_units)
def weight_decay_on_factors_is_the_nuclear_norm(balanced_factors, net, scale):
    """The least weight decay ½(‖W₁‖² + ‖W₂‖²) over all factors of W is the sum of its singular values.

    That sum is the nuclear norm: decaying two layers pulls their product towards low rank, where
    decaying one shrinks it evenly.  The balanced factors multiply to W and cost its nuclear norm;
    random factors of the same product never cost less.  A small W, of entries near 10⁻¹², has its factors, too.

    Source: Srebro, Rennie and Jaakkola, Maximum-Margin Matrix Factorization, NIPS 17, 2004.
    """
    W = scale * (net.W1 @ net.W2)
    W1, W2 = balanced_factors(W)
    # Each singular value is known to a few ε of the largest; their roots and products add a few roundings more.
    slack = 32 * max(W.shape) * eps * np.linalg.norm(W)
    cost = (np.sum(W1**2) + np.sum(W2**2)) / 2
    assert within(W1 @ W2, W, slack)
    assert within(cost, np.linalg.svd(W, compute_uv=False).sum(), slack)
    assert at_most(cost, scale * (np.sum(net.W1**2) + np.sum(net.W2**2)) / 2 + slack)


@weight_decay_on_factors_is_the_nuclear_norm.refutes("balanced_factors")
def drops_small_singular_values(W):
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    roots = np.sqrt(np.where(singular_values < 1e-6, 0.0, singular_values))
    return U * roots, roots[:, None] * Vt


@weight_decay_on_factors_is_the_nuclear_norm.refutes("balanced_factors")
def leaves_all_singular_values_to_one_factor(W):
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    return U * singular_values, Vt


@weight_decay_on_factors_is_the_nuclear_norm.refutes("balanced_factors")
def gives_the_singular_values_to_both_factors(W):
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    return U * singular_values, singular_values[:, None] * Vt


@weight_decay_on_factors_is_the_nuclear_norm.refutes("balanced_factors")
def takes_the_matrix_itself_and_the_identity(W):
    return W.copy(), np.eye(W.shape[1])


@legal("balanced_factors")
def turns_the_hidden_units(W):
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    turn, _ = np.linalg.qr(np.cos(np.arange(len(Vt) ** 2, dtype=float)).reshape(len(Vt), len(Vt)))
    return U * np.sqrt(singular_values) @ turn, turn.T * np.sqrt(singular_values) @ Vt


# Measured on digits


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def stacked_linear_layers_stay_at_one(linear_stack_forward, linear_stack_backward, seeds):
    """On digits, linear layers in a row stay at the training accuracy of one, where a ReLU layer exceeds it.

    The question is whether a digit is at least five.  Two to four linear layers of width 32 end between
    6 points below and 2 above the logistic optimum of one affine layer (91 %), one ReLU layer of that
    width at least 3 above it.  24 of 30 seeds must succeed, and the run stops once that is settled.

    In 1000 calibration runs all succeeded: the stacks ended 3.7 to 0.1 points below the optimum, the
    ReLU layers 4.9 to 7.1 above.  The lower margin is for the training, which lasts five epochs; the
    upper for the optimum, which is one of the loss and not of the errors.
    """
    x, y = digits()
    x, y = x - x.mean(axis=0), (y >= 5).astype(np.int64)  # a label that no affine layer gets right everywhere
    best_affine = lab.logistic_optimum(x, y)
    recipe = {"epochs": 5, "batch_size": 256, "lr": 0.3, "momentum": 0.9}
    reached = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        sizes = [64, *[32] * (1 + seed % 3), 2]
        layers = lab.train(
            lab.draw_layers(sizes, rng), x, y, linear_stack_forward, linear_stack_backward, rng, **recipe
        )
        stack = lab.accuracy(linear_stack_forward(x, *layers)[0], y)
        if not -0.06 <= stack - best_affine <= 0.02:
            return False
        layers = lab.train(lab.draw_layers([64, 32, 2], rng), x, y, lab.relu_forward, lab.relu_backward, rng, **recipe)
        relu = lab.accuracy(lab.relu_forward(x, *layers)[0], y)
        reached.append((stack, relu))
        return relu - best_affine >= 0.03

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    stack, relu = np.mean(reached, axis=0)
    return {"affine": best_affine, "stack": stack, "relu": relu}


@stacked_linear_layers_stay_at_one.refutes("linear_stack_forward", linear_stack_backward=lab.relu_backward)
def trains_a_relu_between_the_layers(x, weights, biases):
    return lab.relu_forward(x, weights, biases)


@stacked_linear_layers_stay_at_one.refutes("linear_stack_backward", linear_stack_forward=plain_forward)
def leaves_all_but_the_last_layer_as_drawn(d_out, cache):
    return trains_only_the_last_layer(d_out, cache)


# Often said, but false


@myth(net=factors, refuted_by={"net": case(W1=[[0]], W2=[[0]], g=[[1]])})
def two_linear_layers_train_like_one(factored_sgd_step, net):
    """Two linear layers are one function, so they train like one."""
    W1, W2, g = net
    new_W1, new_W2 = factored_sgd_step(W1, W2, g, lr=0.5)
    assert equal(new_W1 @ new_W2, W1 @ W2 - 0.5 * g)


@myth(net=two_float_layers, refuted_by={"net": case(x=[[3]], W1=[[3]], b1=[0], W2=[[0.1]], b2=[0])})
def collapsing_changes_no_bit(collapse_linear, net):
    """Replacing two linear layers by one leaves every output as it was, bit for bit."""
    x, W1, b1, W2, b2 = net
    W, b = collapse_linear(W1, b1, W2, b2)
    assert equal(x @ W + b, (x @ W1 + b1) @ W2 + b2)


widths = choices(1, 2, 3, 4)


@myth(inputs=widths, width=widths, outputs=widths, refuted_by={"inputs": 2, "width": 1, "outputs": 3})
def two_layers_always_have_more_weights(largest_saving_width, inputs, width, outputs):
    """Two linear layers have more weights than the one that they equal."""
    assert width > largest_saving_width(inputs, outputs)


@myth(net=small_integer_arrays(W="DC"), refuted_by={"net": case(W=[[1, 0], [0, 1]])})
def another_linear_layer_loses_nothing(low_rank_error, net):
    """A further linear layer does no harm: whatever one layer can compute, two can, of any inner width."""
    assert low_rank_error(net.W, rank=1) < 1e-9 * max(np.linalg.norm(net.W), 1.0)


squares = small_integer_arrays(W1="AA", b1="A", W2="AA", b2="A")


@myth(net=squares, refuted_by={"net": case(W1=[[1]], b1=[0], W2=[[0]], b2=[0])})
def the_second_layer_passes_its_input_on_unchanged(collapse_linear, net):
    """The input passes the second of two linear layers without change."""
    W, b = collapse_linear(*net)
    assert equal(W, net.W1)
    assert equal(b, net.b1)


signed = choices(2.0, 0.5, 1.0, -2.0, -0.5)


@myth(first=signed, second=signed, refuted_by={"first": 2.0, "second": 0.5})
def two_linear_layers_fail_because_weights_above_1_blow_up(collapse_linear, first, second):
    """Two linear layers are pointless because weights above 1 in size make the signal blow up."""
    W, _ = collapse_linear(np.array([[first]]), np.zeros(1), np.array([[second]]), np.zeros(1))
    assert abs(first * second) > 1 or W[0, 0] != first * second
