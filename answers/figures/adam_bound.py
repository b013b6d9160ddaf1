"""Q20.2: the largest possible step of Adam at its defaults, against the number of steps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.adam import adam_step, adam_step_bound
from answers.figures import _style

ALT = (
    "Adam's step in units of the learning rate against the number of steps, at the defaults. The largest possible "
    "step rises from 1 over 2.2 at 100 steps to 7.27, and computed steps on the worst gradients lie on that curve. "
    "The step on one gradient after silence rises to 3.16, the printed bound, which the largest step passes after "
    "about 210 steps. A line at 1 marks the learning rate."
)
PRINTED = (1 - 0.9) / np.sqrt(1 - 0.999)


def data() -> dict[str, NDArray]:
    """Return the bound, the step on a spike after zeros, and steps on the worst gradients, for each t."""
    t = np.unique(np.geomspace(1, 10_000, 120).astype(int))
    some = np.array([1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000])
    return {
        "t": t,
        "bounds": np.array([adam_step_bound(int(each)) for each in t]),
        "spikes": np.array([last_step(np.eye(1, each, each - 1)[0]) for each in some]),
        "some": some,
        "worst": np.array([last_step((0.9 / 0.999) ** np.arange(each - 1.0, -1.0, -1.0)) for each in some]),
    }


def last_step(gradients: NDArray) -> float:
    """Return the length of the last step on these gradients, at lr = 1 and eps = 0."""
    w, m, v = np.zeros(1), np.zeros(1), np.zeros(1)
    moved = w
    for t, g in enumerate(gradients, 1):
        moved, m, v = adam_step(w, np.array([g]), m, v, t=t, lr=1.0, eps=0.0)
    return abs(moved.item())


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the bound, what attains it, and the two bounds that people quote."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        axes.semilogx(found["t"], found["bounds"], color=_style.INK)
        axes.plot(found["some"], found["worst"], "o", color=_style.BLUE, markersize=5)
        axes.plot(found["some"], found["spikes"], "s--", color=_style.ORANGE, markersize=4)
        axes.axhline(1, color=_style.MUTED, linewidth=0.8)
        axes.axhline(PRINTED, color=_style.MUTED, linewidth=0.8)
        axes.text(1.2, 7.4, "7.27: the largest step there is")
        axes.axhline(adam_step_bound(np.inf), color=_style.MUTED, linewidth=0.8)
        axes.text(1.2, PRINTED + 0.13, "3.16: the bound as printed")
        axes.text(600, 1.13, "1: the learning rate")
        axes.text(330, 4.9, "gradients ∝ (β₁/β₂)ᵗ⁻ⁱ", color=_style.BLUE, ha="right")
        axes.text(1400, 1.85, "one gradient\nafter silence", color=_style.ORANGE)
        axes.set(
            xlabel="step t",
            ylabel="length of the step / η",
            xlim=(0.9, 12_000),
            ylim=(0, 8),
            title="Adam’s largest step, β = (0.9, 0.999), ε = 0",
        )
        return figure
