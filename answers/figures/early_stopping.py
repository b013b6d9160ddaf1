"""Q9: one validation curve, and the epochs that the criteria choose on it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.early_stopping import early_stop, generalization_loss, progress_quotient, up_stop
from answers.figures import _style

ALT = (
    "Two panels over fifty epochs. Above, the validation loss: it falls steeply, wavers, has its minimum at epoch 10, "
    "which is restored, and then rises unevenly. Marked on it are the epochs at which criteria stop: a patience of 2 "
    "at epoch 7, before the minimum; a patience of 10 at epoch 20; UP with three strips at epoch 24; GL above 5 per "
    "cent at epoch 30, where the curve crosses the line 5 per cent above its minimum; PQ above a half at epoch 34. "
    "Below, the training loss, which only falls."
)
EPOCHS, STRIP, STRIPS = 50, 5, 3
PATIENCE, HASTE = 10, 2
GL_LIMIT, PQ_LIMIT = 5.0, 0.5


def curves() -> tuple[NDArray, NDArray]:
    """Return training and validation loss of linear regression on 40 noisy examples of 30 inputs, batch size 4."""
    rng = np.random.default_rng(3)
    true = rng.standard_normal(30)
    x, x_val = rng.standard_normal((40, 30)), rng.standard_normal((60, 30))
    y, y_val = x @ true + 4 * rng.standard_normal(40), x_val @ true + 4 * rng.standard_normal(60)
    w, losses = np.zeros(30), []
    for _ in range(EPOCHS):
        for batch in rng.permutation(40).reshape(-1, 4):
            w = w - 0.02 * x[batch].T @ (x[batch] @ w - y[batch]) / 4
        losses.append([np.mean((x @ w - y) ** 2), np.mean((x_val @ w - y_val) ** 2)])
    train, val = np.transpose(losses)
    return train, val


def data() -> dict[str, NDArray]:
    """Return the losses, GL, PQ at the strips' ends, and the chosen epochs: patience 2 and 10, UP, GL, PQ, minimum."""
    train, val = curves()
    gl = generalization_loss(val)
    ends = range(STRIP - 1, EPOCHS, STRIP)
    pq = np.array([progress_quotient(val[: t + 1], train[: t + 1], strip_length=STRIP) for t in ends])
    stops = [
        early_stop(val, patience=HASTE)[0],
        early_stop(val, patience=PATIENCE)[0],
        up_stop(val, strips=STRIPS, strip_length=STRIP),
        np.flatnonzero(gl > GL_LIMIT)[0],
        ends[np.flatnonzero(pq > PQ_LIMIT)[0]],
        early_stop(val, patience=PATIENCE)[1],
    ]
    return {"train": train, "val": val, "gl": gl, "pq": pq, "stops": np.array(stops, dtype=np.float64)}


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the validation loss with the epochs chosen, and the training loss."""
    names = ("patience 2", "patience 10", "UP₃", "GL > 5 %", "PQ > ½", "restored")
    sides = ("center", "right", "center", "center", "center", "center")
    heights = (36.3, 37.1, 37.9, 38.7, 39.5, 33.9)
    train, val = found["train"], found["val"]
    with _style.house_style() as plt:
        figure, (above, below) = plt.subplots(2, 1, figsize=(5.2, 5.4), height_ratios=[2.4, 1], sharex=True)
        above.plot(val, color=_style.BLUE)
        above.axhline((1 + GL_LIMIT / 100) * val.min(), color=_style.MUTED, linestyle=":", linewidth=1.2)
        above.text(EPOCHS - 1, 36.0, "5 % above the least", ha="right", va="top", fontsize=9)
        for name, side, epoch, end in zip(names, sides, found["stops"].astype(int), heights, strict=True):
            restored = name == "restored"
            above.plot([epoch, epoch], [val[epoch], end], color=_style.MUTED, linewidth=0.8)
            above.plot(epoch, val[epoch], "D" if restored else "o", color=_style.INK, markersize=6 if restored else 5)
            above.text(epoch, end, name, ha=side, va="top" if restored else "bottom", fontsize=9)
        below.plot(train, "--", color=_style.ORANGE)
        above.set(ylabel="squared error", ylim=(33.4, 40.2), title="Validation loss, and where each criterion stops")
        below.set(xlabel="epochs", ylabel="squared error", xlim=(0, EPOCHS - 1), ylim=(0, None), title="Training loss")
        return figure
