"""The sources of the site: the pages as Sphinx reads them, and those that are written from the book."""

import re
from collections.abc import Iterator
from pathlib import Path

from claims.engine import badge, prose
from claims.engine.book import ANSWERS, Book
from claims.engine.declare import ROOT
from claims.site import cards, contents
from claims.site.generated import GENERATED
from claims.site.standing import Standing
from claims.site.templates import render

STATIC = "_own"  # static files that are made here
_COMMENT = re.compile(r"<!--.*?-->")
_LINK = re.compile(rf"\b{cards.SCHEME}(\w+)")
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\)\{(?P<colours>:root\{[^}]*\})\}")


def write(book: Book, stands: Standing, folder: Path) -> None:
    """Write all sources into an empty folder."""
    for name in ("claims", "figures", f"{STATIC}/cards"):
        (folder / name).mkdir(parents=True)
    for name, text in _pages(book, stands):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        if linked := [book.claims[claim] for claim in dict.fromkeys(_LINK.findall(text))]:
            script = cards.script(book, linked, stands)
            (folder / STATIC / cards.script_of(name)).write_text(script, encoding="utf-8")
    for path in sorted((ROOT / ANSWERS / "figures").glob("*.svg")):
        _figure(path, folder / "figures")
    if stands.run:
        (folder / STATIC / "badge.svg").write_text(badge.as_svg(stands.run["totals"]), encoding="utf-8")


def _pages(book: Book, stands: Standing) -> Iterator[tuple[str, str]]:
    beside = []
    for page in GENERATED:
        if text := page.source(book, stands.run or None):
            beside.append(page.name)
            yield page.name, text
    beside.append("claims")
    for path in sorted((ROOT / ANSWERS).glob("*.md")):
        if path.stem != "README":  # its list of questions is the front page
            yield path.stem, _linked(path.read_text(encoding="utf-8"))
            beside += [path.stem] if path.stem not in book.pages else []
    yield "index", render("index.md", **contents.front(book, stands), beside=beside)
    yield "claims", render("claims.md", **contents.table(book, stands))
    for stem in book.pages:
        yield f"claims/{stem}", render("claims_of_page.md", **contents.page(book, stem, stands))


def _linked(text: str) -> str:
    """Return a page line by line as it is, but that its links lead to claims and comments for weaving are gone."""
    body = prose.DEFINITION.sub("", text)
    linked = dict.fromkeys(link.claim for link in prose.links(body))
    definitions = "".join(f"[{claim}]: {cards.SCHEME}{claim}\n" for claim in linked)
    return f"{_COMMENT.sub('', body)}\n\n{definitions}"


def _figure(path: Path, folder: Path) -> None:
    """Copy a figure in light and in dark: a picture follows the machine's setting, not that of the page around it."""
    svg = path.read_text(encoding="utf-8")
    (folder / path.name).write_text(_DARK.sub("", svg), encoding="utf-8")
    (folder / f"{path.stem}.dark.svg").write_text(_DARK.sub(r"\g<colours>", svg), encoding="utf-8")
