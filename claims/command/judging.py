"""`claims judge`: a learner's file, function by function, once or on every save."""

import ast
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from rich.console import Console

from claims.command import progress
from claims.engine import book as books
from claims.engine import reading, report, text
from claims.engine.book import Book
from claims.engine.declare import ROOT
from claims.engine.profiles import PROFILES, ProfileName, run_seed
from claims.engine.slots import other_half
from claims.engine.subjects import BadInput
from claims.judge.judging import Examination, Finding
from claims.judge.nursery import Nursery
from claims.judge.parent import Child
from claims.judge.unconfined import Unconfined, can_confine

_STYLES = {"right": "bold green", "wrong": "bold red", "not judged": "yellow"}


def judge(file: Path, profile: ProfileName, seed: int | None, *, watch: bool) -> int:
    """Judge a file and print a finding for each function; return the exit code."""
    if not file.is_file():
        raise BadInput(f"{file}: there is no such file; claims start STEM writes one to begin with")
    if watch and importlib.util.find_spec("watchfiles") is None:
        raise BadInput("--watch needs watchfiles, which is not installed; pip install 'executable-answers[watch]'")
    nursery = Nursery() if can_confine() else None  # it loads NumPy while this process reads the book
    try:
        return _with_speaking_asserts(lambda: _Session(nursery, file, profile, run_seed(seed)).run(watch=watch))
    finally:
        if nursery:
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


@dataclass
class _Session:
    """One file and what is known of it; on every save only what changed is judged again."""

    nursery: Nursery | None
    file: Path
    profile: ProfileName
    seed: int
    known: dict[str, tuple[str, Finding]] = field(default_factory=dict)  # by slot: its source, and what was found
    console: Console = field(default_factory=lambda: Console(highlight=False, markup=False, soft_wrap=True))

    def run(self, *, watch: bool) -> int:
        book = reading.load()
        if not watch:
            return self._judge(book)
        from watchfiles import watch as saves  # noqa: PLC0415 - an extra

        self._try(book)
        for _ in saves(self.file, raise_interrupt=True):
            self._try(book)
        return 1

    def _try(self, book: Book) -> None:
        start = time.perf_counter()
        try:
            self._judge(book)
        except BadInput as error:  # a file that is being written is often not a program
            self.console.print(str(error), style="bold red")
        self.console.print(f"{time.perf_counter() - start:.1f} s · waiting for {self.file} to be saved, Ctrl-C ends\n")

    def _judge(self, book: Book) -> int:
        shown = str(self.file)
        child = Child(self.nursery, self.file, shown) if self.nursery else Unconfined(self.file, shown)
        found: list[Finding] = []
        try:
            child.load()
            for notice in child.notices:
                self.console.print(notice)
            sources = _sources(child.source)
            examination = Examination(
                book, self.file.stem, child.functions, child.others, PROFILES[self.profile], self.seed
            )
            for name in examination.names():
                source, finding = self.known.get(name, ("", None))
                if finding is None or source != sources.get(name, ""):
                    finding = examination.finding(name)
                    self.known[name] = sources.get(name, ""), finding
                    self._print(finding)
                found.append(finding)
        finally:
            child.close()
        if not found:
            raise BadInput(f"{self.file} defines no slot; claims list shows their names")
        progress.remember(book, self.file, found)
        self.console.print(f"\n{_closing(found)}")
        return 0 if all(finding.outcome == "right" for finding in found) else 1

    def _print(self, finding: Finding) -> None:
        for line, style in told(finding, f"claims judge {self.file} --seed {self.seed}{self._profile()}"):
            self.console.print(line, style=style)

    def _profile(self) -> str:
        return "" if self.profile == "default" else f" --profile {self.profile}"


def _sources(source: str) -> dict[str, str]:
    """Return for every function what decides its behaviour: itself, and all of the file that is no other function."""
    functions = {node.name: ast.dump(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    rest = "".join(ast.dump(node) for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef))
    uses = {name: {other for other in functions if f"id='{other}'" in code} for name, code in functions.items()}
    for name in functions:
        uses[name] |= {other for other in [other_half(name)] if other in functions}
    return {name: rest + "".join(functions[other] for other in _reached(name, uses)) for name in functions}


def _reached(name: str, uses: dict[str, set[str]]) -> list[str]:
    """Return a function with those that it uses, those that these use, and so on."""
    reached, waiting = {name}, [name]
    while waiting:
        new = uses[waiting.pop()] - reached
        reached |= new
        waiting += new
    return sorted(reached)


def _closing(found: Sequence[Finding]) -> str:
    right = sum(finding.outcome == "right" for finding in found)
    wrong = next((finding.slot for finding in found if finding.outcome == "wrong"), "")
    stuck = f" · stuck? claims hint {wrong}" if wrong else ""
    why = f" · why? claims hint {found[0].slot}" if right == len(found) else ""
    return f"{right} of {text.count(len(found), 'function')} right{stuck}{why}"


def told(finding: Finding, again: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a finding with their styles: at most ten."""
    head = f"{finding.outcome:<11}{finding.slot}"
    if finding.outcome == "right" and finding.claims:
        head += f"  {text.count(finding.claims, 'claim')}, {text.count(finding.cases, 'case')}"
    if finding.outcome == "not judged" and len(head) + len(finding.reason) + 2 <= text.WIDTH:
        head += f"  {finding.reason}"
    yield head, _STYLES[finding.outcome]
    rows = [("under", finding.convention and f"the convention: {finding.convention}")]
    if finding.reason and finding.reason not in head and not finding.trial:
        rows += [("why", finding.reason)]
    if finding.trial and finding.verdict:
        like = finding.like and f"{finding.like}, exactly, on {text.count(finding.compared, 'call')}"
        lines = report.failure(finding.trial, replace(finding.verdict, behaves_like=""), again, like=like)
        yield from ((line, "") for line in lines[1:])
    for label, content in rows:
        yield from ((line, "") for line in (text.wrapped(label, content) if content else []))
