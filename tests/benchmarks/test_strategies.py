"""What coded strategies cost and how small their counterexamples are, beside Hypothesis' own arrays.

uv run pytest tests/benchmarks --benchmark-only
"""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from claims.engine.profiles import search
from claims.toolbox.strategies import integer_arrays, logit_arrays, real_arrays

CASES = 500


def run(strategy, check, *, seed=0, shrink=False, cases=CASES):
    """Try a check on drawn cases; return the last case that it was tried on."""
    last = []

    def test(case):
        last[:] = [case]
        check(case)

    with suppress(AssertionError):
        search(cases, shrink=shrink)(seeded(seed)(given(case=strategy)(test)))()
    return last[0]


@st.composite
def plain(draw, elements, shapes):
    """Return the same record of arrays, drawn element by element."""
    sizes = {axis: draw(st.integers(1, 4)) for axis in sorted(set("".join(shapes.values())))}
    return tuple(
        draw(arrays(np.float64, tuple(sizes[axis] for axis in shape), elements=elements)) for shape in shapes.values()
    )


FIVE = dict.fromkeys("abcde", "AB")


@pytest.mark.benchmark(group="five arrays of 64, 500 cases")
@pytest.mark.parametrize(
    "strategy",
    [
        st.binary(min_size=2, max_size=2),
        real_arrays(largest=8, **FIVE),
        st.tuples(*[arrays(np.float64, (8, 8), elements=st.floats(-1000, 1000)) for _ in FIVE]),
    ],
    ids=["two bytes", "coded", "plain"],
)
def test_cost_of_drawing(benchmark, strategy):
    """Five arrays of up to 64 numbers against a case with next to nothing in it."""
    benchmark.pedantic(lambda: run(strategy, lambda _: None), rounds=3, warmup_rounds=1)


NET = {"x": "ND", "W1": "DK", "b1": "K", "W2": "KC", "b2": "C"}


def layers(collapse):
    def check(net):
        x, W1, b1, W2, b2 = net
        W, b = collapse(W1, b1, W2, b2)
        assert np.array_equal((x @ W1 + b1) @ W2 + b2, x @ W + b)

    return check


def elementwise(wrong, right):
    def check(case):
        with np.errstate(all="ignore"):
            assert np.allclose(wrong(case[0]), right(case[0]), atol=1e-12, rtol=1e-9, equal_nan=False)

    return check


def square(W1, W2):
    return W1.shape[0] == W1.shape[1] == W2.shape[1]


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def layer_norm(x, eps=1e-5):
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)


WHOLE = (integer_arrays, st.integers(-9, 9).map(float))
REAL = (real_arrays, st.floats(-1000, 1000))
LOGIT = (logit_arrays, st.floats(-1000, 1000))
MISTAKES = {
    "forgets b1": (NET, WHOLE, layers(lambda W1, _, W2, b2: (W1 @ W2, b2))),
    "forgets b2": (NET, WHOLE, layers(lambda W1, b1, W2, _: (W1 @ W2, b1 @ W2))),
    "adds b1 where shapes allow": (
        NET,
        WHOLE,
        layers(lambda W1, b1, W2, b2: (W1 @ W2, b1 + b2 if len(b1) == len(b2) else b1 @ W2 + b2)),
    ),
    "wrong order where shapes allow": (
        NET,
        WHOLE,
        layers(lambda W1, b1, W2, b2: (W2 @ W1 if square(W1, W2) else W1 @ W2, b1 @ W2 + b2)),
    ),
    "relu on W2": (NET, WHOLE, layers(lambda W1, b1, W2, b2: (W1 @ np.maximum(W2, 0), b1 @ W2 + b2))),
    "first hidden unit only": (NET, WHOLE, layers(lambda W1, b1, W2, b2: (np.outer(W1[:, 0], W2[0]), b1 @ W2 + b2))),
    "sigmoid overflows": ({"x": "N"}, LOGIT, elementwise(lambda x: np.exp(x) / (1 + np.exp(x)), sigmoid)),
    "sigmoid clipped at 5": ({"x": "N"}, LOGIT, elementwise(lambda x: sigmoid(np.clip(x, -5, 5)), sigmoid)),
    "relu of size": ({"x": "N"}, REAL, elementwise(np.abs, lambda x: np.maximum(x, 0))),
    "leaky below": (
        {"x": "ND"},
        REAL,
        elementwise(lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, x, 0.01 * x)),
    ),
    "softmax overflows": (
        {"x": "ND"},
        LOGIT,
        elementwise(lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), softmax),
    ),
    "softmax over all": ({"x": "ND"}, REAL, elementwise(lambda x: softmax(x.ravel()).reshape(x.shape), softmax)),
    "softmax over columns": ({"x": "ND"}, REAL, elementwise(lambda x: softmax(x.T).T, softmax)),
    "norm over columns": ({"x": "ND"}, REAL, elementwise(lambda x: layer_norm(x.T).T, layer_norm)),
    "epsilon outside the root": (
        {"x": "ND"},
        REAL,
        elementwise(lambda x: (x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + 1e-5), layer_norm),
    ),
}


@pytest.mark.benchmark(group="counterexamples")
def test_size_of_counterexamples(benchmark):
    """Fifteen mistakes: the mean number of elements after shrinking, coded against plain. A count, so it is held."""
    coded_sizes, plain_sizes = [], []
    for shapes, (coded, elements), check in MISTAKES.values():
        for seed in range(3):
            for sizes, strategy in ((coded_sizes, coded(**shapes)), (plain_sizes, plain(elements, shapes))):
                found = run(strategy, check, seed=seed, shrink=True)
                sizes.append(sum(array.size for array in found))
    benchmark.extra_info.update(coded=float(np.mean(coded_sizes)), plain=float(np.mean(plain_sizes)))
    shapes, (coded, _), check = MISTAKES["forgets b1"]
    benchmark.pedantic(lambda: run(coded(**shapes), check, shrink=True), rounds=3)

    assert np.mean(coded_sizes) <= 1.2 * np.mean(plain_sizes)
