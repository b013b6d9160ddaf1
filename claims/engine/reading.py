"""Read the book from its files: questions, prose, slots and claims."""

import functools
import importlib
import importlib.util
import tomllib
from types import ModuleType

from claims.engine import faults, prose
from claims.engine.book import ANSWERS, CLAIMS, NOT_PAGES, Book, Page, Question
from claims.engine.declare import ROOT, Claim, Misdeclared, Where, declared
from claims.engine.slots import slots_of
from claims.engine.text import describe, line_of


def stems() -> list[str]:
    """Return the stems of all pages begun: their prose or their claims exist."""
    written = {path.stem for path in (ROOT / ANSWERS).glob("*.md")} - NOT_PAGES
    return sorted(written | {path.stem for path in (ROOT / CLAIMS).glob("[!_]*.py")})


def read_questions() -> list[Question]:
    """Return the questions in the book's order."""
    data = tomllib.loads((ROOT / ANSWERS / "questions.toml").read_text(encoding="utf-8"))
    return [Question(**entry) for entry in data["question"]]


@functools.cache
def load() -> Book:
    """Read the whole book; what cannot be imported or is declared wrongly becomes a fault of its page."""
    questions = read_questions()
    order = {question.page: i for i, question in reversed(list(enumerate(questions)))}
    ordered = sorted(stems(), key=lambda stem: (order.get(stem, len(order)), stem))
    book = Book(questions, {stem: read_page(stem) for stem in ordered})
    faults.check(book)
    return book


def read_page(stem: str) -> Page:
    """Return one page as its three files declare it."""
    page = Page(stem)
    prose_file = ROOT / ANSWERS / f"{stem}.md"
    if prose_file.exists():
        page.text = prose_file.read_text(encoding="utf-8")
    else:
        page.faults.append(f"{ANSWERS}/{stem}.md:1: the page {stem} has no prose; write it, or run: claims new {stem}")
    try:
        if answers := _imported(page, ANSWERS):
            page.slots = slots_of(stem, answers)
        if claims := _imported(page, CLAIMS):
            read_declarations(page, claims)
    except Misdeclared as fault:
        page.faults.append(str(fault))
    return page


def read_declarations(page: Page, module: ModuleType) -> None:
    """Sort what a module declares into claims, legal variants and conventions."""
    for item in declared(vars(module)):
        if isinstance(item, Claim):
            page.claims.append(item)
        else:
            (page.conventions if item.convention else page.variants).append(item)
    for link in prose.links(page.text):
        page.questions.setdefault(link.claim, link.question)


def _imported(page: Page, package: str) -> ModuleType | None:
    name, file = f"{package}.{page.stem}", f"{package}/{page.stem}.py"
    if importlib.util.find_spec(name) is None:
        page.faults.append(f"{file}:1: the page {page.stem} lacks this file; write it, or run: claims new {page.stem}")
        return None
    try:
        return importlib.import_module(name)
    except Misdeclared:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a module does on import is that page's fault, and no other's
        page.faults.append(
            f"{Where(file, line_of(error, ROOT / file))}: {describe(error)}; mend it: nothing of this page was judged"
        )
        return None
