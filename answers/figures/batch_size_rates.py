"""Q18: the best learning rate on digits for each batch size, and the law of the noise scale beside it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.batch_size import optimal_lr, scaled_lr
from answers.figures import _style
from answers.figures._reference import reference

ALT = (
    "The rate with which digits are learned in the fewest steps against the batch size, both axes logarithmic. It "
    "doubles with the batch while the batch is small, along the line of linear scaling, then bends off it near the "
    "noise scale and stays level up to all examples. The line of root scaling from batch 1 rises half as steeply."
)


def data() -> dict[str, NDArray]:
    """Return what `taken` takes of the reference run."""
    return taken(reference())


def taken(results: dict[str, Any]) -> dict[str, NDArray]:
    """Return the batch sizes (K,), the best rates (K,), and the fitted noise scale."""
    best = results["efficiency"]["best"]
    return {
        "sizes": np.array([row["batch_size"] for row in best]),
        "rates": np.array([row["lr"] for row in best]),
        "noise_scale": np.array(results["efficiency"]["fit"]["noise_scale"]),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the best rates of the grid, and three rules for them."""
    sizes, rates, noise = found["sizes"], found["rates"], float(found["noise_scale"])
    fine = np.geomspace(sizes[0], sizes[-1], 120)
    first = int(sizes[0])
    curves = {
        "η_max / (1 + Bₙ/B)": [optimal_lr(rates[-1], noise_scale=noise, batch_size=size) for size in fine],
        "η ∝ B": [scaled_lr(rates[0], base_batch_size=first, batch_size=size) for size in fine],
        "η ∝ √B": [scaled_lr(rates[0], batch_size=size, base_batch_size=first, rule="sqrt") for size in fine],
    }
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 4.2))
        for (name, curve), (colour, dashes) in zip(curves.items(), _style.LINES[1:], strict=True):
            axes.plot(fine, curve, dashes, color=colour, label=name)
        axes.plot(sizes, rates, "o", color=_style.BLUE, markersize=5, label="best on the grid 2ᵏ", zorder=3)
        axes.axvline(noise, color=_style.MUTED, linewidth=0.8, linestyle=":")
        axes.set(xscale="log", yscale="log", ylim=(rates.min() / 2, rates.max() * 4))
        axes.set(xlabel="batch size B", ylabel="learning rate η", title="The rate that needs the fewest steps")
        axes.set_xticks([1, 8, 64, 512, 1797], ["1", "8", "64", "512", "all"])
        ticks = [rate for rate in 2.0 ** np.arange(-6, 6) if rates.min() / 2 <= rate <= 4 * rates.max()]
        axes.set_yticks(ticks, [f"{rate:g}" if rate >= 1 else f"1/{1 / rate:g}" for rate in ticks])
        axes.minorticks_off()
        axes.text(noise * 1.15, rates.min() / 1.6, f"Bₙ = {noise:.0f}", color=_style.INK)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.1))
        return figure
