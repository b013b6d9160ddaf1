"""Q25: hidden units on XOR, started from zero, from a constant, and from drawn weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.initialization import Params, init_mlp, mlp_gradients

ALT = (
    "Two panels. Above, the plane of a hidden unit's two incoming weights, and how six units move in it during "
    "training: from drawn weights on six different paths, from a constant all six on one and the same path "
    "along the diagonal, and from zero not at all. Below, the loss against the number of steps: from zero it "
    "stays at 0.69, from the constant it stays above a dotted line at 0.48, and from drawn weights it falls "
    "towards 0."
)
STEPS, LR, UNITS = 300, 0.5, 6
X, Y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
FLOOR = 0.75 * np.log(3) - 0.5 * np.log(2)  # the least cross-entropy that equal monotone units can have on XOR


def data() -> dict[str, NDArray]:
    """Return the incoming weights (start, step, input, unit) and losses (start, step) of the three trainings."""
    sizes = [2, UNITS, 2]
    drawn = init_mlp(sizes, rng=np.random.default_rng(0))
    starts = [[(np.full_like(W, value), np.full_like(b, value)) for W, b in drawn] for value in (0.0, 0.5)]
    runs = [trained(start) for start in (*starts, drawn)]
    return {"weights": np.array([weights for weights, _ in runs]), "losses": np.array([losses for _, losses in runs])}


def trained(params: Params) -> tuple[list[NDArray], list[float]]:
    """Return the first layer's weights and the loss before each step of descent with tanh, and after the last."""
    weights, losses = [], []
    for _ in range(STEPS + 1):
        (W1, b1), (W2, b2) = params
        out = np.tanh(X @ W1 + b1) @ W2 + b2
        weights.append(W1)
        losses.append(float(np.mean(np.logaddexp(out[:, 0], out[:, 1]) - out[np.arange(len(Y)), Y])))
        gradients = mlp_gradients(params, X, Y, activation="tanh")
        params = [(W - LR * dW, b - LR * db) for (W, b), (dW, db) in zip(params, gradients, strict=True)]
    return weights, losses


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the units' paths, and the losses."""
    with _style.house_style() as plt:
        figure, (plane, curves) = plt.subplots(2, 1, figsize=(5.2, 7.2), height_ratios=[1.25, 1])
        names = ("zero", "constant 0.5", "drawn")
        for (colour, dashes), weights in zip(_style.LINES[:3], found["weights"], strict=True):
            for unit in range(UNITS):
                path = weights[:, :, unit]
                plane.plot(path[:, 0], path[:, 1], dashes, color=colour, linewidth=1.4)
                plane.plot(*path[0], "o", color=colour, markersize=3.5)
                plane.plot(*path[-1], "s", color=colour, markersize=5)
        plane.text(0.15, -0.1, "zero", color=_style.BLUE, va="top")
        plane.text(0.85, 0.4, "constant 0.5:\nall six", color=_style.ORANGE, va="center")
        plane.text(-2.6, 1.1, "drawn", color=_style.GREEN)
        plane.set(
            xlabel="weight from the first input",
            ylabel="weight from the second input",
            title="where six hidden units go (● start, ■ end)",
            aspect="equal",
        )
        for (colour, dashes), losses, name in zip(_style.LINES[:3], found["losses"], names, strict=True):
            curves.plot(losses, dashes, color=colour)
            curves.text(STEPS, losses[-1], f" {name}", color=colour, va="center")
        curves.axhline(FLOOR, color=_style.MUTED, linestyle=":", linewidth=1)
        curves.text(90, FLOOR - 0.015, "the least that equal units can reach", color=_style.INK, va="top", fontsize=9)
        curves.set(
            xlabel="gradient steps, η = 0.5",
            ylabel="cross-entropy (nats)",
            xlim=(0, STEPS),
            ylim=(0, 0.8),
            title="and how the loss falls",
        )
        return figure
