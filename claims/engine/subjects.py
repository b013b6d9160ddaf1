"""Subjects: whose implementations are judged. The reference, an adapter, any module, or a file."""

import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from claims.engine.book import Book
from claims.engine.declare import Function
from claims.engine.slots import public_functions
from claims.engine.text import describe, line_of

REFERENCE = "numpy"


class BadInput(Exception):
    """What the user gave cannot be used; the message says what, where, and what to do, on one line."""


@dataclass(frozen=True)
class Subject:
    """A set of implementations by the name of their slot."""

    name: str
    functions: Mapping[str, Function]


def find_subject(name: str, book: Book) -> Subject:
    """Return a subject by name: `numpy`, an adapter of `claims.subjects`, a module, or a file ending in .py.

    Raises BadInput if it cannot be found or imported, or fills no slot.
    """
    if name == REFERENCE:
        return Subject(name, {slot.name: slot.reference for slot in book.slots.values()})
    if name.endswith(".py") or "/" in name:
        label, module = Path(name).name, _file(Path(name))
        functions = public_functions(module)
    else:
        label, module = name, _module(name)
        functions = {key: value for key, value in vars(module).items() if callable(value) and not key.startswith("_")}
    found = {key: function for key, function in functions.items() if key in book.slots}
    if not found:
        raise BadInput(f"{name} defines no slot{_nearest(functions, book)}; claims list shows their names")
    return Subject(label, found)


def _nearest(functions: Mapping[str, Function], book: Book) -> str:
    for name in functions:
        if close := get_close_matches(name, book.slots, n=1):
            return f": is its {name} meant to be {close[0]}?"
    return ""


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        near = get_close_matches(
            path.name, [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else [], n=1
        )
        raise BadInput(f"{path}: there is no such file{f'; did you mean {near[0]}?' if near else ''}")
    return _loaded(path.resolve(), str(path))


@functools.cache
def _loaded(path: Path, shown: str) -> ModuleType:
    # A name of its own, so that a learner's random.py or numpy.py hides no library.
    name = f"_subject_{hashlib.blake2b(str(path).encode(), digest_size=6).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{shown}: it cannot be read as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(f"{shown}:{line_of(error, path)}: {describe(error)}; mend it, then it can be judged") from error
    return module


def _module(name: str) -> ModuleType:
    for candidate in (f"claims.subjects.{name}", name):
        try:
            if importlib.util.find_spec(candidate):
                return importlib.import_module(candidate)
        except ModuleNotFoundError as error:
            if error.name and not candidate.startswith(error.name):
                raise BadInput(
                    f"the subject {name} needs {error.name}, which is not installed; pip install {error.name}"
                ) from error
        except ValueError:
            continue
        except Exception as error:
            raise BadInput(f"the subject {name} fails on import: {describe(error)}") from error
    raise BadInput(f"there is no subject {name}; give {REFERENCE}, a module, or a file that ends in .py")
