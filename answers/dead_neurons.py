"""Q27: dead ReLU units: what they are, how they are found, what kills them, and what keeps them alive."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def dead_units(z: NDArray) -> NDArray:
    """Return which ReLU units are dead on these data: pre-activation z ≤ 0 for every example.

    Without examples all are: nothing has shown that they live.

    Shapes: z (N, H) -> bool (H,)
    """
    dead: NDArray = np.all(z <= 0, axis=0)
    return dead


def dead_units_streaming(batches: Iterable[NDArray]) -> NDArray:
    """Return which units are dead on all batches of pre-activations (n, H); each is read once and none is kept.

    Raises ValueError if there is no batch, for then the number of units is unknown.

    Shapes: batches list -> bool (H,)
    """
    dead = None
    for z in batches:
        dead = dead_units(z) if dead is None else dead & dead_units(z)
    if dead is None:
        raise ValueError("no batch: the number of units is unknown")
    return dead


def dead_on_box(w: NDArray, b: float, low: NDArray, high: NDArray) -> bool:
    """Return whether w·x + b ≤ 0 for every x with low ≤ x ≤ high.

    Shapes: w (D,), b float, low (D,), high (D,) -> bool
    """
    return bool(np.maximum(w * low, w * high).sum() + b <= 0)


def dead_on_ball(w: NDArray, b: float, *, radius: float) -> bool:
    """Return whether w·x + b ≤ 0 for every x with ‖x‖ ≤ radius.

    Shapes: w (D,), b float -> bool
    """
    return bool(radius * np.linalg.norm(w) + b <= 0)


def killing_lr(z: float, delta: float, x: NDArray) -> float:
    """Return the least learning rate at which one step on example x takes its pre-activation from z > 0 to 0 or less.

    `delta` is the loss's derivative with respect to z; the step moves weights and bias.  Infinite if delta ≤ 0:
    then the step raises z.

    Shapes: z float, delta float, x (D,) -> float
    """
    return z / (delta * float(x @ x + 1)) if delta > 0 else math.inf


def alive_probability(width: int, *, depth: int) -> float:
    """Return the probability that a fresh ReLU network passes something of one non-zero input through all its layers.

    Weights are independent with continuous distributions symmetric about 0, biases are 0, all layers have one width.

    Shapes: width int -> float

    Source: Lu, Shin, Su and Karniadakis, Dying ReLU and Initialization: Theory and Numerical Examples, arXiv 2019,
    1903.06733.
    """
    return (1 - 0.5**width) ** depth


def miss_probability(active_fraction: float, *, examples: int) -> float:
    """Return the probability that a unit that fires on this fraction of the data is silent on a sample of it.

    The examples are drawn independently.

    Shapes: active_fraction float -> float
    """
    return (1 - active_fraction) ** examples


def examples_needed(active_fraction: float, *, miss: float) -> int:
    """Return the least number n of examples with (1 − active_fraction)ⁿ ≤ miss, where 0 < miss < 1.

    Raises ValueError if the fraction is 0: no number suffices.

    Shapes: active_fraction float -> int
    """
    if active_fraction == 0:
        raise ValueError("a unit that never fires is dead: no number of examples shows it alive")
    if active_fraction == 1:
        return 1
    n = math.log(miss) / math.log1p(-active_fraction)
    # Rounding must not lift a whole number above itself.
    return math.ceil(n * (1 - 1e-15))


def revival_steps(z: float, delta: float, x: NDArray, *, lr: float, negative_slope: float) -> int | None:
    """Return how many steps on example x take a leaky unit from z ≤ 0 to z > 0, None if none do.

    `delta` < 0 is the loss's derivative with respect to the unit's output, and stays as it is.

    Shapes: z float, delta float, x (D,) -> value
    """
    if negative_slope == 0:
        return None
    return math.floor(z / (lr * negative_slope * delta * (x @ x + 1))) + 1
