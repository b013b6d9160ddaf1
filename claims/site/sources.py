"""The sources of the site: the pages as Sphinx reads them, and those that are written from the book."""

import re
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
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\)\{(?P<colours>:root\{[^}]*\})\}")


def write(book: Book, stands: Standing, folder: Path) -> None:
    """Write all sources into an empty folder."""
    for name in ("claims", "figures", f"{STATIC}/cards"):
        (folder / name).mkdir(parents=True)
    for path in sorted((ROOT / ANSWERS).glob("*.md")):
        if path.stem != "README":  # its list of questions is the front page
            _page(book, stands, path, folder)
    for path in sorted((ROOT / ANSWERS / "figures").glob("*.svg")):
        _figure(path, folder / "figures")
    if stands.run:
        (folder / STATIC / "badge.svg").write_text(badge.as_svg(stands.run["totals"]), encoding="utf-8")
    for name, text in {
        "index": render("index.md", **contents.front(book, stands), generated=GENERATED),
        "claims": render("claims.md", **contents.table(book, stands)),
        **{page.name: page.source(book, stands.run) for page in GENERATED},
        **{f"claims/{stem}": render("claims_of_page.md", **contents.page(book, stem, stands)) for stem in book.pages},
    }.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _page(book: Book, stands: Standing, path: Path, folder: Path) -> None:
    """Copy a page line by line: its links lead to claims, and the comments that only weaving reads are gone."""
    text = prose.DEFINITION.sub("", path.read_text(encoding="utf-8"))
    linked = dict.fromkeys(link.claim for link in prose.links(text))
    definitions = "".join(f"[{claim}]: claim:{claim}\n" for claim in linked)
    (folder / path.name).write_text(f"{_COMMENT.sub('', text)}\n\n{definitions}", encoding="utf-8")
    if linked:
        script = cards.script(book, [book.claims[claim] for claim in linked], stands)
        (folder / STATIC / cards.script_of(path.stem)).write_text(script, encoding="utf-8")


def _figure(path: Path, folder: Path) -> None:
    """Copy a figure in light and in dark: a picture follows the machine's setting, not that of the page around it."""
    svg = path.read_text(encoding="utf-8")
    (folder / path.name).write_text(_DARK.sub("", svg), encoding="utf-8")
    (folder / f"{path.stem}.dark.svg").write_text(_DARK.sub(r"\g<colours>", svg), encoding="utf-8")
