"""Q1: what overfitting one batch shows and what it cannot show, and what a network can fit at all."""

from collections import Counter
from functools import cache
from itertools import chain, combinations, product, repeat
from math import comb, log

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.data import digits
from claims.toolbox.exact import rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, real_arrays, small_integer_arrays

# The check


courses = integer_arrays(losses="T", largest=6)
settings = choices({}, {"floor": 0.5}, {"margin": 0.25}, {"floor": 0.25, "margin": 0.5}, {"floor": 1.0, "margin": 0.0})
endings = choices(None, 0.0, 0.0625, 0.25, 0.75, 1.0, -1.0, np.nan, np.inf, -np.inf)  # above the floor


def replayed(losses):
    """Return a step that returns these losses one after the other, and then zeros."""
    return chain(losses.tolist(), repeat(0.0)).__next__


@claim(course=courses, options=settings, ending=endings)
def the_check_asks_where_the_loss_ends(overfit_one_batch, course, options, ending):
    """The check steps as often as it is told, keeps every loss, and passes if the last is at the floor.

    At the floor means no further from it than the margin, on either side: what is further below it
    than rounding can explain was not the cross-entropy of that batch.  NaN and infinities do not pass.
    """
    losses = course.losses / 4  # quarters, so that a loss can lie exactly on the margin
    if ending is not None:
        losses[-1] = options.get("floor", 0.0) + ending
    steps = []

    def step():
        steps.append(feed())
        return steps[-1]

    feed = replayed(losses)
    passed, kept = overfit_one_batch(step, steps=len(losses), **options)
    assert len(steps) == len(losses)
    assert np.array_equal(kept, losses, equal_nan=True)
    assert bool(passed) == (abs(losses[-1] - options.get("floor", 0.0)) <= options.get("margin", 0.05))


def watched(step, steps):
    return np.array([float(step()) for _ in range(steps)])


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def is_content_if_the_loss_fell(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(losses[-1] < losses[0]), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def takes_the_lowest_loss_on_the_way(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(abs(np.min(losses) - floor) <= margin), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def takes_the_mean_loss(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(abs(np.mean(losses) - floor) <= margin), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def lets_a_loss_below_the_floor_pass(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(losses[-1] <= floor + margin), losses


@the_check_asks_where_the_loss_ends.refutes(
    "overfit_one_batch", by={"course": case(losses=[0]), "options": {}, "ending": np.nan}
)
def lets_nan_pass(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return not abs(losses[-1] - floor) > margin, losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def expects_zero_whatever_the_floor_of_the_batch_is(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(abs(losses[-1]) <= margin), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def asks_for_exactly_the_floor(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(losses[-1] == floor), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def shuts_out_the_margin_itself(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(abs(losses[-1] - floor) < margin), losses


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def takes_one_step_more_and_judges_by_it(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps + 1)
    return bool(abs(losses[-1] - floor) <= margin), losses[:-1]


@the_check_asks_where_the_loss_ends.refutes("overfit_one_batch")
def keeps_every_second_loss(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(abs(losses[-1] - floor) <= margin), losses[::2].copy()


@legal("overfit_one_batch")
def writes_into_an_array_and_asks_from_both_sides(step, *, steps, floor=0.0, margin=0.05):
    losses = np.empty(steps)
    for i in range(steps):
        losses[i] = step()
    return losses[-1] - floor <= margin and floor - losses[-1] <= margin, losses


# What it catches, and what it misses

CAUGHT = (
    "climbs instead of descending",
    "pairs inputs and labels anew in every step",
    "takes the softmax over the batch",
    "adds the gradients up and keeps the learning rate",
    "has a learning rate 1000 times too large",
    "feeds the first input again and again",
    "climbs in the hidden layer",
)
MISSED = (
    "has the labels in a wrong order",
    "has the labels off by one",
    "has the pixels in a wrong order",
    "leaves the mask of the ReLU out of the backward pass",
    "never updates the biases",
)


@cache
def loss_curves(program, seeds):
    """Return the losses (seed, step) of a program on one batch of digits for each seed, all seeds side by side.

    Eight digits, 16 ReLUs, 100 steps of plain gradient descent with η = 0.5, weights from N(0, 2/fan-in)
    and N(0, 1/fan-in), biases from 0.  The program is right but for what its name says, "" is right.
    """
    size, hidden, classes, lr, steps = 8, 16, 10, 0.5, 100
    pixels, labels = digits()
    rngs = [np.random.default_rng(seed) for seed in seeds]
    batch = np.array([rng.choice(len(pixels), size, replace=False) for rng in rngs])
    x, y = pixels[batch], labels[batch]
    W1 = np.array([rng.standard_normal((x.shape[2], hidden)) for rng in rngs]) * np.sqrt(2 / x.shape[2])
    W2 = np.array([rng.standard_normal((hidden, classes)) for rng in rngs]) * np.sqrt(1 / hidden)
    b1, b2 = np.zeros((len(x), 1, hidden)), np.zeros((len(x), 1, classes))

    def mixed(values):
        return np.array([rng.permutation(each) for rng, each in zip(rngs, values, strict=True)])

    if program == "has the labels in a wrong order":
        y = mixed(y)
    elif program == "has the labels off by one":
        y = (y + 1) % classes
    elif program == "has the pixels in a wrong order":
        x = x[:, :, rngs[0].permutation(x.shape[2])]
    elif program == "feeds the first input again and again":
        x = np.repeat(x[:, :1], size, axis=1)
    lr *= {
        "climbs instead of descending": -1,
        "adds the gradients up and keeps the learning rate": size,
        "has a learning rate 1000 times too large": 1000,
    }.get(program, 1)
    axis = 1 if program == "takes the softmax over the batch" else 2
    losses = []
    for _ in range(steps):
        if program == "pairs inputs and labels anew in every step":
            y = mixed(y)
        target = np.eye(classes)[y]
        z = x @ W1 + b1
        a = np.maximum(z, 0.0)
        logits = a @ W2 + b2
        logits = logits - logits.max(axis=axis, keepdims=True)
        total = np.exp(logits).sum(axis=axis, keepdims=True)
        losses.append(((np.log(total) - logits) * target).sum(axis=(1, 2)) / size)
        d_logits = (np.exp(logits) / total - target) / size
        d_z = d_logits @ W2.swapaxes(1, 2)
        if program != "leaves the mask of the ReLU out of the backward pass":
            d_z = d_z * (z > 0)
        W2 = W2 - lr * a.swapaxes(1, 2) @ d_logits
        W1 = W1 - (-lr if program == "climbs in the hidden layer" else lr) * x.swapaxes(1, 2) @ d_z
        if program != "never updates the biases":
            b1 = b1 - lr * d_z.sum(axis=1, keepdims=True)
            b2 = b2 - lr * d_logits.sum(axis=1, keepdims=True)
    return np.array(losses).T


def verdicts(overfit_one_batch, program, seeds):
    """Yield whether the check passes a program, seed by seed."""
    for losses in loss_curves(program, tuple(seeds)):
        passed, _ = overfit_one_batch(replayed(losses), steps=len(losses))
        yield bool(passed)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=10000, runs=10000))
def the_one_batch_check_passes_right_code_and_catches_seven_bugs(overfit_one_batch, seeds):
    """On eight digits the check passes the right program, and none of seven with a bug in training.

    A network of 16 ReLUs, 100 steps of η = 0.5.  The bugs: the update's sign is wrong everywhere, or in the
    hidden layer alone; inputs and labels are paired anew in every step; the softmax runs over the batch; the
    gradient is the sum over the examples at the rate meant for their mean; the rate is 1000 times too large;
    every input is the first one.  24 of 30 seeds must succeed, in all eight verdicts.

    In 10,000 calibration runs all verdicts were right: the right program ended at 0.044 at most, those with
    a bug at 0.56 at least.
    """
    programs = ("", *CAUGHT)
    found = zip(*(verdicts(overfit_one_batch, program, seeds) for program in programs), strict=True)
    assert at_least(24, 30, ((seed, each == (True, *[False] * 7)) for seed, each in zip(seeds, found, strict=True)))
    ends = {program: loss_curves(program, tuple(seeds))[:, -1] for program in programs}
    anew = loss_curves(CAUGHT[1], tuple(seeds))
    return {
        "right": ends[""].max(),
        "wrong": min(ends[program].min() for program in CAUGHT),
        "anew_first": anew[:, 0].mean(),
        "anew_last": anew[:, -1].mean(),
    }


check_catches = the_one_batch_check_passes_right_code_and_catches_seven_bugs.refutes("overfit_one_batch")
check_catches(is_content_if_the_loss_fell)
check_catches(asks_for_exactly_the_floor)


@check_catches
def is_content_below_the_loss_of_chance(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(losses[-1] < log(10)), losses


@check_catches
def is_content_once_the_loss_has_fallen_by_a_tenth(step, *, steps, floor=0.0, margin=0.05):
    losses = watched(step, steps)
    return bool(losses[-1] <= 0.9 * losses[0]), losses


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=9982, runs=10000))
def the_one_batch_check_passes_five_wrong_programs(overfit_one_batch, seeds):
    """On eight digits the check passes five programs that are wrong.

    The same network and recipe.  The labels are shuffled once; or off by one; the pixels are shuffled once;
    the backward pass leaves out the mask of the ReLU; or the biases are never updated.  24 of 30 seeds must
    pass all five.  In 9,982 of 10,000 calibration runs all five did; the other 18 ended at 0.17 at most.
    """
    found = zip(*(verdicts(overfit_one_batch, program, seeds) for program in MISSED), strict=True)
    assert at_least(24, 30, ((seed, all(each)) for seed, each in zip(seeds, found, strict=True)))
    return {"largest": max(loss_curves(program, tuple(seeds))[:, -1].max() for program in MISSED)}


check_misses = the_one_batch_check_passes_five_wrong_programs.refutes("overfit_one_batch")
check_misses(asks_for_exactly_the_floor)
check_misses(takes_the_mean_loss)


# What it cannot see, whatever the network


mix_ups = small_integer_arrays(x="ND", W1="DH", b1="H", W2="HC", b2="C", y="N", classes="C", inputs="D")


@claim(net=mix_ups)
def a_fixed_mix_up_of_classes_or_inputs_changes_no_loss(
    two_layer_forward, two_layer_backward, softmax_cross_entropy, net
):
    """If classes or inputs are renamed, once and for all, a network renamed alike trains with the same losses.

    One step shows it, the rest follows by induction: with the columns of W₂ and b₂ in the order of the
    classes and the rows of W₁ in that of the inputs, the loss is the same, the gradients are the same ones
    in the new order, and so are the weights after the step.  Weights that are drawn independently from one
    distribution are as likely in one order as in the other, so no test of the losses tells them apart.
    """
    x, W1, b1, W2, b2, y, classes, inputs = net
    y = np.abs(y).astype(np.int64) % len(b2)
    to, order = np.argsort(classes, kind="stable"), np.argsort(inputs, kind="stable")  # class c is now called to[c]
    source = np.argsort(to)
    out, cache = two_layer_forward(x, W1, b1, W2, b2)
    loss, d_out = softmax_cross_entropy(out, y)
    renamed, renamed_cache = two_layer_forward(x[:, order], W1[order], b1, W2[:, source], b2[source])
    renamed_loss, renamed_d_out = softmax_cross_entropy(renamed, to[y])
    # Whole numbers up to here; each loss passes some roundings relative to the largest of its logits.
    assert within(renamed_loss, loss, 8 * eps * (1 + np.abs(out).max()))
    # A probability may err as the loss does; sums over examples and classes pass that on and add their own roundings.
    n, c = out.shape
    slack = (8 + n + c + 4 * np.abs(out).max()) * eps / n
    _, dW1, db1, dW2, db2 = two_layer_backward(d_out, cache)
    _, new_dW1, new_db1, new_dW2, new_db2 = two_layer_backward(renamed_d_out, renamed_cache)
    a, back = np.maximum(x @ W1 + b1, 0.0), np.abs(W2).sum(axis=1)
    assert within(new_dW2, dW2[:, source], 2 * slack * a.sum(axis=0)[:, None])
    assert within(new_db2, db2[source], 2 * slack * n)
    assert within(new_dW1, dW1[order], 2 * slack * np.outer(np.abs(x).sum(axis=0)[order], back))
    assert within(new_db1, db1, 2 * slack * n * back)


def loss_of(logits, y, *, label_smoothing=0.0, weights=None):
    N, C = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    t = (1 - label_smoothing) * np.eye(C)[y] + label_smoothing / C
    t = t if weights is None else t * weights
    return float((t * losses).sum() / N), (np.exp(-losses) * t.sum(axis=1, keepdims=True) - t) / N


mix_up = a_fixed_mix_up_of_classes_or_inputs_changes_no_loss.refutes


@mix_up("softmax_cross_entropy")
def counts_the_classes_from_1(logits, y, *, label_smoothing=0.0):
    return loss_of(logits, np.maximum(y - 1, 0), label_smoothing=label_smoothing)


@mix_up("softmax_cross_entropy")
def ignores_class_0_as_padding(logits, y, *, label_smoothing=0.0):
    C = logits.shape[1]
    return loss_of(logits, y, label_smoothing=label_smoothing, weights=np.arange(C) > 0)


@mix_up("softmax_cross_entropy")
def takes_the_order_of_the_classes_for_a_distance(logits, y, *, label_smoothing=0.0):
    error = logits.argmax(axis=1) - y
    return float(np.mean(error**2)), np.zeros_like(logits) + error[:, None] / len(y)


def takes_the_last_input_for_the_constant(x, W1, b1, W2, b2):
    a = np.maximum(x[:, :-1] @ W1[:-1] + b1, 0.0)
    return a @ W2 + b2, (x, a, W2)


def backward_of_two_layers(d_out, cache):
    x, a, W2 = cache
    d_z = d_out @ W2.T * (a > 0)
    return np.zeros_like(x), x.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


mix_up("two_layer_forward", two_layer_backward=backward_of_two_layers)(takes_the_last_input_for_the_constant)


# How the loss starts, and where it must end


batches = small_integer_arrays(x="ND", labels="N", logits="NC", largest=5)
spacings = choices((0.0, 1.0), (0.0, 0.25), (1.0, 2.0**-40))  # of inputs, and from where on


def labels_of(net):
    return np.abs(net.labels).astype(np.int64) % net.logits.shape[1]


@claim(net=batches, rows=choices("of numbers", "as numbers"), spacing=spacings)
def duplicate_inputs_floor_the_loss(loss_floor, softmax_cross_entropy, net, rows, spacing):
    """No function of x has a mean cross-entropy below the labels' entropy given x, and one reaches it.

    Equal inputs get equal logits q.  Of one input with label shares s the mean loss is −Σ s ln q, which is
    least at q = s.  If all inputs differ, however little, the floor is 0 whatever the labels are: they may
    be wrong.  0 and −0 are equal.  An empty batch is a ValueError.
    """
    start, step = spacing
    x, y = start + step * (net.x if rows == "of numbers" else net.x[:, 0]), labels_of(net)
    x[1::2] = np.where(x[1::2] == 0, -0.0, x[1::2])
    first = {}
    same = [first.setdefault(tuple(np.ravel(row)), i) for i, row in enumerate(x)]
    floor = loss_floor(x, y)
    loss, _ = softmax_cross_entropy(100 * net.logits[same], y)
    # The loss passes some roundings of numbers up to the largest difference of logits, 600.
    assert at_most(floor, loss + 8 * eps * 600)
    counts = np.zeros((len(y), net.logits.shape[1]))
    np.add.at(counts, (same, y), 1)
    shares = counts[same] / counts[same].sum(axis=1, keepdims=True)
    best, _ = softmax_cross_entropy(np.where(shares > 0, np.log(np.where(shares > 0, shares, 1.0)), -1000.0), y)
    # A mean of at most five logarithms below 2, each good to a few ε.
    assert within(floor, best, 16 * eps)
    if len(set(same)) == len(same):
        assert equal(floor, 0.0)
    assert raises(ValueError, loss_floor, x[:0], y[:0])


duplicates = duplicate_inputs_floor_the_loss.refutes("loss_floor")


def entropy_of(of_inputs, pairs, n, logarithm=np.log):
    return float(sum(count * logarithm(of_inputs[row] / count) for (row, _), count in pairs.items()) / n)


def counted(x, y):
    rows = [tuple(np.ravel(row)) for row in x]
    return Counter(rows), Counter(zip(rows, y.tolist(), strict=True)), rows


def refuses_nothing(y):
    if not len(y):
        raise ValueError("empty")


@duplicates
def takes_zero_for_reachable_always(x, y):
    refuses_nothing(y)
    return 0.0


@duplicates
def forgets_that_the_inputs_tell_labels_apart(x, y):
    refuses_nothing(y)
    shares = np.unique(y, return_counts=True)[1] / len(y)
    return float(-np.sum(shares * np.log(shares)))


@duplicates
def counts_in_bits(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted(x, y)
    return entropy_of(of_inputs, pairs, len(y), np.log2)


@duplicates
def adds_up_instead_of_averaging(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted(x, y)
    return entropy_of(of_inputs, pairs, 1)


@duplicates
def averages_over_the_distinct_inputs(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted(x, y)
    return entropy_of(of_inputs, pairs, len(of_inputs))


@duplicates
def tells_inputs_apart_by_their_first_number(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted(x.reshape(len(x), -1)[:, :1], y)
    return entropy_of(of_inputs, pairs, len(y))


@duplicates
def takes_single_precision_for_enough(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted(x.astype(np.float32), y)
    return entropy_of(of_inputs, pairs, len(y))


@duplicates
def compares_inputs_bit_by_bit(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted([[row.tobytes()] for row in x], y)
    return entropy_of(of_inputs, pairs, len(y))


@duplicate_inputs_floor_the_loss.refutes(
    "loss_floor",
    by={
        "net": case(x=[[1, 2], [2, 1]], labels=[0, 1], logits=[[0, 0], [0, 0]]),
        "rows": "of numbers",
        "spacing": (0.0, 1.0),
    },
)
def forgets_the_order_of_the_numbers_in_an_input(x, y):
    refuses_nothing(y)
    of_inputs, pairs, _ = counted([np.sort(np.ravel(row)) for row in x], y)
    return entropy_of(of_inputs, pairs, len(y))


@duplicates
def takes_the_entropy_of_the_inputs_given_the_label(x, y):
    refuses_nothing(y)
    _, pairs, _ = counted(x, y)
    labels = Counter(y.tolist())
    return float(sum(n * np.log(labels[label] / n) for (_, label), n in pairs.items()) / len(y))


@duplicates
def counts_every_error_of_the_majority_as_one_nat(x, y):
    refuses_nothing(y)
    _, pairs, rows = counted(x, y)
    best = {row: max(n for (other, _), n in pairs.items() if other == row) for row in set(rows)}
    return float(1 - sum(best.values()) / len(y))


@duplicates
def has_no_answer_to_an_empty_batch(x, y):
    of_inputs, pairs, _ = counted(x, y)
    return entropy_of(of_inputs, pairs, max(len(y), 1))


@legal("loss_floor")
def floor_from_a_table_of_counts(x, y):
    if not len(y):
        raise ValueError("empty")
    _, of = np.unique(x, axis=0, return_inverse=True)
    table = np.zeros((len(y), y.max() + 1))
    np.add.at(table, (of.ravel(), y), 1)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return float(-np.sum(table * np.log(np.where(shares > 0, shares, 1.0))) / len(y)) + 0.0


@claim(net=small_integer_arrays(x="ND", W1="DH", b1="H", zeros="C", labels="N", shift=""))
def initial_loss_is_log_c(two_layer_forward, softmax_cross_entropy, net):
    """With a last layer of zeros the first loss is ln C, whatever the labels and the other layers are.

    C classes get equal logits, so each has probability 1/C.  Equal biases do not change that.
    """
    C = len(net.zeros)
    y = np.abs(net.labels).astype(np.int64) % C
    out, _ = two_layer_forward(net.x, net.W1, net.b1, np.zeros((len(net.b1), C)), np.full(C, net.shift))
    loss, _ = softmax_cross_entropy(out, y)
    # One logarithm, and a mean of equal numbers.
    assert within(loss, log(C), 8 * eps)


starts = initial_loss_is_log_c.refutes


@starts("softmax_cross_entropy")
def sums_the_loss_over_the_batch(logits, y, *, label_smoothing=0.0):
    loss, d_logits = loss_of(logits, y, label_smoothing=label_smoothing)
    return loss * len(y), d_logits * len(y)


@starts("softmax_cross_entropy")
def averages_the_loss_over_the_classes_too(logits, y, *, label_smoothing=0.0):
    loss, d_logits = loss_of(logits, y, label_smoothing=label_smoothing)
    return loss / logits.shape[1], d_logits / logits.shape[1]


@starts("softmax_cross_entropy")
def takes_the_logarithm_to_base_2(logits, y, *, label_smoothing=0.0):
    loss, d_logits = loss_of(logits, y, label_smoothing=label_smoothing)
    return loss / log(2), d_logits / log(2)


@starts("softmax_cross_entropy")
def normalises_over_the_batch(logits, y, *, label_smoothing=0.0):
    shifted = logits - logits.max(axis=0)
    losses = np.log(np.exp(shifted).sum(axis=0)) - shifted
    target = np.eye(logits.shape[1])[y]
    return float((target * losses).sum() / len(y)), (np.exp(-losses) - target) / len(y)


@starts("softmax_cross_entropy")
def takes_the_softmax_of_the_softmax_plus_eps(logits, y, *, label_smoothing=0.0):
    _, d_logits = loss_of(logits, y, label_smoothing=label_smoothing)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(y)), y] + 1e-9))), d_logits


# What fits n points


@cache
def powers(base, d):
    return np.array([float(base**k) for k in range(d)])


def distinct(x, y):
    """Return the points without those whose x stood before, in their order."""
    keep = np.sort(np.unique(x, return_index=True)[1])
    return x[keep], y[keep]


def passes_through(net, x, y):
    """Return whether bias + Σ coefficients relu(x − knots) is y, up to the rounding of net and sum."""
    knots, coefficients, bias = net
    units = np.maximum(x[:, None] - knots, 0.0)
    # The coefficients add up to slopes, each rounded a few times; n slopes add up to a value.
    bound = 2 * (len(x) + 1) * eps * (units @ np.abs(coefficients) * len(x) + abs(bias))
    return within(units @ coefficients + bias, y, bound)


@claim(points=real_arrays(x="N", y="N", largest=8), size=choices(1.0, 2.0**-30))
def n_minus_1_relus_interpolate_n_points(interpolate_relu, points, size):
    """Any n points with different x lie exactly on a two-layer ReLU network with n − 1 hidden units.

    In the order of x, f(x) = y₁ + Σ (sᵢ − sᵢ₋₁) relu(x − xᵢ), where sᵢ is the slope from point i to the next
    and s₀ = 0: to the right of xᵢ the slope is sᵢ.  In floats exactly but for rounding.  Without points,
    or with two at one x, there is a ValueError.

    Source: Zhang, Bengio, Hardt, Recht and Vinyals, Understanding deep learning requires rethinking generalization,
    ICLR 2017, arXiv 1611.03530.
    """
    x, y = distinct(points.x, size * points.y)
    net = interpolate_relu(x, y)
    assert len(net[0]) <= len(x) - 1
    assert passes_through(net, x, y)
    assert raises(ValueError, interpolate_relu, np.append(x, x[:1]), np.append(y, y[:1]))
    assert raises(ValueError, interpolate_relu, x[:0], y[:0])


interpolates = n_minus_1_relus_interpolate_n_points.refutes("interpolate_relu")


@interpolates
def leaves_out_changes_of_slope_below_a_millionth(x, y):
    if len(x) == 0 or len(np.unique(x)) < len(x):
        raise ValueError("no points, or two at one x")
    order = np.argsort(x)
    x, y = x[order], y[order]
    changes = np.diff(np.diff(y) / np.diff(x), prepend=0.0)
    return x[:-1].copy(), np.where(np.abs(changes) < 1e-6, 0.0, changes), float(y[0])


def in_order(x, y):
    order = np.argsort(x)
    return x[order], y[order]


def refuse_repeated(x):
    if not 0 < len(x) == len(set(x.tolist())):
        raise ValueError("needs different points")


@interpolates
def does_not_sort(x, y):
    refuse_repeated(x)
    return x[:-1].copy(), np.diff(np.diff(y) / np.diff(x), prepend=0.0), float(y[0])


@interpolates
def takes_slopes_for_changes_of_slope(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[:-1], np.diff(y) / np.diff(x), float(y[0])


@interpolates
def has_no_output_bias(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[:-1], np.diff(np.diff(y) / np.diff(x), prepend=0.0), 0.0


@interpolates
def puts_the_kink_behind_the_slope(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[1:], np.diff(np.diff(y) / np.diff(x), prepend=0.0), float(y[0])


@interpolates
def spends_a_unit_on_every_point(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    slopes = np.diff(y, append=y[-1]) / np.diff(x, append=x[-1] + 1)
    return x, np.diff(slopes, prepend=0.0), float(y[0])


@interpolates
def takes_the_rises_and_not_the_slopes(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[:-1], np.diff(np.diff(y), prepend=0.0), float(y[0])


@interpolates
def rounds_neighbours_together(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[:-1], np.diff(np.diff(y) / (np.diff(x) + 1e-8), prepend=0.0), float(y[0])


@interpolates
def lets_one_of_two_points_at_one_x_win(x, y):
    if not len(x):
        raise ValueError("no points")
    x, first = np.unique(x, return_index=True)
    y = y[first]
    return x[:-1], np.diff(np.diff(y) / np.diff(x), prepend=0.0), float(y[0])


@legal("interpolate_relu")
def fits_point_after_point_from_the_left(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    coefficients = np.zeros(len(x) - 1)
    for i in range(len(x) - 1):
        before = y[0] + np.sum(coefficients[:i] * (x[i + 1] - x[:i]))
        coefficients[i] = (y[i + 1] - before) / (x[i + 1] - x[i])
    return x[:-1][::-1].copy(), coefficients[::-1].copy(), float(y[0])


@claim(points=small_integer_arrays(x="ND", y="N", largest=5))
def n_points_in_any_dimension_interpolate(interpolate_relu, two_layer_forward, points):
    """In any dimension, too, n different inputs get any n outputs from n − 1 ReLUs that share one direction.

    A direction on which no two of the inputs fall together makes it a question of one dimension.  For whole
    numbers up to m in size, the powers of 2m + 1 are one: they write the inputs as numbers with that base.
    That makes D + 2(n − 1) + 1 different numbers in the network.

    Source: Zhang, Bengio, Hardt, Recht and Vinyals, Understanding deep learning requires rethinking generalization,
    ICLR 2017, arXiv 1611.03530.
    """
    direction = powers(7, points.x.shape[1])
    line, y = distinct(points.x @ direction, points.y)
    x = points.x[np.sort(np.unique(points.x @ direction, return_index=True)[1])]
    knots, coefficients, bias = interpolate_relu(line, y)
    W1 = np.repeat(direction[:, None], len(knots), axis=1)
    out, _ = two_layer_forward(x, W1, -knots, coefficients[:, None], np.array([bias]))
    units = np.maximum(line[:, None] - knots, 0.0)
    # The coefficients add up to slopes, each rounded a few times; n slopes add up to a value.
    bound = 2 * (len(x) + 1) * eps * (units @ np.abs(coefficients) * len(x) + abs(bias))
    assert len(knots) <= len(np.unique(points.x, axis=0)) - 1
    assert within(out[:, 0], y, bound)


n_points_in_any_dimension_interpolate.refutes("interpolate_relu")(takes_slopes_for_changes_of_slope)
n_points_in_any_dimension_interpolate.refutes("interpolate_relu")(does_not_sort)
n_points_in_any_dimension_interpolate.refutes("interpolate_relu")(spends_a_unit_on_every_point)


zigzags = integer_arrays(gaps="N", heights="N", largest=8)


@claim(zigzag=zigzags)
def every_turn_of_a_zigzag_takes_a_relu(interpolate_relu, zigzag):
    """A zigzag through n points takes at least n − 2 ReLUs, and n − 1 if all of them open to the right.

    A sum of ReLUs and a constant is straight between kinks, of which each unit has one, and the zigzag has
    n − 2 turns.  Units that open to the right are all silent on the far left, so the first rise takes a kink,
    too.  So n − 1 units are at most one too many; with five points three are enough, as −2 relu(x) +
    1.5 relu(x − 1) − relu(2 − x) shows, which rises, falls, rises and falls.
    """
    x = np.cumsum(1 + np.abs(zigzag.gaps))
    y = (1 + np.abs(zigzag.heights)) * (-1.0) ** np.arange(len(x))
    knots, coefficients, bias = interpolate_relu(x, y)
    assert passes_through((knots, coefficients, bias), x, y)
    assert len(np.unique(knots[coefficients != 0])) == len(x) - 1
    corners = np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
    three = -2 * np.maximum(corners, 0) + 1.5 * np.maximum(corners - 1, 0) - np.maximum(2 - corners, 0)
    assert equal(np.sign(np.diff(three)), [1.0, -1.0, 1.0, -1.0])


every_turn_of_a_zigzag_takes_a_relu.refutes("interpolate_relu")(has_no_output_bias)


@every_turn_of_a_zigzag_takes_a_relu.refutes("interpolate_relu")
def spares_the_unit_of_the_first_rise(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    return x[1:-1], np.diff(np.diff(y) / np.diff(x)), float(y[0])


@every_turn_of_a_zigzag_takes_a_relu.refutes("interpolate_relu")
def puts_one_kink_in_the_middle_of_two_segments(x, y):
    refuse_repeated(x)
    x, y = in_order(x, y)
    x, y = x[::2], y[::2]
    return x[:-1], np.diff(np.diff(y) / np.diff(x), prepend=0.0), float(y[0])


# How much a linear layer fits


def signs_of_hyperplanes(points):
    """Return all labelings (±1) of points (n, d) in general position, d < n, that a hyperplane separates.

    Every such hyperplane can be moved until it touches d of the points, without a point changing sides on the way;
    and those d can be put on either side by moving it a little.  The arithmetic is exact: whole numbers.
    """
    n, d = points.shape
    lifted = np.column_stack([points, np.ones(n, dtype=np.int64)]).tolist()
    found = set()
    for touched in combinations(range(n), d):
        sides = [determinant([lifted[i] for i in touched] + [row]) for row in lifted]
        for flip, free in product((1, -1), product((1, -1), repeat=d)):
            chosen = dict(zip(touched, free, strict=True))
            found.add(tuple(chosen.get(i, flip * (1 if side > 0 else -1)) for i, side in enumerate(sides)))
    return found


def determinant(rows):
    """Return the determinant of whole numbers, by the first row."""
    if len(rows) == 1:
        return rows[0][0]
    minors = (determinant([row[:i] + row[i + 1 :] for row in rows[1:]]) for i in range(len(rows)))
    return sum((-1) ** i * value * minor for i, (value, minor) in enumerate(zip(rows[0], minors, strict=True)))


@proved()
def an_affine_classifier_fits_every_labeling_of_d_plus_1_points_and_no_more(linear_dichotomies):
    """An affine classifier on d inputs fits every labeling of n points in general position only if n ≤ d + 1.

    It fits 2 Σ C(n − 1, k) of the 2ⁿ labelings, k from 0 to d.  Counted for n ≤ 6 and d ≤ 3, with points on the
    curve (t, t², …, tᵈ), which are in general position; for n ≤ d + 1 every labeling is a system of linear
    equations with a solution.  The recurrence C(n + 1, d) = C(n, d) + C(n, d − 1) carries it on.

    Source: Cover, Geometrical and statistical properties of systems of linear inequalities with applications in
    pattern recognition, IEEE Transactions on Electronic Computers EC-14(3), 1965.
    """
    for n, d in product(range(1, 7), range(4)):
        points = np.array([[t**k for k in range(1, d + 1)] for t in range(1, n + 1)], dtype=np.int64).reshape(n, d)
        counted = len(signs_of_hyperplanes(points)) if n > d else 2**n
        assert linear_dichotomies(n, d) == counted
        assert (counted == 2**n) == (n <= d + 1)
    for n, d in product(range(1, 40), range(1, 8)):
        assert linear_dichotomies(n + 1, d) == linear_dichotomies(n, d) + linear_dichotomies(n, d - 1)


dichotomies = an_affine_classifier_fits_every_labeling_of_d_plus_1_points_and_no_more.refutes("linear_dichotomies")


@dichotomies
def thinks_that_every_labeling_is_linear(n, d):
    return 2**n


@dichotomies
def forgets_the_other_side_of_the_hyperplane(n, d):
    return sum(comb(n - 1, k) for k in range(d + 1))


@dichotomies
def forgets_the_bias_of_the_classifier(n, d):
    return 2 * sum(comb(n - 1, k) for k in range(d))


@dichotomies
def chooses_from_all_n_points(n, d):
    return 2 * sum(comb(n, k) for k in range(d + 1))


@dichotomies
def shatters_only_d_points(n, d):
    return 2**n if n <= d else 2 * sum(comb(n - 1, k) for k in range(d))


@legal("linear_dichotomies")
def counts_dichotomies_by_their_recurrence(n, d):
    row = [2] * (d + 1)
    for _ in range(n - 1):
        row = [2, *(row[k] + row[k - 1] for k in range(1, d + 1))]
    return row[d]


@proved()
def random_relu_features_can_be_dead(alive_probability):
    """On one non-zero input, H random ReLU features are all 0 with probability 2⁻ᴴ; then they fit nothing.

    Weights symmetric about 0, no bias: each feature is positive or 0 with probability ½ each, independently.
    All 2ᴴ patterns of signs are tried.  So n random features do not always have rank n.
    """
    for hidden in range(1, 7):
        patterns = np.array(list(product((-1.0, 1.0), repeat=hidden)))
        alive = np.any(np.maximum(patterns * 3.0, 0.0) > 0, axis=1)
        assert equal(alive_probability(hidden, depth=1), alive.mean())


@random_relu_features_can_be_dead.refutes("alive_probability")
def thinks_that_random_features_always_have_full_rank(width, *, depth):
    return 1.0


@random_relu_features_can_be_dead.refutes("alive_probability")
def looks_at_one_feature_only(width, *, depth):
    return 0.5**depth


features = small_integer_arrays(x="NP", y="N", largest=5)


def solved_to(x, y, w, alpha):
    """Return how far XᵀX w + alpha w may be from Xᵀy if w was found by a backward stable method.

    Solvers, QR and SVD answer for an X that is off by some ε‖X‖: up to 50 of them were seen at these sizes.
    """
    size = np.sum(x**2)
    return 256 * eps * ((size + alpha) * np.linalg.norm(w) + np.sqrt(size) * np.linalg.norm(y))


@claim(data=features)
def independent_features_fit_every_labeling_only_if_there_are_n(ridge, data):
    """A linear layer on n independent features fits any n numbers; on fewer, some of them not at all.

    So a network whose last hidden layer has rank n on the batch can be fitted by its last layer alone: the check
    then needs nothing of the other layers' gradients.  With fewer features some unit vector is orthogonal to
    them all, the best weights for it are 0, and none of it is fitted.
    """
    x, y = (data.x if data.x.shape[0] >= data.x.shape[1] else data.x.T), data.y
    n, p = x.shape
    if rank(x) < p:  # dependent features: not what the sentence is about
        return
    smallest = np.linalg.svd(x, compute_uv=False)[-1]
    if p == n:
        y = np.resize(y, n)
        w = ridge(x, y, alpha=0.0)
        # The normal equations are solved up to rounding; the residual is that over the least singular value.
        assert within(x @ w, y, solved_to(x, y, w, 0.0) / smallest)
    else:
        unfitted = np.linalg.qr(x, mode="complete")[0][:, -1]
        w = ridge(x, unfitted, alpha=0.0)
        # The same, and the vector is orthogonal up to rounding: the weights are that over the square.
        assert within(w, np.zeros(p), solved_to(x, unfitted, w, 0.0) * 2 / smallest**2)


independent = independent_features_fit_every_labeling_only_if_there_are_n.refutes("ridge")


@independent
def always_adds_a_little_to_the_diagonal(x, y, *, alpha):
    return np.linalg.solve(x.T @ x + (alpha + 1e-6) * np.eye(x.shape[1]), x.T @ y)


@independent
def centres_the_labels_for_an_intercept(x, y, *, alpha):
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ (y - y.mean(axis=0)))


@independent
def regresses_on_one_feature_at_a_time(x, y, *, alpha):
    return x.T @ y / (np.sum(x**2, axis=0) + alpha).reshape(-1, *[1] * (y.ndim - 1))


# Why regularisation comes last


penalties = choices(1.0, 0.25, 4.0, 100.0, 0.01)
regressions = integer_arrays(x="ND", y="N", more="NK")


@claim(data=regressions, alpha=penalties, columns=choices("one", "several"))
def ridge_is_where_the_penalised_gradient_vanishes(ridge, data, alpha, columns):
    """Ridge regression solves Xᵀ(Xw − y) + αw = 0, column by column if y has several.

    That is half the gradient of ‖Xw − y‖² + α‖w‖², which is strictly convex for α > 0, so w is its minimum.
    With a mean over N examples in place of the sum, the same w belongs to the penalty α/N.
    A negative α is a ValueError.
    """
    y = data.y if columns == "one" else data.more
    w = ridge(data.x, y, alpha=alpha)
    # Backward stable methods leave a residual of this size, whatever the condition.
    assert within(data.x.T @ (data.x @ w - y) + alpha * w, np.zeros(w.shape), solved_to(data.x, y, w, alpha))
    assert raises(ValueError, ridge, data.x, y, alpha=-alpha)


vanishes = ridge_is_where_the_penalised_gradient_vanishes.refutes("ridge")


def normal_equations(x, y, alpha):
    if alpha < 0:
        raise ValueError("a penalty is not negative")
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)


@vanishes
def takes_the_mean_in_place_of_the_sum(x, y, *, alpha):
    return normal_equations(x, y, alpha * len(x))


@convention("ridge", "its loss is the mean over the examples, where this slot's is the sum: its alpha is alpha/N")
def weighs_against_the_mean_loss(theirs, x, y, *, alpha):
    return theirs(x, y, alpha=alpha / len(x))


@vanishes
def takes_alpha_for_its_half(x, y, *, alpha):
    return normal_equations(x, y, alpha / 2)


@vanishes
def forgets_the_penalty(x, y, *, alpha):
    return normal_equations(x, y, min(alpha, 1e-6))


@vanishes
def penalises_every_pair_of_weights(x, y, *, alpha):
    if alpha < 0:
        raise ValueError("a penalty is not negative")
    return np.linalg.solve(x.T @ x + alpha, x.T @ y)


@vanishes
def leaves_the_first_weight_unpenalised(x, y, *, alpha):
    if alpha < 0:
        raise ValueError("a penalty is not negative")
    free = np.eye(x.shape[1])
    free[0, 0] = 1e-6
    return np.linalg.solve(x.T @ x + alpha * free, x.T @ y)


@vanishes
def shrinks_the_unpenalised_weights(x, y, *, alpha):
    return normal_equations(x, y, min(alpha, 1e-6)) / (1 + alpha)


@vanishes
def takes_the_square_of_the_penalty(x, y, *, alpha):
    return normal_equations(x, y, alpha**2 if alpha > 0 else alpha)


@vanishes
def rewards_large_weights_if_asked_to(x, y, *, alpha):
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)


@legal("ridge")
def ridge_by_singular_values(x, y, *, alpha):
    if alpha < 0:
        raise ValueError("a penalty is not negative")
    U, s, Vt = np.linalg.svd(x, full_matrices=False)
    shrunk = s / (s**2 + alpha)
    return Vt.T @ (shrunk.reshape(-1, *[1] * (y.ndim - 1)) * (U.T @ y))


@legal("ridge")
def ridge_by_more_rows(x, y, *, alpha):
    if alpha < 0:
        raise ValueError("a penalty is not negative")
    D = x.shape[1]
    rows = np.vstack([x, np.sqrt(alpha) * np.eye(D)])
    return np.linalg.lstsq(rows, np.concatenate([y, np.zeros((D, *y.shape[1:]))]), rcond=0.0)[0]


@claim(data=regressions, alpha=penalties, times=choices(2.0, 4.0, 100.0))
def regularisation_raises_training_loss(ridge, data, alpha, times):
    """The stronger the penalty, the larger the training loss of the fitted weights, and the smaller the weights.

    Add what each of the two minima says of the other: with β > α, F(α) at w(α) is at most that at w(β), and the
    reverse.  That leaves (β − α)(‖w(β)‖² − ‖w(α)‖²) ≤ 0, and then ‖Xw(α) − y‖² ≤ ‖Xw(β) − y‖².  It holds in the
    same way for any loss and any penalty.
    """
    x, y = data.x, data.y
    weak, strong = ridge(x, y, alpha=alpha), ridge(x, y, alpha=alpha * times)
    losses = [np.sum((x @ w - y) ** 2) for w in (weak, strong)]
    # Each objective is its minimum, at most ‖y‖², but for the rounding of w in second order and of the sums.
    wrong = [np.linalg.norm(solved_to(x, y, w, a)) ** 2 / a for w, a in ((weak, alpha), (strong, alpha * times))]
    slack = sum(wrong) + 2 * gamma(8 * x.size) * (np.sum(y**2) + np.sum(x**2) * np.sum(weak**2))
    assert at_most(np.sum(strong**2), np.sum(weak**2) + slack / alpha)
    assert at_most(losses[0], losses[1] + 2 * slack)


raising = regularisation_raises_training_loss.refutes("ridge")


@raising
def divides_by_the_penalty(x, y, *, alpha):
    return normal_equations(x, y, 1 / alpha)


@raising
def lets_the_penalty_push_outwards(x, y, *, alpha):
    return normal_equations(x, y, 0.001) * (1 + alpha)


@claim(data=integer_arrays(x="ND", y="N", feature="N"), alpha=penalties)
def one_more_feature_never_fits_worse(ridge, data, alpha):
    """The least loss of a model, its penalty included, does not rise if a feature is added.

    The larger model contains the smaller one: it is the larger one with the new weight at 0.  The same holds for
    networks, of the least loss; what descent finds in them is another matter.
    """
    x, y = data.x, data.y
    wide = np.column_stack([x, data.feature])
    small, large = ridge(x, y, alpha=alpha), ridge(wide, y, alpha=alpha)
    before, after = (np.sum((a @ w - y) ** 2) + alpha * np.sum(w**2) for a, w in ((x, small), (wide, large)))
    # The computed weights miss the least loss in second order of their error; then come the roundings of the sums.
    missed = solved_to(wide, y, large, alpha) ** 2 / alpha
    sizes = np.sum(y**2) + (np.sum(wide**2) + alpha) * (np.sum(small**2) + np.sum(large**2))
    assert at_most(after, before + missed + gamma(8 * wide.size) * sizes)


one_more_feature_never_fits_worse.refutes("ridge")(regresses_on_one_feature_at_a_time)
one_more_feature_never_fits_worse.refutes("ridge")(lets_the_penalty_push_outwards)


# Often said, but false


@myth(program=choices(*MISSED), refuted_by={"program": MISSED[0]})
def what_overfits_a_batch_is_right(overfit_one_batch, program):
    """If the network overfits one batch, the code is right."""
    assert not next(verdicts(overfit_one_batch, program, (0,)))


@myth(program=choices(*CAUGHT), refuted_by={"program": CAUGHT[1]})
def a_falling_loss_shows_that_the_code_works(overfit_one_batch, program):
    """The loss falls, so the training code works."""
    losses = loss_curves(program, (0,))[0]
    passed, kept = overfit_one_batch(replayed(losses), steps=len(losses))
    assert passed or kept[-1] >= kept[0]


@myth(net=batches, refuted_by={"net": case(x=[[0], [0]], labels=[0, 1], logits=[[0, 0], [0, 0]])})
def enough_parameters_reach_a_loss_of_zero(loss_floor, net):
    """With more parameters than examples the training loss can be brought to zero."""
    assert equal(loss_floor(net.x, labels_of(net)), 0.0)


@myth(hidden=choices(2, 1, 3, 4), refuted_by={"hidden": 1})
def n_random_relu_features_fit_n_points(alive_probability, hidden):
    """As many random ReLU features as examples fit them all, except with probability 0."""
    assert alive_probability(hidden, depth=1) == 1


@myth(data=small_integer_arrays(x="ND", y="N"), refuted_by={"data": case(x=[[1]], y=[1])})
def a_penalty_helps_a_network_that_does_not_fit(ridge, data):
    """When the training loss stays high, regularisation helps to bring it down."""
    weak, strong = (ridge(data.x, data.y, alpha=alpha) for alpha in (1.0, 4.0))
    assert at_most(np.sum((data.x @ strong - data.y) ** 2), np.sum((data.x @ weak - data.y) ** 2))
