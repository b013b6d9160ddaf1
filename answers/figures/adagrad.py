"""Q19: the steps of a weight with a gradient at every step and of one with a gradient at every 25th."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.adagrad import adagrad_step
from answers.figures import _style

ALT = (
    "Two panels over the steps 1 to 200. Above, on logarithmic axes, the length of each step in units of η: under "
    "Adagrad the weight with a gradient of 1 at every step falls on the line 1 over root t, from 1 to 0.07, while the "
    "weight with a gradient of 1 at every 25th step starts at 1 and falls to 0.35 with its eighth; under SGD with the "
    "rate η over root t that rare weight's steps lie on the line, from 0.2 to 0.07. Below, how far the rare weight has "
    "come: in eight stairs to 4.4 under Adagrad, and to a fifth of that under SGD."
)
STEPS, EVERY = 200, 25


def data() -> dict[str, NDArray]:
    """Return how far the frequent and the rare weight have come (step, weight): with Adagrad, and with SGD at η/√t."""
    t = np.arange(1, STEPS + 1)
    gradients = np.column_stack([np.ones(STEPS), t % EVERY == 0])
    w, past = np.zeros(2), np.zeros(2)
    path = []
    for g in gradients:
        w, past = adagrad_step(w, -g, past, lr=1.0, eps=0.0)
        path.append(w)
    return {"adagrad": np.array(path), "sgd": np.cumsum(gradients / np.sqrt(t)[:, None], axis=0)}


def steps(path: NDArray) -> NDArray:
    """Return the length of each step along a path that starts at 0."""
    return np.diff(path, axis=0, prepend=np.zeros((1, path.shape[1])))


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the lengths of the steps, and how far the rare weight has come."""
    t = np.arange(1, STEPS + 1)
    fires = t % EVERY == 0
    adagrad, sgd = steps(found["adagrad"]), steps(found["sgd"])
    with _style.house_style() as plt:
        figure, (lengths, travel) = plt.subplots(2, 1, figsize=(5.2, 6.4))
        lengths.loglog(t, adagrad[:, 0], color=_style.INK, linewidth=1.2)
        lengths.loglog(t[fires], adagrad[fires, 1], "o", color=_style.BLUE, markersize=6)
        lengths.loglog(t[fires], sgd[fires, 1], "s", color=_style.ORANGE, markersize=5)
        lengths.text(20.5, 0.97, "rare, Adagrad: η/√count", color=_style.BLUE, ha="right", va="center")
        lengths.text(1.2, 0.22, "frequent, Adagrad: η/√t", color=_style.INK, va="center")
        lengths.text(21, 0.13, "rare, SGD at η/√t", color=_style.ORANGE, ha="right", va="center")
        lengths.set(
            title="A rare gradient still makes a long step",
            ylabel="length of a step, in η",
            xlabel="step t",
            ylim=(0.05, 1.5),
            yticks=(0.1, 0.2, 0.5, 1),
            yticklabels=("0.1", "0.2", "0.5", "1"),
            xticks=(1, 10, 25, 100, 200),
            xticklabels=("1", "10", "25", "100", "200"),
        )
        lengths.minorticks_off()
        for name, (colour, dashes) in zip(("adagrad", "sgd"), _style.LINES, strict=False):
            travel.step(t, found[name][:, 1], dashes, where="post", color=colour)
        travel.text(120, 3.6, "Adagrad", color=_style.BLUE, ha="right")
        travel.text(170, 1.2, "SGD at η/√t", color=_style.ORANGE, ha="right")
        travel.set(
            title="and so the rare weight gets somewhere",
            ylabel="distance of the rare weight, in η",
            xlabel="step t",
            xlim=(0, STEPS + 4),
            ylim=(0, 4.8),
        )
        return figure
