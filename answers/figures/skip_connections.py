"""Q5: how long the gradient is at each block of a deep stack, with the same random weights with and without skips."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.skip_connections import residual_block_backward, residual_block_forward
from answers.two_layer_network import two_layer_backward, two_layer_forward

ALT = (
    "The length of the gradient at the input of each of 30 blocks, relative to that at the output, on a logarithmic "
    "scale; backpropagation runs from right to left. Without skips it falls on a nearly straight line to less "
    "than a ten-thousandth at the first block. With skips and branches of scale 1 it grows on a nearly straight line "
    "to about 400 times. With skips and branches of scale 1 over the root of 30 it stays between 1 and 2 all the way."
)
DEPTH, WIDTH, EXAMPLES = 30, 32, 64


def data() -> dict[str, NDArray]:
    """Return the gradient's length at the input of each block, first block first, relative to the output's."""
    rng = np.random.default_rng(5)
    spread = WIDTH**-0.5
    layers = rng.normal(0, spread, (DEPTH, 2, WIDTH, WIDTH))
    x, d_out = rng.standard_normal((2, EXAMPLES, WIDTH))
    found = {"plain": lengths(layers, x, d_out, two_layer_forward, two_layer_backward)}
    for name, scale in (("residual", 1.0), ("scaled", DEPTH**-0.5)):
        found[name] = lengths(layers, x, d_out, residual_block_forward, residual_block_backward, scale=scale)
    return found


def lengths(layers: NDArray, x: NDArray, d: NDArray, forward: Any, backward: Any, **options: float) -> NDArray:
    """Return the gradient's length at each block's input, relative to the length of d."""
    nothing, caches = np.zeros(WIDTH), []
    for W1, W2 in layers:
        x, cache = forward(x, W1, nothing, W2, nothing, **options)
        caches.append(cache)
    at_output, found = np.linalg.norm(d), []
    for cache in reversed(caches):
        d, *_ = backward(d, cache)
        found.append(np.linalg.norm(d) / at_output)
    return np.array(found[::-1])


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: one line for each kind of stack."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.8))
        labels = {
            "residual": (13.5, 60, "with skips, s = 1"),
            "scaled": (1.5, 2.6, "with skips, s = 1/√30"),
            "plain": (12.5, 1.5e-4, "without skips"),
        }
        blocks = np.arange(1, DEPTH + 1)
        for (colour, dashes), (name, (left, height, words)) in zip(_style.LINES, labels.items(), strict=False):
            axes.semilogy(blocks, found[name], dashes, color=colour)
            axes.text(left, height, words, color=colour)
        axes.set(
            xlabel="block, from the input on the left to the output",
            ylabel="length of the gradient, output: 1",
            xlim=(1, DEPTH),
            ylim=(3e-6, 2e3),
            xticks=[1, 5, 10, 15, 20, 25, 30],
            title="Backwards through 30 blocks at random weights",
        )
        return figure
