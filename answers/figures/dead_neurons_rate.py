"""Q27.3: how many hidden units of a network on digits die at which learning rate."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.dead_neurons import dead_units
from answers.figures import _style
from answers.initialization import Params, init_mlp, mlp_gradients

ALT = (
    "Share of 64 hidden units with z at most 0 on all digits after 60 steps, against the learning rate from 0.1 to 4 "
    "on a logarithmic axis. For ReLU it stays below one twentieth up to a rate of 0.5 and rises to about nine tenths "
    "at 2; for leaky ReLU it rises almost alike; for ReLU with clipped gradients it stays below one twentieth."
)
RATES = np.array([0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
SEEDS, STEPS, BATCH = 3, 60, 32
SETTINGS = {"relu": ("relu", np.inf), "leaky": ("leaky_relu", np.inf), "clipped": ("relu", 0.1)}


@cache
def data() -> dict[str, NDArray]:
    """Return the rates, and for each setting the least, the median and the largest share of dead units at each."""
    shares = {
        name: np.array([[share(activation, norm, lr, seed) for seed in range(SEEDS)] for lr in RATES])
        for name, (activation, norm) in SETTINGS.items()
    }
    return {"rates": RATES} | {name: np.quantile(each, [0, 0.5, 1], axis=1) for name, each in shares.items()}


@cache
def _digits() -> tuple[NDArray, NDArray]:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    return x / 16, y


def share(activation: str, max_norm: float, lr: float, seed: int) -> float:
    """Return the share of hidden units whose z is nowhere above 0, after training."""
    x, y = _digits()
    rng = np.random.default_rng(seed)
    params = init_mlp([64, 64, 10], rng=rng)
    for batch in rng.permutation(np.tile(np.arange(len(x)), 2))[: STEPS * BATCH].reshape(STEPS, BATCH):
        gradients = mlp_gradients(params, x[batch], y[batch], activation=activation)
        norm = np.sqrt(sum(np.sum(g**2) for layer in gradients for g in layer))
        params = _stepped(params, gradients, lr * min(1.0, max_norm / max(norm, 1e-300)))
    W, b = params[0]
    return float(dead_units(x @ W + b).mean())


def _stepped(params: Params, gradients: Params, lr: float) -> Params:
    """Return the parameters after a step, rounded to multiples of 2⁻¹⁶, so that the data are those of any machine."""
    return [
        (np.round((W - lr * d_W) * 2**16) / 2**16, np.round((b - lr * d_b) * 2**16) / 2**16)
        for (W, b), (d_W, d_b) in zip(params, gradients, strict=True)
    ]


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: medians as lines, and all seeds as bands."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        for (colour, dashes), name in zip(_style.LINES[:3], SETTINGS, strict=True):
            low, median, high = found[name]
            axes.fill_between(found["rates"], low, high, color=colour, alpha=0.2, linewidth=0)
            axes.semilogx(found["rates"], median, dashes, color=colour, marker="o", markersize=3)
        axes.set(
            xlabel="learning rate η",
            ylabel="share of units with z ≤ 0 on all data",
            ylim=(0, 1),
            title="64 units after 60 steps on digits",
        )
        ticks = (0.1, 0.25, 0.5, 1, 2, 4)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.text(1.25, 0.82, "ReLU", color=_style.BLUE, ha="right")
        axes.text(1.9, 0.42, "leaky ReLU:\nnegative on\nall data", color=_style.ORANGE)
        axes.text(2.0, 0.1, "ReLU, clipped", color=_style.GREEN)
        return figure
