"""Whoever tests themselves is asked what a machine has judged, fairly, and is shown why."""

import json
import re
from collections import Counter

import pytest

pytest.importorskip("sphinx", reason="the site's libraries are not installed")

from claims.engine import reading
from claims.engine.subjects import REFERENCE
from claims.site import cards, quiz
from tests.browser import opened, page_with

STATIC = reading.ROOT / "claims/site/static"
ITEM = re.compile(r'<script type="application/json" id="quiz-data">(.*?)</script>', re.DOTALL)


def evidence(book, *, held=lambda _: "held", refuted=lambda _: "refuted", subject=REFERENCE):
    """Return evidence of the real book with outcomes of our choice."""
    return {
        "claims": [
            {
                "id": claim.id,
                "subject": subject,
                "outcome": held(claim),
                "cases": 100,
                "mistakes": [
                    {"id": m.id, "outcome": "refuted" if i else "spared"} for i, m in enumerate(claim.mistakes)
                ],
            }
            for claim in book.claims.values()
            if not claim.is_myth
        ],
        "myths": [
            {"id": claim.id, "outcome": refuted(claim), "counterexample": f"x={claim.id}"}
            for claim in book.claims.values()
            if claim.is_myth
        ],
    }


@pytest.fixture(scope="module")
def book():
    return reading.load()


def test_an_answer_is_what_the_evidence_says(book):
    """Nothing is called true that did not hold, nothing false that was not refuted, and nothing is left to judge."""
    wrong = ("refuted", "error", "not judged")
    said = evidence(
        book,
        held=lambda claim: "held" if len(claim.id) % 2 else wrong[len(claim.id) // 2 % 3],
        refuted=lambda myth: "refuted" if len(myth.id) % 3 else "lost",
    )
    judged = {entry["id"]: entry["outcome"] for entry in [*said["claims"], *said["myths"]]}
    items = quiz.quiz_items(book, said)

    assert len(items) > 100
    assert {(item["answer"], judged[item["id"]]) for item in items} == {(True, "held"), (False, "refuted")}
    assert all(item["answer"] != book.claims[item["id"]].is_myth for item in items)


def test_another_subject_makes_nothing_true(book):
    """What PyTorch does was judged, but it is not what the book says."""
    assert quiz.quiz_items(book, evidence(book, subject="torch")) == []


def test_true_and_false_are_balanced(book):
    """Whoever knows the level or the question knows nothing about the answer."""
    counts = Counter((item["question"], item["answer"]) for item in quiz.quiz_items(book, evidence(book)))

    assert {counts[question, True] - counts[question, False] for question, _ in counts} == {0}
    assert sum(counts.values()) > 300


def test_what_stands_behind_an_answer_is_shown(book):
    """A claim names the mistakes that were refuted, and no other; a myth its counterexample, and why."""
    items = {item["id"]: item for item in quiz.quiz_items(book, evidence(book))}
    myth = items["a_hundredth_is_a_low_rate"]
    claim = next(item for item in items.values() if item["answer"] and book.claims[item["id"]].kind == "property")
    declared = [mistake.id.replace("_", " ") for mistake in book.claims[claim["id"]].mistakes]

    assert myth["counterexample"] == "x=a_hundredth_is_a_low_rate"
    assert myth["why"] == "With h = 1000 the limit is 0.002."
    assert claim["mistakes"] == declared[1:]
    assert len(declared) > 1
    assert claim["evidence"] == "Not refuted in 100 random cases."
    assert all(item["why"] or item["counterexample"] for item in items.values() if not item["answer"])


def test_the_links_lead_to_the_words(book):
    """The page opens at its question, and where the browser can, at the very words that link the claim."""
    places = {item["id"]: item["place"] for item in quiz.quiz_items(book, evidence(book))}

    assert places["a_hundredth_is_a_low_rate"].startswith("learning_rate.html#q13-1-e-draw-a-graph-")
    assert places["a_hundredth_is_a_low_rate"].endswith(
        ":~:text=0.01%20is%20too%20high%20where%20the%20curvature%20is%201000"
    )
    assert all(re.fullmatch(r"\w+\.html#q[\w-]+:~:text=[^-\s']+", place) for place in places.values())


def test_an_address_is_what_sphinx_makes_of_a_name(book):
    """A claim whose name has a capital letter is found, too: Sphinx writes addresses in small letters."""
    claim = book.claims["loss_at_zero_scores_is_ln_C"]

    assert cards.href(book, claim) == "claims/two_layer_network#loss-at-zero-scores-is-ln-c"


@pytest.mark.parametrize("nothing", [None, {}, {"claims": [], "myths": []}])
def test_without_evidence_nothing_is_asked(book, nothing):
    """A page that looked judged without evidence would be the one thing that this project must not show."""
    source = quiz.quiz_source(book, nothing)

    assert "There is no evidence" in source
    assert "quiz-data" not in source
    assert "<" not in source


def test_the_page_is_small_and_whole(book):
    """It loads on a phone, reads without script, and no statement can end the block that holds it."""
    source = quiz.quiz_source(book, evidence(book))
    data = ITEM.search(source)[1]

    assert len(source.encode()) < 400_000
    assert "<" not in data
    assert len(json.loads(data)["items"]) == len(quiz.quiz_items(book, evidence(book)))
    assert source.count("<details>") == 6


@pytest.fixture(scope="module")
def address(book, tmp_path_factory):
    file = tmp_path_factory.mktemp("quiz") / "quiz.html"
    source = quiz.quiz_source(book, evidence(book))
    return page_with(file, source, style="quiz.css", scripts=["quiz.js"], static=STATIC)


@pytest.fixture
def page(browser, address):
    with opened(browser, address, viewport={"width": 360, "height": 780}) as page:
        yield page


FAIR = """() => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const pool = Array.from({ length: 60 }, (_, i) => ({ id: String(i), answer: i % 3 === 0 }));
  let memory = quizLogic.emptyMemory();
  return Array.from({ length: 4000 }, () => {
    const item = quizLogic.draw(pool, memory, random);
    memory = quizLogic.record(memory, item, random() < 0.7 ? item.answer : !item.answer);
    return [item.id, item.answer, memory.items[item.id].missed];
  });
}"""


def test_true_and_false_are_equally_likely(page):
    """Twice as many false statements as true ones, and yet half of what is asked is true: a coin decides first."""
    drawn = page.evaluate(FAIR)

    assert 1850 < sum(answer for _, answer, _ in drawn) < 2150  # four and a half standard deviations
    assert len({name for name, _, _ in drawn[:130]}) == 60  # all are asked before what was right is asked again


def test_a_missed_statement_comes_back_after_five_others(page):
    """It rests first, and then it is the next of its kind; once it is answered rightly, it waits its turn."""
    drawn = page.evaluate(FAIR)
    returns = []
    for i, (name, _, missed) in enumerate(drawn[:2000]):
        again = next(j for j in range(i + 1, len(drawn)) if drawn[j][0] == name)
        assert again - i > 5
        if missed:
            returns.append(again - i)

    assert sorted(returns)[len(returns) // 2] <= 12


def test_a_memory_that_is_none_is_forgotten(page):
    """What an older page stored, or somebody by hand, breaks nothing."""
    for stored in (None, "", "{", "[]", "null", '{"asked": 1, "right": 2, "items": {}}', '{"asked": "1"}'):
        assert page.evaluate("it => quizLogic.readMemory(it)", stored) == {"asked": 0, "right": 0, "items": {}}


def answered(page) -> bool:
    """Answer the statement that is shown, by keyboard; return whether it was right."""
    page.keyboard.press("t")
    verdict = page.locator(".quiz-verdict").inner_text()
    assert re.fullmatch(r"(Right|No): it is (true|false)\.", verdict)
    return verdict.startswith("Right")


def test_a_sitting_by_keyboard(page):
    """Ten statements, each with what stands behind it, then what to read again; the score stays in the browser."""
    page.get_by_role("button", name="Start").focus()
    page.keyboard.press("Enter")
    right = []
    for i in range(10):
        assert page.locator(":focus").inner_text().startswith(f"{i + 1} of 10. True or false?")
        right.append(answered(page))
        assert page.locator(".quiz-verdict").get_attribute("role") == "status"
        assert page.locator(".quiz-after").inner_text().count("The code of the check") == 1
        page.keyboard.press("n")
    assert page.locator(":focus").inner_text() == f"{sum(right)} of 10 right"
    assert page.locator(".quiz-again > li > ul > li").count() == 10 - sum(right)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    page.reload()
    assert f"So far you were right on {sum(right)} of 10" in page.locator(".quiz-score").inner_text()
    page.get_by_role("button", name="Forget my score").click()
    page.reload()
    assert "right on" not in page.locator(".quiz-score").inner_text()


def test_levels_and_keys_stay_where_they_belong(page):
    """A key acts on the quiz only while the focus is in it, and only the chosen level is asked."""
    for level in ("easy", "medium"):
        page.get_by_label(level).uncheck()
    page.get_by_role("button", name="Start").click()
    assert "· hard" in page.locator(".quiz-badge").inner_text()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("t")
    assert page.locator(".quiz-verdict").inner_text() == ""
    page.get_by_role("button", name="True").click()
    assert page.locator(".quiz-verdict").inner_text() != ""
    page.get_by_role("button", name="Next").click()
    assert page.locator(".quiz-head").inner_text().startswith("2 of")


def test_no_level_is_nothing_to_ask(page):
    """Whoever unticks everything is told so instead of being shown an empty page."""
    for level in ("easy", "medium", "hard"):
        page.get_by_label(level).uncheck()

    assert page.get_by_role("button", name="Start").is_disabled()
    assert page.locator(".quiz-size").inner_text() == "No statement is left: choose a level."


def test_a_browser_that_stores_nothing_still_asks(browser, address):
    """Some browsers refuse storage to files; the score then lasts as long as the page."""
    page = browser.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page.goto(address)
    page.get_by_role("button", name="Start").click()
    answered(page)
    page.close()


def test_without_script_a_few_statements_open(browser, address):
    """A reader without script is told that the test needs one, and gets a taste."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.locator("summary").first.click()

    assert "needs JavaScript" in page.locator("#quiz").inner_text()
    assert page.locator("details[open] strong").inner_text() in {"True.", "False."}
    context.close()
