"""What isolation costs: one call there and back, a child, and the first verdict after saving.

uv run pytest tests/benchmarks --benchmark-only
"""

import os
from statistics import median
from time import perf_counter

import numpy as np
import pytest

from claims.engine import reading
from claims.engine.evaluation import Returned
from claims.engine.profiles import PROFILES
from claims.engine.slots import other_half
from claims.engine.weave import shown_code
from claims.judge.judging import Examination
from claims.judge.nursery import Nursery
from claims.judge.parent import Child

SOURCE = "import numpy as np\n\n\ndef sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n"


@pytest.fixture(scope="module")
def nursery():
    """The process that children are forked from."""
    cores = os.sched_getaffinity(0)
    found = Nursery()
    yield found
    found.close()
    os.sched_setaffinity(0, cores)


@pytest.fixture
def child(nursery, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SOURCE, encoding="utf-8")
    found = Child(nursery, file, "mine.py")
    found.load()
    yield found
    found.close()


@pytest.mark.benchmark(group="one call of sigmoid on 3 x 3")
@pytest.mark.parametrize("cores", ["one core", "two cores"])
def test_round_trip(benchmark, child, cores):
    """An array there, its echo and its image back, with parent and child on one core or on two."""
    where = sorted(os.sched_getaffinity(0))
    if cores == "one core":
        os.sched_setaffinity(0, where[:1])
        os.sched_setaffinity(child.process, where[:1])
    x = np.ones((3, 3))

    evaluation = benchmark(lambda: child.call(child.functions["sigmoid"], (x,), {}, Returned()))

    os.sched_setaffinity(0, where)
    assert evaluation.error is None


@pytest.mark.benchmark(group="a child")
def test_start(benchmark, nursery, tmp_path):
    """A fork from the nursery, confined, with the file read, and its end."""
    file = tmp_path / "mine.py"
    file.write_text(SOURCE, encoding="utf-8")

    def start():
        child = Child(nursery, file, "mine.py")
        child.load()
        child.close()

    benchmark(start)


@pytest.mark.benchmark(group="one function, judged in this process")
@pytest.mark.parametrize("kind", ["right", "wrong"])
def test_verdict(benchmark, kind):
    """Every function that a page shows, right as it stands there or with one of its mistakes; see the median."""
    book = reading.load()
    slots = [s for page in book.pages.values() for s in page.slots if s.name in shown_code(page.text)]
    spent = []

    def judge(slot):
        mistakes = [m for claim in book.claims_on(slot.name) for m in claim.mistakes if m.slot == slot.name]
        functions = {slot.name: slot.reference} if kind == "right" else dict(mistakes[0].functions)
        if (other := other_half(slot.name)) in book.slots:
            functions.setdefault(other, book.slots[other].reference)
        start = perf_counter()
        Examination(book, "mine", functions, profile=PROFILES["default"]).finding(slot.name)
        spent.append(perf_counter() - start)

    benchmark.pedantic(lambda: [judge(slot) for slot in slots[::4]], rounds=1)
    benchmark.extra_info["median seconds"] = round(median(spent), 3)
    assert len(spent) > 20
