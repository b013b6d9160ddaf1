"""Q18: steps to a loss on digits at the best rate for each batch size, and the two regimes between which they bend."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.batch_size import steps_to_target
from answers.figures import _style
from answers.figures._reference import reference

ALT = (
    "Steps until the loss on digits is 0.3, at the best rate for each batch size, against the batch size; both axes "
    "logarithmic. On the left, in the shaded regime where twice the batch halves the steps, they fall along a line; "
    "on the right, where twice the batch needs as many steps, they stay level. The fitted curve S_min (1 + B_n/B) "
    "bends from the one to the other at its noise scale."
)


def data() -> dict[str, NDArray]:
    """Return what `taken` takes of the reference run."""
    return taken(reference())


def taken(results: dict[str, Any]) -> dict[str, NDArray]:
    """Return the batch sizes, the median and least steps at the best rate (K,), S_min and the fitted noise scale."""
    best, fitted = results["efficiency"]["best"], results["efficiency"]["fit"]
    return {
        "sizes": np.array([row["batch_size"] for row in best]),
        "steps": np.array([row["steps"] for row in best]),
        "low": np.array([row["low"] for row in best]),
        "high": np.array([np.nan if row["high"] is None else row["high"] for row in best]),
        "fit": np.array([fitted["min_steps"], fitted["noise_scale"]]),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the steps with their range over the seeds, the fitted law, and its two regimes."""
    sizes, steps = found["sizes"], found["steps"]
    least, noise = found["fit"]
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 4.2))
        fine = np.geomspace(sizes[0], sizes[-1], 120)
        axes.axvspan(0.8 * sizes[0], noise, color=_style.MUTED, alpha=0.12, linewidth=0)
        axes.plot(fine, least * noise / fine, color=_style.MUTED, linewidth=0.8)
        axes.axhline(least, color=_style.MUTED, linewidth=0.8)
        curve = [steps_to_target(least, noise_scale=noise, batch_size=size) for size in fine]
        axes.plot(fine, curve, _style.LINES[1][1], color=_style.ORANGE, label="S_min (1 + Bₙ/B), fitted")
        axes.vlines(sizes, found["low"], np.nan_to_num(found["high"], nan=steps.max()), color=_style.BLUE, linewidth=1)
        axes.plot(sizes, steps, "o", color=_style.BLUE, markersize=4, label="median of the runs, and their range")
        axes.set(xscale="log", yscale="log", xlim=(0.8 * sizes[0], 1.4 * sizes[-1]), ylim=(least / 2, 2 * steps.max()))
        axes.set(xlabel="batch size B", ylabel="steps until the loss is 0.3", title="Digits, 64 → 32 → 10, plain SGD")
        axes.set_xticks([1, 8, 64, 512, 1797], ["1", "8", "64", "512", "all"])
        ticks = [tick for tick in (5, 10, 20, 50, 100, 200, 500) if tick <= 2 * steps.max()]
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.text(1.1 * sizes[0], 1.3 * least, "twice the batch,\nhalf the steps", color=_style.INK)
        axes.text(3 * noise, 1.9 * least, "twice the batch,\nas many steps", color=_style.INK)
        axes.text(noise * 1.15, steps.max() / 3, f"Bₙ = {noise:.0f}", color=_style.INK)
        axes.legend(loc="upper right")
        return figure
