"""Q23: how a ReLU network is a linear classifier, how many units that takes, and what it needs besides."""

from fractions import Fraction
from itertools import pairwise, product
from math import ceil, hypot

import numpy as np

from claims import claim, legal, measured, myth, proved
from claims.toolbox.comparison import at_most, equal, gamma, within
from claims.toolbox.data import breast_cancer, digits, standardised, wine
from claims.toolbox.exact import rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import (
    case,
    choices,
    integer_arrays,
    logit_arrays,
    real_arrays,
    small_integer_arrays,
)

shapes = {"x": "ND", "W": "DC", "b": "C"}
affine_maps = integer_arrays(**shapes)
float_maps = real_arrays(**shapes)


def rectified(z):
    return np.maximum(z, 0.0)


def network(x, W1, b1, W2, b2, relu=rectified):
    """Return the output (N, C) of a network with one hidden layer."""
    return relu(x @ W1 + b1) @ W2 + b2


# Two units are a linear function


@claim(at=logit_arrays(z="N"))
def relu_pair_is_the_identity(relu, at):
    """Two ReLUs are the identity: relu(z) − relu(−z) = z, on every finite float to the last bit.

    One of the two is 0, and the other is z or −z unchanged.
    """
    assert equal(relu(at.z) - relu(-at.z), at.z)


@relu_pair_is_the_identity.refutes("relu")
def takes_the_size(x):
    return np.abs(x)


@relu_pair_is_the_identity.refutes("relu")
def is_cut_off_at_6(x):
    return np.clip(x, 0, 6)


@relu_pair_is_the_identity.refutes("relu")
def leaks(x):
    return np.where(x > 0, x, 0.01 * x)


@relu_pair_is_the_identity.refutes("relu")
def starts_at_1(x):
    return np.where(x >= 1, x, 0.0)


@relu_pair_is_the_identity.refutes("relu")
def loses_what_is_tiny(x):
    return np.maximum(x + 1.0, 1.0) - 1.0


@claim(net=affine_maps)
def two_relu_units_per_output_equal_any_affine_map(lift_to_relu, net):
    """Two hidden ReLUs per output are enough to equal x W + b for every x, not only in some region.

    Exactly: all entries are whole numbers, and float64 does not round their sums of products.
    """
    x, W, b = net
    W1, b1, W2, b2 = lift_to_relu(W, b)
    assert at_most(len(b1), 2 * len(b))
    assert equal(network(x, W1, b1, W2, b2), x @ W + b)


def both_signs(W, b, *, hidden_b=None, upper=1.0, lower=-1.0, b2=0.0):
    """Return a network of the units relu(x W + b) and relu(−x W + …), with the given output weights."""
    identity, hidden_b = np.eye(len(b)), -b if hidden_b is None else hidden_b
    W2 = np.vstack([upper * identity, lower * identity])
    return np.hstack([W, -W]), np.concatenate([b, hidden_b]), W2, b2 + np.zeros(len(b))


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def takes_one_unit_per_output(W, b):
    return W.copy(), b.copy(), np.eye(len(b)), np.zeros(len(b))


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def adds_the_two_units(W, b):
    return both_signs(W, b, lower=1.0)


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def forgets_to_negate_the_bias(W, b):
    return both_signs(W, b, hidden_b=b)


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def gives_the_second_unit_no_bias(W, b):
    return both_signs(W, b, hidden_b=np.zeros_like(b))


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def adds_the_bias_in_both_layers(W, b):
    return both_signs(W, b, b2=b)


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def averages_the_two_units(W, b):
    return both_signs(W, b, upper=0.5, lower=-0.5)


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def spends_four_units_per_output(W, b):
    W1, b1, W2, b2 = both_signs(W, b, upper=0.5, lower=-0.5)
    return np.hstack([W1, W1]), np.concatenate([b1, b1]), np.vstack([W2, W2]), b2


@two_relu_units_per_output_equal_any_affine_map.refutes("lift_to_relu")
def mixes_up_the_order_of_the_units(W, b):
    W1, b1, W2, b2 = both_signs(W, b)
    order = np.arange(2 * len(b)).reshape(2, -1).T.ravel()
    return W1[:, order], b1[order], W2, b2


@legal("lift_to_relu")
def keeps_the_bias_for_the_output(W, b):
    columns = [sign * column for column in W.T for sign in (2.0, -0.5)]
    weights = np.kron(np.eye(len(b)), [[0.5], [-2.0]])
    return np.array(columns).T.copy(), np.zeros(2 * len(b)), weights, b.copy()


@claim(net=float_maps)
def lifting_errs_only_by_rounding(lift_to_relu, net):
    """On floats the ReLU network differs from x W + b by rounding alone.

    The outputs agree within 3γ (|x||W| + |b|), γ for D + 2 roundings in a row.  The two units of a pair may
    round z differently, where the matrix product sums one column in another order than its opposite.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, section 3.1.
    """
    x, W, b = net
    # A score passes D products and sums, a bias and one last sum; it is computed three times, by two units and by x W.
    bound = 3 * gamma(len(W) + 2) * (abs(x) @ abs(W) + abs(b))
    assert within(network(x, *lift_to_relu(W, b)), x @ W + b, bound)


@lifting_errs_only_by_rounding.refutes("lift_to_relu")
def shifts_by_a_million(W, b):
    return W.copy(), b + 1e6, np.eye(len(b)), np.full(len(b), -1e6)


@lifting_errs_only_by_rounding.refutes("lift_to_relu")
def lifts_in_single_precision(W, b):
    return both_signs(W.astype(np.float32).astype(np.float64), b)


lifting_errs_only_by_rounding.refutes("lift_to_relu")(forgets_to_negate_the_bias)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=3000, runs=3000))
def logistic_regression_embeds_exactly(lift_to_relu, seeds):
    """On real data, logistic regression turned into a ReLU network gives every row the label that it gave.

    Wine (3 growers), breast cancer (2 classes) and digits (10) in turn, standardised, each fitted by
    scikit-learn on another bootstrap sample; the labels of all rows are compared.  24 of 30 seeds must
    agree, and the run stops once that is settled.  In 3000 calibration runs all did: the scores differed
    by 3e-14 at most, and no two best scores of a row were closer than 4e-6.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an optional library, needed only here

    def agrees(seed):
        x, y = (wine, breast_cancer, digits)[seed % 3]()
        (x,) = standardised(x)
        rows = np.random.default_rng(seed).integers(len(x), size=len(x))
        found = LogisticRegression(C=0.1, max_iter=1000, tol=1e-2).fit(x[rows], y[rows])
        scores = network(x, *lift_to_relu(found.coef_.T.copy(), found.intercept_))
        labels = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0
        return equal(found.classes_[labels.astype(int)], found.predict(x))

    assert at_least(24, 30, ((seed, agrees(seed)) for seed in seeds))


logistic_regression_embeds_exactly.refutes("lift_to_relu")(adds_the_two_units)
logistic_regression_embeds_exactly.refutes("lift_to_relu")(forgets_to_negate_the_bias)
logistic_regression_embeds_exactly.refutes("lift_to_relu")(mixes_up_the_order_of_the_units)


# How few units


factors = small_integer_arrays(x="ND", A="DK", B="KC")


@claim(net=factors)
def two_units_per_rank_are_the_fewest(fewest_relu_units, net):
    """In one hidden layer, 2 rank W ReLUs are enough to equal x W + b for every x, and fewer are not.

    Enough: W = A B with inner width K = rank W, and K pairs of units give x A.  The network tried here is
    that, for any A and B.  Not fewer: let f(x) = relu(x U + c) V + d equal x W + b.  Then f(tx)/t for t → ∞
    says relu(x U) V = x W.  Add the same at −x: |x U| V = 0.  Group the units by the line ±n on which their
    column of U lies; the functions |x·n| of different lines are linearly independent, so in every group the
    sizes of the columns, times the rows of V, sum to 0.  A group of one unit thus has V = 0.  Subtract
    instead: x U V = 2 x W, and each group adds rank 1 at most.  So rank W groups have two units or more.
    """
    x, A, B = net
    W = A @ B
    fewest = fewest_relu_units(W)
    assert equal(network(x, np.hstack([A, -A]), 0.0, np.vstack([B, -B]), 0.0), x @ W)
    assert at_most(fewest, 2 * len(B))
    assert fewest == 2 * rank(W)


@two_units_per_rank_are_the_fewest.refutes("fewest_relu_units")
def counts_two_per_output(W):
    return 2 * W.shape[1]


@two_units_per_rank_are_the_fewest.refutes("fewest_relu_units")
def counts_two_per_input(W):
    return 2 * len(W)


@two_units_per_rank_are_the_fewest.refutes("fewest_relu_units")
def counts_two_per_input_or_output(W):
    return 2 * min(W.shape)


@two_units_per_rank_are_the_fewest.refutes("fewest_relu_units")
def counts_one_per_rank(W):
    return int(np.linalg.matrix_rank(W))


@two_units_per_rank_are_the_fewest.refutes("fewest_relu_units")
def lets_one_unit_shift_all(W):
    return int(np.linalg.matrix_rank(W)) + 1


@legal("fewest_relu_units")
def counts_the_directions_that_survive(W):
    values = np.linalg.eigvalsh(W.T @ W)
    return 2 * int(np.sum(values > 1e-9 * max(1.0, values[-1])))


units = integer_arrays(w="D", b="", v="", c="")


@claim(net=units)
def one_relu_unit_is_never_a_nonconstant_affine_function(relu, net):
    """One ReLU unit, v relu(w·x + b) + c, is constant on a half-space: if it is affine, it is constant everywhere.

    It is compared at −tw and −2tw with t = 1 + |b|, deep in that half-space if w ≠ 0: there it does
    not change, and an affine function that does not change along w, the only direction it sees, is constant.
    """
    w, b, v, c = net
    near, far = (v * relu(w @ (-t * w) + b) + c for t in (1 + abs(b), 2 + 2 * abs(b)))
    assert equal(near, far)


@one_relu_unit_is_never_a_nonconstant_affine_function.refutes("relu")
def passes_everything_on(x):
    return x + 0.0


@one_relu_unit_is_never_a_nonconstant_affine_function.refutes("relu")
def is_smooth(x):
    return np.logaddexp(0, x)


one_relu_unit_is_never_a_nonconstant_affine_function.refutes("relu")(leaks)
one_relu_unit_is_never_a_nonconstant_affine_function.refutes("relu")(takes_the_size)


balls = integer_arrays(w="D", x="D")


@claim(net=balls, scale=choices(1.0, 2.0**-30, 2.0**30))
def bias_shift_is_exact_on_the_ball(ball_bias, net, scale):
    """One unit is enough for ‖x‖ ≤ R: relu(w·x + B) − B = w·x on the whole ball if and only if B ≥ R ‖w‖.

    The unit passes w·x on where w·x ≥ −B, and the least w·x of the ball is −R ‖w‖, at x = −R w/‖w‖
    (Cauchy and Schwarz).  Here R is ‖x‖, rounded up to a whole number, and B is as well, so that nothing is rounded.
    """
    w, x = scale * net.w, net.x
    radius = float(ceil(hypot(*x)))
    B = ball_bias(w, radius=radius)
    least_squared = Fraction(radius) ** 2 * sum(Fraction(each) ** 2 for each in w.tolist())
    # B is known to D products and sums, a root and a product; its square is off by twice that.
    slack = 2 * gamma(len(w) + 3) * float(least_squared)
    assert B >= 0
    assert within(float(Fraction(B) ** 2 - least_squared), 0.0, slack)
    whole = scale * ceil(B / scale)
    assert equal(rectified(w @ x + whole) - whole, w @ x)


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def forgets_the_radius(w, *, radius):
    return float(np.linalg.norm(w))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def forgets_the_root(w, *, radius):
    return radius * float(w @ w)


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def squares_the_radius(w, *, radius):
    return radius**2 * float(np.linalg.norm(w))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def takes_the_diameter(w, *, radius):
    return 2 * radius * float(np.linalg.norm(w))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def takes_three_quarters(w, *, radius):
    return 0.75 * radius * float(np.linalg.norm(w))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def takes_the_largest_weight(w, *, radius):
    return radius * float(np.max(np.abs(w)))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def takes_the_sum_of_sizes(w, *, radius):
    return radius * float(np.sum(np.abs(w)))


@bias_shift_is_exact_on_the_ball.refutes("ball_bias")
def adds_a_bit_for_safety(w, *, radius):
    return radius * float(np.linalg.norm(w)) + 1e-6


@legal("ball_bias")
def measures_the_scaled_weights(w, *, radius):
    return hypot(*(radius * w).tolist())


# A classifier needs less than the function


@claim(at=logit_arrays(z="N"))
def one_relu_unit_is_a_binary_linear_classifier(relu, at):
    """One ReLU unit is a binary linear classifier: relu(z) > 0 exactly where z > 0, on every finite float.

    So the boundary is the hyperplane w·x + b = 0, which counts as negative; −relu(−z) ≥ 0 exactly where
    z ≥ 0 is the same for those who count it as positive.
    """
    assert equal(relu(at.z) > 0, at.z > 0)
    assert equal(-relu(-at.z) >= 0, at.z >= 0)


@one_relu_unit_is_a_binary_linear_classifier.refutes("relu")
def keeps_the_negative_part(x):
    return np.minimum(x, 0.0)


one_relu_unit_is_a_binary_linear_classifier.refutes("relu")(takes_the_size)
one_relu_unit_is_a_binary_linear_classifier.refutes("relu")(is_smooth)
one_relu_unit_is_a_binary_linear_classifier.refutes("relu")(starts_at_1)
one_relu_unit_is_a_binary_linear_classifier.refutes("relu")(loses_what_is_tiny)


def winners(scores):
    return scores == scores.max(axis=-1, keepdims=True)


@claim(at=integer_arrays(z="C"))
def relu_keeps_the_winner_only_if_a_score_is_positive(relu, at):
    """A ReLU on the scores keeps the set of winners if and only if a score is positive, or all are equal.

    Otherwise all outputs are 0, and all classes win.  Scores from which the least has been subtracted
    are not negative, so the ReLU leaves them as they are.
    """
    z = at.z
    kept = bool(equal(winners(relu(z)), winners(z)))
    assert kept == bool(z.max() > 0 or z.max() == z.min())
    assert equal(relu(z - z.min()), z - z.min())


relu_keeps_the_winner_only_if_a_score_is_positive.refutes("relu")(leaks)
relu_keeps_the_winner_only_if_a_score_is_positive.refutes("relu")(takes_the_size)
relu_keeps_the_winner_only_if_a_score_is_positive.refutes("relu")(is_cut_off_at_6)
relu_keeps_the_winner_only_if_a_score_is_positive.refutes("relu")(is_smooth)


@claim(net=affine_maps)
def one_relu_per_class_is_a_linear_classifier(centre_classes, net):
    """One ReLU per class is enough to classify like x W + b, if the mean over the classes is subtracted first.

    Scores that sum to 0 have a positive one among them, or all are 0: either way a ReLU keeps the
    winners.  All are whole numbers times 12, so that their means over 1 to 4 classes are whole; on
    floats a tie may be broken by rounding.
    """
    x, W, b = net.x, 12 * net.W, 12 * net.b
    centred_W, centred_b = centre_classes(W, b)
    assert equal(winners(rectified(x @ centred_W + centred_b)), winners(x @ W + b))


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def takes_the_scores_as_they_are(W, b):
    return W.copy(), b.copy()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def centres_over_the_inputs(W, b):
    return W - W.mean(axis=0), b - b.mean()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def leaves_the_bias_uncentred(W, b):
    return W - W.mean(axis=1, keepdims=True), b.copy()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def centres_only_the_bias(W, b):
    return W.copy(), b - b.mean()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def takes_one_mean_of_all_weights(W, b):
    return W - W.mean(), b - b.mean()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def subtracts_the_least_weight_of_each_input(W, b):
    return W - W.min(axis=1, keepdims=True), b - b.min()


@one_relu_per_class_is_a_linear_classifier.refutes("centre_classes")
def subtracts_the_first_class(W, b):
    return W - W[:, :1], b - b[0]


@legal("centre_classes")
def sums_up_the_leads_over_every_class(W, b):
    """Score j is Σₖ (zⱼ − zₖ), C times as large."""
    leads = W[:, :, None] - W[:, None, :]
    return leads.sum(axis=2), np.subtract.outer(b, b).sum(axis=1)


batches = real_arrays(x="ND", preference="NC")


@claim(net=batches, weight_decay=choices(0.0, 0.25))
def softmax_regression_has_scores_that_sum_to_zero(softmax, net, weight_decay):
    """Softmax regression that starts from zero weights and follows the gradient has scores that sum to 0.

    The gradient xᵀ(p − onehot)/N sums to 0 over the classes, because probabilities and onehot labels both
    sum to 1; so do weight decay's share of it, and with them the weights after any number of steps.
    Adam, which divides each entry by its own size, need not keep the sum.
    """
    x, targets = net.x, np.eye(net.preference.shape[1])[net.preference.argmax(axis=1)]
    W, largest, steps = np.zeros((x.shape[1], targets.shape[1])), 0.0, 3
    for _ in range(steps):
        logits = x @ W
        largest = max(largest, np.max(abs(logits)))
        W = W - 0.5 * (x.T @ (softmax(logits) - targets) / len(x) + weight_decay * W)
    # A step moves W by the mean size of x at most, over N and C sums and a few more roundings; a softmax that takes
    # its logarithm first rounds that, too, which errs in proportion to the logits.  Then the C entries are summed.
    bound = steps * len(W.T) * gamma(len(x) + len(W.T) + 8 + 2 * largest) * np.mean(abs(x), axis=0)
    assert within(W.sum(axis=1), np.zeros(len(W)), bound)


@softmax_regression_has_scores_that_sum_to_zero.refutes("softmax")
def takes_a_sigmoid_for_each_class(logits, *, temperature=1.0):
    return (1 + np.tanh(logits / temperature / 2)) / 2


@softmax_regression_has_scores_that_sum_to_zero.refutes("softmax")
def shares_out_over_the_batch(logits, *, temperature=1.0):
    e = np.exp(logits - logits.max(axis=0))
    return e / e.sum(axis=0)


@softmax_regression_has_scores_that_sum_to_zero.refutes("softmax")
def forgets_to_normalise(logits, *, temperature=1.0):
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


@softmax_regression_has_scores_that_sum_to_zero.refutes("softmax")
def shares_in_single_precision(logits, *, temperature=1.0):
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float32))
    return (e / e.sum(axis=-1, keepdims=True)).astype(np.float64)


@claim(net=affine_maps)
def even_an_output_relu_can_leave_the_classifier_alone(lift_to_all_relu, net):
    """With a ReLU behind the output, too, scores can be those of x W + b, but for one shift for all classes.

    Score j is relu(zⱼ) + Σ_{k≠j} relu(−zₖ) = zⱼ + Σₖ relu(−zₖ).  No term is negative, so the last ReLU
    changes nothing, and one number for all classes changes neither the order nor the softmax.
    Exactly, on whole numbers.
    """
    x, W, b = net
    W1, b1, W2, b2 = lift_to_all_relu(W, b)
    out, z = rectified(network(x, W1, b1, W2, b2)), x @ W + b
    assert at_most(len(b1), 2 * len(b))
    assert equal(out - out[:, :1], z - z[:, :1])


def raised(W, b, *, upper, lower, b2=0.0):
    """Return a network of the units relu(±(x W + b)), with output weights from functions of the identity."""
    identity = np.eye(len(b))
    W2 = np.vstack([upper(identity), lower(identity)])
    return np.hstack([W, -W]), np.concatenate([b, -b]), W2, np.full(len(b), b2)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def lifts_and_hopes_that_scores_are_positive(W, b):
    return both_signs(W, b)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def adds_a_large_bias(W, b):
    return both_signs(W, b, b2=10.0)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def drops_the_negative_parts(W, b):
    return raised(W, b, upper=lambda identity: identity, lower=lambda identity: 0 * identity)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def counts_the_own_class_too(W, b):
    return raised(W, b, upper=lambda identity: identity, lower=np.ones_like)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def lets_the_others_winning_count(W, b):
    return raised(W, b, upper=lambda identity: 1 - identity, lower=lambda identity: identity)


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def averages_over_the_others(W, b):
    return raised(W, b, upper=lambda identity: identity, lower=lambda identity: (1 - identity) / max(len(b) - 1, 1))


@even_an_output_relu_can_leave_the_classifier_alone.refutes("lift_to_all_relu")
def leaves_the_bias_out(W, b):
    return raised(W, 0 * b, upper=lambda identity: identity, lower=lambda identity: 1 - identity)


@legal("lift_to_all_relu")
def measures_from_the_first_class(W, b):
    """Score j is (zⱼ − z₁) + Σₖ relu(z₁ − zₖ), which takes two units less."""
    ahead, ahead_b = W[:, 1:] - W[:, :1], b[1:] - b[0]
    own = np.eye(len(b))[1:]
    return np.hstack([ahead, -ahead]), np.concatenate([ahead_b, -ahead_b]), np.vstack([own, 1 - own]), np.zeros(len(b))


# What a ReLU network is besides


corners = small_integer_arrays(x="D", step="D", W1="DH", b1="H", W2="HK", b2="K", W3="KC")


@claim(net=corners)
def affine_on_each_activation_region(relu, net):
    """Where no pre-activation is 0, a ReLU network is affine in a neighbourhood, however deep it is.

    Between x and a nearby x + u no unit changes sides, and the value half-way is the mean of the
    two, exactly: biases with fractions ½ and ¼ keep the whole-numbered layers off their kinks, and
    u is a drawn step over 2¹¹.
    """
    x, step, W1, b1, W2, b2, W3 = net

    def output(at):
        return relu(network(at, W1, b1 + 0.5, W2, b2 + 0.25, relu)) @ W3

    start, middle, end = (output(x + t * step) for t in (0.0, 2.0**-12, 2.0**-11))
    assert equal(2 * middle, start + end)


@affine_on_each_activation_region.refutes("relu")
def squares_the_positive_part(x):
    return np.maximum(x, 0.0) ** 2


@affine_on_each_activation_region.refutes("relu")
def weighs_x_by_its_sigmoid(x):
    return x * 0.5 * (1 + np.tanh(x / 2))


affine_on_each_activation_region.refutes("relu")(is_smooth)


bias_free = small_integer_arrays(x="ND", W1="DH", W2="HK", W3="KC")


@claim(net=bias_free, c=choices(2.0, 0.5, 3.0, 0.25))
def bias_free_relu_net_is_positively_homogeneous(relu, net, c):
    """Without biases a ReLU network has f(cx) = c f(x) for c > 0: along a ray from the origin the label stays.

    The largest score stays the largest, and a positive one positive.  So it cannot tell x = 1 from x = 2.
    """
    x, *weights = net

    def output(a):
        for W in weights[:-1]:
            a = relu(a @ W)
        return a @ weights[-1]

    assert equal(output(c * x), c * output(x))


bias_free_relu_net_is_positively_homogeneous.refutes("relu")(is_cut_off_at_6)
bias_free_relu_net_is_positively_homogeneous.refutes("relu")(is_smooth)
bias_free_relu_net_is_positively_homogeneous.refutes("relu")(squares_the_positive_part)
bias_free_relu_net_is_positively_homogeneous.refutes("relu")(starts_at_1)


def alternating_slopes(leftward):
    """Return jumps of slope with which the pieces between the kinks rise and fall in turn, None if there are none.

    Unit i has its kink at the i-th place from the left and is active to the left of it if `leftward[i]`.
    Z3 decides: these are linear inequalities.
    """
    import z3  # noqa: PLC0415 - an optional library, needed only here

    jumps = [z3.Real(f"jump {i}") for i in range(len(leftward))]
    first = -sum(jump for jump, left in zip(jumps, leftward, strict=True) if left)
    solver = z3.Solver()
    for i in range(len(jumps) + 1):
        solver.add((-1) ** i * (first + sum(jumps[:i])) > 0)
    if solver.check() == z3.unsat:
        return None
    return [solver.model().eval(jump, model_completion=True).as_fraction() for jump in jumps]


def sign_changes(leftward, jumps):
    """Return how often a network with these units changes sign, its kinks spaced so that each piece crosses 0."""
    slopes = [-sum(jump for jump, left in zip(jumps, leftward, strict=True) if left)]
    slopes += [slopes[0] + sum(jumps[: i + 1]) for i in range(len(jumps))]
    kinks = [Fraction(0)]
    for slope in slopes[1:-1]:
        kinks.append(kinks[-1] + 2 / abs(slope))

    def output(x):
        return sum(
            jump * max(kink - x if left else x - kink, 0)
            for jump, kink, left in zip(jumps, kinks, leftward, strict=True)
        )

    bias = 1 - output(kinks[0])
    places = [-2 / abs(slopes[0]), *kinks, kinks[-1] + 2 / abs(slopes[-1])]
    return sum(output(before) + bias > 0 > output(after) + bias for before, after in pairwise(places)) + sum(
        output(before) + bias < 0 < output(after) + bias for before, after in pairwise(places)
    )


@proved()
def number_of_sign_changes_in_one_dimension(max_sign_changes):
    """On a line, H hidden ReLUs change the output's sign up to H + 1 times, but only H times for H ≤ 2.

    H units make H + 1 straight pieces at most.  Between two changes of sign the slope changes its own,
    so k changes need k pieces that rise and fall in turn, and H + 1 changes all of them.  A unit active to
    the right of its kink adds nothing left of it, and the reverse, so the first slope is minus the jumps of
    the leftward units.  For H = 1 and 2 that leaves no slopes that alternate, and a solver agrees; for
    H = 3, 4 and 5 it finds some, and the network made of them is evaluated in fractions.  From there,
    one more unit to the right turns the last piece back, for any H.
    """
    assert max_sign_changes(0) == 0
    for hidden in (1, 2):
        assert all(alternating_slopes(left) is None for left in product((True, False), repeat=hidden))
        values = [x - 1 if hidden == 1 else abs(x) - 1 for x in (-2, 0, 2)]
        assert max_sign_changes(hidden) == sum(a * b < 0 for a, b in pairwise(values)) == hidden
    for hidden in (3, 4, 5):
        leftward = tuple(i == 2 for i in range(hidden))
        found = alternating_slopes(leftward)
        assert max_sign_changes(hidden) == sign_changes(leftward, found) == hidden + 1


@number_of_sign_changes_in_one_dimension.refutes("max_sign_changes")
def counts_the_pieces(hidden_units):
    return hidden_units + 1


@number_of_sign_changes_in_one_dimension.refutes("max_sign_changes")
def counts_the_kinks(hidden_units):
    return hidden_units


@number_of_sign_changes_in_one_dimension.refutes("max_sign_changes")
def lets_three_units_change_sign_three_times(hidden_units):
    return hidden_units if hidden_units <= 3 else hidden_units + 1


@number_of_sign_changes_in_one_dimension.refutes("max_sign_changes")
def counts_all_activation_patterns(hidden_units):
    return 2**hidden_units - 1 if hidden_units <= 2 else 2**hidden_units


@legal("max_sign_changes")
def counts_one_more_from_the_third_unit_on(hidden_units):
    return sum(1 + (unit == 3) for unit in range(1, hidden_units + 1))


# Often said, but false


@myth(refuted_by={})
def a_network_of_relus_cannot_be_linear(lift_to_relu):
    """ReLU is not linear, so a network of ReLUs cannot be a linear classifier."""
    x = np.array([[-1.0], [0.0], [1.0]])
    assert not equal(network(x, *lift_to_relu(np.array([[1.0]]), np.array([0.0]))), x)


@myth(refuted_by={})
def only_zero_weights_make_it_linear(lift_to_relu):
    """A ReLU network is linear only if its weights are zero."""
    W1, b1, W2, b2 = lift_to_relu(np.array([[1.0]]), np.array([0.0]))
    x = np.array([[-1.0], [0.0], [1.0]])
    assert not (np.all(W1) and np.all(W2) and equal(network(x, W1, b1, W2, b2), x))


@myth(at=integer_arrays(z=""), refuted_by={"at": case(z=2)})
def a_classifier_must_output_probabilities(relu, at):
    """A classifier must output probabilities, which ReLU does not, so it is none without a sigmoid or softmax."""
    out = relu(at.z)
    labels_rightly = (out > 0) == (at.z > 0)
    assert out <= 1 or not labels_rightly


@myth(at=small_integer_arrays(z="", B=""), refuted_by={"at": case(z=-1, B=0)})
def one_unit_is_enough_for_a_linear_function(relu, at):
    """One ReLU unit is enough for a linear function: shift it by a bias and take the bias off again."""
    assert equal(relu(at.z + at.B) - at.B, at.z)


@myth(at=integer_arrays(z="C"), refuted_by={"at": case(z=[0, -1])})
def a_relu_on_the_scores_is_harmless(relu, at):
    """A ReLU on the scores of a classifier is harmless, because it is monotone."""
    assert equal(winners(relu(at.z)), winners(at.z))


@myth(net=affine_maps, refuted_by={"net": case(x=[[0]], W=[[0]], b=[1])})
def biases_can_be_left_out(lift_to_relu, net):
    """Biases only fine-tune a ReLU network: without them it can still be any linear classifier."""
    x, W, b = net
    W1, b1, W2, b2 = lift_to_relu(W, b)
    assert equal(network(x, W1, 0 * b1, W2, 0 * b2) > 0, x @ W + b > 0)
