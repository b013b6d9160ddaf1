"""Q26.2: descent on a saddle, with and without noise in its gradients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_update import sgd_step
from answers.randomness import random_streams, saddle_second_moment

ALT = (
    "Two panels. Above, the contours of the saddle (x² − y²)/2 and paths of gradient descent from (1.6, 0): "
    "without noise the path runs along y = 0 into the saddle and stops there; six paths with a little noise "
    "run beside it and then turn off, three upwards, three downwards. Below, the distance |y| from the ridge "
    "on a logarithmic scale against the number of steps: the six noisy paths grow along parallel straight "
    "lines, around the root mean square that the formula gives, with a thousandth of the noise the same line "
    "is reached about seventy steps later, and without noise the distance stays 0."
)
LR, DEVIATION, STEPS, PATHS = 0.1, 0.03, 140, 6


def data() -> dict[str, NDArray]:
    """Return the paths (path, step, coordinate), the first without noise, and the root mean squares of y."""
    noise = np.zeros((STEPS, PATHS + 1, 2))
    noise[:, 1:] = DEVIATION * random_streams(1, "saddle")["saddle"].standard_normal((STEPS, PATHS, 2))
    paths = [np.tile([1.6, 0.0], (PATHS + 1, 1))]
    for each in noise:
        paths.append(sgd_step(paths[-1], paths[-1] * np.array([1.0, -1.0]) + each, lr=LR))
    deviations = [DEVIATION, DEVIATION / 1000]
    moments = [
        [saddle_second_moment(0.0, lr=LR, noise_variance=deviation**2, steps=step) for step in range(STEPS + 1)]
        for deviation in deviations
    ]
    return {"paths": np.swapaxes(paths, 0, 1), "root_mean_squares": np.sqrt(moments)}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the paths in the plane, and how far from the ridge they are."""
    with _style.house_style() as plt:
        figure, (plane, curves) = plt.subplots(2, 1, figsize=(5.2, 6.4), height_ratios=[1, 1.1])
        x, y = np.linspace(-0.6, 1.8, 121), np.linspace(-1, 1, 101)
        loss = (x**2 - y[:, None] ** 2) / 2
        plane.contour(x, y, loss, levels=np.arange(-0.5, 1.6, 0.1), colors=_style.MUTED, linewidths=0.6, linestyles="-")
        for path in found["paths"][1:]:
            plane.plot(*path.T, color=_style.ORANGE, linewidth=1)
        plane.plot(*found["paths"][0].T, color=_style.BLUE)
        plane.plot(0, 0, "o", color=_style.INK, markersize=5)
        plane.text(0.95, 0.07, "without noise", color=_style.BLUE)
        plane.text(0.2, 0.72, "with noise", color=_style.ORANGE)
        plane.text(-0.5, 0.05, "saddle", color=_style.INK)
        plane.set(xlabel="x", ylabel="y", xlim=(-0.6, 1.8), ylim=(-1, 1), title="(x² − y²)/2: descent from (1.6, 0)")
        steps = np.arange(1, STEPS + 1)
        for path in found["paths"][1:]:
            curves.semilogy(steps, np.abs(path[1:, 1]), color=_style.ORANGE, linewidth=0.8)
        for root, dashes in zip(found["root_mean_squares"], ("-", "--"), strict=True):
            curves.semilogy(steps, root[1:], dashes, color=_style.INK, linewidth=1.6)
        curves.text(4, 6, "noise σ = 0.03:\nsix paths and √(E y²)", color=_style.ORANGE)
        curves.text(80, 1e-4, "√(E y²) with a\nthousandth of the noise", color=_style.INK)
        curves.text(80, 4e-6, "without noise: y = 0", color=_style.BLUE)
        curves.set(
            xlabel="gradient steps, η = 0.1",
            ylabel="distance |y| from the ridge",
            xlim=(0, STEPS),
            ylim=(1e-6, 100),
            title="and how fast it leaves",
        )
        return figure
