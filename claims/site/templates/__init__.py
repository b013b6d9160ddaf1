"""The templates of generated pages and cards."""

import functools
import re
import string
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_SPECIAL = re.compile(f"`[^`]+`|[{re.escape(string.punctuation)}]")


def markdown(text: object) -> str:
    """Return text so that Markdown shows it as it is, with `code` as code."""
    return _SPECIAL.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", str(text))


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("claims.site"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["markdown"] = markdown
    return made


def render(template: str, **values: Any) -> str:
    """Return a template filled with values."""
    return _environment().get_template(template).render(**values)
