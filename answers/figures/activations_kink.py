"""Q4.3: ReLU at its kink, the lines that stay below it, and its smooth relative."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers import activations
from answers.figures import _style

ALT = (
    "Two panels around 0. Above, ReLU and five lines through the origin with slopes 0, one quarter, one half, three "
    "quarters and 1: none rises above ReLU anywhere. Below, softplus with β = 1 and β = 4 beside ReLU: smooth, above "
    "it everywhere, furthest at 0, by 0.69 and 0.17."
)
SUBGRADIENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
BETAS = (1.0, 4.0)


def data() -> dict[str, NDArray]:
    """Return ReLU, the lines with its subgradients at 0, and softplus, over x."""
    x = np.linspace(-2, 2, 161)
    return {
        "x": x,
        "relu": activations.relu(x),
        "lines": np.outer(SUBGRADIENTS, x),
        "softplus": np.array([activations.softplus(x, beta=beta) for beta in BETAS]),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the fan of subgradients, and softplus."""
    with _style.house_style() as plt:
        figure, (fan, smooth) = plt.subplots(2, 1, figsize=(5.2, 6.2), sharex=True)
        x = found["x"]
        for slope, line in zip(SUBGRADIENTS, found["lines"], strict=True):
            fan.plot(x, line, "--", color=_style.ORANGE, linewidth=1.1)
            fan.text(
                2.05, 2 * slope, f"slope {slope:g}" if slope == 0 else f"{slope:g}", color=_style.ORANGE, va="center"
            )
        fan.plot(x, found["relu"], color=_style.BLUE, linewidth=2.4)
        fan.text(0.6, 1.25, "ReLU", color=_style.BLUE)
        fan.set(xlim=(-2, 2), ylim=(-2.1, 2.1), ylabel="y", title="lines through 0 that stay below ReLU")
        smooth.plot(x, found["relu"], color=_style.BLUE, linewidth=2.4)
        for (colour, dashes), curve in zip(_style.LINES[1:3], found["softplus"], strict=True):
            smooth.plot(x, curve, dashes, color=colour)
        smooth.text(-1.8, 0.5, "softplus, β = 1", color=_style.ORANGE)
        smooth.annotate(
            "β = 4",
            (0.0, np.log(2) / BETAS[1]),
            (0.35, 0.05),
            color=_style.GREEN,
            arrowprops={"arrowstyle": "-", "color": _style.GREEN, "linewidth": 0.6},
        )
        smooth.set(ylim=(-0.1, 2.2), xlabel="x", ylabel="y", title="smooth, and above by ln 2/β at most")
        return figure
