"""The matrix of a slot: which claims refute which of its mistakes, as a drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from claims.engine.book import Book
from claims.engine.declare import Claim
from claims.engine.slots import Slot
from claims.site.standing import NOT_JUDGED, Standing

_CELL = 18  # px
_LETTER = 6.9  # px, the mean width of a letter of a mistake's name at 13 px
_BOXES = {
    "refuted": "M{x} {y}h10v10h-10z",
    "spared": "M{x} {y}l10 10m0 -10l-10 10",
    NOT_JUDGED: "M{x} {y}h10v10h-10z",
    "declared": "M{x} {y}h10v10h-10z",
}
LEGEND = {
    "refuted": "refuted by this claim",
    "spared": "not refuted, though it should be",
    NOT_JUDGED: "to be refuted by it, not judged",
    "declared": "to be refuted by it",
}


@dataclass(frozen=True)
class Matrix:
    """A drawing, the claims that its columns stand for, from 1, and what its signs mean."""

    svg: str
    claims: Sequence[Claim]
    signs: Sequence[str]


def of_slot(book: Book, slot: Slot, stands: Standing) -> Matrix | None:
    """Return the matrix of a slot, None if no mistake of it is declared."""
    cells = {
        (mistake.id, claim.id): _outcome(stands, claim, mistake.id)
        for claim in book.claims_on(slot.name)
        for mistake in claim.mistakes
        if mistake.slot == slot.name
    }
    if not cells:
        return None
    mistakes = list(dict.fromkeys(mistake for mistake, _ in cells))
    claims = [book.claims[name] for name in dict.fromkeys(claim for _, claim in cells)]
    return Matrix(_svg(slot.name, mistakes, [claim.id for claim in claims], cells), claims, sorted(set(cells.values())))


def sign(outcome: str) -> str:
    """Return one sign, as the legend shows it."""
    path = f'<path class="{_name(outcome)}" d="{_BOXES[outcome].format(x=1, y=1)}"/>'
    return f'<svg class="sign" width="12" height="12" aria-hidden="true">{path}</svg>'


def _outcome(stands: Standing, claim: Claim, mistake: str) -> str:
    if stands.missing:
        return "declared"
    known = {entry["id"]: entry["outcome"] for entry in stands.of(claim).get("mistakes", ())}
    outcome = known.get(mistake, NOT_JUDGED)
    return outcome if outcome in _BOXES else "spared"


def _svg(slot: str, mistakes: Sequence[str], claims: Sequence[str], cells: dict[tuple[str, str], str]) -> str:
    width = round(_CELL * len(claims) + 8 + _LETTER * max(map(len, mistakes)))
    height = _CELL * (len(mistakes) + 1)
    numbers = "".join(
        f'<text x="{_CELL * i + _CELL / 2:g}" y="12" text-anchor="middle">{i + 1}</text>' for i in range(len(claims))
    )
    names = "".join(
        f'<text class="name" x="{_CELL * len(claims) + 8}" y="{_CELL * (j + 1) + 13}">{_words(mistake)}</text>'
        for j, mistake in enumerate(mistakes)
    )
    paths = "".join(
        f'<path class="{_name(outcome)}" d="{_path(outcome, mistakes, claims, cells)}"/>'
        for outcome in _BOXES
        if outcome in cells.values()
    )
    rows = "".join(f"M0 {_CELL * (j + 1)}h{width}" for j in range(len(mistakes) + 1))
    said = f"{len(claims)} of the claims on {slot} against {len(mistakes)} of its mistakes"
    return (
        f'<svg class="matrix" width="{width}" height="{height + 1}" role="img" aria-label="{said}">'
        f'<path class="rows" d="{rows}"/>{numbers}{paths}{names}</svg>'
    )


def _path(outcome: str, mistakes: Sequence[str], claims: Sequence[str], cells: dict[tuple[str, str], str]) -> str:
    return "".join(
        _BOXES[outcome].format(x=_CELL * i + 4, y=_CELL * (j + 1) + 4)
        for j, i in _places(mistakes, claims)
        if cells.get((mistakes[j], claims[i])) == outcome
    )


def _places(mistakes: Sequence[str], claims: Sequence[str]) -> Iterable[tuple[int, int]]:
    return ((j, i) for j in range(len(mistakes)) for i in range(len(claims)))


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


def _name(outcome: str) -> str:
    return outcome.replace(" ", "-")
