"""The cards: all that a reader is told of one claim, and where the site keeps it."""

import ast
import functools
import inspect
import json
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from docutils.nodes import make_id
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from claims.engine import text
from claims.engine.book import Book
from claims.engine.declare import Claim, Function
from claims.site.standing import NOT_JUDGED, Standing
from claims.site.templates import render

SCHEME = "claim:"  # of a link to a claim, between the sources and Sphinx
_LEXER, _FORMATTER = PythonLexer(), HtmlFormatter(nowrap=True)


def href(book: Book, claim: Claim) -> str:
    """Return where a claim stands on the site, as a document and an anchor in it."""
    return f"claims/{book.page_of[claim.id].stem}#{make_id(claim.id)}"


def address(book: Book, claim: Claim) -> str:
    """Return where a claim stands, from the root of the site."""
    return href(book, claim).replace("#", ".html#")


def script_of(page: str) -> str:
    """Return the script that holds the cards of a page."""
    return f"cards/{page}.js"


@functools.cache
def code(function: Function) -> str:
    """Return the source of a function without its docstring; of a lambda, the lines on which it stands."""
    source = textwrap.dedent(inspect.getsource(function))
    try:
        node = ast.parse(source).body[0]
    except SyntaxError:  # a lambda inside a larger expression
        return source
    if not isinstance(node, ast.FunctionDef) or ast.get_docstring(node) is None or len(node.body) == 1:
        return source
    lines = source.splitlines(keepends=True)
    lines[node.body[0].lineno - 1 : node.body[0].end_lineno] = []
    return "".join(lines)


@functools.cache
def highlighted(source: str) -> Markup:
    """Return Python as HTML."""
    return Markup(highlight(source, _LEXER, _FORMATTER))  # noqa: S704 - Pygments escapes what it colours


def facts(book: Book, claim: Claim, stands: Standing) -> dict[str, Any]:
    """Return what the card of a claim shows."""
    entry = stands.of(claim)
    kind, outcome = stands.mark(claim)
    outcomes = {mistake["id"]: mistake["outcome"] for mistake in entry.get("mistakes", ())}
    return {
        "claim": claim,
        "kind": kind,
        "outcome": outcome,
        "reason": (entry.get("reason") or entry.get("counterexample", "")) if outcome not in {"held", "false"} else "",
        "tried": _tried(claim, entry),
        "mistakes": [(mistake, outcomes.get(mistake.id, NOT_JUDGED if outcome else "")) for mistake in claim.mistakes],
        "counterexample": text.arguments(dict(claim.refuted_by or {})) or "the one case there is",
        "code": code(claim.body),
        "href": address(book, claim),
        "question": book.question_of(claim.id),
    }


def _tried(claim: Claim, entry: Mapping[str, Any]) -> str:
    """Return on how much a claim was tried, "" for a proof, which settles all cases at once."""
    if claim.seeds:
        return text.count(claim.seeds, "seed")
    return text.count(entry["cases"], "case") if claim.drawn and entry.get("cases") else ""


def script(book: Book, claims: Iterable[Claim], stands: Standing) -> str:
    """Return the cards of some claims as a script that hands them to the page: it works without a server, too."""
    cards = {claim.id: render("card.html", highlighted=highlighted, **facts(book, claim, stands)) for claim in claims}
    return f"showCards({json.dumps(cards, ensure_ascii=False)});\n"
