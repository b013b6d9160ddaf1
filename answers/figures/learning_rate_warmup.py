"""Q13.2: descent on a quartic with and without warmup, and the factor that bias correction puts on Adam's rate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_update import sgd_step
from answers.learning_rate import bias_correction_factor, warmup_lr

ALT = (
    "Two panels. Above, the size of w on a logarithmic axis against steps of descent on a quarter of w to the fourth, "
    "from w = 3 with rate 1: with the constant rate it leaves the panel after one step; with a warmup of twelve steps "
    "it falls steadily to below one half. Below, the factor of bias correction on Adam's rate against the step from 1 "
    "to 10000 on a logarithmic axis: it starts at 0.32, falls to 0.15 at step 12, and then rises to 1."
)
START, LR, WARMUP, STEPS, DIVERGING = 3.0, 1.0, 12, 20, 3


def data() -> dict[str, NDArray]:
    """Return |w| at each step, without and with warmup, and the steps and factors of bias correction."""
    t = np.unique(np.geomspace(1, 10_000, 200).astype(int))
    return {
        "constant": _sizes(0, DIVERGING),
        "warm": _sizes(WARMUP, STEPS),
        "correction": np.array([t, [bias_correction_factor(int(each)) for each in t]]),
    }


def _sizes(warmup_steps: int, steps: int) -> NDArray:
    w = np.array([START])
    sizes = [w]
    for step in range(steps):
        w = sgd_step(w, w**3, lr=warmup_lr(step, lr=LR, warmup_steps=warmup_steps))
        sizes.append(abs(w))
    return np.concatenate(sizes)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the quartic above, the factor below."""
    with _style.house_style() as plt:
        figure, (above, below) = plt.subplots(2, 1, figsize=(5.2, 5.6))
        (warm_colour, warm_dashes), (constant_colour, constant_dashes) = _style.LINES[:2]
        above.semilogy(found["warm"], warm_dashes, color=warm_colour, marker="o", markersize=3)
        above.semilogy(found["constant"], constant_dashes, color=constant_colour, marker="o", markersize=3)
        above.text(1.6, 200, "η = 1 from the start: diverges", color=constant_colour)
        above.text(4.0, 1.3, "warmup to η = 1 in twelve steps", color=warm_colour)
        above.set(
            ylim=(0.1, 1000),
            xlim=(0, STEPS),
            xticks=range(0, STEPS + 1, 4),
            xlabel="steps",
            ylabel="|w|",
            title="Descent on ¼w⁴ from w = 3",
        )
        t, factor = found["correction"]
        below.semilogx(t, factor, color=warm_colour)
        below.text(12, 0.07, "0.152 at t = 12", color=_style.INK, ha="center", fontsize=9)
        below.set(
            ylim=(0, 1.05),
            xlabel="step t",
            ylabel="√(1 − β₂ᵗ) / (1 − β₁ᵗ)",
            title="What bias correction does to Adam's rate, β = (0.9, 0.999)",
        )
        return figure
