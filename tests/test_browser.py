"""The site in a real browser: what a reader's pointer, keys and fingers find, on a screen and on a telephone."""

import re

import pytest

from claims.engine.reading import load

CLAIM = 'a.claim[data-claim="hidden_coordinates_are_arbitrary"]'
ENTRY = re.compile(r"/claims/linear_layers\.html#hidden-coordinates-are-arbitrary$")
PHONE = {"width": 360, "height": 740}
FRONT_PAGE = 1.0  # s
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def opened(browser, site):
    """Return a function that opens a page of the site; in the end none asked elsewhere or complained."""
    wrong, contexts = [], []

    def open_page(name, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(r.url))
        page.on("requestfailed", lambda r: wrong.append(f"{r.url} failed"))
        page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{site.as_uri()}/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def card(page):
    return page.locator("#claim-card")


def expect_card(page, claim="hidden_coordinates_are_arbitrary"):
    shown = card(page)
    shown.wait_for(state="visible")
    text = shown.inner_text()
    for words in (load().claims[claim].statement, "held on 100 cases", f"claims check {claim}", f"def {claim}("):
        assert words in text
    box, view = shown.bounding_box(), page.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= view["width"]
    return shown


def test_a_card_opens_under_the_pointer_and_closes_behind_it(opened):
    """A reader with a mouse sees what stands behind a sentence, reads on, and it is gone."""
    page = opened("linear_layers.html")
    page.locator(CLAIM).hover()
    shown = expect_card(page)
    assert "Mistakes that it refuted" in shown.inner_text()

    shown.locator(".statement").hover()
    page.wait_for_timeout(400)
    assert shown.is_visible()
    page.locator("h1").hover()
    shown.wait_for(state="detached")

    page.locator(CLAIM).click()
    page.wait_for_url(ENTRY)


def test_a_card_opens_and_closes_by_the_keyboard(opened):
    """A reader without a mouse reaches the card, the code in it, and the next sentence."""
    page = opened("linear_layers.html")
    focused = "document.activeElement.dataset.claim"
    page.locator(CLAIM).focus()
    shown = expect_card(page)
    page.keyboard.press("Escape")
    shown.wait_for(state="detached")
    assert page.evaluate(focused) == "hidden_coordinates_are_arbitrary"

    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "rank_is_limited_by_the_width"
    expect_card(page, "rank_is_limited_by_the_width")
    page.keyboard.press("Shift+Tab")
    expect_card(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.card pre') !== null")  # its lines are longer than the card
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == "hidden_coordinates_are_arbitrary"

    page.keyboard.press("Enter")
    page.wait_for_url(ENTRY)


def test_a_card_opens_under_a_finger(opened):
    """On a telephone the first tap shows the card instead of leaving the page; the next one puts it away."""
    page = opened("linear_layers.html", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator(CLAIM).tap()
    shown = expect_card(page)
    assert shown.bounding_box()["y"] + shown.bounding_box()["height"] == pytest.approx(PHONE["height"], abs=1)

    shown.get_by_role("button", name="Close").tap()
    shown.wait_for(state="detached")
    page.locator(CLAIM).tap()
    expect_card(page).get_by_role("link", name="All about it").tap()
    page.wait_for_url(ENTRY)


def test_a_card_says_why_and_a_myth_where_it_fails(opened):
    """What did not hold, and what was not judged, are told apart from what did."""
    page = opened("linear_layers.html")
    for claim, words in {
        "two_linear_layers_equal_one": ("refuted", "x=[[0.0]]"),
        "any_number_of_linear_layers_is_one": ("not judged", "z3 is not installed", "must refute"),
        "collapsing_errs_only_by_rounding": ("error",),
        "the_second_layer_passes_its_input_on_unchanged": ("myth", "False at", "W2=[[0.0]]"),
    }.items():
        page.locator(f'a.claim[data-claim="{claim}"]').focus()
        page.locator("#claim-card", has_text=f"claims check {claim}").wait_for()
        text = card(page).inner_text()
        assert [word for word in words if word not in text] == []
        assert "held" not in text.splitlines()[1]


def test_held_and_not_judged_look_different_without_colour(opened):
    """A reader who sees no colours sees which is which."""
    page = opened("linear_layers.html")
    shape = "getComputedStyle(document.querySelector('{}'), '::before').maskImage"
    word = "getComputedStyle(document.querySelector('{}'), '::after').content"

    shapes = [page.evaluate(shape.format(f".mark.property.{name}")) for name in ("held", "not-judged")]
    assert len(set(shapes)) == 2
    words = [page.evaluate(word.format(f"a .mark.{name}")) for name in ("refuted", "error", "false", "not-refuted")]
    assert words == ['"refuted"', '"error"', '"false"', '"not refuted"']


def test_search_finds_without_a_server(opened):
    """A word of an answer leads to its page."""
    page = opened("index.html")
    page.get_by_role("textbox", name="Search").fill("nuclear norm")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a", has_text="Linear layers").first
    found.click()

    assert "linear_layers.html" in page.url


def test_dark_follows_the_machine_and_the_switch(opened):
    """Page and figures turn together, by the machine's setting and by the reader's."""

    def looks(page):
        light = page.locator("img.only-light").first.is_visible()
        assert light != page.locator("img.only-dark").first.is_visible()
        return light, page.evaluate("getComputedStyle(document.body).backgroundColor")

    page = opened("linear_layers.html", color_scheme="dark")
    dark, background = looks(page)
    page.locator(".theme-toggle-content button").click()
    light, other = looks(page)

    assert (dark, light) == (False, True)
    assert background != other


def test_the_table_filters_and_its_address_remembers(opened):
    """Whoever sends the address sends what is seen."""
    page = opened("claims.html")
    page.get_by_label("Kind").select_option("proved")
    page.get_by_label("Question").select_option("Q24")
    output = page.locator("form.filter output")
    number = int(output.inner_text().split()[0])
    proved = [c for c in load().claims.values() if c.kind == "proved" and not c.is_myth]
    assert number == sum(load().question_of(c.id) == "Q24" for c in proved) > 0
    assert page.evaluate("location.hash") == "#kind=proved&question=Q24"

    page.get_by_label("Slot").select_option("smallest_xor_width")
    page.get_by_label("Words").fill("hidden UNITS")
    again = opened(f"claims.html{page.evaluate('location.hash')}")
    rows = again.locator("table.claims tbody tr:visible")
    assert rows.count() == page.locator("table.claims tbody tr:visible").count() > 0
    assert again.get_by_label("Words").input_value() == "hidden UNITS"


def test_no_page_scrolls_sideways(opened, site):
    """On a telephone of 360 px, and beside the list of pages, every page fits; wide code scrolls by itself."""
    page = opened("index.html")
    wide = {}
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        for width in (360, 1024):
            page.set_viewport_size({"width": width, "height": 740})
            if beyond := page.evaluate(WIDER):
                wide[path.relative_to(site).as_posix(), width] = beyond

    assert wide == {}


PAGES = ["index", "linear_layers", "learning_rate", "claims/xor", "quiz", "learning_rate_explorer"]


@pytest.mark.parametrize(("name", "scheme"), [*((name, "light") for name in PAGES), ("linear_layers", "dark")])
def test_axe_finds_nothing_serious(opened, name, scheme):
    """Readers who hear the page, or need strong contrasts, read it, too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = opened(f"{name}.html", color_scheme=scheme)
    if name == "linear_layers":
        page.locator(CLAIM).focus()
        card(page).wait_for()
    violations = axe.Axe().run(page, options={"preload": False}).response["violations"]

    serious = [v for v in violations if v["impact"] in {"serious", "critical"}]
    assert {v["id"]: [node["html"][:120] for node in v["nodes"][:3]] for v in serious} == {}


def test_the_front_page_is_there_within_a_second(opened):
    """A visitor does not wait."""
    page = opened("index.html")
    page.reload(wait_until="load")
    took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000

    assert 0 < took <= FRONT_PAGE
