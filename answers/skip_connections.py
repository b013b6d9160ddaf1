"""Q5: a residual block, its backward pass, and what a stack of them does to signals and gradients."""

import numpy as np
from numpy.typing import NDArray


def residual_block_forward(
    x: NDArray, W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray, *, scale: float = 1.0
) -> tuple[NDArray, tuple]:
    """Return x + scale · (relu(x W1 + b1) W2 + b2), and a cache for the backward pass.

    Nothing follows the addition: the skip is clean.

    Shapes: x (N, D), W1 (D, H), b1 (H,), W2 (H, D), b2 (D,) -> (N, D), cache

    Source: He, Zhang, Ren and Sun, Identity Mappings in Deep Residual Networks, ECCV 2016, arXiv 1603.05027.
    """
    a = np.maximum(x @ W1 + b1, 0.0)
    return x + scale * (a @ W2 + b2), (x, W1, a, W2, scale)


def residual_block_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return dx, dW1, db1, dW2, db2, given d_out, the loss's gradient with respect to the block's output.

    Shapes: d_out (N, D), cache cache -> (N, D), (D, H), (H,), (H, D), (D,)
    """
    x, W1, a, W2, scale = cache
    d_branch = scale * d_out
    dz = d_branch @ W2.T * (a > 0)
    dx = d_out + dz @ W1.T  # the skip passes d_out on as it is; the branch only adds to it
    return dx, x.T @ dz, dz.sum(axis=0), a.T @ d_branch, d_branch.sum(axis=0)


def residual_jacobian_product(jacobians: list[NDArray]) -> NDArray:
    """Return (I + A_L) … (I + A_1), the Jacobian of L residual blocks whose branches have the Jacobians A_1, …, A_L.

    Columns are the directions of the input, entry (i, j) is ∂out_i/∂x_j.  Raises ValueError for an empty list.

    Shapes: jacobians list -> (D, D)
    """
    if not jacobians:
        raise ValueError("without a block the size of the Jacobian is unknown")
    product = np.eye(len(jacobians[0]))
    for A in jacobians:
        product = product + A @ product
    return product


def residual_gradient_bounds(branch_norm: float, *, depth: int) -> tuple[float, float]:
    """Return the least and greatest factor by which `depth` blocks can change the length of a gradient.

    `branch_norm` ≥ 0 bounds the spectral norm of every branch's Jacobian.

    Shapes: branch_norm float -> float, float
    """
    return max(0.0, 1.0 - branch_norm) ** depth, (1.0 + branch_norm) ** depth


def residual_growth(scale: float, *, depth: int) -> float:
    """Return the factor by which E‖x‖² grows over `depth` blocks x + scale · x W.

    W (D, D) is drawn for each block, its entries independent with mean 0 and variance 1/D.

    Shapes: scale float -> float
    """
    return (1.0 + scale**2) ** depth


def merge_skip(W: NDArray) -> NDArray:
    """Return the weights of the plain layer that equals x + x W.  Raises ValueError if W is not square.

    Shapes: W (D, D) -> (D, D)
    """
    if len(W) != len(W.T):
        raise ValueError(f"x + x W needs a square W, not {W.shape}")
    return W + np.eye(len(W))


def concat_linear_forward(x: NDArray, h: NDArray, W: NDArray) -> tuple[NDArray, tuple]:
    """Return [x, h] W, a linear layer on the features h and the inputs x beside them, and a cache.

    Shapes: x (N, D), h (N, H), W (D + H, C) -> (N, C), cache

    Source: Huang, Liu, van der Maaten and Weinberger, Densely Connected Convolutional Networks, CVPR 2017,
    arXiv 1608.06993.
    """
    both = np.hstack([x, h])
    return both @ W, (both, W, x.shape[1])


def concat_linear_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, NDArray, NDArray]:
    """Return dx, dh, dW: the skip gives x a gradient of its own, d_out times the upper rows of W.

    Shapes: d_out (N, C), cache cache -> (N, D), (N, H), (D + H, C)
    """
    both, W, inputs = cache
    d_both = d_out @ W.T
    return d_both[:, :inputs], d_both[:, inputs:], both.T @ d_out
