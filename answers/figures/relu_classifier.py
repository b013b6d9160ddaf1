"""Q23: two ReLUs that add up to a line, and a linear classifier beside the ReLU network that equals it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.activations import relu, softmax
from answers.figures import _style
from answers.relu_classifier import ball_bias, lift_to_relu

ALT = (
    "Two panels. Above, three functions of z: relu(z), which is 0 left of the origin and rises right of it; minus "
    "relu(-z), which rises to 0 and stays there; and their sum, the straight line z. A fourth, relu(z + 2) - 2, runs "
    "along that line from -2 on and is flat left of it. Below, the plane with three groups of points and the three "
    "regions into which logistic regression divides it, with straight boundaries; the regions of its ReLU network are "
    "the same. Three dotted lines, at which the network's hidden units switch on and off, cross the regions and leave "
    "no trace in them."
)
CENTRES = np.array([[-1.6, -0.9], [1.7, -0.6], [0.2, 1.8]])
EACH, STEPS, LR, LIMIT = 15, 200, 0.5, 3.5


def data() -> dict[str, NDArray]:
    """Return the curves, the points, the classifier, and each class's lead in it and in its ReLU network."""
    z = np.linspace(-4, 4, 33)
    shift = ball_bias(np.array([1.0]), radius=2.0)
    x = np.repeat(CENTRES, EACH, axis=0) + 0.7 * np.random.default_rng(0).standard_normal((3 * EACH, 2))
    targets = np.repeat(np.eye(3), EACH, axis=0)
    W, b = np.zeros((2, 3)), np.zeros(3)
    for _ in range(STEPS):
        error = (softmax(x @ W + b) - targets) / len(x)
        W, b = W - LR * x.T @ error, b - LR * error.sum(axis=0)
    side = np.linspace(-LIMIT, LIMIT, 71)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    W1, b1, W2, b2 = lift_to_relu(W, b)
    return {
        "z": z,
        "curves": np.array([relu(z), -relu(-z), relu(z) - relu(-z), relu(z + shift) - shift]),
        "points": x.reshape(3, EACH, 2),
        "W": W,
        "b": b,
        "side": side,
        "linear": leads(grid @ W + b),
        "lifted": leads(relu(grid @ W1 + b1) @ W2 + b2),
    }


def leads(scores: NDArray) -> NDArray:
    """Return by how much each class, first axis, leads the best other one: positive where it is the label."""
    others = np.where(np.eye(3, dtype=bool), -np.inf, scores[..., None, :]).max(axis=-1)
    return np.moveaxis(scores - others, -1, 0)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the pair of ReLUs, and the regions of the classifier and its network."""
    with _style.house_style() as plt:
        figure, (pair, plane) = plt.subplots(2, 1, figsize=(5.2, 8.2), height_ratios=[1, 1.5])
        z = found["z"]
        upper, lower, both, shifted = found["curves"]
        pair.plot(z, both, color=_style.MUTED, linewidth=6, alpha=0.35)
        for (colour, dashes), curve in zip(_style.LINES, (upper, lower, shifted), strict=False):
            pair.plot(z, curve, dashes, color=colour)
        pair.text(2.2, 2.9, "relu(z)", color=_style.BLUE, ha="right")
        pair.text(1.0, -0.7, "−relu(−z)", color=_style.ORANGE)
        pair.text(-3.9, -1.7, "relu(z + 2) − 2", color=_style.GREEN)
        leader = {"arrowstyle": "-", "color": _style.INK, "linewidth": 0.6}
        pair.annotate("wide and grey:\nthe sum of both, z", (0.7, 0.7), (-3.4, 2.2), arrowprops=leader)
        pair.set(xlabel="z", xlim=(-4, 4), ylim=(-4, 4), title="relu(z) − relu(−z) = z")
        colours = (_style.BLUE, _style.ORANGE, _style.GREEN)
        side = found["side"]
        for j, (colour, marker) in enumerate(zip(colours, "os^", strict=True)):
            plane.contourf(side, side, found["lifted"][j], levels=[0, np.inf], colors=[colour], alpha=0.18)
            plane.contour(side, side, found["linear"][j], levels=[0], colors=[_style.INK], linewidths=1)
            plane.plot(*found["points"][j].T, marker, color=colour, markersize=4)
            (first, second), bias = found["W"][:, j], found["b"][j]
            plane.axline(
                tuple(-bias * found["W"][:, j] / (first**2 + second**2)),
                slope=-first / second,
                linestyle=":",
                color=colour,
                linewidth=1.2,
            )
        plane.set(
            xlabel="x₁",
            ylabel="x₂",
            xlim=(-LIMIT, LIMIT),
            ylim=(-LIMIT, LIMIT),
            aspect="equal",
            title="lines: logistic regression; colours: its ReLU network\ndotted: where the hidden units switch",
        )
        return figure
