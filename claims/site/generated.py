"""The pages that a function writes, with the script and the style that only they load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from claims.engine.book import Book
from claims.site.explore import explore_source
from claims.site.quiz import quiz_source

Evidence: TypeAlias = Mapping[str, Any] | None


@dataclass(frozen=True)
class Generated:
    """One page, called `name`; `source` returns it as MyST."""

    name: str
    source: Callable[[Book, Evidence], str]
    script: str
    style: str


GENERATED = (
    Generated("quiz", quiz_source, "quiz.js", "quiz.css"),
    Generated("learning_rate_explorer", lambda *_: explore_source(), "learning_rate.js", "learning_rate.css"),
)
