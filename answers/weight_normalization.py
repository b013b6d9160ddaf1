"""Q7: weights as a length times a direction, w = g v/‖v‖, and what that does to gradient descent."""

import numpy as np
from numpy.typing import NDArray


def weight_norm_forward(v: NDArray, g: NDArray) -> tuple[NDArray, tuple]:
    """Return W = g v/‖v‖ and a cache for the backward pass; each column of v is one unit's.

    A column of zeros has no direction: ValueError.

    Shapes: v (D, C), g (C,) -> (D, C), cache

    Source: Salimans and Kingma, Weight Normalization, NIPS 2016, arXiv 1602.07868.
    """
    length = np.linalg.norm(v, axis=0)
    if not length.all():
        raise ValueError("a column of zeros has no direction")
    direction = v / length
    return g * direction, (direction, g / length)


def weight_norm_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, NDArray]:
    """Return the gradients with respect to v and g, where d_out is the one with respect to W.

    Shapes: d_out (D, C), cache cache -> (D, C), (C,)

    Source: Salimans and Kingma, Weight Normalization, NIPS 2016, arXiv 1602.07868.
    """
    direction, scale = cache
    dg = np.sum(d_out * direction, axis=0)
    return scale * (d_out - direction * dg), dg


def weight_norm_decompose(W: NDArray) -> tuple[NDArray, NDArray]:
    """Return v and g with W = g v/‖v‖; a column of zeros has no direction: ValueError.

    Shapes: W (D, C) -> (D, C), (C,)
    """
    length = np.linalg.norm(W, axis=0)
    if not length.all():
        raise ValueError("a column of zeros has no direction")
    return W.copy(), length


def weight_norm_data_init(v: NDArray, x: NDArray) -> tuple[NDArray, NDArray]:
    """Return g and b that give each unit pre-activations of mean 0 and standard deviation 1 on the examples x.

    A unit whose pre-activations are all equal cannot be scaled so: ValueError.

    Shapes: v (D, C), x (N, D) -> (C,), (C,)

    Source: Salimans and Kingma, Weight Normalization, NIPS 2016, arXiv 1602.07868.
    """
    direction, _ = weight_norm_forward(v, np.ones(v.shape[1]))
    t = x @ direction
    if np.any(np.ptp(t, axis=0) == 0):
        raise ValueError("the pre-activations of a unit are all equal")
    g = 1 / t.std(axis=0)
    return g, -t.mean(axis=0) * g


def weight_norm_rotation(v: NDArray, dv: NDArray, *, lr: float) -> float:
    """Return the angle in radians between v ≠ 0 and v − lr dv, for dv orthogonal to v and lr ≥ 0.

    Shapes: v (D,), dv (D,) -> float
    """
    return float(np.arctan(lr * np.linalg.norm(dv) / np.linalg.norm(v)))
