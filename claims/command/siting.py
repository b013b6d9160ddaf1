"""`claims site`: build the book with its evidence."""

from pathlib import Path

from claims.engine import reading
from claims.engine.evidence import build_folder
from claims.engine.subjects import BadInput


def site(evidence: Path | None, output: Path | None) -> None:
    """Build the site; raise BadInput, with file and line, if a page cannot be read as it was meant."""
    try:
        from claims.site import building, standing  # noqa: PLC0415 - they need optional libraries
    except ModuleNotFoundError as error:
        raise BadInput(
            f"the site needs {error.name}, which is not installed; pip install 'executable-answers[site]'"
        ) from None
    book = reading.load()
    if book.faults:
        raise BadInput(book.faults[0])
    found = (evidence or build_folder() / "evidence.json").absolute()
    if evidence and not evidence.is_file():
        raise BadInput(f"{evidence}: there is no such file; claims check writes one")
    stands = standing.read(found)
    place = (output or build_folder() / "site").absolute()
    building.build(book, stands, found, place)
    print(f"site  {place}/index.html")
