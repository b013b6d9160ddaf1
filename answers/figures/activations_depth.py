"""Q4.2: what is left of a gradient behind n units in a row, each with weight 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers import activations
from answers.figures import _style

ALT = (
    "How much of a gradient is left behind 1 to 20 units in a row with weight 1, on a logarithmic scale. "
    "Through active ReLUs all of it, a level line at 1. Through tanh units at 1 it falls to 3e-8 after 20 units, "
    "through sigmoid units at 0, where they are steepest, to 9e-13, and through inactive leaky ReLUs with slope 0.01 "
    "it is 1e-12 after 6 units already, where the line leaves the picture."
)
DEPTH = 20


def data() -> dict[str, NDArray]:
    """Return the gradient behind 0 to DEPTH units: the slope of one unit, to the power of their number."""
    slopes = {
        "relu": activations.relu_grad(np.array(1.0)),
        "tanh": activations.tanh_grad(np.array(1.0)),
        "sigmoid": activations.sigmoid_grad(np.array(0.0)),
        "leaky_relu": activations.leaky_relu_grad(np.array(-1.0)),
    }
    return {name: slope ** np.arange(DEPTH + 1.0) for name, slope in slopes.items()}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: one line for each kind of unit."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        labels = {
            "relu": (9, 2.5, "ReLU, active: 1"),
            "tanh": (11.2, 3e-4, "tanh at 1: 0.42ⁿ"),
            "sigmoid": (6.0, 8e-10, "sigmoid at 0,\nits best: ¼ⁿ"),
            "leaky_relu": (0.3, 2e-12, "leaky ReLU,\ninactive: 0.01ⁿ"),
        }
        for (colour, dashes), (name, (left, height, words)) in zip(_style.LINES, labels.items(), strict=True):
            axes.semilogy(found[name], dashes, color=colour)
            axes.text(left, height, words, color=colour, va="bottom")
        axes.set(
            xlabel="units in a row, n",
            ylabel="gradient left",
            xlim=(0, DEPTH),
            ylim=(1e-12, 30),
            xticks=range(0, DEPTH + 1, 5),
            title="Through n units of weight 1",
        )
        return figure
