"""The learning rate that one can move: its curves are the page's, its runs come out again, its words are true."""

import json
import re

import numpy as np
import pytest

from answers.figures import learning_rate as still
from answers.gradient_update import max_stable_lr
from answers.learning_rate import quadratic_losses
from claims.engine.declare import ROOT
from claims.site import explore
from claims.site import learning_rate_runs as runs
from tests.browser import opened, page_with

RATES = np.concatenate([np.arange(2, 241) / 100, [1e-9, 1 - 2.0**-53, 2 + 1e-12]])
CURVATURES = [(1.0, 1 / flatter) for flatter in (1, 3, 10, 30)] + [(9.0, 1e-3)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("explore") / "explore.html"
    return page_with(
        file,
        explore.explore_source(),
        style="learning_rate.css",
        scripts=["learning_rate.js"],
        static=ROOT / "claims/site/static",
    )


@pytest.fixture
def page(browser, address):
    with opened(browser, address, viewport={"width": 360, "height": 780}, reduced_motion="reduce") as page:
        yield page


def test_the_curve_is_that_of_the_page(page):
    """The script draws what quadratic_losses computes: at 242 rates, for five pairs of curvatures."""
    shown = page.evaluate(
        """([rates, pairs]) => pairs.map((h) => rates.map((lr) =>
             learningRate.quadraticLosses([1, 0.1], h, lr, learningRate.STEPS)))""",
        [RATES.tolist(), CURVATURES],
    )
    expected = [
        [quadratic_losses(np.array([1.0, 0.1]), np.array(h), lr=lr, steps=30) for lr in RATES] for h in CURVATURES
    ]

    # Powers up to 60 of the same base: a few roundings each, and none at all of a base that is 0.
    assert np.all(abs(np.array(shown) - expected) <= 1e-12 * np.array(expected))


def test_the_borders_are_those_of_the_page(page):
    """Monotone up to 1/h, across the minimum up to 2/h, divergent beyond, with h the largest curvature."""
    for h in CURVATURES:
        limit = max_stable_lr(h)
        names = page.evaluate(
            "([rates, h]) => rates.map((lr) => learningRate.regime([1, 1], h, lr))",
            [[share * limit for share in (0.001, 0.5, 0.500001, 1.0, 1.000001)], h],
        )
        assert names == ["too low", "acceptable", "oscillating", "oscillating", "diverging"]


def test_too_low_ends_where_a_hundredth_is_left(page):
    """The border of the first band is the rate at which one per cent of the loss is left after all steps."""
    for h in CURVATURES[:4]:
        border = page.evaluate("h => learningRate.enough([1, 1], h)", h)
        losses = quadratic_losses(np.ones(2), np.array(h), lr=border, steps=30)
        assert abs(losses[-1] / losses[0] - 0.01) < 1e-9


def test_a_recorded_run_can_be_had_again():
    """What the figure shows of the digits was computed, not drawn: the committed runs come out again."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    recorded = json.loads(runs.FILE.read_text(encoding="utf-8"))
    again = runs.losses(0.3, 0)

    assert runs.FILE.stat().st_size < 60_000
    assert tuple(recorded["rates"]) == runs.RATES
    assert np.shape(recorded["losses"]) == (len(runs.SEEDS), len(runs.RATES), 4 * runs.EPOCHS + 1)
    assert recorded["losses"][0][runs.RATES.index(0.3)] == [float(f"{loss:.4g}") for loss in again]


@pytest.mark.parametrize("lr", still.RATES)
def test_the_recorded_runs_are_those_of_the_still_figure(lr):
    """Whoever moves the rate to one of the four that the answer draws sees its curve."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    recorded = json.loads(runs.FILE.read_text(encoding="utf-8"))["losses"][0][runs.RATES.index(lr)]

    assert recorded[::4] == [float(f"{loss:.4g}") for loss in still.digits_losses(lr)]


def test_a_run_is_called_what_the_still_figure_calls_it(page):
    """Both pictures use the same four words for the same four runs."""
    recorded = json.loads(runs.FILE.read_text(encoding="utf-8"))["losses"][0]
    names = page.evaluate("runs => runs.map(learningRate.regimeOfRun)", recorded)

    assert [names[runs.RATES.index(lr)] for lr in still.RATES] == list(still.NAMES)
    assert [name for name, before in zip(names, ["", *names], strict=False) if name != before] == list(still.NAMES)


def words(page, figure="quadratic") -> str:
    return page.locator(f"#rate-{figure} .rate-name").inner_text()


def test_the_slider_moves_through_the_regimes_by_keyboard(page):
    """Arrow keys reach all four, and a screen reader hears which one it is."""
    slider = page.get_by_label("Learning rate η in units of 1/h")
    slider.focus()
    page.keyboard.press("Home")
    seen = [words(page)]
    for _ in range(24):
        page.keyboard.press("PageUp")
        if words(page) != seen[-1]:
            seen.append(words(page))

    assert seen == ["Too low", "Acceptable", "Oscillating", "Diverging"]
    page.keyboard.press("ArrowLeft")
    assert re.match(r"2\.39 over h, diverging\. Each jump of w₁", slider.get_attribute("aria-valuetext"))


def test_the_map_is_dragged_by_mouse(page):
    """Whoever takes hold of the curve itself moves the rate, and the address remembers it."""
    box = page.locator("#rate-quadratic .rate-map").bounding_box()
    page.mouse.move(box["x"] + 45, box["y"] + 80)
    page.mouse.down()
    first = words(page)
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 80, steps=4)
    page.mouse.up()

    assert (first, words(page)) == ("Too low", "Diverging")
    assert 2 < float(re.search(r"eta=([\d.]+)", page.url)[1]) <= 2.4
    page.reload()
    assert words(page) == "Diverging"


def test_a_step_is_shown_in_all_pictures(page):
    """Whoever points at the third step of the path sees it on the loss curve, too, where it is named."""
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto(page.url + "#eta=1.7")
    third = page.locator("#rate-quadratic .rate-valley circle.oscillating").nth(3).bounding_box()
    page.mouse.move(third["x"] + 3, third["y"] + 3)

    assert page.locator("#rate-quadratic text.step").text_content() == "step 3"
    assert page.locator("#rate-quadratic circle.mark[visibility=visible]").count() == 3
    page.mouse.move(5, 5)
    assert page.locator("#rate-quadratic circle.mark[visibility=visible]").count() == 0


def test_the_digits_have_a_slider_of_their_own(page):
    """The recorded runs are there from the lowest to the highest rate."""
    page.get_by_label("Learning rate η of the recorded runs").focus()
    page.keyboard.press("End")
    assert words(page, "digits") == "Diverging"
    assert "η = 30" in page.locator("#rate-digits .rate-words").inner_text()
    page.keyboard.press("Home")
    assert words(page, "digits") == "Too low"


def test_the_address_sets_the_figure(page, address):
    """A link into the figure shows what its writer saw; nonsense in it shows the beginning."""
    page.goto(f"{address}#eta=1.8&flatter=30&digits=7")
    assert (words(page), words(page, "digits")) == ("Oscillating", "Oscillating")
    assert page.get_by_label("30 times flatter").is_checked()
    page.goto(f"{address}#eta=nonsense&flatter=4&digits=-1")
    assert (words(page), words(page, "digits")) == ("Acceptable", "Acceptable")


def test_a_flatter_direction_is_chosen(page):
    """With both directions alike the first step at 1/h arrives; with one flatter it does not."""
    slider = page.get_by_label("Learning rate η in units of 1/h")
    slider.fill("1")
    page.get_by_label("as steep").check()
    assert (
        "After 30 steps less than 0.01 % of the loss is left."
        in page.locator("#rate-quadratic .rate-words").inner_text()
    )
    page.get_by_label("30 times flatter").check()
    assert "0.42 % of the loss is left" in page.locator("#rate-quadratic .rate-words").inner_text()


def test_the_page_fits_a_phone_and_shows_the_still_figure_without_script(page):
    """At 360 pixels nothing has to be scrolled sideways; without script the answer's figure stands there."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert f"![{still.ALT}](figures/learning_rate.svg)" in explore.explore_source()
