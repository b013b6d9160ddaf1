"""A run in float32: the subject sees narrow numbers, the bounds are stated in their eps, and no badge is drawn."""

import numpy as np
import pytest

from claims.engine.contract import Unfillable
from claims.engine.evaluation import Returned
from claims.engine.narrow import narrowed
from claims.engine.subjects import Subject
from claims.toolbox import comparison, precision
from tests.projects import ANSWERS, CLAIMS

SINGLE = ("--dtype", "float32", "--seed", "1")
THIRD = (
    CLAIMS.replace("import equal, within", "import eps, equal, within")
    + '''
@claim(numbers=numbers)
def a_third_is_a_third(third, numbers):
    """A third is a third."""
    assert within(third(numbers.x), numbers.x / 3, eps * abs(numbers.x))

@a_third_is_a_third.refutes("third")
def halves(x):
    return x / 2

@claim(numbers=numbers)
def large_numbers_double(double, numbers):
    """Large numbers are doubled, too."""
    assert equal(double(numbers.x * 1e200), numbers.x * 2e200)

@large_numbers_double.refutes("double")
def squares_large_ones(x):
    return x * x
'''
)
PROSE = """# Q1 [E] Twice?

[Adding][doubling_is_adding_to_itself], [larger][doubling_makes_larger], [third][a_third_is_a_third],
[large][large_numbers_double].
"""
NEARLY = (
    ANSWERS
    + '''
def third(x):
    """Return x / 3, to ten digits.

    Shapes: x (*S) -> (*S)
    """
    return x / 3 * (1 + 1e-10)
'''
)


def claims_of(project):
    return {claim["id"]: claim for claim in project.json("evidence-partial.json")["claims"]}


def test_bounds_are_stated_in_the_eps_of_the_precision(project):
    """What is right to ten digits is wrong in float64 and right in float32; what is beyond its range is not judged."""
    project.page(claims=THIRD, answers=NEARLY, prose=PROSE)

    assert "refuted   a_third_is_a_third" in project.claims("check").stdout
    done = project.claims("check", *SINGLE)
    found = claims_of(project)

    assert found["a_third_is_a_third"]["outcome"] == "held"
    assert found["large_numbers_double"]["reason"] == "its numbers are beyond the range of float32"
    assert {claim["subject"] for claim in found.values()} == {"numpy@float32"}
    assert not any(claim["mistakes"] for claim in found.values())
    assert done.returncode == 0
    assert "numpy@float32 · profile default" in done.stdout


def test_the_subject_sees_narrow_numbers_and_no_badge_is_touched(project):
    """A fault that only float32 shows is told with the command that shows it again, and says nothing of the book."""
    project.claims("check")
    project.page(answers=ANSWERS.replace("2.0 * x", "2.0 * x if x.dtype == np.float64 else x * x"))
    done = project.claims("check", *SINGLE)

    assert done.returncode == 1
    assert "replay   claims check doubling_is_adding_to_itself --seed 1 --dtype" in done.stdout
    assert project.colour() == "brightgreen"


def single(function):
    return narrowed(Subject("mine", {"double": function}), np.dtype(np.float32)).functions["double"]


def test_what_an_implementation_does_to_its_inputs_is_seen():
    """Inputs come back as they were unless they were changed, and a generator has drawn what it drew."""

    def spoil(x, *, rng):
        x[0] = rng.standard_normal()
        return x

    function = single(spoil)
    x, rng = np.array([0.1, 0.2]), np.random.default_rng(3)
    evaluation = function.place.call(function, [x], {"rng": rng}, Returned())
    changed, drawn_from = evaluation.inputs
    kept = single(lambda x: 2 * x)
    kept_evaluation = kept.place.call(kept, [x], {}, Returned())

    assert changed[0] == np.float32(np.random.default_rng(3).standard_normal())
    assert drawn_from.bit_generator.state != rng.bit_generator.state
    assert x.tolist() == [0.1, 0.2]
    assert kept_evaluation.inputs[0] is x
    assert kept_evaluation.result.dtype == np.float64
    assert kept_evaluation.result.tolist() == [float(np.float32(0.1)) * 2, float(np.float32(0.2)) * 2]


@pytest.mark.parametrize("beyond", [[1e39, 1.0], [1e-50, 0.0]])
def test_what_float32_cannot_hold_is_not_handed_over(beyond):
    """An infinity or a zero in its place would be another question."""
    function = single(lambda x: 2 * x)

    with pytest.raises(Unfillable, match="beyond the range of float32"):
        function.place.call(function, [np.array(beyond)], {}, Returned())


def test_narrow_numbers_stay_what_they_are():
    """A claim about float32 arrays gets float32 arrays back; whole numbers are none of its business."""
    function = single(lambda x, count: (x * 2, count))
    evaluation = function.place.call(function, [np.ones(2, np.float32), np.array([3])], {}, Returned(2))

    assert [result.dtype for result in evaluation.result] == [np.float32, np.int64]


def test_a_precision_cannot_be_chosen_when_bounds_have_been_stated():
    """Half of the bounds in one precision and half in another would be worse than none."""
    assert comparison.eps == 2.0**-52
    with pytest.raises(RuntimeError, match="read in float64"):
        precision.choose("float32")
    assert precision.dtype == np.float64
