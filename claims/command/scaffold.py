"""`claims new`: the three files of a page, ready to fill."""

from difflib import get_close_matches

from claims.engine.book import ANSWERS, CLAIMS, Question
from claims.engine.declare import ROOT
from claims.engine.evidence import replace
from claims.engine.reading import read_questions
from claims.engine.subjects import BadInput

_SECTION = """# {id} [{level}] {text}

## In one breath

## The answer

## The code

## Often said, but false

## What only a source can tell

## Sources
"""


def new(stem: str) -> None:
    """Write the files of a page and say what to do next.

    Raises BadInput if no question asks for the page, or one of its files exists.
    """
    questions = [question for question in read_questions() if question.page == stem]
    if not questions:
        stems = sorted({question.page for question in read_questions()})
        near = get_close_matches(stem, stems, n=1)
        raise BadInput(
            f"no question in {ANSWERS}/questions.toml has the page {stem!r}; "
            + (f"did you mean {near[0]}?" if near else "add the question there first")
        )
    files = {
        f"{ANSWERS}/{stem}.md": _prose(questions),
        f"{ANSWERS}/{stem}.py": _code(questions),
        f"{CLAIMS}/{stem}.py": _claims(questions),
    }
    if begun := [file for file in files if (ROOT / file).exists()]:
        raise BadInput(f"{begun[0]} exists already; nothing was written")
    for file, content in files.items():
        replace(ROOT / file, content)
        print(f"wrote {file}")
    print(f"next: a slot in {ANSWERS}/{stem}.py, a claim on it with its mistakes in {CLAIMS}/{stem}.py,")
    print(f"      a link to it in {ANSWERS}/{stem}.md, then: claims check {stem}")


def _ids(questions: list[Question]) -> str:
    return ", ".join(question.id for question in questions)


def _prose(questions: list[Question]) -> str:
    return "\n".join(_SECTION.format(id=q.id, level=q.level, text=q.text) for q in questions)


def _code(questions: list[Question]) -> str:
    return f'"""{_ids(questions)}: the code that the answer shows; each public function is a slot."""\n'


def _claims(questions: list[Question]) -> str:
    return f'"""{_ids(questions)}: what is claimed, and which mistakes it refutes."""\n'
