"""What the pages show that are written from the book: the front page, the table of claims, the claims of a page."""

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from docutils.nodes import make_id

from claims.engine.book import Book, Question
from claims.engine.slots import Slot
from claims.site import cards, matrix
from claims.site.chapters import LEVELS, chapters, numbered_title, pages
from claims.site.standing import KINDS, Standing, ordered


def front(book: Book, stands: Standing) -> dict[str, Any]:
    """Return what the front page shows: the questions by chapter, and what the run found."""
    return {
        "chapters": {title: [_question(book, q, stands) for q in among] for title, among in chapters(book).items()},
        "pages": {
            title: [(stem, numbered_title(book, stem)) for stem in pages(among) if stem in book.pages]
            for title, among in chapters(book).items()
        },
        "run": stands.run,
        "marks": [] if stands.missing else ordered(map(stands.mark, book.claims.values())),
    }


def _question(book: Book, question: Question, stands: Standing) -> dict[str, Any]:
    mine = [claim for claim in book.claims.values() if book.question_of(claim.id) == question.id]
    counted = Counter(map(stands.mark, mine))
    return {
        "id": question.id,
        "level": LEVELS[question.level],
        "text": question.text,
        "group": question.group,
        "href": _address(book, question),
        "counts": [(mark, counted[mark]) for mark in ordered(counted)],
        "refuted": sum(map(stands.refuted, mine)),
    }


def _address(book: Book, question: Question) -> str:
    if question.page not in book.pages:
        return ""
    alone = sum(other.page == question.page for other in book.questions) == 1
    return f"{question.page}.html" if alone else f"{question.page}.html#{make_id(question.id)}"


def table(book: Book, stands: Standing) -> dict[str, Any]:
    """Return what the page of all claims shows: one row for each, in the order of the questions."""
    order = {question.id: i for i, question in enumerate(book.questions)}
    claims = sorted(book.claims.values(), key=lambda claim: order.get(book.question_of(claim.id), len(order)))
    rows: list[dict[str, Any]] = [
        {
            "statement": claim.statement,
            "href": cards.address(book, claim),
            "mark": stands.mark(claim),
            "question": book.question_of(claim.id),
            "slots": claim.slots,
        }
        for claim in claims
    ]
    return {
        "rows": rows,
        "kinds": [kind for kind in KINDS if any(row["mark"][0] == kind for row in rows)],
        "outcomes": sorted({row["mark"][1] for row in rows} - {""}),
        "questions": [question.id for question in book.questions],
        "slots": sorted(book.slots),
    }


def page(book: Book, stem: str, stands: Standing) -> dict[str, Any]:
    """Return what the page of a stem's claims shows: each claim with its code, each slot with its matrix."""
    return {
        "stem": stem,
        "title": numbered_title(book, stem),
        "claims": [
            {**cards.facts(book, claim, stands), "paragraphs": list(_paragraphs(claim.details))}
            for claim in book.pages[stem].claims
        ],
        "slots": [_slot(book, slot, stands) for slot in book.pages[stem].slots],
        "code": cards.code,
        "highlighted": cards.highlighted,
        "sign": matrix.sign,
        "meaning": matrix.LEGEND,
    }


def _slot(book: Book, slot: Slot, stands: Standing) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(slot.reference) or "").partition("\n\n")
    return {
        "name": slot.name,
        "signature": str(slot),
        "paragraphs": list(_paragraphs(f"{summary}\n\n{rest}")),
        "conventions": book.conventions(slot.name),
        "variants": book.variants(slot.name),
        "matrix": matrix.of_slot(book, slot, stands),
    }


def _paragraphs(docstring: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring, each on one line."""
    blocks: Iterable[str] = docstring.split("\n\n")
    return (" ".join(block.split()) for block in blocks if block.strip())
