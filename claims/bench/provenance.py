"""Provenance: what decides the results of a run, so that only results of one kind stand in one file."""

import ast
import hashlib
import platform
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OURS = ("answers", "claims")
_LIBRARIES = ("numpy", "scikit-learn")  # they compute, and bring the data


@cache
def provenance(run: Callable[..., Any]) -> dict[str, str]:
    """Return what decides the results of a function: its name, the code that it reaches, and what computes it.

    The code is that of the function's module and of the project's modules that it imports, directly or not;
    comments, docstrings and layout are left out.  Not in it: the processor.  BLAS picks its kernels by that, so
    two machines may differ in the last bits.
    """
    return {
        "run": f"{run.__module__}.{run.__qualname__}",
        "code": _digest(run.__module__),
        **{name: _version(name) for name in _LIBRARIES},
        "machine": platform.machine(),
    }


def _digest(module: str) -> str:
    """Return a hash of the code of a module and of those of the project that it imports, directly or not."""
    trees: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in trees and (path := _file(name)):
            trees[name] = ast.parse(path.read_text(encoding="utf-8"))
            waiting += _imports(trees[name])
    code = "".join(f"{name}\n{_bare(trees[name])}\n" for name in sorted(trees))
    return hashlib.blake2b(code.encode(), digest_size=8).hexdigest()


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports of the project; of `from module import name`, both may be modules."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.split(".")[0] in _OURS)


def _file(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:  # it is no module, but a name in one
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _bare(tree: ast.Module) -> str:
    """Return the code of a module without what computes nothing: comments, docstrings, layout."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
