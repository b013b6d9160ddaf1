"""Q6.1: clipping by norm and by value in the plane, and where an explosion shows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.exploding_gradients import clip_by_global_norm, clip_by_value, global_norm, orthogonal_init
from answers.figures import _style
from answers.linear_layers import linear_stack_backward, linear_stack_forward

ALT = (
    "Two panels. Above, a plane with a disc and a square around the origin and four gradients as arrows that end "
    "outside: clipped by norm they end on the circle, on the same ray; clipped by value they end on the square, "
    "turned towards its corner. Below, gradient norms of a chain of twenty layers, on a logarithmic scale: with gain "
    "1.5 the errors rise from 1 at the output to more than 1000 at the input, with gain 0.7 they fall below a "
    "thousandth, and the weight gradients of both chains are horizontal lines."
)
GRADIENTS = np.array([[3.0, 0.6], [2.2, 2.0], [-0.5, 2.6], [-2.9, 1.3]])
LAYERS, WIDTH, GAINS = 20, 16, (1.5, 0.7)


def data() -> dict[str, NDArray]:
    """Return each gradient clipped both ways to 1, and the norms of errors and weight gradients by layer and gain."""
    by_norm = [clip_by_global_norm([g], max_norm=1.0)[0][0] for g in GRADIENTS]
    by_value = [clip_by_value([g], clip_value=1.0)[0] for g in GRADIENTS]
    chains = [chain(gain) for gain in GAINS]
    return {
        "by_norm": np.array(by_norm),
        "by_value": np.array(by_value),
        "errors": np.array([errors for errors, _ in chains]),
        "weights": np.array([weights for _, weights in chains]),
    }


def chain(gain: float) -> tuple[NDArray, NDArray]:
    """Return the norms of the gradients of each layer's input and the output, and of each layer's weights."""
    rng = np.random.default_rng(1)
    layers = [gain * orthogonal_init(WIDTH, rng=rng) for _ in range(LAYERS)]
    biases = [np.zeros(WIDTH)] * LAYERS
    x, d_out = np.full((1, WIDTH), WIDTH**-0.5), np.full((1, WIDTH), WIDTH**-0.5)
    errors = []
    for first in range(LAYERS + 1):
        _, cache = linear_stack_forward(x, layers[first:], biases[first:])
        errors.append(global_norm([linear_stack_backward(d_out, cache)[0]]))
    d_weights = linear_stack_backward(d_out, linear_stack_forward(x, layers, biases)[1])[1]
    return np.array(errors), np.array([global_norm([dW]) for dW in d_weights])


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the geometry of clipping, and gradient norms along the layers."""
    with _style.house_style() as plt:
        figure, (plane, norms) = plt.subplots(2, 1, figsize=(5.2, 7.0), height_ratios=[1, 1])
        angles = np.linspace(0, 2 * np.pi, 200)
        plane.plot(np.cos(angles), np.sin(angles), color=_style.BLUE, linewidth=1)
        plane.plot([-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], "--", color=_style.ORANGE, linewidth=1)
        for g, on_ball, on_square in zip(GRADIENTS, found["by_norm"], found["by_value"], strict=True):
            arrow = {"arrowstyle": "->", "color": _style.MUTED, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
            plane.annotate("", g, (0, 0), arrowprops=arrow)
            plane.plot(*on_ball, "o", color=_style.BLUE, markersize=6)
            plane.plot([0, on_square[0]], [0, on_square[1]], ":", color=_style.ORANGE, linewidth=1.2)
            plane.plot(*on_square, "s", color=_style.ORANGE, markersize=6)
        plane.text(1.25, -0.75, "■ by value: turned", color=_style.ORANGE)
        plane.text(1.25, -0.4, "● by norm: same ray", color=_style.BLUE)
        plane.text(2.3, 1.75, "gradient")
        plane.set(
            xlabel="first entry",
            ylabel="second entry",
            title="Clipped to 1: by norm and by value",
            aspect="equal",
            xlim=(-3.3, 4.1),
            ylim=(-1.2, 2.8),
        )
        for (colour, dashes), errors, weights in zip(_style.LINES, found["errors"], found["weights"], strict=False):
            norms.semilogy(np.arange(LAYERS + 1) + 1, errors, dashes, color=colour)
            norms.semilogy(np.arange(LAYERS) + 1, weights, dashes, color=_style.INK, linewidth=1)
        norms.text(13.2, 90, "errors, gain 1.5", color=_style.BLUE)
        norms.text(13.2, 4e-3, "errors, gain 0.7", color=_style.ORANGE)
        norms.text(13.2, 3.5e3, "weight gradients", va="bottom")
        norms.text(13.2, 6e-4, "weight gradients", va="top")
        norms.set(
            xlabel="layer, from input to output",
            ylabel="gradient norm",
            xlim=(1, LAYERS + 1),
            ylim=(1e-4, 3e4),
            title="Errors show an explosion, weight gradients' ratios do not",
        )
        norms.set_xticks([1, 5, 10, 15, 20])
        return figure
