"""Q8: the train loss as it is reported, how it differs from the validation loss, and which causes remain."""

from math import expm1, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray


def train_one_epoch(w: NDArray, x: NDArray, y: NDArray, *, lr: float) -> tuple[NDArray, NDArray]:
    """Return the weights of x w after one pass of SGD, one example at a time in order, and the losses on the way.

    The loss on an example is ½(x w − y)²; each is noted before the example's own update.

    Shapes: w (D,), x (N, D), y (N,) -> (D,), (N,)
    """
    losses = []
    for example, target in zip(x, y, strict=True):
        residual = example @ w - target
        losses.append(residual**2 / 2)
        w = w - lr * residual * example
    return w, np.array(losses)


def running_train_loss(step_losses: NDArray) -> float:
    """Return what a progress bar calls the train loss of an epoch: the mean of its steps' losses.

    Raises ValueError if there is none.

    Shapes: step_losses (K,) -> float
    """
    if len(step_losses) == 0:
        raise ValueError("an epoch without steps has no loss")
    return float(np.mean(step_losses))


def weighted_batch_mean(means: list[Any], sizes: list[int]) -> Any:
    """Return the mean over all examples from the means over batches: numbers, or arrays of one shape.

    An empty batch does not count, whatever stands for its mean.  Raises ValueError if all are empty.

    Shapes: means list, sizes list -> value
    """
    total = sum(sizes)
    if total == 0:
        raise ValueError("no examples have no mean")
    return sum(size * mean for mean, size in zip(means, sizes, strict=True) if size) / total


def perplexity(losses: NDArray) -> float:
    """Return exp of the mean loss, for losses in nats per token; inf where that overflows.

    Raises ValueError if there is none.

    Shapes: losses (N,) -> float
    """
    if len(losses) == 0:
        raise ValueError("no tokens have no perplexity")
    with np.errstate(over="ignore"):
        return float(np.exp(np.mean(losses)))


def remaining_causes(running: float, train: float, validation: float) -> list[str]:
    """Return what can have put the validation loss below the running loss: "measurement", "data", both or nothing.

    `train` is the loss of the epoch's last weights on the training data, taken exactly as the
    validation loss is: in evaluation mode, without penalties, averaged over all examples.

    Shapes: running float, train float, validation float -> list
    """
    if validation >= running:
        return []
    parts = {"measurement": train < running, "data": validation < train}
    return [cause for cause, is_possible in parts.items() if is_possible]


def smoothed_loss_floor(classes: int, *, label_smoothing: float) -> float:
    """Return the least cross-entropy, in nats, that a label smoothed over all classes allows: its entropy.

    Shapes: classes int -> float
    """
    if label_smoothing == 0:
        return 0.0
    other = label_smoothing / classes
    own = 1 - label_smoothing + other
    return -own * log(own) - (classes - 1) * other * log(other)


def validation_below_probability(train_examples: int) -> float:
    """Return how often one exponential loss lies below the mean of `train_examples` others of the same law.

    Shapes: train_examples int -> float
    """
    return -expm1(-train_examples * log1p(1 / train_examples))


def optimism(noise_variance: float, *, parameters: int, examples: int) -> float:
    """Return by how much the mean squared error on new responses exceeds that on the fitted ones, by least squares.

    Shapes: noise_variance float -> float

    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009.
    """
    return 2 * noise_variance * parameters / examples
