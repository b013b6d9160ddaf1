"""Trials: every claim with every filling it has to be judged on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from claims.engine.book import Book, Page
from claims.engine.contract import Breach
from claims.engine.declare import SEEDS, Claim, Function
from claims.engine.impurities import impurities
from claims.engine.slots import Slot
from claims.engine.subjects import REFERENCE, Subject

Role = Literal["subject", "mistake", "legal", "myth", "search"]


@dataclass(frozen=True)
class Trial:
    """One claim and the implementations it is judged on; `on` is the name of what fills `slot`."""

    claim: Claim
    page: Page
    role: Role
    on: str
    functions: Mapping[str, Function]
    authors: Mapping[str, str]
    slots: Mapping[str, Slot]
    slot: str = ""
    missing: str = ""
    witness: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """The claim, and in brackets what it is judged on: `two_layers[not-forgets_the_bias]`."""
        prefix = {"mistake": "not-", "legal": "also-", "search": "search-"}.get(self.role, "")
        return f"{self.claim.id}[{prefix}{self.on}]"

    @property
    def nodeid(self) -> str:
        """The id under which pytest knows this trial, on every machine."""
        return f"{self.page.file}::{self.id}"

    @property
    def must_fail(self) -> bool:
        """Whether the claim must be refuted here."""
        return self.role in {"mistake", "myth", "search"}

    @property
    def is_contract(self) -> bool:
        """Whether this judges the contract of a slot, not a claim of a page."""
        return self.claim.kind == "contract"


def contract_of(slot: Slot, book: Book) -> Claim | None:
    """Return the claim that a slot keeps its contract: it calls the slot as one of its claims does."""
    order = {"property": 0, "proved": 1, "measured": 2}
    users = sorted(book.claims_on(slot.name), key=lambda c: (order[c.kind], len(c.slots)))
    return _contract(slot, users[0]) if users else None


def _contract(slot: Slot, exercise: Claim) -> Claim:
    def body(**parameters: Any) -> None:
        try:
            exercise.body(**parameters, **({SEEDS: [0]} if exercise.seeds else {}))
        except (Breach, ModuleNotFoundError):  # without its library the exercise makes no calls
            raise
        except Exception:  # noqa: BLE001, S110 - whether the exercise holds is judged elsewhere: only the calls count here
            pass

    body.__name__ = f"{slot.name}_is_pure"
    body.__doc__ = (
        f"Every call of {slot.name} leaves its inputs as they were, returns no view of them, answers the same "
        "input alike, and keeps to the stated shapes and dtypes."
    )
    body.__signature__ = exercise.signature  # type: ignore[attr-defined]
    claim = Claim(body, "contract", exercise.drawn)
    claim.where = slot.where
    return claim


def trials(book: Book, subjects: Sequence[Subject]) -> Iterator[Trial]:
    """Yield every trial of every page without faults, page by page and claim by claim.

    What belongs to the suite (mistakes, legal variants, myths) is tried along with the reference
    and not again for each subject.
    """
    suite = any(subject.name == REFERENCE for subject in subjects)
    for page in book.pages.values():
        if page.faults:
            continue
        for claim in page.claims:
            if claim.is_myth:
                yield from _of_myth(book, page, claim) if suite else ()
                continue
            yield from (_on_subject(book, page, claim, subject) for subject in subjects)
            yield from _of_suite(book, page, claim) if suite else ()
        for slot in page.slots:
            yield from _of_contract(book, page, slot, subjects, suite=suite)


def _of_contract(book: Book, page: Page, slot: Slot, subjects: Sequence[Subject], *, suite: bool) -> Iterator[Trial]:
    if claim := contract_of(slot, book):
        for subject in subjects:
            yield _on_subject(book, page, claim, subject, slot=slot.name)
        for name, function in impurities(slot).items() if suite else ():
            yield _filled(book, page, claim, "mistake", name, {slot.name: function}, slot=slot.name)


def _of_suite(book: Book, page: Page, claim: Claim) -> Iterator[Trial]:
    for mistake in claim.mistakes:
        yield _filled(
            book, page, claim, "mistake", mistake.id, mistake.functions, slot=mistake.slot, witness=mistake.witness
        )
    for slot in claim.slots:
        for variant in book.variants(slot):
            yield _filled(book, page, claim, "legal", variant.id, variant.functions, slot=slot)


def _of_myth(book: Book, page: Page, claim: Claim) -> Iterator[Trial]:
    yield _filled(book, page, claim, "myth", REFERENCE, {}, witness=claim.refuted_by)
    if claim.drawn:
        yield _filled(book, page, claim, "search", REFERENCE, {}, witness=claim.refuted_by)


def _on_subject(book: Book, page: Page, claim: Claim, subject: Subject, slot: str = "") -> Trial:
    found = {name: subject.functions[name] for name in claim.slots if name in subject.functions}
    lacking = [name for name in claim.slots if name not in found]
    misfits = [misfit for name, function in found.items() if (misfit := book.slots[name].misfit(function))]
    missing = f"{subject.name} has no {', '.join(lacking)}" if lacking else "; ".join(misfits)
    return Trial(
        claim, page, "subject", subject.name, found, dict.fromkeys(found, subject.name), book.slots, slot, missing
    )


def _filled(
    book: Book,
    page: Page,
    claim: Claim,
    role: Role,
    on: str,
    given: Mapping[str, Function],
    *,
    slot: str = "",
    witness: Mapping[str, Any] | None = None,
) -> Trial:
    functions = {name: given.get(name, book.slots[name].reference) for name in claim.slots}
    authors = {name: on if name in given else REFERENCE for name in claim.slots}
    return Trial(claim, page, role, on, functions, authors, book.slots, slot, witness=witness)
