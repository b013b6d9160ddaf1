"""Arrays to tensors and back, and gradients by autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


def tensor(value: Any) -> Tensor:
    """Return a new tensor; whole numbers become floats, as the slots say, and labels are made by `labels`."""
    given = np.asarray(value)
    return torch.tensor(given if given.dtype.kind == "f" else given.astype(np.float64))


def labels(y: Array) -> Tensor:
    return torch.tensor(np.asarray(y, dtype=np.int64))


def variable(value: Any) -> Tensor:
    return tensor(value).requires_grad_()


def as_array(value: Tensor) -> Array:
    found: Array = value.detach().numpy().copy()
    return found


def derivative(function: Callable[..., Tensor], x: Array, d_out: Array | None = None, **options: Any) -> Array:
    leaf = variable(x)
    out = function(leaf, **options)
    return as_array(torch.autograd.grad(out, leaf, torch.ones_like(out) if d_out is None else tensor(d_out))[0])


def forward(function: Callable[..., Tensor], inputs: Sequence[Any]) -> tuple[Array, Any]:
    """Return a function's value and the graph that its gradients can be taken from, more than once."""
    leaves = [variable(value) for value in inputs]
    out = function(*leaves)
    return as_array(out), (out, leaves)


def backward(d_out: Array, cache: Any) -> tuple[Array, ...]:
    out, leaves = cache
    return tuple(map(as_array, torch.autograd.grad(out, leaves, tensor(d_out), retain_graph=True)))


def seeded(rng: np.random.Generator) -> None:
    """Let PyTorch's generator follow the one that was passed in."""
    torch.manual_seed(int(rng.integers(2**63)))
