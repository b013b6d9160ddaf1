"""Q29: digits beside what two checkpoints show of them, and what hides them."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.data_recovery import dp_aggregate, recover_input
from answers.figures import _style
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

ALT = (
    "Five handwritten digits of 8 by 8 pixels, drawn as squares that are larger where a pixel is darker, and five rows "
    "of what is read off the checkpoints around one training step. From float64 checkpoints the digits come out as "
    "they are. From float16 checkpoints they do, too, after a step with learning rate 0.05; after one with 0.001 they "
    "are coarser but can be recognised. With eight digits in the batch every reading is the same blur of several. "
    "With noise of a tenth of the clipping norm only speckles are left."
)
ROWS = (
    "trained on",
    "read from float64",
    "from float16, η = 0.05",
    "from float16, η = 0.001",
    "from a batch of eight",
    "with noise of 0.1 C",
)
COLUMNS, WIDTH, BATCH = 5, 32, 8


@cache
def data() -> dict[str, NDArray]:
    """Return the images, one row of digits for each name in ROWS: those trained on, and what is read of each."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    x, y = load_digits(return_X_y=True)
    x = x / 16
    rng = np.random.default_rng(0)
    # Multiples of 2⁻¹⁰, so that the data are those of any machine.
    W1, W2 = (
        np.round(rng.standard_normal(shape) * np.sqrt(2 / shape[0]) * 2**10) / 2**10
        for shape in ((64, WIDTH), (WIDTH, 10))
    )
    net = W1, np.zeros(WIDTH), W2, np.zeros(10)
    rows = [x[:COLUMNS]]
    for kind, lr in ((np.float64, 0.05), (np.float16, 0.05), (np.float16, 0.001)):
        rows.append(np.array([_read(net, _gradients(net, x[[i]], y[[i]]), kind, lr) for i in range(COLUMNS)]))
    together = _read(net, _gradients(net, x[:BATCH], y[:BATCH]), np.float64, 0.05)
    rows.append(np.repeat(together[None], COLUMNS, axis=0))
    rows.append(
        np.array([_read(net, _noisy(_gradients(net, x[[i]], y[[i]]), rng), np.float64, 0.05) for i in range(COLUMNS)])
    )
    return {"images": np.round(np.array(rows), 6)}


def _gradients(net: tuple[NDArray, ...], x: NDArray, y: NDArray) -> tuple[NDArray, ...]:
    out, cache_ = two_layer_forward(x, *net)
    return two_layer_backward(softmax_cross_entropy(out, y)[1], cache_)[1:]


def _noisy(gradients: tuple[NDArray, ...], rng: np.random.Generator) -> tuple[NDArray, ...]:
    flat = np.concatenate([g.ravel() for g in gradients])[None]
    released = dp_aggregate(flat, max_norm=1.0, noise_multiplier=0.1, rng=rng)
    return released[: 64 * WIDTH].reshape(64, WIDTH), released[64 * WIDTH : 65 * WIDTH]


def _read(net: tuple[NDArray, ...], gradients: tuple[NDArray, ...], kind: Any, lr: float) -> NDArray:
    """Return what is read off the checkpoints of the first layer, stored in this format, before and after a step."""
    stored = [
        values.astype(kind).astype(np.float64)
        for values in (net[0], net[1], net[0] - lr * gradients[0], net[1] - lr * gradients[1])
    ]
    x = recover_input(*stored)
    return np.zeros(64) if x is None else x


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: a row of digits for each reading."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415 - an optional library, needed only to draw
    from matplotlib.path import Path  # noqa: PLC0415

    with _style.house_style() as plt:
        figure, panels = plt.subplots(len(ROWS), COLUMNS, figsize=(5.2, 7.4))
        for row, name, images in zip(panels, ROWS, found["images"], strict=True):
            row[0].set_title(name)
            for axes, image in zip(row, images, strict=True):
                axes.add_patch(PathPatch(_squares(image, Path), facecolor=_style.INK, linewidth=0))
                axes.set(xlim=(-0.7, 7.7), ylim=(7.7, -0.7), aspect="equal", xticks=[], yticks=[])
                for spine in axes.spines.values():
                    spine.set(visible=True, linewidth=0.5)
        return figure


def _squares(image: NDArray, path: Any) -> Any:
    """Return the pixels of an image as squares whose areas are their values, cut off at 0 and 1."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2
    places = np.argwhere(image.reshape(8, 8) > 0.02)
    sides = np.sqrt(np.clip(image.reshape(8, 8)[tuple(places.T)], 0, 1))
    vertices = (places[:, None, ::-1] + sides[:, None, None] * corners).reshape(-1, 2)
    codes = [path.MOVETO, path.LINETO, path.LINETO, path.LINETO, path.CLOSEPOLY] * len(places)
    return path(np.round(vertices, 2), codes)
