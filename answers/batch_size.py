"""Q18.1–18.3: what a batch of 1, of some, or of all examples does to a step, and the rate that goes with it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def updates_per_epoch(examples: int, *, batch_size: int) -> int:
    """Return how many updates, one after the other, an epoch makes if its last batch may be smaller.

    Shapes: examples int -> int
    """
    return -(-examples // batch_size)


def expected_decrease(
    gradient_squared_norm: float, *, lr: float, smoothness: float, noise_variance: float, batch_size: int
) -> float:
    """Return by how much a step lowers ½L‖w‖² on average, if one example's gradient has the given noise variance σ².

    The first term is that of the full gradient, the second the price of the noise; negative if the loss rises.

    Shapes: gradient_squared_norm float -> float

    Source: Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM Review 60(2), 2018.
    """
    price = lr**2 * smoothness * noise_variance / (2 * batch_size)
    return lr * gradient_squared_norm * (1 - lr * smoothness / 2) - price


def max_mean_square_stable_lr(curvatures: NDArray, *, batch_size: int = 1) -> float:
    """Return the rate below which E w² falls, for examples with losses ½hᵢw², hᵢ ≥ 0, drawn with replacement.

    It tends to 2/m, m the mean of the curvatures, as the batch grows; infinite if all are 0.

    Shapes: curvatures (N,) -> float

    Source: Ma, Bassily and Belkin, The Power of Interpolation, ICML 2018, arXiv 1712.06559.
    """
    mean = float(np.mean(curvatures))
    return 2 / (mean + float(np.var(curvatures)) / (batch_size * mean)) if mean > 0 else math.inf


def accumulation_weights(sizes: NDArray[np.integer]) -> NDArray:
    """Return the factors with which the mean gradients of micro-batches add up to the mean gradient of them all.

    Shapes: sizes int (K,) -> (K,)
    """
    return sizes / np.sum(sizes)


def scaled_lr(lr: float, *, base_batch_size: int, batch_size: int, rule: str = "linear") -> float:
    """Return the rate for another batch size, by the rule "linear" (η ∝ B) or "sqrt" (η ∝ √B).

    Raises ValueError if a batch size is below 1 or the rule is neither.

    Shapes: lr float -> float

    Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997, 2014.
    """
    if min(base_batch_size, batch_size) < 1:
        raise ValueError("a batch has at least one example")
    ratio = batch_size / base_batch_size
    if rule == "linear":
        return lr * ratio
    if rule == "sqrt":
        return lr * math.sqrt(ratio)
    raise ValueError(f"the rule is 'linear' or 'sqrt', not {rule!r}")


def second_order_gap(hessians: Sequence[NDArray], gradients: Sequence[NDArray], *, lr: float) -> NDArray:
    """Return η² Σ_{i<j} Hⱼgᵢ: how far k steps of rate η are from one of rate kη on their union, to second order.

    gᵢ and Hᵢ are gradient and Hessian of batch i at the common start.

    Shapes: hessians list, gradients list -> (D,)
    """
    gap = moved = np.zeros_like(gradients[0])
    for H, g in zip(hessians, gradients, strict=True):
        gap = gap + H @ moved
        moved = moved + g
    return lr**2 * gap


def optimal_lr(max_lr: float, *, noise_scale: float, batch_size: int) -> float:
    """Return the rate whose step lowers a quadratic most on average; max_lr is the one without noise.

    Shapes: max_lr float -> float

    Source: McCandlish et al., An Empirical Model of Large-Batch Training, arXiv 1812.06162, 2018.
    """
    return max_lr / (1 + noise_scale / batch_size)


def steps_to_target(min_steps: float, *, noise_scale: float, batch_size: int) -> float:
    """Return the steps that a batch size needs where the full gradient would need min_steps.

    Shapes: min_steps float -> float

    Source: McCandlish et al., An Empirical Model of Large-Batch Training, arXiv 1812.06162, 2018.
    """
    return min_steps * (1 + noise_scale / batch_size)


def noise_scale_estimate(
    small_squared_norm: float, big_squared_norm: float, *, small_batch_size: int, big_batch_size: int
) -> tuple[float, float]:
    """Return ‖g‖² and the trace of one example's gradient covariance, from mean squared norms at two batch sizes.

    Average both over many batches before you divide the second by the first.  Raises ValueError if the sizes are equal.

    Shapes: small_squared_norm float, big_squared_norm float -> float, float

    Source: McCandlish et al., An Empirical Model of Large-Batch Training, arXiv 1812.06162, 2018.
    """
    b, B = small_batch_size, big_batch_size
    if b == B:
        raise ValueError(f"two batch sizes are needed, not {b} twice")
    gradient_squared_norm = (B * big_squared_norm - b * small_squared_norm) / (B - b)
    trace_covariance = (small_squared_norm - big_squared_norm) / (1 / b - 1 / B)
    return gradient_squared_norm, trace_covariance


def sign_agreement(signal_to_noise: float, *, batch_size: int) -> float:
    """Return the mean sign of a batch gradient, if one example's is normal with this ratio of mean to deviation.

    Shapes: signal_to_noise float -> float
    """
    return math.erf(signal_to_noise * math.sqrt(batch_size / 2))
