"""Q3.1: the loss along one bias is made of straight pieces, and what that means for a numeric gradient."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.two_layer_network import two_layer_backward, two_layer_forward

ALT = (
    "Two panels. Above, the loss against the bias of a hidden unit: a line of straight pieces with kinks where one of "
    "three examples switches the unit on. Between two kinks a secant lies on the line, so its slope is the gradient; "
    "across a kink it cuts the corner, and its slope is the mean of the slopes to the left and right. Below, how far "
    "the central difference is from the gradient, against the step, both on logarithmic scales. Between kinks, with "
    "powers of two as steps, the difference is exactly 0 for all steps up to one half; with powers of ten it is "
    "rounding, which grows to about 1e-4 as the step shrinks to 1e-12. At a kink it is 1 for every step."
)
X, D_OUT = np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [-2.0], [1.0]])
BETWEEN, KINK, WIDE = -0.5, -1.0, 0.375


def loss(bias: float) -> float:
    """Return ⟨d_out, out⟩ of one hidden unit with weights 1 and this bias."""
    one = np.ones((1, 1))
    out, _ = two_layer_forward(X, one, np.array([bias]), one, np.zeros(1))
    return float(np.sum(D_OUT * out))


def gradient(bias: float) -> float:
    """Return the gradient of that loss with respect to the bias."""
    one = np.ones((1, 1))
    _, cache = two_layer_forward(X, one, np.array([bias]), one, np.zeros(1))
    return float(two_layer_backward(D_OUT, cache)[2][0])


def errors(bias: float, steps: NDArray) -> NDArray:
    """Return how far the central difference is from the gradient, for each step."""
    return np.array([abs((loss(bias + h) - loss(bias - h)) / (2 * h) - gradient(bias)) for h in steps])


def data() -> dict[str, NDArray]:
    """Return the loss along the bias, and the central difference's errors between kinks and at one."""
    biases = np.arange(-24, 9) / 8
    binary, decimal = 2.0 ** -np.arange(1, 41), 10.0 ** -np.arange(1, 13)
    return {
        "biases": biases,
        "losses": np.array([loss(bias) for bias in biases]),
        "secants": np.array([[loss(at - WIDE), loss(at + WIDE)] for at in (BETWEEN, KINK)]),
        "binary": np.array([binary, errors(BETWEEN, binary)]),
        "decimal": np.array([decimal, errors(BETWEEN, decimal)]),
        "kink": np.array([binary, errors(KINK, binary)]),
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the pieces with two secants above, the errors against the step below."""
    with _style.house_style() as plt:
        figure, (pieces, checks) = plt.subplots(2, 1, figsize=(5.2, 7.0))
        pieces.plot(found["biases"], found["losses"], color=_style.INK, linewidth=1.2)
        for at, secant, (colour, dashes), name, place in zip(
            (BETWEEN, KINK),
            found["secants"],
            _style.LINES[:2],
            ("between kinks:\non the line", "across a kink:\ncuts the corner"),
            ((-0.68, 0.8), (-2.95, 0.56)),
            strict=True,
        ):
            ends = np.array([at - WIDE, at + WIDE])
            pieces.plot(ends, secant, dashes, color=colour, linewidth=2.6)
            pieces.plot(ends, secant, "o", color=colour, markersize=4)
            pieces.text(*place, name, color=colour)
        pieces.set(xlabel="bias b₁ of the unit", ylabel="loss ⟨d_out, out⟩", title="The loss along one bias")
        zero = 1e-18
        for name, (colour, _), marker in (
            ("binary", _style.LINES[0], "o"),
            ("decimal", _style.LINES[2], "^"),
            ("kink", _style.LINES[1], "s"),
        ):
            steps, off = found[name]
            checks.plot(steps, np.maximum(off, zero), marker, color=colour, markersize=3.5)
        checks.text(1e-12, 12, "at a kink", color=_style.ORANGE)
        checks.text(2e-9, 3e-7, "between kinks, steps 10⁻ᵏ", color=_style.GREEN)
        checks.text(1e-12, 1.2e-17, "between kinks, steps 2⁻ᵏ: no error at all", color=_style.BLUE)
        checks.set(
            xscale="log",
            yscale="log",
            ylim=(1e-19, 1e3),
            xlabel="step",
            ylabel="|central difference − gradient|",
            title="The numeric gradient against the step",
        )
        checks.set_yticks([zero, 1e-15, 1e-10, 1e-5, 1], ["0", "10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "1"])
        checks.minorticks_off()
        return figure
