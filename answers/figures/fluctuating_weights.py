"""Q12: a weight that fluctuates around its minimum, two averages of it, and what is left of its variance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.fluctuating_weights import (
    average_weights,
    ema_corrected,
    ema_update,
    ema_variance,
    momentum_stationary_variance,
    polyak_average_variance,
)
from answers.gradient_update import sgd_step

ALT = (
    "Two panels. Above, over 300 steps, one weight that jitters around its minimum at 0, mostly within one and a "
    "half of it; its moving average follows it in smooth waves, and the mean of all weights so far settles near 0. "
    "Below, the variance against the learning rate times curvature, on a logarithmic scale: that of the weight "
    "rises from 0.01 and shoots up towards 2, that of the moving average lies below it, and that of a mean of 1000 "
    "weights stays at 0.001 over nearly the whole range."
)
STEPS, LR, DECAY, MANY = 300, 0.3, 0.95, 1000


def data() -> dict[str, NDArray]:
    """Return the run (weight, moving average, mean so far), and the variances of the three over ηh, with h = σ = 1."""
    noise = np.random.default_rng(12).standard_normal(STEPS)
    w = moving = np.zeros(1)
    weights, run = [], []
    for t, xi in enumerate(noise, start=1):
        w = sgd_step(w, w + xi, lr=LR)
        weights.append(w)
        moving = ema_update(moving, w, decay=DECAY)
        run.append([w[0], ema_corrected(moving, decay=DECAY, t=t)[0], average_weights(weights)[0]])
    rates = np.arange(0.02, 1.99, 0.02)
    variances = [
        [
            momentum_stationary_variance(1.0, lr=lr, momentum=0.0, noise_variance=1.0),
            ema_variance(1.0, lr=lr, noise_variance=1.0, decay=DECAY),
            polyak_average_variance(1.0, lr=lr, noise_variance=1.0, steps=MANY),
        ]
        for lr in rates.tolist()
    ]
    return {"run": np.array(run).T, "rates": rates, "variances": np.array(variances).T}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the run above, the variances below."""
    looks = ((_style.MUTED, "-", 1.0), (_style.ORANGE, "--", 1.8), (_style.BLUE, "-", 2.0))
    with _style.house_style() as plt:
        figure, (above, below) = plt.subplots(2, 1, figsize=(5.2, 6.2))
        for values, variances, (colour, dashes, width) in zip(found["run"], found["variances"], looks, strict=True):
            above.plot(np.arange(1, STEPS + 1), values, dashes, color=colour, linewidth=width)
            below.semilogy(found["rates"], variances, dashes, color=colour, linewidth=width)
        above.axhline(0, color=_style.INK, linewidth=0.6)
        above.set(
            xlabel="steps, ηh = 0.3",
            ylabel="distance from the minimum",
            xlim=(0, STEPS),
            title="A weight (grey), its moving average (dashes), its mean so far",
        )
        below.text(0.75, 2.2, "the weight", color=_style.INK)
        below.text(0.75, 0.042, "moving average, β = 0.95", color=_style.ORANGE)
        below.text(0.75, 1.3e-3, "mean of 1000 weights", color=_style.BLUE)
        below.set(
            xlabel="learning rate × curvature, ηh",
            ylabel="variance (h = σ = 1)",
            xlim=(0, 2),
            ylim=(5e-4, 100),
            title="What is left of the variance",
        )
        return figure
