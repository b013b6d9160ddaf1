"""Q1: the loss on one batch of digits, for a right program and for wrong ones that the check catches or misses."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.overfit_first import overfit_one_batch
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

ALT = (
    "Two panels with the loss on one batch of eight digits against the step, on a logarithmic axis. Above, the right "
    "program falls steadily to less than 0.05; a program that pairs inputs and labels anew in every step and one that "
    "feeds the first input again and again fall at first and then stay above 1; one that climbs leaves the panel at "
    "the top. Below, four wrong programs fall below 0.05 like the right one: labels shuffled once, labels off by "
    "one, no ReLU mask in the backward pass, and biases that are never updated."
)
STEPS, LR, BATCH, HIDDEN, CLASSES, SEED = 100, 0.5, 8, 16, 10, 0
MARGIN, TOP = 0.05, 10.0
CAUGHT = {"climbs": "climbs", "anew": "pairs inputs and labels anew", "first": "feeds the first input only"}
MISSED = {
    "shuffled": "labels shuffled once",
    "next": "labels off by one",
    "mask": "no ReLU mask in the backward pass",
    "biases": "biases never updated",
}


@cache
def data() -> dict[str, NDArray]:
    """Return the loss at each step of the right program and of the wrong ones, cut off at the panel's top."""
    return {program: course(program) for program in ("right", *CAUGHT, *MISSED)}


def course(program: str) -> NDArray:
    """Return the losses of one program on the batch; all start from the same weights."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    pixels, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(SEED)
    batch = rng.choice(len(labels), BATCH, replace=False)
    x, y = pixels[batch] / 16, labels[batch]
    W1, W2 = (rng.standard_normal(size) for size in ((x.shape[1], HIDDEN), (HIDDEN, CLASSES)))
    params = [W1 * np.sqrt(2 / len(W1)), np.zeros(HIDDEN), W2 * np.sqrt(1 / len(W2)), np.zeros(CLASSES)]
    if program == "shuffled":
        y = rng.permutation(y)
    elif program == "next":
        y = (y + 1) % CLASSES
    elif program == "first":
        x = np.repeat(x[:1], BATCH, axis=0)

    def step() -> float:
        nonlocal params
        target = rng.permutation(y) if program == "anew" else y
        logits, cache = two_layer_forward(x, *params)
        loss, d_logits = softmax_cross_entropy(logits, target)
        _, *gradients = two_layer_backward(d_logits, cache)
        if program == "mask":
            d_a = d_logits @ params[2].T
            gradients[:2] = [x.T @ d_a, d_a.sum(axis=0)]
        elif program == "biases":
            gradients[1], gradients[3] = gradients[1] * 0, gradients[3] * 0
        lr = -LR if program == "climbs" else LR
        # Multiples of 2⁻¹⁶, so that the data are those of any machine; what climbs is stopped beyond the panel.
        if loss < TOP:
            params = [np.round((w - lr * g) * 2**16) / 2**16 for w, g in zip(params, gradients, strict=True)]
        return loss

    return np.minimum(overfit_one_batch(step, steps=STEPS, margin=MARGIN)[1], TOP)


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: above what the check catches, below what it misses, the right program in both."""
    with _style.house_style() as plt:
        figure, panels = plt.subplots(2, 1, figsize=(5.2, 6.4), sharex=True)
        titles = ("caught: these programs do not get there", "missed: these do, and are wrong")
        for axes, programs, title in zip(panels, (CAUGHT, MISSED), titles, strict=True):
            for (colour, dashes), (program, words) in zip(_style.LINES, programs.items(), strict=False):
                shown = found[program][: np.count_nonzero(found[program] < TOP) + 1]
                axes.semilogy(shown, dashes, color=colour, label=words)
            axes.semilogy(found["right"], color=_style.INK, linewidth=1)
            axes.axhline(MARGIN, color=_style.MUTED, linewidth=0.8)
            axes.set(ylabel="loss on the batch", xlim=(0, STEPS), ylim=(3e-3, TOP), title=title)
        caught, missed = panels
        caught.text(77, 0.055, "margin", color=_style.INK)
        caught.text(24, 0.02, "right", color=_style.INK)
        for (colour, _), at, words in zip(_style.LINES, ((4, 5), (40, 2.6), (40, 0.75)), CAUGHT.values(), strict=False):
            caught.text(*at, words, color=colour)
        missed.legend(loc="upper right")
        missed.set_xlabel("gradient steps, η = 0.5")
        return figure
