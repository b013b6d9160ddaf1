"""Clipping, optimizers, schedules, initial weights and pruning."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import prune

from claims.subjects.torch._tensors import Array, as_array, seeded, tensor, variable


def global_norm(grads: list[Array]) -> float:
    return float(torch.nn.utils.get_total_norm([tensor(g) for g in grads]))


def _clipped(grads: list[Array], clip: Callable[[list[Tensor]], Any]) -> tuple[list[Array], Any]:
    parameters = [torch.zeros_like(tensor(g), requires_grad=True) for g in grads]
    for parameter, g in zip(parameters, grads, strict=True):
        parameter.grad = tensor(g)
    told = clip(parameters)
    return [as_array(p.grad) for p in parameters if p.grad is not None], told


def clip_by_global_norm(grads: list[Array], *, max_norm: float) -> tuple[list[Array], float]:
    clipped, norm = _clipped(grads, lambda p: torch.nn.utils.clip_grad_norm_(p, max_norm))
    return clipped, float(norm)


def clip_by_value(grads: list[Array], *, clip_value: float) -> list[Array]:
    return _clipped(grads, lambda p: torch.nn.utils.clip_grad_value_(p, clip_value))[0]


# Optimizers


def _step(kind: Any, w: Array, g: Array, state: dict[str, Any], **options: Any) -> tuple[Tensor, dict[str, Any]]:
    """Take one step of an optimizer whose state is as it would be then; state that is all zeros has not begun."""
    parameter = variable(w)
    parameter.grad = tensor(g)
    optimizer = kind([parameter], **options)
    if state:
        optimizer.state[parameter] = {key: tensor(value) for key, value in state.items()}
    optimizer.step()
    return parameter, dict(optimizer.state[parameter])


def sgd_step(w: Array, g: Array, *, lr: float) -> Array:
    return as_array(_step(torch.optim.SGD, w, g, {}, lr=lr)[0])


def weight_decay_step(w: Array, g: Array, *, lr: float, weight_decay: float) -> Array:
    return as_array(_step(torch.optim.SGD, w, g, {}, lr=lr, weight_decay=weight_decay)[0])


def momentum_step(
    w: Array,
    g: Array,
    buf: Array,
    *,
    lr: float,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
) -> tuple[Array, Array]:
    options = {"lr": lr, "momentum": momentum, "dampening": dampening, "nesterov": nesterov}
    moved, state = _step(torch.optim.SGD, w, g, {"momentum_buffer": buf}, **options)
    return as_array(moved), as_array(state["momentum_buffer"])


def _steps_before(t: int) -> np.float32:
    if t < 1:  # an optimizer counts for itself, so there is no step 0 that it could refuse
        raise ValueError("t counts steps from 1")
    return np.float32(t - 1)


def _adam(kind: Any, w: Array, g: Array, m: Array, v: Array, t: int, **options: Any) -> tuple[Array, Array, Array]:
    state = {"step": _steps_before(t), "exp_avg": m, "exp_avg_sq": v}
    moved, now = _step(kind, w, g, state, **options)
    return as_array(moved), as_array(now["exp_avg"]), as_array(now["exp_avg_sq"])


def adam_step(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Array, Array, Array]:
    return _adam(torch.optim.Adam, w, g, m, v, t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


def adamw_step(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Array, Array, Array]:
    return _adam(torch.optim.AdamW, w, g, m, v, t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


def amsgrad_step(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    v_max: Array,
    *,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Array, Array, Array, Array]:
    state = {"step": _steps_before(t), "exp_avg": m, "exp_avg_sq": v, "max_exp_avg_sq": v_max}
    moved, now = _step(torch.optim.Adam, w, g, state, lr=lr, betas=betas, eps=eps, amsgrad=True)
    return as_array(moved), as_array(now["exp_avg"]), as_array(now["exp_avg_sq"]), as_array(now["max_exp_avg_sq"])


def adagrad_step(w: Array, g: Array, sum_squares: Array, *, lr: float, eps: float = 1e-10) -> tuple[Array, Array]:
    moved, now = _step(torch.optim.Adagrad, w, g, {"step": np.float32(0), "sum": sum_squares}, lr=lr, eps=eps)
    return as_array(moved), as_array(now["sum"])


def rmsprop_step(
    w: Array, g: Array, v: Array, *, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> tuple[Array, Array]:
    moved, now = _step(torch.optim.RMSprop, w, g, {"step": np.float32(0), "square_avg": v}, lr=lr, alpha=alpha, eps=eps)
    return as_array(moved), as_array(now["square_avg"])


# Schedules and initial weights


def cosine_lr(step: int, *, lr: float, total_steps: int, min_lr: float = 0.0) -> float:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total_steps, min_lr)
    for _ in range(step):
        optimizer.step()
        schedule.step()
    return float(schedule.get_last_lr()[0])


def init_mlp(
    sizes: Sequence[int], *, rng: np.random.Generator, negative_slope: float = 0.0
) -> list[tuple[Array, Array]]:
    seeded(rng)
    layers = []
    for inputs, outputs in pairwise(sizes):
        W = torch.empty(outputs, inputs, dtype=torch.float64)
        torch.nn.init.kaiming_normal_(W, negative_slope, nonlinearity="leaky_relu")
        layers.append((as_array(W.T), np.zeros(outputs)))
    return layers


def orthogonal_init(n: int, *, rng: np.random.Generator) -> Array:
    seeded(rng)
    return as_array(torch.nn.init.orthogonal_(torch.empty(n, n, dtype=torch.float64)))


def magnitude_mask(w: Array, *, sparsity: float) -> Array:
    pruning = prune.L1Unstructured(sparsity)
    given = tensor(w)
    return as_array(pruning.compute_mask(given, torch.ones_like(given))).astype(bool)
