"""`claims start`: a file with the functions that a page asks for, without their bodies."""

import inspect
import textwrap
from difflib import get_close_matches
from pathlib import Path

from claims.engine import reading
from claims.engine.book import Book
from claims.engine.evidence import replace
from claims.engine.slots import Slot, other_half
from claims.engine.subjects import BadInput
from claims.engine.weave import shown_code


def start(stem: str, file: Path | None) -> None:
    """Write the file and say what to do next; raise BadInput if there is no such page, or the file exists."""
    book = reading.load()
    if stem not in book.pages:
        near = get_close_matches(stem, book.pages, n=1)
        raise BadInput(
            f"there is no page {stem!r}{f'; did you mean {near[0]}?' if near else ''}; claims list shows all"
        )
    path = file or Path(f"{stem}.py")
    if path.exists():
        raise BadInput(f"{path} exists already; nothing was written")
    slots = _asked(book, stem)
    questions = [question for question in book.questions if question.page == stem]
    head = "\n\n".join(textwrap.fill(f"{q.id} [{q.level}] {q.text}", 88) for q in questions)
    parts = [f'"""{head}\n"""\n\nimport numpy as np\n', *(_empty(slot) for slot in slots)]
    replace(path, "\n\n".join(parts))
    print(f"wrote {path}: {len(slots)} functions to fill in")
    print(f"next: claims judge {path}, or claims judge {path} --watch")


def _asked(book: Book, stem: str) -> list[Slot]:
    """Return the slots that a page shows in its prose, and with half of a pair the other half."""
    shown = shown_code(book.pages[stem].text)
    return [slot for slot in book.pages[stem].slots if slot.name in shown or other_half(slot.name) in shown]


def _empty(slot: Slot) -> str:
    """Return a slot's signature and docstring, with annotations left out, and a body that says it is not written."""
    documentation = textwrap.indent(inspect.getdoc(slot.reference) or "", "    ").strip()
    return f'def {slot}:\n    """{documentation}\n    """\n    raise NotImplementedError\n'
