"""`claims site`: build the book with its evidence."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from claims.engine import reading
from claims.engine.evidence import build_folder
from claims.engine.subjects import BadInput


def site(evidence: Path | None, output: Path | None) -> None:
    """Build the site; raise BadInput, with file and line, if a page cannot be read as it was meant."""
    book = reading.load()
    if book.faults:
        raise BadInput(book.faults[0])
    if evidence and not evidence.is_file():
        raise BadInput(f"{evidence}: there is no such file; claims check writes one")
    try:
        from claims.site import building, standing  # noqa: PLC0415 - they need optional libraries
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise BadInput(
            f"the site needs {name}, which is not installed; pip install 'executable-answers[site]'"
        ) from None
    found = (evidence or build_folder() / "evidence.json").absolute()
    stands = standing.read(found)
    place = (output or build_folder() / "site").absolute()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("building", total=None)
        building.build(book, stands, found, place, lambda steps: progress.update(task, total=steps, advance=1))
    if stands.missing:
        print(f"no outcomes: {stands.missing}; run: claims check")
    here = Path.cwd()
    print(f"site  {place.relative_to(here) if place.is_relative_to(here) else place}/index.html")
