"""Q9: criteria for early stopping, what each of them sees, and what stopping early does to the weights."""

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise, permutations, product
from operator import lt

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.data import digits
from claims.toolbox.exact import fractions
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, small_integer_arrays

curves = integer_arrays(largest=14, losses="T")
patiences = choices(1, 2, 3, 4, 5)
deltas = choices(0.0, 1.0, 2.0, 3.0)


# Patience


def last_improvements(losses, min_delta):
    """Return for each epoch the last one up to it that lies more than min_delta below the one listed before it."""
    last = [0]
    for epoch in range(1, len(losses)):
        last.append(epoch if losses[epoch] < losses[last[-1]] - min_delta else last[-1])
    return last


@claim(curve=curves, patience=patiences, min_delta=deltas)
def training_stops_after_patience_epochs_without_improvement(early_stop, curve, patience, min_delta):
    """Training stops at the first epoch that is `patience` epochs after the last improvement, which is restored.

    An improvement is a loss below that of the last improvement by more than min_delta: a tie is none, nor is an
    epoch that is better than the one before it only.  The first epoch is an improvement.
    """
    last = last_improvements(curve.losses, min_delta)
    stop = next((epoch for epoch, best in enumerate(last) if epoch - best >= patience), None)
    best = last[-1 if stop is None else stop]
    assert early_stop(curve.losses, patience=patience, min_delta=min_delta) == (stop, best)


def counting(losses, patience, improves, *, moves=None, reset=True):
    """Run the rule with a counter: what `improves` sets it to 0, and what `moves`, else the same, is the new best."""
    if not (len(losses) and patience >= 1):
        raise ValueError("bad arguments")
    best, best_epoch, wait = losses[0], 0, 0
    for epoch, loss in enumerate(losses[1:], 1):
        better = improves(loss, best)
        if (moves or improves)(loss, best):
            best, best_epoch = loss, epoch
        wait = wait * (not (better and reset)) + (not better)
        if wait >= patience:
            return epoch, best_epoch
    return None, best_epoch


by_equality = training_stops_after_patience_epochs_without_improvement.refutes


@by_equality("early_stop")
def waits_one_epoch_too_long(losses, *, patience, min_delta=0.0):
    return counting(losses, patience + 1, lambda loss, best: loss < best - min_delta)


@by_equality("early_stop", by={"curve": case(losses=[1, 1, 0, 0]), "patience": 2, "min_delta": 0.0})
def never_resets_the_counter(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda a, b: a < b - min_delta, reset=False)


@by_equality("early_stop")
def compares_with_the_epoch_before(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, last: loss < last - min_delta, moves=lambda *_: True)


@by_equality("early_stop")
def counts_a_tie_as_an_improvement(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: loss <= best - min_delta)


@by_equality("early_stop")
def ignores_min_delta(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lt)


@by_equality("early_stop")
def takes_the_loss_for_a_score(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: loss > best + min_delta)


@by_equality("early_stop")
def stops_on_a_decrease(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: loss > best - min_delta, moves=lt)


@by_equality("early_stop")
def restores_the_last_epoch(losses, *, patience, min_delta=0.0):
    stop, _ = counting(losses, patience, lambda loss, best: loss < best - min_delta)
    return stop, len(losses) - 1 if stop is None else stop


@by_equality("early_stop", by={"curve": case(losses=[1, 1, 0]), "patience": 1, "min_delta": 0.0})
def restores_the_best_epoch_of_the_whole_curve(losses, *, patience, min_delta=0.0):
    stop, _ = counting(losses, patience, lambda loss, best: loss < best - min_delta)
    return stop, int(np.argmin(losses))


@by_equality("early_stop", by={"curve": case(losses=[4e12, 2e12, 2e12]), "patience": 2, "min_delta": 0.0})
def starts_below_large_losses(losses, *, patience, min_delta=0.0):
    stop, best = counting([1000.0, *losses], patience, lambda loss, best: loss < best - min_delta)
    return None if stop is None else stop - 1, max(best - 1, 0)


@by_equality("early_stop", by={"curve": case(losses=[1, 1 - 2**-30]), "patience": 1, "min_delta": 0.0})
def wants_more_than_a_billionth(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: loss < best - max(min_delta, 1e-8))


@by_equality("early_stop", by={"curve": case(losses=[1, 0]), "patience": 1, "min_delta": 1.0})
def follows_ignite_and_moves_the_best(losses, *, patience, min_delta=0.0):
    """The best moves on any improvement, and the counter falls to 0 on a large one only: Ignite's default."""
    return counting(losses, patience, lambda loss, best: loss < best - min_delta, moves=lt)


@by_equality("early_stop")
def follows_scikit_learn(losses, *, patience, min_delta=0.0):
    """The best moves as in Ignite, but a fall of exactly min_delta resets the counter, which must exceed patience."""
    return counting(losses, patience + 1, lambda loss, best: not loss > best - min_delta, moves=lt)


@legal("early_stop")
def waits_with_a_counter_as_keras_does(losses, *, patience, min_delta=0.0):
    if min_delta < 0:
        raise ValueError("min_delta")
    return counting(losses, patience, lambda loss, best: loss + min_delta < best)


@legal("early_stop")
def jumps_from_improvement_to_improvement(losses, *, patience, min_delta=0.0):
    if not (len(losses) and patience >= 1 and min_delta >= 0):
        raise ValueError("bad arguments")
    best, following = 0, [0]
    while following:
        best += following[0]
        window = losses[best : best + patience + 1]
        following = np.flatnonzero(window < losses[best] - min_delta).tolist()
    stop = best + patience
    return stop if stop < len(losses) else None, best


@claim(curve=curves, patience=patiences, min_delta=deltas)
def the_restored_loss_is_within_min_delta_of_the_least(early_stop, curve, patience, min_delta):
    """The restored loss exceeds the least one seen by min_delta at most; with min_delta = 0 it is the first least."""
    stop, best = early_stop(curve.losses, patience=patience, min_delta=min_delta)
    seen = curve.losses if stop is None else curve.losses[: stop + 1]
    assert at_most(curve.losses[best], seen.min() + min_delta)
    if min_delta == 0:
        assert best == np.argmin(seen)


@the_restored_loss_is_within_min_delta_of_the_least.refutes("early_stop")
def restores_the_last_of_equal_epochs(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda a, b: a < b - min_delta, moves=lambda loss, best: loss <= best)


the_restored_loss_is_within_min_delta_of_the_least.refutes("early_stop")(restores_the_last_epoch)


@claim(curve=curves, patience=patiences, min_delta=deltas)
def more_patience_stops_later_and_restores_no_worse(early_stop, curve, patience, min_delta):
    """One more epoch of patience stops at least one epoch later, or never, and the restored loss is no larger.

    For one and the same min_delta: up to the earlier stop both have seen the same improvements.
    """
    stop, best = early_stop(curve.losses, patience=patience, min_delta=min_delta)
    later, better = early_stop(curve.losses, patience=patience + 1, min_delta=min_delta)
    assert later is None or (stop is not None and later > stop)
    assert at_most(curve.losses[better], curve.losses[best])


@more_patience_stops_later_and_restores_no_worse.refutes("early_stop")
def compares_with_the_mean_of_the_last_epochs(losses, *, patience, min_delta=0.0):
    for epoch in range(1, len(losses)):
        if losses[epoch] >= np.mean(losses[max(epoch - patience, 0) : epoch]) - min_delta:
            return epoch, int(np.argmin(losses[: epoch + 1]))
    return None, int(np.argmin(losses))


@claim(curve=curves, patience=patiences, min_delta=deltas)
def only_differences_on_the_scale_of_min_delta_count(early_stop, curve, patience, min_delta):
    """Shifting all losses changes nothing, nor does scaling them if min_delta is scaled alike.

    With min_delta = 0 any strictly increasing function of the losses leaves the decision as it is.
    """
    losses = curve.losses
    decided = early_stop(losses, patience=patience, min_delta=min_delta)
    assert early_stop(4 * losses - 8, patience=patience, min_delta=4 * min_delta) == decided
    by_order = early_stop(losses, patience=patience, min_delta=0.0)
    assert early_stop(losses**3 + losses, patience=patience, min_delta=0.0) == by_order


@only_differences_on_the_scale_of_min_delta_count.refutes("early_stop")
def takes_min_delta_relative_to_the_best(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: loss < best - min_delta * abs(best))


only_differences_on_the_scale_of_min_delta_count.refutes(
    "early_stop", by={"curve": case(losses=[0, -3, -2]), "patience": 2, "min_delta": 0.0}
)(compares_with_the_mean_of_the_last_epochs)


@claim(curve=curves, patience=patiences, min_delta=deltas, broken=choices(1, 2, 3, 4))
def a_loss_that_is_nan_never_improves(early_stop, curve, patience, min_delta, broken):
    """NaN counts as an epoch without improvement, as a very large loss would."""
    losses = np.append(curve.losses, curve.losses.min() - 10)
    with_nan, with_more = losses.copy(), losses.copy()
    with_nan[broken::5], with_more[broken::5] = np.nan, 1e9
    expected = early_stop(with_more, patience=patience, min_delta=min_delta)
    assert early_stop(with_nan, patience=patience, min_delta=min_delta) == expected


@a_loss_that_is_nan_never_improves.refutes("early_stop")
def takes_nan_for_an_improvement(losses, *, patience, min_delta=0.0):
    return counting(losses, patience, lambda loss, best: not loss >= best - min_delta)


@a_loss_that_is_nan_never_improves.refutes("early_stop")
def follows_lightning_and_stops_at_nan(losses, *, patience, min_delta=0.0):
    stop, best = counting(losses, patience, lambda loss, best: loss < best - min_delta)
    first = next((epoch for epoch, loss in enumerate(losses) if not math.isfinite(loss)), None)
    if first is None or (stop is not None and stop < first):
        return stop, best
    return first, counting(losses[: first + 1], len(losses), lambda loss, best: loss < best - min_delta)[1]


@claim(wrong=choices({"patience": 0}, {"patience": -1}, {"patience": 1, "min_delta": -1.0}))
def a_patience_below_1_and_a_negative_min_delta_are_refused(early_stop, wrong):
    """No losses, a patience below 1 and a negative min_delta raise ValueError; patience 1 and min_delta 0 do not."""
    assert raises(ValueError, early_stop, np.ones(3), **wrong)
    assert raises(ValueError, early_stop, np.ones(0), patience=1)
    assert early_stop(np.ones(1), patience=1, min_delta=0.0) == (None, 0)


@a_patience_below_1_and_a_negative_min_delta_are_refused.refutes("early_stop")
def takes_any_patience(losses, *, patience, min_delta=0.0):
    return None, last_improvements(losses, min_delta)[-1]


@proved()
def noise_alone_stops_training_at_once_with_chance_1_over_p_plus_1(early_stop):
    """If the losses are independent draws from a continuous law, patience p stops at epoch p with chance 1/(p + 1).

    With min_delta = 0.  It does if the first of p + 1 losses is the least, and without ties each is so
    equally often: in p! of the (p + 1)! orders.  Counted here for p up to 5.

    Source: Glick, Breaking Records and Breaking Boards, Amer. Math. Monthly 85(1), 1978.
    """
    for patience in range(1, 6):
        orders = permutations(range(patience + 1))
        stopped = sum(early_stop(np.array(o, float), patience=patience)[0] == patience for o in orders)
        assert Fraction(stopped, math.factorial(patience + 1)) == Fraction(1, patience + 1)


noise_alone_stops_training_at_once_with_chance_1_over_p_plus_1.refutes("early_stop")(waits_one_epoch_too_long)
noise_alone_stops_training_at_once_with_chance_1_over_p_plus_1.refutes("early_stop")(compares_with_the_epoch_before)


@proved()
def the_restored_loss_of_pure_noise_is_a_minimum_of_many(early_stop):
    """The restored one of T independent losses of one law has the law of the least of them: it looks too good.

    With a patience that lasts and min_delta = 0.
    For losses that are 0 or 1 with probability ½ each, its mean is 2⁻ᵀ, where any epoch's true loss is ½.
    All 2ᵀ curves are counted, T up to 6.
    """
    for epochs in range(1, 7):
        total = Fraction(0)
        for losses in product((0.0, 1.0), repeat=epochs):
            _, best = early_stop(np.array(losses), patience=epochs)
            total += Fraction(losses[best])
        assert total / 2**epochs == Fraction(1, 2**epochs)


the_restored_loss_of_pure_noise_is_a_minimum_of_many.refutes("early_stop")(restores_the_last_epoch)


# What the libraries do


@proved()
def steady_progress_passes_below_patience_times_a_step(early_stop):
    """Losses that fall by d an epoch never stop training if min_delta < patience · d, and else stop it.

    For then the falls since the last improvement add up to more than min_delta in time.  Where the best
    moves on any improvement, as in Ignite's default and scikit-learn, each single fall has to do so: min_delta < d.
    Checked for d up to 3, patience up to 4, min_delta up to 13, over 30 epochs.
    """
    for fall, patience, min_delta in product((1, 2, 3), (1, 2, 3, 4), range(14)):
        losses = -float(fall) * np.arange(30)
        stop, _ = early_stop(losses, patience=patience, min_delta=float(min_delta))
        assert stop == (None if min_delta < patience * fall else patience)
        moving = follows_ignite_and_moves_the_best(losses, patience=patience, min_delta=min_delta)
        assert moving[0] == (None if min_delta < fall else patience)


steady_progress_passes_below_patience_times_a_step.refutes("early_stop")(follows_ignite_and_moves_the_best)


@proved()
def a_moving_best_stops_earlier_first_at_three_epochs(early_stop):
    """A best that moves on any improvement, as Ignite's does, stops the losses 3, 1, 0 (patience 2, min_delta 2).

    This slot, like Keras and Lightning, lets them go on.  With min_delta = 0 both rules stop alike, and on
    one or two epochs, too: the first comparison is with the same loss.  Counted for all losses in 0 … 4
    (two epochs) and in 0 … 2 (up to five), patience up to 3, min_delta up to 3.
    """
    assert early_stop(np.array([3.0, 1.0, 0.0]), patience=2, min_delta=2.0) == (None, 2)
    assert follows_ignite_and_moves_the_best([3.0, 1.0, 0.0], patience=2, min_delta=2.0)[0] == 2
    short = product(product(range(5), repeat=2), (1, 2, 3), (0.0, 1.0, 2.0, 3.0))
    plain = ((losses, p, 0.0) for T in (3, 4, 5) for losses in product(range(3), repeat=T) for p in (1, 2, 3))
    for losses, patience, min_delta in (*short, *plain):
        stop, _ = early_stop(np.array(losses, float), patience=patience, min_delta=min_delta)
        assert stop == follows_ignite_and_moves_the_best(losses, patience=patience, min_delta=min_delta)[0]


a_moving_best_stops_earlier_first_at_three_epochs.refutes("early_stop")(follows_ignite_and_moves_the_best)


@proved()
def scikit_learn_waits_longer_and_for_ever_on_ties(early_stop):
    """The losses 0, 1 stop training at patience 1, and scikit-learn's only with one more 1; 0, 0, … never does.

    Its counter has to exceed n_iter_no_change, and a loss of exactly best − tol counts as improved, so
    with tol = 0 equal losses never stop it.  With one less for n_iter_no_change, and without ties, both rules
    agree when min_delta = tol = 0: counted for all orders of up to six losses.
    """
    scikit_learn = follows_scikit_learn
    assert early_stop(np.array([0.0, 1.0]), patience=1) == (1, 0)
    assert scikit_learn([0, 1], patience=1)[0] is None
    assert scikit_learn([0, 1, 1], patience=1)[0] == 2
    assert early_stop(np.zeros(2), patience=1) == (1, 0)
    assert scikit_learn(np.zeros(50), patience=0)[0] is None
    for patience, epochs in product((1, 2, 3), range(1, 7)):
        for losses in permutations(range(epochs)):
            stop, _ = early_stop(np.array(losses, float), patience=patience)
            assert stop == scikit_learn(losses, patience=patience - 1)[0]


scikit_learn_waits_longer_and_for_ever_on_ties.refutes("early_stop")(follows_scikit_learn)
scikit_learn_waits_longer_and_for_ever_on_ties.refutes("early_stop")(counts_a_tie_as_an_improvement)


# Prechelt's criteria


runs = integer_arrays(largest=10, val="T", train="T")
lengths = choices(1, 2, 3, 4)


def positive(losses):
    return np.abs(losses) + 1


def excess(losses):
    """Return how far each loss lies above the least one so far, as a share of that one, exactly."""
    exact = fractions(losses)
    return [exact[t] / min(exact[: t + 1]) - 1 for t in range(len(exact))]


@claim(run=runs)
def gl_is_the_percentage_above_the_least_loss_so_far(generalization_loss, run):
    """GL_t is 100 (E_t / min_{s ≤ t} E_s − 1): by how many per cent the loss lies above the least one so far.

    So it is 0 at every new or tied minimum and positive elsewhere, does not depend on the unit of the loss,
    and exceeds α exactly when the loss exceeds (1 + α/100) times the least.  Losses are positive.

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    losses = positive(run.val)
    shares = excess(losses)
    expected = np.array([float(100 * share) for share in shares])
    # The quotient, the difference, the product and this claim's own rounding err by half an ulp of 100 (GL/100 + 1).
    assert within(generalization_loss(losses), expected, gamma(4) * (expected + 100))
    assert equal(generalization_loss(losses) == 0, np.equal(shares, 0))
    assert equal(generalization_loss(losses.astype(int)), generalization_loss(losses))


by_gl = gl_is_the_percentage_above_the_least_loss_so_far.refutes


@by_gl("generalization_loss")
def compares_with_the_loss_before(losses):
    return 100 * (losses / np.concatenate([losses[:1], losses[:-1]]) - 1)


@by_gl("generalization_loss")
def takes_the_difference_for_the_ratio(losses):
    return 100 * (losses - np.minimum.accumulate(losses))


@by_gl("generalization_loss", by={"run": case(val=[1, 2, 3, 4, 5, 6, 7, 8], train=[1])})
def forgets_what_is_five_epochs_old(losses):
    least = np.array([losses[max(t - 5, 0) : t + 1].min() for t in range(len(losses))])
    return 100 * (losses / least - 1)


@by_gl("generalization_loss")
def divides_whole_losses_without_a_rest(losses):
    least = np.minimum.accumulate(losses)
    return 100.0 * ((losses // least if losses.dtype.kind == "i" else losses / least) - 1)


@by_gl("generalization_loss")
def forgets_the_hundred(losses):
    return losses / np.minimum.accumulate(losses) - 1


@by_gl("generalization_loss")
def looks_ahead_to_the_least_loss(losses):
    return 100 * (losses / losses.min() - 1)


@legal("generalization_loss")
def divides_each_rise_by_the_least(losses):
    if losses.min() <= 0:
        raise ValueError("losses must be positive")
    least = np.array([losses[: t + 1].min() for t in range(len(losses))])
    return (losses - least) / least * 100


@claim(run=runs, bad=choices(0.0, -1.0))
def a_loss_that_is_not_positive_has_no_gl(generalization_loss, run, bad):
    """Losses of which one is zero or negative raise ValueError: a ratio to them says nothing."""
    assert raises(ValueError, generalization_loss, np.append(positive(run.val), bad))
    assert raises(ValueError, generalization_loss, np.append(bad, positive(run.val)))


@a_loss_that_is_not_positive_has_no_gl.refutes("generalization_loss")
def divides_by_whatever_is_the_least(losses):
    with np.errstate(all="ignore"):
        return 100 * (losses / np.minimum.accumulate(losses) - 1)


@claim(run=runs, strip_length=lengths)
def progress_is_the_mean_of_the_strip_above_its_least(training_progress, run, strip_length):
    """P_k is 1000 (mean / least − 1) of the last k training losses: how fast they still fall, in per mille.

    It is 0 if and only if the strip is constant, and does not depend on the unit of the loss.  It cannot
    tell falling from rising losses.  Fewer than k losses raise ValueError.

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    losses = positive(run.train)
    if len(losses) < strip_length:
        assert raises(ValueError, training_progress, losses, strip_length=strip_length)
        return
    strip = fractions(losses[-strip_length:])
    share = sum(strip) / (strip_length * min(strip))
    # A quotient, a difference, k sums, another quotient, a product and this claim's rounding err relative to the share.
    slack = 1000 * gamma(strip_length + 5) * float(share)
    backwards = np.concatenate([losses, losses[-strip_length:][::-1]])
    for run_of_losses in (losses, backwards):
        progress = training_progress(run_of_losses, strip_length=strip_length)
        assert within(progress, float(1000 * (share - 1)), slack)
        assert (progress == 0) == (share == 1)


by_progress = progress_is_the_mean_of_the_strip_above_its_least.refutes


def whole(losses, strip_length):
    if len(losses) < strip_length:
        raise ValueError("too few losses")
    return losses[-strip_length:]


@by_progress("training_progress")
def takes_the_least_of_the_whole_run(losses, *, strip_length):
    return 1000 * float(whole(losses, strip_length).mean() / losses.min() - 1)


@by_progress("training_progress")
def forgets_to_divide_by_the_length(losses, *, strip_length):
    strip = whole(losses, strip_length)
    return 1000 * float(strip.sum() / strip.min() - 1)


@by_progress("training_progress")
def takes_what_there_is_for_a_strip(losses, *, strip_length):
    strip = losses[-strip_length:]
    return 1000 * float(strip.mean() / strip.min() - 1)


@legal("training_progress")
def adds_what_lies_above_the_least(losses, *, strip_length):
    strip = sorted(whole(losses, strip_length))
    return 1000.0 * sum(float(loss - strip[0]) for loss in strip) / (strip_length * float(strip[0]))


@claim(run=runs, strip_length=lengths)
def pq_is_gl_over_progress(progress_quotient, run, strip_length):
    """PQ is the last GL over P_k: a rise of the validation loss counts the more, the less training still gains.

    Where training gains nothing, P_k = 0, PQ is infinite if GL is positive and 0 if it is not.

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    val, train = positive(run.val), positive(run.train)
    strip = fractions(train)[-min(strip_length, len(train)) :]
    gl, progress = 100 * excess(val)[-1], 1000 * (sum(strip) / (len(strip) * min(strip)) - 1)
    expected = float(gl / progress) if progress else math.inf if gl else 0.0
    # GL and P err as above, relative to GL + 100 and P + 1000; the quotient passes both on, and rounds twice.
    relative = 4 * (1 + 100 / gl) + (len(strip) + 5) * (1 + 1000 / progress) + 2 if gl and progress else 0
    slack = float(relative) * eps * expected if gl and progress else 0.0
    assert within(progress_quotient(val, train, strip_length=len(strip)), expected, slack)


by_pq = pq_is_gl_over_progress.refutes


def quotient(val, train, k):
    gl = 100 * (val / np.minimum.accumulate(val) - 1)
    return float(gl[-1]), float(1000 * (train[-k:].mean() / train[-k:].min() - 1))


@by_pq("progress_quotient")
def says_nan_for_no_rise_and_no_progress(val_losses, train_losses, *, strip_length):
    gl, progress = quotient(val_losses, train_losses, strip_length)
    return gl / progress if progress else math.inf if gl else math.nan


@by_pq("progress_quotient")
def never_stops_without_progress(val_losses, train_losses, *, strip_length):
    gl, progress = quotient(val_losses, train_losses, strip_length)
    return gl / progress if progress else 0.0


@claim(curve=curves, strips=choices(1, 2, 3), strip_length=choices(1, 2, 3))
def up_stops_after_rises_in_a_row(up_stop, curve, strips, strip_length):
    """UP_s stops at the first end of a strip where the validation loss has risen in the last s strips in a row.

    By Prechelt's recursion: UP_s after epoch t if E_t > E_{t−k} and UP_{s−1} after epoch t − k.  So it never stops
    before s + 1 strips, ties do not count, and only the order of the losses at the strips' ends matters.

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    losses, k = curve.losses, strip_length

    def up(s, t):
        return s == 0 or (t >= k and losses[t] > losses[t - k] and up(s - 1, t - k))

    expected = next((t for t in range(k - 1, len(losses), k) if up(strips, t)), None)
    assert up_stop(losses, strips=strips, strip_length=strip_length) == expected


by_up = up_stops_after_rises_in_a_row.refutes


def up_by(rises, strips, k):
    """Return the epoch at which the rises, one for each strip but the first, have been true so often in a row."""
    row = 0
    for i, rose in enumerate(rises, 2):
        row = row + 1 if rose else 0
        if row >= strips:
            return i * k - 1
    return None


@by_up("up_stop")
def adds_up_all_rises(losses, *, strips, strip_length):
    total = np.cumsum(np.diff(losses[strip_length - 1 :: strip_length]) > 0)
    found = np.flatnonzero(total >= strips)
    return int(found[0] + 2) * strip_length - 1 if len(found) else None


@by_up("up_stop")
def counts_a_tie_as_a_rise(losses, *, strips, strip_length):
    return up_by(np.diff(losses[strip_length - 1 :: strip_length]) >= 0, strips, strip_length)


@by_up("up_stop", by={"curve": case(losses=[0, 0, 1]), "strips": 1, "strip_length": 2})
def ends_a_strip_at_the_last_epoch(losses, *, strips, strip_length):
    ends = sorted({*range(strip_length - 1, len(losses), strip_length), len(losses) - 1})
    row = up_by(np.diff(losses[ends]) > 0, strips, 1)
    return row if row is None else ends[row]


@by_up("up_stop")
def compares_all_epochs_and_not_strips(losses, *, strips, strip_length):
    return up_by(np.diff(losses) > 0, strips, 1)


@legal("up_stop")
def finds_the_row_in_a_string_of_signs(losses, *, strips, strip_length):
    ends = losses[strip_length - 1 :: strip_length].tolist()
    signs = "".join("+" if after > before else "." for before, after in pairwise(ends))
    at = signs.find("+" * strips)
    return None if at < 0 else (at + strips + 1) * strip_length - 1


# What stopping early does to the weights


@claim(
    bowl=small_integer_arrays(v="D", h="D", minimiser="D"),
    lr=choices(0.5, 1.0, 0.25, 0.125),
    steps=choices(1, 0, 2, 3, 4, 5),
)
def descent_from_zero_reaches_a_share_of_the_minimiser(gd_filter, bowl, lr, steps):
    """After t steps from w = 0 on a quadratic, along curvature h the share 1 − (1 − ηh)^t of the minimiser is reached.

    The quadratic is ½(w − w*)ᵀ A (w − w*), A = Q diag(h) Qᵀ with a reflection Q; descent runs in exact fractions.
    True for every η and h, of whatever sign, as w_{t+1} − w* = (I − ηA)(w_t − w*).

    Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 7.8.
    """
    v, h, minimiser = map(fractions, bowl)
    Q = fractions(np.eye(len(h))) - np.outer(v, v) * Fraction(2, int(max(v @ v, 1)))
    A, w = Q * h @ Q, 0 * h
    for _ in range(steps):
        w = w - Fraction(lr) * (A @ (w - minimiser))
    target = (Q @ minimiser).astype(float)
    left = abs(1 - lr * bowl.h) ** steps
    # 1 − ηh is exact, its power errs by a few ulp, and the difference rounds once more.
    reached = gd_filter(bowl.h, lr=lr, steps=steps) * target
    assert within(reached, (Q @ w).astype(float), 8 * eps * (1 + left) * abs(target))


by_filter = descent_from_zero_reaches_a_share_of_the_minimiser.refutes


@by_filter("gd_filter")
def says_what_is_left(curvature, *, lr, steps):
    return (1 - lr * np.asarray(curvature)) ** steps


@by_filter("gd_filter")
def adds_up_the_first_steps(curvature, *, lr, steps):
    return lr * steps * np.asarray(curvature)


@by_filter("gd_filter")
def counts_one_step_too_few(curvature, *, lr, steps):
    return 1 - (1 - lr * np.asarray(curvature)) ** max(steps - 1, 0)


@legal("gd_filter")
def sums_a_geometric_series(curvature, *, lr, steps):
    x = lr * np.asarray(curvature)
    reached = 0 * x
    for _ in range(steps):
        reached = reached + x * (1 - reached)
    return reached


SHARES = np.array([0.0, 1e-9, 0.01, 0.125, 1 / 3, 0.5, 0.75, 0.99, 1.0])  # values of ηh
rates = choices(1.0, 0.5, 2.0**-10, 4.0)


@claim(lr=rates, steps=choices(1, 2, 3, 10, 100, 1000))
def early_stopping_shrinks_between_once_and_twice_as_ridge_keeps(gd_filter, lr, steps):
    """With r = h/(h + 1/(ηt)) what ridge keeps, t steps of descent reach between r and 2r, if 0 ≤ ηh ≤ 1.

    And they reach the more, the larger h, no less with every further step, and never more than the minimiser.
    (1 − x)^t ≤ e^(−xt) ≤ 1/(1 + xt) gives the lower bound, x = ηh.  For the upper one, 1 − (1 − x)^t is at most
    min(1, xt), and 2xt/(1 + xt) is at least that.  Twice is reached at t = 1, x = 1.
    """
    h = SHARES / lr
    reached = gd_filter(h, lr=lr, steps=steps)
    kept = SHARES * steps / (1 + SHARES * steps)
    # The share that is reached is known to a few ε: t steps of (1 − x)^t pass on the rounding of 1 − x.
    slack = (steps * (1 - SHARES) ** (steps - 1) + 4) * eps
    assert at_most(kept, reached + slack)
    assert at_most(reached, 2 * kept + slack)
    assert equal(gd_filter(1 / lr, lr=lr, steps=1), 1.0)
    later = gd_filter(h, lr=lr, steps=steps + 1)
    assert at_most(reached, later + slack)
    assert at_most(reached[:-1], reached[1:] + slack[1:])
    assert at_most(later, 1.0)


for wrong in (says_what_is_left, adds_up_the_first_steps, counts_one_step_too_few):
    early_stopping_shrinks_between_once_and_twice_as_ridge_keeps.refutes("gd_filter")(wrong)


@claim(h=choices(0.5, 0.125, 0.25, 0.75, 1e-9, 0.875), lr=choices(1.0, 0.5, 0.25), steps=choices(1, 2, 3, 10, 40))
def stopping_is_ridge_with_another_strength_in_each_direction(equivalent_ridge, h, lr, steps):
    """Along curvature h, t steps equal ridge with α = h/((1 − ηh)^−t − 1): less than 1/(ηt), and less for larger h.

    For 0 < ηh < 1.  So one α fits all directions if and only if all curvatures are equal, and at h → 0 it is
    1/(ηt).  The denominator is a power series in h with positive coefficients that begins with ηth.

    Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 7.8.
    """
    x = Fraction(h) * Fraction(lr)
    left = (1 - x) ** steps
    exact = float(Fraction(h) * left / (1 - left))
    # The logarithm of what is left errs by its rounding, magnified by 1 − left; t powers, if summed instead, by t more.
    slack = (2 * eps * abs(steps * math.log1p(-float(x))) / float(1 - left) + (steps + 4) * eps) * exact
    alpha = equivalent_ridge(h, lr=lr, steps=steps)
    assert within(alpha, exact, slack)
    assert alpha > equivalent_ridge(h * 1.0625, lr=lr, steps=steps)
    assert at_most(alpha, (1 + 8 * eps) / (lr * steps))


by_strength = stopping_is_ridge_with_another_strength_in_each_direction.refutes


@by_strength("equivalent_ridge")
def takes_the_first_order_for_all_directions(curvature, *, lr, steps):
    return 1 / (lr * steps)


@by_strength("equivalent_ridge")
def forgets_the_rate(curvature, *, lr, steps):
    return curvature / ((1 - curvature) ** -steps - 1)


@by_strength("equivalent_ridge", by={"h": 1e-9, "lr": 1.0, "steps": 1})
def cancels_at_a_small_curvature(curvature, *, lr, steps):
    left = (1 - lr * curvature) ** steps
    return curvature * left / (1 - left)


@legal("equivalent_ridge")
def sums_the_positive_terms(curvature, *, lr, steps):
    x = lr * curvature
    ratio = 1 / (1 - x)  # (ratio^t − 1) = (ratio − 1) (1 + ratio + … + ratio^(t−1)), and ratio − 1 = x · ratio
    return curvature / (x * ratio * math.fsum(ratio**i for i in range(steps)))


# Measured on digits


def log_loss(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]))


@cache
def noisy_run(seed):
    """Return the validation loss and the test accuracy after each epoch, with 40 % of the labels drawn at random."""
    rngs = lab.streams(seed, "split", "labels", "weights", "order")
    x, y = digits()
    drawn = rngs["labels"].random(len(y)) < 0.4
    noisy = np.where(drawn, rngs["labels"].integers(0, 10, len(y)), y)
    train, val, test = np.split(rngs["split"].permutation(len(x)), [400, 800])
    layers = lab.draw_layers([64, 64, 10], rngs["weights"], gain=2.0)
    recipe = {"epochs": 1, "batch_size": 10, "lr": 0.3, "momentum": 0.0}
    losses, accuracies = [], []
    for _ in range(40):
        layers = lab.train(layers, x[train], noisy[train], lab.relu_forward, lab.relu_backward, rngs["order"], **recipe)
        losses.append(log_loss(lab.relu_forward(x[val], *layers)[0], noisy[val]))
        accuracies.append(lab.accuracy(lab.relu_forward(x[test], *layers)[0], y[test]))
    return np.array(losses), np.array(accuracies)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def stopping_early_saves_a_network_from_learning_noisy_labels(early_stop, seeds):
    """On digits with 40 % of the labels drawn at random, the restored network beats the last one on clean test data.

    400 digits to train, 400 with equally noisy labels to validate, a ReLU network of width 64, 40 epochs,
    patience 10.  The restored accuracy must exceed the last on 24 of 30 seeds.  In 1000 calibration runs
    all succeeded: by 1.3 points at least, and by 17 on the median.
    """
    reached = []

    def holds(seed):
        losses, accuracies = noisy_run(seed)
        _, best = early_stop(losses, patience=10)
        reached.append((accuracies[best], accuracies[-1], best))
        return accuracies[best] > accuracies[-1]

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    restored, last, best = np.median(reached, axis=0)
    return {"restored": restored, "last": last, "best_epoch": best + 1}


@stopping_early_saves_a_network_from_learning_noisy_labels.refutes("early_stop")
def always_trains_to_the_end(losses, *, patience, min_delta=0.0):
    return None, len(losses) - 1


# Often said, but false


@myth(curve=curves, refuted_by={"curve": case(losses=[1, 0])})
def the_best_epoch_seen_is_restored_whatever_min_delta(early_stop, curve):
    """Restoring the best weights gives the best epoch that was seen."""
    _, best = early_stop(curve.losses, patience=20, min_delta=1.0)
    assert equal(curve.losses[best], curve.losses.min())


@myth(curve=small_integer_arrays(largest=14, falls="T"), refuted_by={"curve": case(falls=[0, 2, 1, 0])})
def a_larger_min_delta_never_stops_later(early_stop, curve):
    """A larger min_delta is stricter, so it never stops later.

    On losses that never rise it does.
    """
    losses = 3 - np.cumsum(abs(curve.falls))
    stops = [early_stop(losses, patience=2, min_delta=float(delta))[0] for delta in range(4)]
    ends = [len(losses) if stop is None else stop for stop in stops]
    assert ends == sorted(ends, reverse=True)


@myth(curve=curves, refuted_by={"curve": case(losses=[1, 0])})
def training_stops_once_the_loss_stays_or_decreases(early_stop, curve):
    """Stop as soon as the validation loss no longer changes, or decreases."""
    stop, _ = early_stop(curve.losses, patience=1)
    calm = np.flatnonzero(np.diff(curve.losses) <= 0)
    assert stop == (int(calm[0]) + 1 if len(calm) else None)


@myth(curve=curves, refuted_by={"curve": case(losses=[0, 1])})
def gl_does_not_depend_on_a_constant_in_the_loss(generalization_loss, curve):
    """A constant added to the loss, such as the entropy of the labels, does not change GL."""
    losses = positive(curve.losses)
    assert within(generalization_loss(losses + 1), generalization_loss(losses), 1e-9)


@myth(bowl=small_integer_arrays(h=""), refuted_by={"bowl": case(h=2)})
def weights_only_grow_during_training(gd_filter, bowl):
    """Weights start small and only grow during training, so that stopping early keeps them small."""
    first, second = (abs(gd_filter(bowl.h, lr=1.0, steps=t)) for t in (1, 2))
    assert at_most(first, second)


@myth(bowl=small_integer_arrays(h=""), refuted_by={"bowl": case(h=1)})
def early_stopping_is_ridge_regression(gd_filter, bowl):
    """Early stopping is L2 regularisation: t steps give the ridge solution with α = 1/(ηt)."""
    h = abs(bowl.h)
    assert within(gd_filter(h, lr=0.5, steps=1), h / (h + 2), 4 * eps)


def refuse(patience, min_delta):
    if patience < 1 or min_delta < 0:
        raise ValueError("bad arguments")


@convention("early_stop", "its best moves on any improvement, as in Ignite, where this slot's waits for min_delta")
def lets_every_improvement_move_the_best(losses, *, patience, min_delta=0.0):
    refuse(patience, min_delta)
    return follows_ignite_and_moves_the_best(losses, patience=patience, min_delta=min_delta)


@convention("early_stop", "it exceeds patience, and a tie improves, as in scikit-learn, where this slot's do not")
def exceeds_the_patience_as_scikit_learn_does(losses, *, patience, min_delta=0.0):
    refuse(patience, min_delta)
    return follows_scikit_learn(losses, patience=patience, min_delta=min_delta)


@convention("early_stop", "it exceeds patience, and a tie improves, as in scikit-learn, where this slot's do not")
def exceeds_the_patience_and_passes_over_nan(losses, *, patience, min_delta=0.0):
    refuse(patience, min_delta)
    return counting(losses, patience + 1, lambda loss, best: loss <= best - min_delta, moves=lt)


@convention("early_stop", "it stops at a loss that is not finite, as in Lightning, where this slot only counts it")
def stops_at_once_at_nan(losses, *, patience, min_delta=0.0):
    refuse(patience, min_delta)
    return follows_lightning_and_stops_at_nan(losses, patience=patience, min_delta=min_delta)


@convention("generalization_loss", "it is the last epoch's alone, where this slot gives one for each epoch")
def called_for_each_epoch(theirs, losses):
    return np.array([theirs(losses[: t + 1]) for t in range(len(losses))])


@claim(curvature=choices(1.0, 0.25, 4.0, 1e-3), prior=choices(1.0, 0.5, 2.0), noise=choices(1.0, 0.25, 4.0))
def no_stopping_time_beats_the_best_ridge_on_average(ridge_shrinkage, gd_filter, curvature, prior, noise):
    """On average over a prior of equal variance τ² in all directions, ridge with α = σ²/τ² errs least of all filters.

    A filter f along curvature h has the mean error τ²(1 − f)² + σ²f²/h: of all f, f = h/(h + σ²/τ²) has the least,
    any other errs by (τ² + σ²/h)(f − h/(h + α))² more, and so does every stopping time of descent.
    """
    kept = float(ridge_shrinkage(np.array(curvature), weight_decay=noise / prior))
    least = prior * (1 - kept) ** 2 + noise * kept**2 / curvature
    for steps in (1, 2, 5, 20, 100):
        f = float(gd_filter(curvature, lr=0.2, steps=steps))
        more = (prior + noise / curvature) * (f - kept) ** 2
        error = prior * (1 - f) ** 2 + noise * f**2 / curvature
        # All terms are positive, and a filter is known to a few ε.
        assert within(error, least + more, 16 * eps * (prior + noise / curvature))


@no_stopping_time_beats_the_best_ridge_on_average.refutes("ridge_shrinkage")
def turns_noise_and_prior_over(curvature, *, weight_decay):
    return curvature / (curvature + 1 / weight_decay)


@no_stopping_time_beats_the_best_ridge_on_average.refutes("ridge_shrinkage")
def does_not_shrink_at_all(curvature, *, weight_decay):
    return np.ones_like(curvature)
