"""Q27: what a dead ReLU unit is, how many examples it takes to find one, what kills it and what keeps it alive."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise, permutations, product

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, raises, within
from claims.toolbox.data import digits
from claims.toolbox.disguises import OneBuffer
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, small_integer_arrays

units = small_integer_arrays(z="NH")
layers = {"x": "ND", "W1": "DH", "b1": "H", "W2": "HC", "b2": "C"}
one_hidden_layer = small_integer_arrays(**layers, d="NC")
two_parts = small_integer_arrays(z="NH", more="MH")
dyadic_rates = choices(0.5, 1.0, 0.25)
small_units = choices(1.0, 2.0**-40)


def columns(*entries):
    """Return the pre-activations of one unit, as a column."""
    return np.array([entries], dtype=float).T


# What a dead unit is


@claim(at=units, scale=choices(1.0, 2.0**-30, 1000.0, 2.0**-900))
def a_unit_is_dead_if_no_example_makes_it_fire(dead_units, at, scale):
    """A ReLU unit is dead on data if z ≤ 0 for each example of them: it then outputs 0 on all.

    One answer for each unit; z = 0 counts as silent, as the slope at 0 is taken to be 0, and with no example all
    units are silent.  However little z is above 0, and however many other examples leave it below, one is enough.
    """
    z = at.z * scale
    crowd = np.full((200, z.shape[1]), -1.0)
    expected = [all(entry <= 0 for entry in column) for column in z.T]
    assert equal(dead_units(z), expected)
    assert equal(dead_units(z), np.maximum(z, 0.0).max(axis=0) == 0)
    assert equal(dead_units(np.vstack([crowd, z])), expected)
    assert equal(dead_units(z[:0]), np.ones(z.shape[1], bool))


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def takes_one_silence_for_death(z):
    return (z <= 0).any(axis=0)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def lets_units_at_0_live(z):
    return (z < 0).all(axis=0)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def judges_by_the_mean(z):
    return z.sum(axis=0) <= 0


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def judges_by_the_mean_activation(z):
    return np.maximum(z, 0).sum(axis=0) < 0.2 * len(z)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def judges_by_the_majority(z):
    return 2 * (z <= 0).sum(axis=0) >= len(z)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def calls_95_per_cent_silence_death(z):
    return np.mean(z <= 0, axis=0) > 0.95 if len(z) else np.ones(z.shape[1], bool)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def takes_activations_below_1e8th_for_0(z):
    return (z <= 1e-8).all(axis=0)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def sums_squares_too_small_for_a_float(z):
    return (np.maximum(z, 0) ** 2).sum(axis=0) == 0


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def looks_for_silent_examples(z):
    return (z <= 0).all(axis=1)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def looks_at_the_first_example(z):
    return z[0] <= 0 if len(z) else np.ones(z.shape[1], bool)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def says_which_units_live(z):
    return (z > 0).any(axis=0)


@a_unit_is_dead_if_no_example_makes_it_fire.refutes("dead_units")
def lets_units_live_where_there_is_no_example(z):
    return (z <= 0).all(axis=0) if len(z) else np.zeros(z.shape[1], bool)


@legal("dead_units")
def finds_no_activation_above_0(z):
    return ~np.maximum(z, 0).any(axis=0)


@legal("dead_units")
def compares_the_largest(z):
    return np.max(z, axis=0, initial=-np.inf) <= 0


@claim(net=one_hidden_layer)
def a_dead_unit_gets_no_gradient_and_is_of_no_use(dead_units, net):
    """A dead unit gets gradient 0 on its incoming and outgoing weights and its bias, and can be left out.

    Whatever the loss says about the outputs; the outputs without it are the same.  Exact on whole numbers.  On
    floats a smaller matrix product may be summed in another order, and differ in the last bit.
    """
    dead = dead_units(net.x @ net.W1 + net.b1)
    out, cache = lab.relu_forward(net.x, [net.W1, net.W2], [net.b1, net.b2])
    _, (d_W1, d_W2), (d_b1, _) = lab.relu_backward(net.d, cache)
    for gradient in (d_W1[:, dead], d_b1[dead], d_W2[dead]):
        assert equal(gradient, np.zeros(gradient.shape))
    without, _ = lab.relu_forward(net.x, [net.W1[:, ~dead], net.W2[~dead]], [net.b1[~dead], net.b2])
    assert equal(without, out)


for mistake in (
    takes_one_silence_for_death,
    judges_by_the_mean,
    judges_by_the_majority,
    looks_at_the_first_example,
    says_which_units_live,
):
    a_dead_unit_gets_no_gradient_and_is_of_no_use.refutes("dead_units")(mistake)


def mean_squared_error_gradients(params, x, y, *, slope):
    """Return the gradients of a network with one hidden layer, with a ReLU's forward pass and the given slopes."""
    (W1, b1), (W2, b2) = params
    z = x @ W1 + b1
    a = np.maximum(z, 0)
    d_out = (a @ W2 + b2 - y) / len(x)
    d_z = d_out @ W2.T * slope(z)
    return [(x.T @ d_z, d_z.sum(axis=0)), (a.T @ d_out, d_out.sum(axis=0))]


@claim(net=one_hidden_layer, lr=dyadic_rates)
def a_dead_first_layer_unit_is_frozen(dead_units, mlp_gradients, net, lr):
    """Plain (stochastic) gradient descent never changes a dead unit of the first layer: no bit of its weights.

    Its pre-activations depend on its own weights and on the data alone, and neither moves.  A step on each half of
    the data and one on all, with the squared error, and relu′(0) = 0.  Deeper units see inputs that others move.
    """
    dead = dead_units(net.x @ net.W1 + net.b1)
    params = [(net.W1, net.b1), (net.W2, net.b2)]
    for batch in (slice(None, None, 2), slice(1, None, 2), slice(None)) if len(net.x) > 1 else [slice(None)] * 3:
        gradients = mlp_gradients(params, net.x[batch], net.d[batch], activation="relu", loss="mse")
        params = [(W - lr * d_W, b - lr * d_b) for (W, b), (d_W, d_b) in zip(params, gradients, strict=True)]
    (W1, b1), (W2, _) = params
    assert equal(W1[:, dead], net.W1[:, dead])
    assert equal(b1[dead], net.b1[dead])
    assert equal(W2[dead], net.W2[dead])


a_dead_first_layer_unit_is_frozen.refutes("dead_units")(looks_at_the_first_example)


@a_dead_first_layer_unit_is_frozen.refutes("mlp_gradients")
def keeps_a_slope_below_0(params, x, y, *, activation="relu", loss="mse"):
    return mean_squared_error_gradients(params, x, y, slope=lambda z: np.where(z > 0, 1.0, 0.25))


@a_dead_first_layer_unit_is_frozen.refutes("mlp_gradients")
def forgets_the_slope_of_the_activation(params, x, y, *, activation="relu", loss="mse"):
    return mean_squared_error_gradients(params, x, y, slope=np.ones_like)


@a_dead_first_layer_unit_is_frozen.refutes("mlp_gradients")
def decays_the_weights_as_well(params, x, y, *, activation="relu", loss="mse"):
    gradients = mean_squared_error_gradients(params, x, y, slope=lambda z: z > 0)
    return [(d_W + W / 4, d_b) for (W, _), (d_W, d_b) in zip(params, gradients, strict=True)]


@proved()
def a_dead_unit_may_wake(dead_units):
    """Dead on these data is not dead for ever: new data, momentum, an earlier layer or weight decay may wake it.

    All with one unit z = wx + b, dead at first.  New data: w = 1, b = 0 is dead at x = −1 and not at x = 1.
    Momentum: w = 0, b = −¼, no gradient, but a buffer −1 on the bias from before: one step with η = 1 and μ = ½
    makes b = ¼.  An earlier layer: w = −1, b = ½ is dead at x = 1, and not once that layer's own bias has made
    the 1 a 0.  Decay of the weight alone: w = −2, b = 1, x = 1 is dead until w has shrunk above −1.
    """

    def unit(w, b, x):
        return columns(w * x + b)

    wakes = {
        "new data": (unit(1, 0, -1), unit(1, 0, 1)),
        "momentum": (unit(0, -0.25, 1), unit(0, -0.25 - 1 * (0.5 * -1 + 0), 1)),
        "an earlier layer": (unit(-1, 0.5, max(1 + 0, 0)), unit(-1, 0.5, max(1 - 1, 0))),
        "decay of the weight alone": (unit(-2, 1, 1), unit(-2 * 0.5**2, 1, 1)),
    }
    for before, after in wakes.values():
        assert equal(dead_units(before), [True])
        assert equal(dead_units(after), [False])


a_dead_unit_may_wake.refutes("dead_units")(says_which_units_live)


@a_dead_unit_may_wake.refutes("dead_units")
def judges_by_the_size(z):
    return (abs(z) < 1).all(axis=0)


@claim(at=small_integer_arrays(x="ND", w="D", b=""))
def decay_wakes_units_with_a_positive_bias_only(dead_units, at):
    """Weight decay never wakes a unit if it shrinks bias and weights alike; of the weights alone, it does iff b > 0.

    Decay by c < 1 a step takes z to cᵗ z or to cᵗ w·x + b.  The second passes 0 where b > 0, first at
    t = ⌊log(b/|m|)/log c⌋ + 1 for the largest w·x = m < 0, unless z > 0 from the start; checked with c = ½.
    """
    drive = at.x @ at.w
    largest, b = float(drive.max()), float(at.b)
    if not dead_units((drive + b)[:, None]).item():
        assert largest + b > 0
        return
    first = next((t for t in range(1, 12) if Fraction(largest) / 2**t + Fraction(b) > 0), None)
    assert (first is not None) == (b > 0)
    for t in range(1, 12):
        assert equal(dead_units((0.5**t * (drive + b))[:, None]), [True])
        assert equal(dead_units((0.5**t * drive + b)[:, None]), [first is None or t < first])
    if first is not None:
        assert Fraction(2) ** first * Fraction(b) > -largest >= Fraction(2) ** (first - 1) * Fraction(b)


decay_wakes_units_with_a_positive_bias_only.refutes("dead_units")(lets_units_at_0_live)
decay_wakes_units_with_a_positive_bias_only.refutes("dead_units")(says_which_units_live)


@decay_wakes_units_with_a_positive_bias_only.refutes(
    "dead_units", by={"at": case(x=[[-3, -3, -3, -2]], w=[3, 3, 3, 2], b=1)}
)
def takes_near_0_for_0(z):
    return (z <= 0.1).all(axis=0)


# For which inputs


@claim(at=small_integer_arrays(x="ND", W="DH", b="H", mixture="MN"))
def dead_on_data_is_dead_on_their_convex_hull(dead_units, at):
    """A first-layer unit that is dead on the data is dead on every mixture of them, thus on their convex hull.

    z is affine in the input, so on a mixture it is the same mixture of numbers ≤ 0.  (Here multiplied by
    the sum of the mixture's weights, which changes no sign and keeps whole numbers whole.)  Outside it may fire.
    """
    z = at.x @ at.W + at.b
    weights = abs(at.mixture)
    mixed = weights @ at.x @ at.W + weights.sum(axis=1, keepdims=True) * at.b
    assert at_most(dead_units(z), dead_units(mixed))
    assert at_most(dead_units(z), dead_units(np.vstack([z, mixed])))


dead_on_data_is_dead_on_their_convex_hull.refutes("dead_units")(takes_one_silence_for_death)
dead_on_data_is_dead_on_their_convex_hull.refutes("dead_units")(judges_by_the_mean)
dead_on_data_is_dead_on_their_convex_hull.refutes("dead_units")(looks_at_the_first_example)


@claim(at=integer_arrays(w="D", b="", low="D", width="D"), scale=small_units)
def dead_on_a_box_is_one_sum(dead_on_box, at, scale):
    """A unit is dead for all inputs with lowᵢ ≤ xᵢ ≤ highᵢ iff Σ max(wᵢ lowᵢ, wᵢ highᵢ) + b ≤ 0.

    An affine function is largest at a corner, and each input chooses its side alone.  Compared with all corners.
    """
    w, b, low = at.w * scale, float(at.b * scale), at.low
    high = low + abs(at.width)
    corners = np.array(list(product(*zip(low, high, strict=True))))
    assert dead_on_box(w, b, low, high) == bool(np.all(corners @ w + b <= 0))


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def tries_two_corners(w, b, low, high):
    return bool(max(w @ low, w @ high) + b <= 0)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def tries_the_centre(w, b, low, high):
    return bool(w @ (low + high) / 2 + b <= 0)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def asks_for_less_than_0(w, b, low, high):
    return bool(np.maximum(w * low, w * high).sum() + b < 0)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def leaves_the_bias_out(w, b, low, high):
    return bool(np.maximum(w * low, w * high).sum() <= 0)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def takes_the_side_where_the_unit_is_lowest(w, b, low, high):
    return bool(np.minimum(w * low, w * high).sum() + b <= 0)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def takes_a_billionth_above_0_for_0(w, b, low, high):
    return bool(np.maximum(w * low, w * high).sum() + b <= 1e-9)


@dead_on_a_box_is_one_sum.refutes("dead_on_box")
def takes_the_box_to_be_symmetric(w, b, low, high):
    return bool(abs(w) @ high + b <= 0)


@legal("dead_on_box")
def goes_from_the_centre_by_half_the_width(w, b, low, high):
    return bool(w @ (low + high) / 2 + abs(w) @ (high - low) / 2 + b <= 0)


@claim(at=integer_arrays(w="D", b=""))
def dead_behind_relus_needs_no_positive_weight(dead_on_box, at):
    """For all inputs ≥ 0, as behind a ReLU layer, a unit is dead iff no weight and not the bias is positive.

    If wᵢ > 0, a large xᵢ makes it fire; if b > 0, x = 0 does.  Here up to xᵢ = 1024: |b| ≤ 1000, wᵢ whole.
    """
    zero = np.zeros(len(at.w))
    assert dead_on_box(at.w, float(at.b), zero, zero + 1024) == (max(*at.w.tolist(), float(at.b)) <= 0)


for mistake in (tries_the_centre, asks_for_less_than_0, leaves_the_bias_out, tries_two_corners):
    dead_behind_relus_needs_no_positive_weight.refutes("dead_on_box")(mistake)


spheres = integer_arrays(w="D", b="")
radii = choices(1.0, 2.0, 0.5, 5.0)


@claim(at=spheres, radius=radii, scale=small_units)
def dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b(dead_on_ball, at, radius, scale):
    """A unit is dead for all inputs with ‖x‖ ≤ R iff R‖w‖ + b ≤ 0.

    By Cauchy and Schwarz, with equality at x = Rw/‖w‖.  So for all inputs iff w = 0 and b ≤ 0.
    Expected: b ≤ 0 and R²‖w‖² ≤ b², in whole numbers, or in multiples of 2⁻⁴⁰.
    """
    w, b = at.w * scale, float(at.b * scale)
    assert dead_on_ball(w, b, radius=radius) == (b <= 0 and radius**2 * (w @ w) <= b**2)
    # No whole numbers up to 1000 have 2²⁰‖w‖ ≤ 1000 but w = 0.
    assert dead_on_ball(w, b, radius=2.0**20) == (not w.any() and b <= 0)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def forgets_the_root(w, b, *, radius):
    return bool(radius * (w @ w) + b <= 0)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes(
    "dead_on_ball", by={"at": case(w=[2, 3, 2], b=-3), "radius": 0.5, "scale": 1.0}
)
def sums_the_sizes_of_the_weights(w, b, *, radius):
    return bool(radius * abs(w).sum() + b <= 0)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def takes_the_largest_weight(w, b, *, radius):
    return bool(radius * abs(w).max() + b <= 0)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def asks_for_z_below_0(w, b, *, radius):
    return bool(radius * np.linalg.norm(w) + b < 0)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def squares_and_forgets_the_sign_of_the_bias(w, b, *, radius):
    return bool(radius**2 * (w @ w) <= b**2)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def takes_next_to_0_for_0(w, b, *, radius):
    return bool(radius * np.linalg.norm(w) + b <= 1e-9)


@dead_on_a_ball_iff_radius_times_norm_is_at_most_minus_b.refutes("dead_on_ball")
def leaves_the_radius_out(w, b, *, radius):
    return bool(np.linalg.norm(w) + b <= 0)


@legal("dead_on_ball")
def tries_the_input_where_the_unit_is_highest(w, b, *, radius):
    return bool(b <= 0 and radius**2 * sum(each * each for each in w.tolist()) <= b * b)


@claim(at=spheres, radius=radii)
def a_bias_of_radius_times_norm_keeps_a_unit_on(dead_on_ball, at, radius):
    """A bias keeps z ≥ 0 for all inputs with ‖x‖ ≤ R iff b ≥ R‖w‖, and then the unit is affine there.

    For then its negative is dead: −z = −w·x − b.  A smaller positive bias promises nothing for all inputs.
    """
    w, b = at.w, float(at.b)
    assert dead_on_ball(-w, -b, radius=radius) == (b >= 0 and b**2 >= radius**2 * (w @ w))


for mistake in (forgets_the_root, takes_the_largest_weight, squares_and_forgets_the_sign_of_the_bias):
    a_bias_of_radius_times_norm_keeps_a_unit_on.refutes("dead_on_ball")(mistake)


# How they are found


@claim(at=two_parts)
def dead_is_an_and_over_the_data(dead_units, at):
    """A unit is dead on two sets of examples together iff it is dead on each; so more data never kill.

    So a part of the data finds too many dead, never too few, and the order of the examples does not matter.
    """
    both = dead_units(np.vstack([at.more, at.z]))
    assert equal(both, dead_units(at.z) & dead_units(at.more))
    assert at_most(both, dead_units(at.z))
    assert equal(dead_units(at.z[::-1]), dead_units(at.z))


dead_is_an_and_over_the_data.refutes("dead_units")(judges_by_the_mean)
dead_is_an_and_over_the_data.refutes("dead_units")(judges_by_the_majority)
dead_is_an_and_over_the_data.refutes("dead_units")(takes_one_silence_for_death)
dead_is_an_and_over_the_data.refutes("dead_units")(looks_at_the_first_example)


@claim(at=units)
def streaming_finds_the_same_in_any_batches(dead_units_streaming, at):
    """Read in batches, the data tell the same: for every way to cut them, with empty batches, and in any order.

    All 2ᴺ⁻¹ ways to cut N examples.  No batch at all is an error: then the number of units is unknown.
    """
    expected = (at.z <= 0).all(axis=0)
    for kept in product((False, True), repeat=len(at.z) - 1):
        cuts = [0, *(i for i, keep in enumerate(kept, start=1) if keep), len(at.z)]
        assert equal(dead_units_streaming([at.z[start:end] for start, end in pairwise(cuts)]), expected)
    assert equal(dead_units_streaming([at.z[1:], at.z[:0], at.z[:1]]), expected)
    assert raises(ValueError, dead_units_streaming, [])


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def lets_the_last_batch_decide(batches):
    for z in batches:
        dead = (z <= 0).all(axis=0)
    return dead


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def reads_one_batch(batches):
    if not batches:
        raise ValueError
    return (batches[0] <= 0).all(axis=0)


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def counts_units_that_are_silent_in_some_batch(batches):
    if not batches:
        raise ValueError
    return np.any([(z <= 0).all(axis=0) for z in batches], axis=0)


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def takes_the_majority_of_the_batches(batches):
    if not batches:
        raise ValueError
    return np.mean([(z <= 0).all(axis=0) for z in batches], axis=0) > 0.5


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def drops_an_incomplete_batch(batches):
    if not batches:
        raise ValueError
    whole = [z for z in batches if len(z) == len(batches[0])]
    return np.vstack(whole).max(axis=0, initial=-np.inf) <= 0


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def averages_the_batches(batches):
    if not batches:
        raise ValueError
    return sum(z.sum(axis=0) for z in batches) <= 0


@streaming_finds_the_same_in_any_batches.refutes("dead_units_streaming")
def finds_nothing_where_there_is_nothing(batches):
    return (np.vstack(batches) <= 0).all(axis=0) if batches else np.ones(0, bool)


@claim(at=units)
def streaming_needs_one_batch_at_a_time(dead_units_streaming, at):
    """Data that do not fit into memory are no obstacle: one batch is there at a time, and one bit for each unit.

    Here every batch overwrites the one before it, so nothing that was kept of them would be left, and they come
    only once.  After two hundred batches that no unit fires on, one that fires still counts.
    """
    silent = np.full((200, *at.z[:1].shape), -1.0)
    for before in (silent[:0], silent):
        assert equal(dead_units_streaming(OneBuffer([*before, *at.z[:, None]])), (at.z <= 0).all(axis=0))


@streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")
def collects_all_batches_first(batches):
    return (np.vstack(list(batches)) <= 0).all(axis=0)


@streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")
def keeps_the_first_batch_without_a_copy(batches):
    top = None
    for z in batches:
        top = z if top is None else np.maximum(top, z)
    return (top <= 0).all(axis=0)


streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")(lets_the_last_batch_decide)


@streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")
def counts_the_examples_in_a_pass_before(batches):
    n = sum(len(z) for z in batches)
    return sum((z <= 0).sum(axis=0) for z in batches) == n


@streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")
def stops_after_a_few_batches(batches):
    return np.all([(z <= 0).all(axis=0) for z, _ in zip(batches, range(64), strict=False)], axis=0)


@streaming_needs_one_batch_at_a_time.refutes("dead_units_streaming")
def calls_99_per_cent_silence_death(batches):
    return np.mean([(z <= 0).mean(axis=0) for z in batches], axis=0) > 0.99


@legal("dead_units_streaming")
def keeps_the_largest_so_far(batches):
    top = None
    for z in batches:
        largest = z.max(axis=0, initial=-np.inf)
        top = largest if top is None else np.maximum(top, largest)
    if top is None:
        raise ValueError("no batch")
    return top <= 0


@legal("dead_units_streaming")
def counts_how_often_units_fire(batches):
    fired = [np.count_nonzero(z > 0, axis=0) for z in batches]
    if not fired:
        raise ValueError("no batch")
    return sum(fired) == 0


@claim(at=units, examples=choices(1, 2, 3))
def a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n(dead_units, miss_probability, at, examples):
    """A unit that fires on a fraction q of the data looks dead on n random examples with probability (1 − q)ⁿ.

    Drawn independently: all Nⁿ samples are tried.  Without replacement the probability is no larger:
    C(N − k, n)/C(N, n) with k = qN; all of these samples are tried, too.  That any of several active units looks
    dead has at most the sum of their probabilities.
    """
    z = at.z
    fractions_active = (z > 0).mean(axis=0)
    assert miss_probability(1.0, examples=0) == 1  # no example shows nothing
    expected = np.array([miss_probability(float(q), examples=examples) for q in fractions_active])

    def looks_dead(samples):
        drawn = z[np.array(list(samples), dtype=int).T]  # n examples, samples, units
        return dead_units(drawn.reshape(examples, drawn.shape[-2] * z.shape[1])).reshape(-1, z.shape[1])

    # q, 1 − q, its power and the counted share are each rounded once or n times.
    slack = 2 * (examples + 1) * eps
    independent = looks_dead(product(range(len(z)), repeat=examples))
    active = fractions_active > 0
    assert within(expected, independent.mean(axis=0), slack)
    assert at_most(independent[:, active].any(axis=1).mean(), expected[active].sum() + len(active) * slack)
    if examples <= len(z):
        assert at_most(looks_dead(permutations(range(len(z)), examples)).mean(axis=0), expected + slack)


@a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("miss_probability")
def takes_all_examples_to_fire(active_fraction, *, examples):
    return active_fraction**examples


@a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("miss_probability")
def finds_it_with_this_probability(active_fraction, *, examples):
    return 1 - (1 - active_fraction) ** examples


@a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("miss_probability")
def subtracts_q_for_each_example(active_fraction, *, examples):
    return max(0.0, 1 - examples * active_fraction)


@a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("miss_probability")
def takes_the_limit_of_rare_units(active_fraction, *, examples):
    return math.exp(-examples * active_fraction)


@a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("miss_probability")
def forgets_one_example(active_fraction, *, examples):
    return (1 - active_fraction) ** max(examples - 1, 0)


a_sample_misses_a_unit_with_probability_1_minus_q_to_the_n.refutes("dead_units")(takes_one_silence_for_death)


@legal("miss_probability")
def goes_through_logarithms(active_fraction, *, examples):
    return math.exp(examples * math.log1p(-active_fraction)) if active_fraction < 1 else 0.0**examples


rates = choices(0.5, 0.25, 0.75, 0.125, 0.1, 0.01, 0.001, 0.9, 1 / 3, 1e-9, 1.0, 0.999)
powers = choices(1, 2, 3, 4, 5, 7, 10, 12)
risks = choices(None, 0.05, 0.01, 0.5, 1e-9, 0.999)


@claim(active_fraction=rates, power=powers, risk=risks)
def n_examples_suffice_from_a_logarithm_on(examples_needed, active_fraction, power, risk):
    """The least n with (1 − q)ⁿ ≤ α is ⌈ln α/ln(1 − q)⌉; q = 1 needs one example, q = 0 has no such n.

    Here α is one of a few, or a power of 1 − q itself, where rounding decides.  Compared with 50 digits.
    """
    miss = risk or (1 - active_fraction) ** power or 0.5
    n = examples_needed(active_fraction, miss=miss)
    if risk is None and active_fraction in (0.5, 0.25, 0.75, 0.125):  # the power is exact
        assert n == power
    with localcontext(prec=50):
        missed = 1 - Decimal(active_fraction)
        # Two logarithms and their quotient are known to a few ε, and α changes by |ln α| times that.
        slack = Decimal(1) + Decimal(16 * eps) * (1 - Decimal(miss).ln())
        assert missed ** int(n) <= Decimal(miss) * slack
        assert n == 1 or missed ** int(n - 1) > Decimal(miss) / slack
    assert raises(ValueError, examples_needed, 0.0, miss=miss)


def needed(active_fraction, miss, *, count=math.ceil, log=math.log1p):
    if active_fraction in (0, 1):
        if active_fraction == 0:
            raise ValueError
        return 1
    return count(math.log(miss) / log(-active_fraction) * (1 - 1e-15))


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def takes_one_over_q(active_fraction, *, miss):
    if active_fraction == 0:
        raise ValueError
    return math.ceil(1 / active_fraction)


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def rounds_down(active_fraction, *, miss):
    return needed(active_fraction, miss, count=math.floor)


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def adds_one_always(active_fraction, *, miss):
    return needed(active_fraction, miss, count=math.floor) + 1


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def takes_the_logarithm_of_q(active_fraction, *, miss):
    return needed(active_fraction, miss, log=lambda minus_q: math.log(-minus_q))


@n_examples_suffice_from_a_logarithm_on.refutes(
    "examples_needed", by={"active_fraction": 1e-9, "power": 1, "risk": 0.05}
)
def loses_small_fractions_in_1_minus_q(active_fraction, *, miss):
    return needed(active_fraction, miss, log=lambda minus_q: math.log(1 + minus_q))


@n_examples_suffice_from_a_logarithm_on.refutes(
    "examples_needed", by={"active_fraction": 0.9, "power": 1, "risk": 0.05}
)
def takes_ln_1_minus_q_for_minus_q(active_fraction, *, miss):
    return needed(active_fraction, miss, log=lambda minus_q: minus_q)


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def lets_rounding_lift_whole_numbers(active_fraction, *, miss):
    return needed(active_fraction, miss, count=lambda n: math.ceil(n * (1 + 2e-15)))


@n_examples_suffice_from_a_logarithm_on.refutes("examples_needed")
def gives_units_that_never_fire_a_number(active_fraction, *, miss):
    return needed(active_fraction, miss) if active_fraction else 2**62


@legal("examples_needed")
def doubles_and_then_bisects(active_fraction, *, miss):
    if active_fraction == 0:
        raise ValueError("it never fires")
    low, high = 0, 1
    with localcontext(prec=40):
        missed, allowed = 1 - Decimal(active_fraction), Decimal(miss)
        while missed**high > allowed:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if missed**middle <= allowed else (middle, high)
    return high


@proved()
def the_rule_of_three(examples_needed):
    """3/q examples are enough to miss a unit that fires on a fraction q with probability 5 % at most.

    For −ln(1 − q) ≥ q and −ln 0.05 = 2.9957… < 3.  Checked for q = 1/k up to k = 500, with 3k examples; and from
    k = 40 on, 2.9k examples are too few.
    """
    for k in range(1, 501):
        n = examples_needed(1 / k, miss=0.05)
        assert n <= 3 * k
        assert k < 40 or n > 2.9 * k


@the_rule_of_three.refutes("examples_needed")
def divides_by_the_risk(active_fraction, *, miss):
    return math.ceil(1 / (active_fraction * miss))


the_rule_of_three.refutes("examples_needed")(takes_one_over_q)
the_rule_of_three.refutes("examples_needed")(takes_the_logarithm_of_q)


# What kills them


steps = integer_arrays(x="D", w="D", z="", delta="")


@claim(at=steps, scale=small_units)
def a_step_kills_from_a_rate_of_z_over_delta_norm_on(killing_lr, at, scale):
    """One step on example x makes its own z ≤ 0 iff η ≥ z/(δ(‖x‖² + 1)), where δ = ∂L/∂z > 0; else never.

    The step is w − ηδx, b − ηδ, with the unit's inputs x as they were; the + 1 is the bias's share.
    It is made in fractions, with rates 2⁻⁴⁰ of the threshold above and below it.
    """
    z = float(abs(at.z)) + 1
    delta = float(at.delta) * scale
    rate = killing_lr(z, delta, at.x)
    if delta <= 0:
        assert rate == math.inf
        return
    assert 0 < rate < math.inf
    w, x = ([Fraction(entry) for entry in each.tolist()] for each in (at.w, at.x))
    b = Fraction(z) - sum(v * u for v, u in zip(w, x, strict=True))

    def after(lr):
        moved = [v - lr * Fraction(delta) * u for v, u in zip(w, x, strict=True)]
        return sum(v * u for v, u in zip(moved, x, strict=True)) + b - lr * Fraction(delta)

    # A sum of D + 1 products of whole numbers is exact; a few roundings around it are far below 2⁻⁴⁰.
    assert after(Fraction(rate) * (1 + Fraction(1, 2**40))) <= 0 < after(Fraction(rate) * (1 - Fraction(1, 2**40)))


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def forgets_the_bias(z, delta, x):
    return z / (delta * (x @ x)) if delta > 0 and x.any() else math.inf


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def forgets_to_square_the_norm(z, delta, x):
    return z / (delta * (np.linalg.norm(x) + 1)) if delta > 0 else math.inf


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def forgets_the_inputs(z, delta, x):
    return z / delta if delta > 0 else math.inf


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def takes_a_small_delta_for_0(z, delta, x):
    return z / (delta * (x @ x + 1)) if delta > 1e-8 else math.inf


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def multiplies_by_delta(z, delta, x):
    return z * delta / (x @ x + 1) if delta > 0 else math.inf


@a_step_kills_from_a_rate_of_z_over_delta_norm_on.refutes("killing_lr")
def forgets_that_the_step_may_raise_z(z, delta, x):
    return abs(z / (delta * (x @ x + 1))) if delta else math.inf


@convention("killing_lr", "the unit has no bias, so it divides by δ‖x‖², where this slot's bias moves as well")
def leaves_the_bias_where_it_is(z, delta, x):
    return float(z / (delta * (x @ x))) if delta > 0 and x.any() else math.inf


@legal("killing_lr")
def divides_by_the_length_of_the_extended_input(z, delta, x):
    return float(z / delta / np.linalg.norm(np.append(x, 1)) ** 2) if delta > 0 else math.inf


@claim(at=small_integer_arrays(x="ND", w="D", b="", delta=""), lr=dyadic_rates)
def on_nonnegative_inputs_one_step_can_kill_for_all_data(killing_lr, dead_units, at, lr):
    """If all inputs are ≥ 0, a step with η ≥ maxⱼ zⱼ/(δ(xᵢ·xⱼ + 1)) on one example i kills the unit on all data.

    Exactly from this rate on: the step lowers each zⱼ by ηδ(xᵢ·xⱼ + 1), and no term is negative.  This is no less
    than the rate at which it is silent on its own example.  With inputs of both signs some zⱼ rise instead.
    """
    x, w, delta = abs(at.x), abs(at.w), abs(float(at.delta)) + 1
    z = x @ w + abs(float(at.b)) + 1  # so that the unit fires everywhere
    rates = [
        Fraction(zj) / Fraction(delta * (dot + 1)) for zj, dot in zip(z.tolist(), (x @ x[0]).tolist(), strict=True)
    ]
    after = x @ (w - lr * delta * x[0]) + abs(float(at.b)) + 1 - lr * delta
    assert equal(dead_units(after[:, None]), [lr >= max(rates)])
    # One rounding, of the quotient.
    assert killing_lr(float(z[0]), delta, x[0]) <= max(rates) * (1 + Fraction(2, 2**52))


for mistake in (takes_one_silence_for_death, lets_units_at_0_live):
    on_nonnegative_inputs_one_step_can_kill_for_all_data.refutes("dead_units")(mistake)
on_nonnegative_inputs_one_step_can_kill_for_all_data.refutes(
    "dead_units", by={"at": case(x=[[2], [0]], w=[0], b=0, delta=0), "lr": 0.5}
)(judges_by_the_mean)
on_nonnegative_inputs_one_step_can_kill_for_all_data.refutes("killing_lr")(forgets_the_inputs)
on_nonnegative_inputs_one_step_can_kill_for_all_data.refutes("killing_lr")(multiplies_by_delta)


@proved()
def a_random_unit_is_dead_on_two_inputs_with_probability_half_minus_angle_over_2_pi(dead_units):
    """A unit with a random direction and no bias is dead on two inputs at angle θ with probability ½ − θ/2π.

    It is dead where its direction lies in both half-planes, an arc of π − θ of the 2π: in the plane that the
    inputs span, every direction is as likely.  Counted on 360 directions for θ = 0°, 3°, … 180°, exactly.
    """
    directions = np.radians(np.arange(360) + 0.5)
    W = np.array([np.cos(directions), np.sin(directions)])
    for degrees in range(0, 181, 3):
        angle = np.radians(degrees)
        x = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        assert np.count_nonzero(dead_units(x @ W)) == 180 - degrees


for mistake in (takes_one_silence_for_death, judges_by_the_mean, looks_at_the_first_example):
    a_random_unit_is_dead_on_two_inputs_with_probability_half_minus_angle_over_2_pi.refutes("dead_units")(mistake)


def share_that_pass(width, depth):
    """Return the share of all sign patterns of the weights with which something of the input 1 passes all layers."""
    shapes = [(1 if layer == 0 else width, width) for layer in range(depth)]
    sizes = [rows * cols for rows, cols in shapes]
    signs = np.array(list(product((1.0, -1.0), repeat=sum(sizes)))).reshape(2 ** sum(sizes), sum(sizes))
    h = np.ones((len(signs), 1, 1))
    for layer, (rows, cols) in enumerate(shapes):
        start = sum(sizes[:layer])
        magnitudes = 3.0 ** np.arange(rows * cols)  # so different that no sum of them is 0
        W = (signs[:, start : start + rows * cols] * magnitudes).reshape(-1, rows, cols)
        z = h @ W
        assert np.all((z != 0) | ~h.any(axis=2, keepdims=True))
        h = np.maximum(z, 0)
    return Fraction(int(h.any(axis=(1, 2)).sum()), len(signs))


@proved()
def a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth(alive_probability):
    """Of a non-zero input, something passes L fresh ReLU layers of width H with probability (1 − 2⁻ᴴ)ᴸ.

    For independent weights that are symmetric about 0 and continuous, and zero biases.  Given what reaches a
    layer, and the sizes of its weights, each unit is as likely to fire as not, independently; all H are
    silent with probability 2⁻ᴴ.
    Counted over all signs of weights whose sums never are 0, up to 12 of them, and compared with the formula.
    """
    for width, depth in ((1, 0), (1, 1), (1, 2), (1, 5), (2, 0), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1)):
        expected = (1 - Fraction(1, 2**width)) ** depth
        assert alive_probability(width, depth=depth) == expected == share_that_pass(width, depth)


@a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth.refutes("alive_probability")
def asks_that_some_layer_lives(width, *, depth):
    return 1 - 0.5 ** (width * depth)


@a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth.refutes("alive_probability")
def asks_that_all_units_live(width, *, depth):
    return 0.5 ** (width * depth)


@a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth.refutes("alive_probability")
def adds_up_the_layers(width, *, depth):
    return 1 - depth * 0.5**width


@a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth.refutes("alive_probability")
def swaps_width_and_depth(width, *, depth):
    return (1 - 0.5**depth) ** width


@a_network_is_born_alive_with_probability_1_minus_2_to_minus_width_to_the_depth.refutes("alive_probability")
def counts_one_layer_less(width, *, depth):
    return (1 - 0.5**width) ** max(depth - 1, 0)


@legal("alive_probability")
def goes_through_the_layers(width, *, depth):
    alive = 1.0
    for _ in range(depth):
        alive -= alive / 2**width
    return alive


# What keeps them alive


@claim(at=steps, other=choices(0.0, 1.0, -1.0, 3.0), max_norm=choices(1.0, 2.0, 0.5))
def clipping_bounds_what_a_step_can_take(killing_lr, at, other, max_norm):
    """If the gradient is clipped to norm c, one step moves z by at most ηc√(‖x‖² + 1): no unit with a larger z dies.

    By Cauchy and Schwarz, for every example and whatever the rest of the gradient is; a first-layer unit, whose
    inputs do not move.  Tight: clip the gradient δ(x, 1) of one example to norm c, and the rate at which it kills
    becomes z/(c√(‖x‖² + 1)).
    """
    z, delta = float(abs(at.z)) + 1, float(abs(at.delta)) + 1
    extended = np.append(at.x, 1.0)
    length = math.sqrt(extended @ extended)
    safe = z / (max_norm * length)
    # A root, two products, a quotient on either side: a few roundings, each ε/2.
    assert killing_lr(z, min(delta, max_norm / length), at.x) >= safe * (1 - 8 * eps)
    assert within(killing_lr(z, max_norm / length, at.x), safe, 8 * eps * safe)
    g = np.append(at.w, other)  # any gradient of this unit's weights and bias
    clipped = g * min(1.0, max_norm / max(np.linalg.norm(g), max_norm))
    # The inner product errs by D + 1 roundings of its terms, whose sum is at most c times the length.
    assert at_most(abs(clipped @ extended), max_norm * length * (1 + (len(g) + 8) * eps))


clipping_bounds_what_a_step_can_take.refutes("killing_lr")(forgets_the_bias)
clipping_bounds_what_a_step_can_take.refutes("killing_lr")(forgets_to_square_the_norm)
clipping_bounds_what_a_step_can_take.refutes("killing_lr")(forgets_the_inputs)


@claim(at=integer_arrays(x="NH"), gamma=choices(1.0, 2.0, 0.5), side=choices(0.999, 1.001))
def batch_norm_keeps_units_alive_on_their_batch(dead_units, at, gamma, side):
    """Batch normalisation keeps a unit that varies alive on its batch of n if β > −γ/√(n − 1), so if β = 0.

    And kills it for sure only if β ≤ −γ√(n − 1).  For z = γẑ + β with γ > 0, ẑ of mean 0 and mean square 1:
    the largest ẑ lies between 1/√(n − 1) and √(n − 1).  Both bounds are met: one outlier below, or above.  If β = 0,
    the unit does not fire on all of the batch either.  Without the ε of batch normalisation; with it, γ√(v/(v + ε))
    takes the place of γ, where v is the variance.

    Source: Samuelson, How Deviant Can You Be?, J. Amer. Statist. Assoc. 63(324):1522–1525, 1968.
    """
    n = len(at.x) + 1
    # One row more, so that no unit is constant.
    x = np.vstack([at.x, at.x[:1] + 1])
    normal = (x - x.mean(axis=0)) / x.std(axis=0)
    varying = np.ones(x.shape[1], bool)
    assert equal(dead_units(gamma * normal), ~varying)
    assert equal(dead_units(-gamma * normal), ~varying)
    # Rounding is far from 0.1 %: a standard deviation of whole numbers up to 1000 in size is at least 1/4.
    assert equal(dead_units(gamma * (normal - 0.999 / math.sqrt(n - 1))), ~varying)
    assert equal(dead_units(gamma * (normal - 1.001 * math.sqrt(n - 1))), varying)
    outlier = np.append(np.zeros(n - 1), 1.0) - 1 / n
    outlier = (outlier / outlier.std())[:, None]
    assert equal(dead_units(-outlier - side / math.sqrt(n - 1)), [side > 1])
    assert equal(dead_units(outlier - side * math.sqrt(n - 1)), [side > 1])


for mistake in (takes_one_silence_for_death, judges_by_the_majority, judges_by_the_mean_activation):
    batch_norm_keeps_units_alive_on_their_batch.refutes("dead_units")(mistake)


leaky_steps = small_integer_arrays(x="D", w="D", z="", delta="")


@claim(at=leaky_steps, lr=dyadic_rates, negative_slope=choices(0.5, 0.25, 1.0, 0.0))
def a_leaky_unit_comes_back_in_a_known_number_of_steps(revival_steps, leaky_relu_grad, at, lr, negative_slope):
    """A leaky unit at z ≤ 0 fires after ⌊|z|/(ηα|δ|(‖x‖² + 1))⌋ + 1 steps on one example; with α = 0 it never does.

    While δ < 0, the loss's derivative with respect to its output, stays as it is, and with slope α at z = 0.
    The steps are made, on dyadic numbers, so exactly.
    """
    delta = -abs(float(at.delta)) - 1
    w, b = at.w, -abs(float(at.z)) - float(at.w @ at.x)
    claimed = revival_steps(-abs(float(at.z)), delta, at.x, lr=lr, negative_slope=negative_slope)
    made, z = 0, w @ at.x + b
    while z <= 0 and made < 60:  # at most 3/(¼ · ¼) + 1 = 49 are needed
        # At 0 a leaky ReLU may have the slope of either side: here that of the left.
        slope = leaky_relu_grad(np.array([z]), negative_slope=negative_slope).item() if z < 0 else negative_slope
        w, b = w - lr * delta * slope * at.x, b - lr * delta * slope
        made, z = made + 1, w @ at.x + b
    assert claimed == (made if z > 0 else None)


@a_leaky_unit_comes_back_in_a_known_number_of_steps.refutes("revival_steps")
def is_content_with_0(z, delta, x, *, lr, negative_slope):
    return math.ceil(z / (lr * negative_slope * delta * (x @ x + 1))) if negative_slope else None


@a_leaky_unit_comes_back_in_a_known_number_of_steps.refutes("revival_steps")
def leaves_the_slope_out(z, delta, x, *, lr, negative_slope):
    return math.floor(z / (lr * delta * (x @ x + 1))) + 1 if negative_slope else None


@a_leaky_unit_comes_back_in_a_known_number_of_steps.refutes("revival_steps")
def leaves_the_bias_as_it_is(z, delta, x, *, lr, negative_slope):
    return math.floor(z / (lr * negative_slope * delta * (x @ x))) + 1 if negative_slope and x.any() else None


@a_leaky_unit_comes_back_in_a_known_number_of_steps.refutes("revival_steps")
def wakes_a_relu_in_one_step(z, delta, x, *, lr, negative_slope):
    return math.floor(z / (lr * negative_slope * delta * (x @ x + 1))) + 1 if negative_slope else 1


@a_leaky_unit_comes_back_in_a_known_number_of_steps.refutes("leaky_relu_grad")
def is_0_on_the_left(x, *, negative_slope=0.01):
    return np.where(x > 0, 1.0, 0.0)


@legal("revival_steps")
def makes_the_steps(z, delta, x, *, lr, negative_slope):
    if negative_slope == 0:
        return None
    step = 0
    while z <= 0:
        z, step = z - lr * negative_slope * delta * (sum(x * x) + 1), step + 1
    return step


# Measured on digits


def trained(layers, seed, *, lr, max_norm=math.inf):
    """Return a network with one hidden layer after 60 steps on digits in batches of 32."""
    x, y = digits()
    weights, biases = ([layer[i] for layer in layers] for i in (0, 1))
    order = np.random.default_rng([seed, 1]).permutation(np.tile(np.arange(len(x)), 2))
    for batch in order[: 60 * 32].reshape(60, 32):
        logits, cache = lab.relu_forward(x[batch], weights, biases)
        _, d_weights, d_biases = lab.relu_backward(lab.cross_entropy_gradient(logits, y[batch]), cache)
        norm = math.sqrt(sum(np.sum(g**2) for g in [*d_weights, *d_biases]))
        step = lr * min(1.0, max_norm / max(norm, 1e-300))
        weights = [W - step * g for W, g in zip(weights, d_weights, strict=True)]
        biases = [b - step * g for b, g in zip(biases, d_biases, strict=True)]
    return weights, biases


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def a_large_rate_kills_units_and_clipping_saves_them(init_mlp, dead_units, seeds):
    """On digits, He-initialised ReLUs die in 60 steps of SGD with η = 2, not with η = 0.1 or clipped gradients.

    Of 64 hidden units, more than 60 % are dead on all 1797 images at η = 2, and less than 30 % at η = 0.1, or at
    η = 2 with the gradient clipped to norm 0.1.  Pixels in [0, 1], batches of 32.  24 of 30 seeds must succeed.

    Calibration: 1000 of 1000 runs succeeded.  Dead were 69 to 97 % at η = 2, 0 to 9.4 % at η = 0.1, and 0 to 9.4 %
    with clipping.
    """
    x, _ = digits()
    shares = []

    def holds(seed):
        layers = init_mlp([64, 64, 10], rng=np.random.default_rng(seed))
        dead = []
        for setting in ({"lr": 0.1}, {"lr": 2.0}, {"lr": 2.0, "max_norm": 0.1}):
            (W, _), (b, _) = trained(layers, seed, **setting)
            dead.append(float(np.mean(dead_units(x @ W + b))))
        shares.append(dead)
        return dead[0] < 0.3 and dead[1] > 0.6 and dead[2] < 0.3

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    small, large, clipped = np.mean(shares, axis=0)
    return {"small": small, "large": large, "clipped": clipped}


a_large_rate_kills_units_and_clipping_saves_them.refutes("dead_units")(takes_one_silence_for_death)
a_large_rate_kills_units_and_clipping_saves_them.refutes("dead_units")(judges_by_the_majority)


@a_large_rate_kills_units_and_clipping_saves_them.refutes("init_mlp")
def draws_biases_far_below_0(sizes, *, rng, negative_slope=0.0):
    return [
        (rng.normal(0, math.sqrt(2 / fan_in), (fan_in, out)), np.full(out, -20.0)) for fan_in, out in pairwise(sizes)
    ]


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=998, runs=1000))
def he_units_are_born_dead_on_raw_pixels_not_on_centred_ones(init_mlp, dead_units, seeds):
    """On digits, some He-initialised units are dead before any training; with centred pixels none of them is.

    Of 300 units without bias at least one is dead on all 1797 images with pixels in [0, 1], and none after the
    mean image is subtracted.  24 of 30 seeds must succeed.

    Calibration: 998 of 1000 runs succeeded.  Dead were 0 to 5 % of the units, 2.3 % in the median, and with
    centred pixels none in any run.
    """
    x, _ = digits()
    centred = x - x.mean(axis=0)
    shares = []

    def holds(seed):
        ((W, b),) = init_mlp([64, 300], rng=np.random.default_rng(seed))
        raw, after = (float(np.mean(dead_units(each @ W + b))) for each in (x, centred))
        shares.append(raw)
        return after == 0 < raw

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    return {"raw": np.mean(shares)}


@he_units_are_born_dead_on_raw_pixels_not_on_centred_ones.refutes("init_mlp")
def gives_all_units_a_bias_of_3(sizes, *, rng, negative_slope=0.0):
    return [(rng.normal(0, math.sqrt(2 / fan_in), (fan_in, out)), np.full(out, 3.0)) for fan_in, out in pairwise(sizes)]


he_units_are_born_dead_on_raw_pixels_not_on_centred_ones.refutes("init_mlp")(draws_biases_far_below_0)
he_units_are_born_dead_on_raw_pixels_not_on_centred_ones.refutes("dead_units")(judges_by_the_majority)


# Often said, but false


@myth(at=units, refuted_by={"at": case(z=[[0], [1]])})
def silence_on_one_input_is_death(dead_units, at):
    """A unit that outputs 0 on some input is dead."""
    assert equal(dead_units(at.z), (at.z <= 0).any(axis=0))


@myth(at=small_integer_arrays(x="ND", W="DH", b="H"), refuted_by={"at": case(x=[[0]], W=[[0]], b=[1])})
def a_unit_whose_weights_are_0_is_dead(dead_units, at):
    """A unit is dead if its incoming weights are 0, or nearly so."""
    assert at_most(~at.W.any(axis=0), dead_units(at.x @ at.W + at.b))


@myth(
    net=small_integer_arrays(x="ND", W1="DH", W2="HC"),
    refuted_by={"net": case(x=[[1]], W1=[[1]], W2=[[0]])},
)
def a_unit_without_gradient_is_dead(dead_units, net):
    """A unit whose incoming weights get no gradient from the data is dead."""
    zero = [np.zeros(net.W1.shape[1]), np.zeros(net.W2.shape[1])]
    out, cache = lab.relu_forward(net.x, [net.W1, net.W2], zero)
    d_W1 = lab.relu_backward(np.ones(out.shape), cache)[1][0]
    assert at_most(~d_W1.any(axis=0), dead_units(net.x @ net.W1))


@myth(
    at=small_integer_arrays(w="", b="", x="", buffer=""),
    refuted_by={"at": case(w=0, b=0, x=0, buffer=-1)},
)
def a_dead_unit_stays_dead(dead_units, at):
    """Once dead, a unit stays dead, for it gets no gradient any more."""
    w, b, x = float(at.w), float(at.b), float(at.x)
    moved = b - 0.5 * float(at.buffer)  # what momentum of one half still moves the bias by, with η = 1
    assert at_most(dead_units(columns(w * x + b)), dead_units(columns(w * x + moved)))


@myth(at=small_integer_arrays(x="ND", W="DH"), refuted_by={"at": case(x=[[1]], W=[[-1]])})
def a_small_positive_bias_keeps_units_alive(dead_units, at):
    """A bias of 0.01 keeps a unit alive."""
    assert not dead_units(at.x @ at.W + 0.01).any()


@myth(z=choices(0.0, -20.0, -40.0), refuted_by={"z": -40.0})
def a_saturated_sigmoid_is_dead_too(sigmoid_grad, z):
    """Units with a sigmoid die like those with a ReLU: where they saturate, their slope is 0."""
    assert abs(z) < 40 or sigmoid_grad(np.array([z]))[0] == 0


@myth(z=choices(0.0, -10.0, -1000.0), refuted_by={"z": -1000.0})
def smooth_units_cannot_die(sigmoid, z):
    """Units with a smooth activation such as SiLU always keep a slope."""
    s = sigmoid(np.array([z]))
    assert (s * (1 + z * (1 - s)))[0] != 0


@myth(negative_slope=choices(0.01, 0.25, 0.0), refuted_by={"negative_slope": 0.0})
def leaky_units_cannot_die(leaky_relu_grad, negative_slope):
    """A leaky unit always has a slope, whatever its setting."""
    assert leaky_relu_grad(np.array([-1.0]), negative_slope=negative_slope)[0] != 0


@myth(z=choices(1.0, 0.0, -1.0), refuted_by={"z": -1.0})
def leaky_relus_keep_units_positive(leaky_relu, z):
    """With leaky ReLUs no unit ends up negative on all data."""
    assert leaky_relu(np.array([z]), negative_slope=0.01)[0] >= 0
