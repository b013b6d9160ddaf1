"""Values and sentences, as a person reads them in a terminal."""

import textwrap
import traceback
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 80
_LONG = 240  # characters
_MANY = 64  # numbers


def show(value: Any) -> str:
    """Return a value on one line, short, and so that it can be pasted where that is possible."""
    text = _show(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]} …"


@singledispatch
def _show(value: Any) -> str:
    return getattr(value, "__name__", repr(value))


@_show.register
def _(value: np.ndarray) -> str:
    if value.size == 0:
        return f"zeros({value.shape})"
    if value.size > _MANY:
        return f"array of shape {value.shape} that begins with {_show(value.ravel()[:5].tolist())}"
    return _show(value.tolist())


@_show.register
def _(value: np.generic) -> str:
    return _show(value.item())


@_show.register
def _(value: np.random.Generator) -> str:
    return "rng"


@_show.register
def _(value: dict) -> str:  # type: ignore[type-arg]
    return "{" + ", ".join(f"{key!r}: {_show(item)}" for key, item in value.items()) + "}"


@_show.register
def _(value: list) -> str:  # type: ignore[type-arg]
    return f"[{', '.join(map(_show, value))}]"


@_show.register
def _(value: tuple) -> str:  # type: ignore[type-arg]
    if hasattr(value, "_asdict"):
        return arguments(value._asdict())
    return f"({', '.join(map(_show, value))}{',' if len(value) == 1 else ''})"


def arguments(named: dict[str, Any]) -> str:
    """Return named values as they stand in a call; the fields of a named tuple speak for themselves."""
    return ", ".join(
        arguments(value._asdict()) if hasattr(value, "_asdict") else f"{name}={_show(value)}"
        for name, value in named.items()
    )


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 1 claim, 1,523 cases."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def ordinal(index: int) -> str:
    """Return the English ordinal of a position counted from 0."""
    return ["first", "second", "third", "fourth", "fifth", "sixth"][index] if index < 6 else f"{index + 1}th"


def wrapped(label: str, text: str, *, lines: int = 3) -> list[str]:
    """Return text behind a label, wrapped to the width of a terminal and cut to so many lines."""
    head = f"  {label:<9}"
    found = textwrap.wrap(text, WIDTH - len(head), break_on_hyphens=False) or [""]
    if len(found) > lines:
        found = [*found[: lines - 1], found[lines - 1][: WIDTH - len(head) - 2] + " …"]
    return [head + found[0], *(" " * len(head) + line for line in found[1:])]


def line_of(error: BaseException, file: Path) -> int:
    """Return the line of a file at which an exception left it, 1 if it never was there."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 1
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return frames[-1] or 1 if frames else 1


def describe(error: BaseException) -> str:
    """Return an exception on one line."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join(f"{type(error).__name__}: {message}".split()).removesuffix(":")
