"""The committed run of `claims bench`, from which the page on batch sizes draws its table and figures."""

import json
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[1] / "batch_size_reference.json"


@cache
def reference() -> dict[str, Any]:
    """Return the results of the reference run."""
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found
