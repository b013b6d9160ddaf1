"""Q18: steps to a loss on digits against the batch size, and what the gradient's noise scale at the start predicts."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.batch_size import noise_scale_estimate, optimal_lr, steps_to_target
from answers.figures import _style
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

ALT = (
    "Steps until the loss on digits is 0.3 against the batch size, both axes logarithmic. From batch 1 to about 8 "
    "the steps fall from about four hundred to about fifty, along a line that halves them at each doubling; from 64 "
    "to all 1797 examples they stay between eight and sixteen, along a level line. A curve that bends from the one "
    "line to the other at the noise scale, a batch of 35, passes close to the points."
)
SIZES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1797])
TARGET, MAX_LR, SEEDS = 0.3, 4.0, 3


@cache
def data() -> dict[str, NDArray]:
    """Return the batch sizes, the least, median and most steps of the seeds, the noise scale and S_min."""
    x, y = _digits()
    steps, noise_scales = [], []
    for seed in range(SEEDS):
        params = _drawn(np.random.default_rng(seed))
        noise_scales.append(noise_scale(params, x, y))
        steps.append([steps_taken(params, x, y, size, noise_scales[-1], seed) for size in SIZES])
    noise = round(float(np.median(noise_scales)))
    medians = np.median(steps, axis=0)
    shape = np.array([steps_to_target(1.0, noise_scale=noise, batch_size=size) for size in SIZES])
    return {
        "sizes": SIZES,
        "steps": np.quantile(steps, [0, 0.5, 1], axis=0),
        "noise_scale": np.array(noise),
        "min_steps": np.round(np.exp(np.mean(np.log(medians / shape)))),
    }


@cache
def _digits() -> tuple[NDArray, NDArray]:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    return x / 16 - (x / 16).mean(axis=0), y


def _drawn(rng: np.random.Generator) -> list[NDArray]:
    W1, W2 = rng.standard_normal((64, 32)) * np.sqrt(2 / 64), rng.standard_normal((32, 10)) * np.sqrt(2 / 32)
    return _rounded([W1, np.zeros(32), W2, np.zeros(10)])


def _rounded(params: list[NDArray]) -> list[NDArray]:
    """Return the parameters as multiples of 2⁻²⁰, so that the data are those of any machine."""
    return [np.round(each * 2**20) / 2**20 for each in params]


def _gradients(params: list[NDArray], x: NDArray, y: NDArray) -> list[NDArray]:
    logits, kept = two_layer_forward(x, *params)
    return list(two_layer_backward(softmax_cross_entropy(logits, y)[1], kept)[1:])


def noise_scale(params: list[NDArray], x: NDArray, y: NDArray) -> float:
    """Return tr Σ/‖g‖², from the squared norms of the gradients of each example and of all together."""
    each = np.mean([squared_norm(_gradients(params, x[[i]], y[[i]])) for i in range(len(x))])
    square, trace = noise_scale_estimate(
        float(each), squared_norm(_gradients(params, x, y)), small_batch_size=1, big_batch_size=len(x)
    )
    return trace / square


def squared_norm(gradients: list[NDArray]) -> float:
    """Return the squared norm of all gradients in one vector."""
    return float(sum(np.sum(g**2) for g in gradients))


def steps_taken(params: list[NDArray], x: NDArray, y: NDArray, batch_size: int, noise: float, seed: int) -> int:
    """Return the steps of plain SGD, at the best rate that the noise scale tells, until the loss is below TARGET."""
    rng = np.random.default_rng([seed, batch_size])
    lr, look, done = optimal_lr(MAX_LR, noise_scale=noise, batch_size=batch_size), max(1, 16 // batch_size), 0
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - batch_size + 1, batch_size):
            batch = order[start : start + batch_size]
            gradients = _gradients(params, x[batch], y[batch])
            params = _rounded([each - lr * g for each, g in zip(params, gradients, strict=True)])
            done += 1
            if done % look == 0 and softmax_cross_entropy(two_layer_forward(x, *params)[0], y)[0] < TARGET:
                return done


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the steps of the runs, the curve, and the two lines between which it bends."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 4.2))
        sizes, (low, median, high) = found["sizes"], found["steps"]
        least, noise = float(found["min_steps"]), float(found["noise_scale"])
        fine = np.geomspace(1, 1797, 120)
        axes.plot(fine, least * noise / fine, color=_style.MUTED, linewidth=0.8)
        axes.axhline(least, color=_style.MUTED, linewidth=0.8)
        axes.axvline(noise, color=_style.MUTED, linewidth=0.8, linestyle=":")
        curve = [steps_to_target(least, noise_scale=noise, batch_size=size) for size in fine]
        axes.plot(fine, curve, _style.LINES[1][1], color=_style.ORANGE)
        axes.errorbar(sizes, median, (median - low, high - median), fmt="o", color=_style.BLUE, markersize=4, lw=1)
        axes.set(xscale="log", yscale="log", xlim=(0.8, 2600), ylim=(4, 900), xlabel="batch size B")
        axes.set_ylabel("steps until the loss is 0.3")
        axes.set_title("Digits, η = 4 / (1 + Bₙ/B), plain SGD")
        axes.set_xticks([1, 8, 64, 512, 1797], ["1", "8", "64", "512", "all"])
        axes.set_yticks([5, 10, 20, 50, 100, 200, 500], ["5", "10", "20", "50", "100", "200", "500"])
        axes.minorticks_off()
        axes.text(3.2, 220, "twice the batch,\nhalf the steps", color=_style.INK)
        axes.text(110, 17, "twice the batch,\nas many steps", color=_style.INK)
        axes.text(noise * 1.12, 420, f"noise scale\nBₙ = {noise:.0f}", color=_style.INK)
        axes.text(9.2, 80, "S_min (1 + Bₙ/B)", color=_style.ORANGE)
        axes.text(1.4, 120, "runs", color=_style.BLUE)
        return figure
