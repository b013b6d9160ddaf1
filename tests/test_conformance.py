"""What is said of another library is what that library does."""

import doctest

import pytest

from claims.engine.declare import ROOT


def test_the_differences_of_pytorch_are_as_told():
    """A sentence about somebody else's work is checked on their work."""
    torch = pytest.importorskip("torch", reason="torch is not installed; pip install 'executable-answers[torch]'")
    if not torch.__version__.startswith("2.13."):
        pytest.skip(f"the page speaks of torch 2.13, and this is {torch.__version__}")
    path = ROOT / "answers" / "conformance.md"
    found = doctest.testfile(
        str(path), module_relative=False, encoding="utf-8", optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )

    assert found.attempted > 12
    assert found.failed == 0
