"""Q11: batches with and without replacement, what each of them misses, and how noisy the weights end up."""

import numpy as np
from numpy.typing import NDArray


def epoch_batches(
    n: int, *, batch_size: int, rng: np.random.Generator, replacement: bool = False, drop_last: bool = False
) -> list[NDArray]:
    """Return the batches of one epoch over the examples 0 to n − 1, as arrays of indices.

    Without replacement a fresh permutation is cut into batches, of which the last may be shorter; with
    replacement there are as many batches, each of independent draws.  `drop_last` leaves out the batch
    that n does not fill.  Raises ValueError if batch_size < 1.

    Shapes: n int -> list
    """
    if batch_size < 1:
        raise ValueError(f"a batch needs an example, not {batch_size}")
    if replacement:
        draws = rng.integers(n, size=(-(-n // batch_size), batch_size))
        return list(draws[: n // batch_size] if drop_last else draws)
    order = rng.permutation(n)
    end = n // batch_size * batch_size if drop_last else n
    return [order[start : start + batch_size] for start in range(0, end, batch_size)]


def missed_fraction(n: int, *, batch_size: int = 1) -> float:
    """Return the expected share of n examples that n / batch_size independent batches of distinct ones miss.

    `batch_size` divides n; each batch is drawn without regard to the others.

    Shapes: n int -> float
    """
    return (1 - batch_size / n) ** (n / batch_size)


def draws_to_see_all(n: int) -> float:
    """Return the expected number of draws with replacement until all n examples have been seen: n (1 + ½ + … + 1/n).

    Shapes: n int -> float
    """
    return float(n * np.sum(1 / np.arange(1, n + 1)))


def collision_probability(n: int, *, draws: int) -> float:
    """Return the probability that some example comes twice among `draws` with replacement from n.

    It is also the total variation distance between draws with and without replacement.

    Shapes: n int -> float
    """
    return float(1 - np.prod(1 - np.arange(draws) / n))


def batch_covariance(values: NDArray, *, batch_size: int) -> float:
    """Return the covariance of the means of two different batches of one epoch, 2 batch_size ≤ N.

    It is the same for every batch_size.

    Shapes: values (N,) -> float
    """
    return -np.var(values) / (len(values) - 1)


def epoch_variance(values: NDArray, *, lr: float, curvature: float, replacement: bool = False) -> float:
    """Return the variance of the weight after N ≥ 2 steps on the losses ½ curvature (w − values[i])².

    It starts at the minimum, the mean of the values, and takes one example a step.

    Shapes: values (N,) -> float
    """
    n, step = len(values), lr * curvature
    left = (1 - step) ** np.arange(n)  # what is left at the end of each step's push, the last first
    if replacement:
        return step**2 * np.var(values) * np.sum(left**2)
    return step**2 * np.var(values) * n**2 * np.var(left) / (n - 1)


def shuffle_once_ratio(n: int, *, lr: float, curvature: float) -> float:
    """Return the error that one fixed shuffle settles at, divided by that of a new shuffle each epoch.

    It is the mean square at the ends of epochs, on the losses ½ curvature (w − values[i])² of n ≥ 2
    examples, for |1 − lr curvature| < 1.

    Shapes: n int -> float
    """
    kept = (1 - lr * curvature) ** n  # what an epoch keeps of where it started
    return (1 + kept) / (1 - kept)
