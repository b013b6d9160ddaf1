"""Bad input is one line that says what, where and what to do; the other commands say what there is."""

import re
import subprocess
import sys

import pytest

from claims.engine.declare import ROOT
from tests.projects import ANSWERS, CLAIMS, PROSE


def line(done):
    """Return the one line that a failed command leaves, without pytest's word for it."""
    said = [each for each in done.stderr.splitlines() if each.strip()]
    assert len(said) == 1, done.stderr
    return said[0].removeprefix("ERROR: ").removeprefix("claims: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["check", "is_adding_to_itself"],
            "there is no topic 'is_adding_to_itself'; did you mean doubling_is_adding_to_itself?",
        ),
        (
            ["check", "zzz"],
            "there is no topic 'zzz'; give a page, a question, a claim or a slot: claims list shows them",
        ),
        (["check", "--subject", "somewhere/else.py"], "somewhere/else.py: there is no such file"),
        (["check", "--subject", "mime.py"], "mime.py: there is no such file; did you mean mine.py?"),
        (
            ["check", "--subject", "syntax.py"],
            "syntax.py:2: SyntaxError: '(' was never closed; mend it, then it can be judged",
        ),
        (
            ["check", "--subject", "fails.py"],
            "fails.py:3: ZeroDivisionError: division by zero; mend it, then it can be judged",
        ),
        (["check", "--subject", "leaves.py"], "leaves.py:1: SystemExit: 4; mend it, then it can be judged"),
        (["check", "--subject", "empty.py"], "empty.py defines no slot; claims list shows their names"),
        (
            ["check", "--subject", "nearly.py"],
            "nearly.py defines no slot: is its doubel meant to be double?; claims list shows their names",
        ),
        (["check", "--subject", "imports.py"], "imports.py defines no slot; claims list shows their names"),
        (
            ["check", "--subject", "nothing"],
            "there is no subject nothing; give numpy, a module, or a file that ends in .py",
        ),
        (
            ["check", "--evidence", "no/e.json"],
            "no/e.json: there is no folder no to write the evidence to; create it first",
        ),
        (["show", "doubling"], "there is no claim or slot 'doubling'; did you mean double or doubling_makes_larger?"),
        (["new", "demos"], "no question in answers/questions.toml has the page 'demos'; did you mean demo?"),
        (["new", "demo"], "answers/demo.md exists already; nothing was written"),
    ],
)
def test_bad_input_is_one_line(project, arguments, said):
    """Whoever mistypes a name is told the nearest one, and nothing runs."""
    files = {
        "mine.py": "def double(x):\n    return 2 * x\n",
        "syntax.py": "x = 1\ndef double(x:\n",
        "empty.py": "",
        "fails.py": "def double(x):\n    return x\n1 / 0\n",
        "nearly.py": "def doubel(x):\n    return x\n",
        "leaves.py": "raise SystemExit(4)\n",
        "imports.py": "from mine import double\n",
    }
    for name, text in files.items():
        (project.root / name).write_text(text)
    done = project.claims(*arguments)

    assert (done.returncode, line(done)) == (2, said)
    assert not (project.root / "build").exists()


def test_a_function_with_another_signature_is_told_both(project):
    """A file whose function takes something else is not judged, and the exit code does not pass for success."""
    (project.root / "mine.py").write_text("def double(x, y):\n    return 2 * x\n")
    done = project.claims("check", "--subject", "mine.py")

    assert done.returncode == 1
    assert "double(x, y) does not fit double(x)" in done.stdout


def test_a_right_file_is_judged_and_holds(project):
    """A learner's right answer, written another way, is right."""
    (project.root / "mine.py").write_text("import numpy as np\n\ndef double(x):\n    return np.add(x, x)\n")
    done = project.claims("check", "--subject", "mine.py")

    assert (done.returncode, done.stdout.splitlines()[0][:22]) == (0, "mine.py · profile defa")


def test_a_module_is_a_subject(project):
    """A library engineer names the module that has the functions."""
    (project.root / "kernels.py").write_text("def double(x):\n    return x + x\n")

    assert project.claims("check", "--subject", "kernels").returncode == 0


def test_a_fault_in_a_page_is_one_line_and_exit_2(project):
    """A page that is declared wrongly is not half judged, and the others are not blamed."""
    project.page(claims=CLAIMS.replace('"""Doubling a number adds it to itself."""', '"""No sentence"""'))
    done = project.claims("check")

    assert done.returncode == 2
    assert "claims/demo.py:9: doubling_is_adding_to_itself states nothing; begin its docstring" in done.stdout


def test_show_tells_all_about_a_claim_and_a_slot(project):
    """One command tells the sentence, what it refutes, and how it went last."""
    project.claims("check")
    claim, slot = project.claims("show", "doubling_is_adding_to_itself").stdout, project.claims("show", "double").stdout

    for words in (
        "Doubling a number adds it to itself.",
        "Q1 [E] Twice?",
        "leaves_large_numbers_alone (double)",
        "adds (double)",
        "claims/demo.py:9",
        "held on 100 cases",
    ):
        assert words in claim
    for words in ("double(x)", "Return 2x.", "doubling_is_adding_to_itself", "squares", "adds", "answers/demo.py:4"):
        assert words in slot


def test_list_shows_what_is_there_and_what_is_missing(project):
    """An author sees which questions wait for their page."""
    said = project.claims("list").stdout

    for words in (
        "Q1 [E] Twice?",
        "property doubling_is_adding_to_itself",
        "myth     doubling_makes_larger",
        "slot     double(x)",
        "missing: 1 question on 1 page",
        "other",
    ):
        assert words in said


def test_new_writes_a_page_that_can_be_filled(project):
    """A teacher starts from three files that already fit together."""
    done = project.claims("new", "other")

    assert done.returncode == 0
    assert (project.root / "answers/other.md").read_text().startswith("# Q2 [M] Thrice?\n")
    assert project.claims("check").returncode == 0
    assert project.claims("list").stdout.count("Q2") == 1


def test_weave_brings_the_prose_up_to_date(project):
    """The code in the prose is the code that runs, and its links open the claims."""
    project.page(prose=PROSE + "\n<!-- code: answers/demo.py::double -->\n")
    stale = project.claims("weave", "--check")
    project.claims("weave")
    text = (project.root / "answers/demo.md").read_text()

    assert (stale.returncode, stale.stdout) == (1, "answers/demo.md:5: out of date; run: claims weave\n")
    assert '```python\ndef double(x):\n    """Return 2x.' in text
    assert "[doubling_makes_larger]: ../claims/demo.py#L26\n" in text
    assert project.claims("weave", "--check").returncode == 0
    project.page(prose=text, answers=ANSWERS.replace("2.0 * x", "x + x"))
    assert project.claims("weave", "--check").returncode == 1


NUMBERED = (
    CLAIMS
    + """
@measured(seeds=2, false_hold=1e-3, false_alarm=0)
def doubling_is_measured(double, seeds):
    \"\"\"Doubling doubles, as measured.\"\"\"
    assert equal(double(np.ones(1)), [2.0])
    return {"ratio": 1.98765432}

@doubling_is_measured.refutes("double")
def adds_two(x):
    return x + 2
"""
)
QUOTED = (
    PROSE + "\n[It is][doubling_is_measured] <!-- result: doubling_is_measured.ratio .2f -->?<!-- /result --> times.\n"
)


def test_numbers_in_the_prose_come_from_a_run(project):
    """A number that somebody typed would be as old as the day it was typed."""
    project.page(claims=NUMBERED, prose=QUOTED)
    early, unknown = project.claims("weave", "--results"), project.claims("weave")
    project.claims("check", "--seed", "3")
    redrawn = project.claims("weave", "--results")
    project.claims("check")
    done = project.claims("weave", "--results")

    assert early.returncode == unknown.returncode == done.returncode + 2 == 2
    assert "no results can be taken from it" in line(early)
    assert "drew other seeds than their own: leave --seed" in line(redrawn)
    assert line(unknown).startswith(
        "answers/demo.md:5: it quotes a result doubling_is_measured.ratio, which answers/results.json"
    )
    assert "ratio .2f -->1.99<!-- /result --> times." in (project.root / "answers/demo.md").read_text()
    assert (
        project.root / "answers/results.json"
    ).read_text() == '{\n "doubling_is_measured": {\n  "ratio": 1.98765\n }\n}\n'
    assert project.claims("weave", "--check").returncode == 0


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        (
            "<!-- code: answers/demo.py::triple -->",
            "answers/demo.md:5: it shows triple, which answers/demo.py does not define; mend the name",
        ),
        (
            "<!-- code: answers/none.py::f -->",
            "answers/demo.md:5: it shows code of answers/none.py, which does not exist; mend the path",
        ),
        (
            "<!-- figure: none -->",
            "answers/demo.md:5: it shows a figure none, which does not exist; write answers/figures/none.py",
        ),
        ("[x][none]", "answers/demo.md:5: it links to no such claim: none; mend the name, or write the claim"),
    ],
)
def test_weave_names_the_line_that_shows_nothing(project, addition, said):
    """Prose cannot show code or figures that do not exist."""
    project.page(prose=PROSE + f"\n{addition}\n")
    done = project.claims("weave", "--check")

    assert (done.returncode, line(done)) == (2, said)


def test_colours_are_left_out_where_nobody_wants_them(project):
    """In a pipe, and with NO_COLOR, the report is plain text."""
    project.page(answers=ANSWERS.replace("2.0 * x", "3.0 * x"))
    for environment in ({}, {"NO_COLOR": "1"}):
        done = project.claims("check", **environment)

        assert "\x1b" not in done.stdout + done.stderr


def test_judging_needs_no_pytest():
    """A claim can be declared and judged in a notebook, where pytest is not."""
    code = (
        "import sys; sys.modules['pytest'] = None; sys.modules['_pytest'] = None\n"
        "import claims, claims.engine.judge, claims.engine.reading as b; b.load(); print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def test_the_readme_shows_a_claim_as_it_stands():
    """The first code that a visitor sees is in the book, but for reasons behind the statement."""
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    source = (ROOT / "claims/linear_layers.py").read_text(encoding="utf-8")
    claim = re.sub(r"\n\n    Exactly: .*?\n    (?=\"\"\")", "", source, count=1, flags=re.DOTALL)

    assert shown.strip() in claim
