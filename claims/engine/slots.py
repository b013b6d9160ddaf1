"""Slots: what is claimed about a function is claimed about whatever fills its name."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from claims.engine.declare import Function, Misdeclared, Where
from claims.engine.shapes import Shapes

_LEADING = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Slot:
    """A name that implementations fill, defined by the public function of its owner, the page `stem`."""

    name: str
    stem: str
    reference: Function
    shapes: Shapes

    @cached_property
    def signature(self) -> inspect.Signature:
        """The signature of the reference; leading arguments go by position, all others by name."""
        return inspect.signature(self.reference)

    @property
    def where(self) -> Where:
        """Where the reference stands."""
        return Where.of(self.reference)

    @property
    def summary(self) -> str:
        """The first sentence of the reference's docstring."""
        return " ".join((inspect.getdoc(self.reference) or "").partition("\n\n")[0].split())

    @cached_property
    def leading(self) -> list[str]:
        """The names of the arguments that are passed by position."""
        return [p.name for p in self.signature.parameters.values() if p.kind in _LEADING]

    def misfit(self, function: Function, *, every_option: bool = False) -> str:
        """Return why a function cannot be called as this slot is, "" if it can: both signatures.

        Options with a default may be missing, unless `every_option` is asked for: then a claim that
        needs one is not judged on a subject, but a mistake or variant without it would never be noticed.
        """
        try:
            theirs = inspect.signature(function)
        except (TypeError, ValueError):  # some builtins and ufuncs tell no signature: calling them will tell
            return ""
        required = [
            p.name
            for p in self.signature.parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY and (every_option or p.default is inspect.Parameter.empty)
        ]
        try:
            theirs.bind(*self.leading, **dict.fromkeys(required))
        except TypeError:
            name = getattr(function, "__name__", self.name)
            return f"{name}{_bare(theirs)} does not fit {self.name}{_bare(self.signature)}"
        return ""

    def __str__(self) -> str:
        return f"{self.name}{_bare(self.signature)}"


def _bare(signature: inspect.Signature) -> str:
    """Return a signature without annotations: names and options are what has to fit."""
    empty = inspect.Parameter.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def public_functions(module: ModuleType) -> dict[str, Function]:
    """Return the functions that a module itself defines under a public name."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def slots_of(stem: str, module: ModuleType) -> list[Slot]:
    """Return the slots that a page owns; raise Misdeclared if a docstring states no shapes."""
    slots = []
    for name, function in public_functions(module).items():
        try:
            shapes = Shapes.of(inspect.getdoc(function))
        except ValueError as reason:
            raise Misdeclared(
                Where.of(function),
                f"{name} is a slot, but {reason}",
                "write one as claims/engine/shapes.py explains, or begin a helper's name with _",
            ) from None
        slot = Slot(name, stem, function, shapes)
        if [term.name for term in shapes.takes] != slot.leading:
            raise Misdeclared(
                slot.where,
                f"the line 'Shapes:' of {name} names other arguments than its signature",
                f"name {', '.join(slot.leading) or 'none'} before the arrow",
            )
        slots.append(slot)
    return slots


def other_half(name: str) -> str | None:
    """Return the slot that the same author must fill: a forward pass and its backward pass share a cache."""
    for half, other in (("_forward", "_backward"), ("_backward", "_forward")):
        if name.endswith(half):
            return name.removesuffix(half) + other
    return None


def halves(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return each name whose other half is among the names, too, with that half."""
    return [(name, other) for name in names if (other := other_half(name)) in names and other]
