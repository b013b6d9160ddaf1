"""A journal: results that outlive the process, the machine's power and a full disk, one JSON line each.

The first line is a header that says what the results are results of.  Every further line reaches
the system by one write, so whatever ends this process leaves whole lines, but for the last.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from claims.engine.subjects import BadInput
from claims.engine.text import count

Result: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[Any, ...]

# Written lines survive the process at once, the machine only after fsync.  That takes milliseconds,
# as long as a small run, so it is done at most so often; what a power cut takes is computed again.
_SYNC = 1.0  # seconds

_NO_HEADER = "it does not begin with the header of a results file; name another file"


class Journal:
    """A file of results, held by one process at a time; `results` has those that are in it, by key."""

    def __init__(self, path: Path, header: Mapping[str, Any], key: Sequence[str]) -> None:
        """Open a file or create it, lock it, read its results, and cut off a last line that is not whole.

        `header` is what JSON can hold; `key` names the fields that tell one result from another.

        Raises BadInput, with file and line, if it is no file, another process holds it, its header is another one, or a
        line is not a result; the file is then left as it is.
        """
        self.path, self.key = path, tuple(key)
        self.results: dict[Key, Result] = {}
        self._end, self._synced = 0, time.monotonic()
        if path.exists() and not path.is_file():  # a device or a pipe may never end
            raise BadInput(f"{path}: it is no file; name another")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}; name another file") from None
        try:
            self._lock()
            self._read(header)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def append(self, result: Result) -> None:
        """Write a result; raise BadInput if the disk does not take it, with all earlier ones whole."""
        self._write(result)
        self.results[self._key_of(result)] = result

    def close(self) -> None:
        """Make sure that the results are on the disk, and let the file go."""
        if not self._file.closed:
            try:
                self._sync()
            finally:
                self._file.close()

    def _key_of(self, result: Result) -> Key:
        return tuple(result[name] for name in self.key)

    def _lock(self) -> None:
        # The system drops this lock with the process, however that ends: no lock file is left to be cleared away.
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"{self.path}: another run writes to it; wait for its end, or name another file") from None

    def _read(self, header: Mapping[str, Any]) -> None:
        self._file.seek(0)
        content = self._file.read()
        *lines, torn = content.split(b"\n")
        if lines:
            self._compare(lines[0], _line(header))
        elif not _line(header).startswith(torn):
            raise self._refused(1, _NO_HEADER)
        for number, line in enumerate(lines[1:], 2):
            self._enter(number, line)
        if torn:
            self._file.truncate(len(content) - len(torn))
        self._end = len(content) - len(torn)
        if not lines:
            self._write(dict(header))
            _sync_folder(self.path.parent)

    def _compare(self, line: bytes, header: bytes) -> None:
        try:
            theirs = json.loads(line)
            pairs = [(name, theirs[name], value) for name, value in json.loads(header).items()]
        except (ValueError, TypeError, KeyError):
            raise self._refused(1, _NO_HEADER) from None
        for name, found, wanted in pairs:
            if found != wanted:
                why = f"written with {name} {found}, not {wanted}; name another file, or delete this one"
                raise self._refused(1, why)

    def _enter(self, number: int, line: bytes) -> None:
        try:
            result = json.loads(line)
            key = self._key_of(result)
            repeated = key in self.results
        except (ValueError, TypeError, KeyError):
            raise self._refused(number, "this is no result; delete the line, and its run is done again") from None
        if repeated:
            raise self._refused(number, "the result of this run stands in an earlier line; delete one of the two")
        self.results[key] = result

    def _refused(self, number: int, why: str) -> BadInput:
        return BadInput(f"{self.path}:{number}: {why}")

    def _write(self, entry: Result) -> None:
        line = _line(entry)
        try:
            rest = line
            while rest:  # a disk that is nearly full takes a part, and the next write tells why not more
                rest = rest[self._file.write(rest) :]
            self._end += len(line)
            if time.monotonic() - self._synced > _SYNC:
                self._sync()
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> BadInput:
        with contextlib.suppress(OSError):  # or else the next run cuts the rest of the line off
            self._file.truncate(self._end)
        kept = count(len(self.results), "result")
        return BadInput(f"{self.path}: {error.strerror}; it keeps its {kept}: make room, and run this again to go on")

    def _sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None
        self._synced = time.monotonic()


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, allow_nan=False).encode() + b"\n"


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk, too, not only what the file holds."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
