"""Q4.4: the Jacobian of the sigmoid of a vector, beside that of softmax."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers import activations
from answers.figures import _style

ALT = (
    "Two matrices of five by five, the area of each disc showing the size of an entry, for x = −2, −1, 0, 1, 2. "
    "The sigmoid's has filled discs on the diagonal only, the largest in the middle, 0.25. That of softmax has filled "
    "discs on its diagonal, growing toward the larger inputs, and hollow ones, which are negative, everywhere else."
)


def data() -> dict[str, NDArray]:
    """Return both Jacobians at x: diag(σ′) and diag(p) − ppᵀ."""
    x = np.arange(-2.0, 3.0)
    p = activations.softmax(x)
    return {"x": x, "sigmoid": activations.sigmoid_jacobian(x), "softmax": np.diag(p) - np.outer(p, p)}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: a panel for each matrix."""
    with _style.house_style() as plt:
        figure, panels = plt.subplots(2, 1, figsize=(5.2, 8.4))
        ticks = range(len(found["x"]))
        names = [f"{value:g}".replace("-", "−") for value in found["x"]]
        for panel, name in zip(panels, ("sigmoid", "softmax"), strict=True):
            for i, row in enumerate(found[name]):
                for j, entry in enumerate(row):
                    if entry == 0:
                        panel.text(j, i, "0", color=_style.MUTED, ha="center", va="center")
                        continue
                    colour, fill = (_style.BLUE, _style.BLUE) if entry > 0 else (_style.ORANGE, "none")
                    panel.plot(
                        j, i, "o", markersize=60 * abs(entry) ** 0.5, markeredgecolor=colour, markerfacecolor=fill
                    )
                    if entry > 0:
                        panel.text(j, i + 0.36, f"{entry:.2f}", color=_style.INK, ha="center", va="top", fontsize=8)
            panel.set(
                xlim=(-0.6, 4.6),
                ylim=(4.7, -0.6),
                xticks=ticks,
                yticks=ticks,
                xticklabels=names,
                yticklabels=names,
                xlabel="input xⱼ",
                ylabel="output for xᵢ",
                aspect="equal",
            )
        panels[0].set_title("sigmoid: ∂σ(xᵢ)/∂xⱼ")
        panels[1].set_title("softmax: filled positive, hollow negative")
        return figure
