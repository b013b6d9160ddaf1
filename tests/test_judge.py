"""Refutation, crash, breach, warning and error are told apart, and each says what a person needs to know."""

import sys

import numpy as np
import pytest

from claims.engine.judge import judge
from claims.engine.profiles import PROFILES
from claims.engine.subjects import REFERENCE, Subject
from claims.engine.trials import trials
from tests.projects import ANSWERS, CLAIMS, PROSE, book_of

CLAIM = "doubling_is_adding_to_itself"


def verdicts(book, double=None, profile="default", **options):
    """Return every verdict of a book by id; with `double`, those on that implementation alone."""
    subject = (
        Subject(REFERENCE, {"double": book.slots["double"].reference})
        if double is None
        else Subject("mine", {"double": double})
    )
    return {trial.id: judge(trial, PROFILES[profile], **options) for trial in trials(book, [subject])}


def verdict(double, **options):
    return verdicts(book_of(), double, **options)[f"{CLAIM}[mine]"]


def test_the_reference_holds_and_its_mistakes_are_refuted():
    """The sound page comes out sound: otherwise nothing below means anything."""
    found = {name: each.outcome for name, each in verdicts(book_of()).items()}

    assert found == {
        f"{CLAIM}[numpy]": "held",
        f"{CLAIM}[not-squares]": "refuted",
        f"{CLAIM}[not-leaves_large_numbers_alone]": "refuted",
        f"{CLAIM}[also-adds]": "held",
        "doubling_makes_larger[numpy]": "refuted",
        "doubling_makes_larger[search-numpy]": "refuted",
        "double_is_pure[numpy]": "held",
        "double_is_pure[not-modifies_its_input]": "refuted",
        "double_is_pure[not-returns_a_view_of_its_input]": "refuted",
        "double_is_pure[not-remembers_the_last_call]": "refuted",
        "double_is_pure[not-rounds_to_float32]": "refuted",
        "double_is_pure[not-adds_an_axis]": "refuted",
    }


def test_a_wrong_value_is_refuted_on_the_smallest_input():
    """A learner sees one number that goes wrong, not a page of them, and the mistake's name."""
    found = verdict(lambda x: x * x)

    assert (found.outcome, found.counterexample) == ("refuted", "x=[1.0]")
    assert (found.call, found.came) == ("mine.double(x=[1.0])", "[1.0]")
    assert found.behaves_like == "squares"


def test_what_an_implementation_raises_is_a_refutation():
    """A crash on legal input is wrong, and not an error of ours."""

    def picky(x):
        if (x == 3).any():
            raise ZeroDivisionError("three")
        return 2 * x

    found = verdict(picky)

    assert (found.outcome, found.reason, found.counterexample) == (
        "refuted",
        "raised ZeroDivisionError: three",
        "x=[3.0]",
    )


def test_leaving_the_program_is_a_refutation():
    """sys.exit in a learner's function must not end the judge."""
    found = verdict(lambda _: sys.exit(3))

    assert (found.outcome, found.reason) == ("refuted", "raised RuntimeError: it called sys.exit(3)")


def test_an_exception_of_the_claim_is_an_error():
    """A bug in a claim must not be blamed on the answer, nor pass for a refutation."""
    book = book_of(claims=CLAIMS.replace("assert equal(double", "numbers.nothing; assert equal(double"))
    found = verdicts(book)[f"{CLAIM}[numpy]"]

    assert found.outcome == "error"
    assert "AttributeError" in found.reason
    assert found.reason.startswith("claims/demo.py:")


def test_numbers_that_are_not_finite_are_not_the_claims_fault():
    """A claim that stumbles over NaN was given NaN: that refutes the answer, and is no error of ours."""
    stumbles = "np.linalg.svd(double(numbers.x)[:, None]); assert equal(double"
    book = book_of(claims=CLAIMS.replace("assert equal(double", stumbles))
    found = verdicts(book, lambda x: np.where(x == 3, np.nan, 2 * x))[f"{CLAIM}[mine]"]

    assert (found.outcome, found.reason, found.counterexample) == ("refuted", "numbers that are not finite", "x=[3.0]")


def test_a_warning_is_noted_and_refutes_nothing():
    """An overflow on the way to the right answer is worth a note, no more."""

    def noisy(x):
        np.float64(1e308) * np.float64(10)
        return 2.0 * x

    found = verdict(noisy)

    assert found.outcome == "held"
    assert found.warnings == ["overflow encountered in scalar multiply at x=[0.0]"]


def modifies(x):
    x *= 2
    return x.copy()


def gives_back_its_input(x):
    x = x[:]
    return x if not x.any() else 2 * x


def counts():
    seen = []

    def double(x):
        seen.append(x)
        return 2 * x + len(seen)

    return double


@pytest.mark.parametrize(
    ("double", "breach"),
    [
        (modifies, "it modified its input x"),
        (gives_back_its_input, "it returned a view of its input x"),
        (counts(), "it gave two answers to the same input"),
        (lambda x: (2 * x).astype(np.float32), "it returned float32, not float64"),
        (lambda x: (2 * x).tolist(), "it returned a list, not an array (*S)"),
        (lambda x: (2 * x,), "it returned a tuple of 1, not an array (*S)"),
        (lambda x: 2 * x[:, None], "it returned shape (1, 1), not (*S) with *S = (1,)"),
        (lambda _: None, "it returned nothing, not an array (*S)"),
    ],
)
def test_a_breach_of_the_contract_has_its_own_name(double, breach):
    """A function with the right values that spoils its caller's arrays is told apart from a wrong formula."""
    found = verdict(double)

    assert (found.outcome, found.breach, found.reason) == ("refuted", "double_is_pure", breach)


def test_a_result_may_be_the_argument_where_the_slot_says_so():
    """Who returns x itself because nothing is to be done is right, where the slot allows it, and only then."""
    allowed = ANSWERS.replace("-> (*S)", "-> (*S) or x")

    def gives_back_zeros(x):
        return 2 * x if x.any() else x

    def gives_back_a_part_of_memory(x):
        return 2 * x if x.any() else x[::-1]

    found = {
        (double.__name__, line): verdicts(book_of(answers), double)[f"{CLAIM}[mine]"].reason
        for double in (gives_back_zeros, gives_back_a_part_of_memory)
        for line, answers in (("(*S)", ANSWERS), ("(*S) or x", allowed))
    }

    view = "it returned a view of its input x"
    assert found == {
        ("gives_back_zeros", "(*S)"): view,
        ("gives_back_zeros", "(*S) or x"): "",
        ("gives_back_a_part_of_memory", "(*S)"): view,
        ("gives_back_a_part_of_memory", "(*S) or x"): view,
    }


DRAWS = '''
def noise(x, *, rng):
    """Return x with noise.

    Shapes: x (*S) -> (*S)
    """
    return x + rng.random(x.shape)
'''
DRAWN = '''
from claims.toolbox.strategies import generators

@claim(numbers=numbers, rng=generators())
def noise_is_below_one(noise, numbers, rng):
    """Noise is below one."""
    assert np.all(noise(numbers.x, rng=rng) < numbers.x + 1)

@noise_is_below_one.refutes("noise")
def subtracts_noise_from_its_double(x, *, rng):
    return 2 * x + 2 - rng.random(x.shape)

@noise_is_below_one.refutes("noise")
def doubles_the_noise(x, *, rng):
    return x + 2 * rng.random(x.shape)
'''


def test_a_random_mistake_is_recognised_whatever_was_compared_before():
    """A generator that one comparison has used must not hide which mistake an answer behaves like."""
    book = book_of(ANSWERS + DRAWS, CLAIMS + DRAWN, PROSE + "\n[n][noise_is_below_one]\n")
    subject = Subject("mine", {"noise": lambda x, *, rng: x + 2 * rng.random(x.shape)})
    found = {trial.id: judge(trial) for trial in trials(book, [subject])}["noise_is_below_one[mine]"]

    assert (found.outcome, found.behaves_like) == ("refuted", "doubles_the_noise")


def test_a_mistake_that_only_crashes_is_spared():
    """A claim has not shown its strength on something that never gives an answer."""
    book = book_of(claims=CLAIMS.replace("return x * x", "raise ValueError(x)"))
    found = verdicts(book)[f"{CLAIM}[not-squares]"]

    assert (found.outcome, found.reason) == ("held", "it only crashes, in 500 of 500 cases")


def test_crashing_cases_are_set_aside():
    """A mistake that crashes on most inputs is refuted by the value it gives on another."""
    book = book_of(claims=CLAIMS.replace("return x * x", "return x * x if len(x) == 3 else 1 / 0"))

    assert verdicts(book)[f"{CLAIM}[not-squares]"].outcome == "refuted"


def test_a_vacuous_claim_says_which_mistakes_survive():
    """A claim that asserts nothing would hold for ever: its mistakes give it away."""
    book = book_of(claims=CLAIMS.replace("assert equal(double(numbers.x), numbers.x + numbers.x)", "assert True"))
    found = verdicts(book)

    assert found[f"{CLAIM}[numpy]"].outcome == "held"
    assert found[f"{CLAIM}[not-squares]"].outcome == "held"
    assert found[f"{CLAIM}[not-squares]"].cases == 500


WITNESS = '@doubling_is_adding_to_itself.refutes("double", by={"numbers": case(x=[VALUE])})\ndef squares'


def test_a_witness_is_tried_first():
    """What random search finds rarely is refuted by one case."""
    claims = CLAIMS.replace(
        '@doubling_is_adding_to_itself.refutes("double")\ndef squares', WITNESS.replace("VALUE", "5")
    )

    assert verdicts(book_of(claims=claims))[f"{CLAIM}[not-squares]"].cases == 1


def test_a_witness_that_refutes_nothing_is_an_error():
    """A witness gone stale would hide that the mistake is hardly ever found."""
    claims = CLAIMS.replace(
        '@doubling_is_adding_to_itself.refutes("double")\ndef squares', WITNESS.replace("VALUE", "2")
    )
    found = verdicts(book_of(claims=claims))[f"{CLAIM}[not-squares]"]

    assert (found.outcome, found.reason) == ("error", "its witness {'numbers': x=[2.0]} refutes nothing")


def test_a_myth_that_is_true_is_lost():
    """A myth whose counterexample does not contradict it would call a true sentence false."""
    claims = CLAIMS.replace(
        "assert np.all(double(numbers.x) >= numbers.x)", "assert np.all(double(numbers.x) == 2 * numbers.x)"
    )
    found = verdicts(book_of(claims=claims))

    assert found["doubling_makes_larger[numpy]"].outcome == "held"
    assert found["doubling_makes_larger[search-numpy]"].outcome == "held"


def test_thorough_insists_on_the_smallest_counterexample():
    """The counterexample in the prose is the smallest, or the run finds the smaller one."""
    claims = CLAIMS.replace("case(x=[-1])", "case(x=[-1, 0])")
    small = verdicts(book_of(), profile="thorough")["doubling_makes_larger[search-numpy]"]
    large = verdicts(book_of(claims=claims), profile="thorough")["doubling_makes_larger[search-numpy]"]

    assert small.outcome == "refuted"
    assert (large.outcome, large.reason) == ("error", "search finds something smaller: x=[-1.0]")


def test_another_signature_is_not_judged():
    """A function that means something else by the same name is neither right nor wrong."""
    found = verdict(lambda x, factor: factor * x)

    assert (found.outcome, found.reason) == ("not judged", "<lambda>(x, factor) does not fit double(x)")


def test_what_a_subject_lacks_is_not_judged():
    """A library without a function is not wrong about it."""
    book = book_of()
    found = [judge(trial) for trial in trials(book, [Subject("mine", {})])]

    assert {(each.outcome, each.reason) for each in found} == {("not judged", "mine has no double")}


def test_an_option_that_is_missing_is_not_judged():
    """A claim that needs an option of the slot says so of an implementation that has none."""
    claims = CLAIMS.replace("double(numbers.x)", "double(numbers.x, times=2.0)").replace("(x):", "(x, *, times=2.0):")
    book = book_of(ANSWERS.replace("def double(x)", "def double(x, *, times=2.0)"), claims)
    found = verdicts(book, lambda x: 2 * x)[f"{CLAIM}[mine]"]

    assert (found.outcome, found.reason) == ("not judged", "mine.double has no option times")


MEASURED = '''
@measured(seeds=4, false_hold=1e-3, false_alarm=1e-9)
def measured_doubling(double, seeds):
    """Doubling doubles, as measured."""
    assert equal(double(np.array(seeds, dtype=float)), 2.0 * np.array(seeds))
    measured_doubling.seen = seeds

@measured_doubling.refutes("double")
def adds_one(x):
    return x + 1
'''


def test_measured_claims_run_on_fixed_seeds_unless_redrawn():
    """The same sentence is measured on the same seeds every day, and on fresh ones only where someone asked."""
    book = book_of(claims=CLAIMS + MEASURED, prose=PROSE + "\n[m][measured_doubling]\n")
    claim, seen = book.claims["measured_doubling"], []
    for options in (
        {},
        {"seed": 7},
        {"seed": 7, "redraw": True},
        {"seed": 7, "redraw": True},
        {"seed": 8, "redraw": True},
    ):
        assert verdicts(book, **options)["measured_doubling[numpy]"].outcome == "held"
        seen.append(claim.seen)

    assert seen[0] == seen[1] == [0, 1, 2, 3]
    assert seen[2] == seen[3] != seen[4]
    assert seen[2] != [0, 1, 2, 3]


def test_measured_claims_wait_for_the_default_profile():
    """On save nothing is trained, and nothing passes for measured."""
    book = book_of(claims=CLAIMS + MEASURED, prose=PROSE + "\n[m][measured_doubling]\n")
    found = verdicts(book, profile="quick")["measured_doubling[numpy]"]

    assert (found.outcome, found.reason) == ("not judged", "measured claims need the default profile")


def test_a_missing_optional_library_is_not_judged():
    """Who did not install the solver loses the proofs, and nothing else."""
    book = book_of(
        claims=CLAIMS.replace(
            "    assert equal(double", "    raise ModuleNotFoundError(name='z3')\n    assert equal(double"
        )
    )
    found = verdicts(book)

    assert found[f"{CLAIM}[numpy]"].outcome == "not judged"
    assert found[f"{CLAIM}[numpy]"].reason == "z3 is not installed; pip install 'executable-answers[proofs]'"


def test_a_contract_without_calls_is_not_judged():
    """A function that is never called has kept no contract."""
    book = book_of(
        claims=CLAIMS.replace(
            "    assert equal(double", "    raise ModuleNotFoundError(name='z3')\n    assert equal(double"
        )
    )
    missing = {name: each for name, each in verdicts(book).items() if name.startswith("double_is_pure")}
    book = book_of(claims=CLAIMS.replace("assert equal(double(numbers.x), numbers.x + numbers.x)", "assert True"))
    uncalled = {name: each for name, each in verdicts(book).items() if name.startswith("double_is_pure")}

    assert {each.outcome for each in missing.values()} == {each.outcome for each in uncalled.values()} == {"not judged"}
    assert {each.reason for each in uncalled.values()} == {"no case that was tried calls double"}


def test_a_claim_can_be_called_without_the_engine():
    """In a notebook a claim is a function that takes implementations."""
    claim = book_of().claims[CLAIM]
    claim(double=lambda x: x + x)

    with pytest.raises(AssertionError):
        claim(double=lambda x: x * x)
