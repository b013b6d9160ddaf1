"""Q2: the same step on the same quadratic at four rates: it creeps, swings, stays on the edge, and diverges."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_update import max_stable_lr, sgd_step

ALT = (
    "Five panels over the steps 0 to 12 of descent on half h w squared from w = 1. In the upper four the weight, at "
    "four rates: at 15 percent of the largest stable rate 2/h it falls smoothly to 0; at 80 percent it changes sign at "
    "every step and shrinks; at 2/h itself it jumps between 1 and −1; at 106 percent it changes sign and grows to 4. "
    "Below, the four losses on a logarithmic scale: straight lines, two falling, one level, one rising."
)
SHARES = (0.15, 0.8, 1.0, 1.0625)  # of the largest stable rate
STEPS, CURVATURE = 12, 2.0


def data() -> dict[str, NDArray]:
    """Return the weights (rate, step) and their losses."""
    rates = np.array(SHARES) * max_stable_lr(CURVATURE)
    paths = [np.ones(1)] * len(rates)
    weights = [np.concatenate(paths)]
    for _ in range(STEPS):
        paths = [sgd_step(w, CURVATURE * w, lr=float(lr)) for w, lr in zip(paths, rates, strict=True)]
        weights.append(np.concatenate(paths))
    found = np.transpose(weights)
    return {"weights": found, "losses": CURVATURE * found**2 / 2}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the weight at each rate, and all losses."""
    names = ("η = 0.15 · 2/h", "η = 0.8 · 2/h", "η = 2/h", "η = 1.06 · 2/h")
    with _style.house_style() as plt:
        figure, (*strips, losses) = plt.subplots(5, 1, figsize=(5.2, 7.4), height_ratios=[1, 1, 1, 1, 2.2], sharex=True)
        for strip, (colour, dashes), w, loss, name in zip(
            strips, _style.LINES, found["weights"], found["losses"], names, strict=True
        ):
            strip.axhline(0, color=_style.MUTED, linewidth=0.8)
            strip.plot(w, dashes, color=colour, marker="o", markersize=3.5, clip_on=False)
            strip.set_title(name, color=colour, fontsize=9, pad=2)
            top = 4 if abs(w).max() > 1 else 1
            strip.set(ylim=(-1.2 * top, 1.2 * top), yticks=(-top, 0, top), ylabel="w")
            losses.semilogy(loss, dashes, color=colour, marker="o", markersize=3.5, clip_on=False)
            losses.text(STEPS + 0.25, loss[-1], name, color=colour, va="center", fontsize=9)
        losses.set(
            xlabel="steps", ylabel="loss ½hw²", xlim=(0, STEPS), title="Each step multiplies the loss by (1 − ηh)²"
        )
        figure.suptitle("Descent on ½hw² from w = 1, with h = 2", fontsize=10)
        return figure
