"""The parameter server keeps its books whatever the timing, and leaves nothing behind whatever goes wrong."""

import gc
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from claims.engine.declare import ROOT
from claims.toolbox.parameter_server import CONTEXT, Task, WorkerLost, execute, run_together
from tests.sabotage import die_with

TARGETS = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 5.0]])
FAST = (0.0, 0.0, 0.001)


def gone(prefix: str) -> bool:
    """Return whether shared memory, where the platform shows it, soon holds no name with this prefix."""
    deadline = time.monotonic() + 10
    while (left := list(Path("/dev/shm").glob(f"*{prefix}*"))) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    return not left


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch, tmp_path):
    """Whatever a test does to the workers, no process of theirs and no named memory outlives it."""
    prefix = f"mp-{abs(hash(tmp_path))}"
    monkeypatch.setitem(multiprocessing.current_process()._config, "semprefix", f"/{prefix}")
    yield
    assert multiprocessing.active_children() == []
    assert gone(prefix)


def test_staleness_adds_up_and_the_log_is_complete():
    """If this fails, a lock, a barrier or a read is missing, and no replay could find the weights."""
    runs = execute(Task(TARGETS, FAST, lr=0.5, updates=30, runs=5))

    for run in runs:
        staleness, in_flight = np.arange(30) - run.read, 30 - run.in_flight
        assert staleness.sum() + in_flight.sum() == 2 * 30
        assert set(run.schedule.tolist()) <= {0, 1, 2}
        for worker in range(3):
            mine = np.flatnonzero(run.schedule == worker)
            assert [*run.read[mine], run.in_flight[worker]] == [0, *mine + 1]
        assert run.seconds > 0


def test_synchronous_runs_do_not_depend_on_timing():
    """The same step everywhere, and the mean of all gradients in it."""
    runs = execute(Task(TARGETS, FAST, lr=0.5, updates=30, runs=3, synchronous=True))

    assert len({run.w.tobytes() for run in runs}) == 1
    assert np.abs(runs[0].w - TARGETS.mean(axis=0) * (1 - 0.5**10)).max() < 1e-12


@pytest.mark.parametrize(("how", "words"), [("raises", "code 1"), ("exits", "code 3"), ("is killed", "code -9")])
def test_a_worker_that_dies_with_the_lock_takes_the_others_with_it(how, words):
    """Who waits for a lock that nobody holds any more would wait for ever."""
    lock, taken, began = CONTEXT.Lock(), CONTEXT.Event(), time.monotonic()

    with pytest.raises(WorkerLost, match=f"worker 0 ended with exit {words}"):
        run_together(die_with, [(lock, taken, worker, how) for worker in range(2)], patience=50)
    assert time.monotonic() - began < 40


def test_workers_that_hang_are_stopped():
    """A deadlock ends the run with an error, not the test suite with a time limit."""
    lock, taken = CONTEXT.Lock(), CONTEXT.Event()

    with pytest.raises(WorkerLost, match=r"2 of 2 workers did not finish in 0\.2 seconds"):
        run_together(die_with, [(lock, taken, worker, "hangs") for worker in range(2)], patience=0.2)


def test_a_worker_that_cannot_be_started_takes_the_others_with_it():
    """What cannot be sent to the second must not leave the first behind."""
    with pytest.raises((AttributeError, TypeError, ValueError)):  # as pickle likes to put it
        run_together(time.sleep, [(60,), (lambda: None,)], patience=50)


def test_workers_end_with_a_parent_that_is_killed():
    """Who kills a run for good must not find its workers next morning; all of them hold its output open."""
    prefix = f"mp-{abs(hash(object()))}"
    code = (
        "import multiprocessing\n"
        f"multiprocessing.current_process()._config['semprefix'] = '/{prefix}'\n"
        "from claims.toolbox.parameter_server import CONTEXT, run_together\n"
        "from tests.sabotage import announce_and_wait\n"
        "run_together(announce_and_wait, [(CONTEXT.Barrier(3),)] * 2, patience=60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert [parent.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
        parent.kill()
        began = time.monotonic()
        parent.communicate(timeout=40)  # reads to the end, which comes when the last process has ended
    assert time.monotonic() - began < 30
    assert gone(prefix)
