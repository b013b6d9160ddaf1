"""Q2: the plain gradient step, on an array and on a dict of parameters, and the rates at which it is stable."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Params = dict[str, NDArray]


def sgd_step(w: NDArray, g: NDArray, *, lr: float) -> NDArray:
    """Return the weights after one step against g, the gradient of the loss at w, as a new array.

    Shapes: w (*S), g (*S) -> (*S)
    """
    return w - lr * g


def simultaneous_step(params: Params, gradient: Callable[[Params], Params], *, lr: float) -> Params:
    """Return all parameters after one step, as a new dict; `gradient` takes the dict and returns one with its keys.

    Shapes: params dict, gradient callable -> dict
    """
    g = gradient(params)  # once, and before anything moves
    return {name: sgd_step(w, g[name], lr=lr) for name, w in params.items()}


def max_stable_lr(curvature: ArrayLike) -> float:
    """Return 2/h for the largest h of the curvatures: below this rate, descent on the quadratic converges.

    Infinite if all are 0.  Raises ValueError if one is negative, or if there is none.

    Shapes: curvature (*S) -> float
    """
    largest = float(np.max(curvature))
    if np.min(curvature) < 0:
        raise ValueError("a direction of negative curvature has no stable rate")
    return 2 / largest if largest > 0 else np.inf


def guaranteed_decrease(g: NDArray, *, lr: float, smoothness: float) -> float:
    """Return η (1 − ηL/2) ‖g‖², by which a step with rate η lowers an L-smooth loss at least; negative if η > 2/L.

    Shapes: g (*S) -> float

    Source: Nesterov, Introductory Lectures on Convex Optimization: A Basic Course, 2004.
    """
    return float(lr * (1 - lr * smoothness / 2) * np.sum(g**2))
