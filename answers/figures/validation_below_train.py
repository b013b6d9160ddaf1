"""Q8: the running train loss, the train loss evaluated afterwards and the validation loss, with and without dropout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.dropout import dropout_backward, dropout_forward
from answers.figures import _style
from answers.two_layer_network import softmax_cross_entropy
from answers.validation_below_train import running_train_loss

ALT = (
    "Two panels with three losses against the epoch, from 1 to 20: the running train loss, the train loss of the "
    "epoch's last weights without dropout, and the validation loss. Above, with dropout, the running loss lies "
    "clearly above the validation loss at all epochs, and the train loss below both. Below, without dropout, the "
    "running loss starts above the validation loss, falls below it after about five epochs, and ends close to the "
    "train loss."
)
RATES = (0.5, 0.0)
EPOCHS, HIDDEN, EXAMPLES, BATCH, LR, SEEDS = 20, 32, 300, 30, 0.2, 8
SPACE = 0.17  # of the names at the curves' ends, in nats


def _digits() -> tuple[NDArray, NDArray]:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    return x / 16.0, y


def _losses(p: float, seed: int) -> list[tuple[float, float, float]]:
    """Return the three losses after each epoch of a network with one hidden layer, for one seed."""
    x, y = _digits()
    rng = np.random.default_rng(seed)
    train, validation = rng.permutation(len(x))[: 2 * EXAMPLES].reshape(2, -1)
    W1 = rng.standard_normal((x.shape[1], HIDDEN)) * np.sqrt(2 / x.shape[1])
    W2, b1, b2 = rng.standard_normal((HIDDEN, 10)) * np.sqrt(2 / HIDDEN), np.zeros(HIDDEN), np.zeros(10)
    found = []
    for _ in range(EPOCHS):
        steps = []
        for batch in train[rng.permutation(EXAMPLES).reshape(-1, BATCH)]:
            a = np.maximum(x[batch] @ W1 + b1, 0)
            kept, cache = dropout_forward(a, p=p, rng=rng)
            loss, d_out = softmax_cross_entropy(kept @ W2 + b2, y[batch])
            d_z = dropout_backward(d_out @ W2.T, cache) * (a > 0)
            W2, b2 = W2 - LR * kept.T @ d_out, b2 - LR * d_out.sum(axis=0)
            W1, b1 = W1 - LR * x[batch].T @ d_z, b1 - LR * d_z.sum(axis=0)
            steps.append(loss)
        running = running_train_loss(np.array(steps))
        after = [softmax_cross_entropy(np.maximum(x[i] @ W1 + b1, 0) @ W2 + b2, y[i])[0] for i in (train, validation)]
        found.append((running, after[0], after[1]))
    return found


def data() -> dict[str, NDArray]:
    """Return the losses (rate, loss, epoch), each the mean over the seeds, in the order running, train, validation."""
    runs = np.array([[_losses(p, seed) for seed in range(SEEDS)] for p in RATES])
    return {"losses": runs.mean(axis=1).transpose(0, 2, 1)}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the three losses with dropout, and without."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(2, 1, figsize=(5.2, 5.6), sharex=True)
        epochs = np.arange(1, EPOCHS + 1)
        titles = ("dropout, p = ½: validation stays below running", "no dropout: only the lag, and it dies out")
        names = ("running", "train, evaluated", "validation")
        for axis, title, losses in zip(axes, titles, found["losses"], strict=True):
            for curve, (colour, dashes) in zip(losses, _style.LINES[:3], strict=True):
                axis.plot(epochs, curve, dashes, color=colour)
            ends = np.sort(losses[:, -1])
            heights = ends + np.r_[0.0, np.maximum(SPACE - np.diff(ends), 0.0).cumsum()]
            for height, i in zip(heights, losses[:, -1].argsort(), strict=True):
                axis.text(EPOCHS + 0.3, height, names[i], color=_style.LINES[i][0], va="center")
            axis.set(ylabel="loss, nats", title=title, ylim=(0, 2.4), xlim=(1, EPOCHS + 6))
        axes[1].set(xlabel="epoch", xticks=(1, 5, 10, 15, 20))
        return figure
