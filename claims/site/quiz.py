"""The page "Test yourself": statements that are true or false, by what the evidence says of claims and myths."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from docutils.nodes import make_id

from claims.engine import text
from claims.engine.book import Book, Question
from claims.engine.declare import Claim
from claims.engine.prose import LINK, QUESTION, lines_outside_code
from claims.engine.subjects import REFERENCE
from claims.site import cards
from claims.site.chapters import chapters

INTRODUCTION = (
    "Is it true or false? Every statement here was judged by a machine: the true ones are claims that held, the false "
    "ones are myths with a counterexample. After your answer you see what stands behind it."
)
NO_EVIDENCE = (
    "There is no evidence of these answers here, so nothing can be asked: only what was judged is true or false. "
    "`claims check`, and then `claims site`, brings the statements."
)
STILL = 3  # true statements, and as many false ones, for readers without script
_DEFENCE = re.compile(r"ValueError|refuse|NaN")  # says what code does with bad input: no knowledge of the field
_MATHEMATICS = re.compile(r"[^\sA-Za-z.,:;’'“”()-]")
_EXPLAINED = re.compile(r"^- \[(?:[^\[\]]|\[[^\[\]]*\])+\]\[(?P<id>\w+)\](?P<why>.*(?:\n {2}.*)*)", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->")

Item = dict[str, Any]


def quiz_source(book: Book, evidence: Mapping[str, Any] | None) -> str:
    """Return the page as MyST; without evidence, or if nothing held and nothing was refuted, it asks nothing."""
    items = quiz_items(book, evidence) if evidence else []
    if not items:
        return f"# Test yourself\n\n{NO_EVIDENCE}\n"
    asked = {item["question"] for item in items}
    questions = [
        _question(question, chapter)
        for chapter, questions in chapters(book).items()
        for question in questions
        if question.id in asked
    ]
    # "<" could end the script's element; JSON has another way to write it.
    data = json.dumps({"questions": questions, "items": items}, ensure_ascii=False, separators=(",", ":"))
    widget = (
        f'<div id="quiz" class="quiz">\n{_still(items)}</div>\n'
        f'<script type="application/json" id="quiz-data">{data.replace("<", chr(92) + "u003c")}</script>\n'
        '<script defer src="_static/quiz_logic.js"></script>'
    )
    return f"# Test yourself\n\n{INTRODUCTION}\n\n`````{{raw}} html\n{widget}\n`````\n"


def quiz_items(book: Book, evidence: Mapping[str, Any]) -> list[Item]:
    """Return what can be asked: for each question its refuted myths, and as many claims that held.

    Of the claims it takes those that read most like a myth, short and with little mathematics, and
    leaves out what a function does with bad input.  So each level and each question is balanced.
    """
    judged = [entry for entry in evidence["claims"] if entry["subject"] == REFERENCE]
    held = {entry["id"]: entry for entry in judged if entry["outcome"] == "held"}
    refuted = {entry["id"]: entry for entry in evidence["myths"] if entry["outcome"] == "refuted"}
    items: list[Item] = []
    for question in book.questions:
        mine = [claim for claim in book.claims.values() if book.question_of(claim.id) == question.id]
        false = [claim for claim in mine if claim.is_myth and claim.id in refuted]
        true = [claim for claim in mine if claim.id in held and not _DEFENCE.search(claim.statement)]
        pairs = list(zip(sorted(true, key=_effort), false, strict=False))  # as many of one as of the other
        items += [_true(book, claim, held[claim.id]) for claim, _ in pairs]
        items += [_false(book, myth, refuted[myth.id]) for _, myth in pairs]
    return items


def _effort(claim: Claim) -> int:
    """Return how hard a statement is to read: its characters, those of its mathematics three times."""
    return len(claim.statement) + 2 * len(_MATHEMATICS.findall(claim.statement))


def _question(question: Question, chapter: str) -> dict[str, str]:
    words = f"{question.group} {question.text}".strip()
    return {"id": question.id, "level": question.level, "text": words, "page": question.page, "chapter": chapter}


def _item(book: Book, claim: Claim) -> Item:
    return {
        "id": claim.id,
        "question": book.question_of(claim.id),
        "statement": claim.statement,
        "answer": not claim.is_myth,
        "place": _place(book, claim),
        "code": cards.href(book, claim).replace("#", ".html#"),
    }


def _place(book: Book, claim: Claim) -> str:
    """Return where the prose says it: the heading of its question, and the words where the browser can find them."""
    page, heading = book.page_of[claim.id], ""
    for _, line in lines_outside_code(page.text):
        if QUESTION.match(line):
            heading = make_id(line.lstrip("# "))
        if links := [link for link in LINK.finditer(line) if link["id"] == claim.id]:
            typeset = _plain(links[0][0]).replace("'", "’")
            words = quote(typeset, safe="").replace("-", "%2D")  # a hyphen would divide the words
            return f"{page.stem}.html#{heading}:~:text={words}"
    return f"{page.stem}.html"


def _true(book: Book, claim: Claim, entry: Mapping[str, Any]) -> Item:
    """Return a claim that held, with what stands behind it."""
    mistakes = [mistake["id"] for mistake in entry["mistakes"] if mistake["outcome"] == "refuted"]
    return {
        **_item(book, claim),
        "evidence": _tried(claim, entry),
        "mistakes": [name.replace("_", " ") for name in dict.fromkeys(mistakes)],
        "why": _plain(claim.details.partition("Source:")[0].split("\n\n")[0]),
    }


def _tried(claim: Claim, entry: Mapping[str, Any]) -> str:
    if claim.kind == "proved":
        return "Proved: it is settled for good."
    if claim.kind == "measured":
        return (
            f"Measured on {text.count(claim.seeds, 'seed')}; "
            f"were it false, it would pass with probability {claim.false_hold:.1g} at most."
        )
    return f"Not refuted in {text.count(entry['cases'], 'random case')}."


def _false(book: Book, myth: Claim, entry: Mapping[str, Any]) -> Item:
    """Return a refuted myth, with its counterexample as the run and as the page tell it."""
    return {
        **_item(book, myth),
        "counterexample": entry["counterexample"],
        "why": _explanations(book.page_of[myth.id].text).get(myth.id, ""),
    }


def _explanations(prose: str) -> dict[str, str]:
    """Return what a page says behind each myth of its lists, as plain text."""
    return {found["id"]: _plain(found["why"]) for found in _EXPLAINED.finditer(prose)}


def _plain(markdown: str) -> str:
    words = LINK.sub(lambda link: link[0][1 : link[0].rindex("][")], _COMMENT.sub("", markdown))
    return " ".join(words.replace("`", "").split())


def _still(items: Sequence[Item]) -> str:
    """Return a few statements that open without script."""
    chosen = [item for answer in (True, False) for item in [i for i in items if i["answer"] is answer][:STILL]]
    chosen.sort(key=lambda item: str(item["id"]))
    rows = [
        f"<details><summary>{html.escape(item['statement'])}</summary>"
        f"<p><strong>{'True' if item['answer'] else 'False'}.</strong> "
        f"{html.escape(item['evidence'] if item['answer'] else item['why'])}</p></details>"
        for item in chosen
    ]
    return "\n".join(["<p>The test needs JavaScript. Without it, a few of its statements:</p>", *rows, ""])
