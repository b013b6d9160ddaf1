"""A small project on disk, to break."""

import shutil
from pathlib import Path

import pytest

from claims.engine.declare import ROOT
from tests.projects import QUESTIONS, SETTINGS, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with the page `demo`, and nothing wrong with it."""
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
