"""What the child may use, set by the child itself before it reads a line of foreign code."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

MEMORY = 1 << 30  # bytes of address space
CPU = 120  # seconds in all
FILE = 1 << 20  # bytes in a file
FILES = 32  # open at once
_SUBREAPER, _PARENT_DEATH, _NO_NEW_PRIVILEGES = 36, 1, 38  # of prctl(2)


def confine(folder: str, user: int | None) -> list[str]:
    """Limit this process for good, move it into an empty folder, and return what could not be limited.

    `user` is the id to become, None to stay.  Limits that this system does not know are told, one line each.
    """
    os.chdir(folder)
    wanted = {"RLIMIT_AS": MEMORY, "RLIMIT_CPU": CPU, "RLIMIT_FSIZE": FILE, "RLIMIT_NOFILE": FILES, "RLIMIT_CORE": 0}
    # A process more than the one that runs is one too many; root is not held to that.
    wanted["RLIMIT_NPROC"] = 1
    unlimited = [name for name, value in wanted.items() if not _limited(name, value)]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    elif os.getuid() == 0:
        unlimited.append("RLIMIT_NPROC")
    if _prctl(_NO_NEW_PRIVILEGES, 1):
        _prctl(_PARENT_DEATH, signal.SIGKILL)
    if not unlimited:
        return []
    what = ", ".join(name.removeprefix("RLIMIT_") for name in dict.fromkeys(unlimited))
    return [f"{sys.platform} does not limit {what} here: judge only code that you trust"]


def _limited(name: str, value: int) -> bool:
    try:
        resource.setrlimit(getattr(resource, name), (value, value))
    except (AttributeError, ValueError, OSError):
        return False
    return True


def adopt_orphans() -> None:
    """Let what this process's children leave behind become its own children, where the system can do that."""
    _prctl(_SUBREAPER, 1)
    _prctl(_PARENT_DEATH, signal.SIGKILL)


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0)


def someone_else() -> int | None:
    """Return a user id that nobody has, None where this process may not become another user."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return None
    # One id for each child: what counts processes counts them by user, and children must not share a count.
    return next((user for user in (400_000 + os.getpid() % 100_000, 65_534) if _may_become(user)), None)


def _may_become(user: int) -> bool:
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def descendants(root: int) -> Iterator[int]:
    """Yield the processes that descend from one, where the system lists them."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{root}/task").iterdir():
            for child in map(int, (thread / "children").read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)
