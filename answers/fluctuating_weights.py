"""Q12: how far noise moves the weights, what the steps reveal about its cause, and what averages leave of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def momentum_stationary_variance(curvature: float, *, lr: float, momentum: float, noise_variance: float) -> float:
    """Return the variance at which w settles under u ← μu + g, w ← w − ηu on ½hw²; momentum 0 is plain SGD.

    The gradient g carries independent noise of mean 0 and this variance, and 0 ≤ momentum < 1.
    Raises ValueError if lr · curvature is outside (0, 2(1 + momentum)), where nothing settles.

    Shapes: curvature float -> float
    """
    x = lr * curvature
    if not 0 < x < 2 * (1 + momentum):
        raise ValueError("the weights settle only for 0 < lr * curvature < 2 * (1 + momentum)")
    return lr * noise_variance * (1 + momentum) / (curvature * (1 - momentum) * (2 * (1 + momentum) - x))


def step_autocorrelation(curvature: float, *, lr: float, momentum: float = 0.0) -> float:
    """Return the correlation of a step with the next one, once the weight has settled.

    Shapes: curvature float -> float
    """
    return momentum - lr * curvature / 2


def observed_step_correlation(weights: NDArray) -> float:
    """Return how far each step of a run is along the one before it: 1 for a drift, −1 for an oscillation.

    `weights` are the weights after consecutive updates, a row for each.  It is 0 where nothing moves.

    Shapes: weights (T, D) -> float
    """
    steps = np.diff(weights, axis=0)
    before, after = steps[:-1], steps[1:]
    size = np.sqrt(np.sum(before**2) * np.sum(after**2))
    return float(np.sum(before * after) / size) if size > 0 else 0.0


def average_weights(weights: list) -> Any:
    """Return the mean of arrays of one shape, or of lists of such arrays: then a list.

    Raises ValueError if there are none.

    Shapes: weights list -> value

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, UAI 2018.
    """
    if not weights:
        raise ValueError("there is nothing to average")
    if isinstance(weights[0], list):
        return [average_weights(list(arrays)) for arrays in zip(*weights, strict=True)]
    return np.mean(weights, axis=0)


def ema_update(average: NDArray, w: NDArray, *, decay: float = 0.999) -> NDArray:
    """Return the exponential moving average after one more value.

    Shapes: average (*S), w (*S) -> (*S)
    """
    return decay * average + (1 - decay) * w


def ema_corrected(average: NDArray, *, decay: float, t: int) -> NDArray:
    """Return an exponential moving average that started at 0, after t values, without its pull towards 0.

    Raises ValueError if t < 1; decay < 1.

    Shapes: average (*S) -> (*S)
    """
    if t < 1:
        raise ValueError("before the first value there is no average")
    return average / (1 - decay**t)


def polyak_average_variance(curvature: float, *, lr: float, noise_variance: float, steps: int) -> float:
    """Return the variance of the mean of so many consecutive weights of plain SGD that has settled on ½hw².

    The weights k steps apart have the covariance v (1 − ηh)^k, and steps − k of the pairs are that far apart.

    Shapes: curvature float -> float

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992.
    """
    v = momentum_stationary_variance(curvature, lr=lr, momentum=0.0, noise_variance=noise_variance)
    k = np.arange(1, steps)
    pairs = np.sum((steps - k) * (1 - lr * curvature) ** k)
    return float(v * (steps + 2 * pairs) / steps**2)


def ema_variance(curvature: float, *, lr: float, noise_variance: float, decay: float) -> float:
    """Return the variance of the exponential moving average of the weights of plain SGD that has settled on ½hw².

    Shapes: curvature float -> float
    """
    v = momentum_stationary_variance(curvature, lr=lr, momentum=0.0, noise_variance=noise_variance)
    both = decay * (1 - lr * curvature)
    return v * (1 - decay) / (1 + decay) * (1 + both) / (1 - both)
