"""A site to look at: the whole book, with evidence in which every outcome occurs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from claims.engine import reading
from claims.engine.declare import ROOT, Claim

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PROJECT = {"version": "0.1.0", "commit": COMMIT, "dirty": False}
# The rest is held, or for a myth refuted.
ODD = {
    "two_linear_layers_equal_one": "refuted",
    "any_number_of_linear_layers_is_one": "not judged",
    "collapsing_errs_only_by_rounding": "error",
    "collapsing_changes_no_bit": "held",
    "two_layers_always_have_more_weights": "not judged",
}
_BUILD = """
import json, sys
from pathlib import Path
from claims.command import siting
from claims.engine import evidence
run = Path(sys.argv[1])
evidence.project = lambda: json.loads(run.read_text())["project"]
siting.site(run, Path(sys.argv[2]))
"""


def evidence() -> dict[str, Any]:
    """Return evidence such as a run writes, without the run."""
    book = reading.load()
    claims = [_entry(claim) for claim in book.claims.values() if not claim.is_myth]
    myths = [_entry(claim) for claim in book.claims.values() if claim.is_myth]
    totals = {
        "questions": 44,
        "answered": 44,
        "claims": len(claims),
        "held": len(claims) - 3,
        "not_judged": 1,
        "bad": 3,
    }
    totals |= {"mistakes": 0, "mistakes_refuted": 0, "legal": 0, "legal_held": 0, "contracts": 0, "contracts_held": 0}
    totals |= {"myths": len(myths), "myths_refuted": len(myths) - 2, "cases": 100 * len(claims)}
    return {
        "schema": 1,
        "date": "2026-01-01T00:00:00+00:00",
        "profile": "default",
        "seed": 1,
        "project": PROJECT,
        "environment": {"python": "3.11.0", "numpy": "2.0.0"},
        "claims": claims,
        "myths": myths,
        "totals": totals,
    }


def _entry(claim: Claim) -> dict[str, Any]:
    outcome = ODD.get(claim.id, "refuted" if claim.is_myth else "held")
    mistakes = [{"id": mistake.id, "slot": mistake.slot, "outcome": "refuted"} for mistake in claim.mistakes]
    return {
        "id": claim.id,
        "statement": claim.statement,
        "kind": claim.kind,
        "subject": "numpy",
        "outcome": outcome,
        "reason": "z3 is not installed" if outcome == "not judged" else "",
        "cases": 100,
        "counterexample": "x=[[0.0]]" if outcome == "refuted" else "",
        "mistakes": mistakes if outcome == "held" else [],
    }


def build(folder: Path) -> Path:
    """Build the whole book with that evidence, as if it were of this checkout; return where the site is."""
    run, output = folder / "evidence.json", folder / "site"
    run.write_text(json.dumps(evidence()), encoding="utf-8")
    command = [sys.executable, "-c", _BUILD, str(run), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return output
