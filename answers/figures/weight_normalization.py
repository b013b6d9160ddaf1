"""Q7: steps on v leave their circle along the tangent, so v grows, and the effective rate falls by itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.weight_normalization import weight_norm_backward, weight_norm_forward

ALT = (
    "Two panels. Above, the plane of v: five gradient steps from (1, 0), each of which leaves the circle through its "
    "start along the tangent, so that v ends on a larger circle; the arrows turn towards a dashed ray, the best "
    "direction, and become shorter. Below, the effective rate η/‖v‖² over the number of steps, both logarithmic, under "
    "the straight line 1/√(2t). For η = 1 it follows the line almost from the start; for η = 30 the first step throws "
    "it down to 0.03, where it stays level, as for η = 0.03, until it meets the line after about a thousand steps."
)
TARGET = np.array([-0.5, np.sqrt(0.75)])  # a direction, 120° from the start
STEPS, RATES, LONG = 5, (30.0, 1.0, 0.03), 10_000


def data() -> dict[str, NDArray]:
    """Return the path of v towards a direction, and the effective rate under random gradients, for each η."""
    path = [np.array([1.0, 0.0])]
    for _ in range(STEPS):
        path.append(path[-1] - across(path[-1], -TARGET))
    return {"path": np.array(path), "rates": np.array([effective_rates(lr) for lr in RATES])}


def across(v: NDArray, d: NDArray) -> NDArray:
    """Return the gradient with respect to v of a unit with g = 1, where d is the one with respect to w."""
    _, cache = weight_norm_forward(v[:, None], np.ones(1))
    return weight_norm_backward(d[:, None], cache)[0][:, 0]


def effective_rates(lr: float) -> NDArray:
    """Return η/‖v‖² after 0 to LONG steps from ‖v‖ = 1; ∂L/∂w has length 1 across v and random direction."""
    rng = np.random.default_rng(0)
    v = np.eye(8)[0]
    found = [lr / (v @ v)]
    for d in rng.standard_normal((LONG, 8)):
        dv = across(v, d)
        v = v - lr * dv / (np.linalg.norm(dv) * np.linalg.norm(v))
        found.append(lr / (v @ v))
    return np.array(found)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the path in the plane, and the rates."""
    with _style.house_style() as plt:
        figure, (plane, curves) = plt.subplots(2, 1, figsize=(5.2, 7.6), height_ratios=[1.15, 1])
        turn = np.linspace(-0.15, np.pi * 0.78, 200)
        for v in found["path"]:
            size = np.linalg.norm(v)
            plane.plot(size * np.cos(turn), size * np.sin(turn), color=_style.MUTED, linewidth=0.7)
        plane.plot(*np.outer(TARGET, [0, 2.05]), "--", color=_style.GREEN, linewidth=1.2)
        plane.text(-1.12, 1.83, "best direction", color=_style.GREEN, ha="right", va="center")
        for start, end, colour in [
            (0 * TARGET, found["path"][0], _style.INK),
            (0 * TARGET, found["path"][-1], _style.INK),
            *((a, b, _style.BLUE) for a, b in zip(found["path"], found["path"][1:], strict=False)),
        ]:
            arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
            plane.annotate("", end, start, arrowprops=arrow)
        plane.text(0.5, -0.05, "v at the start", va="top", ha="center")
        plane.text(-0.12, 0.6, "v after 5 steps")
        plane.text(0.87, 0.3, "−η ∂L/∂v,\northogonal to v", color=_style.BLUE, ha="right", va="center")
        plane.set(xlim=(-2, 1.8), ylim=(-0.3, 2.05), aspect="equal", xlabel="v₁", ylabel="v₂")
        plane.set_title("each step on v leaves its circle along the tangent")
        t = np.arange(LONG + 1.0)
        for (colour, dashes), rates in zip(_style.LINES[:3], found["rates"], strict=True):
            curves.loglog(t[1:], rates[1:], dashes, color=colour)
        curves.loglog(t[1:], 1 / np.sqrt(2 * t[1:]), color=_style.INK, linewidth=0.8)
        curves.text(30, 0.2, "at most 1/√(2t)", color=_style.INK)
        curves.text(1.1, 0.24, "η = 1", color=_style.ORANGE)
        curves.text(1.1, 0.04, "η = 30, after its first step", color=_style.BLUE)
        curves.text(1.1, 0.018, "η = 0.03", color=_style.GREEN)
        curves.set(
            xlim=(1, LONG),
            ylim=(3e-3, 1),
            xlabel="gradient steps t",
            ylabel="effective rate η/‖v‖²",
            title="no rate stays too large, whatever η is",
        )
        return figure
