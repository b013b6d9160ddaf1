"""Q24: XOR's four corners as the network sees them, before and behind its hidden layer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.xor import xor_network

ALT = (
    "Two panels. Above, the unit square of inputs: the corners (0,1) and (1,0), where XOR is 1, lie across one "
    "diagonal, the corners (0,0) and (1,1), where it is 0, across the other, so that no line separates them; the "
    "first hidden unit is active below the diagonal x1 = x2, the second above it, and the output is one half on a "
    "line on either side of it. Below, the space of the two hidden units: (0,0) and (1,1) fall on the origin, (1,0) "
    "and (0,1) lie on the two axes at 1, and one line separates them from the origin."
)


def data() -> dict[str, NDArray]:
    """Return the corners, XOR there, their hidden activations, and where the separating line meets the axes."""
    W1, b1, W2, b2 = xor_network()
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    hidden = np.maximum(corners @ W1 + b1, 0)
    return {
        "corners": corners,
        "xor": (hidden @ W2 + b2)[:, 0],
        "hidden": hidden,
        "line": (0.5 - b2) / W2[:, 0],
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the input square with its two half-planes, and the hidden space with one line."""
    with _style.house_style() as plt:
        figure, (inputs, hidden) = plt.subplots(2, 1, figsize=(5.2, 7.6))
        edge = np.array([-0.35, 1.35])
        for colour, side, active in ((_style.BLUE, -0.35, "relu(x₁ − x₂)"), (_style.ORANGE, 1.35, "relu(x₂ − x₁)")):
            inputs.fill_between(edge, edge, side, color=colour, alpha=0.12, linewidth=0)
            x, y = (0.84, -0.2) if side < 0 else (0.16, 1.2)
            inputs.text(x, y, f"{active}\nis active", color=colour, ha="center", va="center")
        inputs.plot(edge, edge, color=_style.MUTED, linewidth=0.8)
        for shift in found["line"] * [1, -1]:
            inputs.plot(edge, edge + shift, "--", color=_style.INK, linewidth=1.2)
        inputs.text(0.63, 0.99, "output ½", rotation=45, rotation_mode="anchor", ha="center", va="center", fontsize=9)
        first, second = found["line"]
        ends = np.array([edge[0], 0.85])
        hidden.plot(ends, second - ends * second / first, "--", color=_style.INK, linewidth=1.2)
        hidden.text(0.39, 0.22, "output ½", rotation=-45, rotation_mode="anchor", ha="center", va="center", fontsize=9)
        for axes, points in ((inputs, found["corners"]), (hidden, found["hidden"])):
            for point, one in zip(points, found["xor"], strict=True):
                axes.plot(*point, "o" if one else "s", color=_style.INK, markerfacecolor=_style.INK if one else "none")
        for corner in found["corners"]:
            inputs.annotate("({:.0f},{:.0f})".format(*corner), corner, (7, 5), textcoords="offset points")
        hidden.annotate("(0,0) and (1,1)", (0, 0), (-8, -16), textcoords="offset points")
        hidden.annotate("(1,0)", (1, 0), (7, 5), textcoords="offset points")
        hidden.annotate("(0,1)", (0, 1), (7, 5), textcoords="offset points")
        inputs.set(xlabel="x₁", ylabel="x₂", title="inputs: no line separates ● (XOR 1) from □ (XOR 0)")
        hidden.set(xlabel="first hidden unit", ylabel="second hidden unit", title="hidden units: one line does")
        inputs.set(xlim=edge, ylim=edge, aspect="equal", xticks=[0, 1], yticks=[0, 1])
        hidden.set(xlim=edge, ylim=edge, aspect="equal", xticks=[0, 1], yticks=[0, 1])
        return figure
