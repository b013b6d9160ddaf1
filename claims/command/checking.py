"""`claims check`: pytest on the claims alone, reported for people."""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from claims.engine import book as books
from claims.engine import report, text
from claims.engine.declare import ROOT
from claims.engine.ledger import Entry
from claims.engine.plugin import RUN, Run
from claims.engine.subjects import BadInput

_SHOWN = 12  # refutations told in full; the others by name
_USAGE = {pytest.ExitCode.USAGE_ERROR: 2, pytest.ExitCode.INTERNAL_ERROR: 1}


def check(
    topics: Sequence[str],
    profile: str,
    seed: int | None,
    subject: str,
    dtype: str,
    evidence: Path | None,
    workers: int,
) -> int:
    """Judge the claims and print a report; return the exit code.

    Nothing here may import a page: pytest rewrites the claims' asserts only when it imports them
    itself.  So topics, subject and paths are checked by the plugin, and reach the user through pytest.
    """
    if workers > 1 and importlib.util.find_spec("xdist") is None:
        raise BadInput("-n needs pytest-xdist, which is not installed; pip install 'executable-answers[fast]'")
    reporter = _Reporter()
    arguments = [
        str(ROOT / books.CLAIMS),
        "-c",
        str(Path(__file__).with_name("check.ini")),
        "--rootdir",
        str(ROOT),
        "--noconftest",
        "--disable-plugin-autoload",
        "-p",
        "claims.engine.plugin",
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        "--profile",
        profile,
        "--subject",
        subject,
        "--dtype",
        dtype,
        *(part for topic in topics for part in ("--topic", topic)),
        *(("--seed", str(seed)) if seed is not None else ()),
        *(("--evidence", str(evidence)) if evidence else ()),
        *(("-p", "xdist.plugin", "-n", str(workers)) if workers > 1 else ()),
    ]
    os.environ.pop("PYTEST_ADDOPTS", None)  # what a user wants of their own tests says nothing about the claims
    code = pytest.main(arguments, plugins=[reporter])
    return reporter.exit_code if reporter.run else _USAGE.get(pytest.ExitCode(code), 1)


class _Reporter:
    """Shows the progress of a run in a terminal, and the report at its end."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.exit_code = 1
        console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Head the run: whoever interrupts it knows its seed."""
        self.run = session.config.stash[RUN]
        if not self.run.is_worker:
            print(report.title(self.run.ledger), flush=True)
            self.task = self.progress.add_task("judging", total=len(self.run.ledger.selected()))
            self.progress.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Move the bar."""
        if report.when == "teardown":
            self.progress.advance(self.task)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Report, once the evidence is written."""
        self.progress.stop()
        if self.run:
            self.run.finish()
            self.exit_code = self.run.ledger.exit_code
            console = Console(highlight=False, markup=False, soft_wrap=True)  # no colour in a pipe, nor with NO_COLOR
            for line, style in lines(self.run):
                console.print(line, style=style)


def _worth_telling(bad: Sequence[Entry]) -> list[Entry]:
    """Return what is wrong, without the variants of one slot that fail because the reference of another does."""
    refuted = {entry.trial.claim.id for entry in bad if entry.trial.role == "subject"}
    return [entry for entry in bad if entry.trial.role != "legal" or entry.trial.claim.id not in refuted]


def lines(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the lines of a report with their styles; all that is said in colour is said in words, too."""
    ledger = run.ledger
    yield from ((line, "") for line in ("", *report.summary(ledger)))
    wrong = _worth_telling([entry for entry in ledger.bad if entry.ran])
    for entry in wrong[:_SHOWN]:
        again = report.replay(entry.trial, ledger.profile, ledger.seed, redraw=ledger.redraw)
        head, *rest = report.failure(entry.trial, entry.verdict, again)
        yield from [("", ""), (head, "bold red"), *((line, "") for line in rest)]
    if more := wrong[_SHOWN:]:
        names = ", ".join(entry.trial.id for entry in more)
        yield from ((line, "") for line in ("", *text.wrapped("", f"and {len(more)} more: {names}", lines=8)))
    faults = [fault for page in ledger.book.pages.values() if ledger.is_about(page.stem) for fault in page.faults]
    if said := [*faults, *ledger.errors]:
        yield from ((line, "bold red") for line in ("", *said))
    yield from [("", ""), (report.closing(ledger), "bold green" if ledger.exit_code == 0 else "bold red")]
    here = Path.cwd()
    written = [path.relative_to(here) if path.is_relative_to(here) else path for path in run.written]
    yield f"evidence  {', '.join(map(str, written))}", ""
