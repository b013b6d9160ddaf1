"""Declare a claim: a sentence, its check, and the wrong answers that must not pass it."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hypothesis import given
from hypothesis.strategies import SearchStrategy

Function: TypeAlias = Callable[..., Any]
Drawn: TypeAlias = Mapping[str, SearchStrategy[Any]]
Kind = Literal["proved", "property", "measured", "contract"]

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the packages answers and claims
THEIRS = "theirs"  # the first parameter of a convention that translates
SEEDS = "seeds"  # the parameter of a measured claim that receives its seeds
MAX_FALSE_HOLD = 1e-3


@dataclass(frozen=True)
class Where:
    """A place in the source: a path relative to the packages' folder, and a line from 1."""

    file: str
    line: int

    @classmethod
    def of(cls, function: Function) -> "Where":
        """Return where a function is defined."""
        code = inspect.unwrap(function).__code__
        path = Path(code.co_filename)
        inside = path.is_relative_to(ROOT)
        return cls(path.relative_to(ROOT).as_posix() if inside else path.name, code.co_firstlineno)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Misdeclared(TypeError):
    """Something is declared wrongly; the message says where, what, and what to do about it."""

    def __init__(self, where: Where, cause: str, remedy: str) -> None:
        super().__init__(f"{where}: {cause}; {remedy}")


# The same formula written another way: a few roundings apart, not a different answer.
ROUNDINGS = 1e-12


@dataclass(frozen=True)
class Filling:
    """A named way to fill a slot, with whatever the same author must fill along with it."""

    slot: str
    functions: Mapping[str, Function]
    where: Where
    witness: Mapping[str, Any] | None = None
    convention: str = ""  # what is accepted elsewhere and differs from the slot; not a legal variant then
    within: float = ROUNDINGS  # how far answers may be off, relative to answer and input, and still count as these

    @property
    def id(self) -> str:
        """The name of the function that fills the slot: it says what is wrong, or how it differs."""
        return self.functions[self.slot].__name__

    @property
    def translates(self) -> bool:
        """Whether this turns the answers of a function, its argument `theirs`, into those of the slot."""
        return next(iter(inspect.signature(self.functions[self.slot]).parameters), "") == THEIRS


@dataclass
class Claim:
    """One checkable sentence: parameters with a strategy are drawn, all others are slots."""

    body: Function
    kind: Kind
    drawn: Drawn = field(default_factory=dict)
    refuted_by: Mapping[str, Any] | None = None
    seeds: int = 0
    false_hold: float | None = None
    false_alarm: float | None = None
    mistakes: list[Filling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id: str = self.body.__name__
        self.where = Where.of(self.body)
        sentence, _, self.details = (inspect.getdoc(self.body) or "").partition("\n\n")
        self.statement = " ".join(sentence.split())
        given = inspect.signature(self.body).parameters
        parameters = list(given)
        if not self.statement.endswith("."):
            raise Misdeclared(
                self.where,
                f"{self.id} states nothing",
                "begin its docstring with a sentence that ends with a full stop",
            )
        for name in self.drawn:
            if name not in parameters:
                raise Misdeclared(
                    self.where,
                    f"{self.id} draws {name!r} but has no such parameter",
                    f"take it, or drop it from the decorator; it has {', '.join(parameters) or 'none'}",
                )
        if self.refuted_by is not None and set(self.refuted_by) != set(self.drawn):
            raise Misdeclared(
                self.where,
                f"the counterexample of {self.id} is not what it draws",
                f"give refuted_by one value each for {', '.join(self.drawn) or 'nothing'}",
            )
        if self.seeds and SEEDS not in parameters:
            raise Misdeclared(
                self.where,
                f"{self.id} is measured but takes no seeds",
                f"add the parameter {SEEDS}: the engine fills it",
            )
        reserved = {*self.drawn, SEEDS} if self.seeds else set(self.drawn)
        self.slots = tuple(name for name in parameters if name not in reserved)
        self.signature = inspect.Signature([given[name] for name in (*self.slots, *self.drawn)])

    @property
    def is_myth(self) -> bool:
        """Whether this is a popular sentence that is false."""
        return self.refuted_by is not None

    @property
    def source(self) -> str:
        """What stands after `Source:` in the docstring, on one line."""
        found = re.search(r"^Source: (.*)", self.details, re.DOTALL | re.MULTILINE)
        return " ".join(found[1].split()) if found else ""

    def refutes(
        self, slot: str, *, by: Mapping[str, Any] | None = None, **others: Function
    ) -> Callable[[Function], Function]:
        """Declare a mistake: a wrong implementation of `slot` that this claim must refute.

        `by` is a witness, an input that is tried first, for mistakes that random search finds
        rarely.  `others` are fillings by the same hand: a wrong backward pass brings its forward.
        """

        def declare(function: Function) -> Function:
            where = Where.of(function)
            for name in (slot, *others):
                if name not in self.slots:
                    raise Misdeclared(
                        where,
                        f"{self.id} has no slot {name!r}",
                        f"name one of its slots: {', '.join(self.slots) or 'it has none'}",
                    )
            if by is not None and set(by) != set(self.drawn):
                raise Misdeclared(
                    where,
                    f"the witness of {function.__name__} is not what {self.id} draws",
                    f"give it one value each for {', '.join(self.drawn) or 'nothing'}",
                )
            if function.__name__ in {mistake.id for mistake in self.mistakes}:
                raise Misdeclared(where, f"{self.id} has a mistake {function.__name__} already", "choose another name")
            self.mistakes.append(Filling(slot, {slot: function, **others}, where, by))
            return function

        return declare

    def __call__(self, **implementations: Function) -> None:
        """Raise AssertionError, on the smallest input found, if the sentence fails on these implementations."""
        test = given(**self.drawn)(self.body) if self.drawn else self.body
        test(**implementations, **({SEEDS: range(self.seeds)} if self.seeds else {}))


def declared(namespace: dict[str, Any]) -> list[Claim | Filling]:
    """Return what a module has declared so far, in order.

    The list lives in the module itself: a second claim of the same name replaces the first in
    the module's namespace, but is not lost here.
    """
    found: list[Claim | Filling] = namespace.setdefault("__declared__", [])
    return found


def _declare(kind: Kind, drawn: Drawn, **facts: Any) -> Callable[[Function], Claim]:
    def declare(body: Function) -> Claim:
        made = Claim(body, kind, drawn, **facts)
        declared(body.__globals__).append(made)
        return made

    return declare


def claim(**drawn: SearchStrategy[Any]) -> Callable[[Function], Claim]:
    """Declare a property: a sentence tried on random inputs, one strategy for each drawn parameter."""
    return _declare("property", drawn)


def proved() -> Callable[[Function], Claim]:
    """Declare a sentence that is settled for good: symbolically, exhaustively, exactly, or by a solver."""
    return _declare("proved", {})


def measured(*, seeds: int, false_hold: float, false_alarm: float) -> Callable[[Function], Claim]:
    """Declare a sentence that a seeded experiment settles.

    `false_hold` is the probability that it passes although the sentence is false, `false_alarm`
    that it fails although the sentence is true.  The parameter `seeds` receives the seeds.  What the
    body returns, a dict of numbers, is kept as its results, which the prose can quote.
    """

    def declare(body: Function) -> Claim:
        if not (seeds >= 1 and 0 <= false_hold <= MAX_FALSE_HOLD and 0 <= false_alarm < 1):
            raise Misdeclared(
                Where.of(body),
                f"{body.__name__} measures too little",
                f"give it seeds ≥ 1, false_hold ≤ {MAX_FALSE_HOLD:g} and false_alarm < 1",
            )
        return _declare("measured", {}, seeds=seeds, false_hold=false_hold, false_alarm=false_alarm)(body)

    return declare


def myth(*, refuted_by: Mapping[str, Any], **drawn: SearchStrategy[Any]) -> Callable[[Function], Claim]:
    """Declare a popular sentence that is false, with its smallest counterexample."""
    return _declare("property" if drawn else "proved", drawn, refuted_by=refuted_by)


def legal(slot: str, **others: Function) -> Callable[[Function], Function]:
    """Declare a legal variant: another right implementation of `slot`, on which all its claims must hold."""

    def declare(function: Function) -> Function:
        declared(function.__globals__).append(Filling(slot, {slot: function, **others}, Where.of(function)))
        return function

    return declare


def convention(
    slot: str, sentence: str, *, within: float = ROUNDINGS, **others: Function
) -> Callable[[Function], Function]:
    """Declare another convention that is accepted elsewhere, in words; a function that follows it is not wrong.

    Claims do not hold on it, or it would be a legal variant.  Where answers can be translated, the
    function takes what follows the convention as its first argument, `theirs`, and then the slot's
    arguments, and returns what the slot should.  Elsewhere it takes the slot's arguments and answers by
    the convention; answers count as these if they are off by `within` at most, relative to answer and input:
    where the convention decides by a threshold, by as much as differs on its two sides.
    """

    def declare(function: Function) -> Function:
        filling = Filling(slot, {slot: function, **others}, Where.of(function), convention=sentence, within=within)
        declared(function.__globals__).append(filling)
        return function

    return declare
