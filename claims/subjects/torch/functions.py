"""Activations, losses, dropout and normalisation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from claims.subjects.torch._tensors import (
    Array,
    as_array,
    backward,
    derivative,
    forward,
    labels,
    seeded,
    tensor,
    variable,
)


def sigmoid(x: Array) -> Array:
    return as_array(torch.sigmoid(tensor(x)))


def tanh(x: Array) -> Array:
    return as_array(torch.tanh(tensor(x)))


def relu(x: Array) -> Array:
    return as_array(torch.relu(tensor(x)))


def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    return as_array(F.leaky_relu(tensor(x), negative_slope))


def softplus(x: Array, *, beta: float = 1.0) -> Array:
    return as_array(F.softplus(tensor(x), beta))


def sigmoid_grad(x: Array) -> Array:
    return derivative(torch.sigmoid, x)


def tanh_grad(x: Array) -> Array:
    return derivative(torch.tanh, x)


def relu_grad(x: Array) -> Array:
    return derivative(torch.relu, x)


def leaky_relu_grad(x: Array, *, negative_slope: float = 0.01) -> Array:
    return derivative(F.leaky_relu, x, negative_slope=negative_slope)


def sigmoid_jacobian(x: Array) -> Array:
    return as_array(torch.autograd.functional.jacobian(torch.sigmoid, tensor(x)))


def sigmoid_vjp(x: Array, d_out: Array) -> Array:
    return derivative(torch.sigmoid, x, d_out)


def softmax(logits: Array) -> Array:
    return as_array(torch.softmax(tensor(logits), dim=-1))


# Losses


def _loss(function: Callable[[Tensor], Tensor], logits: Array) -> tuple[float, Array]:
    leaf = variable(logits)
    loss = function(leaf)
    return float(loss), as_array(torch.autograd.grad(loss, leaf)[0])


def binary_cross_entropy_with_logits(logits: Array, y: Array) -> tuple[float, Array]:
    return _loss(lambda z: F.binary_cross_entropy_with_logits(z, tensor(y)), logits)


def softmax_cross_entropy(logits: Array, y: Array, *, label_smoothing: float = 0.0) -> tuple[float, Array]:
    return _loss(lambda z: F.cross_entropy(z, labels(y), label_smoothing=label_smoothing), logits)


def distillation_loss(logits: Array, teacher_logits: Array, *, temperature: float) -> tuple[float, Array]:
    teacher = torch.log_softmax(tensor(teacher_logits) / temperature, dim=-1)

    def loss(z: Tensor) -> Tensor:
        student = torch.log_softmax(z / temperature, dim=-1)
        return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2

    return _loss(loss, logits)


# Dropout


def dropout_forward(x: Array, *, p: float, rng: np.random.Generator, training: bool = True) -> tuple[Array, Any]:
    if training:
        seeded(rng)
    return forward(lambda x: F.dropout(x, p, training), (x,))


def dropout_backward(d_out: Array, cache: Any) -> Array:
    return backward(d_out, cache)[0]


# Normalisation


def batch_norm_forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    return forward(
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps), (x, gamma, beta)
    )


batch_norm_backward = backward


def layer_norm_forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    return forward(lambda x, gamma, beta: F.layer_norm(x, x.shape[1:], gamma, beta, eps), (x, gamma, beta))


layer_norm_backward = backward


def update_running_stats(
    running_mean: Array, running_var: Array, x: Array, *, momentum: float = 0.1
) -> tuple[Array, Array]:
    mean, var = tensor(running_mean), tensor(running_var)
    F.batch_norm(tensor(x), mean, var, training=True, momentum=momentum)
    return as_array(mean), as_array(var)


def batch_norm_eval(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, *, eps: float = 1e-5
) -> Array:
    given = [tensor(value) for value in (x, running_mean, running_var, gamma, beta)]
    return as_array(F.batch_norm(*given, training=False, eps=eps))


def fold_batch_norm(
    W: Array, b: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, *, eps: float = 1e-5
) -> tuple[Array, Array]:
    fused = torch.nn.utils.fusion.fuse_linear_bn_weights(
        tensor(W).T, tensor(b), tensor(running_mean), tensor(running_var), eps, tensor(gamma), tensor(beta)
    )
    return as_array(fused[0].T), as_array(fused[1])


def weight_norm_forward(v: Array, g: Array) -> tuple[Array, Any]:
    return forward(lambda v, g: torch._weight_norm(v, g[None], 1), (v, g))  # noqa: SLF001 - what the module calls


weight_norm_backward = backward
