"""Whatever a file does, it ends in a verdict or in one line, never in "right", and the judge lives on."""

import os
import signal
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from claims.engine import reading
from claims.engine.evaluation import Returned
from claims.engine.profiles import PROFILES
from claims.engine.subjects import BadInput
from claims.judge.judging import Examination
from claims.judge.nursery import Nursery
from claims.judge.parent import Child, Limits


@pytest.fixture(scope="module")
def nursery():
    found = Nursery()
    yield found
    found.close()


@pytest.fixture
def found(nursery, tmp_path):
    """Return a function that judges a source text and returns the findings by slot."""

    def judged(source, profile="quick", limits=None):
        file = tmp_path / "mine.py"
        file.write_text("import numpy as np\n" + textwrap.dedent(source), encoding="utf-8")
        child = Child(nursery, file, file.name)
        child.limits = limits or Limits(cpu=0.4, wall=3.0)
        try:
            child.load()
            examination = Examination(reading.load(), "mine", child.functions, child.others, PROFILES[profile])
            return {name: examination.finding(name) for name in examination.names()}
        finally:
            child.close()

    return judged


def said(finding):
    return f"{finding.outcome}: {finding.reason}"


# A right relu is in every one of them: what is wrong is what it does beside.
ATTACKS = {
    "an infinite loop": ("while True: pass", "computed for more than"),
    "a regular expression": ("import re; re.match('(a+)+$', 'a' * 40 + 'b')", "computed for more than"),
    "a sleep": ("import time; time.sleep(1000)", "gave no answer for"),
    "a memory bomb of Python": ("[0] * 10**12", "raised MemoryError"),
    "a memory bomb that grows": ("x = []\n    while True: x.append(bytes(10**7))", "raised MemoryError"),
    "a memory bomb of NumPy": ("np.ones(10**11)", "MemoryError"),
    "a file of a gigabyte": ("open('big', 'wb').write(bytes(10**8) * 10)", "raised"),
    "endless output": ("while True: print('x' * 10**6)", "computed for more than"),
    "sys.exit": ("import sys; sys.exit(0)", "called sys.exit(0)"),
    "os._exit": ("import os; os._exit(0)", "ended its process with exit code 0"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "a signal to itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "deep recursion": ("relu(x)", "raised RecursionError"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    "a modified input": ("x += 1", "modified its input x"),
    "a forked child": ("import os; os.fork()", "raised BlockingIOError"),
    "a fork bomb": ("import os\n    while True: os.fork()", "raised BlockingIOError"),
    "a thread": ("import threading; threading.Thread(target=print).start()", "can't start new thread"),
    "a huge message": ("raise ValueError('x' * 10**7)", "raised ValueError: xxx"),
    "a message that fails": ("""class E(Exception):
        def __str__(self): raise E
    raise E""", "raised E"),
    "a line of the judge": ("import os, sys; os.kill(os.getppid(), 9)", "raised PermissionError"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_function_does_beside_its_work_is_refuted(attack, found):
    """A learner's mistake, or a prank, costs a verdict and not the judge."""
    code, reason = ATTACKS[attack]

    finding = found(f"def relu(x):\n    {code}\n    return np.maximum(x, 0.0)\n")["relu"]

    assert finding.outcome == "wrong"
    assert reason in finding.reason


RESULTS = {
    "a view": ("x[...]", "returned a view of its input x"),
    "a wrong shape": ("np.maximum(x, 0)[None]", "returned shape"),
    "a wrong dtype": ("np.maximum(x, 0).astype(np.float32)", "returned float32"),
    "NaN": ("np.maximum(x, 0) * np.nan", ""),
    "a list": ("np.maximum(x, 0).tolist()", "returned a list"),
    "a scalar for an array": ("1.0", "returned"),
    "a generator": ("(v for v in x)", "returned a list"),
    "a tuple for one result": ("(np.maximum(x, 0),)", "returned a tuple of 1"),
    "nothing": ("None", "returned nothing"),
    "an object": ("object()", "returned a object"),
    "an array of objects": ("np.maximum(x, 0).astype(object)", "returned"),
    "more than fits a frame": ("np.broadcast_to(0.0, (10**6, 10**6))", "raised MemoryError"),
}


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_of_another_kind_is_refuted(result, found):
    """What cannot be compared is not right."""
    code, reason = RESULTS[result]

    finding = found(f"def relu(x):\n    return {code}\n")["relu"]

    assert finding.outcome == "wrong"
    assert reason in finding.reason


def test_patched_numpy_deceives_nobody(found):
    """The judge compares with its own NumPy, in its own process."""
    finding = found("""
        np.allclose = np.array_equal = lambda *a, **k: True
        np.abs = np.maximum = np.subtract = lambda *a, **k: np.zeros(3)
        def relu(x):
            return x * 2
    """)["relu"]

    assert finding.outcome == "wrong"


def test_patched_frames_deceive_nobody(found):
    """A function that rewrites its callers finds nothing there that decides."""
    finding = found("""
        import sys
        def relu(x):
            frame = sys._getframe()
            while frame:
                for name in list(frame.f_globals):
                    if name in ("evaluate", "same", "equal", "Breach", "judge", "pack"):
                        frame.f_globals[name] = lambda *a, **k: b""
                frame = frame.f_back
            return x * 2
    """)["relu"]

    assert finding.outcome == "wrong"


def test_forged_messages_on_every_descriptor_deceive_nobody(found):
    """Whatever arrives out of turn is the implementation's fault."""
    finding = found("""
        import os, struct
        def relu(x):
            for forged in (b"{'outcome': 'right'}", struct.pack("<q", 5) + b"s1234", struct.pack("<q", 1 << 40)):
                for descriptor in range(64):
                    try:
                        os.write(descriptor, forged)
                    except OSError:
                        pass
            return np.maximum(x, 0.0)
    """)["relu"]

    assert finding.outcome == "wrong"
    assert "wrote on the judge's channel" in finding.reason


def test_an_answer_forged_in_the_right_form_is_only_an_answer(found):
    """Code that speaks the child's own language can say no more than what it answers: it is compared all the same."""
    finding = found("""
        import sys
        def relu(x):
            frame = sys._getframe()
            while frame and "channel" not in frame.f_locals:
                frame = frame.f_back
            pack, channel, number = frame.f_globals["pack"], frame.f_locals["channel"], frame.f_locals["number"]
            channel.send(pack(("done", number, pack([x]), x * 2, [], [], None)))
            return x * 2
    """)["relu"]

    assert finding.outcome == "wrong"


def test_nothing_is_left_behind(found):
    """Neither a process nor a folder of a file that was judged outlives its judgement."""
    before = set(Path("/proc").glob("[0-9]*")) if Path("/proc").exists() else set()
    folders = set(Path("/tmp").glob("claims-*"))

    found("def relu(x):\n    open('here', 'w').write('x')\n    return np.maximum(x, 0.0)\n")

    assert set(Path("/tmp").glob("claims-*")) <= folders
    assert not [p for p in set(Path("/proc").glob("[0-9]*")) - before if _owner(p) >= 400_000]


def _owner(process):
    try:
        return process.stat().st_uid
    except OSError:
        return 0


def test_a_right_file_is_right(found):
    """Isolation refuses nobody: elementwise, by pairs with a cache, with a generator, and with a callable."""
    judged = found("""
        def relu(x):
            return x * (x > 0)
        def dropout_forward(x, *, p, rng, training=True):
            if not 0 <= p <= 1:
                raise ValueError("p is a probability")
            x = np.array(x, dtype=np.result_type(x, np.float32) if x.dtype.kind == "f" else float)
            if not training or p == 0:
                return x, 1.0
            if p == 1:
                return np.zeros_like(x), 0.0
            keep = rng.uniform(size=x.shape) > p
            return np.where(keep, x / (1 - p), 0), keep / (1 - p)
        def dropout_backward(d_out, cache):
            return d_out * cache
        def simultaneous_step(params, gradient, *, lr):
            gradients = gradient(params)
            return {name: value - lr * gradients[name] for name, value in params.items()}
    """)

    assert {name: said(finding) for name, finding in judged.items()} == dict.fromkeys(judged, "right: ")
    assert len(judged) == 4


def test_another_signature_and_an_imported_function_are_not_judged(found):
    """They are not what was asked for, and the reason says so."""
    judged = found("""
        from numpy import tanh
        def relu(x, y): return x
        sigmoid = np.vectorize(lambda x: x)
        def dropout_forward(x, *, p, rng, training=True): return x, None
    """)

    assert {name: finding.outcome for name, finding in judged.items()} == dict.fromkeys(judged, "not judged")
    assert judged["relu"].reason == "relu(x, y) does not fit relu(x)"
    assert "comes from numpy" in judged["tanh"].reason
    assert "dropout_backward" in judged["dropout_forward"].reason
    assert "sigmoid" in judged


BROKEN = {
    "def relu(x:\n": "mine.py:2: SyntaxError",
    "1 / 0\n": "mine.py:2: ZeroDivisionError",
    "import nonesuch\n": "mine.py:2: ModuleNotFoundError",
    "raise SystemExit(3)\n": "mine.py:2: SystemExit",
    "import os; os._exit(1)\n": "mine.py:1: reading it, it ended its process with exit code 1",
    "while True: pass\n": "mine.py:1: reading it, it computed for more than",
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_file_that_cannot_be_read_is_one_line(source, found):
    """It says what, where, and what to do."""
    with pytest.raises(BadInput) as error:
        found(source)

    assert str(error.value).startswith(BROKEN[source])
    assert "\n" not in str(error.value)


def test_after_a_time_out_the_rest_of_a_file_gets_a_short_limit(nursery, tmp_path):
    """A file with twenty endless loops is judged in seconds."""
    file = tmp_path / "mine.py"
    file.write_text("def relu(x):\n    while True: pass\n", encoding="utf-8")
    child = Child(nursery, file, "mine.py")
    child.limits = Limits(cpu=1.0, wall=10.0)
    child.load()
    Examination(reading.load(), "mine", child.functions, profile=PROFILES["quick"]).finding("relu")
    child.close()

    assert (child.limits.cpu, child.limits.wall) == (0.5, 2.0)


def test_the_judge_outlives_its_nursery(tmp_path):
    """Even the death of the process that forks costs one verdict, and not the judge."""
    file = tmp_path / "mine.py"
    file.write_text("def relu(x):\n    return x * (x > 0)\n", encoding="utf-8")
    own = Nursery()
    child = Child(own, file, "mine.py")
    child.load()

    os.kill(own.process, signal.SIGKILL)
    time.sleep(0.2)  # its child is told of its death, and dies, too
    after = [child.call(child.functions["relu"], (np.ones(2),), {}, Returned()) for _ in range(2)]
    child.close()
    own.close()

    assert sum(each.error is not None for each in after) <= 1
    assert after[-1].result.tolist() == [1.0, 1.0]


def test_what_claims_disguise_reaches_the_child_as_it_is(found):
    """A right function would be refused in isolation if its salted names or its one-way batches did not travel."""
    right = """
        def random_streams(seed, *names):
            return {name: np.random.default_rng([seed, *name.encode(), len(name)]) for name in names}

        def dead_units_streaming(batches):
            dead = None
            for z in batches:
                silent = (z <= 0).all(axis=0)
                dead = silent if dead is None else dead & silent
            if dead is None:
                raise ValueError("no batch")
            return dead
    """
    assert {name: said(finding) for name, finding in found(right).items()} == {
        "random_streams": "right: ",
        "dead_units_streaming": "right: ",
    }
    wrong = """
        def random_streams(seed, *names):
            return {name: np.random.default_rng([seed, hash(name) % 2**32]) for name in names}

        def dead_units_streaming(batches):
            number = sum(len(z) for z in batches)
            return sum((z <= 0).sum(axis=0) for z in batches) == number
    """
    assert {finding.outcome for finding in found(wrong).values()} == {"wrong"}
