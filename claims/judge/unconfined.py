"""Where a system cannot fork a confined child: the file is run in this process, and the judge says so."""

import os
import socket
import sys
from pathlib import Path

from claims.engine.declare import Function
from claims.engine.subjects import BadInput
from claims.engine.text import describe, line_of
from claims.judge.file import defined
from claims.judge.parent import source_of


def can_confine() -> bool:
    """Return whether this system has what an isolated child takes."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


class Unconfined:
    """One file, read and called here, as `Child` is one that is read and called elsewhere."""

    def __init__(self, path: Path, shown: str) -> None:
        self.shown = shown
        self.source = source_of(path, shown)
        self.functions: dict[str, Function] = {}
        self.others: dict[str, str] = {}
        self.notices = [f"{sys.platform} cannot confine a process: your file runs in this one, without limits"]

    def load(self) -> None:
        """Run the file; raise BadInput, with the line, if that fails."""
        try:
            self.functions, self.others = defined(self.source, self.shown)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the learner, whatever it is
            where = f"{self.shown}:{line_of(error, Path(self.shown))}"
            raise BadInput(f"{where}: {describe(error)}; mend it, then it can be judged") from None

    def close(self) -> None:
        """Do nothing: there is no process to end."""
