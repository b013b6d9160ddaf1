"""The book: every page's claims, slots and prose, joined by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from claims.engine.declare import Claim, Filling, Misdeclared, Where
from claims.engine.slots import Slot

ANSWERS, CLAIMS = "answers", "claims"
NOT_PAGES = {"README", "notation", "conformance"}


@dataclass(frozen=True)
class Question:
    """One of the forty-four, in the book's words."""

    id: str
    level: str
    text: str
    page: str
    group: str = ""


@dataclass
class Page:
    """One stem: what is claimed, the slots it owns, the legal variants of those, and the prose."""

    stem: str
    text: str = ""
    claims: list[Claim] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    variants: list[Filling] = field(default_factory=list)
    conventions: list[Filling] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)  # claim id -> question id
    faults: list[str] = field(default_factory=list)

    def fault(self, where: Where, cause: str, remedy: str) -> None:
        """Note that something is declared wrongly, in one line."""
        self.faults.append(str(Misdeclared(where, cause, remedy)))

    @property
    def file(self) -> str:
        """The page's claims, as they are named in ids and reports."""
        return f"{CLAIMS}/{self.stem}.py"


@dataclass
class Book:
    """All pages; `slots` and `claims` by name."""

    questions: Sequence[Question]
    pages: Mapping[str, Page]

    def __post_init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.claims: dict[str, Claim] = {}
        self.page_of: dict[str, Page] = {}
        self.variant_of: dict[str, Filling] = {}
        for page in self.pages.values():
            _enter(self, page)

    @property
    def faults(self) -> list[str]:
        """Everything that is declared wrongly, one line each."""
        return [fault for page in self.pages.values() for fault in page.faults]

    def variants(self, slot: str) -> list[Filling]:
        """Return the legal variants of a slot."""
        return [v for v in self.pages[self.slots[slot].stem].variants if v.slot == slot]

    def conventions(self, slot: str) -> list[Filling]:
        """Return the conventions that differ from a slot and are accepted all the same."""
        return [c for c in self.pages[self.slots[slot].stem].conventions if c.slot == slot]

    def claims_on(self, slot: str) -> Iterator[Claim]:
        """Yield the claims, myths excepted, that judge a slot."""
        return (claim for claim in self.claims.values() if slot in claim.slots and not claim.is_myth)

    def question_of(self, claim: str) -> str:
        """Return the id of the question that a claim belongs to, "" for what is no claim of a page."""
        return self.page_of[claim].questions.get(claim, "") if claim in self.page_of else ""


def _enter(book: Book, page: Page) -> None:
    """Enter a page's slots, claims and variants into the book, each name once."""
    for slot in page.slots:
        other = book.slots.setdefault(slot.name, slot)
        if other is not slot:
            page.fault(
                slot.where,
                f"the slot {slot.name} is owned by {other.where} already",
                "rename one, or make it a helper: _name",
            )
    for claim in page.claims:
        first = book.claims.setdefault(claim.id, claim)
        if first is claim:
            book.page_of[claim.id] = page
        else:
            page.fault(
                claim.where,
                f"the claim {claim.id} stands at {first.where} already",
                "choose another name: ids are unique",
            )
    for variant in [*page.variants, *page.conventions]:
        known = book.variant_of.setdefault(variant.id, variant)
        if known is not variant:
            page.fault(
                variant.where, f"the variant {variant.id} stands at {known.where} already", "choose another name"
            )
