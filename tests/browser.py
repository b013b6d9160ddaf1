"""A real browser for the tests of the site's scripts: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield the browser; skip the test, with the reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, address: str, **settings: Any) -> Iterator[Any]:
    """Yield a page in a window of its own; in the end it has complained of nothing."""
    context, faults = browser.new_context(**settings), []
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto(address)
    yield page
    context.close()
    assert faults == []


def page_with(path: Path, source: str, *, style: str, scripts: list[str], static: Path) -> str:
    """Write the HTML of a generated page around its raw blocks, as the theme would, and return its address."""
    blocks = "".join(part.split("\n```", 1)[0] for part in source.replace("`````", "```").split("```{raw} html\n")[1:])
    (path.parent / "_static").mkdir()
    for file in static.iterdir():
        if file.is_file():
            shutil.copy(file, path.parent / "_static")
    tags = "".join(f'<script defer src="_static/{name}"></script>' for name in scripts)
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>page</title><link rel="stylesheet" href="_static/{style}">'
        f"<body><main><h1>page</h1>{blocks}</main>{tags}",
        encoding="utf-8",
    )
    return path.as_uri()
