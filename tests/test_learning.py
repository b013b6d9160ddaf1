"""The learner's loop: start a file, judge it, ask for hints, judge again what changed."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from claims.command import judging, progress, starting
from claims.command.judging import _sources
from claims.engine import reading
from claims.engine.subjects import BadInput
from claims.engine.weave import shown_code
from claims.judge import unconfined
from tests import session

MINE = '''"""My answers."""

import numpy as np


def helper(x):
    return np.maximum(x, 0.0)


def relu(x):
    return helper(x)


def sigmoid(x):
    """The naive form overflows quietly."""
    return 1 / (1 + np.exp(-x))


def sigmoid_grad(x):
    return x * (1 - x)


def softmax(logits, *, temperature=1.0):
    raise NotImplementedError


from numpy import tanh
'''


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Keep what is remembered of a learner out of the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "build"


def claims(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "claims", *arguments], check=False, cwd=cwd, capture_output=True, text=True
    )


def test_a_file_to_start_with_has_the_functions_that_the_page_shows(tmp_path, capsys):
    """A learner fills in bodies, and has neither to guess names nor to delete answers."""
    file = tmp_path / "mine.py"
    starting.start("two_layer_network", file)
    functions = [node for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]

    page = reading.load().pages["two_layer_network"]
    assert {f.name for f in functions} == shown_code(page.text) & {slot.name for slot in page.slots}
    assert {ast.unparse(f.body[-1]) for f in functions} == {"raise NotImplementedError"}
    assert all(ast.get_docstring(f) for f in functions)
    assert "claims judge" in capsys.readouterr().out


def test_a_file_that_exists_is_kept(tmp_path):
    """Starting again must not cost an evening's work."""
    file = tmp_path / "mine.py"
    file.write_text("x = 1\n", encoding="utf-8")

    with pytest.raises(BadInput, match="exists already"):
        starting.start("dropout", file)
    assert file.read_text(encoding="utf-8") == "x = 1\n"


def test_an_unknown_page_is_one_line_with_the_nearest(tmp_path):
    """A typing error costs a second."""
    with pytest.raises(BadInput, match="did you mean dropout"):
        starting.start("dropuot", tmp_path / "mine.py")


def test_a_file_is_judged_function_by_function(tmp_path):
    """Right, wrong with the mistake's name and the command again, not written, not its own; at most ten lines each."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    done = claims("judge", "mine.py", "--profile", "quick", "--seed", "1", cwd=tmp_path)
    lines = done.stdout.splitlines()
    blocks = "\n".join(lines).split("\nwrong ")

    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split()[1] for line in lines if line.startswith("right")] == [
        "relu",
        "sigmoid",
    ]
    assert "like     takes_the_output_for_the_input, exactly, on " in done.stdout
    assert "should   at [0, 0]: " in done.stdout
    assert "replay   claims judge mine.py --seed 1 --profile quick" in done.stdout
    assert "not judged softmax  it is not written yet" in lines
    assert "not judged tanh  it is no function of this file, but comes from numpy" in lines
    assert lines[-1] == "2 of 5 functions right · stuck? claims hint sigmoid_grad"
    assert len(blocks) == 2
    assert blocks[1].split("\nnot judged")[0].count("\n") < 10
    assert max(map(len, lines)) <= 80


def test_hints_tell_the_law_then_the_case_then_the_page(build, capsys):
    """Who is stuck is helped a little at a time, and told where to read on."""
    build.mkdir()
    facts = {
        "file": "mine.py",
        "outcome": "wrong",
        "reason": "",
        "claim": "sigmoid_derivative_is_s_times_one_minus_s",
        "says": "The law.",
        "case": [["call", "mine.sigmoid_grad(x=[0.0])"], ["came", "[0.0]"], ["should", "0.25"]],
        "like": "takes_the_output_for_the_input",
        "stem": "activations",
        "hints": 0,
    }
    (build / "judged.json").write_text(json.dumps({"sigmoid_grad": facts}), encoding="utf-8")
    told = []
    for _ in range(3):
        progress.hint("sigmoid_grad")
        told.append(capsys.readouterr().out)

    assert ("The law." in told[0], "came" in told[0], "takes_the_output" in told[0]) == (True, False, False)
    assert ("came" in told[1], "takes_the_output" in told[1]) == (True, False)
    assert "takes_the_output_for_the_input" in told[2]
    assert "answers/activations.md" in told[2]
    assert "again, tells more" not in told[2]


def test_who_has_not_judged_is_told_to(build):
    """A hint on nothing is one line that says what to do."""
    with pytest.raises(BadInput, match="claims judge FILE"):
        progress.hint("sigmoid")
    with pytest.raises(BadInput, match="no slot 'sigmiod'"):
        progress.hint("sigmiod")
    assert not build.exists()


@pytest.mark.parametrize("foreign", ['{"sigmoid": {"outcome": "right"}}', '{"sigmoid": 3}', "[1]", "{"])
def test_a_file_of_another_origin_is_no_memory(build, foreign):
    """What another version, or another program, has written there costs nobody a traceback."""
    build.mkdir()
    (build / "judged.json").write_text(foreign, encoding="utf-8")

    with pytest.raises(BadInput, match="not judged yet"):
        progress.hint("sigmoid")


def test_where_nothing_can_be_confined_the_judge_works_and_says_so(build, monkeypatch, capfd):
    """A system without fork judges in the judge's own process; the line before the first verdict warns of it."""
    monkeypatch.delattr("os.fork")
    (build.parent / "mine.py").write_text(MINE, encoding="utf-8")
    (build.parent / "broken.py").write_text("x = 1\n1 / 0\n", encoding="utf-8")
    session = judging._Session(None, Path("mine.py"), "quick", 1)
    code = session.run(watch=False)
    told = capfd.readouterr().out.splitlines()

    assert code == 1
    assert not unconfined.can_confine()
    assert told[0].endswith("cannot confine a process: your file runs in this one, without limits")
    assert [line.split()[:2] for line in told if line.startswith(("right", "wrong"))] == [
        ["right", "relu"],
        ["right", "sigmoid"],
        ["wrong", "sigmoid_grad"],
    ]
    with pytest.raises(BadInput, match=r"broken.py:2: ZeroDivisionError"):
        judging._Session(None, Path("broken.py"), "quick", 1).run(watch=False)


def test_the_session_that_the_readme_shows_is_what_happens(tmp_path):
    """Whoever types what the picture shows sees what the picture shows."""

    def counted(svg):  # how many claims, cases and calls there are changes with the book
        return re.sub(r"[\d,]+\s(claim|case|call)", r"so many \1", " ".join(session.told(svg)))

    played = counted(session.drawn(session.play(tmp_path)))

    assert counted(session.PICTURE.read_text(encoding="utf-8")) == played
    assert "moves_one_after_the_other" in played


def test_only_what_changed_is_judged_again():
    """On every save a learner waits for one function, and not for all."""
    before = _sources(MINE)
    changed = {
        name
        for name, source in _sources(MINE.replace("np.maximum(x, 0.0)", "x * (x > 0)")).items()
        if source != before[name]
    }
    moved = _sources(MINE.replace('"""My answers."""\n\n', '"""My answers."""\n\n\n# A comment.\n'))
    imported = _sources(MINE.replace("import numpy as np\n", "import numpy as np\nimport math\n"))

    assert changed == {"helper", "relu"}
    assert moved == before
    assert all(imported[name] != before[name] for name in before)


def test_a_changed_half_changes_the_other():
    """A backward pass reads the cache of its forward pass."""
    source = "def f_forward(x):\n    return x, x\n\n\ndef f_backward(d, c):\n    return d\n"
    before, after = _sources(source), _sources(source.replace("x, x", "x, None"))

    assert before["f_backward"] != after["f_backward"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["judge", "none.py"], "claims: none.py: there is no such file; claims start STEM writes one to begin with"),
        (["judge", "empty.py"], "claims: empty.py defines no slot; claims list shows their names"),
        (["judge", "broken.py"], "claims: broken.py:1: SyntaxError"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path):
    """It says what is wrong, where, and what to do, and the exit code is 2."""
    (tmp_path / "empty.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    done = claims(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
