"""The lines that the house holds: who may import whom, how large a module may be, and what stands at the top."""

import ast
import subprocess
from pathlib import Path
from statistics import median

import pytest

from claims.engine.declare import ROOT

TOPICS = {path.stem for path in (ROOT / "claims").glob("[!_]*.py")}
MODULES = sorted(path for folder in ("answers", "claims") for path in (ROOT / folder).rglob("*.py"))
LONGEST = 260


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def of(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def crossings(paths, forbidden) -> list[tuple[str, str]]:
    return [(path.relative_to(ROOT).as_posix(), name) for path in paths for name in imports(path) if forbidden(name)]


def test_an_answer_knows_no_claim():
    """What is judged must not see its judge."""
    assert crossings(of("answers"), lambda name: name.split(".")[0] == "claims") == []


def test_a_claim_knows_no_implementation():
    """A claim that imports the answer would hold because it compares the answer with itself."""
    topics = [ROOT / f"claims/{stem}.py" for stem in TOPICS]

    assert topics
    assert crossings([*topics, *of("claims/toolbox")], lambda name: name.split(".")[0] == "answers") == []


def test_a_claim_does_not_look_behind_the_engine():
    """A page uses five names of the engine; what else it could import would tie it to how claims are run."""
    topics = [ROOT / f"claims/{stem}.py" for stem in TOPICS]

    assert crossings(topics, lambda name: name.startswith(("claims.engine", "claims.command", "pytest"))) == []


def test_the_engine_knows_no_topic():
    """The forty-fourth page must need no change of the engine."""

    def topic(name: str) -> bool:
        return name.split(".", maxsplit=1)[0] == "answers" or (
            name.startswith("claims.") and name.split(".")[1] in TOPICS | {"command"}
        )

    assert crossings(of("claims/engine"), topic) == []


def test_the_toolbox_knows_no_engine():
    """Comparing and drawing are of use without judging."""
    assert crossings(of("claims/toolbox"), lambda name: name.startswith(("claims.engine", "claims.command"))) == []


def test_only_the_plugin_knows_pytest():
    """Declaring and judging work in a notebook."""
    engine = [path for path in of("claims/engine") if path.stem != "plugin"]

    assert crossings([*engine, *of("claims/toolbox")], lambda name: name.split(".")[0] in {"pytest", "_pytest"}) == []


def test_answers_import_numpy_and_each_other_without_cycles():
    """The code that a page shows needs nothing that an interview has not."""
    allowed = {"numpy", "math", "itertools", "collections", "typing", "fractions", "functools", "answers"}
    pages = [path for path in (ROOT / "answers").glob("*.py") if path.stem != "__init__"]
    graph = {path.stem: {n.split(".")[1] for n in imports(path) if n.startswith("answers.")} for path in pages}

    assert crossings(pages, lambda name: name.split(".")[0] not in allowed) == []
    while graph:
        leaves = {stem for stem, needs in graph.items() if not needs & graph.keys()}
        assert leaves, f"a cycle among {sorted(graph)}"
        graph = {stem: needs for stem, needs in graph.items() if stem not in leaves}


def test_modules_stay_small():
    """A module fits into a head; only those that list claims or slots may grow."""
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if path.parent.name not in {"answers", "claims"} or path.stem not in TOPICS
    }

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    assert median(lines for lines in lengths.values() if lines > 3) <= 90


def test_the_top_level_holds_what_it_should():
    """Whoever opens the project sees six things, and what every project has beside them."""
    done = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout")
    top = {name.split("/")[0] for name in done.stdout.splitlines()}

    assert {name for name in top if not name.startswith(".")} <= {
        "README.md",
        "pyproject.toml",
        "conftest.py",
        "answers",
        "claims",
        "tests",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
    }
