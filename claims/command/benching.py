"""`claims bench`: what batch size does on this machine."""

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from claims.command import weaving
from claims.engine.declare import ROOT
from claims.engine.evidence import build_folder, now, replace
from claims.engine.subjects import BadInput

REFERENCE = ROOT / "answers/batch_size_reference.json"
Tell = Callable[..., None]


def bench(
    batch_sizes: str | None,
    scheduler: str | None,
    results: Path | None,
    output: Path | None,
    *,
    full: bool,
    renew: bool,
) -> int:
    """Measure, write the results and their figures, and print the report; return the exit code.

    With `renew`, the results become those that the page on batch sizes shows.
    """
    _require()
    # They import NumPy and an answer: the other commands must not wait for that.
    from claims.bench import efficiency, figures, report, throughput  # noqa: PLC0415
    from claims.bench.provenance import provenance  # noqa: PLC0415
    from claims.bench.run import EXAMPLES, run  # noqa: PLC0415
    from claims.bench.sweep import Grid, sweep  # noqa: PLC0415

    asked = _sizes(batch_sizes, EXAMPLES) if batch_sizes is not None else None
    folder = _folder(output or build_folder())
    started, seeds = now(), range(20 if full else 5)
    journal = results or folder / f"batch_size_runs-{provenance(run)['code']}.jsonl"  # other code begins another file
    grid = Grid(asked or efficiency.BATCH_SIZES, efficiency.LEARNING_RATES, seeds)
    with _progress() as stage:
        runs = sweep(grid, journal, scheduler=scheduler, progress=stage("runs"))
        counts = efficiency.efficiency(runs, seeds[:5], progress=stage("noise and accuracy"))
        rounds = 25 if full else 9
        times = throughput.throughput(asked or throughput.BATCH_SIZES, rounds=rounds, progress=stage("times"))
    found = report.results(times, counts, full=full, started=started)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in report.lines(found):
        console.print(line)
    written = folder / "batch_size.json"
    try:
        replace(written, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        drawn = figures.write(found, folder)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}; the results above are not written") from None
    console.print(f"written to {_named(folder)}: {', '.join(path.name for path in (written, *drawn))}")
    if renew:
        replace(REFERENCE, json.dumps(found, ensure_ascii=False) + "\n")
        return weaving.weave(check=False, take=False)
    return 0


def _require() -> None:
    """Raise BadInput, before anything is measured, if a library is missing that is needed in the end."""
    for module, name in (("sklearn", "scikit-learn"), ("joblib", "joblib"), ("matplotlib", "matplotlib")):
        if importlib.util.find_spec(module) is None:
            raise BadInput(
                f"claims bench needs {name}, which is not installed; pip install 'executable-answers[bench]'"
            )


def _sizes(given: str, most: int) -> Sequence[int]:
    """Return the batch sizes of a list such as 1,8,64 in order; raise BadInput if one is none."""
    found = set()
    for each in given.split(","):
        try:
            size = int(each)
        except ValueError:
            raise BadInput(f"--batch-sizes {given}: {each!r} is no number; write them as 1,8,64") from None
        if not 1 <= size <= most:
            raise BadInput(f"--batch-sizes {given}: a batch has 1 to {most} examples, not {size}")
        found.add(size)
    return sorted(found)


def _folder(path: Path) -> Path:
    """Return a folder that can be written to, before minutes of work depend on it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--output {path}: {error.strerror}; give a folder that can be written to") from None
    if not os.access(path, os.W_OK):
        raise BadInput(f"--output {path}: it cannot be written to; give another folder")
    return path


@contextmanager
def _progress() -> Iterator[Callable[[str], Tell]]:
    """Yield a function that opens a stage and returns what tells how far it is."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def stage(name: str) -> Tell:
            task = bars.add_task(name, total=None, start=False)

            def tell(done: int, total: int, *_: Any) -> None:
                if not done:
                    bars.start_task(task)
                bars.update(task, completed=done, total=total)

            return tell

        yield stage


def _named(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
