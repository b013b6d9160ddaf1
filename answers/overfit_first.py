"""Q1: overfit one batch on purpose, with what it takes to fit n points, and what no network can fit."""

from collections import Counter
from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import NDArray


def overfit_one_batch(
    step: Callable[[], float], *, steps: int, floor: float = 0.0, margin: float = 0.05
) -> tuple[bool, NDArray]:
    """Return whether the loss on one batch ends within `margin` of the least possible one, and the loss at each step.

    `step()` trains once, always on the same batch, and returns the loss before its update.  Dropout, augmentation
    and weight decay are off.  `floor` is `loss_floor(x, y)` of the batch.  NaN does not pass, nor does a loss
    that is as far below the floor: no right code gets there.

    Shapes: step callable -> bool, (T,)
    """
    losses = np.array([float(step()) for _ in range(steps)])
    return bool(abs(losses[-1] - floor) <= margin), losses


def loss_floor(x: NDArray, y: NDArray) -> float:
    """Return the least mean cross-entropy, in nats, that any function of x can have on these labels.

    Equal rows of x are one input, and of each input only the shares of its labels can be learned.
    Raises ValueError for an empty batch.

    Shapes: x (N, *D), y int (N,) -> float
    """
    if len(y) == 0:
        raise ValueError("an empty batch has no mean loss")
    inputs = [tuple(row.ravel().tolist()) for row in x]
    times = Counter(inputs)
    pairs = Counter(zip(inputs, y.tolist(), strict=True))
    return sum(n * float(np.log(times[row] / n)) for (row, _), n in pairs.items()) / len(y)


def interpolate_relu(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray, float]:
    """Return knots, coefficients and bias with bias + Σ coefficients relu(x − knots) = y at all points.

    From each point but the last a unit starts, whose coefficient is the change of slope there.
    Raises ValueError if there is no point, or two have the same x.

    Shapes: x (N,), y (N,) -> (H,), (H,), float
    """
    if len(x) == 0 or len(np.unique(x)) < len(x):
        raise ValueError("needs points, all with different x")
    order = np.argsort(x)
    x, y = x[order], y[order]
    slopes = np.diff(y) / np.diff(x)
    return x[:-1], np.diff(slopes, prepend=0.0), float(y[0])


def ridge(x: NDArray, y: NDArray, *, alpha: float) -> NDArray:
    """Return the w that minimises ‖x w − y‖² + alpha ‖w‖², for one or several columns of y.

    With alpha = 0 the columns of x must be linearly independent.  Raises ValueError if alpha < 0.

    Shapes: x (N, D), y (N, *K) -> (D, *K)
    """
    if alpha < 0:
        raise ValueError(f"a penalty of {alpha} would reward large weights")
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)


def linear_dichotomies(n: int, d: int) -> int:
    """Return in how many of the 2ⁿ ways a hyperplane can divide n ≥ 1 points in general position in d dimensions.

    Shapes: n int, d int -> int

    Source: Cover, Geometrical and statistical properties of systems of linear inequalities with applications in
    pattern recognition, IEEE Transactions on Electronic Computers EC-14(3), 1965.
    """
    return 2 * sum(comb(n - 1, k) for k in range(d + 1))
