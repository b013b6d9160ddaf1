"""Read the prose: which question a heading opens, and which claims a page links under it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

QUESTION = re.compile(r"^#+ (?P<id>Q\d+(?:\.\d+)?)\b")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])+\]\[(?P<id>\w+)\]")
DEFINITION = re.compile(r"^\[(?P<id>\w+)\]: \S*claims/\S+.*\n?", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~)")


@dataclass(frozen=True)
class Link:
    """A link from the prose to a claim, the line it stands on, and the question it answers."""

    claim: str
    question: str
    line: int


def lines_outside_code(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a page that are not inside a code block."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def links(text: str) -> list[Link]:
    """Return the links to claims, in order; before the first heading of a question it is ""."""
    found, question = [], ""
    for number, line in lines_outside_code(text):
        if heading := QUESTION.match(line):
            question = heading["id"]
        found += [Link(link["id"], question, number) for link in LINK.finditer(line)]
    return found
