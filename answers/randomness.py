"""Q26: streams of random numbers and sums that can be repeated, and what noise does to training."""

import math

import numpy as np
from numpy.typing import NDArray


def random_streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Return a generator for each name, which depends on the seed and that name alone.

    Shapes: seed int -> dict
    """
    return {name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode()))) for name in names}


def tree_sum(x: NDArray, *, rng: np.random.Generator) -> float:
    """Return the sum of x, added up in a random order: any two neighbours of a shuffled row, again and again.

    Shapes: x (N,) -> float
    """
    terms = list(rng.permutation(x))
    for pairs in range(len(x) - 1, 0, -1):
        i = rng.integers(pairs)
        terms[i : i + 2] = [terms[i] + terms[i + 1]]
    return float(terms[0]) if terms else 0.0


def correctly_rounded_sum(x: NDArray) -> float:
    """Return the sum of x, rounded once: the float nearest to the exact sum, whatever the order.

    Shapes: x (N,) -> float
    """
    return math.fsum(x)


def sum_in_worker_order(arrived: NDArray, rank: NDArray) -> float:
    """Return the sum of the workers' parts, added in the order of their ranks, not in that of their arrival.

    Part arrived[i] comes from worker rank[i]; the ranks are 0 to N − 1 in any order.

    Shapes: arrived (N,), rank int (N,) -> float
    """
    total = 0.0
    for i in np.argsort(rank):
        total += float(arrived[i])
    return total


def saddle_second_moment(y: float, *, lr: float, noise_variance: float, steps: int) -> float:
    """Return E y² after descent on −½y², each of whose gradients has independent noise of mean 0.

    Shapes: y float -> float
    """
    moment = y**2
    for _ in range(steps):
        moment = (1 + lr) ** 2 * moment + lr**2 * noise_variance
    return moment


def input_noise_penalty(w: NDArray, *, noise_variance: float, examples: int) -> float:
    """Return what independent noise on every input adds to the expected sum of squared errors of x w.

    Shapes: w (D,) -> float

    Source: Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995.
    """
    return examples * noise_variance * float(w @ w)


def smoothed_relu_grad(x: NDArray, *, noise_std: float) -> NDArray:
    """Return the derivative of E relu(x + s ξ) with ξ from N(0, 1) and s = noise_std > 0: Φ(x/s).

    Shapes: x (*S) -> (*S)
    """
    z = np.asarray(x, dtype=np.float64) / (noise_std * math.sqrt(2))
    return (np.vectorize(math.erfc, otypes=[float])(-z) / 2).astype(np.result_type(x, 1.0))


def ensemble_error(predictions: NDArray, y: float) -> tuple[float, float]:
    """Return the squared error of the members' mean prediction, and the variance of the predictions around it.

    Shapes: predictions (K,), y float -> float, float

    Source: Krogh and Vedelsby, Neural Network Ensembles, Cross Validation, and Active Learning, NIPS 7, 1995.
    """
    return float((predictions.mean() - y) ** 2), float(predictions.var())


def stochastic_round(x: NDArray, *, rng: np.random.Generator) -> NDArray:
    """Return float16 numbers: x rounded up or down, each with the probability that makes the mean x.

    Shapes: x (*S) -> value

    Source: Gupta et al., Deep Learning with Limited Numerical Precision, ICML 2015, arXiv 1502.02551.
    """
    _, exponent = np.frexp(x)
    unit = np.ldexp(1.0, np.maximum(exponent - 11, -24))  # between neighbours of x: 11 bits, none below 2⁻²⁴
    below = np.floor(x / unit)
    up = rng.random(x.shape) < x / unit - below
    rounded: NDArray = ((below + up) * unit).astype(np.float16)
    return rounded
