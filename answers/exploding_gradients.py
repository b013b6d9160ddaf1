"""Q6: telling that gradients explode, clipping them, and why recurrent networks are prone to it."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, Fraction)


def global_norm(grads: Sequence[NDArray]) -> float:
    """Return the Euclidean norm of all entries of all tensors together, 0 if there are none.

    Entries are scaled by a power of two before they are squared, so only a norm above the largest float
    overflows.  One NaN or infinity anywhere makes the norm non-finite.

    Shapes: grads list -> float
    """
    entries = np.concatenate([np.zeros(1), *(np.ravel(g) for g in grads)])
    largest = np.abs(entries).max()
    if not np.isfinite(largest):
        return float(largest)
    _, exponent = np.frexp(largest)
    return float(np.ldexp(np.sqrt(np.sum(np.ldexp(entries, -exponent) ** 2)), exponent))


def clip_by_global_norm(grads: Sequence[NDArray], *, max_norm: float) -> tuple[list[NDArray], float]:
    """Return the gradients, shortened together to `max_norm` if they are longer, and their norm before that.

    Gradients with a NaN or an infinity come back as they are: look at the norm, and skip the step.
    Raises ValueError if max_norm is not positive.

    Shapes: grads list -> list, float

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, arXiv 1211.5063.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is positive, not {max_norm}")
    norm = global_norm(grads)
    if max_norm < norm < np.inf:
        return [g / norm * max_norm for g in grads], norm
    return [g.copy() for g in grads], norm


def clip_by_value(grads: Sequence[NDArray], *, clip_value: float) -> list[NDArray]:
    """Return the gradients with each entry moved into [−clip_value, clip_value]; NaN stays NaN.

    Shapes: grads list -> list
    """
    return [np.clip(g, -clip_value, clip_value) for g in grads]


def value_clip_cosine_bound(clipped: NDArray, *, clip_value: float) -> float:
    """Return the least cosine between a gradient and `clipped`, what clip_by_value made of it.

    Shapes: clipped (N,) -> float
    """
    return clip_value / max(clip_value, global_norm([clipped]))


def unscale_and_clip(grads: Sequence[NDArray], *, scale: float, max_norm: float) -> tuple[list[NDArray], float]:
    """Return the gradients of a loss that was multiplied by `scale`, unscaled and then clipped, and their norm.

    Shapes: grads list -> list, float
    """
    return clip_by_global_norm([g / scale for g in grads], max_norm=max_norm)


def average_and_clip(micro_grads: Sequence[Sequence[NDArray]], *, max_norm: float) -> tuple[list[NDArray], float]:
    """Return the mean gradient of equally large micro-batches, clipped once, and its norm.

    Raises ValueError if there is no micro-batch.

    Shapes: micro_grads list -> list, float
    """
    if not micro_grads:
        raise ValueError("there is no micro-batch")
    return clip_by_global_norm([np.mean(g, axis=0) for g in zip(*micro_grads, strict=True)], max_norm=max_norm)


def diagnose_gradients(norms: NDArray, *, limit: float = 1000.0) -> str:
    """Return "exploding", "vanishing" or "healthy", from how the gradient's norm changes on its way back.

    norms[l] is the norm of the loss's gradient with respect to the input of layer l, and the last one that
    with respect to the network's output.  More than `limit` times larger at the network's input than at its
    output is exploding, and so is any NaN or infinity; more than `limit` times smaller is vanishing.

    Shapes: norms (L,) -> value
    """
    at_input, at_output = float(norms[0]), float(norms[-1])
    if not np.isfinite(norms).all() or at_input > limit * at_output:
        return "exploding"
    return "vanishing" if limit * at_input < at_output else "healthy"


def float16_square_overflows(x: NDArray) -> NDArray[np.bool_]:
    """Return where the square of a float16 number is infinite in float16.

    Shapes: x (*S) -> bool (*S)
    """
    return np.abs(x) >= 256


def rnn_forward(x: NDArray, h0: NDArray, Wx: NDArray, Wh: NDArray, b: NDArray) -> tuple[NDArray, Any]:
    """Return the states h_1 … h_T of h_t = tanh(x_t Wx + h_{t−1} Wh + b), and a cache for the backward pass.

    Shapes: x (B, T, D), h0 (B, H), Wx (D, H), Wh (H, H), b (H,) -> (B, T, H), cache
    """
    states = [h0]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t] @ Wx + states[t] @ Wh + b))
    h = np.stack(states, axis=1)
    return h[:, 1:], (x, h, Wx, Wh)


def rnn_backward(
    d_out: NDArray, cache: Any, *, truncate: int | None = None
) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return the gradients with respect to x, h0, Wx, Wh and b: backpropagation through time.

    d_out holds the gradient that each state gets directly.  With truncate=k a gradient at the last state
    goes back through the last k steps and no further: the state before them counts as a constant.

    Shapes: d_out (B, T, H), cache cache -> (B, T, D), (B, H), (D, H), (H, H), (H,)
    """
    x, h, Wx, Wh = cache
    steps = d_out.shape[1]
    first = 0 if truncate is None else max(0, steps - truncate)
    d_z, carry = np.zeros_like(d_out), np.zeros_like(h[:, 0])
    for t in reversed(range(first, steps)):
        d_z[:, t] = (d_out[:, t] + carry) * (1 - h[:, t + 1] ** 2)
        carry = d_z[:, t] @ Wh.T
    dh0 = carry if first == 0 else np.zeros_like(carry)
    dWx, dWh = np.einsum("btd,bth->dh", x, d_z), np.einsum("btk,bth->kh", h[:, :-1], d_z)
    return d_z @ Wx.T, dh0, dWx, dWh, d_z.sum(axis=(0, 1))


def rnn_gradient_bound(Wh: NDArray, *, steps: int, max_slope: float = 1.0) -> float:
    """Return how many times longer a gradient can be `steps` states earlier, at most.

    `max_slope` is the largest slope of the activation: 1 for tanh, ¼ for the sigmoid.

    Shapes: Wh (H, H) -> float
    """
    return float((max_slope * np.linalg.norm(Wh, 2)) ** steps)


def log_gain_variance(variance: Number, *, depth: int, tied: bool) -> Number:
    """Return the variance of ln|g₁ ⋯ g_depth| if each ln|gᵢ| has the given one: all the same g, or independent.

    Shapes: variance value -> value
    """
    return variance * (depth**2 if tied else depth)


def orthogonal_init(n: int, *, rng: np.random.Generator) -> NDArray:
    """Return a random orthogonal matrix.

    Shapes: n int -> (n, n)

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, ICLR 2014, arXiv 1312.6120.
    """
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def cell_state_gradient(forget_gates: NDArray) -> NDArray:
    """Return ∂c_T/∂c_0 of an LSTM's cells along the cell path, all gates and candidates taken as given.

    Shapes: forget_gates (T, H) -> (H,)

    Source: Gers, Schmidhuber and Cummins, Learning to Forget, Neural Computation 12(10), 2000.
    """
    return forget_gates.prod(axis=0)


def chrono_forget_bias(time_scale: float) -> float:
    """Return the bias at which a forget gate is 1 − 1/time_scale, so that a cell remembers for about so many steps.

    Raises ValueError for a time scale below 2.

    Shapes: time_scale float -> float

    Source: Tallec and Ollivier, Can recurrent neural networks warp time?, ICLR 2018, arXiv 1804.11188.
    """
    if time_scale < 2:
        raise ValueError(f"a time scale is at least 2, not {time_scale}")
    return math.log(time_scale - 1)
