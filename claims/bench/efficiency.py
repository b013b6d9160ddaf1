"""Statistical efficiency: what a batch buys on digits. Counts and not seconds, so that a seed decides them."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.batch_size import noise_scale_estimate, steps_to_target
from claims.bench.run import EXAMPLES, TARGET, batches, data, fresh, loss_and_accuracy, train
from claims.bench.steps import Array, Parameters
from claims.bench.tuned import tuned
from claims.toolbox.laboratory import streams

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, EXAMPLES)
LEARNING_RATES = tuple(2.0**k for k in range(-5, 5))
_LOSSES = (2.0, 1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1)  # at which the noise scale is measured
_HELD_OUT = 360
EPOCHS, STEPS = 20, 200  # after which the accuracy on those held out is told
Row = dict[str, Any]


def efficiency(
    runs: Sequence[Row], seeds: Sequence[int], *, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Return what the runs of a sweep tell, and what else these seeds tell of noise and generalization.

    It has target, seeds and runs (how many), best, fit, noise and generalization: see the functions that make them.
    """
    rows = best(runs)
    return {
        "target": TARGET,
        "seeds": len({each["seed"] for each in runs}),
        "runs": len(runs),
        "best": rows,
        "fit": fit(rows),
        "generalization": generalization({row["batch_size"]: row["lr"] for row in rows}, seeds, progress=progress),
        "noise": noise_scales(seeds),
    }


def best(runs: Iterable[Row]) -> list[Row]:
    """Return for each batch size its best rate: the one whose median of the steps to the target is least.

    A run that did not get there counts as infinitely many steps; of equal rates the lower one is taken.
    Batch sizes at which no rate got there in half of the runs are left out.

    Each row has batch_size, lr, steps (median), epochs, examples, and low and high, the least and most steps.
    """
    steps: dict[tuple[int, float], list[float]] = {}
    for each in runs:
        found = float("inf") if each["steps"] is None else each["steps"]
        steps.setdefault((each["batch_size"], each["lr"]), []).append(found)
    rows = []
    for batch_size in sorted({size for size, _ in steps}):
        count, lr = min((median(found), lr) for (size, lr), found in steps.items() if size == batch_size)
        if count == float("inf"):
            continue
        found = steps[batch_size, lr]
        rows.append(
            {
                "batch_size": batch_size,
                "lr": lr,
                "steps": count,
                "epochs": count * batch_size / EXAMPLES,
                "examples": count * batch_size,
                "low": min(found),
                "high": max(found) if max(found) < float("inf") else None,
            }
        )
    return rows


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """Return min_steps and noise_scale of the law S = S_min (1 + Bₙ/B) that is nearest to the steps, in logarithms.

    The noise scale is looked for among 1000 values between 1 and 2048.
    """
    sizes, steps = [row["batch_size"] for row in rows], np.log([row["steps"] for row in rows])
    best_fit = (float("inf"), 0.0, 0.0)
    for noise in np.geomspace(1, 2048, 1000).tolist():
        shape = np.log([steps_to_target(1.0, noise_scale=noise, batch_size=size) for size in sizes])
        level = float(np.mean(steps - shape))
        best_fit = min(best_fit, (float(np.sum((steps - shape - level) ** 2)), noise, level))
    _, noise, level = best_fit
    return {"min_steps": float(np.exp(level)), "noise_scale": noise}


def noise_scale(parameters: Parameters, x: Array, y: NDArray[np.int64]) -> float:
    """Return tr Σ/‖g‖² of the examples' gradients, exactly, from the norms of each and of their mean.

    An example's weight gradient is an outer product, so that its norm is the product of two.
    """
    W1, b1, W2, b2 = parameters
    a = np.maximum(x @ W1 + b1, 0)
    e = np.exp((z := a @ W2 + b2) - z.max(axis=1, keepdims=True))
    delta = e / e.sum(axis=1, keepdims=True) - np.eye(len(b2))[y]
    dz = delta @ W2.T * (a > 0)
    each = full = 0.0
    for inputs, errors in ((x, dz), (a, delta)):
        each += float(np.mean((np.sum(inputs**2, axis=1) + 1) * np.sum(errors**2, axis=1)))
        full += float(np.sum((inputs.T @ errors / len(x)) ** 2) + np.sum(errors.mean(axis=0) ** 2))
    square, trace = noise_scale_estimate(each, full, small_batch_size=1, big_batch_size=len(x))
    return trace / square


def noise_scales(seeds: Sequence[int], *, batch_size: int = 64, lr: float = 4.0) -> list[Row]:
    """Return the median noise scale over the seeds at the start, and where the loss first is at most 2, 1.5 … 0.1.

    Each row has loss (None at the start), noise_scale, low and high.
    """
    x, y = data()
    found: dict[float | None, list[float]] = {None: [noise_scale(fresh(seed), x, y) for seed in seeds]}
    for loss in _LOSSES:
        reached = [train(batch_size, lr, seed, target=loss, epochs=60, max_steps=EXAMPLES)[1] for seed in seeds]
        found[loss] = [noise_scale(parameters, x, y) for parameters in reached]
    return [
        {"loss": loss, "noise_scale": median(scales), "low": min(scales), "high": max(scales)}
        for loss, scales in found.items()
    ]


def generalization(
    rates: dict[int, float],
    seeds: Sequence[int],
    *,
    epochs: int = EPOCHS,
    steps: int = STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Return the accuracy on 360 digits that were held out, after equal epochs and after equal steps.

    `rates` gives the rate of each batch size.  Each row has batch_size (all others than those held out, if there are
    fewer), lr, and epochs and steps, the mean accuracies.
    """
    rows = []
    for done, (batch_size, lr) in enumerate(rates.items()):
        if progress:
            progress(done, len(rates))
        size = min(batch_size, EXAMPLES - _HELD_OUT)
        updates = {"epochs": epochs * ((EXAMPLES - _HELD_OUT) // size), "steps": steps}
        accuracies = {name: mean(_held_out(size, lr, seed, count) for seed in seeds) for name, count in updates.items()}
        rows.append({"batch_size": batch_size, "lr": lr, **accuracies})
    if progress:
        progress(len(rates), len(rates))
    return rows


def _held_out(batch_size: int, lr: float, seed: int, updates: int) -> float:
    """Return the accuracy on the digits that a seed holds out, after so many updates on the others."""
    x, y = data()
    rngs = streams(seed, "split", "batches")
    order = rngs["split"].permutation(EXAMPLES)
    kept, held = order[_HELD_OUT:], order[:_HELD_OUT]
    trainer = tuned(fresh(seed), batch_size, lr=lr)
    inputs, targets = trainer.prepare(x[kept], y[kept])
    done = 0
    with np.errstate(all="ignore"):  # a rate may be too high in the long run
        while done < updates:
            for batch in batches(len(kept), batch_size, rngs["batches"])[: updates - done]:
                trainer.step(inputs[batch], targets[batch])
                done += 1
        return loss_and_accuracy(trainer.parameters(), x[held], y[held])[1]
