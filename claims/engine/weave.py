"""Weave the prose: code blocks, figures, links to claims and the list of questions follow the code they speak of."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claims.engine import figures, prose
from claims.engine.book import ANSWERS, NOT_PAGES, Book
from claims.engine.declare import ROOT, Misdeclared, Where

_CODE = re.compile(
    r"^(?P<mark><!-- code: (?P<file>\S+\.py)::(?P<name>\w+) -->\n)(?:```python\n.*?^```\n)?", re.DOTALL | re.MULTILINE
)
_FIGURE = re.compile(r"^(?P<mark><!-- figure: (?P<name>\w+) -->\n)(?:!\[.*\n)?", re.MULTILINE)
_TABLE = re.compile(
    r"^(?P<open><!-- table: (?P<name>\w+) (?P<part>\w+) -->\n).*?(?P<close><!-- /table -->)", re.DOTALL | re.MULTILINE
)
_RESULT = re.compile(
    r"(?P<open><!-- result: (?P<claim>\w+)\.(?P<name>\w+) (?P<format>\S+) -->).*?(?P<close><!-- /result -->)"
)
_LIST = re.compile(r"(?P<open><!-- questions -->\n).*?(?P<close><!-- /questions -->)", re.DOTALL)
RESULTS = f"{ANSWERS}/results.json"
_LEVELS = {"E": "easy", "M": "medium", "H": "hard"}


def shown_code(page: str) -> set[str]:
    """Return the names of the functions that a page shows."""
    return {found["name"] for found in _CODE.finditer(page)}


def woven(book: Book) -> Iterator[tuple[Path, str]]:
    """Yield every page of prose with the text that it should have.

    Raises Misdeclared if a page shows code that does not exist, or links to no such claim.
    """
    for path in sorted((ROOT / ANSWERS).glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if path.stem in NOT_PAGES:
            yield path, _questions(book, text)
            continue
        yield path, _page(book, path.stem, text)
        for found in _FIGURE.finditer(text):
            figure = figures.module(found["name"], _where(path.stem, text, found))
            drawn = figures.path(found["name"])
            yield (
                drawn,
                drawn.read_text(encoding="utf-8")
                if figures.is_current(found["name"], figure)
                else figures.drawing(figure),
            )


def _page(book: Book, stem: str, text: str) -> str:
    file = f"{ANSWERS}/{stem}.md"

    def block(found: re.Match[str]) -> str:
        return f"{found['mark']}```python\n{source(found['file'], found['name'], _where(stem, text, found))}```\n"

    def picture(found: re.Match[str]) -> str:
        alt = figures.module(found["name"], _where(stem, text, found)).ALT
        return f"{found['mark']}![{alt}](figures/{found['name']}.svg)\n"

    def table(found: re.Match[str]) -> str:
        rows = figures.module(found["name"], _where(stem, text, found)).table(found["part"])
        return "\n".join([found["open"].rstrip("\n"), *rows, found["close"]])

    known = results()

    def number(found: re.Match[str]) -> str:
        try:
            value = known[found["claim"]][found["name"]]
        except KeyError:
            cause = f"it quotes a result {found['claim']}.{found['name']}, which {RESULTS} does not have"
            raise Misdeclared(
                _where(stem, text, found), cause, "mend the name, or run: claims weave --results"
            ) from None
        return f"{found['open']}{value:{found['format']}}{found['close']}"

    for pattern, replacement in ((_CODE, block), (_FIGURE, picture), (_TABLE, table), (_RESULT, number)):
        text = pattern.sub(replacement, text)
    body = prose.DEFINITION.sub("", text).rstrip("\n")
    links = {}
    for link in prose.links(body):
        if link.claim not in book.claims:
            raise Misdeclared(
                Where(file, link.line), f"it links to no such claim: {link.claim}", "mend the name, or write the claim"
            )
        links[link.claim] = book.claims[link.claim].where
    definitions = "".join(f"[{claim}]: ../{where.file}#L{where.line}\n" for claim, where in sorted(links.items()))
    return f"{body}\n\n{definitions}" if links else f"{body}\n"


def results() -> dict[str, dict[str, Any]]:
    """Return the numbers that the prose may quote: claim by claim, and the `numbers` of each `*_reference.json`."""
    path = ROOT / RESULTS
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for run in (ROOT / ANSWERS).glob("*_reference.json"):
        found[run.stem] = json.loads(run.read_text(encoding="utf-8"))["numbers"]
    return found


def take_results(evidence: Path) -> str:
    """Return what the file of results should hold after a run: its numbers, to six digits.

    Raises ValueError if the evidence is not that of a complete run on the measured claims' own seeds.
    """
    run = json.loads(evidence.read_text(encoding="utf-8"))
    if not run["complete"]:
        raise ValueError("it is not of a complete run")
    if not run["fixed_seeds"]:
        raise ValueError("its measured claims drew other seeds than their own: leave --seed and --profile out")
    taken = {
        claim["id"]: {name: float(f"{value:.6g}") for name, value in claim["results"].items()}
        for claim in run["claims"]
        if claim["results"]
    }
    return json.dumps(dict(sorted(taken.items())), indent=1) + "\n"


def _where(stem: str, text: str, found: re.Match[str]) -> Where:
    return Where(f"{ANSWERS}/{stem}.md", text.count("\n", 0, found.start()) + 1)


def source(file: str, name: str, where: Where) -> str:
    """Return a top-level function or class of a file, byte for byte."""
    path = ROOT / file
    if not path.is_file():
        raise Misdeclared(where, f"it shows code of {file}, which does not exist", "mend the path")
    text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n"
    raise Misdeclared(where, f"it shows {name}, which {file} does not define", "mend the name")


def _questions(book: Book, text: str) -> str:
    return _LIST.sub(lambda found: f"{found['open']}{_list(book)}{found['close']}", text)


def _list(book: Book) -> str:
    lines, group = [], ""
    for question in book.questions:
        if question.group and question.group != group:
            lines.append(f"- {question.group}")
        group = question.group
        page: Mapping[str, object] | bool = question.page in book.pages
        words = f"[{question.text}]({question.page}.md)" if page else question.text
        lines.append(f"{'  ' if group else ''}- **{question.id}** ({_LEVELS[question.level]}) {words}")
    return "\n".join(lines) + "\n"
