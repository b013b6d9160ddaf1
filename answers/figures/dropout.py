"""Q3.2: what a unit gives over all masks, before and behind its ReLU, and what it gives at test."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.dropout import dropout_forward
from answers.figures import _style

ALT = (
    "Two histograms over the 1024 masks of a unit with ten inputs, each dropped with probability one half. Above, "
    "its pre-activation: a hill from minus 6 to 5, and one line at minus a half is both the mean over the masks "
    "and the value at test. Below, the same behind a ReLU: a tall bar at zero, with two thirds of the masks; zero "
    "is also the value at test, while the mean over the masks lies at about a half."
)
X = np.array([1.0, 0.6, -0.8, 1.3, 0.4, -1.1, 0.9, 0.7, -0.5, 1.2])
W = np.array([0.7, -0.9, 0.6, -0.5, 1.1, 0.4, 0.8, -1.0, 0.9, -0.6])
B, P = 1.6, 0.5
BINS = np.arange(-6.75, 6, 0.5)  # one of them is centred on 0


def data() -> dict[str, NDArray]:
    """Return the unit's pre-activations, one for each mask, all equally likely, and the one at test."""
    masks = np.array(list(product((0.0, 1.0), repeat=len(X))))
    at_test, _ = dropout_forward(X, p=P, rng=np.random.default_rng(0), training=False)
    return {"masked": (masks * X / (1 - P)) @ W + B, "at_test": at_test @ W + B}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the pre-activation's values over the masks, and those behind the ReLU."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(2, 1, figsize=(5.2, 5.6), sharex=True)
        titles = ("pre-activation z: the test gives the mean", "relu(z): the test gives less than the mean")
        for axis, title, floor, top in zip(axes, titles, (-np.inf, 0), (16, 80), strict=True):
            values, at_test = np.maximum(found["masked"], floor), max(float(found["at_test"]), floor)
            mean = float(values.mean())
            share = np.full(len(values), 100 / len(values))
            axis.hist(values, BINS, weights=share, color=_style.MUTED, alpha=0.55)
            for place, (colour, dashes) in zip((mean, at_test), _style.LINES[:2], strict=True):
                axis.axvline(place, color=colour, linestyle=dashes)
            axis.text(mean + 0.15, 0.85 * top, f"mean over the masks {mean:.2f}".replace("-", "−"), color=_style.BLUE)
            axis.text(
                at_test - 0.15, 0.85 * top, f"at test {at_test:.2f}".replace("-", "−"), color=_style.ORANGE, ha="right"
            )
            axis.set(ylabel="share of the masks, %", title=title, ylim=(0, top))
        axes[1].set(xlabel="value of the unit", xlim=(-7, 6))
        return figure
