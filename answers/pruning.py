"""Q28: what pruned weights cost to store and how to train on without them, and the scores that say which to prune."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def magnitude_mask(w: NDArray, *, sparsity: float) -> NDArray:
    """Return which weights to keep: False at exactly the ⌊sparsity · size⌋ smallest ones, whatever ties there are.

    Raises ValueError unless 0 ≤ sparsity ≤ 1.

    Shapes: w (*S) -> bool (*S)
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity {sparsity} is no share of the weights")
    keep = np.ones(w.size, bool)
    keep[np.argsort(abs(w), axis=None, kind="stable")[: math.floor(sparsity * w.size)]] = False
    return keep.reshape(w.shape)


def nm_mask(w: NDArray, *, n: int, m: int) -> NDArray:
    """Return which weights to keep: of every m neighbours along the last axis the n largest.

    Raises ValueError if the last axis cannot be cut into groups of m.

    Shapes: w (*S) -> bool (*S)
    """
    if w.shape[-1] % m:
        raise ValueError(f"the last axis cannot be cut into groups of {m}")
    groups = abs(w).reshape(-1, m)
    keep = np.zeros(groups.shape, bool)
    np.put_along_axis(keep, np.argsort(-groups, axis=1, kind="stable")[:, :n], values=True, axis=1)
    return keep.reshape(w.shape)


def masked_momentum_step(
    w: NDArray, g: NDArray, buf: NDArray, *, mask: NDArray, lr: float, momentum: float = 0.9
) -> tuple[NDArray, NDArray]:
    """Return weights and buffer after a step of SGD with momentum; both are 0 wherever the mask is False.

    Shapes: w (*S), g (*S), buf (*S) -> (*S), (*S)
    """
    buf = np.where(mask, momentum * buf + g, 0.0)
    return np.where(mask, w - lr * buf, 0.0), buf


def remove_units(
    W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray, keep: NDArray, *, constant: ArrayLike = 0.0
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return two layers without some of the hidden units between them, each taken to output a constant.

    `constant` is one number, or one for each hidden unit; what the removed units gave goes into b2.

    Shapes: W1 (D, H), b1 (H,), W2 (H, C), b2 (C,), keep bool (H,) -> (D, K), (K,), (K, C), (C,)
    """
    given = np.where(keep, 0.0, constant)
    return W1[:, keep], b1[keep], W2[keep], b2 + given @ W2


def csr_nbytes(rows: int, cols: int, nonzeros: int, *, value_bytes: int = 4, index_bytes: int = 4) -> int:
    """Return the bytes of a matrix in compressed sparse rows: values, their columns, and where each row starts.

    The number of columns does not matter, as long as an index can hold it.

    Shapes: rows int, cols int, nonzeros int -> int
    """
    return nonzeros * (value_bytes + index_bytes) + (rows + 1) * index_bytes


def mask_bits(size: int, *, kept: int) -> float:
    """Return how many bits it takes to say which weights are kept, if all choices of `kept` among `size` are alike.

    Shapes: size int -> float
    """
    return math.log2(math.comb(size, kept))


def gradient_score(w: NDArray, g: NDArray) -> NDArray:
    """Return to first order by how much the loss changes when a weight is set to 0: |w g|.

    Shapes: w (*S), g (*S) -> (*S)

    Source: Molchanov et al., Pruning Convolutional Neural Networks for Resource Efficient Inference, ICLR 2017.
    """
    return abs(w * g)


def obd_saliency(w: NDArray, h_diag: NDArray) -> NDArray:
    """Return to second order by how much the loss rises when a weight is set to 0, at a minimum.

    `h_diag` is the diagonal of the Hessian.

    Shapes: w (*S), h_diag (*S) -> (*S)

    Source: LeCun, Denker and Solla, Optimal Brain Damage, NIPS 2, 1989.
    """
    return h_diag * w**2 / 2


def obs_update(w: NDArray, h_inv: NDArray, q: int) -> NDArray:
    """Return the change of all weights that sets weight q to 0 at the least rise of the loss, at a minimum.

    `h_inv` is the inverse of the Hessian.  The loss rises by w_q² / (2 h_inv[q, q]).

    Shapes: w (D,), h_inv (D, D), q int -> (D,)

    Source: Hassibi and Stork, Second order derivatives for network pruning: Optimal Brain Surgeon, NIPS 5, 1992.
    """
    return -w[q] / h_inv[q, q] * h_inv[:, q]


def wanda_score(W: NDArray, x: NDArray) -> NDArray:
    """Return by how much, in norm, a layer's outputs on the inputs x change when a weight is set to 0.

    Shapes: W (D, C), x (N, D) -> (D, C)

    Source: Sun et al., A Simple and Effective Pruning Approach for Large Language Models, ICLR 2024.
    """
    return abs(W) * np.linalg.norm(x, axis=0)[:, None]
