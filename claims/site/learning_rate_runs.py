"""The recorded runs of the learning-rate figure: the network of its still picture on digits, at many rates.

`python -m claims.site.learning_rate_runs` records them anew.
"""

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from answers.gradient_update import sgd_step
from answers.initialization import init_mlp
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

Floats: TypeAlias = NDArray[np.float64]

FILE = Path(__file__).with_name("learning_rate_runs.json")
RATES = (0.003, 0.005, 0.007, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 7, 10, 20, 30)
SEEDS = (0, 1, 2)
EPOCHS, BATCH, HIDDEN, EVERY = 10, 32, 32, 14  # the loss is read four times an epoch


def losses(lr: float, seed: int) -> Floats:
    """Return the loss on all digits at the start and after every 14 of 560 mini-batches."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only to record

    x, y = load_digits(return_X_y=True)
    x = (x - x.mean(axis=0)) / 16
    rng = np.random.default_rng(seed)
    params = [array for layer in init_mlp([x.shape[1], HIDDEN, 10], rng=rng) for array in layer]
    found = [_loss(x, y, params)]
    for _ in range(EPOCHS):
        for i, batch in enumerate(rng.permutation(len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH), 1):
            logits, cache = two_layer_forward(x[batch], *params)
            gradients = two_layer_backward(softmax_cross_entropy(logits, y[batch])[1], cache)[1:]
            # In multiples of 2⁻¹⁴, so that a run is the same on any machine.
            params = [sgd_step(w, np.round(g * 2**14) / 2**14, lr=lr) for w, g in zip(params, gradients, strict=True)]
            if i % EVERY == 0:
                found.append(_loss(x, y, params))
    return np.array(found)


def _loss(x: Floats, y: Floats, params: list[Floats]) -> float:
    return float(softmax_cross_entropy(two_layer_forward(x, *params)[0], y)[0])


def record() -> dict[str, Any]:
    """Return the runs at every rate, as JSON can hold them: `losses` by seed, rate and reading, to four digits."""
    runs = [[[float(f"{loss:.4g}") for loss in losses(lr, seed)] for lr in RATES] for seed in SEEDS]
    return {"rates": RATES, "epochs": EPOCHS, "losses": runs}


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), separators=(",", ":")) + "\n", encoding="utf-8")
