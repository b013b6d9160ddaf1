"""The learner's session that the README shows, played in a terminal of 80 columns.

uv run python -m tests.session    # plays it and draws .github/session.svg anew
"""

import html
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from claims.engine.declare import ROOT
from claims.engine.evidence import replace

PICTURE = ROOT / ".github" / "session.svg"
FILE = "gradient_update.py"
FIRST = {
    "sgd_step": "return w - lr * g",
    "simultaneous_step": """params = dict(params)
    for name in params:
        params[name] = params[name] - lr * gradient(params)[name]
    return params""",
    "max_stable_lr": """if np.min(curvature) < 0:
        raise ValueError("no rate is stable")
    return np.divide(2, np.max(curvature))""",
}
MENDED = {
    "simultaneous_step": """gradients = gradient(params)
    return {name: w - lr * gradients[name] for name, w in params.items()}""",
    "guaranteed_decrease": "return lr * (1 - lr * smoothness / 2) * np.sum(np.square(g, dtype=float))",
}
THEME = TerminalTheme(
    (250, 250, 248),
    (40, 42, 46),
    [(40, 42, 46), (176, 32, 40), (24, 116, 58), (138, 96, 0), (30, 90, 170), (130, 50, 130), (0, 110, 115), (90,) * 3],
    [(90,) * 3, (176, 32, 40), (24, 116, 58), (138, 96, 0), (30, 90, 170), (130, 50, 130), (0, 110, 115), (40,) * 3],
)


def play(folder: Path) -> str:
    """Start a file, fill it in with one mistake, judge it, ask for a hint, mend it; return what the terminal shows."""
    file = folder / FILE
    shown = [_run(folder, "start", "gradient_update")]
    source = file.read_text(encoding="utf-8")
    file.write_text(_filled(source, FIRST), encoding="utf-8")
    shown += [_run(folder, "judge", FILE, "--seed", "1"), _run(folder, "hint", "simultaneous_step")]
    file.write_text(_filled(source, FIRST | MENDED), encoding="utf-8")
    return "\n".join([*shown, _run(folder, "judge", FILE, "--seed", "1")])


def _filled(source: str, bodies: dict[str, str]) -> str:
    for name, body in bodies.items():
        source = re.sub(rf"(def {name}\(.*?)raise NotImplementedError", lambda m: m[1] + body, source, flags=re.DOTALL)  # noqa: B023
    return source


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "claims", *arguments],
        check=False,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "", "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(ROOT)},
    )
    return f"\033[1m$ claims {' '.join(arguments)}\033[0m\n{done.stdout}{done.stderr}"


def drawn(shown: str) -> str:
    """Return it as an SVG that asks nobody for a font."""
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(Text.from_ansi(shown))
    format_ = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="a learner's session", theme=THEME, code_format=format_, unique_id="session")


def told(svg: str) -> list[str]:
    """Return the texts of a picture in order."""
    return [html.unescape(text) for text in re.findall(r">([^<>]+)</text>", svg)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        replace(PICTURE, drawn(play(Path(folder))))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
