"""Q21: what synchronous and asynchronous SGD compute, when they are stable, who waits, and what is lost."""

from fractions import Fraction
from functools import cache
from itertools import accumulate, product
from math import comb, factorial, inf, isqrt, log, pi, sin, sqrt

import numpy as np

from claims import claim, legal, measured, myth, proved
from claims.toolbox import parameter_server
from claims.toolbox.comparison import at_most, eps, equal, gamma, raises, within
from claims.toolbox.exact import fractions
from claims.toolbox.statistics import false_hold
from claims.toolbox.strategies import case, choices, integer_arrays, real_arrays, small_integer_arrays

rates = choices(0.5, 0.25, 1.0)
curvatures = choices(1.0, 2.0, 0.5, 3.0, 1000.0, 1e-9)
delays = choices(*range(26))


def pulls_to(targets, curvature=1.0):
    """Return the gradient of worker i's loss, ½h‖w − targets[i]‖²."""
    return lambda w, worker: curvature * (w - targets[worker])


def turns(numbers, workers):
    """Return drawn numbers as a schedule: who writes, update by update."""
    return np.abs(numbers).astype(int) % workers


# Synchronous: one large batch


def sized(numbers, largest):
    return (1 + np.abs(numbers) % largest).astype(int)


@claim(net=real_arrays(w="D", examples="WKD", s="W"), lr=choices(0.5, 0.1, 1.0, 0.0, 10.0))
def a_synchronous_step_is_one_large_batch(synchronous_sgd_step, net, lr):
    """A synchronous step is one on the mean gradient of all workers' examples, however many each has.

    Up to rounding, and if an example's gradient does not depend on what else is in its shard, as it
    does with batch normalization over the shard.
    """
    w, examples, s = net
    sizes = sized(s, examples.shape[1])
    shards = [rows[:size] for rows, size in zip(examples, sizes, strict=True)]
    means = np.array([shard.mean(axis=0) for shard in shards])
    batch = np.concatenate(shards)
    exact = fractions(w) - Fraction(lr) * fractions(batch).sum(axis=0) / len(batch)
    # A gradient passes the sum and division of its shard, a product, the sum over shards, and four roundings more.
    bound = gamma(sum(examples.shape[:2]) + 6) * (abs(w) + lr * abs(batch).sum(axis=0) / len(batch))
    assert within(synchronous_sgd_step(w, means, sizes, lr=lr), exact.astype(float), bound)


@a_synchronous_step_is_one_large_batch.refutes("synchronous_sgd_step")
def averages_the_means_whatever_their_sizes(w, gradients, sizes, *, lr):
    return w - lr * gradients.mean(axis=0)


@a_synchronous_step_is_one_large_batch.refutes("synchronous_sgd_step")
def adds_the_gradients_of_the_workers(w, gradients, sizes, *, lr):
    return w - lr * gradients.sum(axis=0)


@a_synchronous_step_is_one_large_batch.refutes("synchronous_sgd_step")
def takes_the_gradient_of_the_first_worker(w, gradients, sizes, *, lr):
    return w - lr * gradients[0]


@a_synchronous_step_is_one_large_batch.refutes("synchronous_sgd_step")
def forgets_to_divide_by_the_batch(w, gradients, sizes, *, lr):
    return w - lr * (sizes @ gradients)


@a_synchronous_step_is_one_large_batch.refutes("synchronous_sgd_step")
def divides_by_the_number_of_workers(w, gradients, sizes, *, lr):
    return w - lr * (sizes @ gradients) / len(gradients)


@legal("synchronous_sgd_step")
def averages_the_weights_after_one_step_on_each_worker(w, gradients, sizes, *, lr):
    return np.average(w - lr * gradients, axis=0, weights=sizes)


# Asynchronous: fresh weights, stale gradients


logs = integer_arrays(w="D", targets="WD", s="T", largest=6)


@claim(net=logs, lr=rates, curvature=choices(1.0, 2.0, 0.5))
def stale_gradients_are_applied_to_fresh_weights(async_sgd, net, lr, curvature):
    """Each update is w ← w − η g(v): w the current weights, v those the worker read after its own last update.

    Before its first update it has read the initial weights, which an empty schedule leaves.  Its
    staleness is the number of updates that others made between reading and writing.  A worker that
    there is not raises ValueError.

    Exactly: the numbers are whole, rate and curvature dyadic, and six updates do not round.
    """
    w, targets, s = net
    workers = len(targets)
    schedule, gradient = turns(s, workers), pulls_to(targets, curvature)
    final, staleness, pending, trajectory = async_sgd(w, gradient, schedule, lr=lr, workers=workers)
    version = [0] * workers
    expected = [w]
    for t, worker in enumerate(schedule):
        assert staleness[t] == t - version[worker]
        expected.append(expected[-1] - lr * gradient(expected[version[worker]], worker))
        version[worker] = t + 1
    assert equal(trajectory, np.array(expected))
    assert equal(final, expected[-1])
    assert equal(pending, [len(schedule) - each for each in version])
    start, none, fresh, only = async_sgd(w, gradient, schedule[:0], lr=lr, workers=workers)
    assert equal(start, w)
    assert equal(only, w[None])
    assert none.size == 0
    assert not fresh.any()
    for stranger in (workers, -1):
        assert raises(ValueError, async_sgd, w, gradient, np.array([stranger]), lr=lr, workers=workers)


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def takes_every_gradient_at_the_current_weights(w, gradient, schedule, *, lr, workers):
    trajectory = [w]
    for worker in schedule:
        trajectory.append(trajectory[-1] - lr * gradient(trajectory[-1], worker))
    none = np.zeros(workers, dtype=int)
    return trajectory[-1].copy(), np.zeros(len(schedule), dtype=int), none, np.array(trajectory)


def simulated(w, gradient, schedule, workers, update, *, reads_own=True, reads_again=True):
    """Return what `async_sgd` does, with an update and a way of reading of one's own."""
    trajectory, version, staleness = [w], [0] * workers, []
    for t, worker in enumerate(schedule):
        staleness.append(t - version[worker])
        trajectory.append(update(trajectory[-1], trajectory[version[worker]], gradient, worker, staleness[-1]))
        if reads_again:
            version[worker] = t + reads_own
    pending = [len(schedule) - each for each in version]
    return trajectory[-1].copy(), np.array(staleness, dtype=int), np.array(pending), np.array(trajectory)


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def never_reads_again(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - lr * g(old, i), reads_again=False)


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def reads_again_before_it_writes(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - lr * g(old, i), reads_own=False)


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def writes_its_stale_weights_back(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda _now, old, g, i, _: old - lr * g(old, i))


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def divides_the_rate_by_the_number_of_workers(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - lr / workers * g(old, i))


def off_by_one(w, gradient, schedule, *, lr, workers):
    found = simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - lr * g(old, i))
    return found[0], found[1] + 1, found[2], found[3]


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def counts_its_own_update_as_missed(w, gradient, schedule, *, lr, workers):
    return off_by_one(w, gradient, schedule, lr=lr, workers=workers)


@stale_gradients_are_applied_to_fresh_weights.refutes("async_sgd")
def lets_unknown_workers_write(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule % workers, workers, lambda now, old, g, i, _: now - lr * g(old, i))


@legal("async_sgd")
def keeps_gradients_in_flight_instead_of_weights(w, gradient, schedule, *, lr, workers):
    if np.any((np.asarray(schedule) < 0) | (np.asarray(schedule) >= workers)):
        raise ValueError("unknown worker")
    in_flight = {worker: gradient(w, worker) for worker in range(workers)}
    age = np.zeros(workers, dtype=int)
    trajectory, staleness = np.empty((len(schedule) + 1, *w.shape)), np.empty(len(schedule), dtype=int)
    trajectory[0] = w
    for t, worker in enumerate(schedule):
        trajectory[t + 1] = trajectory[t] + -lr * in_flight[worker]
        staleness[t] = age[worker]
        age += 1
        age[worker] = 0
        in_flight[worker] = gradient(trajectory[t + 1], worker)
    return trajectory[-1].copy(), staleness, age, trajectory


@claim(net=logs)
def staleness_is_conserved(async_sgd, net):
    """In every schedule T updates by W workers carry the staleness (W − 1)T, what is in flight at the end included.

    Every update makes each of the other W − 1 gradients in flight older by one, and takes its own
    out.  So speeds only share staleness out: where no gradient in flight grows old without bound,
    its mean tends to W − 1.
    """
    w, targets, s = net
    workers, updates = len(targets), len(s)
    _, staleness, pending, _ = async_sgd(w, pulls_to(targets), turns(s, workers), lr=0.5, workers=workers)
    assert np.sum(staleness) + np.sum(pending) == (workers - 1) * updates


staleness_is_conserved.refutes("async_sgd")(takes_every_gradient_at_the_current_weights)
staleness_is_conserved.refutes("async_sgd")(never_reads_again)
staleness_is_conserved.refutes("async_sgd")(reads_again_before_it_writes)
staleness_is_conserved.refutes("async_sgd")(counts_its_own_update_as_missed)


@staleness_is_conserved.refutes("async_sgd")
def leaves_out_the_gradients_in_flight(w, gradient, schedule, *, lr, workers):
    found = simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - lr * g(old, i))
    return found[0], found[1], np.zeros(workers, dtype=int), found[3]


@claim(net=logs, lr=rates, curvature=choices(1.0, 2.0, 0.5))
def fast_workers_pull_harder(async_sgd, net, lr, curvature):
    """The weights that gradients are taken at average Σᵢ pᵢcᵢ + (w₀ − w_T)/(ηhT), pᵢ worker i's share of updates.

    Worker i's loss is ½h‖w − cᵢ‖².  As long as the weights stay bounded the last term vanishes, and
    what is minimised is the mean of the losses weighted by speed; synchronously all weigh the same.
    Staleness does not enter.

    Exactly: the numbers are whole, rate and curvature dyadic, and six updates do not round.
    """
    w, targets, s = net
    schedule = turns(s, len(targets))
    final, staleness, _, trajectory = async_sgd(w, pulls_to(targets, curvature), schedule, lr=lr, workers=len(targets))
    read = trajectory[np.arange(len(schedule)) - staleness]
    assert equal(read.sum(axis=0), targets[schedule].sum(axis=0) + (w - final) / (lr * curvature))


fast_workers_pull_harder.refutes("async_sgd")(writes_its_stale_weights_back)


@fast_workers_pull_harder.refutes("async_sgd")
def applies_the_mean_of_all_gradients(w, gradient, schedule, *, lr, workers):
    def update(now, old, g, _worker, _age):
        return now - lr * sum(g(old, i) for i in range(workers)) / workers

    return simulated(w, gradient, schedule, workers, update)


@fast_workers_pull_harder.refutes("async_sgd")
def damps_each_update_by_its_staleness(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda now, old, g, i, age: now - lr / (age + 1) * g(old, i))


@claim(
    net=small_integer_arrays(w="D", targets="WD"),
    lr=rates,
    workers=choices(2, 1, 4),
    first=choices(0, 1, 2, 3),
)
def a_first_round_is_one_synchronous_step(async_sgd, staleness_aware_lr, synchronous_sgd_step, net, lr, workers, first):
    """One update from each of W workers at the rate η/W is one synchronous step at η, as long as all read w₀.

    In the first round they all did: here the stale gradients are just the large batch's, cut up.
    The rate of the delay W − 1 is η/W.  One, two or four workers, in any rotation; nothing rounds.
    """
    targets = np.resize(net.targets, (workers, len(net.w)))
    schedule, gradient = (np.arange(workers) + first) % workers, pulls_to(targets)
    rate = staleness_aware_lr(lr, delay=workers - 1)
    asynchronous = async_sgd(net.w, gradient, schedule, lr=rate, workers=workers)[0]
    means = np.array([gradient(net.w, worker) for worker in range(workers)])
    assert equal(asynchronous, synchronous_sgd_step(net.w, means, np.ones(workers, dtype=int), lr=lr))


a_first_round_is_one_synchronous_step.refutes("async_sgd")(takes_every_gradient_at_the_current_weights)
a_first_round_is_one_synchronous_step.refutes("synchronous_sgd_step")(adds_the_gradients_of_the_workers)


@a_first_round_is_one_synchronous_step.refutes("staleness_aware_lr")
def keeps_the_rate_whatever_the_delay(lr, *, delay):
    return lr


@a_first_round_is_one_synchronous_step.refutes("staleness_aware_lr")
def divides_by_the_root_of_the_delay(lr, *, delay):
    return lr / sqrt(delay + 1)


@a_first_round_is_one_synchronous_step.refutes("staleness_aware_lr")
def divides_by_the_delay_alone(lr, *, delay):
    return lr / max(delay, 1)


@legal("staleness_aware_lr")
def weighs_by_one_over_one_plus_delay(lr, *, delay):
    return lr * (1 / (1 + delay))


# How large a step staleness allows


def radius(lr, curvature, delay):
    """Return the largest |z| with z^(τ+1) − z^τ + ηh = 0: the factor by which w grows in a step, in the long run."""
    coefficients = np.zeros(delay + 2)
    coefficients[0] = 1.0
    coefficients[1] -= 1.0
    coefficients[-1] += lr * curvature
    return np.abs(np.roots(coefficients)).max()


@claim(curvature=curvatures, delay=delays, ratio=choices(1 - 1e-6, 1 + 1e-6, 0.5, 2.0, 1e-3))
def stale_gradient_threshold(max_stable_lr_with_delay, curvature, delay, ratio):
    """On ½hw², descent by gradients τ updates old converges if and only if 0 < η < 2 sin(π/(4τ + 2))/h.

    So 2/h without delay, 1/h for one update, and about π/((2τ + 1)h) for many; without curvature
    there is no limit.

    w moves by −ηh times its value τ steps ago, so it decays if and only if all roots of
    z^(τ+1) − z^τ + ηh lie inside the unit circle.  For small η they do; the first to reach it is
    z = e^(iπ/(2τ+1)), and there ηh = |z − 1|.

    Source: Levin and May, A note on difference-delay equations, Theoretical Population Biology 9(2), 1976.
    """
    assert max_stable_lr_with_delay(0.0, delay=delay) == inf
    lr = ratio * max_stable_lr_with_delay(curvature, delay=delay)
    assert (radius(lr, curvature, delay) < 1) == (ratio < 1)


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def ignores_the_delay(curvature, *, delay):
    return 2 / curvature if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def divides_by_one_plus_the_delay(curvature, *, delay):
    return 2 / (1 + delay) / curvature if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def doubles_the_angle(curvature, *, delay):
    return 2 * sin(pi / (2 * delay + 1)) / curvature if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def takes_the_angle_for_its_sine(curvature, *, delay):
    return pi / (2 * delay + 1) / curvature if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def counts_the_delay_from_one(curvature, *, delay):
    return 2 * sin(pi / (4 * delay - 2)) / curvature if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def forgets_the_curvature(curvature, *, delay):
    return 2 * sin(pi / (4 * delay + 2)) if curvature else inf


@stale_gradient_threshold.refutes("max_stable_lr_with_delay")
def fails_without_curvature(curvature, *, delay):
    return 2 * sin(pi / (4 * delay + 2)) / max(curvature, 1e-300)


@legal("max_stable_lr_with_delay")
def by_the_cosine_of_the_complement(curvature, *, delay):
    return inf if curvature == 0 else float(abs(np.exp(1j * np.pi / (2 * delay + 1)) - 1) / curvature)


@claim(workers=choices(1, 2, 3, 4, 5), curvature=curvatures, ratio=choices(0.9, 1.1))
def round_robin_is_fixed_delay(async_sgd, max_stable_lr_with_delay, workers, curvature, ratio):
    """Workers of equal speed make the delay W − 1: on ½hw² they converge if and only if η is below its threshold.

    The first W updates have the staleness 0, 1, …, W − 1, all later ones W − 1.  Tried with η a
    tenth below and above, for 150 updates.
    """
    schedule = np.arange(150) % workers
    lr = ratio * max_stable_lr_with_delay(curvature, delay=workers - 1)
    _, staleness, _, trajectory = async_sgd(np.array(1.0), lambda w, _: curvature * w, schedule, lr=lr, workers=workers)
    assert equal(staleness, np.minimum(np.arange(150), workers - 1))
    assert (np.abs(trajectory[-20:]).max() < 0.5) == (ratio < 1)


round_robin_is_fixed_delay.refutes("async_sgd")(takes_every_gradient_at_the_current_weights)
round_robin_is_fixed_delay.refutes("async_sgd")(reads_again_before_it_writes)
round_robin_is_fixed_delay.refutes("max_stable_lr_with_delay")(ignores_the_delay)
round_robin_is_fixed_delay.refutes("max_stable_lr_with_delay")(doubles_the_angle)


@claim(curvature=choices(1.0, 2.0, 0.5, 1024.0), delay=choices(*range(9)), ratio=choices(1.0, 1.05, 0.95, 0.5, 2.0))
def non_oscillating_threshold(max_nonoscillating_lr, curvature, delay, ratio):
    """From rest, delayed descent on ½hw² never overshoots if and only if η ≤ τ^τ/(τ + 1)^(τ+1)/h.

    From rest: as if the first τ + 1 gradients were all taken at w₀.  Without delay this is 1/h, with
    one update ¼/h, a half and a quarter of what is stable: z^τ(1 − z) = ηh has positive roots only
    up to that η, where z = τ/(τ + 1) is a double one.
    """
    lr = ratio * max_nonoscillating_lr(curvature, delay=delay)
    w = [1.0] * (delay + 1)
    for _ in range(150):
        w.append(w[-1] - lr * curvature * w[-1 - delay])
    assert (min(w) < 0) == (ratio > 1)


@non_oscillating_threshold.refutes("max_nonoscillating_lr")
def takes_a_quarter_of_the_delay(curvature, *, delay):
    return 1 / (4 * max(delay, 0.25)) / curvature


@non_oscillating_threshold.refutes("max_nonoscillating_lr")
def takes_the_limit_for_long_delays(curvature, *, delay):
    return 1 / (np.e * max(delay, 1 / np.e)) / curvature


@non_oscillating_threshold.refutes("max_nonoscillating_lr")
def divides_one_by_one_plus_the_delay(curvature, *, delay):
    return 1 / (delay + 1) / curvature


@non_oscillating_threshold.refutes("max_nonoscillating_lr")
def halves_the_stable_rate(curvature, *, delay):
    return sin(pi / (4 * delay + 2)) / curvature


@legal("max_nonoscillating_lr")
def maximises_over_the_real_root(curvature, *, delay):
    z = Fraction(delay, delay + 1)
    return float(z**delay * (1 - z)) / curvature


@claim(curvature=curvatures, delay=choices(*range(61)), ratio=choices(1.0, 1.02, 0.5, 0.99))
def a_rate_divided_by_staleness_is_stable_up_to_half_pi(
    staleness_aware_lr, max_stable_lr_with_delay, curvature, delay, ratio
):
    """The rate η/(τ + 1) is stable on ½hw² for every delay τ if and only if ηh ≤ π/2.

    For 2(τ + 1) sin(π/(4τ + 2)) is 2, 2, 1.85, … and falls to π/2 without reaching it.  Tried for
    delays up to 60; 2 % above π/2, the delay 200 is unstable.

    Source: Zhang, Gupta, Lian and Liu, Staleness-aware Async-SGD for Distributed Deep Learning, IJCAI 2016.
    """
    lr = ratio * (pi / 2) / curvature
    for late in (delay, 200, 10**6):
        assert within(staleness_aware_lr(lr, delay=late) * (late + 1), lr, 2 * eps * lr)  # a quotient and a product
    if ratio > 1:
        assert staleness_aware_lr(lr, delay=200) > max_stable_lr_with_delay(curvature, delay=200)
    else:
        assert staleness_aware_lr(lr, delay=delay) < max_stable_lr_with_delay(curvature, delay=delay)


a_rate_divided_by_staleness_is_stable_up_to_half_pi.refutes("staleness_aware_lr")(keeps_the_rate_whatever_the_delay)
a_rate_divided_by_staleness_is_stable_up_to_half_pi.refutes("staleness_aware_lr")(divides_by_the_root_of_the_delay)
a_rate_divided_by_staleness_is_stable_up_to_half_pi.refutes(
    "staleness_aware_lr", by={"curvature": 1.0, "delay": 2, "ratio": 1.0}
)(divides_by_the_delay_alone)


@a_rate_divided_by_staleness_is_stable_up_to_half_pi.refutes("staleness_aware_lr")
def divides_by_twice_the_delay(lr, *, delay):
    return lr / (2 * delay + 1)


@a_rate_divided_by_staleness_is_stable_up_to_half_pi.refutes("staleness_aware_lr")
def counts_no_delay_beyond_a_hundred(lr, *, delay):
    return lr / (min(delay, 100) + 1)


tilt = choices(1 - 2.0**-20, 1 + 2.0**-20, 0.5, 2.0)


@claim(curvature=curvatures, momentum=choices(0.9, 0.0, 0.5, 0.99, 0.25), delay=choices(1, 0), ratio=tilt)
def momentum_flips_from_friend_to_foe(
    max_stable_lr_with_momentum, max_stable_lr_with_delay, curvature, momentum, delay, ratio
):
    """On ½hw², momentum μ is stable up to η = 2(1 + μ)/h with fresh gradients, and to (1 − μ)/h one update late.

    Heavy-ball momentum.  With μ = 0.9 that is 3.8/h and 0.1/h: what helps with fresh gradients harms with stale ones.
    Without momentum the thresholds are those of the delay alone.  Other delays raise ValueError.

    Both are recurrences of order two, z² + bz + c, and those converge if and only if |c| < 1 and
    |b| < 1 + c, which is decided in fractions: c is μ without delay and μ + ηh with it.
    """
    lr = max_stable_lr_with_momentum(curvature, momentum=momentum, delay=delay)
    a, mu = Fraction(lr) * Fraction(curvature) * Fraction(ratio), Fraction(momentum)
    b, c = (-(1 + mu), mu + a) if delay else (a - (1 + mu), mu)
    assert (a > 0 and abs(c) < 1 and abs(b) < 1 + c) == (ratio < 1)
    plain = max_stable_lr_with_momentum(curvature, momentum=0.0, delay=delay)
    # π, the sine and the quotients: a handful of roundings.
    assert within(plain, max_stable_lr_with_delay(curvature, delay=delay), 4 * eps * plain)
    assert max_stable_lr_with_momentum(curvature, momentum=0.0) == 2 / curvature
    for other in (2, -1):
        assert raises(ValueError, max_stable_lr_with_momentum, curvature, momentum=momentum, delay=other)


def by_delay(fresh, late):
    """Return a mistake's two thresholds as the slot returns them."""

    def threshold(curvature, *, momentum, delay=0):
        if delay not in {0, 1}:
            raise ValueError("delay must be 0 or 1")
        return (late if delay else fresh)(momentum) / curvature

    return threshold


@momentum_flips_from_friend_to_foe.refutes("max_stable_lr_with_momentum")
def lets_momentum_help_with_stale_gradients(curvature, *, momentum, delay=0):
    return by_delay(lambda mu: 2 * (1 + mu), lambda mu: 1 + mu)(curvature, momentum=momentum, delay=delay)


@momentum_flips_from_friend_to_foe.refutes("max_stable_lr_with_momentum")
def leaves_momentum_out(curvature, *, momentum, delay=0):
    return by_delay(lambda _: 2, lambda _: 1)(curvature, momentum=momentum, delay=delay)


@momentum_flips_from_friend_to_foe.refutes("max_stable_lr_with_momentum")
def scales_the_rate_to_its_effective_value(curvature, *, momentum, delay=0):
    return by_delay(lambda mu: 2 * (1 - mu), lambda mu: 1 - mu)(curvature, momentum=momentum, delay=delay)


@momentum_flips_from_friend_to_foe.refutes("max_stable_lr_with_momentum")
def squares_the_friction(curvature, *, momentum, delay=0):
    return by_delay(lambda mu: 2 * (1 + mu), lambda mu: (1 - mu) ** 2)(curvature, momentum=momentum, delay=delay)


@momentum_flips_from_friend_to_foe.refutes("max_stable_lr_with_momentum")
def takes_every_delay_for_one(curvature, *, momentum, delay=0):
    return ((1 - momentum) if delay else 2 * (1 + momentum)) / curvature


@legal("max_stable_lr_with_momentum")
def looks_the_threshold_up(curvature, *, momentum, delay=0):
    try:
        return {0: 2 + 2 * momentum, 1: 1 - momentum}[delay] / curvature
    except KeyError:
        raise ValueError("known for delays 0 and 1") from None


@proved()
def async_is_momentum_in_expectation(async_sgd, implicit_momentum):
    """If any worker is as likely as any other to write next, the mean weights move as with momentum 1 − 1/W.

    On ½hw², E w_(t+1) − E w_t = (1 − 1/W)(E w_t − E w_(t−1)) − (ηh/W) E w_t for t ≥ 1: the
    momentum comes with the rate η/W.  The first step is that of plain descent.

    All Wᵀ schedules of W ≤ 4 workers and T ≤ 6 updates are enumerated; their sums do not round.
    """
    for workers, updates in ((1, 6), (2, 6), (3, 5), (4, 4)):
        for a in (0.5, 0.25, 1.0):
            total = np.zeros(updates + 1)
            for schedule in product(range(workers), repeat=updates):
                _, _, _, trajectory = async_sgd(
                    np.array(1.0), lambda w, _: w, np.array(schedule), lr=a, workers=workers
                )
                total += trajectory
            mean = fractions(total) / workers**updates
            assert mean[1] - mean[0] == -Fraction(a) * mean[0]
            for t in range(1, updates):
                before, now, after = mean[t - 1 : t + 2]
                carried = Fraction(implicit_momentum(workers)) * (now - before)
                # In the momentum 1/W is rounded, and so is the difference.
                assert abs(after - now - (carried - Fraction(a) / workers * now)) <= Fraction(eps) * abs(now - before)


async_is_momentum_in_expectation.refutes("async_sgd")(takes_every_gradient_at_the_current_weights)
async_is_momentum_in_expectation.refutes("async_sgd")(never_reads_again)
async_is_momentum_in_expectation.refutes("async_sgd")(divides_the_rate_by_the_number_of_workers)


@async_is_momentum_in_expectation.refutes("async_sgd")
def doubles_the_rate(w, gradient, schedule, *, lr, workers):
    return simulated(w, gradient, schedule, workers, lambda now, old, g, i, _: now - 2 * lr * g(old, i))


@async_is_momentum_in_expectation.refutes("implicit_momentum")
def has_no_momentum(workers):
    return 0.0


@async_is_momentum_in_expectation.refutes("implicit_momentum")
def takes_the_share_of_one_worker(workers):
    return 1 / workers


@async_is_momentum_in_expectation.refutes("implicit_momentum")
def has_a_momentum_of_one_worker_more(workers):
    return 1 - 1 / (workers + 1)


@legal("implicit_momentum")
def is_the_share_of_the_others(workers):
    return (workers - 1) / workers


# Who waits for whom


@proved()
def straggler_order_statistics(synchronous_step_time):
    """Waiting for W of W + b workers takes H_(W+b) − H_b on average, if their times are exponential with mean 1.

    H_n is 1 + ½ + … + 1/n.  Without backup workers a step takes H_W: synchronously W workers deliver
    W/H_W gradients per unit of time, asynchronously W.

    The W-th of n = W + b times has the mean Σ_(k<W) C(n, k) ∫(1 − u)^k u^(n−k−1) du over [0, 1], with
    u = e^(−t) the chance that a worker is still busy; each integral is k!(n − k − 1)!/n!.  For all
    W ≤ 24 and b ≤ 6.
    """
    for workers, backups in product(range(1, 25), range(7)):
        n = workers + backups
        exact = sum(Fraction(comb(n, k) * factorial(k) * factorial(n - k - 1), factorial(n)) for k in range(workers))
        # Sums of at most n rounded quotients; a difference of two such sums errs as much as the larger.
        bound = 2 * gamma(n) * sum(1 / k for k in range(1, n + 1))
        assert within(synchronous_step_time(workers, backups=backups), float(exact), bound)
    assert synchronous_step_time(8) == synchronous_step_time(8, backups=0)


@straggler_order_statistics.refutes("synchronous_step_time")
def waits_for_the_mean_worker(workers, *, backups=0):
    return 1.0


@straggler_order_statistics.refutes("synchronous_step_time")
def forgets_the_backup_workers(workers, *, backups=0):
    return sum(1 / k for k in range(1, workers + 1))


@straggler_order_statistics.refutes("synchronous_step_time")
def waits_for_the_backup_workers_too(workers, *, backups=0):
    return sum(1 / k for k in range(1, workers + backups + 1))


@straggler_order_statistics.refutes("synchronous_step_time")
def takes_the_logarithm(workers, *, backups=0):
    return log((workers + backups + 1) / (backups + 1))


@straggler_order_statistics.refutes("synchronous_step_time")
def takes_the_fastest_worker(workers, *, backups=0):
    return 1 / (workers + backups)


@legal("synchronous_step_time")
def subtracts_harmonic_numbers(workers, *, backups=0):
    harmonic = np.cumsum(1 / np.arange(1, workers + backups + 1))
    return float(harmonic[-1] - (harmonic[backups - 1] if backups else 0))


laws = real_arrays(times="K", largest=6)


@claim(law=laws, workers=choices(2, 1, 3, 4, 8))
def the_slowest_worker_is_bounded_by_mean_and_deviation(max_mean_slowest_time, law, workers):
    """For independent times of one law, the slowest of W takes between m and m + s(W − 1)/√(2W − 1) on average.

    m is the law's mean and s its standard deviation, both finite.  E max − m is the integral of
    (F⁻¹(u) − m)(Wu^(W−1) − 1), and the two factors have the norms s and (W − 1)/√(2W − 1).  Tried on
    laws of up to six values; with the times U^(W−1), U uniform on [0, 1], the bound is attained.
    """
    times = sorted(fractions(law.times))
    n = len(times)
    mean = sum(times) / n
    variance = sum((time - mean) ** 2 for time in times) / n
    slowest = sum(time * (Fraction(k + 1, n) ** workers - Fraction(k, n) ** workers) for k, time in enumerate(times))
    deviation = isqrt(int(variance * 2**200)) / 2.0**100
    bound = max_mean_slowest_time(float(mean), deviation=deviation, workers=workers)
    # The mean and the deviation are rounded, then a root, a product, a quotient and a sum.
    slack = gamma(8) * (abs(float(mean)) + workers * deviation)
    assert mean <= slowest
    assert at_most(float(slowest), bound + slack)
    extreme = max_mean_slowest_time(
        1 / workers, deviation=(workers - 1) / workers / sqrt(2 * workers - 1), workers=workers
    )
    assert within(extreme, workers / (2 * workers - 1), gamma(12))


@the_slowest_worker_is_bounded_by_mean_and_deviation.refutes("max_mean_slowest_time")
def waits_for_the_mean_alone(mean, *, deviation, workers):
    return mean


@the_slowest_worker_is_bounded_by_mean_and_deviation.refutes("max_mean_slowest_time")
def adds_one_deviation(mean, *, deviation, workers):
    return mean + deviation * (workers > 1)


@the_slowest_worker_is_bounded_by_mean_and_deviation.refutes("max_mean_slowest_time")
def takes_the_bound_of_a_normal_law(mean, *, deviation, workers):
    return mean + deviation * sqrt(2 * log(workers))


@the_slowest_worker_is_bounded_by_mean_and_deviation.refutes("max_mean_slowest_time")
def grows_with_the_number_of_workers(mean, *, deviation, workers):
    return mean + deviation * (workers - 1)


@legal("max_mean_slowest_time")
def by_the_norm_of_the_density(mean, *, deviation, workers):
    return mean + deviation * sqrt(workers**2 / (2 * workers - 1) - 1)


# What is lost without a lock


def possible_counts(workers, increments):
    """Return every count that unlocked workers can leave: each reads the count, then writes 1 more, so many times."""
    start = (0, ((2 * increments, 0),) * workers)
    seen, open_states, final = {start}, [start], set()
    while open_states:
        count, states = open_states.pop()
        if not any(left for left, _ in states):
            final.add(count)
        for i, (left, held) in enumerate(states):
            if not left:
                continue
            written, mine = (count, (left - 1, count)) if left % 2 == 0 else (held + 1, (left - 1, 0))
            # Workers are alike, so only which states there are matters, not who is in them.
            following = written, tuple(sorted((*states[:i], mine, *states[i + 1 :])))
            if following not in seen:
                seen.add(following)
                open_states.append(following)
    return final


@cache
def counts_by_size():
    sizes = [(1, n) for n in range(1, 5)] + [(2, n) for n in range(1, 7)] + [(3, 1), (3, 2), (3, 3), (4, 1), (4, 2)]
    return {size: possible_counts(*size) for size in sizes}


@proved()
def lost_updates(lost_update_range):
    """Without a lock, P ≥ 2 workers that each add 1 n ≥ 2 times can leave every count from 2 to Pn, and no other.

    With a lock it is always Pn, as it is for one worker; for n = 1 every count from 1 is possible.
    An increment reads the count and then writes one more.  For 2: one worker reads 0, and all others
    finish but for the last increment of one of them; the first writes 1, the other reads it, the
    first finishes, and the other writes 2.

    All interleavings of up to four workers, and of up to six increments of two, are gone through.
    """
    for (workers, increments), possible in counts_by_size().items():
        low, high = lost_update_range(workers, increments=increments)
        assert possible == set(range(low, high + 1))


@lost_updates.refutes("lost_update_range")
def keeps_the_updates_of_one_worker(workers, *, increments):
    return increments, workers * increments


@lost_updates.refutes("lost_update_range")
def can_lose_all_updates_but_one(workers, *, increments):
    return (increments if workers == 1 else 1), workers * increments


@lost_updates.refutes("lost_update_range")
def loses_no_update(workers, *, increments):
    return workers * increments, workers * increments


@lost_updates.refutes("lost_update_range")
def can_lose_updates_of_a_single_worker(workers, *, increments):
    return min(increments, 2), workers * increments


@lost_updates.refutes("lost_update_range")
def always_loses_one_update(workers, *, increments):
    return (increments, increments) if workers == 1 else (min(increments, 2), workers * increments - 1)


@legal("lost_update_range")
def by_the_cases(workers, *, increments):
    if workers >= 2:
        return (1 if increments == 1 else 2), workers * increments
    return increments, increments


# A model on several machines


@claim(net=integer_arrays(x="BD", W="DC"), cut=choices(1, 2, 3, 0))
def splitting_a_layer_changes_no_number(column_parallel_linear, row_parallel_linear, net, cut):
    """A layer split by columns, outputs side by side, or by rows, outputs added, is the layer itself.

    So model parallelism leaves the gradient as it was: machines that hold parts of one model have
    nothing to average.  Split into up to four parts of equal or unequal size; exactly, on whole numbers.
    """
    x, W = net
    for axis, parallel in ((1, column_parallel_linear), (0, row_parallel_linear)):
        size = W.shape[axis]
        ends = sorted({min(end, size) for end in accumulate([cut, 1, 1])} - {0, size})
        assert equal(parallel(x, np.split(W, ends, axis=axis)), x @ W)


@splitting_a_layer_changes_no_number.refutes("row_parallel_linear")
def forgets_to_add_the_outputs(x, shards):
    return x[:, : len(shards[0])] @ shards[0]


@splitting_a_layer_changes_no_number.refutes("row_parallel_linear")
def averages_the_outputs(x, shards):
    W = np.concatenate(shards)
    return x @ W / len(shards)


@splitting_a_layer_changes_no_number.refutes("row_parallel_linear")
def gives_every_machine_as_many_inputs(x, shards):
    per_machine = len(np.concatenate(shards)) // len(shards)
    return sum(x[:, i * per_machine :][:, : len(shard)] @ shard for i, shard in enumerate(shards))


@splitting_a_layer_changes_no_number.refutes("column_parallel_linear")
def adds_the_outputs_of_column_shards(x, shards):
    return sum(x @ shard for shard in shards)


@splitting_a_layer_changes_no_number.refutes("column_parallel_linear")
def puts_the_shards_in_reverse(x, shards):
    return np.concatenate([x @ shard for shard in reversed(shards)], axis=1)


@legal("column_parallel_linear")
def fills_in_column_by_column(x, shards):
    return np.array([x @ column for shard in shards for column in shard.T]).T


@legal("row_parallel_linear")
def accumulates_row_by_row(x, shards):
    out = np.zeros((len(x), shards[0].shape[1]))
    for i, row in enumerate(row for shard in shards for row in shard):
        out += np.outer(x[:, i], row)
    return out


# Real processes


WORKERS, UPDATES, LR = 3, 39, 0.5


@cache
def real_runs(seeds):
    """Return the targets, a run of real asynchronous processes for each seed, and a third as many synchronous ones.

    The third worker takes four times as long as the others.
    """
    targets = np.random.default_rng(seeds[0]).integers(-8, 9, (WORKERS, 2)).astype(np.float64)
    task = {"targets": targets, "pace": (0.001, 0.001, 0.004), "lr": LR, "updates": UPDATES}
    asynchronous = parameter_server.execute(parameter_server.Task(**task, runs=len(seeds)))
    synchronous = parameter_server.execute(parameter_server.Task(**task, runs=len(seeds) // 3, synchronous=True))
    return targets, asynchronous, synchronous


@measured(seeds=30, false_hold=false_hold(30, 30), false_alarm=0.0)
def real_workers_replay_bit_for_bit(async_sgd, synchronous_sgd_step, seeds):
    """Whatever the timing, the log of real asynchronous processes replays to their weights, bit for bit.

    Three processes share the weights behind a lock, one of them four times as slow; 30 runs of 39
    updates from the same start.  From who wrote when, `async_sgd` finds the weights, the versions that
    were read and those still in flight; staleness adds up to (W − 1)T.  Synchronously the same
    processes leave the same weights each time, those of the large batch up to rounding.

    Every run must do so: it is an identity, which knows no false alarm, and nothing rounds, as targets
    are whole numbers and η = ½.  The times are reported and nothing is asserted of them.  In
    calibration, 3000 of 3000 runs succeeded.
    """
    targets, asynchronous, synchronous = real_runs(tuple(seeds))
    gradient = pulls_to(targets)
    for run in asynchronous:
        w, staleness, pending, _ = async_sgd(np.zeros(2), gradient, run.schedule, lr=LR, workers=WORKERS)
        assert equal(w, run.w)
        assert equal(staleness, np.arange(UPDATES) - run.read)
        assert equal(pending, UPDATES - run.in_flight)
        assert np.sum(UPDATES - run.in_flight) + np.sum(np.arange(UPDATES) - run.read) == (WORKERS - 1) * UPDATES
    w = np.zeros(2)
    for _ in range(UPDATES // WORKERS):
        w = synchronous_sgd_step(w, w - targets, np.ones(WORKERS, dtype=int), lr=LR)
    for run in synchronous:
        assert equal(run.w, synchronous[0].w)
        # Errors of a step, less than 8 roundings of numbers below 16, are halved by the next.
        assert within(run.w, w, 2 * gamma(8) * 16)
    return {
        "different": len({run.w.tobytes() for run in asynchronous}),
        "straggler": np.mean([run.schedule == WORKERS - 1 for run in asynchronous]),
        "staleness": np.mean([np.arange(UPDATES) - run.read for run in asynchronous]),
        "speedup": np.mean([run.seconds for run in synchronous]) / np.mean([run.seconds for run in asynchronous]),
    }


real_workers_replay_bit_for_bit.refutes("async_sgd")(takes_every_gradient_at_the_current_weights)
real_workers_replay_bit_for_bit.refutes("async_sgd")(reads_again_before_it_writes)
real_workers_replay_bit_for_bit.refutes("async_sgd")(writes_its_stale_weights_back)
real_workers_replay_bit_for_bit.refutes("synchronous_sgd_step")(adds_the_gradients_of_the_workers)


# Often said, but false


@myth(
    net=small_integer_arrays(w="D", targets="WD", s="T"),
    refuted_by={"net": case(w=[0], targets=[[1], [0]], s=[0, 1])},
)
def asynchronous_workers_do_not_use_the_updates_of_others(async_sgd, net):
    """In asynchronous SGD a machine does not use the updates of other machines."""
    w, targets, s = net
    schedule = turns(s, len(targets))
    _, _, _, trajectory = async_sgd(w, pulls_to(targets), schedule, lr=0.5, workers=len(targets))
    moves = np.diff(trajectory, axis=0)
    for worker in set(schedule.tolist()):
        last = int(np.flatnonzero(schedule == worker)[-1])
        assert equal(trajectory[last + 1], w + moves[schedule == worker].sum(axis=0))


few = choices(1, 2, 3, 4)


@myth(workers=few, updates=few, refuted_by={"workers": 2, "updates": 2})
def equally_fast_machines_have_no_stale_gradients(async_sgd, workers, updates):
    """Staleness comes from slow machines: where all are equally fast, there is none."""
    schedule = np.arange(updates) % workers
    _, staleness, _, _ = async_sgd(np.array(1.0), lambda w, _: w, schedule, lr=0.5, workers=workers)
    assert not staleness.any()


@myth(workers=few, refuted_by={"workers": 2})
def what_is_stable_synchronously_is_stable_asynchronously(max_stable_lr_with_delay, workers):
    """Asynchronous SGD is synchronous SGD without the waiting: the same learning rates are stable."""
    assert max_stable_lr_with_delay(1.0, delay=workers - 1) >= max_stable_lr_with_delay(1.0, delay=0)


@myth(
    net=small_integer_arrays(w="D", gradients="WD", s="W"),
    refuted_by={"net": case(w=[0], gradients=[[1], [0]], s=[1, 0])},
)
def the_mean_of_shard_means_is_the_mean(synchronous_sgd_step, net):
    """The mean of the workers' mean gradients is the mean gradient."""
    w, gradients, s = net
    step = synchronous_sgd_step(w, gradients, sized(s, 4), lr=1.0)
    # Sums of whole numbers, one quotient and one difference.
    assert within(step, w - gradients.mean(axis=0), gamma(8) * (abs(w) + abs(gradients).max(axis=0)))


@myth(
    net=real_arrays(w="D", examples="ND"),
    refuted_by={"net": case(w=[0], examples=[[0.1], [0.2], [0.3]])},
)
def a_synchronous_step_is_the_large_batch_bit_for_bit(synchronous_sgd_step, net):
    """A synchronous step leaves the same weights as the large batch on one machine, bit for bit."""
    w, examples = net
    shards = [shard for shard in np.split(examples, [1]) if len(shard)]
    means, sizes = np.array([shard.mean(axis=0) for shard in shards]), np.array([len(shard) for shard in shards])
    assert equal(synchronous_sgd_step(w, means, sizes, lr=1.0), w - examples.mean(axis=0))


@myth(workers=choices(1, 2, 3), increments=few, refuted_by={"workers": 2, "increments": 3})
def at_worst_the_updates_of_one_worker_survive(lost_update_range, workers, increments):
    """Without a lock, at worst the updates of one worker survive."""
    assert lost_update_range(workers, increments=increments)[0] >= increments


@myth(
    momentum=choices(0.0, 0.5, 0.9),
    delay=choices(0, 1),
    refuted_by={"momentum": 0.5, "delay": 1},
)
def momentum_allows_larger_rates(max_stable_lr_with_momentum, momentum, delay):
    """Momentum makes larger learning rates stable."""
    plain = max_stable_lr_with_momentum(1.0, momentum=0.0, delay=delay)
    assert max_stable_lr_with_momentum(1.0, momentum=momentum, delay=delay) >= plain
