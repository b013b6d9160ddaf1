"""The cards: all that a reader is told of one claim, and where the site keeps it."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from claims.engine import text
from claims.engine.book import Book
from claims.engine.declare import Claim, Function
from claims.site.standing import Standing
from claims.site.templates import render

_LEXER, _FORMATTER = PythonLexer(), HtmlFormatter(nowrap=True)


def href(book: Book, claim: Claim) -> str:
    """Return where a claim stands on the site, as a document and an anchor in it."""
    return f"claims/{book.page_of[claim.id].stem}#{claim.id.replace('_', '-')}"


def code(function: Function) -> str:
    """Return the source of a function without its docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    lines = source.splitlines(keepends=True)
    if ast.get_docstring(ast.parse(source).body[0]) is not None and len(body) > 1:  # type: ignore[arg-type]
        first, last = body[0].lineno, body[0].end_lineno
        lines[first - 1 : last] = []
    return "".join(lines)


def highlighted(source: str) -> Markup:
    """Return Python as HTML."""
    return Markup(highlight(source, _LEXER, _FORMATTER))  # noqa: S704 - Pygments escapes what it colours


def facts(book: Book, claim: Claim, stands: Standing) -> dict[str, Any]:
    """Return what the card of a claim shows."""
    entry = stands.of(claim)
    kind, outcome = stands.mark(claim)
    refuted = {mistake["id"] for mistake in entry.get("mistakes", []) if mistake["outcome"] == "refuted"}
    return {
        "claim": claim,
        "kind": kind,
        "outcome": outcome,
        "entry": entry,
        "cases": text.count(entry.get("cases", 0), "case") if entry.get("cases") else "",
        "mistakes": [(mistake.id, mistake.id in refuted) for mistake in claim.mistakes],
        "counterexample": text.arguments(dict(claim.refuted_by)) if claim.refuted_by else "",
        "code": highlighted(code(claim.body)),
        "href": href(book, claim).replace("#", ".html#"),
        "question": book.question_of(claim.id),
    }


def script(book: Book, claims: Iterable[Claim], stands: Standing) -> str:
    """Return the cards of some claims as a script that hands them to the page: it works without a server, too."""
    cards = {claim.id: render("card.html", **facts(book, claim, stands)) for claim in claims}
    return f"showCards({json.dumps(cards, ensure_ascii=False)});\n"
