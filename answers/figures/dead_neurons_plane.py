"""Q27.1: one ReLU unit on one input: where descent moves its weight and bias, and where it is dead."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.dead_neurons import dead_units
from answers.figures import _style

ALT = (
    "The plane of a unit's weight w and bias b, for four examples with inputs 0.5, 1, 1.5 and 2. Below the lines "
    "w x + b = 0 of the smallest and the largest input lies a shaded wedge in which the unit is dead: dots there, "
    "and no arrow. Outside, arrows show where descent leads, most of them towards a square at w = 1, b = 0. "
    "One step of descent with too large a rate jumps from w = 0.4, b = 1.6 into the wedge and stays there."
)
X = np.array([0.5, 1.0, 1.5, 2.0])
START, LR = (0.4, 1.6), 1.5


def data() -> dict[str, NDArray]:
    """Return the grid of (w, b), the direction of descent and whether the unit is dead at each, and one path."""
    w, b = np.meshgrid(np.linspace(-2, 2, 13), np.linspace(-2, 2, 13))
    points = np.stack([w.ravel(), b.ravel()], axis=1)
    path = [np.array(START)]
    for _ in range(3):
        path.append(path[-1] + LR * descent(path[-1]))
    z = points @ np.stack([X, np.ones_like(X)])
    return {
        "points": points,
        "descent": np.array([descent(point) for point in points]),
        "dead": dead_units(z.T),
        "path": np.array(path),
    }


def descent(point: NDArray) -> NDArray:
    """Return minus the gradient of ½(relu(wx + b) − x)², averaged over the examples, with respect to (w, b)."""
    z = point[0] * X + point[1]
    delta = (np.maximum(z, 0) - X) * (z > 0) / len(X)
    return -np.array([delta @ X, delta.sum()])


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the dead wedge, the arrows outside, and the path that jumps in."""
    with _style.house_style() as plt:
        figure, plane = plt.subplots(figsize=(5.2, 5.0))
        w = np.linspace(-2.2, 2.2, 89)
        border = np.minimum(-w * X.min(), -w * X.max())
        plane.fill_between(w, -2.2, border, color=_style.MUTED, alpha=0.3, linewidth=0)
        for x in (X.min(), X.max()):
            plane.plot(w, -w * x, color=_style.INK, linewidth=0.8)
        points, arrows = found["points"], found["descent"]
        length = np.linalg.norm(arrows, axis=1)
        moving = length > 0
        scaled = arrows[moving] / np.sqrt(length[moving])[:, None]
        plane.quiver(*points[moving].T, *scaled.T, color=_style.BLUE, angles="xy", scale=20, width=0.004)
        plane.plot(*points[found["dead"] > 0].T, ".", color=_style.INK, markersize=2)
        plane.plot(*found["path"].T, "--o", color=_style.ORANGE, markersize=4)
        plane.plot(1, 0, "s", color=_style.GREEN, markersize=7)
        leader = {"arrowstyle": "-", "color": _style.GREEN, "linewidth": 0.8}
        plane.annotate("best", (1, 0), (2.3, 0), color=_style.GREEN, arrowprops=leader, va="center")
        plane.text(-1.5, -1.17, "dead: no gradient", color=_style.INK, va="center")
        plane.text(-1.05, 0.17, "one step\ntoo large", color=_style.ORANGE, va="top")
        plane.set(
            xlabel="weight w",
            ylabel="bias b",
            xlim=(-2.2, 2.2),
            ylim=(-2.2, 2.2),
            aspect="equal",
            title="relu(wx + b) learning x: where descent goes",
        )
        return figure
