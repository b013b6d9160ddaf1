"""Q9: when to stop training: patience, Prechelt's criteria, and what stopping early does to the weights."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def early_stop(losses: NDArray, *, patience: int, min_delta: float = 0.0) -> tuple[int | None, int]:
    """Return the epoch after which training stops, None if it does not, and the epoch whose weights to restore.

    Epochs count from 0.  The first improves, and so does each that is below the last improving one by
    more than min_delta; NaN never does.  Training stops `patience` epochs after the last improvement.
    Raises ValueError for no losses, patience < 1 or min_delta < 0.

    Shapes: losses (T,) -> value, int
    """
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("give losses, a patience of at least 1, and a min_delta of at least 0")
    best, best_epoch = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return None, best_epoch


def generalization_loss(losses: NDArray) -> NDArray:
    """Return Prechelt's GL: by how many per cent each validation loss lies above the least one so far.

    Raises ValueError for a loss that is not positive.

    Shapes: losses (T,) -> (T,)

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    if np.any(losses <= 0):
        raise ValueError("a ratio of losses says nothing unless all are positive")
    return 100 * (losses / np.minimum.accumulate(losses) - 1)


def training_progress(losses: NDArray, *, strip_length: int) -> float:
    """Return Prechelt's P: by how many per mille the last strip's mean training loss lies above its least.

    Losses are positive.  Raises ValueError if there are fewer than strip_length.

    Shapes: losses (T,) -> float

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    if len(losses) < strip_length:
        raise ValueError(f"{len(losses)} losses are no strip of {strip_length}")
    strip = losses[-strip_length:]
    return 1000 * float(np.mean(strip / strip.min() - 1))


def progress_quotient(val_losses: NDArray, train_losses: NDArray, *, strip_length: int) -> float:
    """Return Prechelt's PQ at the last epoch, GL over P: 0 if GL is 0, and infinite if only P is.

    Shapes: val_losses (T,), train_losses (T,) -> float

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    loss = float(generalization_loss(val_losses)[-1])
    progress = training_progress(train_losses, strip_length=strip_length)
    if progress == 0:
        return math.inf if loss > 0 else 0.0
    return loss / progress


def up_stop(losses: NDArray, *, strips: int, strip_length: int) -> int | None:
    """Return the epoch at which Prechelt's UP stops: the validation loss rose in so many strips in a row; else None.

    Only the last epochs of the strips are compared.

    Shapes: losses (T,) -> value

    Source: Prechelt, Early Stopping – But When?, LNCS 1524, 1998.
    """
    rose = np.diff(losses[strip_length - 1 :: strip_length]) > 0
    for last in range(strips, len(rose) + 1):
        if rose[last - strips : last].all():
            return (last + 1) * strip_length - 1
    return None


def gd_filter(curvature: ArrayLike, *, lr: float, steps: int) -> NDArray:
    """Return the share of the minimiser that descent from 0 reaches along a direction of this curvature.

    Shapes: curvature (*S) -> (*S)
    """
    return 1 - (1 - lr * np.asarray(curvature)) ** steps


def equivalent_ridge(curvature: float, *, lr: float, steps: int) -> float:
    """Return the α at which ridge regression leaves h/(h + α) = gd_filter(h), for 0 < ηh < 1 and steps ≥ 1.

    Shapes: curvature float -> float
    """
    log_left = steps * math.log1p(-lr * curvature)
    return curvature * math.exp(log_left) / -math.expm1(log_left)
