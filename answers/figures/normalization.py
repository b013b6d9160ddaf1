"""Q14: a batch of activations, and what is left of it after batch norm and after layer norm."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.figures import _style
from answers.normalization import batch_norm_forward, layer_norm_forward

ALT = (
    "Three grids of squares, four examples as rows and six features as columns; a filled square is a positive "
    "number, a hollow one a negative, and its area shows how large it is, on a scale of its own in each grid. "
    "Mean and standard deviation stand beside each row and below each column. Before: the fourth feature is large "
    "in all examples, and the second example is large in all features. After batch norm, framed by columns, each "
    "column has mean 0 and standard deviation 1, the fourth feature is as large as all others, and the second "
    "example still stands out. After layer norm, framed by rows, each row has mean 0 and standard deviation 1, "
    "the second example is as large as all others, and the fourth feature still stands out."
)
LOUD_FEATURE, LOUD_EXAMPLE = 3, 1
X = np.array(
    [
        [0.4, -0.6, 0.3, 3.1, -0.4, 0.5],
        [2.2, -2.6, -2.1, 6.4, 2.3, -2.4],
        [-0.5, 0.5, 0.6, 2.2, 0.2, 0.3],
        [0.3, 0.2, -0.8, 2.7, -0.6, -0.2],
    ]
)


def data() -> dict[str, NDArray]:
    """Return the batch (example, feature), and what batch norm and layer norm make of it with γ = 1 and β = 0."""
    scale, shift = np.ones(X.shape[1]), np.zeros(X.shape[1])
    return {
        "before": X,
        "batch_norm": batch_norm_forward(X, scale, shift)[0],
        "layer_norm": layer_norm_forward(X, scale, shift)[0],
    }


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: the three matrices, one below the other, framed along the axis of the statistics."""
    titles = {
        "before": "before",
        "batch_norm": "batch norm: each column by itself",
        "layer_norm": "layer norm: each row by itself",
    }
    with _style.house_style() as plt:
        figure, axes = plt.subplots(3, 1, figsize=(5.2, 8.8))
        for axis, (name, values) in zip(axes, found.items(), strict=True):
            _matrix(axis, values)
            examples, features = values.shape
            if name == "batch_norm":
                frames = [(j, 0, 1, examples) for j in range(features)]
            elif name == "layer_norm":
                frames = [(0, i, features, 1) for i in range(examples)]
            else:
                frames = []
            for left, top, width, height in frames:
                corner = (left - 0.46, top - 0.46)
                size = (width - 0.08, height - 0.08)
                axis.add_patch(plt.Rectangle(corner, *size, fill=False, edgecolor=_style.BLUE, linewidth=1.4))
            axis.set(title=titles[name], xlabel="feature", ylabel="example")
        return figure


def _matrix(axis: Any, values: NDArray) -> None:
    """Draw a matrix as squares, with mean and standard deviation of the rows at the right and of the columns below."""
    examples, features = values.shape
    largest = np.abs(values).max()
    for (i, j), value in np.ndenumerate(values):
        side = 0.8 * np.sqrt(abs(value) / largest)
        face = _style.INK if value > 0 else "none"
        square = [(j - side / 2, i - side / 2), (j + side / 2, i - side / 2)]
        square += [(j + side / 2, i + side / 2), (j - side / 2, i + side / 2)]
        axis.fill(*zip(*square, strict=True), facecolor=face, edgecolor=_style.INK, linewidth=1)
    small = {"fontsize": 8, "ha": "center", "va": "center"}
    for along, places in ((0, range(features)), (1, range(examples))):
        means, deviations = values.mean(axis=along), values.std(axis=along)
        for k, mean, deviation in zip(places, means, deviations, strict=True):
            for n, number in enumerate((mean, deviation)):
                at = (k, examples - 0.2 + 0.42 * n) if along == 0 else (features + 0.1 + 0.85 * n, k)
                axis.text(*at, _number(number), color=_style.INK, **small)
    for n, word in enumerate(("mean", "std")):
        axis.text(features + 0.1 + 0.85 * n, -0.75, word, color=_style.INK, **small)
        axis.text(-0.6, examples - 0.2 + 0.42 * n, word, color=_style.INK, **small | {"ha": "right"})
    axis.set(
        xlim=(-0.55, features + 1.4),
        ylim=(examples + 0.5, -0.55),
        xticks=[],
        yticks=[],
        aspect="equal",
    )
    axis.spines[["left", "bottom"]].set_visible(False)


def _number(value: float) -> str:
    """Return a number with one decimal, zero without a sign and minus as a minus."""
    return f"{value + 0.0:.1f}".replace("-0.0", "0.0").replace("-", "−")
