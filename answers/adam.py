"""Q20: Adam, its relatives and SGD with momentum, and the numbers that tell how they differ."""

import numpy as np
from numpy.typing import NDArray

from answers.gradient_update import max_stable_lr


def momentum_step(
    w: NDArray,
    g: NDArray,
    buf: NDArray,
    *,
    lr: float,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
) -> tuple[NDArray, NDArray]:
    """Return the weights after a step of SGD with momentum, and the buffer, which starts as zeros.

    Shapes: w (*S), g (*S), buf (*S) -> (*S), (*S)
    """
    buf = momentum * buf + (1 - dampening) * g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


def _averages(g: NDArray, m: NDArray, v: NDArray, betas: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """Return the moving averages of the gradient and of its square."""
    return betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2


def _quotient(m: NDArray, v: NDArray, eps: float) -> NDArray:
    """Return m / (√v + eps), and 0 wherever that would divide by 0."""
    root = np.sqrt(v) + eps
    return np.divide(m, root, out=np.zeros_like(root), where=root > 0)


def adam_step(
    w: NDArray,
    g: NDArray,
    m: NDArray,
    v: NDArray,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the weights after step t = 1, 2, … of Adam, and its state m, v, which starts as zeros.

    `weight_decay` is an L2 penalty: it is added to the gradient.  With eps = 0 a weight whose
    squared gradients are all 0, or too small for a float, stays.  Raises ValueError if t < 1.

    Shapes: w (*S), g (*S), m (*S), v (*S) -> (*S), (*S), (*S)

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    """
    if t < 1:
        raise ValueError("t counts from 1: before the first step there is nothing to correct")
    m, v = _averages(g + weight_decay * w, m, v, betas)
    return w - lr * _quotient(m / (1 - betas[0] ** t), v / (1 - betas[1] ** t), eps), m, v


def adamw_step(
    w: NDArray,
    g: NDArray,
    m: NDArray,
    v: NDArray,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the weights after step t of AdamW, and its state: the decay acts on the weights alone.

    Shapes: w (*S), g (*S), m (*S), v (*S) -> (*S), (*S), (*S)

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    return adam_step(w * (1 - lr * weight_decay), g, m, v, t=t, lr=lr, betas=betas, eps=eps)


def amsgrad_step(
    w: NDArray,
    g: NDArray,
    m: NDArray,
    v: NDArray,
    v_max: NDArray,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return the weights after a step of AMSGrad as published, without bias correction, and its state.

    Shapes: w (*S), g (*S), m (*S), v (*S), v_max (*S) -> (*S), (*S), (*S), (*S)

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, Algorithm 2.
    """
    m, v = _averages(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    return w - lr * _quotient(m, v_max, eps), m, v, v_max


def adam_step_bound(t: float, *, betas: tuple[float, float] = (0.9, 0.999)) -> float:
    """Return the largest step of Adam at step t, in units of lr; at t = inf, the largest of all, which may be inf.

    For 0 ≤ β₁ < 1 and 0 < β₂ < 1.

    Shapes: t float -> float
    """
    beta1, beta2 = betas
    ratio = beta1**2 / beta2
    terms = t if ratio == 1 else (1 - ratio**t) / (1 - ratio)  # of a geometric sum
    return float((1 - beta1) / (1 - beta1**t) * np.sqrt((1 - beta2**t) / (1 - beta2) * terms))


def reddi_drift(beta2: float, *, gradient: float) -> float:
    """Return how far Adam with β₁ = 0 moves towards −1, in units of lr, while it sees the gradients C, −1, −1.

    `gradient` is C, and the averages of the squares have settled.  Below 0, Adam moves towards +1.

    Shapes: beta2 float -> float
    """
    C, b = gradient, beta2
    moves = C / np.sqrt(C**2 + b + b**2) - 1 / np.sqrt(1 + b * C**2 + b**2) - 1 / np.sqrt(1 + b + b**2 * C**2)
    return float(np.sqrt(1 + b + b**2) * moves)


def max_stable_lr_of_ema(curvature: float, *, beta: float) -> float:
    """Return the rate below which descent with averaged gradients, m ← βm + (1 − β)g, converges on a quadratic.

    Shapes: curvature float -> float
    """
    return max_stable_lr(curvature) * (1 + beta) / (1 - beta)
