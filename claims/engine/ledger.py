"""The ledger of a run: every trial of the book, each counted as not judged until a verdict says otherwise."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from claims.engine.book import Book
from claims.engine.profiles import Profile
from claims.engine.subjects import REFERENCE
from claims.engine.topics import concerns
from claims.engine.trials import Trial
from claims.engine.verdict import Verdict

DID_NOT_RUN = "did not run"
# What became of a trial that must fail: `spared` is a mistake that survives, `lost` a myth that does.
_SURVIVES = {"mistake": "spared", "myth": "lost", "search": "lost"}
_BAD = {"refuted", "spared", "lost", "error"}


@dataclass
class Entry:
    """A trial and what is known of it; `ran` is false as long as nothing is."""

    trial: Trial
    verdict: Verdict = field(default_factory=lambda: Verdict("not judged", DID_NOT_RUN))
    ran: bool = False

    @property
    def outcome(self) -> str:
        """The outcome in the words of the evidence."""
        if self.trial.must_fail and self.verdict.outcome == "held":
            return _SURVIVES[self.trial.role]
        return self.verdict.outcome

    @property
    def bad(self) -> bool:
        """Whether this trial speaks against the book or the subject."""
        return self.outcome in (_BAD - {"refuted"} if self.trial.must_fail else _BAD)

    @property
    def good(self) -> bool:
        """Whether this was judged and came out as it should."""
        return self.verdict.outcome == ("refuted" if self.trial.must_fail else "held")


@dataclass
class Ledger:
    """All trials of a run, whether or not they were selected, and what went wrong around them."""

    book: Book
    subjects: Sequence[str]
    profile: Profile
    seed: int
    redraw: bool
    topics: Sequence[str] = ()
    selection: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    interrupted: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)

    def preset(self, trials: Iterable[Trial]) -> None:
        """Enter every trial of the book as one that did not run."""
        self.entries = {trial.nodeid: Entry(trial) for trial in trials}

    def enter(self, nodeid: str, verdict: Verdict) -> None:
        """Overwrite what is known of a trial."""
        if entry := self.entries.get(nodeid):
            entry.verdict, entry.ran = verdict, True

    def of(self, *roles: str, contract: bool = False, among: Iterable[Entry] | None = None) -> Iterator[Entry]:
        """Yield the entries with one of these roles; contracts only if asked for."""
        entries = self.entries.values() if among is None else among
        return (e for e in entries if e.trial.role in roles and e.trial.is_contract == contract)

    def selected(self) -> list[Entry]:
        """Return the entries that the topics ask for."""
        return [entry for entry in self.entries.values() if concerns(entry.trial, self.topics, self.book)]

    @property
    def bad(self) -> list[Entry]:
        """Everything that speaks against the book or the subject."""
        return [entry for entry in self.entries.values() if entry.bad]

    @property
    def complete(self) -> bool:
        """Whether the whole book was judged on the reference, no trial left out and no selection made."""
        return (
            list(self.subjects) == [REFERENCE]
            and self.profile.measured
            and not self.selection
            and not self.errors
            and not self.interrupted
            and not self.book.faults
            and bool(self.entries)
            and all(entry.ran for entry in self.entries.values())
        )

    @property
    def exit_code(self) -> int:
        """0 if something was judged and all of it is as it should be, 2 for faults, 130 for Ctrl-C, else 1."""
        if self.interrupted:
            return 130
        if any(page.faults for page in self.book.pages.values() if self.is_about(page.stem)):
            return 2
        judged = [entry for entry in self.selected() if entry.good or entry.bad]
        return int(not judged or bool(self.bad) or bool(self.errors) or any(not entry.ran for entry in self.selected()))

    def is_about(self, stem: str) -> bool:
        """Return whether the topics touch a page; a page without trials is touched unless topics say otherwise."""
        return not self.topics or stem in self.topics or any(entry.trial.page.stem == stem for entry in self.selected())

    def answered(self) -> list[str]:
        """Return the questions that are answered: at least one claim, and all of them held."""
        outcomes: dict[str, set[str]] = {}
        for entry in self.of("subject"):
            outcomes.setdefault(self.book.question_of(entry.trial.claim.id), set()).add(entry.outcome)
        return [question.id for question in self.book.questions if outcomes.get(question.id) == {"held"}]

    def totals(self, among: Iterable[Entry] | None = None) -> dict[str, int]:
        """Return the counts that the badge and the report show, of all entries or of those given."""
        entries = list(self.entries.values() if among is None else among)

        def outcomes(role: str, *, contract: bool = False) -> Counter[str]:
            return Counter(entry.outcome for entry in self.of(role, contract=contract, among=entries))

        claims, mistakes, myths, legal = map(outcomes, ("subject", "mistake", "myth", "legal"))
        contracts = outcomes("subject", contract=True)
        return {
            "questions": len(self.book.questions),
            "answered": len(self.answered()),
            "claims": claims.total(),
            "held": claims["held"],
            "refuted": claims["refuted"],
            "not_judged": claims["not judged"],
            "error": claims["error"],
            "mistakes": mistakes.total(),
            "mistakes_refuted": mistakes["refuted"],
            "legal": legal.total() - legal["not judged"],  # those of measured claims wait for the thorough profile
            "legal_held": legal["held"],
            "myths": myths.total(),
            "myths_refuted": myths["refuted"],
            "contracts": contracts.total(),
            "contracts_held": contracts["held"],
            "cases": sum(entry.verdict.cases for entry in entries),
            "bad": sum(entry.bad for entry in entries) + len(self.errors) + len(self.book.faults),
        }
