"""Build the site: write its sources, let Sphinx make pages of them, and put them where the old ones were."""

import re
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from claims.engine.book import ANSWERS, Book
from claims.engine.subjects import BadInput
from claims.site import sources
from claims.site.standing import Standing

HERE = Path(__file__).parent
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_MADE = ".buildinfo"  # Sphinx writes it into each site
TITLE = "Answers that run"


def build(book: Book, stands: Standing, evidence: Path, output: Path, step: Callable[[int], None]) -> None:
    """Build the site in a folder beside `output`, and rename it when it is whole.

    `step` is told after each page that is read or written how many such steps there are.
    Raises BadInput with what Sphinx warns of: a page that it cannot read as it was meant is not published.
    """
    if output.exists() and not (output / _MADE).is_file():
        raise BadInput(f"{output}: it is there already and is no site; name another folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        source.mkdir()
        sources.write(book, stands, source)
        steps = 2 * len(list(source.rglob("*.md")))
        _sphinx(source, made, _settings(stands, evidence, source), lambda *_: step(steps))
        replace(output, made, Path(folder, "old"))


def replace(output: Path, made: Path, old: Path) -> None:
    """Rename what was made to `output`, and what was there to `old`; if that fails, the old site is where it was."""
    if not output.exists():
        made.rename(output)
        return
    output.rename(old)
    try:
        made.rename(output)
    except BaseException:
        old.rename(output)
        raise


def _sphinx(source: Path, made: Path, settings: dict[str, Any], step: Callable[..., None]) -> None:
    warnings, doctrees = StringIO(), made.with_name("doctrees")
    with patch_docutils(None), docutils_namespace():
        app = Sphinx(source, None, made, doctrees, "html", settings, status=None, warning=warnings)
        for event in ("source-read", "doctree-resolved"):
            app.connect(event, step)
        app.build(force_all=True)
    if said := _COLOUR.sub("", warnings.getvalue()).strip():
        raise BadInput(said.replace(f"{source}/", f"{ANSWERS}/"))


def _settings(stands: Standing, evidence: Path, source: Path) -> dict[str, Any]:
    return {
        "project": TITLE,
        "html_title": TITLE,
        "extensions": ["myst_parser", "claims.site.extension"],
        "claims_evidence": str(evidence),
        "myst_url_schemes": {"http": None, "https": None, "claim": "{{uri}}"},
        "templates_path": [str(HERE / "templates")],
        "html_theme": "furo",
        "html_theme_options": {"announcement": _announcement(stands)},
        "html_static_path": [str(HERE / "static"), str(source / sources.STATIC)],
        "html_css_files": ["site.css"],
        "html_js_files": [("site.js", {"defer": "defer"})],
        "html_copy_source": False,
        "html_use_index": False,
        "html_show_copyright": False,
    }


def _announcement(stands: Standing) -> str:
    """Return what every page says at its top where no outcomes can be shown."""
    if not stands.missing:
        return ""
    return f"These pages show no outcomes: {stands.missing}. <code>claims check</code>, then <code>claims site</code>."
