"""`claims weave`: bring the prose up to date with the code, or say where it is not."""

from difflib import unified_diff

from claims.engine import reading
from claims.engine.declare import ROOT, Misdeclared
from claims.engine.evidence import build_folder, replace
from claims.engine.subjects import BadInput
from claims.engine.weave import RESULTS, take_results, woven


def weave(*, check: bool, take: bool) -> int:
    """Rewrite what is out of date, or with `check` only name it; return the exit code.

    With `take`, the numbers that the prose quotes are first taken from the evidence of the last complete run.
    """
    if take:
        evidence = build_folder() / "evidence.json"
        try:
            replace(ROOT / RESULTS, take_results(evidence))
        except (OSError, ValueError) as error:
            raise BadInput(f"{evidence}: no results can be taken from it ({error}); run: claims check") from None
    book = reading.load()
    if book.faults:
        raise BadInput(book.faults[0])
    try:
        pages = list(woven(book))
    except Misdeclared as fault:
        raise BadInput(str(fault)) from None
    except ModuleNotFoundError as error:
        raise BadInput(
            f"drawing a figure needs {error.name}, which is not installed; pip install 'executable-answers[figures]'"
        ) from None
    stale = [(path, text) for path, text in pages if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        name = path.relative_to(ROOT).as_posix()
        if check:
            line = _first_difference(path.read_text(encoding="utf-8") if path.is_file() else "", text)
            print(f"{name}:{line}: out of date; run: claims weave")
        else:
            replace(path, text)
            print(f"wove {name}")
    return int(check and bool(stale))


def _first_difference(old: str, new: str) -> int:
    hunk = next(line for line in unified_diff(old.splitlines(), new.splitlines(), n=0) if line.startswith("@@"))
    return int(hunk.split()[1].lstrip("-").split(",")[0])
