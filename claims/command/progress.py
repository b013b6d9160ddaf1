"""What was found of a learner's functions, kept between runs: `claims hint` tells a little more each time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claims.engine import reading, text
from claims.engine.book import ANSWERS, Book
from claims.engine.evidence import replace
from claims.engine.prose import LINK, lines_outside_code
from claims.engine.subjects import BadInput
from claims.judge.judging import Finding

_KEYS = {"file", "outcome", "reason", "claim", "says", "case", "like", "stem", "hints"}


def remember(book: Book, file: Path, found: Sequence[Finding]) -> None:
    """Write what was found; how many hints were asked for begins anew where the outcome is another."""
    before = _read()
    known = {}
    for finding in found:
        facts = _facts(book, file, finding)
        same = {**before.get(finding.slot, {}), "hints": 0} == {**facts, "hints": 0}
        known[finding.slot] = {**facts, "hints": before[finding.slot]["hints"] if same else 0}
    replace(_file(), json.dumps(before | known, indent=1, ensure_ascii=False) + "\n")


def _facts(book: Book, file: Path, finding: Finding) -> dict[str, Any]:
    verdict, trial = finding.verdict, finding.trial
    return {
        "file": file.name,
        "outcome": finding.outcome,
        "reason": finding.reason,
        "claim": trial.claim.id if trial else "",
        "says": trial.claim.statement if trial else "",
        "case": [[label, getattr(verdict, label)] for label in ("call", "came", "should")] if verdict else [],
        "like": finding.like,
        "stem": book.slots[finding.slot].stem,
    }


def hint(slot: str) -> None:
    """Print the next hint: the law that failed, then the case, then the page; after success, the explanation."""
    book = reading.load()
    if slot not in book.slots:
        raise BadInput(f"there is no slot {slot!r}; claims list shows their names")
    every = _read()
    known = every.get(slot)
    if known is None or known["outcome"] == "not judged":
        raise BadInput(f"{slot} is not judged yet; write it, then: claims judge FILE")
    if known["outcome"] == "right":
        rows = [("right", f"{slot}. The page says of it:"), *_page(book, slot, "")]
    else:
        rows = _hints(book, slot, known)
    for label, content in rows:
        for line in text.wrapped(label, content, lines=40):
            print(line)
    known["hints"] += 1
    replace(_file(), json.dumps(every, indent=1, ensure_ascii=False) + "\n")


def _hints(book: Book, slot: str, known: dict[str, Any]) -> list[tuple[str, str]]:
    law = [("law", known["says"])]
    case = [(label, content) for label, content in known["case"] if content]
    page = [("like", known["like"])] if known["like"] else []
    steps = [law, case, [*page, *_page(book, slot, known["claim"])]]
    shown = steps[: known["hints"] + 1]
    more = "" if len(shown) == len(steps) else f"claims hint {slot}, again, tells more"
    return [row for step in shown for row in step] + ([("", more)] if more else [])


def _page(book: Book, slot: str, claim: str) -> list[tuple[str, str]]:
    """Return the paragraphs of the page that link a claim, or else those that link any claim on a slot."""
    stem = book.page_of[claim].stem if claim in book.page_of else book.slots[slot].stem
    wanted = {claim} if claim in book.page_of else {c.id for c in book.claims_on(slot) if not c.is_myth}
    lines = [line for _, line in lines_outside_code(book.pages[stem].text)]
    told = [LINK.sub(_words, line) for line in lines if any(link["id"] in wanted for link in LINK.finditer(line))]
    return [("page", f"{ANSWERS}/{stem}.md"), *(("", line) for line in told[:6])]


def _words(link: Any) -> str:
    return str(link[0][1:].partition("][")[0])


def _file() -> Path:
    """Return where it is kept: under the folder that the learner works in."""
    return Path.cwd() / "build" / "judged.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads((_file()).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {slot: known for slot, known in found.items() if _is_ours(known)} if isinstance(found, dict) else {}


def _is_ours(known: Any) -> bool:
    """Return whether an entry was written here, by this version: any other is as if it were not there."""
    return isinstance(known, dict) and known.keys() == _KEYS and isinstance(known["hints"], int)
