"""Q16: the norm of weights in front of a normalisation, with decay and without."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.weight_decay import equilibrium_norm, weight_decay_step

ALT = (
    "The norm of weights in front of a normalisation over 400 steps, on a logarithmic scale. Three curves with decay "
    "start at 0.1, 0.7 and 8 and join one level line at 1.7; the one from 0.1 leaps to 4 in its first step and then "
    "falls like the others above the line. A fourth curve, from 0.7 without decay, crosses the line and keeps growing."
)
STEPS, LR, STRENGTH, G = 400, 0.1, 0.1, 4.0
STARTS = (0.1, 0.7, 8.0)


def data() -> dict[str, NDArray]:
    """Return the norms (start, step) with decay, one path without, and the norm that a step with decay keeps."""
    return {
        "decayed": np.array([norms(start, STRENGTH) for start in STARTS]),
        "free": norms(STARTS[1], 0.0),
        "equilibrium": np.array(equilibrium_norm(G, lr=LR, weight_decay=STRENGTH)),
    }


def norms(start: float, weight_decay: float) -> NDArray:
    """Return the norm before each step, where the gradient is orthogonal to w and has norm G/‖w‖."""
    w = np.array([start, 0.0])
    found = []
    for _ in range(STEPS + 1):
        found.append(np.linalg.norm(w))
        g = G / found[-1] ** 2 * np.array([-w[1], w[0]])
        w = weight_decay_step(w, g, lr=LR, weight_decay=weight_decay)
    return np.array(found)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the norms over the steps, and the line where they settle."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        axes.axhline(found["equilibrium"], color=_style.MUTED, linewidth=1)
        for (colour, dashes), path in zip(_style.LINES[:3], found["decayed"], strict=True):
            axes.semilogy(path, dashes, color=colour)
        axes.semilogy(found["free"], _style.LINES[3][1], color=_style.PURPLE)
        axes.text(110, 3.2, "from 8", color=_style.GREEN)
        axes.text(6, 0.1, "from 0.1", color=_style.BLUE)
        axes.text(14, 0.85, "from 0.7", color=_style.ORANGE)
        axes.text(398, 3.6, "from 0.7, without decay", color=_style.PURPLE, ha="right", va="bottom")
        axes.text(398, 1.55, "equilibrium", color=_style.INK, ha="right", va="top")
        axes.set(
            xlabel="steps, η = λ = 0.1",
            ylabel="norm of the weights",
            xlim=(-4, STEPS),
            ylim=(0.08, 10),
            yticks=[0.1, 1, 10],
            yticklabels=["0.1", "1", "10"],
            title="In front of a normalisation, decay settles at one norm",
        )
        return figure
