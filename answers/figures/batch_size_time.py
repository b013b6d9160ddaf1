"""Q18: what one sample of a training step costs, against the batch size, in NumPy, PyTorch and JAX."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.figures._reference import reference

ALT = (
    "Two panels: microseconds of a training step for each sample against the batch size, both axes logarithmic, for "
    "a network of 64, 128 and 10 units and one of 784, 512 and 10. Every curve falls with the batch size, steeply at "
    "first and then hardly. Of the curves of NumPy that of the matrix products alone is lowest; the tuned step runs "
    "closely above it, the float64 step of the answers far above."
)
NAMES = {"float64": "NumPy, float64", "torch": "PyTorch eager", "jax": "JAX jit", "tuned": "NumPy, tuned"}
NETWORKS = ("small", "large")


def data() -> dict[str, NDArray]:
    """Return what `taken` takes of the reference run."""
    return taken(reference())


def taken(results: dict[str, Any]) -> dict[str, NDArray]:
    """Return, for each network, sizes (3,) and batch sizes (K,), and for each of its steps µs per sample (K,)."""
    found = {}
    for network in NETWORKS:
        rows = [row for row in results["throughput"] if row["network"] == network]
        found[f"{network} sizes"] = np.array(rows[0]["sizes"])
        found[f"{network} batch"] = np.array([row["batch_size"] for row in rows])
        for name in rows[0]["steps"]:
            rates = np.array([row["steps"][name]["samples_per_second"] for row in rows])
            found[f"{network} {name}"] = 1e6 / rates
    return found


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: a panel for each network, a curve for each step."""
    with _style.house_style() as plt:
        figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.0))
        for network, axes in zip(NETWORKS, panels, strict=True):
            sizes = found[f"{network} batch"]
            shown = [name for name in NAMES if f"{network} {name}" in found]
            for name, (colour, dashes) in zip(NAMES, _style.LINES, strict=True):
                if name in shown:
                    axes.plot(sizes, found[f"{network} {name}"], dashes, color=colour, label=NAMES[name])
            axes.plot(sizes, found[f"{network} floor"], color=_style.MUTED, lw=1, label="its matrix products alone")
            axes.set(xscale="log", yscale="log", xlabel="batch size B", ylabel="µs per sample")
            axes.set_title(" → ".join(f"{units:.0f}" for units in found[f"{network} sizes"]))
            axes.set_xticks([1, 8, 64, 512, 4096], ["1", "8", "64", "512", "4096"])
            axes.yaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
            axes.grid(axis="y")
        panels[0].legend()
        return figure


def table(network: str) -> Iterator[str]:
    """Yield the lines of a table in Markdown: the tuned step of a network, and how the others compare with it."""
    rows = [row for row in reference()["throughput"] if row["network"] == network]
    ratios = {
        "float64/tuned": "float64 ÷ tuned",
        "torch/tuned": "PyTorch ÷ tuned",
        "jax/tuned": "JAX ÷ tuned",
        "tuned/floor": "tuned ÷ products",
    }
    columns = [name for name in ratios if name in rows[0]["ratios"]]
    yield f"| B | µs a step | µs a sample | GFLOP/s | {' | '.join(ratios[name] for name in columns)} |"
    yield "|--:" * (4 + len(columns)) + "|"
    for row in rows:
        step, size = row["steps"]["tuned"], row["batch_size"]
        cells = [_short(1e6 * step["seconds"]), _short(1e6 / step["samples_per_second"]), _short(step["gflops"])]
        cells += [f"{row['ratios'][name]:.2f}" for name in columns]
        yield f"| {' | '.join([str(size), *cells])} |"


def _short(value: float) -> str:
    """Return a positive number with three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
