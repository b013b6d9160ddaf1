"""A small project on disk, to break."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.engine.declare import ROOT
from tests import sites
from tests.browser import chromium
from tests.projects import QUESTIONS, SETTINGS, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with the page `demo`, and nothing wrong with it."""
    return make_project(tmp_path)


def make_project(tmp_path: Path) -> Project:
    """Write a project with the page `demo` into a folder."""
    topics = [path.name for path in (ROOT / "claims").glob("[!_]*.py")]
    shutil.copytree(ROOT / "claims", tmp_path / "claims", ignore=shutil.ignore_patterns("__pycache__", *topics))
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/__init__.py").touch()
    (tmp_path / "answers/questions.toml").write_text(QUESTIONS)
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    made = Project(tmp_path)
    made.page()
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield a browser; not for the whole session, since beside it no other test could run an event loop."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the whole book as a site, built once."""
    pytest.importorskip("sphinx", reason="the site is built with Sphinx")
    return sites.build(tmp_path_factory.mktemp("site"))
