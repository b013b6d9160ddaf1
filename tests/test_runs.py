"""Whole runs, as users start them: what they print, write and return, in serial, in parallel and out of order."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from claims.engine import badge
from tests.projects import ANSWERS, CLAIMS, PROSE

WRONG = ANSWERS.replace("2.0 * x", "2.0 + x")
PARALLEL = pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["serial", "n2"])


def test_a_sound_project_gets_a_green_badge_and_exit_0(project):
    """The main job: one command says that every claim holds, and leaves the evidence of it."""
    done = project.claims("check", "--seed", "1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "1 claim holds · 2 mistakes refuted · 1 of 2 questions answered" in done.stdout
    assert project.colour() == "brightgreen"
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_the_evidence_has_the_promised_form(project):
    """The site, the badge and other people's scripts read it."""
    project.claims("check")
    evidence = project.json("evidence.json")

    assert {key: evidence[key] for key in ("schema", "complete", "selection", "exit", "errors", "profile")} == {
        "schema": 1,
        "complete": True,
        "selection": {},
        "exit": 0,
        "errors": [],
        "profile": "default",
    }
    assert evidence["questions"] == [
        {
            "id": "Q1",
            "level": "E",
            "text": "Twice?",
            "page": "demo",
            "claims": ["doubling_is_adding_to_itself", "doubling_makes_larger"],
        },
        {"id": "Q2", "level": "M", "text": "Thrice?", "page": "other", "claims": []},
    ]
    (claim,) = evidence["claims"]
    assert {**claim, "seconds": 0} == {
        "id": "doubling_is_adding_to_itself",
        "statement": "Doubling a number adds it to itself.",
        "kind": "property",
        "question": "Q1",
        "page": "demo",
        "subject": "numpy",
        "outcome": "held",
        "reason": "",
        "cases": 100,
        "seconds": 0,
        "counterexample": "",
        "results": {},
        "false_hold": None,
        "false_alarm": None,
        "source": {"file": "claims/demo.py", "line": 9},
        "mistakes": claim["mistakes"],
        "legal": claim["legal"],
    }
    assert [(m["id"], m["slot"], m["outcome"]) for m in claim["mistakes"]] == [
        ("squares", "double", "refuted"),
        ("leaves_large_numbers_alone", "double", "refuted"),
    ]
    assert [(v["id"], v["outcome"], v["cases"]) for v in claim["legal"]] == [("adds", "held", 25)]
    assert evidence["myths"] == [
        {
            "id": "doubling_makes_larger",
            "statement": "Doubling makes a number larger.",
            "question": "Q1",
            "page": "demo",
            "outcome": "refuted",
            "counterexample": "x=[-1.0]",
        }
    ]
    (contract,) = evidence["contracts"]
    assert (contract["slot"], contract["outcome"], contract["calls"] > 100) == ("double", "held", True)
    assert evidence["project"]["commit"] is None
    assert str(project.root) not in json.dumps(evidence)
    assert (project.root / "build/badge.svg").read_text().startswith("<svg")


def test_a_wrong_answer_is_told_in_at_most_ten_lines(project):
    """A person sees the sentence, the smallest input, what came and should, and how to see it again."""
    project.page(answers=WRONG.replace("2.0 + x", "x * x"))
    done = project.claims("check", "--seed", "5")
    told = done.stdout.split("\n\n")[2].splitlines()

    assert done.returncode == 1
    assert told == [
        "refuted   doubling_is_adding_to_itself  on numpy",
        "  says     Doubling a number adds it to itself.",
        "  input    x=[1.0]",
        "  call     numpy.double(x=[1.0])",
        "  came     [1.0]",
        "  should   at [0]: 1.0 should be 2.0",
        "  like     squares: the same answers in all calls compared",
        "  replay   claims check doubling_is_adding_to_itself --seed 5",
    ]
    again = project.claims(*told[-1].split("claims ")[1].split())
    assert told == again.stdout.split("\n\n")[2].splitlines()
    assert project.json("evidence-partial.json")["claims"][0]["counterexample"] == "x=[1.0]"


def outcomes(project):
    evidence = project.json("evidence.json") or project.json("evidence-partial.json")
    claims = [
        (c["id"], c["outcome"], c["cases"], [(m["id"], m["cases"]) for m in c["mistakes"]]) for c in evidence["claims"]
    ]
    return claims, evidence["totals"]["cases"]


def test_serial_parallel_and_random_order_judge_the_same_cases(project):
    """A verdict must not depend on how many processes shared the work, or on what ran before."""
    found = []
    for how in ((), ("-n", "2"), ("--random-order", "--random-order-seed=4")):
        (project.root / "build/evidence-partial.json").unlink(missing_ok=True)
        project.pytest("--seed", "3", *how)
        found.append(outcomes(project))
    project.claims("check", "--seed", "3")
    found.append(outcomes(project))

    assert found[0][1] > 100
    assert found == found[:1] * 4


def test_ci_has_a_fixed_seed(project):
    """A commit is judged alike every time CI looks at it."""
    first, second = (project.claims("check", CI="true").stdout for _ in range(2))

    assert re.search(r"seed 2202$", first, re.MULTILINE)
    assert first == second


@PARALLEL
@pytest.mark.parametrize(
    ("options", "breaks"),
    [
        (("-k", "not_squares or squares"), {}),
        (("-m", "mistake"), {}),
        (("--lf",), {}),
        (("-x",), {"answers": WRONG}),
        ((), {"answers": WRONG}),
        (
            (),
            {
                "claims": CLAIMS.replace(
                    "def squares",
                    "import os\n@doubling_is_adding_to_itself.refutes('double')\ndef kills(x):\n"
                    "    os._exit(1)\n@doubling_is_adding_to_itself.refutes('double')\ndef squares",
                )
            },
        ),
        ((), {"claims": CLAIMS + "\nsyntax error\n"}),
        ((), {"answers": ANSWERS + "\n1 / 0\n"}),
        ((), {"prose": PROSE.replace("[doubling_makes_larger]", "")}),
        (("--profile", "quick"), {}),
        (("--topic", "Q1"), {}),
    ],
    ids=[
        "k",
        "m",
        "lf",
        "x",
        "refuted",
        "crashed worker",
        "collection error",
        "import error",
        "unlinked",
        "quick",
        "topic",
    ],
)
def test_the_badge_is_never_green_after(project, parallel, options, breaks):
    """Green means that everything was judged and held: no part of a run, and no broken one, may say so."""
    project.page(**breaks)
    project.pytest(*options, *parallel)

    assert project.colour() in {None, "red"}
    evidence = project.json("evidence.json")
    assert evidence is None or not evidence["complete"] or evidence["exit"] == 1


@PARALLEL
def test_a_partial_run_that_contradicts_the_badge_withdraws_it(project, parallel):
    """A green badge must not stay beside a refutation that was seen after it."""
    project.claims("check")
    assert project.colour() == "brightgreen"
    project.page(answers=WRONG)
    project.pytest("-x", *parallel)

    assert project.colour() is None
    assert not (project.root / "build/badge.svg").exists()


def test_another_subject_leaves_evidence_and_badge_alone(project):
    """Judging a learner's file says nothing about the book."""
    project.claims("check")
    before = (project.root / "build/evidence.json").read_text()
    (project.root / "mine.py").write_text("def double(x):\n    return x * x\n")
    done = project.claims("check", "--subject", "mine.py")

    assert done.returncode == 1
    assert "like     squares" in done.stdout
    assert (project.root / "build/evidence.json").read_text() == before
    assert project.colour() == "brightgreen"
    assert project.json("evidence-partial.json")["claims"][0]["subject"] == "mine.py"


SLOW = (
    CLAIMS
    + '''
@proved()
def sleeping_takes_time(double):
    """Sleeping takes time."""
    import pathlib, time
    pathlib.Path("started").touch()
    time.sleep(30)

@sleeping_takes_time.refutes("double", by={})
def anything(x):
    raise ValueError
'''
)


@PARALLEL
@pytest.mark.parametrize("command", [["claims", "check"], ["pytest", "-q"]], ids=["check", "pytest"])
def test_an_interrupted_run_leaves_what_was_there(project, parallel, command):
    """Ctrl-C in the middle: the badge of the last whole run stays, and no half-written file."""
    project.claims("check")
    before = {path.name: path.read_text() for path in (project.root / "build").iterdir()}
    project.page(claims=SLOW, prose=PROSE + "\n[s][sleeping_takes_time]\n")
    started = subprocess.Popen(
        [sys.executable, "-m", *command, *parallel],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (project.root / "started").exists():
        assert started.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)
    after = {path.name: path.read_text() for path in (project.root / "build").iterdir()}

    assert started.returncode == (130 if command[0] == "claims" else 2)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"evidence-partial.json"}
    if "evidence-partial.json" in after:
        partial = json.loads(after["evidence-partial.json"])
        assert (partial["complete"], partial["exit"]) == (False, 130)
        assert partial["claims"][-1]["outcome"] == "not judged"


def test_what_did_not_run_is_not_judged(project):
    """A claim that was left out is listed as such, never as held."""
    project.pytest("-k", "squares")
    (claim,) = project.json("evidence-partial.json")["claims"]

    assert (claim["outcome"], claim["reason"]) == ("not judged", "did not run")
    assert [m["outcome"] for m in claim["mistakes"]] == ["refuted", "not judged"]


def test_a_missing_library_costs_only_its_claims(project):
    """Without the solver the other claims are judged, and the badge says that not all were."""
    needs = CLAIMS + '\n@proved()\ndef solved(double):\n    """It is solved."""\n    import z3\n    assert double\n'
    needs += '\n@solved.refutes("double")\ndef wrong(x): ...\n'
    project.page(claims=needs, prose=PROSE + "\n[s][solved]\n")
    (project.root / "z3.py").write_text("raise ModuleNotFoundError(name='z3')")
    done = project.claims("check")

    assert done.returncode == 0
    assert "z3 is not installed; pip install 'executable-answers[proofs]': solved" in done.stdout
    assert project.colour() == "yellow"


def test_the_badge_tells_its_numbers():
    """The badge is a claim about claims: it carries the counts of the run behind it."""
    totals = {
        "bad": 0,
        "held": 312,
        "mistakes_refuted": 640,
        "mistakes": 640,
        "not_judged": 0,
        "answered": 44,
        "questions": 44,
        "legal": 5,
        "legal_held": 5,
        "myths": 3,
        "myths_refuted": 3,
        "contracts": 2,
        "contracts_held": 2,
    }

    assert badge.message(totals) == "312 claims hold · 640 mistakes refuted · 44/44 questions"
    assert badge.colour(totals) == "brightgreen"
    assert badge.colour({**totals, "not_judged": 1}) == "yellow"
    assert badge.colour({**totals, "myths_refuted": 2}) == "yellow"
    assert badge.colour({**totals, "bad": 1}) == "red"
    assert badge.colour({**totals, "held": 0}) == "red"
