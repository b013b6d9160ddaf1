"""`claims show` and `claims list`: what there is, and what is missing."""

import inspect
import json
from difflib import get_close_matches
from typing import Any

from claims.engine import reading, text
from claims.engine.book import Book
from claims.engine.declare import Claim
from claims.engine.evidence import build_folder
from claims.engine.slots import Slot
from claims.engine.subjects import BadInput


def show(name: str) -> None:
    """Print all about one claim or slot; raise BadInput, with the nearest names, if there is none such."""
    book = reading.load()
    if name in book.claims:
        rows = _claim(book, book.claims[name])
    elif name in book.slots:
        rows = _slot(book, book.slots[name])
    else:
        near = get_close_matches(name, [*book.claims, *book.slots], n=3, cutoff=0.5)
        raise BadInput(
            f"there is no claim or slot {name!r}; "
            + (f"did you mean {' or '.join(near)}?" if near else "claims list shows all")
        )
    for label, content in rows:
        for i, line in enumerate(content.splitlines()):
            print("\n".join(text.wrapped("" if i else label, line, lines=40)) if line.strip() else "")


def _flowing(docstring: str) -> str:
    """Return a docstring with its paragraphs on one line each, to be wrapped anew."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))


def _claim(book: Book, claim: Claim) -> list[tuple[str, str]]:
    question = next((q for q in book.questions if q.id == book.question_of(claim.id)), None)
    rows = [("claim", claim.id), ("says", claim.statement)]
    rows += [("", f"\n{_flowing(claim.details)}")] if claim.details else []
    rows += [("question", f"{question.id} [{question.level}] {question.text}")] if question else []
    kind = "myth" if claim.is_myth else claim.kind
    rows += [("kind", f"{kind}, tried on {', '.join(claim.drawn)}" if claim.drawn else kind)]
    if claim.seeds:
        rows += [
            ("chance", f"{claim.seeds} seeds; false hold {claim.false_hold:.2g}, false alarm {claim.false_alarm:.2g}")
        ]
    rows += [("slots", "\n".join(str(book.slots[name]) for name in claim.slots) or "none")]
    rows += (
        [("refutes", "\n".join(f"{mistake.id} ({mistake.slot})" for mistake in claim.mistakes))]
        if claim.mistakes
        else []
    )
    if variants := [f"{variant.id} ({name})" for name in claim.slots for variant in book.variants(name)]:
        rows += [("holds on", "\n".join(variants))]
    rows += (
        [("false at", text.arguments(dict(claim.refuted_by)) or "the one case there is")]
        if claim.refuted_by is not None
        else []
    )
    return [*rows, ("at", str(claim.where)), ("last run", _last_outcome(claim.id))]


def _slot(book: Book, slot: Slot) -> list[tuple[str, str]]:
    mistakes = sorted({m.id for claim in book.claims_on(slot.name) for m in claim.mistakes if m.slot == slot.name})
    rows = [("slot", str(slot)), ("is", _flowing(inspect.getdoc(slot.reference) or ""))]
    rows += [("claims", "\n".join(claim.id for claim in book.claims_on(slot.name)) or "none")]
    rows += [("mistakes", "\n".join(mistakes))] if mistakes else []
    rows += [("variants", "\n".join(v.id for v in book.variants(slot.name)))] if book.variants(slot.name) else []
    if conventions := book.conventions(slot.name):
        rows += [("accepted", "\n".join(f"if {c.convention}" for c in conventions))]
    return [*rows, ("at", str(slot.where))]


def _last_outcome(claim: str) -> str:
    runs = []
    for path in build_folder().glob("evidence*.json"):
        try:
            runs.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    for run in sorted(runs, key=lambda run: str(run.get("date")), reverse=True):
        for entry in [*run.get("claims", []), *run.get("myths", [])]:
            if entry["id"] == claim and entry.get("reason") != "did not run":
                return _told(entry, run)
    return "never run here; claims check judges it"


def _told(entry: dict[str, Any], run: dict[str, Any]) -> str:
    commit = (run["project"]["commit"] or "no commit")[:10] + (" with changes" if run["project"]["dirty"] else "")
    cases = f" on {text.count(entry['cases'], 'case')}" if entry.get("cases") else ""
    return f"{entry['outcome']}{cases}, {run['date'][:16].replace('T', ' ')} UTC, {commit}"


def list_all() -> None:
    """Print the questions with their pages, claims and slots, then what is missing."""
    book = reading.load()
    missing = []
    last = {question.page: question.id for question in book.questions}  # its questions stand together, its slots once
    for question in book.questions:
        page = book.pages.get(question.page)
        mine = [claim for claim in book.claims.values() if book.question_of(claim.id) == question.id]
        if page is None or not mine:
            missing.append(question)
            continue
        print("\n".join(_headed(f"{question.id} [{question.level}]", question.text)))
        print(f"  page    answers/{page.stem}.md")
        for claim in mine:
            print(f"  {'myth' if claim.is_myth else claim.kind:<9}{claim.id}")
        for slot in page.slots if question.id == last[question.page] else ():
            print(f"  {'slot':<9}{slot}")
        print()
    if missing:
        pages = dict.fromkeys(question.page for question in missing)
        print(f"missing: {text.count(len(missing), 'question')} on {text.count(len(pages), 'page')}")
        for stem in pages:
            print(f"  {stem:<26}{', '.join(question.id for question in missing if question.page == stem)}")
    for fault in book.faults:
        print(fault)


def _headed(head: str, body: str) -> list[str]:
    first, *rest = text.wrapped("", f"{head} {body}", lines=6)
    return [first.strip(), *(f"  {line.strip()}" for line in rest)]
