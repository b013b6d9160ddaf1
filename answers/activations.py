"""Q4: sigmoid, tanh, ReLU and leaky ReLU, their derivatives, and what is built from them.

All functions of x alone work entry by entry, on any shape; float32 stays float32.
"""

import numpy as np
from numpy.typing import NDArray


def sigmoid(x: NDArray) -> NDArray:
    """Return σ(x) = 1/(1 + e⁻ˣ); no exponential here can overflow, and none cancels.

    Shapes: x (*S) -> (*S)
    """
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def tanh(x: NDArray) -> NDArray:
    """Return (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ), which is 2σ(2x) − 1, without overflow and accurate around 0, too.

    Shapes: x (*S) -> (*S)
    """
    t = np.expm1(-2 * np.abs(x))
    return np.copysign(t / (t + 2), x)


def relu(x: NDArray) -> NDArray:
    """Return the positive part max(x, 0).

    Shapes: x (*S) -> (*S)
    """
    return np.maximum(x, 0.0)


def leaky_relu(x: NDArray, *, negative_slope: float = 0.01) -> NDArray:
    """Return x where it is positive, negative_slope · x elsewhere; any real slope will do.

    Shapes: x (*S) -> (*S)
    """
    return np.maximum(x, 0.0) + negative_slope * np.minimum(x, 0.0)


def sigmoid_grad(x: NDArray) -> NDArray:
    """Return σ′(x) = σ(x)(1 − σ(x)), at the input x and not at the output.

    1 − σ(x) is written σ(−x), which does not cancel where σ(x) is close to 1.

    Shapes: x (*S) -> (*S)
    """
    return sigmoid(x) * sigmoid(-x)


def sigmoid_second_derivative(x: NDArray) -> NDArray:
    """Return σ″(x) = σ′(x)(1 − 2σ(x)).

    Shapes: x (*S) -> (*S)
    """
    return sigmoid_grad(x) * (1 - 2 * sigmoid(x))


def tanh_grad(x: NDArray) -> NDArray:
    """Return tanh′(x) = 1 − tanh²(x) = 4σ′(2x), at the input x; the second form does not cancel.

    Shapes: x (*S) -> (*S)
    """
    return 4 * sigmoid_grad(2 * x)


def relu_grad(x: NDArray) -> NDArray:
    """Return 1 where x is positive and 0 elsewhere; at 0, where there is no derivative, 0 is a choice.

    Shapes: x (*S) -> (*S)
    """
    return np.heaviside(x, 0.0)


def leaky_relu_grad(x: NDArray, *, negative_slope: float = 0.01) -> NDArray:
    """Return 1 where x is positive and negative_slope elsewhere, 0 included.

    Shapes: x (*S) -> (*S)
    """
    positive = np.heaviside(x, 0.0)
    return positive + negative_slope * (1 - positive)


def softplus(x: NDArray, *, beta: float = 1.0) -> NDArray:
    """Return ln(1 + e^(βx))/β, a smooth ReLU, for β > 0; no exponential here can overflow.

    Shapes: x (*S) -> (*S)
    """
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(beta * x))) / beta


def sigmoid_jacobian(x: NDArray) -> NDArray:
    """Return the Jacobian ∂σ(xᵢ)/∂xⱼ of the sigmoid of a vector: diagonal.

    Shapes: x (n,) -> (n, n)
    """
    return np.diag(sigmoid_grad(x))


def sigmoid_vjp(x: NDArray, d_out: NDArray) -> NDArray:
    """Return the gradient at x, given d_out, that at σ(x): the Jacobian's transpose times d_out, without a matrix.

    Shapes: x (*S), d_out (*S) -> (*S)
    """
    return d_out * sigmoid_grad(x)


def softmax(logits: NDArray, *, temperature: float = 1.0) -> NDArray:
    """Return exp(logits/temperature), normalised to sum 1 along the last axis.

    Raises ValueError unless the temperature is positive.

    Shapes: logits (*S, C) -> (*S, C)
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=-1, keepdims=True)


def binary_cross_entropy_with_logits(logits: NDArray, y: NDArray) -> tuple[float, NDArray]:
    """Return the mean of −y ln σ(z) − (1 − y) ln(1 − σ(z)) over logits z and targets y in [0, 1], and its gradient.

    −ln σ(z) is softplus(−z), and −ln(1 − σ(z)) is softplus(z): no logarithm of a rounded probability.

    Shapes: logits (N,), y (N,) -> float, (N,)
    """
    losses = y * softplus(-logits) + (1 - y) * softplus(logits)
    return float(losses.mean()), (sigmoid(logits) - y) / len(y)


def sigmoid_chain_bound(weights: NDArray) -> float:
    """Return the largest possible |∂output/∂input| of sigmoid units in a row, each with one weight and any bias.

    Shapes: weights (n,) -> float
    """
    return float(np.prod(np.abs(weights) / 4))


def tanh_as_sigmoid_network(
    W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return the sigmoid network that equals the tanh network tanh(x W1 + b1) W2 + b2.

    Shapes: W1 (D, H), b1 (H,), W2 (H, C), b2 (C,) -> (D, H), (H,), (H, C), (C,)
    """
    return 2 * W1, 2 * b1, 2 * W2, b2 - W2.sum(axis=0)
