"""The evidence: the JSON that a run leaves behind, and the only source of badge, report and site."""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from claims.engine import badge
from claims.engine.declare import ROOT
from claims.engine.ledger import Entry, Ledger
from claims.engine.subjects import REFERENCE

SCHEMA = 1
DISTRIBUTION = "executable-answers"
_LIBRARIES = ("numpy", "hypothesis", "pytest", "sympy", "z3-solver", "scikit-learn", "scipy", "torch")


def build_folder() -> Path:
    """Return where a run writes: `build/` of the checkout, or of the working folder where there is no checkout."""
    return (ROOT if (ROOT / "pyproject.toml").is_file() else Path.cwd()) / "build"


def as_evidence(ledger: Ledger, started: datetime, seconds: float) -> dict[str, Any]:
    """Return everything that is known of a run, as JSON can hold it."""
    book, fillings = ledger.book, _fillings(ledger)
    return {
        "schema": SCHEMA,
        "complete": ledger.complete,
        "selection": ledger.selection,
        "exit": ledger.exit_code,
        "errors": [*book.faults, *ledger.errors],
        "date": started.isoformat(timespec="seconds"),
        "duration": round(seconds, 3),
        "project": project(),
        "environment": environment(),
        "profile": ledger.profile.name,
        "seed": ledger.seed,
        "fixed_seeds": not ledger.redraw,  # of the measured claims
        "questions": [
            {
                "id": question.id,
                "level": question.level,
                "text": question.text,
                "page": question.page,
                "claims": [claim for claim, of in book.pages[question.page].questions.items() if of == question.id]
                if question.page in book.pages
                else [],
            }
            for question in book.questions
        ],
        "claims": [_claim(ledger, entry, fillings) for entry in ledger.of("subject")],
        "myths": [
            {
                "id": entry.trial.claim.id,
                "statement": entry.trial.claim.statement,
                "question": book.question_of(entry.trial.claim.id),
                "page": entry.trial.page.stem,
                "outcome": entry.outcome,
                "counterexample": entry.verdict.counterexample,
            }
            for entry in ledger.of("myth")
        ],
        "contracts": [_contract(ledger, entry) for entry in ledger.of("subject", contract=True)],
        "totals": ledger.totals(),
    }


def _claim(ledger: Ledger, entry: Entry, fillings: Mapping[tuple[str, str], list[dict[str, Any]]]) -> dict[str, Any]:
    claim, verdict = entry.trial.claim, entry.verdict
    return {
        "id": claim.id,
        "statement": claim.statement,
        "kind": claim.kind,
        "question": ledger.book.question_of(claim.id),
        "page": entry.trial.page.stem,
        "subject": entry.trial.on,
        "outcome": entry.outcome,
        "reason": verdict.reason,
        "cases": verdict.cases,
        "seconds": round(verdict.seconds, 4),
        "counterexample": verdict.counterexample,
        "results": verdict.results,
        "false_hold": claim.false_hold,
        "false_alarm": claim.false_alarm,
        "source": {"file": claim.where.file, "line": claim.where.line},
        "mistakes": fillings.get((claim.id, "mistake"), []) if entry.trial.on == REFERENCE else [],
        "legal": fillings.get((claim.id, "legal"), []) if entry.trial.on == REFERENCE else [],
    }


def _fillings(ledger: Ledger) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in ledger.of("mistake", "legal"):
        facts = {
            "id": entry.trial.on,
            "slot": entry.trial.slot,
            "outcome": entry.outcome,
            "cases": entry.verdict.cases,
            "seconds": round(entry.verdict.seconds, 4),
        }
        found.setdefault((entry.trial.claim.id, entry.trial.role), []).append(facts)
    return found


def _contract(ledger: Ledger, entry: Entry) -> dict[str, Any]:
    name, slot = entry.trial.claim.id, entry.trial.slot
    mine = [
        other for other in ledger.entries.values() if other.trial.role == "subject" and other.trial.on == entry.trial.on
    ]
    broken = any(other.verdict.breach == name for other in mine)
    return {
        "slot": slot,
        "subject": entry.trial.on,
        "outcome": "refuted" if broken else entry.outcome,
        "reason": entry.verdict.reason,
        "calls": sum(other.verdict.calls.get(slot, 0) for other in mine),
    }


def project() -> dict[str, Any]:
    """Return what was judged: version, and commit and cleanness where this is a checkout."""
    try:
        number = version(DISTRIBUTION)
    except PackageNotFoundError:
        number = ""
    top = _git("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != ROOT:  # somebody else's repository may lie around an installed copy
        return {"version": number, "commit": None, "dirty": None}
    return {"version": number, "commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def environment() -> dict[str, str]:
    """Return the versions that a verdict may depend on."""
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(ledger: Ledger, evidence: dict[str, Any], asked: Path | None) -> list[Path]:
    """Write the evidence where it belongs, and the badge if the run was complete; return what was written.

    A complete run on the reference replaces `build/evidence.json` and the badge.  Any other run
    leaves them alone, except that a badge which the run contradicts is withdrawn.
    """
    folder = build_folder()
    text = json.dumps(evidence, indent=1, ensure_ascii=False) + "\n"
    files = {asked or folder / "evidence-partial.json": text}
    badges = {
        folder / "badge.json": badge.as_json(evidence["totals"]),
        folder / "badge.svg": badge.as_svg(evidence["totals"]),
    }
    if evidence["complete"]:
        files = {**({asked: text} if asked else {}), folder / "evidence.json": text, **badges}
    elif REFERENCE in ledger.subjects and evidence["totals"]["bad"]:
        for path in badges:
            path.unlink(missing_ok=True)
    for path, content in files.items():
        replace(path, content)
    return list(files)


def replace(path: Path, content: str) -> None:
    """Write a file beside its place and rename it: whoever reads, or interrupts, finds the old or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
