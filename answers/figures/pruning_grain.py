"""Q28.2: the same matrix with half of its weights left, chosen freely, in a pattern, and by whole units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.pruning import magnitude_mask, nm_mask

ALT = (
    "Three copies of one matrix of 8 rows and 16 columns, each weight a square as large as its size, filled if it is "
    "kept and hollow if not; half are kept in each. Above, the 64 largest of all, which are scattered; in the middle, "
    "the 2 largest of every 4 neighbours in a row; below, the 8 whole columns with the largest norms. The titles say "
    "how much of the sum of squares is lost, the least above and the most below."
)
ROWS, COLUMNS = 8, 16


def data() -> dict[str, NDArray]:
    """Return the weights, the masks of the three choices, and the share of the sum of squares that each loses."""
    W = np.random.default_rng(1).standard_normal((ROWS, COLUMNS)).round(2)
    units = magnitude_mask(np.linalg.norm(W, axis=0), sparsity=0.5)
    masks = np.array([magnitude_mask(W, sparsity=0.5), nm_mask(W, n=2, m=4), np.broadcast_to(units, W.shape)])
    return {"weights": W, "masks": masks, "lost": (W**2 * ~masks).sum(axis=(1, 2)) / (W**2).sum()}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: one panel for each choice."""
    with _style.house_style() as plt:
        figure, panels = plt.subplots(3, 1, figsize=(5.2, 7.6))
        size = 105 * np.abs(found["weights"]) / np.abs(found["weights"]).max() + 4
        row, column = np.indices(size.shape)
        for axes, keep, lost, (colour, _), words in zip(
            panels,
            found["masks"],
            found["lost"],
            _style.LINES,
            ("the largest half", "the 2 largest of every 4", "the units of largest norm"),
            strict=False,
        ):
            kept = keep.astype(bool)
            axes.scatter(column[kept], row[kept], size[kept], color=colour, marker="s", linewidths=0)
            axes.scatter(
                column[~kept],
                row[~kept],
                size[~kept],
                facecolors="none",
                edgecolors=_style.MUTED,
                marker="s",
                linewidths=0.7,
            )
            for border in np.arange(3.5, COLUMNS - 1, 4) if "every" in words else ():
                axes.axvline(border, color=_style.MUTED, linewidth=0.7)
            axes.set(
                xlim=(-0.8, COLUMNS - 0.2),
                ylim=(ROWS - 0.2, -0.8),
                aspect="equal",
                xticks=[],
                yticks=[],
                ylabel="inputs",
                title=f"{words}: {lost:.0%} of Σw² lost",
            )
        panels[-1].set(xlabel="units")
        return figure
