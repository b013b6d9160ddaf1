"""Networks: their weights are (in, out) here and (out, in) in the library."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from claims.subjects.torch._tensors import Array, as_array, backward, forward, labels, tensor, variable


def _linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return F.linear(x, W.T, b)


def two_layer_forward(x: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Any]:
    return forward(lambda x, W1, b1, W2, b2: _linear(torch.relu(_linear(x, W1, b1)), W2, b2), (x, W1, b1, W2, b2))


two_layer_backward = backward


def residual_block_forward(
    x: Array, W1: Array, b1: Array, W2: Array, b2: Array, *, scale: float = 1.0
) -> tuple[Array, Any]:
    return forward(
        lambda x, W1, b1, W2, b2: x + scale * _linear(torch.relu(_linear(x, W1, b1)), W2, b2), (x, W1, b1, W2, b2)
    )


residual_block_backward = backward


def linear_stack_forward(x: Array, weights: list[Array], biases: list[Array]) -> tuple[Array, Any]:
    def stack(x: Tensor, *layers: Tensor) -> Tensor:
        for W, b in zip(layers[: len(weights)], layers[len(weights) :], strict=True):
            x = _linear(x, W, b)
        return x

    return forward(stack, (x, *weights, *biases))


def linear_stack_backward(d_out: Array, cache: Any) -> tuple[Array, list[Array], list[Array]]:
    d_x, *rest = backward(d_out, cache)
    return d_x, rest[: len(rest) // 2], rest[len(rest) // 2 :]


def concat_linear_forward(x: Array, h: Array, W: Array) -> tuple[Array, Any]:
    return forward(lambda x, h, W: F.linear(torch.cat([x, h], dim=1), W.T), (x, h, W))


concat_linear_backward = backward


def rnn_forward(x: Array, h0: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Array, Any]:
    def unrolled(x: Tensor, h0: Tensor, Wx: Tensor, Wh: Tensor, b: Tensor) -> Tensor:
        weights = {"weight_ih_l0": Wx.T, "weight_hh_l0": Wh.T, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
        cell = torch.nn.RNN(x.shape[2], len(b), batch_first=True, dtype=x.dtype)
        out, _ = torch.func.functional_call(cell, weights, (x, h0[None]))
        return out

    return forward(unrolled, (x, h0, Wx, Wh, b))


def rnn_backward(d_out: Array, cache: Any) -> tuple[Array, ...]:
    return backward(d_out, cache)


def mlp_gradients(
    params: list[tuple[Array, Array]], x: Array, y: Array, *, activation: str = "relu", loss: str = "cross_entropy"
) -> list[tuple[Array, Array]]:
    between = {
        "relu": torch.relu, "leaky_relu": F.leaky_relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
        "silu": F.silu, "softplus": F.softplus, "linear": lambda z: z,
    }[activation]  # fmt: skip
    leaves = [(variable(W), variable(b)) for W, b in params]
    out = tensor(x)
    for i, (W, b) in enumerate(leaves):
        out = _linear(between(out) if i else out, W, b)
    if loss == "cross_entropy":
        value = F.cross_entropy(out, labels(y))
    else:  # half the squared, or the absolute, distance of each example
        each = F.mse_loss if loss == "mse" else F.l1_loss
        value = each(out, tensor(y), reduction="sum") / len(x) / (2 if loss == "mse" else 1)
    flat = torch.autograd.grad(value, [leaf for pair in leaves for leaf in pair])
    return [(as_array(flat[i]), as_array(flat[i + 1])) for i in range(0, len(flat), 2)]
