"""A figure shows what its page says that one sees; its drawing was made from these data."""

import re

import numpy as np
import pytest

from answers.figures import linear_layers
from claims.engine import figures
from claims.engine.declare import ROOT, Where

NAMES = sorted(path.stem for path in (ROOT / figures.FOLDER).glob("[!_]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_current_and_stands_alone(name):
    """It follows light and dark, needs nothing from elsewhere, and tells its content to who cannot see it."""
    figure = figures.module(name, Where("here", 1))
    svg = figures.path(name).read_text(encoding="utf-8")

    assert figures.is_current(name, figure)
    assert "prefers-color-scheme: dark" in svg
    assert re.findall(r'(?:href|src)="(?!#)[^"]*"|url\((?!#)', svg) == []
    assert len(figure.ALT) > 80
    assert len(svg) < 150_000


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_shown_by_a_page(name):
    """A figure that no page shows is kept by nobody."""
    assert any(
        f"<!-- figure: {name} -->" in page.read_text(encoding="utf-8") for page in (ROOT / "answers").glob("*.md")
    )


def test_two_factors_wait_where_one_weight_falls():
    """Q22: from 0.01 the loss stays for thirty steps, one weight is below 1 % by then, and all arrive."""
    found = linear_layers.data()
    start, near_zero = found["losses"][:, 0], found["losses"][1]

    assert near_zero[30] > 0.9 * start[1]
    assert found["one_weight"][30] < 0.01 * found["one_weight"][0]
    assert (found["losses"][:, -1] < 1e-3 * start).all()
    assert np.ptp(np.diff(np.log(found["one_weight"]))) < 1e-12
