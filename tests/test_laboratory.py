"""The data are what measured claims say of them, and the laboratory trains as it says."""

import numpy as np
import pytest

from claims.toolbox import data, laboratory


def test_digits_are_real_and_cannot_be_changed():
    """A measured claim that scaled its data in place would spoil those of all others."""
    x, y = data.digits()

    assert (x.shape, x.min(), x.max(), sorted(set(y))) == ((1797, 64), 0.0, 1.0, list(range(10)))
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1


def test_the_other_tables_are_what_they_say():
    """What a measured claim says about its data is so."""
    wine, cancer, text = data.wine(), data.breast_cancer(), data.english()

    assert (wine.x.shape, np.bincount(wine.y).tolist()) == ((178, 13), [59, 71, 48])
    assert (cancer.x.shape, np.bincount(cancer.y).tolist()) == ((569, 30), [212, 357])
    assert (text.min(), text.max(), len(text) > 100_000) == (0, 47, True)
    counts = np.bincount(text)[:47]
    assert (np.diff(counts) <= 0).all()


def test_standardising_measures_the_training_data_alone():
    """Validation data that helped to scale would leak into training; a constant pixel must not divide by 0."""
    x = data.digits().x
    train, other = data.standardised(x[:1000], x[1000:])
    constant = x[:1000].std(axis=0) == 0

    assert np.abs(train.mean(axis=0)).max() < 1e-12
    assert np.abs(train[:, ~constant].std(axis=0) - 1).max() < 1e-12
    assert constant.any()
    assert np.isfinite(other).all()
    assert (other == (x[1000:] - x[:1000].mean(axis=0)) / np.where(constant, 1, x[:1000].std(axis=0))).all()


def draw_one(seed):
    """An experiment: a number that depends on the seed alone."""
    return float(laboratory.streams(seed, "noise")["noise"].random())


def test_streams_have_names_and_repeats_have_an_order():
    """More draws for one purpose, or more processes, change no result."""
    alone, beside = laboratory.streams(1, "order"), laboratory.streams(1, "mask", "order")
    beside["mask"].random(100)

    assert alone["order"].random() == beside["order"].random() != laboratory.streams(2, "order")["order"].random()
    assert laboratory.repeat(draw_one, range(6)) == laboratory.repeat(draw_one, range(6), workers=2)


def test_the_laboratory_trains_by_the_right_gradient():
    """A wrong gradient in the laboratory would measure something else than it says."""
    rng = np.random.default_rng(0)
    layers, x, y = laboratory.draw_layers([3, 4, 2], rng), rng.standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])

    def loss(weights, biases):
        logits = laboratory.relu_forward(x, weights, biases)[0]
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(5), y]))

    logits, cache = laboratory.relu_forward(x, *layers)
    _, d_weights, d_biases = laboratory.relu_backward(laboratory.cross_entropy_gradient(logits, y), cache)
    for group, gradients in enumerate((d_weights, d_biases)):
        for k, gradient in enumerate(gradients):
            for at in np.ndindex(gradient.shape):
                step = 1e-6
                up, down = (tuple([array.copy() for array in part] for part in layers) for _ in range(2))
                up[group][k][at] += step
                down[group][k][at] -= step
                # A central difference errs by the rounding of the loss over the step, and by its square.
                assert abs((loss(*up) - loss(*down)) / (2 * step) - gradient[at]) < 1e-8
    trained = laboratory.train(
        layers,
        x,
        y,
        laboratory.relu_forward,
        laboratory.relu_backward,
        rng,
        epochs=200,
        batch_size=5,
        lr=0.1,
        momentum=0.9,
    )
    assert loss(*trained) < 0.1 * loss(*layers)
    assert laboratory.accuracy(laboratory.relu_forward(x, *trained)[0], y) == 1.0
