"""The pages that a function writes, with the script and the style that only they load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from claims.engine.book import Book
from claims.site.quiz import quiz_source

Evidence: TypeAlias = Mapping[str, Any] | None


@dataclass(frozen=True)
class Generated:
    """One page, called `name`; `source` returns it as MyST, "" for a book that lacks what it is about."""

    name: str
    source: Callable[[Book, Evidence], str]
    script: str
    style: str


def _explore(book: Book, _: Evidence) -> str:
    if "learning_rate" not in book.pages:
        return ""
    from claims.site.explore import explore_source  # noqa: PLC0415 - it imports a figure of that page

    return explore_source()


GENERATED = (
    Generated("quiz", quiz_source, "quiz.js", "quiz.css"),
    Generated("learning_rate_explorer", _explore, "learning_rate.js", "learning_rate.css"),
)
