"""Q17: schedules that lower the learning rate, the error that they leave, and rates for the exceptions."""

import numpy as np
from numpy.typing import NDArray


def expected_square_errors(lrs: NDArray, *, start: float, curvature: float, noise_variance: float) -> NDArray:
    """Return E w² before the first step and after each, for SGD on ½hw² whose gradients carry independent noise.

    `lrs` are the rates of the steps, `start` is E w² at first, and the noise has mean 0.

    Shapes: lrs (T,) -> (T + 1,)
    """
    errors = [start]
    for lr in lrs:
        errors.append((1 - lr * curvature) ** 2 * errors[-1] + lr**2 * noise_variance)
    return np.array(errors)


def best_decaying_lr(step: int, *, start: float, curvature: float, noise_variance: float) -> float:
    """Return the rate that leaves the least `expected_square_errors` after this step and every later one.

    `step` counts from 0; start > 0 and curvature > 0.

    Shapes: step int -> float
    """
    return 1 / (curvature * (step + 1) + noise_variance / (curvature * start))


def one_over_t_lr(step: int, *, curvature: float = 1.0) -> float:
    """Return 1/(ht) for the step t = step + 1; the curvature is positive.

    Shapes: step int -> float
    """
    return 1 / (curvature * (step + 1))


def cosine_lr(step: int, *, lr: float, total_steps: int, min_lr: float = 0.0) -> float:
    """Return the rate that falls from lr at step 0 along half a cosine to min_lr at total_steps, and stays there.

    Raises ValueError if total_steps < 1.

    Shapes: step int -> float

    Source: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017.
    """
    if total_steps < 1:
        raise ValueError("a schedule takes one step at least")
    angle = np.pi * min(step, total_steps) / total_steps
    return float(min_lr + (lr - min_lr) * (1 + np.cos(angle)) / 2)


def tracking_lr(drift_variance: float, *, noise_variance: float) -> float:
    """Return the best constant rate on ½(w − x)², where x is a random walk's position plus noise: the Kalman gain.

    The variances are those of one step of the walk and of the noise; not both are 0.

    Shapes: drift_variance float -> float
    """
    q, s = drift_variance, noise_variance
    return float(2 * q / (q + np.sqrt(q * (q + 4 * s)))) if q > 0 else 0.0


def kaczmarz_step(w: NDArray, x: NDArray, y: float) -> NDArray:
    """Return the point nearest to w that fits the example, x·w = y; a copy of w if x = 0.

    It is the gradient step on ½(x·w − y)² with the rate 1/‖x‖².

    Shapes: w (D,), x (D,), y float -> (D,)
    """
    square = x @ x
    return w - (x @ w - y) / square * x if square > 0 else w.copy()


def equivalent_increasing_lr(step: int, *, lr: float, weight_decay: float) -> float:
    """Return the rate without weight decay that on a scale-invariant loss does what (lr, weight_decay) does.

    `step` counts from 0, and lr · weight_decay < 1.

    Shapes: step int -> float

    Source: Li and Arora, An Exponential Learning Rate Schedule for Deep Learning, 2020.
    """
    return float(lr * (1 - lr * weight_decay) ** (-2 * step - 1))
