"""Figures: whether a drawing shows what its data say, and drawing it anew if not."""

import hashlib
import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from claims.engine.book import ANSWERS
from claims.engine.declare import ROOT, Misdeclared, Where

FOLDER = f"{ANSWERS}/figures"
_DIGITS = 4  # significant; fewer than two machines' roundings can differ in, more than an eye can see


def module(name: str, where: Where) -> ModuleType:
    """Return the module of a figure; raise Misdeclared, at the place that shows it, if there is none."""
    if name.startswith("_") or not (ROOT / FOLDER / f"{name}.py").is_file():
        raise Misdeclared(where, f"it shows a figure {name}, which does not exist", f"write {FOLDER}/{name}.py")
    return importlib.import_module(f"{FOLDER.replace('/', '.')}.{name}")


def path(name: str) -> Path:
    """Return where the drawing of a figure lies."""
    return ROOT / FOLDER / f"{name}.svg"


def digest(found: Mapping[str, Any], figure: ModuleType) -> str:
    """Return what identifies a figure: its data, rounded, and the code that draws them."""
    hashed = hashlib.sha256(inspect.getsource(figure).encode())
    for name, values in found.items():
        array = np.asarray(values, dtype=np.float64)
        hashed.update(
            f"{name} {array.shape} {' '.join(f'{value:.{_DIGITS - 1}e}' for value in array.ravel() + 0.0)}".encode()
        )
    return hashed.hexdigest()[:16]


def is_current(name: str, figure: ModuleType) -> bool:
    """Return whether the drawing was made from the data that the figure gives now, by the code that it has."""
    drawn = path(name)
    return drawn.is_file() and f"data: {digest(figure.data(), figure)} " in drawn.read_text(encoding="utf-8")[:2000]


def drawing(figure: ModuleType) -> str:
    """Return the figure as SVG; raises ModuleNotFoundError without matplotlib."""
    style = importlib.import_module(f"{FOLDER.replace('/', '.')}._style")
    found = figure.data()
    svg: str = style.as_svg(figure.draw(found), alt=figure.ALT, digest=digest(found, figure))
    return svg
