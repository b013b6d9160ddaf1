"""A sweep: one run for each batch size, learning rate and seed, on this machine or on a Dask cluster."""

import contextlib
import math
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from claims.bench.journal import Journal, Result
from claims.bench.provenance import provenance
from claims.bench.run import run as train
from claims.bench.workers import Lost, on_cluster, on_this_machine
from claims.engine.subjects import BadInput

SCHEMA = 1
ATTEMPTS = 5

Run: TypeAlias = Callable[..., Result]
Progress: TypeAlias = Callable[[int, int, float], None]


class Point(NamedTuple):
    """What tells one run of a sweep from another."""

    batch_size: int
    lr: float
    seed: int


@dataclass(frozen=True)
class Grid:
    """The points of a sweep, and the options that all of its runs have in common."""

    batch_sizes: Sequence[int]
    learning_rates: Sequence[float]
    seeds: Sequence[int]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise BadInput for a batch size below 1, a rate that is not positive, or a negative seed."""
        for batch_size in self.batch_sizes:
            if batch_size < 1:
                raise BadInput(f"a batch size of {batch_size}: a batch has one example at least")
        for lr in self.learning_rates:
            if not 0 < lr < math.inf:
                raise BadInput(f"a learning rate of {lr}: it must be positive and finite")
        for seed in self.seeds:
            if seed < 0:
                raise BadInput(f"a seed of {seed}: seeds begin at 0")

    def points(self) -> list[Point]:
        """Return every combination once, seed by seed.

        So the runs of one seed, long ones and short ones, are done before the next begins: the remaining time
        is estimated on a fair sample, and a sweep that is stopped has whole seeds.
        """
        every = (
            Point(int(batch_size), float(lr), int(seed))
            for seed in self.seeds
            for batch_size in self.batch_sizes
            for lr in self.learning_rates
        )
        return list(dict.fromkeys(every))


def sweep(
    grid: Grid,
    results: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    run: Run = train,
) -> list[Result]:
    """Return the results of all runs of a grid, in the order of its points; do those that the file lacks.

    Each result is in the file as soon as it arrives, so a sweep that ends for whatever reason is taken up by
    calling it again.  `scheduler` is the address of a Dask cluster, on whose machines this project is installed;
    without one, `workers` processes of this machine compute, as many as it has cores if it is None.  `progress` is
    called at the start and for each result with how many are there, how many there will be, and the seconds that
    the rest will take, infinite while nothing is known.  `run(batch_size, lr, seed, **grid.options)` must depend on
    its arguments alone; all results but their seconds are then the same, however they were computed.

    Raises BadInput, in one line, if the file or the scheduler cannot be used, a run refuses its arguments, or
    processes are lost again and again.
    """
    kind = provenance(run)
    header = {"schema": SCHEMA, **kind, "options": dict(grid.options)}
    task = partial(_task, run=run, options=dict(grid.options), kind=kind)
    points = grid.points()
    with Journal(results, header, Point._fields) as journal:
        for _ in range(ATTEMPTS):
            missing = [point for point in points if point not in journal.results]
            arrivals = on_cluster(task, missing, scheduler) if scheduler else on_this_machine(task, missing, workers)
            try:
                if missing:
                    _collect(arrivals, journal, len(points), len(missing), progress)
                return [journal.results[point] for point in points]
            except Lost as error:
                reason = error
    raise BadInput(
        f"processes were lost {ATTEMPTS} times ({reason}); {results} keeps what was done: run this again to go on"
    )


def _collect(
    arrivals: Generator[Result], journal: Journal, total: int, missing: int, progress: Progress | None
) -> None:
    """Write results down as they arrive, and tell how it goes."""
    tell = progress or (lambda _done, _total, _seconds: None)
    tell(total - missing, total, math.inf)
    first = math.nan
    with contextlib.closing(arrivals):
        for arrived, result in enumerate(arrivals, 1):
            journal.append(result)
            # The first result comes late, when the processes have started: the pace is that of the others.
            first = time.monotonic() if arrived == 1 else first
            pace = (time.monotonic() - first) / (arrived - 1) if arrived > 1 else math.inf
            left = missing - arrived
            tell(total - left, total, left * pace if left else 0.0)


def _task(point: Point, *, run: Run, options: Mapping[str, Any], kind: Mapping[str, str]) -> Result:
    """Return the result of one run, computed in whatever process this is."""
    found = provenance(run)
    for name, value in kind.items():
        if found[name] != value:
            where = f"a worker on {platform.node()}"
            raise BadInput(f"{where} has {name} {found[name]}, not {value}; install the same there")
    try:
        return {**run(*point, **options), **point._asdict()}
    except ValueError as error:
        raise BadInput(f"batch size {point.batch_size}, learning rate {point.lr}: {error}") from None
