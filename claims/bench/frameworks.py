"""The training step in PyTorch and JAX, as their users write it, in float32; either may be missing."""

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.bench.steps import Array, Maker, Parameters, Trainer


def installed() -> dict[str, Maker]:
    """Return the makers of those that are installed, by name."""
    makers: dict[str, Maker] = {"torch": torch_eager, "jax": jax_jit}
    return {name: make for name, make in makers.items() if importlib.util.find_spec(name)}


def torch_eager(parameters: Parameters, batch_size: int, *, lr: float) -> Trainer:
    """Return the step of PyTorch without compilation: modules, autograd and torch.optim.SGD, on one thread."""
    import torch  # noqa: PLC0415 - an optional library, needed only here

    torch.set_num_threads(1)
    (D, H), (_, C) = parameters[0].shape, parameters[2].shape
    model = torch.nn.Sequential(torch.nn.Linear(D, H), torch.nn.ReLU(), torch.nn.Linear(H, C))
    with torch.no_grad():
        for own, given in zip(model.parameters(), parameters, strict=True):
            own.copy_(torch.from_numpy(given.T))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(x: Any, y: Any) -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call, unused-ignore]
        optimizer.step()

    def prepare(x: Array, y: NDArray[np.int64]) -> tuple[Any, Any]:
        return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)

    return Trainer(prepare, step, lambda: [each.detach().numpy().T.copy() for each in model.parameters()])


def jax_jit(parameters: Parameters, batch_size: int, *, lr: float) -> Trainer:
    """Return the step of JAX, compiled by jax.jit, which gives the memory of the old parameters to the new ones."""
    import jax  # noqa: PLC0415 - an optional library, needed only here
    import jax.numpy as jnp  # noqa: PLC0415

    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2 = params
        logits = jnp.maximum(x @ W1 + b1, 0) @ W2 + b2
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -jnp.mean(chosen)

    def update(params: Any, x: Any, y: Any) -> Any:
        return jax.tree.map(lambda w, g: w - lr * g, params, jax.grad(loss)(params, x, y))

    compiled = jax.jit(update, donate_argnums=0)
    current = [[jnp.asarray(each, jnp.float32) for each in parameters]]

    def step(x: Any, y: Any) -> None:
        current[0] = jax.block_until_ready(compiled(current[0], x, y))

    def prepare(x: Array, y: NDArray[np.int64]) -> tuple[Any, Any]:
        return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32)

    return Trainer(prepare, step, lambda: [np.asarray(each) for each in current[0]])
