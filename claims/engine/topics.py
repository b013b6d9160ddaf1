"""Topics: what a person names to have only a part of the claims judged."""

from collections.abc import Sequence
from difflib import get_close_matches

from claims.engine.book import Book
from claims.engine.subjects import BadInput
from claims.engine.trials import Trial


def names(book: Book) -> list[str]:
    """Return everything that can be a topic: pages, questions, claims, slots."""
    return [*book.pages, *(question.id for question in book.questions), *book.claims, *book.slots]


def check_topics(topics: Sequence[str], book: Book) -> None:
    """Raise BadInput, with the nearest names, if a topic does not exist."""
    for topic in topics:
        if topic not in (known := names(book)):
            near = get_close_matches(topic, known, n=3, cutoff=0.5)
            raise BadInput(
                f"there is no topic {topic!r}"
                + (
                    f"; did you mean {' or '.join(near)}?"
                    if near
                    else "; give a page, a question, a claim or a slot: claims list shows them"
                )
            )


def concerns(trial: Trial, topics: Sequence[str], book: Book) -> bool:
    """Return whether a trial belongs to one of the topics; without topics, every trial does."""
    if not topics:
        return True
    if trial.is_contract:  # a contract belongs to every question of its slot's page
        mine = {trial.page.stem, trial.slot, *trial.page.questions.values()}
    else:
        mine = {trial.page.stem, trial.claim.id, book.question_of(trial.claim.id), *trial.claim.slots}
    return not mine.isdisjoint(topics)
