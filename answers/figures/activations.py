"""Q4.1: the four graphs, each with its derivative."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers import activations
from answers.figures import _style

ALT = (
    "Four panels over x from −6 to 6, each with a function as a solid line and its derivative as a dashed one. "
    "Sigmoid: an S from 0 to 1 through one half at 0; its derivative is a bump of height one quarter. "
    "Tanh: an S from −1 to 1 through the origin; its derivative is a narrower bump of height 1. "
    "ReLU: 0 up to the origin, then the line y = x; its derivative jumps from 0 to 1. "
    "Leaky ReLU with slope 0.1: as ReLU, but falling gently to −0.6 at −6; its derivative jumps from 0.1 to 1. "
    "Hollow dots mark that ReLU and leaky ReLU have no derivative at 0."
)
SLOPE = 0.1


def data() -> dict[str, NDArray]:
    """Return the functions and their derivatives over x."""
    x = np.linspace(-6, 6, 601)
    return {
        "x": x,
        "sigmoid": np.array([activations.sigmoid(x), activations.sigmoid_grad(x)]),
        "tanh": np.array([activations.tanh(x), activations.tanh_grad(x)]),
        "relu": np.array([activations.relu(x), activations.relu_grad(x)]),
        "leaky_relu": np.array(
            [activations.leaky_relu(x, negative_slope=SLOPE), activations.leaky_relu_grad(x, negative_slope=SLOPE)]
        ),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: one panel for each function."""
    with _style.house_style() as plt:
        figure, panels = plt.subplots(4, 1, figsize=(5.2, 9.2), height_ratios=[1, 1.35, 1.5, 1.5], sharex=True)
        panel: Any
        titles = ("sigmoid  1/(1 + e⁻ˣ)", "tanh  2σ(2x) − 1", "ReLU  max(x, 0)", "leaky ReLU, here with slope 0.1")
        x, kink = found["x"], len(found["x"]) // 2
        for panel, name, title in zip(panels, ("sigmoid", "tanh", "relu", "leaky_relu"), titles, strict=True):
            value, slope = found[name]
            panel.axhline(0, color=_style.MUTED, linewidth=0.6)
            panel.axvline(0, color=_style.MUTED, linewidth=0.6)
            panel.plot(x, value, color=_style.BLUE)
            parts = [slice(None)] if name in {"sigmoid", "tanh"} else [slice(kink), slice(kink + 1, None)]
            for part in parts:
                panel.plot(x[part], slope[part], "--", color=_style.ORANGE)
            if len(parts) > 1:
                ends = slope[[kink - 1, kink + 1]]
                panel.plot([0, 0], ends, "o", markerfacecolor="none", markeredgecolor=_style.ORANGE, markersize=5)
            panel.set(title=title, xlim=(-6, 6))
        panels[0].set(ylim=(-0.05, 1.08), yticks=[0, 0.25, 0.5, 0.75, 1])
        panels[0].text(1.9, 0.66, "the function", color=_style.BLUE)
        panels[0].text(1.9, 0.2, "its derivative", color=_style.ORANGE)
        panels[1].set(ylim=(-1.1, 1.15), yticks=[-1, -0.5, 0, 0.5, 1])
        panels[2].set(ylim=(-1, 6.2), yticks=[0, 1, 2, 4, 6])
        panels[3].set(ylim=(-1, 6.2), yticks=[0, 1, 2, 4, 6], xlabel="x")
        return figure
