"""One small run: a 64-32-10 network on digits, plain SGD, until the loss is at the target or the budget is spent."""

import time
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.bench.steps import Array, Parameters, draw
from claims.bench.tuned import tuned
from claims.toolbox.data import digits
from claims.toolbox.laboratory import streams

EXAMPLES = 1797
SIZES = (64, 32, 10)
TARGET = 0.3


@cache
def data() -> tuple[Array, NDArray[np.int64]]:
    """Return the digits, centred: x (1797, 64) in float32, y (1797,). Needs scikit-learn."""
    x, y = digits()
    return (x - x.mean(axis=0)).astype(np.float32), y


def fresh(seed: int) -> Parameters:
    """Return the initial parameters of a seed."""
    return draw(SIZES, streams(seed, "parameters")["parameters"])


def loss_and_accuracy(parameters: Parameters, x: Array, y: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean softmax cross-entropy and the share of examples whose largest output is their label's."""
    W1, b1, W2, b2 = parameters
    a = x @ W1
    a += b1
    # Classes first, as in the tuned step: a run looks at the loss often, and this takes a third of the time.
    z = W2.T @ np.maximum(a, np.zeros_like(a), out=a).T + b2[:, None]
    z -= z.max(axis=0)
    chosen = z[y, np.arange(len(y))]
    return float(np.mean(np.log(np.exp(z).sum(axis=0)) - chosen)), float(np.mean(chosen == 0))


def run(batch_size: int, lr: float, seed: int, **budget: Any) -> dict[str, Any]:
    """Return what `train` tells of a run on all digits: facts for a table, without the parameters."""
    return train(batch_size, lr, seed, **budget)[0]


def train(
    batch_size: int, lr: float, seed: int, *, epochs: float = 20.0, max_steps: int = 1000, target: float = TARGET
) -> tuple[dict[str, Any], Parameters]:
    """Train on batches without replacement; incomplete ones at the end of an epoch are dropped.

    Stops where the loss on all digits is at most `target`, or is no number any more, or where the epochs or the steps
    are spent.  It looks at the loss after each step or 16 examples, and later when a 32nd more steps are done.

    Returns the parameters and batch_size, lr, seed, steps (to the target; None if it was not reached), loss (None if
    it is no number) and accuracy, both at the end and on all digits, and seconds (of the whole run, by the clock).
    Raises ValueError for a batch size below 1 or above 1797.
    """
    if not 1 <= batch_size <= EXAMPLES:
        raise ValueError(f"a batch has 1 to {EXAMPLES} examples, not {batch_size}")
    started = time.perf_counter()
    x, y = data()
    rng = streams(seed, "batches")["batches"]
    trainer = tuned(fresh(seed), batch_size, lr=lr)
    _, targets = trainer.prepare(x, y)
    limit, done = min(max_steps, int(epochs * EXAMPLES / batch_size)), 0
    pause = look = max(1, 16 // batch_size)
    loss, accuracy = loss_and_accuracy(trainer.parameters(), x, y)
    with np.errstate(all="ignore"):  # a rate may be too high: then the loss tells
        while done < limit and loss > target:
            for batch in batches(EXAMPLES, batch_size, rng):
                trainer.step(x[batch], targets[batch])
                done += 1
                if done in {look, limit}:
                    look += max(pause, done // 32)
                    loss, accuracy = loss_and_accuracy(trainer.parameters(), x, y)
                    if not loss > target or done == limit:
                        break
    facts = {
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "steps": done if loss <= target else None,
        "loss": loss if np.isfinite(loss) else None,
        "accuracy": accuracy,
        "seconds": time.perf_counter() - started,
    }
    return facts, trainer.parameters()


def batches(examples: int, batch_size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the complete batches of one epoch in random order, (examples // batch_size, batch_size)."""
    whole = examples // batch_size * batch_size
    return rng.permutation(examples)[:whole].reshape(-1, batch_size)
