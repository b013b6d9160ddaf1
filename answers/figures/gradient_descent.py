"""Q10: the excess loss of batches of 1, 8 and 64 on one quadratic, against the example gradients computed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.gradient_descent import minibatch_gradient, minibatch_variance, sgd_excess_loss, stationary_variance
from answers.gradient_update import sgd_step

ALT = (
    "Expected excess loss against the number of example gradients computed, both axes logarithmic, for batches "
    "of 1, 8 and all 64 examples at the same rate; single runs are drawn thin around the first two. Batches of "
    "1 fall first and level off at a floor of 0.026; batches of 8 fall eight times later and level off at 0.003; "
    "the full batch falls last, meets no floor, and after about 2700 gradients is below both."
)
EXAMPLES, START, LR, SPAN = 64, 4.0, 0.1, 2**16
BATCHES = (1, 8, EXAMPLES)


def data() -> dict[str, NDArray]:
    """Return for each batch size the gradients computed, the expected loss and its floor, and two single runs."""
    rng = np.random.default_rng(10)
    minima = rng.standard_normal(EXAMPLES)  # of the losses ½(w − zₙ)²
    minima = (minima - minima.mean()) / minima.std()
    found: dict[str, NDArray] = {"floors": np.zeros(len(BATCHES)), "late": np.zeros(len(BATCHES) - 1)}
    for i, batch_size in enumerate(BATCHES):
        variance = minibatch_variance(minima, batch_size=batch_size)
        steps = np.unique(np.geomspace(1, SPAN // batch_size, 60).astype(int))
        descent = (START * (1 - LR) ** steps) ** 2 / 2
        noise = [sgd_excess_loss(1.0, lr=LR, noise_variance=variance, steps=int(t)) for t in steps]
        found["floors"][i] = stationary_variance(1.0, lr=LR, noise_variance=variance) / 2
        found[f"expected {batch_size}"] = np.array([batch_size * steps, descent + noise])
        if batch_size < EXAMPLES:
            excess = run(minima, batch_size, rng)
            found[f"run {batch_size}"] = np.array([batch_size * steps, excess[steps]])
            found["late"][i] = excess[len(excess) // 2 :].mean()
    return found


def run(minima: NDArray, batch_size: int, rng: np.random.Generator) -> NDArray:
    """Return the excess loss after each step of one run with batches of distinct examples."""
    w, excess = np.array(START), [START**2 / 2]
    for _ in range(SPAN // batch_size):
        batch = rng.permutation(EXAMPLES)[:batch_size]
        w = sgd_step(w, minibatch_gradient(w - minima, batch), lr=LR)
        excess.append(float(w) ** 2 / 2)
    return np.array(excess)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: three curves, two of them with a single run and a floor."""
    with _style.house_style() as plt:
        figure, axes = plt.subplots(figsize=(5.2, 4.2))
        for (colour, dashes), batch_size, floor in zip(_style.LINES[:3], BATCHES, found["floors"], strict=True):
            if floor:
                axes.loglog(*found[f"run {batch_size}"], color=colour, linewidth=0.6, alpha=0.6)
                axes.axhline(floor, color=_style.MUTED, linewidth=0.8, zorder=0)
            axes.loglog(*found[f"expected {batch_size}"], dashes, color=colour)
        axes.text(1.2, 0.9, "B = 1", color=_style.BLUE)
        axes.text(12, 9.5, "B = 8", color=_style.ORANGE)
        axes.text(420, 6.0, "B = N = 64", color=_style.GREEN)
        axes.text(1.1, found["floors"][0] * 1.2, "floor at B = 1", color=_style.INK, fontsize=9)
        axes.text(1.1, found["floors"][1] * 1.2, "floor at B = 8", color=_style.INK, fontsize=9)
        axes.set(
            xlabel="example gradients computed",
            ylabel="loss above the minimum",
            xlim=(1, SPAN),
            ylim=(1e-5, 30),
            title="½(w − zₙ)², η = 0.1: expected (thick), one run (thin)",
        )
        return figure
