"""Q8: why a validation loss can lie below the train loss, one experiment for each cause, and what excludes it."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, product

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, conditioned, eps, equal, gamma, raises, within
from claims.toolbox.data import digits, english
from claims.toolbox.exact import fractions
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, logit_arrays, real_arrays, small_integer_arrays

dyadic_rates = choices(0.5, 0.25, 0.125)
no_rng = np.random.default_rng(0)


def half_squares(w, x, y):
    """Return the losses ½(x w − y)² of a linear model, one for each example."""
    return (x @ w - y) ** 2 / 2


# An epoch, and the loss that it reports


@claim(task=small_integer_arrays(w="D", x="ND", y="N", step="D"), lr=dyadic_rates)
def an_epoch_notes_each_loss_before_its_own_update(train_one_epoch, task, lr):
    """The loss noted on an example is that of the weights that the examples before it have left.

    The weights then move by −η times the gradient.  The loss is quadratic, so a central difference
    along any step is exact; and whole numbers with dyadic rates do not round.
    """
    w, x, y, step = task
    _, losses = train_one_epoch(w, x, y, lr=lr)
    for i in range(len(x)):
        before = train_one_epoch(w, x[:i], y[:i], lr=lr)[0] if i else w
        after, _ = train_one_epoch(w, x[: i + 1], y[: i + 1], lr=lr)
        up, down = (half_squares(before + sign * step, x[i : i + 1], y[i : i + 1]) for sign in (1, -1))
        assert equal(losses[i : i + 1], half_squares(before, x[i : i + 1], y[i : i + 1]))
        assert equal((after - before) @ step, -lr * (up - down).item() / 2)


def epoch(w, x, y, lr, *, late=False, step=lambda r, x: r * x):
    losses = []
    for row, target in zip(x, y, strict=True):
        before, w = w, w - lr * step(row @ w - target, row)
        losses.append(half_squares(w if late else before, row, target))
    return w, np.array(losses)


@an_epoch_notes_each_loss_before_its_own_update.refutes("train_one_epoch")
def notes_the_loss_after_the_update(w, x, y, *, lr):
    return epoch(w, x, y, lr, late=True)


@an_epoch_notes_each_loss_before_its_own_update.refutes("train_one_epoch")
def notes_squares_without_the_half(w, x, y, *, lr):
    new, losses = epoch(w, x, y, lr)
    return new, 2 * losses


@an_epoch_notes_each_loss_before_its_own_update.refutes("train_one_epoch")
def steps_with_the_gradient_of_the_whole_square(w, x, y, *, lr):
    return epoch(w, x, y, lr, step=lambda r, x: 2 * r * x)


@an_epoch_notes_each_loss_before_its_own_update.refutes("train_one_epoch")
def forgets_the_input_in_the_gradient(w, x, y, *, lr):
    return epoch(w, x, y, lr, step=lambda r, x: np.full_like(x, r))


@an_epoch_notes_each_loss_before_its_own_update.refutes("train_one_epoch")
def updates_only_after_the_epoch(w, x, y, *, lr):
    return w - lr * (x @ w - y) @ x, half_squares(w, x, y)


@legal("train_one_epoch")
def takes_one_example_and_then_the_rest(w, x, y, *, lr):
    if not len(x):
        return w.copy(), np.zeros(0)
    residual = math.fsum(a * b for a, b in zip(x[0], w, strict=True)) - y[0]
    moved = np.array([b - lr * (residual * a) for a, b in zip(x[0], w, strict=True)])
    last, losses = takes_one_example_and_then_the_rest(moved, x[1:], y[1:], lr=lr)
    return last, np.array([0.5 * residual * residual, *losses])


@claim(drops=integer_arrays(end="", drop="K", largest=24))
def running_mean_lags_behind(running_train_loss, drops):
    """If no step raises the loss, the running loss is at least the loss after the epoch.

    They are equal only if no step lowers it.  The loss after the last update is not among the K of the epoch.
    """
    after = abs(drops.end)
    losses = after + np.cumsum(abs(drops.drop))[::-1]
    running = running_train_loss(losses)
    # The sum is a whole number, so K − 1 sums do not round; a running update rounds three times a step.
    assert within(running, float(sum(fractions(losses)) / len(losses)), gamma(4 * len(losses)) * losses.max())
    slack = gamma(4 * len(losses)) * losses.max()
    assert at_most(after, running + slack)
    assert (running > after + slack) == (losses[0] > after)
    assert within(running_train_loss(0 * losses[:1]), 0.0, 0.0)
    # A loss of 0 counts like any other.
    assert within(running_train_loss(np.append(losses, 0.0)), running * len(losses) / (len(losses) + 1), 2 * slack)


@running_mean_lags_behind.refutes("running_train_loss")
def takes_the_loss_of_the_last_step(step_losses):
    return float(step_losses[-1])


@running_mean_lags_behind.refutes("running_train_loss")
def starts_a_moving_average_at_zero(step_losses):
    average = 0.0
    for loss in step_losses:
        average = 0.9 * average + 0.1 * loss
    return float(average)


@running_mean_lags_behind.refutes("running_train_loss")
def averages_the_last_twenty_steps(step_losses):
    return float(np.mean(step_losses[-20:]))


@running_mean_lags_behind.refutes("running_train_loss")
def takes_a_loss_of_0_for_missing(step_losses):
    return float(np.sum(step_losses) / max(np.count_nonzero(step_losses), 1))


@running_mean_lags_behind.refutes("running_train_loss")
def sums_the_step_losses(step_losses):
    return float(np.sum(step_losses))


@running_mean_lags_behind.refutes("running_train_loss")
def divides_by_one_step_too_few(step_losses):
    return float(np.sum(step_losses) / max(len(step_losses) - 1, 1))


@running_mean_lags_behind.refutes("running_train_loss")
def leaves_out_the_first_step(step_losses):
    return float(np.mean(step_losses[1:])) if len(step_losses) > 1 else float(step_losses[0])


@legal("running_train_loss")
def corrects_the_mean_step_by_step(step_losses):
    if not len(step_losses):
        raise ValueError("no steps")
    mean = 0.0
    for k, loss in enumerate(step_losses.tolist(), start=1):
        mean += (loss - mean) / k
    return mean


@claim(line=integer_arrays(slope="", steps="K"))
def the_running_loss_is_half_an_epoch_old(running_train_loss, line):
    """If the loss falls by b at each of K steps, the running loss is that of step (K − 1)/2.

    The loss after the epoch is that of step K, (K + 1)/2 · b below.
    """
    b, K = float(abs(line.slope)), len(line.steps)
    losses = b * np.arange(2 * K, K, -1.0)
    # Multiples of b/2 up to 8 b do not round; a running update rounds three times a step.
    slack = gamma(4 * K) * losses[0]
    assert within(running_train_loss(losses), b * (2 * K - (K - 1) / 2), slack)
    assert within(running_train_loss(losses) - b * K, b * (K + 1) / 2, slack)


for wrong in (
    takes_the_loss_of_the_last_step,
    starts_a_moving_average_at_zero,
    divides_by_one_step_too_few,
    leaves_out_the_first_step,
):
    the_running_loss_is_half_an_epoch_old.refutes("running_train_loss")(wrong)


@claim(population=small_integer_arrays(largest=3, w="D", x="ND", y="N"), lr=dyadic_rates)
def a_fresh_example_estimates_the_validation_loss(train_one_epoch, population, lr):
    """While no example comes twice, its loss before its update is on average the validation loss of that moment.

    Examples and validation data are independent draws from one population.  All pairs of a first and
    a second example are enumerated: the loss on the second is compared with the loss of the weights
    that the first has left, on the whole population.  On whole numbers the sums are equal.
    """
    w, x, y = population
    noted = validation = 0.0
    for i in range(len(x)):
        moved, _ = train_one_epoch(w, x[[i]], y[[i]], lr=lr)
        validation += half_squares(moved, x, y).sum()
        noted += sum(train_one_epoch(w, x[[i, j]], y[[i, j]], lr=lr)[1][1] for j in range(len(x)))
    assert equal(noted, validation)


a_fresh_example_estimates_the_validation_loss.refutes("train_one_epoch")(notes_the_loss_after_the_update)
a_fresh_example_estimates_the_validation_loss.refutes("train_one_epoch")(notes_squares_without_the_half)


@a_fresh_example_estimates_the_validation_loss.refutes("train_one_epoch")
def goes_through_the_examples_twice(w, x, y, *, lr):
    return epoch(epoch(w, x, y, lr)[0], x, y, lr)


# How losses are averaged


@claim(losses=integer_arrays(largest=8, value="N"), batch_size=choices(2, 3, 1, 4))
def the_epoch_mean_weights_batches_by_size(weighted_batch_mean, losses, batch_size):
    """The mean over all examples is the mean of the batches' means, weighted by their sizes."""
    batches = [losses.value[i : i + batch_size] for i in range(0, len(losses.value), batch_size)]
    mean = weighted_batch_mean([float(np.mean(batch)) for batch in batches], [len(batch) for batch in batches])
    # A batch mean rounds once, here whole sums follow: three roundings a batch, one more in a running update.
    slack = gamma(4 * len(batches) + 2) * np.mean(abs(losses.value))
    assert within(mean, float(sum(fractions(losses.value)) / len(losses.value)), slack)


@the_epoch_mean_weights_batches_by_size.refutes("weighted_batch_mean")
def takes_the_mean_of_the_batch_means(means, sizes):
    return sum(means) / len(means)


@the_epoch_mean_weights_batches_by_size.refutes("weighted_batch_mean")
def drops_the_incomplete_batch(means, sizes):
    whole = [mean for mean, size in zip(means, sizes, strict=True) if size == max(sizes)]
    return sum(whole) / len(whole)


@the_epoch_mean_weights_batches_by_size.refutes("weighted_batch_mean")
def divides_by_the_number_of_batches(means, sizes):
    return sum(size * mean for mean, size in zip(means, sizes, strict=True)) / len(means)


@the_epoch_mean_weights_batches_by_size.refutes("weighted_batch_mean")
def sums_without_dividing(means, sizes):
    return sum(size * mean for mean, size in zip(means, sizes, strict=True))


@legal("weighted_batch_mean")
def updates_the_mean_batch_by_batch(means, sizes):
    seen, total = 0, 0.0
    for mean, size in zip(means, sizes, strict=True):
        if size:
            seen += size
            total = total + (mean - total) * (size / seen)
    if not seen:
        raise ValueError("no examples")
    return total


@claim(shards=small_integer_arrays(mean="KD", size="K"))
def an_empty_shard_does_not_count(weighted_batch_mean, shards):
    """Gradients average like losses; a shard without examples changes nothing, even if its own mean is 0/0.

    If all are empty, or there is none, the mean is refused.
    """
    sizes = np.abs(shards.size).astype(int).tolist()
    means = [np.where(size, mean, np.nan) for mean, size in zip(shards.mean, sizes, strict=True)]
    if sum(sizes):
        expected = [float(each / sum(sizes)) for each in sum(map(np.multiply, fractions(shards.mean), sizes))]
        # Whole numbers add up exactly; a running update rounds four times a shard, on means of at most 3.
        assert within(weighted_batch_mean(means, sizes), expected, gamma(4 * len(means)) * 3)
    assert raises(ValueError, weighted_batch_mean, [], [])
    assert raises(ValueError, weighted_batch_mean, means, [0] * len(means))


@an_empty_shard_does_not_count.refutes("weighted_batch_mean")
def multiplies_an_undefined_mean_by_zero(means, sizes):
    return sum(size * mean for mean, size in zip(means, sizes, strict=True)) / sum(sizes)


@an_empty_shard_does_not_count.refutes("weighted_batch_mean")
def counts_an_empty_shard_as_one_example(means, sizes):
    sizes = [max(size, 1) for size in sizes]
    return sum(size * np.nan_to_num(mean) for mean, size in zip(means, sizes, strict=True)) / sum(sizes)


@an_empty_shard_does_not_count.refutes("weighted_batch_mean")
def calls_the_mean_of_nothing_zero(means, sizes):
    return sum(size * mean for mean, size in zip(means, sizes, strict=True) if size) / max(sum(sizes), 1)


tokens = real_arrays(loss="N")


@claim(tokens=tokens)
def mean_of_perplexities_is_not_perplexity(perplexity, tokens):
    """Perplexity is e to the mean loss; the mean of e to the losses is larger, unless all are equal.

    Losses are in nats and not negative.  Jensen's inequality: exp is strictly convex.
    """
    losses = abs(tokens.loss)
    with np.errstate(over="ignore"):
        expected = np.exp(float(sum(fractions(losses)) / len(losses)))
        each = np.mean(np.exp(losses))
        # The mean of n losses errs by γₙ of it, an exponent in other units by two roundings more.
        bound = conditioned(expected, gamma(len(losses) + 4) * np.mean(losses), expected, 2 * len(losses) + 2)
        found = perplexity(losses)
        assert within(found, expected, bound)
        assert at_most(found, each + 2 * bound)
    if np.ptp(losses) > 0.1 and np.isfinite(each):  # then e to the losses differ by 10 %, far more than rounding
        assert found < each


@mean_of_perplexities_is_not_perplexity.refutes("perplexity")
def takes_the_mean_of_the_perplexities(losses):
    with np.errstate(over="ignore"):
        return float(np.mean(np.exp(losses)))


@mean_of_perplexities_is_not_perplexity.refutes("perplexity")
def takes_the_median_token(losses):
    with np.errstate(over="ignore"):
        return float(np.median(np.exp(losses)))


@mean_of_perplexities_is_not_perplexity.refutes("perplexity")
def takes_nats_for_bits(losses):
    return float(2.0 ** np.mean(losses))


@mean_of_perplexities_is_not_perplexity.refutes("perplexity")
def clips_the_exponent_at_twenty(losses):
    return float(np.exp(min(np.mean(losses), 20.0)))


@legal("perplexity")
def raises_two_to_the_bits(losses):
    if not len(losses):
        raise ValueError("no tokens")
    bits = math.fsum(losses) / len(losses) / math.log(2)
    return 2.0**bits if bits < 1024 else math.inf


@claim(start=real_arrays(loss="N"))
def no_losses_have_no_mean(running_train_loss, perplexity, start):
    """The mean over no steps or no tokens is refused; over one it is that one."""
    assert equal(running_train_loss(start.loss[:1]), start.loss[0])
    with np.errstate(over="ignore"):
        first = np.exp(abs(start.loss[0]))
    # In other units the exponent rounds twice.
    assert within(perplexity(abs(start.loss[:1])), first, conditioned(first, gamma(2) * abs(start.loss[0]), first, 4))
    assert raises(ValueError, running_train_loss, np.zeros(0))
    assert raises(ValueError, perplexity, np.zeros(0))


@no_losses_have_no_mean.refutes("running_train_loss")
def reports_zero_for_an_epoch_without_steps(step_losses):
    return float(np.sum(step_losses) / max(len(step_losses), 1))


@no_losses_have_no_mean.refutes("perplexity")
def reports_one_for_no_tokens(losses):
    with np.errstate(over="ignore"):
        return float(np.exp(np.sum(losses) / max(len(losses), 1)))


# What the mode of training adds


def masks(size):
    """Return the factors of inverted dropout with p = ½ for all masks, which are equally likely."""
    return np.array(list(product((0.0, 2.0), repeat=size)))


@claim(layer=small_integer_arrays(a="H", W="HC", b="C"))
def dropout_before_a_linear_readout_raises_the_expected_loss(dropout_forward, softmax_cross_entropy, layer):
    """With dropout right before the last linear layer, the expected train loss is at least the loss at test.

    Softmax cross-entropy is convex in the logits, and these are linear in the mask: Jensen's
    inequality, for p = ½ on all masks.  Nothing non-linear may stand between the mask and the logits.
    """
    a, W, b = layer
    logits = masks(len(a)) * a @ W + b
    label = np.zeros(len(logits), np.int64)
    in_training, _ = softmax_cross_entropy(logits, label)
    at_test = dropout_forward(a[None], p=0.5, rng=no_rng, training=False)[0] @ W + b
    # Each loss is known to a few ε of the logits' range, and the mean of up to 16 to as many.
    assert at_most(softmax_cross_entropy(at_test, label[:1])[0], in_training + 16 * eps * (1 + np.ptp(logits)))


leading = case(a=[1, 1, 1, 1], W=[[1, 0]] * 4, b=[0, 0])


@dropout_before_a_linear_readout_raises_the_expected_loss.refutes("dropout_forward", by={"layer": leading})
def multiplies_by_the_rate_at_test(x, *, p, rng, training=True):
    keep = rng.random(x.shape) >= p
    return (np.where(keep, x / (1 - p), 0.0) if training else p * x), None


@dropout_before_a_linear_readout_raises_the_expected_loss.refutes("softmax_cross_entropy")
def takes_the_probability_of_an_error_for_the_loss(logits, y, *, label_smoothing=0.0):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return float(np.mean(1 - e[np.arange(len(y)), y])), np.zeros_like(logits)


smoothings = choices(0.1, 0.0, 0.5, 0.25, 1.0, 1e-9)
scores = logit_arrays(z="C")


@claim(scores=scores, label_smoothing=smoothings)
def label_smoothing_puts_a_floor_under_the_loss(smoothed_loss_floor, softmax_cross_entropy, scores, label_smoothing):
    """With smoothing ε the least loss is the smoothed label's entropy, −a ln a − (C − 1) b ln b.

    Here b = ε/C and a = 1 − ε + b.  It is reached where softmax gives the smoothed label itself.
    """
    C = len(scores.z)
    floor = smoothed_loss_floor(C, label_smoothing=label_smoothing)
    t = np.full(C, label_smoothing / C) + (1 - label_smoothing) * np.eye(C)[0]
    best = np.log(np.maximum(t, 1e-300))
    # A loss is a sum of C products, known to a few ε of the logits' size.
    slack = 8 * C * eps * (1 + 2 * np.max(np.abs(scores.z)))
    options = {"label_smoothing": label_smoothing}
    assert at_most(floor, softmax_cross_entropy(scores.z[None], np.zeros(1, np.int64), **options)[0] + slack)
    # The logarithms of the best logits are of the size of their range.
    slack = 8 * C * eps * (1 + (np.ptp(best) if label_smoothing else 0))
    assert within(floor, softmax_cross_entropy(best[None], np.zeros(1, np.int64), **options)[0], slack)


@label_smoothing_puts_a_floor_under_the_loss.refutes("smoothed_loss_floor")
def says_the_loss_can_reach_zero(classes, *, label_smoothing):
    return 0.0


@label_smoothing_puts_a_floor_under_the_loss.refutes("smoothed_loss_floor")
def takes_only_the_labels_own_class(classes, *, label_smoothing):
    return -math.log(1 - label_smoothing + label_smoothing / classes)


@label_smoothing_puts_a_floor_under_the_loss.refutes("smoothed_loss_floor")
def spreads_over_the_other_classes_alone(classes, *, label_smoothing):
    shares = [1 - label_smoothing] + [label_smoothing / max(classes - 1, 1)] * (classes - 1)
    return -sum(share * math.log(share) for share in shares if share)


@legal("smoothed_loss_floor")
def adds_up_the_entropy_class_by_class(classes, *, label_smoothing):
    t = [label_smoothing / classes + (1 - label_smoothing) * (c == 0) for c in range(classes)]
    return math.fsum(share * math.log(1 / share) for share in t if share)


@claim(scores=scores, label_smoothing=smoothings)
def smoothing_adds_the_lead_of_the_label(softmax_cross_entropy, scores, label_smoothing):
    """Smoothing ε changes the loss by ε (z of the label − mean of z), z the logits.

    So it raises the loss of a model that is right, and lowers it where the label's logit is below the mean.
    """
    z, label = scores.z[None], np.zeros(1, np.int64)
    hard, _ = softmax_cross_entropy(z, label)
    smooth, _ = softmax_cross_entropy(z, label, label_smoothing=label_smoothing)
    # Both losses are sums of C products, known to a few ε of the logits' range.
    slack = 8 * z.size * eps * (1 + np.ptp(z))
    assert within(smooth - hard, label_smoothing * (z[0, 0] - np.mean(z)), slack)


@smoothing_adds_the_lead_of_the_label.refutes("softmax_cross_entropy")
def smooths_over_the_other_classes_alone(logits, y, *, label_smoothing=0.0):
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    hot = np.eye(logits.shape[1])[y]
    t = (1 - label_smoothing) * hot + label_smoothing * (1 - hot) / max(hot.shape[1] - 1, 1)
    return float((t * losses).sum() / len(y)), (np.exp(-losses) - t) / len(y)


# What the data can do


@claim(strata=integer_arrays(loss="A", train="A", validation="A"))
def easier_mix_lowers_validation(weighted_batch_mean, strata):
    """Validation − train = (share of the hard in validation − their share in train) (h − e).

    Here e is the loss on the easy examples and h on the hard, the same in both sets.
    """
    easy, hard = sorted([abs(float(strata.loss[0])), abs(float(strata.loss[-1]))])
    counts = [[1 + int(abs(each[0])), int(abs(each[-1]))] for each in (strata.train, strata.validation)]
    train, validation = (weighted_batch_mean([easy, hard], each) for each in counts)
    share = [Fraction(each[1], sum(each)) for each in counts]
    # A mean of two rounds four times, also as a running update, on numbers of at most `hard`.
    slack = 2 * gamma(8) * hard
    assert within(validation - train, float((share[1] - share[0]) * Fraction(hard - easy)), slack)


for wrong in (takes_the_mean_of_the_batch_means, drops_the_incomplete_batch, divides_by_the_number_of_batches):
    easier_mix_lowers_validation.refutes("weighted_batch_mean")(wrong)


@claim(losses=small_integer_arrays(train="N"), copied=choices(1, 2, 3, 4))
def a_leak_ends_at_the_train_loss(weighted_batch_mean, losses, copied):
    """Validation data copied at random from the training data have on average the train loss, and not less.

    So such a leak hides the gap that overfitting opens, and pushes validation below train only by
    chance.  All ways to copy so many examples are enumerated, each example at most once.
    """
    train = abs(losses.train)
    leaks = list(combinations(train.tolist(), min(copied, len(train))))
    mean = sum(weighted_batch_mean(list(leak), [1] * len(leak)) for leak in leaks) / len(leaks)
    # Means of at most 6 means of at most 4 losses.
    assert within(mean, float(sum(fractions(train)) / len(train)), gamma(24) * train.max())


a_leak_ends_at_the_train_loss.refutes("weighted_batch_mean")(sums_without_dividing)


@proved()
def small_skewed_validation_sits_below(validation_below_probability):
    """One exponential loss lies below the mean of n others of the same law with probability 1 − (1 + 1/n)⁻ⁿ.

    That is ½ for n = 1, where the two sides are alike, and rises to 1 − 1/e ≈ 0.632: losses with a long
    right tail lie below their mean more often than above.

    Given the sum S of the n, the probability is 1 − e^(−S/n), and S has the density sⁿ⁻¹e⁻ˢ/(n − 1)!;
    SymPy does the integral for n ≤ 4.
    """
    import sympy  # noqa: PLC0415

    s = sympy.symbols("s", positive=True)
    for n in range(1, 5):
        above = sympy.integrate(sympy.exp(-s / n) * s ** (n - 1) * sympy.exp(-s), (s, 0, sympy.oo))
        assert above / sympy.factorial(n - 1) == sympy.Rational(n, n + 1) ** n
    with localcontext(prec=50):
        expected = [(n, 1 - Decimal(n) ** n / Decimal(n + 1) ** n) for n in range(1, 100)]
        expected += [(n, 1 - (-n * (1 + 1 / Decimal(n)).ln()).exp()) for n in (10**6, 10**9, 10**15)]
    found = [validation_below_probability(n) for n, _ in expected]
    # The exponent is about −1 and rounds three times.
    assert within(found, [float(value) for _, value in expected], 4 * eps)
    assert found[:50] == sorted(found[:50])


@small_skewed_validation_sits_below.refutes("validation_below_probability")
def says_that_both_sides_are_equally_likely(train_examples):
    return 0.5


@small_skewed_validation_sits_below.refutes("validation_below_probability")
def takes_the_chance_to_be_drawn_in_a_bootstrap(train_examples):
    return 1 - (1 - 1 / train_examples) ** train_examples


@small_skewed_validation_sits_below.refutes("validation_below_probability")
def loses_one_over_n_in_the_sum(train_examples):
    return 1 - (1 + 1 / train_examples) ** -train_examples


@legal("validation_below_probability")
def takes_logarithms_of_a_ratio(train_examples):
    return 1 - math.exp(train_examples * math.log1p(-1 / (train_examples + 1)))


@claim(design=small_integer_arrays(x="ND"), noise=choices(1.0, 2.0, 0.5))
def optimism_is_two_sigma2_p_over_n(optimism, design, noise):
    """Least squares with p parameters errs on new responses to the same N inputs by 2σ²p/N more.

    In expectation, in mean square, if the model is right; p is the rank of x.  All 2ᴺ noises ±σ are
    enumerated.

    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009.
    """
    x = design.x
    left, singular_values, _ = np.linalg.svd(x, full_matrices=False)
    fitted = left[:, singular_values > 1e-9]  # an orthonormal basis of what x can fit
    errors = noise * np.array(list(product((1.0, -1.0), repeat=len(x))))
    fit = errors @ fitted @ fitted.T
    on_train, on_new = np.mean((errors - fit) ** 2), np.mean(fit**2) + noise**2
    found = optimism(noise**2, parameters=fitted.shape[1], examples=len(x))
    # Only the basis' length enters, and that is 1 up to a few ε; sums over at most 64 entries.
    assert within(on_new - on_train, found, 64 * eps * noise**2)


@optimism_is_two_sigma2_p_over_n.refutes("optimism")
def counts_the_noise_once(noise_variance, *, parameters, examples):
    return noise_variance * parameters / examples


@optimism_is_two_sigma2_p_over_n.refutes("optimism")
def divides_by_the_degrees_of_freedom(noise_variance, *, parameters, examples):
    return 2 * noise_variance * parameters / max(examples - parameters, 1)


@optimism_is_two_sigma2_p_over_n.refutes("optimism")
def takes_the_variance_for_a_deviation(noise_variance, *, parameters, examples):
    return 2 * noise_variance**2 * parameters / examples


@legal("optimism")
def adds_both_sides_of_the_gap(noise_variance, *, parameters, examples):
    share = parameters / examples
    return noise_variance * (1 + share) - noise_variance * (1 - share)


# Which causes remain


@claim(three=small_integer_arrays(running="", train="", validation=""))
def below_the_running_loss_a_cause_remains(remaining_causes, three):
    """If validation is below the running loss, train is below running, or validation below train, or both.

    The gap is the sum of the two differences, so one that is not positive explains none of it; the
    diagnosis names the others.  If validation is not below, there is nothing to explain.
    """
    running, train, validation = map(float, three)
    causes = remaining_causes(running, train, validation)
    parts = {"measurement": running - train, "data": train - validation}
    if validation < running:
        assert sorted(causes) == sorted(cause for cause, part in parts.items() if part > 0)
        assert sum(parts[cause] for cause in causes) >= running - validation
    else:
        assert causes == []


def causes_from(*, measurement, data):
    return [cause for cause, remains in (("measurement", measurement), ("data", data)) if remains]


@below_the_running_loss_a_cause_remains.refutes("remaining_causes")
def blames_the_data_alone(running, train, validation):
    return causes_from(measurement=False, data=validation < running)


@below_the_running_loss_a_cause_remains.refutes("remaining_causes")
def stops_at_the_first_cause(running, train, validation):
    return causes_from(measurement=validation < running, data=False)


@below_the_running_loss_a_cause_remains.refutes("remaining_causes")
def explains_what_needs_no_explanation(running, train, validation):
    return causes_from(measurement=train < running, data=validation < train)


@below_the_running_loss_a_cause_remains.refutes("remaining_causes")
def counts_a_tie_as_a_cause(running, train, validation):
    return causes_from(measurement=train <= running, data=validation <= train) if validation < running else []


@legal("remaining_causes")
def excludes_causes_one_by_one(running, train, validation):
    left = ["data", "measurement"] if running > validation else []
    if running <= train and left:
        left.remove("measurement")
    if train <= validation and left:
        left.remove("data")
    return left


# Measured


def cross_entropies(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]


def epochs_on_digits(seed, p):
    """Yield the losses of an epoch's steps, and the train and validation loss after it, for 20 epochs of SGD.

    The network has 32 hidden ReLUs, and inverted dropout between them and the last layer.
    """
    x, y = digits()
    rng = lab.streams(seed, "split", "layers", "order", "masks")
    train, validation = rng["split"].permutation(len(x))[:600].reshape(2, -1)
    (W1, W2), (b1, b2) = lab.draw_layers((64, 32, 10), rng["layers"], gain=2.0)
    for _ in range(20):
        losses = []
        for batch in train[rng["order"].permutation(300).reshape(-1, 30)]:
            a = np.maximum(x[batch] @ W1 + b1, 0.0)
            mask = (rng["masks"].random(a.shape) >= p) / (1 - p)
            logits = a * mask @ W2 + b2
            losses.append(np.mean(cross_entropies(logits, y[batch])))
            d_logits = lab.cross_entropy_gradient(logits, y[batch])
            d_z = d_logits @ W2.T * mask * (a > 0)
            W2, b2 = W2 - 0.2 * (a * mask).T @ d_logits, b2 - 0.2 * d_logits.sum(axis=0)
            W1, b1 = W1 - 0.2 * x[batch].T @ d_z, b1 - 0.2 * d_z.sum(axis=0)
        both = [np.mean(cross_entropies(np.maximum(x[i] @ W1 + b1, 0) @ W2 + b2, y[i])) for i in (train, validation)]
        yield np.array(losses), *map(float, both)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def dropout_keeps_validation_below_and_the_lag_alone_does_not(running_train_loss, remaining_causes, seeds):
    """On digits validation stays below the running loss with dropout, and starts below it and ends above without.

    300 examples to train on and 300 others, p = ½, 20 epochs.  A seed succeeds if with dropout validation is below
    in every epoch, and measurement among the causes that remain; and if without dropout validation is
    below in the first epoch and above in the last.  24 of 30 seeds must succeed.

    In 1000 calibration runs all succeeded.  Running over validation was 1.01 or more in each epoch with
    dropout; without, 1.04 or more in the first epoch and 0.98 or less in the last.
    """
    ratios = []

    def holds(seed):
        found = []
        for p in (0.5, 0.0):
            epochs = [(running_train_loss(losses), *rest) for losses, *rest in epochs_on_digits(seed, p)]
            found.append((epochs, [running / validation for running, _, validation in epochs]))
        (with_dropout, high), (_, low) = found
        ratios.append((high[0], high[-1], low[0], low[-1]))
        explained = all("measurement" in remaining_causes(*three) for three in with_dropout)
        return explained and min(high) > 1 and low[0] > 1 > low[-1]

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    names = ("first_dropout", "last_dropout", "first_plain", "last_plain")
    return dict(zip(names, np.mean(ratios, axis=0), strict=True))


dropout_keeps_validation_below_and_the_lag_alone_does_not.refutes("running_train_loss")(takes_the_loss_of_the_last_step)
dropout_keeps_validation_below_and_the_lag_alone_does_not.refutes("remaining_causes")(blames_the_data_alone)


def pass_over_text(seed, *, shuffled):
    """Return the losses of an SGD epoch over eight passages of English, and the loss on them after it.

    The model knows the last character only: a table of logits, drawn from nothing but zeros.
    """
    text = english()
    rng = lab.streams(seed, "passages", "order")
    starts = np.sort(rng["passages"].permutation(len(text) // 2000 - 1)[:8]) * 2000
    places = (starts[:, None] + np.arange(2000)).ravel()
    table, losses = np.zeros((48, 48)), []
    for batch in (rng["order"].permutation(places) if shuffled else places).reshape(-1, 20):
        last, following = text[batch], text[batch + 1]
        losses.append(np.mean(cross_entropies(table[last], following)))
        np.subtract.at(table, last, 16 * lab.cross_entropy_gradient(table[last], following))
    return np.array(losses), float(np.mean(cross_entropies(table[text[places]], text[places + 1])))


@measured(seeds=36, false_hold=false_hold(28, 36), false_alarm=false_alarm(28, 36, calibrated=996, runs=1000))
def in_reading_order_the_running_loss_is_too_low(running_train_loss, seeds):
    """After a text in reading order the train loss is above the running loss; after the same text shuffled, below.

    Eight passages of 2000 characters, one epoch, batches of 20 characters, softmax regression on the last
    character with the learning rate 16: large enough to follow a passage and to forget the one before.
    Both must hold in 28 of 36 seeds.

    In 1000 calibration runs 996 succeeded: running − train was −0.997 to 0.009 in order, two of them
    above 0, and −0.110 to 0.185 shuffled, two of them below 0.
    """
    found = []

    def holds(seed):
        (ordered, after), (mixed, after_mixed) = (pass_over_text(seed, shuffled=shuffled) for shuffled in (False, True))
        found.append((running_train_loss(ordered), after, running_train_loss(mixed), after_mixed))
        return found[-1][0] < after and found[-1][2] > after_mixed

    assert at_least(28, 36, ((seed, holds(seed)) for seed in seeds))
    names = ("running", "train", "shuffled_running", "shuffled_train")
    return dict(zip(names, np.mean(found, axis=0), strict=True))


in_reading_order_the_running_loss_is_too_low.refutes("running_train_loss")(sums_the_step_losses)


# Often said, but false


@myth(
    three=small_integer_arrays(running="", train="", validation=""),
    refuted_by={"three": case(running=1, train=0, validation=0)},
)
def a_lower_validation_loss_shows_a_flaw_in_the_data(remaining_causes, three):
    """A validation loss below the train loss shows that the split is flawed or has leaked."""
    running, train, validation = map(float, three)
    assert validation >= running or "data" in remaining_causes(running, train, validation)


@myth(stream=small_integer_arrays(w="", y="N"), refuted_by={"stream": case(w=0, y=[0, 0, 1])})
def the_running_loss_is_always_the_higher_one(train_one_epoch, running_train_loss, stream):
    """The running loss is at least the loss after the epoch, since the model improves meanwhile."""
    x = np.ones((len(stream.y), 1))
    after, losses = train_one_epoch(stream.w[None], x, stream.y, lr=1.0)
    # A running update of the mean rounds three times a step.
    assert at_most(
        np.mean(half_squares(after, x, stream.y)), running_train_loss(losses) + gamma(16) * (1 + losses.max())
    )


@myth(unit=small_integer_arrays(x="D", y=""), refuted_by={"unit": case(x=[1, -1], y=2)})
def dropout_always_raises_the_train_loss(dropout_forward, unit):
    """Dropout makes the expected train loss larger than the loss at test."""
    x, y = unit
    in_training = np.mean((np.maximum((masks(len(x)) * x).sum(axis=1), 0.0) - y) ** 2)
    at_test = dropout_forward(x, p=0.5, rng=no_rng, training=False)[0].sum()
    assert at_most((max(at_test, 0.0) - y) ** 2, in_training)


@myth(scores=integer_arrays(z="C"), refuted_by={"scores": case(z=[0, 1])})
def label_smoothing_always_raises_the_loss(softmax_cross_entropy, scores):
    """Label smoothing makes the train loss larger."""
    z, label = scores.z[None], np.zeros(1, np.int64)
    hard, _ = softmax_cross_entropy(z, label)
    # Both losses are known to a few ε of the logits' range.
    assert at_most(hard, softmax_cross_entropy(z, label, label_smoothing=0.5)[0] + 32 * eps * (1 + np.ptp(z)))


@myth(losses=small_integer_arrays(pool="N"), refuted_by={"losses": case(pool=[0, 0, 1])})
def one_held_out_example_is_below_as_often_as_above(remaining_causes, losses):
    """If training and validation data come from one distribution, validation is as often below train as above."""
    pool = abs(losses.pool)
    below = above = 0
    for i, validation in enumerate(pool.tolist()):
        train = float(np.delete(pool, i).mean()) if len(pool) > 1 else validation
        below += remaining_causes(train, train, validation) == ["data"]
        above += validation > train
    assert below == above


@myth(numbers=small_integer_arrays(x="D"), refuted_by={"numbers": case(x=[1])})
def dropout_multiplies_by_its_rate_at_test(vanilla_dropout_forward, numbers):
    """With dropout one multiplies at test by the dropout probability."""
    at_test, _ = vanilla_dropout_forward(numbers.x, p=0.25, rng=no_rng, training=False)
    assert equal(at_test, 0.25 * numbers.x)


@convention("perplexity", "it takes losses in bits and raises 2, where this slot takes nats and raises e")
def called_with_bits(theirs, losses):
    return theirs(losses / math.log(2))
