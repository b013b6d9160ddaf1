"""Faults: what a page says of slots, claims and questions that the rest of the book does not bear out."""

import functools
from collections.abc import Sequence

from claims.engine import prose
from claims.engine.book import ANSWERS, CLAIMS, Book, Page
from claims.engine.declare import Filling, Where
from claims.engine.slots import halves


def check(book: Book) -> None:
    """Note every fault in the page that has it; a page with faults is not judged."""
    whole = not book.faults  # else a slot may be missing only because its own page is broken
    for page in book.pages.values():
        if not page.faults:
            _check_claims(book, page, whole=whole)
            _check_variants(book, page)
            _check_links(book, page)


def _check_claims(book: Book, page: Page, *, whole: bool) -> None:
    for claim in page.claims:
        for name in claim.slots:
            if name not in book.slots and whole:
                page.fault(
                    claim.where,
                    f"the parameter {name!r} of {claim.id} is neither drawn nor a slot",
                    f"draw it in the decorator, or write {name} in {ANSWERS}/{page.stem}.py",
                )
            elif name == claim.id:
                page.fault(claim.where, f"the claim {claim.id} has the name of a slot", "choose another name")
        if not claim.is_myth and not claim.mistakes:
            page.fault(
                claim.where,
                f"{claim.id} has no mistake, so nothing shows that it can fail",
                f"declare one: @{claim.id}.refutes(…)",
            )
        if claim.id not in page.questions:
            page.fault(
                claim.where,
                f"no prose links {claim.id}",
                f"link it in {ANSWERS}/{page.stem}.md: [its words][{claim.id}]",
            )
        elif not page.questions[claim.id]:
            page.fault(
                claim.where, f"the prose links {claim.id} before the heading of any question", "move the link below one"
            )
        for mistake in claim.mistakes:
            _check_filling(book, page, mistake, claim.slots)


def _check_variants(book: Book, page: Page) -> None:
    own = {slot.name for slot in page.slots}
    for variant in [*page.variants, *page.conventions]:
        for name in variant.functions:
            if name not in own:
                owner = f"it belongs to {CLAIMS}/{book.slots[name].stem}.py" if name in book.slots else "no page has it"
                page.fault(variant.where, f"{variant.id} is a variant of {name}, which this page does not own", owner)
        _check_filling(book, page, variant, sorted(own))


def _check_filling(book: Book, page: Page, filling: Filling, among: Sequence[str]) -> None:
    for name, function in filling.functions.items():
        if filling.translates:
            function = functools.partial(function, None)  # noqa: PLW2901 - the first argument is whose answer it translates
        if name in book.slots and (misfit := book.slots[name].misfit(function, every_option=True)):
            page.fault(filling.where, misfit, "give it the slot's arguments")
    for name, other in halves(among):
        if name in filling.functions and other not in filling.functions:
            page.fault(
                filling.where,
                f"{filling.id} fills {name} but not {other}, and the two share a cache",
                f"name the other half by the same hand: {other}=…",
            )


def _check_links(book: Book, page: Page) -> None:
    for link in prose.links(page.text):
        if link.claim not in book.claims:
            page.fault(
                Where(f"{ANSWERS}/{page.stem}.md", link.line),
                f"it links to no such claim: {link.claim}",
                "mend the name, or write the claim",
            )
        elif link.question and link.question not in {q.id for q in book.questions}:
            page.fault(
                Where(f"{ANSWERS}/{page.stem}.md", link.line),
                f"there is no question {link.question}",
                f"add it to {ANSWERS}/questions.toml, or mend the heading",
            )
