"""The report: what a person reads after a run, in lines of at most 80 columns."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from claims.engine import text
from claims.engine.ledger import Entry, Ledger
from claims.engine.profiles import Profile
from claims.engine.subjects import REFERENCE
from claims.engine.trials import Trial
from claims.engine.verdict import Verdict

FAILURE_LINES = 10
_COUNTS = 30  # the column of a question's counts


def failure(trial: Trial, verdict: Verdict, again: str, *, like: str = "") -> list[str]:
    """Return what there is to say about a trial that came out wrong: at most ten lines, the last the command again.

    `like` says which known mistake it is, where more is known of that than the verdict says.
    """
    if verdict.outcome == "error":
        title, rows = "error   ", [("why", verdict.reason, 3), ("input", verdict.counterexample, 2)]
    elif trial.must_fail:
        title, rows = "too weak", [("spares", _spared(trial, verdict), 3)]
    else:
        title, rows = "refuted ", list(_refutation(verdict, like))
    rows = [("says", trial.claim.statement, 2), *rows]
    replay = text.wrapped("replay", again)  # whole: it is there to be pasted
    return [f"{title}  {trial.claim.id}  on {trial.on}", *_fitted(rows, FAILURE_LINES - 1 - len(replay)), *replay]


def _refutation(verdict: Verdict, like: str) -> Iterator[tuple[str, str, int]]:
    """Yield the rows of a refutation: a label, what it says, and the most lines that this may take."""
    known = verdict.behaves_like and f"{verdict.behaves_like}: the same answers in all calls compared"
    yield "input", verdict.counterexample, 2
    yield "call", verdict.call if verdict.call != verdict.counterexample else "", 2
    yield "came", verdict.came, 2
    yield "should", verdict.should, 1
    yield "contract", f"{verdict.breach} is broken" if verdict.breach else "", 1
    yield "like", like or known, 1
    yield "warned", "; ".join(verdict.warnings), 1


def _fitted(rows: Sequence[tuple[str, str, int]], most: int) -> list[str]:
    """Return rows as so many lines at most: where they are more, the longest parts get shorter, and no row is lost."""
    for shorter in ("", "call", "input", "came", "says"):
        rows = [(label, content, 1 if label == shorter else lines) for label, content, lines in rows]
        found = [
            line for label, content, lines in rows if content for line in text.wrapped(label, content, lines=lines)
        ]
        if len(found) <= most:
            break
    return found[:most]


def _spared(trial: Trial, verdict: Verdict) -> str:
    if trial.role == "mistake":
        how = verdict.reason or f"it held on {text.count(verdict.cases, 'case')}"
        return f"{trial.on}, a wrong {trial.slot}: {how}"
    return verdict.reason or f"the myth: random search refutes it in none of {text.count(verdict.cases, 'case')}"


def replay(trial: Trial, profile: Profile, seed: int, *, redraw: bool) -> str:
    """Return the command that tries the same cases again."""
    topic = trial.slot if trial.is_contract else trial.claim.id
    options = [f"--profile {profile.name}"] if profile.name != "default" else []
    options += [f"--seed {seed}"] if trial.claim.drawn or redraw else []
    subject, _, dtype = (trial.on if trial.role == "subject" else REFERENCE).partition("@")
    options += [f"--subject {subject}"] if subject != REFERENCE else []
    options += [f"--dtype {dtype}"] if dtype else []
    return " ".join(["claims check", topic, *options])


def title(ledger: Ledger) -> str:
    """Return the line that heads a run."""
    on = "" if list(ledger.subjects) == [REFERENCE] else f"{', '.join(ledger.subjects)} · "
    return f"{on}profile {ledger.profile.name} · seed {ledger.seed}"


def summary(ledger: Ledger) -> Iterator[str]:
    """Yield a line for each question, then what was not judged and why, then the totals."""
    entries = ledger.selected()
    for question in ledger.book.questions:
        if mine := [e for e in entries if ledger.book.question_of(e.trial.claim.id) == question.id]:
            yield f"{question.id:<6}{question.page:<24}{_counts(mine)}"
    if contracts := [e for e in entries if e.trial.is_contract]:
        held = sum(e.good for e in contracts if e.trial.role == "subject")
        bites = sum(e.good for e in contracts if e.trial.role == "mistake")
        breaches = f", {text.count(bites, 'breach', 'breaches')} refuted" if bites else ""
        yield f"{'':<6}{'contracts of the slots':<24}{held} held{breaches}"
    yield from _not_judged(entries)


def _counts(entries: Sequence[Entry]) -> str:
    claims = Counter(e.outcome for e in entries if e.trial.role == "subject")
    parts = [f"{claims['held']} held"] + [
        f"{claims[outcome]} {outcome}" for outcome in ("refuted", "error", "not judged") if claims[outcome]
    ]
    for role, noun, bad in (
        ("mistake", "mistake", "spared"),
        ("legal", "variant", "refuted"),
        ("myth", "myth", "lost"),
    ):
        good = sum(e.good for e in entries if e.trial.role == role)
        failed = sum(e.bad for e in entries if e.trial.role == role)
        parts += [f"{text.count(good, noun)} {'held' if role == 'legal' else 'refuted'}"] if good else []
        parts += [f"{failed} {bad}"] if failed else []
    cases = sum(e.verdict.cases for e in entries)
    told = textwrap.wrap(", ".join([*parts, text.count(cases, "case")]), text.WIDTH - _COUNTS)
    return f"\n{' ' * _COUNTS}".join(told)


def _not_judged(entries: Sequence[Entry]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        if entry.outcome == "not judged" and entry.trial.role == "subject" and not entry.trial.is_contract:
            reasons.setdefault(entry.verdict.reason, []).append(entry.trial.claim.id)
    if reasons:
        yield ""
        yield "not judged"
    for reason, claims in sorted(reasons.items(), key=lambda item: -len(item[1])):
        yield from text.wrapped(f"{len(claims)}", f"{reason}: {', '.join(claims)}")


def closing(ledger: Ledger) -> str:
    """Return the last word on what was asked for; only a run on everything speaks of all questions."""
    totals = ledger.totals(ledger.selected())
    parts = [f"{text.count(totals['held'], 'claim')} {'holds' if totals['held'] == 1 else 'hold'}"]
    parts += [f"{text.count(totals['mistakes_refuted'], 'mistake')} refuted"] if totals["mistakes"] else []
    parts += [f"{totals['refuted']} refuted"] if totals["refuted"] else []
    parts += [f"{totals['error']} in error"] if totals["error"] else []
    parts += [f"{totals['not_judged']} not judged"] if totals["not_judged"] else []
    if list(ledger.subjects) == [REFERENCE] and not ledger.topics:
        parts.append(f"{totals['answered']} of {totals['questions']} questions answered")
    return " · ".join(parts)
