"""Throughput: what one training step costs, against the batch size, on one core."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from claims.bench import frameworks
from claims.bench.run import SIZES
from claims.bench.steps import Maker, Sizes, draw, floor, flops, idiomatic
from claims.bench.tuned import tuned

NETWORKS: dict[str, Sizes] = {"small": (64, 128, 10), "large": (784, 512, 10), "digits": SIZES}
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1797, 2048, 4096)
NUMPY: dict[str, Maker] = {"float64": idiomatic, "tuned": tuned, "floor": floor}
_LR = 1e-4  # so low that thousands of steps on one batch leave the numbers as they are
_SECONDS = 2e-3  # a measurement repeats a step until it takes so long


def throughput(
    batch_sizes: Sequence[int] = BATCH_SIZES,
    *,
    networks: Sequence[str] = tuple(NETWORKS),
    rounds: int = 9,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Return the times of all steps, for each network and batch size.

    Steps are measured in turn, round after round, in this process on one core, so that what disturbs one disturbs
    all; times are of the processor, which on a quiet machine are those of the clock and on a busy one leave out
    what others had.  Each step works on one batch again and again, which stays in the cache if it fits.

    Each row has network, sizes, batch_size, flops, steps and ratios.  Of a step there are seconds (the median of the
    rounds), least (seconds), samples_per_second and gflops (by the median, counting the products alone); of all steps
    but the tuned one, the ratio to it, and of that one the ratio to the floor.
    """
    cases = list(product(networks, batch_sizes))
    rows = []
    with one_core():
        makers = {**NUMPY, **frameworks.installed()}
        for done, (network, batch_size) in enumerate(cases):
            if progress:
                progress(done, len(cases))
            rows.append(_row(network, batch_size, makers, rounds))
    if progress:
        progress(len(cases), len(cases))
    return rows


def _row(network: str, batch_size: int, makers: dict[str, Maker], rounds: int) -> dict[str, Any]:
    sizes, rng = NETWORKS[network], np.random.default_rng(batch_size)
    parameters = draw(sizes, rng)
    x, y = rng.standard_normal((batch_size, sizes[0])), rng.integers(0, sizes[2], batch_size)
    trainers = {name: make(parameters, batch_size, lr=_LR) for name, make in makers.items()}
    times = _times({name: partial(trainer.step, *trainer.prepare(x, y)) for name, trainer in trainers.items()}, rounds)
    work = flops(sizes, batch_size)
    return {
        "network": network,
        "sizes": list(sizes),
        "batch_size": batch_size,
        "flops": work,
        "steps": {
            name: {
                "seconds": _six(seconds := median(found)),
                "least": _six(min(found)),
                "samples_per_second": _six(batch_size / seconds),
                "gflops": _six(work / seconds / 1e9),
            }
            for name, found in times.items()
        },
        "ratios": _ratios({name: median(found) for name, found in times.items()}),
    }


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    others = [name for name in seconds if name not in {"tuned", "floor"}]
    return {
        "tuned/floor": _six(seconds["tuned"] / seconds["floor"]),
        **{f"{name}/tuned": _six(seconds[name] / seconds["tuned"]) for name in others},
    }


def _six(value: float) -> float:
    """Return a number to six digits: a clock tells no more, and people read the file."""
    return float(f"{value:.6g}")


def _times(steps: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each step takes in each round, a mean over as many steps as fill the measurement."""
    repeats = {}
    for name, step in steps.items():
        step()  # compiles, and touches the memory
        repeats[name] = max(1, round(_SECONDS / min(_seconds(step, 1) for _ in range(3))))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_seconds(step, repeats[name]))
    return times


def _seconds(step: Callable[[], Any], repeats: int) -> float:
    started = time.process_time()
    for _ in range(repeats):
        step()
    return (time.process_time() - started) / repeats


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core where the system lets it, and let it go again."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
