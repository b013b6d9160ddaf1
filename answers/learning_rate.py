"""Q13: what the learning rate does to the curve of the training loss, and what warmup does to the learning rate."""

import math

import numpy as np
from numpy.typing import NDArray


def quadratic_losses(w: NDArray, curvatures: NDArray, *, lr: float, steps: int) -> NDArray:
    """Return the loss ½Σhᵢwᵢ² at the start w and after each of the steps of gradient descent.

    Shapes: w (D,), curvatures (D,) -> (T,)
    """
    t = np.arange(steps + 1)[:, np.newaxis]
    return np.sum(curvatures * (w * (1 - lr * curvatures) ** t) ** 2, axis=1) / 2


def steps_to_reach(curvature: float, *, lr: float, factor: float) -> float:
    """Return how many steps of descent on ½hw² shrink |w| to `factor` of what it was, 0 < factor < 1.

    The number is real: after t steps |w| is |1 − ηh|ᵗ times what it was.  Infinite if it does not shrink.

    Shapes: curvature float -> float
    """
    distance = min(lr * curvature, 2 - lr * curvature)  # |1 − ηh| is 1 minus this
    if distance <= 0:
        return math.inf
    if distance == 1:
        return 0.0
    return math.log(factor) / math.log1p(-distance)


def sqrt_loss_plateau(lr: float) -> float:
    """Return the loss on which descent on √(1 + w²) settles, from any start whose path misses 0.

    Shapes: lr float -> float
    """
    return max(1.0, lr / 2)


def warmup_lr(step: int, *, lr: float, warmup_steps: int) -> float:
    """Return the rate of the update after `step` ≥ 0 others: it rises in equal steps to lr, and stays.

    Without warmup steps it is lr from the start.

    Shapes: step int -> float

    Source: Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, arXiv 1706.02677.
    """
    return lr * min(1.0, (step + 1) / max(warmup_steps, 1))


def noam_lr(step: int, *, d_model: int, warmup_steps: int) -> float:
    """Return the rate of the Transformer: a linear warmup, then a decay as one over the root of the step.

    Shapes: step int -> float

    Source: Vaswani et al., Attention Is All You Need, NIPS 2017, arXiv 1706.03762.
    """
    t = step + 1
    return d_model**-0.5 * min(t**-0.5, t * warmup_steps**-1.5)


def bias_correction_factor(t: int, *, betas: tuple[float, float] = (0.9, 0.999)) -> float:
    """Return the factor √(1 − β₂ᵗ)/(1 − β₁ᵗ) by which bias correction changes Adam's rate at step t ≥ 1.

    Shapes: t int -> float

    Source: Ma and Yarats, On the adequacy of untuned warmup for adaptive optimization, AAAI 2021, arXiv 1910.04209.
    """
    beta1, beta2 = betas
    return math.sqrt(1 - beta2**t) / (1 - beta1**t)


def adaptive_lr_variance(samples: float) -> float:
    """Return the variance of 1/√(mean of ρ squares of N(0, 1)) for a number ρ of samples; infinite for ρ ≤ 2.

    Shapes: samples float -> float

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020, arXiv 1908.03265.
    """
    if samples <= 2:
        return math.inf
    mean_inverse_root = math.exp(math.lgamma((samples - 1) / 2) - math.lgamma(samples / 2)) * math.sqrt(samples / 2)
    return samples / (samples - 2) - mean_inverse_root**2
