"""`claims judge`: a learner's file, function by function."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from claims.engine import book as books
from claims.engine import reading, report, text
from claims.engine.declare import ROOT
from claims.engine.profiles import PROFILES, ProfileName, run_seed
from claims.engine.subjects import BadInput
from claims.judge.judging import Examination, Finding
from claims.judge.nursery import Nursery
from claims.judge.parent import Child

_STYLES = {"right": "bold green", "wrong": "bold red", "not judged": "yellow"}


def judge(file: Path, profile: ProfileName, seed: int | None) -> int:
    """Judge a file and print a finding for each function; return the exit code."""
    if not file.is_file():
        raise BadInput(f"{file}: there is no such file")
    nursery = Nursery()  # it loads NumPy while this process reads the book
    try:
        return _with_speaking_asserts(lambda: _judge(nursery, file, profile, run_seed(seed)))
    finally:
        nursery.close()


def _with_speaking_asserts(run: Callable[[], int]) -> int:
    """Run where pytest rewrites the asserts of the claims, so that a failed one says what came and what should."""

    class Host:
        code = 1
        error: BaseException | None = None

        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self) -> int:
            pytest.register_assert_rewrite(*(f"{books.CLAIMS}.{stem}" for stem in reading.stems()))
            try:
                self.code = run()
            except (BadInput, KeyboardInterrupt) as error:
                self.error = error
            return 0

    host = Host()
    os.environ.pop("PYTEST_ADDOPTS", None)
    arguments = ["-c", str(Path(__file__).with_name("check.ini")), "--rootdir", str(ROOT), "--noconftest"]
    arguments += ["--disable-plugin-autoload", "-p", "no:terminal", "-p", "no:cacheprovider"]
    pytest.main(arguments, plugins=[host])
    if host.error:
        raise host.error
    return host.code


def _judge(nursery: Nursery, file: Path, profile: ProfileName, seed: int) -> int:
    book = reading.load()
    child = Child(nursery, file, str(file))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    found: list[Finding] = []
    try:
        child.load()
        examination = Examination(book, file.stem, child.functions, child.others, PROFILES[profile], seed)
        for notice in child.notices:
            console.print(notice)
        for finding in examination.findings():
            found.append(finding)
            for line, style in told(finding, profile, seed, file):
                console.print(line, style=style)
    finally:
        child.close()
    right = sum(finding.outcome == "right" for finding in found)
    console.print(f"\n{right} of {text.count(len(found), 'function')} right")
    return 0 if found and right == len(found) else 1


def told(finding: Finding, profile: ProfileName, seed: int, file: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a finding with their styles: at most ten."""
    head = f"{finding.outcome:<11}{finding.slot}"
    if finding.outcome == "right":
        under = f", under the convention: {finding.convention}" if finding.convention else ""
        head += f"  {text.count(finding.claims, 'claim')}, {text.count(finding.cases, 'case')}{under}"
    yield head, _STYLES[finding.outcome]
    if finding.outcome == "not judged":
        yield from ((line, "") for line in text.wrapped("why", finding.reason))
    if finding.trial and finding.verdict:
        finding.verdict.behaves_like = ""
        _, *rest = report.failure(finding.trial, finding.verdict, PROFILES[profile], seed)
        yield from ((line, "") for line in rest)
        if finding.like:
            said = f"behaves exactly like {finding.like} on {text.count(finding.compared, 'call')}"
            yield from ((line, "") for line in text.wrapped("like", said))
