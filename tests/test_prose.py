"""The prose keeps its rules: the question in its words, every paragraph linked to a claim, everything woven."""

import re

import pytest

from claims.engine import reading
from claims.engine.declare import ROOT
from claims.engine.prose import FENCE, LINK, QUESTION, links
from claims.engine.weave import woven

BOOK = reading.load()
UNLINKED = {"In one breath", "What only a source can tell", "Sources"}
SECTIONS = ["In one breath", "Often said, but false", "What only a source can tell", "Sources"]


def pages():
    return pytest.mark.parametrize("stem", BOOK.pages)


def text(stem: str) -> str:
    return (ROOT / f"answers/{stem}.md").read_text(encoding="utf-8")


def paragraphs(stem: str):
    """Yield the section and text of each paragraph of prose: no code, heading, figure, woven table or definition."""
    section, fenced, block = "", False, []
    prose = re.sub(r"^<!-- table: .*?^<!-- /table -->", "", text(stem), flags=re.DOTALL | re.MULTILINE)
    for line in [*prose.splitlines(), ""]:
        if FENCE.match(line):
            fenced = not fenced
        elif line.startswith("#"):
            section = line.lstrip("# ")
        elif line.strip() and not fenced and not re.match(r"(<!--|!\[|\[\w+\]: )", line):
            block.append(line)
        elif block:
            yield section, "\n".join(block)
            block = []


def test_the_book_has_no_faults():
    """Every page is declared soundly: links, slots, mistakes and names."""
    assert BOOK.faults == []


def test_the_prose_is_woven():
    """Code blocks, links, figures and the list of questions are those of the code."""
    stale = [
        path.name for path, wanted in woven(BOOK) if not path.is_file() or path.read_text(encoding="utf-8") != wanted
    ]

    assert stale == [], "run: claims weave"


def test_there_are_44_questions():
    """The book asks 44 questions; each has a level and a page."""
    assert len(BOOK.questions) == len({question.id for question in BOOK.questions}) == 44
    assert {question.level for question in BOOK.questions} == {"E", "M", "H"}


@pages()
def test_a_page_asks_each_of_its_questions_verbatim(stem):
    """The question stands as the book asks it, with its level."""
    headings = [line for line in text(stem).splitlines() if QUESTION.match(line)]
    wanted = [
        f"{question.id} [{question.level}] {question.text}" for question in BOOK.questions if question.page == stem
    ]

    assert [heading.lstrip("# ") for heading in headings] == wanted


@pages()
def test_a_page_has_its_sections_in_order(stem):
    """Every page reads alike: what to say aloud first, the sources last."""
    headings = [line.lstrip("# ") for line in text(stem).splitlines() if line.startswith("#")]
    asked = sum(question.page == stem for question in BOOK.questions)

    assert headings.count("In one breath") == asked
    found = [heading for heading in headings if heading in SECTIONS]
    assert [heading for heading in SECTIONS if heading in found] == list(dict.fromkeys(found))


@pages()
def test_every_paragraph_links_a_claim(stem):
    """A sentence that no claim stands behind has its own heading, or is not written."""
    bare = [words for section, words in paragraphs(stem) if section not in UNLINKED and not LINK.search(words)]

    assert bare == []


@pages()
def test_every_code_block_is_woven(stem):
    """Code typed into the prose would not be the code that is judged."""
    blocks = re.findall(r"^(.*)\n```python$", text(stem), re.MULTILINE)

    assert [before for before in blocks if not before.startswith("<!-- code: ")] == []


@pages()
def test_sentences_stand_on_lines_of_their_own(stem):
    """A change of one sentence is a change of one line."""
    run_on = [
        words
        for _, block in paragraphs(stem)
        for words in block.splitlines()
        if re.search(r"[^.\d][.!?] [A-ZĲ]", re.sub(r"\(.*?\)|\*.*?\*|“.*?”", "", words))
        and not words.startswith(("-", "|"))
    ]

    assert run_on == []


@pages()
def test_links_say_more_than_here(stem):
    """The words of a link are what it claims."""
    assert [
        link
        for link in re.findall(r"\[([^\]]+)\]\[\w+\]", text(stem))
        if link.strip().lower() in {"here", "this", "claim"}
    ] == []
    assert {link.claim for link in links(text(stem))} == {claim.id for claim in BOOK.pages[stem].claims}
