"""Q20.1: Reddi's problem, three optimizers on it, and the β₂ below which Adam ends at its worst point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.adam import adam_step, amsgrad_step, reddi_drift
from answers.figures import _style

ALT = (
    "Two panels. Above, positions between minus 1, the best point, and plus 1, the worst, over 300 steps from 0: "
    "Adam with beta2 = 0.1 climbs to plus 1 and stays; Adam with its defaults and AMSGrad with beta2 = 0.1 "
    "fall to minus 1. Below, the threshold of beta2 against the large gradient C: it falls from 1 at C = 2 "
    "over 0.47 at C = 3 to 0.10 at C = 10; below it Adam goes to the worst point, and the choice "
    "1/(1 + C squared) of the authors lies far below it."
)
GRADIENT, LR, STEPS = 3.0, 0.05, 300


def data() -> dict[str, NDArray]:
    """Return the positions at the end of each period (optimizer, period), and the threshold for each C."""
    gradients = np.concatenate([[2.001], np.linspace(2.02, 10, 400)])
    low_beta2 = (0.0, 0.1)
    return {
        "paths": np.array([path(adam_step, 2, low_beta2), path(amsgrad_step, 3, low_beta2), path(adam_step, 2)]),
        "gradients": gradients,
        "thresholds": np.array([threshold(gradient) for gradient in gradients]),
        "authors": 1 / (1 + gradients**2),
    }


def path(step: Any, numbers: int, betas: tuple[float, float] = (0.9, 0.999)) -> NDArray:
    """Return the positions after each period of the gradients C, −1, −1, from 0."""
    w, state, found = np.zeros(1), [np.zeros(1)] * numbers, [0.0]
    for t in range(1, STEPS + 1):
        g = np.array([GRADIENT if t % 3 == 1 else -1.0])
        w, *state = step(w, g, *state, t=t, lr=LR, betas=betas)
        w = np.clip(w, -1, 1)
        found.append(w.item())
    return np.array(found[::3])


def threshold(gradient: float) -> float:
    """Return the β₂ at which the drift is 0, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if reddi_drift(middle, gradient=gradient) < 0 else (low, middle)
    return low


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the paths, and the threshold."""
    with _style.house_style() as plt:
        figure, (paths, plane) = plt.subplots(2, 1, figsize=(5.2, 6.2))
        steps = 3 * np.arange(found["paths"].shape[1])
        for (colour, dashes), positions in zip(_style.LINES[:3], found["paths"], strict=True):
            paths.plot(steps, positions, dashes, color=colour)
        paths.text(110, 0.78, "Adam, β₂ = 0.1", color=_style.BLUE)
        paths.text(150, -0.62, "AMSGrad, β₂ = 0.1", color=_style.ORANGE)
        paths.text(2, -0.88, "Adam, defaults", color=_style.GREEN)
        paths.set(
            xlabel="steps, η = 0.05",
            ylabel="position: +1 worst, −1 best",
            xlim=(0, STEPS),
            ylim=(-1.06, 1.06),
            title="minimise 3w − w − w, one term a step",
        )
        plane.plot(found["gradients"], found["thresholds"], color=_style.INK)
        plane.plot(found["gradients"], found["authors"], "--", color=_style.BLUE)
        plane.text(5.2, 0.6, "Adam goes to the best point")
        plane.text(2.55, 0.3, "to the\nworst", ha="center")
        plane.text(3.35, 0.085, "1/(1 + C²), as published", color=_style.BLUE, va="bottom")
        leader = {"arrowstyle": "-", "linewidth": 0.6, "color": _style.INK}
        plane.annotate("threshold β₂*", (4.2, 0.298), (5.2, 0.4), arrowprops=leader)
        plane.set(
            xlabel="large gradient C",
            ylabel="β₂, with β₁ = 0",
            xlim=(2, 10),
            ylim=(0, 1.02),
            title="where Adam ends on Cw − w − w",
        )
        return figure
