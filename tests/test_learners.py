"""Whole files: right answers by other hands are right, and a typical mistake for each slot is refuted and named."""

import ast
import random

import pytest

from claims.engine import reading
from claims.engine.declare import ROOT
from claims.engine.profiles import PROFILES
from claims.engine.slots import other_half
from claims.judge.judging import Examination
from claims.judge.nursery import Nursery
from claims.judge.parent import Child

FILE = ROOT / "tests" / "learners" / "other_hands.py"
RIGHT = [
    node.name
    for node in ast.parse(FILE.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
]


@pytest.fixture(scope="module")
def examination():
    """The file, read by an isolated child, before the book."""
    nursery = Nursery()
    child = Child(nursery, FILE, FILE.name)
    child.load()
    yield Examination(reading.load(), "other_hands", child.functions, child.others, PROFILES["quick"])
    child.close()
    nursery.close()


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_another_style_is_right(examination, name):
    """Nobody is told to be wrong for writing loops, other algebra or other names."""
    finding = examination.finding(name)

    assert (finding.outcome, finding.reason) == ("right", "")
    assert finding.claims


def test_a_typical_mistake_is_refuted_and_named():
    """Of each of these functions one mistake is judged: all are refuted, nine of ten by name."""
    book = reading.load()
    likes = {}
    for name in RIGHT:
        claims = [claim for claim in book.claims_on(name) if claim.kind != "measured"]
        whole = {name, other_half(name)} & book.slots.keys()
        known = [m for claim in claims for m in claim.mistakes if m.slot == name and whole <= m.functions.keys()]
        if known:
            mistake = random.Random(name).choice(known)
            finding = Examination(book, "mine", mistake.functions).finding(name)
            assert (mistake.id, finding.outcome) == (mistake.id, "wrong")
            likes[mistake.id] = finding.like

    assert len(likes) > 70
    assert sum(map(bool, likes.values())) >= 0.9 * len(likes), likes
