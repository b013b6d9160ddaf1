"""The order of the site: the questions by chapter, and a page's short name."""

from collections.abc import Iterator

from claims.engine.book import Book, Question

# Where a chapter begins. The book has none within these questions; they only break a long list.
_CHAPTERS = {
    "Q1": "A first network",
    "Q4": "Activations and gradients",
    "Q8": "A training run",
    "Q13": "Rates, norms and batches",
    "Q19": "Optimizers",
    "Q22": "What networks compute",
    "Q26": "Chance, dead units, pruning, and after",
}
_WORDS = {"sgd": "SGD", "relu": "ReLU", "xor": "XOR"}
LEVELS = {"E": "easy", "M": "medium", "H": "hard"}


def chapters(book: Book) -> dict[str, list[Question]]:
    """Return the questions under the title of their chapter."""
    found: dict[str, list[Question]] = {}
    title = "Questions"
    for question in book.questions:
        title = _CHAPTERS.get(question.id.split(".")[0], title)
        found.setdefault(title, []).append(question)
    return found


def short_title(stem: str) -> str:
    """Return the name of a page in two or three words."""
    words = [_WORDS.get(word, word) for word in stem.split("_")]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])


def numbered_title(book: Book, stem: str) -> str:
    """Return the name of a page behind the number that its questions share."""
    mine = [question.id for question in book.questions if question.page == stem]
    number = mine[0] if len(mine) == 1 else mine[0].split(".")[0] if mine else ""
    return f"{number} · {short_title(stem)}" if number else short_title(stem)


def pages(questions: list[Question]) -> Iterator[str]:
    """Yield the pages of questions, each once."""
    yield from dict.fromkeys(question.page for question in questions)
