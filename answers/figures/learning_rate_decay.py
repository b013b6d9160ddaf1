"""Q17: the error of noisy descent at constant rates and at falling ones, and two paths through the same noise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_update import sgd_step
from answers.learning_rate_decay import best_decaying_lr, expected_square_errors

ALT = (
    "Two panels over 300 steps of noisy descent on half w squared from w = 10. Above, the expected square of w on "
    "a logarithmic scale: with the constant rate 0.5 it falls within ten steps to a floor of 0.33 and stays there; "
    "with 0.05 it takes about a hundred steps to a floor of 0.026; with 0.5 for half of the steps and 0.05 after, it "
    "follows the first curve, falls again and ends on the lower floor; with the best falling rates it is below all "
    "others at every step and ends at 0.0033. Below, two paths of w through the same noise: at the constant rate it "
    "keeps jumping about 0 by half a unit, at the falling rates it calms down."
)
STEPS, START, SEED = 300, 10.0, 1
FACTS = {"start": START**2, "curvature": 1.0, "noise_variance": 1.0}


def schedules() -> NDArray:
    """Return the rates of every step: constant large, constant small, large and then small, the best ones."""
    large, small = np.full(STEPS, 0.5), np.full(STEPS, 0.05)
    best = np.array([best_decaying_lr(step, **FACTS) for step in range(STEPS)])
    return np.array([large, small, np.where(np.arange(STEPS) < STEPS // 2, large, small), best])


def data() -> dict[str, NDArray]:
    """Return the expected square errors under each schedule, and two paths through the same noise."""
    rates = schedules()
    noise = np.random.default_rng(SEED).standard_normal(STEPS)
    return {
        "errors": np.array([expected_square_errors(lrs, **FACTS) for lrs in rates]),
        "paths": np.array([path(rates[0], noise), path(rates[3], noise)]),
    }


def path(lrs: NDArray, noise: NDArray) -> NDArray:
    """Return w before the first step and after each."""
    points = [np.array(START)]
    for lr, each in zip(lrs, noise, strict=True):
        points.append(sgd_step(points[-1], points[-1] + each, lr=lr))
    return np.array(points)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the errors on a logarithmic scale, and the two paths."""
    with _style.house_style() as plt:
        figure, (errors, paths) = plt.subplots(2, 1, figsize=(5.2, 6.4), height_ratios=[1.35, 1])
        for (colour, dashes), curve in zip(_style.LINES, found["errors"], strict=True):
            errors.semilogy(curve, dashes, color=colour)
        errors.text(300, 0.42, "constant, η = 0.5", color=_style.BLUE, ha="right")
        errors.text(62, 1.2, "constant, η = 0.05", color=_style.ORANGE)
        errors.text(178, 0.055, "0.5, then 0.05", color=_style.GREEN)
        errors.text(105, 0.0034, "falling like 1/t", color=_style.PURPLE)
        errors.set(
            ylabel="expected w²",
            xlim=(0, STEPS),
            ylim=(2e-3, 200),
            title="A constant rate stops at its noise floor",
        )
        constant, falling = found["paths"]
        paths.plot(constant, color=_style.BLUE, linewidth=1)
        paths.plot(falling, color=_style.PURPLE, linewidth=2.2)
        paths.axhline(0, color=_style.MUTED, linewidth=0.6, zorder=0)
        paths.text(300, 1.75, "constant, η = 0.5", color=_style.BLUE, ha="right")
        leader = {"arrowstyle": "-", "color": _style.PURPLE, "linewidth": 0.8}
        paths.annotate("falling like 1/t", (215, falling[215]), (222, -1.95), color=_style.PURPLE, arrowprops=leader)
        paths.set(
            xlabel="steps of SGD on ½w², gradient noise of variance 1",
            ylabel="w",
            xlim=(0, STEPS),
            ylim=(-2.4, 2.4),
            title="Two paths through the same noise",
        )
        return figure
