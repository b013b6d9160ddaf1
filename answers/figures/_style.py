"""One look for all figures: readable in light and dark, on a phone, and without colour."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

# Colours of Okabe and Ito, which colour-blind readers can tell apart, each with a lighter twin for a dark page.
INK, MUTED = "#1f2328", "#8c959f"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#c35a00", "#007d5c", "#8a4f7d"
_DARK = {INK: "#e6edf3", MUTED: "#7d8590", BLUE: "#58b6f0", ORANGE: "#ff9b54", GREEN: "#3fd0a4", PURPLE: "#d7a1cb"}
_NAMES = {INK: "ink", MUTED: "muted", BLUE: "blue", ORANGE: "orange", GREEN: "green", PURPLE: "purple"}
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"))  # a curve is told by its dashes, too

_SETTINGS: Any = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.color": MUTED,
    "grid.linewidth": 0.4,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "answers",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@contextmanager
def house_style() -> Iterator[Any]:
    """Yield matplotlib's pyplot, set for our figures."""
    import matplotlib as mpl  # noqa: PLC0415 - an optional library, needed only to draw

    mpl.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    with mpl.rc_context(_SETTINGS):
        yield plt
        plt.close("all")


def as_svg(figure: Any, *, alt: str, digest: str) -> str:
    """Return a figure as SVG that follows the reader's light or dark page, with its alt text and its data's digest."""
    buffer = StringIO()
    with house_style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, name in _NAMES.items():
        svg = re.sub(colour, f"var(--{name})", svg, flags=re.IGNORECASE)
    light, dark = (
        ";".join(f"--{name}:{shade[colour]}" for colour, name in _NAMES.items())
        for shade in ({c: c for c in _NAMES}, _DARK)
    )
    style = (
        f"<style>:root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}</style>"
    )
    head, body = svg.split(">", 1)
    escaped = alt.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    svg = f'{head} role="img">\n<!-- data: {digest} -->\n<title>{escaped}</title>\n{style}{body}'
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
