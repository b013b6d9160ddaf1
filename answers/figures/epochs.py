"""Q11: what draws with and without replacement have seen, and at which rates reshuffling has the less noise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.epochs import draws_to_see_all, epoch_batches, epoch_variance, missed_fraction
from answers.figures import _style

ALT = (
    "Two panels. Above, how many of 100 examples have been seen against the number of draws. Without replacement the "
    "line rises straight to all 100 within the first epoch. With replacement a run and its mean bend: after 100 draws "
    "63 are seen, and all 100 only after about 519 draws on average. Below, the variance after an epoch without "
    "replacement divided by that with, against learning rate times curvature from 0 to 2, for 2 and for 10 examples: "
    "both curves start at 0, cross 1 exactly where the product is 1, and stay above 1 beyond."
)
EXAMPLES, EPOCHS = 100, 6
SIZES = (2, 10)


def data() -> dict[str, NDArray]:
    """Return the counts of examples seen after each draw, the marks on them, and the ratios of the variances."""
    rng = np.random.default_rng(11)
    draws = np.arange(EPOCHS * EXAMPLES + 1)
    runs = [
        np.concatenate(
            [
                np.concatenate(epoch_batches(EXAMPLES, batch_size=1, rng=rng, replacement=replacement))
                for _ in range(EPOCHS)
            ]
        )
        for replacement in (False, True)
    ]
    steps = np.linspace(0.01, 1.99, 199)
    return {
        "seen": np.array([seen(run) for run in runs]),
        "mean": EXAMPLES * (1 - missed_fraction(EXAMPLES) ** (draws / EXAMPLES)),
        "all": np.array(draws_to_see_all(EXAMPLES)),
        "steps": steps,
        "ratios": np.array([[ratio(n, step) for step in steps] for n in SIZES]),
    }


def seen(run: NDArray) -> NDArray:
    """Return how many different examples have been drawn after 0, 1, 2, … draws."""
    firsts = np.zeros(len(run) + 1)
    firsts[np.unique(run, return_index=True)[1] + 1] = 1
    return np.cumsum(firsts)


def ratio(n: int, step: float) -> float:
    """Return the variance of an epoch without replacement, divided by that with; it is the same for all values."""
    values = np.arange(n) * 1.0
    without, replacing = (epoch_variance(values, lr=step, curvature=1.0, replacement=each) for each in (False, True))
    return without / replacing


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: examples seen against draws, and the ratio of the variances against ηh."""
    with _style.house_style() as plt:
        figure, (counts, noise) = plt.subplots(2, 1, figsize=(5.2, 6.4))
        counts.plot(found["seen"][0], color=_style.BLUE)
        counts.plot(found["seen"][1], "--", color=_style.ORANGE)
        counts.plot(found["mean"], color=_style.INK, linewidth=0.8)
        counts.plot(EXAMPLES, found["mean"][EXAMPLES], "o", color=_style.INK, markersize=5)
        counts.axvline(float(found["all"]), ymax=0.92, color=_style.MUTED, linewidth=0.8)
        counts.text(float(found["all"]) - 8, 30, "all seen,\non average", color=_style.INK, ha="right")
        counts.text(108, 102, "without replacement", color=_style.BLUE)
        counts.text(200, 76, "with replacement: a run\nand the mean", color=_style.ORANGE, va="center")
        counts.text(116, 54, "63 of 100 after one epoch", color=_style.INK)
        counts.set(
            xlabel="draws (an epoch is 100)",
            ylabel="examples seen",
            xlim=(0, EPOCHS * EXAMPLES),
            ylim=(0, 110),
            xticks=range(0, EPOCHS * EXAMPLES + 1, EXAMPLES),
            title="different examples among the draws, of 100",
        )
        noise.axhline(1, color=_style.MUTED, linewidth=0.8)
        noise.axvline(1, color=_style.MUTED, linewidth=0.8)
        for (colour, dashes), ratios in zip(_style.LINES, found["ratios"], strict=False):
            noise.plot(found["steps"], ratios, dashes, color=colour)
        noise.text(0.54, 0.06, "2 examples", color=_style.BLUE)
        noise.text(0.05, 0.82, "10 examples", color=_style.ORANGE)
        noise.text(0.55, 1.5, "reshuffling wins", color=_style.INK, ha="center")
        noise.text(1.45, 0.55, "replacement wins", color=_style.INK, ha="center")
        noise.set(
            xlabel="learning rate times curvature, ηh",
            ylabel="variance, without / with",
            xlim=(0, 2),
            ylim=(0, 2.05),
            yticks=[0, 0.5, 1, 1.5, 2],
            title="noise at the end of an epoch",
        )
        return figure
