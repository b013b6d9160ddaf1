"""What is declared wrongly stops with one line: where, what, and what to do."""

import pytest

from claims.engine.declare import Misdeclared
from tests.projects import ANSWERS, CLAIMS, PROSE, book_of, module

HEAD = "from claims import claim, legal, measured, myth, proved\nfrom claims.toolbox.strategies import choices\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('@proved()\ndef c(double):\n    "No full stop"\n', "claims/demo.py:3: c states nothing; begin its docstring"),
        ("@proved()\ndef c(double):\n    assert double\n", "c states nothing"),
        ('@claim(y=choices(1))\ndef c(double):\n    "S."\n', "c draws 'y' but has no such parameter; take it"),
        (
            '@claim(y=choices(1))\ndef c(double, y):\n    "S."\n@c.refutes("treble")\ndef m(x): ...\n',
            "claims/demo.py:6: c has no slot 'treble'; name one of its slots: double",
        ),
        (
            '@claim(y=choices(1))\ndef c(double, y):\n    "S."\n@c.refutes("double", by={"z": 1})\ndef m(x): ...\n',
            "the witness of m is not what c draws; give it one value each for y",
        ),
        (
            '@proved()\ndef c(double):\n    "S."\n' + 2 * '@c.refutes("double")\ndef m(x): ...\n',
            "c has a mistake m already; choose another name",
        ),
        (
            '@myth(y=choices(1), refuted_by={})\ndef c(double, y):\n    "S."\n',
            "the counterexample of c is not what it draws",
        ),
        (
            '@measured(seeds=3, false_hold=0.5, false_alarm=0)\ndef c(double, seeds):\n    "S."\n',
            "c measures too little",
        ),
        (
            '@measured(seeds=3, false_hold=1e-3, false_alarm=0)\ndef c(double):\n    "S."\n',
            "c is measured but takes no seeds",
        ),
    ],
)
def test_a_wrong_declaration_says_where_and_what(source, message):
    """Whoever adds a claim is told what is missing at once, not by a claim that silently never runs."""
    with pytest.raises(Misdeclared, match=r"^claims/demo\.py:\d+: .+; .+$") as caught:
        module("claims.demo", HEAD + source)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def faults(answers=ANSWERS, claims=CLAIMS, prose=PROSE):
    return book_of(answers, claims, prose).faults


def test_a_sound_page_has_no_faults():
    """The page that the tests below break is whole, so each finds what it broke."""
    assert faults() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {
                "claims": CLAIMS.replace("(double, numbers)", "(duplicate, numbers)").replace(
                    '("double")', '("duplicate")'
                )
            },
            "the parameter 'duplicate' of doubling_is_adding_to_itself is neither drawn nor a slot; draw it",
        ),
        (
            {
                "claims": CLAIMS
                + '\n@claim(numbers=numbers)\ndef doubling_is_adding_to_itself(double, numbers):\n    "S."\n'
            },
            "the claim doubling_is_adding_to_itself stands at claims/demo.py:9 already",
        ),
        ({"claims": CLAIMS.replace("def squares(x)", "def squares(x, y)")}, "squares(x, y) does not fit double(x)"),
        (
            {"answers": ANSWERS.replace("def double(x)", "def double(x, *, times=2.0)")},
            "squares(x) does not fit double(x, *, times=2.0)",
        ),
        (
            {"claims": CLAIMS.replace('@doubling_is_adding_to_itself.refutes("double")', "")},
            "doubling_is_adding_to_itself has no mistake, so nothing shows that it can fail; declare one",
        ),
        (
            {"prose": PROSE.replace("[Adding][doubling_is_adding_to_itself]", "Adding")},
            "no prose links doubling_is_adding_to_itself; link it in answers/demo.md",
        ),
        (
            {"prose": PROSE.replace("# Q1", "# Title")},
            "links doubling_is_adding_to_itself before the heading of any question",
        ),
        ({"prose": PROSE.replace("# Q1", "# Q99")}, "answers/demo.md:3: there is no question Q99"),
        ({"prose": PROSE + "\n[x][no_such_claim]\n"}, "answers/demo.md:5: it links to no such claim: no_such_claim"),
        ({"answers": ANSWERS.replace("Shapes:", "Takes:")}, "double is a slot, but it has no line 'Shapes:'"),
        ({"answers": ANSWERS.replace("x (*S)", "y (*S)")}, "the line 'Shapes:' of double names other arguments"),
        ({"answers": ANSWERS.replace("x (*S)", "x [*S]")}, "cannot be read at"),
        (
            {"claims": CLAIMS + '\n@legal("triple")\ndef thrice(x): ...\n'},
            "thrice is a variant of triple, which this page does not own",
        ),
        ({"claims": CLAIMS + '\n@legal("double")\ndef adds(x): ...\n'}, "the variant adds stands at"),
    ],
)
def test_a_page_that_does_not_fit_together_says_why(change, message):
    """A claim that nothing links, or that cannot fail, must not count as an answer."""
    found = faults(**change)

    assert any(message in fault for fault in found), found
    assert all("\n" not in fault for fault in found)


PAIR = '''
def layer_forward(x):
    """Return x and a cache.

    Shapes: x (*S) -> (*S), cache
    """
    return x + 0.0, x


def layer_backward(d_out, cache):
    """Return the gradient.

    Shapes: d_out (*S), cache cache -> (*S)
    """
    return d_out + 0.0
'''
HALF = '''
@claim(numbers=numbers)
def gradient_is_one(layer_forward, layer_backward, numbers):
    """The gradient is one."""
    _, cache = layer_forward(numbers.x)
    assert equal(layer_backward(numbers.x, cache), numbers.x)

@gradient_is_one.refutes("layer_backward"OTHER)
def negates(d_out, cache):
    return -d_out
'''


def test_a_mistake_in_half_a_pair_names_the_other_half():
    """The cache between the passes is opaque: a wrong backward pass on another author's cache would prove nothing."""
    prose = PROSE + "\n[One][gradient_is_one]\n"
    half = faults(ANSWERS + PAIR, CLAIMS + HALF.replace("OTHER", ""), prose)
    whole = faults(ANSWERS + PAIR, CLAIMS + HALF.replace("OTHER", ", layer_forward=lambda x: (x + 0.0, x)"), prose)

    assert len(half) == 1
    assert (
        "negates fills layer_backward but not layer_forward, and the two share a cache; name the other half" in half[0]
    )
    assert whole == []
