"""Q28: how accurate a network on digits stays as its weights go, by how they are chosen and whether it is retrained."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.initialization import init_mlp, mlp_gradients
from answers.pruning import magnitude_mask, masked_momentum_step

ALT = (
    "Accuracy on test digits against the share of weights that is pruned, from 0 to 98 percent. Pruned at random, the "
    "network falls to about a half at 50 percent and to chance at 90. Without its smallest weights it stays near its "
    "start up to 70 percent and falls steeply from 80 on. Without its smallest weights and retrained, it is still near "
    "its start at 90 percent, and falls only at 98."
)
SHARES = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98])
SEEDS, EPOCHS, AGAIN, BATCH = 3, 12, 4, 64
WAYS = ("at random", "smallest", "smallest, retrained")


@cache
def data() -> dict[str, NDArray]:
    """Return the shares pruned, and for each way the least, the median and the largest accuracy at each."""
    found = np.array([curves(seed) for seed in range(SEEDS)])
    return {"shares": SHARES} | dict(zip(WAYS, np.quantile(found, [0, 0.5, 1], axis=0).swapaxes(0, 1), strict=True))


def curves(seed: int) -> NDArray:
    """Return the accuracy of a network for each way (row) and each share (column)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    x, y = x[order] / 16, y[order]
    new, test = (x[:1200], y[:1200]), (x[1200:], y[1200:])
    everything = [np.ones((64, 64), bool), np.ones((64, 10), bool)]
    params = trained(init_mlp([64, 64, 10], rng=rng), everything, *new, rng, lr=0.1, epochs=EPOCHS)
    noise = [rng.random(W.shape) for W, _ in params]
    rows = []
    for ranked, epochs in ((noise, 0), ([W for W, _ in params], 0), ([W for W, _ in params], AGAIN)):
        masks = [global_masks(ranked, share) for share in SHARES]
        nets = [trained(params, keep, *new, rng, lr=0.05, epochs=epochs) for keep in masks]
        rows.append([accuracy(net, *test) for net in nets])
    return np.array(rows)


def global_masks(ranked: list[NDArray], share: float) -> list[NDArray]:
    """Return a mask for each layer, under one threshold for both."""
    first, second = ranked
    keep = magnitude_mask(np.concatenate([first.ravel(), second.ravel()]), sparsity=share)
    return [keep[: first.size].reshape(first.shape), keep[first.size :].reshape(second.shape)]


def trained(params: Any, masks: list[NDArray], x: NDArray, y: NDArray, rng: Any, *, lr: float, epochs: int) -> Any:
    """Return the network with its weights masked, after so many epochs of SGD with momentum.

    Everything is rounded to multiples of 2⁻¹⁶ after each step, so that the data are those of any machine.
    """
    params = [(W * keep, b) for (W, b), keep in zip(params, masks, strict=True)]
    buffers = [(np.zeros_like(W), np.zeros_like(b)) for W, b in params]
    for _ in range(epochs):
        for batch in rng.permutation(len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH):
            gradients = mlp_gradients(params, x[batch], y[batch], activation="relu")
            for i, (layer, slopes, buffer, keep) in enumerate(zip(params, gradients, buffers, masks, strict=True)):
                W, dW = masked_momentum_step(layer[0], slopes[0], buffer[0], mask=keep, lr=lr)
                b, db = masked_momentum_step(layer[1], slopes[1], buffer[1], mask=np.array(1), lr=lr)
                params[i], buffers[i] = (_rounded(W), _rounded(b)), (_rounded(dW), _rounded(db))
    return params


def _rounded(values: NDArray) -> NDArray:
    rounded: NDArray = np.round(values * 2**16) / 2**16
    return rounded


def accuracy(params: Any, x: NDArray, y: NDArray) -> float:
    """Return the share of examples whose largest logit is their label's."""
    (W1, b1), (W2, b2) = params
    logits = np.maximum(x @ W1 + b1, 0) @ W2 + b2
    return float(np.mean(logits.argmax(axis=1) == y))


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: medians as lines, and all seeds as bands."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        for (colour, dashes), way in zip(_style.LINES[:3], WAYS[::-1], strict=True):
            low, median, high = found[way]
            axes.fill_between(found["shares"], low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(found["shares"], median, dashes, color=colour, marker="o", markersize=3)
        axes.set(
            xlabel="share of the 4736 weights set to 0",
            ylabel="accuracy on 597 test digits",
            xlim=(0, 1),
            ylim=(0, 1.1),
            title="which weights go, and what retraining restores",
        )
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20 %", "40 %", "60 %", "80 %", "100 %"])
        axes.text(0.6, 1.01, "smallest, retrained", color=_style.BLUE)
        axes.text(0.84, 0.5, "smallest", color=_style.ORANGE, ha="right")
        axes.text(0.45, 0.66, "at random", color=_style.GREEN)
        return figure
