"""Q22: one weight and the product of two, the same function, descending the same loss."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.linear_layers import factored_sgd_step

ALT = (
    "Two panels. Above, the loss of a product of two weights as contours over both: a saddle at the origin, "
    "two curved valleys of minima where the product is 1, and three paths of gradient descent, one of which "
    "starts next to the saddle. Below, the loss against the number of steps: with one weight it falls at once "
    "and steadily, with two factors from 0.8 and 0.3 a little slower at first, and with two factors from 0.01 "
    "only after a plateau of more than thirty steps."
)
STEPS, LR = 70, 0.1
STARTS = ((0.8, 0.3), (0.01, 0.01), (-1.6, 0.3))


def data() -> dict[str, NDArray]:
    """Return the paths of descent (start, step, weight), their losses, and that of one weight from 0."""
    paths = np.array([path(*start) for start in STARTS])
    return {
        "paths": paths,
        "losses": (paths.prod(axis=2) - 1) ** 2 / 2,
        "one_weight": (1 - LR) ** (2 * np.arange(STEPS + 1)) / 2,
    }


def path(first: float, second: float) -> NDArray:
    """Return the weights after each step on ½(w1 w2 − 1)²."""
    W1, W2 = np.array([[first]]), np.array([[second]])
    points = [(first, second)]
    for _ in range(STEPS):
        W1, W2 = factored_sgd_step(W1, W2, W1 @ W2 - 1, lr=LR)
        points.append((W1.item(), W2.item()))
    return np.array(points)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the landscape of the two factors, and the losses along the paths."""
    with _style.house_style() as plt:
        figure, (landscape, curves) = plt.subplots(2, 1, figsize=(5.2, 7.2), height_ratios=[1.25, 1])
        grid = np.linspace(-2, 2, 161)
        loss = (np.outer(grid, grid) - 1) ** 2 / 2
        landscape.contour(
            grid, grid, loss, levels=[0.05, 0.2, 0.49, 0.51, 1, 2, 4], colors=_style.MUTED, linewidths=0.7
        )
        for side in (grid[grid >= 0.5], grid[grid <= -0.5]):
            landscape.plot(side, 1 / side, color=_style.INK, linewidth=1)
        for (colour, dashes), points, start in zip(_style.LINES[:3], found["paths"], STARTS, strict=True):
            landscape.plot(points[:, 1], points[:, 0], dashes, color=colour)
            landscape.plot(*start[::-1], "o", color=colour, markersize=5)
        leader = {"arrowstyle": "-", "color": _style.INK, "linewidth": 0.6}
        landscape.annotate("saddle", (0, 0), (0.5, -0.8), arrowprops=leader)
        landscape.annotate("minima", (-0.8, -1.25), (-1.8, -0.6), arrowprops=leader)
        landscape.set(
            xlabel="second factor w₂",
            ylabel="first factor w₁",
            title="½(w₁w₂ − 1)²: where descent goes",
            aspect="equal",
        )
        for (colour, dashes), losses in zip(_style.LINES[:2], found["losses"], strict=False):
            curves.semilogy(losses, dashes, color=colour)
        curves.semilogy(found["one_weight"], color=_style.INK, linewidth=1)
        curves.text(29, 2.5e-3, "one weight", color=_style.INK)
        curves.text(1, 1e-4, "two factors\nfrom 0.8, 0.3", color=_style.BLUE)
        curves.text(55, 6e-2, "two factors\nfrom 0.01", color=_style.ORANGE)
        curves.set(
            xlabel="gradient steps, η = 0.1",
            ylabel="loss",
            xlim=(0, STEPS),
            ylim=(1e-5, 1),
            title="and how fast the loss falls",
        )
        return figure
