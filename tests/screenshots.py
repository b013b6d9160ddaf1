"""Take the two pictures of the README from build/site: `uv run python -m tests.screenshots`."""

from claims.engine.declare import ROOT
from tests.browser import chromium

FOLDER = ROOT / "claims/site/screenshots"
VIEW = {"width": 1080, "height": 560}


def take() -> None:
    """Write them: a page with an open card, by day, and the front page, by night."""
    FOLDER.mkdir(exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport=VIEW)
        page.goto((ROOT / "build/site/linear_layers.html").as_uri())
        page.evaluate("scrollTo(0, 340)")  # so that the card finds room below its sentence
        page.locator('a.claim[data-claim="any_number_of_linear_layers_is_one"]').hover()
        page.locator("#claim-card").wait_for()
        page.screenshot(path=FOLDER / "card.png")
        page = browser.new_page(viewport=VIEW, color_scheme="dark")
        page.goto((ROOT / "build/site/index.html").as_uri())
        page.screenshot(path=FOLDER / "front.png")


if __name__ == "__main__":
    take()
