"""Small projects to break: in memory for the engine, on disk for the command line."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from claims.engine import faults
from claims.engine.book import Book, Page, Question
from claims.engine.declare import ROOT, Misdeclared
from claims.engine.reading import read_declarations
from claims.engine.slots import slots_of

ANSWERS = '''
import numpy as np

def double(x):
    """Return 2x.

    Shapes: x (*S) -> (*S)
    """
    return 2.0 * x
'''
CLAIMS = '''
import numpy as np
from claims import claim, legal, measured, myth, proved
from claims.toolbox.comparison import equal, within
from claims.toolbox.strategies import case, choices, integer_arrays

numbers = integer_arrays(x="N")

@claim(numbers=numbers)
def doubling_is_adding_to_itself(double, numbers):
    """Doubling a number adds it to itself."""
    assert equal(double(numbers.x), numbers.x + numbers.x)

@doubling_is_adding_to_itself.refutes("double")
def squares(x):
    return x * x

@doubling_is_adding_to_itself.refutes("double")
def leaves_large_numbers_alone(x):
    return np.where(abs(x) > 9, x, 2 * x)

@legal("double")
def adds(x):
    return x + x

@myth(numbers=numbers, refuted_by={"numbers": case(x=[-1])})
def doubling_makes_larger(double, numbers):
    """Doubling makes a number larger."""
    assert np.all(double(numbers.x) >= numbers.x)
'''
PROSE = """# Q1 [E] Twice?

[Adding][doubling_is_adding_to_itself], which does not [make larger][doubling_makes_larger].
"""
QUESTIONS = """[[question]]
id = "Q1"
level = "E"
text = "Twice?"
page = "demo"

[[question]]
id = "Q2"
level = "M"
text = "Thrice?"
page = "other"
"""
SETTINGS = """[tool.pytest]
strict = true
testpaths = ["claims", "tests"]
addopts = ["--import-mode=importlib"]
filterwarnings = ["error"]
"""


def book_of(answers: str = ANSWERS, claims: str = CLAIMS, prose: str = PROSE) -> Book:
    """Return a book of one page, without touching the disk."""
    page = Page("demo", prose)
    try:
        page.slots = slots_of("demo", module("answers.demo", answers))
        read_declarations(page, module("claims.demo", claims))
    except Misdeclared as fault:
        page.faults.append(str(fault))
    book = Book([Question("Q1", "E", "Twice?", "demo"), Question("Q2", "M", "Thrice?", "other")], {"demo": page})
    faults.check(book)
    return book


def module(name: str, source: str) -> ModuleType:
    """Return a module made of source text; its file is called as it would be on disk."""
    made = ModuleType(name)
    exec(compile(source, str(ROOT / f"{name.replace('.', '/')}.py"), "exec"), made.__dict__)
    return made


@dataclass
class Project:
    """A project on disk with an engine of its own, so that a run there is one as users have it."""

    root: Path

    def page(self, stem: str = "demo", *, answers: str = ANSWERS, claims: str = CLAIMS, prose: str = PROSE) -> None:
        (self.root / f"answers/{stem}.py").write_text(answers)
        (self.root / f"claims/{stem}.py").write_text(claims)
        (self.root / f"answers/{stem}.md").write_text(prose)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if key not in {"CI", "PYTEST_ADDOPTS", "NO_COLOR"}}
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
            env={**clean, **environment},
        )

    def claims(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("claims", *arguments, **environment)

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("pytest", "-q", *arguments, **environment)

    def json(self, name: str) -> Any:
        path = self.root / "build" / name
        return json.loads(path.read_text()) if path.exists() else None

    def colour(self) -> str | None:
        badge = self.json("badge.json")
        return badge and badge["color"]
