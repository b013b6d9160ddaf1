"""How each claim stands: what the evidence of a run says of it, if that run judged this very checkout."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from claims.engine import evidence
from claims.engine.declare import Claim
from claims.engine.subjects import REFERENCE, BadInput

KINDS = ("proved", "property", "measured", "myth")
NOT_JUDGED = "not judged"
_NEVER: Mapping[str, Any] = {"outcome": NOT_JUDGED, "reason": "the run did not include it"}


@dataclass(frozen=True)
class Standing:
    """The evidence that a site rests on; without any that fits, `missing` says why and there are no outcomes."""

    run: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""

    @cached_property
    def _entries(self) -> dict[str, Mapping[str, Any]]:
        mine = [entry for entry in self.run.get("claims", []) if entry["subject"] == REFERENCE]
        return {entry["id"]: entry for entry in [*mine, *self.run.get("myths", [])]}

    def of(self, claim: Claim) -> Mapping[str, Any]:
        """Return what the run says of a claim or myth."""
        return {} if self.missing else self._entries.get(claim.id, _NEVER)

    def mark(self, claim: Claim) -> tuple[str, str]:
        """Return the kind of a claim and its outcome, each in words; the outcome is "" where there is no evidence.

        A myth is "false" when its counterexample refuted it.
        """
        kind = "myth" if claim.is_myth else claim.kind
        outcome = str(self.of(claim).get("outcome", ""))
        if claim.is_myth:
            outcome = {"refuted": "false", "held": "not refuted"}.get(outcome, outcome)
        return kind, outcome

    def refuted(self, claim: Claim) -> int:
        """Return how many of a claim's mistakes the run refuted."""
        return sum(mistake["outcome"] == "refuted" for mistake in self.of(claim).get("mistakes", ()))


def ordered(marks: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return different marks, the strongest kind first."""
    return sorted(set(marks), key=lambda mark: (KINDS.index(mark[0]), mark[1]))


@functools.cache
def read(path: Path) -> Standing:
    """Return the standing by an evidence file; raise BadInput if it is none."""
    if not path.is_file():
        return Standing(missing="no run has judged these claims yet")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        fits = run["schema"] == evidence.SCHEMA and {"claims", "myths", "project", "totals", "date"} <= run.keys()
    except (OSError, ValueError, TypeError, KeyError):
        fits = False
    if not fits:
        raise BadInput(f"{path}: it is no evidence of schema {evidence.SCHEMA}; claims check writes one")
    missing = _misfit(run["project"], evidence.project())
    return Standing(missing=missing) if missing else Standing(run)


def _misfit(judged: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return why what a run judged is not what lies here, "" if it is."""
    if judged["dirty"]:
        return "the last run judged a checkout with changes that were not committed"
    if here["dirty"]:
        return "this checkout has changes that are not committed"
    if (judged["commit"], judged["version"]) != (here["commit"], here["version"]):
        return f"the last run judged {_named(judged)}, and this is {_named(here)}"
    return ""


def _named(project: Mapping[str, Any]) -> str:
    return f"commit {project['commit'][:10]}" if project["commit"] else f"version {project['version']}"
