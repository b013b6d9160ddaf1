"""Q18: the gradient's noise scale on digits while the loss falls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.figures._reference import reference

ALT = (
    "The noise scale of the gradient against the loss, which falls from left to right; both axes logarithmic. It "
    "starts at a few dozen examples, stays there while the loss falls by half, and then rises steadily, by the end to "
    "some ten times its first value or more. A level line marks the noise scale that the steps to 0.3 tell, near where "
    "it starts."
)
START = float(np.log(10))  # the loss of ten equal probabilities, to place the start by


def data() -> dict[str, NDArray]:
    """Return what `taken` takes of the reference run."""
    return taken(reference())


def taken(results: dict[str, Any]) -> dict[str, NDArray]:
    """Return the losses (K,), the start as the loss of a guess, the noise scales with their range, and the fitted."""
    noise = results["efficiency"]["noise"]
    return {
        "losses": np.array([START if row["loss"] is None else row["loss"] for row in noise]),
        "scales": np.array([[row[name] for name in ("low", "noise_scale", "high")] for row in noise]).T,
        "fitted": np.array(results["efficiency"]["fit"]["noise_scale"]),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the median noise scale with its range over the seeds."""
    losses, (low, middle, high), fitted = found["losses"], found["scales"], float(found["fitted"])
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 4.0))
        axes.fill_between(losses, low, high, color=_style.BLUE, alpha=0.15, linewidth=0)
        axes.plot(losses, middle, "o-", color=_style.BLUE, markersize=4)
        axes.axhline(fitted, color=_style.ORANGE, linestyle="--", linewidth=1.2)
        axes.text(losses[-1], fitted * 0.9, "what the steps tell", color=_style.ORANGE, ha="right", va="top")
        axes.set(xscale="log", yscale="log", xlim=(1.08 * losses[0], 0.93 * losses[-1]))
        axes.set(xlabel="loss of all digits", ylabel="noise scale tr Σ / ‖g‖², in examples")
        axes.set_title("The batch that pays grows while the loss falls")
        axes.set_xticks([losses[0], 1, 0.5, 0.3, 0.2, 0.1], ["start", "1", "0.5", "0.3", "0.2", "0.1"])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_yticks(
            [tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000) if low.min() < 2 * tick < 4 * high.max()]
        )
        axes.minorticks_off()
        return figure
