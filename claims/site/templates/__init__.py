"""The templates of generated pages and cards."""

import functools
import string
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_PUNCTUATION = str.maketrans({c: f"\\{c}" for c in string.punctuation})


def markdown(text: object) -> str:
    """Return text so that Markdown shows it as it is."""
    return str(text).translate(_PUNCTUATION)


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("claims.site"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["markdown"] = markdown
    return made


def render(template: str, **values: Any) -> str:
    """Return a template filled with values."""
    return _environment().get_template(template).render(**values)
