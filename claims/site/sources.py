"""The sources of the site: the pages as Sphinx reads them, and those that are written here."""

import re
from pathlib import Path

from claims.engine import prose
from claims.engine.book import ANSWERS, Book
from claims.engine.declare import ROOT
from claims.site import cards
from claims.site.generated import GENERATED
from claims.site.chapters import chapters, numbered_title, pages
from claims.site.standing import Standing
from claims.site.templates import render

_COMMENT = re.compile(r"<!--.*?-->")
_LIGHT = re.compile(r"@media \(prefers-color-scheme: dark\)\{:root\{[^}]*\}\}")


def write(book: Book, stands: Standing, folder: Path) -> None:
    """Write all sources into an empty folder."""
    for name in ("claims", "figures", "_cards/cards"):
        (folder / name).mkdir(parents=True)
    for path in sorted((ROOT / ANSWERS).glob("*.md")):
        if path.stem != "README":
            _page(book, stands, path, folder)
    for path in sorted((ROOT / ANSWERS / "figures").glob("*.svg")):
        _figure(path, folder / "figures")
    for page in GENERATED:
        (folder / f"{page.name}.md").write_text(page.source(book, stands.run), encoding="utf-8")
    for stem in book.pages:
        claims = [cards.facts(book, claim, stands) for claim in book.pages[stem].claims]
        text = render("claims_of_page.md", title=numbered_title(book, stem), stem=stem, claims=claims, code=cards.code)
        (folder / "claims" / f"{stem}.md").write_text(text, encoding="utf-8")
    contents = {title: [(numbered_title(book, s), s) for s in pages(qs) if s in book.pages] for title, qs in chapters(book).items()}
    index = render("index.md", contents=contents, generated=GENERATED, stems=list(book.pages))
    (folder / "index.md").write_text(index, encoding="utf-8")


def _page(book: Book, stands: Standing, path: Path, folder: Path) -> None:
    """Copy a page line by line: its links lead to claims, and comments that only weaving reads are gone."""
    text = prose.DEFINITION.sub("", path.read_text(encoding="utf-8"))
    linked = dict.fromkeys(link.claim for link in prose.links(text))
    definitions = "".join(f"[{claim}]: claim:{claim}\n" for claim in linked)
    (folder / path.name).write_text(f"{_COMMENT.sub('', text)}\n\n{definitions}", encoding="utf-8")
    if linked:
        script = cards.script(book, [book.claims[claim] for claim in linked], stands)
        (folder / "_cards/cards" / f"{path.stem}.js").write_text(script, encoding="utf-8")


def _figure(path: Path, folder: Path) -> None:
    """Copy a figure twice, in light and in dark: a picture cannot see which of the two the page is set to."""
    svg = path.read_text(encoding="utf-8")
    (folder / path.name).write_text(_LIGHT.sub("", svg), encoding="utf-8")
    dark = re.sub(r"@media \(prefers-color-scheme: dark\)\{(:root\{[^}]*\})\}", r"\1", svg)
    (folder / f"{path.stem}.dark.svg").write_text(dark, encoding="utf-8")
