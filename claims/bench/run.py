"""One small run: a 64-32-10 network on digits, plain SGD, until the loss is at the target or the budget is spent."""

import time
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.bench.steps import Labels, Parameters, TunedStep, draw
from claims.toolbox.data import digits
from claims.toolbox.laboratory import streams

EXAMPLES = 1797
HIDDEN = 32
TARGET = 0.3


@cache
def data() -> tuple[NDArray[np.float32], Labels]:
    """Return the digits, centred, x (1797, 64) and y (1797,). Needs scikit-learn."""
    x, y = digits()
    return (x - x.mean(axis=0)).astype(np.float32), y


def fresh(seed: int) -> Parameters:
    """Return the initial parameters of a seed."""
    return draw((64, HIDDEN, 10), streams(seed, "parameters")["parameters"])


def logits(parameters: Parameters, x: NDArray[Any]) -> NDArray[Any]:
    """Return the output of the network, (N, 10)."""
    W1, b1, W2, b2 = parameters
    return np.maximum(x @ W1 + b1, 0) @ W2 + b2


def loss_and_accuracy(parameters: Parameters, x: NDArray[Any], y: Labels) -> tuple[float, float]:
    """Return the mean softmax cross-entropy and the share of examples whose largest logit is their label's."""
    found = logits(parameters, x)
    right = float(np.mean(found.argmax(axis=1) == y))
    found -= found.max(axis=1, keepdims=True)
    picked = found[np.arange(len(y)), y]
    return float(np.mean(np.log(np.exp(found).sum(axis=1)) - picked)), right


def run(
    batch_size: int, lr: float, seed: int, *, epochs: float = 20.0, max_steps: int = 1000, target: float = TARGET
) -> dict[str, Any]:
    """Train on batches without replacement; incomplete ones at the end of an epoch are dropped.

    Stops where the loss on all digits is at most `target`, looked at every 16 examples or every step, or where
    the epochs or the steps are spent, or where the loss is no number any more.

    Returns batch_size, lr, seed, steps (to the target; None if it was not reached), loss (None if it is no number) and
    accuracy, both at the end and on all digits, and seconds (of the whole run, by the clock).  Raises ValueError for a batch size below 1 or above 1797.
    """
    if not 1 <= batch_size <= EXAMPLES:
        raise ValueError(f"a batch has 1 to {EXAMPLES} examples, not {batch_size}")
    started = time.perf_counter()
    x, y = data()
    rng = streams(seed, "batches")["batches"]
    step = TunedStep(fresh(seed), batch_size, lr=lr)
    look, limit, done = max(1, 16 // batch_size), min(max_steps, int(epochs * EXAMPLES / batch_size)), 0
    loss, accuracy = loss_and_accuracy(step.parameters, x, y)
    with np.errstate(all="ignore"):  # a rate may be too high: then the loss tells
        while done < limit and loss > target:
            order = rng.permutation(EXAMPLES)
            for start in range(0, EXAMPLES - batch_size + 1, batch_size):
                batch = order[start : start + batch_size]
                step(x[batch], y[batch])
                done += 1
                if done % look == 0 or done >= limit:
                    loss, accuracy = loss_and_accuracy(step.parameters, x, y)
                    if not loss > target or done >= limit:
                        break
    return {
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "steps": done if loss <= target else None,
        "loss": loss if np.isfinite(loss) else None,
        "accuracy": accuracy,
        "seconds": time.perf_counter() - started,
    }
