"""The pages that a function writes: the file, the function, and the script and style that only this page loads."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from claims.engine.book import Book


@dataclass(frozen=True)
class Generated:
    """One page `name`, written by `function` of `module`."""

    name: str
    module: str
    function: str
    arguments: tuple[str, ...]
    script: str
    style: str

    def source(self, book: Book, evidence: Mapping[str, Any]) -> str:
        """Return the page as MyST."""
        given = {"book": book, "evidence": evidence}
        text: str = getattr(importlib.import_module(self.module), self.function)(*(given[a] for a in self.arguments))
        return text


GENERATED = tuple(
    page
    for page in (
        Generated("quiz", "claims.site.quiz", "quiz_source", ("book", "evidence"), "quiz.js", "quiz.css"),
        Generated(
            "learning_rate_explorer", "claims.site.explore", "explore_source", (), "learning_rate.js", "learning_rate.css"
        ),
    )
    if find_spec(page.module)
)
