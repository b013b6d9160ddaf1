"""The Sphinx extension: links to claims get their marks, titles their levels, and figures a twin for dark pages."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from claims.engine import reading
from claims.site import standing
from claims.site.cards import SCHEME, href, script_of
from claims.site.chapters import LEVELS, numbered_title, short_title
from claims.site.generated import GENERATED
from claims.site.templates import render

_QUESTION = re.compile(r"(?P<id>Q[\d.]+) \[(?P<level>[EMH])\] ")


class ClaimLink(nodes.General, nodes.Inline, nodes.Element):
    """A link from the prose to a claim, with the mark that says how it stands."""


def visit_claim_link(translator: Any, node: ClaimLink) -> None:
    """Open the link."""
    facts = {"href": node["href"], "data-claim": node["claim"]}
    translator.body.append(translator.starttag(node, "a", "", CLASS="claim", **facts))


def depart_claim_link(translator: Any, node: ClaimLink) -> None:
    """Close the link behind its mark."""
    kind, outcome = node["mark"]
    mark = render("mark.html", kind=kind, outcome=outcome).strip() if outcome else ""
    translator.body.append(f"{mark}</a>")


def link_claims(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the references of the scheme `claim:` by links that show how the claim stands."""
    book = reading.load()
    stands = standing.read(Path(app.config.claims_evidence))
    for reference in list(doctree.findall(nodes.reference)):
        if not reference.get("refuri", "").startswith(SCHEME):
            continue
        claim = book.claims[reference["refuri"].removeprefix(SCHEME)]
        page, _, anchor = href(book, claim).partition("#")
        link = ClaimLink("", *reference.children, claim=claim.id, mark=stands.mark(claim))
        link["href"] = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        reference.replace_self(link)


class Titles(SphinxTransform):
    """Set number and level of a question apart from its words, and a title above the questions that share a page."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Split the titles that begin as `Q22 [M]` does."""
        for title in self.document.findall(nodes.title):
            text = title.children[0].astext()
            if found := _QUESTION.match(text):
                name = LEVELS[found["level"]]
                number = nodes.inline("", found["id"], classes=["number"])
                level = nodes.inline("", name, classes=["level", name])
                title.parent["ids"].insert(0, nodes.make_id(found["id"]))
                title[0:1] = [number, nodes.Text(" "), level, nodes.Text(f" {text[found.end() :]}")]
        sections = [child for child in self.document.children if isinstance(child, nodes.section)]
        if len(sections) > 1:
            name = short_title(self.env.docname)
            whole = nodes.section("", nodes.title("", name), ids=["questions"], names=["questions"])
            self.document.insert(self.document.index(sections[0]), whole)
            for section in sections:
                self.document.remove(section)
                whole.append(section)


class Twins(SphinxTransform):
    """Show each figure in light, and its twin in dark: the theme hides the one that does not fit."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Put the dark twin of each figure behind it."""
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].startswith("figures/"):
                light, dark = image.copy(), image.copy()
                dark["uri"] = image["uri"].replace(".svg", ".dark.svg")
                light["classes"], dark["classes"] = ["figure", "only-light"], ["figure", "only-dark"]
                image.replace_self([light, dark])


def name_pages(app: Sphinx, env: Any) -> None:
    """Let search and neighbours call a page by its short name, not by its whole question."""
    for stem in reading.load().pages:
        if stem in env.titles:
            env.titles[stem] = nodes.title("", numbered_title(reading.load(), stem))


def dress_page(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page what only it needs: its cards and the legend of its marks, or the script and style of its own."""
    for page in GENERATED:
        if page.name == pagename:
            app.add_js_file(page.script, loading_method="defer")
            app.add_css_file(page.style)
    if pagename == "claims":
        app.add_js_file("claims.js", loading_method="defer")
    captions = context["furo_navigation_tree"]  # headings without a level, which screen readers need
    context["furo_navigation_tree"] = captions.replace('role="heading"', 'role="heading" aria-level="2"')
    if doctree is None or not (links := list(doctree.findall(ClaimLink))):
        return
    cards = context["pathto"](f"_static/{script_of(pagename)}", 1)
    context["metatags"] += f'<meta name="claim-cards" content="{cards}">'
    marks = standing.ordered(link["mark"] for link in links if link["mark"][1])
    context["body"] += render("legend.html", marks=marks)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all this with Sphinx."""
    app.add_config_value("claims_evidence", "", "env", [str])
    app.add_node(ClaimLink, html=(visit_claim_link, depart_claim_link))
    app.add_transform(Titles)
    app.add_transform(Twins)
    app.connect("doctree-resolved", link_claims)
    app.connect("env-updated", name_pages)
    app.connect("html-page-context", dress_page, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
