"""The Sphinx extension: links to claims get their marks, titles their levels, and figures a twin for dark pages."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from claims.engine import reading
from claims.site import standing
from claims.site.chapters import LEVELS, numbered_title
from claims.site.cards import href
from claims.site.generated import GENERATED

SCHEME = "claim:"
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
    if outcome:
        classes = f"mark {kind} {outcome.replace(' ', '-')}"
        translator.body.append(f'<span class="{classes}" role="img" aria-label="{kind}, {outcome}"></span>')
    translator.body.append("</a>")


def link_claims(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the references of the scheme `claim:` by links that show how the claim stands."""
    book = reading.load()
    stands = standing.read(Path(app.config.claims_evidence), required=False)
    for reference in list(doctree.findall(nodes.reference)):
        if not reference.get("refuri", "").startswith(SCHEME):
            continue
        claim = book.claims[reference["refuri"].removeprefix(SCHEME)]
        page, _, anchor = href(book, claim).partition("#")
        link = ClaimLink("", *reference.children, claim=claim.id, mark=stands.mark(claim))
        link["href"] = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        reference.replace_self(link)


class Levels(SphinxTransform):
    """Set the number and the level of a question apart from its words."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Split the titles that begin as `Q22 [M]` does."""
        for title in self.document.findall(nodes.title):
            first = title.children[0]
            if not (found := _QUESTION.match(first.astext())):
                continue
            level = nodes.inline("", LEVELS[found["level"]], classes=["level", LEVELS[found["level"]]])
            number = nodes.inline("", found["id"], classes=["number"])
            rest = nodes.Text(first.astext()[found.end() :])
            title[0:1] = [number, nodes.Text(" "), level, nodes.Text(" "), rest]


class Twins(SphinxTransform):
    """Show each figure in light, and its twin in dark; the theme hides the one that does not fit."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Put the dark twin of each figure behind it."""
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].startswith("figures/"):
                dark = image.copy()
                dark["uri"] = image["uri"].replace(".svg", ".dark.svg")
                image["classes"], dark["classes"] = ["figure", "only-light"], ["figure", "only-dark"]
                image.replace_self([image.copy(), dark])


def name_pages(app: Sphinx, env: Any) -> None:
    """Let search and neighbours call a page by its short name, not by its whole question."""
    book = reading.load()
    for stem in book.pages:
        if stem in env.titles:
            env.titles[stem] = nodes.title("", numbered_title(book, stem))


def load_assets(app: Sphinx, pagename: str, *_: Any) -> None:
    """Load the script and the style of a generated page on that page only."""
    for page in GENERATED:
        if page.name == pagename:
            app.add_js_file(page.script, loading_method="defer")
            app.add_css_file(page.style)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all this with Sphinx."""
    app.add_config_value("claims_evidence", "", "env", [str])
    app.add_node(ClaimLink, html=(visit_claim_link, depart_claim_link))
    app.add_transform(Levels)
    app.add_transform(Twins)
    app.connect("doctree-resolved", link_claims)
    app.connect("env-updated", name_pages)
    app.connect("html-page-context", load_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
