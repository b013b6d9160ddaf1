"""A parameter server with real processes: workers that share one memory, and a log from which a run can be replayed.

Worker i descends on ½‖w − targets[i]‖², and a gradient takes it as long as its pace says, asleep: no core is
needed to be slow.  What the log says depends on the timing; what follows from the log does not.

Nothing outlives a run.  The shared memory has no name under which it could be left behind; whoever
waits, waits `patience` seconds at most; a worker that dies takes the others with it, and so does
the parent, even when it is killed.  A test runner is never forked: processes come from a server.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONTEXT: Any = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
CONTEXT.set_forkserver_preload([__name__])


class WorkerLost(RuntimeError):
    """A worker died, or did not finish in time; the others were stopped."""


@dataclass(frozen=True)
class Task:
    """What the workers do, `runs` times: from w = 0, make so many `updates`, i.e. apply so many gradients.

    targets (workers, D); pace (workers,), in seconds per gradient.  Synchronously, the updates are
    made in rounds of one gradient a worker, and one step is taken for each round.
    """

    targets: NDArray[np.float64]
    pace: Sequence[float]
    lr: float
    updates: int
    runs: int
    synchronous: bool = False


@dataclass(frozen=True)
class Run:
    """What a run left: the weights (D,), how long it took, and, if it was asynchronous, its log.

    That is who wrote each update, the version its gradient was taken at, and the last that each worker read.
    """

    w: NDArray[np.float64]
    seconds: float
    schedule: NDArray[np.int64]
    read: NDArray[np.int64]
    in_flight: NDArray[np.int64]


def execute(task: Task, *, patience: float = 60.0) -> list[Run]:
    """Return the runs of a task, made one after the other by the same processes; raise WorkerLost if one dies."""
    workers, size = task.targets.shape
    shared = _memory(
        w=("d", (task.runs, size)),
        gradients=("d", (workers, size)),
        started=("d", (task.runs, workers)),
        ended=("d", (task.runs, workers)),
        version=("q", (task.runs, 1)),
        schedule=("q", (task.runs, task.updates)),
        read=("q", (task.runs, task.updates)),
        in_flight=("q", (task.runs, workers)),
    )
    lock, barrier = CONTEXT.Lock(), CONTEXT.Barrier(workers, timeout=patience)
    each = [(task, worker, shared, lock, barrier, patience) for worker in range(workers)]
    run_together(_work, each, patience=patience)
    found = _arrays(shared)
    seconds = found.ended.max(axis=1) - found.started.min(axis=1)
    logs = zip(found.w, seconds.tolist(), found.schedule, found.read, found.in_flight, strict=True)
    return [Run(w.copy(), took, *(each.copy() for each in log)) for w, took, *log in logs]


def run_together(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]], *, patience: float) -> None:
    """Run a function from the top of a module in one process for each tuple of arguments, until all have returned.

    Raises WorkerLost as soon as one ends in any other way, or when `patience` seconds have passed.
    However this ends, none of the processes is left.
    """
    started: list[Any] = []
    try:
        with _without_main():
            for each in arguments:
                process = CONTEXT.Process(target=_guarded, args=(work, *each), daemon=True)
                process.start()
                started.append(process)
        deadline = time.monotonic() + patience
        running = dict(enumerate(started))
        while running:
            if not wait([process.sentinel for process in running.values()], deadline - time.monotonic()):
                raise WorkerLost(f"{len(running)} of {len(started)} workers did not finish in {patience:g} seconds")
            for number, process in list(running.items()):
                if process.exitcode:
                    raise WorkerLost(f"worker {number} ended with exit code {process.exitcode}")
                if process.exitcode == 0:
                    del running[number]
    finally:
        for process in started:
            process.kill()
            process.join()
            process.close()


def _guarded(work: Callable[..., None], *arguments: Any) -> None:
    """Do the work, but end at once, wherever it waits, if the parent does."""

    def outlive_nobody() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=outlive_nobody, daemon=True).start()
    work(*arguments)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module: a new process would import it, which is pytest or the command line, and needs neither."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _memory(**layout: tuple[str, tuple[int, ...]]) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Return zeroed shared memory for each name: "d" for floats, "q" for whole numbers, and its shape."""
    return {name: (CONTEXT.RawArray(code, prod(shape)), shape) for name, (code, shape) in layout.items()}


def _arrays(shared: Mapping[str, tuple[Any, tuple[int, ...]]]) -> Any:
    """Return the shared memory as arrays, by name."""
    views = {name: np.frombuffer(raw, dtype=raw._type_).reshape(shape) for name, (raw, shape) in shared.items()}
    return SimpleNamespace(**views)


def _work(task: Task, worker: int, shared: Any, lock: Any, barrier: Any, patience: float) -> None:
    """Be one worker."""
    all_runs = _arrays(shared)
    for run in range(task.runs):
        mine = SimpleNamespace(**{name: array[run] for name, array in vars(all_runs).items() if name != "gradients"})
        read = mine.w.copy()
        barrier.wait()  # nobody writes before all have read, or not all would begin with version 0
        mine.started[worker] = time.perf_counter()
        if task.synchronous:
            _take_part(task, worker, mine.w, all_runs.gradients, barrier)
        else:
            _write_alone(task, worker, mine, read, lock, patience)
        mine.ended[worker] = time.perf_counter()


def _gradient(task: Task, worker: int, w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a gradient, after the time that it takes."""
    time.sleep(task.pace[worker])
    gradient: NDArray[np.float64] = w - task.targets[worker]
    return gradient


def _write_alone(task: Task, worker: int, mine: Any, read: NDArray[np.float64], lock: Any, patience: float) -> None:
    """Asynchronously: apply the gradient at the weights last read, whatever others wrote meanwhile, and read again."""
    version = 0
    while True:
        gradient = _gradient(task, worker, read)
        if not lock.acquire(timeout=patience):
            raise TimeoutError("whoever holds the lock does not release it")
        try:
            now = int(mine.version[0])
            if now == task.updates:
                mine.in_flight[worker] = version
                return
            mine.schedule[now], mine.read[now] = worker, version
            mine.w -= task.lr * gradient
            mine.version[0] = version = now + 1
            read = mine.w.copy()
        finally:
            lock.release()


def _take_part(task: Task, worker: int, w: NDArray[np.float64], gradients: NDArray[np.float64], barrier: Any) -> None:
    """Synchronously: wait for all gradients of the round, let worker 0 apply their mean, and go on together."""
    for _ in range(task.updates // len(gradients)):
        gradients[worker] = _gradient(task, worker, w)
        barrier.wait()
        if worker == 0:
            w -= task.lr * gradients.mean(axis=0)
        barrier.wait()
