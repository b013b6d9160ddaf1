"""The four figures of a run, drawn by the modules that draw those of the page."""

from pathlib import Path

from answers.figures import _style, batch_size_noise, batch_size_rates, batch_size_steps, batch_size_time
from claims.bench.properties import Results
from claims.engine.evidence import replace
from claims.engine.figures import digest

FIGURES = (batch_size_time, batch_size_steps, batch_size_rates, batch_size_noise)


def write(results: Results, folder: Path) -> list[Path]:
    """Write the figures as SVG into a folder and return their paths. Needs matplotlib."""
    paths = []
    for figure in FIGURES:
        found = figure.taken(results)
        path = folder / f"{figure.__name__.rpartition('.')[2]}.svg"
        replace(path, _style.as_svg(figure.draw(found), alt=figure.ALT, digest=digest(found, figure)))
        paths.append(path)
    return paths
