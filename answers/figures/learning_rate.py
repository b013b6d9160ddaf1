"""Q13.1: loss against epochs at four learning rates, exact on a quadratic and measured on digits."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_update import max_stable_lr, sgd_step
from answers.initialization import init_mlp
from answers.learning_rate import quadratic_losses
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

ALT = (
    "Two panels, loss on a logarithmic axis against epochs, four learning rates each. Above, the exact loss of a "
    "quadratic: at 2 percent of the limit 2/h it falls slowly and evenly; at nine tenths of the limit, the best rate, "
    "it falls fast, by eight powers of ten; at 99 percent of the limit it falls fast at first and then slowly; at 104 "
    "percent it falls for five steps and then rises without end. Below, the training loss on digits over 10 epochs: at "
    "0.01 it falls slowly, at 0.3 fast and to a low loss, at 7 it jumps up and down on a level in between, at 30 it "
    "rises at once and stays above its start."
)
CURVATURES = np.array([1.0, 9.0])
START = np.array([1.0, 0.1])
SHARES = (0.02, 0.9, 0.99, 1.04)  # of the largest stable rate; 0.9 is the best one
RATES = (0.01, 0.3, 7.0, 30.0)
STEPS, EPOCHS, BATCH = 40, 10, 32
NAMES = ("too low", "acceptable", "oscillating", "diverging")


@cache
def data() -> dict[str, NDArray]:
    """Return the losses (rate, step) of the quadratic and (rate, epoch) of the digits."""
    limit = max_stable_lr(CURVATURES)
    curves = [quadratic_losses(START, CURVATURES, lr=share * limit, steps=STEPS) for share in SHARES]
    return {"quadratic": np.array(curves), "digits": np.array([digits_losses(lr) for lr in RATES])}


def digits_losses(lr: float) -> NDArray:
    """Return the training loss of a network with 32 hidden units on digits, at the start and after each epoch."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    x = (x - x.mean(axis=0)) / 16
    rng = np.random.default_rng(0)
    params = [array for layer in init_mlp([64, 32, 10], rng=rng) for array in layer]
    losses = [softmax_cross_entropy(two_layer_forward(x, *params)[0], y)[0]]
    for _ in range(EPOCHS):
        for batch in rng.permutation(len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH):
            logits, cache = two_layer_forward(x[batch], *params)
            gradients = two_layer_backward(softmax_cross_entropy(logits, y[batch])[1], cache)[1:]
            params = [sgd_step(w, _rounded(g), lr=lr) for w, g in zip(params, gradients, strict=True)]
        losses.append(softmax_cross_entropy(two_layer_forward(x, *params)[0], y)[0])
    return np.array(losses)


def _rounded(g: NDArray) -> NDArray:
    """Return a gradient in multiples of 2⁻¹⁴, so that the data are those of any machine."""
    return np.round(g * 2**14) / 2**14


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the quadratic above, the digits below."""
    with _style.house_style() as plt:
        figure, (above, below) = plt.subplots(2, 1, figsize=(5.2, 6.6))
        for (colour, dashes), curve, loss in zip(_style.LINES, found["quadratic"], found["digits"], strict=True):
            above.semilogy(curve, dashes, color=colour)
            below.semilogy(loss, dashes, color=colour, marker="o", markersize=3)
        for axes, curves, rates in (
            (above, found["quadratic"], [f"{share:g} · 2/h" for share in SHARES]),
            (below, found["digits"], [f"{lr:g}" for lr in RATES]),
        ):
            at = 1.015 * (curves.shape[1] - 1)
            for curve, name, rate, (colour, _) in zip(curves, NAMES, rates, _style.LINES, strict=True):
                axes.text(at, curve[-1], f"{name}\nη = {rate}", color=colour, va="center", fontsize=8.5)
        above.set(
            xlim=(0, STEPS), xlabel="epochs (one full-batch step each)", ylabel="loss", title="A quadratic, exactly"
        )
        below.set(
            xlim=(0, EPOCHS),
            xlabel="epochs (56 mini-batches each)",
            ylabel="training loss",
            title="Digits, 32 hidden ReLUs, plain SGD",
        )
        return figure
