"""Q16: the step with weight decay, what it is for plain SGD, and what it does to the weights in the long run."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def weight_decay_step(w: NDArray, g: NDArray, *, lr: float, weight_decay: float) -> NDArray:
    """Return the weights after one step against g, the gradient at w, while all of w shrinks by 1 − lr · weight_decay.

    In place of g any other direction may stand, such as Adam's: that is decoupled weight decay.

    Shapes: w (*S), g (*S) -> (*S)

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101.
    """
    return (1 - lr * weight_decay) * w - lr * g


def equivalent_l2(factor: float, *, lr: float) -> tuple[float, float]:
    """Return (lr′, λ′) with which `weight_decay_step` is an SGD step at rate lr and then a multiplication by factor.

    For 0 < factor ≤ 1.

    Shapes: factor float -> float, float
    """
    return factor * lr, (1 - factor) / (factor * lr)


def decayed_norm_bound(initial_norm: float, *, gradient_bound: float, weight_decay: float) -> float:
    """Return a norm that decayed weights never exceed, if no gradient's norm exceeds the bound and 0 < ηλ ≤ 1.

    Shapes: initial_norm float -> float
    """
    return max(initial_norm, gradient_bound / weight_decay)


def ridge_shrinkage(curvature: ArrayLike, *, weight_decay: float) -> NDArray:
    """Return h/(h + λ), what the penalty ½λ‖w‖² leaves of the minimiser along curvature h ≥ 0; 0/0 is 0.

    Shapes: curvature (*S) -> (*S)
    """
    h = np.asarray(curvature, dtype=np.float64)
    return np.where(h == 0, 0.0, h / np.where(h == 0, 1.0, h + weight_decay))


def equilibrium_norm(gradient_scale: float, *, lr: float, weight_decay: float) -> float:
    """Return the norm that a step with decay keeps, if the gradient is orthogonal to w and has norm G/‖w‖.

    G is the gradient's norm on the unit sphere; 0 < ηλ < 2.

    Shapes: gradient_scale float -> float

    Source: Wan et al., Spherical Motion Dynamics, 2020, arXiv 2006.08419, in first order of ηλ.
    """
    return float(np.sqrt(gradient_scale) * (lr / (weight_decay * (2 - lr * weight_decay))) ** 0.25)


def equilibrium_rotation(*, lr: float, weight_decay: float) -> float:
    """Return the angle in radians by which each step turns w at the equilibrium norm: arccos(1 − ηλ), 0 < ηλ < 2.

    It is computed from the sine of half the angle, because 1 − ηλ rounds a small ηλ away.

    Shapes: -> float

    Source: Kosson, Messmer and Jaggi, Rotational Equilibrium, ICML 2024, arXiv 2305.17212, in first order of ηλ.
    """
    return float(2 * np.arcsin(np.sqrt(lr * weight_decay / 2)))
