"""Build the site: write its sources, let Sphinx make pages of them, and put them where the old ones were."""

import shutil
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

from claims.engine.book import ANSWERS, Book
from claims.engine.subjects import BadInput
from claims.site import sources
from claims.site.standing import Standing

HERE = Path(__file__).parent
TITLE = "Answers that run"


def build(book: Book, stands: Standing, evidence: Path, output: Path) -> None:
    """Build the site in a folder beside `output`, and rename it when it is whole.

    Raises BadInput with all that Sphinx warns of: a page that it cannot read as it was meant is not published.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        source.mkdir()
        sources.write(book, stands, source)
        _sphinx(source, made, _settings(stands, evidence, source))
        old = Path(folder, "old")
        if output.exists():
            output.rename(old)
        made.rename(output)


def _sphinx(source: Path, made: Path, settings: dict[str, Any]) -> None:
    from sphinx.application import Sphinx  # noqa: PLC0415 - an optional library, which takes half a second to import
    from sphinx.util.docutils import docutils_namespace, patch_docutils  # noqa: PLC0415

    warnings, doctrees = StringIO(), made.with_name("doctrees")
    with patch_docutils(None), docutils_namespace():
        app = Sphinx(
            source, None, made, doctrees, "html", settings, status=None, warning=warnings, warningiserror=True
        )
        app.build(force_all=True)
    if said := warnings.getvalue().replace(f"{source}/", f"{ANSWERS}/").strip():
        raise BadInput(said)


def _settings(stands: Standing, evidence: Path, source: Path) -> dict[str, Any]:
    return {
        "project": TITLE,
        "extensions": ["myst_parser", "claims.site.extension"],
        "claims_evidence": str(evidence),
        "myst_url_schemes": {"http": None, "https": None, "claim": "{{uri}}"},
        "html_theme": "furo",
        "html_static_path": [str(HERE / "static"), str(source / sources.STATIC)],
        "templates_path": [str(HERE / "templates")],
        "html_css_files": ["site.css"],
        "html_js_files": [("site.js", {"defer": "defer"})],
        "html_copy_source": False,
        "html_use_index": False,
        "html_show_copyright": False,
        "html_title": TITLE,
        "html_theme_options": {"announcement": _announcement(stands)},
    }


def _announcement(stands: Standing) -> str:
    """Return what every page says at its top where no outcomes can be shown."""
    if not stands.missing:
        return ""
    return f"These pages show no outcomes: {stands.missing}. <code>claims check</code>, then <code>claims site</code>."
