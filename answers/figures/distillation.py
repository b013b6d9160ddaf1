"""Q30: what a trained network says of one handwritten 3, at four temperatures."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.activations import softmax
from answers.figures import _style
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

ALT = (
    "A handwritten 3 of 8 by 8 pixels, and below it four bar charts over the classes 0 to 9: the softmax of a "
    "trained network's logits for it at temperatures 1, 2, 4 and 20. At temperature 1 one bar at class 3 has nearly "
    "everything. At 2 and 4 it shrinks, and the bars of classes 9 and 8 come up, which the image resembles. At 20 "
    "the ten bars are nearly level, class 3 still the highest."
)
TEMPERATURES = (1.0, 2.0, 4.0, 20.0)
CLASS = 3
SHOWN = 8  # of the 3s that the teacher knows, the one that it is ninth least sure of


@cache
def data() -> dict[str, NDArray]:
    """Return an image of a 3 that was not trained on, and the teacher's probabilities (temperature, class) for it."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    x, y = x[order] / 16, y[order]
    logits, _ = two_layer_forward(x[1200:], *teacher(x[:1200], y[:1200], rng))
    own = logits[:, CLASS]
    lead = np.where(
        (y[1200:] == CLASS) & (logits.argmax(axis=1) == CLASS), own - np.sort(logits, axis=1)[:, -2], np.inf
    )
    chosen = np.argsort(lead)[SHOWN]
    return {
        "image": x[1200 + chosen].reshape(8, 8),
        "probabilities": np.array([softmax(logits[chosen], temperature=T) for T in TEMPERATURES]),
    }


def teacher(x: NDArray, y: NDArray, rng: np.random.Generator) -> list[NDArray]:
    """Return the layers of a network with 96 hidden units after ten epochs of SGD with momentum."""
    layers = [
        rng.standard_normal((64, 96)) * np.sqrt(2 / 64),
        np.zeros(96),
        rng.standard_normal((96, 10)) * np.sqrt(2 / 96),
        np.zeros(10),
    ]
    buffers = [np.zeros_like(layer) for layer in layers]
    for _ in range(10):
        for batch in rng.permutation(len(x)).reshape(-1, 60):
            logits, kept = two_layer_forward(x[batch], *layers)
            _, d_logits = softmax_cross_entropy(logits, y[batch])
            _, *gradients = two_layer_backward(d_logits, kept)
            buffers = [0.9 * buffer + g for buffer, g in zip(buffers, gradients, strict=True)]
            layers = [layer - 0.1 * buffer for layer, buffer in zip(layers, buffers, strict=True)]
    return layers


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the image, and a bar chart for each temperature."""
    with _style.house_style() as plt:
        figure, (picture, *charts) = plt.subplots(5, 1, figsize=(5.2, 6.4), height_ratios=[1.4, 1, 1, 1, 1])
        for row, line in enumerate(found["image"]):
            for column, ink in enumerate(line):
                box = plt.Rectangle((column, 7 - row), 1, 1, color=_style.INK, alpha=float(ink), linewidth=0)
                picture.add_patch(box)
        picture.set(xlim=(-0.2, 8.2), ylim=(-0.2, 8.2), aspect="equal", xticks=[], yticks=[], title="The image")
        picture.set_anchor("W")
        for spine in picture.spines.values():
            spine.set_visible(False)
        for chart, temperature, shares in zip(charts, TEMPERATURES, found["probabilities"], strict=True):
            bars = chart.bar(range(10), shares, color=_style.MUTED, width=0.7)
            bars[CLASS].set_color(_style.BLUE)
            chart.set(ylim=(0, 1), yticks=[0, 0.5, 1], xticks=range(10), title=f"T = {temperature:g}")
            for at, share in enumerate(shares):
                if share >= 0.02:
                    chart.text(at, share + 0.03, f"{share:.2f}", ha="center", fontsize=8)
        charts[-1].set_xlabel("class")
        figure.supylabel("the teacher's probability", fontsize=10)
        return figure
