"""Q16: how far a weight shrinks under Adam, by an L2 penalty and by decoupled decay, against its gradient's size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.weight_decay import weight_decay_step

ALT = (
    "How fast a weight of 1 shrinks under Adam, against the size of its gradients, both on logarithmic scales from "
    "a hundredth to a hundred. Decoupled decay is a level line at the strength, 0.1. The L2 penalty starts nine times "
    "higher, falls in the end as one over the size of the gradients, crosses the line where that size is about 1, "
    "and ends a hundred times lower."
)
STEPS, LR, STRENGTH, BETAS = 400, 1e-5, 0.1, (0.9, 0.999)


def data() -> dict[str, NDArray]:
    """Return the sizes of the gradients, and how much faster the weight falls per step and rate because of λ."""
    sizes = np.logspace(-2, 2, 25)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], STEPS)
    free, l2, decoupled = (descended(sizes, signs, *strengths) for strengths in ((0, 0), (STRENGTH, 0), (0, STRENGTH)))
    return {"sizes": sizes, "l2": (free - l2) / (STEPS * LR), "decoupled": (free - decoupled) / (STEPS * LR)}


def descended(sizes: NDArray, signs: NDArray, l2: float, decay: float) -> NDArray:
    """Return weights that start at 1, one for each size of gradients, after Adam's steps with these signs."""
    w = np.ones_like(sizes)
    m = v = np.zeros_like(sizes)
    for t, sign in enumerate(signs, start=1):
        g = sign * sizes + l2 * w
        m, v = BETAS[0] * m + (1 - BETAS[0]) * g, BETAS[1] * v + (1 - BETAS[1]) * g**2
        direction = m / (1 - BETAS[0] ** t) / np.sqrt(v / (1 - BETAS[1] ** t))
        w = weight_decay_step(w, direction, lr=LR, weight_decay=decay)
    return w


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: both rates of shrinking against the size of the gradients."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        for (colour, dashes), name in zip(_style.LINES[:2], ("decoupled", "l2"), strict=True):
            axes.loglog(found["sizes"], found[name], dashes, color=colour)
        axes.text(0.011, 0.06, "decoupled decay (AdamW): λ", color=_style.BLUE, va="top")
        axes.text(0.25, 0.7, "L2 penalty inside Adam:\nλ/√v, at most 1", color=_style.ORANGE)
        axes.set(
            xlabel="size of the gradients, of either sign",
            ylabel="shrinking per step / η",
            xlim=(0.01, 100),
            ylim=(5e-4, 2),
            title="What λ = 0.1 takes from a weight of 1 under Adam",
        )
        return figure
