"""Q6.2: the length of a gradient on its way back through the steps of an RNN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.exploding_gradients import global_norm, orthogonal_init, rnn_backward, rnn_forward
from answers.figures import _style

ALT = (
    "The norm of a gradient at the states of an RNN against the time step, on a logarithmic scale, from 1 at the last "
    "of 64 steps back to the first: with gain 0.6 it falls in a nearly straight line below a billionth, with an "
    "orthogonal matrix it stays within a factor of a hundred, with gain 2 it rises above a thousand."
)
STEPS, WIDTH, BATCH = 64, 32, 8
LABELS = (("gain 2", 16, 3e3), ("orthogonal", 4, 1e-2), ("gain 0.6", 20, 1e-13))


def data() -> dict[str, NDArray]:
    """Return the gradient's norm at the states 0 to 64, relative to the last, for three recurrent matrices."""
    rng = np.random.default_rng(0)
    x, h0 = rng.random((BATCH, STEPS, 1)), np.zeros((BATCH, WIDTH))
    Wx, noise = 0.1 * rng.standard_normal((1, WIDTH)), rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)
    matrices = (2.0 * noise, orthogonal_init(WIDTH, rng=rng), 0.6 * noise)
    d_last = rng.standard_normal((BATCH, WIDTH))
    return {"norms": np.array([norms(x, h0, Wx, Wh, d_last) for Wh in matrices])}


def norms(x: NDArray, h0: NDArray, Wx: NDArray, Wh: NDArray, d_last: NDArray) -> NDArray:
    """Return ‖∂L/∂h_t‖ over ‖∂L/∂h_64‖ for t = 0 to 64: what arrives at h_t from the steps behind it."""
    b = np.zeros(WIDTH)
    states = [h0, *np.moveaxis(rnn_forward(x, h0, Wx, Wh, b)[0], 1, 0)]
    found = []
    for t, state in enumerate(states):
        h, cache = rnn_forward(x[:, t:], state, Wx, Wh, b)
        d_out = np.zeros_like(h)
        d_out[:, -1:] = d_last[:, None]
        arriving = rnn_backward(d_out, cache)[1] if t < STEPS else d_last
        found.append(global_norm([arriving]) / global_norm([d_last]))
    return np.array(found)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: three gradients on their way back."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        for (colour, dashes), curve, (label, t, height) in zip(_style.LINES, found["norms"], LABELS, strict=False):
            axes.semilogy(np.arange(STEPS + 1), curve, dashes, color=colour)
            axes.text(t, height, label, color=colour)
        axes.set(
            xlabel="time step t (the loss is on step 64)",
            ylabel="‖∂L/∂h_t‖ over ‖∂L/∂h_64‖",
            xlim=(0, STEPS),
            ylim=(1e-18, 1e7),
            title="The gradient on its way back through time",
        )
        axes.set_xticks([0, 16, 32, 48, 64])
        return figure
