"""The site shows what the evidence says and nothing else, leads nowhere else, and is whole or not there."""

import functools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from claims.engine import evidence
from claims.engine.book import NOT_PAGES
from claims.engine.declare import ROOT
from claims.engine.reading import load
from claims.engine.subjects import BadInput
from tests.conftest import make_project
from tests.projects import PROSE, book_of
from tests.sites import ODD

pytest.importorskip("sphinx", reason="the site is built with Sphinx")

from claims.site import building, cards, matrix, standing

LOADED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "source": "src",
    "iframe": "src",
    "use": "href",
    "image": "href",
}
LOADING = {None, "stylesheet", "shortcut icon", "preload"}
FRONT_PAGE = 500_000  # bytes


class Tags(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@functools.cache
def tags(page):
    return Tags(page.read_text(encoding="utf-8")).found


def pages(folder):
    return sorted(folder.rglob("*.html"))


def loaded(page):
    """Return the addresses that a browser fetches to show a page."""
    found = [a.get(LOADED[tag]) or "#" for tag, a in tags(page) if tag in LOADED and a.get("rel") in LOADING]
    return [address for address in found if not address.startswith("#")]


def marks(page):
    """Return the claims that a page links, with the kind and outcome that it says of each."""
    found = {}
    for tag, attributes in tags(page):
        if tag == "a" and "data-claim" in attributes:
            last = attributes["data-claim"]
            found.setdefault(last, "")
        elif tag == "span" and attributes.get("role") == "img" and attributes.get("class", "").startswith("mark "):
            found[last] = attributes["aria-label"]
    return found


def built(project, *arguments):
    done = project.claims("site", *arguments)
    assert done.returncode == 0, done.stderr
    return project.root / "build/site"


def failed(project, *arguments):
    done = project.claims("site", *arguments)
    assert done.returncode == 2, done.stdout
    return done.stderr.strip().removeprefix("claims: ")


def test_marks_say_what_the_run_found(project):
    """A reader sees of each sentence whether it held, and of each myth that it is false."""
    project.claims("check")
    site = built(project)

    assert marks(site / "demo.html") == {
        "doubling_is_adding_to_itself": "property, held",
        "doubling_makes_larger": "myth, false",
    }
    assert "These pages show no outcomes" not in (site / "index.html").read_text()
    card = json.loads((site / "_static/cards/demo.js").read_text().removeprefix("showCards(").removesuffix(");\n"))
    for words in ("Doubling a number adds it to itself.", "100 cases", "squares", "leaves large numbers alone"):
        assert words in card["doubling_is_adding_to_itself"]
    assert "claims check doubling_is_adding_to_itself" in card["doubling_is_adding_to_itself"]
    assert "numbers.x" in re.sub("<[^>]*>", "", card["doubling_is_adding_to_itself"])
    assert "<code>x=[-1.0]</code>" in card["doubling_makes_larger"]


@pytest.fixture(scope="module")
def unjudged(tmp_path_factory):
    """Return a project that no run has judged, with its site."""
    project = make_project(tmp_path_factory.mktemp("unjudged"))
    built(project)
    return project


def test_without_evidence_there_are_no_marks_and_every_page_says_so(unjudged):
    """A page that merely looks as if it were judged would be worse than one without marks."""
    site = unjudged.root / "build/site"
    for page in pages(site):
        text = page.read_text()
        assert "These pages show no outcomes: no run has judged these claims yet." in text
        assert not re.search(r'class="mark |class="totals"|badge\.svg', text)
    assert set(marks(site / "demo.html").values()) == {""}
    assert "held" not in (site / "_static/cards/demo.js").read_text()


HERE = {"version": "1", "commit": "a" * 40, "dirty": False}


@pytest.mark.parametrize(
    ("judged", "here", "missing"),
    [
        (HERE, HERE, ""),
        (HERE | {"commit": "b" * 40}, HERE, "the last run judged commit bbbbbbbbbb, and this is commit aaaaaaaaaa"),
        (HERE | {"dirty": True}, HERE, "the last run judged a checkout with changes that were not committed"),
        (HERE, HERE | {"dirty": True}, "this checkout has changes that are not committed"),
        (
            HERE,
            {"version": "1", "commit": None, "dirty": None},
            "the last run judged commit aaaaaaaaaa, and this is version 1",
        ),
    ],
)
def test_evidence_counts_for_the_commit_that_it_judged(monkeypatch, tmp_path, judged, here, missing):
    """What another commit's run found would be said of sentences that it never judged."""
    run = {"schema": 1, "claims": [], "myths": [], "totals": {}, "date": "", "project": judged}
    (tmp_path / "run.json").write_text(json.dumps(run))
    monkeypatch.setattr(evidence, "project", lambda: here)
    stands = standing.read(tmp_path / "run.json")

    assert (stands.missing, dict(stands.run)) == (missing, {} if missing else run)


@pytest.mark.parametrize("text", ['{"schema": 1', '{"schema": 2}', "[]", '{"schema": 1}'])
def test_what_is_no_evidence_is_refused(tmp_path, text):
    """A torn file must not look like a run in which nothing was judged."""
    (tmp_path / "torn.json").write_text(text)

    with pytest.raises(BadInput, match=r"torn.json: it is no evidence of schema 1; claims check writes one"):
        standing.read(tmp_path / "torn.json")


def entry(claim, outcome, **facts):
    return {"id": claim, "subject": "numpy", "outcome": outcome, "mistakes": [], **facts}


@pytest.mark.parametrize("outcome", ["held", "refuted", "error", "not judged"])
def test_an_outcome_is_called_what_the_evidence_calls_it(outcome):
    """What was not judged must not look like what held."""
    book = book_of()
    claim, myth = book.claims["doubling_is_adding_to_itself"], book.claims["doubling_makes_larger"]
    run = {"claims": [entry(claim.id, outcome)], "myths": [entry(myth.id, outcome)]}
    stands = standing.Standing(run)

    assert stands.mark(claim) == ("property", outcome)
    assert stands.mark(myth) == ("myth", {"held": "not refuted", "refuted": "false"}.get(outcome, outcome))


def test_what_a_run_left_out_or_judged_on_others_is_not_judged():
    """A library's outcome says nothing of the book's own code."""
    claim = book_of().claims["doubling_is_adding_to_itself"]
    other = entry(claim.id, "held") | {"subject": "torch"}

    assert standing.Standing({"claims": [], "myths": []}).mark(claim) == ("property", "not judged")
    assert standing.Standing({"claims": [other], "myths": []}).mark(claim) == ("property", "not judged")
    assert standing.Standing(missing="no run").mark(claim) == ("property", "")


def test_the_matrix_tells_refuted_from_spared_and_not_judged():
    """A square that is drawn for a mistake nobody refuted would be a lie in green."""
    book = book_of()
    claim, slot = book.claims["doubling_is_adding_to_itself"], book.slots["double"]

    def signs(*outcomes):
        names = ("squares", "leaves_large_numbers_alone")
        found = [{"id": name, "outcome": outcome} for name, outcome in zip(names, outcomes, strict=False)]
        run = {"claims": [entry(claim.id, "held", mistakes=found)], "myths": []}
        drawn = matrix.of_slot(book, slot, standing.Standing(run))
        assert [each.id for each in drawn.claims] == [claim.id]
        assert "squares" in drawn.svg
        assert "leaves large numbers alone" in drawn.svg
        return drawn.signs

    assert signs("refuted", "refuted") == ["refuted"]
    assert signs("refuted", "held") == ["refuted", "spared"]
    assert signs("refuted") == ["not judged", "refuted"]
    assert matrix.of_slot(book, slot, standing.Standing(missing="no run")).signs == ["declared"]


def test_a_link_to_no_claim_is_named_with_its_line(project):
    """An author who mistypes a claim learns where, and no half-true page is published."""
    project.page(prose=PROSE + "\n[This][doubling_is_nothing].\n")

    assert failed(project).startswith("answers/demo.md:5: it links to no such claim: doubling_is_nothing")
    assert not (project.root / "build/site").exists()


def test_what_sphinx_warns_of_stops_the_build_and_the_old_site_stays(unjudged):
    """A page that leads nowhere is not published; what was published before is still there, and whole."""
    site = unjudged.root / "build/site"
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    unjudged.page(prose=PROSE + "\n[There](nowhere.md).\n")
    said = failed(unjudged)

    assert said.startswith("answers/demo.md:5: ")
    assert "nowhere.md" in said
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert [path.name for path in site.parent.iterdir() if path.name.startswith(".site")] == []


def test_whoever_interrupts_the_last_step_keeps_the_old_site(tmp_path):
    """Between the two renames there is a moment in which no site lies in its place."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("old")

    with pytest.raises(FileNotFoundError):
        building.replace(tmp_path / "site", tmp_path / "never made", tmp_path / "old")
    assert (tmp_path / "site/index.html").read_text() == "old"


def test_a_wrong_file_or_folder_is_one_line_and_harms_nothing(project):
    """Whoever names the wrong one loses neither."""
    (project.root / "mine").mkdir()
    (project.root / "mine/thesis.txt").write_text("years")

    assert failed(project, "--evidence", "none.json") == "none.json: there is no such file; claims check writes one"
    assert failed(project, "--output", "mine").endswith("it is there already and is no site; name another folder")
    assert (project.root / "mine/thesis.txt").read_text() == "years"


def test_code_is_shown_without_its_docstring():
    """The card says the sentence once."""
    claim = load().claims["two_linear_layers_equal_one"]

    assert cards.code(claim.body).splitlines()[:3] == [
        "@claim(net=two_layers)",
        "def two_linear_layers_equal_one(collapse_linear, net):",
        "    x, W1, b1, W2, b2 = net",
    ]


def test_every_outcome_of_the_whole_book_is_the_evidences(site):
    """On the real pages, each of the links says what the evidence says of that claim."""
    book = load()
    names = {"refuted": "false", "held": "not refuted"}
    for stem in set(book.pages) - NOT_PAGES:
        said = marks(site / f"{stem}.html")
        assert said.keys() == set(book.pages[stem].questions)
        for claim in map(book.claims.get, said):
            expected = ODD.get(claim.id, "refuted" if claim.is_myth else "held")
            kind, outcome = ("myth", names.get(expected, expected)) if claim.is_myth else (claim.kind, expected)
            assert said[claim.id] == f"{kind}, {outcome}"


def test_no_built_file_requests_anything_from_elsewhere(site):
    """The site works on a train, and tells nobody who reads it."""
    for page in pages(site):
        assert [address for address in loaded(page) if re.match(r"(\w+:)?//", address)] == [], page
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        addresses = re.findall(r"url\(\s*[\"']?([^)\"']+)", text) + re.findall(r"@import\s+[\"']([^\"']+)", text)
        assert [address for address in addresses if re.match(r"(https?:)?//", address)] == [], sheet


def test_every_link_inside_the_site_arrives(site):
    """From a folder, at any path: links are relative, and their pages and anchors are there."""
    known = {page: {a["id"] for _, a in tags(page) if a.get("id")} for page in pages(site)}
    for page in known:
        links = [a["href"] for tag, a in tags(page) if tag == "a" and a.get("href")]
        inside = [link for link in [*links, *loaded(page)] if not re.match(r"\w+:", link)]
        assert not [link for link in inside if link.startswith("/")]
        for link in inside:
            path, anchor = urldefrag(link)
            target = (page.parent / unquote(path.partition("?")[0])).resolve() if path else page
            assert target.is_file(), f"{page.name}: {link}"
            if anchor and page.name != "search.html":
                assert unquote(anchor) in known[target], f"{page.name}: {link}"


def test_every_assertion_has_a_card(site):
    """A link that opens an empty card would be a promise without anything behind it."""
    for stem in load().pages:
        text = (site / f"_static/cards/{stem}.js").read_text(encoding="utf-8")
        shown = json.loads(text.removeprefix("showCards(").removesuffix(");\n"))
        assert shown.keys() == marks(site / f"{stem}.html").keys()


def test_the_front_page_is_light(site):
    """It loads at once on a telephone."""
    files = [site / address.partition("?")[0] for address in loaded(site / "index.html") if "_images" not in address]
    fonts = [
        site / "_static/fonts" / name for name in ("serif-regular.woff2", "serif-bold.woff2", "serif-italic.woff2")
    ]

    assert sum(path.stat().st_size for path in {site / "index.html", *files, *fonts}) <= FRONT_PAGE


def test_the_front_page_names_every_question_and_what_was_judged(site):
    """A visitor sees at one glance what there is and which commit it was judged on."""
    text = (site / "index.html").read_text(encoding="utf-8")

    for question in load().questions:
        assert f'<span class="number">{question.id}</span>' in text
    for words in ("0123456789", "2026-01-01", "2.0.0", "badge.svg", "claims check", "uv run pytest", "claims judge"):
        assert words in text


def test_the_table_has_every_claim_and_its_facts(site):
    """Whoever looks for a claim finds it by kind, question, slot and outcome."""
    rows = [a for tag, a in tags(site / "claims.html") if tag == "tr" and "data-kind" in a]
    book = load()

    assert len(rows) == len(book.claims)
    assert {row["data-question"] for row in rows} == {question.id for question in book.questions}
    assert {row["data-outcome"] for row in rows} == {"held", "refuted", "error", "not judged", "false", "not refuted"}
    assert {slot for row in rows for slot in row["data-slot"].split()} == set(book.slots)


def test_figures_come_in_light_and_dark(site):
    """The page's own switch turns the figures, too."""
    for name in ("linear_layers", "learning_rate"):
        light, dark = ((site / f"_images/{name}{twin}.svg").read_text(encoding="utf-8") for twin in ("", ".dark"))
        assert "prefers-color-scheme" not in light + dark
        assert "--ink:#e6edf3" in dark
        assert "--ink:#e6edf3" not in light
    shown = [a for tag, a in tags(site / "linear_layers.html") if tag == "img"]
    assert [("only-light" in a["class"], "only-dark" in a["class"]) for a in shown] == [(True, False), (False, True)]
    assert all(a["alt"].startswith("Two panels.") for a in shown)


def test_without_sphinx_one_line_says_what_to_install(project):
    """Whoever has only what the claims need is told the extra's name."""
    (project.root / "bare.py").write_text(
        "import sys\nsys.modules['sphinx'] = None\nfrom claims.__main__ import main\nsys.argv[1:] = ['site']\nmain()\n"
    )
    done = project.run("bare")

    assert done.returncode == 2
    assert done.stderr == (
        "claims: the site needs sphinx, which is not installed; pip install 'executable-answers[site]'\n"
    )


def test_the_packages_hold_what_the_site_needs():
    """Fonts, templates and scripts travel with the package, and their licence with the fonts."""
    here = Path(standing.__file__).parent

    for name in ("static/site.css", "static/fonts/serif-regular.woff2", "static/fonts/OFL.txt", "templates/card.html"):
        assert (here / name).is_file()
    assert here.is_relative_to(ROOT)
