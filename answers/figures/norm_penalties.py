"""Q15: two penalties on one loss, the weights that they choose at each strength, and descent on the penalties alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.norm_penalties import equivalent_norm_strength, l2_norm_penalty, squared_l2_penalty

ALT = (
    "Three panels. First, two weights against the strength of the penalty: with the square both curves get ever "
    "closer to 0 and never reach it; with the unsquared norm both reach 0 at the same strength, about 2.5, and stay. "
    "Second, the same solutions in the plane of the two weights, over contours of the loss: both penalties lead "
    "along the same bent path from the loss's minimum to the origin. Third, descent on each penalty alone: with the "
    "square the weight shrinks smoothly towards 0, with the unsquared norm it falls by equal steps and then jumps "
    "for ever between 0.15 and -0.15."
)
HESSIAN, MINIMUM = np.array([[2.0, 1.2], [1.2, 1.0]]), np.array([1.0, 0.1])
STRONGEST, LR, START, STEPS = 3.5, 0.3, 1.05, 14


def data() -> dict[str, NDArray]:
    """Return the strengths and weights of both paths, ‖∇f(0)‖, and the weights of both descents."""
    pull = HESSIAN @ MINIMUM  # −∇f(0) of the loss f = ½(w − minimum)ᵀH(w − minimum)
    squared = np.concatenate([np.linspace(0, STRONGEST, 71), np.geomspace(STRONGEST, 1e4, 60)[1:]])
    weights = np.array([np.linalg.solve(HESSIAN + strength * np.eye(2), pull) for strength in squared])
    equivalent = [equivalent_norm_strength(w, strength=strength) for w, strength in zip(weights, squared, strict=True)]
    return {
        "squared": squared,
        "unsquared": np.array(equivalent),
        "weights": weights,
        "enough": np.array(np.linalg.norm(pull)),
        "descents": np.array([descent(squared_l2_penalty), descent(l2_norm_penalty)]),
    }


def descent(penalty: Any) -> NDArray:
    """Return one weight after each step of descent on a penalty of strength 1."""
    w = np.array([START])
    visited = [START]
    for _ in range(STEPS):
        w = w - LR * penalty(w, strength=1.0)[1]
        visited.append(w.item())
    return np.array(visited)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: weights against strength, the same in the plane, and weights against steps."""
    with _style.house_style() as plt:
        figure, (paths, plane, steps) = plt.subplots(3, 1, figsize=(5.2, 9.0), height_ratios=[1.1, 1.0, 1.0])
        weights, enough = found["weights"], found["enough"].item()
        paths.axhline(0, color=_style.MUTED, linewidth=0.8)
        unsquared = np.append(found["unsquared"], [enough, STRONGEST])
        for column in (0, 1):
            paths.plot(found["squared"], weights[:, column], _style.LINES[0][1], color=_style.BLUE)
            paths.plot(unsquared, np.append(weights[:, column], [0, 0]), _style.LINES[1][1], color=_style.ORANGE)
        paths.text(2.35, 0.5, "squared", color=_style.BLUE)
        paths.text(0.75, 0.82, "unsquared", color=_style.ORANGE)
        for at, height, name, colour in (
            (3.2, 0.40, "w₁", _style.BLUE),
            (3.2, 0.11, "w₂", _style.BLUE),
            (1.35, 0.40, "w₁", _style.ORANGE),
            (1.35, 0.10, "w₂", _style.ORANGE),
        ):
            paths.text(at, height, name, color=colour)
        leader = {"arrowstyle": "-", "color": _style.INK, "linewidth": 0.6}
        paths.annotate("λ = ‖∇f(0)‖", (enough, 0), (2.0, -0.2), arrowprops=leader)
        paths.set(xlabel="strength λ", ylabel="weights", xlim=(0, STRONGEST), ylim=(-0.25, 1.05))
        paths.set_title("The square never arrives at 0, the norm does")
        first, second = np.meshgrid(np.linspace(-0.1, 1.2, 66), np.linspace(-0.15, 0.45, 61))
        off = np.stack([first, second]) - MINIMUM[:, None, None]
        loss = np.einsum("iab,ij,jab->ab", off, HESSIAN, off) / 2
        plane.contour(first, second, loss, levels=[0.01, 0.04, 0.1, 0.2, 0.4, 0.7], colors=_style.MUTED, linewidths=0.7)
        plane.plot(*weights.T, color=_style.BLUE, linewidth=1.2)
        for strength in np.arange(0, enough, 0.25):
            w = [np.interp(strength, found["unsquared"], weights[:, column]) for column in (0, 1)]
            plane.plot(*w, "D", color=_style.ORANGE, markersize=4)
        plane.plot(0, 0, "o", color=_style.INK, markersize=4)
        plane.text(0.02, -0.075, "0")
        plane.annotate("loss's minimum", MINIMUM, (0.86, -0.09), arrowprops=leader)
        plane.text(-0.06, 0.4, "squared: the line", color=_style.BLUE)
        plane.text(-0.06, 0.35, "unsquared: the marks", color=_style.ORANGE)
        plane.set(xlabel="w₁", ylabel="w₂", xlim=(-0.1, 1.2), ylim=(-0.15, 0.45))
        plane.set_title("One path, walked at another pace")
        steps.axhline(0, color=_style.MUTED, linewidth=0.8)
        for (colour, dashes), marker, visited in zip(_style.LINES[:2], "oD", found["descents"], strict=False):
            steps.plot(visited, dashes, color=colour, marker=marker, markersize=4, linewidth=1.2)
        steps.text(4.2, 0.36, "on ½w²", color=_style.BLUE)
        steps.text(9.2, -0.33, "on |w|", color=_style.ORANGE)
        steps.set(xlabel="gradient steps, η = 0.3, λ = 1", ylabel="weight", xlim=(0, STEPS + 0.3), ylim=(-0.4, 1.1))
        steps.set_title("Descent settles on the square only")
        return figure
