"""A sweep does each run once, whoever computes, whatever dies, and goes on where it was ended."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import pytest

from claims.bench import provenance, sweep, workers
from claims.bench.sweep import Grid, Point
from claims.engine.declare import ROOT
from claims.engine.subjects import BadInput
from tests import runs

pytest.importorskip("joblib", reason="a sweep needs joblib")
needs_cluster = pytest.mark.skipif(find_spec("distributed") is None, reason="a cluster needs distributed")

SMALL = Grid([2, 4], [0.5, 0.25], range(25))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def untimed(results):
    return [{name: value for name, value in result.items() if name != "seconds"} for result in results]


def serial(grid, run=runs.add):
    return untimed({**run(*point), **point._asdict()} for point in grid.points())


def in_any_order(results):
    return sorted(untimed(results), key=lambda result: (result["batch_size"], result["lr"], result["seed"]))


def refusal(*arguments, **options):
    with pytest.raises(BadInput) as refused:
        sweep.sweep(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Start a Dask scheduler on loopback, in a process of its own, and yield its address."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    process = dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    while not file.exists() or not file.read_text().strip():
        assert process.poll() is None, "dask scheduler does not start"
        time.sleep(0.05)
    yield json.loads(file.read_text())["address"]
    process.kill()
    process.wait()


@pytest.fixture
def start_worker(scheduler):
    """Return what starts a worker process of that scheduler."""
    started = []

    def start():
        # Without a nanny the process that is killed is the worker, and nobody starts it anew.
        started.append(dask("worker", scheduler, "--no-nanny", "--nthreads", "1", "--death-timeout", "20"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def dask(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_every_point_is_run_once_and_the_results_have_the_order_of_the_grid(tmp_path):
    """Whoever plots the results need not ask in which order they came."""
    told = []
    grid = Grid([2, 4, 2], [0.5, 1], [0, 1])
    found = sweep.sweep(grid, tmp_path / "r", workers=2, progress=lambda *now: told.append(now), run=runs.add)

    assert untimed(found) == serial(grid)
    assert in_any_order(lines(tmp_path / "r")) == in_any_order(found)
    assert [Point(r["batch_size"], r["lr"], r["seed"])[::2] for r in found[:4]] == [(2, 0), (2, 0), (4, 0), (4, 0)]
    assert [now[:2] for now in told] == [(done, 8) for done in range(9)]
    assert told[0][2] == math.inf
    assert told[-1][2] == 0
    assert all(0 <= seconds < 60 for _, _, seconds in told[2:])


def test_a_larger_grid_does_only_what_is_new(tmp_path):
    """More seeds cost only themselves."""
    first = sweep.sweep(Grid([2], [0.5], [0, 1]), tmp_path / "r", workers=1, run=runs.add)
    told = []
    second = sweep.sweep(
        Grid([2], [0.5], [0, 1, 2]), tmp_path / "r", workers=1, progress=lambda *now: told.append(now), run=runs.add
    )

    assert second[:2] == first
    assert told == [(2, 3, math.inf), (3, 3, 0.0)]
    assert sweep.sweep(Grid([2], [0.5], [1]), tmp_path / "r", scheduler="nowhere", run=runs.add) == first[1:]


@needs_cluster
def test_the_results_are_the_same_bit_for_bit_wherever_they_are_computed(tmp_path, scheduler, start_worker):
    """A seed decides a run: one process, several, or a cluster only differ in seconds."""
    grid = Grid([1, 8, 700], [0.01, 0.125], range(5))
    start_worker()
    local = sweep.sweep(grid, tmp_path / "local", workers=2, run=runs.descend)
    cluster = sweep.sweep(grid, tmp_path / "cluster", scheduler=scheduler, run=runs.descend)

    assert untimed(local) == untimed(cluster) == serial(grid, runs.descend)


def test_a_killed_process_of_this_machine_loses_nothing(tmp_path):
    """Memory runs out in a long night, and the system kills a worker."""
    grid = Grid(SMALL.batch_sizes, SMALL.learning_rates, SMALL.seeds, {"traces": str(tmp_path)})
    found = sweep.sweep(grid, tmp_path / "r", workers=2, run=runs.die_once)

    assert (tmp_path / "died").exists()
    assert untimed(found) == serial(SMALL)
    assert in_any_order(lines(tmp_path / "r")) == in_any_order(found)


def test_a_run_that_kills_every_process_ends_the_sweep(tmp_path, monkeypatch):
    """A run that needs more memory than there is would be tried for ever."""
    monkeypatch.setattr(sweep, "ATTEMPTS", 2)
    said = refusal(Grid([2], [0.5], range(6)), tmp_path / "r", workers=2, run=runs.die)

    assert said.startswith("processes were lost 2 times (")
    assert said.endswith(f"{tmp_path / 'r'} keeps what was done: run this again to go on")
    assert all(result["seed"] != 3 for result in lines(tmp_path / "r"))


@needs_cluster
def test_a_killed_worker_of_a_cluster_loses_nothing(tmp_path, scheduler, start_worker):
    """A machine of the cluster is switched off."""
    grid = Grid(SMALL.batch_sizes, SMALL.learning_rates, SMALL.seeds, {"seconds": 0.01})
    victim, survivor = start_worker(), start_worker()
    wait_for_workers(scheduler, 2)

    def kill(done, _total, _seconds):
        if done == 30:
            victim.send_signal(signal.SIGKILL)

    found = sweep.sweep(grid, tmp_path / "r", scheduler=scheduler, progress=kill, run=runs.dawdle)

    assert (victim.wait(), survivor.poll()) == (-signal.SIGKILL, None)
    assert untimed(found) == serial(SMALL)
    assert in_any_order(lines(tmp_path / "r")) == in_any_order(found)


def wait_for_workers(scheduler, number):
    from distributed import Client  # noqa: PLC0415 - an extra

    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=30)


SWEEP = """
import sys
from pathlib import Path
from claims.bench.sweep import Grid, sweep
from tests import runs
from tests.test_sweep import SLOW

sweep(SLOW, Path(sys.argv[1]), workers=1, run=runs.dawdle)
"""
SLOW = Grid(SMALL.batch_sizes, SMALL.learning_rates, SMALL.seeds, {"seconds": 0.005})


def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    """Whoever closes the laptop has not lost the evening."""
    process = subprocess.Popen([sys.executable, "-c", SWEEP, tmp_path / "r"], cwd=ROOT)
    while not (tmp_path / "r").exists() or (tmp_path / "r").read_bytes().count(b"\n") < 20:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    before = (tmp_path / "r").read_bytes()
    kept = before[: before.rindex(b"\n") + 1]
    resumed = sweep.sweep(SLOW, tmp_path / "r", workers=2, run=runs.dawdle)

    assert 20 <= kept.count(b"\n") < len(resumed)
    assert (tmp_path / "r").read_bytes().startswith(kept)
    assert in_any_order(lines(tmp_path / "r")) == in_any_order(resumed)
    assert untimed(resumed) == untimed(sweep.sweep(SLOW, tmp_path / "other", workers=2, run=runs.dawdle))


@needs_cluster
def test_a_scheduler_that_is_not_there_is_told_within_ten_seconds(tmp_path):
    """A mistyped address is one line, not a night of waiting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        began = time.monotonic()

        assert refusal(SMALL, tmp_path / "r", scheduler=address, run=runs.add) == (
            f"no Dask scheduler answers at {address}; start one: dask scheduler"
        )
        assert time.monotonic() - began < 10


@needs_cluster
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1\r\n" + bytes(100)])
def test_what_is_no_scheduler_is_told(tmp_path, monkeypatch, answer):
    """Behind a wrong port another service accepts the connection, and says nothing, or something else."""
    monkeypatch.setattr(workers, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                time.sleep(0.5)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        said = refusal(SMALL, tmp_path / "r", scheduler=address, run=runs.add)
        thread.join()

    assert said == f"no Dask scheduler answers at {address}; start one: dask scheduler"


@needs_cluster
def test_an_address_without_a_port_is_told(tmp_path):
    """The port is easily forgotten."""
    said = refusal(SMALL, tmp_path / "r", scheduler="somewhere", run=runs.add)

    assert said == "'somewhere' is no address (missing port number in address 'somewhere'); write it as tcp://HOST:8786"


@needs_cluster
def test_a_cluster_without_workers_is_told(tmp_path, monkeypatch, scheduler):
    """A scheduler alone computes nothing, and would wait for ever."""
    monkeypatch.setattr(workers, "_ALONE", 0.2)
    said = refusal(SMALL, tmp_path / "r", scheduler=scheduler, run=runs.add)

    assert said == f"{scheduler} has no workers; start some where this is installed: dask worker {scheduler}"


@needs_cluster
def test_a_cluster_without_this_project_is_told(tmp_path, monkeypatch, scheduler):
    """A worker in another environment would end on the first task, and nobody would say why."""
    monkeypatch.setattr(workers, "_PROJECT", "a_project_that_nobody_installed")
    said = refusal(SMALL, tmp_path / "r", scheduler=scheduler, run=runs.add)

    assert said == f"at {scheduler} this project is not installed; install the same version there"


def test_a_run_that_refuses_its_arguments_ends_the_sweep_and_keeps_the_others(tmp_path):
    """A batch larger than the data is the fault of whoever asked, and no result."""
    said = refusal(Grid([2, 8], [0.5], [0, 1]), tmp_path / "r", workers=1, run=runs.refuse)

    assert said == "batch size 8, learning rate 0.5: a batch has 1 to 4 examples, not 8"
    assert {result["batch_size"] for result in lines(tmp_path / "r")} <= {2}


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (([2, 0], [0.5], [0]), "a batch size of 0: a batch has one example at least"),
        (([2], [0.5, math.nan], [0]), "a learning rate of nan: it must be positive and finite"),
        (([2], [0.0], [0]), "a learning rate of 0.0: it must be positive and finite"),
        (([2], [0.5], [-1]), "a seed of -1: seeds begin at 0"),
    ],
)
def test_a_grid_that_cannot_be_run_is_told_before_anything_runs(grid, said):
    """The slip in the last value is not found after an hour."""
    with pytest.raises(BadInput) as refused:
        Grid(*grid)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("library", "options", "extra"), [("joblib", {}, "bench"), ("distributed", {"scheduler": "tcp://h:1"}, "cluster")]
)
def test_a_missing_library_is_one_line(tmp_path, monkeypatch, library, options, extra):
    """A bare installation says which extra a sweep needs."""
    monkeypatch.setitem(sys.modules, library, None)
    said = refusal(SMALL, tmp_path / "r", run=runs.add, **options)

    assert said == f"a sweep needs {library}, which is not installed; pip install 'executable-answers[{extra}]'"


def test_a_worker_with_another_version_is_refused():
    """Two versions of NumPy in one cluster would mix two experiments in one file."""
    kind = provenance.provenance(runs.add)
    other = {**kind, "numpy": "1.0"}

    assert sweep._task(Point(2, 0.5, 1), run=runs.add, options={}, kind=kind)["loss"] == 2
    with pytest.raises(BadInput, match=r"a worker on .* has numpy .*, not 1\.0; install the same there"):
        sweep._task(Point(2, 0.5, 1), run=runs.add, options={}, kind=other)


def test_what_a_run_computes_is_told_from_how_it_is_written(tmp_path, monkeypatch):
    """A comment costs no results; another constant, also in a module that is imported, costs all of them."""
    monkeypatch.setattr(provenance, "_OURS", ("constants_of_a_run",))
    monkeypatch.syspath_prepend(tmp_path)
    constants, run = tmp_path / "constants_of_a_run.py", tmp_path / "changing_run.py"

    def digest(rate, comment):
        constants.write_text(f"RATE = {rate}\n")
        run.write_text(f"from constants_of_a_run import RATE{comment}\n")
        return provenance._digest("changing_run")

    first = digest(1, "")

    assert digest(1, "  # as it was") == first
    assert digest(2, "") != first
